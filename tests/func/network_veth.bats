#!/usr/bin/env bats
# network_veth: veth pairs, bridges, addresses, NAT: what a sandbox reaches and what it does not, and that nothing of it
# stays. The hosts are namespaces of the test's own (tests/lib/net.bash).

bats_require_minimum_version 1.5.0
load ../lib/common
load ../lib/net

setup() {
	as_root_only
	net_up
	net_before
}

teardown() {
	serve_stop
	net_down
}

# bridged NAME [FURTHER KEYS OF network] [FURTHER KEYS]: a profile with a veth in the bridge sandbox0.
bridged() {
	profile "$1" <<-END
		format = 1;
		extends = [ "default" ];
		network = {
			mode = "veth";
			bridge = { name = "sandbox0"; address = "10.88.0.1/16"; };
			${2:-}
		};
		${3:-}
	END
}

# background NAME COMMAND: runs it in that profile's sandbox; its output goes to $TMP/NAME.out.
background() {
	"${ON_HOST[@]}" "$SANDBOX" -p "$TMP/$1.conf" -- sh -c "$2" >"$TMP/$1.out" 2>&1 3>&- &
	echo $! >"$TMP/$1.pid"
}

said() {
	[ -s "$TMP/$1.out" ]
}

finish() {
	kill "$(cat "$TMP/$1.pid")" && wait "$(cat "$TMP/$1.pid")" || :
}

address_of() {
	grep -o '10\.88\.[0-9.]*' "$TMP/$1.out" | head -1
}

kill_janitors() {
	ip netns pids "$NET-host" | while read -r pid; do
		! grep -q sandbox-janitor "/proc/$pid/comm" || kill -9 "$pid"
	done
}

ADDRESS='ip -4 -o addr show eth0 | grep -o "inet [0-9.]*"'

# ---- what is made, and what stays

@test "an interface with a free address of the bridge's network, a default route, and nothing left" {
	bridged test
	run net_sandbox -p "$PROFILE" -- sh -c 'ip -4 -o addr show eth0; ip route; ip -6 addr show eth0; ip link show eth0'
	assert_status 0
	assert_output 'inet 10.88.'
	assert_output 'default via 10.88.0.1 dev eth0'
	assert_output 'prohibit 169.254.0.0/16'
	assert_output 'state UP'
	refute_output 'inet6'
	net_after
}

@test "name, hardware address, mtu, addresses of both families and further routes are the profile's" {
	profile <<-END
		format = 1;
		extends = [ "default" ];
		network = {
			mode = "veth"; interface = "lan"; mac = "02:00:00:00:00:05"; mtu = 1400;
			bridge = { name = "sandbox0"; address = "10.88.0.1/16"; address6 = "fd00:88::1/64"; };
			address = "10.88.7.7/16"; address6 = "fd00:88::7/64";
			routes = ( { to = "192.168.7.0/24"; via = "10.88.0.9"; }, { to = "fd00:99::/64"; via = "fd00:88::9"; } );
		};
	END
	run net_sandbox -p "$PROFILE" -- sh -c 'ip addr show lan; ip route; ip -6 route'
	assert_status 0
	assert_output 'mtu 1400'
	assert_output 'link/ether 02:00:00:00:00:05'
	assert_output 'inet 10.88.7.7/16 brd 10.88.255.255'
	assert_output 'inet6 fd00:88::7/64 scope global nodad'
	refute_output 'fe80::'
	assert_output 'default via 10.88.0.1 dev lan'
	assert_output '192.168.7.0/24 via 10.88.0.9 dev lan'
	assert_output 'default via fd00:88::1 dev lan'
	assert_output 'fd00:99::/64 via fd00:88::9 dev lan'
	net_after
}

@test "nothing is left when the command fails, is killed, or never starts" {
	bridged test
	run net_sandbox -p "$PROFILE" -- false
	assert_status 1
	run -127 net_sandbox -p "$PROFILE" -- /nonexistent
	run net_sandbox -p "$PROFILE" -s process.cwd=/nonexistent -- true
	assert_status 123
	background test "$ADDRESS; exec sleep 60"
	wait_until 5 said test
	kill -9 "$(cat "$TMP/test.pid")"
	wait "$(cat "$TMP/test.pid")" || :
	net_after
}

@test "the bridge is kept while a sandbox uses it, and removed after the last" {
	bridged one
	bridged two
	background one "$ADDRESS; exec sleep 60"
	background two "$ADDRESS; exec sleep 60"
	wait_until 5 said one
	wait_until 5 said two
	finish one
	sleep 2.5
	on host ip link show sandbox0
	[ "$(on host ip -o link show master sandbox0 | wc -l)" -eq 1 ]
	finish two
	net_after
}

@test "a bridge of somebody else's is used, its address too, and never removed" {
	ip -n "$NET-host" link add sandbox0 address 02:00:00:00:00:99 type bridge
	# With a port already, so that its carrier stays.
	ip -n "$NET-host" link add port0 type veth peer name port1
	ip -n "$NET-host" link set port0 master sandbox0 up
	ip -n "$NET-host" link set port1 up
	ip -n "$NET-host" addr add 10.77.0.1/24 dev sandbox0
	ip -n "$NET-host" link set sandbox0 up
	link_local() {
		ip -n "$NET-host" -6 route show table all | grep -q 'multicast ff00::/8 dev sandbox0' &&
			ip -n "$NET-host" addr show sandbox0 | grep -q 'fe80::.*nodad\|fe80::.*link $'
	}
	wait_until 5 link_local
	net_before
	profile <<-'END'
		format = 1;
		extends = [ "default" ];
		network = { mode = "veth"; bridge = { name = "sandbox0"; create = false; }; };
	END
	run net_sandbox -p "$PROFILE" -- sh -c 'ip -4 -o addr show eth0; ip route'
	assert_status 0
	assert_output 'inet 10.77.0.'
	assert_output 'default via 10.77.0.1'
	net_after
	bridged test
	run net_sandbox -p "$PROFILE" -- true
	assert_status 122
	assert_output 'it does not have the address 10.88.0.1/16'
	assert_output 'it has 10.77.0.1/24'
	net_after
}

@test "200 sandboxes started at once have 200 addresses" {
	bridged test
	for i in $(seq 200); do
		"${ON_HOST[@]}" "$SANDBOX" -p "$PROFILE" -s cgroup.pids.max=8 -- sh -c "$ADDRESS; exec sleep 120" >"$TMP/many-$i.out" 2>&1 3>&- &
	done
	all_there() {
		[ "$(cat "$TMP"/many-*.out | grep -c '^inet')" -eq 200 ]
	}
	wait_until 90 all_there
	[ "$(cat "$TMP"/many-*.out | grep '^inet' | sort -u | wc -l)" -eq 200 ]
	[ "$(on host ip -o link show master sandbox0 | awk '{ print $2 }' | sort -u | wc -l)" -eq 200 ]
	on host ip -o link show master sandbox0 | awk '{ sub(/@.*/, "", $2); if (length($2) > 15) exit 1 }'
	jobs -p | xargs kill -9
	wait || :
	net_after
}

@test "a full network is an error; an address comes back when its sandbox is gone, after kill -9 too" {
	profile <<-END
		format = 1;
		extends = [ "default" ];
		network = { mode = "veth"; bridge = { name = "sandbox0"; address = "10.88.0.1/30"; }; };
	END
	cp "$PROFILE" "$TMP/one.conf"
	background one "$ADDRESS; exec sleep 60"
	wait_until 5 said one
	[ "$(address_of one)" = 10.88.0.2 ]
	run net_sandbox -p "$PROFILE" -- true
	assert_status 122
	assert_output "$PROFILE:3: network.bridge.address: cannot find a free address in 10.88.0.0/30: all are in use"
	kill -9 "$(cat "$TMP/one.pid")"
	wait "$(cat "$TMP/one.pid")" || :
	run net_sandbox -p "$PROFILE" -- sh -c "$ADDRESS"
	assert_status 0
	assert_line 'inet 10.88.0.2'
	net_after
}

@test "an address that the profile names belongs to one sandbox at a time, and is free again at once" {
	bridged one 'address = "10.88.0.9/16";'
	for _ in 1 2 3 4; do
		run net_sandbox -p "$PROFILE" -- sh -c "$ADDRESS"
		assert_status 0
		assert_line 'inet 10.88.0.9'
	done
	background one "$ADDRESS; exec sleep 60"
	wait_until 5 said one
	run net_sandbox -p "$PROFILE" -- true
	assert_status 122
	assert_output 'cannot use the address 10.88.0.9: another sandbox has it'
	finish one
	net_after
}

@test "point to point: the host's end has the gateway's address" {
	profile one <<-'END'
		format = 1;
		extends = [ "default" ];
		network = { mode = "veth"; address = "10.9.9.2/30"; gateway = "10.9.9.1"; };
	END
	background one "$ADDRESS; ip route; exec sleep 60"
	wait_until 5 said one
	on host ping -c 1 -W 2 10.9.9.2
	grep -q 'default via 10.9.9.1' "$TMP/one.out"
	finish one
	net_after
}

@test "sandbox gc takes down what launcher and janitor, both killed, have left" {
	bridged test
	background test "$ADDRESS; exec sleep 60"
	wait_until 5 said test
	kill_janitors
	kill -9 "$(cat "$TMP/test.pid")"
	wait "$(cat "$TMP/test.pid")" || :
	sleep 2.5
	on host ip link show sandbox0
	run net_sandbox gc
	assert_status 0
	net_after
}

# ---- what is reached

@test "behind nat the outside is reached, both families, and sees the host's address" {
	net_forward
	net_before
	serve outside 80 outside
	bridged test 'nat = true;'
	run net_sandbox -p "$PROFILE" -- curl -sm 5 http://198.51.100.7/
	assert_status 0
	assert_line outside
	grep -q '^192\.0\.2\.1 ' "$TMP/serve-outside-80/access.log"
	# The next one's bridge has two addresses.
	wait_until 10 eval '! on host ip link show sandbox0 2>/dev/null'
	run net_sandbox -p "$PROFILE" -s network.bridge.address6=fd00:88::1/64 -- curl -gsm 5 'http://[2001:db8:5::7]/'
	assert_status 0
	assert_line outside
	serve_stop
	net_after
}

@test "without nat the outside does not answer" {
	net_forward
	net_before
	serve outside 80 outside
	bridged test
	run net_sandbox -p "$PROFILE" -- curl -sm 2 http://198.51.100.7/
	[ "$status" -eq 7 ] || assert_status 28
	net_after
}

@test "nat needs forwarding: require says which sysctl, enable turns it on and back" {
	bridged test 'nat = true;'
	serve outside 80 outside
	run net_sandbox -p "$PROFILE" -- true
	assert_status 122
	assert_output 'network.forwarding: cannot pass packets on: the host does not forward IPv4'
	assert_output 'sysctl -w net.ipv4.ip_forward=1'
	net_after
	run net_sandbox -p "$PROFILE" -s network.forwarding=enable -- curl -sm 5 http://198.51.100.7/
	assert_status 0
	assert_line outside
	net_after
}

@test "forwarding that two bridges need stays on until the second has ended, also with a bridge of somebody else's" {
	local before

	serve outside 80 outside
	on host ip link add other0 type bridge
	on host ip addr add 10.89.0.1/16 dev other0
	on host ip link set other0 up
	before=$(on host sh -c 'cat /proc/sys/net/ipv4/conf/*/forwarding')
	bridged first 'nat = true; forwarding = "enable";'
	bridged second 'nat = true; forwarding = "enable";'
	sed -i 's/sandbox0/other0/; s/10\.88/10.89/' "$TMP/second.conf"
	background first 'echo up; exec sleep 600'
	background second 'echo up; exec sleep 600'
	wait_until 5 said first
	wait_until 5 said second
	run on host cat /proc/sys/net/ipv4/conf/up0/forwarding
	assert_output 1
	finish first
	wait_until 5 on host sh -c '! ip link show sandbox0' 2>/dev/null
	run net_sandbox -p "$TMP/second.conf" -- curl -sm 5 http://198.51.100.7/
	assert_line outside
	finish second
	wait_until 5 [ ! -e "/run/sandbox/net-$(stat -L -c %i "/run/netns/$NET-host")-other0" ]
	run on host sh -c 'cat /proc/sys/net/ipv4/conf/*/forwarding'
	[ "$output" = "$before" ]
	on host ip link del other0
	net_after
}

@test "a bridge of somebody else's keeps its hardware address while sandboxes come and go" {
	on host ip link add other0 type bridge
	on host ip link add port0 type veth peer name port1
	on host ip link set port0 address f2:00:00:00:00:01 master other0 up
	on host ip addr add 10.89.0.1/16 dev other0
	on host ip link set other0 up
	bridged test
	sed -i 's/sandbox0/other0/; s/10\.88/10.89/' "$PROFILE"
	background test 'echo up; exec sleep 600'
	wait_until 5 said test
	run on host ip -o link show dev other0
	assert_output 'link/ether f2:00:00:00:00:01'
	finish test
	on host ip link del other0
	on host ip link del port0
	net_after
}

@test "169.254.0.0/16 is refused without a default route too, and may be the network of a pair" {
	bridged test 'gateway = "none"; routes = ( { to = "128.0.0.0/1"; via = "10.88.0.1"; } );'
	run net_sandbox -p "$PROFILE" -- ip route get 169.254.169.254
	[ "$status" -ne 0 ]
	run net_sandbox -p "$PROFILE" -- ip route get 169.1.1.1
	assert_status 0
	bridged test 'address = "169.254.0.2/16"; gateway = "169.254.0.1";'
	sed -i '/bridge =/d' "$PROFILE"
	run net_sandbox -p "$PROFILE" -- ping -c 1 -W 2 169.254.0.1
	assert_output ' 1 received'
	net_after
}

@test "point to point with nat on a host that does not forward" {
	serve outside 80 outside
	bridged test 'nat = true; forwarding = "enable"; address = "10.99.0.2/30"; gateway = "10.99.0.1";'
	sed -i '/bridge =/d' "$PROFILE"
	run net_sandbox -p "$PROFILE" -- curl -sm 5 http://198.51.100.7/
	assert_line outside
	net_after
}

@test "sandboxes on one bridge do not reach each other, by the bridge or by the host, unless isolated = false" {
	net_forward
	bridged server
	bridged test
	sed -i 's/address = "10.88.0.1\/16";/address = "10.88.0.1\/16"; isolated = false;/' "$TMP/server.conf"
	cp "$TMP/server.conf" "$TMP/open.conf"
	bridged server
	background server "$ADDRESS; exec socat TCP-LISTEN:7000,fork,reuseaddr SYSTEM:'echo hello'"
	greets() { [ "$(on host socat -u -T 2 "TCP:$(address_of server):7000,connect-timeout=2" - 2>/dev/null)" = hello ]; }
	wait_until 10 greets
	run net_sandbox -p "$PROFILE" -- socat -T 2 - "TCP:$(address_of server):7000,connect-timeout=2"
	assert_status 1
	refute_output hello
	# By way of the host: a route that makes the neighbour look remote.
	run net_sandbox -p "$PROFILE" -s "network.routes=({ to = \"$(address_of server)/32\"; via = \"10.88.0.1\"; })" -- \
		socat -T 2 - "TCP:$(address_of server):7000,connect-timeout=2"
	assert_status 1
	refute_output hello
	finish server
	rm "$TMP/server.out"
	cp "$TMP/open.conf" "$TMP/server.conf"
	background server "$ADDRESS; exec socat TCP-LISTEN:7000,fork,reuseaddr SYSTEM:'echo hello'"
	wait_until 10 greets
	run net_sandbox -p "$TMP/open.conf" -- socat -T 2 - "TCP:$(address_of server):7000,connect-timeout=2"
	assert_line hello
	finish server
}

@test "the host's own services are out of reach, on every address, until a rule allows one" {
	net_forward
	serve host 80 hosts
	on host socat TCP-LISTEN:7070,fork,reuseaddr SYSTEM:'echo other' 3>&- &
	bridged test 'nat = true;'
	for address in 10.88.0.1 192.0.2.1; do
		run net_sandbox -p "$PROFILE" -- curl -sm 2 "http://$address/"
		assert_status 7
		refute_output hosts
	done
	run on client curl -sm 2 http://192.0.2.1/
	assert_line hosts
	others() { [ "$(on client socat -u -T 2 TCP:192.0.2.1:7070,connect-timeout=2 - 2>/dev/null)" = other ]; }
	wait_until 5 others
	bridged test 'nat = true; outbound = { rules = ( { verdict = "allow"; to = "host"; port = "80"; protocol = "tcp"; } ); };'
	run net_sandbox -p "$PROFILE" -- curl -sm 2 http://10.88.0.1/
	assert_line hosts
	run net_sandbox -p "$PROFILE" -- socat -T 2 - TCP:10.88.0.1:7070,connect-timeout=2
	assert_status 1
	refute_output other
	run net_sandbox -p "$PROFILE" -- nmap -Pn -n -p 1-200,7000-7100 10.88.0.1
	assert_output '80/tcp'
	refute_output '7070/tcp open'
}

@test "a rate binds, out and in" {
	net_forward
	on outside iperf3 -s -p 5201 >/dev/null 2>&1 3>&- &
	bridged test 'nat = true; rate = { egress = "1M"; ingress = "2M"; };'
	wait_until 5 on outside sh -c 'ss -ltn | grep -q 5201'
	run net_sandbox -p "$PROFILE" -- iperf3 -c 198.51.100.7 -t 3 -J
	assert_status 0
	# Of 1 MiB/s, headers and the bucket's burst aside.
	jq -e '.end.sum_received.bits_per_second / 8 | . > 700000 and . < 1150000' <<<"$output"
	run net_sandbox -p "$PROFILE" -- iperf3 -c 198.51.100.7 -t 3 -R -J
	assert_status 0
	jq -e '.end.sum_received.bits_per_second / 8 | . > 1400000 and . < 2300000' <<<"$output"
	bridged test 'nat = true;'
	run net_sandbox -p "$PROFILE" -- iperf3 -c 198.51.100.7 -t 1 -J
	jq -e '.end.sum_received.bits_per_second / 8 > 10000000' <<<"$output"
}

# ---- other modes

@test "macvlan: an interface of its own on a parent, reached from other machines" {
	profile one <<-'END'
		format = 1;
		extends = [ "default" ];
		network = { mode = "macvlan"; parent = "up0"; address = "192.0.2.50/24"; gateway = "192.0.2.2"; };
	END
	background one "ip -4 -o addr show eth0; exec sleep 60"
	wait_until 5 said one
	on client ping -c 1 -W 2 192.0.2.50
	finish one
	net_after
	run net_sandbox -p "$PROFILE" -s network.parent=nosuch -- true
	assert_status 122
	assert_output 'network.parent: cannot find the interface nosuch'
	net_after
}

@test "ipvlan: the parent's hardware address, another IP address; a kernel without it says so" {
	profile one <<-'END'
		format = 1;
		extends = [ "default" ];
		network = { mode = "ipvlan"; parent = "up0"; address = "192.0.2.51/24"; };
	END
	if ip -n "$NET-host" link add probe link up0 type ipvlan 2>&1 | grep -q 'Unknown device type'; then
		run net_sandbox -p "$PROFILE" -- true
		assert_status 123
		assert_output 'network.parent: cannot make an ipvlan interface on up0 (the kernel says: Unknown device type): Operation not supported'
	else
		ip -n "$NET-host" link del probe
		background one "ip -4 -o addr show eth0; cat /sys/class/net/eth0/address; exec sleep 60"
		wait_until 5 said one
		on client ping -c 1 -W 2 192.0.2.51
		finish one
	fi
	net_after
}

@test "an interface of the host is moved in and comes back as it was, after kill -9 too" {
	ip -n "$NET-host" link add here type veth peer name there
	ip -n "$NET-host" link set there up
	ip -n "$NET-host" link set here up mtu 1300
	ip -n "$NET-host" addr add 10.5.0.1/24 dev here
	ip -n "$NET-host" addr add 10.5.1.1/32 dev here
	ip -n "$NET-host" route add 10.6.0.0/24 via 10.5.0.9
	net_before
	profile one <<-'END'
		format = 1;
		extends = [ "default" ];
		network = { mode = "none"; interface_from = "here"; interface = "wan"; address = "10.5.0.7/24"; gateway = "10.5.0.1"; };
	END
	run net_sandbox -p "$PROFILE" -- sh -c 'ip addr show wan; ip route'
	assert_status 0
	assert_output 'inet 10.5.0.7/24'
	assert_output 'default via 10.5.0.1 dev wan'
	run on host ip addr show here
	assert_status 0
	assert_output '10.5.0.1/24'
	net_after
	background one 'ip -4 -o addr show wan; exec sleep 60'
	wait_until 5 said one
	run on host ip link show here
	[ "$status" -ne 0 ]
	kill -9 "$(cat "$TMP/one.pid")"
	wait "$(cat "$TMP/one.pid")" || :
	net_after
}

@test "a payload that renames the interface and changes its hardware address does not keep it" {
	ip -n "$NET-host" link add here address 02:00:00:00:00:77 type veth peer name there
	net_before
	profile one <<-'END'
		format = 1;
		extends = [ "default" ];
		network = { mode = "none"; interface_from = "here"; interface = "wan"; };
		capabilities = { keep = [ "NET_ADMIN" ]; ambient = [ "NET_ADMIN" ]; };
	END
	run net_sandbox -p "$PROFILE" -- sh -c 'ip link set wan down && ip link set wan name mine && ip link add wan type veth peer name other &&
		ip link set mine address 02:00:00:00:00:78 && ip link show mine'
	assert_status 0
	assert_output 02:00:00:00:00:78
	run on host ip link show here
	assert_status 0
	assert_output 02:00:00:00:00:77
	net_after
}

# ---- refusals of the host's

@test "a name that another kind of interface has, a network that the host has a route to, a missing bridge" {
	ip -n "$NET-host" link add sandbox0 type veth peer name other0
	net_before
	bridged test
	run net_sandbox -p "$PROFILE" -- true
	assert_status 122
	assert_output 'network.bridge.name: cannot use sandbox0 as a bridge: it is an interface of another kind: veth'
	net_after
	run net_sandbox -p "$PROFILE" -s network.bridge.name=sandbox1 -s network.bridge.address=192.0.2.129/25 -- true
	assert_status 122
	assert_output 'network.bridge.address: cannot use the network 192.0.2.129/25: the host reaches 192.0.2.0/24 of it through up0'
	net_after
	run net_sandbox -p "$PROFILE" -s network.bridge.name=sandbox1 -s network.bridge.create=false -- true
	assert_status 122
	assert_output 'cannot find the bridge sandbox1'
	net_after
}

@test "nothing is left when the janitor alone is killed, and an interface comes back" {
	bridged test
	background test "$ADDRESS; exec sleep 60"
	wait_until 5 said test
	kill_janitors
	finish test
	net_after
	ip -n "$NET-host" link add here type veth peer name there
	ip -n "$NET-host" addr add 10.5.0.1/24 dev here
	net_before
	profile one <<-'END'
		format = 1;
		extends = [ "default" ];
		network = { interface_from = "here"; };
	END
	background one 'ip -o link show eth0; exec sleep 60'
	wait_until 5 said one
	kill_janitors
	finish one
	on host ip link show here
	net_after
}

@test "no route leads to the metadata network without a rule" {
	bridged test 'routes = ( { to = "169.254.169.254/32"; via = "10.88.0.1"; } );'
	run net_sandbox -p "$PROFILE" -- true
	assert_status 121
	assert_output 'network.routes[0].to: cannot lead a route to 169.254.169.254/32'
	bridged test 'routes = ( { to = "169.254.169.254/32"; via = "10.88.0.1"; } );
		outbound = { rules = ( { verdict = "allow"; to = "169.254.169.254"; } ); };'
	run net_sandbox -p "$PROFILE" -- ip route
	assert_status 0
	assert_output '169.254.169.254 via 10.88.0.1'
	net_after
}

@test "a kernel without nf_tables is an error before the payload runs" {
	cc -std=gnu11 -D_GNU_SOURCE -O1 -Wall -Wextra -Werror -o "$TMP/without" "$BATS_TEST_DIRNAME/../lib/without.c"
	bridged test
	run on host "$TMP/without" ENOSYS nf_tables "$SANDBOX" -p "$PROFILE" -- echo payload
	assert_status 122
	assert_output 'the kernel has no nf_tables'
	refute_output payload
	net_after
}

@test "an ordinary user is refused before anything is made, and told of pasta" {
	bridged test
	for mode in veth macvlan ipvlan; do
		profile "$mode" <<-END
			format = 1;
			extends = [ "default" ];
			network = { mode = "$mode"; address = "10.1.1.2/24"; $([ "$mode" = veth ] || echo 'parent = "up0";') };
		END
		run on host setpriv --reuid="$TEST_UID" --regid="$TEST_UID" --clear-groups "$(_user_sandbox)" -p "$PROFILE" -- true
		assert_status 122
		assert_output 'network.mode: cannot make an interface on the host: that takes CAP_NET_ADMIN'
		assert_output 'network.mode = "pasta"'
	done
	net_after
}
