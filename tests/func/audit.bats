#!/usr/bin/env bats
# audit: exposure from the text alone. That each finding comes and goes, and what is advised closes it, audit_advice.py
# proves case by case.

load ../lib/common

@test "audit: every check is brought by a setting and closed by what is advised; loosening never lowers the sum" {
	run python3 "$BATS_TEST_DIRNAME/audit_advice.py" "$SANDBOX" "$TMP" "$CHECKOUT"
	assert_status 0
}

@test "audit: default is at the top grade, and so is a profile that says nothing; a sandbox in name only is near ten" {
	run sandbox audit --json
	assert_status 0
	[ "$(jq -r .grade <<<"$output")" = tight ]
	profile <<<'format = 1;'
	run sandbox audit -p "$PROFILE" --json
	[ "$(jq -r .grade <<<"$output")" = tight ]

	profile <<-'EOF'
		format = 1;
		dangerous = [ "host-root", "allow-by-default" ];
		namespaces = { remove = [ "user", "net" ]; };
		users = { map = "none"; uid = 0; gid = 0; };
		network = { mode = "host"; };
		capabilities = { keep = [ "SYS_ADMIN" ]; };
		seccomp = { default = "allow"; };
	EOF
	run sandbox audit -p "$PROFILE" --json
	assert_status 0
	[ "$(jq -r .grade <<<"$output")" = open ]
	jq -e '.exposure > 9.5' <<<"$output"
}

@test "audit: a finding names what it is about, the line and the change" {
	profile <<-'EOF'
		format = 1;
		mounts = (
			{ type = "bind"; source = "/srv/data"; target = "/data";
			  access = "read-write"; exec = false; }
		);
		no_new_privs = true;
	EOF
	run sandbox audit -p "$PROFILE" --json
	assert_status 0
	jq -e --arg file "$PROFILE" '.findings[] | select(.finding == "mount-write") | .line == 4 and .file == $file and
		.key == "mounts[0].access" and .set == [ "mounts[/data].access=read-only" ] and (.default | not)' <<<"$output"
	# The element has a place even where it leaves the key unsaid; a key of its own that nobody wrote has none.
	jq -e '.findings[] | select(.finding == "mount-read") | .line == 3' <<<"$output"
	jq -e '.findings[] | select(.finding == "memory") | .default and (has("file") | not)' <<<"$output"

	run sandbox audit -p "$PROFILE"
	assert_status 0
	assert_output "[$PROFILE:4: mounts[0].access]"
	assert_output "-> -s 'mounts[/data].access=read-only'"
	assert_output "[default: cgroup.memory.max]"
}

@test "audit: what it prints can be given to the shell as it stands" {
	profile <<-'EOF'
		format = 1;
		mounts = ( { type = "bind"; source = "/srv/data"; target = "/it's $$HOME"; } );
	EOF
	run sandbox audit -p "$PROFILE"
	assert_status 0
	assert_output 'mount-read'
	change=$(grep -A3 mount-read <<<"$output" | grep -o -- "-s '.*")
	run bash -c "'$SANDBOX' audit -p '$PROFILE' $change"
	assert_status 0
	refute_output 'mount-read'
}

@test "audit: --threshold decides the exit status" {
	profile <<<'format = 1;'
	score=$(sandbox audit -p "$PROFILE" --json | jq .exposure)
	run sandbox audit -p "$PROFILE" --threshold "$score"
	assert_status 0
	assert_output "not above the threshold"
	run sandbox audit -p "$PROFILE" --threshold 0.1
	assert_status 1
	assert_output "above the threshold 0.1"
	run sandbox audit -p "$PROFILE" --threshold 0.1 --json
	assert_status 1
	jq -e '.above and .threshold == 0.1' <<<"$output"
	for wrong in 11 -1 1.25 x ''; do
		run sandbox audit -p "$PROFILE" --threshold "$wrong"
		assert_status 120
	done
}

@test "audit: layers, parameters and the short options count" {
	profile one <<-'EOF'
		format = 1;
		params = ( { name = "data"; type = "directory"; } );
		mounts = ( { type = "bind"; source = "${data}"; target = "/data"; } );
	EOF
	one=$PROFILE
	profile two <<-'EOF'
		format = 1;
		mounts = ( { target = "/data"; access = "read-write"; } );
	EOF
	exposure() { sandbox audit --json "$@" | jq '.exposure * 10'; }
	# No such directory is here, and none is needed.
	[ "$(exposure -p "$one" -D data=/home/user/.ssh)" -gt "$(exposure -p "$one")" ]
	[ "$(exposure -p "$one" -p "$PROFILE")" -gt "$(exposure -p "$one")" ]
	[ "$(exposure -p "$one" -s no_new_privs=false -s 'capabilities.keep=[ "SYS_ADMIN" ]')" -gt "$(exposure -p "$one")" ]
	[ "$(exposure -p "$one" --rw /srv/data)" -gt "$(exposure -p "$one")" ]
}

@test "audit: mistakes of the profile are errors, in the filter's names too" {
	profile <<<'format = 1; seccomp = { allow = [ "@default" ]; deny = [ "execve" ]; };'
	run sandbox audit -p "$PROFILE"
	assert_status 121
	assert_output "execve must be allowed"
	profile <<<'format = 1; cgroup = { pids = { max = -1; }; };'
	run sandbox audit -p "$PROFILE"
	assert_status 121
}

@test "audit: every shipped profile gets the same answer from root and from a user without an environment" {
	install -d "$TMP/profiles"
	install -m 0644 "$CHECKOUT"/profiles/*.conf "$TMP/profiles"
	for file in "$TMP"/profiles/*.conf; do
		mine=$(cd "$CHECKOUT" && sandbox audit -p "$file" --json)
		jq -e '.exposure >= 0 and .exposure <= 10' <<<"$mine"
		theirs=$(cd / && as_user env -i "$(_user_sandbox)" audit -p "$file" --json)
		[ "$mine" = "$theirs" ]
	done
}

@test "audit: opens nothing but the program's libraries and the profile" {
	profile <<-'EOF'
		format = 1;
		mounts = ( { type = "bind"; source = "${HOME}/data"; target = "/data"; },
		           { type = "bind"; source = "${env:SSH_AUTH_SOCK}"; target = "/agent"; } );
	EOF
	run strace -f -o "$TMP/trace" -e trace=%file,socket "$SANDBOX" audit -p "$PROFILE"
	assert_status 0
	grep -F "openat(AT_FDCWD, \"$PROFILE\"" "$TMP/trace"
	# The address sanitizer looks at its own process.
	! grep -q __asan_init "$SANDBOX" || own='/proc/self/(exe|cmdline|environ|maps)|'
	others=$(grep -vE "^[0-9]+ +(\+\+\+|execve\()|\"(${own:-}$PROFILE|/etc/ld\.so\.[a-z]+|(/usr)?/lib[^\"]*\.so\.[0-9]+)\"|newfstatat\([0-9]+, \"\"" "$TMP/trace" || :)
	echo "$others"
	[ -z "$others" ]
}

@test "audit: nothing is wider than 100 columns, and colour is for terminals" {
	profile <<-'EOF'
		format = 1;
		dangerous = [ "allow-by-default" ];
		seccomp = { default = "allow"; };
		mounts = ( { type = "bind"; target = "/data";
			source = "/srv/a-path/of-many-parts/that-goes/on-and-on/until-nobody/reads-it/any-more/and-then/some-more/of-it"; } );
	EOF
	run sandbox audit -p "$PROFILE"
	assert_status 0
	[ "$(wc -L <<<"$output")" -le 100 ]
	[[ $output != *$'\033'* ]]
	run env TERM=xterm "$CHECKOUT/tests/lib/terminal" "$SANDBOX" audit -p "$PROFILE" </dev/null
	assert_status 0
	[[ $output == *$'\033['* ]]
	run env TERM=xterm NO_COLOR=1 "$CHECKOUT/tests/lib/terminal" "$SANDBOX" audit -p "$PROFILE" </dev/null
	assert_status 0
	assert_output "exposure"
	[[ $output != *$'\033['* ]]
}

@test "audit: a variable of the caller's is a secret by its name, and an author is none" {
	profile <<-'EOF'
		format = 1;
		process = { inherit_env = [ "SSH_AUTH_SOCK", "REDISCLI_AUTH", "HTTP_AUTHORIZATION", "GIT_AUTHOR_NAME" ]; };
	EOF
	run sandbox audit -p "$PROFILE" --json
	assert_status 0
	[ "$(grep -o "the caller's [A-Z_]* goes in" <<<"$output" | cut -d' ' -f3 | tr '\n' ' ')" = \
		"SSH_AUTH_SOCK REDISCLI_AUTH HTTP_AUTHORIZATION " ]
}
