/* read: a merged tree becomes struct profile, by the table of keys.
 *
 * Values go where the table's offsets point. What a row says about a key's relation to others (required, requires,
 * conflicts, only for some types of its element) is checked here; relations that need more than a row are in check.c.
 * A node that was refused before is passed over without another word: one mistake, one message.
 *
 * Parent only, while profiles are read; pure. */
#include "profile/read.h"

#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "profile/diagnostic.h"

#define REFUSE(reader, node, ...) ((node)->refused = true, diagnose_node((reader)->diagnostics, node, __VA_ARGS__))

struct place {
	struct node *tree;  /* the whole profile */
	struct node *group; /* the profile, a group in it, or an element; NULL: not written */
	int parent;         /* its key */
	char *base;         /* the struct that offsets count from */
};

static int read_group(const struct reader *reader, const struct place *place);

/* ---- relations between keys -------------------- */

/* The node of another key: of the same group or element, or else of the profile. */
static const struct node *find_other(const struct place *place, int other)
{
	if (keys[other].parent == place->parent)
		return place->group ? node_member(place->group, keys[other].name) : NULL;
	return tree_find(place->tree, other, -1);
}

static int check_relations(const struct reader *reader, const struct place *place, int key, struct node *node)
{
	int requires = keys[key].requires, conflicts = keys[key].conflicts;

	if (requires && !find_other(place, requires))
		return REFUSE(reader, node, "needs %s, which is not written", keys[requires].path);
	if (conflicts && find_other(place, conflicts))
		return REFUSE(reader, node, "cannot be written together with %s", keys[conflicts].path);
	return 0;
}

/* Keys that have no meaning for the element's type, and those that it cannot do without. */
static int check_type(const struct reader *reader, const struct place *place, int key, struct node *node)
{
	const struct key *row = &keys[key];
	const char *type = NULL;
	int value = 0;

	if (!row->selector || node_member(place->group, keys[row->selector].name) == NULL)
		return 0;
	if (node_member(place->group, keys[row->selector].name)->refused)
		return 0;
	memcpy(&value, place->base + keys[row->selector].offset, sizeof(value));
	type = keys[row->selector].values[value];
	if (node && row->only && !(row->only & 1u << value))
		return REFUSE(reader, node, "has no meaning for type \"%s\"", type);
	if (!node && row->needed & 1u << value)
		return REFUSE(reader, place->group, "%s is missing: type \"%s\" needs it", row->name, type);
	return 0;
}

static int check_missing(const struct reader *reader, const struct place *place, int key)
{
	if (keys[key].flags & KEY_REQUIRED && place->parent != K_NONE && place->group) {
		REFUSE(reader, place->group, "%s is missing", keys[key].name);
		return keys[key].flags & KEY_REPLACES
			       ? diagnose_remedy(reader->diagnostics,
						 "without it an element changes the inherited one of the same %s, and "
						 "there is none",
						 keys[place->parent].identity)
			       : -1;
	}
	return place->group ? check_type(reader, place, key, NULL) : 0;
}

/* ---- values -------------------- */

static int read_list(const struct reader *reader, const struct place *place, int key, struct node *list)
{
	size_t size = keys[key].size, count = 0;
	char *items = arena_array(reader->arena, list->count + 1, size), *field = place->base + keys[key].offset;
	int result = 0;

	if (!items)
		return REFUSE(reader, list, "out of memory");
	for (struct node *element = list->first; element; element = element->next, count++) {
		const struct place inside = {
			.tree = place->tree, .group = element, .parent = key, .base = items + count * size
		};

		memcpy(inside.base, keys[key].initial, size);
		if (!element->refused)
			result |= read_group(reader, &inside);
	}
	/* Every X_list is a pointer and a count; the generated assertions say so. */
	memcpy(field, &items, sizeof(items));
	memcpy(field + sizeof(items), &count, sizeof(count));
	return result;
}

static int read_key(const struct reader *reader, const struct place *place, int key, struct node *node)
{
	struct place inside = *place;
	struct strings unused = { 0 };

	if (node->refused)
		return -1;
	if (keys[key].type == TYPE_GROUP) {
		inside.group = node;
		inside.parent = key;
		return read_group(reader, &inside);
	}
	if (keys[key].type == TYPE_LIST)
		return read_list(reader, place, key, node) | check_relations(reader, place, key, node);
	if (value_read(reader, key, node,
		       keys[key].flags & KEY_NO_FIELD ? (char *)&unused : place->base + keys[key].offset))
		return -1;
	return check_relations(reader, place, key, node);
}

static int read_group(const struct reader *reader, const struct place *place)
{
	int result = 0;

	for (struct node *node = place->group->first; node; node = node->next) {
		int key = key_child(place->parent, node->name);

		if (key != K_NONE)
			result |= read_key(reader, place, key, node);
	}
	for (int key = keys[place->parent].first; key != K_NONE; key = keys[key].next) {
		struct node *node = node_member(place->group, keys[key].name);

		if (!node)
			result |= check_missing(reader, place, key);
		else if (!node->refused)
			result |= check_type(reader, place, key, node);
	}
	return result;
}

int profile_read(const struct reader *reader, struct node *tree, struct profile *profile)
{
	const struct place place = { .tree = tree, .group = tree, .parent = K_NONE, .base = (char *)profile };
	int result = read_group(reader, &place);

	profile->landlock.restrict_tcp =
		tree_find(tree, K_LANDLOCK_CONNECT_TCP, -1) || tree_find(tree, K_LANDLOCK_BIND_TCP, -1);
	return result;
}

struct node *tree_find(const struct node *tree, int key, int index)
{
	struct node *parent = NULL;

	if (!tree || key == K_NONE)
		return NULL;
	if (keys[key].parent == K_NONE)
		return node_member(tree, keys[key].name);
	parent = tree_find(tree, keys[key].parent, index);
	if (parent && keys[keys[key].parent].type == TYPE_LIST) {
		/* Elements of a list within a list are not told apart: the list itself is the place. */
		if (index < 0 || (!parent->parent->name && parent->parent->parent))
			return NULL;
		parent = parent->first;
		while (parent && index-- > 0)
			parent = parent->next;
	}
	return parent ? node_member(parent, keys[key].name) : NULL;
}
