/* relay: one direction of copying between the payload and the caller's descriptors.
 *
 * Runs in the launcher, driven by supervise(), one for each pipe of the tty stage and two for a pseudo-terminal. A
 * relay has one buffer: it reads only when that is empty and writes until it is, so what it holds is bounded whatever
 * the payload prints, and a slow reader outside slows the payload down as a pipe would (back-pressure). Nothing here
 * waits: the launcher must stay ready for signals and time limits, whoever stopped reading.
 *
 * The caller's descriptors are shared with other processes, and O_NONBLOCK belongs to what is shared. So pipes and
 * terminals are opened again through /proc (proc(5), /proc/self/fd), which yields flags of our own; sockets take
 * MSG_DONTWAIT; a terminal of another user, which cannot be opened again, is written in pieces that fit when poll(2)
 * says that there is room.
 *
 * When the other side is gone, the relay is over and closes both ends, so that the payload learns it as it would from a
 * pipe. Failures are not reported: a payload that writes to a closed pipe is not the launcher's business.
 */
#include "run/relay.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/format.h"
#include "run/terminal.h"

/* The largest pipe an ordinary user can make (pipe(7), /proc/sys/fs/pipe-max-size). */
enum { LAST_BUDGET = 1024 * 1024 };

void relay_init(struct relay *relay)
{
	relay->from = relay->to = -1;
	relay->terminal = relay->keys = relay->socket = relay->blocking = relay->ended = relay->last_orders = false;
	relay->last = '\n';
	relay->budget = LAST_BUDGET;
	relay->count = NULL;
	relay->start = relay->end = 0;
}

int relay_open(int fd, bool writing)
{
	struct stat what;
	char path[32];
	int opened = -1;

	if (fstat(fd, &what))
		return -1;
	if (S_ISFIFO(what.st_mode) || S_ISCHR(what.st_mode)) {
		format_text(path, sizeof(path), "/proc/self/fd/%d", fd);
		opened = open(path, (writing ? O_WRONLY : O_RDONLY) | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	}
	return opened >= 0 ? opened : fcntl(fd, F_DUPFD_CLOEXEC, 3);
}

void relay_start(struct relay *relay, int from, int to)
{
	struct stat what = { 0 };
	int flags = fcntl(to, F_GETFL);

	relay->from = from;
	relay->to = to;
	relay->socket = !fstat(to, &what) && S_ISSOCK(what.st_mode);
	relay->blocking = !relay->socket && !S_ISREG(what.st_mode) && !(flags & O_NONBLOCK);
}

bool relay_over(const struct relay *relay)
{
	return relay->from < 0 && relay->to < 0;
}

static bool wants_input(const struct relay *relay)
{
	return !relay_over(relay) && !relay->ended && relay->start == relay->end;
}

bool relay_parked(const struct relay *relay)
{
	return wants_input(relay) && relay->terminal && !terminal_foreground(relay->from);
}

void relay_poll(const struct relay *relay, struct pollfd events[2])
{
	bool reads = wants_input(relay) && !relay_parked(relay);
	bool writes = !relay_over(relay) && relay->start < relay->end;

	events[0] = (struct pollfd){ .fd = reads ? relay->from : -1, .events = POLLIN };
	events[1] = (struct pollfd){ .fd = writes ? relay->to : -1, .events = POLLOUT };
}

void relay_close(struct relay *relay)
{
	fd_close(&relay->from);
	fd_close(&relay->to);
}

/* A pseudo-terminal has no end of file, only a key that its line discipline takes for one: once on an empty line, twice
 * behind unfinished text (termios(3), VEOF). */
static void end_as_key(struct relay *relay)
{
	struct termios modes;
	char key = '\4';

	if (!tcgetattr(relay->to, &modes))
		key = (char)modes.c_cc[VEOF];
	relay->data[0] = relay->data[1] = key;
	relay->start = 0;
	relay->end = relay->last == '\n' ? 1 : 2;
}

static void input_ended(struct relay *relay)
{
	relay->ended = true;
	if (relay->keys)
		end_as_key(relay);
}

/* What goes beyond the limit is dropped, and ends the relay. */
static size_t counted(struct relay *relay, size_t length)
{
	struct relay_count *count = relay->count;

	if (!count)
		return length;
	if (length > count->limit - count->bytes) {
		length = (size_t)(count->limit - count->bytes);
		count->exceeded = true;
		relay->ended = true;
	}
	count->bytes += length;
	return length;
}

static void take(struct relay *relay)
{
	size_t room = relay->last_orders && relay->budget < RELAY_SIZE ? relay->budget : RELAY_SIZE;
	ssize_t n = room ? read(relay->from, relay->data, room) : 0;

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		input_ended(relay);
		return;
	}
	relay->last = relay->data[n - 1];
	if (relay->last_orders)
		relay->budget -= (size_t)n;
	relay->start = 0;
	relay->end = counted(relay, (size_t)n);
}

static void give(struct relay *relay)
{
	size_t length = relay->end - relay->start;
	const char *from = relay->data + relay->start;
	ssize_t n = 0;

	if (relay->blocking && length > PIPE_BUF)
		length = PIPE_BUF;
	n = relay->socket ? send(relay->to, from, length, MSG_DONTWAIT | MSG_NOSIGNAL) : write(relay->to, from, length);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n < 0)
		relay_close(relay);
	else
		relay->start += (size_t)n;
}

void relay_step(struct relay *relay, const struct pollfd events[2])
{
	if (relay_over(relay))
		return;
	if (events[0].fd >= 0 && events[0].revents)
		take(relay);
	if (relay->start < relay->end && (events[1].revents || !relay->blocking))
		give(relay);
	if (relay->ended && relay->start == relay->end)
		relay_close(relay);
}

void relay_last_orders(struct relay *relay)
{
	relay->last_orders = true;
}

void relay_give_up(struct relay *relay)
{
	if (wants_input(relay))
		relay_close(relay);
}
