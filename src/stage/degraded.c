/* degraded: the list of features that a profile allows to be absent and that are. Helper of every stage's plan
 * (parent); the verdict reports the list. */
#include "stage/stage.h"

int plan_degraded(struct plan *plan, const char *feature, struct error *err)
{
	const char *copy = arena_copy(&plan->arena, feature);

	if (!copy)
		return fail_errno(err, 0, "cannot note that %s is left out", feature);
	if (plan->degraded_count == sizeof(plan->degraded) / sizeof(plan->degraded[0]))
		return fail(err, 0, "cannot note that %s is left out: too many features are", feature);
	plan->degraded[plan->degraded_count++] = copy;
	return 0;
}
