/* shed: how a helper process of ours gives up what it does not need. Used by init (run/init.c), the guard (run/guard.c)
 * and the relay of published ports (run/forward.c), which run code of ours for as long as the sandbox lives. */
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

/* The same for a process that does nothing but to pass bytes from one internet socket to another. */
CHILD int shed_to_network(struct error *err);

/* Overwrites the launcher's arguments and environment, where /proc/PID/cmdline shows them, with `title`, or with
 * nothing where that does not fit. Both are gone for the caller. */
CHILD void shed_title(const struct caller *caller, const char *title);

#endif
