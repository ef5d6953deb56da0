/* merge: layers become one tree. Parent only. */
#ifndef PROFILE_MERGE_H
#define PROFILE_MERGE_H

#include "profile/tree.h"
#include "profile/vars.h"

struct merging {
	struct arena *arena;
	struct diagnostics *diagnostics;
	struct vars *vars; /* identities are compared after expansion */
};

/* Lays `layer` over `base`, both whole profiles that layer_check() has seen; `layer` is used up. -1 after
 * diagnostics, with all of the layer merged that could be. */
int merge_layer(const struct merging *merging, struct node *base, struct node *layer);

/* Checks the shape of one layer by itself: every key known, every value of its type as far as no variable is in the
 * way, every element of a list with an identity has it. Marks what is wrong as refused. -1 after diagnostics. */
int layer_check(const struct merging *merging, struct node *layer);

#endif
