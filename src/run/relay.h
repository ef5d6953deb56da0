/* relay: copies from one descriptor to another, one way, with one buffer and no waiting. */
#ifndef RUN_RELAY_H
#define RUN_RELAY_H

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { RELAY_SIZE = 32 * 1024 };

/* Bytes that several relays may carry together. */
struct relay_count {
	uint64_t bytes, limit; /* limit UINT64_MAX: none */
	bool exceeded;         /* more came than the limit allows; the rest was dropped */
};

struct relay {
	int from, to;          /* owned; -1 when closed. Both -1: over */
	bool terminal;         /* `from` is the caller's terminal: read in the foreground only */
	bool keys;             /* `to` is a pseudo-terminal: the end of input is a key */
	bool socket, blocking; /* what `to` is */
	bool ended;            /* `from` has ended: what is buffered goes out, then it is over */
	bool last_orders;      /* writers are gone: what is still in the kernel is bounded by `budget` */
	char last;             /* last byte read */
	size_t budget;
	struct relay_count *count; /* NULL: not counted */
	size_t start, end;         /* of what is buffered */
	char data[RELAY_SIZE];
};

/* A relay that is over. */
void relay_init(struct relay *relay);

/* A descriptor of our own for the caller's descriptor `fd` that does not block where the kernel lets us have one,
 * without touching the flags of the caller's, which other processes share. -1 with errno. */
int relay_open(int fd, bool writing);

/* Starts copying; both descriptors become the relay's. */
void relay_start(struct relay *relay, int from, int to);

bool relay_over(const struct relay *relay);

/* Whether it waits for input only because the launcher's job is in the background; nothing tells when that changes. */
bool relay_parked(const struct relay *relay);

/* Fills two entries for poll(2): what the relay waits for. */
void relay_poll(const struct relay *relay, struct pollfd events[2]);

/* Copies what can be copied now. */
void relay_step(struct relay *relay, const struct pollfd events[2]);

/* Every writer is gone: from now on at most one pipe's worth is read. */
void relay_last_orders(struct relay *relay);

/* Ends it when it has nothing to write and nothing came. */
void relay_give_up(struct relay *relay);

/* Ends it, whatever is buffered. */
void relay_close(struct relay *relay);

#endif
