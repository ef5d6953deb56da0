# newcomer: what the command line says to somebody who does not know it yet, or types in a hurry: a word in the wrong place
# is never passed over, and what was nearly right gets the right word.

bats_require_minimum_version 1.5.0
load ../lib/common

setup() {
	export HOME=$TMP/home XDG_CONFIG_HOME=$TMP/config
	mkdir -p "$HOME" "$XDG_CONFIG_HOME/sandbox/profiles" "$TMP/here/profiles"
	printf 'format = 1;\nname = "mine";\n' >"$XDG_CONFIG_HOME/sandbox/profiles/tighter.conf"
	cp "$XDG_CONFIG_HOME/sandbox/profiles/tighter.conf" "$TMP/here/profiles/local.conf"
	cp "$XDG_CONFIG_HOME/sandbox/profiles/tighter.conf" "$TMP/here/beside.conf"
	cd "$TMP/here" || exit
}

@test "a word behind a command that takes none is refused: it is not the profile that is asked about" {
	for command in show doctor audit; do
		run sandbox "$command" tighter
		assert_status 120
		assert_output "a profile goes behind -p: sandbox $command -p tighter"
	done
	for command in list gc schema version; do
		run sandbox "$command" tighter
		assert_status 120
		assert_output "\`sandbox $command\` takes no word: tighter"
	done
	run sandbox show -p tighter
	assert_status 0
	assert_line 'name = "mine";'
}

@test "a command, option, key or set of system calls that is nearly right" {
	run sandbox explian
	assert_status 120
	assert_output "did you mean \`sandbox explain\`?"
	run sandbox --profil tighter -- true
	assert_status 120
	assert_output "did you mean --profile?"
	run sandbox explain cgroup.memroy.max
	assert_status 120
	assert_output "did you mean cgroup.memory.max?"
	run sandbox explain @netwrk-io
	assert_status 120
	assert_output "did you mean @network-io?"
	run sandbox quite-something-else
	assert_status 120
	refute_output "did you mean"
}

@test "a profile that is nearly right, or lies where a path would find it" {
	run sandbox -p tigther -- true
	assert_status 121
	assert_output "did you mean -p tighter?"
	run sandbox -p local -- true
	assert_output "did you mean -p profiles/local.conf?"
	run sandbox -p beside -- true
	assert_output "did you mean -p ./beside.conf?"
	run sandbox -p profiles/local -- true
	assert_output "did you mean -p profiles/local.conf?"
	run sandbox -p local.conf -- true
	assert_output "did you mean -p profiles/local.conf?"
	run sandbox check local
	assert_output "did you mean profiles/local.conf?"
	printf 'format = 1;\nextends = [ "tigther" ];\n' >extends.conf
	run sandbox check ./extends.conf
	assert_output "did you mean tighter?"
	run sandbox -p nothing-like-it -- true
	assert_status 121
	refute_output "did you mean"
	# What was proposed is right.
	sandbox check profiles/local.conf ./beside.conf tighter
}

@test "a command of ours behind the options" {
	run -127 sandbox -p default explain
	assert_output "sandbox's own command goes first: sandbox explain ..."
	# A program may be called so.
	run sandbox -p default kill -l
	assert_status 0
	refute_output "goes first"
}

@test "names that cannot be one, and records that have no name, are refused before anything runs" {
	for name in "" "a b" "-x" ".x" "$(printf 'x%.0s' {1..65})" $'a\xff' ../x; do
		run sandbox --name "$name" --rw "$PWD" -- touch "$PWD/ran"
		assert_status 120
	done
	for file in "" nowhere/record; do
		run sandbox --status-file "$file" --rw "$PWD" -- touch "$PWD/ran"
		assert_status 120
	done
	[ ! -e ran ]
	sandbox --name "$(printf 'x%.0s' {1..64})" --status-file record --rw "$PWD" -- touch "$PWD/ran"
	[ -e ran ]
	[ -s record ]
}

@test "--ro and --rw take a path from where the caller stands" {
	mkdir -p sub
	run sandbox --rw . --chdir "$PWD" -- sh -c 'pwd; touch sub/made'
	assert_status 0
	assert_line "$PWD"
	[ -e sub/made ]
	run sandbox --ro sub/../sub --chdir "$PWD/sub" -- sh -c 'ls; touch other'
	assert_status 1
	assert_line made
	[ ! -e sub/other ]
	run sandbox --rw nowhere -- true
	assert_status 120
	assert_output "cannot show nowhere inside: No such file or directory"
}

@test "help of one command is of that one" {
	run sandbox help doctor
	assert_status 0
	assert_line "usage: sandbox doctor [OPTION ...]"
	refute_output "--threshold"
	run sandbox help audit
	assert_output "--threshold"
	run sandbox help doctr
	assert_status 120
	assert_output "did you mean \`sandbox doctor\`?"
}

@test "check takes a profile like every other command, several as layers, and answers in JSON" {
	printf 'format = 1;\nhostnam = "x";\nextends = [ "tighter" ];\n' >wrong.conf
	sandbox check -p tighter
	run sandbox check -p ./wrong.conf
	assert_status 121
	assert_output "wrong.conf:2: hostnam: unknown key"
	run sandbox check -p tighter -p ./beside.conf
	assert_status 0
	run sandbox check --json tighter
	assert_status 0
	[ "$(jq -c . <<<"$output")" = '{"valid":true,"errors":[]}' ]
	run --separate-stderr sandbox check --json ./wrong.conf tighter nowhere
	assert_status 121
	# shellcheck disable=SC2154 # set by run
	[ -z "$stderr" ]
	[ "$(jq -c '[.valid, (.errors | length), .errors[0].file, .errors[0].line, .errors[0].key]' <<<"$output")" = \
		'[false,2,"./wrong.conf",2,"hostnam"]' ]
	jq -e '.errors[0].message | test("unknown key; did you mean `hostname`")' <<<"$output"
	jq -e '.errors[1].line == null and (.errors[1].message | test("nowhere"))' <<<"$output"
	# What only a stage knows.
	run sandbox check --json -s 'users.groups=[ 70000, 70000 ]' -s users.map=root tighter
	[ "$(jq -r .valid <<<"$output")" = false ]
}

@test "a full disk is told, by every command that prints" {
	for command in help version schema "schema --json" doctor show audit explain "explain hide" "explain @default" \
		"check --json default"; do
		# shellcheck disable=SC2086 # words
		run --separate-stderr sh -c '"$0" "$@" >/dev/full' "$SANDBOX" $command
		assert_status 125
		[[ $stderr == *"cannot "*": No space left on device"* ]] || _wrong "$command says nothing"
	done
}
