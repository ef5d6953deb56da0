/* network_look: what there is on the host; see the .c. For the network stage's own files. */
#ifndef STAGE_NETWORK_LOOK_H
#define STAGE_NETWORK_LOOK_H

#include "stage/network.h"

/* All take a NETLINK_ROUTE socket. */

/* What tells people (the alias of a bridge, ip-link(8); the comment of a table), and the group of every interface of
 * ours on the host, which it has from its first moment. */
#define OUR_ALIAS "made by sandbox(1)"
enum { OUR_GROUP = 0x5b0c };

struct link_info {
	int index, master, mtu; /* master: index of the bridge it is a port of, 0: none */
	unsigned flags;         /* IFF_* */
	uint8_t mac[MAC_SIZE];  /* zeros where there is none of that size */
	char kind[16];          /* "bridge", "veth"; "" for hardware */
	bool ours;              /* is of our group */
};

/* 1: found. 0: there is none of that name. -1. */
int link_find(int route, const char *name, struct link_info *ret, struct error *err);

/* An address of an interface, or the destination of a route in the main table (a default route: prefix 0). */
struct listed {
	struct address address;
	int interface;
	struct nlmsghdr *message; /* the kernel's own */
};

/* Calls `each` for all of one interface (0: of every). `each` returns 0 to go on, -1 with errno to give up. */
int addresses_each(int route, int interface, int each(const struct listed *, void *), void *with, struct error *err);
int routes_each(int route, int interface, int each(const struct listed *, void *), void *with, struct error *err);

#endif
