# A kernel, an outer filter or a tracer that answers "done" and does nothing: what the plan promised is read back, and a
# payload never starts with a layer missing. strace plays the liar (inject=CALL:retval=0, the call is not made).
#
# Without an init, so that the n-th call of one process is always the same one.
load ../lib/common

setup_file() {
	command -v strace >/dev/null || skip "needs strace"
	chmod 0755 "$BATS_FILE_TMPDIR"
	cc -std=gnu11 -D_GNU_SOURCE -O1 -static -o "$BATS_FILE_TMPDIR/state" "$BATS_TEST_DIRNAME/../lib/state.c"
}

setup() {
	CALLER=()
	mkdir -m 0777 "$TMP/out"
	with ''
}

# with MORE: the profile that is lied to.
with() {
	profile <<-END
		format = 1;
		root = { source = "$ROOTFS"; };
		hostname = "fixed";
		mounts = (
			{ type = "proc"; target = "/proc"; },
			{ type = "dev"; target = "/dev"; },
			{ type = "tmpfs"; target = "/tmp"; mode = "1777"; },
			{ type = "bind"; source = "$BATS_FILE_TMPDIR"; target = "/mnt"; },
			{ type = "bind"; source = "$TMP/out"; target = "/srv"; access = "read-write"; }
		);
		process = { init = false; nice = 3; affinity = "0"; cwd = "/tmp"; umask = "0027"; };
		users = { groups = [ 4 ]; };
		capabilities = { keep = [ "NET_ADMIN" ]; };
		$1
	END
}

# lie CALL[:when=N] [OPTION...]: runs with that lie; the payload leaves a file behind when it runs.
lie() {
	local call=${1%%:*} when=${1#"${1%%:*}"}

	shift
	rm -f "$TMP/out/ran"
	run "${CALLER[@]}" timeout -s KILL "$(seconds 20)" strace -f -qq -o "$TMP/trace" -e trace="$call" -e signal=none \
		-e inject="$call:retval=0$when" "$SANDBOX" -p "$PROFILE" "$@" -- sh -c 'echo >/srv/ran'
	grep -q INJECTED "$TMP/trace" || { echo "no lie was told about $call"; return 1; }
}

# caught TEXT: attestation refused, by name, and nothing ran.
caught() {
	assert_status 125
	assert_output "$1"
	[ ! -e "$TMP/out/ran" ] || { echo "the payload ran"; return 1; }
}

@test "told the truth, it runs" {
	run strace -f -qq -o /dev/null -e trace=none "$SANDBOX" -p "$PROFILE" -- sh -c 'echo >/srv/ran'
	assert_status 0
	[ -e "$TMP/out/ran" ]
}

@test "ids and groups" {
	as_root_only
	lie setresuid:when=2
	caught "Uid: planned 1000"
	lie setresgid:when=2
	caught "Gid: planned 1000"
	lie setgroups:when=2
	caught "supplementary groups: planned 1, found 0"
}

@test "capabilities" {
	lie capset:when=2
	caught "permitted capabilities"
	# Without the first, the effective set is empty after the change of ids, and the secure bits are refused.
	lie capset:when=1
	assert_status 123
	assert_output "secure bits"
	[ ! -e "$TMP/out/ran" ]
}

@test "descriptors" {
	exec 7</
	lie close_range
	exec 7<&-
	caught "is open and was not planned"
}

@test "resource limits" {
	lie prlimit64:when=2
	caught "rlimits.memlock: resource limit: planned"
}

@test "session and keyring" {
	lie setsid
	caught "the session is not the sandbox's own"
	lie keyctl:when=1
	caught "the session keyring is not the sandbox's own"
}

@test "namespaces" {
	lie unshare
	caught "the cgroup namespace is still the launcher's"
}

@test "host name" {
	lie sethostname
	caught "host name: planned fixed"
}

@test "working directory and umask" {
	lie fchdir:when=2
	caught "the working directory is not /tmp"
	lie umask
	caught "umask: planned"
}

@test "nice value, affinity, personality, scheduling" {
	lie setpriority
	caught "nice value: planned"
	[ "$(nproc)" -eq 1 ] || {
		lie sched_setaffinity
		caught "CPU affinity"
	}
	CALLER=(setarch -R)
	lie personality:when=1
	caught "personality: planned 0"
}

@test "signals" {
	CALLER=("$BATS_FILE_TMPDIR/state" block)
	lie rt_sigprocmask
	caught "blocked signals: planned 0x0"
	CALLER=("$BATS_FILE_TMPDIR/state" ignore)
	lie rt_sigaction
	caught "ignored signals: planned 0x0"
}

@test "landlock" {
	with 'landlock = { execute = [ "/bin" ]; write = [ "/srv" ]; };'
	run sandbox -p "$PROFILE" -- /bin/true
	if [ "$status" -ne 0 ]; then
		assert_status 122
		assert_output "cannot use Landlock"
		skip "no Landlock here"
	fi
	lie landlock_restrict_self
	caught "Landlock is not in force"
}

@test "seccomp: the launcher sees a payload without its filter, and ends it" {
	run timeout -s KILL "$(seconds 20)" strace -f -qq -o /dev/null -e trace=seccomp -e inject=seccomp:retval=0 \
		"$SANDBOX" -p "$PROFILE" -- sleep 15
	assert_status 125
	assert_output "the payload runs without its filter"
	run timeout -s KILL "$(seconds 20)" strace -f -qq -o /dev/null -e trace=seccomp -e inject=seccomp:retval=0 \
		"$SANDBOX" -p "$PROFILE" -s process.init=true -- sleep 15
	assert_status 125
	assert_output "the payload runs without its filter"
}

# What the payload finds, without numbers that change from launch to launch.
STATE='grep -E "^(Uid|Gid|Groups|Cap|NoNew|Seccomp:|Sig[BIC]|Umask)" /proc/self/status; cut -d" " -f5,6 /proc/self/mountinfo
       cat /proc/self/limits; ls /proc/self/fd; pwd; hostname; cut -d" " -f19 /proc/self/stat; cat /proc/self/personality
       ls -l /proc/self/ns | wc -l; cat /proc/self/cgroup | sort | uniq -c'

# sweep CALL: lies about each occurrence in turn. Either nothing runs, or what runs finds everything as it should be.
sweep() {
	local k good

	good=$(sandbox -p "$PROFILE" -- sh -c "$STATE")
	[ -n "$good" ]
	for ((k = 1; ; k++)); do
		run timeout -s KILL "$(seconds 20)" strace -f -qq -o "$TMP/trace" -e trace="$1" -e signal=none \
			-e inject="$1:retval=0:when=$k" "$SANDBOX" -p "$PROFILE" -- sh -c "$STATE"
		grep -q INJECTED "$TMP/trace" || break
		if [ "$status" -ge 120 ] && [ "$status" -le 127 ] && [[ $output == "sandbox: "* ]]; then
			continue
		fi
		if [ "$status" -ne 0 ] || [ "$output" != "$good" ]; then
			grep INJECTED "$TMP/trace"
			echo "$1, call $k: status $status"
			diff <(echo "$good") <(echo "$output")
			return 1
		fi
	done
	[ "$k" -gt 1 ]
}

@test "prctl, one by one" {
	sweep prctl
}

@test "mount_setattr, one by one" {
	sweep mount_setattr
}

@test "move_mount, one by one" {
	sweep move_mount
}

@test "umount2 and pivot_root, one by one" {
	sweep umount2
	sweep pivot_root
}

@test "setns, capset, close_range, fchdir, one by one" {
	sweep capset
	sweep close_range
	sweep fchdir
}
