# poppler: text, pixels, pictures and attachments of a PDF; what breaks out of it finds one directory and no program.

# shellcheck disable=SC2030,SC2031,SC2154 # what bats' run sets
bats_require_minimum_version 1.5.0
load ../lib/common
load ../lib/profiles

setup_file() {
	packages poppler-utils ghostscript imagemagick
}

setup() {
	residue_before
}

teardown() {
	residue_after
}

# letter NAME TEXT...: a PDF with a page for each text.
letter() {
	local name=$1 text

	shift
	for text; do
		printf '/Helvetica findfont 24 scalefont setfont 72 600 moveto (%s) show 300 100 200 200 rectfill showpage\n' "$text"
	done >"$name.ps"
	as_launcher gs -q -dBATCH -dNOPAUSE -sPAPERSIZE=letter -sDEVICE=pdfwrite "-sOutputFile=$name.pdf" "$name.ps"
}

reads() {
	letter mail "Dear reader" "yours sincerely"
	run launch -- pdftotext -layout mail.pdf -
	assert_status 0
	assert_output "Dear reader"
	assert_output "yours sincerely"
	run launch -- pdfinfo mail.pdf
	assert_output "Pages:           2"
	run launch -- pdffonts mail.pdf
	assert_output Helvetica
	run launch -- pdftotext -f 2 mail.pdf second.txt
	assert_status 0
	grep -qx "yours sincerely" second.txt
	[ "$(stat -c %u second.txt)" = "$(stat -c %u .)" ]
}

@test "pdftotext and pdfinfo read a letter" {
	each_launcher reads
}

draws() {
	letter mail "page one" "page two"
	run launch -- pdftoppm -png -r 72 mail.pdf page
	assert_status 0
	[ -z "$output" ]
	run as_launcher identify -format '%m %wx%h %[fx:p{400,592}.r] %[fx:p{200,592}.r]\n' page-1.png page-2.png
	[ "$(grep -c '^PNG 612x792 0 1$' <<<"$output")" -eq 2 ]
	run launch -- pdfseparate mail.pdf only-%d.pdf
	assert_status 0
	run launch -- pdfunite only-2.pdf only-1.pdf only-2.pdf three.pdf
	assert_status 0
	run launch -- pdftotext three.pdf -
	[ "$(grep -c 'page two' <<<"$output")" -eq 2 ]
	echo "in the annex" >annex.txt
	run launch -- pdfattach mail.pdf annex.txt with.pdf
	assert_status 0
	run launch -- pdfdetach -save 1 -o out.txt with.pdf
	assert_status 0
	grep -qx "in the annex" out.txt
	run launch -- pdftocairo -svg -f 1 -l 1 mail.pdf page.svg
	assert_status 0
	grep -q '<svg' page.svg
}

@test "pages become pixels, other documents, drawings; an attachment comes out" {
	each_launcher draws
}

# What came with a PDF says where it wants to be saved; and what another PDF of the user's says is not the sender's.
refuses_pdf() {
	local theirs=$TMP/theirs-$LAUNCHER

	letter "$theirs/private" hunter2
	refuses_there pdftotext "$theirs/private.pdf" stolen.txt
	grep -q hunter2 stolen.txt # what was to be had
	letter mail "Dear reader"
	echo startup >profile
	as_launcher pdfattach mail.pdf profile hostile.pdf
	refuses_there pdfdetach -save 1 -o "$theirs/.profile" hostile.pdf
	[ -e "$theirs/.profile" ]
}

refusals() {
	refuses_pdf
	refuses_secret
	refuses_starting
	refuses_network
	refuses_namespaces
	refuses_memory 512M -s cgroup.memory.max=256M
}

@test "a PDF opens no other one, is saved nowhere else, starts nothing" {
	each_launcher refusals
}
