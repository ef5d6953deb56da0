/* cgroup_tree: which cgroup hierarchies this host has, and where in each the sandbox's own cgroup goes.
 *
 * Runs in the launcher, in plan; reads, changes nothing. A host is "v2" (one unified hierarchy), "v1" (a hierarchy per
 * controller or group of controllers), or a hybrid of both, where a controller is in exactly one of them; so the
 * question is asked per controller, and no kind of host has code of its own.
 *
 * The base, below which `sandbox/<id>` is made, is the first of these that applies:
 *   1. cgroup.parent: must exist. We never make or remove it, nor anything above it.
 *   2. v2, the launcher's own cgroup, when it is delegated to it (an ordinary user: it may write there; root: systemd's
 *      delegate attribute, or the top of a cgroup namespace), and nobody else is in it. A v2 cgroup that passes
 *      controllers down cannot hold processes, so the launcher steps aside into `sandbox/launcher` until undo. Where
 *      no controller is needed, only a place to kill in, company does not matter.
 *   3. an ordinary user, v2: the nearest cgroup above that the user may write and that holds no process. It is above
 *      us, so the kernel lets us move a child from here to there. v1: our own cgroup, if writable.
 *   4. root: the top of the hierarchy.
 *
 * v2 at the true top: a controller that the top does not pass down is turned on there and stays on. Turning on only
 * adds files below; turning off could take away limits that somebody has set since. Everywhere else a controller that
 * base lacks is for base's owner to provide, and the error says how.
 *
 * Failure: exit 122 with the remedy, unless cgroup.missing says "skip" (cgroup_plan.c). Nothing to undo.
 */
#include "stage/cgroup.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/file.h"
#include "base/format.h"
#include "base/parse.h"

/* ---- reading the host ------------------------------------------------------------------------------------------- */

/* mountinfo writes blank, tab, newline and backslash as \ooo. */
static void unescape(char *text)
{
	char *to = text;

	for (const char *from = text; *from; to++) {
		if (from[0] == '\\' && from[1] && from[2] && from[3]) {
			*to = (char)((from[1] - '0') * 64 + (from[2] - '0') * 8 + (from[3] - '0'));
			from += 4;
		} else {
			*to = *from++;
		}
	}
	*to = '\0';
}

static const char *empty_if_slash(const char *path)
{
	return strcmp(path, "/") == 0 ? "" : path;
}

bool cgroup_names_all(const char *options, const char *list)
{
	for (;;) {
		size_t length = strcspn(list, ",");
		const char *at = options;

		while (at && (strncmp(at, list, length) != 0 || (at[length] && at[length] != ','))) {
			at = strchr(at, ',');
			at = at ? at + 1 : NULL;
		}
		if (!at)
			return false;
		if (!list[length])
			return true;
		list += length + 1;
	}
}

enum { FIELD_ROOT = 3, FIELD_MOUNT = 4, FIELDS_FIXED = 6 };

struct mount_line {
	char *root, *mount, *type, *options;
};

/* One line of mountinfo, cut up in place: see proc_pid_mountinfo(5). False when it is none. */
static bool read_mount_line(char *line, struct mount_line *ret)
{
	char *save = NULL;
	char *word = strtok_r(line, " ", &save);

	for (int field = 0; word && field < FIELDS_FIXED; field++, word = strtok_r(NULL, " ", &save)) {
		if (field == FIELD_ROOT)
			ret->root = word;
		if (field == FIELD_MOUNT)
			ret->mount = word;
	}
	while (word && strcmp(word, "-") != 0)
		word = strtok_r(NULL, " ", &save);
	if (!word)
		return false;
	ret->type = strtok_r(NULL, " ", &save);
	(void)strtok_r(NULL, " ", &save);
	ret->options = strtok_r(NULL, " ", &save);
	return ret->options != NULL;
}

/* Our cgroup `self`, seen from the mount point of a hierarchy whose `root` is mounted there. */
static const char *below_root(const char *self, const char *root)
{
	size_t length = strlen(root);

	if (strncmp(self, root, length) != 0 || (self[length] && self[length] != '/') || strstr(self, "/.."))
		return NULL;
	return self + length;
}

/* Fills in the mount of every hierarchy that this line mounts and that has none yet. */
static void match_mount(struct cgroup_hierarchies *hierarchies, const struct mount_line *line)
{
	bool v2 = strcmp(line->type, "cgroup2") == 0;

	if (!v2 && strcmp(line->type, "cgroup") != 0)
		return;
	for (size_t i = 0; i < hierarchies->count; i++) {
		struct cgroup_hierarchy *item = &hierarchies->items[i];

		if (item->mount || item->v2 != v2 || (!v2 && !cgroup_names_all(line->options, item->controllers)))
			continue;
		unescape(line->root);
		unescape(line->mount);
		item->mount = line->mount;
		item->root = empty_if_slash(line->root);
		item->own = below_root(item->own, item->root);
		return;
	}
}

/* "4:memory:/a/b" of /proc/PID/cgroup; "0::/a/b" is the unified hierarchy. */
static int read_self_line(char *line, struct cgroup_hierarchies *ret)
{
	char *controllers = strchr(line, ':');
	char *path = controllers ? strchr(controllers + 1, ':') : NULL;

	if (!path || path[1] != '/') {
		errno = EINVAL;
		return -1;
	}
	if (ret->count == CGROUP_HIERARCHIES_MAX)
		return 0;
	*controllers++ = '\0';
	*path++ = '\0';
	ret->items[ret->count++] = (struct cgroup_hierarchy){
		.v2 = strcmp(line, "0") == 0,
		.controllers = controllers,
		.own = empty_if_slash(path),
	};
	return 0;
}

int cgroup_parse(struct arena *arena, const char *mountinfo, const char *self, struct cgroup_hierarchies *ret)
{
	char *mounts = arena_copy(arena, mountinfo);
	char *lines = arena_copy(arena, self);
	char *save = NULL;
	size_t kept = 0;

	*ret = (struct cgroup_hierarchies){ 0 };
	if (!mounts || !lines)
		return -1;
	for (char *line = strtok_r(lines, "\n", &save); line; line = strtok_r(NULL, "\n", &save))
		if (read_self_line(line, ret))
			return -1;
	for (char *line = strtok_r(mounts, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		struct mount_line fields = { 0 };

		if (strstr(line, " - cgroup") && read_mount_line(line, &fields))
			match_mount(ret, &fields);
	}
	for (size_t i = 0; i < ret->count; i++)
		if (ret->items[i].mount)
			ret->items[kept++] = ret->items[i];
	ret->count = kept;
	return 0;
}

static int read_whole(const char *path, struct text *ret, struct error *err)
{
	AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC);
	char buffer[16 * 1024];
	ssize_t n = 0;

	if (fd < 0)
		return fail_errno(err, 0, "cannot open %s", path);
	while ((n = read(fd, buffer, sizeof(buffer))) > 0)
		text_add_n(ret, buffer, (size_t)n);
	if (n < 0)
		return fail_errno(err, 0, "cannot read %s", path);
	text_add_n(ret, "", 0);
	errno = ENOMEM;
	return ret->failed ? fail_errno(err, 0, "cannot read %s", path) : 0;
}

int cgroup_find(struct arena *arena, struct cgroup_hierarchies *ret, struct error *err)
{
	struct text mountinfo = { 0 }, self = { 0 };
	int status = -1;

	if (!read_whole("/proc/self/mountinfo", &mountinfo, err) && !read_whole("/proc/self/cgroup", &self, err)) {
		status = cgroup_parse(arena, mountinfo.data, self.data, ret);
		if (status)
			fail_errno(err, 0, "cannot make sense of /proc/self/mountinfo and /proc/self/cgroup");
	}
	text_free(&mountinfo);
	text_free(&self);
	return status;
}

const struct cgroup_hierarchy *cgroup_unified(const struct cgroup_hierarchies *hierarchies)
{
	for (size_t i = 0; i < hierarchies->count; i++)
		if (hierarchies->items[i].v2)
			return &hierarchies->items[i];
	return NULL;
}

const struct cgroup_hierarchy *cgroup_hierarchy_of(const struct cgroup_hierarchies *hierarchies, const char *controller)
{
	for (size_t i = 0; i < hierarchies->count; i++)
		if (!hierarchies->items[i].v2 && cgroup_names_all(hierarchies->items[i].controllers, controller))
			return &hierarchies->items[i];
	return cgroup_unified(hierarchies);
}

/* ---- placing ---------------------------------------------------------------------------------------------------- */

static bool may_write(const char *directory, const char *file)
{
	char path[PATH_MAX];

	format_text(path, sizeof(path), file ? "%s/%s" : "%s", directory, file);
	return faccessat(AT_FDCWD, path, W_OK, AT_EACCESS) == 0;
}

/* Whether we may make cgroups below `directory` and move processes into them. */
static bool is_ours(const struct cgroup_hierarchy *hierarchy, const char *directory)
{
	return may_write(directory, NULL) && may_write(directory, "cgroup.procs") &&
	       (!hierarchy->v2 || may_write(directory, "cgroup.subtree_control"));
}

/* How many processes are right in `directory`, as far as it matters: 0, 1 (ourselves, and the companion: 0 for none), 2
 * (others). */
static int company(const char *directory, pid_t companion)
{
	char path[PATH_MAX], text[256];
	const char *at = text;
	uint64_t pid = 0;
	int count = 0;

	format_text(path, sizeof(path), "%s/cgroup.procs", directory);
	if (read_file_at(AT_FDCWD, path, text, sizeof(text)) < 0)
		return 2;
	while ((at = parse_next(at, &pid))) {
		/* One of another pid namespace is listed as 0. */
		if (pid == 0 || (pid != (uint64_t)getpid() && pid != (uint64_t)companion))
			return 2;
		count = 1;
	}
	return count;
}

/* The true top of v2 is exempt from the rule that a cgroup passes down controllers or holds processes; every other
 * cgroup, the top of a namespace too, has a cgroup.type. */
static bool is_true_top(const char *directory)
{
	char path[PATH_MAX];

	format_text(path, sizeof(path), "%s/cgroup.type", directory);
	return access(path, F_OK) != 0;
}

/* systemd marks what it delegates, see its page on cgroup delegation; the top of a cgroup namespace is its owner's. */
static bool is_delegated_to_root(const struct cgroup_hierarchy *hierarchy, const char *directory)
{
	char value = 0;

	if (getxattr(directory, "trusted.delegate", &value, 1) == 1 ||
	    getxattr(directory, "user.delegate", &value, 1) == 1)
		return value == '1';
	return !hierarchy->own[0] && !is_true_top(directory);
}

static int set_base(struct plan *plan, struct cgroup_leaf *leaf, const char *base, size_t length, struct error *err)
{
	leaf->base = arena_copy_n(&plan->arena, base, length);
	leaf->base_path = arena_format(&plan->arena, "%s%.*s", leaf->hierarchy->mount, (int)length, base);
	if (leaf->base && leaf->base_path)
		return 0;
	return fail_errno(err, K_CGROUP, "cannot plan the cgroup");
}

/* cgroup.procs of the nearest cgroup above both the launcher's and base must be writable, or v2 moves nothing between
 * them (cgroups(7), delegation containment). */
static int check_containment(struct plan *plan, const struct cgroup_leaf *leaf, struct error *err)
{
	const struct cgroup_hierarchy *hierarchy = leaf->hierarchy;
	size_t common = 0, at = 0;
	const char *path = NULL;

	if (!hierarchy->v2 || !hierarchy->own)
		return 0;
	while (hierarchy->own[at] && hierarchy->own[at] == leaf->base[at]) {
		at++;
		if ((!hierarchy->own[at] || hierarchy->own[at] == '/') && (!leaf->base[at] || leaf->base[at] == '/'))
			common = at;
	}
	path = arena_format(&plan->arena, "%s%.*s", hierarchy->mount, (int)common, leaf->base);
	if (!path)
		return fail_errno(err, K_CGROUP_PARENT, "cannot plan the cgroup");
	if (may_write(path, "cgroup.procs"))
		return 0;
	fail_errno(err, K_CGROUP_PARENT, "cannot move a process from %s%s to %s: %s/cgroup.procs is not ours to write",
		   hierarchy->mount, hierarchy->own, leaf->base_path, path);
	return error_remedy(err, "start sandbox from a cgroup below %s", leaf->base_path);
}

/* Only the part below the mount point counts; ".." would leave what the administrator meant. */
static int place_in_parent(struct plan *plan, struct cgroup_leaf *leaf, struct error *err)
{
	const char *parent = plan->profile->cgroup.parent + strspn(plan->profile->cgroup.parent, "/");
	size_t length = strlen(parent);
	AUTO_CLOSE int mount = open(leaf->hierarchy->mount, O_PATH | O_DIRECTORY | O_CLOEXEC);
	AUTO_CLOSE int fd = -1;
	const char *base = arena_format(&plan->arena, "/%s", parent);

	while (length && parent[length - 1] == '/')
		length--;
	if (!length) {
		fail(err, K_CGROUP_PARENT, "the top of the hierarchy is no parent");
		return error_exit(err, EXIT_OF_PROFILE);
	}
	if (!base || set_base(plan, leaf, base, length + 1, err))
		return fail_errno(err, K_CGROUP_PARENT, "cannot plan the cgroup");
	fd = mount < 0 ? -1 : open_beneath(mount, leaf->base + 1, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0) {
		fail_errno(err, K_CGROUP_PARENT, "cannot open the cgroup %s", leaf->base_path);
		return err->sys_errno == ENOENT ? error_remedy(err, "make it first: mkdir -p %s", leaf->base_path) : -1;
	}
	if (is_ours(leaf->hierarchy, leaf->base_path))
		return check_containment(plan, leaf, err);
	return fail_errno(err, K_CGROUP_PARENT, "cannot make a cgroup in %s", leaf->base_path);
}

/* The nearest cgroup above our own that is ours and holds nobody; its length within hierarchy->own, or -1. */
static ssize_t find_above(struct plan *plan, const struct cgroup_leaf *leaf, bool controllers)
{
	const char *own = leaf->hierarchy->own;
	size_t length = strlen(own);

	while (length) {
		const char *path = NULL;

		while (length && own[length - 1] != '/')
			length--;
		length -= length > 0;
		path = arena_format(&plan->arena, "%s%.*s", leaf->hierarchy->mount, (int)length, own);
		if (path && is_ours(leaf->hierarchy, path) && (!controllers || !company(path, 0)))
			return (ssize_t)length;
	}
	return -1;
}

static int nothing_delegated(const struct cgroup_leaf *leaf, struct error *err)
{
	const struct cgroup_hierarchy *hierarchy = leaf->hierarchy;

	fail(err, K_CGROUP, "cannot make a cgroup: nothing below %s is delegated to this user", hierarchy->mount);
	if (hierarchy->v2)
		return error_remedy(
			err, "run it in a cgroup of its own: systemd-run --user --scope -p Delegate=yes -- "
			     "sandbox ...   (controllers for users: systemctl edit user@.service, with [Service] "
			     "Delegate=cpu cpuset io memory pids), or set cgroup.missing = \"skip\"");
	return error_remedy(
		err, "this host has the controller on cgroup v1, where only root can use it: run as root, give the "
		     "user a writable cgroup as cgroup.parent, or set cgroup.missing = \"skip\" to go without limits");
}

/* Rule 2: whether the launcher's own cgroup can be base. */
static bool place_in_own(struct plan *plan, struct cgroup_leaf *leaf, bool controllers)
{
	const struct cgroup_hierarchy *hierarchy = leaf->hierarchy;
	const char *path = NULL;
	struct error unused;

	if (!hierarchy->own || (plan->caller->root && !hierarchy->v2))
		return false;
	path = arena_format(&plan->arena, "%s%s", hierarchy->mount, hierarchy->own);
	if (!path || (plan->caller->root && !is_delegated_to_root(hierarchy, path)) || !is_ours(hierarchy, path))
		return false;
	leaf->move_launcher = hierarchy->v2 && controllers;
	leaf->companion = plan->caller->companion;
	if (leaf->move_launcher && company(path, leaf->companion) != 1) {
		leaf->move_launcher = false;
		return false;
	}
	return !set_base(plan, leaf, hierarchy->own, strlen(hierarchy->own), &unused);
}

int cgroup_place(struct plan *plan, struct cgroup_leaf *leaf, bool controllers, struct error *err)
{
	ssize_t above = -1;

	leaf->enable = leaf->enable_base = "";
	if (plan->profile->cgroup.parent)
		return place_in_parent(plan, leaf, err);
	if (place_in_own(plan, leaf, controllers))
		return 0;
	if (plan->caller->root) {
		if (set_base(plan, leaf, "", 0, err))
			return -1;
		if (is_ours(leaf->hierarchy, leaf->base_path))
			return 0;
		fail_errno(err, K_CGROUP, "cannot make a cgroup in %s", leaf->base_path);
		return error_remedy(err,
				    "let the file system be mounted read-write, or set cgroup.missing = \"skip\" to go "
				    "without limits");
	}
	if (leaf->hierarchy->v2 && leaf->hierarchy->own)
		above = find_above(plan, leaf, controllers);
	if (above < 0)
		return nothing_delegated(leaf, err);
	return set_base(plan, leaf, leaf->hierarchy->own, (size_t)above, err);
}

/* ---- v2: controllers -------------------------------------------------------------------------------------------- */

static int read_words(const char *directory, const char *file, char *text, size_t size, struct error *err)
{
	char path[PATH_MAX];
	ssize_t length = 0;

	format_text(path, sizeof(path), "%s/%s", directory, file);
	length = read_file_at(AT_FDCWD, path, text, size);
	if (length < 0)
		return fail_errno(err, K_CGROUP, "cannot read %s", path);
	for (char *at = text; *at; at++)
		if (*at == ' ' || *at == '\n')
			*at = ',';
	return 0;
}

static int add_controller(struct plan *plan, const char **list, const char *controller, struct error *err)
{
	*list = arena_format(&plan->arena, "%s%s+%s", *list, **list ? " " : "", controller);
	return *list ? 0 : fail_errno(err, K_CGROUP, "cannot plan the cgroup");
}

static int controller_absent(const struct plan *plan, const struct cgroup_leaf *leaf, const char *controller,
			     struct error *err)
{
	fail(err, K_CGROUP, "the %s controller is not available in %s", controller, leaf->base_path);
	if (plan->profile->cgroup.parent && leaf->base[0])
		error_remedy(err, "let the cgroups above pass it down: echo +%s > .../cgroup.subtree_control",
			     controller);
	else if (!plan->caller->root)
		error_remedy(err, "let the system pass it down to users: systemctl edit user@.service, with [Service] "
				  "Delegate=cpu cpuset io memory pids");
	return 0;
}

int cgroup_enable(struct plan *plan, struct cgroup_leaf *leaf, const char *controller, struct error *err)
{
	char available[512], passed[512];

	if (read_words(leaf->base_path, "cgroup.controllers", available, sizeof(available), err) ||
	    read_words(leaf->base_path, "cgroup.subtree_control", passed, sizeof(passed), err))
		return -1;
	if (!cgroup_names_all(available, controller))
		return controller_absent(plan, leaf, controller, err);
	if (!cgroup_names_all(passed, controller)) {
		if (!leaf->move_launcher && company(leaf->base_path, 0) && !is_true_top(leaf->base_path)) {
			fail(err, K_CGROUP,
			     "the %s controller is not passed down by %s, which cannot be changed while processes "
			     "are in it",
			     controller, leaf->base_path);
			error_remedy(
				err,
				"move them into a cgroup of their own below it, or run sandbox in a cgroup of its own");
			return 0;
		}
		if (add_controller(plan, &leaf->enable_base, controller, err))
			return -1;
	}
	return add_controller(plan, &leaf->enable, controller, err) ? -1 : 1;
}
