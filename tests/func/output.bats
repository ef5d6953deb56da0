# output: what commands print: no line wider than a page, nothing that drives a terminal, JSON that every parser reads,
# whatever the names in it are.

bats_require_minimum_version 1.5.0
load ../lib/common

COMMANDS=("explain" "show" "show --all" "compare" "audit")

setup() {
	# Bytes that are no UTF-8, and a control of C1 in UTF-8: ESC itself no profile may hold.
	BAD=$TMP/$(printf 'b\xff\xc2\x9b31m')
	mkdir "$BAD"
}

# Whether there is no byte that a terminal would obey, or take for a part of a character.
assert_plain() {
	local found=0

	LC_ALL=C grep -qaP '[\x00-\x08\x0b-\x1f\x7f-\xff]' "$1" || found=$?
	[ "$found" -eq 1 ] || _wrong "$1 has bytes that are not plain"
}

@test "names that are no UTF-8 or drive a terminal come out as \\xNN, in text and in messages" {
	printf 'a\xff' >"$TMP/control"
	run -1 assert_plain "$TMP/control"
	for command in "${COMMANDS[@]}"; do
		# shellcheck disable=SC2086 # words
		sandbox $command --rw "$BAD" --env "A=$BAD" >"$TMP/out"
		assert_plain "$TMP/out"
		[ "$command" = compare ] || grep -qaF '\xff' "$TMP/out" || _wrong "$command does not show the name"
	done
	run sandbox -p "$BAD/none.conf" -- true
	assert_status 121
	printf '%s\n' "$output" >"$TMP/out"
	assert_plain "$TMP/out"
	assert_output 'b\xff\xc2\x9b31m/none.conf: no such file'
}

@test "JSON is UTF-8 without a key twice, whatever the names are" {
	for command in "${COMMANDS[@]}" doctor "explain hide" "explain @default" schema list; do
		arguments=()
		case $command in explain | show* | compare | audit) arguments=(--rw "$BAD" --env "A=$BAD") ;; esac
		read -ra words <<<"$command"
		sandbox "${words[0]}" --json "${arguments[@]}" "${words[@]:1}" >"$TMP/out.json"
		python3 - "$TMP/out.json" <<-'END'
			import json, sys

			def once(pairs):
			    names = [name for name, _ in pairs]
			    assert len(set(names)) == len(names), names
			    return dict(pairs)

			def constant(word):
			    raise ValueError(word)

			text = open(sys.argv[1], "rb").read().decode("utf-8")
			json.loads(text, object_pairs_hook=once, parse_constant=constant)
		END
	done
}

@test "show reads back to the same, bytes that are no UTF-8 included, in lines of a page" {
	profile <<-EOF
		format = 1;
		mounts = (
			{ type = "file"; target = "/a"; content = "$(printf 'a line of it\\n%.0s' {1..20})"; },
			{ type = "file"; target = "/b"; content = "one \\\\ two \\" three\\n"; },
			{ type = "bind"; target = "$(printf '/directory%.0s' {1..8})"; source = "/usr"; optional = true; exec = false; }
		);
		process = { env = [ $(printf '"VARIABLE_%s=value", ' {1..20}) "LAST=\\xff\\xc2\\x9b" ]; };
	EOF
	sandbox show -p "$PROFILE" >"$TMP/once.conf"
	sandbox show -p "$TMP/once.conf" | diff "$TMP/once.conf" -
	[ "$(expand "$TMP/once.conf" | LC_ALL=C.UTF-8 wc -L)" -le 100 ] || _wrong "$(cat "$TMP/once.conf")"
	diff <(sandbox show --json -p "$PROFILE") <(sandbox show --json -p "$TMP/once.conf")
	[ "$(sandbox show --json -p "$PROFILE" | jq -r '.mounts[0].content' | grep -c '^a line of it$')" -eq 20 ]
	grep -qF 'LAST=\xff\xc2\x9b' "$TMP/once.conf"
}

@test "what the schema knows is told in lines of a page as well" {
	for command in schema help "help exec" "explain @default" "explain @no-set-id" "explain hide" "explain mounts"; do
		# shellcheck disable=SC2086 # words
		sandbox $command >"$TMP/told"
		[ -s "$TMP/told" ]
		expand "$TMP/told" >"$TMP/out"
		[ "$(LC_ALL=C.UTF-8 wc -L <"$TMP/out")" -le 100 ] || _wrong "sandbox $command"
	done
}

@test "a message is a line, and lines of a page on a terminal" {
	local word

	word=$(printf 'a%.0s' {1..40})
	run env HOME="$TMP" "$SANDBOX" -p "$word" -- true
	[ "${#lines[@]}" -eq 2 ] || _wrong "not two lines"
	run env HOME="$TMP" NO_COLOR=1 "$CHECKOUT/tests/lib/terminal" sh -c 'stty cols 200; exec "$0" "$@"' "$SANDBOX" -p "$word" -- true \
		</dev/null
	[ "${#lines[@]}" -gt 2 ] || _wrong "not broken"
	[ "$(wc -L <<<"$output")" -le 100 ] || _wrong "wider than a page"
}
