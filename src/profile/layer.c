/* layer: whether one layer is sound by itself, before it is merged with others. Also a value that a later layer will
 * replace must be right: nothing in a profile is ever ignored.
 *
 * Parent only, while profiles are read; pure. */
#include <stdint.h>
#include <string.h>

#include "profile/diagnostic.h"
#include "profile/identity.h"
#include "profile/merge.h"
#include "profile/schema.h"
#include "profile/value.h"

static int check_group(const struct merging *merging, int parent, struct node *group);

#define REFUSE(merging, node, ...) ((node)->refused = true, diagnose_node((merging)->diagnostics, node, __VA_ARGS__))

static int unknown_key(const struct merging *merging, int parent, struct node *node)
{
	const char *nearest = key_nearest(parent, node->name);

	return REFUSE(merging, node, "unknown key%s%s%s", nearest ? "; did you mean `" : "", nearest ? nearest : "",
		      nearest ? "`?" : "");
}

/* { target = "/tmp"; remove = true; }: nothing but the identity may stand beside `remove`. */
static int check_remove(const struct merging *merging, int list, struct node *element)
{
	struct node *remove = node_member(element, "remove");

	if (remove->by_text && strcmp(remove->text, "true") == 0) {
		remove->type = NODE_BOOL;
		remove->number = true;
	}
	if (remove->type != NODE_BOOL || !remove->number)
		return REFUSE(merging, remove, "can only be true");
	for (const struct node *child = element->first; child; child = child->next)
		if (child != remove && !identity_has(list, key_child(list, child->name)))
			return REFUSE(merging, element,
				      "an element that is removed has %s and remove, and nothing else",
				      keys[list].identity);
	return 0;
}

/* A key of the identity that has no default must be written: also in a layer that changes an element. */
static int check_identity(const struct merging *merging, int list, struct node *element)
{
	const struct identity_part *part = keys[list].identity_parts;
	int result = 0;

	for (; part && part->key != K_NONE; part++) {
		if (keys[part->key].default_text || node_member(element, keys[part->key].name))
			continue;
		result = REFUSE(merging, element, "%s is missing", keys[part->key].name);
	}
	return result;
}

static int check_element(const struct merging *merging, int list, struct node *element)
{
	int result = 0;

	if (element->type != NODE_GROUP)
		return REFUSE(merging, element, "must be a group { }, not %s", node_kind(element));
	result = check_identity(merging, list, element);
	if (keys[list].identity && node_member(element, "remove"))
		result |= check_remove(merging, list, element);
	return check_group(merging, list, element) | result;
}

/* { add = [ ]; remove = [ ]; } in the place of a list. */
static int check_changes(const struct merging *merging, int key, struct node *group)
{
	const struct reader reader = { .arena = merging->arena, .diagnostics = merging->diagnostics, .draft = true };
	int result = 0;

	for (struct node *child = group->first; child; child = child->next) {
		union {
			struct strings strings;
			struct ints ints;
		} field = { 0 };

		if (strcmp(child->name, "add") == 0)
			result |= value_read(&reader, key, child, &field);
		else if (strcmp(child->name, "remove") != 0)
			result |= REFUSE(merging, child,
					 "unknown key; { add = [ ... ]; remove = [ ... ]; } changes a list");
		else if (child->type != NODE_LIST)
			result |= REFUSE(merging, child, "must be a list, not %s", node_kind(child));
	}
	group->refused |= result != 0;
	return result;
}

static int check_value(const struct merging *merging, int key, struct node *node)
{
	const struct reader reader = { .arena = merging->arena, .diagnostics = merging->diagnostics, .draft = true };
	union {
		bool truth;
		int integer;
		uint32_t u32;
		uint64_t u64;
		int64_t i64;
		const char *text;
		struct strings strings;
		struct ints ints;
		struct limit limit;
	} field = { 0 };
	enum storage storage = key_storage(key);

	if (node->type == NODE_GROUP && (storage == STORAGE_STRINGS || storage == STORAGE_INTS))
		return check_changes(merging, key, node);
	return value_read(&reader, key, node, &field);
}

static int check_key(const struct merging *merging, int key, struct node *node)
{
	int result = 0;

	if (node->refused)
		return -1;
	if (keys[key].type == TYPE_GROUP) {
		if (node->type != NODE_GROUP)
			return REFUSE(merging, node, "must be a group { }, not %s", node_kind(node));
		return check_group(merging, key, node);
	}
	if (keys[key].type != TYPE_LIST)
		return check_value(merging, key, node);
	if (node->type != NODE_LIST) {
		REFUSE(merging, node, "must be a list of groups, not %s", node_kind(node));
		return diagnose_remedy(merging->diagnostics, "write ( { ... }, { ... } )");
	}
	for (struct node *element = node->first; element; element = element->next)
		result |= check_element(merging, key, element);
	return result;
}

static int check_group(const struct merging *merging, int parent, struct node *group)
{
	int result = 0;

	for (struct node *child = group->first; child; child = child->next) {
		int key = key_child(parent, child->name);

		if (key != K_NONE)
			result |= check_key(merging, key, child);
		else if (!keys[parent].identity || strcmp(child->name, "remove") != 0)
			result |= unknown_key(merging, parent, child);
	}
	return result;
}

int layer_check(const struct merging *merging, struct node *layer)
{
	return check_group(merging, K_NONE, layer);
}
