/* identity: by what the elements of a list of groups are told apart, as text: one key of theirs ("/tmp", of a mount),
 * or several with a character between each two ("127.0.0.1:8080/tcp", of a published port). A part that holds the
 * character behind it stands in brackets: "[::1]:8080/tcp". Parent only; pure. */
#ifndef PROFILE_IDENTITY_H
#define PROFILE_IDENTITY_H

#include <stdbool.h>

#include "profile/schema.h"

enum { IDENTITY_PARTS_MAX = 4 };

/* Whether `key` is one of those that tell the elements of `list` apart. */
bool identity_has(int list, int key);

/* The identity made of its parts, in the order of keys[list].identity_parts. NULL: out of memory. */
const char *identity_join(struct arena *arena, int list, const char *const parts[IDENTITY_PARTS_MAX]);

/* The parts of an identity. 0, or -1 when `text` has another form, or out of memory. */
int identity_split(struct arena *arena, int list, const char *text, const char *parts[IDENTITY_PARTS_MAX]);

/* The ']' that ends an identity that begins at `text`; NULL when there is none. */
const char *identity_end(int list, const char *text);

#endif
