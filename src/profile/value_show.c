/* value_show: a field back into the text that a profile would write, and whether two fields hold the same. What is
 * written here reads back to the same value: that is what `show` promises. Parent only; pure. */
#include "profile/value.h"

#include <inttypes.h>
#include <string.h>

#include "base/page.h"
#include "base/text.h"

static bool same_text(const char *a, const char *b)
{
	return a == b || (a && b && strcmp(a, b) == 0);
}

static bool same_strings(const struct strings *a, const struct strings *b)
{
	if (a->count != b->count)
		return false;
	for (size_t i = 0; i < a->count; i++)
		if (!same_text(a->items[i], b->items[i]))
			return false;
	return true;
}

bool value_equal(int key, const void *a, const void *b)
{
	const struct ints *left = a, *right = b;

	switch (key_storage(key)) {
	case STORAGE_BOOL:
		return *(const bool *)a == *(const bool *)b;
	case STORAGE_INT:
		return *(const int *)a == *(const int *)b;
	case STORAGE_U32:
		return *(const uint32_t *)a == *(const uint32_t *)b;
	case STORAGE_U64:
	case STORAGE_I64:
		return *(const uint64_t *)a == *(const uint64_t *)b;
	case STORAGE_TEXT:
		return same_text(*(const char *const *)a, *(const char *const *)b);
	case STORAGE_STRINGS:
		return same_strings(a, b);
	case STORAGE_INTS:
		return left->count == right->count &&
		       (!left->count || memcmp(left->items, right->items, left->count * sizeof(*left->items)) == 0);
	case STORAGE_LIMIT:
		return ((const struct limit *)a)->soft == ((const struct limit *)b)->soft &&
		       ((const struct limit *)a)->hard == ((const struct limit *)b)->hard;
	case STORAGE_NONE:
	case STORAGE_LIST:
	case STORAGE_COUNT:
		break;
	}
	return false;
}

void show_string(const char *string, bool dollars, struct text *out)
{
	size_t length = 1;

	text_add_n(out, "\"", 1);
	for (; *string; string += length) {
		unsigned char c = (unsigned char)*string;

		length = 1;
		if (c == '"' || c == '\\')
			text_add(out, "\\%c", c);
		else if (c == '\n')
			text_add_n(out, "\\n", 2);
		else if (c == '\t')
			text_add_n(out, "\\t", 2);
		else if (c == '$' && dollars)
			text_add_n(out, "$$", 2);
		else if (!page_character(string))
			text_add(out, "\\x%02x", c);
		else
			text_add_n(out, string, length = page_character(string));
	}
	text_add_n(out, "\"", 1);
}

static void show_integer(int64_t number, struct text *out)
{
	text_add(out, "%" PRId64 "%s", number, number > INT32_MAX || number < INT32_MIN ? "L" : "");
}

/* In the largest unit that leaves a whole number. */
static void show_size(uint64_t size, struct text *out)
{
	static const char units[] = "KMGT";
	size_t unit = 0;

	if (size == SIZE_UNLIMITED) {
		text_add(out, "\"unlimited\"");
		return;
	}
	size /= 1024;
	while (size && size % 1024 == 0 && units[unit + 1]) {
		size /= 1024;
		unit++;
	}
	text_add(out, "\"%" PRIu64 "%c\"", size, units[unit]);
}

static void show_decimals(uint64_t value, uint64_t unit, struct text *out)
{
	text_add(out, "%" PRIu64, value / unit);
	if (value % unit == 0)
		return;
	text_add(out, ".");
	for (value %= unit; value; value = value * 10 % unit)
		text_add(out, "%" PRIu64, value * 10 / unit);
}

static void show_duration(int64_t duration, struct text *out)
{
	const uint64_t second = 1000000000, millisecond = 1000000;
	uint64_t size = duration < 0 ? -(uint64_t)duration : (uint64_t)duration;

	if (duration == DURATION_UNLIMITED) {
		text_add(out, "\"unlimited\"");
		return;
	}
	text_add(out, duration < 0 ? "\"-" : "\"");
	show_decimals(size, size < second ? millisecond : second, out);
	text_add(out, size < second ? "ms\"" : "s\"");
}

static void show_percent(int64_t percent, struct text *out)
{
	if (percent == PERCENT_UNLIMITED) {
		text_add(out, "\"unlimited\"");
		return;
	}
	text_add(out, "\"");
	show_decimals((uint64_t)percent, 100, out);
	text_add(out, "%%\"");
}

static void show_limit_value(int key, uint64_t value, struct text *out)
{
	if (value == SIZE_UNLIMITED)
		text_add(out, "\"unlimited\"");
	else if (keys[key].type == TYPE_LIMIT_SIZE)
		show_size(value, out);
	else if (keys[key].type == TYPE_LIMIT_COUNT)
		show_integer((int64_t)value, out);
	else
		show_duration((int64_t)value * (keys[key].type == TYPE_LIMIT_TIME ? 1000000000 : 1000), out);
}

static void show_limit(int key, const struct limit *limit, struct text *out)
{
	if (limit->soft == limit->hard) {
		show_limit_value(key, limit->soft, out);
		return;
	}
	text_add(out, "{ soft = ");
	show_limit_value(key, limit->soft, out);
	text_add(out, "; hard = ");
	show_limit_value(key, limit->hard, out);
	text_add(out, "; }");
}

static void show_strings(int key, const struct strings *strings, struct text *out)
{
	text_add(out, "[ ");
	for (size_t i = 0; i < strings->count; i++) {
		text_add(out, i ? ", " : "");
		show_string(strings->items[i], keys[key].type != TYPE_COMMAND, out);
	}
	text_add(out, strings->count ? " ]" : "]");
}

static void show_ints(int key, const struct ints *ints, struct text *out)
{
	text_add(out, "( ");
	for (size_t i = 0; i < ints->count; i++) {
		text_add(out, i ? ", " : "");
		show_integer(keys[key].type == TYPE_IDS ? (int64_t)(uint32_t)ints->items[i] : ints->items[i], out);
	}
	text_add(out, ints->count ? " )" : ")");
}

void value_show(int key, const void *field, struct text *out)
{
	enum value_type type = keys[key].type;
	uint64_t number = 0;

	switch (key_storage(key)) {
	case STORAGE_BOOL:
		text_add(out, *(const bool *)field ? "true" : "false");
		break;
	case STORAGE_INT:
		if (type == TYPE_ENUM)
			text_add(out, "\"%s\"", keys[key].values[*(const int *)field]);
		else
			show_integer(*(const int *)field, out);
		break;
	case STORAGE_U32:
		text_add(out, type == TYPE_MODE ? "\"%04o\"" : "%u", *(const uint32_t *)field);
		if (type == TYPE_ID && *(const uint32_t *)field > INT32_MAX)
			text_add(out, "L");
		break;
	case STORAGE_U64:
		number = *(const uint64_t *)field;
		if (type == TYPE_SIZE || number == SIZE_UNLIMITED)
			show_size(number, out);
		else
			show_integer((int64_t)number, out);
		break;
	case STORAGE_I64:
		if (type == TYPE_PERCENT)
			show_percent(*(const int64_t *)field, out);
		else
			show_duration(*(const int64_t *)field, out);
		break;
	case STORAGE_TEXT:
		show_string(*(const char *const *)field, true, out);
		break;
	case STORAGE_STRINGS:
		show_strings(key, field, out);
		break;
	case STORAGE_INTS:
		show_ints(key, field, out);
		break;
	case STORAGE_LIMIT:
		show_limit(key, field, out);
		break;
	case STORAGE_NONE:
	case STORAGE_LIST:
	case STORAGE_COUNT:
		break;
	}
}
