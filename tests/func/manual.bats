# manual: what the program knows is in its pages: every key, option, command, set of system calls, exit status, field of the
# verdict record and variable of the environment. The examples of the pages are run by examples.bats, mandoc's opinion is
# asked by tests/lint/manuals.

bats_require_minimum_version 1.5.0
load ../lib/common

MADE=$(dirname "$SANDBOX")/man # `make manuals`

setup_file() {
	for page in "$MADE"/*.[1-9]; do
		mandoc -T utf8 -O width=1000 "$page" | col -bx >"$BATS_FILE_TMPDIR/$(basename "$page").txt"
	done
}

setup() {
	PAGES=$BATS_FILE_TMPDIR
}

# The keys of the language, a line each.
keys() {
	sed -n 's/.*{ *key = "\([^"]*\)".*/\1/p' "$CHECKOUT/schema/profile.schema"
}

# heads PAGE: what stands as the head of an item there.
heads() {
	sed -n 's/^     \([^ ].*\)$/\1/p' "$PAGES/$1.txt"
}

# in_page PAGE WORD: as a word, not as a part of one.
in_page() {
	grep -qE -- "(^|[^A-Za-z0-9_.-])$2($|[^A-Za-z0-9_-])" "$PAGES/$1.txt" || { echo "$1 lacks $2"; return 1; }
}

@test "the pages are the four" {
	run ls "$MADE"
	[ "$output" = "sandbox-profiles.7
sandbox-security.7
sandbox.1
sandbox.conf.5" ]
	run -1 in_page sandbox.1 no-such-word-at-all
	# Those that they refer to are there.
	for page in $(grep -ohE '^\.Xr sandbox[a-z.-]* [0-9]' "$MADE"/* | sort -u | awk '{ print $2 "." $3 }'); do
		[ -e "$MADE/$page" ] || { echo "no such page: $page"; return 1; }
	done
}

@test "every key is in sandbox.conf(5), with type, range, default, example, since, and what it needs of the kernel" {
	local key facts told ranges=0 values=0 needs=0

	[ "$(keys | wc -l)" -gt 150 ]
	for key in $(keys); do
		# What follows the key's own line, up to the next item.
		facts=$(awk -v key="$key" '$1 == key && /^     [^ ]/ { inside = 1; print; next } inside && /^     [^ ]/ { exit }
			inside' "$PAGES/sandbox.conf.5.txt")
		[ -n "$facts" ] || { echo "sandbox.conf(5) lacks $key"; return 1; }
		for fact in "Default: " "Example: " "Since "; do
			[[ $facts == *"$fact"* ]] || { echo "$key: no $fact"; return 1; }
		done
		# The paragraph of the facts begins with the type.
		grep -qE '^ {13}An? .*Default: ' <<<"$facts" || { echo "$key: not its type"; return 1; }
		told=$(sandbox explain --json "$key")
		if jq -e '.kernel // "Linux 5.15" | . != "Linux 5.15"' <<<"$told" >/dev/null; then
			[[ $facts == *"Kernel: "* ]] || { echo "$key: not what it needs of the kernel"; return 1; }
			needs=$((needs + 1))
		fi
		range=$(jq -r '.range // empty' <<<"$told")
		[[ -z $range || ${facts//\\/} == *"$range"* ]] || { echo "$key: not its range, $range"; return 1; }
		[ -z "$range" ] || ranges=$((ranges + 1))
		for value in $(jq -r '.values[]' <<<"$told"); do
			grep -qE "(^|[^A-Za-z0-9_-])$value($|[^A-Za-z0-9_-])" <<<"$facts" ||
				{ echo "$key: not its value $value"; return 1; }
			values=$((values + 1))
		done
	done
	[ "$ranges" -gt 30 ]
	[ "$values" -gt 30 ]
	[ "$needs" -gt 10 ]
}

@test "every set of system calls is in sandbox.conf(5)" {
	local name count=0

	for name in $(sed -n 's/^{ name = "\(@[^"]*\)".*/\1/p' "$CHECKOUT/schema/syscall-sets.schema"); do
		in_page sandbox.conf.5 "$name"
		sandbox explain "$name" >/dev/null
		count=$((count + 1))
	done
	[ "$count" -ge 10 ]
}

@test "every option and command is in sandbox(1), and in the help" {
	local word count=0

	sandbox help >"$PAGES/help.txt"
	for word in $(awk '/^options/ { options = 1 }
		match($0, /^{ name = "[^"]*"/) { split($0, part, "\""); print (options ? "--" : "") part[2] }
		match($0, /short = "[^"]*"/) { split(substr($0, RSTART), part, "\""); print "-" part[2] }' \
		"$CHECKOUT/schema/options.schema"); do
		in_page sandbox.1 "$word"
		in_page help "$word"
		count=$((count + 1))
	done
	[ "$count" -ge 35 ]
	# Each command has words of its own beside those of the table.
	for word in check explain show doctor compare audit; do
		grep -qxE "   $word( .*)?" "$PAGES/sandbox.1.txt" || { echo "sandbox(1) has no section on $word"; return 1; }
	done
}

@test "every exit status is in sandbox(1), and in the help" {
	local status

	for status in $(sed -n 's/.*EXIT_OF_[A-Z_]* = \([0-9]*\).*/\1/p' "$CHECKOUT/src/base/error.h") 126 127; do
		heads sandbox.1 | grep -qE "^$status( |$)" || { echo "sandbox(1) lacks exit status $status"; return 1; }
		[ "$status" -lt 120 ] || sandbox help | grep -qE "(^|[^0-9])$status([^0-9]|$)" || { echo "help lacks $status"; return 1; }
	done
	[ "$(grep -c 'EXIT_OF_[A-Z_]* = ' "$CHECKOUT/src/base/error.h")" -ge 7 ]
}

# What sandbox(1) says of 120 and 121 where either might be expected.
@test "what is not there is a wrong command line or a wrong profile, as sandbox(1) says" {
	local words

	for words in 'explain no.such.key' 'explain @no-such-set' 'kill no-such-sandbox' 'exec no-such-sandbox true' check \
		'check -s hostname=a'; do
		# shellcheck disable=SC2086 # words
		run -120 sandbox $words
	done
	for words in '-s no.such.key=1 -- true' 'explain -s no.such.key=1' '-D nothing=1 -- true' '-p no-such-profile' \
		'check no-such-profile'; do
		# shellcheck disable=SC2086 # words
		run -121 sandbox $words
	done
	sandbox check default
	sandbox check -p default
	tr -s ' \n' ' ' <"$PAGES/sandbox.1.txt" >"$TMP/text"
	grep -qF "names a sandbox that is not there, or asks explain for a key or set that is not there" "$TMP/text"
	grep -qF "what -s and -D say counts as part of it" "$TMP/text"
	grep -qF "Default: default; check has none" "$TMP/text"
}

@test "every field and verdict of the record is in sandbox(1)" {
	local word count=0

	for word in $(jq -r '.properties | keys[], (.failure.properties | keys[]), (.verdict.enum[]), (.limits_hit.items.enum[]),
		(.timings.items.properties | keys[])' "$CHECKOUT/schema/verdict.schema.json"); do
		sed -n '/^THE VERDICT RECORD/,/^ENVIRONMENT/p' "$PAGES/sandbox.1.txt" | grep -qE "(^|[^a-z_-])$word([^a-z_-]|$)" ||
			{ echo "not among the fields of sandbox(1): $word"; return 1; }
		count=$((count + 1))
	done
	[ "$count" -ge 40 ]
}

@test "every variable that the program reads is in sandbox(1)" {
	local name count=0

	for name in $(grep -rhoE '(getenv|environ_get)\([^"()]*"[A-Z_]+"\)' "$CHECKOUT/src" | grep -oE '[A-Z_]{2,}' | sort -u); do
		[ "$name" != PATH ] || continue
		in_page sandbox.1 "$name"
		count=$((count + 1))
	done
	[ "$count" -ge 6 ]
}

@test "every shipped base is in sandbox-profiles(7), and every test that sandbox-security(7) names is there" {
	local name test count=0

	for name in base strict build service; do
		heads sandbox-profiles.7 | grep -qE "^$name( |$)" || { echo "sandbox-profiles(7) lacks $name"; return 1; }
		[ -e "$CHECKOUT/profiles/$name.conf" ]
	done
	for test in $(grep -oE '(attack|func|fault)/[a-z_]+' "$PAGES/sandbox-security.7.txt" | sort -u); do
		[ -e "$CHECKOUT/tests/$test.bats" ] || { echo "there is no tests/$test.bats"; return 1; }
		count=$((count + 1))
	done
	[ "$count" -ge 10 ]
	count=0
	# Behind a colon: the attempts of the corpus.
	for test in $(grep -oE 'attack/probe: [a-z0-9_, ]+' "$PAGES/sandbox-security.7.txt" | sed 's/.*: //; s/,/ /g'); do
		grep -q "^$test	" "$CHECKOUT/tests/attack/corpus.tsv" || { echo "no attempt is called $test"; return 1; }
		count=$((count + 1))
	done
	[ "$count" -ge 10 ]
}
