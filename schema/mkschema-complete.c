/* mkschema: what the shells' completions know. Runs at build time only; see mkschema.c.
 *
 * One line for each word, fields apart by tabs, the same for all shells; the Makefile puts the lines into the scripts
 * of completion/, which hold what differs:
 *
 *	commands.tsv      name, what follows it, what it does
 *	options.tsv       name, letter, what follows it, the commands it may stand with, what it does
 *	keys.tsv          path, kind (list or value), the words that are values of it, what it does
 *
 * What a field does not have is `-`, so that none is empty: a shell that splits at tabs takes two for one.
 */
#include "mkschema.h"

#include <string.h>

#include "mkschema-types.h"

static void put_field(FILE *out, const char *text)
{
	fprintf(out, "%s\t", text && *text ? text : "-");
}

/* The first sentence, or as much of it as says something: what fits beside a word. */
static void put_short(FILE *out, const char *doc)
{
	enum { ENOUGH = 20 };

	for (int length = 0; doc[length]; length++) {
		bool ends = !doc[length + 1] || doc[length + 1] == ' ';

		if (ends && (doc[length] == '.' || (length > ENOUGH && strchr(":;", doc[length]))))
			break;
		fputc(doc[length], out);
	}
	fputc('\n', out);
}

static const char *text_of(const config_setting_t *row, const char *field)
{
	const char *text = NULL;

	return config_setting_lookup_string(row, field, &text) ? text : NULL;
}

void emit_command_words(const struct schema *schema, FILE *out)
{
	const config_setting_t *rows = config_lookup(&schema->options, "commands");

	for (int i = 0; i < config_setting_length(rows); i++) {
		const config_setting_t *row = config_setting_get_elem(rows, (unsigned)i);

		put_field(out, text_of(row, "name"));
		put_field(out, text_of(row, "args"));
		put_short(out, text_of(row, "doc"));
	}
}

void emit_option_words(const struct schema *schema, FILE *out)
{
	const config_setting_t *rows = config_lookup(&schema->options, "options");

	for (int i = 0; i < config_setting_length(rows); i++) {
		const config_setting_t *row = config_setting_get_elem(rows, (unsigned)i);
		const config_setting_t *places = config_setting_get_member(row, "commands");

		fputs("--", out);
		put_field(out, text_of(row, "name"));
		fputs(text_of(row, "short") ? "-" : "", out);
		put_field(out, text_of(row, "short"));
		put_field(out, text_of(row, "arg"));
		for (int c = 0; c < config_setting_length(places); c++)
			fprintf(out, "%s%s", c ? " " : "", config_setting_get_string_elem(places, c));
		fputc('\t', out);
		put_short(out, text_of(row, "doc"));
	}
}

/* Only of a key that takes one word: a list of words is written as a profile does. */
static void put_values(const struct row *row, FILE *out)
{
	int count = type_find(row->type)->shape == SHAPE_TEXTS ? 0 : row->value_count;

	for (int i = 0; i < count; i++)
		fprintf(out, "%s%s", i ? " " : "", row->values[i]);
	if (strcmp(row->type, "bool") == 0)
		fputs("true false", out);
	else if (row_text(row, "words"))
		fprintf(out, "%sunlimited", count ? " " : "");
	else if (!count)
		fputc('-', out);
	fputc('\t', out);
}

void emit_key_words(const struct schema *schema, FILE *out)
{
	for (int i = 1; i < schema->count; i++) {
		const struct row *row = &schema->rows[i];

		if (!row->setting)
			continue;
		put_field(out, row->path);
		put_field(out, strcmp(row->type, "list") == 0 ? "list" : "value");
		put_values(row, out);
		put_short(out, row_text(row, "doc"));
	}
}
