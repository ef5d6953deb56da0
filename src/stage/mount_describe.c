/* mount_describe: what a mount will be, for `explain`: every attribute and option that the kernel is given, in words
 * of mount(8). Helper of root, mounts and names; runs in the launcher and asks the host nothing.
 */
#include <inttypes.h>
#include <string.h>
#include <sys/mount.h>

#include "base/format.h"
#include "stage/filesystem_describe.h"

const char *attributes_text(uint64_t attributes, char text[ATTRIBUTES_SIZE])
{
	format_text(text, ATTRIBUTES_SIZE, "%s%s%s%s", attributes & MOUNT_ATTR_RDONLY ? "ro" : "rw",
		    attributes & MOUNT_ATTR_NOSUID ? ",nosuid" : "", attributes & MOUNT_ATTR_NODEV ? ",nodev" : "",
		    attributes & MOUNT_ATTR_NOEXEC ? ",noexec" : "");
	return text;
}

static const char *count_text(uint64_t count, char text[COUNT_SIZE])
{
	if (count == SIZE_UNLIMITED)
		format_text(text, COUNT_SIZE, "unlimited");
	else
		format_text(text, COUNT_SIZE, "%lu", (unsigned long)count);
	return text;
}

const char *tmpfs_text(const struct tmpfs *tmpfs, char text[TMPFS_SIZE])
{
	char attributes[ATTRIBUTES_SIZE], size[COUNT_SIZE], inodes[COUNT_SIZE];

	format_text(text, TMPFS_SIZE, "tmpfs, %s, size %s, inodes %s, mode %s%o, owner %u:%u",
		    attributes_text(tmpfs->attributes, attributes), count_text(tmpfs->size, size),
		    count_text(tmpfs->inodes, inodes), tmpfs->mode < 01000 ? "0" : "", tmpfs->mode, tmpfs->uid,
		    tmpfs->gid);
	return text;
}

const char *idmap_text(enum idmap idmap)
{
	static const char *const words[] = {
		[IDMAP_NONE] = "",
		[IDMAP_AUTO] = ", owners as on disk",
		[IDMAP_OWNER] = ", its owner as the payload",
	};

	return words[idmap];
}

/* Where the launcher stacks it, it does so as root and in a mount namespace of its own (outside.c). */
static void describe_site(const struct overlay_plan *overlay, const struct overlay_words *words,
			  const struct plan *plan, struct description *out)
{
	bool own = plan->userns.create || plan->userns.joined;

	if (words->from_launcher)
		describe(out, overlay->key, overlay->index,
			 "stacked in a mount namespace that lasts as long as that takes, on a tmpfs, size %lu",
			 OUTSIDE_STAGING);
	describe_need(out, own && !words->from_launcher ? "overlay in a user namespace (Linux 5.11)"
							: "the overlay file system");
	if (overlay->writable && !overlay->upper.path && own && !words->from_launcher)
		describe_need(out, "a tmpfs with user extended attributes (Linux 6.6)");
	if (words->idmap != IDMAP_NONE)
		describe_need(out, "idmapped layers of overlays (Linux 5.19)");
}

void overlay_describe(const struct overlay_plan *overlay, const struct overlay_words *words, const struct plan *plan,
		      struct description *out)
{
	char attributes[ATTRIBUTES_SIZE], text[TMPFS_SIZE];
	struct tmpfs upper = { .size = overlay->size, .inodes = overlay->inodes, .mode = 0700 };
	struct text line = { 0 };

	for (size_t i = 0; i < overlay->lower_count; i++)
		text_add(&line, "%s%s", i ? ":" : "", overlay->lower[i].path);
	if (!words->from_launcher)
		builder_ids(plan, &upper.uid, &upper.gid);
	if (overlay->writable && overlay->upper.path)
		text_add(&line, ", writes stay in %s, work in %s", overlay->upper.path, overlay->work.path);
	else if (overlay->writable)
		text_add(&line, ", writes go to a %s", tmpfs_text(&upper, text));
	text_add(&line, "; %s%s", attributes_text(words->attributes, attributes), idmap_text(words->idmap));
	describe(out, overlay->key, overlay->index, "%s: overlay over %s%s", words->target, line.data ? line.data : "",
		 words->from_launcher ? ", made before the child exists" : "");
	text_free(&line);
	describe_site(overlay, words, plan, out);
}

/* ---- elements of `mounts` ---------------------------------------------------------------------- */

static void describe_tmpfs(const struct mount_plan *item, const struct plan *plan, struct description *out)
{
	struct tmpfs tmpfs;
	char text[TMPFS_SIZE];

	mount_tmpfs(item, plan, &tmpfs);
	describe(out, K_MOUNTS_TARGET, item->index, "%s: %s%s", item->target, tmpfs_text(&tmpfs, text),
		 item->seal ? "; read-only once all is mounted" : "");
}

static void describe_bind(const struct mount_plan *item, struct description *out)
{
	char attributes[ATTRIBUTES_SIZE];

	if (item->skipped) {
		describe(out, K_MOUNTS_TARGET, item->index, "%s: left out, the host has no %s", item->target,
			 item->source.path);
		return;
	}
	describe(out, K_MOUNTS_TARGET, item->index, "%s: bind of %s%s, %s, %s%s%s", item->target, item->source.path,
		 item->recursive ? " and what is mounted below it" : "", attributes_text(item->attributes, attributes),
		 mount_propagation(item) == MS_SLAVE ? "slave" : "private", idmap_text((enum idmap)item->idmap),
		 item->from_launcher ? ", made before the child exists" : "");
	if (item->source_link)
		describe(out, K_MOUNTS_SOURCE_LINK, item->index, "%s: symbolic link to %s, unless something is there",
			 item->source_link, item->target);
}

static void describe_kernel_fs(const struct mount_plan *item, struct description *out)
{
	const struct mount_kind *kind = &mount_kinds[item->type];
	char attributes[ATTRIBUTES_SIZE];
	const char *hidepid = mount_hidepid(item), *subset = mount_subset(item);

	describe(out, K_MOUNTS_TARGET, item->index, "%s: %s, %s%s%s%s%s", item->target,
		 kind->fs ? kind->fs : kind->name, attributes_text(item->attributes, attributes),
		 subset ? ", subset=" : "", subset ? subset : "", hidepid ? ", hidepid=" : "", hidepid ? hidepid : "");
	if (subset || hidepid)
		describe_need(out, "proc mounts with options of their own (Linux 5.8)");
}

static void describe_entry(const struct mount_plan *item, const struct plan *plan, struct description *out)
{
	const struct mount *mount = item->mount;
	char attributes[ATTRIBUTES_SIZE];
	uint32_t mode = entry_mode(item), uid = 0, gid = 0;

	entry_owner(item, plan, &uid, &gid);
	if (item->type == MOUNTS_TYPE_SYMLINK)
		describe(out, K_MOUNTS_TARGET, item->index, "%s: symbolic link to %s", item->target, mount->source);
	else if (item->type == MOUNTS_TYPE_DIRECTORY)
		describe(out, K_MOUNTS_TARGET, item->index, "%s: directory, mode %04o, owner %u:%u", item->target, mode,
			 uid, gid);
	else
		describe(out, K_MOUNTS_TARGET, item->index, "%s: file of %zu bytes, mode %04o, owner %u:%u, %s",
			 item->target, strlen(mount->content), mode, uid, gid,
			 attributes_text(item->attributes, attributes));
}

void mount_describe(const struct mount_plan *item, const struct plan *plan, struct description *out)
{
	if (item->idmap != IDMAP_NONE)
		describe_need(out, "idmapped mounts (Linux 5.12), in the file system of %s too",
			      item->source.path ? item->source.path : item->overlay.lower[0].path);
	switch (item->type) {
	case MOUNTS_TYPE_BIND:
		describe_bind(item, out);
		break;
	case MOUNTS_TYPE_TMPFS:
		describe_tmpfs(item, plan, out);
		break;
	case MOUNTS_TYPE_DEV:
		describe_tmpfs(item, plan, out);
		dev_describe(item, plan, out);
		break;
	case MOUNTS_TYPE_OVERLAY:
		overlay_describe(&item->overlay,
				 &(struct overlay_words){ item->target, item->attributes, (enum idmap)item->idmap,
							  item->from_launcher },
				 plan, out);
		break;
	case MOUNTS_TYPE_FILE:
	case MOUNTS_TYPE_SYMLINK:
	case MOUNTS_TYPE_DIRECTORY:
		describe_entry(item, plan, out);
		break;
	default:
		describe_kernel_fs(item, out);
		break;
	}
}
