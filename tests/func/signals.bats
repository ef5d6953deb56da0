# signals: what the launcher is sent reaches the payload, to the right process or group, and stopping and continuing work.
# shellcheck disable=SC2016 # scripts in single quotes are for the shell inside
load ../lib/common

# The payload says when its trap stands, by a line that a test waits for.
trapper='trap "echo got $1; exit 7" "$1"; echo ready; while :; do sleep 0.05; done'

# start ARG...: the launcher in the background with its output in $TMP/out, until the payload is ready. The program itself,
# not the function: $! would be a shell around it. With all signals as a terminal's shell starts a job: this one has its
# background jobs ignore two.
start() {
	: >"$TMP/out"
	env --default-signal "$SANDBOX" "$@" >"$TMP/out" 2>&1 &
	launcher=$!
	wait_until 10 grep -q ready "$TMP/out"
}

finish() {
	status=0
	wait "$launcher" || status=$?
	output=$(cat "$TMP/out")
}

# Whether nothing is printed for half a second. Sets $before, the number of lines.
still() {
	before=$(wc -l <"$TMP/out")
	sleep 0.5
	[ "$(wc -l <"$TMP/out")" -eq "$before" ]
}

printed_more() {
	[ "$(wc -l <"$TMP/out")" -gt "$1" ]
}

teardown() {
	[ -z "${launcher:-}" ] || kill -KILL "$launcher" 2>/dev/null || :
}

passed_on() {
	start run "${@:2}" -- sh -c "$trapper" sh "$1"
	kill -"$1" "$launcher"
	finish
	assert_status 7
	assert_line "got $1"
}

@test "every signal that is passed on arrives" {
	for signal in TERM INT HUP QUIT USR1 USR2 WINCH CONT; do
		passed_on "$signal"
	done
}

@test "without init they arrive as well, if the payload handles them" {
	for signal in TERM INT HUP QUIT USR1 USR2 WINCH CONT; do
		passed_on "$signal" -s process.init=false
	done
}

@test "an ordinary user's signals arrive" {
	as_user sandbox run -- sh -c "$trapper" sh USR1 >"$TMP/out" 2>&1 &
	launcher=$!
	wait_until 10 grep -q ready "$TMP/out"
	# What $! names is the shell around as_user; the launcher is below it.
	kill -USR1 "$(pgrep -P "$launcher")"
	finish
	assert_status 7
}

@test "a payload of another user than init's gets signals too" {
	profile <<-END
		format = 1;
		extends = [ "default" ];
		users = { map = "auto"; uid = 4000; gid = 4000; };
	END
	as_root_only
	passed_on TERM -p "$PROFILE"
}

@test "a signal for one process is not for its group" {
	local both='trap "echo parent got it; sleep 0.5; exit 0" USR1
		(trap "echo child got it" USR1; echo ready; while :; do sleep 0.05; done) &
		while :; do sleep 0.05; done'

	start run -- sh -c "$both"
	kill -USR1 "$launcher"
	finish
	assert_line "parent got it"
	refute_output "child got it"
	# The control: the group is both.
	start run -- sh -c "trap 'kill -USR1 0' USR2; $both"
	kill -USR2 "$launcher"
	finish
	assert_line "parent got it"
	assert_line "child got it"
}

@test "a payload that dies of a signal is reported as 128+n" {
	start run -- sh -c 'echo ready; exec sleep 60'
	kill -TERM "$launcher"
	finish
	assert_status 143
}

# With the stop signal the job inside stands still: it prints nothing more until both go on.
@test "a stopped job stands still inside, and goes on" {
	# As a job of its own: the kernel does not stop a group that has no parent in its session.
	set -m
	start run -- sh -c 'echo ready; while :; do echo tick; sleep 0.05; done'
	set +m
	kill -TSTP "$launcher"
	wait_until 10 grep -q '^State:.T' "/proc/$launcher/status"
	wait_until 10 still
	kill -CONT "$launcher"
	wait_until 10 printed_more "$before"
	kill -TERM "$launcher"
	finish
	assert_status 143
}

@test "where nobody could continue it, it is not stopped" {
	setsid "$SANDBOX" run -- sh -c 'echo ready; while :; do echo tick; sleep 0.05; done' >"$TMP/out" &
	launcher=$!
	wait_until 10 grep -q ready "$TMP/out"
	kill -TSTP "$launcher"
	sleep 0.3
	before=$(wc -l <"$TMP/out")
	wait_until 10 printed_more "$before"
	kill -TERM "$launcher"
	finish
	assert_status 143
}

@test "a signal before the payload runs calls the launch off" {
	for delay in 0 0.001 0.002 0.004 0.008; do
		"$SANDBOX" run -- sleep 5 &
		launcher=$!
		sleep "$delay"
		kill -TERM "$launcher" || :
		status=0
		wait "$launcher" || status=$?
		assert_status 143
	done
}

@test "init can be neither killed nor stopped from inside" {
	run sandbox run -- sh -c 'for s in KILL STOP TERM INT HUP TSTP SEGV; do kill -$s 1; done 2>/dev/null
		for i in $(seq 100); do state=$(grep State /proc/1/status); [ "${state#*S (}" = "$state" ] || break; sleep 0.1; done; echo "$state"'
	assert_status 0
	assert_output "S (sleeping)"
}

# The same kill hits when the victim is no init: the test above is not passed by a kill that does nothing.
@test "control: the same signals do end an ordinary process inside" {
	run sandbox run -- sh -c 'sleep 60 & kill -KILL $!; wait $!'
	assert_status 137
}

@test "what the launcher was told to ignore is not passed on" {
	"$SANDBOX" run -- sh -c 'echo ready; sleep 2; exit 5' >"$TMP/out" &
	launcher=$!
	wait_until 10 grep -q ready "$TMP/out"
	kill -INT "$launcher"
	finish
	assert_status 5
	nohup "$SANDBOX" run -- sh -c 'echo ready; sleep 2; exit 6' >"$TMP/out2" 2>&1 &
	launcher=$!
	wait_until 10 grep -q ready "$TMP/out2"
	kill -HUP "$launcher"
	finish
	assert_status 6
}

@test "the launcher's ignored and blocked signals are not the payload's" {
	run sh -c 'trap "" HUP INT TERM USR1 CHLD; exec "$@"' sh "$SANDBOX" run -- grep -E '^Sig(Blk|Ign)' /proc/self/status
	assert_status 0
	[ "$(grep -c 0000000000000000 <<<"$output")" -eq 2 ]
}

@test "nobody outside can be signalled" {
	sleep 60 &
	victim=$!
	run sandbox run -- sh -c "kill -0 $victim"
	kill "$victim"
	[ "$status" -ne 0 ]
}
