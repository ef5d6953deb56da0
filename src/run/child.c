/* child: between clone and exec.
 *
 * Runs in the child, alone in its new namespaces, as a copy of the launcher. It blocks until the launcher has written
 * its id maps and moved it into its cgroups (`go`), then becomes non-dumpable, builds the inside (enter), splits into
 * init and payload where the profile says so, gives up power (confine, in the payload only), and execs.
 *
 * Dumpable: before `go` the launcher of an ordinary user must write this process's /proc files, which the kernel allows
 * for a dumpable one only; nothing of the image has been opened by then. Afterwards no process of the sandbox may look
 * into this one (ptrace(2), proc(5)).
 *
 * `compare` has it look around in the payload's place, and end, where it would exec (run/look.c).
 *
 * Every way out is one of three: exec; a `failed` record and _exit; or silence, when the launcher is gone and nobody
 * listens. This is the only file that calls _exit on the payload's path.
 */
#include "run/child.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/format.h"
#include "base/syscall.h"
#include "run/init.h"
#include "run/record.h"
#include "run/steps.h"

CHILD static void report_and_exit(const struct child_start *start, const struct error *err) __attribute__((noreturn));

CHILD static void report_and_exit(const struct child_start *start, const struct error *err)
{
	struct record record = { .type = RECORD_FAILED };

	record.error = *err;
	(void)record_send(start->socket, &record, -1);
	_exit(err->exit_status);
}

/* What is seen through attest's procfs is seen before attest closes it, and the rest before the filter is in force. */
CHILD static void look_before(const struct child_start *start, const struct inside *inside, child_fn *cell)
{
	if (start->look && cell == attest_confine)
		look_around(start->look, inside->procfs);
	if (start->look && cell == seccomp_confine)
		look_at_processes(start->look);
}

CHILD static child_fn *cell_of(int row, enum phase phase)
{
	if (phase == PHASE_REJOIN)
		return pipeline[row].rejoin;
	return phase == PHASE_ENTER ? pipeline[row].enter : pipeline[row].confine;
}

CHILD static void run_column(const struct child_start *start, struct inside *inside, enum phase phase)
{
	for (int row = 0; row < STAGE_COUNT; row++) {
		child_fn *cell = cell_of(row, phase);
		struct record record = { .type = RECORD_STAGE };
		struct error err = { 0 };
		int64_t started = 0;

		if (!cell)
			continue;
		record.cell.stage = row;
		record.cell.phase = (int)phase;
		if (start->verbose)
			(void)record_send(start->socket, &record, -1);
		look_before(start, inside, cell);
		started = clock_now();
		if (cell(start->plan, inside, &err)) {
			steps_stamp(&err, phase, pipeline[row].name);
			report_and_exit(start, &err);
		}
		/* Behind the last cell the payload's filter is in force: nothing more is asked of the kernel than
		 * exec. */
		if (row < STAGE_COUNT - 1 && start->timings)
			start->timings->cell[row][phase] = clock_now() - started;
	}
}

/* Blocks until the launcher has done its part. EOF: the launcher gave up or died, and nobody would read a report. */
CHILD static void wait_for_go(const struct child_start *start, struct inside *inside)
{
	struct record record;
	int fd = -1;

	if (record_receive(start->socket, &record, &fd) != 1 || record.type != RECORD_GO)
		_exit(EXIT_OF_INTERNAL);
	inside->handed = record.handed;
}

/* PDEATHSIG alone loses the race with a launcher that dies before this call; the blocking read of `go` does not. */
CHILD static void tie_to_launcher(const struct child_start *start)
{
	for (size_t i = 0; i < sizeof(start->close) / sizeof(start->close[0]); i++)
		if (start->close[i] >= 0)
			close(start->close[i]);
	if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0))
		_exit(EXIT_OF_INTERNAL);
}

CHILD static void become_private(const struct child_start *start)
{
	struct error err = { 0 };

	if (!prctl(PR_SET_DUMPABLE, 0, 0, 0, 0))
		return;
	fail_errno(&err, 0, "cannot become non-dumpable");
	steps_stamp(&err, PHASE_ENTER, "launch");
	report_and_exit(start, &err);
}

CHILD static void send_pty(const struct child_start *start, struct inside *inside)
{
	struct record record = { .type = RECORD_PTY };
	struct error err = { 0 };

	if (inside->pty_master < 0)
		return;
	if (record_send(start->socket, &record, inside->pty_master)) {
		fail_errno(&err, K_PROCESS_TTY, "cannot hand the pseudo-terminal to the launcher");
		steps_stamp(&err, PHASE_ENTER, "tty");
		report_and_exit(start, &err);
	}
	fd_close(&inside->pty_master);
}

/* What the keeper needs to let others in (run/keeper.c). From here on it can be had from this process only. */
CHILD static void send_entrances(const struct child_start *start, const struct inside *inside)
{
	struct entrances entrances = { .procfs = inside->procfs };
	struct record record = { .type = RECORD_ENTRANCES };
	struct record_fds fds = { .count = 0 };
	struct error err = { 0 };

	for (int i = 0; i < NAMESPACE_COUNT; i++)
		entrances.fd[i] = -1;
	if (namespaces_open(start->plan, inside, &entrances, &err)) {
		steps_stamp(&err, PHASE_ENTER, "namespaces");
		report_and_exit(start, &err);
	}
	record.entrances.root = entrances.root;
	for (int i = 0; i < NAMESPACE_COUNT; i++) {
		if (entrances.fd[i] < 0)
			continue;
		record.entrances.kinds |= 1U << i;
		fds.fd[fds.count++] = entrances.fd[i];
	}
	fds.fd[fds.count++] = inside->procfs;
	if (record_send_fds(start->socket, &record, &fds)) {
		fail_errno(&err, 0, "cannot hand the namespaces to the launcher");
		steps_stamp(&err, PHASE_ENTER, "namespaces");
		report_and_exit(start, &err);
	}
	fds.count--;
	record_close_fds(&fds);
}

/* Nothing of the payload runs beside an init that still has its powers. Its end without a word is init's to report. */
CHILD void child_wait(int ready)
{
	char word = 0;
	ssize_t n = 0;

	do
		n = read(ready, &word, 1);
	while (n < 0 && errno == EINTR);
	if (n != 1)
		_exit(EXIT_OF_INTERNAL);
	close(ready);
}

/* The payload is forked before confine: init keeps none of the payload's limits, the payload nothing of init's. The
 * plain clone3 is a fork without the C library's handlers. A time namespace made in enter is the new process's.
 *
 * Where the kernel does not end the others with init (no pid namespace of ours), init must outlive the launcher for the
 * moment it takes to do so itself: from here on the socket alone tells it. */
CHILD static void split_from_init(const struct child_start *start, const struct inside *inside)
{
	int death_signal = start->plan->namespaces.pid ? SIGKILL : 0;
	struct clone_args args = { .exit_signal = SIGCHLD };
	struct error err = { 0 };
	int ready[2];
	pid_t payload = -1;

	if (!pipe2(ready, O_CLOEXEC) && !prctl(PR_SET_PDEATHSIG, death_signal, 0, 0, 0))
		payload = sys_clone3(&args);
	if (payload > 0)
		init_main(start, inside, payload, ready[1]);
	if (payload == 0 && !prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0)) {
		close(ready[1]);
		child_wait(ready[0]);
		return;
	}
	fail_errno(&err, K_PROCESS_INIT, "cannot fork the payload from init");
	steps_stamp(&err, PHASE_ENTER, "launch");
	report_and_exit(start, &err);
}

/* execve(2) of `name`, or of each PATH entry with it behind, like execvp(3): a candidate that is there but may not be
 * executed is remembered, and told when no later one works. The empty name is nowhere: behind an entry it would be the
 * directory. Returns the errno to report. */
CHILD static int exec_in_path(const char *name, const char *path, char **argv, char **envp)
{
	char candidate[4096];
	int reason = ENOENT;

	if (!*name)
		return ENOENT;
	if (strchr(name, '/')) {
		execve(name, argv, envp);
		return errno;
	}
	for (const char *entry = path; entry; entry = strchr(entry, ':') ? strchr(entry, ':') + 1 : NULL) {
		size_t length = strcspn(entry, ":");

		if (length + strlen(name) + 2 > sizeof(candidate))
			continue;
		memcpy(candidate, entry, length);
		format_text(candidate + length, sizeof(candidate) - length, length ? "/%s" : "%s", name);
		execve(candidate, argv, envp);
		if (errno == EACCES)
			reason = EACCES;
		else if (errno != ENOENT && errno != ENOTDIR)
			return errno;
	}
	return reason;
}

CHILD static void exec_payload(const struct child_start *start) __attribute__((noreturn));

CHILD static void exec_payload(const struct child_start *start)
{
	const struct plan *plan = start->plan;
	char **argv = plan->process.argv;
	struct error err = { 0 };

	if (start->timings)
		start->timings->executing = true;
	errno = exec_in_path(argv[0], plan->environment.path, argv, plan->environment.envp);
	fail_errno(&err, plan->caller->command ? K_NONE : K_PROCESS_COMMAND, "cannot execute %s",
		   *argv[0] ? argv[0] : "the empty name");
	error_exit(&err, errno == ENOENT || errno == ENOTDIR ? EXIT_OF_NOT_FOUND : EXIT_OF_NOT_EXEC);
	if (errno == ENOENT && *argv[0])
		error_remedy(&err,
			     "the path is looked up inside the sandbox; a script also needs its interpreter there");
	if (errno == E2BIG)
		error_remedy(&err, "arguments and environment together may take a quarter of rlimits.stack");
	steps_stamp(&err, PHASE_CONFINE, "exec");
	report_and_exit(start, &err);
}

CHILD void child_main(const struct child_start *start)
{
	struct inside inside = { .procfs = -1,
				 .shelter = -1,
				 .staging = -1,
				 .pty_slave = -1,
				 .pty_master = -1,
				 .socket = start->socket,
				 .running = start->running };

	tie_to_launcher(start);
	wait_for_go(start, &inside);
	become_private(start);
	run_column(start, &inside, PHASE_ENTER);
	send_pty(start, &inside);
	send_entrances(start, &inside);
	if (start->plan->process.init)
		split_from_init(start, &inside);
	run_column(start, &inside, PHASE_CONFINE);
	if (!start->look)
		exec_payload(start);
	look_at_end(start->look);
	_exit(0);
}

CHILD void child_rejoin(const struct child_start *start, struct inside *inside)
{
	become_private(start);
	run_column(start, inside, PHASE_REJOIN);
	send_pty(start, inside);
	run_column(start, inside, PHASE_CONFINE);
	exec_payload(start);
}
