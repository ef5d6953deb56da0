/* cli: the command line as data. */
#ifndef CLI_H
#define CLI_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/error.h"
#include "gen/options.h"

/* The values of an option that may be given more than once, in order. */
struct words {
	const char **items;
	size_t count;
};

struct cli {
	enum command_id command;
	bool given[O_COUNT];
	const char *value[O_COUNT]; /* of an option that may stand once */
	struct words profiles, sets, params;
	struct words variables; /* exec: --env */
	char **rest;            /* what follows the options: the command, profiles to check, a key; NULL-terminated */
	int rest_count;
};

/* Reads argv. 0, or -1 with exit status 120 in *err. Memory is the arena's and argv's. */
int cli_read(int argc, char **argv, struct arena *arena, struct cli *ret, struct error *err);

/* Prints to stdout the help that was asked for: of one command, or of all. Lines are at most 80 columns wide. */
void cli_help(const struct cli *cli);

/* Where a program was not found that is called like a command of ours: says so in *err's remedy. */
void cli_misplaced(const struct cli *cli, struct error *err);

#endif
