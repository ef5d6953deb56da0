/* check: tells what is wrong with profiles, for `sandbox check`. Runs in the launcher; nothing is planned beyond what
 * finds mistakes, and nothing is done.
 *
 * What is found comes from two places, from reading (diagnostics) and from the stages' plan cells (errors), and is told
 * the way a launch tells it. With --json the same is kept until all profiles have been read: an array of what was
 * found, each with the file, line and key that it is about, where these are known.
 */
#include "tell/check.h"

#include <json-c/json.h>
#include <stdio.h>
#include <string.h>

#include "run/json.h"
#include "run/report.h"

static struct json_object *found_so_far; /* an array; NULL: messages are printed at once */

void check_as_json(void)
{
	found_so_far = json_object_new_array();
}

static void keep(const char *file, int line, const char *key, const char *what, const char *remedy)
{
	struct json_object *object = json_object_new_object();

	json_add_text(object, "file", file);
	json_object_object_add(object, "line", line > 0 ? json_object_new_int(line) : NULL);
	json_add_text(object, "key", key);
	json_add_text(object, "message", what);
	json_add_text(object, "remedy", remedy);
	json_object_array_add(found_so_far, object);
}

void check_diagnostics(const struct diagnostics *diagnostics)
{
	if (!found_so_far) {
		report_diagnostics(diagnostics);
		return;
	}
	for (size_t i = 0; i < diagnostics->count; i++) {
		const struct diagnostic *item = &diagnostics->items[i];

		keep(item->file, item->line, item->key, item->what, item->remedy);
	}
}

void check_error(const struct profile *profile, const struct error *found)
{
	char what[ERROR_WHAT_SIZE + 256];
	struct location place = { 0 };

	if (!found_so_far) {
		report_error(profile, found);
		return;
	}
	if (found->key)
		profile_locate(profile, found->key, found->index, &place);
	(void)snprintf(what, sizeof(what), "%s%s%s", found->what, found->sys_errno ? ": " : "",
		       found->sys_errno ? strerror(found->sys_errno) : "");
	keep(place.file, place.line, place.path, what, found->remedy);
}

int check_finish(struct error *err)
{
	struct json_object *document = NULL;
	int result = 0;

	if (!found_so_far)
		return 0;
	document = json_object_new_object();
	json_object_object_add(document, "valid", json_object_new_boolean(!json_object_array_length(found_so_far)));
	json_object_object_add(document, "errors", found_so_far);
	found_so_far = NULL;
	if (puts(json_object_to_json_string_ext(document, JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_NOSLASHESCAPE)) <
		    0 ||
	    fflush(stdout))
		result = fail_errno(err, 0, "cannot write to standard output");
	json_object_put(document);
	return result;
}
