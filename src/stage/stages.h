/* stages: the public functions of every stage file, in the order of the pipeline. Included by stage/stage.h only.
 *
 * The contract of each is the opening comment of its .c; what a column may do stands in stage/stage.h. */
#ifndef STAGE_STAGES_H
#define STAGE_STAGES_H

plan_fn namespaces_plan;
child_fn namespaces_rejoin;
/* Opens the namespaces that the sandbox made for itself, its procfs excepted; at the end of enter. On failure some may
 * be open. */
CHILD int namespaces_open(const struct plan *plan, const struct inside *inside, struct entrances *ret,
			  struct error *err);
/* Enters the user namespace, and the pid namespace for the children to come: what must be done before the fork. */
CHILD int namespaces_approach(const struct entrances *entrances, struct error *err);

plan_fn process_plan, environment_plan;
CHILD host_fn process_attach; /* an agent calls it for itself: host->child is 0 then */
child_fn process_confine;

plan_fn descriptors_plan;
host_fn descriptors_host;
child_fn descriptors_confine;

plan_fn tty_plan;
host_fn tty_host, tty_attach;
child_fn tty_enter, tty_confine;
undo_fn tty_undo;

plan_fn userns_plan;
host_fn userns_host, userns_attach;
child_fn userns_enter;
undo_fn userns_undo;
/* Why clone3 failed with `clone_errno`: the host's sysctls and security modules know. Fills *err, returns -1. */
int userns_explain(const struct plan *plan, int clone_errno, struct error *err);

plan_fn join_plan;

plan_fn cgroup_plan;
host_fn cgroup_host;
child_fn cgroup_enter, cgroup_rejoin;
undo_fn cgroup_undo;
/* Shows every cgroup of the sandbox to `visit`: "v2" or the controllers, the path, and the open directory. */
typedef void cgroup_visit(const char *hierarchy, const char *path, int directory, void *with);
void cgroup_each(const struct host *host, cgroup_visit *visit, void *with);
/* The descriptors that cgroup_rejoin uses; at most `room`. Returns how many. */
CHILD size_t cgroup_way_in(const struct handed *handed, int *fds, size_t room);
/* Removes every cgroup of ours whose launcher is gone, in all hierarchies; kills what is still in them. 0, or -1 when
 * one had to stay. Beside running sandboxes harmless: see stage/cgroup_leaf.c. */
int cgroup_gc(struct error *err);

plan_fn time_plan;
child_fn time_enter;

plan_fn uts_plan;
child_fn uts_enter;

plan_fn ipc_plan;

plan_fn network_plan;
host_fn network_host, network_attach;
child_fn network_enter;
undo_fn network_undo;
/* Takes down bridges, tables and elements of this network namespace whose launcher and janitor are both gone. 0, -1. */
int network_gc(struct error *err);

/* Says of a sandbox whose network program (host->pasta) ended before it what there is to say. */
void network_explain_loss(const struct host *host, struct error *err);

child_fn session_enter;

plan_fn root_plan;
host_fn root_host;
child_fn root_enter;

plan_fn mounts_plan;
host_fn mounts_host;
child_fn mounts_enter;

plan_fn hide_plan, sysctls_plan;
child_fn hide_enter, read_only_enter, sysctls_enter;

plan_fn names_plan;
host_fn names_host;
child_fn names_enter;
undo_fn names_undo;

child_fn pivot_enter;

plan_fn rlimits_plan, ids_plan, capabilities_plan, no_new_privs_plan, attest_plan, landlock_plan, seccomp_plan;
host_fn seccomp_host;
child_fn rlimits_confine, ids_confine, capabilities_enter, capabilities_confine, cwd_confine, no_new_privs_confine;
child_fn attest_enter, attest_confine, attest_rejoin, landlock_confine, seccomp_confine;

/* The launcher's half of attest, once the payload runs: its processes stand under the filter, as /proc tells. For the
 * one thing that the child cannot read back any more. 0 also when they have ended already; -1 when one runs without. */
int attest_running(const struct plan *plan, const struct host *host, struct error *err);

describe_fn namespaces_describe, process_describe, environment_describe, descriptors_describe, tty_describe,
	userns_describe, join_describe, cgroup_describe, time_describe, uts_describe, ipc_describe, network_describe,
	session_describe, root_describe, mounts_describe, hide_describe, read_only_describe, sysctls_describe,
	names_describe, pivot_describe, rlimits_describe, ids_describe, capabilities_describe, cwd_describe,
	no_new_privs_describe, attest_describe, landlock_describe, seccomp_describe;

/* Which names of capabilities and of system calls (or sets, "@default") this program knows, for struct known_names. */
bool capability_known(const char *name, char nearest[NEAREST_SIZE]);
bool syscall_known(const char *name, char nearest[NEAREST_SIZE]);

#endif
