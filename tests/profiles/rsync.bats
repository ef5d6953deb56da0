# rsync: copies and mirrors a tree; the source stays as it was, and a link out of it leads nowhere.

# shellcheck disable=SC2030,SC2031,SC2154 # what bats' run sets
bats_require_minimum_version 1.5.0
load ../lib/common
load ../lib/profiles

setup_file() {
	packages rsync
}

setup() {
	residue_before
}

teardown() {
	residue_after
}

# trees: a source and an empty target in $WORK.
trees() {
	rm -rf source target
	as_launcher mkdir -p source/inner target
	seq 1 2000 >source/numbers
	echo hello >'source/inner/with a space'
	ln -s numbers source/link
	touch -d '2020-02-03 04:05:06 UTC' source/numbers
	[ "$LAUNCHER" = root ] || [ "$(id -u)" -ne 0 ] || chown -hR "$TEST_UID:$TEST_UID" source
	LAUNCH_OPTIONS=(-D source=source -D target=target)
}

copies() {
	trees
	run launch "${LAUNCH_OPTIONS[@]}"
	assert_status 0
	[ -z "$output" ]
	diff -r source target
	[ "$(readlink target/link)" = numbers ]
	[ "$(stat -c %Y target/numbers)" = 1580702706 ]
	[ "$(stat -c %u target/numbers)" = "$(stat -c %u target)" ]
	# The second time only what is new, and what has gone goes.
	as_launcher rm source/link
	echo new >source/new
	echo stray >target/stray
	run launch "${LAUNCH_OPTIONS[@]}" -- rsync -a --delete --itemize-changes --out-format='%i %n' --no-times --exclude=inner /source/ /target/
	assert_status 0
	assert_output "new"
	assert_output "*deleting   stray"
	refute_output numbers
	run launch "${LAUNCH_OPTIONS[@]}" -- rsync -a --checksum --compare-dest=/target /source/ /tmp/other/
	assert_status 0
	[ ! -e target/stray ]
	[ -e target/inner ]
}

@test "rsync copies, brings up to date, deletes what has gone" {
	each_launcher copies
}

names() {
	trees
	run launch "${LAUNCH_OPTIONS[@]}" -- rsync -a "$WORK/source/" "$WORK/target/"
	assert_status 0
	diff -r source target
	# One directory is both.
	run launch -- rsync -a source/ copy/
	assert_status 0
	diff -r source copy
	run launch -- rsync -a "$WORK/copy/inner/" "$WORK/other/"
	assert_status 0
	diff -r copy/inner other
}

# What is somebody else's is read as far as everybody may.
others() {
	trees
	run launch -D source=/usr/share/common-licenses -D target=target
	assert_status 0
	diff -rq /usr/share/common-licenses target
}

@test "from a directory of root's" {
	each_launcher others
}

@test "with the paths that they have outside, and within the current directory" {
	each_launcher names
}

# refuses_source CMD...: what changes the source, with the same paths outside. In the sandbox it succeeds where it may be written.
refuses_source() {
	run launch "${LAUNCH_OPTIONS[@]}" -- "$@"
	[ "$status" -ne 0 ]
	assert_output "Read-only file system"
	[ -e source/numbers ]
	run launch "${LAUNCH_OPTIONS[@]}" -s 'mounts[/source].access=read-write' -- "$@"
	assert_status 0
	[ ! -e source/numbers ]
}

# A tree of somebody else's with a link to a file of the user's, copied with what links lead to.
refuses_link() {
	local theirs=$TMP/theirs-$LAUNCHER

	trees
	echo hunter2 >"$theirs/password"
	as_launcher ln -s "$theirs/password" source/hostile
	run launch "${LAUNCH_OPTIONS[@]}" -- rsync -a --copy-links /source/ /target/
	assert_status 23
	assert_output 'symlink has no referent: "/source/hostile"'
	[ ! -e target/hostile ]
	run as_launcher rsync -a --copy-links source/ target/
	assert_status 0
	[ "$(cat target/hostile)" = hunter2 ]
}

# The same command from and to a directory that was not named.
refuses_elsewhere() {
	local theirs=$TMP/theirs-$LAUNCHER

	echo hunter2 >"$theirs/password"
	refuses_there rsync "$theirs/password" /dev/shm/
	refuses_there rsync /etc/passwd "$theirs/copied"
	[ -s "$theirs/copied" ]
	rm -f /dev/shm/password
}

refusals() {
	trees
	refuses_source rsync -a --remove-source-files /source/ /target/
	trees
	refuses_source rm /source/numbers
	refuses_link
	LAUNCH_OPTIONS=()
	refuses_elsewhere
	refuses_secret
	refuses_writing
	refuses_network
	refuses_namespaces
	refuses_memory 512M -s cgroup.memory.max=256M
}

@test "the source is not written, links lead nowhere, no network" {
	each_launcher refusals
}
