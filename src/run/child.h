/* child: the process between clone and exec. */
#ifndef RUN_CHILD_H
#define RUN_CHILD_H

#include "run/launch.h"

/* What the child takes with it over the clone; all descriptors are inherited ones. */
struct child_start {
	const struct plan *plan;
	int socket;   /* the child's end */
	int running;  /* write end of the running pipe */
	int close[4]; /* the launcher's ends, which the child must not hold; -1 where unused */
	bool verbose;
	struct timings *timings; /* NULL: nobody asks */
	struct look *look;       /* compare: filled in place of the exec; NULL: exec */
};

/* Waits for `go`, builds the inside, execs, or looks. Never returns. */
CHILD void child_main(const struct child_start *start) __attribute__((noreturn));

/* The same for a command that comes later, in a process that its agent (run/agent.c) has forked: runs the rejoin column
 * in the place of enter. Never returns. */
CHILD void child_rejoin(const struct child_start *start, struct inside *inside) __attribute__((noreturn));

/* Blocks until one byte has come, and closes `ready`; ends the process when none comes any more. */
CHILD void child_wait(int ready);

#endif
