# less: pages, searches; from a log of a stranger's no program is started, nothing is written and no other file opened.

# shellcheck disable=SC2030,SC2031,SC2154 # what bats' run sets
bats_require_minimum_version 1.5.0
load ../lib/common
load ../lib/profiles

terminal=$BATS_TEST_DIRNAME/../lib/terminal

setup_file() {
	packages less python3
}

setup() {
	residue_before
	export TERM=xterm
}

teardown() {
	residue_after
}

# on_terminal CMD... <STEPS: as the launcher.
on_terminal() {
	local as=()

	[ "$LAUNCHER" = root ] || [ "$(id -u)" -ne 0 ] || as=(setpriv "--reuid=$TEST_UID" "--regid=$TEST_UID" --clear-groups)
	run "$terminal" "${as[@]}" "$@"
}

# inside [LAUNCH OPTION...] -- CMD... <STEPS
inside() {
	local program=$SANDBOX

	[ "$LAUNCHER" = root ] || program=$(_user_sandbox)
	on_terminal "$program" -p "$CHECKOUT/profiles/less.conf" "$@"
}

log() {
	seq -f 'line %g of the log' 1 500 >log
}

reads() {
	log
	inside -- less log <<-'END'
		expect line 20 of
		send  \n
		expect line 40 of
		send /line 321\n
		expect line 340 of
		send G
		expect line 500 of
		send q
	END
	assert_status 0
	run launch -- less log
	[ "$output" = "$(cat log)" ]
}

# What is everybody's to read, and not the reader's own.
reads_others() {
	local theirs=$TMP/theirs-$LAUNCHER

	seq 100 >"$theirs/log"
	echo secret >"$theirs/closed"
	chmod 0600 "$theirs/closed"
	chown 0:0 "$theirs" "$theirs"/*
	run launch -D dir="$theirs" -- less log
	assert_status 0
	assert_output 100
	run launch -D dir="$theirs" -- less closed
	if [ "$LAUNCHER" = root ]; then
		assert_output secret # the control
	else
		assert_output 'Permission denied'
	fi
	cd "$theirs" || return 1
	run launch -- less "$theirs/log"
	assert_output 100
}

@test "less shows logs that are somebody else's, to whoever may read them" {
	as_root_only
	each_launcher reads_others
}

@test "less pages, searches and goes to the end, on a terminal; without one it copies" {
	each_launcher reads
}

# attempt KEYS OUTSIDE INSIDE: types the keys into less, which then shows OUTSIDE, and in the sandbox INSIDE. Without
# LESSSECURE, which less itself would obey.
attempt() {
	log
	rm -f ran
	on_terminal env -u LESSSECURE less log < <(steps "$1" "$2")
	assert_status 0
	taken || _wrong "the control did nothing: $1"
	rm -f ran
	inside -- env -u LESSSECURE less log < <(steps "$1" "$3")
	assert_status 0
	if taken; then
		_wrong "not refused: $1"
	fi
}

steps() {
	printf '%s\n' "expect line 20" "send $1" "expect $2" 'send \nq'
}

# A file was made, or the password shown.
taken() {
	[ -e ran ] || [[ $output == *hunter2* ]]
}

escapes() {
	local theirs=$TMP/theirs-$LAUNCHER

	echo hunter2 >"$theirs/password"
	attempt '!touch ran\n' 'done' 'done'
	# shellcheck disable=SC2016 # less's
	attempt '|$cat >ran\n' 'done' "Cannot create pipe"
	attempt "!cat $theirs/password\\n" hunter2 'done'
	attempt ":e$theirs/password\\n" hunter2 "No such file or directory"
}

@test "no command is started by ! or |, no other file is opened by :e" {
	each_launcher escapes
}

# The file is told to be another's by a filter of the caller's environment.
filters() {
	local theirs=$TMP/theirs-$LAUNCHER

	log
	echo hunter2 >"$theirs/password"
	on_terminal env -u LESSSECURE "LESSOPEN=|cat $theirs/password #%s" less log <<-'END'
		expect hunter2
		send q
	END
	assert_status 0
	inside -- env -u LESSSECURE "LESSOPEN=|cat $theirs/password #%s" less log <<-'END'
		expect line 20
		send q
	END
	assert_status 0
	refute_output hunter2
	# With LESSSECURE, less says so itself.
	inside -- less log <<-'END'
		expect line 20
		send !id\n
		expect Command not available
		send \nq
	END
	assert_status 0
}

refusals() {
	filters
	refuses touch new
	refuses_secret
	refuses_writing
	refuses_starting
	refuses_network
	refuses_memory 512M -s cgroup.memory.max=256M
}

@test "a filter of LESSOPEN is not started; nothing is written, not even here" {
	each_launcher refusals
}
