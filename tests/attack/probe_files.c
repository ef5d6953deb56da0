/* Attempts on procfs, sysfs, mounts and the file tree. */
#include "probe.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <linux/mount.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/klog.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

/* #11 */
static enum outcome core_pattern(void)
{
	return try_open("/proc/sys/kernel/core_pattern", O_WRONLY);
}

static char writable[256];

static int try_writable(const char *path, const struct stat *st, int type, struct FTW *where)
{
	int fd = -1;

	(void)where;
	if (type != FTW_F || !S_ISREG(st->st_mode))
		return 0;
	fd = open(path, O_WRONLY | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		return 0;
	close(fd);
	(void)snprintf(writable, sizeof(writable), "%s", path);
	return 1;
}

static enum outcome walk_writable(const char *top)
{
	if (nftw(top, try_writable, 32, FTW_PHYS) > 0) {
		detail("%s opens for writing", writable);
		return OPEN;
	}
	detail("nothing below %s opens for writing", top);
	return BLOCKED;
}

/* #12 */
static enum outcome procsys_walk(void)
{
	return walk_writable("/proc/sys");
}

/* #26 */
static enum outcome sysfs_write(void)
{
	return walk_writable("/sys");
}

/* #13, #14, #28: what /proc tells or takes. A file that is masked reads as empty. */
static enum outcome proc_files(void)
{
	static const char *const files[] = { "kcore",         "kmsg",       "keys",       "timer_list", "sched_debug",
					     "latency_stats", "interrupts", "iomem",      "ioports",    "config.gz",
					     "vmallocinfo",   "slabinfo",   "kpagecount", "kpageflags", "modules" };
	char path[64];
	char byte = 0;

	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		int fd = -1;

		(void)snprintf(path, sizeof(path), "/proc/%s", files[i]);
		fd = open(path, O_RDONLY | O_NONBLOCK);
		if (fd >= 0 && read(fd, &byte, 1) > 0)
			return judge(0, path);
	}
	if (try_open("/proc/sysrq-trigger", O_WRONLY) == OPEN)
		return OPEN;
	return try_open("/proc/sys/fs/binfmt_misc/register", O_WRONLY);
}

/* #15 */
static enum outcome kallsyms(void)
{
	char byte = 0;
	int fd = open("/proc/kallsyms", O_RDONLY);

	return judge(fd >= 0 && read(fd, &byte, 1) > 0 ? 0 : -1, "read /proc/kallsyms");
}

/* #16 */
static enum outcome dmesg(void)
{
	char buffer[128];

	return judge(klogctl(3, buffer, sizeof(buffer)), "syslog(3)");
}

/* #17: taking a mount away shows what lies below it. In the control this runs in a mount namespace of its own. */
static enum outcome umount_proc(void)
{
	if (!umount2("/proc", MNT_DETACH))
		return judge(0, "umount /proc");
	return judge(umount2("/proc/sys", MNT_DETACH), "umount /proc/sys");
}

/* #18 */
static enum outcome remount(void)
{
	if (!mount(NULL, "/", NULL, MS_REMOUNT | MS_BIND, NULL))
		return judge(0, "remount / writable");
	return judge(mount(NULL, "/proc", NULL, MS_REMOUNT | MS_BIND, NULL), "remount /proc");
}

/* #19 */
static enum outcome move_proc(void)
{
	return judge(mount("/proc", "/tmp", NULL, MS_MOVE, NULL), "move /proc");
}

/* #21 */
static enum outcome fresh_proc(void)
{
	return judge(mount("proc", "/tmp", "proc", 0, NULL), "mount proc on /tmp");
}

static enum outcome fresh_tmpfs(void)
{
	return judge(mount("tmpfs", "/tmp", "tmpfs", 0, NULL), "mount tmpfs on /tmp");
}

/* #51: every call of the new mount interface. EPERM and ENOSYS are refusals, any other answer is a way in. */
static enum outcome new_mount_api(void)
{
	static const struct {
		const char *name;
		long number;
	} calls[] = {
		{ "open_tree", 428 }, { "move_mount", 429 },     { "fsopen", 430 },        { "fsconfig", 431 },
		{ "fsmount", 432 },   { "fspick", 433 },         { "mount_setattr", 442 }, { "statmount", 457 },
		{ "listmount", 458 }, { "open_tree_attr", 467 },
	};

	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++)
		if (syscall(calls[i].number, -1L, 0L, 0L, 0L, 0L, 0L) >= 0 || (errno != EPERM && errno != ENOSYS)) {
			detail("%s: %s", calls[i].name, strerror(errno));
			return OPEN;
		}
	detail("all refused");
	return BLOCKED;
}

/* #41 */
static enum outcome make_device(void)
{
	if (!mknod("/tmp/probe.null", S_IFCHR | 0666, makedev(1, 3)))
		return judge(unlink("/tmp/probe.null"), "mknod c 1:3");
	return judge(-1, "mknod c 1:3");
}

/* #42 */
static enum outcome open_by_handle(void)
{
	struct {
		struct file_handle head;
		unsigned char bytes[128];
	} handle = { .head.handle_bytes = 128 };
	int mount_id = 0;
	int fd = -1;

	if (name_to_handle_at(AT_FDCWD, "/", &handle.head, &mount_id, 0))
		return judge(-1, "name_to_handle_at");
	fd = open("/", O_RDONLY);
	return judge(open_by_handle_at(fd, &handle.head, O_RDONLY), "open_by_handle_at");
}

/* #43: the classic way out: chroot deeper while the working directory stays above. */
static enum outcome chroot_break(void)
{
	(void)mkdir("/tmp/probe.deep", 0700);
	if (chroot("/tmp/probe.deep"))
		return judge(-1, "chroot");
	for (int i = 0; i < 64; i++)
		if (chdir(".."))
			break;
	if (chroot("."))
		return judge(-1, "chroot .");
	return try_open(bait("canary"), O_RDONLY);
}

/* #44: nothing in the mount table may come from the host's; the bait names a mount of the host. */
static enum outcome oldroot_left(void)
{
	char line[4096];
	FILE *table = fopen("/proc/self/mountinfo", "re");

	if (!table)
		return judge(-1, "mountinfo");
	while (fgets(line, sizeof(line), table))
		if (strstr(line, bait("mount"))) {
			detail("%.200s", line);
			return OPEN;
		}
	detail("no %s", bait("mount"));
	return BLOCKED;
}

/* A host file by its path: what was not mounted is not there. */
static enum outcome canary(void)
{
	return try_open(bait("canary"), O_RDONLY);
}

/* #45 */
static enum outcome ro_write(void)
{
	static const char *const places[] = { "/probe.new", "/usr/probe.new", "/etc/probe.new", "/bin/probe.new",
					      "/dev/probe.new" };

	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		int fd = open(places[i], O_WRONLY | O_CREAT | O_EXCL, 0600);

		if (fd >= 0) {
			(void)unlink(places[i]);
			return judge(fd, places[i]);
		}
	}
	return judge(-1, "create in / /usr /etc /bin /dev");
}

/* #31 */
static enum outcome cgroup_path(void)
{
	char line[512];
	FILE *file = fopen("/proc/self/cgroup", "re");

	if (!file)
		return judge(-1, "/proc/self/cgroup");
	while (fgets(line, sizeof(line), file)) {
		const char *path = strrchr(line, ':');

		if (path && strcmp(path, ":/\n") != 0) {
			detail("%.200s", line);
			return OPEN;
		}
	}
	detail("every path is /");
	return BLOCKED;
}

/* #109, #110 */
static enum outcome cgroup_write(void)
{
	if (try_open("/sys/fs/cgroup/memory/release_agent", O_WRONLY) == OPEN ||
	    try_open("/sys/fs/cgroup/cgroup.procs", O_WRONLY) == OPEN)
		return OPEN;
	if (!mount("cgroup", "/tmp", "cgroup", 0, "memory"))
		return try_open("/tmp/release_agent", O_WRONLY);
	return judge(mount("cgroup2", "/tmp", "cgroup2", 0, NULL), "mount cgroup2");
}

/* #87: the host's sockets in /run. */
static enum outcome run_sockets(void)
{
	static const char *const paths[] = { "/run/docker.sock", "/run/dbus/system_bus_socket", "/run/systemd/private",
					     "/run/udev" };

	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++)
		if (!access(paths[i], F_OK))
			return judge(0, paths[i]);
	return judge(access(bait("run"), F_OK), bait("run"));
}

const struct probe file_probes[] = {
	{ "core_pattern", core_pattern },
	{ "procsys_walk", procsys_walk },
	{ "sysfs_write", sysfs_write },
	{ "proc_files", proc_files },
	{ "kallsyms", kallsyms },
	{ "dmesg", dmesg },
	{ "umount_proc", umount_proc },
	{ "remount", remount },
	{ "move_proc", move_proc },
	{ "fresh_proc", fresh_proc },
	{ "fresh_tmpfs", fresh_tmpfs },
	{ "new_mount_api", new_mount_api },
	{ "make_device", make_device },
	{ "open_by_handle", open_by_handle },
	{ "chroot_break", chroot_break },
	{ "oldroot_left", oldroot_left },
	{ "canary", canary },
	{ "ro_write", ro_write },
	{ "cgroup_path", cgroup_path },
	{ "cgroup_write", cgroup_write },
	{ "run_sockets", run_sockets },
	{ 0 },
};
