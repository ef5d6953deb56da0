/* profile/scan.c and tree.c: what libconfig would misread never reaches it. Where all its
 * releases agree, a trap is shown twice: that the library falls into it, and that we refuse the text. */
#include "load.h"

#include <libconfig.h>
#include <time.h>

#include "profile/scan.h"
#include "profile/tree.h"

static const struct source source = { .file = "test" };

/* Reads `text`; the first message, or "" when it is accepted. */
static const char *message_of(const char *text, size_t length)
{
	static char message[512];
	struct arena arena = { 0 };
	struct diagnostics diagnostics = { .arena = &arena };
	struct node *tree = tree_read(text, length, &source, &arena, &diagnostics);

	assert_int_equal(diagnostics.count, tree ? 0 : 1);
	message[0] = '\0';
	if (!tree)
		(void)snprintf(message, sizeof(message), "%d: %s", diagnostics.items[0].line,
			       diagnostics.items[0].what);
	arena_free(&arena);
	return message;
}

static void assert_message(const char *text, const char *expected)
{
	assert_string_equal(message_of(text, strlen(text)), expected);
}

static void assert_accepted(const char *text)
{
	assert_message(text, "");
}

static bool library_accepts(const char *text)
{
	config_t config;
	bool accepted = false;

	config_init(&config);
	accepted = config_read_string(&config, text);
	config_destroy(&config);
	return accepted;
}

static void integers_never_wrap(void **state)
{
	(void)state;
	assert_message("v = 4294967297;", "1: 4294967297 is out of range");
	assert_message("v = 2147483648;", "1: 2147483648 is out of range");
	assert_message("v = -2147483649;", "1: -2147483649 is out of range");
	assert_message("v = 99999999999999999999;", "1: 99999999999999999999 is out of range");
	assert_message("v = 9223372036854775808L;", "1: 9223372036854775808 is out of range");
	assert_message("v = 99999999999999999999999999999999999999;", "1: the number is out of range");
	assert_accepted("v = 2147483647; w = -2147483648; x = 9223372036854775807L; y = -9223372036854775808L;");
}

static void octal_look_alikes(void **state)
{
	(void)state;
	assert_message("v = 0755;", "1: 0755 begins with a zero");
	assert_message("v = 010L;", "1: 010 begins with a zero");
	assert_message("v = -010;", "1: -010 is no whole decimal number");
	assert_message("v = 0x10;", "1: 0x10 is no whole decimal number");
	assert_message("v = 0b1;", "1: 0b1 is no whole decimal number");
	assert_message("v = 1.5;", "1: 1.5 is no whole decimal number");
	assert_message("v = 1e3;", "1: 1e3 is no whole decimal number");
	assert_message("v = 1LL;", "1: 1LL is no whole decimal number");
	assert_message("v = +1;", "1: +1 is no whole decimal number");
	assert_message("v = - ;", "1: a sign without a number");
	assert_accepted("v = 0; w = 0L; x = -1;");
}

static void strings_end_where_they_seem_to(void **state)
{
	static const char nul[] = "v = \"a\0b\";";

	(void)state;
	assert_string_equal(message_of(nul, sizeof(nul) - 1), "1: the control character 0x00: this is no profile");
	assert_message("v = \"a\\x00b\";", "1: \\x00 cannot stand in a string: it would end there");
	assert_message("v = \"a\\qb\";", "1: unknown escape \\q in a string");
	assert_message("v = \"a\\x4\";", "1: \\x must be followed by two hexadecimal digits");
	assert_message("v = \"a;\n", "1: the string that begins here is never closed");
	assert_message("\n\nv = \"a;\nw = \"b\";\n", "4: a string where = and a value must stand");
	assert_accepted("v = \"a\\x41\\n\\t\\r\\f\\\\\\\"\"; w = \"two\nlines\";");
}

static void adjacent_strings(void **state)
{
	(void)state;
	assert_true(library_accepts("v = [ \"CAP_A\" \"CAP_B\" ];"));
	assert_message("v = [ \"CAP_A\" \"CAP_B\" ];", "1: two strings stand side by side");
	assert_message("v = ( \"a\", \"b\"\n\"c\" );", "2: two strings stand side by side");
	assert_message("v = \"a\" /* and */ \"b\";", "1: two strings stand side by side");
	assert_accepted("v = [ \"a\", \"b\" ];");
}

static void includes(void **state)
{
	(void)state;
	assert_message("@include \"/etc/passwd\"\nv = 1;",
		       "1: @include and the like are not part of the profile language");
	assert_message("v = 1;\n\t @include \"x\"\n", "2: @include and the like are not part of the profile language");
	assert_accepted("v = \"@include\"; // @include \"x\"\n");
}

static void comments_end(void **state)
{
	(void)state;
	assert_true(library_accepts("v = 1; /* never closed"));
	assert_message("v = 1;\n/* never closed\n\n", "2: the comment that begins here is never closed");
	assert_accepted("v = 1; /* closed \n * / */ // not /* open\n# nor \"this\nw = 2;");
}

static void nesting(void **state)
{
	char text[64 + 17];

	(void)state;
	memset(text, 0, sizeof(text));
	(void)strcpy(text, "v = ");
	memset(text + 4, '(', 16);
	memset(text + 20, ')', 16);
	assert_accepted(text);
	memset(text + 4, '(', 17);
	memset(text + 21, ')', 17);
	assert_message(text, "1: nested deeper than 16 levels");
}

static void brackets(void **state)
{
	(void)state;
	assert_message("v = { a = 1;", "1: the { that opens here is never closed");
	assert_message("v = (\n1, 2;", "2: ; inside ( )");
	assert_message("v = ( 1 ];", "1: ] stands where the ( of line 1 must be closed");
	assert_message("v = 1; }", "1: } closes nothing");
	assert_message("v = [ { a = 1; } ];", "1: { inside [ ]");
	assert_message("{", "1: { where a setting (name = value;) or the end of the group must stand");
	assert_message("v = ;", "1: ; where a value must stand");
	assert_message("v", "1: the end where = and a value must stand");
	assert_message("v =", "1: the end where a value must stand");
	assert_message("v = 1;; w = 2;", "1: ; where a setting (name = value;) or the end of the group must stand");
	assert_accepted("v = { a = 1 b = 2, c : 3 }\nw = ( ) x = [ ];");
}

static void trailing_commas(void **state)
{
	(void)state;
	assert_message("v = [ 1, 2, ];", "1: a comma stands before ]");
	assert_message("v = ( { a = 1; },\n);", "2: a comma stands before )");
}

static void words_without_quotes(void **state)
{
	(void)state;
	assert_message("v = yes;", "1: yes is not a value");
	assert_message("v = TRUE;", "1: TRUE is not a value");
	assert_message("v = web;", "1: web must stand in quotes");
	assert_accepted("v = true; w = false;");
}

static void bytes(void **state)
{
	(void)state;
	assert_message("v = 1;\r\n", "1: a carriage return");
	assert_message("\xef\xbb\xbfv = 1;", "1: the file begins with a byte order mark; save it as plain UTF-8");
	assert_message("v = \"\x1b[2J\";", "1: the control character 0x1b: this is no profile");
	assert_message("v = \xc3\xa4;", "1: byte 0xc3 outside a string or comment");
	assert_accepted("v = \"\xc3\xa4\"; // \xc3\xa4\n");
}

static void duplicates(void **state)
{
	(void)state;
	assert_message("v = 1;\nv = 2;", "2: this key is written a second time in the same group");
	assert_accepted("v = 1; w = { v = 1; };");
}

/* The whole of it within bounded time: this fails by the clock of a test that hangs. */
static void size_is_bounded(void **state)
{
	size_t length = 10 * 1024 * 1024;
	char *text = malloc(length + 1);
	clock_t start = clock();

	(void)state;
	assert_non_null(text);
	memset(text, '\n', length + 1);
	text[length] = '\0';
	assert_string_equal(message_of(text, length), "0: the profile is larger than 262144 bytes");
	text[100000] = '\0';
	assert_string_equal(message_of(text, 100000), "65536: the profile has more than 65535 lines");
	memset(text, '{', 100000);
	assert_string_equal(message_of(text, 100000),
			    "1: { where a setting (name = value;) or the end of the group must stand");
	for (size_t i = 0; i < 10000; i++)
		memcpy(text + 3 * i, "a={", 3);
	text[30000] = '\0';
	assert_string_equal(message_of(text, 30000), "1: nested deeper than 16 levels");
	memcpy(text, "v=[0", 4);
	for (size_t i = 2; i < 50000; i++)
		memcpy(text + 2 * i, ",0", 2);
	text[100000] = '\0';
	assert_string_equal(message_of(text, 100000), "1: the profile has more than 20000 words");
	for (size_t i = 0; i < 50000; i++)
		memcpy(text + 4 * i, "a=1;", 4);
	text[200000] = '\0';
	assert_string_equal(message_of(text, 200000), "1: more than 256 settings in one group");
	memset(text, 'a', 200000);
	assert_string_equal(message_of(text, 200000), "1: a name is longer than 64 bytes");
	memcpy(text, "v=\"", 3);
	text[199999] = '"';
	assert_string_equal(message_of(text, 200000), "1: the string is longer than 65536 bytes");
	free(text);
	assert_true((double)(clock() - start) / CLOCKS_PER_SEC < 1.0);
}

static void random_bytes(void **state)
{
	static const char alphabet[] = "abv=;:,(){}[]\"\\/*#@-+019.L \n\txtruefals";
	char text[64];
	unsigned seed = 1;

	(void)state;
	for (int round = 0; round < 20000; round++) {
		size_t length = 0;

		for (; length < sizeof(text) - 1; length++) {
			seed = seed * 1103515245 + 12345;
			text[length] = alphabet[(seed >> 16) % (sizeof(alphabet) - 1)];
		}
		text[length] = '\0';
		(void)message_of(text, length);
	}
}

static void lines_and_paths(void **state)
{
	static const char text[] = "a = 1;\nb = (\n  { c = \"x\"; },\n  {\n    d = [ 1,\n 2 ];\n  }\n);\n";
	struct arena arena = { 0 };
	struct diagnostics diagnostics = { .arena = &arena };
	struct node *tree = tree_read(text, strlen(text), &source, &arena, &diagnostics);
	const struct node *node = NULL;
	char path[64];

	(void)state;
	assert_non_null(tree);
	node = node_member(node_member(tree, "b")->last, "d");
	assert_int_equal(node->line, 5);
	node_path(node->last, path, sizeof(path));
	assert_string_equal(path, "b[1].d[1]");
	assert_int_equal(node->last->number, 2);
	assert_string_equal(node_member(node_member(tree, "b")->first, "c")->text, "x");
	arena_free(&arena);
}

static void every_wide_number_survives(void **state)
{
	struct arena arena = { 0 };
	struct diagnostics diagnostics = { .arena = &arena };
	static const char text[] = "a = 4294967295L; b = -9223372036854775808L; c = 2147483647;";
	struct node *tree = tree_read(text, strlen(text), &source, &arena, &diagnostics);

	(void)state;
	assert_non_null(tree);
	assert_true(node_member(tree, "a")->number == 4294967295);
	assert_true(node_member(tree, "b")->number == INT64_MIN);
	assert_true(node_member(tree, "c")->number == 2147483647);
	arena_free(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(integers_never_wrap),
		cmocka_unit_test(octal_look_alikes),
		cmocka_unit_test(strings_end_where_they_seem_to),
		cmocka_unit_test(adjacent_strings),
		cmocka_unit_test(includes),
		cmocka_unit_test(comments_end),
		cmocka_unit_test(nesting),
		cmocka_unit_test(brackets),
		cmocka_unit_test(trailing_commas),
		cmocka_unit_test(words_without_quotes),
		cmocka_unit_test(bytes),
		cmocka_unit_test(duplicates),
		cmocka_unit_test(size_is_bounded),
		cmocka_unit_test(random_bytes),
		cmocka_unit_test(lines_and_paths),
		cmocka_unit_test(every_wide_number_survives),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
