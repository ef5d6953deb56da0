/* sysctls: kernel parameters of the sandbox's own namespaces.
 *
 * plan     (parent) turns names into paths below /proc/sys and refuses every parameter that does not belong to a
 *          namespace made for this sandbox: anything else would be the host's, or another sandbox's.
 * enter    (child, after mounts, before read_only makes /proc/sys read-only) writes them through the procfs that root
 *          opened for us, where nothing of the image can stand in for a file. Which namespace a parameter is read from
 *          is decided by the kernel from the writing process, so the child writes, never the launcher.
 *
 * Beside the profile's own: in a new user namespace, user.max_user_namespaces = 0 stops the payload from making
 * further ones, below the filter that stops it too; unless the profile sets that parameter itself. The limits are
 * counted for each kind, so the time namespace that init's child still enters is not touched. Without a user namespace
 * the number is the host's, and there is no such second layer.
 *
 * In a network namespace with an interface of its own, net.ipv4.ping_group_range is the payload's group, likewise:
 * programs that send echo requests (ping(8)) then need no capability, nor a raw socket. It permits nothing else. And
 * net.ipv4.ip_unprivileged_port_start is 0: the ports below 1024 are reserved on a host that its users share, and here
 * there is one user; what is published of them the profile says.
 *
 * Needs: Linux 4.9 (user.*). A parameter that this kernel lacks or keeps for uid 0 inside is an error. The parameters
 * die with the namespaces: nothing to undo.
 */
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/file.h"
#include "base/format.h"
#include "stage/filesystem.h"

static const char forbid_path[] = "user/max_user_namespaces", ping_path[] = "net/ipv4/ping_group_range",
		  ports_path[] = "net/ipv4/ip_unprivileged_port_start";

/* What belongs to which namespace (namespaces(7), sysctl documentation of the kernel). A name that ends in '/' stands
 * for everything below. */
static const struct family {
	const char *path;
	size_t offset; /* of the namespace's bool in struct namespaces_plan */
	const char *namespace;
} families[] = {
	{ "net/", offsetof(struct namespaces_plan, net), "net" },
	{ "fs/mqueue/", offsetof(struct namespaces_plan, ipc), "ipc" },
	{ "kernel/msgmax", offsetof(struct namespaces_plan, ipc), "ipc" },
	{ "kernel/msgmnb", offsetof(struct namespaces_plan, ipc), "ipc" },
	{ "kernel/msgmni", offsetof(struct namespaces_plan, ipc), "ipc" },
	{ "kernel/sem", offsetof(struct namespaces_plan, ipc), "ipc" },
	{ "kernel/shmall", offsetof(struct namespaces_plan, ipc), "ipc" },
	{ "kernel/shmmax", offsetof(struct namespaces_plan, ipc), "ipc" },
	{ "kernel/shmmni", offsetof(struct namespaces_plan, ipc), "ipc" },
	{ "kernel/shm_rmid_forced", offsetof(struct namespaces_plan, ipc), "ipc" },
	{ "vm/memfd_noexec", offsetof(struct namespaces_plan, pid), "pid" },
	{ "user/", offsetof(struct namespaces_plan, user), "user" },
};

static const struct {
	const char *path, *key;
} keys_of_their_own[] = {
	{ "kernel/hostname", "hostname" },
	{ "kernel/domainname", "domainname" },
};

/* sysctl(8): the first separator, '.' or '/', separates; the other one is then part of a name (eth0.100). */
static char *path_of(struct plan *plan, const char *name)
{
	char *path = arena_copy(&plan->arena, name);

	if (!path || name[strcspn(name, "./")] != '.')
		return path;
	for (char *c = path; *c; c++)
		if (*c == '.' || *c == '/')
			*c = *c == '.' ? '/' : '.';
	return path;
}

/* No empty component and none that leads up: the path stays below /proc/sys, and its prefix says what it is. */
static bool well_formed(const char *path)
{
	while (*path) {
		size_t length = strcspn(path, "/");

		/* "." or "..": strncmp sees no further than the component. */
		if (length == 0 || !strncmp(path, "..", length))
			return false;
		path += length;
		if (*path == '/' && !*++path)
			return false;
	}
	return true;
}

static bool in_family(const char *path, const struct family *family)
{
	size_t length = strlen(family->path);

	return family->path[length - 1] == '/' ? !strncmp(path, family->path, length) : !strcmp(path, family->path);
}

static int check_family(const struct plan *plan, const struct sysctl *sysctl, const char *path, int index,
			struct error *err)
{
	for (size_t i = 0; i < sizeof(keys_of_their_own) / sizeof(keys_of_their_own[0]); i++)
		if (!strcmp(path, keys_of_their_own[i].path)) {
			fail_at(err, K_SYSCTLS_NAME, index, "cannot set %s here", sysctl->name);
			return error_remedy(err, "the key %s does that", keys_of_their_own[i].key);
		}
	for (size_t i = 0; i < sizeof(families) / sizeof(families[0]); i++) {
		const struct family *family = &families[i];

		if (!in_family(path, family))
			continue;
		if (*(const bool *)(const void *)((const char *)&plan->namespaces + family->offset))
			return 0;
		fail_at(err, K_SYSCTLS_NAME, index,
			"cannot set %s: it belongs to the %s namespace, which is not the "
			"sandbox's own",
			sysctl->name, family->namespace);
		return error_remedy(err, "add \"%s\" to namespaces", family->namespace);
	}
	fail_at(err, K_SYSCTLS_NAME, index, "cannot set %s: it is the host's", sysctl->name);
	return error_remedy(err,
			    "only parameters of the sandbox's own namespaces can be set: net.*, fs.mqueue.*, user.*, "
			    "kernel.msg*, kernel.sem, kernel.shm*, vm.memfd_noexec");
}

static bool own_interface(const struct profile *profile, const struct plan *plan)
{
	int mode = profile->network.mode;

	return plan->namespaces.net &&
	       ((mode != NETWORK_MODE_NONE && mode != NETWORK_MODE_HOST) || profile->network.interface_from);
}

int sysctls_plan(const struct profile *profile, struct plan *plan, struct error *err)
{
	struct sysctls_plan *sysctls = &plan->sysctls;

	sysctls->forbid_userns = plan->namespaces.user;
	sysctls->permit_ping = sysctls->permit_ports = own_interface(profile, plan);
	sysctls->paths = arena_array(&plan->arena, profile->sysctls.count, sizeof(*sysctls->paths));
	if (!sysctls->paths)
		return fail_errno(err, 0, "cannot get memory");
	for (size_t i = 0; i < profile->sysctls.count; i++) {
		const struct sysctl *sysctl = &profile->sysctls.items[i];
		const char *path = path_of(plan, sysctl->name);

		if (!path)
			return fail_errno(err, 0, "cannot get memory");
		if (!well_formed(path)) {
			fail_at(err, K_SYSCTLS_NAME, (int)i, "cannot set %s: it is no name of a parameter",
				sysctl->name);
			return error_exit(err, EXIT_OF_PROFILE);
		}
		if (check_family(plan, sysctl, path, (int)i, err))
			return error_exit(err, EXIT_OF_PROFILE);
		if (!strcmp(path, forbid_path))
			sysctls->forbid_userns = false;
		if (!strcmp(path, ping_path))
			sysctls->permit_ping = false;
		if (!strcmp(path, ports_path))
			sysctls->permit_ports = false;
		sysctls->paths[i] = path;
	}
	return 0;
}

CHILD static int write_parameter(int directory, const char *path, const char *value)
{
	AUTO_CLOSE int fd = open_beneath(directory, path, O_WRONLY | O_NOFOLLOW);

	return fd < 0 ? -1 : write_all(fd, value, strlen(value));
}

/* Should: set the sandbox's own parameters.  Mustn't: set one of the host's; plan has seen to that by name, and the
 * kernel picks the namespace by the writer. */
CHILD int sysctls_enter(const struct plan *plan, struct inside *inside, struct error *err)
{
	const struct sysctls_plan *sysctls = &plan->sysctls;
	AUTO_CLOSE int directory = -1;
	char group[24];

	if (!sysctls->forbid_userns && !sysctls->permit_ping && !sysctls->permit_ports && !plan->profile->sysctls.count)
		return 0;
	directory = openat(inside->procfs, "sys", O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (directory < 0)
		return fail_errno(err, K_SYSCTLS, "cannot open /proc/sys");
	for (size_t i = 0; i < plan->profile->sysctls.count; i++) {
		const struct sysctl *sysctl = &plan->profile->sysctls.items[i];

		if (!write_parameter(directory, sysctls->paths[i], sysctl->value))
			continue;
		fail_errno_at(err, K_SYSCTLS_VALUE, (int)i, "cannot set %s to %s", sysctl->name, sysctl->value);
		if (err->sys_errno == EACCES)
			error_remedy(err,
				     "the kernel lets uid 0 inside set it only: map one, as with users.map = \"root\"");
		return -1;
	}
	if (sysctls->forbid_userns && write_parameter(directory, forbid_path, "0"))
		return fail_errno(err, 0, "cannot forbid further user namespaces");
	format_text(group, sizeof(group), "%u %u", plan->ids.gid, plan->ids.gid);
	if (sysctls->permit_ping && write_parameter(directory, ping_path, group))
		return fail_errno(err, 0, "cannot permit the payload's group to send echo requests");
	if (sysctls->permit_ports && write_parameter(directory, ports_path, "0"))
		return fail_errno(err, K_NETWORK_MODE, "cannot let every user inside bind every port");
	return 0;
}

void sysctls_describe(const struct plan *plan, struct description *out)
{
	for (size_t i = 0; i < plan->profile->sysctls.count; i++)
		describe(out, K_SYSCTLS_NAME, (int)i, "%s = %s", plan->profile->sysctls.items[i].name,
			 plan->profile->sysctls.items[i].value);
	if (plan->sysctls.forbid_userns)
		describe(out, 0, -1, "user.max_user_namespaces = 0: no user namespaces inside this one");
	if (plan->sysctls.permit_ping)
		describe(out, 0, -1, "net.ipv4.ping_group_range = %u %u: ping needs no capability", plan->ids.gid,
			 plan->ids.gid);
	if (plan->sysctls.permit_ports)
		describe(out, 0, -1, "net.ipv4.ip_unprivileged_port_start = 0: the ports are the sandbox's own");
}
