/* keys: finding a key in the table. Parent only; pure. */
#include <string.h>

#include "profile/diagnostic.h"
#include "profile/identity.h"
#include "profile/schema.h"

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
			const char *end = keys[key].type == TYPE_LIST ? identity_end(key, path + 1) : NULL;

			if (!end)
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
