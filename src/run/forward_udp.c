/* forward_udp: datagrams of the relay of published ports.
 *
 * Runs in the relay (run/forward.c). UDP has no connections, but answers must find their way back: each client address,
 * together with the address of the host that it wrote to, gets a socket connected to the guest, a flow. What comes in
 * there goes back to that client from that address (ip(7), IP_PKTINFO), through the reserved socket. A flow that was
 * not used for a minute ends; when all are in use the one that was used longest ago makes place, so that addresses that
 * somebody invents cannot keep a client out for good.
 *
 * Datagrams are lost where UDP loses them: no room in a socket's buffer, no route, nobody listening. Nothing is held
 * here, and nothing waits.
 */
#include "run/forwarding.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"

enum { DATAGRAMS = 32 }; /* of one socket in one turn */

#define IDLE_NSEC (60 * NSEC_PER_SEC)

/* A message's control data, one element, aligned as the kernel wants it. */
union control {
	char bytes[CMSG_SPACE(sizeof(struct in6_pktinfo))];
	struct cmsghdr header;
};

/* ---- the table -------------------------------------------------------------------------------------------------- */

/* FNV-1a. Whoever finds many keys of one bucket gets a search among all flows, which are few. */
CHILD static uint32_t *bucket_of(struct forwarding *forwarding, const struct flow_key *key)
{
	const uint8_t *bytes = (const uint8_t *)key;
	uint32_t hash = 2166136261U;

	for (size_t i = 0; i < sizeof(*key); i++)
		hash = (hash ^ bytes[i]) * 16777619U;
	return &forwarding->buckets[hash % FLOW_BUCKETS];
}

CHILD static void unlink_time(struct forwarding *forwarding, const struct flow *flow)
{
	*(flow->older ? &forwarding->flows[flow->older].newer : &forwarding->oldest) = flow->newer;
	*(flow->newer ? &forwarding->flows[flow->newer].older : &forwarding->newest) = flow->older;
}

CHILD static void link_newest(struct forwarding *forwarding, uint32_t index)
{
	struct flow *flow = &forwarding->flows[index];

	flow->last = forwarding->now;
	flow->newer = 0;
	flow->older = forwarding->newest;
	*(flow->older ? &forwarding->flows[flow->older].newer : &forwarding->oldest) = index;
	forwarding->newest = index;
}

CHILD static void touch(struct forwarding *forwarding, uint32_t index)
{
	unlink_time(forwarding, &forwarding->flows[index]);
	link_newest(forwarding, index);
}

CHILD static void end_flow(struct forwarding *forwarding, uint32_t index)
{
	struct flow *flow = &forwarding->flows[index];
	uint32_t *at = bucket_of(forwarding, &flow->key);

	while (*at != index)
		at = &forwarding->flows[*at].next;
	*at = flow->next;
	unlink_time(forwarding, flow);
	fd_close(&flow->fd);
	flow->next = forwarding->flow_free;
	forwarding->flow_free = index;
}

CHILD static uint32_t find_flow(struct forwarding *forwarding, const struct flow_key *key)
{
	uint32_t index = *bucket_of(forwarding, key);

	while (index && memcmp(&forwarding->flows[index].key, key, sizeof(*key)) != 0)
		index = forwarding->flows[index].next;
	return index;
}

/* A socket to the guest; -1. Out of descriptors, the oldest flow gives its own. */
CHILD static int open_socket(struct forwarding *forwarding, uint32_t port)
{
	union endpoint guest;
	socklen_t length = forward_guest(forwarding->network, &forwarding->network->published[port], &guest);
	const int type = SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK;
	AUTO_CLOSE int fd = socket(guest.any.sa_family, type, IPPROTO_UDP);

	if (fd < 0 && forwarding->oldest) {
		end_flow(forwarding, forwarding->oldest);
		fd = socket(guest.any.sa_family, type, IPPROTO_UDP);
	}
	if (fd < 0 || connect(fd, &guest.any, length))
		return -1;
	return TAKE_FD(fd);
}

/* 0: the datagram is lost. */
CHILD static uint32_t open_flow(struct forwarding *forwarding, const struct flow_key *key, unsigned interface)
{
	AUTO_CLOSE int fd = -1;
	uint32_t index = 0, *bucket = bucket_of(forwarding, key);

	if (!forwarding->flow_free && forwarding->flow_used == forwarding->flow_max)
		end_flow(forwarding, forwarding->oldest);
	fd = open_socket(forwarding, key->port);
	if (fd < 0)
		return 0;
	index = forwarding->flow_free ? forwarding->flow_free : forwarding->flow_used + 1;
	if (forward_watch(forwarding, fd, AT_FLOW, index, EPOLLIN))
		return 0;
	if (index == forwarding->flow_free)
		forwarding->flow_free = forwarding->flows[index].next;
	else
		forwarding->flow_used = index;
	forwarding->flows[index] =
		(struct flow){ .key = *key, .fd = TAKE_FD(fd), .interface = interface, .next = *bucket };
	*bucket = index;
	link_newest(forwarding, index);
	return index;
}

CHILD void udp_expire(struct forwarding *forwarding)
{
	while (udp_next(forwarding) <= forwarding->now)
		end_flow(forwarding, forwarding->oldest);
}

CHILD int64_t udp_next(const struct forwarding *forwarding)
{
	return forwarding->oldest ? forwarding->flows[forwarding->oldest].last + IDLE_NSEC : INT64_MAX;
}

/* ---- from a client ---------------------------------------------------------------------------------------------- */

/* Which address of the host the datagram came to. The kernel attaches nothing else: one element was asked for. */
CHILD static void read_local(struct msghdr *message, struct flow_key *key, unsigned *interface)
{
	const struct cmsghdr *element = CMSG_FIRSTHDR(message);
	struct in_pktinfo info;
	struct in6_pktinfo info6;

	if (element && element->cmsg_level == IPPROTO_IP && element->cmsg_type == IP_PKTINFO) {
		memcpy(&info, CMSG_DATA(element), sizeof(info));
		memcpy(key->local, &info.ipi_spec_dst, sizeof(info.ipi_spec_dst));
	}
	if (element && element->cmsg_level == IPPROTO_IPV6 && element->cmsg_type == IPV6_PKTINFO) {
		memcpy(&info6, CMSG_DATA(element), sizeof(info6));
		memcpy(key->local, &info6.ipi6_addr, sizeof(info6.ipi6_addr));
		*interface = info6.ipi6_ifindex;
	}
}

CHILD static void read_client(const union endpoint *from, struct flow_key *key)
{
	if (from->any.sa_family == AF_INET) {
		memcpy(key->client, &from->in.sin_addr, sizeof(from->in.sin_addr));
		key->client_port = from->in.sin_port;
		return;
	}
	memcpy(key->client, &from->in6.sin6_addr, sizeof(from->in6.sin6_addr));
	key->client_port = from->in6.sin6_port;
	key->client_scope = from->in6.sin6_scope_id;
}

/* A socket whose last datagram nobody wanted says so once, in place of sending (udp(7)). */
CHILD static void send_in(int fd, const char *data, size_t length)
{
	if (send(fd, data, length, MSG_DONTWAIT | MSG_NOSIGNAL) < 0 && errno == ECONNREFUSED)
		(void)send(fd, data, length, MSG_DONTWAIT | MSG_NOSIGNAL);
}

CHILD void udp_from_clients(struct forwarding *forwarding, uint32_t port)
{
	for (int i = 0; i < DATAGRAMS; i++) {
		union endpoint from = { .any.sa_family = AF_UNSPEC };
		union control control;
		struct iovec data = { .iov_base = forwarding->scratch, .iov_len = SCRATCH_SIZE };
		struct msghdr message = { .msg_name = &from,
					  .msg_namelen = sizeof(from),
					  .msg_iov = &data,
					  .msg_iovlen = 1,
					  .msg_control = &control,
					  .msg_controllen = sizeof(control) };
		struct flow_key key;
		unsigned interface = 0;
		uint32_t index = 0;
		ssize_t n = recvmsg(forwarding->network->published[port].fd, &message, MSG_DONTWAIT);

		if (n < 0)
			return;
		memset(&key, 0, sizeof(key)); /* compared as bytes */
		key.port = port;
		read_client(&from, &key);
		read_local(&message, &key, &interface);
		index = find_flow(forwarding, &key);
		if (index)
			touch(forwarding, index);
		else
			index = open_flow(forwarding, &key, interface);
		if (index)
			send_in(forwarding->flows[index].fd, forwarding->scratch, (size_t)n);
	}
}

/* ---- from the guest --------------------------------------------------------------------------------------------- */

CHILD static void put_element(struct msghdr *message, int level, int type, const void *data, size_t length)
{
	struct cmsghdr *element = message->msg_control;

	element->cmsg_level = level;
	element->cmsg_type = type;
	element->cmsg_len = CMSG_LEN(length);
	memcpy(CMSG_DATA(element), data, length);
	message->msg_controllen = CMSG_SPACE(length);
}

CHILD static bool link_local(const uint8_t address[16])
{
	return address[0] == 0xfe && (address[1] & 0xc0) == 0x80;
}

/* Routing finds the way out, but for a link-local address, which lies behind one interface. */
CHILD static void send_back(const struct forwarding *forwarding, const struct flow *flow, size_t length)
{
	const struct published *port = &forwarding->network->published[flow->key.port];
	union endpoint to = { .any.sa_family = AF_UNSPEC };
	union control control = { .bytes = { 0 } };
	struct iovec data = { .iov_base = forwarding->scratch, .iov_len = length };
	struct msghdr message = { .msg_name = &to, .msg_iov = &data, .msg_iovlen = 1, .msg_control = &control };
	struct in_pktinfo info = { .ipi_ifindex = 0 };
	struct in6_pktinfo info6 = { .ipi6_ifindex = link_local(flow->key.local) ? flow->interface : 0 };

	if (port->listen.family == AF_INET) {
		to.in.sin_family = AF_INET;
		to.in.sin_port = (in_port_t)flow->key.client_port;
		memcpy(&to.in.sin_addr, flow->key.client, sizeof(to.in.sin_addr));
		memcpy(&info.ipi_spec_dst, flow->key.local, sizeof(info.ipi_spec_dst));
		message.msg_namelen = sizeof(to.in);
		put_element(&message, IPPROTO_IP, IP_PKTINFO, &info, sizeof(info));
	} else {
		to.in6.sin6_family = AF_INET6;
		to.in6.sin6_port = (in_port_t)flow->key.client_port;
		to.in6.sin6_scope_id = flow->key.client_scope;
		memcpy(&to.in6.sin6_addr, flow->key.client, sizeof(to.in6.sin6_addr));
		memcpy(&info6.ipi6_addr, flow->key.local, sizeof(info6.ipi6_addr));
		message.msg_namelen = sizeof(to.in6);
		put_element(&message, IPPROTO_IPV6, IPV6_PKTINFO, &info6, sizeof(info6));
	}
	(void)sendmsg(port->fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
}

/* The flow may have made place for another one in this turn: then there is nothing to read, or it is that one's. */
CHILD void udp_from_guest(struct forwarding *forwarding, uint32_t index)
{
	const struct flow *flow = &forwarding->flows[index];

	for (int i = 0; i < DATAGRAMS && flow->fd >= 0; i++) {
		ssize_t n = recv(flow->fd, forwarding->scratch, SCRATCH_SIZE, MSG_DONTWAIT);

		if (n < 0 && errno == ECONNREFUSED)
			continue;
		if (n < 0)
			return;
		touch(forwarding, index);
		send_back(forwarding, flow, (size_t)n);
	}
}
