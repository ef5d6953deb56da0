/* profile: what the user asked for, complete and valid, before anything was asked of the host.
 *
 * Written by hand and greppable: the field of key `cgroup.memory.max` is `profile->cgroup.memory.max`, that of
 * `mounts[].source` is `profile->mounts.items[i].source`. schema/profile.schema says what each may hold; a generated
 * _Static_assert per key proves that both agree. A profile need not come from libconfig: whoever fills this struct
 * (the OCI personality will, from config.json) gets the same pipeline.
 *
 * Everything it points to lives in its arena and is immutable once profile_load() returned.
 */
#ifndef PROFILE_PROFILE_H
#define PROFILE_PROFILE_H

#include <stdbool.h>

#include "base/arena.h"
#include "profile/values.h"

struct join {
	int namespace;    /* enum: JOIN_NAMESPACE_* (net ipc uts pid cgroup time) */
	const char *path; /* a namespace file: /run/netns/blue, /proc/PID/ns/net */
};

struct join_list {
	struct join *items;
	size_t count;
};

struct mount {
	int type;             /* enum: MOUNTS_TYPE_* (bind tmpfs proc dev and others) */
	const char *target;   /* absolute, normalised; the identity of the element */
	const char *source;   /* bind: host path; symlink: the link's text */
	int access;           /* enum: MOUNTS_ACCESS_* (default read-only read-write) */
	bool exec, suid, dev; /* suid and dev default to false */
	bool recursive;       /* bind with its submounts (the default) */
	int propagation;      /* enum: MOUNTS_PROPAGATION_* (private slave) */
	bool optional;        /* a bind whose source is missing is left out, and reported */
	bool source_link;     /* bind: the host path, too, leads to the target where it is free inside */
	int idmap;            /* enum: MOUNTS_IDMAP_* (none owner owner-or-none auto) */
	uint64_t size;        /* tmpfs, dev's shm, overlay's tmpfs upper: bytes */
	uint64_t inodes;      /* tmpfs: highest number of inodes */
	uint32_t mode;        /* tmpfs, file, directory */
	uint32_t uid, gid;    /* owner inside, of tmpfs, file, directory; ID_UNSET: the payload's */
	const char *content;  /* file: its bytes */
	struct strings lower; /* overlay: host directories, uppermost first */
	const char *upper;    /* overlay: "tmpfs" or a host directory */
	const char *work;     /* overlay: host directory beside a directory upper; NULL: made beside it */
	int subset;           /* proc, enum: MOUNTS_SUBSET_* (all pid) */
	int hidepid;          /* proc, enum: MOUNTS_HIDEPID_* (off noaccess invisible ptraceable) */
};

struct mount_list {
	struct mount *items;
	size_t count;
};

struct id_map {
	uint32_t inside, outside, count;
};

struct id_map_list {
	struct id_map *items;
	size_t count;
};

struct io_limit {
	const char *device;   /* a block device node on the host: /dev/vda */
	uint64_t read, write; /* bytes per second */
	uint64_t read_iops, write_iops;
};

struct io_limit_list {
	struct io_limit *items;
	size_t count;
};

struct device_rule {
	int type;           /* enum: CGROUP_DEVICES_TYPE_* (char block all) */
	int major, minor;   /* -1: every */
	const char *access; /* of the letters r w m */
};

struct device_rule_list {
	struct device_rule *items;
	size_t count;
};

struct cgroup_raw {
	const char *file, *value; /* file: CONTROLLER.NAME, no slash */
};

struct cgroup_raw_list {
	struct cgroup_raw *items;
	size_t count;
};

struct seccomp_when {
	const char *arg; /* "0".."5", or a name that schema/syscall-arguments knows for every syscall of the rule */
	/* Exactly one of these is set. Each is a number or an |-joined list of constant names we know. */
	const char *equals, *not_equals, *any, *none, *less, *greater;
};

struct seccomp_when_list {
	struct seccomp_when *items;
	size_t count;
};

struct seccomp_rule {
	struct strings syscalls;
	struct seccomp_when_list when; /* all of them must hold */
	const char *action;
};

struct seccomp_rule_list {
	struct seccomp_rule *items;
	size_t count;
};

struct sysctl {
	const char *name; /* dots or slashes: net.ipv4.ip_unprivileged_port_start */
	const char *value;
};

struct sysctl_list {
	struct sysctl *items;
	size_t count;
};

struct route {
	const char *to;  /* network: address/prefix */
	const char *via; /* address; NULL: on the link */
};

struct route_list {
	struct route *items;
	size_t count;
};

struct published_port {
	int host, guest;    /* guest: INT_UNSET means the same as host */
	int protocol;       /* enum: NETWORK_PUBLISH_PROTOCOL_* (tcp udp) */
	const char *listen; /* an address of the host */
};

struct published_port_list {
	struct published_port *items;
	size_t count;
};

struct host_name {
	const char *name, *address;
};

struct host_name_list {
	struct host_name *items;
	size_t count;
};

struct outbound_rule {
	int verdict;      /* enum: NETWORK_OUTBOUND_RULES_VERDICT_* (allow deny) */
	const char *to;   /* address, network, host name, "any", "host" */
	const char *port; /* "any", "80", "8000-8080" */
	int protocol;     /* enum: NETWORK_OUTBOUND_RULES_PROTOCOL_* (any tcp udp icmp) */
};

struct outbound_rule_list {
	struct outbound_rule *items;
	size_t count;
};

struct inbound_rule {
	int verdict;      /* enum: NETWORK_INBOUND_RULES_VERDICT_* */
	const char *from; /* as `to` above */
	const char *port;
	int protocol; /* enum: NETWORK_INBOUND_RULES_PROTOCOL_* */
};

struct inbound_rule_list {
	struct inbound_rule *items;
	size_t count;
};

struct param {
	const char *name, *default_, *doc; /* key `default` has a C keyword for a name */
	int type;                          /* enum: PARAMS_TYPE_* (string path directory file int size duration bool) */
};

struct param_list {
	struct param *items;
	size_t count;
};

struct profile {
	int format;
	const char *name;
	const char *description;
	struct param_list params;
	struct strings dangerous; /* names: host-root, host-paths, allow-by-default */

	struct strings namespaces; /* names: user mount pid net ipc uts cgroup time */
	struct join_list join;
	const char *hostname; /* "auto": a memorable one is made */
	const char *domainname;
	struct {
		int64_t monotonic, boottime; /* DURATION_UNSET: no offset */
	} time;

	struct {
		const char *source; /* host directory; NULL: an empty tmpfs */
		int access;         /* enum: ROOT_ACCESS_* (read-only read-write overlay) */
		const char *upper;  /* overlay: "tmpfs" or a host directory */
		const char *work;
		uint64_t size; /* tmpfs root, tmpfs upper */
		uint64_t inodes;
		uint32_t mode; /* tmpfs root */
		int idmap;     /* enum: ROOT_IDMAP_* (auto owner none) */
		bool exec, suid, dev;
	} root;
	struct mount_list mounts;
	struct strings hide;      /* paths inside */
	struct strings read_only; /* paths inside */

	struct {
		int map;                             /* enum: USERS_MAP_* (auto self root subid none) */
		uint32_t uid, gid;                   /* the payload's, inside */
		struct ints groups;                  /* supplementary, inside */
		struct id_map_list uid_map, gid_map; /* explicit maps, instead of `map` */
	} users;

	struct {
		const char *parent; /* cgroup path below each hierarchy's mount point */
		int missing;        /* enum: CGROUP_MISSING_* (fail skip): no cgroup can be made at all */
		struct {
			uint64_t max, high, low, swap; /* SIZE_UNSET: not written. swap is without memory */
			int missing;
		} memory;
		struct {
			int64_t max;      /* hundredths of a percent of one core */
			int64_t period;   /* nanoseconds of one quota period */
			int weight;       /* 1..10000, cgroup v2's scale; v1 shares are derived */
			const char *cpus; /* cpuset list */
			const char *mems;
			int missing;
		} cpu;
		struct {
			uint64_t max; /* a count; SIZE_UNLIMITED */
			int missing;
		} pids;
		struct {
			int weight; /* 1..10000 */
			struct io_limit_list max;
			int missing;
		} io;
		struct {
			int default_; /* enum: CGROUP_DEVICES_DEFAULT_* (deny allow) */
			struct device_rule_list allow;
			int missing;
		} devices;
		struct cgroup_raw_list raw;
	} cgroup;

	struct {
		struct limit as, core, cpu, data, fsize, locks, memlock, msgqueue, nice, nofile, nproc, rss, rtprio,
			rttime, sigpending, stack; /* cpu in seconds, rttime in microseconds */
	} rlimits;

	struct {
		struct strings drop, keep, ambient; /* names without CAP_; drop may hold ALL */
	} capabilities;
	bool no_new_privs;

	struct {
		const char *default_;       /* action for a known syscall that is not allowed */
		const char *unknown;        /* action for a number that this build has no name for */
		struct strings allow, deny; /* names and @sets */
		struct seccomp_rule_list rules;
		struct strings architectures; /* native, or libseccomp's names */
		bool log_denied;
	} seccomp;

	struct {
		struct strings read, write, execute; /* paths inside; all absent: no landlock layer */
		struct ints connect_tcp, bind_tcp;   /* ports */
		struct strings scope;                /* names: abstract-unix signal */
		bool restrict_tcp;                   /* set by the reader when either list was written, even as ( ) */
		int abi;                             /* lowest landlock ABI wanted; INT_UNSET: what the keys need */
		int missing;                         /* enum: LANDLOCK_MISSING_* */
	} landlock;

	struct {
		int mode;                   /* enum: NETWORK_MODE_* (none host veth macvlan ipvlan pasta) */
		const char *interface;      /* its name inside */
		const char *interface_from; /* the host's; NULL: none is moved */
		const char *parent;         /* macvlan, ipvlan */
		int mtu;                    /* INT_UNSET: the kernel's */
		const char *mac;            /* NULL: random */
		struct {
			const char *name; /* NULL: point to point */
			const char *address, *address6;
			bool create, isolated;
		} bridge;
		const char *address, *address6; /* address/prefix, "auto", "none" */
		const char *gateway, *gateway6; /* address, "auto", "none" */
		struct route_list routes;
		bool nat;
		int forwarding; /* enum: NETWORK_FORWARDING_* (require enable) */
		struct published_port_list publish;
		struct {
			struct strings servers, search, options; /* servers: addresses and "host" */
		} dns;
		struct host_name_list hosts;
		struct {
			int default_; /* enum: NETWORK_OUTBOUND_DEFAULT_* (allow deny) */
			struct outbound_rule_list rules;
		} outbound;
		struct {
			int default_; /* enum: NETWORK_INBOUND_DEFAULT_* */
			struct inbound_rule_list rules;
		} inbound;
		struct {
			uint64_t egress, ingress; /* bytes per second; SIZE_UNLIMITED */
		} rate;
		bool spoof_protection;
	} network;

	struct {
		struct strings command;
		const char *cwd;
		uint32_t umask;
		struct strings env;         /* NAME=VALUE, in order; the last of one name holds */
		struct strings inherit_env; /* names */
		bool init;                  /* PID 1 is ours: reaps and forwards */
		int tty;                    /* enum: PROCESS_TTY_* (auto always never inherit) */
		struct ints pass_fds;
		bool exec; /* further commands may be run in the sandbox */
		int nice;
		int oom_score_adj;     /* INT_UNSET: the launcher's */
		const char *affinity;  /* CPU list, sched_setaffinity(2) */
		int personality;       /* enum: PROCESS_PERSONALITY_* (linux linux32) */
		int wx;                /* enum: PROCESS_WX_* (allow deny): memory both writable and executable */
		int64_t time_limit;    /* wall clock; DURATION_UNLIMITED */
		int64_t kill_grace;    /* between SIGTERM and SIGKILL */
		uint64_t output_limit; /* bytes of stdout and stderr together */
	} process;
	struct sysctl_list sysctls;

	/* Not keys: where it came from. */
	struct arena *arena;
	const struct node *tree; /* the merged text, for profile_locate(); NULL when it did not come from text */
};

/* Where a key's value stands. `file` is NULL when the value is a default or the profile came from elsewhere; `path`
 * is the key as a user writes it, with the element's index ("mounts[2].source"). Strings live as long as the
 * profile, except `path`, which is in the struct. */
struct location {
	const char *file;
	int line;     /* 0: unknown, or the command line */
	bool written; /* the key itself was: `file` is not merely its parent's place */
	enum layer {
		LAYER_DEFAULT,      /* not written: the schema's */
		LAYER_EXTENDED,     /* in a profile that another one extends */
		LAYER_PROFILE,      /* in a profile that the command line names */
		LAYER_COMMAND_LINE, /* by -s and its short forms */
		LAYER_COUNT,
	} layer; /* where the value was said last */
	char path[128];
};

/* Finds key `key` (enum key_id) of element `index` of the outermost list on its path (-1: the key itself), or, where
 * the key is a list of words or numbers, the word `index` of it. For a key that was not written, the nearest written
 * parent's place. */
void profile_locate(const struct profile *profile, int key, int index, struct location *ret);

/* The keys written in element `index` of the outermost list on `key`'s path, each with its place and, as `path`, its
 * name alone: layers may have said them apart. Returns how many there are, at most `size`. */
size_t profile_locate_members(const struct profile *profile, int key, int index, struct location *ret, size_t size);

#endif
