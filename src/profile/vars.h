/* vars: variables and parameters in the values of a profile. Parent only. */
#ifndef PROFILE_VARS_H
#define PROFILE_VARS_H

#include "profile/load.h"
#include "profile/tree.h"

struct vars_param;

struct vars {
	const struct profile_request *request;
	struct arena *arena;
	struct diagnostics *diagnostics;
	struct vars_param *params;           /* a chain */
	const char *name;                    /* ${NAME} */
	const char *home, *user, *directory; /* asked for once, when used */
	bool asked;
	bool finished; /* every parameter has its value, or an error says why not */
};

/* Takes the params and the name of a layer; the later ones win. */
int vars_collect(struct vars *vars, const struct node *layer);

/* After all layers: takes the -D of the command line and proves that every parameter has a value of its type. -1
 * after diagnostics. */
int vars_finish(struct vars *vars);

/* The value of a variable, or of env:NAME, on no host in particular (request->offline); NULL: it is the same on all,
 * or there is no such variable. */
const char *vars_sample(struct arena *arena, const char *name);

/* Likewise what stands in for a parameter that has no value, by its type (PARAMS_TYPE_*). */
const char *vars_sample_param(int type);

/* Replaces the variables in a string of `key`. 0, or -1 after one diagnostic, with the node refused. */
int vars_expand(struct vars *vars, int key, struct node *node);

/* As above for everything in a merged profile, but what is never expanded: commands, params, extends. */
void vars_expand_tree(struct vars *vars, int parent, struct node *group);

#endif
