/* probe: escape attempts, one function each.
 *
 * A probe tries one thing that a sandbox must refuse and says whether it went through. It harms nothing: files that
 * would hurt the host are opened for writing and never written, signals are number 0, calls that would change the
 * kernel get arguments that it must reject after its permission check. The names and numbers follow the attack list
 * of the project's security notes; tests/attack/corpus.tsv says what each must yield, and why.
 */
#ifndef PROBE_H
#define PROBE_H

#include <stdbool.h>

enum outcome {
	BLOCKED, /* the attempt was refused */
	OPEN,    /* it went through */
};

struct probe {
	const char *name;
	enum outcome (*run)(void);
};

/* What the attempt found, for the reader of a failure; printf-like. */
void detail(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* BLOCKED with errno's text when `result` is negative, else OPEN. */
enum outcome judge(long result, const char *what);

/* Opens a path with these flags and judges; never writes. ETXTBSY counts as open: the permission was given. */
enum outcome try_open(const char *path, int flags);

/* The value of bait `name` (NAME=VALUE words on the command line); the probe ends with an error when it is missing. */
const char *bait(const char *name);

extern const struct probe process_probes[], file_probes[], kernel_probes[], net_probes[];

#endif
