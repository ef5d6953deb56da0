/* launch: from a finished plan to a child that builds its own inside.
 *
 * Runs in the launcher. The order is the pipeline's: the host column makes what must exist before the child does;
 * clone3 makes the child in its namespaces; the attach column does to the child what only its parent can (id maps, the
 * network interface) while the child blocks on its socket; `go` lets it run.
 *
 * Joining existing namespaces needs a detour: a process must be inside them to clone a child into them, and the
 * launcher itself never enters a foreign namespace. So a one-shot process joins, clones with CLONE_PARENT, which
 * makes the child the launcher's own, hands up the pidfd, and is gone.
 *
 * Failure at any point leaves host objects whose undo is registered; launch_undo() ends the child and takes them back.
 */
#include "run/launch.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/file.h"
#include "base/format.h"
#include "base/syscall.h"
#include "run/child.h"
#include "run/record.h"
#include "run/steps.h"

struct timings *timings_new(void)
{
	void *memory = mmap(NULL, sizeof(struct timings), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	return memory == MAP_FAILED ? NULL : memory;
}

void launch_init(struct launch *launch, const struct plan *plan, struct timings *timings, bool verbose)
{
	*launch = (struct launch){ .plan = plan, .socket = -1, .running = -1, .verbose = verbose, .timings = timings };
	launch->guard.lifeline = launch->forward.lifeline = launch->forward.pidfd = -1;
	keeper_init(&launch->keeper);
	launch->host.child_pidfd = -1;
	launch->host.child_procfs = -1;
	launch->host.range_lock = -1;
	launch->host.cgroup_into_fd = -1;
	launch->host.pasta_pidfd = launch->host.pasta_words = -1;
	launch->host.handed.root = -1;
	for (int fd = 0; fd < 3; fd++)
		launch->host.relay[fd] = launch->host.relay_inside[fd] = launch->host.handed.relay[fd] = -1;
}

/* The descriptors between the two processes: both ends before the clone, ours after it. */
struct channels {
	int socket[2], running[2]; /* [0] the launcher's */
};

static void channels_close(struct channels *channels)
{
	for (int end = 0; end < 2; end++) {
		fd_close(&channels->socket[end]);
		fd_close(&channels->running[end]);
	}
}

static int channels_open(struct channels *ret, struct error *err)
{
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ret->socket))
		return fail_errno(err, 0, "cannot make a socket pair");
	if (pipe2(ret->running, O_CLOEXEC))
		return fail_errno(err, 0, "cannot make a pipe");
	return 0;
}

static struct clone_args clone_arguments(const struct launch *launch, int *pidfd)
{
	struct clone_args args = {
		.flags = launch->plan->namespaces.clone_flags | CLONE_PIDFD,
		.pidfd = (uintptr_t)pidfd,
		.exit_signal = SIGCHLD,
	};

	if (launch->host.cgroup_into_fd >= 0) {
		args.flags |= CLONE_INTO_CGROUP;
		args.cgroup = (unsigned)launch->host.cgroup_into_fd;
	}
	return args;
}

/* Forks the child directly. Returns only in the launcher. */
static int clone_directly(struct launch *launch, const struct child_start *start, struct error *err)
{
	int pidfd = -1;
	struct clone_args args = clone_arguments(launch, &pidfd);
	pid_t pid = sys_clone3(&args);

	if (pid == 0)
		child_main(start);
	if (pid < 0)
		return userns_explain(launch->plan, errno, err);
	launch->host.child = pid;
	launch->host.child_pidfd = pidfd;
	return 0;
}

/* Enters every namespace to be joined, in the plan's order: a foreign owner is entered right before the first namespace
 * that it owns. */
CHILD int launch_join(const struct join_plan *join, struct error *err)
{
	bool entered = false;

	for (size_t i = 0; i < join->count; i++) {
		const struct join_entry *item = &join->items[i];

		if (item->userns_fd >= 0 && !entered && setns(item->userns_fd, CLONE_NEWUSER))
			return fail_errno_at(err, K_JOIN_PATH, item->index,
					     "cannot join the user namespace that owns the namespace to be joined");
		entered |= item->userns_fd >= 0;
		if (setns(item->fd, item->flag))
			return fail_errno_at(err, K_JOIN_PATH, item->index, "cannot join the namespace");
	}
	return 0;
}

/* The one-shot process: joins, clones the launcher's child, tells its pid and pidfd. */
CHILD static void joiner_main(const struct launch *launch, const struct child_start *start, struct clone_args *args,
			      int channel)
{
	struct record record = { .type = RECORD_CLONED };
	pid_t pid = 0;

	/* Root of a foreign user namespace could look into this copy of the launcher, and into the child's. */
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0))
		fail_errno(&record.error, K_JOIN, "cannot become non-dumpable");
	if (record.error.what[0] || launch_join(&launch->plan->join, &record.error)) {
		record.type = RECORD_FAILED;
		steps_stamp(&record.error, PHASE_HOST, "join");
		(void)record_send(channel, &record, -1);
		_exit(EXIT_OF_STAGE);
	}
	/* clone3(2): with CLONE_PARENT the exit signal is that of the calling process, and none may be given. */
	args->flags |= CLONE_PARENT;
	args->exit_signal = 0;
	pid = sys_clone3(args);
	if (pid == 0) {
		close(channel);
		child_main(start);
	}
	if (pid < 0) {
		record.type = RECORD_FAILED;
		fail_errno(&record.error, K_JOIN, "cannot clone into the joined namespaces");
		steps_stamp(&record.error, PHASE_HOST, "join");
	}
	record.pid = pid < 0 ? record.pid : pid;
	(void)record_send(channel, &record, pid < 0 ? -1 : *(int *)(uintptr_t)args->pidfd);
	_exit(0);
}

static int joiner_result(struct launch *launch, int channel, pid_t joiner, struct error *err)
{
	struct record record;
	int pidfd = -1;
	int n = record_receive(channel, &record, &pidfd);

	while (waitpid(joiner, NULL, 0) < 0 && errno == EINTR)
		;
	if (n == 1 && record.type == RECORD_FAILED) {
		*err = record.error;
		return -1;
	}
	if (n != 1 || record.type != RECORD_CLONED || pidfd < 0)
		return fail(err, K_JOIN, "cannot clone: the process that joins namespaces ended early");
	launch->host.child = record.pid;
	launch->host.child_pidfd = pidfd;
	return 0;
}

static int clone_joined(struct launch *launch, const struct child_start *start, struct error *err)
{
	int channel[2] = { -1, -1 };
	int pidfd = -1;
	struct clone_args args = clone_arguments(launch, &pidfd);
	struct clone_args plain = { .exit_signal = SIGCHLD };
	pid_t joiner = 0;
	int status = -1;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, channel))
		return fail_errno(err, K_JOIN, "cannot make a socket pair");
	joiner = sys_clone3(&plain);
	if (joiner == 0) {
		close(channel[0]);
		joiner_main(launch, start, &args, channel[1]);
	}
	close(channel[1]);
	if (joiner < 0)
		fail_errno(err, K_JOIN, "cannot fork");
	else
		status = joiner_result(launch, channel[0], joiner, err);
	close(channel[0]);
	return status;
}

/* /proc/<child>, opened once. The pidfd proves that the number means our child: it cannot be used again before we wait
 * for it, but an unexpected SIGCHLD disposition would reap it; and a procfs of another pid namespace, as unshare --pid
 * leaves it, has other processes under the same numbers. Its fdinfo tells the number in the procfs's own terms
 * (proc(5)). The signal that does nothing shows that the call is there, before it is needed. */
static int open_child_procfs(struct host *host, struct error *err)
{
	char path[48], number[32], text[512];
	ssize_t length = -1;

	if (sys_pidfd_send_signal(host->child_pidfd, 0))
		return fail_errno(err, 0, "cannot signal the child");
	format_text(path, sizeof(path), "/proc/%d", host->child);
	host->child_procfs = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	format_text(number, sizeof(number), "\nPid:\t%d\n", host->child);
	format_text(path, sizeof(path), "/proc/self/fdinfo/%d", host->child_pidfd);
	if (host->child_procfs >= 0)
		length = read_file_at(AT_FDCWD, path, text, sizeof(text));
	if (length < 0 && errno != ENOENT)
		return fail_errno(err, 0, "cannot open the child's directory in /proc");
	if (length > 0 && strstr(text, number))
		return 0;
	fail(err, 0, "cannot find the child in /proc: there is none, or that of another pid namespace");
	error_remedy(err, "mount one: mount -t proc proc /proc; with unshare --pid, add --mount-proc");
	return error_exit(err, EXIT_OF_HOST);
}

static int clone_child(struct launch *launch, struct channels *channels, struct error *err)
{
	struct child_start start = {
		.plan = launch->plan,
		.socket = channels->socket[1],
		.running = channels->running[1],
		.close = { channels->socket[0], channels->running[0], launch->host.cgroup_into_fd, -1 },
		.verbose = launch->verbose,
		.timings = launch->timings,
		.look = launch->look,
	};
	int status = 0;

	launch->clone_time = clock_now();
	status = launch->plan->join.count ? clone_joined(launch, &start, err) : clone_directly(launch, &start, err);
	if (status) {
		steps_stamp(err, PHASE_HOST, "namespaces");
		return -1;
	}
	launch->socket = TAKE_FD(channels->socket[0]);
	launch->running = TAKE_FD(channels->running[0]);
	return 0;
}

static int send_go(struct launch *launch, struct error *err)
{
	struct record go = { .type = RECORD_GO };

	go.handed = launch->host.handed;
	launch->go_time = clock_now();
	if (record_send(launch->socket, &go, -1))
		return fail_errno(err, 0, "cannot send `go` to the child");
	return 0;
}

int launch_start(struct launch *launch, struct error *err)
{
	const struct steps steps = { .timings = launch->timings, .verbose = launch->verbose };
	struct channels channels = { .socket = { -1, -1 }, .running = { -1, -1 } };
	int status = -1;

	if (steps_host(&steps, PHASE_HOST, launch->plan, &launch->host, err))
		goto out;
	if (channels_open(&channels, err) || clone_child(launch, &channels, err))
		goto out;
	fd_close(&channels.socket[1]);
	fd_close(&channels.running[1]);
	if (open_child_procfs(&launch->host, err) || steps_host(&steps, PHASE_ATTACH, launch->plan, &launch->host, err))
		goto out;
	if (!launch->plan->process.init && guard_start(&launch->host, &launch->guard, err))
		goto out;
	if (forward_start(launch->plan, &launch->host, &launch->forward, err)) {
		steps_stamp(err, PHASE_ATTACH, "network");
		goto out;
	}
	status = send_go(launch, err);
	/* While the child builds. Where nothing will run there is nothing to enter. */
	if (!status && !launch->look)
		keeper_start(launch);
out:
	channels_close(&channels);
	if (status)
		steps_stamp(err, PHASE_ATTACH, "launch");
	return status;
}

/* Closing the socket is the lifeline's end; the signal is for a child that does not read it yet. */
static void end_child(struct launch *launch)
{
	fd_close(&launch->socket);
	fd_close(&launch->running);
	if (launch->host.child > 0 && launch->host.child_pidfd >= 0) {
		(void)sys_pidfd_send_signal(launch->host.child_pidfd, SIGKILL);
		while (waitpid(launch->host.child, NULL, 0) < 0 && errno == EINTR)
			;
	}
	launch->host.child = 0;
	guard_stop(&launch->guard);
}

void launch_undo(struct launch *launch)
{
	const struct steps steps = { .timings = launch->timings, .verbose = launch->verbose };

	end_child(launch);
	keeper_stop(&launch->keeper);
	forward_stop(&launch->forward);
	steps_undo(&steps, launch->plan, &launch->host);
	fd_close(&launch->host.child_pidfd);
	fd_close(&launch->host.child_procfs);
	keeper_unregister(launch);
}
