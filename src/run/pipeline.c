/* pipeline: what happens, in which process, and in what order. Read this file first.
 *
 * A row is a stage, a column is a phase; row order is the order of execution inside every phase, and that order is
 * written nowhere else. Time runs like this:
 *
 *	launcher                                  child, in its new namespaces
 *	--------                                  ----------------------------
 *	plan      all rows: decide everything
 *	host      all rows: make host objects
 *	clone3 ---------------------------------> blocks on its socket
 *	attach    all rows: id maps, the network interface
 *	`go` -----------------------------------> becomes non-dumpable
 *	                                          enter     all rows: build the inside
 *	                                          fork: process 1 stays behind as init
 *	                                          confine   all rows, in the payload: give up power
 *	                                          execve
 *	supervise until the payload has ended
 *	undo      all rows, in reverse
 *
 * One column is not part of a launch: `rejoin` is for a command that comes later (`sandbox exec`, run/agent.c). Its
 * process, forked by the launcher, has been put into the namespaces, runs rejoin in the place of enter, and then the
 * same confine column on the same plan.
 *
 * What a stage wants done in the child's namespaces by the launcher's means (netlink messages, built with a library) it
 * prepares in host: the child has a copy, and carries it out.
 *
 * There is one barrier (`go`) and one socket. Everything the launcher does for a stage comes before anything the child
 * does for any stage; a feature that seems to need a second barrier argues for it here.
 *
 * Columns have function types of their own (stage/stage.h), so that the compiler holds the rules: plan cannot change
 * the host's state record, host cannot change the plan, the child sees only the plan and what was handed down.
 * `explain` prints this very table.
 */
#include "run/pipeline.h"

const char *const phase_names[PHASE_COUNT + 1] = {
	[PHASE_PLAN] = "plan",       [PHASE_HOST] = "host", [PHASE_ATTACH] = "attach", [PHASE_ENTER] = "enter",
	[PHASE_CONFINE] = "confine", [PHASE_UNDO] = "undo", [PHASE_REJOIN] = "rejoin",
};

/* clang-format off */
const struct phase_doc phase_docs[PHASE_COUNT] = {
	[PHASE_PLAN] =    { "launcher", "decides everything, changes nothing", NULL },
	[PHASE_HOST] =    { "launcher", "makes what lives on the host: cgroup, locks, sockets", NULL },
	[PHASE_ATTACH] =  { "launcher", "ties the new child to them: id maps, the interface", "clone3" },
	[PHASE_ENTER] =   { "child",    "builds the inside, still with every right over its own namespaces", "go" },
	[PHASE_CONFINE] = { "payload",  "gives up power, reads back, and becomes the command", "fork" },
	[PHASE_UNDO] =    { "launcher", "takes back what does not die by itself, in reverse", "execve, exit" },
};

const struct stage pipeline[STAGE_COUNT] = {
	/* name           plan               host          attach          enter               rejoin              confine                undo          describe */

	/* Opens what is to be joined: whether a user namespace is made depends on who owns it. */
	{ "join",         join_plan,         NULL,         NULL,           NULL,               NULL,               NULL,                  NULL,         join_describe },
	/* Decides which namespaces are made: every later plan asks it. */
	{ "namespaces",   namespaces_plan,   NULL,         NULL,           NULL,               NULL,               NULL,                  NULL,         namespaces_describe },
	/* First to enter: it gives the ids under which everything below is made, and the right to make it. */
	{ "userns",       userns_plan,       userns_host,  userns_attach,  userns_enter,       userns_enter,       NULL,                  userns_undo,  userns_describe },
	/* Before anything that costs memory or processes: the limits bind the building too. v2 takes the child in at
	 * birth, into v1 it moves itself; only then may it unshare its cgroup namespace, or the namespace would show
	 * the host's path. */
	{ "cgroup",       cgroup_plan,       cgroup_host,  NULL,           cgroup_enter,       cgroup_rejoin,      NULL,                  cgroup_undo,  cgroup_describe },
	/* Offsets are frozen by the first process in the namespace: before init forks the payload. */
	{ "time",         time_plan,         NULL,         NULL,           time_enter,         NULL,               NULL,                  NULL,         time_describe },
	{ "uts",          uts_plan,          NULL,         NULL,           uts_enter,          NULL,               NULL,                  NULL,         uts_describe },
	{ "ipc",          ipc_plan,          NULL,         NULL,           NULL,               NULL,               NULL,                  NULL,         ipc_describe },
	/* The interface is made in attach, when there is a namespace to make it in; rules and addresses follow in
	 * enter. */
	{ "network",      network_plan,      network_host, network_attach, network_enter,      NULL,               NULL,                  network_undo, network_describe },
	{ "session",      NULL,              NULL,         NULL,           session_enter,      session_enter,      NULL,                  NULL,         session_describe },
	/* root..pivot build the file system by descriptor while the host's tree is still in sight: bind sources are
	 * opened there, and the kernel allows a new procfs only where an unmasked one is visible. */
	{ "root",         root_plan,         root_host,    NULL,           root_enter,         NULL,               NULL,                  NULL,         root_describe },
	{ "mounts",       mounts_plan,       mounts_host,  NULL,           mounts_enter,       NULL,               NULL,                  NULL,         mounts_describe },
	/* Writes through a full procfs of its own, attached nowhere; before read_only, which is about the payload's. */
	{ "sysctls",      sysctls_plan,      NULL,         NULL,           sysctls_enter,      NULL,               NULL,                  NULL,         sysctls_describe },
	/* After mounts, whose /etc may be another than the root's; after network, whose addresses it writes. */
	{ "names",        names_plan,        names_host,   NULL,           names_enter,        NULL,               NULL,                  names_undo,   names_describe },
	/* After mounts: what is masked must be there. hide before read_only: a masked file inside a read-only tree. */
	{ "hide",         hide_plan,         NULL,         NULL,           hide_enter,         NULL,               NULL,                  NULL,         hide_describe },
	{ "read_only",    NULL,              NULL,         NULL,           read_only_enter,    NULL,               NULL,                  NULL,         read_only_describe },
	/* Opens the pseudo-terminal in the sandbox's own devpts; the payload makes it its controlling terminal. */
	{ "tty",          tty_plan,          tty_host,     tty_attach,     tty_enter,          tty_enter,          tty_confine,           tty_undo,     tty_describe },
	/* The host's tree goes out of sight: no cell below opens a path of the host. */
	{ "pivot",        NULL,              NULL,         NULL,           pivot_enter,        NULL,               NULL,                  NULL,         pivot_describe },
	{ "environment",  environment_plan,  NULL,         NULL,           NULL,               NULL,               NULL,                  NULL,         environment_describe },
	/* umask, affinity and the like; before rlimits, which may forbid raising them. What takes the launcher's rights
	 * and a child that is still dumpable goes in attach: nice, oom_score_adj; the payload inherits both. */
	{ "process",      process_plan,      NULL,         process_attach, NULL,               NULL,               process_confine,       NULL,         process_describe },
	{ "rlimits",      rlimits_plan,      NULL,         NULL,           NULL,               NULL,               rlimits_confine,       NULL,         rlimits_describe },
	/* The bounding set needs CAP_SETPCAP, which the change of ids takes away: it goes in enter, the rest after
	 * ids. */
	{ "ids",          ids_plan,          NULL,         NULL,           NULL,               NULL,               ids_confine,           NULL,         ids_describe },
	{ "capabilities", capabilities_plan, NULL,         NULL,           capabilities_enter, capabilities_enter, capabilities_confine,  NULL,         capabilities_describe },
	/* As the payload's own user, with the payload's own rights: a directory it may not enter is refused. */
	{ "cwd",          NULL,              NULL,         NULL,           NULL,               NULL,               cwd_confine,           NULL,         cwd_describe },
	{ "no_new_privs", no_new_privs_plan, NULL,         NULL,           NULL,               NULL,               no_new_privs_confine,  NULL,         no_new_privs_describe },
	/* Closes what is left open, our own socket excepted, whose end is the exec. */
	{ "descriptors",  descriptors_plan,  descriptors_host, NULL,           NULL,               NULL,               descriptors_confine,   NULL,         descriptors_describe },
	/* Reads back all of the above while it can still open files; what follows is attested by its return value, and
	 * by the launcher. */
	{ "attest",       attest_plan,       NULL,         NULL,           attest_enter,       attest_rejoin,      attest_confine,        NULL,         attest_describe },
	/* Before seccomp, whose filter need not allow landlock's calls. */
	{ "landlock",     landlock_plan,     NULL,         NULL,           NULL,               NULL,               landlock_confine,      NULL,         landlock_describe },
	/* Last: everything above needs system calls that the filter forbids. */
	{ "seccomp",      seccomp_plan,      seccomp_host, NULL,           NULL,               NULL,               seccomp_confine,       NULL,         seccomp_describe },
};
/* clang-format on */

bool stage_has(const struct stage *stage, enum phase phase)
{
	switch (phase) {
	case PHASE_PLAN:
		return stage->plan;
	case PHASE_HOST:
		return stage->host;
	case PHASE_ATTACH:
		return stage->attach;
	case PHASE_ENTER:
		return stage->enter;
	case PHASE_CONFINE:
		return stage->confine;
	case PHASE_UNDO:
		return stage->undo;
	case PHASE_COUNT:
		break;
	}
	return false;
}
