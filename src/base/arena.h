/* arena: memory that is freed all at once.
 *
 * The profile and the plan each own one. Parent only: the child reads what the parent put there, it never allocates. */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include <stddef.h>

struct arena {
	struct arena_block *first;
};

/* `size` zeroed bytes, aligned for any type; NULL with errno ENOMEM when there is none. */
void *arena_alloc(struct arena *arena, size_t size);

/* As above for `count` elements of `size` bytes; NULL also when the product overflows. */
void *arena_array(struct arena *arena, size_t count, size_t size);

/* A copy of `text` (of its first `length` bytes) with a terminating NUL; NULL when there is no memory. */
char *arena_copy(struct arena *arena, const char *text);
char *arena_copy_n(struct arena *arena, const char *text, size_t length);

/* printf into the arena; NULL when there is no memory. */
char *arena_format(struct arena *arena, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Frees everything. An arena of zero bytes is a valid empty one. */
void arena_free(struct arena *arena);

#endif
