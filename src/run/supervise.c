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
 *   keeper     those who ask about the sandbox, or want to run a further command in it (run/keeper.c)
 *   streams    what is copied between the payload and the caller's descriptors (run/streams.c)
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
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/syscall.h"
#include "run/end.h"
#include "run/pass.h"
#include "run/record.h"
#include "run/steps.h"
#include "run/streams.h"

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

enum {
	AT_SIGNALS,
	AT_SOCKET,
	AT_RUNNING,
	AT_CHILD,
	AT_NETWORK,
	AT_KEEPER,
	AT_STREAMS,
	EVENT_COUNT = AT_STREAMS + STREAM_EVENTS,
};

#define NEVER INT64_MAX

struct watch {
	struct launch *launch;
	struct outcome *out;
	int signals; /* signalfd */
	bool socket_open;
	bool killed; /* by us */
	struct passing passing;
	int64_t time_limit, kill_time; /* NEVER: not set */
	int64_t woken;                 /* when this turn of the loop began */
	struct streams streams;
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
	keeper_wake(&watch->launch->keeper);
	if (!watch->launch->plan->namespaces.pid)
		(void)end_cgroups(&host->handed, 0);
	(void)sys_pidfd_send_signal(host->child_pidfd, SIGKILL);
}

/* ---- signals ---------------------------------------------------------------------------------------------------- */

/* In a process group that nobody could continue the kernel does not stop us, and then what was stopped inside must go
 * on as well. */
static void stop_self(struct watch *watch)
{
	if (!streams_stop(&watch->streams))
		pass(&watch->passing, watch->launch, SIGCONT, TO_GROUP);
}

static void take_signal(struct watch *watch, const struct pass *row, bool from_kernel)
{
	int to = row->to == AS_SENT ? from_kernel ? TO_GROUP : TO_PROCESS : row->to;

	/* Before the payload runs nobody else could take it; after its end only its output is still under way. */
	if (row->ends && (child_ended(watch) || !watch->out->running)) {
		watch->out->end_signal = row->number;
		end_everything(watch);
		if (child_ended(watch))
			streams_give_up(&watch->streams);
		return;
	}
	if (row->number == SIGWINCH && watch->streams.master >= 0) {
		terminal_copy_size(watch->streams.master);
		if (from_kernel)
			return;
	}
	pass(&watch->passing, watch->launch, row->number, to);
	if (row->number == SIGTSTP)
		stop_self(watch);
	if (row->number == SIGCONT)
		streams_resume(&watch->streams);
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

static void take_failure(struct outcome *out, const struct error *error)
{
	if (out->failed)
		return;
	out->failed = true;
	out->error = *error;
	record_check_error(&out->error);
}

/* A quick payload's end may be read before the pipe tells that it runs: it started in this turn of the loop. */
static void note_start(struct watch *watch)
{
	if (!watch->out->start_time)
		watch->out->start_time = watch->woken;
}

static void take_record(struct watch *watch, const struct record *record, struct record_fds *fds)
{
	struct outcome *out = watch->out;
	int stage = record->cell.stage, phase = record->cell.phase;

	switch (record->type) {
	case RECORD_STAGE:
		if (stage >= 0 && stage < STAGE_COUNT && phase >= 0 && phase < PHASE_COUNT)
			steps_announce((enum phase)phase, pipeline[stage].name);
		break;
	case RECORD_PTY:
		if (fds->count && watch->streams.master < 0)
			streams_start_pty(&watch->streams, TAKE_FD(fds->fd[0]));
		break;
	case RECORD_ENTRANCES:
		keeper_take(&watch->launch->keeper, record, fds);
		break;
	case RECORD_FAILED:
		take_failure(out, &record->error);
		break;
	case RECORD_EXITED:
		out->wait_status = record->status;
		out->status_known = true;
		out->end_time = clock_now();
		note_start(watch);
		keeper_wake(&watch->launch->keeper);
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
		struct record_fds fds;

		n = record_receive_fds(watch->launch->socket, &record, &fds);
		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return;
		watch->socket_open = n > 0;
		if (n > 0)
			take_record(watch, &record, &fds);
		record_close_fds(&fds);
	}
}

/* ---- the payload's life ----------------------------------------------------------------------------------------- */

static void start_clock(struct watch *watch)
{
	int64_t limit = watch->launch->plan->profile->process.time_limit;

	watch->out->running = true;
	note_start(watch);
	if (limit != DURATION_UNLIMITED && limit < NEVER - watch->woken)
		watch->time_limit = watch->woken + limit;
}

/* EOF on the running pipe. A failure is told before the pipe closes, so the records are read first. A child that was
 * killed on its way closes the pipe too. */
static void payload_runs(struct watch *watch)
{
	const struct timings *timings = watch->launch->timings;
	struct outcome *out = watch->out;

	fd_close(&watch->launch->running);
	read_records(watch);
	if (out->failed || (timings && !timings->executing))
		return;
	start_clock(watch);
	keeper_admit(&watch->launch->keeper);
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
	streams_last_orders(&watch->streams);
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

static void ask_to_end(struct watch *watch)
{
	watch->kill_time = clock_now() + watch->launch->plan->profile->process.kill_grace;
	pass(&watch->passing, watch->launch, SIGTERM, TO_PROCESS);
	pass(&watch->passing, watch->launch, SIGCONT, TO_GROUP);
}

/* What `sandbox kill` asked the keeper for. */
static void take_kill(struct watch *watch, int number)
{
	if (child_ended(watch) || !number)
		return;
	if (number != KEEPER_END)
		pass(&watch->passing, watch->launch, number, TO_PROCESS);
	else if (watch->kill_time == NEVER)
		ask_to_end(watch);
}

static void check_deadlines(struct watch *watch)
{
	int64_t now = clock_now();

	if (now >= watch->time_limit) {
		watch->out->time_limit_hit = true;
		watch->time_limit = NEVER;
		ask_to_end(watch);
	}
	if (now >= watch->kill_time) {
		watch->kill_time = NEVER;
		end_everything(watch);
	}
	streams_check(&watch->streams, now);
}

static void check_output(struct watch *watch)
{
	if (!watch->streams.count.exceeded || watch->out->output_limit_hit)
		return;
	watch->out->output_limit_hit = true;
	end_everything(watch);
}

/* ---- the loop --------------------------------------------------------------------------------------------------- */

static bool is_over(const struct watch *watch)
{
	return streams_over(&watch->streams) && child_ended(watch);
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
	events[AT_KEEPER] = (struct pollfd){ .fd = launch->keeper.events, .events = POLLIN };
	streams_poll(&watch->streams, &events[AT_STREAMS]);
}

/* Nanoseconds until something is due that no descriptor tells; NEVER when nothing is. */
static int64_t time_to_wait(const struct watch *watch)
{
	int64_t now = clock_now(), due = watch->time_limit;

	due = watch->kill_time < due ? watch->kill_time : due;
	due = streams_due(&watch->streams, now, keeper_due(&watch->launch->keeper, due));
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
	watch->woken = clock_now();
	if (events[AT_SOCKET].revents)
		read_records(watch);
	if (events[AT_RUNNING].revents)
		payload_runs(watch);
	if (events[AT_SIGNALS].revents)
		read_signals(watch);
	pass_pending(&watch->passing, watch->launch);
	streams_step(&watch->streams, &events[AT_STREAMS]);
	check_output(watch);
	if (events[AT_CHILD].revents)
		reap_child(watch);
	if (events[AT_NETWORK].revents)
		lose_network(watch);
	take_kill(watch, keeper_step(watch->launch));
	check_deadlines(watch);
	return 0;
}

static int start_watch(struct watch *watch, struct error *err)
{
	struct launch *launch = watch->launch;
	sigset_t set;

	for (int fd = 0; fd < 3; fd++) {
		if (launch->host.relay[fd] < 0)
			continue;
		if (streams_start_pipe(&watch->streams, fd, launch->host.relay[fd]))
			return fail_errno(err, K_PROCESS_TTY, "cannot copy descriptor %d", fd);
		launch->host.relay[fd] = -1;
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
		.socket_open = true,
		.time_limit = NEVER,
		.kill_time = NEVER,
	};
	int status = 0;

	*ret = (struct outcome){ .usage = USAGE_UNKNOWN };
	streams_init(&watch.streams, launch->plan->profile->process.output_limit);
	status = start_watch(&watch, err);
	while (!status && !is_over(&watch))
		status = turn(&watch, err);
	if (status)
		end_everything(&watch);
	streams_close(&watch.streams);
	ret->output_bytes = watch.streams.count.bytes;
	ret->verdict = status ? VERDICT_SETUP_FAILED : classify(ret);
	fd_close(&watch.signals);
	return status;
}
