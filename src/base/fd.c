/* fd: see the header. Runs in both processes. */
#include "base/fd.h"

#include <errno.h>

CHILD void fd_close(int *fd)
{
	int saved = errno;

	if (*fd >= 0)
		close(*fd);
	*fd = -1;
	errno = saved;
}
