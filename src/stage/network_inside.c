/* network_inside: what the sandbox's interface is given in its own namespace, as messages that the child sends. Built
 * by the launcher in the host column, when the addresses are known; sent in enter.
 *
 * The order is the kernel's: no autoconfiguration before the interface is up (or it has a link-local address), a route
 * when its next hop can be reached. Addresses come without duplicate address detection (IFA_F_NODAD), which would keep
 * an IPv6 address from use for a second; nobody else has it. 169.254.0.0/16, where clouds answer with the host's
 * credentials, is a prohibit route: programs read "Permission denied" at once.
 *
 * What may leave is shaped here too (a token bucket, tc-tbf(8)): it holds packets back where they are made, and is out
 * of reach of a payload without CAP_NET_ADMIN. What comes in is shaped on the host's end (network_link.c). */
#include <linux/rtnetlink.h>
#include <stdbool.h>
#include <stddef.h>

#include "stage/network_link.h"

struct way {
	int key, index;
	const struct address *to; /* NULL: the default route of `via`'s family */
	const struct address *via;
	uint8_t type;     /* RTN_* */
	const char *what; /* for errors */
};

static void build_route(struct batch *batch, const struct way *route)
{
	int family = route->to ? route->to->family : route->via->family;
	struct rtmsg header = {
		.rtm_family = (unsigned char)family,
		.rtm_dst_len = route->to ? (unsigned char)route->to->prefix : 0,
		.rtm_table = RT_TABLE_MAIN,
		.rtm_protocol = RTPROT_STATIC,
		.rtm_scope = route->via && route->via->family ? RT_SCOPE_UNIVERSE : RT_SCOPE_LINK,
		.rtm_type = route->type,
	};
	char to[ADDRESS_TEXT_SIZE] = "", via[ADDRESS_TEXT_SIZE] = "";

	if (route->type != RTN_UNICAST)
		header.rtm_scope = RT_SCOPE_UNIVERSE;
	batch_message(batch, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL, &header, sizeof(header));
	batch_label(batch, route->key, route->index, "add %s %s%s%s", route->what,
		    route->to ? address_text(route->to, true, to) : "", route->via && route->via->family ? " via " : "",
		    route->via && route->via->family ? address_text(route->via, false, via) : "");
	if (route->to)
		batch_address(batch, RTA_DST, route->to);
	if (route->via && route->via->family)
		batch_address(batch, RTA_GATEWAY, route->via);
	if (route->type == RTN_UNICAST) {
		batch_u32(batch, RTA_OIF, 0);
		batch_interface_here(batch);
	}
}

static void build_addresses(struct batch *batch, const struct network_host *network)
{
	char text[ADDRESS_TEXT_SIZE];

	if (network->address.family)
		link_address(batch, K_NETWORK_ADDRESS, 0, &network->address,
			     address_text(&network->address, true, text));
	if (network->address6.family)
		link_address(batch, K_NETWORK_ADDRESS6, 0, &network->address6,
			     address_text(&network->address6, true, text));
}

static void build_up(struct batch *batch)
{
	struct ifinfomsg header = { .ifi_flags = IFF_UP, .ifi_change = IFF_UP };

	batch_message(batch, RTM_SETLINK, 0, &header, sizeof(header));
	batch_label(batch, K_NETWORK_INTERFACE, -1, "set the interface up");
	batch_interface(batch, offsetof(struct ifinfomsg, ifi_index));
}

/* Also without a default route: further routes may be as wide. Not where it is the sandbox's own network. */
static bool refuses_metadata(const struct plan *plan, const struct address *own)
{
	return own->family && !filter_allows_metadata(plan->profile) &&
	       !(own->prefix <= network_metadata.prefix && address_within(own, &network_metadata));
}

static void build_routes(struct batch *batch, const struct plan *plan, const struct network_host *network)
{
	const struct net_plan *net = plan->network.net;
	struct way gateway = { .key = K_NETWORK_GATEWAY,
			       .index = -1,
			       .via = &network->gateway,
			       .type = RTN_UNICAST,
			       .what = "the default route" };

	if (network->gateway.family)
		build_route(batch, &gateway);
	gateway.key = K_NETWORK_GATEWAY6;
	gateway.via = &network->gateway6;
	if (network->gateway6.family)
		build_route(batch, &gateway);
	for (size_t i = 0; i < net->route_count; i++) {
		const struct net_route *route = &net->routes[i];
		const struct way further = { .key = K_NETWORK_ROUTES_TO,
					     .index = route->index,
					     .to = &route->to,
					     .via = &route->via,
					     .type = RTN_UNICAST,
					     .what = "the route to" };

		build_route(batch, &further);
	}
	if (refuses_metadata(plan, &network->address)) {
		const struct way refused = { .key = K_NETWORK_OUTBOUND_DEFAULT,
					     .index = -1,
					     .to = &network_metadata,
					     .type = RTN_PROHIBIT,
					     .what = "a route that refuses" };

		build_route(batch, &refused);
	}
}

int inside_build(const struct plan *plan, const struct network_host *network, struct messages *ret, struct error *err)
{
	const struct net_plan *net = plan->network.net;
	struct batch *batch = batch_new(network->arena);

	/* pasta gives its interface all of this itself. */
	if (net->mode != NETWORK_MODE_PASTA) {
		link_no_autoconf(batch, K_NETWORK_INTERFACE, 0);
		build_addresses(batch, network);
		build_up(batch);
		build_routes(batch, plan, network);
	}
	if (net->rate_egress)
		link_rate(batch, K_NETWORK_RATE_EGRESS, 0, net->rate_egress);
	return batch_finish(batch, ret, err);
}
