/* attest: reads back what the plan promised, and stops the launch on any difference.
 *
 * A system call that says "done" is believed nowhere in this program when what it did can be read: a kernel, an outer
 * filter or a tracer that answers 0 without acting must not start a payload with a layer missing.
 *
 * plan     (parent) notes what the launcher itself looks like (namespaces, session) and what the child will look for,
 *          and makes room to read into. After every other plan but landlock's and seccomp's, which it has no part in.
 * enter    (child, after the pivot) holds the mount table against the plan (attest_mounts.c), with the builder's
 *          rights, and what init will share.
 * rejoin   (a process that comes later) holds its namespaces against those of the sandbox.
 * confine  (payload) reads everything else: namespaces, credentials, descriptors, limits, cgroup, session, keyring,
 *          and what the kernel forgets when credentials change. After everything that can be read back; before
 *          landlock, after which nothing can be opened, and seccomp, after which nothing may be callable. Those two
 *          are proved by their return value, and by the launcher once the payload runs (attest_running.c).
 *
 * All reading goes through a procfs of our own that is out of sight (struct inside), so it needs no /proc in the
 * image and trusts none. It is closed at the end. A difference is exit status 125. Nothing to undo.
 */
#include "stage/attest.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/keyctl.h>
#include <signal.h>
#include <string.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/file.h"
#include "base/format.h"
#include "base/syscall.h"

#ifndef PR_GET_MDWE
#define PR_GET_MDWE 66
#define PR_MDWE_REFUSE_EXEC_GAIN 1
#endif
#ifndef CLONE_NEWTIME
#define CLONE_NEWTIME 0x00000080
#endif

static const struct {
	const char *file; /* below /proc */
	const char *name;
	int flag;
	size_t offset; /* of its bool in struct namespaces_plan */
} namespaces[] = {
#define NAMESPACE(file, kind, flag)                                                  \
	{                                                                            \
		"self/ns/" file, #kind, flag, offsetof(struct namespaces_plan, kind) \
	}
	NAMESPACE("user", user, CLONE_NEWUSER),       NAMESPACE("mnt", mount, CLONE_NEWNS),
	NAMESPACE("pid", pid, CLONE_NEWPID),          NAMESPACE("net", net, CLONE_NEWNET),
	NAMESPACE("ipc", ipc, CLONE_NEWIPC),          NAMESPACE("uts", uts, CLONE_NEWUTS),
	NAMESPACE("cgroup", cgroup, CLONE_NEWCGROUP), NAMESPACE("time", time, CLONE_NEWTIME),
};

_Static_assert(sizeof(namespaces) / sizeof(namespaces[0]) == ATTEST_NAMESPACES, "one fact for each");

/* ---- plan */

static const struct join_entry *joined(const struct plan *plan, int flag)
{
	for (size_t i = 0; i < plan->join.count; i++)
		if (plan->join.items[i].flag == flag)
			return &plan->join.items[i];
	return NULL;
}

static int note_namespace(const struct plan *plan, size_t i, struct attest_facts *facts, struct error *err)
{
	bool made = *(const bool *)(const void *)((const char *)&plan->namespaces + namespaces[i].offset);
	const struct join_entry *entry = joined(plan, namespaces[i].flag);
	char path[64];
	struct stat at;

	if (!made && !entry)
		return 0;
	format_text(path, sizeof(path), "/proc/%s", namespaces[i].file);
	if (entry ? fstat(entry->fd, &at) : stat(path, &at))
		return fail_errno(err, K_NAMESPACES, "cannot look at the %s namespace", namespaces[i].name);
	facts->namespaces[i].checked = true;
	facts->namespaces[i].same = entry;
	facts->namespaces[i].dev = at.st_dev;
	facts->namespaces[i].ino = at.st_ino;
	return 0;
}

int attest_plan(const struct profile *profile, struct plan *plan, struct error *err)
{
	struct attest_facts *facts = arena_alloc(&plan->arena, sizeof(*facts));

	(void)profile;
	if (!facts || !(facts->buffer = arena_alloc(&plan->arena, ATTEST_BUFFER_SIZE)))
		return fail_errno(err, 0, "cannot make room for attestation");
	plan->attest.facts = facts;
	for (size_t i = 0; i < ATTEST_NAMESPACES; i++)
		if (note_namespace(plan, i, facts, err))
			return -1;
	return attest_mounts_plan(plan, facts, err);
}

/* ---- the child */

CHILD static int check_names(const struct plan *plan, struct error *err)
{
	struct utsname names;

	if (uname(&names))
		return fail_errno(err, K_HOSTNAME, "cannot read the host name");
	if (plan->uts.hostname && strcmp(plan->uts.hostname, names.nodename) != 0)
		return fail(err, K_HOSTNAME, "host name: planned %s, found %s", plan->uts.hostname, names.nodename);
	if (plan->uts.domainname && strcmp(plan->uts.domainname, names.domainname) != 0)
		return fail(err, K_DOMAINNAME, "domain name: planned %s, found %s", plan->uts.domainname,
			    names.domainname);
	return 0;
}

/* Init stays behind as it is here. */
CHILD static int check_dumpable(struct error *err)
{
	return prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) ? fail(err, 0, "the process can be looked into (dumpable)") : 0;
}

CHILD int attest_enter(const struct plan *plan, struct inside *inside, struct error *err)
{
	if (attest_mounts(plan, inside, err) || check_names(plan, err) || check_dumpable(err))
		return error_exit(err, EXIT_OF_INTERNAL);
	return 0;
}

/* A process that comes later: every namespace is the one that was handed over, and the mount table is the business of
 * those who were there before. */
CHILD int attest_rejoin(const struct plan *plan, struct inside *inside, struct error *err)
{
	static const enum namespace_kind kinds[] = {
		NAMESPACE_USER, NAMESPACE_MOUNT, NAMESPACE_PID,    NAMESPACE_NET,
		NAMESPACE_IPC,  NAMESPACE_UTS,   NAMESPACE_CGROUP, NAMESPACE_TIME
	};

	(void)plan;
	for (size_t i = 0; i < ATTEST_NAMESPACES; i++) {
		int fd = inside->entrances->fd[kinds[i]];
		struct stat planned, found;

		if (fd < 0)
			continue;
		if (fstat(fd, &planned) || fstatat(inside->procfs, namespaces[i].file, &found, 0))
			return fail_errno(err, K_NAMESPACES, "cannot look at the %s namespace", namespaces[i].name);
		if (planned.st_dev == found.st_dev && planned.st_ino == found.st_ino)
			continue;
		fail(err, K_NAMESPACES, "the %s namespace is not the sandbox's", namespaces[i].name);
		return error_exit(err, EXIT_OF_INTERNAL);
	}
	return 0;
}

CHILD static int check_namespaces(const struct plan *plan, const struct inside *inside, struct error *err)
{
	const struct attest_facts *facts = plan->attest.facts;

	for (size_t i = 0; i < ATTEST_NAMESPACES; i++) {
		struct stat at;
		bool same = false;

		if (!facts->namespaces[i].checked)
			continue;
		if (fstatat(inside->procfs, namespaces[i].file, &at, 0))
			return fail_errno(err, K_NAMESPACES, "cannot look at the %s namespace", namespaces[i].name);
		same = at.st_dev == facts->namespaces[i].dev && at.st_ino == facts->namespaces[i].ino;
		if (same != facts->namespaces[i].same)
			return fail(err, same ? K_NAMESPACES : K_JOIN,
				    same ? "the %s namespace is still the launcher's"
					 : "the %s namespace is not the one to be joined",
				    namespaces[i].name);
	}
	return 0;
}

/* The session that `session` started: init's, or the payload's own where it leads one for its terminal. Seen from
 * another pid namespace the launcher's session is 0. */
CHILD static int check_session(const struct inside *inside, struct error *err)
{
	pid_t session = getsid(0);
	int keyring = (int)sys_keyctl(KEYCTL_GET_KEYRING_ID, (unsigned long)KEY_SPEC_SESSION_KEYRING);

	if (session <= 0 || (session != getpid() && session != getppid()))
		return fail(err, 0, "the session is not the sandbox's own");
	if (inside->keyring != -1 && (inside->keyring <= 0 || keyring != inside->keyring))
		return fail(err, 0, "the session keyring is not the sandbox's own");
	return 0;
}

CHILD static int check_limits(const struct plan *plan, struct error *err)
{
	for (size_t i = 0; i < plan->rlimits.count; i++) {
		const struct rlimit_entry *entry = &plan->rlimits.items[i];
		struct rlimit limit;

		if (getrlimit((__rlimit_resource_t)entry->resource, &limit))
			return fail_errno(err, entry->key, "cannot read a resource limit");
		if (limit.rlim_cur != entry->limit.rlim_cur || limit.rlim_max != entry->limit.rlim_max)
			return fail(err, entry->key, "resource limit: planned %lu (hard %lu), found %lu (hard %lu)",
				    (unsigned long)entry->limit.rlim_cur, (unsigned long)entry->limit.rlim_max,
				    (unsigned long)limit.rlim_cur, (unsigned long)limit.rlim_max);
	}
	return 0;
}

struct own_property {
	const char *what;
	long planned, found;
	int key;
};

/* What is asked of the kernel with one call each. PDEATHSIG and dumpable are lost when ids change. */
CHILD static int check_properties(const struct plan *plan, struct error *err)
{
	int death_signal = 0;
	bool wx = plan->profile->process.wx == PROCESS_WX_DENY;
	struct own_property properties[] = {
		{ "nice value", plan->process.nice, getpriority(PRIO_PROCESS, 0), K_PROCESS_NICE },
		{ "personality", (long)plan->process.personality, personality(0xffffffff), K_PROCESS_PERSONALITY },
		{ "secure bits", (long)plan->capabilities.securebits, prctl(PR_GET_SECUREBITS, 0, 0, 0, 0),
		  K_CAPABILITIES_KEEP },
		{ "dumpable", 0, prctl(PR_GET_DUMPABLE, 0, 0, 0, 0), 0 },
		{ "writable and executable memory", wx, wx && prctl(PR_GET_MDWE, 0, 0, 0, 0) & PR_MDWE_REFUSE_EXEC_GAIN,
		  K_PROCESS_WX },
		{ "death signal", SIGKILL, 0, 0 },
	};
	enum { COUNT = sizeof(properties) / sizeof(properties[0]) };

	if (prctl(PR_GET_PDEATHSIG, &death_signal, 0, 0, 0))
		return fail_errno(err, 0, "cannot read the death signal");
	properties[COUNT - 1].found = death_signal;
	for (size_t i = 0; i < COUNT; i++)
		if (properties[i].planned != properties[i].found)
			return fail(err, properties[i].key, "%s: planned %ld, found %ld", properties[i].what,
				    properties[i].planned, properties[i].found);
	return 0;
}

/* A cpuset may have taken CPUs away; none may have been added. */
CHILD static int check_affinity(const struct plan *plan, struct error *err)
{
	const cpu_set_t *planned = plan->process.affinity;
	cpu_set_t found;

	if (!planned)
		return 0;
	CPU_ZERO(&found);
	if (sched_getaffinity(0, sizeof(found), &found))
		return fail_errno(err, K_PROCESS_AFFINITY, "cannot read the CPU affinity");
	for (size_t cpu = 0; cpu < CPU_SETSIZE; cpu++)
		if (CPU_ISSET(cpu, &found) && !CPU_ISSET(cpu, planned))
			return fail(err, K_PROCESS_AFFINITY, "CPU affinity: %zu was not planned", cpu);
	return 0;
}

CHILD static int check_cwd(const struct plan *plan, struct error *err)
{
	struct stat planned, found;

	if (stat(plan->process.cwd, &planned) || stat(".", &found))
		return fail_errno(err, K_PROCESS_CWD, "cannot look at the working directory");
	if (planned.st_dev != found.st_dev || planned.st_ino != found.st_ino)
		return fail(err, K_PROCESS_CWD, "the working directory is not %s", plan->process.cwd);
	return 0;
}

/* In a cgroup namespace of its own the payload stands at the top of every hierarchy: "4:memory:/". In the launcher's it
 * is seen in the leaf that was made for it. */
CHILD static int check_cgroup(const struct plan *plan, const struct inside *inside, struct error *err)
{
	char *text = plan->attest.facts->buffer;
	bool leaf = plan->cgroup.wanted && !(plan->join.flags & CLONE_NEWCGROUP);

	if (!plan->namespaces.cgroup && !leaf)
		return 0;
	if (read_file_at(inside->procfs, "self/cgroup", text, ATTEST_BUFFER_SIZE) < 0)
		return fail_errno(err, K_NAMESPACES, "cannot read /proc/self/cgroup");
	if (!plan->namespaces.cgroup)
		return strstr(text, plan->caller->id) ? 0 : fail(err, 0, "the payload is not in its cgroup");
	while (*text) {
		size_t length = strcspn(text, "\n");

		if (length < 2 || text[length - 1] != '/' || text[length - 2] != ':')
			return fail(err, K_NAMESPACES, "a cgroup can be seen from above");
		text += length + (text[length] == '\n');
	}
	return 0;
}

CHILD static int check_oom_score(const struct plan *plan, const struct inside *inside, struct error *err)
{
	int planned = plan->profile->process.oom_score_adj;
	char text[16];
	const char *at = text;
	int found = 0;

	if (planned == INT_UNSET)
		return 0;
	if (read_file_at(inside->procfs, "self/oom_score_adj", text, sizeof(text)) < 0)
		return fail_errno(err, K_PROCESS_OOM_SCORE_ADJ, "cannot read oom_score_adj");
	if (*at == '-')
		at++;
	found = (int)attest_number(&at, 10);
	found = text[0] == '-' ? -found : found;
	if (found != planned)
		return fail(err, K_PROCESS_OOM_SCORE_ADJ, "oom_score_adj: planned %d, found %d", planned, found);
	return 0;
}

/* Should: refuse whatever is not as planned, and leave no procfs behind.  Mustn't: run after landlock or seccomp. */
CHILD int attest_confine(const struct plan *plan, struct inside *inside, struct error *err)
{
	if (check_namespaces(plan, inside, err) || attest_status(plan, inside, err) ||
	    attest_descriptors(plan, inside, err) || check_properties(plan, err) || check_limits(plan, err) ||
	    check_affinity(plan, err) || check_session(inside, err) || check_cwd(plan, err) ||
	    check_cgroup(plan, inside, err) || check_oom_score(plan, inside, err))
		return error_exit(err, EXIT_OF_INTERNAL);
	fd_close(&inside->procfs);
	return 0;
}

void attest_describe(const struct plan *plan, struct description *out)
{
	(void)plan;
	describe(out, 0, -1, "reads all of the above back from the kernel, and refuses to start on any difference");
}
