/* publish: one sandbox, as far as published ports know it. The relay is a process of its own, as in a launch; a "guest"
 * is a server of the test's on 127.0.0.2 or ::1. */
#ifndef UNIT_PUBLISH_H
#define UNIT_PUBLISH_H

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/file.h"
#include "run/forward.h"
#include "sockets.h"

static char **arguments; /* of main() */

/* One sandbox, as far as published ports know it. */
struct site {
	struct profile profile;
	struct published_port port;
	struct caller caller;
	struct plan plan;
	struct network_host network;
	struct host host;
	struct forward forward;
	struct error error;
	int server; /* the guest's; tcp: listening */
};

static inline int client(const struct site *site, const char *address, int type)
{
	union endpoint to;
	socklen_t length = endpoint_of(address, (unsigned)site->port.host, &to);
	int fd = socket(to.any.sa_family, type | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	assert_int_equal(connect(fd, &to.any, length), 0);
	return fd;
}

static inline int taken(const struct site *site)
{
	int fd = -1;

	assert_int_equal(wait_for(site->server, POLLIN, 5000), 1);
	fd = accept(site->server, NULL, NULL);
	assert_true(fd >= 0);
	return fd;
}

static inline void plan_site(struct site *site, const char *listen, int type, unsigned port)
{
	memset(site, 0, sizeof(*site));
	site->port = (struct published_port){ .host = (int)port,
					      .guest = INT_UNSET,
					      .listen = listen,
					      .protocol = type == SOCK_STREAM ? NETWORK_PUBLISH_PROTOCOL_TCP
									      : NETWORK_PUBLISH_PROTOCOL_UDP };
	site->profile.network.publish = (struct published_port_list){ &site->port, 1 };
	site->caller = (struct caller){ .name = "web", .argv = arguments, .environ = (const char *const *)environ };
	site->plan.profile = &site->profile;
	site->plan.caller = &site->caller;
	site->host.network = &site->network;
	site->forward = (struct forward){ .pidfd = -1, .lifeline = -1 };
	site->server = -1;
}

static inline void start(struct site *site, const char *listen, const char *guest, int type)
{
	bool ipv6 = strchr(guest, ':') != NULL;

	plan_site(site, listen, type, free_port(listen, type));
	site->server = bound(guest, type, 0);
	site->port.guest = (int)port_of(site->server);
	assert_int_equal(address_parse(guest, ipv6 ? &site->network.address6 : &site->network.address), 0);
	assert_int_equal(publish_reserve(&site->plan, &site->network, &site->error), 0);
	assert_int_equal(forward_start(&site->plan, &site->host, &site->forward, &site->error), 0);
}

static inline void stop(struct site *site)
{
	pid_t pid = site->forward.pid;

	forward_stop(&site->forward);
	forward_stop(&site->forward);
	assert_int_equal(kill(pid, 0), -1);
	publish_release(&site->network);
	close(site->server);
}

#endif
