/* shed: how a helper process of ours gives up what it does not need. Used by init (run/init.c) and the guard
 * (run/guard.c), which run code of ours for as long as the sandbox lives. */
#ifndef RUN_SHED_H
#define RUN_SHED_H

#include <stdbool.h>

#include "stage/stage.h"

/* Closes every descriptor but `keep[0]` .. `keep[count - 1]`, which it sorts; standard ones too: who reads the other
 * end of the caller's standard output must see EOF when the payload is done with it. */
CHILD int shed_descriptors(int *keep, size_t count, struct error *err);

/* Drops every capability, CAP_KILL excepted where asked, sets no_new_privs, and installs a filter that allows what
 * these processes do and kills at anything else. Descriptors must be in place by then. */
CHILD int shed_powers(bool keep_kill, struct error *err);

#endif
