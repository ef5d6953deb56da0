/* lookup: from the name of a profile to a file that may be trusted. Parent only. */
#ifndef PROFILE_LOOKUP_H
#define PROFILE_LOOKUP_H

#include <sys/stat.h>

#include "profile/load.h"
#include "profile/tree.h"

/* A profile that was found. */
struct found {
	int fd; /* open for reading, the caller's; -1: the built-in profile */
	dev_t dev;
	ino_t ino;
	const struct source *source;
};

struct lookup {
	const struct profile_request *request;
	struct arena *arena;
	struct diagnostics *diagnostics;
};

/* Who asks: the node of `extends`, or NULL for the command line; and the file that node stands in. */
struct asker {
	const struct node *node;
	const struct source *source;
	dev_t dev;
	ino_t ino;
};

/* Finds the profile called `word`: a path when it has a slash or ends in .conf, else a name to look for. 0, or -1
 * after one diagnostic. */
int lookup_profile(const struct lookup *lookup, const char *word, const struct asker *asker, struct found *ret);

/* The built-in profile, whatever lies on the search path; `extended`: by a file's word. */
void lookup_built_in(struct found *ret, bool extended);

#endif
