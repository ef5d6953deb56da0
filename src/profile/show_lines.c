/* show_lines: breaks the lines of a shown profile, so that none is wider than a page. Parent only; pure.
 *
 * Where a line is too long it goes on, one step further in, behind a comma, a semicolon or an opening bracket. A string
 * that is too long by itself shows its own line breaks, if it has any, instead of \n; one without stays as it is, since
 * two strings side by side are no profile. */
#include "profile/show_lines.h"

#include <string.h>

#include "base/page.h"
#include "base/text.h"

enum { TAB = 8 };

struct lines {
	struct text *out;
	size_t tabs, column; /* of lines that go on; of what comes next */
};

static void next_line(struct lines *to)
{
	text_add_n(to->out, "\n", 1);
	for (size_t i = 0; i < to->tabs; i++)
		text_add_n(to->out, "\t", 1);
	to->column = to->tabs * TAB;
}

/* Bytes up to the next place where a line may end, or to the end of the line. */
static size_t piece_length(const char *text)
{
	bool quoted = false;
	size_t i = 0;

	for (; text[i] && text[i] != '\n'; i++) {
		if (text[i] == '\\' && quoted)
			i++;
		else if (text[i] == '"')
			quoted = !quoted;
		else if (text[i] == ' ' && !quoted && i && strchr(",;{[(", text[i - 1]) && !strchr("}])", text[i + 1]))
			break;
	}
	return i;
}

static size_t columns(const char *text, size_t length)
{
	size_t count = 0;

	for (size_t i = 0; i < length; i++)
		count += text[i] == '\t' ? TAB : ((unsigned char)text[i] & 0xc0) != 0x80;
	return count;
}

static void add_piece(struct lines *to, const char *text, size_t length)
{
	bool broken = to->column + columns(text, length) > PAGE_WIDTH;
	size_t name = text[0] == '"' ? length : strcspn(text, "=") + 2; /* "NAME = " */

	if (broken && name < length && text[name] == '"' && !memmem(text, length, "\\n", 2)) {
		text_add_n(to->out, text, name - 1);
		next_line(to);
		text += name;
		length -= name;
	}

	for (size_t i = 0, unit = 1; i < length; i += unit) {
		unit = text[i] == '\\' ? 2 : 1;
		if (broken && text[i] == '\\' && text[i + 1] == 'n') {
			text_add_n(to->out, "\n", 1);
			to->column = 0;
			continue;
		}
		text_add_n(to->out, text + i, unit);
		to->column += columns(text + i, unit);
	}
}

static void add_line(struct text *out, const char *line, size_t length)
{
	struct lines to = { .out = out };
	size_t at = strspn(line, "\t");

	if (columns(line, length) <= PAGE_WIDTH) {
		text_add_n(out, line, length);
		return;
	}
	text_add_n(out, line, at);
	to.column = at * TAB;
	to.tabs = at + 1;
	while (at < length) {
		size_t piece = piece_length(line + at), space = line[at - !!at] == ' ';

		if (space && to.column + 1 + columns(line + at, piece) > PAGE_WIDTH) {
			next_line(&to);
		} else if (space) {
			text_add_n(out, " ", 1);
			to.column++;
		}
		add_piece(&to, line + at, piece);
		at += piece + (at + piece < length);
	}
}

void show_lines(const struct text *text, struct text *out)
{
	const char *line = text->data ? text->data : "";

	while (*line) {
		size_t length = strcspn(line, "\n");

		add_line(out, line, length);
		line += length;
		if (*line == '\n') {
			text_add_n(out, "\n", 1);
			line++;
		}
	}
	out->failed |= text->failed;
}
