/* attest: the payload's open descriptors against the plan. Runs in the payload, in confine.
 *
 * Every number below the size of the descriptor table (FDSize of /proc/self/status) is asked. That is complete and,
 * for a table of the usual 64, much cheaper than a listing of /proc/self/fd, for which the kernel makes an inode
 * each. Open may be 0-2 and those to be passed, which must stay open over the exec, and three of ours that must not
 * (descriptors.c says which). See attest.c for when, and what failure means.
 */
#include "stage/attest.h"

#include <fcntl.h>
#include <unistd.h>

enum { PASSED, OWN, UNPLANNED };

CHILD static int kind_of(const struct plan *plan, const struct inside *inside, int fd)
{
	if (fd <= STDERR_FILENO)
		return PASSED;
	for (size_t i = 0; i < plan->descriptors.count; i++)
		if (plan->descriptors.pass[i] == fd)
			return PASSED;
	return fd == inside->socket || fd == inside->running || fd == inside->procfs ? OWN : UNPLANNED;
}

CHILD int attest_descriptors(const struct plan *plan, const struct inside *inside, struct error *err)
{
	size_t own = (inside->socket >= 0) + (inside->running >= 0) + (inside->procfs >= 0);
	size_t planned = STDERR_FILENO + 1 + plan->descriptors.count + own, found = 0;

	for (int fd = 0; fd < plan->attest.facts->descriptor_table_size; fd++) {
		int flags = fcntl(fd, F_GETFD), kind = 0;

		if (flags < 0)
			continue;
		found++;
		kind = kind_of(plan, inside, fd);
		if (kind == UNPLANNED)
			return fail(err, 0, "descriptor %d is open and was not planned", fd);
		if (!(flags & FD_CLOEXEC) != (kind == PASSED))
			return fail(err, 0,
				    kind == PASSED ? "descriptor %d would be closed by the exec"
						   : "descriptor %d would stay open over the exec",
				    fd);
	}
	if (found != planned)
		return fail(err, 0, "open descriptors: planned %zu, found %zu", planned, found);
	return 0;
}
