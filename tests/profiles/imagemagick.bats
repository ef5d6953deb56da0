# imagemagick: resizes, draws and measures; a hostile drawing finds no other picture and starts no helper.

# shellcheck disable=SC2030,SC2031,SC2154 # what bats' run sets
bats_require_minimum_version 1.5.0
load ../lib/common
load ../lib/profiles

setup_file() {
	packages imagemagick fonts-dejavu-core
}

setup() {
	residue_before
}

teardown() {
	residue_after
}

# By its path: a machine's own `convert` may come first.
convert=/usr/bin/convert

converts() {
	as_launcher $convert -size 100x80 gradient:red-blue photo.png
	run launch -- $convert photo.png -resize 50% -quality 90 small.jpg
	assert_status 0
	[ -z "$output" ]
	run launch -- identify -format '%m %wx%h\n' photo.png small.jpg
	assert_status 0
	assert_line "PNG 100x80"
	assert_line "JPEG 50x40"
	# Read outside: red above, blue below.
	run as_launcher $convert small.jpg -format '%[fx:p{25,1}.r>0.8] %[fx:p{25,1}.b<0.2] %[fx:p{25,38}.b>0.8]' info:
	[ "$output" = "1 1 1" ]
	[ "$(stat -c %u small.jpg)" = "$(stat -c %u .)" ]
}

@test "convert halves a photo, and the colours stay" {
	each_launcher converts
}

draws() {
	run launch -- $convert -size 200x60 xc:white -font DejaVu-Sans -pointsize 40 -fill black -draw "text 10,45 'Hello'" text.png
	assert_status 0
	[ -z "$output" ]
	run as_launcher $convert text.png -format '%[fx:mean<0.98] %[fx:mean>0.5]' info:
	[ "$output" = "1 1" ]
	as_launcher cp text.png other.png
	run launch -- mogrify -negate -blur 0x1 text.png other.png
	assert_status 0
	run launch -- montage text.png other.png -tile 2x1 -geometry 100x30+0+0 sheet.gif
	assert_status 0
	run launch -- compare -metric AE text.png other.png null:
	assert_status 0
	[ "$(launch -- identify -format %wx%h sheet.gif)" = 200x30 ]
}

@test "text, blur, a contact sheet, a comparison" {
	each_launcher draws
}

# As many threads as it has of the machine, also where the machine has a hundred cores.
absolute() {
	as_launcher $convert -size 40x40 xc:red red.png
	run launch -- $convert "$WORK/red.png" -blur 0x2 "$WORK/blurred.jpg"
	assert_status 0
	[ -s blurred.jpg ]
	run launch -- identify -list resource
	assert_output 'Thread: 2'
}

@test "by the pictures' own paths; with two threads" {
	each_launcher absolute
}

# A photograph of 48 megapixels.
large() {
	as_launcher $convert -size 8000x6000 xc:red large.jpg
	run launch -- $convert large.jpg -resize 10% -rotate 90 small.png
	assert_status 0
	[ "$(launch -- identify -format %wx%h small.png)" = 600x800 ]
}

@test "a photograph as telephones make them" {
	each_launcher large
}

# A drawing that came by mail, with a picture of the user's in it.
refuses_drawing() {
	local theirs=$TMP/theirs-$LAUNCHER

	as_launcher $convert -size 10x10 xc:green "$theirs/private.png"
	printf "push graphic-context\nviewbox 0 0 20 20\nimage over 0,0 20,20 '%s'\npop graphic-context\n" "$theirs/private.png" >hostile.mvg
	refuses_there $convert mvg:hostile.mvg stolen.png
	run as_launcher $convert stolen.png -format '%[fx:p{5,5}.g>0.4]' info: # what was to be had
	[ "$output" = 1 ]
}

# The picture has a name that a drawing could give to any file.
refuses_drawing_over() {
	as_launcher $convert -size 10x10 xc:red picture.png
	refuses_there $convert picture.png "$TMP/theirs-$LAUNCHER/new.png"
}

# For formats that it does not know, ImageMagick starts the program that its delegates.xml names: here one that leaves a mark.
refuses_helper() {
	as_launcher $convert -size 10x10 xc:red picture.png
	echo strange >picture.strange
	cat >delegates.xml <<-'END'
		<?xml version="1.0"?>
		<delegatemap><delegate decode="strange" command="/bin/cp picture.png '%o'; /bin/touch ran"/></delegatemap>
	END
	refuses env MAGICK_CONFIGURE_PATH=. $convert picture.strange out.png
	[ -e ran ] # the control's
	rm ran
	run launch -- env MAGICK_CONFIGURE_PATH=. $convert picture.strange out.png
	[ ! -e ran ]
	# Inside it is known as well, and would be started.
	run launch -s 'seccomp.deny={ remove = [ "fork", "vfork" ]; }' -s 'seccomp.rules=()' -- \
		env MAGICK_CONFIGURE_PATH=. $convert picture.strange out.png
	assert_status 0
	[ -e ran ]
}

refusals() {
	refuses_drawing
	refuses_drawing_over
	refuses_helper
	refuses_secret
	refuses_starting
	refuses_network
	refuses_memory 512M -s cgroup.memory.max=256M
}

@test "a drawing shows no other picture, writes nowhere else, starts no helper, takes no memory beyond the limit" {
	each_launcher refusals
}
