# names: images made, or being changed, so that the files of names would be written, mounted or read outside of them.
# shellcheck disable=SC2016 # what stands in single quotes is for the shell inside
load ../lib/common
load ../lib/filesystem

setup_file() {
	export SWAP=$BATS_FILE_TMPDIR/swap
	chmod 0755 "$BATS_FILE_TMPDIR"
	cc -std=gnu11 -O1 -Wall -Wextra -Werror -o "$SWAP" "$BATS_TEST_DIRNAME/swap.c"
}

setup() {
	# Everything belongs to the ordinary user, so that both launchers could write there.
	tree=$USER_TMP/tree
	outside=$USER_TMP/outside
	mkdir "$tree" "$outside" "$outside/sub"
	copy_programs "$tree"
	mkdir -p "$tree/proc" "$tree/dev" "$tree/run"
	for name in resolv.conf hosts canary; do
		echo canary >"$outside/$name"
	done
	give
}

teardown() {
	[ -z "${swapper:-}" ] || { kill "$swapper" && wait "$swapper"; } 2>/dev/null || :
}

give() {
	[ "$(id -u)" -ne 0 ] || chown -hR 65534:65534 "$tree" "$outside"
}

snapshot() {
	find "$outside" -printf '%p %y %s %m %U %C@ %T@\n' | sort
	cat "$outside"/{resolv.conf,hosts,canary}
}

names_profile() {
	profile <<CONF
format = 1;
root = { source = "$tree"; access = "$1"; };
users = { uid = 65534; gid = 65534; };
mounts = ( { type = "proc"; target = "/proc"; }, { type = "dev"; target = "/dev"; } );
network = { dns = { servers = [ "10.0.0.1" ]; }; hosts = ( { name = "db"; address = "10.0.0.7"; } ); };
CONF
}

# launch AS EXPECTED...: as hostile_root's. A launch that works shows our texts and nothing of the outside, and the host
# keeps its own.
launch() {
	local as=$1 program=$SANDBOX

	shift
	[ "$as" = as_self ] || program=$(_user_sandbox)
	snapshot >"$TMP/before"
	cat /etc/hosts /etc/resolv.conf >"$TMP/host"
	run "$as" timeout "$(seconds 20)" "$program" -p "$PROFILE" -- cat /etc/resolv.conf /etc/hosts
	snapshot | diff "$TMP/before" - || _wrong "something changed outside"
	cat /etc/hosts /etc/resolv.conf | diff "$TMP/host" - || _wrong "the host's own files changed"
	[[ " $* " == *" $status "* ]] || _wrong "expected exit status $*, with $(cat "$PROFILE")"
	refute_output canary
	[ "$status" -ne 0 ] || assert_line "nameserver 10.0.0.1"
	[ "$status" -ne 0 ] || assert_line "10.0.0.7 db"
}

links() {
	echo "$outside/hosts" "$outside/absent" "../../../../../../../../../..$outside/hosts" "/proc/self/root$outside/hosts" \
		"/proc/1/root$outside/hosts" /proc/self/fd/3 /proc/sys/kernel/core_pattern /proc/self/mem hosts /dev/full
}

@test "the baits work: a launcher that follows links would write outside" {
	ln -s "$outside/hosts" "$tree/hosts"
	echo changed >"$tree/hosts"
	[ "$(cat "$outside/hosts")" = changed ]
}

@test "files that are links: covered, whatever they lead to" {
	mkdir "$tree/etc"
	for access in read-only read-write; do
		for link in $(links); do
			rm -f "$tree/etc/hosts" "$tree/etc/resolv.conf"
			ln -s "$link" "$tree/etc/hosts"
			ln -s "$link" "$tree/etc/resolv.conf"
			give
			names_profile "$access"
			launch as_self 0
			launch as_user 0
		done
	done
}

@test "an /etc that is a link out of the root: refused, or inside" {
	for link in "$outside" "../../../../../../../..$outside" "/proc/self/root$outside" /proc/self/cwd /proc/self/fd /proc /; do
		rm -rf "${tree:?}/etc"
		ln -s "$link" "$tree/etc"
		give
		names_profile read-only
		launch as_self 0 123
		launch as_user 0 123
		names_profile read-write
		launch as_self 0 123
		launch as_user 0 123
	done
}

@test "a FIFO, a socket or a device in their place holds nothing up" {
	as_root_only
	mkdir "$tree/etc"
	for kind in "mkfifo" "mknod" "python3"; do
		rm -f "$tree/etc/hosts"
		case $kind in
		mkfifo) mkfifo "$tree/etc/hosts" ;;
		mknod) mknod "$tree/etc/hosts" c 1 1 ;;
		python3) python3 -c 'import socket, sys; socket.socket(socket.AF_UNIX).bind(sys.argv[1])' "$tree/etc/hosts" ;;
		esac
		give
		for access in read-only read-write; do
			names_profile "$access"
			launch as_self 0
			launch as_user 0
		done
	done
}

@test "extended attributes and whiteouts of the image do not uncover anything" {
	as_root_only
	mkdir -p "$tree/etc/sub"
	mknod "$tree/etc/whiteout" c 0 0
	mkdir "$tree/etc/resolv.conf"
	for attribute in user.overlay.opaque trusted.overlay.opaque user.overlay.redirect trusted.overlay.redirect; do
		value=y
		[[ $attribute != *redirect ]] || value=$outside
		python3 -c 'import os, sys; os.setxattr(sys.argv[1], sys.argv[2], sys.argv[3].encode())' "$tree/etc" "$attribute" "$value"
		python3 -c 'import os, sys; os.setxattr(sys.argv[1], sys.argv[2], sys.argv[3].encode())' "$tree/etc/sub" "$attribute" "$value"
	done
	give
	names_profile read-only
	launch as_self 0
	launch as_user 0
	run sandbox -p "$PROFILE" -- ls -R /etc
	refute_output canary
}

@test "an /etc that is a link into /proc, /sys or /dev: their masks hold" {
	as_root_only
	mkdir "$tree/sys"
	for link in /proc /proc/sys /sys /dev /dev/shm; do
		rm -rf "${tree:?}/etc"
		ln -s "$link" "$tree/etc"
		give
		for access in read-only read-write; do
			names_profile "$access"
			sed -i 's|{ type = "dev";|{ type = "sysfs"; target = "/sys"; }, &|' "$PROFILE"
			launch as_self 0 123
			[ "$access" = read-write ] || assert_status 0
			run sandbox -p "$PROFILE" -- sh -c 'cat /proc/interrupts /etc/interrupts /proc/timer_list /etc/timer_list 2>/dev/null | wc -c
				for p in /sys /etc; do ls -A $p/firmware $p/kernel/tracing 2>/dev/null; done | grep -v "^/sys\|^$" | wc -l
				awk "\$5 ~ /^\/(proc|sys|dev)/" /proc/self/mountinfo | grep -c overlay'
			[ "$status" -eq 123 ] || [ "$(xargs <<<"$output")" = "0 0 0" ] || _wrong "something shows"
		done
	done
}

@test "what is mounted on a file that is made cannot be written, opened for writing or taken away by root inside" {
	mkdir "$tree/etc"
	ln -s /run/x "$tree/etc/resolv.conf"
	give
	names_profile read-write
	sed -i 's/users = .*/users = { uid = 0; gid = 0; }; capabilities = { keep = [ "DAC_OVERRIDE", "SYS_ADMIN" ]; };/' "$PROFILE"
	run sandbox -p "$PROFILE" -- sh -c 'echo x >>/etc/resolv.conf; rm -f /etc/resolv.conf; mv /etc/hosts /etc/h; umount /etc/hosts
		echo x >/etc/new && cat /etc/resolv.conf /etc/hosts'
	echo "$output"
	assert_status 0
	assert_line "nameserver 10.0.0.1"
	assert_line "10.0.0.7 db"
	assert_output "Read-only file system"
	[ "$(grep -c busy <<<"$output")" -eq 2 ]
	assert_output "umount: "
}

@test "an /etc that turns into a link while the tree is built leads nowhere" {
	local rounds=${SANDBOX_RACE_ROUNDS:-60} worked=0 refused=0 as access

	mkdir -p "$tree/etc" "$tree/other"
	ln -s "$outside" "$tree/other/etc"
	give
	snapshot >"$TMP/before"
	mkfifo "$TMP/started"
	"$SWAP" "$tree/etc" "$tree/other/etc" >"$TMP/started" 3>&- &
	swapper=$!
	head -n 1 "$TMP/started"
	for ((i = 0; i < rounds; i++)); do
		as=as_self
		((i % 2)) || as=as_user
		access=read-only
		((i % 4 < 2)) || access=read-write
		names_profile "$access"
		run "$as" sandbox -p "$PROFILE" -- cat /etc/resolv.conf
		case $status in
		0) worked=$((worked + 1)) ;;
		1 | 123 | 125) refused=$((refused + 1)) ;;
		*) _wrong "round $i" ;;
		esac
		refute_output canary
	done
	snapshot | diff "$TMP/before" -
	echo "$worked launches worked, $refused were refused"
	[ "$worked" -gt 0 ]
	[ "$refused" -gt 0 ]
}
