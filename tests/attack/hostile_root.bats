# hostile_root: root file systems that were made, or are being changed, to lead the launcher astray. Nothing outside of
# the root may be made, changed or shown, whatever the image holds; and what is legitimate in an image must still work.
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
	mkdir -p "$tree/proc" "$tree/run" "$tree/usr/lib"
	echo canary >"$outside/canary"
	echo canary >"$outside/passwd"
	give
}

teardown() {
	[ -z "${swapper:-}" ] || { kill "$swapper" && wait "$swapper"; } 2>/dev/null || :
}

give() {
	if [ "$(id -u)" -eq 0 ]; then
		chown -hR 65534:65534 "$tree" "$outside"
	fi
}

# One line for each entry outside the root, with everything about it that a launch could change.
snapshot() {
	find "$outside" -printf '%p %y %s %m %U %C@ %T@\n' | sort
	cat "$outside/canary" "$outside/passwd"
}

# hostile_profile ELEMENTS [MORE]: the tree as a writable root, which is the worst case, and these mounts.
hostile_profile() {
	profile <<CONF
format = 1;
root = { source = "$tree"; access = "read-write"; };
users = { uid = 65534; gid = 65534; };
mounts = (
$1 );
${2:-}
CONF
}

# launch AS EXPECTED...: runs it; the exit status must be one of those expected, soon, and nothing outside may have changed.
launch() {
	local as=$1 program=$SANDBOX

	shift
	[ "$as" = as_self ] || program=$(_user_sandbox)
	snapshot >"$TMP/before"
	run "$as" timeout "$(seconds 20)" "$program" -p "$PROFILE" -- sh -c 'exit 0'
	snapshot | diff "$TMP/before" - || _wrong "something changed outside"
	[[ " $* " == *" $status "* ]] || _wrong "expected exit status $*, with $(cat "$PROFILE")"
}

links() {
	echo "$outside" "../../../../../../../../../..$outside" "/oldroot$outside" "/proc/self/root$outside" \
		"/proc/1/root$outside" /proc/self/cwd /proc/self/fd/3 "/proc/self/cwd/../../../../../../..$outside"
}

@test "the baits work: a launcher that follows links would be led outside" {
	for target in etc tmp; do
		ln -s "$outside" "$tree/$target"
	done
	mkdir -p "$tree/etc/made"
	echo x >"$tree/tmp/file"
	[ -d "$outside/made" ]
	[ -f "$outside/file" ]
}

@test "targets that are links out of the root: refused, or inside" {
	local -A element=(
		[proc]='{ type = "proc"; target = "/proc"; }' [sys]='{ type = "sysfs"; target = "/sys"; }'
		[dev]='{ type = "dev"; target = "/dev"; }' [tmp]='{ type = "tmpfs"; target = "/tmp"; }'
		[pts]='{ type = "devpts"; target = "/pts"; }' [etc]='{ type = "directory"; target = "/etc"; }'
		[passwd]='{ type = "file"; target = "/passwd"; content = "x"; }'
		[bind]="{ type = \"bind\"; source = \"$outside/sub\"; target = \"/bind\"; }"
		[file]="{ type = \"bind\"; source = \"$outside/canary\"; target = \"/file\"; }"
		[over]="{ type = \"overlay\"; lower = [ \"$outside/sub\" ]; upper = \"tmpfs\"; target = \"/over\"; }"
		[mq]='{ type = "mqueue"; target = "/mq"; }' [cg]='{ type = "cgroup"; target = "/cg"; }'
		[link]='{ type = "symlink"; target = "/link"; source = "x"; }'
	)
	for name in "${!element[@]}"; do
		# Nothing else of it is refused.
		hostile_profile "${element[$name]}"
		launch as_self 0
		for link in $(links); do
			rm -rf "${tree:?}/$name"
			ln -s "$link" "$tree/$name"
			give
			hostile_profile "${element[$name]}"
			launch as_self 123
			assert_output "mounts[0].target"
			launch as_user 123
			assert_output "mounts[0].target"
		done
		rm -rf "${tree:?}/$name"
	done
}

@test "mount points below a link out of the root: refused, or inside" {
	local elements=(
		'{ type = "tmpfs"; target = "/var/a/tmp"; }' '{ type = "file"; target = "/var/a/passwd"; content = "x"; }'
		'{ type = "directory"; target = "/var/a/dir"; }' '{ type = "symlink"; target = "/var/a/link"; source = "x"; }'
		'{ type = "dev"; target = "/var/dev"; }' '{ type = "proc"; target = "/var/proc"; }'
		"{ type = \"bind\"; source = \"$outside/canary\"; target = \"/var/passwd\"; }"
		"{ type = \"bind\"; source = \"$outside/sub\"; target = \"/var/sub/sub\"; }"
		"{ type = \"overlay\"; lower = [ \"$outside/sub\" ]; target = \"/var/sub/o\"; }"
	)
	for element in "${elements[@]}"; do
		# In a directory it works.
		rm -rf "${tree:?}/var"
		mkdir "$tree/var"
		give
		hostile_profile "$element"
		launch as_self 0
		for link in $(links); do
			rm -rf "${tree:?}/var"
			ln -s "$link" "$tree/var"
			give
			hostile_profile "$element"
			launch as_self 123
			assert_output "mounts[0].target"
			launch as_user 123
			assert_output "mounts[0].target"
		done
	done
}

@test "links that lead out of the root at its top end at its top" {
	# "..", as often as one likes, is "/" inside; what is there is used.
	mkdir -p "$tree/here"
	ln -s ../../../../../../here "$tree/up"
	give
	hostile_profile '{ type = "tmpfs"; target = "/up/t"; }'
	launch as_self 0
	[ -d "$tree/here/t" ]
	launch as_user 0
}

@test "legitimate links work" {
	mkdir -p "$tree/var" "$tree/usr/lib/deep"
	ln -s /run "$tree/var/run"
	ln -s usr/lib "$tree/mylib"
	ln -s ../usr/lib/deep "$tree/var/deep"
	give
	hostile_profile '{ type = "tmpfs"; target = "/var/run/a"; }, { type = "file"; target = "/mylib/f"; content = "x\n"; },
		{ type = "directory"; target = "/var/deep/d"; }, { type = "proc"; target = "/proc"; }'
	for as in as_self as_user; do
		run "$as" sandbox -p "$PROFILE" -- sh -c 'grep -c " /run/a " /proc/self/mountinfo; cat /usr/lib/f; ls -d /usr/lib/deep/d'
		assert_status 0
		[ "$(xargs <<<"$output")" = "1 x /usr/lib/deep/d" ]
	done
}

@test "hidden and read-only paths that are links out of the root touch nothing outside" {
	for link in $(links); do
		rm -rf "${tree:?}/secret"
		ln -s "$link" "$tree/secret"
		give
		hostile_profile '{ type = "proc"; target = "/proc"; }' 'hide = [ "/secret", "/secret/canary" ];
read_only = [ "/secret/sub" ];'
		# What exists inside is covered; magic links are refused. Neither leads outside.
		launch as_self 0 123
		launch as_user 0 123
	done
}

@test "a target that is a FIFO, a socket or a device holds nothing up" {
	as_root_only
	mkfifo "$tree/fifo"
	mknod "$tree/tty" c 5 0
	mknod "$tree/mem" c 1 1
	python3 -c 'import socket, sys; socket.socket(socket.AF_UNIX).bind(sys.argv[1])' "$tree/socket"
	mkdir -m 0 "$tree/closed"
	for name in fifo tty mem socket; do
		hostile_profile "{ type = \"file\"; target = \"/$name\"; content = \"x\"; }"
		launch as_self 0
		hostile_profile "{ type = \"tmpfs\"; target = \"/$name\"; }"
		launch as_self 123
		hostile_profile "{ type = \"tmpfs\"; target = \"/$name/below\"; }"
		launch as_self 123
		hostile_profile '' "hide = [ \"/$name\" ]; read_only = [ \"/$name\" ];"
		launch as_self 0
	done
	chown 65534:65534 "$tree/closed"
	hostile_profile '{ type = "tmpfs"; target = "/closed/below"; }'
	launch as_user 0 123
}

@test "masks are our own, whatever /dev/null of the image is" {
	mkdir "$tree/dev"
	ln -s /proc/sys/kernel/core_pattern "$tree/dev/null"
	give
	hostile_profile '{ type = "proc"; target = "/proc"; }'
	for as in as_self as_user; do
		run "$as" sandbox -p "$PROFILE" -- sh -c 'head -c 10 /proc/interrupts | wc -c; true >>/proc/interrupts && echo open
			true >>/proc/sys/kernel/core_pattern && echo open'
		assert_line 0
		refute_output open
		[ "$(grep -c "can't create" <<<"$output")" -eq 2 ]
	done
}

@test "set-user-ID programs and file capabilities of the image have no effect" {
	as_root_only
	mkdir "$tree/x"
	cc -static -x c -o "$tree/x/who" - <<'C'
#include <stdio.h>
#include <unistd.h>
int main(void) { return printf("euid %u\n", geteuid()) < 0; }
C
	chown 0:0 "$tree/x/who"
	chmod 4755 "$tree/x/who"
	hostile_profile '{ type = "proc"; target = "/proc"; }'
	run sandbox -p "$PROFILE" -- /x/who
	assert_line "euid 65534"
	run sandbox -p "$PROFILE" -s root.suid=true -- /x/who
	assert_line "euid 65534"
	# Without no_new_privs, which a filter would bring back, nosuid alone holds.
	hostile_profile '{ type = "proc"; target = "/proc"; }' 'no_new_privs = false; capabilities = { keep = [ "SYS_ADMIN" ]; };'
	run sandbox -p "$PROFILE" -- /x/who
	assert_line "euid 65534"
	# And with both given up the program is what it takes for one.
	run sandbox -p "$PROFILE" -s root.suid=true -- /x/who
	assert_line "euid 0"
}

@test "device nodes of the image cannot be opened" {
	as_root_only
	mknod -m 0666 "$tree/zero" c 1 5
	mknod -m 0666 "$tree/disk" b 7 0
	hostile_profile ''
	run sandbox -p "$PROFILE" -- sh -c 'head -c 1 /zero; head -c 1 /disk'
	[ "$(grep -c "Permission denied" <<<"$output")" -eq 2 ]
	run sandbox -p "$PROFILE" -s root.dev=true -- sh -c 'head -c 1 /zero | wc -c'
	assert_status 0
	assert_line 1
}

# start_swapping PATH OTHER...
start_swapping() {
	[ -p "$TMP/started" ] || mkfifo "$TMP/started"
	"$SWAP" "$@" >"$TMP/started" 3>&- &
	swapper=$!
	head -n 1 "$TMP/started"
}

@test "directories that turn into links while the tree is built lead nowhere" {
	local rounds=${SANDBOX_RACE_ROUNDS:-150} worked=0 refused=0 as

	mkdir -p "$tree/etc" "$tree/var/lib" "$tree/tmp" "$tree/dev" "$tree/other"
	for name in etc var tmp dev proc; do
		mkdir -p "$tree/$name"
		ln -s "$outside" "$tree/other/$name"
	done
	give
	hostile_profile '{ type = "proc"; target = "/proc"; }, { type = "dev"; target = "/dev"; },
		{ type = "tmpfs"; target = "/tmp"; }, { type = "tmpfs"; target = "/var/lib/made"; },
		{ type = "file"; target = "/etc/passwd"; content = "x\n"; }, { type = "directory"; target = "/var/new"; },
		{ type = "symlink"; target = "/etc/link"; source = "x"; }'
	snapshot >"$TMP/before"
	# One path at a time, which half of the launches meet as a directory at every look, and all at once, which few do.
	for names in etc var tmp dev proc "etc var tmp dev proc"; do
		pairs=()
		for name in $names; do
			pairs+=("$tree/$name" "$tree/other/$name")
		done
		start_swapping "${pairs[@]}"
		for ((i = 0; i < rounds / 6; i++)); do
			as=as_self
			((i % 2)) || as=as_user
			run "$as" sandbox -p "$PROFILE" -- sh -c 'echo ran; awk "/ - proc /{ print \$5 }" /proc/self/mountinfo'
			case $status in
			0) worked=$((worked + 1)) ;;
			1 | 123 | 125) refused=$((refused + 1)) ;;
			*) _wrong "$names, round $i" ;;
			esac
		done
		kill "$swapper"
		wait "$swapper" || :
		swapper=
		# What stands as a link now goes back, or the next path would never be reached.
		for name in $names; do
			[ ! -L "$tree/$name" ] || "$SWAP" --once "$tree/$name" "$tree/other/$name"
		done
	done
	snapshot | diff "$TMP/before" -
	# Both must have happened, or the race was never run.
	echo "$worked launches worked, $refused were refused"
	[ "$worked" -gt 0 ]
	[ "$refused" -gt 0 ]
}

@test "masks hold while the mount point is renamed" {
	local rounds=${SANDBOX_RACE_ROUNDS:-150} looked=0 as

	mkdir -p "$tree/aside"
	mkdir "$tree/aside/self"
	give
	hostile_profile '{ type = "proc"; target = "/proc"; }'
	start_swapping "$tree/proc" "$tree/aside"
	for ((i = 0; i < rounds; i++)); do
		as=as_self
		((i % 2)) || as=as_user
		run "$as" sandbox -p "$PROFILE" -- sh -c 'for p in /proc /aside; do
			test -e $p/version || continue; echo looked
			test -z "$(head -c 10 $p/interrupts)" || echo shown
			{ true >>$p/sys/kernel/core_pattern; } 2>/dev/null && echo open; done'
		refute_output shown
		refute_output open
		[[ $output != *looked* ]] || looked=$((looked + 1))
	done
	echo "$looked of $rounds launches showed a proc file system"
	[ "$looked" -gt 0 ]
}

@test "the race is a race: who looks twice by name is led outside" {
	mkdir -p "$tree/etc" "$tree/other"
	ln -s "$outside" "$tree/other/etc"
	give
	start_swapping "$tree/etc" "$tree/other/etc"
	for i in {1..3000}; do
		[ -L "$tree/etc" ] || mkdir "$tree/etc/made-$i" 2>/dev/null || :
	done
	kill "$swapper"
	wait "$swapper" || :
	swapper=
	find "$outside" "$tree/other/etc" -maxdepth 1 -name 'made-*' | grep -q .
	compgen -G "$outside/made-*" >/dev/null
	find -L "$tree/etc" "$tree/other/etc" -maxdepth 1 >/dev/null
}
