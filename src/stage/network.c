/* network: what the payload can reach.
 *
 * plan     (parent, before anything exists) settles that `network.mode`, `namespaces` and `join` say the same: "none"
 * is a namespace of the sandbox's own, "host" is none, a joined namespace is somebody else's and stays as it is. enter
 * (child, in its new network namespace, with CAP_NET_ADMIN there) sets the loopback interface up: a new namespace has
 * it, but down (network_namespaces(7)), and programs expect 127.0.0.1 to answer. The kernel gives it its addresses,
 * IPv4 and IPv6, by itself.
 *
 * Needs: Linux 2.6.24. Nothing to undo: interface and addresses die with the namespace.
 */
#include "stage/stage.h"

#include <linux/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "base/fd.h"

static int contradiction(int key, const char *what, const char *remedy, struct error *err)
{
	fail(err, key, "%s", what);
	error_remedy(err, "%s", remedy);
	return error_exit(err, EXIT_OF_PROFILE);
}

int network_plan(const struct profile *profile, struct plan *plan, struct error *err)
{
	bool host = profile->network.mode == NETWORK_MODE_HOST;
	bool joined = plan->join.flags & CLONE_NEWNET;

	if (host && joined)
		return contradiction(K_NETWORK_MODE, "cannot use the host's network and join another",
				     "leave network.mode or the element of `join` out", err);
	if (host && plan->namespaces.net)
		return contradiction(K_NETWORK_MODE, "cannot use the host's network from a net namespace",
				     "say namespaces = { remove = [ \"net\" ]; }", err);
	if (!host && !joined && !plan->namespaces.net)
		return contradiction(K_NETWORK_MODE,
				     "cannot give the sandbox its own network: `namespaces` does not name net",
				     "let `namespaces` name net, or say network.mode = \"host\"", err);
	plan->network.loopback = plan->namespaces.net;
	return 0;
}

/* Should: leave exactly one interface up, lo.  Mustn't: run before userns_enter (EPERM), or in a namespace not our own.
 */
CHILD int network_enter(const struct plan *plan, struct inside *inside, struct error *err)
{
	struct ifreq request = { .ifr_name = "lo" };
	AUTO_CLOSE int fd = -1;

	(void)inside;
	if (!plan->network.loopback)
		return 0;
	/* Any socket will do, and this family is never missing. */
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return fail_errno(err, K_NETWORK_MODE, "cannot make a socket");
	if (ioctl(fd, SIOCGIFFLAGS, &request))
		return fail_errno(err, K_NETWORK_MODE, "cannot find the loopback interface");
	request.ifr_flags |= IFF_UP;
	if (ioctl(fd, SIOCSIFFLAGS, &request))
		return fail_errno(err, K_NETWORK_MODE, "cannot set the loopback interface up");
	return 0;
}

void network_describe(const struct plan *plan, struct description *out)
{
	if (plan->network.loopback)
		describe(out, K_NETWORK_MODE, -1, "a network of its own: the loopback interface, up, and nothing else");
	else if (plan->join.flags & CLONE_NEWNET)
		describe(out, K_JOIN, -1, "the joined namespace's network");
	else
		describe(out, K_NETWORK_MODE, -1, "the host's network");
}
