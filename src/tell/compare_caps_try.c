/* compare_caps_try: what every capability is for, as an operation that can be tried anywhere.
 *
 * Each runs in a throw-away process in namespaces of its own, but root's in the host's user namespace: there the
 * kernel would let it do what it asks for. So nothing here asks for anything that reaches beyond the process, its
 * namespaces and its tmpfs. Where a capability is only for things that do, the call is one that the kernel refuses
 * behind the check of the capability, for its arguments (`past`), or that asks for nothing: the order of these checks
 * is the kernel's and is named at each of them.
 */
#include "tell/compare_caps.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/bpf.h>
#include <linux/capability.h>
#include <linux/fs.h>
#include <linux/netlink.h>
#include <linux/perf_event.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/timerfd.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/file.h"
#include "base/mount.h"
#include "base/syscall.h"

static int result(long returned)
{
	return returned < 0 ? errno : 0;
}

/* ---- files ----------------------------------------------------------------------------------- */

static int try_chown(const struct caps_scene *scene)
{
	return result(chown(CAPS_OWN, scene->other, (gid_t)-1));
}

static int try_open(int flags)
{
	AUTO_CLOSE int fd = open(CAPS_CLOSED, flags | O_CLOEXEC);

	return result(fd);
}

static int try_dac_override(const struct caps_scene *scene)
{
	(void)scene;
	return try_open(O_WRONLY);
}

static int try_dac_read_search(const struct caps_scene *scene)
{
	(void)scene;
	return try_open(O_RDONLY);
}

static int try_fowner(const struct caps_scene *scene)
{
	(void)scene;
	return result(chmod(CAPS_OTHER, 0640));
}

/* chmod(2): without it the bit is dropped where the file's group is not the caller's. */
static int try_fsetid(const struct caps_scene *scene)
{
	struct stat st;

	(void)scene;
	if (chmod(CAPS_OWN, 02755) || stat(CAPS_OWN, &st))
		return errno;
	return st.st_mode & S_ISGID ? 0 : CAPS_SILENT;
}

static int try_linux_immutable(const struct caps_scene *scene)
{
	AUTO_CLOSE int fd = open(CAPS_OWN, O_RDONLY | O_CLOEXEC);
	int flags = 0;

	(void)scene;
	if (fd < 0 || ioctl(fd, FS_IOC_GETFLAGS, &flags))
		return errno;
	flags |= FS_APPEND_FL;
	return result(ioctl(fd, FS_IOC_SETFLAGS, &flags));
}

/* A device node of a file system without devices: it cannot be opened. */
static int try_mknod(const struct caps_scene *scene)
{
	(void)scene;
	return result(mknod("null", S_IFCHR | 0600, makedev(1, 3)));
}

static int try_lease(const struct caps_scene *scene)
{
	AUTO_CLOSE int fd = open(CAPS_OTHER, O_RDONLY | O_CLOEXEC);

	(void)scene;
	return fd < 0 ? errno : result(fcntl(fd, F_SETLEASE, F_RDLCK));
}

static int try_setfcap(const struct caps_scene *scene)
{
	const struct vfs_cap_data data = { .magic_etc = VFS_CAP_REVISION_2,
					   .data[0].permitted = 1U << CAP_NET_BIND_SERVICE };

	(void)scene;
	return result(setxattr(CAPS_OWN, "security.capability", &data, sizeof(data), 0));
}

static int try_sys_chroot(const struct caps_scene *scene)
{
	(void)scene;
	return result(chroot("."));
}

/* It is never attached anywhere. */
static int try_sys_admin(const struct caps_scene *scene)
{
	AUTO_CLOSE int mount = mount_new("tmpfs", NULL, 0, NULL);

	(void)scene;
	return result(mount);
}

/* ---- ids and processes ----------------------------------------------------------------------- */

static int try_setuid(const struct caps_scene *scene)
{
	return result(setresuid(scene->other, scene->other, scene->other));
}

static int try_setgid(const struct caps_scene *scene)
{
	return result(setresgid(scene->other, scene->other, scene->other));
}

static int try_setpcap(const struct caps_scene *scene)
{
	(void)scene;
	return result(prctl(PR_CAPBSET_DROP, CAP_SYS_BOOT, 0, 0, 0));
}

/* Signal 0 is none: permission alone is asked. */
static int try_kill(const struct caps_scene *scene)
{
	return result(kill(scene->target, 0));
}

static int try_sys_ptrace(const struct caps_scene *scene)
{
	return result(ptrace(PTRACE_SEIZE, scene->target, NULL, NULL));
}

static int try_sys_nice(const struct caps_scene *scene)
{
	(void)scene;
	errno = 0;
	return result(setpriority(PRIO_PROCESS, 0, getpriority(PRIO_PROCESS, 0) - 1));
}

static int try_sys_resource(const struct caps_scene *scene)
{
	const struct rlimit none = { 0, 0 }, some = { 1, 1 };

	(void)scene;
	return setrlimit(RLIMIT_CORE, &none) ? errno : result(setrlimit(RLIMIT_CORE, &some));
}

static int try_ipc_lock(const struct caps_scene *scene)
{
	const struct rlimit none = { 0, 0 };
	static char byte;

	(void)scene;
	return setrlimit(RLIMIT_MEMLOCK, &none) ? errno : result(mlock(&byte, 1));
}

static int try_ipc_owner(const struct caps_scene *scene)
{
	struct msqid_ds about;

	return result(msgctl(scene->queue, IPC_STAT, &about));
}

/* Process 1 exists in every pid namespace: EEXIST, behind the check (kernel/pid.c, alloc_pid). */
static int try_checkpoint_restore(const struct caps_scene *scene)
{
	pid_t one = 1;
	struct clone_args args = { .exit_signal = SIGCHLD, .set_tid = (uintptr_t)&one, .set_tid_size = 1 };
	pid_t pid = sys_clone3(&args);

	(void)scene;
	if (pid == 0)
		_exit(0);
	return result(pid);
}

/* ---- network --------------------------------------------------------------------------------- */

static int try_net_bind_service(const struct caps_scene *scene)
{
	const struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons(80) };
	AUTO_CLOSE int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	(void)scene;
	return fd < 0 ? errno : result(bind(fd, (const struct sockaddr *)&address, sizeof(address)));
}

static int try_net_broadcast(const struct caps_scene *scene)
{
	AUTO_CLOSE int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	int on = 1;

	(void)scene;
	return fd < 0 ? errno : result(setsockopt(fd, SOL_NETLINK, NETLINK_LISTEN_ALL_NSID, &on, sizeof(on)));
}

static int try_net_admin(const struct caps_scene *scene)
{
	AUTO_CLOSE int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct ifreq request = { .ifr_name = "lo", .ifr_flags = IFF_UP };

	(void)scene;
	return fd < 0 ? errno : result(ioctl(fd, SIOCSIFFLAGS, &request));
}

static int try_net_raw(const struct caps_scene *scene)
{
	AUTO_CLOSE int fd = socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_ICMP);

	(void)scene;
	return result(fd);
}

/* ---- the kernel itself ----------------------------------------------------------------------- */

/* An image of no bytes is no module: ENOEXEC, behind the check (kernel/module, init_module). */
static int try_sys_module(const struct caps_scene *scene)
{
	(void)scene;
	return result(syscall(SYS_init_module, "", 0, ""));
}

/* The permission for a port, which is not used: it ends with the process. */
static int try_sys_rawio(const struct caps_scene *scene)
{
	(void)scene;
#ifdef SYS_ioperm
	return result(syscall(SYS_ioperm, 0x80, 1, 1));
#else
	return ENOSYS;
#endif
}

/* Accounting to a file that is not there: ENOENT, behind the check (kernel/acct.c, acct). */
static int try_sys_pacct(const struct caps_scene *scene)
{
	(void)scene;
	return result(acct("no-such-file"));
}

/* Both magic numbers are wrong: EINVAL, behind the check (kernel/reboot.c, reboot). */
static int try_sys_boot(const struct caps_scene *scene)
{
	(void)scene;
	return result(syscall(SYS_reboot, 0, 0, 0, NULL));
}

/* Neither a time nor a time zone: nothing is set, but the check is made (kernel/time/time.c, settimeofday). */
static int try_sys_time(const struct caps_scene *scene)
{
	(void)scene;
#ifdef SYS_settimeofday
	return result(syscall(SYS_settimeofday, NULL, NULL));
#else
	return ENOSYS;
#endif
}

/* Hangs up the session's terminal: this session has none, and where it had one this is not tried. */
static int try_sys_tty_config(const struct caps_scene *scene)
{
	AUTO_CLOSE int terminal = open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC);

	(void)scene;
	if (terminal >= 0 || getsid(0) != getpid())
		return EBUSY;
	return result(vhangup());
}

/* How many bytes the kernel's log holds that were not read yet. */
static int try_syslog(const struct caps_scene *scene)
{
	enum { SIZE_UNREAD = 9 };

	(void)scene;
	return result(syscall(SYS_syslog, SIZE_UNREAD, NULL, 0));
}

/* A clock to be woken by, with no time set. */
static int try_wake_alarm(const struct caps_scene *scene)
{
	AUTO_CLOSE int fd = timerfd_create(CLOCK_REALTIME_ALARM, TFD_CLOEXEC);

	(void)scene;
	return result(fd);
}

/* Without it the flag is dropped; no event ever comes, so nothing is kept awake. */
static int try_block_suspend(const struct caps_scene *scene)
{
	struct epoll_event event = { .events = EPOLLIN | EPOLLWAKEUP };
	AUTO_CLOSE int epoll = epoll_create1(EPOLL_CLOEXEC), events_fd = eventfd(0, EFD_CLOEXEC);
	char path[64], text[512];
	const char *events = NULL;

	(void)scene;
	if (epoll < 0 || events_fd < 0)
		return errno;
	(void)snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", epoll);
	if (epoll_ctl(epoll, EPOLL_CTL_ADD, events_fd, &event) || read_file_at(AT_FDCWD, path, text, sizeof(text)) < 0)
		return errno;
	events = strstr(text, "events: ");
	events = events ? events + strlen("events: ") + strspn(events + strlen("events: "), " ") : "";
	return strspn(events, "0123456789abcdef") == 8 && events[0] == '2' ? 0 : CAPS_SILENT;
}

/* A counter that counts nothing, of the whole of CPU 0, stopped. */
static int try_perfmon(const struct caps_scene *scene)
{
	struct perf_event_attr attr = {
		.type = PERF_TYPE_SOFTWARE, .size = sizeof(attr), .config = PERF_COUNT_SW_DUMMY, .disabled = 1
	};
	AUTO_CLOSE int fd = (int)syscall(SYS_perf_event_open, &attr, -1, 0, -1, PERF_FLAG_FD_CLOEXEC);

	(void)scene;
	return result(fd);
}

/* A map of one entry, gone with its descriptor. */
static int try_bpf(const struct caps_scene *scene)
{
	union bpf_attr attr = { .map_type = BPF_MAP_TYPE_LRU_HASH, .key_size = 4, .value_size = 4, .max_entries = 1 };
	AUTO_CLOSE int fd = sys_bpf(BPF_MAP_CREATE, &attr, sizeof(attr));

	(void)scene;
	return result(fd);
}

/* ---- audit ----------------------------------------------------------------------------------- */

/* A message without a body, and the kernel's answer to it. */
static int ask_audit(uint16_t type)
{
	const struct nlmsghdr request = { .nlmsg_len = NLMSG_HDRLEN,
					  .nlmsg_type = type,
					  .nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK };
	AUTO_CLOSE int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_AUDIT);
	_Alignas(struct nlmsghdr) char answer[1024];
	const struct nlmsghdr *header = (const void *)answer;
	const struct nlmsgerr *error = (const void *)(answer + NLMSG_HDRLEN);
	ssize_t n = 0;

	if (fd < 0 || send(fd, &request, sizeof(request), 0) < 0)
		return errno;
	do
		n = recv(fd, answer, sizeof(answer), 0);
	while (n >= NLMSG_HDRLEN && header->nlmsg_type != NLMSG_ERROR);
	if (n < (ssize_t)(NLMSG_HDRLEN + sizeof(*error)))
		return n < 0 ? errno : EPROTO;
	return -error->error;
}

/* A record of no text is none: EINVAL where the log is on, behind the check (kernel/audit.c, audit_receive_msg). */
static int try_audit_write(const struct caps_scene *scene)
{
	(void)scene;
	return ask_audit(AUDIT_USER);
}

static int try_audit_control(const struct caps_scene *scene)
{
	(void)scene;
	return ask_audit(AUDIT_GET);
}

/* ---- the table ------------------------------------------------------------------------------- */

#define MODULE_ASKS "only a security module asks for it (Smack, AppArmor), about its own rules"
#define RECORDED "the attempt itself would be written to the host's audit log"

/* clang-format off */
const struct caps_trial caps_trials[CAPS_COUNT] = {
	[CAP_CHOWN] =              { "CHOWN", "give a file to another user", try_chown, 0, false, NULL },
	[CAP_DAC_OVERRIDE] =       { "DAC_OVERRIDE", "write a file whose mode forbids it", try_dac_override, 0, false, NULL },
	[CAP_DAC_READ_SEARCH] =    { "DAC_READ_SEARCH", "read a file whose mode forbids it", try_dac_read_search, 0, false, NULL },
	[CAP_FOWNER] =             { "FOWNER", "change the mode of another's file", try_fowner, 0, false, NULL },
	[CAP_FSETID] =             { "FSETID", "keep set-group-ID of a foreign group", try_fsetid, 0, false, NULL },
	[CAP_KILL] =               { "KILL", "send a signal to another's process", try_kill, 0, false, NULL },
	[CAP_SETGID] =             { "SETGID", "become another group", try_setgid, 0, false, NULL },
	[CAP_SETUID] =             { "SETUID", "become another user", try_setuid, 0, false, NULL },
	[CAP_SETPCAP] =            { "SETPCAP", "drop from the bounding set", try_setpcap, 0, false, NULL },
	[CAP_LINUX_IMMUTABLE] =    { "LINUX_IMMUTABLE", "make a file append-only", try_linux_immutable, 0, true, NULL },
	[CAP_NET_BIND_SERVICE] =   { "NET_BIND_SERVICE", "bind port 80", try_net_bind_service, 0, false, NULL },
	[CAP_NET_BROADCAST] =      { "NET_BROADCAST", "hear all network namespaces (netlink)", try_net_broadcast, 0, false, NULL },
	[CAP_NET_ADMIN] =          { "NET_ADMIN", "set an interface up", try_net_admin, 0, false, NULL },
	[CAP_NET_RAW] =            { "NET_RAW", "open a raw socket", try_net_raw, 0, false, NULL },
	[CAP_IPC_LOCK] =           { "IPC_LOCK", "lock memory beyond the limit", try_ipc_lock, 0, true, NULL },
	[CAP_IPC_OWNER] =          { "IPC_OWNER", "look at a closed message queue", try_ipc_owner, 0, false, NULL },
	[CAP_SYS_MODULE] =         { "SYS_MODULE", "load a kernel module (an empty one)", try_sys_module, ENOEXEC, true, NULL },
	[CAP_SYS_RAWIO] =          { "SYS_RAWIO", "get access to an I/O port", try_sys_rawio, 0, true, NULL },
	[CAP_SYS_CHROOT] =         { "SYS_CHROOT", "change the root directory", try_sys_chroot, 0, false, NULL },
	[CAP_SYS_PTRACE] =         { "SYS_PTRACE", "trace another's process", try_sys_ptrace, 0, false, NULL },
	[CAP_SYS_PACCT] =          { "SYS_PACCT", "account processes (to no file)", try_sys_pacct, ENOENT, true, NULL },
	[CAP_SYS_ADMIN] =          { "SYS_ADMIN", "make a mount (tmpfs)", try_sys_admin, 0, false, NULL },
	[CAP_SYS_BOOT] =           { "SYS_BOOT", "reboot (with a wrong number)", try_sys_boot, EINVAL, false, NULL },
	[CAP_SYS_NICE] =           { "SYS_NICE", "raise the own priority", try_sys_nice, 0, true, NULL },
	[CAP_SYS_RESOURCE] =       { "SYS_RESOURCE", "raise a hard resource limit", try_sys_resource, 0, true, NULL },
	[CAP_SYS_TIME] =           { "SYS_TIME", "set the clock (to nothing)", try_sys_time, 0, true, NULL },
	[CAP_SYS_TTY_CONFIG] =     { "SYS_TTY_CONFIG", "hang up the terminal (there is none)", try_sys_tty_config, 0, true, NULL },
	[CAP_MKNOD] =              { "MKNOD", "make a device node", try_mknod, 0, true, NULL },
	[CAP_LEASE] =              { "LEASE", "take a lease on another's file", try_lease, 0, true, NULL },
	[CAP_AUDIT_WRITE] =        { "AUDIT_WRITE", "write to the audit log (nothing)", try_audit_write, EINVAL, true, NULL },
	[CAP_AUDIT_CONTROL] =      { "AUDIT_CONTROL", "ask for the state of auditing", try_audit_control, 0, true, NULL },
	[CAP_SETFCAP] =            { "SETFCAP", "give a file capabilities", try_setfcap, 0, false, NULL },
	[CAP_MAC_OVERRIDE] =       { "MAC_OVERRIDE", "pass over mandatory access rules", NULL, 0, true, MODULE_ASKS },
	[CAP_MAC_ADMIN] =          { "MAC_ADMIN", "change mandatory access rules", NULL, 0, true, MODULE_ASKS },
	[CAP_SYSLOG] =             { "SYSLOG", "ask about the kernel's log", try_syslog, 0, true, NULL },
	[CAP_WAKE_ALARM] =         { "WAKE_ALARM", "make a clock that wakes the system", try_wake_alarm, 0, true, NULL },
	[CAP_BLOCK_SUSPEND] =      { "BLOCK_SUSPEND", "keep the system awake (for no event)", try_block_suspend, 0, true, NULL },
	[CAP_AUDIT_READ] =         { "AUDIT_READ", "listen to the audit log", NULL, 0, true, RECORDED },
	[CAP_PERFMON] =            { "PERFMON", "count events of a whole CPU", try_perfmon, 0, true, NULL },
	[CAP_BPF] =                { "BPF", "make a BPF map", try_bpf, 0, true, NULL },
	[CAP_CHECKPOINT_RESTORE] = { "CHECKPOINT_RESTORE", "choose the number of a new process (1)", try_checkpoint_restore, EEXIST, false, NULL },
};
/* clang-format on */
