/* nft: the words of nftables (nft(8)) as netlink messages. Parent only, any column; sends nothing.
 *
 * nf_tables runs a rule as a list of small expressions on 64 bytes of registers: "payload" and "meta" load, "bitwise"
 * changes, "cmp" and "lookup" end the rule unless something holds, "immediate" gives the verdict. Attributes are in
 * network order, contents of registers in the order of the packet; what the kernel itself makes (a state, an index) is
 * in the host's. Messages between a begin and an end are one transaction. linux/netfilter/nf_tables.h lists all of it.
 *
 * Needs: nf_tables with inet, ct, fib, nat, masq and reject; comments of tables (Linux 5.10). */
#include "stage/network_nft.h"

#include <arpa/inet.h>
#include <linux/netfilter/nf_conntrack_common.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/rtnetlink.h>
#include <netinet/icmp6.h>
#include <string.h>

/* Types of user data, as nft(8) writes them. */
enum { COMMENT_OF_RULE = 0, COMMENT_OF_TABLE = 0 };

static void boundary(const struct nft *nft, uint16_t type)
{
	struct nfgenmsg header = { .version = NFNETLINK_V0, .res_id = htons(NFNL_SUBSYS_NFTABLES) };

	batch_message(nft->batch, type, 0, &header, sizeof(header));
}

void nft_begin(const struct nft *nft)
{
	boundary(nft, NFNL_MSG_BATCH_BEGIN);
}

void nft_finish(const struct nft *nft)
{
	boundary(nft, NFNL_MSG_BATCH_END);
}

void nft_message(const struct nft *nft, int type, int flags, const char *what)
{
	struct nfgenmsg header = { .nfgen_family = NFPROTO_INET, .version = NFNETLINK_V0 };

	batch_message(nft->batch, (uint16_t)(NFNL_SUBSYS_NFTABLES << 8 | type), (uint16_t)flags, &header,
		      sizeof(header));
	batch_label(nft->batch, nft->key, nft->index, "%s", what);
}

/* User data is for nft(8) alone: type, length, text with its NUL. */
static void put_comment(const struct nft *nft, int attribute, uint8_t type, const char *comment)
{
	uint8_t data[128];
	size_t length = strlen(comment) + 1;

	if (length > sizeof(data) - 2)
		length = sizeof(data) - 2;
	data[0] = type;
	data[1] = (uint8_t)length;
	memcpy(data + 2, comment, length - 1);
	data[length + 1] = '\0';
	batch_put(nft->batch, attribute, data, length + 2);
}

void nft_table(const struct nft *nft, const char *mark)
{
	nft_message(nft, NFT_MSG_NEWTABLE, NLM_F_CREATE | NLM_F_EXCL, "make an nftables table");
	batch_text(nft->batch, NFTA_TABLE_NAME, nft->table);
	put_comment(nft, NFTA_TABLE_USERDATA, COMMENT_OF_TABLE, mark);
}

void nft_chain(const struct nft *nft, const char *name)
{
	nft_message(nft, NFT_MSG_NEWCHAIN, NLM_F_CREATE, "make an nftables chain");
	batch_text(nft->batch, NFTA_CHAIN_TABLE, nft->table);
	batch_text(nft->batch, NFTA_CHAIN_NAME, name);
}

void nft_base_chain(const struct nft *nft, const char *name, const char *type, int hook, int priority)
{
	nft_chain(nft, name);
	batch_nest(nft->batch, NFTA_CHAIN_HOOK);
	batch_be32(nft->batch, NFTA_HOOK_HOOKNUM, (uint32_t)hook);
	batch_be32(nft->batch, NFTA_HOOK_PRIORITY, (uint32_t)priority);
	batch_end(nft->batch);
	batch_be32(nft->batch, NFTA_CHAIN_POLICY, NF_ACCEPT);
	batch_text(nft->batch, NFTA_CHAIN_TYPE, type);
}

/* ---- sets and maps */

void nft_set(const struct nft *nft, const struct nft_set *set)
{
	nft_message(nft, NFT_MSG_NEWSET, NLM_F_CREATE, "make an nftables set");
	batch_text(nft->batch, NFTA_SET_TABLE, nft->table);
	batch_text(nft->batch, NFTA_SET_NAME, set->name);
	batch_be32(nft->batch, NFTA_SET_FLAGS, set->data_size ? NFT_SET_MAP : 0);
	batch_be32(nft->batch, NFTA_SET_KEY_TYPE, set->key_type);
	batch_be32(nft->batch, NFTA_SET_KEY_LEN, set->key_size);
	if (set->data_size) {
		batch_be32(nft->batch, NFTA_SET_DATA_TYPE, set->data_type);
		batch_be32(nft->batch, NFTA_SET_DATA_LEN, set->data_size);
	}
	/* Every set made in a batch needs a number of its own there, even if nobody uses it. */
	batch_be32(nft->batch, NFTA_SET_ID, 1);
}

static void put_value(struct batch *batch, int attribute, const void *data, size_t size)
{
	batch_nest(batch, attribute);
	batch_put(batch, NFTA_DATA_VALUE, data, size);
	batch_end(batch);
}

void nft_elements(const struct nft *nft, const char *set)
{
	batch_text(nft->batch, NFTA_SET_ELEM_LIST_TABLE, nft->table);
	batch_text(nft->batch, NFTA_SET_ELEM_LIST_SET, set);
	batch_nest(nft->batch, NFTA_SET_ELEM_LIST_ELEMENTS);
}

void nft_element(const struct nft *nft, const struct nft_element *element)
{
	batch_nest(nft->batch, NFTA_LIST_ELEM);
	put_value(nft->batch, NFTA_SET_ELEM_KEY, element->key, element->key_size);
	if (element->data_size)
		put_value(nft->batch, NFTA_SET_ELEM_DATA, element->data, element->data_size);
	batch_end(nft->batch);
}

void nft_elements_end(const struct nft *nft)
{
	batch_end(nft->batch);
}

/* ---- rules */

void nft_rule(const struct nft *nft, const char *chain)
{
	nft_message(nft, NFT_MSG_NEWRULE, NLM_F_CREATE | NLM_F_APPEND, "make an nftables rule");
	batch_text(nft->batch, NFTA_RULE_TABLE, nft->table);
	batch_text(nft->batch, NFTA_RULE_CHAIN, chain);
	batch_nest(nft->batch, NFTA_RULE_EXPRESSIONS);
}

void nft_rule_end(const struct nft *nft, const char *comment)
{
	batch_end(nft->batch);
	if (comment)
		put_comment(nft, NFTA_RULE_USERDATA, COMMENT_OF_RULE, comment);
}

static void begin(const struct nft *nft, const char *name)
{
	batch_nest(nft->batch, NFTA_LIST_ELEM);
	batch_text(nft->batch, NFTA_EXPR_NAME, name);
	batch_nest(nft->batch, NFTA_EXPR_DATA);
}

static void end(const struct nft *nft)
{
	batch_end(nft->batch);
	batch_end(nft->batch);
}

static void put_register(const struct nft *nft, int attribute, int reg)
{
	batch_be32(nft->batch, attribute, (uint32_t)(NFT_REG32_00 + reg));
}

void nft_payload(const struct nft *nft, int to, int base, unsigned offset, unsigned size)
{
	begin(nft, "payload");
	put_register(nft, NFTA_PAYLOAD_DREG, to);
	batch_be32(nft->batch, NFTA_PAYLOAD_BASE, (uint32_t)base);
	batch_be32(nft->batch, NFTA_PAYLOAD_OFFSET, offset);
	batch_be32(nft->batch, NFTA_PAYLOAD_LEN, size);
	end(nft);
}

void nft_meta(const struct nft *nft, int to, int what)
{
	begin(nft, "meta");
	put_register(nft, NFTA_META_DREG, to);
	batch_be32(nft->batch, NFTA_META_KEY, (uint32_t)what);
	end(nft);
}

void nft_compare(const struct nft *nft, int from, int operator, const void * data, size_t size)
{
	begin(nft, "cmp");
	put_register(nft, NFTA_CMP_SREG, from);
	batch_be32(nft->batch, NFTA_CMP_OP, (uint32_t) operator);
	put_value(nft->batch, NFTA_CMP_DATA, data, size);
	end(nft);
}

void nft_mask(const struct nft *nft, int reg, const void *mask, size_t size)
{
	static const uint8_t zeros[16];

	begin(nft, "bitwise");
	put_register(nft, NFTA_BITWISE_SREG, reg);
	put_register(nft, NFTA_BITWISE_DREG, reg);
	batch_be32(nft->batch, NFTA_BITWISE_LEN, (uint32_t)size);
	put_value(nft->batch, NFTA_BITWISE_MASK, mask, size);
	put_value(nft->batch, NFTA_BITWISE_XOR, zeros, size);
	end(nft);
}

void nft_family(const struct nft *nft, int family)
{
	uint8_t value = family == AF_INET ? NFPROTO_IPV4 : NFPROTO_IPV6;

	nft_meta(nft, 0, NFT_META_NFPROTO);
	nft_compare(nft, 0, NFT_CMP_EQ, &value, sizeof(value));
}

void nft_protocol(const struct nft *nft, int protocol)
{
	uint8_t value = (uint8_t)protocol;

	nft_meta(nft, 0, NFT_META_L4PROTO);
	nft_compare(nft, 0, NFT_CMP_EQ, &value, sizeof(value));
}

static void compare_name(const struct nft *nft, int what, int operator, const char * name)
{
	char whole[IFNAMSIZ] = { 0 };

	memcpy(whole, name, strnlen(name, sizeof(whole) - 1));
	nft_meta(nft, 0, what);
	nft_compare(nft, 0, operator, whole, sizeof(whole));
}

void nft_interface(const struct nft *nft, int what, const char *name)
{
	compare_name(nft, what, NFT_CMP_EQ, name);
}

void nft_interface_not(const struct nft *nft, int what, const char *name)
{
	compare_name(nft, what, NFT_CMP_NEQ, name);
}

static void ct_bits(const struct nft *nft, int what, uint32_t bits)
{
	uint32_t none = 0;

	begin(nft, "ct");
	put_register(nft, NFTA_CT_DREG, 0);
	batch_be32(nft->batch, NFTA_CT_KEY, (uint32_t)what);
	end(nft);
	nft_mask(nft, 0, &bits, sizeof(bits));
	nft_compare(nft, 0, NFT_CMP_NEQ, &none, sizeof(none));
}

void nft_dnatted(const struct nft *nft)
{
	ct_bits(nft, NFT_CT_STATUS, IPS_DST_NAT);
}

void nft_address(const struct nft *nft, bool source, const struct address *network)
{
	unsigned size = (unsigned)address_size(network);
	unsigned offset = network->family == AF_INET ? (source ? 12 : 16) : (source ? 8 : 24);
	struct address first = address_network(network);
	uint8_t mask[16] = { 0 };

	nft_family(nft, network->family);
	if (!network->prefix)
		return;
	nft_payload(nft, 0, NFT_PAYLOAD_NETWORK_HEADER, offset, size);
	for (int bit = 0; bit < network->prefix; bit++)
		mask[bit / 8] |= (uint8_t)(0x80 >> bit % 8);
	if ((unsigned)network->prefix < size * 8)
		nft_mask(nft, 0, mask, size);
	nft_compare(nft, 0, NFT_CMP_EQ, first.bytes, size);
}

void nft_port(const struct nft *nft, uint16_t first, uint16_t last)
{
	uint16_t low = htons(first), high = htons(last);

	nft_payload(nft, 0, NFT_PAYLOAD_TRANSPORT_HEADER, 2, sizeof(low));
	if (first == last) {
		nft_compare(nft, 0, NFT_CMP_EQ, &low, sizeof(low));
		return;
	}
	nft_compare(nft, 0, NFT_CMP_GTE, &low, sizeof(low));
	nft_compare(nft, 0, NFT_CMP_LTE, &high, sizeof(high));
}

void nft_fib(const struct nft *nft, bool source, bool on_link, bool local)
{
	uint32_t type = RTN_LOCAL;

	begin(nft, "fib");
	put_register(nft, NFTA_FIB_DREG, 0);
	batch_be32(nft->batch, NFTA_FIB_RESULT, NFT_FIB_RESULT_ADDRTYPE);
	batch_be32(nft->batch, NFTA_FIB_FLAGS,
		   (source ? NFTA_FIB_F_SADDR : NFTA_FIB_F_DADDR) | (on_link ? NFTA_FIB_F_IIF : 0));
	end(nft);
	nft_compare(nft, 0, local ? NFT_CMP_EQ : NFT_CMP_NEQ, &type, sizeof(type));
}

void nft_lookup(const struct nft *nft, const char *set, bool inverted)
{
	begin(nft, "lookup");
	batch_text(nft->batch, NFTA_LOOKUP_SET, set);
	put_register(nft, NFTA_LOOKUP_SREG, 0);
	batch_be32(nft->batch, NFTA_LOOKUP_FLAGS, inverted ? NFT_LOOKUP_F_INV : 0);
	end(nft);
}

void nft_map(const struct nft *nft, const char *map)
{
	begin(nft, "lookup");
	batch_text(nft->batch, NFTA_LOOKUP_SET, map);
	put_register(nft, NFTA_LOOKUP_SREG, 0);
	put_register(nft, NFTA_LOOKUP_DREG, 0);
	end(nft);
}

static void verdict(const struct nft *nft, int code, const char *chain)
{
	begin(nft, "immediate");
	batch_be32(nft->batch, NFTA_IMMEDIATE_DREG, NFT_REG_VERDICT);
	batch_nest(nft->batch, NFTA_IMMEDIATE_DATA);
	batch_nest(nft->batch, NFTA_DATA_VERDICT);
	batch_be32(nft->batch, NFTA_VERDICT_CODE, (uint32_t)code);
	if (chain)
		batch_text(nft->batch, NFTA_VERDICT_CHAIN, chain);
	batch_end(nft->batch);
	batch_end(nft->batch);
	end(nft);
}

void nft_accept(const struct nft *nft)
{
	verdict(nft, NF_ACCEPT, NULL);
}

void nft_drop(const struct nft *nft)
{
	verdict(nft, NF_DROP, NULL);
}

void nft_goto(const struct nft *nft, const char *chain)
{
	verdict(nft, NFT_GOTO, chain);
}

void nft_return(const struct nft *nft)
{
	verdict(nft, NFT_RETURN, NULL);
}

void nft_reject(const struct nft *nft, int type, int code)
{
	begin(nft, "reject");
	batch_be32(nft->batch, NFTA_REJECT_TYPE, (uint32_t)type);
	batch_u8(nft->batch, NFTA_REJECT_ICMP_CODE, (uint8_t)code);
	end(nft);
}

void nft_dnat(const struct nft *nft, int family, int address, int port)
{
	begin(nft, "nat");
	batch_be32(nft->batch, NFTA_NAT_TYPE, NFT_NAT_DNAT);
	batch_be32(nft->batch, NFTA_NAT_FAMILY, family == AF_INET ? NFPROTO_IPV4 : NFPROTO_IPV6);
	put_register(nft, NFTA_NAT_REG_ADDR_MIN, address);
	put_register(nft, NFTA_NAT_REG_PROTO_MIN, port);
	end(nft);
}

void nft_masquerade(const struct nft *nft)
{
	begin(nft, "masq");
	end(nft);
}

/* ---- what both tables have */

void nft_refuse_chain(const struct nft *nft)
{
	nft_chain(nft, NFT_REFUSE);
	nft_rule(nft, NFT_REFUSE);
	nft_protocol(nft, IPPROTO_TCP);
	nft_reject(nft, NFT_REJECT_TCP_RST, 0);
	nft_rule_end(nft, NULL);
	nft_rule(nft, NFT_REFUSE);
	nft_reject(nft, NFT_REJECT_ICMPX_UNREACH, NFT_REJECT_ICMPX_ADMIN_PROHIBITED);
	nft_rule_end(nft, NULL);
}

static void accept_states(const struct nft *nft, const char *chain, uint32_t states)
{
	nft_rule(nft, chain);
	ct_bits(nft, NFT_CT_STATE, states);
	nft_accept(nft);
	nft_rule_end(nft, NULL);
}

void nft_established(const struct nft *nft, const char *chain)
{
	accept_states(nft, chain, NF_CT_STATE_BIT(IP_CT_ESTABLISHED));
}

void nft_related(const struct nft *nft, const char *chain)
{
	accept_states(nft, chain, NF_CT_STATE_BIT(IP_CT_RELATED));
}

void nft_answers(const struct nft *nft, const char *chain)
{
	accept_states(nft, chain, NF_CT_STATE_BIT(IP_CT_ESTABLISHED) | NF_CT_STATE_BIT(IP_CT_RELATED));
}

void nft_neighbours(const struct nft *nft, const char *chain)
{
	/* Solicitations and advertisements of neighbours, and the groups one listens to: a bridge that watches the
	 * latter keeps the former from who did not join. */
	static const uint8_t types[][2] = {
		{ ND_NEIGHBOR_SOLICIT, ND_NEIGHBOR_ADVERT },
		{ MLD_LISTENER_QUERY, MLD_LISTENER_REDUCTION },
		{ 143, 143 }, /* version 2 of the report (RFC 9777) */
	};

	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		nft_rule(nft, chain);
		nft_protocol(nft, IPPROTO_ICMPV6);
		nft_payload(nft, 0, NFT_PAYLOAD_TRANSPORT_HEADER, 0, 1);
		nft_compare(nft, 0, NFT_CMP_GTE, &types[i][0], 1);
		nft_compare(nft, 0, NFT_CMP_LTE, &types[i][1], 1);
		nft_accept(nft);
		nft_rule_end(nft, NULL);
	}
}
