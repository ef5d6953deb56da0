/* userns_map: which map follows from users.map, the caller, and what subuid(5) gives. Parent, plan column; asks nothing
 * of the kernel, so that the unit test sees every line of the table.
 *
 *	users.map   launched by root                        launched by a user
 *	auto        0..65535 on root's range of subuid(5),  users.uid on the caller, alone;
 *	            else on a free range taken by `host`    setgroups denied
 *	self        0 on 0: host-root                       the caller's number on itself; setgroups denied
 *	root        0 on 0: host-root                       0 on the caller, alone; setgroups denied
 *	subid       0 on 0: host-root, then root's ranges   0 on the caller, then the caller's ranges, by newuidmap(1)
 *	none        no user namespace (namespaces.c)        refused (userns.c)
 *	explicit    as written                              as written: the caller's own id, or by newuidmap(1)
 *
 * "Root" here means that the launcher may write any map. A map that holds the host's 0 makes root inside root outside
 * for everything that asks for ids and not for capabilities, files in /proc/sys to begin with: the profile must say so.
 */
#include <inttypes.h>
#include <string.h>

#include "stage/userns.h"

/* One of the two maps while it is made: what differs between users and groups. */
struct side {
	const struct userns_facts *facts;
	const struct id_map_list *written;
	const struct id_ranges *ranges; /* the caller's, of subuid(5) or subgid(5) */
	const struct id_maps *own;
	uint32_t caller, payload;
	int key, key_payload;
	const char *what, *file;
	struct id_map *room; /* the map, while it grows */
	const struct id_map *map;
	size_t count;
};

static int profile_fault(struct error *err)
{
	return error_exit(err, EXIT_OF_PROFILE);
}

int userns_allow_root(const struct profile *profile, int key, const char *what, struct error *err)
{
	for (size_t i = 0; i < profile->dangerous.count; i++)
		if (!strcmp(profile->dangerous.items[i], "host-root"))
			return 0;
	fail(err, key, "cannot let %s be the host's 0", what);
	error_remedy(err,
		     "if that is wanted, say dangerous = [ \"host-root\" ]; users.map = \"auto\" is without that risk");
	return profile_fault(err);
}

static void add(struct side *side, uint32_t inside, uint32_t outside, uint32_t count)
{
	side->room[side->count++] = (struct id_map){ .inside = inside, .outside = outside, .count = count };
}

static const struct id_map *find(const struct id_map *map, size_t count, uint32_t inside)
{
	for (size_t i = 0; i < count; i++)
		if (inside >= map[i].inside && inside - map[i].inside < map[i].count)
			return &map[i];
	return NULL;
}

/* Whether every id of first..first+count-1 exists in the launcher's own user namespace. Neighbouring lines may share
 * it. */
static bool exists(const struct id_maps *own, uint64_t first, uint64_t count)
{
	while (count) {
		const struct id_map *line = first < UINT32_MAX ? find(own->items, own->count, (uint32_t)first) : NULL;
		uint64_t held = line ? line->inside + (uint64_t)line->count - first : 0;

		if (!line)
			return false;
		if (held >= count)
			return true;
		first += held;
		count -= held;
	}
	return true;
}

/* ---- users.map ------------------------------------------------------------------------------- */

static int auto_root(struct side *side, struct userns_plan *userns)
{
	for (size_t i = 0; !userns->auto_range && i < side->ranges->count; i++) {
		const struct id_range *range = &side->ranges->items[i];

		if (range->count < RANGE_SIZE || !exists(side->own, range->start, RANGE_SIZE))
			continue;
		add(side, 0, range->start, RANGE_SIZE);
		return 0;
	}
	/* `host` puts the range in; until then the map points at ids that are nobody's. */
	userns->auto_range = true;
	side->count = 0;
	add(side, 0, UINT32_MAX - RANGE_SIZE, RANGE_SIZE);
	return 0;
}

static int one_id(struct side *side, uint32_t inside)
{
	add(side, inside, side->caller, 1);
	return 0;
}

static int subid(struct side *side, struct error *err)
{
	uint64_t inside = 1;

	if (!side->ranges->count) {
		fail(err, K_USERS_MAP, "cannot map %ss: %s has no range for %s", side->what, side->file,
		     side->facts->user);
		return error_remedy(err, "sudo usermod --add-subuids 100000-165535 --add-subgids 100000-165535 %s",
				    side->facts->user);
	}
	add(side, 0, side->caller, 1);
	for (size_t i = 0; i < side->ranges->count && side->count < MAP_LINES; i++) {
		const struct id_range *range = &side->ranges->items[i];

		if (inside + range->count > UINT32_MAX)
			break;
		add(side, (uint32_t)inside, range->start, range->count);
		inside += range->count;
	}
	return 0;
}

static int by_word(const struct profile *profile, struct side *side, struct userns_plan *userns, struct error *err)
{
	switch (profile->users.map) {
	case USERS_MAP_AUTO:
		return side->facts->root ? auto_root(side, userns) : one_id(side, side->payload);
	case USERS_MAP_SELF:
		return one_id(side, side->caller);
	case USERS_MAP_ROOT:
		return one_id(side, 0);
	case USERS_MAP_SUBID:
		return subid(side, err);
	default:
		return fail(err, K_USERS_MAP, "cannot map users: no map for word number %d", profile->users.map);
	}
}

/* ---- explicit maps --------------------------------------------------------------------------- */

static bool overlap(uint32_t a, uint32_t a_count, uint32_t b, uint32_t b_count)
{
	return a < (uint64_t)b + b_count && b < (uint64_t)a + a_count;
}

static int check_line(const struct side *side, size_t at, struct error *err)
{
	const struct id_map *line = &side->written->items[at];
	int index = (int)at;

	if (!line->count || line->count > UINT32_MAX - line->inside || line->count > UINT32_MAX - line->outside) {
		fail_at(err, side->key, index, "cannot map %u ids from %u to %u: ids end at %u", line->count,
			line->inside, line->outside, UINT32_MAX - 1);
		return profile_fault(err);
	}
	for (size_t i = 0; i < at; i++) {
		const struct id_map *other = &side->written->items[i];

		if (!overlap(line->inside, line->count, other->inside, other->count) &&
		    !overlap(line->outside, line->count, other->outside, other->count))
			continue;
		fail_at(err, side->key, index, "cannot map an id twice: this range overlaps that of element %zu", i);
		return profile_fault(err);
	}
	if (exists(side->own, line->outside, line->count))
		return 0;
	fail_at(err, side->key, index,
		"cannot map %u ids from %u on: not all of them exist in the launcher's own user "
		"namespace",
		line->count, line->outside);
	return error_remedy(err, "/proc/self/uid_map and gid_map list those that do");
}

static int as_written(struct side *side, struct error *err)
{
	if (side->written->count > MAP_LINES) {
		fail(err, side->key, "cannot map more than %d ranges", MAP_LINES);
		return profile_fault(err);
	}
	for (size_t i = 0; i < side->written->count; i++) {
		if (check_line(side, i, err))
			return -1;
		side->room[side->count++] = side->written->items[i];
	}
	return 0;
}

/* The kernel lets a process without privilege map one id: its own (user_namespaces(7)). */
static bool own_id_only(const struct side *side)
{
	return side->count == 1 && side->map[0].count == 1 && side->map[0].outside == side->caller;
}

/* ---- both ------------------------------------------------------------------------------------ */

static int make_side(const struct profile *profile, struct side *side, struct arena *arena, struct userns_plan *userns,
		     struct error *err)
{
	bool written = profile->users.uid_map.count || profile->users.gid_map.count;

	side->room = arena_array(arena, MAP_LINES + 1, sizeof(*side->room));
	side->map = side->room;
	if (!side->map)
		return fail_errno(err, K_USERS_MAP, "cannot plan");
	if (written ? as_written(side, err) : by_word(profile, side, userns, err))
		return -1;
	for (size_t i = 0; i < side->count; i++)
		if (side->map[i].outside == 0 && userns_allow_root(profile, written ? side->key : K_USERS_MAP,
								   side->what[0] == 'u' ? "a user" : "a group", err))
			return -1;
	return 0;
}

static void describe_map(const struct id_map *map, size_t count, struct text *out)
{
	for (size_t i = 0; i < count; i++) {
		uint64_t last = (uint64_t)map[i].inside + map[i].count - 1;

		text_add(out, i ? ", %u" : "%u", map[i].inside);
		if (map[i].count > 1)
			text_add(out, "-%" PRIu64, last);
	}
}

static int check_mapped(const struct side *side, int key, int index, uint32_t id, struct error *err)
{
	struct text ranges = { 0 };

	if (find(side->map, side->count, id))
		return 0;
	describe_map(side->map, side->count, &ranges);
	fail_at(err, key, index, "cannot run as %s %u: the map holds %s only", side->what, id,
		ranges.data ? ranges.data : "nothing");
	if (side->count == 1 && side->map[0].count == 1)
		error_remedy(err, "set users.%s = %u", side->what[0] == 'u' ? "uid" : "gid", side->map[0].inside);
	text_free(&ranges);
	return profile_fault(err);
}

int userns_check_payload(const struct profile *profile, struct userns_plan *userns, struct error *err)
{
	const struct side users = { .map = userns->uid_map, .count = userns->uid_map_count, .what = "user" };
	const struct side groups = { .map = userns->gid_map, .count = userns->gid_map_count, .what = "group" };

	if (check_mapped(&users, K_USERS_UID, -1, profile->users.uid, err) ||
	    check_mapped(&groups, K_USERS_GID, -1, profile->users.gid, err))
		return -1;
	for (size_t i = 0; i < profile->users.groups.count; i++)
		if (check_mapped(&groups, K_USERS_GROUPS, -1, (uint32_t)profile->users.groups.items[i], err))
			return -1;
	userns->build_uid = find(users.map, users.count, 0) ? 0 : profile->users.uid;
	userns->build_gid = find(groups.map, groups.count, 0) ? 0 : profile->users.gid;
	return 0;
}

int userns_tables(const struct profile *profile, const struct userns_facts *facts, struct arena *arena,
		  struct userns_plan *ret, struct error *err)
{
	struct side users = { .facts = facts,
			      .written = &profile->users.uid_map,
			      .ranges = &facts->subuid,
			      .own = &facts->own_uids,
			      .caller = facts->uid,
			      .payload = profile->users.uid,
			      .key = K_USERS_UID_MAP,
			      .what = "user",
			      .file = "/etc/subuid" };
	struct side groups = { .facts = facts,
			       .written = &profile->users.gid_map,
			       .ranges = &facts->subgid,
			       .own = &facts->own_gids,
			       .caller = facts->gid,
			       .payload = profile->users.gid,
			       .key = K_USERS_GID_MAP,
			       .what = "group",
			       .file = "/etc/subgid" };

	if (make_side(profile, &users, arena, ret, err) || make_side(profile, &groups, arena, ret, err))
		return -1;
	/* An automatic range is one for both: users had a line of their own, groups had none. */
	if (ret->auto_range) {
		users.count = 0;
		(void)auto_root(&users, ret);
	}
	ret->uid_map = users.map;
	ret->uid_map_count = users.count;
	ret->gid_map = groups.map;
	ret->gid_map_count = groups.count;
	if (!facts->root) {
		ret->use_helpers = !own_id_only(&users) || !own_id_only(&groups);
		ret->deny_setgroups = !ret->use_helpers;
	}
	return userns_check_payload(profile, ret, err);
}
