/* address: IP and hardware addresses from text, and back. Pure; parsing is strict: one form, the whole text. */
#ifndef BASE_ADDRESS_H
#define BASE_ADDRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

/* An address of a network. family AF_UNSPEC: none. */
struct address {
	int family;        /* AF_INET, AF_INET6 */
	uint8_t bytes[16]; /* network order; the first 4 or all 16 */
	int prefix;        /* bits of the network; a plain address has 32 or 128 */
};

enum { ADDRESS_TEXT_SIZE = 56, MAC_SIZE = 6 };

/* "10.0.0.1", "fd00::1" (inet_pton(3)'s forms): 0, or -1 with errno EINVAL. */
int address_parse(const char *text, struct address *ret);

/* "10.0.0.1/24": 0, or -1 with errno EINVAL; ERANGE when only the prefix length is wrong. */
int address_parse_cidr(const char *text, struct address *ret);

/* "02:00:00:00:00:05": 0, or -1 with errno EINVAL; ERANGE for a multicast address or all zeros. */
int address_parse_mac(const char *text, uint8_t ret[MAC_SIZE]);

/* "80", "8000-8080": 0, or -1 with errno EINVAL, or ERANGE (0, above 65535, or backwards). */
int address_parse_ports(const char *text, uint16_t *first, uint16_t *last);

/* "10.0.0.1"; with `cidr`, "10.0.0.1/24". Returns `to`. */
const char *address_text(const struct address *address, bool cidr, char to[ADDRESS_TEXT_SIZE]);

/* Bytes of an address of that family: 4 or 16. */
static inline size_t address_size(const struct address *address)
{
	return address->family == AF_INET ? 4 : 16;
}

/* The same with every bit behind the prefix cleared. */
struct address address_network(const struct address *address);

/* Whether both are of one family and `address` lies in `network`'s prefix. */
bool address_within(const struct address *address, const struct address *network);

/* Whether two networks share an address. */
bool address_overlap(const struct address *one, const struct address *other);

bool address_is_loopback(const struct address *address);                   /* 127.0.0.0/8, ::1 */
bool address_is_any(const struct address *address);                        /* 0.0.0.0, :: */
bool address_is_link_local(const struct address *address);                 /* 169.254.0.0/16, fe80::/10 */
bool address_same(const struct address *one, const struct address *other); /* the prefix aside */

/* The address `number` places behind the network's first (number 0); false when that is outside the network, or is
 * the first or (IPv4) the last of it, which no host has. Prefixes 31, 32, 127, 128 have no such exceptions. */
bool address_of_host(const struct address *network, uint32_t number, struct address *ret);

#endif
