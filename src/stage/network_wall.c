/* network_wall: keeps the host's loopback interface out of reach behind pasta. Helper of the network stage: the rules
 * are built by the launcher in the host column, and installed by the child in its own namespace in enter, like those of
 * the filter.
 *
 * A packet for 127.0.0.1 normally stays on lo. A socket bound to another interface (SO_BINDTODEVICE, which needs no
 * privilege since Linux 5.7) sends it out there all the same: for such a socket a route that is not found counts as
 * one on the link, so no route, not even one that refuses, is in its way. On a wire it leads nowhere; pasta sends to
 * that address from the host, where 127.0.0.1 is the host. A datagram would arrive, a connection be opened. Likewise
 * 169.254.0.0/16, where clouds answer with the host's credentials, unless a rule allows it.
 *
 * nftables sees what leaves by which interface, whatever the socket said. The payload cannot take the rules away
 * without CAP_NET_ADMIN, nor go around them without CAP_NET_RAW (packet sockets): a profile that keeps one of them
 * beside pasta is refused (profile/check_network.c).
 *
 * Needs: nf_tables, Linux 5.2 for a namespace's own inet tables. Nothing to undo: all of it dies with the namespace.
 */
#include "stage/network_nft.h"
#include "stage/network_pasta.h"

#define WALL_TABLE "sandbox-wall"
#define WALL_CHAIN "out"
enum { BEFORE_FILTERS = -300 };

static void refuse(const struct nft *nft, const struct address *network, const char *comment)
{
	nft_rule(nft, WALL_CHAIN);
	nft_interface_not(nft, NFT_META_OIFNAME, "lo");
	nft_address(nft, false, network);
	nft_reject(nft, NFT_REJECT_ICMPX_UNREACH, NFT_REJECT_ICMPX_ADMIN_PROHIBITED);
	nft_rule_end(nft, comment);
}

/* What the kernel itself sends before it has an address it trusts. pasta of 2023 takes the sender of any packet for the
 * sandbox's address, and would lead published ports to "::". */
static void drop_nameless(const struct nft *nft)
{
	static const struct address nobody = { .family = AF_INET6, .prefix = 128 };

	nft_rule(nft, WALL_CHAIN);
	nft_interface_not(nft, NFT_META_OIFNAME, "lo");
	nft_address(nft, true, &nobody);
	nft_drop(nft);
	nft_rule_end(nft, "pasta would take it for the address");
}

int wall_build(const struct plan *plan, const struct network_host *network, struct messages *ret, struct error *err)
{
	static const struct address loopback = { .family = AF_INET, .bytes = { 127 }, .prefix = 8 };
	static const struct address loopback6 = { .family = AF_INET6, .bytes = { [15] = 1 }, .prefix = 128 };
	const struct nft nft = { batch_new(network->arena), WALL_TABLE, K_NETWORK_MODE, -1 };

	nft_begin(&nft);
	nft_table(&nft, "keeps the host's loopback addresses out of reach");
	nft_base_chain(&nft, WALL_CHAIN, "filter", NF_INET_LOCAL_OUT, BEFORE_FILTERS);
	refuse(&nft, &loopback, "the host's own");
	refuse(&nft, &loopback6, "the host's own");
	if (!filter_allows_metadata(plan->profile))
		refuse(&nft, &network_metadata, "metadata");
	drop_nameless(&nft);
	nft_finish(&nft);
	return batch_finish(nft.batch, ret, err);
}
