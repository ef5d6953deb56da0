/* check_address: the rules between keys of the network section that compare addresses. See check.c for what a rule is.
 *
 * Most come for IPv4 and IPv6 alike: the rule's own key says of which family it is. What the host decides (whether a
 * bridge is there and which network it has, whether an address is free) is found out when the sandbox starts. Parent
 * only; pure. */
#include "profile/check.h"

#include <string.h>

#include "base/address.h"
#include "base/arena.h"

/* ---- addresses -------------------- */

/* What the profile says of the family that the rule's key is of. Addresses whose family is AF_UNSPEC are not said. */
struct side {
	struct address address, bridge, gateway;
	bool automatic; /* the address */
	bool none;      /* there is no address of this family, whatever the host */
};

static struct side side_of(const struct check *check, int family)
{
	const struct profile *profile = check->profile;
	const char *address = family == 6 ? profile->network.address6 : profile->network.address;
	const char *gateway = family == 6 ? profile->network.gateway6 : profile->network.gateway;
	const char *bridge = family == 6 ? profile->network.bridge.address6 : profile->network.bridge.address;
	bool pool = profile->network.bridge.name || profile->network.mode == NETWORK_MODE_PASTA;
	struct side side = { 0 };

	if (!(check_mode(check) & (MODES_MADE | MODE_MOVED)))
		return side;
	(void)address_parse_cidr(address, &side.address);
	(void)address_parse(gateway, &side.gateway);
	if (bridge && profile->network.mode == NETWORK_MODE_VETH)
		(void)address_parse_cidr(bridge, &side.bridge);
	side.automatic = strcmp(address, "auto") == 0;
	side.none = strcmp(address, "none") == 0 || (side.automatic && !pool);
	return side;
}

static struct side own_side(const struct check *check)
{
	return side_of(check, keys[check->key].family);
}

static const char *say(const struct check *check, const struct address *address, bool cidr, const char *what)
{
	char text[ADDRESS_TEXT_SIZE];

	return arena_format(check->arena, "%s %s", address_text(address, cidr, text), what);
}

static bool is_multicast(const struct address *address)
{
	return address->family == AF_INET ? (address->bytes[0] & 0xf0) == 0xe0 : address->bytes[0] == 0xff;
}

static bool is_broadcast(const struct address *address)
{
	static const uint8_t all[4] = { 255, 255, 255, 255 };

	return address->family == AF_INET && memcmp(address->bytes, all, sizeof(all)) == 0;
}

/* The address as of no single interface of a network; NULL when it may be one. */
static const char *unusable(const struct check *check, const struct address *address, bool cidr)
{
	if (address->family == AF_UNSPEC)
		return NULL;
	if (address_is_any(address) || address_is_loopback(address) || is_multicast(address) || is_broadcast(address))
		return say(check, address, cidr, "is no address that an interface of a network can have");
	return NULL;
}

/* The same, and neither the first address of its network nor, of IPv4, the last. */
static const char *not_a_host(const struct check *check, const struct address *address)
{
	int length = address->family == AF_INET ? 32 : 128;
	struct address other = address_network(address);
	const char *result = unusable(check, address, true);

	if (result || address->family == AF_UNSPEC || address->prefix >= length - 1)
		return result;
	if (address_same(address, &other))
		return say(check, address, true, "is the network itself, not an address in it");
	if (address->family == AF_INET6)
		return NULL;
	for (int bit = address->prefix; bit < length; bit++)
		other.bytes[bit / 8] |= (uint8_t)(0x80 >> bit % 8);
	return address_same(address, &other) ? say(check, address, true, "is the network's broadcast address") : NULL;
}

static const char *bad_bridge_address(const struct check *check)
{
	const struct side side = own_side(check);
	int longest = side.bridge.family == AF_INET ? 30 : 126;

	if (side.bridge.family != AF_UNSPEC && side.bridge.prefix > longest)
		return say(check, &side.bridge, true, "is a network without room for a sandbox");
	return not_a_host(check, &side.bridge);
}

static const char *bad_address(const struct check *check)
{
	const struct side side = own_side(check);

	return not_a_host(check, &side.address);
}

static const char *outside_bridge(const struct check *check)
{
	const struct side side = own_side(check);
	struct address network = address_network(&side.bridge);
	char text[ADDRESS_TEXT_SIZE], outer[ADDRESS_TEXT_SIZE];

	if (side.bridge.family == AF_UNSPEC || side.address.family == AF_UNSPEC ||
	    address_within(&side.address, &side.bridge))
		return NULL;
	return arena_format(check->arena, "%s is outside the bridge's network, %s",
			    address_text(&side.address, true, text), address_text(&network, true, outer));
}

static const char *address_of_bridge(const struct check *check)
{
	const struct side side = own_side(check);
	bool same = side.address.family != AF_UNSPEC && address_same(&side.address, &side.bridge);

	return same ? say(check, &side.address, true, "is the bridge's own address") : NULL;
}

/* "auto" for both families, or "none" for one, where nothing gives an address. */
static const char *no_address(const struct check *check)
{
	const struct side four = side_of(check, 4), six = side_of(check, 6);
	bool wanted = check_mode(check) & (MODES_MADE & ~MODE(PASTA));

	return BROKEN(wanted && four.none && six.none && (four.automatic || six.automatic));
}

static const char *nothing_to_reach(const struct check *check)
{
	const struct side four = side_of(check, 4), six = side_of(check, 6);
	bool none = four.none && six.none && !four.automatic && !six.automatic;

	return BROKEN(none && check_mode(check) & MODE(VETH) && check_is_said(check, check->key));
}

/* ---- gateways and routes -------------------- */

static const char *bad_gateway(const struct check *check)
{
	const struct side side = own_side(check);

	if (side.gateway.family != AF_UNSPEC && address_same(&side.gateway, &side.address))
		return say(check, &side.gateway, false, "is the sandbox's own address");
	return unusable(check, &side.gateway, false);
}

static const char *gateway_without_address(const struct check *check)
{
	const struct side side = own_side(check);

	return BROKEN(side.gateway.family != AF_UNSPEC && side.none);
}

/* A link-local next hop is on the link, whatever the network. */
static const char *gateway_outside(const struct check *check)
{
	const struct side side = own_side(check);
	struct address network = side.automatic ? side.bridge : side.address;
	char text[ADDRESS_TEXT_SIZE], outer[ADDRESS_TEXT_SIZE];

	if (side.gateway.family == AF_UNSPEC || network.family == AF_UNSPEC ||
	    address_within(&side.gateway, &network) ||
	    (side.gateway.family == AF_INET6 && address_is_link_local(&side.gateway)))
		return NULL;
	network = address_network(&network);
	return arena_format(check->arena, "%s is outside the interface's own network, %s",
			    address_text(&side.gateway, false, text), address_text(&network, true, outer));
}

static struct address route_to(const struct check *check)
{
	struct address to = { .family = AF_UNSPEC };

	(void)address_parse_cidr(check->profile->network.routes.items[check->index].to, &to);
	return to;
}

static const char *route_to_host(const struct check *check)
{
	struct address to = route_to(check), network = address_network(&to);
	char text[ADDRESS_TEXT_SIZE], first[ADDRESS_TEXT_SIZE];

	if (address_same(&to, &network))
		return NULL;
	return arena_format(check->arena, "%s is an address in a network; the network is %s",
			    address_text(&to, true, text), address_text(&network, true, first));
}

static const char *second_default(const struct check *check)
{
	struct address to = route_to(check);
	const char *gateway =
		to.family == AF_INET6 ? check->profile->network.gateway6 : check->profile->network.gateway;

	return BROKEN(to.prefix == 0 && strcmp(gateway, "none") != 0);
}

static const char *bad_via(const struct check *check)
{
	const char *text = check->profile->network.routes.items[check->index].via;
	struct address to = route_to(check), via = { .family = AF_UNSPEC };

	if (!text || address_parse(text, &via))
		return NULL;
	if (via.family != to.family)
		return say(check, &via, false,
			   via.family == AF_INET ? "is of IPv4, the route of IPv6" : "is of IPv6, the route of IPv4");
	return unusable(check, &via, false);
}

/* ---- published ports -------------------- */

static const char *bad_listen(const struct check *check)
{
	struct address listen = { .family = AF_UNSPEC };

	(void)address_parse(check->profile->network.publish.items[check->index].listen, &listen);
	if (is_multicast(&listen) || is_broadcast(&listen))
		return say(check, &listen, false, "is no address of one host");
	if (listen.family == AF_INET6 && address_is_link_local(&listen))
		return say(check, &listen, false, "is link-local: it says nothing without an interface");
	return NULL;
}

/* Addresses are in their one usual form by now. */
static bool covers(const char *listen, const char *other)
{
	return strcmp(listen, strchr(other, ':') ? "::" : "0.0.0.0") == 0;
}

static const char *published_twice(const struct check *check)
{
	const struct published_port *ports = check->profile->network.publish.items, *port = &ports[check->index];

	for (size_t i = 0; i < check->index; i++)
		if (ports[i].host == port->host && ports[i].protocol == port->protocol &&
		    (covers(ports[i].listen, port->listen) || covers(port->listen, ports[i].listen)))
			return arena_format(check->arena, "port %d/%s is published on %s already", port->host,
					    keys[K_NETWORK_PUBLISH_PROTOCOL].values[port->protocol], ports[i].listen);
	return NULL;
}

/* For IPv4 and for IPv6. */
/* clang-format off */
#define BOTH(key, ...) { key, __VA_ARGS__ }, { key##6, __VA_ARGS__ }
/* clang-format on */

static const struct rule rules[] = {
	BOTH(K_NETWORK_BRIDGE_ADDRESS, bad_bridge_address, "",
	     "the bridge has an address in the sandboxes' network, such as 10.88.0.1/16 or fd00:88::1/64"),
	BOTH(K_NETWORK_ADDRESS, bad_address, "", NULL),
	BOTH(K_NETWORK_ADDRESS, outside_bridge, "", "take one of that network, or \"auto\" for a free one"),
	BOTH(K_NETWORK_ADDRESS, address_of_bridge, "", "take another, or \"auto\" for a free one"),
	{ K_NETWORK_ADDRESS, no_address, "\"auto\" finds no address: there is no bridge with a network to take it from",
	  "write the address, or \"none\" for both families" },
	{ K_NETWORK_NAT, nothing_to_reach, "needs an address to translate", "let network.address or address6 be one" },
	{ K_NETWORK_PUBLISH, nothing_to_reach, "needs an address to lead to",
	  "let network.address or address6 be one" },
	BOTH(K_NETWORK_GATEWAY, bad_gateway, "", NULL),
	BOTH(K_NETWORK_GATEWAY, gateway_without_address,
	     "cannot be reached: the interface has no address of its family", NULL),
	BOTH(K_NETWORK_GATEWAY, gateway_outside, "", "it can only be reached on the interface's own network"),
	{ K_NETWORK_ROUTES_TO, route_to_host, "", NULL },
	{ K_NETWORK_ROUTES_TO, second_default, "would be a second default route",
	  "set network.gateway, or write \"none\" there" },
	{ K_NETWORK_ROUTES_VIA, bad_via, "", NULL },
	{ K_NETWORK_PUBLISH_LISTEN, bad_listen, "", NULL },
	{ K_NETWORK_PUBLISH_LISTEN, published_twice, "", "0.0.0.0 and :: stand for every address of their family" },
};

int check_addresses(const struct reader *reader, const struct profile *profile)
{
	return check_rules(reader, profile, rules, sizeof(rules) / sizeof(rules[0]));
}
