# archive: packs and unpacks; names with .., from / and through links end in the directory, and bombs at the limit.

# shellcheck disable=SC2030,SC2031,SC2154 # what bats' run sets
bats_require_minimum_version 1.5.0
load ../lib/common
load ../lib/profiles

setup_file() {
	packages tar gzip bzip2 xz-utils zstd zip unzip p7zip-full python3
}

setup() {
	residue_before
}

teardown() {
	residue_after
}

# A directory with files, a link and a program.
tree() {
	as_launcher mkdir -p tree/inner
	seq 1 5000 >tree/numbers
	echo hello >'tree/inner/with a space'
	ln -sfn inner tree/link
	printf '#!/bin/sh\necho ran\n' >tree/program
	chmod 755 tree/program
	touch -d '2020-02-03 04:05:06 UTC' tree/numbers
	[ "$LAUNCHER" = root ] || [ "$(id -u)" -ne 0 ] || chown -R "$TEST_UID:$TEST_UID" tree
}

# same DIRECTORY: it is the tree again
same() {
	diff -r tree "$1"
	[ "$(readlink "$1/link")" = inner ]
	[ -x "$1/program" ]
	[ "$(stat -c '%u' "$1/numbers")" = "$(stat -c %u .)" ]
}

packs() {
	local how

	tree
	for how in z:gz j:bz2 J:xz; do
		run launch -- tar "c${how%:*}f" "tree.tar.${how#*:}" tree
		assert_status 0
		as_launcher mkdir "${how#*:}"
		run launch -- tar xf "tree.tar.${how#*:}" -C "${how#*:}"
		assert_status 0
		same "${how#*:}/tree"
		[ "$(stat -c %Y "${how#*:}/tree/numbers")" = 1580702706 ]
	done
	run launch -- sh -c 'tar cf - tree | zstd -T2 >tree.tar.zst; mkdir zst; tar xf tree.tar.zst -C zst'
	assert_status 0
	same zst/tree
}

@test "tar packs and unpacks with gzip, bzip2, xz and zstd" {
	each_launcher packs
}

zips() {
	tree
	run launch -- zip -qry tree.zip tree
	assert_status 0
	run launch -- unzip -q tree.zip -d unzipped
	assert_status 0
	same unzipped/tree
	run launch -- 7z a -bd -psecret tree.7z ./tree/numbers
	assert_status 0
	run launch -- 7z x -bd -psecret -oseven tree.7z
	assert_status 0
	cmp tree/numbers seven/tree/numbers || cmp tree/numbers seven/numbers
	run launch -- 7z x -bd -pwrong -oeight tree.7z
	assert_status 2
}

@test "zip, unzip and 7z, with a password too" {
	each_launcher zips
}

# hostile: archives that came by mail, each with a file that goes to theirs.
hostile() {
	python3 - "$TMP/theirs-$LAUNCHER" <<'END'
import io, os, sys, tarfile, zipfile
theirs = sys.argv[1]
up = os.path.relpath(theirs)

def tar(name, *members):
    with tarfile.open(name, "w") as archive:
        for path, link in members:
            member = tarfile.TarInfo(path)
            if link:
                member.type, member.linkname = tarfile.SYMTYPE, link
            member.size = 0 if link else 4
            archive.addfile(member, io.BytesIO(b"evil"))

tar("absolute.tar", (theirs + "/absolute", None))
tar("up.tar", (up + "/up", None))
tar("link.tar", ("link", theirs), ("link/through", None))
with zipfile.ZipFile("up.zip", "w") as archive:
    archive.writestr(up + "/zip", "evil")
END
}

# refuses_unpacking FILE CMD...: with options that take names as they are, or a fault that makes it so.
refuses_unpacking() {
	local file=$TMP/theirs-$LAUNCHER/$1

	shift
	run as_launcher "$@"
	[ "$(cat "$file")" = evil ]
	rm "$file"
	run launch -- "$@"
	[ "$status" -lt 120 ] || _wrong "was not run: $*"
	[ ! -e "$file" ]
}

refuses_names() {
	hostile
	refuses_unpacking absolute tar -xPf absolute.tar
	run launch --rw "$TMP/theirs-$LAUNCHER" -- tar -xPf absolute.tar
	[ -e "$TMP/theirs-$LAUNCHER/absolute" ]
	refuses_unpacking up tar -xPf up.tar
	rm -f link
	refuses_unpacking_link
	refuses_unpacking zip unzip -o -: up.zip
}

# The link itself is made, and leads to nothing.
refuses_unpacking_link() {
	run launch -- tar -xPf link.tar
	[ "$status" -ne 0 ]
	[ "$(readlink link)" = "$TMP/theirs-$LAUNCHER" ]
	[ ! -e "$TMP/theirs-$LAUNCHER/through" ]
	rm link
	run as_launcher tar -xPf link.tar
	assert_status 0
	[ "$(cat "$TMP/theirs-$LAUNCHER/through")" = evil ]
	rm link
}

# Twenty megabytes in twenty kilobytes; the limit is lowered to save time.
refuses_bomb() {
	# shellcheck disable=SC2034 # refuses takes it
	local LAUNCH_OPTIONS=(-s rlimits.fsize=8M)

	head -c 20M /dev/zero | gzip >bomb.gz
	refuses gzip -dkf bomb.gz
	[ ! -e bomb ] # gzip removes what it cannot finish
}

# A program of somebody else's that runs as its owner for everybody.
refuses_set_id() {
	cp /bin/true suid
	chmod 4755 suid
	tar cf suid.tar suid
	rm suid
	refuses tar -xpf suid.tar
	[ ! -u suid ]
	rm suid
	run as_launcher tar -xpf suid.tar
	[ -u suid ]
}

# What was unpacked is not run.
refuses_running() {
	tree
	refuses sh -c 'tree/program || exit 1'
	assert_output "Permission denied"
}

refusals() {
	refuses_names
	refuses_bomb
	refuses_set_id
	refuses_running
	refuses_secret
	refuses_network
	refuses_namespaces
	refuses_memory 512M -s cgroup.memory.max=256M
}

@test "no name leads out, no file grows beyond the limit, nothing unpacked runs or is set-user-ID" {
	each_launcher refusals
}
