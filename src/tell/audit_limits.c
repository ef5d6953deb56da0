/* audit_limits: what of the machine the sandbox may use up.
 *
 * Part of audit.c, which see. Without a limit nothing gets out and nobody gets in; the host is slow, or out of memory,
 * until the sandbox ends. So these weigh little, and together what a profile without any limit deserves: under 2. A
 * limit that is left out where the host has no such controller (`missing`) counts for a third.
 */
#include "tell/audit.h"

static const double SKIPPED = 0.3;

struct controller {
	const char *name; /* in cgroup */
	bool limited, skipped;
	const char *limit; /* KEY=VALUE below the controller that limits it */
	const char *what;
};

/* A limit that is there or not, or that may be skipped. What `cgroup.missing` skips it skips for all. */
static void judge_controller(struct audit *audit, const struct controller *controller)
{
	bool all_skipped = audit->profile->cgroup.missing == CGROUP_MISSING_SKIP;

	if (controller->limited && !controller->skipped && !all_skipped)
		return;
	if (controller->limited)
		audit_found(audit, SKIPPED, -1, "%s without limit where the host has no cgroup for it",
			    controller->what);
	else
		audit_found(audit, 1, -1, "%s without limit", controller->what);
	if (!controller->limited)
		audit_change(audit, "cgroup.%s.%s", controller->name, controller->limit);
	else
		audit_key(audit, all_skipped ? K_CGROUP_MISSING : audit->check->key);
	if (controller->skipped)
		audit_change(audit, "cgroup.%s.missing=fail", controller->name);
	if (all_skipped)
		audit_change(audit, "cgroup.missing=fail");
}

static bool is_limit(uint64_t value)
{
	return value != SIZE_UNSET && value != SIZE_UNLIMITED;
}

static void memory(struct audit *audit)
{
	judge_controller(audit, &(struct controller){ .name = "memory",
						      .limited = is_limit(audit->profile->cgroup.memory.max),
						      .skipped = audit->profile->cgroup.memory.missing ==
								 CGROUP_MEMORY_MISSING_SKIP,
						      .limit = "max=1G",
						      .what = "memory" });
}

static void swap(struct audit *audit)
{
	if (is_limit(audit->profile->cgroup.memory.swap))
		return;
	audit_found(audit, 1, -1, "swap space without limit");
	audit_change(audit, "cgroup.memory.swap=0M");
}

static void processes(struct audit *audit)
{
	judge_controller(audit, &(struct controller){ .name = "pids",
						      .limited = is_limit(audit->profile->cgroup.pids.max),
						      .skipped = audit->profile->cgroup.pids.missing ==
								 CGROUP_PIDS_MISSING_SKIP,
						      .limit = "max=256",
						      .what = "processes" });
}

static void processor(struct audit *audit)
{
	int64_t max = audit->profile->cgroup.cpu.max;

	judge_controller(audit,
			 &(struct controller){ .name = "cpu",
					       .limited = max != PERCENT_UNSET && max != PERCENT_UNLIMITED,
					       .skipped = audit->profile->cgroup.cpu.missing == CGROUP_CPU_MISSING_SKIP,
					       .limit = "max=100%",
					       .what = "processor time" });
}

static void process_limit(struct audit *audit)
{
	if (is_limit(audit->profile->rlimits.nproc.hard))
		return;
	audit_found(audit, 1, -1, "processes of the payload's user without limit, where no cgroup counts them");
	audit_change(audit, "rlimits.nproc=512");
}

static void core_files(struct audit *audit)
{
	if (audit->profile->rlimits.core.hard == 0)
		return;
	audit_found(audit, 1, -1, "a crash hands memory to the host's handler of core files");
	audit_change(audit, "rlimits.core=0M");
}

static void real_time(struct audit *audit)
{
	if (audit->profile->rlimits.rtprio.hard == 0 && audit->profile->rlimits.nice.hard <= 20)
		return;
	audit_found(audit, 1, -1, "the payload may take processor time before the host's programs");
	audit_change(audit, "rlimits.rtprio=0");
	audit_change(audit, "rlimits.nice=0");
}

/* Memory of the kernel, which no controller of the profile's may count. */
static void kernel_memory(struct audit *audit)
{
	static const struct {
		int key;
		uint64_t most;
		const char *change;
	} limits[] = {
		{ K_RLIMITS_MEMLOCK, UINT64_C(64) << 20, "64K" },
		{ K_RLIMITS_MSGQUEUE, UINT64_C(16) << 20, "800K" },
		{ K_RLIMITS_NOFILE, 65536, "1024" },
		{ K_RLIMITS_SIGPENDING, 65536, "4096" },
	};

	for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
		const struct limit *limit = (const void *)((const char *)audit->profile + keys[limits[i].key].offset);

		if (limit->hard <= limits[i].most)
			continue;
		audit_found(audit, 1, -1, "%s is set higher than programs need", keys[limits[i].key].path);
		audit_key(audit, limits[i].key);
		audit_change(audit, "%s=%s", keys[limits[i].key].path, limits[i].change);
	}
}

static void root_size(struct audit *audit)
{
	const struct profile *profile = audit->profile;
	bool tmpfs = !profile->root.source || (profile->root.access == ROOT_ACCESS_OVERLAY && profile->root.upper &&
					       profile->root.upper[0] != '/');

	if (!tmpfs || (is_limit(profile->root.size) && is_limit(profile->root.inodes)))
		return;
	audit_found(audit, 1, -1, "what is written to / is memory, without limit");
	audit_change(audit, "root.size=64M");
	audit_change(audit, "root.inodes=65536");
}

static void mount_size(struct audit *audit, const struct mount *mount, int index)
{
	bool tmpfs = mount->type == MOUNTS_TYPE_TMPFS || mount->type == MOUNTS_TYPE_DEV ||
		     (mount->type == MOUNTS_TYPE_OVERLAY && mount->upper && mount->upper[0] != '/');

	if (!tmpfs || (is_limit(mount->size) && is_limit(mount->inodes)))
		return;
	audit_found(audit, 1, index, "what is written to %s is memory, without limit", mount->target);
	audit_key(audit, K_MOUNTS_SIZE);
	audit_change(audit, "mounts[%s].size=64M", mount->target);
	audit_change(audit, "mounts[%s].inodes=16384", mount->target);
}

static void time_limit(struct audit *audit)
{
	if (audit->profile->process.time_limit != DURATION_UNLIMITED)
		return;
	audit_found(audit, 1, -1, "it may run for ever");
	audit_change(audit, "process.time_limit=1h");
}

static void output_limit(struct audit *audit)
{
	if (audit->profile->process.output_limit != SIZE_UNLIMITED)
		return;
	audit_found(audit, 1, -1, "standard output and error may fill the caller's disk");
	audit_change(audit, "process.output_limit=1G");
}

static void priority(struct audit *audit)
{
	const struct profile *profile = audit->profile;

	if (profile->process.nice >= 0 &&
	    (profile->process.oom_score_adj == INT_UNSET || profile->process.oom_score_adj >= 0))
		return;
	audit_found(audit, 1, -1, "the host's programs wait, or are killed, before the payload");
	audit_key(audit, profile->process.nice < 0 ? K_PROCESS_NICE : K_PROCESS_OOM_SCORE_ADJ);
	if (profile->process.nice < 0)
		audit_change(audit, "process.nice=0");
	if (profile->process.oom_score_adj != INT_UNSET && profile->process.oom_score_adj < 0)
		audit_change(audit, "process.oom_score_adj=0");
}

static void devices(struct audit *audit)
{
	if (audit->profile->cgroup.devices.default_ != CGROUP_DEVICES_DEFAULT_ALLOW)
		return;
	audit_found(audit, 1, -1, "the cgroup's rules allow devices that nobody named");
	audit_change(audit, "cgroup.devices.default=deny");
}

static const struct audit_check checks[] = {
	{ "memory", 0.6, K_CGROUP_MEMORY_MAX, memory, NULL, "The kernel then kills the host's programs too." },
	{ "swap", 0.1, K_CGROUP_MEMORY_SWAP, swap, NULL, "The host gets slow before anything is killed." },
	{ "processes", 0.4, K_CGROUP_PIDS_MAX, processes, NULL, "A fork bomb takes every number of the host's." },
	{ "processor", 0.2, K_CGROUP_CPU_MAX, processor, NULL, "The scheduler is fair without it." },
	{ "nproc", 0.1, K_RLIMITS_NPROC, process_limit, NULL, "The second guard against fork bombs." },
	{ "core", 0.2, K_RLIMITS_CORE, core_files, NULL, "The handler is the host's, and root runs it." },
	{ "real-time", 0.3, K_RLIMITS_RTPRIO, real_time, NULL, "A loop at real-time priority stops a processor." },
	{ "kernel-memory", 0.1, K_RLIMITS_NOFILE, kernel_memory, NULL, "The kernel pays, in small coin." },
	{ "root-size", 0.2, K_ROOT_SIZE, root_size, NULL, "Counted by the memory controller where there is one." },
	{ "mount-size", 0.2, K_MOUNTS_SIZE, NULL, mount_size, "Likewise." },
	{ "time-limit", 0.1, K_PROCESS_TIME_LIMIT, time_limit, NULL, "Somebody must notice, then." },
	{ "output-limit", 0.1, K_PROCESS_OUTPUT_LIMIT, output_limit, NULL, "Where output is kept." },
	{ "priority", 0.3, K_PROCESS_NICE, priority, NULL, "The host should be served first." },
	{ "device-rules", 0.5, K_CGROUP_DEVICES_DEFAULT, devices, NULL,
	  "The last word on devices where a node can be had." },
};

const struct audit_table audit_limits = { checks, sizeof(checks) / sizeof(checks[0]) };
