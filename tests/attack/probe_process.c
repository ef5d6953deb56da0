/* Attempts on processes, descriptors, credentials and the terminal. */
#include "probe.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* #1: descriptors the launcher's caller had open. */
static enum outcome fd_leak(void)
{
	for (int fd = 3; fd < 4096; fd++)
		if (fcntl(fd, F_GETFD) >= 0) {
			detail("descriptor %d is open", fd);
			return OPEN;
		}
	detail("none above 2");
	return BLOCKED;
}

/* #2: a leaked directory descriptor is a way out. */
static enum outcome fd_dir_openat(void)
{
	return judge(openat(7, "..", O_RDONLY | O_DIRECTORY), "openat(7, ..)");
}

/* #6: climbing from the working directory; the bait is a host file that must not be reachable from the top. */
static enum outcome cwd_outside(void)
{
	for (int i = 0; i < 64; i++)
		if (chdir(".."))
			break;
	return try_open(bait("canary") + 1, O_RDONLY);
}

/* #8: the launcher's program file, through process 1 and the parent. */
static enum outcome exe_self(void)
{
	char path[64];

	if (try_open("/proc/1/exe", O_WRONLY) == OPEN)
		return OPEN;
	(void)snprintf(path, sizeof(path), "/proc/%d/exe", getppid() == 0 ? 1 : getppid());
	return getppid() == 1 || getppid() == 0 ? try_open("/proc/1/exe", O_RDONLY) : BLOCKED;
}

/* #23: another process's root, working directory and descriptors. A process of ours may be looked into. */
static enum outcome proc_other_root(void)
{
	static const char *const links[] = { "root/etc", "cwd", "fd/0" };
	char path[64];

	for (size_t i = 0; i < sizeof(links) / sizeof(links[0]); i++) {
		(void)snprintf(path, sizeof(path), "/proc/1/%s", links[i]);
		if (try_open(path, O_RDONLY) == OPEN)
			return OPEN;
	}
	return BLOCKED;
}

static enum outcome read_pid1(const char *file)
{
	char path[64];
	char buffer[4096];
	int fd = -1;
	ssize_t n = 0;

	(void)snprintf(path, sizeof(path), "/proc/1/%s", file);
	fd = open(path, O_RDONLY);
	if (fd < 0)
		return judge(fd, path);
	n = read(fd, buffer, sizeof(buffer));
	detail("%s: read %zd bytes", path, n);
	return n > 0 ? OPEN : BLOCKED;
}

/* #24 */
static enum outcome pid1_environ(void)
{
	return read_pid1("environ");
}

static enum outcome pid1_maps(void)
{
	return read_pid1("maps");
}

/* #24: what process 1 was called with must not name the host's paths. */
static enum outcome pid1_cmdline(void)
{
	char buffer[4096];
	int fd = open("/proc/1/cmdline", O_RDONLY);
	ssize_t n = fd < 0 ? -1 : read(fd, buffer, sizeof(buffer));

	detail("/proc/1/cmdline: %zd bytes", n);
	return n > 0 && memmem(buffer, (size_t)n, "/", 1) ? OPEN : BLOCKED;
}

/* #25 */
static enum outcome pid1_mem_write(void)
{
	return try_open("/proc/1/mem", O_RDWR);
}

/* #56 */
static enum outcome ptrace_init(void)
{
	return judge(ptrace(PTRACE_SEIZE, 1, NULL, NULL), "ptrace(SEIZE, 1)");
}

static enum outcome process_vm_init(void)
{
	char byte = 0;
	struct {
		void *base;
		size_t length;
	} local = { &byte, 1 }, remote = { (void *)0x400000, 1 };
	long n = syscall(SYS_process_vm_readv, 1, &local, 1UL, &remote, 1UL, 0UL);

	if (n < 0 && errno == EFAULT) {
		detail("process_vm_readv: bad address, so permitted");
		return OPEN;
	}
	return judge(n, "process_vm_readv(1)");
}

/* #58: the bait is the pid of a host process that the caller could signal. */
static enum outcome signal_host(void)
{
	return judge(kill(atoi(bait("pid")), 0), "kill(host pid, 0)");
}

/* #66 */
static enum outcome session_ctty(void)
{
	if (getsid(0) == 0) {
		detail("session of a process outside");
		return OPEN;
	}
	return judge(ioctl(0, TIOCSCTTY, 1), "TIOCSCTTY");
}

/* #67, #75: put a byte into the terminal's input, plainly and with a bit that only a 64-bit comparison sees. */
static enum outcome tiocsti(void)
{
	char byte = '#';

	if (!ioctl(0, TIOCSTI, &byte))
		return judge(0, "TIOCSTI");
	if (errno == EPERM && !syscall(SYS_ioctl, 0, (unsigned long)TIOCSTI | 1UL << 32, &byte))
		return judge(0, "TIOCSTI with a high bit");
	/* EPERM from the filter; ENOTTY would mean that the call went through to a descriptor that is no terminal. */
	detail("TIOCSTI: %s", strerror(errno));
	return errno == EPERM ? BLOCKED : OPEN;
}

/* #68 */
static enum outcome tioclinux(void)
{
	char arguments[2] = { 3, 0 };

	if (ioctl(0, TIOCLINUX, arguments) < 0 && errno == EPERM)
		return judge(-1, "TIOCLINUX");
	detail("TIOCLINUX: %s", strerror(errno));
	return OPEN;
}

/* #81: anything that is not as an unprivileged payload's should be. */
static enum outcome nnp_caps_state(void)
{
	char text[8192] = "";
	int fd = open("/proc/self/status", O_RDONLY);
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
	static const char *const wanted[] = { "CapInh:\t0000000000000000",
					      "CapPrm:\t0000000000000000",
					      "CapEff:\t0000000000000000",
					      "CapBnd:\t0000000000000000",
					      "CapAmb:\t0000000000000000",
					      "NoNewPrivs:\t1",
					      "Seccomp:\t2" };

	if (n < 0)
		return judge(n, "/proc/self/status");
	for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++)
		if (!strstr(text, wanted[i])) {
			detail("not %s", wanted[i]);
			return OPEN;
		}
	detail("no capability, no_new_privs, filtered");
	return BLOCKED;
}

/* #82: every way back to a capability. */
static enum outcome cap_regain(void)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2] = { { .effective = 1U << CAP_CHOWN, .permitted = 1U << CAP_CHOWN } };

	if (!syscall(SYS_capset, &header, data))
		return judge(0, "capset");
	if (!prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_CHOWN, 0, 0))
		return judge(0, "ambient raise");
	if (getuid() && !setuid(0))
		return judge(0, "setuid(0)");
	return judge(prctl(PR_SET_SECUREBITS, 0), "clear securebits");
}

/* #106: a core file of any size. */
static enum outcome core_dump(void)
{
	struct rlimit limit = { RLIM_INFINITY, RLIM_INFINITY };

	(void)setrlimit(RLIMIT_CORE, &limit);
	(void)getrlimit(RLIMIT_CORE, &limit);
	detail("RLIMIT_CORE %llu", (unsigned long long)limit.rlim_cur);
	return limit.rlim_max ? OPEN : BLOCKED;
}

/* #115: the bait is the name of a variable in the launcher's environment. */
static enum outcome env_leak(void)
{
	const char *value = getenv(bait("variable"));

	detail("%s", value ? value : "not there");
	return value ? OPEN : BLOCKED;
}

/* #117: a supplementary group that the caller had: the bait's number, as a file's group would show it. */
static enum outcome groups(void)
{
	gid_t list[256];
	int n = getgroups(256, list);

	for (int i = 0; i < n; i++)
		if (list[i] == (gid_t)atoi(bait("group"))) {
			detail("in group %u", list[i]);
			return OPEN;
		}
	detail("%d groups", n);
	return BLOCKED;
}

/* Address space layout is weakened by a personality; a filter allows the harmless ones only. */
static enum outcome personality_flags(void)
{
	return judge(personality(ADDR_NO_RANDOMIZE), "personality(ADDR_NO_RANDOMIZE)");
}

/* #79, for profiles that ask for it. */
static enum outcome write_execute(void)
{
	void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return judge(page == MAP_FAILED ? -1 : 0, "mmap writable and executable");
}

const struct probe process_probes[] = {
	{ "fd_leak", fd_leak },
	{ "fd_dir_openat", fd_dir_openat },
	{ "cwd_outside", cwd_outside },
	{ "exe_self", exe_self },
	{ "proc_other_root", proc_other_root },
	{ "pid1_environ", pid1_environ },
	{ "pid1_maps", pid1_maps },
	{ "pid1_cmdline", pid1_cmdline },
	{ "pid1_mem_write", pid1_mem_write },
	{ "ptrace_init", ptrace_init },
	{ "process_vm_init", process_vm_init },
	{ "signal_host", signal_host },
	{ "session_ctty", session_ctty },
	{ "tiocsti", tiocsti },
	{ "tioclinux", tioclinux },
	{ "nnp_caps_state", nnp_caps_state },
	{ "cap_regain", cap_regain },
	{ "core_dump", core_dump },
	{ "env_leak", env_leak },
	{ "groups", groups },
	{ "personality_flags", personality_flags },
	{ "write_execute", write_execute },
	{ 0 },
};
