# join: existing namespaces are entered by path, and nothing else is.
# shellcheck disable=SC2016 # scripts in single quotes are for the shell inside
load ../lib/common

# with 'more keys': a profile on a busybox root.
with() {
	profile "${2:-first}" <<-END
		format = 1;
		root = { source = "$ROOTFS"; };
		mounts = ( { type = "proc"; target = "/proc"; }, { type = "dev"; target = "/dev"; } );
		$1
	END
}

# joining 'KIND=PATH ...' 'more keys': one that joins these instead of making them; the elements stand on line 6.
joining() {
	local pair elements='' kinds=''

	for pair in $1; do
		elements+="{ namespace = \"${pair%%=*}\"; path = \"${pair#*=}\"; }, "
		kinds+="\"${pair%%=*}\", "
	done
	with "namespaces = { remove = [ ${kinds%, } ]; };
		join = (
			${elements%, } );
		${2:-}" second
}

payload_of() {
	local init

	init=$(pgrep -P "$1") && pgrep -P "$init"
}

# start root|user ARG...: runs a sandbox in the background; sets $launcher and $payload.
start() {
	local who=$1

	shift
	if [ "$who" = user ] && [ "$(id -u)" -eq 0 ]; then
		setpriv --reuid=65534 --regid=65534 --clear-groups "$(_user_sandbox)" "$@" &
	else
		"$SANDBOX" "$@" &
	fi
	launcher=$!
	wait_until 10 sleeps "$launcher"
	payload=$(payload_of "$launcher")
}

# Whether the command of launcher $1 runs already, and is the one we mean.
sleeps() {
	[ "$(cat "/proc/$(payload_of "$1")/comm")" = sleep ]
} 2>/dev/null

run_as() {
	local who=$1

	shift
	if [ "$who" = user ]; then
		as_user sandbox "$@"
	else
		sandbox "$@"
	fi
}

stop() {
	kill "$launcher"
	wait "$launcher" || :
	launcher=
}

teardown() {
	[ -z "${launcher:-}" ] || stop
	[ -z "${netns:-}" ] || ip netns del "$netns"
}

add_netns() {
	netns=sandbox-test-$$
	ip netns add "$netns"
	netns_link="net:[$(stat -Lc %i "/run/netns/$netns")]"
}

links='cd /proc/self/ns && readlink net && readlink ipc && readlink uts && readlink user'

@test "a second sandbox joins net and ipc of a running one, as root and as an ordinary user" {
	local first

	with ''
	first=$PROFILE
	for who in root user; do
		start "$who" -p "$first" -- sleep 60
		joining "net=/proc/$payload/ns/net ipc=/proc/$payload/ns/ipc"
		run run_as "$who" -p "$PROFILE" -- sh -c "$links; id -u"
		assert_status 0
		assert_line "$(readlink "/proc/$payload/ns/net")"
		assert_line "$(readlink "/proc/$payload/ns/ipc")"
		refute_output "$(readlink "/proc/$payload/ns/uts")"
		refute_output "$(readlink /proc/self/ns/uts)"
		# The one who owns them comes along: the ids are the same.
		assert_line "$(readlink "/proc/$payload/ns/user")"
		assert_line 1000
		stop
	done
}

@test "a joined pid namespace shows its processes" {
	as_root_only
	with ''
	start root -p "$PROFILE" -- sleep 61
	joining "pid=/proc/$payload/ns/pid" 'process = { init = false; }; cgroup = { pids = { max = 50; }; };'
	run sandbox -p "$PROFILE" -- sh -c 'cat /proc/[0-9]*/cmdline | tr "\0" " "'
	assert_status 0
	assert_output "sleep 61"
	run sandbox -p "$PROFILE" -s process.init=true -- true
	assert_status 121
	assert_output "process.init"
}

@test "a namespace made by ip netns can be joined, and the sandbox keeps its own users" {
	as_root_only
	add_netns
	joining "net=/run/netns/$netns"
	run sandbox -p "$PROFILE" -- sh -c "$links"
	assert_status 0
	assert_line "$netns_link"
	refute_output "$(readlink /proc/self/ns/user)"
	# What belongs to the host is not the sandbox's to change: its lo stays down.
	run ip -n "$netns" link show lo
	refute_output "LOWER_UP"
}

@test "an ordinary user cannot join what belongs to the host" {
	joining net=/proc/self/ns/net
	run as_user sandbox -p "$PROFILE" -- true
	assert_status 122
	assert_output "$PROFILE:6: join[0].path"
	assert_output "the caller is not root"
}

@test "nor what belongs to another user" {
	as_root_only
	with ''
	start root -p "$PROFILE" -- sleep 60
	joining "net=/proc/$payload/ns/net"
	run as_user sandbox -p "$PROFILE" -- true
	assert_status 122
	assert_output "Permission denied"
}

@test "both at once: the host's namespace and a sandbox's" {
	as_root_only
	add_netns
	with ''
	start root -p "$PROFILE" -- sleep 60
	joining "ipc=/proc/$payload/ns/ipc net=/run/netns/$netns"
	run sandbox -p "$PROFILE" -- sh -c "$links"
	assert_status 0
	assert_line "$netns_link"
	assert_line "$(readlink "/proc/$payload/ns/ipc")"
	assert_line "$(readlink "/proc/$payload/ns/user")"
}

@test "what is no namespace, or another kind, or gone, is refused at its line" {
	joining net=/etc/passwd
	run sandbox -p "$PROFILE" -- true
	assert_status 122
	assert_output "$PROFILE:6: join[0].path"
	assert_output "it is no namespace file"
	joining net=/proc/self/ns/uts
	run sandbox -p "$PROFILE" -- true
	assert_status 122
	assert_output "it is a uts namespace"
	joining net=/run/netns/no-such-namespace
	run sandbox -p "$PROFILE" -- true
	assert_status 122
	assert_output "No such file or directory"
}

@test "a fifo as path does not hang the launcher" {
	mkfifo "$TMP/fifo"
	joining "net=$TMP/fifo"
	run timeout "$(seconds 5)" "$SANDBOX" -p "$PROFILE" -- true
	assert_status 122
	assert_output "it is no namespace file"
}

@test "a namespace that is joined cannot be made as well" {
	with 'join = ( { namespace = "net"; path = "/proc/self/ns/net"; } );'
	run sandbox -p "$PROFILE" -- true
	assert_status 121
	assert_output "join[0].namespace"
}

@test "a map of one's own contradicts a joined user namespace" {
	as_root_only
	with ''
	start root -p "$PROFILE" -- sleep 60
	joining "net=/proc/$payload/ns/net" 'users = { map = "self"; };'
	run sandbox -p "$PROFILE" -- true
	assert_status 121
	assert_output "users.map"
}

@test "joining leaves nothing behind, also when it fails" {
	as_root_only
	with ''
	start root -p "$PROFILE" -- sleep 60
	joining "net=/proc/$payload/ns/net"
	residue_before
	run sandbox -p "$PROFILE" -- true
	assert_status 0
	run sandbox -p "$PROFILE" -s process.cwd=/no/such/directory -- true
	assert_status 123
	residue_after
}
