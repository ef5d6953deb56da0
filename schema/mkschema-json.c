/* mkschema: the JSON Schema (draft 2020-12) of the language, for editors, for programs that write profiles, and for
 * those that read what `sandbox show --json` prints. Runs at build time only; see mkschema.c.
 *
 * A profile in JSON is the profile with objects for groups and arrays for lists. The schema knows every key, type,
 * closed list of words, bound and outer form; what contradicts what, and whether a name of a capability or system call
 * exists, only the program itself says. A text that holds a variable or parameter, ${...}, may become anything and is
 * let through.
 *
 * A profile that extends another may leave out of an element of a list what the inherited one says, remove elements,
 * and add to and remove from lists of names. So the keys that an element must have are asked for only where nothing is
 * extended, by one condition at the end.
 */
#include "mkschema.h"

#include <json-c/json.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "mkschema-types.h"

static json_object *json_group(const struct schema *schema, int parent);

static json_object *text(const char *string)
{
	return json_object_new_string(string);
}

static void add(json_object *object, const char *name, json_object *value)
{
	json_object_object_add(object, name, value);
}

static json_object *typed(const char *type)
{
	json_object *object = json_object_new_object();

	add(object, "type", text(type));
	return object;
}

static json_object *either(json_object *one, json_object *other)
{
	json_object *object = json_object_new_object(), *choices = json_object_new_array();

	json_object_array_add(choices, one);
	json_object_array_add(choices, other);
	add(object, "anyOf", choices);
	return object;
}

/* An object that knows these two properties and no other, and must have both where `both`. */
static json_object *pair(const char *one, json_object *first, const char *other, json_object *second, bool both)
{
	json_object *object = typed("object"), *properties = json_object_new_object();
	json_object *required = json_object_new_array();

	add(properties, one, first);
	add(properties, other, second);
	add(object, "properties", properties);
	add(object, "additionalProperties", json_object_new_boolean(false));
	json_object_array_add(required, text(one));
	json_object_array_add(required, text(other));
	if (both)
		add(object, "required", required);
	else
		json_object_put(required);
	return object;
}

/* ---- texts -------------------------------------------------------------------------------------------------- */

#define NAME "[A-Za-z0-9_][A-Za-z0-9._-]{0,63}"
#define SIZE "[0-9]+[KMGT]"
#define DURATION "[0-9]+([.][0-9]+)?(ms|s|m|h)"
#define ADDRESS "[0-9A-Fa-f.:]+"

static const char *const patterns[][2] = {
	{ "mode", "0*[0-7]{4}" },
	{ "size", SIZE },
	{ "limit_size", SIZE },
	{ "duration", "-?" DURATION },
	{ "limit_time", DURATION },
	{ "limit_microseconds", DURATION },
	{ "percent", "[0-9]+([.][0-9]{1,2})?%" },
	{ "word", "[^\\u0000-\\u0020\\u007f]+" },
	{ "scalar", "[^\\u0000-\\u0020\\u007f]+" },
	{ "name", NAME },
	{ "hostname", NAME },
	{ "path", "/.*" },
	{ "path_inside", "/.*" },
	{ "paths", "/.*" },
	{ "path_or_tmpfs", "/.*|tmpfs" },
	{ "interface", "[A-Za-z0-9._-]{1,15}" },
	{ "mac", "[0-9A-Fa-f]{2}(:[0-9A-Fa-f]{2}){5}" },
	{ "address", ADDRESS },
	{ "addresses", ADDRESS },
	{ "cidr", ADDRESS "/[0-9]{1,3}" },
	{ "destination", "[0-9A-Za-z._:/-]+" },
	{ "port_range", "[0-9]{1,5}(-[0-9]{1,5})?" },
	{ "action", "allow|log|trap|kill-process|errno:E[A-Z0-9]+" },
	{ "environment", "[^=]+=(.|\\n)*" },
	{ "names_free", "[^=\\u0000-\\u0020\\u007f]+" },
	{ "capabilities", "(CAP_)?[A-Z0-9_]+" },
	{ "syscalls", "@?[a-z0-9_-]+" },
};

/* A string with the outer form of its type. */
static json_object *json_text(const struct row *row)
{
	json_object *object = typed("string");
	char *pattern = NULL;

	for (size_t i = 0; i < sizeof(patterns) / sizeof(patterns[0]); i++) {
		if (strcmp(patterns[i][0], row->type) != 0)
			continue;
		if (asprintf(&pattern, "^(%s)$|[$][{]", patterns[i][1]) < 0)
			abort();
		add(object, "pattern", text(pattern));
		free(pattern);
	}
	return object;
}

static json_object *json_words(const struct row *row)
{
	json_object *object = json_object_new_object(), *values = json_object_new_array();

	for (int v = 0; v < row->value_count; v++)
		json_object_array_add(values, text(row->values[v]));
	add(object, "enum", values);
	return object;
}

static json_object *variable(void)
{
	json_object *object = typed("string");

	add(object, "pattern", text("[$][{]"));
	return object;
}

/* A string, one of the row's values, or either. */
static json_object *json_values(const struct row *row)
{
	if (!row->value_count)
		return json_text(row);
	return either(json_words(row), row_is_closed(row) ? variable() : json_text(row));
}

/* ---- numbers, lists ----------------------------------------------------------------------------------------- */

static json_object *json_number(const struct row *row)
{
	static const struct {
		const char *type;
		int64_t min, max;
	} ranges[] = {
		{ "id", 0, UINT32_MAX - 1 }, { "ids", 0, UINT32_MAX - 1 }, { "ports", 1, UINT16_MAX },
		{ "fds", 3, 1 << 20 },       { "count", 0, INT64_MAX },    { "limit_count", 0, INT64_MAX },
	};
	json_object *object = typed("integer");
	int min = INT32_MIN, max = INT32_MAX;
	int64_t least = 0, most = 0;

	(void)config_setting_lookup_int(row->setting, "min", &min);
	(void)config_setting_lookup_int(row->setting, "max", &max);
	least = min;
	most = max;
	for (size_t i = 0; i < sizeof(ranges) / sizeof(ranges[0]); i++) {
		if (strcmp(ranges[i].type, row->type) == 0) {
			least = ranges[i].min;
			most = ranges[i].max;
		}
	}
	add(object, "minimum", json_object_new_int64(least));
	add(object, "maximum", json_object_new_int64(most));
	return object;
}

/* A number, which a parameter may stand for too. */
static json_object *json_scalar_number(const struct row *row)
{
	return either(json_number(row), variable());
}

static json_object *json_array(json_object *items)
{
	json_object *object = typed("array");

	add(object, "items", items);
	return object;
}

/* A list of names, or what is to be changed of the inherited one. */
static json_object *json_texts(const struct row *row)
{
	return either(json_array(json_values(row)),
		      pair("add", json_array(json_values(row)), "remove", json_array(json_values(row)), false));
}

static json_object *unlimited(void)
{
	json_object *object = json_object_new_object();

	add(object, "const", text("unlimited"));
	return object;
}

/* One bound of a limit. */
static json_object *json_bound(const struct row *row)
{
	json_object *bound = strcmp(row->type, "limit_count") == 0 ? json_scalar_number(row) : json_text(row);

	return row_text(row, "words") ? either(bound, unlimited()) : bound;
}

static json_object *json_limit(const struct row *row)
{
	return either(json_bound(row), pair("soft", json_bound(row), "hard", json_bound(row), true));
}

static json_object *json_element(const struct schema *schema, int index)
{
	json_object *object = json_group(schema, index), *properties = NULL;

	if (json_object_object_get_ex(object, "properties", &properties))
		add(properties, "remove", typed("boolean"));
	return object;
}

static json_object *json_value(const struct schema *schema, int index)
{
	const struct row *row = &schema->rows[index];
	json_object *value = NULL;

	switch (type_find(row->type)->shape) {
	case SHAPE_GROUP:
		return json_group(schema, index);
	case SHAPE_LIST:
		return json_array(json_element(schema, index));
	case SHAPE_BOOL:
		return either(typed("boolean"), variable());
	case SHAPE_NUMBER:
		value = json_scalar_number(row);
		break;
	case SHAPE_TEXT:
		value = json_values(row);
		if (strcmp(row->type, "scalar") == 0 || strcmp(row->type, "port_range") == 0)
			value = either(value, typed("integer"));
		break;
	case SHAPE_TEXTS:
		return json_texts(row);
	case SHAPE_NUMBERS:
		return json_array(json_number(row));
	case SHAPE_LIMIT:
		return json_limit(row);
	}
	return row_text(row, "words") ? either(value, unlimited()) : value;
}

/* ---- what is said of a key ---------------------------------------------------------------------------------- */

static json_object *json_of(const config_setting_t *value)
{
	json_object *object = NULL;

	switch (config_setting_type(value)) {
	case CONFIG_TYPE_INT:
		return json_object_new_int(config_setting_get_int(value));
	case CONFIG_TYPE_BOOL:
		return json_object_new_boolean(config_setting_get_bool(value));
	case CONFIG_TYPE_STRING:
		return text(config_setting_get_string(value));
	case CONFIG_TYPE_GROUP:
		object = json_object_new_object();
		for (int i = 0; i < config_setting_length(value); i++) {
			const config_setting_t *member = config_setting_get_elem(value, (unsigned)i);

			add(object, config_setting_name(member), json_of(member));
		}
		return object;
	default:
		object = json_object_new_array();
		for (int i = 0; i < config_setting_length(value); i++)
			json_object_array_add(object, json_of(config_setting_get_elem(value, (unsigned)i)));
		return object;
	}
}

static void describe(const struct schema *schema, const struct row *row, json_object *value)
{
	json_object *examples = NULL;

	if (!row->setting)
		return;
	examples = json_object_new_array();
	json_object_array_add(examples, json_of(row_value(schema, row, row_text(row, "example"))));
	add(value, "description", text(row_text(row, "doc")));
	if (row_default(schema, row))
		add(value, "default", json_of(row_value(schema, row, row_default(schema, row))));
	add(value, "examples", examples);
	add(value, "x-type", text(row->type));
	if (*row_range(row))
		add(value, "x-range", text(row_range(row)));
	add(value, "x-since", text(row_since(schema, row)));
	if (row_kernel(schema, row))
		add(value, "x-kernel", text(row_kernel(schema, row)));
}

static json_object *json_group(const struct schema *schema, int parent)
{
	json_object *object = typed("object"), *properties = json_object_new_object();

	for (int i = schema->rows[parent].first; i; i = schema->rows[i].next) {
		json_object *value = json_value(schema, i);

		describe(schema, &schema->rows[i], value);
		add(properties, schema->rows[i].name, value);
	}
	add(object, "properties", properties);
	add(object, "additionalProperties", json_object_new_boolean(false));
	return object;
}

/* ---- what a profile must say -------------------------------------------------------------------------------- */

static json_object *names(const char *const *list)
{
	json_object *array = json_object_new_array();

	for (; *list; list++)
		json_object_array_add(array, text(*list));
	return array;
}

/* The required keys of a group, of its groups and of the elements of its lists; NULL when there are none. */
static json_object *json_required(const struct schema *schema, int parent)
{
	json_object *object = json_object_new_object(), *properties = json_object_new_object();
	json_object *required = json_object_new_array();

	for (int i = schema->rows[parent].first; i; i = schema->rows[i].next) {
		const struct row *row = &schema->rows[i];
		bool list = strcmp(row->type, "list") == 0;
		json_object *inner = row->first ? json_required(schema, i) : NULL, *items = NULL;

		if (row_flag(row, "required"))
			json_object_array_add(required, text(row->name));
		if (inner && list) {
			items = json_object_new_object();
			add(items, "items", inner);
		}
		if (inner)
			add(properties, row->name, list ? items : inner);
	}
	add(object, "required", required);
	add(object, "properties", properties);
	if (json_object_array_length(required) || json_object_object_length(properties))
		return object;
	json_object_put(object);
	return NULL;
}

char *json_schema(const struct schema *schema)
{
	static const char *const format[] = { "format", NULL }, *const extends[] = { "extends", NULL };
	json_object *object = json_group(schema, 0);
	json_object *condition = json_object_new_object();
	const char *whole = NULL;
	char *copy = NULL;

	add(object, "$schema", text("https://json-schema.org/draft/2020-12/schema"));
	add(object, "title", text("sandbox profile"));
	add(object, "description", text("A profile as JSON: see sandbox.conf(5), and `sandbox show --json`."));
	add(object, "required", names(format));
	add(condition, "required", names(extends));
	add(object, "if", condition);
	add(object, "then", json_object_new_object());
	add(object, "else", json_required(schema, 0));
	whole = json_object_to_json_string_ext(object, JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_SPACED |
							       JSON_C_TO_STRING_NOSLASHESCAPE);
	if (asprintf(&copy, "%s\n", whole) < 0)
		die(schema, NULL, "no memory");
	json_object_put(object);
	return copy;
}

void emit_json(const struct schema *schema, FILE *out)
{
	char *whole = json_schema(schema);

	fputs(whole, out);
	free(whole);
}
