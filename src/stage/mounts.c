/* mounts: everything below /, in the order of the profile.
 *
 * plan     (parent) looks at the sources on the host, turns the keys of each element into mount attributes, and
 *          decides who makes it. An optional bind whose source is missing is left out here, and reported.
 * host     (parent) makes those that only a launcher who is root can make (outside.c), detached.
 * enter    (child, after root: the working directory is the new root, the process's root directory still the host's)
 *          makes the others. Each mount is complete, attributes and all, before it is attached, and is attached by
 *          descriptor onto a target resolved below the new root (base/place): neither a link in the image nor somebody
 *          who renames directories in it meanwhile can lead a mount, or the making of a mount point, out of it. Mount
 *          points of the kernel's own file systems may be no links at all, since what hide and read_only cover depends
 *          on their place.
 *
 * What is missing on the way to a target is made where the file system there can be written. So a tmpfs that the
 * profile wants read-only stays writable until all mounts are in place; everything else is read-only at once.
 *
 * A link from a source's own path gives way to all of that, and is never made in what is the host's, where it would
 * stay.
 *
 * Each new file system needs the namespace that it shows, made (or joined) by this sandbox: proc the pid namespace,
 * sysfs the net one, mqueue the ipc one, cgroup the cgroup one; plan refuses the rest, since as root the kernel would
 * show the host's. cgroup is always the unified hierarchy, read-only; on a host whose controllers are on version 1 it
 * shows only what the unified hierarchy has. A copy without the mounts below its source is EINVAL in a user namespace,
 * when there are some: what they hide would be uncovered.
 *
 * Needs: Linux 5.15. Nothing to undo: mounts die with the namespace.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/file.h"
#include "base/format.h"
#include "base/place.h"
#include "stage/filesystem_describe.h"

/* ---- plan */

static int refuse(const struct mount_plan *item, int key, const char *what, struct error *err)
{
	fail_at(err, key, item->index, "cannot mount %s: %s", item->target, what);
	return error_exit(err, EXIT_OF_PROFILE);
}

static bool has_namespace(const struct plan *plan, int flag)
{
	const struct namespaces_plan *made = &plan->namespaces;

	if ((flag == CLONE_NEWPID && made->pid) || (flag == CLONE_NEWNET && made->net) ||
	    (flag == CLONE_NEWIPC && made->ipc) || (flag == CLONE_NEWCGROUP && made->cgroup))
		return true;
	for (size_t i = 0; i < plan->join.count; i++)
		if (plan->join.items[i].flag == flag)
			return true;
	return false;
}

static bool host_paths_permitted(const struct profile *profile)
{
	for (size_t i = 0; i < profile->dangerous.count; i++)
		if (!strcmp(profile->dangerous.items[i], "host-paths"))
			return true;
	return false;
}

/* A writable sysfs sets what the host's hardware does, a writable cgroupfs the sandbox's own limits. */
static int check_kernel_fs(const struct plan *plan, const struct mount_plan *item, struct error *err)
{
	const struct mount_kind *kind = &mount_kinds[item->type];
	bool writable = item->mount->access == MOUNTS_ACCESS_READ_WRITE;

	if (!kind->fs)
		return 0;
	if (!has_namespace(plan, kind->flag)) {
		fail_at(err, K_MOUNTS_TYPE, item->index, "cannot mount %s: a %s file system needs the %s namespace",
			item->target, kind->name, kind->namespace);
		error_remedy(err, "add \"%s\" to namespaces; without it the host's would be shown", kind->namespace);
		return error_exit(err, EXIT_OF_PROFILE);
	}
	if (writable && item->type == MOUNTS_TYPE_CGROUP)
		return refuse(item, K_MOUNTS_ACCESS, "a cgroup file system is read-only inside", err);
	if (writable && item->type == MOUNTS_TYPE_SYSFS && !host_paths_permitted(plan->profile))
		return refuse(item, K_MOUNTS_ACCESS, "a writable sysfs needs dangerous = [ \"host-paths\" ]", err);
	return 0;
}

static void plan_attributes(const struct plan *plan, struct mount_plan *item)
{
	const struct mount *mount = item->mount;
	const struct mount_kind *kind = &mount_kinds[item->type];
	bool writable = mount->access == MOUNTS_ACCESS_READ_WRITE ||
			(mount->access == MOUNTS_ACCESS_DEFAULT && (kind->writable || item->overlay.writable));

	item->attributes = kind->attributes;
	if (item->type == MOUNTS_TYPE_DEV && (plan->userns.create || plan->userns.joined))
		item->attributes |= MOUNT_ATTR_NODEV; /* its nodes are mounts of their own */
	if (!kind->attributes)
		item->attributes = (mount->suid ? 0U : MOUNT_ATTR_NOSUID) | (mount->dev ? 0U : MOUNT_ATTR_NODEV) |
				   (mount->exec ? 0U : MOUNT_ATTR_NOEXEC);
	item->seal = !writable && kind->sealed;
	if (!writable && !kind->sealed)
		item->attributes |= MOUNT_ATTR_RDONLY;
}

/* Whether the source's owner is the payload's user by the sandbox's own map, as when an ordinary user launches. */
static bool owner_is_payload(const struct plan *plan, const struct host_object *source)
{
	const struct userns_plan *userns = &plan->userns;
	uint32_t payload = plan->profile->users.uid;

	for (size_t i = 0; i < userns->uid_map_count; i++) {
		const struct id_map *map = &userns->uid_map[i];

		if (payload >= map->inside && payload - map->inside < map->count)
			return source->uid == map->outside + (payload - map->inside);
	}
	return false;
}

/* `source`: what is bound, or the uppermost of an overlay's layers. */
static int plan_idmap(const struct plan *plan, struct mount_plan *item, const struct host_object *source,
		      struct error *err)
{
	int wanted = item->mount->idmap;

	item->from_launcher = host_mounts_outside(plan);
	if (wanted == MOUNTS_IDMAP_NONE || (!plan->caller->root && wanted == MOUNTS_IDMAP_OWNER_OR_NONE))
		return 0;
	if (!plan->caller->root && wanted == MOUNTS_IDMAP_OWNER && owner_is_payload(plan, source))
		return 0;
	item->idmap = wanted == MOUNTS_IDMAP_AUTO ? IDMAP_AUTO : IDMAP_OWNER;
	item->from_launcher = true;
	if (!plan->caller->root) {
		fail_at(err, K_MOUNTS_IDMAP, item->index, "cannot map the owners of %s: only root can", source->path);
		return error_remedy(err, "-s 'mounts[%s].idmap=none' shows it with somebody else's files as nobody's",
				    item->target);
	}
	if (item->idmap == IDMAP_OWNER && plan->userns.joined)
		return fail_at(err, K_MOUNTS_IDMAP, item->index,
			       "cannot map the owner of %s: the sandbox joins a user namespace", source->path);
	return 0;
}

static int plan_bind(struct plan *plan, struct mount_plan *item, struct error *err)
{
	const struct mount *mount = item->mount;
	struct error missing;

	item->source = (struct host_object){ .path = mount->source, .key = K_MOUNTS_SOURCE, .index = item->index };
	item->recursive = mount->recursive;
	if (!host_object_plan(plan, &item->source, 0, &missing))
		return plan_idmap(plan, item, &item->source, err);
	if (!mount->optional || missing.sys_errno != ENOENT) {
		*err = missing;
		return -1;
	}
	item->skipped = true;
	return plan_degraded(plan, arena_format(&plan->arena, "mounts[%s]", item->target), err);
}

static int plan_overlay(struct plan *plan, struct mount_plan *item, struct error *err)
{
	const struct mount *mount = item->mount;
	struct overlay_plan *overlay = &item->overlay;

	*overlay = (struct overlay_plan){
		.size = mount->size, .inodes = mount->inodes, .key = K_MOUNTS_LOWER, .index = item->index
	};
	overlay->upper.key = K_MOUNTS_UPPER;
	overlay->work.key = K_MOUNTS_WORK;
	overlay->upper.index = overlay->work.index = item->index;
	if (overlay_plan_lower(plan, mount->lower.items, mount->lower.count, overlay, err) ||
	    plan_idmap(plan, item, &overlay->lower[0], err))
		return -1;
	if (mount->upper)
		return overlay_plan_upper(plan, mount->upper, mount->work, overlay, err);
	if (mount->access == MOUNTS_ACCESS_READ_WRITE)
		return refuse(item, K_MOUNTS_ACCESS, "an overlay without an upper is read-only", err);
	return 0;
}

/* What an earlier element put below this target would be out of reach. */
static int check_order(const struct mounts_plan *mounts, const struct mount_plan *item, struct error *err)
{
	size_t length = strlen(item->target);

	if (mount_kinds[item->type].entry)
		return 0;
	for (size_t i = 0; i < mounts->count; i++) {
		const struct mount_plan *earlier = &mounts->items[i];

		if (earlier->skipped || strncmp(earlier->target, item->target, length) != 0 ||
		    earlier->target[length] != '/')
			continue;
		fail_at(err, K_MOUNTS_TARGET, item->index, "cannot mount %s: it would hide %s, which comes before it",
			item->target, earlier->target);
		error_remedy(err, "list it first: mounts are made in the order written");
		return error_exit(err, EXIT_OF_PROFILE);
	}
	return 0;
}

static int plan_item(struct plan *plan, struct mount_plan *item, struct error *err)
{
	if (!strcmp(item->target, "/"))
		return refuse(item, K_MOUNTS_TARGET, "what / is stands in the section root", err);
	if (check_kernel_fs(plan, item, err) || check_order(&plan->mounts, item, err))
		return -1;
	if (item->type == MOUNTS_TYPE_BIND && plan_bind(plan, item, err))
		return -1;
	if (item->type == MOUNTS_TYPE_OVERLAY && plan_overlay(plan, item, err))
		return -1;
	plan_attributes(plan, item);
	return 0;
}

/* A payload can put links where it can write: they must not say what is shown. */
static int check_nested(const struct mounts_plan *mounts, const struct host_object *source, struct error *err)
{
	for (size_t i = 0; i < mounts->count; i++) {
		const struct mount_plan *other = &mounts->items[i];

		if (other->type != MOUNTS_TYPE_BIND || other->skipped || other->attributes & MOUNT_ATTR_RDONLY ||
		    !strcmp(source->path, other->source.path) || !path_lies_in(source->path, other->source.path))
			continue;
		if (host_object_check_within(source, other->source.path, err))
			return -1;
	}
	return 0;
}

static int check_sources(const struct mounts_plan *mounts, const struct mount_plan *item, struct error *err)
{
	if (item->skipped)
		return 0;
	if (item->type == MOUNTS_TYPE_BIND && check_nested(mounts, &item->source, err))
		return -1;
	for (size_t i = 0; i < item->overlay.lower_count; i++)
		if (check_nested(mounts, &item->overlay.lower[i], err))
			return -1;
	return 0;
}

/* As it is written, if that is how it would be written again; NULL and errno when it is not and cannot be found. */
static const char *plain_path(struct arena *arena, const char *path)
{
	char resolved[PATH_MAX];

	if (path[strlen(path) - 1] != '/' && !strstr(path, "//") && !strstr(path, "/."))
		return path;
	return realpath(path, resolved) ? arena_copy(arena, resolved) : NULL;
}

/* Never in what is the host's: there the link would stay. */
static int plan_source_link(struct plan *plan, struct mount_plan *item, struct error *err)
{
	const char *path = NULL;

	if (item->type != MOUNTS_TYPE_BIND || !item->mount->source_link || item->skipped || plan->profile->root.source)
		return 0;
	path = plain_path(&plan->arena, item->mount->source);
	if (!path)
		return fail_errno_at(err, K_MOUNTS_SOURCE, item->index, "cannot resolve %s", item->mount->source);
	for (size_t i = 0; i < plan->mounts.count; i++) {
		const struct mount_plan *other = &plan->mounts.items[i];

		if ((other->type == MOUNTS_TYPE_BIND || other->type == MOUNTS_TYPE_OVERLAY) &&
		    path_lies_in(path, other->target))
			return 0;
		if (other->source_link && path_lies_in(path, other->source_link))
			return 0;
	}
	item->source_link = path[1] ? path : NULL;
	return 0;
}

int mounts_plan(const struct profile *profile, struct plan *plan, struct error *err)
{
	struct mounts_plan *mounts = &plan->mounts;

	mounts->items = arena_array(&plan->arena, profile->mounts.count, sizeof(*mounts->items));
	mounts->descriptors = arena_array(&plan->arena, profile->mounts.count, sizeof(*mounts->descriptors));
	if (!mounts->items || !mounts->descriptors)
		return fail_errno(err, 0, "cannot get memory");
	for (; mounts->count < profile->mounts.count; mounts->count++) {
		const struct mount *mount = &profile->mounts.items[mounts->count];
		struct mount_plan *item = &mounts->items[mounts->count];

		mounts->descriptors[mounts->count] = -1;
		*item = (struct mount_plan){
			.index = (int)mounts->count, .type = mount->type, .target = mount->target, .mount = mount
		};
		if (plan_item(plan, item, err))
			return -1;
	}
	for (size_t i = 0; i < mounts->count; i++)
		if (check_sources(mounts, &mounts->items[i], err) || plan_source_link(plan, &mounts->items[i], err))
			return -1;
	return 0;
}

/* ---- host */

int mounts_host(const struct plan *plan, struct host *host, struct error *err)
{
	host->handed.mounts = plan->mounts.descriptors;
	for (size_t i = 0; i < plan->mounts.count; i++) {
		const struct mount_plan *item = &plan->mounts.items[i];
		const struct outside outside = {
			.plan = plan,
			.host = host,
			.source = item->type == MOUNTS_TYPE_BIND ? &item->source : NULL,
			.overlay = &item->overlay,
			.attributes = item->attributes,
			.propagation = mount_propagation(item),
			.recursive = item->recursive,
			.idmap = item->idmap,
			.idmap_key = K_MOUNTS_IDMAP,
		};

		if (overlay_make_work(&item->overlay, err))
			return -1;
		if (!item->from_launcher || item->skipped)
			continue;
		host->handed.mounts[i] = outside_mount(&outside, err);
		if (host->handed.mounts[i] < 0)
			return -1;
	}
	return 0;
}

/* ---- enter */

CHILD static int fail_target(const struct mount_plan *item, struct error *err)
{
	fail_errno_at(err, K_MOUNTS_TARGET, item->index, "cannot make the mount point %s", item->target);
	switch (err->sys_errno) {
	case EROFS:
		error_remedy(
			err,
			"it does not exist, and the file system there is read-only: make it where that comes from, or "
			"use root.access = \"overlay\"");
		break;
	case EACCES:
		error_remedy(
			err,
			"it does not exist, and the directory belongs to a user who is not in the sandbox's map: make "
			"it there, or use root.access = \"overlay\"");
		break;
	case ELOOP:
		error_remedy(err, "a part of it is a symbolic link that leads nowhere inside, or that may be no link");
		break;
	default:
		break;
	}
	return -1;
}

CHILD static int open_target(const struct mount_plan *item, int mount, struct error *err)
{
	struct stat status;
	int fd = -1;

	if (fstat(mount, &status))
		return fail_errno_at(err, K_MOUNTS_TARGET, item->index, "cannot look at the mount for %s",
				     item->target);
	if (!S_ISDIR(status.st_mode)) {
		fd = place_file(AT_FDCWD, item->target);
	} else if (mount_kinds[item->type].attributes) {
		fd = open_in_root(AT_FDCWD, item->target, O_PATH | O_NOFOLLOW, 0);
		if (fd >= 0 && !fstat(fd, &status) && S_ISLNK(status.st_mode)) {
			fd_close(&fd);
			errno = ELOOP;
		} else if (fd >= 0 || errno == ENOENT) {
			fd_close(&fd);
			fd = place_directory(AT_FDCWD, item->target);
		}
	} else {
		fd = place_directory(AT_FDCWD, item->target);
	}
	return fd < 0 ? fail_target(item, err) : fd;
}

/* A bind can only take away: what the host's mount forbids cannot be given. */
CHILD static int check_granted(const struct mount_plan *item, int mount, struct error *err)
{
	unsigned long flags = 0;

	if (item->type != MOUNTS_TYPE_BIND)
		return 0;
	if (mount_flags(mount, &flags))
		return fail_errno_at(err, K_MOUNTS_SOURCE, item->index, "cannot look at the mount of %s",
				     item->source.path);
	if (flags & ST_RDONLY && !(item->attributes & MOUNT_ATTR_RDONLY))
		return fail_at(err, K_MOUNTS_ACCESS, item->index,
			       "cannot make %s writable: the host has %s mounted read-only", item->target,
			       item->source.path);
	if (flags & ST_NODEV && item->mount->dev)
		return fail_at(err, K_MOUNTS_DEV, item->index,
			       "cannot let devices of %s be opened: the host has %s mounted nodev", item->target,
			       item->source.path);
	if (flags & ST_NOSUID && item->mount->suid)
		return fail_at(err, K_MOUNTS_SUID, item->index,
			       "cannot give set-user-ID bits of %s effect: the host has %s mounted nosuid",
			       item->target, item->source.path);
	return 0;
}

CHILD static int enter_item(const struct plan *plan, struct inside *inside, const struct mount_plan *item,
			    struct error *err)
{
	int *mount = &inside->handed.mounts[item->index];
	AUTO_CLOSE int target = -1;

	if (mount_kinds[item->type].entry)
		return item->type == MOUNTS_TYPE_SYMLINK ? entry_symlink(item, err) : entry_directory(item, plan, err);
	if (*mount < 0)
		*mount = mount_make(item, plan, inside, err);
	if (*mount < 0 || check_granted(item, *mount, err))
		return -1;
	target = open_target(item, *mount, err);
	if (target < 0)
		return -1;
	if (mount_attach(*mount, target))
		return fail_errno_at(err, K_MOUNTS_TARGET, item->index, "cannot attach the mount at %s", item->target);
	return item->type == MOUNTS_TYPE_DEV ? dev_populate(item, plan, *mount, err) : 0;
}

/* Should: attach what the profile lists, and nothing else.  Mustn't: show a mount before it has its attributes, or
 * make anything outside the new root. */
CHILD int mounts_enter(const struct plan *plan, struct inside *inside, struct error *err)
{
	for (size_t i = 0; i < plan->mounts.count; i++)
		if (!plan->mounts.items[i].skipped && enter_item(plan, inside, &plan->mounts.items[i], err))
			return -1;
	/* All that they must give way to is there. */
	for (size_t i = 0; i < plan->mounts.count; i++)
		if (plan->mounts.items[i].source_link && entry_source_link(&plan->mounts.items[i], plan, inside, err))
			return -1;
	for (size_t i = 0; i < plan->mounts.count; i++) {
		const struct mount_plan *item = &plan->mounts.items[i];

		if (item->seal && mount_restrict(inside->handed.mounts[i], MOUNT_ATTR_RDONLY, 0, false))
			return fail_errno_at(err, K_MOUNTS_ACCESS, item->index, "cannot make %s read-only",
					     item->target);
	}
	return 0;
}

/* ---- describe */

void mounts_describe(const struct plan *plan, struct description *out)
{
	for (size_t i = 0; i < plan->mounts.count; i++)
		mount_describe(&plan->mounts.items[i], plan, out);
	if (plan->mounts.count)
		describe_need(out, "open_tree, fsopen, fsmount and mount_setattr (Linux 5.12)");
}
