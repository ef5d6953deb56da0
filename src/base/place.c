/* place: see the header. Runs in the child while it builds the inside, before and after the pivot alike, since nothing
 * here depends on the process's own root directory.
 *
 * A root file system can be hostile and can change while we look at it. Two rules make that harmless: what exists is
 * resolved by the kernel below the root's descriptor (openat2(2), RESOLVE_IN_ROOT), so that no link leads out of it;
 * and what is missing is made component by component on the parent's descriptor and opened again without following, so
 * that nothing is made through a link. A race can at worst choose another place inside.
 */
#include "base/place.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/file.h"

CHILD bool path_lies_in(const char *path, const char *directory)
{
	size_t length = strlen(directory);

	return !strncmp(path, directory, length) && (path[length] == '/' || !path[length]);
}

CHILD int place_existing(int root, const char *path, const char **ret_rest)
{
	char prefix[PATH_MAX];
	size_t length = strlen(path);

	if (length >= sizeof(prefix)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	memcpy(prefix, path, length + 1);
	for (;;) {
		int fd = open_in_root(root, length ? prefix : "/", O_PATH | O_DIRECTORY, 0);

		if (fd >= 0) {
			*ret_rest = path + length + (path[length] == '/');
			return fd;
		}
		if (errno != ENOENT || length == 0)
			return -1;
		do
			length--;
		while (length && prefix[length] != '/');
		prefix[length] = '\0';
	}
}

/* Makes directory `name` in `parent` and opens it. EEXIST is left to the second call: a directory that came up
 * meanwhile is as good, a link (which led nowhere, or we would not be here) is refused with ELOOP. */
CHILD static int make_directory(int parent, const char *name)
{
	if (mkdirat(parent, name, 0755) && errno != EEXIST)
		return -1;
	return open_beneath(parent, name, O_PATH | O_DIRECTORY);
}

CHILD int place_directory(int root, const char *path)
{
	const char *rest = NULL;
	AUTO_CLOSE int fd = place_existing(root, path, &rest);

	while (fd >= 0 && *rest) {
		char name[NAME_MAX + 1];
		size_t length = strcspn(rest, "/");
		int next = -1;

		if (length >= sizeof(name)) {
			errno = ENAMETOOLONG;
			return -1;
		}
		memcpy(name, rest, length);
		name[length] = '\0';
		rest += length + (rest[length] == '/');
		next = make_directory(fd, name);
		fd_close(&fd);
		fd = next;
	}
	return TAKE_FD(fd);
}

CHILD int place_parent(int root, const char *path, const char **ret_name)
{
	char parent[PATH_MAX];
	const char *slash = strrchr(path, '/');
	size_t length = slash ? (size_t)(slash - path) : 0;

	if (!slash || !slash[1] || length >= sizeof(parent)) {
		errno = EINVAL;
		return -1;
	}
	memcpy(parent, path, length);
	parent[length] = '\0';
	*ret_name = slash + 1;
	return place_directory(root, length ? parent : "/");
}

CHILD int place_file(int root, const char *path)
{
	const char *name = NULL;
	AUTO_CLOSE int fd = open_in_root(root, path, O_PATH, 0);
	AUTO_CLOSE int parent = -1;
	struct stat status;

	if (fd < 0 && errno == ENOENT) {
		parent = place_parent(root, path, &name);
		if (parent < 0 || (mknodat(parent, name, S_IFREG | 0644, 0) && errno != EEXIST))
			return -1;
		fd = open_beneath(parent, name, O_PATH | O_NOFOLLOW);
	}
	if (fd < 0 || fstat(fd, &status))
		return -1;
	if (S_ISDIR(status.st_mode) || S_ISLNK(status.st_mode)) {
		errno = S_ISDIR(status.st_mode) ? EISDIR : ELOOP;
		return -1;
	}
	return TAKE_FD(fd);
}
