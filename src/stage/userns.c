/* userns: the user namespace, and which host users the ids inside stand for.
 *
 * plan     (parent, before anything exists) makes the map from users.map, the caller and subuid(5) (the table is in
 *          userns_map.c), checks that the payload's ids are in it, and says now what would fail later: a host that
 *          forbids user namespaces, a missing helper, a map of the host's root that the profile does not ask for. Comes
 *          after namespaces, which decides whether there is one.
 * host     (parent, before clone) takes a free range of ids for users.map = "auto" as root, under a lock that ends with
 *          the sandbox (userns_range.c), and leaves the final maps in struct host, where idmapped mounts find them.
 * attach   (parent, while the child blocks) writes the maps. First of all attach cells: what else the launcher does to
 *          the child may need its ids to be real.
 * enter    (child, first cell) takes the ids under which the inside is built: 0 where it is mapped, else the payload's.
 *          Its capabilities stay: the kernel takes them only from a process that leaves uid 0 of its own user
 *          namespace, and until now the child was somebody else there (capabilities(7), "Effect of user ID changes").
 *          The change of ids undoes PR_SET_DUMPABLE, to whatever fs.suid_dumpable says: it is set again here.
 * undo     lets go of the range. Everything else dies with the namespace.
 *
 * Needs: user_namespaces(7), Linux 3.8. As an ordinary user the payload's supplementary groups cannot be dropped
 * (setgroups is denied, or a group that is kept out by its membership could be left): they show as 65534 inside.
 */
#include "stage/userns.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/file.h"
#include "base/syscall.h"
#include "stage/lock_file.h"

enum { MAP_TEXT = 16384 };

/* ---- plan: facts ----------------------------------------------------------------------------- */

static int no_memory(struct error *err)
{
	return fail_errno(err, K_USERS_MAP, "cannot plan the user namespace");
}

static int read_map(struct arena *arena, const char *path, struct id_maps *ret, struct error *err)
{
	const char *text = userns_read(arena, path);

	if (!text || id_maps_parse(arena, text, ret))
		return fail_errno(err, K_USERS_MAP, "cannot read %s", path);
	return 0;
}

static int read_ranges(struct arena *arena, const char *path, const struct subid_owner *owner, struct id_ranges *ret,
		       struct error *err)
{
	const char *text = userns_read(arena, path);

	if (!text || subid_parse(arena, text, owner, ret))
		return fail_errno(err, K_USERS_MAP, "cannot read %s", path);
	return 0;
}

/* subuid(5) names users, in both files. The user database is asked only where a map needs it, and never for root: a
 * launch by root takes this way every time. */
static const char *name_of(uid_t uid)
{
	const struct passwd *entry = uid ? getpwuid(uid) : NULL;

	if (!uid)
		return "root";
	return entry ? entry->pw_name : NULL;
}

int userns_read_subids(struct arena *arena, uid_t uid, struct userns_facts *facts, struct error *err)
{
	struct subid_owner owner = { .name = name_of(uid), .id = uid };

	if (owner.name) {
		owner.name = arena_copy(arena, owner.name);
		if (!owner.name)
			return no_memory(err);
		facts->user = owner.name;
	}
	if (read_ranges(arena, "/etc/subuid", &owner, &facts->subuid, err))
		return -1;
	return read_ranges(arena, "/etc/subgid", &owner, &facts->subgid, err);
}

static bool written(const struct profile *profile)
{
	return profile->users.uid_map.count || profile->users.gid_map.count;
}

static int gather(const struct profile *profile, struct plan *plan, struct userns_facts *ret, struct error *err)
{
	const struct caller *caller = plan->caller;
	int map = profile->users.map;

	*ret = (struct userns_facts){ .uid = caller->uid,
				      .gid = caller->gid,
				      .root = caller->root,
				      .user = arena_format(&plan->arena, "%u", caller->uid) };
	if (!ret->user)
		return no_memory(err);
	if (read_map(&plan->arena, "/proc/self/uid_map", &ret->own_uids, err) ||
	    read_map(&plan->arena, "/proc/self/gid_map", &ret->own_gids, err))
		return -1;
	if (written(profile) || (map != USERS_MAP_SUBID && !(map == USERS_MAP_AUTO && caller->root)))
		return 0;
	return userns_read_subids(&plan->arena, caller->uid, ret, err);
}

static int find_helpers(struct plan *plan, struct error *err)
{
	struct userns_plan *userns = &plan->userns;

	userns->newuidmap = userns_find_helper(&plan->arena, "newuidmap");
	userns->newgidmap = userns_find_helper(&plan->arena, "newgidmap");
	if (userns->newuidmap && userns->newgidmap)
		return 0;
	fail(err, K_USERS_MAP, "cannot write this map as an ordinary user: there is no %s",
	     userns->newuidmap ? "newgidmap" : "newuidmap");
	return error_remedy(err, "install the package that has it: uidmap (Debian, Ubuntu), shadow-utils (Fedora), "
				 "shadow (Arch), shadow-uidmap (Alpine)");
}

/* ---- plan: no user namespace, or one that is joined ------------------------------------------ */

/* Ids inside are ids outside. */
static int plan_without(const struct profile *profile, struct plan *plan, struct error *err)
{
	int key = profile->users.map == USERS_MAP_NONE && !written(profile) ? K_USERS_MAP : K_NAMESPACES;

	if (!plan->caller->root) {
		fail(err, key, "cannot do without a user namespace: the caller is not root");
		error_remedy(err, "run as root, or let users.map be \"auto\" and `namespaces` name user");
		return error_exit(err, EXIT_OF_HOST);
	}
	plan->userns.build_uid = plan->caller->uid;
	plan->userns.build_gid = plan->caller->gid;
	if (profile->users.uid == 0 && userns_allow_root(profile, K_USERS_UID, "the payload's user", err))
		return -1;
	if (profile->users.gid == 0 && userns_allow_root(profile, K_USERS_GID, "the payload's group", err))
		return -1;
	for (size_t i = 0; i < profile->users.groups.count; i++)
		if (profile->users.groups.items[i] == 0 &&
		    userns_allow_root(profile, K_USERS_GROUPS, "a group of the payload", err))
			return -1;
	return 0;
}

/* What the process below finds out, in its own user namespace. */
struct joined_facts {
	char uid_map[MAP_TEXT], gid_map[MAP_TEXT], setgroups[16];
};

/* A one-shot process: enters the user namespace, reads what it sees there, is gone. Writes nothing where it fails. */
CHILD static void read_inside(int userns_fd, int output, struct joined_facts *facts)
{
	if (!setns(userns_fd, CLONE_NEWUSER) &&
	    read_file_at(AT_FDCWD, "/proc/self/uid_map", facts->uid_map, sizeof(facts->uid_map)) >= 0 &&
	    read_file_at(AT_FDCWD, "/proc/self/gid_map", facts->gid_map, sizeof(facts->gid_map)) >= 0 &&
	    read_file_at(AT_FDCWD, "/proc/self/setgroups", facts->setgroups, sizeof(facts->setgroups)) >= 0)
		(void)write_all(output, facts, sizeof(*facts));
	_exit(0);
}

static int ask_joined(const struct join_plan *join, struct joined_facts *facts, struct error *err)
{
	struct clone_args args = { .exit_signal = SIGCHLD };
	AUTO_CLOSE int mine = -1, theirs = -1;
	bool complete = false;
	pid_t pid = 0;
	int pair[2];

	if (pipe2(pair, O_CLOEXEC))
		return fail_errno(err, K_JOIN, "cannot make a pipe");
	mine = pair[0];
	theirs = pair[1];
	pid = sys_clone3(&args);
	if (pid < 0)
		return fail_errno(err, K_JOIN, "cannot fork");
	if (pid == 0)
		read_inside(join->userns_fd, theirs, facts);
	fd_close(&theirs);
	complete = !read_exactly(mine, facts, sizeof(*facts));
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
	if (complete)
		return 0;
	return fail(err, K_JOIN, "cannot enter the user namespace that owns the namespace to be joined");
}

static int plan_joined(const struct profile *profile, struct plan *plan, struct error *err)
{
	struct joined_facts *facts = arena_alloc(&plan->arena, sizeof(*facts));
	struct userns_plan *userns = &plan->userns;
	struct id_maps users, groups;

	if (!facts)
		return no_memory(err);
	if (ask_joined(&plan->join, facts, err))
		return -1;
	if (id_maps_parse(&plan->arena, facts->uid_map, &users) || id_maps_parse(&plan->arena, facts->gid_map, &groups))
		return fail_errno(err, K_JOIN, "cannot read the map of the joined user namespace");
	userns->joined = true;
	userns->deny_setgroups = facts->setgroups[0] != 'a';
	userns->uid_map = users.items;
	userns->uid_map_count = users.count;
	userns->gid_map = groups.items;
	userns->gid_map_count = groups.count;
	return userns_check_payload(profile, userns, err);
}

int userns_plan(const struct profile *profile, struct plan *plan, struct error *err)
{
	struct userns_facts facts;

	if (plan->join.foreign)
		return plan_joined(profile, plan, err);
	if (!plan->namespaces.user)
		return plan_without(profile, plan, err);
	plan->userns.create = true;
	if (userns_forbidden(plan->caller->root, err) || gather(profile, plan, &facts, err) ||
	    userns_tables(profile, &facts, &plan->arena, &plan->userns, err))
		return -1;
	return plan->userns.use_helpers ? find_helpers(plan, err) : 0;
}

/* ---- host, attach, enter, undo --------------------------------------------------------------- */

/* Adds the ranges of everybody in one file to `taken`. */
static int add_taken(struct arena *arena, const char *path, struct id_ranges *taken, struct error *err)
{
	static const struct subid_owner everybody = { .id = ID_UNSET };
	struct id_ranges more = { 0 }, all = { 0 };

	if (read_ranges(arena, path, &everybody, &more, err))
		return -1;
	all.items = arena_array(arena, taken->count + more.count + 1, sizeof(*all.items));
	if (!all.items)
		return no_memory(err);
	for (size_t i = 0; i < taken->count; i++)
		all.items[all.count++] = taken->items[i];
	for (size_t i = 0; i < more.count; i++)
		all.items[all.count++] = more.items[i];
	*taken = all;
	return 0;
}

/* Any number will do; the launch's id is random. */
static uint32_t seed_of(const char *id)
{
	uint32_t seed = 0;

	while (*id)
		seed = seed * 31 + (unsigned char)*id++;
	return seed;
}

static int read_limits(struct arena *arena, struct range_limits *ret, struct error *err)
{
	if (read_map(arena, "/proc/self/uid_map", &ret->own_uids, err) ||
	    read_map(arena, "/proc/self/gid_map", &ret->own_gids, err))
		return -1;
	if (add_taken(arena, "/etc/subuid", &ret->taken, err))
		return -1;
	return add_taken(arena, "/etc/subgid", &ret->taken, err);
}

static int take_range(const struct plan *plan, struct host *host, struct error *err)
{
	struct taken_range range = { .lock = -1 };
	struct range_limits limits = { 0 };
	struct arena arena = { 0 };
	int status = read_limits(&arena, &limits, err);

	if (!status)
		status = userns_take_range(RUN_DIRECTORY, seed_of(plan->caller->id), &limits, &range, err);
	arena_free(&arena);
	if (status)
		return -1;
	host->range_lock = range.lock;
	host->auto_uid_map = (struct id_map){ .inside = 0, .outside = range.first, .count = RANGE_SIZE };
	host->auto_gid_map = host->auto_uid_map;
	host->uid_map = &host->auto_uid_map;
	host->gid_map = &host->auto_gid_map;
	return 0;
}

int userns_host(const struct plan *plan, struct host *host, struct error *err)
{
	const struct userns_plan *userns = &plan->userns;

	host->uid_map = userns->uid_map;
	host->gid_map = userns->gid_map;
	host->uid_map_count = userns->uid_map_count;
	host->gid_map_count = userns->gid_map_count;
	return userns->auto_range ? take_range(plan, host, err) : 0;
}

int userns_attach(const struct plan *plan, struct host *host, struct error *err)
{
	return plan->userns.create ? userns_write_maps(&plan->userns, host, err) : 0;
}

/* Should: become the build ids, groups first, while the right to is still there.  Mustn't: give up a capability. */
CHILD int userns_enter(const struct plan *plan, struct inside *inside, struct error *err)
{
	const struct userns_plan *userns = &plan->userns;

	(void)inside;
	if (!userns->create && !userns->joined)
		return 0;
	if (!userns->deny_setgroups && sys_setgroups(0, NULL))
		return fail_errno(err, K_USERS_GROUPS, "cannot drop the caller's groups");
	if (sys_setresgid(userns->build_gid, userns->build_gid, userns->build_gid))
		return fail_errno(err, K_USERS_GID, "cannot become group %u inside", userns->build_gid);
	if (sys_setresuid(userns->build_uid, userns->build_uid, userns->build_uid))
		return fail_errno(err, K_USERS_UID, "cannot become user %u inside", userns->build_uid);
	/* The change of ids takes both away: dumpable goes back to what /proc/sys/fs/suid_dumpable says. */
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) || prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0))
		return fail_errno(err, 0, "cannot become non-dumpable and tied to the launcher");
	return 0;
}

void userns_undo(const struct plan *plan, struct host *host)
{
	(void)plan;
	fd_close(&host->range_lock);
}

/* ---- describe -------------------------------------------------------------------------------- */

static void describe_map(const struct id_map *map, size_t count, const char *what, int key, struct description *out)
{
	for (size_t i = 0; i < count; i++)
		describe(out, key, -1, "%s %u..%u are %u..%u of the host", what, map[i].inside,
			 map[i].inside + (map[i].count - 1), map[i].outside, map[i].outside + (map[i].count - 1));
}

void userns_describe(const struct plan *plan, struct description *out)
{
	const struct userns_plan *userns = &plan->userns;
	int key = written(plan->profile) ? K_USERS_UID_MAP : K_USERS_MAP;

	if (!userns->create && !userns->joined) {
		describe(out, K_NAMESPACES, -1, "none: ids inside are the host's");
		return;
	}
	if (userns->auto_range) {
		describe(out, key, -1, "users and groups 0..%d are a free range of the host, taken under a lock in %s",
			 RANGE_SIZE - 1, RUN_DIRECTORY);
	} else {
		describe_map(userns->uid_map, userns->uid_map_count, "users", key, out);
		describe_map(userns->gid_map, userns->gid_map_count, "groups", key, out);
	}
	if (userns->use_helpers)
		describe(out, key, -1, "written by %s and %s", userns->newuidmap, userns->newgidmap);
	if (userns->deny_setgroups)
		describe(out, key, -1, "setgroups is denied inside");
	describe(out, 0, -1, "builds the inside as user %u and group %u%s", userns->build_uid, userns->build_gid,
		 userns->deny_setgroups ? "" : ", without supplementary groups");
	if (userns->use_helpers)
		describe_need(out, "the set-user-ID programs newuidmap and newgidmap, and ranges in /etc/subuid and "
				   "/etc/subgid");
}
