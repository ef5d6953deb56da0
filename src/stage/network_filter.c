/* network_filter: network.outbound and network.inbound, as the table `inet sandbox` in the sandbox's own namespace.
 *
 * host (launcher) builds the messages; enter sends them (child, in its new network namespace, with CAP_NET_ADMIN there,
 * before it has an address, so nothing gets out before the rules stand). The payload has no capability to touch them;
 * keeping one that could is refused by the profile's check. The table dies with the namespace.
 *
 * One chain each for what leaves and what comes in. A packet of a connection that was let through passes; so do the
 * loopback interface, which leads nowhere else, and what IPv6 needs on the link. Then the rules of the profile in their
 * order. Behind them, what the profile says elsewhere: name servers on port 53 for what leaves, published ports for
 * what comes in. Published ports come first: they are always allowed; name servers come last, so that a rule can deny
 * them. Then the default. To deny is to refuse, by a reset or an ICMP error: programs fail at once. (In the output hook
 * the kernel sends those over the loopback interface.)
 *
 * Two kinds of destination are guarded: only a rule that speaks of just them lets anything through to them, whatever
 * "any" or a wide network allow. The host's own addresses, where nothing on the host guards them (pasta); and
 * 169.254.0.0/16, once a rule allows a part of it (without one a route already stands in the way). They get a chain
 * of their own, with the rules that may speak there.
 *
 * Needs: network_nft's needs, in a network namespace owned by a user namespace: Linux 5.12 for all of it.
 */

#include <string.h>

#include "base/format.h"
#include "stage/network_look.h"
#include "stage/network_nft.h"

_Static_assert((int)NETWORK_OUTBOUND_RULES_VERDICT_ALLOW == (int)NETWORK_INBOUND_RULES_VERDICT_ALLOW &&
		       (int)NETWORK_OUTBOUND_RULES_PROTOCOL_ANY == (int)NETWORK_INBOUND_RULES_PROTOCOL_ANY &&
		       (int)NETWORK_OUTBOUND_RULES_PROTOCOL_TCP == (int)NETWORK_INBOUND_RULES_PROTOCOL_TCP &&
		       (int)NETWORK_OUTBOUND_RULES_PROTOCOL_UDP == (int)NETWORK_INBOUND_RULES_PROTOCOL_UDP &&
		       (int)NETWORK_OUTBOUND_RULES_PROTOCOL_ICMP == (int)NETWORK_INBOUND_RULES_PROTOCOL_ICMP,
	       "rules of both directions are read alike");

enum { NAME_SERVICE = 53, LOOPBACK_INDEX = 1 /* in every namespace: net/core/dev.h, LOOPBACK_IFINDEX */ };

const struct address network_metadata = { .family = AF_INET, .bytes = { 169, 254 }, .prefix = 16 };

/* Of whom a chain's rules speak. */
enum scope { SCOPE_ALL, SCOPE_HOST, SCOPE_METADATA };
static const char *const scope_chains[] = { [SCOPE_HOST] = "to-host", [SCOPE_METADATA] = "to-metadata" };

struct filter {
	const struct plan *plan;
	const struct network_host *network;
	bool out;
	const char *chain; /* that rules are appended to */
	enum scope scope;
};

struct rule {
	int index;
	bool allow;
	int protocol; /* enum NETWORK_OUTBOUND_RULES_PROTOCOL_* */
	uint16_t first, last;
	bool ported;
	const struct resolved *peer;
};

/* ---- what there is to say */

static bool outbound_says(const struct profile *profile)
{
	return profile->network.outbound.default_ == NETWORK_OUTBOUND_DEFAULT_DENY ||
	       profile->network.outbound.rules.count;
}

static bool inbound_says(const struct profile *profile)
{
	return profile->network.inbound.default_ == NETWORK_INBOUND_DEFAULT_DENY ||
	       profile->network.inbound.rules.count;
}

bool filter_allows_metadata(const struct profile *profile)
{
	for (size_t i = 0; i < profile->network.outbound.rules.count; i++) {
		const struct outbound_rule *rule = &profile->network.outbound.rules.items[i];
		struct address to;

		if (rule->verdict == NETWORK_OUTBOUND_RULES_VERDICT_ALLOW &&
		    (!address_parse(rule->to, &to) || !address_parse_cidr(rule->to, &to)) &&
		    to.prefix >= network_metadata.prefix && address_within(&to, &network_metadata))
			return true;
	}
	return false;
}

static bool host_is_guarded(const struct filter *filter)
{
	return filter->plan->network.net->mode == NETWORK_MODE_PASTA && filter->network->own_count;
}

/* ---- rules */

static int read_rule(const struct filter *filter, size_t index, struct rule *ret, struct error *err)
{
	const struct profile *profile = filter->plan->profile;
	const struct outbound_rule *out = profile->network.outbound.rules.items + index;
	const struct inbound_rule *in = profile->network.inbound.rules.items + index;
	const char *port = filter->out ? out->port : in->port;

	*ret = (struct rule){
		.index = (int)index,
		.allow = (filter->out ? out->verdict : in->verdict) == NETWORK_OUTBOUND_RULES_VERDICT_ALLOW,
		.protocol = filter->out ? out->protocol : in->protocol,
		.peer = (filter->out ? filter->network->outbound : filter->network->inbound) + index,
		.ported = strcmp(port, "any") != 0,
	};
	if (ret->ported && address_parse_ports(port, &ret->first, &ret->last))
		return fail_errno_at(err, filter->out ? K_NETWORK_OUTBOUND_RULES_PORT : K_NETWORK_INBOUND_RULES_PORT,
				     ret->index, "cannot read the port \"%s\"", port);
	return 0;
}

/* `peer` NULL: anybody. `protocol` 0: any. */
static void add(const struct filter *filter, const struct nft *nft, const struct rule *rule, const struct address *peer,
		int protocol)
{
	char comment[64];

	nft_rule(nft, filter->chain);
	if (peer)
		nft_address(nft, !filter->out, peer);
	if (protocol)
		nft_protocol(nft, protocol);
	if (rule->ported)
		nft_port(nft, rule->first, rule->last);
	if (rule->allow)
		nft_accept(nft);
	else
		nft_goto(nft, NFT_REFUSE);
	(void)format_text(comment, sizeof(comment), "network.%s.rules[%d]", filter->out ? "outbound" : "inbound",
			  rule->index);
	nft_rule_end(nft, comment);
}

/* One rule of the profile for one peer: one of ours for each protocol. */
static void add_protocols(const struct filter *filter, const struct nft *nft, const struct rule *rule,
			  const struct address *peer)
{
	bool any = rule->protocol == NETWORK_OUTBOUND_RULES_PROTOCOL_ANY;

	if (any && !rule->ported)
		add(filter, nft, rule, peer, 0);
	if ((any && rule->ported) || rule->protocol == NETWORK_OUTBOUND_RULES_PROTOCOL_TCP)
		add(filter, nft, rule, peer, IPPROTO_TCP);
	if ((any && rule->ported) || rule->protocol == NETWORK_OUTBOUND_RULES_PROTOCOL_UDP)
		add(filter, nft, rule, peer, IPPROTO_UDP);
	if (rule->protocol != NETWORK_OUTBOUND_RULES_PROTOCOL_ICMP)
		return;
	if (!peer || peer->family == AF_INET)
		add(filter, nft, rule, peer, IPPROTO_ICMP);
	if (!peer || peer->family == AF_INET6)
		add(filter, nft, rule, peer, IPPROTO_ICMPV6);
}

/* Whether, in the chain being made, a rule that allows may speak of this peer (NULL: anybody, or the host). */
static bool may_allow(const struct filter *filter, const struct rule *rule, const struct address *peer)
{
	if (filter->scope == SCOPE_HOST)
		return rule->peer->kind == RESOLVED_HOST;
	if (filter->scope == SCOPE_METADATA)
		return peer && peer->prefix >= network_metadata.prefix && address_within(peer, &network_metadata);
	return true;
}

static void add_peer(const struct filter *filter, const struct nft *nft, const struct rule *rule,
		     const struct address *peer)
{
	if ((!peer || peer->family != AF_UNSPEC) && (!rule->allow || may_allow(filter, rule, peer)))
		add_protocols(filter, nft, rule, peer);
}

static void add_rule(const struct filter *filter, const struct nft *nft, const struct rule *rule)
{
	const struct network_host *network = filter->network;

	if (rule->peer->kind == RESOLVED_ANY)
		add_peer(filter, nft, rule, NULL);
	for (size_t i = 0; i < rule->peer->count; i++)
		add_peer(filter, nft, rule, &rule->peer->addresses[i]);
	if (rule->peer->kind != RESOLVED_HOST)
		return;
	for (size_t i = 0; i < network->own_count; i++)
		add_peer(filter, nft, rule, &network->own[i]);
	if (filter->plan->network.net->mode == NETWORK_MODE_VETH) {
		add_peer(filter, nft, rule, &network->gateway);
		add_peer(filter, nft, rule, &network->gateway6);
	}
}

static int add_rules(const struct filter *filter, const struct nft *nft, struct error *err)
{
	const struct profile *profile = filter->plan->profile;
	size_t count = filter->out ? profile->network.outbound.rules.count : profile->network.inbound.rules.count;
	struct nft own = *nft;

	own.key = filter->out ? K_NETWORK_OUTBOUND_RULES : K_NETWORK_INBOUND_RULES;
	for (size_t i = 0; i < count; i++) {
		struct rule rule;

		if (read_rule(filter, i, &rule, err))
			return -1;
		own.index = rule.index;
		add_rule(filter, &own, &rule);
	}
	return 0;
}

/* ---- what goes without saying */

static void add_implied(const struct nft *nft, const char *chain, bool out)
{
	uint32_t loopback = LOOPBACK_INDEX;

	nft_answers(nft, chain);
	nft_rule(nft, chain);
	nft_meta(nft, 0, out ? NFT_META_OIF : NFT_META_IIF);
	nft_compare(nft, 0, NFT_CMP_EQ, &loopback, sizeof(loopback));
	nft_accept(nft);
	nft_rule_end(nft, NULL);
	nft_neighbours(nft, chain);
}

static void add_port(const struct nft *nft, const char *chain, const struct address *to, int protocol, uint16_t port)
{
	nft_rule(nft, chain);
	if (to)
		nft_address(nft, false, to);
	nft_protocol(nft, protocol);
	nft_port(nft, port, port);
	nft_accept(nft);
	nft_rule_end(nft, to ? "network.dns.servers" : "network.publish");
}

static int add_name_servers(const struct filter *filter, const struct nft *nft, struct error *err)
{
	struct resolved servers;

	if (servers_list(filter->plan, filter->network->arena, &servers, err))
		return -1;
	for (size_t i = 0; i < servers.count; i++) {
		add_port(nft, filter->chain, &servers.addresses[i], IPPROTO_UDP, NAME_SERVICE);
		add_port(nft, filter->chain, &servers.addresses[i], IPPROTO_TCP, NAME_SERVICE);
	}
	return 0;
}

static void add_default(const struct nft *nft, const char *chain)
{
	nft_rule(nft, chain);
	nft_goto(nft, NFT_REFUSE);
	nft_rule_end(nft, NULL);
}

/* ---- chains */

/* Addresses that only rules which name them open. */
struct guarded {
	enum scope scope;
	const struct address *addresses;
	size_t count;
};

/* A chain with the rules that may speak of the guarded, and before the ordinary rules the ways to it. */
static int add_guarded(const struct filter *filter, const struct nft *nft, const struct guarded *guarded,
		       struct error *err)
{
	struct filter own = *filter;

	own.chain = scope_chains[guarded->scope];
	own.scope = guarded->scope;
	nft_chain(nft, own.chain);
	if (add_rules(&own, nft, err))
		return -1;
	add_default(nft, own.chain);
	for (size_t i = 0; i < guarded->count; i++) {
		nft_rule(nft, filter->chain);
		nft_address(nft, !filter->out, &guarded->addresses[i]);
		nft_goto(nft, own.chain);
		nft_rule_end(nft, NULL);
	}
	return 0;
}

static int add_output(struct filter *filter, const struct nft *nft, struct error *err)
{
	const struct profile *profile = filter->plan->profile;
	const struct guarded host = { SCOPE_HOST, filter->network->own, filter->network->own_count };
	const struct guarded clouds = { SCOPE_METADATA, &network_metadata, 1 };

	filter->out = true;
	filter->chain = "output";
	nft_base_chain(nft, filter->chain, "filter", NF_INET_LOCAL_OUT, 0);
	add_implied(nft, filter->chain, true);
	if (host_is_guarded(filter) && add_guarded(filter, nft, &host, err))
		return -1;
	if (filter_allows_metadata(profile) && add_guarded(filter, nft, &clouds, err))
		return -1;
	if (add_rules(filter, nft, err))
		return -1;
	if (profile->network.outbound.default_ != NETWORK_OUTBOUND_DEFAULT_DENY)
		return 0;
	if (add_name_servers(filter, nft, err))
		return -1;
	add_default(nft, filter->chain);
	return 0;
}

static int add_input(struct filter *filter, const struct nft *nft, struct error *err)
{
	const struct network_host *network = filter->network;

	filter->out = false;
	filter->chain = "input";
	nft_base_chain(nft, filter->chain, "filter", NF_INET_LOCAL_IN, 0);
	add_implied(nft, filter->chain, false);
	for (size_t i = 0; i < network->published_count; i++)
		add_port(nft, filter->chain, NULL, network->published[i].protocol, network->published[i].guest);
	if (add_rules(filter, nft, err))
		return -1;
	if (filter->plan->profile->network.inbound.default_ == NETWORK_INBOUND_DEFAULT_DENY)
		add_default(nft, filter->chain);
	return 0;
}

int filter_build(const struct plan *plan, const struct network_host *network, struct messages *ret, struct error *err)
{
	struct filter filter = { .plan = plan, .network = network };
	struct nft nft = { .table = "sandbox", .key = K_NETWORK_OUTBOUND, .index = -1 };
	bool out = outbound_says(plan->profile) || host_is_guarded(&filter), in = inbound_says(plan->profile);
	int status = 0;

	*ret = (struct messages){ 0 };
	if (!out && !in)
		return 0;
	nft.batch = batch_new(network->arena);
	nft_begin(&nft);
	nft_table(&nft, OUR_ALIAS);
	nft_refuse_chain(&nft);
	if (out)
		status = add_output(&filter, &nft, err);
	nft.key = K_NETWORK_INBOUND;
	if (in && !status)
		status = add_input(&filter, &nft, err);
	nft_finish(&nft);
	return batch_finish(nft.batch, ret, err) || status ? -1 : 0;
}
