# kill: whoever is killed at whatever moment, nothing lives on, and the next sweep finds nothing of it.
# shellcheck disable=SC2016 # scripts in single quotes are for the shell inside
load ../lib/common

sweep=$BATS_TEST_DIRNAME/kill_sweep

setup() {
	residue_before
}

# The payload has a child that left its session, and one that ignores what it can.
payload='setsid sleep 60 & (trap "" TERM HUP INT; sleep 60) & sleep 60'

survives_nothing() {
	run "$@"
	echo "$output"
	assert_status 0
	assert_output ", 0 with survivors"
	sandbox gc
	residue_after
}

@test "the launcher is killed at every system call" {
	survives_nothing "$sweep" --random 40 "$SANDBOX" run -- sh -c "$payload"
}

@test "the launcher of an ordinary user is" {
	run _as_user "$sweep" --random 20 --every 3 "$(_user_sandbox)" run -- sh -c "$payload"
	echo "$output"
	assert_status 0
	residue_after
}

@test "without an init it is" {
	survives_nothing "$sweep" --random 40 --every 2 "$SANDBOX" run -s process.init=false -- sh -c "$payload"
}

@test "with relays for its output it is" {
	survives_nothing "$sweep" --every 3 "$SANDBOX" run -s process.output_limit=1M -- sh -c "$payload"
}

@test "with a pseudo-terminal it is" {
	survives_nothing "$sweep" --every 3 "$SANDBOX" run -s process.tty=always -- sh -c "$payload"
}

@test "without a pid namespace it is" {
	as_root_only
	profile <<-END
		format = 1;
		namespaces = [ "user", "mount", "net", "ipc", "uts", "cgroup" ];
		root = { source = "$ROOTFS"; idmap = "none"; };
		mounts = ( { type = "dev"; target = "/dev"; }, { type = "tmpfs"; target = "/tmp"; } );
		users = { uid = 0; gid = 0; };
		hide = [ ];
		read_only = [ ];
	END
	survives_nothing "$sweep" --random 40 --every 2 "$SANDBOX" -p "$PROFILE" -- sh -c "$payload"
	survives_nothing "$sweep" --random 40 --every 2 "$SANDBOX" -p "$PROFILE" -s process.init=false -- sh -c "$payload"
}

@test "control: the sweep finds what a launcher that does nothing leaves" {
	run "$sweep" --random 3 --every 20 sh -c "$payload"
	assert_status 1
	assert_output "left alive"
}

# The launcher learns of it at once, says so, and leaves nothing.
@test "the sandbox's first process is killed at any moment" {
	local early=0 late=0

	for init in true false; do
		for turn in $(seq 30); do
			"$SANDBOX" run -s process.init=$init -- sh -c "echo ran; $payload" >"$TMP/out" 2>"$TMP/errors" 3>&- &
			launcher=$!
			child=
			start=$SECONDS
			while [ -z "$child" ]; do
				[ $((SECONDS - start)) -le $((10 * SLOW)) ]
				read -r child _ <"/proc/$launcher/task/$launcher/children" || :
			done
			# In most turns as soon as it is there.
			[ $((turn % 3)) -ne 0 ] || wait_until 10 grep -q ran "$TMP/out"
			kill -KILL "$child"
			status=0
			start=$SECONDS
			wait "$launcher" || status=$?
			echo "init $init, turn $turn: $status, $(cat "$TMP/out" "$TMP/errors")"
			if grep -q ran "$TMP/out"; then
				late=$((late + 1))
				assert_status 137
			else
				early=$((early + 1))
				[ "$status" -eq 137 ] || assert_status 123
				grep -q '^sandbox: ' "$TMP/errors"
			fi
			[ $((SECONDS - start)) -le $((5 * SLOW)) ]
		done
	done
	echo "$early before the payload ran, $late after"
	[ "$early" -gt 0 ]
	[ "$late" -gt 0 ]
	residue_after
}
