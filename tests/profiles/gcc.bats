# gcc: compiles, links and runs; a hostile #include finds nothing.

bats_require_minimum_version 1.5.0
load ../lib/common
load ../lib/profiles

setup_file() {
	packages gcc g++ libc6-dev make
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
