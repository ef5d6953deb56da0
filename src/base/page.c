/* page: see the header. Parent only, any phase; writes into a text, which its caller prints.
 *
 * A text is escaped first and broken into lines then, so that an escape sequence of ours is never inside of what is
 * measured, and what is measured is what the terminal shows. A style begins and ends on the same line: a pager that
 * shows a part of the output shows it in the right style.
 */
#include "base/page.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

static const char *const style_codes[] = {
	[STYLE_PLAIN] = "",  [STYLE_HEADING] = "1", [STYLE_GOOD] = "32",
	[STYLE_WARN] = "33", [STYLE_BAD] = "1;31",  [STYLE_DIM] = "2",
};
_Static_assert(sizeof(style_codes) / sizeof(style_codes[0]) == STYLE_COUNT, "every style has its code");

struct page page_of(int fd)
{
	const char *no_colour = getenv("NO_COLOR");
	const char *terminal = getenv("TERM");
	struct page page = { .width = PAGE_WIDTH };
	struct winsize size = { 0 };

	if (!isatty(fd))
		return page;
	page.colour = !(no_colour && no_colour[0]) && terminal && terminal[0] && strcmp(terminal, "dumb") != 0;
	if (!ioctl(fd, TIOCGWINSZ, &size) && size.ws_col && size.ws_col < PAGE_WIDTH)
		page.width = size.ws_col < PAGE_WIDTH_MIN ? PAGE_WIDTH_MIN : size.ws_col;
	return page;
}

/* ---- characters ------------------------------------------------------------------------------ */

/* Bytes of the UTF-8 character at `at`, its number in *ret; 0 when there is none (UTF-8 is that of RFC 3629). */
static size_t decode(const unsigned char *at, unsigned *ret)
{
	static const unsigned least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	size_t length = at[0] < 0x80   ? 1
			: at[0] < 0xc0 ? 0
			: at[0] < 0xe0 ? 2
			: at[0] < 0xf0 ? 3
			: at[0] < 0xf8 ? 4
				       : 0;
	unsigned value = 0;

	if (!length)
		return 0;
	value = length == 1 ? at[0] : at[0] & (0x7fu >> length);
	for (size_t i = 1; i < length; i++) {
		if ((at[i] & 0xc0) != 0x80)
			return 0;
		value = value << 6 | (at[i] & 0x3f);
	}
	*ret = value;
	return value < least[length] || value > 0x10ffff || (value >= 0xd800 && value < 0xe000) ? 0 : length;
}

/* Controls of C0 and C1, and what turns the direction of writing or breaks the line. */
static bool drives_terminal(unsigned character)
{
	return character < ' ' || (character >= 0x7f && character < 0xa0) || character == 0x200e ||
	       character == 0x200f || (character >= 0x2028 && character <= 0x202e) ||
	       (character >= 0x2066 && character <= 0x2069);
}

size_t page_character(const char *text)
{
	unsigned character = 0;
	size_t length = decode((const unsigned char *)text, &character);

	return drives_terminal(character) ? 0 : length;
}

static void add_escaped(struct text *out, const char *words)
{
	const unsigned char *at = (const unsigned char *)words;

	while (*at) {
		unsigned character = 0;
		size_t length = page_character((const char *)at);

		if (length) {
			text_add_n(out, (const char *)at, length);
			at += length;
			continue;
		}
		length = decode(at, &character);
		for (length = length ? length : 1; length; length--)
			text_add(out, "\\x%02x", *at++);
	}
}

/* Columns of a character, by the blocks of Unicode that terminals agree on. */
static size_t width_of(unsigned character)
{
	static const struct {
		unsigned first, last;
		size_t width;
	} blocks[] = {
		{ 0x300, 0x36f, 0 },     { 0x1100, 0x115f, 2 },   { 0x200b, 0x200d, 0 },   { 0x20d0, 0x20f0, 0 },
		{ 0x2e80, 0x303e, 2 },   { 0x3041, 0xa4cf, 2 },   { 0xa960, 0xa97c, 2 },   { 0xac00, 0xd7a3, 2 },
		{ 0xf900, 0xfaff, 2 },   { 0xfe00, 0xfe0f, 0 },   { 0xfe20, 0xfe2f, 0 },   { 0xfe30, 0xfe6f, 2 },
		{ 0xff01, 0xff60, 2 },   { 0xffe0, 0xffe6, 2 },   { 0x1f300, 0x1f64f, 2 }, { 0x1f680, 0x1f6ff, 2 },
		{ 0x1f900, 0x1f9ff, 2 }, { 0x20000, 0x3fffd, 2 },
	};

	for (size_t i = 0; i < sizeof(blocks) / sizeof(blocks[0]); i++)
		if (character >= blocks[i].first && character <= blocks[i].last)
			return blocks[i].width;
	return 1;
}

/* Of escaped words, a whole number of characters. */
static size_t columns(const char *words, size_t length)
{
	size_t count = 0;

	for (size_t i = 0; i < length;) {
		unsigned character = 0;
		size_t bytes = decode((const unsigned char *)words + i, &character);

		count += width_of(character);
		i += bytes ? bytes : 1;
	}
	return count;
}

size_t page_columns(const char *words)
{
	struct text escaped = { 0 };
	size_t count = 0;

	add_escaped(&escaped, words);
	count = columns(escaped.data ? escaped.data : "", escaped.length);
	text_free(&escaped);
	return count;
}

static void add_styled(const struct page *page, struct text *out, enum page_style style, const char *words,
		       size_t length)
{
	bool styled = page->colour && style != STYLE_PLAIN && length;

	if (styled)
		text_add(out, "\033[%sm", style_codes[style]);
	text_add_n(out, words, length);
	if (styled)
		text_add_n(out, "\033[0m", 4);
}

void page_add(const struct page *page, struct text *out, enum page_style style, const char *words)
{
	struct text escaped = { 0 };

	add_escaped(&escaped, words);
	add_styled(page, out, style, escaped.data ? escaped.data : "", escaped.length);
	out->failed |= escaped.failed;
	text_free(&escaped);
}

/* ---- lines ----------------------------------------------------------------------------------- */

static void pad(struct text *out, size_t count)
{
	text_add(out, "%*s", (int)count, "");
}

/* Bytes of `words` that fill a line of `room` columns: all that is left, or up to a space, or behind a slash. Where
 * there is neither: as much as there is room for, at least one character, so that every caller comes to an end. */
static size_t fill(const char *words, size_t room)
{
	size_t at = 0, space = 0, slash = 0;

	for (size_t used = 0; words[at];) {
		size_t next = at + 1;

		while (((unsigned char)words[next] & 0xc0) == 0x80)
			next++;
		if (words[at] == ' ')
			space = at;
		used += columns(words + at, next - at);
		if (used > room)
			break;
		if (words[at] == '/' && at)
			slash = next;
		at = next;
	}
	if (!words[at] || !(space + slash))
		return at ? at : 1;
	return space ? space : slash;
}

/* Adds all of `words`, the first line from `column`, where the line stands already. Returns the column behind them. */
static size_t add_wrapped(const struct page *page, struct text *out, const struct page_line *line, const char *words,
			  size_t column)
{
	while (*words) {
		size_t word = columns(words, strcspn(words, " "));
		/* A first line that has no room for a word that fits into the next one ends here. */
		bool full = column > line->hang && column + word > page->width &&
			    (column >= page->width || line->hang + word <= page->width);

		if (!full) {
			size_t length = fill(words, page->width - column);

			add_styled(page, out, line->style, words, length);
			column += columns(words, length);
			words += length + strspn(words + length, " ");
		}
		if (!*words)
			break;
		text_add_n(out, "\n", 1);
		pad(out, line->hang);
		column = line->hang;
	}
	return column;
}

/* A note that is wider than a line is a text of its own. */
static void add_note(const struct page *page, struct text *out, const struct page_line *line, size_t column)
{
	const struct page_line alone = { .style = STYLE_DIM, .hang = line->hang };
	size_t width = page_columns(line->note), start = line->hang;
	struct text note = { 0 };

	if (column + 2 + width > page->width) {
		text_add_n(out, "\n", 1);
		column = 0;
	}
	if (start + width <= page->width)
		start = page->width - width;
	pad(out, start - column);
	add_escaped(&note, line->note);
	if (note.data)
		(void)add_wrapped(page, out, &alone, note.data, start);
	out->failed |= note.failed;
	text_free(&note);
}

void page_line(const struct page *page, struct text *out, const struct page_line *line, const char *format, ...)
{
	struct text words = { 0 };
	size_t column = line->indent;
	va_list arguments;
	char *made = NULL;

	va_start(arguments, format);
	if (vasprintf(&made, format, arguments) < 0)
		out->failed = true;
	else
		add_escaped(&words, made);
	va_end(arguments);
	free(made);
	pad(out, column);
	if (line->lead) {
		page_add(page, out, line->lead_style, line->lead);
		column += page_columns(line->lead);
	}
	if (words.length) {
		size_t gap = column < line->start ? line->start - column : line->lead && line->lead[0] ? 1 : 0;

		pad(out, gap);
		column = add_wrapped(page, out, line, words.data, column + gap);
	}
	if (line->note && line->note[0])
		add_note(page, out, line, column);
	text_add_n(out, "\n", 1);
	out->failed |= words.failed;
	text_free(&words);
}

/* Adds a line's part of `words`, and spaces up to `width`. Returns what is left of them. */
static const char *add_cell(const struct page *page, struct text *out, enum page_style style, const char *words,
			    size_t width)
{
	size_t length = *words ? fill(words, width) : 0, used = columns(words, length);

	add_styled(page, out, style, words, length);
	words += length + strspn(words + length, " ");
	pad(out, used < width ? width - used : 0);
	return words;
}

static void trim(struct text *out)
{
	while (out->length && out->data[out->length - 1] == ' ')
		out->data[--out->length] = '\0';
}

void page_pair(const struct page *page, struct text *out, const struct page_pair *pair)
{
	size_t half = (page->width - PAGE_PAIR_COLUMN - 2) / 2, label = page_columns(pair->label) + 2;
	struct text left = { 0 }, right = { 0 };
	const char *left_rest = "", *right_rest = "";

	add_escaped(&left, pair->left);
	add_escaped(&right, pair->right);
	left_rest = left.data ? left.data : "";
	right_rest = right.data ? right.data : "";
	page_add(page, out, pair->style, pair->mark ? pair->mark : " ");
	text_add_n(out, " ", 1);
	page_add(page, out, pair->mark ? STYLE_HEADING : STYLE_PLAIN, pair->label);
	if (label >= PAGE_PAIR_COLUMN) {
		text_add_n(out, "\n", 1);
		label = 0;
	}
	do {
		pad(out, PAGE_PAIR_COLUMN - label);
		label = 0;
		left_rest = add_cell(page, out, STYLE_PLAIN, left_rest, half);
		pad(out, 2);
		right_rest = add_cell(page, out, pair->style, right_rest, half);
		trim(out);
		text_add_n(out, "\n", 1);
	} while (*left_rest || *right_rest);
	out->failed |= left.failed | right.failed;
	text_free(&left);
	text_free(&right);
}
