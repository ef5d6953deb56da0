# cgroup: hosts whose controllers are all on cgroup v2, and cgroups of an ordinary user's own there: `load ../lib/cgroup` after
# common.
#
#   is_v2                 whether this host is one;  v2_only  skips the test if not
#   delegate DIRECTORY    makes a cgroup that the ordinary user may divide, as systemd does for Delegate=yes
#   put_into DIRECTORY    moves the shell there that calls it
#   removed DIRECTORY     removes a cgroup and what is below it; fails if there is a process left

is_v2() {
	[ -e /sys/fs/cgroup/cgroup.controllers ]
}

v2_only() {
	is_v2 || skip "needs a host whose controllers are all on cgroup v2"
}

delegate() {
	mkdir -p "$1"
	chown "$TEST_UID:$TEST_UID" "$1" "$1/cgroup.procs" "$1/cgroup.subtree_control" "$1/cgroup.threads"
}

put_into() {
	echo "$BASHPID" >"$1/cgroup.procs"
}

removed() {
	[ ! -d "$1" ] || find "$1" -depth -type d -exec rmdir {} +
}
