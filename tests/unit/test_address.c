/* base/address.c: what is an address, a network, a hardware address, a range of ports; and arithmetic on networks. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <string.h>

#include "base/address.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

struct sample {
	const char *text;
	int error;         /* 0, EINVAL or ERANGE */
	const char *again; /* as address_text() writes it; NULL: the same */
};

static struct address cidr(const char *text)
{
	struct address address;

	if (address_parse_cidr(text, &address) && address_parse(text, &address))
		fail_msg("%s", text);
	return address;
}

static void try_samples(int parse(const char *, struct address *), bool with_prefix, const struct sample *samples,
			size_t count)
{
	for (size_t i = 0; i < count; i++) {
		const struct sample *sample = &samples[i];
		struct address address = { .family = -1 };
		char text[ADDRESS_TEXT_SIZE];
		int result = 0;

		errno = 0;
		result = parse(sample->text, &address);
		if (result != (sample->error ? -1 : 0) || (result && (errno != sample->error || address.family != -1)))
			fail_msg("\"%s\": result %d, errno %d", sample->text, result, errno);
		if (!result)
			assert_string_equal(address_text(&address, with_prefix, text),
					    sample->again ? sample->again : sample->text);
	}
}

static void addresses(void **state)
{
	static const struct sample samples[] = {
		{ "10.0.0.1", 0, NULL },
		{ "0.0.0.0", 0, NULL },
		{ "255.255.255.255", 0, NULL },
		{ "::", 0, NULL },
		{ "::1", 0, NULL },
		{ "FD00:0:0::0001", 0, "fd00::1" },
		{ "::ffff:10.0.0.1", 0, NULL },
		{ "2001:db8:1:2:3:4:5:6", 0, NULL },
		{ "", EINVAL, NULL },
		{ "10.0.0", EINVAL, NULL },
		{ "10.1", EINVAL, NULL },
		{ "167772161", EINVAL, NULL },
		{ "10.0.0.300", EINVAL, NULL },
		{ "10.0.0.256", EINVAL, NULL },
		{ "010.0.0.1", EINVAL, NULL },
		{ "10.0.0.01", EINVAL, NULL },
		{ "0x0a.0.0.1", EINVAL, NULL },
		{ "10.0.0.1.", EINVAL, NULL },
		{ "10.0.0.1.2", EINVAL, NULL },
		{ " 10.0.0.1", EINVAL, NULL },
		{ "10.0.0.1 ", EINVAL, NULL },
		{ "10.0.0.-1", EINVAL, NULL },
		{ "10.0.0.1/24", EINVAL, NULL },
		{ "fe80::1%eth0", EINVAL, NULL },
		{ "fe80::1%2", EINVAL, NULL },
		{ "[::1]", EINVAL, NULL },
		{ "::1::", EINVAL, NULL },
		{ "1:2:3:4:5:6:7", EINVAL, NULL },
		{ "1:2:3:4:5:6:7:8:9", EINVAL, NULL },
		{ "12345::", EINVAL, NULL },
		{ "localhost", EINVAL, NULL },
	};

	(void)state;
	try_samples(address_parse, false, samples, COUNT(samples));
}

static void networks(void **state)
{
	static const struct sample samples[] = {
		{ "10.0.0.1/24", 0, NULL },
		{ "0.0.0.0/0", 0, NULL },
		{ "10.0.0.1/32", 0, NULL },
		{ "fd00::1/64", 0, NULL },
		{ "::/0", 0, NULL },
		{ "FD00::/128", 0, "fd00::/128" },
		{ "10.0.0.1/33", ERANGE, NULL },
		{ "fd00::1/129", ERANGE, NULL },
		{ "10.0.0.1/99999999999999999999", ERANGE, NULL },
		{ "10.0.0.1", EINVAL, NULL },
		{ "10.0.0.1/", EINVAL, NULL },
		{ "10.0.0.1/024", EINVAL, NULL },
		{ "10.0.0.1/-1", EINVAL, NULL },
		{ "10.0.0.1/24 ", EINVAL, NULL },
		{ "10.0.0.1/24/24", EINVAL, NULL },
		{ "10.0.0.1/255.255.255.0", EINVAL, NULL },
		{ "/24", EINVAL, NULL },
		{ "10.0.0/24", EINVAL, NULL },
		{ "10.0.0.300/33", EINVAL, NULL },
		{ "fe80::1%eth0/64", EINVAL, NULL },
		{ "00000000000000000000000000000000000000000000000000000000000000000000/8", EINVAL, NULL },
	};

	(void)state;
	try_samples(address_parse_cidr, true, samples, COUNT(samples));
}

static void longest_text(void **state)
{
	static const char longest[] = "ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255/128";
	struct address address = cidr(longest);
	char text[ADDRESS_TEXT_SIZE];

	(void)state;
	assert_string_equal(address_text(&address, true, text), "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff/128");
	assert_string_equal(address_text(&(struct address){ .family = AF_UNSPEC }, true, text), "");
}

static void hardware_addresses(void **state)
{
	static const struct {
		const char *text;
		int error;
	} samples[] = {
		{ "02:00:00:00:00:05", 0 },
		{ "fE:Ff:0a:B0:00:05", 0 },
		{ "00:00:00:00:00:01", 0 },
		{ "00:00:00:00:00:00", ERANGE },
		{ "01:00:5e:00:00:01", ERANGE },
		{ "ff:ff:ff:ff:ff:ff", ERANGE },
		{ "", EINVAL },
		{ "02:00:00:00:00", EINVAL },
		{ "02:00:00:00:00:", EINVAL },
		{ "02:00:00:00:00:0", EINVAL },
		{ "02:00:00:00:00:055", EINVAL },
		{ "02:00:00:00:00:05:", EINVAL },
		{ "02:00:00:00:00:05 ", EINVAL },
		{ "02-00-00-00-00-05", EINVAL },
		{ "020000000005", EINVAL },
		{ "2:0:0:0:0:5", EINVAL },
		{ "0g:00:00:00:00:05", EINVAL },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(samples); i++) {
		uint8_t mac[MAC_SIZE] = { 0 };
		int result = 0;

		errno = 0;
		result = address_parse_mac(samples[i].text, mac);
		if (result != (samples[i].error ? -1 : 0) || errno != samples[i].error || (result && mac[5]))
			fail_msg("\"%s\": result %d, errno %d", samples[i].text, result, errno);
	}
}

static void port_ranges(void **state)
{
	static const struct {
		const char *text;
		int error;
		uint16_t first, last;
	} samples[] = {
		{ "80", 0, 80, 80 },
		{ "1-65535", 0, 1, 65535 },
		{ "8000-8000", 0, 8000, 8000 },
		{ "0", ERANGE, 0, 0 },
		{ "0-80", ERANGE, 0, 0 },
		{ "65536", ERANGE, 0, 0 },
		{ "80-65536", ERANGE, 0, 0 },
		{ "81-80", ERANGE, 0, 0 },
		{ "99999999999999999999", ERANGE, 0, 0 },
		{ "", EINVAL, 0, 0 },
		{ "-80", EINVAL, 0, 0 },
		{ "80-", EINVAL, 0, 0 },
		{ "80-90-100", EINVAL, 0, 0 },
		{ "080", EINVAL, 0, 0 },
		{ "80 ", EINVAL, 0, 0 },
		{ "80 - 90", EINVAL, 0, 0 },
		{ "80:90", EINVAL, 0, 0 },
		{ "http", EINVAL, 0, 0 },
		{ "https-alternative", EINVAL, 0, 0 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(samples); i++) {
		uint16_t first = 0, last = 0;
		int result = 0;

		errno = 0;
		result = address_parse_ports(samples[i].text, &first, &last);
		if (result != (samples[i].error ? -1 : 0) || errno != samples[i].error || first != samples[i].first ||
		    last != samples[i].last)
			fail_msg("\"%s\": result %d, errno %d, %u-%u", samples[i].text, result, errno, first, last);
	}
}

static void first_of_network(void **state)
{
	static const char *const samples[][2] = {
		{ "10.88.3.4/16", "10.88.0.0/16" },      { "10.88.3.4/0", "0.0.0.0/0" },
		{ "10.88.3.4/32", "10.88.3.4/32" },      { "10.88.3.255/25", "10.88.3.128/25" },
		{ "fd00:88::1:5/64", "fd00:88::/64" },   { "fd00:88::1:5/128", "fd00:88::1:5/128" },
		{ "ffff:ffff::1/17", "ffff:8000::/17" },
	};
	char text[ADDRESS_TEXT_SIZE];

	(void)state;
	for (size_t i = 0; i < COUNT(samples); i++) {
		struct address address = cidr(samples[i][0]), network = address_network(&address);

		assert_string_equal(address_text(&network, true, text), samples[i][1]);
	}
}

static void within(void **state)
{
	static const struct {
		const char *address, *network;
		bool within, overlap;
	} samples[] = {
		{ "10.88.0.5", "10.88.0.1/16", true, true },    { "10.88.0.5/8", "10.88.0.1/16", true, true },
		{ "10.89.0.5", "10.88.0.1/16", false, false },  { "10.89.0.5/8", "10.88.0.1/16", false, true },
		{ "0.0.0.0/0", "192.0.2.0/24", false, true },   { "192.0.2.77", "0.0.0.0/0", true, true },
		{ "10.0.0.1/31", "10.0.0.2/31", false, false }, { "10.0.0.1", "10.0.0.1", true, true },
		{ "10.0.0.1", "::/0", false, false },           { "::/0", "0.0.0.0/0", false, false },
		{ "fd00::5", "fd00::1/64", true, true },        { "fd00:0:0:1::5", "fd00::1/64", false, false },
		{ "fd00:0:0:1::5", "fd00::1/63", true, true },
	};
	static const struct address none = { .family = AF_UNSPEC };
	struct address all = cidr("0.0.0.0/0");

	(void)state;
	for (size_t i = 0; i < COUNT(samples); i++) {
		struct address address = cidr(samples[i].address), network = cidr(samples[i].network);

		if (address_within(&address, &network) != samples[i].within ||
		    address_overlap(&address, &network) != samples[i].overlap ||
		    address_overlap(&network, &address) != samples[i].overlap)
			fail_msg("%s in %s", samples[i].address, samples[i].network);
	}
	assert_false(address_within(&none, &all));
	assert_false(address_within(&none, &none));
	assert_false(address_overlap(&none, &none));
}

static void kinds(void **state)
{
	static const struct {
		const char *text;
		bool loopback, any, link_local;
	} samples[] = {
		{ "127.0.0.1", true, false, false },    { "127.255.3.4", true, false, false },
		{ "128.0.0.1", false, false, false },   { "0.0.0.0", false, true, false },
		{ "0.0.0.1", false, false, false },     { "169.254.169.254", false, false, true },
		{ "169.253.0.1", false, false, false }, { "::1", true, false, false },
		{ "::2", false, false, false },         { "::", false, true, false },
		{ "fe80::1", false, false, true },      { "febf::1", false, false, true },
		{ "fec0::1", false, false, false },     { "::127.0.0.1", false, false, false },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(samples); i++) {
		struct address address = cidr(samples[i].text);

		if (address_is_loopback(&address) != samples[i].loopback ||
		    address_is_any(&address) != samples[i].any ||
		    address_is_link_local(&address) != samples[i].link_local)
			fail_msg("%s", samples[i].text);
	}
	assert_false(address_is_any(&(struct address){ .family = AF_UNSPEC }));
}

static void sameness(void **state)
{
	struct address one = cidr("10.0.0.1/8"), two = cidr("10.0.0.1"), six = cidr("a00:1::");

	(void)state;
	assert_true(address_same(&one, &two));
	assert_false(address_same(&one, &six));
	two.bytes[15] = 1; /* not of an IPv4 address */
	assert_true(address_same(&one, &two));
	assert_true(address_same(&(struct address){ 0 }, &(struct address){ 0 }));
}

static void hosts(void **state)
{
	static const struct {
		const char *network;
		uint32_t number;
		const char *host; /* NULL: there is none */
	} samples[] = {
		{ "10.88.0.1/16", 0, NULL },
		{ "10.88.0.1/16", 1, "10.88.0.1/16" },
		{ "10.88.0.1/16", 258, "10.88.1.2/16" },
		{ "10.88.0.1/16", 65534, "10.88.255.254/16" },
		{ "10.88.0.1/16", 65535, NULL },
		{ "10.88.0.1/16", 65536, NULL },
		{ "10.88.0.1/16", UINT32_MAX, NULL },
		{ "10.0.0.1/30", 2, "10.0.0.2/30" },
		{ "10.0.0.1/30", 3, NULL },
		{ "10.0.0.1/31", 0, "10.0.0.0/31" },
		{ "10.0.0.1/31", 1, "10.0.0.1/31" },
		{ "10.0.0.1/31", 2, NULL },
		{ "10.0.0.1/32", 0, "10.0.0.1/32" },
		{ "10.0.0.1/32", 1, NULL },
		{ "0.0.0.0/0", UINT32_MAX - 1, "255.255.255.254/0" },
		{ "0.0.0.0/0", UINT32_MAX, NULL },
		{ "fd00::1/64", 0, NULL },
		{ "fd00::1/64", 65535, "fd00::ffff/64" },
		{ "fd00::1/64", UINT32_MAX, "fd00::ffff:ffff/64" },
		{ "fd00::1/96", UINT32_MAX, "fd00::ffff:ffff/96" },
		{ "fd00::1/97", UINT32_MAX, NULL },
		{ "fd00::1/126", 3, "fd00::3/126" },
		{ "fd00::1/126", 4, NULL },
		{ "fd00::1/127", 0, "fd00::/127" },
		{ "fd00::1/127", 1, "fd00::1/127" },
		{ "fd00::1/128", 0, "fd00::1/128" },
		{ "fd00::1/128", 1, NULL },
	};
	char text[ADDRESS_TEXT_SIZE];

	(void)state;
	for (size_t i = 0; i < COUNT(samples); i++) {
		struct address network = cidr(samples[i].network), host = { 0 };
		bool there = address_of_host(&network, samples[i].number, &host);

		if (there != !!samples[i].host || (!there && host.family != AF_UNSPEC))
			fail_msg("%s, %u", samples[i].network, samples[i].number);
		if (there)
			assert_string_equal(address_text(&host, true, text), samples[i].host);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(addresses),    cmocka_unit_test(networks),
		cmocka_unit_test(longest_text), cmocka_unit_test(hardware_addresses),
		cmocka_unit_test(port_ranges),  cmocka_unit_test(first_of_network),
		cmocka_unit_test(within),       cmocka_unit_test(kinds),
		cmocka_unit_test(sameness),     cmocka_unit_test(hosts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
