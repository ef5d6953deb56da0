/* request: see the header. Runs in clients, which send, and in launchers, which receive.
 *
 * A launcher believes nothing of it: the length is bounded, every string ends within the message, their number is the
 * one that the head says, and what else the head says is within its range. More descriptors than three, or fewer with
 * exec, make it none of ours.
 */
#include "run/request.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/syscall.h"
#include "run/record.h"

enum { FDS = 3, SIGNAL_MAX = 31 };

static const char magic[8] = "sandbox";

void request_init(struct request_head *head, enum request_type type)
{
	memset(head, 0, sizeof(*head));
	memcpy(head->magic, magic, sizeof(magic));
	(void)snprintf(head->version, sizeof(head->version), "%s", VERSION);
	head->record_size = sizeof(struct record);
	head->type = type;
}

static bool head_fits(const struct request_head *head)
{
	struct request_head own;

	request_init(&own, REQUEST_EXEC);
	return !memcmp(head->magic, own.magic, sizeof(own.magic)) &&
	       !memcmp(head->version, own.version, sizeof(own.version)) && head->record_size == own.record_size &&
	       head->type > 0 && head->type < REQUEST_TYPE_COUNT && head->directories <= 1 &&
	       head->words <= REQUEST_MAX && head->variables <= REQUEST_VARIABLES_MAX && head->pty <= 1 &&
	       head->slave <= 7 && head->window_known <= 1 && head->modes_known <= 1 && head->signal >= 0 &&
	       head->signal <= SIGNAL_MAX && (head->type == REQUEST_EXEC) == (head->words > 0);
}

/* Points `count` words of `list` into the text; where the next begins, or NULL. */
static char *split(char *at, const char *end, char **list, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		list[i] = at;
		at = at < end ? memchr(at, '\0', (size_t)(end - at)) : NULL;
		if (!at)
			return NULL;
		at++;
	}
	return at;
}

static int split_all(struct request *request, size_t length)
{
	const struct request_head *head = &request->head;
	char *at = request->memory + sizeof(*head), *end = request->memory + length;
	char *directory = NULL;

	request->words = calloc(head->words + 1, sizeof(*request->words));
	request->variables = calloc(head->variables + 1, sizeof(*request->variables));
	if (!request->words || !request->variables)
		return -1;
	at = split(at, end, request->words, head->words);
	at = at ? split(at, end, request->variables, head->variables) : NULL;
	at = at ? split(at, end, &directory, head->directories) : NULL;
	request->directory = directory;
	if (at != end || (directory && directory[0] != '/'))
		return -1;
	for (size_t i = 0; i < head->variables; i++)
		if (!strchr(request->variables[i], '=') || request->variables[i][0] == '=')
			return -1;
	return 0;
}

int request_read(char *data, size_t length, struct request *ret)
{
	*ret = (struct request){ .memory = data };
	if (length >= sizeof(ret->head)) {
		memcpy(&ret->head, data, sizeof(ret->head));
		if (head_fits(&ret->head) && !split_all(ret, length))
			return 0;
	}
	request_free(ret);
	return -1;
}

void request_free(struct request *request)
{
	free(request->words);
	free(request->variables);
	free(request->memory);
	*request = (struct request){ 0 };
}

static bool same_namespace(pid_t pid, const char *kind)
{
	struct stat own, theirs;
	char path[32], own_path[32];

	(void)snprintf(path, sizeof(path), "/proc/%d/ns/%s", pid, kind);
	(void)snprintf(own_path, sizeof(own_path), "/proc/self/ns/%s", kind);
	return !stat(path, &theirs) && !stat(own_path, &own) && own.st_ino == theirs.st_ino &&
	       own.st_dev == theirs.st_dev;
}

/* The number is looked at between two looks at whether it still is the one that came. */
bool request_peer_ours(int socket)
{
	AUTO_CLOSE int pidfd = -1;
	struct ucred peer;
	socklen_t size = sizeof(peer);

	if (getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &size) || peer.uid != geteuid())
		return false;
	pidfd = sys_pidfd_open(peer.pid, 0);
	return pidfd >= 0 && same_namespace(peer.pid, "user") && same_namespace(peer.pid, "pid") &&
	       !sys_pidfd_send_signal(pidfd, 0);
}

union control {
	char data[CMSG_SPACE(FDS * sizeof(int))];
	struct cmsghdr align;
};

int request_send(int socket, const struct request_head *head, char *const *strings, const int *fds)
{
	size_t count = (size_t)head->words + head->variables + head->directories, length = sizeof(*head);
	char *data = malloc(REQUEST_MAX);
	struct iovec iov = { .iov_base = data };
	union control control = { .data = { 0 } };
	struct msghdr message = { .msg_iov = &iov, .msg_iovlen = 1 };
	ssize_t n = -1;

	if (!data)
		return -1;
	memcpy(data, head, sizeof(*head));
	for (size_t i = 0; i < count; i++) {
		size_t more = strlen(strings[i]) + 1;

		if (more > REQUEST_MAX - length) {
			free(data);
			errno = EMSGSIZE;
			return -1;
		}
		memcpy(data + length, strings[i], more);
		length += more;
	}
	iov.iov_len = length;
	if (fds) {
		message.msg_control = control.data;
		message.msg_controllen = sizeof(control.data);
		control.align.cmsg_level = SOL_SOCKET;
		control.align.cmsg_type = SCM_RIGHTS;
		control.align.cmsg_len = CMSG_LEN(FDS * sizeof(int));
		memcpy(CMSG_DATA(&control.align), fds, FDS * sizeof(int));
	}
	do
		n = sendmsg(socket, &message, MSG_NOSIGNAL);
	while (n < 0 && errno == EINTR);
	free(data);
	return n < 0 ? -1 : 0;
}

/* The room is rounded up: one more descriptor may come than belongs to a request. What is not taken is closed. */
static bool take_fds(struct msghdr *message, int fds[FDS])
{
	struct cmsghdr *header = CMSG_FIRSTHDR(message);
	int came[(CMSG_SPACE(FDS * sizeof(int)) - CMSG_LEN(0)) / sizeof(int)];
	bool whole = !(message->msg_flags & (MSG_TRUNC | MSG_CTRUNC));
	size_t count = 0;

	if (header && header->cmsg_level == SOL_SOCKET && header->cmsg_type == SCM_RIGHTS) {
		count = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		memcpy(came, CMSG_DATA(header), count * sizeof(int));
	}
	if (whole && count == FDS) {
		memcpy(fds, came, sizeof(int) * FDS);
		return true;
	}
	for (size_t i = 0; i < count; i++)
		close(came[i]);
	return whole && !count;
}

int request_receive(int socket, struct request *ret, int fds[FDS])
{
	char *data = malloc(REQUEST_MAX);
	struct iovec iov = { .iov_base = data, .iov_len = REQUEST_MAX };
	union control control = { .data = { 0 } };
	struct msghdr message = {
		.msg_iov = &iov, .msg_iovlen = 1, .msg_control = control.data, .msg_controllen = sizeof(control.data)
	};
	ssize_t n = data ? recvmsg(socket, &message, MSG_CMSG_CLOEXEC | MSG_DONTWAIT) : -1;
	bool whole = false;

	for (int i = 0; i < FDS; i++)
		fds[i] = -1;
	if (n <= 0) {
		free(data);
		return n < 0 && (errno == EAGAIN || errno == EINTR) ? 0 : -1;
	}
	whole = take_fds(&message, fds);
	if (!whole)
		free(data);
	if (whole && !request_read(data, (size_t)n, ret)) {
		if ((ret->head.type == REQUEST_EXEC) == (fds[FDS - 1] >= 0))
			return 1;
		request_free(ret);
	}
	for (int i = 0; i < FDS; i++)
		fd_close(&fds[i]);
	return -1;
}
