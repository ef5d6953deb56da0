# attest: it stays out of the way of what is right, wherever that runs. That it finds what is wrong: tests/fault/silent.bats.
load ../lib/common

# with MOUNTS [MORE]
with() {
	profile <<-END
		format = 1;
		root = { source = "${ROOT:-$ROOTFS}"; ${ROOT:+idmap = \"none\";} };
		mounts = ( $1 );
		${2:-}
	END
}

@test "without a /proc inside" {
	with ''
	run sandbox -p "$PROFILE" -- echo runs
	assert_line runs
	run as_user sandbox -p "$PROFILE" -- echo runs
	assert_line runs
}

@test "an image that brings a /proc of its own is not believed, and not a hindrance" {
	ROOT=$TMP/root
	mkdir "$ROOT"
	cp -a "$ROOTFS/." "$ROOT"
	mkdir -p "$ROOT/proc/self"
	printf 'Uid:\t0\t0\t0\t0\nCapEff:\tffffffffffffffff\n' >"$ROOT/proc/self/status"
	: >"$ROOT/proc/self/mountinfo"
	with ''
	run sandbox -p "$PROFILE" -- cat /proc/self/status
	assert_status 0
	assert_line $'CapEff:\tffffffffffffffff'
}

@test "with and without an init, as root and as an ordinary user" {
	local init

	for init in true false; do
		with '{ type = "proc"; target = "/proc"; }, { type = "dev"; target = "/dev"; }' "process = { init = $init; };"
		run sandbox -p "$PROFILE" -- echo runs
		assert_line runs
		run as_user sandbox -p "$PROFILE" -- echo runs
		assert_line runs
	done
}

@test "every kind of mount, links on the way, mounts on mounts, hidden and read-only parts" {
	ROOT=$TMP/root
	mkdir "$ROOT" "$TMP/tree"
	cp -a "$ROOTFS/." "$ROOT"
	ln -s srv "$ROOT/link"
	mkdir -p "$ROOT/srv/a b" "$TMP/tree/sub"
	with "{ type = \"proc\"; target = \"/proc\"; }, { type = \"dev\"; target = \"/dev\"; },
	      { type = \"tmpfs\"; target = \"/tmp\"; }, { type = \"tmpfs\"; target = \"/tmp/more\"; access = \"read-only\"; },
	      { type = \"bind\"; source = \"$TMP/tree\"; target = \"/link/a b\"; access = \"read-write\"; },
	      { type = \"file\"; target = \"/tmp/file\"; content = \"x\"; },
	      { type = \"symlink\"; target = \"/tmp/symlink\"; source = \"file\"; },
	      { type = \"directory\"; target = \"/tmp/directory\"; },
	      { type = \"mqueue\"; target = \"/dev/mqueue\"; }" \
		'hide = [ "/proc/kcore", "/etc", "/link/a b/sub", "/not/there" ]; read_only = [ "/proc/sys", "/srv/a b" ];'
	run sandbox -p "$PROFILE" -- cat /proc/self/mountinfo
	assert_status 0
	run as_user sandbox -p "$PROFILE" -- cat /proc/self/mountinfo
	assert_status 0
}

@test "a recursive bind with hundreds of mounts below it" {
	as_root_only
	mkdir "$TMP/many"
	mount -t tmpfs many "$TMP/many"
	mount --make-private "$TMP/many"
	for i in $(seq 300); do
		mkdir "$TMP/many/a-rather-long-name-of-a-mount-point-that-fills-the-table-$i"
		mount --bind "$TMP/many" "$TMP/many/a-rather-long-name-of-a-mount-point-that-fills-the-table-$i"
	done
	with "{ type = \"proc\"; target = \"/proc\"; }, { type = \"bind\"; source = \"$TMP/many\"; target = \"/mnt\"; }"
	run sandbox -p "$PROFILE" -- sh -c 'grep -c " /mnt" /proc/self/mountinfo'
	umount -l "$TMP/many"
	assert_status 0
	assert_line 301
}

@test "few descriptors and little memory for the payload leave it enough" {
	with '{ type = "proc"; target = "/proc"; }, { type = "dev"; target = "/dev"; }' \
		'rlimits = { nofile = 8; as = "16M"; stack = "128K"; fsize = "0M"; };'
	run sandbox -p "$PROFILE" -- echo runs
	assert_line runs
}

@test "without a cgroup namespace the payload is seen in its own cgroup" {
	as_root_only
	with '{ type = "proc"; target = "/proc"; }' 'cgroup = { pids = { max = 64; }; };
	      namespaces = [ "user", "mount", "pid", "net", "ipc", "uts" ];'
	run sandbox -p "$PROFILE" -- cat /proc/self/cgroup
	assert_status 0
	assert_output /sandbox/
}
