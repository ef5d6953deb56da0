/* seal: keeps the program file out of the payload's reach.
 *
 * Runs in the launcher, between plan and host, when nothing of the host has been changed. There are two ways to the
 * program file. Process 1 inside is a copy of the launcher, and /proc/1/exe names its file; that link is closed to the
 * payload because process 1 is non-dumpable and in a user namespace that gives the payload no right over it, unless the
 * payload keeps CAP_SYS_PTRACE without a user namespace of its own. And whoever chooses the command, or a file of the
 * image that it names, can have /proc/self/exe executed: between clone and exec that is this program, whose loader and
 * libraries then come from the image. A payload that owns the file on the host, as the host's root or as a user who
 * runs a program of his own, could change its mode at once, and write it when nobody runs it any more: the program that
 * the next launch runs (the class of CVE-2019-5736).
 *
 * For such a plan the launcher executes itself once more from an anonymous file that is sealed against every change
 * (memfd_create(2), fcntl(2) F_ADD_SEALS). All other launches save the copy and the exec.
 */
#include "run/seal.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"

#ifndef MFD_EXEC
#define MFD_EXEC 0x0010U
#endif

enum { SEALS = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE };

/* Whether a process inside can be the host's user `uid`. Without a user namespace every id is the host's. */
static bool can_be(const struct plan *plan, uid_t uid)
{
	const struct userns_plan *userns = &plan->userns;

	if (!userns->create && !userns->joined)
		return plan->ids.uid == uid || plan->capabilities.bounding;
	for (size_t i = 0; i < userns->uid_map_count; i++)
		if (uid >= userns->uid_map[i].outside && uid - userns->uid_map[i].outside < userns->uid_map[i].count)
			return true;
	return false;
}

/* A file that cannot be looked at is taken for one in reach. */
bool seal_needed(const struct plan *plan)
{
	struct stat program;

	if (!plan->namespaces.user && plan->capabilities.bounding & (UINT64_C(1) << CAP_SYS_PTRACE))
		return true;
	return stat("/proc/self/exe", &program) || can_be(plan, program.st_uid);
}

static int copy_to(int to, int from)
{
	struct stat st;
	off_t offset = 0;

	if (fstat(from, &st))
		return -1;
	while (offset < st.st_size) {
		ssize_t n = sendfile(to, from, &offset, (size_t)(st.st_size - offset));

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return -1;
	}
	return 0;
}

int seal_self(char *const *argv, char *const *environ_copy, int keep, struct error *err)
{
	AUTO_CLOSE int self = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	AUTO_CLOSE int copy = -1;
	int seals = -1;

	if (self < 0)
		return fail_errno(err, 0, "cannot open this program's own file");
	/* A file that cannot be sealed at all answers -1, which has every bit. */
	seals = fcntl(self, F_GET_SEALS);
	if (seals >= 0 && (seals & SEALS) == SEALS)
		return 0;
	/* A host may have such files not executable unless that is asked for (vm.memfd_noexec), since Linux 6.3. */
	copy = memfd_create("sandbox", MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_EXEC);
	if (copy < 0 && errno == EINVAL)
		copy = memfd_create("sandbox", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (copy < 0 || copy_to(copy, self) || fcntl(copy, F_ADD_SEALS, SEALS))
		return fail_errno(err, 0, "cannot make a sealed copy of this program");
	/* What the caller named by number must be there under its number. */
	if (keep > STDERR_FILENO && fcntl(keep, F_SETFD, 0))
		return fail_errno(err, 0, "cannot keep descriptor %d over the exec", keep);
	fexecve(copy, argv, environ_copy);
	return fail_errno(err, 0, "cannot execute a sealed copy of this program");
}
