/* The table of keys and what is read by it: every row's example is a value, every row's defaults come out, wrong
 * values of every type are refused at their key, and the relations between keys hold. */
#include "load.h"

#include "profile/read.h"
#include "profile/value.h"

/* ---- the table against itself -------------------- */

static void ids_lead_to_their_keys(void **state)
{
	(void)state;
	for (int key = 1; key < K_COUNT; key++)
		assert_int_equal(key_lookup(keys[key].path), key);
	assert_int_equal(key_lookup("mounts[3].source"), K_MOUNTS_SOURCE);
	assert_int_equal(key_lookup("mounts[/tmp].source"), K_MOUNTS_SOURCE);
	assert_int_equal(key_lookup("mounts.source"), K_MOUNTS_SOURCE);
	assert_int_equal(key_lookup("seccomp.rules[].when[].arg"), K_SECCOMP_RULES_WHEN_ARG);
	assert_int_equal(key_lookup("cgroup"), K_CGROUP);
	assert_int_equal(key_lookup("nothing"), K_NONE);
	assert_int_equal(key_lookup("cgroup.nothing"), K_NONE);
	assert_int_equal(key_lookup("hostname[1]"), K_NONE);
	assert_int_equal(key_lookup(""), K_NONE);
}

static struct node *read_value(const char *text, struct arena *arena, struct diagnostics *diagnostics)
{
	static const struct source source = { .file = "test" };
	struct node *node = tree_read_value(text, &source, arena, diagnostics);

	if (!node)
		fail_msg("%s: %s", text, diagnostics->items[0].what);
	return node;
}

union field {
	bool truth;
	int integer;
	uint32_t u32;
	uint64_t u64;
	const char *text;
	struct strings strings;
	struct ints ints;
	struct limit limit;
};

/* What a row says of itself must be a value of its type, and must show as a text that reads back to the same. */
static void check_sample(int key, const char *sample)
{
	struct arena arena = { 0 };
	struct diagnostics diagnostics = { .arena = &arena };
	const struct reader reader = { .arena = &arena, .diagnostics = &diagnostics };
	union field field = { 0 }, again = { 0 };
	struct text shown = { 0 };

	if (value_read(&reader, key, read_value(sample, &arena, &diagnostics), &field))
		fail_msg("%s = %s: %s", keys[key].path, sample, diagnostics.items[0].what);
	value_show(key, &field, &shown);
	if (value_read(&reader, key, read_value(shown.data, &arena, &diagnostics), &again))
		fail_msg("%s = %s shows as %s", keys[key].path, sample, shown.data);
	if (!value_equal(key, &field, &again))
		fail_msg("%s = %s reads back as something else: %s", keys[key].path, sample, shown.data);
	text_free(&shown);
	arena_free(&arena);
}

static void examples_and_defaults_are_values(void **state)
{
	(void)state;
	for (int key = 1; key < K_COUNT; key++) {
		const char *text = keys[key].default_text;

		if (keys[key].example && keys[key].type != TYPE_LIST)
			check_sample(key, keys[key].example);
		if (text)
			check_sample(key, text);
		if (keys[key].flags & KEY_UNLIMITED)
			check_sample(key, "\"unlimited\"");
	}
}

/* The struct of defaults, made at build time, against the text of each default, read at run time. */
static void defaults_are_what_their_text_says(void **state)
{
	(void)state;
	for (int key = 1; key < K_COUNT; key++) {
		struct arena arena = { 0 };
		struct diagnostics diagnostics = { .arena = &arena };
		const struct reader reader = { .arena = &arena, .diagnostics = &diagnostics };
		const char *text = keys[key].default_text, *base = (const char *)&profile_defaults;
		union field field = { 0 };

		for (int list = keys[key].parent; list != K_NONE; list = keys[list].parent) {
			if (keys[list].type == TYPE_LIST) {
				base = keys[list].initial;
				break;
			}
		}
		if (text) {
			assert_int_equal(value_read(&reader, key, read_value(text, &arena, &diagnostics), &field), 0);
			if (!value_equal(key, &field, base + keys[key].offset))
				fail_msg("%s: the default is not %s", keys[key].path, text);
		}
		arena_free(&arena);
	}
	assert_true(profile_defaults.hide.count > 10);
	assert_true(profile_defaults.no_new_privs);
	assert_true(profile_defaults.cgroup.memory.max == SIZE_UNSET);
	assert_true(profile_defaults.time.monotonic == DURATION_UNSET);
	assert_true(profile_defaults.process.time_limit == DURATION_UNLIMITED);
	assert_true(profile_defaults.rlimits.cpu.soft == SIZE_UNSET);
	assert_int_equal(profile_defaults.users.uid, 1000);
	assert_string_equal(profile_defaults.capabilities.drop.items[0], "ALL");
}

/* ---- wrong values: every key, every kind -------------------- */

/* A value of another kind than the key's. */
static const char *wrong_kind(int key)
{
	switch (key_storage(key)) {
	case STORAGE_NONE:
	case STORAGE_LIST:
	case STORAGE_STRINGS:
	case STORAGE_INTS:
		return "true";
	default:
		return keys[key].type == TYPE_STRING ? "true" : "( ( ) )";
	}
}

/* "cgroup = { memory = { max = VALUE; }; };" of a key and a value; in lists one element stands around it. */
static void nest(int key, const char *value, char *to, size_t size)
{
	char inner[512];
	bool list = keys[keys[key].parent].type == TYPE_LIST;

	(void)snprintf(inner, sizeof(inner), "%s = %s;", keys[key].name, value);
	if (keys[key].parent == K_NONE) {
		(void)snprintf(to, size, "%s", inner);
		return;
	}
	(void)snprintf(to, size, list ? "( { %s } )" : "{ %s }", inner);
	(void)snprintf(inner, sizeof(inner), "%s", to);
	nest(keys[key].parent, inner, to, size);
}

/* "mounts[0].source" of "mounts[].source". */
static void first_element(const char *path, char *to)
{
	for (; *path; path++) {
		*to++ = *path;
		if (*path == '[')
			*to++ = '0';
	}
	*to = '\0';
}

/* Whether a message says `what` about the key. */
static bool says(const struct loaded *loaded, int key, const char *what)
{
	char path[160];

	first_element(keys[key].path, path);
	for (size_t i = 0; i < loaded->diagnostics.count; i++) {
		const struct diagnostic *item = &loaded->diagnostics.items[i];

		if (item->key && strncmp(item->key, path, strlen(path)) == 0 && strstr(item->what, what) &&
		    item->line == 2)
			return true;
	}
	return false;
}

static void assert_wrong(int key, const char *value, const char *what)
{
	char nested[512], text[600];
	struct loaded loaded = { 0 };

	nest(key, value, nested, sizeof(nested));
	(void)snprintf(text, sizeof(text), "%s\n%s", key == K_FORMAT ? "" : "format = 1;", nested);
	loaded = load_text(text);
	if (loaded.profile || !says(&loaded, key, what))
		fail_msg("%s: no message \"%s\" about %s", nested, what, keys[key].path);
	unload(&loaded);
}

static void every_key_refuses_another_kind(void **state)
{
	(void)state;
	for (int key = 1; key < K_COUNT; key++)
		assert_wrong(key, wrong_kind(key), "must be");
}

static void every_bound_is_kept(void **state)
{
	char number[32];

	(void)state;
	for (int key = 1; key < K_COUNT; key++) {
		if (keys[key].type != TYPE_INT || keys[key].parent == K_NONE)
			continue;
		(void)snprintf(number, sizeof(number), "%lldL", (long long)keys[key].min - 1);
		assert_wrong(key, number, "is out of range");
		(void)snprintf(number, sizeof(number), "%lldL", (long long)keys[key].max + 1);
		assert_wrong(key, number, "is out of range");
	}
	for (int key = 1; key < K_COUNT; key++) {
		if (keys[key].type == TYPE_COUNT || keys[key].type == TYPE_ID)
			assert_wrong(key, "-1", "is out of range");
		if (keys[key].type == TYPE_ID)
			assert_wrong(key, "4294967295L", "is out of range");
		if (keys[key].type == TYPE_PORTS)
			assert_wrong(key, "[ 65536 ]", "is out of range");
		if (keys[key].type == TYPE_FDS)
			assert_wrong(key, "[ 2 ]", "is out of range");
	}
}

static void every_word_is_known(void **state)
{
	(void)state;
	for (int key = 1; key < K_COUNT; key++) {
		if (keys[key].type == TYPE_ENUM)
			assert_wrong(key, "\"nonsense\"", "unknown value \"nonsense\"");
		if (keys[key].type == TYPE_NAMES && keys[key].values)
			assert_wrong(key, "[ \"nonsense\" ]", "unknown name \"nonsense\"");
		if (keys[key].type == TYPE_SIZE)
			assert_wrong(key, "\"64MB\"", "is no size");
		if (keys[key].type == TYPE_DURATION)
			assert_wrong(key, "\"5\"", "is no duration");
		if (keys[key].type == TYPE_PERCENT)
			assert_wrong(key, "\"5\"", "is no percentage");
		if (keys[key].type == TYPE_MODE)
			assert_wrong(key, "\"755\"", "is no mode");
		if (keys[key].type == TYPE_INTERFACE)
			assert_wrong(key, "\"a/b\"", "is no name of an interface");
		if (keys[key].type == TYPE_MAC)
			assert_wrong(key, "\"nonsense\"", "is no hardware address");
		if (keys[key].type == TYPE_ADDRESS || keys[key].type == TYPE_CIDR)
			assert_wrong(key, "\"nonsense\"", "is no IP address");
		if (keys[key].type == TYPE_ADDRESSES)
			assert_wrong(key, "[ \"nonsense\" ]", "is no IP address");
		if (keys[key].type == TYPE_DESTINATION)
			assert_wrong(key, "\"non sense\"", "is no IP address, network or host name");
		if (keys[key].type == TYPE_PORT_RANGE)
			assert_wrong(key, "\"nonsense\"", "is no port or range");
		if (keys[key].type == TYPE_SIZE && !(keys[key].flags & KEY_UNLIMITED))
			assert_wrong(key, "\"unlimited\"", "is no size");
	}
}

static void paths_are_normal(void **state)
{
	static const char *const sets[] = { "process.cwd=//a/./b//", NULL };
	struct loaded loaded = load_with("format = 1;", sets);

	(void)state;
	assert_loaded(&loaded);
	assert_string_equal(loaded.profile->process.cwd, "/a/b");
	unload(&loaded);
	assert_refused(load_text("format = 1; hide = [ \"a\" ];"), "test.conf:1:hide[0]: \"a\" is not an absolute path",
		       1);
	assert_refused(load_text("format = 1; hide = [ \"/a/../b\" ];"),
		       "test.conf:1:hide[0]: \"/a/../b\" holds .. or is too long", 1);
	assert_refused(load_text("format = 1; root = { source = \"srv\"; };"),
		       "test.conf:1:root.source: \"srv\" is not an absolute path", 1);
}

/* ---- the whole of a profile -------------------- */

static void all_errors_in_one_pass(void **state)
{
	static const char *const expected[] = {
		"test.conf:2:hostnam: unknown key; did you mean `hostname`?",
		"test.conf:4:cgroup.memory.max: \"512MB\" is no size",
		"test.conf:5:cgroup.pids.max: must be a number, or \"unlimited\"; this is a string",
		"test.conf:8:mounts[0].sorce: unknown key; did you mean `source`?",
		"test.conf:9:mounts[1].type: unknown value \"tmfs\"; did you mean \"tmpfs\"?",
		"test.conf:8:mounts[0]: source is missing: type \"bind\" needs it",
	};
	struct loaded loaded =
		load_text("format = 1;\nhostnam = \"web\";\ncgroup = {\n memory = { max = \"512MB\"; };\n"
			  " pids = { max = \"64\"; };\n};\nmounts = (\n"
			  " { type = \"bind\"; sorce = \"/srv\"; target = \"/srv\"; },\n"
			  " { type = \"tmfs\"; target = \"/tmp\"; }\n);\n");
	char message[512];

	(void)state;
	assert_null(loaded.profile);
	assert_int_equal(loaded.diagnostics.count, sizeof(expected) / sizeof(expected[0]));
	for (size_t i = 0; i < loaded.diagnostics.count; i++) {
		print_diagnostic(&loaded.diagnostics.items[i], message, sizeof(message));
		assert_string_equal(message, expected[i]);
	}
	assert_string_equal(loaded.diagnostics.items[1].remedy, "sizes are powers of 1024: write 512M");
	unload(&loaded);
}

/* One mistake, one message; and what follows in the same file is read all the same. */
static void wrong_shapes(void **state)
{
	(void)state;
	assert_refused(load_text("format = 1; users = [ \"a\" ];"),
		       "test.conf:1:users: must be a group { }, not a list", 1);
	assert_refused(load_text("format = 1; cgroup = { memory = ( ( ) ); };"),
		       "test.conf:1:cgroup.memory: must be a group { }, not a list", 1);
	assert_refused(load_text("format = 1; mounts = ( \"$\", ( ), 5 );"),
		       "test.conf:1:mounts[0]: must be a group { }, not a string", 3);
	assert_refused(load_text("format = 1; hide = ( ( ) );"), "test.conf:1:hide[0]: must be a string, not a list",
		       1);
	assert_refused(load_text("format = 1; mounts = { add = 5; };"),
		       "test.conf:1:mounts: must be a list of groups, not a group { }", 1);
	assert_refused(load_text("format = 1; extends = \"a\"; params = 5; name = { };"),
		       "test.conf:1:extends: must be a list of strings; this is a string", 3);
}

static void messages_are_bounded(void **state)
{
	struct text text = { 0 };
	struct loaded loaded = { 0 };

	(void)state;
	text_add(&text, "format = 1;\n");
	for (int i = 0; i < 200; i++)
		text_add(&text, "wrong%d = 1;\n", i);
	loaded = load_text(text.data);
	assert_int_equal(loaded.diagnostics.count, 101);
	assert_string_equal(loaded.diagnostics.items[100].what, "further errors are not shown");
	unload(&loaded);
	text_free(&text);
}

static void messages_are_escaped(void **state)
{
	(void)state;
	assert_refused(load_text("format = 1; network = { mode = \"\\x1b[2Jnone\"; };"),
		       "test.conf:1:network.mode: unknown value \"\\x1b[2Jnone\"", 1);
}

static void format_comes_first(void **state)
{
	(void)state;
	assert_refused(load_text(""), "test.conf:format: is missing", 1);
	assert_refused(load_text("/* format = 1; */"), "test.conf:format: is missing", 1);
	assert_refused(load_text("format = 2; later = 1;"),
		       "test.conf:1:format: 2 is newer than this program, which knows up to 1", 2);
	assert_refused(load_text("format = \"1\";"), "test.conf:1:format: must be a number; this is a string", 1);
	assert_refused(load_text("format = 0;"), "test.conf:1:format: 0 is out of range: must be from 1 to 1", 1);
}

static void elements_know_their_type(void **state)
{
	(void)state;
	assert_refused(load_text("format = 1; mounts = ( { type = \"tmpfs\"; target = \"/t\"; source = \"/s\"; } );"),
		       "test.conf:1:mounts[0].source: has no meaning for type \"tmpfs\"", 1);
	assert_refused(load_text("format = 1; mounts = ( { type = \"bind\"; target = \"/t\"; source = \"/s\"; size = "
				 "\"1M\"; } );"),
		       "test.conf:1:mounts[0].size: has no meaning for type \"bind\"", 1);
	assert_refused(load_text("format = 1; mounts = ( { type = \"file\"; target = \"/t\"; } );"),
		       "test.conf:1:mounts[0]: content is missing: type \"file\" needs it", 1);
	assert_refused(load_text("format = 1; mounts = ( { target = \"/t\"; } );"),
		       "test.conf:1:mounts[0]: type is missing", 1);
	assert_refused(load_text("format = 1; mounts = ( { type = \"tmpfs\"; } );"),
		       "test.conf:1:mounts[0]: target is missing", 0);
	assert_refused(load_text("format = 1; mounts = ( 5 );"),
		       "test.conf:1:mounts[0]: must be a group { }, not a number", 1);
}

static void lists_within_lists(void **state)
{
	struct loaded loaded = load_text(
		"format = 1; seccomp = { rules = ( { syscalls = [ \"chmod\" ]; action = \"errno:EPERM\";\n"
		"when = ( { arg = 1; any = \"S_ISUID|S_ISGID\"; }, { arg = \"mode\"; equals = 5; } ); } ); };");
	const struct seccomp_rule *rule = NULL;
	struct location place;

	(void)state;
	assert_loaded(&loaded);
	assert_int_equal(loaded.profile->seccomp.rules.count, 1);
	rule = loaded.profile->seccomp.rules.items;
	assert_string_equal(rule->syscalls.items[0], "chmod");
	assert_int_equal(rule->when.count, 2);
	assert_string_equal(rule->when.items[0].arg, "1");
	assert_string_equal(rule->when.items[0].any, "S_ISUID|S_ISGID");
	assert_null(rule->when.items[0].equals);
	assert_string_equal(rule->when.items[1].equals, "5");
	profile_locate(loaded.profile, K_SECCOMP_RULES_WHEN, 0, &place);
	assert_string_equal(place.path, "seccomp.rules[0].when");
	assert_int_equal(place.line, 2);
	unload(&loaded);
}

static void limits_have_two_forms(void **state)
{
	struct loaded loaded =
		load_text("format = 1; rlimits = { nofile = { soft = 5; hard = 6; }; as = \"4G\"; cpu = \"60s\"; "
			  "rttime = \"1.5ms\"; stack = \"unlimited\"; nproc = 5000000000L; };");

	(void)state;
	assert_loaded(&loaded);
	assert_int_equal(loaded.profile->rlimits.nofile.soft, 5);
	assert_int_equal(loaded.profile->rlimits.nofile.hard, 6);
	assert_true(loaded.profile->rlimits.as.soft == UINT64_C(4) << 30);
	assert_int_equal(loaded.profile->rlimits.cpu.hard, 60);
	assert_int_equal(loaded.profile->rlimits.rttime.soft, 1500);
	assert_true(loaded.profile->rlimits.stack.hard == SIZE_UNLIMITED);
	assert_true(loaded.profile->rlimits.nproc.hard == 5000000000);
	assert_true(loaded.profile->rlimits.locks.hard == SIZE_UNSET);
	unload(&loaded);
	assert_refused(load_text("format = 1; rlimits = { nofile = { soft = 7; hard = 6; }; };"),
		       "test.conf:1:rlimits.nofile.soft: the soft limit is above the hard one", 1);
	assert_refused(load_text("format = 1; rlimits = { nofile = { soft = 7; }; };"),
		       "test.conf:1:rlimits.nofile: a limit in two parts is written { soft = ...; hard = ...; }", 1);
	assert_refused(load_text("format = 1; rlimits = { cpu = \"1500ms\"; };"),
		       "test.conf:1:rlimits.cpu: 1500ms is not in whole seconds", 1);
}

static void places(void **state)
{
	struct loaded loaded = load_text("format = 1;\ncgroup = {\n memory = { swap = \"0M\"; };\n};\nmounts = (\n"
					 " { type = \"proc\"; target = \"/proc\"; },\n"
					 " { type = \"tmpfs\";\n target = \"/tmp\"; }\n);\n");
	struct location place;

	(void)state;
	assert_loaded(&loaded);
	profile_locate(loaded.profile, K_MOUNTS_TARGET, 1, &place);
	assert_string_equal(place.path, "mounts[1].target");
	assert_int_equal(place.line, 8);
	assert_true(place.written);
	profile_locate(loaded.profile, K_MOUNTS_MODE, 1, &place);
	assert_string_equal(place.path, "mounts[1].mode");
	assert_int_equal(place.line, 7);
	assert_false(place.written);
	profile_locate(loaded.profile, K_MOUNTS, 0, &place);
	assert_string_equal(place.path, "mounts[0]");
	assert_int_equal(place.line, 6);
	profile_locate(loaded.profile, K_CGROUP_MEMORY_MAX, -1, &place);
	assert_string_equal(place.path, "cgroup.memory.max");
	assert_int_equal(place.line, 3);
	assert_false(place.written);
	profile_locate(loaded.profile, K_CGROUP_MEMORY_SWAP, -1, &place);
	assert_true(place.written);
	profile_locate(loaded.profile, K_HOSTNAME, -1, &place);
	assert_null(place.file);
	assert_string_equal(place.path, "hostname");
	unload(&loaded);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ids_lead_to_their_keys),
		cmocka_unit_test(examples_and_defaults_are_values),
		cmocka_unit_test(defaults_are_what_their_text_says),
		cmocka_unit_test(every_key_refuses_another_kind),
		cmocka_unit_test(every_bound_is_kept),
		cmocka_unit_test(every_word_is_known),
		cmocka_unit_test(paths_are_normal),
		cmocka_unit_test(all_errors_in_one_pass),
		cmocka_unit_test(messages_are_bounded),
		cmocka_unit_test(wrong_shapes),
		cmocka_unit_test(messages_are_escaped),
		cmocka_unit_test(format_comes_first),
		cmocka_unit_test(elements_know_their_type),
		cmocka_unit_test(lists_within_lists),
		cmocka_unit_test(limits_have_two_forms),
		cmocka_unit_test(places),
	};

	return cmocka_run_group_tests(tests, make_directory, remove_directory);
}
