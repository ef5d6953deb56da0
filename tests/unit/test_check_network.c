/* profile/check_network.c, check_address.c: the rules between keys of the network section, each broken and mended. */
#include "load.h"

struct trial {
	const char *text, *message, *mended; /* mended: NULL where nothing near is right */
};

/* Each text stands behind `before`, and before "};". */
static void try_all(const char *before, const struct trial *cases, size_t count)
{
	char text[1024];

	for (size_t i = 0; i < count; i++) {
		struct loaded loaded = { 0 };

		(void)snprintf(text, sizeof(text), "format = 1;\n%s%s };", before, cases[i].text);
		assert_refused(load_text(text), cases[i].message, 1);
		if (!cases[i].mended)
			continue;
		(void)snprintf(text, sizeof(text), "format = 1;\n%s%s };", before, cases[i].mended);
		loaded = load_text(text);
		assert_loaded(&loaded);
		unload(&loaded);
	}
}

#define TRY_ALL(before, cases) try_all(before, cases, sizeof(cases) / sizeof((cases)[0]))

static void keys_for_their_modes(void **state)
{
	static const struct trial cases[] = {
		{ "interface = \"eth1\";",
		  "test.conf:2:network.interface: has no meaning for network.mode \"none\": only for \"veth\", "
		  "\"macvlan\", \"ipvlan\", \"pasta\", and with network.interface_from",
		  "interface = \"eth1\"; interface_from = \"dummy0\";" },
		{ "mode = \"veth\"; address = \"10.0.0.2/8\"; interface_from = \"dummy0\";",
		  "test.conf:2:network.interface_from: has no meaning for network.mode \"veth\": only for \"none\"",
		  "interface_from = \"dummy0\";" },
		{ "mode = \"veth\"; address = \"10.0.0.2/8\"; parent = \"eth0\";",
		  "test.conf:2:network.parent: has no meaning for network.mode \"veth\": only for \"macvlan\", "
		  "\"ipvlan\"",
		  "mode = \"macvlan\"; address = \"10.0.0.2/8\"; parent = \"eth0\";" },
		{ "mtu = 1400; interface_from = \"dummy0\";",
		  "test.conf:2:network.mtu: has no meaning for network.mode \"none\": only for \"veth\", \"macvlan\", "
		  "\"ipvlan\", \"pasta\"",
		  "mtu = 1400; mode = \"pasta\";" },
		{ "mode = \"ipvlan\"; parent = \"eth0\"; address = \"10.0.0.2/8\"; mac = \"02:00:00:00:00:05\";",
		  "test.conf:2:network.mac: has no meaning for network.mode \"ipvlan\": only for \"veth\", "
		  "\"macvlan\", \"pasta\"",
		  "mode = \"macvlan\"; parent = \"eth0\"; address = \"10.0.0.2/8\"; mac = \"02:00:00:00:00:05\";" },
		{ "bridge = { name = \"b\"; address = \"10.0.0.1/8\"; isolated = false; };",
		  "test.conf:2:network.bridge.name: has no meaning for network.mode \"none\": only for \"veth\", "
		  "\"pasta\"",
		  "mode = \"veth\"; bridge = { name = \"b\"; address = \"10.0.0.1/8\"; isolated = false; };" },
		{ "mode = \"none\"; address = \"10.0.0.2/8\";",
		  "test.conf:2:network.address: has no meaning for network.mode \"none\": only for \"veth\", "
		  "\"macvlan\", \"ipvlan\", \"pasta\", and with network.interface_from",
		  "mode = \"none\"; address = \"10.0.0.2/8\"; interface_from = \"dummy0\";" },
		{ "gateway6 = \"none\";",
		  "test.conf:2:network.gateway6: has no meaning for network.mode \"none\": only for \"veth\", "
		  "\"macvlan\", \"ipvlan\", \"pasta\", and with network.interface_from",
		  "gateway6 = \"auto\";" },
		{ "mode = \"pasta\"; routes = ( { to = \"10.0.0.0/8\"; } );",
		  "test.conf:2:network.routes: has no meaning for network.mode \"pasta\": only for \"veth\", "
		  "\"macvlan\", \"ipvlan\", and with network.interface_from",
		  "mode = \"veth\"; address = \"10.0.0.2/24\"; routes = ( { to = \"10.0.0.0/8\"; } );" },
		{ "nat = true;",
		  "test.conf:2:network.nat: has no meaning for network.mode \"none\": only for \"veth\", \"pasta\"",
		  "mode = \"pasta\"; nat = true;" },
		{ "mode = \"pasta\"; forwarding = \"enable\";",
		  "test.conf:2:network.forwarding: has no meaning for network.mode \"pasta\": only for \"veth\"",
		  "mode = \"pasta\"; forwarding = \"require\";" },
		{ "mode = \"macvlan\"; parent = \"eth0\"; address = \"10.0.0.2/8\"; publish = ( { host = 80; } );",
		  "test.conf:2:network.publish: has no meaning for network.mode \"macvlan\": only for \"veth\", "
		  "\"pasta\"",
		  "mode = \"pasta\"; publish = ( { host = 80; } );" },
		{ "outbound = { default = \"deny\"; };",
		  "test.conf:2:network.outbound.default: has no meaning for network.mode \"none\": only for \"veth\", "
		  "\"macvlan\", \"ipvlan\", \"pasta\", and with network.interface_from",
		  "mode = \"pasta\"; outbound = { default = \"deny\"; };" },
		{ "inbound = { rules = ( { verdict = \"deny\"; } ); };",
		  "test.conf:2:network.inbound.rules: has no meaning for network.mode \"none\": only for \"veth\", "
		  "\"macvlan\", \"ipvlan\", \"pasta\", and with network.interface_from",
		  "interface_from = \"dummy0\"; inbound = { rules = ( { verdict = \"deny\"; } ); };" },
		{ "rate = { egress = \"1M\"; };",
		  "test.conf:2:network.rate.egress: has no meaning for network.mode \"none\": only for \"veth\", "
		  "\"macvlan\", \"ipvlan\", \"pasta\", and with network.interface_from",
		  "rate = { egress = \"unlimited\"; };" },
		{ "mode = \"pasta\"; rate = { ingress = \"1M\"; };",
		  "test.conf:2:network.rate.ingress: has no meaning for network.mode \"pasta\": only for \"veth\"",
		  NULL },
		{ "mode = \"pasta\"; spoof_protection = false;",
		  "test.conf:2:network.spoof_protection: has no meaning for network.mode \"pasta\": only for \"veth\"",
		  "mode = \"veth\"; address = \"10.0.0.2/8\"; spoof_protection = false;" },
		{ "mode = \"veth\"; address = \"10.0.0.2/8\"; bridge = { create = false; };",
		  "test.conf:2:network.bridge.create: needs network.bridge.name",
		  "mode = \"veth\"; address = \"10.0.0.2/8\"; bridge = { create = false; name = \"b\"; };" },
		{ "mode = \"veth\"; address = \"10.0.0.2/8\"; bridge = { isolated = false; };",
		  "test.conf:2:network.bridge.isolated: needs network.bridge.name", NULL },
		{ "mode = \"veth\"; address = \"10.0.0.2/8\"; bridge = { address = \"10.0.0.1/8\"; };",
		  "test.conf:2:network.bridge.address: needs network.bridge.name, which is not written", NULL },
		{ "mode = \"macvlan\"; address = \"10.0.0.2/8\";",
		  "test.conf:2:network.mode: \"macvlan\" needs network.parent", NULL },
	};

	(void)state;
	TRY_ALL("network = { ", cases);
}

/* Everything that the host's network has is nobody's to say. */
static void all_in_one_pass(void **state)
{
	(void)state;
	assert_refused(load_text("format = 1;\nnamespaces = { remove = [ \"net\" ]; };\nnetwork = {\n mode = "
				 "\"host\";\n interface = \"eth1\";\n nat = true;\n publish = ( { host = 80; } );\n "
				 "bridge = { name = \"b\"; };\n outbound = { default = \"deny\"; };\n dns = { servers "
				 "= [ \"10.0.0.1\" ]; };\n hosts = ( { name = \"db\"; address = \"10.0.0.5\"; } ); };"),
		       "test.conf:5:network.interface: has no meaning for network.mode \"host\": only for \"veth\", "
		       "\"macvlan\", \"ipvlan\", \"pasta\", and with network.interface_from",
		       5);
}

static void networks_and_bridges(void **state)
{
	static const struct trial cases[] = {
		{ "bridge = { name = \"b\"; address = \"10.88.0.0/16\"; };",
		  "test.conf:2:network.bridge.address: 10.88.0.0/16 is the network itself, not an address in it",
		  "bridge = { name = \"b\"; address = \"10.88.0.1/16\"; };" },
		{ "bridge = { name = \"b\"; address = \"10.88.255.255/16\"; };",
		  "test.conf:2:network.bridge.address: 10.88.255.255/16 is the network's broadcast address",
		  "bridge = { name = \"b\"; address = \"10.88.255.254/16\"; };" },
		{ "bridge = { name = \"b\"; address6 = \"fd00::/64\"; };",
		  "test.conf:2:network.bridge.address6: fd00::/64 is the network itself, not an address in it",
		  "bridge = { name = \"b\"; address6 = \"fd00::ffff:ffff:ffff:ffff/64\"; };" },
		{ "bridge = { name = \"b\"; address = \"10.88.0.0/31\"; };",
		  "test.conf:2:network.bridge.address: 10.88.0.0/31 is a network without room for a sandbox",
		  "bridge = { name = \"b\"; address = \"10.88.0.1/30\"; };" },
		{ "bridge = { name = \"b\"; address6 = \"fd00::1/128\"; };",
		  "test.conf:2:network.bridge.address6: fd00::1/128 is a network without room for a sandbox", NULL },
		{ "bridge = { name = \"b\"; address = \"127.0.0.1/8\"; };",
		  "test.conf:2:network.bridge.address: 127.0.0.1/8 is no address that an interface of a network can "
		  "have",
		  NULL },
		{ "address = \"10.88.0.0/16\";",
		  "test.conf:2:network.address: 10.88.0.0/16 is the network itself, not an address in it", NULL },
		{ "address = \"10.0.0.7/29\";",
		  "test.conf:2:network.address: 10.0.0.7/29 is the network's broadcast address",
		  "address = \"10.0.0.7/28\";" },
		{ "address6 = \"ff02::1/64\";",
		  "test.conf:2:network.address6: ff02::1/64 is no address that an interface of a network can have",
		  NULL },
		{ "address = \"0.0.0.0/0\";",
		  "test.conf:2:network.address: 0.0.0.0/0 is no address that an interface of a network can have",
		  NULL },
		{ "address = \"10.89.0.5/16\"; bridge = { name = \"b\"; address = \"10.88.0.1/16\"; };",
		  "test.conf:2:network.address: 10.89.0.5/16 is outside the bridge's network, 10.88.0.0/16",
		  "address = \"10.88.0.5/16\"; bridge = { name = \"b\"; address = \"10.88.0.1/16\"; };" },
		{ "address6 = \"fd01::5/64\"; bridge = { name = \"b\"; address6 = \"fd00::1/64\"; };",
		  "test.conf:2:network.address6: fd01::5/64 is outside the bridge's network, fd00::/64",
		  "address6 = \"fd00::5/64\"; bridge = { name = \"b\"; address6 = \"fd00::1/64\"; };" },
		{ "address = \"10.88.0.1/16\"; bridge = { name = \"b\"; address = \"10.88.0.1/16\"; };",
		  "test.conf:2:network.address: 10.88.0.1/16 is the bridge's own address", NULL },
		{ "",
		  "test.conf:2:network.address: \"auto\" finds no address: there is no bridge with a network to take "
		  "it from",
		  "address = \"none\"; address6 = \"none\";" },
		{ "address = \"none\";",
		  "test.conf:2:network.address: \"auto\" finds no address: there is no bridge with a network to take "
		  "it from",
		  "address6 = \"fd00::5/64\";" },
		{ "address = \"none\"; address6 = \"none\"; nat = true;",
		  "test.conf:2:network.nat: needs an address to translate", "address = \"10.0.0.2/30\"; nat = true;" },
		{ "address = \"none\"; address6 = \"none\"; publish = ( { host = 80; } );",
		  "test.conf:2:network.publish: needs an address to lead to",
		  "bridge = { name = \"b\"; }; publish = ( { host = 80; } );" },
	};

	(void)state;
	TRY_ALL("network = { mode = \"veth\"; ", cases);
}

static void next_hops(void **state)
{
	static const struct trial cases[] = {
		{ "gateway = \"10.1.0.1\";",
		  "test.conf:2:network.gateway: 10.1.0.1 is outside the interface's own network, 10.0.0.0/24",
		  "gateway = \"10.0.0.1\";" },
		{ "gateway6 = \"fd01::1\"; address6 = \"fd00::2/64\";",
		  "test.conf:2:network.gateway6: fd01::1 is outside the interface's own network, fd00::/64",
		  "gateway6 = \"fe80::1\"; address6 = \"fd00::2/64\";" },
		{ "gateway = \"10.0.0.2\";", "test.conf:2:network.gateway: 10.0.0.2 is the sandbox's own address",
		  NULL },
		{ "gateway6 = \"fd00::1\";",
		  "test.conf:2:network.gateway6: cannot be reached: the interface has no address of its family",
		  "gateway6 = \"fd00::1\"; address6 = \"fd00::2/64\";" },
		{ "routes = ( { to = \"192.168.7.1/24\"; } );",
		  "test.conf:2:network.routes[0].to: 192.168.7.1/24 is an address in a network; the network is "
		  "192.168.7.0/24",
		  "routes = ( { to = \"192.168.7.0/24\"; } );" },
		{ "routes = ( { to = \"10.9.0.0/16\"; }, { to = \"fd00::/64\"; via = \"10.0.0.1\"; } );",
		  "test.conf:2:network.routes[1].via: 10.0.0.1 is of IPv4, the route of IPv6",
		  "routes = ( { to = \"10.9.0.0/16\"; via = \"10.0.0.1\"; } );" },
		{ "routes = ( { to = \"10.9.0.0/16\"; via = \"0.0.0.0\"; } );",
		  "test.conf:2:network.routes[0].via: 0.0.0.0 is no address that an interface of a network can have",
		  NULL },
		{ "routes = ( { to = \"0.0.0.0/0\"; via = \"10.0.0.1\"; } );",
		  "test.conf:2:network.routes[0].to: would be a second default route",
		  "gateway = \"none\"; routes = ( { to = \"0.0.0.0/0\"; via = \"10.0.0.1\"; } );" },
	};
	static const struct trial on_bridge[] = {
		{ "gateway = \"10.1.0.1\";",
		  "test.conf:2:network.gateway: 10.1.0.1 is outside the interface's own network, 10.0.0.0/24",
		  "gateway = \"10.0.0.9\";" },
	};

	(void)state;
	TRY_ALL("network = { mode = \"veth\"; address = \"10.0.0.2/24\"; ", cases);
	TRY_ALL("network = { mode = \"veth\"; bridge = { name = \"b\"; address = \"10.0.0.1/24\"; }; ", on_bridge);
}

static void ports_and_servers(void **state)
{
	static const struct trial cases[] = {
		{ "publish = ( { host = 80; listen = \"0.0.0.0\"; }, { host = 80; } );",
		  "test.conf:2:network.publish[1].listen: port 80/tcp is published on 0.0.0.0 already",
		  "publish = ( { host = 80; listen = \"0.0.0.0\"; }, { host = 80; protocol = \"udp\"; } );" },
		{ "publish = ( { host = 80; listen = \"::1\"; }, { host = 80; listen = \"0::0\"; } );",
		  "test.conf:2:network.publish[1].listen: port 80/tcp is published on ::1 already",
		  "publish = ( { host = 80; listen = \"::\"; }, { host = 80; listen = \"0.0.0.0\"; }, { host = 81; } "
		  ");" },
		{ "publish = ( { host = 80; listen = \"224.0.0.1\"; } );",
		  "test.conf:2:network.publish[0].listen: 224.0.0.1 is no address of one host", NULL },
		{ "publish = ( { host = 80; listen = \"fe80::1\"; } );",
		  "test.conf:2:network.publish[0].listen: fe80::1 is link-local: it says nothing without an interface",
		  NULL },
		{ "dns = { servers = [ \"10.0.0.1\", \"10.0.0.2\", \"10.0.0.3\", \"10.0.0.4\" ]; };",
		  "test.conf:2:network.dns.servers: 4 name servers; the resolver asks three at most",
		  "dns = { servers = [ \"10.0.0.1\", \"10.0.0.2\", \"host\" ]; };" },
		{ "dns = { search = [ \"example.org\", \"a\\nnameserver 1.2.3.4\" ]; };",
		  "test.conf:2:network.dns.search: \"a\\x0anameserver 1.2.3.4\" is no domain",
		  "dns = { search = [ \"example.org\" ]; };" },
		{ "dns = { options = [ \"\" ]; };",
		  "test.conf:2:network.dns.options: \"\" is no option of resolv.conf(5)",
		  "dns = { options = [ \"ndots:2\" ]; };" },
		{ "outbound = { rules = ( { verdict = \"allow\"; }, { verdict = \"deny\"; protocol = \"icmp\"; port = "
		  "80; } ); };",
		  "test.conf:2:network.outbound.rules[1].port: has no meaning for protocol \"icmp\"",
		  "outbound = { rules = ( { verdict = \"deny\"; protocol = \"icmp\"; } ); };" },
		{ "inbound = { rules = ( { verdict = \"deny\"; protocol = \"icmp\"; port = \"80-90\"; } ); };",
		  "test.conf:2:network.inbound.rules[0].port: has no meaning for protocol \"icmp\"",
		  "inbound = { rules = ( { verdict = \"deny\"; protocol = \"udp\"; port = \"80-90\"; } ); };" },
		{ "rate = { egress = \"0K\"; };", "test.conf:2:network.rate.egress: lets nothing through",
		  "rate = { egress = \"1K\"; };" },
		{ "rate = { ingress = \"0M\"; };", "test.conf:2:network.rate.ingress: lets nothing through",
		  "rate = { ingress = \"1K\"; };" },
	};

	(void)state;
	TRY_ALL("network = { mode = \"veth\"; address = \"10.0.0.2/24\"; ", cases);
}

static void privileges_and_namespaces(void **state)
{
	static const struct trial cases[] = {
		{ "mode = \"veth\"; address = \"10.0.0.2/24\"; }; namespaces = { remove = [ \"net\" ];",
		  "test.conf:2:network.mode: \"veth\" needs a net namespace of the sandbox's own", NULL },
		{ "mode = \"pasta\"; }; join = ( { namespace = \"net\"; path = \"/n\"; } ); namespaces = { remove = [ "
		  "\"net\" ];",
		  "test.conf:2:network.mode: \"pasta\" makes an interface, and a joined namespace has those that it "
		  "has",
		  "mode = \"none\"; }; join = ( { namespace = \"net\"; path = \"/n\"; } ); namespaces = { remove = [ "
		  "\"net\" ];" },
		{ "interface_from = \"dummy0\"; }; join = ( { namespace = \"net\"; path = \"/n\"; } ); namespaces = { "
		  "remove = [ \"net\" ];",
		  "test.conf:2:network.interface_from: needs a net namespace of the sandbox's own", NULL },
		{ "mode = \"veth\"; address = \"10.0.0.2/24\"; outbound = { default = \"deny\"; }; }; capabilities = { "
		  "keep = [ \"NET_ADMIN\" ];",
		  "test.conf:2:capabilities.keep: NET_ADMIN would let the payload evade network.outbound, inbound and "
		  "rate.egress",
		  "mode = \"veth\"; address = \"10.0.0.2/24\"; outbound = { default = \"deny\"; }; }; capabilities = { "
		  "keep = [ "
		  "\"NET_BIND_SERVICE\" ];" },
		{ "mode = \"veth\"; address = \"10.0.0.2/24\"; inbound = { rules = ( { verdict = \"deny\"; } ); }; }; "
		  "capabilities = { drop = [ "
		  "\"NET_ADMIN\" ];",
		  "test.conf:2:capabilities.keep: NET_RAW would let the payload evade network.outbound, inbound and "
		  "rate.egress",
		  "mode = \"veth\"; address = \"10.0.0.2/24\"; inbound = { rules = ( { verdict = \"deny\"; } ); }; }; "
		  "capabilities = { drop = [ "
		  "\"NET_ADMIN\", \"NET_RAW\" ];" },
		{ "mode = \"veth\"; address = \"10.0.0.2/24\"; rate = { egress = \"1M\"; }; }; capabilities = { keep = "
		  "[ \"NET_RAW\" ];",
		  "test.conf:2:capabilities.keep: NET_RAW would let the payload evade network.outbound, inbound and "
		  "rate.egress",
		  "mode = \"veth\"; address = \"10.0.0.2/24\"; rate = { ingress = \"1M\"; }; }; capabilities = { keep "
		  "= [ \"NET_RAW\" ];" },
		{ "mode = \"macvlan\"; parent = \"eth0\"; address = \"10.0.0.2/24\"; }; capabilities = { keep = [ "
		  "\"NET_RAW\" ];",
		  "test.conf:2:capabilities.keep: NET_RAW would let the payload take any address on the network of "
		  "network.parent",
		  "mode = \"macvlan\"; parent = \"eth0\"; address = \"10.0.0.2/24\"; }; capabilities = { keep = [ "
		  "\"NET_BIND_SERVICE\" ];" },
		{ "mode = \"pasta\"; }; capabilities = { keep = [ \"NET_ADMIN\" ];",
		  "test.conf:2:capabilities.keep: NET_ADMIN would let the payload reach the host's own services "
		  "through pasta",
		  "mode = \"pasta\"; }; capabilities = { keep = [ \"NET_BIND_SERVICE\" ];" },
	};

	(void)state;
	TRY_ALL("network = { ", cases);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keys_for_their_modes), cmocka_unit_test(all_in_one_pass),
		cmocka_unit_test(networks_and_bridges), cmocka_unit_test(next_hops),
		cmocka_unit_test(ports_and_servers),    cmocka_unit_test(privileges_and_namespaces),
	};

	return cmocka_run_group_tests(tests, make_directory, remove_directory);
}
