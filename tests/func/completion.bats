# completion: what real shells offer: commands and options, keys and their values after -s, profiles after -p, parameters
# after -D, programs and files elsewhere. The three scripts ask one list of words, made from the schema.

bats_require_minimum_version 1.5.0
load ../lib/common

SCRIPTS=$(dirname "$SANDBOX")/completion # `make completions`

setup() {
	export HOME=$TMP XDG_CONFIG_HOME=$TMP/config
	mkdir -p "$XDG_CONFIG_HOME/sandbox/profiles" "$TMP/bin"
	cat >"$XDG_CONFIG_HOME/sandbox/profiles/mine-only.conf" <<-'END'
		format = 1;
		description = "a profile of the test's";
		params = ( { name = "where"; type = "path"; default = "/"; }, { name = "whence"; default = "x"; } );
	END
	cp "$CHECKOUT"/profiles/*.conf "$XDG_CONFIG_HOME/sandbox/profiles"
	touch "$TMP/some-file"
	cd "$TMP" || exit
	PATH=$(dirname "$SANDBOX"):$PATH
}

running() {
	sandbox list | grep -q completion-test
}

# Each: what the last of the words may become, a line each.
in_bash() {
	bash --norc -c '
		source "$0/sandbox.bash"
		complete -p sandbox >/dev/null || exit
		COMP_WORDS=(sandbox "$@") COMP_CWORD=$#
		_sandbox
		printf "%s\n" "${COMPREPLY[@]}"' "$SCRIPTS" "$@"
}

in_fish() {
	fish -N "$CHECKOUT/tests/lib/complete.fish" "$SCRIPTS/sandbox.fish" "sandbox $1"
}

# What the line becomes when the key for completion is pressed.
in_zsh() {
	zsh -f "$CHECKOUT/tests/lib/complete.zsh" "$SCRIPTS" "sandbox $1"
}

# becomes TYPED WHOLE: fish offers the last word of WHOLE, and zsh completes the line to it.
becomes() {
	run in_fish "$1"
	assert_status 0
	grep -qxF -- "${2##* }" <(cut -f1 <<<"$output") || _wrong "fish does not offer ${2##* }"
	run in_zsh "$1"
	[ "${output% }" = "sandbox $2" ] || _wrong "zsh: not sandbox $2"
}

@test "bash: commands, and the options of each" {
	run in_bash ""
	for name in run check explain show doctor gc help; do
		assert_line "$name"
	done
	run in_bash ch
	[ "$output" = check ]
	run in_bash show --
	assert_line --all
	refute_output --timings
	run in_bash run --
	assert_line --timings
	refute_output --all
	run in_bash help "do"
	[ "$output" = doctor ]
}

@test "bash: keys after -s, and the words that are values of one" {
	run in_bash -s cgroup.memory.
	assert_line cgroup.memory.max=
	refute_output pids
	# As bash itself takes the words apart.
	run in_bash -s network.mode = ve
	[ "$output" = veth ]
	run in_bash --set no_new_privs =
	assert_line true
	assert_line false
	run in_bash -s cgroup.pids.max =
	assert_line unlimited
	run in_bash -s mount
	assert_line mounts=
	assert_line "mounts["
	run in_bash -s 'mounts[/tmp].acc'
	[ "$output" = "mounts[/tmp].access=" ]
	run in_bash -s 'mounts[/tmp].access' = read-w
	[ "$output" = read-write ]
	# A list of words is no word.
	run in_bash -s namespaces = u
	[ -z "$output" ]
	run in_bash explain 'mounts[].acc'
	[ "$output" = "mounts[].access" ]
}

@test "bash: profiles after -p and check, parameters after -D, modes after --net" {
	for words in -p "explain --profile" check "doctor -p default -p"; do
		# shellcheck disable=SC2086 # words
		run in_bash $words mine-
		[ "$output" = mine-only ]
		# shellcheck disable=SC2086 # words
		run in_bash $words some-
		[ "$output" = some-file ]
	done
	run in_bash -p mine-only -D ""
	assert_line where=
	assert_line whence=
	run in_bash -p ./mine-only.conf -D ""
	[ -z "$output" ]
	run in_bash --net pas
	[ "$output" = pasta ]
}

@test "bash: parameters of what a profile extends, values stuck to their options, sets of system calls" {
	cat >"$XDG_CONFIG_HOME/sandbox/profiles/above.conf" <<-'END'
		format = 1;
		extends = [
			"mine-only", "above",
			"./../profiles/mine-too.conf"
		];
		params = ( { name = "own"; } );
	END
	printf 'format = 1;\nparams = ( { name = "other"; } );\n' >"$XDG_CONFIG_HOME/sandbox/profiles/mine-too.conf"
	for words in "-p above" "--profile=above" "-p $XDG_CONFIG_HOME/sandbox/profiles/above.conf"; do
		# shellcheck disable=SC2086 # words
		run in_bash $words -D ""
		[ "$(sort <<<"$output" | xargs)" = "other= own= whence= where=" ] || _wrong "$words"
	done
	run in_bash --profile = mine-o
	[ "$output" = mine-only ]
	run in_bash show --profile = mine-o
	[ "$output" = mine-only ]
	run in_bash explain @ network-
	[ "$output" = network-io ]
	run in_bash explain @
	assert_line default
	# After an @ elsewhere there are no sets.
	run in_bash show @
	[ -z "$output" ]
}

@test "bash: nothing of a profile's that a shell would run" {
	# shellcheck disable=SC2016
	printf '%s\n' 'params = ( { name = "$(touch ran)"; }, { name = "a;b"; }, { name = "plain"; } );' >strange.conf
	run in_bash -p ./strange.conf -D ''
	assert_line plain=
	refute_output touch
	refute_output 'a;b'
}

@test "bash: what is to be run is the host's programs and files" {
	run in_bash -- unshar
	assert_line unshare
	run in_bash -p mine-only -- unshare some-
	[ "$output" = some-file ]
	# No option of ours any more.
	run in_bash -p mine-only -- unshare --ti
	refute_output --timings
	run in_bash -p mine-only --ti
	assert_line --timings
}

@test "bash: running sandboxes, and signals for them" {
	as_root_only
	run in_bash kill ""
	refute_output "completion-test"
	"$SANDBOX" --name completion-test -- sleep 60 3>&- &
	wait_until 10 running
	run in_bash kill completion-t
	[ "$output" = completion-test ]
	run in_bash exec completion-test unshar
	assert_line unshare
	run in_bash kill completion-test TE
	[ "$output" = TERM ]
	sandbox kill completion-test
}

@test "zsh and fish: commands and options" {
	becomes chec check
	becomes "show --prof" "show --profile"
	becomes "help doct" "help doctor"
}

@test "zsh and fish: keys after -s, and the words that are values of one" {
	becomes "-s cgroup.memory.hi" "-s cgroup.memory.high="
	becomes "-s network.mode=ve" "-s network.mode=veth"
	becomes "explain cgroup.memory.hi" "explain cgroup.memory.high"
	becomes "explain @network-" "explain @network-io"
	run in_fish "-s mounts[/tmp].acc"
	assert_output "mounts[/tmp].access="
	run in_zsh '-s mounts\[/tmp\].acc'
	assert_output 'sandbox -s mounts\[/tmp\].access='
}

@test "zsh and fish: profiles after -p, parameters after -D, files and programs" {
	becomes "-p mine-o" "-p mine-only"
	becomes "check mine-o" "check mine-only"
	becomes "-p some-fi" "-p some-file"
	becomes "-p mine-only -D wher" "-p mine-only -D where="
	becomes "--net pas" "--net pasta"
	becomes "-- unshar" "-- unshare"
	becomes "-- unshare some-f" "-- unshare some-file"
	run in_fish "-p mine-o"
	assert_output "a profile of the test's"
}

@test "every key, command and option of the schema is in all three" {
	local word
	local -a words

	mapfile -t words < <(sed -n 's/^{ *name = "\([^"]*\)".*/\1/p' "$CHECKOUT/schema/options.schema"
		sed -n 's/.*{ *key = "\([^"]*\)".*/\1/p' "$CHECKOUT/schema/profile.schema")
	[ "${#words[@]}" -gt 150 ]
	for word in "${words[@]}"; do
		for script in sandbox.bash _sandbox sandbox.fish; do
			cut -f1 "$SCRIPTS/$script" | grep -qxF -e "$word" -e "--$word" || { echo "$script lacks $word"; return 1; }
		done
	done
}
