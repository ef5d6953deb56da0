/* doctor_probe: tries the kernel's features one by one, each in a process of its own that is gone afterwards.
 *
 * Each probe does what the stages do, in small: a feature that is listed somewhere but refused by an outer sandbox, a
 * security module or a sysctl does not work, and only trying tells. An ordinary user's probes run in a user namespace
 * of their own, as the user's sandboxes do; root's in a mount namespace, where everything that is mounted stays. What a
 * probe makes is in namespaces and memory of its own process, and ends with it.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/keyctl.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/file.h"
#include "base/format.h"
#include "base/syscall.h"
#include "stage/userns.h"
#include "tell/doctor.h"

enum { LANDLOCK_VERSION = 1 };

/* ---- throw-away processes -------------------------------------------------------------------- */

bool doctor_in_child(void (*work)(const void *argument, void *output), const void *argument, void *output, size_t size)
{
	AUTO_CLOSE int mine = -1, theirs = -1;
	bool complete = false;
	pid_t pid = -1;
	int pair[2];

	memset(output, 0, size);
	if (pipe2(pair, O_CLOEXEC))
		return false;
	mine = pair[0];
	theirs = pair[1];
	pid = fork();
	if (pid < 0)
		return false;
	if (pid == 0) {
		work(argument, output);
		_exit(write_all(theirs, output, size) ? 1 : 0);
	}
	fd_close(&theirs);
	complete = !read_exactly(mine, output, size);
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
	return complete;
}

/* ---- small words ----------------------------------------------------------------------------- */

void probe_works(struct probe_result *ret, const char *detail)
{
	ret->works = true;
	(void)format_text(ret->detail, sizeof(ret->detail), "%s", detail);
}

void probe_broken(struct probe_result *ret, const char *what, const char *remedy)
{
	int error = errno;

	ret->works = false;
	(void)format_text(ret->detail, sizeof(ret->detail), "%s: %s", what, strerror(error));
	(void)format_text(ret->remedy, sizeof(ret->remedy), "%s", remedy);
}

void probe_missing(struct probe_result *ret, const char *what, const char *remedy)
{
	ret->works = false;
	(void)format_text(ret->detail, sizeof(ret->detail), "%s", what);
	(void)format_text(ret->remedy, sizeof(ret->remedy), "%s", remedy);
}

/* ---- namespaces ------------------------------------------------------------------------------ */

int probe_enter_userns(const struct caller *caller)
{
	char map[48];

	if (unshare(CLONE_NEWUSER) || write_file_at(AT_FDCWD, "/proc/self/setgroups", "deny"))
		return -1;
	(void)format_text(map, sizeof(map), "0 %u 1\n", caller->uid);
	if (write_file_at(AT_FDCWD, "/proc/self/uid_map", map))
		return -1;
	(void)format_text(map, sizeof(map), "0 %u 1\n", caller->gid);
	return write_file_at(AT_FDCWD, "/proc/self/gid_map", map);
}

/* Comes to where a sandbox of this caller would build its file system. */
static int enter_scratch(const struct caller *caller, int flags)
{
	struct mount_attr private = { .propagation = MS_PRIVATE };

	if (!caller->root && probe_enter_userns(caller))
		return -1;
	if (unshare(CLONE_NEWNS | flags))
		return -1;
	return sys_mount_setattr(AT_FDCWD, "/", AT_RECURSIVE, &private);
}

void doctor_try_userns(const struct profile *profile, const struct caller *caller, struct probe_result *ret)
{
	struct plan plan = { .caller = caller, .namespaces = { .user = true } };
	struct error err = { 0 };

	(void)profile;
	if (!userns_forbidden(caller->root, &err) && !probe_enter_userns(caller)) {
		if (!unshare(CLONE_NEWUTS))
			return probe_works(ret, "");
		return probe_broken(ret, "a namespace can be made, but gives no rights", OUTER);
	}
	if (!err.what[0])
		(void)userns_explain(&plan, errno, &err);
	(void)format_text(ret->detail, sizeof(ret->detail), "%s%s%s", err.what, err.sys_errno ? ": " : "",
			  err.sys_errno ? strerror(err.sys_errno) : "");
	(void)format_text(ret->remedy, sizeof(ret->remedy), "%s", err.remedy);
}

void doctor_try_clone3(const struct profile *profile, const struct caller *caller, struct probe_result *ret)
{
	struct clone_args args = { .exit_signal = SIGCHLD };
	pid_t pid = sys_clone3(&args);

	(void)profile;
	(void)caller;
	if (pid == 0)
		_exit(0);
	if (pid < 0)
		return probe_broken(ret, "clone3", OUTER);
	(void)waitpid(pid, NULL, 0);
	probe_works(ret, "");
}

void doctor_try_time(const struct profile *profile, const struct caller *caller, struct probe_result *ret)
{
	(void)profile;
	if ((!caller->root && probe_enter_userns(caller)) || unshare(CLONE_NEWTIME))
		return probe_broken(ret, "unshare", "use a kernel with CONFIG_TIME_NS");
	probe_works(ret, "");
}

/* ---- file system ----------------------------------------------------------------------------- */

void doctor_try_openat2(const struct profile *profile, const struct caller *caller, struct probe_result *ret)
{
	AUTO_CLOSE int fd = open_in_root(AT_FDCWD, "/", O_PATH | O_DIRECTORY, 0);

	(void)profile;
	(void)caller;
	if (fd < 0)
		return probe_broken(ret, "openat2", OUTER "; systemd's RestrictSUIDSGID= is such a filter");
	probe_works(ret, "");
}

static int new_mount(const char *type, const char *const options[][2])
{
	AUTO_CLOSE int fs = sys_fsopen(type, 0);

	if (fs < 0)
		return -1;
	for (; options && (*options)[0]; options++)
		if (sys_fsconfig(fs, (*options)[1] ? FSCONFIG_SET_STRING : FSCONFIG_SET_FLAG, (*options)[0],
				 (*options)[1], 0))
			return -1;
	if (sys_fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0))
		return -1;
	return sys_fsmount(fs, 0, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV);
}

/* An empty tmpfs over /tmp, in the probe's own mount namespace. */
static int cover_tmp(void)
{
	AUTO_CLOSE int mount = new_mount("tmpfs", NULL);

	return mount < 0 ? -1 : sys_move_mount(mount, "", AT_FDCWD, "/tmp", MOVE_MOUNT_F_EMPTY_PATH);
}

void doctor_try_mount_api(const struct profile *profile, const struct caller *caller, struct probe_result *ret)
{
	struct mount_attr read_only = { .attr_set = MOUNT_ATTR_RDONLY };
	AUTO_CLOSE int tree = -1;

	(void)profile;
	if (enter_scratch(caller, 0))
		return probe_broken(ret, "a mount namespace", OUTER);
	if (cover_tmp())
		return probe_broken(ret, "fsopen, fsmount, move_mount", OUTER);
	tree = sys_open_tree(AT_FDCWD, "/tmp", OPEN_TREE_CLONE);
	if (tree < 0 || sys_mount_setattr(tree, "", AT_EMPTY_PATH, &read_only))
		return probe_broken(ret, "open_tree, mount_setattr", OUTER);
	probe_works(ret, "");
}

/* The kernel refuses a procfs of a new pid namespace where every one in sight has parts covered. */
void doctor_try_proc(const struct profile *profile, const struct caller *caller, struct probe_result *ret)
{
	AUTO_CLOSE int mount = -1;
	pid_t pid = 0;
	int status = 0;

	(void)profile;
	if (enter_scratch(caller, CLONE_NEWPID))
		return probe_broken(ret, "a pid namespace", OUTER);
	pid = fork();
	if (pid == 0) {
		mount = new_mount("proc", NULL);
		_exit(mount < 0 ? errno : 0);
	}
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	errno = pid < 0 ? EAGAIN : WEXITSTATUS(status);
	if (errno)
		return probe_broken(ret, "a new procfs",
				    "an outer container covers parts of /proc: let it show all of it "
				    "(docker: --security-opt systempaths=unconfined)");
	probe_works(ret, "");
}

void doctor_try_overlay(const struct profile *profile, const struct caller *caller, struct probe_result *ret)
{
	const char *const options[][2] = { { "lowerdir", "/tmp/lower" },
					   { "upperdir", "/tmp/upper" },
					   { "workdir", "/tmp/work" },
					   { caller->root ? NULL : "userxattr", NULL },
					   { NULL, NULL } };
	AUTO_CLOSE int mount = -1;

	(void)profile;
	if (enter_scratch(caller, 0) || cover_tmp() || mkdir("/tmp/lower", 0755) || mkdir("/tmp/upper", 0755) ||
	    mkdir("/tmp/work", 0755))
		return probe_broken(ret, "a tmpfs to try on", OUTER);
	mount = new_mount("overlay", options);
	if (mount < 0)
		return probe_broken(ret, "overlay",
				    errno == ENODEV ? "sudo modprobe overlay"
						    : "use root.access = \"read-only\" with tmpfs mounts");
	probe_works(ret, "");
}

/* A user namespace to map owners through; the process in it waits for the end of `hold`. */
static int foreign_userns(void)
{
	struct clone_args args = { .flags = CLONE_NEWUSER, .exit_signal = SIGCHLD };
	AUTO_CLOSE int hold = -1, theirs = -1;
	char path[64], byte = 0;
	int pair[2], userns = -1;
	pid_t pid = 0;

	if (pipe2(pair, O_CLOEXEC))
		return -1;
	theirs = pair[0];
	hold = pair[1];
	pid = sys_clone3(&args);
	if (pid == 0) {
		fd_close(&hold);
		_exit((int)read(theirs, &byte, 1));
	}
	if (pid < 0)
		return -1;
	(void)format_text(path, sizeof(path), "/proc/%d/uid_map", pid);
	if (write_file_at(AT_FDCWD, path, "0 65536 1\n"))
		return -1;
	(void)format_text(path, sizeof(path), "/proc/%d/gid_map", pid);
	if (write_file_at(AT_FDCWD, path, "0 65536 1\n"))
		return -1;
	(void)format_text(path, sizeof(path), "/proc/%d/ns/user", pid);
	userns = open(path, O_RDONLY | O_CLOEXEC);
	fd_close(&hold);
	(void)waitpid(pid, NULL, 0);
	return userns;
}

/* Whether the owners of what lies at `source` can be mapped. What is not there is none of this probe's. */
static bool can_be_mapped(int userns, const char *source)
{
	struct mount_attr attr = { .attr_set = MOUNT_ATTR_IDMAP, .userns_fd = (unsigned)userns };
	AUTO_CLOSE int tree = sys_open_tree(AT_FDCWD, source, OPEN_TREE_CLONE);

	if (tree < 0)
		return errno == ENOENT;
	return !sys_mount_setattr(tree, "", AT_EMPTY_PATH, &attr);
}

static const char *idmapped_source(const struct mount *mount)
{
	if (mount->idmap == MOUNTS_IDMAP_NONE)
		return NULL;
	return mount->type == MOUNTS_TYPE_OVERLAY ? mount->lower.items[0] : mount->source;
}

/* Of each tree that the profile would map: it depends on the file system. */
void doctor_try_idmap(const struct profile *profile, const struct caller *caller, struct probe_result *ret)
{
	static const char reason[] = "its file system cannot be idmapped: move the tree to another, or say";
	const char *source = profile->root.idmap == ROOT_IDMAP_NONE ? NULL : profile->root.source;
	char remedy[ERROR_REMEDY_SIZE];
	AUTO_CLOSE int userns = -1;

	if (!caller->root)
		return probe_missing(ret, "for root only", "");
	userns = foreign_userns();
	if (userns < 0)
		return probe_broken(ret, "user namespace", "");
	(void)format_text(remedy, sizeof(remedy), "%s root.idmap = \"none\"", reason);
	if (source && !can_be_mapped(userns, source))
		return probe_broken(ret, source, remedy);
	for (size_t i = 0; i < profile->mounts.count; i++) {
		const struct mount *mount = &profile->mounts.items[i];

		source = idmapped_source(mount);
		(void)format_text(remedy, sizeof(remedy), "%s -s 'mounts[%s].idmap=none'", reason, mount->target);
		if (source && !can_be_mapped(userns, source))
			return probe_broken(ret, source, remedy);
	}
	probe_works(ret, "");
}

/* ---- privileges ------------------------------------------------------------------------------ */

void doctor_try_landlock(const struct profile *profile, const struct caller *caller, struct probe_result *ret)
{
	int abi = sys_landlock_create_ruleset(NULL, 0, LANDLOCK_VERSION);

	(void)profile;
	(void)caller;
	if (abi < 0)
		return probe_broken(ret, "landlock",
				    errno == EOPNOTSUPP ? "boot with `landlock` in lsm="
							: "use a kernel with CONFIG_SECURITY_LANDLOCK");
	ret->works = true;
	(void)format_text(ret->detail, sizeof(ret->detail), "ABI %d", abi);
}

void doctor_try_seccomp(const struct profile *profile, const struct caller *caller, struct probe_result *ret)
{
	uint32_t action = SECCOMP_RET_KILL_PROCESS;

	(void)profile;
	(void)caller;
	if (sys_seccomp(SECCOMP_GET_ACTION_AVAIL, 0, &action))
		return probe_broken(ret, "seccomp", "use a kernel with CONFIG_SECCOMP_FILTER");
	probe_works(ret, "");
}

void doctor_try_keyring(const struct profile *profile, const struct caller *caller, struct probe_result *ret)
{
	(void)profile;
	(void)caller;
	if (sys_keyctl(KEYCTL_JOIN_SESSION_KEYRING, 0) >= 0)
		return probe_works(ret, "");
	if (errno == ENOSYS)
		return probe_works(ret, "the kernel has no keys, so none can leak");
	probe_broken(ret, "a fresh session keyring", errno == EDQUOT ? "raise kernel.keys.maxkeys" : OUTER);
}

/* ---- ids ------------------------------------------------------------------------------------- */

void doctor_try_subuid(const struct profile *profile, const struct caller *caller, struct probe_result *ret)
{
	struct userns_facts facts = { 0 };
	struct arena arena = { 0 };
	struct error err = { 0 };

	(void)profile;
	if (userns_read_subids(&arena, caller->uid, &facts, &err))
		return probe_missing(ret, err.what, "");
	if (facts.subuid.count && facts.subgid.count) {
		ret->works = true;
		(void)format_text(ret->detail, sizeof(ret->detail), "%u..%u", facts.subuid.items[0].start,
				  facts.subuid.items[0].start + (facts.subuid.items[0].count - 1));
		return;
	}
	probe_missing(ret, "/etc/subuid or /etc/subgid has no range for this user", "");
	(void)format_text(ret->remedy, sizeof(ret->remedy),
			  "sudo usermod --add-subuids 100000-165535 --add-subgids 100000-165535 %s",
			  facts.user ? facts.user : "USER");
}

void doctor_try_newuidmap(const struct profile *profile, const struct caller *caller, struct probe_result *ret)
{
	struct arena arena = { 0 };
	const char *path = userns_find_helper(&arena, "newuidmap");

	(void)profile;
	(void)caller;
	if (path && userns_find_helper(&arena, "newgidmap"))
		return probe_works(ret, path);
	probe_missing(
		ret, "not installed",
		"install uidmap (Debian, Ubuntu), shadow-utils (Fedora), shadow (Arch) or shadow-uidmap (Alpine)");
}

/* ---- cgroups --------------------------------------------------------------------------------- */

/* What there is; whether a leaf can be made there the launch below tells. */
void doctor_try_cgroup(const struct profile *profile, const struct caller *caller, struct probe_result *ret)
{
	static const char *const files[] = { "/sys/fs/cgroup/cgroup.controllers",
					     "/sys/fs/cgroup/unified/cgroup.controllers" };
	static const char *const controllers[] = { "memory", "cpu", "cpuset", "pids", "blkio", "devices", "freezer" };
	char text[128] = "", path[64];
	size_t length = 0;

	(void)profile;
	(void)caller;
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
		if (read_file_at(AT_FDCWD, files[i], text, sizeof(text)) > 0) {
			text[strcspn(text, "\n")] = '\0';
			length += format_text(ret->detail + length, sizeof(ret->detail) - length, "%sv2: %s",
					      length ? "; " : "", text);
		}
	for (size_t i = 0, found = 0; i < sizeof(controllers) / sizeof(controllers[0]); i++) {
		(void)format_text(path, sizeof(path), "/sys/fs/cgroup/%s/cgroup.procs", controllers[i]);
		if (access(path, F_OK) || length >= sizeof(ret->detail) - 32)
			continue;
		length += format_text(ret->detail + length, sizeof(ret->detail) - length, "%s%s",
				      found++  ? " "
				      : length ? "; v1: "
					       : "v1: ",
				      controllers[i]);
	}
	ret->works = length > 0;
	if (!ret->works)
		probe_missing(ret, "no hierarchy is mounted on /sys/fs/cgroup",
			      "mount one: sudo mount -t cgroup2 none /sys/fs/cgroup");
}
