/* supervise: the launcher's watch over a running sandbox, until it has ended. */
#ifndef RUN_SUPERVISE_H
#define RUN_SUPERVISE_H

#include <sys/resource.h>

#include "run/launch.h"

/* How it ended; the verdict record and the exit status are made from it. Names as in the record (verdict.c). */
enum verdict {
	VERDICT_EXITED,
	VERDICT_SIGNALED,
	VERDICT_TIME_LIMIT,
	VERDICT_OUTPUT_LIMIT,
	VERDICT_MEMORY_LIMIT,
	VERDICT_SECCOMP,
	VERDICT_SETUP_FAILED,
	VERDICT_KILLED,           /* from outside: a signal to the launcher, or init was killed */
	VERDICT_COUNT,
};

struct outcome {
	enum verdict verdict;
	bool running;             /* the payload's execve succeeded */
	int wait_status;          /* the payload's, as from waitpid(2); valid when it ended by itself or by our signal */
	bool status_known;
	bool failed;              /* `error` is what stopped the launch */
	struct error error;
	bool time_limit_hit, output_limit_hit;
	int64_t start_time, end_time; /* CLOCK_MONOTONIC ns; start: the moment of execve */
	struct rusage rusage;     /* of the whole sandbox as far as it was waited for */
	uint64_t output_bytes;
};

/* Runs the event loop: records from the child, the running pipe, signals to be passed on, time limit and grace, terminal
 * and output relays. Returns when nothing of the sandbox is left to watch; 0, or -1 when the watch itself failed (then the
 * sandbox has been killed). Restores the terminal. Signal dispositions of the launcher are its own affair: signals are
 * taken by signalfd, blocked by main before the clone and unblocked in the child. */
int supervise(struct launch *launch, struct outcome *ret, struct error *err);

#endif
