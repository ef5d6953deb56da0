/* list: the sandboxes of this user that run. */
#ifndef TELL_LIST_H
#define TELL_LIST_H

#include <stdbool.h>

#include "base/error.h"

/* Prints them, one a line, or as a JSON array. 0, or -1 with why the register cannot be read. */
int list_run(bool json, struct error *err);

#endif
