/* init: process 1 of the sandbox.
 *
 * Runs in the child from the fork of the payload (after enter, before confine) until the end. It is the parent of
 * every orphan inside, the lifeline's reader, and the only process inside that runs code of ours beside the payload,
 * which may be hostile. So before it waits for anything it closes all it holds but the socket, wipes the launcher's
 * arguments and environment out of its memory (/proc/1/cmdline is readable inside, whatever the dumpable flag), drops
 * its capabilities and puts itself under a filter (run/shed.c). Non-dumpable it has been since `go`. The payload
 * waits until all that is done.
 *
 * Then it waits for two things:
 *   - SIGCHLD: reaps. When the payload itself has ended, its wait status goes up and init ends.
 *   - the socket: a signal goes on to the payload, or to its process group; EOF says that the launcher is gone, by
 *     whatever death, and init ends.
 * Where init is the first process of a pid namespace its end is everyone's: the kernel kills the rest before anyone
 * sees init as ended (pid_namespaces(7)). Without one it makes itself the reaper of all descendants (prctl(2)) and
 * kills the members of the sandbox's cgroups (run/end.c) before it ends.
 *
 * From inside, init can be neither killed nor stopped: it has no handlers, and the kernel drops such signals to the
 * first process of a pid namespace. Which process gets a signal is the launcher's choice (run/supervise.c).
 *
 * Failure to give something up is a `failed` record, and the end of the sandbox.
 */
#include "run/init.h"

#include <errno.h>
#include <linux/capability.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/file.h"
#include "base/format.h"
#include "base/syscall.h"
#include "run/end.h"
#include "run/record.h"
#include "run/shed.h"
#include "run/steps.h"

#define TITLE "sandbox-init"

struct init {
	int socket, children; /* children: signalfd of SIGCHLD */
	int ready;            /* the payload waits at its other end; -1 once told */
	pid_t payload;
	bool pid_namespace; /* ours: the kernel kills the rest */
	const struct handed *handed;
};

CHILD static void finish(const struct init *init, int status) __attribute__((noreturn));

/* A fork may run ahead of one round of killing, never of all; what stays longer stands in uninterruptible sleep, and is
 * given time. */
CHILD static void finish(const struct init *init, int status)
{
	static const struct timespec pause = { .tv_nsec = 1000000 };

	while (!init->pid_namespace && !end_cgroups(init->handed, getpid()))
		(void)syscall(SYS_ppoll, NULL, 0, &pause, NULL, 0);
	_exit(status);
}

/* Signals to a payload of another user need CAP_KILL; so does one that may still become another user. */
CHILD static bool needs_kill(const struct plan *plan)
{
	return plan->ids.uid != geteuid() || plan->capabilities.permitted & 1U << CAP_SETUID ||
	       !plan->profile->no_new_privs;
}

CHILD static int open_children(struct init *init, struct error *err)
{
	sigset_t all, child;

	sigfillset(&all);
	sigemptyset(&child);
	sigaddset(&child, SIGCHLD);
	if (sigprocmask(SIG_SETMASK, &all, NULL))
		return fail_errno(err, K_PROCESS_INIT, "cannot block signals");
	init->children = signalfd(-1, &child, SFD_CLOEXEC | SFD_NONBLOCK);
	if (init->children < 0)
		return fail_errno(err, K_PROCESS_INIT, "cannot open a descriptor for signals");
	return 0;
}

CHILD static int shed_all(const struct init *init, const struct plan *plan, struct error *err)
{
	int keep[3 + sizeof(init->handed->cgroup_kill) / sizeof(int)] = { init->socket, init->children, init->ready };
	size_t count = 3;

	for (int i = 0; !init->pid_namespace && i < init->handed->cgroup_kill_count; i++)
		keep[count++] = init->handed->cgroup_kill[i];
	shed_title(plan->caller, TITLE);
	if (prctl(PR_SET_NAME, TITLE, 0, 0, 0))
		return fail_errno(err, K_PROCESS_INIT, "cannot name the process");
	if (!init->pid_namespace && prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0))
		return fail_errno(err, K_PROCESS_INIT, "cannot become the reaper of orphans");
	if (shed_descriptors(keep, count, err))
		return -1;
	return shed_powers(needs_kill(plan), err);
}

CHILD static void reap(const struct init *init)
{
	struct record record = { .type = RECORD_EXITED };
	int status = 0;
	pid_t pid = 0;

	while ((pid = wait4(-1, &status, WNOHANG, NULL)) > 0) {
		if (pid != init->payload)
			continue;
		record.status = status;
		(void)record_send(init->socket, &record, -1);
		finish(init, 0);
	}
}

/* Before the payload has its own process group there is nobody else in it yet. */
CHILD static void pass_on(const struct init *init, int number, bool group)
{
	if (!group || kill(-init->payload, number))
		(void)kill(init->payload, number);
}

CHILD static void listen_down(const struct init *init)
{
	struct record record;
	int fd = -1;
	int n = record_receive(init->socket, &record, &fd);

	fd_close(&fd);
	if (n <= 0)
		finish(init, EXIT_OF_INTERNAL);
	if (record.type == RECORD_SIGNAL && record.signal.number > 0)
		pass_on(init, record.signal.number, record.signal.group);
}

CHILD static void watch(const struct init *init) __attribute__((noreturn));

/* Reaps before it first waits: a child may have ended before signals were blocked. poll(2) itself is not everywhere a
 * system call, ppoll is. */
CHILD static void watch(const struct init *init)
{
	struct pollfd events[] = {
		{ .fd = init->socket, .events = POLLIN },
		{ .fd = init->children, .events = POLLIN },
	};
	struct signalfd_siginfo ignored;

	for (;;) {
		reap(init);
		if (syscall(SYS_ppoll, events, 2, NULL, NULL, 0) < 0)
			continue;
		if (events[1].revents)
			(void)!read(init->children, &ignored, sizeof(ignored));
		if (events[0].revents)
			listen_down(init);
	}
}

CHILD static int let_payload_run(struct init *init, struct error *err)
{
	if (write_all(init->ready, "", 1))
		return fail_errno(err, K_PROCESS_INIT, "cannot let the payload run");
	fd_close(&init->ready);
	return 0;
}

CHILD void init_main(const struct child_start *start, const struct inside *inside, pid_t payload, int ready)
{
	struct record record = { .type = RECORD_FAILED };
	struct init init = {
		.socket = start->socket,
		.ready = ready,
		.payload = payload,
		.pid_namespace = start->plan->namespaces.pid,
		.handed = &inside->handed,
	};

	if (!open_children(&init, &record.error) && !shed_all(&init, start->plan, &record.error) &&
	    !let_payload_run(&init, &record.error))
		watch(&init);
	steps_stamp(&record.error, PHASE_ENTER, "init");
	(void)record_send(init.socket, &record, -1);
	finish(&init, EXIT_OF_STAGE);
}
