/* test_userns_range: subuid(5) as it is found in the wild, and the choice of an automatic range. No privilege, no
 * namespace. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "stage/userns.h"

/* After our own: it makes a macro of the word fail. */
#include <cmocka.h>

static const struct id_map all_ids[] = { { 0, 0, UINT32_MAX } };

/* ---- subuid(5) and uid_map ------------------------------------------------------------------- */

static void test_subid(void **state)
{
	const char *text = "# a comment\n"
			   "ann:100000:65536\n"
			   "\n"
			   "bob:165536:65536\n"
			   "ann:1:2:3\n"
			   "ann:x:5\n"
			   "ann:5:0\n"
			   "ann:4294967295:2\n"
			   "annabel:7:7\n"
			   "1001:300000:10\n"
			   "01001:400000:10\n"
			   "ann:500000:1";
	const struct subid_owner ann = { "ann", 1001 }, stranger = { NULL, 7 }, everybody = { NULL, ID_UNSET };
	struct id_ranges ranges;
	struct arena arena = { 0 };

	(void)state;
	assert_int_equal(subid_parse(&arena, text, &ann, &ranges), 0);
	assert_int_equal(ranges.count, 3);
	assert_int_equal(ranges.items[0].start, 100000);
	assert_int_equal(ranges.items[0].count, 65536);
	assert_int_equal(ranges.items[1].start, 300000);
	assert_int_equal(ranges.items[2].start, 500000);
	assert_int_equal(subid_parse(&arena, text, &stranger, &ranges), 0);
	assert_int_equal(ranges.count, 0);
	assert_int_equal(subid_parse(&arena, text, &everybody, &ranges), 0);
	assert_int_equal(ranges.count, 6);
	arena_free(&arena);
}

static void test_uid_map_text(void **state)
{
	struct id_maps maps;
	struct arena arena = { 0 };

	(void)state;
	assert_int_equal(id_maps_parse(&arena, "         0          0 4294967295\n", &maps), 0);
	assert_int_equal(maps.count, 1);
	assert_int_equal(maps.items[0].count, UINT32_MAX);
	assert_int_equal(id_maps_parse(&arena, "0 1000 1\n1 100000 65536\n", &maps), 0);
	assert_int_equal(maps.count, 2);
	assert_int_equal(maps.items[1].outside, 100000);
	assert_int_equal(id_maps_parse(&arena, "0 1000\n", &maps), -1);
	assert_int_equal(id_maps_parse(&arena, "", &maps), 0);
	assert_int_equal(maps.count, 0);
	arena_free(&arena);
}

/* ---- the automatic range --------------------------------------------------------------------- */

static char *temporary(void **state)
{
	return *state;
}

static int make_temporary(void **state)
{
	char *path = strdup("/tmp/test_userns.XXXXXX");

	*state = path ? mkdtemp(path) : NULL;
	return *state ? 0 : -1;
}

static int remove_temporary(void **state)
{
	char file[64];

	(void)snprintf(file, sizeof(file), "%s/locks/ranges", temporary(state));
	(void)unlink(file);
	(void)snprintf(file, sizeof(file), "%s/locks", temporary(state));
	(void)rmdir(file);
	(void)rmdir(temporary(state));
	free(*state);
	return 0;
}

static const char *locks(void **state, char path[64])
{
	(void)snprintf(path, 64, "%s/locks", temporary(state));
	return path;
}

/* Takes a range; its lock is the caller's. */
static struct taken_range take(const char *path, uint32_t seed, const struct range_limits *limits)
{
	struct taken_range range = { .lock = -1 };
	struct error err = { 0 };

	if (userns_take_range(path, seed, limits, &range, &err))
		fail_msg("%s", err.what);
	assert_true(range.lock >= 0);
	return range;
}

static const struct range_limits no_limits = { .own_uids = { all_ids, 1 }, .own_gids = { all_ids, 1 } };

/* Two that run at a time never share a range; one that ended gives its range back. */
static void test_range_lock(void **state)
{
	struct taken_range first, second, third;
	char path[64];

	first = take(locks(state, path), 0, &no_limits);
	assert_int_equal(first.first, 0x70000000);
	second = take(path, 0, &no_limits);
	assert_int_equal(second.first, 0x70010000);
	fd_close(&first.lock);
	third = take(path, 0, &no_limits);
	assert_int_equal(third.first, 0x70000000);
	fd_close(&second.lock);
	fd_close(&third.lock);
}

/* The last slot, then around to the first. */
static void test_range_seed(void **state)
{
	struct taken_range last, wrapped;
	char path[64];

	last = take(locks(state, path), 0x7ffd - 0x7000, &no_limits);
	assert_int_equal(last.first, 0x7ffd0000);
	wrapped = take(path, 0x7ffd - 0x7000, &no_limits);
	assert_int_equal(wrapped.first, 0x70000000);
	fd_close(&last.lock);
	fd_close(&wrapped.lock);
}

/* One id in the middle of a slot, and one range across the border of two, are enough. */
static void test_range_taken(void **state)
{
	struct id_range taken[] = { { 0x70000000 + 65536 + 17, 1 }, { 0x6fffffff, 2 } };
	struct range_limits limits = no_limits;
	struct taken_range range;
	char path[64];

	limits.taken = (struct id_ranges){ taken, 2 };
	range = take(locks(state, path), 0, &limits);
	assert_int_equal(range.first, 0x70020000);
	fd_close(&range.lock);
}

/* In a container with a million ids: a slot that exists, not the first. In one with 65536: none. */
static void test_range_container(void **state)
{
	static const struct id_map million[] = { { 0, 500000, 1000000 } }, few[] = { { 0, 100000, 65536 } };
	struct range_limits limits = { .own_uids = { million, 1 }, .own_gids = { million, 1 } };
	struct taken_range range;
	struct error err = { 0 };
	char path[64];

	range = take(locks(state, path), 3, &limits);
	assert_int_equal(range.first % 65536, 0);
	assert_in_range(range.first, 65536, 1000000 - 65536);
	fd_close(&range.lock);
	limits.own_gids = (struct id_maps){ few, 1 };
	assert_int_equal(userns_take_range(path, 3, &limits, &range, &err), -1);
	assert_int_equal(err.exit_status, EXIT_OF_HOST);
	assert_non_null(strstr(err.what, "none to spare"));
}

/* Who can write the file of locks could take them all. */
static void test_range_strangers(void **state)
{
	struct taken_range range = { .lock = -1 };
	struct error err = { 0 };
	char path[64];

	assert_int_equal(mkdir(locks(state, path), 0777), 0);
	assert_int_equal(chmod(path, 0777), 0);
	assert_int_equal(userns_take_range(path, 0, &no_limits, &range, &err), -1);
	assert_non_null(strstr(err.what, "others than root can write it"));
	assert_int_equal(range.lock, -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_subid),
		cmocka_unit_test(test_uid_map_text),
		cmocka_unit_test_setup_teardown(test_range_lock, make_temporary, remove_temporary),
		cmocka_unit_test_setup_teardown(test_range_seed, make_temporary, remove_temporary),
		cmocka_unit_test_setup_teardown(test_range_taken, make_temporary, remove_temporary),
		cmocka_unit_test_setup_teardown(test_range_container, make_temporary, remove_temporary),
		cmocka_unit_test_setup_teardown(test_range_strangers, make_temporary, remove_temporary),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
