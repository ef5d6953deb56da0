/* network_servers: the host's name servers, as far as a sandbox can ask them. For names and the filter; runs in the
 * launcher, in the host phase.
 *
 * A resolver on the host's loopback interface (systemd-resolved at 127.0.0.53, dnsmasq at 127.0.1.1) does not answer in
 * another network namespace; neither does a link-local address, whose interface the sandbox does not have. Such a
 * resolver only passes questions on, and the program that set it up tells to whom in a file of its own. Where the
 * network is the host's, or there is none, the host's file is taken as it is.
 *
 * With pasta nothing is out of reach: it takes questions at an address of ours to the host's first server, wherever
 * that listens. Nothing to undo.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>

#include "base/file.h"
#include "stage/name_files.h"
#include "stage/network_pasta.h"

enum { FILE_MAX = 64 * 1024 };

/* The first is the host's own. The others say where a resolver on the loopback interface asks. */
static const char *const files[] = {
	"/etc/resolv.conf",
	"/run/systemd/resolve/resolv.conf",
	"/run/NetworkManager/no-stub-resolv.conf",
};

static bool reachable(const char *text)
{
	struct address address;

	return !address_parse(text, &address) && !address_is_loopback(&address) && !address_is_any(&address) &&
	       (address.family == AF_INET || !address_is_link_local(&address));
}

/* The second word of a line "nameserver 10.0.0.1"; *ret_length 0: it is another line. */
static const char *server_of(const char *line, size_t *ret_length)
{
	static const char word[] = "nameserver";

	*ret_length = 0;
	if (strncmp(line, word, sizeof(word) - 1) != 0)
		return line;
	line += sizeof(word) - 1;
	if (*line == ' ' || *line == '\t') {
		line += strspn(line, " \t");
		*ret_length = strcspn(line, " \t\r\n");
	}
	return line;
}

int names_servers_read(const char *text, bool isolated, struct arena *arena, struct names_servers *ret)
{
	for (const char *line = text; line && *line; line = strchr(line, '\n') ? strchr(line, '\n') + 1 : NULL) {
		size_t length = 0;
		const char *at = server_of(line, &length);
		const char *server = length ? arena_copy_n(arena, at, length) : NULL;

		if (length && !server)
			return -1;
		if (server && ret->count < NAMES_SERVERS_MAX && (!isolated || reachable(server)))
			ret->items[ret->count++] = server;
	}
	return 0;
}

static int fail_unreachable(struct error *err)
{
	fail(err, K_NETWORK_DNS_SERVERS, "cannot use the host's name servers: none of them can be reached from inside");
	error_remedy(err, "/etc/resolv.conf of the host names none, or one on the loopback interface only: write the "
			  "addresses of name servers instead of \"host\"");
	return error_exit(err, EXIT_OF_HOST);
}

int names_servers_of_host(const struct plan *plan, struct arena *arena, struct names_servers *ret, struct error *err)
{
	bool isolated = plan->names.isolated;
	size_t before = ret->count;
	char *text = arena_alloc(arena, FILE_MAX);

	if (!text)
		return fail_errno(err, 0, "cannot get memory");
	for (size_t i = 0; i < (isolated ? sizeof(files) / sizeof(files[0]) : 1) && ret->count == before; i++) {
		if (read_file_at(AT_FDCWD, files[i], text, FILE_MAX) < 0) {
			if (errno == ENOENT)
				continue;
			return fail_errno(err, K_NETWORK_DNS_SERVERS, "cannot read %s", files[i]);
		}
		if (names_servers_read(text, isolated, arena, ret))
			return fail_errno(err, 0, "cannot get memory");
	}
	if (ret->count > before || !isolated || before == NAMES_SERVERS_MAX)
		return 0;
	if (plan->profile->network.mode != NETWORK_MODE_PASTA)
		return fail_unreachable(err);
	ret->items[ret->count++] = PASTA_RESOLVER;
	return 0;
}

int names_servers_list(const struct plan *plan, struct arena *arena, struct names_servers *ret, struct error *err)
{
	const struct strings *servers = &plan->profile->network.dns.servers;

	for (size_t i = 0; i < servers->count; i++) {
		if (!strcmp(servers->items[i], "host")) {
			if (names_servers_of_host(plan, arena, ret, err))
				return -1;
		} else if (ret->count < NAMES_SERVERS_MAX) {
			ret->items[ret->count++] = servers->items[i];
		}
	}
	return 0;
}

int servers_list(const struct plan *plan, struct arena *arena, struct resolved *ret, struct error *err)
{
	struct address *addresses = arena_array(arena, NAMES_SERVERS_MAX, sizeof(*addresses));
	struct names_servers servers = { .count = 0 };

	*ret = (struct resolved){ .kind = RESOLVED_ADDRESSES, .addresses = addresses };
	if (!addresses)
		return fail_errno(err, 0, "cannot get memory");
	if (names_servers_list(plan, arena, &servers, err))
		return -1;
	for (size_t i = 0; i < servers.count; i++)
		ret->count += !address_parse(servers.items[i], &addresses[ret->count]);
	return 0;
}
