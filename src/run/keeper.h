/* keeper: lets others ask about a running sandbox, run a further command in it, or end it. */
#ifndef RUN_KEEPER_H
#define RUN_KEEPER_H

#include "run/record.h"
#include "run/registry.h"

struct launch;

enum { KEEPER_GUESTS = 64 };
enum { KEEPER_END = -1 };

/* A client: first its connection, which owes us a request; then the process that serves it. */
struct guest {
	int socket, pidfd; /* -1; one of them at a time */
	pid_t pid;
	int64_t deadline; /* of the request; CLOCK_MONOTONIC, nanoseconds */
};

struct keeper {
	struct registry registry;
	int lock;      /* says that the sandbox lives; -1: it is not registered */
	int listening; /* -1: nobody can come */
	int events;    /* epoll(7): everything the keeper waits for; -1 */
	bool admitting;
	int64_t reopening; /* when to admit again after descriptors ran out; CLOCK_MONOTONIC, 0: not */
	struct entrances entrances;
	struct guest guests[KEEPER_GUESTS];
};

/* Nobody can come, nothing is open. */
void keeper_init(struct keeper *keeper);

/* Registers the sandbox and opens its socket. A user without a place for that has none, and no error. Called when the
 * child is on its way, so that nothing which the launcher forks before inherits the lock. */
void keeper_start(struct launch *launch);

/* Takes over what the child has handed up. */
void keeper_take(struct keeper *keeper, const struct record *record, struct record_fds *fds);

/* The command runs: from now on clients are served. Those who came before wait. */
void keeper_admit(struct keeper *keeper);

/* Serves what can be served without waiting. Returns the signal that a client wants the command to get, KEEPER_END for
 * an end in order, 0 for none. */
int keeper_step(struct launch *launch);

/* When keeper_step() is due, no later than `due`. */
int64_t keeper_due(const struct keeper *keeper, int64_t due);

/* The sandbox is about to end: whoever was stopped while it serves a client goes on. A pid namespace does not end
 * before the parents of its processes have waited for them, and an agent is one (run/agent.c). */
void keeper_wake(const struct keeper *keeper);

/* The sandbox has ended: waits for the processes that served clients, which have ended with it, and lets go of its
 * namespaces. Idempotent. */
void keeper_stop(struct keeper *keeper);

/* Nothing of the sandbox is left: takes it off the register. Idempotent. */
void keeper_unregister(struct launch *launch);

#endif
