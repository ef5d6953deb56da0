# curl: fetches from the server that was named; no other server, port or name, and no address of the machine's own.

# shellcheck disable=SC2030,SC2031,SC2154 # what bats' run sets
bats_require_minimum_version 1.5.0
load ../lib/common
load ../lib/net
load ../lib/profiles
load ../lib/internet

setup_file() {
	packages curl wget openssl passt iproute2 python3
	openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=server.test -addext subjectAltName=DNS:server.test \
		-keyout "$BATS_FILE_TMPDIR/key" -out "$BATS_FILE_TMPDIR/certificate" 2>/dev/null
	cat "$BATS_FILE_TMPDIR/certificate" "$BATS_FILE_TMPDIR/key" >"$BATS_FILE_TMPDIR/both"
}

setup() {
	as_root_only
	residue_before
	internet_up
	mkdir "$TMP/site"
	seq 1 100000 >"$TMP/site/numbers"
	echo 'the page' >"$TMP/site/index.html"
}

teardown() {
	internet_down
	residue_after
}

fetches() {
	cp "$BATS_FILE_TMPDIR/certificate" .
	run launch -D host=server.test -- curl -sS --cacert certificate -O https://server.test/numbers
	assert_status 0
	[ -z "$output" ]
	cmp numbers "$TMP/site/numbers"
	[ "$(stat -c %u numbers)" = "$(stat -c %u .)" ]
	run launch -D host=198.51.100.0/24 -D port=8000-8090 -- curl -sS -O http://198.51.100.7:8080/numbers
	assert_status 0
	cmp numbers "$TMP/site/numbers"
	run launch -D host=server.test -D port=8080 -- wget -q -O page http://server.test:8080/
	assert_status 0
	[ "$(cat page)" = "the page" ]
	echo "mine" >request
	run launch -D host=server.test -D port=8080 -- curl -sS -o answer -w '%{http_code}' -T request http://server.test:8080/
	assert_status 0
	[ "$output" = 501 ] # of a server that takes nothing
}

@test "curl and wget fetch from the named server, with TLS and without" {
	web outside 443 "$TMP/site" "$BATS_FILE_TMPDIR/both"
	web outside 8080 "$TMP/site"
	each_launcher fetches
}

# A server on this machine: by a word that says so, on a bridge; that port of it and no other.
fetches_here() {
	local LAUNCH_OPTIONS=(-s network.mode=veth -s network.bridge.name=sandbox0 -s network.bridge.address=10.88.0.1/16 -D host=host)

	run launch "${LAUNCH_OPTIONS[@]}" -D port=8081 -- curl -sSf --max-time 5 http://10.88.0.1:8081/
	assert_status 0
	assert_line "the page"
	run launch "${LAUNCH_OPTIONS[@]}" -D port=8082 -- curl -sSf --max-time 2 http://10.88.0.1:8081/
	assert_status 7
	# Through pasta there is no way, whatever it is called.
	run launch -D host=192.0.2.1 -D port=8081 -- curl -sSf --max-time 2 http://192.0.2.1:8081/
	assert_status 7
}

@test "root lets curl fetch from a server on this machine" {
	web host 8081 "$TMP/site"
	LAUNCHER=root
	WORK=$TMP/work
	mkdir "$WORK"
	cd "$WORK"
	fetches_here
}

# A server that sends its visitors on: to a service of the machine's own, or of a neighbour.
elsewhere() {
	local LAUNCH_OPTIONS=(-D host=server.test -D port=8080) to

	for to in 192.0.2.3:8081 other.test:8081 server.test:8081 192.0.2.1:8081 127.0.0.1:8081; do
		refuses curl -sSf --max-time 2 "http://$to/index.html"
		[[ $status =~ ^(6|7|28)$ ]] || _wrong "expected no name or no connection"
	done
	# The named one is there all the while.
	run launch "${LAUNCH_OPTIONS[@]}" -- curl -sSf http://server.test:8080/
	assert_line "the page"
	# Names: what a program may ask for is as good a way out as any.
	refuses getent ahostsv4 other.test
	run launch "${LAUNCH_OPTIONS[@]}" -- curl -sSf http://other.test:8081/
	assert_output "Could not resolve host: other.test"
	# Without a name there is nothing.
	LAUNCH_OPTIONS=()
	refuses curl -sSf --max-time 2 http://198.51.100.7:8080/
	[[ $status =~ ^(7|28)$ ]] || _wrong "expected no connection"
}

@test "no other server, port or name is reached, nor this machine" {
	local host

	web outside 8080 "$TMP/site"
	for host in outside client host; do
		web "$host" 8081 "$TMP/site"
	done
	each_launcher elsewhere
}

refusals() {
	local theirs=$TMP/theirs-$LAUNCHER

	echo hunter2 >"$theirs/password"
	refuses_there curl -sSf "file://$theirs/password"
	assert_output hunter2
	refuses_there curl -sSf -o "$theirs/.profile" "file:///etc/passwd"
	[ -e "$theirs/.profile" ]
	refuses_secret
	refuses_writing
	refuses_starting
	refuses_namespaces
	refuses_memory 512M -s cgroup.memory.max=256M
}

@test "no file elsewhere is read or written, nothing is started" {
	each_launcher refusals
}
