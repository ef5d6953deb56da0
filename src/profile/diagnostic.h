/* diagnostic: messages about a profile, collected so that one pass reports all of them. Parent only. */
#ifndef PROFILE_DIAGNOSTIC_H
#define PROFILE_DIAGNOSTIC_H

#include "profile/load.h"

struct node;

enum { DIAGNOSTICS_MAX = 100 };

/* Each adds one message and returns -1, so that the finder can `return diagnose(...)`. Control characters become
 * \xNN. Beyond DIAGNOSTICS_MAX messages one last says that there are more. `file` and `key` must live as long as
 * the diagnostics; NULL: none. */
int diagnose(struct diagnostics *diagnostics, const char *file, int line, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

/* As above about a node of a profile's tree: file, line and key are its own. */
int diagnose_node(struct diagnostics *diagnostics, const struct node *node, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* Refine the message just added; each returns -1 as well. */
int diagnose_remedy(struct diagnostics *diagnostics, const char *format, ...) __attribute__((format(printf, 2, 3)));
int diagnose_key(struct diagnostics *diagnostics, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The remedy that lists a key's values (ends with NULL). */
int diagnose_values(struct diagnostics *diagnostics, const char *const *values);

/* The nearest of `count` names to `wrong`, when one is near enough to have been meant; NULL otherwise. */
const char *nearest_name(const char *wrong, const char *const *names, size_t count);

#endif
