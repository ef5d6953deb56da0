/* sockets: servers and clients of the test's own, and what they say to each other. Whoever waits gives up after a
 * while. */
#ifndef UNIT_SOCKETS_H
#define UNIT_SOCKETS_H

#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "run/forwarding.h"

/* After our own: it makes a macro of the word fail. */
#include <cmocka.h>

static inline socklen_t endpoint_of(const char *address, unsigned port, union endpoint *ret)
{
	struct address parsed;

	assert_int_equal(address_parse(address, &parsed), 0);
	memset(ret, 0, sizeof(*ret));
	ret->any.sa_family = (sa_family_t)parsed.family;
	ret->in.sin_port = htons((uint16_t)port); /* in the same place for both families */
	if (parsed.family == AF_INET)
		memcpy(&ret->in.sin_addr, parsed.bytes, 4);
	else
		memcpy(&ret->in6.sin6_addr, parsed.bytes, 16);
	return parsed.family == AF_INET ? sizeof(ret->in) : sizeof(ret->in6);
}

static inline int bound(const char *address, int type, unsigned port)
{
	union endpoint to;
	socklen_t length = endpoint_of(address, port, &to);
	int fd = socket(to.any.sa_family, type | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	assert_int_equal(bind(fd, &to.any, length), 0);
	if (type == SOCK_STREAM)
		assert_int_equal(listen(fd, SOMAXCONN), 0);
	return fd;
}

static inline unsigned port_of(int fd)
{
	union endpoint own;
	socklen_t length = sizeof(own);

	assert_int_equal(getsockname(fd, &own.any, &length), 0);
	return ntohs(own.in.sin_port);
}

static inline unsigned free_port(const char *address, int type)
{
	int fd = bound(address, type, 0);
	unsigned port = port_of(fd);

	close(fd);
	return port;
}

/* Waits for what should come; a test that fails shall not hang. */
static inline int wait_for(int fd, short events, int milliseconds)
{
	struct pollfd event = { .fd = fd, .events = events };

	return poll(&event, 1, milliseconds);
}

static inline void expect(int fd, const char *text)
{
	char got[64] = "";
	size_t length = 0;
	ssize_t n = 1;

	while (n > 0 && length < strlen(text)) {
		assert_int_equal(wait_for(fd, POLLIN, 5000), 1);
		n = read(fd, got + length, strlen(text) - length);
		length += n > 0 ? (size_t)n : 0;
	}
	assert_string_equal(got, text);
}

static inline void say(int fd, const char *text)
{
	assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), strlen(text));
}

static inline void expect_end(int fd, int error)
{
	char c;

	assert_int_equal(wait_for(fd, POLLIN, 5000), 1);
	errno = 0;
	assert_int_equal(read(fd, &c, 1), error ? -1 : 0);
	assert_int_equal(errno, error);
}

#endif
