/* exec: the client of a command that runs in a sandbox which runs already. */
#ifndef RUN_EXEC_H
#define RUN_EXEC_H

#include <stddef.h>

#include "base/error.h"

struct exec_request {
	const char *sandbox;   /* id, name, or the beginning of an id */
	char *const *command;  /* NULL-terminated, at least one word */
	const char *directory; /* inside, absolute; NULL: the profile's */
	const char *const *variables;
	size_t variable_count; /* NAME=VALUE, over the profile's */
};

/* Runs it, and waits for it. Returns its exit status (128+n for signal n), or -1 with *err when it did not run. */
int exec_run(const struct exec_request *request, struct error *err);

#endif
