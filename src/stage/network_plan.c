/* network_plan: keys of the network section as numbers. Parent, plan column: reads the host, changes nothing.
 *
 * What can be known without the segment's lock is decided and refused here: who may make interfaces at all, whether a
 * parent is there, whether the host forwards. Addresses that depend on others (a free one, the bridge's) stay open
 * until the host column has the lock (network_segment.c). */
#include <errno.h>
#include <net/if.h>
#include <netinet/in.h>
#include <string.h>

#include "base/fd.h"
#include "stage/network_link.h"
#include "stage/network_pasta.h"
#include "stage/network_segment.h"

/* ---- values */

static int bad_value(int key, int index, const char *text, struct error *err)
{
	fail_at(err, key, index, "cannot use \"%s\" here", text);
	return error_exit(err, EXIT_OF_PROFILE);
}

/* A value that may be "auto" or "none". */
struct choice {
	int key, family;
	const char *text;
	bool cidr;
};

/* "auto" sets *automatic, "none" nothing at all. */
static int take(const struct choice *choice, bool *automatic, struct address *ret, struct error *err)
{
	*automatic = !choice->text || !strcmp(choice->text, "auto");
	if (*automatic || !strcmp(choice->text, "none"))
		return 0;
	if ((choice->cidr ? address_parse_cidr : address_parse)(choice->text, ret) || ret->family != choice->family)
		return bad_value(choice->key, -1, choice->text, err);
	return 0;
}

static int take_addresses(const struct profile *profile, struct net_plan *net, struct error *err)
{
	const struct choice address = { K_NETWORK_ADDRESS, AF_INET, profile->network.address, true };
	const struct choice address6 = { K_NETWORK_ADDRESS6, AF_INET6, profile->network.address6, true };
	const struct choice gateway = { K_NETWORK_GATEWAY, AF_INET, profile->network.gateway, false };
	const struct choice gateway6 = { K_NETWORK_GATEWAY6, AF_INET6, profile->network.gateway6, false };

	return take(&address, &net->auto_address, &net->address, err) ||
			       take(&address6, &net->auto_address6, &net->address6, err) ||
			       take(&gateway, &net->auto_gateway, &net->gateway, err) ||
			       take(&gateway6, &net->auto_gateway6, &net->gateway6, err)
		       ? -1
		       : 0;
}

static int take_bridge(const struct profile *profile, struct net_plan *net, struct error *err)
{
	const char *address = profile->network.bridge.address, *address6 = profile->network.bridge.address6;

	if (profile->network.mode != NETWORK_MODE_VETH)
		return 0;
	net->bridge = profile->network.bridge.name;
	net->bridge_create = profile->network.bridge.create;
	net->isolated = profile->network.bridge.isolated;
	if (address && (address_parse_cidr(address, &net->bridge_address) || net->bridge_address.family != AF_INET))
		return bad_value(K_NETWORK_BRIDGE_ADDRESS, -1, address, err);
	if (address6 &&
	    (address_parse_cidr(address6, &net->bridge_address6) || net->bridge_address6.family != AF_INET6))
		return bad_value(K_NETWORK_BRIDGE_ADDRESS6, -1, address6, err);
	return 0;
}

/* A longer route would win over the one that refuses (network_inside.c). */
static int check_metadata(const struct profile *profile, const struct net_route *route, struct error *err)
{
	char text[ADDRESS_TEXT_SIZE];

	if (!address_within(&route->to, &network_metadata) || filter_allows_metadata(profile))
		return 0;
	fail_at(err, K_NETWORK_ROUTES_TO, route->index,
		"cannot lead a route to %s: clouds answer there with credentials",
		address_text(&route->to, true, text));
	error_remedy(err, "allow the address by a rule of network.outbound if that is meant");
	return error_exit(err, EXIT_OF_PROFILE);
}

static int take_routes(const struct profile *profile, struct plan *plan, struct error *err)
{
	struct net_plan *net = plan->network.net;

	net->routes = arena_array(&plan->arena, profile->network.routes.count, sizeof(*net->routes));
	if (!net->routes)
		return fail_errno(err, 0, "cannot get memory");
	for (size_t i = 0; i < profile->network.routes.count; i++) {
		const struct route *route = &profile->network.routes.items[i];
		struct net_route *to = &net->routes[net->route_count++];

		to->index = (int)i;
		if (address_parse_cidr(route->to, &to->to))
			return bad_value(K_NETWORK_ROUTES_TO, (int)i, route->to, err);
		if (route->via && (address_parse(route->via, &to->via) || to->via.family != to->to.family))
			return bad_value(K_NETWORK_ROUTES_VIA, (int)i, route->via, err);
		if (check_metadata(profile, to, err))
			return -1;
	}
	return 0;
}

static uint64_t limit_of(uint64_t rate)
{
	return rate == SIZE_UNLIMITED || rate == SIZE_UNSET ? 0 : rate;
}

static int take_values(const struct profile *profile, struct plan *plan, struct error *err)
{
	struct net_plan *net = plan->network.net;

	net->mode = profile->network.mode;
	net->interface = profile->network.interface;
	net->interface_from = profile->network.interface_from;
	net->parent = profile->network.parent;
	net->mtu = profile->network.mtu == INT_UNSET ? 0 : profile->network.mtu;
	net->mac_given = profile->network.mac;
	net->nat = profile->network.nat && profile->network.mode == NETWORK_MODE_VETH;
	net->forwarding_enable = profile->network.forwarding == NETWORK_FORWARDING_ENABLE;
	net->spoof_protection = profile->network.spoof_protection;
	net->rate_egress = limit_of(profile->network.rate.egress);
	net->rate_ingress = limit_of(profile->network.rate.ingress);
	net->ports = profile->network.publish.count;
	if (net->mac_given && address_parse_mac(profile->network.mac, net->mac))
		return bad_value(K_NETWORK_MAC, -1, profile->network.mac, err);
	return take_bridge(profile, net, err) || take_routes(profile, plan, err) || take_addresses(profile, net, err)
		       ? -1
		       : 0;
}

/* ---- the host */

static int refuse(struct error *err)
{
	return error_exit(err, EXIT_OF_HOST);
}

static int check_caller(const struct plan *plan, struct error *err)
{
	const struct net_plan *net = plan->network.net;
	const char *what = net->interface_from ? "move an interface of the host" : "make an interface on the host";

	if (plan->caller->root || net->mode == NETWORK_MODE_PASTA)
		return 0;
	fail(err, net->interface_from ? K_NETWORK_INTERFACE_FROM : K_NETWORK_MODE,
	     "cannot %s: that takes CAP_NET_ADMIN over the host's network, and only root has it", what);
	error_remedy(err, "network.mode = \"pasta\" gives an ordinary user's sandbox a network");
	return refuse(err);
}

static int check_there(int route, int key, const char *name, struct error *err)
{
	struct link_info link;
	int found = name ? link_find(route, name, &link, err) : 1;

	if (found < 0)
		return -1;
	if (found)
		return 0;
	fail(err, key, "cannot find the interface %s", name);
	error_remedy(err, "`ip link` lists the host's interfaces");
	return refuse(err);
}

/* Published on loopback alone, the relay does it; everything else is passed on by the kernel. */
static bool needs_forwarding(const struct profile *profile, const struct net_plan *net)
{
	if (net->mode != NETWORK_MODE_VETH)
		return false;
	for (size_t i = 0; i < profile->network.publish.count; i++) {
		struct address listen;

		if (!address_parse(profile->network.publish.items[i].listen, &listen) && !address_is_loopback(&listen))
			return true;
	}
	return net->nat;
}

static int check_forwarding(const struct profile *profile, const struct net_plan *net, struct error *err)
{
	bool six = net->address6.family || net->bridge_address6.family;

	if (!needs_forwarding(profile, net))
		return 0;
	if (forwarding_on(AF_INET) == 0 && !net->forwarding_enable) {
		fail(err, K_NETWORK_FORWARDING,
		     "cannot pass packets on: the host does not forward IPv4, as network.nat and network.publish need");
		error_remedy(err, "sysctl -w net.ipv4.ip_forward=1, or write network.forwarding = \"enable\"");
		return refuse(err);
	}
	if (six && net->nat && forwarding_on(AF_INET6) == 0) {
		fail(err, K_NETWORK_FORWARDING,
		     "cannot pass packets on: the host does not forward IPv6, as network.nat with an IPv6 address "
		     "needs");
		error_remedy(err, "sysctl -w net.ipv6.conf.all.forwarding=1 (the host then ignores router "
				  "advertisements), or write network.address6 = \"none\"");
		return refuse(err);
	}
	return 0;
}

static int check_host(const struct profile *profile, const struct plan *plan, struct error *err)
{
	const struct net_plan *net = plan->network.net;
	AUTO_CLOSE int route = netlink_open(NETLINK_ROUTE);

	if (route < 0)
		return fail_errno(err, K_NETWORK_MODE, "cannot open a netlink socket");
	if (check_there(route, K_NETWORK_PARENT, net->parent, err) ||
	    check_there(route, K_NETWORK_INTERFACE_FROM, net->interface_from, err))
		return -1;
	if (!net->bridge && net->mode == NETWORK_MODE_VETH &&
	    (segment_check_overlap(route, K_NETWORK_ADDRESS, &net->address, 0, err) ||
	     segment_check_overlap(route, K_NETWORK_ADDRESS6, &net->address6, 0, err)))
		return -1;
	return check_forwarding(profile, net, err);
}

int net_plan_make(const struct profile *profile, struct plan *plan, struct error *err)
{
	plan->network.net = arena_alloc(&plan->arena, sizeof(*plan->network.net));
	if (!plan->network.net)
		return fail_errno(err, 0, "cannot get memory");
	if (take_values(profile, plan, err) || check_caller(plan, err) || check_host(profile, plan, err))
		return -1;
	return plan->network.net->mode == NETWORK_MODE_PASTA ? pasta_plan(plan, plan->network.net, err) : 0;
}
