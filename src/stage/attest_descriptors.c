/* attest: the payload's open descriptors against the plan. Runs in the payload, in confine.
 *
 * /proc/self/fd lists them: 0-2 and those to be passed, which must stay open over the exec, and three of ours that
 * must not (descriptors.c says which). See attest.c for when, and what failure means.
 */
#include "stage/attest.h"

#include <fcntl.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/fd.h"

struct entry { /* struct linux_dirent64 of getdents64(2) */
	uint64_t ino;
	int64_t offset;
	unsigned short length;
	unsigned char type;
	char name[];
};

enum { PASSED, OWN, UNPLANNED };

CHILD static int kind_of(const struct plan *plan, const struct inside *inside, int fd)
{
	if (fd <= STDERR_FILENO)
		return PASSED;
	for (size_t i = 0; i < plan->descriptors.count; i++)
		if (plan->descriptors.pass[i] == fd)
			return PASSED;
	return fd == inside->socket || fd == inside->running || fd == inside->procfs ? OWN : UNPLANNED;
}

CHILD static int check_one(const struct plan *plan, const struct inside *inside, int fd, struct error *err)
{
	int kind = kind_of(plan, inside, fd), flags = fcntl(fd, F_GETFD);

	if (kind == UNPLANNED)
		return fail(err, 0, "descriptor %d is open and was not planned", fd);
	if (flags < 0)
		return fail_errno(err, 0, "cannot look at descriptor %d", fd);
	if (!(flags & FD_CLOEXEC) != (kind == PASSED))
		return fail(err, 0,
			    kind == PASSED ? "descriptor %d would be closed by the exec"
					   : "descriptor %d would stay open over the exec",
			    fd);
	return 0;
}

/* Names that are no numbers are "." and "..". */
CHILD static int check_entries(const struct plan *plan, const struct inside *inside, int directory, size_t *count,
			       struct error *err)
{
	char *buffer = plan->attest.facts->buffer;
	long length = 0;

	while ((length = syscall(SYS_getdents64, directory, buffer, ATTEST_BUFFER_SIZE)) > 0)
		for (const char *at = buffer; at < buffer + length;) {
			const struct entry *entry = (const void *)at;
			const char *name = entry->name;
			int fd = (int)attest_number(&name, 10);

			at += entry->length;
			if (name == entry->name || fd == directory)
				continue;
			(*count)++;
			if (check_one(plan, inside, fd, err))
				return -1;
		}
	return length < 0 ? fail_errno(err, 0, "cannot list the open descriptors") : 0;
}

CHILD int attest_descriptors(const struct plan *plan, const struct inside *inside, struct error *err)
{
	size_t planned = STDERR_FILENO + 1 + plan->descriptors.count + 3, found = 0;
	AUTO_CLOSE int directory = openat(inside->procfs, "self/fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (directory < 0)
		return fail_errno(err, 0, "cannot open /proc/self/fd");
	if (check_entries(plan, inside, directory, &found, err))
		return -1;
	if (found != planned)
		return fail(err, 0, "open descriptors: planned %zu, found %zu", planned, found);
	return 0;
}
