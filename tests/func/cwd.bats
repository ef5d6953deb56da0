# cwd: where the payload starts, and that it is inside.
load ../lib/common

setup() {
	ROOT=$TMP/root
	cp -a "$ROOTFS" "$ROOT"
	mkdir -p "$ROOT/work" "$ROOT/closed"
	chmod 0700 "$ROOT/closed"
	ln -s /work "$ROOT/link"
	ln -s ../../../../../../etc "$ROOT/up"
	ln -s /proc/1/cwd "$ROOT/magic"
}

with() {
	profile <<-END
		format = 1;
		root = { source = "$ROOT"; idmap = "none"; }; # not every kernel can map the owners of \$TMP
		mounts = ( { type = "proc"; target = "/proc"; } );
		process = { cwd = "$1"; };
	END
}

@test "it is the profile's directory, through links of the image too" {
	with /
	run sandbox -p "$PROFILE" -- pwd -P
	assert_line /
	with /work
	run sandbox -p "$PROFILE" -- pwd -P
	assert_line /work
	with /link
	run sandbox -p "$PROFILE" -- pwd -P
	assert_line /work
}

@test "a link that leads upwards stays inside" {
	with /up
	run sandbox -p "$PROFILE" -- sh -c 'pwd -P; ls'
	assert_status 0
	assert_line /etc
	[ "$(ls "$ROOT/etc")" = "$(sandbox -p "$PROFILE" -- ls)" ]
}

@test "no chain of .. leaves the root" {
	with /work
	run sandbox -p "$PROFILE" -- sh -c 'for i in $(seq 64); do cd -P ..; done; pwd -P; ls'
	assert_status 0
	assert_line /
	assert_line work
}

@test "what is not there, or is no directory, is refused" {
	with /nowhere
	run sandbox -p "$PROFILE" -- true
	assert_status 123
	assert_output "test.conf:4: process.cwd: cannot enter the working directory /nowhere: No such file or directory"
	with /bin/busybox
	run sandbox -p "$PROFILE" -- true
	assert_status 123
	assert_output "Not a directory"
}

@test "a directory that the payload's user may not enter is refused" {
	as_root_only
	with /closed
	run sandbox -p "$PROFILE" -- true
	assert_status 123
	assert_output "process.cwd: cannot enter the working directory /closed: Permission denied"
	chmod 0755 "$ROOT/closed"
	run sandbox -p "$PROFILE" -- pwd
	assert_line /closed
}

@test "a link through /proc to somebody's directory is no directory" {
	with /magic
	run sandbox -p "$PROFILE" -- true
	assert_status 123
	assert_output "process.cwd"
}

@test "the caller's own directory is not inherited" {
	with /
	cd "$TMP"
	run "$SANDBOX" -p "$PROFILE" -- sh -c 'pwd -P; readlink /proc/self/cwd'
	[ "$output" = $'/\n/' ] || { echo "$output"; false; }
}
