/* explain_key: says what the schema knows of a key. Runs in the launcher, for `sandbox explain KEY`; reads no
 * profile. */
#include "run/explain.h"

#include <json-c/json.h>
#include <stdio.h>
#include <string.h>

#include "profile/schema.h"

enum { WIDTH = 78 };

static void print_paragraph(const char *text)
{
	int column = 0;

	while (*text) {
		int length = (int)strcspn(text, " ");

		if (column && column + 1 + length > WIDTH) {
			putchar('\n');
			column = 0;
		}
		column += printf("%s%.*s", column ? " " : "", length, text);
		text += length;
		text += strspn(text, " ");
	}
	putchar('\n');
}

static void print_key(const struct key *key)
{
	printf("%s (%s%s)\n\n", key->path, type_names[key->type],
	       key->flags & KEY_UNLIMITED ? ", or \"unlimited\"" : "");
	if (key->doc)
		print_paragraph(key->doc);
	putchar('\n');
	if (key->values) {
		printf(key->type == TYPE_ENUM || key->type == TYPE_NAMES ? "values:  " : "or:      ");
		for (int i = 0; key->values[i]; i++)
			printf("%s%s", i ? ", " : "", key->values[i]);
		putchar('\n');
	}
	if (key->type == TYPE_INT)
		printf("range:   %lld to %lld\n", (long long)key->min, (long long)key->max);
	if (key->family)
		printf("family:  IPv%d\n", key->family);
	if (key->flags & KEY_REQUIRED)
		printf("required\n");
	if (key->identity)
		printf("merged by: %s\n", key->identity);
	if (key->default_text)
		printf("default: %s\n", key->default_text);
	if (key->requires)
		printf("needs:   %s\n", keys[key->requires].path);
	if (key->conflicts)
		printf("excludes: %s\n", keys[key->conflicts].path);
	if (key->example)
		printf("example: %s = %s;\n", key->name, key->example);
	for (int child = key->first; child; child = keys[child].next)
		printf("%s%s\n", child == key->first ? "keys:    " : "         ", keys[child].path);
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
	add(object, "default", key->default_text);
	add(object, "example", key->example);
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

int explain_key(const char *path, bool json, struct error *err)
{
	int key = 0;

	if (*path == '@')
		return explain_set(path, json, err);
	key = key_lookup(path);
	if (!key) {
		fail(err, 0, "no key is called %s", path);
		return error_remedy(err, "`sandbox schema` lists them all; a command to be explained needs -p");
	}
	if (json)
		print_json(&keys[key]);
	else
		print_key(&keys[key]);
	return fflush(stdout) ? fail_errno(err, 0, "cannot write to standard output") : 0;
}
