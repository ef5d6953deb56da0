/* pipeline: the one table of stages, and the walk over its columns. */
#ifndef RUN_PIPELINE_H
#define RUN_PIPELINE_H

#include "stage/stage.h"

enum phase {
	PHASE_PLAN,
	PHASE_HOST,
	PHASE_ATTACH,
	PHASE_ENTER,
	PHASE_CONFINE,
	PHASE_UNDO,
	PHASE_COUNT,
	PHASE_REJOIN = PHASE_COUNT, /* of a command that comes later: no phase of a launch, and not timed */
};

extern const char *const phase_names[PHASE_COUNT + 1];

/* Whose phase it is, what is done in it, and what comes right before it (NULL: nothing to speak of): for readers. */
struct phase_doc {
	const char *process, *what, *before;
};

extern const struct phase_doc phase_docs[PHASE_COUNT];

struct stage {
	const char *name;
	plan_fn *plan;
	host_fn *host, *attach;
	child_fn *enter, *rejoin, *confine;
	undo_fn *undo;
	describe_fn *describe;
};

enum { STAGE_COUNT = 28 };

extern const struct stage pipeline[STAGE_COUNT];

/* Whether a stage has something to do in a phase. */
bool stage_has(const struct stage *stage, enum phase phase);

/* Wall-clock nanoseconds that each cell took; in memory that launcher and child share, so that the child's cells are
 * in it too. 0: the cell did not run. */
struct timings {
	int64_t cell[STAGE_COUNT][PHASE_COUNT];
	bool executing; /* every cell has run, and execve(2) is next */
};

#endif
