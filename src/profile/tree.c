/* tree: from a profile's text to nodes. The one file that knows libconfig.
 *
 * The text is scanned first (scan.c), so that what reaches the library cannot be misread by it; then libconfig
 * parses it from memory, without includes, and its settings are copied into nodes of our own. The copy is what lets
 * later layers be merged into one tree in which every value still knows its file and line.
 *
 * Parent only. libconfig's own memory is gone when these functions return.
 */
#include "profile/tree.h"

#include <libconfig.h>
#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "profile/diagnostic.h"
#include "profile/scan.h"

struct node *node_new(struct arena *arena, enum node_type type, const struct source *source)
{
	struct node *node = arena_alloc(arena, sizeof(*node));

	if (!node)
		return NULL;
	node->type = type;
	node->source = source;
	return node;
}

void node_append(struct node *parent, struct node *child)
{
	child->parent = parent;
	child->next = NULL;
	if (parent->last)
		parent->last->next = child;
	else
		parent->first = child;
	parent->last = child;
	parent->count++;
}

static struct node **link_of(const struct node *child)
{
	struct node **link = &child->parent->first;

	while (*link != child)
		link = &(*link)->next;
	return link;
}

void node_replace(struct node *old, struct node *new)
{
	*link_of(old) = new;
	new->next = old->next;
	new->parent = old->parent;
	if (old->parent->last == old)
		old->parent->last = new;
}

void node_remove(struct node *child)
{
	struct node *parent = child->parent;

	*link_of(child) = child->next;
	parent->count--;
	parent->last = NULL;
	for (struct node *at = parent->first; at; at = at->next)
		parent->last = at;
}

struct node *node_member(const struct node *group, const char *name)
{
	for (struct node *child = group->first; child; child = child->next)
		if (child->name && strcmp(child->name, name) == 0)
			return child;
	return NULL;
}

void node_path(const struct node *node, char *buffer, size_t size)
{
	size_t length = 0;

	buffer[0] = '\0';
	if (!node || !node->parent)
		return;
	node_path(node->parent, buffer, size);
	length = strlen(buffer);
	if (node->name)
		(void)snprintf(buffer + length, size - length, "%s%s", length ? "." : "", node->name);
	else
		(void)snprintf(buffer + length, size - length, "[%d]", node->index);
}

const char *node_kind(const struct node *node)
{
	static const char *const kinds[NODE_TYPE_COUNT] = {
		[NODE_INT] = "a number",      [NODE_BOOL] = "true or false", [NODE_STRING] = "a string",
		[NODE_GROUP] = "a group { }", [NODE_LIST] = "a list",
	};

	return kinds[node->type];
}

/* A line of the text, by its beginning and number. */
struct cursor {
	const char *at;
	int line;
};

struct copying {
	struct arena *arena;
	const struct source *source;
	const char *text;
	struct cursor *cursor; /* where the last string of a list was found */
	bool value;            /* one value from the command line: without lines */
};

/* libconfig looks at what follows a string before it notes the line: where that is further down, a list's last string
 * has the line of the bracket. Goes up from there to a line with a quotation mark. */
static int line_of_string(const struct copying *copying, int line)
{
	struct cursor *cursor = copying->cursor;
	const char *end = NULL;

	if (cursor->line > line)
		*cursor = (struct cursor){ copying->text, 1 };
	for (; cursor->line < line && (end = strchr(cursor->at, '\n')); cursor->line++)
		cursor->at = end + 1;
	while (cursor->line > 1 && !memchr(cursor->at, '"', strcspn(cursor->at, "\n"))) {
		for (cursor->at--; cursor->at > copying->text && cursor->at[-1] != '\n'; cursor->at--)
			;
		cursor->line--;
	}
	return cursor->line;
}

static struct node *copy_setting(const struct copying *copying, const config_setting_t *setting);

static bool copy_children(const struct copying *copying, const config_setting_t *setting, struct node *node)
{
	int count = config_setting_length(setting);

	for (int i = 0; i < count; i++) {
		struct node *child = copy_setting(copying, config_setting_get_elem(setting, (unsigned)i));

		if (!child)
			return false;
		child->index = i;
		node_append(node, child);
	}
	return true;
}

/* NULL when there is no memory. */
static struct node *copy_setting(const struct copying *copying, const config_setting_t *setting)
{
	static const enum node_type types[] = {
		[CONFIG_TYPE_GROUP] = NODE_GROUP,   [CONFIG_TYPE_INT] = NODE_INT,    [CONFIG_TYPE_INT64] = NODE_INT,
		[CONFIG_TYPE_BOOL] = NODE_BOOL,     [CONFIG_TYPE_ARRAY] = NODE_LIST, [CONFIG_TYPE_LIST] = NODE_LIST,
		[CONFIG_TYPE_STRING] = NODE_STRING,
	};
	const char *name = config_setting_name(setting);
	int type = config_setting_type(setting);
	struct node *node = node_new(copying->arena, types[type], copying->source);

	if (!node)
		return NULL;
	node->line = copying->value ? 0 : (int)config_setting_source_line(setting);
	node->name = name ? arena_copy(copying->arena, name) : NULL;
	if (name && !node->name)
		return NULL;
	if (type == CONFIG_TYPE_STRING && !name && node->line)
		node->line = line_of_string(copying, node->line);
	if (type == CONFIG_TYPE_INT)
		node->number = config_setting_get_int(setting);
	else if (type == CONFIG_TYPE_INT64)
		node->number = config_setting_get_int64(setting);
	else if (type == CONFIG_TYPE_BOOL)
		node->number = config_setting_get_bool(setting);
	else if (type != CONFIG_TYPE_STRING)
		return copy_children(copying, setting, node) ? node : NULL;
	else if (!(node->text = arena_copy(copying->arena, config_setting_get_string(setting))))
		return NULL;
	return node;
}

/* libconfig's words for what only it sees, in ours. */
static const char *explain_error(const char *text)
{
	static const char *const words[][2] = {
		{ "duplicate setting name", "this key is written a second time in the same group" },
		{ "mismatched element type in array",
		  "the elements of [ ] must all be of one type; those of ( ) need not" },
	};

	for (size_t i = 0; text && i < sizeof(words) / sizeof(words[0]); i++)
		if (strcmp(words[i][0], text) == 0)
			return words[i][1];
	return text ? text : "syntax error";
}

/* `text` has been scanned. */
static struct node *parse(const char *text, const struct copying *copying, struct diagnostics *diagnostics)
{
	struct node *root = NULL;
	config_t config;

	config_init(&config);
	config_set_include_dir(&config, "/dev/null");
	if (!config_read_string(&config, text)) {
		diagnose(diagnostics, copying->source->file, copying->value ? 0 : config_error_line(&config), "%s",
			 explain_error(config_error_text(&config)));
	} else {
		root = copy_setting(copying, config_root_setting(&config));
		if (!root)
			diagnose(diagnostics, copying->source->file, 0, "out of memory");
	}
	config_destroy(&config);
	return root;
}

struct node *tree_read(const char *text, size_t length, const struct source *source, struct arena *arena,
		       struct diagnostics *diagnostics)
{
	struct cursor cursor = { text, 1 };
	const struct copying copying = { .arena = arena, .source = source, .text = text, .cursor = &cursor };

	if (scan_text(text, length, false, source, diagnostics))
		return NULL;
	return parse(text, &copying, diagnostics);
}

struct node *tree_read_value(const char *text, const struct source *source, struct arena *arena,
			     struct diagnostics *diagnostics)
{
	const struct copying copying = { .arena = arena, .source = source, .value = true };
	struct node *root = NULL, *value = NULL;
	char *wrapped = NULL;

	if (scan_text(text, strlen(text), true, source, diagnostics))
		return NULL;
	wrapped = arena_format(arena, "value = %s\n;", text);
	if (!wrapped) {
		diagnose(diagnostics, source->file, 0, "out of memory");
		return NULL;
	}
	root = parse(wrapped, &copying, diagnostics);
	value = root ? root->first : NULL;
	if (value) {
		value->name = NULL;
		value->parent = NULL;
	}
	return value;
}
