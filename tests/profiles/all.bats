# Every shipped profile: it reads without a complaint, says what it is for, starts as root and as an ordinary user, and has a
# test of its own beside this file.

# shellcheck disable=SC2030,SC2031,SC2034,SC2154 # what bats' run sets, and lib/service
bats_require_minimum_version 1.5.0
load ../lib/common
load ../lib/profiles
load ../lib/filesystem
load ../lib/net
load ../lib/service

# Profiles of root file systems and their tests: tests/func/profiles.bats.
OF_A_ROOT="alpine debian contained minimal"
# What others extend.
BASES="default base strict build service"

teardown() {
	[ -z "${HOLDER:-}" ] || service_down
}

names() {
	basename -s .conf "$CHECKOUT"/profiles/*.conf
}

# It says so itself: `Needs root` in the opening comment.
needs_root() {
	grep -qm1 '^//.*Needs root' "$CHECKOUT/profiles/$1.conf"
}

@test "every profile passes check, as root and as an ordinary user" {
	local launcher

	for launcher in "" as_user; do
		run $launcher sandbox check "$CHECKOUT"/profiles/*.conf
		assert_status 0
		[ -z "$output" ] || return 1
	done
}

@test "there are thirty and more profiles of real programs, each with a test" {
	local name count=0

	for name in $(names); do
		case " $OF_A_ROOT $BASES " in *" $name "*) continue ;; esac
		[ -e "$BATS_TEST_DIRNAME/$name.bats" ] || { echo "no test: $name"; return 1; }
		grep -q '^extends = ' "$CHECKOUT/profiles/$name.conf" || { echo "extends nothing: $name"; return 1; }
		count=$((count + 1))
	done
	[ "$count" -ge 30 ]
}

@test "every profile has its file's name and a description of its own" {
	local name

	for name in $(names); do
		grep -qxF "name = \"$name\";" "$CHECKOUT/profiles/$name.conf" || { echo "name: $name"; return 1; }
	done
	run -0 bash -c "sed -n 's/^description = //p' '$CHECKOUT'/profiles/*.conf | sort -u | wc -l"
	[ "$output" = "$(names | wc -l)" ]
}

@test "every parameter says what it is for, and has a default" {
	local file

	for file in "$CHECKOUT"/profiles/*.conf; do
		awk -v file="$file" '
			/^[^\/]*\{ *name = "[a-z0-9_-]*"; *type = "(string|path|directory|file|int|size|duration|bool)"/ {
				if (!/doc = "/ || !/default = "/) { print file ": " $0; bad = 1 }
			}
			END { exit bad }' "$file"
	done
}

# Of a profile that names a host of the Internet: an address, for machines that cannot look names up.
addresses() {
	case $1 in
	npm-install) echo -D registry=192.0.2.1 ;;
	esac
}

starts() {
	local launcher=$1 name options

	mkdir -p "$TMP/$launcher"
	[ "$launcher" = root ] || [ "$(id -u)" -ne 0 ] || chown "$TEST_UID:$TEST_UID" "$TMP/$launcher"
	cd "$TMP/$launcher" || return 1
	for name in $(names); do
		case " $OF_A_ROOT " in *" $name "*) continue ;; esac
		read -ra options <<<"$(addresses "$name")"
		options+=(-p "$CHECKOUT/profiles/$name.conf")
		if [ "$launcher" = root ]; then
			LAUNCHER=root run as_launcher sandbox "${options[@]}" -- true
		elif grep -q 'mode = "pasta"' "$CHECKOUT/profiles/$name.conf"; then
			LAUNCHER=user run "${ON[@]}" sandbox "${options[@]}" -- true
		else
			run as_user sandbox "${options[@]}" -- true
		fi
		echo "$name: $status $output"
		if [ "$launcher" = user ] && needs_root "$name"; then
			assert_status 122
			assert_output "root"
		elif [ "$launcher" = user ] && [ "$name" = ci ] && ! overlay_on_tmpfs; then
			assert_status 122
			assert_output "Linux 6.6"
		else
			assert_status 0
			[ -z "$output" ]
		fi
	done
}

# On a host of the test's own: some publish ports.
@test "every profile starts for root" {
	service_up
	starts root
}

@test "what needs root for its interface starts for an ordinary user with pasta" {
	local name

	service_up
	cd "$USER_TMP" || return 1
	for name in $(names); do
		needs_root "$name" || continue
		LAUNCHER=user run as_launcher sandbox -p "$CHECKOUT/profiles/$name.conf" -s network.mode=pasta -- true
		echo "$name: $status $output"
		assert_status 0
		[ -z "$output" ]
	done
}

@test "every profile starts for an ordinary user, or says that it needs root" {
	# What pasta needs, a default route and a /dev/net/tun that is open to everybody, the test's own host has.
	local ON=(as_user)

	if [ "$(id -u)" -eq 0 ]; then
		service_up
		ON=(as_launcher)
	fi
	residue_before
	starts user
	residue_after
}
