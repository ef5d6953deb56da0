/* record: see the header. Runs in both processes, from the clone to the end. */
#include "run/record.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/file.h"

union control {
	char data[CMSG_SPACE(RECORD_FDS_MAX * sizeof(int))];
	struct cmsghdr align;
};

/* The room is rounded up: one more descriptor may come than was asked for. */
enum { ROOM = (CMSG_SPACE(RECORD_FDS_MAX * sizeof(int)) - CMSG_LEN(0)) / sizeof(int) };

CHILD int record_send_fds(int socket, const struct record *record, const struct record_fds *fds)
{
	struct iovec iov = { .iov_base = (void *)(uintptr_t)record, .iov_len = sizeof(*record) };
	union control control = { .data = { 0 } };
	struct msghdr message = { .msg_iov = &iov,
				  .msg_iovlen = 1,
				  .msg_control = control.data,
				  .msg_controllen = CMSG_SPACE(fds->count * sizeof(int)) };
	struct cmsghdr *header = &control.align;
	ssize_t n = 0;

	header->cmsg_level = SOL_SOCKET;
	header->cmsg_type = SCM_RIGHTS;
	header->cmsg_len = CMSG_LEN(fds->count * sizeof(int));
	memcpy(CMSG_DATA(header), fds->fd, fds->count * sizeof(int));
	do
		n = sendmsg(socket, &message, MSG_NOSIGNAL);
	while (n < 0 && errno == EINTR);
	return n < 0 ? -1 : 0;
}

CHILD int record_send(int socket, const struct record *record, int fd)
{
	const struct record_fds fds = { .fd = { fd }, .count = 1 };

	return fd < 0 ? write_all(socket, record, sizeof(*record)) : record_send_fds(socket, record, &fds);
}

CHILD void record_close_fds(struct record_fds *fds)
{
	for (size_t i = 0; i < fds->count; i++)
		fd_close(&fds->fd[i]);
	fds->count = 0;
}

/* False: there are more than a record has; they are closed. */
CHILD static bool received_fds(struct msghdr *message, struct record_fds *ret)
{
	struct cmsghdr *header = CMSG_FIRSTHDR(message);
	size_t count = 0;
	int fds[ROOM];

	ret->count = 0;
	if (!header || header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS)
		return true;
	count = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
	memcpy(fds, CMSG_DATA(header), count * sizeof(int));
	if (count > RECORD_FDS_MAX) {
		for (size_t i = 0; i < count; i++)
			close(fds[i]);
		return false;
	}
	ret->count = count;
	memcpy(ret->fd, fds, count * sizeof(int));
	return true;
}

CHILD int record_receive_fds(int socket, struct record *ret, struct record_fds *ret_fds)
{
	struct iovec iov = { .iov_base = ret, .iov_len = sizeof(*ret) };
	union control control = { .data = { 0 } };
	struct msghdr message = {
		.msg_iov = &iov, .msg_iovlen = 1, .msg_control = control.data, .msg_controllen = sizeof(control.data)
	};
	bool fits = false;
	ssize_t n = 0;

	ret_fds->count = 0;
	do
		n = recvmsg(socket, &message, MSG_CMSG_CLOEXEC);
	while (n < 0 && (errno == EINTR || errno == ECONNRESET)); /* see the header; told once, before what is queued */
	if (n <= 0)
		return (int)n;
	fits = received_fds(&message, ret_fds);
	if (!fits || (size_t)n != sizeof(*ret) || message.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) {
		record_close_fds(ret_fds);
		errno = EPROTO;
		return -1;
	}
	return 1;
}

CHILD int record_receive(int socket, struct record *ret, int *ret_fd)
{
	struct record_fds fds;
	int n = record_receive_fds(socket, ret, &fds);

	*ret_fd = -1;
	if (n != 1 || !fds.count)
		return n;
	*ret_fd = TAKE_FD(fds.fd[0]);
	record_close_fds(&fds);
	return n;
}

void record_check_error(struct error *error)
{
	error->stage[sizeof(error->stage) - 1] = '\0';
	error->phase[sizeof(error->phase) - 1] = '\0';
	error->what[sizeof(error->what) - 1] = '\0';
	error->remedy[sizeof(error->remedy) - 1] = '\0';
	if (error->exit_status < EXIT_OF_USAGE || error->exit_status > EXIT_OF_NOT_FOUND)
		error->exit_status = EXIT_OF_STAGE;
}
