# The shipped profiles, each on the root file system and with the programs that it is for.

bats_require_minimum_version 1.5.0
load ../lib/common

setup() {
	residue_before
}

teardown() {
	residue_after
}

shipped() {
	sandbox -p "$CHECKOUT/profiles/$1.conf" "${@:2}"
}

user_shipped() {
	as_user sandbox -p "$CHECKOUT/profiles/$1.conf" "${@:2}"
}

# What the README's first command shows.
SHOW='id; hostname; ps; mount; ip addr'

looks_like_a_sandbox() {
	assert_status 0
	assert_output "uid=0(root) gid=0(root)"
	[[ $output =~ [0-9a-f]{6}-[a-z-]+ ]]
	[ "$(grep -c '^ *1 root .*sandbox-init' <<<"$output")" = 1 ]
	assert_output "1: lo: <LOOPBACK,UP,LOWER_UP>"
	# No mount of the host's table: the host's /sys/fs/cgroup and our own $TMP are in it.
	refute_output " on /sys/fs/cgroup"
	refute_output "$TMP"
	[ "$(grep -c ' on / type ' <<<"$output")" = 1 ]
}

@test "alpine, launched by root" {
	as_root_only
	run shipped alpine -- sh -c "$SHOW"
	looks_like_a_sandbox
}

@test "alpine, launched by an ordinary user" {
	run user_shipped alpine -- sh -c "$SHOW"
	looks_like_a_sandbox
}

@test "alpine does a job: files of any owner on its tmpfs, nothing on its root" {
	run shipped alpine -- sh -ec '
		echo x >/tmp/f; chown 7:8 /tmp/f; stat -c %u:%g /tmp/f
		tar -cf /tmp/t.tar -C /tmp f; tar -tf /tmp/t.tar
		! touch /etc/new 2>/dev/null'
	assert_status 0
	assert_line 7:8
	assert_line f
}

@test "default runs the host's programs for root and for an ordinary user" {
	local launcher

	for launcher in sandbox "as_user sandbox"; do
		run $launcher -- sh -c 'id -un; cd; pwd; echo "int main(void){return 7;}" >a.c && cc a.c -o a && ./a; echo "exit $?"'
		assert_status 0
		assert_line sandbox
		assert_line /home/sandbox
		assert_line "exit 7"
	done
}

@test "default shows neither the host's files nor its users" {
	echo secret >"$TMP/secret"
	run sandbox -- cat "$TMP/secret"
	assert_status 1
	run sandbox --ro "$TMP" -- cat "$TMP/secret"
	assert_line secret
	run sandbox -- ls -A /home
	[ "$output" = sandbox ]
	run sandbox -- sh -c 'cat /etc/shadow || ls -A /root'
	[ "$status" -ne 0 ]
	# Every user that it knows is root, nobody or its own; the host has others.
	run sandbox -- cut -d: -f1 /etc/passwd
	assert_line sandbox
	[ -z "$(grep -vxE 'root|sandbox|nobody' <<<"$output")" ]
	grep -qvE '^(root|sandbox|nobody):' /etc/passwd
}

@test "default binds its limits where a cgroup can be made, and says so where none can" {
	as_root_only
	run sandbox --status-file "$TMP/status" -- true
	assert_status 0
	[ "$(jq -r '.degraded[]' "$TMP/status" | grep -c '^cgroup')" -eq 0 ]
	: >"$USER_TMP/status"
	run as_user sandbox --status-file "$USER_TMP/status" -- true
	assert_status 0
	[ "$(jq -r '.degraded[]' "$USER_TMP/status" | grep -c '^cgroup')" -ge 1 ]
}

@test "minimal has a shell and nothing that is not linked" {
	for launcher in "shipped" "user_shipped"; do
		run "$launcher" minimal -- sh -c 'ls /; ls /bin | wc -l; id -u'
		assert_status 0
		assert_line bin
		assert_line 1000
		refute_output etc
		run -127 "$launcher" minimal -- vi
	done
}

@test "debian: dpkg works on an overlay, and the tree stays as it was" {
	as_root_only
	[ ! -e "$ROOTFS_DEBIAN/opt/new" ]
	run shipped debian -- bash -ec 'dpkg -l | grep -c ^ii; mkdir /opt/new; rmdir /srv && mkdir /srv; mv /etc/motd /etc/motd.old; apt-config dump >/dev/null; perl -e "print 6*7, qq(\n)"'
	assert_status 0
	assert_line 42
	[ ! -e "$ROOTFS_DEBIAN/opt/new" ]
	[ -e "$ROOTFS_DEBIAN/etc/motd" ]
}

@test "every shipped profile passes check" {
	local file

	for file in "$CHECKOUT"/profiles/*.conf; do
		run sandbox check "$file"
		assert_status 0
		[ -z "$output" ]
	done
}

@test "every shipped profile is its own fixed point: show reads back to the same" {
	local file name

	for file in "$CHECKOUT"/profiles/*.conf; do
		name=$(basename "$file" .conf)
		sandbox show -p "$file" >"$TMP/$name.once.conf"
		sandbox show -p "$TMP/$name.once.conf" >"$TMP/$name.twice.conf"
		diff "$TMP/$name.once.conf" "$TMP/$name.twice.conf"
	done
}

@test "a root file system unpacked from an OCI image runs" {
	as_root_only
	local image=$TMP/image

	umoci init --layout "$image"
	umoci new --image "$image:latest"
	umoci unpack --image "$image:latest" "$TMP/bundle"
	cp -a "$ROOTFS/." "$TMP/bundle/rootfs/"
	umoci repack --image "$image:latest" "$TMP/bundle"
	umoci unpack --image "$image:latest" "$TMP/unpacked"
	run sandbox -p "$CHECKOUT/profiles/alpine.conf" -D root="$TMP/unpacked/rootfs" -- sh -c 'id -u; ls /etc/passwd'
	assert_status 0
	assert_line 0
	assert_line /etc/passwd
}
