/* value_network: texts that name something of a network: interfaces, addresses, networks, ports. See value_text.c.
 *
 * Addresses are read strictly (base/address.h) and put down in their one usual form, so that equal ones are equal
 * texts: "FD00:0::5" becomes "fd00::5". A word that the row of the key lists ("auto", "any") may stand in place of
 * one. Parent only, while profiles are read; pure. */
#include "profile/value.h"

#include <errno.h>
#include <net/if.h>
#include <string.h>

#include "base/address.h"
#include "base/arena.h"
#include "profile/diagnostic.h"

#define REFUSE(reader, node, ...) ((node)->refused = true, diagnose_node((reader)->diagnostics, node, __VA_ARGS__))

#define DIGITS "0123456789"
#define LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"

enum { HOST_NAME_MAX_BYTES = 253, LABEL_MAX_BYTES = 63 };

static bool is_word(int key, const char *text)
{
	for (const char *const *value = keys[key].values; value && *value; value++)
		if (strcmp(*value, text) == 0)
			return true;
	return false;
}

static int refuse_form(const struct reader *reader, int key, struct node *node, const char *noun)
{
	const char *const *values = keys[key].values;
	const char *nearest = NULL;
	size_t count = 0;

	while (values && values[count])
		count++;
	nearest = count ? nearest_name(node->text, values, count) : NULL;
	return REFUSE(reader, node, "\"%s\" is no %s%s%s%s", node->text, noun, nearest ? "; did you mean \"" : "",
		      nearest ? nearest : "", nearest ? "\"?" : "");
}

static int keep(const struct reader *reader, struct node *node, const char *text, const char **to)
{
	*to = text ? arena_copy(reader->arena, text) : NULL;
	return *to ? 0 : REFUSE(reader, node, "out of memory");
}

/* ---- names -------------------- */

static int interface(const struct reader *reader, struct node *node, const char **to)
{
	static const char *const reserved[] = { "lo", "all", "default", ".", ".." };
	size_t length = strlen(node->text);

	for (size_t i = 0; i < sizeof(reserved) / sizeof(reserved[0]); i++)
		if (strcmp(node->text, reserved[i]) == 0)
			return REFUSE(reader, node, "\"%s\" is no name for an interface: it stands for something else",
				      node->text);
	if (!length || length >= IFNAMSIZ || strspn(node->text, LETTERS DIGITS "._-") != length)
		return REFUSE(reader, node,
			      "\"%s\" is no name of an interface: 1 to %d letters, digits, '.', '_' and '-'",
			      node->text, IFNAMSIZ - 1);
	*to = node->text;
	return 0;
}

static bool is_host_name(const char *text)
{
	size_t length = 0;

	if (!*text || strlen(text) > HOST_NAME_MAX_BYTES)
		return false;
	for (;; text += length + 1) {
		length = strspn(text, LETTERS DIGITS "_-");
		if (!length || length > LABEL_MAX_BYTES || *text == '-' || text[length - 1] == '-')
			return false;
		if (!text[length])
			return true;
		if (text[length] != '.')
			return false;
	}
}

/* ---- addresses -------------------- */

static int refuse_address(const struct reader *reader, int key, struct node *node)
{
	refuse_form(reader, key, node, "IP address");
	if (strchr(node->text, '%'))
		return diagnose_remedy(reader->diagnostics, "an address is written without the name of an interface");
	if (strchr(node->text, '/'))
		return diagnose_remedy(reader->diagnostics, "an address is written without a prefix length here");
	return -1;
}

static int refuse_cidr(const struct reader *reader, int key, struct node *node)
{
	const char *slash = strchr(node->text, '/');
	const char *before = slash ? arena_copy_n(reader->arena, node->text, (size_t)(slash - node->text)) : node->text;
	struct address plain;

	if (!before)
		return REFUSE(reader, node, "out of memory");
	if (address_parse(before, &plain) && slash)
		return REFUSE(reader, node, "\"%s\": %s is no IP address", node->text, *before ? before : "it");
	if (address_parse(before, &plain))
		return refuse_form(reader, key, node, "IP address with a prefix length, such as \"10.0.0.1/24\"");
	if (slash)
		return REFUSE(reader, node, "\"%s\": the prefix length of an %s network is a number from 0 to %d",
			      node->text, plain.family == AF_INET ? "IPv4" : "IPv6", plain.prefix);
	REFUSE(reader, node, "\"%s\" needs a prefix length, such as /%d", node->text,
	       plain.family == AF_INET ? 24 : 64);
	return diagnose_remedy(reader->diagnostics, "it says which part of the address is the network's");
}

/* The key of the same group that is for the other family; NULL when there is none. */
static const char *other_family(int key)
{
	for (int other = keys[keys[key].parent].first; other != K_NONE; other = keys[other].next) {
		size_t length = strlen(keys[other].name), own = strlen(keys[key].name);

		if (keys[other].family && keys[other].family != keys[key].family &&
		    strncmp(keys[other].name, keys[key].name, length < own ? length : own) == 0)
			return keys[other].path;
	}
	return NULL;
}

static int check_family(const struct reader *reader, int key, struct node *node, const struct address *address)
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };
	int version = address->family == AF_INET ? 4 : 6;
	const char *other = other_family(key);

	if (version == 6 && memcmp(address->bytes, mapped, sizeof(mapped)) == 0) {
		REFUSE(reader, node, "\"%s\" is an IPv4 address in the form of an IPv6 one", node->text);
		return diagnose_remedy(reader->diagnostics, "write %u.%u.%u.%u", address->bytes[12], address->bytes[13],
				       address->bytes[14], address->bytes[15]);
	}
	if (!keys[key].family || keys[key].family == version)
		return 0;
	REFUSE(reader, node, "\"%s\" is of IPv%d", node->text, version);
	return other ? diagnose_remedy(reader->diagnostics, "%s is the key for IPv%d", other, version) : -1;
}

static int plain_address(const struct reader *reader, int key, struct node *node, const char **to)
{
	struct address address;
	char text[ADDRESS_TEXT_SIZE];

	if (address_parse(node->text, &address))
		return refuse_address(reader, key, node);
	if (check_family(reader, key, node, &address))
		return -1;
	return keep(reader, node, address_text(&address, false, text), to);
}

static int cidr(const struct reader *reader, int key, struct node *node, const char **to)
{
	struct address address;
	char text[ADDRESS_TEXT_SIZE];

	if (address_parse_cidr(node->text, &address))
		return refuse_cidr(reader, key, node);
	if (check_family(reader, key, node, &address))
		return -1;
	return keep(reader, node, address_text(&address, true, text), to);
}

/* A whole network: in a rule, bits behind the prefix are a mistake in one or the other. */
static int network(const struct reader *reader, int key, struct node *node, const char **to)
{
	struct address address, first;
	char text[ADDRESS_TEXT_SIZE];

	if (cidr(reader, key, node, to))
		return -1;
	(void)address_parse_cidr(*to, &address);
	first = address_network(&address);
	if (address_same(&address, &first))
		return 0;
	REFUSE(reader, node, "\"%s\" is an address in a network, not a network", node->text);
	return diagnose_remedy(reader->diagnostics, "write %s, or the address without a prefix length",
			       address_text(&first, true, text));
}

static int destination(const struct reader *reader, int key, struct node *node, const char **to)
{
	const char *text = node->text;

	if (strchr(text, '/'))
		return network(reader, key, node, to);
	if (strpbrk(text, ":%") || (*text && strspn(text, DIGITS ".") == strlen(text)))
		return plain_address(reader, key, node, to);
	if (!is_host_name(text))
		return refuse_form(reader, key, node, "IP address, network or host name");
	*to = text;
	return 0;
}

/* ---- hardware addresses and ports -------------------- */

static const char *mac_text(struct arena *arena, const uint8_t mac[MAC_SIZE])
{
	return arena_format(arena, "%02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1], mac[2], mac[3], mac[4], mac[5]);
}

static int hardware_address(const struct reader *reader, int key, struct node *node, const char **to)
{
	uint8_t mac[MAC_SIZE];

	if (address_parse_mac(node->text, mac) == 0)
		return keep(reader, node, mac_text(reader->arena, mac), to);
	if (errno != ERANGE)
		return refuse_form(reader, key, node, "hardware address, such as \"02:00:00:00:00:05\"");
	REFUSE(reader, node, "\"%s\" is not the address of one interface", node->text);
	return diagnose_remedy(reader->diagnostics, "the first byte must be even; made up addresses begin with 02");
}

static int port_range(const struct reader *reader, int key, struct node *node, const char **to)
{
	uint16_t first = 0, last = 0;

	if (address_parse_ports(node->text, &first, &last) == 0)
		return keep(reader, node, node->text, to);
	if (errno != ERANGE)
		return refuse_form(reader, key, node, "port or range, such as \"8000-8080\"");
	return REFUSE(reader, node, "\"%s\": ports are from 1 to 65535, in a range the lower one first", node->text);
}

/* ---- by type -------------------- */

int value_read_network(const struct reader *reader, int key, struct node *node, const char **to)
{
	if (is_word(key, node->text)) {
		*to = node->text;
		return 0;
	}
	switch (keys[key].type) {
	case TYPE_INTERFACE:
		return interface(reader, node, to);
	case TYPE_MAC:
		return hardware_address(reader, key, node, to);
	case TYPE_CIDR:
		return cidr(reader, key, node, to);
	case TYPE_DESTINATION:
		return destination(reader, key, node, to);
	case TYPE_PORT_RANGE:
		return port_range(reader, key, node, to);
	default:
		return plain_address(reader, key, node, to);
	}
}

const char *value_canonical_network(struct arena *arena, int key, const char *text)
{
	struct address address;
	uint8_t mac[MAC_SIZE];
	char buffer[ADDRESS_TEXT_SIZE];

	switch (keys[key].type) {
	case TYPE_ADDRESS:
	case TYPE_ADDRESSES:
		return address_parse(text, &address) ? text : arena_copy(arena, address_text(&address, false, buffer));
	case TYPE_CIDR:
		return address_parse_cidr(text, &address) ? text
							  : arena_copy(arena, address_text(&address, true, buffer));
	case TYPE_MAC:
		return address_parse_mac(text, mac) ? text : mac_text(arena, mac);
	default:
		return text;
	}
}
