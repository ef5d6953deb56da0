/* lookup: from the name of a profile to a file that may be trusted.
 *
 * A profile decides what the launcher does, as root even; so it must come from someone who could do as much without
 * it: root, the caller, or the user whom sudo(8) names. Nobody else may be able to write it. Of files found along
 * the search path the directories are held to the same, up to the root; where the user gives a path, the path is
 * the user's choice and only the file itself is looked at.
 *
 * Everything is decided on the open descriptor, opened without blocking (a FIFO) and without side effects, and the
 * text is read from that same descriptor later. Parent only, before plan; changes nothing. */
#include "profile/lookup.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/environ.h"
#include "base/fd.h"
#include "base/parse.h"
#include "base/text.h"
#include "profile/diagnostic.h"
#include "profile/value.h"

#ifndef PROFILE_DIR
#define PROFILE_DIR "/usr/local/share/sandbox/profiles"
#endif

#define SYSTEM_DIR "/etc/sandbox/profiles"

enum { DIRECTORIES_MAX = 64, NAMES_MAX = 256 };

/* A message about a profile that is asked for: at the node that extends it, or nowhere in particular. */
static int refuse(const struct lookup *lookup, const struct asker *asker, const char *word, const char *what)
{
	if (asker->node)
		return diagnose_node(lookup->diagnostics, asker->node, "cannot use profile %s: %s", word, what);
	return diagnose(lookup->diagnostics, NULL, 0, "cannot use profile %s: %s", word, what);
}

/* ---- trust -------------------- */

static bool is_trusted(const struct lookup *lookup, uid_t owner)
{
	const char *sudo = lookup->request->uid == 0 ? environ_get(lookup->request->environ, "SUDO_UID") : NULL;
	uint64_t uid = 0;

	if (owner == 0 || owner == lookup->request->uid)
		return true;
	return sudo && parse_unsigned(sudo, 0, UINT32_MAX - 1, &uid) == 0 && owner == uid;
}

/* Whether the group has no member but the owner: the private group that many distributions make for each user. */
static bool is_private_group(uid_t owner, gid_t gid)
{
	const struct passwd *user = getpwuid(owner);
	const struct group *group = user && user->pw_gid == gid ? getgrgid(gid) : NULL;

	if (!group || strcmp(group->gr_name, user->pw_name) != 0)
		return false;
	for (char *const *member = group->gr_mem; *member; member++)
		if (strcmp(*member, user->pw_name) != 0)
			return false;
	return true;
}

/* What is wrong with the owner and mode of a file or directory; NULL when nothing is. */
static const char *distrust(const struct lookup *lookup, const struct stat *st)
{
	bool sticky = S_ISDIR(st->st_mode) && st->st_mode & S_ISVTX;

	if (!is_trusted(lookup, st->st_uid))
		return "belongs to another user";
	if (st->st_mode & S_IWOTH && !sticky)
		return "can be written by anybody";
	if (st->st_mode & S_IWGRP && !sticky && !is_private_group(st->st_uid, st->st_gid))
		return "can be written by its group";
	return NULL;
}

/* All directories from `path` up to the root. */
static const char *distrust_chain(const struct lookup *lookup, const char *path)
{
	AUTO_CLOSE int fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct stat st, above;

	if (fd < 0 || fstat(fd, &st))
		return "cannot be opened";
	for (int depth = 0; depth < DIRECTORIES_MAX; depth++) {
		const char *what = distrust(lookup, &st);
		int parent = what ? -1 : openat(fd, "..", O_PATH | O_DIRECTORY | O_CLOEXEC);

		if (what)
			return what;
		fd_close(&fd);
		fd = parent;
		if (fd < 0 || fstat(fd, &above))
			return "cannot be opened";
		if (above.st_ino == st.st_ino && above.st_dev == st.st_dev)
			return NULL;
		st = above;
	}
	return "lies too deep";
}

/* ---- candidates -------------------- */

struct search {
	const struct lookup *lookup;
	const struct asker *asker;
	const char *word;
	struct text looked; /* where, for the message */
	bool self;          /* the only thing found was the asker itself */
};

static const char *directory_of(const struct lookup *lookup, const char *path)
{
	const char *slash = strrchr(path, '/');
	const char *directory = slash ? arena_copy_n(lookup->arena, path, (size_t)(slash - path)) : "";
	char resolved[PATH_MAX];

	if (slash == path)
		return "/";
	if (path[0] == '/' && directory && path_normalise(lookup->arena, directory))
		return path_normalise(lookup->arena, directory);
	return directory && realpath(directory[0] ? directory : ".", resolved) ? arena_copy(lookup->arena, resolved)
									       : NULL;
}

/* Opens `path`: 1 found, 0 not there, -1 refused after one diagnostic. */
static int try(struct search *search, const char *path, bool strict, struct found *ret)
{
	const struct lookup *lookup = search->lookup;
	AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	struct source *source = NULL;
	const char *what = NULL;
	struct stat st;

	if (fd < 0 && (errno == ENOENT || errno == ENOTDIR || (strict && errno == EACCES))) {
		text_add(&search->looked, "%s%s", search->looked.length ? ", " : "", path);
		return 0;
	}
	if (fd < 0 || fstat(fd, &st))
		return refuse(lookup, search->asker, path, strerror(errno));
	if (search->asker->node && st.st_dev == search->asker->dev && st.st_ino == search->asker->ino) {
		search->self = true;
		return 0;
	}
	source = arena_alloc(lookup->arena, sizeof(*source));
	if (!source || !(source->file = arena_copy(lookup->arena, path)))
		return refuse(lookup, search->asker, path, "out of memory");
	source->directory = directory_of(lookup, path);
	source->layer = search->asker->node ? LAYER_EXTENDED : LAYER_PROFILE;
	if (!S_ISREG(st.st_mode))
		return refuse(lookup, search->asker, path, "not a regular file");
	what = distrust(lookup, &st);
	if (what) {
		refuse(lookup, search->asker, path, arena_format(lookup->arena, "it %s", what));
		return diagnose_remedy(lookup->diagnostics,
				       "a profile must belong to root or to you, and nobody else may write it: "
				       "chown and chmod go-w %s",
				       path);
	}
	what = strict && source->directory ? distrust_chain(lookup, source->directory) : NULL;
	if (what) {
		refuse(lookup, search->asker, path,
		       arena_format(lookup->arena, "its directory, or one above, %s", what));
		return -1;
	}
	*ret = (struct found){ .fd = TAKE_FD(fd), .dev = st.st_dev, .ino = st.st_ino, .source = source };
	return 1;
}

static int try_in(struct search *search, const char *directory, bool strict, struct found *ret)
{
	const char *path =
		directory ? arena_format(search->lookup->arena, "%s/%s.conf", directory, search->word) : NULL;

	return path ? try(search, path, strict, ret) : 0;
}

/* The directory of the caller's own profiles; NULL when there is none. */
static const char *own_directory(const struct lookup *lookup)
{
	const char *config = environ_get(lookup->request->environ, "XDG_CONFIG_HOME");
	const char *home = environ_get(lookup->request->environ, "HOME");

	if (config && config[0] == '/')
		return arena_format(lookup->arena, "%s/sandbox/profiles", config);
	return home && home[0] == '/' ? arena_format(lookup->arena, "%s/.config/sandbox/profiles", home) : NULL;
}

static int try_search_path(struct search *search, struct found *ret)
{
	int result = try_in(search, own_directory(search->lookup), true, ret);

	if (result == 0)
		result = try_in(search, SYSTEM_DIR, true, ret);
	if (result == 0)
		result = try_in(search, PROFILE_DIR, true, ret);
	return result;
}

static bool is_path(const char *word)
{
	size_t length = strlen(word);

	return strchr(word, '/') || (length > 5 && strcmp(word + length - 5, ".conf") == 0);
}

/* ---- what may have been meant -------------------- */

struct names {
	const char *items[NAMES_MAX];
	size_t count;
};

/* The profiles of a directory, their names without .conf; none where it cannot be read. */
static void add_names(const struct lookup *lookup, const char *path, struct names *ret)
{
	DIR *directory = path ? opendir(path) : NULL;
	const struct dirent *entry = NULL;

	while (directory && ret->count < NAMES_MAX && (entry = readdir(directory))) {
		size_t length = strlen(entry->d_name);
		const char *name = length > 5 && !strcmp(entry->d_name + length - 5, ".conf")
					   ? arena_copy_n(lookup->arena, entry->d_name, length - 5)
					   : NULL;

		if (name)
			ret->items[ret->count++] = name;
	}
	if (directory)
		closedir(directory);
}

/* A file that is there, which the word is nearly a path of; NULL when there is none. */
static const char *file_meant(const struct search *search)
{
	static const char *const directories[] = { "profiles/", "./" };
	const char *path = NULL;

	if (search->asker->node)
		return NULL;
	if (strchr(search->word, '/')) {
		path = arena_format(search->lookup->arena, "%s.conf", search->word);
		return path && !access(path, F_OK) ? path : NULL;
	}
	if (is_path(search->word)) {
		path = arena_format(search->lookup->arena, "profiles/%s", search->word);
		return path && !access(path, F_OK) ? path : NULL;
	}
	for (size_t i = 0; i < sizeof(directories) / sizeof(directories[0]); i++) {
		path = arena_format(search->lookup->arena, "%s%s.conf", directories[i], search->word);
		if (path && !access(path, F_OK))
			return path;
	}
	return NULL;
}

static const char *name_meant(const struct search *search)
{
	const struct source *from = search->asker->source;
	struct names names = { .items = { "default" }, .count = 1 };

	if (is_path(search->word))
		return NULL;
	add_names(search->lookup, from ? from->directory : NULL, &names);
	add_names(search->lookup, own_directory(search->lookup), &names);
	add_names(search->lookup, SYSTEM_DIR, &names);
	add_names(search->lookup, PROFILE_DIR, &names);
	return nearest_name(search->word, names.items, names.count);
}

static int not_found(struct search *search)
{
	struct diagnostics *diagnostics = search->lookup->diagnostics;
	const char *looked = search->looked.data ? search->looked.data : "nowhere";
	const char *option = search->asker->node || search->lookup->request->plain ? "" : "-p ", *meant = NULL;

	if (search->self)
		return refuse(search->lookup, search->asker, search->word, "it extends itself");
	refuse(search->lookup, search->asker, search->word, is_path(search->word) ? "no such file" : "there is none");
	meant = file_meant(search);
	meant = meant ? meant : name_meant(search);
	if (is_path(search->word))
		return meant ? diagnose_remedy(diagnostics, "did you mean %s%s?", option, meant) : -1;
	return diagnose_remedy(diagnostics, "%s%s%slooked for %s", meant ? "did you mean " : "",
			       meant ? arena_format(search->lookup->arena, "%s%s", option, meant) : "",
			       meant ? "? " : "", looked);
}

/* A file beside the one that asks, named the way that one is. */
static const char *beside(const struct lookup *lookup, const struct source *from, const char *word)
{
	const char *slash = strrchr(from->file, '/');

	return arena_format(lookup->arena, "%.*s%s", slash ? (int)(slash - from->file + 1) : 0, from->file, word);
}

void lookup_built_in(struct found *ret, bool extended)
{
	static const struct source named = { .file = "built-in default", .layer = LAYER_PROFILE };
	static const struct source asked_for = { .file = "built-in default", .layer = LAYER_EXTENDED };

	*ret = (struct found){ .fd = -1, .source = extended ? &asked_for : &named };
}

static int search_named(struct search *search, struct found *ret)
{
	const struct source *from = search->asker->source;
	int result = 0;

	if (from && from->directory) {
		const char *file = arena_format(search->lookup->arena, "%s.conf", search->word);
		const char *path = file ? beside(search->lookup, from, file) : NULL;

		result = path ? try(search, path, false, ret) : 0;
	}
	if (result == 0)
		result = try_search_path(search, ret);
	if (result == 0 && strcmp(search->word, "default") == 0 && !(from && !from->directory)) {
		lookup_built_in(ret, search->asker->node != NULL);
		result = 1;
	}
	return result;
}

int lookup_profile(const struct lookup *lookup, const char *word, const struct asker *asker, struct found *ret)
{
	struct search search = { .lookup = lookup, .asker = asker, .word = word };
	const char *path = word;
	int result = 0;

	if (!word[0])
		return refuse(lookup, asker, word, "an empty name");
	if (is_path(word) && word[0] != '/' && asker->source && asker->source->directory)
		path = beside(lookup, asker->source, word);
	if (!path)
		return refuse(lookup, asker, word, "out of memory");
	result = is_path(word) ? try(&search, path, false, ret) : search_named(&search, ret);
	if (result == 0)
		result = not_found(&search);
	text_free(&search.looked);
	return result < 0 ? -1 : 0;
}
