/* scan: looks a profile's text over before libconfig sees it.
 *
 * libconfig wraps and saturates large integers, reads 0755 as 755, cuts strings at NUL, joins adjacent strings,
 * takes an unterminated comment for the end of the file, follows @include, and slows down or runs out of memory on
 * very large or deep input, and releases differ in all of this. After parsing none of it can be seen. So the text
 * is read here first, token by token, by a small grammar of its own: what this file accepts means the same to every
 * libconfig, and what it refuses gets a message of its own instead of "syntax error". The library's grammar is
 * wider (hexadecimal numbers, floats, TRUE, nothing between two settings); of these only the missing separator is
 * let through.
 *
 * Parent only, while profiles are read; pure. It stops at the first fault: behind it nothing can be told for certain.
 */
#include "profile/scan.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>

#include "base/parse.h"
#include "profile/diagnostic.h"
#include "profile/tree.h"

enum expect {
	EXPECT_NAME, /* a setting, or the end of the group */
	EXPECT_ASSIGN,
	EXPECT_VALUE,   /* of a setting */
	EXPECT_FIRST,   /* first element of a list, or its end */
	EXPECT_ELEMENT, /* behind a comma */
	EXPECT_NEXT,    /* behind a value: a separator, or the end */
};

struct scan {
	const char *at, *end;
	int line;
	enum expect expect;
	int depth;
	struct {
		char bracket;
		int line, settings;
	} open[PROFILE_DEPTH_MAX];
	int settings; /* of the profile itself */
	size_t tokens;
	bool value;        /* one value, not a profile */
	bool after_string; /* the value just read was a string */
	int long_string;   /* line where a string of several lines began; 0: none so far */
	const struct source *source;
	struct diagnostics *diagnostics;
};

/* A single value has no lines to speak of. */
#define REFUSE(scan, ...) \
	diagnose((scan)->diagnostics, (scan)->source->file, (scan)->value ? 0 : (scan)->line, __VA_ARGS__)

static bool in_group(const struct scan *scan)
{
	return scan->depth > 0 ? scan->open[scan->depth - 1].bracket == '{' : !scan->value;
}

static bool is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* The character `ahead` of the current one; NUL behind the end. */
static char peek(const struct scan *scan, size_t ahead)
{
	if ((size_t)(scan->end - scan->at) <= ahead)
		return '\0';
	return scan->at[ahead];
}

/* A missing quote turns the text around; what is then found strange is not what is wrong. */
static int hint_at_quote(struct scan *scan)
{
	if (!scan->long_string)
		return -1;
	return diagnose_remedy(
		scan->diagnostics,
		"the string that begins on line %d runs over several lines: is its closing quote missing?",
		scan->long_string);
}

/* A token that the grammar has no place for. */
static int misplaced(struct scan *scan, const char *what)
{
	static const char *const wanted[] = {
		[EXPECT_NAME] = "a setting (name = value;) or the end of the group",
		[EXPECT_ASSIGN] = "= and a value",
		[EXPECT_VALUE] = "a value",
		[EXPECT_FIRST] = "a value or the end of the list",
		[EXPECT_ELEMENT] = "a value",
		[EXPECT_NEXT] = "a separator",
	};

	REFUSE(scan, "%s where %s must stand", what, wanted[scan->expect]);
	return hint_at_quote(scan);
}

/* ---- blanks and comments -------------------- */

static int skip_block_comment(struct scan *scan)
{
	int start = scan->line;

	for (scan->at += 2; scan->at < scan->end; scan->at++) {
		if (*scan->at == '\n')
			scan->line++;
		if (*scan->at == '*' && peek(scan, 1) == '/') {
			scan->at += 2;
			return 0;
		}
	}
	scan->line = start;
	return REFUSE(scan, "the comment that begins here is never closed");
}

/* Moves to the next token. */
static int skip_blanks(struct scan *scan)
{
	while (scan->at < scan->end) {
		char c = *scan->at;

		if (c == '\n')
			scan->line++;
		if (c == ' ' || c == '\t' || c == '\n') {
			scan->at++;
		} else if (c == '#' || (c == '/' && peek(scan, 1) == '/')) {
			const char *newline = memchr(scan->at, '\n', (size_t)(scan->end - scan->at));

			scan->at = newline ? newline : scan->end;
		} else if (c == '/' && peek(scan, 1) == '*') {
			if (skip_block_comment(scan))
				return -1;
		} else {
			break;
		}
	}
	return 0;
}

/* ---- tokens -------------------- */

/* A value has been read; what may follow? */
static int value_done(struct scan *scan, bool string)
{
	scan->expect = EXPECT_NEXT;
	scan->after_string = string;
	return 0;
}

static bool value_wanted(const struct scan *scan)
{
	return scan->expect == EXPECT_VALUE || scan->expect == EXPECT_FIRST || scan->expect == EXPECT_ELEMENT;
}

/* Moves over one escape sequence, which begins at the backslash. */
static int scan_escape(struct scan *scan)
{
	static const char hex[] = "0123456789abcdefABCDEF";
	char c = peek(scan, 1);

	if (c == 'x') {
		if (!peek(scan, 2) || !peek(scan, 3) || !strchr(hex, peek(scan, 2)) || !strchr(hex, peek(scan, 3)))
			return REFUSE(scan, "\\x must be followed by two hexadecimal digits");
		if (peek(scan, 2) == '0' && peek(scan, 3) == '0')
			return REFUSE(scan, "\\x00 cannot stand in a string: it would end there");
		scan->at += 4;
		return 0;
	}
	if (!c || !strchr("nrtf\\\"", c)) {
		REFUSE(scan, "unknown escape \\%c in a string", c ? c : ' ');
		return diagnose_remedy(scan->diagnostics, "a backslash itself is written \\\\");
	}
	scan->at += 2;
	return 0;
}

static int scan_string(struct scan *scan)
{
	int start = scan->line;
	const char *begin = scan->at;

	if (scan->expect == EXPECT_NEXT && scan->after_string) {
		REFUSE(scan, "two strings stand side by side");
		return diagnose_remedy(scan->diagnostics,
				       "libconfig would join them into one: put a comma between them");
	}
	if (!value_wanted(scan))
		return misplaced(scan, "a string");
	for (scan->at++; scan->at < scan->end && *scan->at != '"';) {
		if (*scan->at == '\\') {
			if (scan_escape(scan))
				return -1;
			continue;
		}
		if (*scan->at == '\n')
			scan->line++;
		scan->at++;
	}
	if (scan->at == scan->end) {
		scan->line = scan->long_string ? scan->long_string : start;
		return REFUSE(scan, "the string that begins here is never closed");
	}
	scan->at++;
	if (scan->line != start)
		scan->long_string = start;
	if (scan->at - begin > PROFILE_STRING_MAX)
		return REFUSE(scan, "the string is longer than %d bytes", PROFILE_STRING_MAX);
	return value_done(scan, true);
}

static int scan_number(struct scan *scan)
{
	const char *start = scan->at;
	char text[32];
	size_t length = 0;
	int64_t value = 0;
	bool large = false;

	if (!value_wanted(scan))
		return misplaced(scan, "a number");
	while (is_digit(peek(scan, length)) || is_letter(peek(scan, length)) || peek(scan, length) == '.' ||
	       (length == 0 && strchr("+-", peek(scan, length))))
		length++;
	scan->at += length;
	if (length == 1 && !is_digit(*start))
		return REFUSE(scan, "a sign without a number");
	if (length >= sizeof(text))
		return REFUSE(scan, "the number is out of range");
	memcpy(text, start, length);
	text[length] = '\0';
	if (text[length - 1] == 'L') {
		large = true;
		text[length - 1] = '\0';
	}
	if (is_digit(text[0]) && text[0] == '0' && strspn(text, "0123456789") == strlen(text) && strlen(text) > 1) {
		REFUSE(scan, "%s begins with a zero", text);
		return diagnose_remedy(scan->diagnostics, "a file mode is a string: write \"%s\"", text);
	}
	if (parse_signed(text, large ? INT64_MIN : INT32_MIN, large ? INT64_MAX : INT32_MAX, &value) == 0)
		return value_done(scan, false);
	if (errno == ERANGE) {
		REFUSE(scan, "%s is out of range", text);
		return large ? -1
			     : diagnose_remedy(scan->diagnostics,
					       "a number beyond 2147483647 is written with an L behind it");
	}
	REFUSE(scan, "%.*s is no whole decimal number", (int)length, start);
	return diagnose_remedy(scan->diagnostics,
			       "sizes, durations and percentages are strings: \"64M\", \"1.5s\", \"50%%\"");
}

static int count_setting(struct scan *scan)
{
	int *settings = scan->depth ? &scan->open[scan->depth - 1].settings : &scan->settings;

	if (++*settings > PROFILE_SETTINGS_MAX)
		return REFUSE(scan, "more than %d settings in one group", PROFILE_SETTINGS_MAX);
	return 0;
}

/* What other languages call true and false. */
static bool is_truth(const char *word, int length)
{
	static const char *const truths[] = { "yes", "no", "on", "off", "True", "False", "TRUE", "FALSE" };

	for (size_t i = 0; i < sizeof(truths) / sizeof(truths[0]); i++)
		if (strlen(truths[i]) == (size_t)length && memcmp(truths[i], word, (size_t)length) == 0)
			return true;
	return false;
}

/* A bare word: a name, or true or false. */
static int scan_word(struct scan *scan)
{
	const char *start = scan->at;
	int length = 0;

	while (is_letter(peek(scan, 0)) || is_digit(peek(scan, 0)) || strchr("_-*", peek(scan, 0))) {
		if (!peek(scan, 0))
			break;
		scan->at++;
	}
	length = (int)(scan->at - start);
	if (length > PROFILE_NAME_MAX)
		return REFUSE(scan, "a name is longer than %d bytes", PROFILE_NAME_MAX);
	if (scan->expect == EXPECT_NAME || (scan->expect == EXPECT_NEXT && in_group(scan))) {
		scan->expect = EXPECT_ASSIGN;
		return count_setting(scan);
	}
	if (!value_wanted(scan))
		return misplaced(scan, "a word");
	if ((length == 4 && memcmp(start, "true", 4) == 0) || (length == 5 && memcmp(start, "false", 5) == 0))
		return value_done(scan, false);
	if (is_truth(start, length)) {
		REFUSE(scan, "%.*s is not a value", length, start);
		return diagnose_remedy(scan->diagnostics, "write true or false");
	}
	REFUSE(scan, "%.*s must stand in quotes", length, start);
	return diagnose_remedy(scan->diagnostics, "write \"%.*s\"; only numbers, true and false go without quotes",
			       length, start);
}

static int scan_open(struct scan *scan)
{
	char c = *scan->at;

	if (!value_wanted(scan))
		return misplaced(scan, c == '{' ? "{" : c == '(' ? "(" : "[");
	if (scan->depth && scan->open[scan->depth - 1].bracket == '[') {
		REFUSE(scan, "%c inside [ ]", c);
		return diagnose_remedy(scan->diagnostics,
				       "[ ] holds plain values; a list of groups is written ( { ... }, { ... } )");
	}
	if (scan->depth == PROFILE_DEPTH_MAX)
		return REFUSE(scan, "nested deeper than %d levels", PROFILE_DEPTH_MAX);
	scan->open[scan->depth].bracket = c;
	scan->open[scan->depth].line = scan->line;
	scan->open[scan->depth].settings = 0;
	scan->depth++;
	scan->expect = c == '{' ? EXPECT_NAME : EXPECT_FIRST;
	scan->at++;
	return 0;
}

static int scan_close(struct scan *scan)
{
	static const char pairs[] = "{}()[]";
	char c = *scan->at;
	char open = '\0';

	if (!scan->depth)
		return REFUSE(scan, "%c closes nothing", c);
	open = scan->open[scan->depth - 1].bracket;
	if (strchr(pairs, open)[1] != c)
		return REFUSE(scan, "%c stands where the %c of line %d must be closed", c, open,
			      scan->open[scan->depth - 1].line);
	if (scan->expect == EXPECT_ELEMENT) {
		REFUSE(scan, "a comma stands before %c", c);
		return diagnose_remedy(scan->diagnostics, "the last element has no comma behind it: take it away");
	}
	if (scan->expect == EXPECT_ASSIGN || scan->expect == EXPECT_VALUE)
		return misplaced(scan, c == '}' ? "}" : c == ')' ? ")" : "]");
	scan->depth--;
	scan->at++;
	return value_done(scan, false);
}

static int scan_separator(struct scan *scan)
{
	char c = *scan->at;

	if (scan->expect == EXPECT_ASSIGN && (c == '=' || c == ':')) {
		scan->expect = EXPECT_VALUE;
	} else if (scan->expect == EXPECT_NEXT && c == ',') {
		scan->expect = in_group(scan) ? EXPECT_NAME : EXPECT_ELEMENT;
	} else if (scan->expect == EXPECT_NEXT && c == ';' && in_group(scan)) {
		scan->expect = EXPECT_NAME;
	} else if (c == ';' && scan->depth && !in_group(scan)) {
		REFUSE(scan, "; inside %s", scan->open[scan->depth - 1].bracket == '(' ? "( )" : "[ ]");
		return diagnose_remedy(scan->diagnostics, "elements are separated by commas");
	} else {
		char text[2] = { c, '\0' };

		return misplaced(scan, text);
	}
	scan->at++;
	return 0;
}

static int scan_token(struct scan *scan)
{
	char c = *scan->at;

	if (++scan->tokens > PROFILE_TOKENS_MAX)
		return REFUSE(scan, "the profile has more than %d words", PROFILE_TOKENS_MAX);
	if (scan->value && scan->depth == 0 && scan->expect == EXPECT_NEXT)
		return REFUSE(scan, "something stands behind the value");
	if (c == '"')
		return scan_string(scan);
	if (is_digit(c) || c == '-' || c == '+')
		return scan_number(scan);
	if (is_letter(c) || c == '*')
		return scan_word(scan);
	if (strchr("{([", c))
		return scan_open(scan);
	if (strchr("})]", c))
		return scan_close(scan);
	if (strchr("=:,;", c))
		return scan_separator(scan);
	if (c == '@') {
		REFUSE(scan, "@include and the like are not part of the profile language");
		return diagnose_remedy(scan->diagnostics, "start from another profile with extends = [ \"NAME\" ];");
	}
	if ((unsigned char)c >= 0x80)
		return REFUSE(scan, "byte 0x%02x outside a string or comment", (unsigned)(unsigned char)c);
	REFUSE(scan, "unexpected character %c", c);
	return hint_at_quote(scan);
}

static int scan_end(struct scan *scan)
{
	if (scan->depth) {
		int line = scan->open[scan->depth - 1].line;

		scan->line = line;
		return REFUSE(scan, "the %c that opens here is never closed", scan->open[scan->depth - 1].bracket);
	}
	if (scan->value ? scan->expect != EXPECT_NEXT : scan->expect == EXPECT_ASSIGN || scan->expect == EXPECT_VALUE)
		return misplaced(scan, "the end");
	return 0;
}

/* Bytes that no profile holds, wherever they stand. */
static int scan_bytes(struct scan *scan)
{
	if (scan->end - scan->at >= 3 && memcmp(scan->at, "\xef\xbb\xbf", 3) == 0)
		return REFUSE(scan, "the file begins with a byte order mark; save it as plain UTF-8");
	for (const char *at = scan->at; at < scan->end; at++) {
		unsigned char c = (unsigned char)*at;

		if (c == '\n' && ++scan->line > PROFILE_LINES_MAX)
			return REFUSE(scan, "the profile has more than %d lines", PROFILE_LINES_MAX);
		if (c == '\r') {
			REFUSE(scan, "a carriage return");
			return diagnose_remedy(scan->diagnostics, "save the file with Unix line ends (dos2unix)");
		}
		if ((c < ' ' && c != '\n' && c != '\t') || c == 0x7f)
			return REFUSE(scan, "the control character 0x%02x: this is no profile", c);
	}
	scan->line = 1;
	return 0;
}

int scan_text(const char *text, size_t length, bool value, const struct source *source, struct diagnostics *diagnostics)
{
	struct scan scan = { .at = text,
			     .end = text + length,
			     .line = 1,
			     .expect = value ? EXPECT_VALUE : EXPECT_NAME,
			     .value = value,
			     .source = source,
			     .diagnostics = diagnostics };

	if (length > PROFILE_BYTES_MAX)
		return diagnose(diagnostics, source->file, 0, "the profile is larger than %d bytes", PROFILE_BYTES_MAX);
	if (scan_bytes(&scan))
		return -1;
	for (;;) {
		if (skip_blanks(&scan))
			return -1;
		if (scan.at == scan.end)
			return scan_end(&scan);
		if (scan_token(&scan))
			return -1;
	}
}
