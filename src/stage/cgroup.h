/* cgroup: what the files of the cgroup stage share. Nobody else includes this.
 *
 *   cgroup.c          the stage's cells but plan: the walk over the leaves
 *   cgroup_plan.c     which controllers are needed, and in which hierarchies
 *   cgroup_tree.c     the host's hierarchies, and where in each the sandbox's cgroup goes
 *   cgroup_limits.c   the profile's keys as files and values, for v1 and v2
 *   cgroup_devices.c  device rules as a BPF program (v2) or as lines (v1)
 *   cgroup_leaf.c     one cgroup directory: making, locking, writing, emptying, removing
 *   cgroup_usage.c    what was used
 *   cgroup_gc.c       leaves that nobody holds any more
 *
 * Words: a *hierarchy* is a mounted tree of cgroups; its *base* is the directory where we make our `sandbox` directory,
 * the *parent*; the *leaf* below it is one sandbox's own cgroup. All of it runs in the launcher unless marked CHILD. */
#ifndef STAGE_CGROUP_H
#define STAGE_CGROUP_H

#include <linux/bpf.h>

#include "stage/stage.h"

#define CGROUP_PARENT "sandbox"
#define CGROUP_LAUNCHER "launcher"

enum { CGROUP_HIERARCHIES_MAX = 16, CGROUP_WRITES_MAX = 64, CGROUP_NAME_LENGTH = 16 };

/* The controllers that keys of the profile need. */
enum cgroup_controller {
	CGROUP_MEMORY,
	CGROUP_CPU,
	CGROUP_CPUSET,
	CGROUP_PIDS,
	CGROUP_IO,
	CGROUP_DEVICES,
	CGROUP_CONTROLLER_COUNT,
};

struct cgroup_hierarchy {
	bool v2;
	const char *controllers; /* v1: as /proc/PID/cgroup has them, "cpu,cpuacct" or "name=x"; v2: "" */
	const char *mount;       /* mount point */
	const char *root;        /* the cgroup mounted there, as our cgroup namespace sees it; "" for the root */
	const char *own; /* the launcher's own cgroup, below the mount point, "" for its top; NULL: out of sight */
};

struct cgroup_hierarchies {
	struct cgroup_hierarchy items[CGROUP_HIERARCHIES_MAX];
	size_t count;
};

/* How a written value is compared with what the kernel says afterwards. */
enum cgroup_check {
	CGROUP_CHECK_NONE, /* the write's success is all there is */
	CGROUP_CHECK_TEXT,
	CGROUP_CHECK_BYTES, /* the kernel may have rounded down to whole pages */
	CGROUP_CHECK_LIST,  /* a CPU list, in whatever spelling */
};

struct cgroup_write {
	const char *file;
	const char *value;     /* NULL: the parent's own value (v1's cpuset) */
	const char *effective; /* the file to compare with; NULL: the one written */
	const char
		*optional; /* the file may be absent, and this feature is then reported as degraded; NULL: it may not */
	bool any_of;       /* of the writes of one key, which follow each other, one must find its file */
	enum cgroup_check check;
	int key; /* of the profile, and which element of its list: counted from 1, 0 for none */
	int element;
};

/* One hierarchy in use. */
struct cgroup_leaf {
	const struct cgroup_hierarchy *hierarchy;
	const char *base;        /* below the mount point; "" for its top */
	const char *base_path;   /* as a path of the host */
	const char *enable_base; /* v2: "+cpu +io", what base does not pass down yet; "" for none */
	const char *enable;      /* v2: "+cpu +io +memory", what the parent passes down; "" for none */
	bool move_launcher;      /* v2: base holds the launcher, which steps aside while base passes controllers down */
	pid_t companion;         /* with move_launcher: steps aside too; 0: none */
	bool cpuset;             /* v1: the parent needs its cpus and mems before anything can live below it */
	bool kill;               /* init gets the means to kill everything in this one */
	struct cgroup_write *writes;
	size_t write_count;
	const struct bpf_insn *devices; /* v2: device rules */
	size_t device_count;
};

struct cgroup_tree {
	struct cgroup_hierarchies hierarchies;
	struct cgroup_leaf leaves[CGROUP_HIERARCHIES_MAX];
	size_t count;
};

/* ---- cgroup_tree.c */

/* Reads the text of /proc/self/mountinfo and /proc/self/cgroup. Hierarchies that are mounted nowhere are left out. -1
 * with errno ENOMEM, or EINVAL for text that is none. */
int cgroup_parse(struct arena *arena, const char *mountinfo, const char *self, struct cgroup_hierarchies *ret);

/* The same from the files themselves. -1 with *err filled. */
int cgroup_find(struct arena *arena, struct cgroup_hierarchies *ret, struct error *err);

/* Whether every name of `list` ("cpu,cpuacct") is among `names`, which are divided by commas too. */
bool cgroup_names_all(const char *names, const char *list);

/* The hierarchy that has this controller ("cpu"), v1 before v2; for v2 any controller will do, whether it is enabled is
 * asked later. NULL when there is none. */
const struct cgroup_hierarchy *cgroup_hierarchy_of(const struct cgroup_hierarchies *hierarchies,
						   const char *controller);
const struct cgroup_hierarchy *cgroup_unified(const struct cgroup_hierarchies *hierarchies);

/* Decides on leaf->base (decision: `cgroup.parent`, a delegated cgroup that holds only us, the user's subtree, the
 * top). `controllers` says that v2 must pass controllers down. 0, or -1 with why not and what to do. */
int cgroup_place(struct plan *plan, struct cgroup_leaf *leaf, bool controllers, struct error *err);

/* v2: whether base can pass `controller` down, and notes in the leaf that it must. 1 yes, 0 no (with *err saying why),
 * -1 error. */
int cgroup_enable(struct plan *plan, struct cgroup_leaf *leaf, const char *controller, struct error *err);

/* ---- cgroup_limits.c */

/* Adds the writes that `controller` needs to the leaf. */
int cgroup_limits(struct plan *plan, struct cgroup_leaf *leaf, enum cgroup_controller controller, struct error *err);
int cgroup_limits_raw(struct plan *plan, struct cgroup_leaf *leaf, int index, struct error *err);

/* Adds one write, whose strings must live as long as the plan. */
int cgroup_add(struct plan *plan, struct cgroup_leaf *leaf, const struct cgroup_write *write, struct error *err);

/* Scheduler shares of v1 for a weight of v2 and the BFQ weight for an io weight: see the .c. */
uint64_t cgroup_shares(int weight);
int cgroup_bfq_weight(int weight);

/* Quota in microseconds within a period of `period` nanoseconds, for hundredths of a percent of one core. */
uint64_t cgroup_quota(int64_t percent, int64_t period);

/* Whether `got`, read from the kernel, is what `wanted` asked for. */
bool cgroup_same(enum cgroup_check check, const char *wanted, const char *got);

/* ---- cgroup_devices.c */

int cgroup_devices(struct plan *plan, struct cgroup_leaf *leaf, struct error *err);
int cgroup_devices_attach(const struct cgroup_leaf *leaf, int directory, struct error *err);

#endif
