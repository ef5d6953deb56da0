/* address: see the header. Pure functions; the text forms are inet_pton(3)'s, which takes neither leading zeros nor
 * fewer than four parts of an IPv4 address, nor the zone behind an IPv6 one. Numbers are base/parse's. */
#include "base/address.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "base/parse.h"

static int refuse(int error)
{
	errno = error;
	return -1;
}

static int bits_of(const struct address *address)
{
	return address->family == AF_INET ? 32 : 128;
}

/* ---- from text -------------------- */

int address_parse(const char *text, struct address *ret)
{
	struct address address = { .family = AF_UNSPEC };

	if (inet_pton(AF_INET, text, address.bytes) == 1)
		address.family = AF_INET;
	else if (inet_pton(AF_INET6, text, address.bytes) == 1)
		address.family = AF_INET6;
	else
		return refuse(EINVAL);
	address.prefix = bits_of(&address);
	*ret = address;
	return 0;
}

int address_parse_cidr(const char *text, struct address *ret)
{
	const char *slash = strchr(text, '/');
	size_t length = slash ? (size_t)(slash - text) : 0;
	struct address address = { .family = AF_UNSPEC };
	char plain[ADDRESS_TEXT_SIZE];
	uint64_t prefix = 0;

	if (!slash || length >= sizeof(plain))
		return refuse(EINVAL);
	memcpy(plain, text, length);
	plain[length] = '\0';
	if (address_parse(plain, &address) || parse_unsigned(slash + 1, 0, (uint64_t)address.prefix, &prefix))
		return -1;
	address.prefix = (int)prefix;
	*ret = address;
	return 0;
}

static int hex_digit(char c)
{
	static const char digits[] = "0123456789abcdef";
	const char *at = c ? strchr(digits, c >= 'A' && c <= 'F' ? c - 'A' + 'a' : c) : NULL;

	return at ? (int)(at - digits) : -1;
}

int address_parse_mac(const char *text, uint8_t ret[MAC_SIZE])
{
	static const uint8_t none[MAC_SIZE];
	uint8_t mac[MAC_SIZE];

	for (int i = 0; i < MAC_SIZE; i++, text += 3) {
		int high = hex_digit(text[0]), low = high < 0 ? -1 : hex_digit(text[1]);

		if (low < 0 || text[2] != (i == MAC_SIZE - 1 ? '\0' : ':'))
			return refuse(EINVAL);
		mac[i] = (uint8_t)(high << 4 | low);
	}
	if (mac[0] & 1 || memcmp(mac, none, sizeof(mac)) == 0)
		return refuse(ERANGE);
	memcpy(ret, mac, sizeof(mac));
	return 0;
}

int address_parse_ports(const char *text, uint16_t *first, uint16_t *last)
{
	const char *dash = strchr(text, '-');
	size_t length = dash ? (size_t)(dash - text) : strlen(text);
	uint64_t low = 0, high = 0;
	char digits[8];

	if (length >= sizeof(digits))
		return refuse(strspn(text, "0123456789-") == strlen(text) ? ERANGE : EINVAL);
	memcpy(digits, text, length);
	digits[length] = '\0';
	if (parse_unsigned(digits, 1, UINT16_MAX, &low))
		return -1;
	high = low;
	if (dash && parse_unsigned(dash + 1, 1, UINT16_MAX, &high))
		return -1;
	if (high < low)
		return refuse(ERANGE);
	*first = (uint16_t)low;
	*last = (uint16_t)high;
	return 0;
}

/* ---- to text -------------------- */

const char *address_text(const struct address *address, bool cidr, char to[ADDRESS_TEXT_SIZE])
{
	size_t length = 0;

	if (!inet_ntop(address->family, address->bytes, to, ADDRESS_TEXT_SIZE))
		to[0] = '\0';
	length = strlen(to);
	if (cidr && length)
		(void)snprintf(to + length, ADDRESS_TEXT_SIZE - length, "/%d", address->prefix);
	return to;
}

/* ---- networks -------------------- */

/* Clears the bits behind the first `prefix` of both families' bytes. */
static struct address cut(const struct address *address, int prefix)
{
	struct address result = *address;

	result.prefix = prefix;
	for (int i = 0; i < (int)sizeof(result.bytes); i++) {
		int kept = prefix - i * 8;

		if (kept <= 0)
			result.bytes[i] = 0;
		else if (kept < 8)
			result.bytes[i] &= (uint8_t)(0xff << (8 - kept));
	}
	return result;
}

struct address address_network(const struct address *address)
{
	return cut(address, address->prefix);
}

bool address_within(const struct address *address, const struct address *network)
{
	struct address first = address_network(network), cover = cut(address, network->prefix);

	return address->family == network->family && address->family != AF_UNSPEC && address_same(&first, &cover);
}

bool address_overlap(const struct address *one, const struct address *other)
{
	return one->prefix < other->prefix ? address_within(other, one) : address_within(one, other);
}

bool address_same(const struct address *one, const struct address *other)
{
	if (one->family != other->family)
		return false;
	return one->family == AF_UNSPEC || memcmp(one->bytes, other->bytes, address_size(one)) == 0;
}

bool address_is_loopback(const struct address *address)
{
	static const struct address ipv4 = { AF_INET, { 127 }, 8 }, ipv6 = { AF_INET6, { [15] = 1 }, 128 };

	return address_within(address, &ipv4) || address_within(address, &ipv6);
}

bool address_is_any(const struct address *address)
{
	static const uint8_t zero[16];

	return address->family != AF_UNSPEC && memcmp(address->bytes, zero, address_size(address)) == 0;
}

bool address_is_link_local(const struct address *address)
{
	static const struct address ipv4 = { AF_INET, { 169, 254 }, 16 }, ipv6 = { AF_INET6, { 0xfe, 0x80 }, 10 };

	return address_within(address, &ipv4) || address_within(address, &ipv6);
}

bool address_of_host(const struct address *network, uint32_t number, struct address *ret)
{
	struct address address = address_network(network);
	int bits = bits_of(network) - network->prefix;
	uint64_t places = bits < 33 ? 1ULL << bits : UINT64_MAX;

	if (number >= places)
		return false;
	if (bits > 1 && (number == 0 || (network->family == AF_INET && number == places - 1)))
		return false;
	for (size_t i = address_size(&address); number; number >>= 8)
		address.bytes[--i] |= (uint8_t)number;
	*ret = address;
	return true;
}
