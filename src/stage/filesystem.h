/* filesystem: what the stages that build the file system share, and no other stage uses: objects of the host, overlays,
 * idmapped mounts. */
#ifndef STAGE_FILESYSTEM_H
#define STAGE_FILESYSTEM_H

#include "stage/stage.h"

/* Sees host path `path` (links are followed) and notes what it is. `type`: the S_IFMT it must have, 0 for any. Paths that
 * show the host itself are refused unless the profile says `dangerous = [ "host-paths" ]`. `key`, `index` for the error;
 * errno is ENOENT when there is nothing. */
int host_object_plan(const struct plan *plan, const char *path, mode_t type, struct host_object *ret, int key, int index,
		     struct error *err);

/* Opens it again, O_PATH, in the mount namespace of the caller; refuses anything but the object that was seen. */
CHILD int host_object_open(const struct host_object *object, int key, int index, struct error *err);

/* Where an overlay is put together: `staging` is an attached tmpfs, `descriptors` the caller's /proc/self/fd, `name` is
 * unique in the staging tmpfs. `userns`: the layers are idmapped through it; -1: they are not. */
struct overlay_site {
	int staging, descriptors, userns;
	const char *name;
};

/* The layers as one detached mount with `attributes`. */
int overlay_plan_lower(const struct plan *plan, const struct strings *paths, struct overlay_plan *ret, struct error *err);
int overlay_plan_upper(const struct plan *plan, const char *upper, const char *work, struct overlay_plan *ret,
		       struct error *err);
CHILD int overlay_mount(const struct overlay_plan *overlay, const struct overlay_site *site, uint64_t attributes,
			struct error *err);

/* The same in the launcher, which is root, for a sandbox in a user namespace: in a mount namespace made for it. */
int overlay_mount_outside(const struct overlay_plan *overlay, int userns, uint64_t attributes, struct error *err);

/* A user namespace through whose maps `idmap` shows the files of `source`; -1 in *ret when no map is needed. */
int idmap_open(const struct plan *plan, const struct host *host, int idmap, const struct host_object *source, int *ret,
	       struct error *err);

/* A detached mount of `source` in the launcher, with `attributes` and `propagation`, idmapped. */
struct host_mount {
	const struct host_object *source;
	uint64_t attributes, propagation;
	bool recursive;
	int idmap;
	int key, idmap_key, index; /* for errors */
};
int host_mount_make(const struct plan *plan, const struct host *host, const struct host_mount *mount, struct error *err);

#endif
