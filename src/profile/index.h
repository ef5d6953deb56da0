/* index: finds things by name in constant time, for lists that a profile may make long. Parent only. */
#ifndef PROFILE_INDEX_H
#define PROFILE_INDEX_H

#include <stddef.h>

struct arena;

struct index {
	struct index_entry {
		const char *name;
		void *value;
	} * entries;
	size_t mask; /* size - 1, a power of two */
};

/* An empty index for at most `count` names; its memory is the arena's. 0, or -1 when there is none. */
int index_init(struct index *index, struct arena *arena, size_t count);

/* Notes `value` (not NULL) under `name` unless something stands there. Returns what stood there, or NULL. */
void *index_add(struct index *index, const char *name, void *value);

/* Puts `value` under `name` whatever stands there; NULL takes it away. */
void index_put(struct index *index, const char *name, void *value);

/* What stands under `name`, or NULL. */
void *index_find(const struct index *index, const char *name);

#endif
