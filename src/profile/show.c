/* show: the effective profile as text that reads back to the same.
 *
 * Walks the table of keys: what a profile holds is written by its type, keys with the default are left out unless
 * all are asked for, groups without anything in them too. What was used up while reading (extends, params) is gone:
 * variables stand expanded, and a dollar is written $$. Parent only; pure. */
#include <string.h>

#include "base/text.h"
#include "profile/load.h"
#include "profile/show_lines.h"
#include "profile/value.h"

enum { ON_ONE_LINE = -1 }; /* depth: inside an element of a list */

struct showing {
	bool all;
	struct text *out;
};

static void show_group(const struct showing *showing, int parent, const char *base, const char *initial, int depth);

static void begin_line(const struct showing *showing, int depth)
{
	for (; depth > 0; depth--)
		text_add_n(showing->out, "\t", 1);
}

static void end_line(const struct showing *showing, int depth)
{
	text_add_n(showing->out, depth == ON_ONE_LINE ? " " : "\n", 1);
}

/* Whether the field holds a value at all: one that is unset cannot be written. */
static bool is_unset(int key, const char *field)
{
	switch (key_storage(key)) {
	case STORAGE_INT:
		return *(const int *)field == INT_UNSET;
	case STORAGE_U32:
		return *(const uint32_t *)field == ID_UNSET;
	case STORAGE_U64:
	case STORAGE_LIMIT:
		return *(const uint64_t *)field == SIZE_UNSET;
	case STORAGE_I64:
		return *(const int64_t *)field == DURATION_UNSET;
	case STORAGE_TEXT:
		return *(const char *const *)field == NULL;
	default:
		return false;
	}
}

/* Whether the key has a meaning in this element. */
static bool is_meant(int key, const char *base)
{
	int value = 0;

	if (!keys[key].selector || !keys[key].only)
		return true;
	memcpy(&value, base + keys[keys[key].selector].offset, sizeof(value));
	return keys[key].only & 1u << value;
}

/* Whether a list that cannot be written together with the key is. */
static bool is_excluded(int key, const char *base)
{
	for (int other = keys[keys[key].parent].first; other != K_NONE; other = keys[other].next) {
		size_t count = 0;

		if (keys[other].conflicts != key || keys[other].type != TYPE_LIST)
			continue;
		memcpy(&count, base + keys[other].offset + sizeof(void *), sizeof(count));
		if (count)
			return true;
	}
	return false;
}

static void show_list(const struct showing *showing, int key, const char *field, int depth)
{
	struct text *out = showing->out;
	const char *items = NULL;
	size_t count = 0;

	memcpy(&items, field, sizeof(items));
	memcpy(&count, field + sizeof(items), sizeof(count));
	if (!count)
		return;
	begin_line(showing, depth);
	text_add(out, "%s = (", keys[key].name);
	end_line(showing, depth);
	for (size_t i = 0; i < count; i++) {
		begin_line(showing, depth + 1);
		text_add(out, "{ ");
		show_group(showing, key, items + i * keys[key].size, keys[key].initial, ON_ONE_LINE);
		text_add(out, i + 1 < count ? "}," : "}");
		end_line(showing, depth);
	}
	begin_line(showing, depth);
	text_add(out, ");");
	end_line(showing, depth);
}

/* A group whose keys all go without saying is taken back. */
static void show_subgroup(const struct showing *showing, int key, const char *base, const char *initial, int depth)
{
	struct text *out = showing->out;
	size_t before = out->length, empty = 0;

	begin_line(showing, depth);
	text_add(out, "%s = {", keys[key].name);
	end_line(showing, depth);
	empty = out->length;
	show_group(showing, key, base, initial, depth == ON_ONE_LINE ? depth : depth + 1);
	if (out->length == empty) {
		out->length = before;
		if (out->data)
			out->data[before] = '\0';
		return;
	}
	begin_line(showing, depth);
	text_add(out, "};");
	end_line(showing, depth);
}

/* The ids have another default under a map of one user (see load.c): there they are always said. */
static bool must_be_said(int key, const char *base)
{
	const struct profile *profile = (const void *)base;

	return (key == K_USERS_UID || key == K_USERS_GID) &&
	       (profile->users.map == USERS_MAP_ROOT || profile->users.map == USERS_MAP_SELF);
}

static void show_key(const struct showing *showing, int key, const char *base, const char *initial, int depth)
{
	const char *field = base + keys[key].offset, *usual = initial + keys[key].offset;
	bool wanted = showing->all || keys[key].flags & KEY_REQUIRED || !value_equal(key, field, usual) ||
		      must_be_said(key, base);

	if (!wanted || is_unset(key, field) || !is_meant(key, base) || is_excluded(key, base))
		return;
	begin_line(showing, depth);
	text_add(showing->out, "%s = ", keys[key].name);
	value_show(key, field, showing->out);
	text_add(showing->out, ";");
	end_line(showing, depth);
}

static void show_group(const struct showing *showing, int parent, const char *base, const char *initial, int depth)
{
	for (int key = keys[parent].first; key != K_NONE; key = keys[key].next) {
		if (keys[key].flags & KEY_INPUT)
			continue;
		if (keys[key].type == TYPE_GROUP)
			show_subgroup(showing, key, base, initial, depth);
		else if (keys[key].type == TYPE_LIST)
			show_list(showing, key, base + keys[key].offset, depth);
		else
			show_key(showing, key, base, initial, depth);
	}
}

int profile_show(const struct profile *profile, bool all, struct text *out)
{
	struct text text = { 0 };
	const struct showing showing = { .all = all, .out = &text };

	show_group(&showing, K_NONE, (const char *)profile, (const char *)&profile_defaults, 0);
	show_lines(&text, out);
	text_free(&text);
	return out->failed ? -1 : 0;
}
