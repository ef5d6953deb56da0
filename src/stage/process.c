/* process: the command, and the properties of a process that need no stage of their own.
 *
 * plan     (parent) takes the command from the command line, or else from the profile, and turns the words of the
 *          profile into the numbers of the kernel.
 * attach   (parent, while the child blocks) sets the nice value and oom_score_adj of the child; init and the payload
 *          inherit them. Here because the launcher may have the right to lower them and a child in its own user
 *          namespace never has, and because /proc/PID/oom_score_adj cannot be written once the child is non-dumpable.
 * confine  (payload) sets what a payload would otherwise inherit from whoever started the launcher: scheduling policy,
 *          disk priority, CPU affinity, personality, umask; and forbids memory both writable and executable if the
 *          profile says so.
 *          Before rlimits, which may forbid some of it.
 *
 * Needs: prctl(2) PR_SET_MDWE (Linux 6.3) for process.wx = "deny", which plan probes. A lower oom_score_adj or nice
 * value than the launcher's takes CAP_SYS_RESOURCE or CAP_SYS_NICE. Nothing to undo: it all dies with the process.
 */
#include "stage/stage.h"

#include <errno.h>
#include <linux/ioprio.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cpulist.h"
#include "base/file.h"
#include "base/format.h"
#include "profile/schema.h"

#ifndef PR_SET_MDWE
#define PR_SET_MDWE 65
#define PR_MDWE_REFUSE_EXEC_GAIN 1
#define PR_GET_MDWE 66
#endif

enum { NICE_MIN = -20, NICE_MAX = 19 };

static const unsigned long personalities[] = {
	[PROCESS_PERSONALITY_LINUX] = PER_LINUX,
	[PROCESS_PERSONALITY_LINUX32] = PER_LINUX32,
};

static int plan_command(const struct profile *profile, struct plan *plan, struct error *err)
{
	const struct strings *own = &profile->process.command;
	char *const *given = plan->caller->command;
	size_t count = own->count;

	if (given)
		for (count = 0; given[count]; count++)
			;
	if (!count) {
		fail(err, K_PROCESS_COMMAND, "no command is given");
		error_remedy(err, "write it behind the options: sandbox -p PROFILE -- COMMAND ARG..., or let the "
				  "profile say what to run");
		return error_exit(err, EXIT_OF_USAGE);
	}
	plan->process.argv = arena_array(&plan->arena, count + 1, sizeof(*plan->process.argv));
	if (!plan->process.argv)
		return fail_errno(err, K_PROCESS_COMMAND, "cannot keep the command");
	for (size_t i = 0; i < count; i++)
		plan->process.argv[i] = given ? given[i] : (char *)(uintptr_t)own->items[i];
	return 0;
}

static int plan_nice(const struct profile *profile, struct plan *plan, struct error *err)
{
	int nice = 0;

	errno = 0;
	nice = getpriority(PRIO_PROCESS, 0);
	if (nice == -1 && errno)
		return fail_errno(err, K_PROCESS_NICE, "cannot read the launcher's nice value");
	nice += profile->process.nice;
	plan->process.nice = nice < NICE_MIN ? NICE_MIN : nice > NICE_MAX ? NICE_MAX : nice;
	return 0;
}

/* The kernel leaves out CPUs that are not there without a word, so they are refused here. */
static int plan_affinity(const struct profile *profile, struct plan *plan, struct error *err)
{
	const char *list = profile->process.affinity;
	long cpus = list ? sysconf(_SC_NPROCESSORS_CONF) : 0;
	cpu_set_t *set = NULL;

	if (!list)
		return 0;
	set = arena_alloc(&plan->arena, sizeof(*set));
	if (!set)
		return fail_errno(err, K_PROCESS_AFFINITY, "cannot keep the list of CPUs");
	if (cpulist_read(list, set)) {
		fail(err, K_PROCESS_AFFINITY, "cannot read %s as a list of CPUs", list);
		error_remedy(err, "write numbers and ranges, such as 0-1,3");
		return error_exit(err, EXIT_OF_PROFILE);
	}
	for (long cpu = cpus; cpus > 0 && cpu < CPU_SETSIZE; cpu++)
		if (CPU_ISSET((size_t)cpu, set))
			return fail(err, K_PROCESS_AFFINITY, "cannot run on CPU %ld: the host has 0-%ld", cpu,
				    cpus - 1);
	plan->process.affinity = set;
	return 0;
}

static int plan_wx(const struct profile *profile, struct error *err)
{
	if (profile->process.wx == PROCESS_WX_ALLOW || prctl(PR_GET_MDWE, 0, 0, 0, 0) >= 0)
		return 0;
	fail_errno(err, K_PROCESS_WX, "cannot forbid memory both writable and executable: the kernel cannot");
	return error_remedy(err, "Linux 6.3 can, see PR_SET_MDWE in prctl(2)");
}

int process_plan(const struct profile *profile, struct plan *plan, struct error *err)
{
	struct process_plan *process = &plan->process;

	process->cwd = profile->process.cwd;
	process->init = profile->process.init;
	process->umask = (mode_t)profile->process.umask;
	process->time_limited = profile->process.time_limit != DURATION_UNLIMITED;
	process->personality = personalities[profile->process.personality];
	if (plan_command(profile, plan, err) || plan_nice(profile, plan, err) || plan_affinity(profile, plan, err))
		return -1;
	return plan_wx(profile, err);
}

CHILD static int write_oom_score(const struct host *host, int value, struct error *err)
{
	char text[16];

	format_text(text, sizeof(text), "%d", value);
	if (!write_file_at(host->child_procfs, "oom_score_adj", text))
		return 0;
	fail_errno(err, K_PROCESS_OOM_SCORE_ADJ, "cannot set oom_score_adj to %d", value);
	if (errno == EACCES || errno == EPERM)
		error_remedy(err, "only a launcher with CAP_SYS_RESOURCE may go below its own oom_score_adj");
	return -1;
}

/* An agent is no child of ours yet when it does this for itself: 0 is the calling process. */
CHILD int process_attach(const struct plan *plan, struct host *host, struct error *err)
{
	int score = plan->profile->process.oom_score_adj;

	if (plan->profile->process.nice && setpriority(PRIO_PROCESS, (id_t)host->child, plan->process.nice)) {
		fail_errno(err, K_PROCESS_NICE, "cannot set the nice value to %d", plan->process.nice);
		if (errno == EACCES || errno == EPERM)
			error_remedy(err, "only a launcher with CAP_SYS_NICE may go below its own nice value");
		return -1;
	}
	return score == INT_UNSET ? 0 : write_oom_score(host, score, err);
}

/* A launcher under a real-time policy would hand it to a payload that may spin; the others only take, never starve. */
CHILD static int reset_scheduler(struct error *err)
{
	const struct sched_param param = { .sched_priority = 0 };
	int policy = sched_getscheduler(0);

	if (policy < 0)
		return fail_errno(err, 0, "cannot read the scheduling policy");
	policy &= ~SCHED_RESET_ON_FORK;
	if (policy != SCHED_OTHER && policy != SCHED_BATCH && policy != SCHED_IDLE &&
	    sched_setscheduler(0, SCHED_OTHER, &param))
		return fail_errno(err, 0, "cannot leave the launcher's real-time scheduling policy");
	return 0;
}

/* The same for disks, where the real-time class starves all others (ioprio_set(2)). Not every kernel has classes. */
CHILD static int reset_io_priority(struct error *err)
{
	long priority = syscall(SYS_ioprio_get, IOPRIO_WHO_PROCESS, 0);

	if (priority < 0 && errno == ENOSYS)
		return 0;
	if (priority < 0)
		return fail_errno(err, 0, "cannot read the disk priority");
	if (IOPRIO_PRIO_CLASS(priority) == IOPRIO_CLASS_RT && syscall(SYS_ioprio_set, IOPRIO_WHO_PROCESS, 0, 0))
		return fail_errno(err, 0, "cannot leave the launcher's real-time disk priority");
	return 0;
}

/* Should: leave nothing of the launcher's own properties.  Mustn't: run in init, which keeps the normal ones. */
CHILD int process_confine(const struct plan *plan, struct inside *inside, struct error *err)
{
	const struct process_plan *process = &plan->process;

	(void)inside;
	if (reset_scheduler(err) || reset_io_priority(err))
		return -1;
	if (process->affinity && sched_setaffinity(0, sizeof(*process->affinity), process->affinity))
		return fail_errno(err, K_PROCESS_AFFINITY, "cannot run on CPUs %s", plan->profile->process.affinity);
	if (personality(process->personality) < 0)
		return fail_errno(err, K_PROCESS_PERSONALITY, "cannot set personality 0x%lx", process->personality);
	umask(process->umask);
	if (plan->profile->process.wx == PROCESS_WX_DENY && prctl(PR_SET_MDWE, PR_MDWE_REFUSE_EXEC_GAIN, 0, 0, 0))
		return fail_errno(err, K_PROCESS_WX, "cannot forbid memory both writable and executable");
	return 0;
}

static void describe_optional(const struct plan *plan, struct description *out)
{
	const struct profile *profile = plan->profile;

	if (profile->process.nice)
		describe(out, K_PROCESS_NICE, -1, "nice value %d", plan->process.nice);
	if (profile->process.oom_score_adj != INT_UNSET)
		describe(out, K_PROCESS_OOM_SCORE_ADJ, -1, "oom_score_adj %d", profile->process.oom_score_adj);
	if (profile->process.affinity)
		describe(out, K_PROCESS_AFFINITY, -1, "runs on CPUs %s", profile->process.affinity);
	if (profile->process.wx == PROCESS_WX_DENY)
		describe(out, K_PROCESS_WX, -1, "no memory is both writable and executable");
	if (profile->process.wx == PROCESS_WX_DENY)
		describe_need(out, "PR_SET_MDWE (Linux 6.3)");
	if (profile->process.personality != PROCESS_PERSONALITY_LINUX)
		describe(out, K_PROCESS_PERSONALITY, -1, "personality %s (0x%lx)",
			 keys[K_PROCESS_PERSONALITY].values[profile->process.personality], plan->process.personality);
	if (plan->process.time_limited)
		describe(out, K_PROCESS_TIME_LIMIT, -1, "is ended after %lld ms",
			 (long long)profile->process.time_limit / 1000000);
	if (plan->process.time_limited)
		describe(out, K_PROCESS_KILL_GRACE, -1, "everything is killed %lld ms after that",
			 (long long)profile->process.kill_grace / 1000000);
	if (profile->process.output_limit != SIZE_UNLIMITED)
		describe(out, K_PROCESS_OUTPUT_LIMIT, -1, "is killed when output and errors exceed %llu bytes",
			 (unsigned long long)profile->process.output_limit);
}

void process_describe(const struct plan *plan, struct description *out)
{
	const struct process_plan *process = &plan->process;
	struct text command = { 0 };

	for (char **word = process->argv; *word; word++) {
		text_add(&command, word == process->argv ? "" : " ");
		text_add_word(&command, *word);
	}
	if (!command.failed)
		describe(out, plan->caller->command ? K_NONE : K_PROCESS_COMMAND, -1, "runs %s", command.data);
	text_free(&command);
	describe(out, K_PROCESS_INIT, -1,
		 process->init ? "under an init of ours, which reaps and forwards signals, with a filter of its own "
				 "and at most "
				 "KILL of the capabilities"
			       : "as process 1, or without one");
	describe(out, K_PROCESS_UMASK, -1, "umask %04o", process->umask);
	describe(out, 0, -1, "leaves real-time classes of processor and disk, if the launcher is in one");
	describe_optional(plan, out);
}
