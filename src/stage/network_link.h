/* network_link: the interface: made or moved by the launcher, furnished by the child. For the stage's own files. */
#ifndef STAGE_NETWORK_LINK_H
#define STAGE_NETWORK_LINK_H

#include "stage/network.h"

/* network_link.c. A random hardware address, local and unicast (IEEE 802). 0, or -1 with errno. */
int mac_random(uint8_t mac[MAC_SIZE]);

/* Messages that several files build. */
void link_address(struct batch *batch, int key, int interface, const struct address *address, const char *text);
/* fe80::1, for a host's end that forwards IPv6: the kernel asks for a neighbour from a link-local address, or not at
 * all, when the packet is not its own (ndisc_solicit, net/ipv6/ndisc.c). */
void link_local(struct batch *batch, int key, int interface);
/* No link-local IPv6 address, no answers to router advertisements: what is not asked for is not there. */
void link_no_autoconf(struct batch *batch, int key, int interface);
/* A token bucket as the root queue: `rate` in bytes per second. */
void link_rate(struct batch *batch, int key, int interface, uint64_t rate);

/* Makes the interface, from the host's side; network->link is its host's end. `child_netns`: /proc/<child>/ns/net. */
int link_attach(const struct plan *plan, struct network_host *network, int child_netns, struct error *err);

/* network_inside.c. What the child sends: addresses, routes, rate. */
int inside_build(const struct plan *plan, const struct network_host *network, struct messages *ret, struct error *err);

/* network_forwarding.c */
/* Whether the host forwards IPv4 (IPv6) at all. -1: not known. */
int forwarding_on(int family);
/* Name of the interface of the IPv4 default route; "" when there is none. */
int forwarding_uplink(char to[IFNAMSIZ], struct error *err);
/* IPv4 forwarding of one interface. 0, -1 with errno. */
int forwarding_write(const char *interface, bool on);

/* network_move.c: an interface of the host moved in and back. */
struct moved; /* what it was like; private */

/* Looks at it: network->moved. */
int move_note(const struct plan *plan, struct network_host *network, struct error *err);
int move_in(const struct plan *plan, const struct network_host *network, int child_netns, struct error *err);
/* The following are the janitor's. Enters a network namespace. */
int move_into(int netns, struct error *err);
/* Index of the interface moved in; 0: it cannot be found. */
int move_look(const struct plan *plan, int child_netns, int host_netns);
/* From the sandbox's namespace, which the caller is in, to the launcher's, where it is afterwards. `interface`: as
 * move_look() said; 0: by its name. */
int move_back(const struct plan *plan, struct network_host *network, int interface, int host_netns, struct error *err);
/* As it was, but for its namespace. */
int move_restore(const struct plan *plan, struct network_host *network, struct error *err);

/* network_guard.c. Messages that put the program on interface `link` (index) of the launcher's namespace. */
int guard_build(const struct plan *plan, const struct network_host *network, int link, struct batch *batch,
		struct error *err);

#endif
