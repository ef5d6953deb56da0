/* rlimits: the sixteen resource limits of setrlimit(2).
 *
 * plan     (parent) takes each limit from the profile and holds it against the hard limit that the launcher has: a
 *          limit that the profile writes and that lies above it is refused, a default of the language is cut to it.
 *          Only CAP_SYS_RESOURCE on the host could raise it, and a profile whose limits depend on who starts it would
 *          be the worse answer.
 * confine  (payload) sets them; init keeps the launcher's. After process, whose changes a limit may forbid; everything
 *          below in the pipeline lives under the payload's own limits already, which is why RLIMIT_NOFILE has a floor.
 *
 * Limits that the profile has no word about stay the caller's. Nothing to undo: they are the payload's alone.
 */
#include "stage/stage.h"

#include <stddef.h>

#include "base/format.h"

struct resource {
	int number; /* RLIMIT_* */
	int key;
	size_t offset; /* of its struct limit in struct profile */
	const char *name;
};

#define RESOURCE(resource, field)                                                                                     \
	{                                                                                                             \
		RLIMIT_##resource, K_RLIMITS_##resource, offsetof(struct profile, rlimits.field), "RLIMIT_" #resource \
	}

static const struct resource resources[] = {
	RESOURCE(AS, as),           RESOURCE(CORE, core),         RESOURCE(CPU, cpu),
	RESOURCE(DATA, data),       RESOURCE(FSIZE, fsize),       RESOURCE(LOCKS, locks),
	RESOURCE(MEMLOCK, memlock), RESOURCE(MSGQUEUE, msgqueue), RESOURCE(NICE, nice),
	RESOURCE(NOFILE, nofile),   RESOURCE(NPROC, nproc),       RESOURCE(RSS, rss),
	RESOURCE(RTPRIO, rtprio),   RESOURCE(RTTIME, rttime),     RESOURCE(SIGPENDING, sigpending),
	RESOURCE(STACK, stack),
};

enum { RESOURCE_COUNT = sizeof(resources) / sizeof(resources[0]) };

_Static_assert(RESOURCE_COUNT == (int)RLIM_NLIMITS, "every limit of the kernel has a key");

/* Beside 0-2 and what is passed, the launch itself holds three descriptors at most (record socket, running pipe, and a
 * procfs or a landlock ruleset) and opens two more at a time. */
enum { NOFILE_OWN = 3 + 3 + 2 };

static rlim_t kernel_value(uint64_t value)
{
	return value == SIZE_UNLIMITED ? RLIM_INFINITY : (rlim_t)value;
}

static rlim_t at_most(rlim_t value, rlim_t highest)
{
	return value < highest ? value : highest;
}

static bool written(const struct profile *profile, int key)
{
	struct location place;

	profile_locate(profile, key, -1, &place);
	return place.written;
}

static int above_hard(const struct resource *resource, rlim_t wanted, rlim_t hard, struct error *err)
{
	if (wanted == RLIM_INFINITY)
		fail(err, resource->key, "cannot lift %s: the launcher's own hard limit is %llu", resource->name,
		     (unsigned long long)hard);
	else
		fail(err, resource->key, "cannot set %s to %llu: the launcher's own hard limit is %llu", resource->name,
		     (unsigned long long)wanted, (unsigned long long)hard);
	return error_remedy(err, "lower the value, or raise the limit of whoever starts the launcher: ulimit -H, "
				 "limits.conf(5), or Limit...= of the systemd unit");
}

static int check_nofile(const struct plan *plan, const struct rlimit_entry *entry, struct error *err)
{
	size_t lowest = NOFILE_OWN + plan->profile->process.pass_fds.count;

	if (entry->resource != RLIMIT_NOFILE || entry->limit.rlim_cur >= lowest)
		return 0;
	fail(err, entry->key, "cannot do with %llu descriptors: the launch itself needs %zu",
	     (unsigned long long)entry->limit.rlim_cur, lowest);
	return error_exit(err, EXIT_OF_PROFILE);
}

static int plan_limit(const struct profile *profile, struct plan *plan, const struct resource *resource,
		      struct error *err)
{
	const struct limit *limit = (const void *)((const char *)profile + resource->offset);
	struct rlimit_entry *entry = &plan->rlimits.items[plan->rlimits.count];
	struct rlimit launcher;

	if (limit->soft == SIZE_UNSET)
		return 0;
	if (getrlimit(resource->number, &launcher))
		return fail_errno(err, resource->key, "cannot read the launcher's %s", resource->name);
	*entry = (struct rlimit_entry){ .resource = resource->number, .key = resource->key };
	entry->limit.rlim_cur = kernel_value(limit->soft);
	entry->limit.rlim_max = kernel_value(limit->hard);
	if (entry->limit.rlim_max > launcher.rlim_max && written(profile, resource->key))
		return above_hard(resource, entry->limit.rlim_max, launcher.rlim_max, err);
	entry->limit.rlim_max = at_most(entry->limit.rlim_max, launcher.rlim_max);
	entry->limit.rlim_cur = at_most(entry->limit.rlim_cur, entry->limit.rlim_max);
	plan->rlimits.count++;
	return check_nofile(plan, entry, err);
}

int rlimits_plan(const struct profile *profile, struct plan *plan, struct error *err)
{
	for (size_t i = 0; i < RESOURCE_COUNT; i++)
		if (plan_limit(profile, plan, &resources[i], err))
			return -1;
	return 0;
}

CHILD static const char *name_of(int number)
{
	for (size_t i = 0; i < RESOURCE_COUNT; i++)
		if (resources[i].number == number)
			return resources[i].name;
	return NULL;
}

/* Should: set the hard limit too, or the payload takes the soft one back.  Mustn't: run in init. */
CHILD int rlimits_confine(const struct plan *plan, struct inside *inside, struct error *err)
{
	(void)inside;
	for (size_t i = 0; i < plan->rlimits.count; i++) {
		const struct rlimit_entry *entry = &plan->rlimits.items[i];

		if (setrlimit((__rlimit_resource_t)entry->resource, &entry->limit))
			return fail_errno(err, entry->key, "cannot set %s to %lu", name_of(entry->resource),
					  (unsigned long)entry->limit.rlim_max);
	}
	return 0;
}

enum { LIMIT_SIZE = 24 };

static void limit_text(rlim_t limit, char text[LIMIT_SIZE])
{
	if (limit == RLIM_INFINITY)
		format_text(text, LIMIT_SIZE, "unlimited");
	else
		format_text(text, LIMIT_SIZE, "%lu", (unsigned long)limit);
}

void rlimits_describe(const struct plan *plan, struct description *out)
{
	for (size_t i = 0; i < plan->rlimits.count; i++) {
		const struct rlimit_entry *entry = &plan->rlimits.items[i];
		const char *name = name_of(entry->resource);
		char soft[LIMIT_SIZE], hard[LIMIT_SIZE];

		limit_text(entry->limit.rlim_cur, soft);
		limit_text(entry->limit.rlim_max, hard);
		describe(out, entry->key, -1, "%s soft %s, hard %s", name, soft, hard);
	}
}
