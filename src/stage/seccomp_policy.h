/* seccomp_policy: what a profile's seccomp section means, call by call. Private to the seccomp stage and its tests.
 *
 * seccomp_rules.c reads single rules, seccomp_policy.c puts them together with the sets, seccomp_compile.c makes a
 * filter. */
#ifndef STAGE_SECCOMP_POLICY_H
#define STAGE_SECCOMP_POLICY_H

#include <linux/filter.h>

#include "base/arena.h"
#include "base/error.h"
#include "profile/profile.h"
#include "stage/seccomp_tables.h"

/* What becomes of one call: the action of the first rule whose conditions hold, else `action`. */
struct call_decision {
	const struct call_rule *const *rules;
	uint32_t rule_count;
	uint32_t action; /* SECCOMP_RET_* with its data, as all actions here */
};

struct policy {
	struct call_decision calls[SYSCALL_COUNT];
	uint32_t unknown;     /* numbers without a name */
	bool abis[ABI_COUNT]; /* a call through any other kills the process */
};

/* Works out the policy of a profile; memory is the arena's. A mistake in the section is an error of the profile. */
int policy_make(const struct profile *profile, struct arena *arena, struct policy **ret, struct error *err);

/* The filter of a policy; memory is the arena's. */
int policy_compile(const struct policy *policy, struct arena *arena, struct sock_filter **ret,
		   unsigned short *ret_length, struct error *err);

/* The section as one unambiguous string of bytes: equal strings, equal filters (for one version of the tables).
 * Nothing is looked up: it may be that of a section with mistakes. NULL when memory is out. */
char *policy_text(const struct profile *profile, struct arena *arena, size_t *ret_length);

/* Reads an action: allow, log, errno:NAME, trap, kill-process. `key` and `index` are where it stands. */
int action_read(const char *text, uint32_t *ret, int key, int index, struct error *err);

/* Strictness, least first is 0: kill-process, trap, errno, log, allow. */
int action_rank(uint32_t action);
static inline bool action_permits(uint32_t action)
{
	return action_rank(action) >= 3;
}

/* Reads element `index` of seccomp.rules into one rule for each call it is about; appends to *list (linked through
 * `next`), in the order written. */
struct rule_list {
	struct call_rule *rules;
	size_t count, size;
};
int rules_read(const struct profile *profile, int index, struct arena *arena, struct rule_list *list,
	       struct error *err);

/* What a list of names stands for, as bits: the calls, those of them spelt out by name, and the rules of its sets. */
struct expansion {
	uint64_t calls[SYSCALL_WORDS], spelt[SYSCALL_WORDS], rules[SYSCALL_RULE_WORDS];
};

/* Adds what `names` stands for to *ret, which begins as zeros. */
int names_expand(const struct strings *names, struct expansion *ret, int key, int index, struct error *err);

#endif
