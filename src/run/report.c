/* report: prints errors, diagnostics and timings.
 *
 * Runs in the launcher, at its end. A message has one grammar, assembled from three sources: the leaf said what, the
 * driver stamped stage and phase, and the profile knows the key's place. Whatever would drive a terminal is escaped.
 *
 * Nothing fails: who closed standard error reads no messages.
 */
#include "run/report.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/page.h"

/* One message: who speaks, in a colour on a terminal so that it is seen among what the payload prints, and what is
 * said. A terminal wider than a page gets it in lines of a page. A narrower one breaks lines by itself, and then a
 * command in a remedy can still be copied; elsewhere a message is one line, for programs that read them. */
static void print_message(enum page_style style, const struct text *said)
{
	const struct page_line line = { .lead = "sandbox:", .lead_style = style, .hang = sizeof("sandbox:") };
	struct page page = page_of(STDERR_FILENO);
	struct text out = { 0 };

	if (!isatty(STDERR_FILENO) || page.width < PAGE_WIDTH)
		page.width = SIZE_MAX / 2;
	page_line(&page, &out, &line, "%s", said->data ? said->data : "");
	(void)fputs(out.data ? out.data : "sandbox: no memory for a message\n", stderr);
	text_free(&out);
}

/* "FILE:LINE: KEY: ", as much of it as is known. */
static void add_place(struct text *to, const char *file, int line, const char *key)
{
	if (file && line > 0)
		text_add(to, "%s:%d: ", file, line);
	else if (file)
		text_add(to, "%s: ", file);
	if (key && key[0])
		text_add(to, "%s: ", key);
}

static void print_remedy(const char *remedy)
{
	struct text said = { 0 };

	if (!remedy || !remedy[0])
		return;
	text_add(&said, "%s", remedy);
	print_message(STYLE_WARN, &said);
	text_free(&said);
}

void report_error(const struct profile *profile, const struct error *err)
{
	struct location place = { 0 };
	struct text said = { 0 };

	if (profile && err->key != K_NONE)
		profile_locate(profile, err->key, err->index, &place);
	add_place(&said, place.file, place.line, place.path);
	text_add(&said, "%s", err->what);
	if (err->sys_errno)
		text_add(&said, ": %s", strerror(err->sys_errno));
	if (err->stage[0])
		text_add(&said, " (%s, %s)", err->stage, err->phase);
	print_message(STYLE_BAD, &said);
	text_free(&said);
	print_remedy(err->remedy);
}

void report_diagnostics(const struct diagnostics *diagnostics)
{
	for (size_t i = 0; i < diagnostics->count; i++) {
		const struct diagnostic *item = &diagnostics->items[i];
		struct text said = { 0 };

		add_place(&said, item->file, item->line, item->key);
		text_add(&said, "%s", item->what);
		print_message(STYLE_BAD, &said);
		text_free(&said);
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
