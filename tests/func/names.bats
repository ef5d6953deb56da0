# names: resolv.conf, hosts and hostname inside, whatever the root is, and nothing of the root changed.
# shellcheck disable=SC2016 # what stands in single quotes is for the shell inside
load ../lib/common
load ../lib/filesystem

setup() {
	tree=$USER_TMP/tree
	mkdir "$tree"
	copy_programs "$tree"
	mkdir -p "$tree/proc" "$tree/dev" "$tree/srv"
}

# give OWNER: the tree to the ordinary user (who can have it writable, then), to root or to somebody else.
give() {
	[ "$(id -u)" -ne 0 ] || chown -hR "$1:$1" "$tree"
}

# etc FILE...: an /etc with something in it, and these files empty.
etc() {
	mkdir -p "$tree/etc/sub"
	echo kept >"$tree/etc/sub/kept"
	for file; do
		: >"$tree/etc/$file"
	done
}

dns='dns = { servers = [ "10.0.0.1" ]; search = [ "example.org" ]; options = [ "ndots:2" ]; };'
hosts='hosts = ( { name = "db"; address = "10.88.0.5"; } );'

# names_profile ACCESS [ELEMENTS [NETWORK]]
names_profile() {
	profile <<CONF
format = 1;
hostname = "web";
root = { source = "$tree"; access = "$1"; };
mounts = ( { type = "proc"; target = "/proc"; }, { type = "dev"; target = "/dev"; } ${2:-} );
network = { ${3:-$dns $hosts} };
CONF
}

snapshot() {
	find "$tree" -printf '%P %y %s %m %U %l %T@\n' | sort
}

# both_files AS: launches, looks at both files, and that the tree stayed as it was but for $made.
both_files() {
	snapshot >"$TMP/before"
	run "$1" sandbox -p "$PROFILE" -- sh -c 'cat /etc/resolv.conf /etc/hosts; cat /etc/sub/kept
		awk "\$5 ~ /\/(resolv.conf|hosts)\$/ { print \$6 }" /proc/self/mountinfo; echo x >/etc/hosts'
	assert_status 1
	assert_line "nameserver 10.0.0.1"
	assert_line "search example.org"
	assert_line "options ndots:2"
	assert_line "127.0.0.1 localhost"
	assert_line "::1 localhost ip6-localhost ip6-loopback"
	assert_line "127.0.1.1 web"
	assert_line "10.88.0.5 db"
	[ "$(grep -cx ro,nosuid,nodev,noexec,relatime <<<"$output")" -eq 2 ] || _wrong "flags"
	assert_output "Read-only file system"
	snapshot | diff "$TMP/before" - || _wrong "the root changed"
}

# every_launcher: root, and the ordinary user with a tree of root's, of his own and of a stranger's.
every_launcher() {
	local owner

	for owner in 0 65534 12345; do
		give "$owner"
		both_files as_self
		both_files as_user
	done
}

@test "a root that has the files: they are mounted on" {
	etc resolv.conf hosts
	for access in read-only overlay read-write; do
		names_profile "$access"
		if [ "$access" = overlay ] && ! overlay_on_tmpfs; then
			both_files as_self
		else
			every_launcher
		fi
		assert_line kept
	done
}

@test "a read-only root that lacks them, or has no /etc" {
	names_profile read-only
	every_launcher
	etc
	every_launcher
	assert_line kept
	rm -r "${tree:?}/etc"
	: >"$tree/etc"
	every_launcher
}

@test "links in their place stay as they are, and lead nowhere" {
	etc real
	ln -s /run/systemd/resolve/stub-resolv.conf "$tree/etc/resolv.conf"
	ln -s real "$tree/etc/hosts"
	for access in read-only read-write; do
		names_profile "$access"
		every_launcher
		assert_line kept
	done
	[ ! -s "$tree/etc/real" ]
}

@test "an /etc that is a link" {
	mkdir "$tree/conf"
	ln -s /conf "$tree/etc"
	names_profile read-only
	every_launcher
	rm "$tree/etc"
	ln -s nowhere "$tree/etc"
	every_launcher
}

@test "a directory, a FIFO or a device in their place" {
	as_root_only
	etc
	mkdir "$tree/etc/resolv.conf"
	mkfifo "$tree/etc/hosts"
	names_profile read-only
	every_launcher
	rm -r "${tree:?}/etc/resolv.conf"
	mknod "$tree/etc/resolv.conf" c 1 3
	names_profile read-write
	every_launcher
}

@test "what cannot be done in a writable root is said" {
	etc
	mkdir "$tree/etc/resolv.conf"
	names_profile read-write
	run sandbox -p "$PROFILE" -- true
	assert_status 123
	assert_output "$PROFILE:5: network.dns: cannot make a place for /etc/resolv.conf: Is a directory (names, enter)"
	assert_output 'the root has a directory there'
	rm -r "${tree:?}/etc"
	ln -s nowhere "$tree/etc"
	run sandbox -p "$PROFILE" -- true
	assert_status 123
	assert_output "a link that leads nowhere"
}

@test "a writable root gets empty files as places; an overlay's lower directory none" {
	etc
	names_profile overlay
	both_files as_self
	names_profile read-write
	run sandbox -p "$PROFILE" -- cat /etc/hosts
	assert_status 0
	assert_line "10.88.0.5 db"
	[ -f "$tree/etc/resolv.conf" ]
	[ ! -s "$tree/etc/resolv.conf" ]
	[ -f "$tree/etc/hosts" ]
	[ ! -s "$tree/etc/hosts" ]
	[ ! -e "$tree/etc/hostname" ]
}

@test "what is mounted in a covered directory stays there" {
	etc
	mkdir "$tree/etc/a b" "$USER_TMP/data"
	echo bound >"$USER_TMP/data/file"
	bind="{ type = \"bind\"; source = \"$USER_TMP/data\"; target ="
	names_profile read-only ", $bind \"/etc/a b\"; }, $bind \"/etc/sub\"; }, { type = \"tmpfs\"; target = \"/srv\"; }"
	for as in as_self as_user; do
		run "$as" sandbox -p "$PROFILE" -- sh -c 'cat "/etc/a b/file" /etc/sub/file; ls /etc/sub; cat /etc/hosts; echo ok >/srv/new && cat /srv/new'
		assert_status 0
		[ "$(grep -cx bound <<<"$output")" -eq 2 ]
		assert_line "10.88.0.5 db"
		assert_line ok
		refute_output kept
	done
	# The whole root is covered where there is no /etc.
	rm -r "${tree:?}/etc"
	names_profile read-only ", $bind \"/srv\"; }"
	for as in as_self as_user; do
		run "$as" sandbox -p "$PROFILE" -- sh -c 'cat /srv/file; ls /etc; ls /proc/1/status; true >/dev/null && echo null
			true >/proc/sys/kernel/core_pattern; head -c 1 /proc/interrupts | wc -c; touch /new'
		assert_status 1
		assert_line bound
		assert_line hosts
		assert_line resolv.conf
		assert_line /proc/1/status
		assert_line null
		assert_line 0
		[ "$(grep -c "Read-only file system" <<<"$output")" -eq 2 ]
	done
}

@test "a tmpfs root, and an /etc of the host bound into it" {
	etc
	chmod 0755 "$USER_TMP"
	profile <<CONF
format = 1;
mounts = ( $(program_mounts) { type = "proc"; target = "/proc"; } );
network = { $dns $hosts };
CONF
	for as in as_self as_user; do
		run "$as" sandbox -p "$PROFILE" -- sh -c 'cat /etc/resolv.conf /etc/hosts; ls /etc | xargs; touch /etc/new'
		assert_status 1
		assert_line "nameserver 10.0.0.1"
		assert_line "10.88.0.5 db"
		assert_line "hosts resolv.conf"
		assert_output "Read-only file system"
	done
	profile <<CONF
format = 1;
mounts = ( $(program_mounts) { type = "proc"; target = "/proc"; },
	{ type = "bind"; source = "$tree/etc"; target = "/etc"; }, { type = "tmpfs"; target = "/etc/sub"; } );
network = { $dns $hosts };
CONF
	for as in as_self as_user; do
		run "$as" sandbox -p "$PROFILE" -- sh -c 'cat /etc/resolv.conf /etc/hosts; ls /etc | xargs; touch /etc/sub/new /etc/new'
		assert_status 1
		assert_line "nameserver 10.0.0.1"
		assert_line "hosts resolv.conf sub"
		assert_output "/etc/new: Read-only file system"
	done
	[ "$(ls "$tree/etc")" = sub ]
}

@test "the default profile: localhost without more, and what the network section says" {
	for as in as_self as_user; do
		run "$as" sandbox -p default -- sh -c 'cat /etc/hosts; ls /etc/resolv.conf'
		assert_line "127.0.0.1 localhost"
		assert_output "/etc/resolv.conf"
		[ "$status" -ne 0 ]
		run "$as" sandbox -p default -s 'network.dns.servers=["10.0.0.1"]' \
			-s 'network.hosts=({name="db";address="10.0.0.7";})' -- sh -c 'cat /etc/resolv.conf; getent hosts db localhost'
		assert_status 0
		assert_line "nameserver 10.0.0.1"
		[[ $output == *10.0.0.7*db*localhost* ]]
	done
}

@test "a mount of the profile's own stays where the section says nothing, and contradicts it else" {
	etc resolv.conf hosts
	file='{ type = "file"; content = "mine\n"; target ='
	names_profile read-only ", $file \"/etc/resolv.conf\"; }" "$hosts"
	run sandbox -p "$PROFILE" -- cat /etc/resolv.conf
	assert_status 0
	assert_line mine
	names_profile read-only ", $file \"/etc/resolv.conf\"; }"
	for verb in check "run -p"; do
		# shellcheck disable=SC2086 # two words
		run sandbox $verb "$PROFILE"
		assert_status 121
		assert_output "$PROFILE:4: mounts[2].target: cannot mount /etc/resolv.conf: the section network says what it holds"
	done
	names_profile read-only ", $file \"/etc/hosts\"; }"
	run sandbox -p "$PROFILE" -- true
	assert_status 121
	assert_output "leave this mount out, or network.hosts"
	# A bind that is left out does not count.
	names_profile read-only ", { type = \"bind\"; source = \"$TMP/absent\"; target = \"/etc/hosts\"; optional = true; }"
	run sandbox -p "$PROFILE" -- cat /etc/hosts
	assert_line "10.88.0.5 db"
}

# with_resolv_conf CMD...: runs it where the host's file is $TMP/resolv.conf.
with_resolv_conf() {
	unshare -m --propagation private sh -c 'mount --bind "$0" /etc/resolv.conf && exec "$@"' "$TMP/resolv.conf" "$@"
}

@test "servers = host: the host's, in its order, as many as there is room for" {
	as_root_only
	etc resolv.conf
	names_profile read-only '' 'dns = { servers = [ "10.9.9.9", "host" ]; };'
	printf '# nameserver 10.0.0.9\nsearch a\nnameserver 127.0.0.53\nnameserver 10.0.0.2\nnameserver 10.0.0.3\n' >"$TMP/resolv.conf"
	run with_resolv_conf "$SANDBOX" -p "$PROFILE" -- cat /etc/resolv.conf
	assert_status 0
	[ "$(xargs <<<"$output")" = "nameserver 10.9.9.9 nameserver 127.0.0.53 nameserver 10.0.0.2" ]
	# Neither check nor explain looks.
	for verb in check "explain -p"; do
		# shellcheck disable=SC2086 # two words
		run strace -f -e trace=openat,open,connect -o "$TMP/trace" "$SANDBOX" $verb "$PROFILE"
		assert_status 0
		[ -s "$TMP/trace" ]
		run cat "$TMP/trace"
		refute_output /etc/resolv.conf
		refute_output AF_INET
	done
}

@test "names are looked up when a sandbox starts, not by explain" {
	names_profile read-only '' "mode = \"pasta\"; outbound = { rules = ( { verdict = \"allow\"; to = \"example.org\"; } ); };"
	run sandbox explain -p "$PROFILE"
	assert_status 0
	assert_output "example.org: resolved at start"
	assert_output "/etc/hosts: file made at start"
	assert_output "/etc/hostname: file made at start"
}

@test "nothing of it stays behind" {
	residue_before
	names_profile read-only
	for as in as_self as_user; do
		run "$as" sandbox -p "$PROFILE" -- true
		assert_status 0
	done
	residue_after
}
