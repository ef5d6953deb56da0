# service: hosts of a test's own for the profiles that have a network: load it after profiles and net. Root only.
#
# The launcher runs on `host` of lib/net, in network and mount namespaces of the test: whatever it makes there, no packet leaves
# the machine, and none of its ports is taken. On that host everybody may open /dev/net/tun, as on any distribution.
#
#   service_up           makes the hosts (setup); service_down removes them, with what runs there, and fails if anything of the
#                        sandbox is left (teardown)
#   as_launcher, launch  as in profiles, on that host
#   from_host CMD...     runs a client there, as root
#   each_service FUNC    calls FUNC as root, with the profile's own network, and as the ordinary user with pasta; $MODE holds
#                        the options for that
#   begin ARG...         launches in the background: $SERVICE is its process, $TMP/out-$LAUNCHER what it wrote
#   end                  SIGTERM, and waits: its exit status is in $status
#   refuses_ways_out     connecting to another host, to this one's own services, to where clouds keep their credentials
#   refuses_service      what every service must refuse

# shellcheck disable=SC2034,SC2154 # for the tests; what bats' run sets

service_up() {
	as_root_only
	net_up
	mknod -m 0666 "$TMP/tun" c 10 200
	"${ON_HOST[@]}" unshare -m --propagation private sh -c "
		mount --bind '$TMP/tun' /dev/net/tun && touch '$TMP/holds' && exec sleep 1000" 3>&- &
	HOLDER=$!
	wait_until 5 test -e "$TMP/holds"
	net_before
	residue_before
}

service_down() {
	local failed=0

	cat "$TMP"/out-* 2>/dev/null || :
	if [ -n "${SERVICE:-}" ]; then
		kill -KILL "$SERVICE" 2>/dev/null || :
		wait "$SERVICE" || :
	fi
	serve_stop
	net_after || failed=1
	residue_after || failed=1
	if [ -n "${HOLDER:-}" ]; then
		kill "$HOLDER" 2>/dev/null || :
		wait "$HOLDER" 2>/dev/null || :
	fi
	net_down
	return "$failed"
}

from_host() {
	${EXEC:-} nsenter --net="/run/netns/$NET-host" --mount="/proc/$HOLDER/ns/mnt" --wdns="$PWD" -- "$@"
}

as_launcher() {
	if [ "$1" = sandbox ]; then
		shift
		if [ "$LAUNCHER" = root ]; then
			set -- "$SANDBOX" "$@"
		else
			set -- "$(_user_sandbox)" "$@"
		fi
	fi
	if [ "$LAUNCHER" = root ]; then
		from_host "$@"
	else
		from_host env -u HOME -u USER -u LOGNAME -u XDG_RUNTIME_DIR -u XDG_CONFIG_HOME TMPDIR="$USER_TMP" \
			setpriv --reuid="$TEST_UID" --regid="$TEST_UID" --clear-groups "$@"
	fi
}

_with_mode() {
	MODE=()
	[ "$LAUNCHER" = root ] || MODE=(-s network.mode=pasta)
	LAUNCH_OPTIONS=("${MODE[@]}")
	"$1"
}

each_service() {
	each_launcher _with_mode "$1"
}

begin() {
	EXEC='exec' launch "${MODE[@]}" "$@" >"$TMP/out-$LAUNCHER" 2>&1 </dev/null 3>&- &
	SERVICE=$!
}

end() {
	status=0
	kill -TERM "$SERVICE"
	wait "$SERVICE" || status=$?
	SERVICE=
}

# Servers that answer anybody: outside, on the host's own addresses, and where clouds keep their credentials.
_answering() {
	serve outside 8099 'of outside'
	serve host 8099 'of the host'
	on outside ip address add 169.254.169.254/32 dev lo
	on host ip route add 169.254.169.254/32 via 192.0.2.2
}

# By curl's status: no connection, or none in time.
assert_unreached() {
	[ "$status" -eq 7 ] || [ "$status" -eq 28 ] || _wrong "expected curl's status 7 or 28"
}

refuses_ways_out() {
	local to

	_answering
	for to in 198.51.100.7 '[2001:db8:5::7]' 192.0.2.1 169.254.169.254; do
		echo "to $to"
		refuses curl -s -g --max-time 3 -o /dev/null "http://$to:8099/"
		assert_unreached
	done
	# By the loopback interface it would be the host's, if it had the host's network.
	refuses curl -s --max-time 3 -o /dev/null http://127.0.0.1:8099/
	assert_unreached
	serve_stop
	on outside ip address del 169.254.169.254/32 dev lo
	on host ip route del 169.254.169.254/32
	wait_until 5 eval '! on host curl -s -o /dev/null http://127.0.0.1:8099/'
}

refuses_service() {
	refuses_ways_out
	refuses_secret
	refuses_writing
	refuses_processes
	refuses_namespaces
	refuses_setuid
}
