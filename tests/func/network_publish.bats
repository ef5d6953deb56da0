#!/usr/bin/env bats
# network_publish: ports of the host that lead inside: from the host itself, from another one, IPv4 and IPv6, tcp and udp;
# who has a port that is taken; and that nothing of it stays.

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
	serve_stop
	net_down
}

# A real web server inside, on port 8000 of both families; it answers with the client's address. $1: the elements of
# network.publish; $2: the profile's name; $3: more of network.
web() {
	profile "${2:-web}" <<-END
		format = 1;
		extends = [ "default" ];
		name = "${2:-web}";
		network = {
			mode = "veth";
			bridge = { name = "sandbox0"; address = "10.88.0.1/24"; address6 = "fd00:88::1/64"; };
			publish = ( $1 );
			${3:-}
		};
		mounts = ( { type = "file"; target = "/etc/nginx.conf"; content = "
			daemon off; master_process off; pid /tmp/pid; error_log stderr;
			events { }
			http {
				access_log off; client_body_temp_path /tmp; proxy_temp_path /tmp; fastcgi_temp_path /tmp;
				uwsgi_temp_path /tmp; scgi_temp_path /tmp;
				server {
					listen 8000; listen [::]:8000;
					location / { return 200 \"inside, to \$\$remote_addr\\n\"; }
					location /files { alias /tmp; }
				}
			}"; } );
		process = { command = [ "/usr/sbin/nginx", "-e", "stderr", "-c", "/etc/nginx.conf" ]; };
	END
}

# Runs $PROFILE in the background; its process is $LAUNCHER.
begin() {
	"${ON_HOST[@]}" "$SANDBOX" --status-file "$TMP/record" -p "$PROFILE" "$@" \
		>"$TMP/out" 2>&1 3>&- &
	LAUNCHER=$!
}

answers() {
	local host=$1

	shift
	on "$host" curl -s -g --max-time 5 "$@" | grep -q '^inside'
}

# What the relay of $LAUNCHER is.
relay() {
	pgrep -P "$LAUNCHER" -x sandbox-forward
}

end() {
	kill -TERM "$LAUNCHER"
	wait "$LAUNCHER" || :
}

@test "a port on a loopback address is for the host alone" {
	web '{ host = 8080; guest = 8000; }, { host = 8080; guest = 8000; listen = "::1"; }'
	begin
	wait_until 10 answers host http://127.0.0.1:8080/
	run on host curl -s http://127.0.0.1:8080/
	assert_line 'inside, to 10.88.0.1'
	run on host curl -s -g 'http://[::1]:8080/'
	assert_line 'inside, to fd00:88::1'
	# Nobody else gets there, nor by another address of the host.
	run on client curl -s --max-time 2 http://192.0.2.1:8080/
	assert_status 7
	run on host curl -s --max-time 2 http://192.0.2.1:8080/
	assert_status 7
	end
	net_after
}

@test "a port on every address is for all: the host by any of its own, and another host" {
	web '{ host = 8080; guest = 8000; listen = "0.0.0.0"; }, { host = 8080; guest = 8000; listen = "::"; }'
	begin
	wait_until 10 answers host http://127.0.0.1:8080/
	answers host 'http://[::1]:8080/'
	answers host http://192.0.2.1:8080/
	answers host 'http://[2001:db8:2::1]:8080/'
	# The one who asks is known inside.
	run on client curl -s --max-time 5 http://192.0.2.1:8080/
	assert_line 'inside, to 192.0.2.3'
	run on client curl -s -g --max-time 5 'http://[2001:db8:2::1]:8080/'
	assert_line 'inside, to 2001:db8:2::3'
	end
	net_after
}

@test "a port on one address of the host is reached by that one" {
	web '{ host = 8080; guest = 8000; listen = "192.0.2.1"; }'
	begin
	wait_until 10 answers host http://192.0.2.1:8080/
	answers client http://192.0.2.1:8080/
	run on host curl -s --max-time 2 http://127.0.0.1:8080/
	assert_status 7
	end
	net_after
}

@test "large files arrive whole, over the relay and from another host, many at once" {
	local sum i downloads=()

	web '{ host = 8080; guest = 8000; listen = "0.0.0.0"; }'
	begin -- sh -c 'head -c 50000000 /dev/urandom >/tmp/big; sha256sum </tmp/big >/tmp/sum
		exec nginx -e stderr -c /etc/nginx.conf'
	wait_until 20 answers host http://127.0.0.1:8080/
	sum=$(on host curl -s http://127.0.0.1:8080/files/sum)
	[ -n "$sum" ]
	[ "$(on client curl -s http://192.0.2.1:8080/files/big | sha256sum)" = "$sum" ]
	for i in 1 2 3 4 5 6 7 8; do
		on host curl -s http://127.0.0.1:8080/files/big | sha256sum >"$TMP/sum.$i" &
		downloads+=($!)
	done
	wait "${downloads[@]}"
	for i in 1 2 3 4 5 6 7 8; do
		[ "$(cat "$TMP/sum.$i")" = "$sum" ]
	done
	end
	net_after
}

@test "udp: a name server inside answers from the address that was asked" {
	local host address

	profile <<-END
		format = 1;
		extends = [ "default" ];
		network = {
			mode = "veth";
			bridge = { name = "sandbox0"; address = "10.88.0.1/24"; address6 = "fd00:88::1/64"; };
			publish = ( { host = 53; guest = 5300; protocol = "udp"; listen = "0.0.0.0"; },
				{ host = 53; guest = 5300; protocol = "udp"; listen = "::"; } );
		};
	END
	begin -- dnsmasq -k -p 5300 -C /dev/null -u sandbox -g sandbox --no-resolv --no-hosts -x '' \
		--host-record=here.example,198.51.100.99 --bind-interfaces --log-facility=-
	named() {
		[ "$(on "$1" dig +short +time=1 +tries=1 "@$2" here.example 2>/dev/null)" = 198.51.100.99 ]
	}
	wait_until 10 named host 127.0.0.1
	# dig takes an answer from another address than it asked for no answer.
	for address in 127.0.0.53 192.0.2.1 ::1 2001:db8:2::1; do
		named host "$address"
	done
	for address in 192.0.2.1 2001:db8:2::1; do
		named client "$address"
	done
	end
	net_after
}

@test "a port that is taken names who has it, before anything runs" {
	serve host 8080 taken
	web '{ host = 9090; guest = 8000; }, { host = 8080; guest = 8000; }'
	run net_sandbox -p "$PROFILE"
	assert_status 122
	assert_output "cannot reserve 127.0.0.1:8080/tcp, which nginx (process $(cat "$TMP/serve-host-8080/pid")) has"
	assert_output 'web.conf:7: network.publish[1].host'
	serve_stop
	wait_until 5 eval '! on host curl -s -o /dev/null http://127.0.0.1:8080/'
	net_after
	# Free now, it is the first sandbox's, and a second is told so.
	web '{ host = 8080; guest = 8000; }' first
	begin
	wait_until 10 answers host http://127.0.0.1:8080/
	web '{ host = 8080; guest = 8000; listen = "0.0.0.0"; }' second
	run net_sandbox -p "$PROFILE"
	assert_status 122
	assert_output "which sandbox \"first\" (process $(relay)) has"
	answers host http://127.0.0.1:8080/
	end
	net_after
}

@test "an address that is not the host's" {
	web '{ host = 8080; listen = "192.0.2.200"; }'
	run net_sandbox -p "$PROFILE"
	assert_status 122
	assert_output 'cannot reserve 192.0.2.200:8080/tcp: the host has no such address'
	net_after
}

@test "a port where nobody listens inside refuses, and one whose sandbox has ended is free" {
	web '{ host = 8080; guest = 8001; }, { host = 8081; guest = 8000; }'
	begin
	wait_until 10 answers host http://127.0.0.1:8081/
	run on host curl -s --max-time 5 http://127.0.0.1:8080/
	# Refused at once, not timed out: the reset may come before curl has looked at its connection, or after.
	[ "$status" -eq 7 ] || assert_status 56
	end
	serve host 8080 mine
	run on host curl -s http://127.0.0.1:8080/
	assert_line mine
}

@test "the launcher killed: relay and port are gone at once" {
	local relay

	web '{ host = 8080; guest = 8000; listen = "0.0.0.0"; }'
	begin
	wait_until 10 answers host http://127.0.0.1:8080/
	relay=$(relay)
	kill -KILL "$LAUNCHER"
	wait "$LAUNCHER" || :
	wait_until 5 eval "! kill -0 $relay 2>/dev/null"
	run on host curl -s --max-time 2 http://127.0.0.1:8080/
	assert_status 7
	net_after
}

@test "the relay killed: the sandbox ends, and the verdict says why" {
	web '{ host = 8080; guest = 8000; }'
	begin
	wait_until 10 answers host http://127.0.0.1:8080/
	kill -KILL "$(relay)"
	status=0
	wait "$LAUNCHER" || status=$?
	assert_status 123
	grep -q 'cannot serve published ports: the relay ended before the sandbox (signal 9)' "$TMP/out"
	grep -q '"verdict":"network-lost"' "$TMP/record"
	net_after
}

@test "the relay is nothing that the payload could see or slow down" {
	web '{ host = 8080; guest = 8000; }' web 'outbound = { default = "deny"; };'
	begin
	wait_until 10 answers host http://127.0.0.1:8080/
	# Not in its cgroups, nor in its namespaces.
	[ "$(cat "/proc/$(relay)/cgroup")" = "$(cat "/proc/$LAUNCHER/cgroup")" ]
	[ "$(readlink "/proc/$(relay)/ns/pid")" = "$(readlink "/proc/$LAUNCHER/ns/pid")" ]
	# A flood of connections that say nothing leaves room for one that does.
	on host python3 - 127.0.0.1 8080 "$TMP/flooded" <<-'END' 3>&- &
		import socket, sys, time
		held = [socket.create_connection((sys.argv[1], int(sys.argv[2]))) for i in range(400)]
		open(sys.argv[3], "w").close()
		time.sleep(3)
	END
	wait_until 20 test -e "$TMP/flooded"
	answers host http://127.0.0.1:8080/
	wait $!
	end
	net_after
}
