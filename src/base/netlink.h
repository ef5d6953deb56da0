/* netlink: whole messages to the kernel and its answers back (netlink(7)). Usable in both processes: messages are
 * bytes, made beforehand (stage/netlink.h).
 *
 * Every socket asks for extended acknowledgements: the kernel's own words on what it did not like. */
#ifndef BASE_NETLINK_H
#define BASE_NETLINK_H

#include <linux/netlink.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/child.h"

/* What became of a batch that failed. */
struct netlink_failure {
	size_t message; /* which one of the batch, from 0; SIZE_MAX: the exchange itself failed */
	int sys_errno;
	char text[120]; /* the kernel's words; "" when it has none */
};

/* A socket of NETLINK_ROUTE or NETLINK_NETFILTER in the caller's network namespace; -1 with errno. */
CHILD int netlink_open(int protocol);

/* Sends `length` bytes of whole messages, numbered by the builder from sequence number 1 on, in one go, and reads the
 * acknowledgement of each that asks for one (NLM_F_ACK). 0, or -1 with *ret saying which was the first to fail. The
 * others may have taken effect (NETLINK_ROUTE), or not (a NETLINK_NETFILTER batch: all or nothing). */
CHILD int netlink_exchange(int fd, void *bytes, size_t length, struct netlink_failure *ret);

struct netlink_reader {
	int (*each)(struct nlmsghdr *message, void *with); /* 0: go on. -1 with errno: give up */
	void *with;
};

/* Sends one request and calls `each` for every message of the answer, until NLMSG_DONE or, without NLM_F_DUMP, the
 * acknowledgement. 0, or -1 with *ret saying why. */
CHILD int netlink_request(int fd, const void *request, size_t length, const struct netlink_reader *reader,
			  struct netlink_failure *ret);

#endif
