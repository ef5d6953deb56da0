/* record: what launcher and child say to each other.
 *
 * One SOCK_SEQPACKET pair, whole records in one message, some with a descriptor. The launcher's end is the lifeline:
 * when it closes, for whatever reason, the child's side reads EOF and everything inside ends.
 *
 *   down   go{handed}            the barrier: attach is through; enter may begin
 *          signal{number, group} init passes it on to the payload, or to the payload's process group
 *   up     stage{stage, phase}   a cell begins (sent only when the launcher listens: -v)
 *          pty{} + descriptor    master side of the payload's terminal
 *          failed{error}         a cell failed, or execve did; nothing runs
 *          exited{status}        wait status of the payload, from init
 *          entrances{kinds, root} + descriptors    what whoever comes later needs (run/keeper.c)
 *          cloned{pid} + pidfd   from the one-shot process that joins namespaces before it clones (launch.c)
 *
 * An agent and its client (run/agent.c, run/exec.c) use the same records: signal down; pty, failed and exited up;
 * cloned, without a descriptor, says that the request was taken.
 *
 * "Running" is no record: it is EOF on the CLOEXEC pipe that only the payload process holds, which no failure can
 * forge. Callable in both processes.
 */
#ifndef RUN_RECORD_H
#define RUN_RECORD_H

#include "stage/stage.h"

enum record_type {
	RECORD_GO = 1,
	RECORD_SIGNAL,
	RECORD_STAGE,
	RECORD_PTY,
	RECORD_FAILED,
	RECORD_EXITED,
	RECORD_CLONED,
	RECORD_ENTRANCES,
};

/* All that one record can carry: the namespaces and the procfs. */
enum { RECORD_FDS_MAX = NAMESPACE_COUNT + 1 };

struct record_fds {
	int fd[RECORD_FDS_MAX];
	size_t count;
};

struct record {
	int type; /* enum record_type */
	union {
		struct handed handed;
		struct {
			int number;
			bool group;
		} signal;
		struct {
			int stage, phase;
		} cell;
		struct error error;
		int status;
		pid_t pid;
		struct {
			unsigned kinds; /* a bit for each descriptor that comes along, by enum namespace_kind; the
					   last is the procfs */
			uint64_t root;
		} entrances;
	};
};

/* Sends one record, with `fd` when it is not -1 (which stays the caller's). 0, or -1 with errno. Without a descriptor
 * this is a plain write(2), which every filter of a payload allows: execve's failure is still to be told after
 * seccomp. It can raise SIGPIPE, which the launcher ignores and which ends a child whose launcher is gone. */
CHILD int record_send(int socket, const struct record *record, int fd);

/* The same with several descriptors, at most RECORD_FDS_MAX. */
CHILD int record_send_fds(int socket, const struct record *record, const struct record_fds *fds);

/* The same; what came along is the caller's. */
CHILD int record_receive_fds(int socket, struct record *ret, struct record_fds *ret_fds);
CHILD void record_close_fds(struct record_fds *fds);

/* An end that closes with something unread is told to the other as ECONNRESET, once and before the records that it had
 * sent (unix(7)): these are read all the same. */

/* Receives one record. 1 when there is one, 0 at EOF, -1 with errno (EAGAIN on a non-blocking socket, EPROTO for a
 * message that is no record). *ret_fd is a new descriptor, or -1; the caller owns it. */
CHILD int record_receive(int socket, struct record *ret, int *ret_fd);

/* The child is ours, but what it writes is checked like anyone's: its texts end, its exit status is one of ours. */
void record_check_error(struct error *error);

#endif
