# rlimits: sixteen limits, exactly as written.
load ../lib/common

with() {
	profile <<-END
		format = 1;
		root = { source = "$ROOTFS"; };
		mounts = ( { type = "proc"; target = "/proc"; }, { type = "tmpfs"; target = "/tmp"; mode = "1777"; } );
		rlimits = { $1 };
		process = { cwd = "/tmp"; };
	END
}

# limits NAME SOFT HARD: a line of /proc/self/limits in $output.
limits() {
	grep -qE "^Max $1 +$2 +$3( |\$)" <<<"$output" || { echo "no: Max $1 $2 $3"; echo "$output"; false; }
}

@test "all sixteen" {
	with 'as = "1G"; core = "0M"; cpu = "100s"; data = "512M"; fsize = "10M"; locks = 7; memlock = "32K"; msgqueue = "64K";
	      nice = 0; nofile = 40; nproc = 200; rss = "256M"; rtprio = 0; rttime = "200ms"; sigpending = 100; stack = "4M";'
	run sandbox -p "$PROFILE" -- cat /proc/self/limits
	assert_status 0
	limits 'address space' 1073741824 1073741824
	limits 'core file size' 0 0
	limits 'cpu time' 100 100
	limits 'data size' 536870912 536870912
	limits 'file size' 10485760 10485760
	limits 'file locks' 7 7
	limits 'locked memory' 32768 32768
	limits 'msgqueue size' 65536 65536
	limits 'nice priority' 0 0
	limits 'open files' 40 40
	limits 'processes' 200 200
	limits 'resident set' 268435456 268435456
	limits 'realtime priority' 0 0
	limits 'realtime timeout' 200000 200000
	limits 'pending signals' 100 100
	limits 'stack size' 4194304 4194304
}

@test "soft and hard apart, and unlimited" {
	with 'nofile = { soft = 30; hard = 50; }; cpu = { soft = "10s"; hard = "unlimited"; };'
	run sandbox -p "$PROFILE" -- sh -c 'cat /proc/self/limits; ulimit -n 50 && ulimit -n; ulimit -n 51'
	limits 'open files' 30 50
	limits 'cpu time' 10 unlimited
	assert_line 50
	[ "$status" -ne 0 ]
}

@test "more than the launcher's own hard limit is refused, by name and line" {
	with 'nofile = 3000;'
	run bash -c 'ulimit -n 2000; exec "$0" "$@"' "$SANDBOX" -p "$PROFILE" -- true
	assert_status 122
	assert_output "test.conf:4: rlimits.nofile: cannot set RLIMIT_NOFILE to 3000: the launcher's own hard limit is 2000"
	assert_output "ulimit"
	run bash -c 'ulimit -n 3000; exec "$0" "$@"' "$SANDBOX" -p "$PROFILE" -- true
	assert_status 0
	with 'fsize = "unlimited";'
	run bash -c 'ulimit -f 1000; exec "$0" "$@"' "$SANDBOX" -p "$PROFILE" -- true
	assert_status 122
	assert_output "rlimits.fsize: cannot lift RLIMIT_FSIZE"
}

@test "from the command line it counts as written too" {
	with ''
	run bash -c 'ulimit -n 2000; exec "$0" "$@"' "$SANDBOX" -p "$PROFILE" -s rlimits.nofile=3000 -- true
	assert_status 122
	assert_output "rlimits.nofile"
}

@test "a default of the language is cut to the launcher's hard limit" {
	with ''
	run sandbox -p "$PROFILE" -- cat /proc/self/limits
	limits 'open files' 1024 1024
	limits 'core file size' 0 0
	limits 'pending signals' 4096 4096
	run bash -c 'ulimit -n 500; ulimit -i 300; exec "$0" "$@"' "$SANDBOX" -p "$PROFILE" -- cat /proc/self/limits
	assert_status 0
	limits 'open files' 500 500
	limits 'pending signals' 300 300
}

@test "descriptors: few are enough, too few are refused before anything starts" {
	with 'nofile = 8;'
	run sandbox -p "$PROFILE" -- sh -c 'ulimit -n'
	assert_line 8
	with 'nofile = 7;'
	run sandbox -p "$PROFILE" -- true
	assert_status 121
	assert_output "rlimits.nofile: cannot do with 7 descriptors"
}

@test "no core file leaves the sandbox, whatever the caller allows" {
	with ''
	run bash -c 'ulimit -c unlimited; exec "$0" "$@"' "$SANDBOX" -p "$PROFILE" -- \
		sh -c 'ulimit -c; ulimit -c 1000 && echo raised; sh -c "kill -SEGV \$\$"; ls /tmp'
	assert_line 0
	refute_output raised
	refute_output core
	# Outside the same shell may have one.
	run bash -c 'ulimit -c unlimited; ulimit -c'
	assert_line unlimited
}

@test "limits do their work" {
	with 'fsize = "1M"; nofile = 20;'
	run sandbox -p "$PROFILE" -- sh -c 'trap "" XFSZ; head -c 2000000 /proc/self/mem /bin/busybox /bin/busybox /bin/busybox >f; stat -c %s f'
	assert_line 1048576
	with 'cpu = "1s";'
	run sandbox -p "$PROFILE" -- sh -c 'while :; do :; done'
	[ "$status" -gt 128 ]
}
