/* test_userns: the table of user maps line by line, subuid(5) as it is found in the wild, and the choice of an
 * automatic range. No privilege, no namespace. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "stage/userns.h"

/* After our own: it makes a macro of the word fail. */
#include <cmocka.h>

static const struct id_map all_ids[] = { { 0, 0, UINT32_MAX } };

/* What a line of the table is tried with. */
struct line {
	const char *name;
	int map;
	bool root;
	uint32_t caller, uid, gid;
	const char *subuid, *subgid;
	const char *dangerous;
	/* Either the maps and what goes with them ... */
	const char *uid_map, *gid_map;
	bool deny_setgroups, use_helpers, auto_range;
	uint32_t build_uid;
	/* ... or the key at fault and a part of the message. */
	int key;
	const char *what;
};

static const char *map_text(char *out, size_t size, const struct id_map *map, size_t count)
{
	size_t length = 0;

	out[0] = '\0';
	for (size_t i = 0; i < count; i++)
		length += (size_t)snprintf(out + length, size - length, "%s%u %u %u", i ? ", " : "", map[i].inside,
					   map[i].outside, map[i].count);
	return out;
}

static void fill(const struct line *line, struct arena *arena, struct profile *profile, struct userns_facts *facts)
{
	const struct subid_owner ann = { "ann", line->caller };

	memset(profile, 0, sizeof(*profile));
	profile->users.map = line->map;
	profile->users.uid = line->uid;
	profile->users.gid = line->gid;
	if (line->dangerous) {
		profile->dangerous.items = arena_array(arena, 1, sizeof(char *));
		profile->dangerous.items[0] = line->dangerous;
		profile->dangerous.count = 1;
	}
	*facts = (struct userns_facts){ .uid = line->caller,
					.gid = line->caller,
					.root = line->root,
					.user = "ann",
					.own_uids = { all_ids, 1 },
					.own_gids = { all_ids, 1 } };
	assert_int_equal(subid_parse(arena, line->subuid ? line->subuid : "", &ann, &facts->subuid), 0);
	assert_int_equal(subid_parse(arena, line->subgid ? line->subgid : "", &ann, &facts->subgid), 0);
}

static void try_line(const struct line *line)
{
	struct arena arena = { 0 };
	struct userns_plan plan = { 0 };
	struct userns_facts facts;
	struct profile profile;
	struct error err = { 0 };
	char text[512];
	int status = 0;

	print_message("%s\n", line->name);
	fill(line, &arena, &profile, &facts);
	status = userns_tables(&profile, &facts, &arena, &plan, &err);
	if (line->what) {
		assert_int_equal(status, -1);
		assert_int_equal(err.key, line->key);
		if (!strstr(err.what, line->what))
			fail_msg("%s: got \"%s\"", line->name, err.what);
	} else {
		if (status)
			fail_msg("%s: %s", line->name, err.what);
		if (line->uid_map)
			assert_string_equal(map_text(text, sizeof(text), plan.uid_map, plan.uid_map_count),
					    line->uid_map);
		if (line->gid_map)
			assert_string_equal(map_text(text, sizeof(text), plan.gid_map, plan.gid_map_count),
					    line->gid_map);
		assert_int_equal(plan.deny_setgroups, line->deny_setgroups);
		assert_int_equal(plan.use_helpers, line->use_helpers);
		assert_int_equal(plan.auto_range, line->auto_range);
		assert_int_equal(plan.build_uid, line->build_uid);
	}
	arena_free(&arena);
}

static const struct line table[] = {
	/* launched by root */
	{ .name = "auto, root, a line in both files",
	  .map = USERS_MAP_AUTO,
	  .root = true,
	  .uid = 1000,
	  .gid = 1000,
	  .subuid = "0:100000:65536\n",
	  .subgid = "0:200000:65536\n",
	  .uid_map = "0 100000 65536",
	  .gid_map = "0 200000 65536" },
	{ .name = "auto, root, too small a line first",
	  .map = USERS_MAP_AUTO,
	  .root = true,
	  .uid = 1,
	  .gid = 1,
	  .subuid = "0:5000:1000\n0:100000:65537\n",
	  .subgid = "0:200000:65536\n",
	  .uid_map = "0 100000 65536",
	  .gid_map = "0 200000 65536" },
	{ .name = "auto, root, no line",
	  .map = USERS_MAP_AUTO,
	  .root = true,
	  .uid = 1000,
	  .gid = 1000,
	  .auto_range = true },
	{ .name = "auto, root, a line for users only",
	  .map = USERS_MAP_AUTO,
	  .root = true,
	  .uid = 1000,
	  .gid = 1000,
	  .subuid = "0:100000:65536\n",
	  .auto_range = true },
	{ .name = "auto, root, a line for groups only",
	  .map = USERS_MAP_AUTO,
	  .root = true,
	  .uid = 1000,
	  .gid = 1000,
	  .subgid = "0:100000:65536\n",
	  .auto_range = true },
	{ .name = "auto, root, payload outside",
	  .map = USERS_MAP_AUTO,
	  .root = true,
	  .uid = 65536,
	  .gid = 0,
	  .key = K_USERS_UID,
	  .what = "0-65535" },
	{ .name = "auto, root, group outside",
	  .map = USERS_MAP_AUTO,
	  .root = true,
	  .uid = 0,
	  .gid = 70000,
	  .key = K_USERS_GID,
	  .what = "70000" },
	{ .name = "self, root", .map = USERS_MAP_SELF, .root = true, .key = K_USERS_MAP, .what = "the host's 0" },
	{ .name = "self, root, permitted",
	  .map = USERS_MAP_SELF,
	  .root = true,
	  .dangerous = "host-root",
	  .uid_map = "0 0 1",
	  .gid_map = "0 0 1" },
	{ .name = "root, root", .map = USERS_MAP_ROOT, .root = true, .key = K_USERS_MAP, .what = "the host's 0" },
	{ .name = "root, root, another danger permitted",
	  .map = USERS_MAP_ROOT,
	  .root = true,
	  .dangerous = "host-paths",
	  .key = K_USERS_MAP,
	  .what = "the host's 0" },
	{ .name = "subid, root",
	  .map = USERS_MAP_SUBID,
	  .root = true,
	  .subuid = "0:100000:65536",
	  .subgid = "0:100000:65536",
	  .key = K_USERS_MAP,
	  .what = "the host's 0" },
	{ .name = "subid, root, permitted",
	  .map = USERS_MAP_SUBID,
	  .root = true,
	  .dangerous = "host-root",
	  .uid = 1,
	  .gid = 1,
	  .subuid = "0:100000:65536",
	  .subgid = "0:100000:65536",
	  .uid_map = "0 0 1, 1 100000 65536",
	  .gid_map = "0 0 1, 1 100000 65536" },
	{ .name = "subid, root, no line",
	  .map = USERS_MAP_SUBID,
	  .root = true,
	  .dangerous = "host-root",
	  .key = K_USERS_MAP,
	  .what = "/etc/subuid has no range for ann" },
	/* launched by a user */
	{ .name = "auto, user",
	  .map = USERS_MAP_AUTO,
	  .caller = 1001,
	  .uid = 1000,
	  .gid = 100,
	  .uid_map = "1000 1001 1",
	  .gid_map = "100 1001 1",
	  .deny_setgroups = true,
	  .build_uid = 1000 },
	{ .name = "auto, user as 0",
	  .map = USERS_MAP_AUTO,
	  .caller = 1001,
	  .uid_map = "0 1001 1",
	  .gid_map = "0 1001 1",
	  .deny_setgroups = true },
	{ .name = "self, user",
	  .map = USERS_MAP_SELF,
	  .caller = 1001,
	  .uid = 1001,
	  .gid = 1001,
	  .uid_map = "1001 1001 1",
	  .gid_map = "1001 1001 1",
	  .deny_setgroups = true,
	  .build_uid = 1001 },
	{ .name = "self, user, another payload",
	  .map = USERS_MAP_SELF,
	  .caller = 1001,
	  .uid = 1000,
	  .gid = 1000,
	  .key = K_USERS_UID,
	  .what = "cannot run as user 1000: the map holds 1001 only" },
	{ .name = "root, user",
	  .map = USERS_MAP_ROOT,
	  .caller = 1001,
	  .uid_map = "0 1001 1",
	  .gid_map = "0 1001 1",
	  .deny_setgroups = true },
	{ .name = "subid, user",
	  .map = USERS_MAP_SUBID,
	  .caller = 1001,
	  .uid = 1000,
	  .gid = 1000,
	  .subuid = "ann:100000:1000\nbob:1:1\n1001:300000:5\n",
	  .subgid = "ann:200000:65536\n",
	  .uid_map = "0 1001 1, 1 100000 1000, 1001 300000 5",
	  .gid_map = "0 1001 1, 1 200000 65536",
	  .use_helpers = true },
	{ .name = "subid, user, a line for users only",
	  .map = USERS_MAP_SUBID,
	  .caller = 1001,
	  .subuid = "ann:100000:1000\n",
	  .key = K_USERS_MAP,
	  .what = "/etc/subgid has no range for ann" },
	{ .name = "auto, uid 0 without privilege",
	  .map = USERS_MAP_AUTO,
	  .uid = 1000,
	  .gid = 1000,
	  .key = K_USERS_MAP,
	  .what = "the host's 0" },
};

static void test_table(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		try_line(&table[i]);
}

/* ---- explicit maps --------------------------------------------------------------------------- */

struct explicit_case {
	const char *name;
	bool root;
	struct id_map uids[3];
	size_t count;
	const char *what; /* NULL: is accepted */
	bool helpers;
};

static void try_explicit(const struct explicit_case *wanted)
{
	static struct id_map own_group[] = { { 0, 1001, 1 } };
	static const char *allowed[] = { "host-root" };
	struct id_map uids[3];
	struct profile profile = { .users = { .map = USERS_MAP_AUTO, .gid_map = { own_group, 1 } },
				   .dangerous = { allowed, 0 } };
	struct userns_facts facts = { .uid = 1001,
				      .gid = 1001,
				      .root = wanted->root,
				      .user = "ann",
				      .own_uids = { all_ids, 1 },
				      .own_gids = { all_ids, 1 } };
	struct arena arena = { 0 };
	struct userns_plan plan = { 0 };
	struct error err = { 0 };
	int status = 0;

	print_message("%s\n", wanted->name);
	memcpy(uids, wanted->uids, sizeof(uids));
	profile.users.uid_map.items = uids;
	profile.users.uid_map.count = wanted->count;
	profile.users.uid = uids[0].inside;
	status = userns_tables(&profile, &facts, &arena, &plan, &err);
	if (wanted->what) {
		assert_int_equal(status, -1);
		if (!strstr(err.what, wanted->what))
			fail_msg("%s: got \"%s\"", wanted->name, err.what);
		assert_int_equal(err.exit_status, EXIT_OF_PROFILE);
	} else {
		if (status)
			fail_msg("%s: %s", wanted->name, err.what);
		assert_int_equal(plan.use_helpers, wanted->helpers);
		assert_int_equal(plan.uid_map_count, wanted->count);
	}
	arena_free(&arena);
}

static void test_explicit(void **state)
{
	static const struct explicit_case cases[] = {
		{ .name = "root, two ranges",
		  .root = true,
		  .uids = { { 0, 100000, 10 }, { 10, 5000, 1 } },
		  .count = 2 },
		{ .name = "root, the host's 0", .root = true, .uids = { { 0, 0, 1 } }, .count = 1, .what = "host's 0" },
		{ .name = "overlap inside",
		  .root = true,
		  .uids = { { 0, 100, 10 }, { 9, 500, 1 } },
		  .count = 2,
		  .what = "twice" },
		{ .name = "overlap outside",
		  .root = true,
		  .uids = { { 0, 100, 10 }, { 10, 109, 1 } },
		  .count = 2,
		  .what = "twice" },
		{ .name = "neighbours", .root = true, .uids = { { 0, 100, 10 }, { 10, 110, 1 } }, .count = 2 },
		{ .name = "past the last id",
		  .root = true,
		  .uids = { { 0, 4294967294U, 2 } },
		  .count = 1,
		  .what = "ids end at 4294967294" },
		{ .name = "up to the last id", .root = true, .uids = { { 0, 4294967294U, 1 } }, .count = 1 },
		{ .name = "wraps around",
		  .root = true,
		  .uids = { { 4294967290U, 1, 100 } },
		  .count = 1,
		  .what = "ids end at 4294967294" },
		{ .name = "user, own id", .uids = { { 5, 1001, 1 } }, .count = 1 },
		{ .name = "user, another's", .uids = { { 5, 1002, 1 } }, .count = 1, .helpers = true },
		{ .name = "user, own and more",
		  .uids = { { 0, 1001, 1 }, { 1, 100000, 9 } },
		  .count = 2,
		  .helpers = true },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		try_explicit(&cases[i]);
}

/* In a container: ids that the launcher's own namespace lacks cannot be given on. */
static void test_explicit_missing_outside(void **state)
{
	static const struct id_map container[] = { { 0, 100000, 1000 }, { 1000, 300000, 1000 } };
	struct id_map good = { 0, 500, 1500 }, bad = { 0, 1500, 1000 };
	struct profile profile = { .users = { .gid_map = { &good, 1 } } };
	struct userns_facts facts = { .root = true, .own_uids = { container, 2 }, .own_gids = { container, 2 } };
	struct userns_plan plan = { 0 };
	struct arena arena = { 0 };
	struct error err = { 0 };

	(void)state;
	profile.users.uid_map = (struct id_map_list){ &good, 1 };
	assert_int_equal(userns_tables(&profile, &facts, &arena, &plan, &err), 0);
	profile.users.uid_map = (struct id_map_list){ &bad, 1 };
	assert_int_equal(userns_tables(&profile, &facts, &arena, &plan, &err), -1);
	assert_int_equal(err.key, K_USERS_UID_MAP);
	assert_int_equal(err.index, 0);
	arena_free(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_table),
		cmocka_unit_test(test_explicit),
		cmocka_unit_test(test_explicit_missing_outside),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
