/* merge: lays one layer over another.
 *
 *	scalars                    replace
 *	groups                     merge key by key
 *	lists of groups            with an identity in the schema: merge by it; an element that writes a key
 *	                           marked `replaces` (the type of a mount) takes the whole place of the inherited
 *	                           one, any other changes the keys that it writes; { identity; remove = true; }
 *	                           takes one away; an empty list takes all away. Without an identity: replace
 *	lists                      replace; { add; remove; } changes what was inherited, or the default
 *
 * A node keeps its file and line wherever it goes, so that errors and `explain` name the layer that a value comes
 * from. Everything is also laid over an empty tree first, so that add and remove have one meaning in any layer.
 *
 * Parent only, while profiles are read; pure. */
#include "profile/merge.h"

#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "profile/diagnostic.h"
#include "profile/identity.h"
#include "profile/index.h"
#include "profile/schema.h"
#include "profile/value.h"

static int merge_group(const struct merging *merging, int parent, struct node *base, struct node *over);

#define REFUSE(merging, node, ...) ((node)->refused = true, diagnose_node((merging)->diagnostics, node, __VA_ARGS__))

static int out_of_memory(const struct merging *merging, struct node *node)
{
	return REFUSE(merging, node, "out of memory");
}

/* A node of the name, type and place of `like`, without content. */
static struct node *new_empty(const struct merging *merging, const struct node *like)
{
	struct node *node = node_new(merging->arena, like->type, like->source);

	if (!node)
		return NULL;
	node->name = like->name;
	node->line = like->line;
	node->index = like->index;
	node->refused = like->refused;
	return node;
}

static void put(struct node *base, struct node *old, struct node *new)
{
	if (old)
		node_replace(old, new);
	else
		node_append(base, new);
}

/* ---- lists of words and numbers -------------------- */

/* The text by which two elements are the same: CAP_ and superfluous slashes do not count. */
static const char *canonical(const struct merging *merging, int key, struct node *element)
{
	if (element->type == NODE_INT)
		return arena_format(merging->arena, "%lld", (long long)element->number);
	if (element->type != NODE_STRING || element->refused ||
	    (keys[key].type != TYPE_COMMAND && vars_expand(merging->vars, key, element)))
		return NULL;
	return value_canonical(merging->arena, key, element->text);
}

/* The default of a key as a list node; an empty one where there is none, and inside elements, whose lists have
 * none. */
static struct node *default_list(const struct merging *merging, int key, const struct node *like)
{
	const struct strings *strings = (const void *)((const char *)&profile_defaults + keys[key].offset);
	struct node *list = node_new(merging->arena, NODE_LIST, NULL);

	if (!list)
		return NULL;
	list->name = like->name;
	if (keys[key].default_text == NULL || key_storage(key) != STORAGE_STRINGS)
		return list;
	for (size_t i = 0; i < strings->count; i++) {
		struct node *element = node_new(merging->arena, NODE_STRING, NULL);

		if (!element)
			return NULL;
		element->text = strings->items[i];
		element->index = (int)i;
		element->expanded = true;
		node_append(list, element);
	}
	return list;
}

/* The removal that is meant for an element: by its text, or in the environment by its variable's name; or NULL. */
static struct node *find_removal(const struct merging *merging, int key, const struct index *removals,
				 struct node *element)
{
	const char *text = canonical(merging, key, element);
	struct node *removal = text ? index_find(removals, text) : NULL;
	const char *name = NULL;

	if (removal || !text || keys[key].type != TYPE_ENVIRONMENT)
		return removal;
	name = arena_copy_n(merging->arena, text, strcspn(text, "="));
	return name ? index_find(removals, name) : NULL;
}

static int remove_elements(const struct merging *merging, int key, struct node *list, struct node *removals)
{
	struct node *element = list->first, *next = NULL;
	struct index index = { 0 }, found = { 0 };
	int result = 0;

	if (!removals)
		return 0;
	if (index_init(&index, merging->arena, removals->count) || index_init(&found, merging->arena, removals->count))
		return out_of_memory(merging, removals);
	for (struct node *removal = removals->first; removal; removal = removal->next) {
		const char *text = canonical(merging, key, removal);

		if (text)
			index_add(&index, text, removal);
	}
	list->first = list->last = NULL;
	list->count = 0;
	for (; element; element = next) {
		struct node *removal = find_removal(merging, key, &index, element);

		next = element->next;
		if (removal)
			index_add(&found, canonical(merging, key, removal), removal);
		else
			node_append(list, element);
	}
	for (struct node *removal = removals->first; removal; removal = removal->next) {
		const char *text = removal->refused ? NULL : canonical(merging, key, removal);

		if (text && !index_find(&found, text))
			result |= REFUSE(merging, removal, "\"%s\" cannot be removed: it is not there", text);
	}
	return result;
}

static int add_elements(const struct merging *merging, int key, struct node *list, struct node *additions)
{
	struct index present = { 0 };
	bool set = keys[key].type != TYPE_STRINGS && keys[key].type != TYPE_COMMAND;

	if (!additions)
		return 0;
	if (index_init(&present, merging->arena, list->count + additions->count))
		return out_of_memory(merging, additions);
	for (struct node *element = list->first; set && element; element = element->next) {
		const char *text = canonical(merging, key, element);

		if (text)
			index_add(&present, text, element);
	}
	for (struct node *element = additions->first, *next = NULL; element; element = next) {
		const char *text = set ? canonical(merging, key, element) : NULL;

		next = element->next;
		if (!text || !index_add(&present, text, element))
			node_append(list, element);
	}
	return 0;
}

static int merge_changes(const struct merging *merging, int key, struct node *base, struct node *changes)
{
	struct node *old = node_member(base, changes->name), *list = old;
	int result = 0;

	if (!list || list->type != NODE_LIST)
		list = default_list(merging, key, changes);
	if (!list)
		return out_of_memory(merging, changes);
	result = remove_elements(merging, key, list, node_member(changes, "remove"));
	result |= add_elements(merging, key, list, node_member(changes, "add"));
	list->source = changes->source;
	list->line = changes->line;
	list->refused |= changes->refused;
	if (list != old)
		put(base, old, list);
	return result;
}

/* ---- lists of groups -------------------- */

/* The default of a key of `list`, as text; NULL when it has none. */
static const char *default_part(const struct merging *merging, int list, int key)
{
	const void *field = (const char *)keys[list].initial + keys[key].offset;

	if (!keys[key].default_text)
		return NULL;
	if (key_storage(key) == STORAGE_TEXT)
		return *(const char *const *)field;
	if (keys[key].type == TYPE_ENUM)
		return keys[key].values[*(const int *)field];
	return arena_format(merging->arena, "%d", *(const int *)field);
}

/* What an element says of one key of its identity, or means when it leaves it out. */
static const char *identity_part(const struct merging *merging, int list, struct node *element, int key)
{
	struct node *node = node_member(element, keys[key].name);

	if (!node)
		return default_part(merging, list, key);
	if (node->refused)
		return NULL;
	if (node->type == NODE_INT)
		return arena_format(merging->arena, "%lld", (long long)node->number);
	if (node->type != NODE_STRING || (list != K_PARAMS && vars_expand(merging->vars, key, node)))
		return NULL;
	return value_canonical(merging->arena, key, node->text);
}

/* The identity of an element, as text; NULL when it has none, which has been reported. */
static const char *identity_of(const struct merging *merging, int list, struct node *element)
{
	const char *parts[IDENTITY_PARTS_MAX] = { NULL };

	if (element->type != NODE_GROUP || !keys[list].identity)
		return NULL;
	for (int i = 0; keys[list].identity_parts[i].key != K_NONE; i++) {
		parts[i] = identity_part(merging, list, element, keys[list].identity_parts[i].key);
		if (!parts[i])
			return NULL;
	}
	return identity_join(merging->arena, list, parts);
}

/* Whether the element stands for itself: it writes a key that makes it a new one. */
static bool replaces(int list, const struct node *element)
{
	for (int key = keys[list].first; key != K_NONE; key = keys[key].next)
		if (keys[key].flags & KEY_REPLACES && node_member(element, keys[key].name))
			return true;
	return false;
}

static int merge_element(const struct merging *merging, int list, struct node *base, struct node *element,
			 struct index *index)
{
	const char *identity = identity_of(merging, list, element);
	struct node *old = identity ? index_find(index, identity) : NULL, *fresh = NULL;

	if (identity && node_member(element, "remove")) {
		if (!old)
			return REFUSE(merging, element, "%s cannot be removed: it is not there", identity);
		node_remove(old);
		index_put(index, identity, NULL);
		return 0;
	}
	if (old && !replaces(list, element))
		return merge_group(merging, list, old, element);
	fresh = new_empty(merging, element);
	if (!fresh)
		return out_of_memory(merging, element);
	put(base, old, fresh);
	if (identity)
		index_put(index, identity, fresh);
	return merge_group(merging, list, fresh, element);
}

/* Two elements of one layer with the same identity: a mistake, whatever merging would make of it. */
static int check_twice(const struct merging *merging, int list, struct node *over)
{
	struct index seen = { 0 };
	int result = 0;

	if (index_init(&seen, merging->arena, over->count))
		return out_of_memory(merging, over);
	for (struct node *element = over->first; element; element = element->next) {
		const char *identity = identity_of(merging, list, element);
		const struct node *other = identity ? index_add(&seen, identity, element) : NULL;

		if (!other)
			continue;
		result |= REFUSE(merging, element, "a second element with %s %s", keys[list].identity, identity);
		diagnose_remedy(merging->diagnostics, "the first stands on line %d", other->line);
	}
	return result;
}

static int merge_list(const struct merging *merging, int list, struct node *base, struct node *over)
{
	struct index index = { 0 };
	int result = check_twice(merging, list, over);

	if (index_init(&index, merging->arena, base->count + over->count))
		return out_of_memory(merging, over);
	for (struct node *element = base->first; element; element = element->next) {
		const char *identity = identity_of(merging, list, element);

		if (identity)
			index_add(&index, identity, element);
	}
	for (struct node *element = over->first; element; element = element->next)
		if (!element->refused)
			result |= merge_element(merging, list, base, element, &index);
	return result;
}

/* ---- keys -------------------- */

static int merge_key(const struct merging *merging, int key, struct node *base, struct node *over)
{
	struct node *old = node_member(base, over->name);
	bool merges =
		keys[key].type == TYPE_GROUP || (keys[key].type == TYPE_LIST && over->count && keys[key].identity);
	enum storage storage = key_storage(key);

	if (over->type == NODE_GROUP && (storage == STORAGE_STRINGS || storage == STORAGE_INTS))
		return merge_changes(merging, key, base, over);
	if (!merges || over->refused) {
		put(base, old, over);
		return 0;
	}
	if (!old || old->type != over->type) {
		struct node *fresh = new_empty(merging, over);

		if (!fresh)
			return out_of_memory(merging, over);
		put(base, old, fresh);
		old = fresh;
	}
	/* What a group leaves unsaid is blamed on the last that speaks of it. */
	old->source = over->source;
	old->line = over->line;
	return keys[key].type == TYPE_GROUP ? merge_group(merging, key, old, over)
					    : merge_list(merging, key, old, over);
}

static int merge_group(const struct merging *merging, int parent, struct node *base, struct node *over)
{
	int result = 0;

	for (struct node *child = over->first, *next = NULL; child; child = next) {
		int key = key_child(parent, child->name);

		next = child->next;
		if (key != K_NONE)
			result |= merge_key(merging, key, base, child);
	}
	return result;
}

int merge_layer(const struct merging *merging, struct node *base, struct node *layer)
{
	return merge_group(merging, K_NONE, base, layer);
}
