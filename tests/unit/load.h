/* load: what the unit tests of the profile language share: profiles written into a directory of their own, loaded,
 * and the messages looked at. */
#ifndef TESTS_UNIT_LOAD_H
#define TESTS_UNIT_LOAD_H

/* cmocka.h needs these four before it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/text.h"
#include "profile/load.h"
#include "profile/schema.h"

static char directory[64];

struct loaded {
	struct arena arena;
	struct diagnostics diagnostics;
	const struct profile *profile; /* NULL: refused */
};

static inline int make_directory(void **state)
{
	(void)state;
	(void)snprintf(directory, sizeof(directory), "/tmp/sandbox-unit.XXXXXX");
	return mkdtemp(directory) && chmod(directory, 0755) == 0 ? 0 : -1;
}

static inline int remove_directory(void **state)
{
	char command[128];

	(void)state;
	(void)snprintf(command, sizeof(command), "rm -r -- %s", directory);
	return system(command);
}

/* Writes DIRECTORY/NAME.conf and returns its path, valid until the next call but seven. */
static inline const char *write_profile(const char *name, const char *text)
{
	static char paths[8][128];
	static int turn;
	char *path = paths[turn++ % 8];
	FILE *out = NULL;

	(void)snprintf(path, sizeof(paths[0]), "%s/%s.conf", directory, name);
	out = fopen(path, "w");
	assert_non_null(out);
	assert_int_equal(fwrite(text, 1, strlen(text), out), strlen(text));
	assert_int_equal(fclose(out), 0);
	assert_int_equal(chmod(path, 0644), 0);
	return path;
}

static inline struct loaded load(const struct profile_request *given)
{
	static const char *const nothing[] = { "HOME=/nowhere", "EDITOR=vi", NULL };
	struct profile_request request = *given;
	struct loaded loaded = { 0 };
	int result = 0;

	request.id = "0123456789abcdef";
	request.uid = getuid();
	request.gid = getgid();
	if (!request.environ)
		request.environ = nothing;
	/* Nothing is allocated in it before: the diagnostics may use the copy that is returned. */
	loaded.diagnostics.arena = calloc(1, sizeof(struct arena));
	result = profile_load(&request, &loaded.arena, &loaded.profile, &loaded.diagnostics);
	assert_int_equal(result, loaded.profile ? 0 : -1);
	assert_true(loaded.profile ? loaded.diagnostics.count == 0 : loaded.diagnostics.count > 0);
	return loaded;
}

static inline void unload(struct loaded *loaded)
{
	arena_free(loaded->diagnostics.arena);
	free(loaded->diagnostics.arena);
	arena_free(&loaded->arena);
}

/* One profile of this text, with settings ("KEY=VALUE", ends with NULL) or none. */
static inline struct loaded load_with(const char *text, const char *const *sets)
{
	const char *path = write_profile("test", text);
	struct profile_request request = { .profiles = &path, .profile_count = 1, .sets = sets };

	while (sets && sets[request.set_count])
		request.set_count++;
	return load(&request);
}

static inline struct loaded load_text(const char *text)
{
	return load_with(text, NULL);
}

/* Prints a message as main does, without the directory. */
static inline void print_diagnostic(const struct diagnostic *item, char *to, size_t size)
{
	const char *file = item->file ? item->file : "";
	size_t length = strlen(directory);
	char line[16] = "";

	if (strncmp(file, directory, length) == 0 && file[length] == '/')
		file += length + 1;
	if (item->line)
		(void)snprintf(line, sizeof(line), "%d:", item->line);
	(void)snprintf(to, size, "%s%s%s%s%s%s", file, *file ? ":" : "", line, item->key ? item->key : "",
		       item->key ? ": "
		       : *file   ? " "
				 : "",
		       item->what);
}

/* Whether the load was refused with exactly this message first, and if `count` is not 0 with that many. */
static inline void assert_refused(struct loaded loaded, const char *expected, size_t count)
{
	char message[1024];

	assert_null(loaded.profile);
	print_diagnostic(&loaded.diagnostics.items[0], message, sizeof(message));
	assert_string_equal(message, expected);
	if (count)
		assert_int_equal(loaded.diagnostics.count, count);
	unload(&loaded);
}

static inline void assert_loaded(const struct loaded *loaded)
{
	char message[1024];

	if (loaded->profile)
		return;
	print_diagnostic(&loaded->diagnostics.items[0], message, sizeof(message));
	fail_msg("refused: %s", message);
}

#endif
