/* agent: runs one further command in a sandbox that runs already (`sandbox exec`).
 *
 * The launcher forks it for a client of the keeper's (run/keeper.c). It has the launcher's whole plan as a copy, so
 * nothing of it is passed on or read again; what is the command's own (its words, more variables, a directory, a
 * terminal) the launcher has put into that copy before the fork.
 *
 *	agent                                       command
 *	-----                                       -------
 *	its own descriptors, nice value, OOM score
 *	becomes non-dumpable
 *	enters all namespaces but that of cgroups
 *	clone3, into the v2 cgroup ---------------> waits
 *	gives up everything
 *	one byte ---------------------------------> rejoin    all rows, in place of enter
 *	carries signals in, the status out          confine   all rows, as at the launch
 *	                                            execve
 *
 * What the pipeline's confine column gave up for the first command, the same cells give up for this one, and attest
 * reads it back. It is no child of init's and outlives neither the agent (parent-death signal) nor the sandbox: in a
 * pid namespace it ends with the first process, else with the cgroup. When the client goes away, the agent kills it and
 * its process group. What it leaves running in groups of its own belongs to the sandbox.
 *
 * Processes inside see the command before it has given up its rights. All of that time it is non-dumpable, so they
 * can look into neither its memory nor its descriptors (ptrace(2)); the host's setting that makes a process dumpable
 * which has changed its ids, fs.suid_dumpable = 1, is refused. Its arguments and environment, which /proc shows all
 * the same, were wiped before. What needs no such right to be seen, the mounts and the network of its namespaces, is
 * the sandbox's own: they are entered before the fork. The agent itself stays in the launcher's pid namespace, where
 * nobody inside can see it, and in the launcher's cgroup.
 *
 * Should: leave the client's terminal outside; a descriptor that is one is refused. Mustn't: touch the sandbox with a
 * right that the launch did not have.
 */
#include "run/agent.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <paths.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/file.h"
#include "base/format.h"
#include "base/syscall.h"
#include "run/child.h"
#include "run/launch.h"
#include "run/record.h"
#include "run/shed.h"
#include "run/steps.h"

#define TITLE "sandbox-exec"

enum { BEGIN_SEC = 30 };
enum { WAY_IN_MAX = 16, JOINED_MAX = NAMESPACE_COUNT, KEEP_MAX = 8 + NAMESPACE_COUNT + WAY_IN_MAX + 2 * JOINED_MAX };

struct visit {
	struct plan plan;
	struct caller caller;
	struct handed handed;
	struct entrances entrances;
	int cgroup; /* v2: directory of the leaf; -1 */
	struct arena arena;
};

/* ---- in the launcher -------------------------------------------------------------------------------------------- */

static bool names_same(const char *entry, const char *other)
{
	size_t length = strcspn(entry, "=");

	return !strncmp(entry, other, length) && other[length] == '=';
}

/* The plan's variables, with the client's in their places. Copies: part of the plan's point into the launcher's own
 * environment, which the agent wipes. */
static int plan_environment(struct visit *visit, const struct request *request)
{
	struct environment_plan *environment = &visit->plan.environment;
	char **list = NULL, **given = request->variables;
	size_t count = 0, own = 0;

	while (environment->envp[own])
		own++;
	list = arena_array(&visit->arena, own + request->head.variables + 1, sizeof(*list));
	if (!list)
		return -1;
	for (size_t i = 0; i < own + request->head.variables; i++) {
		const char *entry = i < own ? environment->envp[i] : given[i - own];
		size_t at = 0;

		while (at < count && !names_same(entry, list[at]))
			at++;
		count += at == count;
		list[at] = arena_copy(&visit->arena, entry);
		if (!list[at])
			return -1;
	}
	environment->envp = list;
	environment->path = _PATH_DEFPATH;
	for (; *list; list++)
		if (names_same("PATH=", *list))
			environment->path = *list + strlen("PATH=");
	return 0;
}

static int plan_process(struct visit *visit, const struct request *request)
{
	struct process_plan *process = &visit->plan.process;

	process->argv = arena_array(&visit->arena, request->head.words + 1, sizeof(*process->argv));
	for (size_t i = 0; process->argv && i < request->head.words; i++) {
		process->argv[i] = arena_copy(&visit->arena, request->words[i]);
		if (!process->argv[i])
			return -1;
	}
	if (request->directory)
		process->cwd = arena_copy(&visit->arena, request->directory);
	visit->caller.command = process->argv;
	return process->argv && process->cwd ? 0 : -1;
}

static void plan_tty(struct tty_plan *tty, const struct request_head *head)
{
	const char *ptmx = tty->ptmx;

	*tty = (struct tty_plan){ .pty = head->pty, .ptmx = ptmx };
	for (int fd = 0; fd < 3; fd++)
		tty->slave[fd] = head->pty && head->slave & 1U << fd;
	tty->window_known = head->pty && head->window_known;
	tty->modes_known = head->pty && head->modes_known;
	tty->window = head->window;
	tty->modes = head->modes;
}

/* Without a user namespace between them, a payload that may trace any process may trace the one that comes. */
static int check_power(const struct plan *plan, struct error *err)
{
	if (plan->namespaces.user || plan->userns.joined ||
	    !(plan->capabilities.bounding & (UINT64_C(1) << CAP_SYS_PTRACE)))
		return 0;
	fail(err, K_CAPABILITIES_KEEP,
	     "no further command may be run in this sandbox: it has no user namespace of its own, and its processes "
	     "may keep CAP_SYS_PTRACE, with which they could take hold of whoever enters");
	return error_exit(err, EXIT_OF_PROFILE);
}

static int check_profile(const struct profile *profile, const struct request_head *head, struct error *err)
{
	if (!profile->process.exec) {
		fail(err, K_PROCESS_EXEC,
		     "no further command may be run in this sandbox: its profile says "
		     "process.exec = false");
		return error_exit(err, EXIT_OF_PROFILE);
	}
	if (head->pty && profile->process.tty == PROCESS_TTY_NEVER) {
		fail(err, K_PROCESS_TTY,
		     "no terminal may be given to a command of this sandbox: its profile says "
		     "process.tty = \"never\"");
		return error_exit(err, EXIT_OF_PROFILE);
	}
	return 0;
}

int agent_prepare(const struct launch *launch, const struct request *request, const int standard[3],
		  struct agent_start *start, struct error *err)
{
	struct visit *visit = NULL;

	if (check_profile(launch->plan->profile, &request->head, err) || check_power(launch->plan, err))
		return -1;
	visit = calloc(1, sizeof(*visit));
	if (!visit)
		return fail_errno(err, 0, "cannot plan the command");
	start->visit = visit;
	memcpy(start->standard, standard, sizeof(start->standard));
	visit->plan = *launch->plan;
	visit->caller = *launch->plan->caller;
	visit->plan.caller = &visit->caller;
	visit->handed = launch->host.handed;
	visit->handed.root = -1;
	visit->cgroup = launch->host.cgroup_into_fd;
	visit->entrances = launch->keeper.entrances;
	visit->plan.descriptors = (struct descriptors_plan){ .count = 0 };
	plan_tty(&visit->plan.tty, &request->head);
	if (!plan_environment(visit, request) && !plan_process(visit, request))
		return 0;
	fail_errno(err, 0, "cannot plan the command");
	agent_forget(start);
	return -1;
}

void agent_forget(struct agent_start *start)
{
	if (start->visit)
		arena_free(&start->visit->arena);
	free(start->visit);
	start->visit = NULL;
}

/* ---- the agent, before the command ------------------------------------------------------------------------------ */

CHILD static int stay_with(pid_t launcher, struct error *err)
{
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) || prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0))
		return fail_errno(err, 0, "cannot become non-dumpable and tied to the launcher");
	return getppid() == launcher ? 0 : fail(err, 0, "the launcher is gone");
}

/* No terminal of the client's, and no directory: from that ".." leads out. Asked here and not in the launcher, because
 * what lies behind a descriptor may be slow to answer. */
CHILD static int check_standard(const int standard[3], struct error *err)
{
	for (int fd = 0; fd < 3; fd++) {
		struct termios modes;
		struct stat what;

		if (fstat(standard[fd], &what))
			return fail_errno(err, 0, "cannot look at descriptor %d", fd);
		if (S_ISDIR(what.st_mode))
			return fail(err, 0, "descriptor %d is a directory", fd);
		if (S_ISCHR(what.st_mode) && !ioctl(standard[fd], TCGETS, &modes))
			return fail(err, 0, "descriptor %d is the client's own terminal", fd);
	}
	return 0;
}

/* The client's standard descriptors in their places, and of the launcher's nothing but what leads inside. */
CHILD static int sort_descriptors(const struct agent_start *start, struct error *err)
{
	const struct visit *visit = start->visit;
	const struct join_plan *join = &visit->plan.join;
	int keep[KEEP_MAX] = { 0, 1, 2, start->connection, visit->entrances.procfs, visit->cgroup };
	size_t count = 6;

	for (int fd = 0; fd < 3; fd++)
		if (dup2(start->standard[fd], fd) < 0)
			return fail_errno(err, 0, "cannot set up descriptor %d", fd);
	for (int i = 0; i < NAMESPACE_COUNT; i++)
		keep[count++] = visit->entrances.fd[i];
	count += cgroup_way_in(&visit->handed, keep + count, WAY_IN_MAX);
	for (size_t i = 0; i < join->count && i < JOINED_MAX; i++) {
		keep[count++] = join->items[i].fd;
		keep[count++] = join->items[i].userns_fd;
	}
	if (fd_close_others(keep, count))
		return fail_errno(err, 0, "cannot close the launcher's descriptors");
	return 0;
}

/* See the head of this file: a change of ids must leave the process closed. */
CHILD static int check_host(struct error *err)
{
	char text[16];

	if (read_file_at(AT_FDCWD, "/proc/sys/fs/suid_dumpable", text, sizeof(text)) < 0)
		return fail_errno(err, 0, "cannot read fs.suid_dumpable");
	if (text[0] != '1')
		return 0;
	fail(err, 0, "cannot enter a running sandbox safely: its processes could look into the one that enters");
	error_remedy(err, "set the sysctl fs.suid_dumpable to 0 or 2");
	return error_exit(err, EXIT_OF_HOST);
}

CHILD static int set_own_properties(const struct visit *visit, struct error *err)
{
	struct host self = { .child = 0 };
	int status = -1;

	self.child_procfs = open("/proc/self", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (self.child_procfs < 0)
		return fail_errno(err, 0, "cannot open /proc/self");
	status = process_attach(&visit->plan, &self, err);
	fd_close(&self.child_procfs);
	return status;
}

/* Nice value and OOM score first: what they take goes with the user namespace, and with the dumpable state. */
CHILD static int approach(const struct agent_start *start, struct error *err)
{
	const struct visit *visit = start->visit;
	struct inside inside = { .entrances = &visit->entrances };

	if (check_standard(start->standard, err) || sort_descriptors(start, err) || set_own_properties(visit, err) ||
	    check_host(err) || stay_with(start->launcher, err))
		return -1;
	shed_title(&visit->caller, TITLE);
	if (prctl(PR_SET_NAME, TITLE, 0, 0, 0))
		return fail_errno(err, 0, "cannot name the process");
	if (launch_join(&visit->plan.join, err) || namespaces_approach(&visit->entrances, err) ||
	    namespaces_rejoin(&visit->plan, &inside, err))
		return -1;
	return stay_with(start->launcher, err);
}

/* ---- the command ------------------------------------------------------------------------------------------------ */

CHILD static void command_main(const struct agent_start *start, int ready, int running) __attribute__((noreturn));

CHILD static void command_main(const struct agent_start *start, int ready, int running)
{
	const struct visit *visit = start->visit;
	const struct child_start child = {
		.plan = &visit->plan,
		.socket = start->connection,
		.running = running,
		.close = { -1, -1, -1, -1 },
	};
	struct inside inside = {
		.handed = visit->handed,
		.socket = start->connection,
		.running = running,
		.procfs = visit->entrances.procfs,
		.shelter = -1,
		.staging = -1,
		.pty_slave = -1,
		.pty_master = -1,
		.entrances = &visit->entrances,
	};

	for (int fd = 0; fd < 3; fd++)
		inside.handed.relay[fd] = -1;
	if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0))
		_exit(EXIT_OF_INTERNAL);
	child_wait(ready);
	child_rejoin(&child, &inside);
}

/* ---- the agent, beside the command ------------------------------------------------------------------------------ */

struct agent {
	int connection; /* -1 once the client is gone */
	int pidfd;
	int running; /* EOF: the command is what was asked for; -1 after that */
	pid_t command;
};

CHILD static void end_command(struct agent *agent)
{
	(void)kill(-agent->command, SIGKILL);
	(void)sys_pidfd_send_signal(agent->pidfd, SIGKILL);
	fd_close(&agent->connection);
}

CHILD static void listen_down(struct agent *agent)
{
	struct record record;
	int fd = -1;
	int n = record_receive(agent->connection, &record, &fd);

	fd_close(&fd);
	if (n < 0 && errno == EAGAIN)
		return;
	if (n <= 0 || record.type != RECORD_SIGNAL) {
		end_command(agent);
		return;
	}
	/* The command's session is its own, and the kernel drops SIGTSTP in one that nobody outside could continue
	 * (setpgid(2), orphaned process groups). We can. */
	if (record.signal.number == SIGTSTP)
		record.signal.number = SIGSTOP;
	if (record.signal.number > 0 && (!record.signal.group || kill(-agent->command, record.signal.number)))
		(void)sys_pidfd_send_signal(agent->pidfd, record.signal.number);
}

/* Root inside may stop the process that comes, before it has become the command. */
CHILD static void give_up(struct agent *agent)
{
	struct record record = { .type = RECORD_FAILED };

	fail(&record.error, 0, "the command did not begin within %d seconds: something inside has stopped it",
	     BEGIN_SEC);
	error_exit(&record.error, EXIT_OF_STAGE);
	steps_stamp(&record.error, PHASE_REJOIN, "agent");
	(void)record_send(agent->connection, &record, -1);
	end_command(agent);
}

CHILD static void watch(struct agent *agent) __attribute__((noreturn));

CHILD static void watch(struct agent *agent)
{
	struct record record = { .type = RECORD_EXITED };

	for (;;) {
		struct pollfd events[] = {
			{ .fd = agent->connection, .events = POLLIN },
			{ .fd = agent->pidfd, .events = POLLIN },
			{ .fd = agent->running, .events = POLLIN },
		};
		struct timespec begin = { .tv_sec = BEGIN_SEC };
		int count = 0;

		if (wait4(agent->command, &record.status, WNOHANG, NULL) == agent->command) {
			if (agent->connection >= 0)
				(void)record_send(agent->connection, &record, -1);
			_exit(0);
		}
		count = (int)syscall(SYS_ppoll, events, 3, agent->running < 0 ? NULL : &begin, NULL, 0);
		if (count > 0 && events[2].revents)
			fd_close(&agent->running);
		if (count > 0 && events[0].revents)
			listen_down(agent);
		if (count == 0 && agent->connection >= 0)
			give_up(agent);
	}
}

CHILD static int fork_command(const struct agent_start *start, struct agent *agent, int ready[2], struct error *err)
{
	struct clone_args args = { .flags = CLONE_PIDFD, .pidfd = (uintptr_t)&agent->pidfd, .exit_signal = SIGCHLD };
	int running[2];

	if (start->visit->cgroup >= 0) {
		args.flags |= CLONE_INTO_CGROUP;
		args.cgroup = (unsigned)start->visit->cgroup;
	}
	if (pipe2(ready, O_CLOEXEC) || pipe2(running, O_CLOEXEC))
		return fail_errno(err, 0, "cannot make a pipe");
	agent->running = running[0];
	agent->command = sys_clone3(&args);
	if (agent->command == 0) {
		close(ready[1]);
		close(running[0]);
		command_main(start, ready[0], running[1]);
	}
	close(running[1]);
	if (agent->command > 0)
		return 0;
	fail_errno(err, 0, "cannot fork into the sandbox");
	if (err->sys_errno == ENOMEM) /* pid_namespaces(7): its first process is gone */
		error_remedy(err, "it may just have ended");
	return -1;
}

/* Nothing of the command runs beside an agent that still has its powers. */
CHILD static int shed(const struct agent *agent, int ready, struct error *err)
{
	int keep[] = { agent->connection, agent->pidfd, agent->running, ready };
	const struct record taken = { .type = RECORD_CLONED };

	if (shed_descriptors(keep, sizeof(keep) / sizeof(keep[0]), err) || shed_powers(true, err))
		return -1;
	if (record_send(agent->connection, &taken, -1) || write_all(ready, "", 1))
		return fail_errno(err, 0, "cannot let the command run");
	close(ready);
	return 0;
}

CHILD void agent_main(const struct agent_start *start)
{
	struct agent agent = { .connection = start->connection, .pidfd = -1, .running = -1 };
	struct record record = { .type = RECORD_FAILED };
	int ready[2] = { -1, -1 };
	sigset_t all;

	sigfillset(&all);
	if (sigprocmask(SIG_SETMASK, &all, NULL))
		_exit(EXIT_OF_INTERNAL);
	if (!approach(start, &record.error) && !fork_command(start, &agent, ready, &record.error) &&
	    !shed(&agent, ready[1], &record.error))
		watch(&agent);
	steps_stamp(&record.error, PHASE_REJOIN, "agent");
	(void)record_send(agent.connection, &record, -1);
	_exit(record.error.exit_status);
}
