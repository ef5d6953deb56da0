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
	int netns;                           /* interface_from: the namespace it is in; -1 */
	uint32_t number;                     /* of the address in the bridge's network; 0: not from there */
	uint8_t mac[MAC_SIZE];               /* of the interface inside */
	char link[IFNAMSIZ];                 /* veth: the host's end; "" without one */
	const struct address *own; /* pasta: the host's own addresses; only rules with to = "host" reach them */
	size_t own_count;
	struct messages inside, filter; /* the child sends them */
	struct messages wall;           /* pasta: likewise */
	char **pasta;                   /* its command line; NULL: another mode */
};

/* ---- network_plan.c. Fills plan->network.net. */
int net_plan_make(const struct profile *profile, struct plan *plan, struct error *err);

/* ---- network_filter.c. Builds what the child installs in its namespace: table inet sandbox. An empty batch when the
 * profile says nothing that needs one. */
int filter_build(const struct plan *plan, const struct network_host *network, struct messages *ret, struct error *err);

/* 169.254.0.0/16, where clouds answer with the host's credentials. */
extern const struct address network_metadata;

/* Whether a rule allows an address or network within 169.254.0.0/16 ("any" and wider networks do not count). If not, a
 * prohibiting route is to stand in the way. */
bool filter_allows_metadata(const struct profile *profile);

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

#endif
