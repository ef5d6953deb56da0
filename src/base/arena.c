/* arena: a chain of blocks, newest first. Small requests share a block; a large one gets its own behind it.
 * Parent only, any phase. */
#include "base/arena.h"

#include <errno.h>
#include <stdalign.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCK_SIZE = 16 * 1024 };

struct arena_block {
	struct arena_block *next;
	size_t used, size;
	alignas(max_align_t) char data[];
};

static struct arena_block *block_new(size_t size)
{
	struct arena_block *block = NULL;

	if (size > SIZE_MAX - sizeof(*block)) {
		errno = ENOMEM;
		return NULL;
	}
	block = calloc(1, sizeof(*block) + size);
	if (block)
		block->size = size;
	return block;
}

void *arena_alloc(struct arena *arena, size_t size)
{
	const size_t align = alignof(max_align_t);
	struct arena_block *block = arena->first;
	size_t rounded = (size + align - 1) & ~(align - 1);

	if (rounded < size) {
		errno = ENOMEM;
		return NULL;
	}
	if (!block || block->size - block->used < rounded) {
		block = block_new(rounded > BLOCK_SIZE ? rounded : BLOCK_SIZE);
		if (!block)
			return NULL;
		block->next = arena->first;
		arena->first = block;
	}
	block->used += rounded;
	return block->data + block->used - rounded;
}

void *arena_array(struct arena *arena, size_t count, size_t size)
{
	size_t bytes = 0;

	if (__builtin_mul_overflow(count, size, &bytes)) {
		errno = ENOMEM;
		return NULL;
	}
	return arena_alloc(arena, bytes);
}

char *arena_copy_n(struct arena *arena, const char *text, size_t length)
{
	char *copy = length < SIZE_MAX ? arena_alloc(arena, length + 1) : NULL;

	if (copy)
		memcpy(copy, text, length);
	return copy;
}

char *arena_copy(struct arena *arena, const char *text)
{
	return arena_copy_n(arena, text, strlen(text));
}

char *arena_format(struct arena *arena, const char *format, ...)
{
	va_list arguments;
	char *text = NULL;
	int length = 0;

	va_start(arguments, format);
	length = vsnprintf(NULL, 0, format, arguments);
	va_end(arguments);
	if (length < 0)
		return NULL;
	text = arena_alloc(arena, (size_t)length + 1);
	if (!text)
		return NULL;
	va_start(arguments, format);
	(void)vsnprintf(text, (size_t)length + 1, format, arguments);
	va_end(arguments);
	return text;
}

void arena_free(struct arena *arena)
{
	while (arena->first) {
		struct arena_block *next = arena->first->next;

		free(arena->first);
		arena->first = next;
	}
}
