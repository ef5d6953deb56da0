/* value_text: texts and lists, from a node into the field of its key. See value.c.
 *
 * What a text may be is a function per type in the table `rules`; those of networks are in value_network.c. A rule may
 * put another text in the place of the one written: paths are normalised, capabilities lose their CAP_. Parent only,
 * while profiles are read; pure. */
#include "profile/load.h"
#include "profile/value.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "profile/diagnostic.h"
#include "profile/index.h"

#define REFUSE(reader, node, ...) ((node)->refused = true, diagnose_node((reader)->diagnostics, node, __VA_ARGS__))

#define LOWER "abcdefghijklmnopqrstuvwxyz"
#define UPPER "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS "0123456789"

typedef int rule_fn(const struct reader *reader, int key, struct node *node, const char **to);

static int out_of_memory(const struct reader *reader, const struct node *node)
{
	return diagnose_node(reader->diagnostics, node, "out of memory");
}

const char *path_normalise(struct arena *arena, const char *path)
{
	char *result = NULL, *to = NULL;

	if (path[0] != '/' || strlen(path) >= PATH_MAX)
		return NULL;
	result = to = arena_alloc(arena, strlen(path) + 2);
	if (!result)
		return NULL;
	while (*path) {
		size_t length = 0;

		path += strspn(path, "/");
		length = strcspn(path, "/");
		if (length == 2 && path[0] == '.' && path[1] == '.')
			return NULL;
		if (length && !(length == 1 && path[0] == '.')) {
			*to++ = '/';
			memcpy(to, path, length);
			to += length;
		}
		path += length;
	}
	if (to == result)
		*to = '/';
	return result;
}

/* ---- rules -------------------- */

static int any(const struct reader *reader, int key, struct node *node, const char **to)
{
	(void)reader;
	(void)key;
	*to = node->text;
	return 0;
}

static int word(const struct reader *reader, int key, struct node *node, const char **to)
{
	(void)key;
	for (const char *at = node->text; *at; at++)
		if ((unsigned char)*at <= ' ' || *at == 0x7f)
			return REFUSE(reader, node, "\"%s\" is no word: it holds a blank", node->text);
	if (!node->text[0])
		return REFUSE(reader, node, "an empty word");
	*to = node->text;
	return 0;
}

bool profile_name_valid(const char *name)
{
	size_t length = strlen(name);

	return length && length <= 64 && strspn(name, LOWER UPPER DIGITS "._-") == length && !strchr(".-", name[0]);
}

static int name(const struct reader *reader, int key, struct node *node, const char **to)
{
	(void)key;
	if (!profile_name_valid(node->text))
		return REFUSE(reader, node,
			      "\"%s\" is no name: 1 to 64 letters, digits, '.', '_' and '-', not beginning with "
			      "'.' or '-'",
			      node->text);
	*to = node->text;
	return 0;
}

static int hostname(const struct reader *reader, int key, struct node *node, const char **to)
{
	size_t length = strlen(node->text);

	(void)key;
	if (!length || length > 64)
		return REFUSE(reader, node, "the name has %zu bytes; the kernel takes 1 to 64", length);
	if (strspn(node->text, LOWER UPPER DIGITS "._-") != length || strchr(".-", node->text[0]))
		return REFUSE(reader, node,
			      "\"%s\" is no host name: letters, digits, '.', '_' and '-', not beginning with '.' "
			      "or '-'",
			      node->text);
	*to = node->text;
	return 0;
}

static int not_absolute(const struct reader *reader, struct node *node, const char *base)
{
	REFUSE(reader, node, "\"%s\" is not an absolute path", node->text);
	return diagnose_remedy(reader->diagnostics, "%s", base);
}

/* A path of the host: ".." may stand in it, the kernel resolves it. */
static int path(const struct reader *reader, int key, struct node *node, const char **to)
{
	(void)key;
	if (node->text[0] != '/')
		return not_absolute(
			reader, node,
			"write ${PROFILE_DIR}/... for a path beside the profile, ${PWD}/... for one of the caller's");
	if (strlen(node->text) >= PATH_MAX)
		return REFUSE(reader, node, "the path has more than %d bytes", PATH_MAX - 1);
	*to = node->text;
	return 0;
}

static int path_inside(const struct reader *reader, int key, struct node *node, const char **to)
{
	(void)key;
	if (node->text[0] != '/')
		return not_absolute(reader, node, "paths inside begin at the sandbox's own /");
	*to = path_normalise(reader->arena, node->text);
	if (!*to)
		return REFUSE(reader, node, "\"%s\" holds .. or is too long", node->text);
	return 0;
}

static int path_or_tmpfs(const struct reader *reader, int key, struct node *node, const char **to)
{
	return strcmp(node->text, "tmpfs") == 0 ? any(reader, key, node, to) : path(reader, key, node, to);
}

static int action(const struct reader *reader, int key, struct node *node, const char **to)
{
	static const char *const actions[] = { "allow", "log", "trap", "kill-process", "errno:EPERM" };
	const char *nearest = NULL;

	(void)key;
	*to = node->text;
	for (size_t i = 0; i < 4; i++)
		if (strcmp(node->text, actions[i]) == 0)
			return 0;
	if (strncmp(node->text, "errno:E", 7) == 0 && strspn(node->text + 7, UPPER DIGITS) == strlen(node->text + 7))
		return 0;
	nearest = nearest_name(node->text, actions, 5);
	REFUSE(reader, node, "unknown action \"%s\"%s%s%s", node->text, nearest ? "; did you mean \"" : "",
	       nearest ? nearest : "", nearest ? "\"?" : "");
	return diagnose_remedy(reader->diagnostics,
			       "actions: allow, log, errno:NAME (as errno:EPERM), trap, kill-process");
}

static int one_of(const struct reader *reader, int key, struct node *node, const char **to)
{
	const char *const *values = keys[key].values;
	const char *nearest = NULL;
	size_t count = 0;

	if (!values)
		return word(reader, key, node, to);
	for (; values[count]; count++)
		if (strcmp(values[count], node->text) == 0)
			return any(reader, key, node, to);
	nearest = nearest_name(node->text, values, count);
	REFUSE(reader, node, "unknown name \"%s\"%s%s%s", node->text, nearest ? "; did you mean \"" : "",
	       nearest ? nearest : "", nearest ? "\"?" : "");
	return diagnose_values(reader->diagnostics, values);
}

static int environment(const struct reader *reader, int key, struct node *node, const char **to)
{
	(void)key;
	if (node->text[0] == '=' || !strchr(node->text, '=')) {
		REFUSE(reader, node, "\"%s\" is no NAME=VALUE", node->text);
		return diagnose_remedy(reader->diagnostics,
				       "variables of the caller's are taken over by process.inherit_env");
	}
	*to = node->text;
	return 0;
}

static int variable_name(const struct reader *reader, int key, struct node *node, const char **to)
{
	if (strchr(node->text, '='))
		return REFUSE(reader, node, "\"%s\" is no name of a variable", node->text);
	return word(reader, key, node, to);
}

static int unknown(const struct reader *reader, struct node *node, const char *what, const char *nearest)
{
	return REFUSE(reader, node, "unknown %s \"%s\"%s%s%s", what, node->text, *nearest ? "; did you mean \"" : "",
		      nearest, *nearest ? "\"?" : "");
}

static int capability(const struct reader *reader, int key, struct node *node, const char **to)
{
	const char *text = node->text + (strncmp(node->text, "CAP_", 4) == 0 ? 4 : 0);
	char nearest[NEAREST_SIZE] = "";

	(void)key;
	if (!*text || strspn(text, UPPER DIGITS "_") != strlen(text))
		return REFUSE(reader, node, "\"%s\" is no name of a capability, such as \"NET_BIND_SERVICE\"",
			      node->text);
	if (reader->names && strcmp(text, "ALL") != 0 && !reader->names->capability(text, nearest))
		return unknown(reader, node, "capability", nearest);
	*to = text;
	return 0;
}

static int syscall_name(const struct reader *reader, int key, struct node *node, const char **to)
{
	const char *text = node->text + (node->text[0] == '@');
	char nearest[NEAREST_SIZE] = "";

	(void)key;
	if (!*text || strspn(text, LOWER DIGITS "_-") != strlen(text))
		return REFUSE(reader, node, "\"%s\" is no name of a system call, nor of a set (@name)", node->text);
	if (reader->names && !reader->names->syscall(node->text, nearest))
		return unknown(reader, node, node->text[0] == '@' ? "set of system calls" : "system call", nearest);
	*to = node->text;
	return 0;
}

static rule_fn *const rules[VALUE_TYPE_COUNT] = {
	[TYPE_STRING] = any,
	[TYPE_TEXT] = any,
	[TYPE_WORD] = word,
	[TYPE_NAME] = name,
	[TYPE_HOSTNAME] = hostname,
	[TYPE_PATH] = path,
	[TYPE_PATH_INSIDE] = path_inside,
	[TYPE_PATH_OR_TMPFS] = path_or_tmpfs,
	[TYPE_INTERFACE] = value_read_network,
	[TYPE_MAC] = value_read_network,
	[TYPE_ADDRESS] = value_read_network,
	[TYPE_CIDR] = value_read_network,
	[TYPE_DESTINATION] = value_read_network,
	[TYPE_PORT_RANGE] = value_read_network,
	[TYPE_ADDRESSES] = value_read_network,
	[TYPE_ACTION] = action,
	[TYPE_SCALAR] = word,
	[TYPE_NAMES] = one_of,
	[TYPE_NAMES_FREE] = variable_name,
	[TYPE_STRINGS] = any,
	[TYPE_PATHS] = path_inside,
	[TYPE_COMMAND] = any,
	[TYPE_ENVIRONMENT] = environment,
	[TYPE_CAPABILITIES] = capability,
	[TYPE_SYSCALLS] = syscall_name,
};

int value_read_text(const struct reader *reader, int key, struct node *node, const char **to)
{
	bool number = keys[key].type == TYPE_SCALAR || keys[key].type == TYPE_PORT_RANGE;

	if (number && node->type == NODE_INT) {
		node->text = arena_format(reader->arena, "%lld", (long long)node->number);
		return node->text ? rules[keys[key].type](reader, key, node, to) : out_of_memory(reader, node);
	}
	if (node->type != NODE_STRING) {
		value_mismatch(reader, key, node);
		return node->type == NODE_INT ? diagnose_remedy(reader->diagnostics, "write it in quotes") : -1;
	}
	return rules[keys[key].type](reader, key, node, to);
}

const char *value_canonical(struct arena *arena, int key, const char *text)
{
	const char *path = NULL;

	switch (keys[key].type) {
	case TYPE_CAPABILITIES:
		return text + (strncmp(text, "CAP_", 4) == 0 ? 4 : 0);
	case TYPE_PATHS:
	case TYPE_PATH_INSIDE:
		path = path_normalise(arena, text);
		return path ? path : text;
	default:
		return value_canonical_network(arena, key, text);
	}
}

/* ---- lists -------------------- */

static int not_a_list(const struct reader *reader, int key, struct node *node)
{
	value_mismatch(reader, key, node);
	if (node->type == NODE_STRING)
		return diagnose_remedy(reader->diagnostics, "write [ \"%s\" ]", node->text);
	return node->type == NODE_INT ? diagnose_remedy(reader->diagnostics, "write [ %lld ]", (long long)node->number)
				      : -1;
}

/* Whether a second element of the same text is a mistake. */
static bool is_set(int key)
{
	switch (keys[key].type) {
	case TYPE_NAMES:
	case TYPE_NAMES_FREE:
	case TYPE_CAPABILITIES:
	case TYPE_SYSCALLS:
	case TYPE_PATHS:
	case TYPE_ADDRESSES:
		return true;
	default:
		return false;
	}
}

static int read_element(const struct reader *reader, int key, struct node *element, struct strings *to)
{
	const char *text = NULL;

	if (element->type != NODE_STRING) {
		element->refused = true;
		return diagnose_node(reader->diagnostics, element, "must be a string, not %s", node_kind(element));
	}
	if (reader->draft && keys[key].type != TYPE_COMMAND && !element->expanded && strchr(element->text, '$'))
		return 0;
	if (rules[keys[key].type](reader, key, element, &text))
		return -1;
	to->items[to->count++] = text;
	return 0;
}

int value_read_strings(const struct reader *reader, int key, struct node *node, struct strings *to)
{
	struct strings read = { 0 };
	struct index seen = { 0 };
	bool set = is_set(key), failed = false;

	if (node->type != NODE_LIST)
		return not_a_list(reader, key, node);
	read.items = arena_array(reader->arena, node->count + 1, sizeof(*read.items));
	if (!read.items || (set && index_init(&seen, reader->arena, node->count)))
		return out_of_memory(reader, node);
	for (struct node *element = node->first; element; element = element->next) {
		size_t before = read.count;

		failed |= read_element(reader, key, element, &read) != 0;
		if (set && read.count > before && index_add(&seen, read.items[before], element))
			failed |= REFUSE(reader, element, "\"%s\" stands there already", element->text) != 0;
	}
	*to = read;
	node->refused |= failed;
	return failed ? -1 : 0;
}

int value_read_ints(const struct reader *reader, int key, struct node *node, struct ints *to)
{
	static const struct {
		enum value_type type;
		int64_t min, max;
		const char *what;
	} ranges[] = {
		{ TYPE_PORTS, 1, 65535, "a port is" },
		{ TYPE_FDS, 3, 1 << 20, "0 to 2 are always passed; others are" },
		{ TYPE_IDS, 0, UINT32_MAX - 1, "an id is" },
		{ TYPE_INTS, INT_MIN, INT_MAX, "a number is" },
	};
	size_t range = 0;
	struct ints read = { 0 };
	bool failed = false;

	if (node->type != NODE_LIST)
		return not_a_list(reader, key, node);
	while (ranges[range].type != keys[key].type)
		range++;
	read.items = arena_array(reader->arena, node->count + 1, sizeof(*read.items));
	if (!read.items)
		return out_of_memory(reader, node);
	for (struct node *element = node->first; element; element = element->next) {
		if (element->type != NODE_INT)
			failed |= REFUSE(reader, element, "must be a number, not %s", node_kind(element)) != 0;
		else if (element->number < ranges[range].min || element->number > ranges[range].max)
			failed |= REFUSE(reader, element, "%lld is out of range: %s from %lld to %lld",
					 (long long)element->number, ranges[range].what, (long long)ranges[range].min,
					 (long long)ranges[range].max) != 0;
		else
			read.items[read.count++] = (int)(uint32_t)element->number;
	}
	*to = read;
	node->refused |= failed;
	return failed ? -1 : 0;
}
