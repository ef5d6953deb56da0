# ids: the payload's user, group and supplementary groups.
load ../lib/common

with() {
	profile <<-END
		format = 1;
		root = { source = "$ROOTFS"; };
		mounts = ( { type = "proc"; target = "/proc"; }, { type = "bind"; source = "$TMP"; target = "/mnt"; } );
		users = { $1 };
	END
}

status_of() {
	run "$@" -p "$PROFILE" -- grep -E '^(Uid|Gid|Groups):' /proc/self/status
	assert_status 0
}

@test "real, effective, saved and file-system id are all the profile's" {
	with 'uid = 7; gid = 8;'
	status_of sandbox
	assert_line $'Uid:\t7\t7\t7\t7'
	assert_line $'Gid:\t8\t8\t8\t8'
	status_of as_user sandbox
	assert_line $'Uid:\t7\t7\t7\t7'
	assert_line $'Gid:\t8\t8\t8\t8'
}

@test "supplementary groups: the profile's, and none of the caller's" {
	as_root_only
	with 'groups = [ 44, 4 ];'
	status_of setpriv --groups 5,6,7 "$SANDBOX"
	assert_line $'Groups:\t4 44 '
	with ''
	status_of setpriv --groups 5,6,7 "$SANDBOX"
	assert_line $'Groups:\t '
}

@test "an ordinary user cannot set groups, and is told so" {
	with 'groups = [ 4 ];'
	run as_user sandbox -p "$PROFILE" -- true
	[ "$status" -eq 121 ] || [ "$status" -eq 122 ] || { echo "$status: $output"; false; }
	assert_output "users.groups"
}

@test "an id outside of the map is refused at its line" {
	with 'uid = 70000;'
	run sandbox -p "$PROFILE" -- true
	assert_status 121
	assert_output "test.conf:4: users.uid"
	with 'uid = 0; gid = 70000;'
	run sandbox -p "$PROFILE" -- true
	assert_status 121
	assert_output "users.gid"
	as_root_only
	with 'groups = [ 1, 70000 ];'
	run sandbox -p "$PROFILE" -- true
	assert_status 121
	assert_output "users.groups"
	assert_output 70000
}

@test "the old ids cannot be taken back" {
	as_root_only
	with 'uid = 1000; gid = 1000;'
	chmod 0755 "$TMP"
	cc -std=gnu11 -D_GNU_SOURCE -static -o "$TMP/regain" -x c - <<-'END'
		#include <stdio.h>
		#include <unistd.h>
		int main(void)
		{
			int got = !setresuid(-1, 0, -1) || !setresgid(-1, 0, -1) || !setuid(0) || !setgid(0);
			return puts(got || !geteuid() ? "regained" : "gone") < 0;
		}
	END
	run sandbox -p "$PROFILE" -- /mnt/regain
	assert_status 0
	assert_line gone
	run "$TMP/regain"
	assert_line regained
}

@test "without a user namespace they are the host's" {
	as_root_only
	with 'map = "none"; uid = 1000; gid = 1001; groups = [ 4 ];'
	run setpriv --groups 5,6 "$SANDBOX" -p "$PROFILE" -s 'namespaces=[ "mount", "pid", "net", "ipc", "uts", "cgroup" ]' -- \
		sh -c 'grep -E "^(Uid|Gid|Groups):" /proc/self/status; cat /proc/self/uid_map'
	assert_status 0
	assert_line $'Uid:\t1000\t1000\t1000\t1000'
	assert_line $'Gid:\t1001\t1001\t1001\t1001'
	assert_line $'Groups:\t4 '
	assert_output 4294967295
}
