/* show: the effective profile, for people and for programs. */
#ifndef TELL_SHOW_H
#define TELL_SHOW_H

#include <stdbool.h>

#include "base/error.h"
#include "profile/load.h"

/* Prints the profile to stdout as a profile that reads back to the same, or as that in JSON; keys that hold their
 * default are left out unless `all`. 0, or -1 when memory is out or stdout cannot be written. */
int show_profile(const struct profile *profile, bool all, bool json, struct error *err);

#endif
