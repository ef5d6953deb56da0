/* set: -s KEY=VALUE becomes a layer of its own, which is then checked and merged like any other.
 *
 * The key is a dotted path; an element of a list is addressed by its identity: mounts[/tmp].size, or by all keys that
 * make it up: network.publish[127.0.0.1:8080/tcp].guest. A value is read by the key's type: words, numbers, sizes and
 * the like as they stand, without quotes; lists and groups in the syntax of a profile. Parent only, while profiles are
 * read; pure. */
#include "profile/set.h"

#include <string.h>

#include "base/arena.h"
#include "profile/diagnostic.h"
#include "profile/identity.h"
#include "profile/schema.h"

static const struct source command_line = { .file = "command line", .layer = LAYER_COMMAND_LINE };

struct setting {
	const char *text; /* the whole assignment, for messages */
	const char *at;
	int key;
	struct node *node; /* where the next part goes */
	struct arena *arena;
	struct diagnostics *diagnostics;
};

static int refuse(const struct setting *setting, const char *what, const char *detail)
{
	return diagnose(setting->diagnostics, command_line.file, 0, "-s %s: %s%s", setting->text, what, detail);
}

static struct node *child(struct setting *setting, enum node_type type, const char *name)
{
	struct node *node = node_new(setting->arena, type, &command_line);

	if (!node) {
		refuse(setting, "out of memory", "");
		return NULL;
	}
	node->name = name;
	node_append(setting->node, node);
	return node;
}

/* What is put in quotes nowhere: text that the key's type will read. */
static struct node *plain(struct setting *setting, const char *name, const char *text)
{
	struct node *node = child(setting, NODE_STRING, name);

	if (node) {
		node->text = text;
		node->by_text = true;
	}
	return node;
}

static int bad_identity(const struct setting *setting)
{
	refuse(setting, "an element is addressed by ", keys[setting->key].identity);
	return diagnose_remedy(setting->diagnostics, "an IPv6 address stands in brackets of its own: [[::1]:8080/tcp]");
}

/* "[IDENTITY]" behind the name of a list: makes the element and goes into it. */
static int enter_element(struct setting *setting)
{
	const struct identity_part *part = keys[setting->key].identity_parts;
	const char *end = NULL, *parts[IDENTITY_PARTS_MAX] = { NULL }, *text = NULL;

	if (keys[setting->key].type != TYPE_LIST || !part)
		return refuse(setting, "has no elements that can be addressed: ", keys[setting->key].path);
	end = identity_end(setting->key, setting->at + 1);
	if (!end)
		return refuse(setting, "[ without ]", "");
	text = arena_copy_n(setting->arena, setting->at + 1, (size_t)(end - setting->at - 1));
	if (!text || identity_split(setting->arena, setting->key, text, parts))
		return bad_identity(setting);
	setting->node = child(setting, NODE_LIST, keys[setting->key].name);
	if (setting->node)
		setting->node = child(setting, NODE_GROUP, NULL);
	for (int i = 0; part[i].key != K_NONE; i++)
		if (!setting->node || !plain(setting, keys[part[i].key].name, parts[i]))
			return -1;
	setting->at = end + 1;
	return *setting->at == '.' ? 0 : refuse(setting, "] must be followed by . and a key", "");
}

static int unknown(const struct setting *setting, const char *name, size_t length)
{
	const char *nearest = key_nearest(setting->key, name);

	diagnose(setting->diagnostics, command_line.file, 0, "unknown key%s%s%s", nearest ? "; did you mean `" : "",
		 nearest ? nearest : "", nearest ? "`?" : "");
	return diagnose_key(setting->diagnostics, "%.*s", (int)(setting->at + length - setting->text), setting->text);
}

/* One word of the path, up to the next '.', '[' or '='. */
static int enter_name(struct setting *setting)
{
	size_t length = strcspn(setting->at, ".[=");
	char *name = arena_copy_n(setting->arena, setting->at, length);
	int key = K_NONE;

	if (!name)
		return refuse(setting, "out of memory", "");
	if (!length)
		return refuse(setting, "must be KEY=VALUE", "");
	key = key_child(setting->key, name);
	if (key == K_NONE && keys[setting->key].identity && strcmp(name, "remove") == 0 && setting->at[length] == '=') {
		setting->at += length;
		return plain(setting, name, setting->at + 1) ? 1 : -1;
	}
	if (key == K_NONE)
		return unknown(setting, name, length);
	setting->key = key;
	setting->at += length;
	if (*setting->at == '[')
		return enter_element(setting);
	if (*setting->at == '.' && keys[key].type == TYPE_LIST)
		return refuse(setting, "an element of a list is addressed by its identity, as in mounts[/tmp].size",
			      "");
	if (*setting->at == '.' && keys[key].type != TYPE_GROUP)
		return refuse(setting, "holds no further keys: ", keys[key].path);
	if (*setting->at == '.') {
		setting->node = child(setting, NODE_GROUP, name);
		return setting->node ? 0 : -1;
	}
	return *setting->at == '=' ? 0 : refuse(setting, "must be KEY=VALUE", "");
}

static int needs_syntax(const struct setting *setting, const char *value)
{
	const char *path = keys[setting->key].path;

	refuse(setting, "a list or group is written as in a profile", "");
	if (keys[setting->key].type == TYPE_LIST)
		return diagnose_remedy(setting->diagnostics, "write -s '%s=( { ... } )'", path);
	if (keys[setting->key].type == TYPE_GROUP)
		return diagnose_remedy(setting->diagnostics, "write -s '%s={ ... }'", path);
	return diagnose_remedy(setting->diagnostics, "write -s '%s=[ \"%s\" ]'", path, value);
}

static int set_value(struct setting *setting, const char *value)
{
	enum storage storage = key_storage(setting->key);
	bool structured = storage == STORAGE_NONE || storage == STORAGE_LIST || storage == STORAGE_STRINGS ||
			  storage == STORAGE_INTS;
	struct node *node = NULL;

	if (!structured && !(storage == STORAGE_LIMIT && value[0] == '{'))
		return plain(setting, keys[setting->key].name, value) ? 0 : -1;
	if (!value[0] || !strchr("[({", value[0]))
		return needs_syntax(setting, value);
	node = tree_read_value(value, &command_line, setting->arena, setting->diagnostics);
	if (!node)
		return diagnose_key(setting->diagnostics, "%s", keys[setting->key].path);
	node->name = keys[setting->key].name;
	node_append(setting->node, node);
	return 0;
}

/* The layers are known by now. */
static struct node *refuse_extends(const struct setting *setting)
{
	refuse(setting, "the profiles that a run builds on are given with -p", "");
	diagnose_remedy(setting->diagnostics, "-p A -p B puts B upon A");
	return NULL;
}

struct node *set_layer(const char *assignment, struct arena *arena, struct diagnostics *diagnostics)
{
	struct setting setting = { .text = assignment, .at = assignment, .arena = arena, .diagnostics = diagnostics };
	struct node *layer = node_new(arena, NODE_GROUP, &command_line);
	int result = 0;

	setting.node = layer;
	if (!layer) {
		refuse(&setting, "out of memory", "");
		return NULL;
	}
	do {
		result = enter_name(&setting);
		if (setting.key == K_EXTENDS)
			return refuse_extends(&setting);
		if (result == 0 && *setting.at == '.')
			setting.at++;
		else
			break;
	} while (*setting.at);
	if (result == 0 && *setting.at != '=')
		result = refuse(&setting, "must be KEY=VALUE", "");
	if (result == 0)
		result = set_value(&setting, setting.at + 1);
	return result < 0 ? NULL : layer;
}
