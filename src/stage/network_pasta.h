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

/* The address at which pasta answers name queries (its --dns-forward), where the host's own resolver is on its
 * loopback interface. Of the documentation networks (RFC 5737): nobody's, and not among the link-local ones, which
 * take a rule. */
#define PASTA_RESOLVER "203.0.113.53"

/* network_pasta.c. In this order: plan, host, attach, enter, undo. */

/* The program's path, in `arena`; NULL: not installed. An ordinary user's search path is looked at last. */
const char *pasta_find(struct arena *arena, const struct caller *caller);

/* Refuses what pasta cannot do; fills net->pasta. */
int pasta_plan(struct plan *plan, struct net_plan *net, struct error *err);

/* Makes its command line and the wall (network_wall.c), and lets go of the reserved ports, which it binds itself. Last
 * of the host column: network->published is empty then. */
int pasta_host(const struct plan *plan, struct network_host *network, struct error *err);

/* Starts it, and waits until it says that the interface is there and set up. */
int pasta_attach(struct host *host, struct error *err);

/* Looks whether the addresses asked for are there; closes what it leaves open (network->wall). */
CHILD int pasta_enter(const struct plan *plan, const struct network_host *network, struct error *err);
void pasta_undo(struct host *host);

/* network_wall.c. The rules that keep the host's loopback addresses out of reach behind pasta. */
int wall_build(const struct plan *plan, const struct network_host *network, struct messages *ret, struct error *err);

#endif
