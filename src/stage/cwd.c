/* cwd: the directory that the payload starts in.
 *
 * confine  (payload) opens the directory as a path inside, makes it the working directory by descriptor, and asks the
 *          kernel whether it really lies below the root. Comes after pivot, so that nothing of the host is in reach,
 *          and after ids and capabilities: it is the payload's own rights that must suffice, or the payload would
 *          start where it could never have gone.
 *
 * A working directory outside the root would be a way back to the host for the payload's whole life: getcwd(2) says
 * "(unreachable)" for such a one, and this refuses it. Needs: openat2(2), Linux 5.6. Nothing to undo.
 */
#include "stage/stage.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/file.h"

enum { SHOWN = 256 }; /* more of an unexpected path need not be read */

/* The plain call: the C library's getcwd would go on to search for a path that the kernel does not tell. A path too
 * long for the buffer (ERANGE) has one, at least. */
CHILD static int check_reachable(const char *path, struct error *err)
{
	char at[SHOWN];
	long n = syscall(SYS_getcwd, at, sizeof(at));

	if (n < 0 && errno != ERANGE)
		return fail_errno(err, K_PROCESS_CWD, "cannot find the working directory %s below the root", path);
	if (n > 0 && at[0] != '/')
		return fail(err, K_PROCESS_CWD, "the working directory %s lies outside the root", path);
	return 0;
}

/* Should: end in a directory below the root that the payload may enter.  Mustn't: run before pivot or before ids. */
CHILD int cwd_confine(const struct plan *plan, struct inside *inside, struct error *err)
{
	const char *path = plan->process.cwd;
	AUTO_CLOSE int fd = open_in_root(AT_FDCWD, path, O_PATH | O_DIRECTORY, 0);

	(void)inside;
	if (fd < 0 || fchdir(fd)) {
		fail_errno(err, K_PROCESS_CWD, "cannot enter the working directory %s", path);
		return error_remedy(err, "it must exist inside, and the payload's user must be allowed to enter it");
	}
	return check_reachable(path, err);
}

void cwd_describe(const struct plan *plan, struct description *out)
{
	describe(out, K_PROCESS_CWD, -1, "starts in %s, entered with the payload's own rights", plan->process.cwd);
}
