/* steps: walks a column of the pipeline on the launcher's side, and stamps what fails. */
#ifndef RUN_STEPS_H
#define RUN_STEPS_H

#include "run/pipeline.h"

/* What every walk needs beside its column's own arguments. */
struct steps {
	struct timings *timings;
	bool verbose; /* one line on stderr per cell */
};

int steps_plan(const struct steps *steps, const struct profile *profile, struct plan *plan, struct error *err);

/* Walks the plan column to its end, whatever fails on the way, for what is wrong with the profile itself (exit status
 * 121): calls `found` for each such error. What this host lacks is no fault of the profile and not told. Returns
 * their number. */
int steps_check(const struct profile *profile, struct plan *plan,
		void found(const struct profile *, const struct error *));

/* PHASE_HOST or PHASE_ATTACH. */
int steps_host(const struct steps *steps, enum phase phase, const struct plan *plan, struct host *host,
	       struct error *err);

/* The undo column, backwards. Never fails. */
void steps_undo(const struct steps *steps, const struct plan *plan, struct host *host);

/* Prints the line of -v for one cell; also for the child's cells, when their record arrives. */
void steps_announce(enum phase phase, const char *stage);

/* Writes stage, phase and, where the leaf chose none, the exit status of the phase into *err. Callable in the child. */
CHILD void steps_stamp(struct error *err, enum phase phase, const char *stage);

#endif
