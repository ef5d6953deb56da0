/* netlink: whole messages to the kernel and its answers back. Used by the launcher, and by the child for its own
 * namespace: hence no memory of the heap's and no library.
 *
 * The kernel works on one datagram message by message and answers each in turn, at once: when sendmsg(2) has returned,
 * the answers lie in the socket. So a batch needs one call out and a few in. An answer that says why (NETLINK_EXT_ACK,
 * Linux 4.12) carries a text behind the error; NETLINK_CAP_ACK keeps it from carrying our whole message back as well.
 *
 * After a failure the rest of the answers is read and thrown away, so that the socket stays good for the next request.
 * Needs: Linux 4.12. */
#include "base/netlink.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fd.h"

enum {
	ANSWER_SIZE = 32768, /* the kernel's dumps come in pieces of at most 32 KiB (NLMSG_GOODSIZE, af_netlink.c) */
	SEND_SIZE = 1 << 20, /* a batch is one datagram, and must fit into the socket's send buffer */
};

CHILD int netlink_open(int protocol)
{
	AUTO_CLOSE int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, protocol);
	struct sockaddr_nl own = { .nl_family = AF_NETLINK };
	int on = 1, size = SEND_SIZE;

	if (fd < 0 || bind(fd, (struct sockaddr *)&own, sizeof(own)) ||
	    setsockopt(fd, SOL_NETLINK, NETLINK_EXT_ACK, &on, sizeof(on)) ||
	    setsockopt(fd, SOL_NETLINK, NETLINK_CAP_ACK, &on, sizeof(on)))
		return -1;
	/* FORCE takes CAP_NET_ADMIN in the initial user namespace; without it the system's limit holds. */
	if (setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size)))
		(void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)))
		(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	return TAKE_FD(fd);
}

CHILD static int failed(struct netlink_failure *ret, size_t message, int error)
{
	*ret = (struct netlink_failure){ .message = message, .sys_errno = error };
	errno = error;
	return -1;
}

CHILD static int send_whole(int fd, const void *bytes, size_t length)
{
	struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };
	ssize_t n = 0;

	do
		n = sendto(fd, bytes, length, 0, (struct sockaddr *)&kernel, sizeof(kernel));
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return -1;
	errno = EMSGSIZE;
	return (size_t)n == length ? 0 : -1;
}

CHILD static ssize_t receive(int fd, void *to, size_t size)
{
	ssize_t n = 0;

	do
		n = recv(fd, to, size, MSG_TRUNC);
	while (n < 0 && errno == EINTR);
	if (n > (ssize_t)size) {
		errno = EMSGSIZE;
		return -1;
	}
	return n;
}

/* The kernel's words, from the attributes behind a struct nlmsgerr (capped: NETLINK_CAP_ACK). Every length is the
 * message's claim and checked against what was received. */
CHILD static void take_words(struct nlmsghdr *message, char *to, size_t size)
{
	const char *at = (const char *)NLMSG_DATA(message) + NLMSG_ALIGN(sizeof(struct nlmsgerr));
	const char *end = (const char *)message + message->nlmsg_len;

	to[0] = '\0';
	if (!(message->nlmsg_flags & NLM_F_ACK_TLVS))
		return;
	while (end - at >= (ptrdiff_t)sizeof(struct nlattr)) {
		struct nlattr attribute;
		size_t length = 0;

		memcpy(&attribute, at, sizeof(attribute));
		if (attribute.nla_len < sizeof(attribute) || attribute.nla_len > end - at)
			return;
		length = attribute.nla_len - sizeof(attribute);
		if (attribute.nla_type == NLMSGERR_ATTR_MSG && length) {
			length = length < size ? length : size;
			memcpy(to, at + sizeof(attribute), length);
			to[length - 1] = '\0';
			return;
		}
		at += NLA_ALIGN(attribute.nla_len);
	}
}

/* The error that an NLMSG_ERROR or NLMSG_DONE carries: 0, or an errno. */
CHILD static int error_of(struct nlmsghdr *message)
{
	int error = 0;

	if (message->nlmsg_len < NLMSG_LENGTH(sizeof(error)))
		return message->nlmsg_type == NLMSG_DONE ? 0 : EPROTO;
	memcpy(&error, NLMSG_DATA(message), sizeof(error));
	return -error;
}

/* How many messages of the batch wait for an answer. */
CHILD static size_t count_wanted(void *bytes, size_t length)
{
	size_t count = 0;

	for (struct nlmsghdr *at = bytes; NLMSG_OK(at, length); at = NLMSG_NEXT(at, length))
		count += (at->nlmsg_flags & NLM_F_ACK) != 0;
	return count;
}

/* Reads what else was answered to what failed: on the same socket it would be taken for the answer to the next request.
 */
CHILD static int drain(int fd, void *answer, size_t size, const struct netlink_failure *failure)
{
	while (recv(fd, answer, size, MSG_DONTWAIT) > 0)
		;
	errno = failure->sys_errno;
	return -1;
}

CHILD int netlink_exchange(int fd, void *bytes, size_t length, struct netlink_failure *ret)
{
	char answer[ANSWER_SIZE] __attribute__((aligned(NLMSG_ALIGNTO)));
	size_t wanted = count_wanted(bytes, length);
	bool failure = false;

	if (send_whole(fd, bytes, length))
		return failed(ret, SIZE_MAX, errno);
	while (wanted) {
		ssize_t n = receive(fd, answer, sizeof(answer));
		struct nlmsghdr *at = (struct nlmsghdr *)answer;

		if (n <= 0) {
			failed(ret, SIZE_MAX, n ? errno : EPROTO);
			return drain(fd, answer, sizeof(answer), ret);
		}
		for (; NLMSG_OK(at, n); at = NLMSG_NEXT(at, n)) {
			if (at->nlmsg_type != NLMSG_ERROR || !at->nlmsg_seq)
				continue;
			/* The first to fail is told; a batch of nftables answers only for what failed. */
			if (error_of(at) && !failure) {
				failed(ret, at->nlmsg_seq - 1, error_of(at));
				take_words(at, ret->text, sizeof(ret->text));
				failure = true;
			}
			wanted -= wanted > 0;
		}
		if (failure)
			return drain(fd, answer, sizeof(answer), ret);
	}
	return 0;
}

/* 1: go on reading. 0 or -1: the end, and what it comes to. */
CHILD static int take_answer(struct nlmsghdr *at, const struct netlink_reader *reader, struct netlink_failure *ret)
{
	if (at->nlmsg_type == NLMSG_ERROR || at->nlmsg_type == NLMSG_DONE) {
		if (!error_of(at))
			return 0;
		failed(ret, 0, error_of(at));
		take_words(at, ret->text, sizeof(ret->text));
		return -1;
	}
	return at->nlmsg_type == NLMSG_NOOP || !reader->each(at, reader->with) ? 1 : failed(ret, 0, errno);
}

CHILD int netlink_request(int fd, const void *request, size_t length, const struct netlink_reader *reader,
			  struct netlink_failure *ret)
{
	char answer[ANSWER_SIZE] __attribute__((aligned(NLMSG_ALIGNTO)));
	const struct nlmsghdr *header = request;

	if (send_whole(fd, request, length))
		return failed(ret, SIZE_MAX, errno);
	for (;;) {
		ssize_t n = receive(fd, answer, sizeof(answer));
		struct nlmsghdr *at = (struct nlmsghdr *)answer;

		if (n <= 0) {
			failed(ret, SIZE_MAX, n ? errno : EPROTO);
			return drain(fd, answer, sizeof(answer), ret);
		}
		for (; NLMSG_OK(at, n); at = NLMSG_NEXT(at, n)) {
			int end = at->nlmsg_seq == header->nlmsg_seq ? take_answer(at, reader, ret) : 1;

			if (end != 1)
				return end ? drain(fd, answer, sizeof(answer), ret) : 0;
		}
	}
}
