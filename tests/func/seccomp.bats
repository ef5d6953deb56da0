# seccomp: the filter does what the profile says, real programs live with the default one, and no cache weakens it.
load ../lib/common

setup_file() {
	cc -std=gnu11 -O1 -static -o "$BATS_FILE_TMPDIR/call" "$BATS_TEST_DIRNAME/../lib/call.c"
	chmod 0711 "$BATS_RUN_TMPDIR"
	chmod 0755 "$BATS_FILE_TMPDIR"
}

# A root with nothing but the caller of system calls in it; $1: further text of the profile.
with() {
	profile <<-END
		format = 1;
		mounts = ( { type = "bind"; source = "$BATS_FILE_TMPDIR/call"; target = "/call"; } );
		$1
	END
}

inside() {
	run sandbox -p "$PROFILE" -- /call "$@"
}

outside() {
	run "$BATS_FILE_TMPDIR/call" "$@"
}

# x86-64's numbers: other machines run the unit tests only.
only_x86_64() {
	[ "$(uname -m)" = x86_64 ] || skip "the numbers in this test are x86-64's"
}

@test "what the default set leaves closed is refused inside, and possible outside" {
	local call

	only_x86_64
	with ''
	# unshare(NEWUSER), personality(ADDR_NO_RANDOMIZE), ptrace(TRACEME), socket(AF_VSOCK), the same with a high bit,
	# keyctl(GET_KEYRING_ID, session), listmount, name_to_handle_at
	for call in '272 0x10000000:EPERM' '135 0x40000:EPERM' '101 0:EPERM' '41 40 1 0:EAFNOSUPPORT' \
		'41 0x100000028 1 0:EAFNOSUPPORT' '250 0 -3 0:ENOSYS'; do
		# shellcheck disable=SC2086 # words
		outside ${call%:*}
		[ "$output" = ok ] || { echo "outside, ${call%:*}: $output"; false; }
		# shellcheck disable=SC2086
		inside ${call%:*}
		[ "$output" = "${call#*:}" ] || { echo "inside, ${call%:*}: $output"; false; }
	done
}

@test "clone3, io_uring and numbers that nobody knows are answered ENOSYS" {
	local number

	only_x86_64
	with ''
	for number in 435 425; do
		outside "$number"
		[ "$output" != ENOSYS ] || { echo "outside, $number: $output"; false; }
	done
	for number in 435 425 426 427 457 458 467 470 500 600 4000 -1; do
		inside "$number"
		[ "$output" = ENOSYS ] || { echo "inside, $number: $output"; false; }
	done
}

@test "a call through a foreign ABI kills, and the verdict says so" {
	only_x86_64
	with ''
	outside int80 20
	assert_output ok
	run sandbox -p "$PROFILE" --status-file "$TMP/status" -- /call int80 20
	assert_status 159
	run cat "$TMP/status"
	assert_output '"verdict": "seccomp"' || assert_output '"verdict":"seccomp"'
	# x32: a bit in the number.
	inside 0x40000027
	assert_status 159
}

@test "rules look at the arguments" {
	only_x86_64
	with 'seccomp = { rules = (
		{ syscalls = [ "umask" ]; when = ( { arg = "mask"; any = "S_ISUID|S_ISGID"; } ); action = "errno:EROFS"; },
		{ syscalls = [ "socket" ]; when = ( { arg = "domain"; equals = "AF_VSOCK"; } ); action = "allow"; },
		{ syscalls = [ "getppid" ]; action = "errno:EIO"; } ); };'
	inside 95 0755
	assert_output ok
	inside 95 04755
	assert_output EROFS
	inside 41 40 1 0
	assert_output ok
	inside 41 38 5 0
	assert_output EAFNOSUPPORT
	inside 110
	assert_output EIO
	inside 39
	assert_output ok
}

@test "allow, deny, and an open default that must be named dangerous" {
	only_x86_64
	with 'seccomp = { allow = { add = [ "personality" ]; }; deny = [ "getpid" ]; };'
	inside 135 0x40000
	assert_output ok
	inside 39
	assert_output EPERM
	with 'seccomp = { default = "allow"; deny = [ "getpid" ]; };'
	inside 39
	assert_status 121
	assert_output 'allow-by-default'
	with 'dangerous = [ "allow-by-default" ]; seccomp = { default = "allow"; allow = [ ]; deny = [ "getpid" ]; };'
	inside 39
	assert_output EPERM
	inside 135 0x40000
	assert_output ok
}

@test "kill-process and trap end the payload" {
	only_x86_64
	with 'seccomp = { rules = ( { syscalls = [ "getpid" ]; action = "kill-process"; }, { syscalls = [ "getppid" ]; action = "trap"; } ); };'
	inside 39
	assert_status 159
	inside 110
	assert_status 159
}

@test "mistakes are errors of the profile at their line" {
	with 'seccomp = { allow = [ "@default", "ptrce" ]; };'
	inside 39
	assert_status 121
	assert_output "test.conf:3: seccomp.allow"
	assert_output 'did you mean "ptrace"?'
	with 'seccomp = { deny = [ "execve" ]; };'
	inside 39
	assert_status 121
	assert_output 'execve must be allowed'
	with 'seccomp = { rules = ( { syscalls = [ "socket" ]; when = ( { arg = "domain"; not_equals = "AF_UNIX"; } ); action = "allow"; } ); };'
	inside 39
	assert_status 121
	assert_output 'not_equals'
	with 'seccomp = { architectures = [ "x86", "sparc" ]; };'
	inside 39
	assert_status 121
	assert_output 'sparc'
}

@test "real programs live with the default filter" {
	local program ran=0

	profile <<-END
		format = 1;
		extends = [ "default" ];
		mounts = ( { type = "tmpfs"; target = "/work"; size = "256M"; mode = "0777"; },
		           { type = "bind"; source = "$TMP/job.c"; target = "/work/job.c"; } );
		process = { cwd = "/work"; };
	END
	cat >"$TMP/job.c" <<-END
		#include <pthread.h>
		static void *job(void *x) { return x; }
		int main(void) { pthread_t t; return pthread_create(&t, 0, job, 0) || pthread_join(t, 0); }
	END
	while IFS='|' read -r program command; do
		command -v "$program" >/dev/null || continue
		ran=$((ran + 1))
		run sandbox -p "$PROFILE" -- bash -c "$command"
		[ "$status" -eq 0 ] || { echo "$program: $status: $output"; false; }
	done <<-'END'
		bash|x=$(echo a | tr a b); cat <(echo "$x"); [ "$x" = b ]
		sort|ls -l / | sort | uniq -c; mkfifo f; rm f; cp -a job.c x; mv x y; rm y; df .; du -s .; nice true; timeout 1 true; stat .
		python3|python3 -c 'import threading,subprocess,socket,asyncio; t=threading.Thread(target=print); t.start(); t.join(); subprocess.run(["true"],check=True); socket.socketpair(); asyncio.run(asyncio.sleep(0))'
		node|node -e 'require("child_process").execSync("true"); new (require("worker_threads").Worker)("1",{eval:true})'
		gcc|gcc -O1 -pthread job.c -o job && ./job
		git|git init -q g && cd g && echo a >f && git add f && git -c user.name=n -c user.email=e commit -qm m && git gc -q && git log
		java|java -version
		perl|perl -e 'my $p = fork // die; exit 0 unless $p; waitpid $p, 0; exit $?'
		ps|ps aux
		ip|ip addr && ip route
		busybox|busybox sh -c 'busybox ps; busybox id; busybox ls /'
		curl|curl -s file:///etc/passwd >/dev/null
		tar|tar czf t.tgz job.c && mkdir t && tar xzf t.tgz -C t
	END
	[ "$ran" -ge 5 ] || { echo "only $ran programs found"; false; }
}

@test "a user's own rules come from the cache at the second run" {
	local cache=$USER_TMP/cache

	with 'seccomp = { deny = [ "getpid" ]; };'
	mkdir "$cache"
	[ "$(id -u)" -ne 0 ] || chown 65534:65534 "$cache"
	run as_user env XDG_RUNTIME_DIR="$cache" "$(_user_sandbox)" explain -p "$PROFILE" /call 39
	assert_status 0
	[ ! -e "$cache/sandbox" ]
	run as_user env XDG_RUNTIME_DIR="$cache" "$(_user_sandbox)" -p "$PROFILE" -- /call 39
	assert_output EPERM
	[ "$(find "$cache" -type f | wc -l)" -eq 1 ]
	[ "$(find "$cache" -type f -perm 0600 -links 1 -user 65534 | wc -l)" -eq 1 ]
	# Kept once: the second run reads, and links nothing there.
	run as_user env XDG_RUNTIME_DIR="$cache" strace -y -f -e trace=linkat,openat -o "$USER_TMP/trace" \
		"$(_user_sandbox)" -p "$PROFILE" -- /call 39
	assert_output EPERM
	run cat "$USER_TMP/trace"
	assert_output '"filters"'
	run grep -c 'linkat(.*/filters>' "$USER_TMP/trace"
	assert_line 0
	rm "$cache"/sandbox/filters/*
	run as_user env XDG_RUNTIME_DIR="$cache" strace -y -f -e trace=linkat,openat -o "$USER_TMP/trace" \
		"$(_user_sandbox)" -p "$PROFILE" -- /call 39
	run grep -c 'linkat(.*/filters>' "$USER_TMP/trace"
	assert_line 1
	# A shipped profile's filter is in the program.
	run as_user env XDG_RUNTIME_DIR="$cache" strace -f -e trace=linkat,openat -o "$USER_TMP/trace" "$(_user_sandbox)" -- true
	assert_status 0
	run cat "$USER_TMP/trace"
	refute_output '"filters"'
}

@test "a damaged, foreign or borrowed cache file never weakens the filter" {
	local cache=$USER_TMP/cache file weak i

	mkdir "$cache"
	[ "$(id -u)" -ne 0 ] || chown 65534:65534 "$cache"
	weak() {
		with 'dangerous = [ "allow-by-default" ]; seccomp = { default = "allow"; };'
	}
	strict() {
		with 'seccomp = { deny = [ "getpid" ]; };'
	}
	once() {
		run as_user env XDG_RUNTIME_DIR="$cache" "$(_user_sandbox)" -p "$PROFILE" -- /call 39
	}
	weak
	once
	assert_output ok
	weak=$(find "$cache" -type f)
	cp "$weak" "$USER_TMP/weak"
	rm "$weak"
	strict
	once
	assert_output EPERM
	file=$(find "$cache" -type f)
	[ -n "$file" ]
	for i in truncate empty noise weak link mode hardlink; do
		case $i in
		truncate) truncate -s 100 "$file" ;;
		empty) : >"$file" ;;
		noise) head -c 2000 /dev/urandom >"$file" ;;
		weak) cat "$USER_TMP/weak" >"$file" ;;
		link) ln -sf "$USER_TMP/weak" "$file" ;;
		mode) chmod 0666 "$file" ;;
		hardlink) ln "$file" "$USER_TMP/second" ;;
		esac
		once
		[ "$output" = EPERM ] || { echo "$i: $output"; false; }
		# The next run finds a whole one in its place.
		[ "$(find "$cache/sandbox/filters" -type f -perm 0600 -links 1 | wc -l)" -eq 1 ] || { echo "$i"; ls -l "$cache/sandbox/filters"; false; }
	done
	# Of another owner, and in a directory that others can write.
	as_root_only
	chown 0 "$file"
	once
	assert_output EPERM
	chmod 0777 "$cache/sandbox/filters"
	once
	assert_output EPERM
	chmod 0700 "$cache/sandbox/filters"
}

@test "who has no runtime directory keeps no cache and notices nothing" {
	with 'seccomp = { deny = [ "getpid" ]; };'
	run as_user env -u XDG_RUNTIME_DIR "$(_user_sandbox)" -p "$PROFILE" -- /call 39
	assert_output EPERM
}

@test "explain tells what a set holds" {
	run sandbox explain @network-io
	assert_status 0
	assert_output 'accept4'
	assert_line 'socketpair when domain not_equals 0x1: errno:EAFNOSUPPORT'
	run sandbox explain --json @absent
	assert_status 0
	assert_output '"clone3: errno:ENOSYS"'
	run sandbox explain @defalt
	assert_status 120
	assert_output 'did you mean @default?'
}

@test "@no-set-id: no file gets a set-ID bit by any of the ways to one" {
	# shellcheck disable=SC2016 # perl's
	local made='use Fcntl; umask 0;
		my ($mode, $bit) = ("$ARGV[0]/chmod", 04755);
		sysopen(my $file, $mode, O_CREAT | O_WRONLY, 0755) or die "create: $!";
		print "chmod $!\n" unless chmod $bit, $mode;
		print "fchmod $!\n" unless chmod 02755, $file;
		print "openat $!\n" unless sysopen(my $open, "$ARGV[0]/openat", O_CREAT | O_WRONLY, $bit);
		my ($mknod, $openat2, $how) = ("$ARGV[0]/mknod", "$ARGV[0]/openat2", pack("QQQ", O_CREAT | O_WRONLY, $bit, 0));
		print "mknod $!\n" unless syscall($ARGV[1], $mknod, 0100000 | $bit, 0) == 0;
		print "openat2 $!\n" unless syscall(437, -100, $openat2, $how, 24) >= 0;
		print "group $!\n" unless chmod 01755, $mode;'
	local mknod=133

	[ "$(uname -m)" = x86_64 ] || skip "numbers of x86_64"
	mkdir "$TMP/set" "$TMP/kept"
	chmod 0777 "$TMP/set" "$TMP/kept"
	profile <<<'format = 1; extends = [ "default" ]; seccomp = { allow = [ "@default" ]; };'
	run sandbox -p "$PROFILE" --rw "$TMP/set" -- perl -e "$made" "$TMP/set" $mknod
	assert_status 0
	[ -z "$output" ]
	[ "$(find "$TMP/set" -type f -perm /06000 | wc -l)" -eq 3 ]
	run sandbox -p "$CHECKOUT/profiles/default.conf" --rw "$TMP/kept" -- perl -e "$made" "$TMP/kept" $mknod
	assert_status 0
	[ "$output" = "$(printf '%s Operation not permitted\n' chmod fchmod openat mknod; echo 'openat2 Function not implemented')" ]
	[ "$(find "$TMP/kept" -type f -perm /06000 | wc -l)" -eq 0 ]
	[ "$(stat -c %a "$TMP/kept/chmod")" = 1755 ]
}
