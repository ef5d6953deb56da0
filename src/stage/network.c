/* network: what the payload can reach.
 *
 * plan     (parent, before anything exists) settles that `network.mode`, `namespaces` and `join` say the same: "none"
 *          is a namespace of the sandbox's own, "host" is none, a joined one is somebody else's and stays as it is;
 *          a mode that brings an interface is turned into numbers (network_plan.c).
 * host     (parent) makes and holds what the sandbox needs of the host, in this order: names are resolved; ports are
 *          reserved; under the lock of the segment (network_segment.c) the sandbox gets its addresses, the janitor is
 *          started, and then what the janitor will take back is made: bridge, table, elements. Then the messages are
 *          built that the child will send.
 * attach   (parent, the child blocks in its new namespace) makes the interface, or moves it in.
 * enter    (child, with CAP_NET_ADMIN in its namespace) sets the loopback interface up: a new namespace has it, but
 *          down (network_namespaces(7)), and programs expect 127.0.0.1 to answer. Then it sends the messages: filter,
 *          addresses, routes. The filter holds from before the payload exists, and the payload has no capability to
 *          touch it; plan and check refuse what would give it one.
 * undo     lets go of the janitor, which cleans up by itself (network_janitor.c); the interface dies with the
 *          namespace.
 *
 * The messages are made before the child exists, so the child has a copy and need not hand a socket up: one barrier
 * stays enough, and nothing between the processes is added for the network.
 *
 * Needs: Linux 2.6.24; what a mode needs stands in the file that makes it.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include "base/fd.h"
#include "base/format.h"
#include "profile/schema.h"
#include "stage/network_link.h"
#include "stage/network_nft.h"
#include "stage/network_pasta.h"
#include "stage/network_segment.h"

/* ---- plan */

static int contradiction(int key, const char *what, const char *remedy, struct error *err)
{
	fail(err, key, "%s", what);
	error_remedy(err, "%s", remedy);
	return error_exit(err, EXIT_OF_PROFILE);
}

int network_plan(const struct profile *profile, struct plan *plan, struct error *err)
{
	bool host = profile->network.mode == NETWORK_MODE_HOST;
	bool joined = plan->join.flags & CLONE_NEWNET;

	if (host && joined)
		return contradiction(K_NETWORK_MODE, "cannot use the host's network and join another",
				     "leave network.mode or the element of `join` out", err);
	if (host && plan->namespaces.net)
		return contradiction(K_NETWORK_MODE, "cannot use the host's network from a net namespace",
				     "say namespaces = { remove = [ \"net\" ]; }", err);
	if (!host && !joined && !plan->namespaces.net)
		return contradiction(K_NETWORK_MODE,
				     "cannot give the sandbox its own network: `namespaces` does not name net",
				     "let `namespaces` name net, or say network.mode = \"host\"", err);
	plan->network.loopback = plan->namespaces.net;
	if (host || joined || (profile->network.mode == NETWORK_MODE_NONE && !profile->network.interface_from))
		return 0;
	return net_plan_make(profile, plan, err);
}

/* ---- host */

/* "auto": the bridge's own address, for a family that the sandbox has. */
static void settle_gateways(const struct net_plan *net, const struct table_site *site, struct network_host *network)
{
	network->gateway = net->gateway;
	network->gateway6 = net->gateway6;
	if (net->auto_gateway && network->address.family && site->address.family)
		network->gateway = site->address;
	if (net->auto_gateway6 && network->address6.family && site->address6.family)
		network->gateway6 = site->address6;
}

static int settle_mac(const struct net_plan *net, struct network_host *network, struct error *err)
{
	memcpy(network->mac, net->mac, MAC_SIZE);
	if (!net->mac_given && mac_random(network->mac))
		return fail_errno(err, K_NETWORK_MAC, "cannot get random bytes");
	return 0;
}

/* On a bridge the hardware address follows from the IP address: whoever remembers it from the sandbox that had the
 * address before (the host's table of neighbours does, for minutes) is right. */
static void mac_of_address(struct network_host *network)
{
	const struct address *address = network->address.family ? &network->address : &network->address6;

	if (!address->family)
		return;
	network->mac[0] = 0x02;
	network->mac[1] = address->family == AF_INET ? 0x04 : 0x06;
	memcpy(network->mac + 2, address->bytes + address_size(address) - 4, 4);
}

/* The pair's end is not there yet: network_link.c sees to it. */
static int enable_forwarding(const struct segment *segment, struct error *err)
{
	char uplink[IFNAMSIZ];

	if ((segment->site.bridge && forwarding_enable(segment, segment->site.bridge, err)) ||
	    forwarding_uplink(uplink, err))
		return -1;
	return uplink[0] ? forwarding_enable(segment, uplink, err) : 0;
}

/* Under the segment's mutex: what is made from the janitor's start on, the janitor takes back. */
static int make_shared(struct segment *segment, const struct plan *plan, struct network_host *network,
		       struct error *err)
{
	const struct net_plan *net = plan->network.net;

	if (segment_look(segment, net, err) || segment_take(segment, plan, network, err))
		return -1;
	settle_gateways(net, &segment->site, network);
	/* As much of the random id as fits; one that is taken is an error of the kernel's. */
	format_text(network->link, sizeof(network->link) - 1, "sbx");
	memcpy(network->link + 3, plan->caller->id, sizeof(network->link) - 4);
	if (janitor_start(plan, network, segment, err) || segment_make(segment, network->arena, err))
		return -1;
	network->bridge = segment->bridge.index;
	if (network->bridge && !net->mac_given)
		mac_of_address(network);
	(void)segment_link_name(segment, network->number, network->link);
	if (net->forwarding_enable && enable_forwarding(segment, err))
		return -1;
	return table_add(segment->nfnl, &segment->site, plan, network, err);
}

static int join_segment(const struct plan *plan, struct network_host *network, struct error *err)
{
	const struct net_plan *net = plan->network.net;
	struct segment segment = { .site = { .bridge = net->bridge } };
	struct error ignored;
	int status = segment_open(&segment, err);

	if (!status)
		status = make_shared(&segment, plan, network, err);
	if (!status) {
		segment_unlock(&segment);
		network->lock = TAKE_FD(segment.lock);
	} else if (network->janitor < 0 && segment.lock >= 0) {
		/* Nothing but the lock file is ours, and nobody else would remove it. */
		(void)segment_end(&segment, network->arena, &ignored);
	}
	segment_close(&segment);
	return status;
}

static int note_own(const struct listed *listed, void *with)
{
	struct network_host *network = with;
	struct address *own = arena_array(network->arena, network->own_count + 1, sizeof(*own));

	if (!own)
		return -1;
	if (network->own_count)
		memcpy(own, network->own, network->own_count * sizeof(*own));
	own[network->own_count] = listed->address;
	own[network->own_count++].prefix = listed->address.family == AF_INET ? 32 : 128;
	network->own = own;
	return 0;
}

/* Behind pasta a connection to one of the host's addresses is a connection of the host's to itself. */
static int list_own(struct network_host *network, struct error *err)
{
	AUTO_CLOSE int route = netlink_open(NETLINK_ROUTE);

	if (route < 0)
		return fail_errno(err, K_NETWORK_MODE, "cannot open a netlink socket");
	return addresses_each(route, 0, note_own, network, err);
}

static int take_addresses(const struct plan *plan, struct network_host *network, struct error *err)
{
	static const struct table_site nowhere = { .bridge = NULL };
	const struct net_plan *net = plan->network.net;

	if (net->mode == NETWORK_MODE_VETH)
		return join_segment(plan, network, err);
	/* pasta sets up the interface itself. */
	if (net->mode == NETWORK_MODE_PASTA)
		return list_own(network, err);
	network->address = net->address;
	network->address6 = net->address6;
	settle_gateways(net, &nowhere, network);
	if (!net->interface_from)
		return 0;
	return move_note(plan, network, err) || janitor_start(plan, network, NULL, err) ? -1 : 0;
}

int network_host(const struct plan *plan, struct host *host, struct error *err)
{
	const struct net_plan *net = plan->network.net;
	struct network_host *network = NULL;

	if (!net)
		return 0;
	network = calloc(1, sizeof(*network));
	if (!network)
		return fail_errno(err, 0, "cannot get memory");
	*network = (struct network_host){ .arena = &network->memory, .lock = -1, .janitor = -1, .netns = -1 };
	host->network = network;
	host->handed.network = network;
	if (settle_mac(net, network, err) || names_resolve(plan, network->arena, network, err) ||
	    publish_reserve(plan, network, err) || take_addresses(plan, network, err))
		return -1;
	if (inside_build(plan, network, &network->inside, err) || filter_build(plan, network, &network->filter, err))
		return -1;
	return net->mode == NETWORK_MODE_PASTA ? pasta_host(plan, network, err) : 0;
}

/* ---- attach */

int network_attach(const struct plan *plan, struct host *host, struct error *err)
{
	const struct net_plan *net = plan->network.net;
	struct network_host *network = host->network;
	AUTO_CLOSE int netns = -1;

	if (!net)
		return 0;
	if (net->mode == NETWORK_MODE_PASTA)
		return pasta_attach(host, err);
	netns = openat(host->child_procfs, "ns/net", O_RDONLY | O_CLOEXEC);
	if (netns < 0)
		return fail_errno(err, K_NETWORK_MODE, "cannot open the sandbox's network namespace");
	if (network->janitor >= 0 && janitor_tell(network, netns, err))
		return -1;
	if (net->interface_from) {
		network->netns = TAKE_FD(netns);
		return move_in(plan, network, network->netns, err) || janitor_look(network, err) ? -1 : 0;
	}
	return link_attach(plan, network, netns, err);
}

/* ---- enter */

CHILD static int send_messages(const struct messages *messages, int protocol, int interface, struct error *err)
{
	AUTO_CLOSE int fd = -1;

	if (!messages->bytes)
		return 0;
	fd = netlink_open(protocol);
	if (fd < 0)
		fail_errno(err, K_NETWORK_MODE, "cannot open a netlink socket of the sandbox's namespace");
	else if (!messages_send(messages, fd, interface, err))
		return 0;
	return protocol == NETLINK_NETFILTER ? nft_explain(err) : -1;
}

/* The filter comes first: no packet leaves before it holds. */
CHILD static int furnish(int fd, const struct plan *plan, const struct network_host *network, struct error *err)
{
	struct ifreq request = { .ifr_ifindex = 0 };

	format_text(request.ifr_name, sizeof(request.ifr_name), "%s", plan->network.net->interface);
	if (ioctl(fd, SIOCGIFINDEX, &request))
		return fail_errno(err, K_NETWORK_INTERFACE, "cannot find the interface %s inside", request.ifr_name);
	if ((plan->network.net->mode == NETWORK_MODE_PASTA && pasta_enter(plan, network, err)) ||
	    send_messages(&network->filter, NETLINK_NETFILTER, 0, err))
		return -1;
	return send_messages(&network->inside, NETLINK_ROUTE, request.ifr_ifindex, err);
}

/* Should: leave up lo, and the interface that the profile asks for.  Mustn't: run before userns_enter (EPERM), or in a
 * namespace not our own. */
CHILD int network_enter(const struct plan *plan, struct inside *inside, struct error *err)
{
	struct ifreq request = { .ifr_name = "lo" };
	AUTO_CLOSE int fd = -1;

	if (!plan->network.loopback)
		return 0;
	/* Any socket will do, and this family is never missing. */
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return fail_errno(err, K_NETWORK_MODE, "cannot make a socket");
	if (ioctl(fd, SIOCGIFFLAGS, &request))
		return fail_errno(err, K_NETWORK_MODE, "cannot find the loopback interface");
	request.ifr_flags |= IFF_UP;
	if (ioctl(fd, SIOCSIFFLAGS, &request))
		return fail_errno(err, K_NETWORK_MODE, "cannot set the loopback interface up");
	return plan->network.net ? furnish(fd, plan, inside->handed.network, err) : 0;
}

/* ---- undo */

static void replace_janitor(const struct plan *plan, struct network_host *network)
{
	const struct net_plan *net = plan->network.net;
	struct segment segment = { .site = { .bridge = net->bridge } };
	struct error ignored;
	bool shared = network->lock >= 0;

	fd_close(&network->janitor);
	if (shared && segment_resume(&segment, network->lock, &ignored))
		return;
	if (!janitor_start(plan, network, shared ? &segment : NULL, &ignored) && network->netns >= 0)
		(void)janitor_tell(network, network->netns, &ignored);
}

void network_undo(const struct plan *plan, struct host *host)
{
	struct network_host *network = host->network;

	if (!network)
		return;
	pasta_undo(host);
	if (janitor_is_gone(network))
		replace_janitor(plan, network);
	janitor_let_go(network, plan->network.net->interface_from);
	publish_release(network);
	fd_close(&network->lock);
	fd_close(&network->netns);
	arena_free(&network->memory);
	free(network);
	host->network = NULL;
	host->handed.network = NULL;
}

/* ---- describe */

static void describe_segment(const struct net_plan *net, struct description *out)
{
	char text[ADDRESS_TEXT_SIZE], text6[ADDRESS_TEXT_SIZE];

	if (net->bridge && net->bridge_address.family)
		describe(out, K_NETWORK_BRIDGE_NAME, -1, "the bridge %s with %s%s", net->bridge,
			 address_text(&net->bridge_address, true, text),
			 net->bridge_create ? ", made if it is not there, kept while a sandbox uses it" : "");
	else if (net->bridge)
		describe(out, K_NETWORK_BRIDGE_NAME, -1, "the bridge %s, as it is", net->bridge);
	if (net->bridge && net->bridge_address6.family)
		describe(out, K_NETWORK_BRIDGE_ADDRESS6, -1, "the bridge has %s",
			 address_text(&net->bridge_address6, true, text6));
	if (net->bridge)
		describe(out, K_NETWORK_BRIDGE_ISOLATED, -1,
			 net->isolated ? "other sandboxes there are out of reach"
				       : "other sandboxes there can be reached");
	if (net->nat)
		describe(out, K_NETWORK_NAT, -1, "connections to the world leave with the host's address");
	if (net->forwarding_enable)
		describe(out, K_NETWORK_FORWARDING, -1, "forwarding is turned on where it is off, and back at the end");
	if (net->mode == NETWORK_MODE_VETH && net->spoof_protection)
		describe(out, K_NETWORK_SPOOF_PROTECTION, -1, "packets with other senders' addresses are dropped");
	if (net->rate_egress)
		describe(out, K_NETWORK_RATE_EGRESS, -1, "%llu bytes a second out",
			 (unsigned long long)net->rate_egress);
	if (net->rate_ingress)
		describe(out, K_NETWORK_RATE_INGRESS, -1, "%llu bytes a second in",
			 (unsigned long long)net->rate_ingress);
}

static void describe_address(const struct address *address, bool found, int key, const char *what,
			     struct description *out)
{
	char text[ADDRESS_TEXT_SIZE];

	if (address->family)
		describe(out, key, -1, "%s %s", what,
			 address_text(address, key != K_NETWORK_GATEWAY && key != K_NETWORK_GATEWAY6, text));
	else if (found)
		describe(out, key, -1, "%s found at start: %s", what,
			 key == K_NETWORK_GATEWAY || key == K_NETWORK_GATEWAY6 ? "the bridge's"
									       : "a free one of the bridge's network");
}

static void describe_interface(const struct net_plan *net, struct description *out)
{
	const uint8_t *mac = net->mac;

	if (net->interface_from)
		describe(out, K_NETWORK_INTERFACE_FROM, -1, "the host's %s, moved in as %s, and back at the end",
			 net->interface_from, net->interface);
	else
		describe(out, K_NETWORK_MODE, -1, "%s: a %s interface%s%s", net->interface,
			 keys[K_NETWORK_MODE].values[net->mode], net->parent ? " on " : "",
			 net->parent ? net->parent : "");
	if (net->mtu)
		describe(out, K_NETWORK_MTU, -1, "packets of %d bytes at most", net->mtu);
	if (net->mac_given)
		describe(out, K_NETWORK_MAC, -1, "hardware address %02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1],
			 mac[2], mac[3], mac[4], mac[5]);
	describe_address(&net->address, net->auto_address && net->bridge, K_NETWORK_ADDRESS, "address", out);
	describe_address(&net->address6, net->auto_address6 && net->bridge_address6.family, K_NETWORK_ADDRESS6,
			 "address", out);
	describe_address(&net->gateway, net->auto_gateway && net->bridge, K_NETWORK_GATEWAY, "default route by", out);
	describe_address(&net->gateway6, net->auto_gateway6 && net->bridge_address6.family, K_NETWORK_GATEWAY6,
			 "default route by", out);
}

static void describe_routes(const struct profile *profile, struct description *out)
{
	for (size_t i = 0; i < profile->network.routes.count; i++) {
		const struct route *route = &profile->network.routes.items[i];

		describe(out, K_NETWORK_ROUTES, (int)i, "route to %s %s%s", route->to,
			 route->via ? "by " : "on the link", route->via ? route->via : "");
	}
	for (size_t i = 0; i < profile->network.publish.count; i++) {
		const struct published_port *port = &profile->network.publish.items[i];

		describe(out, K_NETWORK_PUBLISH, (int)i, "port %d/%s of %s leads to port %d inside", port->host,
			 keys[K_NETWORK_PUBLISH_PROTOCOL].values[port->protocol], port->listen,
			 port->guest == INT_UNSET ? port->host : port->guest);
	}
}

static void describe_rules(const struct profile *profile, struct description *out)
{
	for (size_t i = 0; i < profile->network.outbound.rules.count; i++) {
		const struct outbound_rule *rule = &profile->network.outbound.rules.items[i];

		describe(out, K_NETWORK_OUTBOUND_RULES, (int)i, "outbound: %s to %s, port %s, protocol %s",
			 keys[K_NETWORK_OUTBOUND_RULES_VERDICT].values[rule->verdict], rule->to, rule->port,
			 keys[K_NETWORK_OUTBOUND_RULES_PROTOCOL].values[rule->protocol]);
	}
	for (size_t i = 0; i < profile->network.inbound.rules.count; i++) {
		const struct inbound_rule *rule = &profile->network.inbound.rules.items[i];

		describe(out, K_NETWORK_INBOUND_RULES, (int)i, "inbound: %s from %s, port %s, protocol %s",
			 keys[K_NETWORK_INBOUND_RULES_VERDICT].values[rule->verdict], rule->from, rule->port,
			 keys[K_NETWORK_INBOUND_RULES_PROTOCOL].values[rule->protocol]);
	}
	describe(out, K_NETWORK_OUTBOUND_DEFAULT, -1, "otherwise, outbound: %s; inbound: %s",
		 keys[K_NETWORK_OUTBOUND_DEFAULT].values[profile->network.outbound.default_],
		 keys[K_NETWORK_INBOUND_DEFAULT].values[profile->network.inbound.default_]);
}

static void describe_pasta(const struct plan *plan, struct description *out)
{
	describe(out, K_NETWORK_MODE, -1,
		 "carried by %s, in the sandbox's user namespace%s, which keeps SYS_ADMIN, NET_ADMIN and "
		 "NET_BIND_SERVICE there and writes no file",
		 plan->network.net->pasta, plan->caller->root ? " as nobody in particular" : "");
	if (plan->caller->root)
		describe(out, K_NETWORK_MODE, -1,
			 "where only root may open /dev/net/tun, it gets one of its own, on a tmpfs that it leaves");
}

static void describe_needs(const struct net_plan *net, const struct profile *profile, struct description *out)
{
	bool filtered = profile->network.outbound.rules.count || profile->network.inbound.rules.count ||
			profile->network.outbound.default_ == NETWORK_OUTBOUND_DEFAULT_DENY ||
			profile->network.inbound.default_ == NETWORK_INBOUND_DEFAULT_DENY;

	if (net->mode == NETWORK_MODE_PASTA)
		describe_need(out, "the program %s, with /dev/net/tun", net->pasta);
	else if (net->mode != NETWORK_MODE_NONE)
		describe_need(out, "%s interfaces", keys[K_NETWORK_MODE].values[net->mode]);
	if (net->bridge)
		describe_need(out, "bridges");
	if (net->mode == NETWORK_MODE_VETH || net->mode == NETWORK_MODE_PASTA || filtered)
		describe_need(out, "nf_tables with inet, ct, fib, nat, masq and reject (Linux 5.10; in a user "
				   "namespace 5.12)");
	if (net->mode == NETWORK_MODE_VETH && net->spoof_protection)
		describe_need(out, "the BPF classifier (Linux 4.5)");
	if (net->rate_egress || net->rate_ingress)
		describe_need(out, "the tbf queue%s", net->rate_ingress ? " on both ends" : "");
}

void network_describe(const struct plan *plan, struct description *out)
{
	if (plan->network.net) {
		describe(out, K_NETWORK_MODE, -1, "a network of its own: the loopback interface, up");
		describe_interface(plan->network.net, out);
		if (plan->network.net->pasta)
			describe_pasta(plan, out);
		describe_segment(plan->network.net, out);
		describe_routes(plan->profile, out);
		describe_rules(plan->profile, out);
		describe_needs(plan->network.net, plan->profile, out);
	} else if (plan->network.loopback) {
		describe(out, K_NETWORK_MODE, -1, "a network of its own: the loopback interface, up, and nothing else");
	} else if (plan->join.flags & CLONE_NEWNET) {
		describe(out, K_JOIN, -1, "the joined namespace's network");
	} else {
		describe(out, K_NETWORK_MODE, -1, "the host's network");
	}
}
