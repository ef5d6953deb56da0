# Every example of the README and of the manual pages is run, and does what stands there. tests/lib/examples says how an
# example is marked.

bats_require_minimum_version 1.5.0
load ../lib/common

setup() {
	residue_before
}

teardown() {
	residue_after
}

# page FILE RUN [NOT_RUN [NONE]]: at least so many examples are run, and no more are left out. What cannot be run, and what
# is called no example, is the exception, and each says why.
page() {
	local none

	run "$CHECKOUT/tests/lib/examples" "$CHECKOUT/$1"
	assert_status 0
	[ "$(sed -n "s/^$(basename "$1"): \([0-9]*\) examples, 0 names failed, .*/\1/p" <<<"$output")" -ge "$2" ] ||
		_wrong "fewer examples than $2 were run"
	[ "$(grep -c '^# not run' <<<"$output" || :)" -le "${3:-0}" ] || _wrong "more examples that are not run than ${3:-0}"
	none=$("$CHECKOUT/tests/lib/examples" --list "$CHECKOUT/$1" | grep -c "'none'" || :)
	[ "$none" -le "${4:-0}" ] || _wrong "$none blocks are called no example, and not ${4:-0}"
}

@test "README.md" {
	page README.md 12 0 4
}

@test "sandbox(1)" {
	page man/sandbox.1 14
}

@test "sandbox.conf(5)" {
	# A scope of systemd's takes a user's manager, and is run by delegated.bats.
	page man/sandbox.conf.5 5 1 2
}

@test "sandbox-profiles(7)" {
	page man/sandbox-profiles.7 20
}

@test "sandbox-security(7)" {
	page man/sandbox-security.7 0
}

# One example that goes wrong in each way, and the same page without it.
wrong() {
	local good=$TMP/good.md bad=$TMP/bad.md

	cat >"$bad"
	printf '<!-- test: a -->\n```sh\n$ echo a\na\n```\n' >"$good"
	run "$CHECKOUT/tests/lib/examples" "$good"
	assert_status 0
	run "$CHECKOUT/tests/lib/examples" "$bad"
	assert_status 1
}

@test "the runner finds an example without a mark" {
	wrong < <(printf 'text\n\n```sh\ntrue\n```\n')
	assert_output "bad.md:3: an example without a mark"
	wrong < <(printf 'text\n\n    true\n')
	assert_output "bad.md:3: an example without a mark"
	printf '.Dd\n.Dl $ true\n' >"$TMP/bad.7"
	run "$CHECKOUT/tests/lib/examples" "$TMP/bad.7"
	assert_status 1
	assert_output "bad.7:2: an example without a mark"
}

@test "the runner finds a command that fails, and one that prints something else" {
	wrong < <(printf '<!-- test: a -->\n```sh\nfalse\ntrue\n```\n')
	assert_output "bad.md:2: failed: false"
	wrong < <(printf '<!-- test: a -->\n```sh\n$ false\n```\n')
	assert_output "bad.md:2: exit status 1, not 0: false"
	wrong < <(printf '<!-- test: a -->\n```sh\n$ echo b\na\n```\n')
	assert_output "and not:"
	wrong < <(printf '<!-- test: a -->\n```sh\necho b\n```\n\n<!-- test: a output -->\n```\na\n```\n')
	assert_output "and not:"
}

@test "the runner finds a profile that is wrong, and one that should be and is not" {
	wrong < <(printf '<!-- test: a file=x.conf -->\n```\nformat = 2;\n```\n')
	assert_output "exit status 121, not 0"
	wrong < <(printf '<!-- test: a file=x.conf check=wrong -->\n```\nformat = 1;\n```\n')
	assert_output "exit status 0, not 121"
}
