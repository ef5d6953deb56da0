#!/usr/bin/env bats
# network_filter: outbound and inbound rules: what passes, what is refused, in which order, and that the payload cannot
# change it.

load ../lib/common
load ../lib/net

setup() {
	as_root_only
	net_up
	net_forward
	net_before
	serve outside 80 "outside on 80"
	serve outside 8080 "outside on 8080"
}

teardown() {
	serve_stop
	net_down
}

# filtered NETWORK...: a sandbox behind NAT with these keys of the network section
filtered() {
	profile <<-END
		format = 1;
		extends = [ "default" ];
		network = {
			mode = "veth";
			bridge = { name = "sandbox0"; address = "10.88.0.1/24"; address6 = "fd00:88::1/64"; };
			nat = true;
			$*
		};
	END
}

inside() {
	net_sandbox -p "$PROFILE" -- sh -c "$1"
}

# Programs for use inside: `get URL` says what came back; `reach HOST PORT` says open or refused at once.
GET='get() { curl -sS -m 4 "$@" 2>&1 || echo "status $?"; }; reach() { timeout 3 bash -c "exec 3<>/dev/tcp/$1/$2" 2>/dev/null;
	case $? in 0) echo "$2 open";; 124) echo "$2 silent";; *) echo "$2 refused";; esac; };'

@test "without rules everything passes" {
	filtered ''
	run inside "$GET get http://198.51.100.7/; get http://[2001:db8:5::7]:8080/"
	assert_status 0
	assert_line "outside on 80"
	assert_line "outside on 8080"
	net_after
}

@test "default deny: refused at once, tcp, udp and icmp, IPv4 and IPv6; the loopback interface stays" {
	on outside socat UDP6-RECVFROM:5300,ipv6only=0,fork SYSTEM:'head -c 1 >/dev/null; echo answer' 3>&- &
	wait_until 5 eval 'on outside ss -lun | grep -q ":5300 "'
	serve host 22 host
	ask='for to in UDP4:192.0.2.2 UDP6:[2001:db8:2::2]; do echo x | socat -T 2 - "$to:5300"; done; ping -c 1 -W 2 198.51.100.7'
	filtered 'outbound = { rules = ( { verdict = "allow"; to = "host"; port = "22"; } ); };'
	run inside "$GET $ask; reach 10.88.0.1 22"
	[ "$(grep -cx answer <<<"$output")" -eq 2 ]
	assert_output '1 received'
	assert_line "22 open"
	filtered 'outbound = { default = "deny"; };'
	run inside "$GET reach 198.51.100.7 80; reach 2001:db8:5::7 8080; reach 10.88.0.1 22; $ask
		socat -u EXEC:'echo local' TCP4-LISTEN:7000,bind=127.0.0.1 & until ss -ltn | grep -q 7000; do sleep 0.05; done
		socat -u TCP4:127.0.0.1:7000 -"
	assert_line "80 refused"
	assert_line "8080 refused"
	assert_line "22 refused"
	refute_output answer
	assert_output '0 received'
	assert_line local
	net_after
}

@test "the first rule that fits decides" {
	filtered 'outbound = { default = "deny"; rules = (
		{ verdict = "deny"; to = "198.51.100.7"; port = "8080"; },
		{ verdict = "allow"; to = "198.51.100.0/24"; protocol = "tcp"; },
		{ verdict = "deny"; to = "any"; },
		{ verdict = "allow"; to = "2001:db8:5::7"; } ); };'
	run inside "$GET get http://198.51.100.7/; reach 198.51.100.7 8080; reach 2001:db8:5::7 80; reach 192.0.2.2 80"
	assert_line "outside on 80"
	assert_line "8080 refused"
	[ "$(grep -c '^80 refused' <<<"$output")" -eq 2 ]
	net_after
}

@test "IPv6 networks, port ranges, and a port without a protocol" {
	serve outside 8079 "outside on 8079"
	serve outside 8082 "outside on 8082"
	filtered 'outbound = { default = "deny"; rules = (
		{ verdict = "allow"; to = "2001:db8:5::/48"; port = "8080-8081"; } ); };'
	run inside "$GET get http://[2001:db8:5::7]:8080/; reach 2001:db8:5::7 8079; reach 2001:db8:5::7 8082
		reach 2001:db8:5::7 8081; reach 198.51.100.7 8080"
	assert_line "outside on 8080"
	assert_line "8079 refused"
	assert_line "8082 refused"
	assert_line "8081 refused" # nobody listens
	assert_line "8080 refused"
	net_after
}

@test "udp and tcp are told apart" {
	on outside socat UDP4-RECVFROM:5353,bind=198.51.100.7,fork SYSTEM:'head -c 1 >/dev/null; echo answer' 3>&- &
	wait_until 5 eval 'on outside ss -lun | grep -q ":5353 "'
	serve outside 5353 'outside on 5353'
	filtered 'outbound = { default = "deny"; rules = ( { verdict = "allow"; port = "5353"; protocol = "udp"; } ); };'
	run inside "$GET echo q | socat -T 2 - UDP4:198.51.100.7:5353; reach 198.51.100.7 5353; reach 198.51.100.7 80"
	assert_line answer
	assert_line "5353 refused"
	assert_line "80 refused"

	filtered 'outbound = { default = "deny"; rules = ( { verdict = "allow"; port = "80"; protocol = "udp"; } ); };'
	run inside "$GET reach 198.51.100.7 80"
	assert_line "80 refused"
}

@test "icmp can be allowed by itself; the same ping is refused without the rule" {
	filtered 'outbound = { default = "deny"; rules = ( { verdict = "allow"; protocol = "icmp"; } ); };'
	run inside 'ping -c 1 -W 2 198.51.100.7; ping -c 1 -W 2 2001:db8:5::7'
	[ "$(grep -c '1 received' <<<"$output")" -eq 2 ]
	filtered 'outbound = { default = "deny"; };'
	run inside 'ping -c 1 -W 2 198.51.100.7; ping -c 1 -W 2 2001:db8:5::7'
	refute_output '1 received'
	net_after
}

@test "a name in a rule holds the addresses it had at the start, and inside the name has them" {
	filtered 'hosts = ( { name = "server.test"; address = "198.51.100.7"; } );
		outbound = { default = "deny"; rules = ( { verdict = "allow"; to = "server.test"; port = "80"; } ); };'
	run inside "$GET get http://server.test/; reach 192.0.2.2 80"
	assert_line "outside on 80"
	assert_line "80 refused"
	net_after
}

@test "default deny leaves the sandbox's name servers open, on port 53 only; a rule can deny them" {
	on outside dnsmasq -k -p 53 --listen-address=192.0.2.2 --bind-interfaces --no-resolv --no-hosts \
		--address=/found.test/198.51.100.9 --pid-file= 3>&- &
	wait_until 5 on host dig +short +time=1 +tries=1 @192.0.2.2 found.test
	filtered 'dns = { servers = [ "192.0.2.2" ]; }; outbound = { default = "deny"; };'
	run inside "$GET dig +short +time=2 +tries=2 found.test; dig +tcp +short +time=2 found.test; reach 192.0.2.2 80"
	[ "$(grep -c '^198.51.100.9$' <<<"$output")" -eq 2 ]
	assert_line "80 refused"
	filtered 'dns = { servers = [ "192.0.2.2" ]; }; outbound = { default = "deny"; rules = (
		{ verdict = "deny"; to = "192.0.2.0/24"; } ); };'
	run inside "dig +short +time=1 +tries=1 found.test"
	refute_output 198.51.100.9
}

@test "a rule for one metadata address opens no other, even where everything else is allowed" {
	ip -n "$NET-outside" addr add 169.254.169.254/32 dev lo
	ip -n "$NET-outside" addr add 169.254.1.1/32 dev lo
	ip -n "$NET-host" route add 169.254.0.0/16 via 192.0.2.2
	net_before
	filtered 'outbound = { rules = ( { verdict = "allow"; to = "169.254.169.254"; port = "80"; } ); };'
	run inside "$GET get http://169.254.169.254/; reach 169.254.169.254 8080; reach 169.254.1.1 80; get http://198.51.100.7:8080/"
	assert_line "outside on 80"
	assert_line "8080 refused"
	assert_line "80 refused"
	assert_line "outside on 8080"
	filtered 'outbound = { rules = ( { verdict = "allow"; to = "any"; } ); };'
	run inside "$GET reach 169.254.169.254 80; get http://198.51.100.7/"
	assert_line "80 refused"
	assert_line "outside on 80"
	net_after
}

@test "inbound: a published port always, others by rule" {
	filtered 'inbound = { default = "deny"; rules = ( { verdict = "allow"; from = "host"; port = "7001"; } ); };
		address = "10.88.0.5/24"; publish = ( { host = 8080; guest = 7000; listen = "0.0.0.0"; } );'
	nsenter --net="/run/netns/$NET-host" -- "$SANDBOX" -p "$PROFILE" -- sh -c 'for p in 7000 7001 7002; do
		socat -u EXEC:"echo port $p" TCP4-LISTEN:$p,fork,reuseaddr & done
		until [ "$(ss -ltn | grep -c ":700[012] ")" -eq 3 ]; do sleep 0.05; done; echo ready; sleep 60' >"$TMP/out" 3>&- &
	pid=$!
	wait_until 10 grep -qx ready "$TMP/out"
	wait_until 5 on host socat -u TCP4:10.88.0.5:7001 "CREATE:$TMP/7001"
	grep -qx 'port 7001' "$TMP/7001"
	run on client socat -T 3 -u TCP4:192.0.2.1:8080 -
	assert_line "port 7000"
	run on host socat -T 3 -u TCP4:10.88.0.5:7002 -
	assert_output "refused"
	kill "$pid"
	wait "$pid" || :
	net_after
}

@test "the payload cannot see or change the rules" {
	filtered 'outbound = { default = "deny"; };'
	run inside "$GET /usr/sbin/nft list ruleset; /usr/sbin/nft flush ruleset; unshare -rn true; reach 198.51.100.7 80"
	refute_output "chain output"
	[[ $output =~ (Netlink socket|not permitted) ]]
	assert_line "80 refused"
	run inside 'exec 2>&1; /usr/sbin/nft flush ruleset && echo flushed'
	refute_output flushed
	[[ $output =~ (Netlink socket|not permitted) ]]
	net_after
}

@test "a network that is none is refused before the launch" {
	filtered 'outbound = { rules = ( { verdict = "allow"; to = "10.0.0.0/33"; } ); };'
	run inside true
	assert_status 121
	assert_output 'outbound'
	net_after
}
