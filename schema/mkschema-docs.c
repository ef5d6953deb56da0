/* mkschema: the outputs for readers: the key reference of sandbox.conf(5) as mdoc(7), the example profile with every
 * key, and the JSON Schema for editors. Runs at build time only; see mkschema.c. */
#include "mkschema.h"

#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>

#include "mkschema-types.h"

static bool is_list(const struct row *row)
{
	return strcmp(row->type, "list") == 0;
}

static bool is_group(const struct row *row)
{
	return strcmp(row->type, "group") == 0;
}

/* ---- the manual --------------------------------------------------------------------------------------------- */

/* Text for troff: a line must not begin with a control character, a backslash is written \e. */
static void put_troff(FILE *out, const char *text)
{
	if (*text == '.' || *text == '\'')
		fputs("\\&", out);
	for (; *text; text++) {
		if (*text == '\\')
			fputs("\\e", out);
		else
			fputc(*text, out);
	}
}

/* The same on a line of macros: quotes are written \(dq, and what might be a macro or a delimiter is none. */
static void put_quoted(FILE *out, const char *text)
{
	for (; *text; text++) {
		if (*text == '\\')
			fputs("\\e", out);
		else if (*text == '"')
			fputs("\\(dq", out);
		else if (strchr("()[];,.|", *text))
			fprintf(out, "\\&%c", *text);
		else
			fputc(*text, out);
	}
}

/* Whether the values are all that there are, not words in the place of an address or port. */
static bool is_closed(const struct row *row)
{
	return strcmp(row->type, "enum") == 0 || strcmp(row->type, "names") == 0;
}

static void put_list(const struct row *row, const char *field, const char *before, FILE *out)
{
	const config_setting_t *list = config_setting_get_member(row->setting, field);

	if (!list)
		return;
	fputs(before, out);
	for (int i = 0; i < config_setting_length(list); i++)
		fprintf(out, "%s%s", i ? ", " : "", config_setting_get_string_elem(list, i));
	fputs(".\n", out);
}

/* Type, range, default, example, since, kernel: the same for every key, then what is special about it. */
/* Type, range, default, example, since, kernel: the same for every key, then what is special about it. */
static void put_facts(const struct schema *schema, const struct row *row, FILE *out)
{
	const char *text = row_default(schema, row);
	int number = 0;

	fprintf(out, ".br\n%s %s", strchr("aeioI", type_find(row->type)->noun[0]) ? "An" : "A",
		type_find(row->type)->noun);
	if (row_text(row, "words"))
		fputs(", or \"unlimited\"", out);
	if (*row_range(row)) {
		fputs(": ", out);
		put_troff(out, row_range(row));
	}
	fputs(".\n", out);
	put_list(row, "values", is_closed(row) ? "Values: " : "Or in its place: ", out);
	if (config_setting_lookup_int(row->setting, "family", &number))
		fprintf(out, "Of IPv%d.\n", number);
	put_list(row, "only", "Only for type ", out);
	fputs("Default: ", out);
	put_troff(out, text ? text : row_flag(row, "required") ? "none, it is required" : "none");
	fprintf(out, ".\nExample:\n.Ql %s = ", row->name);
	put_quoted(out, row_text(row, "example"));
	fprintf(out, " .\nSince %s.\n", row_since(schema, row));
	if (row_kernel(schema, row))
		fprintf(out, "Kernel: %s.\n", row_kernel(schema, row));
	if (row_text(row, "identity"))
		fprintf(out, "Layers merge its elements by\n.Ic %s .\n", row_text(row, "identity"));
	if (row_text(row, "requires"))
		fprintf(out, "Needs\n.Ic %s .\n", row_text(row, "requires"));
	if (row_text(row, "conflicts"))
		fprintf(out, "Excludes\n.Ic %s .\n", row_text(row, "conflicts"));
}

void emit_manual(const struct schema *schema, FILE *out)
{
	fputs(".\\\" Made by mkschema from schema/profile.schema.\n.Bl -tag -width indent\n", out);
	for (int i = 1; i < schema->count; i++) {
		const struct row *row = &schema->rows[i];

		if (!row->setting)
			continue;
		fprintf(out, ".It Ic %s\n", row->path);
		put_troff(out, row_text(row, "doc"));
		fputc('\n', out);
		put_facts(schema, row, out);
	}
	fputs(".El\n", out);
}

/* ---- the example -------------------------------------------------------------------------------------------- */

static void indent(FILE *out, int depth, const char *mark)
{
	fprintf(out, "%.*s%s", depth, "\t\t\t\t\t\t\t\t", mark);
}

static void put_example_facts(const struct schema *schema, const struct row *row, int depth, FILE *out)
{
	indent(out, depth, "// ");
	fprintf(out, "%s%s", type_find(row->type)->noun, row_text(row, "words") ? ", or \"unlimited\"" : "");
	if (*row_range(row))
		fprintf(out, ": %s", row_range(row));
	fprintf(out, "; default: %s", row_default(schema, row) ? row_default(schema, row) : "none");
	fprintf(out, row_kernel(schema, row) ? "; kernel: %s\n" : "\n", row_kernel(schema, row));
}

/* The keys in group or list `parent`. Everything is commented out but groups, which are harmless when empty, and what
 * every profile must say; in the elements of a list nothing is left. */
static void put_example(const struct schema *schema, int parent, int depth, FILE *out)
{
	bool inside = schema->rows[parent].list || is_list(&schema->rows[parent]);

	for (int i = schema->rows[parent].first; i; i = schema->rows[i].next) {
		const struct row *row = &schema->rows[i];
		bool live = !inside && row_flag(row, "required");

		if (row->setting) {
			indent(out, depth, "// ");
			fprintf(out, "%s\n", row_text(row, "doc"));
			put_example_facts(schema, row, depth, out);
		}
		if (is_group(row) || is_list(row)) {
			indent(out, depth, is_list(row) || inside ? "# " : "");
			fprintf(out, "%s = %s\n", row->name, is_list(row) ? "( {" : "{");
			put_example(schema, i, depth + 1, out);
			indent(out, depth, is_list(row) || inside ? "# " : "");
			fputs(is_list(row) ? "} );\n" : "};\n", out);
			continue;
		}
		indent(out, depth, live ? "" : "# ");
		fprintf(out, "%s = %s;\n", row->name, row_text(row, "example"));
	}
}

void emit_example(const struct schema *schema, FILE *out)
{
	fputs("// Every key of the profile language, with what it does and a value. Made from the schema.\n"
	      "// It is a valid profile as it stands: everything is commented out that has a default.\n\n",
	      out);
	put_example(schema, 0, 0, out);
}

/* ---- the JSON Schema ---------------------------------------------------------------------------------------- */

static json_object *typed(const char *type)
{
	json_object *object = json_object_new_object();

	json_object_object_add(object, "type", json_object_new_string(type));
	return object;
}

static json_object *json_group(const struct schema *schema, int parent);

/* A string with the outer form of its type; what is wrong inside it only the program itself says. */
static json_object *json_text(const struct row *row)
{
	static const char *const patterns[][2] = {
		{ "interface", "^[A-Za-z0-9._-]{1,15}$" },
		{ "mac", "^[0-9A-Fa-f]{2}(:[0-9A-Fa-f]{2}){5}$" },
		{ "address", "^[0-9A-Fa-f.:]+$" },
		{ "addresses", "^[0-9A-Fa-f.:]+$" },
		{ "cidr", "^[0-9A-Fa-f.:]+/[0-9]{1,3}$" },
		{ "destination", "^[0-9A-Za-z._:/-]+$" },
		{ "port_range", "^[0-9]{1,5}(-[0-9]{1,5})?$" },
	};
	json_object *object = typed("string");

	for (size_t i = 0; i < sizeof(patterns) / sizeof(patterns[0]); i++)
		if (strcmp(patterns[i][0], row->type) == 0)
			json_object_object_add(object, "pattern", json_object_new_string(patterns[i][1]));
	return object;
}

/* A string, one of the row's values, or either. */
static json_object *json_values(const struct row *row)
{
	json_object *closed = typed("string"), *values = json_object_new_array(), *object = NULL, *choices = NULL;

	for (int v = 0; v < row->value_count; v++)
		json_object_array_add(values, json_object_new_string(row->values[v]));
	json_object_object_add(closed, "enum", values);
	if (row->value_count && is_closed(row))
		return closed;
	if (!row->value_count) {
		json_object_put(closed);
		return json_text(row);
	}
	object = json_object_new_object();
	choices = json_object_new_array();
	json_object_array_add(choices, closed);
	json_object_array_add(choices, json_text(row));
	if (strcmp(row->type, "port_range") == 0)
		json_object_array_add(choices, typed("integer"));
	json_object_object_add(object, "anyOf", choices);
	return object;
}

static json_object *json_array(json_object *items)
{
	json_object *object = typed("array");

	json_object_object_add(object, "items", items);
	return object;
}

static json_object *json_number(const struct row *row)
{
	json_object *object = typed("integer");
	int bound = 0;

	if (config_setting_lookup_int(row->setting, "min", &bound))
		json_object_object_add(object, "minimum", json_object_new_int(bound));
	if (config_setting_lookup_int(row->setting, "max", &bound))
		json_object_object_add(object, "maximum", json_object_new_int(bound));
	return object;
}

/* A number or the word "unlimited", and for a limit also { soft; hard; }. */
static json_object *json_choice(const struct row *row, json_object *plain, bool limit)
{
	json_object *object = json_object_new_object(), *choices = json_object_new_array();

	json_object_array_add(choices, plain);
	if (row_text(row, "words"))
		json_object_array_add(choices, typed("string"));
	if (limit) {
		json_object *group = typed("object"), *properties = json_object_new_object();

		json_object_object_add(properties, "soft", json_object_new_object());
		json_object_object_add(properties, "hard", json_object_new_object());
		json_object_object_add(group, "properties", properties);
		json_object_array_add(choices, group);
	}
	json_object_object_add(object, "anyOf", choices);
	return object;
}

static json_object *json_value(const struct schema *schema, int index)
{
	const struct row *row = &schema->rows[index];
	const struct type *type = type_find(row->type);

	switch (type->shape) {
	case SHAPE_GROUP:
		return json_group(schema, index);
	case SHAPE_LIST:
		return json_array(json_group(schema, index));
	case SHAPE_BOOL:
		return typed("boolean");
	case SHAPE_NUMBER:
		return row_text(row, "words") ? json_choice(row, json_number(row), false) : json_number(row);
	case SHAPE_TEXT:
		return json_values(row);
	case SHAPE_TEXTS:
		return json_array(json_values(row));
	case SHAPE_NUMBERS:
		return json_array(typed("integer"));
	case SHAPE_LIMIT:
		return json_choice(row, typed(strcmp(row->type, "limit_count") == 0 ? "integer" : "string"), true);
	}
	return NULL;
}

static json_object *json_group(const struct schema *schema, int parent)
{
	json_object *object = typed("object"), *properties = json_object_new_object();
	json_object *required = json_object_new_array();

	for (int i = schema->rows[parent].first; i; i = schema->rows[i].next) {
		const struct row *row = &schema->rows[i];
		json_object *value = json_value(schema, i);

		if (row->setting)
			json_object_object_add(value, "description", json_object_new_string(row_text(row, "doc")));
		if (row_text(row, "default"))
			json_object_object_add(value, "x-default", json_object_new_string(row_text(row, "default")));
		if (row->setting)
			json_object_object_add(value, "x-type", json_object_new_string(row->type));
		if (row_flag(row, "required"))
			json_object_array_add(required, json_object_new_string(row->name));
		json_object_object_add(properties, row->name, value);
	}
	json_object_object_add(object, "properties", properties);
	json_object_object_add(object, "additionalProperties", json_object_new_boolean(false));
	if (json_object_array_length(required))
		json_object_object_add(object, "required", required);
	else
		json_object_put(required);
	return object;
}

char *json_schema(const struct schema *schema)
{
	json_object *object = json_group(schema, 0);
	const char *text = NULL;
	char *copy = NULL;

	json_object_object_add(object, "$schema",
			       json_object_new_string("https://json-schema.org/draft/2020-12/schema"));
	json_object_object_add(object, "title", json_object_new_string("sandbox profile"));
	text = json_object_to_json_string_ext(object, JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_SPACED |
							      JSON_C_TO_STRING_NOSLASHESCAPE);
	if (asprintf(&copy, "%s\n", text) < 0)
		die(schema, NULL, "no memory");
	json_object_put(object);
	return copy;
}

void emit_json(const struct schema *schema, FILE *out)
{
	char *text = json_schema(schema);

	fputs(text, out);
	free(text);
}
