/* audit_isolation: namespaces, users, and what of the caller's the command keeps.
 *
 * Part of audit.c, which see. The weights say how much of the host opens when this one thing does: without a user
 * namespace a way out is a way to a user of the host, and to root where the payload is root; without one of the others
 * there is something of the host's to be seen, or to be sent signals. Not here: the time namespace, which hides nothing
 * unless clocks are to differ, and the mount namespace, without which no profile is valid.
 */
#include "tell/audit.h"

#include <string.h>

#include "base/text.h"

/* ---- users ----------------------------------------------------------------------------------- */

static void no_user_namespace(struct audit *audit)
{
	const struct profile *profile = audit->profile;

	if (audit->own_users)
		return;
	audit_found(audit, profile->users.uid == 0 ? 1 : 0.6, -1,
		    profile->users.uid == 0 ? "the payload is the host's root: no user namespace of its own"
					    : "the payload is a user of the host, uid %u: no user namespace of its own",
		    profile->users.uid);
	if (profile->users.map == USERS_MAP_NONE)
		audit_change(audit, "users.map=auto");
	audit_change(audit, "namespaces={ add = [ \"user\" ]; }");
}

/* Launched by a user, these words map nobody but that user: half. */
static void map_of_launcher(struct audit *audit)
{
	int map = audit->profile->users.map;

	if (!audit->own_users || (map != USERS_MAP_SELF && map != USERS_MAP_ROOT && map != USERS_MAP_SUBID))
		return;
	audit_found(audit, 0.5, -1, "launched by root, the payload's user may be the host's root");
	audit_change(audit, "users.map=auto");
}

static void map_of_root(struct audit *audit, const struct id_map_list *map, int key)
{
	for (size_t i = 0; i < map->count; i++) {
		if (map->items[i].outside != 0)
			continue;
		audit_found(audit, 1, (int)i, "id %u inside is the host's 0", map->items[i].inside);
		audit_key(audit, key);
		audit_change(audit, "%s[%u].outside=100000", keys[key].path, map->items[i].inside);
	}
}

static void explicit_map(struct audit *audit)
{
	map_of_root(audit, &audit->profile->users.uid_map, K_USERS_UID_MAP);
	map_of_root(audit, &audit->profile->users.gid_map, K_USERS_GID_MAP);
}

/* Where the map is the caller's alone, the uid follows from it. */
static void root_inside(struct audit *audit)
{
	int map = audit->profile->users.map;

	if (!audit->own_users || audit->profile->users.uid != 0 || map == USERS_MAP_ROOT || map == USERS_MAP_SELF)
		return;
	audit_found(audit, 1, -1, "uid 0 inside: what is kept of root's power is the payload's at once");
	if (audit->profile->users.uid_map.count) {
		audit_advise(audit, "give the payload another id of users.uid_map, by users.uid");
		return;
	}
	audit_change(audit, "users.uid=1000");
	if (audit->profile->users.gid == 0)
		audit_change(audit, "users.gid=1000");
}

static void groups_of_host(struct audit *audit)
{
	if (audit->own_users || !audit->profile->users.groups.count)
		return;
	audit_found(audit, 1, -1, "%zu supplementary groups of the host", audit->profile->users.groups.count);
	audit_change(audit, "users.groups=[ ]");
}

/* ---- namespaces ------------------------------------------------------------------------------ */

static void shared(struct audit *audit, const char *name, int joined, const char *what)
{
	if (audit_has_namespace(audit, name) || audit_joins(audit, joined))
		return;
	audit_found(audit, 1, -1, "%s", what);
	audit_change(audit, "namespaces={ add = [ \"%s\" ]; }", name);
}

static void shared_pid(struct audit *audit)
{
	shared(audit, "pid", JOIN_NAMESPACE_PID, "the host's processes are seen, and those of the same user signalled");
}

static void shared_ipc(struct audit *audit)
{
	shared(audit, "ipc", JOIN_NAMESPACE_IPC, "message queues and shared memory are the host's");
}

static void shared_uts(struct audit *audit)
{
	shared(audit, "uts", JOIN_NAMESPACE_UTS, "the host's name is seen");
}

static void shared_cgroup(struct audit *audit)
{
	shared(audit, "cgroup", JOIN_NAMESPACE_CGROUP, "the host's tree of cgroups is seen");
}

/* Whose namespace it is, nobody knows here. */
static void joined(struct audit *audit)
{
	static const struct {
		int namespace;
		double badness;
	} kinds[] = {
		{ JOIN_NAMESPACE_NET, 1 },      { JOIN_NAMESPACE_PID, 0.8 }, { JOIN_NAMESPACE_IPC, 0.7 },
		{ JOIN_NAMESPACE_CGROUP, 0.1 }, { JOIN_NAMESPACE_UTS, 0.1 }, { JOIN_NAMESPACE_TIME, 0.1 },
	};
	const struct join_list *list = &audit->profile->join;

	for (size_t i = 0; i < list->count; i++) {
		const char *name = keys[K_JOIN_NAMESPACE].values[list->items[i].namespace];

		for (size_t kind = 0; kind < sizeof(kinds) / sizeof(kinds[0]); kind++) {
			if (kinds[kind].namespace != list->items[i].namespace)
				continue;
			audit_found(audit, kinds[kind].badness, (int)i, "shares the %s namespace of another process",
				    name);
			audit_change(audit, "join[%s].remove=true", name);
			if (kinds[kind].namespace != JOIN_NAMESPACE_TIME)
				audit_change(audit, "namespaces={ add = [ \"%s\" ]; }", name);
		}
	}
}

/* ---- words of danger ------------------------------------------------------------------------- */

static bool needs_host_root(const struct profile *profile)
{
	bool mapped = false;

	for (size_t i = 0; i < profile->users.uid_map.count; i++)
		mapped |= profile->users.uid_map.items[i].outside == 0;
	for (size_t i = 0; i < profile->users.gid_map.count; i++)
		mapped |= profile->users.gid_map.items[i].outside == 0;
	return mapped || profile->users.map == USERS_MAP_SELF || profile->users.map == USERS_MAP_ROOT ||
	       profile->users.map == USERS_MAP_SUBID || !audit_has(&profile->namespaces, "user");
}

static bool needs_host_ipc(const struct profile *profile)
{
	return !audit_has(&profile->namespaces, "ipc");
}

static bool permits(const char *action)
{
	return !strcmp(action, "allow") || !strcmp(action, "log");
}

static bool needs_allow(const struct profile *profile)
{
	return permits(profile->seccomp.default_) || permits(profile->seccomp.unknown);
}

/* What a path is, the host alone knows: any bind, overlay or sysfs may need the word. */
static bool needs_host_paths(const struct profile *profile)
{
	for (size_t i = 0; i < profile->mounts.count; i++)
		if (profile->mounts.items[i].type == MOUNTS_TYPE_BIND ||
		    profile->mounts.items[i].type == MOUNTS_TYPE_OVERLAY ||
		    profile->mounts.items[i].type == MOUNTS_TYPE_SYSFS)
			return true;
	return profile->root.source != NULL;
}

static void idle_danger(struct audit *audit)
{
	static const struct {
		const char *word;
		bool (*needed)(const struct profile *profile);
	} words[] = {
		{ "host-root", needs_host_root },
		{ "host-ipc", needs_host_ipc },
		{ "allow-by-default", needs_allow },
		{ "host-paths", needs_host_paths },
	};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (!audit_has(&audit->profile->dangerous, words[i].word) || words[i].needed(audit->profile))
			continue;
		audit_found(audit, 1, -1, "%s is accepted and nothing here needs it; a later layer may use it",
			    words[i].word);
		audit_change(audit, "dangerous={ remove = [ \"%s\" ]; }", words[i].word);
	}
}

/* ---- the caller's ---------------------------------------------------------------------------- */

static void caller_terminal(struct audit *audit)
{
	if (audit->profile->process.tty != PROCESS_TTY_INHERIT)
		return;
	audit_found(audit, 1, -1, "the payload has the caller's terminal: it reads keys and may leave input behind");
	audit_change(audit, "process.tty=auto");
}

static void passed_descriptors(struct audit *audit)
{
	if (!audit->profile->process.pass_fds.count)
		return;
	audit_found(audit, 1, -1, "%zu descriptors of the caller's are handed in, whatever they are open on",
		    audit->profile->process.pass_fds.count);
	audit_change(audit, "process.pass_fds=[ ]");
}

/* Parts of names under which programs keep what opens other doors. A `_` is thought behind the name, so that _AUTH_
 * finds REDISCLI_AUTH and not GIT_AUTHOR_NAME. */
static bool sounds_secret(const char *name, size_t length)
{
	static const char *const parts[] = { "TOKEN",    "SECRET",     "PASSW",      "PASSPHRASE", "CREDENTIAL",
					     "PRIVATE",  "API_KEY",    "APIKEY",     "ACCESS_KEY", "_AUTH_",
					     "AUTHORIZ", "AGENT_INFO", "COOKIE",     "SESSION",    "XAUTHORITY",
					     "DBUS_",    "KRB5CCNAME", "KUBECONFIG", "AWS_",       "DOCKER_HOST" };
	char upper[128] = "";
	size_t i = 0;

	for (; i < length && i + 2 < sizeof(upper); i++)
		upper[i] = name[i] >= 'a' && name[i] <= 'z' ? (char)(name[i] - 'a' + 'A') : name[i];
	upper[i] = '_';
	for (i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
		if (strstr(upper, parts[i]))
			return true;
	return false;
}

static void inherited_secret(struct audit *audit)
{
	const struct strings *names = &audit->profile->process.inherit_env;

	for (size_t i = 0; i < names->count; i++) {
		if (!sounds_secret(names->items[i], strlen(names->items[i])))
			continue;
		audit_found(audit, 1, -1, "the caller's %s goes in, a secret by its name", names->items[i]);
		audit_change(audit, "process.inherit_env={ remove = [ \"%s\" ]; }", names->items[i]);
	}
}

/* Removed by its name: the value is not for printing. */
static void written_secret(struct audit *audit)
{
	const struct strings *env = &audit->profile->process.env;

	for (size_t i = 0; i < env->count; i++) {
		size_t length = strcspn(env->items[i], "=");

		if (!env->items[i][length] || !env->items[i][length + 1] || !sounds_secret(env->items[i], length))
			continue;
		audit_found(audit, 1, -1, "%.*s is set, a secret by its name", (int)length, env->items[i]);
		audit_change(audit, "process.env={ remove = [ \"%.*s\" ]; }", (int)length, env->items[i]);
	}
}

static const struct audit_check checks[] = {
	{ "user-namespace", 6.0, K_NAMESPACES, no_user_namespace, NULL,
	  "A way out of the other layers is then a way to that user of the host, and through root's files to all of "
	  "it." },
	{ "users-map", 5.0, K_USERS_MAP, map_of_launcher, NULL,
	  "Files of root's, in /proc/sys to begin with, ask for ids and not for capabilities." },
	{ "users-map-root", 5.0, K_USERS_UID_MAP, explicit_map, NULL, "As users-map, whoever launches." },
	{ "uid-0", 0.2, K_USERS_UID, root_inside, NULL, "Capabilities outlive execve without more ado." },
	{ "groups", 1.0, K_USERS_GROUPS, groups_of_host, NULL, "Groups such as disk or docker are worth root." },
	{ "pid-namespace", 2.0, K_NAMESPACES, shared_pid, NULL,
	  "Processes of the same user can be killed, or worse, traced." },
	{ "ipc-namespace", 1.5, K_NAMESPACES, shared_ipc, NULL,
	  "Shared memory of other programs can be read and written." },
	{ "uts-namespace", 0.1, K_NAMESPACES, shared_uts, NULL, "A name tells little." },
	{ "cgroup-namespace", 0.2, K_NAMESPACES, shared_cgroup, NULL,
	  "Names of units and containers tell a little more." },
	{ "join", 2.0, K_JOIN, joined, NULL, "As much as the namespace's other members have in it." },
	{ "dangerous", 0.2, K_DANGEROUS, idle_danger, NULL, "Not a hole, but a door left on the latch." },
	{ "tty", 2.5, K_PROCESS_TTY, caller_terminal, NULL, "What is typed there next is typed by the payload." },
	{ "pass-fds", 0.5, K_PROCESS_PASS_FDS, passed_descriptors, NULL, "A descriptor goes past every wall." },
	{ "inherit-env", 1.0, K_PROCESS_INHERIT_ENV, inherited_secret, NULL, "A secret is worth what it opens." },
	{ "env", 0.5, K_PROCESS_ENV, written_secret, NULL, "Likewise, but the profile means it." },
};

const struct audit_table audit_isolation = { checks, sizeof(checks) / sizeof(checks[0]) };
