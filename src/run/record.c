/* record: see the header. Runs in both processes, from the clone to the end. */
#include "run/record.h"

#include <errno.h>
#include <sys/socket.h>

#include "base/fd.h"
#include "base/file.h"

union control {
	char data[CMSG_SPACE(sizeof(int))];
	struct cmsghdr align;
};

CHILD int record_send(int socket, const struct record *record, int fd)
{
	struct iovec iov = { .iov_base = (void *)(uintptr_t)record, .iov_len = sizeof(*record) };
	union control control = { .data = { 0 } };
	struct msghdr message = {
		.msg_iov = &iov, .msg_iovlen = 1, .msg_control = control.data, .msg_controllen = sizeof(control.data)
	};
	struct cmsghdr *header = &control.align;
	ssize_t n = 0;

	if (fd < 0)
		return write_all(socket, record, sizeof(*record));
	header->cmsg_level = SOL_SOCKET;
	header->cmsg_type = SCM_RIGHTS;
	header->cmsg_len = CMSG_LEN(sizeof(int));
	*(int *)(void *)CMSG_DATA(header) = fd;
	do
		n = sendmsg(socket, &message, MSG_NOSIGNAL);
	while (n < 0 && errno == EINTR);
	return n < 0 ? -1 : 0;
}

CHILD static int received_fd(struct msghdr *message)
{
	struct cmsghdr *header = CMSG_FIRSTHDR(message);

	if (!header || header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS)
		return -1;
	return *(int *)(void *)CMSG_DATA(header);
}

CHILD int record_receive(int socket, struct record *ret, int *ret_fd)
{
	struct iovec iov = { .iov_base = ret, .iov_len = sizeof(*ret) };
	union control control = { .data = { 0 } };
	struct msghdr message = {
		.msg_iov = &iov, .msg_iovlen = 1, .msg_control = control.data, .msg_controllen = sizeof(control.data)
	};
	AUTO_CLOSE int fd = -1;
	ssize_t n = 0;

	*ret_fd = -1;
	do
		n = recvmsg(socket, &message, MSG_CMSG_CLOEXEC);
	while (n < 0 && errno == EINTR);
	if (n <= 0)
		return (int)n;
	fd = received_fd(&message);
	if ((size_t)n != sizeof(*ret) || message.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) {
		errno = EPROTO;
		return -1;
	}
	*ret_fd = TAKE_FD(fd);
	return 1;
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
