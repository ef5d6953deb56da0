# Mistakes in the network section, each by itself: the message word for word with file, line and key, exit status 121,
# nothing made on the host; and what was meant is accepted. All of them at once are in tests/golden/network-*.conf.
load ../lib/common

# section TEXT: a profile whose network section, on line 3, is this.
section() {
	printf 'format = 1;\nnetwork = {\n%s };\n' "$1" >"$TMP/test.conf"
}

# refuses TEXT MESSAGE [REMEDY]: the only message about such a section.
refuses() {
	section "$1"
	run sandbox check "$TMP/test.conf"
	assert_status 121
	[ "$output" = "sandbox: $TMP/test.conf:3: network.$2${3:+$'\n'sandbox: $3}" ] || _wrong "expected: $2"
}

accepts() {
	section "$1"
	run sandbox check "$TMP/test.conf"
	assert_status 0
}

@test "interfaces: what the kernel would not take as a name, or takes for something else" {
	for name in '' . .. lo all default eth0:1 a/b 'a b' 'eth%d' 0123456789abcdef; do
		section "mode = \"veth\"; address = \"none\"; address6 = \"none\"; interface = \"$name\";"
		run sandbox check "$TMP/test.conf"
		assert_status 121
		assert_output "$TMP/test.conf:3: network.interface: \"$name\" is no name"
	done
	accepts 'mode = "veth"; address = "none"; address6 = "none"; interface = "0123456789.abcd";'
}

@test "addresses: too large, too short, with a prefix length or without" {
	refuses 'mode = "veth"; address = "10.0.0.300/24";' 'address: "10.0.0.300/24": 10.0.0.300 is no IP address'
	refuses 'mode = "veth"; address = "10.0.0/24";' 'address: "10.0.0/24": 10.0.0 is no IP address'
	refuses 'mode = "veth"; address = "10.0.0.5/33";' \
		'address: "10.0.0.5/33": the prefix length of an IPv4 network is a number from 0 to 32'
	refuses 'mode = "veth"; address = "10.0.0.5";' 'address: "10.0.0.5" needs a prefix length, such as /24' \
		"it says which part of the address is the network's"
	refuses 'mode = "veth"; address = "fd00::5/64";' 'address: "fd00::5/64" is of IPv6' \
		'network.address6 is the key for IPv6'
	refuses 'mode = "veth"; address = "10.0.0.2/24"; gateway = "10.0.0.1/24";' \
		'gateway: "10.0.0.1/24" is no IP address' 'an address is written without a prefix length here'
	refuses 'mode = "veth"; address6 = "fd00::2/64"; gateway6 = "fe80::1%eth0";' \
		'gateway6: "fe80::1%eth0" is no IP address' 'an address is written without the name of an interface'
	accepts 'mode = "veth"; address = "10.0.0.2/24"; gateway = "10.0.0.1"; address6 = "fd00::2/64"; gateway6 = "fe80::1";'
}

@test "hardware addresses: the form, and one interface's" {
	refuses 'mode = "veth"; address = "10.0.0.2/24"; mac = "2:0:0:0:0:5";' \
		'mac: "2:0:0:0:0:5" is no hardware address, such as "02:00:00:00:00:05"'
	refuses 'mode = "veth"; address = "10.0.0.2/24"; mac = "01:00:5e:00:00:01";' \
		'mac: "01:00:5e:00:00:01" is not the address of one interface' \
		'the first byte must be even; made up addresses begin with 02'
	accepts 'mode = "veth"; address = "10.0.0.2/24"; mac = "02:00:00:00:00:05";'
}

@test "rules: destinations, ports, verdicts" {
	local before='mode = "pasta"; outbound = { rules = ( { verdict = "allow"; ' key='outbound.rules[0]'

	refuses "$before to = \"10.0.0.5/8\"; } ); };" \
		"$key.to: \"10.0.0.5/8\" is an address in a network, not a network" \
		'write 10.0.0.0/8, or the address without a prefix length'
	refuses "$before to = \"10.0.0\"; } ); };" "$key.to: \"10.0.0\" is no IP address"
	refuses "$before to = \"exa mple\"; } ); };" "$key.to: \"exa mple\" is no IP address, network or host name"
	refuses "$before port = \"http\"; } ); };" "$key.port: \"http\" is no port or range, such as \"8000-8080\""
	refuses "$before port = 0; } ); };" \
		"$key.port: \"0\": ports are from 1 to 65535, in a range the lower one first"
	refuses "$before port = \"90-80\"; } ); };" \
		"$key.port: \"90-80\": ports are from 1 to 65535, in a range the lower one first"
	refuses "$before protocol = \"icmp\"; port = 80; } ); };" "$key.port: has no meaning for protocol \"icmp\""
	accepts "$before to = \"10.0.0.0/8\"; port = 80; }, { verdict = \"deny\"; to = \"example.org\"; port = \"1-99\"; } ); };"
}

@test "keys that the mode has no use for" {
	section 'mode = "host"; nat = true; }; namespaces = { remove = [ "net" ];'
	run sandbox check "$TMP/test.conf"
	assert_status 121
	assert_line "sandbox: $TMP/test.conf:3: network.nat: has no meaning for network.mode \"host\": only for \"veth\", \"pasta\""
	refuses 'mode = "none"; address = "10.0.0.2/24";' 'address: has no meaning for network.mode "none": only for "veth", "macvlan", "ipvlan", "pasta", and with network.interface_from'
	refuses 'mode = "none"; outbound = { default = "deny"; };' 'outbound.default: has no meaning for network.mode "none": only for "veth", "macvlan", "ipvlan", "pasta", and with network.interface_from'
	refuses 'mode = "macvlan"; parent = "eth0"; address = "10.0.0.2/24"; bridge = { name = "b0"; };' \
		'bridge.name: has no meaning for network.mode "macvlan": only for "veth", "pasta"'
	# What pasta does anyway.
	accepts 'mode = "pasta"; bridge = { name = "b0"; address = "10.88.0.1/16"; }; nat = true;'
	accepts 'mode = "pasta"; bridge = { name = "b0"; address = "10.88.0.1/16"; }; address = "10.99.0.2/24";'
	refuses 'mode = "pasta"; rate = { ingress = "1M"; };' \
		'rate.ingress: has no meaning for network.mode "pasta": only for "veth"'
	refuses 'mode = "macvlan"; parent = "eth0"; address = "10.0.0.2/24"; publish = ( { host = 80; } );' \
		'publish: has no meaning for network.mode "macvlan": only for "veth", "pasta"'
	refuses 'mode = "veth"; address = "10.0.0.2/24"; parent = "eth0";' \
		'parent: has no meaning for network.mode "veth": only for "macvlan", "ipvlan"'
	refuses 'mode = "ipvlan"; parent = "eth0"; address = "10.0.0.2/24"; mac = "02:00:00:00:00:05";' \
		'mac: has no meaning for network.mode "ipvlan": only for "veth", "macvlan", "pasta"'
	refuses 'mode = "veth"; address = "10.0.0.2/24"; interface_from = "dummy0";' \
		'interface_from: has no meaning for network.mode "veth": only for "none"'
	refuses 'mode = "ipvlan"; address = "10.0.0.2/24";' 'mode: "ipvlan" needs network.parent' \
		"name an interface of the host, as \`ip link\` lists them"
	accepts 'mode = "none"; interface_from = "dummy0"; address = "10.0.0.2/24"; outbound = { default = "deny"; };'
	accepts 'mode = "none"; dns = { servers = [ "10.0.0.1" ]; }; hosts = ( { name = "db"; address = "10.0.0.5"; } );'
}

@test "a default contradicts nothing: a profile that spells all of them out is right" {
	for mode in none veth macvlan pasta; do
		case $mode in
		veth) section 'mode = "veth"; bridge = { name = "b0"; address = "10.0.0.1/8"; };' ;;
		macvlan) section 'mode = "macvlan"; parent = "eth0"; address = "10.0.0.2/8";' ;;
		*) section "mode = \"$mode\";" ;;
		esac
		sandbox show --all -p "$TMP/test.conf" >"$TMP/all.conf"
		grep -q 'spoof_protection = true;' "$TMP/all.conf"
		sandbox check "$TMP/all.conf"
	done
}

@test "a bridge's network" {
	refuses 'mode = "veth"; bridge = { name = "b0"; address = "10.88.0.0/16"; };' \
		'bridge.address: 10.88.0.0/16 is the network itself, not an address in it' \
		"the bridge has an address in the sandboxes' network, such as 10.88.0.1/16 or fd00:88::1/64"
	refuses 'mode = "veth"; bridge = { name = "b0"; address = "10.88.0.1/32"; };' \
		'bridge.address: 10.88.0.1/32 is a network without room for a sandbox' \
		"the bridge has an address in the sandboxes' network, such as 10.88.0.1/16 or fd00:88::1/64"
	refuses 'mode = "veth"; address = "10.89.0.5/16"; bridge = { name = "b0"; address = "10.88.0.1/16"; };' \
		"address: 10.89.0.5/16 is outside the bridge's network, 10.88.0.0/16" \
		'take one of that network, or "auto" for a free one'
	refuses 'mode = "veth"; address = "10.88.0.1/16"; bridge = { name = "b0"; address = "10.88.0.1/16"; };' \
		"address: 10.88.0.1/16 is the bridge's own address" 'take another, or "auto" for a free one'
	refuses 'mode = "veth"; address = "10.88.255.255/16"; bridge = { name = "b0"; address = "10.88.0.1/16"; };' \
		"address: 10.88.255.255/16 is the network's broadcast address"
	refuses 'mode = "veth"; address = "10.0.0.2/24"; bridge = { isolated = false; };' \
		'bridge.isolated: needs network.bridge.name'
	accepts 'mode = "veth"; bridge = { name = "b0"; address = "10.88.0.1/16"; address6 = "fd00::1/64"; };'
}

@test "no address, and what needs one" {
	refuses 'mode = "veth"; address = "auto";' \
		'address: "auto" finds no address: there is no bridge with a network to take it from' \
		'write the address, or "none" for both families'
	refuses 'mode = "veth"; address = "none"; address6 = "none"; nat = true;' 'nat: needs an address to translate' \
		'let network.address or address6 be one'
	refuses 'mode = "veth"; address = "none"; address6 = "none"; publish = ( { host = 80; } );' \
		'publish: needs an address to lead to' 'let network.address or address6 be one'
	accepts 'mode = "veth"; address = "none"; address6 = "none";'
}

@test "next hops and routes" {
	local before='mode = "veth"; address = "10.0.0.2/24"; '

	refuses "$before gateway = \"10.1.0.1\";" \
		"gateway: 10.1.0.1 is outside the interface's own network, 10.0.0.0/24" \
		"it can only be reached on the interface's own network"
	refuses "$before gateway = \"10.0.0.2\";" "gateway: 10.0.0.2 is the sandbox's own address"
	refuses "$before gateway6 = \"fd00::1\";" \
		'gateway6: cannot be reached: the interface has no address of its family'
	refuses "$before routes = ( { to = \"192.168.7.1/24\"; } );" \
		'routes[0].to: 192.168.7.1/24 is an address in a network; the network is 192.168.7.0/24'
	refuses "$before routes = ( { to = \"10.9.0.0/16\"; via = \"fd00::1\"; } );" \
		'routes[0].via: fd00::1 is of IPv6, the route of IPv4'
	refuses "$before routes = ( { to = \"0.0.0.0/0\"; via = \"10.0.0.1\"; } );" \
		'routes[0].to: would be a second default route' 'set network.gateway, or write "none" there'
	accepts "$before gateway = \"10.0.0.1\"; routes = ( { to = \"192.168.7.0/24\"; via = \"10.0.0.9\"; } );"
}

@test "published ports: the same one twice, and where nobody listens" {
	local before='mode = "veth"; address = "10.0.0.2/24"; publish = ( '

	refuses "$before { host = 80; listen = \"0.0.0.0\"; }, { host = 80; } );" \
		'publish[1].listen: port 80/tcp is published on 0.0.0.0 already' \
		'0.0.0.0 and :: stand for every address of their family'
	refuses "$before { host = 80; }, { host = 80; guest = 8080; } );" \
		'publish[1]: a second element with listen:host/protocol 127.0.0.1:80/tcp' 'the first stands on line 3'
	refuses "$before { host = 80; listen = \"fe80::1\"; } );" \
		'publish[0].listen: fe80::1 is link-local: it says nothing without an interface'
	refuses "$before { host = 65536; } );" 'publish[0].host: 65536 is out of range: must be from 1 to 65535'
	accepts "$before { host = 80; }, { host = 80; protocol = \"udp\"; }, { host = 80; listen = \"::1\"; }, { host = 81; } );"
}

@test "rates, name servers" {
	refuses 'mode = "pasta"; rate = { egress = "0K"; };' 'rate.egress: lets nothing through' \
		'the least is 1K, 1024 bytes per second'
	refuses 'mode = "pasta"; rate = { egress = "10MB"; };' 'rate.egress: "10MB" is no size' \
		'sizes are powers of 1024: write 10M'
	refuses 'dns = { servers = [ "1.1.1.1", "1.1.1.2", "1.1.1.3", "1.1.1.4" ]; };' \
		'dns.servers: 4 name servers; the resolver asks three at most'
	refuses 'dns = { search = [ "a\nnameserver 1.1.1.1" ]; };' \
		'dns.search: "a\x0anameserver 1.1.1.1" is no domain'
	refuses 'dns = { servers = [ "hots" ]; };' 'dns.servers[0]: "hots" is no IP address; did you mean "host"?'
	accepts 'mode = "pasta"; rate = { egress = "1K"; }; dns = { servers = [ "host" ]; search = [ "example.org" ]; };'
}

@test "namespaces that an interface could be made in" {
	section 'mode = "pasta"; }; namespaces = { remove = [ "net" ];'
	run sandbox check "$TMP/test.conf"
	assert_status 121
	assert_line "sandbox: $TMP/test.conf:3: network.mode: \"pasta\" needs a net namespace of the sandbox's own"
	section 'mode = "veth"; address = "10.0.0.2/24"; }; join = ( { namespace = "net"; path = "/proc/self/ns/net"; } ); namespaces = { remove = [ "net" ];'
	run sandbox check "$TMP/test.conf"
	assert_status 121
	assert_line "sandbox: $TMP/test.conf:3: network.mode: \"veth\" makes an interface, and a joined namespace has those that it has"
	section 'mode = "none"; }; join = ( { namespace = "net"; path = "/proc/self/ns/net"; } ); namespaces = { remove = [ "net" ];'
	run sandbox check "$TMP/test.conf"
	assert_status 0
}

@test "capabilities that would undo what the profile limits" {
	local capability limit

	for capability in NET_ADMIN NET_RAW; do
		for limit in 'outbound = { default = "deny"; };' 'inbound = { rules = ( { verdict = "deny"; } ); };' \
			'rate = { egress = "1M"; };'; do
			section "mode = \"veth\"; address = \"10.0.0.2/24\"; $limit }; capabilities = { keep = [ \"$capability\" ];"
			run sandbox check "$TMP/test.conf"
			assert_status 121
			assert_line "sandbox: $TMP/test.conf:3: capabilities.keep: $capability would let the payload evade network.outbound, inbound and rate.egress"
		done
		section "mode = \"macvlan\"; parent = \"eth0\"; address = \"10.0.0.2/24\"; }; capabilities = { keep = [ \"$capability\" ];"
		run sandbox check "$TMP/test.conf"
		assert_status 121
		assert_line "sandbox: $TMP/test.conf:3: capabilities.keep: $capability would let the payload take any address on the network of network.parent"
		section "mode = \"pasta\"; }; capabilities = { keep = [ \"$capability\" ];"
		run sandbox check "$TMP/test.conf"
		assert_status 121
		assert_line "sandbox: $TMP/test.conf:3: capabilities.keep: $capability would let the payload reach the host's own services through pasta"
	done
	section 'mode = "pasta"; outbound = { default = "deny"; }; }; capabilities = { keep = [ "NET_BIND_SERVICE" ];'
	run sandbox check "$TMP/test.conf"
	assert_status 0
}

@test "on the command line: one published port is addressed by all of what it is" {
	section 'mode = "veth"; address = "10.0.0.2/24"; publish = ( { host = 8080; }, { host = 8080; listen = "::1"; } );'
	run sandbox show -p "$TMP/test.conf" -s 'network.publish[127.0.0.1:8080/tcp].guest=80' \
		-s 'network.publish[[::1]:8080/tcp].guest=81' -s 'network.publish[0.0.0.0:53/udp].guest=5353'
	assert_status 0
	assert_output '{ host = 8080; guest = 80; }'
	assert_output '{ host = 8080; guest = 81; listen = "::1"; }'
	assert_output '{ host = 53; guest = 5353; protocol = "udp"; listen = "0.0.0.0"; }'
	run sandbox show -p "$TMP/test.conf" -s 'network.publish[127.0.0.1:8080/tcp].remove=true'
	assert_status 0
	assert_output '{ host = 8080; listen = "::1"; }'
	refute_output '{ host = 8080; }'
	run sandbox show -p "$TMP/test.conf" -s 'network.publish[8080].guest=80'
	assert_status 121
	assert_output 'an element is addressed by listen:host/protocol'
	run sandbox show -p "$TMP/test.conf" -s network.address=10.0.0.5/24
	assert_status 0
	assert_output 'address = "10.0.0.5/24";'
}

@test "a run refuses it too, before anything is made" {
	residue_before
	section 'mode = "veth"; bridge = { name = "sbxbad0"; address = "10.88.0.1/31"; }; }; process = { command = [ "/bin/true" ];'
	run sandbox -p "$TMP/test.conf"
	assert_status 121
	assert_output "$TMP/test.conf:3: network.bridge.address: 10.88.0.1/31 is a network without room for a sandbox"
	[ ! -e /sys/class/net/sbxbad0 ]
	residue_after
}
