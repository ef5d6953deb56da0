# dev: the minimal /dev.
# shellcheck disable=SC2016 # what stands in single quotes is for the shell inside
load ../lib/common
load ../lib/filesystem

setup() {
	profile <<CONF
format = 1;
mounts = ( $(program_mounts) { type = "proc"; target = "/proc"; },
	{ type = "dev"; target = "/dev"; size = "1M"; inodes = 40; } );
CONF
	# What a process without a user namespace gets: nodes of its own.
	profile root <<CONF
format = 1;
dangerous = [ "host-root" ];
namespaces = [ "mount", "pid", "net", "ipc", "uts", "cgroup" ];
users = { map = "none"; };
mounts = ( $(program_mounts) { type = "proc"; target = "/proc"; },
	{ type = "dev"; target = "/dev"; size = "1M"; inodes = 40; } );
CONF
	PROFILE=$TMP/test.conf
}

# every CMD...: runs it inside as root, as a user, and as root without a user namespace; every one must succeed.
every() {
	run sandbox -p "$PROFILE" -- "$@"
	assert_status 0
	run as_user sandbox -p "$PROFILE" -- "$@"
	assert_status 0
	[ "$(id -u)" -ne 0 ] || run sandbox -p "$TMP/root.conf" -- "$@"
	assert_status 0
}

@test "it holds the harmless devices and links, and nothing else" {
	every ls -A /dev
	[ "$(xargs <<<"$output")" = "fd full null ptmx pts random shm stderr stdin stdout tty urandom zero" ]
	every sh -c 'for n in null:1:3 zero:1:5 full:1:7 random:1:8 urandom:1:9 tty:5:0; do
		name=${n%%:*}; number=${n#*:}; test -c /dev/$name && test "$(stat -c "%t:%T" /dev/$name)" = $number || exit 1; done
		for n in ptmx:pts/ptmx fd:/proc/self/fd stdin:/proc/self/fd/0 stdout:/proc/self/fd/1 stderr:/proc/self/fd/2; do
			test "$(readlink /dev/${n%%:*})" = ${n#*:} || exit 1; done'
}

@test "the devices do what they are for" {
	every sh -c 'set -e; echo x >/dev/null; test -z "$(cat /dev/null)"
		test "$(head -c 4 /dev/zero | od -An -tx1 | tr -d " \n")" = 00000000
		test "$(head -c 8 /dev/urandom | wc -c)" -eq 8; test "$(head -c 8 /dev/random | wc -c)" -eq 8
		if echo x 2>/dev/null >/dev/full; then exit 1; fi; { echo through >/dev/stdout; } | cat; echo x | cat /dev/stdin; test -d /dev/fd/'
	assert_line through
}

@test "its names cannot be changed, nor its nodes" {
	every sh -c '! touch /dev/new && ! rm -f /dev/null && ! mkdir /dev/d && ! chmod 0 /dev/null && test -w /dev/null'
	[ "$(grep -c "Read-only file system" <<<"$output")" -eq 4 ]
}

@test "shared memory has a size, and nothing runs from it" {
	every sh -c 'cp /bin/busybox /dev/shm/big; rm -f /dev/shm/big
		printf "#!/bin/sh\necho ran\n" >/dev/shm/script && chmod 755 /dev/shm/script && ! /dev/shm/script
		test "$(stat -c %a /dev/shm)" = 1777'
	assert_output "No space left on device"
	refute_output ran
	echo bait >"/dev/shm/bait.$$"
	every test ! -e "/dev/shm/bait.$$"
	rm "/dev/shm/bait.$$"
}

@test "pseudo-terminals are the sandbox's own" {
	every sh -c 'ls -A /dev/pts; test "$(stat -c %a /dev/pts/ptmx)" = 666'
	[ "$output" = ptmx ]
}

@test "every mount of it is nosuid and noexec" {
	every awk '$5 ~ "^/dev" { if ($6 !~ /nosuid/ || $6 !~ /noexec/) exit 1; n++ } END { exit n < 3 }' /proc/self/mountinfo
}

@test "a host whose /dev/null is something else is refused" {
	as_root_only
	echo fake >"$TMP/fake"
	mknod "$TMP/zero" c 1 5
	for fake in fake zero; do
		run unshare -m sh -c "mount --bind '$TMP/$fake' /dev/null && exec '$SANDBOX' -p '$PROFILE' -- true"
		assert_status 123
		assert_output "cannot use /dev/null of the host: it is not device 1:3"
		assert_output "test.conf:5: mounts["
	done
	# The same in a mount namespace of its own, with the right device.
	mknod "$TMP/null" c 1 3
	run unshare -m sh -c "mount --bind '$TMP/null' /dev/null && exec '$SANDBOX' -p '$PROFILE' -- true"
	assert_status 0
}

@test "a further device is there when it is bound" {
	profile <<CONF
format = 1;
mounts = ( $(program_mounts) { type = "dev"; target = "/dev"; },
	{ type = "bind"; source = "/dev/zero"; target = "/dev/more"; dev = true; access = "read-write"; } );
CONF
	run sandbox -p "$PROFILE" -- sh -c 'head -c 3 /dev/more | wc -c'
	assert_line 3
	# Not without leave.
	run sandbox -p "$PROFILE" -s 'mounts[/dev/more].dev=false' -- head -c 3 /dev/more
	assert_status 1
	assert_output "Permission denied"
}
