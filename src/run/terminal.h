/* terminal: the caller's terminal while a pseudo-terminal stands in for it. */
#ifndef RUN_TERMINAL_H
#define RUN_TERMINAL_H

#include <stdbool.h>
#include <termios.h>

/* Zero-initialised is a valid one that was never touched. */
struct terminal {
	bool raw;
	struct termios saved; /* valid when raw */
};

/* Whether `fd` is a terminal whose foreground process group is ours: reading from it or changing its modes in any other
 * state would stop us. */
bool terminal_foreground(int fd);

/* Standard input to raw mode, so that every key goes inside: only in the foreground, otherwise nothing. */
void terminal_raw(struct terminal *terminal);

/* Back to what it was, unless another job has the terminal by now. Idempotent. */
void terminal_restore(struct terminal *terminal);

/* Gives `master` the window size of standard input or else output; the kernel tells the inside (SIGWINCH). */
void terminal_copy_size(int master);

#endif
