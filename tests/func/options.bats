# options: the short forms of the command line, as root and as an ordinary user.
load ../lib/common

@test "--ro shows a path, --rw lets it be written" {
	mkdir "$TMP/shown" "$TMP/work"
	echo text >"$TMP/shown/file"
	run sandbox --ro "$TMP/shown" -- cat "$TMP/shown/file"
	assert_status 0
	assert_line text
	run sandbox --ro "$TMP/shown" -- touch "$TMP/shown/new"
	assert_status 1
	assert_output "Read-only file system"
	sandbox --rw "$TMP/work" -- touch "$TMP/work/new"
	[ "$(stat -c %u "$TMP/work/new")" = "$(id -u)" ]
	[ ! -e "$TMP/shown/new" ]
}

@test "--rw for an ordinary user" {
	as_user mkdir "$USER_TMP/work"
	as_user sandbox --rw "$USER_TMP/work" -- touch "$USER_TMP/work/new"
	[ "$(stat -c %u "$USER_TMP/work/new")" = "$(as_user id -u)" ]
}

@test "paths are not shown unless asked for" {
	echo text >"$TMP/file"
	run sandbox -- cat "$TMP/file"
	assert_status 1
	run sandbox --ro "$TMP/file" -- cat "$TMP/file"
	assert_line text
}

@test "a path with a quote, a backslash, a dollar and a space" {
	path="$TMP/"'a "b\c$d e'
	mkdir "$path"
	echo text >"$path/file"
	run sandbox --ro "$path" --chdir "$path" -- cat file
	assert_status 0
	assert_line text
}

@test "--env adds a variable, --chdir sets the directory" {
	run sandbox --env 'GREETING=hello $HOME ${USER}' --chdir /usr -- sh -c 'echo "$GREETING"; pwd'
	assert_status 0
	assert_line 'hello $HOME ${USER}'
	assert_line /usr
	# With every byte that a variable can have.
	value=$(printf '\001\t\033[31m\177\\"\303\251\377.')
	run sandbox --env "VALUE=$value" -- sh -c 'printf %s "$VALUE"'
	assert_status 0
	[ "$output" = "$value" ]
	mkdir "$TMP/$value"
	run sandbox --rw "$TMP/$value" -- test -w "$TMP/$value"
	assert_status 0
}

@test "what would be ignored is refused: -s extends, and an empty path" {
	run sandbox -s 'extends=["strict"]' -- true
	assert_status 121
	assert_output 'with -p'
	run sandbox -p "$CHECKOUT/profiles/default.conf" -p "$CHECKOUT/profiles/strict.conf" -- true
	assert_status 0
	run sandbox -p "$CHECKOUT/profiles/shell.conf" -D dir= -- true
	assert_status 121
	assert_output '-D dir=: is empty'
	cd "$TMP"
	run sandbox -p "$CHECKOUT/profiles/shell.conf" -D dir=. -- true
	assert_status 0
}

@test "--net host shows the host's interfaces, nothing else does" {
	run sandbox --net none -- sh -c 'grep -c : /proc/net/dev'
	assert_line 1
	run sandbox --net host -- sh -c 'cut -d: -f1 /proc/net/dev'
	for name in $(cd /sys/class/net && echo *); do
		[ ! -e "/sys/class/net/$name/ifindex" ] || assert_output "$name"
	done
}

@test "--dry-run explains and runs nothing" {
	run sandbox --rw "$TMP" --dry-run -- touch "$TMP/new"
	assert_status 0
	assert_output "$TMP: bind of $TMP"
	[ ! -e "$TMP/new" ]
}

@test "options stop at the first word that is none" {
	run sandbox run -s hostname=abc echo -s hostname=xyz --version
	assert_status 0
	assert_line "-s hostname=xyz --version"
}

@test "a word that is no command of ours runs nothing" {
	run sandbox chekc profile.conf
	assert_status 120
	refute_output "not found"
}

@test "help is on standard output, at most 80 columns wide; a wrong option is on standard error" {
	"$SANDBOX" help >"$TMP/help" 2>"$TMP/error"
	[ ! -s "$TMP/error" ]
	grep -q -- --profile "$TMP/help"
	run awk 'length > 80' "$TMP/help"
	[ -z "$output" ]
	status=0
	"$SANDBOX" --no-such-option >"$TMP/out" 2>"$TMP/error" || status=$?
	assert_status 120
	[ ! -s "$TMP/out" ]
	grep -q no-such-option "$TMP/error"
}

@test "--version" {
	run sandbox --version
	assert_status 0
	[[ $output == sandbox\ [0-9]* ]]
}
