/* idmap: user namespaces that exist only for their id maps, so that the owners of files show through a mount as the
 * profile wants them (mount_setattr(2), MOUNT_ATTR_IDMAP). Helper of root and mounts.
 *
 * Runs in the launcher, in the host phase, when the final maps of the sandbox are known (userns comes first), and only
 * where the launcher is root: the kernel wants CAP_SYS_ADMIN over the file system. The sandbox's own user namespace
 * does not exist yet, and the mount has to, since the child has no right to make it. So a process is forked into a new
 * user namespace, given the maps, and let go as soon as the namespace is held by a descriptor.
 *
 * A mount mapped through it shows a file of on-disk user U as the host's user that the map has for U. Under the
 * sandbox's own map that is U again inside: owners are as on disk. With a map of one line, the top's owner alone is
 * shown, as the payload's user.
 */
#include "stage/filesystem.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdint.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/file.h"
#include "base/format.h"
#include "base/syscall.h"
#include "base/text.h"

static bool identity(const struct id_map *map, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (map[i].inside != map[i].outside)
			return false;
	return true;
}

bool idmap_needed(const struct plan *plan, const struct host *host, int idmap)
{
	if (idmap != IDMAP_AUTO)
		return idmap == IDMAP_OWNER;
	return plan->userns.joined || !identity(host->uid_map, host->uid_map_count) ||
	       !identity(host->gid_map, host->gid_map_count);
}

static int write_map(int process, const char *file, const struct id_map *map, size_t count)
{
	struct text text = { 0 };
	int status = -1;

	for (size_t i = 0; i < count; i++)
		text_add(&text, "%u %u %u\n", map[i].inside, map[i].outside, map[i].count);
	if (text.failed)
		errno = ENOMEM;
	else
		status = write_file_at(process, file, text.data);
	text_free(&text);
	return status;
}

/* What the forked process does: nothing, until the launcher closes its end or dies. */
CHILD static void wait_for_end(int ends[2]) __attribute__((noreturn));

CHILD static void wait_for_end(int ends[2])
{
	char byte = 0;

	close(ends[1]);
	while (read(ends[0], &byte, 1) < 0 && errno == EINTR)
		;
	_exit(0);
}

struct maps {
	const struct id_map *uid, *gid;
	size_t uid_count, gid_count;
};

static int write_and_open(pid_t pid, const struct maps *maps)
{
	char path[32];
	AUTO_CLOSE int process = -1;

	format_text(path, sizeof(path), "/proc/%d", pid);
	process = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (process < 0 || write_map(process, "uid_map", maps->uid, maps->uid_count) ||
	    write_map(process, "gid_map", maps->gid, maps->gid_count))
		return -1;
	return openat(process, "ns/user", O_RDONLY | O_CLOEXEC);
}

/* A new user namespace with these maps. No SIGCHLD comes of it. */
static int open_mapped(const struct maps *maps)
{
	struct clone_args args = { .flags = CLONE_NEWUSER };
	int ends[2] = { -1, -1 };
	int userns = -1;
	int saved = 0;
	pid_t pid = -1;

	if (pipe2(ends, O_CLOEXEC))
		return -1;
	pid = sys_clone3(&args);
	if (pid == 0)
		wait_for_end(ends);
	if (pid > 0)
		userns = write_and_open(pid, maps);
	saved = errno;
	close(ends[0]);
	close(ends[1]);
	while (pid > 0 && waitpid(pid, NULL, __WALL) < 0 && errno == EINTR)
		;
	errno = saved;
	return userns;
}

/* The host's id that `id` inside stands for; `id` itself where there is no map. */
static uint32_t outside_of(const struct id_map *map, size_t count, uint32_t id)
{
	for (size_t i = 0; i < count; i++)
		if (id >= map[i].inside && id - map[i].inside < map[i].count)
			return map[i].outside + (id - map[i].inside);
	return id;
}

static int open_joined(const struct join_plan *join)
{
	for (size_t i = 0; i < join->count; i++)
		if (join->items[i].userns_fd >= 0)
			return fcntl(join->items[i].userns_fd, F_DUPFD_CLOEXEC, 0);
	errno = ENOENT;
	return -1;
}

int idmap_open(const struct plan *plan, const struct host *host, int idmap, const struct host_object *source,
	       struct error *err)
{
	const struct id_map uid = { source->uid, outside_of(host->uid_map, host->uid_map_count, plan->ids.uid), 1 };
	const struct id_map gid = { source->gid, outside_of(host->gid_map, host->gid_map_count, plan->ids.gid), 1 };
	const struct maps owner = { &uid, &gid, 1, 1 };
	const struct maps own = { host->uid_map, host->gid_map, host->uid_map_count, host->gid_map_count };
	int userns = -1;

	if (idmap == IDMAP_OWNER)
		userns = open_mapped(&owner);
	else
		userns = plan->userns.joined ? open_joined(&plan->join) : open_mapped(&own);
	if (userns < 0)
		return fail_errno_at(err, source->key, source->index, "cannot make an id map for the owners of %s",
				     source->path);
	return userns;
}

void idmap_builder(const struct plan *plan, const struct host *host, int idmap, uid_t *ret_uid, gid_t *ret_gid)
{
	bool owner = idmap == IDMAP_OWNER;

	*ret_uid = outside_of(host->uid_map, host->uid_map_count, owner ? plan->ids.uid : plan->userns.build_uid);
	*ret_gid = outside_of(host->gid_map, host->gid_map_count, owner ? plan->ids.gid : plan->userns.build_gid);
}
