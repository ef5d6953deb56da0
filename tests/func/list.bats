# list, inspect, kill, gc: what runs is found; what only looks like it is not.
# shellcheck disable=SC2016,SC2030,SC2031 # scripts in single quotes are for the shell inside; a test is a subshell
load ../lib/common

setup() {
	RUN=$USER_TMP/run
	REGISTER=$RUN/sandbox
	NAME=t$$-$BATS_TEST_NUMBER
	launcher=
	as_user mkdir -m 700 "$RUN"
}

teardown() {
	[ -z "$launcher" ] || kill -KILL "$launcher" 2>/dev/null || :
}

# The program as the ordinary user, with a runtime directory.
ours() {
	_as_user env XDG_RUNTIME_DIR="$RUN" "$(_user_sandbox)" "$@"
}

# start ARG...: runs a sandbox called $NAME in the background; its command says "ready" first.
start() {
	: >"$TMP/out"
	if [ "$(id -u)" -ne 0 ]; then
		XDG_RUNTIME_DIR=$RUN "$SANDBOX" --name "$NAME" "$@" >"$TMP/out" 3>&- &
	else
		setpriv --reuid="$TEST_UID" --regid="$TEST_UID" --clear-groups \
			env -u HOME XDG_RUNTIME_DIR="$RUN" "$(_user_sandbox)" --name "$NAME" "$@" >"$TMP/out" 3>&- &
	fi
	launcher=$!
	wait_until 10 grep -qx ready "$TMP/out"
}

sleeper='echo ready; exec sleep 60'

# Waits for the launcher; leaves its exit status in $status.
ended() {
	status=0
	wait "$launcher" || status=$?
	launcher=
}

id_of() {
	ours list | awk -v name="$NAME" '$2 == name { print $1 }'
}

@test "list shows id, name, process, age and command" {
	run ours list
	assert_status 0
	[ -z "$output" ]
	start -- sh -c "$sleeper"
	run ours list
	assert_status 0
	[[ ${lines[0]} == ID*NAME*PID*AGE*COMMAND ]]
	[[ ${lines[1]} =~ ^[0-9a-f]{16}\ +$NAME\ +$launcher\ +[0-9]+s\ +sh\ -c\  ]]
	[ "${#lines[@]}" -eq 2 ]
	run ours list --json
	python3 -c 'import json, sys; a, = json.load(sys.stdin); assert a["name"] == sys.argv[1] and a["pid"] == int(sys.argv[2])' \
		"$NAME" "$launcher" <<<"$output"
	ours kill "$NAME"
	ended
	run ours list
	[ -z "$output" ]
	[ -z "$(ls -A "$REGISTER")" ]
}

@test "no line is wider than 100 columns, and nothing in it drives a terminal" {
	start -- sh -c "$sleeper" $'\e[31mred\a' "$(printf 'x%.0s' {1..300})"
	run ours list
	assert_output '\x1b[31mred\x07'
	! grep -q $'[\e\a]' <<<"$output" || false
	[ "$(awk '{ if (length > most) most = length } END { print most }' <<<"$output")" -le 100 ]
	ours kill "$NAME"
}

@test "a long name is shown whole, for it is what others are given; wide characters count as two columns" {
	NAME=$(printf 'n%.0s' {1..64})
	start -- sh -c "$sleeper" "$(printf '\346\227\245%.0s' {1..90})"
	run ours list
	[[ ${lines[1]} == *" $NAME "* ]]
	printf '%s\n' "$output" >"$TMP/list"
	[ "$(LC_ALL=C.UTF-8 wc -L <"$TMP/list")" -le 100 ]
	iconv -f UTF-8 -t UTF-8 "$TMP/list" >/dev/null
	ours kill "$NAME"
	ended
}

@test "a name is an id, the beginning of one, or a name, if only one fits" {
	local id other

	start -- sh -c "$sleeper"
	id=$(id_of)
	for word in "$id" "${id:0:8}" "$NAME"; do
		run ours exec "$word" echo found
		assert_line found
	done
	other=$launcher
	start -- sh -c "$sleeper"
	run ours exec "$NAME" echo found
	assert_status 120
	assert_output "several sandboxes are called $NAME"
	assert_output "$id"
	run ours exec "$id" echo found
	assert_line found
	kill -KILL "$other"
	wait_until 5 ours exec "$NAME" true
	ours kill "$NAME"
}

@test "of many that a word may mean the first are named" {
	local pids=()

	for _ in $(seq 6); do
		start -- sh -c "$sleeper"
		pids+=("$launcher")
	done
	run ours kill "$NAME"
	assert_status 120
	assert_output ' and 2 more'
	kill "${pids[@]}"
	wait "${pids[@]}" || :
	launcher=
}

@test "inspect tells namespaces, cgroups, limits, network and processes, as they are" {
	start -s process.time_limit=50s -- sh -c 'for n in user mnt pid net; do readlink /proc/self/ns/$n; done; '"$sleeper"
	wait_until 5 eval 'ours inspect "$NAME" | grep -q "\"sleep\""'
	run ours inspect "$NAME"
	assert_status 0
	python3 - "$TMP/out" "$launcher" <<-EOF
		import json, re, sys
		answer = json.loads('''$output''')
		inodes = [int(n) for n in re.findall(r"\[(\d+)\]", open(sys.argv[1]).read())]
		assert [answer["namespaces"][n] for n in ("user", "mount", "pid", "net")] == inodes, answer
		assert answer["pid"] == int(sys.argv[2]) and answer["name"] == "$NAME"
		assert answer["limits"]["time_limit_ns"] == 50 * 10 ** 9
		assert [p["name"] for p in answer["processes"]] == ["sandbox-init", "sleep"], answer["processes"]
		assert answer["network"]["mode"] == "none" and answer["exec"] is True
		assert "command line" in answer["profile_files"] or answer["profile_files"]
	EOF
	ours kill "$NAME"
}

@test "inspect tells what the cgroups say" {
	as_root_only
	"$SANDBOX" --name "$NAME" -s cgroup.pids.max=33 -- sh -c "$sleeper" >"$TMP/out" 3>&- &
	launcher=$!
	wait_until 10 grep -sqx ready "$TMP/out"
	run "$SANDBOX" inspect "$NAME"
	"$SANDBOX" kill "$NAME"
	assert_output '"pids.max":"33"'
	assert_output '"pids.current":"2"'
}

@test "kill of one that somebody else ends at the same time is content" {
	for _ in 1 2 3 4 5 6 7 8; do
		for signal in KILL TERM; do
			start -- sh -c "$sleeper"
			kill "-$signal" "$launcher"
			run ours kill "$NAME"
			[ "$status" -eq 0 ] || { assert_status 120; assert_output 'no sandbox'; }
			wait "$launcher" || :
		done
	done
	launcher=
}

@test "kill ends in order, by force after the grace, or sends a signal" {
	start -- sh -c 'trap "echo bye; exit 5" TERM; echo ready; while :; do sleep 0.1; done'
	ours kill "$NAME"
	ended
	assert_status 5
	grep -qx bye "$TMP/out"
	start -s process.kill_grace=300ms -- sh -c 'trap "" TERM; echo ready; while :; do sleep 0.1; done'
	ours kill "$NAME"
	ended
	assert_status 137
	start -- sh -c 'trap "echo usr1" USR1; echo ready; while :; do sleep 0.1; done'
	ours kill "$NAME" USR1
	wait_until 5 grep -qx usr1 "$TMP/out"
	ours kill "$NAME" SIGKILL
	ended
	assert_status 137
	run ours kill "$NAME"
	assert_status 120
	start -- sh -c "$sleeper"
	run ours kill "$NAME" NONSENSE
	assert_status 120
	ours kill "$NAME" 9
	ended
	assert_status 137
}

@test "what a killed launcher left is no sandbox, whoever has its number; gc removes it" {
	local id

	start -- sh -c "$sleeper"
	id=$(id_of)
	kill -KILL "$launcher"
	ended
	[ -e "$REGISTER/$id" ]
	# With the number of a process that lives.
	_as_user sed -i "s/\"pid\":[0-9]*/\"pid\":$$/" "$REGISTER/$id"
	run ours kill "$id"
	assert_status 120
	kill -0 $$
	start -- sh -c "$sleeper"
	kill -KILL "$launcher"
	ended
	_as_user touch "$REGISTER/eeeeeeeeeeeeeeee.sock"
	[ "$(find "$REGISTER" -type f -o -type s | wc -l)" -eq 3 ]
	run ours gc
	[ -z "$(ls -A "$REGISTER")" ]
}

# entry ID: a locked file that says it is a sandbox, and the process that holds the lock, in $holder.
entry() {
	local text='{"id":"x","name":"hostile","pid":1,"uid":0,"started_unix_nsec":1,"profile":"p","command":["c"],"exec":true,"tty":"auto"}'

	_as_user sh -c 'printf "%s" "$2" >"$1"' - "$REGISTER/$1" "${2-$text}"
	flock -x -F "$REGISTER/$1" sleep 60 3>&- &
	holder=$!
	wait_until 5 eval "! flock -n '$REGISTER/$1' true"
}

# Ends that process, and waits until its lock is gone with it.
freed() {
	kill "$holder"
	wait "$holder" || :
}

@test "entries that are none are left alone or removed, and hold nobody up" {
	start -- sh -c "$sleeper"
	as_user ln -s /etc/passwd "$REGISTER/aaaaaaaaaaaaaaaa"
	as_user mkfifo "$REGISTER/aaaaaaaaaaaaaaab"
	as_user mkdir "$REGISTER/aaaaaaaaaaaaaaac"
	as_user touch "$REGISTER/some file"
	as_user sh -c "head -c 300 /dev/urandom >$REGISTER/aaaaaaaaaaaaaaad"
	as_user truncate -s 10G "$REGISTER/aaaaaaaaaaaaaaae"
	[ "$(id -u)" -ne 0 ] || touch "$REGISTER/aaaaaaaaaaaaaaaf"
	run timeout "$(seconds 10)" "$(command -v env)" bash -c "$(declare -f ours _as_user _user_sandbox); RUN=$RUN TEST_UID=$TEST_UID; ours list"
	assert_status 0
	assert_output " $NAME "
	assert_output 'none of ours'
	[ ! -e "$REGISTER/aaaaaaaaaaaaaaad" ]
	[ ! -e "$REGISTER/aaaaaaaaaaaaaaae" ]
	[ -p "$REGISTER/aaaaaaaaaaaaaaab" ]
	[ -L "$REGISTER/aaaaaaaaaaaaaaaa" ]
	run ours exec "$NAME" echo still
	assert_line still
	ours kill "$NAME"
}

@test "locked entries of nonsense are refused, with and without a socket behind them" {
	start -- sh -c "$sleeper"
	entry bbbbbbbbbbbbbbbb 'not json'
	run ours list
	assert_output 'none of ours'
	refute_output bbbbbbbb
	freed
	entry bbbbbbbbbbbbbbbb '{"name":["a"],"pid":"x","command":[[[1]]],"exec":3}'
	run ours list
	assert_status 0
	assert_output bbbbbbbbbbbbbbbb
	freed
	entry cccccccccccccccc
	run ours exec hostile true
	assert_status 123
	assert_output 'cannot reach'
	# Listens, and never says a word.
	_as_user /usr/bin/python3 - "$REGISTER/cccccccccccccccc.sock" 3>&- <<-'EOF' &
		import socket, sys, time
		s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
		s.bind(sys.argv[1]); s.listen(); time.sleep(60)
	EOF
	silent=$!
	wait_until 5 test -S "$REGISTER/cccccccccccccccc.sock"
	# Not by `run`: its pipe lies in that socket's queue, with the request.
	ours exec hostile true >"$TMP/answer" 2>&1 </dev/null && false
	kill "$silent" "$holder"
	grep -q 'does not answer' "$TMP/answer"
	run ours exec "$NAME" echo still
	assert_line still
	ours kill "$NAME"
}

@test "a client that says nothing, or nonsense, holds up neither the sandbox nor other clients" {
	start -- sh -c "$sleeper"
	_as_user /usr/bin/python3 - "$REGISTER/$(id_of).sock" >"$TMP/clients" 3>&- <<-'EOF' &
		import os, socket, sys, time
		def connect():
		    s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
		    s.connect(sys.argv[1])
		    return s
		silent = [connect() for _ in range(60)]
		for n in (1, 8, 100, 200, 5000, 100000):
		    s = connect(); s.send(os.urandom(n)); s.settimeout(20); assert s.recv(10) == b""
		    s = connect(); s.send(b"sandbox\0" + os.urandom(n)); s.settimeout(20); assert s.recv(10) == b""
		print("refused", flush=True)
		silent[0].settimeout(20); assert silent[0].recv(10) == b""
		print("given up", flush=True)
	EOF
	wait_until 20 grep -qx refused "$TMP/clients"
	run timeout "$(seconds 8)" bash -c "$(declare -f ours _as_user _user_sandbox); RUN=$RUN TEST_UID=$TEST_UID; ours exec $NAME echo served"
	assert_line served
	wait_until 20 grep -qx 'given up' "$TMP/clients"
	ours kill "$NAME"
	ended
	assert_status 143
}

@test "a directory that others could have made is not used" {
	as_user mkdir -m 700 "$REGISTER"
	start -- sh -c "$sleeper"
	ours exec "$NAME" true
	chmod 777 "$REGISTER"
	run ours list
	assert_status 122
	assert_output 'others can look into it'
	chmod 700 "$REGISTER"
	chmod 777 "$RUN"
	run ours list
	assert_status 122
	assert_output 'others can write it'
	chmod 700 "$RUN"
	mv "$REGISTER" "$REGISTER.real"
	ln -s "$REGISTER.real" "$REGISTER"
	run ours list
	assert_status 122
	rm "$REGISTER"
	mv "$REGISTER.real" "$REGISTER"
	ours kill "$NAME"
}

@test "without a runtime directory a sandbox runs, and nobody finds it" {
	run as_user sandbox --name "$NAME" -- echo ran
	assert_status 0
	assert_line ran
	run as_user sandbox list
	assert_status 122
	assert_output 'XDG_RUNTIME_DIR'
	run as_user sandbox exec "$NAME" true
	assert_status 122
}
