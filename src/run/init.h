/* init: process 1 inside, when the profile leaves it to us (process.init = true). */
#ifndef RUN_INIT_H
#define RUN_INIT_H

#include "run/child.h"

/* Takes over the process that forked `payload`: closes what it does not need, gives up every power, then reaps orphans,
 * passes signals on from the socket, sends `exited` when the payload ends, and ends with it. When the socket reads EOF
 * the launcher is gone: everything inside is killed at once. Never returns. A byte on `ready` says that every power is
 * gone; its end without one, that the payload must not run. */
CHILD void init_main(const struct child_start *start, const struct inside *inside, pid_t payload, int ready)
	__attribute__((noreturn));

#endif
