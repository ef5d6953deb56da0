/* tree: a profile's text as nodes that know their file and line, before anything is known about keys. Parent only. */
#ifndef PROFILE_TREE_H
#define PROFILE_TREE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arena;
struct diagnostics;

/* Where text comes from. */
struct source {
	const char *file;      /* as messages name it: a path, "built-in default", "command line" */
	const char *directory; /* absolute, of the file; NULL when there is none */
	int layer;             /* enum layer (profile.h) */
};

enum node_type {
	NODE_INT,
	NODE_BOOL,
	NODE_STRING,
	NODE_GROUP, /* { name = value; ... } */
	NODE_LIST,  /* ( ... ) or [ ... ] */
	NODE_TYPE_COUNT,
};

struct node {
	enum node_type type;
	const char *name;            /* NULL in a list */
	const struct source *source; /* NULL: made of a default */
	int line;                    /* 0: unknown */
	int index;                   /* in the list where it was written */
	bool refused;                /* an error about it has been reported */
	bool expanded;               /* no variables are left in `text` */
	bool by_text; /* text that is to be read by the key's type: from the command line, or from a variable */
	struct node *parent, *next;
	struct node *first, *last; /* of a group or list */
	size_t count;
	int64_t number;   /* NODE_INT, NODE_BOOL */
	const char *text; /* NODE_STRING */
};

/* Reads a whole profile: the root is a group. NULL after one diagnostic. */
struct node *tree_read(const char *text, size_t length, const struct source *source, struct arena *arena,
		       struct diagnostics *diagnostics);

/* Reads one value, such as `[ "a" ]`. NULL after one diagnostic. */
struct node *tree_read_value(const char *text, const struct source *source, struct arena *arena,
			     struct diagnostics *diagnostics);

struct node *node_new(struct arena *arena, enum node_type type, const struct source *source);

/* The child of that name, or NULL. */
struct node *node_member(const struct node *group, const char *name);

/* Adds at the end; puts in the place of another; takes out. */
void node_append(struct node *parent, struct node *child);
void node_replace(struct node *old, struct node *new);
void node_remove(struct node *child);

/* The path as a user writes it: "mounts[2].source". Cut when it does not fit. */
void node_path(const struct node *node, char *buffer, size_t size);

/* What to call it in a message: "a string", "a list". */
const char *node_kind(const struct node *node);

#endif
