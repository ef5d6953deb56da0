/* forward_tcp: connections of the relay of published ports.
 *
 * Runs in the relay (run/forward.c). A connection is two sockets, the client's and one to the guest, and bytes go both
 * ways between them. None is ever held here: what a socket has to give is looked at (recv(2), MSG_PEEK), offered to the
 * other, and only as much as that took is taken out of the first (tcp(7), MSG_TRUNC). So the kernel's socket buffers
 * are all there is, a slow reader slows its writer down as without us, and no peer can make us hold memory or wait.
 *
 * Events are edge-triggered: a socket counts as readable or writable until the kernel says otherwise. In one turn a
 * connection copies a bounded number of pieces; what it could not finish stands in line with the others.
 *
 * Ends are passed on as they are. End of file one way closes that way only; the connection is over when both are, and
 * what is still in the kernel's buffers arrives. A reset, or a guest that does not answer or refuses, resets the other
 * side. When all places are taken, connections wait in the listening sockets' queues. A peer that is gone without a
 * word is found by keep-alive (tcp(7), SO_KEEPALIVE), so that its place is not taken for ever.
 */
#include "run/forwarding.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"

enum { ACCEPTS = 16, PIECES = 8 }; /* in one turn: of one port; one way of one connection */

#define PAUSE_NSEC (100 * INT64_C(1000000))

CHILD static void enqueue(struct forwarding *forwarding, uint32_t index)
{
	struct connection *connection = &forwarding->connections[index];

	if (connection->queued)
		return;
	connection->queued = true;
	connection->next = forwarding->work;
	forwarding->work = index;
}

/* ---- a connection's begin and end ------------------------------------------------------------------------------- */

CHILD static bool full(const struct forwarding *forwarding)
{
	return !forwarding->connection_free && forwarding->connection_used == forwarding->connection_max;
}

CHILD static uint32_t take_place(struct forwarding *forwarding)
{
	uint32_t index = forwarding->connection_free;

	if (index)
		forwarding->connection_free = forwarding->connections[index].next;
	else
		index = ++forwarding->connection_used;
	forwarding->connections[index] = (struct connection){ .fd = { -1, -1 }, .used = true };
	return index;
}

/* A socket that is closed with no time to linger sends a reset and forgets what it holds (socket(7)). */
CHILD static void end_connection(struct forwarding *forwarding, uint32_t index, bool reset)
{
	struct connection *connection = &forwarding->connections[index];
	struct linger linger = { .l_onoff = 1, .l_linger = 0 };

	for (int side = CLIENT; side <= GUEST; side++) {
		if (reset && connection->fd[side] >= 0)
			(void)setsockopt(connection->fd[side], SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
		fd_close(&connection->fd[side]);
	}
	connection->used = false;
	connection->next = forwarding->connection_free;
	forwarding->connection_free = index;
}

/* Urgent bytes stay in their place; nothing waits for more to send. Without these it is still a connection. */
CHILD static void set_options(int fd)
{
	int on = 1;

	(void)setsockopt(fd, SOL_SOCKET, SO_OOBINLINE, &on, sizeof(on));
	(void)setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
}

/* Watched after connect(2): a socket that has not begun to connect looks like one that was hung up. */
CHILD static int connect_guest(struct forwarding *forwarding, uint32_t index, const struct published *port)
{
	struct connection *connection = &forwarding->connections[index];
	const uint32_t events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;
	union endpoint guest;
	socklen_t length = forward_guest(forwarding->network, port, &guest);

	set_options(connection->fd[CLIENT]);
	connection->fd[GUEST] = socket(guest.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_TCP);
	if (connection->fd[GUEST] < 0)
		return -1;
	set_options(connection->fd[GUEST]);
	connection->connecting = true;
	if (connect(connection->fd[GUEST], &guest.any, length) && errno != EINPROGRESS)
		return -1;
	if (forward_watch(forwarding, connection->fd[CLIENT], AT_CLIENT, index, events))
		return -1;
	return forward_watch(forwarding, connection->fd[GUEST], AT_GUEST, index, events);
}

/* What accept(2) refuses because of its client alone, the next event brings the next one of. */
CHILD void tcp_accept(struct forwarding *forwarding, uint32_t port)
{
	const struct published *published = &forwarding->network->published[port];

	for (int i = 0; i < ACCEPTS && !full(forwarding); i++) {
		int fd = accept4(published->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
		uint32_t index = 0;

		if (fd < 0) {
			if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM)
				forwarding->pause_end = forwarding->now + PAUSE_NSEC;
			return;
		}
		index = take_place(forwarding);
		forwarding->connections[index].fd[CLIENT] = fd;
		if (connect_guest(forwarding, index, published))
			end_connection(forwarding, index, true);
	}
}

CHILD void tcp_listen(struct forwarding *forwarding)
{
	bool wanted = !full(forwarding) && forwarding->now >= forwarding->pause_end;

	if (wanted == forwarding->listening)
		return;
	for (uint32_t i = 0; i < forwarding->network->published_count; i++) {
		const struct published *port = &forwarding->network->published[i];
		struct epoll_event event = { .events = wanted ? EPOLLIN : 0,
					     .data.u64 = (uint64_t)AT_LISTENER << 32 | i };

		if (port->protocol == IPPROTO_TCP)
			(void)epoll_ctl(forwarding->epoll, EPOLL_CTL_MOD, port->fd, &event);
	}
	forwarding->listening = wanted;
}

/* ---- copying ---------------------------------------------------------------------------------------------------- */

/* Takes out what was only looked at before; it is there, so this is the kernel's word or nobody's. */
CHILD static bool take_out(int fd, size_t length)
{
	while (length) {
		ssize_t n = recv(fd, NULL, length, MSG_TRUNC | MSG_DONTWAIT);

		if (n <= 0)
			return false;
		length -= (size_t)n;
	}
	return true;
}

/* One piece. False: the connection is lost. */
CHILD static bool copy_piece(const struct forwarding *forwarding, struct connection *connection, enum side from)
{
	enum side to = from == CLIENT ? GUEST : CLIENT;
	ssize_t n = recv(connection->fd[from], forwarding->scratch, SCRATCH_SIZE, MSG_PEEK | MSG_DONTWAIT);

	if (n < 0) {
		connection->readable[from] = false;
		return errno == EAGAIN;
	}
	if (n == 0) {
		connection->ended[from] = true;
		/* The one error it has says that the peer is gone, which the other direction will notice. */
		(void)shutdown(connection->fd[to], SHUT_WR);
		return true;
	}
	n = send(connection->fd[to], forwarding->scratch, (size_t)n, MSG_NOSIGNAL | MSG_DONTWAIT);
	if (n < 0) {
		connection->writable[to] = false;
		return errno == EAGAIN;
	}
	return take_out(connection->fd[from], (size_t)n);
}

CHILD static bool can_copy(const struct connection *connection, enum side from)
{
	enum side to = from == CLIENT ? GUEST : CLIENT;

	return connection->readable[from] && connection->writable[to] && !connection->ended[from];
}

CHILD static bool copy(const struct forwarding *forwarding, struct connection *connection, enum side from)
{
	for (int i = 0; i < PIECES && can_copy(connection, from); i++)
		if (!copy_piece(forwarding, connection, from))
			return false;
	return true;
}

/* An error of a socket that has ended shows nowhere else. One of another is met when all before it has been read. */
CHILD static bool lost(const struct connection *connection)
{
	for (int side = CLIENT; side <= GUEST; side++)
		if (connection->failed[side] && (connection->ended[side] || connection->connecting))
			return true;
	return false;
}

/* Both ways are tried before either's failure counts: an answer may lie behind the reset of what asked for it. */
CHILD static void go_on(struct forwarding *forwarding, uint32_t index)
{
	struct connection *connection = &forwarding->connections[index];
	bool fine = true;

	if (connection->connecting && !lost(connection)) {
		if (!connection->writable[GUEST])
			return;
		connection->connecting = false;
	}
	if (!connection->connecting) {
		fine = copy(forwarding, connection, GUEST);
		fine = copy(forwarding, connection, CLIENT) && fine;
	}
	if (!fine || lost(connection))
		end_connection(forwarding, index, true);
	else if (connection->ended[CLIENT] && connection->ended[GUEST])
		end_connection(forwarding, index, false);
	else if (can_copy(connection, CLIENT) || can_copy(connection, GUEST))
		enqueue(forwarding, index);
}

CHILD void tcp_event(struct forwarding *forwarding, uint32_t index, enum side side, uint32_t events)
{
	struct connection *connection = &forwarding->connections[index];

	connection->readable[side] |= (events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0;
	connection->writable[side] |= (events & (EPOLLOUT | EPOLLHUP | EPOLLERR)) != 0;
	connection->failed[side] |= (events & EPOLLERR) != 0;
	enqueue(forwarding, index);
}

/* Those that stand in line again come in the next turn. Connections end here only, when all events of the turn have
 * been looked at: none of them can be meant for what comes into a place after that. */
CHILD void tcp_work(struct forwarding *forwarding)
{
	uint32_t index = forwarding->work;

	forwarding->work = 0;
	while (index) {
		struct connection *connection = &forwarding->connections[index];
		uint32_t next = connection->next;

		connection->queued = false;
		go_on(forwarding, index);
		index = next;
	}
}

/* ---- the end ---------------------------------------------------------------------------------------------------- */

CHILD void tcp_last_orders(struct forwarding *forwarding)
{
	for (uint32_t i = 1; i <= forwarding->connection_used; i++) {
		if (!forwarding->connections[i].used)
			continue;
		forwarding->connections[i].readable[GUEST] = true;
		enqueue(forwarding, i);
	}
}

CHILD bool tcp_undelivered(const struct forwarding *forwarding)
{
	for (uint32_t i = 1; i <= forwarding->connection_used; i++) {
		const struct connection *connection = &forwarding->connections[i];

		if (connection->used && !connection->connecting && connection->readable[GUEST] &&
		    !connection->ended[GUEST])
			return true;
	}
	return false;
}
