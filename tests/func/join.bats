# join: existing namespaces are entered by path, and nothing else is.
load ../lib/common

with() {
	profile "$1" <<-END
		format = 1;
		root = { source = "$ROOTFS"; };
		mounts = ( { type = "proc"; target = "/proc"; }, { type = "dev"; target = "/dev"; } );
		$2
	END
}

payload_of() {
	local init

	init=$(pgrep -P "$1") && pgrep -P "$init"
}

# start CMD...: a sandbox to be joined; sets $launcher and $payload.
start() {
	"$@" &
	launcher=$!
	wait_until 5 payload_of "$launcher" >/dev/null
	payload=$(payload_of "$launcher")
	wait_until 5 test "$(cat "/proc/$payload/comm")" = sleep
}

teardown() {
	[ -z "${launcher:-}" ] || { kill "$launcher" && wait "$launcher"; } || :
	[ -z "${netns:-}" ] || ip netns del "$netns"
}

links='cd /proc/self/ns && readlink net ipc uts user'

@test "a second sandbox joins net and ipc of a running one, as root and as an ordinary user" {
	with first ''
	first=$PROFILE
	for who in env as_user; do
		[ "$who" != env ] || who=
		start $who sandbox -p "$first" -- sleep 60
		with second "join = ( { namespace = \"net\"; path = \"/proc/$payload/ns/net\"; }, { namespace = \"ipc\"; path = \"/proc/$payload/ns/ipc\"; } );"
		run $who sandbox -p "$PROFILE" -- sh -c "$links; id -u"
		assert_status 0
		assert_line "$(readlink "/proc/$payload/ns/net")"
		assert_line "$(readlink "/proc/$payload/ns/ipc")"
		refute_output "$(readlink "/proc/$payload/ns/uts")"
		# The one who owns them comes along: the ids are the same.
		assert_line "$(readlink "/proc/$payload/ns/user")"
		assert_line 1000
		kill "$launcher"
		wait "$launcher" || :
		launcher=
	done
}

@test "a joined pid namespace shows its processes" {
	as_root_only
	with first ''
	start sandbox -p "$PROFILE" -- sleep 61
	with second "join = ( { namespace = \"pid\"; path = \"/proc/$payload/ns/pid\"; } ); process = { init = false; };
		cgroup = { pids = { max = 50; }; };"
	run sandbox -p "$PROFILE" -- sh -c 'cat /proc/[0-9]*/cmdline | tr "\0" " "'
	assert_status 0
	assert_output "sleep 61"
	run sandbox -p "$PROFILE" -s 'process.init=true' -- true
	assert_status 121
	assert_output "process.init = false"
}

@test "a namespace made by ip netns can be joined, and the sandbox keeps its own users" {
	as_root_only
	netns=sandbox-test-$$
	ip netns add "$netns"
	ip -n "$netns" link add test0 type dummy
	with join "join = ( { namespace = \"net\"; path = \"/run/netns/$netns\"; } );"
	run sandbox -p "$PROFILE" -- sh -c 'tail -n +3 /proc/net/dev; readlink /proc/self/ns/user'
	assert_status 0
	assert_output "test0:"
	refute_output "$(readlink /proc/self/ns/user)"
	# What belongs to the host is not the sandbox's to change: its lo stays down.
	run ip -n "$netns" link show lo
	refute_output "LOWER_UP"
	run as_user sandbox -p "$PROFILE" -- true
	assert_status 122
	assert_output "$PROFILE:4: join[0].path"
	assert_output "the caller is not root"
}

@test "both at once: the host's namespace and a sandbox's" {
	as_root_only
	netns=sandbox-test-$$
	ip netns add "$netns"
	ip -n "$netns" link add test0 type dummy
	with first ''
	start sandbox -p "$PROFILE" -- sleep 60
	with both "join = ( { namespace = \"ipc\"; path = \"/proc/$payload/ns/ipc\"; }, { namespace = \"net\"; path = \"/run/netns/$netns\"; } );"
	run sandbox -p "$PROFILE" -- sh -c "tail -n +3 /proc/net/dev; $links"
	assert_status 0
	assert_output "test0:"
	assert_line "$(readlink "/proc/$payload/ns/ipc")"
}

@test "what is no namespace, or another kind, or gone, is refused" {
	with not 'join = ( { namespace = "net"; path = "/etc/passwd"; } );'
	run sandbox -p "$PROFILE" -- true
	assert_status 122
	assert_output "$PROFILE:4: join[0].path"
	assert_output "it is no namespace file"
	with kind 'join = ( { namespace = "net"; path = "/proc/self/ns/uts"; } );'
	run sandbox -p "$PROFILE" -- true
	assert_status 122
	assert_output "it is a uts namespace"
	with gone 'join = ( { namespace = "net"; path = "/run/netns/no-such-namespace"; } );'
	run sandbox -p "$PROFILE" -- true
	assert_status 122
	assert_output "No such file or directory"
}

@test "a fifo as path does not hang the launcher" {
	mkfifo "$TMP/fifo"
	with fifo "join = ( { namespace = \"net\"; path = \"$TMP/fifo\"; } );"
	run timeout "$(seconds 5)" "$SANDBOX" -p "$PROFILE" -- true
	assert_status 122
	assert_output "it is no namespace file"
}

@test "a map of one's own contradicts a joined user namespace" {
	as_root_only
	with first ''
	start sandbox -p "$PROFILE" -- sleep 60
	with second "join = ( { namespace = \"net\"; path = \"/proc/$payload/ns/net\"; } ); users = { map = \"self\"; };"
	run sandbox -p "$PROFILE" -- true
	assert_status 121
	assert_output "users.map"
}

@test "joining leaves nothing behind, also when it fails" {
	with first ''
	start sandbox -p "$PROFILE" -- sleep 60
	with second "join = ( { namespace = \"net\"; path = \"/proc/$payload/ns/net\"; } );"
	residue_before
	run sandbox -p "$PROFILE" -- true
	assert_status 0
	run sandbox -p "$PROFILE" -- /no/such/command
	assert_status 127
	residue_after
}
