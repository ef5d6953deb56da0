/* host_object: paths of the host that a mount shows, or an overlay is made of. Helper of root and mounts.
 *
 * A path string is looked up twice, in two processes: by plan, which decides, and by whoever makes the mount, which
 * may be the child in its own mount namespace (the kernel does not let it clone a mount of the launcher's namespace
 * that it has only a descriptor of). What counts is the object: device, inode and type are noted the first time, and
 * anything else under the same name the second time is refused. No descriptor is opened for reading or writing: a FIFO
 * or a device does nothing.
 *
 * Links of the host are followed: the caller named the path, and /etc/localtime is a link everywhere. What is refused
 * without a word of permission is judged by the object too, so that no link and no spelling gets around it. But below
 * a directory that the profile shows writable, links are a payload's, of this sandbox or of another one at work
 * there: one that leads out of it is refused.
 */
#include "stage/filesystem.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/environ.h"
#include "base/fd.h"
#include "base/format.h"

static const struct {
	mode_t type;
	const char *name;
} types[] = {
	{ S_IFDIR, "a directory" },
	{ S_IFREG, "a regular file" },
};

/* Each of these is the host, or drives it. */
static const char *const host_paths[] = {
	"/",
	"/proc",
	"/sys",
	"/dev",
	"/run",
	"/run/sandbox",
	"/var/cache/sandbox",
	"/run/docker.sock",
	"/run/containerd/containerd.sock",
	"/run/podman/podman.sock",
	"/run/crio/crio.sock",
};

/* The kernel's own file systems, at any depth. */
static const long kernel_file_systems[] = {
	PROC_SUPER_MAGIC, SYSFS_MAGIC,   CGROUP_SUPER_MAGIC, CGROUP2_SUPER_MAGIC,
	DEBUGFS_MAGIC,    TRACEFS_MAGIC, SECURITYFS_MAGIC,   BPF_FS_MAGIC,
};

static bool permitted(const struct profile *profile)
{
	for (size_t i = 0; i < profile->dangerous.count; i++)
		if (!strcmp(profile->dangerous.items[i], "host-paths"))
			return true;
	return false;
}

static bool is_object(const char *path, const struct stat *status)
{
	struct stat other;

	return !stat(path, &other) && other.st_dev == status->st_dev && other.st_ino == status->st_ino;
}

/* Where `fd` lies, by the kernel; 0, or -1 when it cannot tell. */
static int true_path(int fd, char ret[PATH_MAX])
{
	char link[32];
	ssize_t length = 0;

	format_text(link, sizeof(link), "/proc/self/fd/%d", fd);
	length = readlink(link, ret, PATH_MAX - 1);
	if (length < 0)
		return -1;
	ret[length] = '\0';
	return 0;
}

/* Whether `fd` lies in `directory`, at any depth: 1 or 0, or -1 with errno. */
static int lies_below(int fd, const char *directory)
{
	AUTO_CLOSE int above = open(directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
	char outer[PATH_MAX], inner[PATH_MAX];
	size_t length = 0;

	if (above < 0 || true_path(above, outer) || true_path(fd, inner))
		return -1;
	length = strlen(outer);
	return !strncmp(inner, outer, length) && (inner[length] == '/' || outer[length - 1] == '/');
}

/* What launchers keep: the register of what runs, and compiled filters. An ordinary user's payload is that user too,
 * and root's may be by a map of owners. */
static const char *shows_state(const struct caller *caller, int fd, const struct stat *status)
{
	const char *runtime = environ_get(caller->environ, "XDG_RUNTIME_DIR");
	const char *what = "the launcher's own state", *next = "the user's runtime directory";
	char path[PATH_MAX];
	size_t length = 0;

	if (caller->uid == 0)
		return lies_below(fd, "/run/sandbox") > 0 || lies_below(fd, "/var/cache/sandbox") > 0 ? what : NULL;
	if (runtime && *runtime == '/')
		length = format_text(path, sizeof(path), "%s/sandbox", runtime);
	else
		length = format_text(path, sizeof(path), "/run/user/%u/sandbox", caller->uid);
	if (length >= sizeof(path) - 1)
		return NULL; /* it is cut; nobody can have opened it */
	if (lies_below(fd, path) > 0)
		return what;
	for (char *end = path + length; S_ISDIR(status->st_mode) && end && end > path; end = strrchr(path, '/')) {
		*end = '\0';
		if (is_object(path, status))
			return what;
		what = next;
		next = "a parent of the user's runtime directory";
	}
	return NULL;
}

/* The path or file system that makes the object a part of the host; NULL when none does. */
static const char *shows_host(const struct caller *caller, int fd, const struct stat *status)
{
	const char *state = shows_state(caller, fd, status);
	struct statfs fs;

	/* All of them are directories and sockets. */
	for (size_t i = 0; !S_ISREG(status->st_mode) && i < sizeof(host_paths) / sizeof(host_paths[0]); i++)
		if (is_object(host_paths[i], status))
			return host_paths[i];
	if (state)
		return state;
	if (fstatfs(fd, &fs))
		return NULL;
	for (size_t i = 0; i < sizeof(kernel_file_systems) / sizeof(kernel_file_systems[0]); i++)
		if (fs.f_type == kernel_file_systems[i])
			return "a file system of the kernel's";
	return NULL;
}

static const char *type_name(mode_t type)
{
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if (types[i].type == type)
			return types[i].name;
	return "what is asked for";
}

int host_object_plan(const struct plan *plan, struct host_object *object, mode_t type, struct error *err)
{
	AUTO_CLOSE int fd = open(object->path, O_PATH | O_CLOEXEC);
	struct stat status;
	const char *host = NULL;

	if (fd < 0 || fstat(fd, &status))
		return fail_errno_at(err, object->key, object->index, "cannot open %s", object->path);
	if (type && (status.st_mode & S_IFMT) != type)
		return fail_at(err, object->key, object->index, "cannot use %s: it is not %s", object->path,
			       type_name(type));
	host = permitted(plan->profile) ? NULL : shows_host(plan->caller, fd, &status);
	if (host) {
		fail_at(err, object->key, object->index, "cannot show %s inside: it is %s of the host", object->path,
			host);
		error_remedy(err, "name what is needed below it, or write dangerous = [ \"host-paths\" ]");
		return error_exit(err, EXIT_OF_PROFILE);
	}
	object->dev = status.st_dev;
	object->ino = status.st_ino;
	object->type = status.st_mode & S_IFMT;
	object->uid = status.st_uid;
	object->gid = status.st_gid;
	return 0;
}

int host_object_check_within(const struct host_object *object, const char *directory, struct error *err)
{
	AUTO_CLOSE int fd = host_object_open(object, err);
	int within = fd < 0 ? -1 : lies_below(fd, directory);

	if (fd < 0)
		return -1;
	if (within < 0)
		return fail_errno_at(err, object->key, object->index, "cannot see where %s lies", object->path);
	if (within)
		return 0;
	fail_at(err, object->key, object->index,
		"cannot show %s inside: a link leads out of %s, which is shown writable: a sandbox may have made it",
		object->path, directory);
	return error_remedy(err, "take the link away, or name the place that it leads to");
}

CHILD int host_object_open(const struct host_object *object, struct error *err)
{
	AUTO_CLOSE int fd = open(object->path, O_PATH | O_CLOEXEC | (object->type ? 0 : O_NOFOLLOW));
	struct stat status;

	if (fd < 0 || fstat(fd, &status))
		return fail_errno_at(err, object->key, object->index, "cannot open %s", object->path);
	if (object->type &&
	    (status.st_dev != object->dev || status.st_ino != object->ino || (status.st_mode & S_IFMT) != object->type))
		return fail_at(err, object->key, object->index,
			       "cannot use %s: it is no longer the object it was when the launch began", object->path);
	return TAKE_FD(fd);
}

bool host_mounts_outside(const struct plan *plan)
{
	return plan->caller->root && (plan->userns.create || plan->userns.joined);
}
