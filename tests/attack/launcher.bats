# Attacks on the launcher itself, and by way of what its caller hands it.

load ../lib/common

setup() {
	residue_before
}

teardown() {
	residue_after
}

# Root without a user namespace that keeps CAP_SYS_PTRACE: process 1 and its program are within its rights.
ptrace_profile() {
	profile <<-EOF
		format = 1;
		dangerous = [ "host-root" ];
		namespaces = { remove = [ "user" ]; };
		root = { source = "$ROOTFS"; };
		mounts = ( { type = "proc"; target = "/proc"; } );
		users = { map = "none"; uid = 0; gid = 0; };
		capabilities = { keep = [ "SYS_PTRACE" ]; };
	EOF
}

# Runs a launcher with its options and tells from outside what it was executed from, and which seals that has.
program_and_seals() {
	local pid

	rm -f "$TMP/up"
	"$@" -- sh -c "echo up; exec sleep 1000" >"$TMP/up" 3>&- &
	pid=$!
	wait_until 10 grep -qs up "$TMP/up"
	python3 - "$pid" <<-'PY'
		import fcntl, os, sys
		path = f"/proc/{sys.argv[1]}/exe"
		print(os.readlink(path))
		with open(path) as program:
		    print("seals", fcntl.fcntl(program, 1034))
	PY
	kill "$pid"
	wait "$pid" || :
}

# F_SEAL_SEAL, F_SEAL_SHRINK, F_SEAL_GROW and F_SEAL_WRITE are 15 together.
@test "who may look into process 1 finds a sealed copy of the program there" {
	as_root_only
	ptrace_profile
	run "$SANDBOX" -p "$PROFILE" -- readlink /proc/1/exe
	assert_status 0
	assert_output "/memfd:sandbox (deleted)"
	run program_and_seals "$SANDBOX" -p "$PROFILE"
	assert_output "/memfd:sandbox (deleted)"
	assert_line "seals 15"
}

@test "control: that payload may open what process 1 runs, and without the capability may not" {
	as_root_only
	ptrace_profile
	run "$SANDBOX" -p "$PROFILE" -- sh -c ': </proc/1/exe'
	assert_status 0
	run "$SANDBOX" -p "$PROFILE" -s 'capabilities.keep=[ ]' -- sh -c ': </proc/1/exe'
	[ "$status" -ne 0 ]
	assert_output 'Permission denied'
}

# The command may be this very program by way of /proc/self/exe, with a loader from the image: what the payload may do
# to its file is then a matter of who owns it.
@test "whose payload could own the program's file runs from a sealed copy" {
	as_root_only
	local user=(setpriv "--reuid=$TEST_UID" "--regid=$TEST_UID" --clear-groups)

	install -m 0755 -o "$TEST_UID" "$SANDBOX" "$TMP/own"
	install -m 0755 "$SANDBOX" "$TMP/roots"
	profile <<-EOF
		format = 1;
		root = { source = "$ROOTFS"; };
	EOF
	run program_and_seals "${user[@]}" "$TMP/own" -p "$PROFILE"
	assert_line "seals 15"
	run program_and_seals "${user[@]}" "$TMP/roots" -p "$PROFILE"
	assert_output "$TMP/roots"
	run program_and_seals "$TMP/roots" -p "$PROFILE"
	assert_output "$TMP/roots"
	run program_and_seals "$TMP/roots" -p "$PROFILE" -s 'dangerous=[ "host-root" ]' -s users.map=root -s users.uid=0 \
		-s users.gid=0
	assert_line "seals 15"
}

@test "control: the owner inside can change the mode of a program of his own" {
	install -m 0755 "$SANDBOX" "$USER_TMP/own"
	[ "$(id -u)" -ne 0 ] || chown "$TEST_UID" "$USER_TMP/own"
	profile <<-EOF
		format = 1;
		root = { source = "$ROOTFS"; };
		mounts = ( { type = "proc"; target = "/proc"; } );
		process = { pass_fds = [ 4 ]; };
	EOF
	run as_user sandbox -p "$PROFILE" -- chmod 0777 /proc/self/fd/4 4<"$USER_TMP/own"
	assert_status 0
	[ "$(stat -c %a "$USER_TMP/own")" = 777 ]
}

@test "the status record of a launch from the sealed copy goes where the caller said" {
	as_root_only
	ptrace_profile
	run "$SANDBOX" --status-fd 5 -p "$PROFILE" -- true 5>"$TMP/record"
	assert_status 0
	grep -q '"verdict":"exited"' "$TMP/record"
	run "$SANDBOX" --status-fd 5 -p "$PROFILE" -- sh -c ': >&5' 5>"$TMP/record"
	[ "$status" -ne 0 ]
	assert_output 'ad file descriptor'
}

@test "a directory as a standard descriptor is refused" {
	run sandbox -- true </
	assert_status 120
	assert_output "standard input is a directory"
	run sh -c '"$0" -- true 2>&1 1</' "$SANDBOX"
	assert_status 120
	assert_output "standard output is a directory"
	run sh -c '"$0" -- true 2</' "$SANDBOX"
	assert_status 120
	run sandbox -- true </dev/null
	assert_status 0
}

@test "control: a directory that is handed in leads out of the root" {
	echo outside >"$TMP/bait"
	chmod 0644 "$TMP/bait"
	run sandbox -s 'process.pass_fds=[ 4 ]' -- cat "/proc/self/fd/4$TMP/bait" 4</
	assert_line outside
}

# A payload that leaves its terminal's input where it is, while more comes. Without a devpts of the profile's the
# terminal comes from another place. $1: further mounts.
deaf_terminal() {
	profile <<-EOF
		format = 1;
		root = { source = "$ROOTFS"; };
		mounts = ( { type = "proc"; target = "/proc"; } $1 );
		process = { tty = "always"; time_limit = "500ms"; kill_grace = "200ms"; };
	EOF
	timeout -s KILL "$(seconds 10)" "$SANDBOX" -p "$PROFILE" -- sh -c 'stty raw -echo; exec sleep 1000' \
		</dev/zero >/dev/null
}

@test "a payload that does not read its terminal holds up no time limit" {
	run deaf_terminal ""
	assert_status 124
	run deaf_terminal ', { type = "dev"; target = "/dev"; }'
	assert_status 124
}

@test "the caller's real-time disk priority is not the payload's" {
	as_root_only
	ionice -c1 -n0 true || skip "no real-time disk priority here"
	run ionice -c1 -n0 "$SANDBOX" -- ionice
	assert_output "none"
	run ionice -c1 -n0 ionice
	assert_output "realtime"
}
