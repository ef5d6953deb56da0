/* session: cuts what ties the sandbox to its caller's login: keyring, session, inherited signal state.
 *
 * enter    (child, in its new namespaces) joins a fresh session keyring, so that keys of the caller's cannot be
 *          searched or read; becomes leader of a session of its own, so that it has no controlling terminal and the
 *          caller's terminal cannot signal it; and makes every signal unblocked and at its default action, whatever
 *          the launcher was started with or uses itself. Before root, so that nothing of the image is touched with
 *          the caller's keys at hand; after userns, whose ids own the keyring. init and the payload inherit all
 *          three.
 *
 * Needs: keyrings(7), Linux 2.6.10. A kernel without keys answers ENOSYS, and then there is nothing to be cut off
 * from; the same answer from an outer filter holds for the payload as well. Each keyring counts against the user's
 * quota (/proc/sys/kernel/keys/maxkeys): EDQUOT. Nothing to undo: keyring and session end with their last process.
 */
#include "stage/stage.h"

#include <errno.h>
#include <linux/keyctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/syscall.h"

enum {
	KERNEL_SIGNALS = 64, /* _NSIG - 1 of every architecture we build for */
	KERNEL_SIGSET_SIZE = 8,
};

CHILD static int join_keyring(struct inside *inside, struct error *err)
{
	inside->keyring = (int)sys_keyctl(KEYCTL_JOIN_SESSION_KEYRING, 0);
	if (inside->keyring >= 0 || errno == ENOSYS)
		return 0;
	fail_errno(err, 0, "cannot join a fresh session keyring");
	if (errno == EDQUOT)
		error_remedy(err,
			     "this user's keys are used up, one for each running sandbox: raise kernel.keys.maxkeys");
	return -1;
}

/* By plain system calls: the C library's hide the two signals that it keeps for threads, and a caller may have had
 * those ignored too. A zeroed action is the default one in every architecture's layout. SIGKILL and SIGSTOP refuse. */
CHILD static int reset_signals(struct error *err)
{
	static const unsigned char zeroes[64];

	for (int number = 1; number <= KERNEL_SIGNALS; number++) {
		if (number == SIGKILL || number == SIGSTOP)
			continue;
		if (syscall(SYS_rt_sigaction, number, zeroes, NULL, KERNEL_SIGSET_SIZE))
			return fail_errno(err, 0, "cannot reset signal %d", number);
	}
	if (syscall(SYS_rt_sigprocmask, SIG_SETMASK, zeroes, NULL, KERNEL_SIGSET_SIZE))
		return fail_errno(err, 0, "cannot unblock signals");
	return 0;
}

/* Should: fail whenever the session stays the caller's.  Mustn't: unblock signals before the session is our own, or a
 * key on the caller's terminal could end a half-made sandbox. */
CHILD int session_enter(const struct plan *plan, struct inside *inside, struct error *err)
{
	(void)plan;

	if (join_keyring(inside, err))
		return -1;
	if (setsid() < 0)
		return fail_errno(err, 0, "cannot start a session");
	return reset_signals(err);
}

void session_describe(const struct plan *plan, struct description *out)
{
	(void)plan;
	describe(out, 0, -1, "joins a fresh session keyring, where the kernel has keys");
	describe(out, 0, -1, "starts a session without a terminal");
	describe(out, 0, -1, "every signal is unblocked and at its default action");
}
