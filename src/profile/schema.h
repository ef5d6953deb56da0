/* schema: the profile language as a table. mkschema makes the tables from schema/profile.schema at build time;
 * nothing is read from schema/ when the program runs. */
#ifndef PROFILE_SCHEMA_H
#define PROFILE_SCHEMA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gen/keys.h"
#include "profile/profile.h"

/* What a key holds is an enum value_type (TYPE_SIZE, TYPE_PATHS, ...; gen/keys.h), see profile/values.h. This is the
 * C type behind it. */
enum storage {
	STORAGE_NONE, /* group: its keys have the fields */
	STORAGE_LIST,
	STORAGE_BOOL,
	STORAGE_INT,
	STORAGE_U32,
	STORAGE_U64,
	STORAGE_I64,
	STORAGE_TEXT,
	STORAGE_STRINGS,
	STORAGE_INTS,
	STORAGE_LIMIT,
	STORAGE_COUNT,
};

enum key_flag {
	KEY_REQUIRED = 1 << 0,
	KEY_UNLIMITED = 1 << 1, /* the word "unlimited" is a value */
	KEY_SIGNED = 1 << 2,
	KEY_ENV = 1 << 3,      /* ${env:NAME} may stand in it */
	KEY_REPLACES = 1 << 4, /* an element that writes it replaces the inherited one */
	KEY_INPUT = 1 << 5,    /* used up while reading: not shown */
	KEY_NO_FIELD = 1 << 6,
};

/* One of the keys by which elements of a list are told apart. */
struct identity_part {
	int key;    /* K_NONE ends them */
	char after; /* what stands behind it in the identity as text; '\0' behind the last */
};

/* One key. Keys are numbered by enum key_id; K_NONE is the profile as a whole, a group. */
struct key {
	const char *name; /* last word of the path */
	const char *path; /* "mounts[].source" */
	enum value_type type;
	int parent, first, next;   /* key ids: the tree of keys; 0 ends a chain */
	unsigned flags;            /* enum key_flag */
	size_t offset;             /* in struct profile, or in the element of the list it lies in */
	size_t size;               /* list: of an element */
	const void *initial;       /* list: an element with every default */
	const char *const *values; /* ends with NULL; NULL: not a closed list */
	int64_t min, max;          /* int */
	const char *identity;      /* list: the form of an element's identity, "listen:host/protocol"; NULL: none */
	const struct identity_part *identity_parts;
	int family;               /* of addresses: 4 or 6; 0: either */
	int requires, conflicts;  /* key id, or 0 */
	int selector;             /* key id of the element's `type`, for the masks */
	uint32_t only, needed;    /* bit n: the selector's value n; only = 0: no restriction */
	const char *default_text; /* as a profile would write it; NULL: none */
	const char *range;        /* in words; NULL: the type and `values` say it */
	const char *doc, *example;
	const char *since;  /* version of the program that brought the key */
	const char *kernel; /* what it needs of the kernel; NULL: nothing beyond the oldest that we run on */
};

extern const struct key keys[K_COUNT];
extern const struct profile profile_defaults;
extern const char default_profile[]; /* the text of profiles/default.conf */
extern const char schema_json[];     /* JSON Schema of the language */
extern const char schema_text[];     /* every key with what it does, as a profile */

extern const char *const type_names[VALUE_TYPE_COUNT]; /* as in the schema */
extern const char
	*const type_nouns[VALUE_TYPE_COUNT]; /* "size, such as "64M"": with an article it stands in a sentence */
extern const enum storage type_storage[VALUE_TYPE_COUNT];

static inline enum storage key_storage(int key)
{
	return type_storage[keys[key].type];
}

/* The key called `name` in group or list `parent`; K_NONE when there is none. */
int key_child(int parent, const char *name);

/* The key with this path ("mounts[].source", or "mounts.source", or "mounts[2].source"); K_NONE when there is none. */
int key_lookup(const char *path);

/* The name in `parent` that `name` was probably meant to be, or the path of a key called so elsewhere; NULL when
 * none is near. */
const char *key_nearest(int parent, const char *name);

#endif
