# ipc: System V and POSIX queues of one side do not exist on the other.
# shellcheck disable=SC2016 # scripts in single quotes are for the shell inside
load ../lib/common

setup() {
	for tool in ipcmk ipcs ipcrm; do
		command -v "$tool" >/dev/null
	done
	profile <<-END
		format = 1;
		root = { size = "1M"; };
		mounts = (
			{ type = "bind"; source = "/usr"; target = "/usr"; },
			{ type = "symlink"; source = "usr/bin"; target = "/bin"; },
			{ type = "symlink"; source = "usr/lib"; target = "/lib"; },
			{ type = "symlink"; source = "usr/lib64"; target = "/lib64"; },
			{ type = "proc"; target = "/proc"; },
			{ type = "dev"; target = "/dev"; },
			{ type = "mqueue"; target = "/mq"; },
			{ type = "tmpfs"; target = "/tmp"; }
		);
	END
	queue=
}

teardown() {
	[ -z "$queue" ] || ipcrm -q "$queue"
}

# Keys of the queues that ipcs shows, on one line.
keys='ipcs -q | grep ^0x | cut -d" " -f1'

@test "a System V queue of the host is not inside" {
	queue=$(ipcmk -Q | grep -o '[0-9]*$')
	ipcs -q | grep -q ^0x
	run sandbox -p "$PROFILE" -- sh -c "$keys"
	[ -z "$output" ] || { echo "$output"; false; }
}

@test "a System V queue made inside is there, and not on the host" {
	local before

	before=$(ipcs -q)
	"$SANDBOX" -p "$PROFILE" -- sh -c "ipcmk -Q >/dev/null && $keys && exec sleep 30" >"$TMP/keys" &
	wait_until 5 test -s "$TMP/keys"
	[ "$(wc -l <"$TMP/keys")" -eq 1 ]
	[ "$(ipcs -q)" = "$before" ]
	kill $!
	wait $! || :
	[ "$(ipcs -q)" = "$before" ]
}

@test "POSIX queues are invisible both ways" {
	as_root_only
	mkdir "$TMP/mq"
	# The host's queues, seen through a mount of our own that ends with this shell.
	run unshare -m sh -c '
		mount -t mqueue none "$1/mq" && touch "$1/mq/of-the-host-$$" || exit 99
		"$2" -p "$3" -- sh -c "touch /mq/of-the-sandbox && ls /mq; echo end"
		ls "$1/mq"
		rm "$1/mq/of-the-host-$$"' sh "$TMP" "$SANDBOX" "$PROFILE"
	assert_status 0
	[ "$(sed '/^end$/,$d' <<<"$output")" = of-the-sandbox ] || { echo "$output"; false; }
	[[ $(sed '1,/^end$/d' <<<"$output") = of-the-host-* ]] || { echo "$output"; false; }
	refute_output $'end\nof-the-sandbox'
}

@test "sharing them needs the word" {
	run sandbox -p "$PROFILE" -s 'namespaces=["user","mount","pid","net","uts","cgroup"]' -- true
	assert_status 121
	assert_output host-ipc
	queue=$(ipcmk -Q | grep -o '[0-9]*$')
	run sandbox -p "$PROFILE" -s 'namespaces=["user","mount","pid","net","uts","cgroup"]' -s 'dangerous=["host-ipc"]' \
		-s 'mounts=({ target = "/mq"; remove = true; })' -- sh -c "$keys"
	assert_status 0
	[ -n "$output" ]
}
