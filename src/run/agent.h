/* agent: runs one further command in a sandbox that runs already. */
#ifndef RUN_AGENT_H
#define RUN_AGENT_H

#include "run/request.h"
#include "stage/stage.h"

struct launch;

/* What the agent takes with it over the fork; made before, because it cannot allocate. */
struct agent_start {
	struct visit *visit; /* private to the agent */
	int connection;      /* to the client */
	pid_t launcher;
	int standard[3]; /* what becomes the command's 0, 1 and 2 */
};

/* Checks what the client wants against the profile, and makes the plan of the command. `start` has its connection
 * already; the descriptors stay the caller's. 0, or -1 with *err saying why not. */
int agent_prepare(const struct launch *launch, const struct request *request, const int standard[3],
		  struct agent_start *start, struct error *err);

/* Frees what agent_prepare() made. Idempotent. */
void agent_forget(struct agent_start *start);

/* The agent: starts the command, carries signals to it and its end to the client, and ends. */
CHILD void agent_main(const struct agent_start *start) __attribute__((noreturn));

#endif
