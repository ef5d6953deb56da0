/* network_link: the interface itself, from the host's side. Parent, attach column: the child exists, in its new network
 * namespace, and blocks.
 *
 * A veth pair is made in one message with its other end already inside, named, addressed and sized: there is no moment
 * at which the host has two strange interfaces, and when the namespace goes, by whatever death, the kernel removes both
 * ends. The host's end is made down, gets its port flags, its program against spoofing and its rate, and only then goes
 * up. macvlan and ipvlan are made inside in one message too.
 *
 * The port flags of a bridge (bridge-link(8)): isolated ports do not reach each other; without learning a sandbox
 * cannot claim another's hardware address, so the address is written into the bridge's table; flooding of broadcasts
 * stays, which ARP needs.
 *
 * Needs CAP_NET_ADMIN over the launcher's namespace and, over the child's, over its user namespace: root has both.
 * Nothing to undo: interfaces die with the namespace. */
#include <errno.h>
#include <linux/if_bridge.h>
#include <linux/if_link.h>
#include <linux/neighbour.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <string.h>
#include <sys/random.h>

#include "base/fd.h"
#include "base/format.h"
#include "stage/network_link.h"
#include "stage/network_look.h"

/* ---- messages that several files build */

int mac_random(uint8_t mac[MAC_SIZE])
{
	if (getrandom(mac, MAC_SIZE, 0) != MAC_SIZE)
		return -1;
	mac[0] = (uint8_t)((mac[0] | 0x02) & ~0x01);
	return 0;
}

void link_address(struct batch *batch, int key, int interface, const struct address *address, const char *text)
{
	struct ifaddrmsg header = {
		.ifa_family = (unsigned char)address->family,
		.ifa_prefixlen = (unsigned char)address->prefix,
		.ifa_flags = address->family == AF_INET6 ? IFA_F_NODAD : 0,
		.ifa_index = (unsigned)interface,
	};
	struct address broadcast = address_network(address);

	for (int bit = address->prefix; bit < 32; bit++)
		broadcast.bytes[bit / 8] |= (uint8_t)(0x80 >> bit % 8);
	batch_message(batch, RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, &header, sizeof(header));
	batch_label(batch, key, -1, "set the address %s", text);
	if (!interface)
		batch_interface(batch, offsetof(struct ifaddrmsg, ifa_index));
	batch_address(batch, IFA_LOCAL, address);
	batch_address(batch, IFA_ADDRESS, address);
	if (address->family == AF_INET && address->prefix < 31)
		batch_address(batch, IFA_BROADCAST, &broadcast);
}

void link_local(struct batch *batch, int key, int interface)
{
	static const struct address address = { .family = AF_INET6, .bytes = { 0xfe, 0x80, [15] = 1 }, .prefix = 64 };

	link_address(batch, key, interface, &address, "fe80::1/64");
}

void link_no_autoconf(struct batch *batch, int key, int interface)
{
	struct ifinfomsg header = { .ifi_index = interface };

	batch_message(batch, RTM_SETLINK, 0, &header, sizeof(header));
	batch_label(batch, key, -1, "turn IPv6 autoconfiguration off");
	if (!interface)
		batch_interface(batch, offsetof(struct ifinfomsg, ifi_index));
	batch_nest(batch, IFLA_AF_SPEC);
	batch_nest(batch, AF_INET6);
	batch_u8(batch, IFLA_INET6_ADDR_GEN_MODE, IN6_ADDR_GEN_MODE_NONE);
	batch_end(batch);
	batch_end(batch);
}

/* tc-tbf(8). The bucket holds a fiftieth of a second, so that a limit binds soon, but no less than two packets; the
 * queue behind it a twentieth. With a link layer named the kernel needs no table of rates (net/sched/sch_tbf.c). */
void link_rate(struct batch *batch, int key, int interface, uint64_t rate)
{
	enum { LEAST = 3200, MOST = 1 << 20 };
	struct tcmsg header = { .tcm_ifindex = interface, .tcm_parent = TC_H_ROOT };
	uint64_t burst = rate / 50 < LEAST ? LEAST : rate / 50 > MOST ? MOST : rate / 50;
	uint64_t queue = rate / 20 < LEAST * 8 ? LEAST * 8 : rate / 20 > 4 * MOST ? 4 * MOST : rate / 20;
	struct tc_tbf_qopt options = {
		.rate = { .rate = rate > UINT32_MAX ? UINT32_MAX : (uint32_t)rate, .linklayer = TC_LINKLAYER_ETHERNET },
		.limit = (uint32_t)(burst + queue),
	};

	batch_message(batch, RTM_NEWQDISC, NLM_F_CREATE | NLM_F_REPLACE, &header, sizeof(header));
	batch_label(batch, key, -1, "limit the rate to %llu bytes a second", (unsigned long long)rate);
	if (!interface)
		batch_interface(batch, offsetof(struct tcmsg, tcm_ifindex));
	batch_text(batch, TCA_KIND, "tbf");
	batch_nest(batch, TCA_OPTIONS);
	batch_put(batch, TCA_TBF_PARMS, &options, sizeof(options));
	batch_u32(batch, TCA_TBF_BURST, (uint32_t)burst);
	if (rate > UINT32_MAX)
		batch_u64(batch, TCA_TBF_RATE64, rate);
	batch_end(batch);
}

/* ---- the interface */

/* What the interface inside is given at birth, wherever its message has room for it. */
static void build_inside(struct batch *batch, const struct net_plan *net, const struct network_host *network,
			 int child_netns)
{
	batch_text(batch, IFLA_IFNAME, net->interface);
	batch_u32(batch, IFLA_NET_NS_FD, (uint32_t)child_netns);
	if (net->mode != NETWORK_MODE_IPVLAN)
		batch_put(batch, IFLA_ADDRESS, network->mac, MAC_SIZE);
	if (net->mtu)
		batch_u32(batch, IFLA_MTU, (uint32_t)net->mtu);
}

/* As many queues as an end has anyway. Without saying so it is made with one for each processor, and the kernel then
 * takes those back, for which it waits for all processors, twice (drivers/net/veth.c). */
static void build_queues(struct batch *batch)
{
	batch_u32(batch, IFLA_NUM_TX_QUEUES, 1);
	batch_u32(batch, IFLA_NUM_RX_QUEUES, 1);
}

/* A bridge that was not given a hardware address of its own has the lowest of its ports' (net/bridge/br_stp_if.c). One
 * of somebody else's must not change its own when a sandbox comes and goes: this is about the highest there is. */
static void build_outer_mac(struct batch *batch, const struct network_host *network)
{
	uint8_t mac[MAC_SIZE];

	memcpy(mac, network->mac, MAC_SIZE);
	mac[0] = 0xfe;
	batch_put(batch, IFLA_ADDRESS, mac, MAC_SIZE);
}

static void build_veth(struct batch *batch, const struct net_plan *net, const struct network_host *network,
		       int child_netns)
{
	struct ifinfomsg header = { .ifi_family = AF_UNSPEC };

	batch_message(batch, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, &header, sizeof(header));
	batch_label(batch, K_NETWORK_MODE, -1, "make the veth pair %s and %s", network->link, net->interface);
	batch_text(batch, IFLA_IFNAME, network->link);
	build_outer_mac(batch, network);
	batch_u32(batch, IFLA_GROUP, OUR_GROUP);
	build_queues(batch);
	if (net->mtu)
		batch_u32(batch, IFLA_MTU, (uint32_t)net->mtu);
	if (network->bridge)
		batch_u32(batch, IFLA_MASTER, (uint32_t)network->bridge);
	batch_nest(batch, IFLA_LINKINFO);
	batch_text(batch, IFLA_INFO_KIND, "veth");
	batch_nest(batch, IFLA_INFO_DATA);
	batch_nest(batch, VETH_INFO_PEER);
	batch_raw(batch, &header, sizeof(header));
	build_inside(batch, net, network, child_netns);
	build_queues(batch);
	batch_end(batch);
	batch_end(batch);
	batch_end(batch);
}

/* An entry of the bridge's table: this hardware address is behind this port, and nowhere else. */
static void build_station(struct batch *batch, const struct network_host *network, int link)
{
	struct ndmsg header = {
		.ndm_family = AF_BRIDGE, .ndm_ifindex = link, .ndm_state = NUD_NOARP, .ndm_flags = NTF_MASTER
	};

	batch_message(batch, RTM_NEWNEIGH, NLM_F_CREATE | NLM_F_REPLACE, &header, sizeof(header));
	batch_label(batch, K_NETWORK_MAC, -1, "tell the bridge the hardware address");
	batch_put(batch, NDA_LLADDR, network->mac, MAC_SIZE);
}

static void build_port(struct batch *batch, const struct net_plan *net, const struct network_host *network, int link)
{
	struct ifinfomsg header = { .ifi_index = link };

	batch_message(batch, RTM_NEWLINK, 0, &header, sizeof(header));
	batch_label(batch, K_NETWORK_BRIDGE_ISOLATED, -1, "set the flags of the bridge's port %s", network->link);
	batch_nest(batch, IFLA_LINKINFO);
	batch_text(batch, IFLA_INFO_SLAVE_KIND, "bridge");
	batch_nest(batch, IFLA_INFO_SLAVE_DATA);
	batch_u8(batch, IFLA_BRPORT_ISOLATED, net->isolated);
	batch_u8(batch, IFLA_BRPORT_LEARNING, !net->spoof_protection);
	batch_u8(batch, IFLA_BRPORT_UNICAST_FLOOD, !net->spoof_protection);
	batch_end(batch);
	batch_end(batch);
	if (net->spoof_protection)
		build_station(batch, network, link);
}

static void build_up(struct batch *batch, const struct network_host *network, int link)
{
	struct ifinfomsg header = { .ifi_index = link, .ifi_flags = IFF_UP, .ifi_change = IFF_UP };

	batch_message(batch, RTM_SETLINK, 0, &header, sizeof(header));
	batch_label(batch, K_NETWORK_MODE, -1, "set %s up", network->link);
}

/* Point to point, the gateway's address is the host's end's. */
static void build_host_address(struct batch *batch, const struct network_host *network, int link)
{
	struct address own = network->gateway, own6 = network->gateway6;
	char text[ADDRESS_TEXT_SIZE];

	own.prefix = network->address.prefix;
	own6.prefix = network->address6.prefix;
	if (own.family)
		link_address(batch, K_NETWORK_GATEWAY, link, &own, address_text(&own, true, text));
	if (!own6.family)
		return;
	link_address(batch, K_NETWORK_GATEWAY6, link, &own6, address_text(&own6, true, text));
	link_local(batch, K_NETWORK_GATEWAY6, link);
}

/* An address that the profile names may have been another sandbox's a moment ago, whose interface the kernel has not
 * removed yet. We hold the address, so that interface is nobody's. */
static int remove_predecessor(int route, const struct network_host *network, struct error *err)
{
	struct link_info link;
	struct ifinfomsg header = { .ifi_family = AF_UNSPEC };
	struct batch *batch = NULL;
	struct error ignored;
	int found = network->bridge ? link_find(route, network->link, &link, err) : 0;

	if (found <= 0)
		return found;
	header.ifi_index = link.index;
	batch = batch_new(network->arena);
	batch_message(batch, RTM_DELLINK, 0, &header, sizeof(header));
	batch_label(batch, K_NETWORK_ADDRESS, -1, "remove %s", network->link);
	/* It may go by itself meanwhile. */
	if (batch_send(batch, route, &ignored) && ignored.sys_errno != ENODEV) {
		*err = ignored;
		return -1;
	}
	return 0;
}

static int attach_veth(int route, const struct plan *plan, struct network_host *network, int child_netns,
		       struct error *err)
{
	const struct net_plan *net = plan->network.net;
	struct batch *batch = batch_new(network->arena);
	struct link_info link;

	build_veth(batch, net, network, child_netns);
	if (remove_predecessor(route, network, err) || batch_send(batch, route, err) ||
	    link_find(route, network->link, &link, err) < 0)
		return -1;
	if (!network->bridge && net->forwarding_enable && forwarding_write(network->link, true))
		return fail_errno(err, K_NETWORK_FORWARDING, "cannot turn forwarding on for %s", network->link);
	batch = batch_new(network->arena);
	link_no_autoconf(batch, K_NETWORK_MODE, link.index);
	if (network->bridge)
		build_port(batch, net, network, link.index);
	else
		build_host_address(batch, network, link.index);
	if (guard_build(plan, network, link.index, batch, err))
		return -1;
	if (net->rate_ingress)
		link_rate(batch, K_NETWORK_RATE_INGRESS, link.index, net->rate_ingress);
	build_up(batch, network, link.index);
	return batch_send(batch, route, err);
}

static int attach_shared(int route, const struct plan *plan, const struct network_host *network, int child_netns,
			 struct error *err)
{
	const struct net_plan *net = plan->network.net;
	bool macvlan = net->mode == NETWORK_MODE_MACVLAN;
	struct ifinfomsg header = { .ifi_family = AF_UNSPEC };
	struct batch *batch = batch_new(network->arena);
	struct link_info parent;
	int found = link_find(route, net->parent, &parent, err);

	if (found < 0)
		return -1;
	if (!found)
		return fail(err, K_NETWORK_PARENT, "cannot find the interface %s", net->parent);
	batch_message(batch, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, &header, sizeof(header));
	batch_label(batch, K_NETWORK_PARENT, -1, "make %s interface on %s", macvlan ? "a macvlan" : "an ipvlan",
		    net->parent);
	batch_u32(batch, IFLA_LINK, (uint32_t)parent.index);
	build_inside(batch, net, network, child_netns);
	batch_nest(batch, IFLA_LINKINFO);
	batch_text(batch, IFLA_INFO_KIND, macvlan ? "macvlan" : "ipvlan");
	batch_nest(batch, IFLA_INFO_DATA);
	if (macvlan)
		batch_u32(batch, IFLA_MACVLAN_MODE, MACVLAN_MODE_BRIDGE);
	else
		batch_u16(batch, IFLA_IPVLAN_MODE, IPVLAN_MODE_L2);
	batch_end(batch);
	batch_end(batch);
	return batch_send(batch, route, err);
}

int link_attach(const struct plan *plan, struct network_host *network, int child_netns, struct error *err)
{
	AUTO_CLOSE int route = netlink_open(NETLINK_ROUTE);

	if (route < 0)
		return fail_errno(err, K_NETWORK_MODE, "cannot open a netlink socket");
	if (plan->network.net->mode == NETWORK_MODE_VETH)
		return attach_veth(route, plan, network, child_netns, err);
	return attach_shared(route, plan, network, child_netns, err);
}
