/* report: prints errors, diagnostics and timings.
 *
 * Runs in the launcher, at its end. A message has one grammar, assembled from three sources: the leaf said what, the
 * driver stamped stage and phase, and the profile knows the key's place. Texts of errors and diagnostics come here with
 * their control characters escaped; the file name is the user's own word and is escaped here.
 *
 * Nothing fails: who closed standard error reads no messages.
 */
#include "run/report.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/page.h"

static void print_escaped(const char *text)
{
	for (; *text; text++) {
		unsigned char c = (unsigned char)*text;

		if (c < ' ' || c == 0x7f)
			(void)fprintf(stderr, "\\x%02x", c);
		else
			(void)fputc(c, stderr);
	}
}

/* Who speaks; on a terminal so that it is seen among what the payload prints. */
static void print_name(enum page_style style)
{
	const struct page page = page_of(STDERR_FILENO);
	struct text name = { 0 };

	page_add(&page, &name, style, "sandbox:");
	(void)fprintf(stderr, "%s ", name.data ? name.data : "sandbox:");
	text_free(&name);
}

/* "sandbox: FILE:LINE: KEY: ", as much of it as is known. */
static void print_place(const char *file, int line, const char *key)
{
	print_name(STYLE_BAD);
	if (file) {
		print_escaped(file);
		if (line > 0)
			(void)fprintf(stderr, ":%d", line);
		(void)fputs(": ", stderr);
	}
	if (key && key[0]) {
		print_escaped(key);
		(void)fputs(": ", stderr);
	}
}

static void print_remedy(const char *remedy)
{
	if (!remedy || !remedy[0])
		return;
	print_name(STYLE_WARN);
	(void)fprintf(stderr, "%s\n", remedy);
}

void report_error(const struct profile *profile, const struct error *err)
{
	struct location place = { 0 };

	if (profile && err->key != K_NONE)
		profile_locate(profile, err->key, err->index, &place);
	print_place(place.file, place.line, place.path);
	(void)fputs(err->what, stderr);
	if (err->sys_errno)
		(void)fprintf(stderr, ": %s", strerror(err->sys_errno));
	if (err->stage[0])
		(void)fprintf(stderr, " (%s, %s)", err->stage, err->phase);
	(void)fputc('\n', stderr);
	print_remedy(err->remedy);
}

void report_diagnostics(const struct diagnostics *diagnostics)
{
	for (size_t i = 0; i < diagnostics->count; i++) {
		const struct diagnostic *item = &diagnostics->items[i];

		print_place(item->file, item->line, item->key);
		(void)fprintf(stderr, "%s\n", item->what);
		print_remedy(item->remedy);
	}
}

static bool ran(const struct timings *timings, int stage)
{
	for (int phase = 0; phase < PHASE_COUNT; phase++)
		if (timings->cell[stage][phase])
			return true;
	return false;
}

static void print_microseconds(int64_t nanoseconds)
{
	if (nanoseconds)
		(void)fprintf(stderr, " %9.1f", (double)nanoseconds / 1000);
	else
		(void)fprintf(stderr, " %9s", "-");
}

void report_timings(const struct timings *timings)
{
	int64_t sums[PHASE_COUNT] = { 0 };

	(void)fprintf(stderr, "%-14s", "microseconds");
	for (int phase = 0; phase < PHASE_COUNT; phase++)
		(void)fprintf(stderr, " %9s", phase_names[phase]);
	(void)fputc('\n', stderr);
	for (int stage = 0; stage < STAGE_COUNT; stage++) {
		if (!ran(timings, stage))
			continue;
		(void)fprintf(stderr, "%-14s", pipeline[stage].name);
		for (int phase = 0; phase < PHASE_COUNT; phase++) {
			print_microseconds(timings->cell[stage][phase]);
			sums[phase] += timings->cell[stage][phase];
		}
		(void)fputc('\n', stderr);
	}
	(void)fprintf(stderr, "%-14s", "all");
	for (int phase = 0; phase < PHASE_COUNT; phase++)
		print_microseconds(sums[phase]);
	(void)fputc('\n', stderr);
}
