/* cgroup_gc: removes cgroups that a launcher left behind when it was killed.
 *
 * Runs in `sandbox gc` over all hierarchies, and at the end of every launch over a few neighbours of its own leaf
 * (which costs a launch nothing when it is alone). What may be removed, and why that is safe beside running sandboxes,
 * is told in cgroup_leaf.c: ours by name and mark, and nobody holds its lock.
 *
 * Failure: what cannot be removed is counted and told at the end; the rest is removed all the same.
 */
#include "stage/cgroup_leaf.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/file.h"
#include "base/format.h"

enum { DEPTH_MAX = 24 };

static const int directory_flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;

static DIR *open_entries(int directory)
{
	int copy = openat(directory, ".", directory_flags);
	DIR *entries = copy < 0 ? NULL : fdopendir(copy);

	if (!entries && copy >= 0)
		close(copy);
	return entries;
}

static void collect(int parent, const char *name, size_t *left)
{
	AUTO_CLOSE int directory = cgroup_lock(parent, name);

	if (directory < 0)
		*left += errno != EWOULDBLOCK && errno != ENOENT && errno != EPERM && errno != EACCES;
	else if (cgroup_remove(parent, name, directory))
		(*left)++;
}

/* Starts at a different entry each time, so that a limited look does not always meet the same ones. */
void cgroup_sweep(int parent, size_t most, size_t *left)
{
	DIR *entries = open_entries(parent);
	struct dirent *entry = NULL;
	size_t count = 0, first = 0;

	if (!entries)
		return;
	if (most) {
		while ((entry = readdir(entries)))
			count += cgroup_is_leaf_name(entry->d_name);
		first = count > most ? (size_t)clock_now() % (count - most + 1) : 0;
		rewinddir(entries);
	}
	for (size_t at = 0; (entry = readdir(entries)) && (!most || at < first + most);) {
		if (!cgroup_is_leaf_name(entry->d_name))
			continue;
		if (at++ >= first)
			collect(parent, entry->d_name, left);
	}
	closedir(entries);
}

/* Turns off what a launcher that stepped aside turned on: all of it, because a cgroup that held a process passed
 * nothing down. Only then can it hold one again. */
static void pass_nothing_down(int directory)
{
	char controllers[256], text[512];
	size_t length = 0;
	char *save = NULL;

	if (read_file_at(directory, "cgroup.subtree_control", controllers, sizeof(controllers)) < 0)
		return;
	for (char *word = strtok_r(controllers, " \n", &save); word; word = strtok_r(NULL, " \n", &save))
		length += format_text(text + length, sizeof(text) - length, "-%s ", word);
	if (length)
		(void)write_file_at(directory, "cgroup.subtree_control", text);
}

/* A `sandbox` directory: its leaves, the place where a launcher stepped aside, and itself if it is ours and empty. */
static void sweep_parent(int above, size_t *left)
{
	AUTO_CLOSE int parent = openat(above, CGROUP_PARENT, directory_flags);
	struct stat status;
	bool stepped_aside = false;

	if (parent < 0 || fstat(parent, &status))
		return;
	cgroup_sweep(parent, 0, left);
	if (!(status.st_mode & S_ISVTX))
		return;
	stepped_aside = !unlinkat(parent, CGROUP_LAUNCHER, AT_REMOVEDIR);
	if (!unlinkat(above, CGROUP_PARENT, AT_REMOVEDIR) && stepped_aside)
		pass_nothing_down(above);
}

static void walk(int directory, int depth, size_t *left)
{
	DIR *entries = open_entries(directory);
	struct dirent *entry = NULL;

	while (entries && (entry = readdir(entries))) {
		AUTO_CLOSE int below = -1;

		if (entry->d_type != DT_DIR || entry->d_name[0] == '.')
			continue;
		if (strcmp(entry->d_name, CGROUP_PARENT) == 0) {
			sweep_parent(directory, left);
			continue;
		}
		below = depth < DEPTH_MAX ? openat(directory, entry->d_name, directory_flags) : -1;
		if (below >= 0)
			walk(below, depth + 1, left);
	}
	if (entries)
		closedir(entries);
}

int cgroup_gc(struct error *err)
{
	struct arena arena = { 0 };
	struct cgroup_hierarchies hierarchies;
	size_t left = 0;
	int status = cgroup_find(&arena, &hierarchies, err);

	for (size_t i = 0; !status && i < hierarchies.count; i++) {
		AUTO_CLOSE int top = open(hierarchies.items[i].mount, directory_flags);

		if (top >= 0)
			walk(top, 0, &left);
	}
	arena_free(&arena);
	if (status || !left)
		return status;
	fail(err, 0, "cannot remove %zu left-over cgroups: something in them does not die", left);
	return error_exit(err, EXIT_OF_STAGE);
}
