/* show: prints the effective profile. Runs in the launcher, for `sandbox show`; nothing is planned or done.
 *
 * The text is profile_show()'s, which reads back to the same profile. In JSON it is that very text, read and written
 * anew: groups are objects and lists arrays, numbers are numbers and quantities strings, as a profile has them
 * ("512M", and "$$" for a dollar). So what is said of the one holds for the other, and build/gen/profile.schema.json
 * for both. */
#include "tell/show.h"

#include <json-c/json.h>
#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/text.h"
#include "profile/tree.h"
#include "run/json.h"

static struct json_object *json_of(const struct node *node)
{
	struct json_object *object = NULL;

	switch (node->type) {
	case NODE_INT:
		return json_object_new_int64(node->number);
	case NODE_BOOL:
		return json_object_new_boolean(node->number != 0);
	case NODE_STRING:
		return *node->text ? json_text(node->text) : json_object_new_string("");
	case NODE_GROUP:
		object = json_object_new_object();
		for (const struct node *child = node->first; child; child = child->next)
			json_object_object_add(object, child->name, json_of(child));
		return object;
	case NODE_LIST:
		object = json_object_new_array();
		for (const struct node *child = node->first; child; child = child->next)
			json_object_array_add(object, json_of(child));
		return object;
	case NODE_TYPE_COUNT:
		break;
	}
	return NULL;
}

static int print_json(const struct text *text)
{
	const struct source source = { .file = "the effective profile" };
	struct arena arena = { 0 };
	struct diagnostics diagnostics = { .arena = &arena };
	const struct node *root = tree_read(text->data, text->length, &source, &arena, &diagnostics);
	struct json_object *object = root ? json_of(root) : NULL;
	bool bad = !object ||
		   puts(json_object_to_json_string_ext(object, JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_SPACED |
								       JSON_C_TO_STRING_NOSLASHESCAPE)) < 0;

	json_object_put(object);
	arena_free(&arena);
	return bad ? -1 : 0;
}

int show_profile(const struct profile *profile, bool all, bool json, struct error *err)
{
	struct text text = { 0 };
	int result = profile_show(profile, all, &text) || text.failed;

	if (!result)
		result = json ? print_json(&text) : fwrite(text.data, 1, text.length, stdout) != text.length;
	text_free(&text);
	return result || fflush(stdout) ? fail_errno(err, 0, "cannot print the profile") : 0;
}
