/* registry: which of this user's sandboxes run, by files in a directory that only the user can write. */
#ifndef RUN_REGISTRY_H
#define RUN_REGISTRY_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/arena.h"
#include "base/error.h"

enum { REGISTRY_ID_LENGTH = 16, REGISTRY_TEXT_MAX = 64 * 1024 };

struct registry {
	int directory; /* -1: closed */
	char path[128];
};

/* One running sandbox, as its launcher described it. The texts are as they were read: escape them before a terminal
 * sees them. */
struct registered {
	char id[REGISTRY_ID_LENGTH + 1];
	const char *name, *profile, *command, *tty; /* never NULL; command: its words, blanks between them */
	int64_t pid, uid, started;                  /* started: CLOCK_REALTIME, nanoseconds */
	bool exec;                                  /* further commands may be run in it */
	int lock; /* of one that was found: the file, open; a shared flock(2) on it waits for the sandbox's end. The
		   * caller's; -1 in a list, which may be longer than a process may have descriptors */
};

struct registered_list {
	struct registered *items;
	size_t count;
	size_t odd; /* entries that no launcher of this user can have made, and that were left alone */
};

/* Opens the directory, and makes it where it is missing and `make` says so. 0; 1 when it is missing; -1 with why this
 * user can have none. */
int registry_open(struct registry *ret, bool make, struct error *err);
void registry_close(struct registry *registry);

/* Makes the entry `id`, complete and locked from its first moment. Returns the lock, or -1 with errno. */
int registry_add(const struct registry *registry, const char *id, const char *text, size_t length);
void registry_remove(const struct registry *registry, const char *id);

/* Name of the entry's socket in the directory; a path to it that fits a socket address. */
void registry_socket_name(const char *id, char ret[REGISTRY_ID_LENGTH + 8]);
void registry_socket_path(const struct registry *registry, const char *id, char ret[64]);

/* Reads every entry, the oldest first, and removes those whose launcher is gone. Memory is the arena's. */
int registry_list(const struct registry *registry, struct arena *arena, struct registered_list *ret, struct error *err);

/* Finds a sandbox by its id, its name, or the beginning of its id, if only one fits. */
int registry_find(const struct registry *registry, const char *word, struct arena *arena, struct registered *ret,
		  struct error *err);

/* Removes the entries whose launcher is gone. A user without a directory has none. */
int registry_gc(struct error *err);

#endif
