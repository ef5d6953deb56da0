/* seccomp_policy: from a profile's seccomp section to one decision per system call.
 *
 * Parent, plan phase (and explain); asks the host nothing. What becomes of a call, in this order:
 *
 *   1. its ABI is not in `architectures`       the process is killed
 *   2. its number has no name                  `unknown`
 *   3. rules of the profile hold               the strictest: kill-process, trap, errno, log, allow; of equal ones the
 *                                              first. One that allows is not looked at if `deny` names the call
 *   4. `deny` does not name it and
 *        `allow` spells it out                 allowed
 *        a set in `allow` has it               allowed, but for what conditional rules of those sets take away
 *   5. otherwise                               what a set in `allow` answers for it (@absent: ENOSYS); else `default`,
 *                                              or EPERM if `deny` names it and `default` would let it through
 *
 * So lists are sets, and no order but that of equal rules matters. A rule of a set never widens anything: adding a set
 * to `allow` adds its calls, and its restrictions hold for them from whatever set they come.
 */
#include "stage/seccomp_policy.h"

#include <errno.h>
#include <linux/seccomp.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "gen/keys.h"

/* Everything the section says, expanded. */
struct section {
	struct expansion allow, deny;
	struct rule_list own;           /* the profile's rules, as written */
	const struct call_rule **order; /* the same by call, then strictness, then place; NULL-terminated */
	uint32_t default_;
};

/* Rules keep their place among equals: they are one array, so their addresses tell. */
static int by_call(const void *a, const void *b)
{
	const struct call_rule *x = *(const struct call_rule *const *)a, *y = *(const struct call_rule *const *)b;

	if (x->call != y->call)
		return x->call < y->call ? -1 : 1;
	if (action_rank(x->action) != action_rank(y->action))
		return action_rank(x->action) - action_rank(y->action);
	return x < y ? -1 : x > y;
}

static int out_of_memory(struct error *err)
{
	return fail_errno(err, K_SECCOMP_ALLOW, "cannot keep the rules");
}

static int section_read(const struct profile *profile, struct arena *arena, struct section *ret, struct error *err)
{
	if (action_read(profile->seccomp.default_, &ret->default_, K_SECCOMP_DEFAULT, -1, err) ||
	    names_expand(&profile->seccomp.allow, &ret->allow, K_SECCOMP_ALLOW, -1, err) ||
	    names_expand(&profile->seccomp.deny, &ret->deny, K_SECCOMP_DENY, -1, err))
		return -1;
	for (size_t i = 0; i < profile->seccomp.rules.count; i++)
		if (rules_read(profile, (int)i, arena, &ret->own, err))
			return -1;
	ret->order = arena_array(arena, ret->own.count + 1, sizeof(const struct call_rule *));
	if (!ret->order)
		return out_of_memory(err);
	for (size_t i = 0; i < ret->own.count; i++)
		ret->order[i] = &ret->own.rules[i];
	qsort(ret->order, ret->own.count, sizeof(const struct call_rule *), by_call);
	return 0;
}

/* Step 5: what a call that nothing allows is answered. */
static uint32_t closed_action(const struct section *section, size_t call)
{
	uint32_t action = section->default_;
	bool answered = false;

	if (bit_in(section->deny.calls, call) && action_permits(action))
		action = SECCOMP_RET_ERRNO | EPERM;
	for (size_t i = 0; i < SYSCALL_SET_RULE_COUNT; i++) {
		const struct call_rule *rule = &syscall_set_rules[i];

		if (rule->call != call || rule->condition_count || !bit_in(section->allow.rules, i))
			continue;
		if (!answered || action_rank(rule->action) < action_rank(action))
			action = rule->action;
		answered = true;
	}
	return action;
}

/* The rules that are looked at for one call, strictest first within the profile's and within the sets'. */
struct gathered {
	const struct call_rule **items;
	size_t count;
};

/* Takes the profile's rules of `call`, which begin at *next; moves *next behind them. */
static void gather_own(struct gathered *rules, const struct section *section, size_t call,
		       const struct call_rule *const **next)
{
	for (; **next && (**next)->call == call; (*next)++)
		if (!action_permits((**next)->action) || !bit_in(section->deny.calls, call))
			rules->items[rules->count++] = **next;
}

static void gather_of_sets(struct gathered *rules, const struct section *section, size_t call)
{
	for (size_t i = 0; i < SYSCALL_SET_RULE_COUNT; i++)
		if (syscall_set_rules[i].call == call && syscall_set_rules[i].condition_count &&
		    bit_in(section->allow.rules, i))
			rules->items[rules->count++] = &syscall_set_rules[i];
}

/* Cuts off what cannot matter: all behind a rule without conditions, and last rules that say what is said without
 * them. */
static void decide(struct call_decision *decision, struct gathered *rules, uint32_t action)
{
	for (size_t i = 0; i < rules->count; i++) {
		if (rules->items[i]->condition_count)
			continue;
		action = rules->items[i]->action;
		rules->count = i;
	}
	while (rules->count && rules->items[rules->count - 1]->action == action)
		rules->count--;
	decision->rules = rules->count ? rules->items : NULL;
	decision->rule_count = (uint32_t)rules->count;
	decision->action = action;
	rules->items += rules->count;
	rules->count = 0;
}

/* Steps 3 to 5 for every call. */
static int policy_fill(struct policy *policy, const struct section *section, struct arena *arena)
{
	const struct call_rule *const *next = section->order;
	struct gathered gathered = { 0 };

	gathered.items =
		arena_array(arena, section->own.count + SYSCALL_SET_RULE_COUNT, sizeof(const struct call_rule *));
	if (!gathered.items)
		return -1;
	for (size_t call = 0; call < SYSCALL_COUNT; call++) {
		bool allowed = bit_in(section->allow.calls, call) && !bit_in(section->deny.calls, call);

		gather_own(&gathered, section, call, &next);
		if (allowed && !bit_in(section->allow.spelt, call))
			gather_of_sets(&gathered, section, call);
		decide(&policy->calls[call], &gathered, allowed ? SECCOMP_RET_ALLOW : closed_action(section, call));
	}
	return 0;
}

static int abis_read(const struct profile *profile, struct policy *policy, struct error *err)
{
	const struct strings *names = &profile->seccomp.architectures;

	for (size_t i = 0; i < names->count; i++) {
		int abi = syscall_find_abi(names->items[i]);

		if (abi < 0) {
			fail(err, K_SECCOMP_ARCHITECTURES, "unknown architecture %s", names->items[i]);
			error_remedy(err, "known are native, x86_64, x86, x32, arm and aarch64");
			return error_exit(err, EXIT_OF_PROFILE);
		}
		policy->abis[abi] = true;
	}
	if (policy->abis[syscall_find_abi("native")])
		return 0;
	fail(err, K_SECCOMP_ARCHITECTURES,
	     "the native architecture is not allowed, so the command could not be started");
	return error_exit(err, EXIT_OF_PROFILE);
}

/* What the last steps before the payload's first instruction need, and the way out when exec fails. Rules with
 * conditions are the profile's own affair. */
static int essentials_check(const struct policy *policy, struct error *err)
{
	static const char *const essential[] = { "execve", "write", "exit_group" };

	for (size_t i = 0; i < sizeof(essential) / sizeof(essential[0]); i++) {
		if (action_permits(policy->calls[syscall_find(essential[i])].action))
			continue;
		fail(err, K_SECCOMP_ALLOW, "%s must be allowed: the command is started through the filter",
		     essential[i]);
		error_remedy(err, "execve, write and exit_group are needed after the filter is in force");
		return error_exit(err, EXIT_OF_PROFILE);
	}
	return 0;
}

int policy_make(const struct profile *profile, struct arena *arena, struct policy **ret, struct error *err)
{
	struct section section = { .default_ = 0 };
	struct policy *policy = arena_alloc(arena, sizeof(*policy));

	if (!policy)
		return out_of_memory(err);
	if (section_read(profile, arena, &section, err) || abis_read(profile, policy, err) ||
	    action_read(profile->seccomp.unknown, &policy->unknown, K_SECCOMP_UNKNOWN, -1, err))
		return -1;
	if (policy_fill(policy, &section, arena))
		return out_of_memory(err);
	if (essentials_check(policy, err))
		return -1;
	*ret = policy;
	return 0;
}

/* ---- the text by which filters are found ------------------------------------------------------------------------ */

static int by_text(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* A string can hold anything but NUL, so NUL ends it; an absent one is told from an empty one. */
static void text_add_string(struct text *text, const char *string)
{
	text_add(text, "%c%s", string ? '=' : '-', string ? string : "");
	text_add_n(text, "", 1);
}

static void text_add_strings(struct text *text, const struct strings *strings)
{
	text_add(text, "%zu:", strings->count);
	for (size_t i = 0; i < strings->count; i++)
		text_add_string(text, strings->items[i]);
}

/* The lists are sets: their order is nothing. */
static void text_add_set(struct text *text, const struct strings *strings, struct arena *arena)
{
	struct strings sorted = { arena_array(arena, strings->count + 1, sizeof(char *)), strings->count };

	if (!sorted.items) {
		text->failed = true;
		return;
	}
	if (strings->count)
		memcpy(sorted.items, strings->items, strings->count * sizeof(char *));
	qsort(sorted.items, sorted.count, sizeof(char *), by_text);
	text_add_strings(text, &sorted);
}

static void text_add_rule(struct text *text, const struct seccomp_rule *rule, struct arena *arena)
{
	text_add_set(text, &rule->syscalls, arena);
	text_add_string(text, rule->action);
	text_add(text, "%zu:", rule->when.count);
	for (size_t i = 0; i < rule->when.count; i++) {
		const struct seccomp_when *when = &rule->when.items[i];
		const char *const parts[] = { when->arg,  when->equals, when->not_equals, when->any,
					      when->none, when->less,   when->greater };

		for (size_t j = 0; j < sizeof(parts) / sizeof(parts[0]); j++)
			text_add_string(text, parts[j]);
	}
}

char *policy_text(const struct profile *profile, struct arena *arena, size_t *ret_length)
{
	struct text text = { 0 };
	char *copy = NULL;

	text_add_string(&text, profile->seccomp.default_);
	text_add_string(&text, profile->seccomp.unknown);
	text_add_set(&text, &profile->seccomp.allow, arena);
	text_add_set(&text, &profile->seccomp.deny, arena);
	text_add_set(&text, &profile->seccomp.architectures, arena);
	text_add(&text, "%zu:", profile->seccomp.rules.count);
	for (size_t i = 0; i < profile->seccomp.rules.count; i++)
		text_add_rule(&text, &profile->seccomp.rules.items[i], arena);
	if (!text.failed)
		copy = arena_copy_n(arena, text.data, text.length);
	*ret_length = text.length;
	text_free(&text);
	return copy;
}
