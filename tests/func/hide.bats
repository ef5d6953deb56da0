# hide: paths that read as empty.
# shellcheck disable=SC2016 # what stands in single quotes is for the shell inside
load ../lib/common
load ../lib/filesystem

setup() {
	mkdir -p "$TMP/data/secret/deep"
	echo secret >"$TMP/data/secret/deep/file"
	echo secret >"$TMP/data/file"
	ln -s secret "$TMP/data/link"
	mkfifo "$TMP/data/fifo"
	chmod -R a+rwX "$TMP/data"
}

# hide_profile LIST [MORE]
hide_profile() {
	profile <<CONF
format = 1;
mounts = ( $(program_mounts) { type = "proc"; target = "/proc"; },
	{ type = "bind"; source = "$TMP/data"; target = "/data"; access = "read-write"; } );
hide = $1;
${2:-}
CONF
}

@test "a file reads as empty, a directory has no entries, and neither can be written" {
	hide_profile '[ "/data/file", "/data/secret", "/data/fifo" ]'
	for as in as_self as_user; do
		run "$as" sandbox -p "$PROFILE" -- sh -c 'test -z "$(cat /data/file)" && test -z "$(ls -A /data/secret)" &&
			test -z "$(timeout 5 cat /data/fifo)" && echo empty
			echo x >/data/file; touch /data/secret/new; rm /data/file; chmod 777 /data/file; mv /data/secret /data/other'
		assert_line empty
		refute_output secret/deep
		[ "$(grep -c "Read-only file system" <<<"$output")" -eq 3 ]
		[ "$(cat "$TMP/data/file" "$TMP/data/secret/deep/file" | xargs)" = "secret secret" ]
	done
	# Without the masks everything of that is possible.
	hide_profile '[ ]'
	run as_user sandbox -p "$PROFILE" -- sh -ec 'cat /data/file; ls -A /data/secret; echo x >/data/file'
	assert_status 0
	assert_line secret
	assert_line deep
}

@test "what is missing is passed over" {
	hide_profile '[ "/data/absent", "/data/file/below", "/absent/deep" ]'
	run sandbox -p "$PROFILE" -- cat /data/file
	assert_status 0
	assert_line secret
}

@test "a link is followed inside the root" {
	ln -s /data/secret "$TMP/data/absolute"
	ln -s ../../../../data/secret "$TMP/data/upwards"
	hide_profile '[ "/data/absolute/deep" ]'
	run sandbox -p "$PROFILE" -- sh -c 'ls -A /data/secret/deep; echo end'
	[ "$output" = end ]
	hide_profile '[ "/data/upwards" ]'
	run sandbox -p "$PROFILE" -- sh -c 'ls -A /data/secret; echo end'
	[ "$output" = end ]
}

@test "every path of the default list that exists reads as empty" {
	hide_profile '[ ]'
	sed -i '/^hide/d' "$PROFILE"
	sed -n '/^  hide = \[/,/\]/p' "$CHECKOUT/schema/profile.schema" | grep -o '/[a-z_./-]*' >"$TMP/list"
	[ "$(wc -l <"$TMP/list")" -gt 20 ]
	for as in as_self as_user; do
		run "$as" sandbox -p "$PROFILE" -- sh -c 'for p in $(cat); do
			if test -d $p; then test -z "$(ls -A $p)" || echo "open $p"; echo directory
			elif test -e $p; then test -z "$(head -c 100 $p)" || echo "open $p"; echo file; fi; done' <"$TMP/list"
		assert_status 0
		refute_output open
		assert_line file
	done
	# One that is there, and says something, where nothing is hidden.
	hide_profile '[ ]'
	run sandbox -p "$PROFILE" -- sh -c 'head -c 100 /proc/interrupts /proc/kallsyms'
	[ -n "$output" ]
}

@test "/ cannot be hidden" {
	hide_profile '[ "/" ]'
	run sandbox -p "$PROFILE" -- true
	assert_status 121
	assert_output "cannot hide /"
}

@test "root inside cannot take a mask away" {
	hide_profile '[ "/data/secret" ]' 'users = { uid = 0; gid = 0; };'
	run sandbox -p "$PROFILE" -- sh -c 'umount /data/secret; umount -l /data/secret; mount -o remount,rw /data/secret; ls -A /data/secret'
	refute_output deep
	assert_output "umount: "
}

@test "a link that leads out of the bind that it lies in is an error; one that stays is not, nor two to one place" {
	ln -s /usr "$TMP/data/out"
	ln -s ../proc/sys "$TMP/data/upwards"
	ln -s secret/deep "$TMP/data/other"
	for name in out upwards; do
		hide_profile "[ \"/data/$name\" ]"
		for as in as_self as_user; do
			run "$as" sandbox -p "$PROFILE" -- true
			assert_status 123
			assert_output "hide: cannot hide /data/$name: a link leads out of the bind"
			run "$as" sandbox -p "$PROFILE" -s 'hide=[ ]' -s 'read_only=[ "/data/'$name'" ]' -- true
			assert_status 123
			assert_output "cannot make /data/$name read-only: a link leads out of the bind"
		done
	done
	hide_profile '[ "/data/link", "/data/secret", "/data/other" ]'
	run sandbox -p "$PROFILE" -- sh -c 'ls -A /data/link /data/secret; cat /data/file; echo end'
	assert_status 0
	refute_output deep
	assert_line end
}

@test "what is put in the place of a hidden file outside is seen; the file is not, whatever its name" {
	hide_profile '[ "/data/file" ]'
	mkfifo "$TMP/data/turn"
	echo visible >"$TMP/data/new"
	sandbox -p "$PROFILE" -- sh -c 'cat /data/file; echo >/data/fifo; read -r _ </data/turn; cat /data/file /data/old' \
		>"$TMP/seen" 3>&- &
	timeout 20 cat "$TMP/data/fifo"
	mv "$TMP/data/file" "$TMP/data/old"
	mv "$TMP/data/new" "$TMP/data/file"
	echo >"$TMP/data/turn"
	wait $!
	run cat "$TMP/seen"
	[ "$output" = visible ]
}
