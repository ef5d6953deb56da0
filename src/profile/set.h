/* set: a "KEY=VALUE" of the command line becomes a layer. Parent only. */
#ifndef PROFILE_SET_H
#define PROFILE_SET_H

#include "profile/tree.h"

/* The layer with the one value that `assignment` sets; NULL after one diagnostic. */
struct node *set_layer(const char *assignment, struct arena *arena, struct diagnostics *diagnostics);

#endif
