/* root: what becomes / inside: a directory of the host, an overlay over one, or an empty tmpfs.
 *
 * plan     (parent) looks at the source and decides who makes the mount. The parent's file system is not changed.
 * host     (parent) makes it, detached, where the launcher is root and its child will not be (outside.c).
 * enter    (child, with CAP_SYS_ADMIN over its new mount namespace, first of the file system's rows) cuts the
 *          namespace off from the host's, opens the procfs that later cells work through, stacks three mounts on the
 *          host's "/": a shelter that no bind copies, a staging tmpfs, and the new root; then makes the new root its
 *          working directory.
 *
 * From then on, cells reach the inside through the working directory and the host through absolute paths: the
 * process's root directory is still the host's, since a lookup of "/" does not step onto what is stacked there. pivot
 * ends that, and takes the staging tmpfs out of sight together with the host's tree. The root is attached before
 * anything is mounted in it, because kernels before 6.15 attach nothing to a detached tree.
 *
 * The procfs is our own and out of the image's reach: nothing in it can stand in for it, and it is there when the
 * profile mounts no /proc. It is opened now, since the kernel makes a new procfs only as long as a whole one is in
 * sight (it compares with the host's; user_namespaces(7)). Without a pid namespace of its own the sandbox gets the
 * host's.
 *
 * Needs: Linux 5.12 (mount_setattr). Fails where the launcher's own / is no mount (chroot), where a container around
 * us masks parts of /proc (EPERM), and on what base/mount and overlay.c say. Nothing to undo: mounts die with the
 * namespace.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/syscall.h"
#include "stage/filesystem_describe.h"

/* The inode number of the top of every procfs (PROC_ROOT_INO of the kernel's <linux/proc_ns.h>). */
enum { PROC_TOP_INODE = 1 };

/* Room in the staging tmpfs beside the inline files, and for their rounding to pages. */
enum { STAGING_SPARE = 1024 * 1024, STAGING_PAGE = 64 * 1024, STAGING_INODES = 4096 };

/* ---- plan */

static int plan_owners(const struct profile *profile, struct plan *plan, struct error *err)
{
	struct root_plan *root = &plan->root;
	bool outside = host_mounts_outside(plan);

	if (profile->root.source && profile->root.idmap == ROOT_IDMAP_OWNER) {
		root->idmap = IDMAP_OWNER;
		if (!plan->caller->root || plan->userns.joined) {
			fail(err, K_ROOT_IDMAP, "cannot map the owner of %s: %s", profile->root.source,
			     plan->caller->root ? "the sandbox joins a user namespace" : "only root can");
			return error_remedy(err, "write root.idmap = \"none\"");
		}
	} else if (profile->root.source && profile->root.idmap == ROOT_IDMAP_AUTO && outside) {
		root->idmap = IDMAP_AUTO;
	}
	root->from_launcher = profile->root.source && (outside || root->idmap != IDMAP_NONE);
	return 0;
}

static int plan_overlay(const struct profile *profile, struct plan *plan, struct error *err)
{
	struct overlay_plan *overlay = &plan->root.overlay;

	*overlay = (struct overlay_plan){
		.size = profile->root.size, .inodes = profile->root.inodes, .key = K_ROOT_SOURCE, .index = -1
	};
	overlay->upper.key = K_ROOT_UPPER;
	overlay->work.key = K_ROOT_WORK;
	overlay->upper.index = overlay->work.index = -1;
	if (overlay_plan_lower(plan, &profile->root.source, 1, overlay, err))
		return -1;
	return overlay_plan_upper(plan, profile->root.upper, profile->root.work, overlay, err);
}

static void plan_staging(const struct profile *profile, struct root_plan *root)
{
	root->staging_size = STAGING_SPARE;
	for (size_t i = 0; i < profile->mounts.count; i++) {
		const struct mount *mount = &profile->mounts.items[i];

		if (mount->type == MOUNTS_TYPE_FILE && mount->content)
			root->staging_size += strlen(mount->content) / STAGING_PAGE * STAGING_PAGE + STAGING_PAGE;
		root->slaves |= mount->type == MOUNTS_TYPE_BIND && mount->propagation == MOUNTS_PROPAGATION_SLAVE;
	}
}

static int refuse(struct error *err, int key, const char *what)
{
	fail(err, key, "%s", what);
	return error_exit(err, EXIT_OF_PROFILE);
}

int root_plan(const struct profile *profile, struct plan *plan, struct error *err)
{
	struct root_plan *root = &plan->root;
	bool read_only = profile->root.access == ROOT_ACCESS_READ_ONLY;

	if (!plan->namespaces.mount)
		return refuse(err, K_NAMESPACES, "cannot build a root without a mount namespace of the sandbox's own");
	root->access = profile->root.access;
	root->source = (struct host_object){ .path = profile->root.source, .key = K_ROOT_SOURCE, .index = -1 };
	root->attributes = (profile->root.suid ? 0U : MOUNT_ATTR_NOSUID) | (profile->root.dev ? 0U : MOUNT_ATTR_NODEV) |
			   (profile->root.exec ? 0U : MOUNT_ATTR_NOEXEC);
	plan_staging(profile, root);
	if (!profile->root.source) {
		root->seal = read_only;
		return root->access == ROOT_ACCESS_OVERLAY
			       ? refuse(err, K_ROOT_ACCESS, "cannot overlay a root that has no source")
			       : 0;
	}
	if (read_only)
		root->attributes |= MOUNT_ATTR_RDONLY;
	if (plan_owners(profile, plan, err))
		return -1;
	if (root->access == ROOT_ACCESS_OVERLAY)
		return plan_overlay(profile, plan, err);
	return host_object_plan(plan, &root->source, S_IFDIR, err);
}

/* ---- host */

/* Should: make exactly the planned mount, detached.  Mustn't: change the launcher's mount namespace. */
int root_host(const struct plan *plan, struct host *host, struct error *err)
{
	const struct root_plan *root = &plan->root;
	bool overlay = root->access == ROOT_ACCESS_OVERLAY;
	const struct outside outside = {
		.plan = plan,
		.host = host,
		.source = overlay ? NULL : &root->source,
		.overlay = &root->overlay,
		.attributes = root->attributes,
		.propagation = MS_PRIVATE,
		.recursive = true,
		.idmap = root->idmap,
		.idmap_key = K_ROOT_IDMAP,
	};

	if (overlay_make_work(&root->overlay, err))
		return -1;
	if (!root->from_launcher)
		return 0;
	host->handed.root = outside_mount(&outside, err);
	return host->handed.root < 0 ? -1 : 0;
}

/* ---- enter */

CHILD static int fail_procfs(struct error *err)
{
	fail_errno(err, 0, "cannot mount a proc file system for the sandbox's processes");
	if (err->sys_errno == EPERM)
		error_remedy(
			err,
			"parts of the launcher's own /proc are masked, as in a container, and the kernel then makes no "
			"whole one: start that container with an unmasked /proc (docker: --security-opt "
			"systempaths=unconfined; podman: --security-opt unmask=ALL)");
	return error_exit(err, EXIT_OF_HOST);
}

CHILD static int open_procfs(const struct plan *plan, struct inside *inside, struct error *err)
{
	const uint64_t attributes = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC;
	AUTO_CLOSE int fd = plan->namespaces.pid ? mount_new("proc", NULL, attributes, NULL)
						 : open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct statfs fs;
	struct stat top;

	if (fd < 0)
		return fail_procfs(err);
	if (fstatfs(fd, &fs) || fstat(fd, &top))
		return fail_errno(err, 0, "cannot look at the proc file system");
	if (fs.f_type != PROC_SUPER_MAGIC || top.st_ino != PROC_TOP_INODE)
		return fail(err, 0, "cannot use /proc: it is not a proc file system");
	inside->procfs = TAKE_FD(fd);
	return 0;
}

/* Stacks a detached mount on the host's "/": on top of what is stacked there already. */
CHILD static int stack_on_host(int mount)
{
	AUTO_CLOSE int host = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);

	return host < 0 ? -1 : mount_attach(mount, host);
}

/* Should: keep every later mount out of the host's namespace, and the host's out of ours.  Mustn't: touch a mount of
 * the host's; the namespace is a copy. */
CHILD static int cut_off(const struct plan *plan, struct error *err)
{
	AUTO_CLOSE int host = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (host >= 0 && !mount_restrict(host, 0, plan->root.slaves ? MS_SLAVE : MS_PRIVATE, true))
		return 0;
	fail_errno(err, 0, "cannot cut the mount namespace off from the host's");
	if (err->sys_errno == EINVAL)
		error_remedy(err,
			     "the launcher's own root directory is no mount (chroot): start it from a mounted root");
	return error_exit(err, EXIT_OF_HOST);
}

/* A tmpfs stacked on the host's "/"; -1 on failure. */
CHILD static int stack_tmpfs(const struct plan *plan, uint64_t size, struct error *err)
{
	struct tmpfs tmpfs = { .size = size, .inodes = STAGING_INODES, .mode = 0700 };
	AUTO_CLOSE int mount = -1;

	builder_ids(plan, &tmpfs.uid, &tmpfs.gid);
	mount = tmpfs_new(&tmpfs);
	if (mount < 0 || stack_on_host(mount))
		return fail_errno(err, 0, "cannot mount a staging tmpfs");
	return TAKE_FD(mount);
}

/* A mount that is attached nowhere ends with its last descriptor, and whoever closes that waits for the kernel's
 * readers of mounts: the payload, right before its exec. In the staging tmpfs it goes with the host's tree, in pivot.
 * */
CHILD static int park_procfs(const struct inside *inside, struct error *err)
{
	AUTO_CLOSE int target = -1;

	if (!mkdirat(inside->staging, "proc", 0700))
		target = openat(inside->staging, "proc", O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (target < 0 || mount_attach(inside->procfs, target))
		return fail_errno(err, 0, "cannot attach the proc file system to the staging tmpfs");
	return 0;
}

/* A bind of the host's "/" copies what is mounted on it too, but not what is unbindable, nor anything on that. */
CHILD static int open_staging(const struct plan *plan, struct inside *inside, struct error *err)
{
	inside->shelter = stack_tmpfs(plan, STAGING_PAGE, err);
	if (inside->shelter < 0)
		return -1;
	if (mount_restrict(inside->shelter, 0, MS_UNBINDABLE, false))
		return fail_errno(err, 0, "cannot keep the staging tmpfs out of binds");
	inside->staging = stack_tmpfs(plan, plan->root.staging_size, err);
	if (inside->staging < 0)
		return -1;
	return plan->namespaces.pid ? park_procfs(inside, err) : 0;
}

CHILD static void root_tmpfs(const struct plan *plan, struct tmpfs *ret)
{
	const struct profile *profile = plan->profile;

	*ret = (struct tmpfs){ .size = profile->root.size,
			       .inodes = profile->root.inodes,
			       .attributes = plan->root.attributes,
			       .mode = profile->root.mode };
	builder_ids(plan, &ret->uid, &ret->gid);
}

CHILD static int make_tmpfs(const struct plan *plan, struct error *err)
{
	struct tmpfs tmpfs;
	int mount = -1;

	root_tmpfs(plan, &tmpfs);
	mount = tmpfs_new(&tmpfs);
	return mount < 0 ? fail_errno(err, K_ROOT, "cannot mount a tmpfs for /") : mount;
}

CHILD static int make_overlay(const struct plan *plan, struct inside *inside, struct error *err)
{
	AUTO_CLOSE int descriptors = openat(inside->procfs, "self/fd", O_PATH | O_DIRECTORY | O_CLOEXEC);
	const struct overlay_site site = { .staging = inside->staging,
					   .descriptors = descriptors,
					   .userns = -1,
					   .name = "root",
					   .user_xattrs = plan->userns.create || plan->userns.joined };

	if (descriptors < 0)
		return fail_errno(err, K_ROOT_ACCESS, "cannot open /proc/self/fd");
	return overlay_mount(&plan->root.overlay, &site, plan->root.attributes, err);
}

CHILD static int make_directory(const struct plan *plan, struct error *err)
{
	const struct root_plan *root = &plan->root;
	AUTO_CLOSE int source = host_object_open(&root->source, err);
	AUTO_CLOSE int mount = -1;

	if (source < 0)
		return -1;
	mount = mount_clone(source, true);
	if (mount < 0)
		return fail_errno(err, K_ROOT_SOURCE, "cannot copy the mount of %s", root->source.path);
	if (mount_restrict(mount, root->attributes, MS_PRIVATE, true))
		return fail_errno(err, K_ROOT_SOURCE, "cannot set the attributes of the mount of %s",
				  root->source.path);
	return TAKE_FD(mount);
}

CHILD static int make_root(const struct plan *plan, struct inside *inside, struct error *err)
{
	if (inside->handed.root >= 0)
		return TAKE_FD(inside->handed.root);
	if (plan->root.access == ROOT_ACCESS_OVERLAY)
		return make_overlay(plan, inside, err);
	return plan->root.source.path ? make_directory(plan, err) : make_tmpfs(plan, err);
}

CHILD static int check_writable(const struct root_plan *root, int mount, struct error *err)
{
	unsigned long flags = 0;

	if (root->access != ROOT_ACCESS_READ_WRITE)
		return 0;
	if (mount_flags(mount, &flags))
		return fail_errno(err, K_ROOT_SOURCE, "cannot look at the mount of the new root");
	if (flags & ST_RDONLY)
		return fail(err, K_ROOT_ACCESS, "cannot make / writable: the host has %s mounted read-only",
			    root->source.path);
	return 0;
}

/* Should: leave the new root attached, and be the working directory.  Mustn't: open anything of the image by a path
 * that begins at the process's root directory. */
CHILD int root_enter(const struct plan *plan, struct inside *inside, struct error *err)
{
	AUTO_CLOSE int root = -1;

	/* The modes of what is built are the profile's; the payload's own umask is set when it is confined. */
	umask(0);
	if (open_procfs(plan, inside, err) || cut_off(plan, err) || open_staging(plan, inside, err))
		return -1;
	root = make_root(plan, inside, err);
	if (root < 0 || check_writable(&plan->root, root, err))
		return -1;
	if (stack_on_host(root))
		return fail_errno(err, K_ROOT, "cannot attach the new root");
	if (fchdir(root))
		return fail_errno(err, K_ROOT_SOURCE, "cannot change to the new root");
	return 0;
}

/* ---- describe */

static void describe_source(const struct plan *plan, struct description *out)
{
	const struct root_plan *root = &plan->root;
	const struct overlay_words words = { "/", root->attributes, (enum idmap)root->idmap, root->from_launcher };
	char attributes[ATTRIBUTES_SIZE];

	if (root->idmap != IDMAP_NONE)
		describe_need(out, "idmapped mounts (Linux 5.12), in the file system of %s too",
			      plan->profile->root.source);
	if (root->access == ROOT_ACCESS_OVERLAY)
		overlay_describe(&root->overlay, &words, plan, out);
	else
		describe(out, K_ROOT_SOURCE, -1, "/: bind of %s and what is mounted below it, %s, private%s%s",
			 root->source.path, attributes_text(root->attributes, attributes),
			 idmap_text((enum idmap)root->idmap),
			 root->from_launcher ? ", made before the child exists" : "");
}

/* What the child works with and the payload never sees. */
static void describe_tools(const struct plan *plan, struct description *out)
{
	describe(out, 0, -1, "in its mount namespace nothing follows the host's mounts%s",
		 plan->root.slaves ? ", but where a bind is to (slave)" : " (private)");
	describe(out, 0, -1, "%s",
		 plan->namespaces.pid ? "a proc of the sandbox's own to work with, rw,nosuid,nodev,noexec"
				      : "works with the host's proc");
	describe(out, 0, -1, "a shelter: tmpfs, size %d, unbindable; a staging area on it: tmpfs, size %llu",
		 STAGING_PAGE, (unsigned long long)plan->root.staging_size);
}

void root_describe(const struct plan *plan, struct description *out)
{
	struct tmpfs tmpfs;
	char text[TMPFS_SIZE];

	describe_tools(plan, out);
	root_tmpfs(plan, &tmpfs);
	if (plan->profile->root.source)
		describe_source(plan, out);
	else
		describe(out, K_ROOT_ACCESS, -1, "/: %s%s", tmpfs_text(&tmpfs, text),
			 plan->root.seal ? "; read-only once it is filled" : "");
	describe_need(out, "fsopen, fsmount, move_mount and mount_setattr (Linux 5.12), openat2 (5.6)");
}
