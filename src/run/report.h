/* report: messages to the user, on standard error. */
#ifndef RUN_REPORT_H
#define RUN_REPORT_H

#include "profile/load.h"
#include "run/pipeline.h"

/* One error: "sandbox: FILE:LINE: KEY: what: strerror (stage, phase)", and a second line with the remedy where one is
 * known. `profile` tells where the key stands; NULL before one is loaded. */
void report_error(const struct profile *profile, const struct error *err);

/* All messages about a profile, in their order. */
void report_diagnostics(const struct diagnostics *diagnostics);

/* The time that each cell took, one line for each stage that ran. */
void report_timings(const struct timings *timings);

#endif
