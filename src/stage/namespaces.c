/* namespaces: which namespaces the sandbox gets for itself.
 *
 * plan     (parent, before anything exists) turns the names of `namespaces` into CLONE_NEW* bits and one bool per kind,
 *          which every later plan asks. A kind that `join` brings is entered, not made. Comes after join, because a
 *          namespace owned by a foreign user namespace rules out a user namespace of our own.
 *
 * The launcher's clone3 makes them all in one call: the kernel makes the user namespace first, so that the others
 * belong to it (clone(2), user_namespaces(7)). Two are not in its flags: offsets of a time namespace are frozen by its
 * first member, and a cgroup namespace shows paths as seen from where its maker stood, so both are unshared by the
 * child, by `time` and `cgroup`, once there is something to freeze and a place to stand in.
 *
 * Who comes later (run/agent.c) enters those that were made: user and pid first, then the others, all before the fork
 * that brings it in sight of the sandbox's processes; only the cgroup namespace waits for the stage of that name.
 *
 * Needs: a kernel built with each kind. Of the late ones /proc/self/ns tells now; for the others clone3 does, and
 * userns_why.c explains it. Nothing to undo: namespaces die with their members.
 */
#include "stage/stage.h"

#include <fcntl.h>
#include <sched.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#include "base/format.h"

struct kind {
	const char *name; /* in the profile; of the late ones also in /proc/self/ns */
	const char *file; /* below /proc; of time the one that the next child is in */
	size_t offset;    /* of its bool in struct namespaces_plan */
	int flag;
	bool late; /* unshared by the child, not by clone3 */
};

static const struct kind kinds[] = {
	[NAMESPACE_USER] = { "user", "self/ns/user", offsetof(struct namespaces_plan, user), CLONE_NEWUSER, false },
	[NAMESPACE_MOUNT] = { "mount", "self/ns/mnt", offsetof(struct namespaces_plan, mount), CLONE_NEWNS, false },
	[NAMESPACE_PID] = { "pid", "self/ns/pid", offsetof(struct namespaces_plan, pid), CLONE_NEWPID, false },
	[NAMESPACE_NET] = { "net", "self/ns/net", offsetof(struct namespaces_plan, net), CLONE_NEWNET, false },
	[NAMESPACE_IPC] = { "ipc", "self/ns/ipc", offsetof(struct namespaces_plan, ipc), CLONE_NEWIPC, false },
	[NAMESPACE_UTS] = { "uts", "self/ns/uts", offsetof(struct namespaces_plan, uts), CLONE_NEWUTS, false },
	[NAMESPACE_CGROUP] = { "cgroup", "self/ns/cgroup", offsetof(struct namespaces_plan, cgroup), CLONE_NEWCGROUP,
			       true },
	[NAMESPACE_TIME] = { "time", "self/ns/time_for_children", offsetof(struct namespaces_plan, time), CLONE_NEWTIME,
			     true },
};

enum { KIND_COUNT = sizeof(kinds) / sizeof(kinds[0]) };

_Static_assert(KIND_COUNT == (int)NAMESPACE_COUNT, "every kind has a row");

static bool *kind_of(struct namespaces_plan *namespaces, const struct kind *kind)
{
	return (bool *)(void *)((char *)namespaces + kind->offset);
}

static const struct kind *find_kind(const char *name)
{
	for (size_t i = 0; i < KIND_COUNT; i++)
		if (!strcmp(kinds[i].name, name))
			return &kinds[i];
	return NULL;
}

/* CLONE_NEW* of what is entered instead of made. */
static int joined_flags(const struct plan *plan)
{
	return plan->join.flags | (plan->join.foreign ? CLONE_NEWUSER : 0);
}

static bool explicit_map(const struct profile *profile)
{
	return profile->users.uid_map.count || profile->users.gid_map.count;
}

/* users and namespaces both speak of the user namespace; they must not contradict each other. */
static int settle_user(const struct profile *profile, struct plan *plan, struct error *err)
{
	struct namespaces_plan *namespaces = &plan->namespaces;
	bool asked = explicit_map(profile) || profile->users.map != USERS_MAP_AUTO;
	int key = explicit_map(profile) ? K_USERS_UID_MAP : K_USERS_MAP;

	if (!explicit_map(profile) && profile->users.map == USERS_MAP_NONE)
		namespaces->user = false;
	if (!asked || profile->users.map == USERS_MAP_NONE)
		return 0;
	if (plan->join.foreign) {
		fail(err, key,
		     "cannot map users: a namespace to be joined belongs to another user namespace, "
		     "which has its own map");
		error_remedy(err, "leave users.map, users.uid_map and users.gid_map out");
		return error_exit(err, EXIT_OF_PROFILE);
	}
	if (!namespaces->user) {
		fail(err, key, "cannot map users: `namespaces` does not name user");
		return error_exit(err, EXIT_OF_PROFILE);
	}
	return 0;
}

/* A late kind would be missed when the inside is half built. */
static int check_kernel(const struct kind *kind, struct error *err)
{
	char path[64];

	format_text(path, sizeof(path), "/proc/self/ns/%s", kind->name);
	if (!access(path, F_OK))
		return 0;
	fail_errno(err, K_NAMESPACES, "cannot find %s: the kernel has no %s namespaces", path, kind->name);
	return error_remedy(err, "use a kernel with them, see namespaces(7); /proc must be mounted");
}

static int add_kind(const char *name, struct plan *plan, struct error *err)
{
	const struct kind *kind = find_kind(name);

	if (!kind) {
		fail(err, K_NAMESPACES, "cannot make a namespace of the unknown kind %s", name);
		return error_exit(err, EXIT_OF_PROFILE);
	}
	if (joined_flags(plan) & kind->flag)
		return 0;
	*kind_of(&plan->namespaces, kind) = true;
	return kind->late ? check_kernel(kind, err) : 0;
}

int namespaces_plan(const struct profile *profile, struct plan *plan, struct error *err)
{
	struct namespaces_plan *namespaces = &plan->namespaces;

	for (size_t i = 0; i < profile->namespaces.count; i++)
		if (add_kind(profile->namespaces.items[i], plan, err))
			return -1;
	if (settle_user(profile, plan, err))
		return -1;
	if (!namespaces->mount) {
		fail(err, K_NAMESPACES, "cannot build the sandbox's file system: `namespaces` does not name mount");
		return error_exit(err, EXIT_OF_PROFILE);
	}
	for (size_t i = 0; i < KIND_COUNT; i++)
		if (*kind_of(namespaces, &kinds[i]) && !kinds[i].late)
			namespaces->clone_flags |= (uint64_t)kinds[i].flag;
	return 0;
}

/* ---- who comes later ------------------------------------------------------------------------------------------- */

CHILD static int root_mount(uint64_t *ret, struct error *err)
{
	struct statx status;

	if (statx(AT_FDCWD, "/", 0, STATX_MNT_ID, &status) || !(status.stx_mask & STATX_MNT_ID))
		return fail_errno(err, 0, "cannot look at the mount of the root directory");
	*ret = status.stx_mnt_id;
	return 0;
}

/* Only what was made here: what was joined, whoever comes later joins by the plan's own descriptors. */
CHILD int namespaces_open(const struct plan *plan, const struct inside *inside, struct entrances *ret,
			  struct error *err)
{
	for (int i = 0; i < KIND_COUNT; i++) {
		if (!*((const bool *)(const void *)((const char *)&plan->namespaces + kinds[i].offset)))
			continue;
		ret->fd[i] = openat(inside->procfs, kinds[i].file, O_RDONLY | O_CLOEXEC);
		if (ret->fd[i] < 0)
			return fail_errno(err, K_NAMESPACES, "cannot open the %s namespace", kinds[i].name);
	}
	return root_mount(&ret->root, err);
}

CHILD static int enter(const struct entrances *entrances, enum namespace_kind kind, struct error *err)
{
	if (entrances->fd[kind] >= 0 && setns(entrances->fd[kind], kinds[kind].flag))
		return fail_errno(err, K_NAMESPACES, "cannot enter the %s namespace", kinds[kind].name);
	return 0;
}

/* The user namespace first: it gives the right to enter all others. Entering it may undo PR_SET_DUMPABLE and the death
 * signal. */
CHILD int namespaces_approach(const struct entrances *entrances, struct error *err)
{
	return enter(entrances, NAMESPACE_USER, err) || enter(entrances, NAMESPACE_PID, err) ? -1 : 0;
}

/* The cgroup namespace waits for cgroup, whose leaves are looked for where the host sees them. The mount namespace puts
 * root and working directory at its own root, which must be the sandbox's still: a payload that may mount can have put
 * another one there. */
CHILD int namespaces_rejoin(const struct plan *plan, struct inside *inside, struct error *err)
{
	static const enum namespace_kind order[] = { NAMESPACE_NET, NAMESPACE_IPC, NAMESPACE_UTS, NAMESPACE_TIME,
						     NAMESPACE_MOUNT };
	uint64_t root = 0;

	(void)plan;
	for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++)
		if (enter(inside->entrances, order[i], err))
			return -1;
	if (root_mount(&root, err))
		return -1;
	return root == inside->entrances->root ? 0
					       : fail(err, 0, "the root directory is not the sandbox's own any more");
}

/* The kinds for which `wanted` holds, as a line. */
static void describe_kinds(const struct plan *plan, struct description *out, const char *what,
			   bool wanted(const struct plan *plan, const struct kind *kind))
{
	struct text names = { 0 };

	for (size_t i = 0; i < KIND_COUNT; i++)
		if (wanted(plan, &kinds[i]))
			text_add(&names, " %s", kinds[i].name);
	if (names.length)
		describe(out, K_NAMESPACES, -1, "%s:%s", what, names.data);
	text_free(&names);
}

static bool is_made(const struct plan *plan, const struct kind *kind)
{
	struct namespaces_plan namespaces = plan->namespaces;

	return *kind_of(&namespaces, kind);
}

static bool at_birth(const struct plan *plan, const struct kind *kind)
{
	return is_made(plan, kind) && !kind->late;
}

static bool by_child(const struct plan *plan, const struct kind *kind)
{
	return is_made(plan, kind) && kind->late;
}

static bool is_shared(const struct plan *plan, const struct kind *kind)
{
	return !is_made(plan, kind) && !(joined_flags(plan) & kind->flag);
}

void namespaces_describe(const struct plan *plan, struct description *out)
{
	describe_kinds(plan, out, "of its own, by clone3", at_birth);
	describe_kinds(plan, out, "of its own, by unshare in the child", by_child);
	describe_kinds(plan, out, "shared with the launcher", is_shared);
	describe_need(out, "clone3 and pidfds (Linux 5.3)");
	if (plan->namespaces.user)
		describe_need(out, plan->caller->root ? "user namespaces" : "user namespaces for ordinary users");
	if (plan->namespaces.cgroup)
		describe_need(out, "cgroup namespaces (Linux 4.6)");
	if (plan->namespaces.time)
		describe_need(out, "time namespaces (Linux 5.6)");
}
