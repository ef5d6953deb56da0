/* syscall: see the header. One line each; runs in both processes. */
#include "base/syscall.h"

#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

CHILD pid_t sys_clone3(struct clone_args *args)
{
	return (pid_t)syscall(SYS_clone3, args, sizeof(*args));
}

CHILD int sys_openat2(int dirfd, const char *path, struct open_how *how)
{
	how->flags |= O_CLOEXEC;
	return (int)syscall(SYS_openat2, dirfd, path, how, sizeof(*how));
}

CHILD int sys_open_tree(int dirfd, const char *path, unsigned flags)
{
	return (int)syscall(SYS_open_tree, dirfd, path, flags | OPEN_TREE_CLOEXEC);
}

CHILD int sys_move_mount(int from_dirfd, const char *from, int to_dirfd, const char *to, unsigned flags)
{
	return (int)syscall(SYS_move_mount, from_dirfd, from, to_dirfd, to, flags);
}

CHILD int sys_fsopen(const char *type, unsigned flags)
{
	return (int)syscall(SYS_fsopen, type, flags | FSOPEN_CLOEXEC);
}

CHILD int sys_fsconfig(int fd, unsigned command, const char *key, const void *value, int aux)
{
	return (int)syscall(SYS_fsconfig, fd, command, key, value, aux);
}

CHILD int sys_fsmount(int fd, unsigned flags, unsigned attributes)
{
	return (int)syscall(SYS_fsmount, fd, flags | FSMOUNT_CLOEXEC, attributes);
}

CHILD int sys_mount_setattr(int dirfd, const char *path, unsigned flags, struct mount_attr *attr)
{
	return (int)syscall(SYS_mount_setattr, dirfd, path, flags, attr, sizeof(*attr));
}

CHILD int sys_pivot_root(const char *new_root, const char *put_old)
{
	return (int)syscall(SYS_pivot_root, new_root, put_old);
}

CHILD int sys_pidfd_open(pid_t pid, unsigned flags)
{
	return (int)syscall(SYS_pidfd_open, pid, flags);
}

CHILD int sys_pidfd_send_signal(int pidfd, int sig)
{
	return (int)syscall(SYS_pidfd_send_signal, pidfd, sig, NULL, 0);
}

CHILD int sys_close_range(unsigned first, unsigned last, unsigned flags)
{
	return (int)syscall(SYS_close_range, first, last, flags);
}

CHILD long sys_keyctl(int operation, unsigned long argument)
{
	return syscall(SYS_keyctl, operation, argument, 0UL, 0UL, 0UL);
}

CHILD int sys_setresuid(uid_t real, uid_t effective, uid_t saved)
{
	return (int)syscall(SYS_setresuid, real, effective, saved);
}

CHILD int sys_setresgid(gid_t real, gid_t effective, gid_t saved)
{
	return (int)syscall(SYS_setresgid, real, effective, saved);
}

CHILD int sys_setgroups(size_t count, const gid_t *groups)
{
	return (int)syscall(SYS_setgroups, count, groups);
}

CHILD int sys_landlock_create_ruleset(const void *attr, size_t size, unsigned flags)
{
	return (int)syscall(SYS_landlock_create_ruleset, attr, size, flags);
}

CHILD int sys_landlock_add_rule(int ruleset, unsigned type, const void *attr, unsigned flags)
{
	return (int)syscall(SYS_landlock_add_rule, ruleset, type, attr, flags);
}

CHILD int sys_landlock_restrict_self(int ruleset, unsigned flags)
{
	return (int)syscall(SYS_landlock_restrict_self, ruleset, flags);
}

CHILD int sys_seccomp(unsigned operation, unsigned flags, void *args)
{
	return (int)syscall(SYS_seccomp, operation, flags, args);
}

CHILD int sys_bpf(int command, void *attr, unsigned size)
{
	return (int)syscall(SYS_bpf, command, attr, size);
}
