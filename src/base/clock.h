/* clock: time that only goes forward. */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdint.h>
#include <time.h>

#include "base/child.h"

#define NSEC_PER_SEC INT64_C(1000000000)

/* CLOCK_MONOTONIC in nanoseconds. Inside a time namespace it has the namespace's offset: use differences only, and only
 * between readings of one process. Cannot fail with a valid clock. */
CHILD static inline int64_t clock_now(void)
{
	struct timespec now = { 0 };

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * NSEC_PER_SEC + now.tv_nsec;
}

#endif
