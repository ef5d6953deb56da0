/* names: /etc/resolv.conf, /etc/hosts and /etc/hostname inside, whatever the root is.
 *
 * plan     (parent) decides which of the three are made. resolv.conf: when network.dns says anything. hosts and
 *          hostname: when the sandbox has a network interface of its own; hosts also when network.hosts has an entry.
 *          A mount that the profile itself puts there stays, unless the section says something that it would hide:
 *          one of the two is then a mistake.
 * host     (parent, after network, which knows the addresses by then) composes the texts. The host's own resolv.conf
 *          is read here, where only a launch comes.
 * enter    (child, after mounts) writes each text into the staging tmpfs and mounts it, read-only, on its place.
 *          Nothing of the image is opened, followed or changed: the mount goes on top of whatever has the name, a link
 *          itself included, not what it leads to (move_mount(2) takes a link that was opened with O_NOFOLLOW as the
 *          place). Only where there is nothing, and the file system can be written, an empty file is made for it.
 *          Where it cannot, /etc is covered by a read-only overlay that has the files (names_cover.c); / likewise,
 *          where there is no /etc.
 *
 * Needs: overlayfs for the latter. Fails where a writable root has a directory in a file's place, or a link that leads
 * nowhere in /etc's: neither is ours to remove. The files die with the mount namespace; an empty one that was made as
 * a mount point in a writable root stays there.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/file.h"
#include "base/format.h"
#include "base/place.h"
#include "stage/filesystem.h"
#include "stage/name_files.h"

/* The staging tmpfs has room for three of this size (see root.c). */
enum { TEXT_MAX = 256 * 1024 };

const struct names_file names_files[NAMES_COUNT] = {
	[NAMES_RESOLV] = { "resolv.conf", "/etc/resolv.conf", K_NETWORK_DNS },
	[NAMES_HOSTS] = { "hosts", "/etc/hosts", K_NETWORK_HOSTS },
	[NAMES_HOSTNAME] = { "hostname", "/etc/hostname", K_HOSTNAME },
};

/* ---- plan */

static bool own_interface(const struct profile *profile, const struct plan *plan)
{
	int mode = profile->network.mode;

	return plan->namespaces.net &&
	       (mode == NETWORK_MODE_VETH || mode == NETWORK_MODE_MACVLAN || mode == NETWORK_MODE_IPVLAN ||
		mode == NETWORK_MODE_PASTA || profile->network.interface_from);
}

/* Whether the profile wants something in this file that a mount of its own would hide. */
static bool says_something(const struct profile *profile, int file)
{
	if (file == NAMES_RESOLV)
		return true;
	if (file == NAMES_HOSTNAME)
		return false;
	for (size_t i = 0; i < profile->network.hosts.count; i++)
		if (!names_is_localhost(&profile->network.hosts.items[i]))
			return true;
	return names_pinned(profile);
}

static int check_mounts(struct plan *plan, int file, struct error *err)
{
	for (size_t i = 0; i < plan->mounts.count; i++) {
		const struct mount_plan *item = &plan->mounts.items[i];

		if (item->skipped || strcmp(item->target, names_files[file].path) != 0)
			continue;
		plan->names.wanted[file] = false;
		if (!says_something(plan->profile, file))
			return 0;
		fail_at(err, K_MOUNTS_TARGET, item->index, "cannot mount %s: the section network says what it holds",
			item->target);
		error_remedy(err, file == NAMES_RESOLV
					  ? "leave this mount out, or network.dns"
					  : "leave this mount out, or network.hosts and the host names in rules");
		return error_exit(err, EXIT_OF_PROFILE);
	}
	return 0;
}

int names_plan(const struct profile *profile, struct plan *plan, struct error *err)
{
	struct names_plan *names = &plan->names;
	bool own = own_interface(profile, plan), any = false;

	names->isolated = own;
	names->wanted[NAMES_RESOLV] = profile->network.dns.servers.count || profile->network.dns.search.count ||
				      profile->network.dns.options.count;
	names->wanted[NAMES_HOSTS] = own || profile->network.hosts.count;
	names->wanted[NAMES_HOSTNAME] = own && plan->uts.hostname;
	for (int file = 0; file < NAMES_COUNT; file++) {
		if (names->wanted[file] && check_mounts(plan, file, err))
			return -1;
		any |= names->wanted[file];
	}
	if (!any)
		return 0;
	names->texts = arena_alloc(&plan->arena, sizeof(*names->texts));
	return names->texts ? 0 : fail_errno(err, 0, "cannot get memory");
}

/* ---- host */

static const char *compose(const struct plan *plan, const struct host *host, int file, struct error *err)
{
	struct arena *arena = &plan->names.texts->arena;

	if (file == NAMES_RESOLV)
		return names_resolv_text(plan, arena, err);
	if (file == NAMES_HOSTS)
		return names_hosts_text(plan, host, arena, err);
	return names_hostname_text(plan, arena, err);
}

int names_host(const struct plan *plan, struct host *host, struct error *err)
{
	struct names_texts *texts = plan->names.texts;

	for (int file = 0; texts && file < NAMES_COUNT; file++) {
		if (!plan->names.wanted[file])
			continue;
		texts->items[file] = compose(plan, host, file, err);
		if (!texts->items[file])
			return -1;
		if (strlen(texts->items[file]) > TEXT_MAX)
			return fail(err, names_files[file].key, "cannot make %s: it would have more than 256K",
				    names_files[file].path);
	}
	host->handed.names = texts;
	return 0;
}

void names_undo(const struct plan *plan, struct host *host)
{
	host->handed.names = NULL;
	if (plan->names.texts)
		arena_free(&plan->names.texts->arena);
}

/* ---- enter */

CHILD static int fail_place(int file, struct error *err)
{
	fail_errno(err, names_files[file].key, "cannot make a place for %s", names_files[file].path);
	switch (err->sys_errno) {
	case EISDIR:
		return error_remedy(err,
				    "the root has a directory there: remove it, or use root.access = \"read-only\"");
	case EACCES:
		return error_remedy(err, "the root cannot be written, for it belongs to a user who is not in the "
					 "sandbox's map: make an empty file there");
	case ENOTDIR:
		return error_remedy(err, "/etc of the root is no directory: mend it there");
	case ELOOP:
		return error_remedy(
			err, "/etc of the root is a link that leads nowhere, or into /proc or the like: mend it there");
	default:
		return -1;
	}
}

/* The text as a detached read-only mount. */
CHILD static int make_mount(const char *text, int file, int staging, struct error *err)
{
	const uint64_t attributes = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC;
	AUTO_CLOSE int fd = -1, copy = -1;
	char name[24];

	format_text(name, sizeof(name), "names%d", file);
	fd = openat(staging, name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	if (fd < 0 || write_all(fd, text, strlen(text)))
		return fail_errno(err, names_files[file].key, "cannot write the content of %s", names_files[file].path);
	copy = mount_clone(fd, false);
	if (copy < 0 || mount_restrict(copy, attributes, MS_PRIVATE, false))
		return fail_errno(err, names_files[file].key, "cannot make a mount of the content of %s",
				  names_files[file].path);
	return TAKE_FD(copy);
}

/* Whatever has the name in directory `etc`, never followed; an empty file where nothing has. -1 with errno. */
CHILD static int open_place(int etc, const char *name)
{
	AUTO_CLOSE int fd = open_in_root(etc, name, O_PATH | O_NOFOLLOW, 0);
	struct stat status;

	if (fd < 0 && errno == ENOENT) {
		if (mknodat(etc, name, S_IFREG | 0644, 0) && errno != EEXIST)
			return -1;
		fd = open_in_root(etc, name, O_PATH | O_NOFOLLOW, 0);
	}
	if (fd < 0 || fstat(fd, &status))
		return -1;
	if (S_ISDIR(status.st_mode)) {
		errno = EISDIR;
		return -1;
	}
	return TAKE_FD(fd);
}

struct places {
	int etc, files[NAMES_COUNT];
};

CHILD static void close_places(struct places *places)
{
	fd_close(&places->etc);
	for (int file = 0; file < NAMES_COUNT; file++)
		fd_close(&places->files[file]);
}

/* Whether it lies in a file system of the kernel's that `mounts` attached: a link of the image must not make us put
 * something over what hide is going to mask. */
CHILD static bool is_kernel_s(const struct plan *plan, const struct inside *inside, int directory)
{
	struct statx here, there;

	if (statx(directory, "", AT_EMPTY_PATH, STATX_MNT_ID, &here))
		return true;
	for (size_t i = 0; i < plan->mounts.count; i++)
		if (mount_kinds[plan->mounts.items[i].type].attributes &&
		    (statx(inside->handed.mounts[i], "", AT_EMPTY_PATH, STATX_MNT_ID, &there) ||
		     here.stx_mnt_id == there.stx_mnt_id))
			return true;
	return false;
}

/* -1 with errno; ELOOP where it is no directory of the image's. */
CHILD static int open_etc(const struct plan *plan, const struct inside *inside)
{
	AUTO_CLOSE int etc = place_directory(AT_FDCWD, "/etc");

	if (etc >= 0 && is_kernel_s(plan, inside, etc)) {
		errno = ELOOP;
		return -1;
	}
	return TAKE_FD(etc);
}

/* 0, or -1 with errno and *ret_file: the first that has no place. */
CHILD static int open_places(const struct plan *plan, const struct inside *inside, struct places *places, int *ret_file)
{
	const bool *wanted = plan->names.wanted;

	places->etc = open_etc(plan, inside);
	for (int file = 0; file < NAMES_COUNT; file++) {
		if (!wanted[file])
			continue;
		*ret_file = file;
		places->files[file] = places->etc < 0 ? -1 : open_place(places->etc, names_files[file].name);
		if (places->files[file] < 0)
			return -1;
	}
	return 0;
}

CHILD static bool is_read_only(int fd)
{
	unsigned long flags = 0;

	return !mount_flags(fd, &flags) && flags & ST_RDONLY;
}

/* What a cover would take from the payload it must not have in the first place: a directory that could be written. The
 * directory to cover; NULL: none may be, and errno tells why. */
CHILD static const char *what_to_cover(const struct places *places)
{
	int reason = errno;
	AUTO_CLOSE int root = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	bool denied = reason == EROFS || reason == EACCES || reason == EOVERFLOW;
	const char *path = NULL;

	if (places->etc >= 0 && (denied || (reason == EISDIR && is_read_only(places->etc))))
		path = "/etc";
	else if (places->etc < 0 && (denied || reason == ELOOP || reason == ENOTDIR) && is_read_only(root))
		path = "/";
	errno = reason;
	return path;
}

CHILD static int find_places(struct inside *inside, const struct plan *plan, struct places *places, struct error *err)
{
	const char *cover = NULL;
	int file = 0;

	if (!open_places(plan, inside, places, &file))
		return 0;
	cover = what_to_cover(places);
	if (!cover)
		return fail_place(file, err);
	close_places(places);
	if (names_cover(inside, plan, cover, err))
		return -1;
	return open_places(plan, inside, places, &file) ? fail_place(file, err) : 0;
}

/* Should: show each text in its place, whatever is there.  Mustn't: open or follow what is there, or write to a
 * directory of the host beyond an empty file. */
CHILD int names_enter(const struct plan *plan, struct inside *inside, struct error *err)
{
	const struct names_texts *texts = inside->handed.names;
	struct places places = { -1, { -1, -1, -1 } };
	int status = 0;

	if (!texts)
		return 0;
	status = find_places(inside, plan, &places, err);
	for (int file = 0; !status && file < NAMES_COUNT; file++) {
		AUTO_CLOSE int mount = -1;

		if (!plan->names.wanted[file])
			continue;
		mount = make_mount(texts->items[file], file, inside->staging, err);
		if (mount < 0)
			status = -1;
		else if (mount_attach(mount, places.files[file]))
			status = fail_place(file, err);
	}
	close_places(&places);
	return status;
}

/* ---- describe */

static void describe_pinned(const char *text, int key, int index, struct description *out)
{
	if (names_is_name(text))
		describe(out, key, index, "%s: resolved at start; those addresses only, here and in /etc/hosts", text);
}

void names_describe(const struct plan *plan, struct description *out)
{
	const struct profile *profile = plan->profile;

	for (int file = 0; file < NAMES_COUNT; file++)
		if (plan->names.wanted[file])
			describe(out, names_files[file].key, -1, "%s: file made at start, %s", names_files[file].path,
				 "ro,nosuid,nodev,noexec");
	for (size_t i = 0; i < profile->network.dns.servers.count; i++)
		if (!strcmp(profile->network.dns.servers.items[i], "host"))
			describe(out, K_NETWORK_DNS_SERVERS, (int)i, "the host's name servers: looked up at start%s",
				 plan->names.isolated ? "; not those on its loopback interface" : "");
	for (size_t i = 0; i < profile->network.outbound.rules.count; i++)
		describe_pinned(profile->network.outbound.rules.items[i].to, K_NETWORK_OUTBOUND_RULES_TO, (int)i, out);
	for (size_t i = 0; i < profile->network.inbound.rules.count; i++)
		describe_pinned(profile->network.inbound.rules.items[i].from, K_NETWORK_INBOUND_RULES_FROM, (int)i,
				out);
}
