/* streams: everything that is copied between a command inside and the caller's descriptors. */
#ifndef RUN_STREAMS_H
#define RUN_STREAMS_H

#include "run/relay.h"
#include "run/terminal.h"

enum {
	STREAM_PTY_IN = 3, /* 0-2: the pipes that stand in for the standard descriptors */
	STREAM_PTY_OUT = 4,
	STREAM_COUNT = 5,
	STREAM_EVENTS = 2 * STREAM_COUNT,
};

struct streams {
	int master, slave; /* of the pseudo-terminal; holding a slave keeps reads from failing between two users */
	int64_t drain_end; /* CLOCK_MONOTONIC ns: when to stop waiting for output; INT64_MAX: not yet */
	struct terminal terminal;
	struct relay_count count;
	struct relay relays[STREAM_COUNT];
};

/* Nothing is copied; at most `limit` bytes of output will be. */
void streams_init(struct streams *streams, uint64_t limit);

/* Copies between the caller's standard descriptor `fd` and `ours`, the pipe's end on this side, which becomes ours to
 * close. 0, or -1 with errno. */
int streams_start_pipe(struct streams *streams, int fd, int ours);

/* Copies between the caller's terminal, which becomes raw, and the pseudo-terminal `master`, taken over. */
void streams_start_pty(struct streams *streams, int master);

/* Fills STREAM_EVENTS entries for poll(2). */
void streams_poll(const struct streams *streams, struct pollfd *events);
void streams_step(struct streams *streams, const struct pollfd *events);

/* When to look again although nothing tells, no later than `due`. */
int64_t streams_due(const struct streams *streams, int64_t now, int64_t due);

/* The writers inside are gone: what they wrote is still delivered, for as long as its reader takes it. */
void streams_last_orders(struct streams *streams);
void streams_check(struct streams *streams, int64_t now);
bool streams_over(const struct streams *streams);
void streams_give_up(struct streams *streams);

/* Stops the calling process as SIGTSTP would have; returns when it was continued. False: nobody could have continued
 * it, and the kernel did not stop it. */
bool streams_stop(struct streams *streams);
void streams_resume(struct streams *streams);

/* Ends all copying and restores the terminal. */
void streams_close(struct streams *streams);

#endif
