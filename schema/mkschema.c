/* mkschema: compiles schema/profile.schema and schema/options.schema at build time, so that a key or an option is
 * written down once.
 *
 *	build/mkschema schema/profile.schema schema/options.schema profiles/default.conf build/gen
 *
 * writes into build/gen
 *
 *	keys.h            key ids (K_...), constants of enum values, value types
 *	schema.c          the table of keys, the defaults as const structs, assertions that struct profile agrees; the
 *	                  texts of the example, of the JSON Schema and of the built-in profile
 *	keys.mdoc         the key reference of sandbox.conf(5)
 *	example.conf      every key, commented out, with what it does
 *	profile.schema.json  for editors and other programs: see mkschema-json.c
 *	options.h, options.c, options.mdoc
 *	                  the command line: see mkschema-options.c
 *	commands.tsv, options.tsv, keys.tsv
 *	                  what completion/ shows: see mkschema-complete.c
 *
 * To build it:
 *
 *	cc -std=gnu11 -D_GNU_SOURCE -Isrc -o build/mkschema schema/mkschema*.c src/base/parse.c -lconfig -ljson-c
 *
 * This file reads the schema into rows and proves that they make sense; emit_*() in the files beside it write.
 * Nothing here runs when the program does, so a mistake ends the build with a message and that is all the error
 * handling there is.
 */
#include "mkschema.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "mkschema-types.h"

void die(const struct schema *schema, const struct row *row, const char *format, ...)
{
	va_list arguments;

	fprintf(stderr, "mkschema: %s:", schema->file);
	if (row && row->setting)
		fprintf(stderr, "%u: %s:", config_setting_source_line(row->setting), row->path);
	fputc(' ', stderr);
	va_start(arguments, format);
	vfprintf(stderr, format, arguments);
	va_end(arguments);
	fputc('\n', stderr);
	exit(1);
}

const char *row_text(const struct row *row, const char *field)
{
	const config_setting_t *value = row->setting ? config_setting_get_member(row->setting, field) : NULL;

	return value ? config_setting_get_string(value) : NULL;
}

bool row_flag(const struct row *row, const char *field)
{
	int value = 0;

	return row->setting && config_setting_lookup_bool(row->setting, field, &value) && value;
}

bool row_is_closed(const struct row *row)
{
	return strcmp(row->type, "enum") == 0 || strcmp(row->type, "names") == 0;
}

const config_setting_t *row_value(const struct schema *schema, const struct row *row, const char *text)
{
	config_t *config = malloc(sizeof(*config));
	char *wrapped = NULL;

	if (!config || asprintf(&wrapped, "v = %s;", text) < 0)
		die(schema, row, "no memory");
	config_init(config);
	if (!config_read_string(config, wrapped))
		die(schema, row, "cannot be read: %s", text);
	free(wrapped);
	return config_lookup(config, "v");
}

const char *row_since(const struct schema *schema, const struct row *row)
{
	const char *since = row_text(row, "since");

	if (!since && !config_lookup_string(&schema->config, "since", &since))
		die(schema, row, "no since, and none for all");
	return since;
}

/* Whether `path` is `prefix` or lies in it. */
static bool is_in(const char *path, const char *prefix)
{
	size_t length = strlen(prefix);

	return strncmp(path, prefix, length) == 0 && strchr(".[", path[length]);
}

const char *row_kernel(const struct schema *schema, const struct row *row)
{
	const config_setting_t *list = config_lookup(&schema->config, "kernel");
	const char *needs = NULL;
	size_t longest = 0;

	if (row_text(row, "kernel"))
		return row_text(row, "kernel");
	for (int i = 0; list && i < config_setting_length(list); i++) {
		const char *prefix = NULL, *text = NULL;
		const config_setting_t *element = config_setting_get_elem(list, (unsigned)i);

		if (!config_setting_lookup_string(element, "keys", &prefix) ||
		    !config_setting_lookup_string(element, "needs", &text))
			die(schema, NULL, "%u: keys and needs", config_setting_source_line(element));
		if (is_in(row->path, prefix) && strlen(prefix) > longest) {
			longest = strlen(prefix);
			needs = text;
		}
	}
	return needs;
}

const char *row_default(const struct schema *schema, const struct row *row)
{
	const char *text = row_text(row, "default");
	const config_setting_t *list = NULL;
	char *whole = NULL;
	size_t size = 0;
	FILE *out = NULL;

	if (!text || strcmp(text, "@baseline") != 0)
		return text;
	list = config_lookup(&schema->config, "baseline");
	list = list ? config_setting_get_member(list, row->path) : NULL;
	out = open_memstream(&whole, &size);
	if (!list || !out)
		die(schema, row, "no baseline of that name");
	for (int i = 0; i < config_setting_length(list); i++)
		fprintf(out, "%s\"%s\"", i ? ", " : "[ ", config_setting_get_string_elem(list, i));
	fputs(" ]", out);
	fclose(out);
	return whole;
}

const char *row_range(const struct row *row)
{
	static char buffer[64];
	const char *range = row_text(row, "range");
	int min = 0, max = 0;

	if (!range && config_setting_lookup_int(row->setting, "min", &min) &&
	    config_setting_lookup_int(row->setting, "max", &max)) {
		snprintf(buffer, sizeof(buffer), "%d to %d", min, max);
		return buffer;
	}
	range = range ? range : type_find(row->type)->range;
	return range ? range : "";
}

static int find(const struct schema *schema, const char *path)
{
	for (int i = 1; i < schema->count; i++)
		if (strcmp(schema->rows[i].path, path) == 0)
			return i;
	return 0;
}

int row_lookup(const struct schema *schema, const struct row *user, const char *path)
{
	int index = find(schema, path);

	if (!index)
		die(schema, user, "no key %s", path);
	return index;
}

void put_literal(FILE *out, const char *text)
{
	fputc('"', out);
	for (; *text; text++) {
		if (*text == '\n')
			fputs(text[1] ? "\\n\"\n\t\"" : "\\n", out);
		else if (*text == '\t')
			fputs("\\t", out);
		else if (*text == '"' || *text == '\\')
			fprintf(out, "\\%c", *text);
		else
			fputc(*text, out);
	}
	fputc('"', out);
}

/* MOUNTS_SOURCE of "mounts[].source". */
static void make_id(struct row *row)
{
	char *to = row->id;

	for (const char *from = row->path; *from; from++) {
		if (*from == '[' || *from == ']')
			continue;
		*to++ = (char)(*from == '.' ? '_' : toupper((unsigned char)*from));
	}
	*to = '\0';
}

/* Below a list paths say "list[].key", below a group "group.key". Fields start anew in every element. */
static void place(struct schema *schema, struct row *row)
{
	const struct row *parent = &schema->rows[row->parent];
	bool in_list = row->parent && strcmp(parent->type, "list") == 0;
	int *link = &schema->rows[row->parent].first;

	row->list = in_list ? row->parent : parent->list;
	snprintf(row->field, sizeof(row->field), "%s%s%s%s", in_list ? "" : parent->field,
		 in_list || !parent->field[0] ? "" : ".", row->name, strcmp(row->name, "default") == 0 ? "_" : "");
	while (*link)
		link = &schema->rows[*link].next;
	*link = schema->count;
	make_id(row);
}

static struct row *append(struct schema *schema, const char *path, size_t length)
{
	struct row *row = &schema->rows[schema->count];

	if (schema->count == ROWS_MAX || length >= sizeof(row->path))
		die(schema, NULL, "too many keys, or too long a one");
	snprintf(row->path, sizeof(row->path), "%.*s", (int)length, path);
	return row;
}

/* The index of the group or list that `path` lies in, and its last word; makes groups as needed. */
static int find_parent(struct schema *schema, const char *path, const char **name)
{
	const char *dot = strrchr(path, '.');
	char parent[128];
	int index = 0;
	struct row *row = NULL;

	*name = dot ? dot + 1 : path;
	if (!dot)
		return 0;
	snprintf(parent, sizeof(parent), "%.*s", (int)(dot - path), path);
	if (strlen(parent) > 2 && strcmp(parent + strlen(parent) - 2, "[]") == 0) {
		parent[strlen(parent) - 2] = '\0';
		index = find(schema, parent);
		if (!index || strcmp(schema->rows[index].type, "list") != 0)
			die(schema, NULL, "%s: %s is not a list declared before", path, parent);
		return index;
	}
	index = find(schema, parent);
	if (index)
		return index;
	row = append(schema, parent, strlen(parent));
	row->type = "group";
	row->parent = find_parent(schema, row->path, &row->name);
	place(schema, row);
	return schema->count++;
}

static void read_values(const struct schema *schema, struct row *row)
{
	const config_setting_t *values = config_setting_get_member(row->setting, "values");

	if (!values)
		return;
	if (config_setting_length(values) > VALUES_MAX)
		die(schema, row, "too many values");
	for (int i = 0; i < config_setting_length(values); i++)
		row->values[row->value_count++] = config_setting_get_string_elem(values, i);
}

static void check_row(const struct schema *schema, const struct row *row)
{
	static const char *const fields[] = { "key",    "type",     "default",  "values",   "min",       "max",
					      "words",  "required", "identity", "requires", "conflicts", "only",
					      "needed", "replaces", "input",    "field",    "env",       "signed",
					      "since",  "doc",      "example",  "family",   "range",     "kernel" };

	for (int i = 0; i < config_setting_length(row->setting); i++) {
		const char *name = config_setting_name(config_setting_get_elem(row->setting, (unsigned)i));
		bool known = false;

		for (size_t f = 0; f < sizeof(fields) / sizeof(fields[0]); f++)
			known |= strcmp(fields[f], name) == 0;
		if (!known)
			die(schema, row, "unknown field %s", name);
	}
	if (!type_find(row->type))
		die(schema, row, "unknown type %s", row->type ? row->type : "(none)");
	if (!row_text(row, "doc"))
		die(schema, row, "no doc");
	if (strcmp(row->type, "enum") == 0 && !row->value_count)
		die(schema, row, "an enum without values");
	if (!row_text(row, "example"))
		die(schema, row, "no example");
	if (strcmp(row->type, "int") == 0 &&
	    (!config_setting_get_member(row->setting, "min") || !config_setting_get_member(row->setting, "max")))
		die(schema, row, "an int without min and max");
	if (row_text(row, "words") && strcmp(row_text(row, "words"), "unlimited") != 0)
		die(schema, row, "the only word is unlimited");
}

static void read_row(struct schema *schema, const config_setting_t *setting)
{
	struct row read = { .setting = setting };
	const char *path = row_text(&read, "key");
	struct row *row = NULL;
	int parent = 0;
	const char *name = NULL;

	if (!path || find(schema, path))
		die(schema, NULL, "%u: no key, or one that is there already: %s", config_setting_source_line(setting),
		    path ? path : "");
	parent = find_parent(schema, path, &name);
	row = append(schema, path, strlen(path));
	row->setting = setting;
	row->parent = parent;
	row->name = row->path + (name - path);
	row->type = row_text(row, "type");
	read_values(schema, row);
	check_row(schema, row);
	place(schema, row);
	schema->count++;
}

/* Every entry of the list `kernel` is about some key. */
static void check_kernel(const struct schema *schema)
{
	const config_setting_t *list = config_lookup(&schema->config, "kernel");

	for (int i = 0; list && i < config_setting_length(list); i++) {
		const char *prefix = "";
		bool found = false;

		(void)config_setting_lookup_string(config_setting_get_elem(list, (unsigned)i), "keys", &prefix);
		for (int k = 1; k < schema->count; k++)
			found |= is_in(schema->rows[k].path, prefix);
		if (!found)
			die(schema, NULL, "kernel: no key begins with %s", prefix);
	}
}

static void read_schema(struct schema *schema)
{
	const config_setting_t *rows = NULL;

	config_init(&schema->config);
	if (!config_read_file(&schema->config, schema->file))
		die(schema, NULL, "%d: %s", config_error_line(&schema->config), config_error_text(&schema->config));
	rows = config_lookup(&schema->config, "keys");
	if (!rows)
		die(schema, NULL, "no list `keys`");
	schema->rows[0] = (struct row){ .type = "group", .name = "" };
	schema->count = 1;
	for (int i = 0; i < config_setting_length(rows); i++)
		read_row(schema, config_setting_get_elem(rows, (unsigned)i));
	check_kernel(schema);
	for (int i = 1; i < schema->count; i++)
		for (int j = 1; j < i; j++)
			if (strcmp(schema->rows[i].id, schema->rows[j].id) == 0)
				die(schema, &schema->rows[i], "its id is also that of %s", schema->rows[j].path);
}

static void read_options(struct schema *schema, const char *file)
{
	schema->file = file;
	config_init(&schema->options);
	if (!config_read_file(&schema->options, file))
		die(schema, NULL, "%d: %s", config_error_line(&schema->options), config_error_text(&schema->options));
}

static const char *read_text(const struct schema *schema, const char *path)
{
	FILE *in = fopen(path, "r");
	char *text = NULL;
	size_t size = 0;

	if (!in || getdelim(&text, &size, '\0', in) < 0)
		die(schema, NULL, "cannot read %s: %s", path, strerror(errno));
	fclose(in);
	return text;
}

/* Written beside its place and renamed: an interrupted build leaves no half file. */
static void write_file(const struct schema *schema, const char *directory, const char *name,
		       void emit(const struct schema *, FILE *))
{
	char path[512], temporary[520];
	FILE *out = NULL;

	snprintf(path, sizeof(path), "%s/%s", directory, name);
	snprintf(temporary, sizeof(temporary), "%s.new", path);
	out = fopen(temporary, "w");
	if (!out)
		die(schema, NULL, "cannot write %s: %s", temporary, strerror(errno));
	emit(schema, out);
	if (fclose(out) || rename(temporary, path))
		die(schema, NULL, "cannot write %s: %s", path, strerror(errno));
}

int main(int argc, char **argv)
{
	static struct schema schema;

	if (argc != 5) {
		fputs("usage: mkschema PROFILE-SCHEMA OPTIONS-SCHEMA DEFAULT-PROFILE DIRECTORY\n", stderr);
		return 1;
	}
	schema.file = argv[1];
	read_schema(&schema);
	schema.default_profile = read_text(&schema, argv[3]);
	write_file(&schema, argv[4], "keys.h", emit_keys);
	write_file(&schema, argv[4], "schema.c", emit_tables);
	write_file(&schema, argv[4], "keys.mdoc", emit_manual);
	write_file(&schema, argv[4], "example.conf", emit_example);
	write_file(&schema, argv[4], "profile.schema.json", emit_json);
	read_options(&schema, argv[2]);
	write_file(&schema, argv[4], "options.h", emit_options_header);
	write_file(&schema, argv[4], "options.c", emit_options);
	write_file(&schema, argv[4], "options.mdoc", emit_options_manual);
	write_file(&schema, argv[4], "commands.tsv", emit_command_words);
	write_file(&schema, argv[4], "options.tsv", emit_option_words);
	write_file(&schema, argv[4], "keys.tsv", emit_key_words);
	return 0;
}
