/* network: what the files of the network stage share.
 *
 *   network.c          the cells: who does what when
 *   network_plan.c     keys -> struct net_plan; looks at the host, changes nothing
 *   network_segment.c  what sandboxes share on the host: lock file, bridge, addresses, when all of it goes
 *   network_table.c    the nftables table of a segment: NAT, published ports, what reaches the host and from where
 *   network_link.c     veth, macvlan, ipvlan, an interface moved in: messages of the attach phase
 *   network_inside.c   messages that the child sends: addresses, routes, rate
 *   network_filter.c   outbound and inbound rules, as messages that the child sends
 *   network_guard.c    spoof protection: a classic BPF program on the host's end
 *   network_publish.c  reserves published ports
 *   network_names.c    resolves names in rules; finds the host's name servers
 *   network_pasta.c    the pasta program
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
	bool filtered;                      /* outbound or inbound say anything */
};

/* Addresses that a name stands for, or a literal one. */
struct resolved {
	enum { RESOLVED_ADDRESSES, RESOLVED_ANY, RESOLVED_HOST } kind; /* the words "any" and "host" have no addresses */
	const char *name;                                              /* NULL: not a name */
	const struct address *addresses;
	size_t count;
};

/* One port of the host that leads inside. */
struct published {
	int index;    /* element of profile->network.publish */
	int protocol; /* IPPROTO_TCP, IPPROTO_UDP */
	uint16_t host, guest;
/* The address at which pasta answers name queries (its --dns-forward), where the host's own resolver is on its loopback
 * interface. Of the documentation networks (RFC 5737): nobody's, and not among the link-local ones, which take a rule. */
#define PASTA_RESOLVER "203.0.113.53"

	struct address listen;
	int fd; /* the socket that holds it on the host: bound, tcp: listening; -1 */
};

/* What host found out and made. Private to the stage, but for `published`, which run/forward serves; made by
 * network_host, memory of the plan's arena. */
struct network_host {
	struct address address, address6, gateway, gateway6; /* final */
	struct published *published;
	size_t published_count;
	struct resolved *outbound, *inbound; /* one per rule of the profile */
	int lock;                            /* the segment's lock file, with this sandbox's locks; -1 */
	uint32_t number;                     /* of the address in the bridge's network; 0: not from there */
	char link[IFNAMSIZ];                 /* veth: the host's end; "" without one */
	struct messages inside, filter;      /* the child sends them */
};

/* ---- network_filter.c. Builds what the child installs in its namespace: table inet sandbox. An empty batch when the
 * profile says nothing that needs one. */
int filter_build(const struct plan *plan, const struct network_host *network, struct messages *ret, struct error *err);

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

/* ---- network_publish.c. Binds (tcp: listens on) every published port. The error for one that is taken names who has
 * it where /proc tells. */
int publish_reserve(const struct plan *plan, struct network_host *network, struct error *err);
void publish_release(struct network_host *network);

/* ---- network_names.c. Fills network->outbound and ->inbound, an element for each rule, in `arena`; names are resolved,
 * within some seconds. */
int names_resolve(const struct plan *plan, struct arena *arena, struct network_host *network, struct error *err);

/* ---- network_guard.c. Messages that put the program on interface `link` (index) of the launcher's namespace. */
int guard_build(const struct plan *plan, const struct network_host *network, int link, struct batch *batch,
		struct error *err);

#endif
