/* inspect: what a running sandbox is like, in JSON. */
#ifndef RUN_INSPECT_H
#define RUN_INSPECT_H

#include "base/text.h"
#include "stage/stage.h"

struct launch;

/* What the register says of a sandbox, as one JSON object. */
void inspect_describe(const struct plan *plan, struct text *out);

/* The process that the keeper forks: writes everything to the client in pieces, and ends. */
void inspect_main(const struct launch *launch, int connection) __attribute__((noreturn));

#endif
