# delegated: an ordinary user with a cgroup of its own has the same limits as root, and every command knows it.
# shellcheck disable=SC2016,SC2030,SC2031 # scripts in single quotes are for the shell inside; a test is a subshell
load ../lib/common
load ../lib/cgroup

setup() {
	as_root_only
	v2_only
	residue_before
	OWN=/sys/fs/cgroup/own-$$-$BATS_TEST_NUMBER
	RUN=$USER_TMP/run
	NAME=t$$-$BATS_TEST_NUMBER
	launcher=
	manager=
	as_user mkdir -m 700 "$RUN"
	delegate "$OWN"
}

teardown() {
	local pid

	for pid in $launcher $manager; do
		kill -KILL "$pid" 2>/dev/null || :
		wait "$pid" || :
	done
	[ -z "$OWN" ] || removed "$OWN"
}

# The program as the ordinary user: where the test is, and in the delegated cgroup.
ours() {
	_as_user env XDG_RUNTIME_DIR="$RUN" "$(_user_sandbox)" "$@"
}

in_own() (
	put_into "$OWN"
	exec setpriv --reuid="$TEST_UID" --regid="$TEST_UID" --clear-groups \
		env -u HOME TMPDIR="$USER_TMP" XDG_RUNTIME_DIR="$RUN" "$(_user_sandbox)" "$@"
)

# The cgroup is as it was.
given_back() {
	[ -z "$(cat "$OWN/cgroup.subtree_control")" ]
	[ -z "$(find "$OWN" -mindepth 1 -type d)" ]
	residue_after
}

# start ARG...: a sandbox called $NAME in the delegated cgroup, in the background.
start() {
	(
		put_into "$OWN"
		exec setpriv --reuid="$TEST_UID" --regid="$TEST_UID" --clear-groups \
			env -u HOME XDG_RUNTIME_DIR="$RUN" "$(_user_sandbox)" --name "$NAME" --status-file "$USER_TMP/record" "$@" \
			-- sh -c 'echo ready; exec sleep 60'
	) >"$TMP/first" 2>&1 3>&- &
	launcher=$!
	wait_until 10 grep -qx ready "$TMP/first" || {
		cat "$TMP/first"
		return 1
	}
}

end() {
	ours kill "$NAME"
	wait "$launcher" || :
	launcher=
}

# Takes 64 MiB; the control 1.
eat='exec perl -e "\$x = q(x) x (64 << 20)"'
nibble=${eat/64/1}

@test "memory ends at the limit, in the shipped profiles too; without a cgroup they say what is missing" {
	local name hog='$x = "x" x (64 << 20); print "fed\n"'

	as_user mkdir "$USER_TMP/work"
	cd "$USER_TMP/work"
	for name in default "$CHECKOUT"/profiles/{judge,gcc,make,python}.conf; do
		echo "$name"
		run in_own -p "$name" -s cgroup.memory.max=48M --status-file "$USER_TMP/record" -- perl -e "$hog"
		assert_status 137
		run jq -c '[.verdict, (.limits_hit | index("memory") != null), .oom_kills > 0, (.degraded | index("cgroup"))]' "$USER_TMP/record"
		assert_line '["memory-limit",true,true,null]'
		run in_own -p "$name" -s cgroup.memory.max=200M --status-file "$USER_TMP/record" -- perl -e "$hog"
		assert_status 0
		assert_line fed
		run jq -c '[.verdict, .memory_peak_bytes > 64000000, (.degraded | index("cgroup"))]' "$USER_TMP/record"
		assert_line '["exited",true,null]'
		run ours -p "$name" -s cgroup.memory.max=48M -s cgroup.missing=skip --status-file "$USER_TMP/record" -- perl -e "$hog"
		assert_status 0
		jq -e '.degraded | index("cgroup") != null' "$USER_TMP/record"
	done
	given_back
}

@test "a command that comes later is born in the sandbox's cgroup, and counts there" {
	local leaf pid

	start -s cgroup.memory.max=40M -s cgroup.pids.max=8
	leaf=$(find "$OWN/sandbox" -mindepth 1 -type d ! -name launcher)
	[ "$(wc -l <<<"$leaf")" -eq 1 ]
	ours exec "$NAME" sleep "6543.$$" 3>&- &
	wait_until 5 pgrep -xf "sleep 6543.$$"
	pid=$(pgrep -xf "sleep 6543.$$")
	grep -qx "$pid" "$leaf/cgroup.procs"
	# Whoever asked for it is not, nor the agent that waits for it.
	[ "$(cat "$leaf/pids.current")" -eq 3 ]
	run ours exec "$NAME" cat /proc/self/cgroup
	assert_line 0::/
	run ours exec "$NAME" sh -c 'for i in 1 2 3 4 5 6; do sleep 1 & done; wait'
	assert_output fork
	run ours exec "$NAME" sh -c 'for i in 1 2 3; do sleep 1 & done; wait'
	assert_status 0
	refute_output fork
	run ours exec "$NAME" sh -c "$nibble"
	assert_status 0
	run ours exec "$NAME" sh -c "$eat"
	assert_status 137
	run ours inspect "$NAME"
	assert_output '"memory.max":"41943040"'
	assert_output '"pids.max":"8"'
	end
	run jq -e '.oom_kills > 0 and (.limits_hit | index("memory") != null)' "$USER_TMP/record"
	assert_status 0
	wait_until 5 eval '! pgrep -xf "sleep 6543.$$"'
	given_back
}

@test "the same of root's, below the top" {
	local pid

	"$SANDBOX" --name "$NAME" -s cgroup.memory.max=40M -- sh -c 'echo ready; exec sleep 60' >"$TMP/first" 3>&- &
	launcher=$!
	wait_until 10 grep -qx ready "$TMP/first"
	"$SANDBOX" exec "$NAME" sleep "6544.$$" 3>&- &
	wait_until 5 pgrep -xf "sleep 6544.$$"
	pid=$(pgrep -xf "sleep 6544.$$")
	grep -xE '0::/sandbox/[0-9a-f]{16}' "/proc/$pid/cgroup"
	grep -v '/sandbox/' "/proc/$launcher/cgroup"
	run "$SANDBOX" exec "$NAME" sh -c "$nibble"
	assert_status 0
	run "$SANDBOX" exec "$NAME" sh -c "$eat"
	assert_status 137
	"$SANDBOX" kill "$NAME"
	wait "$launcher" || :
	launcher=
	given_back
}

@test "doctor: with it the limits are there, without it is said how to get it" {
	profile <<-END
		format = 1;
		root = { source = "$ROOTFS"; };
		mounts = ( { type = "proc"; target = "/proc"; } );
		cgroup = { pids = { max = 50; }; };
	END
	run in_own doctor -p "$PROFILE"
	assert_status 0
	grep -E '^ok +cgroups +v2: .*memory.* pids' <<<"$output"
	grep -E '^ok +launch' <<<"$output"
	refute_output degraded
	refute_output impossible
	given_back
	run ours doctor -p "$PROFILE"
	assert_status 122
	grep -E '^impossible +launch' <<<"$output"
	run ours doctor -p "$PROFILE" --json
	assert_output 'systemd-run --user --scope -p Delegate=yes'
	run ours doctor -p "$PROFILE" -s cgroup.missing=skip
	assert_status 0
	grep -E '^degraded +cgroup ' <<<"$output"
	run ours doctor -p "$PROFILE" -s cgroup.missing=skip --json
	assert_output 'systemd-run --user --scope -p Delegate=yes'
}

@test "compare: the sandbox's limits are shown, and the cgroups as they are" {
	run in_own compare --json -p default -s cgroup.memory.max=96M -s cgroup.cpu.max=50% -s cgroup.pids.max=33
	assert_status 0
	printf '%s\n' "$output" >"$TMP/answer"
	run jq -c '.sandbox.cgroup_limits | [.memory_max_bytes, .cpu_max_percent, .pids_max]' "$TMP/answer"
	assert_line '[100663296,50,33]'
	run jq -c '[.sandbox.cgroups, .host.cgroups, (.changes | index("cgroup_limits.pids_max") != null)]' "$TMP/answer"
	assert_line "[[\"0::/\"],[\"0::${OWN#/sys/fs/cgroup}\"],true]"
	run jq -c '.host.cgroup_limits | [.memory_max_bytes, .pids_max]' "$TMP/answer"
	assert_line '[null,null]'
	given_back
}

@test "list, kill and gc find what runs there, and what was left there" {
	start -s cgroup.pids.max=8
	ours list | grep -q " $NAME "
	end
	given_back
	start -s cgroup.pids.max=8
	kill -KILL "$launcher"
	wait "$launcher" || :
	launcher=
	[ -n "$(find "$OWN" -mindepth 1 -type d)" ]
	run in_own gc
	assert_status 0
	wait_until 5 eval '[ -z "$(find "$OWN" -mindepth 1 -type d)" ]'
	given_back
}

# A manager of the user's own services, as a login starts one. It needs no system's manager, but must believe in one.
start_manager() {
	mkdir "$TMP/units"
	echo '[Unit]' >"$TMP/units/basic.target"
	(
		put_into "$OWN"
		exec unshare -m sh -c 'mkdir -p /run/systemd && mount -t tmpfs tmpfs /run/systemd && mkdir /run/systemd/system && exec "$@"' - \
			setpriv --reuid="$TEST_UID" --regid="$TEST_UID" --clear-groups \
			env HOME="$USER_TMP" XDG_RUNTIME_DIR="$RUN" SYSTEMD_UNIT_PATH="$TMP/units" \
			/lib/systemd/systemd --user --log-target=console --unit=basic.target
	) >"$TMP/manager" 2>&1 3>&- &
	manager=$!
	wait_until 20 test -S "$RUN/systemd/private" || {
		cat "$TMP/manager"
		return 1
	}
}

@test "the manual's systemd-run gives a shell of the user's such a cgroup" {
	local words scope

	[ -x /lib/systemd/systemd ] || skip "needs systemd's programs"
	read -ra words < <(sed -n 's/^\.Dl \$ \(systemd-run .*\) sandbox \.\.\.$/\1/p' "$CHECKOUT/man/sandbox.conf.5")
	[ "${words[0]}" = systemd-run ]
	grep -qF "${words[*]} sandbox ..." "$CHECKOUT/README.md"
	start_manager
	mkdir "$OWN/shell"
	scoped() (
		put_into "$OWN/shell"
		exec setpriv --reuid="$TEST_UID" --regid="$TEST_UID" --clear-groups \
			env -u HOME XDG_RUNTIME_DIR="$RUN" "${words[@]}" "$(_user_sandbox)" "$@"
	)
	run scoped -s cgroup.memory.max=48M -- sh -c "$nibble"
	assert_status 0
	run scoped -s cgroup.memory.max=48M -s cgroup.pids.max=20 -s cgroup.cpu.max=100% --status-file "$USER_TMP/record" -- sh -c "$eat"
	assert_status 137
	[ "$(jq -r .verdict "$USER_TMP/record")" = memory-limit ]
	scoped --name "$NAME" -s cgroup.memory.max=48M -- sh -c 'echo ready; exec sleep 60' >"$TMP/first" 2>&1 3>&- &
	launcher=$!
	wait_until 10 grep -qx ready "$TMP/first"
	scope=$(find "$OWN" -type d -path '*/run-*.scope/sandbox/*' ! -name launcher)
	[ "$(cat "$scope/memory.max")" = $((48 << 20)) ]
	run ours exec "$NAME" sh -c "$eat"
	assert_status 137
	end
	[ ! -d "$scope" ]
	residue_after
}
