/* value: from a node into the field of its key: numbers and quantities, limits, and the choice by type. Texts and
 * lists of texts are in value_text.c, the way back in value_show.c.
 *
 * Every message says what was expected; where a user's meaning can be guessed ("512MB"), the remedy says what to
 * write. Parent only, while profiles are read; pure. */
#include "profile/value.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "base/parse.h"
#include "profile/diagnostic.h"

int value_mismatch(const struct reader *reader, int key, struct node *node)
{
	node->refused = true;
	return diagnose_node(reader->diagnostics, node, "must be %s %s%s; this is %s",
			     strchr("aeioI", type_nouns[keys[key].type][0]) ? "an" : "a", type_nouns[keys[key].type],
			     keys[key].flags & KEY_UNLIMITED ? ", or \"unlimited\"" : "", node_kind(node));
}

#define REFUSE(reader, node, ...) ((node)->refused = true, diagnose_node((reader)->diagnostics, node, __VA_ARGS__))

/* Text that will be something else once its variables are expanded. */
static bool is_draft(const struct reader *reader, const struct node *node)
{
	return reader->draft && node->type == NODE_STRING && !node->expanded && strchr(node->text, '$');
}

static bool is_unlimited(int key, const struct node *node)
{
	return keys[key].flags & KEY_UNLIMITED && node->type == NODE_STRING && strcmp(node->text, "unlimited") == 0;
}

/* ---- numbers -------------------- */

struct range {
	int64_t min, max;
};

/* A bare number in the range; text where the key's type decides. */
static int read_number(const struct reader *reader, int key, struct node *node, struct range range, int64_t *ret)
{
	int64_t number = node->number;

	if (node->type == NODE_STRING && !node->by_text) {
		value_mismatch(reader, key, node);
		if (parse_signed(node->text, range.min, range.max, &number) == 0)
			diagnose_remedy(reader->diagnostics, "write %s without quotes", node->text);
		return -1;
	}
	if (node->type == NODE_STRING && parse_signed(node->text, INT64_MIN, INT64_MAX, &number))
		return REFUSE(reader, node, "%s is no whole decimal number", node->text);
	if (node->type != NODE_STRING && node->type != NODE_INT)
		return value_mismatch(reader, key, node);
	if (number < range.min || number > range.max)
		return range.max == INT64_MAX
			       ? REFUSE(reader, node, "%" PRId64 " is out of range: must be %" PRId64 " or more",
					number, range.min)
			       : REFUSE(reader, node,
					"%" PRId64 " is out of range: must be from %" PRId64 " to %" PRId64, number,
					range.min, range.max);
	*ret = number;
	return 0;
}

static int read_int(const struct reader *reader, int key, struct node *node, int *to)
{
	int64_t number = 0;

	if (read_number(reader, key, node, (struct range){ keys[key].min, keys[key].max }, &number))
		return -1;
	*to = (int)number;
	return 0;
}

static int read_count(const struct reader *reader, int key, struct node *node, uint64_t *to)
{
	int64_t number = 0;

	if (is_unlimited(key, node)) {
		*to = SIZE_UNLIMITED;
		return 0;
	}
	if (read_number(reader, key, node, (struct range){ 0, INT64_MAX }, &number))
		return -1;
	*to = (uint64_t)number;
	return 0;
}

static int read_bool(const struct reader *reader, int key, struct node *node, bool *to)
{
	if (node->type == NODE_STRING && node->by_text && parse_bool(node->text, to) == 0)
		return 0;
	if (node->type != NODE_BOOL) {
		value_mismatch(reader, key, node);
		return node->type == NODE_STRING
			       ? diagnose_remedy(reader->diagnostics, "write true or false, without quotes")
			       : -1;
	}
	*to = node->number;
	return 0;
}

static int read_enum(const struct reader *reader, int key, struct node *node, int *to)
{
	const char *const *values = keys[key].values;
	size_t count = 0;
	const char *nearest = NULL;

	if (node->type != NODE_STRING)
		return value_mismatch(reader, key, node);
	for (; values[count]; count++) {
		if (strcmp(values[count], node->text) == 0) {
			*to = (int)count;
			return 0;
		}
	}
	nearest = nearest_name(node->text, values, count);
	REFUSE(reader, node, "unknown value \"%s\"%s%s%s", node->text, nearest ? "; did you mean \"" : "",
	       nearest ? nearest : "", nearest ? "\"?" : "");
	return diagnose_values(reader->diagnostics, values);
}

/* ---- quantities -------------------- */

static int size_remedy(const struct reader *reader, const char *text)
{
	size_t digits = strspn(text, "0123456789");
	const char *unit = text + digits;
	int length = (int)digits;

	if (!digits || !strchr("kKmMgGtT.bB", *unit))
		return -1;
	if (!*unit)
		return diagnose_remedy(reader->diagnostics,
				       "a size has a unit, a power of 1024: write %.*sK, %.*sM, ...", length, text,
				       length, text);
	if (*unit == '.')
		return diagnose_remedy(reader->diagnostics,
				       "a size is a whole number: take a smaller unit, 1536M for 1.5G");
	if (*unit == 'b' || *unit == 'B')
		return diagnose_remedy(reader->diagnostics, "the smallest unit is K, 1024 bytes");
	return diagnose_remedy(reader->diagnostics, "sizes are powers of 1024: write %.*s%c", length, text,
			       *unit >= 'a' ? *unit - 'a' + 'A' : *unit);
}

static int read_size(const struct reader *reader, int key, struct node *node, uint64_t *to)
{
	if (is_unlimited(key, node)) {
		*to = SIZE_UNLIMITED;
		return 0;
	}
	if (node->type == NODE_INT) {
		value_mismatch(reader, key, node);
		return diagnose_remedy(reader->diagnostics,
				       "write it with a unit, in quotes: \"%" PRId64 "K\", \"%" PRId64 "M\", ...",
				       node->number, node->number);
	}
	if (node->type != NODE_STRING)
		return value_mismatch(reader, key, node);
	if (parse_size(node->text, to) == 0)
		return 0;
	if (errno == ERANGE)
		return REFUSE(reader, node, "the size %s is too large", node->text);
	REFUSE(reader, node, "\"%s\" is no size", node->text);
	return size_remedy(reader, node->text);
}

static int read_duration(const struct reader *reader, int key, struct node *node, int64_t *to)
{
	if (is_unlimited(key, node)) {
		*to = DURATION_UNLIMITED;
		return 0;
	}
	if (node->type == NODE_INT) {
		value_mismatch(reader, key, node);
		return diagnose_remedy(reader->diagnostics, "write it with a unit, in quotes: \"%" PRId64 "s\"",
				       node->number);
	}
	if (node->type != NODE_STRING)
		return value_mismatch(reader, key, node);
	if (parse_duration(node->text, keys[key].flags & KEY_SIGNED, to) == 0)
		return 0;
	if (errno == ERANGE)
		return REFUSE(reader, node, "the duration %s is too long or too fine", node->text);
	REFUSE(reader, node, "\"%s\" is no duration", node->text);
	return diagnose_remedy(reader->diagnostics, "a duration is a number with ms, s, m or h behind it: \"1.5s\"");
}

static int read_percent(const struct reader *reader, int key, struct node *node, int64_t *to)
{
	if (is_unlimited(key, node)) {
		*to = PERCENT_UNLIMITED;
		return 0;
	}
	if (node->type != NODE_STRING)
		return value_mismatch(reader, key, node);
	if (parse_percent(node->text, to) == 0)
		return 0;
	if (errno == ERANGE)
		return REFUSE(reader, node, "the percentage %s is too large or too fine", node->text);
	REFUSE(reader, node, "\"%s\" is no percentage", node->text);
	return diagnose_remedy(reader->diagnostics, "a percentage ends with %%: \"50%%\"");
}

static int read_u32(const struct reader *reader, int key, struct node *node, uint32_t *to)
{
	int64_t number = 0;

	if (keys[key].type == TYPE_ID) {
		if (read_number(reader, key, node, (struct range){ 0, UINT32_MAX - 1 }, &number))
			return -1;
		*to = (uint32_t)number;
		return 0;
	}
	if (node->type != NODE_STRING)
		return value_mismatch(reader, key, node);
	if (parse_mode(node->text, to) == 0)
		return 0;
	REFUSE(reader, node, "\"%s\" is no mode", node->text);
	return diagnose_remedy(reader->diagnostics, "a mode has four octal digits: \"0755\"");
}

/* ---- limits of a process -------------------- */

/* One limit, in the unit of the kernel's: bytes, a count, seconds or microseconds. */
static int read_limit_value(const struct reader *reader, int key, struct node *node, uint64_t *to)
{
	int64_t unit = keys[key].type == TYPE_LIMIT_TIME ? 1000000000 : 1000, duration = 0;

	if (is_draft(reader, node))
		return 0;
	if (keys[key].type == TYPE_LIMIT_SIZE)
		return read_size(reader, key, node, to);
	if (keys[key].type == TYPE_LIMIT_COUNT)
		return read_count(reader, key, node, to);
	if (read_duration(reader, key, node, &duration))
		return -1;
	if (duration == DURATION_UNLIMITED) {
		*to = SIZE_UNLIMITED;
		return 0;
	}
	if (duration % unit)
		return REFUSE(reader, node, "%s is not in whole %s", node->text,
			      unit == 1000 ? "microseconds" : "seconds");
	*to = (uint64_t)(duration / unit);
	return 0;
}

static int read_limit(const struct reader *reader, int key, struct node *node, struct limit *to)
{
	struct node *soft = NULL, *hard = NULL;

	if (node->type != NODE_GROUP) {
		if (read_limit_value(reader, key, node, &to->soft))
			return -1;
		to->hard = to->soft;
		return 0;
	}
	soft = node_member(node, "soft");
	hard = node_member(node, "hard");
	if (!soft || !hard || node->count != 2)
		return REFUSE(reader, node, "a limit in two parts is written { soft = ...; hard = ...; }");
	if (read_limit_value(reader, key, soft, &to->soft) || read_limit_value(reader, key, hard, &to->hard))
		return -1;
	if (!reader->draft && to->soft > to->hard)
		return REFUSE(reader, soft, "the soft limit is above the hard one");
	return 0;
}

/* ---- by type -------------------- */

int value_read(const struct reader *reader, int key, struct node *node, void *to)
{
	if (is_draft(reader, node))
		return 0;
	switch (type_storage[keys[key].type]) {
	case STORAGE_BOOL:
		return read_bool(reader, key, node, to);
	case STORAGE_INT:
		return keys[key].type == TYPE_ENUM ? read_enum(reader, key, node, to) : read_int(reader, key, node, to);
	case STORAGE_U32:
		return read_u32(reader, key, node, to);
	case STORAGE_U64:
		return keys[key].type == TYPE_SIZE ? read_size(reader, key, node, to)
						   : read_count(reader, key, node, to);
	case STORAGE_I64:
		return keys[key].type == TYPE_PERCENT ? read_percent(reader, key, node, to)
						      : read_duration(reader, key, node, to);
	case STORAGE_TEXT:
		return value_read_text(reader, key, node, to);
	case STORAGE_STRINGS:
		return value_read_strings(reader, key, node, to);
	case STORAGE_INTS:
		return value_read_ints(reader, key, node, to);
	case STORAGE_LIMIT:
		return read_limit(reader, key, node, to);
	case STORAGE_NONE:
	case STORAGE_LIST:
	case STORAGE_COUNT:
		break;
	}
	return value_mismatch(reader, key, node);
}
