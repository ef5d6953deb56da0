# ci: a build changes everything in its copy, and nothing on disk; what it wants kept is in the artifacts directory.

# shellcheck disable=SC2030,SC2031,SC2034,SC2153,SC2154 # what bats' run sets, and lib/profiles
bats_require_minimum_version 1.5.0
load ../lib/common
load ../lib/filesystem
load ../lib/profiles

setup_file() {
	packages gcc libc6-dev make git
}

# That an ordinary user of an older kernel is refused, all.bats tests.
setup() {
	if ! overlay_on_tmpfs; then
		[ "$(id -u)" -eq 0 ] || skip "needs a tmpfs with user extended attributes: Linux 6.6"
		LAUNCHERS=root
	fi
	residue_before
}

teardown() {
	residue_after
}

# A project that was built before, with a git repository.
project() {
	rm -rf project
	mkdir -p project/sub artifacts
	cat >project/main.c <<-'END'
		#include <stdio.h>
		int main(void) { printf("version %d\n", VERSION); return 0; }
	END
	printf '%s\n' 'all: main' 'main: main.c' '	cc -DVERSION=2 -o $@ $<' \
		'check: main' '	./main | grep -qx "version 2"' \
		'install: main' '	install main /artifacts/' >project/Makefile
	echo 1 >project/sub/data
	ln -s sub/data project/link
	git -C project init -q
	git -C project -c user.name=a -c user.email=a@example.com commit -q --allow-empty -m first
	[ "$LAUNCHER" = root ] || [ "$(id -u)" -ne 0 ] || chown -R "$TEST_UID:$TEST_UID" project artifacts
	tree >before
}

# Everything of the project, to the nanosecond.
tree() {
	find project -printf '%p %y %m %U:%G %s %T@ %C@ %l\n' | sort
	find project -type f -exec sha256sum {} + | sort
}

unchanged() {
	tree | diff before -
}

builds() {
	project
	sleep 1.1 # make looks at whole seconds in some file systems
	run launch -D project=project -- make check install
	assert_status 0
	[ "$(artifacts/main)" = "version 2" ]
	[ "$(stat -c %u artifacts/main)" = "$(stat -c %u artifacts)" ]
	unchanged
	run launch -D project=project -- sh -c 'cc -g -DVERSION=3 -fsanitize=address -o main main.c && ./main'
	assert_status 0
	[ "$output" = "version 3" ]
	unchanged
	# A build that is not tidy at all: it sees what it did, and nobody else does.
	run launch -D project=project -- sh -ec 'rm -r sub; mkdir sub; echo 2 >sub/data; cat link
		echo >>main.c; mv Makefile GNUmakefile; chmod 0600 main.c; touch -d 2001-01-01 link
		git config core.pager evil; git -c user.name=b -c user.email=b@example.com commit -q --allow-empty -m second
		git log --format=%s; rm -rf .git; ls -A'
	assert_status 0
	[ "$(xargs <<<"$output")" = "2 second first GNUmakefile link main.c sub" ]
	unchanged
	# The default is the current directory, and no artifacts.
	cd project || return 1
	run launch -- make
	assert_status 0
	run launch -- test -e /artifacts
	assert_status 1
	cd "$WORK" || return 1
	unchanged
}

@test "a build of a project: its results are kept, the project is as it was" {
	each_launcher builds
}

fails() {
	project
	echo 'int main(void) { return x; }' >project/main.c
	[ "$LAUNCHER" = root ] || [ "$(id -u)" -ne 0 ] || chown "$TEST_UID:$TEST_UID" project/main.c
	tree >before
	run launch -D project=project -- make
	assert_status 2
	assert_output "'x' undeclared"
	unchanged
	run launch -D project=project -D time=300ms -- sleep 20
	assert_status 124
	unchanged
}

@test "a build that fails, or never ends" {
	each_launcher fails
}

# What the outside does runs in copies, for the control spoils them.
attacks() {
	project
	cp -a project control
	cat >hook.sh <<-'END'
		printf '#!/bin/sh\necho stolen >../stolen\n' >.git/hooks/post-checkout
		chmod 0755 .git/hooks/post-checkout
		git config core.fsmonitor 'echo stolen >../stolen; false'
	END
	chmod 0644 hook.sh
	as_launcher sh -ec 'cd control; . ../hook.sh; git status'
	[ -e stolen ]
	rm stolen
	as_launcher git -C control config --unset core.fsmonitor
	as_launcher git -C control checkout -q -b other
	[ -e stolen ]
	rm stolen
	run launch -D project=project -- sh -ec "$(cat hook.sh); git status >/dev/null 2>&1; ls -d .git/hooks/post-checkout"
	assert_status 0
	as_launcher git -C project status
	as_launcher git -C project checkout -q -b other
	[ ! -e stolen ]
	rm -rf control
	# The artifacts are a place for files, and nothing there can be executed by the next job.
	as_launcher sh -ec 'cp /bin/true artifacts/tool; artifacts/tool'
	run launch -- sh -c 'cp /bin/true /artifacts/tool && /artifacts/tool'
	assert_status 126
	assert_output '/artifacts/tool: Permission denied'
	rm artifacts/tool
	# Above the project there is nothing.
	refuses ls "$TMP"
	refuses_secret
	refuses_writing
	refuses_network
	refuses_namespaces
	refuses_setuid
	refuses_memory 512M -s cgroup.memory.max=256M
	# The disk is not filled either: what is written is in memory, and ends.
	# shellcheck disable=SC2034 # of refuses
	LAUNCH_OPTIONS=(-s 'mounts[/work].size=8M')
	refuses sh -c 'head -c 20M /dev/zero >big && rm big || exit 1'
	assert_output 'No space left on device'
	unset LAUNCH_OPTIONS
}

@test "a build leaves no hook and no tool behind, reaches nothing, fills nothing" {
	each_launcher attacks
}
