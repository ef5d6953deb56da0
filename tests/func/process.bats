# process: the command, and what a process has beside the other stages' things.
load ../lib/common
bats_require_minimum_version 1.5.0

setup_file() {
	chmod 0755 "$BATS_FILE_TMPDIR"
	cc -std=gnu11 -D_GNU_SOURCE -O1 -static -o "$BATS_FILE_TMPDIR/state" "$BATS_TEST_DIRNAME/../lib/state.c"
}

with() {
	profile <<-END
		format = 1;
		root = { source = "$ROOTFS"; };
		mounts = (
			{ type = "proc"; target = "/proc"; },
			{ type = "dev"; target = "/dev"; },
			{ type = "tmpfs"; target = "/tmp"; mode = "1777"; },
			{ type = "bind"; source = "$BATS_FILE_TMPDIR"; target = "/mnt"; }
		);
		process = { $1 };
	END
}

@test "the command of the command line goes before the profile's" {
	with 'command = [ "/bin/echo", "from", "profile" ];'
	run sandbox -p "$PROFILE"
	assert_status 0
	assert_line "from profile"
	run sandbox -p "$PROFILE" -- echo from 'command line'
	assert_status 0
	assert_line "from command line"
}

@test "without any command there is nothing to run" {
	with ''
	run sandbox -p "$PROFILE"
	assert_status 120
	assert_output "no command is given"
	assert_output "sandbox -p PROFILE -- COMMAND"
}

@test "options without a command lack one; a word that is no option is told as that" {
	local options

	for options in '--name foo' '--rw /tmp' '-s hostname=a' -v '-D a=b -v'; do
		# shellcheck disable=SC2086 # words
		run sandbox $options
		assert_status 120
		assert_output "no command to run is given"
		assert_output "sandbox OPTION ... -- COMMAND"
	done
	run sandbox --nmae foo
	assert_status 120
	assert_output "unknown option --nmae"
	run sandbox -v lst
	assert_status 120
	assert_output '`lst` is no command of sandbox'
	run sandbox --name foo -- echo there
	assert_status 0
	assert_line there
}

@test "the empty name is not found, whatever PATH holds" {
	with ''
	for path in /usr/bin:/bin :/bin ''; do
		run -127 sandbox -p "$PROFILE" --env "PATH=$path" -- ''
		assert_status 127
		assert_output "cannot execute the empty name"
	done
	run sandbox -p "$PROFILE" --env PATH=/usr/bin:/bin -- env true ''
	assert_status 0
}

@test "arguments arrive as they are" {
	with ''
	run sandbox -p "$PROFILE" -- sh -c 'for a; do echo "<$a>"; done' -- '' ' a  b ' '--' '-p' '$HOME' '*' $'two\nlines' "it's"
	assert_status 0
	[ "$output" = $'<>\n< a  b >\n<-->\n<-p>\n<$HOME>\n<*>\n<two\nlines>\n<it\'s>' ] || { echo "$output"; false; }
}

@test "an argument that the kernel finds too long is one clear message" {
	local word

	# From the profile: the kernel would let no shell pass them on the command line either.
	printf -v word '%04000d' 0
	{
		echo "format = 1; root = { source = \"$ROOTFS\"; };"
		echo "process = { command = [ \"/bin/true\""
		for _ in $(seq 55); do echo ", \"$word\""; done
		echo ' ]; };'
	} >"$TMP/test.conf"
	PROFILE=$TMP/test.conf
	run -126 sandbox -p "$PROFILE" -s rlimits.stack=512K
	assert_output "process.command: cannot execute /bin/true: Argument list too long"
	assert_output "rlimits.stack"
	run sandbox -p "$PROFILE" -s rlimits.stack=8M
	assert_status 0
}

@test "umask is the profile's" {
	with ''
	umask 000
	run sandbox -p "$PROFILE" -- sh -c umask
	assert_line 0022
	with 'umask = "0027";'
	run sandbox -p "$PROFILE" -- sh -c 'umask; touch /tmp/f; stat -c %a /tmp/f'
	assert_status 0
	assert_line 0027
	assert_line 640
}

@test "nice is added to the launcher's" {
	local own
	own=$(cut "-d " -f19 /proc/self/stat)

	with 'nice = 5;'
	run sandbox -p "$PROFILE" -- cut "-d " -f19 /proc/self/stat
	assert_line $((own + 5))
	run nice -n 2 "$SANDBOX" -p "$PROFILE" -- cut "-d " -f19 /proc/self/stat
	assert_line $((own + 7))
	run as_user sandbox -p "$PROFILE" -- cut "-d " -f19 /proc/self/stat
	assert_line $((own + 5))
	run nice -n 18 "$SANDBOX" -p "$PROFILE" -- cut "-d " -f19 /proc/self/stat
	assert_line 19
}

@test "a lower nice value is for a launcher with the right to it" {
	local own
	own=$(cut "-d " -f19 /proc/self/stat)

	with 'nice = -5;'
	run as_user sandbox -p "$PROFILE" -- touch /mnt/ran
	assert_status 123
	assert_output "test.conf:9: process.nice: cannot set the nice value to -5"
	assert_output "CAP_SYS_NICE"
	as_root_only
	run sandbox -p "$PROFILE" -- cut "-d " -f19 /proc/self/stat
	assert_status 0
	assert_line $((own - 5))
}

@test "oom_score_adj can be raised by anybody, lowered by few" {
	with 'oom_score_adj = 300;'
	run sandbox -p "$PROFILE" -- cat /proc/self/oom_score_adj
	assert_line 300
	run as_user sandbox -p "$PROFILE" -- cat /proc/self/oom_score_adj
	assert_line 300
	with 'oom_score_adj = -300;'
	run as_user sandbox -p "$PROFILE" -- true
	assert_status 123
	assert_output "process.oom_score_adj: cannot set oom_score_adj to -300"
	assert_output "CAP_SYS_RESOURCE"
}

@test "affinity: CPUs that are there, and no others" {
	with 'affinity = "0";'
	run sandbox -p "$PROFILE" -- grep Cpus_allowed_list /proc/self/status
	assert_status 0
	[[ $output == *[[:blank:]]0 ]] || { echo "$output"; false; }
	with 'affinity = "0,1000";'
	run sandbox -p "$PROFILE" -- true
	assert_status 122
	assert_output "process.affinity: cannot run on CPU 1000: the host has 0-"
	with 'affinity = "zero";'
	run sandbox -p "$PROFILE" -- true
	assert_status 121
	assert_output "process.affinity"
}

@test "personality linux32 makes a 32-bit machine of it, linux a plain one" {
	[ "$(uname -m)" = x86_64 ] || skip "for x86_64"
	with 'personality = "linux32";'
	run sandbox -p "$PROFILE" -- uname -m
	assert_line i686
	with ''
	run setarch -R -X "$SANDBOX" -p "$PROFILE" -- cat /proc/self/personality
	assert_line 00000000
	# The caller's own would have been another one.
	run setarch -R -X cat /proc/self/personality
	refute_output 00000000
}

@test "wx = deny: no memory that is writable and executable" {
	with 'wx = "deny";'
	run sandbox -p "$PROFILE" -- /mnt/state rwx
	if [ "$status" -eq 122 ]; then
		assert_output "Linux 6.3"
		skip "the kernel cannot"
	fi
	assert_line refused
	with ''
	run sandbox -p "$PROFILE" -- /mnt/state rwx
	assert_line mapped
}

@test "init = false: the command is process 1" {
	with 'init = false;'
	run sandbox -p "$PROFILE" -- sh -c 'echo $$'
	assert_line 1
	with ''
	run sandbox -p "$PROFILE" -- sh -c 'echo $$'
	refute_output 1$'\n'
	[ "$output" != 1 ]
}
