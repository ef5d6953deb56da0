#!/usr/bin/env bats
# network: a payload, its neighbours and machines outside, against what the network section promises. Beside each refusal
# stands the same thing where it is not refused, or nothing would be shown. The hosts are namespaces of the test's own
# (tests/lib/net.bash).

load ../lib/common
load ../lib/net

setup() {
	as_root_only
	net_up
	net_forward
	net_before
}

teardown() {
	tail -n 5 "$TMP"/*.out 2>/dev/null || :
	# Some are of namespaces that the tests have beside the usual ones.
	jobs -p | xargs -r kill -9 2>/dev/null || :
	net_down
}

# bridged NAME [FURTHER KEYS OF network] [FURTHER KEYS] [FURTHER KEYS OF bridge]: a profile with a veth in the bridge sandbox0.
bridged() {
	profile "$1" <<-END
		format = 1;
		extends = [ "default" ];
		network = {
			mode = "veth";
			bridge = { name = "sandbox0"; address = "10.88.0.1/24"; ${4:-} };
			${2:-}
		};
		${3:-}
	END
}

# What keeps most payloads from all this in the first place, taken away: the filter of system calls knows no packet sockets.
POWER='users = { uid = 0; gid = 0; }; seccomp = { allow = [ "@default", "socket" ]; };'
RAW="capabilities = { keep = [ \"NET_RAW\" ]; }; $POWER"
ADMIN="capabilities = { keep = [ \"NET_RAW\", \"NET_ADMIN\" ]; }; $POWER"
OPEN='isolated = false;'
SIX='address6 = "fd00:88::1/64";'

# background NAME COMMAND: runs it in that profile's sandbox, which says "ready" when it is to be taken as there.
background() {
	rm -f "$TMP/$1.out"
	"${ON_HOST[@]}" "$SANDBOX" -p "$TMP/$1.conf" -- bash -c "$2" >"$TMP/$1.out" 2>&1 3>&- &
	echo $! >"$TMP/$1.pid"
	wait_until 10 grep -q ready "$TMP/$1.out"
}

finish() {
	kill "$(cat "$TMP/$1.pid")" && wait "$(cat "$TMP/$1.pid")" || :
	rm -f "$TMP/$1.pid" "$TMP/$1.out"
}

# answering NAME: a sandbox that answers on TCP 7000, both families, and UDP 7001.
ANSWER='socat TCP6-LISTEN:7000,ipv6only=0,fork,reuseaddr SYSTEM:"echo hello" & socat UDP6-RECVFROM:7001,ipv6only=0,fork EXEC:"echo hello" &
	until ss -ltn | grep -q 7000; do sleep 0.05; done; echo ready; wait'

# asked FROM... : what came back on TCP 7000 of the address $2 asked from host $1.
asked() {
	on "$1" socat -u -T 2 "TCP:$2:${3:-7000},connect-timeout=1" - 2>&1 || :
}

# ---- who somebody says they are

# listen_on INTERFACE: notes the names of the frames that get to that interface of host in $TMP/heard, until unheard().
listen_on() {
	rm -f "$TMP/heard" "$TMP/listens"
	cat >"$TMP/listen.py" <<-'END'
		import re, socket, struct, sys
		link = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
		link.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
		link.bind((sys.argv[1], 0))
		link.setsockopt(263, 1, struct.pack("IHH8x", socket.if_nametoindex(sys.argv[1]), 1, 0))  # promiscuous
		open(sys.argv[2], "w").close()
		short = {0x0800: (34, "cut-ip"), 0x0806: (42, "cut-arp"), 0x86dd: (54, "cut-ip6")}
		while True:
		    frame = link.recv(65536)
		    names = re.findall(rb"FRAME-([a-z0-9-]+)\.", frame)
		    least, name = short.get(struct.unpack("!H", frame[12:14])[0], (0, ""))
		    if len(frame) < least:
		        names.append(name.encode())
		    for name in names:
		        print(name.decode(), flush=True)
	END
	on host python3 "$TMP/listen.py" "$1" "$TMP/listens" >"$TMP/heard" 2>&1 3>&- &
	LISTENER=$!
	wait_until 10 test -e "$TMP/listens"
}

# Prints the names of what was heard, once each.
heard() {
	sleep 0.3
	kill "$LISTENER"
	wait "$LISTENER" || :
	sort -u "$TMP/heard"
}

# frames ADDRESS6 [NAME...]: what a sandbox of $PROFILE sends. `prepare` is done inside before.
frames() {
	local six=$1

	shift
	net_sandbox -p "$PROFILE" -s network.address=10.88.0.9/24 -- bash -c "${PREPARE:-:}"'
		six=$1; shift; exec python3 - eth0 10.88.0.9 "$six" '"$GATEWAY_MAC"' "$@"' bash "$six" "$@" \
		<"$BATS_TEST_DIRNAME/frames.py" >"$TMP/sent.out"
	sort -o "$TMP/sent.out" "$TMP/sent.out"
}

# A bridge that stays, so that one can listen on it before there is a sandbox.
lasting_bridge() {
	GATEWAY_MAC=02:00:00:00:00:01
	ip -n "$NET-host" link add sandbox0 address $GATEWAY_MAC type bridge
	ip -n "$NET-host" addr add 10.88.0.1/24 dev sandbox0
	ip -n "$NET-host" addr add fd00:88::1/64 dev sandbox0 nodad
	ip -n "$NET-host" link set sandbox0 up
}

# spoofing ADDRESS6 KEYS CAPABILITIES: only what is the sandbox's own gets to the bridge; without protection, all.
spoofing() {
	local six=$1

	bridged test "$2" "$3" "$OPEN"
	listen_on sandbox0
	frames "$six"
	run diff <(heard) <(grep '^own' "$TMP/sent.out" || :)
	assert_status 0
	[ "$(wc -l <"$TMP/sent.out")" -gt 60 ]
	bridged test "$2 spoof_protection = false;" "$3" "$OPEN"
	listen_on sandbox0
	frames "$six"
	# The bridge itself keeps headers that are cut short.
	run diff <(heard) <(grep -v '^cut-ip' "$TMP/sent.out")
	assert_status 0
}

@test "nobody is taken for somebody else: ARP, IP, hardware addresses, tags, DHCP, with NET_RAW" {
	lasting_bridge
	spoofing none '' "$RAW"
}

@test "nor with IPv6: advertisements, redirects, DHCPv6, behind whatever headers" {
	lasting_bridge
	spoofing fd00:88::9 'address6 = "fd00:88::9/64";' "$RAW"
}

@test "nor with NET_ADMIN, which changes the interface's own addresses" {
	lasting_bridge
	PREPARE='ip link set eth0 address 02:00:00:00:00:66; ip addr add 10.88.0.66/24 dev eth0;'
	bridged test '' "$ADMIN" "$OPEN"
	listen_on sandbox0
	frames none
	[ -z "$(heard)" ]
	PREPARE='ip addr flush dev eth0; ip addr add 10.88.0.66/24 dev eth0;'
	run net_sandbox -p "$PROFILE" -s network.address=10.88.0.9/24 -- bash -c "$PREPARE ping -c 1 -W 1 10.88.0.1"
	assert_output ' 100% packet loss'
	bridged test 'spoof_protection = false;' "$ADMIN" "$OPEN"
	run net_sandbox -p "$PROFILE" -s network.address=10.88.0.9/24 -- bash -c "$PREPARE ping -c 1 -W 1 10.88.0.1"
	assert_output ' 0% packet loss'
}

# ---- what is closed

@test "the clouds' metadata stays out of reach of who makes its own routes and frames" {
	ip -n "$NET-outside" addr add 169.254.169.254/32 dev lo
	ip -n "$NET-host" route add 169.254.169.254 via 192.0.2.2
	serve outside 80 outside
	for protection in true false; do
		bridged test "nat = true; spoof_protection = $protection;" "$ADMIN"
		run net_sandbox -p "$PROFILE" -- bash -c 'ip route del prohibit 169.254.0.0/16; ip route; curl -sm 1 http://169.254.169.254/
			curl -sm 5 http://198.51.100.7/'
		refute_output prohibit
		[ "$(grep -c outside <<<"$output")" -eq 1 ]
	done
	# Without powers: bound to the interface the kernel looks for it there, whatever the routes say.
	bridged test 'nat = true;'
	run net_sandbox -p "$PROFILE" -- curl --interface eth0 -sm 1 http://169.254.169.254/
	refute_output outside
	bridged test 'nat = true; outbound = { rules = ( { verdict = "allow"; to = "169.254.169.254"; } ); };'
	run net_sandbox -p "$PROFILE" -- curl -sm 5 http://169.254.169.254/
	assert_line outside
}

@test "errors made up about others' connections: the host's own, and another sandbox's" {
	local port

	# From here on connections are tracked.
	bridged keeper
	background keeper 'echo ready; exec sleep 60'
	# A socket that stays connected.
	on outside socat UDP4-RECVFROM:9000,fork EXEC:'echo yes' 3>&- &
	on host bash -c 'exec 9<>/dev/udp/192.0.2.2/9000; echo x >&9; read -t 5 -u 9 _; ss -uan | grep -o "192.0.2.1:[0-9]*" | head -1
		exec sleep 60' >"$TMP/own.out" 3>&- &
	wait_until 10 grep -q 192.0.2.1: "$TMP/own.out"
	port=$(grep -o '[0-9]*$' "$TMP/own.out")
	cat >"$TMP/error.py" <<-'END'
		import socket, struct, sys
		to, inner_from, inner_port, remote = sys.argv[1:5]
		def ip(source, to, protocol, data):
		    head = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(data), 7, 0x4000, 64, protocol, 0) + socket.inet_aton(source) + socket.inet_aton(to)
		    return head[:10] + struct.pack("!H", total(head)) + head[12:] + data
		def total(data):
		    value = sum(struct.unpack(f"!{len(data) // 2}H", data))
		    while value >> 16:
		        value = (value & 0xffff) + (value >> 16)
		    return value ^ 0xffff
		about = ip(inner_from, remote, 17, struct.pack("!HHHH", int(inner_port), 9000, 1000, 0) + b"x" * 20)
		data = struct.pack("!BBHHH", 3, 4, 0, 0, 600) + about
		data = struct.pack("!BBHHH", 3, 4, total(data), 0, 600) + about
		s = socket.socket(socket.AF_INET, socket.SOCK_RAW, 1)
		for i in range(3):
		    s.sendto(data, (to, 0))
	END
	believed() {
		on host ip route get 192.0.2.2 | grep -c 'mtu 600' || :
	}
	bridged test 'nat = true;' "$RAW"
	run net_sandbox -p "$PROFILE" -- python3 - 192.0.2.1 192.0.2.1 "$port" 192.0.2.2 <"$TMP/error.py"
	assert_status 0
	[ "$(believed)" -eq 0 ]
	# Anybody outside the segment can.
	on client python3 - 192.0.2.1 192.0.2.1 "$port" 192.0.2.2 <"$TMP/error.py"
	[ "$(believed)" -eq 1 ]

	background test 'exec 9<>/dev/udp/192.0.2.2/9000; echo x >&9; read -t 5 -u 9 _; ip -4 -o addr show eth0
		ss -uan | grep -o "10.88.0.[0-9]*:[0-9]*" | head -1; echo ready
		for i in $(seq 80); do ip route get 192.0.2.2 | grep -c "mtu 600"; sleep 0.1; done'
	# Masquerading keeps the port.
	port=$(grep -o '10\.88\.0\.[0-9]*:[0-9]*$' "$TMP/test.out" | cut -d: -f2)
	run net_sandbox -p "$PROFILE" -- python3 - 192.0.2.1 192.0.2.1 "$port" 192.0.2.2 <"$TMP/error.py"
	assert_status 0
	sleep 0.3
	! grep -qx 1 "$TMP/test.out"
	on client python3 - 192.0.2.1 192.0.2.1 "$port" 192.0.2.2 <"$TMP/error.py"
	wait_until 3 grep -qx 1 "$TMP/test.out"
	finish test
	finish keeper
}

@test "with every power over its own network: the host, its other networks' addresses, loopback, neighbours, a second bridge" {
	local address

	serve host 80 hosts
	ip -n "$NET-host" link add docker0 type bridge
	ip -n "$NET-host" addr add 172.17.0.1/16 dev docker0
	ip -n "$NET-host" link set docker0 up
	bridged victim "address6 = \"fd00:88::5/64\"; address = \"10.88.0.5/24\"; publish = ( { host = 8080; guest = 7000; listen = \"0.0.0.0\"; } );" '' "$SIX"
	background victim "$ANSWER"
	profile second <<-END
		format = 1;
		extends = [ "default" ];
		network = { mode = "veth"; address = "10.99.0.5/24"; bridge = { name = "sandbox1"; address = "10.99.0.1/24"; }; };
	END
	background second "$ANSWER"
	for address in 10.88.0.5 10.99.0.5 '[fd00:88::5]'; do
		[ "$(asked host "$address")" = hello ]
	done
	[ "$(asked client 192.0.2.1 8080)" = hello ]
	for address in 10.88.0.1 192.0.2.1 172.17.0.1 127.0.0.1; do
		on host curl -s "http://$address/" | grep -q hosts
	done
	cat >"$TMP/attack" <<-'END'
		set +e
		gateway=$(ip neigh show 10.88.0.1 | grep -o '..:..:..:..:..:..') || { ping -c 1 10.88.0.1; gateway=$(ip neigh show 10.88.0.1 | grep -o '..:..:..:..:..:..'); }
		echo "gateway $gateway"
		sysctl -w net.ipv4.conf.eth0.route_localnet=1 net.ipv4.conf.all.rp_filter=0 2>&1
		ask() { socat -u -T 1 "TCP:$1,connect-timeout=1${2:-}" - 2>/dev/null; }
		for address in 10.88.0.1 192.0.2.1 172.17.0.1 10.99.0.1; do curl -sm 1 http://$address/; done
		# By frames for the host that carry whatever address: loopback, and the others again.
		for address in 127.0.0.1 127.0.0.2 172.17.0.1 10.99.0.5 10.88.0.5; do
			ip route replace table 100 "$address" via 10.88.0.1 dev eth0 onlink
		done
		ip rule add pref 0 lookup 100 2>&1
		ip rule del pref 0 lookup local; ip rule add pref 1 lookup local
		for address in 127.0.0.1 127.0.0.2; do curl --interface eth0 -sm 1 http://$address/; ask "$address:8080" ; done
		for address in 10.99.0.5 10.88.0.5; do ask "$address:7000"; done
		for address in 10.88.0.1 192.0.2.1 172.17.0.1; do ask "$address:8080"; done
		# To the neighbour directly, without ARP.
		ip route del table 100 10.88.0.5
		ip neigh replace 10.88.0.5 lladdr "$1" dev eth0
		ip neigh replace fd00:88::5 lladdr "$1" dev eth0
		ip neigh replace fe80::1 lladdr "$1" dev eth0
		ask 10.88.0.5:7000; ask '[fd00:88::5]:7000'
		for to in 255.255.255.255 10.88.0.255 224.0.0.251 239.255.255.250; do
			echo q | socat -T 0.3 - UDP4-DATAGRAM:$to:7001,broadcast
		done
		echo q | socat -T 0.3 - UDP6-DATAGRAM:[ff02::1%eth0]:7001
		# Through the host, with the route in the packet.
		echo q | socat -T 0.5 - UDP4:10.88.0.1:7001,ip-options=x01830708100a58000500
		echo q | socat -T 0.5 - UDP4:192.0.2.1:7001,ip-options=x01830708100a58000500
	END
	victim_mac() {
		# From the bridge's table: the address behind the victim's port.
		on host ip neigh show 10.88.0.5 | grep -o '..:..:..:..:..:..'
	}
	bridged test 'nat = true; address6 = "fd00:88::6/64";' "$ADMIN" "$SIX"
	run net_sandbox -p "$PROFILE" -- bash -s "$(victim_mac)" <"$TMP/attack"
	assert_output gateway
	refute_output hello
	refute_output hosts
	# Nor without protection against spoofing, which is another matter.
	run net_sandbox -p "$PROFILE" -s network.spoof_protection=false -- bash -s "$(victim_mac)" <"$TMP/attack"
	refute_output hello
	refute_output hosts
	# The same finds a neighbour where nothing is isolated, and a host that opens itself. (Two hellos: 4 and 6.)
	finish victim
	bridged victim 'address6 = "fd00:88::5/64"; address = "10.88.0.5/24";' '' "$SIX $OPEN"
	background victim "$ANSWER"
	[ "$(asked host 10.88.0.5)" = hello ]
	bridged test 'address6 = "fd00:88::6/64"; outbound = { rules = ( { verdict = "allow"; to = "host"; } ); };' '' "$SIX $OPEN"
	run net_sandbox -p "$PROFILE" -- bash -s "$(victim_mac)" <"$TMP/attack"
	assert_line hosts
	[ "$(grep -c hello <<<"$output")" -ge 2 ]
	finish victim
	finish second
}

@test "from outside, with a route to it: behind nat nobody, without nat as the network allows" {
	ip -n "$NET-client" route add 10.88.0.0/24 via 192.0.2.1
	ip -n "$NET-client" route add fd00:88::/64 via 2001:db8:2::1
	for nat in true false; do
		bridged test "address = \"10.88.0.5/24\"; address6 = \"fd00:88::5/64\"; nat = $nat;
			publish = ( { host = 8080; guest = 7000; listen = \"192.0.2.1\"; } );" '' "$SIX"
		background test "$ANSWER"
		[ "$(asked client 192.0.2.1 8080)" = hello ]
		run asked client 10.88.0.5
		[ "$nat" = true ] || assert_line hello
		[ "$nat" = false ] || refute_output hello
		run asked client '[fd00:88::5]'
		[ "$nat" = true ] || assert_line hello
		[ "$nat" = false ] || refute_output hello
		# From the very port of a connection that the sandbox has outward, and the other way round.
		run on client socat -u -T 1 TCP:10.88.0.5:7000,connect-timeout=1,bind=:8080,reuseaddr -
		[ "$nat" = false ] || refute_output hello
		run bash -c "echo q | nsenter --net=/run/netns/$NET-client socat -T 1 - UDP4:10.88.0.5:7001,bind=:7001"
		[ "$nat" = true ] || assert_line hello
		[ "$nat" = false ] || refute_output hello
		finish test
		sleep 1.5
	done
}
