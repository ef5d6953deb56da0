/* syscall: the system calls that glibc 2.36 does not wrap, and the ones whose wrappers do more than the call.
 *
 * Each returns what the kernel returns, -1 with errno on failure; every descriptor made here is O_CLOEXEC. All are
 * callable in the child. Kernel floor: Linux 5.15 (openat2, the mount API, pidfd, close_range). */
#ifndef BASE_SYSCALL_H
#define BASE_SYSCALL_H

#include <linux/landlock.h>
#include <linux/mount.h>
#include <linux/openat2.h>
#include <linux/sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/child.h"

CHILD pid_t sys_clone3(struct clone_args *args);
CHILD int sys_openat2(int dirfd, const char *path, struct open_how *how);
CHILD int sys_open_tree(int dirfd, const char *path, unsigned flags);
CHILD int sys_move_mount(int from_dirfd, const char *from, int to_dirfd, const char *to, unsigned flags);
CHILD int sys_fsopen(const char *type, unsigned flags);
CHILD int sys_fsconfig(int fd, unsigned command, const char *key, const void *value, int aux);
CHILD int sys_fsmount(int fd, unsigned flags, unsigned attributes);
CHILD int sys_mount_setattr(int dirfd, const char *path, unsigned flags, struct mount_attr *attr);
CHILD int sys_pivot_root(const char *new_root, const char *put_old);
CHILD int sys_pidfd_open(pid_t pid, unsigned flags);
CHILD int sys_pidfd_send_signal(int pidfd, int sig);
CHILD int sys_close_range(unsigned first, unsigned last, unsigned flags);
CHILD long sys_keyctl(int operation, unsigned long argument);

/* The credentials calls of glibc broadcast to threads through libpthread; these speak to the kernel alone. */
CHILD int sys_setresuid(uid_t real, uid_t effective, uid_t saved);
CHILD int sys_setresgid(gid_t real, gid_t effective, gid_t saved);
CHILD int sys_setgroups(size_t count, const gid_t *groups);

CHILD int sys_landlock_create_ruleset(const void *attr, size_t size, unsigned flags);
CHILD int sys_landlock_add_rule(int ruleset, unsigned type, const void *attr, unsigned flags);
CHILD int sys_landlock_restrict_self(int ruleset, unsigned flags);

/* seccomp(2) itself: glibc has no wrapper. */
CHILD int sys_seccomp(unsigned operation, unsigned flags, void *args);

/* bpf(2) itself; `attr` is a union bpf_attr of `size` bytes. */
CHILD int sys_bpf(int command, void *attr, unsigned size);

#endif
