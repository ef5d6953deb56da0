/* keys: finding a key in the table, and telling what it means. Parent only; pure. */
#include <string.h>

#include "base/text.h"
#include "profile/diagnostic.h"
#include "profile/schema.h"
#include "profile/value.h"

int key_child(int parent, const char *name)
{
	int key = keys[parent].first;

	while (key != K_NONE && strcmp(keys[key].name, name) != 0)
		key = keys[key].next;
	return key;
}

int key_lookup(const char *path)
{
	int key = K_NONE;

	while (*path) {
		char name[64];
		size_t length = strcspn(path, ".[");

		if (length >= sizeof(name))
			return K_NONE;
		memcpy(name, path, length);
		name[length] = '\0';
		key = key_child(key, name);
		if (key == K_NONE)
			return K_NONE;
		path += length;
		if (*path == '[') {
			const char *end = strchr(path, ']');

			if (keys[key].type != TYPE_LIST || !end)
				return K_NONE;
			path = end + 1;
		}
		if (*path == '.' && path[1])
			path++;
		else if (*path)
			return K_NONE;
	}
	return key;
}

const char *key_nearest(int parent, const char *name)
{
	const char *names[K_COUNT];
	size_t count = 0;

	for (int key = keys[parent].first; key != K_NONE; key = keys[key].next)
		names[count++] = keys[key].name;
	if (nearest_name(name, names, count))
		return nearest_name(name, names, count);
	/* The right word in the wrong group: `pids` for `cgroup.pids`. */
	for (int key = 1; key < K_COUNT; key++)
		if (strcmp(keys[key].name, name) == 0 && !strchr(keys[key].path, '['))
			return keys[key].path;
	return NULL;
}

static void explain_values(const struct key *key, struct text *out)
{
	if (key->values) {
		text_add(out, "  values:   ");
		for (size_t i = 0; key->values[i]; i++)
			text_add(out, "%s%s", i ? ", " : "", key->values[i]);
		text_add(out, "\n");
	}
	if (key->selector) {
		text_add(out, "  only for: ");
		for (unsigned i = 0, count = 0; keys[key->selector].values[i]; i++)
			if (key->only & 1u << i)
				text_add(out, "%s%s", count++ ? ", " : "type ", keys[key->selector].values[i]);
		text_add(out, "\n");
	}
	if (key->type == TYPE_INT && (key->min != INT32_MIN || key->max != INT32_MAX))
		text_add(out, "  range:    %lld to %lld\n", (long long)key->min, (long long)key->max);
}

void key_explain(int id, struct text *out)
{
	const struct key *key = &keys[id];

	text_add(out, "%s: a %s%s%s\n", key->path, type_nouns[key->type],
		 key->flags & KEY_UNLIMITED ? ", or \"unlimited\"" : "", key->flags & KEY_REQUIRED ? "; required" : "");
	if (key->doc)
		text_add(out, "  %s\n", key->doc);
	explain_values(key, out);
	if (key->default_text && key->default_text[0] == '@') {
		text_add(out, "  default:  ");
		value_show(id, (const char *)&profile_defaults + key->offset, out);
		text_add(out, "\n");
	} else if (key->default_text) {
		text_add(out, "  default:  %s\n", key->default_text);
	}
	if (key->identity)
		text_add(out, "  layers merge its elements by %s\n", keys[key->identity].name);
	if (key->requires)
		text_add(out, "  needs:    %s\n", keys[key->requires].path);
	if (key->conflicts)
		text_add(out, "  excludes: %s\n", keys[key->conflicts].path);
	if (key->example)
		text_add(out, "  example:  %s = %s;\n", key->name, key->example);
	for (int child = key->first; child != K_NONE; child = keys[child].next)
		text_add(out, "  %s%s\n", child == key->first ? "keys:     " : "          ", keys[child].name);
}
