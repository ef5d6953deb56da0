/* userns_range: a range of 65536 ids that nobody else uses, for users.map = "auto" as root. Parent, host column.
 *
 * The number space is cut into slots of 65536. Ours are 0x7000..0x7FFD, ids 1879048192..2147352575: right behind what
 * systemd gives to containers and right before what it calls foreign (https://systemd.io/UIDS-GIDS/), below the 2^31
 * from which on programs misread ids as negative. A slot that overlaps any line of subuid(5) or subgid(5) is passed
 * over. Where the launcher itself lives in a user namespace that has none of these ids, any slot that it does have will
 * do, the first excepted, which holds its own users.
 *
 * A slot is taken by a lock on one byte of DIRECTORY/ranges, the byte at the slot's number (stage/lock_file.h). The
 * empty file stays.
 *
 * The search starts where the sandbox's random id says, so that a slot is not reused right after its sandbox ended.
 */
#include <fcntl.h>

#include "base/fd.h"
#include "stage/lock_file.h"
#include "stage/userns.h"

enum {
	SLOT_FIRST = 0x7000,
	SLOT_LAST = 0x7ffd,
	SLOT_HIGHEST = 0xfffe, /* the last slot holds 4294967295, which is no id */
};

static bool holds(const struct id_maps *own, uint64_t first)
{
	for (size_t i = 0; i < own->count; i++)
		if (first >= own->items[i].inside &&
		    first + RANGE_SIZE <= (uint64_t)own->items[i].inside + own->items[i].count)
			return true;
	return false;
}

static bool mapped(const struct range_limits *limits, uint32_t slot)
{
	uint64_t first = (uint64_t)slot * RANGE_SIZE;

	return holds(&limits->own_uids, first) && holds(&limits->own_gids, first);
}

static bool given_away(const struct range_limits *limits, uint32_t slot)
{
	uint64_t first = (uint64_t)slot * RANGE_SIZE;

	for (size_t i = 0; i < limits->taken.count; i++) {
		const struct id_range *range = &limits->taken.items[i];

		if (first < (uint64_t)range->start + range->count && range->start < first + RANGE_SIZE)
			return true;
	}
	return false;
}

/* Whether a slot of the window exists here. */
static bool any_mapped(const struct range_limits *limits, uint32_t first, uint32_t last)
{
	for (uint32_t slot = first; slot <= last; slot++)
		if (mapped(limits, slot))
			return true;
	return false;
}

struct search {
	int fd; /* the file of locks */
	uint32_t seed;
	const struct range_limits *limits;
	uint32_t found;
};

/* Tries every slot of a window once. Returns as lock_bytes(). */
static int search(struct search *search, uint32_t first, uint32_t last)
{
	uint32_t count = last - first + 1;

	for (uint32_t i = 0; i < count; i++) {
		uint32_t slot = first + (search->seed % count + i) % count;
		int got = 0;

		if (!mapped(search->limits, slot) || given_away(search->limits, slot))
			continue;
		got = lock_bytes(search->fd, F_WRLCK, slot, 1, false);
		search->found = slot;
		if (got)
			return got;
	}
	return 0;
}

int userns_take_range(const char *directory, uint32_t seed, const struct range_limits *limits, struct taken_range *ret,
		      struct error *err)
{
	bool ours = any_mapped(limits, SLOT_FIRST, SLOT_LAST);
	struct search state = { .seed = seed, .limits = limits, .fd = -1 };
	int got = 0;

	if (!ours && !any_mapped(limits, 1, SLOT_HIGHEST)) {
		fail(err, K_USERS_MAP,
		     "cannot find a range of %d ids: the launcher's own user namespace has none to spare", RANGE_SIZE);
		error_remedy(err, "give the launcher's container more ids: a rootless engine takes them from "
				  "/etc/subuid and /etc/subgid");
		return error_exit(err, EXIT_OF_HOST);
	}
	do {
		fd_close(&state.fd);
		state.fd = lock_file_open(directory, "ranges", K_USERS_MAP, err);
		if (state.fd < 0)
			return -1;
		got = ours ? search(&state, SLOT_FIRST, SLOT_LAST) : search(&state, 1, SLOT_HIGHEST);
	} while (got > 0 && lock_file_removed(state.fd) > 0);
	if (got > 0) {
		*ret = (struct taken_range){ .first = state.found * RANGE_SIZE, .lock = state.fd };
		return 0;
	}
	if (got < 0)
		fail_errno(err, K_USERS_MAP, "cannot lock a range of ids in %s/ranges", directory);
	fd_close(&state.fd);
	if (got < 0)
		return -1;
	fail(err, K_USERS_MAP, "cannot find a free range of %d ids: all are in use", RANGE_SIZE);
	error_remedy(err, "end other sandboxes, or give users.uid_map and users.gid_map");
	return error_exit(err, EXIT_OF_HOST);
}
