/* stage: what every stage file sees: the plan it writes, the host deeds it must be able to undo, and what it may use
 * inside.
 *
 * One stage, one file; its public functions are <stage>_plan, _host, _attach, _enter, _confine, _undo and _describe,
 * declared at the end of this header, and nothing else is public. Which of them exist, and the order in which they
 * run, is written in run/pipeline.c and nowhere else. Stages never include each other or run/.
 *
 *   plan     parent, before anything exists. Reads the host, changes nothing. Fills its part of struct plan.
 *   host     parent, before clone. Makes host objects; registers the undo of each in struct host right after making it.
 *   attach   parent, while the child blocks. May write the child's /proc files, move it into cgroups.
 *   enter    child, after `go`, still privileged in its own namespaces.
 *   confine  child (the payload process when there is an init): only ever gives up power.
 *   rejoin   a child that comes later, into the finished sandbox: takes the place of enter for it (run/agent.c).
 *   undo     parent, in reverse order, after everything has ended or failed. Idempotent; never stops.
 *   describe parent, for `explain`: says in a line or more what the stage will do.
 */
#ifndef STAGE_STAGE_H
#define STAGE_STAGE_H

#include <linux/filter.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <termios.h>

#include "base/arena.h"
#include "base/child.h"
#include "base/error.h"
#include "base/text.h"
#include "gen/keys.h"
#include "profile/profile.h"

/* ---- what the launcher knows of its caller; filled by main before plan, read by plan ------------------------- */

struct caller {
	uid_t uid;
	gid_t gid;
	bool root; /* effective uid 0 with CAP_SYS_ADMIN in the initial or current user namespace */
	const char *const *environ;
	char *const
		*argv; /* as execve gave it: init wipes its own copy of this memory and of environ's; NULL: not known */
	char *const *command; /* of the command line, NULL-terminated; NULL: the profile's */
	const char *name;     /* --name, else the profile's name */
	char id[17];          /* 16 hex digits, random: this sandbox */
	int64_t started;      /* CLOCK_REALTIME at launch, nanoseconds */
	bool rehearsal;       /* nothing of this launch is to be found later: no filter is kept, no entry made */
	pid_t companion;      /* waits for the launcher and goes where it goes: no stranger in its cgroup; 0: none */
};

/* ---- the plan: everything decided, nothing done. Immutable after the plan column ------------------------------ */

struct userns_plan {
	bool create;
	bool joined; /* the sandbox lives in an existing one, which `join` brought; the maps are that one's */
	bool deny_setgroups;
	bool use_helpers;                       /* newuidmap, newgidmap write the maps */
	const char *newuidmap, *newgidmap;      /* their absolute paths; NULL when not used */
	const struct id_map *uid_map, *gid_map; /* `outside` as seen by the launcher; final only in struct host */
	size_t uid_map_count, gid_map_count;
	uint32_t build_uid, build_gid; /* ids inside under which the tree is built: 0 if mapped, else the payload's */
	bool auto_range;               /* host: take a free range under a lock and rebase the maps' outside */
};

struct namespaces_plan {
	uint64_t clone_flags; /* CLONE_NEW* for clone3, in the order the stages' plan functions set them */
	bool user, mount, pid, net, ipc, uts, cgroup, time; /* created by this sandbox */
};

struct join_entry {
	int index;     /* element of profile->join */
	int flag;      /* CLONE_NEW* */
	int fd;        /* the namespace file, opened by plan; O_CLOEXEC */
	int userns_fd; /* its owning user namespace when that is not ours; else -1 */
};

/* To be entered in this order: what our own user namespace owns comes first, because entering another one gives that
 * right away. All foreign ones have one owner. */
struct join_plan {
	struct join_entry *items;
	size_t count;
	int flags;     /* CLONE_NEW* of all items */
	bool foreign;  /* an item's owner is another user namespace, which is entered too */
	int userns_fd; /* that namespace; valid when `foreign` */
	bool pid;      /* a pid namespace is joined: the child is not PID 1 */
};

struct uts_plan {
	const char *hostname, *domainname; /* NULL: left alone */
};

struct time_plan {
	char offsets[128]; /* text for /proc/self/timens_offsets; empty: none */
};

struct net_plan; /* private to the network stage */

struct network_plan {
	bool loopback;        /* bring lo up in the namespace just made */
	struct net_plan *net; /* NULL: nothing beyond that */
};

struct cgroup_plan {
	bool wanted;              /* a leaf is made in at least one hierarchy */
	struct cgroup_tree *tree; /* private to the cgroup stage: hierarchies, leaf paths, files to write */
	bool into;                /* v2: clone3 gets CLONE_INTO_CGROUP */
};

/* An object of the host, seen by plan and seen again by whoever makes a mount of it. */
struct host_object {
	const char *path;
	dev_t dev;
	ino_t ino;
	mode_t type; /* S_IFMT bits; 0: not there yet, made by the stage's host cell */
	uid_t uid;   /* owner, as the launcher sees it */
	gid_t gid;
	int key, index; /* of the profile, for errors */
};

/* How the owners of a mount's files show through the sandbox's id map. */
enum idmap {
	IDMAP_NONE,  /* as the map has them */
	IDMAP_AUTO,  /* as they are on disk */
	IDMAP_OWNER, /* the owner of the source's top as the payload's user */
};

/* Layers of host directories that make one tree. */
struct overlay_plan {
	struct host_object *lower; /* uppermost first */
	size_t lower_count;
	bool writable;                  /* there is an upper: a tmpfs when upper.path is NULL, else a host directory */
	struct host_object upper, work; /* work: made beside the upper when it is missing */
	uint64_t size, inodes;          /* of a tmpfs upper */
	int key, index;                 /* of the profile, for errors */
};

struct root_plan {
	struct host_object source; /* path NULL: empty tmpfs, or overlay */
	struct overlay_plan overlay;
	int access;
	bool from_launcher;    /* host makes the mount, detached, before clone */
	int idmap;             /* enum idmap; not IDMAP_NONE only from the launcher */
	uint64_t attributes;   /* MOUNT_ATTR_* of the root mount while the tree is built */
	bool seal;             /* made read-only when the tree is built */
	uint64_t staging_size; /* bytes that inline files take together */
	bool slaves;           /* a bind wants the host's later mounts */
};

struct mount_plan {
	int index; /* element of profile->mounts */
	int type;
	const char *target;
	struct host_object source;
	struct overlay_plan overlay;
	uint64_t attributes; /* MOUNT_ATTR_*, given before the mount can be seen */
	bool seal;           /* made read-only after all mounts are in place: others may lie in it */
	bool recursive, skipped, from_launcher;
	int idmap;                 /* enum idmap */
	const char *source_link;   /* path inside of a link to the target; NULL: none */
	const struct mount *mount; /* the profile's element, for everything else */
};

struct mounts_plan {
	struct mount_plan *items; /* in the profile's order, which is the order they are mounted in */
	size_t count;
	int *descriptors; /* becomes handed.mounts */
};

struct sysctls_plan {
	const char **paths; /* below /proc/sys; one per element of profile->sysctls */
	bool forbid_userns; /* user.max_user_namespaces = 0, which the profile does not set itself */
	bool permit_ports;  /* net.ipv4.ip_unprivileged_port_start = 0, likewise */
	bool permit_ping;   /* net.ipv4.ping_group_range = the payload's group, likewise */
};

/* Files of /etc that the launch itself writes. */
enum { NAMES_RESOLV, NAMES_HOSTS, NAMES_HOSTNAME, NAMES_COUNT };

struct names_texts; /* private to the names stage */

struct names_plan {
	bool wanted[NAMES_COUNT];
	bool isolated;             /* what answers on the host's loopback interface is out of reach */
	struct names_texts *texts; /* filled by host, becomes handed.names; NULL: nothing is wanted */
};

struct tty_plan {
	bool pty;           /* the payload gets a pseudo-terminal of its own */
	bool slave[3];      /* pty: which of 0-2 it becomes */
	bool relay[3];      /* descriptor 0-2 goes through a pipe that the launcher copies, one way */
	bool joined_output; /* 1 and 2 are one file: they share a pipe, so that their order survives */
	const char *
		ptmx; /* pty: path inside of the multiplexer of the sandbox's devpts; NULL: one of its own, unmounted */
	bool window_known, modes_known;
	struct winsize window; /* of the caller's terminal, for the pty's first moment */
	struct termios modes;
};

struct environment_plan {
	char **envp;      /* NULL-terminated */
	const char *path; /* value of PATH in envp, or the default search path */
};

struct rlimit_entry {
	int resource, key;
	struct rlimit limit;
};

struct rlimits_plan {
	struct rlimit_entry items[RLIM_NLIMITS];
	size_t count;
};

struct descriptors_plan {
	int *pass; /* sorted, each open at plan time */
	size_t count;
};

struct ids_plan {
	uid_t uid;
	gid_t gid;
	gid_t *groups;
	size_t group_count;
	bool set_groups; /* false where setgroups(2) is denied: the list cannot change */
};

struct capabilities_plan {
	uint64_t bounding, permitted,
		ambient;          /* effective = permitted; inheritable = ambient; ambient within permitted */
	int last_cap;             /* highest capability of the running kernel */
	unsigned long securebits; /* SECBIT_* of the payload */
};

struct landlock_plan {
	bool wanted;
	int abi;
	uint64_t handled_fs, handled_net, scoped;
	struct landlock_path {
		const char *path;
		uint64_t access;
		int index, key;
	} * paths;
	/* One for each path, in memory that all processes of the launch share: what the payload found there. Who comes
	 * later must find the same. */
	struct landlock_found {
		uint64_t dev, ino;
	} * found;
	size_t path_count;
	struct landlock_port {
		uint16_t port;
		uint64_t access;
	} * ports;
	size_t port_count;
};

struct seccomp_plan {
	bool wanted;
	const struct sock_filter *filter;
	unsigned short length;
	unsigned flags;   /* SECCOMP_FILTER_FLAG_* */
	bool cache_store; /* compiled anew: host puts it into the cache */
	bool kills;       /* it can kill: a SIGSYS death is probably the filter's */
	const char *text; /* the rules, as bytes (policy_text); by them filters are found again */
	size_t text_length;
};

struct process_plan {
	char **argv; /* NULL-terminated; argv[0] is searched in PATH when it has no slash */
	const char *cwd;
	bool init;
	mode_t umask;
	bool time_limited;
	int nice;                  /* the value itself, not what is added */
	unsigned long personality; /* for personality(2) */
	cpu_set_t *affinity;       /* NULL: the launcher's */
};

struct attest_facts; /* private to the attest stage: what the launcher looks like, room to read into */

struct attest_plan {
	struct attest_facts *facts;
};

struct plan {
	struct arena arena;
	const struct profile *profile;
	const struct caller *caller;
	struct namespaces_plan namespaces;
	struct userns_plan userns;
	struct join_plan join;
	struct uts_plan uts;
	struct time_plan time;
	struct network_plan network;
	struct cgroup_plan cgroup;
	struct root_plan root;
	struct mounts_plan mounts;
	struct sysctls_plan sysctls;
	struct names_plan names;
	struct tty_plan tty;
	struct environment_plan environment;
	struct rlimits_plan rlimits;
	struct descriptors_plan descriptors;
	struct ids_plan ids;
	struct capabilities_plan capabilities;
	struct landlock_plan landlock;
	struct seccomp_plan seccomp;
	struct process_plan process;
	struct attest_plan attest;
	/* Features that the profile allows to be absent and that are: "cgroup.memory", "landlock", "mounts[3]". Any
	 * stage's plan may add; reported in the verdict. */
	const char *degraded[32];
	size_t degraded_count;
};

/* Notes that a feature whose key says `missing = "skip"` or `optional = true` is left out. Fails when the list is full
 * or memory is. */
int plan_degraded(struct plan *plan, const char *feature, struct error *err);

/* ---- handed: what host and attach found out, as the child receives it ------------------------------------------ */

struct cgroup_way;

/* Descriptors here were opened by host before clone: the child inherits the same numbers. */
struct handed {
	int root;    /* detached mount, -1 when the child makes it */
	int *mounts; /* one per plan->mounts item: detached mount, -1 when the child makes it; memory made
	                             before clone. In the child, until read_only is through: the mount, attached */
	/* When there is no pid namespace of ours: cgroup.kill of a v2 leaf, opened O_WRONLY, or cgroup.procs of a v1
	 * leaf, opened O_RDONLY. For run/end.c. */
	int cgroup_kill[16];
	int cgroup_kill_count;
	const struct cgroup_way
		*cgroup; /* private to the cgroup stage: how the child gets into its leaves; memory made before
	                             clone. NULL: there are none */
	int relay[3];    /* tty: the payload's ends of its relay pipes, -1 when none */
	const struct network_host *network; /* network: messages to send, addresses for /etc/hosts; memory made before
	                                       clone. NULL: nothing */
	const struct names_texts *names;    /* names: what the files say; memory made before clone. NULL: nothing */
};

/* ---- inside: the child's own state ------------------------------------------------------------------------------- */

/* What a process needs that comes later (run/agent.c). The child opens it at the end of enter, and the launcher keeps
 * it while the sandbox runs: nobody else may, once the child is non-dumpable. */
enum namespace_kind {
	NAMESPACE_USER,
	NAMESPACE_MOUNT,
	NAMESPACE_PID,
	NAMESPACE_NET,
	NAMESPACE_IPC,
	NAMESPACE_UTS,
	NAMESPACE_CGROUP,
	NAMESPACE_TIME,
	NAMESPACE_COUNT,
};

struct entrances {
	int fd[NAMESPACE_COUNT]; /* namespaces that this sandbox made for itself; -1 */
	int procfs;              /* as inside.procfs */
	uint64_t root;           /* id of the mount that is "/" */
};

/* After root_enter the working directory *is* the new root: every later cell resolves paths with
 * open_in_root(AT_FDCWD, ...), before and after the pivot alike. */
struct inside {
	struct handed handed;
	int socket, running; /* the record socket and the running pipe: open, CLOEXEC, until exec */
	int procfs;          /* O_PATH directory: a full procfs of the payload's pid namespace, out of sight when it
	                             is ours; -1 once attest is through */
	int shelter;         /* mount stacked on the host's "/", below staging and the new root; pivot puts it away */
	int staging;         /* directory of a tmpfs on it: what masks, inline files and overlays are made of. Both are
	                             -1 before root and after pivot */
	int keyring;         /* session: serial number of the fresh session keyring; -1: the kernel has no keys */
	struct {
		uint64_t mount, below;     /* mount ids; 0: there is none */
	} cover;                           /* names: a read-only directory that got files on top, and what that hides */
	const struct entrances *entrances; /* of a process that comes later; NULL in the first */
	int pty_slave;                     /* -1: none */
	int pty_master;                    /* to be sent up right after the enter column, then -1 */
};

/* ---- host: deeds, plain data ------------------------------------------------------------------------------- */

struct cgroup_host;  /* private to the cgroup stage; made by cgroup_host, freed by cgroup_undo */
struct network_host; /* private to the network stage, but for run/forward; made by network_host, undone by
                        network_undo */
struct usage;

struct host {
	pid_t child; /* in our pid namespace; 0 before clone */
	int child_pidfd;
	int child_procfs; /* /proc/<child>, opened once and checked with the pidfd; for attach */
	struct cgroup_host *cgroup;
	struct network_host *network;
	pid_t pasta;         /* network: the program that carries the sandbox's connections; 0: none */
	int pasta_pidfd;     /* readable when it has ended; -1. Watched by supervise */
	int pasta_words;     /* reading end of its standard error; -1 */
	int cgroup_into_fd;  /* v2: directory of the leaf, for CLONE_INTO_CGROUP; -1 */
	int range_lock;      /* userns: holds the automatic id range; -1 */
	int relay[3];        /* tty: the launcher's ends of the relay pipes; -1. Watched by supervise */
	int relay_inside[3]; /* tty: our copies of the payload's ends, until attach; -1 */
	/* userns: the maps as they are written, after the automatic range was found; count 0 without a user
	 * namespace. */
	const struct id_map *uid_map, *gid_map;
	size_t uid_map_count, gid_map_count;
	struct id_map auto_uid_map, auto_gid_map; /* what the pointers show for an automatic range */
	struct handed handed;
	struct usage *usage; /* filled by cgroup_undo before removal; NULL: nobody asks */
	const char *
		degraded[4]; /* as in the plan, for what only the object just made shows (a kernel without io.weight) */
	size_t degraded_count;
	struct error left; /* the first thing that undo could not take back; what[0] is 0 when there is none */
};

/* What the sandbox used, read from its cgroups before they are removed. -1: not known. */
struct usage {
	int64_t memory_peak_bytes, pids_peak, oom_kills, throttled_usec, user_usec, system_usec;
	int64_t pids_max_events, memory_max_events;
};

#define USAGE_UNKNOWN ((struct usage){ -1, -1, -1, -1, -1, -1, -1, -1 })

/* ---- describe
 * -------------------------------------------------------------------------------------------------------- */

struct description; /* tell/explain.c; lines with the place of their key */

/* Adds a line; `key` and `index` (see struct error) name the value it comes from, 0 for none. */
void describe(struct description *out, int key, int index, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

/* Adds "WHAT WORD WORD ..." of a list of words that `key` is; a line for those of each place. */
void describe_words(struct description *out, int key, const struct strings *words, const char *what);

/* Adds something that this plan needs of the kernel or the host, "landlock ABI 4 (Linux 6.7)"; twice is once. */
void describe_need(struct description *out, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* ---- the stages
 * -------------------------------------------------------------------------------------------------------- */

typedef int plan_fn(const struct profile *profile, struct plan *plan, struct error *err);
typedef int host_fn(const struct plan *plan, struct host *host, struct error *err);
typedef int child_fn(const struct plan *plan, struct inside *inside, struct error *err);
typedef void undo_fn(const struct plan *plan, struct host *host);
typedef void describe_fn(const struct plan *plan, struct description *out);

#include "stage/stages.h"

#endif
