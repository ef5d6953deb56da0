/* file: see the header. Runs in both processes. */
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/syscall.h"

/* openat2(2): EAGAIN means that a rename or mount raced with the walk, and asks for a retry; a payload that keeps
 * renaming must not keep us here for ever. */
enum { RESOLVE_TRIES = 64 };

CHILD static int open_resolved(int dirfd, const char *path, int flags, mode_t mode, unsigned long resolve)
{
	struct open_how how = { .flags = (unsigned)flags, .mode = mode, .resolve = resolve };
	int fd = -1;

	for (int try = 0; try < RESOLVE_TRIES; try++) {
		fd = sys_openat2(dirfd, path, &how);
		if (fd >= 0 || (errno != EAGAIN && errno != EINTR))
			break;
	}
	return fd;
}

CHILD int open_in_root(int dirfd, const char *path, int flags, mode_t mode)
{
	return open_resolved(dirfd, path, flags, mode, RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS);
}

CHILD int open_beneath(int dirfd, const char *path, int flags)
{
	return open_resolved(dirfd, path, flags, 0, RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV);
}

CHILD ssize_t read_fd(int fd, char *buffer, size_t size)
{
	size_t length = 0;

	for (;;) {
		ssize_t n = read(fd, buffer + length, size - length);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		if (n == 0)
			break;
		length += (size_t)n;
		if (length == size) {
			errno = EFBIG;
			return -1;
		}
	}
	buffer[length] = '\0';
	return (ssize_t)length;
}

CHILD ssize_t read_file_at(int dirfd, const char *path, char *buffer, size_t size)
{
	AUTO_CLOSE int fd = openat(dirfd, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

	return fd < 0 ? -1 : read_fd(fd, buffer, size);
}

CHILD int read_exactly(int fd, void *data, size_t length)
{
	char *at = data;

	while (length) {
		ssize_t n = read(fd, at, length);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return -1;
		at += n;
		length -= (size_t)n;
	}
	return 0;
}

CHILD int write_file_at(int dirfd, const char *path, const char *text)
{
	AUTO_CLOSE int fd = openat(dirfd, path, O_WRONLY | O_CLOEXEC | O_NOCTTY);
	size_t length = strlen(text);
	ssize_t n = 0;

	if (fd < 0)
		return -1;
	do
		n = write(fd, text, length);
	while (n < 0 && errno == EINTR);
	if (n >= 0 && (size_t)n != length) {
		errno = EIO;
		return -1;
	}
	return n < 0 ? -1 : 0;
}

CHILD int write_all(int fd, const void *data, size_t length)
{
	const char *at = data;

	while (length) {
		ssize_t n = write(fd, at, length);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		at += n;
		length -= (size_t)n;
	}
	return 0;
}
