/* look: what a process is to the kernel, collected by itself: for `compare`.
 *
 * Runs in two places, and is the same code in both: in a forked copy of the launcher, which is what the host gives a
 * program, and in the payload's process, in place of the exec, which is what the sandbox makes of it. It is no program
 * of the image's: an empty root, a filter and landlock leave it nothing to start and little to call. So it reads while
 * that is possible, at three moments of the confine column:
 *
 *   before attest   through the procfs that attest holds, out of sight: everything but what comes after. Ids,
 *                   capabilities and limits are the payload's already. A descriptor of /proc/self/status stays open,
 *                   under a number that the plan passes to the payload, so that attest finds nothing unplanned.
 *   before seccomp  with the payload's own eyes, landlock's rules included: which processes /proc shows.
 *   at the end      status, once more, from that descriptor: now no_new_privs, the mode of seccomp and the number of
 *                   filters are the payload's. That takes read(2); where the filter forbids it, what was read before
 *                   stands and `confined` is not set.
 *
 * All goes, as it was read, into memory that the launcher shares: no limit on the size of files is in its way, and no
 * pipe to be emptied. The launcher understands it (compare_facts.c). Failure is noted and no reason to stop.
 */
#include "run/look.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/file.h"
#include "base/format.h"

struct look *look_new(void)
{
	void *memory = mmap(NULL, sizeof(struct look), PROT_READ | PROT_WRITE,
			    MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (memory == MAP_FAILED)
		return NULL;
	((struct look *)memory)->used = 1; /* where sections that were never begun start: an empty text */
	return memory;
}

void look_free(struct look *look)
{
	if (look)
		(void)munmap(look, sizeof(*look));
}

const char *look_text(const struct look *look, enum look_section section)
{
	return look->data + look->parts[section].start;
}

/* ---- texts ----------------------------------------------------------------------------------- */

/* Every text ends in a NUL at `used` - 1 or behind it, as the memory was zero. */
CHILD static void begin(struct look *look, enum look_section section)
{
	look->parts[section].start = look->used;
	look->parts[section].error = 0;
}

CHILD static void end(struct look *look)
{
	if (look->used < LOOK_SIZE - 1)
		look->used++;
}

CHILD static size_t room(const struct look *look)
{
	return LOOK_SIZE - 1 - look->used;
}

CHILD static void add_line(struct look *look, const char *name, const char *value)
{
	if (strlen(name) + strlen(value) + 2 > room(look)) {
		look->full = true;
		return;
	}
	look->used += format_text(look->data + look->used, room(look), "%s %s\n", name, value);
}

/* Returns errno, or 0. */
CHILD static int add_all(struct look *look, int fd)
{
	ssize_t n = 0;

	while (room(look)) {
		n = read(fd, look->data + look->used, room(look));
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? errno : 0;
		look->used += (size_t)n;
	}
	look->full = true;
	return 0;
}

CHILD static void add_file(struct look *look, enum look_section section, int procfs, const char *path)
{
	AUTO_CLOSE int fd = openat(procfs, path, O_RDONLY | O_CLOEXEC);
	int error = errno;

	begin(look, section);
	look->parts[section].error = fd < 0 ? error : add_all(look, fd);
	end(look);
}

/* ---- directories of numbers: /proc, /proc/self/fd -------------------------------------------- */

struct entry {
	uint64_t ino;
	int64_t offset;
	unsigned short length;
	unsigned char type;
	char name[];
};

typedef void number_fn(struct look *look, int directory, const char *name);

CHILD static int each_number(struct look *look, int directory, number_fn *with)
{
	_Alignas(struct entry) char buffer[2048];
	long n = 0;

	while ((n = syscall(SYS_getdents64, directory, buffer, sizeof(buffer))) > 0)
		for (long at = 0; at < n;) {
			const struct entry *entry = (const void *)(buffer + at);

			if (entry->name[0] >= '0' && entry->name[0] <= '9')
				with(look, directory, entry->name);
			at += entry->length;
		}
	return n < 0 ? errno : 0;
}

CHILD static int number_of(const char *digits)
{
	int value = 0;

	for (; *digits >= '0' && *digits <= '9' && value < 100000000; digits++)
		value = value * 10 + (*digits - '0');
	return value;
}

CHILD static void add_link(struct look *look, int directory, const char *path, const char *name)
{
	char target[1024];
	ssize_t length = readlinkat(directory, path, target, sizeof(target) - 1);

	if (length < 0)
		return;
	target[length] = '\0';
	add_line(look, name, target);
}

CHILD static void add_descriptor(struct look *look, int directory, const char *name)
{
	int fd = number_of(name), flags = fcntl(fd, F_GETFD);

	if (flags >= 0 && !(flags & FD_CLOEXEC) && fd != look->placeholder)
		add_link(look, directory, name, name);
}

CHILD static void add_process(struct look *look, int directory, const char *name)
{
	char path[32], comm[64];

	(void)format_text(path, sizeof(path), "%s/comm", name);
	if (read_file_at(directory, path, comm, sizeof(comm)) < 0)
		comm[0] = '\0';
	comm[strcspn(comm, "\n")] = '\0';
	add_line(look, name, comm);
}

CHILD static void add_directory(struct look *look, enum look_section section, int directory, number_fn *with)
{
	int error = errno;

	begin(look, section);
	look->parts[section].error = directory < 0 ? error : each_number(look, directory, with);
	end(look);
}

/* ---- the three moments ----------------------------------------------------------------------- */

CHILD static void add_namespaces(struct look *look, int procfs)
{
	static const char *const names[] = { "cgroup", "ipc", "mnt", "net", "pid", "time", "user", "uts" };

	begin(look, LOOK_NAMESPACES);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		char path[32];

		(void)format_text(path, sizeof(path), "self/ns/%s", names[i]);
		add_link(look, procfs, path, names[i]);
	}
	end(look);
}

CHILD static void add_names(struct look *look)
{
	struct utsname names;

	begin(look, LOOK_NAMES);
	if (!uname(&names)) {
		add_line(look, "hostname", names.nodename);
		add_line(look, "domainname", names.domainname);
	}
	end(look);
}

CHILD static void hold_status(struct look *look, int procfs)
{
	AUTO_CLOSE int fd = openat(procfs, "self/status", O_RDONLY | O_CLOEXEC);

	if (fd >= 0)
		(void)dup2(fd, look->placeholder);
}

CHILD void look_around(struct look *look, int procfs)
{
	static const struct timespec pause = { .tv_nsec = 1000000 };
	AUTO_CLOSE int descriptors = openat(procfs, "self/fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	add_directory(look, LOOK_DESCRIPTORS, descriptors, add_descriptor);
	add_file(look, LOOK_STATUS, procfs, "self/status");
	add_file(look, LOOK_MOUNTS, procfs, "self/mountinfo");
	add_file(look, LOOK_CGROUP, procfs, "self/cgroup");
	add_file(look, LOOK_UID_MAP, procfs, "self/uid_map");
	add_file(look, LOOK_GID_MAP, procfs, "self/gid_map");
	add_file(look, LOOK_LIMITS, procfs, "self/limits");
	add_file(look, LOOK_INTERFACES, procfs, "self/net/dev");
	add_namespaces(look, procfs);
	add_names(look);
	hold_status(look, procfs);
	look->arrived = true;
	while (!look->released)
		(void)syscall(SYS_ppoll, NULL, 0, &pause, NULL, 0);
}

CHILD void look_at_processes(struct look *look)
{
	AUTO_CLOSE int procfs = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct statfs is;

	if (procfs >= 0 && (fstatfs(procfs, &is) || is.f_type != PROC_SUPER_MAGIC)) {
		fd_close(&procfs);
		errno = ENOENT;
	}
	add_directory(look, LOOK_PROCESSES, procfs, add_process);
}

/* Should: call read(2) and nothing else. */
CHILD void look_at_end(struct look *look)
{
	size_t before = look->used;

	if (add_all(look, look->placeholder) || look->used == before)
		return;
	look->parts[LOOK_STATUS].start = before;
	look->confined = true;
	end(look);
}
