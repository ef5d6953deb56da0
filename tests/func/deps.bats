# deps: tests/lib/deps, which installs what a build or a test run needs, with a package manager that only takes notes.
load ../lib/common

setup() {
	mkdir "$TMP/bin"
	cat >"$TMP/bin/apt-get" <<-EOF
		#!/bin/sh
		echo "\$@" >>$TMP/called
	EOF
	printf '#!/bin/sh\nexec "$@"\n' >"$TMP/bin/sudo"
	chmod 0755 "$TMP/bin/apt-get" "$TMP/bin/sudo"
}

@test "what is there is found without the package manager" {
	PATH=$TMP/bin:$PATH run "$CHECKOUT/tests/lib/deps" build rootfs lint test
	assert_status 0
	[ -z "$output" ]
	[ ! -e "$TMP/called" ]
}

@test "what is missing is installed, and nothing else" {
	for program in /usr/bin/* /bin/*; do
		case ${program##*/} in
		bats | strace | apt-get | sudo) ;;
		*) [ -e "$TMP/bin/${program##*/}" ] || ln -s "$program" "$TMP/bin/${program##*/}" ;;
		esac
	done
	PATH=$TMP/bin run "$CHECKOUT/tests/lib/deps" build test
	assert_status 0
	assert_line "deps: installing bats strace"
	[ "$(tail -n 1 "$TMP/called")" = "-qy install --no-install-recommends bats strace" ]
}

@test "a header that is missing is installed by its package" {
	printf '#!/bin/sh\ncase "$*" in *-E*) grep -q seccomp.h && exit 1;; esac\nexec /usr/bin/cc "$@" </dev/null\n' >"$TMP/bin/cc"
	chmod 0755 "$TMP/bin/cc"
	PATH=$TMP/bin:$PATH run "$CHECKOUT/tests/lib/deps" build
	assert_status 0
	assert_line "deps: installing libseccomp-dev"
}
