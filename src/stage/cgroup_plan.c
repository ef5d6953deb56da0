/* cgroup_plan: which controllers a profile needs, and in which of the host's hierarchies.
 *
 * Runs in the launcher, in plan; reads the host, changes nothing. For every controller that a key needs: finds its
 * hierarchy, has a leaf placed there once (cgroup_tree.c), and turns the keys into files and values (cgroup_limits.c,
 * cgroup_devices.c). Where no pid namespace ends everything with its first process, a cgroup must, and one hierarchy
 * is used for that even without limits. Only hierarchies that are needed are used: each costs a launch some 50
 * microseconds.
 *
 * `missing`: a controller that this host does not offer where the leaf goes is an error (exit 122), or is left out and
 * reported as degraded when its group says "skip". cgroup.missing speaks of hosts where no cgroup can be made at all.
 * Nothing to undo.
 */
#include "stage/cgroup.h"

#include <string.h>

#include "base/format.h"

/* ---- plan: what is needed --------------------------------------------------------------------------------------- */

struct controller {
	const char *v1, *v2, *feature;
};

static const struct controller controllers[] = {
	[CGROUP_MEMORY] = { "memory", "memory", "cgroup.memory" },
	[CGROUP_CPU] = { "cpu", "cpu", "cgroup.cpu" },
	[CGROUP_CPUSET] = { "cpuset", "cpuset", "cgroup.cpuset" },
	[CGROUP_PIDS] = { "pids", "pids", "cgroup.pids" },
	[CGROUP_IO] = { "blkio", "io", "cgroup.io" },
	[CGROUP_DEVICES] = { "devices", NULL, "cgroup.devices" }, /* v2: a BPF program, no controller */
};

_Static_assert(sizeof(controllers) / sizeof(controllers[0]) == CGROUP_CONTROLLER_COUNT, "a name for each controller");

/* What plan passes around. */
struct request {
	struct plan *plan;
	struct cgroup_tree *tree;
	bool needed[CGROUP_CONTROLLER_COUNT];
	bool placed[CGROUP_HIERARCHIES_MAX]; /* per hierarchy: a leaf can be made there; valid when `asked` */
	bool asked[CGROUP_HIERARCHIES_MAX];
	struct error reason; /* why the last hierarchy was of no use */
};

static void find_needs(const struct profile *profile, bool needed[CGROUP_CONTROLLER_COUNT])
{
	needed[CGROUP_MEMORY] = profile->cgroup.memory.max != SIZE_UNSET || profile->cgroup.memory.high != SIZE_UNSET ||
				profile->cgroup.memory.low != SIZE_UNSET || profile->cgroup.memory.swap != SIZE_UNSET;
	needed[CGROUP_CPU] = profile->cgroup.cpu.max != PERCENT_UNSET || profile->cgroup.cpu.weight != INT_UNSET;
	needed[CGROUP_CPUSET] = profile->cgroup.cpu.cpus || profile->cgroup.cpu.mems;
	needed[CGROUP_PIDS] = profile->cgroup.pids.max != SIZE_UNSET;
	needed[CGROUP_IO] = profile->cgroup.io.weight != INT_UNSET || profile->cgroup.io.max.count;
	needed[CGROUP_DEVICES] = profile->cgroup.devices.default_ == CGROUP_DEVICES_DEFAULT_DENY;
}

static bool may_skip(const struct profile *profile, enum cgroup_controller controller)
{
	switch (controller) {
	case CGROUP_MEMORY:
		return profile->cgroup.memory.missing == CGROUP_MEMORY_MISSING_SKIP;
	case CGROUP_CPU:
	case CGROUP_CPUSET:
		return profile->cgroup.cpu.missing == CGROUP_CPU_MISSING_SKIP;
	case CGROUP_PIDS:
		return profile->cgroup.pids.missing == CGROUP_PIDS_MISSING_SKIP;
	case CGROUP_IO:
		return profile->cgroup.io.missing == CGROUP_IO_MISSING_SKIP;
	default:
		return profile->cgroup.devices.missing == CGROUP_DEVICES_MISSING_SKIP;
	}
}

/* The controller of a raw file, "memory" of memory.oom.group; NULL for the core files, which v2 alone has. */
static const char *raw_controller(const struct request *request, size_t index, char *text, size_t size)
{
	const char *file = request->plan->profile->cgroup.raw.items[index].file;

	format_text(text, size, "%s", file);
	text[strcspn(text, ".")] = '\0';
	return strcmp(text, "cgroup") == 0 ? NULL : text;
}

static const struct cgroup_hierarchy *raw_hierarchy(const struct request *request, size_t index)
{
	char text[64];
	const char *controller = raw_controller(request, index, text, sizeof(text));
	const struct cgroup_hierarchies *hierarchies = &request->tree->hierarchies;

	return controller ? cgroup_hierarchy_of(hierarchies, controller) : cgroup_unified(hierarchies);
}

/* Whether anything wants v2 to pass a controller down: then base must not hold processes. */
static bool wants_v2_controllers(const struct request *request)
{
	char text[64];

	for (int i = 0; i < CGROUP_CONTROLLER_COUNT; i++) {
		const struct cgroup_hierarchy *hierarchy =
			cgroup_hierarchy_of(&request->tree->hierarchies, controllers[i].v1);

		if (request->needed[i] && hierarchy && hierarchy->v2 && controllers[i].v2)
			return true;
	}
	for (size_t i = 0; i < request->plan->profile->cgroup.raw.count; i++) {
		const struct cgroup_hierarchy *hierarchy = raw_hierarchy(request, i);

		if (hierarchy && hierarchy->v2 && raw_controller(request, i, text, sizeof(text)))
			return true;
	}
	return false;
}

/* ---- plan: leaves ----------------------------------------------------------------------------------------------- */

static bool has_cpuset(const struct cgroup_hierarchy *hierarchy)
{
	const struct cgroup_hierarchies alone = { .items = { *hierarchy }, .count = 1 };

	return !hierarchy->v2 && cgroup_hierarchy_of(&alone, "cpuset");
}

static struct cgroup_leaf *find_leaf(struct cgroup_tree *tree, const struct cgroup_hierarchy *hierarchy)
{
	for (size_t i = 0; i < tree->count; i++)
		if (tree->leaves[i].hierarchy == hierarchy)
			return &tree->leaves[i];
	return NULL;
}

/* The leaf of a hierarchy, placed at the first call. 1 with *ret set, 0 when none can be made there (request->reason
 * says why), -1. */
static int get_leaf(struct request *request, const struct cgroup_hierarchy *hierarchy, struct cgroup_leaf **ret,
		    struct error *err)
{
	struct cgroup_tree *tree = request->tree;
	size_t index = 0;

	if (!hierarchy) {
		fail(&request->reason, K_CGROUP, "this host has no such cgroup controller");
		return 0;
	}
	index = (size_t)(hierarchy - tree->hierarchies.items);
	*ret = find_leaf(tree, hierarchy);
	if (*ret || (request->asked[index] && !request->placed[index]))
		return *ret != NULL;
	*ret = &tree->leaves[tree->count];
	(*ret)->hierarchy = hierarchy;
	request->asked[index] = true;
	request->placed[index] =
		!cgroup_place(request->plan, *ret, hierarchy->v2 && wants_v2_controllers(request), &request->reason);
	if (!request->placed[index]) {
		**ret = (struct cgroup_leaf){ 0 };
		return request->reason.exit_status == EXIT_OF_PROFILE ? (*err = request->reason, -1) : 0;
	}
	tree->count++;
	/* A v1 cpuset must be filled before anything can live in it, whoever else shares the hierarchy. */
	if (has_cpuset(hierarchy) && cgroup_limits(request->plan, *ret, CGROUP_CPUSET, err))
		return -1;
	return 1;
}

/* 1 used, 0 of no use here, -1. */
static int use_controller(struct request *request, enum cgroup_controller controller, struct error *err)
{
	const struct controller *row = &controllers[controller];
	struct cgroup_leaf *leaf = NULL;
	int usable = get_leaf(request, cgroup_hierarchy_of(&request->tree->hierarchies, row->v1), &leaf, err);

	if (usable == 1 && leaf->hierarchy->v2 && row->v2)
		usable = cgroup_enable(request->plan, leaf, row->v2, &request->reason);
	if (usable == 1 && leaf->hierarchy->v2 && !row->v2 && !request->plan->caller->root) {
		fail(&request->reason, K_CGROUP_DEVICES, "cgroup v2 takes device rules from root only");
		return 0;
	}
	if (usable != 1)
		return usable;
	if (controller == CGROUP_CPUSET && !leaf->hierarchy->v2)
		return 1; /* by get_leaf */
	return cgroup_limits(request->plan, leaf, controller, err) ? -1 : 1;
}

static int use_controllers(struct request *request, struct error *err)
{
	for (int i = 0; i < CGROUP_CONTROLLER_COUNT; i++) {
		int usable = request->needed[i] ? use_controller(request, i, err) : 1;

		if (usable < 0)
			return -1;
		if (usable)
			continue;
		if (!may_skip(request->plan->profile, i)) {
			*err = request->reason;
			return -1;
		}
		if (plan_degraded(request->plan, controllers[i].feature, err))
			return -1;
	}
	return 0;
}

static int use_raw(struct request *request, size_t index, struct error *err)
{
	struct cgroup_leaf *leaf = NULL;
	char text[64];
	const char *controller = raw_controller(request, index, text, sizeof(text));
	int usable = get_leaf(request, raw_hierarchy(request, index), &leaf, err);

	if (usable == 1 && controller && leaf->hierarchy->v2)
		usable = cgroup_enable(request->plan, leaf, controller, &request->reason);
	if (usable == 1)
		return cgroup_limits_raw(request->plan, leaf, (int)index, err);
	if (!usable) {
		*err = request->reason;
		err->key = K_CGROUP_RAW_FILE;
		err->index = (int)index;
	}
	return -1;
}

/* Without a pid namespace: one leaf from which everything can be killed. v2 does it in one write; of v1's, the
 * freezer's holds still meanwhile. */
static int use_to_kill(struct request *request, struct error *err)
{
	const struct cgroup_hierarchies *hierarchies = &request->tree->hierarchies;
	const struct cgroup_hierarchy *choices[] = { cgroup_unified(hierarchies),
						     cgroup_hierarchy_of(hierarchies, "freezer") };
	struct cgroup_leaf *leaf = NULL;

	for (size_t i = 0; i < sizeof(choices) / sizeof(choices[0]) && !leaf; i++) {
		int usable = get_leaf(request, choices[i], &leaf, err);

		if (usable < 0)
			return -1;
		if (!usable)
			leaf = NULL;
	}
	if (!leaf && request->tree->count)
		leaf = &request->tree->leaves[0];
	if (!leaf) {
		*err = request->reason;
		err->key = K_NAMESPACES;
		return error_remedy(
			err,
			"without a pid namespace only a cgroup can end everything that the sandbox starts: add "
			"\"pid\" to namespaces, or run where a cgroup can be made (%s)",
			request->reason.remedy);
	}
	leaf->kill = true;
	return 0;
}

/* Whether a leaf can be made anywhere that the profile needs. */
static int can_make_any(struct request *request, struct error *err)
{
	struct cgroup_leaf *leaf = NULL;
	int any = 0;

	for (int i = 0; i < CGROUP_CONTROLLER_COUNT && any == 0; i++)
		if (request->needed[i])
			any = get_leaf(request, cgroup_hierarchy_of(&request->tree->hierarchies, controllers[i].v1),
				       &leaf, err);
	for (size_t i = 0; i < request->plan->profile->cgroup.raw.count && any == 0; i++)
		any = get_leaf(request, raw_hierarchy(request, i), &leaf, err);
	return any;
}

static int use_limits(struct request *request, struct error *err)
{
	int any = can_make_any(request, err);

	if (any < 0)
		return -1;
	if (!any) {
		if (request->plan->profile->cgroup.missing == CGROUP_MISSING_SKIP)
			return plan_degraded(request->plan, "cgroup", err);
		/* A controller that may be missing may be missing with all the others. */
		if (request->plan->profile->cgroup.raw.count) {
			*err = request->reason;
			return -1;
		}
	}
	if (use_controllers(request, err))
		return -1;
	for (size_t i = 0; i < request->plan->profile->cgroup.raw.count; i++)
		if (use_raw(request, i, err))
			return -1;
	return 0;
}

int cgroup_plan(const struct profile *profile, struct plan *plan, struct error *err)
{
	struct request request = { .plan = plan };
	bool kill = !plan->namespaces.pid;
	bool limits = profile->cgroup.raw.count > 0;

	find_needs(profile, request.needed);
	for (int i = 0; i < CGROUP_CONTROLLER_COUNT; i++)
		limits |= request.needed[i];
	if (!limits && !kill)
		return 0;
	plan->cgroup.tree = request.tree = arena_alloc(&plan->arena, sizeof(*request.tree));
	if (!request.tree)
		return fail_errno(err, K_CGROUP, "cannot plan the cgroup");
	if (cgroup_find(&plan->arena, &request.tree->hierarchies, err))
		return -1;
	if (limits && use_limits(&request, err))
		return -1;
	if (kill && use_to_kill(&request, err))
		return -1;
	plan->cgroup.wanted = request.tree->count > 0;
	for (size_t i = 0; i < request.tree->count; i++)
		plan->cgroup.into |= request.tree->leaves[i].hierarchy->v2;
	return 0;
}
