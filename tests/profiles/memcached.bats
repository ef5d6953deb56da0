# memcached: a cache for clients of this host, within its memory, without a file; it reaches nobody.

# shellcheck disable=SC2030,SC2031,SC2034,SC2154 # what bats' run sets, and lib/service
bats_require_minimum_version 1.5.0
load ../lib/common
load ../lib/profiles
load ../lib/net
load ../lib/service

setup_file() {
	packages memcached nginx-light curl iproute2 nftables passt
}

setup() {
	service_up
}

teardown() {
	service_down
}

# says LINE...: to the server, and what it answers
says() {
	printf '%s\r\n' "$@" quit | from_host timeout 5 bash -c 'exec 3<>/dev/tcp/127.0.0.1/11211 && cat >&3 && cat <&3' | tr -d '\r'
}

serving() {
	says version 2>/dev/null | grep -q '^VERSION'
}

caches() {
	begin
	wait_until 10 serving
	[ "$(says 'set greeting 7 60 5' hello 'get greeting' | xargs)" = "STORED VALUE greeting 7 5 hello END" ]
	[ "$(says 'set n 0 0 2' 41 'incr n 1' 'delete greeting' 'get greeting' | xargs)" = "STORED 42 DELETED END" ]
	[ "$(says 'set brief 0 1 1' x | xargs)" = STORED ]
	wait_until 10 eval "[ \"\$(says 'get brief')\" = END ]"
	# More than it may keep: the oldest go, and the server stays.
	from_host python3 - <<-'END'
		import socket
		s = socket.create_connection(("127.0.0.1", 11211))
		f = s.makefile("rb")
		for i in range(200):
		    s.sendall(b"set big%d 0 0 900000\r\n" % i + b"x" * 900000 + b"\r\n")
		    assert f.readline().strip() in (b"STORED", b"SERVER_ERROR out of memory storing object")
		s.sendall(b"get big199\r\n")
		assert f.readline() == b"VALUE big199 0 900000\r\n"
	END
	says stats | grep -q 'STAT evictions [1-9]'
	# Neither UDP nor another host.
	run from_host bash -c 'ss -Huln | grep 11211'
	assert_status 1
	run on client timeout 2 bash -c 'exec 3<>/dev/tcp/192.0.2.1/11211'
	[ "$status" -ne 0 ]
	end
	assert_status 0
}

@test "it keeps, counts, forgets, and stays within its memory" {
	each_service caches
}

refusals() {
	refuses_service
	refuses_memory 256M
	# What could be written is in memory, and next to nothing.
	refuses sh -c 'head -c 4M /dev/zero >/tmp/file-$$ && rm /tmp/file-$$ || exit 1'
	assert_output 'No space left on device'
}

@test "it has no file, reaches nobody, gains nothing" {
	each_service refusals
}
