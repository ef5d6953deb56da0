/* check: what is wrong with profiles, told on standard error or, for programs, as JSON on standard output. */
#ifndef TELL_CHECK_H
#define TELL_CHECK_H

#include "profile/load.h"
#include "run/pipeline.h"

/* From here on what check_diagnostics() and check_error() hear of is kept for check_finish(), which prints it as JSON;
 * without this call they print at once. */
void check_as_json(void);

/* What reading the profiles found. */
void check_diagnostics(const struct diagnostics *diagnostics);

/* What a stage's plan found in `profile`. */
void check_error(const struct profile *profile, const struct error *found);

/* Prints the JSON, where it was asked for: an object with `valid` and `errors`. 0, or -1 with *err. */
int check_finish(struct error *err);

#endif
