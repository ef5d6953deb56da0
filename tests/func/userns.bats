# userns: the ids inside stand for exactly the host users that the profile means.
# shellcheck disable=SC2016 # scripts in single quotes are for the shell inside
load ../lib/common

with() {
	profile <<-END
		format = 1;
		root = { source = "$ROOTFS"; };
		mounts = ( { type = "proc"; target = "/proc"; }, { type = "tmpfs"; target = "/tmp"; mode = "1777"; } );
		$1
	END
}

# The process of the host that the command of launcher $1 is.
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

stop() {
	kill "$launcher"
	wait "$launcher" || :
}

@test "as root, auto gives a range of unprivileged ids" {
	as_root_only
	with ''
	run sandbox -p "$PROFILE" -- sh -c 'cat /proc/self/uid_map; id -u; cat /proc/self/setgroups'
	assert_status 0
	read -r inside outside count <<<"${lines[0]}"
	[ "$inside" -eq 0 ]
	[ "$count" -eq 65536 ]
	[ "$outside" -ge 65536 ]
	assert_line 1000
	assert_line allow
}

@test "as root, the payload is nobody of importance on the host" {
	as_root_only
	with 'users = { uid = 0; gid = 0; };'
	start root -p "$PROFILE" -- sleep 60
	[ "$(stat -c %u "/proc/$payload")" -ge 65536 ]
	[ "$(stat -c %g "/proc/$payload")" -ge 65536 ]
	grep -q '^Groups:[[:space:]]*$' "/proc/$payload/status"
	stop
}

@test "two sandboxes at a time never share a range, and it is free again afterwards" {
	as_root_only
	if grep -q '^root:\|^0:' /etc/subuid; then
		skip "root has a line in /etc/subuid, which is used instead"
	fi
	with ''
	for i in 1 2 3 4; do
		"$SANDBOX" -p "$PROFILE" -- sh -c 'cat /proc/self/uid_map; exec sleep 60' >"$TMP/map.$i" &
	done
	for i in 1 2 3 4; do
		wait_until 5 test -s "$TMP/map.$i"
	done
	[ "$(cat "$TMP"/map.* | sort -u | wc -l)" -eq 4 ] || { cat "$TMP"/map.*; false; }
	for i in 1 2 3 4; do
		locked "$TMP/map.$i"
	done
	jobs -p | xargs kill
	wait || :
	for i in 1 2 3 4; do
		wait_until 5 unlocked "$TMP/map.$i"
	done
	[ "$(stat -c '%u %a' /run/sandbox/ranges)" = "0 600" ]
}

# Whether the range in a uid_map is locked: byte N of the file stands for the ids from N * 65536 on.
locked() {
	local outside

	read -r _ outside _ <"$1"
	grep -q ":$(stat -c %i /run/sandbox/ranges) $((outside >> 16)) $((outside >> 16))\$" /proc/locks
}

unlocked() {
	! locked "$1"
}

@test "as an ordinary user, auto maps the caller alone and denies setgroups" {
	with ''
	run as_user sandbox -p "$PROFILE" -- sh -c 'cat /proc/self/uid_map /proc/self/gid_map | tr -s " "; cat /proc/self/setgroups; id'
	assert_status 0
	[ "${lines[0]# }" = "1000 65534 1" ] || { echo "$output"; false; }
	[ "${lines[1]# }" = "1000 65534 1" ]
	assert_line deny
	assert_output "uid=1000"
}

@test "root inside is the unprivileged user outside" {
	with 'users = { uid = 0; gid = 0; };'
	start user -p "$PROFILE" -- sleep 60
	[ "$(stat -c %u "/proc/$payload")" -eq 65534 ]
	stop
}

@test "an id without a map shows as 65534" {
	with 'users = { uid = 0; gid = 0; };'
	run as_user sandbox -p "$PROFILE" -- stat -c '%u %g' /bin
	assert_status 0
	assert_line "65534 65534"
	[ "$(stat -c %u "$ROOTFS/bin")" -eq 0 ]
}

@test "setgroups fails rootless, whatever the capabilities" {
	with 'users = { uid = 0; gid = 0; }; capabilities = { keep = [ "SETGID", "SETUID" ]; }; seccomp = { allow = { add = [ "@setuid" ]; }; };'
	run as_user sandbox -p "$PROFILE" -- sh -c 'echo allow >/proc/self/setgroups'
	[ "$status" -ne 0 ]
	run as_user sandbox -p "$PROFILE" -- cat /proc/self/setgroups
	assert_line deny
}

@test "map root and self: the caller as 0, or under the caller's own number" {
	with 'users = { map = "root"; };'
	run as_user sandbox -p "$PROFILE" -- sh -c 'id -u; tr -s " " </proc/self/uid_map'
	assert_status 0
	assert_line 0
	assert_line " 0 65534 1"
	with 'users = { map = "self"; };'
	run as_user sandbox -p "$PROFILE" -- sh -c 'id -u; tr -s " " </proc/self/uid_map'
	assert_status 0
	assert_line 65534
	assert_line " 65534 65534 1"
}

@test "a payload outside of the map is refused at its line" {
	with 'users = { map = "root"; uid = 5; gid = 0; };'
	run as_user sandbox -p "$PROFILE" -- true
	assert_status 121
	assert_output "$PROFILE:4: users.uid"
	assert_output "the map holds 0 only"
}

@test "the host's root is mapped only where the profile says so" {
	as_root_only
	for keys in 'map = "root"; uid = 0; gid = 0' 'map = "self"; uid = 0; gid = 0' 'uid = 0; gid = 0; uid_map = ( { inside = 0; outside = 0; } ); gid_map = ( { inside = 0; outside = 5; } )' \
		'uid = 0; gid = 0; uid_map = ( { inside = 0; outside = 5; } ); gid_map = ( { inside = 0; outside = 0; } )'; do
		with "users = { $keys; };"
		run sandbox -p "$PROFILE" -- true
		assert_status 121
		assert_output "host-root"
		with "users = { $keys; }; dangerous = [ \"host-root\" ];"
		run sandbox -p "$PROFILE" -- id -u
		assert_status 0
		assert_line 0
	done
	with 'users = { map = "none"; uid = 0; gid = 0; }; namespaces = { remove = [ "user" ]; };'
	run sandbox -p "$PROFILE" -- true
	assert_status 121
	assert_output "host-root"
	run sandbox -p "$PROFILE" -s 'dangerous=["host-root"]' -- id -u
	assert_status 0
	assert_line 0
}

@test "map none: the host's ids as root, refused to an ordinary user" {
	with 'users = { map = "none"; uid = 1234; gid = 1234; }; namespaces = { remove = [ "user" ]; };'
	run as_user sandbox -p "$PROFILE" -- true
	assert_status 122
	assert_output "$PROFILE:4: users.map"
	assert_output "run as root"
	as_root_only
	start root -p "$PROFILE" -- sleep 60
	[ "$(stat -c %u "/proc/$payload")" -eq 1234 ]
	[ "$(readlink "/proc/$payload/ns/user")" = "$(readlink /proc/self/ns/user)" ]
	stop
}

@test "explicit maps hold exactly what is written" {
	as_root_only
	with 'users = { uid = 7; gid = 9;
		uid_map = ( { inside = 0; outside = 200000; count = 10; }, { inside = 100; outside = 300000; count = 5; } );
		gid_map = ( { inside = 9; outside = 400000; } ); };'
	run sandbox -p "$PROFILE" -- sh -c 'cat /proc/self/uid_map /proc/self/gid_map | tr -s " "; id -u; id -g'
	assert_status 0
	assert_line " 0 200000 10"
	assert_line " 100 300000 5"
	assert_line " 9 400000 1"
	assert_line 7
	assert_line 9
}

@test "overlapping, endless and half-written maps are refused at their line" {
	with 'users = { uid = 0; gid = 0;
		uid_map = ( { inside = 0; outside = 200000; count = 10; },
			{ inside = 9; outside = 300000; } );
		gid_map = ( { inside = 0; outside = 5; } ); };'
	run sandbox -p "$PROFILE" -- true
	assert_status 121
	assert_output "$PROFILE:6: users.uid_map[1]"
	assert_output "twice"
	with 'users = { uid = 0; gid = 0; uid_map = ( { inside = 0; outside = 4294967000L; count = 65536; } );
		gid_map = ( { inside = 0; outside = 5; } ); };'
	run sandbox -p "$PROFILE" -- true
	assert_status 121
	assert_output "4294967294"
	with 'users = { uid = 0; gid = 0; uid_map = ( { inside = 0; outside = 5; } ); };'
	run sandbox -p "$PROFILE" -- true
	assert_status 121
	assert_output "users.gid_map"
	with 'users = { uid = 4294967295L; };'
	run sandbox -p "$PROFILE" -- true
	assert_status 121
	assert_output "$PROFILE:4: users.uid"
}

# in_private 'SCRIPT': as root in a mount namespace of its own, where files of /etc and /usr can be covered.
in_private() {
	unshare -m --propagation private sh -euc "$1" sh "$TMP" "$(_user_sandbox)" "$PROFILE"
}

user='setpriv --reuid=65534 --regid=65534 --clear-groups'

@test "subid: the caller as 0 and the caller's ranges behind it" {
	as_root_only
	with 'users = { map = "subid"; uid = 1000; gid = 1000; };'
	echo "nobody:300000:65536" >"$TMP/subid"
	run in_private "mount --bind \"\$1/subid\" /etc/subuid; mount --bind \"\$1/subid\" /etc/subgid
		$user \"\$2\" -p \"\$3\" -- sh -c 'id -u; cat /proc/self/uid_map /proc/self/gid_map | tr -s \" \"; cat /proc/self/setgroups'"
	assert_status 0
	assert_line 1000
	[ "$(grep -cx ' 0 65534 1' <<<"$output")" -eq 2 ]
	[ "$(grep -cx ' 1 300000 65536' <<<"$output")" -eq 2 ]
	assert_line allow
}

@test "subid without a range says how to get one" {
	as_root_only
	with 'users = { map = "subid"; uid = 0; gid = 0; };'
	: >"$TMP/subid"
	run in_private "mount --bind \"\$1/subid\" /etc/subuid; mount --bind \"\$1/subid\" /etc/subgid; $user \"\$2\" -p \"\$3\" -- true"
	assert_status 122
	assert_output "/etc/subuid has no range for nobody"
	assert_output "usermod --add-subuids"
}

@test "subid without newuidmap names the package" {
	as_root_only
	with 'users = { map = "subid"; uid = 0; gid = 0; };'
	echo "nobody:300000:65536" >"$TMP/subid"
	: >"$TMP/nothing"
	run in_private "mount --bind \"\$1/subid\" /etc/subuid; mount --bind \"\$1/subid\" /etc/subgid
		mount --bind \"\$1/nothing\" \"\$(command -v newuidmap)\"; $user \"\$2\" -p \"\$3\" -- true"
	assert_status 122
	assert_output "newuidmap"
	assert_output "uidmap (Debian"
}

@test "a range that is not the caller's is refused by newuidmap, and its words reach the user" {
	as_root_only
	with 'users = { uid = 0; gid = 0; uid_map = ( { inside = 0; outside = 65534; }, { inside = 1; outside = 700000; } );
		gid_map = ( { inside = 0; outside = 65534; }, { inside = 1; outside = 700000; } ); };'
	residue_before
	run as_user sandbox -p "$PROFILE" -- true
	assert_status 123
	assert_output "newuidmap"
	assert_output "/etc/subuid"
	residue_after
}

@test "as root, root's line of subuid is taken instead of a free range" {
	as_root_only
	with ''
	echo "root:500000:65536" >"$TMP/subid"
	run in_private 'mount --bind "$1/subid" /etc/subuid; mount --bind "$1/subid" /etc/subgid
		"$2" -p "$3" -- sh -c "tr -s \" \" </proc/self/uid_map"'
	assert_status 0
	assert_line " 0 500000 65536"
}

@test "a host without user namespaces is named, with the remedy" {
	with ''
	chown 65534 "$PROFILE"
	run as_user unshare -Ur sh -c 'echo 0 >/proc/sys/user/max_user_namespaces && exec "$1" -p "$2" -- true' sh "$(_user_sandbox)" \
		"$PROFILE"
	assert_status 122
	assert_output "user.max_user_namespaces"
	assert_output "sysctl"
}

@test "inside another user namespace without ids to spare, auto says so" {
	with ''
	chown 65534 "$PROFILE"
	run as_user unshare -Ur "$(_user_sandbox)" -p "$PROFILE" -- true
	assert_status 122
	assert_output "none to spare"
}
