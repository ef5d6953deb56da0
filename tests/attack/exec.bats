# exec: what is inside gets nothing of those who come later, and nobody else's client gets in.
# shellcheck disable=SC2016 # scripts in single quotes are for the shell inside
load ../lib/common

setup() {
	RUN=$USER_TMP/run
	REGISTER=$RUN/sandbox
	NAME=t$$-$BATS_TEST_NUMBER
	launcher=
	as_user mkdir -m 700 "$RUN"
}

teardown() {
	[ -z "$launcher" ] || kill -KILL "$launcher" 2>/dev/null || :
}

# in_name root|user ARG...: the program, as that user.
in_name() {
	local who=$1

	shift
	if [ "$who" = root ]; then
		"$SANDBOX" "$@"
	else
		_as_user env XDG_RUNTIME_DIR="$RUN" "$(_user_sandbox)" "$@"
	fi
}

everybody() {
	[ "$(id -u)" -ne 0 ] || echo root
	echo user
}

# start root|user ARG...: runs a sandbox called $NAME in the background; its command says "ready" first.
start() {
	local who=$1

	shift
	: >"$TMP/out"
	if [ "$who" = root ]; then
		"$SANDBOX" --name "$NAME" "$@" >"$TMP/out" 2>&1 3>&- &
	else
		setpriv --reuid="$TEST_UID" --regid="$TEST_UID" --clear-groups \
			env -u HOME XDG_RUNTIME_DIR="$RUN" "$(_user_sandbox)" --name "$NAME" "$@" >"$TMP/out" 2>&1 3>&- &
	fi
	launcher=$!
	wait_until 10 grep -qx ready "$TMP/out" || { cat "$TMP/out"; return 1; }
}

# Looks into every process that appears: what could be had of one that has not yet become its command (its memory,
# environment, descriptors, links, by attaching to it), and of one that has. Ends when the file /tmp/end appears.
watcher='
import ctypes, os, signal, sys
libc = ctypes.CDLL(None, use_errno=True)
seen, had = {}, {}
def tries(pid):
    def attach():
        if libc.ptrace(16, pid, 0, 0):
            raise OSError
        os.waitpid(pid, 0x40000000)
        libc.ptrace(17, pid, 0, 0)
    yield "mem", lambda: open(f"/proc/{pid}/mem", "rb")
    yield "environ", lambda: open(f"/proc/{pid}/environ", "rb").read() or 1 / 0
    yield "fd", lambda: os.listdir(f"/proc/{pid}/fd")
    yield "root", lambda: os.listdir(f"/proc/{pid}/root/")
    yield "cwd", lambda: os.readlink(f"/proc/{pid}/cwd")
    yield "exe", lambda: os.readlink(f"/proc/{pid}/exe")
    yield "maps", lambda: open(f"/proc/{pid}/maps").read() or 1 / 0
    yield "attach", attach
    def getfd():
        fd = libc.syscall(434, pid, 0)
        got = libc.syscall(438, fd, 0, 0)
        for n in (fd, got):
            if n >= 0:
                os.close(n)
        if got < 0:
            raise OSError
    yield "pidfd_getfd", getfd
own = {os.getpid(), os.getppid(), 1}
print("ready", flush=True)
while not os.path.exists("/tmp/end"):
    for name in os.listdir("/proc"):
        if not name.isdigit() or int(name) in own:
            continue
        for what, attempt in tries(int(name)):
            try:
                before = open(f"/proc/{name}/comm").read().strip()
                words = open(f"/proc/{name}/cmdline").read()
            except OSError:
                break
            early = before.startswith("sandbox")
            if early and "SECRET" in words:
                had["words"] = 1
            seen[early] = seen.get(early, 0) + 1
            try:
                attempt()
            except (OSError, ZeroDivisionError):
                continue
            try:
                after = open(f"/proc/{name}/comm").read().strip()
            except OSError:
                after = ""
            key = ("early" if early and after == before else "late" if not early else "between", what)
            had[key] = had.get(key, 0) + 1
print("looked", seen.get(True, 0), "early", sum(n for key, n in had.items() if key[0] == "early" or key == "words"),
      "late", sum(n for key, n in had.items() if key[0] == "late"), had)
'

@test "what is inside cannot look into a command that comes, before it has become one" {
	local who

	for who in $(everybody); do
		start "$who" --env SECRET=launcher -- python3 -c "$watcher"
		for _ in $(seq 40); do
			in_name "$who" exec "$NAME" sleep 0.05 || :
		done
		in_name "$who" exec "$NAME" touch /tmp/end
		wait "$launcher" || :
		cat "$TMP/out"
		# It was there in time; after the exec, the control, it had what a process of one's own user shows.
		grep -q 'looked [1-9]' "$TMP/out"
		grep -q ' early 0 ' "$TMP/out"
		grep -q ' late [1-9]' "$TMP/out"
	done
}

@test "a payload that ends what comes harms nobody outside" {
	local who ended

	for who in $(everybody); do
		start "$who" -- sh -c 'echo ready; while :; do kill -STOP -1; kill -KILL -1; done 2>/dev/null'
		ended=0
		for _ in $(seq 10); do
			run in_name "$who" exec "$NAME" sleep 5
			[ "$status" -eq 137 ] || [ "$status" -eq 0 ] || assert_status 123
			[ "$status" -eq 0 ] || ended=$((ended + 1))
		done
		# It did end some; launcher and register are as before.
		[ "$ended" -gt 0 ]
		in_name "$who" list | grep -q "$NAME"
		in_name "$who" kill "$NAME" KILL
		wait "$launcher" || :
	done
}

@test "the keeper's socket and register are not to be found inside" {
	local who

	for who in $(everybody); do
		start "$who" -- sh -c 'echo ready; exec sleep 60'
		run in_name "$who" exec "$NAME" sh -c 'find / -name "*.sock" 2>/dev/null; ls /run/sandbox /run/user 2>/dev/null; cat /proc/net/unix; ls -l /proc/self/fd/; ls /proc/1/fd'
		refute_output .sock
		refute_output sandboxes
		refute_output socket:
		assert_output 'Permission denied'
		# The list of sockets could be read; outside, the keeper's is on it.
		assert_output RefCount
		grep -qE '/[0-9a-f]{16}\.sock$' /proc/net/unix
		in_name "$who" kill "$NAME"
		wait "$launcher" || :
	done
}

# client UID: connects to the sandbox's socket, though it is not its own. Who may ask has two seconds to do so; others are
# thrown out at once.
client() {
	python3 - "$REGISTER" "$1" <<-'EOF'
		import ctypes, os, socket, sys, time
		directory = os.open(sys.argv[1], os.O_RDONLY)
		name = [n for n in os.listdir(directory) if n.endswith(".sock")][0]
		os.chmod(f"{sys.argv[1]}/{name}", 0o777)
		os.setgroups([]); os.setresgid(*[int(sys.argv[2])] * 3); os.setresuid(*[int(sys.argv[2])] * 3)
		ctypes.CDLL(None).prctl(4, 1) # dumpable, as after an exec
		s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
		start = time.monotonic()
		s.connect(f"/proc/self/fd/{directory}/{name}")
		assert s.recv(1) == b""
		print("waited for" if time.monotonic() - start > 1.9 else "thrown out")
	EOF
}

@test "another user's client is thrown out, even where the socket lies open" {
	as_root_only
	start user -- sh -c 'echo ready; exec sleep 60'
	chmod 755 "$RUN" "$REGISTER"
	run client 65533
	assert_line 'thrown out'
	run client "$TEST_UID"
	assert_line 'waited for'
	run client 0
	assert_line 'thrown out'
	chmod 700 "$RUN" "$REGISTER"
	in_name user kill "$NAME"
	wait "$launcher" || :
}

@test "a payload that sees the register is thrown out: it is the user, but not where the user is" {
	local inside='
import os, socket, sys, time
name = [n for n in os.listdir("/register") if n.endswith(".sock")][0]
s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
start = time.monotonic()
s.connect("/register/" + name)
assert s.recv(1) == b""
print("waited for" if time.monotonic() - start > 1.9 else "thrown out")
'

	start user -- sh -c 'echo ready; exec sleep 60'
	run in_name user -s 'mounts=( { type = "bind"; source = "'"$REGISTER"'"; target = "/register"; access = "read-write"; } )' \
		-s 'seccomp={ default = "allow"; }' -s 'dangerous=[ "allow-by-default", "host-paths" ]' -- python3 -c "$inside"
	assert_line 'thrown out'
	run _as_user /usr/bin/python3 -c "${inside//\/register/$REGISTER}"
	assert_line 'waited for'
	in_name user kill "$NAME"
	wait "$launcher" || :
}

@test "a root directory that the payload has put in the place of its own is not entered" {
	as_root_only
	start root -s 'capabilities={ keep = [ "SYS_ADMIN", "SYS_CHROOT" ]; }' -s 'users={ uid = 0; gid = 0; }' \
		-s 'seccomp={ default = "allow"; }' -s 'dangerous=[ "allow-by-default" ]' -- sh -c 'echo ready; exec sleep 60'
	run in_name root exec "$NAME" echo entered
	assert_line entered
	run in_name root exec "$NAME" sh -c 'mkdir /tmp/new && mount -t tmpfs new /tmp/new && mkdir /tmp/new/old && cd /tmp/new && pivot_root . old'
	assert_status 0
	run in_name root exec "$NAME" echo entered
	assert_status 123
	assert_output 'not the sandbox'
	in_name root kill "$NAME"
	wait "$launcher" || :
}

# What a payload does that may write into the register: an entry, its lock, a socket behind it. It gives away whatever
# it is sent.
forger='
import fcntl, os, socket
name = "/register/" + "f" * 16
entry = os.open(name, os.O_RDWR | os.O_CREAT, 0o600)
fcntl.flock(entry, fcntl.LOCK_EX)
os.write(entry, b"{\"name\":\"forged\",\"profile\":\"p\",\"tty\":\"auto\",\"command\":[\"c\"],\"pid\":1,\"uid\":0,\"exec\":true}")
s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
s.bind(name + ".sock")
s.listen()
print("ready", flush=True)
while True:
    c, _ = s.accept()
    data, fds, _, _ = socket.recv_fds(c, 1 << 20, 8)
    print("got", len(data), len(fds), flush=True)
    c.close()
'

@test "an entry that a payload has forged is listed, and gets no descriptor of who asks" {
	local command

	as_user mkdir -m 700 "$REGISTER"
	run in_name user -s 'mounts=( { type = "bind"; source = "'"$REGISTER"'"; target = "/register"; } )' -- true
	assert_status 121
	assert_output host-paths
	start user -s 'mounts=( { type = "bind"; source = "'"$REGISTER"'"; target = "/register"; access = "read-write"; } )' \
		-s 'seccomp={ default = "allow"; }' -s 'dangerous=[ "allow-by-default", "host-paths" ]' -- python3 -c "$forger"
	in_name user list | grep -q forged || { ls -la "$REGISTER"; return 1; }
	for command in 'exec forged cat' 'inspect forged' 'kill forged'; do
		# shellcheck disable=SC2086 # words
		run in_name user $command <<<SECRET
		assert_status 123
		assert_output 'no launcher of this user'
	done
	# The control: what a client sends who does not look.
	_as_user /usr/bin/python3 -c '
import socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
s.connect(sys.argv[1])
socket.send_fds(s, [b"x"], [0])
s.recv(1)' "$REGISTER/ffffffffffffffff.sock"
	[ "$(grep '^got [1-9]' "$TMP/out")" = 'got 1 1' ]
	rm "$REGISTER"/ffffffffffffffff*
	in_name user kill "$NAME"
	wait "$launcher" || :
}

@test "where what is inside could seize the one who enters, nobody enters" {
	as_root_only
	start root -s 'namespaces={ remove = [ "user" ]; }' -s 'capabilities={ keep = [ "SYS_PTRACE" ]; }' -s 'users={ uid = 0; gid = 0; }' \
		-s 'dangerous=[ "host-root" ]' -- sh -c 'echo ready; exec sleep 60'
	run in_name root exec "$NAME" true
	assert_status 121
	assert_output CAP_SYS_PTRACE
	in_name root kill "$NAME"
	wait "$launcher" || :
	# The control: the capability is what it is refused for.
	start root -s 'namespaces={ remove = [ "user" ]; }' -s 'users={ uid = 0; gid = 0; }' -s 'dangerous=[ "host-root" ]' -- \
		sh -c 'echo ready; exec sleep 60'
	in_name root exec "$NAME" true
	in_name root kill "$NAME"
	wait "$launcher" || :
}

# descriptors PID: how many it has.
descriptors() {
	find "/proc/$1/fd" -mindepth 1 | wc -l
}

# at_rest: how many the launcher has when it has taken over the sandbox whole, and nobody asks anything. What is inside
# may be running long before that.
at_rest() {
	local now last=

	in_name user exec "$NAME" true >&2
	while now=$(descriptors "$launcher") && [ "$now" != "$last" ]; do
		last=$now
		sleep 0.3
	done
	echo "$now"
}

@test "descriptors that belong to no request are not kept" {
	local before

	start user -- sh -c 'echo ready; exec sleep 60'
	before=$(at_rest)
	for count in 1 2 4 8; do
		_as_user /usr/bin/python3 -c '
import socket, sys
name = sys.argv[1]
s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
s.connect(name)
socket.send_fds(s, [b"x" * 4000], [0] * int(sys.argv[2]))
assert s.recv(1) == b""' "$(echo "$REGISTER"/*.sock)" "$count"
	done
	[ "$(at_rest)" -eq "$before" ]
	in_name user exec "$NAME" true
	in_name user kill "$NAME"
	wait "$launcher" || :
}

cpu_of() {
	awk '{ print $14 + $15 }' "/proc/$1/stat"
}

# leave PID COUNT: takes all descriptors from the process but COUNT that it may open yet. Below its highest one there may
# be holes.
leave() {
	local used limit

	used=$(find "/proc/$1/fd" -mindepth 1 -printf '%f\n' | sort -n)
	limit=$(awk -v free="$2" '{ used[$1] = 1 } END { for (n = 0; free; n++) free -= !(n in used); print n }' <<<"$used")
	_as_user prlimit --pid "$1" --nofile="$limit:"
}

@test "a launcher that has no descriptor left does not spin, and serves who waited" {
	local before spent

	start user -- sh -c 'echo ready; exec sleep 60'
	at_rest >&2
	leave "$launcher" 2
	before=$(cpu_of "$launcher")
	# Clients that say nothing: each has its two seconds, one after the other.
	run _as_user timeout 60 /usr/bin/python3 -c '
import socket, sys, time
clients = [socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) for _ in range(3)]
start = time.monotonic()
for c in clients:
    c.connect(sys.argv[1])
for i, c in enumerate(clients):
    assert c.recv(1) == b""
    print("thrown out after", time.monotonic() - start)
    assert time.monotonic() - start > 1.9 * (i + 1)' "$(echo "$REGISTER"/*.sock)"
	assert_status 0
	spent=$(($(cpu_of "$launcher") - before))
	echo "$output; spent $spent ticks"
	[ "$spent" -lt 40 ]
	_as_user prlimit --pid "$launcher" --nofile=1024:
	in_name user exec "$NAME" true
	in_name user kill "$NAME"
	wait "$launcher" || :
}

few_descriptors() {
	_as_user env XDG_RUNTIME_DIR="$RUN" prlimit --nofile=5 "$(_user_sandbox)" "$@" 3>&- 4>&-
}

@test "with few descriptors of its own a command says so, and nothing wrong" {
	start user -- sh -c 'echo ready; exec sleep 60'
	for command in list "inspect $NAME" "exec $NAME true"; do
		# shellcheck disable=SC2086 # words
		run few_descriptors $command
		[ "$status" -ne 0 ]
		assert_output 'Too many open files'
		refute_output 'none of ours'
		refute_output 'no sandbox'
	done
	in_name user list | grep -q "$NAME"
	in_name user kill "$NAME"
	wait "$launcher" || :
}

@test "an agent that was stopped does not keep the sandbox" {
	local agent end

	# By its own end, and by the time limit.
	for end in 4 60; do
		start user -s process.time_limit="$(seconds 6)s" -- sh -c "echo ready; exec sleep $(seconds $end)"
		in_name user exec "$NAME" sleep 50 3>&- &
		wait_until 5 pgrep -P "$launcher" -x sandbox-exec
		agent=$(pgrep -P "$launcher" -x sandbox-exec)
		kill -STOP "$agent"
		wait_until 5 grep -q '^State:.T' "/proc/$agent/status"
		timeout "$(seconds 15)" tail --pid="$launcher" -f /dev/null
		wait "$launcher" || :
		wait $! || :
	done
}

@test "a command that is stopped while it comes is given up" {
	as_root_only
	# What it stopped too late, when it had become the command, it lets go on.
	start root -s 'capabilities={ keep = [ "KILL" ]; }' -s 'users={ uid = 0; gid = 0; }' -- sh -c '
		echo ready
		trap "" TERM
		comes() { read -r comm <$1/comm && [ "$comm" = sandbox-exec ]; }
		while :; do for p in /proc/[0-9]*; do
			comes $p && kill -STOP "${p#/proc/}" || continue
			until grep -q "^State:.[TZ]" $p/status || [ ! -e $p ]; do :; done
			if comes $p; then echo stopped; else kill -CONT "${p#/proc/}"; fi
		done; done 2>/dev/null'
	for _ in $(seq 20); do
		run timeout "$(seconds 60)" "$SANDBOX" exec "$NAME" true
		! grep -q stopped "$TMP/out" || break
	done
	grep -q stopped "$TMP/out"
	assert_status 123
	assert_output 'did not begin within 30 seconds'
	in_name root kill "$NAME" KILL
	wait "$launcher" || :
}
