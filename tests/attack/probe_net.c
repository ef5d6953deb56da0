/* Attempts on the network: what a namespace holds back, and what it does not (vsock, the exotic families). */
#include "probe.h"

#include <arpa/inet.h>
#include <errno.h>
#include <ifaddrs.h>
#include <linux/netlink.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

/* #86: the bait is the name of a listening abstract socket of the host. */
static enum outcome abstract_unix(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	size_t length = strlen(bait("abstract"));
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	memcpy(address.sun_path + 1, bait("abstract"), length);
	return judge(connect(fd, (struct sockaddr *)&address,
			     (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + length)),
		     "connect abstract");
}

/* #88: the bait is a port that the host listens on at 127.0.0.1. */
static enum outcome loopback(void)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
				       .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
				       .sin_port = htons((in_port_t)atoi(bait("port"))) };
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	return judge(connect(fd, (struct sockaddr *)&address, sizeof(address)), "connect 127.0.0.1");
}

/* #89 */
static enum outcome net_interfaces(void)
{
	struct ifaddrs *list = NULL;

	if (getifaddrs(&list))
		return judge(-1, "getifaddrs");
	for (struct ifaddrs *i = list; i; i = i->ifa_next)
		if (strcmp(i->ifa_name, "lo") != 0) {
			detail("%s", i->ifa_name);
			return OPEN;
		}
	detail("lo only");
	return BLOCKED;
}

/* #90 */
static enum outcome raw_sockets(void)
{
	if (socket(AF_INET, SOCK_RAW, IPPROTO_ICMP) >= 0)
		return judge(0, "raw");
	return judge(socket(AF_PACKET, SOCK_RAW, 0), "packet");
}

/* #95 */
static enum outcome vsock(void)
{
	return judge(socket(40, SOCK_STREAM, 0), "vsock");
}

/* #75: the kernel reads the family as an int; a filter that compares 64 bits is passed by a high bit. */
static enum outcome vsock_high_bit(void)
{
	return judge(syscall(SYS_socket, 40UL | 1UL << 32, (long)SOCK_STREAM, 0L), "vsock with a high bit");
}

/* #96: everything but unix, inet, inet6 and netlink. */
static enum outcome families(void)
{
	for (int family = 3; family < 46; family++) {
		if (family == AF_INET6 || family == AF_NETLINK)
			continue;
		for (int type = 1; type <= 5; type++)
			if (socket(family, type, 0) >= 0) {
				detail("family %d type %d", family, type);
				return OPEN;
			}
	}
	return judge(-1, "socket families");
}

static enum outcome netlink_protocols(void)
{
	for (int protocol = 1; protocol < 23; protocol++)
		if (socket(AF_NETLINK, SOCK_RAW, protocol) >= 0) {
			detail("netlink protocol %d", protocol);
			return OPEN;
		}
	return judge(-1, "netlink protocols");
}

const struct probe net_probes[] = {
	{ "abstract_unix", abstract_unix },
	{ "loopback", loopback },
	{ "net_interfaces", net_interfaces },
	{ "raw_sockets", raw_sockets },
	{ "vsock", vsock },
	{ "vsock_high_bit", vsock_high_bit },
	{ "families", families },
	{ "netlink_protocols", netlink_protocols },
	{ 0 },
};
