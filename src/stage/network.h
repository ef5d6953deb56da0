/* network: what the files of the network stage share.
 *
 *   network.c          the cells: who does what when
 *   network_plan.c     keys -> struct net_plan; looks at the host, changes nothing
 *   network_look.c     what there is: interfaces, addresses, routes
 *   network_segment.c  what sandboxes share on the host: lock file, bridge, addresses, when all of it goes
 *   network_table.c    the nftables table of a segment: NAT, published ports, what reaches the host and from where
 *   network_link.c     veth, macvlan, ipvlan: messages of the attach phase
 *   network_move.c     an interface of the host moved in, and back
 *   network_janitor.c  the process that outlives the launcher, to take back what does not die by itself
 *   network_forwarding.c  the host's sysctls for it
 *   network_inside.c   messages that the child sends: addresses, routes, rate
 *   network_filter.c   outbound and inbound rules, as messages that the child sends
 *   network_guard.c    spoof protection: a classic BPF program on the host's end
 *   network_publish.c  reserves published ports
 *   network_holder.c   finds out who has a port
 *   network_names.c    resolves names in rules
 *   network_servers.c  finds the host's name servers
 *   network_texts.c    what resolv.conf, hosts and hostname inside say
 *   network_pasta.c    the pasta program; network_pasta_become.c: the process that becomes it
 *   network_wall.c     what pasta leaves open
 */
#ifndef STAGE_NETWORK_H
#define STAGE_NETWORK_H

#include <net/if.h>

#include "base/address.h"
#include "stage/netlink.h"
#include "stage/stage.h"

struct net_route {
	struct address to, via; /* via.family AF_UNSPEC: on the link */
	int index;              /* element of profile->network.routes */
};

/* Everything decided. Addresses whose family is AF_UNSPEC are none. */
struct net_plan {
	int mode; /* NETWORK_MODE_VETH MACVLAN IPVLAN PASTA; NONE with interface_from */
	const char *interface, *interface_from, *parent, *bridge;
	int mtu; /* 0: the kernel's */
	bool mac_given;
	uint8_t mac[MAC_SIZE];
	struct address bridge_address, bridge_address6;
	bool bridge_create, isolated;
	bool auto_address, auto_address6, auto_gateway, auto_gateway6;
	struct address address, address6, gateway, gateway6; /* without auto: final */
	struct net_route *routes;
	size_t route_count;
	bool nat, forwarding_enable, spoof_protection;
	uint64_t rate_egress, rate_ingress; /* bytes per second; 0: no limit */
	bool ports;                         /* something is published */
	const char *pasta;                  /* pasta: the program's path */
};

/* What a rule's `to` or `from` stands for: literal addresses and networks as written, names as resolved. */
struct resolved {
	enum {
		RESOLVED_ADDRESSES,
		RESOLVED_ANY,
		RESOLVED_HOST
	} kind;           /* the words "any" and "host" have no addresses */
	const char *name; /* NULL: not a name */
	const struct address *addresses;
	size_t count;
};

/* The address at which pasta answers name queries (its --dns-forward), where the host's own resolver is on its
 * loopback interface. Of the documentation networks (RFC 5737): nobody's, and not among the link-local ones, which
 * take a rule. */
#define PASTA_RESOLVER "203.0.113.53"

/* One port of the host that leads inside. */
struct published {
	int index;    /* element of profile->network.publish */
	int protocol; /* IPPROTO_TCP, IPPROTO_UDP */
	uint16_t host, guest;
	struct address listen;
	int fd; /* the socket that holds it on the host: bound, tcp: listening; -1 */
};

/* What host found out and made. Private to the stage, but for `published`, which run/forward serves; made by
 * network_host, memory of the plan's arena. */
struct network_host {
	struct arena *arena; /* for what is built after the plan is closed: `memory` */
	struct arena memory;
	struct address address, address6, gateway, gateway6; /* final */
	struct published *published;
	size_t published_count;
	struct resolved *outbound, *inbound; /* one per rule of the profile */
	int lock;                            /* the segment's lock file, with this sandbox's locks; -1 */
	int bridge;                          /* index of the bridge; 0 */
	int janitor;                         /* lifeline of the janitor; -1 */
	bool patient;                        /* the janitor may hold the namespace a moment longer */
	struct moved *moved;                 /* interface_from: what it was like */
	uint32_t number;                     /* of the address in the bridge's network; 0: not from there */
	uint8_t mac[MAC_SIZE];               /* of the interface inside */
	char link[IFNAMSIZ];                 /* veth: the host's end; "" without one */
	const struct address *own; /* pasta: the host's own addresses; only rules with to = "host" reach them */
	size_t own_count;
	struct messages inside, filter; /* the child sends them */
	struct messages wall;           /* pasta: likewise */
	char **pasta;                   /* its command line; NULL: another mode */
};

/* ---- network_look.c. All take a NETLINK_ROUTE socket. */

/* The alias (ip-link(8)) of a bridge that we made, and the group of every interface of ours on the host. */
#define OUR_ALIAS "made by sandbox(1)"
enum { OUR_GROUP = 0x5b0c };

struct link_info {
	int index, master, mtu; /* master: index of the bridge it is a port of, 0: none */
	unsigned flags;         /* IFF_* */
	char kind[16];          /* "bridge", "veth"; "" for hardware */
	bool ours;              /* has our alias */
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

/* ---- network_plan.c. Fills plan->network.net. */
int net_plan_make(const struct profile *profile, struct plan *plan, struct error *err);

/* ---- network_segment.c. Fails when the host has a route into the network of `address` through another interface than
 * `except`. */
int segment_check_overlap(int route, int key, const struct address *address, int except, struct error *err);

/* ---- network_link.c. A random hardware address, locally administered and unicast (IEEE 802). 0, -1 with errno. */
int mac_random(uint8_t mac[MAC_SIZE]);

/* Messages that several files build. */
void link_address(struct batch *batch, int key, int interface, const struct address *address, const char *text);
/* No link-local IPv6 address, no answers to router advertisements: what is not asked for is not there. */
void link_no_autoconf(struct batch *batch, int key, int interface);
/* A token bucket as the root queue: `rate` in bytes per second. */
void link_rate(struct batch *batch, int key, int interface, uint64_t rate);

/* Makes the interface, from the host's side; network->link is its host's end. `child_netns`: /proc/<child>/ns/net. */
int link_attach(const struct plan *plan, struct network_host *network, int child_netns, struct error *err);

/* ---- network_inside.c. What the child sends: addresses, routes, rate. */
int inside_build(const struct plan *plan, const struct network_host *network, struct messages *ret, struct error *err);

/* ---- network_forwarding.c */
/* Whether the host forwards IPv4 (IPv6) at all. -1: not known. */
int forwarding_on(int family);
/* Name of the interface of the IPv4 default route; "" when there is none. */
void forwarding_uplink(char to[IFNAMSIZ]);
/* IPv4 forwarding of one interface. *was (may be NULL): what it was. 0, -1 with errno. */
int forwarding_write(const char *interface, bool on, bool *was);

/* ---- network_move.c: an interface of the host moved in and back. */
struct moved; /* what it was like; private */

/* Looks at it: network->moved. */
int move_note(const struct plan *plan, struct network_host *network, struct error *err);
int move_in(const struct plan *plan, const struct network_host *network, int child_netns, struct error *err);
/* Back to the launcher's namespace, as it was. The caller is in `child_netns` after some failures. */
int move_back(const struct plan *plan, struct network_host *network, int child_netns, int host_netns,
	      struct error *err);

/* ---- network_janitor.c: the process that takes back what does not die by itself. */
struct segment;

/* Forks it. It has a copy of everything made so far, and the segment's locks. network->janitor becomes its lifeline. */
int janitor_start(const struct plan *plan, struct network_host *network, const struct segment *segment,
		  struct error *err);
/* Hands it the sandbox's network namespace: for an interface that goes back, and to choose when it goes. */
int janitor_tell(const struct network_host *network, int child_netns, struct error *err);
/* Lets go of it; with `wait`, until it has given the interface back. */
void janitor_let_go(struct network_host *network, bool wait);

/* ---- network_filter.c. Builds what the child installs in its namespace: table inet sandbox. An empty batch when the
 * profile says nothing that needs one. */
int filter_build(const struct plan *plan, const struct network_host *network, struct messages *ret, struct error *err);

/* Whether a rule allows an address or network within 169.254.0.0/16 ("any" and wider networks do not count). If not, a
 * prohibiting route is to stand in the way. */
bool filter_allows_metadata(const struct profile *profile);

/* ---- network_table.c. The table of one segment in the launcher's namespace, through a NETLINK_NETFILTER socket. */
struct table_site {
	const char *bridge;               /* NULL: the table of all point to point pairs */
	struct address address, address6; /* the host's own on it; bridge only */
	bool isolated;
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

/* ---- network_publish.c. Binds (tcp: listens on) every published port, and fills `published`. The error for one that
 * is taken names who has it where the host tells. To be released whether or not this succeeded; releasing is
 * idempotent. */
int publish_reserve(const struct plan *plan, struct network_host *network, struct error *err);
void publish_release(struct network_host *network);

/* ---- network_servers.c. The name servers that the sandbox gets: dns.servers, with "host" resolved; in `arena`. */
int servers_list(const struct plan *plan, struct arena *arena, struct resolved *ret, struct error *err);

/* ---- network_names.c. Fills network->outbound and ->inbound, an element for each rule, in `arena`; names are
 * resolved, within some seconds. */
int names_resolve(const struct plan *plan, struct arena *arena, struct network_host *network, struct error *err);

/* ---- network_pasta.c. In this order: plan, host, attach, enter, undo. */

/* The program's path, in `arena`; NULL: not installed. An ordinary user's search path is looked at last. */
const char *pasta_find(struct arena *arena, const struct caller *caller);

/* Refuses what pasta cannot do; fills net->pasta. */
int pasta_plan(struct plan *plan, struct net_plan *net, struct error *err);

/* Makes its command line and the wall (network_wall.c), and lets go of the reserved ports, which it binds itself. Last
 * of the host column: network->published is empty then. */
int pasta_host(const struct plan *plan, struct network_host *network, struct error *err);

/* Starts it, and waits until it says that the interface is there and set up. */
int pasta_attach(struct host *host, struct error *err);

/* Looks whether the addresses asked for are there; closes what it leaves open (network->wall). */
CHILD int pasta_enter(const struct plan *plan, const struct network_host *network, struct error *err);
void pasta_undo(struct host *host);

/* ---- network_wall.c. The rules that keep the host's loopback addresses out of reach behind pasta. */
int wall_build(const struct plan *plan, const struct network_host *network, struct messages *ret, struct error *err);

/* ---- network_guard.c. Messages that put the program on interface `link` (index) of the launcher's namespace. */
int guard_build(const struct plan *plan, const struct network_host *network, int link, struct batch *batch,
		struct error *err);

#endif
