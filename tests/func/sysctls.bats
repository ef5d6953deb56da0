# sysctls: kernel parameters of the sandbox's own namespaces, and of no other.
# shellcheck disable=SC2016 # what stands in single quotes is for the shell inside
load ../lib/common
load ../lib/filesystem

# sysctls_profile ELEMENTS [MORE]
sysctls_profile() {
	profile <<CONF
format = 1;
users = { uid = 0; gid = 0; map = "root"; };
mounts = ( $(program_mounts) { type = "proc"; target = "/proc"; } );
sysctls = (
$1 );
${2:-}
CONF
}

@test "a parameter is set inside, and the host's stays" {
	before=$(cat /proc/sys/net/ipv4/ip_unprivileged_port_start)
	sysctls_profile '{ name = "net.ipv4.ip_unprivileged_port_start"; value = "77"; },
		{ name = "net/ipv4/conf/lo/forwarding"; value = "1"; }'
	for as in as_self as_user; do
		[ "$as" = as_self ] && map=auto || map=root
		run "$as" sandbox -p "$PROFILE" -s users.map="$map" -- \
			cat /proc/sys/net/ipv4/ip_unprivileged_port_start /proc/sys/net/ipv4/conf/lo/forwarding
		assert_status 0
		[ "$(xargs <<<"$output")" = "77 1" ]
	done
	[ "$(cat /proc/sys/net/ipv4/ip_unprivileged_port_start)" = "$before" ]
}

@test "the profile needs no /proc for it" {
	sysctls_profile '{ name = "net.ipv4.ip_unprivileged_port_start"; value = "77"; }'
	run as_user sandbox -p "$PROFILE" -s 'mounts[/proc].remove=true' -- sh -c 'test ! -e /proc/sys && echo none'
	assert_status 0
	assert_line none
}

@test "parameters of the ipc namespace" {
	as_root_only
	sysctls_profile '{ name = "kernel.shmmni"; value = "123"; }, { name = "fs.mqueue.queues_max"; value = "7"; }'
	run sandbox -p "$PROFILE" -s users.map=auto -- cat /proc/sys/kernel/shmmni /proc/sys/fs/mqueue/queues_max
	assert_status 0
	[ "$(xargs <<<"$output")" = "123 7" ]
	[ "$(cat /proc/sys/kernel/shmmni)" != 123 ]
}

@test "what is the host's is refused, at its line" {
	for name in kernel.core_pattern vm.overcommit_memory fs.protected_symlinks kernel.randomize_va_space \
		kernel/shmmax/../core_pattern kernel.sem.x; do
		sysctls_profile "{ name = \"$name\"; value = \"x\"; }"
		run as_user sandbox -p "$PROFILE" -- true
		assert_status 121
		assert_output "sysctls["
		assert_output "$name"
	done
	sysctls_profile '{ name = "kernel.hostname"; value = "x"; }'
	run as_user sandbox -p "$PROFILE" -- true
	assert_status 121
	assert_output "the key hostname does that"
}

@test "a parameter of a namespace that the sandbox shares is refused" {
	sysctls_profile '{ name = "net.ipv4.ip_forward"; value = "1"; }' 'network = { mode = "host"; };
namespaces = [ "user", "mount", "pid", "ipc", "uts", "cgroup" ];'
	run as_user sandbox -p "$PROFILE" -- true
	assert_status 121
	assert_output "belongs to the net namespace"
}

@test "a value that the kernel refuses, and a parameter that it lacks, fail the launch" {
	sysctls_profile '{ name = "net.ipv4.ip_unprivileged_port_start"; value = "none"; }'
	run as_user sandbox -p "$PROFILE" -- true
	assert_status 123
	assert_output "cannot set net.ipv4.ip_unprivileged_port_start to none: Invalid argument (sysctls, enter)"
	sysctls_profile '{ name = "net.ipv4.no_such_parameter"; value = "1"; }'
	run as_user sandbox -p "$PROFILE" -- true
	assert_status 123
	assert_output "No such file or directory"
}

@test "no user namespace can be made inside, by the parameter alone" {
	sysctls_profile '' 'seccomp = { deny = [ ]; allow = [ "@default", "unshare" ]; };'
	run as_user sandbox -p "$PROFILE" -- sh -c 'cat /proc/sys/user/max_user_namespaces; unshare -U true'
	assert_status 1
	assert_line 0
	assert_output "No space left on device"
	[ "$(cat /proc/sys/user/max_user_namespaces)" != 0 ]
	# The profile can set the parameter itself: then it is possible.
	sysctls_profile '{ name = "user.max_user_namespaces"; value = "5"; }' \
		'seccomp = { deny = [ ]; allow = [ "@default", "unshare" ]; };'
	run as_user sandbox -p "$PROFILE" -- unshare -U true
	assert_status 0
}
