/* descriptors: what the payload finds open: 0, 1 and 2, and what process.pass_fds names.
 *
 * plan     (parent) checks that every descriptor to be passed was given to us by the caller. One that the caller
 *          passed over its exec cannot be close-on-exec, and everything of our own is from birth: that tells them
 *          apart.
 * host     (parent) marks everything above 2 close-on-exec, so that no helper program gets what the caller left open.
 * confine  (payload) really closes all else. Close-on-exec would not do: until the exec such a descriptor can be
 *          reached through /proc/self/fd, by the exec itself too. Comes after everything that works with descriptors
 *          of its own.
 *
 * Three descriptors of ours outlive this cell, close-on-exec each: the record socket, which reports a failed execve,
 * and the running pipe, whose end is the exec (run/record.h), and the procfs that attest reads and then closes.
 *
 * Needs: close_range(2), Linux 5.11. Nothing to undo.
 */
#include "stage/stage.h"

#include <fcntl.h>
#include <limits.h>
#include <linux/close_range.h>
#include <stdlib.h>

#include "base/syscall.h"

enum { FIRST_FREE = 3 }; /* below it are the standard descriptors */

static int check_open(int fd, int index, struct error *err)
{
	int flags = fcntl(fd, F_GETFD);

	if (flags >= 0 && !(flags & FD_CLOEXEC))
		return 0;
	fail_at(err, K_PROCESS_PASS_FDS, index, "descriptor %d is not open", fd);
	error_remedy(err, "the caller must open it: sandbox ... %d<FILE", fd);
	return error_exit(err, EXIT_OF_USAGE);
}

static int by_number(const void *a, const void *b)
{
	int left = *(const int *)a, right = *(const int *)b;

	return (left > right) - (left < right);
}

int descriptors_plan(const struct profile *profile, struct plan *plan, struct error *err)
{
	const struct ints *wanted = &profile->process.pass_fds;
	struct descriptors_plan *fds = &plan->descriptors;
	size_t kept = 0;

	fds->pass = arena_array(&plan->arena, wanted->count, sizeof(*fds->pass));
	if (!fds->pass)
		return fail_errno(err, K_PROCESS_PASS_FDS, "cannot keep the list of descriptors");
	for (size_t i = 0; i < wanted->count; i++) {
		if (wanted->items[i] < FIRST_FREE)
			continue;
		if (check_open(wanted->items[i], (int)i, err))
			return -1;
		fds->pass[fds->count++] = wanted->items[i];
	}
	qsort(fds->pass, fds->count, sizeof(*fds->pass), by_number);
	for (size_t i = 0; i < fds->count; i++)
		if (!i || fds->pass[i] != fds->pass[i - 1])
			fds->pass[kept++] = fds->pass[i];
	fds->count = kept;
	return 0;
}

int descriptors_host(const struct plan *plan, struct host *host, struct error *err)
{
	(void)plan;
	(void)host;
	if (sys_close_range(FIRST_FREE, UINT_MAX, CLOSE_RANGE_CLOEXEC))
		return fail_errno(err, 0, "cannot mark the caller's descriptors close-on-exec");
	return 0;
}

/* The lowest descriptor from `from` on that stays open; INT_MAX when there is none. */
CHILD static int next_kept(const struct plan *plan, const struct inside *inside, int from)
{
	const int own[] = { inside->socket, inside->running, inside->procfs };
	int next = INT_MAX;

	for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++)
		if (own[i] >= from && own[i] < next)
			next = own[i];
	for (size_t i = 0; i < plan->descriptors.count; i++)
		if (plan->descriptors.pass[i] >= from && plan->descriptors.pass[i] < next)
			next = plan->descriptors.pass[i];
	return next;
}

CHILD static int close_others(const struct plan *plan, const struct inside *inside, struct error *err)
{
	for (int from = FIRST_FREE;;) {
		int kept = next_kept(plan, inside, from);

		if (kept > from && sys_close_range((unsigned)from, kept == INT_MAX ? UINT_MAX : (unsigned)kept - 1, 0))
			return fail_errno(err, 0, "cannot close the descriptors from %d on", from);
		if (kept == INT_MAX)
			return 0;
		from = kept + 1;
	}
}

CHILD static int pass(int fd, struct error *err)
{
	if (fcntl(fd, F_SETFD, 0))
		return fail_errno(err, fd < FIRST_FREE ? 0 : K_PROCESS_PASS_FDS, "cannot pass descriptor %d", fd);
	return 0;
}

/* Should: leave exactly what the plan names.  Mustn't: close our socket, or a failed execve could not be told. */
CHILD int descriptors_confine(const struct plan *plan, struct inside *inside, struct error *err)
{
	if (close_others(plan, inside, err))
		return -1;
	for (int fd = 0; fd < FIRST_FREE; fd++)
		if (pass(fd, err))
			return -1;
	for (size_t i = 0; i < plan->descriptors.count; i++)
		if (pass(plan->descriptors.pass[i], err))
			return -1;
	return 0;
}

void descriptors_describe(const struct plan *plan, struct description *out)
{
	describe(out, 0, -1, "closes every descriptor above 2");
	describe_need(out, "close_range (Linux 5.9)");
	for (size_t i = 0; i < plan->descriptors.count; i++)
		describe(out, K_PROCESS_PASS_FDS, -1, "except %d, which the caller opened", plan->descriptors.pass[i]);
}
