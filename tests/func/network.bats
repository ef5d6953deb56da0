# network: nothing but a loopback interface, unless the profile says the host's or somebody else's.
load ../lib/common

with() {
	profile <<-END
		format = 1;
		root = { source = "$ROOTFS"; };
		mounts = ( { type = "proc"; target = "/proc"; }, { type = "dev"; target = "/dev"; } );
		$1
	END
}

teardown() {
	[ -z "${added:-}" ] || ip link del "$added"
}

# The host must have something to hide.
host_interfaces() {
	find /sys/class/net -type l | wc -l
}

@test "only lo inside, and it is up; the host's interfaces are outside" {
	if [ "$(host_interfaces)" -lt 2 ]; then
		ip link add sandboxtest0 type veth peer name sandboxtest1
		added=sandboxtest0
	fi
	with ''
	for who in env as_user; do
		[ "$who" != env ] || who=
		run $who sandbox -p "$PROFILE" -- sh -c 'tail -n +3 /proc/net/dev | cut -d: -f1'
		assert_status 0
		[ "$(tr -d ' \n' <<<"$output")" = lo ] || { echo "$output"; false; }
		run $who sandbox -p "$PROFILE" -- ip addr
		assert_status 0
		assert_output "UP"
		assert_output "127.0.0.1/8"
		run $who sandbox -p "$PROFILE" -- ping -c 1 -W 2 127.0.0.1
		[ "$status" -eq 0 ] || assert_output "ermi"
	done
	[ "$(host_interfaces)" -gt 1 ]
}

@test "a server on lo answers inside and not outside" {
	local listening='until grep -qs :1E61 /proc/net/tcp /proc/net/tcp6; do sleep 0.1; done;'

	with 'seccomp = { allow = { add = [ "@network-io" ]; }; };'
	run sandbox -p "$PROFILE" -- sh -c "echo hello | nc -l -p 7777 & $listening nc -w 2 127.0.0.1 7777 </dev/null"
	assert_status 0
	assert_line hello
	"$SANDBOX" -p "$PROFILE" -- sh -c "echo hello | nc -l -p 7777 & $listening echo ready; wait" >"$TMP/out" 2>&1 3>&- &
	wait_until 10 grep -qx ready "$TMP/out"
	run bash -c 'exec 9<>/dev/tcp/127.0.0.1/7777'
	kill $!
	wait $! || :
	[ "$status" -ne 0 ]
}

@test "mode host shows the host's interfaces" {
	with 'namespaces = { remove = [ "net" ]; }; network = { mode = "host"; };'
	run sandbox -p "$PROFILE" -- sh -c 'tail -n +3 /proc/net/dev | cut -d: -f1'
	assert_status 0
	[ "$(tr -d ' ' <<<"$output" | sort)" = "$(tail -n +3 /proc/net/dev | cut -d: -f1 | tr -d ' ' | sort)" ]
}

@test "what namespaces and mode say must agree" {
	with 'network = { mode = "host"; };'
	run sandbox -p "$PROFILE" -- true
	assert_status 121
	assert_output "$PROFILE:4: network.mode"
	assert_output 'namespaces = { remove = [ "net" ]; }'
	with 'namespaces = { remove = [ "net" ]; };'
	run sandbox -p "$PROFILE" -- true
	assert_status 121
	assert_output 'network.mode = "host"'
}
