/* cgroup_leaf: one sandbox's own directory in one hierarchy, from mkdir to rmdir. Of the cgroup stage alone. */
#ifndef STAGE_CGROUP_LEAF_H
#define STAGE_CGROUP_LEAF_H

#include "stage/cgroup.h"

/* What was made of a struct cgroup_leaf. */
struct cgroup_made {
	const struct cgroup_leaf *leaf;
	char name[CGROUP_NAME_LENGTH + 1];
	int base, parent, directory; /* open directories; -1. `directory` holds the lock that says "in use" */
	bool launcher_moved, base_enabled;
};

/* Makes the leaf's directory under `id`, or another name when that is taken, and locks it; then the limits. *made is
 * undoable from the first statement on. */
int cgroup_make(struct cgroup_made *made, const char *id, struct error *err);
int cgroup_write_limits(struct cgroup_made *made, struct host *host, struct error *err);

/* Takes back what cgroup_make did: kills what is left inside, removes the leaf, and the parent if it is empty. 0, or -1
 * with errno when something had to stay. */
int cgroup_unmake(struct cgroup_made *made);

/* Empties and removes the locked leaf `name` of `parent`. 0, or -1 with errno. */
int cgroup_remove(int parent, const char *name, int directory);

/* Opens and locks the leaf `name` of `parent`. A descriptor, or -1 with errno: EWOULDBLOCK, somebody else has it;
 * ENOENT, it is gone (or was replaced meanwhile); EPERM, not one that we made. */
int cgroup_lock(int parent, const char *name);

/* Whether a directory entry can be one of our leaves: 16 hexadecimal digits. */
bool cgroup_is_leaf_name(const char *name);

/* ---- cgroup_usage.c */

void cgroup_usage(const struct cgroup_made *made, struct usage *usage);

/* ---- cgroup_gc.c */

/* Removes leaves of this parent directory that nobody holds, looking at no more than `most` of its entries (0: all).
 * Counts what had to stay in *left. */
void cgroup_sweep(int parent, size_t most, size_t *left);

#endif
