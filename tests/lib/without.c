/* without: runs a program with one system call taken away, as under a hardened service or in another container.
 *
 *	without ERRNO CALL PROGRAM [ARG ...]
 *
 * Every process below gets ERRNO (EPERM, ENOSYS) for CALL. CALL "nf_tables" is socket(2) for the netlink family of
 * netfilter, which gets EPROTONOSUPPORT, as on a kernel that has none. */
#include <errno.h>
#include <linux/filter.h>
#include <linux/netlink.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

static const struct {
	const char *name;
	unsigned number;
} calls[] = {
	{ "clone3", SYS_clone3 },
	{ "close_range", SYS_close_range },
	{ "fsconfig", 431 },
	{ "fsmount", 432 },
	{ "fsopen", 430 },
	{ "keyctl", SYS_keyctl },
	{ "landlock_create_ruleset", 444 },
	{ "mount_setattr", 442 },
	{ "move_mount", 429 },
	{ "open_tree", 428 },
	{ "openat2", SYS_openat2 },
	{ "pidfd_open", SYS_pidfd_open },
	{ "pidfd_send_signal", SYS_pidfd_send_signal },
	{ "pivot_root", SYS_pivot_root },
	{ "seccomp", SYS_seccomp },
	{ "setns", SYS_setns },
	{ "unshare", SYS_unshare },
};

static int install(struct sock_filter *filter, size_t length)
{
	struct sock_fprog program = { .len = (unsigned short)length, .filter = filter };

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		return -1;
	return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
}

static int take_away(unsigned number, unsigned answer)
{
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, number, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | answer),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};

	return install(filter, sizeof(filter) / sizeof(filter[0]));
}

static int take_netfilter_away(void)
{
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_socket, 0, 5),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[0])),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AF_NETLINK, 0, 3),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[2])),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, NETLINK_NETFILTER, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPROTONOSUPPORT),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};

	return install(filter, sizeof(filter) / sizeof(filter[0]));
}

int main(int argc, char **argv)
{
	if (argc > 3 && strcmp(argv[2], "nf_tables") == 0 && !take_netfilter_away())
		execvp(argv[3], argv + 3);
	for (size_t i = 0; argc > 3 && i < sizeof(calls) / sizeof(calls[0]); i++) {
		if (strcmp(argv[2], calls[i].name) != 0)
			continue;
		if (take_away(calls[i].number, strcmp(argv[1], "ENOSYS") ? EPERM : ENOSYS)) {
			perror("without: seccomp");
			return 99;
		}
		execvp(argv[3], argv + 3);
	}
	(void)fprintf(stderr, "without: cannot run\n");
	return 99;
}
