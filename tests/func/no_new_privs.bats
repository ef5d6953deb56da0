# no_new_privs: no execve gives more privilege than its caller had.
load ../lib/common

with() {
	profile <<-END
		format = 1;
		root = { source = "$ROOTFS"; };
		mounts = ( { type = "proc"; target = "/proc"; } );
		$1
	END
}

# A filter without no_new_privs takes CAP_SYS_ADMIN.
WITHOUT='no_new_privs = false; users = { uid = 0; gid = 0; }; capabilities = { keep = [ "SYS_ADMIN" ]; };'

@test "it is on unless the profile says otherwise" {
	with ''
	run sandbox -p "$PROFILE" -- grep NoNewPrivs /proc/self/status
	assert_line $'NoNewPrivs:\t1'
	run as_user sandbox -p "$PROFILE" -- grep NoNewPrivs /proc/self/status
	assert_line $'NoNewPrivs:\t1'
	with "$WITHOUT"
	run sandbox -p "$PROFILE" -- grep NoNewPrivs /proc/self/status
	assert_status 0
	assert_line $'NoNewPrivs:\t0'
}

@test "a launcher that has it on cannot take it off, and says so" {
	with "$WITHOUT"
	run setpriv --no-new-privs "$SANDBOX" -p "$PROFILE" -- true
	assert_status 122
	assert_output "no_new_privs: cannot run without no_new_privs"
}

@test "without it a filter needs SYS_ADMIN: refused where that is not kept" {
	with 'no_new_privs = false;'
	run sandbox -p "$PROFILE" -- true
	assert_status 121
	assert_output no_new_privs
}
