/* supervise: watches a sandbox until nothing of it is left.
 *
 * Runs in the launcher, after `go`. One loop waits for everything at once and nothing in it blocks, because nothing
 * inside may hold the launcher up: not a payload that floods its output, nor one that stops reading, forks without end
 * or sits on its terminal. What it waits for:
 *
 *   socket     records from the child and then from init: a failure, the pseudo-terminal, the payload's wait status
 *   running    EOF: the payload's execve succeeded; the time limit starts, and attest looks from outside
 *   child      the first process of the sandbox has ended, and with it all others (run/init.c)
 *   network    pasta or the relay of published ports has ended: what runs without it is not what was asked for
 *   signals    to the launcher, which are the payload's; a table says how each is passed on
 *   relays     what is copied between the payload and the caller's descriptors (run/relay.c)
 *   deadlines  the time limit, the grace behind it, and the end of waiting for output that nobody will write any more
 *
 * Signals are the payload's, and passed on (run/pass.c); stopping and continuing are also ours. With a pseudo-terminal
 * the keys are the inside's, and no signal comes from them. Before the payload runs, a signal that asks for the end
 * ends the launch; behind its end, the delivery of its output.
 *
 * Ending. When a limit is hit, or the launch is called off, everything is killed: by the pid namespace, else through
 * the cgroups. Output that was written before the end is delivered, however slow its reader.
 *
 * Failure of the watch itself kills the sandbox. Nothing to undo but the terminal, which is restored on every return.
 */
#include "run/supervise.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/syscall.h"
#include "run/end.h"
#include "run/pass.h"
#include "run/record.h"
#include "run/relay.h"
#include "run/steps.h"
#include "run/terminal.h"

int supervise_prepare(struct error *err)
{
	sigset_t set;

	pass_set(&set);
	alarm(0); /* a timer outlives execve(2): the caller's would end the launcher before it can clean up */
	if (sigprocmask(SIG_SETMASK, &set, NULL) || signal(SIGPIPE, SIG_IGN) == SIG_ERR ||
	    signal(SIGCHLD, SIG_DFL) == SIG_ERR)
		return fail_errno(err, 0, "cannot set up signals");
	return 0;
}

/* ---- the watch -------------------------------------------------------------------------------------------------- */

enum { RELAY_COUNT = 5 }; /* 0-2: the pipes of the tty stage; then the pseudo-terminal's two directions */
enum { PTY_IN = 3, PTY_OUT = 4 };
enum { AT_SIGNALS, AT_SOCKET, AT_RUNNING, AT_CHILD, AT_NETWORK, AT_RELAYS, EVENT_COUNT = AT_RELAYS + 2 * RELAY_COUNT };

#define LAST_ORDERS_NSEC (200 * INT64_C(1000000))
#define PARKED_NSEC (500 * INT64_C(1000000))
#define NEVER INT64_MAX

struct watch {
	struct launch *launch;
	struct outcome *out;
	int signals;       /* signalfd */
	int master, slave; /* of the pseudo-terminal; holding a slave keeps reads from failing between two users */
	bool socket_open;
	bool killed; /* by us */
	struct passing passing;
	int64_t time_limit, kill_time, drain_end; /* NEVER: not set */
	struct terminal terminal;
	struct relay_count count;
	struct relay relays[RELAY_COUNT];
};

static bool child_ended(const struct watch *watch)
{
	return watch->launch->host.child == 0;
}

static void end_everything(struct watch *watch)
{
	const struct host *host = &watch->launch->host;

	if (child_ended(watch))
		return;
	watch->killed = true;
	if (!watch->launch->plan->namespaces.pid)
		(void)end_cgroups(&host->handed, 0);
	(void)sys_pidfd_send_signal(host->child_pidfd, SIGKILL);
}

static void give_up_relays(struct watch *watch)
{
	for (int i = 0; i < RELAY_COUNT; i++)
		relay_close(&watch->relays[i]);
}

/* ---- signals ---------------------------------------------------------------------------------------------------- */

/* Stops us as the signal would have. In a process group that nobody could continue the kernel does not stop us, and
 * then what was stopped inside must go on as well. */
static void stop_self(struct watch *watch)
{
	sigset_t set, pending;

	terminal_restore(&watch->terminal);
	sigemptyset(&set);
	sigaddset(&set, SIGTSTP);
	(void)raise(SIGTSTP);
	(void)sigprocmask(SIG_UNBLOCK, &set, NULL);
	(void)sigprocmask(SIG_BLOCK, &set, NULL);
	if (!sigpending(&pending) && !sigismember(&pending, SIGCONT))
		pass(&watch->passing, watch->launch, SIGCONT, TO_GROUP);
	if (watch->master >= 0)
		terminal_raw(&watch->terminal);
}

static void resume(struct watch *watch)
{
	if (watch->master < 0)
		return;
	terminal_raw(&watch->terminal);
	terminal_copy_size(watch->master);
}

static void take_signal(struct watch *watch, const struct pass *row, bool from_kernel)
{
	int to = row->to == AS_SENT ? from_kernel ? TO_GROUP : TO_PROCESS : row->to;

	/* Before the payload runs nobody else could take it; after its end only its output is still under way. */
	if (row->ends && (child_ended(watch) || !watch->out->running)) {
		watch->out->end_signal = row->number;
		end_everything(watch);
		if (child_ended(watch))
			give_up_relays(watch);
		return;
	}
	if (row->number == SIGWINCH && watch->master >= 0) {
		terminal_copy_size(watch->master);
		if (from_kernel)
			return;
	}
	pass(&watch->passing, watch->launch, row->number, to);
	if (row->number == SIGTSTP)
		stop_self(watch);
	if (row->number == SIGCONT)
		resume(watch);
}

static void read_signals(struct watch *watch)
{
	struct signalfd_siginfo info;

	while (read(watch->signals, &info, sizeof(info)) == sizeof(info)) {
		const struct pass *row = pass_find((int)info.ssi_signo);

		if (row)
			take_signal(watch, row, info.ssi_code == SI_KERNEL);
	}
}

/* ---- records ---------------------------------------------------------------------------------------------------- */

static void start_pty(struct watch *watch, int master)
{
	struct relay *in = &watch->relays[PTY_IN], *out = &watch->relays[PTY_OUT];

	/* A write that does not fit would wait for a payload that need not read. The flag is the description's: both
	 * copies below have it. */
	(void)fcntl(master, F_SETFL, O_NONBLOCK);
	watch->master = master;
	watch->slave = ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
	in->keys = true;
	in->terminal = isatty(STDIN_FILENO);
	relay_start(in, relay_open(STDIN_FILENO, false), fcntl(master, F_DUPFD_CLOEXEC, 3));
	out->count = &watch->count;
	relay_start(out, fcntl(master, F_DUPFD_CLOEXEC, 3), relay_open(STDOUT_FILENO, true));
	terminal_raw(&watch->terminal);
	terminal_copy_size(master);
}

static void take_failure(struct outcome *out, const struct error *error)
{
	if (out->failed)
		return;
	out->failed = true;
	out->error = *error;
	record_check_error(&out->error);
}

static void take_record(struct watch *watch, const struct record *record, int *fd)
{
	struct outcome *out = watch->out;
	int stage = record->cell.stage, phase = record->cell.phase;

	switch (record->type) {
	case RECORD_STAGE:
		if (stage >= 0 && stage < STAGE_COUNT && phase >= 0 && phase < PHASE_COUNT)
			steps_announce((enum phase)phase, pipeline[stage].name);
		break;
	case RECORD_PTY:
		if (*fd >= 0 && watch->master < 0)
			start_pty(watch, TAKE_FD(*fd));
		break;
	case RECORD_FAILED:
		take_failure(out, &record->error);
		break;
	case RECORD_EXITED:
		out->wait_status = record->status;
		out->status_known = true;
		out->end_time = clock_now();
		break;
	default:
		break;
	}
}

static void read_records(struct watch *watch)
{
	struct record record;
	int n = 0;

	while (watch->socket_open) {
		AUTO_CLOSE int fd = -1;

		n = record_receive(watch->launch->socket, &record, &fd);
		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return;
		watch->socket_open = n > 0;
		if (n > 0)
			take_record(watch, &record, &fd);
	}
}

/* ---- the payload's life ----------------------------------------------------------------------------------------- */

static void start_clock(struct watch *watch, int64_t now)
{
	int64_t limit = watch->launch->plan->profile->process.time_limit;

	watch->out->running = true;
	watch->out->start_time = now;
	if (limit != DURATION_UNLIMITED && limit < NEVER - now)
		watch->time_limit = now + limit;
}

/* EOF on the running pipe. A failure is told before the pipe closes, so the records are read first. One of them may tell
 * that a quick payload has ended: after this moment. */
static void payload_runs(struct watch *watch)
{
	struct outcome *out = watch->out;
	int64_t now = clock_now();

	fd_close(&watch->launch->running);
	read_records(watch);
	if (out->failed)
		return;
	start_clock(watch, now);
	if (watch->killed || !attest_running(watch->launch->plan, &watch->launch->host, &out->error))
		return;
	out->failed = true;
	steps_stamp(&out->error, PHASE_CONFINE, "attest");
	end_everything(watch);
}

/* Child and init exit after a record, or without one when their socket failed them: nothing of the payload ran then. */
static void note_silent_end(struct watch *watch, int status)
{
	struct outcome *out = watch->out;

	if (!watch->launch->plan->process.init || out->status_known || out->failed || watch->killed ||
	    !WIFEXITED(status))
		return;
	fail(&out->error, K_NONE, "the sandbox ended before the command ran");
	steps_stamp(&out->error, PHASE_ENTER, "launch");
	out->failed = true;
	out->running = false;
}

/* The pidfd says that it has ended, so this does not wait. The last records are still in the socket. */
static void reap_child(struct watch *watch)
{
	struct host *host = &watch->launch->host;
	struct outcome *out = watch->out;
	int status = 0;

	while (wait4(host->child, &status, 0, &out->rusage) < 0 && errno == EINTR)
		;
	host->child = 0;
	read_records(watch);
	note_silent_end(watch, status);
	if (!out->end_time)
		out->end_time = clock_now();
	if (!out->status_known && (!watch->launch->plan->process.init || watch->killed)) {
		out->wait_status = status;
		out->status_known = true;
	}
	watch->kill_time = watch->time_limit = NEVER;
	watch->drain_end = clock_now() + LAST_ORDERS_NSEC;
	fd_close(&watch->slave);
	relay_close(&watch->relays[0]);
	relay_close(&watch->relays[PTY_IN]);
	for (int i = 0; i < RELAY_COUNT; i++)
		relay_last_orders(&watch->relays[i]);
}

static int *carrier(struct launch *launch)
{
	return launch->forward.pid ? &launch->forward.pidfd : &launch->host.pasta_pidfd; /* never both */
}

static void lose_network(struct watch *watch)
{
	struct outcome *out = watch->out;

	fd_close(carrier(watch->launch));
	if (child_ended(watch) || out->failed)
		return;
	out->failed = out->network_lost = true;
	if (!forward_explain_loss(&watch->launch->forward, &out->error))
		network_explain_loss(&watch->launch->host, &out->error);
	steps_stamp(&out->error, PHASE_ATTACH, "network");
	end_everything(watch);
}

static void check_deadlines(struct watch *watch)
{
	int64_t now = clock_now();

	if (now >= watch->time_limit) {
		watch->out->time_limit_hit = true;
		watch->time_limit = NEVER;
		watch->kill_time = now + watch->launch->plan->profile->process.kill_grace;
		pass(&watch->passing, watch->launch, SIGTERM, TO_PROCESS);
		pass(&watch->passing, watch->launch, SIGCONT, TO_GROUP);
	}
	if (now >= watch->kill_time) {
		watch->kill_time = NEVER;
		end_everything(watch);
	}
	if (now >= watch->drain_end)
		for (int i = 0; i < RELAY_COUNT; i++)
			relay_give_up(&watch->relays[i]);
}

static void check_output(struct watch *watch)
{
	if (!watch->count.exceeded || watch->out->output_limit_hit)
		return;
	watch->out->output_limit_hit = true;
	end_everything(watch);
}

/* ---- the loop --------------------------------------------------------------------------------------------------- */

static bool is_over(const struct watch *watch)
{
	for (int i = 0; i < RELAY_COUNT; i++)
		if (!relay_over(&watch->relays[i]))
			return false;
	return child_ended(watch);
}

static void fill_events(const struct watch *watch, struct pollfd events[EVENT_COUNT])
{
	const struct launch *launch = watch->launch;
	bool pending = watch->passing.pending[TO_PROCESS] || watch->passing.pending[TO_GROUP];

	events[AT_SIGNALS] = (struct pollfd){ .fd = watch->signals, .events = POLLIN };
	events[AT_SOCKET] = (struct pollfd){ .fd = watch->socket_open ? launch->socket : -1,
					     .events = (short)(POLLIN | (pending ? POLLOUT : 0)) };
	events[AT_RUNNING] = (struct pollfd){ .fd = launch->running, .events = POLLIN };
	events[AT_CHILD] =
		(struct pollfd){ .fd = child_ended(watch) ? -1 : launch->host.child_pidfd, .events = POLLIN };
	events[AT_NETWORK] = (struct pollfd){ .fd = *carrier(watch->launch), .events = POLLIN };
	for (int i = 0; i < RELAY_COUNT; i++)
		relay_poll(&watch->relays[i], &events[AT_RELAYS + 2 * i]);
}

/* Nanoseconds until something is due that no descriptor tells; NEVER when nothing is. */
static int64_t time_to_wait(const struct watch *watch)
{
	int64_t now = clock_now(), due = watch->time_limit;

	due = watch->kill_time < due ? watch->kill_time : due;
	for (int i = 0; i < RELAY_COUNT; i++) {
		if (relay_parked(&watch->relays[i]) && now + PARKED_NSEC < due)
			due = now + PARKED_NSEC;
		if (!relay_over(&watch->relays[i]) && watch->drain_end > now && watch->drain_end < due)
			due = watch->drain_end;
	}
	return due == NEVER ? NEVER : due > now ? due - now : 0;
}

/* The running pipe before signals: one that comes with the start is the payload's. The child last: its end is told by
 * records first. */
static int turn(struct watch *watch, struct error *err)
{
	struct pollfd events[EVENT_COUNT];
	int64_t wait = time_to_wait(watch);
	struct timespec timeout = { .tv_sec = wait / NSEC_PER_SEC, .tv_nsec = wait % NSEC_PER_SEC };

	fill_events(watch, events);
	if (ppoll(events, EVENT_COUNT, wait == NEVER ? NULL : &timeout, NULL) < 0 && errno != EINTR)
		return fail_errno(err, 0, "cannot wait for the sandbox");
	if (events[AT_SOCKET].revents)
		read_records(watch);
	if (events[AT_RUNNING].revents)
		payload_runs(watch);
	if (events[AT_SIGNALS].revents)
		read_signals(watch);
	pass_pending(&watch->passing, watch->launch);
	for (int i = 0; i < RELAY_COUNT; i++)
		relay_step(&watch->relays[i], &events[AT_RELAYS + 2 * i]);
	check_output(watch);
	if (events[AT_CHILD].revents)
		reap_child(watch);
	if (events[AT_NETWORK].revents)
		lose_network(watch);
	check_deadlines(watch);
	return 0;
}

static int start_watch(struct watch *watch, struct error *err)
{
	struct launch *launch = watch->launch;
	sigset_t set;

	for (int fd = 0; fd < 3; fd++) {
		struct relay *relay = &watch->relays[fd];
		int ours = launch->host.relay[fd], callers = ours < 0 ? -1 : relay_open(fd, fd > 0);

		if (ours < 0)
			continue;
		if (callers < 0)
			return fail_errno(err, K_PROCESS_TTY, "cannot copy descriptor %d", fd);
		relay->count = fd ? &watch->count : NULL;
		relay->terminal = fd == 0 && isatty(fd);
		launch->host.relay[fd] = -1;
		relay_start(relay, fd ? ours : callers, fd ? callers : ours);
	}
	pass_set(&set);
	watch->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (watch->signals < 0 || fcntl(launch->socket, F_SETFL, O_NONBLOCK))
		return fail_errno(err, 0, "cannot watch the sandbox");
	return 0;
}

static enum verdict classify(const struct outcome *out)
{
	if (out->failed)
		return out->network_lost && out->running ? VERDICT_NETWORK_LOST : VERDICT_SETUP_FAILED;
	if (out->time_limit_hit)
		return VERDICT_TIME_LIMIT;
	if (out->output_limit_hit)
		return VERDICT_OUTPUT_LIMIT;
	if (!out->status_known || out->end_signal)
		return VERDICT_KILLED;
	return WIFSIGNALED(out->wait_status) ? VERDICT_SIGNALED : VERDICT_EXITED;
}

int supervise(struct launch *launch, struct outcome *ret, struct error *err)
{
	struct watch watch = {
		.launch = launch,
		.out = ret,
		.signals = -1,
		.master = -1,
		.slave = -1,
		.socket_open = true,
		.time_limit = NEVER,
		.kill_time = NEVER,
		.drain_end = NEVER,
		.count = { .limit = launch->plan->profile->process.output_limit },
	};
	int status = 0;

	*ret = (struct outcome){ .usage = USAGE_UNKNOWN };
	for (int i = 0; i < RELAY_COUNT; i++)
		relay_init(&watch.relays[i]);
	status = start_watch(&watch, err);
	while (!status && !is_over(&watch))
		status = turn(&watch, err);
	if (status)
		end_everything(&watch);
	give_up_relays(&watch);
	terminal_restore(&watch.terminal);
	ret->output_bytes = watch.count.bytes;
	ret->verdict = status ? VERDICT_SETUP_FAILED : classify(ret);
	fd_close(&watch.signals);
	fd_close(&watch.master);
	fd_close(&watch.slave);
	return status;
}
