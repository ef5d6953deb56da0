/* mkschema: the command line. Reads schema/options.schema and writes
 *
 *	options.h         ids of commands (C_...) and options (O_...), the row types
 *	options.c         the two tables that src/cli.c walks
 *	options.mdoc      the option reference of sandbox(1)
 *	commands.tsv, options.tsv  what the completions know of the command line; see mkschema-complete.c
 *
 * See mkschema.c for when and why.
 */
#include "mkschema.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

static const config_setting_t *rows(const struct schema *schema, const char *list)
{
	const config_setting_t *found = config_lookup(&schema->options, list);

	if (!found)
		die(schema, NULL, "the options have no list `%s`", list);
	return found;
}

static int count(const struct schema *schema, const char *list)
{
	return config_setting_length(rows(schema, list));
}

/* A text field of row `index`; NULL when absent. */
static const char *field(const struct schema *schema, const char *list, int index, const char *name)
{
	const config_setting_t *row = config_setting_get_elem(rows(schema, list), (unsigned)index);
	const char *text = NULL;

	return config_setting_lookup_string(row, name, &text) ? text : NULL;
}

static const char *needed(const struct schema *schema, const char *list, int index, const char *name)
{
	const char *text = field(schema, list, index, name);

	if (!text)
		die(schema, NULL, "%s: row %d has no `%s`", list, index, name);
	return text;
}

static void put_id(FILE *out, const char *prefix, const char *name)
{
	fputs(prefix, out);
	for (; *name; name++)
		fputc(*name == '-' ? '_' : toupper((unsigned char)*name), out);
}

static void put_ids(const struct schema *schema, const char *list, const char *type, const char *prefix, FILE *out)
{
	fprintf(out, "enum %s {\n", type);
	for (int i = 0; i < count(schema, list); i++) {
		fputc('\t', out);
		put_id(out, prefix, needed(schema, list, i, "name"));
		fputs(",\n", out);
	}
	fprintf(out, "\t%sCOUNT,\n};\n\n", prefix);
}

void emit_options_header(const struct schema *schema, FILE *out)
{
	fputs("/* Made by mkschema from schema/options.schema. */\n#ifndef GEN_OPTIONS_H\n#define GEN_OPTIONS_H\n\n"
	      "#include <stdbool.h>\n\n",
	      out);
	put_ids(schema, "commands", "command_id", "C_", out);
	put_ids(schema, "options", "option_id", "O_", out);
	fputs("struct cli_command {\n\tconst char *name, *args, *doc;\n};\n\n"
	      "struct cli_option {\n\tconst char *name;\n\tchar letter;           /* behind one dash; 0: none */\n"
	      "\tconst char *arg;       /* what follows; NULL: a switch */\n\tbool many;\n"
	      "\tunsigned commands;     /* bit n: may stand with command n */\n\tconst char *doc;\n};\n\n"
	      "extern const struct cli_command cli_commands[C_COUNT];\n"
	      "extern const struct cli_option cli_options[O_COUNT];\n\n#endif\n",
	      out);
}

static void put_text(FILE *out, const char *text)
{
	if (text)
		put_literal(out, text);
	else
		fputs("NULL", out);
}

static void put_places(const struct schema *schema, int option, FILE *out)
{
	const config_setting_t *row = config_setting_get_elem(rows(schema, "options"), (unsigned)option);
	const config_setting_t *places = config_setting_get_member(row, "commands");

	for (int i = 0; places && i < config_setting_length(places); i++) {
		fputs(i ? " | 1U << " : "1U << ", out);
		put_id(out, "C_", config_setting_get_string_elem(places, i));
	}
}

static void put_option(const struct schema *schema, int i, FILE *out)
{
	const config_setting_t *row = config_setting_get_elem(rows(schema, "options"), (unsigned)i);
	const char *letter = field(schema, "options", i, "short");
	int many = 0;

	(void)config_setting_lookup_bool(row, "many", &many);
	fputs("\t{ ", out);
	put_literal(out, needed(schema, "options", i, "name"));
	fprintf(out, letter ? ", '%c', " : ", 0, ", letter ? *letter : 0);
	put_text(out, field(schema, "options", i, "arg"));
	fprintf(out, ", %s, ", many ? "true" : "false");
	put_places(schema, i, out);
	fputs(",\n\t  ", out);
	put_literal(out, needed(schema, "options", i, "doc"));
	fputs(" },\n", out);
}

void emit_options(const struct schema *schema, FILE *out)
{
	fputs("/* Made by mkschema from schema/options.schema. */\n#include \"gen/options.h\"\n\n#include "
	      "<stddef.h>\n\n"
	      "const struct cli_command cli_commands[C_COUNT] = {\n",
	      out);
	for (int i = 0; i < count(schema, "commands"); i++) {
		fputs("\t{ ", out);
		put_literal(out, needed(schema, "commands", i, "name"));
		fputs(", ", out);
		put_literal(out, needed(schema, "commands", i, "args"));
		fputs(", ", out);
		put_literal(out, needed(schema, "commands", i, "doc"));
		fputs(" },\n", out);
	}
	fputs("};\n\nconst struct cli_option cli_options[O_COUNT] = {\n", out);
	for (int i = 0; i < count(schema, "options"); i++)
		put_option(schema, i, out);
	fputs("};\n", out);
}

/* The commands that an option may stand with. */
static void put_companions(const struct schema *schema, int option, FILE *out)
{
	const config_setting_t *row = config_setting_get_elem(rows(schema, "options"), (unsigned)option);
	const config_setting_t *places = config_setting_get_member(row, "commands");
	int number = places ? config_setting_length(places) : 0;

	if (number == count(schema, "commands")) {
		fputs("With every command.\n", out);
		return;
	}
	fputs("With\n.Ic ", out);
	for (int i = 0; i < number; i++)
		fprintf(out, "%s%s", i ? " , " : "", config_setting_get_string_elem(places, i));
	fputs(" .\n", out);
}

void emit_options_manual(const struct schema *schema, FILE *out)
{
	fputs(".\\\" Made by mkschema from schema/options.schema.\n.Ss Commands\n.Bl -tag -width indent\n", out);
	for (int i = 0; i < count(schema, "commands"); i++) {
		const char *args = needed(schema, "commands", i, "args");

		/* What ends in a bracket is no delimiter of the macro's. */
		fprintf(out, ".It Ic %s%s%s%s\n%s\n", needed(schema, "commands", i, "name"), *args ? " Ar " : "", args,
			*args ? "\\&" : "", needed(schema, "commands", i, "doc"));
	}
	fputs(".El\n.Ss Options\n.Bl -tag -width indent\n", out);
	for (int i = 0; i < count(schema, "options"); i++) {
		const char *letter = field(schema, "options", i, "short");
		const char *arg = field(schema, "options", i, "arg");

		fputs(".It ", out);
		if (letter)
			fprintf(out, "Fl %s , ", letter);
		fprintf(out, "Fl -%s%s%s\n%s\n", needed(schema, "options", i, "name"), arg ? " Ar " : "",
			arg ? arg : "", needed(schema, "options", i, "doc"));
		put_companions(schema, i, out);
	}
	fputs(".El\n", out);
}
