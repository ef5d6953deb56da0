/* compare_cgroup: which limits a process's cgroups have.
 *
 * Runs in the launcher's place, for both columns of `compare`; the sandbox's leaf is looked at while the process in it
 * waits, because it is gone when the sandbox is. /proc/PID/cgroup names a cgroup in each hierarchy, as the launcher
 * sees them; its own mount table tells where they can be read. Limits that a cgroup further up has hold as well and are
 * not shown. What cannot be read is left out: nothing fails.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "base/fd.h"
#include "base/file.h"
#include "base/format.h"
#include "base/parse.h"
#include "tell/compare.h"

enum { MOUNTINFO_SIZE = 1 << 20 };

/* Above it a v1 limit means none: the kernel's own is the highest page-aligned number. */
#define NO_LIMIT (UINT64_C(1) << 62)

enum kind { KIND_NUMBER, KIND_TEXT, KIND_CPU };

static const struct row {
	const char *name, *v2, *v1; /* NULL: not there */
	enum kind kind;
} rows[] = {
	{ "memory_max_bytes", "memory.max", "memory.limit_in_bytes", KIND_NUMBER },
	{ "memory_high_bytes", "memory.high", NULL, KIND_NUMBER },
	{ "swap_max_bytes", "memory.swap.max", NULL, KIND_NUMBER },
	{ "memsw_max_bytes", NULL, "memory.memsw.limit_in_bytes", KIND_NUMBER },
	{ "cpu_max_percent", "cpu.max", "cpu.cfs_quota_us", KIND_CPU },
	{ "cpu_weight", "cpu.weight", NULL, KIND_NUMBER },
	{ "cpu_shares", NULL, "cpu.shares", KIND_NUMBER },
	{ "pids_max", "pids.max", "pids.max", KIND_NUMBER },
	{ "cpuset_cpus", "cpuset.cpus", "cpuset.cpus", KIND_TEXT },
	{ "cpuset_mems", "cpuset.mems", "cpuset.mems", KIND_TEXT },
};

/* The field number `number` from 0 of a line of words, NULL when there are fewer. */
static const char *word_of(const char *line, int number, size_t *ret_length)
{
	for (;; number--) {
		*ret_length = strcspn(line, " \n");
		if (!number)
			return *ret_length ? line : NULL;
		line += *ret_length;
		if (*line != ' ')
			return NULL;
		line++;
	}
}

static bool has_option(const char *options, size_t length, const char *name, size_t name_length)
{
	while (length) {
		size_t one = strcspn(options, ",\n");

		one = one < length ? one : length;
		if (one == name_length && !memcmp(options, name, one))
			return true;
		options += one + (one < length);
		length -= one + (one < length);
	}
	return false;
}

/* Whether a line of mountinfo is the hierarchy of these controllers (none: version 2). */
static bool shows(const char *line, const char *controllers, size_t length)
{
	const char *dash = strstr(line, " - "), *end = strchr(line, '\n');
	size_t type_length = 0, options_length = 0, first = 0;
	const char *type = NULL, *options = NULL;

	if (!dash || (end && dash > end))
		return false;
	type = word_of(dash + 3, 0, &type_length);
	options = word_of(dash + 3, 2, &options_length);
	if (!type || !options)
		return false;
	if (!length)
		return type_length == strlen("cgroup2") && !memcmp(type, "cgroup2", type_length);
	first = strcspn(controllers, ",:");
	return type_length == strlen("cgroup") && !memcmp(type, "cgroup", type_length) &&
	       has_option(options, options_length, controllers, first);
}

/* The directory of cgroup `path` below that mount; -1 when it is not below it. Paths with special characters are not
 * looked for. */
static int open_below(const char *line, const char *path, size_t path_length)
{
	char directory[4096];
	size_t root_length = 0, point_length = 0;
	const char *root = word_of(line, 3, &root_length), *point = word_of(line, 4, &point_length);

	if (!root || !point)
		return -1;
	if (root_length == 1)
		root_length = 0;
	if (root_length > path_length || memcmp(root, path, root_length) != 0 ||
	    point_length + path_length - root_length + 1 > sizeof(directory))
		return -1;
	memcpy(directory, point, point_length);
	memcpy(directory + point_length, path + root_length, path_length - root_length);
	directory[point_length + path_length - root_length] = '\0';
	return open(directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
}

static int open_cgroup(const char *mounts, const char *controllers, size_t length, const char *path)
{
	for (const char *line = mounts; *line; line += strcspn(line, "\n"), line += *line == '\n') {
		int fd = shows(line, controllers, length) ? open_below(line, path, strcspn(path, "\n")) : -1;

		if (fd >= 0)
			return fd;
	}
	return -1;
}

static bool no_limit(const char *text)
{
	return text[0] == '-' || !strncmp(text, "max", 3);
}

static struct json_object *number(const char *text)
{
	uint64_t value = 0;

	if (no_limit(text) || !parse_next(text, &value) || value >= NO_LIMIT)
		return NULL;
	return json_object_new_uint64(value);
}

/* Percent of one CPU: "max 100000", "50000 100000"; v1 has the period in a file of its own, and -1 for no limit. */
static struct json_object *percent(int directory, const char *text)
{
	char period[32] = "";
	uint64_t quota = 0, of = 0;
	const char *at = parse_next(text, &quota);

	if (!at || no_limit(text))
		return NULL;
	if (*at != ' ' && read_file_at(directory, "cpu.cfs_period_us", period, sizeof(period)) > 0)
		at = period;
	if (!parse_next(at, &of) || !of)
		return NULL;
	return json_object_new_double((double)quota * 100 / (double)of);
}

static void add_row(const struct row *row, int directory, bool v2, struct json_object *to)
{
	const char *file = v2 ? row->v2 : row->v1;
	struct json_object *value = NULL;
	char text[256];

	if (!file || read_file_at(directory, file, text, sizeof(text)) < 0)
		return;
	text[strcspn(text, "\n")] = '\0';
	if (row->kind == KIND_TEXT && !text[0])
		return;
	if (row->kind == KIND_CPU)
		value = percent(directory, text);
	else
		value = row->kind == KIND_NUMBER ? number(text) : json_object_new_string(text);
	json_object_object_add(to, row->name, value);
}

struct json_object *compare_cgroup_limits(const char *cgroup)
{
	struct json_object *limits = json_object_new_object();
	AUTO_FREE char *mounts = malloc(MOUNTINFO_SIZE);

	if (!mounts || read_file_at(AT_FDCWD, "/proc/self/mountinfo", mounts, MOUNTINFO_SIZE) < 0)
		return limits;
	for (const char *line = cgroup; *line; line += strcspn(line, "\n"), line += *line == '\n') {
		const char *controllers = strchr(line, ':');
		size_t length = controllers ? strcspn(controllers + 1, ":\n") : 0;
		AUTO_CLOSE int directory = -1;

		if (!controllers || controllers[1 + length] != ':')
			continue;
		directory = open_cgroup(mounts, controllers + 1, length, controllers + 2 + length);
		for (size_t i = 0; directory >= 0 && i < sizeof(rows) / sizeof(rows[0]); i++)
			add_row(&rows[i], directory, !length, limits);
	}
	return limits;
}
