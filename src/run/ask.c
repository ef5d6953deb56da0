/* ask: how a command reaches the keeper of a running sandbox; `sandbox inspect` and `sandbox kill`.
 *
 * Runs in the command, which is as ordinary a process as any. The socket's place is the register's (run/registry.c), in
 * a directory that only the user can write; all the same the kernel is asked who listens before anything is said, and
 * an answer is waited for ten seconds only: something else may lie there, or a launcher may be stopped.
 *
 * No process is signalled from here. What `kill` asks for its launcher does, which knows what its processes are.
 */
#include "run/ask.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/parse.h"
#include "base/text.h"
#include "run/record.h"
#include "run/request.h"

enum { ANSWER_MSEC = 10000, ANSWER_MAX = 4 * 1024 * 1024, PIECE = 64 * 1024, TRIES = 200 };

static const struct timespec try_again = { .tv_nsec = 10000000 };

/* The launcher's lock goes when nothing is left of the sandbox. */
static bool has_ended(const struct asked *asked)
{
	return asked->sandbox.lock >= 0 && !flock(asked->sandbox.lock, LOCK_SH | LOCK_NB);
}

/* The socket comes a moment after the entry, and a full queue empties. */
static int connect_to(const struct asked *asked)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	AUTO_CLOSE int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	char path[64];

	registry_socket_path(&asked->registry, asked->sandbox.id, path);
	(void)snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	for (int try = 0; fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof(address)); try++) {
		if ((errno != ENOENT && errno != EAGAIN && errno != ECONNREFUSED) || try == TRIES)
			return -1;
		if (has_ended(asked)) {
			errno = ECONNREFUSED;
			return -1;
		}
		(void)nanosleep(&try_again, NULL);
	}
	if (fd < 0 || fcntl(fd, F_SETFL, 0))
		return -1;
	return TAKE_FD(fd);
}

/* A payload that can write into the register may listen there, in its own namespaces. */
static int check_keeper(const struct asked *asked, struct error *err)
{
	if (request_peer_ours(asked->socket))
		return 0;
	fail(err, 0, "who listens for sandbox %s is no launcher of this user, here", asked->sandbox.id);
	error_remedy(err, "ask from where it was launched: as the same user, in the same user and pid namespaces");
	return -1;
}

static int begin(struct asked *asked, const char *word, struct error *err)
{
	int missing = registry_open(&asked->registry, false, err);

	if (missing < 0)
		return error_exit(err, EXIT_OF_HOST);
	if (missing) {
		fail(err, 0, "no sandbox %s is running", word);
		error_remedy(err, "`sandbox list` shows what is running");
		return error_exit(err, EXIT_OF_USAGE);
	}
	if (registry_find(&asked->registry, word, &asked->arena, &asked->sandbox, err))
		return -1;
	asked->socket = connect_to(asked);
	if (asked->socket >= 0)
		return check_keeper(asked, err);
	fail_errno(err, 0, "cannot reach the launcher of sandbox %s", asked->sandbox.id);
	return has_ended(asked) ? fail(err, 0, "sandbox %s has just ended", asked->sandbox.id) : -1;
}

int ask_begin(struct asked *ret, const char *word, struct error *err)
{
	*ret = (struct asked){ .registry = { .directory = -1 }, .sandbox = { .lock = -1 }, .socket = -1 };
	if (!begin(ret, word, err))
		return 0;
	if (!err->exit_status)
		error_exit(err, EXIT_OF_STAGE);
	return -1;
}

void ask_end(struct asked *asked)
{
	fd_close(&asked->socket);
	fd_close(&asked->sandbox.lock);
	registry_close(&asked->registry);
	arena_free(&asked->arena);
}

int ask_wait(const struct asked *asked, struct error *err)
{
	struct pollfd answer = { .fd = asked->socket, .events = POLLIN };
	int n = 0;

	do
		n = poll(&answer, 1, ANSWER_MSEC);
	while (n < 0 && errno == EINTR);
	if (n > 0)
		return 0;
	fail(err, 0, "the launcher of sandbox %s does not answer", asked->sandbox.id);
	error_remedy(err, "it may be stopped: process %lld", (long long)asked->sandbox.pid);
	return error_exit(err, EXIT_OF_STAGE);
}

static int send_plain(const struct asked *asked, enum request_type type, int number, struct error *err)
{
	struct request_head head;

	request_init(&head, type);
	head.signal = number;
	if (!request_send(asked->socket, &head, NULL, NULL))
		return 0;
	fail_errno(err, 0, "cannot ask the launcher of sandbox %s", asked->sandbox.id);
	return error_exit(err, EXIT_OF_STAGE);
}

/* ---- inspect ---------------------------------------------------------------------------------------------------- */

static int read_answer(const struct asked *asked, struct text *answer, struct error *err)
{
	char piece[PIECE];
	ssize_t n = 1;

	while (n > 0 && answer->length < ANSWER_MAX) {
		if (ask_wait(asked, err))
			return -1;
		n = recv(asked->socket, piece, sizeof(piece), 0);
		if (n > 0)
			text_add_n(answer, piece, (size_t)n);
	}
	if (n == 0 && answer->length > 1 && answer->data[0] == '{')
		return 0;
	fail(err, 0, "the launcher of sandbox %s did not answer", asked->sandbox.id);
	error_remedy(err, "the sandbox may just have ended, or was started by another version of this program");
	return error_exit(err, EXIT_OF_STAGE);
}

int ask_inspect(const char *word, struct error *err)
{
	struct text answer = { 0 };
	struct asked asked;
	int status = 0;

	if (ask_begin(&asked, word, err) || send_plain(&asked, REQUEST_INSPECT, 0, err) ||
	    read_answer(&asked, &answer, err))
		status = -1;
	else if (answer.failed || puts(answer.data) < 0 || fflush(stdout))
		status = fail_errno(err, 0, "cannot print the answer");
	text_free(&answer);
	ask_end(&asked);
	return status;
}

/* ---- kill ------------------------------------------------------------------------------------------------------- */

/* "TERM", "SIGTERM" or "15"; -1: none. */
static int signal_number(const char *word)
{
	uint64_t number = 0;

	if (!parse_unsigned(word, 1, 31, &number))
		return (int)number;
	if (!strncmp(word, "SIG", 3))
		word += 3;
	for (int i = 1; i < 32; i++) {
		const char *name = sigabbrev_np(i);

		if (name && !strcmp(name, word))
			return i;
	}
	return -1;
}

static int take_answer(const struct asked *asked, struct error *err)
{
	struct record record;
	int fd = -1;
	int n = 0;

	if (ask_wait(asked, err))
		return -1;
	n = record_receive(asked->socket, &record, &fd);
	fd_close(&fd);
	if (n == 1 && record.type == RECORD_CLONED)
		return 0;
	fail(err, 0, "the launcher of sandbox %s refused", asked->sandbox.id);
	error_remedy(err, "the sandbox may just have ended, or was started by another version of this program");
	return error_exit(err, EXIT_OF_STAGE);
}

int ask_kill(const char *word, const char *signal, struct error *err)
{
	int number = signal ? signal_number(signal) : 0;
	struct asked asked;
	int status = 0;

	if (number < 0) {
		fail(err, 0, "there is no signal %s", signal);
		error_remedy(err, "signals are named as in signal(7): TERM, SIGTERM, or 15");
		return error_exit(err, EXIT_OF_USAGE);
	}
	if (ask_begin(&asked, word, err) || send_plain(&asked, REQUEST_KILL, number, err) || take_answer(&asked, err))
		status = number || !has_ended(&asked) ? -1 : 0; /* somebody else may have ended it */
	while (!status && !number && flock(asked.sandbox.lock, LOCK_SH) && errno == EINTR)
		;
	ask_end(&asked);
	return status;
}
