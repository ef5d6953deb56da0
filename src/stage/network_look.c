/* network_look: asks the kernel what is there: interfaces, their addresses, routes. Parent; plan, host and attach
 * columns, and whoever cleans up. Reads only.
 *
 * Attributes are read with the bounds-checking macros of rtnetlink(3); an interface is found by one request for its
 * name, whatever the number of others. Addresses and routes the kernel can only list: that is done once a bridge, not
 * once a sandbox. */
#include <errno.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <stddef.h>
#include <string.h>

#include "base/format.h"
#include "stage/network_look.h"

/* ---- interfaces */

static void take_kind(struct rtattr *info, struct link_info *link)
{
	int length = (int)RTA_PAYLOAD(info);

	for (struct rtattr *at = RTA_DATA(info); RTA_OK(at, length); at = RTA_NEXT(at, length))
		if (at->rta_type == IFLA_INFO_KIND)
			format_text(link->kind, sizeof(link->kind), "%s", (const char *)RTA_DATA(at));
}

static uint32_t number_of(struct rtattr *at)
{
	uint32_t number = 0;

	if (RTA_PAYLOAD(at) >= sizeof(number))
		memcpy(&number, RTA_DATA(at), sizeof(number));
	return number;
}

static int take_link(struct nlmsghdr *message, void *with)
{
	struct link_info *link = with;
	struct ifinfomsg *info = NLMSG_DATA(message);
	int length = (int)message->nlmsg_len - (int)NLMSG_LENGTH(sizeof(*info));

	if (message->nlmsg_type != RTM_NEWLINK)
		return 0;
	link->index = info->ifi_index;
	link->flags = info->ifi_flags;
	for (struct rtattr *at = IFLA_RTA(info); RTA_OK(at, length); at = RTA_NEXT(at, length)) {
		if ((at->rta_type & NLA_TYPE_MASK) == IFLA_LINKINFO)
			take_kind(at, link);
		else if (at->rta_type == IFLA_GROUP)
			link->ours = number_of(at) == OUR_GROUP;
		else if (at->rta_type == IFLA_ADDRESS && RTA_PAYLOAD(at) == MAC_SIZE)
			memcpy(link->mac, RTA_DATA(at), MAC_SIZE);
		else if (at->rta_type == IFLA_MASTER)
			link->master = (int)number_of(at);
		else if (at->rta_type == IFLA_MTU)
			link->mtu = (int)number_of(at);
	}
	return 0;
}

int link_find(int route, const char *name, struct link_info *ret, struct error *err)
{
	struct {
		struct nlmsghdr header;
		struct ifinfomsg info;
		struct rtattr attribute;
		char name[RTA_ALIGN(IFNAMSIZ)];
	} request = {
		.header = { .nlmsg_type = RTM_GETLINK, .nlmsg_seq = 1 },
		.attribute = { .rta_type = IFLA_IFNAME },
	};
	struct netlink_failure failure;

	/* Bytes behind the attribute would be told in the kernel's log. */
	request.attribute.rta_len = (unsigned short)(RTA_LENGTH(strlen(name) + 1));
	request.header.nlmsg_len = (uint32_t)offsetof(typeof(request), attribute) + request.attribute.rta_len;
	request.header.nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK;
	format_text(request.name, sizeof(request.name), "%s", name);
	*ret = (struct link_info){ 0 };
	if (!netlink_request(route, &request, request.header.nlmsg_len, &(struct netlink_reader){ take_link, ret },
			     &failure))
		return ret->index ? 1 : 0;
	if (failure.sys_errno == ENODEV)
		return 0;
	errno = failure.sys_errno;
	return fail_errno(err, K_NETWORK_MODE, "cannot look for the interface %s", name);
}

/* ---- addresses and routes */

struct dump {
	int interface; /* 0: of any */
	int (*each)(const struct listed *, void *);
	void *with;
};

static struct address address_from(int family, struct rtattr *at, int prefix)
{
	struct address address = { .family = family, .prefix = prefix };

	if (RTA_PAYLOAD(at) < address_size(&address))
		return (struct address){ 0 };
	memcpy(address.bytes, RTA_DATA(at), address_size(&address));
	return address;
}

static int take_address(struct nlmsghdr *message, void *with)
{
	const struct dump *dump = with;
	struct ifaddrmsg *info = NLMSG_DATA(message);
	int length = (int)message->nlmsg_len - (int)NLMSG_LENGTH(sizeof(*info));
	struct listed found = { .interface = (int)info->ifa_index, .message = message };

	if (message->nlmsg_type != RTM_NEWADDR || (dump->interface && found.interface != dump->interface))
		return 0;
	/* IFA_LOCAL is the address itself where IFA_ADDRESS is the other end's (rtnetlink(7)); IPv6 has often only the
	 * second. */
	for (struct rtattr *at = IFA_RTA(info); RTA_OK(at, length); at = RTA_NEXT(at, length))
		if (at->rta_type == IFA_LOCAL || (at->rta_type == IFA_ADDRESS && !found.address.family))
			found.address = address_from(info->ifa_family, at, info->ifa_prefixlen);
	return found.address.family ? dump->each(&found, dump->with) : 0;
}

static int take_route(struct nlmsghdr *message, void *with)
{
	const struct dump *dump = with;
	struct rtmsg *info = NLMSG_DATA(message);
	int length = (int)message->nlmsg_len - (int)NLMSG_LENGTH(sizeof(*info));
	struct listed found = { .message = message };
	uint32_t table = info->rtm_table;

	if (message->nlmsg_type != RTM_NEWROUTE || (info->rtm_family != AF_INET && info->rtm_family != AF_INET6))
		return 0;
	found.address = (struct address){ .family = info->rtm_family, .prefix = info->rtm_dst_len };
	for (struct rtattr *at = RTM_RTA(info); RTA_OK(at, length); at = RTA_NEXT(at, length)) {
		if (at->rta_type == RTA_DST)
			found.address = address_from(info->rtm_family, at, info->rtm_dst_len);
		else if (at->rta_type == RTA_OIF)
			found.interface = (int)number_of(at);
		else if (at->rta_type == RTA_TABLE)
			table = number_of(at);
	}
	if (table != RT_TABLE_MAIN || (dump->interface && found.interface != dump->interface) || !found.address.family)
		return 0;
	return dump->each(&found, dump->with);
}

static int list(int route, uint16_t type, int take(struct nlmsghdr *, void *), struct dump *dump, struct error *err)
{
	struct {
		struct nlmsghdr header;
		union {
			struct ifaddrmsg address;
			struct rtmsg route;
		};
	} request = {
		.header = { .nlmsg_len = sizeof(request), .nlmsg_type = type, .nlmsg_seq = 1 },
	};
	struct netlink_failure failure;

	request.header.nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	if (!netlink_request(route, &request, sizeof(request), &(struct netlink_reader){ take, dump }, &failure))
		return 0;
	errno = failure.sys_errno;
	return fail_errno(err, K_NETWORK_MODE, "cannot list the host's addresses and routes");
}

int addresses_each(int route, int interface, int each(const struct listed *, void *), void *with, struct error *err)
{
	struct dump dump = { .interface = interface, .each = each, .with = with };

	return list(route, RTM_GETADDR, take_address, &dump, err);
}

int routes_each(int route, int interface, int each(const struct listed *, void *), void *with, struct error *err)
{
	struct dump dump = { .interface = interface, .each = each, .with = with };

	return list(route, RTM_GETROUTE, take_route, &dump, err);
}
