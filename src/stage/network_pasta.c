/* network_pasta: connections through the pasta program (package passt), which anybody may run.
 *
 * pasta makes a tap interface inside and copies what goes through it to plain sockets of the host's network namespace:
 * a sandbox reaches what its user reaches, as that user, without any privilege on the host.
 *
 * plan     (parent, before anything exists) finds the program, and refuses what it cannot do (network_pasta_plan.c).
 * host     (parent, before clone) makes its command line. Published ports were reserved until here (network_publish.c),
 *          so that one that is taken is told as such; pasta binds them itself, and they cannot be held any longer: the
 *          child would have a copy of the socket.
 * attach   (parent, while the child blocks; the namespaces and id maps are there) starts it in a process of its own
 *          (network_pasta_become.c), attached to the sandbox's user and network namespace by descriptor, in the
 *          foreground, and waits until it says that interface, addresses and routes are in place (--pid: written when
 *          nothing is left to be set up).
 * enter    (child, in its network namespace) looks whether the addresses that the profile names are there: where the
 *          host has no IPv6, pasta leaves that out without a word. Comes before the filter, which might stop
 *          introduce().
 * undo     kills it and waits for its end.
 *
 * The command line: no port leads anywhere but the published ones (-t -u for the host's side, -T -U none for the
 * other); the gateway's address is not the host (--no-map-gw); no DHCP, no router advertisements, since the interface
 * is set up directly (--config-net); name queries to one address are passed on to the host's first resolver, wherever
 * that is (--dns-forward). What pasta of 2023 lets through all the same, packets for 127.0.0.0/8 and ::1 that a program
 * bound to the interface sends, network_wall.c stops.
 *
 * Who may see it: nobody inside, which has its own process ids. It uses no cgroup of the sandbox's: its memory is the
 * launcher's to answer for. The launcher watches it (run/supervise.c); its early end is the sandbox's.
 *
 * Needs: pasta of 2023 or later, /dev/net/tun open to its user, a default route on the host. A user namespace for the
 * sandbox: without one, pasta would need CAP_SYS_ADMIN on the host as long as the sandbox lives, to serve packets that
 * the payload wrote. Failure: exit status 122 with pasta's own last words. Nothing outlives the launcher, by whatever
 * death.
 */
#include "stage/network_pasta.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/rtnetlink.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/format.h"
#include "base/syscall.h"

enum { EXPERIMENTAL_PROTOCOL = 253 };

#define READY_NSEC (20 * NSEC_PER_SEC) /* it takes some 50 ms; a loaded machine longer */

int pasta_host(const struct plan *plan, struct network_host *network, struct error *err)
{
	network->pasta = pasta_command_line(plan->network.net, network, err);
	publish_release(network);
	return network->pasta ? wall_build(plan, network, &network->wall, err) : -1;
}

/* ---- attach ------------------------------------------------------------------------------------------------------ */

/* The id inside under which pasta runs: the launcher's own, where that is not root's; else the last one of the map that
 * is not root on the host, which is hardly the payload's. A map of root alone leaves no choice. A joined user
 * namespace's map is not known: nothing is changed there. */
static uint32_t choose_id(const struct id_map *map, size_t count, uint32_t own)
{
	uint32_t chosen = count ? map[0].inside : ID_UNSET;

	for (size_t i = 0; i < count; i++) {
		uint32_t last = map[i].count - 1;

		if (own && own >= map[i].outside && own - map[i].outside <= last)
			return map[i].inside + (own - map[i].outside);
		if (map[i].outside + last)
			chosen = map[i].inside + last;
	}
	return chosen;
}

struct pasta_pipes {
	int ready[2], words[2]; /* [0] the launcher's */
};

static void pipes_close(struct pasta_pipes *pipes)
{
	for (int end = 0; end < 2; end++) {
		fd_close(&pipes->ready[end]);
		fd_close(&pipes->words[end]);
	}
}

/* Above the numbers that pasta's own ends get. */
static int raise_fd(int *fd)
{
	int raised = *fd < 0 ? -1 : fcntl(*fd, F_DUPFD_CLOEXEC, 3);

	fd_close(fd);
	*fd = raised;
	return raised < 0 ? -1 : 0;
}

/* pasta opens the pipe for readiness anew, by name and as somebody else: its inode, which only who may look into pasta
 * can reach, is everybody's. Its words are not to hold it up. */
static int pipes_open(struct pasta_pipes *ret, struct error *err)
{
	if (pipe2(ret->ready, O_CLOEXEC) || pipe2(ret->words, O_CLOEXEC | O_NONBLOCK) || raise_fd(&ret->ready[1]) ||
	    raise_fd(&ret->words[1]) || fchmod(ret->ready[1], 0666))
		return fail_errno(err, K_NETWORK_MODE, "cannot make a pipe for pasta");
	return 0;
}

/* The process's last line, without what leads to no cure; "" when it left none. */
static void last_words(int fd, char *line, size_t size)
{
	char text[4096];
	ssize_t length = read(fd, text, sizeof(text) - 1);
	char *at = NULL, *rest = NULL;

	line[0] = '\0';
	text[length > 0 ? length : 0] = '\0';
	for (at = strtok_r(text, "\n", &rest); at; at = strtok_r(NULL, "\n", &rest))
		if (!strstr(at, "syslog"))
			format_text(line, size, "%s", at);
}

static void explain(const struct host *host, const char *what, struct error *err)
{
	char line[ERROR_WHAT_SIZE / 2];

	last_words(host->pasta_words, line, sizeof(line));
	fail(err, K_NETWORK_MODE, line[0] ? "%s; its last words: %s" : "%s", what, line);
	if (strstr(line, "outable interface") || strstr(line, "xternal interface"))
		error_remedy(err, "pasta goes where the host's default route goes, and there is none: ip route");
	if (strstr(line, "ind port"))
		error_remedy(err,
			     "pasta binds published ports without privilege: above "
			     "/proc/sys/net/ipv4/ip_unprivileged_port_start, or use network.mode = \"veth\" as root");
}

/* Killed, it had no time for last words. It is left unwaited for, for pasta_undo(). */
void network_explain_loss(const struct host *host, struct error *err)
{
	siginfo_t end = { .si_pid = 0 };

	if (!waitid(P_PID, (id_t)host->pasta, &end, WEXITED | WNOHANG | WNOWAIT) && end.si_pid &&
	    end.si_code != CLD_EXITED)
		fail(err, K_NETWORK_MODE, "cannot keep the sandbox connected: pasta ended before it (signal %d)",
		     end.si_status);
	else
		explain(host, "cannot keep the sandbox connected: pasta ended before it", err);
}

/* Its process id on the pipe: everything is set up. A whole struct error: it never became pasta. */
static int read_ready(const struct host *host, int ready, struct error *err)
{
	struct error theirs;
	ssize_t n = read(ready, &theirs, sizeof(theirs));

	if (n == sizeof(theirs)) {
		*err = theirs;
		return -1;
	}
	if (n > 0)
		return 0;
	explain(host, "cannot connect the sandbox: pasta ended", err);
	return error_exit(err, EXIT_OF_HOST);
}

static int wait_until_ready(const struct host *host, int ready, struct error *err)
{
	struct pollfd event = { .fd = ready, .events = POLLIN };
	int64_t deadline = clock_now() + READY_NSEC, left = READY_NSEC;

	for (; left > 0; left = deadline - clock_now()) {
		struct timespec timeout = { left / NSEC_PER_SEC, left % NSEC_PER_SEC };
		int n = ppoll(&event, 1, &timeout, NULL);

		if (n > 0)
			return read_ready(host, ready, err);
		if (n < 0 && errno != EINTR)
			return fail_errno(err, K_NETWORK_MODE, "cannot wait for pasta");
	}
	explain(host, "cannot connect the sandbox: pasta is not ready after 20 seconds", err);
	return -1;
}

static int fork_pasta(const struct pasta_start *start, struct host *host, struct error *err)
{
	int pidfd = -1;
	struct clone_args args = { .flags = CLONE_PIDFD, .pidfd = (uintptr_t)&pidfd, .exit_signal = SIGCHLD };
	pid_t pid = sys_clone3(&args);

	if (pid == 0)
		pasta_become(start);
	if (pid < 0)
		return fail_errno(err, K_NETWORK_MODE, "cannot fork for pasta");
	host->pasta = pid;
	host->pasta_pidfd = pidfd;
	return 0;
}

static int start_pasta(struct host *host, struct pasta_start *start, struct error *err)
{
	struct pasta_pipes pipes = { .ready = { -1, -1 }, .words = { -1, -1 } };
	int status = -1;

	if (pipes_open(&pipes, err))
		goto out;
	start->ready = pipes.ready[1];
	start->words = pipes.words[1];
	if (fork_pasta(start, host, err))
		goto out;
	host->pasta_words = TAKE_FD(pipes.words[0]);
	fd_close(&pipes.ready[1]);
	status = wait_until_ready(host, pipes.ready[0], err);
out:
	pipes_close(&pipes);
	return status;
}

int pasta_attach(struct host *host, struct error *err)
{
	struct pasta_start start = {
		.argv = host->network->pasta,
		.launcher = getpid(),
		.userns = openat(host->child_procfs, "ns/user", O_RDONLY | O_CLOEXEC),
		.netns = openat(host->child_procfs, "ns/net", O_RDONLY | O_CLOEXEC),
		.uid = choose_id(host->uid_map, host->uid_map_count, geteuid()),
		.gid = choose_id(host->gid_map, host->gid_map_count, getegid()),
	};
	int status = -1;

	if (raise_fd(&start.userns) || raise_fd(&start.netns))
		fail_errno(err, K_NETWORK_MODE, "cannot open the child's namespaces");
	else
		status = start_pasta(host, &start, err);
	fd_close(&start.userns);
	fd_close(&start.netns);
	return status;
}

/* ---- enter ------------------------------------------------------------------------------------------------------- */

struct sought {
	const struct address *address;
	bool found;
};

CHILD static int compare_address(struct nlmsghdr *message, void *with)
{
	const struct ifaddrmsg *body = (const void *)((const char *)message + NLMSG_HDRLEN);
	const char *at = (const char *)(body + 1), *end = (const char *)message + message->nlmsg_len;
	struct sought *sought = with;
	struct rtattr attribute;

	if (message->nlmsg_type != RTM_NEWADDR || body->ifa_family != sought->address->family)
		return 0;
	for (; end - at >= (ptrdiff_t)sizeof(attribute); at += RTA_ALIGN(attribute.rta_len)) {
		memcpy(&attribute, at, sizeof(attribute));
		if (attribute.rta_len < sizeof(attribute) || attribute.rta_len > end - at)
			return 0;
		if (attribute.rta_type == IFA_ADDRESS &&
		    attribute.rta_len == RTA_LENGTH(address_size(sought->address)) &&
		    !memcmp(at + sizeof(attribute), sought->address->bytes, address_size(sought->address)))
			sought->found = true;
	}
	return 0;
}

CHILD static int check_address(int route, int key, const struct address *address, struct error *err)
{
	struct {
		struct nlmsghdr header;
		struct ifaddrmsg body;
	} request = {
		.header = { .nlmsg_len = sizeof(request),
			    .nlmsg_type = RTM_GETADDR,
			    .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP,
			    .nlmsg_seq = 1 },
		.body.ifa_family = (unsigned char)address->family,
	};
	struct sought sought = { .address = address };
	struct netlink_failure failure;

	if (!address->family)
		return 0;
	if (netlink_request(route, &request, sizeof(request), &(struct netlink_reader){ compare_address, &sought },
			    &failure))
		return fail_errno(err, key, "cannot list the interface's addresses");
	if (sought.found)
		return 0;
	fail(err, key, "cannot give the address through pasta: the host has no %s route to the world",
	     address->family == AF_INET ? "IPv4" : "IPv6");
	error_remedy(err, "leave the key out: then what the host has is taken");
	return error_exit(err, EXIT_OF_HOST);
}

/* pasta of 2023 takes the sandbox's IPv6 address from the packets that come out, and until then leads a published port
 * to "::". This one is of a protocol that it knows nothing of (RFC 3692's for experiments), and goes no further. Where
 * there is no IPv6, nothing needs it. */
CHILD static void introduce(void)
{
	static const struct sockaddr_in6 anybody = {
		.sin6_family = AF_INET6,
		.sin6_addr.s6_addr = { 0x20, 0x01, 0x0d, 0xb8, [15] = 1 },
	};
	AUTO_CLOSE int fd = socket(AF_INET6, SOCK_RAW | SOCK_CLOEXEC, EXPERIMENTAL_PROTOCOL);

	if (fd >= 0)
		(void)sendto(fd, "sandbox", 8, 0, (const struct sockaddr *)&anybody, sizeof(anybody));
}

CHILD int pasta_enter(const struct plan *plan, const struct network_host *network, struct error *err)
{
	AUTO_CLOSE int route = netlink_open(NETLINK_ROUTE), filter = netlink_open(NETLINK_NETFILTER);

	if (route < 0 || filter < 0)
		return fail_errno(err, K_NETWORK_MODE, "cannot speak with the kernel about the network");
	if (check_address(route, K_NETWORK_ADDRESS, &plan->network.net->address, err) ||
	    check_address(route, K_NETWORK_ADDRESS6, &plan->network.net->address6, err))
		return -1;
	if (messages_send(&network->wall, filter, 0, err))
		return -1;
	if (plan->network.net->ports)
		introduce();
	return 0;
}

/* ---- undo -------------------------------------------------------------------------------------------------------- */

void pasta_undo(struct host *host)
{
	if (host->pasta > 0) {
		(void)sys_pidfd_send_signal(host->pasta_pidfd, SIGKILL);
		while (waitpid(host->pasta, NULL, 0) < 0 && errno == EINTR)
			;
	}
	host->pasta = 0;
	fd_close(&host->pasta_pidfd);
	fd_close(&host->pasta_words);
}
