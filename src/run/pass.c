/* pass: how a signal to the launcher reaches the payload.
 *
 * Runs in the launcher, for supervise(). One sent to the launcher's process goes to the payload's process; one that a
 * terminal sent to the launcher's process group (si_code SI_KERNEL, sigaction(2)) goes to the payload's process group,
 * as it would without us. Stopping and continuing are always for the group: whoever stops the launcher means the job.
 *
 * With an init the signal travels as a record, because only inside is the payload's number known; the socket's end here
 * does not block, and a signal that finds it full waits, once, like a pending signal does. Without init the child is
 * the payload, and is signalled directly. It is process 1 of its namespace then, and the kernel drops signals that it
 * does not handle, SIGKILL and SIGSTOP excepted (pid_namespaces(7)).
 *
 * A signal that the launcher was started to ignore, by nohup(1) or as a script's background job, stays ignored.
 *
 * Never fails: a payload that is gone needs no signal.
 */
#include "run/pass.h"

#include <errno.h>

#include "base/syscall.h"
#include "run/record.h"

static const struct pass passes[] = {
	{ SIGTERM, TO_PROCESS, true }, { SIGINT, AS_SENT, true },      { SIGHUP, AS_SENT, true },
	{ SIGQUIT, AS_SENT, true },    { SIGUSR1, TO_PROCESS, false }, { SIGUSR2, TO_PROCESS, false },
	{ SIGWINCH, AS_SENT, false },  { SIGTSTP, TO_GROUP, false },   { SIGCONT, TO_GROUP, false },
};

enum { PASS_COUNT = sizeof(passes) / sizeof(passes[0]) };

const struct pass *pass_find(int number)
{
	for (int i = 0; i < PASS_COUNT; i++)
		if (passes[i].number == number)
			return &passes[i];
	return NULL;
}

void pass_set(sigset_t *ret)
{
	struct sigaction action;

	sigemptyset(ret);
	for (int i = 0; i < PASS_COUNT; i++)
		if (sigaction(passes[i].number, NULL, &action) || action.sa_handler != SIG_IGN)
			sigaddset(ret, passes[i].number);
}

/* The child's number is safe: it is ours to wait for. */
static void send_directly(const struct launch *launch, int number, bool group)
{
	if (!group || kill(-launch->host.child, number))
		(void)sys_pidfd_send_signal(launch->host.child_pidfd, number);
}

/* False when the socket is full for now. */
static bool send_one(const struct launch *launch, int number, bool group)
{
	struct record record = { .type = RECORD_SIGNAL };

	if (launch->host.child == 0)
		return true;
	if (!launch->plan->process.init) {
		send_directly(launch, number, group);
		return true;
	}
	record.signal.number = number;
	record.signal.group = group;
	return !record_send(launch->socket, &record, -1) || errno != EAGAIN;
}

void pass_pending(struct passing *passing, const struct launch *launch)
{
	for (int to = TO_PROCESS; to <= TO_GROUP; to++) {
		for (int number = 1; passing->pending[to] >> number; number++) {
			uint64_t bit = UINT64_C(1) << number;

			if (!(passing->pending[to] & bit))
				continue;
			if (!send_one(launch, number, to == TO_GROUP))
				return;
			passing->pending[to] &= ~bit;
		}
	}
}

void pass(struct passing *passing, const struct launch *launch, int number, int to)
{
	passing->pending[to] |= UINT64_C(1) << number;
	pass_pending(passing, launch);
}
