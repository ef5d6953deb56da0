/* locate: where a value of a profile stands, for errors and for `explain`. Parent only, any phase; pure. */
#include <stdio.h>
#include <string.h>

#include "profile/read.h"

/* The outermost list on the way to a key, the key itself included; K_NONE when there is none. */
static int outermost_list(int key)
{
	int list = K_NONE;

	for (; key != K_NONE; key = keys[key].parent)
		if (keys[key].type == TYPE_LIST)
			list = key;
	return list;
}

/* "mounts[2].source" of "mounts[].source"; brackets without an index go away. */
static void write_path(int key, int list, int index, char *to, size_t size)
{
	const char *path = keys[key].path;
	size_t stem = strlen(keys[list].path);

	if (list == K_NONE || index < 0) {
		size_t length = 0;

		for (; *path && length + 1 < size; path++)
			if (!strchr("[]", *path))
				to[length++] = *path;
		to[length] = '\0';
		return;
	}
	path += stem;
	if (strncmp(path, "[]", 2) == 0)
		path += 2;
	(void)snprintf(to, size, "%s[%d]%s", keys[list].path, index, path);
}

/* Element `index` of a list, or NULL. */
static const struct node *element_of(const struct node *list, int index)
{
	const struct node *element = list && list->type == NODE_LIST ? list->first : NULL;

	while (element && index-- > 0)
		element = element->next;
	return element;
}

/* Writes the place of a node that was written, or of a default's. */
static void set_place(const struct node *node, struct location *ret)
{
	ret->written = node->source != NULL;
	if (!ret->written)
		return;
	ret->file = node->source->file;
	ret->line = node->line;
	ret->layer = (enum layer)node->source->layer;
}

size_t profile_locate_members(const struct profile *profile, int key, int index, struct location *ret, size_t size)
{
	int list = outermost_list(key);
	const struct node *element = NULL;
	size_t count = 0;

	if (!profile->tree || list == K_NONE || index < 0)
		return 0;
	element = element_of(tree_find(profile->tree, list, -1), index);
	for (const struct node *node = element ? element->first : NULL; node && count < size; node = node->next) {
		struct location *to = &ret[count++];

		*to = (struct location){ 0 };
		(void)snprintf(to->path, sizeof(to->path), "%s", node->name);
		set_place(node, to);
	}
	return count;
}

void profile_locate(const struct profile *profile, int key, int index, struct location *ret)
{
	int list = outermost_list(key);
	const struct node *element = index >= 0 ? element_of(tree_find(profile->tree, list, -1), index) : NULL;
	const struct node *node = NULL;

	*ret = (struct location){ 0 };
	write_path(key, list, element ? element->index : index, ret->path, sizeof(ret->path));
	if (!profile->tree || key == K_NONE)
		return;
	/* A word or number of a list: each comes from a layer of its own. */
	if (list == K_NONE && index >= 0)
		node = element_of(tree_find(profile->tree, key, -1), index);
	if (node) {
		set_place(node, ret);
		return;
	}
	node = list == key && element ? element : tree_find(profile->tree, key, index);
	ret->written = node != NULL;
	if (!node && element)
		node = element;
	for (int parent = keys[key].parent; !node && parent != K_NONE; parent = keys[parent].parent)
		node = tree_find(profile->tree, parent, -1);
	if (!node || !node->source)
		return;
	ret->file = node->source->file;
	ret->line = node->line;
	if (ret->written)
		ret->layer = (enum layer)node->source->layer;
}
