/* network_table_rules: the sets and rules of a segment's table on the host, made once with it. Builds messages only;
 * who sends them, and why, is in network_table.c.
 *
 *   prerouting, output  a connection to a published port goes to the sandbox. One to a loopback address never does: the
 *                       answer could not come back; the socket that holds the port serves those (network_publish).
 *   postrouting         who has nat leaves with the host's address. So does the host itself towards a published port,
 *                       and one sandbox towards another's, so that answers come back this way.
 *   input               from a sandbox to the host: answers, what IPv6 needs, echo, and what the profile opens with
 *                       to = "host", all towards the host's own address there only; anything else is refused.
 *   forward             sandbox to sandbox, also by way of the host: if neither is isolated, and never from another
 *                       segment. From elsewhere, whose address is hidden by nat is reached through published ports
 *                       only. All else is the host's own affair: the rest passes.
 *
 * An error (ICMP) counts as an answer of the connection that it says it is about, whoever made it up: it passes only
 * where its maker may speak to whom it is for.
 *
 * To accept here ends this table's say alone: chains of other tables on the same hook are asked as well.
 */
#include "stage/network_segment.h"
#include "stage/network_table.h"

#include <netinet/icmp6.h>

#include "base/format.h"

enum {
	PRIORITY_DNAT = -100, /* NF_IP_PRI_NAT_DST and _SRC of linux/netfilter_ipv4.h */
	PRIORITY_SNAT = 100,
	ECHO_REQUEST = 8,
};

const char *const table_sets[SET_COUNT][2] = {
	[SET_MEMBER] = { "sandboxes4", "sandboxes6" },
	[SET_NAT] = { "nat4", "nat6" },
	[SET_OPEN] = { "open4", "open6" },
	[SET_HOST] = { "host4", "host6" },
	[SET_HOST_PROTOCOL] = { "host-protocols4", "host-protocols6" },
	[SET_HOST_BLOCK] = { "host-blocks4", "host-blocks6" },
	[SET_HOST_PORT] = { "host-ports4", "host-ports6" },
	[MAP_EXACT] = { "published4", "published6" },
	[MAP_ANY] = { "published-any4", "published-any6" },
};
const char table_links[] = "links";

const char *table_name(const struct table_site *site, char to[64])
{
	(void)format_text(to, 64, site->bridge ? "sandbox-%s" : "sandbox", site->bridge);
	return to;
}

static void make_sets(const struct nft *nft, int six)
{
	uint32_t type = six ? NFT_TYPE_IPV6 : NFT_TYPE_IPV4, size = six ? 16 : 4;
	uint32_t service = NFT_JOIN(NFT_TYPE_PROTOCOL, NFT_TYPE_PORT);
	uint32_t joined = NFT_JOIN(NFT_JOIN(type, NFT_TYPE_PROTOCOL), NFT_TYPE_PORT);
	struct nft_set sets[SET_COUNT] = {
		[SET_MEMBER] = { .key_type = type, .key_size = size },
		[SET_NAT] = { .key_type = type, .key_size = size },
		[SET_OPEN] = { .key_type = type, .key_size = size },
		[SET_HOST] = { .key_type = type, .key_size = size },
		[SET_HOST_PROTOCOL] = { .key_type = NFT_JOIN(type, NFT_TYPE_PROTOCOL), .key_size = size + 4 },
		[SET_HOST_BLOCK] = { .key_type = joined, .key_size = size + 8 },
		[SET_HOST_PORT] = { .key_type = joined, .key_size = size + 8 },
		[MAP_EXACT] = { .key_type = joined, .key_size = size + 8 },
		[MAP_ANY] = { .key_type = service, .key_size = 8 },
	};

	for (size_t i = 0; i < SET_COUNT; i++) {
		sets[i].name = table_sets[i][six];
		if (i == MAP_EXACT || i == MAP_ANY) {
			sets[i].data_type = NFT_JOIN(type, NFT_TYPE_PORT);
			sets[i].data_size = size + 4;
		}
		nft_set(nft, &sets[i]);
	}
}

/* ---- rules. Of whom they speak is in the table's site: a bridge, or the interfaces in a set. */

struct maker {
	struct nft nft;
	const struct table_site *site;
};

static void match_segment(const struct maker *maker, int what, bool it_is)
{
	const struct nft *nft = &maker->nft;

	if (!maker->site->bridge) {
		nft_meta(nft, 0, what);
		nft_lookup(nft, table_links, !it_is);
	} else if (it_is) {
		nft_interface(nft, what, maker->site->bridge);
	} else {
		nft_interface_not(nft, what, maker->site->bridge);
	}
}

static void load_address(const struct nft *nft, bool source, int six)
{
	unsigned offset = six ? (source ? 8 : 24) : (source ? 12 : 16);

	nft_payload(nft, 0, NFT_PAYLOAD_NETWORK_HEADER, offset, six ? 16 : 4);
}

/* Protocol and port, behind what is loaded already. */
static void load_service(const struct nft *nft, int to)
{
	nft_meta(nft, to, NFT_META_L4PROTO);
	nft_payload(nft, to + 1, NFT_PAYLOAD_TRANSPORT_HEADER, 2, 2);
}

static void match_set(const struct nft *nft, bool source, enum set_id set, int six)
{
	nft_family(nft, six ? AF_INET6 : AF_INET);
	load_address(nft, source, six);
	nft_lookup(nft, table_sets[set][six], false);
}

static void refuse(const struct nft *nft)
{
	nft_goto(nft, NFT_REFUSE);
	nft_rule_end(nft, NULL);
}

static void accept_it(const struct nft *nft)
{
	nft_accept(nft);
	nft_rule_end(nft, NULL);
}

static void make_dnat(const struct maker *maker, const char *chain, int hook)
{
	static const struct address loopback[2] = {
		{ .family = AF_INET, .bytes = { 127 }, .prefix = 8 },
		{ .family = AF_INET6, .bytes = { [15] = 1 }, .prefix = 128 },
	};
	const struct nft *nft = &maker->nft;

	nft_base_chain(nft, chain, "nat", hook, PRIORITY_DNAT);
	for (int six = 0; six < 2; six++) {
		int family = loopback[six].family, behind = six ? 4 : 1;

		nft_rule(nft, chain);
		nft_address(nft, false, &loopback[six]);
		nft_return(nft);
		nft_rule_end(nft, NULL);
		nft_rule(nft, chain);
		nft_family(nft, family);
		load_address(nft, false, six);
		load_service(nft, behind);
		nft_map(nft, table_sets[MAP_EXACT][six]);
		nft_dnat(nft, family, 0, behind);
		nft_rule_end(nft, NULL);
		nft_rule(nft, chain);
		nft_family(nft, family);
		nft_fib(nft, false, false, true);
		load_service(nft, 0);
		nft_map(nft, table_sets[MAP_ANY][six]);
		nft_dnat(nft, family, 0, behind);
		nft_rule_end(nft, NULL);
	}
}

static void make_postrouting(const struct maker *maker)
{
	const struct nft *nft = &maker->nft;

	nft_base_chain(nft, "postrouting", "nat", NF_INET_POST_ROUTING, PRIORITY_SNAT);
	for (int six = 0; six < 2; six++) {
		nft_rule(nft, "postrouting");
		match_set(nft, true, SET_NAT, six);
		match_segment(maker, NFT_META_OIFNAME, false);
		nft_masquerade(nft);
		nft_rule_end(nft, NULL);
		nft_rule(nft, "postrouting");
		match_segment(maker, NFT_META_OIFNAME, true);
		nft_dnatted(nft);
		match_set(nft, true, SET_OPEN, six);
		nft_masquerade(nft);
		nft_rule_end(nft, NULL);
	}
	nft_rule(nft, "postrouting");
	match_segment(maker, NFT_META_OIFNAME, true);
	nft_dnatted(nft);
	nft_fib(nft, true, false, true);
	nft_masquerade(nft);
	nft_rule_end(nft, NULL);
}

static void make_echo(const struct nft *nft, int protocol, uint8_t type)
{
	nft_rule(nft, "input");
	nft_protocol(nft, protocol);
	nft_payload(nft, 0, NFT_PAYLOAD_TRANSPORT_HEADER, 0, 1);
	nft_compare(nft, 0, NFT_CMP_EQ, &type, sizeof(type));
	accept_it(nft);
}

/* What the profile opens: everything, a protocol, a block of ports by the first byte of their numbers (which stands
 * where the first port of the block would), a port. */
static void make_host(const struct nft *nft, int six)
{
	int behind = six ? 4 : 1;

	for (int set = SET_HOST; set <= SET_HOST_PORT; set++) {
		nft_rule(nft, "input");
		nft_family(nft, six ? AF_INET6 : AF_INET);
		load_address(nft, true, six);
		if (set != SET_HOST)
			nft_meta(nft, behind, NFT_META_L4PROTO);
		if (set == SET_HOST_BLOCK)
			nft_payload(nft, behind + 1, NFT_PAYLOAD_TRANSPORT_HEADER, 2, 1);
		else if (set == SET_HOST_PORT)
			nft_payload(nft, behind + 1, NFT_PAYLOAD_TRANSPORT_HEADER, 2, 2);
		nft_lookup(nft, table_sets[set][six], false);
		accept_it(nft);
	}
}

static void make_input(const struct maker *maker)
{
	const struct nft *nft = &maker->nft;

	nft_base_chain(nft, "input", "filter", NF_INET_LOCAL_IN, 0);
	nft_rule(nft, "input");
	match_segment(maker, NFT_META_IIFNAME, false);
	accept_it(nft);
	nft_established(nft, "input");
	nft_neighbours(nft, "input");
	nft_rule(nft, "input");
	nft_fib(nft, false, true, false);
	refuse(nft);
	nft_related(nft, "input");
	make_echo(nft, IPPROTO_ICMP, ECHO_REQUEST);
	make_echo(nft, IPPROTO_ICMPV6, ICMP6_ECHO_REQUEST);
	make_host(nft, 0);
	make_host(nft, 1);
	nft_rule(nft, "input");
	refuse(nft);
}

/* Sandbox to sandbox of one segment: what is routed here, and, where the kernel shows what it bridges to these chains
 * (net.bridge.bridge-nf-call-iptables), that too, for which multicast is how IPv6 finds its neighbours. */
static void make_between(const struct maker *maker)
{
	static const struct address multicast[2] = {
		{ .family = AF_INET, .bytes = { 224 }, .prefix = 4 },
		{ .family = AF_INET6, .bytes = { 255 }, .prefix = 8 },
	};
	const struct nft *nft = &maker->nft;

	for (int i = 0; i < 4; i++) {
		int six = i / 2;

		nft_rule(nft, "forward");
		match_segment(maker, NFT_META_IIFNAME, true);
		match_segment(maker, NFT_META_OIFNAME, true);
		match_set(nft, true, SET_OPEN, six);
		if (i % 2)
			nft_address(nft, false, &multicast[six]);
		else
			match_set(nft, false, SET_OPEN, six);
		accept_it(nft);
	}
	nft_rule(nft, "forward");
	match_segment(maker, NFT_META_IIFNAME, true);
	match_segment(maker, NFT_META_OIFNAME, true);
	refuse(nft);
}

static void make_forward(const struct maker *maker)
{
	static const int group_of[2][2] = {
		/* the segment's side, the other one's */
		{ NFT_META_IIFNAME, NFT_META_OIFGROUP },
		{ NFT_META_OIFNAME, NFT_META_IIFGROUP },
	};
	const struct nft *nft = &maker->nft;
	uint32_t group = OUR_GROUP;

	nft_base_chain(nft, "forward", "filter", NF_INET_FORWARD, 0);
	nft_established(nft, "forward");
	make_between(maker);
	for (size_t i = 0; i < 2; i++) {
		nft_rule(nft, "forward");
		match_segment(maker, group_of[i][0], true);
		nft_meta(nft, 0, group_of[i][1]);
		nft_compare(nft, 0, NFT_CMP_EQ, &group, sizeof(group));
		refuse(nft);
	}
	nft_related(nft, "forward");
	nft_rule(nft, "forward");
	match_segment(maker, NFT_META_OIFNAME, true);
	nft_dnatted(nft);
	accept_it(nft);
	for (int six = 0; six < 2; six++) {
		nft_rule(nft, "forward");
		match_segment(maker, NFT_META_OIFNAME, true);
		match_set(nft, false, SET_NAT, six);
		refuse(nft);
	}
}

void table_make(const struct nft *nft, const struct table_site *site)
{
	const struct nft_set links = { .name = table_links, .key_type = NFT_TYPE_IFNAME, .key_size = IFNAMSIZ };
	const struct maker maker = { .nft = *nft, .site = site };

	nft_table(nft, OUR_ALIAS);
	if (!site->bridge)
		nft_set(nft, &links);
	make_sets(nft, 0);
	make_sets(nft, 1);
	nft_refuse_chain(nft);
	make_dnat(&maker, "prerouting", NF_INET_PRE_ROUTING);
	make_dnat(&maker, "output", NF_INET_LOCAL_OUT);
	make_postrouting(&maker);
	make_input(&maker);
	make_forward(&maker);
}
