# sweep: a launch in which one system call fails, for every one that can; see syscall_sweep.
#
# SANDBOX_SWEEP_EVERY=1 makes them complete; otherwise every 7th point is tried.
load ../lib/common

every=${SANDBOX_SWEEP_EVERY:-7}

setup() {
	as_root_only
	"$SANDBOX" -p "$CHECKOUT/profiles/alpine.conf" -D root="$ROOTFS" -- true
}

sweep() {
	"$BATS_TEST_DIRNAME/syscall_sweep" --every "$every" "$@"
}

@test "a system call that fails never lets a payload run with a layer missing: root, alpine" {
	sweep "$SANDBOX" "$INJECT" -p "$CHECKOUT/profiles/alpine.conf" -D root="$ROOTFS" -s hostname=probe
}

@test "the same, interrupted: root, alpine" {
	sweep --errno EINTR "$SANDBOX" "$INJECT" -p "$CHECKOUT/profiles/alpine.conf" -D root="$ROOTFS" -s hostname=probe
}

@test "the same: root, default" {
	sweep --payload dash "$SANDBOX" "$INJECT" -s hostname=probe
}

@test "the same: an ordinary user, default" {
	sweep --payload dash --user 65534 "$(_user_sandbox)" "$INJECT" -s hostname=probe
}

@test "the same: an ordinary user, alpine" {
	sweep --user 65534 "$(_user_sandbox)" "$INJECT" -p "$CHECKOUT/profiles/alpine.conf" -D root="$ROOTFS" -s hostname=probe
}
