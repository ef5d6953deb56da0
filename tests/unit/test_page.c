/* base/page.c: how a text is escaped, broken into lines and given its note; and when there is colour. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <pty.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/page.h"

static const struct page plain = { .width = PAGE_WIDTH_MIN };
static const struct page coloured = { .width = PAGE_WIDTH_MIN, .colour = true };

static void expect(const struct page *page, const struct page_line *line, const char *words, const char *expected)
{
	struct text out = { 0 };

	page_line(page, &out, line, "%s", words);
	assert_false(out.failed);
	assert_string_equal(out.data, expected);
	text_free(&out);
}

static void expect_escaped(const char *words, const char *expected)
{
	struct text out = { 0 };

	page_add(&plain, &out, STYLE_BAD, words);
	assert_string_equal(out.data ? out.data : "", expected);
	assert_int_equal(page_columns(words), out.data ? strlen(expected) : 0);
	text_free(&out);
}

static void escapes(void **state)
{
	(void)state;
	expect_escaped("", "");
	expect_escaped("a b\\x", "a b\\x");
	expect_escaped("\033[31m\r\n\x7f", "\\x1b[31m\\x0d\\x0a\\x7f");
	expect_escaped("\xc2\x9b"
		       "31m",
		       "\\xc2\\x9b31m");
	expect_escaped("\xe2\x80\xae"
		       "txt.exe",
		       "\\xe2\\x80\\xaetxt.exe");
	expect_escaped("\xff\xc3", "\\xff\\xc3");
	expect_escaped("\xc0\xaf\xed\xa0\x80", "\\xc0\\xaf\\xed\\xa0\\x80");
}

static void counts_characters(void **state)
{
	(void)state;
	assert_int_equal(page_columns("Gr\xc3\xbc\xc3\x9f"
				      "e"),
			 5);
	/* The euro, a penguin; two ideographs; an e with an accent that is put onto it. */
	assert_int_equal(page_columns("\xe2\x82\xac\xf0\x9f\x90\xa7"), 3);
	assert_int_equal(page_columns("\xe6\x97\xa5\xe6\x9c\xac"), 4);
	assert_int_equal(page_columns("e\xcc\x81"), 1);
}

static void breaks_at_spaces(void **state)
{
	const struct page_line line = { .lead = "ok", .start = 10, .hang = 12 };

	(void)state;
	expect(&plain, &(struct page_line){ 0 }, "", "\n");
	expect(&plain, &line, "", "ok\n");
	expect(&plain, &line, "short", "ok        short\n");
	expect(&plain, &line, "1234567890 1234567890 1234567890 1234567890 123456 behind",
	       "ok        1234567890 1234567890 1234567890 1234567890 123456\n            behind\n");
	expect(&plain, &line, "1234567890 1234567890 1234567890 1234567890 1234567 behind",
	       "ok        1234567890 1234567890 1234567890 1234567890\n            1234567 behind\n");
	expect(&plain, &(struct page_line){ .lead = "a lead that is long", .start = 4, .indent = 2 }, "text",
	       "  a lead that is long text\n");
}

static void breaks_long_words(void **state)
{
	const struct page_line line = { .hang = 4 };

	(void)state;
	expect(&plain, &line, "/a/directory/with/a/long/name/and/many/others/below/it/and/a/file",
	       "/a/directory/with/a/long/name/and/many/others/below/it/and/\n    a/file\n");
}

static void breaks_where_it_must(void **state)
{
	char word[131], expected[140];

	(void)state;
	memset(word, 'x', 130);
	word[130] = '\0';
	(void)snprintf(expected, sizeof(expected), "%.60s\n  %.58s\n  %.12s\n", word, word, word);
	expect(&plain, &(struct page_line){ .hang = 2 }, word, expected);
	/* between characters only */
	for (int i = 0; i < 65; i++)
		memcpy(word + 2 * i, "\xc3\xbc", 2);
	(void)snprintf(expected, sizeof(expected), "%.120s\n%.10s\n", word, word);
	expect(&plain, &(struct page_line){ 0 }, word, expected);
}

static void places_notes(void **state)
{
	char fifty[51], note[80], expected[200];

	(void)state;
	memset(fifty, 'x', 50);
	fifty[50] = '\0';
	(void)snprintf(expected, sizeof(expected), "%s    [note]\n", fifty);
	expect(&plain, &(struct page_line){ .note = "[note]" }, fifty, expected);
	(void)snprintf(expected, sizeof(expected), "%s\n%60s\n", fifty, "[longer note]");
	expect(&plain, &(struct page_line){ .note = "[longer note]" }, fifty, expected);
	(void)snprintf(note, sizeof(note), "%s second", fifty);
	(void)snprintf(expected, sizeof(expected), "text\n    %s\n    second\n", fifty);
	expect(&plain, &(struct page_line){ .hang = 4, .note = note }, "text", expected);
}

static void styles(void **state)
{
	const struct page_line line = { .lead = "bad", .lead_style = STYLE_BAD, .start = 5, .note = "n" };

	(void)state;
	expect(&coloured, &line, "text",
	       "\033[1;31mbad\033[0m  text                                                  \033[2mn\033[0m\n");
	expect(&coloured, &(struct page_line){ .style = STYLE_GOOD }, "\033[0m", "\033[32m\\x1b[0m\033[0m\n");
}

static void expect_pair(const struct page *page, const struct page_pair *pair, const char *expected)
{
	struct text out = { 0 };

	page_pair(page, &out, pair);
	assert_false(out.failed);
	assert_string_equal(out.data, expected);
	text_free(&out);
}

static void pairs(void **state)
{
	(void)state;
	expect_pair(&plain, &(struct page_pair){ .label = "uid", .left = "0", .right = "1000" },
		    "  uid               0                    1000\n");
	expect_pair(&plain, &(struct page_pair){ .mark = "*", .label = "uid", .left = "0", .right = "" },
		    "* uid               0\n");
	expect_pair(&plain,
		    &(struct page_pair){
			    .label = "a label that is long", .left = "12345678901234567890", .right = "\033" },
		    "  a label that is long\n                    1234567890123456789  \\x1b\n                    0\n");
	expect_pair(&plain, &(struct page_pair){ .label = "l", .left = "one", .right = "twelve characters and more" },
		    "  l                 one                  twelve characters\n"
		    "                                         and more\n");
	expect_pair(&coloured,
		    &(struct page_pair){ .mark = "*", .label = "l", .left = "a", .right = "b", .style = STYLE_WARN },
		    "\033[33m*\033[0m \033[1ml\033[0m                 a                    \033[33mb\033[0m\n");
}

static void asks_the_terminal(void **state)
{
	struct winsize size = { .ws_row = 24, .ws_col = 80 };
	int master = -1, slave = -1, null = open("/dev/null", O_WRONLY);

	(void)state;
	assert_int_equal(openpty(&master, &slave, NULL, NULL, &size), 0);
	assert_int_equal(setenv("TERM", "xterm", 1) | unsetenv("NO_COLOR"), 0);
	assert_true(page_of(slave).colour);
	assert_int_equal(page_of(slave).width, 80);
	assert_false(page_of(null).colour);
	assert_int_equal(page_of(null).width, PAGE_WIDTH);
	size.ws_col = 20;
	assert_int_equal(ioctl(slave, TIOCSWINSZ, &size), 0);
	assert_int_equal(page_of(slave).width, PAGE_WIDTH_MIN);
	size.ws_col = 300;
	assert_int_equal(ioctl(slave, TIOCSWINSZ, &size), 0);
	assert_int_equal(page_of(slave).width, PAGE_WIDTH);
	assert_int_equal(setenv("NO_COLOR", "", 1), 0);
	assert_true(page_of(slave).colour);
	assert_int_equal(setenv("NO_COLOR", "1", 1), 0);
	assert_false(page_of(slave).colour);
	assert_int_equal(unsetenv("NO_COLOR") | setenv("TERM", "dumb", 1), 0);
	assert_false(page_of(slave).colour);
	assert_int_equal(unsetenv("TERM"), 0);
	assert_false(page_of(slave).colour);
	(void)close(master);
	(void)close(slave);
	(void)close(null);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(escapes),
		cmocka_unit_test(counts_characters),
		cmocka_unit_test(breaks_at_spaces),
		cmocka_unit_test(breaks_long_words),
		cmocka_unit_test(breaks_where_it_must),
		cmocka_unit_test(places_notes),
		cmocka_unit_test(styles),
		cmocka_unit_test(asks_the_terminal),
		cmocka_unit_test(pairs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
