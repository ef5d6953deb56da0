/* network_guard: spoof protection. A classic BPF program that sees every packet the sandbox sends, on the host's end of
 * its veth, and passes only what is from the sandbox's own addresses. Parent, attach column: part of the messages that
 * furnish the interface. It dies with the interface; nothing inside can reach it, whatever capability is kept.
 *
 * It runs at the clsact ingress of the interface (tc-bpf(8), direct action), before bridge, ARP and netfilter. The
 * packet begins with its Ethernet header; the kernel has taken one VLAN tag off by then and noted it beside the
 * packet.
 *
 *	hardware source     the sandbox's own
 *	VLAN tag            none
 *	ARP                 sender's hardware and protocol address the sandbox's own; 0.0.0.0 for a probe (RFC 5227)
 *	IPv4                source the sandbox's own; UDP not from port 67, where DHCP servers are
 *	IPv6                source the sandbox's own; no extension header but a fragment's, in which nobody takes
 *	                    neighbour discovery (RFC 6980); ICMPv6 no router advertisement and no redirect; an
 *	                    advertisement of a neighbour only of the sandbox's own address; UDP not from port 547
 *	everything else     dropped
 *
 * Also without spoof protection, and first: what goes to 169.254.0.0/16, where clouds answer with the host's
 * credentials, is dropped unless a rule of the profile allows some of it; a route inside refuses it too, but a payload
 * that keeps CAP_NET_ADMIN or CAP_NET_RAW gets past that.
 *
 * A packet too short for a test is passed: the kernel ends a program that reads beyond the packet with 0, which is "ok"
 * here. All that is read lies in headers without which the packet is nothing to anyone.
 *
 * A program, because flower, matchall and nftables' netdev chains are each missing from, or left behind by, a kernel
 * that we run on. Needs CONFIG_NET_CLS_BPF, Linux 4.5. */
#include <errno.h>
#include <linux/filter.h>
#include <linux/if_ether.h>
#include <linux/pkt_cls.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <netinet/in.h>
#include <string.h>

#include "stage/network_link.h"

enum {
	PROGRAM_SIZE = 160,
	ETHERNET = 14,
	ARP_PACKET = 28,
	IP_HEADER = 20,
	IP6_HEADER = 40,
	FRAGMENT_HEADER = 8,
	PASS = TC_ACT_UNSPEC, /* to whatever else is on the interface */
	DROP = TC_ACT_SHOT,
};

/* The longest jump of classic BPF is 255, and all of ours lead to one of two ends behind the program, or over a part
 * whose length is known: each test that fails drops at once. */
struct program {
	struct sock_filter code[PROGRAM_SIZE];
	unsigned short length;
};

static void put(struct program *program, uint16_t code, uint8_t yes, uint8_t no, uint32_t k)
{
	if (program->length < PROGRAM_SIZE)
		program->code[program->length++] = (struct sock_filter){ code, yes, no, k };
}

static void give(struct program *program, int verdict)
{
	put(program, BPF_RET | BPF_K, 0, 0, (uint32_t)verdict);
}

static void load(struct program *program, uint16_t size, uint32_t offset)
{
	put(program, BPF_LD | BPF_ABS | size, 0, 0, offset);
}

/* Drops unless the number just loaded is `value`. */
static void need(struct program *program, uint32_t value)
{
	put(program, BPF_JMP | BPF_JEQ | BPF_K, 1, 0, value);
	give(program, DROP);
}

static void refuse(struct program *program, uint32_t value)
{
	put(program, BPF_JMP | BPF_JEQ | BPF_K, 0, 1, value);
	give(program, DROP);
}

/* Drops what is shorter than an Ethernet header and `length`. */
static void need_length(struct program *program, uint32_t length)
{
	put(program, BPF_LD | BPF_W | BPF_LEN, 0, 0, 0);
	put(program, BPF_JMP | BPF_JGE | BPF_K, 1, 0, ETHERNET + length);
	give(program, DROP);
}

static uint32_t word_at(const uint8_t *bytes)
{
	return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

static void need_bytes(struct program *program, uint32_t offset, const uint8_t *bytes, size_t length)
{
	for (size_t i = 0; i + 4 <= length; i += 4) {
		load(program, BPF_W, offset + (uint32_t)i);
		need(program, word_at(bytes + i));
	}
	if (length % 4) {
		load(program, BPF_H, offset + (uint32_t)(length - 2));
		need(program, (uint32_t)bytes[length - 2] << 8 | bytes[length - 1]);
	}
}

/* Starts a part for packets whose number just loaded is `value`; end_part() lets all others on behind it. */
static unsigned short begin_part(struct program *program, uint32_t value)
{
	put(program, BPF_JMP | BPF_JEQ | BPF_K, 0, 0, value);
	return program->length;
}

static void end_part(struct program *program, unsigned short begin)
{
	program->code[begin - 1].jf = (uint8_t)(program->length - begin);
}

static void arp_part(struct program *program, const struct network_host *network)
{
	enum { SENDER_MAC = ETHERNET + 8, SENDER_IP = ETHERNET + 14 };

	need_length(program, ARP_PACKET);
	need_bytes(program, SENDER_MAC, network->mac, MAC_SIZE);
	load(program, BPF_W, SENDER_IP);
	put(program, BPF_JMP | BPF_JEQ | BPF_K, 1, 0, 0);
	need(program, word_at(network->address.bytes));
	give(program, PASS);
}

/* UDP's source port is only in a packet that is no later fragment. */
static void ip_part(struct program *program, const struct network_host *network)
{
	unsigned short udp = 0;

	need_length(program, IP_HEADER);
	load(program, BPF_W, ETHERNET + 12);
	need(program, word_at(network->address.bytes));
	load(program, BPF_B, ETHERNET + 9);
	udp = begin_part(program, IPPROTO_UDP);
	load(program, BPF_H, ETHERNET + 6);
	put(program, BPF_JMP | BPF_JSET | BPF_K, 4, 0, 0x1fff);
	put(program, BPF_LDX | BPF_B | BPF_MSH, 0, 0, ETHERNET);
	put(program, BPF_LD | BPF_H | BPF_IND, 0, 0, ETHERNET);
	refuse(program, 67);
	end_part(program, udp);
	give(program, PASS);
}

static void icmp6_part(struct program *program, const struct network_host *network, uint32_t at)
{
	enum { ADVERTISEMENT = 136, ROUTER = 134, REDIRECT = 137 };
	unsigned short neighbour = 0;

	load(program, BPF_B, at);
	refuse(program, ROUTER);
	refuse(program, REDIRECT);
	neighbour = begin_part(program, ADVERTISEMENT);
	need_bytes(program, at + 8, network->address6.bytes, 16);
	end_part(program, neighbour);
	give(program, PASS);
}

/* The header of which `next` says what it is, and that begins at `at`. */
static void ip6_inner_part(struct program *program, const struct network_host *network, uint32_t next, uint32_t at)
{
	static const uint8_t headers[] = { IPPROTO_HOPOPTS, IPPROTO_ROUTING, IPPROTO_DSTOPTS, IPPROTO_MH, 139, 140 };
	unsigned short part = 0;

	load(program, BPF_B, next);
	for (size_t i = 0; i < sizeof(headers); i++)
		refuse(program, headers[i]);
	part = begin_part(program, IPPROTO_ICMPV6);
	icmp6_part(program, network, at);
	end_part(program, part);
	part = begin_part(program, IPPROTO_UDP);
	load(program, BPF_H, at);
	refuse(program, 547);
	give(program, PASS);
	end_part(program, part);
}

/* A later fragment is data; what it is of, the first one says. */
static void ip6_part(struct program *program, const struct network_host *network)
{
	unsigned short part = 0;

	need_length(program, IP6_HEADER);
	need_bytes(program, ETHERNET + 8, network->address6.bytes, 16);
	load(program, BPF_B, ETHERNET + 6);
	part = begin_part(program, IPPROTO_FRAGMENT);
	need_length(program, IP6_HEADER + FRAGMENT_HEADER);
	load(program, BPF_H, ETHERNET + IP6_HEADER + 2);
	put(program, BPF_JMP | BPF_JSET | BPF_K, 0, 1, 0xfff8);
	give(program, PASS);
	load(program, BPF_B, ETHERNET + IP6_HEADER);
	refuse(program, IPPROTO_FRAGMENT);
	ip6_inner_part(program, network, ETHERNET + IP6_HEADER, ETHERNET + IP6_HEADER + FRAGMENT_HEADER);
	give(program, PASS);
	end_part(program, part);
	ip6_inner_part(program, network, ETHERNET + 6, ETHERNET + IP6_HEADER);
	give(program, PASS);
}

/* Drops what no rule allows, and lets all else on. */
static void metadata_part(struct program *program)
{
	unsigned short part = 0;

	load(program, BPF_H, 12);
	part = begin_part(program, ETH_P_IP);
	load(program, BPF_H, ETHERNET + 16);
	refuse(program, (uint32_t)network_metadata.bytes[0] << 8 | network_metadata.bytes[1]);
	end_part(program, part);
}

static void spoof_part(struct program *program, const struct network_host *network)
{
	unsigned short part = 0;

	load(program, BPF_B, (uint32_t)(SKF_AD_OFF + SKF_AD_VLAN_TAG_PRESENT));
	need(program, 0);
	need_bytes(program, ETH_ALEN, network->mac, MAC_SIZE);
	load(program, BPF_H, 12);
	if (network->address.family) {
		part = begin_part(program, ETH_P_ARP);
		arp_part(program, network);
		end_part(program, part);
		part = begin_part(program, ETH_P_IP);
		ip_part(program, network);
		end_part(program, part);
	}
	if (network->address6.family) {
		part = begin_part(program, ETH_P_IPV6);
		ip6_part(program, network);
		end_part(program, part);
	}
	give(program, DROP);
}

int guard_build(const struct plan *plan, const struct network_host *network, int link, struct batch *batch,
		struct error *err)
{
	struct tcmsg header = { .tcm_ifindex = link,
				.tcm_handle = TC_H_MAKE(TC_H_CLSACT, 0),
				.tcm_parent = TC_H_CLSACT };
	struct program program = { .length = 0 };

	if (!filter_allows_metadata(plan->profile) && !address_within(&network->address, &network_metadata))
		metadata_part(&program);
	if (plan->network.net->spoof_protection)
		spoof_part(&program, network);
	give(&program, PASS);
	if (program.length >= PROGRAM_SIZE)
		return fail(err, K_NETWORK_SPOOF_PROTECTION, "cannot fit the program against spoofing");
	batch_message(batch, RTM_NEWQDISC, NLM_F_CREATE | NLM_F_EXCL, &header, sizeof(header));
	batch_label(batch, K_NETWORK_SPOOF_PROTECTION, -1, "prepare %s for a program", network->link);
	batch_text(batch, TCA_KIND, "clsact");
	header = (struct tcmsg){ .tcm_ifindex = link,
				 .tcm_parent = TC_H_MAKE(TC_H_CLSACT, TC_H_MIN_INGRESS),
				 .tcm_info = TC_H_MAKE(1U << 16, htons(ETH_P_ALL)) };
	batch_message(batch, RTM_NEWTFILTER, NLM_F_CREATE | NLM_F_EXCL, &header, sizeof(header));
	batch_label(batch, K_NETWORK_SPOOF_PROTECTION, -1, "put the program against spoofing on %s", network->link);
	batch_text(batch, TCA_KIND, "bpf");
	batch_nest(batch, TCA_OPTIONS);
	batch_u16(batch, TCA_BPF_OPS_LEN, program.length);
	batch_put(batch, TCA_BPF_OPS, program.code, program.length * sizeof(program.code[0]));
	batch_u32(batch, TCA_BPF_FLAGS, TCA_BPF_FLAG_ACT_DIRECT);
	batch_end(batch);
	return 0;
}
