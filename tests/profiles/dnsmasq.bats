# dnsmasq: names of a file, and those of a server that it is told to ask; nothing else is asked, read or written.

# shellcheck disable=SC2030,SC2031,SC2034,SC2154 # what bats' run sets, and lib/service
bats_require_minimum_version 1.5.0
load ../lib/common
load ../lib/profiles
load ../lib/net
load ../lib/service

setup_file() {
	packages dnsmasq-base dnsutils nginx-light curl iproute2 nftables passt
}

setup() {
	service_up
	printf '%s\n' '192.0.2.7 printer.home.arpa printer' '2001:db8::7 printer.home.arpa' >"$TMP/hosts"
	on outside dnsmasq --keep-in-foreground --conf-file=/dev/null --listen-address=198.51.100.7 --bind-interfaces --no-resolv \
		--no-hosts --pid-file= --user=nobody --address=/example.test/9.9.9.9 --address=/rebind.test/192.0.2.99 \
		--address=/private.test/192.168.1.1 3>&- &
	wait_until 5 eval '[ "$(on outside dig +short +time=1 +tries=1 @198.51.100.7 www.example.test)" = 9.9.9.9 ]'
}

teardown() {
	service_down
}

named() {
	from_host dig +short +time=1 +tries=1 @127.0.0.1 -p 1053 "$@" 2>/dev/null
}

serving() {
	[ "$(named printer.home.arpa)" = 192.0.2.7 ]
}

answers() {
	cp "$TMP/hosts" .
	begin
	wait_until 10 serving
	[ "$(named +tcp printer.home.arpa)" = 192.0.2.7 ]
	[ "$(named printer.home.arpa AAAA)" = 2001:db8::7 ]
	[ "$(named -x 192.0.2.7)" = printer.home.arpa. ]
	run from_host dig +time=1 +tries=1 @127.0.0.1 -p 1053 www.example.test
	assert_output 'status: REFUSED'
	# For this host alone.
	run on client dig +time=1 +tries=1 @192.0.2.1 -p 1053 printer.home.arpa
	refute_output 192.0.2.7
	end
	assert_status 0
}

@test "the names of a file, over UDP and TCP, and no others" {
	each_service answers
}

named_at() {
	[ "$(from_host dig +short +time=1 +tries=1 @127.0.0.1 -p "$1" printer.home.arpa 2>/dev/null)" = 192.0.2.7 ]
}

# Over UDP, whatever the port: below and above any that somebody might have chosen inside.
answers_anywhere() {
	local port

	cp "$TMP/hosts" .
	for port in 1024 5354 53535; do
		begin -D port="$port"
		wait_until 10 named_at "$port"
		end
	done
}

@test "on a low port and on high ones" {
	each_service answers_anywhere
}

# Launched by root, the host forwards what a veth sends.
forwarding() {
	FORWARDING=()
	[ "$LAUNCHER" = user ] || FORWARDING=(-s network.nat=true -s network.forwarding=enable)
}

forwards() {
	cp "$TMP/hosts" .
	forwarding
	begin -s 'network.dns.servers=["198.51.100.7"]' "${FORWARDING[@]}"
	wait_until 10 serving
	[ "$(named www.example.test)" = 9.9.9.9 ]
	# Twice from the cache: who answers there may be gone.
	[ "$(named www.example.test)" = 9.9.9.9 ]
	# An answer of outside that is an address of the network inside is a trick.
	[ "$(on host dig +short @198.51.100.7 www.private.test)" = 192.168.1.1 ]
	[ -z "$(named www.private.test)" ]
	end
	assert_status 0
	# And with that server it can speak of names, and of nothing else.
	serve outside 8098 'of outside'
	LAUNCH_OPTIONS=("${MODE[@]}" -s 'network.dns.servers=["198.51.100.7"]' "${FORWARDING[@]}")
	run launch "${LAUNCH_OPTIONS[@]}" -- dig +short +time=2 +tries=1 @198.51.100.7 www.example.test
	assert_line 9.9.9.9
	refuses curl -s --max-time 2 -o /dev/null http://198.51.100.7:8098/
	serve_stop
}

@test "it asks the server that it is told, and no other, and speaks of nothing else with it" {
	each_service forwards
}

# A configuration that says more than names.
is_hostile() {
	local theirs=$TMP/theirs-$LAUNCHER

	cp "$TMP/hosts" .
	echo 'secret.example 1' >"$theirs/secret"
	# A link to a file of names of somebody else's.
	echo '192.0.2.66 secret.home.arpa' >"$theirs/hosts"
	ln -sf "$theirs/hosts" hosts
	EXEC='exec' as_launcher dnsmasq --keep-in-foreground --conf-file=/dev/null --port=1053 --pid-file= --no-resolv --no-hosts \
		--addn-hosts="$WORK/hosts" --user= --log-facility="$TMP/user/log" 3>&- &
	SERVICE=$!
	wait_until 5 eval "named secret.home.arpa | grep -qx 192.0.2.66"
	end
	rm -f "$TMP/user/log"
	begin
	wait_until 10 eval 'named -x 127.0.0.1 >/dev/null'
	[ -z "$(named secret.home.arpa)" ]
	end
	begin --ro "$theirs"
	wait_until 10 eval '[ "$(named secret.home.arpa)" = 192.0.2.66 ]'
	end
	# A file that it is told to write.
	EXEC='exec' as_launcher dnsmasq --keep-in-foreground --conf-file=/dev/null --port=1053 --no-resolv --pid-file= \
		--log-facility="$theirs/log" 3>&- &
	SERVICE=$!
	wait_until 5 test -e "$theirs/log"
	end
	rm "$theirs/log"
	run launch "${MODE[@]}" -- timeout 10 dnsmasq --keep-in-foreground --conf-file=/dev/null --port=5353 --pid-file= \
		--log-facility="$theirs/log"
	assert_output 'cannot open log'
	[ ! -e "$theirs/log" ]
	refuses_service
	refuses_memory 256M
}

@test "it reads no other file, writes none, reaches nobody, gains nothing" {
	each_service is_hostile
}
