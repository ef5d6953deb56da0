/* Attempts on namespaces and on the breadth of the system call interface. */
#include "probe.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/mount.h>
#include <sys/shm.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <mqueue.h>

/* #52 */
static enum outcome setns_all(void)
{
	static const char *const kinds[] = { "user", "mnt", "pid", "net", "ipc", "uts", "cgroup", "time" };
	char path[64];

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		int fd = -1;

		(void)snprintf(path, sizeof(path), "/proc/self/ns/%s", kinds[i]);
		fd = open(path, O_RDONLY);
		if (fd >= 0 && !setns(fd, 0))
			return judge(0, path);
	}
	return judge(-1, "setns");
}

/* #53 */
static enum outcome userns_unshare(void)
{
	return judge(unshare(CLONE_NEWUSER), "unshare(NEWUSER)");
}

/* #76: a filter that compares for equality misses the flag among others. */
static enum outcome userns_unshare_flags(void)
{
	return judge(unshare(CLONE_NEWUSER | CLONE_FS), "unshare(NEWUSER|FS)");
}

static enum outcome reap(long pid, const char *what)
{
	if (pid == 0)
		_exit(0);
	if (pid > 0)
		(void)waitpid((pid_t)pid, NULL, __WALL);
	return judge(pid, what);
}

static enum outcome userns_clone(void)
{
	return reap(syscall(SYS_clone, (unsigned long)CLONE_NEWUSER | SIGCHLD, 0UL, 0UL, 0UL, 0UL), "clone(NEWUSER)");
}

static enum outcome userns_clone3(void)
{
	struct clone_args args = { .flags = CLONE_NEWUSER, .exit_signal = SIGCHLD };

	return reap(syscall(SYS_clone3, &args, sizeof(args)), "clone3(NEWUSER)");
}

/* #55 */
static enum outcome unshare_others(void)
{
	static const int flags[] = { CLONE_NEWNS,  CLONE_NEWNET, CLONE_NEWCGROUP, CLONE_NEWIPC,
				     CLONE_NEWUTS, CLONE_NEWPID, 0x00000080 /* CLONE_NEWTIME */ };

	for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++)
		if (!unshare(flags[i]))
			return judge(flags[i], "unshare");
	return judge(-1, "unshare");
}

/* #22 */
static enum outcome nested_proc(void)
{
	int status = 0;

	if (unshare(CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID))
		return judge(-1, "unshare(NEWUSER|NEWNS|NEWPID)");
	if (fork() == 0) /* the new pid namespace's first process */
		_exit(mount("proc", "/proc", "proc", 0, NULL) ? errno : 0);
	(void)wait(&status);
	errno = WEXITSTATUS(status);
	return judge(errno ? -1 : 0, "mount proc in a nested namespace");
}

/* #70: the bait is the description of a "user" key in the caller's session keyring. */
static enum outcome keyring_session(void)
{
	return judge(syscall(SYS_request_key, "user", bait("key"), NULL, -3L), "request_key");
}

static enum outcome keyring_add(void)
{
	return judge(syscall(SYS_add_key, "user", "probe", "x", 1UL, -2L /* process keyring */), "add_key");
}

static enum outcome keyring_search(void)
{
	return judge(syscall(SYS_keyctl, 10L /* KEYCTL_SEARCH */, -3L, "user", bait("key"), 0L), "keyctl(SEARCH)");
}

/* #71: each with arguments that do nothing; anything but EPERM and ENOSYS means that the kernel took the call up. */
static enum outcome privileged_calls(void)
{
	static const struct {
		const char *name;
		long number, a, b, c;
	} calls[] = {
		{ "bpf", SYS_bpf, 9999, 0, 0 },
		{ "perf_event_open", SYS_perf_event_open, 0, 0, 0 },
		{ "userfaultfd", SYS_userfaultfd, 1, 0, 0 },
		{ "fanotify_init", SYS_fanotify_init, -1, 0, 0 },
		{ "kexec_load", SYS_kexec_load, 0, 999, 0 },
		{ "init_module", SYS_init_module, 0, 0, 0 },
		{ "delete_module", SYS_delete_module, 0, 0, 0 },
		{ "swapon", SYS_swapon, 0, 0, 0 },
		{ "acct", SYS_acct, 1, 0, 0 },
		{ "quotactl", SYS_quotactl, -1, 0, 0 },
		{ "reboot", SYS_reboot, 0, 0, 0 },
		{ "settimeofday", SYS_settimeofday, 1, 1, 0 },
		{ "vhangup", SYS_vhangup, 0, 0, 0 },
		{ "sethostname", SYS_sethostname, 1, 1, 0 },
		{ "move_pages", SYS_move_pages, 1, 1, 1 },
		{ "kcmp", SYS_kcmp, 1, 1, 99 },
		{ "lookup_dcookie", SYS_lookup_dcookie, 0, 0, 0 },
		{ "pidfd_getfd", SYS_pidfd_getfd, -1, 0, 0 },
		{ "process_madvise", SYS_process_madvise, -1, 0, 0 },
		{ "open_by_handle_at", SYS_open_by_handle_at, -1, 0, 0 },
		{ "fsopen", SYS_fsopen, 0, 0, 0 },
		{ "quotactl_fd", SYS_quotactl_fd, -1, 0, 0 },
#ifdef SYS_iopl
		{ "iopl", SYS_iopl, 3, 0, 0 },
		{ "ioperm", SYS_ioperm, 0, 1, 1 },
		{ "modify_ldt", SYS_modify_ldt, 99, 0, 0 },
		{ "uselib", SYS_uselib, 0, 0, 0 },
#endif
	};

	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
		long result = syscall(calls[i].number, calls[i].a, calls[i].b, calls[i].c, 0L, 0L, 0L);

		if (result >= 0 || (errno != EPERM && errno != ENOSYS)) {
			detail("%s: %s", calls[i].name, result < 0 ? strerror(errno) : "done");
			return OPEN;
		}
	}
	detail("all refused");
	return BLOCKED;
}

/* #72 */
static enum outcome io_uring(void)
{
	char params[120] = { 0 };

	return judge(syscall(SYS_io_uring_setup, 1L, params), "io_uring_setup");
}

/* #74: the 32-bit entry gets a system call table of its own, which a filter for one ABI does not see. */
static enum outcome abi_i386(void)
{
#ifdef __x86_64__
	long result = 0;

	__asm__ volatile("int $0x80" : "=a"(result) : "a"(20L) : "memory", "r8", "r9", "r10", "r11");
	errno = (int)-result;
	return judge(result > 0 ? result : -1, "int 0x80 getpid");
#else
	detail("no second ABI on this machine");
	return BLOCKED;
#endif
}

/* #77: a number that no kernel knows must say so, or new programs cannot fall back. Anything but ENOSYS is wrong. */
static enum outcome unknown_syscall(void)
{
	static const long numbers[] = { 475, 500, 600, 1000, 4000 };

	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		if (syscall(numbers[i]) >= 0 || errno != ENOSYS) {
			detail("%ld: %s", numbers[i], strerror(errno));
			return OPEN;
		}
	detail("ENOSYS");
	return BLOCKED;
}

/* #83: the baits are a System V key and a POSIX queue of the host. */
static enum outcome sysv_shm(void)
{
	return judge(shmget((key_t)strtol(bait("shm"), NULL, 0), 0, 0), "shmget");
}

static enum outcome posix_queue(void)
{
	return judge(mq_open(bait("queue"), O_RDONLY), "mq_open");
}

static enum outcome dev_shm(void)
{
	return try_open(bait("devshm"), O_RDONLY);
}

const struct probe kernel_probes[] = {
	{ "setns_all", setns_all },
	{ "userns_unshare", userns_unshare },
	{ "userns_unshare_flags", userns_unshare_flags },
	{ "userns_clone", userns_clone },
	{ "userns_clone3", userns_clone3 },
	{ "unshare_others", unshare_others },
	{ "nested_proc", nested_proc },
	{ "keyring_session", keyring_session },
	{ "keyring_add", keyring_add },
	{ "keyring_search", keyring_search },
	{ "privileged_calls", privileged_calls },
	{ "io_uring", io_uring },
	{ "abi_i386", abi_i386 },
	{ "unknown_syscall", unknown_syscall },
	{ "sysv_shm", sysv_shm },
	{ "posix_queue", posix_queue },
	{ "dev_shm", dev_shm },
	{ 0 },
};
