/* blocked: names the system call that an outer filter took away.
 *
 * Runs in the launcher, after a launch has failed and only then. A sandbox needs openat2, the mount interface,
 * pidfds, close_range and clone3, all in Linux since 5.15 or earlier. A container, or a service with
 * SystemCallFilter=, may answer one of them with EPERM or ENOSYS, which at the place of the failure looks like a want
 * of rights. There is no way round such a call here on purpose: ways round that are seldom used are where others'
 * holes were.
 *
 * A throw-away process makes each call with arguments that the kernel must reject in another way than EPERM and ENOSYS,
 * in a user and mount namespace of its own, because some calls ask for the right to mount before they look at anything.
 * Where it cannot make these namespaces, it is that which failed, and nothing is said.
 */
#include "run/blocked.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/syscall.h"

static const struct {
	const char *name;
	long number, arguments[5];
} needed[] = {
	{ "openat2", SYS_openat2, { -1, 0, 0, 0 } },               /* EINVAL: a struct of no size */
	{ "open_tree", SYS_open_tree, { -1, 0, -1 } },             /* EINVAL: flags */
	{ "fsopen", SYS_fsopen, { 0, -1 } },                       /* EINVAL: flags */
	{ "fsconfig", SYS_fsconfig, { -1, 0, 0, 0, 0 } },          /* EINVAL: descriptor */
	{ "fsmount", SYS_fsmount, { -1, -1, 0 } },                 /* EINVAL: flags */
	{ "move_mount", SYS_move_mount, { -1, 0, -1, 0, -1 } },    /* EINVAL: flags */
	{ "mount_setattr", SYS_mount_setattr, { -1, 0, -1 } },     /* EINVAL: flags */
	{ "pivot_root", SYS_pivot_root, { 0, 0 } },                /* EFAULT */
	{ "umount2", SYS_umount2, { 0, -1 } },                     /* EINVAL: flags */
	{ "pidfd_open", SYS_pidfd_open, { -1, 0 } },               /* EINVAL: pid */
	{ "pidfd_send_signal", SYS_pidfd_send_signal, { -1, 0 } }, /* EBADF */
	{ "close_range", SYS_close_range, { 1, 0, 0 } },           /* EINVAL: last before first */
	{ "clone3", SYS_clone3, { 0, 0 } },                        /* EINVAL: a struct of no size */
	{ "keyctl", SYS_keyctl, { -1 } },                          /* EOPNOTSUPP */
	{ "seccomp", SYS_seccomp, { -1, 0, 0 } },                  /* EINVAL: operation */
};

enum { NEEDED = sizeof(needed) / sizeof(needed[0]), NONE = 255 };

/* The exit status is the index of the call that is blocked. */
static void try_all(void) __attribute__((noreturn));

static void try_all(void)
{
	(void)signal(SIGSYS, SIG_DFL);
	if (unshare(CLONE_NEWUSER | CLONE_NEWNS))
		_exit(NONE);
	for (int i = 0; i < NEEDED; i++) {
		const long *a = needed[i].arguments;

		if (syscall(needed[i].number, a[0], a[1], a[2], a[3], a[4]) < 0 && (errno == EPERM || errno == ENOSYS))
			_exit(i);
	}
	_exit(NONE);
}

void blocked_explain(struct error *err)
{
	int status = 0;
	pid_t pid = 0;

	if (err->sys_errno != EPERM && err->sys_errno != ENOSYS)
		return;
	pid = fork();
	if (pid == 0)
		try_all();
	if (pid < 0 || waitpid(pid, &status, 0) != pid || !WIFEXITED(status) || WEXITSTATUS(status) >= NEEDED)
		return;
	error_remedy(err,
		     "something outside the sandbox takes %s(2) away (a container's filter, SystemCallFilter= of a "
		     "service): "
		     "no sandbox can be made without it",
		     needed[WEXITSTATUS(status)].name);
	error_exit(err, EXIT_OF_HOST);
}
