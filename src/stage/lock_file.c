/* lock_file: see the header. Parent, host column; and the processes that clean up. Needs Linux 3.15 (F_OFD_SETLK). */
#include "stage/lock_file.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"

static int check_owner(int fd, mode_t type, const char *path, int key, struct error *err)
{
	struct stat st;

	if (fstat(fd, &st))
		return fail_errno(err, key, "cannot look at %s", path);
	if ((st.st_mode & S_IFMT) != type || (st.st_uid != 0 && st.st_uid != geteuid()) || st.st_mode & 022)
		return fail(err, key, "cannot use %s: others than root can write it", path);
	return 0;
}

int lock_file_open(const char *directory, const char *name, int key, struct error *err)
{
	AUTO_CLOSE int dir = -1, fd = -1;

	if (mkdir(directory, 0700) && errno != EEXIST)
		return fail_errno(err, key, "cannot make %s", directory);
	dir = open(directory, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (dir < 0)
		return fail_errno(err, key, "cannot open %s", directory);
	if (check_owner(dir, S_IFDIR, directory, key, err))
		return -1;
	fd = openat(dir, name, O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC, 0600);
	if (fd < 0)
		return fail_errno(err, key, "cannot open %s/%s", directory, name);
	return check_owner(fd, S_IFREG, name, key, err) ? -1 : TAKE_FD(fd);
}

void lock_file_remove(const char *directory, const char *name)
{
	AUTO_CLOSE int dir = open(directory, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC), fd = -1;

	if (dir < 0)
		return;
	fd = openat(dir, name, O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (fd >= 0 && lock_bytes(fd, F_WRLCK, 0, 0, false) == 1)
		(void)unlinkat(dir, name, 0);
	(void)rmdir(directory);
}

int lock_file_removed(int fd)
{
	struct stat st;

	return fstat(fd, &st) ? -1 : !st.st_nlink;
}

int lock_bytes(int fd, short type, off_t start, off_t length, bool wait)
{
	struct flock lock = { .l_type = type, .l_whence = SEEK_SET, .l_start = start, .l_len = length };
	int status = 0;

	do
		status = fcntl(fd, wait ? F_OFD_SETLKW : F_OFD_SETLK, &lock);
	while (status && errno == EINTR);
	if (!status)
		return 1;
	return !wait && (errno == EAGAIN || errno == EACCES) ? 0 : -1;
}

int lock_taken(int fd, off_t start)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = start, .l_len = 1 };

	if (fcntl(fd, F_OFD_GETLK, &lock))
		return -1;
	return lock.l_type != F_UNLCK;
}
