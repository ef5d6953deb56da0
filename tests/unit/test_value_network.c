/* profile/value_network.c: what may stand where an interface, an address, a network, a port is wanted, in which form it
 * is put down, and what is said about everything else. */
#include "load.h"

/* A profile with one value of the network section; `%s` is where it goes. */
static struct loaded load_value(const char *format, const char *value)
{
	const char *place = strstr(format, "%s");
	char text[512];

	(void)snprintf(text, sizeof(text), "%.*s%s%s", (int)(place - format), format, value, place + 2);
	return load_text(text);
}

static const char veth[] =
	"format = 1; network = { mode = \"veth\"; bridge = { name = \"b\"; address = \"10.0.0.1/8\"; }; %s };";

struct refusal {
	const char *value, *message, *remedy; /* remedy: NULL, none */
};

static void assert_refusals(const char *format, const struct refusal *refusals, size_t count)
{
	char message[512];

	for (size_t i = 0; i < count; i++) {
		struct loaded loaded = load_value(format, refusals[i].value);

		if (loaded.profile || loaded.diagnostics.count != 1)
			fail_msg("%s: %zu messages", refusals[i].value, loaded.diagnostics.count);
		print_diagnostic(&loaded.diagnostics.items[0], message, sizeof(message));
		assert_string_equal(message, refusals[i].message);
		if (!refusals[i].remedy)
			assert_null(loaded.diagnostics.items[0].remedy);
		else
			assert_string_equal(loaded.diagnostics.items[0].remedy, refusals[i].remedy);
		unload(&loaded);
	}
}

#define ASSERT_REFUSALS(format, refusals) assert_refusals(format, refusals, sizeof(refusals) / sizeof((refusals)[0]))

static void interfaces(void **state)
{
	static const struct refusal refusals[] = {
		{ "interface = \"\";",
		  "test.conf:1:network.interface: \"\" is no name of an interface: 1 to 15 letters, digits, '.', '_' "
		  "and '-'",
		  NULL },
		{ "interface = \"sixteen-letters0\";",
		  "test.conf:1:network.interface: \"sixteen-letters0\" is no name of an interface: 1 to 15 letters, "
		  "digits, '.', '_' and '-'",
		  NULL },
		{ "interface = \"eth%d\";",
		  "test.conf:1:network.interface: \"eth%d\" is no name of an interface: 1 to 15 letters, digits, '.', "
		  "'_' and '-'",
		  NULL },
		{ "interface = \"eth0:1\";",
		  "test.conf:1:network.interface: \"eth0:1\" is no name of an interface: 1 to 15 letters, digits, '.', "
		  "'_' and '-'",
		  NULL },
		{ "interface = \"..\";",
		  "test.conf:1:network.interface: \"..\" is no name for an interface: it stands for something else",
		  NULL },
		{ "interface = \"lo\";",
		  "test.conf:1:network.interface: \"lo\" is no name for an interface: it stands for something else",
		  NULL },
		{ "interface = 0;", "test.conf:1:network.interface: must be an interface name; this is a number",
		  "write it in quotes" },
	};
	struct loaded loaded = load_value(veth, "interface = \"Fifteen_let.r-5\";");

	(void)state;
	assert_loaded(&loaded);
	assert_string_equal(loaded.profile->network.interface, "Fifteen_let.r-5");
	unload(&loaded);
	ASSERT_REFUSALS(veth, refusals);
}

static void hardware_addresses(void **state)
{
	static const struct refusal refusals[] = {
		{ "mac = \"02-00-00-00-00-05\";",
		  "test.conf:1:network.mac: \"02-00-00-00-00-05\" is no hardware address, such as "
		  "\"02:00:00:00:00:05\"",
		  NULL },
		{ "mac = \"ff:ff:ff:ff:ff:ff\";",
		  "test.conf:1:network.mac: \"ff:ff:ff:ff:ff:ff\" is not the address of one interface",
		  "the first byte must be even; made up addresses begin with 02" },
		{ "mac = \"00:00:00:00:00:00\";",
		  "test.conf:1:network.mac: \"00:00:00:00:00:00\" is not the address of one interface",
		  "the first byte must be even; made up addresses begin with 02" },
	};
	struct loaded loaded = load_value(veth, "mac = \"0A:00:00:00:00:bC\";");

	(void)state;
	assert_loaded(&loaded);
	assert_string_equal(loaded.profile->network.mac, "0a:00:00:00:00:bc");
	unload(&loaded);
	ASSERT_REFUSALS(veth, refusals);
}

static void addresses(void **state)
{
	static const struct refusal refusals[] = {
		{ "gateway = \"10.0.0.300\";", "test.conf:1:network.gateway: \"10.0.0.300\" is no IP address", NULL },
		{ "gateway = \"10.0.0.01\";", "test.conf:1:network.gateway: \"10.0.0.01\" is no IP address", NULL },
		{ "gateway = \" 10.0.0.1\";", "test.conf:1:network.gateway: \" 10.0.0.1\" is no IP address", NULL },
		{ "gateway = \"auot\";",
		  "test.conf:1:network.gateway: \"auot\" is no IP address; did you mean \"auto\"?", NULL },
		{ "gateway = \"10.0.0.7/8\";", "test.conf:1:network.gateway: \"10.0.0.7/8\" is no IP address",
		  "an address is written without a prefix length here" },
		{ "gateway6 = \"fe80::1%eth0\";", "test.conf:1:network.gateway6: \"fe80::1%eth0\" is no IP address",
		  "an address is written without the name of an interface" },
		{ "gateway = \"fe80::1\";", "test.conf:1:network.gateway: \"fe80::1\" is of IPv6",
		  "network.gateway6 is the key for IPv6" },
		{ "gateway6 = \"10.0.0.7\";", "test.conf:1:network.gateway6: \"10.0.0.7\" is of IPv4",
		  "network.gateway is the key for IPv4" },
		{ "gateway6 = \"::ffff:10.0.0.7\";",
		  "test.conf:1:network.gateway6: \"::ffff:10.0.0.7\" is an IPv4 address in the form of an IPv6 one",
		  "write 10.0.0.7" },
		{ "dns = { servers = [ \"10.0.0.1\", \"hots\" ]; };",
		  "test.conf:1:network.dns.servers[1]: \"hots\" is no IP address; did you mean \"host\"?", NULL },
		{ "dns = { servers = [ \"fd00::1\", \"FD00:0::1\" ]; };",
		  "test.conf:1:network.dns.servers[1]: \"FD00:0::1\" stands there already", NULL },
	};
	struct loaded loaded = load_value(
		veth,
		"gateway = \"10.0.0.7\"; gateway6 = \"none\"; dns = { servers = [ \"host\", \"FD00:0::0053\" ]; };");

	(void)state;
	assert_loaded(&loaded);
	assert_string_equal(loaded.profile->network.gateway, "10.0.0.7");
	assert_string_equal(loaded.profile->network.gateway6, "none");
	assert_string_equal(loaded.profile->network.dns.servers.items[0], "host");
	assert_string_equal(loaded.profile->network.dns.servers.items[1], "fd00::53");
	unload(&loaded);
	ASSERT_REFUSALS(veth, refusals);
}

static void networks(void **state)
{
	static const struct refusal refusals[] = {
		{ "address = \"10.0.0.0/33\";",
		  "test.conf:1:network.address: \"10.0.0.0/33\": the prefix length of an IPv4 network is a number from "
		  "0 to 32",
		  NULL },
		{ "address6 = \"fd00::1/129\";",
		  "test.conf:1:network.address6: \"fd00::1/129\": the prefix length of an IPv6 network is a number "
		  "from 0 to 128",
		  NULL },
		{ "address = \"10.0.0.5\";",
		  "test.conf:1:network.address: \"10.0.0.5\" needs a prefix length, such as /24",
		  "it says which part of the address is the network's" },
		{ "address6 = \"fd00::5\";",
		  "test.conf:1:network.address6: \"fd00::5\" needs a prefix length, such as /64",
		  "it says which part of the address is the network's" },
		{ "address = \"10.0.0.300/24\";",
		  "test.conf:1:network.address: \"10.0.0.300/24\": 10.0.0.300 is no IP address", NULL },
		{ "address = \"/24\";", "test.conf:1:network.address: \"/24\": it is no IP address", NULL },
		{ "address = \"atuo\";",
		  "test.conf:1:network.address: \"atuo\" is no IP address with a prefix length, such as "
		  "\"10.0.0.1/24\"; did you mean \"auto\"?",
		  NULL },
		{ "address = \"10.0.0.5/255.0.0.0\";",
		  "test.conf:1:network.address: \"10.0.0.5/255.0.0.0\": the prefix length of an IPv4 network is a "
		  "number from 0 to 32",
		  NULL },
		{ "address = \"fd00::5/64\";", "test.conf:1:network.address: \"fd00::5/64\" is of IPv6",
		  "network.address6 is the key for IPv6" },
		{ "address = 10;",
		  "test.conf:1:network.address: must be an IP address with a prefix length, such as \"10.0.0.1/24\"; "
		  "this is a number",
		  "write it in quotes" },
	};
	static const char *const sets[] = { "network.address=10.0.0.5/24", NULL };
	struct loaded loaded = { 0 };

	(void)state;
	loaded = load_value(veth, "address6 = \"FD00::0005/64\"; address = \"none\"; gateway = \"none\";");
	assert_loaded(&loaded);
	assert_string_equal(loaded.profile->network.address6, "fd00::5/64");
	unload(&loaded);
	ASSERT_REFUSALS(veth, refusals);
	loaded = load_with("format = 1; network = { mode = \"veth\"; };", sets);
	assert_loaded(&loaded);
	assert_string_equal(loaded.profile->network.address, "10.0.0.5/24");
	unload(&loaded);
}

static const char rule[] = "format = 1; network = { mode = \"veth\"; bridge = { name = \"b\"; address = "
			   "\"10.0.0.1/8\"; }; outbound = { rules = ( { verdict = \"allow\"; %s } ); }; };";

static void destinations(void **state)
{
	static const struct refusal refusals[] = {
		{ "to = \"10.0.0.300\";", "test.conf:1:network.outbound.rules[0].to: \"10.0.0.300\" is no IP address",
		  NULL },
		{ "to = \"10.0\";", "test.conf:1:network.outbound.rules[0].to: \"10.0\" is no IP address", NULL },
		{ "to = \"10.0.0.5/8\";",
		  "test.conf:1:network.outbound.rules[0].to: \"10.0.0.5/8\" is an address in a network, not a network",
		  "write 10.0.0.0/8, or the address without a prefix length" },
		{ "to = \"10.0.0.0/33\";",
		  "test.conf:1:network.outbound.rules[0].to: \"10.0.0.0/33\": the prefix length of an IPv4 network is "
		  "a number from 0 to 32",
		  NULL },
		{ "to = \"-a.example\";",
		  "test.conf:1:network.outbound.rules[0].to: \"-a.example\" is no IP address, network or host name",
		  NULL },
		{ "to = \"a..example\";",
		  "test.conf:1:network.outbound.rules[0].to: \"a..example\" is no IP address, network or host name",
		  NULL },
		{ "to = \"example.org:443\";",
		  "test.conf:1:network.outbound.rules[0].to: \"example.org:443\" is no IP address", NULL },
		{ "to = \"\";", "test.conf:1:network.outbound.rules[0].to: \"\" is no IP address, network or host name",
		  NULL },
	};
	static const char *const right[][2] = {
		{ "to = \"host\";", "host" },
		{ "to = \"any\";", "any" },
		{ "to = \"2001:DB8::/32\";", "2001:db8::/32" },
		{ "to = \"10.0.0.5\";", "10.0.0.5" },
		{ "to = \"0.0.0.0/0\";", "0.0.0.0/0" },
		{ "to = \"www.example.org\";", "www.example.org" },
		{ "to = \"4.example\";", "4.example" },
	};

	(void)state;
	ASSERT_REFUSALS(rule, refusals);
	for (size_t i = 0; i < sizeof(right) / sizeof(right[0]); i++) {
		struct loaded loaded = load_value(rule, right[i][0]);

		assert_loaded(&loaded);
		assert_string_equal(loaded.profile->network.outbound.rules.items[0].to, right[i][1]);
		unload(&loaded);
	}
}

static void ports(void **state)
{
	static const struct refusal refusals[] = {
		{ "port = \"http\";",
		  "test.conf:1:network.outbound.rules[0].port: \"http\" is no port or range, such as \"8000-8080\"",
		  NULL },
		{ "port = \"0\";",
		  "test.conf:1:network.outbound.rules[0].port: \"0\": ports are from 1 to 65535, in a range the lower "
		  "one first",
		  NULL },
		{ "port = \"90-80\";",
		  "test.conf:1:network.outbound.rules[0].port: \"90-80\": ports are from 1 to 65535, in a range the "
		  "lower one first",
		  NULL },
		{ "port = 65536;",
		  "test.conf:1:network.outbound.rules[0].port: \"65536\": ports are from 1 to 65535, in a range the "
		  "lower one first",
		  NULL },
	};
	static const char *const right[][2] = {
		{ "port = 443;", "443" },
		{ "port = \"8000-8080\";", "8000-8080" },
		{ "port = \"any\";", "any" },
	};

	(void)state;
	ASSERT_REFUSALS(rule, refusals);
	for (size_t i = 0; i < sizeof(right) / sizeof(right[0]); i++) {
		struct loaded loaded = load_value(rule, right[i][0]);

		assert_loaded(&loaded);
		assert_string_equal(loaded.profile->network.outbound.rules.items[0].port, right[i][1]);
		unload(&loaded);
	}
}

/* Two spellings of one address are one: as an identity, and to be removed. */
static void spellings_are_one(void **state)
{
	struct loaded loaded = { 0 };

	(void)state;
	write_profile("base", "format = 1; network = { mode = \"veth\"; address6 = \"fd00::2/64\"; gateway6 = "
			      "\"fd00::1\"; dns = { servers = [ \"fd00::53\", \"10.0.0.1\" ]; }; routes = ( { to = "
			      "\"fd01::/64\"; via = \"fd00::7\"; } ); };");
	loaded = load_text("format = 1; extends = [ \"base\" ]; network = { dns = { servers = { remove = [ "
			   "\"FD00:0::53\" ]; }; }; routes = ( { to = \"FD01:0::/64\"; via = \"fd00::8\"; } ); };");
	assert_loaded(&loaded);
	assert_int_equal(loaded.profile->network.dns.servers.count, 1);
	assert_int_equal(loaded.profile->network.routes.count, 1);
	assert_string_equal(loaded.profile->network.routes.items[0].via, "fd00::8");
	unload(&loaded);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(interfaces),        cmocka_unit_test(hardware_addresses), cmocka_unit_test(addresses),
		cmocka_unit_test(networks),          cmocka_unit_test(destinations),       cmocka_unit_test(ports),
		cmocka_unit_test(spellings_are_one),
	};

	return cmocka_run_group_tests(tests, make_directory, remove_directory);
}
