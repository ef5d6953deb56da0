/* network_table_entries: the elements of one sandbox in its segment's table, from the plan and what host found out.
 * Computes only; the same for putting in and for taking out.
 *
 * Rules with to = "host" become single ports, blocks of 256 and whole protocols, which sets that hash can hold: adding
 * and removing costs the same whoever else is there (a set of intervals takes 10 ms to lose one of 500 elements). They
 * are the sum of what is allowed: the order of rules, and what they deny, is the filter's inside (network_filter.c).
 */
#include "stage/network_segment.h"
#include "stage/network_table.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCK = 256 };

struct builder {
	const struct plan *plan;
	const struct network_host *network;
	struct table_entries *ret;
	bool failed; /* no memory */
	struct table_entry scrap;
};

static int is_six(const struct address *address)
{
	return address->family == AF_INET6;
}

struct table_entry *table_entry_new(struct arena *arena, struct table_entries *entries)
{
	if (entries->count == entries->room) {
		size_t room = entries->room ? entries->room * 2 : 16;
		struct table_entry *items = arena_array(arena, room, sizeof(*items));

		if (!items)
			return NULL;
		if (entries->count)
			memcpy(items, entries->items, entries->count * sizeof(*items));
		entries->items = items;
		entries->room = room;
	}
	return &entries->items[entries->count++];
}

/* Never NULL: without memory, one that nobody looks at. */
static struct table_entry *add(struct builder *builder, const char *set, int key, const char *what)
{
	struct table_entry *entry = table_entry_new(builder->network->arena, builder->ret);

	builder->failed |= !entry;
	if (!entry)
		entry = &builder->scrap;
	*entry = (struct table_entry){ .set = set, .key = key, .index = -1, .what = what };
	return entry;
}

static void put(uint8_t *to, uint32_t *size, const void *data, size_t length)
{
	memcpy(to + *size, data, length);
	*size += (uint32_t)(length + 3) & ~3U;
}

static void put_port(uint8_t *to, uint32_t *size, uint16_t port)
{
	uint16_t value = htons(port);

	put(to, size, &value, sizeof(value));
}

/* ---- published ports */

/* The sandbox's address that a published port leads to; NULL: it has none of that family. */
static const struct address *target(const struct builder *builder, const struct published *published)
{
	const struct address *address =
		is_six(&published->listen) ? &builder->network->address6 : &builder->network->address;

	return address->family == AF_UNSPEC ? NULL : address;
}

static void add_published(struct builder *builder, const struct published *published)
{
	const struct address *address = target(builder, published);
	bool any = address_is_any(&published->listen);
	uint8_t protocol = (uint8_t)published->protocol;
	struct table_entry *entry = add(builder, table_sets[any ? MAP_ANY : MAP_EXACT][is_six(&published->listen)],
					K_NETWORK_PUBLISH, "publish the port");
	struct nft_element *element = &entry->element;

	entry->index = published->index;
	entry->exclusive = true;
	if (!any)
		put(element->key, &element->key_size, published->listen.bytes, address_size(&published->listen));
	put(element->key, &element->key_size, &protocol, sizeof(protocol));
	put_port(element->key, &element->key_size, published->host);
	put(element->data, &element->data_size, address->bytes, address_size(address));
	put_port(element->data, &element->data_size, published->guest);
}

/* Elements of one set stand together. */
static int add_all_published(struct builder *builder, struct error *err)
{
	const struct network_host *network = builder->network;

	for (int pass = 0; pass < 4; pass++)
		for (size_t i = 0; i < network->published_count; i++) {
			const struct published *published = &network->published[i];

			if (address_is_loopback(&published->listen) ||
			    pass != is_six(&published->listen) * 2 + address_is_any(&published->listen))
				continue;
			if (!target(builder, published))
				return fail_at(err, K_NETWORK_PUBLISH_LISTEN, published->index,
					       "cannot publish on an %s address: the sandbox has none",
					       is_six(&published->listen) ? "IPv6" : "IPv4");
			add_published(builder, published);
		}
	return 0;
}

/* ---- what it may reach of the host */

struct range {
	uint16_t first, last;
};

static int compare_ranges(const void *one, const void *other)
{
	const struct range *a = one, *b = other;

	return (a->first > b->first) - (a->first < b->first);
}

/* Sorts, and joins what overlaps. */
static size_t join_ranges(struct range *ranges, size_t count)
{
	size_t kept = 0;

	if (count)
		qsort(ranges, count, sizeof(*ranges), compare_ranges);
	for (size_t i = 1; i < count; i++) {
		if (ranges[i].first > ranges[kept].last)
			ranges[++kept] = ranges[i];
		else if (ranges[i].last > ranges[kept].last)
			ranges[kept].last = ranges[i].last;
	}
	return count ? kept + 1 : 0;
}

/* `protocol` 0: all; `port` only in sets that have one. */
static void add_host_entry(struct builder *builder, const struct address *address, enum set_id set, uint8_t protocol,
			   uint16_t port)
{
	struct table_entry *entry = add(builder, table_sets[set][is_six(address)], K_NETWORK_OUTBOUND_RULES,
					"let the sandbox reach the host");
	struct nft_element *element = &entry->element;

	put(element->key, &element->key_size, address->bytes, address_size(address));
	if (set != SET_HOST)
		put(element->key, &element->key_size, &protocol, sizeof(protocol));
	if (set == SET_HOST_BLOCK || set == SET_HOST_PORT)
		put_port(element->key, &element->key_size, port);
}

static void add_host_range(struct builder *builder, const struct address *address, uint8_t protocol,
			   const struct range *range)
{
	if (!range->first && range->last == UINT16_MAX) {
		add_host_entry(builder, address, SET_HOST_PROTOCOL, protocol, 0);
		return;
	}
	for (unsigned port = range->first; port <= range->last;) {
		bool block = port % BLOCK == 0 && port + BLOCK - 1 <= range->last;

		add_host_entry(builder, address, block ? SET_HOST_BLOCK : SET_HOST_PORT, protocol, (uint16_t)port);
		port += block ? BLOCK : 1;
	}
}

static bool opens_host(const struct outbound_rule *rule)
{
	return rule->verdict == NETWORK_OUTBOUND_RULES_VERDICT_ALLOW && !strcmp(rule->to, "host");
}

/* Whether a rule speaks of `protocol`, 0 being all of them; icmp has no ports here. */
static bool speaks_of(const struct outbound_rule *rule, int protocol, struct range *ret)
{
	bool any = rule->protocol == NETWORK_OUTBOUND_RULES_PROTOCOL_ANY;
	bool ported = !address_parse_ports(rule->port, &ret->first, &ret->last);

	if (!ported)
		*ret = (struct range){ 0, UINT16_MAX };
	if (!protocol)
		return any && !ported;
	if (protocol == IPPROTO_TCP)
		return any || rule->protocol == NETWORK_OUTBOUND_RULES_PROTOCOL_TCP;
	if (protocol == IPPROTO_UDP)
		return any || rule->protocol == NETWORK_OUTBOUND_RULES_PROTOCOL_UDP;
	return rule->protocol == NETWORK_OUTBOUND_RULES_PROTOCOL_ICMP;
}

static size_t ranges_of(const struct outbound_rule_list *rules, int protocol, struct range *ret)
{
	size_t count = 0;

	for (size_t i = 0; i < rules->count; i++)
		if (opens_host(&rules->items[i]) && speaks_of(&rules->items[i], protocol, &ret[count]))
			count++;
	return join_ranges(ret, count);
}

static void add_host(struct builder *builder, const struct address *address, struct range *room)
{
	const struct outbound_rule_list *rules = &builder->plan->profile->network.outbound.rules;
	const uint8_t protocols[] = { IPPROTO_TCP, IPPROTO_UDP,
				      address->family == AF_INET ? IPPROTO_ICMP : IPPROTO_ICMPV6 };

	if (ranges_of(rules, 0, room)) { /* this includes all others */
		add_host_entry(builder, address, SET_HOST, 0, 0);
		return;
	}
	for (size_t i = 0; i < sizeof(protocols); i++) {
		size_t count = ranges_of(rules, protocols[i], room);

		for (size_t j = 0; j < count; j++)
			add_host_range(builder, address, protocols[i], &room[j]);
	}
}

/* ---- all of it */

static void add_address(struct builder *builder, const struct address *address, struct range *room)
{
	const struct net_plan *net = builder->plan->network.net;
	const struct {
		bool wanted;
		enum set_id set;
		int key;
		const char *what;
	} plain[] = {
		{ true, SET_MEMBER, K_NETWORK_ADDRESS, "note the sandbox's address" },
		{ net->nat, SET_NAT, K_NETWORK_NAT, "hide the sandbox behind the host's address" },
		{ !net->isolated, SET_OPEN, K_NETWORK_BRIDGE_ISOLATED, "let sandboxes reach each other" },
	};

	if (address->family == AF_UNSPEC)
		return;
	for (size_t i = 0; i < sizeof(plain) / sizeof(plain[0]); i++) {
		struct table_entry *entry = NULL;

		if (!plain[i].wanted)
			continue;
		entry = add(builder, table_sets[plain[i].set][is_six(address)], plain[i].key, plain[i].what);
		put(entry->element.key, &entry->element.key_size, address->bytes, address_size(address));
		entry->exclusive = plain[i].set == SET_MEMBER;
	}
	add_host(builder, address, room);
}

int table_entries(const struct table_site *site, const struct plan *plan, const struct network_host *network,
		  struct table_entries *ret, struct error *err)
{
	struct builder builder = { .plan = plan, .network = network, .ret = ret };
	size_t rules = plan->profile->network.outbound.rules.count;
	struct range *room = arena_array(network->arena, rules + 1, sizeof(*room));

	*ret = (struct table_entries){ 0 };
	if (!room)
		return fail_errno(err, K_NETWORK_MODE, "cannot list what to put into the nftables table");
	if (!site->bridge && network->link[0]) {
		struct table_entry *entry = add(&builder, table_links, K_NETWORK_MODE, "note the interface");

		put(entry->element.key, &entry->element.key_size, network->link, IFNAMSIZ);
	}
	add_address(&builder, &network->address, room);
	add_address(&builder, &network->address6, room);
	if (add_all_published(&builder, err))
		return -1;
	if (!builder.failed)
		return 0;
	errno = ENOMEM;
	return fail_errno(err, K_NETWORK_MODE, "cannot list what to put into the nftables table");
}
