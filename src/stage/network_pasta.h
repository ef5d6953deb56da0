/* network_pasta: between the files that have to do with pasta. */
#ifndef STAGE_NETWORK_PASTA_H
#define STAGE_NETWORK_PASTA_H

#include "stage/network.h"

/* What the process that becomes pasta is given: made before the fork, read after it. Descriptors are 3 or above. */
struct pasta_start {
	char *const *argv;
	pid_t launcher;
	int userns, netns;
	int ready; /* writing end: a struct error when it cannot become pasta; then pasta's own process id, as text */
	int words; /* writing end, non-blocking: its standard error */
	uint32_t uid, gid; /* to become in the sandbox's user namespace; ID_UNSET: stay what the launcher is */
};

/* Its words, NULL at the end, in the network's arena; NULL when there is no memory. */
char **pasta_command_line(const struct net_plan *net, const struct network_host *network, struct error *err);

/* Becomes pasta: enters the user namespace, gives up everything else, executes. */
CHILD void pasta_become(const struct pasta_start *start) __attribute__((noreturn));

#endif
