# internet: a host with a way out, for profiles that connect through pasta: load it after common, net and profiles.
#
# The host is that of lib/net, with a /dev/net/tun that everybody may open, as on any distribution, and an /etc/hosts that knows
# server.test, a machine outside, and other.test, a machine beside the host. Both in a mount namespace.
#
#   internet_up, internet_down   in setup and teardown
#   as_launcher CMD...           as in lib/profiles, but on that host; so do launch, refuses and their like
#   web HOST PORT DIRECTORY [CERTIFICATE]   a web server on a host of lib/net, with the files of a directory and, where there
#                                is a certificate (a file with its key), with TLS; $TMP/web-HOST-PORT is its log

# The name of each, and its address.
INTERNET_HOSTS='127.0.0.1 localhost
198.51.100.7 server.test
192.0.2.3 other.test'

internet_up() {
	net_up
	mknod -m 0666 "$TMP/tun" c 10 200
	chmod 0666 "$TMP/tun"
	echo "$INTERNET_HOSTS" >"$TMP/hosts"
	# Not through `on`: the process id is to be that of the one who stays.
	nsenter --net="/run/netns/$NET-host" -- unshare -m --propagation private sh -c "mount --bind '$TMP/tun' /dev/net/tun &&
		mount --bind '$TMP/hosts' /etc/hosts && touch '$TMP/holds' && exec sleep 1000" 3>&- &
	INTERNET_HOLDER=$!
	wait_until 5 test -e "$TMP/holds"
}

# net_down ends every process of those namespaces.
internet_down() {
	net_down
	wait "$INTERNET_HOLDER" 2>/dev/null || :
}

as_launcher() {
	local as=()

	if [ "$LAUNCHER" = user ]; then
		as=(env -u HOME "TMPDIR=$USER_TMP" setpriv "--reuid=$TEST_UID" "--regid=$TEST_UID" --clear-groups)
		[ "$1" != sandbox ] || set -- "$(_user_sandbox)" "${@:2}"
	fi
	[ "$1" != sandbox ] || set -- "$SANDBOX" "${@:2}"
	nsenter --net="/run/netns/$NET-host" --mount="/proc/$INTERNET_HOLDER/ns/mnt" --wdns="$PWD" -- "${as[@]}" "$@"
}

web() {
	local log=$TMP/web-$1-$2

	on "$1" python3 - "${@:2}" >"$log" 2>&1 3>&- <<-'END' &
		import functools, http.server, ssl, sys
		port, directory, certificate = int(sys.argv[1]), sys.argv[2], sys.argv[3:]
		handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=directory)
		server = http.server.ThreadingHTTPServer(("", port), handler)
		if certificate:
		    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
		    context.load_cert_chain(certificate[0])
		    server.socket = context.wrap_socket(server.socket, server_side=True)
		print("listens", flush=True)
		server.serve_forever()
	END
	wait_until 5 grep -q listens "$log"
}
