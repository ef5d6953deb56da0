# supervise: init reaps, limits end, nothing survives, output is bounded and complete.
# shellcheck disable=SC2016 # scripts in single quotes are for the shell inside
bats_require_minimum_version 1.5.0
load ../lib/common

setup() {
	residue_before
	mark=$((RANDOM * 100000 + RANDOM))
}

# Nothing that sleeps for our mark's time.
none_left() {
	! pgrep -fx "sleep $mark" >/dev/null
}

prctl_number() {
	case $(uname -m) in
	x86_64) echo 157 ;;
	*) echo 167 ;;
	esac
}

verdict() {
	jq -c "$1" "$TMP/record"
}

with_record() {
	run sandbox run --status-file "$TMP/record" "$@"
}

# ---- exit status

@test "the payload's exit status passes through" {
	for code in 0 1 42 120 125 255; do
		run sandbox run -- sh -c "exit $code"
		assert_status "$code"
	done
}

@test "a command that is not there is 127, one that cannot run 126" {
	run -127 sandbox run -- /nonexistent
	assert_status 127
	assert_output "cannot execute /nonexistent"
	run sandbox run -- /etc/passwd
	assert_status 126
	residue_after
}

# ---- init

@test "process 1 is init, with nothing of ours to be read" {
	secret=secret-$mark
	export secret
	run sandbox run -- sh -c 'tr "\0" "\n" </proc/1/cmdline; cat /proc/1/comm; cat /proc/1/environ /proc/1/maps; ls /proc/1/fd /proc/1/cwd/'
	assert_output "sandbox-init"
	refute_output "secret"
	refute_output "$SANDBOX"
	refute_output "socket"
	[ "$(grep -c 'Permission denied' <<<"$output")" -ge 3 ]
}

@test "init holds no power and stands under a filter" {
	run as_user sandbox run -- grep -E '^(CapPrm|CapEff|CapBnd|CapAmb|NoNewPrivs|Seccomp):' /proc/1/status
	assert_status 0
	[ "$(grep -c '0000000000000000' <<<"$output")" -eq 4 ]
	assert_line "NoNewPrivs:	1"
	assert_line "Seccomp:	2"
}

# init of a payload with another user's id keeps the one power that it has a use for.
@test "init keeps CAP_KILL at most" {
	as_root_only
	run sandbox run -- grep -E '^Cap(Prm|Eff):' /proc/1/status
	assert_status 0
	[ "$(grep -cE '00000000000000(00|20)$' <<<"$output")" -eq 2 ]
}

@test "init holds none of the caller's descriptors open" {
	as_root_only
	"$SANDBOX" run -- sleep "$mark" 7<"$PWD" &
	launcher=$!
	wait_until 10 pgrep -fx "sleep $mark" >/dev/null
	init=$(pgrep -P "$launcher")
	run sh -c 'readlink "$0"/*' "/proc/$init/fd"
	kill "$launcher"
	[ "$(wc -l <<<"$output")" -eq 2 ]
	assert_output "socket:"
	assert_output "signalfd"
}

@test "ten thousand orphans are reaped" {
	run sandbox run -s cgroup.pids.max=unlimited -s cgroup.memory.max=8G -s rlimits.nproc=20000 -- perl -e '
		sub child { my $pid = fork; defined $pid or die "fork: $!"; !$pid }
		for (1 .. 100) { if (child()) { for (1 .. 100) { if (child()) { exit } } exit } }
		1 while wait > 0; for (1 .. 200) { select undef, undef, undef, 0.05; @p = grep { m(/\d+$) } glob "/proc/*"; last if @p <= 2 }
		print scalar(@p), "\n"'
	assert_status 0
	assert_line 2
}

@test "without init the payload is process 1" {
	run sandbox run -s process.init=false -- sh -c 'echo $$'
	assert_line 1
}

# ---- nothing survives

@test "background processes end with the payload" {
	for init in true false; do
		run sandbox run -s process.init=$init -- sh -c "sleep $mark & setsid sleep $mark & (setsid sh -c 'trap \"\" TERM; sleep $mark' &); sleep 0.2; exit 4"
		assert_status 4
		none_left
	done
	residue_after
}

@test "control: such processes do outlive a shell" {
	sh -c "setsid sleep $mark & exit 4" || :
	wait_until 5 pgrep -fx "sleep $mark" >/dev/null
	pkill -fx "sleep $mark"
}

# Without a pid namespace the cgroup is what holds them together.
@test "without a pid namespace they end too" {
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
	for init in true false; do
		run sandbox -p "$PROFILE" -s process.init=$init -- sh -c "setsid sleep $mark & setsid sleep $mark & exit 4"
		assert_status 4
		none_left
		"$SANDBOX" -p "$PROFILE" -s process.init=$init -- sh -c "setsid sleep $mark & sleep $mark" &
		wait_until 10 pgrep -fx "sleep $mark" >/dev/null
		kill -KILL $!
		wait_until 5 none_left
	done
	sandbox gc
	residue_after
}

@test "a launcher that is killed takes everything along" {
	for init in true false; do
		"$SANDBOX" run -s process.init=$init -- sh -c "setsid sleep $mark & sleep $mark" &
		wait_until 10 pgrep -fx "sleep $mark" >/dev/null
		kill -KILL $!
		wait_until 5 none_left
	done
}

@test "a payload that clears its parent-death signal dies all the same" {
	"$SANDBOX" run -s process.init=false -- perl -e '
		syscall($ARGV[0], 1, 0, 0, 0, 0) == 0 or die; exec "sleep", $ARGV[1]' "$(prctl_number)" "$mark" &
	wait_until 10 pgrep -fx "sleep $mark" >/dev/null
	kill -KILL $!
	wait_until 5 none_left
}

# ---- time

@test "a time limit sends TERM, and that is the end of most" {
	with_record -s process.time_limit=300ms -s process.kill_grace=1m -- sleep "$mark"
	assert_status 124
	[ "$(verdict '[.verdict, .limits_hit, .signal]')" = '["time-limit",["time"],15]' ]
	residue_after
}

@test "who ignores TERM is killed after the grace" {
	start=$(date +%s%N)
	# Time enough for a busy machine to come to the trap.
	with_record -s process.time_limit=1s -s process.kill_grace=500ms -- sh -c "trap '' TERM; (trap '' TERM; setsid sleep $mark &); sleep $mark"
	assert_status 124
	[ "$(verdict .signal)" = 9 ]
	took=$((($(date +%s%N) - start) / 1000000))
	[ "$took" -ge 1500 ]
	[ "$took" -lt $((1500 + 3000 * SLOW)) ]
	none_left
}

@test "a stopped payload meets its time limit too" {
	with_record -s process.time_limit=300ms -s process.kill_grace=1m -- sh -c 'kill -STOP $$'
	assert_status 124
	[ "$(verdict .signal)" = 15 ]
}

@test "a payload that ends at TERM in its own way is still over its time" {
	with_record -s process.time_limit=1s -- sh -c 'trap "exit 3" TERM; while :; do sleep 0.05; done'
	assert_status 124
	[ "$(verdict '[.verdict, .exit_code]')" = '["time-limit",3]' ]
}

@test "process 1 that does not handle TERM is killed after the grace" {
	with_record -s process.init=false -s process.time_limit=200ms -s process.kill_grace=200ms -- sleep "$mark"
	assert_status 124
	[ "$(verdict .signal)" = 9 ]
}

@test "a fork bomb ends, and the launcher does not mind" {
	with_record -s process.time_limit=1s -s process.kill_grace=100ms -s cgroup.pids.max=64 -- perl -e '$SIG{TERM} = "IGNORE"; fork while 1'
	assert_status 124
	[ "$(verdict .verdict)" = '"time-limit"' ]
	[ "$(id -u)" -ne 0 ] || [ "$(verdict .limits_hit)" = '["time","pids"]' ]
	residue_after
}

# ---- output

@test "output is cut at its limit, and everything ends" {
	run sh -c '"$@" | wc -c' sh "$SANDBOX" run --status-file "$TMP/record" -s process.output_limit=10K -- yes
	assert_line 10240
	[ "$(verdict '[.verdict, .limits_hit, .exit_status, .output_bytes]')" = '["output-limit",["output"],124,10240]' ]
	residue_after
}

@test "output just at its limit is no offence" {
	with_record -s process.output_limit=10K -- head -c 10240 /dev/zero
	assert_status 0
	[ "$(verdict '[.verdict, .limits_hit, .output_bytes]')" = '["exited",[],10240]' ]
}

@test "standard output and error count together, in their order" {
	with_record -s process.output_limit=1M -- sh -c 'for i in 1 2 3 4; do echo $i; echo e$i >&2; done'
	assert_status 0
	[ "$output" = "$(printf '1\ne1\n2\ne2\n3\ne3\n4\ne4')" ]
	[ "$(verdict .output_bytes)" = 20 ]
}

@test "all output arrives, however slow its reader" {
	got=$(sandbox run -s process.output_limit=1M -- head -c 200000 /dev/zero | { sleep 0.5; wc -c; })
	[ "$got" -eq 200000 ]
}

@test "a reader that is gone is a broken pipe inside" {
	run sh -c '{ "$@"; echo "status $?" >&2; } | head -c 2' sh "$SANDBOX" run -s process.output_limit=1G -- yes
	assert_output "status 141"
}

@test "a flood of output holds the payload up, not the launcher" {
	{ "$SANDBOX" run -s process.output_limit=10G -- yes & echo $! >"$TMP/pid"; wait; } | sleep 3 &
	wait_until 5 test -s "$TMP/pid"
	sleep 1
	resident=$(awk '/^VmRSS/ { print $2 }' "/proc/$(cat "$TMP/pid")/status")
	[ "$resident" -lt 20000 ]
	wait
}

@test "a reader that stands still does not stop the time limit" {
	run sh -c '{ "$@"; echo "status $?" >&2; } | sleep 3' sh "$SANDBOX" run -s process.time_limit=500ms -s process.kill_grace=100ms -s process.output_limit=1G -- yes
	assert_output "status 124"
}

# A signal may be under way when init ends: its record of the exit must not be lost with it.
@test "a time limit is one, however the signal and the end meet" {
	for _ in $(seq 20); do
		run sandbox -s process.time_limit=50ms --status-file "$TMP/record" -- sh -c 'sleep 3; exit 3'
		assert_status 124
		jq -e '.verdict == "time-limit"' "$TMP/record"
	done
}
