/* read_only: parts of the tree that nobody writes to, with all that is mounted below them.
 *
 * enter    (child, after hide) makes every path of `read_only` that exists read-only. The top of a mount gets the
 *          attribute itself; anything else is covered by a copy of its own tree that has it. Then the descriptors that
 *          mounts kept are closed: no cell below changes a mount by them.
 *
 * The default list is what root could change of the host through /proc: /proc/sys checks the owner of the file, not a
 * capability, so a payload whose uid 0 is the host's could write there with no capability at all.
 *
 * Needs: Linux 5.12 (mount_setattr). A path that cannot be looked at is an error; one that does not exist is passed
 * over. Nothing to undo.
 */
#include <errno.h>
#include <sys/mount.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/fd.h"
#include "stage/filesystem.h"

/* Covers `target` with a read-only copy of the tree there. */
CHILD static int cover_with_itself(int target)
{
	AUTO_CLOSE int copy = mount_clone(target, true);

	if (copy < 0 || mount_restrict(copy, MOUNT_ATTR_RDONLY, MS_PRIVATE, true))
		return -1;
	return mount_attach(copy, target);
}

CHILD static int protect(const struct plan *plan, const struct inside *inside, int index, struct error *err)
{
	const char *path = plan->profile->read_only.items[index];
	AUTO_CLOSE int target = covered_open(plan, inside, path);
	AUTO_CLOSE int again = -1;
	unsigned long flags = 0;

	if (target < 0 && (errno == ENOENT || errno == ENOTDIR))
		return 0;
	if (target < 0)
		return fail_errno_at(err, K_READ_ONLY, index, "cannot look at %s", path);
	if (covered_leads_out(plan, path, target)) {
		fail_at(err, K_READ_ONLY, index,
			"cannot make %s read-only: a link leads out of the bind that it lies in", path);
		return error_remedy(err, "take the link away, or the path off the list");
	}
	if (covered_by_link(plan, path)) {
		fail_at(err, K_READ_ONLY, index,
			"cannot make %s read-only: it is, or lies behind, a link that can be replaced", path);
		return error_remedy(err, "take the link away, or the path off the list");
	}
	/* EINVAL: not the top of a mount. */
	if (mount_restrict(target, MOUNT_ATTR_RDONLY, 0, true) && (errno != EINVAL || cover_with_itself(target)))
		return fail_errno_at(err, K_READ_ONLY, index, "cannot make %s read-only", path);
	again = covered_open(plan, inside, path);
	if (again < 0 || mount_flags(again, &flags) || !(flags & ST_RDONLY))
		return fail_at(err, K_READ_ONLY, index, "cannot make %s read-only: it can still be written", path);
	return 0;
}

/* Should: leave nothing below a listed path writable.  Mustn't: pass over anything that exists. */
CHILD int read_only_enter(const struct plan *plan, struct inside *inside, struct error *err)
{
	for (size_t i = 0; i < plan->profile->read_only.count; i++)
		if (protect(plan, inside, (int)i, err))
			return -1;
	for (size_t i = 0; i < plan->mounts.count; i++)
		fd_close(&inside->handed.mounts[i]);
	return 0;
}

void read_only_describe(const struct plan *plan, struct description *out)
{
	for (size_t i = 0; i < plan->profile->read_only.count; i++)
		describe(out, K_READ_ONLY, (int)i, "%s: read-only with all below it, if it exists",
			 plan->profile->read_only.items[i]);
	if (plan->profile->read_only.count)
		describe_need(out, "open_tree and mount_setattr (Linux 5.12)");
}
