/* outside: mounts that the launcher makes for its child. Helper of root and mounts.
 *
 * Runs in the launcher, in the host phase. Where the launcher is root and the sandbox has a user namespace, the child
 * is nobody on the host: it cannot reach a source below a closed directory such as /root, may not map owners, may not
 * leave out what is mounted below a source, and on kernels before 6.6 cannot stack an overlay on a tmpfs. The launcher
 * can do all of that, and passes each mount on detached. In every other case the child makes its mounts itself.
 *
 * A copy of a tree is made straight from the launcher's mount namespace, which is not changed. An overlay wants its
 * layers attached, which is done in a mount namespace that lives as long as the call: a process that shares memory and
 * descriptors with the launcher enters it, while the launcher stands still (clone(2), CLONE_VFORK), and leaves the
 * finished mount behind. Detached mounts die with their descriptors: nothing to undo.
 */
#include "stage/filesystem.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/securebits.h>
#include <sched.h>
#include <sys/fsuid.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/syscall.h"

enum { STACK_SIZE = 256 * 1024 };

struct job {
	const struct outside *outside;
	int userns;
	uid_t uid; /* owner of what overlayfs makes for itself: an idmapped layer takes mapped owners only */
	gid_t gid;
	int mount;
	struct error *err;
};

static int clone_source(const struct outside *outside, int userns, struct error *err)
{
	const struct host_object *source = outside->source;
	AUTO_CLOSE int fd = host_object_open(source, err);
	AUTO_CLOSE int mount = -1;

	if (fd < 0)
		return -1;
	mount = mount_clone(fd, outside->recursive);
	if (mount < 0)
		return fail_errno_at(err, source->key, source->index, "cannot copy the mount of %s", source->path);
	if (userns >= 0 && mount_idmap(mount, userns, outside->recursive)) {
		fail_errno_at(err, outside->idmap_key, source->index, "cannot map the owners of %s", source->path);
		error_remedy(
			err,
			"its file system, or one mounted below it, has no idmapped mounts: write idmap = \"none\", "
			"or give the files to the ids of the map");
		return error_exit(err, EXIT_OF_HOST);
	}
	if (mount_restrict(mount, outside->attributes, outside->propagation, outside->recursive))
		return fail_errno_at(err, source->key, source->index, "cannot set the attributes of the mount of %s",
				     source->path);
	return TAKE_FD(mount);
}

/* Files are made as another user from here on, with all capabilities kept (capabilities(7), setfsuid(2)); the
 * launcher, another process with credentials of its own, is not affected. */
CHILD static int make_files_as(uid_t uid, gid_t gid)
{
	if (prctl(PR_SET_SECUREBITS, SECBIT_NO_SETUID_FIXUP, 0, 0, 0))
		return -1;
	(void)setfsgid(gid);
	(void)setfsuid(uid);
	/* They tell the id that holds, never an error. */
	if ((gid_t)setfsgid(gid) == gid && (uid_t)setfsuid(uid) == uid)
		return 0;
	errno = EPERM;
	return -1;
}

/* The process in the mount namespace of its own. What it opens the launcher has too; it closes all but the mount. */
CHILD static int stack_layers(void *argument)
{
	struct job *job = argument;
	const struct overlay_plan *overlay = job->outside->overlay;
	const struct tmpfs tmpfs = { .size = OUTSIDE_STAGING, .inodes = 1024, .mode = 0700 };
	AUTO_CLOSE int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	AUTO_CLOSE int descriptors = open("/proc/self/fd", O_PATH | O_DIRECTORY | O_CLOEXEC);
	AUTO_CLOSE int staging = tmpfs_new(&tmpfs);
	const struct overlay_site site = {
		.staging = staging, .descriptors = descriptors, .userns = job->userns, .name = "overlay"
	};

	if (root < 0 || descriptors < 0 || staging < 0 || mount_restrict(root, 0, MS_PRIVATE, true) ||
	    mount_attach(staging, root) || (job->userns >= 0 && make_files_as(job->uid, job->gid)))
		fail_errno_at(job->err, overlay->key, overlay->index, "cannot make a place for the overlay's layers");
	else
		job->mount = overlay_mount(overlay, &site, job->outside->attributes, job->err);
	return 0;
}

static int run_job(struct job *job)
{
	const struct overlay_plan *overlay = job->outside->overlay;
	char *stack = mmap(NULL, STACK_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
	pid_t pid = -1;

	if (stack == MAP_FAILED)
		return fail_errno(job->err, 0, "cannot get memory");
	pid = clone(stack_layers, stack + STACK_SIZE, CLONE_VM | CLONE_VFORK | CLONE_FILES | CLONE_NEWNS, job);
	if (pid < 0)
		fail_errno_at(job->err, overlay->key, overlay->index, "cannot make a mount namespace for the overlay");
	while (pid > 0 && waitpid(pid, NULL, __WALL) < 0 && errno == EINTR)
		;
	(void)munmap(stack, STACK_SIZE);
	return job->mount;
}

int outside_mount(const struct outside *outside, struct error *err)
{
	const struct host_object *source = outside->source ? outside->source : &outside->overlay->lower[0];
	AUTO_CLOSE int userns = -1;
	struct job job = { .outside = outside, .mount = -1, .err = err };

	if (idmap_needed(outside->plan, outside->host, outside->idmap)) {
		userns = idmap_open(outside->plan, outside->host, outside->idmap, source, err);
		if (userns < 0)
			return -1;
	}
	if (outside->source)
		return clone_source(outside, userns, err);
	job.userns = userns;
	idmap_builder(outside->plan, outside->host, outside->idmap, &job.uid, &job.gid);
	return run_job(&job);
}
