/* file: small reads and writes that cannot hang, and paths that cannot leave a root. */
#ifndef BASE_FILE_H
#define BASE_FILE_H

#include <stddef.h>
#include <sys/types.h>

#include "base/child.h"

/* Opens `path` below `dirfd` as if `dirfd` were the root: symbolic links, absolute ones too, stay inside it, magic
 * links are refused (openat2(2), RESOLVE_IN_ROOT). A racing rename makes the kernel say EAGAIN; this retries. */
CHILD int open_in_root(int dirfd, const char *path, int flags, mode_t mode);

/* Opens `path` below `dirfd` without following any link or crossing any mount: for files in procfs, sysfs, cgroupfs. */
CHILD int open_beneath(int dirfd, const char *path, int flags);

/* Reads the whole of a small file into `buffer` and NUL-terminates it. Returns the length, or -1 with errno; EFBIG
 * when it does not fit. Never blocks on a FIFO: the open is O_NONBLOCK. */
CHILD ssize_t read_file_at(int dirfd, const char *path, char *buffer, size_t size);
CHILD ssize_t read_fd(int fd, char *buffer, size_t size);

/* Reads `length` bytes, over short reads and EINTR. 0; -1 when there are fewer, or with errno. */
CHILD int read_exactly(int fd, void *data, size_t length);

/* Writes `text` with a single write(2), as procfs and cgroupfs want it. 0, or -1 with errno. */
CHILD int write_file_at(int dirfd, const char *path, const char *text);

/* Writes all of `length` bytes, over short writes and EINTR. 0, or -1 with errno. */
CHILD int write_all(int fd, const void *data, size_t length);

#endif
