/* identity: see the header. */
#include "profile/identity.h"

#include <string.h>

#include "base/arena.h"

bool identity_has(int list, int key)
{
	const struct identity_part *part = keys[list].identity_parts;

	for (; part && part->key != K_NONE; part++)
		if (part->key == key)
			return true;
	return false;
}

const char *identity_join(struct arena *arena, int list, const char *const parts[IDENTITY_PARTS_MAX])
{
	const char *text = "";

	for (int i = 0; text && keys[list].identity_parts[i].key != K_NONE; i++) {
		char after = keys[list].identity_parts[i].after;
		bool brackets = after && strchr(parts[i], after);

		text = arena_format(arena, "%s%s%s%s%.1s", text, brackets ? "[" : "", parts[i], brackets ? "]" : "",
				    &after);
	}
	return text;
}

int identity_split(struct arena *arena, int list, const char *text, const char *parts[IDENTITY_PARTS_MAX])
{
	for (int i = 0; keys[list].identity_parts[i].key != K_NONE; i++) {
		char after = keys[list].identity_parts[i].after;
		bool brackets = after && *text == '[';
		const char *end = brackets ? strchr(text, ']') : after ? strchr(text, after) : text + strlen(text);

		if (!end || (brackets && end[1] != after))
			return -1;
		text += brackets;
		parts[i] = arena_copy_n(arena, text, (size_t)(end - text));
		if (!parts[i] || (after && !*parts[i]))
			return -1;
		text = end + brackets + !!after;
	}
	return 0;
}

const char *identity_end(int list, const char *text)
{
	bool brackets = keys[list].identity_parts && keys[list].identity_parts[0].after;

	for (int depth = 0; *text; text++) {
		if (*text == ']' && (!brackets || depth-- == 0))
			return text;
		depth += *text == '[';
	}
	return NULL;
}
