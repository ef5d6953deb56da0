/* covered: how hide and read_only find what they cover. Runs in the child, in the enter phase, after mounts.
 *
 * A path is resolved below the new root, where links stay inside. That is not enough for /proc/kcore: somebody who can
 * rename in the image's directory could move the mount point aside for a moment, so that nothing is found and nothing
 * masked. So below a mount of the kernel's own file systems the lookup begins at the mount itself, which mounts left
 * open.
 *
 * In a directory that was bound, links are whoever's who writes there: a project that came from elsewhere may have one
 * to /etc where the profile hides keys. What a link that stays in the bind leads to is covered in its place. One that
 * leads out would have a part of the sandbox covered which the profile did not name, and is an error. So is, for
 * read_only, any in a bind that can be written: the link itself could be replaced, and the name would be free.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/mount.h>

#include "base/fd.h"
#include "base/file.h"
#include "base/place.h"
#include "base/syscall.h"
#include "stage/filesystem.h"

/* The length of `target` when `path` is it or lies below it, else 0. */
CHILD static size_t prefix_length(const char *path, const char *target)
{
	return path_lies_in(path, target) ? strlen(target) : 0;
}

/* The bind that `path` lies in, below its target; NULL when another mount, or none, is nearest. */
CHILD static const struct mount_plan *bind_above(const struct plan *plan, const char *path)
{
	const struct mount_plan *nearest = NULL;
	size_t longest = 0;

	for (size_t i = 0; i < plan->mounts.count; i++) {
		const struct mount_plan *item = &plan->mounts.items[i];
		size_t length = prefix_length(path, item->target);

		if (length <= longest || !path[length])
			continue;
		longest = length;
		nearest = item->type == MOUNTS_TYPE_BIND ? item : NULL;
	}
	return nearest;
}

CHILD static bool has_link(const char *path)
{
	struct open_how how = { .flags = O_PATH | O_CLOEXEC, .resolve = RESOLVE_IN_ROOT | RESOLVE_NO_SYMLINKS };
	AUTO_CLOSE int plain = sys_openat2(AT_FDCWD, path, &how);

	return plain < 0 && errno == ELOOP;
}

/* Another mount may also be one that came with the bind: only a link makes it elsewhere. */
CHILD bool covered_leads_out(const struct plan *plan, const char *path, int fd)
{
	const struct mount_plan *bind = bind_above(plan, path);
	AUTO_CLOSE int top = -1;

	if (!bind)
		return false;
	top = open_in_root(AT_FDCWD, bind->target, O_PATH, 0);
	return (top < 0 || !mount_same(top, fd)) && has_link(path);
}

CHILD bool covered_by_link(const struct plan *plan, const char *path)
{
	const struct mount_plan *bind = bind_above(plan, path);

	return bind && !(bind->attributes & MOUNT_ATTR_RDONLY) && has_link(path);
}

CHILD int covered_open(const struct plan *plan, const struct inside *inside, const char *path)
{
	size_t longest = 0;
	int top = AT_FDCWD;

	for (size_t i = 0; i < plan->mounts.count; i++) {
		const struct mount_plan *item = &plan->mounts.items[i];
		size_t length = prefix_length(path, item->target);

		if (length <= longest || !mount_kinds[item->type].attributes)
			continue;
		longest = length;
		top = inside->handed.mounts[i];
	}
	return open_in_root(top, path[longest] ? path + longest : "/", O_PATH, 0);
}
