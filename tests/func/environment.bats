# environment: it starts empty.
load ../lib/common
bats_require_minimum_version 1.5.0

with() {
	profile <<-END
		format = 1;
		root = { source = "$ROOTFS"; };
		process = { $1 };
	END
}

@test "nothing of the caller's comes in that is not named" {
	with 'env = [ "A=1" ]; inherit_env = [ ];'
	run env LD_PRELOAD_X=1 GLIBC_TUNABLES=glibc.malloc.check=0 BASH_ENV=/x ENV=/x IFS=x SECRET=s HTTP_PROXY=x \
		"$SANDBOX" -p "$PROFILE" -- env
	assert_status 0
	[ "$output" = A=1 ] || { echo "$output"; false; }
}

@test "LD_PRELOAD of the caller reaches neither the payload nor its loader" {
	with ''
	run env LD_PRELOAD=/nonexistent.so "$SANDBOX" -p "$PROFILE" -- env
	assert_status 0
	refute_output LD_PRELOAD=
}

@test "what is named is inherited where the caller has it, and the profile's own goes before it" {
	with 'env = [ "B=own" ]; inherit_env = [ "A", "B", "C" ];'
	run env -u C A='a b=c' B=callers "$SANDBOX" -p "$PROFILE" -- env
	assert_status 0
	assert_line 'A=a b=c'
	assert_line 'B=own'
	refute_output 'C='
	refute_output callers
}

@test "by default there are PATH, and TERM and LANG of the caller" {
	with ''
	run env -i TERM=vt100 LANG=C HOME=/x "$SANDBOX" -p "$PROFILE" -- env
	assert_status 0
	[ "$(sort <<<"$output")" = $'LANG=C\nPATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\nTERM=vt100' ] ||
		{ echo "$output"; false; }
}

@test "the command is looked up in the PATH of the payload, not of the caller" {
	with 'env = [ "PATH=/nowhere:/bin" ];'
	run env PATH=/bin "$SANDBOX" -p "$PROFILE" -- echo found
	assert_line found
	with 'env = [ "PATH=/nowhere" ];'
	run -127 sandbox -p "$PROFILE" -- echo found
	assert_output "cannot execute echo"
	# Without any, the C library's own.
	with 'env = [ ];'
	run sandbox -p "$PROFILE" -- echo found
	assert_line found
}

@test "explain names the variables and shows no values" {
	with 'env = [ "TOKEN=secret" ]; inherit_env = [ "OTHER" ];'
	run env OTHER=hidden "$SANDBOX" explain -p "$PROFILE" true
	assert_output "sets TOKEN"
	assert_output "inherits OTHER"
	refute_output secret
	refute_output hidden
}
