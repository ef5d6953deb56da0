# rootfs: profiles/mkrootfs against a server of our own: what it downloads, refuses, builds by itself, and never leaves.
load ../lib/common

setup() {
	mkrootfs=$CHECKOUT/profiles/mkrootfs
	target=$TMP/var/root
	mkdir -p "$TMP/www/tree/bin" "$TMP/www/tree/etc" "$TMP/var"
	ln -s /bin/busybox "$TMP/www/tree/bin/sh"
	echo from-the-archive >"$TMP/www/tree/etc/os-release"
	head -c 3000000 /dev/urandom >"$TMP/www/tree/bin/busybox"
	chmod 0755 "$TMP/www/tree/bin/busybox"
	tar -C "$TMP/www/tree" -czf "$TMP/www/root.tar.gz" .
	ROOTFS_SHA256=$(sha256sum "$TMP/www/root.tar.gz" | cut -d' ' -f1)
	export ROOTFS_SHA256
}

teardown() {
	[ -z "${server:-}" ] || kill "$server"
}

# serve good|short|slow: a server for one file; sets ROOTFS_URL.
serve() {
	python3 "$CHECKOUT/tests/lib/serve" "$1" "$TMP/www/root.tar.gz" "$TMP/port" 3>&- &
	server=$!
	wait_until 5 test -s "$TMP/port"
	ROOTFS_URL=http://127.0.0.1:$(cat "$TMP/port")/root.tar.gz
	export ROOTFS_URL
}

# Nothing of a run that failed may be there, under any name.
nothing_left() {
	[ -z "$(ls -A "$TMP/var")" ] || { ls -lA "$TMP/var" >&2; false; }
}

@test "a good archive is unpacked, and the mount points are there" {
	serve good
	run "$mkrootfs" "$target"
	assert_status 0
	assert_output "from $ROOTFS_URL"
	[ "$(cat "$target/etc/os-release")" = from-the-archive ]
	[ -d "$target/proc" ]
	[ -f "$target/etc/resolv.conf" ]
	[ "$(stat -c %a "$target" "$target/tmp" | xargs)" = "755 1777" ]
	[ "$(ls -A "$TMP/var")" = root ]
}

@test "a second run asks no server" {
	serve good
	"$mkrootfs" "$target"
	kill "$server"
	server=
	run "$mkrootfs" "$target"
	assert_status 0
	assert_line "rootfs: $target is there"
}

@test "an archive with another checksum is refused" {
	serve good
	ROOTFS_SHA256=0000000000000000000000000000000000000000000000000000000000000000 run "$mkrootfs" "$target"
	assert_status 1
	assert_output "wrong checksum"
	nothing_left
}

@test "an archive cut short is refused" {
	serve short
	run "$mkrootfs" "$target"
	assert_status 1
	assert_output "cannot download $ROOTFS_URL"
	nothing_left
}

@test "a file that the server does not have is an error" {
	serve good
	ROOTFS_URL=${ROOTFS_URL%/*}/other run "$mkrootfs" "$target"
	assert_status 1
	assert_output "cannot download"
	nothing_left
}

@test "a server out of reach means a BusyBox root, and one line that says so" {
	ROOTFS_URL=http://127.0.0.1:9/root.tar.gz run "$mkrootfs" "$target"
	assert_status 0
	[ "${#lines[@]}" -eq 1 ]
	assert_output "from this machine's BusyBox, because http://127.0.0.1:9/root.tar.gz cannot be reached"
	[ "$("$target/bin/busybox" echo works)" = works ]
	[ "$(readlink "$target/bin/sh")" = ../bin/busybox ]
	[ "$(readlink "$target/usr/bin/awk")" = ../../bin/busybox ]
	[ "$(ls -A "$TMP/var")" = root ]
}

@test "an interrupted run leaves nothing" {
	serve slow
	"$mkrootfs" "$target" 3>&- &
	wait_until 5 compgen -G "$TMP/var/.root.new.*/archive"
	kill -TERM $!
	# A shell takes its signal when curl ends; the server hangs up.
	kill "$server"
	server=
	status=0
	wait $! || status=$?
	assert_status 143
	nothing_left
}

@test "what a killed run left is removed by the next" {
	serve slow
	setsid "$mkrootfs" "$target" 3>&- &
	wait_until 5 compgen -G "$TMP/var/.root.new.*/archive"
	kill -KILL -- "-$!"
	compgen -G "$TMP/var/.root.new.*"
	kill "$server"
	rm "$TMP/port"
	serve good
	run "$mkrootfs" "$target"
	assert_status 0
	[ "$(ls -A "$TMP/var")" = root ]
}

@test "two runs at once: one makes it, the other finds it" {
	serve good
	"$mkrootfs" "$target" >"$TMP/first" 3>&- &
	"$mkrootfs" "$target" >"$TMP/second"
	wait $!
	[ "$(sort "$TMP/first" "$TMP/second" | cut -d' ' -f1-4 | xargs)" = \
		"rootfs: $target is ready, rootfs: $target is there" ]
}

@test "a directory that is something else is left alone" {
	mkdir "$target"
	echo mine >"$target/file"
	run "$mkrootfs" "$target"
	assert_status 1
	assert_output "$target exists"
	[ "$(cat "$target/file")" = mine ]
}
