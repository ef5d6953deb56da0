/* floor: the least that a sandbox with its own namespaces can cost. Usage: floor COMMAND [ARG...]
 *
 * New user, mount, pid, network, ipc, uts and cgroup namespaces; one id mapped; the host's root read-only, a new
 * /proc, a tmpfs on /dev and /tmp; the old root gone; execve. No policy, no error messages, no init: what any
 * launcher adds to this is its own. For measurements only.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/mount.h>
#include <linux/sched.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static void must(long result, int place)
{
	if (result < 0) {
		dprintf(2, "floor: step %d: %s\n", place, strerror(errno));
		_exit(1);
	}
}

static void put(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	must(fd, 1);
	must(write(fd, text, strlen(text)), 2);
	close(fd);
}

static void inside(char **argv, const char *uid_map, const char *gid_map)
{
	put("/proc/self/setgroups", "deny");
	put("/proc/self/uid_map", uid_map);
	put("/proc/self/gid_map", gid_map);
	must(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), 3);
	must(mount("/", "/mnt", NULL, MS_BIND | MS_REC, NULL), 4);
	must(mount("proc", "/mnt/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL), 5);
	must(mount("dev", "/mnt/dev", "tmpfs", MS_NOSUID, NULL), 6);
	must(mount("tmp", "/mnt/tmp", "tmpfs", MS_NOSUID | MS_NODEV, NULL), 7);
	must(chdir("/mnt"), 8);
	must(syscall(SYS_pivot_root, ".", "."), 9);
	must(umount2(".", MNT_DETACH), 10);
	struct mount_attr attr = { .attr_set = MOUNT_ATTR_RDONLY };
	must(syscall(SYS_mount_setattr, AT_FDCWD, "/", 0, &attr, sizeof(attr)), 11);
	execv(argv[1], argv + 1);
	must(-1, 12);
}

int main(int argc, char **argv)
{
	struct clone_args args = {
		.flags = CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS |
			 CLONE_NEWCGROUP,
		.exit_signal = SIGCHLD,
	};
	char uid_map[64], gid_map[64];
	int status = 0;
	long pid = 0;

	if (argc < 2)
		return 2;
	snprintf(uid_map, sizeof(uid_map), "%u %u 1", geteuid(), geteuid());
	snprintf(gid_map, sizeof(gid_map), "%u %u 1", getegid(), getegid());
	pid = syscall(SYS_clone3, &args, sizeof(args));
	must(pid, 13);
	if (pid == 0)
		inside(argv, uid_map, gid_map);
	must(waitpid((pid_t)pid, &status, 0), 14);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}
