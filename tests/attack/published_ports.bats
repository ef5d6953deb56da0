#!/usr/bin/env bats
# published_ports: ways around what `listen` says, and at the process that serves such a port. Each with what shows that
# it could have worked.

load ../lib/common
load ../lib/net

setup() {
	as_root_only
	net_up
	net_forward
	net_before
}

teardown() {
	cat "$TMP/out" 2>/dev/null || :
	net_down
}

# $1: a profile's name, $2: its published ports. It answers whoever comes.
publisher() {
	profile "$1" <<-END
		format = 1;
		extends = [ "default" ];
		network = {
			mode = "veth";
			bridge = { name = "sandbox0"; address = "10.88.0.1/24"; };
			publish = ( $2 );
		};
	END
	"${ON_HOST[@]}" "$SANDBOX" -p "$PROFILE" -- socat TCP-LISTEN:8000,fork,reuseaddr SYSTEM:'echo inside' \
		>"$TMP/out" 2>&1 3>&- &
	LAUNCHER=$!
	wait_until 10 answers host 127.0.0.1
}

answers() {
	[ "$(on "$1" socat -u -T 2 "TCP:$2:8080,connect-timeout=2" - 2>/dev/null)" = inside ]
}

end() {
	kill -TERM "$LAUNCHER"
	wait "$LAUNCHER" || :
}

@test "another sandbox does not get at a published port through the host's end of the bridge" {
	local listen

	for listen in 127.0.0.1 0.0.0.0; do
		publisher first "{ host = 8080; guest = 8000; listen = \"$listen\"; }"
		profile second <<-'END'
			format = 1;
			extends = [ "default" ];
			network = { mode = "veth"; bridge = { name = "sandbox0"; address = "10.88.0.1/24"; }; };
		END
		for address in 10.88.0.1 192.0.2.1; do
			run net_sandbox -p "$PROFILE" -- socat -u -T 2 "TCP:$address:8080,connect-timeout=2" -
			[ "$status" -ne 0 ]
			refute_output inside
		done
		# The bridge carries it, and the host is answered.
		run net_sandbox -p "$PROFILE" -- ping -c 1 -W 2 10.88.0.1
		assert_status 0
		answers host 127.0.0.1
		end
	done
	net_after
}

# Sends the host a SYN for 127.0.0.1:8080 over the wire, and says whether it is answered. The host knows the way back.
knock() {
	on client ping -q -c 1 192.0.2.1 >/dev/null
	on client python3 - "$(on host ip -o link show up0 | sed 's/.*ether \([^ ]*\).*/\1/')" <<-'END' 3>&-
		import socket, struct, sys
		def checksum(data):
		    total = sum(struct.unpack("!%dH" % (len(data) // 2), data))
		    total = (total & 0xffff) + (total >> 16)
		    return ~(total + (total >> 16)) & 0xffff
		one, other = socket.inet_aton("192.0.2.3"), socket.inet_aton("127.0.0.1")
		def segment(sum):
		    return struct.pack("!HHIIBBHHH", 40000, 8080, 1, 0, 5 << 4, 2, 1000, sum, 0)
		def header(sum):
		    return struct.pack("!BBHHHBBH4s4s", 0x45, 0, 40, 1, 0, 64, 6, sum, one, other)
		tcp = segment(checksum(one + other + struct.pack("!HH", 6, 20) + segment(0)))
		wire = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(0x800))
		wire.bind(("up0", 0x800))
		wire.settimeout(2)
		wire.sendto(header(checksum(header(0))) + tcp, ("up0", 0x800, 0, 0, bytes.fromhex(sys.argv[1].replace(":", ""))))
		try:
		    while True:
		        packet, where = wire.recvfrom(2000)
		        if where[2] == 0 and packet[12:16] == other and packet[33] == 0x12:
		            print("answered")
		            break
		except TimeoutError:
		    print("silence")
	END
}

@test "a neighbour that sends the host packets for 127.0.0.1 does not reach a port of the loopback address" {
	publisher local '{ host = 8080; guest = 8000; }'
	run knock
	assert_line silence
	# It does get there: a host that takes such packets from the wire answers.
	on host sysctl -qw net.ipv4.conf.up0.route_localnet=1
	run knock
	assert_line answered
	on host sysctl -qw net.ipv4.conf.up0.route_localnet=0
	end
	net_after
}

@test "the relay keeps no power that bytes could win" {
	local relay

	publisher web '{ host = 8080; guest = 8000; }'
	relay=$(pgrep -P "$LAUNCHER" -x sandbox-forward)
	run cat "/proc/$relay/status"
	assert_line 'CapEff:	0000000000000000'
	assert_line 'CapBnd:	0000000000000000'
	assert_line 'NoNewPrivs:	1'
	assert_line 'Seccomp:	2'
	# No file, no terminal, nothing of the launcher's but the lifeline: sockets, the epoll instance, a pipe.
	run find "/proc/$relay/fd" -type l -printf '%l\n'
	[ -n "$output" ]
	run grep -vE '^(socket:|pipe:|anon_inode:\[eventpoll\])' <<<"$output"
	assert_status 1
	[ -z "$(tr -d '\0' <"/proc/$relay/environ")" ]
	end
	net_after
}

@test "clients that take every place of the relay and say nothing give them up when they go" {
	publisher web '{ host = 8080; guest = 8000; }'
	on host python3 - <<-'END' 3>&-
		import resource, socket
		resource.setrlimit(resource.RLIMIT_NOFILE, (6000, 6000))
		held = []
		for i in range(5000):
		    s = socket.socket()
		    s.settimeout(0.2)
		    try:
		        s.connect(("127.0.0.1", 8080))
		    except OSError:
		        break
		    held.append(s)
		assert len(held) > 1000, len(held)
	END
	wait_until 10 answers host 127.0.0.1
	end
	net_after
}
