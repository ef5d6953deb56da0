/* registry: which of this user's sandboxes run.
 *
 * Runs in launchers, and in the commands that look at them (list, inspect, exec, kill, gc).
 *
 * The directory is /run/sandbox/sandboxes for root, $XDG_RUNTIME_DIR/sandbox for others, or /run/user/UID/sandbox where
 * that variable is not set. Only its user can write it: that is looked at with every opening, and nothing on the way is
 * trusted. A sandbox is one file there, named by its id, and beside it the socket of its keeper (run/keeper.c).
 *
 * Whether a sandbox lives, the file's lock says (flock(2)): its launcher holds it from before the file has a name
 * (open(2), O_TMPFILE; linkat(2)) until it ends, by whatever death. So there is no half-made entry, none of a launcher
 * that is gone is taken for a live one, whatever process has its number by now, and nobody is signalled by number. The
 * file comes before the socket and goes after it: a socket never stands alone. Who finds an entry without its lock held
 * removes it.
 *
 * What stands in a file is believed no more than that its owner is the user: it is opened without following links and
 * without waiting, must be a regular file of the user's and of a sensible size, and is parsed as JSON of which only
 * known fields are taken. Anything else is counted and left alone.
 *
 * Failure to register is no failure of a launch: a user may have no such directory, and nothing that the profile
 * promises hangs on it. The commands say why they find nothing.
 */
#include "run/registry.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/file.h"
#include "base/text.h"
#include "stage/lock_file.h"

enum { ENTRIES_MAX = 65536, JSON_DEPTH = 8, IDS_SHOWN = 4 };

static const int directory_flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;

/* ---- the directory ---------------------------------------------------------------------------------------------- */

/* `closed`: nobody else may even look into it. */
static int check_directory(int fd, const char *path, bool closed, struct error *err)
{
	struct stat st;

	if (fstat(fd, &st))
		return fail_errno(err, 0, "cannot look at %s", path);
	if (st.st_uid != geteuid())
		return fail(err, 0, "cannot use %s: it belongs to user %u", path, st.st_uid);
	if (st.st_mode & (closed ? 077 : 022))
		return fail(err, 0, "cannot use %s: others can %s it", path, closed ? "look into" : "write");
	return 0;
}

/* The directory that ours lies in; its path and our name in it. */
static int open_above(struct registry *ret, bool make, const char **ret_name, struct error *err)
{
	const char *given = getenv("XDG_RUNTIME_DIR");
	AUTO_CLOSE int above = -1;
	bool root = geteuid() == 0;
	char path[sizeof(ret->path) - 16];
	int length = 0;

	*ret_name = root ? "sandboxes" : "sandbox";
	if (root)
		length = snprintf(path, sizeof(path), RUN_DIRECTORY);
	else if (given && given[0] == '/')
		length = snprintf(path, sizeof(path), "%s", given);
	else
		length = snprintf(path, sizeof(path), "/run/user/%u", geteuid());
	if (length >= (int)sizeof(path))
		return fail(err, 0, "cannot use $XDG_RUNTIME_DIR: its path is longer than %zu bytes", sizeof(path));
	if (root && make && mkdir(path, 0700) && errno != EEXIST)
		return fail_errno(err, 0, "cannot make %s", path);
	above = open(path, root ? directory_flags : O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (above < 0) {
		fail_errno(err, 0, "cannot open %s", path);
		if (!root)
			error_remedy(err, "sandboxes of an ordinary user are registered in $XDG_RUNTIME_DIR, which a "
					  "login session sets; without it they run, and cannot be found");
		return -1;
	}
	if (check_directory(above, path, false, err))
		return -1;
	(void)snprintf(ret->path, sizeof(ret->path), "%s/%s", path, *ret_name);
	return TAKE_FD(above);
}

int registry_open(struct registry *ret, bool make, struct error *err)
{
	const char *name = NULL;
	AUTO_CLOSE int above = -1, directory = -1;

	*ret = (struct registry){ .directory = -1 };
	above = open_above(ret, make, &name, err);
	if (above < 0)
		return geteuid() == 0 && !make && err->sys_errno == ENOENT ? 1 : -1;
	directory = openat(above, name, directory_flags);
	if (directory < 0 && errno == ENOENT) {
		if (!make)
			return 1;
		if (mkdirat(above, name, 0700) && errno != EEXIST)
			return fail_errno(err, 0, "cannot make %s", ret->path);
		directory = openat(above, name, directory_flags);
	}
	if (directory < 0)
		return fail_errno(err, 0, "cannot open %s", ret->path);
	if (check_directory(directory, ret->path, true, err))
		return -1;
	ret->directory = TAKE_FD(directory);
	return 0;
}

void registry_close(struct registry *registry)
{
	fd_close(&registry->directory);
}

/* ---- one entry -------------------------------------------------------------------------------------------------- */

void registry_socket_name(const char *id, char ret[REGISTRY_ID_LENGTH + 8])
{
	(void)snprintf(ret, REGISTRY_ID_LENGTH + 8, "%.16s.sock", id);
}

/* A socket address has room for 107 bytes, which a runtime directory may well fill. */
void registry_socket_path(const struct registry *registry, const char *id, char ret[64])
{
	(void)snprintf(ret, 64, "/proc/self/fd/%d/%.16s.sock", registry->directory, id);
}

int registry_add(const struct registry *registry, const char *id, const char *text, size_t length)
{
	AUTO_CLOSE int fd = openat(registry->directory, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	char path[32];

	if (fd < 0 || flock(fd, LOCK_EX | LOCK_NB) || write_all(fd, text, length))
		return -1;
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (linkat(AT_FDCWD, path, registry->directory, id, AT_SYMLINK_FOLLOW))
		return -1;
	return TAKE_FD(fd);
}

void registry_remove(const struct registry *registry, const char *id)
{
	char name[REGISTRY_ID_LENGTH + 8];

	registry_socket_name(id, name);
	(void)unlinkat(registry->directory, name, 0);
	(void)unlinkat(registry->directory, id, 0);
}

static const char id_digits[] = "0123456789abcdef";

static bool is_id(const char *name)
{
	return strspn(name, id_digits) == REGISTRY_ID_LENGTH && !name[REGISTRY_ID_LENGTH];
}

static const char *text_of(struct json_object *object, const char *key, struct arena *arena)
{
	struct json_object *value = NULL;

	if (!json_object_object_get_ex(object, key, &value) || !json_object_is_type(value, json_type_string))
		return "";
	return arena_copy(arena, json_object_get_string(value));
}

static int64_t number_of(struct json_object *object, const char *key)
{
	struct json_object *value = NULL;

	if (!json_object_object_get_ex(object, key, &value) || !json_object_is_type(value, json_type_int))
		return -1;
	return json_object_get_int64(value);
}

static bool truth_of(struct json_object *object, const char *key)
{
	struct json_object *value = NULL;

	return json_object_object_get_ex(object, key, &value) && json_object_is_type(value, json_type_boolean) &&
	       json_object_get_boolean(value);
}

static const char *command_of(struct json_object *object, struct arena *arena)
{
	struct json_object *words = NULL;
	struct text line = { 0 };
	const char *copy = "";

	if (!json_object_object_get_ex(object, "command", &words) || !json_object_is_type(words, json_type_array))
		return "";
	for (size_t i = 0; i < json_object_array_length(words); i++) {
		struct json_object *word = json_object_array_get_idx(words, i);

		if (json_object_is_type(word, json_type_string))
			text_add(&line, "%s%s", i ? " " : "", json_object_get_string(word));
	}
	if (line.length)
		copy = arena_copy(arena, line.data);
	text_free(&line);
	return copy;
}

/* -1: it is no description. */
static int parse(const char *text, size_t length, struct arena *arena, struct registered *ret)
{
	struct json_tokener *tokener = json_tokener_new_ex(JSON_DEPTH);
	struct json_object *object = tokener ? json_tokener_parse_ex(tokener, text, (int)length) : NULL;
	int status = -1;

	if (object && json_object_is_type(object, json_type_object)) {
		ret->name = text_of(object, "name", arena);
		ret->profile = text_of(object, "profile", arena);
		ret->tty = text_of(object, "tty", arena);
		ret->command = command_of(object, arena);
		ret->pid = number_of(object, "pid");
		ret->uid = number_of(object, "uid");
		ret->started = number_of(object, "started_unix_nsec");
		ret->exec = truth_of(object, "exec");
		status = ret->name && ret->profile && ret->tty && ret->command ? 0 : -1;
	}
	json_object_put(object);
	if (tokener)
		json_tokener_free(tokener);
	return status;
}

enum found { FOUND_LIVE, FOUND_STALE, FOUND_ODD, FOUND_UNREAD };

/* Only a file that is still there under this name goes: the lock may have been let go by a launcher that has ended and
 * removed it since. */
static void remove_stale(const struct registry *registry, const char *id, const struct stat *opened)
{
	struct stat named;

	if (!fstatat(registry->directory, id, &named, AT_SYMLINK_NOFOLLOW) && named.st_ino == opened->st_ino &&
	    named.st_dev == opened->st_dev)
		registry_remove(registry, id);
}

static enum found read_entry(const struct registry *registry, const char *id, struct arena *arena,
			     struct registered *ret)
{
	AUTO_CLOSE int fd = openat(registry->directory, id, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	char text[REGISTRY_TEXT_MAX + 1];
	ssize_t length = 0;
	struct stat st;

	if (fd < 0 && (errno == EMFILE || errno == ENFILE || errno == ENOMEM))
		return FOUND_UNREAD;
	if (fd < 0)
		return errno == ENOENT ? FOUND_STALE : FOUND_ODD;
	if (fstat(fd, &st) || !S_ISREG(st.st_mode) || st.st_uid != geteuid())
		return FOUND_ODD;
	if (!flock(fd, LOCK_SH | LOCK_NB)) {
		remove_stale(registry, id, &st);
		return FOUND_STALE;
	}
	if (st.st_size > REGISTRY_TEXT_MAX)
		return FOUND_ODD;
	length = read_fd(fd, text, sizeof(text));
	if (length < 0 || parse(text, (size_t)length, arena, ret))
		return FOUND_ODD;
	(void)snprintf(ret->id, sizeof(ret->id), "%s", id);
	ret->lock = TAKE_FD(fd);
	return FOUND_LIVE;
}

/* ---- all of them ------------------------------------------------------------------------------------------------ */

static int by_start(const void *a, const void *b)
{
	const struct registered *left = a, *right = b;

	return (left->started > right->started) - (left->started < right->started);
}

/* Whether an entry is no sandbox's own: a socket, the directory itself, the one of filters (stage/seccomp_cache.c). */
static bool is_company(const char *name)
{
	bool id = strspn(name, id_digits) == REGISTRY_ID_LENGTH;

	return !strcmp(name, ".") || !strcmp(name, "..") || !strcmp(name, "filters") ||
	       (id && !strcmp(name + REGISTRY_ID_LENGTH, ".sock"));
}

/* The file comes before its socket and goes after it: one without the other is left over. */
static void remove_lone_socket(const struct registry *registry, const char *name)
{
	char id[REGISTRY_ID_LENGTH + 1];
	struct stat st;

	if (name[0] == '.')
		return;
	memcpy(id, name, REGISTRY_ID_LENGTH);
	id[REGISTRY_ID_LENGTH] = '\0';
	if (fstatat(registry->directory, id, &st, AT_SYMLINK_NOFOLLOW) && errno == ENOENT)
		(void)unlinkat(registry->directory, name, 0);
}

static int append(struct registered_list *list, size_t *size, struct arena *arena, const struct registered *item)
{
	struct registered *items = list->items;

	if (list->count == *size) {
		*size = *size ? *size * 2 : 16;
		items = arena_array(arena, *size, sizeof(*items));
		if (!items)
			return -1;
		if (list->count)
			memcpy(items, list->items, list->count * sizeof(*items));
		list->items = items;
	}
	items[list->count++] = *item;
	return 0;
}

static int collect(const struct registry *registry, DIR *entries, struct arena *arena, struct registered_list *ret)
{
	struct dirent *entry = NULL;
	size_t size = 0;

	while ((entry = readdir(entries)) && ret->count < ENTRIES_MAX) {
		struct registered item = { .lock = -1 };
		enum found found = FOUND_ODD;

		if (is_company(entry->d_name)) {
			remove_lone_socket(registry, entry->d_name);
			continue;
		}
		if (is_id(entry->d_name))
			found = read_entry(registry, entry->d_name, arena, &item);
		fd_close(&item.lock);
		ret->odd += found == FOUND_ODD;
		if (found == FOUND_UNREAD || (found == FOUND_LIVE && append(ret, &size, arena, &item)))
			return -1;
	}
	return 0;
}

int registry_list(const struct registry *registry, struct arena *arena, struct registered_list *ret, struct error *err)
{
	int copy = openat(registry->directory, ".", directory_flags);
	DIR *entries = copy < 0 ? NULL : fdopendir(copy);
	int status = 0;

	*ret = (struct registered_list){ 0 };
	if (!entries) {
		fd_close(&copy);
		return fail_errno(err, 0, "cannot look into %s", registry->path);
	}
	if (collect(registry, entries, arena, ret))
		status = fail_errno(err, 0, "cannot read the entries of %s", registry->path);
	closedir(entries);
	if (ret->count)
		qsort(ret->items, ret->count, sizeof(*ret->items), by_start);
	return status;
}

/* How well `word` names a sandbox; 0: not at all. */
static int fits(const struct registered *item, const char *word)
{
	if (!strcmp(item->id, word))
		return 3;
	if (!strcmp(item->name, word))
		return 2;
	return word[0] && !strncmp(item->id, word, strlen(word)) ? 1 : 0;
}

static int ambiguous(const struct registered_list *list, const char *word, int best, struct error *err)
{
	struct text ids = { 0 };
	size_t count = 0;

	for (size_t i = 0; i < list->count; i++) {
		if (fits(&list->items[i], word) != best)
			continue;
		if (count++ < IDS_SHOWN)
			text_add(&ids, " %s", list->items[i].id);
	}
	if (count > IDS_SHOWN)
		text_add(&ids, " and %zu more", count - IDS_SHOWN);
	fail(err, 0, "several sandboxes are called %s:%s", word, ids.data ? ids.data : "");
	text_free(&ids);
	error_remedy(err, "name one by its id");
	return error_exit(err, EXIT_OF_USAGE);
}

int registry_find(const struct registry *registry, const char *word, struct arena *arena, struct registered *ret,
		  struct error *err)
{
	struct registered_list list;
	struct registered *chosen = NULL;
	int best = 0, count = 0;

	if (registry_list(registry, arena, &list, err))
		return -1;
	for (size_t i = 0; i < list.count; i++) {
		int fit = fits(&list.items[i], word);

		if (!fit || fit < best)
			continue;
		count = fit > best ? 1 : count + 1;
		best = fit;
		chosen = &list.items[i];
	}
	if (count > 1)
		return ambiguous(&list, word, best, err);
	*ret = (struct registered){ .lock = -1 };
	if (count == 1 && read_entry(registry, chosen->id, arena, ret) == FOUND_LIVE)
		return 0;
	fail(err, 0, "no sandbox %s is running", word);
	error_remedy(err, "`sandbox list` shows what is running");
	return error_exit(err, EXIT_OF_USAGE);
}

int registry_gc(struct error *err)
{
	struct registry registry;
	struct registered_list list;
	struct arena arena = { 0 };
	struct error none;
	int status = 0;

	if (registry_open(&registry, false, &none))
		return 0;
	status = registry_list(&registry, &arena, &list, err);
	registry_close(&registry);
	arena_free(&arena);
	return status;
}
