/* index: open addressing over a power of two at least twice the number of names. Parent only, pure.
 *
 * The hash is seeded by nothing: the names are a profile's own, and their number is bounded by the scan. */
#include "profile/index.h"

#include <stdint.h>
#include <string.h>

#include "base/arena.h"

int index_init(struct index *index, struct arena *arena, size_t count)
{
	size_t size = 8;

	while (size < count * 2)
		size *= 2;
	index->mask = size - 1;
	index->entries = arena_array(arena, size, sizeof(*index->entries));
	return index->entries ? 0 : -1;
}

/* FNV-1a. */
static size_t hash(const char *name)
{
	uint32_t value = UINT32_C(2166136261);

	for (; *name; name++)
		value = (uint32_t)((value ^ (unsigned char)*name) * UINT64_C(16777619));
	return value;
}

static struct index_entry *slot(const struct index *index, const char *name)
{
	size_t at = hash(name) & index->mask;

	while (index->entries[at].name && strcmp(index->entries[at].name, name) != 0)
		at = (at + 1) & index->mask;
	return &index->entries[at];
}

void *index_add(struct index *index, const char *name, void *value)
{
	struct index_entry *entry = slot(index, name);

	if (entry->value)
		return entry->value;
	entry->name = name;
	entry->value = value;
	return NULL;
}

void index_put(struct index *index, const char *name, void *value)
{
	struct index_entry *entry = slot(index, name);

	entry->name = name;
	entry->value = value;
}

void *index_find(const struct index *index, const char *name)
{
	return slot(index, name)->value;
}
