/* terminal: raw mode, and back.
 *
 * Runs in the launcher, while it supervises. With a pseudo-terminal inside, the caller's own must neither echo nor edit
 * nor turn keys into signals: the inner one does. What was changed is put back on every way out of supervise(), before
 * a stop too; only SIGKILL leaves a terminal raw. Waiting modes of tcsetattr(3) are not used: a terminal stopped with
 * ^S would hang us. Nothing here fails the launch: without raw mode the terminal is awkward, not unsafe.
 */
#include "run/terminal.h"

#include <sys/ioctl.h>
#include <unistd.h>

bool terminal_foreground(int fd)
{
	return tcgetpgrp(fd) == getpgrp();
}

void terminal_raw(struct terminal *terminal)
{
	struct termios modes;

	if (terminal->raw || !terminal_foreground(STDIN_FILENO) || tcgetattr(STDIN_FILENO, &terminal->saved))
		return;
	modes = terminal->saved;
	cfmakeraw(&modes);
	terminal->raw = !tcsetattr(STDIN_FILENO, TCSANOW, &modes);
}

void terminal_restore(struct terminal *terminal)
{
	if (terminal->raw && terminal_foreground(STDIN_FILENO))
		(void)tcsetattr(STDIN_FILENO, TCSANOW, &terminal->saved);
	terminal->raw = false;
}

void terminal_copy_size(int master)
{
	struct winsize size;

	if (!ioctl(STDIN_FILENO, TIOCGWINSZ, &size) || !ioctl(STDOUT_FILENO, TIOCGWINSZ, &size))
		(void)ioctl(master, TIOCSWINSZ, &size);
}
