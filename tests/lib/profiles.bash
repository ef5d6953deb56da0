# profiles: what the tests of the shipped profiles share: `load ../lib/profiles` after common. The profile under test is the
# one that the test file is named for.
#
#   packages NAME...      installs Debian's packages, if they are not there; in setup_file
#   each_launcher FUNC    calls FUNC as root and as the ordinary user, each in a directory of its own: $WORK, its own and the
#                         current one. Not run by root: as the caller alone. LAUNCHERS="root" or "user": as that one
#   as_launcher CMD...    runs a command as that user; `as_launcher sandbox ...` too
#   launch ARG...         as_launcher sandbox -p profiles/NAME.conf ARG...
#   refuses CMD...        CMD succeeds without the profile, and fails with it for what the profile forbids: by the command's
#                         own exit status, not because it could not be run. $LAUNCH_OPTIONS goes before the --. What the
#                         control left must not be the reason: CMD can be run twice. $output is what it said inside
#   refuses_there CMD...  the same, of something in $TMP/theirs-$LAUNCHER; where this directory is shown, it succeeds
#
# Attempts that many profiles must refuse, each with its control:
#
#   refuses_secret        reading a file of the user's that is not in $WORK
#   refuses_writing       writing a file next to it
#   refuses_keys          reading the keys and histories of a home, were it the directory shown
#   refuses_processes     seeing a process of the host
#   refuses_network       connecting to a port of this machine
#   refuses_namespaces    making a user namespace, and with it getting capabilities
#   refuses_memory SIZE   using more memory than the profile grants; SIZE as in 2G. An ordinary user has no cgroup, unless one
#                         was delegated: as root only. Where the profile grants much, lower it first, to save time:
#                         refuses_memory 512M -s cgroup.memory.max=256M
#   refuses_starting      starting another program, for profiles of a single process
#   refuses_setuid        becoming root through a set-user-ID program

# shellcheck disable=SC2154 # bats' run sets status

PROFILE_NAME=$(basename "$BATS_TEST_FILENAME" .bats)

# What the environment of whoever runs the tests says to the programs would be said to the controls alone: the
# repository of a git hook, the options of a make above, a proxy, somebody's own modules. apt may need the proxy:
# setup_file keeps all.
if [ -n "${BATS_TEST_TMPDIR:-}" ]; then
	unset "${!GIT_@}" "${!MAKE@}" MFLAGS "${!PYTHON@}" "${!npm_@}" "${!PERL@}" "${!RUBY@}" "${!GEM_@}" "${!PG@}" \
		"${!LESS@}" NODE_OPTIONS JAVA_TOOL_OPTIONS _JAVA_OPTIONS CLASSPATH TAR_OPTIONS OMP_NUM_THREADS \
		MAGICK_CONFIGURE_PATH CURL_HOME {http,https,ftp,all}_proxy {HTTP,HTTPS,FTP,ALL}_PROXY
	export GIT_CONFIG_GLOBAL=/dev/null
fi

packages() {
	local package missing=()

	command -v dpkg-query >/dev/null || skip "installs Debian's packages, and this is no Debian"
	for package; do
		[ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)" = installed ] || missing+=("$package")
	done
	[ ${#missing[@]} -gt 0 ] || return 0
	[ "$(id -u)" -eq 0 ] || skip "needs root to install ${missing[*]}"
	_install "${missing[@]}" || { apt-get -q update && _install "${missing[@]}"; }
}

# No server is started because a test wants its program.
_install() {
	DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 SYSTEMD_OFFLINE=1 apt-get -qy -o DPkg::Lock::Timeout=600 \
		install --no-install-recommends "$@" 3>&-
}

each_launcher() {
	local launcher

	for launcher in ${LAUNCHERS:-root user}; do
		[ "$launcher" = user ] || [ "$(id -u)" -eq 0 ] || continue
		LAUNCHER=$launcher
		WORK=$TMP/work-$launcher
		mkdir -p "$WORK" "$TMP/theirs-$launcher"
		[ "$launcher" = root ] || [ "$(id -u)" -ne 0 ] || chown "$TEST_UID:$TEST_UID" "$WORK" "$TMP/theirs-$launcher"
		cd "$WORK" || return 1
		echo "launched by $launcher:"
		"$@" </dev/null # no `||` behind it: inside, the first command that fails must end the test
		cd "$TMP" || return 1
	done
}

as_launcher() {
	if [ "$LAUNCHER" = user ]; then
		as_user "$@"
	else
		"$@"
	fi
}

launch() {
	as_launcher sandbox -p "$CHECKOUT/profiles/$PROFILE_NAME.conf" "$@"
}

refuses() {
	run as_launcher "$@"
	assert_status 0 # the control
	run launch "${LAUNCH_OPTIONS[@]}" -- "$@"
	# 120 to 127: the command was not run, or was ended by us.
	case $status in
	0) _wrong "not refused: $*" ;;
	12[0-7]) _wrong "was not run: $*" ;;
	esac
}

refuses_there() {
	refuses "$@"
	run launch "${LAUNCH_OPTIONS[@]}" --rw "$TMP/theirs-$LAUNCHER" -- "$@"
	assert_status 0
}

refuses_secret() {
	local secret=$TMP/theirs-$LAUNCHER/secret

	echo secret >"$secret"
	chmod 0644 "$secret"
	refuses_there cat "$secret"
}

refuses_writing() {
	refuses_there touch "$TMP/theirs-$LAUNCHER/new"
}

refuses_keys() {
	local file home=${WORK:?}/home LAUNCH_OPTIONS=()

	mkdir "$home"
	for file in .ssh/id_ed25519 .aws/credentials .netrc .git-credentials .pgpass .azure/token .kube/config .docker/config.json \
		.config/gh/hosts.yml .config/gcloud/access_tokens.db .password-store/key .local/share/keyrings/login.keyring \
		.gnupg/secring.gpg .bash_history .zsh_history .python_history; do
		mkdir -p "$home/$(dirname "$file")"
		echo hunter2 >"$home/$file"
	done
	[ "$LAUNCHER" = root ] || [ "$(id -u)" -ne 0 ] || chown -R "$TEST_UID:$TEST_UID" "$home"
	cd "$home" || return 1
	echo notes >notes
	refuses sh -c 'find . -type f ! -size 0 -exec cat {} + 2>/dev/null | grep -q hunter2'
	run launch -- sh -c 'find . -type f ! -size 0 -exec cat {} + 2>/dev/null | grep -x notes'
	assert_status 0 # what is no key is found
	cd "$WORK" || return 1
	rm -r "$home"
}

refuses_processes() {
	local marker=marker$RANDOM$RANDOM pid

	# shellcheck disable=SC2016 # perl's
	as_launcher perl -e '$| = 1; print "$$\n"; $0 = $ARGV[0]; sleep 60' "$marker" >"$TMP/pid" 3>&- &
	wait_until 5 test -s "$TMP/pid"
	pid=$(cat "$TMP/pid") # $! may be a shell before it
	wait_until 5 grep -aqs "$marker" "/proc/$pid/cmdline"
	# The class keeps the searching program from finding itself.
	refuses sh -c "cat /proc/[0-9]*/cmdline 2>/dev/null | grep -aq '[m]${marker#m}'"
	run launch "${LAUNCH_OPTIONS[@]}" -- sh -c "cat /proc/[0-9]*/cmdline 2>/dev/null | grep -aq '${marker}'"
	assert_status 0 # it would have found it: itself it finds
	kill "$pid"
	wait $! || :
	rm "$TMP/pid"
}

# Sets $PORT: somebody answers there, on this machine's loopback interface.
_listen() {
	python3 -c '
import socket, sys
server = socket.socket()
server.bind(("127.0.0.1", 0))
server.listen(16)
print(server.getsockname()[1], flush=True)
while True:
    server.accept()[0].close()' >"$TMP/port" 3>&- &
	LISTENER=$!
	wait_until 5 test -s "$TMP/port"
	PORT=$(cat "$TMP/port")
}

refuses_network() {
	_listen
	refuses bash -c "exec 4<>/dev/tcp/127.0.0.1/$PORT"
	[[ $output =~ /dev/tcp/.*(Connection refused|Operation not permitted|Permission denied) ]] || _wrong "otherwise"
	kill "$LISTENER"
	wait "$LISTENER" || :
	rm "$TMP/port"
}

refuses_namespaces() {
	refuses unshare --user --map-root-user true
	assert_output 'unshare failed'
}

refuses_starting() {
	refuses sh -c 'id; true'
	assert_output fork
}

refuses_setuid() {
	local LAUNCH_OPTIONS=("${LAUNCH_OPTIONS[@]}" --ro "$TMP/setuid-id")

	[ "$LAUNCHER" = root ] && return
	install -m 4755 "$(command -v id)" "$TMP/setuid-id"
	refuses sh -c "[ \"\$($TMP/setuid-id -u)\" = 0 ]"
	run launch "${LAUNCH_OPTIONS[@]}" -- "$TMP/setuid-id" -u
	assert_line 1000 # it can be run
}

refuses_memory() {
	local size=$1 LAUNCH_OPTIONS=("${@:2}")

	[ "$LAUNCHER" = root ] || return 0
	# shellcheck disable=SC2016 # perl's
	refuses perl -e '$x = "x" x ($ARGV[0] << 20)' "$(($(numfmt --from=iec "$size") >> 20))"
	assert_status 137
}
