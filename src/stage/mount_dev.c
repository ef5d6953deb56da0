/* mount_dev: a /dev with the harmless devices only. Helper of mounts; runs in the child, in the enter phase, once the
 * tmpfs of the mount is attached.
 *
 * The nodes: null, zero, full, random, urandom and tty. Where the kernel lets us, they are made here (mknod(2), root
 * without a user namespace); in a user namespace no node can be made or would work, so the host's are bound one by
 * one, each only after its kind and number were seen on the descriptor: a host whose /dev/null is something else is
 * refused. /dev/tty is whatever terminal the opener has, so it shows nobody else's. Then a devpts instance of its own,
 * with ptmx pointing into it, a sized tmpfs for POSIX shared memory, and the customary links into /proc/self/fd. No
 * console, kmsg, fuse, tun, kvm or vsock: what a profile wants beyond this it binds.
 *
 * The tmpfs is made read-only when all mounts are in place (devices can be written on a read-only mount all the same).
 * Needs: Linux 5.15. Nothing to undo.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/file.h"
#include "stage/filesystem_describe.h"

enum {
	PTS_ATTRIBUTES = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC,
	NODE_ATTRIBUTES = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC | MOUNT_ATTR_RDONLY,
};

static const char pts_mode[] = "0620", pts_ptmxmode[] = "0666";

static const struct node {
	const char *name;
	unsigned minor_number, major_number;
} nodes[] = {
	{ "null", 3, 1 }, { "zero", 5, 1 }, { "full", 7, 1 }, { "random", 8, 1 }, { "urandom", 9, 1 }, { "tty", 0, 5 },
};

static const struct link {
	const char *name, *text;
} links[] = {
	{ "ptmx", "pts/ptmx" },          { "fd", "/proc/self/fd" },       { "stdin", "/proc/self/fd/0" },
	{ "stdout", "/proc/self/fd/1" }, { "stderr", "/proc/self/fd/2" },
};

CHILD static int fail_node(const struct mount_plan *item, const char *name, struct error *err)
{
	return fail_errno_at(err, K_MOUNTS_TARGET, item->index, "cannot make %s/%s", item->target, name);
}

/* Binds the host's node over an empty file. Mustn't: bind anything but the very device. */
CHILD static int bind_node(const struct mount_plan *item, int dev, int host, const struct node *node, struct error *err)
{
	AUTO_CLOSE int source = openat(host, node->name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	AUTO_CLOSE int mount = -1, target = -1;
	struct stat status;

	if (source < 0 || fstat(source, &status))
		return fail_errno_at(err, K_MOUNTS_TARGET, item->index, "cannot open /dev/%s of the host", node->name);
	if (!S_ISCHR(status.st_mode) || status.st_rdev != makedev(node->major_number, node->minor_number))
		return fail_at(err, K_MOUNTS_TARGET, item->index,
			       "cannot use /dev/%s of the host: it is not device %u:%u", node->name, node->major_number,
			       node->minor_number);
	mount = mount_clone(source, false);
	if (mount < 0 || mount_restrict(mount, NODE_ATTRIBUTES, MS_PRIVATE, false))
		return fail_node(item, node->name, err);
	target = openat(dev, node->name, O_RDONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
	if (target < 0 || mount_attach(mount, target))
		return fail_node(item, node->name, err);
	return 0;
}

CHILD static int make_nodes(const struct mount_plan *item, const struct plan *plan, int dev, struct error *err)
{
	bool bind = plan->userns.create || plan->userns.joined;
	AUTO_CLOSE int host = open("/dev", O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (host < 0)
		return fail_errno_at(err, K_MOUNTS_TARGET, item->index, "cannot open /dev of the host");
	for (size_t i = 0; i < sizeof(nodes) / sizeof(nodes[0]); i++) {
		const struct node *node = &nodes[i];

		if (!bind &&
		    mknodat(dev, node->name, S_IFCHR | 0666, makedev(node->major_number, node->minor_number))) {
			if (errno != EPERM)
				return fail_node(item, node->name, err);
			/* Root of an outer container, or without CAP_MKNOD. */
			bind = true;
		}
		if (bind && bind_node(item, dev, host, node, err))
			return -1;
	}
	return 0;
}

/* Makes directory `name` and attaches a new file system there. */
CHILD static int attach_below(int dev, const char *name, int mount)
{
	AUTO_CLOSE int target = -1;

	if (mount < 0 || mkdirat(dev, name, 0755))
		return -1;
	target = open_beneath(dev, name, O_PATH | O_DIRECTORY | O_NOFOLLOW);
	return target < 0 ? -1 : mount_attach(mount, target);
}

CHILD static int mount_pts(const struct mount_plan *item, int dev, struct error *err)
{
	AUTO_CLOSE int mount = devpts_new();

	if (attach_below(dev, "pts", mount))
		return fail_errno_at(err, K_MOUNTS_TARGET, item->index, "cannot mount %s/pts", item->target);
	return 0;
}

CHILD static void shm_tmpfs(const struct mount_plan *item, const struct plan *plan, struct tmpfs *ret)
{
	*ret = (struct tmpfs){
		.size = item->mount->size,
		.inodes = item->mount->inodes,
		.attributes = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC,
		.mode = 01777,
	};
	builder_ids(plan, &ret->uid, &ret->gid);
}

CHILD static int mount_shm(const struct mount_plan *item, const struct plan *plan, int dev, struct error *err)
{
	struct tmpfs tmpfs;
	AUTO_CLOSE int mount = -1;

	shm_tmpfs(item, plan, &tmpfs);
	mount = tmpfs_new(&tmpfs);
	if (attach_below(dev, "shm", mount))
		return fail_errno_at(err, K_MOUNTS_TARGET, item->index, "cannot mount %s/shm", item->target);
	return 0;
}

CHILD int dev_populate(const struct mount_plan *item, const struct plan *plan, int dev, struct error *err)
{
	if (make_nodes(item, plan, dev, err) || mount_pts(item, dev, err) || mount_shm(item, plan, dev, err))
		return -1;
	for (size_t i = 0; i < sizeof(links) / sizeof(links[0]); i++)
		if (symlinkat(links[i].text, dev, links[i].name))
			return fail_node(item, links[i].name, err);
	return 0;
}

CHILD int devpts_new(void)
{
	static const struct mount_option options[] = { { "ptmxmode", pts_ptmxmode },
						       { "mode", pts_mode },
						       { NULL, NULL } };

	return mount_new("devpts", options, PTS_ATTRIBUTES, NULL);
}

void dev_describe(const struct mount_plan *item, const struct plan *plan, struct description *out)
{
	bool bind = plan->userns.create || plan->userns.joined;
	char text[TMPFS_SIZE], attributes[ATTRIBUTES_SIZE];
	struct tmpfs shm;

	for (size_t i = 0; i < sizeof(nodes) / sizeof(nodes[0]); i++)
		describe(out, K_MOUNTS_TARGET, item->index, "%s/%s: %s %u:%u%s%s", item->target, nodes[i].name,
			 bind ? "bind of the host's device" : "device", nodes[i].major_number, nodes[i].minor_number,
			 bind ? ", " : "", bind ? attributes_text(NODE_ATTRIBUTES, attributes) : "");
	describe(out, K_MOUNTS_TARGET, item->index, "%s/pts: devpts, %s, mode %s, ptmxmode %s", item->target,
		 attributes_text(PTS_ATTRIBUTES, attributes), pts_mode, pts_ptmxmode);
	shm_tmpfs(item, plan, &shm);
	describe(out, K_MOUNTS_SIZE, item->index, "%s/shm: %s", item->target, tmpfs_text(&shm, text));
	for (size_t i = 0; i < sizeof(links) / sizeof(links[0]); i++)
		describe(out, K_MOUNTS_TARGET, item->index, "%s/%s: symbolic link to %s", item->target, links[i].name,
			 links[i].text);
}
