/* diagnostic: see the header. Parent only, while profiles are read.
 *
 * Messages live in the diagnostics' own arena: the profile that they are about may never come to be. When memory is
 * out a message is lost but still counted, so that a failure never looks like a success. */
#include "profile/diagnostic.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "profile/tree.h"

enum { MESSAGE_MAX = 512 };

/* A message made of what a stranger wrote goes to a terminal. */
__attribute__((format(printf, 2, 0))) static const char *format_escaped(struct arena *arena, const char *format,
									va_list arguments)
{
	char raw[MESSAGE_MAX];
	char *escaped = NULL, *to = NULL;

	if (vsnprintf(raw, sizeof(raw), format, arguments) >= (int)sizeof(raw))
		memcpy(raw + sizeof(raw) - 4, "...", 4);
	escaped = to = arena_alloc(arena, strlen(raw) * 4 + 1);
	if (!escaped)
		return "(no memory for the message)";
	for (const char *from = raw; *from; from++) {
		unsigned char c = (unsigned char)*from;

		if (c < ' ' || c == 0x7f)
			to += sprintf(to, "\\x%02x", c);
		else
			*to++ = (char)c;
	}
	return escaped;
}

/* Room for one more message; NULL when there is none. */
static struct diagnostic *append(struct diagnostics *diagnostics)
{
	if (diagnostics->count == diagnostics->size) {
		size_t size = diagnostics->size ? diagnostics->size * 2 : 8;
		struct diagnostic *items = arena_array(diagnostics->arena, size, sizeof(*items));

		if (!items)
			return NULL;
		if (diagnostics->count)
			memcpy(items, diagnostics->items, diagnostics->count * sizeof(*items));
		diagnostics->items = items;
		diagnostics->size = size;
	}
	return &diagnostics->items[diagnostics->count++];
}

__attribute__((format(printf, 2, 0))) static struct diagnostic *add(struct diagnostics *diagnostics, const char *format,
								    va_list arguments)
{
	struct diagnostic *item = NULL;

	if (diagnostics->count > DIAGNOSTICS_MAX)
		return NULL;
	item = append(diagnostics);
	if (!item)
		return NULL;
	if (diagnostics->count > DIAGNOSTICS_MAX) {
		item->what = "further errors are not shown";
		return NULL;
	}
	item->what = format_escaped(diagnostics->arena, format, arguments);
	return item;
}

int diagnose(struct diagnostics *diagnostics, const char *file, int line, const char *format, ...)
{
	struct diagnostic *item = NULL;
	va_list arguments;

	va_start(arguments, format);
	item = add(diagnostics, format, arguments);
	va_end(arguments);
	if (item) {
		item->file = file;
		item->line = line;
	}
	return -1;
}

int diagnose_node(struct diagnostics *diagnostics, const struct node *node, const char *format, ...)
{
	struct diagnostic *item = NULL;
	va_list arguments;

	va_start(arguments, format);
	item = add(diagnostics, format, arguments);
	va_end(arguments);
	if (item) {
		char path[256];

		node_path(node, path, sizeof(path));
		item->file = node->source ? node->source->file : NULL;
		item->line = node->line;
		item->key = arena_copy(diagnostics->arena, path);
	}
	return -1;
}

static struct diagnostic *last(struct diagnostics *diagnostics)
{
	return diagnostics->count && diagnostics->count <= DIAGNOSTICS_MAX ? &diagnostics->items[diagnostics->count - 1]
									   : NULL;
}

int diagnose_remedy(struct diagnostics *diagnostics, const char *format, ...)
{
	struct diagnostic *item = last(diagnostics);
	va_list arguments;

	va_start(arguments, format);
	if (item)
		item->remedy = format_escaped(diagnostics->arena, format, arguments);
	va_end(arguments);
	return -1;
}

int diagnose_key(struct diagnostics *diagnostics, const char *format, ...)
{
	struct diagnostic *item = last(diagnostics);
	va_list arguments;

	va_start(arguments, format);
	if (item)
		item->key = format_escaped(diagnostics->arena, format, arguments);
	va_end(arguments);
	return -1;
}

int diagnose_values(struct diagnostics *diagnostics, const char *const *values)
{
	struct text list = { 0 };

	for (size_t i = 0; values[i]; i++)
		text_add(&list, "%s%s", i ? ", " : "", values[i]);
	if (!list.failed)
		diagnose_remedy(diagnostics, "values: %s", list.data);
	text_free(&list);
	return -1;
}

enum { NAME_MAX_LENGTH = 40 };

/* How many letters must be put in, taken out, changed, or swapped with their neighbour. Both at most
 * NAME_MAX_LENGTH. */
static size_t distance(const char *a, const char *b)
{
	size_t rows[3][NAME_MAX_LENGTH + 1];
	size_t length = strlen(b);

	for (size_t j = 0; j <= length; j++)
		rows[0][j] = j;
	for (size_t i = 1; a[i - 1]; i++) {
		size_t *row = rows[i % 3], *above = rows[(i + 2) % 3], *two_above = rows[(i + 1) % 3];

		row[0] = i;
		for (size_t j = 1; j <= length; j++) {
			size_t best = above[j - 1] + (a[i - 1] != b[j - 1]);

			if (above[j] + 1 < best)
				best = above[j] + 1;
			if (row[j - 1] + 1 < best)
				best = row[j - 1] + 1;
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
			    two_above[j - 2] + 1 < best)
				best = two_above[j - 2] + 1;
			row[j] = best;
		}
	}
	return rows[strlen(a) % 3][length];
}

const char *nearest_name(const char *wrong, const char *const *names, size_t count)
{
	const char *nearest = NULL;
	size_t length = strlen(wrong), best = length < 5 ? 2 : length < 9 ? 3 : 4;

	if (length > NAME_MAX_LENGTH)
		return NULL;
	for (size_t i = 0; i < count; i++) {
		size_t d = 0;

		if (strlen(names[i]) > NAME_MAX_LENGTH)
			continue;
		d = distance(wrong, names[i]);
		if (d < best && d < strlen(names[i])) {
			best = d;
			nearest = names[i];
		}
	}
	return nearest;
}
