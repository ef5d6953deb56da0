/* mount: see the header. Runs in the launcher (mounts that only root can make) and in the child (all others); needs
 * CAP_SYS_ADMIN in the user namespace that owns the mount namespace, and Linux 5.12 for mount_setattr(2). Detached
 * mounts go away with their last descriptor: there is nothing to undo. */
#include "base/mount.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/format.h"
#include "base/syscall.h"

/* A file system context can be read for messages, one for each read(2): "e overlay: No changes allowed". The last
 * error is kept, without its leading letter and blank. */
CHILD static void read_reason(int context, struct mount_reason *ret)
{
	char message[sizeof(ret->text) + 2];
	ssize_t n = 0;

	for (;;) {
		n = read(context, message, sizeof(message) - 1);
		if (n <= 2)
			return;
		message[message[n - 1] == '\n' ? n - 1 : n] = '\0';
		if (message[0] == 'e')
			format_text(ret->text, sizeof(ret->text), "%s", message + 2);
	}
}

/* Without a source the mount table would say "none". */
CHILD static int configure(int context, const char *type, const struct mount_option *options)
{
	if (sys_fsconfig(context, FSCONFIG_SET_STRING, "source", type, 0))
		return -1;
	for (; options && options->name; options++) {
		unsigned command = options->value ? FSCONFIG_SET_STRING : FSCONFIG_SET_FLAG;

		if (sys_fsconfig(context, command, options->name, options->value, 0))
			return -1;
	}
	return sys_fsconfig(context, FSCONFIG_CMD_CREATE, NULL, NULL, 0);
}

CHILD int mount_new(const char *type, const struct mount_option *options, uint64_t attributes,
		    struct mount_reason *ret_reason)
{
	AUTO_CLOSE int context = sys_fsopen(type, 0);
	int mount = -1;
	int saved = 0;

	if (ret_reason)
		ret_reason->text[0] = '\0';
	if (context < 0)
		return -1;
	if (!configure(context, type, options))
		mount = sys_fsmount(context, 0, (unsigned)attributes);
	saved = errno;
	if (mount < 0 && ret_reason)
		read_reason(context, ret_reason);
	errno = saved;
	return mount;
}

CHILD int mount_clone(int fd, bool recursive)
{
	return sys_open_tree(fd, "", OPEN_TREE_CLONE | AT_EMPTY_PATH | (recursive ? AT_RECURSIVE : 0U));
}

CHILD static int change(int fd, struct mount_attr *attr, bool recursive)
{
	return sys_mount_setattr(fd, "", AT_EMPTY_PATH | (recursive ? AT_RECURSIVE : 0U), attr);
}

CHILD int mount_restrict(int fd, uint64_t attributes, uint64_t propagation, bool recursive)
{
	struct mount_attr attr = { .attr_set = attributes, .propagation = propagation };

	return change(fd, &attr, recursive);
}

CHILD int mount_idmap(int fd, int userns, bool recursive)
{
	struct mount_attr attr = { .attr_set = MOUNT_ATTR_IDMAP, .userns_fd = (uint64_t)userns };

	return change(fd, &attr, recursive);
}

CHILD int mount_flags(int fd, unsigned long *ret)
{
	struct statvfs fs;

	if (fstatvfs(fd, &fs))
		return -1;
	*ret = fs.f_flag;
	return 0;
}

CHILD bool mount_same(int one, int other)
{
	struct statx a, b;

	return !statx(one, "", AT_EMPTY_PATH, STATX_MNT_ID, &a) && !statx(other, "", AT_EMPTY_PATH, STATX_MNT_ID, &b) &&
	       a.stx_mnt_id == b.stx_mnt_id;
}

CHILD int mount_attach(int fd, int target)
{
	return sys_move_mount(fd, "", target, "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH);
}
