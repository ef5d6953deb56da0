# What goes wrong outside the profile's text: each gets one clear message with the stage and the place, the right exit
# status, and leaves nothing behind.

bats_require_minimum_version 1.5.0
load ../lib/common

setup() {
	residue_before
	mkdir "$TMP/root"
	profile <<-EOF
		format = 1;
		root = { source = "$TMP/root"; };
		mounts = ( { type = "bind"; source = "/bin/busybox"; target = "/busybox"; } );
		process = { command = [ "/busybox", "true" ]; };
	EOF
	: >"$TMP/root/busybox"
}

teardown() {
	residue_after
}

# refused STATUS STAGE TEXT...: one message (and at most one line of advice), of that stage, with these texts.
refused() {
	local text

	assert_status "$1"
	[ "$(grep -c . <<<"$output")" -le 2 ] || _wrong "more than a message and its remedy"
	[ -z "$2" ] || assert_output "($2"
	for text in "${@:3}"; do
		assert_output "$text"
	done
}

@test "control: the profile of these tests runs" {
	run sandbox -p "$PROFILE"
	assert_status 0
	[ -z "$output" ]
}

@test "missing profile" {
	run sandbox -p nosuchprofile -- true
	refused 121 "" "nosuchprofile"
	run sandbox -p "$TMP/nosuch.conf" -- true
	refused 121 "" "nosuch.conf"
}

@test "missing root" {
	run sandbox -p "$PROFILE" -s "root.source=$TMP/nowhere"
	refused 122 "root, plan" "$TMP/nowhere" "No such file"
}

@test "a root that is a file" {
	run sandbox -p "$PROFILE" -s "root.source=/etc/passwd"
	refused 122 "root, plan" "/etc/passwd"
}

@test "missing command: none given, not found, not executable, a script without its interpreter" {
	run sandbox -p "$PROFILE" -s 'process.command=()'
	refused 120 "process, plan" "no command is given"
	run -127 sandbox -p "$PROFILE" -- /nosuch
	refused 127 "exec" "/nosuch"
	mkdir "$TMP/root/directory"
	run -126 sandbox -p "$PROFILE" -- /directory
	refused 126 "exec" "Permission denied"
	printf '#!/nosuch\n' >"$TMP/root/script"
	chmod 755 "$TMP/root/script"
	run -127 sandbox -p "$PROFILE" -- /script
	refused 127 "exec" "interpreter"
	printf 'x' >"$TMP/root/data"
	run -126 sandbox -p "$PROFILE" -- /data
	refused 126 "exec" "Permission denied"
	chmod 755 "$TMP/root/data"
	run -126 sandbox -p "$PROFILE" -- /data
	refused 126 "exec" "Exec format error"
}

@test "source of a bind missing: the message has its line" {
	cat >>"$PROFILE" <<<'hide = [];'
	sed -i 's|/bin/busybox|/nosuch/file|' "$PROFILE"
	run sandbox -p "$PROFILE"
	refused 122 "mounts, plan" "$PROFILE:3: mounts[0].source: cannot open /nosuch/file"
}

@test "target of a bind missing on a root that may not be written" {
	run sandbox -p "$PROFILE" -s 'mounts=( { type = "tmpfs"; target = "/nosuch"; } )'
	refused 123 "mounts, enter" "/nosuch"
}

@test "an id that no map holds, an id out of range" {
	run sandbox -p "$PROFILE" -s users.uid=70000
	refused 121 "userns, plan" "70000"
	run sandbox -p "$PROFILE" -s users.uid=4294967295
	refused 121 ""
	run sandbox -p "$PROFILE" -s users.uid=-1
	refused 121 ""
}

@test "profiles that extend each other" {
	printf 'format = 1;\nextends = [ "./b.conf" ];\n' >"$TMP/a.conf"
	printf 'format = 1;\nextends = [ "./a.conf" ];\n' >"$TMP/b.conf"
	run sandbox -p "$TMP/a.conf" -- true
	refused 121 "" "b.conf:2" "circle"
}

@test "unknown system call, unknown capability: with the nearest" {
	run sandbox -p "$PROFILE" -s 'seccomp.deny=["ptrac"]'
	refused 121 "" "ptrac" "did you mean \"ptrace\""
	run sandbox -p "$PROFILE" -s 'capabilities.keep=["NET_ADMINN"]'
	refused 121 "" "did you mean \"NET_ADMIN\""
}

@test "an argument list too long for the stack inside" {
	local big
	big=$(head -c 120000 /dev/zero | tr '\0' x)

	run sandbox -p "$PROFILE" -- /busybox true "$big" "$big"
	assert_status 0
	run -126 sandbox -p "$PROFILE" -s rlimits.stack=512K -- /busybox true "$big" "$big"
	refused 126 "exec" "Argument list too long" "rlimits.stack"
}

@test "closed standard descriptors" {
	run bash -c '"$SANDBOX" -p "$0" <&-' "$PROFILE"
	refused 120 "" "standard input is closed"
	run bash -c '"$SANDBOX" -p "$0" 2>&1 >&-' "$PROFILE"
	refused 120 "" "standard output is closed"
	run bash -c '"$SANDBOX" -p "$0" 2>&-' "$PROFILE"
	assert_status 120
}

@test "no user namespaces on this host" {
	as_root_only
	local limit
	limit=$(cat /proc/sys/user/max_user_namespaces)

	# In a user namespace of the test's own: its limit is nobody else's.
	run unshare --user --map-root-user sh -c 'echo 0 >/proc/sys/user/max_user_namespaces; exec "$@"' sh "$SANDBOX" -p "$PROFILE"
	refused 122 "" "user namespace" "max_user_namespaces"
	[ "$(cat /proc/sys/user/max_user_namespaces)" = "$limit" ]
}

@test "a cgroup that cannot be made" {
	run as_user sandbox -p "$CHECKOUT/profiles/minimal.conf" -s cgroup.pids.max=10 -- true
	refused 122 "cgroup, plan"
	# On cgroup v1 no user can; on v2 the remedy is a command.
	if [ -e /sys/fs/cgroup/cgroup.controllers ]; then
		assert_output "systemd-run --user --scope -p Delegate=yes"
	else
		assert_output "cgroup v1, where only root can use it"
	fi
	run as_user sandbox -p "$CHECKOUT/profiles/minimal.conf" -s cgroup.pids.max=10 -s cgroup.missing=skip -- true
	assert_status 0
}

@test "a full disk: a file that does not fit its tmpfs root" {
	profile <<-EOF
		format = 1;
		root = { size = "4K"; };
		mounts = ( { type = "directory"; target = "/a"; }, { type = "directory"; target = "/b"; },
			{ type = "directory"; target = "/c"; }, { type = "directory"; target = "/d"; } );
	EOF
	run sandbox -p "$PROFILE" -s root.inodes=3 -- true
	refused 123 "mounts, enter" "No space left"
	# The control: there is room for all of it, and nothing to run in it.
	run -127 sandbox -p "$PROFILE" -- true
	refused 127 "exec"
}

@test "a full disk: the verdict record cannot be written" {
	run sandbox -p "$PROFILE" --status-file /dev/full
	refused 125 "" "cannot write the status record" "No space left"
	run sandbox -p "$PROFILE" --status-file "$TMP/nosuch/status"
	refused 120 "" "$TMP/nosuch"
}

# An outer filter, as of a container or a hardened service, that takes one call away. A message names what could not be done.
@test "a required call blocked by an outer filter: a refusal, no residue, no payload" {
	local call error bad=0

	cc -std=gnu11 -D_GNU_SOURCE -O1 -Wall -Wextra -Werror -o "$TMP/without" "$BATS_TEST_DIRNAME/../lib/without.c"
	run "$TMP/without" ENOSYS landlock_create_ruleset "$SANDBOX" -p "$PROFILE"
	assert_status 0
	for call in openat2 open_tree fsopen fsmount fsconfig move_mount mount_setattr pivot_root pidfd_send_signal close_range clone3 \
		keyctl seccomp; do
		for error in EPERM ENOSYS; do
			run "$TMP/without" "$error" "$call" "$SANDBOX" -p "$PROFILE" -- /busybox echo payload
			# Without keys in the kernel (ENOSYS) there is no keyring to leave.
			[ "$call $error" = "keyctl ENOSYS" ] && continue
			if [ "$status" -ne 122 ] || [ "$(grep -c . <<<"$output")" -gt 2 ] || [[ $output == *payload* ]] ||
				[[ $output != *"$call"* ]]; then
				echo "$call $error: status $status: $output"
				bad=1
			fi
		done
	done
	[ "$bad" = 0 ]
}
