/* network_bridge: the bridge of a segment: found, or made. Parent, host column, under the segment's mutex.
 *
 * A bridge that is there is used if it is one, and has the address that the profile says; whose it is shows its group
 * (ip-link(8)), which is given when it is made, in one message: ours are taken down with the last sandbox
 * (network_segment.c), others are left alone. A new one gets a network that the host has no other way into: what the
 * sandboxes are to reach must not be somewhere else. */
#include <errno.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <string.h>

#include "stage/network_link.h"
#include "stage/network_segment.h"

static int refuse(struct error *err)
{
	return error_exit(err, EXIT_OF_HOST);
}

struct wanted {
	struct address address; /* family alone: any of it */
	bool found;
	struct address first;
};

static int see_address(const struct listed *listed, void *with)
{
	struct wanted *wanted = with;

	if (listed->address.family != wanted->address.family || address_is_link_local(&listed->address))
		return 0;
	if (!wanted->first.family)
		wanted->first = listed->address;
	wanted->found |=
		address_same(&listed->address, &wanted->address) && listed->address.prefix == wanted->address.prefix;
	return 0;
}

/* One family's address of a bridge that is there: the profile's must be among its own; without one the first holds. */
static int adopt_address(const struct segment *segment, int key, int family, struct address *address, struct error *err)
{
	struct wanted wanted = { .address = *address };
	char text[ADDRESS_TEXT_SIZE], other[ADDRESS_TEXT_SIZE];

	wanted.address.family = family;
	if (addresses_each(segment->route, segment->bridge.index, see_address, &wanted, err))
		return -1;
	if (!address->family) {
		*address = wanted.first;
		return 0;
	}
	if (wanted.found)
		return 0;
	fail(err, key, "cannot use the bridge %s: it does not have the address %s", segment->site.bridge,
	     address_text(address, true, text));
	if (wanted.first.family)
		error_remedy(err, "it has %s", address_text(&wanted.first, true, other));
	return refuse(err);
}

int segment_look(struct segment *segment, const struct net_plan *net, struct error *err)
{
	struct table_site *site = &segment->site;
	int found = 0;

	site->address = net->bridge_address;
	site->address6 = net->bridge_address6;
	if (!site->bridge)
		return 0;
	found = link_find(segment->route, site->bridge, &segment->bridge, err);
	if (found < 0)
		return -1;
	if (found && strcmp(segment->bridge.kind, "bridge") != 0) {
		fail(err, K_NETWORK_BRIDGE_NAME, "cannot use %s as a bridge: it is an interface of another kind%s%s",
		     site->bridge, segment->bridge.kind[0] ? ": " : "", segment->bridge.kind);
		return refuse(err);
	}
	if (found)
		return adopt_address(segment, K_NETWORK_BRIDGE_ADDRESS, AF_INET, &site->address, err) ||
				       adopt_address(segment, K_NETWORK_BRIDGE_ADDRESS6, AF_INET6, &site->address6, err)
			       ? -1
			       : 0;
	if (!net->bridge_create) {
		fail(err, K_NETWORK_BRIDGE_NAME, "cannot find the bridge %s", site->bridge);
		error_remedy(err, "make it, or write network.bridge.create = true");
		return refuse(err);
	}
	if (!site->address.family && !site->address6.family) {
		fail(err, K_NETWORK_BRIDGE_NAME, "cannot make the bridge %s: it has no address", site->bridge);
		error_remedy(err, "give network.bridge.address, such as \"10.88.0.1/16\"");
		return error_exit(err, EXIT_OF_PROFILE);
	}
	return 0;
}

struct overlap {
	struct address network;
	int except; /* index of an interface */
	int interface;
	struct address with;
};

static int see_route(const struct listed *listed, void *with)
{
	struct overlap *overlap = with;

	if (listed->address.prefix && listed->interface != overlap->except &&
	    address_overlap(&listed->address, &overlap->network)) {
		overlap->interface = listed->interface;
		overlap->with = listed->address;
	}
	return 0;
}

int segment_check_overlap(int route, int key, const struct address *address, int except, struct error *err)
{
	struct overlap overlap = { .network = *address, .except = except };
	char text[ADDRESS_TEXT_SIZE], other[ADDRESS_TEXT_SIZE], name[IF_NAMESIZE] = "?";

	if (!address->family)
		return 0;
	if (routes_each(route, 0, see_route, &overlap, err))
		return -1;
	if (!overlap.with.family)
		return 0;
	(void)if_indextoname((unsigned)overlap.interface, name);
	fail(err, key, "cannot use the network %s: the host reaches %s of it through %s",
	     address_text(address, true, text), address_text(&overlap.with, true, other), name);
	error_remedy(err, "choose a network that the host has no route to; `ip route` lists them");
	return refuse(err);
}

static void build_address(struct batch *batch, const struct segment *segment, int key, const struct address *address)
{
	char text[ADDRESS_TEXT_SIZE];

	if (address->family)
		link_address(batch, key, segment->bridge.index, address, address_text(address, true, text));
}

/* With an address of its own, or the bridge would take that of a port, and change it when the port goes. Multicast
 * snooping is off: nothing on the bridge asks for it, and it is work for every port that comes and goes. */
static int make_bridge(struct segment *segment, struct arena *arena, struct error *err)
{
	struct ifinfomsg header = { .ifi_family = AF_UNSPEC };
	struct batch *batch = batch_new(arena);
	const char *name = segment->site.bridge;
	uint8_t mac[MAC_SIZE];

	if (mac_random(mac))
		return fail_errno(err, K_NETWORK_BRIDGE_NAME, "cannot get random bytes");
	batch_message(batch, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, &header, sizeof(header));
	batch_label(batch, K_NETWORK_BRIDGE_NAME, -1, "make the bridge %s", name);
	batch_text(batch, IFLA_IFNAME, name);
	batch_put(batch, IFLA_ADDRESS, mac, sizeof(mac));
	batch_u32(batch, IFLA_GROUP, OUR_GROUP);
	batch_nest(batch, IFLA_LINKINFO);
	batch_text(batch, IFLA_INFO_KIND, "bridge");
	batch_nest(batch, IFLA_INFO_DATA);
	batch_u8(batch, IFLA_BR_MCAST_SNOOPING, 0);
	batch_end(batch);
	batch_end(batch);
	if (batch_send(batch, segment->route, err))
		return -1;
	return link_find(segment->route, name, &segment->bridge, err) < 0 ? -1 : 0;
}

static int furnish_bridge(struct segment *segment, struct arena *arena, struct error *err)
{
	struct ifinfomsg header = { .ifi_index = segment->bridge.index, .ifi_flags = IFF_UP, .ifi_change = IFF_UP };
	struct batch *batch = batch_new(arena);

	link_no_autoconf(batch, K_NETWORK_BRIDGE_NAME, segment->bridge.index);
	build_address(batch, segment, K_NETWORK_BRIDGE_ADDRESS, &segment->site.address);
	build_address(batch, segment, K_NETWORK_BRIDGE_ADDRESS6, &segment->site.address6);
	if (segment->site.address6.family)
		link_local(batch, K_NETWORK_BRIDGE_ADDRESS6, segment->bridge.index);
	batch_message(batch, RTM_SETLINK, 0, &header, sizeof(header));
	batch_label(batch, K_NETWORK_BRIDGE_NAME, -1, "set the bridge %s up", segment->site.bridge);
	batch_text(batch, IFLA_IFALIAS, OUR_ALIAS);
	return batch_send(batch, segment->route, err);
}

int bridge_make(struct segment *segment, struct arena *arena, struct error *err)
{
	const struct table_site *site = &segment->site;

	if (segment_check_overlap(segment->route, K_NETWORK_BRIDGE_ADDRESS, &site->address, 0, err) ||
	    segment_check_overlap(segment->route, K_NETWORK_BRIDGE_ADDRESS6, &site->address6, 0, err))
		return -1;
	return make_bridge(segment, arena, err) || furnish_bridge(segment, arena, err) ? -1 : 0;
}
