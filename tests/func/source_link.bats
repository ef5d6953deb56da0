# source_link: what is bound is found by its path on the host, too, where that is free inside.
# shellcheck disable=SC2016 # what stands in single quotes is for the shell inside
load ../lib/common
load ../lib/filesystem

# link_profile ELEMENTS [MORE]: a directory of each user's own as /work, on a tmpfs root with the programs of the root
# file system.
link_profile() {
	local as

	for as in self user; do
		mkdir -p "$USER_TMP/$as"
		echo "of $as" >"$USER_TMP/$as/file"
		[ "$as" = self ] || [ "$(id -u)" -ne 0 ] || chown -R 65534:65534 "$USER_TMP/$as"
	done
	profile <<CONF
format = 1;
params = ( { name = "dir"; type = "directory"; default = "."; doc = "the directory"; } );
mounts = (
$(program_mounts) { type = "proc"; target = "/proc"; }, { type = "tmpfs"; target = "/tmp"; mode = "1777"; },
{ type = "bind"; source = "\${dir}"; target = "/work"; access = "read-write"; idmap = "owner"; source_link = true; }
${1:-}
);
${2:-}
CONF
}

@test "a directory is read and written by its own path, as by its target" {
	link_profile
	for as in self user; do
		cd "$USER_TMP/$as"
		run "as_$as" sandbox -p "$PROFILE" -- sh -c 'cat "$1/file" && echo new >"$1/new" && cat /work/new && readlink "$1"' sh "$PWD"
		assert_status 0
		assert_line "of $as"
		assert_line new
		assert_line /work
		[ "$(cat new)" = new ]
		# However it was named.
		run "as_$as" sandbox -p "$PROFILE" -D dir=../"$as"/ -- cat "$PWD/file"
		assert_line "of $as"
		run "as_$as" sandbox -p "$PROFILE" -s 'mounts[/work].source_link=false' -- cat "$PWD/file"
		assert_status 1
	done
}

# looks EXPECTED: what is at the directory's own path inside.
looks() {
	run sandbox -p "$PROFILE" -D dir="$USER_TMP/self" -- sh -c '
		if [ -L "$1" ]; then readlink "$1"; elif [ -d "$1" ]; then echo "directory:" $(ls "$1"); else echo nothing; fi
		cat /work/file' sh "$USER_TMP/self"
	assert_status 0
	assert_line "$1"
	assert_line "of self"
}

@test "the link gives way to whatever else is there" {
	link_profile
	looks /work
	link_profile ", { type = \"directory\"; target = \"$USER_TMP/self\"; }"
	looks directory:
	link_profile ", { type = \"tmpfs\"; target = \"$USER_TMP/self\"; }"
	looks directory:
	link_profile ", { type = \"symlink\"; target = \"$USER_TMP/self\"; source = \"/tmp\"; }"
	looks /tmp
	link_profile ", { type = \"file\"; target = \"$USER_TMP\"; content = \"in the way\"; }"
	looks nothing
}

@test "it is never made in what is the host's" {
	mkdir "$TMP/other"
	# Where the path would lie in what is bound from elsewhere.
	link_profile ", { type = \"bind\"; source = \"$TMP/other\"; target = \"$USER_TMP\"; access = \"read-write\"; idmap = \"owner\"; }"
	looks nothing
	[ -z "$(ls -A "$TMP/other")" ]
	# The control: there it could have been.
	run sandbox -p "$PROFILE" -D dir="$USER_TMP/self" -- ln -s /work "$USER_TMP/self"
	assert_status 0
	[ -L "$TMP/other/self" ]
	# In its own target.
	link_profile ", { type = \"bind\"; source = \"$USER_TMP/self\"; target = \"$USER_TMP\"; access = \"read-write\"; idmap = \"owner\"; source_link = true; }" \
		'process = { cwd = "/"; };'
	looks nothing
	[ "$(ls -A "$USER_TMP/self")" = file ]
	# In a tree that is the root.
	link_profile "" "root = { source = \"$ROOTFS\"; };"
	run sandbox explain -p "$PROFILE" -D dir="$USER_TMP/self"
	assert_status 0
	refute_output "symbolic link to /work"
}

@test "it is never made in what is the host's, where a link of the profile's leads the path there" {
	mkdir "$USER_TMP/other"
	link_profile ", { type = \"bind\"; source = \"$USER_TMP/other\"; target = \"/other\"; access = \"read-write\"; },
		{ type = \"symlink\"; target = \"$USER_TMP\"; source = \"/other\"; }"
	[ "$(id -u)" -ne 0 ] || chown 65534:65534 "$USER_TMP/other"
	run as_user sandbox -p "$PROFILE" -D dir="$USER_TMP/user" -- cat /work/file
	assert_status 0
	[ -z "$(ls -A "$USER_TMP/other")" ]
	# The control: who follows the link could have made it.
	run as_user sandbox -p "$PROFILE" -D dir="$USER_TMP/user" -- touch "$USER_TMP/user"
	assert_status 0
	[ -e "$USER_TMP/other/user" ]
}

@test "explain names it" {
	link_profile
	run sandbox explain -p "$PROFILE" -D dir="$USER_TMP/self"
	assert_output "$USER_TMP/self: symbolic link to /work"
	run sandbox explain -p "$PROFILE" -D dir="$USER_TMP/self" -s 'mounts[/work].source_link=false'
	assert_status 0
	refute_output "symbolic link to /work"
}

@test "the shipped profiles of one directory know it by its own path" {
	cd "$USER_TMP"
	echo text >mine
	for name in strict build; do
		run sandbox -p "$CHECKOUT/profiles/$name.conf" -- sh -c 'cat "$1/mine"; pwd' sh "$PWD"
		assert_line text
		assert_line /work
		run sandbox -p "$CHECKOUT/profiles/$name.conf" -- ls -A "$TMP"
		assert_output user
		refute_output home
	done
}
