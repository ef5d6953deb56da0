/* mkschema: the C outputs, keys.h and schema.c. Defaults become const structs, so that at run time all defaults of a
 * profile are one assignment; the compiler proves with them, and with one assertion per key, that struct profile
 * and the schema agree. Runs at build time only; see mkschema.c. */
#include "mkschema.h"

#include <ctype.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/parse.h"
#include "mkschema-types.h"

static const char *upper(const char *text)
{
	static char buffer[128];
	size_t i = 0;

	for (; i < sizeof(buffer) - 1 && text[i]; i++)
		buffer[i] = (char)(text[i] == '-' ? '_' : toupper((unsigned char)text[i]));
	buffer[i] = '\0';
	return buffer;
}

void emit_keys(const struct schema *schema, FILE *out)
{
	fputs("/* Made by mkschema from schema/profile.schema. */\n#ifndef GEN_KEYS_H\n#define GEN_KEYS_H\n\n"
	      "enum key_id {\n\tK_NONE,\n",
	      out);
	for (int i = 1; i < schema->count; i++)
		fprintf(out, "\tK_%s,\n", schema->rows[i].id);
	fputs("\tK_COUNT\n};\n\n", out);
	for (int i = 1; i < schema->count; i++) {
		const struct row *row = &schema->rows[i];

		if (strcmp(row->type, "enum") != 0)
			continue;
		fprintf(out, "enum { /* %s */\n", row->path);
		for (int v = 0; v < row->value_count; v++)
			fprintf(out, "\t%s_%s,\n", row->id, upper(row->values[v]));
		fputs("};\n\n", out);
	}
	fputs("enum value_type {\n", out);
	for (int i = 0; i < TYPE_ROWS; i++)
		fprintf(out, "\tTYPE_%s,\n", upper(types[i].name));
	fputs("\tVALUE_TYPE_COUNT\n};\n\n#endif\n", out);
}

/* ---- defaults ---------------------------------------------------------------------------------------------- */

/* The default of a row as libconfig reads it; NULL when it has none. */
static const config_setting_t *default_of(const struct schema *schema, const struct row *row)
{
	const char *text = row_default(schema, row);

	return text ? row_value(schema, row, text) : NULL;
}

static bool is_unlimited(const config_setting_t *value)
{
	const char *text = config_setting_get_string(value);

	return text && strcmp(text, "unlimited") == 0;
}

static const char *default_text(const struct schema *schema, const struct row *row, const config_setting_t *value)
{
	const char *text = config_setting_get_string(value);

	if (!text)
		die(schema, row, "the default is not a string");
	return text;
}

static void put_enum(const struct schema *schema, const struct row *row, const char *text, FILE *out)
{
	for (int i = 0; i < row->value_count; i++) {
		if (strcmp(row->values[i], text) == 0) {
			fprintf(out, "%s_%s", row->id, upper(text));
			return;
		}
	}
	die(schema, row, "the default is not among the values");
}

/* The number that a limit, size, duration and the like stand for, in the units of its field. */
static long long quantity(const struct schema *schema, const struct row *row, const config_setting_t *value)
{
	uint64_t size = 0;
	int64_t number = 0;
	uint32_t mode = 0;
	const char *name = row->type;

	if (strcmp(name, "size") == 0 || strcmp(name, "limit_size") == 0) {
		if (parse_size(default_text(schema, row, value), &size))
			die(schema, row, "the default is not a size");
		return (long long)size;
	}
	if (strcmp(name, "duration") == 0 || strcmp(name, "limit_time") == 0 ||
	    strcmp(name, "limit_microseconds") == 0) {
		if (parse_duration(default_text(schema, row, value), true, &number))
			die(schema, row, "the default is not a duration");
		return number / (name[0] == 'd' ? 1 : strcmp(name, "limit_time") == 0 ? 1000000000 : 1000);
	}
	if (strcmp(name, "percent") == 0) {
		if (parse_percent(default_text(schema, row, value), &number))
			die(schema, row, "the default is not a percentage");
		return number;
	}
	if (strcmp(name, "mode") == 0) {
		if (parse_mode(default_text(schema, row, value), &mode))
			die(schema, row, "the default is not a mode");
		return mode;
	}
	if (config_setting_type(value) != CONFIG_TYPE_INT)
		die(schema, row, "the default is not a number");
	return config_setting_get_int(value);
}

static void put_number(const struct schema *schema, const struct row *row, const config_setting_t *value, FILE *out)
{
	const struct type *type = type_find(row->type);
	char number[64];

	if (strcmp(row->type, "enum") == 0) {
		put_enum(schema, row, default_text(schema, row, value), out);
		return;
	}
	if (is_unlimited(value))
		snprintf(number, sizeof(number), "%s_UNLIMITED",
			 strcmp(row->type, "duration") == 0  ? "DURATION"
			 : strcmp(row->type, "percent") == 0 ? "PERCENT"
							     : "SIZE");
	else
		snprintf(number, sizeof(number), "%lld", quantity(schema, row, value));
	fprintf(out, type->shape == SHAPE_LIMIT ? "{ %s, %s }" : "%s", number, number);
}

/* The array that a list's initialiser points to. */
static void put_array(const struct schema *schema, const struct row *row, const config_setting_t *value, FILE *out)
{
	bool texts = type_find(row->type)->shape == SHAPE_TEXTS;

	if (!config_setting_length(value))
		return;
	fprintf(out, "static %s default_%s[] = {\n", texts ? "const char *" : "int", row->id);
	for (int i = 0; i < config_setting_length(value); i++) {
		const config_setting_t *element = config_setting_get_elem(value, (unsigned)i);

		fputc('\t', out);
		if (texts)
			put_literal(out, default_text(schema, row, element));
		else
			fprintf(out, "%d", config_setting_get_int(element));
		fputs(",\n", out);
	}
	fputs("};\n", out);
}

static void put_initial(const struct schema *schema, const struct row *row, FILE *out)
{
	const struct type *type = type_find(row->type);
	const config_setting_t *value = default_of(schema, row);
	int count = value ? config_setting_length(value) : 0;

	fprintf(out, "\t.%s = ", row->field);
	if (!value || ((type->shape == SHAPE_TEXTS || type->shape == SHAPE_NUMBERS) && !count))
		fputs(type->unset, out);
	else if (type->shape == SHAPE_BOOL)
		fputs(config_setting_get_bool(value) ? "true" : "false", out);
	else if (strcmp(type->storage, "TEXT") == 0)
		put_literal(out, default_text(schema, row, value));
	else if (type->shape == SHAPE_TEXTS || type->shape == SHAPE_NUMBERS)
		fprintf(out, "{ default_%s, %d }", row->id, count);
	else if (type->shape == SHAPE_LIST)
		die(schema, row, "a list of groups has no default");
	else
		put_number(schema, row, value, out);
	fputs(",\n", out);
}

static bool has_field(const struct row *row)
{
	int field = true;

	return row->setting && (!config_setting_lookup_bool(row->setting, "field", &field) || field);
}

/* All fields of the profile (list 0) or of an element of a list. */
static void put_initials(const struct schema *schema, int list, FILE *out)
{
	if (list)
		fprintf(out, "static const element_%s initial_%s = {\n", schema->rows[list].id, schema->rows[list].id);
	else
		fputs("const struct profile profile_defaults = {\n", out);
	for (int i = 1; i < schema->count; i++)
		if (schema->rows[i].list == list && has_field(&schema->rows[i]))
			put_initial(schema, &schema->rows[i], out);
	fputs("};\n\n", out);
}

/* ---- tables ------------------------------------------------------------------------------------------------- */

static const char *owner(const struct schema *schema, const struct row *row)
{
	static char buffer[160];

	if (!row->list)
		return "struct profile";
	snprintf(buffer, sizeof(buffer), "element_%s", schema->rows[row->list].id);
	return buffer;
}

static void put_assertions(const struct schema *schema, FILE *out)
{
	for (int i = 1; i < schema->count; i++) {
		const struct row *row = &schema->rows[i];
		const struct type *type = type_find(row->type);

		if (!has_field(row))
			continue;
		if (type->shape == SHAPE_LIST)
			fprintf(out,
				"typedef __typeof__(*((%s *)0)->%s.items) element_%s;\n"
				"_Static_assert(_Generic(&((%s *)0)->%s.items, element_%s **: 1, default: 0) &&\n"
				"\t_Generic(((%s *)0)->%s.count, size_t: 1, default: 0), \"%s: no list\");\n",
				owner(schema, row), row->field, row->id, owner(schema, row), row->field, row->id,
				owner(schema, row), row->field, row->path);
		else
			fprintf(out,
				"_Static_assert(_Generic(((%s *)0)->%s, %s: 1, default: 0), \"%s: the field is no "
				"%s\");\n",
				owner(schema, row), row->field, type->c_type, row->path, type->c_type);
	}
	fputc('\n', out);
}

static void put_arrays(const struct schema *schema, FILE *out)
{
	for (int i = 1; i < schema->count; i++) {
		const struct row *row = &schema->rows[i];
		const struct type *type = type_find(row->type);
		const config_setting_t *value = NULL;

		if (row->value_count) {
			fprintf(out, "static const char *const values_%s[] = { ", row->id);
			for (int v = 0; v < row->value_count; v++)
				fprintf(out, "\"%s\", ", row->values[v]);
			fputs("NULL };\n", out);
		}
		value = type->shape == SHAPE_TEXTS || type->shape == SHAPE_NUMBERS ? default_of(schema, row) : NULL;
		if (value)
			put_array(schema, row, value, out);
	}
	fputc('\n', out);
}

/* The values in `field` (only, needed) as bits of the selector, the key `type` of the same element. */
static unsigned mask(const struct schema *schema, const struct row *row, const char *field, int *selector)
{
	const config_setting_t *list = config_setting_get_member(row->setting, field);
	unsigned bits = 0;
	char path[160];

	if (!list)
		return 0;
	snprintf(path, sizeof(path), "%s[].type", schema->rows[row->parent].path);
	*selector = row_lookup(schema, row, path);
	for (int i = 0; i < config_setting_length(list); i++) {
		const struct row *type = &schema->rows[*selector];
		int v = 0;

		while (v < type->value_count && strcmp(type->values[v], config_setting_get_string_elem(list, i)) != 0)
			v++;
		if (v == type->value_count)
			die(schema, row, "%s: no such type", field);
		bits |= 1u << v;
	}
	return bits;
}

static void put_flags(const struct row *row, FILE *out)
{
	static const char *const flags[][2] = { { "required", "KEY_REQUIRED" },
						{ "signed", "KEY_SIGNED" },
						{ "env", "KEY_ENV" },
						{ "replaces", "KEY_REPLACES" },
						{ "input", "KEY_INPUT" } };

	fputs(" .flags = 0", out);
	for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++)
		if (row_flag(row, flags[i][0]))
			fprintf(out, " | %s", flags[i][1]);
	if (row_text(row, "words"))
		fputs(" | KEY_UNLIMITED", out);
	if (!has_field(row))
		fputs(" | KEY_NO_FIELD", out);
	fputc(',', out);
}

static void put_text(const char *member, const char *text, FILE *out)
{
	if (!text)
		return;
	fprintf(out, "\n\t  .%s = ", member);
	put_literal(out, text);
	fputc(',', out);
}

/* What is said of the key, to readers. */
static void put_facts(const struct schema *schema, const struct row *row, FILE *out)
{
	put_text("default_text", row_default(schema, row), out);
	put_text("doc", row_text(row, "doc"), out);
	put_text("example", row_text(row, "example"), out);
	put_text("range", *row_range(row) ? row_range(row) : NULL, out);
	put_text("since", row_since(schema, row), out);
	put_text("kernel", row_kernel(schema, row), out);
}

/* A reference to another key. */
static void put_reference(const struct schema *schema, const struct row *row, const char *field, FILE *out)
{
	const char *text = row_text(row, field);

	if (!text)
		return;
	fprintf(out, " .%s = K_%s,", field, schema->rows[row_lookup(schema, row, text)].id);
}

/* The array of "listen:host/protocol": each key with the character behind it. */
static void put_identity(const struct schema *schema, const struct row *row, FILE *out)
{
	const char *text = row_text(row, "identity");
	char path[256];

	if (!text)
		return;
	fprintf(out, "static const struct identity_part identity_%s[] = {", row->id);
	while (*text) {
		int length = (int)strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789_");

		snprintf(path, sizeof(path), "%s[].%.*s", row->path, length, text);
		fprintf(out, " { K_%s, ", schema->rows[row_lookup(schema, row, path)].id);
		text += length;
		fprintf(out, *text ? "'%c' }," : "'\\0' },", *text);
		text += *text != '\0';
	}
	fputs(" { 0, 0 } };\n", out);
}

static void put_key(const struct schema *schema, int index, FILE *out)
{
	const struct row *row = &schema->rows[index];
	int min = INT32_MIN, max = INT32_MAX, selector = 0, family = 0;
	unsigned only = 0, needed = 0;

	fprintf(out, "\t{ .name = \"%s\", .path = \"%s\", .type = TYPE_%s, .parent = %d, .first = %d, .next = %d,",
		row->name, row->path, upper(row->type), row->parent, row->first, row->next);
	if (row->setting) {
		config_setting_lookup_int(row->setting, "min", &min);
		config_setting_lookup_int(row->setting, "max", &max);
		only = mask(schema, row, "only", &selector);
		needed = mask(schema, row, "needed", &selector);
		put_flags(row, out);
		config_setting_lookup_int(row->setting, "family", &family);
		put_text("identity", row_text(row, "identity"), out);
		if (row_text(row, "identity"))
			fprintf(out, " .identity_parts = identity_%s,", row->id);
		put_reference(schema, row, "requires", out);
		put_reference(schema, row, "conflicts", out);
		put_facts(schema, row, out);
	}
	fprintf(out, "\n\t  .min = %d, .max = %d, .family = %d, .selector = %d, .only = 0x%x, .needed = 0x%x,", min,
		max, family, selector, only, needed);
	if (has_field(row))
		fprintf(out, " .offset = offsetof(%s, %s),", owner(schema, row), row->field);
	if (row->value_count)
		fprintf(out, " .values = values_%s,", row->id);
	if (strcmp(row->type, "list") == 0)
		fprintf(out, " .size = sizeof(element_%s), .initial = &initial_%s,", row->id, row->id);
	fputs(" },\n", out);
}

static void put_embedded(FILE *out, const char *name, const char *text)
{
	fprintf(out, "const char %s[] =\n\t", name);
	put_literal(out, text);
	fputs(";\n\n", out);
}

void emit_tables(const struct schema *schema, FILE *out)
{
	char *json = json_schema(schema), *example = example_text(schema);

	fputs("/* Made by mkschema from schema/profile.schema. */\n#include \"profile/schema.h\"\n\n", out);
	put_assertions(schema, out);
	put_arrays(schema, out);
	for (int i = 1; i < schema->count; i++)
		if (strcmp(schema->rows[i].type, "list") == 0)
			put_initials(schema, i, out);
	put_initials(schema, 0, out);
	for (int i = 1; i < schema->count; i++)
		put_identity(schema, &schema->rows[i], out);
	fputs("const struct key keys[K_COUNT] = {\n", out);
	for (int i = 0; i < schema->count; i++)
		put_key(schema, i, out);
	fputs("};\n\nconst char *const type_names[VALUE_TYPE_COUNT] = {\n", out);
	for (int i = 0; i < TYPE_ROWS; i++)
		fprintf(out, "\t\"%s\",\n", types[i].name);
	fputs("};\n\nconst char *const type_nouns[VALUE_TYPE_COUNT] = {\n", out);
	for (int i = 0; i < TYPE_ROWS; i++) {
		fputc('\t', out);
		put_literal(out, types[i].noun);
		fputs(",\n", out);
	}
	fputs("};\n\nconst enum storage type_storage[VALUE_TYPE_COUNT] = {\n", out);
	for (int i = 0; i < TYPE_ROWS; i++)
		fprintf(out, "\tSTORAGE_%s,\n", types[i].storage);
	fputs("};\n\n", out);
	put_embedded(out, "schema_text", example);
	put_embedded(out, "schema_json", json);
	put_embedded(out, "default_profile", schema->default_profile);
	free(json);
	free(example);
}
