/* value: what one key holds: from a node into its field, and from the field back into text. Parent only. */
#ifndef PROFILE_VALUE_H
#define PROFILE_VALUE_H

#include <stdbool.h>

#include "profile/schema.h"
#include "profile/tree.h"

struct diagnostics;
struct text;

struct reader {
	struct arena *arena;
	struct diagnostics *diagnostics;
	const struct known_names *names; /* NULL: names are checked for their form only */
	bool draft; /* variables are not expanded yet: a text that holds one is let through unread */
};

/* Reads `node` as a value of `key`, which is no group or list of groups, into the field `to`. 0, or -1 after one or
 * more diagnostics, with the node marked as refused. */
int value_read(const struct reader *reader, int key, struct node *node, void *to);

/* The parts of value_read(), by the shape of the type. */
int value_read_text(const struct reader *reader, int key, struct node *node, const char **to);
int value_read_strings(const struct reader *reader, int key, struct node *node, struct strings *to);
int value_read_ints(const struct reader *reader, int key, struct node *node, struct ints *to);
int value_read_network(const struct reader *reader, int key, struct node *node, const char **to);

/* Says that the node is not of the key's type. Returns -1. */
int value_mismatch(const struct reader *reader, int key, struct node *node);

/* Absolute and normalised: no empty components, none that are ".", no slash at the end. NULL when it is not absolute,
 * holds "..", or is too long. The result may be `path` itself. */
const char *path_normalise(struct arena *arena, const char *path);

/* The text that equal values of `key` have in common: two spellings of a path or an address are one. `text` itself
 * where there is but one spelling, or it is no value of the key. NULL: out of memory. */
const char *value_canonical(struct arena *arena, int key, const char *text);
const char *value_canonical_network(struct arena *arena, int key, const char *text);

/* Whether the two fields of `key` hold the same. */
bool value_equal(int key, const void *a, const void *b);

/* The field as a profile writes it: `"64M"`. */
void value_show(int key, const void *field, struct text *out);

/* A string in quotes, escaped; with `dollars` a $ is written $$. */
void show_string(const char *string, bool dollars, struct text *out);

#endif
