# install: what `make install` puts where, that it works from there, and that `make uninstall` takes it all away.

bats_require_minimum_version 1.5.0
load ../lib/common

# The tests' own build: nothing is compiled anew.
in_checkout() {
	make -s -C "$CHECKOUT" BUILD="$(realpath --relative-to="$CHECKOUT" "$(dirname "$SANDBOX")")" "$@" 2>&1
}

setup() {
	DEST=$TMP/dest
	PREFIX=/usr/local # that of the build
}

files() {
	(cd "$DEST" && find . -type f -o -type l) | sort
}

@test "what a compiler can do is asked when there is one" {
	mkdir "$TMP/build"
	run make -s -n -C "$CHECKOUT" BUILD="$TMP/build" CC=/nonexistent/cc
	[ -z "$(find "$TMP/build" -name '*.yes' -o -name '*.no')" ]
	run make -s -n -C "$CHECKOUT" BUILD="$TMP/build" CC=cc
	[ -n "$(find "$TMP/build" -name 'cc-fstack-clash-protection.yes')" ]
}

# As on a machine where nothing has been prepared yet.
@test "the filters are made without a root file system, and are the same" {
	as_root_only
	run unshare -m sh -c '[ ! -d /var/lib/sandbox ] || mount -t tmpfs none /var/lib/sandbox; cd "$1" && exec "$2/mkfilters" "$3" profiles/*.conf' \
		sh "$CHECKOUT" "$(dirname "$SANDBOX")" "$TMP/filters.c"
	assert_status 0
	cmp "$TMP/filters.c" "$(dirname "$SANDBOX")/gen/filters.c"
}

@test "everything is there, and readable by everybody" {
	local file

	in_checkout install DESTDIR="$DEST"
	for file in bin/sandbox share/man/man1/sandbox.1 share/man/man5/sandbox.conf.5 share/man/man7/sandbox-profiles.7 \
		share/man/man7/sandbox-security.7 share/bash-completion/completions/sandbox share/zsh/site-functions/_sandbox \
		share/fish/vendor_completions.d/sandbox.fish share/sandbox/example.conf share/sandbox/profile.schema.json \
		share/sandbox/verdict.schema.json share/sandbox/mkrootfs share/sandbox/sandbox.apparmor; do
		[ -s "$DEST$PREFIX/$file" ] || { echo "not installed: $file"; return 1; }
	done
	for file in "$CHECKOUT"/profiles/*.conf; do
		cmp "$file" "$DEST$PREFIX/share/sandbox/profiles/$(basename "$file")"
	done
	# Nothing is left to be filled in, nothing points into the place where it was built or staged.
	run grep -rIlE '@[A-Za-z._]+@$|@(profiles|BINDIR|DATADIR)@' "$DEST"
	assert_status 1
	run grep -rlF -e "$DEST" -e "$CHECKOUT" "$DEST" --exclude=sandbox
	assert_status 1
	# The owner may do more.
	run find "$DEST" ! -perm -444 -o -type d ! -perm -555 -o ! -type l -perm /022
	[ -z "$output" ]
	[ "$(stat -c %a "$DEST$PREFIX/bin/sandbox")" = 755 ]
}

@test "the pages can be read, the profiles found, the completions loaded" {
	local page

	in_checkout install DESTDIR="$DEST"
	for page in "$DEST$PREFIX"/share/man/man?/*; do
		run mandoc -T lint -W warning "$page"
		refute_output WARNING
		refute_output ERROR
		run mandoc -T utf8 "$page"
		assert_status 0
		[ "${#lines[@]}" -gt 50 ]
	done
	grep -q "$PREFIX/share/sandbox/profiles" "$DEST$PREFIX/share/man/man1/sandbox.1"
	grep -q "$PREFIX/share/sandbox/profiles" "$DEST$PREFIX/share/zsh/site-functions/_sandbox"
	run "$DEST$PREFIX/bin/sandbox" check "$DEST$PREFIX/share/sandbox/example.conf"
	assert_status 0
	cd "$TMP" # The checkout may lie where owners cannot be mapped.
	run "$DEST$PREFIX/bin/sandbox" -p "$DEST$PREFIX/share/sandbox/profiles/shell.conf" -- echo it runs
	assert_output "it runs"
	bash -n "$DEST$PREFIX/share/bash-completion/completions/sandbox"
	zsh -n "$DEST$PREFIX/share/zsh/site-functions/_sandbox"
	fish -n "$DEST$PREFIX/share/fish/vendor_completions.d/sandbox.fish"
}

@test "uninstall leaves nothing, and what is others' alone" {
	in_checkout install DESTDIR="$DEST"
	[ "$(files | wc -l)" -gt 20 ]
	echo theirs >"$DEST$PREFIX/share/man/man1/other.1"
	in_checkout uninstall DESTDIR="$DEST"
	[ "$(files)" = ".$PREFIX/share/man/man1/other.1" ]
	run find "$DEST" -name '*sandbox*'
	[ -z "$output" ]
	# A second time is no error.
	in_checkout uninstall DESTDIR="$DEST"
}
