# git-clone: clones and fetches from the named server; submodules and hooks of what was cloned lead nowhere else.

# shellcheck disable=SC2030,SC2031,SC2154 # what bats' run sets
bats_require_minimum_version 1.5.0
load ../lib/common
load ../lib/net
load ../lib/profiles
load ../lib/internet

setup_file() {
	packages git passt iproute2 python3
}

setup() {
	as_root_only
	residue_before
	internet_up
	export GIT_AUTHOR_NAME=Somebody GIT_AUTHOR_EMAIL=somebody@example.org
	export GIT_COMMITTER_NAME=Somebody GIT_COMMITTER_EMAIL=somebody@example.org
	export GIT_CONFIG_GLOBAL=/dev/null
	mkdir "$TMP/site"
	published one hello
}

teardown() {
	internet_down
	residue_after
}

# published NAME TEXT: a repository on the site; again, with one commit more.
published() {
	local work=$TMP/upstream-$1

	[ -d "$work" ] || git init -q -b main "$work"
	echo "$2" >>"$work/file"
	git -C "$work" add -A
	git -C "$work" commit -qm "$2"
	[ -d "$TMP/site/$1" ] || git clone -q --bare "$work" "$TMP/site/$1"
	git -C "$work" push -q "$TMP/site/$1" main
	git -C "$TMP/site/$1" update-server-info
}

daemon() {
	on outside git -c safe.directory='*' daemon --reuseaddr --export-all --base-path="$TMP/site" "$TMP/site" 3>&- &
	wait_until 5 on outside git ls-remote -q git://127.0.0.1/one
}

clones() {
	run launch -D host=server.test -D port=9418 -- git clone -q git://server.test/one
	assert_status 0
	[ -z "$output" ]
	[ "$(head -n 1 one/file)" = hello ]
	[ "$(stat -c %u one/.git/HEAD)" = "$(stat -c %u .)" ]
	published one again
	run launch -D host=198.51.100.7 -D port=9418 -- git -C one pull -q git://198.51.100.7/one main
	assert_status 0
	[ "$(tail -n 1 one/file)" = again ]
	run launch -D host=server.test -D port=8080 -- git clone -q http://server.test:8080/one over-http
	assert_status 0
	as_launcher git -C over-http fsck --strict
	run launch -D host=server.test -D port=8080 -- git ls-remote http://server.test:8080/one
	assert_output refs/heads/main
}

@test "git clones and pulls from a daemon and a web server" {
	daemon
	web outside 8080 "$TMP/site"
	each_launcher clones
}

# A submodule that lies with a neighbour, who learns so who clones.
submodules() {
	local LAUNCH_OPTIONS=(-D host=server.test -D port=8080)

	run as_launcher git clone -q --recurse-submodules http://server.test:8080/more outside
	assert_status 0
	[ "$(head -n 1 outside/m/file)" = hello ]
	run launch "${LAUNCH_OPTIONS[@]}" -- git clone -q --recurse-submodules http://server.test:8080/more inside
	assert_status 1
	assert_output "Could not resolve host: other.test"
	run launch "${LAUNCH_OPTIONS[@]}" -- git clone -q http://server.test:8080/more without
	assert_status 0
	refuses git ls-remote http://192.0.2.3:8080/one
	refuses git ls-remote http://server.test:8081/one
	LAUNCH_OPTIONS=()
	refuses git ls-remote http://server.test:8080/one
}

@test "a submodule on another machine, another port and an unnamed server are not reached" {
	published more text
	git -C "$TMP/upstream-more" config -f .gitmodules submodule.m.path m
	git -C "$TMP/upstream-more" config -f .gitmodules submodule.m.url http://other.test:8080/one
	git -C "$TMP/upstream-more" update-index --add --cacheinfo "160000,$(git -C "$TMP/upstream-one" rev-parse HEAD),m"
	git -C "$TMP/upstream-more" add .gitmodules
	git -C "$TMP/upstream-more" commit -qm submodule
	git -C "$TMP/upstream-more" push -q "$TMP/site/more" main
	git -C "$TMP/site/more" update-server-info
	web outside 8080 "$TMP/site"
	web outside 8081 "$TMP/site"
	web client 8080 "$TMP/site"
	each_launcher submodules
}

refusals() {
	local theirs=$TMP/theirs-$LAUNCHER LAUNCH_OPTIONS=(-D host=server.test -D port=9418)

	# A filter that the user was talked into.
	echo hunter2 >"$theirs/password"
	run as_launcher git clone -q -c "filter.f.smudge=cat $theirs/password" git://server.test/filtered outside
	assert_status 0
	grep -q hunter2 outside/file
	run launch "${LAUNCH_OPTIONS[@]}" -- git clone -q -c "filter.f.smudge=cat $theirs/password" git://server.test/filtered inside
	assert_output "$theirs/password: No such file or directory"
	[ "$(cat inside/file)" = text ]
	refuses_secret
	refuses_writing
	refuses_namespaces
	refuses_set_id
}

refuses_set_id() {
	as_launcher cp /bin/true program
	refuses chmod u+s program
	as_launcher rm -f program
}

@test "a filter of a clone finds no password; no file elsewhere is read or written" {
	published filtered text
	echo 'file filter=f' >"$TMP/upstream-filtered/.gitattributes"
	git -C "$TMP/upstream-filtered" add .gitattributes
	git -C "$TMP/upstream-filtered" commit -qm attributes
	git -C "$TMP/upstream-filtered" push -q "$TMP/site/filtered" main
	daemon
	each_launcher refusals
}
