/* attest: what the files of the attest stage share. Nobody else includes this.
 *
 *   attest.c          the stage's cells, and the order of the checks
 *   attest_mounts.c   the mount table against the plan
 *   attest_status.c   /proc/self/status: credentials, capabilities, signals
 *   attest_descriptors.c  what is open
 *   attest_running.c  the launcher's look at the running payload
 *
 * Every check returns 0, or -1 with *err saying what differs. */
#ifndef STAGE_ATTEST_H
#define STAGE_ATTEST_H

#include "stage/stage.h"

enum {
	ATTEST_NAMESPACES = 8,
	ATTEST_BUFFER_SIZE = 32 * 1024, /* about 250 mounts; for more the child maps itself room */
};

/* A mount that the plan promises, and everything mounted below it where `tree` says so. */
struct attest_mount {
	const char *path;
	int key, index;
	uint64_t attributes;      /* MOUNT_ATTR_* that it must have at least */
	uint64_t tree_attributes; /* ... and what is mounted below it */
	bool tree;                /* mounts below it are its own; else they must be promised too */
	bool dev;                 /* a minimal /dev: its nodes must be there */
	bool may_be_absent;       /* no such path inside: nothing was mounted */
	/* Filled in the child. */
	uint64_t id;       /* 0: absent */
	const char *point; /* mount point as the mount table spells it; NULL: not in it */
	size_t point_length;
};

/* Made by plan, before the clone, because the child cannot allocate; the child writes into its own copy. */
struct attest_facts {
	struct {
		bool checked; /* ours, or joined */
		bool same;    /* must be this one (joined); else must not be (ours: it is the launcher's) */
		dev_t dev;
		ino_t ino;
	} namespaces[ATTEST_NAMESPACES];
	struct attest_mount *mounts;
	size_t mount_count;
	char *buffer;
	int descriptor_table_size; /* filled by attest_status */
};

int attest_mounts_plan(struct plan *plan, struct attest_facts *facts, struct error *err);
CHILD int attest_mounts(const struct plan *plan, const struct inside *inside, struct error *err);

CHILD int attest_status(const struct plan *plan, const struct inside *inside, struct error *err);
CHILD int attest_descriptors(const struct plan *plan, const struct inside *inside, struct error *err);

/* The value behind `name` ("CapEff:") in text of the form of /proc/PID/status; NULL when there is no such line. */
CHILD const char *attest_field(const char *status, const char *name);

/* The number at *at, in `base` 8, 10 or 16, and *at moved behind it and the blanks that follow. No digit: 0, not
 * moved. */
CHILD uint64_t attest_number(const char **at, unsigned base);

#endif
