/* load: from words on the command line to a profile. The only door into this folder for src/main.c and the tests. */
#ifndef PROFILE_LOAD_H
#define PROFILE_LOAD_H

#include <stdbool.h>
#include <sys/types.h>

#include "profile/profile.h"

/* A list of messages, all of one pass. Plain text, control characters escaped. */
struct diagnostic {
	const char *file; /* NULL: the command line, or nowhere */
	int line;         /* 0: unknown */
	const char *key;  /* path as a user writes it, "mounts[2].sorce"; NULL: none */
	const char *what;
	const char *remedy; /* second line; NULL: none */
};

struct diagnostics {
	struct arena *arena; /* of everything below */
	struct diagnostic *items;
	size_t count, size;
};

struct profile_request {
	const char *const *profiles; /* words behind -p, in order; none: the built-in profile `default` */
	size_t profile_count;
	const char *const *sets; /* "KEY=VALUE" behind -s, in order */
	size_t set_count;
	const char *const *params; /* "NAME=VALUE" behind -D */
	size_t param_count;
	const char *name; /* --name, or NULL */
	const char *id;   /* 16 hex digits, for ${ID} */
	const char *const *environ;
	const struct known_names *names; /* NULL: such names are read, and left to the stages to refuse */
	uid_t uid;
	gid_t gid;
	bool offline; /* variables are a sample user's (vars_sample.c); what parameters name need not exist */
	bool plain;   /* the profiles were given without -p; for what is said of one that is not found */
};

/* Reads, merges, expands, validates. 0 with *ret valid (memory in `arena`), or -1 with at least one diagnostic. */
int profile_load(const struct profile_request *request, struct arena *arena, const struct profile **ret,
		 struct diagnostics *diagnostics);

/* Whether a sandbox may be called so, by the key `name` or by --name. */
bool profile_name_valid(const char *name);

/* The effective profile as text that reads back to the same; for `show`. Keys that hold their default are left out
 * unless `all`. 0, or -1 when memory is out. */
struct text;
int profile_show(const struct profile *profile, bool all, struct text *out);

#endif
