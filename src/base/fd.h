/* fd: who owns a descriptor.
 *
 * An owning local is declared AUTO_CLOSE, starts at -1, and is handed over with TAKE_FD(). AUTO_FREE likewise for
 * malloc'ed memory. Every descriptor is O_CLOEXEC at birth. */
#ifndef BASE_FD_H
#define BASE_FD_H

#include <stdlib.h>
#include <unistd.h>

#include "base/child.h"

/* Closes *fd if it is open and sets it to -1; errno survives. */
CHILD void fd_close(int *fd);

/* Closes every descriptor but keep[0] .. keep[count - 1], which it sorts; -1 there is nothing. 0, or -1 with errno. */
CHILD int fd_close_others(int *keep, size_t count);

/* Lets everybody who is given this end of an anonymous pipe open it anew, in its own direction, by a name like
 * /dev/stdout: the kernel asks who owns the pipe then (proc(5), /proc/pid/fd), and a sandbox's user does not. Nobody
 * else has a name for it. Leaves anything but such a pipe alone, and one that another user owns. */
void fd_lend_pipe(int fd);

static inline int take_fd(int *fd)
{
	int taken = *fd;
	*fd = -1;
	return taken;
}

static inline void free_pointer(void *pointer)
{
	free(*(void **)pointer);
}

#define AUTO_CLOSE __attribute__((cleanup(fd_close)))
#define AUTO_FREE __attribute__((cleanup(free_pointer)))
#define TAKE_FD(fd) take_fd(&(fd))

#endif
