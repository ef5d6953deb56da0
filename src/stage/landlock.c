/* landlock: a second fence around files, TCP ports, abstract sockets and signals, held by the kernel's Landlock.
 *
 * plan     (parent) asks the kernel which Landlock ABI it has, compares it with what the section needs, and works out
 *          the access rights. Every right that the kernel knows is handled, so that what no rule names is denied.
 * confine  (payload) opens each path as a path inside, makes the ruleset and puts itself under it. After attest,
 *          because nothing else can be opened afterwards; before seccomp, whose filter need not allow these calls. By
 *          then the payload's own rights apply: a path that it may not reach cannot be named.
 *
 * Mount and pivot are denied to whoever stands under a ruleset, descriptors that are open already are not touched
 * (landlock(7)). The layer cannot be read back from /proc. Where the root directory itself is out of reach by the
 * rules, opening it must fail now, and that is tried.
 *
 * Needs: Linux 5.13 for paths (ABI 1), 6.7 for TCP ports (ABI 4), 6.12 for scopes (ABI 6); the kernel may be built or
 * booted without. landlock.missing says whether that fails or is reported. Nothing to undo.
 */
#include "stage/stage.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>

#include "base/fd.h"
#include "base/file.h"
#include "base/syscall.h"

/* The kernel's interface as of ABI 7; installed headers may be older. */
enum {
	RULE_PATH_BENEATH = 1,
	RULE_NET_PORT = 2,
	CREATE_RULESET_VERSION = 1,
};

enum access_fs {
	FS_EXECUTE = 1 << 0,
	FS_WRITE_FILE = 1 << 1,
	FS_READ_FILE = 1 << 2,
	FS_READ_DIR = 1 << 3,
	FS_REMOVE_DIR = 1 << 4,
	FS_REMOVE_FILE = 1 << 5,
	FS_MAKE_CHAR = 1 << 6,
	FS_MAKE_DIR = 1 << 7,
	FS_MAKE_REG = 1 << 8,
	FS_MAKE_SOCK = 1 << 9,
	FS_MAKE_FIFO = 1 << 10,
	FS_MAKE_BLOCK = 1 << 11,
	FS_MAKE_SYM = 1 << 12,
	FS_ABI_1 = (1 << 13) - 1,
	FS_REFER = 1 << 13,     /* ABI 2 */
	FS_TRUNCATE = 1 << 14,  /* ABI 3 */
	FS_IOCTL_DEV = 1 << 15, /* ABI 5 */

	/* What a profile can grant; device nodes cannot be made by anybody. */
	FS_READ = FS_READ_FILE | FS_READ_DIR,
	FS_READ_EXECUTE = FS_READ | FS_EXECUTE,
	FS_READ_WRITE = FS_READ | FS_WRITE_FILE | FS_REMOVE_DIR | FS_REMOVE_FILE | FS_MAKE_DIR | FS_MAKE_REG |
			FS_MAKE_SOCK | FS_MAKE_FIFO | FS_MAKE_SYM | FS_REFER | FS_TRUNCATE | FS_IOCTL_DEV,
	/* What makes sense for anything that is no directory; the kernel refuses the others there. */
	FS_OF_FILES = FS_EXECUTE | FS_WRITE_FILE | FS_READ_FILE | FS_TRUNCATE | FS_IOCTL_DEV,
};

enum { NET_BIND_TCP = 1 << 0, NET_CONNECT_TCP = 1 << 1 };
enum { SCOPE_ABSTRACT_UNIX = 1 << 0, SCOPE_SIGNAL = 1 << 1 };
enum { ABI_PATHS = 1, ABI_REFER = 2, ABI_TRUNCATE = 3, ABI_TCP = 4, ABI_IOCTL_DEV = 5, ABI_SCOPES = 6 };

struct ruleset_attr {
	uint64_t handled_fs, handled_net, scoped;
};

struct path_attr {
	uint64_t allowed;
	int32_t parent_fd;
} __attribute__((packed));

struct port_attr {
	uint64_t allowed, port;
};

/* ---- plan */

static uint64_t fs_of_abi(int abi)
{
	uint64_t access = FS_ABI_1;

	if (abi >= ABI_REFER)
		access |= FS_REFER;
	if (abi >= ABI_TRUNCATE)
		access |= FS_TRUNCATE;
	if (abi >= ABI_IOCTL_DEV)
		access |= FS_IOCTL_DEV;
	return access;
}

/* Every rule must lie within what is handled, so that is masked here once. */
static void add_paths(struct landlock_plan *landlock, const struct strings *paths, int key, uint64_t access)
{
	for (size_t i = 0; i < paths->count; i++)
		landlock->paths[landlock->path_count++] = (struct landlock_path){
			.path = paths->items[i],
			.access = access & landlock->handled_fs,
			.index = (int)i,
			.key = key,
		};
}

static void add_ports(struct landlock_plan *landlock, const struct ints *ports, uint64_t access)
{
	for (size_t i = 0; i < ports->count; i++)
		landlock->ports[landlock->port_count++] = (struct landlock_port){
			.port = (uint16_t)ports->items[i],
			.access = access,
		};
}

static uint64_t scopes_of(const struct strings *names)
{
	uint64_t scopes = 0;

	for (size_t i = 0; i < names->count; i++)
		scopes |= strcmp(names->items[i], "signal") == 0 ? SCOPE_SIGNAL : SCOPE_ABSTRACT_UNIX;
	return scopes;
}

/* Pages of their own: shared over the clone, and gone from the payload with its execve. */
static int make_found(struct landlock_plan *landlock, size_t count)
{
	void *memory =
		mmap(NULL, count * sizeof(*landlock->found), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	landlock->found = memory == MAP_FAILED ? NULL : memory;
	return landlock->found ? 0 : -1;
}

static int add_rules(const struct profile *profile, struct plan *plan, struct error *err)
{
	const struct strings *read = &profile->landlock.read, *write = &profile->landlock.write;
	const struct strings *execute = &profile->landlock.execute;
	const struct ints *connect = &profile->landlock.connect_tcp, *bind = &profile->landlock.bind_tcp;
	struct landlock_plan *landlock = &plan->landlock;
	size_t paths = read->count + write->count + execute->count, ports = connect->count + bind->count;

	landlock->paths = arena_array(&plan->arena, paths, sizeof(*landlock->paths));
	landlock->ports = arena_array(&plan->arena, ports, sizeof(*landlock->ports));
	if (!landlock->paths || !landlock->ports || (paths && make_found(landlock, paths)))
		return fail_errno(err, 0, "cannot keep the rules");
	landlock->handled_fs = paths ? fs_of_abi(landlock->abi) : 0;
	landlock->handled_net = profile->landlock.restrict_tcp ? NET_BIND_TCP | NET_CONNECT_TCP : 0;
	landlock->scoped = scopes_of(&profile->landlock.scope);
	add_paths(landlock, read, K_LANDLOCK_READ, FS_READ);
	add_paths(landlock, write, K_LANDLOCK_WRITE, FS_READ_WRITE);
	add_paths(landlock, execute, K_LANDLOCK_EXECUTE, FS_READ_EXECUTE);
	add_ports(landlock, connect, NET_CONNECT_TCP);
	add_ports(landlock, bind, NET_BIND_TCP);
	return 0;
}

/* The lowest ABI that knows everything the section says; 0: it says nothing. */
static int needed_abi(const struct profile *profile)
{
	int needed = 0;

	if (profile->landlock.read.count || profile->landlock.write.count || profile->landlock.execute.count)
		needed = ABI_PATHS;
	if (profile->landlock.restrict_tcp)
		needed = ABI_TCP;
	if (profile->landlock.scope.count)
		needed = ABI_SCOPES;
	if (needed && profile->landlock.abi != INT_UNSET && profile->landlock.abi > needed)
		needed = profile->landlock.abi;
	return needed;
}

static int too_old(const struct profile *profile, struct plan *plan, int needed, struct error *err)
{
	int abi = plan->landlock.abi;

	if (profile->landlock.missing == LANDLOCK_MISSING_SKIP)
		return plan_degraded(plan, "landlock", err);
	if (abi < 1)
		fail(err, K_LANDLOCK_ABI, "cannot use Landlock: the kernel does not have it, or it is not turned on");
	else
		fail(err, K_LANDLOCK_ABI, "cannot use Landlock ABI %d: the kernel has ABI %d", needed, abi);
	return error_remedy(err, "add landlock to the kernel's lsm= parameter, or use a newer kernel; "
				 "landlock.missing = \"skip\" does without");
}

int landlock_plan(const struct profile *profile, struct plan *plan, struct error *err)
{
	int needed = needed_abi(profile);

	if (!needed)
		return 0;
	plan->landlock.abi = sys_landlock_create_ruleset(NULL, 0, CREATE_RULESET_VERSION);
	if (plan->landlock.abi < needed)
		return too_old(profile, plan, needed, err);
	plan->landlock.wanted = true;
	return add_rules(profile, plan, err);
}

/* ---- the payload */

CHILD static bool same_file(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

/* The payload may have put another thing in the place of a path since its own rules were made; a command that comes
 * later would be granted that. */
CHILD static int check_found(const struct landlock_path *path, struct landlock_found *known, const struct stat *found,
			     struct error *err)
{
	if (!known->ino) {
		*known = (struct landlock_found){ .dev = found->st_dev, .ino = found->st_ino };
		return 0;
	}
	if (known->dev == found->st_dev && known->ino == found->st_ino)
		return 0;
	return fail_at(err, path->key, path->index, "%s is not what it was when the sandbox started", path->path);
}

/* *ret_root becomes true when the path is the root directory. */
CHILD static int add_path(int ruleset, const struct landlock_path *path, struct landlock_found *known, bool *ret_root,
			  struct error *err)
{
	AUTO_CLOSE int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	AUTO_CLOSE int fd = root < 0 ? -1 : open_in_root(root, path->path, O_PATH, 0);
	struct path_attr attr = { .allowed = path->access, .parent_fd = fd };
	struct stat found, top;

	if (fd < 0)
		return fail_errno_at(err, path->key, path->index, "cannot open %s", path->path);
	if (fstat(fd, &found) || fstat(root, &top))
		return fail_errno_at(err, path->key, path->index, "cannot look at %s", path->path);
	fd_close(&root);
	if (check_found(path, known, &found, err))
		return -1;
	if (!S_ISDIR(found.st_mode))
		attr.allowed &= FS_OF_FILES;
	if (sys_landlock_add_rule(ruleset, RULE_PATH_BENEATH, &attr, 0))
		return fail_errno_at(err, path->key, path->index, "cannot add a Landlock rule for %s", path->path);
	*ret_root = *ret_root || same_file(&found, &top);
	return 0;
}

CHILD static int add_port(int ruleset, const struct landlock_port *port, struct error *err)
{
	const struct port_attr attr = { .allowed = port->access, .port = port->port };
	int key = port->access == NET_BIND_TCP ? K_LANDLOCK_BIND_TCP : K_LANDLOCK_CONNECT_TCP;

	if (sys_landlock_add_rule(ruleset, RULE_NET_PORT, &attr, 0))
		return fail_errno(err, key, "cannot add a Landlock rule for TCP port %u", port->port);
	return 0;
}

/* No rule grants anything on the root directory: opening it must be refused from now on. */
CHILD static int prove(struct error *err)
{
	AUTO_CLOSE int fd = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0 && errno == EACCES)
		return 0;
	fail(err, 0, "Landlock is not in force: the root directory can still be opened");
	return error_exit(err, EXIT_OF_INTERNAL);
}

/* Should: handle every right that the kernel knows.  Mustn't: come before anything that opens a file. */
CHILD int landlock_confine(const struct plan *plan, struct inside *inside, struct error *err)
{
	const struct landlock_plan *landlock = &plan->landlock;
	const struct ruleset_attr attr = { landlock->handled_fs, landlock->handled_net, landlock->scoped };
	AUTO_CLOSE int ruleset = -1;
	bool root_granted = false;

	(void)inside;
	if (!landlock->wanted)
		return 0;
	ruleset = sys_landlock_create_ruleset(&attr, sizeof(attr), 0);
	if (ruleset < 0)
		return fail_errno(err, 0, "cannot make a Landlock ruleset");
	for (size_t i = 0; i < landlock->path_count; i++)
		if (add_path(ruleset, &landlock->paths[i], &landlock->found[i], &root_granted, err))
			return -1;
	for (size_t i = 0; i < landlock->port_count; i++)
		if (add_port(ruleset, &landlock->ports[i], err))
			return -1;
	if (sys_landlock_restrict_self(ruleset, 0))
		return fail_errno(err, 0, "cannot enter the Landlock ruleset");
	return landlock->handled_fs && !root_granted ? prove(err) : 0;
}

/* ---- explain */

static const char *verb_of(int key)
{
	return key == K_LANDLOCK_READ ? "read" : key == K_LANDLOCK_WRITE ? "read and write" : "read and execute";
}

/* The first release with an ABI. */
static const char *release_of(int abi)
{
	static const char *const releases[] = { NULL, "5.13", "5.19", "6.2", "6.7", "6.10", "6.12", "6.15" };
	const int known = sizeof(releases) / sizeof(releases[0]);

	return abi < known ? releases[abi] : "later than 6.15";
}

void landlock_describe(const struct plan *plan, struct description *out)
{
	const struct landlock_plan *landlock = &plan->landlock;

	if (!landlock->wanted) {
		if (needed_abi(plan->profile))
			describe(out, K_LANDLOCK_MISSING, -1, "left out: the kernel has no Landlock, or too old a one");
		return;
	}
	describe_need(out, "Landlock ABI %d (Linux %s)", needed_abi(plan->profile),
		      release_of(needed_abi(plan->profile)));
	if (landlock->handled_fs)
		describe(out, 0, -1, "Landlock (ABI %d): nothing but the following can be opened", landlock->abi);
	for (size_t i = 0; i < landlock->path_count; i++) {
		const struct landlock_path *path = &landlock->paths[i];

		describe(out, path->key, path->index, "may %s below %s", verb_of(path->key), path->path);
	}
	if (landlock->handled_net)
		describe(out, 0, -1, "no TCP port but the following can be bound or connected to");
	for (size_t i = 0; i < landlock->port_count; i++) {
		bool bind = landlock->ports[i].access == NET_BIND_TCP;

		describe(out, bind ? K_LANDLOCK_BIND_TCP : K_LANDLOCK_CONNECT_TCP, -1, "may %s TCP port %u",
			 bind ? "bind" : "connect to", landlock->ports[i].port);
	}
	for (size_t i = 0; i < plan->profile->landlock.scope.count; i++)
		describe(out, K_LANDLOCK_SCOPE, (int)i,
			 strcmp(plan->profile->landlock.scope.items[i], "signal")
				 ? "reaches no abstract socket made outside"
				 : "signals no process outside");
}
