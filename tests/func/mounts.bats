# mounts: every type of mount, for root and for an ordinary user.
# shellcheck disable=SC2016 # what stands in single quotes is for the shell inside
load ../lib/common
load ../lib/filesystem

# mounts_profile ELEMENTS [MORE]: a tmpfs root with the programs of the root file system, /proc, and these mounts.
mounts_profile() {
	profile <<CONF
format = 1;
mounts = (
$(program_mounts) { type = "proc"; target = "/proc"; },
$1
);
${2:-}
CONF
}

@test "a bind is read-only, nosuid and nodev unless it says so" {
	mkdir "$USER_TMP/data"
	echo hello >"$USER_TMP/data/file"
	[ "$(id -u)" -ne 0 ] || chown -R 65534:65534 "$USER_TMP/data"
	mounts_profile "{ type = \"bind\"; source = \"$USER_TMP/data\"; target = \"/data\"; }"
	for as in as_self as_user; do
		run "$as" sandbox -p "$PROFILE" -- sh -c "cat /data/file; $(flags /data); touch /data/new"
		assert_status 1
		assert_line hello
		assert_line ro,nosuid,nodev,relatime
		assert_output "Read-only file system"
	done
	run as_user sandbox -p "$PROFILE" -s 'mounts[/data].access=read-write' -s 'mounts[/data].exec=false' -- \
		sh -c "$(flags /data); echo new >/data/new"
	assert_status 0
	assert_line rw,nosuid,nodev,noexec,relatime
	[ "$(cat "$USER_TMP/data/new")" = new ]
}

@test "a file is bound onto a file, which is made where it is missing" {
	echo hello >"$TMP/file"
	mounts_profile "{ type = \"bind\"; source = \"$TMP/file\"; target = \"/etc/some/file\"; }"
	for as in as_self as_user; do
		run "$as" sandbox -p "$PROFILE" -- sh -c 'cat /etc/some/file; echo x >/etc/some/file'
		assert_line hello
		assert_output "Read-only file system"
	done
}

@test "a bind brings the mounts below its source, all read-only" {
	as_root_only
	mkdir -p "$TMP/data/below"
	mount -t tmpfs tmpfs "$TMP/data/below"
	touch "$TMP/data/below/there"
	chmod 0777 "$TMP/data/below"
	mounts_profile "{ type = \"bind\"; source = \"$TMP/data\"; target = \"/data\"; }"
	run as_user sandbox -p "$PROFILE" -- sh -c 'ls /data/below; touch /data/below/new'
	recursive_user=$output
	run sandbox -p "$PROFILE" -- sh -c 'ls /data/below; touch /data/below/new'
	recursive=$output
	run sandbox -p "$PROFILE" -s 'mounts[/data].recursive=false' -- ls -A /data/below
	alone=$output
	run as_user sandbox -p "$PROFILE" -s 'mounts[/data].recursive=false' -- true
	umount "$TMP/data/below"
	assert_status 123
	assert_output "recursive = true"
	[[ $recursive == *there*"Read-only file system"* ]]
	[[ $recursive_user == *there*"Read-only file system"* ]]
	[ -z "$alone" ]
}

@test "an optional bind may be missing, and is reported; another may not" {
	mounts_profile "{ type = \"bind\"; source = \"$TMP/absent\"; target = \"/data\"; optional = true; }"
	run sandbox -p "$PROFILE" --status-file "$TMP/status" -- test -e /data
	assert_status 1
	grep -F 'mounts[/data]' "$TMP/status"
	run sandbox -p "$PROFILE" -s 'mounts[/data].optional=false' -- true
	assert_status 122
	assert_output "cannot open $TMP/absent: No such file or directory (mounts, plan)"
	assert_output "test.conf:6: mounts"
	# Only what is missing may be left out, not what cannot be looked at.
	mkdir -m 0700 "$TMP/closed"
	mounts_profile "{ type = \"bind\"; source = \"$TMP/closed/x\"; target = \"/data\"; optional = true; }"
	run as_user sandbox -p "$PROFILE" -- true
	assert_status 122
	assert_output "Permission denied"
}

@test "what shows the host itself needs a word of permission, under any name" {
	ln -s /proc "$TMP/link"
	for source in / /proc /sys /dev /run /proc/sys "$TMP/link" /etc/.. /sys/kernel; do
		mounts_profile "{ type = \"bind\"; source = \"$source\"; target = \"/data\"; }"
		run sandbox -p "$PROFILE" -- true
		assert_status 121
		assert_output "host-paths"
	done
	for source in / /proc /dev /run; do
		mounts_profile "{ type = \"bind\"; source = \"$source\"; target = \"/data\"; }" \
			'dangerous = [ "host-paths" ];'
		for as in as_self as_user; do
			run "$as" sandbox -p "$PROFILE" -- ls /data
			assert_status 0
		done
	done
	mounts_profile '{ type = "bind"; source = "/"; target = "/host"; }' 'dangerous = [ "host-paths" ];'
	run sandbox -p "$PROFILE" -- sh -c 'test -d /host/etc && test -d /host/proc/1'
	assert_status 0
}

@test "a bind cannot give what the host's mount forbids" {
	as_root_only
	mkdir "$TMP/ro"
	mount -t tmpfs -o ro,nodev tmpfs "$TMP/ro"
	mounts_profile "{ type = \"bind\"; source = \"$TMP/ro\"; target = \"/data\"; access = \"read-write\"; }"
	run sandbox -p "$PROFILE" -- true
	first=$status first_output=$output
	run sandbox -p "$PROFILE" -s 'mounts[/data].access=read-only' -s 'mounts[/data].dev=true' -- true
	second=$status second_output=$output
	umount "$TMP/ro"
	[[ "$first $first_output" == "123 "*"mounted read-only"* ]]
	[[ "$second $second_output" == "123 "*"mounted nodev"* ]]
}

@test "a source in a directory that is closed to everybody else is reached, by root" {
	as_root_only
	mkdir -m 0700 "$TMP/closed"
	echo hello >"$TMP/closed/file"
	mounts_profile "{ type = \"bind\"; source = \"$TMP/closed/file\"; target = \"/file\"; }"
	run sandbox -p "$PROFILE" -- cat /file
	assert_line hello
	run as_user sandbox -p "$PROFILE" -- cat /file
	assert_status 122
}

@test "the owner of a bind appears as the payload, and owns what it writes" {
	as_root_only
	mkdir "$TMP/data"
	chown 4242:4243 "$TMP/data"
	mounts_profile "{ type = \"bind\"; source = \"$TMP/data\"; target = \"/data\"; access = \"read-write\"; }"
	run sandbox -p "$PROFILE" -- touch /data/a
	assert_status 1
	run sandbox -p "$PROFILE" -s 'mounts[/data].idmap=owner' -- sh -c 'stat -c %u:%g /data; touch /data/a'
	assert_status 0
	assert_line 1000:1000
	[ "$(stat -c %u:%g "$TMP/data/a")" = 4242:4243 ]
	run sandbox -p "$PROFILE" -s 'mounts[/data].idmap=auto' -- stat -c %u:%g /data
	assert_line 4242:4243
	run as_user sandbox -p "$PROFILE" -s 'mounts[/data].idmap=owner' -- true
	assert_status 122
	assert_output "only root can"
	assert_output "mounts[/data].idmap=none"
	# What he has no map for he sees as what it is to him, nobody's; to root it is owner.
	run as_user sandbox -p "$PROFILE" -s 'mounts[/data].idmap=owner-or-none' -- sh -c 'stat -c %u:%g /data; cat /data/a; touch /data/b'
	assert_status 1
	assert_line 65534:65534
	run sandbox -p "$PROFILE" -s 'mounts[/data].idmap=owner-or-none' -- sh -c 'stat -c %u:%g /data; touch /data/b'
	assert_status 0
	assert_line 1000:1000
}

@test "what an ordinary user owns is the payload's: idmap = owner asks for nothing more" {
	mounts_profile "{ type = \"bind\"; source = \"$USER_TMP\"; target = \"/data\"; access = \"read-write\"; idmap = \"owner\"; }"
	run as_user sandbox -p "$PROFILE" -- sh -c 'stat -c %u /data; touch /data/a'
	assert_status 0
	assert_line 1000
	[ "$(stat -c %u "$USER_TMP/a")" = "$(stat -c %u "$USER_TMP")" ]
}

@test "the host's later mounts appear only where the profile says so" {
	as_root_only
	mkdir -p "$TMP/shared/below"
	mount -t tmpfs tmpfs "$TMP/shared"
	mount --make-shared "$TMP/shared"
	mkdir "$TMP/shared/below"
	mounts_profile "{ type = \"bind\"; source = \"$TMP/shared\"; target = \"/slave\"; propagation = \"slave\"; },
		{ type = \"bind\"; source = \"$TMP/shared\"; target = \"/private\"; }" \
		'process = { time_limit = "30s"; };'
	mkfifo "$TMP/in" "$TMP/out"
	sandbox -p "$PROFILE" -- sh -c 'echo ready; read -r line; ls -A /slave/below /private/below' \
		<"$TMP/in" >"$TMP/out" 2>&1 3>&- &
	exec 4>"$TMP/in" 5<"$TMP/out"
	read -r line <&5
	mount -t tmpfs tmpfs "$TMP/shared/below"
	touch "$TMP/shared/below/late"
	echo go >&4
	seen=$(cat <&5)
	exec 4>&- 5<&-
	wait
	umount "$TMP/shared/below" "$TMP/shared"
	[ "$line" = ready ]
	[ "$(grep -c late <<<"$seen")" -eq 1 ]
	[[ $seen == *"/slave/below:"$'\n'late* ]]
}

@test "a tmpfs has the size, inodes, mode and owner that the profile says" {
	mounts_profile '{ type = "tmpfs"; target = "/t"; size = "1M"; inodes = 40; mode = "1750"; uid = 1000; gid = 1000; exec = false; }'
	for as in as_self as_user; do
		run "$as" sandbox -p "$PROFILE" -- sh -c "stat -c '%a %u:%g' /t; $(flags /t)
			cat /bin/busybox >/t/a; rm /t/a; i=0; while touch /t/f\$i 2>/dev/null; do i=\$((i + 1)); done; test \$i -lt 40"
		assert_status 0
		assert_line "1750 1000:1000"
		assert_line rw,nosuid,nodev,noexec,relatime
		assert_output "No space left on device"
	done
	mounts_profile '{ type = "tmpfs"; target = "/t"; size = "unlimited"; inodes = "unlimited"; }'
	run sandbox -p "$PROFILE" -- sh -c "stat -c '%a %u:%g' /t; cat /bin/busybox >/t/a"
	assert_status 0
	assert_line "755 1000:1000"
}

@test "an owner who is not in the map of users is refused by name" {
	mounts_profile '{ type = "tmpfs"; target = "/t"; uid = 70000; }'
	run sandbox -p "$PROFILE" -- true
	assert_status 123
	assert_output "map of users"
	mounts_profile '{ type = "file"; target = "/t"; content = "x"; uid = 70000; }'
	run sandbox -p "$PROFILE" -- true
	assert_status 123
	assert_output "map of users"
}

@test "a tmpfs on a directory inside never shows outside" {
	as_root_only
	mkdir "$TMP/tree"
	copy_programs "$TMP/tree"
	mkdir "$TMP/tree/tmp"
	chown 1000:1000 "$TMP/tree/tmp"
	profile <<CONF
format = 1;
root = { source = "$TMP/tree"; access = "read-write"; };
mounts = ( { type = "tmpfs"; target = "/tmp"; } );
CONF
	run sandbox -p "$PROFILE" -- sh -c 'echo secret >/tmp/inside; ls /tmp'
	assert_line inside
	[ -z "$(ls -A "$TMP/tree/tmp")" ]
	# The same without the mount does show.
	run sandbox -p "$PROFILE" -s 'mounts=()' -- sh -c 'echo secret >/tmp/inside'
	[ -e "$TMP/tree/tmp/inside" ]
}

@test "a read-only tmpfs is filled first" {
	mounts_profile "{ type = \"tmpfs\"; target = \"/t\"; access = \"read-only\"; },
		{ type = \"directory\"; target = \"/t/d\"; mode = \"0711\"; },
		{ type = \"bind\"; source = \"$ROOTFS/etc\"; target = \"/t/etc\"; },
		{ type = \"symlink\"; target = \"/t/link\"; source = \"etc\"; }"
	for as in as_self as_user; do
		run "$as" sandbox -p "$PROFILE" -- sh -c 'stat -c %a /t/d; test -e /t/link/passwd || test -d /t/link/; touch /t/new'
		assert_status 1
		assert_line 711
		assert_output "Read-only file system"
	done
}

@test "a file has its content, mode and owner, and cannot be written" {
	mounts_profile '{ type = "file"; target = "/etc/resolv.conf"; content = "nameserver 10.0.0.1\n"; },
		{ type = "file"; target = "/run/script"; content = "#!/bin/sh\necho ran\n"; mode = "0755"; },
		{ type = "file"; target = "/etc/empty"; content = ""; mode = "0400"; }'
	for as in as_self as_user; do
		run "$as" sandbox -p "$PROFILE" -- sh -c 'cat /etc/resolv.conf; stat -c "%a %u %s" /etc/resolv.conf /etc/empty
			/run/script; echo x >/etc/resolv.conf'
		assert_status 1
		assert_line "nameserver 10.0.0.1"
		assert_line "644 1000 20"
		assert_line "400 1000 0"
		assert_line ran
		assert_output "Read-only file system"
	done
}

@test "a file covers what is in the image, and the image stays as it was" {
	as_root_only
	mkdir "$TMP/tree"
	copy_programs "$TMP/tree"
	mkdir "$TMP/tree/etc"
	echo original >"$TMP/tree/etc/hostname"
	profile <<CONF
format = 1;
root = { source = "$TMP/tree"; access = "read-write"; };
mounts = ( { type = "file"; target = "/etc/hostname"; content = "covered\n"; } );
CONF
	run sandbox -p "$PROFILE" -- cat /etc/hostname
	assert_line covered
	[ "$(cat "$TMP/tree/etc/hostname")" = original ]
}

@test "links and directories that are there already must be as wanted" {
	mkdir "$TMP/tree"
	copy_programs "$TMP/tree"
	mkdir -m 0750 "$TMP/tree/dir"
	ln -s bin "$TMP/tree/link"
	with() {
		profile <<CONF
format = 1;
root = { source = "$TMP/tree"; };
mounts = ( $1 );
CONF
		run sandbox -p "$PROFILE" -- true
	}
	with '{ type = "symlink"; target = "/link"; source = "bin"; }, { type = "directory"; target = "/dir"; mode = "0750"; }'
	assert_status 0
	with '{ type = "symlink"; target = "/link"; source = "sbin"; }'
	assert_status 123
	assert_output "cannot make the link /link"
	with '{ type = "symlink"; target = "/dir"; source = "bin"; }'
	assert_status 123
	with '{ type = "directory"; target = "/dir"; mode = "0755"; }'
	assert_status 123
	assert_output "it is there with mode 750"
	with '{ type = "directory"; target = "/bin/sh"; }'
	assert_status 123
}

@test "a mount point that a read-only root lacks is refused, and says what to do" {
	for what in 'type = "tmpfs"' 'type = "file"; content = "x"' 'type = "bind"; source = "/usr/share"' \
		'type = "directory"' 'type = "symlink"; source = "x"'; do
		profile <<CONF
format = 1;
root = { source = "$ROOTFS"; };
mounts = (
	{ $what; target = "/no/such/place"; } );
CONF
		run sandbox -p "$PROFILE" -- true
		assert_status 123
		assert_output "/no/such/place"
		assert_output "Read-only file system (mounts, enter)"
		assert_output "test.conf:4: mounts[0].target"
		[ ! -e "$ROOTFS/no" ]
	done
	profile <<CONF
format = 1;
root = { source = "$ROOTFS"; access = "overlay"; };
mounts = ( { type = "tmpfs"; target = "/no/such/place"; } );
CONF
	run sandbox -p "$PROFILE" -- test -d /no/such/place
	assert_status 0
}

@test "file systems of the kernel's need the namespace that they show" {
	local -A type=([pid]=proc [net]=sysfs [ipc]=mqueue [cgroup]=cgroup)
	local every='"user", "mount", "pid", "net", "ipc", "uts", "cgroup"'

	for namespace in "${!type[@]}"; do
		profile <<CONF
format = 1;
dangerous = [ "host-ipc" ];
namespaces = [ ${every/\"$namespace\", /} ];
cgroup = { pids = { max = 64; }; };
mounts = ( $(program_mounts)
	{ type = "${type[$namespace]}"; target = "/x"; } );
CONF
		[ "$namespace" != cgroup ] || sed -i 's/, "cgroup"//' "$PROFILE"
		[ "$namespace" != net ] || echo 'network = { mode = "host"; };' >>"$PROFILE"
		run sandbox -p "$PROFILE" -- true
		assert_status 121
		assert_output "\"$namespace\""
		mounts_profile "{ type = \"${type[$namespace]}\"; target = \"/x\"; }"
		for as in as_self as_user; do
			run "$as" sandbox -p "$PROFILE" -- sh -c "$(flags /x)"
			assert_status 0
			assert_output nosuid,nodev,noexec
		done
	done
}

@test "sysfs and cgroup are read-only" {
	mounts_profile '{ type = "sysfs"; target = "/sys"; }, { type = "cgroup"; target = "/sys/fs/cgroup"; }'
	for as in as_self as_user; do
		run "$as" sandbox -p "$PROFILE" -- sh -c 'grep -q . /sys/fs/cgroup/cgroup.procs && mkdir /sys/fs/cgroup/x'
		assert_status 1
		assert_output "Read-only file system"
		run "$as" sandbox -p "$PROFILE" -- sh -c "$(flags /sys)"
		assert_line ro,nosuid,nodev,noexec,relatime
	done
	mounts_profile '{ type = "cgroup"; target = "/c"; access = "read-write"; }'
	run sandbox -p "$PROFILE" -- true
	assert_status 121
	mounts_profile '{ type = "sysfs"; target = "/sys"; access = "read-write"; }'
	run sandbox -p "$PROFILE" -- true
	assert_status 121
}

@test "/proc shows the sandbox alone; subset and hidepid are passed on" {
	mounts_profile '{ type = "tmpfs"; target = "/tmp"; }'
	for as in as_self as_user; do
		run "$as" sandbox -p "$PROFILE" -- sh -c 'cd /proc; echo [0-9]* | wc -w; test -e /proc/meminfo'
		assert_status 0
		[ "$output" -le 4 ]
		run "$as" sandbox -p "$PROFILE" -s 'mounts[/proc].subset=pid' -- test -e /proc/meminfo
		assert_status 1
		run "$as" sandbox -p "$PROFILE" -s 'mounts[/proc].hidepid=invisible' -- grep -c hidepid=invisible /proc/self/mountinfo
		assert_status 0
	done
}

@test "under a masked /proc no new one can be made, and the message says why" {
	as_root_only
	run unshare -m sh -c "mount -t tmpfs tmpfs /proc/bus && exec setpriv --reuid=65534 --regid=65534 --clear-groups \
		'$(_user_sandbox)' -p '$CHECKOUT/profiles/default.conf' -- true"
	assert_status 122
	assert_output "cannot mount a proc file system"
	assert_output "masked"
	run unshare -m setpriv --reuid=65534 --regid=65534 --clear-groups "$(_user_sandbox)" -p \
		"$CHECKOUT/profiles/default.conf" -- true
	assert_status 0
}

@test "message queues of the host are not in the sandbox's mqueue, nor the other way round" {
	as_root_only
	mkdir "$TMP/mq"
	mount -t mqueue mqueue "$TMP/mq"
	: >"$TMP/mq/bait.$$"
	mounts_profile '{ type = "mqueue"; target = "/mq"; }'
	run sandbox -p "$PROFILE" -- sh -c 'ls -A /mq; : >/mq/inside && ls -A /mq'
	seen=$output code=$status
	outside=$(ls -A "$TMP/mq")
	rm "$TMP/mq/bait.$$"
	umount "$TMP/mq"
	[ "$code $seen" = "0 inside" ]
	[[ $outside == *"bait.$$"* && $outside != *inside* ]]
}

@test "an overlay stacks directories: read-only without an upper, writable with one" {
	mkdir -p "$TMP/one" "$TMP/two/sub"
	echo one >"$TMP/one/file"
	echo two >"$TMP/two/file"
	echo deep >"$TMP/two/sub/deep"
	chmod 0777 "$TMP/one" "$TMP/two" "$TMP/two/sub"
	mounts_profile "{ type = \"overlay\"; target = \"/o\"; lower = [ \"$TMP/one\", \"$TMP/two\" ]; },
		{ type = \"overlay\"; target = \"/single\"; lower = [ \"$TMP/two\" ]; },
		{ type = \"overlay\"; target = \"/w\"; lower = [ \"$TMP/one\", \"$TMP/two\" ]; upper = \"tmpfs\"; size = \"1M\"; }"
	for as in as_self as_user; do
		run "$as" sandbox -p "$PROFILE" -- sh -c 'cat /o/file /o/sub/deep /single/file; touch /o/new; touch /single/new
			echo three >/w/new && cat /w/new; cat /bin/busybox >/w/big'
		if [ "$as" = as_user ] && ! overlay_on_tmpfs; then
			assert_status 122
			assert_output "use an upper directory, or launch as root"
			continue
		fi
		assert_status 1
		[ "$(head -3 <<<"$output" | xargs)" = "one deep two" ]
		[ "$(grep -c "Read-only file system" <<<"$output")" -eq 2 ]
		assert_line three
		assert_output "No space left on device"
		refute_output "$TMP/one"
	done
	[ ! -e "$TMP/one/new" ]
}

@test "an overlay shows its uppermost layer's owner as the payload's user" {
	as_root_only
	mkdir "$TMP/mine"
	echo old >"$TMP/mine/file"
	chown -R 4321:4321 "$TMP/mine"
	mounts_profile "{ type = \"overlay\"; target = \"/w\"; lower = [ \"$TMP/mine\" ]; upper = \"tmpfs\"; idmap = \"owner\"; }"
	run as_self sandbox -p "$PROFILE" -- sh -c 'stat -c %u /w/file; echo new >>/w/file; cat /w/file; mv /w/file /w/other'
	assert_status 0
	[ "$(xargs <<<"$output")" = "1000 old new" ]
	[ "$(cat "$TMP/mine/file")" = old ]
	# Without it the file is nobody's.
	run as_self sandbox -p "$PROFILE" -s 'mounts[/w].idmap=none' -- sh -c 'stat -c %u /w/file; echo new >>/w/file'
	assert_status 1
	assert_line 65534
	# An ordinary user has no map for what is somebody else's, and needs none for his own.
	run as_user sandbox -p "$PROFILE" -- true
	assert_status 122
	assert_output "cannot map the owners of $TMP/mine: only root can"
	chown -R "$TEST_UID:$TEST_UID" "$TMP/mine"
	if overlay_on_tmpfs; then
		run as_user sandbox -p "$PROFILE" -- sh -c 'stat -c %u /w/file; echo new >>/w/file'
		assert_status 0
		assert_line 1000
	fi
}

@test "mounts are made in the order of the profile" {
	mkdir "$TMP/below"
	echo file >"$TMP/below/file"
	mounts_profile "{ type = \"tmpfs\"; target = \"/a\"; }, { type = \"bind\"; source = \"$TMP/below\"; target = \"/a/b\"; }"
	run sandbox -p "$PROFILE" -- cat /a/b/file
	assert_line file
	mounts_profile "{ type = \"bind\"; source = \"$TMP/below\"; target = \"/a/b\"; }, { type = \"tmpfs\"; target = \"/a\"; }"
	run sandbox -p "$PROFILE" -- true
	assert_status 121
	assert_output "it would hide /a/b"
}

@test "/ is not a target" {
	mounts_profile '{ type = "tmpfs"; target = "/"; }'
	run sandbox -p "$PROFILE" -- true
	assert_status 121
}

@test "nothing is left behind" {
	residue_before
	mkdir "$TMP/data"
	mounts_profile "{ type = \"bind\"; source = \"$TMP/data\"; target = \"/data\"; }, { type = \"dev\"; target = \"/dev\"; },
		{ type = \"overlay\"; target = \"/w\"; lower = [ \"$TMP/data\" ]; upper = \"tmpfs\"; },
		{ type = \"bind\"; source = \"$TMP/data\"; target = \"/bin/sh/x\"; }"
	run sandbox -p "$PROFILE" -- true
	assert_status 123
	residue_after
}
