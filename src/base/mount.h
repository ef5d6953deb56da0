/* mount: file systems and mounts by descriptor (fsopen(2), open_tree(2), mount_setattr(2), move_mount(2)).
 *
 * A mount is made detached, gets its attributes, and only then is attached somewhere: nobody ever sees it without
 * them. Everything returns 0 or a descriptor, or -1 with errno. Callable in both processes. */
#ifndef BASE_MOUNT_H
#define BASE_MOUNT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/child.h"

struct mount_option {
	const char *name;
	const char *value; /* NULL: the name alone */
};

/* What the kernel had to say about a file system it did not make; empty when it said nothing. */
struct mount_reason {
	char text[200];
};

/* A new instance of file system `type`, detached, with `attributes` (MOUNT_ATTR_*). `options` end with a NULL name;
 * NULL: none. Returns an O_PATH descriptor of its root. `ret_reason` may be NULL. */
CHILD int mount_new(const char *type, const struct mount_option *options, uint64_t attributes,
		    struct mount_reason *ret_reason);

/* A detached copy of the tree at `fd` (any descriptor, O_PATH too), with everything mounted below when `recursive`. In
 * a user namespace a copy without what is mounted below is EINVAL. The source must be attached in the caller's mount
 * namespace. */
CHILD int mount_clone(int fd, bool recursive);

/* Adds `attributes` to the mount whose root is `fd` (and to all below when `recursive`), and gives it `propagation`
 * (MS_PRIVATE, MS_SLAVE; 0: as it was). EINVAL when `fd` is not the root of a mount. Never takes an attribute away. */
CHILD int mount_restrict(int fd, uint64_t attributes, uint64_t propagation, bool recursive);

/* Lets the owners of files show through the maps of user namespace `userns`. Only on a detached mount; EINVAL where
 * the file system cannot. */
CHILD int mount_idmap(int fd, int userns, bool recursive);

/* The ST_* flags (statvfs(3)) that hold for the mount whose root is `fd`, its file system's own included. */
CHILD int mount_flags(int fd, unsigned long *ret);

/* Whether both descriptors lie in one and the same mount; AT_FDCWD is the working directory. False where that cannot be
 * told. */
CHILD bool mount_same(int one, int other);

/* Attaches a detached mount on top of the directory or file `target`. */
CHILD int mount_attach(int fd, int target);

#endif
