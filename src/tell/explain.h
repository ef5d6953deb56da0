/* explain: the pipeline for one profile, in words, without doing any of it. */
#ifndef TELL_EXPLAIN_H
#define TELL_EXPLAIN_H

#include "run/pipeline.h"

/* Prints to stdout what every stage would do for this plan, and which line of which profile asks for it; as a JSON
 * document when `json`. The plan is the very one that a run would use. 0, or -1 when memory is out or stdout cannot
 * be written. */
int explain_plan(const struct plan *plan, bool json, struct error *err);

/* Prints what the schema knows of a key. 0, or -1 for a key that is none, with the nearest in the remedy. */
int explain_key(const char *path, bool json, struct error *err);

/* What a named set of system calls holds (explain_key calls it for a word that begins with @). */
int explain_set(const char *name, bool json, struct error *err);

#endif
