# judge: submissions in C and Python, from the accepted to the hostile; what the record says of each.

# shellcheck disable=SC2030,SC2031,SC2154 # what bats' run sets
bats_require_minimum_version 1.5.0
load ../lib/common
load ../lib/cgroup
load ../lib/profiles

setup_file() {
	packages gcc libc6-dev python3
}

setup() {
	residue_before
}

teardown() {
	if [ -n "${OWN:-}" ]; then
		put_into "$WAS"
		removed "$OWN"
	fi
	residue_after
}

# submit NAME <<END: a source file in $WORK, a C one compiled to ./NAME without its ending.
submit() {
	cat >"$1"
	case $1 in *.c) cc -O1 -pthread -o "${1%.c}" "$1" ;; esac
}

# judged OPTION... -- CMD...: runs it with ./input, if there is one; its output is ./answer, what it complained of ./errors,
# and the record ./record.
judged() {
	local input=/dev/null

	[ ! -e input ] || input=input
	: >record
	chmod 0666 record
	status=0
	launch --status-file "$WORK/record" "$@" <"$input" >answer 2>errors || status=$?
	output=$(cat record errors; head -c 1000 answer | tr -d '\0')
}

# of_record EXPRESSION: holds of the record's fields.
of_record() {
	python3 - "$WORK/record" "$1" <<'END' || _wrong "not so: $1"
import json, sys
record = json.load(open(sys.argv[1]))
sys.exit(0 if eval(sys.argv[2], record) else 1)
END
}

# An ordinary user has no cgroup here, unless one was delegated to the caller: what only a cgroup can tell is root's.
has_cgroup() {
	of_record '"cgroup" not in degraded and "cgroup.memory" not in degraded' 2>/dev/null
}

accepts() {
	submit sum.c <<'END'
#include <stdio.h>
int main(void) { long a, b; if (scanf("%ld %ld", &a, &b) != 2) return 1; printf("%ld\n", a + b); return 0; }
END
	submit sum.py <<'END'
import collections, heapq, itertools, math, re, sys
print(sum(map(int, sys.stdin.read().split())))
END
	echo 17 25 >input
	for program in ./sum "python3 sum.py"; do
		# shellcheck disable=SC2086 # words
		judged -- $program
		assert_status 0
		[ "$(cat answer)" = 42 ]
		[ ! -s errors ]
		of_record 'verdict == "exited" and exit_code == 0 and limits_hit == []'
		of_record 'output_bytes == 3 and 0 < user_time_ns + system_time_ns < 5e9 and 0 < wall_time_ns < 5e9'
	done
}

@test "accepted: the answer, and what it took" {
	each_launcher accepts
}

counts_threads_and_processes() {
	submit parallel.c <<'END'
#include <pthread.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>
static void *work(void *p) { *(int *)p = 21; return NULL; }
int main(void)
{
	int ends[2], half = 0, other = 0;
	pthread_t t;
	if (pipe(ends) || pthread_create(&t, NULL, work, &half)) return 1;
	pthread_join(t, NULL);
	if (!fork()) { half = 21; return write(ends[1], &half, sizeof(half)) < 0; }
	wait(NULL);
	if (read(ends[0], &other, sizeof(other)) < 0) return 1;
	printf("%d\n", half + other);
	return 0;
}
END
	judged -- ./parallel
	assert_status 0
	[ "$(cat answer)" = 42 ]
	# As many as a Java machine has for itself, and no more than were granted.
	submit threads.py <<'END'
import threading
threading.stack_size(1 << 20)
gate = threading.Barrier(41)
for i in range(40):
    threading.Thread(target=gate.wait, daemon=True).start()
gate.wait()
print(42)
END
	judged -- python3 threads.py
	assert_status 0
	[ "$(cat answer)" = 42 ]
	judged -D processes=16 -- python3 threads.py
	assert_status 1
	assert_output "can't start new thread"
}

@test "threads, child processes and pipes are a program's own business" {
	each_launcher counts_threads_and_processes
}

fails_by_itself() {
	echo 'raise ValueError("no idea")' | submit error.py
	judged -- python3 error.py
	assert_status 1
	of_record 'verdict == "exited" and exit_code == 1'
	grep -q 'ValueError: no idea' errors
	printf '#include <stddef.h>\nint main(void) { volatile int *p = NULL; return *p; }\n' | submit null.c
	judged -- ./null
	assert_status 139
	of_record 'verdict == "signaled" and signal == 11 and exit_code is None'
	printf '#include <stdlib.h>\nint main(void) { abort(); }\n' | submit abort.c
	judged -- ./abort
	of_record 'verdict == "signaled" and signal == 6'
	printf 'int main(int argc, char **argv) { volatile int zero = argc - 1, one = 1; (void)argv; return one / zero; }\n' | submit divide.c
	judged -- ./divide
	of_record 'verdict == "signaled" and signal == 8'
}

@test "runtime error: an exit status, and signals" {
	each_launcher fails_by_itself
}

takes_too_long() {
	echo 'while True: pass' | submit busy.py
	judged -D time=500ms -- python3 busy.py
	assert_status 124
	# An emulated processor may reach the profile's one processor too.
	of_record 'verdict == "time-limit" and [l for l in limits_hit if l != "cpu"] == ["time"] and user_time_ns + system_time_ns > 1e7 and 5e8 <= wall_time_ns < 3e9'
	echo 'import time; time.sleep(100)' | submit sleeping.py
	judged -D time=500ms -- python3 sleeping.py
	assert_status 124
	of_record 'verdict == "time-limit" and user_time_ns < 2e8 and 5e8 <= wall_time_ns < 3e9'
	# One that will not be told.
	submit deaf.c <<'END'
#include <signal.h>
int main(void) { for (int i = 1; i < 64; i++) signal(i, SIG_IGN); for (;;) ; }
END
	judged -D time=500ms -- ./deaf
	assert_status 124
	of_record 'verdict == "time-limit" and wall_time_ns < 3e9'
	# CPU time alone.
	for program in 'python3 busy.py' ./deaf; do
		# shellcheck disable=SC2086 # words
		judged -D cpu=1s -D time=20s -- $program
		assert_status 137
		assert_output 'rlimits.cpu: the kernel killed the command: it used more CPU time than this'
		of_record 'verdict == "cpu-time-limit" and "cpu-time" in limits_hit and signal == 9 and 5e8 <= user_time_ns + system_time_ns < 2e9'
	done
	# Another's SIGKILL is none of that.
	judged -D cpu=1s -- python3 -c 'import os; os.kill(os.getpid(), 9)'
	assert_status 137
	of_record 'verdict == "signaled" and "cpu-time" not in limits_hit'
	# With time enough, it has the time.
	echo 'import time; time.sleep(0.7); print("done")' | submit patient.py
	judged -D time=5s -- python3 patient.py
	assert_status 0
	[ "$(cat answer)" = "done" ]
}

@test "time limit: busy, sleeping, deaf to signals, and CPU time alone" {
	each_launcher takes_too_long
}

wants_too_much_memory() {
	submit memory.c <<'END'
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
int main(void)
{
	long wanted = 0, mega;
	if (scanf("%ld", &wanted) != 1) return 2;
	for (mega = 0; mega < wanted; mega++) {
		char *p = malloc(1 << 20);
		if (!p) return 3;
		memset(p, 1, 1 << 20);
	}
	printf("%ld\n", mega);
	return 0;
}
END
	echo 100 >input
	judged -- ./memory
	assert_status 0
	[ "$(cat answer)" = 100 ]
	echo 400 >input
	judged -- ./memory
	if has_cgroup; then
		assert_status 137
		of_record 'verdict == "memory-limit" and "memory" in limits_hit and oom_kills >= 1'
		of_record '2e8 < memory_peak_bytes <= 256 << 20'
	else
		assert_status 0
	fi
	# What one process may ask for ends elsewhere too.
	judged -D data=64M -- ./memory
	assert_status 3
	of_record 'verdict == "exited" and exit_code == 3'
	# What is written is in memory, which ends; and counts there.
	echo 'for i in range(10): open(f"/tmp/{i}", "wb").write(b"x" * (30 << 20))' | submit files.py
	judged -s 'mounts[/tmp].size=1G' -D memory=1G -- python3 files.py
	assert_status 0
	judged -D memory=1G -- python3 files.py
	assert_status 1
	assert_output 'No space left on device'
	if has_cgroup; then
		judged -s 'mounts[/tmp].size=1G' -- python3 files.py
		of_record 'verdict == "memory-limit"'
	fi
	echo 'open("/tmp/f", "wb").write(b"x" * (100 << 20))' | submit file.py
	judged -s 'mounts[/tmp].size=1G' -D memory=1G -- python3 file.py
	assert_status 1
	assert_output 'File too large'
}

@test "memory limit: the cgroup's, and a process's own" {
	each_launcher wants_too_much_memory
}

# The test itself goes into the cgroup, and so does what it starts.
@test "an ordinary user with a delegated cgroup gets the verdicts that root gets" {
	as_root_only
	v2_only
	WAS=/sys/fs/cgroup$(cut -d: -f3 /proc/self/cgroup)
	OWN=/sys/fs/cgroup/own-$$
	delegate "$OWN"
	mkdir "$OWN/shell"
	put_into "$OWN/shell"
	LAUNCHERS=user each_launcher wants_too_much_memory
	LAUNCHERS=user each_launcher multiplies
	cd "$WORK"
	echo 400 >input
	judged -- ./memory
	of_record 'verdict == "memory-limit" and not [d for d in degraded if d.startswith("cgroup")]'
}

says_too_much() {
	echo 'while True: print("and so on " * 1000)' | submit babble.py
	judged -D output=100K -- python3 babble.py
	assert_status 124
	of_record 'verdict == "output-limit" and "output" in limits_hit and output_bytes == 102400'
	[ "$(stat -c %s answer)" -le 102400 ]
	echo 'import sys; sys.stderr.write("x" * 200000)' | submit complaint.py
	judged -D output=100K -- python3 complaint.py
	assert_status 124
	of_record 'verdict == "output-limit"'
	judged -D output=300K -- python3 complaint.py
	assert_status 0
}

@test "output limit: on standard output and standard error" {
	each_launcher says_too_much
}

# A bomb that goes off outside too, as the control: it stops by itself at 300 processes.
multiplies() {
	submit bomb.c <<'END'
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>
int main(void)
{
	volatile int *made = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid_t first = getpid();
	while (__sync_fetch_and_add(made, 1) < 300)
		if (fork() < 0)
			__sync_fetch_and_sub(made, 1);
	if (getpid() == first)
		printf("went off\n");
	return 0;
}
END
	run as_launcher timeout 20 ./bomb
	assert_output "went off"
	judged -D time=500ms -- ./bomb
	assert_status 124
	[ ! -s answer ]
	of_record 'verdict == "time-limit"'
	if has_cgroup; then
		of_record 'pids_peak <= 66'
		# An ordinary user is also init's, which counts for rlimits.nproc: that is reached first, and nobody tells.
		[ "$LAUNCHER" = user ] || of_record '"pids" in limits_hit'
	fi
}

@test "a fork bomb fills its own sandbox, and is gone with it" {
	each_launcher multiplies
}

attacks() {
	local domain

	for domain in AF_INET AF_INET6 AF_PACKET; do
		echo "import socket; socket.socket(socket.$domain, socket.SOCK_DGRAM)" | submit call.py
		judged -- python3 call.py
		assert_status 159
		of_record 'verdict == "seccomp" and signal == 31'
	done
	run as_launcher /usr/bin/python3 -c 'import socket; socket.socket(socket.AF_INET, socket.SOCK_DGRAM)'
	assert_status 0
	submit trace.c <<'END'
#include <sys/ptrace.h>
int main(void) { return ptrace(PTRACE_TRACEME, 0, 0, 0) != 0; }
END
	judged -- ./trace
	of_record 'verdict == "seccomp"'
	run as_launcher ./trace
	assert_status 0
	judged -- unshare --user true
	of_record 'verdict == "seccomp"'
	run as_launcher unshare --user true
	assert_status 0
}

@test "a socket, ptrace and a user namespace end it, and the record tells" {
	each_launcher attacks
}

spies() {
	mkdir -p "$TMP/theirs-$LAUNCHER/17"
	echo 42 >"$TMP/theirs-$LAUNCHER/17/expected"
	# By its path, and by looking everywhere.
	cat >spy.sh <<-END
		cat $TMP/theirs-$LAUNCHER/17/expected 2>/dev/null ||
			cat \$(find /tmp /work /proc/1/ -name expected 2>/dev/null) </dev/null 2>/dev/null | grep .
	END
	as_launcher sh spy.sh >found
	[ "$(cat found)" = 42 ]
	rm found
	judged -- sh spy.sh
	[ "$status" -ne 0 ]
	[ ! -s answer ]
	of_record 'verdict == "exited"'
	judged --ro "$TMP/theirs-$LAUNCHER" -- sh spy.sh # where it lies, it would be found
	[ "$(cat answer)" = 42 ]
	refuses_secret
	refuses_writing
	# Not even its own source, or a place for the next submission to find.
	echo >own
	chmod 0666 own
	refuses sh -c 'echo >>own'
	assert_output 'Read-only file system'
	# Nor is anything made and executed.
	refuses sh -c 'cp /bin/true /tmp/true-$$ && /tmp/true-$$ && rm /tmp/true-$$ || exit 1'
	assert_output 'Permission denied'
	refuses_setuid
	refuses sh -c 'grep -q . /proc/cpuinfo'
	# Descriptors that the judge left open.
	exec 9<"$TMP/theirs-$LAUNCHER/17/expected"
	as_launcher sh -c 'cat <&9' >/dev/null
	judged -- sh -c 'cat <&9'
	exec 9<&-
	[ "$status" -ne 0 ]
	grep -q 'Bad file descriptor' errors
	[ ! -s answer ]
}

# Standard input is the one file of the judge's that a submission holds.
tampers() {
	local evil='chmod 0666 /proc/self/fd/0; echo evil >/proc/self/fd/0'

	as_launcher sh -c 'echo good >input'
	as_launcher sh -c "$evil" <input
	[ "$(cat input)" = evil ]
	rm input
	as_launcher sh -c 'echo good >input'
	if [ "$LAUNCHER" = root ]; then
		launch -- sh -c "$evil" <input || :
	else
		launch -- sh -c "$evil" < <(cat input) || :
	fi
	[ "$(cat input)" = good ]
	# Whoever opens it by that name to read it, as many do, can.
	judged -- sh -c 'cat /dev/stdin'
	assert_status 0
	[ "$(cat answer)" = good ]
}

@test "the input is the same for the next submission" {
	each_launcher tampers
}

@test "the expected output is nowhere to be found, and nothing is left for the next" {
	each_launcher spies
}
