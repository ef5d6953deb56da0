/* launch: from a finished plan to a child that is on its way. */
#ifndef RUN_LAUNCH_H
#define RUN_LAUNCH_H

#include "run/forward.h"
#include "run/guard.h"
#include "run/keeper.h"
#include "run/look.h"
#include "run/pipeline.h"

/* What one launch is made of, on the launcher's side. Plain data; supervise() watches it, launch_undo() ends it. */
struct launch {
	const struct plan *plan;
	struct host host;
	int socket;                  /* our end of the record socket; closing it ends the sandbox */
	struct guard guard;          /* without init: holds the lifeline in its place */
	struct forward forward;      /* relays published ports */
	struct keeper keeper;        /* lets others in */
	int running;                 /* read end of the pipe whose EOF says that the payload's execve succeeded */
	bool verbose;                /* the child announces its cells */
	struct timings *timings;     /* shared with the child */
	struct look *look;           /* compare: shared likewise; NULL: the command is run */
	int64_t clone_time, go_time; /* CLOCK_MONOTONIC, nanoseconds */
};

/* Makes *launch undoable: nothing is open, nothing exists. */
void launch_init(struct launch *launch, const struct plan *plan, struct timings *timings, bool verbose);

/* Walks host, clones, walks attach, sends `go`. On failure *err is stamped. The launch must be given to launch_undo()
 * whether or not this succeeded. */
int launch_start(struct launch *launch, struct error *err);

/* Ends whatever still lives in the sandbox, waits for its first process unless supervise() did (then host.child is
 * 0), and walks the undo column backwards. Idempotent. */
void launch_undo(struct launch *launch);

/* Enters every namespace to be joined. */
CHILD int launch_join(const struct join_plan *join, struct error *err);

/* Memory for the timings, shared over clone; NULL when there is none. */
struct timings *timings_new(void);

#endif
