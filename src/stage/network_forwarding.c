/* network_forwarding: whether the host passes packets on between interfaces, and making it do so. Parent: plan reads,
 * host writes where the profile says network.forwarding = "enable", the janitor writes back.
 *
 * The kernel asks the interface that a packet came in by (net.ipv4.conf.<interface>.forwarding, ip-sysctl.rst), so it
 * takes the bridge for packets out and the interface of the default route for packets in. For IPv6 it asks the switch
 * for all interfaces, which also turns off router advertisements on the host: that one is never touched. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "base/fd.h"
#include "base/file.h"
#include "base/format.h"
#include "stage/network_link.h"
#include "stage/network_look.h"

int forwarding_on(int family)
{
	const char *path =
		family == AF_INET ? "/proc/sys/net/ipv4/ip_forward" : "/proc/sys/net/ipv6/conf/all/forwarding";
	char text[16];

	return read_file_at(AT_FDCWD, path, text, sizeof(text)) < 1 ? -1 : text[0] != '0';
}

int forwarding_write(const char *interface, bool on, bool *was)
{
	char path[64 + IFNAMSIZ], text[16];

	if (strchr(interface, '/') || !strcmp(interface, "..")) {
		errno = EINVAL;
		return -1;
	}
	format_text(path, sizeof(path), "/proc/sys/net/ipv4/conf/%s/forwarding", interface);
	if (read_file_at(AT_FDCWD, path, text, sizeof(text)) < 1)
		return -1;
	if (was)
		*was = text[0] == '1';
	return (text[0] == '1') == on ? 0 : write_file_at(AT_FDCWD, path, on ? "1" : "0");
}

static int see_default(const struct listed *listed, void *with)
{
	int *interface = with;

	if (listed->address.family == AF_INET && !listed->address.prefix && !*interface)
		*interface = listed->interface;
	return 0;
}

int forwarding_uplink(char to[IFNAMSIZ], struct error *err)
{
	AUTO_CLOSE int route = netlink_open(NETLINK_ROUTE);
	int interface = 0;

	to[0] = '\0';
	if (route < 0)
		return fail_errno(err, K_NETWORK_FORWARDING, "cannot open a netlink socket");
	if (routes_each(route, 0, see_default, &interface, err))
		return -1;
	if (interface && !if_indextoname((unsigned)interface, to))
		return fail_errno(err, K_NETWORK_FORWARDING, "cannot name the interface of the default route");
	return 0;
}
