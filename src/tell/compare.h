/* compare: host and sandbox side by side. */
#ifndef TELL_COMPARE_H
#define TELL_COMPARE_H

#include <json-c/json.h>

#include "base/page.h"
#include "run/look.h"

/* Launches the sandbox of a finished plan, whose descriptors it adds to, with a look around in the command's place, and
 * prints what is different: a page, or a JSON document. Runs nothing of the profile's. 0, or -1 with *err. */
int compare_run(struct plan *plan, bool json, struct error *err);

/* Tries what every capability is for, with it and without it, in throw-away processes, and prints the effects beside
 * what the plan keeps. Changes nothing of the host. 0, or -1 with *err. */
int compare_caps(const struct plan *plan, bool json, struct error *err);

/* ---- between compare's own files ------------------------------------------------------------- */

/* One column. */
struct compare_side {
	const struct look *look;
	const char *const *environ;
	const struct plan *plan;    /* of the sandbox; NULL: the host */
	struct json_object *limits; /* of its cgroups; taken over by compare_facts() */
};

/* Everything known of a side, as --json shows it. The caller puts it. */
struct json_object *compare_facts(const struct compare_side *side);

/* The members of an object that differ, or whose members do, as "namespaces.mnt"; the caller puts the array. */
struct json_object *compare_changes(const struct compare_side *host_side, struct json_object *host,
				    const struct compare_side *sandbox_side, struct json_object *sandbox);

/* Writes both columns. */
void compare_page(const struct page *page, struct text *out, struct json_object *host, struct json_object *sandbox,
		  struct json_object *changes);

/* The limits of the cgroups that a /proc/PID/cgroup names, read where the launcher sees them. */
struct json_object *compare_cgroup_limits(const char *cgroup);

/* "CHOWN"; a number in digits for one that is not known. Ends in one of the 64 places of `place`. */
const char *compare_capability_name(int capability, char place[24]);

/* Prints a document or a page to standard output. 0, or -1 with *err. */
int compare_print(struct json_object *document, const struct text *page, struct error *err);

#endif
