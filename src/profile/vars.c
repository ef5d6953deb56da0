/* vars: ${NAME} in the values of a profile.
 *
 * The list of variables is closed: HOME USER UID GID PWD PROFILE_DIR NAME ID RUNTIME_DIR, env:NAME for keys whose
 * row in the schema allows it, and the profile's own params, which are lower-case and so never hide one of the
 * others. $$ is a dollar; anything else behind a dollar is an error, as is a variable that has no value: nothing
 * ever becomes the empty string by mistake. What a variable holds is not expanded again.
 *
 * Expansion works on nodes, after layers are merged, because ${PROFILE_DIR} belongs to the file in which the text
 * stands and errors belong to its line. The user data base and the working directory are asked only when a variable
 * needs them. Parent only, while profiles are read. */
#include "profile/vars.h"

#include <errno.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/environ.h"
#include "base/parse.h"
#include "base/text.h"
#include "profile/diagnostic.h"
#include "profile/schema.h"
#include "profile/value.h"

struct vars_param {
	struct vars_param *next;
	const char *name;
	struct node *element, *default_; /* default_: NULL when it has none */
	int type;                        /* PARAMS_TYPE_* */
	const char *given;               /* by -D; NULL: not */
	const char *value;               /* of its type, ready to be put in; NULL: none, and an error says so */
};

enum { PROFILE_VARIABLE_MAX = 128 };

static const struct source command_line = { .file = "command line", .layer = LAYER_COMMAND_LINE };

/* ---- the closed list -------------------- */

static void ask_user(struct vars *vars)
{
	const struct passwd *entry = vars->asked ? NULL : getpwuid(vars->request->uid);

	vars->asked = true;
	if (!entry)
		return;
	vars->user = arena_copy(vars->arena, entry->pw_name);
	vars->home = entry->pw_dir[0] == '/' ? arena_copy(vars->arena, entry->pw_dir) : NULL;
}

static const char *value_home(struct vars *vars, const struct node *node)
{
	(void)node;
	ask_user(vars);
	return vars->home;
}

static const char *value_user(struct vars *vars, const struct node *node)
{
	(void)node;
	ask_user(vars);
	return vars->user;
}

static const char *value_uid(struct vars *vars, const struct node *node)
{
	(void)node;
	return arena_format(vars->arena, "%u", vars->request->uid);
}

static const char *value_gid(struct vars *vars, const struct node *node)
{
	(void)node;
	return arena_format(vars->arena, "%u", vars->request->gid);
}

static const char *value_pwd(struct vars *vars, const struct node *node)
{
	char path[PATH_MAX];

	(void)node;
	if (!vars->directory && getcwd(path, sizeof(path)) && path[0] == '/')
		vars->directory = arena_copy(vars->arena, path);
	return vars->directory;
}

static const char *value_profile_dir(struct vars *vars, const struct node *node)
{
	(void)vars;
	return node->source ? node->source->directory : NULL;
}

static const char *value_name(struct vars *vars, const struct node *node)
{
	(void)node;
	return vars->request->name ? vars->request->name : vars->name ? vars->name : profile_defaults.name;
}

static const char *value_id(struct vars *vars, const struct node *node)
{
	(void)node;
	return vars->request->id;
}

static const char *value_runtime_dir(struct vars *vars, const struct node *node)
{
	const char *directory = environ_get(vars->request->environ, "XDG_RUNTIME_DIR");

	(void)node;
	if (directory && directory[0] == '/')
		return directory;
	return vars->request->uid == 0 ? "/run" : arena_format(vars->arena, "/run/user/%u", vars->request->uid);
}

static const struct {
	const char *name;
	const char *(*value)(struct vars *vars, const struct node *node);
} variables[] = {
	{ "HOME", value_home }, { "USER", value_user }, { "UID", value_uid },
	{ "GID", value_gid },   { "PWD", value_pwd },   { "PROFILE_DIR", value_profile_dir },
	{ "NAME", value_name }, { "ID", value_id },     { "RUNTIME_DIR", value_runtime_dir },
};

enum { VARIABLES = sizeof(variables) / sizeof(variables[0]) };

/* ---- expansion -------------------- */

static struct vars_param *find_param(const struct vars *vars, const char *name)
{
	for (struct vars_param *param = vars->params; param; param = param->next)
		if (strcmp(param->name, name) == 0)
			return param;
	return NULL;
}

static int unknown_variable(const struct vars *vars, const struct node *node, const char *name)
{
	const char *names[VARIABLES + 64], *nearest = NULL;
	size_t count = 0;

	for (; count < VARIABLES; count++)
		names[count] = variables[count].name;
	for (struct vars_param *param = vars->params; param && count < VARIABLES + 64; param = param->next)
		names[count++] = param->name;
	nearest = nearest_name(name, names, count);
	diagnose_node(vars->diagnostics, node, "unknown variable ${%s}%s%s%s", name, nearest ? "; did you mean ${" : "",
		      nearest ? nearest : "", nearest ? "}?" : "");
	return diagnose_remedy(vars->diagnostics, "a profile declares variables of its own in params");
}

/* The value of the variable `name`; NULL after one diagnostic. */
static const char *lookup(struct vars *vars, int key, const struct node *node, const char *name)
{
	const struct vars_param *param = NULL;
	const char *value = NULL, *sample = vars->request->offline ? vars_sample(vars->arena, name) : NULL;

	if (strncmp(name, "env:", 4) == 0) {
		value = sample ? sample : environ_get(vars->request->environ, name + 4);
		if (!(keys[key].flags & KEY_ENV)) {
			diagnose_node(vars->diagnostics, node, "${%s}: this key takes nothing from the environment",
				      name);
			diagnose_remedy(vars->diagnostics, "declare a parameter (params) and give it with -D");
			return NULL;
		}
		if (!value)
			diagnose_node(vars->diagnostics, node, "${%s}: the variable is not in the environment", name);
		return value;
	}
	for (size_t i = 0; i < VARIABLES; i++) {
		if (strcmp(variables[i].name, name) != 0)
			continue;
		value = sample ? sample : variables[i].value(vars, node);
		if (!value)
			diagnose_node(vars->diagnostics, node, "${%s} has no value here", name);
		return value;
	}
	param = find_param(vars, name);
	if (!param)
		unknown_variable(vars, node, name);
	else if (!vars->finished)
		diagnose_node(vars->diagnostics, node, "${%s}: a default cannot use another parameter", name);
	return param ? param->value : NULL; /* without a value: vars_finish() has said so */
}

/* Expands the variable that begins at `at` ("${...}" or "$$") into `out`. Returns what stands behind it, or NULL. */
static const char *expand_one(struct vars *vars, int key, const struct node *node, const char *at, struct text *out)
{
	const char *end = at[1] == '{' ? strchr(at, '}') : NULL;
	char name[PROFILE_VARIABLE_MAX + 1];
	const char *value = NULL;
	size_t length = 0;

	if (at[1] == '$') {
		text_add_n(out, "$", 1);
		return at + 2;
	}
	if (!end) {
		diagnose_node(vars->diagnostics, node, at[1] == '{' ? "${ without }" : "a lone $");
		diagnose_remedy(vars->diagnostics, "a variable is written ${NAME}, a dollar $$");
		return NULL;
	}
	length = (size_t)(end - at - 2);
	if (length == 0 || length > PROFILE_VARIABLE_MAX) {
		diagnose_node(vars->diagnostics, node, "the name of a variable has 1 to %d bytes",
			      PROFILE_VARIABLE_MAX);
		return NULL;
	}
	memcpy(name, at + 2, length);
	name[length] = '\0';
	value = lookup(vars, key, node, name);
	if (!value)
		return NULL;
	text_add_n(out, value, strlen(value));
	return end + 1;
}

int vars_expand(struct vars *vars, int key, struct node *node)
{
	struct text out = { 0 };
	const char *at = node->text;

	if (node->type != NODE_STRING || node->expanded || node->refused)
		return node->refused ? -1 : 0;
	node->expanded = true;
	if (!strchr(at, '$'))
		return 0;
	while (at && *at) {
		size_t plain = strcspn(at, "$");

		text_add_n(&out, at, plain);
		at += plain;
		if (*at)
			at = expand_one(vars, key, node, at, &out);
	}
	node->refused = !at;
	if (at && (out.failed || !(node->text = arena_copy(vars->arena, out.data ? out.data : ""))))
		node->refused = diagnose_node(vars->diagnostics, node, "out of memory") != 0;
	node->by_text = true;
	text_free(&out);
	return node->refused ? -1 : 0;
}

/* What was refused may have any shape, and is left alone. */
static void expand_elements(struct vars *vars, int key, struct node *list)
{
	for (struct node *element = list->first; element; element = element->next) {
		if (element->refused)
			continue;
		if (keys[key].type == TYPE_LIST)
			vars_expand_tree(vars, key, element);
		else
			vars_expand(vars, key, element);
	}
}

void vars_expand_tree(struct vars *vars, int parent, struct node *group)
{
	for (struct node *child = group->first; child; child = child->next) {
		int key = child->refused ? K_NONE : key_child(parent, child->name);

		if (key == K_NONE || keys[key].type == TYPE_COMMAND || keys[key].flags & KEY_INPUT)
			continue;
		if (child->type == NODE_STRING)
			vars_expand(vars, key, child);
		else if (keys[key].type == TYPE_GROUP)
			vars_expand_tree(vars, key, child);
		else
			expand_elements(vars, key, child);
	}
}

/* ---- params -------------------- */

static const char *member_text(const struct node *group, const char *name)
{
	const struct node *member = node_member(group, name);

	return member && member->type == NODE_STRING && !member->refused ? member->text : NULL;
}

static int param_type(const char *name)
{
	const char *const *values = keys[K_PARAMS_TYPE].values;

	for (int i = 0; name && values[i]; i++)
		if (strcmp(values[i], name) == 0)
			return i;
	return PARAMS_TYPE_STRING;
}

static void drop_param(struct vars *vars, const char *name)
{
	struct vars_param **link = &vars->params;

	while (*link && strcmp((*link)->name, name) != 0)
		link = &(*link)->next;
	if (*link)
		*link = (*link)->next;
}

static int collect_param(struct vars *vars, struct node *element)
{
	static const char lower[] = "abcdefghijklmnopqrstuvwxyz";
	const char *name = element->type == NODE_GROUP ? member_text(element, "name") : NULL;
	struct vars_param *param = name ? find_param(vars, name) : NULL;

	if (!name)
		return 0;
	if (!strchr(lower, name[0]) || strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_") != strlen(name) ||
	    !name[0]) {
		element->refused = true;
		return diagnose_node(
			vars->diagnostics, node_member(element, "name"),
			"\"%s\" is no name of a parameter: a lower-case letter, then lower-case letters, digits "
			"and '_'",
			name);
	}
	if (node_member(element, "remove")) {
		drop_param(vars, name);
		return 0;
	}
	if (!param) {
		param = arena_alloc(vars->arena, sizeof(*param));
		if (!param)
			return diagnose_node(vars->diagnostics, element, "out of memory");
		param->next = vars->params;
		param->name = name;
		vars->params = param;
	}
	param->element = element;
	if (node_member(element, "type"))
		param->type = param_type(member_text(element, "type"));
	if (member_text(element, "default"))
		param->default_ = node_member(element, "default");
	return 0;
}

int vars_collect(struct vars *vars, const struct node *layer)
{
	const struct node *params = node_member(layer, "params");
	const char *name = member_text(layer, "name");
	int result = 0;

	if (name && !strchr(name, '$'))
		vars->name = name;
	if (params && params->type == NODE_LIST)
		for (struct node *element = params->first; element; element = element->next)
			result |= collect_param(vars, element);
	return result;
}

/* "NAME=VALUE" of the command line. */
static int take_definition(struct vars *vars, const char *definition)
{
	const char *equals = strchr(definition, '='), *nearest = NULL;
	struct vars_param *param = NULL;
	const char *names[64];
	char *name = NULL;
	size_t count = 0;

	if (!equals)
		return diagnose(vars->diagnostics, command_line.file, 0, "-D %s: a parameter is given as NAME=VALUE",
				definition);
	name = arena_copy_n(vars->arena, definition, (size_t)(equals - definition));
	param = name ? find_param(vars, name) : NULL;
	if (param) {
		param->given = equals + 1;
		return 0;
	}
	for (param = vars->params; param && count < 64; param = param->next)
		names[count++] = param->name;
	nearest = name ? nearest_name(name, names, count) : NULL;
	diagnose(vars->diagnostics, command_line.file, 0, "-D %s: the profile has no such parameter%s%s%s",
		 name ? name : "", nearest ? "; did you mean " : "", nearest ? nearest : "", nearest ? "?" : "");
	return count ? -1 : diagnose_remedy(vars->diagnostics, "it declares none (params)");
}

static int refuse_param(const struct vars *vars, const struct vars_param *param, const char *what)
{
	const struct node *node = param->default_ ? param->default_ : param->element;

	if (!param->given)
		return diagnose_node(vars->diagnostics, node, "\"%s\": %s", param->default_->text, what);
	diagnose(vars->diagnostics, command_line.file, 0, "-D %s=%s: %s", param->name, param->given, what);
	return -1;
}

/* A path of the caller's: absolute, and there when the type says so. */
static int check_path(struct vars *vars, struct vars_param *param)
{
	const char *here = vars->request->offline ? vars_sample(vars->arena, "PWD") : value_pwd(vars, param->element);
	const char *directory = param->value[0] == '/' ? "" : here;
	const char *path = NULL, *normal = NULL;
	struct stat st;

	if (!param->value[0])
		return refuse_param(vars, param, "is empty: the directory that you are in is .");
	path = directory ? arena_format(vars->arena, "%s/%s", directory, param->value) : NULL;
	normal = path ? path_normalise(vars->arena, path) : NULL;
	if (!path)
		return refuse_param(vars, param, "the working directory is not known");
	param->value = normal ? normal : path;
	if (param->type == PARAMS_TYPE_PATH || vars->request->offline)
		return 0;
	if (stat(param->value, &st))
		return refuse_param(vars, param, strerror(errno));
	if (param->type == PARAMS_TYPE_DIRECTORY && !S_ISDIR(st.st_mode))
		return refuse_param(vars, param, "this is no directory");
	if (param->type == PARAMS_TYPE_FILE && S_ISDIR(st.st_mode))
		return refuse_param(vars, param, "this is a directory");
	return 0;
}

static int check_param(struct vars *vars, struct vars_param *param)
{
	int64_t number = 0;
	uint64_t size = 0;
	bool truth = false;

	switch (param->type) {
	case PARAMS_TYPE_PATH:
	case PARAMS_TYPE_DIRECTORY:
	case PARAMS_TYPE_FILE:
		return check_path(vars, param);
	case PARAMS_TYPE_INT:
		return parse_signed(param->value, INT64_MIN, INT64_MAX, &number)
			       ? refuse_param(vars, param, "must be a whole decimal number")
			       : 0;
	case PARAMS_TYPE_SIZE:
		return parse_size(param->value, &size) ? refuse_param(vars, param, "must be a size, such as 64M") : 0;
	case PARAMS_TYPE_DURATION:
		return parse_duration(param->value, true, &number)
			       ? refuse_param(vars, param, "must be a duration, such as 1.5s")
			       : 0;
	case PARAMS_TYPE_BOOL:
		return parse_bool(param->value, &truth) ? refuse_param(vars, param, "must be true or false") : 0;
	default:
		return 0;
	}
}

static int finish_param(struct vars *vars, struct vars_param *param)
{
	const char *doc = member_text(param->element, "doc");

	if (!param->given && !param->default_ && vars->request->offline)
		param->given = vars_sample_param(param->type);
	if (!param->given && !param->default_) {
		diagnose_node(vars->diagnostics, param->element, "the parameter %s has no value", param->name);
		return diagnose_remedy(vars->diagnostics, "give it with -D %s=VALUE%s%s", param->name,
				       doc ? "; it is: " : "", doc ? doc : "");
	}
	if (!param->given && vars_expand(vars, K_PARAMS_DEFAULT, param->default_))
		return -1;
	param->value = param->given ? param->given : param->default_->text;
	if (check_param(vars, param)) {
		param->value = NULL;
		return -1;
	}
	return 0;
}

int vars_finish(struct vars *vars)
{
	int result = 0;

	for (size_t i = 0; i < vars->request->param_count; i++)
		result |= take_definition(vars, vars->request->params[i]);
	for (struct vars_param *param = vars->params; param; param = param->next)
		result |= finish_param(vars, param);
	vars->finished = true;
	return result;
}
