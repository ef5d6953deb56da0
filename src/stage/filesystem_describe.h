/* filesystem_describe: how the stages that build the file system say in `explain` what a mount will be. The words are
 * mount_describe.c's. */
#ifndef STAGE_FILESYSTEM_DESCRIBE_H
#define STAGE_FILESYSTEM_DESCRIBE_H

#include "stage/filesystem.h"

/* MOUNT_ATTR_* as "ro,nosuid", a tmpfs with all its options, what `idmap` adds to a mount. Texts are
 * written to `text` and returned. */
enum { ATTRIBUTES_SIZE = 32, COUNT_SIZE = 24, TMPFS_SIZE = 160 };
const char *attributes_text(uint64_t attributes, char text[ATTRIBUTES_SIZE]);
const char *tmpfs_text(const struct tmpfs *tmpfs, char text[TMPFS_SIZE]);
const char *idmap_text(enum idmap idmap);

/* Lines for an element of `mounts`; for what is in a /dev; for an overlay. */
void mount_describe(const struct mount_plan *item, const struct plan *plan, struct description *out);
void dev_describe(const struct mount_plan *item, const struct plan *plan, struct description *out);

struct overlay_words {
	const char *target;
	uint64_t attributes;
	enum idmap idmap;
	bool from_launcher;
};
void overlay_describe(const struct overlay_plan *overlay, const struct overlay_words *words, const struct plan *plan,
		      struct description *out);

#endif
