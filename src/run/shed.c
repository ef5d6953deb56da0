/* shed: gives up descriptors, capabilities, system calls and the launcher's arguments. See the header for who.
 *
 * Runs in init, in the guard, in the relay of published ports and in the agent of a later command, right after their
 * fork and before they wait for anything. They are reachable from inside the sandbox only by what they read (signals'
 * numbers from the launcher, wait statuses, process ids in a cgroup, bytes to be passed on), but live as long as the
 * payload does, so they keep nothing that they have no use for.
 *
 * The filter is a table of constants, one comparison for each call: nothing is compiled or allocated here. It is for
 * the ABI that this file was built for; another one's calls kill. A bug that calls something else ends the process, and
 * with it the sandbox.
 *
 * Needs: seccomp(2), Linux 3.17; close_range(2), 5.9. Failure is told to the launcher by the caller; the sandbox ends.
 */
#include "run/shed.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/syscall.h"

#if defined(__x86_64__) && !defined(__ILP32__)
#define OUR_ARCH AUDIT_ARCH_X86_64
#elif defined(__aarch64__) && defined(__AARCH64EL__)
#define OUR_ARCH AUDIT_ARCH_AARCH64
#elif defined(__riscv) && __riscv_xlen == 64
#define OUR_ARCH AUDIT_ARCH_RISCV64
#elif defined(__powerpc64__) && defined(__LITTLE_ENDIAN__)
#define OUR_ARCH AUDIT_ARCH_PPC64LE
#elif defined(__s390x__)
#define OUR_ARCH AUDIT_ARCH_S390X
#else
#error "name this architecture's AUDIT_ARCH here: without it the filter of init cannot tell ABIs apart"
#endif

CHILD int shed_descriptors(int *keep, size_t count, struct error *err)
{
	return fd_close_others(keep, count) ? fail_errno(err, 0, "cannot close descriptors") : 0;
}

/* The bounding set goes while CAP_SETPCAP is still there; without it, it does not matter to a process that never execs.
 */
CHILD static int drop_capabilities(bool keep_kill, struct error *err)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct now[_LINUX_CAPABILITY_U32S_3], wanted[_LINUX_CAPABILITY_U32S_3] = { 0 };

	for (int capability = 0; prctl(PR_CAPBSET_READ, capability, 0, 0, 0) >= 0; capability++)
		if (prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) && errno != EPERM)
			return fail_errno(err, 0, "cannot drop capability %d from the bounding set", capability);
	if (syscall(SYS_capget, &header, now))
		return fail_errno(err, 0, "cannot read capabilities");
	if (keep_kill)
		wanted[0].permitted = wanted[0].effective = now[0].permitted & (1U << CAP_KILL);
	if (syscall(SYS_capset, &header, wanted))
		return fail_errno(err, 0, "cannot drop capabilities");
	return 0;
}

#define ALLOW(call) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_##call, 0, 1), BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)

#define REFUSE BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS)
#define LOAD_CALL                                                                \
	BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch)), \
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, OUR_ARCH, 1, 0), REFUSE,     \
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr))

/* The half of a call's first argument that the kernel takes for an int. */
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define FIRST_INT offsetof(struct seccomp_data, args[0])
#else
#define FIRST_INT (offsetof(struct seccomp_data, args[0]) + 4)
#endif

CHILD static int install_filter(const struct sock_filter *filter, size_t length, struct error *err)
{
	struct sock_fprog program = {
		.len = (unsigned short)length,
		.filter = (struct sock_filter *)(uintptr_t)filter,
	};

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		return fail_errno(err, 0, "cannot set no_new_privs");
	if (sys_seccomp(SECCOMP_SET_MODE_FILTER, 0, &program))
		return fail_errno(err, 0, "cannot install a filter");
	return 0;
}

CHILD int shed_powers(bool keep_kill, struct error *err)
{
	static const struct sock_filter filter[] = {
		LOAD_CALL,
		ALLOW(ppoll),
		ALLOW(read),    /* signalfd, lifeline */
		ALLOW(recvmsg), /* records down */
		ALLOW(write),   /* records up, cgroup.kill */
		ALLOW(wait4),
		ALLOW(kill),
		ALLOW(pidfd_open),
		ALLOW(pidfd_send_signal),
		ALLOW(pread64), /* cgroup.procs */
		ALLOW(fcntl),   /* which kind of cgroup file */
		ALLOW(close),
		ALLOW(getpid),
		ALLOW(restart_syscall),
		ALLOW(exit_group),
#ifdef __SANITIZE_ADDRESS__
		ALLOW(sigaltstack), /* asked by the sanitizer before every function that does not return */
#endif
		REFUSE,
	};

	if (drop_capabilities(keep_kill, err))
		return -1;
	return install_filter(filter, sizeof(filter) / sizeof(filter[0]), err);
}

CHILD int shed_to_network(struct error *err)
{
	static const struct sock_filter filter[] = {
		LOAD_CALL,
		ALLOW(epoll_pwait),
		ALLOW(recvfrom),
		ALLOW(sendto),
		ALLOW(recvmsg),
		ALLOW(sendmsg),
		ALLOW(accept4),
		ALLOW(connect),
		ALLOW(shutdown),
		ALLOW(setsockopt),
		ALLOW(epoll_ctl),
		ALLOW(close),
		ALLOW(clock_gettime), /* where the clock cannot be read without a call */
		ALLOW(write),         /* that it is ready */
		ALLOW(restart_syscall),
		ALLOW(exit_group),
#ifdef __SANITIZE_ADDRESS__
		ALLOW(sigaltstack),
#endif
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_socket, 1, 0),
		REFUSE,
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, FIRST_INT),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AF_INET, 1, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AF_INET6, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
		REFUSE,
	};

	if (drop_capabilities(false, err))
		return -1;
	return install_filter(filter, sizeof(filter) / sizeof(filter[0]), err);
}

/* This is our own copy of the launcher's memory. The last byte of the arguments, when it is not NUL, makes the kernel
 * show one string from their start (proc(5), cmdline; setproctitle works so). */
CHILD void shed_title(const struct caller *caller, const char *title)
{
	char *start = NULL, *end = NULL, *arguments_end = NULL;
	size_t length = strlen(title);

	if (!caller->argv || !caller->argv[0])
		return;
	start = end = caller->argv[0];
	for (char *const *word = caller->argv; *word; word++)
		end = *word == end ? end + strlen(end) + 1 : end;
	arguments_end = end;
	for (const char *const *word = caller->environ; word && *word; word++)
		end = *word == end ? end + strlen(end) + 1 : end;
	memset(start, 0, (size_t)(end - start));
	if (length >= (size_t)(end - start))
		return;
	memcpy(start, title, length);
	if (arguments_end - start > (ptrdiff_t)length)
		arguments_end[-1] = '.';
	if (arguments_end - start == (ptrdiff_t)length + 1)
		start[length - 1] = '\0';
}
