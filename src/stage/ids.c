/* ids: the user, group and supplementary groups that the payload runs as, numbered as inside.
 *
 * plan     (parent) finds out whether the group list can be set at all. That a user namespace has these ids, or that
 *          the caller may do without one, userns has seen to.
 * confine  (payload) sets groups, gid and uid, in this order: each needs a capability that the next takes away. Comes
 *          after everything that needs the builder's rights; capabilities, in the row below, has arranged that the
 *          permitted set survives the change and then reduces it.
 *
 * setgroups(2) is denied in the user namespace of an ordinary user (user_namespaces(7)): the caller's groups then
 * stay, shown inside as 65534, and a profile that names groups is refused. Nothing to undo.
 */
#include "stage/stage.h"

#include "base/syscall.h"

static int check_groups(const struct profile *profile, const struct plan *plan, struct error *err)
{
	if (plan->ids.set_groups || !profile->users.groups.count)
		return 0;
	fail(err, K_USERS_GROUPS, "cannot set supplementary groups in the user namespace of an ordinary user");
	return error_remedy(err, "leave users.groups empty, or launch as root");
}

int ids_plan(const struct profile *profile, struct plan *plan, struct error *err)
{
	const struct ints *groups = &profile->users.groups;
	struct ids_plan *ids = &plan->ids;
	bool inside = plan->userns.create || plan->userns.joined;

	ids->uid = profile->users.uid;
	ids->gid = profile->users.gid;
	ids->set_groups = inside ? !plan->userns.deny_setgroups : plan->caller->root;
	ids->groups = arena_array(&plan->arena, groups->count, sizeof(*ids->groups));
	if (!ids->groups)
		return fail_errno(err, K_USERS_GROUPS, "cannot keep the list of groups");
	for (size_t i = 0; i < groups->count; i++)
		ids->groups[ids->group_count++] = (gid_t)groups->items[i];
	return check_groups(profile, plan, err);
}

/* Should: leave no id of the builder behind, saved ones too.  Mustn't: set the uid first: the groups would stay. */
CHILD int ids_confine(const struct plan *plan, struct inside *inside, struct error *err)
{
	const struct ids_plan *ids = &plan->ids;

	(void)inside;
	if (ids->set_groups && sys_setgroups(ids->group_count, ids->groups))
		return fail_errno(err, K_USERS_GROUPS, "cannot set %zu supplementary groups", ids->group_count);
	if (sys_setresgid(ids->gid, ids->gid, ids->gid))
		return fail_errno(err, K_USERS_GID, "cannot become group %u", ids->gid);
	if (sys_setresuid(ids->uid, ids->uid, ids->uid))
		return fail_errno(err, K_USERS_UID, "cannot become user %u", ids->uid);
	return 0;
}

void ids_describe(const struct plan *plan, struct description *out)
{
	const struct ids_plan *ids = &plan->ids;

	describe(out, K_USERS_UID, -1, "becomes user %u", ids->uid);
	describe(out, K_USERS_GID, -1, "becomes group %u", ids->gid);
	if (ids->set_groups && !ids->group_count)
		describe(out, K_USERS_GROUPS, -1, "no supplementary group");
	if (!ids->set_groups)
		describe(out, K_USERS_GROUPS, -1, "the caller's supplementary groups stay, as setgroups is denied");
	for (size_t i = 0; i < ids->group_count; i++)
		describe(out, K_USERS_GROUPS, (int)i, "supplementary group %u", ids->groups[i]);
}
