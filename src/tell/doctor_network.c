/* doctor_network: tries what a network takes: the pasta program, nf_tables, veth pairs, bridges, forwarding.
 *
 * Runs like the other probes (doctor_probe.c), each in a process of its own. What is made is made in a network
 * namespace of that process, an ordinary user's in a user namespace as well, and ends with it; what belongs to the
 * host, its sysctls and its rules, is only read.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/if_link.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/rtnetlink.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/format.h"
#include "base/netlink.h"
#include "stage/network_link.h"
#include "stage/network_nft.h"
#include "stage/network_pasta.h"
#include "stage/network_segment.h"
#include "tell/doctor.h"

static int enter_netns(const struct caller *caller)
{
	if (!caller->root && probe_enter_userns(caller))
		return -1;
	return unshare(CLONE_NEWNET);
}

static void say(struct probe_result *ret, const struct error *err)
{
	(void)format_text(ret->detail, sizeof(ret->detail), "%s%s%s", err->what, err->sys_errno ? ": " : "",
			  err->sys_errno ? strerror(err->sys_errno) : "");
	(void)format_text(ret->remedy, sizeof(ret->remedy), "%s", err->remedy);
}

/* ---- pasta ------------------------------------------------------------------------------------------------------- */

/* IPv6: destination and its prefix first, the device last; a default route over lo is the one that refuses. */
static bool routes_ipv6(void)
{
	FILE *file = fopen("/proc/net/ipv6_route", "re");
	bool found = false;
	char line[256];

	while (file && !found && fgets(line, sizeof(line), file))
		found = !strncmp(line, "00000000000000000000000000000000 00 ", 36) && !strstr(line, " lo\n");
	if (file)
		(void)fclose(file);
	return found;
}

/* For root the launcher makes a device node where it must (network_pasta_become.c). */
void doctor_try_pasta(const struct profile *profile, const struct caller *caller, struct probe_result *ret)
{
	struct arena arena = { 0 };
	const char *path = pasta_find(&arena, caller);
	char uplink[IFNAMSIZ];
	struct error ignored;
	struct stat device;

	(void)profile;
	if (!path)
		return probe_missing(ret, "not installed", "install the package passt");
	if (stat("/dev/net/tun", &device))
		return probe_broken(ret, "/dev/net/tun", "sudo modprobe tun");
	if (!caller->root && access("/dev/net/tun", R_OK | W_OK))
		return probe_missing(ret, "/dev/net/tun is not open to this user", "sudo chmod 0666 /dev/net/tun");
	if (forwarding_uplink(uplink, &ignored))
		return probe_broken(ret, "the host's routes cannot be read", "ip route");
	if (!uplink[0] && !routes_ipv6())
		return probe_missing(ret, "the host has no default route, and pasta goes where that goes",
				     "ip route shows the host's routes");
	probe_works(ret, path);
}

/* ---- the kernel -------------------------------------------------------------------------------------------------- */

/* The table of a segment has everything that a sandbox's own rules have, and more. */
void doctor_try_nftables(const struct profile *profile, const struct caller *caller, struct probe_result *ret)
{
	const struct table_site site = { .bridge = NULL };
	struct error err = { 0 };
	int nfnl = -1;

	(void)profile;
	if (enter_netns(caller))
		return probe_broken(ret, "a network namespace", OUTER);
	nfnl = netlink_open(NETLINK_NETFILTER);
	if (nfnl < 0)
		return probe_broken(ret, "a netlink socket", "use a kernel with CONFIG_NF_TABLES");
	if (table_ensure(nfnl, &site, &err) < 0)
		return say(ret, &err);
	probe_works(ret, "");
}

static void try_link(const struct caller *caller, const char *kind, const char *remedy, struct probe_result *ret)
{
	struct arena arena = { 0 };
	struct ifinfomsg header = { 0 };
	struct messages messages;
	struct batch *batch = NULL;
	struct error err = { 0 };
	int route = -1;

	if (enter_netns(caller))
		return probe_broken(ret, "a network namespace", OUTER);
	route = netlink_open(NETLINK_ROUTE);
	batch = batch_new(&arena);
	batch_message(batch, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, &header, sizeof(header));
	batch_label(batch, K_NETWORK_MODE, -1, "make an interface of kind %s", kind);
	batch_text(batch, IFLA_IFNAME, "doctor0");
	batch_nest(batch, IFLA_LINKINFO);
	batch_text(batch, IFLA_INFO_KIND, kind);
	batch_end(batch);
	if (batch_finish(batch, &messages, &err) || messages_send(&messages, route, 0, &err)) {
		say(ret, &err);
		(void)format_text(ret->remedy, sizeof(ret->remedy), "%s", remedy);
		return;
	}
	probe_works(ret, "");
}

void doctor_try_veth(const struct profile *profile, const struct caller *caller, struct probe_result *ret)
{
	(void)profile;
	try_link(caller, "veth", "sudo modprobe veth, or use a kernel with CONFIG_VETH", ret);
}

void doctor_try_bridge(const struct profile *profile, const struct caller *caller, struct probe_result *ret)
{
	(void)profile;
	try_link(caller, "bridge", "sudo modprobe bridge, or use a kernel with CONFIG_BRIDGE", ret);
}

/* ---- the host's own ---------------------------------------------------------------------------------------------- */

void doctor_try_forwarding(const struct profile *profile, const struct caller *caller, struct probe_result *ret)
{
	(void)caller;
	if (forwarding_on(AF_INET) == 1)
		return probe_works(ret, "IPv4");
	if (profile->network.forwarding == NETWORK_FORWARDING_ENABLE)
		return probe_works(ret, "off; the profile has it turned on");
	probe_missing(ret, "the host does not forward IPv4",
		      "sudo sysctl -w net.ipv4.ip_forward=1, or network.forwarding = \"enable\"");
}

/* A chain that packets between interfaces come by. */
struct chain {
	char table[64], name[64];
	uint32_t hook, policy;
	bool has_hook, has_policy;
};

static uint32_t number_of(const struct nlattr *attribute)
{
	uint32_t number = 0;

	if (attribute->nla_len >= NLA_HDRLEN + sizeof(number))
		memcpy(&number, (const char *)attribute + NLA_HDRLEN, sizeof(number));
	return ntohl(number);
}

static void text_of(const struct nlattr *attribute, char *to, size_t size)
{
	size_t length = attribute->nla_len - NLA_HDRLEN;

	length = length < size ? length : size - 1;
	memcpy(to, (const char *)attribute + NLA_HDRLEN, length);
	to[length] = '\0';
}

static void read_chain(const char *at, size_t length, bool in_hook, struct chain *ret);

static void read_attribute(const struct nlattr *attribute, bool in_hook, struct chain *ret)
{
	int type = attribute->nla_type & NLA_TYPE_MASK;

	if (in_hook) {
		if (type == NFTA_HOOK_HOOKNUM) {
			ret->hook = number_of(attribute);
			ret->has_hook = true;
		}
		return;
	}
	if (type == NFTA_CHAIN_TABLE)
		text_of(attribute, ret->table, sizeof(ret->table));
	if (type == NFTA_CHAIN_NAME)
		text_of(attribute, ret->name, sizeof(ret->name));
	if (type == NFTA_CHAIN_POLICY) {
		ret->policy = number_of(attribute);
		ret->has_policy = true;
	}
	if (type == NFTA_CHAIN_HOOK)
		read_chain((const char *)attribute + NLA_HDRLEN, attribute->nla_len - NLA_HDRLEN, true, ret);
}

static void read_chain(const char *at, size_t length, bool in_hook, struct chain *ret)
{
	while (length >= NLA_HDRLEN) {
		const struct nlattr *attribute = (const struct nlattr *)(const void *)at;
		size_t step = NLA_ALIGN(attribute->nla_len);

		if (attribute->nla_len < NLA_HDRLEN || attribute->nla_len > length)
			return;
		read_attribute(attribute, in_hook, ret);
		step = step < length ? step : length;
		at += step;
		length -= step;
	}
}

/* firewalld's chain accepts by policy and refuses with its last rule. */
static bool forbids(const struct nfgenmsg *header, const struct chain *chain)
{
	bool routed = header->nfgen_family == NFPROTO_IPV4 || header->nfgen_family == NFPROTO_IPV6 ||
		      header->nfgen_family == NFPROTO_INET;

	return routed && chain->has_hook && chain->hook == NF_INET_FORWARD &&
	       ((chain->has_policy && chain->policy == NF_DROP) || !strcmp(chain->table, "firewalld"));
}

static int look_at_chain(struct nlmsghdr *message, void *with)
{
	const struct nfgenmsg *header = (const void *)((const char *)message + NLMSG_HDRLEN);
	size_t fixed = NLMSG_LENGTH(NLMSG_ALIGN(sizeof(*header)));
	struct chain chain = { .policy = NF_ACCEPT };
	struct probe_result *ret = with;

	if (message->nlmsg_len <= fixed)
		return 0;
	read_chain((const char *)message + fixed, message->nlmsg_len - fixed, false, &chain);
	if (ret->detail[0] || !forbids(header, &chain))
		return 0;
	(void)format_text(ret->detail, sizeof(ret->detail), "chain %s of table %s drops what it does not know",
			  chain.name, chain.table);
	(void)format_text(ret->remedy, sizeof(ret->remedy),
			  "let that firewall accept what goes through the bridge (Docker: iptables -I DOCKER-USER -i "
			  "BRIDGE -j ACCEPT, and -o; firewalld: firewall-cmd --zone=trusted --add-interface=BRIDGE)");
	return 0;
}

/* Only what nf_tables knows: the rules of the older iptables-legacy are not among its chains. */
void doctor_try_forward_policy(const struct profile *profile, const struct caller *caller, struct probe_result *ret)
{
	struct {
		struct nlmsghdr header;
		struct nfgenmsg body;
	} request = {
		.header = { .nlmsg_len = sizeof(request),
			    .nlmsg_type = NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_GETCHAIN,
			    .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP,
			    .nlmsg_seq = 1 },
	};
	struct netlink_failure failure;
	int nfnl = netlink_open(NETLINK_NETFILTER);

	(void)profile;
	if (!caller->root)
		return probe_missing(ret, "not known: only root may read the host's rules", "");
	if (nfnl < 0 ||
	    netlink_request(nfnl, &request, sizeof(request), &(struct netlink_reader){ look_at_chain, ret }, &failure))
		return probe_broken(ret, "the host's rules cannot be read", "use a kernel with CONFIG_NF_TABLES");
	if (!ret->detail[0])
		probe_works(ret, "no foreign firewall is in the way");
}
