/* network_segment: what sandboxes share on the host; see the .c. For the network stage's own files. */
#ifndef STAGE_NETWORK_SEGMENT_H
#define STAGE_NETWORK_SEGMENT_H

#include "stage/lock_file.h"
#include "stage/network.h"

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

/* Remembers in the lock file what forwarding of `interface` was, unless something is remembered already. */
int segment_note_forwarding(const struct segment *segment, const char *interface, bool was, struct error *err);

/* Ends being a user and holding addresses. True: nobody else is one, or waits already; then the caller waits a while
 * and calls segment_end(). */
bool segment_linger(struct segment *segment);

/* Takes everything down when nobody uses the segment. Under the mutex. 1: did. 0: somebody does. -1. */
int segment_end(struct segment *segment, struct arena *arena, struct error *err);

/* Path of the lock file, in static memory. */
const char *segment_path(const struct segment *segment);

#endif
