/* format: the small subset of printf that the child may use (no locale, no malloc, no stdio lock). */
#ifndef BASE_FORMAT_H
#define BASE_FORMAT_H

#include <stdarg.h>
#include <stddef.h>

#include "base/child.h"

/* Writes at most size-1 bytes and a NUL into `out` (size >= 1); returns the length written. Knows %s %d %u %o %x %c %%
 * with l, ll and z; a NULL string is "(none)"; too long a text ends in "...". */
CHILD size_t format_text(char *out, size_t size, const char *format, ...) __attribute__((format(printf, 3, 4)));
CHILD size_t format_text_v(char *out, size_t size, const char *format, va_list arguments);

#endif
