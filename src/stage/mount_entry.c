/* mount_entry: files, links and directories that the profile itself spells out. Helper of mounts; runs in the child,
 * in the enter phase, with the new root as working directory and umask 0.
 *
 * A file is written into the staging tmpfs and mounted on its target, read-only: what is at the target, in a directory
 * of the host perhaps, is never written to. A link and a directory are made in place, where the file system below can
 * be written; one that is there already, exactly as wanted, is left alone, and anything else there is an error.
 *
 * Needs nothing special. The staging tmpfs and what is on a tmpfs end with the sandbox; a directory or link made on a
 * host directory that is the writable root, or bound writable, stays there, as everything that is written to it does.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/file.h"
#include "base/format.h"
#include "base/place.h"
#include "stage/filesystem.h"

/* The schema has one row for the mode of three types. */
enum { FILE_MODE = 0644, DIRECTORY_MODE = 0755 };

CHILD void entry_owner(const struct mount_plan *item, const struct plan *plan, uint32_t *ret_uid, uint32_t *ret_gid)
{
	*ret_uid = item->mount->uid == ID_UNSET ? plan->ids.uid : item->mount->uid;
	*ret_gid = item->mount->gid == ID_UNSET ? plan->ids.gid : item->mount->gid;
}

CHILD uint32_t entry_mode(const struct mount_plan *item)
{
	if (item->mount->mode != MODE_UNSET)
		return item->mount->mode;
	return item->type == MOUNTS_TYPE_DIRECTORY ? DIRECTORY_MODE : FILE_MODE;
}

/* Gives what is open at `fd` its owner and mode, in this order: chown(2) may clear bits. */
CHILD static int give(int fd, const struct mount_plan *item, const struct plan *plan, struct error *err)
{
	uint32_t uid = 0, gid = 0;

	entry_owner(item, plan, &uid, &gid);
	if (fchown(fd, uid, gid)) {
		fail_errno_at(err, K_MOUNTS_UID, item->index, "cannot give %s to user %u and group %u", item->target,
			      uid, gid);
		return error_remedy(err, "both ids must be in the sandbox's map of users");
	}
	if (fchmod(fd, entry_mode(item)))
		return fail_errno_at(err, K_MOUNTS_MODE, item->index, "cannot set the mode of %s", item->target);
	return 0;
}

CHILD int entry_file(const struct mount_plan *item, const struct plan *plan, int staging, struct error *err)
{
	const struct mount *mount = item->mount;
	char name[24];
	AUTO_CLOSE int fd = -1, copy = -1;

	format_text(name, sizeof(name), "file%d", item->index);
	fd = openat(staging, name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0 || write_all(fd, mount->content, strlen(mount->content)))
		return fail_errno_at(err, K_MOUNTS_CONTENT, item->index, "cannot write the content of %s",
				     item->target);
	if (give(fd, item, plan, err))
		return -1;
	copy = mount_clone(fd, false);
	if (copy < 0 || mount_restrict(copy, item->attributes, MS_PRIVATE, false))
		return fail_errno_at(err, K_MOUNTS_TARGET, item->index, "cannot make a mount of the content of %s",
				     item->target);
	return TAKE_FD(copy);
}

CHILD static bool link_is(int parent, const char *name, const char *text)
{
	char found[PATH_MAX];
	ssize_t length = readlinkat(parent, name, found, sizeof(found) - 1);

	if (length < 0)
		return false;
	found[length] = '\0';
	return !strcmp(found, text);
}

CHILD int entry_symlink(const struct mount_plan *item, struct error *err)
{
	const char *text = item->mount->source, *name = NULL;
	AUTO_CLOSE int parent = place_parent(AT_FDCWD, item->target, &name);

	/* Looked at first: on a read-only file system making an existing link again is EROFS, not EEXIST. */
	if (parent >= 0 && (link_is(parent, name, text) || !symlinkat(text, parent, name)))
		return 0;
	fail_errno_at(err, K_MOUNTS_TARGET, item->index, "cannot make the link %s", item->target);
	if (err->sys_errno == EEXIST)
		error_remedy(err, "something else is there already");
	return -1;
}

/* Whether `fd` lies in a file system that ends with the sandbox. Judged by the mount, since links of the profile's may
 * lead a path anywhere. */
CHILD static bool is_own(const struct plan *plan, const struct inside *inside, int fd)
{
	if (mount_same(fd, AT_FDCWD))
		return true;
	for (size_t i = 0; i < plan->mounts.count; i++)
		if ((plan->mounts.items[i].type == MOUNTS_TYPE_TMPFS ||
		     plan->mounts.items[i].type == MOUNTS_TYPE_DEV) &&
		    mount_same(fd, inside->handed.mounts[i]))
			return true;
	return false;
}

CHILD int entry_source_link(const struct mount_plan *item, const struct plan *plan, const struct inside *inside,
			    struct error *err)
{
	const char *name = NULL;
	AUTO_CLOSE int existing = place_existing(AT_FDCWD, item->source_link, &name);
	AUTO_CLOSE int parent = -1;

	if (existing >= 0 && !is_own(plan, inside, existing))
		return 0;
	if (existing >= 0)
		parent = place_parent(AT_FDCWD, item->source_link, &name);
	if (parent >= 0 && !symlinkat(item->target, parent, name))
		return 0;
	switch (errno) {
	/* Something else is there, or on the way there. */
	case EEXIST:
	case ENOTDIR:
	case ELOOP:
	case EACCES:
		return 0;
	default:
		return fail_errno_at(err, K_MOUNTS_SOURCE_LINK, item->index, "cannot make the link %s",
				     item->source_link);
	}
}

/* Only what the profile says is asked of a directory that is there already. */
CHILD static bool directory_is(const struct stat *status, const struct mount *mount)
{
	return (mount->mode == MODE_UNSET || (status->st_mode & 07777) == mount->mode) &&
	       (mount->uid == ID_UNSET || status->st_uid == mount->uid) &&
	       (mount->gid == ID_UNSET || status->st_gid == mount->gid);
}

CHILD static int use_directory(const struct mount_plan *item, struct error *err)
{
	AUTO_CLOSE int fd = open_in_root(AT_FDCWD, item->target, O_PATH | O_DIRECTORY, 0);
	struct stat status;

	if (fd < 0 || fstat(fd, &status))
		return fail_errno_at(err, K_MOUNTS_TARGET, item->index, "cannot make the directory %s", item->target);
	if (directory_is(&status, item->mount))
		return 0;
	fail_at(err, K_MOUNTS_TARGET, item->index,
		"cannot make the directory %s: it is there with mode %o, user %u, group %u", item->target,
		status.st_mode & 07777, status.st_uid, status.st_gid);
	return error_remedy(err, "list it before the mounts below it, or change it where it comes from");
}

CHILD int entry_directory(const struct mount_plan *item, const struct plan *plan, struct error *err)
{
	const char *name = NULL;
	AUTO_CLOSE int parent = -1, fd = open_in_root(AT_FDCWD, item->target, O_PATH, 0);

	if (fd >= 0)
		return use_directory(item, err);
	parent = place_parent(AT_FDCWD, item->target, &name);
	if (parent < 0 || mkdirat(parent, name, 0700))
		return fail_errno_at(err, K_MOUNTS_TARGET, item->index, "cannot make the directory %s", item->target);
	fd = open_beneath(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
	if (fd < 0)
		return fail_errno_at(err, K_MOUNTS_TARGET, item->index, "cannot open the directory %s", item->target);
	return give(fd, item, plan, err);
}
