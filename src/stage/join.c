/* join: existing namespaces that the sandbox enters instead of making its own.
 *
 * plan     (parent, before anything exists) opens each file once, proves that it is a namespace of the kind that the
 *          profile says, and finds out who owns it; a path is never looked up again. Comes before namespaces and
 * userns: a namespace that another user namespace owns can be entered with power over it only through that one, so the
 *          sandbox then enters it too and makes none of its own (setns(2)).
 *
 * The entering itself is no cell: setns(2) acts on the calling process, and the launcher must not lose its own
 * namespaces, so run/launch.c sends a one-shot process ahead, which enters what this plan holds, in this order, and
 * clones the child from there.
 *
 * Needs: Linux 4.11 (ioctl_ns(2)). Fails where the path is no namespace, or the right to enter is missing: as an
 * ordinary user only namespaces can be entered that a user namespace of one's own owns. Nothing to undo: the
 * descriptors are CLOEXEC and die with the launcher.
 */
#include "stage/stage.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <linux/nsfs.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/vfs.h>

#include "base/fd.h"

static const struct {
	int flag;
	const char *name;
} kinds[] = {
	[JOIN_NAMESPACE_NET] = { CLONE_NEWNET, "net" },          [JOIN_NAMESPACE_IPC] = { CLONE_NEWIPC, "ipc" },
	[JOIN_NAMESPACE_UTS] = { CLONE_NEWUTS, "uts" },          [JOIN_NAMESPACE_PID] = { CLONE_NEWPID, "pid" },
	[JOIN_NAMESPACE_CGROUP] = { CLONE_NEWCGROUP, "cgroup" }, [JOIN_NAMESPACE_TIME] = { CLONE_NEWTIME, "time" },
};

/* What the kernel calls the kind of namespace behind `fd`, for messages. */
static const char *kind_name(int flag)
{
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (kinds[i].flag == flag)
			return kinds[i].name;
	return flag == CLONE_NEWUSER ? "user" : flag == CLONE_NEWNS ? "mount" : "unknown";
}

/* ioctl(2) on a device may do anything: only a file of nsfs is asked. */
static int open_namespace(const struct join *join, struct join_entry *entry, struct error *err)
{
	struct statfs fs;
	int type = 0;

	entry->fd = open(join->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (entry->fd < 0) {
		fail_errno_at(err, K_JOIN_PATH, entry->index, "cannot open %s", join->path);
		if (errno == ENOENT)
			error_remedy(err,
				     "the process or namespace may have ended: `ip netns list` and /proc/PID/ns show "
				     "what there is");
		return -1;
	}
	if (fstatfs(entry->fd, &fs) || (unsigned long)fs.f_type != NSFS_MAGIC)
		return fail_at(err, K_JOIN_PATH, entry->index, "cannot join %s: it is no namespace file", join->path);
	type = ioctl(entry->fd, NS_GET_NSTYPE);
	if (type < 0)
		return fail_errno_at(err, K_JOIN_PATH, entry->index, "cannot find the kind of namespace %s",
				     join->path);
	if (type != entry->flag)
		return fail_at(err, K_JOIN_PATH, entry->index, "cannot join %s as a %s namespace: it is a %s namespace",
			       join->path, kinds[join->namespace].name, kind_name(type));
	return 0;
}

static bool same_file(int fd, const char *path)
{
	struct stat a, b;

	return !fstat(fd, &a) && !stat(path, &b) && a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

/* Owned by our own user namespace: entering takes CAP_SYS_ADMIN there, which only root has. */
static int check_own(const struct join *join, const struct plan *plan, const struct join_entry *entry,
		     struct error *err)
{
	if (plan->caller->root)
		return 0;
	fail_at(err, K_JOIN_PATH, entry->index, "cannot join %s: it belongs to the host, and the caller is not root",
		join->path);
	return error_remedy(err, "run as root, or join a namespace of a sandbox that this user runs");
}

/* Owned by a user namespace below ours: whoever made that one may enter. */
static int check_foreign(const struct join *join, const struct plan *plan, const struct join_entry *entry,
			 struct error *err)
{
	uid_t owner = 0;

	if (ioctl(entry->userns_fd, NS_GET_OWNER_UID, &owner))
		return fail_errno_at(err, K_JOIN_PATH, entry->index, "cannot find the owner of %s", join->path);
	if (plan->caller->root || owner == plan->caller->uid)
		return 0;
	fail_at(err, K_JOIN_PATH, entry->index, "cannot join %s: it belongs to user %u", join->path, owner);
	return error_remedy(err, "run as root or as that user");
}

static int find_owner(const struct join *join, const struct plan *plan, struct join_entry *entry, struct error *err)
{
	entry->userns_fd = ioctl(entry->fd, NS_GET_USERNS);
	if (entry->userns_fd < 0) {
		fail_errno_at(err, K_JOIN_PATH, entry->index, "cannot find the user namespace that owns %s",
			      join->path);
		if (errno == EPERM)
			error_remedy(err,
				     "a namespace made outside of the launcher's own user namespace cannot be joined");
		return -1;
	}
	if (!same_file(entry->userns_fd, "/proc/self/ns/user"))
		return check_foreign(join, plan, entry, err);
	fd_close(&entry->userns_fd);
	return check_own(join, plan, entry, err);
}

static bool same_namespace(int a, int b)
{
	struct stat first, second;

	return !fstat(a, &first) && !fstat(b, &second) && first.st_dev == second.st_dev &&
	       first.st_ino == second.st_ino;
}

/* All foreign owners must be one: a process has one user namespace. */
static int settle_owner(struct join_plan *join, const struct join_entry *entry, struct error *err)
{
	if (entry->userns_fd < 0)
		return 0;
	if (join->foreign && !same_namespace(join->userns_fd, entry->userns_fd))
		return fail_at(err, K_JOIN_PATH, entry->index,
			       "cannot join namespaces that belong to different user namespaces");
	join->foreign = true;
	join->userns_fd = entry->userns_fd;
	return 0;
}

/* Entries of our own owner before those of a foreign one. */
static void insert(struct join_plan *join, const struct join_entry *entry)
{
	size_t at = join->count++;

	while (entry->userns_fd < 0 && at > 0 && join->items[at - 1].userns_fd >= 0) {
		join->items[at] = join->items[at - 1];
		at--;
	}
	join->items[at] = *entry;
}

static int check_rules(const struct profile *profile, const struct join_plan *join, const struct join_entry *entry,
		       struct error *err)
{
	if (join->flags & entry->flag) {
		fail_at(err, K_JOIN_NAMESPACE, entry->index, "cannot join two %s namespaces", kind_name(entry->flag));
		return error_exit(err, EXIT_OF_PROFILE);
	}
	if (entry->flag == CLONE_NEWPID && profile->process.init) {
		fail_at(err, K_JOIN_NAMESPACE, entry->index,
			"cannot run an init in a joined pid namespace: it has a process 1");
		error_remedy(err, "set process.init = false");
		return error_exit(err, EXIT_OF_PROFILE);
	}
	return 0;
}

int join_plan(const struct profile *profile, struct plan *plan, struct error *err)
{
	struct join_plan *join = &plan->join;

	join->userns_fd = -1;
	if (!profile->join.count)
		return 0;
	join->items = arena_array(&plan->arena, profile->join.count, sizeof(*join->items));
	if (!join->items)
		return fail_errno(err, K_JOIN, "cannot plan");
	for (size_t i = 0; i < profile->join.count; i++) {
		const struct join *wanted = &profile->join.items[i];
		struct join_entry entry = {
			.index = (int)i, .flag = kinds[wanted->namespace].flag, .fd = -1, .userns_fd = -1
		};

		if (check_rules(profile, join, &entry, err) || open_namespace(wanted, &entry, err) ||
		    find_owner(wanted, plan, &entry, err) || settle_owner(join, &entry, err))
			return -1;
		insert(join, &entry);
		join->flags |= entry.flag;
	}
	join->pid = join->flags & CLONE_NEWPID;
	return 0;
}

void join_describe(const struct plan *plan, struct description *out)
{
	for (size_t i = 0; i < plan->join.count; i++) {
		const struct join_entry *entry = &plan->join.items[i];

		describe(out, K_JOIN, entry->index, "enters the %s namespace %s%s", kind_name(entry->flag),
			 plan->profile->join.items[entry->index].path,
			 entry->userns_fd >= 0 ? ", and the user namespace that owns it" : "");
	}
	if (plan->join.count)
		describe_need(out, "the owner of a namespace from its descriptor (NS_GET_USERNS, Linux 4.9)");
}
