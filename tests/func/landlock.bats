# landlock: what no rule names is out of reach.
load ../lib/common

setup_file() {
	chmod 0755 "$BATS_FILE_TMPDIR"
	cc -std=gnu11 -D_GNU_SOURCE -O1 -static -o "$BATS_FILE_TMPDIR/state" "$BATS_TEST_DIRNAME/../lib/state.c"
}

setup() {
	mkdir "$TMP/data"
	echo secret >"$TMP/data/file"
	chmod -R a+rwX "$TMP/data"
	# What a shell of this root needs: a static one has no /lib.
	PROGRAMS='"/bin"'
	[ ! -d "$ROOTFS/lib" ] || PROGRAMS+=', "/lib"'
	[ ! -d "$ROOTFS/usr" ] || PROGRAMS+=', "/usr"'
}

# with LANDLOCK [MORE]
with() {
	profile <<-END
		format = 1;
		root = { source = "$ROOTFS"; };
		mounts = (
			{ type = "proc"; target = "/proc"; },
			{ type = "dev"; target = "/dev"; },
			{ type = "tmpfs"; target = "/tmp"; mode = "1777"; },
			{ type = "bind"; source = "$BATS_FILE_TMPDIR"; target = "/mnt"; },
			{ type = "bind"; source = "$TMP/data"; target = "/srv"; access = "read-write"; }
		);
		landlock = { $1 };
		${2:-}
	END
}

needs_abi() {
	profile abi <<-END
		format = 1;
		root = { source = "$ROOTFS"; };
		landlock = { read = [ "/" ]; execute = [ "/" ]; abi = $1; };
	END
	run sandbox -p "$PROFILE" -- true
	[ "$status" -eq 0 ] || skip "the kernel's Landlock ABI is below $1"
}

@test "read, write and execute are what the profile says, and nothing else" {
	needs_abi 1
	with "execute = [ $PROGRAMS ];"' read = [ "/srv" ]; write = [ "/tmp" ];'
	run sandbox -p "$PROFILE" -- sh -c 'cat /srv/file; echo x >/tmp/new && cat /tmp/new'
	assert_status 0
	assert_line secret
	assert_line x
	run sandbox -p "$PROFILE" -- sh -c 'echo x >/srv/file'
	assert_output "Permission denied"
	run sandbox -p "$PROFILE" -- sh -c 'cat /etc/passwd; ls /'
	[ "$(grep -c 'Permission denied' <<<"$output")" -eq 2 ]
	run sandbox -p "$PROFILE" -- sh -c '/mnt/state rwx'
	assert_output "Permission denied"
	run sandbox -p "$PROFILE" -- sh -c 'echo x >/tmp/new && mv /tmp/new /srv'
	assert_output "Permission denied"
	[ ! -e "$TMP/data/new" ]
	run sandbox -p "$PROFILE" -- sh -c 'cp /bin/busybox /tmp && /tmp/busybox true'
	assert_output "Permission denied"
	# Without the section all of it works.
	with ''
	run sandbox -p "$PROFILE" -- sh -c 'cat /srv/file /etc/passwd; ls /; echo x >/srv/new && /mnt/state rwx && cp /bin/busybox /tmp && /tmp/busybox true'
	assert_status 0
	refute_output "Permission denied"
}

@test "paths are meant from the root, wherever the payload starts" {
	needs_abi 1
	with "execute = [ $PROGRAMS ]; read = [ \"/srv\" ]; write = [ \"/tmp\" ];" 'process = { cwd = "/tmp"; };'
	run sandbox -p "$PROFILE" -- sh -c 'pwd; cat /srv/file'
	assert_status 0
	assert_line /tmp
	assert_line secret
}

@test "files can be named, not only directories" {
	needs_abi 1
	with "execute = [ $PROGRAMS ];"' read = [ "/srv/file" ]; write = [ "/dev/null" ];'
	run sandbox -p "$PROFILE" -- sh -c 'cat /srv/file; echo x >/dev/null'
	assert_status 0
	assert_line secret
}

@test "as an ordinary user as well" {
	needs_abi 1
	with "execute = [ $PROGRAMS ];"
	run as_user sandbox -p "$PROFILE" -- sh -c 'cat /etc/passwd'
	assert_output "Permission denied"
	run as_user sandbox -p "$PROFILE" -s 'landlock.read=[ "/etc" ]' -- sh -c 'cat /etc/passwd'
	assert_status 0
}

@test "a path that is not there is refused at its line" {
	needs_abi 1
	with 'execute = [ "/bin" ]; read = [ "/srv", "/nowhere" ];'
	run sandbox -p "$PROFILE" -- true
	assert_status 123
	assert_output "landlock.read"
	assert_output "cannot open /nowhere: No such file or directory"
}

@test "a link in the image does not lead a rule out of it" {
	needs_abi 1
	mkdir "$TMP/root"
	cp -a "$ROOTFS/." "$TMP/root"
	ln -s ../../../../../../../etc "$TMP/root/up"
	echo inside >"$TMP/root/etc/inside"
	with "execute = [ $PROGRAMS ];"' read = [ "/up" ];'
	run sandbox -p "$PROFILE" -s "root.source=$TMP/root" -s root.idmap=none -- cat /etc/inside
	assert_status 0
	assert_line inside
}

@test "the command itself must be executable by the rules" {
	needs_abi 1
	with 'read = [ "/" ];'
	run sandbox -p "$PROFILE" -- true
	assert_status 126
	assert_output "Permission denied"
}

@test "TCP ports: what is not named can be neither bound nor connected to" {
	needs_abi 4
	with 'bind_tcp = [ 7777 ];'
	run sandbox -p "$PROFILE" -- /mnt/state listen 7777
	assert_line bound
	run sandbox -p "$PROFILE" -- /mnt/state listen 7778
	assert_line refused
	with 'connect_tcp = [ 7777 ];'
	run sandbox -p "$PROFILE" -- /mnt/state listen 7778
	assert_line refused
	# Nobody listens there.
	run sandbox -p "$PROFILE" -- /mnt/state connect 7777
	assert_line "Connection refused"
	run sandbox -p "$PROFILE" -- /mnt/state connect 7778
	assert_line "Permission denied"
	with ''
	run sandbox -p "$PROFILE" -- /mnt/state listen 7778
	assert_line bound
	run sandbox -p "$PROFILE" -- /mnt/state connect 7778
	assert_line "Connection refused"
}

@test "too old a kernel: refused, or skipped and reported" {
	with 'read = [ "/" ]; abi = 64;'
	run sandbox -p "$PROFILE" -- true
	assert_status 122
	assert_output "landlock.abi: cannot use Landlock"
	assert_output 'landlock.missing = "skip"'
	with 'read = [ "/bin" ]; abi = 64; missing = "skip";'
	run sandbox -p "$PROFILE" --status-file "$TMP/status" -- cat /etc/passwd
	assert_status 0
	jq -e '.degraded | index("landlock") != null' "$TMP/status"
}

@test "a kernel without Landlock" {
	with 'read = [ "/" ]; execute = [ "/" ];'
	run strace -qq -f -o /dev/null -e trace=landlock_create_ruleset -e inject=landlock_create_ruleset:error=ENOSYS \
		"$SANDBOX" -p "$PROFILE" -- true
	assert_status 122
	assert_output "the kernel does not have it"
}

@test "a scope: abstract sockets of others are out of reach" {
	needs_abi 6
	local name="scope-test-$$" server

	python3 -c '
import socket, sys
s = socket.socket(socket.AF_UNIX)
s.bind("\0" + sys.argv[1])
s.listen()
print("ready", flush=True)
while True:
    s.accept()' "$name" >"$TMP/server" 3>&- &
	server=$!
	wait_until 5 grep -q ready "$TMP/server"
	for scope in '[ ]' '[ "abstract-unix" ]'; do
		run sandbox --net host -s "landlock.scope=$scope" -- /usr/bin/python3 -c '
import socket, sys
socket.socket(socket.AF_UNIX).connect("\0" + sys.argv[1])
print("connected")' "$name"
		[ "$scope" != '[ ]' ] || assert_line connected
		[ "$scope" = '[ ]' ] || assert_output 'Operation not permitted'
	done
	kill "$server"
	wait "$server" || :
}

@test "a scope: a further command signals nobody but its own, sandbox kill does" {
	needs_abi 6
	local name="scope-test-$$" launcher

	for scope in '[ ]' '[ "signal" ]'; do
		sandbox --name "$name" -s "landlock.scope=$scope" -- sh -c '
			trap "echo got it" USR1
			echo ready
			while :; do sleep 0.1; done' >"$TMP/out" 2>&1 3>&- &
		launcher=$!
		wait_until 5 grep -q ready "$TMP/out"
		wait_until 5 sandbox exec "$name" true
		# The payload is the second process, behind the sandbox's init.
		run sandbox exec "$name" kill -USR1 2
		if [ "$scope" = '[ ]' ]; then
			assert_status 0
		else
			assert_output 'Operation not permitted'
			run sandbox exec "$name" sh -c 'sleep 60 & kill $! && echo own'
			assert_line own
			sandbox kill "$name" USR1
		fi
		wait_until 5 grep -q 'got it' "$TMP/out"
		sandbox kill "$name"
		wait "$launcher" || :
	done
}
