# The messages about profiles, word for word. Each profile in tests/golden has beside it what `sandbox check` prints about
# it; GOLDEN=update writes these files anew, for a look at the difference.
load ../lib/common

GOLDEN_DIR=$CHECKOUT/tests/golden

# A profile of the checkout may belong to whoever cloned it, and be writable as their umask has it.
setup() {
	cp -R "$GOLDEN_DIR" "$TMP/golden"
	chown -R "$(id -u):$(id -g)" "$TMP/golden"
	chmod -R go-w "$TMP/golden"
	cd "$TMP/golden"
}

@test "every faulty profile gets its own messages, and status 121" {
	local profile name failed=0

	for profile in *.conf; do
		name=${profile%.conf}
		run "$SANDBOX" check "$profile"
		printf '%s\n' "$output" >"$TMP/$name.txt"
		if [ "${GOLDEN:-}" = update ]; then
			cp "$TMP/$name.txt" "$GOLDEN_DIR/$name.txt"
		elif ! diff -u "$name.txt" "$TMP/$name.txt"; then
			failed=1
		fi
		if [ "$status" -ne 121 ]; then
			echo "$name: status $status"
			failed=1
		fi
	done
	[ "$failed" -eq 0 ]
}

@test "there is a message file for every profile and a profile for every message file" {
	[ "$(ls -- *.conf | sed 's/conf$//')" = "$(ls -- *.txt | sed 's/txt$//')" ]
}

@test "a run refuses what check refuses, and runs nothing" {
	run "$SANDBOX" -p ./all-at-once.conf -- touch "$TMP/ran"
	assert_status 121
	assert_output "all-at-once.conf:4: hostnam: unknown key; did you mean \`hostname\`?"
	[ ! -e "$TMP/ran" ]
}

@test "several profiles are checked, each with its own messages" {
	profile good <<-EOT
		format = 1;
	EOT
	run "$SANDBOX" check "$PROFILE" ./yes.conf ./int-wrap.conf
	assert_status 121
	assert_output "yes.conf:2:"
	assert_output "int-wrap.conf:2:"
	refute_output good.conf
	run "$SANDBOX" check "$PROFILE"
	assert_status 0
}

@test "a profile that does not exist: where it was looked for" {
	run env -u XDG_CONFIG_HOME HOME=/nonexistent "$SANDBOX" -p nothing -- true
	assert_status 121
	assert_output "cannot use profile nothing: there is none"
	assert_output "looked for /nonexistent/.config/sandbox/profiles/nothing.conf, /etc/sandbox/profiles/nothing.conf, "
	run "$SANDBOX" -p ./nothing.conf -- true
	assert_status 121
	assert_output "cannot use profile ./nothing.conf: no such file"
}

@test "huge, deep and random input is refused within a second and little memory" {
	head -c 10485760 /dev/urandom >huge.conf
	{ echo "format = 1;"; yes 'a = {' | head -n 10000; } >deep.conf
	{ echo "format = 1;"; yes 'a = {' | head -n 10000 | tr -d '\n'; } >deeper.conf
	{ echo "format = 1;"; seq -f 'key%.0f = 1;' 4900; } >wide.conf
	{ echo "format = 1; hide = ["; seq -f '"/%.0f",' 9000; echo '"/0" ]; mounts = 1;'; } >long.conf
	for seed in 1 2 3 4 5; do head -c $((seed * 20000)) /dev/urandom >random$seed.conf; done
	# AddressSanitizer maps terabytes of address space; memory is bounded in the ordinary build's run of this test.
	local bytes=200000
	! grep -q __asan_init "$SANDBOX" || bytes=unlimited
	for input in huge deep deeper wide long random1 random2 random3 random4 random5; do
		# shellcheck disable=SC2016
		run timeout "$(seconds 1)" sh -c 'ulimit -v "$2"; exec "$0" check "$1"' "$SANDBOX" "./$input.conf" "$bytes"
		echo "$input: $status: ${output:0:200}"
		[ "$status" -eq 121 ]
		[ "${#output}" -lt 20000 ]
	done
}

@test "a profile that is a FIFO does not block" {
	mkfifo fifo.conf
	run timeout "$(seconds 2)" "$SANDBOX" check ./fifo.conf
	assert_status 121
	assert_output "cannot use profile ./fifo.conf: not a regular file"
}

@test "a profile that others can write is refused" {
	profile <<-EOT
		format = 1;
	EOT
	chmod 0666 "$PROFILE"
	run "$SANDBOX" check "$PROFILE"
	assert_status 121
	assert_output "it can be written by anybody"
	chmod 0644 "$PROFILE"
	run "$SANDBOX" check "$PROFILE"
	assert_status 0
}

@test "a profile of another user is refused, one of root's is not" {
	as_root_only
	profile <<-EOT
		format = 1;
	EOT
	run as_user sandbox check "$PROFILE"
	assert_status 0
	chown 1234 "$PROFILE"
	run as_user sandbox check "$PROFILE"
	assert_status 121
	assert_output "it belongs to another user"
	run sandbox check "$PROFILE"
	assert_status 121
	run env SUDO_UID=1234 "$SANDBOX" check "$PROFILE"
	assert_status 0
}

@test "show reads back to the same" {
	for profile in "$CHECKOUT"/profiles/*.conf; do
		cp "$profile" "$CHECKOUT"/profiles/*.conf "$TMP/"
		"$SANDBOX" show -p "$TMP/$(basename "$profile")" >"$TMP/first.conf"
		"$SANDBOX" show -p "$TMP/first.conf" >"$TMP/second.conf"
		diff "$TMP/first.conf" "$TMP/second.conf"
		"$SANDBOX" show --all -p "$TMP/$(basename "$profile")" >"$TMP/all.conf"
		"$SANDBOX" show -p "$TMP/all.conf" | diff "$TMP/first.conf" -
	done
}
