/* forward: the relay of published ports.
 *
 * The packet filter leads a published port's traffic inside (stage/network_table.c), except what must not or cannot be
 * led so: a port on a loopback address, whose packets the kernel lets go nowhere else, and the loopback traffic of a
 * port on all addresses. That arrives at the socket which reserves the port on the host (stage/network_publish.c), and
 * this process, one for a sandbox that publishes anything, copies it to the guest's address and back. To the guest its
 * client is the host.
 *
 * The launcher forks it when the sandbox has its addresses, right before `go`. It is no part of the sandbox: it lives
 * in the launcher's namespaces and cgroup, so that the payload's limits do not reach it, in a session of its own. From
 * inside it gets bytes that it does not look at. All the same it keeps no descriptor but its own, no capability, and
 * only the calls that it makes (run/shed.c); it can open no file and has room for a bounded number of sockets.
 *
 * One loop waits for everything, on an epoll instance, and nothing in it blocks. The lifeline's end of file is the
 * launcher's word that the sandbox is gone: then what it had sent is still delivered, for a fifth of a second at most,
 * and the relay ends. When the launcher dies, by whatever death, the parent-death signal ends it at once, or the
 * lifeline does. It never ends otherwise; supervise() ends the sandbox if it does.
 *
 * Needs: epoll, Linux 2.6.19; pidfds. Failure to start stops the launch, with what the relay itself found wrong.
 */
#include "run/forward.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/file.h"
#include "base/format.h"
#include "base/syscall.h"
#include "run/forwarding.h"
#include "run/shed.h"
#include "stage/network_holder.h"

enum { CONNECTION_MAX = 4096, FLOW_MAX = 1024, OWN_DESCRIPTORS = 8, EVENTS = 128, STOP_MSEC = 1000 };

#define LAST_ORDERS_NSEC (200 * INT64_C(1000000))
#define NSEC_PER_MSEC INT64_C(1000000)
#define NEVER INT64_MAX

/* What the launcher gives the relay; memory made before the fork. */
struct start {
	const struct plan *plan;
	const struct network_host *network;
	pid_t launcher;
	int lifeline, ready;
	int *keep; /* room for every descriptor */
	char title[128];
};

/* ---- the relay: what its parts share ---------------------------------------------------------------------------- */

CHILD int forward_watch(const struct forwarding *forwarding, int fd, int kind, uint32_t index, uint32_t events)
{
	struct epoll_event event = { .events = events, .data.u64 = (uint64_t)kind << 32 | index };

	return epoll_ctl(forwarding->epoll, EPOLL_CTL_ADD, fd, &event);
}

CHILD socklen_t forward_guest(const struct network_host *network, const struct published *port, union endpoint *ret)
{
	bool ipv6 = network->address.family == AF_UNSPEC ||
		    (port->listen.family == AF_INET6 && network->address6.family != AF_UNSPEC);

	*ret = (union endpoint){ .any.sa_family = AF_UNSPEC };
	if (ipv6) {
		ret->in6.sin6_family = AF_INET6;
		ret->in6.sin6_port = htons(port->guest);
		memcpy(&ret->in6.sin6_addr, network->address6.bytes, sizeof(ret->in6.sin6_addr));
		return sizeof(ret->in6);
	}
	ret->in.sin_family = AF_INET;
	ret->in.sin_port = htons(port->guest);
	memcpy(&ret->in.sin_addr, network->address.bytes, sizeof(ret->in.sin_addr));
	return sizeof(ret->in);
}

/* ---- the relay: how it starts ----------------------------------------------------------------------------------- */

CHILD static int leave_launcher(const struct start *start, struct error *err)
{
	sigset_t all;

	sigfillset(&all);
	if (sigprocmask(SIG_SETMASK, &all, NULL) || setsid() < 0 || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) ||
	    prctl(PR_SET_NAME, FORWARD_NAME, 0, 0, 0) || prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0))
		return fail_errno(err, K_NETWORK_PUBLISH, "cannot detach the relay from the launcher");
	if (getppid() != start->launcher)
		return fail(err, K_NETWORK_PUBLISH, "cannot start the relay: the launcher is gone");
	shed_title(start->plan->caller, start->title);
	return 0;
}

CHILD static void *get_memory(size_t count, size_t size)
{
	return mmap(NULL, count * size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

/* Splits what the limit on descriptors leaves among connections, at two each, and flows. */
CHILD static int make_tables(struct forwarding *forwarding, struct error *err)
{
	const rlim_t fixed = OWN_DESCRIPTORS + forwarding->network->published_count;
	const rlim_t wanted = fixed + 2 * CONNECTION_MAX + FLOW_MAX;
	const struct rlimit none = { .rlim_cur = 0, .rlim_max = 0 };
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit))
		return fail_errno(err, K_NETWORK_PUBLISH, "cannot read the limit on descriptors");
	if (limit.rlim_max > wanted)
		limit.rlim_max = wanted;
	limit.rlim_cur = limit.rlim_max;
	if (limit.rlim_max < fixed + OWN_DESCRIPTORS) {
		fail(err, K_NETWORK_PUBLISH, "cannot serve published ports: the limit on descriptors is too low");
		return error_exit(err, EXIT_OF_HOST);
	}
	forwarding->flow_max = (uint32_t)(FLOW_MAX * (limit.rlim_max - fixed) / (wanted - fixed));
	forwarding->flow_max += !forwarding->flow_max;
	forwarding->connection_max = (uint32_t)((limit.rlim_max - fixed - forwarding->flow_max) / 2);
	if (setrlimit(RLIMIT_NOFILE, &limit) || setrlimit(RLIMIT_CORE, &none) || setrlimit(RLIMIT_FSIZE, &none))
		return fail_errno(err, K_NETWORK_PUBLISH, "cannot limit the relay");
	forwarding->connections = get_memory(forwarding->connection_max + 1, sizeof(*forwarding->connections));
	forwarding->flows = get_memory(forwarding->flow_max + 1, sizeof(*forwarding->flows));
	forwarding->scratch = get_memory(1, SCRATCH_SIZE);
	if (forwarding->connections == MAP_FAILED || forwarding->flows == MAP_FAILED ||
	    forwarding->scratch == MAP_FAILED)
		return fail_errno(err, K_NETWORK_PUBLISH, "cannot get memory for the relay");
	return 0;
}

CHILD static int watch_all(const struct forwarding *forwarding, int lifeline, struct error *err)
{
	int status = forward_watch(forwarding, lifeline, AT_LIFELINE, 0, EPOLLIN);

	for (uint32_t i = 0; !status && i < forwarding->network->published_count; i++) {
		const struct published *port = &forwarding->network->published[i];
		int kind = port->protocol == IPPROTO_TCP ? AT_LISTENER : AT_DATAGRAMS;

		status = forward_watch(forwarding, port->fd, kind, i, EPOLLIN);
	}
	return status ? fail_errno(err, K_NETWORK_PUBLISH, "cannot watch published ports") : 0;
}

CHILD static int prepare(struct forwarding *forwarding, const struct start *start, struct error *err)
{
	size_t count = 3;

	if (leave_launcher(start, err))
		return -1;
	forwarding->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (forwarding->epoll < 0)
		return fail_errno(err, K_NETWORK_PUBLISH, "cannot make an epoll instance");
	start->keep[0] = start->lifeline;
	start->keep[1] = start->ready;
	start->keep[2] = forwarding->epoll;
	for (size_t i = 0; i < start->network->published_count; i++)
		start->keep[count++] = start->network->published[i].fd;
	if (shed_descriptors(start->keep, count, err) || make_tables(forwarding, err) ||
	    watch_all(forwarding, start->lifeline, err))
		return -1;
	return shed_to_network(err);
}

/* ---- the relay: its loop ---------------------------------------------------------------------------------------- */

/* Milliseconds until something is due that no descriptor tells, rounded up; -1: nothing is. */
CHILD static int time_to_wait(const struct forwarding *forwarding, int64_t end)
{
	int64_t due = udp_next(forwarding);

	if (forwarding->work)
		return 0;
	if (!forwarding->listening && forwarding->pause_end > forwarding->now && forwarding->pause_end < due)
		due = forwarding->pause_end;
	due = end < due ? end : due;
	if (due == NEVER)
		return -1;
	return due > forwarding->now ? (int)((due - forwarding->now + NSEC_PER_MSEC - 1) / NSEC_PER_MSEC) : 0;
}

CHILD static void dispatch(struct forwarding *forwarding, const struct epoll_event *event)
{
	uint32_t index = (uint32_t)event->data.u64;

	switch (event->data.u64 >> 32) {
	case AT_LISTENER:
		tcp_accept(forwarding, index);
		break;
	case AT_DATAGRAMS:
		udp_from_clients(forwarding, index);
		break;
	case AT_CLIENT:
		tcp_event(forwarding, index, CLIENT, event->events);
		break;
	case AT_GUEST:
		tcp_event(forwarding, index, GUEST, event->events);
		break;
	case AT_FLOW:
		udp_from_guest(forwarding, index);
		break;
	default:
		break;
	}
}

/* Waits no longer than until `end`. True: the lifeline has ended. */
CHILD static bool turn(struct forwarding *forwarding, int64_t end)
{
	struct epoll_event events[EVENTS];
	int n = epoll_pwait(forwarding->epoll, events, EVENTS, time_to_wait(forwarding, end), NULL);
	bool over = false;

	forwarding->now = clock_now();
	for (int i = 0; i < n; i++) {
		over |= events[i].data.u64 >> 32 == AT_LIFELINE;
		dispatch(forwarding, &events[i]);
	}
	tcp_work(forwarding);
	tcp_listen(forwarding);
	udp_expire(forwarding);
	return over;
}

/* What the guest sent lies in sockets on this side by now, or waits for room in them. New connections find nobody. */
CHILD static void deliver_rest(struct forwarding *forwarding, int lifeline)
{
	int64_t end = 0;

	(void)epoll_ctl(forwarding->epoll, EPOLL_CTL_DEL, lifeline, NULL);
	forwarding->now = clock_now();
	end = forwarding->now + LAST_ORDERS_NSEC;
	forwarding->pause_end = NEVER;
	tcp_last_orders(forwarding);
	(void)turn(forwarding, forwarding->now);
	while (tcp_undelivered(forwarding) && forwarding->now < end)
		(void)turn(forwarding, end);
}

CHILD static void relay_main(const struct start *start) __attribute__((noreturn));

/* Says on `ready` that it stands, or what is wrong. */
CHILD static void relay_main(const struct start *start)
{
	struct forwarding forwarding = { .network = start->network, .epoll = -1, .listening = true };
	struct error error = { .key = K_NONE };

	if (prepare(&forwarding, start, &error)) {
		(void)write_all(start->ready, &error, sizeof(error));
		_exit(EXIT_OF_INTERNAL);
	}
	if (write(start->ready, "", 1) != 1)
		_exit(EXIT_OF_INTERNAL);
	close(start->ready);
	forwarding.now = clock_now();
	while (!turn(&forwarding, NEVER))
		;
	deliver_rest(&forwarding, start->lifeline);
	_exit(0);
}

/* ---- the launcher's side ---------------------------------------------------------------------------------------- */

static int wait_until_ready(int ready, struct error *err)
{
	union {
		char word;
		struct error error;
	} answer;
	ssize_t n = 0;

	do
		n = read(ready, &answer, sizeof(answer));
	while (n < 0 && errno == EINTR);
	if (n == 1)
		return 0;
	if (n != sizeof(answer.error))
		return fail(err, K_NETWORK_PUBLISH, "cannot start the relay of published ports: it ended early");
	*err = answer.error;
	return -1;
}

static int fork_relay(const struct start *start, struct forward *ret, struct error *err)
{
	int pidfd = -1;
	struct clone_args args = { .flags = CLONE_PIDFD, .pidfd = (uintptr_t)&pidfd, .exit_signal = SIGCHLD };
	pid_t pid = sys_clone3(&args);

	if (pid == 0)
		relay_main(start);
	if (pid < 0)
		return fail_errno(err, K_NETWORK_PUBLISH, "cannot fork the relay of published ports");
	ret->pid = pid;
	ret->pidfd = pidfd;
	return 0;
}

int forward_start(const struct plan *plan, const struct host *host, struct forward *ret, struct error *err)
{
	const struct network_host *network = host->network;
	struct start start = { .plan = plan, .network = network, .launcher = getpid(), .lifeline = -1, .ready = -1 };
	int lifeline[2] = { -1, -1 }, ready[2] = { -1, -1 };
	int status = -1;

	*ret = (struct forward){ .pidfd = -1, .lifeline = -1 };
	if (!network || !network->published_count)
		return 0;
	if (network->address.family == AF_UNSPEC && network->address6.family == AF_UNSPEC)
		return fail(err, K_NETWORK_PUBLISH, "cannot publish ports of a sandbox that has no address");
	format_text(start.title, sizeof(start.title), FORWARD_TITLE "%s",
		    plan->caller->name ? plan->caller->name : plan->caller->id);
	start.keep = calloc(network->published_count + 3, sizeof(*start.keep));
	if (!start.keep || pipe2(lifeline, O_CLOEXEC) || pipe2(ready, O_CLOEXEC)) {
		fail_errno(err, K_NETWORK_PUBLISH, "cannot make a pipe");
		goto out;
	}
	start.lifeline = lifeline[0];
	start.ready = ready[1];
	if (fork_relay(&start, ret, err))
		goto out;
	ret->lifeline = TAKE_FD(lifeline[1]);
	fd_close(&ready[1]);
	status = wait_until_ready(ready[0], err);
out:
	for (int end = 0; end < 2; end++) {
		fd_close(&lifeline[end]);
		fd_close(&ready[end]);
	}
	free(start.keep);
	return status;
}

bool forward_explain_loss(const struct forward *forward, struct error *err)
{
	siginfo_t end = { .si_pid = 0 };

	if (!forward->pid)
		return false;
	/* Left unwaited for, for forward_stop(). */
	if (waitid(P_PID, (id_t)forward->pid, &end, WEXITED | WNOHANG | WNOWAIT) || !end.si_pid)
		fail(err, K_NETWORK_PUBLISH, "cannot serve published ports: the relay ended before the sandbox");
	else
		fail(err, K_NETWORK_PUBLISH, "cannot serve published ports: the relay ended before the sandbox (%s %d)",
		     end.si_code == CLD_EXITED ? "exit status" : "signal", end.si_status);
	return true;
}

void forward_stop(struct forward *forward)
{
	struct pollfd event = { .fd = forward->pidfd, .events = POLLIN };

	fd_close(&forward->lifeline);
	if (forward->pid > 0) {
		if (event.fd >= 0 && poll(&event, 1, STOP_MSEC) <= 0)
			(void)sys_pidfd_send_signal(forward->pidfd, SIGKILL);
		while (waitpid(forward->pid, NULL, 0) < 0 && errno == EINTR)
			;
	}
	fd_close(&forward->pidfd);
	forward->pid = 0;
}
