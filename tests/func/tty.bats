# tty: the payload gets a terminal of its own, or pipes; the caller's stays out of its reach and comes back as it was.
# shellcheck disable=SC2016 # scripts in single quotes are for the shell inside
load ../lib/common

terminal=$BATS_TEST_DIRNAME/../lib/terminal

# on_terminal [--stdin F] [--stdout F] [--stderr F] CMD... <STEPS
on_terminal() {
	run "$terminal" "$@"
}

typing='while read -r line; do echo "read $line"; done; echo end'

# ---- a pseudo-terminal

@test "on a terminal the payload gets one of its own, with its size" {
	on_terminal "$SANDBOX" run -- sh -c 'tty; stty size; ps -o pid=,sid=,tty= | head -1; readlink /proc/self/fd/2' <<-END
		expect 24 80
	END
	assert_status 0
	assert_line /dev/pts/0
	[ "$(grep -c '^/dev/pts/0$' <<<"$output")" -eq 2 ]
	[[ $output =~ 2\ +2\ +pts/0 ]]
}

@test "an ordinary user gets one too, and may open it by name" {
	on_terminal setpriv --reuid=65534 --regid=65534 --clear-groups -- "$(_user_sandbox)" run -- sh -c 'echo by name >"$(tty)"; echo by tty >/dev/tty' </dev/null
	assert_status 0
	assert_line "by name"
	assert_line "by tty"
}

@test "keys go inside, raw, and the inner terminal echoes and edits" {
	on_terminal "$SANDBOX" run -- sh -c "$typing" <<-'END'
		raw
		send hellp\x7fo\n
		expect read hello
		send \x04
		expect end
	END
	assert_status 0
}

@test "a key that interrupts does so inside" {
	on_terminal "$SANDBOX" run -- sh -c 'trap "echo caught; exit 9" INT; echo ready; while :; do sleep 0.1; done' <<-'END'
		expect ready
		send \x03
		expect caught
	END
	assert_status 9
}

@test "a new size reaches the payload" {
	on_terminal "$SANDBOX" run -- sh -c 'trap "stty size" WINCH; echo ready; for i in $(seq 100); do sleep 0.1; done' <<-'END'
		expect ready
		resize 30 100
		expect 30 100
		send \x03
	END
	assert_status 130
}

@test "an interactive shell has job control" {
	on_terminal "$SANDBOX" run -- bash --norc -i <<-'END'
		expect $
		send sh -c 'echo run""ning; exec sleep 100'\n
		expect running
		send \x1a
		expect Stopped
		send disown; exit 4\n
	END
	assert_status 4
	refute_output "no job control"
}

@test "the caller's terminal is put back: after an exit, a failure, a limit" {
	for end in 'exit 3' 'kill -KILL $$' 'sleep 60'; do
		on_terminal sh -c '"$@"; echo "status $?"; stty -a | grep -o " icanon.*\| echo .*"; read -r x; echo "again $x"' sh \
			"$SANDBOX" run -s process.time_limit=1s -- sh -c "echo ready; $end" <<-'END'
			expect ready
			expect status
			cooked
			send typed\n
			expect again typed
		END
		assert_status 0
	done
	on_terminal sh -c '"$@"; echo "status $?"; read -r x' sh "$SANDBOX" run -- /nonexistent <<-'END'
		expect status 127
		cooked
		send \n
	END
	assert_status 0
}

@test "all output arrives, with a program left behind that holds the terminal" {
	on_terminal "$SANDBOX" run -- sh -c 'setsid -f sleep 60; seq 20000; echo last' <<-'END'
		expect last
	END
	assert_status 0
	assert_line 20000
}

@test "the output limit counts a terminal as well" {
	on_terminal "$SANDBOX" run -s process.output_limit=2K -- yes </dev/null
	assert_status 124
	assert_output 'process.output_limit: the command was ended'
	[ "$(tr -d '\n' <<<"${output%%sandbox: *}" | wc -c)" -le 2048 ]
}

@test "without a devpts in the profile there is one that is nowhere" {
	profile <<-END
		format = 1;
		root = { source = "$ROOTFS"; };
		mounts = ( { type = "proc"; target = "/proc"; } );
		users = { uid = 0; gid = 0; };
	END
	on_terminal "$SANDBOX" -p "$PROFILE" -- sh -c 'stty size; ls /dev/pts | grep -c .' <<-'END'
		expect 24 80
	END
	assert_line 0
}

@test "what the image puts in the place of the multiplexer is not used" {
	mkdir -p "$TMP/root/dev" "$TMP/root/bin" "$TMP/root/proc"
	cp "$(command -v busybox)" "$TMP/root/bin/"
	ln -s busybox "$TMP/root/bin/sh"
	for trap in /dev/pts/ptmx /proc/self/fd/0 /nonexistent; do
		ln -sfn "$trap" "$TMP/root/dev/ptmx"
		profile <<-END
			format = 1;
			root = { source = "$TMP/root"; };
			mounts = ( { type = "proc"; target = "/proc"; } );
			users = { uid = 0; gid = 0; };
		END
		on_terminal "$SANDBOX" -p "$PROFILE" -- sh -c 'echo works' <<-'END'
			expect works
		END
		assert_status 0
	done
}

# ---- job control of the caller

@test "stopping gives the terminal back, continuing takes it again" {
	on_terminal "$SANDBOX" run -- sh -c 'for i in $(seq 40); do echo $i; sleep 0.1; done; echo last' <<-'END'
		expect 2
		raw
		signal TSTP
		stopped
		cooked
		continue
		raw
		expect last
	END
	assert_status 0
}

@test "without a terminal inside, the stop key stops the whole job" {
	on_terminal --stdin /dev/null "$SANDBOX" run -- sh -c 'for i in $(seq 30); do sh -c "echo $i"; sleep 0.1; done; echo last' <<-'END'
		expect 3
		cooked
		send \x1a
		stopped
		continue
		expect last
	END
	assert_status 0
}

@test "without a terminal inside, the interrupt key reaches the whole job" {
	on_terminal --stdin /dev/null "$SANDBOX" run -- sh -c 'trap p=1 INT
		sh -c "trap \"echo child; exit\" INT; echo ready; while :; do sleep 0.1; done"; [ "$p" ] && echo parent; exit 8' <<-'END'
		expect ready
		send \x03
		expect child
		expect parent
	END
	assert_status 8
}

# ---- pipes in place of a terminal

@test "a terminal on one side only is a pipe inside" {
	on_terminal --stdout "$TMP/out" "$SANDBOX" run -- sh -c 'for fd in 0 1 2; do [ -t $fd ] && echo "tty $fd"; done; readlink /proc/self/fd/0 /proc/self/fd/2' </dev/null
	assert_status 0
	[ "$(grep -c ^pipe: "$TMP/out")" -eq 2 ]
	if grep tty "$TMP/out"; then false; fi
	on_terminal --stdin /dev/null "$SANDBOX" run -- sh -c '[ ! -t 1 ] && [ ! -t 2 ] && echo none' </dev/null
	assert_line none
}

@test "what is typed arrives through the pipe, and its end" {
	on_terminal --stdout "$TMP/out" "$SANDBOX" run -- sh -c "echo ready >&2; $typing" <<-'END'
		expect ready
		cooked
		send one\n
		send two\n
		send \x04
	END
	assert_status 0
	[ "$(cat "$TMP/out")" = "$(printf 'read one\nread two\nend')" ]
}

@test "never gives no terminal, and shows what is printed" {
	on_terminal "$SANDBOX" run -s process.tty=never -- sh -c '[ -t 0 ] || [ -t 1 ] || [ -t 2 ] || echo none; tty' <<-'END'
		cooked
		expect none
		expect not a tty
	END
	assert_status 1
}

@test "a standard error of its own stays what it is" {
	on_terminal --stderr "$TMP/err" "$SANDBOX" run -- sh -c 'echo shown; echo kept >&2' </dev/null
	assert_status 0
	assert_line shown
	refute_output kept
	[ "$(cat "$TMP/err")" = kept ]
}

@test "always gives a terminal to a caller without one" {
	run sh -c 'printf "one\ntwo" | "$@" | cat' sh "$SANDBOX" run -s process.tty=always -- sh -c "tty; $typing"
	assert_output /dev/pts/0
	assert_output "read one"
	assert_output end
	run sandbox run -s process.tty=always -- sh -c '[ -t 0 ] && [ -t 1 ] && [ -t 2 ] && echo three' </dev/null
	assert_output three
}

@test "inherit hands the caller's terminal in, and cannot be counted" {
	on_terminal "$SANDBOX" run -s process.tty=inherit -- sh -c '[ -t 0 ] && [ -t 1 ] && echo yes' <<-'END'
		cooked
		expect yes
	END
	assert_status 0
	on_terminal "$SANDBOX" run -s process.tty=inherit -s process.output_limit=1M -- true </dev/null
	assert_status 121
	assert_output "cannot count what goes to an inherited terminal"
}

# ---- out of reach

# Types a character into terminal $0's input queue (TIOCSTI), of descriptor 0 or /dev/tty.
inject='perl -e '\''open my $t, "+<", $ARGV[0] or die "$!\n"; for my $c (0x5412, 0x5412 | 1 << 32) { ioctl $t, $c, my $k = "Z" }'\'' '

@test "nothing can be typed into the caller's terminal" {
	for tty in auto never; do
		on_terminal sh -c '"$@"; echo over; read -r x; echo "left: [$x]"' sh \
			"$SANDBOX" run -s process.tty=$tty -s seccomp.default=allow -s 'dangerous=["allow-by-default"]' -- \
			sh -c "$inject /dev/stdin; $inject /dev/tty; echo done" <<-'END'
			expect over
			cooked
			send \n
			expect left: []
		END
		assert_status 0
	done
}

@test "control: outside it can be done" {
	[ "$(cat /proc/sys/dev/tty/legacy_tiocsti 2>/dev/null || echo 1)" = 1 ] || skip "this kernel refuses TIOCSTI to everyone"
	on_terminal sh -c "$inject /dev/tty; "'echo done; read -r x; echo "left: [$x]"' <<-'END'
		expect done
		send \n
		expect left: [Z
	END
	assert_status 0
}

@test "the payload is in no session of the caller's and has none of its terminals" {
	for tty in auto never; do
		on_terminal "$SANDBOX" run -s process.tty=$tty -- sh -c 'ps -o sid= -p $$; : </dev/tty && echo has tty' </dev/null
		[[ $output =~ (^|\ )[12]$'\n' ]]
	done
	refute_output "has tty"
}

# Scripts do `>/dev/stderr`, servers name /dev/stdout as their log: both open it anew.
@test "a pipe in the place of input or output may be opened by name, in its own direction" {
	local limit said=$'one\ntwo\nby name'

	cat >"$TMP/script" <<-'END'
		"$@" sh -c 'echo one >/dev/stdout; echo two >/dev/stderr' </dev/null 2>&1 | cat
		echo 'echo by name >/dev/stderr' | "$@" sh /dev/stdin 2>&1 | cat
	END
	for limit in 1M unlimited; do
		[ "$(sh "$TMP/script" "$SANDBOX" run -s process.output_limit=$limit --)" = "$said" ]
		[ "$(as_user sh "$TMP/script" "$(_user_sandbox)" run -s process.output_limit=$limit --)" = "$said" ]
	done
}

@test "a pipe is not opened in the other direction, and a file of root's not at all" {
	as_root_only
	echo x | sandbox run -- sh -c 'exec 9<>/dev/stdin; echo got in' 2>&1 | cat >"$TMP/out"
	grep -q 'Permission denied' "$TMP/out"
	echo x | sandbox run -- sh -c 'exec 9</dev/stdout; echo got in' 2>&1 | cat >"$TMP/out"
	grep -q 'Permission denied' "$TMP/out"
	chmod 600 "$TMP/out"
	sandbox run -- sh -c 'exec 9>>/dev/stdout; echo got in' </dev/null >"$TMP/out" 2>&1 || :
	grep -q 'Permission denied' "$TMP/out"
	[ "$(stat -c %a "$TMP/out")" = 600 ]
	mkfifo -m 600 "$TMP/fifo"
	cat "$TMP/fifo" >"$TMP/out" &
	sandbox run -- sh -c 'exec 9>>/dev/stdout; echo got in' </dev/null >"$TMP/fifo" 2>&1 || :
	wait
	grep -q 'Permission denied' "$TMP/out"
	[ "$(stat -c %a "$TMP/fifo")" = 600 ]
}
