/* profile/show.c: what is shown reads back to the same, for every profile of ours and for one made of every key. */
#include "load.h"

#include <glob.h>

static char *show(const struct profile *profile, bool all)
{
	struct text text = { 0 };

	assert_int_equal(profile_show(profile, all, &text), 0);
	return text.data;
}

/* Shown, read, and shown again, both in short and with every key. */
static void assert_round_trip(const struct profile *profile)
{
	char *brief = show(profile, false), *all = show(profile, true);

	for (int full = 0; full < 2; full++) {
		struct loaded again = load_text(full ? all : brief);
		char *text = NULL;

		assert_loaded(&again);
		text = show(again.profile, false);
		assert_string_equal(text, brief);
		free(text);
		text = show(again.profile, true);
		assert_string_equal(text, all);
		free(text);
		unload(&again);
	}
	free(brief);
	free(all);
}

static void shipped_profiles(void **state)
{
	static const char *const patterns[] = { "profiles/*.conf", "build/gen/example.conf" };
	glob_t found = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof(patterns) / sizeof(patterns[0]); i++)
		assert_int_equal(glob(patterns[i], i ? GLOB_APPEND : 0, NULL, &found) & ~GLOB_NOMATCH, 0);
	for (size_t i = 0; i < found.gl_pathc; i++) {
		const char *path = found.gl_pathv[i];
		const struct profile_request request = { .profiles = &path, .profile_count = 1 };
		struct loaded loaded = load(&request);

		assert_loaded(&loaded);
		assert_round_trip(loaded.profile);
		unload(&loaded);
	}
	globfree(&found);
}

static void a_network(void **state)
{
	struct loaded loaded = load_text(
		"format = 1; network = { mode = \"veth\"; mtu = 1400; mac = \"0A:00:00:00:00:01\"; nat = true;\n"
		" bridge = { name = \"b0\"; address = \"10.0.0.1/8\"; address6 = \"FD00::1/64\"; isolated = false; };\n"
		" address6 = \"fd00:0::5/64\"; gateway = \"none\"; forwarding = \"enable\"; spoof_protection = false;\n"
		" routes = ( { to = \"0.0.0.0/0\"; via = \"10.0.0.9\"; }, { to = \"fd01::/48\"; } );\n"
		" publish = ( { host = 80; }, { host = 53; guest = 5353; protocol = \"udp\"; listen = \"0::\"; } );\n"
		" dns = { servers = [ \"host\", \"10.0.0.1\" ]; search = [ \"example.org\" ]; options = [ \"ndots:2\" "
		"]; };\n"
		" hosts = ( { name = \"db\"; address = \"10.0.0.5\"; } );\n"
		" outbound = { default = \"deny\"; rules = ( { verdict = \"allow\"; to = \"example.org\"; port = 443; "
		"} ); };\n"
		" inbound = { rules = ( { verdict = \"deny\"; from = \"10.0.0.0/8\"; protocol = \"icmp\"; } ); };\n"
		" rate = { egress = \"10M\"; ingress = \"1K\"; }; };");

	(void)state;
	assert_loaded(&loaded);
	assert_round_trip(loaded.profile);
	unload(&loaded);
}

static void odd_values(void **state)
{
	struct loaded loaded = load_text(
		"format = 1; name = \"a\"; description = \"quote \\\" back \\\\ line \\n tab \\t dollar $$ {} \\x07 "
		"\xc3\xa4\";\n"
		"process = { command = [ \"sh\", \"-c\", \"echo $HOME\" ]; time_limit = \"1.234567891s\"; kill_grace = "
		"\"0.5ms\";"
		" env = [ ]; };\n"
		"cgroup = { cpu = { max = \"12.34%\"; }; pids = { max = 5000000000L; }; };\n"
		"rlimits = { as = { soft = \"1K\"; hard = \"unlimited\"; }; rttime = \"1.5ms\"; core = \"3T\"; };\n"
		"time = { monotonic = \"-90m\"; }; namespaces = { add = [ \"time\" ]; };\n"
		"users = { groups = ( 0, 4294967294L ); uid_map = ( { inside = 0; outside = 4294967294L; } );"
		" gid_map = ( { inside = 0; outside = 1; count = 2; } ); };\n"
		"landlock = { bind_tcp = [ ]; connect_tcp = [ 443 ]; };\n"
		"seccomp = { rules = ( { syscalls = [ \"a\" ]; action = \"trap\"; when = ( { arg = 1; equals = 2; } ); "
		"} ); };\n"
		"mounts = ( { type = \"file\"; target = \"/f\"; content = \"a\\nb\\n$$\"; mode = \"0004\"; uid = 0; } "
		");");

	(void)state;
	assert_loaded(&loaded);
	assert_round_trip(loaded.profile);
	unload(&loaded);
}

/* Wider than a page, with what a line is broken at. */
static void wide_strings(void **state)
{
	static const char *const heads[] = { "A=\\\"", "A = \\\"", "A=[ ", "A= \\\\n", "A=" };
	char wide[121], text[512];

	(void)state;
	memset(wide, 'w', sizeof(wide) - 1);
	wide[sizeof(wide) - 1] = '\0';
	for (size_t i = 0; i < sizeof(heads) / sizeof(heads[0]); i++) {
		struct loaded loaded;

		(void)snprintf(
			text, sizeof(text),
			"format = 1; name = \"a\"; process = { command = [ \"sh\" ]; env = [ \"%s%s\", \"B=\" ]; };",
			heads[i], wide);
		loaded = load_text(text);
		assert_loaded(&loaded);
		assert_round_trip(loaded.profile);
		unload(&loaded);
	}
}

/* A profile with each key in turn, by its example. */
static void every_key(void **state)
{
	(void)state;
	for (int key = 1; key < K_COUNT; key++) {
		char setting[512];
		const char *example = keys[key].example;
		const char *const sets[] = { setting, NULL };
		struct loaded loaded = { 0 };

		if (!example || strchr(keys[key].path, '[') || keys[key].type == TYPE_LIST ||
		    keys[key].flags & KEY_INPUT)
			continue;
		if (example[0] == '"') {
			(void)snprintf(setting, sizeof(setting), "%s=%s", keys[key].path, example + 1);
			setting[strlen(setting) - 1] = '\0';
		} else {
			(void)snprintf(setting, sizeof(setting), "%s=%s", keys[key].path, example);
		}
		loaded = load_with("format = 1;\nseccomp = { allow = [ \"read\" ]; };", sets);
		if (loaded.profile)
			assert_round_trip(loaded.profile);
		unload(&loaded);
	}
}

/* Ids that are the default, under a map where they would not be. */
static void ids_under_a_map_of_one(void **state)
{
	struct loaded loaded = load_text("format = 1; users = { map = \"root\"; uid = 1000; };");

	(void)state;
	assert_loaded(&loaded);
	assert_int_equal(loaded.profile->users.uid, 1000);
	assert_int_equal(loaded.profile->users.gid, 0);
	assert_round_trip(loaded.profile);
	unload(&loaded);
}

static void defaults_are_left_out(void **state)
{
	struct loaded loaded =
		load_text("format = 1; hostname = \"auto\"; cgroup = { cpu = { period = \"100ms\"; }; };");
	char *text = NULL;

	(void)state;
	assert_loaded(&loaded);
	text = show(loaded.profile, false);
	assert_string_equal(text, "format = 1;\n");
	free(text);
	unload(&loaded);
}

static void parameters_stand_expanded(void **state)
{
	struct loaded loaded =
		load_text("format = 1; params = ( { name = \"a\"; default = \"5$$\"; } ); description = \"${a}\";");
	char *text = NULL;

	(void)state;
	assert_loaded(&loaded);
	text = show(loaded.profile, false);
	assert_string_equal(text, "format = 1;\ndescription = \"5$$\";\n");
	free(text);
	unload(&loaded);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(shipped_profiles),
		cmocka_unit_test(odd_values),
		cmocka_unit_test(wide_strings),
		cmocka_unit_test(a_network),
		cmocka_unit_test(every_key),
		cmocka_unit_test(ids_under_a_map_of_one),
		cmocka_unit_test(defaults_are_left_out),
		cmocka_unit_test(parameters_stand_expanded),
	};

	return cmocka_run_group_tests(tests, make_directory, remove_directory);
}
