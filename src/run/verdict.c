/* verdict: decides why the sandbox ended, and writes it down.
 *
 * Runs in the launcher, after undo, which has read the cgroups' counters. The payload's own exit status passes through,
 * and a payload may return our numbers too; the record tells them apart. Its form is schema/verdict.schema.json: every
 * field is always there, null where it is not known or does not apply, and the unit is part of a name.
 *
 * verdict_open() comes first of all, so that a record that cannot be written stops a launch instead of losing its end.
 * A regular file is replaced in one step: the record is written to a file without a name, which then gets a temporary
 * one and is renamed (open(2), O_TMPFILE; linkat(2), rename(2)); a reader sees the old file or the whole record. Where
 * the file system has no nameless files, and for anything but a regular file, it is written in place.
 */
#include "run/verdict.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/file.h"
#include "base/format.h"
#include "base/parse.h"
#include "base/text.h"
#include "run/json.h"

enum { FORMAT = 1, STATUS_MODE = 0666, HALF_A_SECOND_USEC = 500000 };

static const char *const verdict_names[] = {
	[VERDICT_EXITED] = "exited",
	[VERDICT_SIGNALED] = "signaled",
	[VERDICT_TIME_LIMIT] = "time-limit",
	[VERDICT_OUTPUT_LIMIT] = "output-limit",
	[VERDICT_MEMORY_LIMIT] = "memory-limit",
	[VERDICT_CPU_TIME_LIMIT] = "cpu-time-limit",
	[VERDICT_SECCOMP] = "seccomp",
	[VERDICT_SETUP_FAILED] = "setup-failed",
	[VERDICT_NETWORK_LOST] = "network-lost",
	[VERDICT_KILLED] = "killed",
};

_Static_assert(sizeof(verdict_names) / sizeof(verdict_names[0]) == VERDICT_COUNT, "every verdict has a name");

/* ---- why, and the exit status ----------------------------------------------------------------------------------- */

static bool died_of(const struct outcome *outcome, int number)
{
	return outcome->status_known && WIFSIGNALED(outcome->wait_status) && WTERMSIG(outcome->wait_status) == number;
}

static int64_t usec_of(struct timeval time)
{
	return time.tv_sec * INT64_C(1000000) + time.tv_usec;
}

/* User and system time. The cgroup counts all that ever ran in it; without one there is what was waited for. -1: not
 * known. */
static int64_t user_usec(const struct outcome *outcome)
{
	if (outcome->usage.user_usec >= 0)
		return outcome->usage.user_usec;
	return outcome->running ? usec_of(outcome->rusage.ru_utime) : -1;
}

static int64_t system_usec(const struct outcome *outcome)
{
	if (outcome->usage.system_usec >= 0)
		return outcome->usage.system_usec;
	return outcome->running ? usec_of(outcome->rusage.ru_stime) : -1;
}

/* RLIMIT_CPU ends with SIGXCPU at the soft limit and with SIGKILL at the hard one, and nobody is told who sent them. It
 * goes by the clock's ticks (proc_sample_cputime_atomic() in the kernel), the usage by time run, of which a virtual
 * machine gets less when its host is busy (0.84 of 1 s has been seen): half will do. */
static bool cpu_time_limit_hit(const struct launch *launch, const struct outcome *outcome)
{
	const struct rlimits_plan *rlimits = &launch->plan->rlimits;
	rlim_t used = (rlim_t)(user_usec(outcome) + system_usec(outcome)), limit = RLIM_INFINITY;

	for (size_t i = 0; i < rlimits->count; i++) {
		if (rlimits->items[i].resource != RLIMIT_CPU)
			continue;
		if (died_of(outcome, SIGXCPU))
			limit = rlimits->items[i].limit.rlim_cur;
		else if (died_of(outcome, SIGKILL))
			limit = rlimits->items[i].limit.rlim_max;
	}
	return limit != RLIM_INFINITY && outcome->running && used / HALF_A_SECOND_USEC >= limit;
}

/* When the kernel's choice fell on init, or on the whole group at once, nobody was left to tell the payload's status:
 * everything died of SIGKILL then. */
enum verdict verdict_of(const struct launch *launch, const struct outcome *outcome)
{
	bool unknown = outcome->verdict == VERDICT_KILLED && !outcome->status_known;

	if (outcome->verdict != VERDICT_SIGNALED && !unknown)
		return outcome->verdict;
	if ((unknown || died_of(outcome, SIGKILL)) && outcome->usage.oom_kills > 0)
		return VERDICT_MEMORY_LIMIT;
	if (cpu_time_limit_hit(launch, outcome))
		return VERDICT_CPU_TIME_LIMIT;
	if (died_of(outcome, SIGSYS) && launch->plan->seccomp.kills)
		return VERDICT_SECCOMP;
	return outcome->verdict;
}

int verdict_exit_status(const struct launch *launch, const struct outcome *outcome)
{
	switch (verdict_of(launch, outcome)) {
	case VERDICT_SETUP_FAILED:
	case VERDICT_NETWORK_LOST:
		return outcome->error.exit_status ? outcome->error.exit_status : EXIT_OF_INTERNAL;
	case VERDICT_TIME_LIMIT:
	case VERDICT_OUTPUT_LIMIT:
		return EXIT_OF_LIMIT;
	case VERDICT_KILLED:
		if (outcome->end_signal)
			return 128 + outcome->end_signal;
		return 128 +
		       (died_of(outcome, SIGKILL) || !outcome->status_known ? SIGKILL : WTERMSIG(outcome->wait_status));
	case VERDICT_MEMORY_LIMIT:
		return 128 + SIGKILL;
	default:
		break;
	}
	return WIFSIGNALED(outcome->wait_status) ? 128 + WTERMSIG(outcome->wait_status)
						 : WEXITSTATUS(outcome->wait_status);
}

/* Nobody wonders about a signal to the launcher. Without init the first process is what becomes the command. */
static bool killed_from_outside(enum verdict verdict, const struct outcome *outcome)
{
	return (verdict == VERDICT_KILLED && !outcome->end_signal) ||
	       (verdict == VERDICT_SIGNALED && !outcome->running);
}

/* A death inside that the payload took for its child's own failure is told too: a build that lost its compiler to the
 * memory limit shows nothing else of it. */
bool verdict_explain(const struct launch *launch, const struct outcome *outcome, struct error *err)
{
	enum verdict verdict = verdict_of(launch, outcome);

	if (verdict == VERDICT_TIME_LIMIT)
		fail(err, K_PROCESS_TIME_LIMIT, "the command was ended: it ran for longer than this");
	else if (verdict == VERDICT_OUTPUT_LIMIT)
		fail(err, K_PROCESS_OUTPUT_LIMIT, "the command was ended: it wrote more than this");
	else if (verdict == VERDICT_MEMORY_LIMIT)
		fail(err, K_CGROUP_MEMORY_MAX, "the kernel killed %s: it used more memory than this",
		     outcome->running ? "the command" : "the sandbox before its command ran");
	else if (verdict == VERDICT_CPU_TIME_LIMIT)
		fail(err, K_RLIMITS_CPU, "the kernel killed the command: it used more CPU time than this");
	else if (outcome->usage.oom_kills > 0)
		fail(err, K_CGROUP_MEMORY_MAX, "the kernel killed processes inside: they used more memory than this");
	else if (killed_from_outside(verdict, outcome))
		fail(err, K_NONE, "%s",
		     outcome->running ? "the sandbox's first process was killed from outside"
				      : "the sandbox was killed from outside before its command ran");
	else
		return false;
	return true;
}

/* ---- the record ----------------------------------------------------------------------------------------------------
 */

static void add_usec_as_nsec(struct json_object *record, const char *name, int64_t usec)
{
	json_add_number(record, name, usec < 0 ? -1 : usec * 1000);
}

static void add_item(struct json_object *list, const char *text)
{
	json_object_array_add(list, json_text(text));
}

static struct json_object *limits_hit(const struct launch *launch, const struct outcome *outcome)
{
	const struct usage *usage = &outcome->usage;
	struct json_object *list = json_object_new_array();

	if (outcome->time_limit_hit)
		add_item(list, "time");
	if (outcome->output_limit_hit)
		add_item(list, "output");
	if (usage->oom_kills > 0 || usage->memory_max_events > 0)
		add_item(list, "memory");
	if (usage->pids_max_events > 0)
		add_item(list, "pids");
	if (usage->throttled_usec > 0)
		add_item(list, "cpu");
	if (verdict_of(launch, outcome) == VERDICT_CPU_TIME_LIMIT)
		add_item(list, "cpu-time");
	return list;
}

static struct json_object *failure(const struct launch *launch, const struct error *error)
{
	struct json_object *object = json_object_new_object();
	struct location place = { 0 };
	char message[ERROR_WHAT_SIZE + 128];

	if (error->key != K_NONE && launch->plan->profile)
		profile_locate(launch->plan->profile, error->key, error->index, &place);
	if (error->sys_errno)
		format_text(message, sizeof(message), "%s: %s", error->what, strerror(error->sys_errno));
	else
		format_text(message, sizeof(message), "%s", error->what);
	json_add_text(object, "stage", error->stage);
	json_add_text(object, "phase", error->phase);
	json_add_text(object, "key", place.path);
	json_add_text(object, "file", place.file);
	json_add_number(object, "line", place.line > 0 ? place.line : -1);
	json_add_number(object, "errno", error->sys_errno ? error->sys_errno : -1);
	json_add_text(object, "message", message);
	json_add_text(object, "remedy", error->remedy);
	return object;
}

static struct json_object *stages(const struct timings *timings)
{
	struct json_object *list = json_object_new_array();

	for (int phase = 0; timings && phase < PHASE_COUNT; phase++) {
		for (int stage = 0; stage < STAGE_COUNT; stage++) {
			struct json_object *cell = NULL;

			if (!timings->cell[stage][phase])
				continue;
			cell = json_object_new_object();
			json_add_text(cell, "stage", pipeline[stage].name);
			json_add_text(cell, "phase", phase_names[phase]);
			json_add_number(cell, "time_ns", timings->cell[stage][phase]);
			json_object_array_add(list, cell);
		}
	}
	return list;
}

static struct json_object *degraded(const struct launch *launch)
{
	struct json_object *list = json_object_new_array();

	for (size_t i = 0; i < launch->plan->degraded_count; i++)
		add_item(list, launch->plan->degraded[i]);
	for (size_t i = 0; i < launch->host.degraded_count; i++)
		add_item(list, launch->host.degraded[i]);
	return list;
}

static void add_end(struct json_object *record, const struct launch *launch, const struct outcome *outcome)
{
	enum verdict verdict = verdict_of(launch, outcome);
	bool known = outcome->status_known && !outcome->failed;
	/* Any process may raise SIGSYS or SIGXCPU; that the filter or the limit did is likely, not known. */
	bool probable = verdict == VERDICT_SECCOMP || verdict == VERDICT_CPU_TIME_LIMIT;
	int status = outcome->wait_status;

	json_add_text(record, "verdict", verdict_names[verdict]);
	json_add_text(record, "certainty", probable ? "probable" : "certain");
	json_add_number(record, "exit_status", verdict_exit_status(launch, outcome));
	json_add_number(record, "exit_code", known && WIFEXITED(status) ? WEXITSTATUS(status) : -1);
	json_add_number(record, "signal", known && WIFSIGNALED(status) ? WTERMSIG(status) : -1);
	json_object_object_add(record, "started", json_object_new_boolean(outcome->running));
	json_object_object_add(record, "limits_hit", limits_hit(launch, outcome));
	json_object_object_add(record, "failure", outcome->failed ? failure(launch, &outcome->error) : NULL);
}

static void add_usage(struct json_object *record, const struct outcome *outcome)
{
	const struct usage *usage = &outcome->usage;
	int64_t wall = outcome->running ? outcome->end_time - outcome->start_time : -1;

	json_add_number(record, "wall_time_ns", wall);
	add_usec_as_nsec(record, "user_time_ns", user_usec(outcome));
	add_usec_as_nsec(record, "system_time_ns", system_usec(outcome));
	add_usec_as_nsec(record, "throttled_time_ns", usage->throttled_usec);
	json_add_number(record, "memory_peak_bytes", usage->memory_peak_bytes);
	json_add_number(record, "pids_peak", usage->pids_peak);
	json_add_number(record, "oom_kills", usage->oom_kills);
	json_add_number(record, "output_bytes", (int64_t)outcome->output_bytes);
}

static struct json_object *begin_record(const struct caller *caller)
{
	struct json_object *record = json_object_new_object();

	json_add_number(record, "format", FORMAT);
	json_add_text(record, "id", caller->id);
	json_add_text(record, "name", caller->name);
	return record;
}

/* ---- where it goes
 * ---------------------------------------------------------------------------------------------------- */

static int refuse(struct error *err, const char *what, const char *word)
{
	fail_errno(err, 0, "cannot write the status record to %s%s", what, word);
	return error_exit(err, EXIT_OF_USAGE);
}

static int open_number(struct verdict_sink *ret, const char *number, struct error *err)
{
	uint64_t fd = 0;
	int flags = 0;

	if (parse_unsigned(number, 0, INT32_MAX, &fd))
		return refuse(err, "descriptor ", number);
	flags = fcntl((int)fd, F_GETFL);
	if (flags >= 0 && (flags & O_ACCMODE) == O_RDONLY) {
		errno = EBADF;
		flags = -1;
	}
	/* It must not reach the payload; below 3 the stages see to it. */
	if (flags < 0 || (fd > 2 && fcntl((int)fd, F_SETFD, FD_CLOEXEC)))
		return refuse(err, "descriptor ", number);
	ret->fd = (int)fd;
	ret->borrowed = true;
	return 0;
}

/* A FIFO without a reader is refused at once (ENXIO) instead of waited for. */
static int open_in_place(struct verdict_sink *ret, const char *path, struct error *err)
{
	ret->fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, STATUS_MODE);
	if (ret->fd < 0 || fcntl(ret->fd, F_SETFL, 0))
		return refuse(err, path, "");
	return 0;
}

static int open_path(struct verdict_sink *ret, const char *path, struct error *err)
{
	const char *slash = strrchr(path, '/');
	char directory[4096];
	struct stat what;

	if (!lstat(path, &what) && S_ISLNK(what.st_mode) && what.st_uid && what.st_uid != geteuid()) {
		errno = ELOOP; /* another user's link could turn the record on a file of the launcher's */
		return refuse(err, path, "");
	}
	if (!lstat(path, &what) && !S_ISREG(what.st_mode))
		return open_in_place(ret, path, err);
	if (slash && (size_t)(slash - path) >= sizeof(directory)) {
		errno = ENAMETOOLONG;
		return refuse(err, path, "");
	}
	memcpy(directory, slash ? path : ".", slash ? (size_t)(slash - path) + 1 : 2);
	if (slash)
		directory[slash - path + 1] = '\0';
	ret->name = slash ? slash + 1 : path;
	if (!ret->name[0]) {
		errno = ENOENT;
		return refuse(err, path, "");
	}
	ret->directory = open(directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (ret->directory < 0)
		return refuse(err, path, "");
	ret->fd = openat(ret->directory, ".", O_TMPFILE | O_WRONLY | O_CLOEXEC, STATUS_MODE);
	if (ret->fd >= 0)
		return 0;
	fd_close(&ret->directory);
	return open_in_place(ret, path, err);
}

int verdict_open(struct verdict_sink *ret, const char *path, const char *number, struct error *err)
{
	*ret = (struct verdict_sink){ .fd = -1, .directory = -1 };
	if (path && number) {
		fail(err, 0, "--status-file and --status-fd exclude each other");
		return error_exit(err, EXIT_OF_USAGE);
	}
	if (number)
		return open_number(ret, number, err);
	return path ? open_path(ret, path, err) : 0;
}

/* Gives the nameless file its name. linkat(2) replaces nothing, rename(2) does. */
static int put_in_place(const struct verdict_sink *sink, const char *id)
{
	char from[32], temporary[64];

	format_text(from, sizeof(from), "/proc/self/fd/%d", sink->fd);
	format_text(temporary, sizeof(temporary), ".sandbox-%s", id);
	if (linkat(AT_FDCWD, from, sink->directory, temporary, AT_SYMLINK_FOLLOW))
		return -1;
	if (!renameat(sink->directory, temporary, sink->directory, sink->name))
		return 0;
	(void)unlinkat(sink->directory, temporary, 0);
	return -1;
}

static int deliver(struct verdict_sink *sink, struct json_object *record, const char *id, struct error *err)
{
	const char *text =
		json_object_to_json_string_ext(record, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE);
	int status = 0;

	if (sink->directory < 0 && !sink->borrowed)
		(void)!ftruncate(sink->fd, 0);
	if (!text || write_all(sink->fd, text, strlen(text)) || write_all(sink->fd, "\n", 1) ||
	    (sink->directory >= 0 && put_in_place(sink, id))) {
		fail_errno(err, 0, "cannot write the status record");
		status = error_exit(err, EXIT_OF_INTERNAL);
	}
	if (!sink->borrowed)
		fd_close(&sink->fd);
	sink->fd = -1;
	fd_close(&sink->directory);
	json_object_put(record);
	return status;
}

int verdict_write(struct verdict_sink *sink, const struct launch *launch, const struct outcome *outcome,
		  struct error *err)
{
	const struct caller *caller = launch->plan->caller;
	struct json_object *record = NULL;

	if (sink->fd < 0)
		return 0;
	record = begin_record(caller);
	add_end(record, launch, outcome);
	add_usage(record, outcome);
	json_object_object_add(record, "degraded", degraded(launch));
	json_object_object_add(record, "timings", stages(launch->timings));
	return deliver(sink, record, caller->id, err);
}

int verdict_write_refusal(struct verdict_sink *sink, const struct caller *caller, const struct diagnostics *diagnostics,
			  struct error *err)
{
	static const struct plan no_plan;
	const struct launch nothing = { .plan = &no_plan };
	struct outcome outcome = { .verdict = VERDICT_SETUP_FAILED, .failed = true, .usage = USAGE_UNKNOWN };
	struct json_object *record = NULL, *why = NULL;

	if (sink->fd < 0)
		return 0;
	outcome.error.exit_status = EXIT_OF_PROFILE;
	record = begin_record(caller);
	add_end(record, &nothing, &outcome);
	why = json_object_object_get(record, "failure");
	if (diagnostics->count) {
		const struct diagnostic *first = &diagnostics->items[0];

		json_add_text(why, "key", first->key);
		json_add_text(why, "file", first->file);
		json_add_number(why, "line", first->line > 0 ? first->line : -1);
		json_add_text(why, "message", first->what);
		json_add_text(why, "remedy", first->remedy);
	}
	add_usage(record, &outcome);
	json_object_object_add(record, "degraded", degraded(&nothing));
	json_object_object_add(record, "timings", stages(NULL));
	return deliver(sink, record, caller->id, err);
}
