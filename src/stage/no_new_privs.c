/* no_new_privs: no execve inside ever gives more privilege than its caller had.
 *
 * plan     (parent) refuses a profile that wants to do without where the launcher itself already runs with it: the
 *          bit is inherited and cannot be taken off.
 * confine  (payload) sets the bit. Comes after the credentials, which it does not hinder, and before landlock and
 *          seccomp, which demand it of a process without CAP_SYS_ADMIN.
 *
 * Needs: prctl(2) PR_SET_NO_NEW_PRIVS, Linux 3.5. Cannot fail there; attest reads it back. Nothing to undo.
 */
#include "stage/stage.h"

#include <sys/prctl.h>

int no_new_privs_plan(const struct profile *profile, struct plan *plan, struct error *err)
{
	(void)plan;
	if (profile->no_new_privs || prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 0)
		return 0;
	fail(err, K_NO_NEW_PRIVS, "cannot run without no_new_privs: the launcher was itself started with it");
	return error_remedy(err, "it is inherited and cannot be taken off; start the launcher without it");
}

/* Should: make set-user-ID bits and file capabilities void.  Mustn't: be skipped because a filter would do. */
CHILD int no_new_privs_confine(const struct plan *plan, struct inside *inside, struct error *err)
{
	(void)inside;
	if (plan->profile->no_new_privs && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		return fail_errno(err, K_NO_NEW_PRIVS, "cannot set no_new_privs");
	return 0;
}

void no_new_privs_describe(const struct plan *plan, struct description *out)
{
	describe(out, K_NO_NEW_PRIVS, -1,
		 plan->profile->no_new_privs
			 ? "no program inside gains privilege by being executed"
			 : "set-user-ID programs and file capabilities may give privilege, up to the bounding set");
}
