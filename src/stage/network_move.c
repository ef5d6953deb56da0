/* network_move: an interface of the host moved into the sandbox, and back as it was.
 *
 * host     (parent) notes what the kernel forgets when an interface changes its namespace: its addresses and routes,
 *          whether it is up; and its MTU.
 * attach   moves it, renamed, in one message.
 * end      the janitor, which holds the sandbox's namespace open, moves it back under its old name and gives it what
 *          was noted. Hardware the kernel would bring back by itself, without addresses; a dummy or a veth it would
 *          delete with the namespace (net/core/dev.c, default_device_exit_net).
 *
 * Not given back: its sysctls (net.ipv4.conf, net.ipv6.conf) and its queueing discipline, which a move resets.
 *
 * Messages that the kernel's own listing gave are sent back to it: they name every attribute, known to us or not. */
#include <errno.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <sched.h>
#include <string.h>

#include "base/fd.h"
#include "base/format.h"
#include "stage/network_link.h"
#include "stage/network_look.h"

struct moved {
	struct link_info link;
	struct noted {
		struct noted *next;
		struct nlmsghdr *message; /* copy of the listing's */
	} * first, **last;
	struct arena *arena;
};

static int note(const struct listed *listed, void *with)
{
	struct moved *moved = with;
	struct noted *noted = arena_alloc(moved->arena, sizeof(*noted));
	struct nlmsghdr *copy = arena_alloc(moved->arena, NLMSG_ALIGN(listed->message->nlmsg_len));

	if (!noted || !copy)
		return -1;
	memcpy(copy, listed->message, listed->message->nlmsg_len);
	noted->message = copy;
	*moved->last = noted;
	moved->last = &noted->next;
	return 0;
}

/* Routes that the kernel makes itself, with the address or the link, come back by themselves. */
static int note_route(const struct listed *listed, void *with)
{
	struct rtmsg *info = NLMSG_DATA(listed->message);

	return info->rtm_protocol == RTPROT_KERNEL ? 0 : note(listed, with);
}

int move_note(const struct plan *plan, struct network_host *network, struct error *err)
{
	const char *name = plan->network.net->interface_from;
	struct moved *moved = arena_alloc(network->arena, sizeof(*moved));
	AUTO_CLOSE int route = netlink_open(NETLINK_ROUTE);
	int found = 0;

	if (!moved || route < 0)
		return fail_errno(err, K_NETWORK_INTERFACE_FROM, "cannot look at %s", name);
	moved->last = &moved->first;
	moved->arena = network->arena;
	found = link_find(route, name, &moved->link, err);
	if (found < 0)
		return -1;
	if (!found) {
		fail(err, K_NETWORK_INTERFACE_FROM, "cannot find the interface %s", name);
		return error_exit(err, EXIT_OF_HOST);
	}
	if (moved->link.master) {
		fail(err, K_NETWORK_INTERFACE_FROM, "cannot move %s: it is a port of another interface", name);
		return error_exit(err, EXIT_OF_HOST);
	}
	if (addresses_each(route, moved->link.index, note, moved, err) ||
	    routes_each(route, moved->link.index, note_route, moved, err))
		return -1;
	network->moved = moved;
	return 0;
}

static void build_move(struct batch *batch, int interface, const char *name, int netns)
{
	struct ifinfomsg header = { .ifi_index = interface };

	batch_message(batch, RTM_NEWLINK, 0, &header, sizeof(header));
	batch_label(batch, K_NETWORK_INTERFACE_FROM, -1, "move the interface");
	batch_u32(batch, IFLA_NET_NS_FD, (uint32_t)netns);
	batch_text(batch, IFLA_IFNAME, name);
}

int move_in(const struct plan *plan, const struct network_host *network, int child_netns, struct error *err)
{
	struct batch *batch = batch_new(network->arena);
	AUTO_CLOSE int route = netlink_open(NETLINK_ROUTE);

	if (route < 0)
		return fail_errno(err, K_NETWORK_INTERFACE_FROM, "cannot open a netlink socket");
	build_move(batch, network->moved->link.index, plan->network.net->interface, child_netns);
	return batch_send(batch, route, err);
}

/* Sends a noted address or route, as of the interface's index now. */
static int restore(int route, const struct noted *noted, int interface)
{
	struct netlink_failure failure;
	struct nlmsghdr *message = noted->message;
	struct ifaddrmsg *address = NLMSG_DATA(message);
	struct rtmsg *info = NLMSG_DATA(message);
	int length = (int)message->nlmsg_len;

	message->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK | NLM_F_CREATE | NLM_F_REPLACE;
	message->nlmsg_seq = 1;
	message->nlmsg_pid = 0;
	if (message->nlmsg_type == RTM_NEWADDR) {
		address->ifa_index = (unsigned)interface;
	} else {
		length -= (int)NLMSG_LENGTH(sizeof(*info));
		info->rtm_flags = 0;
		for (struct rtattr *at = RTM_RTA(info); RTA_OK(at, length); at = RTA_NEXT(at, length))
			if (at->rta_type == RTA_OIF)
				memcpy(RTA_DATA(at), &interface, sizeof(interface));
	}
	return netlink_exchange(route, message, message->nlmsg_len, &failure);
}

int move_restore(const struct plan *plan, struct network_host *network, struct error *err)
{
	const struct moved *moved = network->moved;
	struct ifinfomsg header = { .ifi_flags = moved->link.flags & IFF_UP, .ifi_change = IFF_UP };
	struct link_info link;
	struct batch *batch = batch_new(network->arena);
	AUTO_CLOSE int route = netlink_open(NETLINK_ROUTE);
	int status = 0;

	if (route < 0 || link_find(route, plan->network.net->interface_from, &link, err) <= 0)
		return -1;
	header.ifi_index = link.index;
	batch_message(batch, RTM_SETLINK, 0, &header, sizeof(header));
	batch_label(batch, K_NETWORK_INTERFACE_FROM, -1, "set the interface as it was");
	batch_u32(batch, IFLA_MTU, (uint32_t)moved->link.mtu);
	if (memcmp(link.mac, moved->link.mac, MAC_SIZE) != 0)
		batch_put(batch, IFLA_ADDRESS, moved->link.mac, MAC_SIZE);
	status = batch_send(batch, route, err);
	for (const struct noted *noted = moved->first; noted; noted = noted->next)
		status |= restore(route, noted, link.index);
	return status;
}

int move_into(int netns, struct error *err)
{
	if (setns(netns, CLONE_NEWNET))
		return fail_errno(err, K_NETWORK_INTERFACE_FROM, "cannot enter a network namespace");
	return 0;
}

int move_look(const struct plan *plan, int child_netns, int host_netns)
{
	AUTO_CLOSE int route = -1;
	struct link_info link = { 0 };
	struct error ignored;

	if (move_into(child_netns, &ignored))
		return 0;
	route = netlink_open(NETLINK_ROUTE);
	if (route < 0 || link_find(route, plan->network.net->interface, &link, &ignored) <= 0)
		link.index = 0;
	return move_into(host_netns, &ignored) ? 0 : link.index;
}

int move_back(const struct plan *plan, struct network_host *network, int interface, int host_netns, struct error *err)
{
	struct batch *batch = batch_new(network->arena);
	AUTO_CLOSE int route = netlink_open(NETLINK_ROUTE);
	struct link_info link = { .index = interface };

	if (route < 0 || (!interface && link_find(route, plan->network.net->interface, &link, err) <= 0))
		return -1;
	build_move(batch, link.index, plan->network.net->interface_from, host_netns);
	return batch_send(batch, route, err) || move_into(host_netns, err) ? -1 : 0;
}
