/* audit_privileges: capabilities, and what holds a process beside the filter.
 *
 * Part of audit.c, which see. A capability has two weights: of the host's own, where there is no user namespace, and
 * of one that ends at the sandbox's user namespace, where it is worth the parts of the kernel that it opens to attack.
 * What is kept and is neither root's nor ambient is lost at the first execve, and counts for a third.
 */
#include "tell/audit.h"

#include <string.h>
#include <strings.h>

#include "base/text.h"

/* All of capabilities(7), in the kernel's order. */
static const struct power {
	const char *name;
	double host, inside; /* of 10 */
	const char *what;
} powers[] = {
	{ "CHOWN", 5.0, 0.05, "gives files any owner" },
	{ "DAC_OVERRIDE", 6.0, 0.05, "reads and writes every file" },
	{ "DAC_READ_SEARCH", 6.0, 0.2, "reads every file, by handle past every mount" },
	{ "FOWNER", 4.0, 0.05, "changes the permissions of every file" },
	{ "FSETID", 2.0, 0.05, "keeps set-user-ID bits on files that it changes" },
	{ "KILL", 2.0, 0.05, "signals every process" },
	{ "SETGID", 4.0, 0.05, "becomes any group" },
	{ "SETUID", 6.0, 0.05, "becomes any user" },
	{ "SETPCAP", 3.0, 0.1, "changes capabilities" },
	{ "LINUX_IMMUTABLE", 1.0, 0.05, "changes files that are marked immutable" },
	{ "NET_BIND_SERVICE", 0.5, 0.02, "binds ports below 1024" },
	{ "NET_BROADCAST", 0.2, 0.02, "does nothing in today's kernels" },
	{ "NET_ADMIN", 5.0, 1.2, "configures interfaces, routes and firewalls, a large part of the kernel" },
	{ "NET_RAW", 2.0, 0.4, "makes and sees raw packets" },
	{ "IPC_LOCK", 0.5, 0.1, "locks memory without limit" },
	{ "IPC_OWNER", 1.5, 0.1, "uses everybody's shared memory" },
	{ "SYS_MODULE", 10.0, 0.1, "loads code into the kernel" },
	{ "SYS_RAWIO", 9.0, 0.1, "reaches the machine's ports and memory" },
	{ "SYS_CHROOT", 1.5, 0.2, "changes its root" },
	{ "SYS_PTRACE", 7.0, 0.4, "takes over every process" },
	{ "SYS_PACCT", 0.5, 0.05, "switches accounting" },
	{ "SYS_ADMIN", 9.0, 2.0, "mounts, and very much else: the better part of root" },
	{ "SYS_BOOT", 5.0, 0.1, "restarts the machine, or another kernel" },
	{ "SYS_NICE", 1.0, 0.1, "takes processor time before others" },
	{ "SYS_RESOURCE", 1.0, 0.2, "exceeds limits" },
	{ "SYS_TIME", 2.0, 0.05, "sets the clock" },
	{ "SYS_TTY_CONFIG", 0.5, 0.05, "drives terminals" },
	{ "MKNOD", 6.0, 0.1, "makes device nodes" },
	{ "LEASE", 0.3, 0.05, "holds others' opening of files up" },
	{ "AUDIT_WRITE", 1.0, 0.05, "writes to the audit log" },
	{ "AUDIT_CONTROL", 2.0, 0.05, "switches the audit log" },
	{ "SETFCAP", 4.0, 0.1, "gives files capabilities" },
	{ "MAC_OVERRIDE", 4.0, 0.05, "passes by Smack" },
	{ "MAC_ADMIN", 4.0, 0.05, "configures Smack and AppArmor" },
	{ "SYSLOG", 1.0, 0.05, "reads the kernel's log and addresses" },
	{ "WAKE_ALARM", 0.2, 0.05, "wakes the machine" },
	{ "BLOCK_SUSPEND", 0.2, 0.05, "keeps the machine awake" },
	{ "AUDIT_READ", 1.5, 0.05, "reads the audit log" },
	{ "PERFMON", 4.0, 0.1, "measures, and so sees, other programs" },
	{ "BPF", 6.0, 0.1, "loads programs into the kernel" },
	{ "CHECKPOINT_RESTORE", 2.0, 0.2, "sees and restores processes" },
};

bool audit_keeps(const struct audit *audit, const char *capability)
{
	const struct strings *drop = &audit->profile->capabilities.drop;

	return audit_has(&audit->profile->capabilities.keep, capability) ||
	       (!audit_has(drop, "ALL") && !audit_has(drop, capability));
}

/* As the profile writes it: what a change takes out must be called as it was called. */
static const char *written(const struct strings *strings, const char *name)
{
	for (size_t i = 0; i < strings->count; i++)
		if (!strcasecmp(strings->items[i], name))
			return strings->items[i];
	return NULL;
}

static void give_up(struct audit *audit, const char *name)
{
	const struct profile *profile = audit->profile;
	const struct strings *keep = &profile->capabilities.keep, *ambient = &profile->capabilities.ambient;

	if (written(ambient, name))
		audit_change(audit, "capabilities.ambient={ remove = [ \"%s\" ]; }", written(ambient, name));
	if (written(keep, name))
		audit_change(audit, "capabilities.keep={ remove = [ \"%s\" ]; }", written(keep, name));
	if (!audit_has(&profile->capabilities.drop, "ALL") && !audit_has(&profile->capabilities.drop, name))
		audit_change(audit, "capabilities.drop={ add = [ \"%s\" ]; }", name);
	/* Without it there is no way to live without no_new_privs. */
	if (!strcmp(name, "SYS_ADMIN") && !profile->no_new_privs)
		audit_change(audit, "no_new_privs=true");
}

static void kept(struct audit *audit)
{
	const struct profile *profile = audit->profile;

	for (size_t i = 0; i < sizeof(powers) / sizeof(powers[0]); i++) {
		bool lasting = profile->users.uid == 0 || profile->users.map == USERS_MAP_SELF ||
			       audit_has(&profile->capabilities.ambient, powers[i].name) || !profile->no_new_privs;
		double weight = audit->own_users ? powers[i].inside : powers[i].host;

		if (!audit_keeps(audit, powers[i].name))
			continue;
		audit_found(audit, weight / 10 * (lasting ? 1 : 0.3), -1, "%s %s%s", powers[i].name, powers[i].what,
			    audit->own_users ? ", inside" : "");
		if (!audit_has(&profile->capabilities.keep, powers[i].name))
			audit_key(audit, K_CAPABILITIES_DROP);
		give_up(audit, powers[i].name);
	}
}

/* ---- the rest -------------------------------------------------------------------------------- */

static void new_privileges(struct audit *audit)
{
	if (audit->profile->no_new_privs)
		return;
	audit_found(audit, 1, -1, "execve may give more privilege than the payload has");
	audit_change(audit, "no_new_privs=true");
}

static void writable_code(struct audit *audit)
{
	if (audit->profile->process.wx == PROCESS_WX_DENY)
		return;
	audit_found(audit, 1, -1, "memory may be written and executed, as exploits like it and JIT compilers must");
	audit_change(audit, "process.wx=deny");
}

/* Where the payload writes: what landlock would have to name. */
static void add_written(const struct profile *profile, struct text *text)
{
	if (profile->root.access != ROOT_ACCESS_READ_ONLY)
		text_add(text, "\"/\"");
	for (size_t i = 0; i < profile->mounts.count; i++) {
		const struct mount *mount = &profile->mounts.items[i];
		bool usual = mount->access == MOUNTS_ACCESS_DEFAULT &&
			     (mount->type == MOUNTS_TYPE_TMPFS || mount->type == MOUNTS_TYPE_PROC ||
			      mount->type == MOUNTS_TYPE_DEVPTS || mount->type == MOUNTS_TYPE_MQUEUE ||
			      (mount->type == MOUNTS_TYPE_OVERLAY && mount->upper));

		if (usual || mount->type == MOUNTS_TYPE_DEV || mount->access == MOUNTS_ACCESS_READ_WRITE)
			text_add(text, "%s\"%s\"", text->length ? ", " : "", mount->target);
	}
}

static void no_landlock(struct audit *audit)
{
	const struct profile *profile = audit->profile;
	bool files = profile->landlock.read.count || profile->landlock.write.count || profile->landlock.execute.count;
	bool skipped = profile->landlock.missing == LANDLOCK_MISSING_SKIP;
	struct text text = { 0 };

	if (files && !skipped)
		return;
	if (files) {
		audit_found(audit, 0.3, -1, "no second wall around files where the kernel has no Landlock");
		audit_key(audit, K_LANDLOCK_MISSING);
		audit_change(audit, "landlock.missing=fail");
		return;
	}
	audit_found(audit, 1, -1, "no second wall around files, below the mounts");
	add_written(profile, &text);
	audit->failed |= text.failed;
	audit_change(audit, "landlock.execute=[ \"/\" ]");
	audit_change(audit, "landlock.write=[ %s ]", text.data ? text.data : "");
	if (skipped)
		audit_change(audit, "landlock.missing=fail");
	text_free(&text);
}

static const struct audit_check checks[] = {
	{ "capability", 10.0, K_CAPABILITIES_KEEP, kept, NULL,
	  "One by one: SYS_MODULE is the host itself, NET_BIND_SERVICE next to nothing." },
	{ "new-privileges", 3.0, K_NO_NEW_PRIVS, new_privileges, NULL, "Every set-user-ID program is then a way up." },
	{ "write-and-execute-memory", 0.1, K_PROCESS_WX, writable_code, NULL,
	  "It makes a hole easier to use, no more." },
	{ "landlock", 0.2, K_LANDLOCK_READ, no_landlock, NULL, "It helps where another layer fails." },
};

const struct audit_table audit_privileges = { checks, sizeof(checks) / sizeof(checks[0]) };
