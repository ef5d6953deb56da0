/* audit_calls: the system calls that the filter lets through, from the policy that the filter is compiled of.
 *
 * Part of audit.c, which see. Calls are judged in groups that open the same part of the kernel; a group's weight is for
 * all of its calls, and one of them is worth half. A weight is what the part has been worth to attackers of containers:
 * io_uring, bpf and user namespaces come first, what needs a capability of the host's last. A filter that allows what
 * it does not name stands beside its groups, for the calls that nobody has thought of.
 */
#include "tell/audit.h"

#include <string.h>

#include "base/text.h"

enum { CALLS_MAX = 12 };

struct group {
	const char *id;
	const char *calls[CALLS_MAX];
};

static const struct group groups[] = {
	{ "calls-io-uring", { "io_uring_setup", "io_uring_enter", "io_uring_register" } },
	{ "calls-bpf", { "bpf" } },
	{ "calls-perf", { "perf_event_open" } },
	{ "calls-keyring", { "add_key", "keyctl", "request_key" } },
	{ "calls-userfaultfd", { "userfaultfd" } },
	{ "calls-trace",
	  { "ptrace", "process_vm_readv", "process_vm_writev", "process_madvise", "pidfd_getfd", "kcmp" } },
	{ "calls-mount",
	  { "mount", "umount2", "pivot_root", "chroot", "fsopen", "fsconfig", "fsmount", "fspick", "move_mount",
	    "open_tree", "mount_setattr" } },
	{ "calls-setns", { "setns" } },
	{ "calls-module", { "init_module", "finit_module", "delete_module" } },
	{ "calls-machine",
	  { "reboot", "kexec_load", "kexec_file_load", "swapon", "swapoff", "acct", "quotactl", "syslog",
	    "settimeofday", "clock_settime", "adjtimex", "clock_adjtime" } },
	{ "calls-file-handles", { "open_by_handle_at", "name_to_handle_at", "fanotify_init", "fanotify_mark" } },
	{ "calls-numa", { "mbind", "migrate_pages", "move_pages", "set_mempolicy" } },
	{ "calls-obsolete", { "uselib", "sysfs", "ustat", "modify_ldt", "ioperm", "iopl", "vhangup" } },
};

/* Whether the payload can make the call at all, with whatever arguments. */
static bool permitted(const struct audit *audit, const char *name, bool *ret_restricted)
{
	int call = syscall_find(name);
	const struct call_decision *decision = call < 0 ? NULL : &audit->policy->calls[call];
	bool some = decision && action_permits(decision->action), denied = false;

	for (uint32_t i = 0; decision && i < decision->rule_count; i++) {
		some |= action_permits(decision->rules[i]->action);
		denied |= !action_permits(decision->rules[i]->action);
	}
	*ret_restricted = decision && (!action_permits(decision->action) || denied);
	return some;
}

static bool by_default(const struct audit *audit)
{
	const char *action = audit->profile->seccomp.default_;

	return !strcmp(action, "allow") || !strcmp(action, "log");
}

static void judge_group(struct audit *audit)
{
	const struct group *group = groups;
	const char *first = NULL;
	struct text names = { 0 };
	size_t open = 0, all = 0;

	while (strcmp(group->id, audit->check->id) != 0)
		group++;
	for (; all < CALLS_MAX && group->calls[all]; all++) {
		bool restricted = false;

		if (!permitted(audit, group->calls[all], &restricted))
			continue;
		first = first ? first : group->calls[all];
		text_add(&names, "%s\"%s\"", open++ ? ", " : "", group->calls[all]);
	}
	audit->failed |= names.failed;
	if (open && !names.failed) {
		audit_found(audit, all == 1 ? 1 : 0.5 + 0.5 * (double)(open - 1) / (double)(all - 1), -1,
			    open > 1 ? "the filter lets %s and %zu more of its kind through"
				     : "the filter lets %s through",
			    first, open - 1);
		audit_change(audit, "seccomp.deny={ add = [ %s ]; }", names.data);
	}
	text_free(&names);
}

/* ---- the filter as a whole ------------------------------------------------------------------- */

/* Closes a filter that allows by default; the word that permitted it goes too, so that no layer opens it again. */
static void change_default(struct audit *audit)
{
	const struct profile *profile = audit->profile;
	bool told = audit_has(&profile->seccomp.allow, "@default");

	audit_change(audit, "seccomp.default=errno:EPERM");
	if (!told)
		audit_change(audit, "seccomp.allow={ add = [ \"@default\" ]; }");
}

static void allows_by_default(struct audit *audit)
{
	if (!by_default(audit))
		return;
	audit_found(audit, 1, -1, "what no rule denies is allowed");
	change_default(audit);
}

static void allows_unknown(struct audit *audit)
{
	const char *action = audit->profile->seccomp.unknown;

	if (strcmp(action, "allow") != 0 && strcmp(action, "log") != 0)
		return;
	audit_found(audit, 1, -1, "system calls that nobody has looked at are allowed");
	audit_change(audit, "seccomp.unknown=errno:ENOSYS");
}

static void other_abis(struct audit *audit)
{
	size_t more = 0;

	for (int abi = 0; abi < ABI_COUNT; abi++)
		more += audit->policy->abis[abi];
	if (more <= 1)
		return;
	audit_found(audit, 1, -1, "system calls of %zu more ABIs, other ways into the kernel", more - 1);
	audit_change(audit, "seccomp.architectures=[ \"native\" ]");
}

/* What sets restrict, a call spelt out in `allow` or a default that allows lets through whole. */
static void change_spelt(struct audit *audit, const char *const *calls, const char *set)
{
	const struct strings *allow = &audit->profile->seccomp.allow;
	struct text spelt = { 0 };

	if (by_default(audit)) {
		change_default(audit);
		return;
	}
	for (; *calls; calls++)
		if (audit_has(allow, *calls))
			text_add(&spelt, "%s\"%s\"", spelt.length ? ", " : "", *calls);
	audit->failed |= spelt.failed;
	if (spelt.length)
		audit_change(audit, "seccomp.allow={ remove = [ %s ]; add = [ \"%s\" ]; }", spelt.data, set);
	else
		audit_advise(audit, "let the rule of seccomp.rules that allows it ask for its arguments");
	text_free(&spelt);
}

static void all_sockets(struct audit *audit)
{
	static const char *const calls[] = { "socket", NULL };
	bool restricted = false;

	if (!permitted(audit, "socket", &restricted) || restricted)
		return;
	audit_found(audit, 1, -1, "sockets of every family, AF_VSOCK and AF_ALG too");
	change_spelt(audit, calls, "@network-io");
}

/* ---- namespaces inside ----------------------------------------------------------------------- */

static const char *const makers[] = { "clone", "clone3", "unshare", NULL };

/* The filter lets new user namespaces be made: clone3's flags are out of its sight. */
static bool filter_open(const struct audit *audit)
{
	bool open = false;

	for (size_t i = 0; makers[i]; i++) {
		bool restricted = false, some = permitted(audit, makers[i], &restricted);

		open |= some && (!restricted || !strcmp(makers[i], "clone3"));
	}
	return open;
}

/* The launcher forbids them by sysctl in a user namespace of its own, unless the profile sets it. */
static const struct sysctl *set_limit(const struct audit *audit)
{
	const struct sysctl_list *list = &audit->profile->sysctls;

	for (size_t i = 0; i < list->count; i++)
		if (!strcmp(list->items[i].name, "user.max_user_namespaces") ||
		    !strcmp(list->items[i].name, "user/max_user_namespaces"))
			return &list->items[i];
	return NULL;
}

static void nested_users(struct audit *audit)
{
	const struct sysctl *limit = set_limit(audit);
	bool unlimited = !audit->own_users || (limit && strcmp(limit->value, "0") != 0);
	bool open = filter_open(audit);

	if (!open && (!unlimited || !audit->own_users))
		return;
	audit_found(audit, open && unlimited ? 1 : 0.1, -1, "%s",
		    open && unlimited ? "the payload may be root of user namespaces of its own"
		    : open            ? "only a sysctl keeps user namespaces from being made inside"
				      : "only the filter keeps user namespaces from being made inside");
	if (open)
		change_spelt(audit, makers, "@default");
	else
		audit_key(audit, K_SYSCTLS);
	if (limit && unlimited)
		audit_change(audit, "sysctls[%s].value=0", limit->name);
}

static const struct audit_check checks[] = {
	{ "filter-default", 3.5, K_SECCOMP_DEFAULT, allows_by_default, NULL,
	  "Every call that is new or forgotten; those that are known count below, by themselves." },
	{ "filter-unknown", 1.5, K_SECCOMP_UNKNOWN, allows_unknown, NULL, "New calls have new mistakes." },
	{ "filter-abis", 0.7, K_SECCOMP_ARCHITECTURES, other_abis, NULL, "Old entry points are tested less." },
	{ "nested-namespaces", 2.0, K_SECCOMP_ALLOW, nested_users, NULL,
	  "Root over what it owns reaches much of the kernel. A tenth where one of two guards is left." },
	{ "socket-families", 0.7, K_SECCOMP_ALLOW, all_sockets, NULL, "Some reach hypervisor and host; all are code." },
	{ "calls-io-uring", 1.0, K_SECCOMP_ALLOW, judge_group, NULL, "Often broken, and past every filter." },
	{ "calls-bpf", 1.0, K_SECCOMP_ALLOW, judge_group, NULL, "A verifier is a hard thing to get right." },
	{ "calls-perf", 0.7, K_SECCOMP_ALLOW, judge_group, NULL, "Large, and meant for one's own programs." },
	{ "calls-keyring", 0.7, K_SECCOMP_ALLOW, judge_group, NULL, "No namespace separates keys." },
	{ "calls-userfaultfd", 0.5, K_SECCOMP_ALLOW, judge_group, NULL, "It makes races in the kernel easy to win." },
	{ "calls-trace", 0.4, K_SECCOMP_ALLOW, judge_group, NULL, "Inside, it reaches processes of the same user." },
	{ "calls-mount", 0.7, K_SECCOMP_ALLOW, judge_group, NULL, "They take SYS_ADMIN, inside at least." },
	{ "calls-setns", 0.3, K_SECCOMP_ALLOW, judge_group, NULL, "It takes a descriptor and SYS_ADMIN." },
	{ "calls-module", 0.5, K_SECCOMP_ALLOW, judge_group, NULL, "They take SYS_MODULE on the host." },
	{ "calls-machine", 0.4, K_SECCOMP_ALLOW, judge_group, NULL, "They take capabilities on the host." },
	{ "calls-file-handles", 0.3, K_SECCOMP_ALLOW, judge_group, NULL, "With DAC_READ_SEARCH, past every mount." },
	{ "calls-numa", 0.1, K_SECCOMP_ALLOW, judge_group, NULL, "Now and then a bug; who has many nodes needs them." },
	{ "calls-obsolete", 0.2, K_SECCOMP_ALLOW, judge_group, NULL, "What nobody uses nobody looks at." },
};

const struct audit_table audit_calls = { checks, sizeof(checks) / sizeof(checks[0]) };
