/* forwarding: what the files of the relay of published ports share.
 *
 *   forward.c      the process: how it starts, gives up its powers, waits and ends
 *   forward_tcp.c  connections
 *   forward_udp.c  datagrams
 *
 * Everything here runs in the relay, which is forked from the launcher and allocates nothing: its tables are made at
 * the start and zero-filled. An index into a table counts from 1, so that 0 is none. */
#ifndef RUN_FORWARDING_H
#define RUN_FORWARDING_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "base/child.h"
#include "stage/network.h"

union endpoint {
	struct sockaddr any;
	struct sockaddr_in in;
	struct sockaddr_in6 in6;
};

/* Two sockets, and for each what is known of it: nothing is asked of the kernel twice. */
enum side { CLIENT, GUEST };

struct connection {
	int fd[2];
	uint32_t next;                 /* in the list of free ones, or of those that have work */
	bool readable[2], writable[2]; /* true until the kernel says EAGAIN, then until its next event */
	bool ended[2];                 /* nothing more comes from it, and the other has been told */
	bool failed[2];
	bool used, connecting, queued;
};

/* What tells one exchange of datagrams from another. */
struct flow_key {
	uint32_t port; /* index of the published port, from 0 */
	uint32_t client_scope;
	uint32_t client_port;          /* network order */
	uint8_t client[16], local[16]; /* where its datagrams come from, and which address of the host they came to */
};

struct flow {
	struct flow_key key;
	int fd;                      /* connected to the guest; -1: not in use */
	unsigned interface;          /* of a link-local `local` */
	int64_t last;                /* when it was used last, clock_now() */
	uint32_t next, older, newer; /* in its bucket or the list of free ones; by time of use */
};

enum { FLOW_BUCKETS = 1024, SCRATCH_SIZE = 128 * 1024 };

struct forwarding {
	const struct network_host *network;
	int epoll;
	int64_t now; /* of this turn */
	char *scratch;

	struct connection *connections;
	uint32_t connection_max, connection_used,
		connection_free; /* slots that were ever used; first of the free ones */
	uint32_t work;           /* first of those that can go on */
	bool listening;
	int64_t pause_end; /* no connection is accepted before */

	struct flow *flows;
	uint32_t flow_max, flow_used, flow_free;
	uint32_t buckets[FLOW_BUCKETS];
	uint32_t oldest, newest;
};

/* What a descriptor of the epoll instance is; the index is that of a published port, a connection or a flow. */
enum { AT_LIFELINE, AT_LISTENER, AT_DATAGRAMS, AT_CLIENT, AT_GUEST, AT_FLOW };

CHILD int forward_watch(const struct forwarding *forwarding, int fd, int kind, uint32_t index, uint32_t events);

/* Where the published port leads: its address has the port's own family if the sandbox has one of that. Returns its
 * length. */
CHILD socklen_t forward_guest(const struct network_host *network, const struct published *port, union endpoint *ret);

/* ---- forward_tcp.c */

/* Takes what waits at a published port; what the kernel said of a connection; goes on with those that can; lets
 * connections wait, or no longer. */
CHILD void tcp_accept(struct forwarding *forwarding, uint32_t port);
CHILD void tcp_event(struct forwarding *forwarding, uint32_t index, enum side side, uint32_t events);
CHILD void tcp_work(struct forwarding *forwarding);
CHILD void tcp_listen(struct forwarding *forwarding);

/* The sandbox is gone: looks once more for what it had sent. Then, whether any of that is still under way. */
CHILD void tcp_last_orders(struct forwarding *forwarding);
CHILD bool tcp_undelivered(const struct forwarding *forwarding);

/* ---- forward_udp.c */

CHILD void udp_from_clients(struct forwarding *forwarding, uint32_t port);
CHILD void udp_from_guest(struct forwarding *forwarding, uint32_t index);
CHILD void udp_expire(struct forwarding *forwarding);

/* When udp_expire() will have something to do; INT64_MAX: never. */
CHILD int64_t udp_next(const struct forwarding *forwarding);

#endif
