/* main: options, profile, plan, launch, status. Reads like a sentence; the only file that exits.
 *
 * Runs in the launcher from beginning to end. Before a profile is read nothing of the caller is trusted: three standard
 * descriptors must be open (else a file of ours could become the payload's standard output) and no directories, and the
 * program must not run with more privilege than its caller (it is not made to be set-user-ID; see getauxval(3),
 * AT_SECURE).
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "cli.h"
#include "profile/load.h"
#include "profile/schema.h"
#include "run/ask.h"
#include "run/blocked.h"
#include "run/exec.h"
#include "run/launch.h"
#include "run/registry.h"
#include "run/report.h"
#include "run/seal.h"
#include "run/steps.h"
#include "run/supervise.h"
#include "run/verdict.h"
#include "tell/audit.h"
#include "tell/check.h"
#include "tell/compare.h"
#include "tell/doctor.h"
#include "tell/explain.h"
#include "tell/list.h"
#include "tell/show.h"

struct program {
	struct arena arena;
	struct cli cli;
	char **argv;
	struct caller caller;
	struct diagnostics diagnostics;
	const struct profile *profile;
	struct plan plan;
};

static int check_descriptors(struct error *err)
{
	static const char *const names[] = { "standard input", "standard output", "standard error" };

	for (int fd = 0; fd < 3; fd++) {
		struct stat what;

		if (fcntl(fd, F_GETFD) < 0) {
			fail(err, 0, "%s is closed", names[fd]);
			error_remedy(err, "open it, on /dev/null if nothing is meant: sandbox ... %s",
				     fd ? ">/dev/null" : "</dev/null");
			return error_exit(err, EXIT_OF_USAGE);
		}
		/* From a directory the payload would reach the tree of the host around it, by "..". */
		if (!fstat(fd, &what) && !S_ISDIR(what.st_mode))
			continue;
		fail(err, 0, "%s is a directory", names[fd]);
		return error_exit(err, EXIT_OF_USAGE);
	}
	return 0;
}

static int check_privilege(struct error *err)
{
	if (!getauxval(AT_SECURE))
		return 0;
	fail(err, 0, "cannot run set-user-ID, set-group-ID or with file capabilities");
	return error_exit(err, EXIT_OF_USAGE);
}

static int know_caller(struct program *program, struct error *err)
{
	struct caller *caller = &program->caller;
	uint64_t random = 0;
	struct timespec now;

	if (getrandom(&random, sizeof(random), 0) != sizeof(random) || clock_gettime(CLOCK_REALTIME, &now)) {
		fail_errno(err, 0, "cannot get a random number");
		return error_exit(err, EXIT_OF_INTERNAL);
	}
	(void)snprintf(caller->id, sizeof(caller->id), "%016llx", (unsigned long long)random);
	caller->started = now.tv_sec * NSEC_PER_SEC + now.tv_nsec;
	caller->uid = getuid();
	caller->gid = getgid();
	caller->root = geteuid() == 0;
	caller->environ = (const char *const *)environ;
	caller->name = program->cli.value[O_NAME];
	caller->argv = program->argv;
	caller->command = program->cli.rest_count ? program->cli.rest : NULL;
	return 0;
}

static int load(struct program *program, const char *const *profiles, size_t count, const struct profile **ret)
{
	const struct cli *cli = &program->cli;
	static const struct known_names names = { .capability = capability_known, .syscall = syscall_known };
	const struct profile_request request = {
		.profiles = profiles,
		.profile_count = count,
		.sets = cli->sets.items,
		.set_count = cli->sets.count,
		.params = cli->params.items,
		.param_count = cli->params.count,
		.name = program->caller.name,
		.id = program->caller.id,
		.environ = program->caller.environ,
		.names = &names,
		.uid = program->caller.uid,
		.gid = program->caller.gid,
		.offline = cli->command == C_AUDIT,
		.plain = cli->command == C_CHECK,
	};

	program->diagnostics = (struct diagnostics){ .arena = &program->arena };
	if (!profile_load(&request, &program->arena, ret, &program->diagnostics))
		return 0;
	check_diagnostics(&program->diagnostics);
	return EXIT_OF_PROFILE;
}

static int load_request(struct program *program)
{
	return load(program, program->cli.profiles.items, program->cli.profiles.count, &program->profile);
}

/* From here on a failure has a profile to point into. */
static int report(const struct program *program, const struct error *err)
{
	report_error(program->profile, err);
	return err->exit_status ? err->exit_status : EXIT_OF_INTERNAL;
}

/* What was printed is there, or a message says why not. */
static int printed(const struct program *program)
{
	struct error err = { 0 };

	if (!fflush(stdout) && !ferror(stdout))
		return 0;
	fail_errno(&err, 0, "cannot write to standard output");
	return report(program, &err);
}

static int make_plan(struct program *program, struct timings *timings, struct error *err)
{
	const struct steps steps = { .timings = timings, .verbose = program->cli.given[O_VERBOSE] };

	if (!program->caller.name)
		program->caller.name = program->profile->name;
	program->plan.profile = program->profile;
	program->plan.caller = &program->caller;
	return steps_plan(&steps, program->profile, &program->plan, err);
}

/* A profile that nobody gave a command is explained and checked with one in its place. */
static void need_no_command(struct program *program)
{
	static char word[] = "COMMAND";
	static char *const placeholder[] = { word, NULL };

	if (!program->caller.command && !program->profile->process.command.count)
		program->caller.command = placeholder;
}

static int explain(struct program *program)
{
	struct error err = { 0 };
	int status = 0;

	if (program->cli.command == C_EXPLAIN && !program->cli.profiles.count && program->cli.rest_count == 1) {
		status = explain_key(program->cli.rest[0], program->cli.given[O_JSON], &err);
		return status ? report(program, &err) : 0;
	}
	status = load_request(program);
	if (status)
		return status;
	need_no_command(program);
	if (make_plan(program, NULL, &err) || explain_plan(&program->plan, program->cli.given[O_JSON], &err))
		return report(program, &err);
	return 0;
}

/* What the text alone shows, and then what only the stages can: names of system calls, of capabilities, ids and their
 * map. */
static int check_one(struct program *program, const char *const *words, size_t count)
{
	int status = load(program, words, count, &program->profile);

	if (status)
		return status;
	program->caller.command = NULL;
	need_no_command(program);
	program->plan = (struct plan){ .profile = program->profile, .caller = &program->caller };
	if (steps_check(program->profile, &program->plan, check_error))
		status = EXIT_OF_PROFILE;
	arena_free(&program->plan.arena);
	return status;
}

/* Those behind -p are layers of one profile; every other word is a profile by itself. */
static int check(struct program *program)
{
	const struct words *layers = &program->cli.profiles;
	struct error err = { 0 };
	int status = 0;

	if (!program->cli.rest_count && !layers->count) {
		fail(&err, 0, "no profile to check is given");
		error_exit(&err, EXIT_OF_USAGE);
		return report(program, &err);
	}
	if (program->cli.given[O_JSON])
		check_as_json();
	if (layers->count)
		status = check_one(program, layers->items, layers->count);
	for (int i = 0; i < program->cli.rest_count; i++) {
		const char *const word = program->cli.rest[i];
		int bad = check_one(program, &word, 1);

		status = bad ? bad : status;
	}
	return check_finish(&err) ? report(program, &err) : status;
}

static int show(struct program *program)
{
	struct error err = { 0 };
	int status = load_request(program);

	if (status)
		return status;
	if (!show_profile(program->profile, program->cli.given[O_ALL], program->cli.given[O_JSON], &err))
		return 0;
	return report(program, &err);
}

static int doctor(struct program *program)
{
	int status = load_request(program);

	if (status)
		return status;
	status = doctor_run(program->profile, &program->caller, program->cli.given[O_JSON]);
	return printed(program) ? EXIT_OF_INTERNAL : status;
}

static int compare(struct program *program)
{
	struct error err = { 0 };
	int status = load_request(program);
	bool json = program->cli.given[O_JSON];

	if (status)
		return status;
	need_no_command(program);
	if (make_plan(program, NULL, &err) || (program->cli.given[O_CAPS] ? compare_caps(&program->plan, json, &err)
									  : compare_run(&program->plan, json, &err)))
		return report(program, &err);
	return 0;
}

static int audit(struct program *program)
{
	const char *threshold = program->cli.value[O_THRESHOLD];
	struct error err = { 0 };
	bool above = false;
	int tenths = -1, status = 0;

	if (threshold && audit_threshold(threshold, &tenths, &err))
		return report(program, &err);
	status = load_request(program);
	if (status)
		return status;
	if (audit_run(program->profile, program->cli.given[O_JSON], tenths, &above, &err))
		return report(program, &err);
	return above ? EXIT_OF_THRESHOLD : 0;
}

static int gc(struct program *program)
{
	struct error err = { 0 };

	return registry_gc(&err) || cgroup_gc(&err) || network_gc(&err) ? report(program, &err) : 0;
}

static int usage(const struct program *program, const char *what)
{
	struct error err = { 0 };

	fail(&err, 0, "%s", what);
	error_remedy(&err, "see `sandbox help %s`", cli_commands[program->cli.command].name);
	error_exit(&err, EXIT_OF_USAGE);
	return report(program, &err);
}

static int list(const struct program *program)
{
	struct error err = { 0 };

	return list_run(program->cli.given[O_JSON], &err) ? report(program, &err) : 0;
}

/* inspect, kill */
static int ask(const struct program *program)
{
	const struct cli *cli = &program->cli;
	bool kill = cli->command == C_KILL;
	struct error err = { 0 };
	int status = 0;

	if (cli->rest_count < 1 || cli->rest_count > (kill ? 2 : 1))
		return usage(program, "exactly one sandbox must be named");
	status = kill ? ask_kill(cli->rest[0], cli->rest[1], &err) : ask_inspect(cli->rest[0], &err);
	return status ? report(program, &err) : 0;
}

static int exec(const struct program *program)
{
	const struct cli *cli = &program->cli;
	char *const *command = cli->rest_count ? cli->rest + 1 : cli->rest;
	struct exec_request request = {
		.directory = cli->value[O_CHDIR],
		.variables = cli->variables.items,
		.variable_count = cli->variables.count,
	};
	struct error err = { 0 };
	int status = 0;

	if (*command && !strcmp(*command, "--"))
		command++;
	else if (*command && **command == '-')
		return usage(program, "options stand before the sandbox's name, the command behind it");
	if (!*command)
		return usage(program, "a sandbox and a command must be given");
	if (request.directory && request.directory[0] != '/')
		return usage(program, "the directory must be an absolute path inside");
	for (size_t i = 0; i < request.variable_count; i++)
		if (!strchr(request.variables[i], '=') || request.variables[i][0] == '=')
			return usage(program, "a variable is written NAME=VALUE");
	request.sandbox = cli->rest[0];
	request.command = command;
	status = exec_run(&request, &err);
	return status < 0 ? report(program, &err) : status;
}

/* help, version, schema */
static int print(const struct program *program, const char *text)
{
	if (text)
		(void)fputs(text, stdout);
	else
		cli_help(&program->cli);
	return printed(program);
}

/* Launches, watches, ends. The outcome is complete whatever happened. */
static void launch_and_watch(struct launch *launch, struct outcome *outcome)
{
	struct error err = { 0 };

	if (launch_start(launch, &err)) {
		outcome->verdict = VERDICT_SETUP_FAILED;
		outcome->failed = true;
		outcome->error = err;
	} else if (supervise(launch, outcome, &err)) {
		outcome->failed = true;
		outcome->error = err;
	}
	launch->host.usage = &outcome->usage;
	launch_undo(launch);
	if (outcome->failed && !outcome->running)
		blocked_explain(&outcome->error);
}

/* Plans and, if that worked, launches. What failed is in the outcome. */
static void plan_and_launch(struct program *program, const struct verdict_sink *sink, struct launch *launch,
			    struct outcome *outcome)
{
	struct error err = { 0 };

	if (launch->timings && !supervise_prepare(&err) && !make_plan(program, launch->timings, &err) &&
	    (!seal_needed(&program->plan) ||
	     !seal_self(program->argv, environ, sink->borrowed ? sink->fd : -1, &err))) {
		launch_and_watch(launch, outcome);
		return;
	}
	if (!launch->timings)
		fail_errno(&err, 0, "cannot map memory for timings");
	outcome->verdict = VERDICT_SETUP_FAILED;
	outcome->failed = true;
	outcome->error = err;
}

static int finish_run(struct program *program, struct verdict_sink *sink, struct launch *launch,
		      struct outcome *outcome)
{
	struct error err = { 0 };

	if (outcome->failed && outcome->error.exit_status == EXIT_OF_NOT_FOUND)
		cli_misplaced(&program->cli, &outcome->error);
	if (outcome->failed)
		report_error(program->profile, &outcome->error);
	else if (verdict_explain(launch, outcome, &err))
		report_error(program->profile, &err);
	if (program->cli.given[O_TIMINGS] && launch->timings)
		report_timings(launch->timings);
	if (verdict_write(sink, launch, outcome, &err)) {
		report_error(program->profile, &err);
		return EXIT_OF_INTERNAL;
	}
	return verdict_exit_status(launch, outcome);
}

static int run(struct program *program)
{
	struct verdict_sink sink = { 0 };
	struct outcome outcome = { 0 };
	struct error err = { 0 };
	struct launch launch;
	int status = 0;

	if (program->cli.given[O_DRY_RUN])
		return explain(program);
	if (verdict_open(&sink, program->cli.value[O_STATUS_FILE], program->cli.value[O_STATUS_FD], &err))
		return report(program, &err);
	status = load_request(program);
	if (status) {
		if (verdict_write_refusal(&sink, &program->caller, &program->diagnostics, &err))
			report_error(NULL, &err);
		return status;
	}
	launch_init(&launch, &program->plan, timings_new(), program->cli.given[O_VERBOSE]);
	plan_and_launch(program, &sink, &launch, &outcome);
	return finish_run(program, &sink, &launch, &outcome);
}

static int dispatch(struct program *program)
{
	if (program->cli.given[O_HELP] || program->cli.command == C_HELP)
		return print(program, NULL);
	if (program->cli.given[O_VERSION] || program->cli.command == C_VERSION)
		return print(program, "sandbox " VERSION "\n");
	switch (program->cli.command) {
	case C_CHECK:
		return check(program);
	case C_EXPLAIN:
		return explain(program);
	case C_SHOW:
		return show(program);
	case C_DOCTOR:
		return doctor(program);
	case C_COMPARE:
		return compare(program);
	case C_AUDIT:
		return audit(program);
	case C_LIST:
		return list(program);
	case C_INSPECT:
	case C_KILL:
		return ask(program);
	case C_EXEC:
		return exec(program);
	case C_GC:
		return gc(program);
	case C_SCHEMA:
		return print(program, program->cli.given[O_JSON] ? schema_json : schema_text);
	default:
		return run(program);
	}
}

int main(int argc, char **argv)
{
	static struct program program;
	struct error err = { 0 };
	int status = 0;

	program.argv = argv;
	if (check_descriptors(&err) || check_privilege(&err) ||
	    cli_read(argc, argv, &program.arena, &program.cli, &err) || know_caller(&program, &err))
		status = report(&program, &err);
	else
		status = dispatch(&program);
	arena_free(&program.plan.arena);
	arena_free(&program.arena);
	return status;
}
