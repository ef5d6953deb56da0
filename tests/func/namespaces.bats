# namespaces: the sandbox gets exactly the ones that the profile names, and shares the others with the launcher.
# shellcheck disable=SC2016 # scripts in single quotes are for the shell inside
load ../lib/common

ALL="user mount pid net ipc uts cgroup time"

# with 'NAMES' 'more keys': a profile on a busybox root with these namespaces.
with() {
	local -a names=()

	read -ra names <<<"$1"
	printf -v 'names[0]' '"%s", ' "${names[@]}"
	profile <<-END
		format = 1;
		namespaces = [ ${names[0]%, } ];
		root = { source = "$ROOTFS"; };
		mounts = ( { type = "proc"; target = "/proc"; }, { type = "dev"; target = "/dev"; } );
		$2
	END
}

# The kinds whose link in /proc/self/ns differs inside from what it is here.
differing() {
	local kind link=

	[ "$(grep -c ':\[[0-9]*\]$' <<<"$output")" -eq 8 ] || printf 'not eight links '
	for kind in $ALL; do
		link=$kind
		[ "$kind" != mount ] || link=mnt
		grep -qxF "$(readlink "/proc/self/ns/$link")" <<<"$output" || printf '%s ' "$kind"
	done
}

links='cd /proc/self/ns && for kind in user mnt pid net ipc uts cgroup time; do readlink $kind; done'

@test "exactly the namespaces that are named differ, as root" {
	as_root_only
	with "$ALL"
	run sandbox -p "$PROFILE" -- sh -c "$links"
	assert_status 0
	[ "$(differing)" = "$ALL " ] || { differing; false; }
	with "user mount pid net ipc uts cgroup"
	run sandbox -p "$PROFILE" -- sh -c "$links"
	assert_status 0
	[ "$(differing)" = "user mount pid net ipc uts cgroup " ] || { differing; false; }
	with "user mount pid" 'network = { mode = "host"; }; dangerous = [ "host-ipc" ];'
	run sandbox -p "$PROFILE" -- sh -c "$links"
	assert_status 0
	[ "$(differing)" = "user mount pid " ] || { differing; false; }
	with "mount pid net ipc" ''
	run sandbox -p "$PROFILE" -- sh -c "$links"
	assert_status 0
	[ "$(differing)" = "mount pid net ipc " ] || { differing; false; }
}

@test "exactly the namespaces that are named differ, as an ordinary user" {
	with "$ALL"
	run as_user sandbox -p "$PROFILE" -- sh -c "$links"
	assert_status 0
	[ "$(differing)" = "$ALL " ] || { differing; false; }
	with "user mount pid uts" 'network = { mode = "host"; }; dangerous = [ "host-ipc" ];'
	run as_user sandbox -p "$PROFILE" -- sh -c "$links"
	assert_status 0
	[ "$(differing)" = "user mount pid uts " ] || { differing; false; }
}

@test "ps starts at process 1 and shows nothing of the host" {
	with "user mount pid net ipc uts cgroup"
	run sandbox -p "$PROFILE" -- sh -c 'echo /proc/[0-9]*; cat /proc/1/comm'
	assert_status 0
	[[ ${lines[0]} =~ ^/proc/1(\ /proc/[2-9])?(\ /proc/[2-9])?$ ]] || { echo "$output"; false; }
	run ps -e -o pid=
	[ "${#lines[@]}" -gt 3 ]
}

@test "without a mount namespace nothing can be built" {
	with "user pid net ipc uts"
	run sandbox -p "$PROFILE" -- true
	assert_status 121
	assert_output "namespaces"
	assert_output "mount"
}

@test "an unknown namespace is an error at its line" {
	with "user mount pidd"
	run sandbox -p "$PROFILE" -- true
	assert_status 121
	assert_output "$PROFILE:2: namespaces"
	assert_output "pidd"
}

@test "a map of users without a user namespace contradicts itself" {
	with "mount pid net ipc uts" 'users = { map = "root"; };'
	run sandbox -p "$PROFILE" -- true
	assert_status 121
	assert_output "users.map"
}

@test "a procfs of another pid namespace is not taken for our own" {
	as_root_only
	run unshare --pid --fork "$SANDBOX" -- true
	assert_status 122
	assert_output "that of another pid namespace"
	assert_output "--mount-proc"
	run unshare --pid --fork --mount-proc "$SANDBOX" -- true
	assert_status 0
}
