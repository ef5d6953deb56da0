/* parse: see the header. Pure functions, parent only, any phase.
 *
 * Digits are accumulated by hand rather than by strtoull(3), which skips blanks, takes signs, 0x and leading zeros,
 * and depends on the locale. Nothing here knows an unlimited value: that is a word of the schema. */
#include "base/parse.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

static int refuse(int error)
{
	errno = error;
	return -1;
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Reads digits at *at into *value and moves *at behind them. */
static int read_digits(const char **at, uint64_t *value)
{
	const char *start = *at;
	uint64_t result = 0;
	bool overflow = false;

	for (; is_digit(**at); (*at)++) {
		overflow |= __builtin_mul_overflow(result, 10, &result);
		overflow |= __builtin_add_overflow(result, (uint64_t)(**at - '0'), &result);
	}
	if (*at == start || (*start == '0' && *at - start > 1))
		return refuse(EINVAL);
	*value = result;
	return overflow ? refuse(ERANGE) : 0;
}

/* Reads a number with decimals at *at, times `unit`: "1.25" with unit 100 is 125. Decimals too fine for the unit are
 * ERANGE, never rounded. *at is moved behind the number whenever it has the form of one. */
static int read_decimal(const char **at, uint64_t unit, uint64_t *ret)
{
	uint64_t value = 0, digit_unit = unit;
	bool lost = read_digits(at, &value) != 0;

	if (lost && errno == EINVAL)
		return -1;
	lost |= __builtin_mul_overflow(value, unit, &value);
	if (**at == '.') {
		(*at)++;
		if (!is_digit(**at))
			return refuse(EINVAL);
		for (; is_digit(**at); (*at)++) {
			uint64_t digit = (uint64_t)(**at - '0');

			lost |= digit && (digit_unit % 10 || !digit_unit);
			digit_unit /= 10;
			lost |= __builtin_add_overflow(value, digit * digit_unit, &value);
		}
	}
	if (lost || value > INT64_MAX)
		return refuse(ERANGE);
	*ret = value;
	return 0;
}

int parse_unsigned(const char *text, uint64_t min, uint64_t max, uint64_t *ret)
{
	uint64_t value = 0;
	const char *at = text;
	int result = read_digits(&at, &value);

	if (result && errno == EINVAL)
		return -1;
	if (*at)
		return refuse(EINVAL);
	if (result || value < min || value > max)
		return refuse(ERANGE);
	*ret = value;
	return 0;
}

int parse_signed(const char *text, int64_t min, int64_t max, int64_t *ret)
{
	bool negative = *text == '-';
	uint64_t size = 0;
	int64_t value = 0;

	if (parse_unsigned(text + negative, 0, (uint64_t)INT64_MAX + negative, &size))
		return -1;
	value = negative ? -(int64_t)(size - 1) - 1 : (int64_t)size;
	if (negative && size == 0)
		return refuse(EINVAL);
	if (value < min || value > max)
		return refuse(ERANGE);
	*ret = value;
	return 0;
}

int parse_bool(const char *text, bool *ret)
{
	bool value = strcmp(text, "true") == 0;

	if (!value && strcmp(text, "false") != 0)
		return refuse(EINVAL);
	*ret = value;
	return 0;
}

int parse_size(const char *text, uint64_t *ret)
{
	static const char units[] = "KMGT";
	uint64_t value = 0;
	const char *at = text;
	int result = read_digits(&at, &value);
	const char *unit = NULL;

	if (result && errno == EINVAL)
		return -1;
	unit = *at ? strchr(units, *at) : NULL;
	if (!unit || at[1])
		return refuse(EINVAL);
	if (result || __builtin_mul_overflow(value, UINT64_C(1024) << 10 * (unit - units), &value) || value > INT64_MAX)
		return refuse(ERANGE);
	*ret = value;
	return 0;
}

int parse_duration(const char *text, bool negative_too, int64_t *ret)
{
	static const struct {
		const char *name;
		uint64_t nanoseconds;
	} units[] = {
		{ "ms", 1000000 },
		{ "s", 1000000000 },
		{ "m", 60 * UINT64_C(1000000000) },
		{ "h", 3600 * UINT64_C(1000000000) },
	};
	const char *start = text + (negative_too && *text == '-'), *unit = start;
	uint64_t value = 0;

	unit += strspn(unit, "0123456789.");
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		if (strcmp(unit, units[i].name) != 0)
			continue;
		if (read_decimal(&start, units[i].nanoseconds, &value))
			return start == unit ? -1 : refuse(EINVAL);
		if (start != unit)
			return refuse(EINVAL);
		*ret = *text == '-' ? -(int64_t)value : (int64_t)value;
		return 0;
	}
	return refuse(EINVAL);
}

int parse_percent(const char *text, int64_t *ret)
{
	const char *at = text;
	uint64_t value = 0;
	int result = read_decimal(&at, 100, &value);

	if (strcmp(at, "%") != 0)
		return refuse(EINVAL);
	if (result)
		return -1;
	*ret = (int64_t)value;
	return 0;
}

int parse_score(const char *text, int *ret)
{
	const char *at = text;
	uint64_t value = 0;

	if (read_decimal(&at, 10, &value))
		return -1;
	if (*at)
		return refuse(EINVAL);
	if (value > 100)
		return refuse(ERANGE);
	*ret = (int)value;
	return 0;
}

int parse_mode(const char *text, uint32_t *ret)
{
	size_t digits = strspn(text, "01234567");
	uint32_t value = 0;

	if (digits < 4 || text[digits])
		return refuse(EINVAL);
	for (const char *at = text; *at; at++) {
		value = value * 8 + (uint32_t)(*at - '0');
		if (value > 07777)
			return refuse(ERANGE);
	}
	*ret = value;
	return 0;
}

const char *parse_next(const char *text, uint64_t *ret)
{
	uint64_t value = 0;
	bool overflow = false;

	while (*text && (*text < '0' || *text > '9'))
		text++;
	if (!*text)
		return NULL;
	for (; *text >= '0' && *text <= '9'; text++) {
		overflow |= __builtin_mul_overflow(value, 10, &value);
		overflow |= __builtin_add_overflow(value, (uint64_t)(*text - '0'), &value);
	}
	*ret = overflow ? UINT64_MAX : value;
	return text;
}
