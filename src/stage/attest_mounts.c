/* attest: the mount table against the plan. Runs in the child, in enter, right after the pivot.
 *
 * In enter, because the payload's own rights need not reach every mount point, and nothing mounts after that. Each
 * mount that the plan promises is looked up by its path, which gives its number; the table says with which flags it
 * is there. Then the other way round: every line of the table must be promised, or lie below one that brings a tree
 * (a recursive bind, /dev). A mount of the host's that survived the pivot is in the table and explained by nothing.
 *
 * Needs: statx(2) STATX_MNT_ID, Linux 5.8. See attest.c for what failure means.
 */
#include "stage/attest.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/mount.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "base/fd.h"
#include "base/file.h"

enum { TABLE_MIN = 256 * 1024, TABLE_MAX = 128 * 1024 * 1024 };

/* ---- plan */

/* What can be mounted and is no tree of the host: entries of the profile's own have one mount at most. */
static bool is_mount(const struct mount_plan *item)
{
	return !item->skipped && item->type != MOUNTS_TYPE_SYMLINK && item->type != MOUNTS_TYPE_DIRECTORY;
}

static bool identity(const struct id_map *map, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (map[i].inside != map[i].outside)
			return false;
	return true;
}

/* Whether owners are shown through another map than the mount's own. For an overlay they are, but in its layers. */
static uint64_t idmapped(const struct plan *plan, int idmap)
{
	const struct userns_plan *userns = &plan->userns;
	bool shifted = userns->joined || userns->auto_range || !identity(userns->uid_map, userns->uid_map_count) ||
		       !identity(userns->gid_map, userns->gid_map_count);

	if (idmap == IDMAP_NONE || (idmap == IDMAP_AUTO && !shifted))
		return 0;
	return MOUNT_ATTR_IDMAP;
}

static struct attest_mount of_item(const struct plan *plan, const struct mount_plan *item)
{
	struct attest_mount mount = {
		.path = item->target,
		.key = K_MOUNTS_TARGET,
		.index = item->index,
		.attributes = item->attributes,
	};

	if (item->seal)
		mount.attributes |= MOUNT_ATTR_RDONLY;
	mount.tree = item->type == MOUNTS_TYPE_DEV || (item->type == MOUNTS_TYPE_BIND && item->recursive);
	mount.tree_attributes = mount.attributes;
	mount.dev = item->type == MOUNTS_TYPE_DEV;
	if (mount.dev)
		mount.tree_attributes = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC;
	if (item->type == MOUNTS_TYPE_BIND)
		mount.attributes |= idmapped(plan, item->idmap);
	return mount;
}

static struct attest_mount of_root(const struct plan *plan)
{
	const struct root_plan *root = &plan->root;
	struct attest_mount mount = { .path = "/", .key = K_ROOT_SOURCE, .index = -1, .attributes = root->attributes };

	mount.tree = root->source.path && root->access != ROOT_ACCESS_OVERLAY;
	mount.tree_attributes = root->attributes;
	if (mount.tree)
		mount.attributes |= idmapped(plan, root->idmap);
	if (root->seal)
		mount.attributes |= MOUNT_ATTR_RDONLY;
	return mount;
}

static void add_paths(struct attest_facts *facts, const struct strings *paths, int key)
{
	for (size_t i = 0; i < paths->count; i++)
		facts->mounts[facts->mount_count++] = (struct attest_mount){
			.path = paths->items[i],
			.key = key,
			.index = (int)i,
			.attributes = MOUNT_ATTR_RDONLY,
			.may_be_absent = true,
			.tree = key == K_READ_ONLY,
			.tree_attributes = MOUNT_ATTR_RDONLY,
		};
}

static void add_names(const struct plan *plan, struct attest_facts *facts)
{
	static const struct {
		const char *path;
		int key;
	} files[NAMES_COUNT] = {
		[NAMES_RESOLV] = { "/etc/resolv.conf", K_NETWORK_DNS },
		[NAMES_HOSTS] = { "/etc/hosts", K_NETWORK_HOSTS },
		[NAMES_HOSTNAME] = { "/etc/hostname", K_HOSTNAME },
	};

	for (int file = 0; file < NAMES_COUNT; file++)
		if (plan->names.wanted[file])
			facts->mounts[facts->mount_count++] = (struct attest_mount){
				.path = files[file].path,
				.key = files[file].key,
				.index = -1,
				.attributes = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV,
			};
}

int attest_mounts_plan(struct plan *plan, struct attest_facts *facts, struct error *err)
{
	const struct profile *profile = plan->profile;
	size_t most = 1 + plan->mounts.count + NAMES_COUNT + profile->hide.count + profile->read_only.count;

	facts->mounts = arena_array(&plan->arena, most, sizeof(*facts->mounts));
	if (!facts->mounts)
		return fail_errno(err, 0, "cannot keep the list of mounts");
	facts->mounts[facts->mount_count++] = of_root(plan);
	for (size_t i = 0; i < plan->mounts.count; i++)
		if (is_mount(&plan->mounts.items[i]))
			facts->mounts[facts->mount_count++] = of_item(plan, &plan->mounts.items[i]);
	add_names(plan, facts);
	add_paths(facts, &profile->hide, K_HIDE);
	add_paths(facts, &profile->read_only, K_READ_ONLY);
	return 0;
}

/* ---- the child */

static const struct {
	uint64_t attribute;
	const char *word; /* in the sixth field of mountinfo, proc(5) */
} flags[] = {
	{ MOUNT_ATTR_RDONLY, "ro" },     { MOUNT_ATTR_NOSUID, "nosuid" },  { MOUNT_ATTR_NODEV, "nodev" },
	{ MOUNT_ATTR_NOEXEC, "noexec" }, { MOUNT_ATTR_IDMAP, "idmapped" },
};

/* What a minimal /dev holds. */
static const struct {
	const char *name;
	unsigned major, minor; /* 0: something is mounted there */
} nodes[] = {
	{ "null", 1, 3 },    { "zero", 1, 5 }, { "full", 1, 7 }, { "random", 1, 8 },
	{ "urandom", 1, 9 }, { "tty", 5, 0 },  { "pts", 0, 0 },  { "shm", 0, 0 },
};

/* The fields of one line that matter; they point into it. */
struct line {
	uint64_t id;
	const char *point, *options;
	size_t point_length, options_length;
};

/* "36 35 98:0 /source /point rw,noatime ...": the first, fifth and sixth field. Returns the start of the next line. */
CHILD static const char *parse_line(const char *at, struct line *ret)
{
	ret->id = attest_number(&at, 10);
	for (int field = 1; field < 4; field++)
		at += strcspn(at, " \n") + 1;
	ret->point = at;
	ret->point_length = strcspn(at, " \n");
	at += ret->point_length + 1;
	ret->options = at;
	ret->options_length = strcspn(at, " \n");
	at = strchr(at, '\n');
	return at ? at + 1 : "";
}

CHILD static bool has_option(const struct line *line, const char *word)
{
	const char *at = line->options, *end = at + line->options_length;
	size_t length = strlen(word);

	while (at < end) {
		size_t this = strcspn(at, ", \n");

		if (this == length && !strncmp(at, word, length))
			return true;
		at += this + 1;
	}
	return false;
}

CHILD static int check_flags(const struct attest_mount *mount, const struct line *line, uint64_t wanted,
			     struct error *err)
{
	for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++)
		if (wanted & flags[i].attribute && !has_option(line, flags[i].word))
			return fail_at(err, mount->key, mount->index, "mount number %lu of %s is not %s",
				       (unsigned long)line->id, mount->path, flags[i].word);
	return 0;
}

/* The device, or a mount in its place: the device's own, or what the profile covers it with. */
CHILD static bool is_node(const struct statx *at, unsigned major, unsigned minor)
{
	if (at->stx_attributes & STATX_ATTR_MOUNT_ROOT)
		return true;
	return major && S_ISCHR(at->stx_mode) && at->stx_rdev_major == major && at->stx_rdev_minor == minor;
}

CHILD static int check_dev(const struct attest_mount *mount, struct error *err)
{
	AUTO_CLOSE int dev = open(mount->path, O_PATH | O_DIRECTORY | O_CLOEXEC);

	for (size_t i = 0; i < sizeof(nodes) / sizeof(nodes[0]); i++) {
		struct statx at;

		if (dev < 0 || statx(dev, nodes[i].name, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT, STATX_TYPE, &at))
			return fail_errno_at(err, mount->key, mount->index, "cannot look at %s/%s", mount->path,
					     nodes[i].name);
		if (!is_node(&at, nodes[i].major, nodes[i].minor))
			return fail_at(err, mount->key, mount->index, "%s/%s is not what it should be", mount->path,
				       nodes[i].name);
	}
	return 0;
}

/* Finds the number of the mount that `mount->path` is the root of. */
CHILD static int find(struct attest_mount *mount, struct error *err)
{
	struct statx at;

	if (statx(AT_FDCWD, mount->path, AT_NO_AUTOMOUNT, STATX_MNT_ID, &at)) {
		if (mount->may_be_absent && (errno == ENOENT || errno == ENOTDIR))
			return 0;
		return fail_errno_at(err, mount->key, mount->index, "cannot look at %s", mount->path);
	}
	if (!(at.stx_mask & STATX_MNT_ID) || !(at.stx_attributes & STATX_ATTR_MOUNT_ROOT))
		return fail_at(err, mount->key, mount->index, "nothing is mounted on %s", mount->path);
	mount->id = at.stx_mnt_id;
	return mount->dev ? check_dev(mount, err) : 0;
}

/* A path may be promised twice (hidden and mounted on): every promise about one mount must hold. A cover (see names)
 * stands for what it hides, but has no id map: its lower layer has. */
CHILD static int check_promises(struct attest_facts *facts, const struct line *line, uint64_t cover, struct error *err)
{
	uint64_t exempt = line->id == cover ? MOUNT_ATTR_IDMAP : 0;

	for (size_t i = 0; i < facts->mount_count; i++) {
		struct attest_mount *mount = &facts->mounts[i];

		if (mount->id != line->id)
			continue;
		if (check_flags(mount, line, mount->attributes & ~exempt, err))
			return -1;
		mount->point = line->point;
		mount->point_length = line->point_length;
	}
	return 0;
}

CHILD static bool below(const struct line *line, const struct attest_mount *mount)
{
	size_t length = mount->point_length == 1 ? 0 : mount->point_length;

	return mount->tree && mount->point && line->point_length > mount->point_length && line->point[length] == '/' &&
	       !strncmp(line->point, mount->point, length);
}

CHILD static bool promised(const struct attest_facts *facts, const struct line *line)
{
	for (size_t i = 0; i < facts->mount_count; i++)
		if (facts->mounts[i].id == line->id)
			return true;
	return false;
}

/* Whether a lookup of the line's mount point ends on its mount. What read_only covers with a copy of the same tree
 * stays in the table, with what is mounted in it, and cannot be reached. Escaped points (blanks) count as in sight. */
CHILD static bool in_sight(const struct line *line)
{
	char point[4096];
	struct statx at;

	if (line->point_length >= sizeof(point))
		return true;
	memcpy(point, line->point, line->point_length);
	point[line->point_length] = '\0';
	return statx(AT_FDCWD, point, AT_NO_AUTOMOUNT, STATX_MNT_ID, &at) || at.stx_mnt_id == line->id;
}

/* After all promises: the innermost tree that it lies in answers for it. */
CHILD static int check_unpromised(const struct attest_facts *facts, const struct line *line, struct error *err)
{
	const struct attest_mount *innermost = NULL;
	char point[256];
	size_t length = line->point_length < sizeof(point) ? line->point_length : sizeof(point) - 1;

	for (size_t i = 0; i < facts->mount_count; i++)
		if (below(line, &facts->mounts[i]) &&
		    (!innermost || facts->mounts[i].point_length >= innermost->point_length))
			innermost = &facts->mounts[i];
	if (innermost)
		return in_sight(line) ? check_flags(innermost, line, innermost->tree_attributes, err) : 0;
	memcpy(point, line->point, length);
	point[length] = '\0';
	return fail(err, 0, "a mount on %s was not planned", point);
}

/* The mount that names made, which is read-only, and what lies under it. */
CHILD static int check_cover(const struct inside *inside, const struct line *line, struct error *err)
{
	if (line->id == inside->cover.mount && !has_option(line, "ro"))
		return fail(err, K_NETWORK, "mount number %lu, which covers another, is not ro",
			    (unsigned long)line->id);
	if (line->id == inside->cover.below && in_sight(line))
		return fail(err, K_NETWORK, "mount number %lu is not covered", (unsigned long)line->id);
	return 0;
}

CHILD static int check_lines(struct attest_facts *facts, const struct inside *inside, const char *table,
			     struct error *err)
{
	struct line line;

	for (const char *at = table; *at;) {
		at = parse_line(at, &line);
		if (check_promises(facts, &line, inside->cover.mount, err))
			return -1;
	}
	for (const char *at = table; *at;) {
		at = parse_line(at, &line);
		if (promised(facts, &line))
			continue;
		if (line.id == inside->cover.mount || line.id == inside->cover.below) {
			if (check_cover(inside, &line, err))
				return -1;
		} else if (check_unpromised(facts, &line, err)) {
			return -1;
		}
	}
	return 0;
}

/* Maps memory where the room made by plan is not enough. It goes with the exec. */
CHILD static char *read_table(const struct inside *inside, char *buffer)
{
	static const char file[] = "self/mountinfo";
	ssize_t length = read_file_at(inside->procfs, file, buffer, ATTEST_BUFFER_SIZE);

	for (size_t size = TABLE_MIN; length < 0 && errno == EFBIG && size <= TABLE_MAX; size *= 8) {
		buffer = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		if (buffer == MAP_FAILED)
			return NULL;
		length = read_file_at(inside->procfs, file, buffer, size);
	}
	return length < 0 ? NULL : buffer;
}

CHILD int attest_mounts(const struct plan *plan, const struct inside *inside, struct error *err)
{
	struct attest_facts *facts = plan->attest.facts;
	const char *table = NULL;

	for (size_t i = 0; i < facts->mount_count; i++)
		if (find(&facts->mounts[i], err))
			return -1;
	table = read_table(inside, facts->buffer);
	if (!table)
		return fail_errno(err, 0, "cannot read /proc/self/mountinfo");
	if (check_lines(facts, inside, table, err))
		return -1;
	for (size_t i = 0; i < facts->mount_count; i++)
		if (facts->mounts[i].id && !facts->mounts[i].point)
			return fail_at(err, facts->mounts[i].key, facts->mounts[i].index,
				       "%s is not in the mount table", facts->mounts[i].path);
	return 0;
}
