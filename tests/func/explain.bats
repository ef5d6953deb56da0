#!/usr/bin/env bats
# explain: what every stage will do, why, and what it needs; compared with the system calls of a run by explain_trace.py.

load ../lib/common

# A profile that uses nearly everything; ids are 1000 throughout, so that an ordinary user's map has them.
everything() {
	mkdir -p "$TMP"/host/{data,low1,low2}
	echo text >"$TMP/host/data/file"
	chmod -R a+rX "$TMP/host"
	profile everything <<-EOF
		format = 1;
		name = "everything";
		namespaces = { add = [ "time" ]; };
		hostname = "every";
		domainname = "thing.example";
		time = { monotonic = "1h"; boottime = "-5s"; };
		root = { size = "8M"; inodes = 2000; mode = "0711"; };
		mounts = (
			{ type = "bind"; source = "/usr"; target = "/usr"; },
			{ type = "bind"; source = "/bin"; target = "/bin"; optional = true; },
			{ type = "bind"; source = "/lib"; target = "/lib"; optional = true; },
			{ type = "bind"; source = "/lib64"; target = "/lib64"; optional = true; },
			{ type = "bind"; source = "$TMP/host/data"; target = "/data"; access = "read-write"; exec = false; recursive = false; },
			{ type = "bind"; source = "/nowhere/at/all"; target = "/nowhere"; optional = true; },
			{ type = "bind"; source = "$TMP/host/low1"; target = "/slave"; propagation = "slave"; },
			{ type = "overlay"; target = "/both"; lower = [ "$TMP/host/low2", "$TMP/host/low1" ]; },
			{ type = "proc"; target = "/proc"; hidepid = "noaccess"; },
			{ type = "dev"; target = "/dev"; size = "2M"; },
			{ type = "sysfs"; target = "/sys"; },
			{ type = "mqueue"; target = "/dev/mqueue"; },
			{ type = "cgroup"; target = "/sys/fs/cgroup"; },
			{ type = "tmpfs"; target = "/tmp"; size = "5M"; inodes = 100; mode = "1777"; exec = false; },
			{ type = "tmpfs"; target = "/sealed"; access = "read-only"; },
			{ type = "directory"; target = "/tmp/made"; mode = "0700"; },
			{ type = "file"; target = "/etc/passwd"; content = "root:x:0:0::/:/bin/sh\n"; mode = "0444"; },
			{ type = "symlink"; target = "/link"; source = "tmp"; }
		);
		hide = { add = [ "/usr/games", "/data/file", "/not/there" ]; };
		read_only = { add = [ "/tmp/made" ]; };
		cgroup = {
			memory = { max = "256M"; missing = "skip"; }; pids = { max = 77; missing = "skip"; };
			cpu = { max = "50%"; weight = 50; cpus = "0"; missing = "skip"; }; missing = "skip";
		};
		rlimits = { nofile = { soft = 100; hard = 200; }; fsize = "1G"; cpu = "10s"; nproc = 90; };
		capabilities = { keep = [ "NET_BIND_SERVICE", "CHOWN" ]; ambient = [ "NET_BIND_SERVICE" ]; };
		seccomp = { deny = [ "ptrace" ]; rules = ( { syscalls = [ "fchown" ]; action = "errno:EPERM"; } ); };
		landlock = { read = [ "/data", "/etc" ]; execute = [ "/usr", "/bin", "/lib", "/lib64" ]; write = [ "/tmp" ];
		             missing = "skip"; };
		network = { hosts = ( { name = "db"; address = "10.0.0.1"; } ); };
		process = { cwd = "/tmp"; umask = "0027"; env = [ "PATH=/usr/bin:/bin", "A=b c" ]; inherit_env = [ "LC_ALL" ];
		            nice = 3; oom_score_adj = 300; affinity = "0"; time_limit = "1m"; output_limit = "1M";
		            personality = "linux32"; };
		sysctls = ( { name = "net.ipv4.ip_unprivileged_port_start"; value = "0"; } );
	EOF
}

# explanation ARG...: what explain says, as whoever will run it. traced ARG...: a run under strace, which stays root, for
# nobody else may look into the sandbox.
AS=
explanation() {
	$AS "$PROGRAM" explain --json "$@" </dev/null >"$TMP/explanation"
}

traced() {
	rm -f "$TMP/trace"
	strace -f -v -s 8192 ${AS:+-u nobody} -o "$TMP/trace" "$PROGRAM" "$@" </dev/null >"$TMP/output" 2>&1
}

compared() {
	python3 "$BATS_TEST_DIRNAME/explain_trace.py" "$TMP/explanation" "$TMP/trace"
}

# same ARG...: explain and a run say the same.
same() {
	explanation "$@"
	traced "$@"
	run compared
	assert_status 0
	assert_output "0 different"
}

setup() {
	PROGRAM=$SANDBOX
}

ordinary_user() {
	PROGRAM=$(_user_sandbox)
	AS=as_user
}

@test "explain says what root's runs do, and nothing else is done: shipped profiles" {
	as_root_only
	same -p "$CHECKOUT/profiles/default.conf" -- true
	same -p "$CHECKOUT/profiles/alpine.conf" -D root="$ROOTFS" -- true 'a b' "it's" ''
	same -p "$CHECKOUT/profiles/minimal.conf" -- true
	same -p "$CHECKOUT/profiles/contained.conf" -D root="$ROOTFS" -- true
	same -p "$CHECKOUT/profiles/alpine.conf" -D root="$ROOTFS" -s root.access=overlay -- true
}

@test "explain says what an ordinary user's runs do, and nothing else is done: shipped profiles" {
	as_root_only
	ordinary_user
	same -p "$CHECKOUT/profiles/default.conf" -- true
	same -p "$CHECKOUT/profiles/alpine.conf" -D root="$ROOTFS" -- true
	same -p "$CHECKOUT/profiles/minimal.conf" -- true
}

@test "explain says what runs do, and nothing else is done: a profile that uses nearly everything" {
	as_root_only
	everything
	same -p "$PROFILE" -- true
	ordinary_user
	same -p "$PROFILE" -s process.nice=5 -- true
}

@test "explain says what runs do, and nothing else is done: without some of the namespaces, without init" {
	as_root_only
	local default=$CHECKOUT/profiles/default.conf

	same -p "$default" -s users.map=none -s 'namespaces={ remove = [ "user", "cgroup", "uts" ]; }' -s users.uid=12345 \
		-s users.gid=54321 -s 'users.groups=[ 7, 9 ]' -- true
	same -p "$default" -s network.mode=host -s 'namespaces={ remove = [ "net" ]; }' -s process.init=false -- true
	same -p "$default" -s 'users.uid_map=( { inside = 0; outside = 200000; count = 2000; } )' \
		-s 'users.gid_map=( { inside = 0; outside = 300000; count = 2000; } )' -- true
}

@test "explain says what runs do, and nothing else is done: with helpers for the network beside them" {
	as_root_only
	same -p "$CHECKOUT/profiles/default.conf" -s network.mode=veth -s network.address=10.203.77.2/30 \
		-s network.gateway=10.203.77.1 -s 'network.publish=( { host = 18077; guest = 80; } )' -- true
}

@test "explain says what runs do, and nothing else is done: with pasta beside them" {
	as_root_only
	[ -n "$(ip route show default)" ] || skip "pasta needs a host with a default route"
	same -p "$CHECKOUT/profiles/default.conf" -s network.mode=pasta -- true
}

# Lines that are about no call of their own: what follows from another line, what the launcher watches, what a filter holds,
# of which the length is compared (tests/unit/test_seccomp.c evaluates filters).
OF_NO_CALL='namespaces: shared with the launcher: |cgroup: the sandbox sees its own cgroup as the top|ipc: queues and shared
time: a time namespace of its own, entered by |root: in its mount namespace nothing follows |mounts: /\S+: left out, |tty: (standard|no)
process: (is ended after|everything is killed|is killed when|leaves real-time) |capabilities: keeps no capability
landlock: Landlock \(ABI |seccomp: (allow|but not|that is|depending on|answer|kill for|fchown:) |attest: reads all'

@test "the comparison misses every line of explain that is left out" {
	as_root_only
	everything
	for arguments in "-p $PROFILE" "-p $CHECKOUT/profiles/default.conf"; do
		# shellcheck disable=SC2086 # words
		explanation $arguments -- true
		# shellcheck disable=SC2086
		traced $arguments -- true
		run python3 "$BATS_TEST_DIRNAME/explain_lines.py" "$TMP/explanation" "$TMP/trace"
		assert_status 0
		[[ ${lines[-1]} =~ ^([0-9]+)\ lines$ ]]
		[ "${BASH_REMATCH[1]}" -gt 100 ]
		unset 'lines[-1]'
		printf '%s\n' "${lines[@]}" >"$TMP/unmissed"
		run grep -vE "^(${OF_NO_CALL//$'\n'/|})" "$TMP/unmissed"
		assert_status 1
	done
	# The control: the words do not let everything by.
	grep -qE "^(${OF_NO_CALL//$'\n'/|})" <<<'tty: no controlling terminal'
	run grep -qE "^(${OF_NO_CALL//$'\n'/|})" <<<'pivot: the host'
	assert_status 1
}

@test "explain says what runs do, and nothing else is done: descriptors that are passed on" {
	as_root_only
	same -p "$CHECKOUT/profiles/default.conf" -s 'process.pass_fds=[5,8]' -- true 5</dev/null 8</dev/null
	explanation -p "$CHECKOUT/profiles/default.conf" -s 'process.pass_fds=[5]' -- true 5</dev/null 8</dev/null
	run compared
	assert_status 1
	assert_line "descriptors:"
}

@test "the comparison finds what explain does not say" {
	as_root_only
	everything
	explanation -p "$PROFILE" -- true
	while read -r class settings; do
		# shellcheck disable=SC2086 # words
		traced -p "$PROFILE" $settings -- true || { cat "$TMP/output" && false; }
		run compared
		assert_status 1
		assert_line "$class:"
	done <<-'EOF'
		mounts --ro /etc/alternatives
		mounts -s mounts[/tmp].size=6M
		mounts -s mounts[/data].access=read-only
		mounts -s mounts[/sealed].access=default
		links -s mounts[/link].source=/usr
		directories -s mounts[/tmp/made].mode=0711
		directories -s mounts[/tmp/made].remove=true -s read_only=[]
		hidden -s hide=[]
		read_only -s read_only=[]
		clone_flags -s namespaces={remove=["cgroup"];} -s mounts[/sys/fs/cgroup].remove=true
		id_maps -s users.map=root -s users.uid=0 -s users.gid=0 -s dangerous=["host-root"]
		ids -s users.uid=1001
		cgroup_files -s cgroup.pids.max=78
		sysctls -s sysctls[net.ipv4.ip_unprivileged_port_start].value=1
		names -s hostname=other
		clocks -s time.monotonic=2h
		rlimits -s rlimits.nofile=300
		capabilities -s capabilities.keep={add=["KILL"];}
		landlock -s landlock.write={add=["/etc"];}
		seccomp -s seccomp.deny={add=["kcmp","bpf"];} -s seccomp.allow={add=["swapon"];}
		process -s process.umask=0022
		process -s process.cwd=/
		environment -s process.env={add=["B=c"];}
	EOF
	explanation -p "$CHECKOUT/profiles/default.conf" -- true
	traced -p "$CHECKOUT/profiles/default.conf" -s process.init=false -- true
	run compared
	assert_status 1
	assert_line "init:"
}

@test "explain names file, line and layer of each value" {
	profile base <<-'EOF'
		format = 1;
		hostname = "low";
		rlimits = { nofile = 100; };
	EOF
	profile <<-'EOF'
		format = 1;
		extends = [ "base" ];
		cgroup = { pids = { max = 64; missing = "skip"; }; missing = "skip"; };
	EOF
	run sandbox explain -p "$PROFILE" -s process.umask=0077 --json
	assert_status 0
	value() {
		jq -r --arg does "$1" '.stages[].lines[] | select(.does | startswith($does)) | "\(.layer) \(.file // "") \(.line // "")"' <<<"$output"
	}
	[ "$(value 'host name low')" = "extended $TMP/base.conf 2" ]
	[ "$(value 'RLIMIT_NOFILE')" = "extended $TMP/base.conf 3" ]
	[ "$(value 'umask 0077')" = "command-line command line 0" ]
	[ "$(value 'RLIMIT_CORE')" = "default  " ]
	[ "$(value 'pids.max = 64')" = "profile $PROFILE 3" ]
	run sandbox explain -p "$PROFILE" -s process.umask=0077
	assert_output "[extended $TMP/base.conf:2: hostname]"
	assert_output "[$PROFILE:3: cgroup.pids.max]"
	assert_output "[command line: process.umask]"
	assert_output "[default: rlimits.core]"
}

@test "each word of a list, and each key of an element, has the place where it was said" {
	profile base <<-'EOF'
		format = 1;
		process = { env = [ "PATH=/bin" ];
		            inherit_env = [ "TERM" ]; };
		mounts = ( { type = "tmpfs"; target = "/tmp"; mode = "1777";
		             size = "1M"; } );
		seccomp = { deny = [ "fork" ]; };
		read_only = [
			"/one",
			"/two"
			// the last
		];
	EOF
	profile <<-'EOF'
		format = 1;
		extends = [ "base" ];
		process = { env = { add = [ "A=1" ]; }; };
		mounts = ( { target = "/tmp"; exec = false; } );
		hide = { add = [ "/tmp" ]; };
		seccomp = { deny = { add = [ "vfork" ]; };
		            rules = ( { syscalls = [ "clone" ]; when = ( { arg = "flags"; none = "CLONE_THREAD"; } );
		                        action = "errno:EPERM"; } ); };
	EOF
	run env -u LANG TERM=vt "$SANDBOX" explain -p "$PROFILE" --env B=2 -s 'mounts[/tmp].size=2M' --json -- true
	assert_status 0
	value() {
		jq -r --arg does "$1" '.stages[].lines[] | select(.does | startswith($does)) |
			"\(.layer) \(.file // "") \(.line // "")"' <<<"$output"
	}
	[ "$(value 'sets PATH')" = "extended $TMP/base.conf 2" ]
	[ "$(value 'sets A')" = "profile $PROFILE 3" ]
	[ "$(value 'sets B')" = "command-line command line 0" ]
	[ "$(value 'inherits TERM')" = "extended $TMP/base.conf 3" ]
	[ "$(value '/proc/kcore: covered')" = "default  " ]
	[ "$(value '/tmp: covered')" = "profile $PROFILE 5" ]
	[ "$(value 'but not fork')" = "extended $TMP/base.conf 6" ]
	[ "$(value 'but not vfork')" = "profile $PROFILE 6" ]
	[ "$(value 'clone when flags none CLONE_THREAD: errno:EPERM')" = "profile $PROFILE 7" ]
	[ "$(value '/one: read-only')" = "extended $TMP/base.conf 8" ]
	[ "$(value '/two: read-only')" = "extended $TMP/base.conf 9" ]
	# What the caller gives is no key's default.
	[ "$(value 'runs true')" = "null  " ]
	run jq -c '[.stages[].lines[] | select(.does | startswith("/tmp: tmpfs")) | .key, .layer,
		(.elsewhere[] | .key, .layer, .line)]' <<<"$output"
	[ "$output" = '["mounts[0].target","command-line","type","extended",4,"mode","extended",4,"exec","profile",4]' ] ||
		_wrong "the places of /tmp"
	run sandbox explain -p "$PROFILE" -- true
	assert_output "$PROFILE:4: mounts[0].target; type, mode"
}

@test "explain says what of the kernel this plan needs, and no more" {
	needs() {
		sandbox explain "$@" --json | jq -r '.stages[].needs[]'
	}
	profile <<<'format = 1;'
	run needs -p "$PROFILE"
	assert_status 0
	assert_output "clone3"
	refute_output "time namespaces"
	refute_output "Landlock"
	refute_output "overlay"
	run needs -p "$PROFILE" -s 'namespaces={ add = [ "time" ]; }' -s 'landlock.read=[ "/" ]' \
		-s landlock.missing=skip -s root.source=/usr -s root.access=overlay
	assert_output "time namespaces (Linux 5.6)"
	refute_output "PR_SET_MDWE"
	assert_output "overlay"
	if sandbox explain -p "$PROFILE" -s 'landlock.read=[ "/" ]' >/dev/null 2>&1; then
		assert_output "Landlock ABI 1 (Linux 5.13)"
	fi
	run needs -p "$PROFILE" -s process.wx=deny
	[[ $output == *"Linux 6.3 can"* ]] || assert_output "PR_SET_MDWE (Linux 6.3)"
}

@test "explain is never wider than 100 columns; the stages are those of the pipeline, in its order" {
	everything
	run sandbox explain -p "$PROFILE" -- /usr/bin/true "$(printf 'a long word %.0s' {1..40})"
	assert_status 0
	[ "$(wc -L <<<"$output")" -le 100 ]
	[[ $output != *$'\033'* ]]
	[ "$(grep -oE '^[a-z_]+' <<<"$output" | xargs)" = "$(sed -n 's/^\t{ "\([a-z_]*\)",.*/\1/p' "$CHECKOUT/src/run/pipeline.c" | xargs)" ]
	run env TERM=xterm "$CHECKOUT/tests/lib/terminal" "$SANDBOX" explain -p "$PROFILE" -- true </dev/null
	[[ $output == *$'\033['* ]]
}
