/* check_network: the rules between keys of the network section, but for those about addresses (check_address.c). See
 * check.c for what a rule is. Parent only; pure. */
#include "profile/check.h"

#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/text.h"

/* ---- what a key is for -------------------- */

/* The modes in which a key says something. Those that are not here always do. What pasta does anyway may be said there
 * too, so that a profile made for a veth is one for pasta by its mode alone. */
static const struct {
	int key;
	unsigned modes;
} meant[] = {
	{ K_NETWORK_INTERFACE, MODES_MADE | MODE_MOVED },
	{ K_NETWORK_INTERFACE_FROM, MODE(NONE) | MODE_MOVED },
	{ K_NETWORK_PARENT, MODE(MACVLAN) | MODE(IPVLAN) },
	{ K_NETWORK_MTU, MODES_MADE },
	{ K_NETWORK_MAC, MODES_MADE & ~MODE(IPVLAN) },
	{ K_NETWORK_BRIDGE_NAME, MODE(VETH) | MODE(PASTA) },
	{ K_NETWORK_ADDRESS, MODES_MADE | MODE_MOVED },
	{ K_NETWORK_ADDRESS6, MODES_MADE | MODE_MOVED },
	{ K_NETWORK_GATEWAY, MODES_MADE | MODE_MOVED },
	{ K_NETWORK_GATEWAY6, MODES_MADE | MODE_MOVED },
	{ K_NETWORK_ROUTES, (MODES_MADE & ~MODE(PASTA)) | MODE_MOVED },
	{ K_NETWORK_NAT, MODE(VETH) | MODE(PASTA) },
	{ K_NETWORK_FORWARDING, MODE(VETH) },
	{ K_NETWORK_PUBLISH, MODE(VETH) | MODE(PASTA) },
	{ K_NETWORK_OUTBOUND_DEFAULT, MODES_MADE | MODE_MOVED },
	{ K_NETWORK_OUTBOUND_RULES, MODES_MADE | MODE_MOVED },
	{ K_NETWORK_INBOUND_DEFAULT, MODES_MADE | MODE_MOVED },
	{ K_NETWORK_INBOUND_RULES, MODES_MADE | MODE_MOVED },
	{ K_NETWORK_RATE_EGRESS, MODES_MADE | MODE_MOVED },
	{ K_NETWORK_RATE_INGRESS, MODE(VETH) },
	{ K_NETWORK_SPOOF_PROTECTION, MODE(VETH) },
};

unsigned check_mode(const struct check *check)
{
	bool moved = check->profile->network.interface_from && check->profile->network.mode == NETWORK_MODE_NONE;

	return moved ? MODE_MOVED : 1u << check->profile->network.mode;
}

static const char *mode_name(const struct check *check)
{
	return keys[K_NETWORK_MODE].values[check->profile->network.mode];
}

/* Whether the key holds anything but its default. */
bool check_is_said(const struct check *check, int key)
{
	const char *field = (const char *)check->profile + keys[key].offset;
	const char *usual = (const char *)&profile_defaults + keys[key].offset;
	size_t count = 0;

	if (keys[key].type != TYPE_LIST)
		return !value_equal(key, field, usual);
	memcpy(&count, field + sizeof(void *), sizeof(count));
	return count;
}

static const char *meaningless(const struct check *check)
{
	struct text text = { 0 };
	unsigned modes = 0;
	const char *result = NULL;

	for (size_t i = 0; i < sizeof(meant) / sizeof(meant[0]); i++)
		if (meant[i].key == check->key)
			modes = meant[i].modes;
	if (modes & check_mode(check) || !check_is_said(check, check->key))
		return NULL;
	text_add(&text, "has no meaning for network.mode \"%s\": only for ", mode_name(check));
	for (int mode = 0, before = 0; keys[K_NETWORK_MODE].values[mode]; mode++)
		if (modes & 1u << mode)
			text_add(&text, "%s\"%s\"", before++ ? ", " : "", keys[K_NETWORK_MODE].values[mode]);
	if (modes & MODE_MOVED && !(modes & MODE(NONE)))
		text_add(&text, ", and with network.interface_from");
	result = arena_copy(check->arena, text.data ? text.data : "");
	text_free(&text);
	return result;
}

static const char *bridge_unnamed(const struct check *check)
{
	return BROKEN(!check->profile->network.bridge.name && check_is_said(check, check->key));
}

/* ---- namespaces, parents -------------------- */

static const char *no_namespace(const struct check *check)
{
	bool none = !check_has_namespace(check, "net") && !check_joins(check, JOIN_NAMESPACE_NET);

	return none && check_mode(check) & MODES_MADE ? arena_format(check->arena, "\"%s\"", mode_name(check)) : NULL;
}

static const char *joined_namespace(const struct check *check)
{
	bool joined = check_joins(check, JOIN_NAMESPACE_NET);

	return joined && check_mode(check) & MODES_MADE ? arena_format(check->arena, "\"%s\"", mode_name(check)) : NULL;
}

static const char *moved_without_namespace(const struct check *check)
{
	return BROKEN(check->profile->network.interface_from && !check_has_namespace(check, "net"));
}

static const char *no_parent(const struct check *check)
{
	bool wanted = check_mode(check) & (MODE(MACVLAN) | MODE(IPVLAN));

	return wanted && !check->profile->network.parent ? arena_format(check->arena, "\"%s\"", mode_name(check))
							 : NULL;
}

/* ---- name servers -------------------- */

static const char *too_many_servers(const struct check *check)
{
	size_t count = check->profile->network.dns.servers.count;

	return count > 3 ? arena_format(check->arena, "%zu name servers", count) : NULL;
}

/* Something that would end the word, or begin a line of its own in resolv.conf. */
static const char *no_words(const struct check *check, const struct strings *strings)
{
	for (size_t i = 0; i < strings->count; i++) {
		const char *at = strings->items[i];

		while ((unsigned char)*at > ' ' && *at != 0x7f && !strchr("#;", *at))
			at++;
		if (*at || at == strings->items[i])
			return arena_format(check->arena, "\"%s\"", strings->items[i]);
	}
	return NULL;
}

static const char *bad_search(const struct check *check)
{
	return no_words(check, &check->profile->network.dns.search);
}

static const char *bad_options(const struct check *check)
{
	return no_words(check, &check->profile->network.dns.options);
}

/* ---- rules and rates -------------------- */

static const char *outbound_icmp_port(const struct check *check)
{
	const struct outbound_rule *rule = &check->profile->network.outbound.rules.items[check->index];

	return BROKEN(rule->protocol == NETWORK_OUTBOUND_RULES_PROTOCOL_ICMP && strcmp(rule->port, "any") != 0);
}

static const char *inbound_icmp_port(const struct check *check)
{
	const struct inbound_rule *rule = &check->profile->network.inbound.rules.items[check->index];

	return BROKEN(rule->protocol == NETWORK_INBOUND_RULES_PROTOCOL_ICMP && strcmp(rule->port, "any") != 0);
}

static const char *no_rate(const struct check *check)
{
	uint64_t rate = *(const uint64_t *)((const char *)check->profile + keys[check->key].offset);

	return BROKEN(rate < 1024);
}

/* With the one the payload can change what holds it, with the other send packets that pass it by: a packet socket is
 * before the filter, and with PACKET_QDISC_BYPASS before the queue. */
static const char *means_to_evade(const struct check *check)
{
	static const char *const capabilities[] = { "NET_ADMIN", "NET_RAW" };

	for (size_t i = 0; i < 2; i++)
		if (check_keeps(check, capabilities[i]))
			return capabilities[i];
	return NULL;
}

/* Where no mode forbids them altogether. */
static const char *evades_filter(const struct check *check)
{
	static const int limits[] = { K_NETWORK_OUTBOUND_DEFAULT, K_NETWORK_OUTBOUND_RULES, K_NETWORK_INBOUND_DEFAULT,
				      K_NETWORK_INBOUND_RULES, K_NETWORK_RATE_EGRESS };

	for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++)
		if (check_is_said(check, limits[i]) && check_mode(check) & (MODE(VETH) | MODE_MOVED))
			return means_to_evade(check);
	return NULL;
}

/* pasta takes packets for the host's own addresses there; only rules inside are in the way. */
static const char *reaches_host(const struct check *check)
{
	return check_mode(check) & MODE(PASTA) ? means_to_evade(check) : NULL;
}

static const char *takes_neighbours_address(const struct check *check)
{
	return check_mode(check) & (MODE(MACVLAN) | MODE(IPVLAN)) ? means_to_evade(check) : NULL;
}

static const struct rule rules[] = {
	{ K_NETWORK_MODE, no_namespace, " needs a net namespace of the sandbox's own",
	  "write namespaces = { add = [ \"net\" ]; }" },
	{ K_NETWORK_MODE, joined_namespace, " makes an interface, and a joined namespace has those that it has",
	  "write network.mode = \"none\"" },
	{ K_NETWORK_INTERFACE_FROM, moved_without_namespace, "needs a net namespace of the sandbox's own", NULL },
	{ K_NETWORK_MODE, no_parent, " needs network.parent",
	  "name an interface of the host, as `ip link` lists them" },
	{ K_NETWORK_BRIDGE_CREATE, bridge_unnamed, "needs network.bridge.name", NULL },
	{ K_NETWORK_BRIDGE_ISOLATED, bridge_unnamed, "needs network.bridge.name", NULL },
	{ K_NETWORK_DNS_SERVERS, too_many_servers, "; the resolver asks three at most", NULL },
	{ K_NETWORK_DNS_SEARCH, bad_search, " is no domain", NULL },
	{ K_NETWORK_DNS_OPTIONS, bad_options, " is no option of resolv.conf(5)", NULL },
	{ K_NETWORK_OUTBOUND_RULES_PORT, outbound_icmp_port, "has no meaning for protocol \"icmp\"", NULL },
	{ K_NETWORK_INBOUND_RULES_PORT, inbound_icmp_port, "has no meaning for protocol \"icmp\"", NULL },
	{ K_NETWORK_RATE_EGRESS, no_rate, "lets nothing through", "the least is 1K, 1024 bytes per second" },
	{ K_NETWORK_RATE_INGRESS, no_rate, "lets nothing through", "the least is 1K, 1024 bytes per second" },
	{ K_CAPABILITIES_KEEP, evades_filter, " would let the payload evade network.outbound, inbound and rate.egress",
	  "give up NET_ADMIN and NET_RAW, or these limits" },
	{ K_CAPABILITIES_KEEP, reaches_host, " would let the payload reach the host's own services through pasta",
	  "give up NET_ADMIN and NET_RAW" },
	{ K_CAPABILITIES_KEEP, takes_neighbours_address,
	  " would let the payload take any address on the network of network.parent", "give up NET_ADMIN and NET_RAW" },
};

int check_network(const struct reader *reader, const struct profile *profile)
{
	int result = check_rules(reader, profile, rules, sizeof(rules) / sizeof(rules[0]));

	result |= check_addresses(reader, profile);
	for (size_t i = 0; i < sizeof(meant) / sizeof(meant[0]); i++) {
		const struct rule rule = { meant[i].key, meaningless, "", NULL };

		result |= check_rules(reader, profile, &rule, 1);
	}
	return result;
}
