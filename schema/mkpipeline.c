/* mkpipeline: draws the table of stages as a picture, for the README.
 *
 *	mkpipeline src/stage >pipeline.svg
 *
 * A row for each stage and a column for each phase, as they stand in run/pipeline.c; what a stage is comes from the
 * first sentence of its file. Linked with the launcher's own objects, so that the picture cannot show another table.
 * Plain SVG: shapes, text and two palettes, of which the viewer takes the one that suits its background.
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "run/pipeline.h"

/* In pixels at the picture's own size; text is set in 12. */
enum {
	MARGIN = 16,
	NAMES_WIDTH = 104,
	COLUMN_WIDTH = 66,
	ROW_HEIGHT = 20,
	DOC_COLUMNS = 76, /* characters of a stage's line that fit */
	DOC_WIDTH = 444,
	HEAD_HEIGHT = 60,
	TABLE_TOP = MARGIN + HEAD_HEIGHT,
	TABLE_BOTTOM = TABLE_TOP + STAGE_COUNT * ROW_HEIGHT,
	COLUMNS_LEFT = MARGIN + NAMES_WIDTH,
	DOC_LEFT = COLUMNS_LEFT + PHASE_COUNT * COLUMN_WIDTH + 12,
	WIDTH = DOC_LEFT + DOC_WIDTH + MARGIN,
	LEGEND_TOP = TABLE_BOTTOM + 34,
	HEIGHT = LEGEND_TOP + PHASE_COUNT * ROW_HEIGHT + MARGIN - 8,
};

static const char style[] =
	"<style>\n"
	"text { font: 12px system-ui, 'Segoe UI', Helvetica, Arial, sans-serif; fill: #1f2328 }\n"
	".name, .phase { font-family: ui-monospace, 'DejaVu Sans Mono', Menlo, Consolas, monospace }\n"
	".phase { font-weight: bold; text-anchor: middle }\n"
	".small { font-size: 11px; fill: #57606a; text-anchor: middle }\n"
	".page { fill: #ffffff; stroke: #d0d7de }\n"
	".band { fill: #f3f5f7 }\n"
	".time { stroke: #afb8c1; stroke-width: 1.5; fill: none }\n"
	".wall { stroke: #57606a; stroke-dasharray: 3 3 }\n"
	".head { fill: #afb8c1 }\n"
	".launcher { fill: #0969da }\n"
	".child { fill: #bc4c00 }\n"
	".payload { fill: #1a7f37 }\n"
	"@media (prefers-color-scheme: dark) {\n"
	"text { fill: #e6edf3 }\n"
	".small { fill: #9198a1 }\n"
	".page { fill: #0d1117; stroke: #3d444d }\n"
	".band { fill: #161b22 }\n"
	".time { stroke: #484f58 }\n"
	".wall { stroke: #9198a1 }\n"
	".head { fill: #484f58 }\n"
	".launcher { fill: #4493f8 }\n"
	".child { fill: #db8a45 }\n"
	".payload { fill: #3fb950 }\n"
	"}\n"
	"</style>\n";

static void stop(const char *about, const char *what) __attribute__((noreturn));

static void stop(const char *about, const char *what)
{
	fprintf(stderr, "mkpipeline: %s: %s\n", about, what);
	exit(1);
}

static void put_text(const char *text)
{
	for (; *text; text++)
		switch (*text) {
		case '<':
			fputs("&lt;", stdout);
			break;
		case '>':
			fputs("&gt;", stdout);
			break;
		case '&':
			fputs("&amp;", stdout);
			break;
		default:
			putchar(*text);
		}
}

static void put_at(const char *class, int x, int y, const char *text)
{
	printf("<text class=\"%s\" x=\"%d\" y=\"%d\">", class, x, y);
	put_text(text);
	puts("</text>");
}

/* The part of a sentence that stands for it where there is no room for all of it. */
static void shorten(char *sentence)
{
	char *end = strchr(sentence, ':');

	if (end)
		*end = '\0';
	while (strlen(sentence) > DOC_COLUMNS) {
		end = strrchr(sentence, ',');
		if (!end)
			stop(sentence, "too long for a line of the picture, and has neither a colon nor a comma");
		*end = '\0';
	}
}

/* The first sentence of `directory`/`name`.c, which begins with "/" "* NAME: ". */
static void read_doc(const char *directory, const char *name, char sentence[512])
{
	char path[512], text[512], *from, *to = sentence;
	size_t length, name_length = strlen(name);
	FILE *in;

	(void)snprintf(path, sizeof(path), "%s/%s.c", directory, name);
	in = fopen(path, "r");
	length = in ? fread(text, 1, sizeof(text) - 1, in) : 0;
	if (!in || fclose(in))
		stop(path, "cannot be read");
	text[length] = '\0';
	if (strncmp(text, "/* ", 3) != 0 || strncmp(text + 3, name, name_length) != 0 || text[3 + name_length] != ':')
		stop(path, "does not begin with a comment that says what the stage is");
	for (from = text + 4 + name_length; *from && !(from[0] == '.' && isspace(from[1])); from++) {
		bool blank = isspace(*from) || (*from == '*' && to > sentence && to[-1] == ' ');

		if (!blank)
			*to++ = *from;
		else if (to > sentence && to[-1] != ' ')
			*to++ = ' ';
	}
	*to = '\0';
	shorten(sentence);
}

static int column_middle(int phase)
{
	return COLUMNS_LEFT + phase * COLUMN_WIDTH + COLUMN_WIDTH / 2;
}

/* Time runs down a column, but up in undo. */
static void put_arrow(int phase)
{
	int x = column_middle(phase), top = TABLE_TOP + 2, bottom = TABLE_BOTTOM + 4;
	int tip = phase == PHASE_UNDO ? top : bottom, wings = phase == PHASE_UNDO ? top + 7 : bottom - 7;

	printf("<path class=\"time\" d=\"M%d %dV%d\"/>\n", x, top, bottom);
	printf("<path class=\"head\" d=\"M%d %dL%d %dH%dZ\"/>\n", x, tip, x - 5, wings, x + 5);
}

static void put_column(int phase)
{
	const struct phase_doc *doc = &phase_docs[phase];
	int left = COLUMNS_LEFT + phase * COLUMN_WIDTH;

	if (!doc->process)
		stop(phase_names[phase], "phase_docs does not say whose phase it is");
	put_at("phase", column_middle(phase), MARGIN + 38, phase_names[phase]);
	put_at("small", column_middle(phase), MARGIN + 53, doc->process);
	put_arrow(phase);
	if (!doc->before)
		return;
	printf("<path class=\"wall\" d=\"M%d %dV%d\"/>\n", left, MARGIN + 22, TABLE_BOTTOM + 4);
	put_at("small", left, MARGIN + 16, doc->before);
}

static void put_row(int row, const char *doc)
{
	const struct stage *stage = &pipeline[row];
	int top = TABLE_TOP + row * ROW_HEIGHT;

	put_at("name", MARGIN, top + 14, stage->name);
	for (int phase = 0; phase < PHASE_COUNT; phase++)
		if (stage_has(stage, (enum phase)phase))
			printf("<rect class=\"%s\" x=\"%d\" y=\"%d\" width=\"40\" height=\"12\" rx=\"3\"/>\n",
			       phase_docs[phase].process, column_middle(phase) - 20, top + 4);
	put_at("doc", DOC_LEFT, top + 14, doc);
}

static void put_legend(int phase)
{
	int y = LEGEND_TOP + phase * ROW_HEIGHT;

	put_at("name", MARGIN, y, phase_names[phase]);
	printf("<rect class=\"%s\" x=\"%d\" y=\"%d\" width=\"12\" height=\"12\" rx=\"3\"/>\n",
	       phase_docs[phase].process, COLUMNS_LEFT, y - 10);
	printf("<text x=\"%d\" y=\"%d\">", COLUMNS_LEFT + 20, y);
	put_text(phase_docs[phase].process);
	fputs(": ", stdout);
	put_text(phase_docs[phase].what);
	puts("</text>");
}

static void put_head(void)
{
	printf("<svg xmlns=\"http://www.w3.org/2000/svg\" role=\"img\" viewBox=\"0 0 %d %d\" width=\"%d\" "
	       "height=\"%d\">\n",
	       WIDTH, HEIGHT, WIDTH, HEIGHT);
	puts("<title>The pipeline of a launch</title>");
	printf("<desc>%d stages, from top to bottom, in %d phases, from left to right:", STAGE_COUNT, PHASE_COUNT);
	for (int phase = 0; phase < PHASE_COUNT; phase++)
		printf(" %s%s", phase_names[phase], phase + 1 < PHASE_COUNT ? "," : ".</desc>\n");
	fputs(style, stdout);
	printf("<rect class=\"page\" x=\"0.5\" y=\"0.5\" width=\"%d\" height=\"%d\" rx=\"6\"/>\n", WIDTH - 1,
	       HEIGHT - 1);
	for (int row = 0; row < STAGE_COUNT; row += 2)
		printf("<rect class=\"band\" x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\"/>\n", MARGIN / 2,
		       TABLE_TOP + row * ROW_HEIGHT, WIDTH - MARGIN, ROW_HEIGHT);
}

int main(int argc, char **argv)
{
	char doc[512];

	if (argc != 2)
		stop("usage", "mkpipeline DIRECTORY-OF-STAGES >SVG");
	put_head();
	for (int phase = 0; phase < PHASE_COUNT; phase++)
		put_column(phase);
	for (int row = 0; row < STAGE_COUNT; row++) {
		read_doc(argv[1], pipeline[row].name, doc);
		put_row(row, doc);
	}
	for (int phase = 0; phase < PHASE_COUNT; phase++)
		put_legend(phase);
	puts("</svg>");
	if (ferror(stdout) || fflush(stdout))
		stop("standard output", "cannot be written");
	return 0;
}
