/* state: odd jobs on the properties of a process, for the tests. Static; runs inside and outside.
 *
 *	state hostile COMMAND...	runs COMMAND with everything inherited that a hostile caller can pass on
 *	state block COMMAND...		runs COMMAND with SIGUSR1 blocked
 *	state ignore COMMAND...		runs COMMAND with SIGUSR1 ignored
 *	state noargs PATH		runs PATH without any argument, its own name included
 *	state rwx			maps memory that is writable and executable: "mapped" or "refused"
 *	state regain			tries every way back to a capability; prints what it has, "CapEff: MASK"
 *	state drop UID			setuid(UID), as a server does; prints what it then has
 *	state listen PORT		binds a TCP port: "bound" or "refused"
 *	state connect PORT		connects to a TCP port of this host: what the kernel says
 *	state getkey			looks for key "bait" in the session keyring: "found" or "none"
 *	state withkey COMMAND...	joins a session keyring that holds it, and runs COMMAND
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/keyctl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

extern char **environ;

static int execute(char **argv)
{
	execvp(argv[0], argv);
	perror(argv[0]);
	return 127;
}

/* Also the two signals that the C library keeps for itself. */
static void ignore_and_block(void)
{
	unsigned long ignored[4] = { (unsigned long)SIG_IGN }, all = ~0UL;

	for (int number = 1; number <= 64; number++)
		if (number != SIGKILL && number != SIGSTOP)
			(void)syscall(SYS_rt_sigaction, number, ignored, NULL, 8);
	(void)syscall(SYS_rt_sigprocmask, SIG_SETMASK, &all, NULL, 8);
}

static int hostile(char **argv)
{
	static const struct rlimit small[] = { [RLIMIT_CORE] = { RLIM_INFINITY, RLIM_INFINITY },
					       [RLIMIT_STACK] = { 1 << 20, RLIM_INFINITY },
					       [RLIMIT_NOFILE] = { 256, 4096 } };
	char name[32];

	for (int i = 0; i < 2000; i++) {
		(void)snprintf(name, sizeof(name), "HOSTILE_%d", i);
		(void)setenv(name, "0123456789012345678901234567890123456789", 1);
	}
	(void)setenv("LD_PRELOAD_OF_PAYLOAD", "x", 1);
	(void)setenv("BASH_ENV", "/etc/passwd", 1);
	for (int fd = 3; fd < 200; fd++)
		(void)dup2(open("/", O_RDONLY | O_DIRECTORY), fd);
	for (size_t i = 0; i < sizeof(small) / sizeof(small[0]); i++)
		if (small[i].rlim_max)
			(void)setrlimit((__rlimit_resource_t)i, &small[i]);
	(void)umask(0);
	(void)personality(ADDR_NO_RANDOMIZE | READ_IMPLIES_EXEC);
	(void)setpriority(PRIO_PROCESS, 0, 3);
	ignore_and_block();
	return execute(argv);
}

static int no_arguments(const char *path)
{
	char *none[] = { NULL };

	(void)execve(path, none, environ);
	perror(path);
	return 127;
}

static int rwx(void)
{
	void *memory = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return puts(memory == MAP_FAILED ? "refused" : "mapped") < 0;
}

static uint64_t effective(void)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2] = { 0 };

	(void)syscall(SYS_capget, &header, data);
	return data[0].effective | (uint64_t)data[1].effective << 32;
}

static int print_effective(void)
{
	return printf("CapEff: %016llx\n", (unsigned long long)effective()) < 0;
}

/* argv[0] is ourselves, for another exec. */
static int regain(char *self, bool again)
{
	char *argv[] = { self, (char *)"regain-again", NULL };

	(void)prctl(PR_SET_SECUREBITS, 0, 0, 0, 0);
	(void)prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0);
	for (int capability = 0; capability < 64; capability++) {
		struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
		struct __user_cap_data_struct data[2] = { 0 };
		uint64_t wanted = effective() | 1ULL << capability;

		for (int word = 0; word < 2; word++)
			data[word].permitted = data[word].effective = data[word].inheritable =
				(uint32_t)(wanted >> 32 * word);
		(void)syscall(SYS_capset, &header, data);
		(void)prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, capability, 0, 0);
	}
	(void)!setresuid(0, 0, 0);
	if (!again)
		return execute(argv);
	return print_effective();
}

static int listen_on(const char *port)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(port)) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	return puts(fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof(address)) ? "refused" : "bound") < 0;
}

static int connect_to(const char *port)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(port)) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	errno = 0;
	if (fd >= 0)
		(void)connect(fd, (struct sockaddr *)&address, sizeof(address));
	return puts(strerror(errno)) < 0;
}

static int get_key(void)
{
	long key = syscall(SYS_keyctl, KEYCTL_SEARCH, KEY_SPEC_SESSION_KEYRING, "user", "bait", 0);

	return puts(key < 0 ? "none" : "found") < 0;
}

static int with_key(char **argv)
{
	if (syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, NULL) < 0 ||
	    syscall(SYS_add_key, "user", "bait", "secret", 6, KEY_SPEC_SESSION_KEYRING) < 0) {
		perror("state: key");
		return 1;
	}
	return execute(argv);
}

static int drop(const char *uid)
{
	if (setuid((uid_t)atoi(uid))) {
		perror("state: setuid");
		return 1;
	}
	return print_effective();
}

int main(int argc, char **argv)
{
	const char *job = argc > 1 ? argv[1] : "";
	sigset_t usr1;

	sigemptyset(&usr1);
	sigaddset(&usr1, SIGUSR1);

	if (!strcmp(job, "hostile") && argc > 2)
		return hostile(argv + 2);
	if (!strcmp(job, "withkey") && argc > 2)
		return with_key(argv + 2);
	if (!strcmp(job, "block") && argc > 2)
		return sigprocmask(SIG_BLOCK, &usr1, NULL) || execute(argv + 2);
	if (!strcmp(job, "ignore") && argc > 2)
		return signal(SIGUSR1, SIG_IGN) == SIG_ERR || execute(argv + 2);
	if (!strcmp(job, "noargs") && argc > 2)
		return no_arguments(argv[2]);
	if (!strcmp(job, "rwx"))
		return rwx();
	if (!strcmp(job, "regain") || !strcmp(job, "regain-again"))
		return regain(argv[0], strcmp(job, "regain") != 0);
	if (!strcmp(job, "drop") && argc > 2)
		return drop(argv[2]);
	if (!strcmp(job, "listen") && argc > 2)
		return listen_on(argv[2]);
	if (!strcmp(job, "connect") && argc > 2)
		return connect_to(argv[2]);
	if (!strcmp(job, "getkey"))
		return get_key();
	(void)fputs("usage: see the source\n", stderr);
	return 2;
}
