/* scan: looks a profile's text over before libconfig sees it. Parent only. */
#ifndef PROFILE_SCAN_H
#define PROFILE_SCAN_H

#include <stdbool.h>
#include <stddef.h>

struct diagnostics;
struct source;

enum {
	PROFILE_BYTES_MAX = 256 * 1024,
	PROFILE_LINES_MAX = 65535, /* libconfig counts lines in 16 bits in places */
	PROFILE_DEPTH_MAX = 16,
	PROFILE_TOKENS_MAX = 20000,
	PROFILE_STRING_MAX = 64 * 1024,
	PROFILE_NAME_MAX = 64,
	PROFILE_SETTINGS_MAX = 256, /* in one group: libconfig compares each with all before it */
};

/* 0 when `text` (`length` bytes and a NUL) is sound, -1 after one diagnostic. With `value` it is one value, else a
 * whole profile. */
int scan_text(const char *text, size_t length, bool value, const struct source *source,
	      struct diagnostics *diagnostics);

#endif
