/* cgroup: limits on memory, CPU, processes, disks and devices, and a handle on everything that runs inside.
 *
 * plan    (parent; cgroup_plan.c) asks which controllers the profile needs, finds the hierarchy of each and turns
 *         keys into files and values.
 * host    (parent) makes the leaf in each, locks it (cgroup_leaf.c), writes the limits and reads them back. Before
 *         clone: the limits stand before there is a process to limit.
 * clone   puts the child into the v2 leaf at birth (CLONE_INTO_CGROUP, run/launch.c): no moment of it is uncounted.
 * enter   (child) moves itself into the v1 leaves, which have no such flag, checks in /proc/self/cgroup that it is in
 *         all of them, and unshares the cgroup namespace. Not by clone: a namespace shows paths relative to where its
 *         maker was at that moment, which must be the leaf (cgroup_namespaces(7)). The launcher stays outside: a
 *         payload that exhausts its memory must not take along who reports that.
 * rejoin  (a process that comes later) moves into the same leaves and enters the namespace that was made for the first.
 * undo    (parent) reads what was used, kills what is left, removes leaf and parent (cgroup_leaf.c, cgroup_usage.c).
 *
 * Needs: cgroups(7); v2: Linux 5.7 for the clone flag. Failure of any step fails the launch (123).
 */
#include "stage/cgroup_leaf.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/file.h"
#include "base/format.h"

/* ---- host ------------------------------------------------------------------------------------------------------- */

/* What the child must do and see for one leaf. */
struct cgroup_step {
	int tasks;           /* v1: the leaf's file, open for writing; -1 on v2 */
	char line[PATH_MAX]; /* of /proc/self/cgroup, from its first colon on */
};

struct cgroup_way {
	size_t count;
	struct cgroup_step steps[];
};

struct cgroup_host {
	size_t count;
	struct cgroup_made made[CGROUP_HIERARCHIES_MAX];
	struct cgroup_way *way;
};

/* The descriptor through which init, or who watches in its place, kills everything (run/end.c). */
static int hand_down_kill(const struct cgroup_made *made, struct handed *handed, struct error *err)
{
	bool v2 = made->leaf->hierarchy->v2;
	const char *file = v2 ? "cgroup.kill" : "cgroup.procs";
	int fd = openat(made->directory, file, (v2 ? O_WRONLY : O_RDONLY) | O_CLOEXEC);

	if (fd < 0)
		return fail_errno(err, K_CGROUP, "cannot open %s of the new cgroup", file);
	handed->cgroup_kill[handed->cgroup_kill_count++] = fd;
	return 0;
}

static int prepare_step(const struct cgroup_made *made, struct cgroup_way *way, struct error *err)
{
	const struct cgroup_hierarchy *hierarchy = made->leaf->hierarchy;
	struct cgroup_step *step = &way->steps[way->count++];

	format_text(step->line, sizeof(step->line), ":%s:%s%s/" CGROUP_PARENT "/%s", hierarchy->controllers,
		    hierarchy->root, made->leaf->base, made->name);
	step->tasks = hierarchy->v2 ? -1 : openat(made->directory, "tasks", O_WRONLY | O_CLOEXEC);
	if (step->tasks < 0 && !hierarchy->v2)
		return fail_errno(err, K_CGROUP, "cannot open the tasks of the new cgroup in %s",
				  made->leaf->base_path);
	return 0;
}

static int make_leaf(const struct cgroup_leaf *leaf, const char *id, struct host *host, struct error *err)
{
	struct cgroup_made *made = &host->cgroup->made[host->cgroup->count++];

	*made = (struct cgroup_made){ .leaf = leaf, .base = -1, .parent = -1, .directory = -1 };
	if (cgroup_make(made, id, err) || cgroup_write_limits(made, host, err) ||
	    prepare_step(made, host->cgroup->way, err))
		return -1;
	if (leaf->hierarchy->v2)
		host->cgroup_into_fd = made->directory;
	return leaf->kill ? hand_down_kill(made, &host->handed, err) : 0;
}

/* Should: leave every limit in force and read back.  Mustn't: move anybody. */
int cgroup_host(const struct plan *plan, struct host *host, struct error *err)
{
	const struct cgroup_tree *tree = plan->cgroup.tree;

	if (!plan->cgroup.wanted)
		return 0;
	host->cgroup = calloc(1, sizeof(*host->cgroup));
	if (host->cgroup)
		host->cgroup->way = calloc(1, sizeof(struct cgroup_way) + tree->count * sizeof(struct cgroup_step));
	if (!host->cgroup || !host->cgroup->way)
		return fail_errno(err, K_CGROUP, "cannot make the cgroup");
	host->handed.cgroup = host->cgroup->way;
	for (size_t i = 0; i < tree->count; i++)
		if (make_leaf(&tree->leaves[i], plan->caller->id, host, err))
			return -1;
	return 0;
}

/* ---- enter ------------------------------------------------------------------------------------------------------ */

/* "tasks" takes a thread, and "0" is the one that writes: of all ways into a v1 cgroup the only one that does not wait
 * for every CPU to pass a quiescent state, which takes longer than the rest of the launch (cgroup_procs_write_start()
 * in kernel/cgroup/cgroup.c). The child is a single thread. */
CHILD static int move_in(const struct cgroup_way *way, struct error *err)
{
	for (size_t i = 0; i < way->count; i++) {
		const struct cgroup_step *step = &way->steps[i];

		if (step->tasks >= 0 && write(step->tasks, "0", 1) != 1)
			return fail_errno(err, K_CGROUP, "cannot move into the cgroup %s", step->line);
	}
	return 0;
}

CHILD static bool has_line(const char *text, const char *line)
{
	const char *at = strstr(text, line);

	return at && at[strlen(line)] == '\n';
}

/* What a joined cgroup namespace shows is relative to a place unknown: there the writes' success must do. */
CHILD static int check_membership(const struct plan *plan, const struct inside *inside, struct error *err)
{
	const struct cgroup_way *way = inside->handed.cgroup;
	bool early = inside->procfs < 0;
	char membership[8 * 1024];

	for (size_t i = 0; i < plan->join.count; i++)
		if (plan->join.items[i].flag == CLONE_NEWCGROUP)
			return 0;
	if (read_file_at(early ? AT_FDCWD : inside->procfs, early ? "/proc/self/cgroup" : "self/cgroup", membership,
			 sizeof(membership)) < 0)
		return fail_errno(err, K_CGROUP, "cannot read which cgroups the sandbox is in");
	for (size_t i = 0; i < way->count; i++) {
		if (has_line(membership, way->steps[i].line))
			continue;
		fail(err, K_CGROUP, "the sandbox is not in its cgroup %s", way->steps[i].line);
		return error_exit(err, EXIT_OF_INTERNAL);
	}
	return 0;
}

CHILD static int become_member(const struct plan *plan, const struct inside *inside, struct error *err)
{
	const struct cgroup_way *way = inside->handed.cgroup;

	if (way && (move_in(way, err) || check_membership(plan, inside, err)))
		return -1;
	for (size_t i = 0; way && i < way->count; i++)
		if (way->steps[i].tasks >= 0)
			close(way->steps[i].tasks);
	return 0;
}

/* Should: be in every leaf, then make the leaf the top of what the payload sees.  Mustn't: unshare before the move (the
 * namespace would show the host's path). */
CHILD int cgroup_enter(const struct plan *plan, struct inside *inside, struct error *err)
{
	if (become_member(plan, inside, err))
		return -1;
	if (plan->namespaces.cgroup && unshare(CLONE_NEWCGROUP))
		return fail_errno(err, K_NAMESPACES, "cannot make a cgroup namespace");
	return 0;
}

/* The same for a process that comes later: the namespace is there. */
CHILD int cgroup_rejoin(const struct plan *plan, struct inside *inside, struct error *err)
{
	int fd = inside->entrances->fd[NAMESPACE_CGROUP];

	if (become_member(plan, inside, err))
		return -1;
	if (fd >= 0 && setns(fd, CLONE_NEWCGROUP))
		return fail_errno(err, K_NAMESPACES, "cannot enter the cgroup namespace");
	return 0;
}

/* A process that comes later needs the files by which it moves in. */
CHILD size_t cgroup_way_in(const struct handed *handed, int *fds, size_t room)
{
	size_t count = 0;

	for (size_t i = 0; handed->cgroup && i < handed->cgroup->count && count < room; i++)
		if (handed->cgroup->steps[i].tasks >= 0)
			fds[count++] = handed->cgroup->steps[i].tasks;
	return count;
}

/* ---- undo ------------------------------------------------------------------------------------------------------- */

void cgroup_undo(const struct plan *plan, struct host *host)
{
	(void)plan;
	if (!host->cgroup)
		return;
	if (host->usage)
		*host->usage = USAGE_UNKNOWN;
	for (size_t i = host->cgroup->count; i-- > 0;) {
		struct cgroup_made *made = &host->cgroup->made[i];

		if (host->usage && made->directory >= 0)
			cgroup_usage(made, host->usage);
		if (cgroup_unmake(made) && !host->left.what[0])
			fail_errno(&host->left, K_CGROUP, "cannot remove the cgroup %s/" CGROUP_PARENT "/%s",
				   made->leaf->base_path, made->name);
	}
	for (int i = 0; i < host->handed.cgroup_kill_count; i++)
		fd_close(&host->handed.cgroup_kill[i]);
	host->handed.cgroup_kill_count = 0;
	host->cgroup_into_fd = -1;
	for (size_t i = 0; host->cgroup->way && i < host->cgroup->way->count; i++)
		fd_close(&host->cgroup->way->steps[i].tasks);
	host->handed.cgroup = NULL;
	free(host->cgroup->way);
	free(host->cgroup);
	host->cgroup = NULL;
}

void cgroup_each(const struct host *host, cgroup_visit *visit, void *with)
{
	for (size_t i = 0; host->cgroup && i < host->cgroup->count; i++) {
		const struct cgroup_made *made = &host->cgroup->made[i];
		const struct cgroup_hierarchy *hierarchy = made->leaf->hierarchy;
		char path[PATH_MAX];

		format_text(path, sizeof(path), "%s/" CGROUP_PARENT "/%s", made->leaf->base_path, made->name);
		if (made->directory >= 0)
			visit(hierarchy->v2 ? "v2" : hierarchy->controllers, path, made->directory, with);
	}
}

/* ---- describe --------------------------------------------------------------------------------------------------- */

static void describe_leaf(const struct cgroup_leaf *leaf, struct description *out)
{
	describe(out, K_CGROUP, -1, "make a cgroup in %s/" CGROUP_PARENT " (%s)", leaf->base_path,
		 leaf->hierarchy->v2 ? "cgroup v2" : leaf->hierarchy->controllers);
	describe(out, K_CGROUP, -1, "%s",
		 leaf->hierarchy->v2 ? "the child is born in it" : "the child moves itself into it");
	describe_need(out, leaf->hierarchy->v2 ? "cgroup v2, with CLONE_INTO_CGROUP (Linux 5.7)" : "cgroup v1 with %s",
		      leaf->hierarchy->controllers);
	if (leaf->kill && leaf->hierarchy->v2)
		describe_need(out, "cgroup.kill (Linux 5.14)");
	if (leaf->device_count)
		describe_need(out, "BPF programs for devices of a cgroup (Linux 4.15)");
	if (leaf->cpuset)
		describe(out, K_CGROUP_CPU_CPUS, -1,
			 "%s/" CGROUP_PARENT " gets the cpus and mems of the one above, if it has none",
			 leaf->base_path);
	if (leaf->enable[0])
		describe(out, K_CGROUP, -1, "let %s/" CGROUP_PARENT " pass down %s", leaf->base_path, leaf->enable);
	if (leaf->enable_base[0])
		describe(out, K_CGROUP, -1, "let %s pass down %s", leaf->base_path, leaf->enable_base);
	if (leaf->move_launcher)
		describe(out, K_CGROUP, -1, "meanwhile the launcher is in %s/" CGROUP_PARENT "/" CGROUP_LAUNCHER,
			 leaf->base_path);
	for (size_t i = 0; i < leaf->write_count; i++) {
		const struct cgroup_write *write = &leaf->writes[i];

		describe(out, write->key, write->element - 1, "%s = %s%s", write->file,
			 write->value ? write->value : "its parent's",
			 write->any_of ? ", if the kernel has this file" : "");
	}
	if (leaf->device_count)
		describe(out, K_CGROUP_DEVICES, -1,
			 "allow the listed devices only, by a BPF program of %zu instructions", leaf->device_count);
	if (leaf->kill)
		describe(out, K_NAMESPACES, -1, "no pid namespace: everything is killed through this cgroup");
}

void cgroup_describe(const struct plan *plan, struct description *out)
{
	if (plan->cgroup.tree)
		for (size_t i = 0; i < plan->cgroup.tree->count; i++)
			describe_leaf(&plan->cgroup.tree->leaves[i], out);
	if (plan->namespaces.cgroup)
		describe(out, K_NAMESPACES, -1, "the sandbox sees its own cgroup as the top");
}
