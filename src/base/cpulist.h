/* cpulist: the kernel's notation for sets of CPUs or memory nodes: "0-1,3". Pure; parent only. */
#ifndef BASE_CPULIST_H
#define BASE_CPULIST_H

#include <sched.h>

/* Reads numbers and ranges, divided by commas, each below CPU_SETSIZE; one newline may follow. 0, or -1 with errno
 * EINVAL (no such list, empty or backward range) or ERANGE (a number too large) and *ret undefined. */
int cpulist_read(const char *text, cpu_set_t *ret);

#endif
