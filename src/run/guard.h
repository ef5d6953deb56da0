/* guard: ends a sandbox without init when the launcher dies. */
#ifndef RUN_GUARD_H
#define RUN_GUARD_H

#include "stage/stage.h"

struct guard {
	pid_t pid;    /* 0: none */
	int lifeline; /* our end; the guard acts when it closes */
};

/* Forks the guard over `host`'s child. Called before `go`, so that no payload is ever without one. 0 or -1. */
int guard_start(const struct host *host, struct guard *ret, struct error *err);

/* Ends the guard and waits for it; what it guards is killed if it still lives. Idempotent. */
void guard_stop(struct guard *guard);

#endif
