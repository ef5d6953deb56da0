# exec: a further command in a running sandbox gets what the first one got; list, inspect, kill and gc see what runs.
# shellcheck disable=SC2016 # scripts in single quotes are for the shell inside
load ../lib/common
bats_require_minimum_version 1.5.0

# The ordinary user's runtime directory.
setup() {
	RUN=$USER_TMP/run
	NAME=t$$-$BATS_TEST_NUMBER
	launcher=
	as_user mkdir -m 700 "$RUN"
	profile empty </dev/null
}

teardown() {
	[ -z "$launcher" ] || kill -KILL "$launcher" 2>/dev/null || :
}

# in_name root|user ARG...: the program, as that user.
in_name() {
	local who=$1

	shift
	if [ "$who" = root ]; then
		"$SANDBOX" "$@"
	else
		_as_user env XDG_RUNTIME_DIR="$RUN" "$(_user_sandbox)" "$@"
	fi
}

# securityfs need not be mounted: the launcher is asked.
needs_landlock() {
	"$SANDBOX" doctor --json | jq -e '.features[] | select(.feature == "landlock") | .state == "ok"' >/dev/null || skip "this kernel has no landlock"
}

# spawn root|user ARG...: the same in the background, as the shell's own child; sets $spawned.
spawn() {
	local who=$1

	shift
	if [ "$who" = root ]; then
		"$SANDBOX" "$@" 3>&- &
	elif [ "$(id -u)" -ne 0 ]; then
		XDG_RUNTIME_DIR=$RUN "$SANDBOX" "$@" 3>&- &
	else
		setpriv --reuid="$TEST_UID" --regid="$TEST_UID" --clear-groups \
			env -u HOME XDG_RUNTIME_DIR="$RUN" "$(_user_sandbox)" "$@" 3>&- &
	fi
	spawned=$!
}

# Waits for a child of the shell's; leaves its exit status in $status.
ended() {
	status=0
	wait "$1" || status=$?
}

# Both, or the ordinary user alone where the tests are not run by root.
everybody() {
	[ "$(id -u)" -ne 0 ] || echo root
	echo user
}

listed() {
	in_name "$1" list | grep -qF " $NAME "
}

# start root|user ARG...: runs a sandbox called $NAME in the background, which says "ready" first.
start() {
	local who=$1

	shift
	: >"$TMP/first"
	spawn "$who" --name "$NAME" "$@" >"$TMP/first" 2>"$TMP/first.err"
	launcher=$spawned
	wait_until 10 grep -qx ready "$TMP/first" || {
		cat "$TMP/first.err"
		return 1
	}
}

# still FILE: whether nothing is added to it for half a second. Sets $before, the number of its lines.
still() {
	before=$(wc -l <"$1")
	sleep 0.5
	[ "$(wc -l <"$1")" -eq "$before" ]
}

# Whether a process with these arguments runs.
alive() {
	pgrep -xf "$1" >/dev/null
}

dead() {
	! alive "$1"
}

sleeper='echo ready; exec sleep 60'

end() {
	in_name "$1" kill "$NAME"
	wait "$launcher" || :
	launcher=
}

facts='for n in /proc/$$/ns/*; do readlink $n; done; cat /proc/$$/cgroup; ulimit -a; id; umask; hostname; env | sort; pwd
	grep -E "^(Cap|NoNewPrivs|Seccomp|Uid|Gid|Groups|Umask|SigIgn)" /proc/$$/status; ls -l /dev/fd/ | wc -l
	cut -d" " -f1-6 /proc/$$/mountinfo; cat /proc/$$/oom_score_adj'

same_facts() {
	local who=$1

	shift
	start "$who" "$@" -- sh -c "$facts; $sleeper" </dev/null
	in_name "$who" exec "$NAME" -- sh -c "$facts; echo ready" </dev/null >"$TMP/second"
	diff "$TMP/first" "$TMP/second"
	[ "$(grep -c : "$TMP/second")" -gt 15 ]
	end "$who"
}

@test "a further command has the namespaces, cgroup, rights, limits and environment of the first" {
	local who

	for who in $(everybody); do
		same_facts "$who"
	done
}

@test "the same with a time namespace, another nice value, few descriptors" {
	local who

	for who in $(everybody); do
		same_facts "$who" -s 'namespaces={ add = [ "time" ]; }' -s time.boottime=1000h -s process.nice=5 \
			-s process.oom_score_adj=300 -s rlimits.nofile=16 -s process.wx=allow
	done
}

@test "the same where the command is process 1" {
	local who

	for who in $(everybody); do
		same_facts "$who" -s process.init=false
	done
}

@test "the same without a pid namespace, and it ends with the sandbox" {
	as_root_only
	profile <<-EOF
		format = 1;
		root = { source = "$ROOTFS"; };
		namespaces = { remove = [ "pid" ]; };
		mounts = ( { type = "dev"; target = "/dev"; } );
	EOF
	start root -p "$PROFILE" -- sh -c 'hostname; id; ulimit -a; echo ready; sleep 60' </dev/null
	in_name root exec "$NAME" -- sh -c 'hostname; id; ulimit -a; echo ready' >"$TMP/second"
	diff "$TMP/first" "$TMP/second"
	spawn root exec "$NAME" -- sleep "5678.$$"
	wait_until 5 pgrep -xf "sleep 5678.$$"
	end root
	ended "$spawned"
	assert_status 137
	run pgrep -xf "sleep 5678.$$"
	assert_status 1
}

@test "the same without a user namespace" {
	as_root_only
	same_facts root -s 'namespaces={ remove = [ "user" ]; }'
}

@test "the same in joined namespaces" {
	as_root_only
	ip netns add "$NAME"
	start root -s 'namespaces={ remove = [ "net" ]; }' \
		-s "join=( { namespace = \"net\"; path = \"/run/netns/$NAME\"; } )" -- sh -c "$facts; $sleeper" </dev/null
	in_name root exec "$NAME" -- sh -c "$facts; echo ready" </dev/null >"$TMP/second"
	end root
	ip netns del "$NAME"
	diff "$TMP/first" "$TMP/second"
	grep -q 'net:\[' "$TMP/second"
}

@test "what a landlock rule names cannot be replaced under a command that comes later" {
	local rules

	needs_landlock
	as_user mkdir "$USER_TMP/work" "$USER_TMP/work/bin"
	rules='landlock={ read = [ "/dev/null" ]; write = [ "/work" ]; execute = [ "/usr", "/bin", "/lib", "/lib64", "/work/bin" ]; }'
	set -- -s "mounts=( { type = \"bind\"; source = \"$USER_TMP/work\"; target = \"/work\"; access = \"read-write\"; } )" -s "$rules"
	start user "$@" -- sh -c 'echo ready; while [ ! -e /work/swap ]; do sleep 0.05; done; rmdir /work/bin; ln -s / /work/bin; echo swapped >/work/done; exec sleep 60'
	run in_name user exec "$NAME" sh -c 'touch /work/swap' # the control: as long as all is in its place, it may
	assert_status 0
	wait_until 5 test -e "$USER_TMP/work/done"
	run in_name user exec "$NAME" true
	assert_status 123
	assert_output "/work/bin is not what it was when the sandbox started"
	end user
}

@test "landlock is in force for it" {
	local who

	needs_landlock
	for who in $(everybody); do
		start "$who" -- sh -c "$sleeper"
		in_name "$who" exec "$NAME" cat /etc/passwd
		end "$who"
		start "$who" -s 'landlock={ read = [ "/usr", "/proc", "/lib", "/lib64" ]; execute = [ "/usr", "/lib", "/lib64" ]; }' \
			-- sh -c "$sleeper"
		run in_name "$who" exec "$NAME" cat /etc/passwd
		assert_status 1
		assert_output 'Permission denied'
		end "$who"
	done
}

@test "the filter is in force for it" {
	local who

	for who in $(everybody); do
		start "$who" -- sh -c "$sleeper"
		run in_name "$who" exec "$NAME" unshare -r true
		[ "$status" -ne 0 ]
		assert_output 'Operation not permitted'
		end "$who"
		# Another filter lets it by, up to what the kernel says.
		start "$who" -s 'seccomp={ allow = [ "@default", "unshare" ]; deny = [ ]; }' -- sh -c "$sleeper"
		run in_name "$who" exec "$NAME" unshare -r true
		refute_output 'Operation not permitted'
		end "$who"
	done
}

@test "a profile may forbid it; looking and ending stay allowed" {
	local who

	for who in $(everybody); do
		start "$who" -- sh -c "$sleeper"
		run in_name "$who" exec "$NAME" echo possible
		assert_status 0
		assert_line possible
		end "$who"
		start "$who" -s process.exec=false -- sh -c "$sleeper"
		run in_name "$who" exec "$NAME" echo possible
		assert_status 121
		assert_output 'process.exec = false'
		run in_name "$who" inspect "$NAME"
		assert_status 0
		assert_output '"exec":false'
		end "$who"
	done
}

@test "its exit status, and ours" {
	start user -- sh -c "$sleeper"
	run in_name user exec "$NAME" sh -c 'exit 7'
	assert_status 7
	run in_name user exec "$NAME" sh -c 'kill -KILL $$'
	assert_status 137
	run -127 in_name user exec "$NAME" no-such-program
	assert_status 127
	assert_output 'cannot execute no-such-program'
	run -127 in_name user exec "$NAME" -- ''
	assert_status 127
	assert_output 'cannot execute the empty name'
	run in_name user exec "$NAME" /etc/passwd
	assert_status 126
	run in_name user exec --chdir /no/such/place "$NAME" true
	assert_status 123
	assert_output 'cannot enter the working directory /no/such/place'
	run in_name user exec no-such-sandbox true
	assert_status 120
	run in_name user exec "$NAME"
	assert_status 120
	run in_name user exec --env NONSENSE "$NAME" true
	assert_status 120
	run in_name user exec --chdir relative "$NAME" true
	assert_status 120
	end user
}

@test "--env and --chdir change what they say and nothing else" {
	start user -- sh -c "env | sort; pwd; $sleeper" </dev/null
	in_name user exec --env NEW='a b' --env HOME=/tmp --chdir /usr "$NAME" -- sh -c 'env | sort; pwd; echo ready' >"$TMP/second"
	run diff "$TMP/first" "$TMP/second"
	assert_line '> NEW=a b'
	assert_line '> HOME=/tmp'
	assert_line '> /usr'
	[ "$(grep -c '^>' <<<"$output")" -le 4 ]
	end user
}

@test "a thousand variables, and not more" {
	local variables=()

	start user -- sh -c "$sleeper"
	mapfile -t variables < <(seq -f '--env=V%g=1' 1025)
	run in_name user exec "${variables[@]:0:1024}" "$NAME" sh -c 'env | grep -c ^V'
	assert_status 0
	assert_line 1024
	run in_name user exec "${variables[@]}" "$NAME" true
	assert_status 123
	assert_output 'more than 1024 variables'
	end user
}

@test "it gets the client's standard descriptors, and no other" {
	start user -- sh -c "$sleeper"
	run in_name user exec "$NAME" sh -c 'cat; echo error >&2' 4<"$TMP/first" <<<input
	assert_line input
	assert_line error
	run in_name user exec "$NAME" sh -c 'echo /proc/self/fd/*' 7<"$TMP/first" </dev/null
	assert_status 0
	refute_output /7
	run sh -c 'echo /proc/self/fd/*' 7<"$TMP/first" </dev/null
	assert_output /7
	end user
}

@test "its pipes may be opened by name, in their own direction" {
	local who

	for who in $(everybody); do
		start "$who" -- sh -c "$sleeper"
		# The pipes are the caller's own.
		cat >"$TMP/script" <<-'END'
			echo 'echo by name >/dev/stderr' | "$@" sh /dev/stdin 2>&1 | cat
		END
		if [ "$who" = root ]; then
			run sh "$TMP/script" "$SANDBOX" exec "$NAME"
			assert_line 'by name'
			run bash -c '"$@" 2>&1 | cat' in "$SANDBOX" exec "$NAME" sh -c 'exec 9</dev/stdout; echo got in'
			assert_output 'Permission denied'
		else
			run _as_user env XDG_RUNTIME_DIR="$RUN" sh "$TMP/script" "$(_user_sandbox)" exec "$NAME"
			assert_line 'by name'
		fi
		end "$who"
	done
}

@test "a terminal stays outside: it gets one of the sandbox's own" {
	local who

	for who in $(everybody); do
		start "$who" -- sh -c "$sleeper"
		cat >"$TMP/client" <<-EOF
			#!/bin/bash
			$(declare -f in_name _as_user _user_sandbox)
			RUN=$RUN
			TEST_UID=$TEST_UID
			BATS_RUN_TMPDIR=$BATS_RUN_TMPDIR
			in_name $who exec $NAME "\$@"
		EOF
		chmod 755 "$TMP/client"
		run "$CHECKOUT/tests/lib/terminal" "$TMP/client" sh -c 'tty; stty size; read word; echo got-$word; stty size; echo end; exec sleep 60' <<-'EOF'
			expect /dev/pts/
			expect 24 80
			resize 30 100
			send hello\n
			expect got-hello
			expect 30 100
			expect end
			send \x03
		EOF
		assert_status 130
		run "$CHECKOUT/tests/lib/terminal" --stdout "$TMP/out" "$TMP/client" tty </dev/null
		assert_status 1
		grep -q 'not a tty' "$TMP/out"
		end "$who"
	done
}

@test "process.tty = never holds for it" {
	start user -s process.tty=never -- sh -c "$sleeper"
	run "$CHECKOUT/tests/lib/terminal" env XDG_RUNTIME_DIR="$RUN" setpriv --reuid="$TEST_UID" --regid="$TEST_UID" \
		--clear-groups "$(_user_sandbox)" exec "$NAME" tty </dev/null
	assert_status 1
	assert_output 'not a tty'
	end user
}

@test "signals to the client are its own" {
	start user -- sh -c "$sleeper"
	spawn user exec "$NAME" sh -c 'trap "echo caught; exit 3" USR1; echo up; while :; do sleep 0.1; done' >"$TMP/out"
	wait_until 5 grep -qx up "$TMP/out"
	kill -USR1 "$spawned"
	ended "$spawned"
	assert_status 3
	grep -qx caught "$TMP/out"
	spawn user exec "$NAME" sleep "4320.$$"
	wait_until 5 alive "sleep 4320.$$"
	kill -TERM "$spawned"
	ended "$spawned"
	assert_status 143
	end user
}

@test "when the client is stopped it stands still, and goes on with it" {
	local before

	start user -- sh -c "$sleeper"
	# A job of its own: the kernel does not stop a group that has no parent in its session.
	set -m
	spawn user exec "$NAME" sh -c 'while :; do echo tick; sleep 0.05; done' >"$TMP/out"
	set +m
	wait_until 5 grep -q tick "$TMP/out"
	kill -TSTP "$spawned"
	wait_until 5 grep -q '^State:.T' "/proc/$spawned/status"
	wait_until 5 still "$TMP/out"
	kill -CONT "$spawned"
	wait_until 10 eval '[ "$(wc -l <"$TMP/out")" -gt "$before" ]'
	kill -TERM "$spawned"
	ended "$spawned"
	assert_status 143
	end user
}

@test "when the client dies it dies, with its process group" {
	local who

	for who in $(everybody); do
		start "$who" -- sh -c "$sleeper"
		spawn "$who" exec "$NAME" sh -c "sleep 4321.$$ & sleep 4322.$$"
		wait_until 5 alive "sleep 4322.$$"
		wait_until 5 alive "sleep 4321.$$"
		kill -KILL "$spawned"
		wait_until 5 dead "sleep 4322.$$"
		wait_until 5 dead "sleep 4321.$$"
		end "$who"
	done
}

@test "when the sandbox ends or its launcher dies it dies" {
	local who

	for who in $(everybody); do
		start "$who" -- sh -c "$sleeper"
		spawn "$who" exec "$NAME" sleep "4323.$$"
		wait_until 5 alive "sleep 4323.$$"
		end "$who"
		ended "$spawned"
		assert_status 137
		wait_until 5 dead "sleep 4323.$$"
		start "$who" -- sh -c "$sleeper"
		spawn "$who" exec "$NAME" sleep "4324.$$" 2>"$TMP/err"
		wait_until 5 alive "sleep 4324.$$"
		kill -KILL "$launcher"
		ended "$spawned"
		[ "$status" -eq 137 ] || [ "$status" -eq 123 ]
		wait_until 5 dead "sleep 4324.$$"
		wait "$launcher" || :
		run in_name "$who" list
		assert_status 0
		refute_output "$NAME"
	done
}

@test "its processes count for the sandbox's limits" {
	as_root_only
	start root -s cgroup.pids.max=4 -- sh -c "$sleeper"
	run in_name root exec "$NAME" sh -c 'sleep 1 & sleep 1 & sleep 1 & sleep 1 & sleep 1 & wait'
	assert_output fork
	end root
	start root -s cgroup.pids.max=20 -- sh -c "$sleeper"
	run in_name root exec "$NAME" sh -c 'sleep 1 & sleep 1 & sleep 1 & sleep 1 & sleep 1 & wait'
	refute_output fork
	end root
}

@test "fifty at once" {
	local i pids=()

	start user -- sh -c "$sleeper"
	for i in $(seq 50); do
		spawn user exec "$NAME" sh -c "sleep 0.2; exit $i"
		pids+=("$spawned")
	done
	for i in $(seq 50); do
		ended "${pids[i - 1]}"
		assert_status "$i"
	done
	end user
}

@test "nothing is left of any of it" {
	residue_before
	start user -- sh -c "$sleeper"
	in_name user exec "$NAME" true
	end user
	[ -z "$(ls -A "$RUN/sandbox")" ]
	residue_after
}
