/* network_janitor: takes back what does not die by itself, however the launcher ends.
 *
 * Namespaces, interfaces in them, a veth's host end, locks and sockets end with their last process. A bridge, an
 * element of a table of the host's, and an interface of the host that was moved in do not. So before the first of
 * them is made the launcher forks this process: a copy of it, with the plan, the addresses and the segment's locks,
 * and nothing else of the launcher's open. It waits on one end of a socket whose other end the launcher alone has;
 * end of file there, by whatever death, and it cleans up. The launcher does not wait for it, but for an interface
 * that goes back.
 *
 * The last user of a segment stays a second longer, to see whether somebody comes back: who launches a hundred
 * sandboxes one after the other does not make and remove a bridge a hundred times. One at a time lingers, the others
 * leave.
 *
 * Where addresses are plenty and automatic, the sandbox's network namespace too is let go only at the next half second:
 * the kernel takes namespaces down under the lock that every new interface needs (rtnl), for milliseconds, however many
 * they are. Launches in a row would each wait for the one before; so they wait for none, twice a second excepted.
 *
 * Nor does anybody wait for the kernel's own janitor: when elements have been taken out, whoever next closes a
 * netfilter socket of the namespace waits for all processors, and keeps every other change of the tables waiting
 * meanwhile (nft_rcv_nl_event in net/netfilter/nf_tables_api.c). So this process holds the launcher's socket too, so
 * that the launcher's close is not the last, and ends, which closes them, only half way to the next tick.
 *
 * Somebody may kill it, or the kernel when memory is short: a launcher that finds it gone at the end starts another
 * one, which has the same copies, and does the same.
 *
 * It has no memory of the sandbox but what the launcher planned, reads nothing from inside, has a session of its own,
 * and blocks every signal that can be. If it is killed too, the next launch finds no lock where it looks, and
 * `sandbox gc` takes down the rest. */
#include <errno.h>
#include <fcntl.h>
#include <linux/rtnetlink.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/syscall.h"
#include "stage/network_link.h"
#include "stage/network_segment.h"

struct janitor {
	const struct plan *plan;
	struct network_host *network;
	struct segment segment; /* lock -1: there is none */
	int lifeline, host_netns, child_netns;
	int moved; /* index, inside, of the interface moved in; 0: not known */
};

/* ---- in the janitor */

/* A message with a descriptor: the sandbox's network namespace. One without: the interface has been moved in, and is to
 * be looked at before the payload can rename it; that is answered. 0 at the end. */
static int receive(struct janitor *janitor)
{
	char byte = 0, control[CMSG_SPACE(sizeof(int))] __attribute__((aligned(8)));
	struct iovec vector = { .iov_base = &byte, .iov_len = 1 };
	struct msghdr message = {
		.msg_iov = &vector, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control)
	};
	struct cmsghdr *header = NULL;
	ssize_t n = 0;

	do
		n = recvmsg(janitor->lifeline, &message, MSG_CMSG_CLOEXEC);
	while (n < 0 && errno == EINTR);
	header = n > 0 ? CMSG_FIRSTHDR(&message) : NULL;
	if (header && header->cmsg_type == SCM_RIGHTS && header->cmsg_len == CMSG_LEN(sizeof(int))) {
		memcpy(&janitor->child_netns, CMSG_DATA(header), sizeof(int));
	} else if (n > 0) {
		janitor->moved = move_look(janitor->plan, janitor->child_netns, janitor->host_netns);
		(void)!write(janitor->lifeline, "", 1);
	}
	return n > 0;
}

/* The index of the veth's host end; 0: it is gone. To be called while the locks are held: it goes by its name. */
static int find_link(struct janitor *janitor)
{
	struct segment *segment = &janitor->segment;
	struct link_info link;
	struct error ignored;
	char *name = janitor->network->link;

	if (segment->site.bridge && link_find(segment->route, segment->site.bridge, &segment->bridge, &ignored) > 0)
		(void)segment_link_name(segment, janitor->network->number, name);
	return link_find(segment->route, name, &link, &ignored) > 0 ? link.index : 0;
}

/* A TCP connection that nobody ended holds its namespace, and with it the interface, until its peer answers or the
 * kernel gives up, minutes later. */
static void remove_link(struct janitor *janitor, int index)
{
	struct ifinfomsg header = { .ifi_family = AF_UNSPEC, .ifi_index = index };
	struct batch *batch = batch_new(janitor->network->arena);
	struct error ignored;

	batch_message(batch, RTM_DELLINK, 0, &header, sizeof(header));
	(void)batch_send(batch, janitor->segment.route, &ignored);
}

/* Takes out what is this sandbox's, and, when nobody comes back, what was the segment's. */
static void clean_segment(struct janitor *janitor)
{
	static const struct timespec while_somebody_may_come = { .tv_sec = 1 };
	struct segment *segment = &janitor->segment;
	struct error ignored;

	if (segment_lock(segment))
		return;
	(void)table_remove(segment->nfnl, &segment->site, janitor->plan, janitor->network, &ignored);
	segment_unlock(segment);
	if (!segment_linger(segment))
		return;
	(void)nanosleep(&while_somebody_may_come, NULL);
	if (!segment_lock(segment))
		(void)segment_end(segment, janitor->network->arena, &ignored);
}

/* All janitors wake at the same instants: at a tick, so that the kernel takes many namespaces down at once, and half
 * way to the next. */
static void wait_for_others(int64_t after_tick)
{
	enum { TICK = NSEC_PER_SEC / 2 };
	int64_t now = clock_now() - after_tick, at = now - now % TICK + TICK + after_tick;
	const struct timespec then = { .tv_sec = at / NSEC_PER_SEC, .tv_nsec = at % NSEC_PER_SEC };

	(void)clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &then, NULL);
}

static void janitor_main(struct janitor *janitor) __attribute__((noreturn));

static void janitor_main(struct janitor *janitor)
{
	struct error ignored;

	while (receive(janitor))
		;
	if (janitor->network->moved && janitor->child_netns >= 0 && !move_into(janitor->child_netns, &ignored) &&
	    !move_back(janitor->plan, janitor->network, janitor->moved, janitor->host_netns, &ignored))
		(void)move_restore(janitor->plan, janitor->network, &ignored);
	fd_close(&janitor->lifeline);
	if (janitor->network->patient)
		wait_for_others(0);
	fd_close(&janitor->child_netns);
	if (janitor->segment.lock >= 0) {
		int link = 0;

		/* Sockets of its own: the launcher may have died in the middle of an answer. */
		janitor->segment.route = netlink_open(NETLINK_ROUTE);
		janitor->segment.nfnl = netlink_open(NETLINK_NETFILTER);
		link = find_link(janitor);
		clean_segment(janitor);
		fd_close(&janitor->segment.lock);
		wait_for_others(NSEC_PER_SEC / 4);
		if (link)
			remove_link(janitor, link);
	}
	_exit(0);
}

/* Nothing of the caller's stays open: whoever reads the other end of its standard output must see its end. */
static int settle(struct janitor *janitor)
{
	int keep[] = { 0, 1, 2, janitor->lifeline, janitor->segment.lock, janitor->segment.nfnl, janitor->host_netns };
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	sigset_t all;

	for (int fd = 0; fd < 3; fd++)
		if (null < 0 || dup2(null, fd) < 0)
			return -1;
	sigfillset(&all);
	return sigprocmask(SIG_SETMASK, &all, NULL) || setsid() < 0 || chdir("/") ||
			       prctl(PR_SET_PDEATHSIG, 0, 0, 0, 0) || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) ||
			       prctl(PR_SET_NAME, "sandbox-janitor", 0, 0, 0) ||
			       fd_close_others(keep, sizeof(keep) / sizeof(keep[0]))
		       ? -1
		       : 0;
}

/* ---- in the launcher */

static int wait_for_word(int lifeline)
{
	char byte = 0;
	ssize_t n = 0;

	do
		n = read(lifeline, &byte, 1);
	while (n < 0 && errno == EINTR);
	return n == 1 ? 0 : -1;
}

int janitor_start(const struct plan *plan, struct network_host *network, const struct segment *segment,
		  struct error *err)
{
	struct clone_args args = { 0 }; /* no exit signal: the launcher is not told of its end, and does not wait */
	struct janitor janitor = { .plan = plan, .network = network, .child_netns = -1, .segment.nfnl = -1 };
	int socket[2] = { -1, -1 };
	AUTO_CLOSE int host_netns = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	pid_t pid = -1;

	if (host_netns < 0 || socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, socket))
		return fail_errno(err, K_NETWORK_MODE, "cannot make the janitor's lifeline");
	janitor.segment.lock = -1;
	if (segment)
		janitor.segment = *segment;
	janitor.lifeline = socket[1];
	janitor.host_netns = host_netns;
	pid = sys_clone3(&args);
	if (pid == 0) {
		close(socket[0]);
		if (settle(&janitor) || write(janitor.lifeline, "", 1) != 1)
			_exit(EXIT_OF_INTERNAL);
		janitor_main(&janitor);
	}
	fd_close(&socket[1]);
	if (pid < 0)
		fail_errno(err, K_NETWORK_MODE, "cannot fork the janitor");
	else if (wait_for_word(socket[0]))
		pid = fail(err, K_NETWORK_MODE, "cannot start the janitor: it ended early");
	if (pid < 0) {
		fd_close(&socket[0]);
		return -1;
	}
	network->janitor = socket[0];
	return 0;
}

int janitor_tell(const struct network_host *network, int child_netns, struct error *err)
{
	char control[CMSG_SPACE(sizeof(int))] __attribute__((aligned(8))) = { 0 };
	char byte = 0;
	struct iovec vector = { .iov_base = &byte, .iov_len = 1 };
	struct msghdr message = {
		.msg_iov = &vector, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control)
	};
	struct cmsghdr *header = CMSG_FIRSTHDR(&message);

	header->cmsg_level = SOL_SOCKET;
	header->cmsg_type = SCM_RIGHTS;
	header->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(header), &child_netns, sizeof(int));
	if (sendmsg(network->janitor, &message, MSG_NOSIGNAL) != 1)
		return fail_errno(err, K_NETWORK_MODE, "cannot hand the namespace to the janitor");
	return 0;
}

int janitor_look(const struct network_host *network, struct error *err)
{
	if (send(network->janitor, "", 1, MSG_NOSIGNAL) != 1 || wait_for_word(network->janitor))
		return fail_errno(err, K_NETWORK_INTERFACE_FROM, "cannot show the janitor the interface");
	return 0;
}

bool janitor_is_gone(const struct network_host *network)
{
	char byte = 0;
	ssize_t n = 0;

	if (network->janitor >= 0)
		n = recv(network->janitor, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
	return network->janitor >= 0 && (n == 0 || (n < 0 && errno != EAGAIN));
}

void janitor_let_go(struct network_host *network, bool wait)
{
	static const struct timeval patience = { .tv_sec = 10 };

	if (network->janitor < 0)
		return;
	(void)shutdown(network->janitor, SHUT_WR);
	if (wait && !setsockopt(network->janitor, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)))
		(void)wait_for_word(network->janitor);
	fd_close(&network->janitor);
}
