# libreoffice: texts and tables to PDF and other formats; a document's references find no other file and no server.
# bats file_tags=large

# shellcheck disable=SC2030,SC2031,SC2154 # what bats' run sets
bats_require_minimum_version 1.5.0
load ../lib/common
load ../lib/profiles

setup_file() {
	packages libreoffice-writer libreoffice-calc poppler-utils imagemagick unzip python3
}

setup() {
	residue_before
}

teardown() {
	residue_after
}

# flat KIND BODY: a document in a single XML file.
flat() {
	local ns=urn:oasis:names:tc:opendocument:xmlns

	cat <<END
<?xml version="1.0" encoding="UTF-8"?>
<office:document xmlns:office="$ns:office:1.0" xmlns:text="$ns:text:1.0" xmlns:table="$ns:table:1.0"
	xmlns:draw="$ns:drawing:1.0" xmlns:svg="$ns:svg-compatible:1.0" xmlns:xlink="http://www.w3.org/1999/xlink"
	xmlns:of="$ns:of:1.2" office:version="1.2" office:mimetype="application/vnd.oasis.opendocument.$1">
<office:body><office:$1>$2</office:$1></office:body></office:document>
END
}

# references URL: a text with a picture that lies there.
references() {
	flat text "<text:p>Dear reader<draw:frame text:anchor-type=\"as-char\" svg:width=\"5cm\" svg:height=\"5cm\">
		<draw:image xlink:href=\"$1\" xlink:type=\"simple\" xlink:show=\"embed\" xlink:actuate=\"onLoad\"/></draw:frame></text:p>"
}

# convert TO FILE...: outside, with an empty profile of LibreOffice
convert() {
	as_launcher soffice "-env:UserInstallation=file://$TMP/user-$LAUNCHER" --headless --convert-to "$@"
}


converts() {
	flat text '<text:h text:outline-level="1">Heading</text:h><text:p>The answer is 42</text:p>' >letter.fodt
	run launch -- soffice --headless --convert-to pdf letter.fodt
	assert_status 0
	run as_launcher pdftotext letter.pdf -
	assert_line Heading
	assert_line "The answer is 42"
	[ "$(stat -c %u letter.pdf)" = "$(stat -c %u .)" ]
	run launch -- soffice --headless --convert-to docx letter.fodt
	assert_status 0
	unzip -p letter.docx word/document.xml | grep -q 'The answer is 42'
	run launch -- soffice --headless --convert-to txt:Text letter.docx
	assert_status 0
	grep -q 'The answer is 42' letter.txt
}

@test "a text becomes PDF, a Word document, and text again" {
	each_launcher converts
}

calculates() {
	printf 'name,price\nbread,3\nmilk,2\n' >shop.csv
	run launch -- soffice --headless --convert-to xlsx shop.csv
	assert_status 0
	unzip -p shop.xlsx xl/sharedStrings.xml | grep -q bread
	flat spreadsheet '<table:table table:name="S"><table:table-row><table:table-cell table:formula="of:=6*7"/></table:table-row></table:table>' >sum.fods
	run launch -- soffice --headless --convert-to csv sum.fods
	assert_status 0
	grep -qx 42 sum.csv
}

@test "a table becomes a workbook, a formula its value" {
	each_launcher calculates
}

# pictures FILE.pdf: how many are in the letter; nothing, which is no number, where there is no letter
pictures() {
	as_launcher pdftotext "$1" - | grep -q 'Dear reader' || return 0
	as_launcher pdfimages -list "$1" | grep -c ' image ' || :
}

# A letter with a reference to a picture of the user's. LibreOffice leaves out what it does not find.
refuses_reference() {
	local theirs=$TMP/theirs-$LAUNCHER

	as_launcher /usr/bin/convert -size 50x50 xc:green "$theirs/private.png"
	references "file://$theirs/private.png" >hostile.fodt
	run convert pdf hostile.fodt
	assert_status 0
	[ "$(pictures hostile.pdf)" -eq 1 ]
	rm hostile.pdf
	run launch -- soffice --headless --convert-to pdf hostile.fodt
	assert_status 0
	[ "$(pictures hostile.pdf)" -eq 0 ]
	run launch --ro "$theirs" -- soffice --headless --convert-to pdf hostile.fodt
	assert_status 0
	[ "$(pictures hostile.pdf)" -eq 1 ]
}

# A letter that tells its sender that it was opened, and from where.
refuses_beacon() {
	local port requests

	python3 -u -m http.server --bind 127.0.0.1 0 >"$TMP/log" 2>&1 3>&- &
	wait_until 5 grep -q 'port [0-9]' "$TMP/log"
	port=$(sed -n 's/.*port \([0-9]*\).*/\1/p' "$TMP/log")
	references "http://127.0.0.1:$port/opened.png" >beacon.fodt
	run convert pdf beacon.fodt
	assert_status 0
	requests=$(grep -c opened.png "$TMP/log")
	[ "$requests" -ge 1 ]
	rm beacon.pdf
	run launch -- soffice --headless --convert-to pdf beacon.fodt
	assert_status 0
	[ "$(pictures beacon.pdf)" -eq 0 ]
	[ "$(grep -c opened.png "$TMP/log")" -eq "$requests" ]
	kill $!
	wait $! || :
	rm "$TMP/log"
}

refusals() {
	install -d -o "$(stat -c %u .)" "$TMP/user-$LAUNCHER"
	refuses_reference
	refuses_beacon
	refuses_secret
	refuses_writing
	refuses_processes
	refuses_network
	refuses_namespaces
	refuses_memory 512M -s cgroup.memory.max=256M
}

@test "a document shows no picture from elsewhere and tells nobody that it was opened" {
	each_launcher refusals
}
