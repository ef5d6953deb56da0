/* contained: tries by name what profiles/contained.conf denies; prints "NAME refused" or "NAME possible".
 *
 * A call counts as possible when it works, or when the kernel took it up and found fault with its arguments: a
 * refusal is EPERM, or ENOSYS for clone3. One word for each attempt, so that inside and outside can be compared line
 * by line. */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static void say(const char *name, long result)
{
	int refused = result < 0 && (errno == EPERM || errno == ENOSYS);

	printf("%s %s\n", name, refused ? "refused" : "possible");
	(void)fflush(stdout);
}

static long ended(long pid)
{
	if (pid == 0)
		_exit(0);
	if (pid > 0)
		(void)waitpid((pid_t)pid, NULL, __WALL);
	return pid;
}

static long in_child(long call(void))
{
	int status = 0;
	pid_t pid = fork();

	if (pid == 0)
		_exit(call() < 0 ? errno : 0);
	(void)waitpid(pid, &status, 0);
	errno = WEXITSTATUS(status);
	return errno ? -1 : 0;
}

static long unshare_user(void)
{
	return unshare(CLONE_NEWUSER);
}

static long trace_me(void)
{
	return ptrace(PTRACE_TRACEME, 0, NULL, NULL);
}

static void set_id_bits(void)
{
	int fd = open("/tmp/contained.file", O_CREAT | O_RDWR | O_CLOEXEC, 0600);

	say("chmod S_ISUID", chmod("/tmp/contained.file", 04700));
	say("chmod S_ISGID", chmod("/tmp/contained.file", 02700));
	say("fchmod S_ISUID", fchmod(fd, 04700));
	say("fchmod S_ISGID", fchmod(fd, 02700));
	say("fchmodat S_ISUID", fchmodat(AT_FDCWD, "/tmp/contained.file", 04700, 0));
	say("fchmodat S_ISGID", fchmodat(AT_FDCWD, "/tmp/contained.file", 02700, 0));
	(void)unlink("/tmp/contained.file");
}

int main(void)
{
	struct {
		unsigned long flags, rest[10];
	} clone3 = { .flags = CLONE_NEWUSER };
	unsigned long nodes = 1;
	char byte = '#';
	void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	set_id_bits();
	say("unshare CLONE_NEWUSER", in_child(unshare_user));
	say("clone CLONE_NEWUSER",
	    ended(syscall(SYS_clone, (unsigned long)CLONE_NEWUSER | SIGCHLD, 0UL, 0UL, 0UL, 0UL)));
	say("clone3 CLONE_NEWUSER", ended(syscall(SYS_clone3, &clone3, sizeof(clone3))));
	say("ioctl TIOCSTI", ioctl(0, TIOCSTI, &byte));
	say("add_key", syscall(SYS_add_key, "user", "contained", "x", 1UL, -2L));
	say("keyctl", syscall(SYS_keyctl, 0L, -3L, 0L));
	say("request_key", syscall(SYS_request_key, "user", "nothing", NULL, -2L));
	say("ptrace", in_child(trace_me));
	say("mbind", syscall(SYS_mbind, page, 4096UL, 0UL, NULL, 0UL, 0UL));
	say("migrate_pages", syscall(SYS_migrate_pages, 0, 1UL, &nodes, &nodes));
	say("move_pages", syscall(SYS_move_pages, 0, 1UL, &page, NULL, NULL, 0));
	say("set_mempolicy", syscall(SYS_set_mempolicy, 0, NULL, 0UL));
	say("userfaultfd", syscall(SYS_userfaultfd, 1 /* UFFD_USER_MODE_ONLY */));
	say("perf_event_open", syscall(SYS_perf_event_open, NULL, 0, -1, -1, 0UL));
	return 0;
}
