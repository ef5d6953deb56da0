/* plan: what every stage's plan may do to the plan as a whole. Parent only, in the plan column. */
#include "stage/stage.h"

int plan_degraded(struct plan *plan, const char *feature, struct error *err)
{
	const size_t room = sizeof(plan->degraded) / sizeof(plan->degraded[0]);
	const char *copy = arena_copy(&plan->arena, feature);

	if (!copy)
		return fail_errno(err, 0, "cannot note that %s is left out", feature);
	if (plan->degraded_count == room)
		return fail(err, 0, "cannot leave out %s: more than %zu things are left out already", feature, room);
	plan->degraded[plan->degraded_count++] = copy;
	return 0;
}
