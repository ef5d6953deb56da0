/* network_publish: reserves the ports of the host that lead inside. Helper of the network stage; parent, in host and
 * undo.
 *
 * Every published port is held by a socket of the launcher's network namespace from here on, for as long as the sandbox
 * lives: nobody else gets the port, and one that is taken is found before anything runs inside. A packet rule alone
 * would take a port silently from the server that has it. Connections to a TCP port wait in the socket's queue until
 * the relay (run/forward.c) serves it, which is started right before the payload.
 *
 * The sockets are non-blocking, for the relay. SO_REUSEADDR, TCP only, lets a port be taken whose last connections are
 * still fading (tcp(7)); for UDP it would let two sandboxes share a port. An IPv6 socket keeps to IPv6, so that "::"
 * and "0.0.0.0" are published one by one. A datagram's own destination is asked for, so that the answer can leave from
 * it (ip(7), IP_PKTINFO; ipv6(7), IPV6_RECVPKTINFO).
 *
 * Failure: exit status 122, for a port or an address that the host does not give. Undo closes the sockets; they die
 * with the launcher as well.
 */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/format.h"
#include "stage/network_holder.h"

/* ---- what the profile says -------------------------------------------------------------------------------------- */

enum { PORT_TEXT_SIZE = ADDRESS_TEXT_SIZE + 16 };

/* "127.0.0.1:80/tcp", "[::1]:80/udp". */
static const char *port_text(const struct published *port, char to[PORT_TEXT_SIZE])
{
	char address[ADDRESS_TEXT_SIZE];

	format_text(to, PORT_TEXT_SIZE, port->listen.family == AF_INET6 ? "[%s]:%u/%s" : "%s:%u/%s",
		    address_text(&port->listen, false, address), (unsigned)port->host,
		    port->protocol == IPPROTO_TCP ? "tcp" : "udp");
	return to;
}

static int read_ports(const struct published_port_list *list, struct network_host *network, struct error *err)
{
	for (size_t i = 0; i < list->count; i++) {
		const struct published_port *from = &list->items[i];
		struct published *port = &network->published[i];

		*port = (struct published){
			.index = (int)i,
			.protocol = from->protocol == NETWORK_PUBLISH_PROTOCOL_UDP ? IPPROTO_UDP : IPPROTO_TCP,
			.host = (uint16_t)from->host,
			.guest = (uint16_t)(from->guest == INT_UNSET ? from->host : from->guest),
			.fd = -1,
		};
		if (address_parse(from->listen, &port->listen))
			return fail_errno_at(err, K_NETWORK_PUBLISH_LISTEN, (int)i, "cannot read the address %s",
					     from->listen);
		network->published_count = i + 1;
	}
	return 0;
}

/* ---- what the host says ----------------------------------------------------------------------------------------- */

static const struct {
	int number, key;
	const char *what, *remedy;
} refusals[] = {
	{ EADDRNOTAVAIL, K_NETWORK_PUBLISH_LISTEN, "the host has no such address",
	  "`ip address` lists those that it has; 0.0.0.0 and :: stand for all of them" },
	{ EACCES, K_NETWORK_PUBLISH_HOST, "the port is a privileged one",
	  "run as root, or choose a port that is not below the sysctl net.ipv4.ip_unprivileged_port_start" },
	{ EAFNOSUPPORT, K_NETWORK_PUBLISH_LISTEN, "the host has no IPv6", "choose an IPv4 address" },
	{ EINVAL, K_NETWORK_PUBLISH_LISTEN, "a link-local address says nothing without its interface",
	  "choose another address of that interface, or ::" },
};

static int refused(const struct published *port, struct error *err)
{
	int number = errno;
	char text[PORT_TEXT_SIZE], holder[HOLDER_SIZE];

	port_text(port, text);
	if (number == EADDRINUSE) {
		holder_of(port, holder);
		errno = number;
		fail_errno_at(err, K_NETWORK_PUBLISH_HOST, port->index, "cannot reserve %s, which %s has", text,
			      holder);
		error_remedy(err, "end it, or choose another port for `host` of this element of network.publish");
		return error_exit(err, EXIT_OF_HOST);
	}
	for (size_t i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++) {
		if (refusals[i].number != number)
			continue;
		errno = number;
		fail_errno_at(err, refusals[i].key, port->index, "cannot reserve %s: %s", text, refusals[i].what);
		error_remedy(err, "%s", refusals[i].remedy);
		return error_exit(err, EXIT_OF_HOST);
	}
	errno = number;
	return fail_errno_at(err, K_NETWORK_PUBLISH_HOST, port->index, "cannot reserve %s", text);
}

static int bind_port(int fd, const struct published *port)
{
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_port = htons(port->host) };
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6, .sin6_port = htons(port->host) };

	memcpy(&in.sin_addr, port->listen.bytes, sizeof(in.sin_addr));
	memcpy(&in6.sin6_addr, port->listen.bytes, sizeof(in6.sin6_addr));
	if (port->listen.family == AF_INET6)
		return bind(fd, (struct sockaddr *)&in6, sizeof(in6));
	return bind(fd, (struct sockaddr *)&in, sizeof(in));
}

/* The bridge's own address may come only with the bridge, which is made later (ip(7), IP_FREEBIND). */
static int bind_early(int fd, const struct published *port, const struct net_plan *net)
{
	int on = 1;

	if (net && address_same(&port->listen, &net->bridge_address))
		return setsockopt(fd, IPPROTO_IP, IP_FREEBIND, &on, sizeof(on));
	if (net && address_same(&port->listen, &net->bridge_address6))
		return setsockopt(fd, IPPROTO_IPV6, IPV6_FREEBIND, &on, sizeof(on));
	return 0;
}

static int set_options(int fd, const struct published *port)
{
	bool ipv6 = port->listen.family == AF_INET6;
	int on = 1;

	if (ipv6 && setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on)))
		return -1;
	if (port->protocol == IPPROTO_TCP)
		return setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	return ipv6 ? setsockopt(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, &on, sizeof(on))
		    : setsockopt(fd, IPPROTO_IP, IP_PKTINFO, &on, sizeof(on));
}

static int reserve(const struct plan *plan, struct published *port, struct error *err)
{
	bool tcp = port->protocol == IPPROTO_TCP;
	int type = (tcp ? SOCK_STREAM : SOCK_DGRAM) | SOCK_CLOEXEC | SOCK_NONBLOCK;
	AUTO_CLOSE int fd = socket(port->listen.family, type, port->protocol);

	/* Two sockets with SO_REUSEADDR may be bound to one port; the second to listen is refused. */
	if (fd < 0 || set_options(fd, port) || bind_early(fd, port, plan->network.net) || bind_port(fd, port) ||
	    (tcp && listen(fd, SOMAXCONN)))
		return refused(port, err);
	port->fd = TAKE_FD(fd);
	return 0;
}

int publish_reserve(const struct plan *plan, struct network_host *network, struct error *err)
{
	const struct published_port_list *list = &plan->profile->network.publish;

	if (!list->count)
		return 0;
	network->published = calloc(list->count, sizeof(*network->published));
	if (!network->published)
		return fail_errno(err, K_NETWORK_PUBLISH, "cannot get memory");
	if (read_ports(list, network, err))
		return -1;
	for (size_t i = 0; i < network->published_count; i++)
		if (reserve(plan, &network->published[i], err))
			return -1;
	return 0;
}

void publish_release(struct network_host *network)
{
	for (size_t i = 0; i < network->published_count; i++)
		fd_close(&network->published[i].fd);
	free(network->published);
	network->published = NULL;
	network->published_count = 0;
}
