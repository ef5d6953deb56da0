/* show: the effective profile as text that reads back to the same.
 *
 * Walks the table of keys: what a profile holds is written by its type, keys with the default are left out unless all are
 * asked for, groups without anything in them too. What was used up while reading (extends, params) is gone: variables stand
 * expanded, and a dollar is written $$. Parent only; pure. */
#include <string.h>

#include "base/text.h"
#include "profile/load.h"
#include "profile/value.h"

enum { ON_ONE_LINE = -1 };        /* depth: inside an element of a list */

static void show_group(int parent, const char *base, const char *initial, bool all, int depth, struct text *out);

static void begin_line(struct text *out, int depth)
{
	for (; depth > 0; depth--)
		text_add_n(out, "\t", 1);
}

static void end_line(struct text *out, int depth)
{
	text_add_n(out, depth == ON_ONE_LINE ? " " : "\n", 1);
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

static void show_list(int key, const char *field, bool all, int depth, struct text *out)
{
	const char *items = NULL;
	size_t count = 0;

	memcpy(&items, field, sizeof(items));
	memcpy(&count, field + sizeof(items), sizeof(count));
	if (!count)
		return;
	begin_line(out, depth);
	text_add(out, "%s = (", keys[key].name);
	end_line(out, depth);
	for (size_t i = 0; i < count; i++) {
		begin_line(out, depth + 1);
		text_add(out, "{ ");
		show_group(key, items + i * keys[key].size, keys[key].initial, all, ON_ONE_LINE, out);
		text_add(out, i + 1 < count ? "}," : "}");
		end_line(out, depth);
	}
	begin_line(out, depth);
	text_add(out, ");");
	end_line(out, depth);
}

/* A group whose keys all go without saying is taken back. */
static void show_subgroup(int key, const char *base, const char *initial, bool all, int depth, struct text *out)
{
	size_t before = out->length, empty = 0;

	begin_line(out, depth);
	text_add(out, "%s = {", keys[key].name);
	end_line(out, depth);
	empty = out->length;
	show_group(key, base, initial, all, depth == ON_ONE_LINE ? depth : depth + 1, out);
	if (out->length == empty) {
		out->length = before;
		if (out->data)
			out->data[before] = '\0';
		return;
	}
	begin_line(out, depth);
	text_add(out, "};");
	end_line(out, depth);
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

static void show_key(int key, const char *base, const char *initial, bool all, int depth, struct text *out)
{
	const char *field = base + keys[key].offset, *usual = initial + keys[key].offset;
	bool wanted = all || keys[key].flags & KEY_REQUIRED || !value_equal(key, field, usual);

	if (!wanted || is_unset(key, field) || !is_meant(key, base) || is_excluded(key, base))
		return;
	begin_line(out, depth);
	text_add(out, "%s = ", keys[key].name);
	value_show(key, field, out);
	text_add(out, ";");
	end_line(out, depth);
}

static void show_group(int parent, const char *base, const char *initial, bool all, int depth, struct text *out)
{
	for (int key = keys[parent].first; key != K_NONE; key = keys[key].next) {
		if (keys[key].flags & KEY_INPUT)
			continue;
		if (keys[key].type == TYPE_GROUP)
			show_subgroup(key, base, initial, all, depth, out);
		else if (keys[key].type == TYPE_LIST)
			show_list(key, base + keys[key].offset, all, depth, out);
		else
			show_key(key, base, initial, all, depth, out);
	}
}

int profile_show(const struct profile *profile, bool all, struct text *out)
{
	show_group(K_NONE, (const char *)profile, (const char *)&profile_defaults, all, 0, out);
	return out->failed ? -1 : 0;
}
