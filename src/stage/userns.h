/* userns: what the files of the userns stage share. Included by userns*.c, its unit test and the doctor,
 * which tries what they need, only.
 *
 *   userns.c        the cells
 *   userns_map.c    the tables: which map follows from users.map, the caller and subuid(5)
 *   userns_subid.c  reads subuid(5), subgid(5) and /proc/PID/uid_map
 *   userns_range.c  finds a free automatic range
 *   userns_write.c  writes the maps, itself or through newuidmap(1)
 *   userns_why.c    says why the host refused a user namespace
 */
#ifndef STAGE_USERNS_H
#define STAGE_USERNS_H

#include "stage/stage.h"

enum {
	RANGE_SIZE = 65536, /* ids of an automatic range */
	MAP_LINES = 340,    /* user_namespaces(7): lines of a map since Linux 4.15 */
};

/* Ids of the host that subuid(5) gives to somebody. */
struct id_range {
	uint32_t start, count;
};

struct id_ranges {
	struct id_range *items;
	size_t count;
};

struct id_maps {
	const struct id_map *items;
	size_t count;
};

/* What the tables depend on besides the profile. */
struct userns_facts {
	uid_t uid;
	gid_t gid;
	bool root;
	const char *user;                /* the caller's name, for messages; its number when it has none */
	struct id_ranges subuid, subgid; /* the caller's own */
	struct id_maps own_uids,
		own_gids; /* of the launcher's own user namespace; `inside` is what the launcher sees */
};

/* Whose lines of subuid(5) are meant: those that begin with the name or with the number. */
struct subid_owner {
	const char *name; /* NULL: has none */
	uint32_t id;      /* ID_UNSET: everybody's */
};

/* The ranges that subuid(5) text gives to `owner`, in order. Lines that are not of the form are passed over, as
 * newuidmap(1) does. -1 when memory is out. */
int subid_parse(struct arena *arena, const char *text, const struct subid_owner *owner, struct id_ranges *ret);

/* The text of /proc/PID/uid_map. -1 with errno EINVAL when it is no such text, ENOMEM. */
int id_maps_parse(struct arena *arena, const char *text, struct id_maps *ret);

/* A file as text in `arena`, at most a MiB; "" when it does not exist. NULL with errno. */
const char *userns_read(struct arena *arena, const char *path);

/* The ranges of subuid(5) and subgid(5) that user `uid` has, and the user's name, into those fields of *facts. */
int userns_read_subids(struct arena *arena, uid_t uid, struct userns_facts *facts, struct error *err);

/* Fills everything of *ret that follows from users.* and `facts`, and checks it: outside ids exist, ranges do not
 * overlap, the host's root is mapped only by permission, the payload's ids are mapped. The paths of the helpers are not
 * its business. */
int userns_tables(const struct profile *profile, const struct userns_facts *facts, struct arena *arena,
		  struct userns_plan *ret, struct error *err);

/* Checks the payload's ids against maps that are not ours to choose, and sets the build ids. */
int userns_check_payload(const struct profile *profile, struct userns_plan *userns, struct error *err);

/* Whether `dangerous` has the word host-root; else fails on `key`. */
int userns_allow_root(const struct profile *profile, int key, const char *what, struct error *err);

/* What a range must keep clear of. */
struct range_limits {
	struct id_maps own_uids, own_gids;
	struct id_ranges taken; /* subuid(5) and subgid(5) of everybody */
};

struct taken_range {
	uint32_t first;
	int lock; /* the descriptor that holds it; the caller's */
};

/* Takes a free range. `directory` is made when missing; `seed` says where the search begins. */
int userns_take_range(const char *directory, uint32_t seed, const struct range_limits *limits, struct taken_range *ret,
		      struct error *err);

/* The absolute path of a helper in the fixed search path; NULL when there is none. */
const char *userns_find_helper(struct arena *arena, const char *name);

/* Write the maps in `host` to its child. */
int userns_write_maps(const struct userns_plan *userns, const struct host *host, struct error *err);

/* Before anything is made: 0 when nothing known forbids user namespaces to this caller. */
int userns_forbidden(bool root, struct error *err);

#endif
