/* nft: the words of nftables, as netlink messages on top of stage/netlink's batches. Parent only.
 *
 * Registers are counted in pieces of four bytes, R0 to R15; a value takes as many as it needs, an address of IPv6 four.
 * What is matched and not equal ends the rule. All objects are in family inet. */
#ifndef STAGE_NETWORK_NFT_H
#define STAGE_NETWORK_NFT_H

#include <net/if.h>
#include <netinet/in.h>

/* These want to come after the C library's. */
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>

#include "stage/netlink.h"

/* Where rules go to, and who is to blame if the kernel does not take them. */
struct nft {
	struct batch *batch;
	const char *table;
	int key, index; /* of the profile */
};

/* A batch: all of it takes effect, or nothing does. */
void nft_begin(const struct nft *nft);
void nft_finish(const struct nft *nft);

/* Starts a message of type NFT_MSG_*, which the caller goes on with, and labels it. */
void nft_message(const struct nft *nft, int type, int flags, const char *what);

/* Makes the table; `mark` is shown as its comment. */
void nft_table(const struct nft *nft, const char *mark);

/* A chain that packets come to from hook `hook` (NF_INET_*); policy is accept. `type`: "filter", "nat". */
void nft_base_chain(const struct nft *nft, const char *name, const char *type, int hook, int priority);
/* One that other chains lead to. */
void nft_chain(const struct nft *nft, const char *name);

/* A set, or a map when data_size is not 0. `key_type` and `data_type` are what nft(8) shows them as, NFT_TYPE_*, joined
 * by NFT_JOIN. The parts of what is joined begin every four bytes. */
struct nft_set {
	const char *name;
	uint32_t key_type, key_size, data_type, data_size;
};
enum {
	NFT_TYPE_IPV4 = 7,
	NFT_TYPE_IPV6 = 8,
	NFT_TYPE_PROTOCOL = 12,
	NFT_TYPE_PORT = 13,
	NFT_TYPE_IFNAME = 41,
};
#define NFT_JOIN(one, other) ((one) << 6 | (other))
void nft_set(const struct nft *nft, const struct nft_set *set);

/* One element; data only in maps. */
struct nft_element {
	uint8_t key[24], data[20];
	uint32_t key_size, data_size;
};

/* What the message just started is to put into or take out of `set`; then elements, then the end. */
void nft_elements(const struct nft *nft, const char *set);
void nft_element(const struct nft *nft, const struct nft_element *element);
void nft_elements_end(const struct nft *nft);

/* Appends a rule: begin, what it matches, what it does, end. `comment` may be NULL. */
void nft_rule(const struct nft *nft, const char *chain);
void nft_rule_end(const struct nft *nft, const char *comment);

/* Loads into register `to`. */
void nft_payload(const struct nft *nft, int to, int base, unsigned offset, unsigned size); /* NFT_PAYLOAD_*_HEADER */
void nft_meta(const struct nft *nft, int to, int what);                                    /* NFT_META_* */

/* Compares the `size` bytes from register `from` on; operator NFT_CMP_*. */
void nft_compare(const struct nft *nft, int from, int operator, const void * data, size_t size);
void nft_mask(const struct nft *nft, int reg, const void *mask, size_t size);

/* Each ends the rule unless what it says holds; they use R0. */
void nft_family(const struct nft *nft, int family);                    /* it is AF_INET, AF_INET6 */
void nft_protocol(const struct nft *nft, int protocol);                /* it is IPPROTO_* */
void nft_interface(const struct nft *nft, int what, const char *name); /* NFT_META_IIFNAME, OIFNAME: it is this */
void nft_interface_not(const struct nft *nft, int what, const char *name);
void nft_dnatted(const struct nft *nft); /* the connection came through a published port */
void nft_address(const struct nft *nft, bool source, const struct address *network);
void nft_port(const struct nft *nft, uint16_t first, uint16_t last);        /* destination port; tcp, udp */
void nft_fib(const struct nft *nft, bool source, bool on_link, bool local); /* the address is the host's own (or not:
                                                                       `local`), on the link it came from: `on_link` */

/* Ends the rule unless the set has what begins at R0 (with `inverted`: unless it has not). */
void nft_lookup(const struct nft *nft, const char *set, bool inverted);
/* A map: what it has goes to R0. */
void nft_map(const struct nft *nft, const char *map);

/* What a rule does. */
void nft_accept(const struct nft *nft);
void nft_drop(const struct nft *nft);
void nft_goto(const struct nft *nft, const char *chain);
void nft_return(const struct nft *nft);
void nft_reject(const struct nft *nft, int type, int code);              /* NFT_REJECT_* */
void nft_dnat(const struct nft *nft, int family, int address, int port); /* registers */
void nft_masquerade(const struct nft *nft);

/* Chain "refuse": programs that try learn at once, by a reset or an ICMP error. */
void nft_refuse_chain(const struct nft *nft);
#define NFT_REFUSE "refuse"

/* Lets through what belongs to connections that were let through before; what is about them: errors; both. */
void nft_established(const struct nft *nft, const char *chain);
void nft_related(const struct nft *nft, const char *chain);
void nft_answers(const struct nft *nft, const char *chain);

/* Lets through what IPv6 cannot do without: who has which address on the link. */
void nft_neighbours(const struct nft *nft, const char *chain);

/* ---- answers */

/* The attribute that begins at *at, where *left bytes are left: what it holds, its type and length. Moves *at behind
 * it. NULL: there is none, or not all of it. */
const uint8_t *nft_next(const uint8_t **at, size_t *left, int *ret_type, size_t *ret_length);

/* What the first attribute of that type holds, and how many bytes; NULL: there is none. The second looks behind a
 * message's header. */
const uint8_t *nft_find(const uint8_t *attributes, size_t length, int type, size_t *ret_length);
const uint8_t *nft_attribute(struct nlmsghdr *message, int type, size_t *ret_length);

/* ---- what may be missing */

/* Refines an error of messages_send(): a kernel without nftables or a part of it is the host's fault, and can be
 * mended. Returns -1. */
CHILD int nft_explain(struct error *err);

#endif
