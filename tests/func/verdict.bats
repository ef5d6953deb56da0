# verdict: the record says how it ended, whatever the exit status, and is whole or not there.
# shellcheck disable=SC2016 # scripts in single quotes are for the shell inside
bats_require_minimum_version 1.5.0
load ../lib/common

record() {
	jq -c "$1" "$TMP/record"
}

with_record() {
	rm -f "$TMP/record"
	run sandbox run --status-file "$TMP/record" "$@"
}

is() {
	[ "$(record "$1")" = "$2" ] || { record .; return 1; }
}

@test "an exit, and what was used" {
	with_record --name web -- sh -c 'i=0; while [ $i -lt 20000 ]; do i=$((i + 1)); done; sleep 0.1; exit 3'
	assert_status 3
	is '[.format, .name, .verdict, .certainty, .exit_status, .exit_code, .signal, .started, .limits_hit, .failure]' \
		'[1,"web","exited","certain",3,3,null,true,[],null]'
	is '.wall_time_ns >= 100000000 and .wall_time_ns < 60000000000' true
	is '.user_time_ns > 1000000 and .user_time_ns < .wall_time_ns' true
	is '.timings | length > 20' true
	is '[.timings[] | select(.stage == "mounts") | .phase] | contains(["plan", "enter"])' true
}

# Its end and its start are read together.
@test "the quickest command has a wall time" {
	for _ in {1..100}; do
		with_record -- true
		is '.wall_time_ns > 0' true
	done
}

@test "the limit that ended it is told on standard error, with its line" {
	profile <<-END
		format = 1;
		extends = [ "default" ];
		process = { output_limit = "1K";
			time_limit = "300ms"; };
		cgroup = {
			memory = { max = "32M"; }; };
	END
	run --separate-stderr sandbox -p "$PROFILE" -- sleep 60
	assert_status 124
	[ "$stderr" = "sandbox: $PROFILE:4: process.time_limit: the command was ended: it ran for longer than this" ]
	# What follows may take its time.
	sed -i 's/300ms/60s/' "$PROFILE"
	run --separate-stderr sandbox -p "$PROFILE" -- head -c 2000 /dev/zero
	assert_status 124
	[ "$stderr" = "sandbox: $PROFILE:3: process.output_limit: the command was ended: it wrote more than this" ]
	run --separate-stderr sandbox -p "$PROFILE" -- sh -c 'exit 3'
	assert_status 3
	[ -z "$stderr" ]
	[ "$(id -u)" -eq 0 ] || return 0
	run --separate-stderr sandbox -p "$PROFILE" -- perl -e '$x = "x" x (64 << 20)'
	assert_status 137
	[ "$stderr" = "sandbox: $PROFILE:6: cgroup.memory.max: the kernel killed the command: it used more memory than this" ]
	run --separate-stderr sandbox -p "$PROFILE" -- sh -c '(exec perl -e "\$x = 1 x (64 << 20)"); exit 4' 2>&1
	assert_status 4
	[[ $stderr = *"sandbox: $PROFILE:6: cgroup.memory.max: the kernel killed processes inside: they used more memory than this" ]]
}

@test "every field of the schema is there, and no other" {
	for command in true /etc/passwd 'kill -9 $$'; do
		with_record -- sh -c "$command"
		[ "$(record 'keys')" = "$(jq -c '.required | sort' "$CHECKOUT/schema/verdict.schema.json")" ]
	done
	with_record -s hostname=-bad- -- true
	[ "$(record 'keys')" = "$(jq -c '.required | sort' "$CHECKOUT/schema/verdict.schema.json")" ]
	is '.failure | keys' "$(jq -c '.properties.failure.required | sort' "$CHECKOUT/schema/verdict.schema.json")"
}

@test "a signal" {
	with_record -- sh -c 'kill -SEGV $$'
	assert_status 139
	is '[.verdict, .exit_code, .signal]' '["signaled",null,11]'
}

@test "our numbers from the payload are told from our own" {
	with_record -- sh -c 'exit 123'
	is '[.verdict, .exit_status, .exit_code]' '["exited",123,123]'
	run -127 sandbox run --status-file "$TMP/record" -- /nonexistent
	is '[.verdict, .exit_status, .exit_code, .started]' '["setup-failed",127,null,false]'
}

@test "a failure names stage, phase, key, file and line" {
	profile <<-END
		format = 1;
		extends = [ "default" ];
		mounts = (
			{ type = "bind"; source = "/nonexistent"; target = "/mnt"; }
		);
	END
	run sandbox -p "$PROFILE" --status-file "$TMP/record" -- true
	assert_status 122
	is '.failure | [.stage, .phase, .file, .line, .errno]' "[\"mounts\",\"plan\",\"$PROFILE\",4,2]"
	is '.failure.key | test("^mounts\\[[0-9]+\\]\\.source$")' true
	is '.failure.message | contains("/nonexistent")' true
	[ "$(grep -c . <<<"$output")" -le 2 ]
	assert_output "$PROFILE:4: mounts["
}

@test "a refused profile has a record too" {
	profile <<-END
		format = 1;
		hostnam = "x";
	END
	run sandbox -p "$PROFILE" --status-file "$TMP/record" -- true
	assert_status 121
	is '[.verdict, .exit_status, .failure.key, .failure.line]' '["setup-failed",121,"hostnam",2]'
}

@test "memory: the main process died of the limit" {
	as_root_only
	with_record -s cgroup.memory.max=20M -s cgroup.memory.swap=0M -- perl -e '$x = "x" x 200e6'
	assert_status 137
	is '[.verdict, .limits_hit, .signal]' '["memory-limit",["memory"],9]'
	is '.oom_kills >= 1 and .memory_peak_bytes <= 20 * 1024 * 1024' true
}

@test "memory: a child died of the limit, the main process lived on" {
	as_root_only
	with_record -s cgroup.memory.max=20M -s cgroup.memory.swap=0M -- sh -c 'perl -e "\$x = q(x) x 200e6"; exit 5'
	assert_status 5
	is '[.verdict, .limits_hit]' '["exited",["memory"]]'
}

@test "memory: a SIGKILL without the limit is a signal" {
	as_root_only
	with_record -s cgroup.memory.max=100M -- sh -c 'kill -KILL $$'
	assert_status 137
	is '[.verdict, .limits_hit, .oom_kills]' '["signaled",[],0]'
}

@test "pids: a fork was refused" {
	as_root_only
	with_record -s cgroup.pids.max=16 -- perl -e 'for (1 .. 30) { my $p = fork; $p // last; $p or sleep, exit } exit 0'
	assert_status 0
	is .limits_hit '["pids"]'
	is '.pids_peak >= 14 and .pids_peak <= 16' true
}

@test "cpu: the quota was used up" {
	as_root_only
	with_record -s cgroup.cpu.max=10% -- perl -e '1 while (times)[0] < 0.3'
	assert_status 0
	is .limits_hit '["cpu"]'
	is '.throttled_time_ns > 0' true
	is '.wall_time_ns > 2 * .user_time_ns' true
}

@test "a filter that kills is a probable cause" {
	with_record -s seccomp.default=kill-process -s 'seccomp.deny=["sethostname"]' -- hostname foo
	assert_status 159
	is '[.verdict, .certainty, .signal]' '["seccomp","probable",31]'
}

@test "what the profile lets be absent is listed" {
	as_user sandbox run --status-fd 3 -- true 3>"$TMP/record"
	is '.degraded | index("cgroup") != null' true
}

@test "an init killed from outside is told from a payload's end" {
	as_root_only
	"$SANDBOX" run --status-file "$TMP/record" -- sh -c 'echo ready; sleep 60' >"$TMP/out" 2>"$TMP/errors" &
	launcher=$!
	wait_until 10 grep -q ready "$TMP/out"
	kill -KILL "$(pgrep -P "$launcher")"
	status=0
	wait "$launcher" || status=$?
	assert_status 137
	[ "$(cat "$TMP/errors")" = "sandbox: the sandbox's first process was killed from outside" ]
	is '[.verdict, .exit_code, .signal]' '["killed",null,null]'
}

# ---- where it goes

@test "a descriptor gets one line of JSON" {
	run --separate-stderr sh -c '"$@" 3>&1 >/dev/null' sh "$SANDBOX" run --status-fd 3 -- echo payload
	assert_status 0
	[ "$(wc -l <<<"$output")" -eq 1 ]
	jq -e . <<<"$output" >/dev/null
}

@test "the descriptor is not the payload's" {
	run sh -c '"$@" 7>/dev/null' sh "$SANDBOX" run --status-fd 7 -- sh -c 'ls /proc/self/fd'
	assert_status 0
	assert_line 2
	refute_output 7
	run sh -c '"$@" 7>/dev/null' sh sh -c 'ls /proc/self/fd'
	assert_line 7
}

@test "a file is replaced in one step, and nothing else is left" {
	mkdir "$TMP/dir"
	echo old >"$TMP/dir/record"
	mkfifo "$TMP/gate"
	sandbox run --status-file "$TMP/dir/record" -- sh -c 'echo ready; read -r _' <"$TMP/gate" >"$TMP/out" 3>&- &
	exec 4>"$TMP/gate"
	wait_until 10 grep -q ready "$TMP/out"
	[ "$(cat "$TMP/dir/record")" = old ]
	exec 4>&-
	wait
	jq -e .verdict "$TMP/dir/record"
	[ "$(ls -A "$TMP/dir")" = record ]
	(cd "$TMP/dir" && sandbox run --status-file record -- true && jq -e '.exit_code == 0' record)
}

@test "a launcher that is killed leaves the old file, and no other" {
	mkdir "$TMP/dir"
	echo old >"$TMP/dir/record"
	"$SANDBOX" run --status-file "$TMP/dir/record" -- sh -c 'echo ready; exec sleep 60' >"$TMP/out" 3>&- &
	wait_until 10 grep -q ready "$TMP/out"
	kill -KILL $!
	wait $! || :
	[ "$(cat "$TMP/dir/record")" = old ]
	[ "$(ls -A "$TMP/dir")" = record ]
}

@test "a place that cannot be written is known before anything starts" {
	for place in /nonexistent/record "$TMP" /proc/record; do
		run sandbox run --status-file "$place" -- touch "$TMP/started"
		assert_status 120
		assert_output "cannot write the status record"
	done
	for number in 9 x -1 ''; do
		run sandbox run --status-fd "$number" -- true 9>&-
		assert_status 120
	done
	run sandbox run --status-fd 5 -- true 5</dev/null
	assert_status 120
	mkfifo "$TMP/fifo"
	run timeout 5 "$SANDBOX" run --status-file "$TMP/fifo" -- true
	assert_status 120
}

@test "what ended before its command ran has not started" {
	local launcher

	as_root_only
	with_record -s cgroup.memory.max=4K -- true
	assert_status 137
	is '[.verdict, .started, .wall_time_ns]' '["memory-limit",false,null]'
	assert_output "the sandbox before its command ran"
	# Called off while the child stands before its pivot_root; without the signal it starts.
	for signal in TERM 0; do
		rm -f "$TMP/trace" # the last one's
		strace -qq -f -o "$TMP/trace" -e trace=pivot_root -e inject=pivot_root:delay_enter=2000000 \
			"$SANDBOX" --status-file "$TMP/record" -- true 3>&- &
		wait_until 10 grep -qs pivot_root "$TMP/trace"
		launcher=$(pgrep -P $!)
		kill -s $signal "$launcher"
		wait $! || :
		[ $signal = 0 ] || is '[.verdict, .exit_status, .started, .wall_time_ns]' '["killed",143,false,null]'
		[ $signal != 0 ] || is '[.verdict, .exit_status, .started, (.wall_time_ns > 0)]' '["exited",0,true,true]'
	done
}

@test "a full disk is a failure of ours, and the payload's status is in no doubt" {
	run sandbox run --status-file /dev/full -- true
	assert_status 125
	assert_output "cannot write the status record: No space left on device"
}

# ---- timings and -v

@test "--timings prints a line for each stage, on standard error" {
	run --separate-stderr sandbox run --timings -- echo hello
	[ "$output" = hello ]
	grep -qE '^microseconds +plan +host +attach +enter +confine +undo$' <<<"$stderr"
	grep -qE '^mounts +[0-9.]+ ' <<<"$stderr"
	grep -qE '^all ' <<<"$stderr"
}

@test "-v announces the cells of both processes in their order" {
	run --separate-stderr sandbox run -v -- true
	assert_status 0
	sed -n 's/^sandbox: \([a-z]*\) .*/\1/p' <<<"$stderr" | uniq >"$TMP/phases"
	[ "$(tr '\n' ' ' <"$TMP/phases")" = "plan host attach enter confine undo " ]
}
