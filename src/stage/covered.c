/* covered: how hide and read_only find what they cover. Runs in the child, in the enter phase, after mounts.
 *
 * A path is resolved below the new root, where links stay inside. That is not enough for /proc/kcore: somebody who can
 * rename in the image's directory could move the mount point aside for a moment, so that nothing is found and nothing
 * masked. So below a mount of the kernel's own file systems the lookup begins at the mount itself, which mounts left
 * open.
 */
#include <fcntl.h>
#include <string.h>

#include "base/file.h"
#include "stage/filesystem.h"

/* The length of `target` when `path` is it or lies below it, else 0. */
CHILD static size_t prefix_length(const char *path, const char *target)
{
	size_t length = strlen(target);

	if (strncmp(path, target, length) != 0 || (path[length] != '/' && path[length] != '\0'))
		return 0;
	return length;
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
