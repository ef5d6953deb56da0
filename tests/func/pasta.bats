#!/usr/bin/env bats
# pasta: a network for ordinary users, and for root, through the pasta program; what it must not reach, and what becomes
# of it when anybody dies.
#
# The host has, beside a network of its own (lib/net), its own /dev/net/tun, which everybody may open as on any
# distribution, and its own /etc/resolv.conf: both in a mount namespace that `holder` keeps.

bats_require_minimum_version 1.5.0
load ../lib/common
load ../lib/net

setup() {
	as_root_only
	net_up
	mknod -m 0666 "$TMP/tun" c 10 200
	chmod 0666 "$TMP/tun"
	echo 'nameserver 127.0.0.53' >"$TMP/resolv.conf"
	nsenter --net="/run/netns/$NET-host" unshare -m --propagation private sh -c "
		mount --bind '$TMP/tun' /dev/net/tun && mount --bind '$TMP/resolv.conf' /etc/resolv.conf &&
		touch '$TMP/holds' && exec sleep 1000" 3>&- &
	holder=$!
	wait_until 5 test -e "$TMP/holds"
	net_before
	net_profile ''
}

teardown() {
	serve_stop
	if [ -n "${holder:-}" ]; then
		kill "$holder" 2>/dev/null || :
		wait "$holder" 2>/dev/null || :
	fi
	net_down
}

net_profile() {
	profile <<-END
		format = 1;
		extends = [ "default" ];
		network = { mode = "pasta"; $1 };
		${2:-}
	END
}

# host CMD ARG...: on the host, with its mounts. `EXEC='exec' host ... &` has the command's own process id in $!.
host() {
	${EXEC:-} nsenter --net="/run/netns/$NET-host" --mount="/proc/$holder/ns/mnt" -- "$@"
}

# launch root|user ARG...: the program on the host, as root or as uid 65534.
launch() {
	local who=$1

	shift
	if [ "$who" = root ]; then
		host "$SANDBOX" "$@"
	else
		host env -u HOME TMPDIR="$USER_TMP" setpriv --reuid="$TEST_UID" --regid="$TEST_UID" --clear-groups \
			"$(_user_sandbox)" "$@"
	fi
}

# The process ids of pasta in the host's network namespace, one a line. `pids` of ip(8) sees through links of /proc.
pastas() {
	local pid

	for pid in $(ip netns pids "$NET-host"); do
		case $(readlink "/proc/$pid/exe") in */passt | */passt.*) echo "$pid" ;; esac
	done
}

some_pasta() {
	[ -n "$(pastas)" ]
}

no_pasta() {
	[ -z "$(pastas)" ]
}

names() {
	host dnsmasq --keep-in-foreground --listen-address="$1" --bind-interfaces --no-resolv --no-hosts --pid-file= \
		--user=nobody --address="/example.test/$2" 3>&- &
	wait_until 5 host dig +time=1 +tries=1 "@$1" www.example.test +short
}

@test "the world is reached over TCP, IPv4 and IPv6, and nothing stays" {
	serve outside 8080 'from outside'
	for who in root user; do
		run launch $who -p "$PROFILE" -- curl -s --max-time 10 http://198.51.100.7:8080/ 'http://[2001:db8:5::7]:8080/'
		assert_status 0
		[ "$output" = $'from outside\nfrom outside' ] || _wrong 'both answers'
		# Without the mode there is no way out.
		run launch $who -p "$PROFILE" --set network.mode=none -- curl -s --max-time 10 http://198.51.100.7:8080/
		assert_status 7
	done
	no_pasta
	serve_stop
	net_after
}

@test "the interface is as the profile says, ready when the command starts" {
	net_profile 'interface = "web0"; mtu = 1400; mac = "02:00:00:00:00:05"; address = "10.20.30.40/24";
		gateway = "10.20.30.1"; address6 = "fd00:20::5/64";'
	for who in root user; do
		run launch $who -p "$PROFILE" -- sh -c 'ip addr show web0; ip route; ip -6 route'
		assert_status 0
		assert_output 'mtu 1400'
		assert_output 'link/ether 02:00:00:00:00:05'
		assert_output 'inet 10.20.30.40/24'
		assert_output 'inet6 fd00:20::5/64'
		assert_output 'default via 10.20.30.1 dev web0'
		[[ ! $output =~ fd00:20::5/64[^$'\n']*tentative ]]
	done
	net_profile 'address6 = "none";'
	run launch user -p "$PROFILE" -- ip addr show eth0
	assert_status 0
	assert_output 'inet 192.0.2.1/24'
	refute_output '2001:db8'
	no_pasta
}

@test "what pasta cannot do is refused before anything is made" {
	local row
	while read -r row; do
		net_profile "${row#*|}"
		run launch user -p "$PROFILE" -- true </dev/null
		assert_status 121
		assert_output "$PROFILE:3: network.${row%%|*}"
	done <<-'END'
		address|address = "none"; address6 = "none";
		address6|address6 = "fd00::5/48";
		gateway|gateway = "none";
		gateway6|gateway6 = "none";
	END
	net_profile '' 'namespaces = { remove = [ "user" ]; }; users = { map = "none"; };'
	run launch root -p "$PROFILE" -- true
	assert_status 121
	assert_output 'cannot connect through pasta without a user namespace'
	# With either of these a payload gets around what keeps the host's loopback addresses out of reach.
	for capability in NET_ADMIN NET_RAW; do
		net_profile '' "capabilities = { keep = [ \"$capability\" ]; };"
		run launch user -p "$PROFILE" -- true
		assert_status 121
		assert_output "the host's own services through pasta"
	done
	# An address of a family that the host cannot carry.
	host ip -6 route del default
	net_profile 'address6 = "fd00:20::5/64";'
	run launch user -p "$PROFILE" -- true
	assert_status 122
	assert_output 'the host has no IPv6 route'
	no_pasta
}

@test "UDP: names are resolved, by a resolver outside and by one on the host's loopback interface" {
	names 127.0.0.53 203.0.113.99
	on outside dnsmasq --keep-in-foreground --listen-address=198.51.100.7 --bind-interfaces --no-resolv --no-hosts \
		--pid-file= --user=nobody --address=/example.test/203.0.113.77 3>&- &
	wait_until 5 host dig +time=1 +tries=1 @198.51.100.7 www.example.test +short
	for who in root user; do
		run launch $who -p "$PROFILE" -- dig +time=3 +tries=2 +short @198.51.100.7 www.example.test
		assert_status 0
		assert_line 203.0.113.77
		run launch $who -p "$PROFILE" -- dig +time=3 +tries=2 +short @127.0.0.53 www.example.test
		[ "$status" -ne 0 ]
		run launch $who -p "$PROFILE" --set 'network.dns.servers=["host"]' -- \
			sh -c 'cat /etc/resolv.conf; dig +time=3 +tries=2 +short www.example.test'
		assert_status 0
		refute_output 127.0.0.53
		assert_line 203.0.113.99
	done
}

@test "services on the host's loopback interface are out of reach, whatever the socket is bound to" {
	local who reached=$TMP/reached
	serve host 8080 'of the host'
	host socat -u UDP4-RECVFROM:9090,bind=127.0.0.1,fork "SYSTEM:cat >>$reached" 3>&- &
	host socat -u "UDP6-RECVFROM:9090,bind=[::1],fork" "SYSTEM:cat >>$reached" 3>&- &
	host socat -u TCP4-LISTEN:9091,bind=127.0.0.1,fork "SYSTEM:echo connected >>$reached" 3>&- &
	wait_until 5 eval '[ "$(host ss -ltun | grep -c ":909[01] ")" -eq 3 ]'
	# From the host itself they answer.
	host sh -c 'echo a | socat -u - UDP4-SENDTO:127.0.0.1:9090; echo b | socat -u - "UDP6-SENDTO:[::1]:9090"
		socat -u /dev/null TCP4:127.0.0.1:9091'
	wait_until 5 sh -c "[ \$(wc -l <'$reached') -eq 3 ]"
	: >"$reached"
	cat >"$TMP/knock" <<-'END'
		for to in 127.0.0.1 127.9.9.9 192.0.2.1 192.0.2.2; do
			curl -s --max-time 2 "http://$to:8080/" && exit 1
			curl -s --max-time 2 --interface eth0 "http://$to:8080/" && exit 1
		done
		for device in "" ,so-bindtodevice=eth0; do
			echo a | socat -u - "UDP4-SENDTO:127.0.0.1:9090$device"
			echo a | socat -u - "UDP6-SENDTO:[::1]:9090$device"
			socat -u /dev/null "TCP4:127.0.0.1:9091,connect-timeout=2$device"
		done
		exit 0
	END
	for who in root user; do
		run launch $who -p "$PROFILE" -- sh -c "$(cat "$TMP/knock")"
		assert_status 0
		refute_output 'of the host'
	done
	sleep 0.5
	[ ! -s "$reached" ] || { cat "$reached"; false; }
}

@test "without the wall pasta would let them through: the layer is there for a reason" {
	local reached=$TMP/reached pid
	host socat -u UDP4-RECVFROM:9090,bind=127.0.0.1,fork "SYSTEM:cat >>$reached" 3>&- &
	EXEC='exec' launch root -p "$PROFILE" -- sh -c 'sleep 2; for i in $(seq 8); do
		echo a | socat -u - UDP4-SENDTO:127.0.0.1:9090,so-bindtodevice=eth0; sleep 1; done' 3>&- &
	wait_until 5 some_pasta
	pid=$(pastas)
	wait_until 5 nsenter --net="/proc/$pid/fd/0" nft list table inet sandbox-wall >/dev/null
	nsenter --net="/proc/$pid/fd/0" nft flush ruleset
	wait_until 8 test -s "$reached"
}

# ask CMD... : what a server that puts "inside=" before every line answers; the client speaks first, as with HTTP.
ask() {
	echo question | "$@" 2>&1 | head -n 1
}

answers() {
	[ "$(ask "$@")" = inside=question ]
}

@test "a published port leads inside, from the host and from elsewhere; nothing else does" {
	net_profile 'publish = ( { host = 8081; guest = 8000; }, { host = 8082; guest = 8000; listen = "0.0.0.0"; },
		{ host = 8083; guest = 8000; listen = "2001:db8:2::1"; },
		{ host = 9090; guest = 9091; protocol = "udp"; listen = "192.0.2.1"; } );'
	for who in root user; do
		EXEC='exec' launch $who -p "$PROFILE" -- sh -c '
			socat UDP4-RECVFROM:9091,fork SYSTEM:"sed s/^/inside=/" &
			exec socat TCP6-LISTEN:8000,fork,reuseaddr SYSTEM:"sed -u s/^/inside=/"' 3>&- &
		wait_until 10 answers on host socat -T1 - TCP4:127.0.0.1:8081
		answers on host socat -T1 - TCP4:192.0.2.1:8082
		answers on client socat -T1 - TCP4:192.0.2.1:8082
		answers on client socat -T1 - 'TCP6:[2001:db8:2::1]:8083'
		wait_until 5 answers on client socat -T1 - UDP4:192.0.2.1:9090
		# For the host alone.
		if answers on client socat -T1 - TCP4:192.0.2.1:8081,connect-timeout=2; then false; fi
		run on client nmap -n -Pn -p 8000,8081-8083,9090-9091 192.0.2.1
		assert_output '8082/tcp open'
		[ "$(grep -c /tcp.open <<<"$output")" -eq 1 ]
		kill -TERM $!
		wait $! || :
		no_pasta
	done
}

@test "a port that is taken is told before anything runs" {
	serve host 8081 'of the host'
	net_profile 'publish = ( { host = 8081; guest = 80; } );'
	for who in root user; do
		run launch $who -p "$PROFILE" -- echo ran
		assert_status 122
		assert_output "$PROFILE:3: network.publish[0]"
		assert_output 8081
		[ $who = user ] || assert_output nginx
		refute_output ran
	done
	no_pasta
}

@test "pasta killed: the sandbox is ended, and the record says why" {
	for who in root user; do
		EXEC='exec' launch $who -p "$PROFILE" --status-fd 4 -- sh -c 'echo ready; exec sleep 100' 4>"$TMP/status" >"$TMP/ready-$who" 2>"$TMP/errors" 3>&- &
		wait_until 10 grep -qsx ready "$TMP/ready-$who"
		kill -9 "$(pastas)"
		status=0
		wait $! || status=$?
		assert_status 123
		grep -q 'cannot keep the sandbox connected: pasta ended before it (signal 9)' "$TMP/errors"
		grep -q '"verdict":"network-lost"' "$TMP/status"
		grep -q '"exit_status":123' "$TMP/status"
		grep -q '"stage":"network"' "$TMP/status"
	done
	net_after
}

@test "the launcher killed, at any moment: no pasta stays, and no namespace" {
	local pid round
	for who in root user; do
		for round in 0 0.01 0.02 0.03 0.05 0.08 0.12 there; do
			EXEC='exec' launch $who -p "$PROFILE" -- sleep 100 3>&- &
			pid=$!
			if [ $round = there ]; then wait_until 10 some_pasta; else sleep $round; fi
			kill -9 "$pid"
			wait "$pid" 2>/dev/null || :
			wait_until 5 no_pasta
		done
	done
	net_after
}

@test "it is confined: no root, no capability on the host, nothing inherited, no file in sight" {
	local pid
	for who in root user; do
		EXEC='exec' launch $who -p "$PROFILE" -- sleep 100 7<"$TMP/resolv.conf" 3>&- &
		wait_until 10 some_pasta
		pid=$(pastas)
		wait_until 5 grep -q '^Seccomp:.2' "/proc/$pid/status"
		grep -q '^NoNewPrivs:.1' "/proc/$pid/status"
		# SYS_ADMIN and NET_BIND_SERVICE at most, in the sandbox's user namespace.
		[ "$(readlink "/proc/$pid/ns/user")" != "$(readlink /proc/self/ns/user)" ]
		[ "$((0x$(sed -n 's/^CapPrm:.//p' "/proc/$pid/status") & ~0x200400))" -eq 0 ]
		[ "$(sed -n 's/^Uid:.\([0-9]*\).*/\1/p' "/proc/$pid/status")" -ne 0 ]
		[ -z "$(sed -n 's/^Groups:[\t ]*//p' "/proc/$pid/status")" ]
		[ -z "$(tr -d '\0' <"/proc/$pid/environ")" ]
		run ls -A "/proc/$pid/root/"
		assert_status 0
		[ -z "$output" ]
		[ "$(ps -o sid= -p "$pid" | tr -d ' ')" = "$pid" ]
		[ -z "$(find "/proc/$pid/fd" -lname "$TMP/*" ! -lname "$TMP/tun")" ]
		kill -TERM $!
		wait $! || :
		no_pasta
	done
}

@test "not installed: the message names the package" {
	host mount --bind /dev/null /usr/bin/passt
	for who in root user; do
		run launch $who -p "$PROFILE" -- true
		assert_status 122
		assert_output "$PROFILE:3: network.mode"
		assert_output 'cannot find the program pasta'
		assert_output 'package passt'
	done
	# Root does not take it from the caller's search path; an ordinary user may have his own.
	mkdir "$TMP/bin"
	cp "$(readlink -f /usr/bin/qrap)" "$TMP/bin/pasta"
	run host env PATH="$TMP/bin:$PATH" "$SANDBOX" -p "$PROFILE" -- true
	assert_status 122
	assert_output 'cannot find the program pasta'
	run host env PATH="$TMP/bin:$PATH" setpriv --reuid="$TEST_UID" --regid="$TEST_UID" --clear-groups \
		"$(_user_sandbox)" -p "$PROFILE" -- true
	[ "$status" -ne 0 ]
	refute_output 'cannot find the program pasta'
}

@test "no route, no device: pasta's own words, or ours, and nothing left" {
	host ip route del default
	host ip -6 route del default
	run launch user -p "$PROFILE" -- true
	assert_status 122
	assert_output 'cannot connect the sandbox: pasta ended'
	assert_output 'there is none: ip route'
	host ip route add default via 192.0.2.2
	chmod 0600 "$TMP/tun"
	run launch user -p "$PROFILE" -- true
	assert_status 122
	assert_output 'cannot open /dev/net/tun'
	assert_output 'chmod 0666 /dev/net/tun'
	no_pasta
}

@test "what takes the host's administrator is refused to an ordinary user, who is shown pasta" {
	local row
	while read -r row; do
		profile <<-END
			format = 1;
			extends = [ "default" ];
			network = { $row };
		END
		run launch user -p "$PROFILE" -- true </dev/null
		assert_status 122
		assert_output "$PROFILE:3: network."
		assert_output CAP_NET_ADMIN
		assert_output 'network.mode = "pasta"'
	done <<-'END'
		mode = "veth"; address = "10.1.1.2/24";
		mode = "veth"; bridge = { name = "sandbox0"; address = "10.88.0.1/24"; };
		mode = "macvlan"; parent = "up0"; address = "192.0.2.50/24";
		mode = "ipvlan"; parent = "up0"; address = "192.0.2.50/24";
		interface_from = "up0";
	END
	net_after
}

# Whether a line of the output has this state and this feature.
assert_state() {
	grep -qE "^$1 +$2( |$)" <<<"$output" || _wrong "expected: $1 $2"
}

@test "doctor tries pasta, and says what is missing" {
	for who in root user; do
		run launch $who doctor -p "$PROFILE"
		assert_status 0
		assert_state ok pasta
		assert_state ok nf_tables
		assert_state ok launch
	done
	# Root's is given a node of its own.
	chmod 0600 "$TMP/tun"
	run launch root doctor -p "$PROFILE"
	assert_status 0
	assert_state ok pasta
	run launch user doctor -p "$PROFILE"
	assert_status 122
	assert_state impossible pasta
	assert_output 'chmod 0666 /dev/net/tun'
	chmod 0666 "$TMP/tun"
	host ip route del default
	host ip -6 route del default
	run launch user doctor -p "$PROFILE"
	assert_status 122
	assert_state impossible pasta
	assert_output 'no default route'
	host mount --bind /dev/null /usr/bin/passt
	run launch user doctor -p "$PROFILE"
	assert_status 122
	assert_output 'install the package passt'
	# Who does not ask for it does not need it.
	run launch user doctor
	assert_status 0
	assert_state absent pasta
	no_pasta
}

@test "doctor tries what a veth takes: nf_tables, veth, a bridge, forwarding, and a foreign firewall" {
	profile <<-END
		format = 1;
		extends = [ "default" ];
		network = { mode = "veth"; bridge = { name = "sandbox0"; address = "10.88.0.1/24"; }; nat = true; };
	END
	run launch root doctor -p "$PROFILE"
	assert_status 122
	for feature in nf_tables veth bridge "forward policy"; do
		assert_state ok "$feature"
	done
	assert_state impossible forwarding
	assert_output 'net.ipv4.ip_forward=1'
	net_forward
	host nft 'add table ip filter; add chain ip filter FORWARD { type filter hook forward priority 0; policy drop; }'
	run launch root doctor -p "$PROFILE"
	assert_status 0
	assert_state ok forwarding
	assert_state degraded "forward policy"
	assert_output 'chain FORWARD of table filter'
	host nft 'delete table ip filter; add table inet mine; add chain inet mine in { type filter hook input priority 0; policy drop; }'
	run launch root doctor -p "$PROFILE"
	assert_status 0
	assert_state ok "forward policy"
	# An ordinary user cannot have it at all.
	run launch user doctor -p "$PROFILE"
	assert_status 122
	assert_state impossible launch
	assert_output 'network.mode = "pasta"'
}
