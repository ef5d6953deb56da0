# git: commits, branches, merges; the commands and hooks of a hostile repository find nothing and go nowhere.

# shellcheck disable=SC2030,SC2031,SC2154 # what bats' run sets
bats_require_minimum_version 1.5.0
load ../lib/common
load ../lib/profiles

setup_file() {
	packages git less
}

setup() {
	residue_before
	export GIT_AUTHOR_NAME=Somebody GIT_AUTHOR_EMAIL=somebody@example.org
	export GIT_COMMITTER_NAME=Somebody GIT_COMMITTER_EMAIL=somebody@example.org
	export GIT_CONFIG_GLOBAL=/dev/null
}

teardown() {
	residue_after
}

works() {
	launch -- git init -q -b main .
	as_launcher mkdir src
	seq 1 1000 >src/numbers
	launch -- git add .
	launch -- git commit -qm "the first"
	launch -- git checkout -qb topic
	seq 1 500 >src/numbers
	launch -- git commit -qam "half of it"
	launch -- git checkout -q main
	launch -- git merge -q --no-ff -m merged topic
	launch -- git tag -a -m "a tag" v1
	launch -- git gc -q
	run launch -- git status --short
	assert_status 0
	[ -z "$output" ]
	run launch -- git log --format='%s by %an'
	assert_line "merged by Somebody"
	assert_line "half of it by Somebody"
	run launch -- git archive -o tree.tar v1
	assert_status 0
	[ "$(tar xOf tree.tar src/numbers | wc -l)" -eq 500 ]
	# What was made is sound, and belongs to the one whose directory it is.
	run as_launcher git fsck --strict
	assert_status 0
	[ "$(stat -c %u .git/HEAD)" = "$(stat -c %u .)" ]
}

@test "git commits, branches, merges, tags, packs and exports" {
	each_launcher works
}

clones() {
	as_launcher git init -q -b main origin
	seq 1 10 >file
	as_launcher cp file origin/file
	as_launcher git -C origin add file
	as_launcher git -C origin commit -qm one
	run launch -- git clone -q origin copy
	assert_status 0
	cmp file copy/file
	run launch -- git -C copy rebase -q origin/main
	assert_status 0
	run launch -- git -C copy show --stat
	assert_output "1 file changed, 10 insertions(+)"
}

@test "git clones a repository beside it" {
	each_launcher clones
}

# repository: one with a commit, whose configuration the hostile tests add to.
repository() {
	rm -rf .git tracked
	as_launcher git init -q -b main .
	echo text >tracked
	as_launcher git add tracked
	as_launcher git commit -qm one
}

# tells NAME GIT-COMMAND...: the command in $theft ran outside and found the password; inside it ran, and did not.
tells() {
	local name=$1

	shift
	rm -f stolen
	run as_launcher git "$@"
	[ "$(cat stolen)" = hunter2 ] || _wrong "the control of $name stole nothing"
	rm -f stolen
	run launch -- git "$@"
	[ -e stolen ] || _wrong "$name did not run at all"
	[ ! -s stolen ] || _wrong "$name stole something"
}

# Everything that runs for a harmless command, because the repository's configuration says so.
hostile_configuration() {
	local theirs=$TMP/theirs-$LAUNCHER theft

	theft="cat $theirs/password >stolen;"
	echo hunter2 >"$theirs/password"
	repository
	as_launcher git config core.fsmonitor "$theft false"
	tells fsmonitor status
	repository
	as_launcher git config diff.external "$theft true"
	echo more >>tracked
	tells diff.external diff
	repository
	as_launcher git config filter.theft.clean "$theft cat"
	echo '* filter=theft' >.gitattributes
	tells filter add .gitattributes
	repository
	as_launcher git config alias.st "!$theft git status"
	tells alias st
	repository
	as_launcher git config core.sshCommand "$theft false"
	tells sshCommand fetch ssh://nowhere.invalid/repository
	rm -f .gitattributes
}

# A hook is a program of the repository's own: it is not run at all.
hostile_hooks() {
	local theirs=$TMP/theirs-$LAUNCHER

	repository
	printf '#!/bin/sh\ncat %s/password >stolen\n' "$theirs" >.git/hooks/post-checkout
	chmod 755 .git/hooks/post-checkout
	rm -f stolen
	run launch -- git checkout -q -b inside
	assert_status 0
	assert_output "hook was ignored because it's not set as executable"
	[ ! -e stolen ]
	as_launcher git checkout -q -b outside
	[ "$(cat stolen)" = hunter2 ]
	rm -f stolen
}

# A submodule whose address is a directory of the user's.
hostile_submodule() {
	local theirs=$TMP/theirs-$LAUNCHER

	as_launcher git init -q "$theirs/private"
	echo hunter2 >"$theirs/private/password"
	as_launcher git -C "$theirs/private" add password
	as_launcher git -C "$theirs/private" commit -qm private
	repository
	printf '[submodule "m"]\n\tpath = m\n\turl = %s\n' "$theirs/private" >.gitmodules
	as_launcher git update-index --add --cacheinfo "160000,$(as_launcher git -C "$theirs/private" rev-parse HEAD),m"
	as_launcher git submodule -q init
	run launch -- git -c protocol.file.allow=always submodule update
	[ "$status" -ne 0 ]
	assert_output "$theirs/private"
	[ ! -e m/password ]
	run as_launcher git -c protocol.file.allow=always submodule update
	assert_status 0
	[ "$(cat m/password)" = hunter2 ]
	rm -rf m .gitmodules
}

refusals() {
	hostile_configuration
	hostile_hooks
	hostile_submodule
	refuses_secret
	refuses_writing
	refuses_processes
	refuses_network
	refuses_namespaces
	refuses_memory 512M -s cgroup.memory.max=256M
}

@test "configuration, filters, hooks and submodules of a hostile repository find nothing" {
	each_launcher refusals
}
