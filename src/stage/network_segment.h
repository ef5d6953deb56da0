/* network_segment: what sandboxes share on the host; see the .c. For the network stage's own files. */
#ifndef STAGE_NETWORK_SEGMENT_H
#define STAGE_NETWORK_SEGMENT_H

#include "stage/lock_file.h"
#include "stage/network_look.h"

/* network_table.c. The table of one segment in the launcher's namespace, through a NETLINK_NETFILTER socket. */
struct table_site {
	const char *bridge;               /* NULL: the table of all point to point pairs */
	struct address address, address6; /* the host's own on it; bridge only */
};

const char *table_name(const struct table_site *site, char to[64]);

/* Makes the table when it is not there. 1: made it now, 0: it was there, -1. */
int table_ensure(int nfnl, const struct table_site *site, struct error *err);

/* Puts in, or takes out, everything of one sandbox: NAT, published ports, what it may reach of the host (outbound rules
 * with to = "host"), and, point to point, its interface. Taking out what is not there is no error. */
int table_add(int nfnl, const struct table_site *site, const struct plan *plan, const struct network_host *network,
	      struct error *err);
int table_remove(int nfnl, const struct table_site *site, const struct plan *plan, const struct network_host *network,
		 struct error *err);

/* Takes out every element that belongs to a sandbox address for which `alive` is false. */
int table_sweep(int nfnl, const struct table_site *site, bool alive(const struct address *, void *), void *with,
		struct error *err);
int table_delete(int nfnl, const struct table_site *site, struct error *err);

/* Bytes of the lock file. */
enum {
	LOCK_MUTEX = 0,
	LOCK_USERS = 1,
	LOCK_LINGERER = 2,
	LOCK_ADDRESSES = 64,
};

#define LOCK_ADDRESSES6 ((off_t)1 << 40)

struct segment {
	struct table_site site;  /* addresses: final after segment_look() */
	char file[48];           /* name of the lock file */
	int lock, route, nfnl;   /* the file and two netlink sockets; -1 */
	struct link_info bridge; /* index 0: not there (yet) */
};

/* Opens the lock file of segment->site.bridge and takes the mutex; opens the sockets. On failure too the caller closes
 * it. */
int segment_open(struct segment *segment, struct error *err);
void segment_close(struct segment *segment);

/* Likewise for one whose file is open already, with the sandbox's locks; for a janitor, which opens its own sockets. */
int segment_resume(struct segment *segment, int lock, struct error *err);

/* Gives the mutex back; takes it again: -1 when the segment was taken down meanwhile. */
void segment_unlock(const struct segment *segment);
int segment_lock(const struct segment *segment);

/* network_bridge.c. Makes the bridge, which is not there: fills segment->bridge. */
int bridge_make(struct segment *segment, struct arena *arena, struct error *err);

/* network_bridge.c. Looks at the bridge and settles the segment's addresses. */
int segment_look(struct segment *segment, const struct net_plan *net, struct error *err);

/* network_pool.c. Becomes a user of the segment, and holds the profile's addresses or free ones: fills
 * network->address, address6 and number. */
int segment_take(const struct segment *segment, const struct plan *plan, struct network_host *network,
		 struct error *err);

/* Makes what is missing: bridge, table. */
int segment_make(struct segment *segment, struct arena *arena, struct error *err);

/* Name of the host's end of the veth of whoever has address `number`; false when it would not fit. */
bool segment_link_name(const struct segment *segment, uint32_t number, char to[IFNAMSIZ]);

/* Whether a sandbox holds the address; `with` is the segment. For table_sweep(). */
bool segment_alive(const struct address *address, void *with);

/* Where the lock of an address is: by its host part, the low 32 bits of it. */
off_t segment_lock_of(const struct address *address);

/* network_forwarding.c. Turns IPv4 forwarding of an interface on for this segment, which notes it; turns off what this
 * segment has noted and no other. Under the segment's mutex. */
int forwarding_enable(const struct segment *segment, const char *interface, struct error *err);
void forwarding_restore(const struct segment *segment);

/* Ends being a user and holding addresses. True: nobody else is one, or waits already; then the caller waits a while
 * and calls segment_end(). */
bool segment_linger(struct segment *segment);

/* Takes everything down when nobody uses the segment. Under the mutex. 1: did. 0: somebody does. -1. */
int segment_end(struct segment *segment, struct arena *arena, struct error *err);

/* network_bridge.c. Fails when the host has a route into the network of `address` through another interface than
 * `except`. */
int segment_check_overlap(int route, int key, const struct address *address, int except, struct error *err);

/* network_janitor.c: the process that takes back what does not die by itself. */
/* Forks it. It has a copy of everything made so far, and the segment's locks. network->janitor becomes its lifeline. */
int janitor_start(const struct plan *plan, struct network_host *network, const struct segment *segment,
		  struct error *err);
/* Hands it the sandbox's network namespace: for an interface that goes back, and to choose when it goes. */
int janitor_tell(const struct network_host *network, int child_netns, struct error *err);
/* Lets it look at the interface that has been moved in. */
int janitor_look(const struct network_host *network, struct error *err);
/* Whether it has ended before its time. */
bool janitor_is_gone(const struct network_host *network);
/* Lets go of it; with `wait`, until it has given the interface back. */
void janitor_let_go(struct network_host *network, bool wait);

#endif
