# doctor: says what a profile needs and this host lacks, by trying, and leaves nothing.
load ../lib/common

with() {
	profile <<-END
		format = 1;
		root = { source = "$ROOTFS"; };
		mounts = ( { type = "proc"; target = "/proc"; } );
		$1
	END
}

# Whether a line of the output has this state and this feature.
assert_state() {
	grep -qE "^$1 +$2( |$)" <<<"$output" || _wrong "expected: $1 $2"
}

@test "what runs here is ok, as root and as an ordinary user" {
	with ''
	residue_before
	run sandbox doctor -p "$PROFILE"
	assert_status 0
	assert_state ok launch
	for feature in "user namespaces" openat2 "mount API" procfs seccomp cgroups; do
		assert_state ok "$feature"
	done
	run as_user sandbox doctor -p "$PROFILE"
	assert_status 0
	assert_state ok launch
	assert_state ok "user namespaces"
	residue_after
}

@test "idmapped mounts are tried where the profile wants them" {
	as_root_only
	mkdir "$TMP/tree" "$TMP/merged"
	profile <<-END
		format = 1;
		extends = [ "default" ];
		mounts = ( { type = "bind"; source = "$TMP/tree"; target = "/work"; idmap = "owner"; },
			{ type = "bind"; source = "$TMP/none"; target = "/none"; idmap = "owner"; optional = true; } );
	END
	run sandbox doctor -p "$PROFILE"
	assert_state ok "idmapped mounts"
	assert_state ok launch
	mount -t overlay overlay -o "lowerdir=$ROOTFS:$TMP/tree" "$TMP/merged"
	run sandbox doctor -p "$PROFILE" -s "mounts[/work].source=$TMP/merged"
	umount "$TMP/merged"
	assert_status 122
	assert_state impossible "idmapped mounts"
	assert_output "$TMP/merged: Invalid argument"
	assert_output "mounts[/work].idmap=none"
	assert_state impossible launch
}

@test "no file is left of it, where a launch leaves its own" {
	local leaves='mount -t tmpfs none /run && mount -t tmpfs none /var/cache && "$@" >&2 || echo "status $?"; find /run/sandbox /var/cache/* 2>/dev/null'

	as_root_only
	# A filter that is none of the shipped ones', which are compiled in.
	with 'seccomp = { deny = { add = [ "getcpu" ]; }; };'
	[ -z "$(unshare --mount sh -c "$leaves" - "$SANDBOX" doctor -p "$PROFILE")" ]
	run unshare --mount sh -c "$leaves" - "$SANDBOX" -p "$PROFILE" -- true
	assert_line /run/sandbox/ranges
	assert_line /run/sandbox/sandboxes
	assert_output /var/cache/sandbox/filters/
	# What is there already stays.
	run unshare --mount sh -c "$leaves" - sh -c '"$1" -- true; "$1" doctor' - "$SANDBOX"
	assert_line /run/sandbox/ranges
}

@test "the built-in profile is tried when none is given" {
	run sandbox doctor
	assert_status 0
	assert_state ok launch
	run as_user sandbox doctor
	assert_status 0
	assert_state ok launch
}

@test "what the profile does not ask for may be missing" {
	with ''
	run as_user sandbox doctor -p "$PROFILE"
	assert_status 0
	assert_state absent subuid
	refute_output usermod
}

@test "what it asks for and is missing makes it impossible, with the remedy" {
	with 'users = { map = "subid"; uid = 0; gid = 0; };'
	run as_user sandbox doctor -p "$PROFILE"
	assert_status 122
	assert_state impossible subuid
	assert_state impossible launch
	assert_output "usermod --add-subuids"
}

@test "a limit that may be skipped is degraded, one that may not is impossible" {
	as_root_only
	with 'cgroup = { pids = { max = 50; }; missing = "skip"; };'
	run as_user sandbox doctor -p "$PROFILE"
	if grep -q "^ok  *launch" <<<"$output" && ! grep -q ^degraded <<<"$output"; then
		skip "a cgroup is delegated to the ordinary user here"
	fi
	assert_status 0
	assert_state degraded cgroup
	[[ $output =~ degraded\ +cgroup\ +left\ out[^/]+/sys/fs/cgroup.*remedy: ]]
	assert_state ok launch
	run as_user sandbox doctor --json -p "$PROFILE"
	jq -e '.features[] | select(.feature == "cgroup") | .remedy | contains("cgroup")' <<<"$output"
	with 'cgroup = { pids = { max = 50; }; };'
	run as_user sandbox doctor -p "$PROFILE"
	assert_status 122
	assert_state impossible launch
	assert_output "(cgroup, plan)"
}

@test "what no feature tells, the rehearsal does" {
	with 'process = { cwd = "/no/such/directory"; };'
	residue_before
	run sandbox doctor -p "$PROFILE"
	assert_status 122
	assert_state impossible launch
	assert_output "process.cwd"
	residue_after
}

@test "a system call that an outer filter takes is named" {
	with ''
	run strace -f -qq -o /dev/null -e trace=openat2 -e inject=openat2:error=EPERM "$SANDBOX" doctor -p "$PROFILE"
	assert_status 122
	assert_state impossible openat2
	assert_output "outer sandbox or container"
	assert_state impossible launch
	run strace -f -qq -o /dev/null -e trace=fsopen -e inject=fsopen:error=ENOSYS "$SANDBOX" doctor -p "$PROFILE"
	assert_status 122
	assert_state impossible "mount API"
	run strace -f -qq -o /dev/null -e trace=clone3 -e inject=clone3:error=ENOSYS "$SANDBOX" doctor -p "$PROFILE"
	assert_status 122
	assert_state impossible clone3
}

@test "a host without user namespaces" {
	with ''
	chown 65534 "$PROFILE"
	run as_user unshare -Ur sh -c "echo 0 >/proc/sys/user/max_user_namespaces && exec '$(_user_sandbox)' doctor -p '$PROFILE'"
	assert_status 122
	assert_state impossible "user namespaces"
	assert_output "user.max_user_namespaces"
}

@test "the answer in JSON" {
	with ''
	sandbox doctor -p "$PROFILE" --json >"$TMP/answer"
	python3 - "$TMP/answer" <<-END
		import json, sys
		answer = json.load(open(sys.argv[1]))
		assert answer["possible"] is True
		states = {line["feature"]: line["state"] for line in answer["features"]}
		assert states["launch"] == "ok" and states["openat2"] == "ok", states
		assert set(states.values()) <= {"ok", "degraded", "absent", "impossible"}, states
	END
	with 'process = { cwd = "/no/such/directory"; };'
	run sandbox doctor -p "$PROFILE" --json
	assert_status 122
	assert_output '"possible":false'
}

@test "what is published on the loopback interface alone needs no forwarding" {
	as_root_only
	local network='mode = "veth"; address = "10.203.78.2/30"; gateway = "10.203.78.1";'

	# In a network namespace of its own, where nothing is forwarded.
	doctor_alone() {
		unshare -n sh -c 'ip link set lo up; echo 0 >/proc/sys/net/ipv4/ip_forward; exec "$0" doctor -p "$1"' \
			"$SANDBOX" "$PROFILE"
	}
	with "network = { $network publish = ( { host = 18078; guest = 80; } ); };"
	run doctor_alone
	assert_status 0
	assert_state absent forwarding
	assert_state ok launch
	with "network = { $network publish = ( { host = 18078; guest = 80; listen = \"0.0.0.0\"; } ); };"
	run doctor_alone
	assert_status 122
	assert_state impossible forwarding
	assert_state impossible launch
}

@test "a long name of what is left out does not run into what is said of it" {
	with ''
	sed -i 's/^\(mounts = (\)/\1 { type = "bind"; source = "\/no\/such"; target = "\/a\/long\/name\/of\/it"; optional = true; },/' \
		"$PROFILE"
	run sandbox doctor -p "$PROFILE" -s root.access=overlay
	assert_output "mounts[/a/long/name/of/it] left out"
	run sandbox doctor --json -p "$PROFILE" -s root.access=overlay
	[ "$(jq -r '"\(.state) \(.possible)"' <<<"$output")" = "degraded true" ] || _wrong "state and possible"
}

@test "a profile with mistakes is told them first" {
	with 'hostnam = "x";'
	run sandbox doctor -p "$PROFILE"
	assert_status 121
	assert_output "$PROFILE:4: hostnam"
}

@test "colour on a terminal only, in the answer and in what goes wrong, and not with NO_COLOR" {
	local terminal=$BATS_TEST_DIRNAME/../lib/terminal

	with ''
	run env TERM=xterm "$terminal" "$SANDBOX" doctor -p "$PROFILE" </dev/null
	assert_output $'\033[32mok\033[0m'
	run env TERM=xterm NO_COLOR=1 "$terminal" "$SANDBOX" doctor -p "$PROFILE" </dev/null
	refute_output $'\033'
	run sandbox doctor -p "$PROFILE"
	refute_output $'\033'
	with 'hostnam = "x";'
	run env TERM=xterm "$terminal" "$SANDBOX" check "$PROFILE" </dev/null
	assert_output $'\033[1;31msandbox:\033[0m '"$PROFILE:4: hostnam"
	run env TERM=xterm NO_COLOR=1 "$terminal" "$SANDBOX" check "$PROFILE" </dev/null
	assert_line "sandbox: $PROFILE:4: hostnam: unknown key; did you mean \`hostname\`?"
	run env TERM=xterm "$terminal" --stderr "$TMP/errors" "$SANDBOX" check "$PROFILE" </dev/null
	assert_status 121
	grep -q hostnam "$TMP/errors"
	if grep -q $'\033' "$TMP/errors"; then false; fi
}
