# tesseract: reads scanned pages; a list that names a page of somebody else's finds nothing.

# shellcheck disable=SC2030,SC2031,SC2154 # what bats' run sets
bats_require_minimum_version 1.5.0
load ../lib/common
load ../lib/profiles

setup_file() {
	packages tesseract-ocr tesseract-ocr-eng imagemagick fonts-dejavu-core
}

setup() {
	residue_before
}

teardown() {
	residue_after
}

# scan FILE TEXT: a page with that text.
scan() {
	as_launcher /usr/bin/convert -size 700x120 xc:white -font DejaVu-Sans -pointsize 40 -fill black -draw "text 20,75 '$2'" "$1"
}

reads() {
	scan page.png "Sandbox reads forty two"
	run launch -- tesseract page.png - -l eng
	assert_status 0
	assert_line "Sandbox reads forty two"
	scan page.jpg "Another page"
	printf 'page.png\npage.jpg\n' >pages.txt
	run launch -- tesseract pages.txt book -l eng pdf txt
	assert_status 0
	grep -q "Another page" book.txt
	[ "$(head -c 5 book.pdf)" = %PDF- ]
	[ "$(stat -c %u book.pdf)" = "$(stat -c %u .)" ]
	run launch -- tesseract page.png words tsv
	assert_status 0
	grep -q $'\tforty$' words.tsv
}

@test "tesseract reads pages to text, to a searchable PDF and to a table" {
	each_launcher reads
}

# A list of pages that names one which is not the sender's.
refuses_list() {
	local theirs=$TMP/theirs-$LAUNCHER

	scan "$theirs/private.png" "my password"
	echo "$theirs/private.png" >hostile.txt
	refuses_there tesseract hostile.txt stolen
	grep -qx "my password" stolen.txt # what was to be had
}

# A name for the result that leads out. tesseract says so and ends with 0 all the same.
refuses_output() {
	local theirs=$TMP/theirs-$LAUNCHER

	scan page.png page
	run launch -- tesseract page.png "$theirs/new"
	assert_output "could not create TXT output file"
	[ ! -e "$theirs/new.txt" ]
	run as_launcher tesseract page.png "$theirs/new"
	[ -s "$theirs/new.txt" ]
}

refusals() {
	refuses_list
	refuses_output
	refuses_secret
	refuses_starting
	refuses_network
	refuses_memory 512M -s cgroup.memory.max=256M
}

@test "a list shows no other page, the text goes nowhere else, nothing is started" {
	each_launcher refusals
}
