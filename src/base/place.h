/* place: entries below a root that nobody vouches for: found, or made where they are missing.
 *
 * `root` is a directory descriptor that stands for "/" (AT_FDCWD: the working directory). Links, absolute ones too,
 * stay inside it; a link that leads nowhere is ELOOP, never a new entry at its end. Missing directories on the way are
 * made with mode 0755 as the caller's user (set the umask to 0). Callable in both processes.
 *
 * All paths are absolute and normalised ("/a/b"; no ".", "..", double or trailing slash) and shorter than PATH_MAX. */
#ifndef BASE_PLACE_H
#define BASE_PLACE_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/child.h"

/* Whether `path` is `directory` or, by its text, below it; nothing is below "/". */
CHILD bool path_lies_in(const char *path, const char *directory);

/* O_PATH descriptor of the directory that is the longest prefix of `path` that exists; *ret_rest is what is left of
 * `path` behind it, without a leading slash. */
CHILD int place_existing(int root, const char *path, const char **ret_rest);

/* O_PATH descriptor of the directory `path`; ENOTDIR when something else is there. */
CHILD int place_directory(int root, const char *path);

/* O_PATH descriptor of whatever is no directory at `path`, an empty regular file (mode 0644) when nothing is; EISDIR
 * for a directory. Never opens what it finds: a FIFO or device cannot hold it up. */
CHILD int place_file(int root, const char *path);

/* O_PATH descriptor of the directory that `path` lies in; *ret_name is its last component, within `path`. EINVAL for
 * "/". */
CHILD int place_parent(int root, const char *path, const char **ret_name);

#endif
