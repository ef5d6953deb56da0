/* profile/vars.c: variables and parameters. */
#include "load.h"

#include <pwd.h>

static struct loaded load_defined(const char *text, const char *const *params)
{
	const char *path = write_profile("test", text);
	struct profile_request request = { .profiles = &path, .profile_count = 1, .params = params, .name = NULL };

	while (params && params[request.param_count])
		request.param_count++;
	return load(&request);
}

static void assert_description(const char *text, const char *expected)
{
	char profile[256];
	struct loaded loaded = { 0 };

	(void)snprintf(profile, sizeof(profile), "format = 1; name = \"web\"; description = \"%s\";", text);
	loaded = load_text(profile);
	assert_loaded(&loaded);
	assert_string_equal(loaded.profile->description, expected);
	unload(&loaded);
}

static void the_closed_list(void **state)
{
	const struct passwd *entry = getpwuid(getuid());
	char expected[256], cwd[256];

	(void)state;
	assert_description("${NAME}-${ID}", "web-0123456789abcdef");
	(void)snprintf(expected, sizeof(expected), "%u:%u", getuid(), getgid());
	assert_description("${UID}:${GID}", expected);
	assert_description("${PROFILE_DIR}/x", strcat(strcpy(expected, directory), "/x"));
	assert_non_null(getcwd(cwd, sizeof(cwd)));
	assert_description("${PWD}", cwd);
	assert_description("a$$b$${HOME}", "a$b${HOME}");
	/* The user data base, never $HOME. */
	if (entry) {
		assert_description("${HOME}", entry->pw_dir);
		assert_description("${USER}", entry->pw_name);
	}
	if (getuid() == 0)
		assert_description("${RUNTIME_DIR}", "/run");
}

static void what_is_not_a_variable(void **state)
{
	static const char *const wrong[][2] = {
		{ "$", "a lone $" },
		{ "a$b", "a lone $" },
		{ "${HOME", "${ without }" },
		{ "${}", "the name of a variable has 1 to 128 bytes" },
		{ "${HOM}", "unknown variable ${HOM}; did you mean ${HOME}?" },
		{ "${nothing}", "unknown variable ${nothing}" },
		{ "${env:EDITOR}", "${env:EDITOR}: this key takes nothing from the environment" },
	};
	char text[256], message[256];

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		(void)snprintf(text, sizeof(text), "format = 1;\ndescription = \"%s\";", wrong[i][0]);
		(void)snprintf(message, sizeof(message), "test.conf:2:description: %s", wrong[i][1]);
		assert_refused(load_text(text), message, 1);
	}
}

static void the_environment_where_it_may(void **state)
{
	struct loaded loaded = load_text("format = 1; process = { env = [ \"E=${env:EDITOR}\" ]; };");

	(void)state;
	assert_loaded(&loaded);
	assert_string_equal(loaded.profile->process.env.items[0], "E=vi");
	unload(&loaded);
	assert_refused(load_text("format = 1; process = { env = [ \"E=${env:NOTHING}\" ]; };"),
		       "test.conf:1:process.env[0]: ${env:NOTHING}: the variable is not in the environment", 1);
}

static void the_command_is_never_expanded(void **state)
{
	struct loaded loaded =
		load_text("format = 1; process = { command = [ \"sh\", \"-c\", \"echo $HOME ${x}\" ]; };");

	(void)state;
	assert_loaded(&loaded);
	assert_string_equal(loaded.profile->process.command.items[2], "echo $HOME ${x}");
	unload(&loaded);
}

/* ${PROFILE_DIR} belongs to the file in which it is written, whoever extends it; the command line has none. */
static void the_directory_of_the_file(void **state)
{
	static const char *const sets[] = { "description=${PROFILE_DIR}", NULL };
	char command[128], expected[128];
	struct loaded loaded = { 0 };

	(void)state;
	(void)snprintf(command, sizeof(command), "mkdir -p %s/sub", directory);
	assert_int_equal(system(command), 0);
	write_profile("sub/base", "format = 1; root = { source = \"${PROFILE_DIR}/rootfs\"; };");
	loaded = load_text("format = 1; extends = [ \"sub/base.conf\" ]; description = \"${PROFILE_DIR}\";");
	assert_loaded(&loaded);
	(void)snprintf(expected, sizeof(expected), "%s/sub/rootfs", directory);
	assert_string_equal(loaded.profile->root.source, expected);
	assert_string_equal(loaded.profile->description, directory);
	unload(&loaded);
	assert_refused(load_with("format = 1;", sets), "command line:description: ${PROFILE_DIR} has no value here", 1);
}

static const char declared[] = "format = 1;\nparams = (\n"
			       " { name = \"dir\"; type = \"directory\"; default = \"/\"; },\n"
			       " { name = \"n\"; type = \"int\"; doc = \"how many\"; },\n"
			       " { name = \"size\"; type = \"size\"; default = \"1M\"; },\n"
			       " { name = \"wait\"; type = \"duration\"; default = \"1s\"; },\n"
			       " { name = \"init\"; type = \"bool\"; default = \"true\"; },\n"
			       " { name = \"any\"; default = \"a b\"; },\n"
			       " { name = \"path\"; type = \"path\"; default = \"x/../y\"; }\n);\n"
			       "cgroup = { pids = { max = \"${n}\"; }; memory = { max = \"${size}\"; }; };\n"
			       "process = { init = \"${init}\"; kill_grace = \"${wait}\"; cwd = \"${dir}\"; };\n"
			       "description = \"${any} ${path}\";\n";

static void parameters(void **state)
{
	static const char *const given[] = { "n=5", "init=false", "size=3G", "any=$HOME ${x}", NULL };
	struct loaded loaded = load_defined(declared, given);
	char cwd[256], expected[512];

	(void)state;
	assert_loaded(&loaded);
	assert_int_equal(loaded.profile->cgroup.pids.max, 5);
	assert_true(loaded.profile->cgroup.memory.max == UINT64_C(3) << 30);
	assert_false(loaded.profile->process.init);
	assert_true(loaded.profile->process.kill_grace == 1000000000);
	assert_string_equal(loaded.profile->process.cwd, "/");
	assert_non_null(getcwd(cwd, sizeof(cwd)));
	/* What is given is not expanded again; a path with .. stays as it is, made absolute. */
	(void)snprintf(expected, sizeof(expected), "$HOME ${x} %s/x/../y", cwd);
	assert_string_equal(loaded.profile->description, expected);
	unload(&loaded);
}

static void parameters_that_are_wrong(void **state)
{
	static const char *const wrong[][2] = {
		{ "waits=5", "command line: -D waits: the profile has no such parameter; did you mean wait?" },
		{ "n", "command line: -D n: a parameter is given as NAME=VALUE" },
		{ "n=x", "command line: -D n=x: must be a whole decimal number" },
		{ "size=5", "command line: -D size=5: must be a size, such as 64M" },
		{ "wait=5", "command line: -D wait=5: must be a duration, such as 1.5s" },
		{ "init=yes", "command line: -D init=yes: must be true or false" },
		{ "dir=/nonexistent", "command line: -D dir=/nonexistent: No such file or directory" },
		{ "dir=/etc/passwd", "command line: -D dir=/etc/passwd: this is no directory" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		const char *const given[] = { wrong[i][0], strncmp(wrong[i][0], "n=", 2) == 0 ? NULL : "n=1", NULL };

		assert_refused(load_defined(declared, given), wrong[i][1], 1);
	}
	assert_refused(load_defined(declared, NULL), "test.conf:4:params[1]: the parameter n has no value", 1);
	assert_refused(load_text("format = 1; params = ( { name = \"A\"; default = \"x\"; } );"),
		       "test.conf:1:params[0].name: \"A\" is no name of a parameter: a lower-case letter, then "
		       "lower-case letters, "
		       "digits and '_'",
		       1);
	assert_refused(load_text("format = 1; params = ( { name = \"a\"; default = \"x\"; }, { name = \"a\"; } );"),
		       "test.conf:1:params[1]: a second element with name a", 1);
	assert_refused(load_text("format = 1; cgroup = { pids = { max = \"${UID}x\"; }; };"),
		       getuid() == 0 ? "test.conf:1:cgroup.pids.max: 0x is no whole decimal number"
				     : "test.conf:1:cgroup.pids.max: 65534x is no whole decimal number",
		       1);
}

static void parameters_are_inherited(void **state)
{
	static const char *const given[] = { "a=given", NULL };
	struct loaded loaded = { 0 };

	(void)state;
	write_profile(
		"base",
		"format = 1; params = ( { name = \"a\"; default = \"base\"; }, { name = \"b\"; default = \"base\"; } );"
		"description = \"${a} ${b}\";");
	loaded = load_defined("format = 1; extends = [ \"base\" ]; params = ( { name = \"b\"; default = \"test\"; } );",
			      given);
	assert_loaded(&loaded);
	assert_string_equal(loaded.profile->description, "given test");
	assert_int_equal(loaded.profile->params.count, 2);
	unload(&loaded);
}

/* A value that a later layer replaces need not have its variables. */
static void replaced_values_are_not_expanded(void **state)
{
	static const char *const sets[] = { "process.env=[\"A=1\"]", NULL };
	struct loaded loaded = load_with("format = 1; process = { env = [ \"A=${env:NOTHING}\" ]; };", sets);

	(void)state;
	assert_loaded(&loaded);
	assert_string_equal(loaded.profile->process.env.items[0], "A=1");
	unload(&loaded);
}

static void identities_are_expanded(void **state)
{
	static const char *const sets[] = { "mounts[/web/x].size=2M", NULL };
	struct loaded loaded =
		load_with("format = 1; name = \"web\"; mounts = ( { type = \"tmpfs\"; target = \"/${NAME}/x\"; } );",
			  sets);

	(void)state;
	assert_loaded(&loaded);
	assert_int_equal(loaded.profile->mounts.count, 1);
	assert_true(loaded.profile->mounts.items[0].size == 2 << 20);
	unload(&loaded);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_closed_list),
		cmocka_unit_test(what_is_not_a_variable),
		cmocka_unit_test(the_environment_where_it_may),
		cmocka_unit_test(the_command_is_never_expanded),
		cmocka_unit_test(the_directory_of_the_file),
		cmocka_unit_test(parameters),
		cmocka_unit_test(parameters_that_are_wrong),
		cmocka_unit_test(parameters_are_inherited),
		cmocka_unit_test(replaced_values_are_not_expanded),
		cmocka_unit_test(identities_are_expanded),
	};

	return cmocka_run_group_tests(tests, make_directory, remove_directory);
}
