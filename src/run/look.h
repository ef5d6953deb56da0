/* look: what a process is to the kernel, collected by itself: for `compare`. */
#ifndef RUN_LOOK_H
#define RUN_LOOK_H

#include <stdbool.h>
#include <stddef.h>

#include "stage/stage.h"

enum look_section {
	LOOK_STATUS,      /* /proc/self/status, as are the next ones of that name */
	LOOK_MOUNTS,      /* mountinfo */
	LOOK_CGROUP,      /* cgroup */
	LOOK_UID_MAP,     /* uid_map */
	LOOK_GID_MAP,     /* gid_map */
	LOOK_LIMITS,      /* limits */
	LOOK_INTERFACES,  /* net/dev */
	LOOK_NAMESPACES,  /* lines "mnt mnt:[4026531841]" */
	LOOK_DESCRIPTORS, /* lines "0 /dev/pts/3": those that stay open over an exec */
	LOOK_NAMES,       /* host name, domain name; a line each */
	LOOK_PROCESSES,   /* lines "12 sh": what /proc shows to this process */
	LOOK_COUNT,
};

enum { LOOK_SIZE = 8 << 20 };

/* Memory that the process that looks and the launcher share. */
struct look {
	int placeholder;        /* a descriptor to be passed, which comes to be an open /proc/self/status */
	volatile bool arrived;  /* the process stands in its place, and waits */
	volatile bool released; /* it may go on */
	bool confined;          /* LOOK_STATUS was read with everything in force */
	bool full;              /* something was left out: there was more than LOOK_SIZE bytes */
	size_t used;
	struct look_part {
		size_t start;
		int error; /* errno of what could not be read; 0 */
	} parts[LOOK_COUNT];
	char data[LOOK_SIZE]; /* texts, each with its NUL */
};

/* Untouched pages take no memory. NULL with errno when there is none. */
struct look *look_new(void);
void look_free(struct look *look);

/* What was read; "" for nothing. */
const char *look_text(const struct look *look, enum look_section section);

/* For the process that is looked at, in this order. The first reads what needs an open procfs, and waits for
 * `released`; the second what depends on this process's own rights over files, the filter not yet being in force; the
 * third is for the very end, when read(2) may be all that is allowed. */
CHILD void look_around(struct look *look, int procfs);
CHILD void look_at_processes(struct look *look);
CHILD void look_at_end(struct look *look);

#endif
