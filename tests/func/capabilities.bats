# capabilities: five sets, exactly as written, for ever.
load ../lib/common

setup_file() {
	chmod 0755 "$BATS_FILE_TMPDIR"
	cc -std=gnu11 -D_GNU_SOURCE -O1 -static -o "$BATS_FILE_TMPDIR/state" "$BATS_TEST_DIRNAME/../lib/state.c"
	chmod 4755 "$BATS_FILE_TMPDIR/state"
}

# with CAPABILITIES [UID [MORE]]
with() {
	profile <<-END
		format = 1;
		root = { source = "$ROOTFS"; };
		mounts = ( { type = "proc"; target = "/proc"; }, { type = "bind"; source = "$BATS_FILE_TMPDIR"; target = "/mnt"; suid = true; } );
		users = { uid = ${2:-1000}; gid = ${2:-1000}; };
		capabilities = { $1 };
		${3:-}
	END
}

# sets INH PRM EFF BND AMB: low hex digits, as the payload has them.
sets() {
	local name

	for name in Inh Prm Eff Bnd Amb; do
		assert_line "$(printf 'Cap%s:\t%016x' "$name" $((16#$1)))"
		shift
	done
}

caps() {
	run "$@" -p "$PROFILE" -- grep ^Cap /proc/self/status
	assert_status 0
}

@test "by default there is none in any set, for uid 0 neither" {
	with ''
	caps sandbox
	sets 0 0 0 0 0
	with '' 0
	caps sandbox
	sets 0 0 0 0 0
	caps as_user sandbox
	sets 0 0 0 0 0
}

@test "uid 0 keeps over execve what is kept" {
	with 'keep = [ "NET_ADMIN", "CAP_KILL" ];' 0
	caps sandbox
	sets 0 1020 1020 1020 0
	caps as_user sandbox
	sets 0 1020 1020 1020 0
}

@test "another uid keeps over execve what is ambient" {
	with 'keep = [ "NET_ADMIN", "KILL" ];'
	caps sandbox
	sets 0 0 0 1020 0
	with 'keep = [ "NET_ADMIN", "KILL" ]; ambient = [ "KILL" ];'
	caps sandbox
	sets 20 20 20 1020 20
	caps as_user sandbox
	sets 20 20 20 1020 20
}

@test "a drop list leaves the rest" {
	local all

	with 'drop = [ "SYS_ADMIN", "NET_RAW" ];' 0
	caps as_user sandbox
	all=$((16#$(sandbox -p "$PROFILE" -s 'capabilities.drop=[ ]' -- grep CapPrm /proc/self/status | cut -f2)))
	sets 0 "$(printf '%x' $((all & ~(1 << 21) & ~(1 << 13))))" "$(printf '%x' $((all & ~(1 << 21) & ~(1 << 13))))" \
		"$(printf '%x' $((all & ~(1 << 21) & ~(1 << 13))))" 0
	[ "$all" -ge $(((1 << 38) - 1)) ]
}

@test "nothing comes back: setuid(0), a set-user-ID program, capset, ambient, secure bits" {
	with '' 0 'seccomp = { default = "allow"; allow = [ ]; }; dangerous = [ "allow-by-default" ];'
	run sandbox -p "$PROFILE" -- /mnt/state regain
	assert_status 0
	assert_line "CapEff: 0000000000000000"
	with '' 1000 'seccomp = { default = "allow"; allow = [ ]; }; dangerous = [ "allow-by-default" ];'
	run sandbox -p "$PROFILE" -- /mnt/state regain
	assert_line "CapEff: 0000000000000000"
	with 'keep = [ "KILL", "SETPCAP" ];' 0 'seccomp = { default = "allow"; allow = [ ]; }; dangerous = [ "allow-by-default" ];'
	run sandbox -p "$PROFILE" -- /mnt/state regain
	assert_line "CapEff: 0000000000000120"
	# Outside the same program ends with what root has.
	as_root_only
	run "$BATS_FILE_TMPDIR/state" regain
	refute_output "CapEff: 0000000000000000"
}

@test "a server that gives up root loses its capabilities by that" {
	with 'keep = [ "SETUID", "SETGID", "NET_ADMIN" ];' 0
	run sandbox -p "$PROFILE" -- /mnt/state drop 33
	assert_status 0
	assert_line "CapEff: 0000000000000000"
}

@test "an unknown name is refused with the nearest" {
	with 'keep = [ "NET_ADMIM" ];'
	run sandbox -p "$PROFILE" -- true
	assert_status 121
	assert_output "test.conf:5: capabilities.keep"
	assert_output "NET_ADMIN"
}

@test "ambient, but not kept, is refused" {
	with 'ambient = [ "NET_ADMIN" ];'
	run sandbox -p "$PROFILE" -- true
	assert_status 121
	assert_output "capabilities.ambient"
}

@test "without a user namespace nobody keeps what the launcher lacks" {
	as_root_only
	with 'keep = [ "SYS_TIME" ];' 0 'dangerous = [ "host-root" ];'
	run setpriv --bounding-set=-sys_time --inh-caps=-sys_time "$SANDBOX" -p "$PROFILE" \
		-s 'users.map=none' -s 'namespaces=[ "mount", "pid", "net", "ipc", "uts", "cgroup" ]' -- true
	assert_status 122
	assert_output "capabilities.keep: cannot keep SYS_TIME: the launcher does not have it"
	run setpriv --bounding-set=-sys_time --inh-caps=-sys_time "$SANDBOX" -p "$PROFILE" -- true
	assert_status 0
}
