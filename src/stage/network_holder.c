/* network_holder: who has a port of the host. Helper of network_publish; parent, after a bind(2) was refused.
 *
 * Two steps. The kernel lists its sockets on that port (sock_diag(7)) and gives the inode number of each; /proc shows
 * the processes that have a socket of that number open (proc(5), /proc/PID/fd). A port is in the way when its address
 * is the same, or when either address stands for all; a listener on :: takes IPv4's ports as well, unless it says not
 * to (ipv6(7), IPV6_V6ONLY).
 *
 * Both steps may end with less than the answer, and then what is said is less: the socket of an outgoing connection is
 * as good a reason as a server's; another user's process, one of another pid namespace, and the kernel itself have
 * sockets that /proc does not lead to. Where several processes share the socket, the relay of a sandbox (run/forward.c)
 * comes first: its title carries the sandbox's name. Titles are what a process says of itself; it is the user who reads
 * them, nothing is decided by them.
 *
 * Needs: sock_diag, Linux 3.3. Changes nothing.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/inet_diag.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/file.h"
#include "base/format.h"
#include "base/netlink.h"
#include "base/parse.h"
#include "stage/network_holder.h"

struct search {
	const struct published *port;
	uint32_t inode; /* 0: none found */
	bool listens;   /* that one waits for connections: nothing better can be found */
};

struct question {
	struct nlmsghdr header;
	struct inet_diag_req_v2 body;
};

/* ---- the socket ------------------------------------------------------------------------------------------------- */

static const struct inet_diag_msg *body_of(struct nlmsghdr *message)
{
	return (const void *)((const char *)message + NLMSG_HDRLEN);
}

/* Whether a socket of family AF_INET6 keeps to IPv6; the kernel says so behind the message. */
static bool ipv6_only(struct nlmsghdr *message)
{
	const struct inet_diag_msg *body = body_of(message);
	const char *at = (const char *)(body + 1), *end = (const char *)message + message->nlmsg_len;

	while (end - at >= NLA_HDRLEN) {
		struct nlattr attribute;

		memcpy(&attribute, at, sizeof(attribute));
		if (attribute.nla_len < NLA_HDRLEN || attribute.nla_len > end - at)
			return false;
		if (attribute.nla_type == INET_DIAG_SKV6ONLY && attribute.nla_len > NLA_HDRLEN)
			return at[NLA_HDRLEN] != 0;
		at += NLA_ALIGN(attribute.nla_len);
	}
	return false;
}

static bool in_the_way(struct nlmsghdr *message, const struct address *listen)
{
	const struct inet_diag_msg *body = body_of(message);
	struct address other = { .family = body->idiag_family };

	memcpy(other.bytes, body->id.idiag_src, address_size(&other));
	if (other.family == AF_INET6 && listen->family == AF_INET) {
		static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };

		if (address_is_any(&other))
			return !ipv6_only(message);
		if (memcmp(other.bytes, mapped, sizeof(mapped)) != 0)
			return false;
		other.family = AF_INET;
		memmove(other.bytes, other.bytes + sizeof(mapped), 4);
	}
	return address_is_any(listen) || address_is_any(&other) || address_same(listen, &other);
}

static int note_socket(struct nlmsghdr *message, void *with)
{
	struct search *search = with;
	const struct inet_diag_msg *body = body_of(message);

	if (message->nlmsg_type != SOCK_DIAG_BY_FAMILY || message->nlmsg_len < NLMSG_LENGTH(sizeof(*body)))
		return 0;
	if (ntohs(body->id.idiag_sport) != search->port->host || !body->idiag_inode || search->listens ||
	    !in_the_way(message, &search->port->listen))
		return 0;
	search->inode = body->idiag_inode;
	search->listens = body->idiag_state == TCP_LISTEN;
	return 0;
}

static void search_family(struct search *search, int family)
{
	struct question question = {
		.header = {
			.nlmsg_len = sizeof(question),
			.nlmsg_type = SOCK_DIAG_BY_FAMILY,
			.nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP,
			.nlmsg_seq = 1,
		},
		.body = {
			.sdiag_family = (uint8_t)family,
			.sdiag_protocol = (uint8_t)search->port->protocol,
			.idiag_states = UINT32_MAX,
			.id.idiag_sport = htons(search->port->host),
		},
	};
	struct netlink_failure ignored;
	AUTO_CLOSE int fd = netlink_open(NETLINK_SOCK_DIAG);

	if (fd >= 0)
		(void)netlink_request(fd, &question, sizeof(question), &(struct netlink_reader){ note_socket, search },
				      &ignored);
}

/* ---- the process ------------------------------------------------------------------------------------------------ */

static bool has_socket(int process, const char *link)
{
	int fd = openat(process, "fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *entries = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry = NULL;
	bool found = false;
	char target[64];

	if (!entries) {
		fd_close(&fd);
		return false;
	}
	while (!found && (entry = readdir(entries))) {
		ssize_t n = readlinkat(dirfd(entries), entry->d_name, target, sizeof(target) - 1);

		if (n <= 0)
			continue;
		target[n] = '\0';
		found = !strcmp(target, link);
	}
	closedir(entries);
	return found;
}

/* What the process calls itself. True when it is a sandbox's relay, and the text its sandbox. */
static bool name_process(int process, uint64_t pid, char *to, size_t size)
{
	char name[64], title[512];

	if (read_file_at(process, "comm", name, sizeof(name)) <= 0)
		format_text(name, sizeof(name), "a process");
	name[strcspn(name, "\n")] = '\0';
	if (!strcmp(name, FORWARD_NAME) && read_file_at(process, "cmdline", title, sizeof(title)) > 0 &&
	    !strncmp(title, FORWARD_TITLE, strlen(FORWARD_TITLE))) {
		format_text(to, size, "sandbox \"%s\" (process %llu)", title + strlen(FORWARD_TITLE),
			    (unsigned long long)pid);
		return true;
	}
	format_text(to, size, "%s (process %llu)", name, (unsigned long long)pid);
	return false;
}

static bool find_process(uint32_t inode, char *to, size_t size)
{
	DIR *processes = opendir("/proc");
	struct dirent *entry = NULL;
	bool found = false, relay = false;
	char link[32];

	format_text(link, sizeof(link), "socket:[%u]", inode);
	while (processes && !relay && (entry = readdir(processes))) {
		AUTO_CLOSE int process = -1;
		uint64_t pid = 0;
		char name[HOLDER_SIZE];

		if (parse_unsigned(entry->d_name, 1, INT32_MAX, &pid))
			continue;
		process = openat(dirfd(processes), entry->d_name, O_PATH | O_DIRECTORY | O_CLOEXEC);
		if (process < 0 || !has_socket(process, link))
			continue;
		relay = name_process(process, pid, name, sizeof(name));
		if (relay || !found)
			format_text(to, size, "%s", name);
		found = true;
	}
	if (processes)
		closedir(processes);
	return found;
}

const char *holder_of(const struct published *port, char to[HOLDER_SIZE])
{
	struct search search = { .port = port };

	search_family(&search, port->listen.family);
	if (!search.listens && port->listen.family == AF_INET)
		search_family(&search, AF_INET6);
	if (!search.inode)
		format_text(to, HOLDER_SIZE, "another socket");
	else if (!find_process(search.inode, to, HOLDER_SIZE))
		format_text(to, HOLDER_SIZE,
			    geteuid() ? "a process that only root can name"
				      : "the kernel, or a process that is out of sight here,");
	return to;
}
