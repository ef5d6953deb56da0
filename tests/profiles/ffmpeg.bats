# ffmpeg: converts, measures, cuts; a hostile playlist finds no other film, no server and no program.
# bats file_tags=large

# shellcheck disable=SC2030,SC2031,SC2154 # what bats' run sets
bats_require_minimum_version 1.5.0
load ../lib/common
load ../lib/profiles

setup_file() {
	packages ffmpeg
}

setup() {
	residue_before
}

teardown() {
	residue_after
}

# film FILE COLOUR: a second of one colour, with a tone.
film() {
	as_launcher ffmpeg -v error -f lavfi -i "color=$2:size=64x48:duration=1:rate=10" -f lavfi -i sine=duration=1 -y "$1"
}

converts() {
	film in.mp4 red
	run launch -- ffmpeg -v error -i in.mp4 -vf scale=32:24 out.webm
	assert_status 0
	[ -z "$output" ]
	run launch -- ffprobe -v error -show_entries stream=codec_name,width,height:format=duration -of csv=p=0 out.webm
	assert_status 0
	assert_line vp9,32,24
	assert_line opus
	[[ $output =~ (0\.9|1\.0)[0-9]* ]]
	[ "$(stat -c %u out.webm)" = "$(stat -c %u .)" ]
	# The colour of the middle of the picture, read outside.
	run as_launcher ffmpeg -v error -i out.webm -frames:v 1 -vf crop=2:2:16:12 -pix_fmt rgb24 -f rawvideo pixel
	assert_status 0
	read -r red green blue _ < <(od -An -tu1 pixel)
	[ "$red" -gt 200 ]
	[ "$green" -lt 50 ]
	[ "$blue" -lt 50 ]
}

@test "ffmpeg makes a smaller film of a film, with the same colour and sound" {
	each_launcher converts
}

pipes() {
	film in.mkv blue
	launch -- ffmpeg -v error -i pipe:0 -c:v libx264 -threads 4 -f mpegts pipe:1 <in.mkv >out.ts
	run as_launcher ffprobe -v error -show_entries stream=codec_name -of csv=p=0 out.ts
	assert_status 0
	assert_output h264
	run launch -- ffmpeg -v error -i in.mkv -ss 0.5 -frames:v 1 still.png
	assert_status 0
	run launch -- ffprobe -v error -show_entries stream=width,height -of csv=p=0 still.png
	assert_line 64,48
}

@test "ffmpeg reads and writes pipes, with threads, and takes a still" {
	each_launcher pipes
}

# A playlist that came by mail, with a film of the user's in it.
refuses_playlist() {
	local theirs=$TMP/theirs-$LAUNCHER

	film "$theirs/film.ts" green
	printf '#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n%s\n#EXT-X-ENDLIST\n' "$theirs/film.ts" >hostile.m3u8
	refuses_there ffmpeg -v error -i hostile.m3u8 -c copy -y stolen.mkv
	run launch -- ffmpeg -v error -i hostile.m3u8 -c copy -y stolen.mkv
	assert_output "Error when loading first segment '$theirs/film.ts'"
}

# A film at an address of the machine's own, where only it may look.
refuses_address() {
	film local.ts red
	python3 -u -m http.server --bind 127.0.0.1 0 >"$TMP/log" 2>&1 3>&- &
	wait_until 5 grep -q 'port [0-9]' "$TMP/log"
	local port
	port=$(sed -n 's/.*port \([0-9]*\).*/\1/p' "$TMP/log")
	refuses ffmpeg -v error -i "http://127.0.0.1:$port/local.ts" -c copy -y stolen.mkv
	kill $!
	wait $! || :
	[ "$(grep -c 'GET /local.ts' "$TMP/log")" -ge 1 ]
	rm "$TMP/log"
}

refusals() {
	refuses_playlist
	refuses_address
	refuses_secret
	refuses_writing
	refuses_starting
	refuses_network
	refuses_memory 512M -s cgroup.memory.max=256M
}

@test "ffmpeg reaches no film elsewhere through a playlist, no server, and starts nothing" {
	each_launcher refusals
}
