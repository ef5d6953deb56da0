/* environ: see the header. */
#include "base/environ.h"

#include <stddef.h>
#include <string.h>

const char *environ_get(const char *const *list, const char *name)
{
	size_t length = strlen(name);

	for (; list && *list; list++)
		if (!strncmp(*list, name, length) && (*list)[length] == '=')
			return *list + length + 1;
	return NULL;
}
