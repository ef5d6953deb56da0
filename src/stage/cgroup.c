/* cgroup: limits on memory, CPU, processes, disks and devices, and a handle on everything that runs inside.
 *
 * plan    (parent; cgroup_plan.c) asks which controllers the profile needs, finds the hierarchy of each and turns
 *         keys into files and values.
 * host    (parent) makes the leaf in each, locks it (cgroup_leaf.c), writes the limits and reads them back. Before
 *         clone: the limits stand before there is a process to limit.
 * clone   puts the child into the v2 leaf at birth (CLONE_INTO_CGROUP, run/launch.c): no moment of it is uncounted.
 * attach  (parent, the child blocks) moves it into the v1 leaves, which have no such flag, and checks in
 *         /proc/<child>/cgroup that it is in all of them. The launcher stays outside: a payload that exhausts its
 *         memory must not take along who reports that.
 * enter   (child) unshares the cgroup namespace. Not by clone: a namespace shows paths relative to where its maker
 *         was at that moment, which must be the leaf (cgroup_namespaces(7)).
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

struct cgroup_host {
	size_t count;
	struct cgroup_made made[CGROUP_HIERARCHIES_MAX];
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

static int make_leaf(const struct cgroup_leaf *leaf, const char *id, struct host *host, struct error *err)
{
	struct cgroup_made *made = &host->cgroup->made[host->cgroup->count++];

	*made = (struct cgroup_made){ .leaf = leaf, .base = -1, .parent = -1, .directory = -1 };
	if (cgroup_make(made, id, err) || cgroup_write_limits(made, host, err))
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
	if (!host->cgroup)
		return fail_errno(err, K_CGROUP, "cannot make the cgroup");
	for (size_t i = 0; i < tree->count; i++)
		if (make_leaf(&tree->leaves[i], plan->caller->id, host, err))
			return -1;
	return 0;
}

/* ---- attach ----------------------------------------------------------------------------------------------------- */

static int enter_leaf(const struct cgroup_made *made, pid_t child, struct error *err)
{
	char pid[16];

	if (made->leaf->hierarchy->v2)
		return 0;
	format_text(pid, sizeof(pid), "%d", child);
	if (write_file_at(made->directory, "cgroup.procs", pid))
		return fail_errno(err, K_CGROUP, "cannot move the sandbox into its cgroup in %s",
				  made->leaf->base_path);
	return 0;
}

/* `membership` is the text of /proc/<child>/cgroup. */
static int check_leaf(const struct cgroup_made *made, const char *membership, struct error *err)
{
	const struct cgroup_hierarchy *hierarchy = made->leaf->hierarchy;
	char line[PATH_MAX];

	format_text(line, sizeof(line), ":%s:%s%s/" CGROUP_PARENT "/%s\n", hierarchy->controllers, hierarchy->root,
		    made->leaf->base, made->name);
	if (strstr(membership, line))
		return 0;
	fail(err, K_CGROUP, "the sandbox is not in its cgroup in %s", made->leaf->base_path);
	return error_exit(err, EXIT_OF_INTERNAL);
}

int cgroup_attach(const struct plan *plan, struct host *host, struct error *err)
{
	char membership[16 * 1024];

	(void)plan;
	if (!host->cgroup)
		return 0;
	for (size_t i = 0; i < host->cgroup->count; i++)
		if (enter_leaf(&host->cgroup->made[i], host->child, err))
			return -1;
	if (read_file_at(host->child_procfs, "cgroup", membership, sizeof(membership)) < 0)
		return fail_errno(err, K_CGROUP, "cannot read which cgroups the sandbox is in");
	for (size_t i = 0; i < host->cgroup->count; i++)
		if (check_leaf(&host->cgroup->made[i], membership, err))
			return -1;
	return 0;
}

/* ---- enter ------------------------------------------------------------------------------------------------------ */

/* Should: make the leaf the top of what the payload sees.  Mustn't: run before the move (it would show the host's
 * path). */
CHILD int cgroup_enter(const struct plan *plan, struct inside *inside, struct error *err)
{
	(void)inside;
	if (plan->namespaces.cgroup && unshare(CLONE_NEWCGROUP))
		return fail_errno(err, K_NAMESPACES, "cannot make a cgroup namespace");
	return 0;
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
	free(host->cgroup);
	host->cgroup = NULL;
}

/* ---- describe --------------------------------------------------------------------------------------------------- */

static void describe_leaf(const struct cgroup_leaf *leaf, struct description *out)
{
	describe(out, K_CGROUP, -1, "make a cgroup in %s/" CGROUP_PARENT " (%s)", leaf->base_path,
		 leaf->hierarchy->v2 ? "cgroup v2" : leaf->hierarchy->controllers);
	if (leaf->enable_base[0])
		describe(out, K_CGROUP, -1, "let %s pass down %s", leaf->base_path, leaf->enable_base);
	if (leaf->move_launcher)
		describe(out, K_CGROUP, -1, "meanwhile the launcher is in %s/" CGROUP_PARENT "/" CGROUP_LAUNCHER,
			 leaf->base_path);
	for (size_t i = 0; i < leaf->write_count; i++) {
		const struct cgroup_write *write = &leaf->writes[i];

		describe(out, write->key, write->element - 1, "%s = %s", write->file,
			 write->value ? write->value : "its parent's");
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
