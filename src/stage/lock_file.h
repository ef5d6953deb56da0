/* lock_file: files of locks below the launcher's run directory. What a sandbox holds of the host is a lock on a byte of
 * such a file: it belongs to the open file description (fcntl(2), F_OFD_SETLK), so it ends when the last process that
 * has it is gone, however it ends, and nothing is recorded that could go stale. */
#ifndef STAGE_LOCK_FILE_H
#define STAGE_LOCK_FILE_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/error.h"

#define RUN_DIRECTORY "/run/sandbox"

/* Opens, and makes where they are missing, `directory` (mode 0700) and file `name` in it (0600). Refuses what others
 * than root or the caller can write: who can lock every byte can keep sandboxes from starting. The descriptor, or -1;
 * errors name `key`. */
int lock_file_open(const char *directory, const char *name, int key, struct error *err);

/* Removes the file unless somebody has a lock on it, and the directory if that leaves it empty. Whoever opened it
 * before has to ask lock_file_removed() after his lock, and to open it anew. */
void lock_file_remove(const char *directory, const char *name);

/* Whether somebody has removed the file since it was opened: 1, 0, or -1 with errno. */
int lock_file_removed(int fd);

/* Locks `length` bytes (0: all from `start` on): type F_RDLCK (shared), F_WRLCK, F_UNLCK. 1: done. 0: another open file
 * description has it, and not `wait`. -1: errno. A lock of one's own is converted. */
int lock_bytes(int fd, short type, off_t start, off_t length, bool wait);

/* Whether another open file description has a lock on the byte: 1, 0, or -1 with errno. */
int lock_taken(int fd, off_t start);

#endif
