#!/usr/bin/env bats
# network_veth: veth pairs, bridges, addresses, NAT: what a sandbox reaches, and that nothing of it stays.

load ../lib/common
load ../lib/net

setup() {
	as_root_only
	net_up
	net_before
}

teardown() {
	serve_stop
	net_down
}

bridged() {
	profile "${1:-test}" <<-END
		format = 1;
		extends = [ "default" ];
		network = {
			mode = "veth";
			bridge = { name = "sandbox0"; address = "10.88.0.1/24"; };
			${2:-}
		};
	END
}

@test "an interface with a free address of the bridge's network, a default route, and nothing left" {
	bridged
	run net_sandbox -p "$PROFILE" -- sh -c 'ip -4 -o addr show eth0; ip route; ip -6 addr show eth0; ip link show eth0'
	assert_status 0
	assert_output 'inet 10.88.0.'
	assert_output 'default via 10.88.0.1 dev eth0'
	assert_output 'prohibit 169.254.0.0/16'
	assert_output 'state UP'
	refute_output 'inet6'
	net_after
}
