# root: what / is inside, for root and for an ordinary user.
# shellcheck disable=SC2016 # what stands in single quotes is for the shell inside
load ../lib/common
load ../lib/filesystem

# root_profile LINES: a profile whose root section is LINES, with /proc.
root_profile() {
	profile <<CONF
format = 1;
$1
mounts = ( { type = "proc"; target = "/proc"; } );
CONF
}

# A copy of the root file system that the ordinary user owns.
user_rootfs() {
	mkdir "$USER_TMP/root"
	copy_programs "$USER_TMP/root"
	cp -a "$ROOTFS/etc" "$USER_TMP/root/"
	mkdir "$USER_TMP/root/proc" "$USER_TMP/root/tree" "$USER_TMP/root/tree/below"
	echo lower >"$USER_TMP/root/tree/below/file"
	if [ "$(id -u)" -eq 0 ]; then
		chown -R 65534:65534 "$USER_TMP/root"
	fi
}

@test "a directory is read-only by default, for root and for a user" {
	root_profile "root = { source = \"$ROOTFS\"; };"
	for as in as_self as_user; do
		run "$as" sandbox -p "$PROFILE" -- sh -c 'test -x /bin/sh && touch /new'
		assert_status 1
		assert_output "Read-only file system"
	done
	[ ! -e "$ROOTFS/new" ]
}

@test "a writable directory is written to" {
	user_rootfs
	root_profile "root = { source = \"$USER_TMP/root\"; access = \"read-write\"; };"
	run as_user sandbox -p "$PROFILE" -- touch /new
	assert_status 0
	[ "$(stat -c %u "$USER_TMP/root/new")" -eq "$(stat -c %u "$USER_TMP/root")" ]
}

@test "nothing of the host is in sight" {
	mkdir "$TMP/bait"
	mount -t tmpfs sandbox-bait "$TMP/bait" || as_root_only
	root_profile "root = { source = \"$ROOTFS\"; };"
	run sandbox -p "$PROFILE" -- cat /proc/self/mountinfo
	umount "$TMP/bait"
	assert_status 0
	refute_output sandbox-bait
	[ "$(awk '$5 == "/"' <<<"$output" | wc -l)" -eq 1 ]
	refute_output "/sys/fs/cgroup"
	run sandbox -p "$PROFILE" -- sh -c 'cd /; for i in 1 2 3 4 5 6 7 8 9; do cd ..; done; ls -d /etc/os-release; ls /home /work 2>&1; stat -c %i . /'
	[ "$(tail -2 <<<"$output" | sort -u | wc -l)" -eq 1 ]
}

@test "without a source / is a tmpfs, read-only once it is filled" {
	profile <<CONF
format = 1;
mounts = ( $(program_mounts) { type = "proc"; target = "/proc"; },
	{ type = "directory"; target = "/a/b/c"; mode = "0700"; } );
CONF
	for as in as_self as_user; do
		run "$as" sandbox -p "$PROFILE" -- sh -c 'stat -c "%a %u" /a/b/c; stat -c %a /a /; mkdir /new'
		assert_status 1
		assert_line "700 1000"
		assert_line "755"
		assert_output "Read-only file system"
	done
}

@test "a writable tmpfs root has the size that the profile says" {
	profile <<CONF
format = 1;
root = { access = "read-write"; size = "1M"; inodes = 50; mode = "0777"; };
mounts = ( $(program_mounts) { type = "proc"; target = "/proc"; } );
CONF
	run sandbox -p "$PROFILE" -- sh -c 'stat -c %a /; head -c 900000 /bin/busybox >/a && echo fits; cat /bin/busybox >/b'
	assert_status 1
	assert_line 777
	assert_line fits
	assert_output "No space left on device"
	run sandbox -p "$PROFILE" -- sh -c 'i=0; while touch /f$i; do i=$((i + 1)); done; test $i -lt 50'
	assert_status 0
}

@test "an overlay is written to, and the source stays as it was" {
	user_rootfs
	root_profile "root = { source = \"$USER_TMP/root\"; access = \"overlay\"; };"
	find "$USER_TMP/root" -printf '%p %s %m %U %T@\n' | sort >"$TMP/before"
	for as in as_self as_user; do
		# Launched by root the owner on disk stays the owner: uid 65534 inside.
		[ "$as" = as_self ] && id=65534 || id=1000
		run "$as" sandbox -p "$PROFILE" -s users.uid="$id" -s users.gid="$id" -- sh -ec '
			echo changed >/etc/hostname; cat /etc/hostname
			rm -r /tree/below; mkdir /tree/below; ls -A /tree/below
			mv /tree /moved; ls -d /moved/below; rm -r /etc'
		if [ "$as" = as_user ] && ! overlay_on_tmpfs; then
			assert_status 122
			assert_output "use an upper directory, or launch as root"
			continue
		fi
		assert_status 0
		assert_line changed
		assert_line /moved/below
	done
	find "$USER_TMP/root" -printf '%p %s %m %U %T@\n' | sort | diff "$TMP/before" -
}

@test "an overlay with a directory upper keeps what is written" {
	user_rootfs
	for as in as_self as_user; do
		[ "$as" = as_self ] && id=65534 || id=1000
		mkdir "$USER_TMP/upper-$as"
		[ "$(id -u)" -ne 0 ] || chown 65534:65534 "$USER_TMP/upper-$as"
		root_profile "root = { source = \"$USER_TMP/root\"; access = \"overlay\"; upper = \"$USER_TMP/upper-$as\"; };"
		run "$as" sandbox -p "$PROFILE" -s users.uid="$id" -s users.gid="$id" -- sh -c 'echo kept >/tree/new'
		assert_status 0
		run "$as" sandbox -p "$PROFILE" -s users.uid="$id" -s users.gid="$id" -- cat /tree/new
		assert_status 0
		assert_line kept
		[ "$(cat "$USER_TMP/upper-$as/tree/new")" = kept ]
		# As on disk, whatever ids this launch was given.
		[ "$(stat -c %u "$USER_TMP/upper-$as/tree/new")" = "$(stat -c %u "$USER_TMP/root")" ]
		[ ! -e "$USER_TMP/root/tree/new" ]
	done
}

@test "owners show as on disk, as the payload, or unmapped" {
	as_root_only
	root_profile "root = { source = \"$ROOTFS\"; };"
	run sandbox -p "$PROFILE" -- stat -c %u /etc
	assert_line 0
	run sandbox -p "$PROFILE" -s root.idmap=none -- stat -c %u /etc
	assert_line 65534
	run sandbox -p "$PROFILE" -s root.idmap=owner -- stat -c %u /etc
	assert_line 1000
	# In use by the payload only, and still not writable: the root is read-only.
	run as_user sandbox -p "$PROFILE" -s root.idmap=owner -- true
	assert_status 122
	assert_output "only root can"
}

@test "owners as on disk can be written by the payload" {
	as_root_only
	mkdir "$TMP/tree"
	copy_programs "$TMP/tree"
	mkdir "$TMP/tree/mine" "$TMP/tree/theirs" "$TMP/tree/proc"
	chown 1000:1000 "$TMP/tree/mine"
	root_profile "root = { source = \"$TMP/tree\"; access = \"read-write\"; };"
	run sandbox -p "$PROFILE" -- sh -c 'touch /mine/a; touch /theirs/a'
	assert_status 1
	[ "$(stat -c %u:%g "$TMP/tree/mine/a")" = 1000:1000 ]
	[ ! -e "$TMP/tree/theirs/a" ]
}

@test "a file system without idmapped mounts is refused, and says what to write" {
	as_root_only
	mkdir "$TMP/lower" "$TMP/upper" "$TMP/work" "$TMP/merged"
	mount -t tmpfs tmpfs "$TMP/upper"
	mkdir "$TMP/upper/u" "$TMP/upper/w"
	mount -t overlay overlay -o "lowerdir=$ROOTFS,upperdir=$TMP/upper/u,workdir=$TMP/upper/w" "$TMP/merged"
	root_profile "root = { source = \"$TMP/merged\"; };"
	run sandbox -p "$PROFILE" -- true
	refused=$status message=$output
	run sandbox -p "$PROFILE" -s root.idmap=none -- true
	umount "$TMP/merged" "$TMP/upper"
	assert_status 0
	status=$refused output=$message
	assert_status 122
	assert_output 'idmap = "none"'
	assert_output "test.conf:2: root"
}

@test "a root in a directory that is closed to everybody else is reached, by root" {
	as_root_only
	mkdir -m 0700 "$TMP/closed"
	cp -a "$ROOTFS" "$TMP/closed/root"
	for access in read-only overlay; do
		root_profile "root = { source = \"$TMP/closed/root\"; access = \"$access\"; };"
		run sandbox -p "$PROFILE" -- true
		assert_status 0
	done
	run as_user sandbox -p "$PROFILE" -- true
	assert_status 122
	assert_output "Permission denied"
}

@test "a root that is not there, or no directory, is refused at its line" {
	root_profile "root = { source = \"$TMP/absent\"; };"
	run sandbox -p "$PROFILE" -- true
	assert_status 122
	assert_output "test.conf:2: root.source: cannot open $TMP/absent: No such file or directory (root, plan)"
	touch "$TMP/absent"
	run sandbox -p "$PROFILE" -- true
	assert_status 122
	assert_output "it is not a directory"
}

@test "the host's own / needs a word of permission, under any name" {
	ln -s / "$TMP/link"
	for source in / "$TMP/link" /proc/self/root; do
		root_profile "root = { source = \"$source\"; };"
		run sandbox -p "$PROFILE" -- true
		assert_status 121
		assert_output 'dangerous = [ "host-paths" ]'
	done
	profile <<CONF
format = 1;
dangerous = [ "host-paths" ];
root = { source = "/"; idmap = "none"; };
mounts = ( { type = "proc"; target = "/proc"; } );
CONF
	for as in as_self as_user; do
		run "$as" sandbox -p "$PROFILE" -- test -d /usr/bin
		assert_status 0
	done
}

@test "a root that the host has read-only is not promised writable" {
	as_root_only
	mkdir "$TMP/ro"
	mount --bind "$ROOTFS" "$TMP/ro"
	mount -o remount,bind,ro "$TMP/ro"
	root_profile "root = { source = \"$TMP/ro\"; access = \"read-write\"; };"
	run sandbox -p "$PROFILE" -- true
	umount "$TMP/ro"
	assert_status 123
	assert_output "mounted read-only"
}

@test "set-user-ID bits, devices and execution on the root follow the profile" {
	as_root_only
	root_profile "root = { source = \"$ROOTFS\"; };"
	run sandbox -p "$PROFILE" -- sh -c "awk '\$5 == \"/\" { print \$6 }' /proc/self/mountinfo"
	assert_output "ro,nosuid,nodev,relatime"
	root_profile "root = { source = \"$ROOTFS\"; suid = true; dev = true; };"
	run sandbox -p "$PROFILE" -- sh -c "awk '\$5 == \"/\" { print \$6 }' /proc/self/mountinfo"
	assert_output "ro,relatime"
	root_profile "root = { source = \"$ROOTFS\"; exec = false; };"
	run sandbox -p "$PROFILE" -- true
	assert_status 126
}

@test "without a mount namespace there is no root to build" {
	profile <<CONF
format = 1;
namespaces = [ "user", "pid", "net", "ipc", "uts", "cgroup" ];
CONF
	run sandbox -p "$PROFILE" -- true
	assert_status 121
	assert_output "mount"
}

@test "nothing is left behind, when it works and when it fails" {
	residue_before
	root_profile "root = { source = \"$ROOTFS\"; access = \"overlay\"; };"
	run sandbox -p "$PROFILE" -- true
	assert_status 0
	run sandbox -p "$PROFILE" -s 'mounts[/a/b].type=tmpfs' -s root.access=read-only -- true
	assert_status 123
	residue_after
}
