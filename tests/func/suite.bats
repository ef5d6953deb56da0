# suite: that the tests' own sum counts what failed, what never ended, and what hung.
load ../lib/common

suite() {
	RESULTS=$TMP run "$CHECKOUT/tests/lib/suite" it "$@"
}

@test "the count of a suite: what passed, what failed, what was skipped with a reason" {
	suite printf '%s\n' '1..3' 'ok 1 a' 'ok 2 b # skip no such thing here' 'ok 3 c'
	assert_status 0
	assert_line 'it: 2 passed, 0 failed, 1 skipped'
	suite printf '%s\n' '1..2' 'ok 1 a' 'not ok 2 b'
	assert_status 1
	assert_line 'it: 1 passed, 1 failed, 0 skipped'
	[ "$(cat "$TMP/it.count")" = "1 1 0" ]
}

@test "a suite that does not do what it announced has failed" {
	suite echo 'ok 1 a'
	assert_line 'it: printed no plan'
	suite printf '%s\n' '1..3' 'ok 1 a'
	assert_line 'it: 2 tests never ended'
	assert_line 'it: 1 passed, 2 failed, 0 skipped'
	suite printf '%s\n' '1..1' 'ok 1 a # skip'
	assert_line 'it: 0 passed, 1 failed, 0 skipped'
	suite sh -c 'echo 1..1; echo ok 1 a; exit 3'
	assert_line 'it: exit status 3'
	assert_status 1
}

@test "signals that its caller ignores are not ignored in it" {
	trap '' HUP
	suite sh -c 'echo 1..1; sh -c "kill -HUP \$\$"; [ $? -eq 129 ] && echo ok 1 a'
	trap - HUP
	assert_line 'it: 1 passed, 0 failed, 0 skipped'
}

@test "a suite that stands still is ended, with what it started" {
	SUITE_STILL=2 suite sh -c "echo 1..2; echo ok 1 a; sleep 4243.$$ & echo \$! >'$TMP/started'; wait"
	assert_status 1
	assert_line 'not ok nothing for 2 seconds: ended'
	assert_line 'it: 1 passed, 1 failed, 0 skipped'
	[ -s "$TMP/started" ]
	wait_until 5 eval '! pgrep -xf "sleep 4243.$$"'
	# One that goes on is not.
	# shellcheck disable=SC2016 # for the other shell
	SUITE_STILL=3 suite sh -c 'echo 1..4; for i in 1 2 3 4; do sleep 1; echo ok $i; done'
	assert_status 0
	assert_line 'it: 4 passed, 0 failed, 0 skipped'
}

@test "below a directory that is closed to others the tests run in a copy, which goes away again" {
	local mode

	as_root_only
	mkdir -p "$TMP/mine/checkout/tests/lib" "$TMP/mine/checkout/build/vm"
	cp "$CHECKOUT/tests/lib/reachable" "$TMP/mine/checkout/tests/lib"
	cd "$TMP/mine/checkout"
	for mode in 755 700; do
		chmod $mode "$TMP/mine"
		SANDBOX=$PWD/build/sandbox run tests/lib/reachable sh -c 'pwd; echo "$SANDBOX"; ls build; exit 3'
		assert_status 3
		if [ $mode = 755 ]; then
			assert_line "$PWD"
			assert_line vm
		else
			refute_output "$PWD"
			refute_output vm
			[ "${lines[1]}" = "${lines[0]}/build/sandbox" ]
			[ ! -e "${lines[0]}" ]
		fi
	done
	run tests/lib/reachable setpriv --reuid="$TEST_UID" --regid="$TEST_UID" --clear-groups cat tests/lib/reachable
	assert_status 0
	[ "$output" = "$(cat tests/lib/reachable)" ]
}
