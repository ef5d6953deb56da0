/* environ: variables of an environment that was handed on, which getenv(3) does not see. */
#ifndef BASE_ENVIRON_H
#define BASE_ENVIRON_H

/* The value of `name` in a NULL-terminated list of NAME=VALUE; NULL when it is not set or there is no list. It points
 * into the list. */
const char *environ_get(const char *const *list, const char *name);

#endif
