/* network_table_entries: the elements of one sandbox in its segment's table, from the plan and what host found out.
 * Computes only; the same for putting in and for taking out.
 *
 * Rules with to = "host" become ranges of ports for each protocol, joined where they overlap, as a set wants them. They
 * are the sum of what is allowed: the order of rules, and what they deny, is the filter's inside (network_filter.c).
 */
#include "stage/network_table.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

struct builder {
	const struct plan *plan;
	const struct network_host *network;
	struct table_entries *ret;
};

static int is_six(const struct address *address)
{
	return address->family == AF_INET6;
}

static struct table_entry *add(const struct builder *builder, const char *set, int key, int index, const char *what)
{
	struct table_entry *entry = &builder->ret->items[builder->ret->count++];

	entry->set = set;
	entry->key = key;
	entry->index = index;
	entry->what = what;
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
	const struct address *address = is_six(&published->listen) ? &builder->network->address6 :
								     &builder->network->address;

	return address->family == AF_UNSPEC ? NULL : address;
}

static void add_published(const struct builder *builder, const struct published *published)
{
	const struct address *address = target(builder, published);
	bool any = address_is_any(&published->listen);
	uint8_t protocol = (uint8_t)published->protocol;
	struct table_entry *entry =
		add(builder, table_sets[any ? MAP_ANY : MAP_EXACT][is_six(&published->listen)], K_NETWORK_PUBLISH,
		    published->index, "publish the port");
	struct nft_element *element = &entry->element;

	if (!any)
		put(element->key, &element->key_size, published->listen.bytes, address_size(&published->listen));
	put(element->key, &element->key_size, &protocol, sizeof(protocol));
	put_port(element->key, &element->key_size, published->host);
	put(element->data, &element->data_size, address->bytes, address_size(address));
	put_port(element->data, &element->data_size, published->guest);
	entry->exclusive = true;
}

/* Elements of one set stand together. */
static int add_all_published(const struct builder *builder, struct error *err)
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

static void add_host_range(const struct builder *builder, const struct address *address, const uint8_t protocols[2],
			   const struct range *range)
{
	struct table_entry *entry = add(builder, table_sets[SET_HOST][is_six(address)], K_NETWORK_OUTBOUND_RULES, -1,
					"let the sandbox reach the host");
	struct nft_element *element = &entry->element;
	uint32_t size = 0;

	element->interval = true;
	put(element->key_end, &size, address->bytes, address_size(address));
	put(element->key_end, &size, &protocols[1], 1);
	put_port(element->key_end, &size, range->last);
	put(element->key, &element->key_size, address->bytes, address_size(address));
	put(element->key, &element->key_size, &protocols[0], 1);
	put_port(element->key, &element->key_size, range->first);
	entry->exclusive = true;
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

static void add_host(const struct builder *builder, const struct address *address, struct range *room)
{
	const struct outbound_rule_list *rules = &builder->plan->profile->network.outbound.rules;
	const uint8_t protocols[] = { IPPROTO_TCP, IPPROTO_UDP,
				      address->family == AF_INET ? IPPROTO_ICMP : IPPROTO_ICMPV6 };

	if (ranges_of(rules, 0, room)) { /* this includes all others */
		add_host_range(builder, address, (const uint8_t[]){ 0, UINT8_MAX }, &room[0]);
		return;
	}
	for (size_t i = 0; i < sizeof(protocols); i++) {
		size_t count = ranges_of(rules, protocols[i], room);

		for (size_t j = 0; j < count; j++)
			add_host_range(builder, address, (const uint8_t[]){ protocols[i], protocols[i] }, &room[j]);
	}
}

/* ---- all of it */

static void add_address(const struct builder *builder, const struct address *address, struct range *room)
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
		entry = add(builder, table_sets[plain[i].set][is_six(address)], plain[i].key, -1, plain[i].what);
		put(entry->element.key, &entry->element.key_size, address->bytes, address_size(address));
		entry->exclusive = plain[i].set == SET_MEMBER;
	}
	add_host(builder, address, room);
}

int table_entries(const struct table_site *site, const struct plan *plan, const struct network_host *network,
		  struct table_entries *ret, struct error *err)
{
	const struct builder builder = { .plan = plan, .network = network, .ret = ret };
	size_t rules = plan->profile->network.outbound.rules.count;
	struct range *room = arena_array(network->arena, rules + 1, sizeof(*room));

	/* Three plain ones and three ranges a rule for each family, and the interface. */
	*ret = (struct table_entries){
		.items = arena_array(network->arena, 2 * (3 + 3 * rules) + network->published_count + 1,
				     sizeof(*ret->items)),
	};
	if (!room || !ret->items)
		return fail_errno(err, K_NETWORK_MODE, "cannot list what to put into the nftables table");
	if (!site->bridge && network->link[0]) {
		struct table_entry *entry = add(&builder, table_links, K_NETWORK_MODE, -1, "note the interface");

		put(entry->element.key, &entry->element.key_size, network->link, IFNAMSIZ);
	}
	add_address(&builder, &network->address, room);
	add_address(&builder, &network->address6, room);
	return add_all_published(&builder, err);
}
