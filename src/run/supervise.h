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
	VERDICT_MEMORY_LIMIT,   /* only from verdict_of(): it takes what undo reads */
	VERDICT_CPU_TIME_LIMIT, /* likewise */
	VERDICT_SECCOMP,        /* likewise */
	VERDICT_SETUP_FAILED,
	VERDICT_NETWORK_LOST, /* the program that carried its connections ended before it */
	VERDICT_KILLED,       /* from outside: a signal to the launcher before the payload ran, or init was killed */
	VERDICT_COUNT,
};

struct outcome {
	enum verdict verdict;
	bool running;      /* the payload's execve succeeded */
	int wait_status;   /* the payload's, as from waitpid(2); valid when status_known */
	bool status_known; /* it ended by itself, or we killed it */
	int end_signal;    /* the signal to the launcher that called it off, before the payload ran or while its last
			      output was delivered; 0: none */
	bool failed;       /* `error` is what stopped the launch, or ended what ran */
	bool network_lost; /* that is the network's doing */
	struct error error;
	bool time_limit_hit, output_limit_hit;
	int64_t start_time, end_time; /* CLOCK_MONOTONIC ns; start: the moment of execve, 0: never */
	struct rusage rusage;         /* of the whole sandbox as far as it was waited for */
	struct usage usage;           /* filled by undo, when main asked it to; USAGE_UNKNOWN before */
	uint64_t output_bytes;        /* of what went through relays */
};

/* Blocks the signals that supervise() will take, ignores SIGPIPE and makes SIGCHLD the default: to be called before
 * anything exists, so that no signal ends the launcher while something would be left behind. The child resets all of it
 * (stage session). 0 or -1. */
int supervise_prepare(struct error *err);

/* Runs the event loop: records from the child, the running pipe, signals to be passed on, time limit and grace,
 * terminal and output relays. Returns when the sandbox's first process has ended and been waited for
 * (launch->host.child is 0 then) and its output is delivered; 0, or -1 when the watch itself failed (then the sandbox
 * has been killed). Restores the terminal. *ret is complete in both cases. */
int supervise(struct launch *launch, struct outcome *ret, struct error *err);

#endif
