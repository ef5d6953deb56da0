/* keeper: lets others ask about a running sandbox, run a further command in it, or end it.
 *
 * Runs in the launcher, in supervise()'s loop: the process that holds the lifeline, the lock and the descriptors. It
 * registers the sandbox (run/registry.c) and listens on a socket beside that entry. A client is served if it is the
 * launcher's own user, in the launcher's own user and pid namespaces (run/request.h): a payload may be that user too,
 * but in namespaces below.
 *
 * Nothing here waits, so that nobody can hold the launcher up: a client has two seconds for its request, which is one
 * message, and there is room for KEEPER_GUESTS; the others wait in the socket's queue. What takes time is done by a
 * process forked for it, which has the whole plan as a copy: for exec that is an agent (run/agent.c), for inspect one
 * that looks around (run/inspect.c). So the profile is not read again, and nothing of it is written down for somebody
 * else to read.
 *
 * The namespaces come from the child, as descriptors, in the last moment before it cannot be looked into any more; from
 * then on nobody but the launcher can have them. They are let go as soon as the sandbox has ended: a network namespace
 * that is held does not go away.
 *
 * Needs: epoll, SO_PEERCRED; pidfds. Failure to register is none of the launch; see run/registry.c.
 */
#include "run/keeper.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/format.h"
#include "base/syscall.h"
#include "run/agent.h"
#include "run/inspect.h"
#include "run/launch.h"
#include "run/request.h"

enum { BACKLOG = 128, EVENTS = 16 };
enum { LISTENING = KEEPER_GUESTS }; /* as an event's number */

#define REQUEST_NSEC (2 * NSEC_PER_SEC)
#define PAUSE_NSEC NSEC_PER_SEC
#define STOP_NSEC NSEC_PER_SEC

void keeper_init(struct keeper *keeper)
{
	*keeper = (struct keeper){ .registry = { .directory = -1 }, .lock = -1, .listening = -1, .events = -1 };
	keeper->entrances.procfs = -1;
	for (int i = 0; i < NAMESPACE_COUNT; i++)
		keeper->entrances.fd[i] = -1;
	for (int i = 0; i < KEEPER_GUESTS; i++)
		keeper->guests[i] = (struct guest){ .socket = -1, .pidfd = -1 };
}

/* ---- coming and going ------------------------------------------------------------------------------------------- */

static int open_socket(struct keeper *keeper, const char *id)
{
	AUTO_CLOSE int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	char path[64];

	registry_socket_path(&keeper->registry, id, path);
	(void)snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof(address)) || listen(fd, BACKLOG))
		return -1;
	keeper->listening = TAKE_FD(fd);
	keeper->events = epoll_create1(EPOLL_CLOEXEC);
	return keeper->events < 0 ? -1 : 0;
}

void keeper_start(struct launch *launch)
{
	struct keeper *keeper = &launch->keeper;
	const char *id = launch->plan->caller->id;
	struct text text = { 0 };
	struct error none;

	if (launch->plan->caller->rehearsal || registry_open(&keeper->registry, true, &none))
		return;
	inspect_describe(launch->plan, &text);
	if (!text.failed && text.length <= REGISTRY_TEXT_MAX)
		keeper->lock = registry_add(&keeper->registry, id, text.data, text.length);
	text_free(&text);
	if (keeper->lock < 0 || open_socket(keeper, id))
		keeper_unregister(launch);
}

void keeper_take(struct keeper *keeper, const struct record *record, struct record_fds *fds)
{
	size_t next = 0;

	if (keeper->lock < 0 || keeper->entrances.procfs >= 0 ||
	    (size_t)__builtin_popcount(record->entrances.kinds) + 1 != fds->count)
		return;
	for (int i = 0; i < NAMESPACE_COUNT; i++)
		if (record->entrances.kinds & 1U << i)
			keeper->entrances.fd[i] = TAKE_FD(fds->fd[next++]);
	keeper->entrances.procfs = TAKE_FD(fds->fd[next]);
	keeper->entrances.root = record->entrances.root;
}

static int watch_fd(struct keeper *keeper, int fd, unsigned number)
{
	struct epoll_event event = { .events = EPOLLIN, .data.u32 = number };

	return epoll_ctl(keeper->events, EPOLL_CTL_ADD, fd, &event);
}

void keeper_admit(struct keeper *keeper)
{
	if (keeper->events >= 0 && keeper->entrances.procfs >= 0 && !keeper->admitting)
		keeper->admitting = !watch_fd(keeper, keeper->listening, LISTENING);
}

/* Closing alone would not do: who was forked has a copy, and while there is one the events go on (epoll(7)). */
static void forget_fd(struct keeper *keeper, int *fd)
{
	if (*fd >= 0)
		(void)epoll_ctl(keeper->events, EPOLL_CTL_DEL, *fd, NULL);
	fd_close(fd);
}

static void free_guest(struct keeper *keeper, struct guest *guest)
{
	forget_fd(keeper, &guest->socket);
	forget_fd(keeper, &guest->pidfd);
	guest->pid = 0;
	keeper_admit(keeper);
}

void keeper_wake(const struct keeper *keeper)
{
	for (int i = 0; i < KEEPER_GUESTS; i++)
		if (keeper->guests[i].pid)
			(void)sys_pidfd_send_signal(keeper->guests[i].pidfd, SIGCONT);
}

void keeper_stop(struct keeper *keeper)
{
	int64_t deadline = clock_now() + STOP_NSEC;

	for (int i = 0; i < KEEPER_GUESTS; i++) {
		struct guest *guest = &keeper->guests[i];
		struct pollfd ended = { .fd = guest->pidfd, .events = POLLIN };
		int64_t wait = deadline - clock_now();

		fd_close(&guest->socket);
		if (!guest->pid)
			continue;
		if (poll(&ended, 1, wait > 0 ? (int)(wait / 1000000) : 0) != 1)
			(void)sys_pidfd_send_signal(guest->pidfd, SIGKILL);
		while (waitpid(guest->pid, NULL, 0) < 0 && errno == EINTR)
			;
		fd_close(&guest->pidfd);
		guest->pid = 0;
	}
	for (int i = 0; i < NAMESPACE_COUNT; i++)
		fd_close(&keeper->entrances.fd[i]);
	fd_close(&keeper->entrances.procfs);
	fd_close(&keeper->listening);
	fd_close(&keeper->events);
	keeper->reopening = 0;
}

void keeper_unregister(struct launch *launch)
{
	struct keeper *keeper = &launch->keeper;

	fd_close(&keeper->listening);
	fd_close(&keeper->events);
	if (keeper->lock >= 0)
		registry_remove(&keeper->registry, launch->plan->caller->id);
	fd_close(&keeper->lock);
	registry_close(&keeper->registry);
}

/* ---- clients ---------------------------------------------------------------------------------------------------- */

/* Who comes waits in the socket's queue. */
static void close_door(struct keeper *keeper)
{
	(void)epoll_ctl(keeper->events, EPOLL_CTL_DEL, keeper->listening, NULL);
	keeper->admitting = false;
}

static bool lacks_room(void)
{
	return errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS;
}

/* Looking at who came takes a descriptor besides the connection. It is set aside first: once taken, a client that
 * cannot be looked at would have to go. */
static int accept_client(const struct keeper *keeper)
{
	AUTO_CLOSE int aside = fcntl(keeper->listening, F_DUPFD_CLOEXEC, 0);

	return aside < 0 ? -1 : accept4(keeper->listening, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
}

static void welcome(struct keeper *keeper)
{
	AUTO_CLOSE int socket = -1;
	unsigned i = 0;

	while (i < KEEPER_GUESTS && (keeper->guests[i].socket >= 0 || keeper->guests[i].pid))
		i++;
	if (i == KEEPER_GUESTS) {
		close_door(keeper); /* whoever leaves opens it */
		return;
	}
	socket = accept_client(keeper);
	if (socket < 0 && lacks_room()) {
		close_door(keeper); /* the event would not go away */
		keeper->reopening = clock_now() + PAUSE_NSEC;
	}
	if (socket < 0 || !request_peer_ours(socket) || watch_fd(keeper, socket, i))
		return;
	keeper->guests[i].deadline = clock_now() + REQUEST_NSEC;
	keeper->guests[i].socket = TAKE_FD(socket);
}

static void refuse(int socket, const struct error *err)
{
	struct record record = { .type = RECORD_FAILED };

	record.error = *err;
	(void)record_send(socket, &record, -1);
}

/* Forks who serves the client, and forgets the connection. */
static int fork_server(struct launch *launch, const struct request *request, const int fds[3], struct guest *guest,
		       struct error *err)
{
	struct agent_start start = { .connection = guest->socket, .launcher = getpid() };
	struct clone_args args = { .flags = CLONE_PIDFD, .pidfd = (uintptr_t)&guest->pidfd, .exit_signal = SIGCHLD };
	bool exec = request->head.type == REQUEST_EXEC;

	if (exec && agent_prepare(launch, request, fds, &start, err))
		return -1;
	guest->pid = sys_clone3(&args);
	if (guest->pid == 0 && exec)
		agent_main(&start);
	if (guest->pid == 0)
		inspect_main(launch, guest->socket);
	agent_forget(&start);
	if (guest->pid < 0) {
		guest->pid = 0;
		return fail_errno(err, 0, "cannot fork");
	}
	forget_fd(&launch->keeper, &guest->socket);
	return 0;
}

static int serve(struct launch *launch, const struct request *request, const int fds[3], struct guest *guest)
{
	struct keeper *keeper = &launch->keeper;
	const struct record taken = { .type = RECORD_CLONED };
	struct error err = { 0 };

	if (request->head.type == REQUEST_KILL) {
		(void)record_send(guest->socket, &taken, -1);
		free_guest(keeper, guest);
		return request->head.signal ? request->head.signal : KEEPER_END;
	}
	if (launch->host.child == 0)
		fail(&err, 0, "the sandbox has ended");
	else if (!fork_server(launch, request, fds, guest, &err) &&
		 !watch_fd(keeper, guest->pidfd, (unsigned)(guest - keeper->guests)))
		return 0;
	if (guest->pid) {
		(void)sys_pidfd_send_signal(guest->pidfd, SIGKILL);
		(void)waitpid(guest->pid, NULL, 0);
		fail(&err, 0, "the launcher cannot watch over another command");
	}
	err.exit_status = err.exit_status ? err.exit_status : EXIT_OF_STAGE;
	if (guest->socket >= 0)
		refuse(guest->socket, &err);
	free_guest(keeper, guest);
	return 0;
}

static int listen_to(struct launch *launch, struct guest *guest)
{
	struct request request;
	int fds[3], n = 0, wanted = 0;

	if (guest->pid) {
		(void)waitpid(guest->pid, NULL, 0);
		free_guest(&launch->keeper, guest);
		return 0;
	}
	n = request_receive(guest->socket, &request, fds);
	if (n < 0)
		free_guest(&launch->keeper, guest);
	if (n <= 0)
		return 0;
	wanted = serve(launch, &request, fds, guest);
	request_free(&request);
	for (int i = 0; i < 3; i++)
		fd_close(&fds[i]);
	return wanted;
}

int64_t keeper_due(const struct keeper *keeper, int64_t due)
{
	if (keeper->reopening && keeper->reopening < due)
		due = keeper->reopening;
	for (int i = 0; i < KEEPER_GUESTS && keeper->events >= 0; i++)
		if (keeper->guests[i].socket >= 0 && keeper->guests[i].deadline < due)
			due = keeper->guests[i].deadline;
	return due;
}

int keeper_step(struct launch *launch)
{
	struct keeper *keeper = &launch->keeper;
	struct epoll_event events[EVENTS];
	int count = keeper->events >= 0 ? epoll_wait(keeper->events, events, EVENTS, 0) : 0;
	int wanted = 0;

	for (int i = 0; i < count && !wanted; i++) {
		if (events[i].data.u32 == LISTENING)
			welcome(keeper);
		else
			wanted = listen_to(launch, &keeper->guests[events[i].data.u32]);
	}
	for (int i = 0; i < KEEPER_GUESTS && keeper->events >= 0; i++)
		if (keeper->guests[i].socket >= 0 && clock_now() >= keeper->guests[i].deadline)
			free_guest(keeper, &keeper->guests[i]);
	if (keeper->reopening && clock_now() >= keeper->reopening) {
		keeper->reopening = 0;
		keeper_admit(keeper);
	}
	return wanted;
}
