/* pass: signals to the launcher that are the payload's. */
#ifndef RUN_PASS_H
#define RUN_PASS_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

#include "run/launch.h"

enum { TO_PROCESS, TO_GROUP, AS_SENT };

struct pass {
	int number;
	int to;    /* AS_SENT: the group when the kernel sent it */
	bool ends; /* asks for the end */
};

/* What is still to be passed on: bits of signal numbers, by TO_PROCESS and TO_GROUP. */
struct passing {
	uint64_t pending[2];
};

/* How signal `number` is passed on; NULL: it is not. */
const struct pass *pass_find(int number);

/* All signals that are, but for those that we were started to ignore. */
void pass_set(sigset_t *ret);

/* Passes a signal on, or as soon as the socket has room. */
void pass(struct passing *passing, const struct launch *launch, int number, int to);
void pass_pending(struct passing *passing, const struct launch *launch);

#endif
