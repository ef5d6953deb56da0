/* mount_make: one mount of the profile, detached and with all its attributes. Helper of mounts.
 *
 * Runs in the child, in the enter phase, after root: the process's root directory is still the host's, where the
 * sources of binds are opened, and the staging tmpfs is there for what overlays and inline files are made of. What
 * each type needs and how it fails stands at the head of mounts.c; a mount that is never attached goes away with its
 * descriptor.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/format.h"
#include "stage/filesystem.h"

#define DEVICES (MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC)
#define KERNEL_FS(type, file_system, shown, clone_flag)                                  \
	.name = (type), .fs = (file_system), .namespace = (shown), .flag = (clone_flag), \
	.attributes = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC

enum { TMPFS_MODE = 0755 };

const struct mount_kind mount_kinds[] = {
	[MOUNTS_TYPE_BIND] = { .name = "bind" },
	[MOUNTS_TYPE_TMPFS] = { .name = "tmpfs", .writable = true, .sealed = true },
	[MOUNTS_TYPE_PROC] = { KERNEL_FS("proc", "proc", "pid", CLONE_NEWPID), .writable = true },
	[MOUNTS_TYPE_DEV] = { .name = "dev", .attributes = DEVICES, .sealed = true },
	[MOUNTS_TYPE_SYSFS] = { KERNEL_FS("sysfs", "sysfs", "net", CLONE_NEWNET) },
	[MOUNTS_TYPE_DEVPTS] = { .name = "devpts", .attributes = DEVICES, .writable = true },
	[MOUNTS_TYPE_MQUEUE] = { KERNEL_FS("mqueue", "mqueue", "ipc", CLONE_NEWIPC), .writable = true },
	[MOUNTS_TYPE_CGROUP] = { KERNEL_FS("cgroup", "cgroup2", "cgroup", CLONE_NEWCGROUP) },
	[MOUNTS_TYPE_OVERLAY] = { .name = "overlay" },
	[MOUNTS_TYPE_FILE] = { .name = "file" },
	[MOUNTS_TYPE_SYMLINK] = { .name = "symlink", .entry = true },
	[MOUNTS_TYPE_DIRECTORY] = { .name = "directory", .entry = true },
};

CHILD uint64_t mount_propagation(const struct mount_plan *item)
{
	bool slave = item->type == MOUNTS_TYPE_BIND && item->mount->propagation == MOUNTS_PROPAGATION_SLAVE;

	return slave ? MS_SLAVE : MS_PRIVATE;
}

CHILD static int make_bind(const struct plan *plan, const struct inside *inside, const struct mount_plan *item,
			   struct error *err)
{
	AUTO_CLOSE int source = host_object_open(&item->source, err);
	AUTO_CLOSE int mount = -1;

	(void)plan;
	(void)inside;
	if (source < 0)
		return -1;
	mount = mount_clone(source, item->recursive);
	if (mount < 0) {
		fail_errno_at(err, K_MOUNTS_SOURCE, item->index, "cannot copy the mount of %s", item->source.path);
		if (err->sys_errno == EINVAL && !item->recursive)
			error_remedy(err,
				     "something is mounted below it, and in a user namespace that cannot be left out: "
				     "write recursive = true");
		return -1;
	}
	if (mount_restrict(mount, item->attributes, mount_propagation(item), item->recursive))
		return fail_errno_at(err, K_MOUNTS_SOURCE, item->index, "cannot set the attributes of the mount of %s",
				     item->source.path);
	return TAKE_FD(mount);
}

CHILD static int fail_map(const struct mount_plan *item, struct error *err)
{
	fail_errno_at(err, K_MOUNTS_TARGET, item->index, "cannot mount a %s at %s", mount_kinds[item->type].name,
		      item->target);
	if (err->sys_errno == EINVAL)
		error_remedy(err, "its uid and gid must be in the sandbox's map of users");
	return -1;
}

CHILD void builder_ids(const struct plan *plan, uint32_t *ret_uid, uint32_t *ret_gid)
{
	bool own = plan->userns.create || plan->userns.joined;

	*ret_uid = own ? plan->userns.build_uid : geteuid();
	*ret_gid = own ? plan->userns.build_gid : getegid();
}

/* The directory of a dev is small: it holds names only. Its shm has the element's size. */
CHILD void mount_tmpfs(const struct mount_plan *item, const struct plan *plan, struct tmpfs *ret)
{
	const struct mount *mount = item->mount;

	*ret = (struct tmpfs){
		.size = 64UL * 1024, .inodes = 1024, .attributes = item->attributes, .mode = TMPFS_MODE
	};
	if (item->type == MOUNTS_TYPE_DEV) {
		builder_ids(plan, &ret->uid, &ret->gid);
		return;
	}
	ret->size = mount->size;
	ret->inodes = mount->inodes;
	ret->mode = mount->mode == MODE_UNSET ? TMPFS_MODE : mount->mode;
	ret->uid = mount->uid == ID_UNSET ? plan->ids.uid : mount->uid;
	ret->gid = mount->gid == ID_UNSET ? plan->ids.gid : mount->gid;
}

CHILD static int make_tmpfs(const struct plan *plan, const struct inside *inside, const struct mount_plan *item,
			    struct error *err)
{
	struct tmpfs tmpfs;
	int fd = -1;

	(void)inside;
	mount_tmpfs(item, plan, &tmpfs);
	fd = tmpfs_new(&tmpfs);
	return fd < 0 ? fail_map(item, err) : fd;
}

CHILD static int make_devpts(const struct plan *plan, const struct inside *inside, const struct mount_plan *item,
			     struct error *err)
{
	int fd = devpts_new();

	(void)plan;
	(void)inside;
	return fd < 0 ? fail_map(item, err) : fd;
}

CHILD static int fail_kernel_fs(const struct mount_plan *item, struct error *err)
{
	const struct mount_kind *kind = &mount_kinds[item->type];

	fail_errno_at(err, K_MOUNTS_TYPE, item->index, "cannot mount a %s file system at %s", kind->name, item->target);
	if (err->sys_errno == EPERM)
		error_remedy(err,
			     "the kernel allows one only where the %s namespace belongs to the sandbox's user "
			     "namespace, and, "
			     "for proc and sysfs, where nothing masks parts of the launcher's own, as containers do",
			     kind->namespace);
	return error_exit(err, EXIT_OF_HOST);
}

CHILD const char *mount_subset(const struct mount_plan *item)
{
	return item->type == MOUNTS_TYPE_PROC && item->mount->subset == MOUNTS_SUBSET_PID ? "pid" : NULL;
}

CHILD const char *mount_hidepid(const struct mount_plan *item)
{
	static const char *const words[] = {
		[MOUNTS_HIDEPID_OFF] = NULL,
		[MOUNTS_HIDEPID_NOACCESS] = "noaccess",
		[MOUNTS_HIDEPID_INVISIBLE] = "invisible",
		[MOUNTS_HIDEPID_PTRACEABLE] = "ptraceable",
	};

	return item->type == MOUNTS_TYPE_PROC ? words[item->mount->hidepid] : NULL;
}

CHILD static int make_kernel_fs(const struct plan *plan, const struct inside *inside, const struct mount_plan *item,
				struct error *err)
{
	struct mount_option options[3] = { 0 };
	size_t count = 0;
	int fd = -1;

	(void)plan;
	(void)inside;
	if (mount_subset(item))
		options[count++] = (struct mount_option){ "subset", mount_subset(item) };
	if (mount_hidepid(item))
		options[count++] = (struct mount_option){ "hidepid", mount_hidepid(item) };
	fd = mount_new(mount_kinds[item->type].fs, options, item->attributes, NULL);
	return fd < 0 ? fail_kernel_fs(item, err) : fd;
}

CHILD static int make_overlay(const struct plan *plan, const struct inside *inside, const struct mount_plan *item,
			      struct error *err)
{
	AUTO_CLOSE int descriptors = openat(inside->procfs, "self/fd", O_PATH | O_DIRECTORY | O_CLOEXEC);
	char name[24];
	const struct overlay_site site = { .staging = inside->staging,
					   .descriptors = descriptors,
					   .userns = -1,
					   .name = name,
					   .user_xattrs = plan->userns.create || plan->userns.joined };

	format_text(name, sizeof(name), "overlay%d", item->index);
	if (descriptors < 0)
		return fail_errno_at(err, K_MOUNTS_TYPE, item->index, "cannot open /proc/self/fd");
	return overlay_mount(&item->overlay, &site, item->attributes, err);
}

CHILD static int make_file(const struct plan *plan, const struct inside *inside, const struct mount_plan *item,
			   struct error *err)
{
	return entry_file(item, plan, inside->staging, err);
}

typedef int make_fn(const struct plan *plan, const struct inside *inside, const struct mount_plan *item,
		    struct error *err);

static make_fn *const makers[] = {
	[MOUNTS_TYPE_BIND] = make_bind,        [MOUNTS_TYPE_TMPFS] = make_tmpfs,
	[MOUNTS_TYPE_PROC] = make_kernel_fs,   [MOUNTS_TYPE_DEV] = make_tmpfs,
	[MOUNTS_TYPE_SYSFS] = make_kernel_fs,  [MOUNTS_TYPE_DEVPTS] = make_devpts,
	[MOUNTS_TYPE_MQUEUE] = make_kernel_fs, [MOUNTS_TYPE_CGROUP] = make_kernel_fs,
	[MOUNTS_TYPE_OVERLAY] = make_overlay,  [MOUNTS_TYPE_FILE] = make_file,
};

CHILD int mount_make(const struct mount_plan *item, const struct plan *plan, const struct inside *inside,
		     struct error *err)
{
	return makers[item->type](plan, inside, item, err);
}
