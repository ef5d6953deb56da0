/* network_pasta_plan: which program, whether it can do what the profile says, and its command line. Helper of
 * network_pasta; parent, plan and attach columns, and doctor. Changes nothing. What the options are for stands in
 * network_pasta.c.
 */
#include <limits.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/environ.h"
#include "base/format.h"
#include "stage/network_pasta.h"

#define PACKAGE_REMEDY "install the package passt, which has it"

/* ---- the program ------------------------------------------------------------------------------------------------- */

static const char *look_in(struct arena *arena, const char *directory, size_t length)
{
	const char *path = arena_format(arena, "%.*s/pasta", (int)length, directory);
	struct stat status;

	return path && !stat(path, &status) && S_ISREG(status.st_mode) && !access(path, X_OK) ? path : NULL;
}

/* The caller's own search path is an ordinary user's affair; root's process must not be somebody's program. */
static const char *look_in_path(struct arena *arena, const struct caller *caller)
{
	const char *at = environ_get(caller->environ, "PATH");
	const char *found = NULL;

	while (at && *at && !found) {
		size_t length = strcspn(at, ":");

		if (*at == '/' && length < PATH_MAX)
			found = look_in(arena, at, length);
		at += length + (at[length] == ':');
	}
	return found;
}

const char *pasta_find(struct arena *arena, const struct caller *caller)
{
	static const char *const places[] = { "/usr/bin", "/bin", "/usr/local/bin", "/run/current-system/sw/bin" };

	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		const char *path = look_in(arena, places[i], strlen(places[i]));

		if (path)
			return path;
	}
	return caller->uid == 0 || caller->root ? NULL : look_in_path(arena, caller);
}

/* ---- plan -------------------------------------------------------------------------------------------------------- */

static int refuse(struct error *err, int key, const char *what, const char *remedy)
{
	fail(err, key, "%s", what);
	error_remedy(err, "%s", remedy);
	return error_exit(err, EXIT_OF_PROFILE);
}

static int check_addresses(const struct net_plan *net, struct error *err)
{
	bool four = net->auto_address || net->address.family, six = net->auto_address6 || net->address6.family;

	if (!four && !six)
		return refuse(err, K_NETWORK_ADDRESS, "cannot connect through pasta without any address",
			      "leave network.address or network.address6 out");
	if (net->address6.family && net->address6.prefix != 64)
		return refuse(err, K_NETWORK_ADDRESS6, "cannot give this prefix: pasta's IPv6 networks are /64",
			      "write the address with /64");
	if (four && !net->auto_gateway && !net->gateway.family)
		return refuse(err, K_NETWORK_GATEWAY, "cannot do without a default route: pasta makes one",
			      "leave the key out, or say network.address = \"none\"");
	if (six && !net->auto_gateway6 && !net->gateway6.family)
		return refuse(err, K_NETWORK_GATEWAY6, "cannot do without a default route: pasta makes one",
			      "leave the key out, or say network.address6 = \"none\"");
	return 0;
}

int pasta_plan(struct plan *plan, struct net_plan *net, struct error *err)
{
	if (!plan->userns.create && !plan->userns.joined)
		return refuse(err, K_NETWORK_MODE,
			      "cannot connect through pasta without a user namespace: it would need CAP_SYS_ADMIN on "
			      "the host",
			      "let `namespaces` name user, with users.map = \"auto\"; or say network.mode = \"veth\"");
	if (check_addresses(net, err))
		return -1;
	net->pasta = pasta_find(&plan->arena, plan->caller);
	if (net->pasta)
		return 0;
	fail(err, K_NETWORK_MODE, "cannot find the program pasta");
	return error_remedy(err, PACKAGE_REMEDY);
}

/* ---- the command line -------------------------------------------------------------------------------------------- */

struct command {
	struct arena *arena;
	char **argv;
	size_t count, size;
	bool failed;
};

/* A word, or an option and its value when `value` is not NULL. */
static void add(struct command *out, const char *option, const char *value)
{
	const char *words[] = { option, value };

	for (size_t i = 0; i < 2 && words[i]; i++) {
		char *copy = arena_copy(out->arena, words[i]);

		if (!copy || out->count + 1 >= out->size)
			out->failed = true;
		else
			out->argv[out->count++] = copy;
	}
}

static void add_address(struct command *out, const char *option, const struct address *address)
{
	char text[ADDRESS_TEXT_SIZE];

	if (address->family)
		add(out, option, address_text(address, false, text));
}

/* Two digits each: pasta reads it by position. */
static const char *mac_text(const uint8_t mac[MAC_SIZE], char to[3 * MAC_SIZE])
{
	static const char digits[] = "0123456789abcdef";

	for (int i = 0; i < MAC_SIZE; i++) {
		to[3 * i] = digits[mac[i] >> 4];
		to[3 * i + 1] = digits[mac[i] & 15];
		to[3 * i + 2] = i + 1 < MAC_SIZE ? ':' : '\0';
	}
	return to;
}

static void add_interface(struct command *out, const struct net_plan *net)
{
	char text[32];

	add(out, "--ns-ifname", net->interface);
	add_address(out, "--address", &net->address);
	add_address(out, "--address", &net->address6);
	if (net->address.family) {
		format_text(text, sizeof(text), "%d", net->address.prefix);
		add(out, "--netmask", text);
	}
	add_address(out, "--gateway", &net->gateway);
	add_address(out, "--gateway", &net->gateway6);
	if (net->mtu) {
		format_text(text, sizeof(text), "%d", net->mtu);
		add(out, "--mtu", text);
	}
	if (net->mac_given)
		add(out, "--ns-mac-addr", mac_text(net->mac, text));
	if (!net->auto_address6 && !net->address6.family)
		add(out, "--ipv4-only", NULL);
	if (!net->auto_address && !net->address.family)
		add(out, "--ipv6-only", NULL);
	else
		add(out, "--dns-forward", PASTA_RESOLVER);
}

/* ADDRESS/HOST:GUEST. Without one, `none`: it would forward what is listened on inside. */
static void add_ports(struct command *out, const char *option, const struct network_host *network, int protocol)
{
	char text[ADDRESS_TEXT_SIZE + 32], address[ADDRESS_TEXT_SIZE];
	bool any = false;

	for (size_t i = 0; i < network->published_count; i++) {
		const struct published *port = &network->published[i];

		if (port->protocol != protocol)
			continue;
		format_text(text, sizeof(text), "%s/%u:%u", address_text(&port->listen, false, address),
			    (unsigned)port->host, (unsigned)port->guest);
		add(out, option, text);
		any = true;
	}
	if (!any)
		add(out, option, "none");
}

char **pasta_command_line(const struct net_plan *net, const struct network_host *network, struct error *err)
{
	static const char *const words[] = {
		"--foreground", "--quiet",   "--netns-only", "--no-netns-quit", "--config-net",
		"--no-map-gw",  "--no-dhcp", "--no-dhcpv6",  "--no-ra",
	};
	struct command out = { .arena = network->arena, .size = 48 + 2 * network->published_count };

	out.argv = arena_array(out.arena, out.size, sizeof(*out.argv));
	if (!out.argv)
		out.size = 0;
	add(&out, net->pasta, NULL);
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		add(&out, words[i], NULL);
	add(&out, "--netns", "/proc/self/fd/0");
	add(&out, "--pid", "/proc/self/fd/1");
	add(&out, "--tcp-ns", "none");
	add(&out, "--udp-ns", "none");
	add_ports(&out, "--tcp-ports", network, IPPROTO_TCP);
	add_ports(&out, "--udp-ports", network, IPPROTO_UDP);
	add_interface(&out, net);
	if (!out.failed)
		return out.argv;
	fail(err, K_NETWORK_MODE, "cannot start pasta: no memory");
	return NULL;
}
