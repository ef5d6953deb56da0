/* profile/merge.c, lookup.c and load.c: layers, and where they come from. */
#include "load.h"

static struct loaded load_layers(const char *const *profiles, const char *const *sets)
{
	struct profile_request request = { .profiles = profiles, .sets = sets };

	while (profiles && profiles[request.profile_count])
		request.profile_count++;
	while (sets && sets[request.set_count])
		request.set_count++;
	return load(&request);
}

/* The elements of a list, joined by blanks. */
static const char *joined(const struct strings *strings)
{
	static char buffer[1024];

	buffer[0] = '\0';
	for (size_t i = 0; i < strings->count; i++) {
		(void)strncat(buffer, strings->items[i], sizeof(buffer) - strlen(buffer) - 1);
		if (i + 1 < strings->count)
			(void)strncat(buffer, " ", sizeof(buffer) - strlen(buffer) - 1);
	}
	return buffer;
}

static void scalars_replace_and_groups_merge(void **state)
{
	const char *const profiles[] = {
		write_profile("a",
			      "format = 1; hostname = \"a\"; cgroup = { memory = { max = \"1G\"; swap = \"0M\"; }; };"),
		write_profile(
			"b",
			"format = 1; hostname = \"b\"; cgroup = { memory = { max = \"2G\"; }; pids = { max = 5; }; };"),
		NULL,
	};
	static const char *const sets[] = { "hostname=c", "cgroup.memory.swap=unlimited", NULL };
	struct loaded loaded = load_layers(profiles, sets);
	struct location place;

	(void)state;
	assert_loaded(&loaded);
	assert_string_equal(loaded.profile->hostname, "c");
	assert_true(loaded.profile->cgroup.memory.max == UINT64_C(2) << 30);
	assert_true(loaded.profile->cgroup.memory.swap == SIZE_UNLIMITED);
	assert_int_equal(loaded.profile->cgroup.pids.max, 5);
	profile_locate(loaded.profile, K_CGROUP_MEMORY_MAX, -1, &place);
	assert_string_equal(place.file, profiles[1]);
	profile_locate(loaded.profile, K_HOSTNAME, -1, &place);
	assert_string_equal(place.file, "command line");
	unload(&loaded);
}

static void extends_comes_before(void **state)
{
	struct loaded loaded = { 0 };

	(void)state;
	write_profile("a", "format = 1; hostname = \"a\"; domainname = \"a\"; hide = [ \"/a\" ];");
	write_profile("b", "format = 1; hostname = \"b\"; extends = [ \"base\" ];");
	write_profile("base", "format = 1; hostname = \"base\"; domainname = \"base\"; description = \"base\";");
	loaded = load_text("format = 1; extends = [ \"a\", \"b\" ]; hide = { add = [ \"/test\" ]; };");
	assert_loaded(&loaded);
	assert_string_equal(loaded.profile->hostname, "b");
	assert_string_equal(loaded.profile->domainname, "base");
	assert_string_equal(loaded.profile->description, "base");
	assert_string_equal(joined(&loaded.profile->hide), "/a /test");
	unload(&loaded);
}

/* A file that two others extend is one layer, before both. */
static void diamonds(void **state)
{
	struct loaded loaded = { 0 };

	(void)state;
	write_profile("base", "format = 1; hostname = \"base\"; hide = { add = [ \"/base\" ]; };");
	write_profile("a", "format = 1; extends = [ \"base\" ]; hostname = \"a\"; hide = { add = [ \"/a\" ]; };");
	write_profile("b", "format = 1; extends = [ \"base\" ]; hide = { add = [ \"/b\" ]; };");
	loaded = load_text("format = 1; extends = [ \"a\", \"b\" ]; hide = { remove = [ \"/proc/acpi\", \"/a\" ]; };");
	assert_loaded(&loaded);
	assert_string_equal(loaded.profile->hostname, "a");
	assert_int_equal(loaded.profile->hide.count, profile_defaults.hide.count - 1 + 2);
	unload(&loaded);
}

static void circles(void **state)
{
	(void)state;
	write_profile("a", "format = 1;\nextends = [ \"b\" ];");
	write_profile("b", "format = 1;\n\nextends = [ \"test\" ];");
	assert_refused(load_text("format = 1; extends = [ \"a\" ];"),
		       "b.conf:3:extends[0]: this profile and that extend each other in a circle", 1);
	assert_refused(load_text("format = 1; extends = [ \"test\" ];"),
		       "test.conf:1:extends[0]: cannot use profile test: it extends itself", 1);
	assert_refused(load_text("format = 1; extends = [ \"./none.conf\" ];"),
		       "test.conf:1:extends[0]: cannot use profile ./none.conf: no such file", 1);
}

static void chains_are_bounded(void **state)
{
	char name[16], text[64];
	struct loaded loaded = { 0 };

	(void)state;
	for (int i = 0; i < 20; i++) {
		(void)snprintf(name, sizeof(name), "c%d", i);
		(void)snprintf(text, sizeof(text), "format = 1; extends = [ \"c%d\" ];", i + 1);
		write_profile(name, text);
	}
	loaded = load_text("format = 1; extends = [ \"c0\" ];");
	assert_null(loaded.profile);
	assert_string_equal(loaded.diagnostics.items[0].what, "too many profiles extend each other");
	unload(&loaded);
}

static void lists_of_words(void **state)
{
	static const char *const sets[] = { "namespaces={remove=[\"cgroup\"];add=[\"time\",\"pid\"];}",
					    "process.env={remove=[\"PATH\"];add=[\"A=1\",\"A=2\"];}",
					    "capabilities.keep={add=[\"CAP_NET_RAW\",\"SYSLOG\"];}",
					    "capabilities.keep={remove=[\"NET_RAW\"];}",
					    "hide={remove=[\"/proc//kcore/\"];}",
					    NULL };
	struct loaded loaded = load_with("format = 1; seccomp = { allow = [ \"read\" ]; };", sets);

	(void)state;
	assert_loaded(&loaded);
	assert_string_equal(joined(&loaded.profile->namespaces), "user mount pid net ipc uts time");
	assert_string_equal(joined(&loaded.profile->process.env), "A=1 A=2");
	assert_string_equal(joined(&loaded.profile->capabilities.keep), "SYSLOG");
	assert_string_equal(joined(&loaded.profile->seccomp.allow), "read");
	assert_int_equal(loaded.profile->hide.count, profile_defaults.hide.count - 1);
	unload(&loaded);
	assert_refused(load_text("format = 1; namespaces = { remove = [ \"time\" ]; };"),
		       "test.conf:1:namespaces.remove[0]: \"time\" cannot be removed: it is not there", 1);
	assert_refused(
		load_text("format = 1; namespaces = { delete = [ \"time\" ]; };"),
		"test.conf:1:namespaces.delete: unknown key; { add = [ ... ]; remove = [ ... ]; } changes a list", 1);
	assert_refused(load_text("format = 1; namespaces = { add = [ \"tme\" ]; };"),
		       "test.conf:1:namespaces.add[0]: unknown name \"tme\"; did you mean \"time\"?", 1);
	assert_refused(load_text("format = 1; capabilities = { keep = [ \"CAP_SYSLOG\", \"SYSLOG\" ]; };"),
		       "test.conf:1:capabilities.keep[1]: \"SYSLOG\" stands there already", 1);
}

static const char base[] = "format = 1; mounts = (\n { type = \"proc\"; target = \"/proc\"; },\n"
			   " { type = \"tmpfs\"; target = \"/tmp\"; size = \"1M\"; mode = \"1777\"; },\n"
			   " { type = \"tmpfs\"; target = \"/run\"; }\n);";

static void elements_merge_by_identity(void **state)
{
	const struct mount *mount = NULL;
	struct loaded loaded = { 0 };
	struct location place;

	(void)state;
	write_profile("base", base);
	loaded =
		load_text("format = 1; extends = [ \"base\" ];\nmounts = (\n { target = \"//tmp/\"; size = \"2M\"; },\n"
			  " { target = \"/run\"; remove = true; },\n { type = \"dev\"; target = \"/dev\"; } );");
	assert_loaded(&loaded);
	assert_int_equal(loaded.profile->mounts.count, 3);
	mount = &loaded.profile->mounts.items[1];
	assert_string_equal(mount->target, "/tmp");
	assert_true(mount->size == 2 << 20);
	assert_int_equal(mount->mode, 01777);
	assert_string_equal(loaded.profile->mounts.items[2].target, "/dev");
	profile_locate(loaded.profile, K_MOUNTS_SIZE, 1, &place);
	assert_int_equal(place.line, 3);
	profile_locate(loaded.profile, K_MOUNTS_MODE, 1, &place);
	assert_int_equal(place.line, 3);
	assert_non_null(strstr(place.file, "/base.conf"));
	unload(&loaded);
}

/* An element that says its type stands for itself, in the place of the one it replaces. */
static void elements_replace_with_a_type(void **state)
{
	const struct mount *mount = NULL;
	struct loaded loaded = { 0 };

	(void)state;
	write_profile("base", base);
	loaded = load_text("format = 1; extends = [ \"base\" ];\n"
			   "mounts = ( { type = \"bind\"; source = \"/srv\"; target = \"/tmp\"; } );");
	assert_loaded(&loaded);
	assert_int_equal(loaded.profile->mounts.count, 3);
	mount = &loaded.profile->mounts.items[1];
	assert_int_equal(mount->type, MOUNTS_TYPE_BIND);
	assert_int_equal(mount->mode, MODE_UNSET);
	unload(&loaded);
}

static void elements_go(void **state)
{
	static const char *const sets[] = { "mounts[/tmp].size=3M", "mounts[/run].remove=true", NULL };
	static const char *const none[] = { "mounts=()", NULL };
	struct loaded loaded = load_with(base, sets);

	(void)state;
	assert_loaded(&loaded);
	assert_int_equal(loaded.profile->mounts.count, 2);
	assert_true(loaded.profile->mounts.items[1].size == 3 << 20);
	unload(&loaded);
	loaded = load_with(base, none);
	assert_loaded(&loaded);
	assert_int_equal(loaded.profile->mounts.count, 0);
	unload(&loaded);
	assert_refused(load_text("format = 1; mounts = ( { target = \"/tmp\"; remove = true; } );"),
		       "test.conf:1:mounts[0]: /tmp cannot be removed: it is not there", 1);
	assert_refused(load_text("format = 1; mounts = ( { target = \"/tmp\"; remove = false; } );"),
		       "test.conf:1:mounts[0].remove: can only be true", 0);
	assert_refused(load_text("format = 1; mounts = ( { target = \"/tmp\"; size = \"1M\"; remove = true; } );"),
		       "test.conf:1:mounts[0]: an element that is removed has target and remove, and nothing else", 0);
	assert_refused(load_text("format = 1; mounts = (\n { type = \"proc\"; target = \"/a\"; },\n"
				 " { type = \"proc\"; target = \"/a/\"; } );"),
		       "test.conf:3:mounts[1]: a second element with target /a", 1);
	assert_refused(load_text("format = 1; remove = true;"), "test.conf:1:remove: unknown key", 1);
}

static void lists_without_identity_replace(void **state)
{
	struct loaded loaded = { 0 };

	(void)state;
	write_profile("base", "format = 1; seccomp = { rules = ( { syscalls = [ \"a\" ]; action = \"trap\"; },"
			      " { syscalls = [ \"b\" ]; action = \"trap\"; } ); };");
	loaded = load_text("format = 1; extends = [ \"base\" ];"
			   "seccomp = { rules = ( { syscalls = [ \"c\" ]; action = \"log\"; } ); };");
	assert_loaded(&loaded);
	assert_int_equal(loaded.profile->seccomp.rules.count, 1);
	assert_string_equal(loaded.profile->seccomp.rules.items[0].syscalls.items[0], "c");
	unload(&loaded);
}

static void settings_are_read_by_type(void **state)
{
	static const char *const sets[] = { "hostname=abc",
					    "cgroup.memory.max=512M",
					    "process.nice=-5",
					    "process.init=false",
					    "process.time_limit=1.5s",
					    "rlimits.nofile=5",
					    "rlimits.as={soft=\"1G\";hard=\"2G\";}",
					    "root.mode=0700",
					    "users.groups=(1,4294967294L)",
					    "description=a=b \"c\" ; d",
					    "process.command=[\"$HOME\"]",
					    "sysctls[net.ipv4.ip_unprivileged_port_start].value=0",
					    NULL };
	struct loaded loaded = load_with("format = 1;", sets);
	const struct profile *profile = loaded.profile;

	(void)state;
	assert_loaded(&loaded);
	assert_string_equal(profile->hostname, "abc");
	assert_int_equal(profile->process.nice, -5);
	assert_false(profile->process.init);
	assert_true(profile->process.time_limit == 1500000000);
	assert_int_equal(profile->rlimits.nofile.hard, 5);
	assert_true(profile->rlimits.as.hard == UINT64_C(2) << 30);
	assert_int_equal(profile->root.mode, 0700);
	assert_int_equal((uint32_t)profile->users.groups.items[1], 4294967294u);
	assert_string_equal(profile->description, "a=b \"c\" ; d");
	assert_string_equal(profile->process.command.items[0], "$HOME");
	assert_string_equal(profile->sysctls.items[0].name, "net.ipv4.ip_unprivileged_port_start");
	assert_string_equal(profile->sysctls.items[0].value, "0");
	unload(&loaded);
}

static void settings_that_are_wrong(void **state)
{
	static const char *const wrong[][2] = {
		{ "foo", "command line:foo: unknown key" },
		{ "hostnam=x", "command line:hostnam: unknown key; did you mean `hostname`?" },
		{ "pids.max=3", "command line:pids: unknown key; did you mean `cgroup.pids`?" },
		{ "hostname", "command line: -s hostname: must be KEY=VALUE" },
		{ "=x", "command line: -s =x: must be KEY=VALUE" },
		{ "", "command line: -s : must be KEY=VALUE" },
		{ "cgroup.=x", "command line: -s cgroup.=x: must be KEY=VALUE" },
		{ "cgroup.memory.max=512MB", "command line:cgroup.memory.max: \"512MB\" is no size" },
		{ "users.uid=x", "command line:users.uid: x is no whole decimal number" },
		{ "users.uid=99999999999999999999",
		  "command line:users.uid: 99999999999999999999 is no whole decimal number" },
		{ "process.init=maybe", "command line:process.init: must be a bool, true or false; this is a string" },
		{ "hide=/x", "command line: -s hide=/x: a list or group is written as in a profile" },
		{ "hide=[\"/x\"", "command line:hide: the [ that opens here is never closed" },
		{ "hide=[\"/x\"]; hostname=\"y\"", "command line:hide: something stands behind the value" },
		{ "hide=[\"x\"]", "command line:hide[0]: \"x\" is not an absolute path" },
		{ "mounts.size=1M", "command line: -s mounts.size=1M: an element of a list is addressed by its "
				    "identity, as in mounts[/tmp].size" },
		{ "mounts[/tmp]=1M", "command line: -s mounts[/tmp]=1M: ] must be followed by . and a key" },
		{ "mounts[/tmp.size=1M", "command line: -s mounts[/tmp.size=1M: [ without ]" },
		{ "mounts[/tmp].sise=1M", "command line:mounts[/tmp].sise: unknown key; did you mean `size`?" },
		{ "mounts[/tmp].size=1M", "command line:mounts[0]: type is missing" },
		{ "mounts[/tmp].remove=true", "command line:mounts[0]: /tmp cannot be removed: it is not there" },
		{ "seccomp.rules[a].action=log", "command line: -s seccomp.rules[a].action=log: has no elements that "
						 "can be addressed: seccomp.rules" },
		{ "format=2", "command line:format: 2 is out of range: must be from 1 to 1" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		const char *const sets[] = { wrong[i][0], NULL };

		assert_refused(load_with("format = 1;", sets), wrong[i][1], 0);
	}
}

/* ---- where profiles come from -------------------- */

static void built_in_default(void **state)
{
	struct loaded loaded = load_layers(NULL, NULL);
	struct location place;

	(void)state;
	assert_loaded(&loaded);
	assert_string_equal(loaded.profile->name, "default");
	profile_locate(loaded.profile, K_NAME, -1, &place);
	assert_string_equal(place.file, "built-in default");
	unload(&loaded);
}

static void the_search_path(void **state)
{
	const char *words[] = { "unit", NULL };
	char config[128], command[256], expected[256];
	const char *environ[] = { config, "HOME=/nonexistent", NULL };
	struct profile_request request = { .profiles = words, .profile_count = 1, .environ = environ };
	struct loaded loaded = { 0 };

	(void)state;
	(void)snprintf(config, sizeof(config), "XDG_CONFIG_HOME=%s/config", directory);
	loaded = load(&request);
	assert_null(loaded.profile);
	assert_string_equal(loaded.diagnostics.items[0].what, "cannot use profile unit: there is none");
	(void)snprintf(expected, sizeof(expected),
		       "looked for %s/config/sandbox/profiles/unit.conf, /etc/sandbox/profiles/unit.conf, ", directory);
	assert_memory_equal(loaded.diagnostics.items[0].remedy, expected, strlen(expected));
	unload(&loaded);

	(void)snprintf(command, sizeof(command), "mkdir -p %s/config/sandbox/profiles", directory);
	assert_int_equal(system(command), 0);
	write_profile("config/sandbox/profiles/unit", "format = 1; hostname = \"found\";");
	loaded = load(&request);
	assert_loaded(&loaded);
	assert_string_equal(loaded.profile->hostname, "found");
	unload(&loaded);

	(void)snprintf(command, sizeof(command), "%s/config/sandbox", directory);
	assert_int_equal(chmod(command, 0777), 0);
	loaded = load(&request);
	assert_null(loaded.profile);
	assert_non_null(
		strstr(loaded.diagnostics.items[0].what, "its directory, or one above, can be written by anybody"));
	unload(&loaded);
}

/* A profile of the user's may be called default and start from the shipped one. */
static void extending_a_namesake(void **state)
{
	const char *const profiles[] = {
		write_profile("default", "format = 1; extends = [ \"default\" ]; hostname = \"mine\";"), NULL
	};
	struct loaded loaded = load_layers(profiles, NULL);

	(void)state;
	assert_loaded(&loaded);
	assert_string_equal(loaded.profile->hostname, "mine");
	assert_true(loaded.profile->mounts.count > 5);
	unload(&loaded);
}

static struct loaded load_path(const char *path)
{
	const char *const profiles[] = { path, NULL };

	return load_layers(profiles, NULL);
}

static const char *what_of(struct loaded loaded)
{
	static char what[512];

	assert_null(loaded.profile);
	(void)snprintf(what, sizeof(what), "%s", loaded.diagnostics.items[0].what);
	unload(&loaded);
	return what;
}

static void files_that_are_not_trusted(void **state)
{
	const char *path = write_profile("t", "format = 1;");
	char fifo[128];

	(void)state;
	assert_int_equal(chmod(path, 0666), 0);
	assert_non_null(strstr(what_of(load_path(path)), ": it can be written by anybody"));
	assert_int_equal(chmod(path, 0664), 0);
	if (getuid() == 0) {
		assert_int_equal(chown(path, 0, 12345), 0);
		assert_non_null(strstr(what_of(load_path(path)), ": it can be written by its group"));
		assert_int_equal(chown(path, 12345, 0), 0);
		assert_non_null(strstr(what_of(load_path(path)), ": it belongs to another user"));
		assert_int_equal(chown(path, 0, 0), 0);
		assert_int_equal(chmod(path, 0644), 0);
	}
	(void)snprintf(fifo, sizeof(fifo), "%s/fifo.conf", directory);
	assert_int_equal(mkfifo(fifo, 0644), 0);
	assert_non_null(strstr(what_of(load_path(fifo)), ": not a regular file"));
	assert_non_null(strstr(what_of(load_path("/dev/null")), ": not a regular file"));
	assert_non_null(strstr(what_of(load_path("/")), ": not a regular file"));
	assert_string_equal(what_of(load_path("/nonexistent/x.conf")),
			    "cannot use profile /nonexistent/x.conf: no such file");
	assert_string_equal(what_of(load_path("")), "cannot use profile : an empty name");
}

static void sudo_users_are_trusted_by_root(void **state)
{
	const char *path = write_profile("t", "format = 1;");
	const char *const environ[] = { "SUDO_UID=12345", NULL };
	struct profile_request request = { .profiles = &path, .profile_count = 1, .environ = environ };
	struct loaded loaded = { 0 };

	(void)state;
	if (getuid() != 0)
		skip();
	assert_int_equal(chown(path, 12345, 12345), 0);
	loaded = load(&request);
	assert_loaded(&loaded);
	unload(&loaded);
	assert_int_equal(chown(path, 12346, 12345), 0);
	assert_non_null(strstr(what_of(load(&request)), ": it belongs to another user"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(scalars_replace_and_groups_merge),
		cmocka_unit_test(extends_comes_before),
		cmocka_unit_test(diamonds),
		cmocka_unit_test(circles),
		cmocka_unit_test(chains_are_bounded),
		cmocka_unit_test(lists_of_words),
		cmocka_unit_test(elements_merge_by_identity),
		cmocka_unit_test(elements_replace_with_a_type),
		cmocka_unit_test(elements_go),
		cmocka_unit_test(lists_without_identity_replace),
		cmocka_unit_test(settings_are_read_by_type),
		cmocka_unit_test(settings_that_are_wrong),
		cmocka_unit_test(built_in_default),
		cmocka_unit_test(the_search_path),
		cmocka_unit_test(extending_a_namesake),
		cmocka_unit_test(files_that_are_not_trusted),
		cmocka_unit_test(sudo_users_are_trusted_by_root),
	};

	return cmocka_run_group_tests(tests, make_directory, remove_directory);
}
