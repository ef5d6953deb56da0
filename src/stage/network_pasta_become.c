/* network_pasta_become: from a copy of the launcher to pasta. Helper of network_pasta; runs in the process forked for
 * it, during attach, up to execve(2).
 *
 * pasta confines itself: once it has its sockets and the interface it moves to an empty read-only root in mount, IPC
 * and UTS namespaces of its own, drops capabilities but CAP_SYS_ADMIN and CAP_NET_BIND_SERVICE in its user namespace,
 * is not dumpable, and installs a seccomp filter of some forty calls. What it does not do, or does too late, is done
 * here before it starts:
 *
 *   user namespace  the sandbox's, entered here: all its capabilities are over what the sandbox owns, none over the
 *                   host. It stays in the host's network namespace for its sockets, as anybody may.
 *   ids             an ordinary user's own; started by root, an id of the sandbox's range that nothing else has, so
 *                   that no process of pasta is root on the host, nor the payload's user
 *   capabilities    three, ambient, and no more in the bounding set: CAP_SYS_ADMIN to enter the network namespace and
 *                   leave the file system, CAP_NET_ADMIN for the interface, CAP_NET_BIND_SERVICE for ports inside
 *   descriptors     0 is the network namespace, 1 the pipe for readiness, 2 the pipe for its words; nothing else
 *   the rest        no environment, no controlling terminal, signals as they are by default, no new privileges, no core
 *                   files, no files at all (RLIMIT_FSIZE)
 *
 * It dies with the launcher: the parent-death signal is set when the ids are final, and since the user namespace is
 * entered already, nothing that pasta does to itself takes it away (prctl(2): a change of ids or a gain of capabilities
 * would). The launcher may have died before: that is looked at behind it.
 *
 * The namespace goes in as descriptor 0 because newer versions of pasta close all above 2. A path by pid could mean
 * another process by then.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>

#include "base/fd.h"
#include "base/file.h"
#include "base/mount.h"
#include "base/syscall.h"
#include "stage/network_pasta.h"

static const int kept[] = { CAP_SYS_ADMIN, CAP_NET_ADMIN, CAP_NET_BIND_SERVICE };
enum { KEPT_COUNT = sizeof(kept) / sizeof(kept[0]), SIGNAL_COUNT = 64 };

CHILD static bool is_kept(int capability)
{
	for (size_t i = 0; i < KEPT_COUNT; i++)
		if (kept[i] == capability)
			return true;
	return false;
}

/* Root's groups go before the user namespace is entered, where setgroups(2) may be denied for good. An ordinary user
 * cannot drop any. */
CHILD static int leave_groups(struct error *err)
{
	if (sys_setgroups(0, NULL) && (errno != EPERM || geteuid() == 0))
		return fail_errno(err, K_NETWORK_MODE, "cannot leave the launcher's groups for pasta");
	return 0;
}

/* Where only root may open the device (a host without udev), root's pasta, which is nobody's, gets a node of its own in
 * a mount namespace of its own, which pasta leaves as soon as it has opened it. */
CHILD static int provide_device(struct error *err)
{
	enum { EVERYBODY = 0666, TUN_MAJOR = 10, TUN_MINOR = 200 }; /* admin-guide/devices.txt of the kernel */
	AUTO_CLOSE int top = -1, place = -1, made = -1;
	struct stat status;

	if (geteuid() != 0 || stat("/dev/net/tun", &status) || (status.st_mode & EVERYBODY) == EVERYBODY)
		return 0;
	if (unshare(CLONE_NEWNS) || (top = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC)) < 0 ||
	    mount_restrict(top, 0, MS_PRIVATE, true))
		return fail_errno(err, K_NETWORK_MODE, "cannot make a mount namespace for pasta");
	made = mount_new("tmpfs", NULL, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC, NULL);
	(void)umask(0);
	if (made < 0 || mknodat(made, "tun", S_IFCHR | EVERYBODY, makedev(TUN_MAJOR, TUN_MINOR)))
		return fail_errno(err, K_NETWORK_MODE, "cannot make a device node for pasta");
	place = open("/dev/net", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (place < 0 || mount_attach(made, place))
		return fail_errno(err, K_NETWORK_MODE, "cannot show pasta its device node");
	return 0;
}

/* Should: end up with no id of root's.  Mustn't: lose the capabilities just got, which the change of ids takes. */
CHILD static int enter_userns(const struct pasta_start *start, struct error *err)
{
	if (setns(start->userns, CLONE_NEWUSER))
		return fail_errno(err, K_NETWORK_MODE, "cannot enter the sandbox's user namespace for pasta");
	if (prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) ||
	    (start->gid != ID_UNSET && sys_setresgid(start->gid, start->gid, start->gid)) ||
	    (start->uid != ID_UNSET && sys_setresuid(start->uid, start->uid, start->uid)))
		return fail_errno(err, K_NETWORK_MODE, "cannot become user %u, group %u of the sandbox for pasta",
				  start->uid, start->gid);
	return 0;
}

CHILD static int keep_capabilities(struct error *err)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct wanted[_LINUX_CAPABILITY_U32S_3] = { 0 };
	uint32_t set = 0;

	for (int capability = 0; prctl(PR_CAPBSET_READ, capability, 0, 0, 0) >= 0; capability++)
		if (!is_kept(capability) && prctl(PR_CAPBSET_DROP, capability, 0, 0, 0))
			return fail_errno(err, K_NETWORK_MODE, "cannot drop pasta's capability %d", capability);
	for (size_t i = 0; i < KEPT_COUNT; i++)
		set |= 1U << kept[i];
	wanted[0].permitted = wanted[0].effective = wanted[0].inheritable = set;
	if (syscall(SYS_capset, &header, wanted))
		return fail_errno(err, K_NETWORK_MODE, "cannot reduce pasta's capabilities");
	for (size_t i = 0; i < KEPT_COUNT; i++)
		if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, kept[i], 0, 0))
			return fail_errno(err, K_NETWORK_MODE, "cannot keep pasta's capability %d", kept[i]);
	return 0;
}

CHILD static int shed_the_rest(struct error *err)
{
	static const struct rlimit none = { 0, 0 };
	static const unsigned char by_default[64]; /* struct sigaction as the kernel has it */
	sigset_t empty;

	/* The launcher ignores some, and so may have its caller; execve(2) leaves that as it is. */
	for (int number = 1; number <= SIGNAL_COUNT; number++)
		(void)syscall(SYS_rt_sigaction, number, by_default, NULL, SIGNAL_COUNT / 8);
	sigemptyset(&empty);
	if (sigprocmask(SIG_SETMASK, &empty, NULL) || setsid() < 0 || chdir("/") || setrlimit(RLIMIT_CORE, &none) ||
	    setrlimit(RLIMIT_FSIZE, &none) || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		return fail_errno(err, K_NETWORK_MODE, "cannot confine pasta");
	return 0;
}

/* pasta's own words for this do not tell the device from its setup. */
CHILD static int check_device(struct error *err)
{
	int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC);

	if (fd >= 0) {
		close(fd);
		return 0;
	}
	fail_errno(err, K_NETWORK_MODE, "cannot open /dev/net/tun, which pasta needs");
	error_remedy(err, errno == EACCES ? "let every user open it, as udev does: sudo chmod 0666 /dev/net/tun"
					  : "sudo modprobe tun");
	return error_exit(err, EXIT_OF_HOST);
}

CHILD static int tie_to_launcher(const struct pasta_start *start, struct error *err)
{
	if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0))
		return fail_errno(err, K_NETWORK_MODE, "cannot tie pasta to the launcher");
	if (getppid() != start->launcher)
		return fail(err, K_NETWORK_MODE, "cannot start pasta: the launcher has ended");
	return 0;
}

CHILD static int arrange_descriptors(const struct pasta_start *start, struct error *err)
{
	if (dup2(start->netns, 0) < 0 || dup2(start->ready, 1) < 0 || dup2(start->words, 2) < 0 ||
	    sys_close_range(3, ~0U, 0))
		return fail_errno(err, K_NETWORK_MODE, "cannot hand pasta its descriptors");
	return 0;
}

CHILD void pasta_become(const struct pasta_start *start)
{
	static char *const no_environment[] = { NULL };
	struct error err = { 0 };
	int ready = start->ready;

	/* Not dumpable until execve: root of a joined user namespace could look into this copy of the launcher. */
	if (!prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) && !leave_groups(&err) && !provide_device(&err) &&
	    !enter_userns(start, &err) && !keep_capabilities(&err) && !shed_the_rest(&err) && !check_device(&err) &&
	    !tie_to_launcher(start, &err) && !arrange_descriptors(start, &err)) {
		ready = 1;
		(void)execve(start->argv[0], start->argv, no_environment);
		fail_errno(&err, K_NETWORK_MODE, "cannot execute %s", start->argv[0]);
	}
	(void)write_all(ready, &err, sizeof(err));
	_exit(EXIT_OF_STAGE);
}
