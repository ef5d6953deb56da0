# agent: an agent works on a project and reaches the hosts that were named; a rogue one takes and leaves nothing.

# shellcheck disable=SC2016,SC2030,SC2031,SC2034,SC2154 # what the inside expands, what bats' run sets, and lib/service
bats_require_minimum_version 1.5.0
load ../lib/common
load ../lib/profiles
load ../lib/net
load ../lib/service

setup_file() {
	packages gcc libc6-dev make git python3 nginx-light curl socat openssh-client iproute2 nftables passt
}

setup() {
	service_up
	# Names that the host knows.
	printf '%s\n' '127.0.0.1 localhost' '198.51.100.7 api.example.test' '192.0.2.3 other.example.test' >"$TMP/hosts"
	nsenter --mount="/proc/$HOLDER/ns/mnt" mount --bind "$TMP/hosts" /etc/hosts
}

teardown() {
	service_down
}

# A project with a repository, of the launcher's user.
project() {
	printf '%s\n' 'int answer(void);' 'int main(void) { return answer() - 42; }' >main.c
	echo 'int answer(void) { return 41; }' >answer.c
	printf '%s\n' 'check: main' '	./main' 'main: main.c answer.c' '	cc -o $@ $^' >Makefile
	echo 'API_KEY=hunter2' >.env
	as_launcher git -c init.defaultBranch=main init -q .
	as_launcher git config user.name me
	as_launcher git config user.email me@example.com
	as_launcher git add main.c answer.c Makefile
	as_launcher git commit -qm first
}

works() {
	project
	serve outside 443 'of the API'
	run as_launcher make -s check
	[ "$status" -ne 0 ] # the bug
	as_launcher rm main
	run launch -D host=api.example.test -- bash -ec '
		[ "$(curl -s --max-time 5 http://api.example.test:443/)" = "of the API" ]
		sed -i s/41/42/ answer.c
		make -s check
		printf "%s\n" "import sys" "print(sys.version_info >= (3, 8))" >tool.py
		/usr/bin/python3 tool.py
		git diff --stat | tail -1
		mkdir -p ~/.cache/agent && echo kept >~/.cache/agent/state'
	assert_status 0
	assert_line True
	assert_output '1 file changed'
	as_launcher make -s check
	[ "$(stat -c %u tool.py)" = "$(stat -c %u .)" ]
	run launch -- sh -c 'cc -g -fsanitize=address -o sanitized main.c answer.c && ./sanitized && rm sanitized'
	assert_status 0
	# It is for the user to commit, or for the agent if the user says so.
	run launch -- git commit -qam 'as the agent'
	[ "$status" -ne 0 ]
	run launch -D git=read-write -- git commit -qam 'as the agent'
	assert_status 0
	[ "$(as_launcher git log -1 --format=%s)" = 'as the agent' ]
	run launch -D git=read-write -- git checkout -qb topic
	assert_status 0
	# What it is given by name, and only that.
	run as_launcher env API_KEY=given OTHER=secret "$(_user_sandbox)" -p "$CHECKOUT/profiles/agent.conf" \
		-s 'process.inherit_env={ add = [ "API_KEY" ]; }' -- sh -c 'echo "$API_KEY$OTHER"'
	[ "$output" = given ]
	serve_stop
}

@test "an agent mends a bug, builds, tests, asks its host; it commits if it may" {
	each_launcher works
}

# Everything that a user has lying about.
belongings() {
	BELONGINGS=$TMP/theirs-$LAUNCHER
	mkdir -p "$BELONGINGS/.ssh" "$BELONGINGS/.aws" "$BELONGINGS/.config/gh"
	as_launcher ssh-keygen -q -t ed25519 -N '' -f "$USER_TMP/id-$LAUNCHER"
	mv "$USER_TMP/id-$LAUNCHER" "$BELONGINGS/.ssh/id_ed25519"
	echo 'aws_secret_access_key = hunter2' >"$BELONGINGS/.aws/credentials"
	echo 'oauth_token: hunter2' >"$BELONGINGS/.config/gh/hosts.yml"
	echo '# mine' >"$BELONGINGS/.bashrc"
	chmod -R a+rX "$BELONGINGS"
	[ "$LAUNCHER" = root ] || chown -R "$TEST_UID:$TEST_UID" "$BELONGINGS"
}

steals() {
	local socket address

	belongings
	project
	# By its path, as HOME has it, and by looking.
	refuses cat "$BELONGINGS/.ssh/id_ed25519"
	refuses cat "$BELONGINGS/.aws/credentials"
	refuses cat "$BELONGINGS/.config/gh/hosts.yml"
	LAUNCH_OPTIONS=()
	run as_launcher env HOME="$BELONGINGS" sh -c 'cat ~/.ssh/id_ed25519 ~/.aws/credentials'
	assert_output hunter2
	run as_launcher env HOME="$BELONGINGS" "$(_user_sandbox)" -p "$CHECKOUT/profiles/agent.conf" -- \
		sh -c 'cat ~/.ssh/* ~/.aws/*; find / -name answer.c -o -name "id_ed25519*" -o -path "*aws/credentials"
			echo looked' 2>/dev/null
	assert_line looked
	assert_line /work/answer.c
	refute_output hunter2
	refute_output "PRIVATE KEY"
	refute_output "$BELONGINGS"
	refuses_keys
	refuses sh -c 'grep -q hunter2 .env'
	assert_status 1 # 2 would be no file at all
	# The environment: its own, its parent's, and everybody's.
	run as_launcher env AWS_SECRET_ACCESS_KEY=hunter2 GITHUB_TOKEN=hunter2 ANTHROPIC_API_KEY=hunter2 SSH_AUTH_SOCK=/tmp/hunter2 \
		"$(_user_sandbox)" -p "$CHECKOUT/profiles/agent.conf" -- sh -c 'env; cat /proc/*/environ | tr "\0" "\n"'
	assert_line HOME=/home/sandbox
	refute_output hunter2
	run as_launcher env GITHUB_TOKEN=hunter2 sh -c env
	assert_output hunter2
	# The agent that holds the keys, who owns the machine with a word, and a socket without a name in the file system.
	cat >"$TMP/listen.py" <<-'END'
		import socket, sys
		server = socket.socket(socket.AF_UNIX)
		server.bind(sys.argv[1].replace("@", "\0"))
		server.listen(16)
		print("listening", flush=True)
		while True:
		    client = server.accept()[0]
		    client.sendall(b"yours\n")
		    client.close()
	END
	for socket in "UNIX-CONNECT:$USER_TMP/agent-$LAUNCHER" "UNIX-CONNECT:$USER_TMP/docker.sock-$LAUNCHER" \
		"ABSTRACT-CONNECT:agent-$LAUNCHER"; do
		address=${socket#UNIX-CONNECT:}
		EXEC='exec' as_launcher /usr/bin/python3 "$TMP/listen.py" "${address/ABSTRACT-CONNECT:/@}" >"$TMP/listens" 3>&- &
		wait_until 5 grep -q listening "$TMP/listens"
		rm "$TMP/listens"
		refuses sh -c "socat -u $socket - | grep -q yours"
		kill $!
		wait $! || :
	done
	refuses_processes
}

@test "a rogue agent finds no keys, no tokens, no sockets" {
	each_launcher steals
}

# Leaves what would run outside: $1 has the project, $2 is somebody's home.
leaves() {
	cat <<-END
		cd $1
		printf '#!/bin/sh\necho caught >>$TMP/user/caught\n' >hook
		chmod 0755 hook
		cp hook .git/hooks/post-checkout
		git config core.fsmonitor 'echo caught >>$TMP/user/caught; false'
		mv .git .old; cp -r .old .git; cp hook .git/hooks/post-checkout
		rm -rf .git/hooks; mkdir .git/hooks; cp hook .git/hooks/post-checkout
		cp -r .git other; cp hook other/hooks/post-checkout; echo ../other >.git/commondir
		echo '. $1/hook' >>$2/.bashrc
		true
	END
}

# Whether anything was caught when the user goes on working in $1.
goes_on() {
	rm -f "$TMP/user/caught"
	as_launcher git -C "$1" checkout -q -b "branch$RANDOM" || :
	as_launcher git -C "$1" status >/dev/null || :
	as_launcher env HOME="$BELONGINGS" bash -ic true 2>/dev/null || :
	[ -e "$TMP/user/caught" ]
}

lays_traps() {
	local control=$WORK/control

	belongings
	project
	mkdir control other
	[ "$LAUNCHER" = root ] || chown "$TEST_UID:$TEST_UID" control other
	rmdir other
	as_launcher cp -a .git main.c control
	run as_launcher bash -c "$(leaves "$control" "$BELONGINGS")"
	goes_on "$control"
	rm -rf control
	belongings
	as_launcher cp -a .git "$USER_TMP/git-$LAUNCHER"
	run launch -- bash -c "$(leaves /work "$BELONGINGS")"
	assert_status 0
	assert_output 'Read-only file system'
	as_launcher diff -r .git "$USER_TMP/git-$LAUNCHER"
	run goes_on .
	assert_status 1
	# Where it may commit, hooks and configuration stay as well.
	run launch -D git=read-write -- bash -c "$(leaves /work "$BELONGINGS" | grep -v commondir)"
	assert_status 0
	assert_output 'Read-only file system'
	as_launcher diff .git/config "$USER_TMP/git-$LAUNCHER/config"
	as_launcher diff -r .git/hooks "$USER_TMP/git-$LAUNCHER/hooks"
	run goes_on .
	assert_status 1
	[ "$(cat "$BELONGINGS/.bashrc")" = '# mine' ]
	refuses_writing
	refuses_namespaces
	refuses_setuid
	refuses_memory 512M -s cgroup.memory.max=256M
}

@test "a rogue agent leaves no hook, no configuration, no line in .bashrc" {
	each_launcher lays_traps
}

# A server for names, somewhere, that notes what it is asked, one after the other.
names_as_a_way_out() {
	local server word

	nsenter --net="/run/netns/$NET-outside" -- python3 -c '
import socket, sys
server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
server.bind(("198.51.100.7", 53))
with open(sys.argv[1], "ab", 0) as asked:
    while True:
        asked.write(server.recv(99))' "$TMP/asked" 3>&- &
	server=$!
	wait_until 5 asks from_host before
	run launch "${LAUNCH_OPTIONS[@]}" -- bash -c "$(question inside)"
	assert_line tried
	run launch -s network.outbound.default=allow -- bash -c "$(question open)"
	assert_line tried
	wait_until 5 asks from_host behind
	grep -q open "$TMP/asked"
	if grep -q inside "$TMP/asked"; then
		return 1
	fi
	kill "$server"
	wait "$server" || :
	rm "$TMP/asked"
}

# Often enough, and with time for pasta to pass it on.
question() {
	echo "for i in {1..5}; do echo $1 | socat -u - UDP4-SENDTO:198.51.100.7:53; sleep 0.2; done; echo tried"
}

# asks FROM WORD: whether the server has noted it.
asks() {
	"$1" sh -c "echo $2 | socat -u - UDP4-SENDTO:198.51.100.7:53"
	grep -qs "$2" "$TMP/asked"
}

calls() {
	local allowed=(-D host=api.example.test)

	serve outside 443 'of the API'
	serve outside 8443 'of another port'
	serve client 443 'of another host'
	LAUNCH_OPTIONS=("${allowed[@]}")
	run launch "${allowed[@]}" -- curl -s --max-time 5 http://api.example.test:443/
	assert_line 'of the API'
	refuses curl -s --max-time 2 -o /dev/null http://api.example.test:8443/
	assert_unreached
	refuses curl -s --max-time 2 -o /dev/null http://other.example.test:443/
	refuses curl -s --max-time 2 -o /dev/null http://192.0.2.3:443/
	assert_unreached
	# The default is nobody.
	LAUNCH_OPTIONS=()
	refuses curl -s --max-time 2 -o /dev/null http://198.51.100.7:443/
	assert_unreached
	LAUNCH_OPTIONS=("${allowed[@]}")
	names_as_a_way_out
	serve_stop
	wait_until 5 eval '! on outside curl -s -o /dev/null http://127.0.0.1:443/'
	refuses_ways_out
}

@test "a rogue agent reaches no other host, no name server, not this machine, not the cloud's metadata" {
	each_launcher calls
}
