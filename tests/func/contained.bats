# profiles/contained.conf: each thing that its policy denies is refused inside and possible outside.

load ../lib/common

setup_file() {
	export ATTEMPTS=$BATS_FILE_TMPDIR/contained
	chmod 0755 "$BATS_FILE_TMPDIR"
	cc -std=gnu11 -D_GNU_SOURCE -O1 -Wall -Wextra -Werror -static -o "$ATTEMPTS" "$BATS_TEST_DIRNAME/contained.c"
}

setup() {
	as_root_only
	residue_before
}

teardown() {
	residue_after
}

contained() {
	sandbox -p "$CHECKOUT/profiles/contained.conf" \
		-s "mounts=( { type = \"bind\"; source = \"$ATTEMPTS\"; target = \"/tmp/contained\"; } )" "$@"
}

@test "what the system call policy denies is possible outside" {
	run "$ATTEMPTS"
	assert_status 0
	[ "$(grep -c . <<<"$output")" = 20 ]
	refute_output refused
}

@test "and refused inside" {
	run contained -- /tmp/contained
	assert_status 0
	[ "$(grep -c . <<<"$output")" = 20 ]
	refute_output possible
}

@test "the dropped capabilities are gone from all sets, and root outside has them" {
	local dropped="audit_control audit_read audit_write block_suspend dac_read_search fsetid ipc_lock mac_admin \
		mac_override mknod setfcap syslog sys_admin sys_boot sys_module sys_nice sys_rawio sys_resource sys_time wake_alarm"
	local set capability names inside outside

	for set in CapBnd CapPrm CapEff; do
		inside=$(contained -- grep "$set" /proc/self/status | cut -f2)
		outside=$(grep "$set" /proc/self/status | cut -f2)
		for capability in $dropped; do
			names=$(capsh --decode="$inside")
			[[ ,${names#*=}, != *",cap_$capability,"* ]]
			# This machine's root may itself lack one: then the kernel's own list is the control.
			[[ ,$(capsh --decode="$outside"), == *"cap_$capability"* ]] || [ "$capability" = sys_resource ]
		done
	done
	[[ $(capsh --decode="$inside") == *cap_chown* ]]
}

@test "mknod fails inside and works outside" {
	mknod "$TMP/null" c 1 3
	run contained -- mknod /tmp/null c 1 3
	[ "$status" -ne 0 ]
	assert_output "Operation not permitted"
}

@test "the limits are those of the original" {
	run contained --status-file "$TMP/status" -v -- sh -c 'ulimit -n'
	assert_status 0
	assert_line 64
	run sandbox explain -p "$CHECKOUT/profiles/contained.conf"
	assert_output 1073741824
	[[ $output == *"cpu.shares = 256"* || $output == *"cpu.weight = 25"* ]]
	[[ $output == *"pids.max = 64"* ]]
}

@test "a fork bomb stops at 64 processes" {
	run contained --status-file "$TMP/status" -- sh -c 'i=0; while [ $i -lt 200 ]; do sleep 5 & i=$((i+1)); done'
	[ "$(jq .pids_peak "$TMP/status")" -le 64 ]
	[ "$(jq -r '.limits_hit[]' "$TMP/status")" = pids ]
}
