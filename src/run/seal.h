/* seal: run from a copy of ourselves that nobody can write, where a payload could otherwise reach the program file. */
#ifndef RUN_SEAL_H
#define RUN_SEAL_H

#include "stage/stage.h"

/* Whether this plan's payload could change the launcher's own file, opened through /proc (see seal.c). */
bool seal_needed(const struct plan *plan);

/* Executes a sealed copy of this program with the same arguments and environment, and with descriptor `keep` (-1: none)
 * open there. Returns 0 when this process already is such a copy, -1 on failure; otherwise it does not return. */
int seal_self(char *const *argv, char *const *environ_copy, int keep, struct error *err);

#endif
