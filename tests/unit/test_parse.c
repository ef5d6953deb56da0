/* base/parse.c: what is a number and what only looks like one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>

#include "base/parse.h"

struct sample {
	const char *text;
	int error; /* 0, EINVAL or ERANGE */
	int64_t value;
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static int as_unsigned(const char *text, int64_t *ret)
{
	return parse_unsigned(text, 0, UINT64_MAX, (uint64_t *)ret);
}

static int as_signed(const char *text, int64_t *ret)
{
	return parse_signed(text, INT64_MIN, INT64_MAX, ret);
}

static int as_size(const char *text, int64_t *ret)
{
	return parse_size(text, (uint64_t *)ret);
}

static int as_duration(const char *text, int64_t *ret)
{
	return parse_duration(text, true, ret);
}

static int as_plain_duration(const char *text, int64_t *ret)
{
	return parse_duration(text, false, ret);
}

static int as_mode(const char *text, int64_t *ret)
{
	uint32_t mode = 0;
	int result = parse_mode(text, &mode);

	*ret = result ? *ret : mode;
	return result;
}

static void try_samples(int parse(const char *, int64_t *), const struct sample *samples, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		const struct sample *sample = &samples[i];
		int64_t value = 4711;
		int result = 0;

		errno = 0;
		result = parse(sample->text, &value);
		if (result != (sample->error ? -1 : 0) || (result && errno != sample->error) ||
		    value != (sample->error ? 4711 : sample->value))
			fail_msg("\"%s\": result %d, errno %d, value %lld", sample->text, result, errno,
				 (long long)value);
	}
}

static void unsigned_numbers(void **state)
{
	static const struct sample samples[] = {
		{ "0", 0, 0 },
		{ "17", 0, 17 },
		{ "18446744073709551615", 0, -1 },
		{ "18446744073709551616", ERANGE, 0 },
		{ "99999999999999999999999", ERANGE, 0 },
		{ "", EINVAL, 0 },
		{ "00", EINVAL, 0 },
		{ "017", EINVAL, 0 },
		{ "+1", EINVAL, 0 },
		{ "-1", EINVAL, 0 },
		{ " 1", EINVAL, 0 },
		{ "1 ", EINVAL, 0 },
		{ "0x1", EINVAL, 0 },
		{ "1e3", EINVAL, 0 },
		{ "1.0", EINVAL, 0 },
		{ "1L", EINVAL, 0 },
	};
	uint64_t value = 0;

	(void)state;
	try_samples(as_unsigned, samples, COUNT(samples));
	assert_int_equal(parse_unsigned("5", 5, 7, &value), 0);
	assert_int_equal(parse_unsigned("7", 5, 7, &value), 0);
	assert_int_equal(parse_unsigned("4", 5, 7, &value), -1);
	assert_int_equal(errno, ERANGE);
	assert_int_equal(parse_unsigned("8", 5, 7, &value), -1);
	assert_int_equal(value, 7);
}

static void signed_numbers(void **state)
{
	static const struct sample samples[] = {
		{ "0", 0, 0 },
		{ "-5", 0, -5 },
		{ "9223372036854775807", 0, INT64_MAX },
		{ "-9223372036854775808", 0, INT64_MIN },
		{ "9223372036854775808", ERANGE, 0 },
		{ "-9223372036854775809", ERANGE, 0 },
		{ "-0", EINVAL, 0 },
		{ "--1", EINVAL, 0 },
		{ "-", EINVAL, 0 },
		{ "+1", EINVAL, 0 },
		{ "-01", EINVAL, 0 },
	};

	(void)state;
	try_samples(as_signed, samples, COUNT(samples));
}

static void sizes(void **state)
{
	static const struct sample samples[] = {
		{ "0M", 0, 0 },
		{ "1K", 0, 1024 },
		{ "64M", 0, 64 << 20 },
		{ "3G", 0, 3LL << 30 },
		{ "2T", 0, 2LL << 40 },
		{ "8388607T", 0, 8388607LL << 40 },
		{ "8388608T", ERANGE, 0 },
		{ "16777216T", ERANGE, 0 },
		{ "99999999999999999999K", ERANGE, 0 },
		{ "64", EINVAL, 0 },
		{ "M", EINVAL, 0 },
		{ "", EINVAL, 0 },
		{ "64MB", EINVAL, 0 },
		{ "64m", EINVAL, 0 },
		{ "1.5G", EINVAL, 0 },
		{ "-1K", EINVAL, 0 },
		{ "064M", EINVAL, 0 },
		{ "64 M", EINVAL, 0 },
		{ "unlimited", EINVAL, 0 },
	};

	(void)state;
	try_samples(as_size, samples, COUNT(samples));
}

static void durations(void **state)
{
	static const struct sample samples[] = {
		{ "0s", 0, 0 },
		{ "1ms", 0, 1000000 },
		{ "1.5s", 0, 1500000000 },
		{ "2m", 0, 120000000000 },
		{ "1h", 0, 3600000000000 },
		{ "0.5h", 0, 1800000000000 },
		{ "0.000000001s", 0, 1 },
		{ "1.0000000000s", 0, 1000000000 },
		{ "0.0000000001s", ERANGE, 0 },
		{ "0.0000001ms", ERANGE, 0 },
		{ "9223372036s", 0, 9223372036000000000 },
		{ "9223372037s", ERANGE, 0 },
		{ "99999999999999999999h", ERANGE, 0 },
		{ "-2s", 0, -2000000000 },
		{ "1", EINVAL, 0 },
		{ "s", EINVAL, 0 },
		{ "", EINVAL, 0 },
		{ ".5s", EINVAL, 0 },
		{ "1.s", EINVAL, 0 },
		{ "1..5s", EINVAL, 0 },
		{ "1.5.5s", EINVAL, 0 },
		{ "1d", EINVAL, 0 },
		{ "1 s", EINVAL, 0 },
		{ "01s", EINVAL, 0 },
		{ "1S", EINVAL, 0 },
		{ "1us", EINVAL, 0 },
	};
	static const struct sample plain[] = { { "-2s", EINVAL, 0 }, { "2s", 0, 2000000000 } };

	(void)state;
	try_samples(as_duration, samples, COUNT(samples));
	try_samples(as_plain_duration, plain, COUNT(plain));
}

static void percentages(void **state)
{
	static const struct sample samples[] = {
		{ "50%", 0, 5000 },   { "12.5%", 0, 1250 },     { "0.01%", 0, 1 },
		{ "400%", 0, 40000 }, { "12.345%", ERANGE, 0 }, { "99999999999999999999%", ERANGE, 0 },
		{ "50", EINVAL, 0 },  { "%", EINVAL, 0 },       { "50%%", EINVAL, 0 },
		{ "-1%", EINVAL, 0 }, { "5 %", EINVAL, 0 },
	};

	(void)state;
	try_samples(parse_percent, samples, COUNT(samples));
}

static int as_score(const char *text, int64_t *ret)
{
	int tenths = 0, result = parse_score(text, &tenths);

	if (!result)
		*ret = tenths;
	return result;
}

static void scores(void **state)
{
	static const struct sample samples[] = {
		{ "0", 0, 0 },       { "3.5", 0, 35 },      { "10", 0, 100 },
		{ "10.0", 0, 100 },  { "10.1", ERANGE, 0 }, { "3.55", ERANGE, 0 },
		{ "-1", EINVAL, 0 }, { "", EINVAL, 0 },     { ".5", EINVAL, 0 },
		{ "3.", EINVAL, 0 }, { "3.5x", EINVAL, 0 }, { "99999999999999999999", ERANGE, 0 },
	};

	(void)state;
	try_samples(as_score, samples, COUNT(samples));
}

static void modes(void **state)
{
	static const struct sample samples[] = {
		{ "0755", 0, 0755 },     { "1777", 0, 01777 }, { "0000", 0, 0 },       { "07777", 0, 07777 },
		{ "010000", ERANGE, 0 }, { "755", EINVAL, 0 }, { "0o755", EINVAL, 0 }, { "0788", EINVAL, 0 },
		{ "", EINVAL, 0 },       { "u+x", EINVAL, 0 },
	};

	(void)state;
	try_samples(as_mode, samples, COUNT(samples));
}

static void truth(void **state)
{
	bool value = false;

	(void)state;
	assert_int_equal(parse_bool("true", &value), 0);
	assert_true(value);
	assert_int_equal(parse_bool("yes", &value), -1);
	assert_int_equal(parse_bool("TRUE", &value), -1);
	assert_true(value);
	assert_int_equal(parse_bool("false", &value), 0);
	assert_false(value);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(unsigned_numbers),
		cmocka_unit_test(signed_numbers),
		cmocka_unit_test(sizes),
		cmocka_unit_test(durations),
		cmocka_unit_test(percentages),
		cmocka_unit_test(scores),
		cmocka_unit_test(modes),
		cmocka_unit_test(truth),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
