/* exec: the client of a command that runs in a sandbox which runs already.
 *
 * Runs in `sandbox exec`. It asks the sandbox's keeper (run/keeper.c), hands over what becomes the command's standard
 * descriptors, and stays beside it: it copies what goes through a terminal or a pipe, passes signals on as the launcher
 * does for the first command, and ends with the command's status. When it goes away, by whatever death, the socket
 * closes and the command is killed (run/agent.c).
 *
 * The caller's terminal does not go in: where standard input and output are the terminal whose foreground we are, the
 * command gets a pseudo-terminal from the sandbox's own devpts; any other terminal among the three is copied through a
 * pipe, one way. Everything else the command gets itself, as after a fork.
 */
#include "run/exec.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "run/ask.h"
#include "run/pass.h"
#include "run/record.h"
#include "run/request.h"
#include "run/streams.h"
#include "run/supervise.h"

#define NEVER INT64_MAX

enum { AT_SIGNALS, AT_SOCKET, AT_STREAMS, EVENT_COUNT = AT_STREAMS + STREAM_EVENTS };

struct visitor {
	struct asked asked;
	struct streams streams;
	int signals;
	int inside[3]; /* what becomes the command's 0-2: ours to close, or 0-2 themselves */
	bool open;     /* the socket */
	bool taken;    /* the request: an agent has answered */
	bool known;    /* `status` is the command's */
	int status;
	struct error *err;
	bool failed;
};

/* ---- descriptors ------------------------------------------------------------------------------------------------ */

static bool same_terminal(int a, int b)
{
	struct stat first, second;

	return isatty(a) && isatty(b) && !fstat(a, &first) && !fstat(b, &second) && first.st_rdev == second.st_rdev;
}

/* The pipe's other end is ours, and does not block. */
static int make_pipe(struct visitor *visitor, int fd)
{
	int ends[2];
	int ours = fd ? 0 : 1;

	if (pipe2(ends, O_CLOEXEC))
		return -1;
	visitor->inside[fd] = ends[!ours];
	if (fcntl(ends[ours], F_SETFL, O_NONBLOCK) || streams_start_pipe(&visitor->streams, fd, ends[ours])) {
		close(ends[ours]);
		return -1;
	}
	return 0;
}

/* What stands in for a descriptor that the pseudo-terminal takes the place of. */
static int nothing(void)
{
	return open("/dev/null", O_RDWR | O_CLOEXEC);
}

static int prepare_descriptors(struct visitor *visitor, struct request_head *head, struct error *err)
{
	const char *tty = visitor->asked.sandbox.tty;
	bool pty = same_terminal(0, 1) && terminal_foreground(0) && strcmp(tty, "never") != 0;

	head->pty = pty;
	head->slave = (uint8_t)(pty ? 3 | (same_terminal(1, 2) ? 4 : 0) : 0);
	head->window_known = pty && !ioctl(0, TIOCGWINSZ, &head->window);
	head->modes_known = pty && !tcgetattr(0, &head->modes);
	for (int fd = 0; fd < 3; fd++) {
		int status = 0;

		if (head->slave & 1U << fd)
			status = visitor->inside[fd] = nothing();
		else if (isatty(fd))
			status = make_pipe(visitor, fd);
		else
			visitor->inside[fd] = fd;
		if (status < 0)
			return fail_errno(err, 0, "cannot prepare descriptor %d", fd);
		fd_lend_pipe(visitor->inside[fd]);
	}
	return 0;
}

static void close_inside(struct visitor *visitor)
{
	for (int fd = 0; fd < 3; fd++)
		if (visitor->inside[fd] > 2)
			fd_close(&visitor->inside[fd]);
}

/* ---- asking ----------------------------------------------------------------------------------------------------- */

static int send_request(struct visitor *visitor, const struct exec_request *request, struct request_head *head,
			struct error *err)
{
	const char **strings = NULL;
	size_t count = 0;
	int status = 0;

	if (request->variable_count > REQUEST_VARIABLES_MAX)
		return fail(err, 0, "cannot ask for the command: it has more than %d variables of its own",
			    REQUEST_VARIABLES_MAX);
	while (request->command[head->words])
		head->words++;
	head->variables = (uint32_t)request->variable_count;
	head->directories = request->directory ? 1 : 0;
	strings = calloc(head->words + request->variable_count + 1, sizeof(*strings));
	if (!strings)
		return fail_errno(err, 0, "cannot ask for the command");
	for (size_t i = 0; i < head->words; i++)
		strings[count++] = request->command[i];
	for (size_t i = 0; i < request->variable_count; i++)
		strings[count++] = request->variables[i];
	if (request->directory)
		strings[count++] = request->directory;
	if (request_send(visitor->asked.socket, head, (char *const *)(uintptr_t)strings, visitor->inside)) {
		status = fail_errno(err, 0, "cannot ask the launcher of sandbox %s", visitor->asked.sandbox.id);
		if (errno == EMSGSIZE)
			error_remedy(err, "command, variables and directory may take %d bytes together", REQUEST_MAX);
	}
	free(strings);
	return status;
}

/* ---- beside the command ----------------------------------------------------------------------------------------- */

static void lose(struct visitor *visitor, const struct error *error)
{
	if (!visitor->failed)
		*visitor->err = *error;
	visitor->failed = true;
	record_check_error(visitor->err);
}

static void take_record(struct visitor *visitor, const struct record *record, int *fd)
{
	switch (record->type) {
	case RECORD_CLONED:
		visitor->taken = true;
		break;
	case RECORD_PTY:
		if (*fd >= 0 && visitor->streams.master < 0)
			streams_start_pty(&visitor->streams, TAKE_FD(*fd));
		break;
	case RECORD_FAILED:
		lose(visitor, &record->error);
		break;
	case RECORD_EXITED:
		visitor->status = record->status;
		visitor->known = true;
		break;
	default:
		break;
	}
}

static void read_records(struct visitor *visitor)
{
	while (visitor->open) {
		AUTO_CLOSE int fd = -1;
		struct record record;
		int n = record_receive(visitor->asked.socket, &record, &fd);

		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return;
		visitor->open = n > 0;
		if (n > 0)
			take_record(visitor, &record, &fd);
	}
	streams_last_orders(&visitor->streams);
}

static void send_signal(struct visitor *visitor, int number, bool group)
{
	struct record record = { .type = RECORD_SIGNAL };

	record.signal.number = number;
	record.signal.group = group;
	if (visitor->open)
		(void)record_send(visitor->asked.socket, &record, -1);
}

static void take_signal(struct visitor *visitor, const struct pass *row, bool from_kernel)
{
	bool group = row->to == AS_SENT ? from_kernel : row->to == TO_GROUP;

	if (row->ends && !visitor->open) {
		streams_give_up(&visitor->streams);
		return;
	}
	if (row->number == SIGWINCH && visitor->streams.master >= 0) {
		terminal_copy_size(visitor->streams.master);
		if (from_kernel)
			return;
	}
	send_signal(visitor, row->number, group);
	if (row->number == SIGTSTP && !streams_stop(&visitor->streams))
		send_signal(visitor, SIGCONT, true);
	if (row->number == SIGCONT)
		streams_resume(&visitor->streams);
}

static void read_signals(struct visitor *visitor)
{
	struct signalfd_siginfo info;

	while (read(visitor->signals, &info, sizeof(info)) == sizeof(info)) {
		const struct pass *row = pass_find((int)info.ssi_signo);

		if (row)
			take_signal(visitor, row, info.ssi_code == SI_KERNEL);
	}
}

static int turn(struct visitor *visitor, struct error *err)
{
	struct pollfd events[EVENT_COUNT] = {
		[AT_SIGNALS] = { .fd = visitor->signals, .events = POLLIN },
		[AT_SOCKET] = { .fd = visitor->open ? visitor->asked.socket : -1, .events = POLLIN },
	};
	int64_t now = clock_now(), due = streams_due(&visitor->streams, now, NEVER), wait = due > now ? due - now : 0;
	struct timespec timeout = { .tv_sec = wait / NSEC_PER_SEC, .tv_nsec = wait % NSEC_PER_SEC };

	streams_poll(&visitor->streams, &events[AT_STREAMS]);
	if (ppoll(events, EVENT_COUNT, due == NEVER ? NULL : &timeout, NULL) < 0 && errno != EINTR)
		return fail_errno(err, 0, "cannot wait for the command");
	if (events[AT_SIGNALS].revents)
		read_signals(visitor);
	streams_step(&visitor->streams, &events[AT_STREAMS]);
	if (events[AT_SOCKET].revents)
		read_records(visitor);
	streams_check(&visitor->streams, clock_now());
	return 0;
}

static int attend(struct visitor *visitor, struct error *err)
{
	sigset_t set;

	pass_set(&set);
	visitor->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (visitor->signals < 0 || fcntl(visitor->asked.socket, F_SETFL, O_NONBLOCK))
		return fail_errno(err, 0, "cannot watch the command");
	while (visitor->open || !streams_over(&visitor->streams))
		if (turn(visitor, err))
			return -1;
	if (visitor->failed || visitor->known)
		return 0;
	if (visitor->taken)
		fail(err, 0, "the command's end is not known: the sandbox, or what watched over it, was killed");
	else
		fail(err, 0, "sandbox %s has ended, or does not know this request", visitor->asked.sandbox.id);
	return error_exit(err, EXIT_OF_STAGE);
}

static int visit(struct visitor *visitor, const struct exec_request *request, struct error *err)
{
	struct request_head head;

	request_init(&head, REQUEST_EXEC);
	if (supervise_prepare(err) || ask_begin(&visitor->asked, request->sandbox, err) ||
	    prepare_descriptors(visitor, &head, err) || send_request(visitor, request, &head, err))
		return -1;
	close_inside(visitor);
	return ask_wait(&visitor->asked, err) || attend(visitor, err) || visitor->failed ? -1 : 0;
}

int exec_run(const struct exec_request *request, struct error *err)
{
	struct visitor visitor = {
		.asked = { .registry = { .directory = -1 }, .sandbox = { .lock = -1 }, .socket = -1 },
		.signals = -1,
		.inside = { -1, -1, -1 },
		.open = true,
		.err = err,
	};
	int status = 0;

	streams_init(&visitor.streams, UINT64_MAX);
	status = visit(&visitor, request, err);
	streams_close(&visitor.streams);
	close_inside(&visitor);
	fd_close(&visitor.signals);
	ask_end(&visitor.asked);
	if (status && !err->exit_status)
		error_exit(err, EXIT_OF_STAGE);
	if (status)
		return -1;
	return WIFSIGNALED(visitor.status) ? 128 + WTERMSIG(visitor.status) : WEXITSTATUS(visitor.status);
}
