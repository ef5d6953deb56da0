# network: a launch with a network in which one system call fails, for every one that can: the payload never runs with its
# address or its filter missing, and nothing of it stays on the host; see network_sweep.
#
# SANDBOX_SWEEP_EVERY=1 makes them complete; otherwise every 7th point is tried.
load ../lib/common

setup() {
	as_root_only
	profile <<-'END'
		format = 1;
		extends = [ "default" ];
		network = {
			mode = "veth"; nat = true; address = "10.88.0.5/24"; mac = "02:00:00:00:00:05";
			bridge = { name = "sandbox0"; address = "10.88.0.1/24"; };
			publish = ( { host = 8080; guest = 8000; } );
			outbound = { default = "deny"; rules = ( { verdict = "allow"; to = "198.51.100.0/24"; } ); };
			inbound = { default = "deny"; };
		};
	END
}

@test "a system call that fails never lets a payload run without its address or its filter: veth, nat, published port" {
	residue_before
	run "$BATS_TEST_DIRNAME/network_sweep" --every "${SANDBOX_SWEEP_EVERY:-7}" "$SANDBOX" "$INJECT" "$PROFILE"
	echo "$output"
	assert_status 0
	residue_after
}
