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
ANSWER='socat TCP6-LISTEN:7000,ipv6only=0,fork,reuseaddr SYSTEM:"echo hello" & socat UDP6-RECVFROM:7001,ipv6only=0,fork SYSTEM:"head -c 1 >/dev/null; echo hello" &
	until ss -ltn | grep -q 7000; do sleep 0.05; done; echo ready; wait'

# asked FROM... : what came back on TCP 7000 of the address $2 asked from host $1.
asked() {
	on "$1" socat -u -T 2 "TCP:$2:${3:-7000},connect-timeout=1" - 2>&1 || :
}

# ---- who somebody says they are

# listen_on INTERFACE: notes the names of the frames that get to that interface of host in $TMP/heard, until heard() is
# called and nothing has come for a while.
listen_on() {
	rm -f "$TMP/heard" "$TMP/listens" "$TMP/enough"
	cat >"$TMP/listen.py" <<-'END'
		import os, re, socket, struct, sys
		link = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
		link.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
		link.bind((sys.argv[1], 0))
		link.setsockopt(263, 1, struct.pack("IHH8x", socket.if_nametoindex(sys.argv[1]), 1, 0))  # promiscuous
		link.settimeout(0.3)
		open(sys.argv[2], "w").close()
		short = {0x0800: (34, "cut-ip"), 0x0806: (42, "cut-arp"), 0x86dd: (54, "cut-ip6")}
		while True:
		    try:
		        frame = link.recv(65536)
		    except TimeoutError:
		        if os.path.exists(sys.argv[3]):
		            break
		        continue
		    names = re.findall(rb"FRAME-([a-z0-9-]+)\.", frame)
		    least, name = short.get(struct.unpack("!H", frame[12:14])[0], (0, ""))
		    if len(frame) < least:
		        names.append(name.encode())
		    for name in names:
		        print(name.decode(), flush=True)
	END
	on host python3 "$TMP/listen.py" "$1" "$TMP/listens" "$TMP/enough" >"$TMP/heard" 2>&1 3>&- &
	LISTENER=$!
	wait_until 10 test -e "$TMP/listens"
}

# Prints the names of what was heard, once each.
heard() {
	: >"$TMP/enough"
	timeout "$(seconds 20)" tail --pid="$LISTENER" -f /dev/null
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
	bridged test 'spoof_protection = false;' "$ADMIN" "$OPEN"
	listen_on sandbox0
	frames none
	[ "$(heard | wc -l)" -gt 30 ]
	bridged test '' "$ADMIN" "$OPEN"
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
		run net_sandbox -p "$PROFILE" -- bash -c 'ip route del prohibit 169.254.0.0/16; ip route
			echo "metadata: $(curl -sm 1 http://169.254.169.254/)"; echo "world: $(curl -sm 5 http://198.51.100.7/)"'
		refute_output prohibit
		assert_line 'metadata: '
		assert_line 'world: outside'
	done
	# Without powers: bound to the interface the kernel looks for it there, whatever the routes say.
	bridged test 'nat = true;'
	run net_sandbox -p "$PROFILE" -- curl --interface eth0 -sm 1 http://169.254.169.254/
	refute_output outside
	[ "$status" -eq 7 ] || assert_status 28
	bridged test 'nat = true; outbound = { rules = ( { verdict = "allow"; to = "169.254.169.254"; } ); };'
	run net_sandbox -p "$PROFILE" -- curl -sm 5 http://169.254.169.254/
	assert_line outside
}

@test "errors made up about others' connections: the host's own, and another sandbox's" {
	local port looks

	# From here on connections are tracked.
	bridged keeper
	background keeper 'echo ready; exec sleep 60'
	# A socket that stays connected.
	on outside socat UDP4-RECVFROM:9000,fork SYSTEM:'head -c 1 >/dev/null; echo yes' 3>&- &
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
	sleep 0.3
	[ "$(believed)" -eq 0 ]
	# Anybody outside the segment can.
	on client python3 - 192.0.2.1 192.0.2.1 "$port" 192.0.2.2 <"$TMP/error.py"
	wait_until 5 eval '[ "$(believed)" -eq 1 ]'

	background test 'exec 9<>/dev/udp/192.0.2.2/9000; echo x >&9; read -t 5 -u 9 _; ip -4 -o addr show eth0
		ss -uan | grep -o "10.88.0.[0-9]*:[0-9]*" | head -1; echo ready
		while :; do ip route get 192.0.2.2 | grep -c "mtu 600"; sleep 0.1; done'
	# Masquerading keeps the port.
	port=$(grep -o '10\.88\.0\.[0-9]*:[0-9]*$' "$TMP/test.out" | cut -d: -f2)
	run net_sandbox -p "$PROFILE" -- python3 - 192.0.2.1 192.0.2.1 "$port" 192.0.2.2 <"$TMP/error.py"
	assert_status 0
	# It has looked since then.
	looks=$(grep -cx '[01]' "$TMP/test.out")
	looked() { [ "$(grep -cx '[01]' "$TMP/test.out")" -ge $((looks + 4)) ]; }
	wait_until 10 looked
	run grep -qx 1 "$TMP/test.out"
	[ "$status" -eq 1 ]
	on client python3 - 192.0.2.1 192.0.2.1 "$port" 192.0.2.2 <"$TMP/error.py"
	wait_until 10 grep -qx 1 "$TMP/test.out"
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
		echo q | socat -T 0.5 - UDP4:10.88.0.1:7001,ip-options=x018307040a580005
		echo q | socat -T 0.5 - UDP4:192.0.2.1:7001,ip-options=x018307040a580005
		echo end
	END
	victim_mac() {
		# From the bridge's table: the address behind the victim's port.
		on host ip neigh show 10.88.0.5 | grep -o '..:..:..:..:..:..'
	}
	bridged test 'nat = true; address6 = "fd00:88::6/64";' "$ADMIN" "$SIX"
	run net_sandbox -p "$PROFILE" -- bash -s "$(victim_mac)" <"$TMP/attack"
	[[ $output =~ gateway\ ..: ]]
	assert_line end
	refute_output hello
	refute_output hosts
	# Nor without protection against spoofing, which is another matter.
	run net_sandbox -p "$PROFILE" -s network.spoof_protection=false -- bash -s "$(victim_mac)" <"$TMP/attack"
	assert_line end
	refute_output hello
	refute_output hosts
	# The same finds a neighbour where nothing is isolated, and a host that opens itself. (Two hellos: 4 and 6.)
	finish victim
	bridged victim 'address6 = "fd00:88::5/64"; address = "10.88.0.5/24";' '' "$SIX $OPEN"
	background victim "$ANSWER"
	# The host remembers the hardware address of the one before, which had the same.
	answers() { [ "$(asked host 10.88.0.5)" = hello ]; }
	wait_until 5 answers
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
		[ "$nat" = true ] || assert_line hello
		[ "$nat" = false ] || refute_output hello
		run bash -c "echo q | nsenter --net=/run/netns/$NET-client socat -T 1 - UDP4:10.88.0.5:7001,bind=:7001"
		[ "$nat" = true ] || assert_line hello
		[ "$nat" = false ] || refute_output hello
		finish test
		wait_until 10 eval '! on host ip link show sandbox0 2>/dev/null'
	done
}

# ---- outbound and inbound rules

@test "no way around the rules: their table, fragments, other protocols, headers, nested namespaces, names of addresses" {
	on outside socat TCP6-LISTEN:7000,ipv6only=0,fork,reuseaddr SYSTEM:'echo hello' 3>&- &
	on outside socat UDP6-RECVFROM:7001,ipv6only=0,fork SYSTEM:'head -c 1 >/dev/null; echo hello' 3>&- &
	on outside socat UDP6-RECVFROM:53,ipv6only=0,fork SYSTEM:'head -c 1 >/dev/null; echo hello' 3>&- &
	wait_until 5 eval '[ "$(on outside ss -ltun | grep -cE ":(7000|7001|53) ")" -eq 3 ]'
	serve host 80 hosts
	cat >"$TMP/attack" <<-'END'
		set +e
		ask() { socat -u -T 1 "TCP:$1,connect-timeout=1" - 2>/dev/null; }
		send() { echo q | socat -T 0.5 - "$1" 2>/dev/null; }
		nft list ruleset; nft flush ruleset; ip link set eth0 down; ip route add 198.51.100.7 dev eth0
		unshare -Urn nft flush ruleset; unshare -Ur nft flush ruleset
		iptables -F; tc qdisc del dev eth0 root
		ask 198.51.100.7:7000; ask '[::ffff:198.51.100.7]:7000'; ask '[2001:db8:5::7]:7000'; curl -sm 1 http://192.0.2.1/; curl -sm 1 http://10.88.0.1/
		ask 198.51.100.7:7000,bindtodevice=eth0; ask 198.51.100.7:7000,bind=:53; ask 198.51.100.7:7000,so-mark=1
		send UDP4:192.0.2.2:7001; send UDP4-DATAGRAM:192.0.2.2:7001; send UDP4-DATAGRAM:255.255.255.255:7001,broadcast
		send UDP4:198.51.100.7:53; send UDP6:[2001:db8:5::7]:53; send UDP6:[::ffff:192.0.2.2]:7001
		head -c 3000 /dev/zero | socat -T 0.5 - UDP4:192.0.2.2:7001; send 'UDP4:192.0.2.2:7001,sourceport=5353'
		curl -sm 1 http://0.0.0.0/; curl -sm 1 http://10.88.0.255/
		python3 - <<-'PYTHON'
			import socket
			for family, kind, protocol in [(2, 3, p) for p in (1, 4, 6, 17, 41, 47, 255)] + [(10, 3, 58), (17, 3, 0), (17, 2, 0), (2, 5, 132), (2, 6, 33),
			                                                                     (16, 3, 12), (2, 1, 262)]:
			    try:
			        s = socket.socket(family, kind, protocol)
			        print("socket", family, kind, protocol)
			        s.settimeout(1)
			        s.connect(("198.51.100.7", 7000))
			        print("connected", family, kind, protocol)
			    except OSError:
			        pass
			# Not of a connection, and connected elsewhere: to a server allowed, then to another.
			s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
			s.settimeout(0.5)
			for step in (lambda: s.connect(("192.0.2.2", 53)), lambda: s.sendto(b"q", ("198.51.100.7", 7001)),
			             lambda: s.sendto(b"q", socket.MSG_DONTWAIT, ("198.51.100.7", 53)), lambda: print(s.recv(99))):
			    try:
			        step()
			    except OSError:
			        pass
			# UDP-Lite
			try:
			    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM, 136)
			    s.sendto(b"q", ("198.51.100.7", 7001))
			    print("udplite sent")
			except OSError:
			    pass
			# Data with the SYN.
			try:
			    s = socket.socket()
			    s.settimeout(1)
			    s.sendto(b"q", 0x20000000, ("198.51.100.7", 7000))
			    print("fastopen", s.recv(99))
			except OSError:
			    pass
		PYTHON
		echo end
	END
	bridged test 'nat = true; address6 = "fd00:88::6/64"; dns = { servers = [ "192.0.2.2" ]; }; outbound = { default = "deny"; };' '' "$SIX"
	run net_sandbox -p "$PROFILE" -- bash -s <"$TMP/attack"
	assert_line end
	refute_output hello
	refute_output hosts
	refute_output 'table inet'
	refute_output 'udplite sent'
	refute_output connected
	refute_output 'socket 2 3'
	refute_output 'socket 17'
	refute_output fastopen
	# With the system calls for a user namespace of its own, in which it has every capability over nothing of ours.
	run net_sandbox -p "$PROFILE" -s 'seccomp.allow=[ "@default", "unshare", "socket", "setns", "clone", "clone3" ]' -- bash -s <"$TMP/attack"
	assert_line end
	refute_output hello
	refute_output hosts
	refute_output 'table inet'
	# Allowed, it all works: so many ways lead there.
	bridged test 'nat = true; address6 = "fd00:88::6/64"; outbound = { rules = ( { verdict = "allow"; to = "host"; } ); };' '' "$SIX"
	run net_sandbox -p "$PROFILE" -- bash -s <"$TMP/attack"
	echo "$output"
	assert_line hosts
	[ "$(grep -c hello <<<"$output")" -ge 6 ]
}

@test "inbound rules hold for what comes in pieces, behind headers, and from a server's port" {
	local kind

	cat >"$TMP/pieces.py" <<-'END'
		import socket, struct, sys
		kind, to = sys.argv[1:3]
		data = struct.pack("!HHHH", 53, int(sys.argv[3]), 8 + 24, 0) + b"q" * 24
		if kind == "pieces":
		    s = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
		    for at, more, part in (0, 1, data[:8]), (8, 0, data[8:]):
		        s.sendto(struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(part), 77, more << 13 | at // 8, 64, 17, 0) +
		                 socket.inet_aton("192.0.2.3") + socket.inet_aton(to) + part, (to, 0))
		else:
		    source, dest = socket.inet_pton(10, "2001:db8:2::3"), socket.inet_pton(10, to)
		    total = sum(struct.unpack("!36H", source + dest + struct.pack("!II", len(data), 17) + data))
		    while total >> 16:
		        total = (total & 0xffff) + (total >> 16)
		    data = data[:6] + struct.pack("!H", total ^ 0xffff) + data[8:]
		    s = socket.socket(socket.AF_INET6, socket.SOCK_RAW, 60 if kind == "header" else 44)
		    head = bytes([17, 0, 1, 4, 0, 0, 0, 0])
		    if kind == "header":
		        s.sendto(head + data, (to, 0))
		    else:
		        s.sendto(struct.pack("!BBHI", 17, 0, 1, 9) + data[:8], (to, 0))
		        s.sendto(struct.pack("!BBHI", 17, 0, 8, 9) + data[8:], (to, 0))
	END
	bridged test 'address = "10.88.0.5/24"; address6 = "fd00:88::5/64"; inbound = { default = "deny"; rules = (
		{ verdict = "allow"; port = "7002"; protocol = "udp"; } ); };' '' "$SIX"
	background test 'for port in 7001 7002; do socat -u UDP6-RECVFROM:$port,ipv6only=0,fork SYSTEM:"cat >/dev/null; echo got $port" & done; until [ $(ss -lun | grep -c ":700[12]") -eq 2 ]; do sleep 0.05; done; echo ready; wait'
	ip -n "$NET-client" route add 10.88.0.0/24 via 192.0.2.1
	ip -n "$NET-client" route add fd00:88::/64 via 2001:db8:2::1
	for kind in pieces header pieces6; do
		to=fd00:88::5
		[ $kind != pieces ] || to=10.88.0.5
		on client python3 "$TMP/pieces.py" $kind $to 7001
		on client python3 "$TMP/pieces.py" $kind $to 7002
		# The second, the control, is behind the first in every queue.
		wait_until 5 grep -q 'got 7002' "$TMP/test.out"
		sleep 0.3
		run cat "$TMP/test.out"
		refute_output 'got 7001'
		: >"$TMP/test.out"
	done
	finish test
}

# ---- what stays

FULL='nat = true; address6 = "auto"; rate = { egress = "10M"; ingress = "10M"; };
	publish = ( { host = 8080; guest = 7000; }, { host = 8081; guest = 7001; protocol = "udp"; listen = "0.0.0.0"; } );
	outbound = { rules = ( { verdict = "deny"; to = "198.51.100.7"; } ); }; inbound = { default = "deny"; };'

janitors() {
	ip netns pids "$NET-host" | while read -r pid; do
		! grep -q sandbox-janitor "/proc/$pid/comm" 2>/dev/null || echo "$pid"
	done
}

@test "sixty launches killed at one moment after the other, every third with its janitor: nothing stays, sandbox gc aside" {
	local i at start span ran=0

	bridged test "$FULL" '' "$SIX"
	# The moments lie close at first, and go beyond a whole launch.
	start=$(date +%s%N)
	net_sandbox -p "$PROFILE" -- true
	span=$((($(date +%s%N) - start) / 1000000 * 3 / 2))
	net_after
	for i in $(seq 60); do
		"${ON_HOST[@]}" "$SANDBOX" -p "$PROFILE" -- sh -c 'echo ran; (sleep 60 &) ; sleep 60' >"$TMP/one.out" 2>&1 3>&- &
		at=$((span * i * i / 3600))
		sleep "$((at / 1000)).$(printf %03d $((at % 1000)))"
		kill -9 $!
		wait $! 2>/dev/null || :
		if [ $((i % 3)) -eq 0 ]; then
			janitors | xargs -r kill -9 2>/dev/null || :
		fi
		! grep -q ran "$TMP/one.out" || ran=$((ran + 1))
	done
	# Some died early, some late.
	echo "$ran ran, in ${span} ms at most"
	[ "$ran" -gt 0 ]
	[ "$ran" -lt 60 ]
	no_janitors() { [ -z "$(janitors)" ]; }
	wait_until 10 no_janitors
	run net_sandbox gc
	assert_status 0
	net_after
	# And all of it works as on the first day.
	background test "$ANSWER"
	[ "$(asked host 127.0.0.1 8080)" = hello ]
	finish test
	net_after
}

@test "a fork bomb inside ends with the sandbox, and its network too" {
	bridged test "$FULL" 'cgroup = { pids = { max = 200; }; };' "$SIX"
	"${ON_HOST[@]}" "$SANDBOX" -p "$PROFILE" -- bash -c 'echo ready; b() { b | b & }; b; sleep 60' "$NET-bomb" >"$TMP/test.out" 2>&1 3>&- &
	many() { [ "$(pgrep -cf "$NET-bomb\$")" -gt 50 ]; }
	wait_until 20 many
	kill -9 $!
	wait $! || :
	rm "$TMP/test.out"
	wait_until 10 eval '! pgrep -f "$NET-bomb\$"'
	net_after
}

@test "a payload with NET_ADMIN takes its interface apart: renamed, removed, moved on, others made" {
	local step script shown

	bridged test 'nat = true; publish = ( { host = 8080; } );' \
		"$(sed 's/"socket"/"socket", "unshare", "setns", "clone", "clone3", "mount"/; s/"NET_ADMIN"/"NET_ADMIN", "SYS_ADMIN"/' <<<"$ADMIN")" "$SIX"
	# Each step, and what shows that it was taken: the last list of interfaces has it, or with "no " before it, has it not.
	for step in 'sandbox0@|ip link set eth0 down; ip link set eth0 name sandbox0' 'no eth0|ip link del eth0' \
		'no eth0|unshare -n sleep 60 & until [ "$(readlink /proc/$!/ns/net)" != "$(readlink /proc/self/ns/net)" ]; do :; done
			ip link set eth0 netns $!' \
		'master sandbox0|ip link add sandbox0 type bridge; ip link set eth0 master sandbox0' \
		'v0@|ip link add v0 type veth peer name v1; ip link set v0 up' \
		'vx0:|ip link add vx0 type vxlan id 5 remote 10.88.0.1 dstport 4789 dev eth0' \
		'vlan5@|ip link add link eth0 name vlan5 type vlan id 5' 'mv0@|ip link add link eth0 name mv0 type macvlan' \
		'lo: <LOOPBACK>|ip link set lo down'; do
		script=${step#*|}
		shown=${step%%|*}
		run net_sandbox -p "$PROFILE" -- bash -c "set +e; $script; ip -o link; echo done"
		echo "$output"
		assert_line "done"
		case $shown in
		no\ *) refute_output "${shown#no }" ;;
		# Not every kernel has every kind of interface.
		*) [[ $output == *"Unknown device type"* ]] || assert_output "$shown" ;;
		esac
		net_after
	done
}

@test "an interface of the host's comes back from a payload that took it down, changed and used it" {
	local step

	ip -n "$NET-host" link add here type veth peer name there
	ip -n "$NET-host" link set there up
	ip -n "$NET-host" link set here up mtu 1300
	ip -n "$NET-host" addr add 10.5.0.1/24 dev here
	net_before
	profile <<-END
		format = 1;
		extends = [ "default" ];
		network = { mode = "none"; interface_from = "here"; interface = "wan"; address = "10.5.0.7/24"; };
		$(sed 's/"socket"/"socket", "unshare", "setns", "clone", "clone3", "mount"/; s/"NET_ADMIN"/"NET_ADMIN", "SYS_ADMIN"/' <<<"$ADMIN")
	END
	# What shows that it was done, and what is done.
	for step in 'mtu 1280|ip link set wan down; ip link set wan mtu 1280' \
		'master here|ip link add here type bridge; ip link set wan master here; ip link set wan up' \
		'qdisc tbf|ip link add br0 type bridge; ip link set wan master br0; tc qdisc add dev wan root tbf rate 1kbit burst 10k latency 1s'; do
		run net_sandbox -p "$PROFILE" -- bash -c "set +e; ${step#*|}; ip -o link; echo done"
		echo "$output"
		assert_line "done"
		assert_output "${step%%|*}"
		run on host ip link show here
		assert_status 0
		net_after
	done
}

# ---- names

@test "names that are none: bridges, domains, hosts" {
	local name

	for name in .. . '' a/b '%d' 'br%d' 'has space' 'sixteen-letters-' 'colon:' 'all' 'default'; do
		bridged test
		sed -i "s|sandbox0|$name|" "$PROFILE"
		run net_sandbox -p "$PROFILE" -- true
		echo "$name: $status $output"
		[ "$status" -eq 121 ] || [ "$status" -eq 122 ]
	done
	net_after
	bridged test
	sed -i 's|sandbox0|fifteen-letters|' "$PROFILE"
	run net_sandbox -p "$PROFILE" -- true
	assert_status 0
	net_after
	for keys in 'dns = { search = [ "a.test\nnameserver 192.0.2.66" ]; };' 'dns = { options = [ "ndots:1\nnameserver 192.0.2.66" ]; };' \
		'dns = { search = [ "a.test nameserver" ]; };' 'hosts = ( { name = "a\n192.0.2.66 bank.test"; address = "192.0.2.5"; } );' \
		'hosts = ( { name = "a b"; address = "192.0.2.5"; } );' 'hosts = ( { name = "a#b"; address = "192.0.2.5"; } );'; do
		bridged test "$keys"
		run net_sandbox -p "$PROFILE" -- cat /etc/resolv.conf /etc/hosts
		echo "$keys: $status $output"
		assert_status 121
	done
	bridged test 'dns = { search = [ "a.test" ]; options = [ "ndots:1" ]; }; hosts = ( { name = "a"; address = "192.0.2.5"; } );'
	run net_sandbox -p "$PROFILE" -- cat /etc/resolv.conf /etc/hosts
	assert_status 0
	assert_output 'search a.test'
	net_after
}

@test "one port, ten sandboxes at once: one has it; fifty ports, fifty sandboxes: all have theirs" {
	local i

	bridged test 'publish = ( { host = 8080; guest = 7000; } );'
	for i in $(seq 10); do
		"${ON_HOST[@]}" "$SANDBOX" -p "$PROFILE" -- bash -c 'echo ready; exec sleep 60' >"$TMP/race-$i" 2>&1 3>&- &
	done
	decided() { [ "$(grep -lE 'ready|sandbox: ' "$TMP"/race-* | wc -l)" -eq 10 ]; }
	wait_until 20 decided
	cat "$TMP"/race-*
	[ "$(grep -lx ready "$TMP"/race-* | wc -l)" -eq 1 ]
	[ "$(grep -lF '127.0.0.1:8080/tcp' "$TMP"/race-* | wc -l)" -eq 9 ]
	jobs -p | xargs kill -9 2>/dev/null || :; wait || :
	rm "$TMP"/race-*
	net_after
	bridged test
	for i in $(seq 50); do
		"${ON_HOST[@]}" "$SANDBOX" -p "$PROFILE" -s "network.publish=({ host = $((9000 + i)); guest = 7000; })" -- \
			socat TCP-LISTEN:7000,fork,reuseaddr SYSTEM:"echo number $i" >"$TMP/many-$i" 2>&1 3>&- &
	done
	for i in $(seq 50); do
		right() { [ "$(asked host 127.0.0.1 $((9000 + i)))" = "number $i" ]; }
		wait_until 20 right
	done
	jobs -p | xargs kill -9 2>/dev/null || :; wait || :
	net_after
}
