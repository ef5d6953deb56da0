/* mkfilters: compiles the system call filters of shipped profiles at build time.
 *
 *	mkfilters OUT.c PROFILE.conf ...
 *
 * Loads each profile as the launcher would, compiles its filter with the launcher's own code, and writes the table in
 * which src/stage/seccomp.c looks first. Profiles with the same rules share a filter. Linked with the launcher's
 * objects and an empty table. Runs on the build machine, whose ABI must be the target's: a filter's native ABI is
 * that of its compiler.
 *
 * A shipped profile takes its root file system as parameter `root`, which need not exist where it is built: it gets the
 * directory profiles then, which is no part of a filter.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "profile/load.h"
#include "stage/seccomp_filters.h"
#include "stage/seccomp_policy.h"

const struct shipped_filter shipped_filters[1];
const unsigned shipped_filter_count = 0;

enum { FILTERS_MAX = 64 };

static struct made {
	char *text;
	size_t text_length;
} made[FILTERS_MAX];
static unsigned made_count;
static struct arena arena;

static void stop(const char *profile, const char *what) __attribute__((noreturn));

static void stop(const char *profile, const char *what)
{
	fprintf(stderr, "mkfilters: %s: %s\n", profile, what);
	exit(1);
}

static const struct profile *load(const char *path)
{
	static const char *const params[] = { "root=profiles" };
	static const char *const environ_none[] = { NULL };
	struct profile_request request = { .profiles = &path,
					   .profile_count = 1,
					   .id = "0000000000000000",
					   .params = params,
					   .environ = environ_none,
					   .uid = getuid(),
					   .gid = getgid() };
	struct diagnostics diagnostics = { .arena = &arena };
	const struct profile *profile = NULL;

	for (request.param_count = 0; request.param_count <= 1; request.param_count++) {
		diagnostics.count = 0;
		if (!profile_load(&request, &arena, &profile, &diagnostics))
			return profile;
	}
	stop(path, diagnostics.count ? diagnostics.items[0].what : "cannot be loaded");
}

static bool is_made(const char *text, size_t length)
{
	for (unsigned i = 0; i < made_count; i++)
		if (made[i].text_length == length && !memcmp(made[i].text, text, length))
			return true;
	return false;
}

static void put_filter(FILE *out, const char *text, size_t length, const struct sock_filter *filter, unsigned count)
{
	fprintf(out, "static const char text_%u[] = {", made_count);
	for (size_t i = 0; i < length; i++)
		fprintf(out, "%s%d,", i % 24 ? " " : "\n\t", text[i]);
	fprintf(out, "\n};\nstatic const struct sock_filter filter_%u[] = {", made_count);
	for (unsigned i = 0; i < count; i++)
		fprintf(out, "%s{ 0x%x, %u, %u, 0x%xU },", i % 4 ? " " : "\n\t", filter[i].code, filter[i].jt,
			filter[i].jf, filter[i].k);
	fputs("\n};\n", out);
}

static unsigned add(FILE *out, const char *path)
{
	const struct profile *profile = load(path);
	struct policy *policy = NULL;
	struct sock_filter *filter = NULL;
	unsigned short count = 0;
	struct error err = { 0 };
	size_t length = 0;
	char *text = policy_text(profile, &arena, &length);

	if (!text)
		stop(path, "no memory");
	if (is_made(text, length))
		return 0;
	if (made_count == FILTERS_MAX)
		stop(path, "too many profiles");
	if (policy_make(profile, &arena, &policy, &err) || policy_compile(policy, &arena, &filter, &count, &err))
		stop(path, err.what);
	put_filter(out, text, length, filter, count);
	made[made_count++] = (struct made){ text, length };
	return count;
}

int main(int argc, char **argv)
{
	unsigned counts[FILTERS_MAX] = { 0 };
	FILE *out = argc > 1 ? fopen(argv[1], "w") : NULL;

	if (!out)
		stop(argc > 1 ? argv[1] : "usage", "cannot write");
	fputs("/* Made by mkfilters. */\n#include \"stage/seccomp_filters.h\"\n", out);
	for (int i = 2; i < argc; i++) {
		unsigned count = add(out, argv[i]);

		if (count)
			counts[made_count - 1] = count;
	}
	fputs("const struct shipped_filter shipped_filters[] = {\n", out);
	for (unsigned i = 0; i < made_count; i++)
		fprintf(out, "\t{ text_%u, %zu, %u, filter_%u },\n", i, made[i].text_length, counts[i], i);
	fprintf(out, "\t{ 0 },\n};\nconst unsigned shipped_filter_count = %u;\n", made_count);
	if (ferror(out) || fclose(out))
		stop(argv[1], "cannot write");
	arena_free(&arena);
	return 0;
}
