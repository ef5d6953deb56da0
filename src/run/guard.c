/* guard: holds the lifeline of a sandbox whose first process is the payload itself (process.init = false).
 *
 * With an init, the launcher's death reads as EOF inside, and init ends everything. A payload that is process 1 reads
 * nothing of ours, and can clear the parent-death signal that the child armed (prctl(2), PR_SET_PDEATHSIG). So the
 * launcher forks this process, outside the sandbox, right after the clone and before `go`: it holds the child's pidfd,
 * and the only reading end of a pipe whose other end the launcher holds. EOF there, by whatever death, and it kills.
 * When the child has ended by itself the guard ends too.
 *
 * It runs as the launcher's user, in a session of its own, so that what hits the launcher's terminal or process group
 * does not hit it. It keeps three kinds of descriptors, CAP_KILL, and the few calls of run/shed.c.
 *
 * Failure to make it stops the launch. guard_stop() closes the lifeline: by then the sandbox has ended or must.
 */
#include "run/guard.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/syscall.h"
#include "run/end.h"
#include "run/shed.h"

/* Waits for the launcher's end or the child's, then leaves nobody alive. Cgroups are ended in either case: without a
 * pid namespace the payload's death does not end its children. */
CHILD static void guard_wait(const struct host *host, int lifeline) __attribute__((noreturn));

CHILD static void guard_wait(const struct host *host, int lifeline)
{
	struct pollfd events[] = {
		{ .fd = lifeline, .events = POLLIN },
		{ .fd = host->child_pidfd, .events = POLLIN },
	};
	static const struct timespec pause = { .tv_nsec = 1000000 };

	while (!events[0].revents && !events[1].revents)
		(void)syscall(SYS_ppoll, events, 2, NULL, NULL, 0);
	(void)sys_pidfd_send_signal(host->child_pidfd, SIGKILL);
	while (!end_cgroups(&host->handed, 0))
		(void)syscall(SYS_ppoll, NULL, 0, &pause, NULL, 0);
	_exit(0);
}

/* Says on `ready` that it stands; an end without a word is a failure. */
CHILD static void guard_main(const struct host *host, int lifeline, int ready) __attribute__((noreturn));

CHILD static void guard_main(const struct host *host, int lifeline, int ready)
{
	int keep[3 + sizeof(host->handed.cgroup_kill) / sizeof(int)] = { lifeline, ready, host->child_pidfd };
	size_t count = 3;
	struct error ignored;
	sigset_t all;

	for (int i = 0; i < host->handed.cgroup_kill_count; i++)
		keep[count++] = host->handed.cgroup_kill[i];
	sigfillset(&all);
	if (sigprocmask(SIG_SETMASK, &all, NULL) || setsid() < 0 || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) ||
	    prctl(PR_SET_NAME, "sandbox-guard", 0, 0, 0) || shed_descriptors(keep, count, &ignored) ||
	    shed_powers(true, &ignored) || write(ready, "", 1) != 1)
		_exit(EXIT_OF_INTERNAL);
	close(ready);
	guard_wait(host, lifeline);
}

static int wait_until_ready(int ready, struct error *err)
{
	char word = 0;
	ssize_t n = 0;

	do
		n = read(ready, &word, 1);
	while (n < 0 && errno == EINTR);
	return n == 1 ? 0 : fail(err, K_PROCESS_INIT, "cannot start the guard: it ended early");
}

int guard_start(const struct host *host, struct guard *ret, struct error *err)
{
	struct clone_args args = { .exit_signal = SIGCHLD };
	int lifeline[2] = { -1, -1 }, ready[2] = { -1, -1 };
	int status = -1;

	*ret = (struct guard){ .lifeline = -1 };
	if (pipe2(lifeline, O_CLOEXEC) || pipe2(ready, O_CLOEXEC)) {
		fail_errno(err, K_PROCESS_INIT, "cannot make a pipe");
		goto out;
	}
	ret->pid = sys_clone3(&args);
	if (ret->pid == 0)
		guard_main(host, lifeline[0], ready[1]);
	if (ret->pid < 0) {
		ret->pid = 0;
		fail_errno(err, K_PROCESS_INIT, "cannot fork the guard");
		goto out;
	}
	ret->lifeline = TAKE_FD(lifeline[1]);
	fd_close(&ready[1]);
	status = wait_until_ready(ready[0], err);
out:
	for (int end = 0; end < 2; end++) {
		fd_close(&lifeline[end]);
		fd_close(&ready[end]);
	}
	return status;
}

void guard_stop(struct guard *guard)
{
	fd_close(&guard->lifeline);
	if (guard->pid > 0)
		while (waitpid(guard->pid, NULL, 0) < 0 && errno == EINTR)
			;
	guard->pid = 0;
}
