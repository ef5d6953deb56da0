/* ask: how a command reaches the keeper of a running sandbox. */
#ifndef RUN_ASK_H
#define RUN_ASK_H

#include "run/registry.h"

/* A sandbox that was found, and whom to ask about it. */
struct asked {
	struct arena arena;
	struct registry registry;
	struct registered sandbox;
	int socket; /* connected to the keeper; -1 */
};

/* Finds the sandbox that `word` names and connects to its keeper, which must be this user's. To be given to
 * ask_end() whether or not this succeeded. 0, or -1. */
int ask_begin(struct asked *ret, const char *word, struct error *err);
void ask_end(struct asked *asked);

/* Waits until the keeper has said something. 0; -1 with *err when that takes too long. */
int ask_wait(const struct asked *asked, struct error *err);

/* The commands. Each prints, and returns 0 or -1. `signal` NULL: the sandbox is to end in order, and is waited for. */
int ask_inspect(const char *word, struct error *err);
int ask_kill(const char *word, const char *signal, struct error *err);

#endif
