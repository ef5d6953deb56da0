/* doctor_needs: which profile needs which feature, and which can do without. Runs in the launcher's place, under
 * `doctor`; asks the profile only. What it says decides between a host that lacks something and a profile that does not
 * mind.
 */
#include <string.h>

#include "base/address.h"
#include "tell/doctor.h"

static bool always(const struct profile *profile, const struct caller *caller)
{
	(void)profile;
	(void)caller;
	return true;
}

static bool names(const struct profile *profile, const char *namespace)
{
	for (size_t i = 0; i < profile->namespaces.count; i++)
		if (!strcmp(profile->namespaces.items[i], namespace))
			return true;
	return false;
}

static bool needs_userns(const struct profile *profile, const struct caller *caller)
{
	return !caller->root || (names(profile, "user") && profile->users.map != USERS_MAP_NONE);
}

static bool needs_time(const struct profile *profile, const struct caller *caller)
{
	(void)caller;
	return names(profile, "time");
}

static bool needs_overlay(const struct profile *profile, const struct caller *caller)
{
	(void)caller;
	for (size_t i = 0; i < profile->mounts.count; i++)
		if (profile->mounts.items[i].type == MOUNTS_TYPE_OVERLAY)
			return true;
	return profile->root.source && profile->root.access == ROOT_ACCESS_OVERLAY;
}

static bool needs_idmap(const struct profile *profile, const struct caller *caller)
{
	if (!caller->root || !needs_userns(profile, caller))
		return false;
	for (size_t i = 0; i < profile->mounts.count; i++)
		if (profile->mounts.items[i].idmap != MOUNTS_IDMAP_NONE)
			return true;
	return profile->root.source && profile->root.idmap != ROOT_IDMAP_NONE;
}

static bool needs_landlock(const struct profile *profile, const struct caller *caller)
{
	(void)caller;
	return profile->landlock.read.count || profile->landlock.write.count || profile->landlock.execute.count ||
	       profile->landlock.restrict_tcp;
}

static bool skips_landlock(const struct profile *profile)
{
	return profile->landlock.missing == LANDLOCK_MISSING_SKIP;
}

static bool needs_helpers(const struct profile *profile, const struct caller *caller)
{
	return !caller->root && profile->users.map == USERS_MAP_SUBID;
}

static bool needs_subuid(const struct profile *profile, const struct caller *caller)
{
	(void)caller;
	return profile->users.map == USERS_MAP_SUBID;
}

static bool needs_cgroup(const struct profile *profile, const struct caller *caller)
{
	(void)caller;
	return profile->cgroup.memory.max != SIZE_UNSET || profile->cgroup.cpu.max != PERCENT_UNSET ||
	       profile->cgroup.pids.max != SIZE_UNSET || !names(profile, "pid");
}

static bool skips_cgroup(const struct profile *profile)
{
	return profile->cgroup.missing == CGROUP_MISSING_SKIP;
}

static bool needs_pasta(const struct profile *profile, const struct caller *caller)
{
	(void)caller;
	return profile->network.mode == NETWORK_MODE_PASTA;
}

static bool needs_veth(const struct profile *profile, const struct caller *caller)
{
	(void)caller;
	return profile->network.mode == NETWORK_MODE_VETH;
}

/* pasta's wall is made of it as well (stage/network_wall.c). */
static bool needs_nftables(const struct profile *profile, const struct caller *caller)
{
	return needs_veth(profile, caller) || needs_pasta(profile, caller) || profile->network.outbound.rules.count ||
	       profile->network.inbound.rules.count ||
	       profile->network.outbound.default_ != NETWORK_OUTBOUND_DEFAULT_ALLOW ||
	       profile->network.inbound.default_ != NETWORK_INBOUND_DEFAULT_ALLOW;
}

static bool needs_bridge(const struct profile *profile, const struct caller *caller)
{
	return needs_veth(profile, caller) && profile->network.bridge.name;
}

/* What is published on the loopback interface alone is passed on by a relay. */
static bool needs_forwarding(const struct profile *profile, const struct caller *caller)
{
	if (!needs_veth(profile, caller))
		return false;
	for (size_t i = 0; i < profile->network.publish.count; i++) {
		struct address listen;

		if (!address_parse(profile->network.publish.items[i].listen, &listen) && !address_is_loopback(&listen))
			return true;
	}
	return profile->network.nat;
}

/* A foreign firewall's rules may let through what its policy would not: the launch itself does not fail. */
static bool accepts_policy(const struct profile *profile)
{
	(void)profile;
	return true;
}

const struct probe doctor_probes[PROBE_COUNT] = {
	{ "user namespaces", doctor_try_userns, needs_userns, NULL },
	{ "clone3", doctor_try_clone3, always, NULL },
	{ "openat2", doctor_try_openat2, always, NULL },
	{ "mount API", doctor_try_mount_api, always, NULL },
	{ "procfs", doctor_try_proc, always, NULL },
	{ "overlay", doctor_try_overlay, needs_overlay, NULL },
	{ "idmapped mounts", doctor_try_idmap, needs_idmap, NULL },
	{ "time namespace", doctor_try_time, needs_time, NULL },
	{ "cgroups", doctor_try_cgroup, needs_cgroup, skips_cgroup },
	{ "landlock", doctor_try_landlock, needs_landlock, skips_landlock },
	{ "seccomp", doctor_try_seccomp, always, NULL },
	{ "session keyring", doctor_try_keyring, always, NULL },
	{ "subuid", doctor_try_subuid, needs_subuid, NULL },
	{ "newuidmap", doctor_try_newuidmap, needs_helpers, NULL },
	{ "pasta", doctor_try_pasta, needs_pasta, NULL },
	{ "nf_tables", doctor_try_nftables, needs_nftables, NULL },
	{ "veth", doctor_try_veth, needs_veth, NULL },
	{ "bridge", doctor_try_bridge, needs_bridge, NULL },
	{ "forwarding", doctor_try_forwarding, needs_forwarding, NULL },
	{ "forward policy", doctor_try_forward_policy, needs_forwarding, accepts_policy },
};
