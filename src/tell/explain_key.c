/* explain_key: says what the schema knows of a key. Runs in the launcher, for `sandbox explain KEY`; reads no
 * profile. What is said of each key is what sandbox.conf(5) says: both come from its row in schema/profile.schema. */
#include "tell/explain.h"

#include <json-c/json.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/page.h"
#include "profile/diagnostic.h"
#include "profile/schema.h"

/* What a key without such words in the schema needs. */
static const char oldest_kernel[] = "Linux 5.15";

struct key_page {
	struct page page;
	struct text text;
};

/* A line "word:   text"; nothing for NULL. */
static void fact(struct key_page *to, const char *word, const char *text)
{
	enum { COLUMN = 10 };
	const struct page_line line = { .lead = word, .lead_style = STYLE_DIM, .start = COLUMN, .hang = COLUMN };

	if (text)
		page_line(&to->page, &to->text, &line, "%s", text);
}

static void add_values(struct key_page *to, const struct key *key)
{
	struct text values = { 0 };

	for (int i = 0; key->values && key->values[i]; i++)
		text_add(&values, "%s%s", i ? ", " : "", key->values[i]);
	fact(to, key->type == TYPE_ENUM || key->type == TYPE_NAMES ? "values:" : "or:", values.data);
	to->text.failed |= values.failed;
	text_free(&values);
}

static void add_facts(struct key_page *to, const struct key *key)
{
	struct text example = { 0 };

	fact(to, "range:", key->range);
	add_values(to, key);
	if (key->family)
		fact(to, "family:", key->family == 4 ? "IPv4" : "IPv6");
	fact(to, "default:",
	     key->default_text           ? key->default_text
	     : key->flags & KEY_REQUIRED ? "none, it is required"
					 : "none");
	text_add(&example, "%s = %s;", key->name, key->example);
	fact(to, "example:", example.data);
	fact(to, "since:", key->since);
	fact(to, "kernel:", key->kernel ? key->kernel : oldest_kernel);
	fact(to, "merged:", key->identity);
	fact(to, "needs:", key->requires ? keys[key->requires].path : NULL);
	fact(to, "excludes:", key->conflicts ? keys[key->conflicts].path : NULL);
	to->text.failed |= example.failed;
	text_free(&example);
}

static void add_key(struct key_page *to, const struct key *key)
{
	const struct page_line plain = { 0 };

	page_add(&to->page, &to->text, STYLE_HEADING, key->path);
	text_add(&to->text, " (%s%s)\n\n", type_names[key->type],
		 key->flags & KEY_UNLIMITED ? ", or \"unlimited\"" : "");
	if (key->doc) {
		page_line(&to->page, &to->text, &plain, "%s", key->doc);
		text_add(&to->text, "\n");
		add_facts(to, key);
	}
	for (int child = key->first; child; child = keys[child].next)
		fact(to, child == key->first ? "keys:" : "", keys[child].path);
}

static int print_key(const struct key *key, struct error *err)
{
	struct key_page to = { .page = page_of(STDOUT_FILENO) };
	int result = 0;

	add_key(&to, key);
	if (to.text.failed || fwrite(to.text.data, 1, to.text.length, stdout) != to.text.length)
		result = fail_errno(err, 0, "cannot print what is known of %s", key->path);
	text_free(&to.text);
	return result;
}

static void add(struct json_object *object, const char *name, const char *text)
{
	if (text)
		json_object_object_add(object, name, json_object_new_string(text));
}

static void print_json(const struct key *key)
{
	struct json_object *object = json_object_new_object();
	struct json_object *values = json_object_new_array();

	add(object, "key", key->path);
	add(object, "type", type_names[key->type]);
	add(object, "doc", key->doc);
	add(object, "range", key->range);
	add(object, "default", key->default_text);
	add(object, "example", key->example);
	add(object, "since", key->since);
	add(object, "kernel", key->doc && !key->kernel ? oldest_kernel : key->kernel);
	add(object, "identity", key->identity);
	add(object, "requires", key->requires ? keys[key->requires].path : NULL);
	add(object, "conflicts", key->conflicts ? keys[key->conflicts].path : NULL);
	json_object_object_add(object, "required", json_object_new_boolean(!!(key->flags & KEY_REQUIRED)));
	for (int i = 0; key->values && key->values[i]; i++)
		json_object_array_add(values, json_object_new_string(key->values[i]));
	json_object_object_add(object, "values", values);
	printf("%s\n", json_object_to_json_string_ext(object, JSON_C_TO_STRING_PRETTY));
	json_object_put(object);
}

static int no_such_key(const char *path, struct error *err)
{
	const char *names[K_COUNT], *nearest = NULL;

	for (int key = 0; key < K_COUNT; key++)
		names[key] = key ? keys[key].path : "";
	nearest = nearest_name(path, names, K_COUNT);
	fail(err, 0, "no key is called %s", path);
	error_remedy(err, "%s%s%s`sandbox schema` lists them all; a profile or a command to be explained needs -p",
		     nearest ? "did you mean " : "", nearest ? nearest : "", nearest ? "? " : "");
	return error_exit(err, EXIT_OF_USAGE);
}

int explain_key(const char *path, bool json, struct error *err)
{
	int key = 0;

	if (*path == '@')
		return explain_set(path, json, err);
	key = key_lookup(path);
	if (!key)
		return no_such_key(path, err);
	if (json)
		print_json(&keys[key]);
	else if (print_key(&keys[key], err))
		return -1;
	return fflush(stdout) || ferror(stdout) ? fail_errno(err, 0, "cannot write to standard output") : 0;
}
