/* error: what went wrong, as plain data.
 *
 * A function that can fail returns 0 or -1, takes `struct error *err` last and leaves it untouched on success.
 * Three sources, none typed twice: the leaf says *what* ("cannot <verb> <object>"), the step driver stamps
 * *where* (stage, phase), and the profile knows *which* line the key stands on. The struct holds no pointers and
 * fits PIPE_BUF, so it crosses from the child to the launcher in one write.
 *
 * Everything here is callable in the child after clone: no malloc, no stdio (see base/child.h).
 */
#ifndef BASE_ERROR_H
#define BASE_ERROR_H

#include <limits.h>
#include <stdbool.h>

/* Exit statuses of our own; everything else is the payload's (128+n for signal n). */
enum exit_status {
	EXIT_OF_THRESHOLD = 1,   /* audit: the exposure is above --threshold */
	EXIT_OF_USAGE = 120,     /* the command line is wrong */
	EXIT_OF_PROFILE = 121,   /* the profile is invalid */
	EXIT_OF_HOST = 122,      /* the host lacks what the profile needs */
	EXIT_OF_STAGE = 123,     /* a stage failed */
	EXIT_OF_LIMIT = 124,     /* time limit or output limit */
	EXIT_OF_INTERNAL = 125,  /* our own fault, attestation, teardown */
	EXIT_OF_NOT_EXEC = 126,  /* the command cannot be executed */
	EXIT_OF_NOT_FOUND = 127, /* the command was not found */
};

#define ERROR_WHAT_SIZE 1024
#define ERROR_REMEDY_SIZE 512

struct error {
	int key;                        /* enum key_id of the profile key at fault; 0 when none is */
	int index;                      /* element of the outermost list on that key's path (mounts[2]); -1 when none */
	int sys_errno;                  /* errno of the failed call, 0 when no call failed */
	int exit_status;                /* enum exit_status; 0 = the driver's default for the phase */
	char stage[16];                 /* stamped by the step driver */
	char phase[16];                 /* stamped by the step driver */
	char what[ERROR_WHAT_SIZE];     /* "cannot <verb> <object>"; escaped by error_set */
	char remedy[ERROR_REMEDY_SIZE]; /* what the user can do about it; may be empty */
};

_Static_assert(sizeof(struct error) <= PIPE_BUF, "an error crosses the socket in one write");

/* Each of these fills *err and returns -1, so that a leaf can `return fail(...)`. `key` is an enum key_id or 0.
 * Formats: %s %d %u %o %x %c %%, with l, ll and z lengths; nothing else. Strings may be NULL ("(none)").
 * Control characters in the result are written as \xNN: a hostile file name cannot drive the user's terminal.
 * fail_errno() records the errno it finds on entry. */
int fail(struct error *err, int key, const char *format, ...) __attribute__((format(printf, 3, 4)));
int fail_errno(struct error *err, int key, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* As above, for element `index` of the list that `key` lies in. */
int fail_at(struct error *err, int key, int index, const char *format, ...) __attribute__((format(printf, 4, 5)));
int fail_errno_at(struct error *err, int key, int index, const char *format, ...) __attribute__((format(printf, 4, 5)));

/* Refine an error just made; each returns -1 as well. */
int error_exit(struct error *err, enum exit_status status);
int error_remedy(struct error *err, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
