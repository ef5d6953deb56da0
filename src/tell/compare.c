/* compare: what a sandbox changes, seen from inside.
 *
 * Runs in the launcher's place. Two processes of the launcher's own code look at themselves (run/look.c): a forked copy
 * of it, which is what the host gives to a program, and the payload's process of a real launch of this very plan, which
 * ends where it would have executed the command. No program of the image takes part and none is run; what the profile
 * makes and removes on the host (a cgroup, a network) is made and removed.
 *
 * One thing only the launcher can see, the limits of the sandbox's cgroups: it looks at them while the process inside
 * waits for it.
 */
#include "tell/compare.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/file.h"
#include "run/launch.h"
#include "run/supervise.h"

enum { CGROUP_SIZE = 64 * 1024, ARRIVAL_MSEC = 1 };

int compare_print(struct json_object *document, const struct text *page, struct error *err)
{
	const char *words = page->data ? page->data : "";

	if (document)
		words = json_object_to_json_string_ext(document,
						       JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_NOSLASHESCAPE);
	if (page->failed || !words || fputs(words, stdout) < 0 || (document && putchar('\n') < 0) || fflush(stdout)) {
		fail_errno(err, 0, "cannot write to standard output");
		return error_exit(err, EXIT_OF_INTERNAL);
	}
	return 0;
}

/* ---- the host's column ----------------------------------------------------------------------- */

static void look_in_place(struct look *look)
{
	AUTO_CLOSE int procfs = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);

	look->released = true;
	look_around(look, procfs);
	look_at_processes(look);
	look_at_end(look);
}

/* A descriptor that an exec would keep, for the look's own use. */
static int placeholder(struct error *err)
{
	int fd = open("/dev/null", O_RDONLY); /* NOLINT(android-cloexec-open): it is to be passed */

	return fd < 0 ? fail_errno(err, 0, "cannot open /dev/null") : fd;
}

static int look_at_host(struct look *look, struct error *err)
{
	pid_t pid = -1;
	int status = 0;

	pid = fork();
	if (pid == 0) {
		look_in_place(look);
		_exit(0);
	}
	while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (pid < 0 || status) {
		fail_errno(err, 0, "cannot look at the host");
		return error_exit(err, EXIT_OF_INTERNAL);
	}
	return 0;
}

/* ---- the sandbox's column -------------------------------------------------------------------- */

/* Whether what inherited it is checked against the plan (attest), so it must stand there. */
static int pass(struct plan *plan, int fd, struct error *err)
{
	struct descriptors_plan *descriptors = &plan->descriptors;
	int *list = arena_array(&plan->arena, descriptors->count + 1, sizeof(*list));
	size_t at = 0;

	if (!list)
		return fail_errno(err, 0, "cannot keep the list of descriptors");
	for (; at < descriptors->count && descriptors->pass[at] < fd; at++)
		list[at] = descriptors->pass[at];
	list[at] = fd;
	for (; at < descriptors->count; at++)
		list[at + 1] = descriptors->pass[at];
	descriptors->pass = list;
	descriptors->count++;
	return 0;
}

/* Signals are blocked and are the watch's (supervise.c), which is to come. */
static bool called_off(void)
{
	sigset_t pending;

	return !sigpending(&pending) && (sigismember(&pending, SIGINT) || sigismember(&pending, SIGTERM) ||
					 sigismember(&pending, SIGHUP) || sigismember(&pending, SIGQUIT));
}

/* Waits until the process inside has come to its place, or has ended before, or is not to be waited for any more. */
static struct json_object *limits_while_it_waits(const struct launch *launch, struct look *look)
{
	struct pollfd ended = { .fd = launch->host.child_pidfd, .events = POLLIN };
	AUTO_FREE char *cgroup = calloc(1, CGROUP_SIZE);
	struct json_object *limits = NULL;

	while (!look->arrived && !called_off() && poll(&ended, 1, ARRIVAL_MSEC) <= 0)
		;
	if (!cgroup || read_file_at(launch->host.child_procfs, "cgroup", cgroup, CGROUP_SIZE) < 0)
		limits = json_object_new_object();
	else
		limits = compare_cgroup_limits(cgroup);
	look->released = true;
	return limits;
}

/* A filter that kills at read(2) ends it after everything else was seen. */
static int check_end(const struct look *look, const struct plan *plan, const struct outcome *outcome, struct error *err)
{
	bool killed = outcome->status_known && WIFSIGNALED(outcome->wait_status);

	if (outcome->failed) {
		*err = outcome->error;
		return -1;
	}
	if (look->arrived && (look->confined || plan->seccomp.wanted) && (!killed || plan->seccomp.kills))
		return 0;
	fail(err, 0, "the sandbox ended before it was looked at");
	return error_exit(err, EXIT_OF_STAGE);
}

/* The launch ignores SIGPIPE; a reader of the page that goes away ends the program as it does everywhere. */
static int look_inside(struct plan *plan, struct look *look, struct json_object **ret_limits, struct error *err)
{
	struct timings *timings = timings_new();
	struct outcome outcome = { 0 };
	struct sigaction own;
	struct launch launch;
	int status = -1;

	(void)sigaction(SIGPIPE, NULL, &own);
	if (!timings || supervise_prepare(err))
		return timings ? -1 : fail_errno(err, 0, "cannot map memory for timings");
	launch_init(&launch, plan, timings, false);
	launch.look = look;
	if (!launch_start(&launch, err)) {
		*ret_limits = limits_while_it_waits(&launch, look);
		status = supervise(&launch, &outcome, err);
	}
	launch_undo(&launch);
	(void)sigaction(SIGPIPE, &own, NULL);
	return status ? -1 : check_end(look, plan, &outcome, err);
}

/* ---- both ------------------------------------------------------------------------------------ */

static struct json_object *host_limits(void)
{
	AUTO_FREE char *cgroup = calloc(1, CGROUP_SIZE);

	if (!cgroup || read_file_at(AT_FDCWD, "/proc/self/cgroup", cgroup, CGROUP_SIZE) < 0)
		return json_object_new_object();
	return compare_cgroup_limits(cgroup);
}

static int report(const struct compare_side *host_side, const struct compare_side *sandbox_side, bool json,
		  struct error *err)
{
	struct json_object *host = compare_facts(host_side), *sandbox = compare_facts(sandbox_side);
	struct json_object *changes = compare_changes(host_side, host, sandbox_side, sandbox);
	struct json_object *document = json_object_new_object();
	const struct page page = page_of(STDOUT_FILENO);
	struct text text = { 0 };
	int status = 0;

	json_object_object_add(document, "profile", json_object_new_string(sandbox_side->plan->profile->name));
	json_object_object_add(document, "host", host);
	json_object_object_add(document, "sandbox", sandbox);
	json_object_object_add(document, "changes", changes);
	if (!json)
		compare_page(&page, &text, host, sandbox, changes);
	status = compare_print(json ? document : NULL, &text, err);
	text_free(&text);
	json_object_put(document);
	return status;
}

int compare_run(struct plan *plan, bool json, struct error *err)
{
	struct look *host = look_new(), *inside = look_new();
	struct compare_side sides[2] = {
		{ .look = host, .environ = plan->caller->environ },
		{ .look = inside, .environ = (const char *const *)plan->environment.envp, .plan = plan }
	};
	AUTO_CLOSE int fd = -1;
	int status = -1;

	if (!host || !inside) {
		fail_errno(err, 0, "cannot map memory to look into");
		goto out;
	}
	fd = placeholder(err);
	if (fd < 0 || pass(plan, fd, err))
		goto out;
	host->placeholder = inside->placeholder = fd;
	if (look_at_host(host, err) || look_inside(plan, inside, &sides[1].limits, err))
		goto out;
	sides[0].limits = host_limits();
	status = report(&sides[0], &sides[1], json, err);
out:
	look_free(host);
	look_free(inside);
	return status;
}
