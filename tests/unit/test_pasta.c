/* test_pasta: what pasta is told, and what it is not asked for. No privilege, no pasta. */
#include "stage/network_pasta.h"

#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

struct site {
	struct network_host network;
	struct arena arena;
	struct error error;
};

static char **told(struct site *site, const struct net_plan *net)
{
	char **argv = NULL;

	site->network.arena = &site->arena;
	argv = pasta_command_line(net, &site->network, &site->error);
	assert_non_null(argv);
	return argv;
}

/* How often `option` is there, with `value` behind it when that is not NULL. */
static int count(char **argv, const char *option, const char *value)
{
	int found = 0;

	for (size_t i = 0; argv[i]; i++)
		if (!strcmp(argv[i], option) && (!value || (argv[i + 1] && !strcmp(argv[i + 1], value))))
			found++;
	return found;
}

static void test_everything_automatic(void **state)
{
	static const char *const always[] = { "--foreground", "--netns-only", "--no-netns-quit", "--config-net",
					      "--no-map-gw",  "--no-dhcp",    "--no-dhcpv6",     "--no-ra" };
	static const char *const none[] = { "--tcp-ports", "--udp-ports", "--tcp-ns", "--udp-ns" };
	static const char *const never[] = { "--address", "--netmask",     "--gateway",   "--mtu",
					     "--userns",  "--ns-mac-addr", "--ipv4-only", "--ipv6-only" };
	const struct net_plan net = { .pasta = "/usr/bin/pasta",
				      .interface = "eth0",
				      .auto_address = true,
				      .auto_address6 = true,
				      .auto_gateway = true,
				      .auto_gateway6 = true };
	struct site site = { .error = { 0 } };
	char **argv = told(&site, &net);

	(void)state;
	assert_string_equal(argv[0], "/usr/bin/pasta");
	for (size_t i = 0; i < sizeof(always) / sizeof(always[0]); i++)
		assert_int_equal(count(argv, always[i], NULL), 1);
	for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++) {
		assert_int_equal(count(argv, none[i], "none"), 1);
		assert_int_equal(count(argv, none[i], NULL), 1);
	}
	for (size_t i = 0; i < sizeof(never) / sizeof(never[0]); i++)
		assert_int_equal(count(argv, never[i], NULL), 0);
	assert_int_equal(count(argv, "--netns", "/proc/self/fd/0"), 1);
	assert_int_equal(count(argv, "--dns-forward", PASTA_RESOLVER), 1);
	arena_free(&site.arena);
}

static void test_everything_said(void **state)
{
	struct net_plan net = { .pasta = "/opt/pasta",
				.interface = "web0",
				.mtu = 1400,
				.mac_given = true,
				.mac = { 2, 0, 0, 0, 0xab, 5 } };
	struct site site = { .error = { 0 } };
	char **argv = NULL;

	(void)state;
	assert_int_equal(address_parse_cidr("10.0.0.5/24", &net.address), 0);
	assert_int_equal(address_parse_cidr("fd00::5/64", &net.address6), 0);
	assert_int_equal(address_parse("10.0.0.1", &net.gateway), 0);
	assert_int_equal(address_parse("fd00::1", &net.gateway6), 0);
	argv = told(&site, &net);
	assert_int_equal(count(argv, "--ns-ifname", "web0"), 1);
	assert_int_equal(count(argv, "--address", "10.0.0.5"), 1);
	assert_int_equal(count(argv, "--address", "fd00::5"), 1);
	assert_int_equal(count(argv, "--netmask", "24"), 1);
	assert_int_equal(count(argv, "--gateway", "10.0.0.1"), 1);
	assert_int_equal(count(argv, "--gateway", "fd00::1"), 1);
	assert_int_equal(count(argv, "--mtu", "1400"), 1);
	assert_int_equal(count(argv, "--ns-mac-addr", "02:00:00:00:ab:05"), 1);
	arena_free(&site.arena);
}

static void test_one_family(void **state)
{
	struct net_plan net = { .pasta = "/usr/bin/pasta", .interface = "eth0", .auto_address = true };
	struct site site = { .error = { 0 } };
	char **argv = told(&site, &net);

	(void)state;
	assert_int_equal(count(argv, "--ipv4-only", NULL), 1);
	assert_int_equal(count(argv, "--ipv6-only", NULL), 0);
	net.auto_address = false;
	net.auto_address6 = true;
	argv = told(&site, &net);
	assert_int_equal(count(argv, "--ipv4-only", NULL), 0);
	assert_int_equal(count(argv, "--ipv6-only", NULL), 1);
	/* The resolver's address is of IPv4. */
	assert_int_equal(count(argv, "--dns-forward", NULL), 0);
	arena_free(&site.arena);
}

static void test_ports(void **state)
{
	const struct net_plan net = { .pasta = "/usr/bin/pasta", .interface = "eth0", .auto_address = true };
	struct published published[40] = { { .protocol = IPPROTO_TCP, .host = 8080, .guest = 80 },
					   { .protocol = IPPROTO_UDP, .host = 53, .guest = 5353 } };
	struct site site = { .network = { .published = published, .published_count = 40 } };
	char **argv = NULL;

	(void)state;
	assert_int_equal(address_parse("127.0.0.1", &published[0].listen), 0);
	assert_int_equal(address_parse("::", &published[1].listen), 0);
	for (uint16_t i = 2; i < 40; i++) {
		published[i] = published[0];
		published[i].host = published[i].guest = (uint16_t)(9000 + i);
	}
	argv = told(&site, &net);
	assert_int_equal(count(argv, "--tcp-ports", NULL), 39);
	assert_int_equal(count(argv, "--udp-ports", NULL), 1);
	assert_int_equal(count(argv, "--tcp-ports", "127.0.0.1/8080:80"), 1);
	assert_int_equal(count(argv, "--tcp-ports", "127.0.0.1/9039:9039"), 1);
	assert_int_equal(count(argv, "--udp-ports", "::/53:5353"), 1);
	assert_int_equal(count(argv, "--tcp-ports", "none"), 0);
	arena_free(&site.arena);
}

/* Each differs in one thing from what pasta can do. */
static void test_refused(void **state)
{
	const struct caller caller = { .uid = 1000 };
	const struct net_plan good = {
		.auto_address = true, .auto_address6 = true, .auto_gateway = true, .auto_gateway6 = true
	};
	const struct {
		struct net_plan net;
		bool userns;
		int key;
	} rows[] = {
		{ good, false, K_NETWORK_MODE },
		{ { .auto_gateway = true, .auto_gateway6 = true }, true, K_NETWORK_ADDRESS },
		{ { .auto_address = true, .auto_address6 = true, .auto_gateway6 = true }, true, K_NETWORK_GATEWAY },
		{ { .auto_address = true, .auto_address6 = true, .auto_gateway = true }, true, K_NETWORK_GATEWAY6 },
		{ { .auto_address = true,
		    .auto_gateway = true,
		    .auto_gateway6 = true,
		    .address6 = { .family = AF_INET6, .bytes = { 0xfd }, .prefix = 48 } },
		  true,
		  K_NETWORK_ADDRESS6 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct plan plan = { .caller = &caller, .userns = { .create = rows[i].userns } };
		struct net_plan net = rows[i].net;
		struct error error = { 0 };

		assert_int_equal(pasta_plan(&plan, &net, &error), -1);
		assert_int_equal(error.key, rows[i].key);
		assert_int_equal(error.exit_status, EXIT_OF_PROFILE);
		assert_true(error.remedy[0]);
		arena_free(&plan.arena);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_everything_automatic),
		cmocka_unit_test(test_everything_said),
		cmocka_unit_test(test_one_family),
		cmocka_unit_test(test_ports),
		cmocka_unit_test(test_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
