/* filesystem: what the stages that build the file system share, and no other stage uses.
 *
 *   host_object.c   paths of the host: seen once, then only ever the same object
 *   overlay.c       layers of directories as one tree
 *   idmap.c         user namespaces through whose maps the owners of files are shown
 *   outside.c       mounts that a launcher which is root makes before the child exists
 *   mount_dev.c     a minimal /dev
 *   mount_entry.c   files, links and directories of the profile's own
 *   mount_make.c    every other mount, one function a type
 *   covered.c       how hide and read_only find what they cover
 */
#ifndef STAGE_FILESYSTEM_H
#define STAGE_FILESYSTEM_H

#include "base/mount.h"
#include "stage/stage.h"

/* Sees host path object->path (links are followed) and fills the rest of *object; key and index are the caller's.
 * `type`: the S_IFMT it must have, 0 for any. What shows the host itself is refused unless the profile says
 * `dangerous = [ "host-paths" ]`. err->sys_errno is ENOENT when nothing is there. */
int host_object_plan(const struct plan *plan, struct host_object *object, mode_t type, struct error *err);

/* Refuses an object that does not lie in the host's directory `directory`, though its path does: a link led out. */
int host_object_check_within(const struct host_object *object, const char *directory, struct error *err);

/* Opens it again, O_PATH, in the mount namespace of the caller; refuses anything but the object that was seen. */
CHILD int host_object_open(const struct host_object *object, struct error *err);

/* Whether the launcher has to make the mounts of host objects: it is root, and its child will not be. */
bool host_mounts_outside(const struct plan *plan);

/* Where an overlay is put together. */
struct overlay_site {
	int staging;      /* directory of an attached tmpfs */
	int descriptors;  /* the caller's /proc/self/fd */
	int userns;       /* the layers are idmapped through it; -1: they are not */
	const char *name; /* of a directory to be made in `staging`; unique there */
	bool user_xattrs; /* the caller may not set trusted extended attributes */
};

/* Fill the layers of *ret, whose key, index, size and inodes are set. `upper` is "tmpfs" or a host directory, `work`
 * NULL for its default. */
int overlay_plan_lower(struct plan *plan, const char *const *paths, size_t count, struct overlay_plan *ret,
		       struct error *err);
int overlay_plan_upper(struct plan *plan, const char *upper, const char *work, struct overlay_plan *ret,
		       struct error *err);

/* Makes the work directory beside the upper where plan found none. Host phase. */
int overlay_make_work(const struct overlay_plan *overlay, struct error *err);

/* The layers as one detached mount with `attributes`. The working directory is changed and changed back. */
CHILD int overlay_mount(const struct overlay_plan *overlay, const struct overlay_site *site, uint64_t attributes,
			struct error *err);

/* Directory layers[0] over directory layers[1], wherever they lie, as one read-only detached mount. What is mounted
 * below the second is not in it. `key`: of the profile, for errors. */
CHILD int overlay_pair(const int layers[2], const struct overlay_site *site, uint64_t attributes, int key,
		       struct error *err);

/* A sized tmpfs, detached, that belongs to `uid` and `gid` as seen inside. */
struct tmpfs {
	uint64_t size, inodes, attributes;
	uint32_t mode, uid, gid;
};
CHILD int tmpfs_new(const struct tmpfs *tmpfs);

/* Whether `idmap` changes anything under the sandbox's maps, and the user namespace that does it for `source`: a
 * descriptor, -1 on failure. Launcher only. */
bool idmap_needed(const struct plan *plan, const struct host *host, int idmap);
int idmap_open(const struct plan *plan, const struct host *host, int idmap, const struct host_object *source,
	       struct error *err);

/* The host's user and group under whom files can be made on a mount so mapped. */
void idmap_builder(const struct plan *plan, const struct host *host, int idmap, uid_t *ret_uid, gid_t *ret_gid);

/* What the launcher makes for the child. */
struct outside {
	const struct plan *plan;
	const struct host *host;
	const struct host_object *source; /* NULL: overlay */
	const struct overlay_plan *overlay;
	uint64_t attributes, propagation;
	bool recursive;
	int idmap, idmap_key;
};

/* Bytes of the tmpfs on which it stacks an overlay. */
#define OUTSIDE_STAGING (1024UL * 1024)

/* The detached mount; -1 on failure. Launcher only. */
int outside_mount(const struct outside *outside, struct error *err);

/* The mount of `item`, detached and complete; -1 on failure. For types that are made in place there is none. */
CHILD int mount_make(const struct mount_plan *item, const struct plan *plan, const struct inside *inside,
		     struct error *err);

/* What a type of mount is, whatever its element says. */
struct mount_kind {
	const char *name;
	const char *fs; /* a file system of the kernel's that needs `namespace` */
	const char *namespace;
	uint64_t attributes; /* MOUNT_ATTR_* it always has; not 0: it is the kernel's, or a /dev */
	int flag;            /* CLONE_NEW* of that namespace */
	bool writable;       /* when `access` does not say */
	bool sealed;         /* read-only only after all mounts are in place */
	bool entry;          /* no mount: made in place */
};
extern const struct mount_kind mount_kinds[];

/* Under whom the tree is built: ids inside, or, without a user namespace, the launcher's. */
CHILD void builder_ids(const struct plan *plan, uint32_t *ret_uid, uint32_t *ret_gid);

/* The tmpfs of an element of type tmpfs or dev. */
CHILD void mount_tmpfs(const struct mount_plan *item, const struct plan *plan, struct tmpfs *ret);

/* Options of a proc as the kernel is given them; NULL: not given. */
CHILD const char *mount_subset(const struct mount_plan *item);
CHILD const char *mount_hidepid(const struct mount_plan *item);

/* MS_PRIVATE or MS_SLAVE. */
CHILD uint64_t mount_propagation(const struct mount_plan *item);

/* Populates the tmpfs attached at `dev`, which is the mount item's: nodes, links, pts and shm. */
CHILD int dev_populate(const struct mount_plan *item, const struct plan *plan, int dev, struct error *err);

/* A devpts instance of the sandbox's own, detached. */
CHILD int devpts_new(void);

/* The file's content as a detached read-only mount, made in the staging tmpfs. */
CHILD int entry_file(const struct mount_plan *item, const struct plan *plan, int staging, struct error *err);
CHILD uint32_t entry_mode(const struct mount_plan *item);
CHILD void entry_owner(const struct mount_plan *item, const struct plan *plan, uint32_t *ret_uid, uint32_t *ret_gid);
CHILD int entry_symlink(const struct mount_plan *item, struct error *err);
CHILD int entry_source_link(const struct mount_plan *item, const struct plan *plan, const struct inside *inside,
			    struct error *err);
CHILD int entry_directory(const struct mount_plan *item, const struct plan *plan, struct error *err);

/* O_PATH descriptor of `path` inside, for a stage that covers what is there. Below a file system of the kernel's that
 * `mounts` attached, the lookup begins at that very mount, wherever its name may have gone meanwhile. */
CHILD int covered_open(const struct plan *plan, const struct inside *inside, const char *path);

/* Whether `path`, which `fd` was opened by, lies in a bind and a link leads it out of that. */
CHILD bool covered_leads_out(const struct plan *plan, const char *path, int fd);

/* Whether `path` goes through a link in a bind that can be written. */
CHILD bool covered_by_link(const struct plan *plan, const char *path);

#endif
