/* parse: numbers and quantities from text, strictly: the whole text, decimal, no blanks, no sign that was not asked
 * for. Every number that comes from outside goes through here. Parent only.
 *
 * All of them return 0 with *ret set, or -1 with *ret untouched and errno EINVAL (not of this form) or ERANGE (of
 * this form, but too large, too small or too fine). */
#ifndef BASE_PARSE_H
#define BASE_PARSE_H

#include <stdbool.h>
#include <stdint.h>

/* "0", "17"; no leading zero, no sign. Between min and max, both allowed. */
int parse_unsigned(const char *text, uint64_t min, uint64_t max, uint64_t *ret);

/* As above, with an optional '-'. */
int parse_signed(const char *text, int64_t min, int64_t max, int64_t *ret);

/* "true" or "false". */
int parse_bool(const char *text, bool *ret);

/* "512M": a whole number and one of K M G T, powers of 1024. *ret is in bytes, at most INT64_MAX. */
int parse_size(const char *text, uint64_t *ret);

/* "1.5s": a number with at most nine decimals and one of ms s m h. *ret is in nanoseconds. With `negative_too` a
 * '-' may come first. */
int parse_duration(const char *text, bool negative_too, int64_t *ret);

/* "50%", "12.5%": *ret is in hundredths of a percent. */
int parse_percent(const char *text, int64_t *ret);

/* "7", "3.5": a number from 0 to 10 with at most one decimal; *ret is in tenths. */
int parse_score(const char *text, int *ret);

/* "0755", "1777": four octal digits or more, at most 07777. */
int parse_mode(const char *text, uint32_t *ret);

/* For files of the kernel that list numbers: finds the next run of digits in `text`. Returns the position behind it
 * with *ret set (a run that does not fit reads as UINT64_MAX), or NULL when there is none. */
const char *parse_next(const char *text, uint64_t *ret);

#endif
