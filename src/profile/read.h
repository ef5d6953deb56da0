/* read: a merged tree becomes struct profile. Parent only. */
#ifndef PROFILE_READ_H
#define PROFILE_READ_H

#include "profile/schema.h"
#include "profile/tree.h"
#include "profile/value.h"

/* Fills *profile, which holds the defaults, from the tree, whose variables are expanded. -1 after diagnostics. */
int profile_read(const struct reader *reader, struct node *tree, struct profile *profile);

/* The rules between keys that a row of the schema cannot say. -1 after diagnostics. */
int profile_check(const struct reader *reader, const struct profile *profile);

/* The node of `key` in a tree, that of element `index` of the outermost list on its path (-1: of the list itself,
 * when the key lies in one); NULL when it was not written. */
struct node *tree_find(const struct node *tree, int key, int index);

#endif
