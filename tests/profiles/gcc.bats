# gcc: compiles, links and runs; a hostile #include finds nothing.

# shellcheck disable=SC2016,SC2030,SC2031 # what the inside expands, what bats' run sets
bats_require_minimum_version 1.5.0
load ../lib/common
load ../lib/profiles

setup_file() {
	packages gcc g++ libc6-dev make gdb
}

setup() {
	residue_before
}

teardown() {
	residue_after
}

builds() {
	cat >main.c <<'END'
#include <stdio.h>
int answer(void);
int main(void) { printf("the answer is %d\n", answer()); return 0; }
END
	echo 'int answer(void) { return 42; }' >answer.c
	run launch -- sh -ec 'cc -O2 -g -c answer.c; ar rcs libanswer.a answer.o; cc -O2 -flto -o main main.c libanswer.a; ./main'
	assert_status 0
	assert_line "the answer is 42"
	[ "$(./main)" = "the answer is 42" ]
	[ "$(stat -c %u main)" = "$(stat -c %u .)" ]
}

@test "gcc compiles a library and a program, which runs inside and outside" {
	each_launcher builds
}

builds_templates() {
	cat >sort.cc <<'END'
#include <algorithm>
#include <iostream>
#include <thread>
#include <vector>
int main() {
	std::vector<int> v(100000);
	for (size_t i = 0; i < v.size(); i++) v[i] = (i * 7919) % 100003;
	std::thread t([&] { std::sort(v.begin(), v.end()); });
	t.join();
	std::cout << (std::is_sorted(v.begin(), v.end()) ? "sorted" : "no") << "\n";
}
END
	run launch -- sh -ec 'c++ -O1 -pthread -o sort sort.cc; ./sort'
	assert_status 0
	assert_line sorted
}

@test "g++ compiles templates and threads" {
	each_launcher builds_templates
}

checks_memory() {
	echo 'int main(void) { return 0; }' >clean.c
	printf '%s\n' '#include <stdlib.h>' 'void *kept;' 'int main(void) { kept = malloc(10); kept = NULL; return 0; }' >leaks.c
	run launch -- sh -ec 'cc -g -fsanitize=address -o clean clean.c; ./clean; cc -g -fsanitize=address -o leaks leaks.c; ./leaks'
	assert_status 1
	assert_output 'SUMMARY: AddressSanitizer: 10 byte(s) leaked'
	run launch -- sh -c './clean && echo no leak'
	assert_status 0
	[ "$output" = 'no leak' ]
	# A debugger as well. Process 1 is ours: nobody looks into it, as the same user can into his own outside.
	run launch -- gdb -q -batch -ex 'break main' -ex run -ex 'info line' ./leaks
	assert_status 0
	assert_output 'leaks.c'
	as_launcher sh -c 'echo $$ >pid && exec sleep 60' 3>&- &
	wait_until 5 test -s pid
	run as_launcher gdb -q -batch -p "$(cat pid)"
	refute_output 'ptrace: '
	kill "$(cat pid)"
	rm pid
	run launch -- gdb -q -batch -p 1
	assert_output 'ptrace: Operation not permitted'
}

@test "gcc finds errors of memory and leaks in what it built, and gdb its lines" {
	each_launcher checks_memory
}

refuses_including() {
	echo '#define PASSWORD "hunter2"' >"$TMP/theirs-$LAUNCHER/secret.h"
	printf '#include "%s"\nPASSWORD\n' "$TMP/theirs-$LAUNCHER/secret.h" >spy.c
	refuses sh -c 'cc -E spy.c | grep -q hunter2'
}

refusals() {
	refuses_including
	refuses_secret
	refuses_writing
	refuses_network
	refuses_namespaces
	refuses_setuid
	refuses_memory 512M -s cgroup.memory.max=256M
}

@test "gcc reads no file of the user's through #include, reaches no network, gains nothing" {
	each_launcher refusals
}
