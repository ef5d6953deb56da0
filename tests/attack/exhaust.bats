# exhaust: a payload that takes all it can get, and one that tries to raise what it gets.
load ../lib/common

setup() {
	as_root_only
	residue_before
}

# The sandbox of every attack here: root inside, all of tmpfs that it wants, and the cgroup section of the test.
with() {
	profile <<-END
		format = 1;
		root = { source = "$ROOTFS"; };
		users = { uid = 0; gid = 0; };
		mounts = (
			{ type = "proc"; target = "/proc"; },
			{ type = "dev"; target = "/dev"; size = "unlimited"; },
			{ type = "tmpfs"; target = "/tmp"; size = "unlimited"; },
			{ type = "cgroup"; target = "/mnt"; }
		);
		cgroup = { $1 };
	END
}

launch() {
	run sandbox -p "$PROFILE" --status-file "$TMP/record" -- "$@"
}

record() {
	python3 -c 'import json, sys; print(json.dumps(json.load(open(sys.argv[1]))[sys.argv[2]]))' "$TMP/record" "$1"
}

# Forks until it is refused, deaf to every polite signal; if it never is, it says how many there are.
# shellcheck disable=SC2016 # for the sandbox
bomb='
	trap "" TERM INT HUP
	spawn() { setsid sh -c "trap \"\" TERM INT HUP; exec sleep 4242" >/dev/null 2>&1 & }
	for i in $(seq "$1"); do spawn; done 2>/dev/null
	count=0
	for process in /proc/[0-9]*; do count=$((count + 1)); done
	echo "$count processes"
	wait'

@test "a fork bomb gets no further than pids.max, and all of it dies" {
	with 'pids = { max = 48; };'
	echo 'process = { time_limit = "3s"; kill_grace = "1s"; };' >>"$PROFILE"
	launch sh -c "$bomb" - 300
	[ "$status" -ne 0 ]
	[[ ! $output =~ [0-9]\ processes ]]
	[ "$(record pids_peak)" = 48 ] || [ "$(record pids_peak)" = null ]
	[[ $(record limits_hit) == *'"pids"'* ]]
	wait_until 5 sh -c '! pgrep -xf "sleep 4242"'
	residue_after
}

@test "the same bomb goes further where the limit is higher" {
	with 'pids = { max = 400; };'
	echo 'process = { time_limit = "15s"; kill_grace = "1s"; };' >>"$PROFILE"
	launch sh -c "$bomb" - 100
	[[ $output =~ ([0-9]+)\ processes ]]
	[ "${BASH_REMATCH[1]}" -gt 90 ]
	[ "$(record pids_peak)" = null ] || [ "$(record pids_peak)" -gt 90 ]
	[[ $(record limits_hit) != *'"pids"'* ]]
	wait_until 5 sh -c '! pgrep -xf "sleep 4242"'
	residue_after
}

# What holds memory although no process has it mapped counts all the same.
# shellcheck disable=SC2016 # for the sandbox
fill='case $1 in
	tmpfs) head -c "$2" /dev/zero >/tmp/fill ;;
	shm) head -c "$2" /dev/zero >/dev/shm/fill ;;
	heap) head -c "$2" /dev/zero | tail -c "$2" >/dev/null ;;
	esac && echo filled'

@test "memory.max holds for heap, tmpfs and shared memory" {
	for kind in heap tmpfs shm; do
		with 'memory = { max = "40M"; swap = "0M"; };'
		launch sh -c "$fill" - $kind 160000000
		refute_output filled
		[ "$(record memory_peak_bytes)" -le 41943040 ] || [ "$(record memory_peak_bytes)" = null ]
		[ "$(record oom_kills)" -ge 1 ]
		with 'memory = { max = "400M"; swap = "0M"; };'
		launch sh -c "$fill" - $kind 160000000
		assert_line filled
	done
	residue_after
}

@test "root inside changes nothing in a cgroup file system of its own" {
	with 'pids = { max = 20; };'
	# shellcheck disable=SC2016 # for the sandbox
	launch sh -c '
		for directory in /mnt /mnt/*; do
			[ -e "$directory/cgroup.procs" ] && cd "$directory" || continue
			mkdir mine && echo made
			echo 1 >cgroup.procs && echo moved
			for file in cgroup.max.descendants pids.max; do
				[ ! -e $file ] || { echo "present: $file"; echo max >$file && echo raised; }
			done
		done
		true'
	assert_line 'present: cgroup.max.descendants'
	[ "$(grep -c 'Read-only file system' <<<"$output")" -ge 3 ]
	refute_output made
	refute_output moved
	refute_output raised
	residue_after
}
