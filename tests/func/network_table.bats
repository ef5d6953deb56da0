#!/usr/bin/env bats
# network_table: what sandboxes share on the host: NAT, published ports, what they reach of the host and of each other,
# and that only ours is touched.

load ../lib/common
load ../lib/net

setup() {
	as_root_only
	net_up
	net_forward
	net_before
	PIDS=
}

teardown() {
	[ -z "$PIDS" ] || kill -9 $PIDS 2>/dev/null || :
	serve_stop
	net_down
}

# segment NAME [KEYS] [BRIDGE KEYS]: a profile for a sandbox on sandbox0, which lies at 10.88.0.0/24 and fd00:88::/64
segment() {
	profile "$1" <<-END
		format = 1;
		extends = [ "default" ];
		network = {
			mode = "veth";
			bridge = { name = "sandbox0"; address = "10.88.0.1/24"; address6 = "fd00:88::1/64"; ${3:-} };
			${2:-}
		};
	END
}

# start NAME SCRIPT: runs it in the background
start() {
	nsenter --net="/run/netns/$NET-host" -- "$SANDBOX" -p "$TMP/$1.conf" -- sh -c "$2" &
	PIDS="$PIDS $!"
}

# stop: ends all that start started
stop() {
	local pid

	for pid in $PIDS; do
		kill "$pid" || :
		wait "$pid" || :
	done
	PIDS=
}

# answer PORT TEXT: a server, for use inside
ANSWER='answer() { socat -U TCP6-LISTEN:$1,fork,reuseaddr,ipv6only=0 SYSTEM:"echo $2" & };'
GET='reach() { timeout 3 bash -c "exec 3<>/dev/tcp/$1/$2" 2>/dev/null;
	case $? in 0) echo "$1 $2 open";; 124) echo "$1 $2 silent";; *) echo "$1 $2 refused";; esac; };'

says() {
	[ "$(on "$1" socat -T 3 -u "$2" - 2>/dev/null)" = "$3" ]
}

inside() {
	net_sandbox -p "$TMP/$1.conf" -- sh -c "$GET $2"
}

@test "nat: the world sees the host's address; without it, the sandbox's own" {
	on outside socat -U TCP4-LISTEN:7100,fork,reuseaddr SYSTEM:'echo from $SOCAT_PEERADDR' &
	segment hidden 'nat = true;'
	wait_until 5 eval 'on outside ss -ltn | grep -q 7100'
	run inside hidden 'socat -u TCP4:198.51.100.7:7100 -'
	assert_line 'from 192.0.2.1'
	ip -n "$NET-outside" route add 10.88.0.0/24 via 192.0.2.1
	segment plain 'address = "10.88.0.5/24";'
	run inside plain 'socat -u TCP4:198.51.100.7:7100 -'
	assert_line 'from 10.88.0.5'
	net_after
}

@test "a published port: from other hosts and from the host itself, IPv4 and IPv6; the answer to a loopback address too" {
	segment web 'nat = true; publish = ( { host = 8080; guest = 8000; listen = "0.0.0.0"; },
		{ host = 8080; guest = 8000; listen = "::"; }, { host = 5353; protocol = "udp"; listen = "0.0.0.0"; } );'
	start web "$ANSWER answer 8000 web; socat UDP4-RECVFROM:5353,fork SYSTEM:'head -c 1 >/dev/null; echo udp' & sleep 60"
	wait_until 5 says client TCP4:192.0.2.1:8080 web
	says outside TCP4:192.0.2.1:8080 web
	says client TCP6:[2001:db8:2::1]:8080 web
	says host TCP4:192.0.2.1:8080 web
	says host TCP4:10.88.0.1:8080 web
	says host TCP4:127.0.0.1:8080 web
	says host TCP6:[2001:db8:2::1]:8080 web
	told() { [ "$(echo q | on client socat -T 2 - UDP4:192.0.2.1:5353)" = udp ]; }
	wait_until 5 told
	[ "$(echo q | on host socat -T 2 - UDP4:192.0.2.1:5353)" = udp ]
	stop
	net_after
}

@test "a port published on one address of the host is not there on others" {
	ip -n "$NET-host" addr add 192.0.2.9/24 dev up0
	net_before
	segment web 'publish = ( { host = 8080; guest = 8000; listen = "192.0.2.9"; } );'
	start web "$ANSWER answer 8000 web; sleep 60"
	wait_until 5 says client TCP4:192.0.2.9:8080 web
	run on client socat -T 2 -u TCP4:192.0.2.1:8080 -
	assert_output refused
	stop
	net_after
}

@test "the host's services are out of a sandbox's reach, at any of its addresses" {
	serve host 80 host
	serve host 22 host
	on host socat -u UDP6-RECVFROM:53,ipv6only=0,fork "SYSTEM:cat >>$TMP/heard" 3>&- &
	wait_until 5 eval 'echo q | on client socat -u - UDP4-SENDTO:192.0.2.1:53; [ -s "$TMP/heard" ]'
	segment plain 'nat = true;'
	run inside plain 'for a in 10.88.0.1 192.0.2.1 fd00:88::1 2001:db8:2::1; do reach $a 80; reach $a 22; done
		nmap -Pn -n -p 75-85 10.88.0.1 | grep open
		for a in 10.88.0.1 192.0.2.1; do echo inside | socat -T 1 - UDP4:$a:53; done'
	refute_output open
	refute_output silent
	[ "$(grep -c refused <<<"$output")" -ge 8 ]
	# They are there: another host reaches them.
	[ "$(on client curl -s http://192.0.2.1/)" = host ]
	[ "$(on client curl -s http://192.0.2.1:22/)" = host ]
	run cat "$TMP/heard"
	refute_output inside
	pkill --ns "$(ip netns pids "$NET-host" | head -n 1)" --nslist net socat
	net_after
}

@test "to = \"host\" opens exactly the ports it names, on the host's address on the bridge" {
	for port in 79 80 81 999 1000 1024 1300 1301; do
		serve host "$port" "host on $port"
	done
	segment some 'outbound = { rules = ( { verdict = "allow"; to = "host"; port = "80"; protocol = "tcp"; },
		{ verdict = "allow"; to = "host"; port = "1000-1300"; } ); };'
	run inside some 'for p in 79 80 81 999 1000 1024 1300 1301; do reach 10.88.0.1 $p; done
		reach fd00:88::1 80; reach fd00:88::1 81; reach 192.0.2.1 80'
	assert_line '10.88.0.1 79 refused'
	assert_line '10.88.0.1 80 open'
	assert_line '10.88.0.1 81 refused'
	assert_line '10.88.0.1 999 refused'
	assert_line '10.88.0.1 1000 open'
	assert_line '10.88.0.1 1024 open'
	assert_line '10.88.0.1 1300 open'
	assert_line '10.88.0.1 1301 refused'
	assert_line 'fd00:88::1 80 open'
	assert_line 'fd00:88::1 81 refused'
	assert_line '192.0.2.1 80 refused'
	segment all 'outbound = { rules = ( { verdict = "allow"; to = "host"; } ); };'
	run inside all 'reach 10.88.0.1 79; reach 10.88.0.1 1301'
	assert_line '10.88.0.1 79 open'
	assert_line '10.88.0.1 1301 open'
	net_after
}

@test "sandboxes of one bridge are out of each other's reach, by their addresses and by published ports" {
	segment web 'address = "10.88.0.5/24"; address6 = "fd00:88::5/64"; nat = true;
		publish = ( { host = 8080; guest = 8000; listen = "0.0.0.0"; } );'
	start web "$ANSWER answer 8000 web; sleep 60"
	wait_until 5 says client TCP4:192.0.2.1:8080 web
	segment other 'nat = true;'
	run inside other 'reach 10.88.0.5 8000; reach fd00:88::5 8000; reach 192.0.2.1 8080; reach 10.88.0.1 8080'
	refute_output open
	[ "$(grep -cE ' (refused|silent)$' <<<"$output")" -eq 4 ]
	stop
	net_after
}

@test "isolated = false: sandboxes of one bridge reach each other, by published ports too" {
	segment web 'address = "10.88.0.5/24"; address6 = "fd00:88::5/64";
		publish = ( { host = 8080; guest = 8000; listen = "0.0.0.0"; } );' 'isolated = false;'
	start web "$ANSWER answer 8000 web; sleep 60"
	wait_until 5 says client TCP4:192.0.2.1:8080 web
	segment other '' 'isolated = false;'
	run inside other 'reach 10.88.0.5 8000; reach fd00:88::5 8000; reach 192.0.2.1 8080'
	assert_line '10.88.0.5 8000 open'
	assert_line 'fd00:88::5 8000 open'
	assert_line '192.0.2.1 8080 open'
	stop
	net_after
}

@test "sandboxes of different bridges, and point to point, are out of each other's reach" {
	segment web 'address = "10.88.0.5/24"; publish = ( { host = 8080; guest = 8000; listen = "0.0.0.0"; } );' 'isolated = false;'
	start web "$ANSWER answer 8000 web; sleep 60"
	wait_until 5 says client TCP4:192.0.2.1:8080 web
	profile bridge <<-END
		format = 1;
		extends = [ "default" ];
		network = { mode = "veth"; bridge = { name = "sandbox1"; address = "10.89.0.1/24"; isolated = false; }; };
	END
	run inside bridge 'reach 10.88.0.5 8000; reach 192.0.2.1 8080; reach 10.88.0.1 8080'
	refute_output open
	[ "$(grep -cE ' (refused|silent)$' <<<"$output")" -eq 3 ]
	profile pair <<-END
		format = 1;
		extends = [ "default" ];
		network = { mode = "veth"; address = "10.90.0.2/30"; gateway = "10.90.0.1"; };
	END
	run inside pair 'reach 10.88.0.5 8000; reach 192.0.2.1 8080; reach 10.90.0.1 8080; ip route'
	refute_output open
	assert_output 'default via 10.90.0.1'
	stop
	net_after
}

@test "behind nat, other hosts do not reach the sandbox's address; without nat they do" {
	ip -n "$NET-client" route add 10.88.0.0/24 via 192.0.2.1
	segment hidden 'address = "10.88.0.5/24"; nat = true;'
	segment plain 'address = "10.88.0.6/24";'
	start hidden "$ANSWER answer 8000 hidden; sleep 60"
	start plain "$ANSWER answer 8000 plain; sleep 60"
	wait_until 5 says host TCP4:10.88.0.5:8000 hidden
	wait_until 5 says client TCP4:10.88.0.6:8000 plain
	run on client socat -T 2 -u TCP4:10.88.0.5:8000 -
	assert_output refused
	stop
	net_after
}

@test "point to point: NAT, a published port, and the host out of reach" {
	serve host 81 host
	serve outside 80 outside
	profile pair <<-END
		format = 1;
		extends = [ "default" ];
		network = { mode = "veth"; address = "10.90.0.2/30"; gateway = "10.90.0.1"; nat = true;
			publish = ( { host = 8080; guest = 8000; listen = "0.0.0.0"; } ); };
	END
	start pair "$ANSWER answer 8000 pair; curl -s http://198.51.100.7/ >&2; curl -s -m 2 http://10.90.0.1:81/ >&2; echo end >&2; sleep 60" 2>"$TMP/said"
	wait_until 5 says client TCP4:192.0.2.1:8080 pair
	wait_until 10 grep -qx end "$TMP/said"
	[ "$(xargs <"$TMP/said")" = 'outside end' ]
	[ "$(on client curl -s http://192.0.2.1:81/)" = host ]
	stop
	net_after
}

@test "a table of our name that is not ours is an error, and stays as it is" {
	on host nft add table inet sandbox-sandbox0
	on host nft add chain inet sandbox-sandbox0 theirs
	net_before
	segment plain
	run inside plain true
	assert_status 122
	assert_output 'cannot use the nftables table inet sandbox-sandbox0: it is not one of ours'
	net_after
}

@test "tables of others stay as they are, and theirs still hold" {
	on host nft -f - <<-END
		table inet filter {
			chain forward { type filter hook forward priority 0; policy accept; tcp dport 80 drop; }
		}
	END
	net_before
	serve outside 80 outside
	serve outside 81 outside
	segment plain 'nat = true;'
	run inside plain 'reach 198.51.100.7 80; reach 198.51.100.7 81'
	assert_line '198.51.100.7 80 silent'
	assert_line '198.51.100.7 81 open'
	net_after
}

@test "what a killed sandbox has left does not pass to the next one of its address" {
	serve host 80 host
	segment some 'address = "10.88.0.5/24"; nat = true;
		publish = ( { host = 8080; guest = 8000; listen = "0.0.0.0"; } );
		outbound = { rules = ( { verdict = "allow"; to = "host"; port = "80"; } ); };'
	start some "$ANSWER answer 8000 first; sleep 60"
	wait_until 5 says client TCP4:192.0.2.1:8080 first
	# Launcher, child and janitor at one stroke, as when the machine's memory is out.
	for signal in STOP KILL; do
		ip netns pids "$NET-host" | while read -r pid; do
			if grep -qas sandbox "/proc/$pid/cmdline"; then kill -$signal "$pid"; fi
		done
	done
	wait
	PIDS=
	# Numbers: their names are those of /etc/protocols, which a small machine does not have.
	run on host nft --numeric-protocol list ruleset
	assert_output '10.88.0.5 . 6 . 80'
	segment next 'address = "10.88.0.5/24"; publish = ( { host = 8080; guest = 8001; listen = "0.0.0.0"; } );'
	start next "$ANSWER answer 8001 second; $GET reach 10.88.0.1 80 >&2; sleep 60" 2>"$TMP/said"
	wait_until 5 says client TCP4:192.0.2.1:8080 second
	wait_until 5 grep -qx '10.88.0.1 80 refused' "$TMP/said"
	run on host nft --numeric-protocol list ruleset
	refute_output '10.88.0.5 . 6 . 80'
	stop
	net_after
}
