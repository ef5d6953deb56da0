/* doctor: tells whether a profile can run on this host, and what to do when it cannot.
 *
 * Runs in the launcher's place. Two kinds of evidence, both by trying: single features, each in a throw-away process
 * (doctor_probe.c), and a rehearsal of the launch itself, in another: the whole pipeline for this very profile, with
 * a command that cannot exist, so that execve's "no such file" is the proof that everything before it worked, filter
 * included. The rehearsal decides; the features explain. It makes and removes what a launch makes and removes, cgroup
 * directories for example, and runs nothing. Nothing stays: no filter is kept, and where nothing was ever launched
 * before, the file of locks goes again. Where a launcher must be alone in its cgroup, the process that waits for the
 * rehearsal does not count.
 */
#include "tell/doctor.h"

#include <errno.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/format.h"
#include "base/page.h"
#include "run/json.h"
#include "run/launch.h"
#include "run/steps.h"
#include "run/supervise.h"
#include "stage/lock_file.h"

enum state {
	STATE_OK,
	STATE_DEGRADED, /* missing, and the profile says that it does without */
	STATE_ABSENT,   /* missing, and the profile does not ask for it */
	STATE_IMPOSSIBLE,
	STATE_COUNT,
};

static const char *const state_names[STATE_COUNT] = {
	[STATE_OK] = "ok",
	[STATE_DEGRADED] = "degraded",
	[STATE_ABSENT] = "absent",
	[STATE_IMPOSSIBLE] = "impossible",
};

static const enum page_style state_styles[STATE_COUNT] = {
	[STATE_OK] = STYLE_GOOD,
	[STATE_DEGRADED] = STYLE_WARN,
	[STATE_ABSENT] = STYLE_DIM,
	[STATE_IMPOSSIBLE] = STYLE_BAD,
};

/* ---- the rehearsal --------------------------------------------------------------------------- */

enum { DEGRADED_COUNT = 32, DEGRADED_SIZE = 48 };

struct rehearsal {
	bool reached_exec;
	struct error error; /* when it did not */
	size_t degraded_count;
	char degraded[DEGRADED_COUNT][DEGRADED_SIZE];
	struct error no_cgroup; /* why a limit is among them */
};

struct rehearsal_of {
	const struct profile *profile;
	const struct caller *caller;
};

/* No terminal and nothing to print on: the rehearsal is not for watching. */
static int silence(struct error *err)
{
	AUTO_CLOSE int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	for (int fd = 0; fd < 3; fd++)
		if (null < 0 || dup2(null, fd) < 0)
			return fail_errno(err, 0, "cannot open /dev/null");
	return 0;
}

static void launch_and_watch(const struct plan *plan, struct rehearsal *ret)
{
	struct timings *timings = timings_new();
	struct outcome outcome = { 0 };
	struct launch launch;

	if (!timings) {
		fail_errno(&ret->error, 0, "cannot rehearse a launch");
		return;
	}
	launch_init(&launch, plan, timings, false);
	if (!launch_start(&launch, &ret->error) && !supervise(&launch, &outcome, &ret->error) && outcome.failed)
		ret->error = outcome.error;
	launch_undo(&launch);
	ret->reached_exec = outcome.failed && outcome.error.exit_status == EXIT_OF_NOT_FOUND;
	if (!ret->reached_exec && !ret->error.what[0])
		fail(&ret->error, 0, "the sandbox ended before it had a command to run");
}

/* What the launch would fail with if the profile did not allow limits to be left out: the reason, and the remedy. */
static void why_no_cgroup(const struct profile *profile, const struct caller *caller, struct error *ret)
{
	struct profile insisting = *profile;
	struct plan plan = { .profile = &insisting, .caller = caller };
	const struct steps steps = { 0 };

	insisting.cgroup.missing = CGROUP_MISSING_FAIL;
	insisting.cgroup.memory.missing = CGROUP_MEMORY_MISSING_FAIL;
	insisting.cgroup.cpu.missing = CGROUP_CPU_MISSING_FAIL;
	insisting.cgroup.pids.missing = CGROUP_PIDS_MISSING_FAIL;
	insisting.cgroup.io.missing = CGROUP_IO_MISSING_FAIL;
	if (steps_plan(&steps, &insisting, &plan, ret) && strcmp(ret->stage, "cgroup") != 0)
		*ret = (struct error){ 0 };
}

static bool is_limit(const char *feature)
{
	return !strncmp(feature, "cgroup", strlen("cgroup"));
}

static void rehearse(const void *argument, void *output)
{
	static char word[] = "/.sandbox-doctor/no-such-command";
	static char *const command[] = { word, NULL };
	const struct rehearsal_of *of = argument;
	const struct steps steps = { 0 };
	struct rehearsal *ret = output;
	struct caller caller = *of->caller;
	struct plan plan = { .profile = of->profile, .caller = &caller };

	caller.command = command;
	caller.companion = getppid();
	caller.rehearsal = true;
	if (!caller.name)
		caller.name = of->profile->name;
	if (silence(&ret->error) || supervise_prepare(&ret->error) ||
	    steps_plan(&steps, of->profile, &plan, &ret->error))
		return;
	for (size_t i = 0; i < plan.degraded_count && i < DEGRADED_COUNT; i++)
		(void)format_text(ret->degraded[ret->degraded_count++], DEGRADED_SIZE, "%s", plan.degraded[i]);
	for (size_t i = 0; i < ret->degraded_count && !ret->no_cgroup.what[0]; i++)
		if (is_limit(ret->degraded[i]))
			why_no_cgroup(of->profile, &caller, &ret->no_cgroup);
	launch_and_watch(&plan, ret);
}

/* ---- the report ------------------------------------------------------------------------------ */

struct report {
	struct json_object *lines; /* NULL: print */
	struct page page;
	enum state worst; /* of what the profile needs */
};

enum { FEATURE_COLUMN = 12, DETAIL_COLUMN = 29, REMEDY_COLUMN = 21 };

static void print_line(const struct report *out, enum state state, const char *feature, const char *detail,
		       const char *remedy)
{
	const struct page_line line = { .lead = state_names[state],
					.lead_style = state_styles[state],
					.start = FEATURE_COLUMN,
					.hang = DETAIL_COLUMN };
	const struct page_line second = { .lead = "remedy:",
					  .lead_style = STYLE_HEADING,
					  .indent = REMEDY_COLUMN,
					  .start = DETAIL_COLUMN,
					  .hang = DETAIL_COLUMN };
	struct text text = { 0 };

	page_line(&out->page, &text, &line, "%-*s%s%s", detail[0] ? DETAIL_COLUMN - FEATURE_COLUMN - 1 : 0, feature,
		  detail[0] ? " " : "", detail);
	if (remedy[0])
		page_line(&out->page, &text, &second, "%s", remedy);
	(void)fputs(text.data ? text.data : "", stdout);
	text_free(&text);
}

static void add_string(struct json_object *object, const char *name, const char *value)
{
	if (value[0])
		json_add_text(object, name, value);
}

static void report_line(struct report *out, enum state state, const char *feature, const char *detail,
			const char *remedy)
{
	struct json_object *line = NULL;

	if (state == STATE_IMPOSSIBLE || (state == STATE_DEGRADED && out->worst == STATE_OK))
		out->worst = state;
	if (!out->lines) {
		print_line(out, state, feature, detail, state == STATE_OK || state == STATE_ABSENT ? "" : remedy);
		return;
	}
	line = json_object_new_object();
	add_string(line, "state", state_names[state]);
	add_string(line, "feature", feature);
	add_string(line, "detail", detail);
	add_string(line, "remedy", state == STATE_OK ? "" : remedy);
	json_object_array_add(out->lines, line);
}

struct probe_of {
	const struct probe *probe;
	const struct profile *profile;
	const struct caller *caller;
};

static void run_probe(const void *argument, void *output)
{
	const struct probe_of *of = argument;

	of->probe->try(of->profile, of->caller, output);
}

static void report_probe(const struct probe_of *of, struct report *out)
{
	struct probe_result result;
	enum state state = STATE_OK;

	if (!doctor_in_child(run_probe, of, &result, sizeof(result)))
		result = (struct probe_result){
			.detail = "the process that was to try it could not be made, or was killed"
		};
	if (!result.works) {
		state = STATE_ABSENT;
		if (of->probe->needed(of->profile, of->caller))
			state = of->probe->optional && of->probe->optional(of->profile) ? STATE_DEGRADED
											: STATE_IMPOSSIBLE;
	}
	report_line(out, state, of->probe->feature, result.detail, result.remedy);
}

static void report_degraded(const struct rehearsal *rehearsal, const char *feature, struct report *out)
{
	const struct error *why = &rehearsal->no_cgroup;
	char text[ERROR_WHAT_SIZE + 64];

	if (!is_limit(feature) || !why->what[0])
		return report_line(out, STATE_DEGRADED, feature, "left out, as the profile allows", "");
	(void)format_text(text, sizeof(text), "left out, as the profile allows: %s%s%s", why->what,
			  why->sys_errno ? ": " : "", why->sys_errno ? strerror(why->sys_errno) : "");
	report_line(out, STATE_DEGRADED, feature, text, why->remedy);
}

static void report_rehearsal(const struct profile *profile, const struct rehearsal *rehearsal, struct report *out)
{
	const struct error *err = &rehearsal->error;
	struct location place = { 0 };
	char text[ERROR_WHAT_SIZE + 512];

	for (size_t i = 0; i < rehearsal->degraded_count; i++)
		report_degraded(rehearsal, rehearsal->degraded[i], out);
	if (rehearsal->reached_exec)
		return report_line(out, STATE_OK, "launch", "everything up to the command's execution", "");
	if (err->key)
		profile_locate(profile, err->key, err->index, &place);
	(void)format_text(text, sizeof(text), "%s%s%s%s%s", place.path, place.path[0] ? ": " : "", err->what,
			  err->sys_errno ? ": " : "", err->sys_errno ? strerror(err->sys_errno) : "");
	if (err->stage[0])
		(void)format_text(text + strlen(text), sizeof(text) - strlen(text), " (%s, %s)", err->stage,
				  err->phase);
	report_line(out, STATE_IMPOSSIBLE, "launch", text, err->remedy);
}

static int finish(struct report *out)
{
	struct json_object *document = NULL;

	if (out->lines) {
		document = json_object_new_object();
		json_object_object_add(document, "possible", json_object_new_boolean(out->worst != STATE_IMPOSSIBLE));
		json_add_text(document, "state", state_names[out->worst]);
		json_object_object_add(document, "features", out->lines);
		(void)puts(json_object_to_json_string_ext(document,
							  JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_NOSLASHESCAPE));
		json_object_put(document);
	}
	return out->worst == STATE_IMPOSSIBLE ? EXIT_OF_HOST : 0;
}

int doctor_run(const struct profile *profile, const struct caller *caller, bool json)
{
	struct report out = { .lines = json ? json_object_new_array() : NULL,
			      .page = page_of(STDOUT_FILENO),
			      .worst = STATE_OK };
	const struct rehearsal_of of = { profile, caller };
	struct rehearsal rehearsal;

	bool first = access(RUN_DIRECTORY "/ranges", F_OK) && errno == ENOENT;

	for (size_t i = 0; i < PROBE_COUNT; i++)
		report_probe(&(struct probe_of){ &doctor_probes[i], profile, caller }, &out);
	if (!doctor_in_child(rehearse, &of, &rehearsal, sizeof(rehearsal)))
		fail(&rehearsal.error, 0, "the process that was to try it could not be made, or was killed");
	if (first)
		lock_file_remove(RUN_DIRECTORY, "ranges");
	report_rehearsal(profile, &rehearsal, &out);
	return finish(&out);
}
