# read_only: parts of the tree that nobody writes to.
# shellcheck disable=SC2016 # what stands in single quotes is for the shell inside
load ../lib/common
load ../lib/filesystem

# read_only_profile LIST [MORE]
read_only_profile() {
	profile <<CONF
format = 1;
users = { uid = 0; gid = 0; map = "root"; };
capabilities = { keep = [ "NET_ADMIN" ]; };
mounts = ( $(program_mounts) { type = "proc"; target = "/proc"; }, { type = "tmpfs"; target = "/t"; },
	{ type = "directory"; target = "/t/plain"; }, { type = "tmpfs"; target = "/t/plain/below"; },
	{ type = "dev"; target = "/dev"; } );
read_only = $1;
${2:-}
CONF
}

@test "a directory is read-only with all that is mounted below it; its surroundings are not" {
	read_only_profile '[ "/t/plain" ]'
	run as_user sandbox -p "$PROFILE" -- sh -c 'touch /t/a && echo beside; touch /t/plain/a; touch /t/plain/below/a'
	assert_line beside
	[ "$(grep -c "Read-only file system" <<<"$output")" -eq 2 ]
	read_only_profile '[ ]'
	run as_user sandbox -p "$PROFILE" -- sh -ec 'touch /t/a; touch /t/plain/a; touch /t/plain/below/a'
	assert_status 0
}

@test "the top of a mount gets the attribute itself" {
	read_only_profile '[ "/t" ]'
	run as_user sandbox -p "$PROFILE" -- sh -c 'grep -c " /t " /proc/self/mountinfo; touch /t/a; touch /t/plain/below/a'
	assert_line 1
	[ "$(grep -c "Read-only file system" <<<"$output")" -eq 2 ]
}

# With CAP_NET_ADMIN the kernel would let it set what belongs to the network namespace.
@test "root inside writes nothing below /proc/sys and the like by default" {
	read_only_profile '[ ]'
	sed -i '/^read_only/d' "$PROFILE"
	cat >"$TMP/walk" <<'SH'
for d in /proc/sys /proc/bus /proc/fs /proc/irq /proc/sysrq-trigger; do
	find "$d" -type f 2>/dev/null
done | while read -r f; do
	{ true >>"$f"; } 2>/dev/null && echo "open $f"
done
echo walked
SH
	for as in as_self as_user; do
		[ "$as" = as_self ] && extra="users.map=auto" || extra="users.map=root"
		run "$as" sandbox -p "$PROFILE" -s "$extra" -- sh -s <"$TMP/walk"
		assert_status 0
		assert_line walked
		refute_output open
	done
	# With an empty list there is something that root of the network namespace can write.
	read_only_profile '[ ]'
	run as_user sandbox -p "$PROFILE" -- sh -s <"$TMP/walk"
	assert_output "open /proc/sys/net/"
}

@test "the host's root without a user namespace cannot write /proc/sys either" {
	as_root_only
	read_only_profile '[ ]' 'dangerous = [ "host-root" ];'
	sed -i '/^read_only/d; s/map = "root"/map = "none"/' "$PROFILE"
	echo 'namespaces = [ "mount", "pid", "net", "ipc", "uts", "cgroup" ];' >>"$PROFILE"
	run sandbox -p "$PROFILE" -- sh -c '{ true >>/proc/sys/kernel/core_pattern; } && echo open'
	refute_output open
	assert_output "Read-only file system"
	# The very same without the list, which is why it exists. Opened only, nothing is written.
	run sandbox -p "$PROFILE" -s 'read_only=[]' -- sh -c '{ true >>/proc/sys/kernel/core_pattern; } && echo open'
	assert_line open
}

@test "what is missing is passed over" {
	read_only_profile '[ "/absent", "/t/absent/deep" ]'
	run as_user sandbox -p "$PROFILE" -- true
	assert_status 0
}

@test "root inside cannot make it writable again" {
	read_only_profile '[ "/t/plain", "/proc/sys" ]'
	run as_user sandbox -p "$PROFILE" -- sh -c 'mount -o remount,rw,bind /t/plain; umount -l /t/plain; umount -l /proc/sys
		touch /t/plain/a && echo open; { true >>/proc/sys/net/ipv4/ip_forward; } && echo open'
	refute_output open
	assert_output "Read-only file system"
}

@test "what a link leads to is no promise where the link can be replaced" {
	mkdir -p "$USER_TMP/project/real/hooks" "$USER_TMP/project/.git"
	ln -s ../real/hooks "$USER_TMP/project/.git/hooks"
	[ "$(id -u)" -ne 0 ] || chown -R 65534:65534 "$USER_TMP/project"
	# In a repository that is read-only itself, as in build; and of its own accord.
	run as_user sandbox -p "$CHECKOUT/profiles/build.conf" -D project="$USER_TMP/project" -- touch /work/.git/new
	assert_status 1
	assert_output "Read-only file system"
	for list in .git/hooks real/hooks; do
		run as_user sandbox -p "$CHECKOUT/profiles/build.conf" -D project="$USER_TMP/project" \
			-s "read_only=[ \"/work/$list\" ]" -- sh -c 'rm -r /work/.git/hooks; echo gone'
		case $list in
		.git/hooks)
			assert_status 123
			assert_output "read_only: cannot make /work/.git/hooks read-only: it is, or lies behind, a link"
			[ -L "$USER_TMP/project/.git/hooks" ]
			;;
		*) # The control: the link can be taken away.
			assert_line gone
			[ ! -L "$USER_TMP/project/.git/hooks" ]
			;;
		esac
	done
}
