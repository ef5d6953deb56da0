/* test_environment: what ends up in the payload's environment, and what its PATH is. No privilege. */
#include <paths.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include "stage/stage.h"

/* After our own: it makes a macro of the word fail. */
#include <cmocka.h>

enum { WORDS = 8 };

struct line {
	const char *name;
	const char *own[WORDS], *inherit[WORDS], *caller[WORDS];
	const char *expected[WORDS];
	const char *path;
};

static const struct line lines[] = {
	{ .name = "it starts empty",
	  .caller = { "LD_PRELOAD=/x.so", "PATH=/x", "TOKEN=secret" },
	  .path = _PATH_DEFPATH },
	{ .name = "own entries in their order",
	  .own = { "B=2", "A=1" },
	  .expected = { "B=2", "A=1" },
	  .path = _PATH_DEFPATH },
	{ .name = "the later entry of one name holds, in its place",
	  .own = { "A=1", "B=2", "A=3" },
	  .expected = { "A=3", "B=2" },
	  .path = _PATH_DEFPATH },
	{ .name = "only what is named is inherited",
	  .inherit = { "TERM", "LANG" },
	  .caller = { "TERM=vt100", "GLIBC_TUNABLES=x", "TERMINFO=/t" },
	  .expected = { "TERM=vt100" },
	  .path = _PATH_DEFPATH },
	{ .name = "a loader variable too, when it is named",
	  .inherit = { "LD_LIBRARY_PATH" },
	  .caller = { "LD_LIBRARY_PATH=/x" },
	  .expected = { "LD_LIBRARY_PATH=/x" },
	  .path = _PATH_DEFPATH },
	{ .name = "an own entry goes before an inherited one",
	  .own = { "TERM=dumb" },
	  .inherit = { "TERM" },
	  .caller = { "TERM=vt100" },
	  .expected = { "TERM=dumb" },
	  .path = _PATH_DEFPATH },
	{ .name = "empty values are values",
	  .own = { "A=" },
	  .inherit = { "B" },
	  .caller = { "B=" },
	  .expected = { "A=", "B=" },
	  .path = _PATH_DEFPATH },
	{ .name = "values may hold anything",
	  .own = { "A==b=c\nd" },
	  .expected = { "A==b=c\nd" },
	  .path = _PATH_DEFPATH },
	{ .name = "PATH of the profile",
	  .own = { "XPATH=/no", "PATH=/bin:/usr/bin" },
	  .expected = { "XPATH=/no", "PATH=/bin:/usr/bin" },
	  .path = "/bin:/usr/bin" },
	{ .name = "PATH of the caller",
	  .inherit = { "PATH" },
	  .caller = { "PATH=/opt/bin" },
	  .expected = { "PATH=/opt/bin" },
	  .path = "/opt/bin" },
	{ .name = "entries of the caller without a sign are no variables",
	  .inherit = { "A" },
	  .caller = { "A", "A=1" },
	  .expected = { "A=1" },
	  .path = _PATH_DEFPATH },
};

static struct strings list(const char *const *words, const char **copy)
{
	struct strings strings = { .items = copy };

	while (strings.count < WORDS && words[strings.count]) {
		copy[strings.count] = words[strings.count];
		strings.count++;
	}
	return strings;
}

static void test_lines(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		const struct line *line = &lines[i];
		const char *own[WORDS], *inherit[WORDS];
		const struct caller caller = { .environ = line->caller };
		struct profile profile = { 0 };
		struct plan plan = { .caller = &caller, .profile = &profile };
		struct error err;
		size_t count = 0;

		print_message("%s\n", line->name);
		profile.process.env = list(line->own, own);
		profile.process.inherit_env = list(line->inherit, inherit);
		assert_int_equal(environment_plan(&profile, &plan, &err), 0);
		for (; plan.environment.envp[count]; count++) {
			assert_true(count < WORDS && line->expected[count]);
			assert_string_equal(plan.environment.envp[count], line->expected[count]);
		}
		assert_null(line->expected[count]);
		assert_string_equal(plan.environment.path, line->path);
		arena_free(&plan.arena);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_lines) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
