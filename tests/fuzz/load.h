/* load: what the fuzzers of the profile language share. Bytes become a profile by the door that the command line uses;
 * what is accepted must come back the same through `show`. */
#ifndef TESTS_FUZZ_LOAD_H
#define TESTS_FUZZ_LOAD_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"
#include "profile/load.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const no_environment[] = { "HOME=/nowhere", NULL };

static inline const char *write_profile(const void *data, size_t size)
{
	static char path[64];
	FILE *out = NULL;

	(void)snprintf(path, sizeof(path), "/dev/shm/sandbox-fuzz.%d.conf", getpid());
	out = fopen(path, "we");
	if (!out || fwrite(data, 1, size, out) != size || fclose(out))
		abort();
	return path;
}

/* Loads; *shown is the effective profile as text, NULL when it was refused. */
static inline void load_and_show(struct profile_request *request, char **shown)
{
	struct arena arena = { 0 }, messages = { 0 };
	struct diagnostics diagnostics = { .arena = &messages };
	const struct profile *profile = NULL;
	struct text text = { 0 };

	request->id = "0123456789abcdef";
	request->environ = no_environment;
	request->uid = getuid();
	request->gid = getgid();
	*shown = NULL;
	if (profile_load(request, &arena, &profile, &diagnostics)) {
		if (profile || diagnostics.count == 0)
			abort();
	} else {
		if (!profile || diagnostics.count != 0 || profile_show(profile, true, &text))
			abort();
		*shown = strndup(text.data, text.length);
	}
	free(text.data);
	arena_free(&arena);
	arena_free(&messages);
}

/* What one load accepted, the next must accept, and understand the same. */
static inline void load_twice(struct profile_request *request)
{
	char *first = NULL, *second = NULL;
	const char *path = NULL;
	struct profile_request again = { .profiles = &path, .profile_count = 1 };

	load_and_show(request, &first);
	if (first) {
		path = write_profile(first, strlen(first));
		load_and_show(&again, &second);
		if (!second || strcmp(first, second) != 0) {
			(void)fprintf(stderr, "shown first:\n%s\nshown then:\n%s\n", first,
				      second ? second : "(refused)");
			abort();
		}
	}
	free(first);
	free(second);
}

#endif
