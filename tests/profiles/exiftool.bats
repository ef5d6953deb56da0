# exiftool: shows, changes and removes metadata; a value that becomes a name of a file, and a configuration file, stay here.

# shellcheck disable=SC2030,SC2031,SC2154 # what bats' run sets
bats_require_minimum_version 1.5.0
load ../lib/common
load ../lib/profiles

setup_file() {
	packages libimage-exiftool-perl imagemagick
}

setup() {
	residue_before
}

teardown() {
	residue_after
}

photo() {
	as_launcher /usr/bin/convert -size 40x30 xc:red "$1"
}

edits() {
	photo photo.jpg
	run launch -- exiftool -Artist=Nobody '-DateTimeOriginal=2024:05:06 07:08:09' -GPSLatitude=48.2 -GPSLatitudeRef=N photo.jpg
	assert_status 0
	assert_output "1 image files updated"
	run launch -- exiftool -j -n -Artist -GPSLatitude -ImageWidth photo.jpg
	assert_status 0
	assert_output '"Artist": "Nobody"'
	assert_output '"GPSLatitude": 48.2'
	assert_output '"ImageWidth": 40'
	run launch -- exiftool '-filename<DateTimeOriginal' -d '%Y-%m-%d.%%e' photo.jpg
	assert_status 0
	[ "$(stat -c %u 2024-05-06.jpg)" = "$(stat -c %u .)" ]
	run launch -- exiftool -all= -overwrite_original 2024-05-06.jpg
	assert_status 0
	# The person and the place are gone, by another program.
	run as_launcher identify -verbose 2024-05-06.jpg
	assert_output "40x30"
	refute_output Nobody
	refute_output GPS
	run as_launcher identify -verbose photo.jpg_original
	assert_status 0
}

@test "exiftool tags a photo, names it by its date, and removes every tag" {
	each_launcher edits
}

reads() {
	photo one.jpg
	photo two.png
	launch -- exiftool -q -overwrite_original -Title=Second two.png
	run launch -- exiftool -csv -FileType -Title .
	assert_status 0
	assert_line "./one.jpg,JPEG,"
	assert_line "./two.png,PNG,Second"
	run launch -- sh -c 'exec exiftool -s3 -MIMEType - <two.png'
	assert_line image/png
}

@test "a directory becomes a table; standard input is read" {
	each_launcher reads
}

# The comment of a picture says where its file goes when the user names files by their comments.
refuses_name() {
	local theirs=$TMP/theirs-$LAUNCHER

	photo photo.jpg
	as_launcher exiftool -q -overwrite_original "-comment=$theirs/.profile" photo.jpg
	as_launcher cp photo.jpg shown.jpg
	as_launcher cp photo.jpg outside.jpg
	run launch -- exiftool '-filename<comment' photo.jpg
	[ "$status" -lt 120 ] || _wrong "was not run"
	[ ! -e "$theirs/.profile" ]
	run launch --rw "$theirs" -- exiftool '-filename<comment' shown.jpg
	assert_status 0
	[ -e "$theirs/.profile" ]
	rm "$theirs/.profile"
	run as_launcher exiftool '-filename<comment' outside.jpg
	assert_status 0
	[ -e "$theirs/.profile" ]
}

# A configuration file that came with the pictures is Perl.
refuses_configuration() {
	local theirs=$TMP/theirs-$LAUNCHER

	photo photo.jpg
	echo hunter2 >"$theirs/password"
	# shellcheck disable=SC2016 # perl's
	printf 'open my $file, "<", "%s" or die "no password: $!";\nprint <$file>;\n1;\n' "$theirs/password" >hostile.config
	run as_launcher exiftool -config hostile.config -s3 -FileType photo.jpg
	assert_line hunter2
	run launch -- exiftool -config hostile.config -s3 -FileType photo.jpg
	refute_output hunter2
	assert_output "no password: No such file or directory"
	run launch --ro "$theirs" -- exiftool -config hostile.config -s3 -FileType photo.jpg
	assert_line hunter2
	printf 'system("cat", "%s") == 0 or die "no program: $!";\n1;\n' "$theirs/password" >hostile.config
	run as_launcher exiftool -config hostile.config -s3 -FileType photo.jpg
	assert_line hunter2
	run launch --ro "$theirs" -- exiftool -config hostile.config -s3 -FileType photo.jpg
	refute_output hunter2
	assert_output "no program: Operation not permitted"
}

refusals() {
	refuses_name
	refuses_configuration
	refuses_secret
	refuses_starting
	refuses_network
	refuses_memory 512M -s cgroup.memory.max=256M
}

@test "a value names no file elsewhere, a configuration file reads none and starts nothing" {
	each_launcher refusals
}
