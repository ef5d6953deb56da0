/* tty: what the payload's standard descriptors are, so that the caller's terminal stays out of its reach.
 *
 * A process that holds a terminal can read its keys, change its modes and, on some kernels, type into it (TIOCSTI). So
 * no descriptor of the caller's terminal goes in, unless the profile says "inherit":
 *   - a pseudo-terminal of the sandbox's own takes its place when standard input and output are one terminal whose
 *     foreground group we are in ("auto"), or always ("always"). The launcher copies between the two (run/relay.c);
 *   - any other of descriptors 0 to 2 that is a terminal becomes a pipe, copied one way;
 *   - so do 1 and 2 where there is an output limit, whatever they are: what is copied can be counted.
 *
 * plan     (parent) decides which, and remembers the terminal's size and modes. Changes nothing.
 * host     (parent) makes the pipes: child and launcher must both have them. After join and cgroup, whose failures then
 *          leave no pipe behind. Pipes, these and the caller's, can be opened anew inside by name afterwards.
 * attach   (parent) closes the payload's ends on this side: an end kept open here would hide the payload's EOF.
 * enter    (child) opens a pseudo-terminal in the sandbox's own devpts, by descriptor from the new root (the working
 *          directory); where the profile mounts none, in a devpts instance that is mounted nowhere. After mounts. The
 *          child sends the master up; what was opened is checked to be a multiplexer on a devpts, because the image may
 *          have put something else there.
 * confine  (payload) with a pseudo-terminal: starts a session, whose controlling terminal it becomes. Without: starts a
 *          process group in the session that init leads (stage session), so that a stop signal from the launcher's
 *          terminal stops the whole job; the kernel ignores those in a group without a parent in its session. Then the
 *          descriptors go into place. Before descriptors, which closes the rest, and before attest, which looks at
 *          them.
 * undo     closes pipes that are still open.
 *
 * Needs: pts(4), TIOCGPTPEER (Linux 4.13). Failure stops the launch. The kernel's limit kernel.pty.max shows as ENOSPC.
 */
#include "stage/stage.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/file.h"
#include "base/syscall.h"

/* ---- plan ------------------------------------------------------------------------------------------------------- */

static bool same_file(int a, int b)
{
	struct stat first, second;

	return !fstat(a, &first) && !fstat(b, &second) && first.st_dev == second.st_dev &&
	       first.st_ino == second.st_ino;
}

static bool in_foreground(int terminal)
{
	return tcgetpgrp(terminal) == getpgrp();
}

/* Where the profile's own devpts will be, by the last mount that brings one; NULL when none does. */
static int find_ptmx(const struct profile *profile, struct plan *plan, struct error *err)
{
	const char *below = NULL, *target = NULL;

	for (size_t i = 0; i < profile->mounts.count; i++) {
		const struct mount *mount = &profile->mounts.items[i];

		if (mount->type != MOUNTS_TYPE_DEV && mount->type != MOUNTS_TYPE_DEVPTS)
			continue;
		target = mount->target;
		below = mount->type == MOUNTS_TYPE_DEV ? "pts/ptmx" : "ptmx";
	}
	if (!target)
		return 0;
	plan->tty.ptmx = arena_format(&plan->arena, "%s/%s", target, below);
	return plan->tty.ptmx ? 0 : fail_errno(err, K_PROCESS_TTY, "cannot remember a path");
}

/* The new terminal starts with the size and modes of the caller's, so that a program's first question is answered
 * right. */
static void remember_terminal(struct tty_plan *tty, const bool terminal[3])
{
	int fd = terminal[0] ? 0 : 1;

	if (!terminal[fd])
		return;
	tty->window_known = !ioctl(fd, TIOCGWINSZ, &tty->window);
	tty->modes_known = !tcgetattr(fd, &tty->modes);
}

static int plan_inherit(const struct profile *profile, const bool terminal[3], struct error *err)
{
	if (profile->process.output_limit == SIZE_UNLIMITED || (!terminal[1] && !terminal[2]))
		return 0;
	fail(err, K_PROCESS_OUTPUT_LIMIT, "cannot count what goes to an inherited terminal");
	error_remedy(err, "set process.tty to another value than \"inherit\"");
	return error_exit(err, EXIT_OF_PROFILE);
}

int tty_plan(const struct profile *profile, struct plan *plan, struct error *err)
{
	const bool terminal[3] = { isatty(0), isatty(1), isatty(2) };
	const bool counted = profile->process.output_limit != SIZE_UNLIMITED;
	struct tty_plan *tty = &plan->tty;
	int mode = profile->process.tty;

	*tty = (struct tty_plan){ 0 };
	if (mode == PROCESS_TTY_INHERIT && plan_inherit(profile, terminal, err))
		return -1;
	tty->pty = mode == PROCESS_TTY_ALWAYS ||
		   (mode == PROCESS_TTY_AUTO && terminal[0] && terminal[1] && same_file(0, 1) && in_foreground(0));
	for (int fd = 0; fd < 3; fd++) {
		tty->slave[fd] = tty->pty && (fd < 2 || mode == PROCESS_TTY_ALWAYS || (terminal[2] && same_file(1, 2)));
		tty->relay[fd] =
			!tty->slave[fd] && ((terminal[fd] && mode != PROCESS_TTY_INHERIT) || (counted && fd > 0));
	}
	tty->joined_output = tty->relay[1] && tty->relay[2] && same_file(1, 2);
	if (tty->pty)
		remember_terminal(tty, terminal);
	/* A command that comes later may have a terminal where this one has none. */
	return find_ptmx(profile, plan, err);
}

/* ---- host, attach, undo ---------------------------------------------------------------------------------------------
 */

/* Only our end never blocks: the payload's is an ordinary pipe, as a shell would give it. */
static int make_pipe(struct host *host, int fd, struct error *err)
{
	int ends[2];
	int ours = fd ? 0 : 1;

	if (pipe2(ends, O_CLOEXEC))
		return fail_errno(err, K_PROCESS_TTY, "cannot make a pipe for descriptor %d", fd);
	host->relay[fd] = ends[ours];
	host->relay_inside[fd] = ends[!ours];
	host->handed.relay[fd] = ends[!ours];
	if (fcntl(ends[ours], F_SETFL, O_NONBLOCK))
		return fail_errno(err, K_PROCESS_TTY, "cannot make a pipe non-blocking");
	return 0;
}

/* Scripts say >/dev/stderr, servers name /dev/stdout as their log. */
int tty_host(const struct plan *plan, struct host *host, struct error *err)
{
	for (int fd = 0; fd < 3; fd++) {
		if (plan->tty.slave[fd])
			continue;
		if (!plan->tty.relay[fd])
			fd_lend_pipe(fd);
		else if (fd == 2 && plan->tty.joined_output)
			host->handed.relay[2] = host->handed.relay[1];
		else if (make_pipe(host, fd, err))
			return -1;
		else
			fd_lend_pipe(host->relay_inside[fd]);
	}
	return 0;
}

int tty_attach(const struct plan *plan, struct host *host, struct error *err)
{
	(void)plan;
	(void)err;

	for (int fd = 0; fd < 3; fd++)
		fd_close(&host->relay_inside[fd]);
	return 0;
}

void tty_undo(const struct plan *plan, struct host *host)
{
	(void)plan;

	for (int fd = 0; fd < 3; fd++) {
		fd_close(&host->relay[fd]);
		fd_close(&host->relay_inside[fd]);
	}
}

/* ---- enter ---------------------------------------------------------------------------------------------------------
 */

/* A devpts instance of our own that no path leads to: its slaves work, they just have no name. */
CHILD static int open_private_ptmx(struct error *err)
{
	AUTO_CLOSE int context = sys_fsopen("devpts", 0);
	AUTO_CLOSE int mount = -1;
	int ptmx = -1;

	if (context < 0 || sys_fsconfig(context, FSCONFIG_SET_STRING, "ptmxmode", "0600", 0) ||
	    sys_fsconfig(context, FSCONFIG_CMD_CREATE, NULL, NULL, 0))
		return fail_errno(err, K_PROCESS_TTY, "cannot make a devpts instance");
	mount = sys_fsmount(context, 0, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC);
	ptmx = mount < 0 ? -1 : openat(mount, "ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC);
	return ptmx < 0 ? fail_errno(err, K_PROCESS_TTY, "cannot open a pseudo-terminal") : ptmx;
}

CHILD static int check_ptmx(int ptmx, const char *path, struct error *err)
{
	struct statfs where;
	struct stat what;

	if (fstatfs(ptmx, &where) || fstat(ptmx, &what))
		return fail_errno(err, K_PROCESS_TTY, "cannot inspect %s", path);
	if (where.f_type != DEVPTS_SUPER_MAGIC || !S_ISCHR(what.st_mode) || what.st_rdev != makedev(5, 2))
		return fail(err, K_PROCESS_TTY, "cannot use %s: not a terminal multiplexer of a devpts", path);
	return 0;
}

/* Without O_NONBLOCK an open of something else that a hostile image put there could hang. */
CHILD static int open_ptmx(const struct tty_plan *tty, struct error *err)
{
	AUTO_CLOSE int ptmx = -1;

	if (!tty->ptmx)
		return open_private_ptmx(err);
	ptmx = open_in_root(AT_FDCWD, tty->ptmx, O_RDWR | O_NOCTTY | O_NONBLOCK, 0);
	if (ptmx < 0)
		return fail_errno(err, K_PROCESS_TTY, "cannot open %s", tty->ptmx);
	return check_ptmx(ptmx, tty->ptmx, err) ? -1 : TAKE_FD(ptmx);
}

/* The slave starts as the caller's terminal is, and belongs to the payload's user, as after a login. Mustn't: open the
 * slave by name (TIOCGPTPEER needs none). */
CHILD static int open_slave(const struct plan *plan, int master, struct error *err)
{
	const struct tty_plan *tty = &plan->tty;
	AUTO_CLOSE int slave = -1;
	int locked = 0;

	if (ioctl(master, TIOCSPTLCK, &locked))
		return fail_errno(err, K_PROCESS_TTY, "cannot unlock a pseudo-terminal");
	slave = ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (slave < 0)
		return fail_errno(err, K_PROCESS_TTY, "cannot open the slave of a pseudo-terminal");
	if (tty->modes_known && tcsetattr(slave, TCSANOW, &tty->modes))
		return fail_errno(err, K_PROCESS_TTY, "cannot set the modes of a pseudo-terminal");
	if (tty->window_known && ioctl(slave, TIOCSWINSZ, &tty->window))
		return fail_errno(err, K_PROCESS_TTY, "cannot set the size of a pseudo-terminal");
	if (fchown(slave, plan->ids.uid, (gid_t)-1))
		return fail_errno(err, K_PROCESS_TTY, "cannot give a pseudo-terminal to user %u", plan->ids.uid);
	return TAKE_FD(slave);
}

CHILD int tty_enter(const struct plan *plan, struct inside *inside, struct error *err)
{
	AUTO_CLOSE int master = -1;

	if (!plan->tty.pty)
		return 0;
	master = open_ptmx(&plan->tty, err);
	if (master < 0)
		return -1;
	inside->pty_slave = open_slave(plan, master, err);
	if (inside->pty_slave < 0)
		return -1;
	inside->pty_master = TAKE_FD(master);
	return 0;
}

/* ---- confine -------------------------------------------------------------------------------------------------------
 */

/* The payload without an init leads the sandbox's session already. */
CHILD static int lead(const struct tty_plan *tty, const struct inside *inside, struct error *err)
{
	bool leads = getsid(0) == getpid();

	if (!tty->pty) {
		if (!leads && setpgid(0, 0))
			return fail_errno(err, K_PROCESS_TTY, "cannot start a process group");
		return 0;
	}
	if (!leads && setsid() < 0)
		return fail_errno(err, K_PROCESS_TTY, "cannot start a session");
	if (ioctl(inside->pty_slave, TIOCSCTTY, 0))
		return fail_errno(err, K_PROCESS_TTY, "cannot make the pseudo-terminal the controlling terminal");
	return 0;
}

/* Should: leave no descriptor of the caller's terminal among 0 to 2, unless it is to be inherited.  Mustn't: run in
 * init, whose session the payload with a pseudo-terminal leaves. */
CHILD int tty_confine(const struct plan *plan, struct inside *inside, struct error *err)
{
	const struct tty_plan *tty = &plan->tty;

	if (lead(tty, inside, err))
		return -1;
	for (int fd = 0; fd < 3; fd++) {
		int source = tty->slave[fd] ? inside->pty_slave : tty->relay[fd] ? inside->handed.relay[fd] : -1;

		if (source >= 0 && dup2(source, fd) < 0)
			return fail_errno(err, K_PROCESS_TTY, "cannot set up descriptor %d", fd);
	}
	fd_close(&inside->pty_slave);
	return 0;
}

void tty_describe(const struct plan *plan, struct description *out)
{
	static const char *const names[] = { "standard input", "standard output", "standard error" };
	const struct tty_plan *tty = &plan->tty;

	if (tty->pty)
		describe(out, K_PROCESS_TTY, -1, "gives the payload a pseudo-terminal from %s",
			 tty->ptmx ? tty->ptmx : "a devpts of its own");
	for (int fd = 0; fd < 3; fd++) {
		if (tty->slave[fd])
			describe(out, K_PROCESS_TTY, -1, "%s is the pseudo-terminal", names[fd]);
		else if (tty->relay[fd])
			describe(out, K_PROCESS_TTY, -1, "%s is a pipe that the launcher copies", names[fd]);
	}
	if (!tty->pty)
		describe(out, K_PROCESS_TTY, -1, "no controlling terminal");
	else
		describe_need(out, "devpts");
}
