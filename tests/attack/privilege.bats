# privilege: the program never has more than its caller: it does not run set-user-ID, set-group-ID or with file
# capabilities, whoever installs it so.

bats_require_minimum_version 1.5.0
load ../lib/common

setup() {
	as_root_only
	COPY=$TMP/copy
	install -m 0755 "$SANDBOX" "$COPY"
}

@test "set-user-ID, set-group-ID: refused; without the bit it runs" {
	run as_user "$COPY" -- id -u
	assert_status 0
	chmod u+s "$COPY"
	run as_user "$COPY" -- id -u
	assert_status 120
	assert_output "cannot run set-user-ID"
	chmod u-s,g+s "$COPY"
	run as_user "$COPY" -- id -u
	assert_status 120
	chmod g-s "$COPY"
	run as_user "$COPY" -- id -u
	assert_status 0
}

@test "file capabilities: refused; without them it runs" {
	setcap cap_sys_admin+ep "$COPY"
	run as_user "$COPY" -- id -u
	assert_status 120
	assert_output "file capabilities"
	setcap -r "$COPY"
	run as_user "$COPY" -- id -u
	assert_status 0
}

@test "control: with the bit, other programs do run as the owner" {
	install -m 4755 /usr/bin/id "$TMP/id"
	run as_user "$TMP/id" -u
	assert_line 0
}
