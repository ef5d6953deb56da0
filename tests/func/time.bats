# time: clocks inside run with an offset, the host's do not.
load ../lib/common

with() {
	profile <<-END
		format = 1;
		namespaces = { add = [ "time" ]; };
		root = { source = "$ROOTFS"; };
		mounts = ( { type = "proc"; target = "/proc"; } );
		$1
	END
}

# Whole seconds of the host's boot-time clock: /proc/uptime shows it, with the reader's offset.
uptime_seconds() {
	cut -d. -f1 /proc/uptime
}

offset_inside() {
	local before inside

	before=$(uptime_seconds)
	inside=$("$@" sandbox -p "$PROFILE" -- cut -d. -f1 /proc/uptime) || return 1
	echo $((inside - before))
}

@test "boottime moves the clock inside, as root and as an ordinary user" {
	local offset

	with 'time = { boottime = "24h"; };'
	for who in env as_user; do
		[ "$who" != env ] || who=
		offset=$(offset_inside $who)
		[ "$offset" -ge 86400 ] && [ "$offset" -le $((86400 + $(seconds 10))) ] || { echo "offset $offset"; false; }
	done
}

@test "an offset may be negative, and both clocks may have one" {
	local offset

	with 'time = { boottime = "-1.5s"; monotonic = "1h"; };'
	offset=$(offset_inside)
	[ "$offset" -ge -2 ] && [ "$offset" -lt "$(seconds 10)" ] || { echo "offset $offset"; false; }
	run sandbox -p "$PROFILE" -- cat /proc/self/timens_offsets
	assert_status 0
	[[ $output =~ monotonic\ +3600\ +0 ]] || { echo "$output"; false; }
	[[ $output =~ boottime\ +-2\ +500000000 ]] || { echo "$output"; false; }
}

@test "without offsets the clocks are the host's" {
	local offset

	with ''
	offset=$(offset_inside)
	[ "$offset" -ge 0 ]
	[ "$offset" -le "$(seconds 10)" ]
}

@test "a clock cannot be set before its zero" {
	with 'time = { monotonic = "-1000000h"; };'
	run sandbox -p "$PROFILE" -- true
	assert_status 122
	assert_output "time.monotonic"
	assert_output "cannot set the clock back"
}

@test "offsets need a time namespace, and that needs an init" {
	with 'time = { monotonic = "1h"; }; namespaces = { remove = [ "time" ]; };'
	run sandbox -p "$PROFILE" -- true
	assert_status 121
	with 'time = { monotonic = "1h"; }; process = { init = false; };'
	run sandbox -p "$PROFILE" -- true
	assert_status 121
	assert_output "process.init = true"
}
