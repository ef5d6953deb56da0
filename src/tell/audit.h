/* audit: how much of the host a profile leaves exposed, from its text alone. What the files of the audit share is here:
 * audit.c adds up and prints, audit_<subject>.c judge. */
#ifndef TELL_AUDIT_H
#define TELL_AUDIT_H

#include <stdbool.h>

#include "profile/profile.h"
#include "profile/schema.h"
#include "stage/seccomp_policy.h"

struct audit;

/* One question. Its weight is the exposure, of 10, of a profile about which nothing else is found. */
struct audit_check {
	const char *id;
	double weight;
	int key; /* enum key_id of what answers it */
	/* Each calls audit_found() for whatever is wrong; NULL where there is nothing to ask. */
	void (*judge)(struct audit *audit);
	void (*judge_mount)(struct audit *audit, const struct mount *mount, int index); /* every one of `mounts` */
	const char *why;                                                                /* it has its weight */
};

enum { AUDIT_CHANGES_MAX = 8 };

struct finding {
	const struct audit_check *check;
	double badness; /* above 0, to 1: the part of the check's weight that counts */
	int key, index; /* as in struct error: what of the profile it is about */
	size_t order;   /* in which it was found */
	const char *what;
	const char *changes[AUDIT_CHANGES_MAX]; /* what -s is given to close it, in this order */
	size_t change_count;
	const char *advice; /* where no -s closes it; NULL: one does */
};

struct audit {
	const struct profile *profile;
	struct arena *arena;
	const struct policy *policy;     /* of the seccomp section */
	const struct audit_check *check; /* the one that is judging */
	bool own_users;                  /* the payload's root is nobody on the host: a user namespace of its own */
	struct finding *findings;
	size_t count, size;
	bool failed; /* memory is out */
};

/* Adds a finding of the check that is judging; the key is the check's, `index` as in struct error. */
void audit_found(struct audit *audit, double badness, int index, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

/* Each refines the finding just added. A change is KEY=VALUE. */
void audit_key(struct audit *audit, int key);
void audit_change(struct audit *audit, const char *format, ...) __attribute__((format(printf, 2, 3)));
void audit_advise(struct audit *audit, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* What several subjects ask. */
bool audit_has(const struct strings *strings, const char *name);
bool audit_has_namespace(const struct audit *audit, const char *name); /* of its own */
bool audit_joins(const struct audit *audit, int namespace);            /* JOIN_NAMESPACE_* */
bool audit_keeps(const struct audit *audit, const char *capability);   /* (ALL - drop) + keep */

/* The checks of one subject. */
struct audit_table {
	const struct audit_check *checks;
	size_t count;
};

extern const struct audit_table *const audit_tables[]; /* all of them; NULL ends it */
extern const struct audit_table audit_isolation, audit_files, audit_network, audit_privileges, audit_calls,
	audit_limits;

/* ---- for src/main.c */

/* Reads --threshold: "3.5" is 35. 0, or -1 with exit status 120. */
int audit_threshold(const char *text, int *ret, struct error *err);

/* Judges a profile that was loaded offline, and prints what was found to stdout; as a JSON document when `json`.
 * `threshold` is in tenths, negative: none; *ret_above says whether the exposure is above it. 0, or -1 where the
 * seccomp section has a mistake, memory is out or stdout cannot be written. */
int audit_run(const struct profile *profile, bool json, int threshold, bool *ret_above, struct error *err);

#endif
