/* time: the offsets of CLOCK_MONOTONIC and CLOCK_BOOTTIME inside.
 *
 * plan     (parent, before anything exists) makes the text that the kernel wants, and refuses offsets that would put a
 *          clock before its zero, which the kernel refuses too, but later.
 * enter    (child, with CAP_SYS_ADMIN and CAP_SYS_TIME in its user namespace) unshares the time namespace and writes
 *          the offsets. Not in clone3's flags: the first process in a time namespace freezes its offsets
 *          (time_namespaces(7)). unshare(2) puts only the next child into it, so the payload must be forked from here:
 *          the profile's init is needed. Before root, while the host's /proc is in sight.
 *
 * The file belongs to its process's user only while the process is dumpable, and the child is not any more. It becomes
 * so for the one open(2): nothing of the payload or of its image exists yet, and processes of the same host user are
 * either the caller's own or, as root with a range of ids, none.
 *
 * Needs: Linux 5.6 with CONFIG_TIME_NS, which namespaces_plan has seen. Nothing to undo: offsets die with the
 * namespace.
 */
#include "stage/stage.h"

#include <fcntl.h>
#include <inttypes.h>
#include <sched.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/file.h"
#include "base/format.h"

static int add_offset(struct time_plan *plan, clockid_t clock, int64_t offset, int key, struct error *err)
{
	size_t length = strlen(plan->offsets);
	int64_t seconds = offset / NSEC_PER_SEC, nanoseconds = offset % NSEC_PER_SEC;
	struct timespec now;

	if (offset == DURATION_UNSET)
		return 0;
	if (clock_gettime(clock, &now))
		return fail_errno(err, key, "cannot read the clock");
	if (nanoseconds < 0) {
		seconds--;
		nanoseconds += NSEC_PER_SEC;
	}
	if (now.tv_sec + seconds < 0) {
		fail(err, key, "cannot set the clock back by %" PRId64 "s: it stands at %" PRId64 "s", -seconds,
		     (int64_t)now.tv_sec);
		return error_exit(err, EXIT_OF_HOST);
	}
	format_text(plan->offsets + length, sizeof(plan->offsets) - length, "%d %ld %ld\n", (int)clock, (long)seconds,
		    (long)nanoseconds);
	return 0;
}

static int refuse(int key, const char *what, const char *remedy, struct error *err)
{
	fail(err, key, "%s", what);
	error_remedy(err, "%s", remedy);
	return error_exit(err, EXIT_OF_PROFILE);
}

int time_plan(const struct profile *profile, struct plan *plan, struct error *err)
{
	bool asked = profile->time.monotonic != DURATION_UNSET || profile->time.boottime != DURATION_UNSET;
	int key = profile->time.monotonic != DURATION_UNSET ? K_TIME_MONOTONIC : K_TIME_BOOTTIME;

	if (!plan->namespaces.time)
		return asked ? refuse(key, "cannot set clock offsets: the sandbox has no time namespace of its own",
				      "let `namespaces` name time", err)
			     : 0;
	if (!profile->process.init)
		return refuse(K_NAMESPACES,
			      "cannot use a time namespace without an init: a process enters it by being forked",
			      "set process.init = true", err);
	return add_offset(&plan->time, CLOCK_MONOTONIC, profile->time.monotonic, K_TIME_MONOTONIC, err) ||
			       add_offset(&plan->time, CLOCK_BOOTTIME, profile->time.boottime, K_TIME_BOOTTIME, err)
		       ? -1
		       : 0;
}

/* Should: leave the process non-dumpable on every path.  Mustn't: run after anything of the image was opened. */
CHILD static int open_offsets(struct error *err)
{
	int fd = -1;

	if (prctl(PR_SET_DUMPABLE, 1, 0, 0, 0))
		return fail_errno(err, K_NAMESPACES, "cannot become dumpable");
	fd = open("/proc/self/timens_offsets", O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		fail_errno(err, K_NAMESPACES, "cannot open /proc/self/timens_offsets");
	if (!prctl(PR_SET_DUMPABLE, 0, 0, 0, 0))
		return fd;
	fd_close(&fd);
	return fail_errno(err, K_NAMESPACES, "cannot become non-dumpable");
}

CHILD int time_enter(const struct plan *plan, struct inside *inside, struct error *err)
{
	const char *offsets = plan->time.offsets;
	AUTO_CLOSE int fd = -1;

	(void)inside;
	if (!plan->namespaces.time)
		return 0;
	if (unshare(CLONE_NEWTIME))
		return fail_errno(err, K_NAMESPACES, "cannot make a time namespace");
	if (!offsets[0])
		return 0;
	fd = open_offsets(err);
	if (fd < 0)
		return -1;
	return write_all(fd, offsets, strlen(offsets))
		       ? fail_errno(err, K_TIME_MONOTONIC, "cannot set the offsets of the time namespace")
		       : 0;
}

void time_describe(const struct plan *plan, struct description *out)
{
	const struct profile *profile = plan->profile;

	if (!plan->namespaces.time)
		return;
	describe(out, K_NAMESPACES, -1, "a time namespace of its own, entered by what is forked in it");
	describe_need(out, "time namespaces (Linux 5.6)");
	if (profile->time.monotonic != DURATION_UNSET)
		describe(out, K_TIME_MONOTONIC, -1, "CLOCK_MONOTONIC is moved by %" PRId64 " ms",
			 profile->time.monotonic / (NSEC_PER_SEC / 1000));
	if (profile->time.boottime != DURATION_UNSET)
		describe(out, K_TIME_BOOTTIME, -1, "CLOCK_BOOTTIME is moved by %" PRId64 " ms",
			 profile->time.boottime / (NSEC_PER_SEC / 1000));
}
