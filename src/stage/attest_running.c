/* attest: the launcher's look at what runs. Runs in the launcher, once the payload's execve has succeeded.
 *
 * The filter is the one layer that nothing inside can read back once it is in force. /proc/PID/status of a process
 * inside can tell the launcher. It is a second look, after the fact and best effort: a payload may have ended before
 * it is found, which is no error; the proof is seccomp(2)'s own return value. Under an init the payload's number is
 * not known outside, so every child of init is asked: whatever runs there descends from the payload and cannot shed
 * its filter.
 *
 * Needs: /proc/PID/task/TID/children (CONFIG_PROC_CHILDREN) under an init; without it nothing is asked.
 */
#include "stage/attest.h"

#include <linux/seccomp.h>
#include <poll.h>
#include <string.h>

#include "base/fd.h"
#include "base/file.h"
#include "base/format.h"

enum { STATUS_SIZE = 8192, DYING_MSEC = 20 };

/* `status` may be that of a process that took over the number meanwhile: only a child of `parent` counts. */
static int check(const struct plan *plan, const char *status, pid_t parent, struct error *err)
{
	const char *ppid = attest_field(status, "PPid:"), *mode = attest_field(status, "Seccomp:");
	const char *no_new_privs = attest_field(status, "NoNewPrivs:"), *state = attest_field(status, "State:");

	/* A zombie may have died before it came to its filter. */
	if (!ppid || !mode || !no_new_privs || !state || *state == 'Z' || (pid_t)attest_number(&ppid, 10) != parent)
		return 0;
	/* One more than SECCOMP_MODE_FILTER is a process that its filter has just killed. */
	if (plan->seccomp.wanted && attest_number(&mode, 10) < SECCOMP_MODE_FILTER)
		fail(err, 0, "the payload runs without its filter");
	else if (plan->profile->no_new_privs && attest_number(&no_new_privs, 10) != 1)
		fail(err, K_NO_NEW_PRIVS, "the payload runs without no_new_privs");
	else
		return 0;
	return error_exit(err, EXIT_OF_INTERNAL);
}

static int check_pid(const struct plan *plan, pid_t pid, pid_t parent, struct error *err)
{
	char path[32], status[STATUS_SIZE];

	format_text(path, sizeof(path), "/proc/%d/status", pid);
	if (read_file_at(-1, path, status, sizeof(status)) < 0)
		return 0;
	return check(plan, status, parent, err);
}

static int look(const struct plan *plan, const struct host *host, struct error *err)
{
	char path[64], text[STATUS_SIZE];
	const char *at = text;

	if (!plan->process.init) {
		if (read_file_at(host->child_procfs, "status", text, sizeof(text)) < 0)
			return 0;
		return check(plan, text, getpid(), err);
	}
	format_text(path, sizeof(path), "task/%d/children", host->child);
	if (read_file_at(host->child_procfs, path, text, sizeof(text)) < 0)
		return 0;
	while (*at >= '0' && *at <= '9')
		if (check_pid(plan, (pid_t)attest_number(&at, 10), host->child, err))
			return -1;
	return 0;
}

/* A payload that was killed on its way to exec closes the pipe that tells of it too, and shows what it had not yet
 * given up until it is gone: only what is found twice was found. */
int attest_running(const struct plan *plan, const struct host *host, struct error *err)
{
	struct error first;

	if (!look(plan, host, &first))
		return 0;
	(void)poll(NULL, 0, DYING_MSEC);
	return look(plan, host, err);
}
