/* network_holder: who has a port of the host. */
#ifndef STAGE_NETWORK_HOLDER_H
#define STAGE_NETWORK_HOLDER_H

#include "stage/network.h"

enum { HOLDER_SIZE = 256 };

/* The relay of published ports (run/forward.c) as others see it: the name of the process, and what its title begins
 * with; the name of its sandbox follows. */
#define FORWARD_NAME "sandbox-forward"
#define FORWARD_TITLE "sandbox-forward: "

/* Who keeps the launcher from the host's port that `port` wants: "nginx (process 12)", or as much of it as the host
 * tells. Returns `to`. */
const char *holder_of(const struct published *port, char to[HOLDER_SIZE]);

#endif
