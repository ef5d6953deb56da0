/* overlay: layers of host directories as one tree, for root.access = "overlay" and mounts of type overlay. Helper of
 * root and mounts.
 *
 * plan   (parent) sees every layer and notes what it is.
 * host   (parent) makes a work directory that is missing; where the launcher is root and the sandbox has a user
 *        namespace it makes the whole mount (outside.c), else
 * enter  (child) makes it. Both call overlay_mount().
 *
 * The kernel takes layers by path and wants each attached in the caller's mount namespace. Paths are read from
 * /proc/self/fd, with that directory as the working directory, so that "5:7" names descriptors: no host path has to be
 * escaped, is too long for fsconfig(2)'s 255 bytes, is looked up again, or shows up in the mount table inside. What
 * must be attached goes into the staging tmpfs, out of sight of the payload.
 *
 * Needs: overlayfs; in a user namespace Linux 5.11, and user extended attributes on the upper: without them
 * directories cannot be replaced (EIO), so this is tried first (tmpfs has them since 6.6). Idmapped layers: Linux
 * 5.19. redirect_dir, metacopy and index stay off: with layers that nobody vouches for they are not safe, and renaming
 * a directory of a lower layer is EXDEV, as between file systems. Nothing to undo: a tmpfs upper
 * dies with its mount, a directory upper is meant to stay, and so is its work directory.
 */
#include "stage/filesystem.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/file.h"
#include "base/format.h"
#include "base/syscall.h"

/* As many descriptors, with a colon each, as fsconfig(2) takes in one string. */
enum { LAYERS_MAX = 48, VALUE_SIZE = 256 };

int overlay_plan_lower(struct plan *plan, const char *const *paths, size_t count, struct overlay_plan *ret,
		       struct error *err)
{
	if (count == 0 || count > LAYERS_MAX) {
		fail_at(err, ret->key, ret->index, "cannot stack %zu layers: from 1 to %d are possible", count,
			LAYERS_MAX);
		return error_exit(err, EXIT_OF_PROFILE);
	}
	ret->lower = arena_array(&plan->arena, count, sizeof(*ret->lower));
	if (!ret->lower)
		return fail_errno(err, 0, "cannot get memory");
	for (ret->lower_count = 0; ret->lower_count < count; ret->lower_count++) {
		struct host_object *layer = &ret->lower[ret->lower_count];

		*layer = (struct host_object){ .path = paths[ret->lower_count], .key = ret->key, .index = ret->index };
		if (host_object_plan(plan, layer, S_IFDIR, err))
			return -1;
	}
	return 0;
}

/* Upper and work are kept by their real paths: with idmapped layers both are looked up again below one mount. */
static int plan_real(struct plan *plan, const char *path, struct host_object *object, struct error *err)
{
	AUTO_FREE char *real = realpath(path, NULL);

	if (!real)
		return fail_errno_at(err, object->key, object->index, "cannot open %s", path);
	object->path = arena_copy(&plan->arena, real);
	if (!object->path)
		return fail_errno(err, 0, "cannot get memory");
	return host_object_plan(plan, object, S_IFDIR, err);
}

int overlay_plan_upper(struct plan *plan, const char *upper, const char *work, struct overlay_plan *ret,
		       struct error *err)
{
	struct stat status;

	ret->writable = true;
	if (!strcmp(upper, "tmpfs"))
		return 0;
	if (plan_real(plan, upper, &ret->upper, err))
		return -1;
	if (work)
		return plan_real(plan, work, &ret->work, err);
	ret->work.path = arena_format(&plan->arena, "%s.work", ret->upper.path);
	if (!ret->work.path)
		return fail_errno(err, 0, "cannot get memory");
	if (lstat(ret->work.path, &status) && errno == ENOENT)
		return 0;
	return host_object_plan(plan, &ret->work, S_IFDIR, err);
}

int overlay_make_work(const struct overlay_plan *overlay, struct error *err)
{
	const struct host_object *work = &overlay->work;

	if (work->path && !work->type && mkdir(work->path, 0700))
		return fail_errno_at(err, work->key, work->index, "cannot make the work directory %s", work->path);
	return 0;
}

CHILD int tmpfs_new(const struct tmpfs *tmpfs)
{
	char size[24], inodes[24], mode[8], uid[12], gid[12];
	const struct mount_option options[] = {
		{ "size", size }, { "nr_inodes", inodes }, { "mode", mode },
		{ "uid", uid },   { "gid", gid },          { NULL, NULL },
	};

	/* tmpfs(5): 0 is without limit, for both. */
	format_text(size, sizeof(size), "%lu", tmpfs->size == SIZE_UNLIMITED ? 0UL : (unsigned long)tmpfs->size);
	format_text(inodes, sizeof(inodes), "%lu",
		    tmpfs->inodes == SIZE_UNLIMITED ? 0UL : (unsigned long)tmpfs->inodes);
	format_text(mode, sizeof(mode), "%o", tmpfs->mode);
	format_text(uid, sizeof(uid), "%u", tmpfs->uid);
	format_text(gid, sizeof(gid), "%u", tmpfs->gid);
	return mount_new("tmpfs", options, tmpfs->attributes, NULL);
}

/* Descriptors of one overlay being put together; -1 where none. */
struct layers {
	int place; /* our directory in the staging tmpfs */
	int lower[LAYERS_MAX + 1];
	size_t count;
	int parent; /* idmapped upper: mount of the directory that upper and work lie in */
	int upper, work;
};

CHILD static void close_layers(struct layers *layers)
{
	for (size_t i = 0; i < layers->count; i++)
		fd_close(&layers->lower[i]);
	fd_close(&layers->parent);
	fd_close(&layers->upper);
	fd_close(&layers->work);
	fd_close(&layers->place);
}

/* Makes directory `name` in `parent` and opens it. */
CHILD static int make_and_open(int parent, const char *name)
{
	if (mkdirat(parent, name, 0755))
		return -1;
	return openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

/* Attaches a detached mount in our directory, since the kernel takes no layer from a detached one. */
CHILD static int attach_at(int place, const char *name, int mount)
{
	AUTO_CLOSE int target = make_and_open(place, name);

	return target < 0 ? -1 : mount_attach(mount, target);
}

CHILD static int fail_idmap(const struct host_object *object, struct error *err)
{
	fail_errno_at(err, object->key, object->index, "cannot map the owners of %s", object->path);
	error_remedy(err,
		     "its file system, or this kernel's overlay, has no idmapped mounts: write idmap = \"none\", or "
		     "give the files to the ids of the map");
	return error_exit(err, EXIT_OF_HOST);
}

/* A copy of the mount at `fd`, its owners mapped, attached under `name`. */
CHILD static int map_layer(const struct overlay_site *site, const struct layers *layers, int fd, const char *name)
{
	AUTO_CLOSE int copy = mount_clone(fd, false);

	if (copy < 0 || mount_idmap(copy, site->userns, false) || attach_at(layers->place, name, copy))
		return -1;
	return TAKE_FD(copy);
}

CHILD static int open_lower(const struct overlay_plan *overlay, const struct overlay_site *site, struct layers *layers,
			    struct error *err)
{
	char name[16];

	for (size_t i = 0; i < overlay->lower_count; i++) {
		AUTO_CLOSE int fd = host_object_open(&overlay->lower[i], err);
		int mapped = -1;

		if (fd < 0)
			return -1;
		if (site->userns >= 0) {
			format_text(name, sizeof(name), "lower%zu", i);
			mapped = map_layer(site, layers, fd, name);
			if (mapped < 0)
				return fail_idmap(&overlay->lower[i], err);
		}
		layers->lower[layers->count++] = mapped >= 0 ? mapped : TAKE_FD(fd);
	}
	if (overlay->writable || overlay->lower_count > 1)
		return 0;
	/* A read-only overlay has two layers at least. */
	layers->lower[layers->count] = make_and_open(layers->place, "empty");
	if (layers->lower[layers->count++] < 0)
		return fail_errno_at(err, overlay->key, overlay->index, "cannot make an empty layer");
	return 0;
}

/* The new top looks like that of the uppermost layer. An owner that the map does not have cannot be given. */
CHILD static int copy_top(int upper, int lower)
{
	struct stat status;

	if (fstat(lower, &status))
		return -1;
	if (fchown(upper, status.st_uid, status.st_gid) && errno != EINVAL && errno != EPERM)
		return -1;
	return fchmod(upper, status.st_mode & 07777);
}

CHILD static int open_tmpfs_upper(const struct overlay_plan *overlay, struct layers *layers, struct error *err)
{
	const struct tmpfs tmpfs = {
		.size = overlay->size, .inodes = overlay->inodes, .mode = 0700, .uid = geteuid(), .gid = getegid()
	};
	AUTO_CLOSE int mount = tmpfs_new(&tmpfs);

	if (mount >= 0 && !attach_at(layers->place, "tmpfs", mount)) {
		layers->upper = make_and_open(mount, "upper");
		layers->work = make_and_open(mount, "work");
	}
	if (layers->upper < 0 || layers->work < 0 || copy_top(layers->upper, layers->lower[0]))
		return fail_errno_at(err, overlay->key, overlay->index, "cannot make a tmpfs for the overlay's writes");
	return 0;
}

CHILD static const char *last_component(const char *path)
{
	return strrchr(path, '/') + 1;
}

/* Upper and work must lie in one mount: with mapped owners, in a copy of the directory that holds both. */
CHILD static int open_mapped_upper(const struct overlay_plan *overlay, const struct overlay_site *site,
				   struct layers *layers, struct error *err)
{
	const struct host_object *upper = &overlay->upper;
	AUTO_CLOSE int top = openat(layers->upper, "..", O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct stat status;

	layers->parent = top < 0 ? -1 : map_layer(site, layers, top, "parent");
	if (layers->parent < 0)
		return fail_idmap(upper, err);
	fd_close(&layers->upper);
	fd_close(&layers->work);
	layers->upper = open_beneath(layers->parent, last_component(upper->path), O_RDONLY | O_DIRECTORY);
	layers->work = open_beneath(layers->parent, last_component(overlay->work.path), O_RDONLY | O_DIRECTORY);
	if (layers->upper < 0 || layers->work < 0 || fstat(layers->upper, &status))
		return fail_errno_at(err, upper->key, upper->index,
				     "cannot use %s with mapped owners: the work directory must lie beside it",
				     upper->path);
	if (status.st_dev != upper->dev || status.st_ino != upper->ino)
		return fail_at(err, upper->key, upper->index,
			       "cannot use %s: it is no longer the object it was when the "
			       "launch began",
			       upper->path);
	return 0;
}

CHILD static int open_upper(const struct overlay_plan *overlay, const struct overlay_site *site, struct layers *layers,
			    struct error *err)
{
	if (!overlay->upper.path)
		return open_tmpfs_upper(overlay, layers, err);
	layers->upper = host_object_open(&overlay->upper, err);
	layers->work = layers->upper < 0 ? -1 : host_object_open(&overlay->work, err);
	if (layers->upper < 0 || layers->work < 0)
		return -1;
	return site->userns < 0 ? 0 : open_mapped_upper(overlay, site, layers, err);
}

/* Without these attributes overlayfs mounts all the same and fails later, at the first directory replaced. */
CHILD static int try_xattrs(const struct overlay_plan *overlay, const struct overlay_site *site, int upper,
			    struct error *err)
{
	const char *name = site->user_xattrs ? "user.overlay.sandbox" : "trusted.overlay.sandbox";
	AUTO_CLOSE int fd = openat(upper, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd >= 0 && !fsetxattr(fd, name, "", 0, 0) && !fremovexattr(fd, name))
		return 0;
	fail_errno_at(err, overlay->key, overlay->index,
		      "cannot keep the overlay's writes in %s: it takes no extended "
		      "attributes",
		      overlay->upper.path ? overlay->upper.path : "a tmpfs");
	error_remedy(err,
		     overlay->upper.path
			     ? "use an upper directory on a file system with user extended attributes"
			     : "in a user namespace this needs Linux 6.6: use an upper directory, or launch as root");
	return error_exit(err, EXIT_OF_HOST);
}

CHILD static int stack(const struct overlay_plan *overlay, const struct overlay_site *site, const struct layers *layers,
		       uint64_t attributes, struct error *err)
{
	char lower[VALUE_SIZE] = "", upper[12], work[12];
	struct mount_option options[8] = {
		{ "redirect_dir", "nofollow" },
		{ "metacopy", "off" },
		{ "index", "off" },
		{ "lowerdir", lower },
	};
	size_t count = 4, length = 0;
	struct mount_reason reason;
	AUTO_CLOSE int back = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	int mount = -1;

	for (size_t i = 0; i < layers->count; i++)
		length += format_text(lower + length, sizeof(lower) - length, i ? ":%d" : "%d", layers->lower[i]);
	if (overlay->writable) {
		format_text(upper, sizeof(upper), "%d", layers->upper);
		format_text(work, sizeof(work), "%d", layers->work);
		options[count++] = (struct mount_option){ "upperdir", upper };
		options[count++] = (struct mount_option){ "workdir", work };
	}
	if (site->user_xattrs)
		options[count++] = (struct mount_option){ "userxattr", NULL };
	if (back < 0 || fchdir(site->descriptors))
		return fail_errno_at(err, overlay->key, overlay->index, "cannot change to /proc/self/fd");
	mount = mount_new("overlay", options, attributes, &reason);
	if (mount < 0) {
		fail_errno_at(err, overlay->key, overlay->index, "cannot mount the overlay%s%s",
			      reason.text[0] ? ": " : "", reason.text);
		if (err->sys_errno == ENODEV)
			error_remedy(err, "this kernel has no overlay file system: load it with `modprobe overlay`");
	}
	if (fchdir(back)) {
		fd_close(&mount);
		return fail_errno(err, 0, "cannot change back from /proc/self/fd");
	}
	return mount;
}

/* Where it cannot make what it needs in the work directory, overlayfs falls back to read-only by itself. */
CHILD static int check_writable(const struct overlay_plan *overlay, int mount, bool read_only, struct error *err)
{
	unsigned long flags = 0;

	if (mount_flags(mount, &flags))
		return fail_errno_at(err, overlay->key, overlay->index, "cannot look at the overlay");
	if (overlay->writable && !read_only && flags & ST_RDONLY)
		return fail_at(err, overlay->work.key, overlay->index,
			       "cannot make the overlay writable: the kernel cannot use its work directory");
	return 0;
}

CHILD int overlay_mount(const struct overlay_plan *overlay, const struct overlay_site *site, uint64_t attributes,
			struct error *err)
{
	struct layers layers = { .parent = -1, .upper = -1, .work = -1 };
	AUTO_CLOSE int mount = -1;

	layers.place = make_and_open(site->staging, site->name);
	if (layers.place < 0)
		return fail_errno_at(err, overlay->key, overlay->index,
				     "cannot make a directory for the overlay's layers");
	if (!open_lower(overlay, site, &layers, err) &&
	    (!overlay->writable ||
	     (!open_upper(overlay, site, &layers, err) && !try_xattrs(overlay, site, layers.upper, err))))
		mount = stack(overlay, site, &layers, attributes, err);
	close_layers(&layers);
	return mount < 0 || check_writable(overlay, mount, attributes & MOUNT_ATTR_RDONLY, err) ? -1 : TAKE_FD(mount);
}

CHILD int overlay_pair(const int layers[2], const struct overlay_site *site, uint64_t attributes, int key,
		       struct error *err)
{
	const struct overlay_plan overlay = { .key = key, .index = -1 };
	const struct layers both = { .lower = { layers[0], layers[1] }, .count = 2, .upper = -1, .work = -1 };

	return stack(&overlay, site, &both, attributes | MOUNT_ATTR_RDONLY, err);
}
