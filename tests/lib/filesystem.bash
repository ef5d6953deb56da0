# filesystem: what the tests of the file system's stages share: `load ../lib/filesystem`, after common
#
#   as_self CMD...      runs it as whoever runs the tests; the counterpart of as_user in a loop over both
#   program_mounts      elements for a mounts list that show the programs of the root file system, with commas behind
#   copy_programs DIR   puts them into a directory
#   overlay_on_tmpfs    whether an overlay in a user namespace can write to a tmpfs: Linux 6.6, by trying
#   flags TARGET        shell text that prints the flags of the mount on TARGET

as_self() {
	"$@"
}

program_mounts() {
	local directory

	for directory in bin usr lib; do
		echo "{ type = \"bind\"; source = \"$ROOTFS/$directory\"; target = \"/$directory\"; optional = true; },"
	done
}

copy_programs() {
	local directory

	for directory in bin usr lib; do
		[ ! -e "$ROOTFS/$directory" ] || cp -a "$ROOTFS/$directory" "$1/"
	done
}

flags() {
	echo "awk '\$5 == \"$1\" { print \$6 }' /proc/self/mountinfo"
}

overlay_on_tmpfs() {
	local file=/dev/shm/sandbox-test.$$ status=0

	: >"$file"
	python3 -c 'import os, sys; os.setxattr(sys.argv[1], "user.test", b"")' "$file" 2>/dev/null || status=1
	rm "$file"
	return $status
}
