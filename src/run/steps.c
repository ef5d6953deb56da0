/* steps: the driver of the launcher's columns. Runs in the launcher, from plan to undo.
 *
 * A leaf says what it could not do; this file adds where (stage and phase) and, where the leaf chose no exit status,
 * the one of the phase: what plan cannot do the host lacks (122), what a later phase cannot do is a failed stage
 * (123).
 */
#include "run/steps.h"

#include <stdio.h>

#include "base/clock.h"
#include "base/format.h"

CHILD void steps_stamp(struct error *err, enum phase phase, const char *stage)
{
	if (!err->stage[0])
		format_text(err->stage, sizeof(err->stage), "%s", stage);
	if (!err->phase[0])
		format_text(err->phase, sizeof(err->phase), "%s", phase_names[phase]);
	if (!err->exit_status)
		err->exit_status = phase == PHASE_PLAN ? EXIT_OF_HOST : EXIT_OF_STAGE;
}

void steps_announce(enum phase phase, const char *stage)
{
	(void)fprintf(stderr, "sandbox: %-7s %s\n", phase_names[phase], stage);
}

static int64_t begin(const struct steps *steps, enum phase phase, int row)
{
	if (steps->verbose)
		steps_announce(phase, pipeline[row].name);
	return clock_now();
}

static void finish(const struct steps *steps, enum phase phase, int row, int64_t started)
{
	if (steps->timings)
		steps->timings->cell[row][phase] = clock_now() - started;
}

int steps_plan(const struct steps *steps, const struct profile *profile, struct plan *plan, struct error *err)
{
	for (int row = 0; row < STAGE_COUNT; row++) {
		int64_t started = 0;

		if (!pipeline[row].plan)
			continue;
		started = begin(steps, PHASE_PLAN, row);
		if (pipeline[row].plan(profile, plan, err)) {
			steps_stamp(err, PHASE_PLAN, pipeline[row].name);
			return -1;
		}
		finish(steps, PHASE_PLAN, row, started);
	}
	return 0;
}

int steps_check(const struct profile *profile, struct plan *plan,
		void found(const struct profile *, const struct error *))
{
	int count = 0;

	for (int row = 0; row < STAGE_COUNT; row++) {
		struct error err = { 0 };

		if (!pipeline[row].plan || !pipeline[row].plan(profile, plan, &err))
			continue;
		steps_stamp(&err, PHASE_PLAN, pipeline[row].name);
		if (err.exit_status != EXIT_OF_PROFILE)
			continue;
		found(profile, &err);
		count++;
	}
	return count;
}

int steps_host(const struct steps *steps, enum phase phase, const struct plan *plan, struct host *host,
	       struct error *err)
{
	for (int row = 0; row < STAGE_COUNT; row++) {
		host_fn *cell = phase == PHASE_HOST ? pipeline[row].host : pipeline[row].attach;
		int64_t started = 0;

		if (!cell)
			continue;
		started = begin(steps, phase, row);
		if (cell(plan, host, err)) {
			steps_stamp(err, phase, pipeline[row].name);
			return -1;
		}
		finish(steps, phase, row, started);
	}
	return 0;
}

void steps_undo(const struct steps *steps, const struct plan *plan, struct host *host)
{
	for (int row = STAGE_COUNT - 1; row >= 0; row--) {
		int64_t started = 0;

		if (!pipeline[row].undo)
			continue;
		started = begin(steps, PHASE_UNDO, row);
		pipeline[row].undo(plan, host);
		finish(steps, PHASE_UNDO, row, started);
	}
}
