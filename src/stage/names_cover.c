/* names_cover: files in a directory that cannot be written. Helper of names; runs in the child, in the enter phase,
 * with the new root as working directory.
 *
 * The directory gets a read-only overlay on top of itself: above, a directory of the staging tmpfs that holds nothing
 * but the files that are wanted, empty; below, the directory as it is. What is above wins over a directory or a link of
 * the same name. No layer is written to, so it does not matter whose files they are, nor what the staging tmpfs can
 * keep of extended attributes. What is mounted in the directory does not show through an overlay: it is moved onto it,
 * one mount after the other. The covered directory stays reachable by its descriptor alone.
 *
 * Needs: overlayfs; with mapped owners (root.idmap) one that knows them, Linux 5.19. The kernel makes no overlay of a
 * tree in which it holds mounts fast, as it does with the host's own in a user namespace (EINVAL). A cover of / takes
 * its place as the root: what it covers goes with the host's tree, in pivot.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/file.h"
#include "base/format.h"
#include "stage/filesystem.h"
#include "stage/name_files.h"

enum { TABLE_MIN = 256 * 1024, TABLE_MAX = 128 * 1024 * 1024 };

/* One directory while it is covered. */
struct cover {
	const char *path;
	char real[PATH_MAX]; /* without links, as the mount table has it; "" for "/" */
	int below, mount;
	uint64_t below_id, mount_id;
};

CHILD static int mount_id(int fd, uint64_t *ret)
{
	struct statx status;

	if (statx(fd, "", AT_EMPTY_PATH, STATX_MNT_ID, &status))
		return -1;
	*ret = status.stx_mnt_id;
	return 0;
}

/* Where `fd` is, seen from the process's root directory, on which the new root lies. */
CHILD static int real_path(int descriptors, int fd, char to[PATH_MAX])
{
	char name[12];
	ssize_t length = 0;

	format_text(name, sizeof(name), "%d", fd);
	length = readlinkat(descriptors, name, to, PATH_MAX - 1);
	if (length < 0)
		return -1;
	to[length == 1 ? 0 : length] = '\0';
	return 0;
}

/* ---- what is mounted in the directory */

struct below {
	uint64_t id;
	char point[PATH_MAX]; /* relative to the covered directory, with a leading slash */
};

CHILD static uint64_t number(const char **at)
{
	uint64_t value = 0;

	for (; **at >= '0' && **at <= '9'; (*at)++)
		value = value * 10 + (uint64_t)(**at - '0');
	*at += **at == ' ';
	return value;
}

/* proc_pid_mountinfo(5) writes blanks and backslashes as three octal digits. */
CHILD static void copy_point(const char *from, char *to, size_t size)
{
	size_t length = 0;

	for (; *from && *from != ' ' && *from != '\n' && length < size - 1; from++) {
		to[length++] = *from;
		if (*from != '\\' || from[1] < '0' || from[1] > '3')
			continue;
		to[length - 1] = (char)((from[1] - '0') * 64 + (from[2] - '0') * 8 + (from[3] - '0'));
		from += 3;
	}
	to[length] = '\0';
}

/* The first line whose mount hangs from the covered one, below the directory. */
CHILD static bool find_below(const char *table, const struct cover *cover, struct below *ret)
{
	char point[PATH_MAX];
	size_t length = strlen(cover->real);

	for (const char *at = table; at && *at; at = strchr(at, '\n') ? strchr(at, '\n') + 1 : NULL) {
		uint64_t id = number(&at), parent = number(&at);

		if (parent != cover->below_id || id == cover->mount_id)
			continue;
		for (int field = 2; field < 4; field++)
			at += strcspn(at, " \n") + 1;
		copy_point(at, point, sizeof(point));
		if (strncmp(point, cover->real, length) != 0 || point[length] != '/' || !point[length + 1])
			continue;
		ret->id = id;
		memcpy(ret->point, point + length, strlen(point + length) + 1);
		return true;
	}
	return false;
}

/* The whole mount table in memory that goes with the exec; NULL with errno. */
CHILD static char *read_table(int procfs, size_t *ret_size)
{
	for (size_t size = TABLE_MIN; size <= TABLE_MAX; size *= 8) {
		char *buffer = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

		*ret_size = size;
		if (buffer == MAP_FAILED)
			return NULL;
		if (read_file_at(procfs, "self/mountinfo", buffer, size) >= 0)
			return buffer;
		(void)munmap(buffer, size);
		if (errno != EFBIG)
			return NULL;
	}
	return NULL;
}

CHILD static int move_one(const struct cover *cover, const struct below *below)
{
	AUTO_CLOSE int from = open_in_root(cover->below, below->point, O_PATH | O_NOFOLLOW, 0);
	AUTO_CLOSE int to = open_in_root(cover->mount, below->point, O_PATH | O_NOFOLLOW, 0);
	uint64_t id = 0;

	if (from < 0 || to < 0 || mount_id(from, &id))
		return -1;
	/* Another one on top of it, which would come to lie underneath. */
	if (id != below->id) {
		errno = EBUSY;
		return -1;
	}
	return mount_attach(from, to);
}

CHILD static int move_all(const struct cover *cover, const struct inside *inside, struct error *err)
{
	struct below below;
	bool found = true;

	while (found) {
		size_t size = 0;
		char *table = read_table(inside->procfs, &size);

		if (!table)
			return fail_errno(err, K_NETWORK, "cannot read the mount table");
		found = find_below(table, cover, &below);
		(void)munmap(table, size);
		if (found && move_one(cover, &below))
			return fail_errno(err, K_NETWORK, "cannot keep what is mounted on %s%s", cover->real,
					  below.point);
	}
	return 0;
}

/* ---- the cover */

CHILD static int make_files(int directory, const bool wanted[NAMES_COUNT])
{
	for (int file = 0; file < NAMES_COUNT; file++)
		if (wanted[file] && mknodat(directory, names_files[file].name, S_IFREG | 0644, 0))
			return -1;
	return 0;
}

/* The upper layer: a directory with the files, or with an etc that has them. */
CHILD static int make_top(int staging, const char *path, const bool wanted[NAMES_COUNT])
{
	bool root = !strcmp(path, "/");
	AUTO_CLOSE int top = -1, etc = -1;

	if (mkdirat(staging, "cover", 0755))
		return -1;
	top = open_beneath(staging, "cover", O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
	if (top < 0 || (root && mkdirat(top, "etc", 0755)))
		return -1;
	etc = open_beneath(top, root ? "etc" : ".", O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
	return etc < 0 || make_files(etc, wanted) ? -1 : TAKE_FD(top);
}

CHILD static uint64_t attributes_of(int fd)
{
	static const struct {
		unsigned long flag;
		uint64_t attribute;
	} pairs[] = {
		{ ST_NOSUID, MOUNT_ATTR_NOSUID },
		{ ST_NODEV, MOUNT_ATTR_NODEV },
		{ ST_NOEXEC, MOUNT_ATTR_NOEXEC },
	};
	uint64_t attributes = MOUNT_ATTR_RDONLY;
	unsigned long flags = ~0UL;

	(void)mount_flags(fd, &flags);
	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++)
		if (flags & pairs[i].flag)
			attributes |= pairs[i].attribute;
	return attributes;
}

CHILD static int attach(struct cover *cover, struct error *err)
{
	bool root = !cover->real[0];
	AUTO_CLOSE int host = root ? open("/", O_PATH | O_DIRECTORY | O_CLOEXEC) : -1;

	if (mount_attach(cover->mount, root ? host : cover->below) || mount_id(cover->below, &cover->below_id) ||
	    mount_id(cover->mount, &cover->mount_id) || (root && fchdir(cover->mount)))
		return fail_errno(err, K_NETWORK, "cannot cover %s", cover->path);
	return 0;
}

CHILD static int make(struct cover *cover, const struct inside *inside, const struct plan *plan, struct error *err)
{
	AUTO_CLOSE int top = make_top(inside->staging, cover->path, plan->names.wanted);
	AUTO_CLOSE int descriptors = openat(inside->procfs, "self/fd", O_PATH | O_DIRECTORY | O_CLOEXEC);
	const struct overlay_site site = { .staging = inside->staging,
					   .descriptors = descriptors,
					   .userns = -1,
					   .user_xattrs = plan->userns.create || plan->userns.joined };

	cover->below = open_in_root(AT_FDCWD, cover->path, O_PATH | O_DIRECTORY, 0);
	if (top < 0 || descriptors < 0 || cover->below < 0 || real_path(descriptors, cover->below, cover->real))
		return fail_errno(err, K_NETWORK, "cannot cover %s", cover->path);
	cover->mount =
		overlay_pair((const int[]){ top, cover->below }, &site, attributes_of(cover->below), K_NETWORK, err);
	if (cover->mount < 0 && !err->remedy[0])
		error_remedy(err, "the root has no place for the files of names, and cannot be written: make empty "
				  "/etc/resolv.conf, /etc/hosts and /etc/hostname where it comes from");
	return cover->mount < 0 ? -1 : 0;
}

CHILD int names_cover(struct inside *inside, const struct plan *plan, const char *path, struct error *err)
{
	struct cover cover = { .path = path, .below = -1, .mount = -1 };
	int status = -1;

	if (!make(&cover, inside, plan, err) && !attach(&cover, err))
		status = move_all(&cover, inside, err);
	inside->cover.mount = cover.mount_id;
	inside->cover.below = cover.below_id;
	fd_close(&cover.below);
	fd_close(&cover.mount);
	return status;
}
