/* plan: what stages share when they plan. Runs in the launcher, in the plan column; touches nothing but the plan. */
#include "stage/stage.h"

#include <string.h>

int plan_degraded(struct plan *plan, const char *feature, struct error *err)
{
	const size_t room = sizeof(plan->degraded) / sizeof(plan->degraded[0]);
	char *copy = NULL;

	for (size_t i = 0; i < plan->degraded_count; i++)
		if (!strcmp(plan->degraded[i], feature))
			return 0;
	if (plan->degraded_count == room) {
		fail(err, 0, "cannot note that %s is left out: more than %zu features are", feature, room);
		return error_exit(err, EXIT_OF_INTERNAL);
	}
	copy = arena_copy(&plan->arena, feature);
	if (!copy)
		return fail_errno(err, 0, "cannot note that %s is left out", feature);
	plan->degraded[plan->degraded_count++] = copy;
	return 0;
}
