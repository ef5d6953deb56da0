/* seccomp_filters: filters that need not be compiled: those of the shipped profiles, and those kept from an
 * earlier run. Private to the seccomp stage. Both are found by the text of the profile's section (policy_text),
 * compared whole. */
#ifndef STAGE_SECCOMP_FILTERS_H
#define STAGE_SECCOMP_FILTERS_H

#include <linux/filter.h>
#include <stddef.h>

#include "stage/stage.h"

/* One filter made at build time (schema/mkfilters.c). */
struct shipped_filter {
	const char *text;
	unsigned text_length;
	unsigned short length;
	const struct sock_filter *filter;
};

extern const struct shipped_filter shipped_filters[];
extern const unsigned shipped_filter_count;

/* The filter of an earlier run for exactly this text, made by this very build; NULL when there is none that is beyond
 * doubt. Reads the host, changes nothing; memory is the arena's. */
const struct sock_filter *cache_load(const struct caller *caller, const char *text, size_t text_length,
				     struct arena *arena, unsigned short *ret_length);

/* Keeps a filter for later runs, replacing whatever stands in its place. It is a convenience: a failure leaves nothing
 * behind and nobody hears of it. */
void cache_store(const struct caller *caller, const char *text, size_t text_length, const struct sock_filter *filter,
		 unsigned short length);

#endif
