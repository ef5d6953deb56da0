/* cgroup_leaf: the life of one sandbox's cgroup directory in one hierarchy.
 *
 * Runs in the launcher, in host and undo, and in `sandbox gc`.
 *
 * Whose directory is it? There is no list of live sandboxes that could be wrong. The launcher holds flock(2) on the
 * leaf's own directory for as long as it lives; when it is gone, however it went, the kernel drops the lock, and
 * whoever gets it next may empty and remove the directory: a sandbox without its launcher is dying or dead. Two marks
 * say that a directory is ours at all: its name (`sandbox`, below it 16 hexadecimal digits) and the sticky bit, which
 * nobody else sets on a cgroup and which has no effect there. Leaves are not readable for others, who could otherwise
 * open and lock them; they can be searched, so that a cgroup file system inside the sandbox serves its payload.
 *
 * Races, all ending in another try with another name: between our mkdir and our lock somebody may find the leaf
 * unlocked and remove it (the inode is compared after locking); somebody who was last may remove the parent that we
 * have just found (every call below it then says ENOENT or ENODEV). Nothing is lost: what is removed is empty.
 *
 * Removal never walks a path: every step is relative to a held descriptor of a directory that was made by us or found
 * locked and marked. A cgroup with processes cannot be removed; they are killed first: v2 by cgroup.kill; v1 by signals
 * to what cgroup.procs lists, frozen meanwhile if it is the freezer's hierarchy. What fork keeps alive is met again in
 * the next of a bounded number of rounds.
 *
 * Needs: flock on directories of cgroup file systems, cgroup.kill (Linux 5.14).
 */
#include "stage/cgroup_leaf.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/file.h"
#include "base/format.h"
#include "base/parse.h"
#include "base/syscall.h"

enum {
	MAKE_TRIES = 256,
	PARENT_MODE = S_ISVTX | 0755,
	LEAF_MODE = S_ISVTX | 0711,
	DEPTH_MAX = 32, /* of cgroups that the payload may have made below its own */
};

#define REMOVE_NSEC (5 * NSEC_PER_SEC) /* how long a leaf may take to become empty after its processes were killed */
#define PAUSE_NSEC_MIN (NSEC_PER_SEC / 20000)
#define PAUSE_NSEC_MAX (NSEC_PER_SEC / 50)

static const int directory_flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;

bool cgroup_is_leaf_name(const char *name)
{
	return strspn(name, "0123456789abcdef") == CGROUP_NAME_LENGTH && !name[CGROUP_NAME_LENGTH];
}

static bool is_ours(const struct stat *status)
{
	return status->st_mode & S_ISVTX && (status->st_uid == geteuid() || geteuid() == 0);
}

int cgroup_lock(int parent, const char *name)
{
	AUTO_CLOSE int fd = openat(parent, name, directory_flags);
	struct stat opened, named;

	if (fd < 0 || fstat(fd, &opened))
		return -1;
	if (!is_ours(&opened)) {
		errno = EPERM;
		return -1;
	}
	if (flock(fd, LOCK_EX | LOCK_NB) || fstatat(parent, name, &named, AT_SYMLINK_NOFOLLOW))
		return -1;
	if (opened.st_ino != named.st_ino) {
		errno = ENOENT;
		return -1;
	}
	return TAKE_FD(fd);
}

/* ---- killing ---------------------------------------------------------------------------------------------------- */

/* The numbers that fit; a number that the buffer's end cuts off is left for the next round. */
static int read_pids(int procs, char *text, size_t size)
{
	ssize_t length = pread(procs, text, size - 1, 0);

	if (length < 0)
		return -1;
	while (length > 0 && text[length - 1] != '\n')
		length--;
	text[length] = '\0';
	return 0;
}

static bool lists(const char *text, uint64_t wanted)
{
	uint64_t pid = 0;

	while ((text = parse_next(text, &pid)))
		if (pid == wanted)
			return true;
	return false;
}

/* A number may have been given to a stranger since it was read. The pidfd is opened first and the list read again
 * after: what is still listed then was ours when the pidfd was opened, or is dead and the signal goes nowhere. */
static void kill_one(int procs, uint64_t pid)
{
	char again[4096];
	int pidfd = sys_pidfd_open((pid_t)pid, 0);

	if (pidfd < 0)
		return;
	if (!read_pids(procs, again, sizeof(again)) && lists(again, pid))
		(void)sys_pidfd_send_signal(pidfd, SIGKILL);
	close(pidfd);
}

/* One round over what `procs` (cgroup.procs, open for reading) lists. Returns how many it listed beside the caller. */
static int kill_listed(int procs)
{
	char text[4096];
	const char *at = text;
	uint64_t pid = 0;
	int count = 0;

	if (read_pids(procs, text, sizeof(text)))
		return 0;
	while ((at = parse_next(at, &pid))) {
		if (pid == 0 || pid == (uint64_t)getpid())
			continue;
		kill_one(procs, pid);
		count++;
	}
	return count;
}

/* Everything right in this directory and, on v2, below it. */
static void kill_in(int directory)
{
	AUTO_CLOSE int procs = -1;
	bool frozen = false;

	if (!write_file_at(directory, "cgroup.kill", "1"))
		return;
	procs = openat(directory, "cgroup.procs", O_RDONLY | O_CLOEXEC);
	if (procs < 0)
		return;
	frozen = !write_file_at(directory, "freezer.state", "FROZEN");
	(void)kill_listed(procs);
	if (frozen)
		(void)write_file_at(directory, "freezer.state", "THAWED");
}

/* ---- removing --------------------------------------------------------------------------------------------------- */

static void empty(int directory, int depth);

static void remove_below(int directory, const char *name, int depth)
{
	AUTO_CLOSE int fd = -1;

	if (!unlinkat(directory, name, AT_REMOVEDIR))
		return;
	fd = openat(directory, name, directory_flags);
	if (fd < 0)
		return;
	empty(fd, depth);
	(void)unlinkat(directory, name, AT_REMOVEDIR);
}

/* Kills what is in this cgroup and removes the cgroups below it, deepest first. */
static void empty(int directory, int depth)
{
	int copy = openat(directory, ".", directory_flags);
	DIR *entries = copy < 0 ? NULL : fdopendir(copy);
	struct dirent *entry = NULL;

	kill_in(directory);
	while (entries && (entry = readdir(entries)))
		if (entry->d_type == DT_DIR && entry->d_name[0] != '.' && depth < DEPTH_MAX)
			remove_below(directory, entry->d_name, depth + 1);
	if (entries)
		closedir(entries);
}

int cgroup_remove(int parent, const char *name, int directory)
{
	int64_t end = clock_now() + REMOVE_NSEC;
	struct timespec pause = { .tv_nsec = PAUSE_NSEC_MIN };

	while (unlinkat(parent, name, AT_REMOVEDIR)) {
		if (errno == ENOENT)
			return 0;
		if ((errno != EBUSY && errno != ENOTEMPTY) || clock_now() > end)
			return -1;
		empty(directory, 0);
		(void)nanosleep(&pause, NULL);
		if (pause.tv_nsec < PAUSE_NSEC_MAX)
			pause.tv_nsec *= 2;
	}
	return 0;
}

/* ---- making ----------------------------------------------------------------------------------------------------- */

static int new_name(struct cgroup_made *made)
{
	uint64_t number = 0;

	if (getrandom(&number, sizeof(number), 0) != sizeof(number))
		return -1;
	for (int i = 0; i < CGROUP_NAME_LENGTH; i++, number >>= 4)
		made->name[i] = "0123456789abcdef"[number & 15];
	return 0;
}

/* v1: a cpuset that has no CPUs or memory nodes yet takes its parent's. */
static int fill_cpuset(int from, int to, const char *file)
{
	char text[4096];

	if (read_file_at(to, file, text, sizeof(text)) < 0)
		return -1;
	if (text[0] && text[0] != '\n')
		return 0;
	if (read_file_at(from, file, text, sizeof(text)) < 0)
		return -1;
	return write_file_at(to, file, text);
}

static int move_companion(const struct cgroup_made *made, int to, const char *procs)
{
	char pid[16];

	format_text(pid, sizeof(pid), "%d", made->leaf->companion);
	return made->leaf->companion ? write_file_at(to, procs, pid) : 0;
}

/* What must hold before leaves can be made in the parent. */
static int prepare_parent(struct cgroup_made *made)
{
	const struct cgroup_leaf *leaf = made->leaf;

	if (leaf->move_launcher && !made->launcher_moved) {
		if (mkdirat(made->parent, CGROUP_LAUNCHER, PARENT_MODE) && errno != EEXIST)
			return -1;
		if (write_file_at(made->parent, CGROUP_LAUNCHER "/cgroup.procs", "0"))
			return -1;
		made->launcher_moved = true;
		if (move_companion(made, made->parent, CGROUP_LAUNCHER "/cgroup.procs"))
			return -1;
	}
	if (leaf->enable_base[0]) {
		if (write_file_at(made->base, "cgroup.subtree_control", leaf->enable_base))
			return -1;
		made->base_enabled = true;
	}
	if (leaf->enable[0] && write_file_at(made->parent, "cgroup.subtree_control", leaf->enable))
		return -1;
	if (leaf->cpuset && (fill_cpuset(made->base, made->parent, "cpuset.cpus") ||
			     fill_cpuset(made->base, made->parent, "cpuset.mems")))
		return -1;
	return 0;
}

static int try_make(struct cgroup_made *made)
{
	if (mkdirat(made->base, CGROUP_PARENT, PARENT_MODE) && errno != EEXIST)
		return -1;
	made->parent = openat(made->base, CGROUP_PARENT, directory_flags);
	if (made->parent < 0 || prepare_parent(made) || mkdirat(made->parent, made->name, LEAF_MODE))
		return -1;
	made->directory = cgroup_lock(made->parent, made->name);
	if (made->directory >= 0)
		return fchmod(made->directory, LEAF_MODE); /* whatever the umask took */
	return -1;
}

int cgroup_make(struct cgroup_made *made, const char *id, struct error *err)
{
	const char *base = made->leaf->base_path;

	format_text(made->name, sizeof(made->name), "%s", id);
	made->base = open(base, directory_flags);
	if (made->base < 0)
		return fail_errno(err, K_CGROUP, "cannot open the cgroup %s", base);
	for (int try = 0; try_make(made); try++) {
		bool raced = errno == ENOENT || errno == ENODEV || errno == EEXIST || errno == EWOULDBLOCK;

		if (!raced || try == MAKE_TRIES)
			return fail_errno(err, K_CGROUP, "cannot make the cgroup %s/%s/%s", base, CGROUP_PARENT,
					  made->name);
		fd_close(&made->directory);
		fd_close(&made->parent);
		if (new_name(made))
			return fail_errno(err, K_CGROUP, "cannot make a random name");
	}
	return 0;
}

/* "+cpu +io" becomes "-cpu -io". */
static void disable(int directory, const char *enabled)
{
	char text[256];

	format_text(text, sizeof(text), "%s", enabled);
	for (char *at = text; *at; at++)
		if (*at == '+')
			*at = '-';
	if (text[0])
		(void)write_file_at(directory, "cgroup.subtree_control", text);
}

/* Back into base, which must pass nothing down before it can hold a process again. */
static int move_launcher_back(struct cgroup_made *made)
{
	disable(made->parent, made->leaf->enable);
	if (made->base_enabled)
		disable(made->base, made->leaf->enable_base);
	if (write_file_at(made->base, "cgroup.procs", "0") || move_companion(made, made->base, "cgroup.procs"))
		return -1;
	made->launcher_moved = false;
	return cgroup_remove(made->parent, CGROUP_LAUNCHER, -1);
}

/* The last one out removes the parent, unless somebody else made it. Others in it may be left-overs: a few are looked
 * at. */
static void remove_parent(struct cgroup_made *made)
{
	enum { SIBLINGS_LOOKED_AT = 8 };
	struct stat status;
	size_t left = 0;

	if (fstat(made->parent, &status) || !is_ours(&status))
		return;
	if (!unlinkat(made->base, CGROUP_PARENT, AT_REMOVEDIR) || (errno != EBUSY && errno != ENOTEMPTY))
		return;
	cgroup_sweep(made->parent, SIBLINGS_LOOKED_AT, &left);
	(void)unlinkat(made->base, CGROUP_PARENT, AT_REMOVEDIR);
}

int cgroup_unmake(struct cgroup_made *made)
{
	int status = 0;

	if (made->directory >= 0)
		status = cgroup_remove(made->parent, made->name, made->directory);
	if (made->launcher_moved && move_launcher_back(made))
		status = -1;
	if (made->parent >= 0)
		remove_parent(made);
	fd_close(&made->directory);
	fd_close(&made->parent);
	fd_close(&made->base);
	return status;
}

/* ---- limits ----------------------------------------------------------------------------------------------------- */

static void trim(char *text)
{
	size_t length = strlen(text);

	while (length && (text[length - 1] == '\n' || text[length - 1] == ' '))
		length--;
	text[length] = '\0';
}

/* Reads back what the kernel made of a write. */
static int read_back(const struct cgroup_made *made, const struct cgroup_write *write, int fd, char *text, size_t size)
{
	ssize_t length = 0;

	if (write->effective)
		return read_file_at(made->directory, write->effective, text, size) < 0 ? -1 : 0;
	length = pread(fd, text, size - 1, 0);
	if (length < 0)
		return -1;
	text[length] = '\0';
	return 0;
}

/* 0 done, 1 there is no such file, -1 failed. */
static int write_one(const struct cgroup_made *made, const struct cgroup_write *write, struct error *err)
{
	bool check = write->check != CGROUP_CHECK_NONE;
	AUTO_CLOSE int fd = openat(made->directory, write->file,
				   (check && !write->effective ? O_RDWR : O_WRONLY) | O_CLOEXEC | O_NOFOLLOW);
	char parents[4096], text[4096];
	const char *value = write->value;

	if (fd < 0 && errno == ENOENT)
		return 1;
	if (!value) {
		if (read_file_at(made->parent, write->file, parents, sizeof(parents)) < 0)
			return fail_errno_at(err, write->key, write->element - 1, "cannot read the parent's %s",
					     write->file);
		trim(parents);
		value = parents;
	}
	if (fd < 0 || pwrite(fd, value, strlen(value), 0) != (ssize_t)strlen(value))
		return fail_errno_at(err, write->key, write->element - 1, "cannot set %s to %s in %s/%s/%s",
				     write->file, value, made->leaf->base_path, CGROUP_PARENT, made->name);
	if (!check)
		return 0;
	if (read_back(made, write, fd, text, sizeof(text)))
		return fail_errno_at(err, write->key, write->element - 1, "cannot read %s back", write->file);
	trim(text);
	if (cgroup_same(write->check, value, text))
		return 0;
	return fail_at(err, write->key, write->element - 1, "cannot set %s to %s: the kernel made it %s", write->file,
		       value, text);
}

static int absent(struct host *host, const struct cgroup_made *made, const struct cgroup_write *write,
		  struct error *err)
{
	if (write->optional && host->degraded_count < sizeof(host->degraded) / sizeof(host->degraded[0])) {
		host->degraded[host->degraded_count++] = write->optional;
		return 0;
	}
	fail_at(err, write->key, write->element - 1, "cannot set %s: this kernel has no such file in %s", write->file,
		made->leaf->base_path);
	return error_exit(err, EXIT_OF_HOST);
}

int cgroup_write_limits(struct cgroup_made *made, struct host *host, struct error *err)
{
	int found_key = 0; /* of the last write that found its file */

	for (size_t i = 0; i < made->leaf->write_count; i++) {
		const struct cgroup_write *write = &made->leaf->writes[i];
		bool more = i + 1 < made->leaf->write_count && write[1].key == write->key;
		int result = write_one(made, write, err);

		if (result < 0)
			return -1;
		if (!result)
			found_key = write->key;
		else if (write->any_of && (more || found_key == write->key))
			continue;
		else if (absent(host, made, write, err))
			return -1;
	}
	return cgroup_devices_attach(made->leaf, made->directory, err);
}
