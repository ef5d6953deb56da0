/* request: what a client asks a running sandbox's keeper for: one message, checked as a whole before any of it is used.
 *
 * A fixed head, then strings, each with its NUL: the command's words, further variables, a directory if there is one.
 * With exec come three descriptors, the command's 0, 1 and 2. */
#ifndef RUN_REQUEST_H
#define RUN_REQUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <termios.h>

/* Bytes of one message; variables in it, each of which is looked for among the others. */
enum { REQUEST_MAX = 128 * 1024, REQUEST_VARIABLES_MAX = 1024 };

enum request_type {
	REQUEST_EXEC = 1, /* answered by records: cloned, pty, failed, exited (run/record.h) */
	REQUEST_INSPECT,  /* answered by JSON, in pieces, until the end */
	REQUEST_KILL,     /* answered by cloned */
	REQUEST_TYPE_COUNT,
};

struct request_head {
	char magic[8];
	char version[24];     /* of the client: another program's records need not be ours */
	uint32_t record_size; /* likewise */
	uint32_t type;        /* enum request_type */
	uint32_t words, variables, directories;
	int32_t signal; /* kill; 0: end in order */
	uint8_t pty;    /* exec: wants a pseudo-terminal */
	uint8_t slave;  /* exec: which of 0-2 it becomes, a bit each */
	uint8_t window_known, modes_known;
	struct winsize window;
	struct termios modes;
};

/* Fills in what says who we are. */
void request_init(struct request_head *head, enum request_type type);

/* A request that was received. The strings point into it. */
struct request {
	struct request_head head;
	char **words, **variables; /* NULL-terminated */
	const char *directory;     /* NULL: none */
	char *memory;
};

/* Checks `length` bytes of a message, which become the request's memory (`data`, from malloc, with room for one more).
 * 0; -1 when it is none of ours: it has been freed then. */
int request_read(char *data, size_t length, struct request *ret);
void request_free(struct request *request);

/* Whether who is at the other end is this process's user, and in its user and pid namespaces: a payload is so at most
 * one by one. Asked of a connection: who connected, or who listens (unix(7), SO_PEERCRED). False where /proc does not
 * tell. */
bool request_peer_ours(int socket);

/* Sends one: the head, then `count` strings. `fds`: three descriptors, or NULL. 0, or -1 with errno; EMSGSIZE when it
 * is too long. */
int request_send(int socket, const struct request_head *head, char *const *strings, const int *fds);

/* Receives one from a socket that does not block: 1; 0 when there is none yet; -1 when it is none of ours, or the
 * client is gone. The descriptors are the caller's; -1 where none came. */
int request_receive(int socket, struct request *ret, int fds[3]);

#endif
