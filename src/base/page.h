/* page: text for people: never wider than a page, styled only where a terminal shows it. Parent only.
 *
 * Whatever is written through it may hold names from hostile trees: control characters, invalid UTF-8 and characters
 * that turn the direction of writing come out as \xNN and cannot drive a terminal. Columns are those of a terminal:
 * two for characters of East Asia and emoji, none for what is put onto the character before it. */
#ifndef BASE_PAGE_H
#define BASE_PAGE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/text.h"

enum { PAGE_WIDTH = 100, PAGE_WIDTH_MIN = 60 };

enum page_style {
	STYLE_PLAIN,
	STYLE_HEADING,
	STYLE_GOOD,
	STYLE_WARN,
	STYLE_BAD,
	STYLE_DIM,
	STYLE_COUNT,
};

struct page {
	bool colour;
	size_t width; /* columns, PAGE_WIDTH_MIN .. PAGE_WIDTH */
};

/* How to write to `fd`: in colour if it is a terminal, TERM is neither unset nor "dumb", and NO_COLOR is unset or
 * empty; as wide as a terminal narrower than PAGE_WIDTH is, not below PAGE_WIDTH_MIN. Needs no memory; cannot fail. */
struct page page_of(int fd);

/* Bytes of the character at `text` that can be shown as it is; 0 where there is none, or one that would drive a
 * terminal. */
size_t page_character(const char *text);

/* Adds `words` to `out`, escaped and in a style; the line is the caller's affair. */
void page_add(const struct page *page, struct text *out, enum page_style style, const char *words);

/* Columns that `words` takes when escaped. */
size_t page_columns(const char *words);

/* A line of a page. Zero-initialised: text from the first column, no note. */
struct page_line {
	const char *lead;           /* stands before the text; NULL: nothing */
	enum page_style lead_style; /* of the lead alone */
	enum page_style style;      /* of the text */
	size_t indent;              /* column where the lead begins, from 0 */
	size_t start;               /* column where the text begins on its first line, or one behind a longer lead */
	size_t hang;                /* column where it begins on the others; below half of PAGE_WIDTH_MIN */
	const char *note;           /* dim, at the right end of the last line that has place for it; NULL: none */
};

/* Adds a line, or as many as the page's width asks for, each with its newline. Breaks at spaces; a word longer than a
 * line behind a slash, or where it must. */
void page_line(const struct page *page, struct text *out, const struct page_line *line, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

/* Two texts side by side, behind a label, each wrapped to half of what the label leaves. */
struct page_pair {
	const char *mark;  /* at the first column; NULL: none */
	const char *label; /* wrapped at no place: below PAGE_PAIR_COLUMN - 3 columns, or the texts begin behind it */
	const char *left, *right;
	enum page_style style; /* of mark and right text */
};

enum { PAGE_PAIR_COLUMN = 20 };

void page_pair(const struct page *page, struct text *out, const struct page_pair *pair);

#endif
