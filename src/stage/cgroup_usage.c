/* cgroup_usage: what the sandbox used, as its cgroups counted it.
 *
 * Runs in the launcher, in undo, when everything inside has ended and before the leaf is removed, and only if somebody
 * asks (host->usage). A row per number: the file, the word before it where the file has several, and its unit. v1 and
 * v2 files never meet in one directory, so one table serves both; what a kernel does not count stays -1. Cannot fail.
 */
#include "stage/cgroup_leaf.h"

#include <string.h>

#include "base/file.h"
#include "base/format.h"
#include "base/parse.h"

struct usage_row {
	const char *file;
	const char *word; /* NULL: the file is one number */
	size_t field;     /* offset in struct usage */
	uint64_t divisor; /* of the kernel's unit, to get ours */
	bool more;        /* on top of what another row found */
};

#define FIELD(name) offsetof(struct usage, name)

enum { NSEC_PER_USEC = 1000 };

/* Rows of one file follow each other: it is read once. */
static const struct usage_row rows[] = {
	{ "memory.peak", NULL, FIELD(memory_peak_bytes), 1, false }, /* v2, Linux 5.19 */
	{ "memory.events", "oom_kill ", FIELD(oom_kills), 1, false },
	{ "memory.events", "max ", FIELD(memory_max_events), 1, false },
	{ "memory.max_usage_in_bytes", NULL, FIELD(memory_peak_bytes), 1, false }, /* v1 */
	{ "memory.oom_control", "oom_kill ", FIELD(oom_kills), 1, false },
	{ "memory.failcnt", NULL, FIELD(memory_max_events), 1, false },
	{ "memory.memsw.failcnt", NULL, FIELD(memory_max_events), 1,
	  true },                                          /* the limit met first when both are equal */
	{ "pids.peak", NULL, FIELD(pids_peak), 1, false }, /* Linux 6.6 */
	{ "pids.events", "max ", FIELD(pids_max_events), 1, false },
	{ "cpu.stat", "user_usec ", FIELD(user_usec), 1, false }, /* v2 */
	{ "cpu.stat", "system_usec ", FIELD(system_usec), 1, false },
	{ "cpu.stat", "throttled_usec ", FIELD(throttled_usec), 1, false },
	{ "cpu.stat", "throttled_time ", FIELD(throttled_usec), NSEC_PER_USEC, false }, /* v1 */
	{ "cpuacct.usage_user", NULL, FIELD(user_usec), NSEC_PER_USEC, false },
	{ "cpuacct.usage_sys", NULL, FIELD(system_usec), NSEC_PER_USEC, false },
};

/* Where the number of `word` stands: at the start of a line. */
static const char *find_word(const char *text, const char *word)
{
	for (const char *at = strstr(text, word); at; at = strstr(at + 1, word))
		if (at == text || at[-1] == '\n')
			return at + strlen(word);
	return NULL;
}

static void set(struct usage *usage, const struct usage_row *row, int64_t value)
{
	int64_t *field = (int64_t *)(void *)((char *)usage + row->field);

	*field = row->more && *field > 0 ? *field + value : value;
}

/* v1: whether the file's controller is in this hierarchy at all. */
static bool may_have(const struct cgroup_hierarchy *hierarchy, const char *file)
{
	char controller[16];

	format_text(controller, sizeof(controller), "%s", file);
	controller[strcspn(controller, ".")] = '\0';
	return hierarchy->v2 || cgroup_names_all(hierarchy->controllers, controller);
}

static void read_row_file(const struct cgroup_made *made, const char *file, char *text, size_t size)
{
	if (!may_have(made->leaf->hierarchy, file) || read_file_at(made->directory, file, text, size) < 0)
		text[0] = '\0';
}

void cgroup_usage(const struct cgroup_made *made, struct usage *usage)
{
	const char *file = "";
	char text[4096] = "";

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct usage_row *row = &rows[i];
		const char *at = text;
		uint64_t value = 0;

		if (strcmp(file, row->file) != 0)
			read_row_file(made, row->file, text, sizeof(text));
		file = row->file;
		if (row->word)
			at = find_word(text, row->word);
		if (at && parse_next(at, &value))
			set(usage, row, (int64_t)(value / row->divisor));
	}
}
