/* userns_why: says why the host refuses a user namespace, and what to do about it. Parent: in plan, for what is known
 * before anything was made, and after a failed clone3. Reads sysctls, changes nothing.
 *
 * Distributions forbid user namespaces to ordinary users in three ways: a sysctl of Debian's kernels, a limit of 0, and
 * Ubuntu's AppArmor rule. The last does not make the clone fail: the namespace is made and every right in it is
 * refused, so plan looks for it, lest the failure shows as a riddle in a much later stage.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "base/file.h"
#include "base/parse.h"
#include "stage/userns.h"

/* The value of a sysctl; -1 when the kernel does not have it. */
static int64_t sysctl_value(const char *path)
{
	char text[32];
	uint64_t value = 0;

	if (read_file_at(AT_FDCWD, path, text, sizeof(text)) < 0)
		return -1;
	text[strcspn(text, "\n")] = '\0';
	return parse_unsigned(text, 0, INT64_MAX, &value) ? -1 : (int64_t)value;
}

/* Ubuntu's rule strikes processes without a profile: "unconfined", without a name before it. */
static bool apparmor_forbids(void)
{
	char label[128];

	if (sysctl_value("/proc/sys/kernel/apparmor_restrict_unprivileged_userns") != 1 ||
	    read_file_at(AT_FDCWD, "/proc/self/attr/current", label, sizeof(label)) < 0)
		return false;
	label[strcspn(label, "\n")] = '\0';
	return !strcmp(label, "unconfined");
}

int userns_forbidden(bool root, struct error *err)
{
	if (sysctl_value("/proc/sys/user/max_user_namespaces") == 0) {
		fail(err, K_NAMESPACES,
		     "cannot make a user namespace: the host allows none (user.max_user_namespaces = 0)");
		error_remedy(err, "sudo sysctl user.max_user_namespaces=15000");
		return error_exit(err, EXIT_OF_HOST);
	}
	if (root)
		return 0;
	if (sysctl_value("/proc/sys/kernel/unprivileged_userns_clone") == 0) {
		fail(err, K_NAMESPACES,
		     "cannot make a user namespace: the host forbids it to ordinary users "
		     "(kernel.unprivileged_userns_clone = 0)");
		error_remedy(err, "sudo sysctl kernel.unprivileged_userns_clone=1, or run as root");
		return error_exit(err, EXIT_OF_HOST);
	}
	if (apparmor_forbids()) {
		fail(err, K_NAMESPACES,
		     "cannot use a user namespace: AppArmor takes every right in it from programs without "
		     "a profile (kernel.apparmor_restrict_unprivileged_userns = 1)");
		error_remedy(err, "run as root, or load the AppArmor profile that comes with this program: "
				  "sandbox.apparmor beside the "
				  "installed profiles says how");
		return error_exit(err, EXIT_OF_HOST);
	}
	return 0;
}

/* What the kernel means by an errno of clone3, when no sysctl explains it. */
static const struct {
	int number;
	const char *what, *remedy;
} reasons[] = {
	{ EPERM, "cannot make the namespaces: the kernel refuses them to this caller",
	  "an outer sandbox or container, or a chroot, may forbid them: run outside of it, or as root" },
	{ ENOSPC, "cannot make the namespaces: a limit of the host is reached",
	  "see /proc/sys/user/max_*_namespaces; user namespaces nest at most 32 deep" },
	{ EUSERS, "cannot make the namespaces: a limit of the host is reached",
	  "see /proc/sys/user/max_*_namespaces; user namespaces nest at most 32 deep" },
	{ ENOSYS, "cannot make the namespaces: clone3 is refused",
	  "an outer sandbox or container filters it: run outside of it, or let its filter allow clone3" },
	{ EINVAL, "cannot make the namespaces: the kernel lacks one of them",
	  "/proc/self/ns lists those that it has; see namespaces(7) for how to get the others" },
	{ EAGAIN, "cannot make the sandbox's first process: a limit on processes is reached",
	  "see `ulimit -u` and the pids.max of the launcher's cgroup" },
};

int userns_explain(const struct plan *plan, int clone_errno, struct error *err)
{
	bool denied = clone_errno == EPERM || clone_errno == ENOSPC || clone_errno == EUSERS;

	if (plan->namespaces.user && denied && userns_forbidden(plan->caller->root, err)) {
		err->sys_errno = clone_errno;
		return -1;
	}
	for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++) {
		if (reasons[i].number != clone_errno)
			continue;
		errno = clone_errno;
		fail_errno(err, K_NAMESPACES, "%s", reasons[i].what);
		error_remedy(err, "%s", reasons[i].remedy);
		return error_exit(err, EXIT_OF_HOST);
	}
	errno = clone_errno;
	return fail_errno(err, K_NAMESPACES, "cannot make the sandbox's first process");
}
