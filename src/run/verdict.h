/* verdict: why it ended, as an exit status and as a record. */
#ifndef RUN_VERDICT_H
#define RUN_VERDICT_H

#include "profile/load.h"
#include "run/supervise.h"

/* Where the record goes. */
struct verdict_sink {
	int fd;           /* -1: nobody asked for a record */
	int directory;    /* the record replaces `name` in it in one step; -1: it is written to fd itself */
	const char *name; /* points into the path given */
	bool borrowed;    /* fd is the caller's (--status-fd) */
};

/* Opens what --status-file or --status-fd name (NULL: not given; both is an error), so that a place that cannot be
 * written is known before anything starts. The path must outlive the sink. 0, or -1 with exit status 120. */
int verdict_open(struct verdict_sink *ret, const char *path, const char *number, struct error *err);

/* Why it ended, with what the sandbox's cgroups knew taken into account: a death by SIGKILL may have been the memory
 * limit's doing, one by SIGSYS the filter's. */
enum verdict verdict_of(const struct launch *launch, const struct outcome *outcome);

/* What the launcher exits with. */
int verdict_exit_status(const struct launch *launch, const struct outcome *outcome);

/* Fills *err with the limit that ended the command, or a process of it, or with what else the command did not do
 * itself, for its user to read. False, and *err as it was, when there is nothing to say. */
bool verdict_explain(const struct launch *launch, const struct outcome *outcome, struct error *err);

/* Writes the record and closes the sink. Does nothing when nobody asked. 0, or -1 with *err. */
int verdict_write(struct verdict_sink *sink, const struct launch *launch, const struct outcome *outcome,
		  struct error *err);

/* The same for a profile that was refused: nothing was planned. */
int verdict_write_refusal(struct verdict_sink *sink, const struct caller *caller, const struct diagnostics *diagnostics,
			  struct error *err);

#endif
