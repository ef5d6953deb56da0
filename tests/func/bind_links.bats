# bind_links: below a directory that a sandbox can write, links do not say what of the host is shown.
# shellcheck disable=SC2016 # what stands in single quotes is for the shell inside
load ../lib/common
load ../lib/filesystem

# nested_profile ACCESS: a project, and what is called `part` in it a second time, as /part.
nested_profile() {
	mkdir -p "$USER_TMP/project/real" "$USER_TMP/project/another" "$USER_TMP/keys"
	echo key >"$USER_TMP/keys/file"
	echo part >"$USER_TMP/project/real/file"
	[ "$(id -u)" -ne 0 ] || chown -R 65534:65534 "$USER_TMP/project"
	profile <<CONF
format = 1;
mounts = (
$(program_mounts) { type = "proc"; target = "/proc"; },
{ type = "bind"; source = "$USER_TMP/project"; target = "/work"; access = "$1"; },
{ type = "bind"; source = "$USER_TMP/project/part"; target = "/part"; optional = true; },
{ type = "overlay"; target = "/layers"; lower = [ "$USER_TMP/project/layer", "$USER_TMP/project/real" ]; }
);
CONF
}

# link_to TARGET NAME: the one of `part` and `layer` that is not meant is what it should be.
link_to() {
	rm -rf "$USER_TMP/project/part" "$USER_TMP/project/layer"
	mkdir "$USER_TMP/project/part" "$USER_TMP/project/layer"
	rmdir "$USER_TMP/project/$2"
	ln -s "$1" "$USER_TMP/project/$2"
}

@test "a link that leads out of a writable bind is no source of another" {
	for as in as_self as_user; do
		for name in part layer; do
			nested_profile read-write
			link_to "$USER_TMP/keys" "$name"
			run "$as" sandbox -p "$PROFILE" -- cat /part/file /layers/file
			assert_status 122
			assert_output "cannot show $USER_TMP/project/$name inside: a link leads out of $USER_TMP/project"
			assert_output "$PROFILE:"
			assert_output "(mounts, plan)"
			# The controls: a link within it, and a directory that nobody inside can write.
			link_to another "$name"
			run "$as" sandbox -p "$PROFILE" -- cat /layers/file
			assert_status 0
			assert_line part
			nested_profile read-only
			link_to "$USER_TMP/keys" "$name"
			run "$as" sandbox -p "$PROFILE" -- sh -c 'cat /part/file /layers/file'
			assert_line key
		done
	done
}

@test "the agent's repository is no link to the host" {
	mkdir -p "$USER_TMP/project" "$USER_TMP/keys"
	ln -s "$USER_TMP/keys" "$USER_TMP/project/.git"
	run sandbox explain -p "$CHECKOUT/profiles/agent.conf" -D project="$USER_TMP/project"
	assert_status 122
	assert_output "a link leads out of $USER_TMP/project"
	rm "$USER_TMP/project/.git"
	mkdir "$USER_TMP/project/.git"
	run sandbox explain -p "$CHECKOUT/profiles/agent.conf" -D project="$USER_TMP/project"
	assert_status 0
}

@test "what launchers keep is not shown without a word of permission, nor is a part of it" {
	local part state="$USER_TMP/sandbox"

	as_user mkdir -p -m 700 "$state/filters" "$USER_TMP/other"
	as_user touch "$state/file"
	for part in "$state" "$state/filters" "$state/file"; do
		run as_user env XDG_RUNTIME_DIR="$USER_TMP" "$SANDBOX" --ro "$part" -- true
		assert_status 121
		assert_output "the launcher's own state of the host"
	done
	run as_user env XDG_RUNTIME_DIR="$USER_TMP" "$SANDBOX" --ro "$USER_TMP/other" -- true
	assert_status 0
	if [ "$(id -u)" -eq 0 ]; then
		run sandbox --ro /run/sandbox/sandboxes -- true
		assert_status 121
		assert_output "the launcher's own state of the host"
		run sandbox --ro /run/sandbox/sandboxes -s 'dangerous=[ "host-paths" ]' -- true
		assert_status 0
	fi
}
