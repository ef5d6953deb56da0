/* hide: what the payload must not see although it lies in a tree that it does: a file reads as empty, a directory has
 * no entries.
 *
 * plan     (parent) refuses "/".
 * enter    (child, after mounts, before read_only) covers every path of `hide` that exists with a mount of an empty
 *          file or an empty directory, and looks again whether it is covered.
 *
 * What covers is ours: both are made in the staging tmpfs, never taken from the image (nor from its /dev/null), and
 * mounted read-only, nosuid, nodev and noexec. A path that does not exist is passed over, since the list holds what
 * some kernel may have; one that cannot be looked at is an error, as it may become visible to the payload.
 *
 * Needs: mounts must be in place. The payload could uncover with CAP_SYS_ADMIN only, which the default profile does
 * not keep. Nothing to undo.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "stage/filesystem.h"

int hide_plan(const struct profile *profile, struct plan *plan, struct error *err)
{
	(void)plan;
	for (size_t i = 0; i < profile->hide.count; i++) {
		if (strcmp(profile->hide.items[i], "/") != 0)
			continue;
		fail_at(err, K_HIDE, (int)i, "cannot hide /");
		return error_exit(err, EXIT_OF_PROFILE);
	}
	return 0;
}

struct masks {
	int file, directory;
};

/* The modes let everybody look: a program is told that there is nothing, not that it lacks a right. */
CHILD static int make_masks(int staging, struct masks *ret)
{
	ret->file = openat(staging, "mask", O_RDONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0444);
	if (ret->file < 0 || mkdirat(staging, "masks", 0555))
		return -1;
	ret->directory = openat(staging, "masks", O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return ret->directory < 0 ? -1 : 0;
}

CHILD static bool same_object(int one, int other)
{
	struct stat a, b;

	return !fstat(one, &a) && !fstat(other, &b) && a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

CHILD static int cover(int target, int mask)
{
	const uint64_t attributes = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC;
	AUTO_CLOSE int mount = mount_clone(mask, false);

	if (mount < 0 || mount_restrict(mount, attributes, MS_PRIVATE, false))
		return -1;
	return mount_attach(mount, target);
}

CHILD static int hide_one(const struct plan *plan, const struct inside *inside, const struct masks *masks, int index,
			  struct error *err)
{
	const char *path = plan->profile->hide.items[index];
	AUTO_CLOSE int target = covered_open(plan, inside, path);
	AUTO_CLOSE int again = -1;
	struct stat status;
	int mask = masks->file;

	if (target < 0 && (errno == ENOENT || errno == ENOTDIR))
		return 0;
	if (target < 0 || fstat(target, &status))
		return fail_errno_at(err, K_HIDE, index, "cannot look at %s", path);
	if (S_ISDIR(status.st_mode))
		mask = masks->directory;
	if (same_object(target, mask))
		return 0; /* two names of one directory */
	if (covered_leads_out(plan, path, target)) {
		fail_at(err, K_HIDE, index, "cannot hide %s: a link leads out of the bind that it lies in", path);
		return error_remedy(err, "take the link away, or the path off the list");
	}
	if (cover(target, mask))
		return fail_errno_at(err, K_HIDE, index, "cannot hide %s", path);
	again = covered_open(plan, inside, path);
	if (again < 0 || !same_object(again, mask))
		return fail_at(err, K_HIDE, index, "cannot hide %s: it shows through", path);
	return 0;
}

/* Should: leave nothing of a listed path to read or write.  Mustn't: pass over anything that exists. */
CHILD int hide_enter(const struct plan *plan, struct inside *inside, struct error *err)
{
	struct masks masks = { -1, -1 };
	int status = 0;

	if (plan->profile->hide.count && make_masks(inside->staging, &masks))
		status = fail_errno(err, K_HIDE, "cannot make what covers hidden paths");
	for (size_t i = 0; !status && i < plan->profile->hide.count; i++)
		status = hide_one(plan, inside, &masks, (int)i, err);
	fd_close(&masks.file);
	fd_close(&masks.directory);
	return status;
}

void hide_describe(const struct plan *plan, struct description *out)
{
	for (size_t i = 0; i < plan->profile->hide.count; i++)
		describe(out, K_HIDE, (int)i, "%s: covered, if it exists: reads as empty, ro,nosuid,nodev,noexec",
			 plan->profile->hide.items[i]);
	if (plan->profile->hide.count)
		describe_need(out, "open_tree and mount_setattr (Linux 5.12)");
}
