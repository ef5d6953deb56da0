/* forward: relays the published ports that the packet filter does not lead inside. */
#ifndef RUN_FORWARD_H
#define RUN_FORWARD_H

#include "stage/stage.h"

/* Zero bytes with lifeline and pidfd -1: none. */
struct forward {
	pid_t pid;    /* 0: none */
	int pidfd;    /* readable when the relay has ended, which it does on its own account only by a fault; may be
	               * closed then, and set to -1 */
	int lifeline; /* our end; the relay ends when it closes */
};

/* Forks the relay over the sockets that `host` has reserved; nothing to do when there are none. Called when the sandbox
 * has its addresses, before `go`, so that no payload runs with a port that nobody serves. 0 or -1. */
int forward_start(const struct plan *plan, const struct host *host, struct forward *ret, struct error *err);

/* Says in *err how a relay ended that should not have. False: there was none. */
bool forward_explain_loss(const struct forward *forward, struct error *err);

/* Ends the relay and waits for it, a second at most. What the sandbox had sent before is still delivered to clients
 * that read it. To be called when the sandbox has ended, before its interface goes. Idempotent. */
void forward_stop(struct forward *forward);

#endif
