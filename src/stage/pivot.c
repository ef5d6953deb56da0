/* pivot: the host's tree goes out of sight.
 *
 * enter    (child, after everything that opens a path of the host) makes a tmpfs root read-only if it is to be, turns
 *          the working directory into the process's root directory (pivot_root(2) with the same directory twice, which
 *          leaves the old root stacked on top of the new one), detaches the old root with all that is mounted on and
 *          in it, the staging tmpfs included, and looks whether nothing of it is left.
 *
 * What is left is judged by the mount table: what it lists is what can be reached from the process's root directory.
 * Exactly one mount may be on "/", the one that root attached, and none may hang from a mount that is not listed.
 * Detached is not unmounted: the staging tmpfs lives on as far as masks and inline files are mounted from it, without
 * a place.
 *
 * Needs: CAP_SYS_ADMIN over the mount namespace, and a host root that is a mount with a parent; an initial ramdisk
 * that never switched to a real root has none (EINVAL). Nothing to undo.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/syscall.h"
#include "stage/filesystem.h"

/* What is needed of the mount table (proc_pid_mountinfo(5)): fields 1, 2 and 5 of each line. Read as a stream: a line
 * can be long, and the child has no memory to hold many. */
struct table {
	unsigned long root;      /* id of the mount that must be "/" */
	unsigned long parent;    /* of that mount */
	unsigned long id, above; /* of this line */
	int field, length;       /* where in the line we are; length of field 5 so far */
	bool slash;              /* field 5 begins with '/' */
	unsigned roots, strangers;
};

CHILD static void end_line(struct table *table)
{
	bool on_root = table->slash && table->length == 1;

	if (on_root && table->id == table->root) {
		table->roots++;
		table->parent = table->above;
	} else if (on_root || table->above == table->parent) {
		table->strangers++;
	}
	table->id = table->above = 0;
	table->field = table->length = 0;
}

CHILD static void take(struct table *table, char c)
{
	if (c == '\n') {
		end_line(table);
	} else if (c == ' ') {
		table->field++;
	} else if (table->field == 0) {
		table->id = table->id * 10 + (unsigned long)(c - '0');
	} else if (table->field == 1) {
		table->above = table->above * 10 + (unsigned long)(c - '0');
	} else if (table->field == 4) {
		if (table->length++ == 0)
			table->slash = c == '/';
	}
}

CHILD static int read_table(int procfs, struct table *table)
{
	char buffer[4096];
	AUTO_CLOSE int fd = openat(procfs, "self/mountinfo", O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return -1;
	for (;;) {
		ssize_t n = read(fd, buffer, sizeof(buffer));

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return (int)n;
		for (ssize_t i = 0; i < n; i++)
			take(table, buffer[i]);
	}
}

CHILD static int verify(const struct inside *inside, unsigned long root, struct error *err)
{
	struct table table = { .root = root };

	if (read_table(inside->procfs, &table))
		return fail_errno(err, 0, "cannot read the mount table");
	if (table.roots != 1 || table.strangers)
		return fail(err, 0, "cannot leave the host's tree: %u mounts of it are still in sight",
			    table.strangers);
	return 0;
}

CHILD static int mount_id(unsigned long *ret, struct error *err)
{
	struct statx status;

	if (statx(AT_FDCWD, ".", 0, STATX_MNT_ID, &status) || !(status.stx_mask & STATX_MNT_ID))
		return fail_errno(err, 0, "cannot look at the mount of the new root");
	*ret = status.stx_mnt_id;
	return 0;
}

CHILD static int seal(const struct plan *plan, struct error *err)
{
	AUTO_CLOSE int root = -1;

	if (!plan->root.seal)
		return 0;
	root = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (root < 0 || mount_restrict(root, MOUNT_ATTR_RDONLY, 0, false))
		return fail_errno(err, K_ROOT_ACCESS, "cannot make / read-only");
	return 0;
}

/* Detaches the host's tree. On "." lie, from below, the host's root, the shelter and the staging tmpfs, and a path
 * leads to the topmost. So the shelter is moved into the host's tree first, onto its /proc, with what lies on it: one
 * unmounting then takes all, and waits once for the kernel's readers of mounts, which is most of what this stage
 * costs. */
CHILD static int detach(const struct inside *inside, int host)
{
	if (sys_move_mount(inside->shelter, "", host, "proc", MOVE_MOUNT_F_EMPTY_PATH))
		return -1;
	return umount2(".", MNT_DETACH) || chdir("/") ? -1 : 0;
}

/* Should: leave the new root as the only one.  Mustn't: leave a descriptor, working directory or mount of the host's
 * tree: the cells below open no path of the host. */
CHILD int pivot_enter(const struct plan *plan, struct inside *inside, struct error *err)
{
	AUTO_CLOSE int host = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	unsigned long root = 0;

	if (host < 0)
		return fail_errno(err, 0, "cannot open the host's root directory");
	if (seal(plan, err) || mount_id(&root, err))
		return -1;
	if (sys_pivot_root(".", ".")) {
		fail_errno(err, 0, "cannot make the new root the root directory");
		if (err->sys_errno == EINVAL)
			error_remedy(
				err,
				"the host runs from its initial ramdisk, which cannot be put aside: switch_root to a "
				"mounted root first");
		return -1;
	}
	if (detach(inside, host))
		return fail_errno(err, 0, "cannot leave the host's tree");
	fd_close(&inside->staging);
	fd_close(&inside->shelter);
	return verify(inside, root, err);
}

void pivot_describe(const struct plan *plan, struct description *out)
{
	describe(out, 0, -1, "the host's tree goes out of sight%s", plan->root.seal ? "; / becomes read-only" : "");
}
