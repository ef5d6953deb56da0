/* fd: see the header. Runs in both processes. */
#include "base/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include "base/syscall.h"

CHILD void fd_close(int *fd)
{
	int saved = errno;

	if (*fd >= 0)
		close(*fd);
	*fd = -1;
	errno = saved;
}

CHILD int fd_close_others(int *keep, size_t count)
{
	unsigned first = 0;

	for (size_t i = 1; i < count; i++)
		for (size_t j = i; j > 0 && keep[j - 1] > keep[j]; j--) {
			int swapped = keep[j];

			keep[j] = keep[j - 1];
			keep[j - 1] = swapped;
		}
	for (size_t i = 0; i <= count; i++) {
		unsigned last = i < count ? (unsigned)keep[i] - 1 : ~0U;

		if (i < count && keep[i] < 0)
			continue;
		if ((i == count || keep[i] > 0) && first <= last && sys_close_range(first, last, 0))
			return -1;
		first = i < count ? (unsigned)keep[i] + 1 : 0;
	}
	return 0;
}

void fd_lend_pipe(int fd)
{
	struct stat what;
	struct statfs where;
	int direction = 0;
	mode_t mode = 0;

	if (fstat(fd, &what) || !S_ISFIFO(what.st_mode) || fstatfs(fd, &where) || where.f_type != PIPEFS_MAGIC)
		return;
	direction = fcntl(fd, F_GETFL) & O_ACCMODE;
	if (direction != O_WRONLY)
		mode |= S_IRGRP | S_IROTH;
	if (direction != O_RDONLY)
		mode |= S_IWGRP | S_IWOTH;
	if ((what.st_mode & mode) != mode)
		(void)fchmod(fd, (what.st_mode & ALLPERMS) | mode);
}
