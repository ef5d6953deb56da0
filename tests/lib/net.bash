# net: hosts of a test's own, for what needs a network: load it after common.
#
#	host      where the launcher runs: 192.0.2.1/24 and 2001:db8:2::1/64 on `up0`, default route to outside, no forwarding
#	outside   a server beyond it: 192.0.2.2 and 198.51.100.7 (another network), 2001:db8:2::2 and 2001:db8:5::7
#	client    a second machine in the host's network: 192.0.2.3, 2001:db8:2::3
#
# Each is a network namespace; a bridge in a fourth (`switch`) joins them. Nothing of the machine's own network is touched,
# no packet leaves it.
#
#   net_up              makes them; net_down removes them, with every process in them (teardown)
#   on HOST CMD ARG...  runs a command there (with the mounts and cgroups of the test: not `ip netns exec`)
#   net_sandbox ARG...  runs the program on host; for the background write "${ON_HOST[@]}" "$SANDBOX" ... &, whose $! is it
#   net_forward         lets host forward IPv4 and IPv6
#   net_before          notes links, addresses, routes, rules, queues of host
#   net_after           fails, and shows it, unless they are the same again within 5 seconds, and no process is left
#   serve HOST PORT TEXT   a web server (nginx) in that namespace that answers TEXT; serve_stop ends all of them

NET=sbt$$
NET_HOSTS="host outside client switch"
# shellcheck disable=SC2034 # for the tests
ON_HOST=(nsenter --net="/run/netns/$NET-host" --)

on() {
	local name=$1

	shift
	nsenter --net="/run/netns/$NET-$name" -- "$@"
}

net_sandbox() {
	on host "$SANDBOX" "$@"
}

_net_wire() {
	ip -n "$NET-switch" link add "p-$1" type veth peer name up0 netns "$NET-$1"
	ip -n "$NET-switch" link set "p-$1" master br0 up
	ip -n "$NET-$1" link set up0 up
	ip -n "$NET-$1" addr add "192.0.2.$2/24" dev up0
	ip -n "$NET-$1" addr add "2001:db8:2::$2/64" dev up0 nodad
}

net_up() {
	local name

	for name in $NET_HOSTS; do
		ip netns add "$NET-$name"
		ip -n "$NET-$name" link set lo up
		on "$name" sysctl -qw net.ipv6.conf.all.accept_dad=0 net.ipv6.conf.default.accept_dad=0 \
			net.ipv6.conf.all.accept_ra=0 net.ipv6.conf.default.accept_ra=0
	done
	# The number of a namespace that is gone may come back.
	rm -f "/run/sandbox/net-$(stat -c %i "/run/netns/$NET-host")"*
	ip -n "$NET-switch" link add br0 type bridge
	ip -n "$NET-switch" link set br0 up
	_net_wire host 1
	_net_wire outside 2
	_net_wire client 3
	ip -n "$NET-host" route add default via 192.0.2.2
	ip -n "$NET-host" route add default via 2001:db8:2::2
	ip -n "$NET-outside" addr add 198.51.100.7/32 dev lo
	ip -n "$NET-outside" addr add 2001:db8:5::7/128 dev lo nodad
}

net_down() {
	local name

	# A janitor that is killed here cannot remove its file.
	rm -f "/run/sandbox/net-$(stat -c %i "/run/netns/$NET-host")"*
	for name in $NET_HOSTS; do
		ip netns pids "$NET-$name" 2>/dev/null | xargs -r kill -9 2>/dev/null
		ip netns del "$NET-$name" 2>/dev/null
	done
	rm -rf "${TMP:?}"/serve-*
}

net_forward() {
	on host sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1
}

# Neighbours, counters and ages change by themselves, and so does the order of the kernel's lists.
_net_snapshot() {
	local inode

	on host sh -c 'ip -d link; ip addr; ip route show table all; ip -6 route show table all; ip rule;
		nft list ruleset; tc qdisc; cat /proc/sys/net/ipv4/conf/*/forwarding' |
		sed -E 's/ (promiscuity|state|valid_lft|preferred_lft|expires|hello_timer|hold_timer|message_age_timer|forward_delay_timer|gc_timer|tcn_timer|topology_change_timer)( +)[^ ]+//g;
			s/ tso_max_size [0-9]*//; s/NO-CARRIER,|,LOWER_UP//g; s/ linkdown//' | sort
	# Of this host alone: other tests have theirs there.
	inode=$(stat -L -c %i "/run/netns/$NET-host")
	find /run/sandbox '(' -name "net-$inode" -o -name "net-$inode-*" ')' 2>/dev/null || :
	# Every process in the namespace but the servers of the test.
	ip netns pids "$NET-host" | while read -r pid; do
		tr '\0' ' ' <"/proc/$pid/cmdline" 2>/dev/null || :
		echo
	done | grep -v '^nginx' || :
}

net_before() {
	_net_snapshot >"$TMP/.net"
}

_net_same() {
	_net_snapshot | cmp -s - "$TMP/.net"
}

net_after() {
	wait_until 5 _net_same 2>/dev/null || {
		_net_snapshot | diff "$TMP/.net" - >&2
		return 1
	}
}

serve() {
	local directory=$TMP/serve-$1-$2

	mkdir -p "$directory"
	chmod 0755 "$directory"
	cat >"$directory/nginx.conf" <<-END
		pid $directory/pid;
		error_log $directory/error.log;
		worker_processes 1;
		events {}
		http {
			access_log $directory/access.log;
			client_body_temp_path $directory/body;
			proxy_temp_path $directory/proxy;
			fastcgi_temp_path $directory/fastcgi;
			uwsgi_temp_path $directory/uwsgi;
			scgi_temp_path $directory/scgi;
			server {
				listen $2;
				listen [::]:$2;
				location / { return 200 "$3\n"; }
			}
		}
	END
	on "$1" nginx -c "$directory/nginx.conf"
	wait_until 5 on "$1" curl -s -o /dev/null "http://127.0.0.1:$2/"
}

serve_stop() {
	local pid

	for pid in "$TMP"/serve-*/pid; do
		[ ! -e "$pid" ] || kill "$(cat "$pid")"
	done
}
