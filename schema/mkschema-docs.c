/* mkschema: the outputs for readers: the key reference of sandbox.conf(5) as mdoc(7), and the example profile with
 * every key. Runs at build time only; see mkschema.c. */
#include "mkschema.h"

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
	put_list(row, "values", row_is_closed(row) ? "Values: " : "Or in its place: ", out);
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

/* A comment, in lines of 100 columns at most. */
static void put_comment(FILE *out, int depth, const char *text)
{
	int width = 100 - 8 * depth - 3, column = 0;

	while (*text) {
		int length = (int)strcspn(text, " ");

		if (column && column + 1 + length > width) {
			fputc('\n', out);
			column = 0;
		}
		if (column)
			column += fprintf(out, " ");
		else
			indent(out, depth, "// ");
		column += fprintf(out, "%.*s", length, text);
		text += length;
		text += strspn(text, " ");
	}
	fputc('\n', out);
}

static void put_example_facts(const struct schema *schema, const struct row *row, int depth, FILE *out)
{
	const char *range = row_range(row), *kernel = row_kernel(schema, row), *text = row_default(schema, row);
	char *facts = NULL;
	size_t size = 0;
	FILE *to = open_memstream(&facts, &size);

	if (!to)
		die(schema, row, "no memory");
	fprintf(to, "(%s%s", type_find(row->type)->noun, row_text(row, "words") ? ", or \"unlimited\"" : "");
	fprintf(to, "%s%s", *range ? ": " : "", range);
	for (int v = 0; v < row->value_count; v++)
		fprintf(to, "%s%s", v ? ", " : row_is_closed(row) ? ": " : "; or in its place: ", row->values[v]);
	fprintf(to, "; default: %s; since %s", text ? text : "none", row_since(schema, row));
	fprintf(to, kernel ? "; kernel: %s)" : ")", kernel);
	if (fclose(to))
		die(schema, row, "no memory");
	put_comment(out, depth, facts);
	free(facts);
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
			put_comment(out, depth, row_text(row, "doc"));
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

char *example_text(const struct schema *schema)
{
	char *text = NULL;
	size_t size = 0;
	FILE *to = open_memstream(&text, &size);

	if (!to)
		die(schema, NULL, "no memory");
	emit_example(schema, to);
	if (fclose(to))
		die(schema, NULL, "no memory");
	return text;
}
