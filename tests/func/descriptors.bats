# descriptors: 0, 1 and 2, and what the profile passes on.
load ../lib/common

with() {
	profile <<-END
		format = 1;
		root = { source = "$ROOTFS"; };
		mounts = ( { type = "proc"; target = "/proc"; }, { type = "dev"; target = "/dev"; } );
		process = { $1 };
	END
}

# Of the shell itself: a listing by another program would hold one more.
OPEN='for fd in 0 1 2 3 4 5 6 7 8 9 10 11 12; do if [ -e /proc/self/fd/$fd ]; then echo $fd; fi; done'

# Without what bats itself holds.
closed() {
	"$@" 3>&- 4>&- 5>&- 6>&- 7>&- 8>&- 9>&- 10>&- 11>&- 12>&-
}

@test "what the caller left open is closed" {
	with ''
	exec 7</etc/passwd 8</ 9>"$TMP/out"
	run "$SANDBOX" -p "$PROFILE" -- sh -c "$OPEN"
	assert_status 0
	refute_output 7
	refute_output 8
	refute_output 9
	# Outside they are there.
	run sh -c "$OPEN"
	assert_line 7
	assert_line 8
	assert_line 9
	exec 7<&- 8<&- 9>&-
}

@test "none above 2 at all, with and without an init, and as an ordinary user" {
	local setting

	for setting in 'init = true;' 'init = false;'; do
		with "$setting"
		run sandbox -p "$PROFILE" -- ls /proc/self/fd 3</ 4</ 5</ 10</ 100</ 250</
		assert_status 0
		[ "$output" = $'0\n1\n2\n3' ] || { echo "$output"; false; }
		run as_user sandbox -p "$PROFILE" -- ls /proc/self/fd 3</ 4</ 5</ 10</ 100</ 250</
		assert_status 0
		[ "$output" = $'0\n1\n2\n3' ] || { echo "$output"; false; }
	done
}

@test "a descriptor to a directory of the host is no way out" {
	with ''
	run sandbox -p "$PROFILE" -- sh -c 'cat /proc/self/fd/7/etc/hostname /dev/fd/7/etc/hostname' 7</
	[ "$status" -ne 0 ]
	refute_output "$(cat /etc/hostname)"
	run sh -c 'cat /proc/self/fd/7/etc/hostname' 7</
	assert_status 0
}

@test "pass_fds are handed on under their numbers" {
	with 'pass_fds = [ 9, 5 ];'
	echo "from five" >"$TMP/five"
	run sandbox -p "$PROFILE" -- sh -c 'cat <&5; echo to nine >&9; ls /proc/self/fd' 5<"$TMP/five" 6</ 9>"$TMP/nine"
	assert_status 0
	[ "$output" = $'from five\n0\n1\n2\n3\n5\n9' ] || { echo "$output"; false; }
	[ "$(cat "$TMP/nine")" = "to nine" ]
}

@test "one that the caller did not open is refused, whatever of ours has that number" {
	local fd

	for fd in 3 4 5 6 7 8 9 10 11 12; do
		with "pass_fds = [ $fd ];"
		run closed sandbox -p "$PROFILE" -- true
		assert_status 120
		assert_output "process.pass_fds"
		assert_output "descriptor $fd is not open"
	done
}

@test "a closed standard descriptor is refused, not filled with something else" {
	with ''
	run sh -c '"$0" -p "$1" -- true <&-' "$SANDBOX" "$PROFILE"
	assert_status 120
	assert_output "standard input is closed"
}
