# common: what every bats file loads first: `load ../lib/common`
#
#   $SANDBOX              the program under test          (default: build/sandbox of this checkout)
#   $ROOTFS               a root file system to run       (SANDBOX_ROOTFS, default /var/lib/sandbox/alpine)
#   $TMP                  a fresh directory of this test, mode 0755; removed by bats
#   $USER_TMP             $TMP/user: the same, owned by the ordinary user of as_user
#   profile [NAME] <<EOF  writes $TMP/NAME.conf and sets $PROFILE to its path (NAME defaults to "test")
#   sandbox ARG...        runs the program; use it with bats' run
#   as_user CMD ARG...    runs a command as uid and gid 65534 without groups; `as_user sandbox ...` works too
#   as_root_only          skips the test when it is not run by root, and says so
#   seconds N             N, longer on a slow machine (SANDBOX_TEST_SLOW is the factor)
#   wait_until N CMD...   runs a command again and again until it succeeds; fails after N seconds
#   assert_status N       fails, with the output, unless $status is N
#   assert_output TEXT    fails unless $output contains TEXT;  refute_output TEXT  fails if it does
#   assert_line TEXT      fails unless a line of $output is exactly TEXT
#   residue_before        notes mounts, cgroups, processes and temporary files of the host
#   residue_after         fails, and lists it, if anything of the sandbox is new since then

CHECKOUT=$(cd "$BATS_TEST_DIRNAME/../.." && pwd)
SANDBOX=${SANDBOX:-$CHECKOUT/build/sandbox}
ROOTFS=${SANDBOX_ROOTFS:-/var/lib/sandbox/alpine}
ROOTFS_DEBIAN=${SANDBOX_ROOTFS_DEBIAN:-/var/lib/sandbox/debian}
SLOW=${SANDBOX_TEST_SLOW:-1}
TEST_UID=65534

# bats keeps its directories closed to other users; the ordinary user of as_user must get through to $TMP.
umask 022
export LC_ALL=C
if [ -n "${BATS_TEST_TMPDIR:-}" ]; then
	TMP=$BATS_TEST_TMPDIR
	USER_TMP=$TMP/user
	chmod 0711 "$BATS_RUN_TMPDIR"
	chmod 0755 "$TMP"
	mkdir -p "$USER_TMP"
	[ "$(id -u)" -ne 0 ] || chown "$TEST_UID:$TEST_UID" "$USER_TMP"
fi
export CHECKOUT SANDBOX ROOTFS ROOTFS_DEBIAN TMP USER_TMP

profile() {
	PROFILE=$TMP/${1:-test}.conf
	cat >"$PROFILE"
}

sandbox() {
	"$SANDBOX" "$@"
}

# A checkout below a closed directory (/root) is out of the ordinary user's reach: it gets a copy of the program.
_user_sandbox() {
	local copy=$BATS_RUN_TMPDIR/sandbox

	if _as_user test -x "$SANDBOX"; then
		echo "$SANDBOX"
		return
	fi
	[ "$copy" -nt "$SANDBOX" ] || install -m 0755 "$SANDBOX" "$copy"
	echo "$copy"
}

_as_user() {
	if [ "$(id -u)" -ne 0 ]; then
		env -u HOME TMPDIR="$USER_TMP" "$@"
		return
	fi
	env -u HOME -u USER -u LOGNAME -u XDG_RUNTIME_DIR -u XDG_CONFIG_HOME TMPDIR="$USER_TMP" \
		setpriv --reuid="$TEST_UID" --regid="$TEST_UID" --clear-groups "$@"
}

as_user() {
	if [ "$1" = sandbox ]; then
		shift
		set -- "$(_user_sandbox)" "$@"
	fi
	_as_user "$@"
}

as_root_only() {
	[ "$(id -u)" -eq 0 ] || skip "needs root"
}

seconds() {
	echo $(($1 * SLOW))
}

wait_until() {
	local deadline=$((SECONDS + $1 * SLOW))

	shift
	until "$@"; do
		if [ "$SECONDS" -gt "$deadline" ]; then
			echo "still not true: $*" >&2
			return 1
		fi
		sleep 0.05
	done
}

# ---- assertions on what bats' run left in $status and $output

_wrong() {
	printf '%s\nexit status: %s\noutput:\n%s\n' "$1" "${status:-}" "${output:-}" >&2
	return 1
}

assert_status() {
	[ "$status" -eq "$1" ] || _wrong "expected exit status $1"
}

assert_output() {
	[[ $output == *"$1"* ]] || _wrong "expected in the output: $1"
}

refute_output() {
	[[ $output != *"$1"* ]] || _wrong "not expected in the output: $1"
}

assert_line() {
	grep -qxF -- "$1" <<<"$output" || _wrong "expected as a line: $1"
}

# ---- residue

# Processes that run the program, and processes in a cgroup of one.
_residue_processes() {
	{
		find /proc/[0-9]*/exe -maxdepth 0 \( -lname "$SANDBOX*" -o -lname "$BATS_RUN_TMPDIR/sandbox*" \) 2>/dev/null || :
		grep -ls '/sandbox/' /proc/[0-9]*/cgroup || :
	} | cut -d/ -f3 | sort -u | while read -r pid; do
		echo "process $pid: $(tr '\0' ' ' 2>/dev/null <"/proc/$pid/cmdline")"
	done
}

# Everything of the host that a sandbox could leave behind, a line each. What is not there, or goes away while it is
# looked at, is no error.
_residue_snapshot() {
	{
		# Without the numbers: the kernel gives them anew.
		cut -d' ' -f3- /proc/self/mountinfo | sed 's/^/mount /'
		find /sys/fs/cgroup -type d -path '*sandbox*' 2>/dev/null | sed 's/^/cgroup /'
		_residue_processes
		find /tmp /dev/shm -maxdepth 1 -name '*sandbox*' | sed 's/^/file /'
		# /run/sandbox/ranges is the lock file of the automatic id ranges, sandboxes the register's directory:
		# they stay, empty.
		find /run/sandbox /run/netns ! -path /run/sandbox ! -path /run/sandbox/ranges \
			! -path /run/sandbox/sandboxes 2>/dev/null | sed 's/^/file /'
		find /sys/class/net -maxdepth 1 -type l | sed 's/^/interface /'
	} | sort -u
}

residue_before() {
	_residue_snapshot >"$TMP/.residue"
}

# The kernel takes namespaces and cgroups down a while after their last process: what is new gets 5 seconds to go. Only
# what every look has seen counts, so that another sandbox that comes and goes meanwhile is no one's residue.
residue_after() {
	local deadline=$((SECONDS + 5 * SLOW)) new

	new=$(_residue_snapshot | comm -13 "$TMP/.residue" -)
	while [ -n "$new" ] && [ "$SECONDS" -le "$deadline" ]; do
		sleep 0.1
		new=$(_residue_snapshot | comm -13 "$TMP/.residue" - | comm -12 <(printf '%s\n' "$new") -)
	done
	if [ -n "$new" ]; then
		printf 'left behind:\n%s\n' "$new" >&2
		return 1
	fi
}
