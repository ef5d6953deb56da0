/* end: kills the members of the sandbox's cgroups.
 *
 * Runs in init and in the guard when the launcher is gone or the payload has ended, and in the launcher when a limit is
 * hit: wherever there is no pid namespace, whose first process would take all others along. A cgroup is the only other
 * thing that a process cannot leave by forking or by starting sessions.
 *
 * Two kinds of descriptor come from the cgroup stage: cgroup.kill of a v2 leaf, opened for writing, ends all at once
 * (Linux 5.14). cgroup.procs of a v1 leaf, opened for reading, lists ids; an id may be another process's by the time it
 * is signalled, so each is pinned by a pidfd first and the list is read again: what is in it twice is ours.
 *
 * Never fails: what cannot be killed (it is gone, or stands in uninterruptible sleep) is met again in the next round.
 */
#include "run/end.h"

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/syscall.h"

enum { LIST_SIZE = 4096, PINS = 64 };

struct pins {
	pid_t pid[PINS];
	int pidfd[PINS];
	bool seen[PINS];
	int count;
};

CHILD static void pin(struct pins *pins, pid_t pid)
{
	int pidfd = -1;

	if (pins->count == PINS)
		return;
	pidfd = sys_pidfd_open(pid, 0);
	if (pidfd < 0)
		return;
	pins->pid[pins->count] = pid;
	pins->pidfd[pins->count] = pidfd;
	pins->seen[pins->count++] = false;
}

CHILD static void recognise(struct pins *pins, pid_t pid)
{
	for (int i = 0; i < pins->count; i++)
		if (pins->pid[i] == pid)
			pins->seen[i] = true;
}

/* Reads the list of ids from its start and gives each one but `self` to `visit`. Returns how many those were. */
CHILD static int each_member(int procs, pid_t self, struct pins *pins, void (*visit)(struct pins *, pid_t))
{
	char list[LIST_SIZE];
	off_t offset = 0;
	pid_t pid = 0;
	int members = 0;
	ssize_t n = 0;

	while ((n = pread(procs, list, sizeof(list), offset)) > 0) {
		offset += n;
		for (ssize_t i = 0; i < n; i++) {
			if (list[i] >= '0' && list[i] <= '9') {
				pid = pid * 10 + (list[i] - '0');
				continue;
			}
			if (pid > 0 && pid != self) {
				visit(pins, pid);
				members++;
			}
			pid = 0;
		}
	}
	return members;
}

CHILD static bool end_listed(int procs, pid_t self)
{
	struct pins pins = { .count = 0 };
	int members = each_member(procs, self, &pins, pin);

	if (pins.count)
		(void)each_member(procs, self, &pins, recognise);
	for (int i = 0; i < pins.count; i++) {
		if (pins.seen[i])
			(void)sys_pidfd_send_signal(pins.pidfd[i], SIGKILL);
		fd_close(&pins.pidfd[i]);
	}
	return members == 0;
}

CHILD bool end_cgroups(const struct handed *handed, pid_t self)
{
	bool empty = true;

	for (int i = 0; i < handed->cgroup_kill_count; i++) {
		int fd = handed->cgroup_kill[i];

		if ((fcntl(fd, F_GETFL) & O_ACCMODE) == O_WRONLY)
			(void)!write(fd, "1", 1);
		else if (!end_listed(fd, self))
			empty = false;
	}
	return empty;
}
