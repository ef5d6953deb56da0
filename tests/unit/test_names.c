/* test_names: what /etc/resolv.conf and /etc/hosts say, when they are made, and what rules resolve to. No privilege;
 * one name that no resolver knows is asked for. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "stage/name_files.h"
#include "stage/network.h"

/* After our own: it makes a macro of the word fail. */
#include <cmocka.h>

#define LIST(array)                                         \
	{                                                   \
		(array), sizeof(array) / sizeof((array)[0]) \
	}

/* ---- the host's servers */

static const struct {
	const char *text;
	bool isolated;
	const char *servers[4]; /* NULL behind the last */
} resolv[] = {
	{ "", true, { NULL } },
	{ "nameserver 10.0.0.1\n", true, { "10.0.0.1" } },
	{ "# nameserver 1.1.1.1\nsearch a\nnameserver\t10.0.0.1  \nnameserver fd00::1",
	  true,
	  { "10.0.0.1", "fd00::1" } },
	{ "nameserver 127.0.0.53\noptions edns0\n", true, { NULL } },
	{ "nameserver 127.0.0.53\noptions edns0\n", false, { "127.0.0.53" } },
	{ "nameserver ::1\nnameserver 10.0.0.1\n", true, { "10.0.0.1" } },
	{ "nameserver 0.0.0.0\nnameserver fe80::1%eth0\nnameserver fe80::1\n", true, { NULL } },
	{ "nameserver fe80::1%eth0\n", false, { "fe80::1%eth0" } },
	{ "nameserver nonsense\nnameservers 10.0.0.1\nnameserver\n nameserver 10.0.0.2\n", true, { NULL } },
	{ "nameserver 10.0.0.1\r\nnameserver 10.0.0.2\nnameserver 10.0.0.3\nnameserver 10.0.0.4\n",
	  true,
	  { "10.0.0.1", "10.0.0.2", "10.0.0.3" } },
};

static void finds_the_servers_within_reach(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(resolv) / sizeof(resolv[0]); i++) {
		struct names_servers servers = { .count = 0 };
		struct arena arena = { 0 };
		size_t count = 0;

		print_message("%s\n", resolv[i].text);
		assert_int_equal(names_servers_read(resolv[i].text, resolv[i].isolated, &arena, &servers), 0);
		for (; resolv[i].servers[count]; count++) {
			assert_true(count < servers.count);
			assert_string_equal(servers.items[count], resolv[i].servers[count]);
		}
		assert_int_equal(servers.count, count);
		arena_free(&arena);
	}
}

/* ---- which files */

static void makes_hosts_where_there_is_an_interface(void **state)
{
	static const struct {
		int mode;
		const char *from;
		bool made;
	} rows[] = {
		{ NETWORK_MODE_NONE, NULL, false },   { NETWORK_MODE_VETH, NULL, true },
		{ NETWORK_MODE_MACVLAN, NULL, true }, { NETWORK_MODE_IPVLAN, NULL, true },
		{ NETWORK_MODE_PASTA, NULL, true },   { NETWORK_MODE_NONE, "dummy0", true },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct profile profile = { .network = { .mode = rows[i].mode, .interface_from = rows[i].from } };
		struct plan plan = { .profile = &profile, .namespaces = { .net = true }, .uts = { .hostname = "web" } };
		struct error err = { 0 };

		assert_int_equal(names_plan(&profile, &plan, &err), 0);
		assert_false(plan.names.wanted[NAMES_RESOLV]);
		assert_int_equal(plan.names.wanted[NAMES_HOSTS], rows[i].made);
		assert_int_equal(plan.names.wanted[NAMES_HOSTNAME], rows[i].made);
		assert_int_equal(plan.names.isolated, rows[i].made);
		arena_free(&plan.arena);
	}
}

static int plan_with_mount(struct profile *profile, const char *target, struct plan *plan, struct error *err)
{
	struct mount_plan item = { .index = 3, .target = target };

	plan->profile = profile;
	plan->namespaces.net = true;
	plan->mounts = (struct mounts_plan){ .items = &item, .count = 1 };
	return names_plan(profile, plan, err);
}

static void a_mount_stays_or_contradicts(void **state)
{
	struct host_name localhost = { "localhost", "127.0.0.1" }, db = { "db", "10.0.0.1" };
	struct profile quiet = { .network = { .mode = NETWORK_MODE_VETH, .hosts = { &localhost, 1 } } };
	struct profile hosts = { .network = { .hosts = { &db, 1 } } };
	struct outbound_rule rule = { .to = "example.org" };
	struct profile pinned = { .network = { .mode = NETWORK_MODE_VETH, .outbound = { .rules = { &rule, 1 } } } };
	const char *server[] = { "10.0.0.1" };
	struct profile dns = { .network = { .dns = { .servers = LIST(server) } } };
	struct plan plan = { 0 };
	struct error err = { 0 };

	(void)state;
	assert_int_equal(plan_with_mount(&quiet, "/etc/hosts", &plan, &err), 0);
	assert_false(plan.names.wanted[NAMES_HOSTS]);
	assert_int_equal(plan_with_mount(&hosts, "/etc/hosts", &plan, &err), -1);
	assert_int_equal(err.exit_status, EXIT_OF_PROFILE);
	assert_int_equal(err.key, K_MOUNTS_TARGET);
	assert_int_equal(err.index, 3);
	assert_int_equal(plan_with_mount(&hosts, "/etc/hosts.d", &plan, &err), 0);
	assert_int_equal(plan_with_mount(&pinned, "/etc/hosts", &plan, &err), -1);
	assert_int_equal(plan_with_mount(&dns, "/etc/resolv.conf", &plan, &err), -1);
	assert_int_equal(plan_with_mount(&dns, "/etc", &plan, &err), 0);
	assert_true(plan.names.wanted[NAMES_RESOLV]);
	arena_free(&plan.arena);
}

/* ---- texts */

static struct address parsed(const char *text)
{
	struct address address;

	assert_int_equal(address_parse(text, &address), 0);
	return address;
}

static void hosts_have_localhost_the_own_name_the_profile_s_and_pinned_ones(void **state)
{
	struct host_name entries[] = { { "localhost", "127.0.0.1" }, { "db", "10.0.0.7" }, { "db6", "fd00::7" } };
	struct outbound_rule out[] = { { .to = "any" }, { .to = "example.org" }, { .to = "db" } };
	struct inbound_rule in[] = { { .from = "client.example" } };
	const struct profile profile = { .network = { .hosts = LIST(entries),
						      .outbound = { .rules = LIST(out) },
						      .inbound = { .rules = LIST(in) } } };
	struct address example[] = { parsed("192.0.2.1"), parsed("2001:db8::1") }, one[] = { parsed("10.0.0.9") };
	struct resolved outbound[] = { { .kind = RESOLVED_ANY },
				       { .name = "example.org", .addresses = example, .count = 2 },
				       { .name = "db", .addresses = one, .count = 1 } };
	struct resolved inbound[] = { { .name = "client.example", .addresses = one, .count = 1 } };
	struct network_host network = { .address = parsed("10.88.0.5"), .outbound = outbound, .inbound = inbound };
	const struct plan plan = { .profile = &profile, .uts = { .hostname = "web" } };
	struct host host = { .handed = { .network = &network } };
	struct arena arena = { 0 };
	struct error err = { 0 };

	(void)state;
	assert_string_equal(names_hosts_text(&plan, &host, &arena, &err),
			    "127.0.0.1 localhost\n::1 localhost ip6-localhost ip6-loopback\n10.88.0.5 web\n"
			    "10.0.0.7 db\nfd00::7 db6\n192.0.2.1 example.org\n2001:db8::1 example.org\n"
			    "10.0.0.9 client.example\n");
	network.address6 = parsed("fd00:88::5");
	assert_non_null(strstr(names_hosts_text(&plan, &host, &arena, &err), "10.88.0.5 web\nfd00:88::5 web\n"));
	host.handed.network = NULL;
	assert_non_null(strstr(names_hosts_text(&plan, &host, &arena, &err), "127.0.1.1 web\n10.0.0.7 db\n"));
	arena_free(&arena);
}

static void resolv_conf_has_servers_search_and_options(void **state)
{
	const char *servers[] = { "10.0.0.1", "fd00::1" }, *search[] = { "a.org", "b.org" }, *options[] = { "ndots:2" };
	const struct profile profile = {
		.network = { .dns = { .servers = LIST(servers), .search = LIST(search), .options = LIST(options) } }
	};
	const struct profile quiet = { .network = { .dns = { .options = LIST(options) } } };
	const struct plan plan = { .profile = &profile }, other = { .profile = &quiet };
	struct arena arena = { 0 };
	struct error err = { 0 };

	(void)state;
	assert_string_equal(names_resolv_text(&plan, &arena, &err),
			    "nameserver 10.0.0.1\nnameserver fd00::1\nsearch a.org b.org\noptions ndots:2\n");
	assert_string_equal(names_resolv_text(&other, &arena, &err), "options ndots:2\n");
	arena_free(&arena);
}

/* ---- rules */

static void rules_become_addresses(void **state)
{
	struct host_name entries[] = { { "db", "10.0.0.7" } };
	struct outbound_rule out[] = { { .to = "any" },      { .to = "host" }, { .to = "192.0.2.0/24" },
				       { .to = "::1" },      { .to = "DB" },   { .to = "localhost" },
				       { .to = "LocalHost" } };
	struct inbound_rule in[] = { { .from = "localhost" }, { .from = "10.0.0.1" } };
	const struct profile profile = { .network = { .hosts = LIST(entries),
						      .outbound = { .rules = LIST(out) },
						      .inbound = { .rules = LIST(in) } } };
	const struct plan plan = { .profile = &profile };
	struct network_host network = { 0 };
	struct arena arena = { 0 };
	struct error err = { 0 };
	char text[ADDRESS_TEXT_SIZE];

	(void)state;
	assert_int_equal(names_resolve(&plan, &arena, &network, &err), 0);
	assert_int_equal(network.outbound[0].kind, RESOLVED_ANY);
	assert_int_equal(network.outbound[0].count, 0);
	assert_int_equal(network.outbound[1].kind, RESOLVED_HOST);
	assert_int_equal(network.outbound[2].kind, RESOLVED_ADDRESSES);
	assert_string_equal(address_text(network.outbound[2].addresses, true, text), "192.0.2.0/24");
	assert_null(network.outbound[2].name);
	assert_string_equal(address_text(network.outbound[3].addresses, true, text), "::1/128");
	assert_string_equal(network.outbound[4].name, "DB");
	assert_string_equal(address_text(network.outbound[4].addresses, false, text), "10.0.0.7");
	assert_true(network.outbound[5].count > 0);
	assert_true(address_is_loopback(network.outbound[5].addresses));
	assert_ptr_equal(network.outbound[6].addresses, network.outbound[5].addresses);
	assert_ptr_equal(network.inbound[0].addresses, network.outbound[5].addresses);
	assert_string_equal(address_text(network.inbound[1].addresses, true, text), "10.0.0.1/32");
	arena_free(&arena);
}

static void an_unknown_name_is_the_host_s_lack(void **state)
{
	struct inbound_rule in[] = { { .from = "any" }, { .from = "nowhere.invalid" } };
	const struct profile profile = { .network = { .inbound = { .rules = LIST(in) } } };
	const struct plan plan = { .profile = &profile };
	struct network_host network = { 0 };
	struct arena arena = { 0 };
	struct error err = { 0 };

	(void)state;
	assert_int_equal(names_resolve(&plan, &arena, &network, &err), -1);
	assert_int_equal(err.exit_status, EXIT_OF_HOST);
	assert_int_equal(err.key, K_NETWORK_INBOUND_RULES_FROM);
	assert_int_equal(err.index, 1);
	assert_non_null(strstr(err.what, "cannot resolve the name nowhere.invalid: "));
	arena_free(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(finds_the_servers_within_reach),
		cmocka_unit_test(makes_hosts_where_there_is_an_interface),
		cmocka_unit_test(a_mount_stays_or_contradicts),
		cmocka_unit_test(hosts_have_localhost_the_own_name_the_profile_s_and_pinned_ones),
		cmocka_unit_test(resolv_conf_has_servers_search_and_options),
		cmocka_unit_test(rules_become_addresses),
		cmocka_unit_test(an_unknown_name_is_the_host_s_lack),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
