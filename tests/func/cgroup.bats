# cgroup: limits bind, everything can be ended, and nothing stays behind; on v1, v2 and hybrid hosts alike.
bats_require_minimum_version 1.5.0
load ../lib/common
load ../lib/cgroup

setup() {
	as_root_only
	residue_before
}

teardown() {
	[ -z "$PARENT" ] || find /sys/fs/cgroup -depth -type d -path "*/$PARENT*" -exec rmdir {} + 2>/dev/null || :
}

# A cgroup of this test's own, as cgroup.parent, so that no other launch cleans up first. Sets $PARENT.
PARENT=
make_parent() {
	PARENT=parent-test-$BASHPID
	for controller in pids memory cpu; do
		mkdir -p "$(top_of $controller)/$PARENT"
	done
}

# A root file system, /proc, /dev and what the test adds.
with() {
	profile "${2:-test}" <<-END
		format = 1;
		root = { source = "$ROOTFS"; };
		mounts = ( { type = "proc"; target = "/proc"; }, { type = "dev"; target = "/dev"; } );
		$1
	END
}

# Runs a command in the sandbox of $PROFILE and keeps the verdict record for `record`.
launch() {
	run sandbox -p "$PROFILE" --status-file "$TMP/record" -- "$@"
}

# A value of the last record: `record verdict`.
record() {
	python3 -c 'import json, sys; print(json.dumps(json.load(open(sys.argv[1]))[sys.argv[2]]))' "$TMP/record" "$1"
}

# The directory at the top of the hierarchy that has a controller.
top_of() {
	if is_v2; then
		echo /sys/fs/cgroup
	else
		awk -v want="$1" '/ - cgroup / { n = split($NF, o, ","); for (i = 1; i <= n; i++) if (o[i] == want) print $5 }' \
			/proc/self/mountinfo | head -n 1
	fi
}

# Starts a sandbox that sleeps. Sets $launcher, $payload, and $id, the name of its leaves.
start() {
	local nap=$((RANDOM + 100000))

	"$SANDBOX" -p "$PROFILE" -- sleep $nap 3>&- &
	launcher=$!
	wait_until 10 pgrep -xf "sleep $nap"
	payload=$(pgrep -xf "sleep $nap")
	id=$(sed -n 's|.*/sandbox/\([0-9a-f]\{16\}\)$|\1|p' "/proc/$payload/cgroup" | head -n 1)
	[ -n "$id" ]
}

stop() {
	kill "$launcher"
	wait "$launcher" || :
}

crash() {
	kill -9 "$launcher"
	wait "$launcher" || :
}

leaves() {
	find /sys/fs/cgroup -type d -path "*/sandbox/${1:-$id}" 2>/dev/null
}

# ---- limits

@test "a memory hog dies at memory.max, and the verdict says so" {
	with 'cgroup = { memory = { max = "100M"; swap = "0M"; }; };'
	launch sh -c 'head -c 200000000 /dev/zero | tail -c 200000000 >/dev/null; echo lived on'
	assert_line "lived on"
	[ "$(record verdict)" = '"exited"' ]
	[[ $(record limits_hit) == *'"memory"'* ]]
	launch sh -c 'exec tail -c 200000000 /dev/zero'
	assert_status 137
	[ "$(record verdict)" = '"memory-limit"' ]
	[[ $(record limits_hit) == *'"memory"'* ]]
	[ "$(record oom_kills)" -ge 1 ]
	[ "$(record memory_peak_bytes)" -le 104857600 ]
	residue_after
}

@test "the same hog is content where the limit is higher" {
	with 'cgroup = { memory = { max = "400M"; swap = "0M"; }; };'
	launch sh -c 'head -c 150000000 /dev/zero | tail -c 150000000 | wc -c'
	assert_status 0
	assert_line 150000000
	[ "$(record memory_peak_bytes)" -ge 100000000 ]
	[ "$(record oom_kills)" -eq 0 ]
}

@test "a fork bomb stops at pids.max, and the verdict says so" {
	with 'cgroup = { pids = { max = 64; }; };'
	launch sh -c 'while sleep 100 & do :; done'
	[ "$status" -ne 0 ]
	assert_output "fork"
	[[ $(record limits_hit) == *'"pids"'* ]]
	[ "$(record pids_peak)" -eq 64 ] || [ "$(record pids_peak)" = null ]
	residue_after
}

@test "cpu.max = 50% is half a core, 200% is not" {
	local used wall throttled

	# Weight for machines that are busy with something else: the sandbox must come as far as its quota.
	make_parent
	is_v2 || echo 200000 >"$(top_of cpu)/$PARENT/cpu.shares"
	! is_v2 || echo 10000 >"$(top_of cpu)/$PARENT/cpu.weight"
	with "cgroup = { parent = \"$PARENT\"; cpu = { max = \"50%\"; }; };"
	launch timeout 3 sh -c 'while :; do :; done'
	[[ $(record limits_hit) == *'"cpu"'* ]]
	throttled=$(record throttled_time_ns)
	[ "$throttled" -gt 500000000 ]
	used=$(($(record user_time_ns) + $(record system_time_ns)))
	wall=$(record wall_time_ns)
	echo "used $used of $wall"
	[ $((used * 100 / wall)) -ge 20 ]
	[ $((used * 100 / wall)) -le 65 ]
	with "cgroup = { parent = \"$PARENT\"; cpu = { max = \"200%\"; }; };"
	launch timeout 3 sh -c 'while :; do :; done'
	# Not exactly none: an emulated processor may miss the end of a period.
	[ "$(record throttled_time_ns)" -lt $((throttled / 4)) ]
}

@test "cpus are the ones listed, and nonsense is refused at its line" {
	with 'cgroup = { cpu = { cpus = "0"; }; };'
	launch grep Cpus_allowed_list /proc/self/status
	assert_status 0
	[[ $output =~ :[[:space:]]*0$ ]]
	with 'cgroup = { cpu = { cpus = "0-"; }; };'
	launch true
	assert_status 121
	assert_output "$PROFILE:4: cgroup.cpu.cpus"
	with 'cgroup = { cpu = { cpus = "1000"; }; };'
	launch true
	assert_status 123
	assert_output "$PROFILE:4: cgroup.cpu.cpus"
	residue_after
}

@test "weights are set as asked" {
	local file=cpu.weight value=25

	is_v2 || { file=cpu.shares value=256; }
	with 'cgroup = { cpu = { weight = 25; }; };'
	start
	run cat "$(top_of cpu)/sandbox/$id/$file"
	stop
	[ "$output" = "$value" ]
	residue_after
}

@test "device rules deny what they do not list, for opening and for making" {
	local nodes='cat /dev/null && echo null; head -c 1 /dev/full >/dev/null && echo opened; mknod /tmp/n c 1 3 && echo made'
	local keep='users = { map = "none"; uid = 0; gid = 0; }; namespaces = { remove = [ "user" ]; }; dangerous = [ "host-root" ];
		capabilities = { keep = [ "MKNOD" ]; }; seccomp = { allow = { add = [ "mknod", "mknodat" ]; }; };'

	profile <<-END
		format = 1;
		root = { source = "$ROOTFS"; };
		mounts = ( { type = "proc"; target = "/proc"; }, { type = "dev"; target = "/dev"; }, { type = "tmpfs"; target = "/tmp"; } );
		$keep
		cgroup = { devices = { default = "deny"; allow = ( { type = "char"; major = 1; minor = 3; access = "rw"; } ); }; };
	END
	launch sh -c "$nodes"
	assert_line null
	refute_output opened
	refute_output made
	residue_after
	sed -i '/^cgroup/d; /^	*cgroup/d' "$PROFILE"
	launch sh -c "$nodes"
	assert_line null
	assert_line opened
	assert_line made
}

@test "a raw file is written; one that would move or end the sandbox is refused" {
	local file=memory.oom.group value=1

	is_v2 || { file=memory.swappiness value=7; }
	with "cgroup = { raw = ( { file = \"$file\"; value = \"$value\"; } ); };"
	start
	run cat "$(top_of memory)/sandbox/$id/$file"
	stop
	[ "$output" = "$value" ]
	with 'cgroup = { raw = ( { file = "cgroup.procs"; value = "1"; } ); };'
	launch true
	assert_status 121
	assert_output "$PROFILE:4: cgroup.raw[0].file"
	with 'cgroup = { raw = ( { file = "nothing.at.all"; value = "1"; } ); };'
	launch true
	assert_status 122
	residue_after
}

@test "inside, the sandbox's cgroup is the top; outside, it is below sandbox" {
	with 'cgroup = { pids = { max = 20; }; };'
	launch cat /proc/self/cgroup
	assert_status 0
	run ! grep -qv ":/$" <<<"$output"
	start
	grep -E '(:pids|0:):/sandbox/[0-9a-f]{16}$' "/proc/$payload/cgroup"
	stop
	residue_after
}

# ---- ending everything

# /proc of another pid namespace is refused: these profiles have none.
without_pid() {
	profile <<-END
		format = 1;
		root = { source = "$ROOTFS"; };
		namespaces = { remove = [ "pid" ]; };
		$1
	END
}

@test "without a pid namespace nobody survives either" {
	without_pid 'cgroup = { pids = { max = 50; }; };'
	launch sh -c 'for i in 1 2 3; do (setsid sh -c "trap : TERM INT HUP; sleep 8642; sleep 8642" >&- 2>&- &) & done; sleep 1; echo ended'
	assert_status 0
	assert_line ended
	wait_until 5 sh -c '! pgrep -xf "sleep 8642"'
	residue_after
}

@test "without a pid namespace and without a cgroup nothing starts" {
	without_pid
	run as_user sandbox -p "$PROFILE" -- true
	assert_status 122
	assert_output "pid namespace"
	residue_after
}

# ---- residue

@test "twenty at once leave nothing behind, and none gets in another's way" {
	with 'cgroup = { memory = { max = "100M"; }; pids = { max = 20; }; cpu = { max = "100%"; cpus = "0"; }; };'
	for i in $(seq 20); do
		{ sandbox -p "$PROFILE" -- true || echo "$i: $?" >>"$TMP/failed"; } &
	done
	wait
	[ ! -e "$TMP/failed" ] || { cat "$TMP/failed"; false; }
	residue_after
}

@test "a failed launch leaves nothing behind" {
	with 'cgroup = { memory = { max = "100M"; }; pids = { max = 20; }; };'
	launch /etc/passwd
	assert_status 126
	with 'cgroup = { memory = { max = "100M"; }; cpu = { cpus = "1000"; }; };'
	launch true
	assert_status 123
	residue_after
}

@test "after kill -9 of the launcher gc removes its cgroups and leaves others alone" {
	local neighbour neighbours

	make_parent
	with "cgroup = { parent = \"$PARENT\"; memory = { max = \"100M\"; }; pids = { max = 20; }; };"
	start
	neighbour=$launcher
	neighbours=$id
	start
	crash
	[ -n "$(leaves)" ]
	run sandbox gc
	assert_status 0
	[ -z "$(leaves)" ]
	[ -n "$(leaves "$neighbours")" ]
	launcher=$neighbour
	kill -0 "$launcher"
	stop
	[ -z "$(leaves "$neighbours")" ]
	[ ! -e "$(top_of pids)/$PARENT/sandbox" ]
}

@test "after kill -9 the next launch cleans up" {
	make_parent
	with "cgroup = { parent = \"$PARENT\"; memory = { max = \"100M\"; }; pids = { max = 20; }; };"
	start
	crash
	[ -n "$(leaves)" ]
	launch true
	assert_status 0
	[ -z "$(leaves)" ]
	[ ! -e "$(top_of pids)/$PARENT/sandbox" ]
}

@test "gc kills what a launcher without a pid namespace left running" {
	without_pid 'cgroup = { pids = { max = 20; }; };'
	start
	kill -STOP "$(awk '{ print $4 }' "/proc/$payload/stat")" # init, which would end it
	crash
	kill -0 "$payload"
	run sandbox gc
	assert_status 0
	wait_until 5 sh -c "! kill -0 $payload"
	[ -z "$(leaves)" ]
	residue_after
}

@test "cgroups of others that look alike are left alone" {
	local alike

	make_parent
	alike=$(top_of pids)/$PARENT/sandbox/0123456789abcdef
	mkdir "${alike%/*}" "$alike"
	run sandbox gc
	assert_status 0
	with "cgroup = { parent = \"$PARENT\"; pids = { max = 20; }; };"
	launch true
	assert_status 0
	rmdir "$alike"
	run sandbox gc
	launch true
	rmdir "${alike%/*}"
}

# ---- places

@test "cgroup.parent is where the leaf goes; it must exist" {
	local top

	top=$(top_of pids)
	make_parent
	with "cgroup = { parent = \"$PARENT\"; pids = { max = 20; }; };"
	start
	[ -d "$top/$PARENT/sandbox/$id" ]
	stop
	[ ! -e "$top/$PARENT/sandbox" ]
	rmdir "$top/$PARENT"
	launch true
	assert_status 122
	assert_output "$PROFILE:4: cgroup.parent"
	assert_output "mkdir -p"
	with 'cgroup = { parent = "../etc"; pids = { max = 20; }; };'
	launch true
	assert_status 121
	residue_after
}

@test "an ordinary user without a delegated cgroup learns what to do, or goes without" {
	with 'cgroup = { memory = { max = "100M"; }; };'
	run as_user sandbox -p "$PROFILE" -- true
	assert_status 122
	assert_output "delegated"
	assert_output 'cgroup.missing = "skip"'
	! is_v2 || assert_output "systemd-run --user --scope -p Delegate=yes"
	with 'cgroup = { memory = { max = "100M"; }; missing = "skip"; };'
	run as_user sandbox -p "$PROFILE" --status-file "$USER_TMP/record" -- true
	assert_status 0
	grep -q '"degraded":\["cgroup"\]' "$USER_TMP/record"
	residue_after
}

@test "what a controller cannot do is an error, or left out and told" {
	is_v2 && skip "needs a host with the memory controller on cgroup v1"
	with 'cgroup = { memory = { high = "50M"; }; };'
	launch true
	assert_status 122
	assert_output "$PROFILE:4: cgroup.memory.high"
	with 'cgroup = { memory = { max = "100M"; high = "50M"; missing = "skip"; }; };'
	launch true
	assert_status 0
	[ "$(record degraded)" = '["cgroup.memory.high"]' ]
}

# Runs a command as the ordinary user in a cgroup.
in_cgroup() {
	local directory=$1

	shift
	run sh -c 'echo $$ >"$0/cgroup.procs" && exec setpriv --reuid=65534 --regid=65534 --clear-groups "$@"' "$directory" \
		"$(_user_sandbox)" "$@"
}

@test "an ordinary user alone in a delegated cgroup gets limits, and it is given back as it was" {
	local own=/sys/fs/cgroup/own-test

	v2_only
	delegate $own
	with 'cgroup = { memory = { max = "30M"; swap = "0M"; }; pids = { max = 20; }; };'
	in_cgroup $own -p "$PROFILE" -- sh -c 'cat /proc/self/cgroup; exec tail -c 200000000 /dev/zero'
	assert_status 137
	assert_line "0::/"
	[ -z "$(cat $own/cgroup.subtree_control)" ]
	[ -z "$(find $own -mindepth 1 -type d)" ]
	rmdir $own
}

@test "an ordinary user in company uses the delegated cgroup above" {
	local tree=/sys/fs/cgroup/tree-test

	v2_only
	delegate $tree
	delegate $tree/shell
	with 'cgroup = { memory = { max = "30M"; swap = "0M"; }; };'
	sleep 100 3>&- &
	echo $! >$tree/shell/cgroup.procs
	in_cgroup $tree/shell -p "$PROFILE" -- sh -c 'exec tail -c 200000000 /dev/zero'
	kill %1
	wait
	assert_status 137
	[ "$(find $tree -mindepth 1 -type d)" = $tree/shell ]
	rmdir $tree/shell $tree
}

@test "gc gives back the cgroup in which a killed launcher had stepped aside" {
	local own=/sys/fs/cgroup/own-test

	v2_only
	delegate $own
	with 'cgroup = { pids = { max = 20; }; };'
	in_cgroup $own -p "$PROFILE" -- sleep 1000 3>&- &
	wait_until 5 test -d $own/sandbox/launcher
	kill -9 "$(cat $own/sandbox/launcher/cgroup.procs)"
	wait
	[ -d $own/sandbox/launcher ]
	run sandbox gc
	assert_status 0
	[ -z "$(find $own -mindepth 1 -type d)" ]
	[ -z "$(cat $own/cgroup.subtree_control)" ]
	rmdir $own
}

@test "root uses a cgroup that systemd delegated, and otherwise the top" {
	local own=/sys/fs/cgroup/own-test

	v2_only
	mkdir $own
	with 'cgroup = { pids = { max = 20; }; };'
	run sh -c 'echo $$ >"$0/cgroup.procs" && exec "$@"' $own "$SANDBOX" explain -p "$PROFILE"
	assert_output "/sys/fs/cgroup/sandbox"
	python3 -c 'import os, sys; os.setxattr(sys.argv[1], "trusted.delegate", b"1")' $own
	run sh -c 'echo $$ >"$0/cgroup.procs" && exec "$@"' $own "$SANDBOX" explain -p "$PROFILE"
	assert_output "$own/sandbox"
	run sh -c 'echo $$ >"$0/cgroup.procs" && exec "$@"' $own "$SANDBOX" -p "$PROFILE" -- cat /proc/self/cgroup
	assert_status 0
	[ -z "$(find $own -mindepth 1 -type d)" ]
	rmdir $own
}
