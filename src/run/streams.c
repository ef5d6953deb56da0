/* streams: everything that is copied between a command inside and the caller's descriptors.
 *
 * Runs in the launcher, for supervise(), and in the client of a command that was run later (run/exec.c): one relay for
 * each pipe that stands in for a standard descriptor, and two for a pseudo-terminal (run/relay.c); the caller's
 * terminal with them (run/terminal.c). Nothing here waits.
 *
 * When the command has ended, what it wrote is still delivered, however slow its reader; output that nobody will write
 * any more is not waited for.
 */
#include "run/streams.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"

#define LAST_ORDERS_NSEC (200 * INT64_C(1000000))
#define PARKED_NSEC (500 * INT64_C(1000000))
#define NEVER INT64_MAX

void streams_init(struct streams *streams, uint64_t limit)
{
	streams->master = streams->slave = -1;
	streams->drain_end = NEVER;
	streams->terminal.raw = false;
	streams->count = (struct relay_count){ .limit = limit };
	for (int i = 0; i < STREAM_COUNT; i++)
		relay_init(&streams->relays[i]);
}

int streams_start_pipe(struct streams *streams, int fd, int ours)
{
	struct relay *relay = &streams->relays[fd];
	int callers = relay_open(fd, fd > 0);

	if (callers < 0)
		return -1;
	relay->count = fd ? &streams->count : NULL;
	relay->terminal = fd == 0 && isatty(fd);
	relay_start(relay, fd ? ours : callers, fd ? callers : ours);
	return 0;
}

void streams_start_pty(struct streams *streams, int master)
{
	struct relay *in = &streams->relays[STREAM_PTY_IN], *out = &streams->relays[STREAM_PTY_OUT];

	/* A write that does not fit would wait for a payload that need not read. The flag is the description's: both
	 * copies below have it. */
	(void)fcntl(master, F_SETFL, O_NONBLOCK);
	streams->master = master;
	streams->slave = ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
	in->keys = true;
	in->terminal = isatty(STDIN_FILENO);
	relay_start(in, relay_open(STDIN_FILENO, false), fcntl(master, F_DUPFD_CLOEXEC, 3));
	out->count = &streams->count;
	relay_start(out, fcntl(master, F_DUPFD_CLOEXEC, 3), relay_open(STDOUT_FILENO, true));
	terminal_raw(&streams->terminal);
	terminal_copy_size(master);
}

void streams_poll(const struct streams *streams, struct pollfd *events)
{
	for (int i = 0; i < STREAM_COUNT; i++)
		relay_poll(&streams->relays[i], &events[2 * i]);
}

void streams_step(struct streams *streams, const struct pollfd *events)
{
	for (int i = 0; i < STREAM_COUNT; i++)
		relay_step(&streams->relays[i], &events[2 * i]);
}

int64_t streams_due(const struct streams *streams, int64_t now, int64_t due)
{
	for (int i = 0; i < STREAM_COUNT; i++) {
		if (relay_parked(&streams->relays[i]) && now + PARKED_NSEC < due)
			due = now + PARKED_NSEC;
		if (!relay_over(&streams->relays[i]) && streams->drain_end > now && streams->drain_end < due)
			due = streams->drain_end;
	}
	return due;
}

void streams_last_orders(struct streams *streams)
{
	streams->drain_end = clock_now() + LAST_ORDERS_NSEC;
	fd_close(&streams->slave);
	relay_close(&streams->relays[0]);
	relay_close(&streams->relays[STREAM_PTY_IN]);
	for (int i = 0; i < STREAM_COUNT; i++)
		relay_last_orders(&streams->relays[i]);
}

void streams_check(struct streams *streams, int64_t now)
{
	for (int i = 0; now >= streams->drain_end && i < STREAM_COUNT; i++)
		relay_give_up(&streams->relays[i]);
}

bool streams_over(const struct streams *streams)
{
	for (int i = 0; i < STREAM_COUNT; i++)
		if (!relay_over(&streams->relays[i]))
			return false;
	return true;
}

void streams_give_up(struct streams *streams)
{
	for (int i = 0; i < STREAM_COUNT; i++)
		relay_close(&streams->relays[i]);
}

bool streams_stop(struct streams *streams)
{
	sigset_t set, pending;

	terminal_restore(&streams->terminal);
	sigemptyset(&set);
	sigaddset(&set, SIGTSTP);
	(void)raise(SIGTSTP);
	(void)sigprocmask(SIG_UNBLOCK, &set, NULL);
	(void)sigprocmask(SIG_BLOCK, &set, NULL);
	if (streams->master >= 0)
		terminal_raw(&streams->terminal);
	return sigpending(&pending) || sigismember(&pending, SIGCONT);
}

void streams_resume(struct streams *streams)
{
	if (streams->master < 0)
		return;
	terminal_raw(&streams->terminal);
	terminal_copy_size(streams->master);
}

void streams_close(struct streams *streams)
{
	streams_give_up(streams);
	terminal_restore(&streams->terminal);
	fd_close(&streams->master);
	fd_close(&streams->slave);
}
