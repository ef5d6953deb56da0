# network_names: names in a sandbox that has a network: real resolvers, a real name server, ping without a capability.
# shellcheck disable=SC2016 # what stands in single quotes is for the shell inside
load ../lib/common
load ../lib/net

setup() {
	as_root_only
	net_up
	net_forward
	net_before
}

teardown() {
	net_down
}

# names_profile NETWORK: the host's own programs on a bridge.
names_profile() {
	profile <<CONF
format = 1;
extends = [ "default" ];
hostname = "web";
network = { mode = "veth"; bridge = { name = "sbn0"; address = "10.88.0.1/24"; address6 = "fd00:88::1/64"; }; $1 };
CONF
}

# name_server: a dnsmasq on outside that knows example.org and nothing else.
name_server() {
	on outside dnsmasq --no-resolv --no-hosts --no-daemon --local-service=net --listen-address=192.0.2.2 --bind-interfaces --port=53 \
		--host-record=example.org,198.51.100.7,2001:db8:5::7 --local=/#/ --user=root --pid-file= --conf-file=/dev/null \
		>"$TMP/dnsmasq" 2>&1 3>&- &
	server=$!
	wait_until 5 on host dig +short +time=1 +tries=1 @192.0.2.2 example.org
}

# host_resolv CMD...: runs it on host, where /etc/resolv.conf is $TMP/resolv.conf and nothing in /run tells of other servers.
host_resolv() {
	on host unshare -m --propagation private sh -c 'mount --bind "$0" /etc/resolv.conf && mount -t tmpfs tmpfs /run && exec "$@"' \
		"$TMP/resolv.conf" "$@"
}

@test "hosts and hostname tell the sandbox's own name and addresses" {
	names_profile 'hosts = ( { name = "db"; address = "10.88.0.5"; } );'
	run net_sandbox -p "$PROFILE" -- sh -c 'cat /etc/hostname; getent hosts db; getent ahosts web | cut -d" " -f1 | sort -u; ip -o addr show dev eth0; cat /etc/hosts'
	assert_status 0
	assert_line web
	[[ $output == *"10.88.0.5 "*db* ]]
	address=$(grep -o 'inet 10[^/]*' <<<"$output" | cut -d' ' -f2)
	address6=$(grep -o 'inet6 fd00[^/]*' <<<"$output" | cut -d' ' -f2)
	[ -n "$address" ]
	[ -n "$address6" ]
	assert_line "$address web"
	assert_line "$address6 web"
	assert_line "$address"
	net_after
}

@test "a name server outside answers inside" {
	name_server
	names_profile 'nat = true; dns = { servers = [ "192.0.2.2" ]; search = [ "org" ]; };'
	run net_sandbox -p "$PROFILE" -- sh -c 'dig +short +time=2 +tries=2 example.org; getent hosts example'
	kill "$server"
	assert_status 0
	assert_line 198.51.100.7
	assert_output example.org
}

@test "servers = host: those within reach, or an error that says what to do" {
	names_profile 'dns = { servers = [ "host" ]; };'
	printf 'nameserver 127.0.0.53\nnameserver 192.0.2.2\n' >"$TMP/resolv.conf"
	run host_resolv "$SANDBOX" -p "$PROFILE" -- cat /etc/resolv.conf
	assert_status 0
	[ "$output" = "nameserver 192.0.2.2" ]
	printf 'nameserver 127.0.0.53\n' >"$TMP/resolv.conf"
	run host_resolv "$SANDBOX" -p "$PROFILE" -- touch /tmp/ran
	assert_status 122
	assert_output "$PROFILE:4: network.dns.servers: cannot use the host's name servers: none of them can be reached from inside"
	assert_output 'write the addresses of name servers instead of "host"'
	# Where the resolver on the loopback interface tells whom it asks, those are asked.
	run host_resolv sh -c 'mkdir -p /run/systemd/resolve
		printf "nameserver 192.0.2.53\n" >/run/systemd/resolve/resolv.conf; exec "$@"' sh "$SANDBOX" -p "$PROFILE" -- cat /etc/resolv.conf
	assert_status 0
	[ "$output" = "nameserver 192.0.2.53" ]
	net_after
}

@test "a name in a rule: pinned in the hosts file to what the filter lets through" {
	name_server
	serve outside 80 hello
	printf 'nameserver 192.0.2.2\n' >"$TMP/resolv.conf"
	names_profile 'nat = true; outbound = { default = "deny"; rules = ( { verdict = "allow"; to = "example.org"; port = "80"; } ); };'
	run host_resolv "$SANDBOX" -p "$PROFILE" -- sh -c 'cat /etc/hosts; curl -s -4 -m 5 http://example.org/; curl -s -m 2 http://192.0.2.2/ || echo refused'
	kill "$server"
	serve_stop
	assert_status 0
	assert_line "198.51.100.7 example.org"
	assert_line "2001:db8:5::7 example.org"
	assert_line hello
	assert_line refused
}

@test "a name that nobody knows, and a server that does not answer" {
	name_server
	printf 'nameserver 192.0.2.2\n' >"$TMP/resolv.conf"
	names_profile 'outbound = { rules = ( { verdict = "allow"; to = "example.org"; }, { verdict = "allow"; to = "unknown.example"; } ); };'
	run host_resolv "$SANDBOX" -p "$PROFILE" -- touch /tmp/ran
	kill "$server"
	assert_status 122
	assert_output "$PROFILE:4: network.outbound.rules[1].to: cannot resolve the name unknown.example: "
	assert_output "(network, host)"
	# Packets to it go nowhere.
	ip -n "$NET-host" neigh replace 192.0.2.77 lladdr 02:00:00:00:00:77 dev up0 nud permanent
	printf 'nameserver 192.0.2.77\noptions timeout:30\n' >"$TMP/resolv.conf"
	SECONDS=0
	run host_resolv "$SANDBOX" -p "$PROFILE" -- touch /tmp/ran
	[ "$SECONDS" -le "$(seconds 14)" ]
	assert_status 122
	assert_output "network.outbound.rules[0].to: cannot resolve the name example.org: no answer within 10 seconds"
	ip -n "$NET-host" neigh del 192.0.2.77 dev up0
	net_after
}

@test "ping needs no capability, unless the profile says otherwise" {
	names_profile ''
	run net_sandbox -p "$PROFILE" -- sh -c 'ping -c 1 -W 5 10.88.0.1 && ping -c 1 -W 5 fd00:88::1 && grep CapBnd /proc/self/status'
	assert_status 0
	assert_output "CapBnd:	0000000000000000"
	run net_sandbox -p "$PROFILE" -s 'sysctls=({name="net.ipv4.ping_group_range";value="1 0";})' -- ping -c 1 -W 5 10.88.0.1
	[ "$status" -ne 0 ]
	run net_sandbox explain -p "$PROFILE"
	assert_output "net.ipv4.ping_group_range"
}

@test "sockets: what a network needs, and no other family" {
	names_profile ''
	run net_sandbox -p "$PROFILE" -- python3 -c '
import socket
for family in range(1, 46):
    try:
        socket.socket(family, socket.SOCK_DGRAM, 0).close()
        print(family)
    except OSError:
        pass
for family in (socket.AF_INET, socket.AF_INET6):
    socket.socket(family, socket.SOCK_STREAM).close()'
	assert_status 0
	# AF_UNIX, AF_INET, AF_INET6, AF_NETLINK
	[ "$(xargs <<<"$output")" = "1 2 10 16" ] || _wrong "families"
}
