/* check: the rules between keys that a row of the schema cannot say, as a table.
 *
 * A rule names the key at fault, a predicate and what to tell. For a key in a list of groups the predicate is asked
 * for every element. It returns NULL when all is well, else a text that is put before the rule's own ("" when
 * nothing need be added). A value that is the default never contradicts anything: it merely is not used.
 *
 * The rules of the network section are in check_network.c and check_address.c.
 *
 * What depends on the host (whether an id is mapped, whether a system call exists) is not here but in the plan of
 * the stage concerned. Parent only, when the profile is otherwise complete; pure. */
#include "profile/check.h"

#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "profile/diagnostic.h"

static bool contains(const struct strings *strings, const char *name)
{
	for (size_t i = 0; i < strings->count; i++)
		if (strcmp(strings->items[i], name) == 0)
			return true;
	return false;
}

bool check_has_namespace(const struct check *check, const char *name)
{
	return contains(&check->profile->namespaces, name);
}

bool check_joins(const struct check *check, int namespace)
{
	const struct join_list *list = &check->profile->join;

	for (size_t i = 0; i < list->count; i++)
		if (list->items[i].namespace == namespace)
			return true;
	return false;
}

static bool accepts(const struct check *check, const char *danger)
{
	return contains(&check->profile->dangerous, danger);
}

/* ---- namespaces -------------------- */

static const char *no_mount_namespace(const struct check *check)
{
	return BROKEN(!check_has_namespace(check, "mount"));
}

static const char *shared_ipc(const struct check *check)
{
	return BROKEN(!check_has_namespace(check, "ipc") && !check_joins(check, JOIN_NAMESPACE_IPC) &&
		      !accepts(check, "host-ipc"));
}

static const char *joined_and_new(const struct check *check)
{
	const char *name = keys[K_JOIN_NAMESPACE].values[check->profile->join.items[check->index].namespace];

	return check_has_namespace(check, name) ? name : NULL;
}

static const char *init_in_joined_pid(const struct check *check)
{
	return BROKEN(check->profile->process.init && check_joins(check, JOIN_NAMESPACE_PID));
}

static const char *hostname_without_uts(const struct check *check)
{
	bool chosen = strcmp(check->profile->hostname, profile_defaults.hostname) != 0;

	return BROKEN(chosen && !check_has_namespace(check, "uts"));
}

static const char *domainname_without_uts(const struct check *check)
{
	return BROKEN(check->profile->domainname && !check_has_namespace(check, "uts"));
}

static const char *monotonic_without_time(const struct check *check)
{
	return BROKEN(check->profile->time.monotonic != DURATION_UNSET && !check_has_namespace(check, "time"));
}

static const char *boottime_without_time(const struct check *check)
{
	return BROKEN(check->profile->time.boottime != DURATION_UNSET && !check_has_namespace(check, "time"));
}

static const char *time_without_init(const struct check *check)
{
	return BROKEN(check_has_namespace(check, "time") && !check->profile->process.init);
}

static const char *host_network_in_namespace(const struct check *check)
{
	bool own = check_has_namespace(check, "net") || check_joins(check, JOIN_NAMESPACE_NET);

	return BROKEN(check->profile->network.mode == NETWORK_MODE_HOST && own);
}

static const char *silent_host_network(const struct check *check)
{
	bool own = check_has_namespace(check, "net") || check_joins(check, JOIN_NAMESPACE_NET);

	return BROKEN(check->profile->network.mode == NETWORK_MODE_NONE && !own);
}

/* ---- users -------------------- */

static const char *map_none_with_namespace(const struct check *check)
{
	return BROKEN(check->profile->users.map == USERS_MAP_NONE && check_has_namespace(check, "user"));
}

static const char *map_without_namespace(const struct check *check)
{
	int map = check->profile->users.map;

	return BROKEN(map != profile_defaults.users.map && map != USERS_MAP_NONE &&
		      !check_has_namespace(check, "user"));
}

static const char *uid_map_without_namespace(const struct check *check)
{
	return BROKEN(check->profile->users.uid_map.count && !check_has_namespace(check, "user"));
}

static const char *uid_count_zero(const struct check *check)
{
	return BROKEN(check->profile->users.uid_map.items[check->index].count == 0);
}

static const char *gid_count_zero(const struct check *check)
{
	return BROKEN(check->profile->users.gid_map.items[check->index].count == 0);
}

/* ---- the file system -------------------- */

static const char *overlay_without_source(const struct check *check)
{
	return BROKEN(check->profile->root.access == ROOT_ACCESS_OVERLAY && !check->profile->root.source);
}

static const char *target_is_root(const struct check *check)
{
	return BROKEN(strcmp(check->profile->mounts.items[check->index].target, "/") == 0);
}

static const char *relative_source(const struct check *check)
{
	const struct mount *mount = &check->profile->mounts.items[check->index];

	return mount->type == MOUNTS_TYPE_BIND && mount->source[0] != '/' ? mount->source : NULL;
}

static const char *empty_link(const struct check *check)
{
	const struct mount *mount = &check->profile->mounts.items[check->index];

	return BROKEN(mount->type == MOUNTS_TYPE_SYMLINK && !mount->source[0]);
}

static const char *relative_lower(const struct check *check)
{
	const struct strings *lower = &check->profile->mounts.items[check->index].lower;

	for (size_t i = 0; i < lower->count; i++)
		if (lower->items[i][0] != '/')
			return lower->items[i];
	return NULL;
}

static const char *work_without_upper(const struct check *check)
{
	const struct mount *mount = &check->profile->mounts.items[check->index];

	return BROKEN(mount->work && (!mount->upper || mount->upper[0] != '/'));
}

/* Only the spelling is seen here, so that `check` can tell; the plan looks at the objects themselves. */
static const char *shows_host(const struct check *check, const char *source)
{
	static const char *const whole[] = { "/",
					     "/dev",
					     "/run",
					     "/var/run",
					     "/run/docker.sock",
					     "/var/run/docker.sock",
					     "/run/containerd/containerd.sock",
					     "/run/podman/podman.sock" };
	const char *path = source ? path_normalise(check->arena, source) : NULL;

	if (!path || accepts(check, "host-paths"))
		return NULL;
	for (size_t i = 0; i < sizeof(whole) / sizeof(whole[0]); i++)
		if (strcmp(path, whole[i]) == 0)
			return source;
	if (strcmp(path, "/proc") == 0 || strncmp(path, "/proc/", 6) == 0 || strcmp(path, "/sys") == 0 ||
	    strncmp(path, "/sys/", 5) == 0)
		return source;
	return NULL;
}

static const char *host_root(const struct check *check)
{
	return shows_host(check, check->profile->root.source);
}

static const char *host_source(const struct check *check)
{
	const struct mount *mount = &check->profile->mounts.items[check->index];

	return shows_host(check, mount->type == MOUNTS_TYPE_BIND ? mount->source : NULL);
}

/* ---- limits -------------------- */

static const char *period_out_of_range(const struct check *check)
{
	int64_t period = check->profile->cgroup.cpu.period;

	return BROKEN(period < 1000000 || period > 1000000000);
}

/* The kernel measures out no less than a millisecond (kernel/sched/core.c, min_cfs_quota_period). */
static const char *quota_too_small(const struct check *check)
{
	int64_t max = check->profile->cgroup.cpu.max, period = check->profile->cgroup.cpu.period;

	if (max == PERCENT_UNSET || max == PERCENT_UNLIMITED || period > 1000000000)
		return NULL;
	return BROKEN(max < 1000000 && period / 1000 * max / 10000 < 1000);
}

static const char *bad_device_access(const struct check *check)
{
	const char *access = check->profile->cgroup.devices.allow.items[check->index].access;

	for (const char *at = access; *at; at++)
		if (!strchr("rwm", *at) || strchr(at + 1, *at))
			return access;
	return NULL;
}

static const char *bad_raw_file(const struct check *check)
{
	const char *file = check->profile->cgroup.raw.items[check->index].file;

	return strchr(file, '/') || !strchr(file, '.') || file[0] == '.' || strncmp(file, "cgroup.", 7) == 0 ? file
													     : NULL;
}

static const char *bad_parent(const struct check *check)
{
	const char *parent = check->profile->cgroup.parent;
	const char *rooted = parent ? arena_format(check->arena, "/%s", parent) : NULL;

	return rooted && (parent[0] == '/' || !parent[0] || !path_normalise(check->arena, rooted)) ? parent : NULL;
}

/* ---- privileges -------------------- */

bool check_keeps(const struct check *check, const char *capability)
{
	const struct strings *drop = &check->profile->capabilities.drop;

	return contains(&check->profile->capabilities.keep, capability) ||
	       (!contains(drop, "ALL") && !contains(drop, capability));
}

static const char *ambient_not_kept(const struct check *check)
{
	const struct strings *ambient = &check->profile->capabilities.ambient;

	for (size_t i = 0; i < ambient->count; i++)
		if (!check_keeps(check, ambient->items[i]))
			return ambient->items[i];
	return NULL;
}

static const char *new_privs_without_admin(const struct check *check)
{
	return BROKEN(!check->profile->no_new_privs && !check_keeps(check, "SYS_ADMIN"));
}

static bool allows(const char *action)
{
	return strcmp(action, "allow") == 0 || strcmp(action, "log") == 0;
}

static const char *allow_by_default(const struct check *check)
{
	return BROKEN(allows(check->profile->seccomp.default_) && !accepts(check, "allow-by-default"));
}

static const char *allow_unknown(const struct check *check)
{
	return BROKEN(allows(check->profile->seccomp.unknown) && !accepts(check, "allow-by-default"));
}

static const char *not_one_operator(const struct check *check)
{
	const struct seccomp_when_list *list = &check->profile->seccomp.rules.items[check->index].when;

	for (size_t i = 0; i < list->count; i++) {
		const struct seccomp_when *when = &list->items[i];
		int operators = !!when->equals + !!when->not_equals + !!when->any + !!when->none + !!when->less +
				!!when->greater;

		if (operators != 1)
			return arena_format(check->arena, "condition %zu", i + 1);
	}
	return NULL;
}

/* Two such rules would join to "allowed whatever it is". */
static const char *allow_not_equals(const struct check *check)
{
	const struct seccomp_rule *rule = &check->profile->seccomp.rules.items[check->index];

	for (size_t i = 0; i < rule->when.count; i++)
		if (rule->when.items[i].not_equals && allows(rule->action))
			return arena_format(check->arena, "condition %zu", i + 1);
	return NULL;
}

/* ---- the process -------------------- */

static const char *empty_command(const struct check *check)
{
	const struct strings *command = &check->profile->process.command;

	return BROKEN(command->count && !command->items[0][0]);
}

static const struct rule general[] = {
	{ K_NAMESPACES, no_mount_namespace, "must name mount: the root is always the sandbox's own", NULL },
	{ K_NAMESPACES, shared_ipc, "without ipc the payload shares message queues and memory with the host",
	  "name ipc, or write dangerous = [ \"host-ipc\" ]" },
	{ K_NAMESPACES, silent_host_network, "without net the payload has the host's network",
	  "name net, or write network.mode = \"host\"" },
	{ K_JOIN_NAMESPACE, joined_and_new, ": a joined namespace cannot also be a new one",
	  "take it out: namespaces = { remove = [ \"net\" ]; }" },
	{ K_JOIN, init_in_joined_pid, "a pid namespace that is joined has its process 1",
	  "write process.init = false" },
	{ K_HOSTNAME, hostname_without_uts, "needs the uts namespace", "add \"uts\" to namespaces" },
	{ K_DOMAINNAME, domainname_without_uts, "needs the uts namespace", "add \"uts\" to namespaces" },
	{ K_TIME_MONOTONIC, monotonic_without_time, "needs the time namespace",
	  "write namespaces = { add = [ \"time\" ]; }" },
	{ K_TIME_BOOTTIME, boottime_without_time, "needs the time namespace",
	  "write namespaces = { add = [ \"time\" ]; }" },
	{ K_NAMESPACES, time_without_init, "time needs process.init = true: offsets hold from the next process on",
	  NULL },
	{ K_NETWORK_MODE, host_network_in_namespace, "\"host\" contradicts a net namespace of its own",
	  "write namespaces = { remove = [ \"net\" ]; }" },
	{ K_USERS_MAP, map_none_with_namespace, "\"none\" contradicts a user namespace",
	  "write namespaces = { remove = [ \"user\" ]; }" },
	{ K_USERS_MAP, map_without_namespace, "needs the user namespace",
	  "add \"user\" to namespaces, or write map = \"none\"" },
	{ K_USERS_UID_MAP, uid_map_without_namespace, "needs the user namespace", "add \"user\" to namespaces" },
	{ K_USERS_UID_MAP_COUNT, uid_count_zero, "a range of no ids", NULL },
	{ K_USERS_GID_MAP_COUNT, gid_count_zero, "a range of no ids", NULL },
	{ K_ROOT_ACCESS, overlay_without_source, "\"overlay\" needs root.source", NULL },
	{ K_ROOT_SOURCE, host_root, " is the host's own: the payload would see all of it",
	  "write dangerous = [ \"host-paths\" ] if that is meant" },
	{ K_MOUNTS_TARGET, target_is_root, "/ is set by root, not by a mount", NULL },
	{ K_MOUNTS_SOURCE, relative_source, " is not an absolute path",
	  "write ${PROFILE_DIR}/... for a path beside the profile, ${PWD}/... for one of the caller's" },
	{ K_MOUNTS_SOURCE, empty_link, "an empty link leads nowhere", NULL },
	{ K_MOUNTS_SOURCE, host_source, " is the host's own: what is below it is not for a sandbox",
	  "name what is needed below it, or write dangerous = [ \"host-paths\" ]" },
	{ K_MOUNTS_LOWER, relative_lower, " is not an absolute path", NULL },
	{ K_MOUNTS_WORK, work_without_upper, "needs upper, and that a directory", NULL },
	{ K_CGROUP_CPU_PERIOD, period_out_of_range, "must be from 1ms to 1s", NULL },
	{ K_CGROUP_CPU_MAX, quota_too_small, "leaves less than a millisecond in a period",
	  "raise it, or make cgroup.cpu.period longer" },
	{ K_CGROUP_DEVICES_ALLOW_ACCESS, bad_device_access, ": of the letters r, w and m, each once", NULL },
	{ K_CGROUP_RAW_FILE, bad_raw_file, " is not CONTROLLER.NAME; the cgroup.* files are the launcher's", NULL },
	{ K_CGROUP_PARENT, bad_parent, ": a path below the mount point, without a slash before it and without ..",
	  NULL },
	{ K_CAPABILITIES_AMBIENT, ambient_not_kept, " is not kept", "name it in capabilities.keep too" },
	{ K_NO_NEW_PRIVS, new_privs_without_admin, "false needs SYS_ADMIN: without it the kernel takes no filter",
	  "keep SYS_ADMIN, or leave no_new_privs at true" },
	{ K_SECCOMP_DEFAULT, allow_by_default, "allows what no rule denies",
	  "write dangerous = [ \"allow-by-default\" ] if that is meant" },
	{ K_SECCOMP_UNKNOWN, allow_unknown, "allows system calls that nobody has looked at",
	  "write dangerous = [ \"allow-by-default\" ] if that is meant" },
	{ K_SECCOMP_RULES_WHEN, not_one_operator, " must have one of equals, not_equals, any, none, less, greater",
	  NULL },
	{ K_SECCOMP_RULES_WHEN, allow_not_equals, ": not_equals cannot stand in a rule that allows",
	  "deny the other values, or allow the wanted ones with equals" },
	{ K_PROCESS_COMMAND, empty_command, "names no program", NULL },
};

/* The outermost list that a key lies in; K_NONE for a key of the profile itself. */
static int list_of(int key)
{
	int list = K_NONE;

	for (key = keys[key].parent; key != K_NONE; key = keys[key].parent)
		if (keys[key].type == TYPE_LIST)
			list = key;
	return list;
}

static int report(const struct reader *reader, const struct check *check, const struct rule *rule, const char *detail)
{
	int index = list_of(rule->key) == K_NONE ? -1 : (int)check->index;
	struct location place = { 0 };

	profile_locate(check->profile, rule->key, index, &place);
	diagnose(reader->diagnostics, place.file, place.line, "%s%s", detail, rule->what);
	diagnose_key(reader->diagnostics, "%s", place.path);
	return rule->remedy ? diagnose_remedy(reader->diagnostics, "%s", rule->remedy) : -1;
}

int check_rules(const struct reader *reader, const struct profile *profile, const struct rule *rules, size_t count)
{
	struct check check = { .profile = profile, .arena = reader->arena };
	int result = 0;

	for (size_t i = 0; i < count; i++) {
		int list = list_of(rules[i].key);
		size_t elements = 1;

		check.key = rules[i].key;
		if (list != K_NONE)
			memcpy(&elements, (const char *)profile + keys[list].offset + sizeof(void *), sizeof(elements));
		for (check.index = 0; check.index < elements; check.index++) {
			const char *detail = rules[i].broken(&check);

			if (detail)
				result |= report(reader, &check, &rules[i], detail);
		}
	}
	return result;
}

int profile_check(const struct reader *reader, const struct profile *profile)
{
	int result = check_rules(reader, profile, general, sizeof(general) / sizeof(general[0]));

	return check_network(reader, profile) | result;
}
