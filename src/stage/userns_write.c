/* userns_write: writes the maps of the child's user namespace. Parent, attach column, while the child blocks and is
 * still dumpable: its /proc files belong to its own user then, and only then may an ordinary launcher write them.
 *
 * The kernel takes each map in one write(2) of less than a page, once (user_namespaces(7)). setgroups is denied first:
 * without privilege a group map is refused otherwise. Where the map holds more than the caller, newuidmap(1) and
 * newgidmap(1), which are set-user-ID and know subuid(5), write it; they are run by absolute path from a fixed list,
 * with an empty environment, and what they print becomes part of the message.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/file.h"
#include "base/format.h"
#include "stage/userns.h"

enum { NUMBER_SIZE = 12, HELPER_TEXT = 256 };

const char *userns_find_helper(struct arena *arena, const char *name)
{
	static const char *const places[] = { "/usr/bin", "/bin",           "/usr/sbin",
					      "/sbin",    "/usr/local/bin", "/run/wrappers/bin" };

	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		const char *path = arena_format(arena, "%s/%s", places[i], name);

		if (path && !access(path, X_OK))
			return path;
	}
	return NULL;
}

static int write_map(int procfs, const char *file, const struct id_map *map, size_t count, struct error *err)
{
	struct text text = { 0 };
	int failed = 0;

	for (size_t i = 0; i < count; i++)
		text_add(&text, "%u %u %u\n", map[i].inside, map[i].outside, map[i].count);
	if (text.failed || !text.data) {
		text_free(&text);
		return fail(err, K_USERS_MAP, "cannot make the text of %s: no memory", file);
	}
	failed = write_file_at(procfs, file, text.data);
	if (failed)
		fail_errno(err, K_USERS_MAP, "cannot write the child's %s (%zu ranges)", file, count);
	text_free(&text);
	return failed;
}

/* ---- newuidmap(1), newgidmap(1) -------------------------------------------------------------- */

/* HELPER PID INSIDE OUTSIDE COUNT ... */
struct helper_argv {
	char numbers[1 + 3 * (MAP_LINES + 1)][NUMBER_SIZE];
	char *argv[3 + 3 * (MAP_LINES + 1)];
};

static void fill_argv(struct helper_argv *out, const char *path, pid_t child, const struct id_map *map, size_t count)
{
	size_t n = 0;

	format_text(out->numbers[n++], NUMBER_SIZE, "%d", child);
	for (size_t i = 0; i < count; i++) {
		format_text(out->numbers[n++], NUMBER_SIZE, "%u", map[i].inside);
		format_text(out->numbers[n++], NUMBER_SIZE, "%u", map[i].outside);
		format_text(out->numbers[n++], NUMBER_SIZE, "%u", map[i].count);
	}
	out->argv[0] = (char *)(uintptr_t)path;
	for (size_t i = 0; i < n; i++)
		out->argv[i + 1] = out->numbers[i];
	out->argv[n + 1] = NULL;
}

/* Starts the helper with `output` as its standard error, and signals as a program expects them. 0, or an errno. */
static int spawn(char *const argv[], int output, pid_t *ret)
{
	char *const empty[] = { NULL };
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	sigset_t none, all;
	int error = 0;

	sigemptyset(&none);
	sigfillset(&all);
	if (posix_spawn_file_actions_init(&actions))
		return ENOMEM;
	if (posix_spawnattr_init(&attributes)) {
		posix_spawn_file_actions_destroy(&actions);
		return ENOMEM;
	}
	error = posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDWR, 0);
	error = error ? error : posix_spawn_file_actions_adddup2(&actions, 0, 1);
	error = error ? error : posix_spawn_file_actions_adddup2(&actions, output, 2);
	error = error ? error : posix_spawnattr_setsigmask(&attributes, &none);
	error = error ? error : posix_spawnattr_setsigdefault(&attributes, &all);
	error = error ? error : posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
	error = error ? error : posix_spawn(ret, argv[0], &actions, &attributes, argv, empty);
	posix_spawnattr_destroy(&attributes);
	posix_spawn_file_actions_destroy(&actions);
	return error;
}

/* Reads up to the end of the helper's output, keeps its first line. */
static void first_line(int fd, char text[HELPER_TEXT])
{
	char rest[HELPER_TEXT];
	size_t length = 0;

	for (;;) {
		char *to = length < HELPER_TEXT - 1 ? text + length : rest;
		ssize_t n = read(fd, to, to == rest ? sizeof(rest) : HELPER_TEXT - 1 - length);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		length += to == rest ? 0 : (size_t)n;
	}
	text[length] = '\0';
	text[strcspn(text, "\n")] = '\0';
}

static int run_helper(char *const argv[], const char *file, struct error *err)
{
	AUTO_CLOSE int mine = -1, theirs = -1;
	char text[HELPER_TEXT];
	int pair[2], status = 0;
	pid_t pid = 0;

	if (pipe2(pair, O_CLOEXEC))
		return fail_errno(err, K_USERS_MAP, "cannot make a pipe");
	mine = pair[0];
	theirs = pair[1];
	errno = spawn(argv, theirs, &pid);
	if (errno)
		return fail_errno(err, K_USERS_MAP, "cannot run %s", argv[0]);
	fd_close(&theirs);
	first_line(mine, text);
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return fail_errno(err, K_USERS_MAP, "cannot wait for %s", argv[0]);
	if (WIFEXITED(status) && !WEXITSTATUS(status))
		return 0;
	fail(err, K_USERS_MAP, "cannot write the child's map with %s: %s", argv[0],
	     text[0]               ? text
	     : WIFSIGNALED(status) ? "it was killed"
				   : "it failed");
	return error_remedy(err, "each outside range must be the caller's by a line of %s, or the caller's own id",
			    file);
}

static int with_helper(const char *path, const char *file, pid_t child, const struct id_maps *map, struct error *err)
{
	AUTO_FREE struct helper_argv *helper = malloc(sizeof(*helper));

	if (!helper)
		return fail_errno(err, K_USERS_MAP, "cannot run %s", path);
	fill_argv(helper, path, child, map->items, map->count);
	return run_helper(helper->argv, file, err);
}

int userns_write_maps(const struct userns_plan *userns, const struct host *host, struct error *err)
{
	const struct id_maps users = { .items = host->uid_map, .count = host->uid_map_count };
	const struct id_maps groups = { .items = host->gid_map, .count = host->gid_map_count };

	if (userns->deny_setgroups && write_file_at(host->child_procfs, "setgroups", "deny"))
		return fail_errno(err, K_USERS_MAP, "cannot deny setgroups to the child");
	if (userns->use_helpers)
		return with_helper(userns->newuidmap, "/etc/subuid", host->child, &users, err) ||
				       with_helper(userns->newgidmap, "/etc/subgid", host->child, &groups, err)
			       ? -1
			       : 0;
	return write_map(host->child_procfs, "uid_map", users.items, users.count, err) ||
			       write_map(host->child_procfs, "gid_map", groups.items, groups.count, err)
		       ? -1
		       : 0;
}
