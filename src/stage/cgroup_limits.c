/* cgroup_limits: the profile's limits as files of a cgroup and what to write into them.
 *
 * Runs in the launcher, in plan, for leaves whose hierarchy and base are known; touches nothing. The keys are v2's:
 * each has a v2 file, and a v1 file or formula beside it. Order matters on v1 (memory before memory+swap, period before
 * quota), so writes are made in the order in which they are added here.
 *
 * Formulas:
 *   shares       v1 cpu.shares = weight * 1024 / 100: the kernel's own (sched_weight_from_cgroup() in
 *                kernel/sched/sched.h), so that weight 100 and v1's default of 1024 are the same thing to the
 *                scheduler. 256 shares are weight 25.
 *   BFQ weight   1..100 as it is, 100..10000 mapped evenly onto 100..1000: both scales have 100 as their default.
 *   memory+swap  v1 limits the sum of both: memory.max + memory.swap.
 *
 * What v1 cannot say is refused, or left out and reported where the controller's `missing` is "skip": memory.high.
 * Failure: exit 121 for values that no kernel takes, 122 for what this host cannot do. Nothing to undo.
 */
#include "stage/cgroup.h"

#include <errno.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/cpulist.h"
#include "base/format.h"
#include "base/parse.h"

#define V1_UNLIMITED "-1"
#define V2_UNLIMITED "max"

/* sched_cfs_bandwidth: neither quota nor period may be below a millisecond. */
enum { USEC_QUOTA_MIN = 1000, NSEC_PER_USEC = 1000, PERCENT_OF_CORE = 100 * 100 };

/* cgroup v2's default weight, and v1's shares for it. */
enum { WEIGHT_DEFAULT = 100, SHARES_DEFAULT = 1024, WEIGHT_MAX = 10000, BFQ_WEIGHT_MAX = 1000 };

uint64_t cgroup_shares(int weight)
{
	return ((uint64_t)weight * SHARES_DEFAULT + WEIGHT_DEFAULT / 2) / WEIGHT_DEFAULT;
}

int cgroup_bfq_weight(int weight)
{
	if (weight <= WEIGHT_DEFAULT)
		return weight;
	return WEIGHT_DEFAULT +
	       (weight - WEIGHT_DEFAULT) * (BFQ_WEIGHT_MAX - WEIGHT_DEFAULT) / (WEIGHT_MAX - WEIGHT_DEFAULT);
}

uint64_t cgroup_quota(int64_t percent, int64_t period)
{
	return (uint64_t)(period / NSEC_PER_USEC) * (uint64_t)percent / PERCENT_OF_CORE;
}

int cgroup_add(struct plan *plan, struct cgroup_leaf *leaf, const struct cgroup_write *write, struct error *err)
{
	if (!leaf->writes)
		leaf->writes = arena_array(&plan->arena, CGROUP_WRITES_MAX, sizeof(*leaf->writes));
	if (!leaf->writes)
		return fail_errno(err, write->key, "cannot plan the cgroup");
	if (leaf->write_count == CGROUP_WRITES_MAX)
		return fail(err, write->key, "cannot plan the cgroup: more than %d values for one", CGROUP_WRITES_MAX);
	leaf->writes[leaf->write_count++] = *write;
	return 0;
}

static int add_number(struct plan *plan, struct cgroup_leaf *leaf, struct cgroup_write write, uint64_t value,
		      struct error *err)
{
	if (value == SIZE_UNLIMITED)
		write.value = leaf->hierarchy->v2 ? V2_UNLIMITED : V1_UNLIMITED;
	else
		write.value = arena_format(&plan->arena, "%lu", (unsigned long)value);
	if (!write.value)
		return fail_errno(err, write.key, "cannot plan the cgroup");
	return cgroup_add(plan, leaf, &write, err);
}

/* ---- memory ----------------------------------------------------------------------------------------------------- */

static int limit_memory_v2(struct plan *plan, struct cgroup_leaf *leaf, struct error *err)
{
	const struct profile *profile = plan->profile;
	const char *optional =
		profile->cgroup.memory.missing == CGROUP_MEMORY_MISSING_SKIP ? "cgroup.memory.swap" : NULL;
	/* A kernel built without swap has neither /proc/swaps nor the limit, and keeps any limit. */
	bool swap = profile->cgroup.memory.swap != SIZE_UNSET && access("/proc/swaps", F_OK) == 0;
	const struct {
		uint64_t value;
		struct cgroup_write write;
	} rows[] = {
		{ swap ? profile->cgroup.memory.swap : SIZE_UNSET,
		  { .file = "memory.swap.max", .key = K_CGROUP_MEMORY_SWAP, .optional = optional } },
		{ profile->cgroup.memory.max, { .file = "memory.max", .key = K_CGROUP_MEMORY_MAX } },
		{ profile->cgroup.memory.high, { .file = "memory.high", .key = K_CGROUP_MEMORY_HIGH } },
		{ profile->cgroup.memory.low, { .file = "memory.low", .key = K_CGROUP_MEMORY_LOW } },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct cgroup_write write = rows[i].write;

		write.check = CGROUP_CHECK_BYTES;
		if (rows[i].value != SIZE_UNSET && add_number(plan, leaf, write, rows[i].value, err))
			return -1;
	}
	return 0;
}

static int limit_swap_v1(struct plan *plan, struct cgroup_leaf *leaf, struct error *err)
{
	const struct profile *profile = plan->profile;
	struct cgroup_write write = {
		.file = "memory.memsw.limit_in_bytes",
		.key = K_CGROUP_MEMORY_SWAP,
		.check = CGROUP_CHECK_BYTES,
		.optional = profile->cgroup.memory.missing == CGROUP_MEMORY_MISSING_SKIP ? "cgroup.memory.swap" : NULL,
	};
	uint64_t memory = profile->cgroup.memory.max, swap = profile->cgroup.memory.swap, sum = 0;

	if (swap == SIZE_UNSET || swap == SIZE_UNLIMITED || access("/proc/swaps", F_OK))
		return 0;
	if (memory == SIZE_UNSET || memory == SIZE_UNLIMITED) {
		fail(err, K_CGROUP_MEMORY_SWAP, "cannot limit swap alone: cgroup v1 limits memory and swap together");
		return error_remedy(err, "set cgroup.memory.max as well");
	}
	if (__builtin_add_overflow(memory, swap, &sum))
		sum = SIZE_UNLIMITED;
	return add_number(plan, leaf, write, sum, err);
}

static int limit_memory_v1(struct plan *plan, struct cgroup_leaf *leaf, struct error *err)
{
	const struct profile *profile = plan->profile;
	struct cgroup_write max = { .file = "memory.limit_in_bytes",
				    .key = K_CGROUP_MEMORY_MAX,
				    .check = CGROUP_CHECK_BYTES };
	struct cgroup_write low = { .file = "memory.soft_limit_in_bytes",
				    .key = K_CGROUP_MEMORY_LOW,
				    .check = CGROUP_CHECK_BYTES };

	if (profile->cgroup.memory.high != SIZE_UNSET && profile->cgroup.memory.high != SIZE_UNLIMITED) {
		if (profile->cgroup.memory.missing != CGROUP_MEMORY_MISSING_SKIP)
			return fail(err, K_CGROUP_MEMORY_HIGH,
				    "cannot set memory.high: this host has the memory controller on "
				    "cgroup v1, which knows no such limit");
		if (plan_degraded(plan, "cgroup.memory.high", err))
			return -1;
	}
	if (profile->cgroup.memory.max != SIZE_UNSET && add_number(plan, leaf, max, profile->cgroup.memory.max, err))
		return -1;
	if (limit_swap_v1(plan, leaf, err))
		return -1;
	if (profile->cgroup.memory.low != SIZE_UNSET && add_number(plan, leaf, low, profile->cgroup.memory.low, err))
		return -1;
	return 0;
}

/* ---- cpu -------------------------------------------------------------------------------------------------------- */

static int limit_quota(struct plan *plan, struct cgroup_leaf *leaf, struct error *err)
{
	bool unlimited = plan->profile->cgroup.cpu.max == PERCENT_UNLIMITED;
	uint64_t period = (uint64_t)(plan->profile->cgroup.cpu.period / NSEC_PER_USEC);
	uint64_t quota = unlimited ? SIZE_UNLIMITED
				   : cgroup_quota(plan->profile->cgroup.cpu.max, plan->profile->cgroup.cpu.period);
	struct cgroup_write write = { .file = "cpu.max", .key = K_CGROUP_CPU_MAX, .check = CGROUP_CHECK_TEXT };

	if (quota < USEC_QUOTA_MIN) {
		fail(err, K_CGROUP_CPU_MAX, "cpu.max allows %luus per period, the kernel's least is %dus",
		     (unsigned long)quota, USEC_QUOTA_MIN);
		error_remedy(err, "raise cgroup.cpu.period, to at most 1s");
		return error_exit(err, EXIT_OF_PROFILE);
	}
	if (leaf->hierarchy->v2) {
		write.value =
			unlimited ? arena_format(&plan->arena, V2_UNLIMITED " %lu", (unsigned long)period)
				  : arena_format(&plan->arena, "%lu %lu", (unsigned long)quota, (unsigned long)period);
		return write.value ? cgroup_add(plan, leaf, &write, err)
				   : fail_errno(err, K_CGROUP_CPU_MAX, "cannot plan the cgroup");
	}
	write.file = "cpu.cfs_period_us";
	if (add_number(plan, leaf, write, period, err))
		return -1;
	write.file = "cpu.cfs_quota_us";
	return add_number(plan, leaf, write, quota, err);
}

static int limit_cpu(struct plan *plan, struct cgroup_leaf *leaf, struct error *err)
{
	int weight = plan->profile->cgroup.cpu.weight;
	struct cgroup_write write = { .file = "cpu.weight", .key = K_CGROUP_CPU_WEIGHT, .check = CGROUP_CHECK_TEXT };

	if (plan->profile->cgroup.cpu.max != PERCENT_UNSET && limit_quota(plan, leaf, err))
		return -1;
	if (weight == INT_UNSET)
		return 0;
	if (leaf->hierarchy->v2)
		return add_number(plan, leaf, write, (uint64_t)weight, err);
	write.file = "cpu.shares";
	return add_number(plan, leaf, write, cgroup_shares(weight), err);
}

static int limit_list(struct plan *plan, struct cgroup_leaf *leaf, struct cgroup_write write, struct error *err)
{
	cpu_set_t set;

	if (write.value && cpulist_read(write.value, &set)) {
		fail(err, write.key, "\"%s\" is no list of numbers such as \"0-1,3\"", write.value);
		return error_exit(err, EXIT_OF_PROFILE);
	}
	return cgroup_add(plan, leaf, &write, err);
}

/* v2 takes a list that the host cannot serve and then serves another, so what is effective is compared. v1 starts with
 * nothing in either file, and no process can live there until both are filled. */
static int limit_cpuset(struct plan *plan, struct cgroup_leaf *leaf, struct error *err)
{
	bool v2 = leaf->hierarchy->v2;
	struct cgroup_write cpus = { .file = "cpuset.cpus",
				     .value = plan->profile->cgroup.cpu.cpus,
				     .key = K_CGROUP_CPU_CPUS,
				     .effective = v2 ? "cpuset.cpus.effective" : NULL,
				     .check = CGROUP_CHECK_LIST };
	struct cgroup_write mems = { .file = "cpuset.mems",
				     .value = plan->profile->cgroup.cpu.mems,
				     .key = K_CGROUP_CPU_MEMS,
				     .effective = v2 ? "cpuset.mems.effective" : NULL,
				     .check = CGROUP_CHECK_LIST };

	leaf->cpuset = !v2;
	if ((cpus.value || !v2) && limit_list(plan, leaf, cpus, err))
		return -1;
	return (mems.value || !v2) && limit_list(plan, leaf, mems, err) ? -1 : 0;
}

/* ---- pids, io --------------------------------------------------------------------------------------------------- */

static int limit_pids(struct plan *plan, struct cgroup_leaf *leaf, struct error *err)
{
	struct cgroup_write write = { .file = "pids.max", .key = K_CGROUP_PIDS_MAX, .check = CGROUP_CHECK_TEXT };

	if (plan->profile->cgroup.pids.max != SIZE_UNLIMITED)
		return add_number(plan, leaf, write, plan->profile->cgroup.pids.max, err);
	write.value = V2_UNLIMITED;
	return cgroup_add(plan, leaf, &write, err);
}

/* Which file a kernel has depends on how it was built (v2: iocost or BFQ; v1: BFQ alone), only a leaf shows it, and
 * which one has effect depends on the disk's scheduler: what is there is written, and one must be there. */
static int limit_io_weight(struct plan *plan, struct cgroup_leaf *leaf, struct error *err)
{
	int weight = plan->profile->cgroup.io.weight;
	struct cgroup_write iocost = { .file = "io.weight", .key = K_CGROUP_IO_WEIGHT, .any_of = true };
	struct cgroup_write bfq = { .file = leaf->hierarchy->v2 ? "io.bfq.weight" : "blkio.bfq.weight",
				    .key = K_CGROUP_IO_WEIGHT,
				    .any_of = true };

	if (plan->profile->cgroup.io.missing == CGROUP_IO_MISSING_SKIP)
		iocost.optional = bfq.optional = "cgroup.io.weight";
	if (leaf->hierarchy->v2 && add_number(plan, leaf, iocost, (uint64_t)weight, err))
		return -1;
	return add_number(plan, leaf, bfq, (uint64_t)cgroup_bfq_weight(weight), err);
}

struct io_rate {
	uint64_t value;
	const char *v2, *v1;
};

/* v2 takes all rates of a device in one line, v1 has a file for each. */
static int limit_io_rates(struct plan *plan, struct cgroup_leaf *leaf, int index, const char *device, struct error *err)
{
	const struct io_limit *limit = &plan->profile->cgroup.io.max.items[index];
	const struct io_rate rates[] = {
		{ limit->read, "rbps", "blkio.throttle.read_bps_device" },
		{ limit->write, "wbps", "blkio.throttle.write_bps_device" },
		{ limit->read_iops, "riops", "blkio.throttle.read_iops_device" },
		{ limit->write_iops, "wiops", "blkio.throttle.write_iops_device" },
	};
	struct text line = { 0 };
	int status = 0;

	text_add(&line, "%s", device);
	for (size_t i = 0; i < sizeof(rates) / sizeof(rates[0]) && !status; i++) {
		struct cgroup_write write = { .file = rates[i].v1, .key = K_CGROUP_IO_MAX, .element = index + 1 };

		if (rates[i].value == SIZE_UNSET)
			continue;
		text_add(&line, " %s=%lu", rates[i].v2, (unsigned long)rates[i].value);
		if (leaf->hierarchy->v2)
			continue;
		write.value = arena_format(&plan->arena, "%s %lu", device, (unsigned long)rates[i].value);
		status = write.value ? cgroup_add(plan, leaf, &write, err)
				     : fail_errno_at(err, K_CGROUP_IO_MAX, index, "cannot plan the cgroup");
	}
	if (!status && leaf->hierarchy->v2 && line.length > strlen(device)) {
		struct cgroup_write write = { .file = "io.max", .key = K_CGROUP_IO_MAX, .element = index + 1 };

		write.value = line.failed ? NULL : arena_copy(&plan->arena, line.data);
		status = write.value ? cgroup_add(plan, leaf, &write, err)
				     : fail_errno_at(err, K_CGROUP_IO_MAX, index, "cannot plan the cgroup");
	}
	text_free(&line);
	return status;
}

static int limit_io_device(struct plan *plan, struct cgroup_leaf *leaf, int index, struct error *err)
{
	const char *path = plan->profile->cgroup.io.max.items[index].device;
	struct stat status;
	char device[32];

	if (stat(path, &status))
		return fail_errno_at(err, K_CGROUP_IO_MAX_DEVICE, index, "cannot find the device %s", path);
	if (!S_ISBLK(status.st_mode))
		return fail_at(err, K_CGROUP_IO_MAX_DEVICE, index, "%s is no block device", path);
	format_text(device, sizeof(device), "%u:%u", major(status.st_rdev), minor(status.st_rdev));
	return limit_io_rates(plan, leaf, index, device, err);
}

static int limit_io(struct plan *plan, struct cgroup_leaf *leaf, struct error *err)
{
	if (plan->profile->cgroup.io.weight != INT_UNSET && limit_io_weight(plan, leaf, err))
		return -1;
	for (size_t i = 0; i < plan->profile->cgroup.io.max.count; i++)
		if (limit_io_device(plan, leaf, (int)i, err))
			return -1;
	return 0;
}

/* ---- all of them ------------------------------------------------------------------------------------------------ */

int cgroup_limits(struct plan *plan, struct cgroup_leaf *leaf, enum cgroup_controller controller, struct error *err)
{
	switch (controller) {
	case CGROUP_MEMORY:
		return leaf->hierarchy->v2 ? limit_memory_v2(plan, leaf, err) : limit_memory_v1(plan, leaf, err);
	case CGROUP_CPU:
		return limit_cpu(plan, leaf, err);
	case CGROUP_CPUSET:
		return limit_cpuset(plan, leaf, err);
	case CGROUP_PIDS:
		return limit_pids(plan, leaf, err);
	case CGROUP_IO:
		return limit_io(plan, leaf, err);
	default:
		return cgroup_devices(plan, leaf, err);
	}
}

/* Files with which a leaf would stop working as one: they move, stop or kill what is in it. */
static bool is_reserved(const char *file)
{
	static const char *const reserved[] = { "cgroup.procs",           "cgroup.threads", "cgroup.type",
						"cgroup.subtree_control", "cgroup.kill",    "cgroup.freeze",
						"freezer.state" };

	for (size_t i = 0; i < sizeof(reserved) / sizeof(reserved[0]); i++)
		if (strcmp(file, reserved[i]) == 0)
			return true;
	return false;
}

/* What a file of the user's own choosing reads back as nobody knows: the write alone must succeed. */
int cgroup_limits_raw(struct plan *plan, struct cgroup_leaf *leaf, int index, struct error *err)
{
	const struct cgroup_raw *raw = &plan->profile->cgroup.raw.items[index];
	struct cgroup_write write = {
		.file = raw->file, .value = raw->value, .key = K_CGROUP_RAW_VALUE, .element = index + 1
	};

	if (strchr(raw->file, '/') || !strchr(raw->file, '.') || raw->file[0] == '.' || is_reserved(raw->file)) {
		fail_at(err, K_CGROUP_RAW_FILE, index, "%s cannot be set: wanted is CONTROLLER.NAME that is a limit",
			raw->file);
		return error_exit(err, EXIT_OF_PROFILE);
	}
	return cgroup_add(plan, leaf, &write, err);
}

static bool same_bytes(const char *wanted, const char *got)
{
	uint64_t asked = 0, set = 0;
	uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);

	if (strcmp(wanted, V2_UNLIMITED) == 0)
		return strcmp(got, V2_UNLIMITED) == 0;
	if (!parse_next(got, &set))
		return false;
	/* v1 shows "no limit" as the largest number of whole pages that fits. */
	if (strcmp(wanted, V1_UNLIMITED) == 0)
		return set >= (uint64_t)INT64_MAX / page * page;
	return parse_next(wanted, &asked) && set == asked / page * page;
}

bool cgroup_same(enum cgroup_check check, const char *wanted, const char *got)
{
	cpu_set_t asked, set;

	switch (check) {
	case CGROUP_CHECK_TEXT:
		return strcmp(wanted, got) == 0;
	case CGROUP_CHECK_BYTES:
		return same_bytes(wanted, got);
	case CGROUP_CHECK_LIST:
		return !cpulist_read(wanted, &asked) && !cpulist_read(got, &set) && CPU_EQUAL(&asked, &set);
	default:
		return true;
	}
}
