# What a hostile caller can pass on over its exec reaches neither the launcher's work nor the payload.
load ../lib/common

setup_file() {
	chmod 0755 "$BATS_FILE_TMPDIR"
	cc -std=gnu11 -D_GNU_SOURCE -O1 -static -o "$BATS_FILE_TMPDIR/state" "$BATS_TEST_DIRNAME/../lib/state.c"
}

setup() {
	STATE=$BATS_FILE_TMPDIR/state
	profile <<-END
		format = 1;
		root = { source = "$ROOTFS"; };
		mounts = (
			{ type = "proc"; target = "/proc"; },
			{ type = "dev"; target = "/dev"; },
			{ type = "bind"; source = "$BATS_FILE_TMPDIR"; target = "/mnt"; }
		);
	END
}

LOOK='grep -E "^(SigBlk|SigIgn|SigCgt|Umask|Cap|Groups)" /proc/self/status; cat /proc/self/personality
	echo "hostile variables: $(env | grep -c -e HOSTILE -e PAYLOAD -e BASH_ENV)"; echo "descriptors: $(ls /proc/self/fd | xargs)"
	echo "core: $(ulimit -Sc) $(ulimit -Hc)"; echo "stack: $(ulimit -Ss)"'

check_normal() {
	assert_status 0
	assert_line $'Umask:\t0022'
	assert_line $'SigBlk:\t0000000000000000'
	assert_line $'SigIgn:\t0000000000000000'
	assert_line $'SigCgt:\t0000000000000000'
	assert_line 00000000
	assert_line "hostile variables: 0"
	assert_line "descriptors: 0 1 2 3"
	assert_line "core: 0 0"
}

@test "blocked and ignored signals, umask, limits, open descriptors, a huge environment, personality" {
	run "$STATE" hostile "$SANDBOX" -p "$PROFILE" -- sh -c "$LOOK"
	check_normal
	run as_user "$STATE" hostile "$(_user_sandbox)" -p "$PROFILE" -- sh -c "$LOOK"
	check_normal
	# The same shell, outside: all of it is there.
	run "$STATE" hostile sh -c "$LOOK"
	refute_output $'Umask:\t0022'
	refute_output $'SigIgn:\t0000000000000000'
	assert_line "hostile variables: 2002"
	assert_output " 100 101 102 "
	assert_line "core: unlimited unlimited"
	run "$STATE" hostile cat /proc/self/status
	refute_output $'SigBlk:\t0000000000000000'
}

@test "the same with the payload as process 1" {
	run "$STATE" hostile "$SANDBOX" -p "$PROFILE" -s process.init=false -- sh -c "$LOOK"
	check_normal
}

@test "the exit status is seen although the caller ignores SIGCHLD" {
	run "$STATE" hostile "$SANDBOX" -p "$PROFILE" -- sh -c 'exit 7'
	assert_status 7
	run "$STATE" hostile "$SANDBOX" -p "$PROFILE" -- sh -c 'kill -TERM $$'
	assert_status 143
}

@test "a time limit holds although the caller blocks every signal" {
	run timeout 20 "$STATE" hostile "$SANDBOX" -p "$PROFILE" -s process.time_limit=300ms -s process.kill_grace=100ms -- sleep 100
	assert_status 124
}

@test "a key of the caller's session keyring is out of reach" {
	run "$STATE" withkey "$STATE" getkey
	[ "$output" = found ] || skip "no keys here"
	run "$STATE" withkey "$SANDBOX" -p "$PROFILE" -s 'seccomp.allow={ add = [ "keyctl" ]; }' -- /mnt/state getkey
	assert_line none
	run as_user "$STATE" withkey "$(_user_sandbox)" -p "$PROFILE" -s 'seccomp.allow={ add = [ "keyctl" ]; }' -- /mnt/state getkey
	assert_line none
}

@test "a caller under a real-time policy does not pass it on" {
	as_root_only
	chrt -f 1 true || skip "no real-time policy here"
	run chrt -f 1 "$SANDBOX" -p "$PROFILE" -- sh -c 'cut -d" " -f41 /proc/self/stat'
	assert_line 0
	run chrt -f 1 sh -c 'cut -d" " -f41 /proc/self/stat'
	assert_line 1
}

@test "descriptors 0 to 2 closed: refused, one by one" {
	local fd

	for fd in 0 1 2; do
		run bash -c 'exec 9>&1; "$0" -p "$1" --status-fd 9 -- true '"$fd"'>&-' "$SANDBOX" "$PROFILE"
		assert_status 120
	done
}

@test "no arguments at all" {
	run "$STATE" noargs "$SANDBOX"
	assert_status 120
}
