# ghostscript: PostScript to PDF to pixels; a document that reads, writes or runs something finds one directory.

# shellcheck disable=SC2030,SC2031,SC2154 # what bats' run sets
bats_require_minimum_version 1.5.0
load ../lib/common
load ../lib/profiles

setup_file() {
	packages ghostscript poppler-utils
}

setup() {
	residue_before
}

teardown() {
	residue_after
}

# A page with a text and a black box.
page() {
	cat >page.ps <<'END'
%!PS-Adobe-3.0
/Helvetica findfont 36 scalefont setfont
72 600 moveto (The answer is 42) show
100 100 200 200 rectfill
showpage
END
}

draws() {
	page
	run launch -- ps2pdf page.ps
	assert_status 0
	[ -z "$output" ]
	run as_launcher pdftotext page.pdf -
	assert_line "The answer is 42"
	run launch -- gs -q -o page.pgm -sDEVICE=pgmraw -r72 -g400x700 page.pdf
	assert_status 0
	[ "$(head -c 2 page.pgm)" = P5 ]
	# In the box it is black, beside it white; a row of the raster from below is 699 minus its number.
	[ "$(pixel 200 200)" -eq 0 ]
	[ "$(pixel 350 200)" -eq 255 ]
	[ "$(stat -c %u page.pgm)" = "$(stat -c %u .)" ]
}

# pixel X Y of page.pgm, from below
pixel() {
	tail -c $((400 * 700)) page.pgm | od -An -tu1 -j $(((699 - $2) * 400 + $1)) -N1
}

@test "gs makes a PDF and pixels of a page" {
	each_launcher draws
}

# gs puts together there what it writes.
large() {
	run launch -- dd if=/dev/zero of=/tmp/large bs=1M count=700
	assert_status 0
}

@test "there is room for a PDF of some hundred megabytes" {
	each_launcher large
}

merges() {
	page
	run launch -- sh -ec 'ps2pdf page.ps one.pdf; gs -q -dBATCH -dNOPAUSE -sDEVICE=pdfwrite -sOutputFile=two.pdf one.pdf one.pdf; pdf2ps two.pdf'
	assert_status 0
	run as_launcher pdfinfo two.pdf
	assert_output "Pages:           2"
	grep -q '^%%Pages: 2' two.ps
}

@test "two documents become one, and PostScript again" {
	each_launcher merges
}

# The attempts switch -dSAFER off, as documents have done by one fault or another.
hostile() {
	local name=$1

	printf '%%!\n%s\nquit\n' "$2" >"$name.ps"
	refuses_there gs -q -dNOSAFER -dNODISPLAY -dBATCH "$name.ps"
}

refusals() {
	local theirs=$TMP/theirs-$LAUNCHER

	echo hunter2 >"$theirs/password"
	hostile reads "($theirs/password) (r) file 100 string readstring pop dup length 0 eq { stop } if print"
	assert_output hunter2 # what was to be had
	hostile writes "($theirs/new) (w) file dup (x) writestring closefile"
	hostile runs "(%pipe%cat $theirs/password) (r) file 100 string readstring pop dup length 0 eq { stop } if print"
	assert_output hunter2
	refuses_secret
	refuses_processes
	refuses_network
	refuses_namespaces
	refuses_memory 512M -s cgroup.memory.max=256M
}

@test "a document reads, writes and runs nothing elsewhere, even without -dSAFER" {
	each_launcher refusals
}
