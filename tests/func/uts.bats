# uts: the host name inside is the profile's, and nobody else's.
load ../lib/common

with() {
	profile <<-END
		format = 1;
		root = { source = "$ROOTFS"; };
		mounts = ( { type = "proc"; target = "/proc"; } );
		$1
	END
}

@test "a name is set inside, and the host keeps its own" {
	local before

	before=$(hostname)
	with 'hostname = "blue-box"; domainname = "example.org";'
	run sandbox -p "$PROFILE" -- sh -c 'hostname; cat /proc/sys/kernel/domainname'
	assert_status 0
	assert_line blue-box
	assert_line example.org
	[ "$(hostname)" = "$before" ]
	run as_user sandbox -p "$PROFILE" -- hostname
	assert_status 0
	assert_line blue-box
	[ "$(hostname)" = "$before" ]
}

@test "auto makes a memorable name, another at every launch" {
	local first

	with ''
	run sandbox -p "$PROFILE" -- hostname
	assert_status 0
	first=$output
	[[ $first =~ ^[0-9a-f]{6}-[a-z]+(-[a-z]+)*$ ]] || { echo "$first"; false; }
	run sandbox -p "$PROFILE" -- hostname
	[[ $output =~ ^[0-9a-f]{6}-[a-z]+(-[a-z]+)*$ ]]
	[ "$output" != "$first" ]
}

@test "a new name inside is seen inside only" {
	local before

	before=$(hostname)
	with 'users = { uid = 0; gid = 0; }; capabilities = { keep = [ "SYS_ADMIN" ]; }; seccomp = { allow = { add = [ "sethostname" ]; }; };'
	run sandbox -p "$PROFILE" -- sh -c 'hostname changed && hostname'
	assert_status 0
	assert_line changed
	[ "$(hostname)" = "$before" ]
}

@test "64 bytes are a name, 65 are an error at their line" {
	local name

	name=$(printf 'a%.0s' {1..64})
	with "hostname = \"$name\";"
	run sandbox -p "$PROFILE" -- hostname
	assert_status 0
	assert_line "$name"
	with "hostname = \"${name}a\";"
	run sandbox -p "$PROFILE" -- hostname
	assert_status 121
	assert_output "$PROFILE:4: hostname"
}

@test "without a uts namespace a name is refused, and the default sets none" {
	with 'namespaces = { remove = [ "uts" ]; }; hostname = "blue-box";'
	run sandbox -p "$PROFILE" -- hostname
	assert_status 121
	assert_output "hostname"
	with 'namespaces = { remove = [ "uts" ]; };'
	run sandbox -p "$PROFILE" -- hostname
	assert_status 0
	assert_line "$(hostname)"
}
