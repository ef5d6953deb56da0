/* seccomp_rules: reads what stands in a profile's seccomp section: names, actions, and rules with their conditions.
 *
 * Parent, plan phase; asks the host nothing. Each mistake is an error of the profile that names the nearest word that
 * would have been right.
 *
 * How wide an argument is decides what a condition means: the kernel looks at the lower 32 bits of an int, and a
 * filter that compared all 64 could be walked past with a stray high bit (CVE-2019-10063).
 * schema/syscall-arguments.schema says the width for the calls that it lists. For others it is unknown, and a
 * condition is read in whichever of the two ways allows less: `equals` in a rule that denies looks at 32 bits, in one
 * that allows at 64.
 */
#include "stage/seccomp_policy.h"

#include <errno.h>
#include <linux/seccomp.h>
#include <string.h>

#include "base/parse.h"
#include "gen/keys.h"
#include "profile/diagnostic.h"

enum { ERRNO_MAX_NAMED = 133, CONDITIONS_MAX = 16 };

static const char *const op_names[OP_COUNT] = {
	[OP_EQUALS] = "equals", [OP_NOT_EQUALS] = "not_equals", [OP_ANY] = "any", [OP_NONE] = "none",
	[OP_LESS] = "less",     [OP_GREATER] = "greater",
};
static const int op_keys[OP_COUNT] = {
	[OP_EQUALS] = K_SECCOMP_RULES_WHEN_EQUALS, [OP_NOT_EQUALS] = K_SECCOMP_RULES_WHEN_NOT_EQUALS,
	[OP_ANY] = K_SECCOMP_RULES_WHEN_ANY,       [OP_NONE] = K_SECCOMP_RULES_WHEN_NONE,
	[OP_LESS] = K_SECCOMP_RULES_WHEN_LESS,     [OP_GREATER] = K_SECCOMP_RULES_WHEN_GREATER,
};

static int suggest(struct error *err, const char *nearest)
{
	if (nearest)
		error_remedy(err, "did you mean %s?", nearest);
	return error_exit(err, EXIT_OF_PROFILE);
}

static int out_of_memory(struct error *err)
{
	return fail_errno(err, K_SECCOMP_RULES, "cannot keep the rules");
}

/* ---- actions ---------------------------------------------------------------------------------------------------- */

static const struct {
	const char *name;
	uint32_t action;
} actions[] = {
	{ "allow", SECCOMP_RET_ALLOW },
	{ "log", SECCOMP_RET_LOG },
	{ "trap", SECCOMP_RET_TRAP },
	{ "kill-process", SECCOMP_RET_KILL_PROCESS },
};
enum { ACTIONS = sizeof(actions) / sizeof(actions[0]) };

static int errno_read(const char *name, uint32_t *ret, int key, int index, struct error *err)
{
	const char *names[ERRNO_MAX_NAMED + 1];
	size_t count = 0;

	for (int number = 1; number <= ERRNO_MAX_NAMED; number++) {
		const char *known = strerrorname_np(number);

		if (!known)
			continue;
		if (!strcmp(name, known)) {
			*ret = SECCOMP_RET_ERRNO | (uint32_t)number;
			return 0;
		}
		names[count++] = known;
	}
	fail_at(err, key, index, "unknown error name %s", name);
	return suggest(err, nearest_name(name, names, count));
}

int action_read(const char *text, uint32_t *ret, int key, int index, struct error *err)
{
	const char *names[ACTIONS + 1] = { [ACTIONS] = "errno:EPERM" };

	if (!strncmp(text, "errno:", 6))
		return errno_read(text + 6, ret, key, index, err);
	for (size_t i = 0; i < ACTIONS; i++) {
		if (!strcmp(text, actions[i].name)) {
			*ret = actions[i].action;
			return 0;
		}
		names[i] = actions[i].name;
	}
	fail_at(err, key, index, "unknown action %s", text);
	return suggest(err, nearest_name(text, names, ACTIONS + 1));
}

int action_rank(uint32_t action)
{
	switch (action & SECCOMP_RET_ACTION_FULL) {
	case SECCOMP_RET_KILL_PROCESS:
		return 0;
	case SECCOMP_RET_TRAP:
		return 1;
	case SECCOMP_RET_ERRNO:
		return 2;
	case SECCOMP_RET_LOG:
		return 3;
	default:
		return 4;
	}
}

/* ---- names ------------------------------------------------------------------------------------------------------ */

static void take_set(const struct syscall_set *set, struct expansion *ret)
{
	for (size_t i = 0; i < SYSCALL_WORDS; i++)
		ret->calls[i] |= set->calls[i];
	for (size_t i = 0; i < SYSCALL_RULE_WORDS; i++)
		ret->rules[i] |= set->rules[i];
}

int names_expand(const struct strings *names, struct expansion *ret, int key, int index, struct error *err)
{
	for (size_t i = 0; i < names->count; i++) {
		const char *name = names->items[i];
		int found = *name == '@' ? syscall_find_set(name) : syscall_find(name);

		if (found < 0) {
			fail_at(err, key, index, "unknown %s %s", *name == '@' ? "set" : "system call", name);
			return suggest(err, syscall_nearest(name));
		}
		if (*name == '@') {
			take_set(&syscall_sets[found], ret);
			continue;
		}
		ret->calls[found / 64] |= 1ULL << (found % 64);
		ret->spelt[found / 64] |= 1ULL << (found % 64);
	}
	return 0;
}

/* ---- conditions ------------------------------------------------------------------------------------------------- */

static int word_read(const char *word, uint64_t *ret, int key, int index, struct error *err)
{
	const struct syscall_constant *constant = syscall_find_constant(word);

	if (constant) {
		*ret = constant->value;
		return 0;
	}
	if (!parse_unsigned(word, 0, UINT64_MAX, ret))
		return 0;
	fail_at(err, key, index, "%s is no number and no known constant", *word ? word : "an empty word");
	return suggest(err, syscall_nearest_constant(word));
}

/* "CLONE_NEWUSER | 256": names and numbers, joined by |. */
static int value_read(const char *text, uint64_t *ret, int key, int index, struct error *err)
{
	uint64_t value = 0;

	for (;;) {
		const char *start = text + strspn(text, " ");
		size_t length = strcspn(start, "|");
		uint64_t part = 0;
		char word[64];

		text = start + length;
		while (length && start[length - 1] == ' ')
			length--;
		if (length >= sizeof(word))
			length = sizeof(word) - 1;
		memcpy(word, start, length);
		word[length] = '\0';
		if (word_read(word, &part, key, index, err))
			return -1;
		value |= part;
		if (!*text)
			break;
		text++;
	}
	*ret = value;
	return 0;
}

/* The one comparison that a condition names. */
static int op_read(const struct seccomp_when *when, int index, struct condition *ret, struct error *err)
{
	const char *texts[OP_COUNT] = {
		[OP_EQUALS] = when->equals, [OP_NOT_EQUALS] = when->not_equals,
		[OP_ANY] = when->any,       [OP_NONE] = when->none,
		[OP_LESS] = when->less,     [OP_GREATER] = when->greater,
	};
	int found = -1;

	for (int op = 0; op < OP_COUNT; op++) {
		if (!texts[op])
			continue;
		if (found >= 0) {
			fail_at(err, op_keys[op], index, "a condition has both %s and %s", op_names[found],
				op_names[op]);
			return error_exit(err, EXIT_OF_PROFILE);
		}
		found = op;
	}
	if (found < 0) {
		fail_at(err, K_SECCOMP_RULES_WHEN_ARG, index, "a condition compares with nothing");
		error_remedy(err, "say equals, not_equals, any, none, less or greater");
		return error_exit(err, EXIT_OF_PROFILE);
	}
	ret->op = (uint8_t)found;
	return value_read(texts[found], &ret->value, op_keys[found], index, err);
}

/* The argument's place in this call: by index, or by the name that the tables know. */
static int argument_read(const char *arg, const struct syscall_call *call, int index, uint8_t *ret, struct error *err)
{
	const struct syscall_argument *arguments = syscall_arguments + call->first_argument;
	char known[128] = "";
	uint64_t number = 0;

	if (!parse_unsigned(arg, 0, 5, &number)) {
		*ret = (uint8_t)number;
		return 0;
	}
	for (uint8_t i = 0; i < call->argument_count; i++) {
		if (!strcmp(arg, arguments[i].name)) {
			*ret = i;
			return 0;
		}
		strncat(known, i ? " " : "", sizeof(known) - strlen(known) - 1);
		strncat(known, arguments[i].name, sizeof(known) - strlen(known) - 1);
	}
	fail_at(err, K_SECCOMP_RULES_WHEN_ARG, index, "%s has no argument named %s", call->name, arg);
	if (*known)
		error_remedy(err, "it has: %s; or use the index, 0 to 5", known);
	else
		error_remedy(err, "use the argument's index, 0 to 5");
	return error_exit(err, EXIT_OF_PROFILE);
}

/* Bits to compare, see the top of this file. */
static uint8_t width_of(const struct syscall_call *call, const struct condition *condition, bool permits)
{
	static const bool wide_denies_more[OP_COUNT] = { [OP_NOT_EQUALS] = true, [OP_GREATER] = true };

	if (condition->argument < call->argument_count)
		return syscall_arguments[call->first_argument + condition->argument].width;
	if (condition->value > UINT32_MAX)
		return 64;
	if (condition->op == OP_ANY)
		return 32;
	return wide_denies_more[condition->op] == permits ? 32 : 64;
}

/* A negative constant is as wide as the compiler made it; anything else that does not fit can never be equal. */
static int value_fit(struct condition *condition, const struct syscall_call *call, int index, struct error *err)
{
	uint64_t mask = UINT64_MAX >> (64 - condition->width), sign = ~(mask >> 1);
	const char *op = op_names[condition->op];
	bool bits = condition->op == OP_ANY || condition->op == OP_NONE;

	if (condition->value & ~mask) {
		if ((condition->value & sign) != sign) {
			fail_at(err, op_keys[condition->op], index,
				"the value does not fit argument %u of %s, which has %u bits", condition->argument,
				call->name, condition->width);
			return error_exit(err, EXIT_OF_PROFILE);
		}
		condition->value &= mask;
	}
	if ((bits || condition->op == OP_LESS) && !condition->value) {
		fail_at(err, op_keys[condition->op], index, "%s 0 %s holds", op,
			condition->op == OP_NONE ? "always" : "never");
		return error_exit(err, EXIT_OF_PROFILE);
	}
	return 0;
}

static int conditions_read(const struct seccomp_rule *from, int index, struct call_rule *rule, struct arena *arena,
			   struct error *err)
{
	const struct syscall_call *call = &syscall_calls[rule->call];
	struct condition *conditions = arena_array(arena, from->when.count, sizeof(*conditions));

	if (!conditions && from->when.count)
		return out_of_memory(err);
	for (size_t i = 0; i < from->when.count; i++) {
		const struct seccomp_when *when = &from->when.items[i];

		if (argument_read(when->arg, call, index, &conditions[i].argument, err) ||
		    op_read(when, index, &conditions[i], err))
			return -1;
		if (conditions[i].op == OP_NOT_EQUALS && action_permits(rule->action)) {
			fail_at(err, K_SECCOMP_RULES_WHEN_NOT_EQUALS, index,
				"a rule that allows cannot use not_equals");
			error_remedy(
				err,
				"two such rules together allow everything; allow the call and deny what is not wanted");
			return error_exit(err, EXIT_OF_PROFILE);
		}
		conditions[i].width = width_of(call, &conditions[i], action_permits(rule->action));
		if (value_fit(&conditions[i], call, index, err))
			return -1;
	}
	rule->conditions = conditions;
	rule->condition_count = (uint16_t)from->when.count;
	return 0;
}

/* ---- rules ------------------------------------------------------------------------------------------------------ */

static int rule_add(struct rule_list *list, struct arena *arena, const struct call_rule *rule)
{
	if (list->count == list->size) {
		size_t size = list->size ? list->size * 2 : 32;
		struct call_rule *rules = arena_array(arena, size, sizeof(*rules));

		if (!rules)
			return -1;
		if (list->count)
			memcpy(rules, list->rules, list->count * sizeof(*rules));
		list->rules = rules;
		list->size = size;
	}
	list->rules[list->count++] = *rule;
	return 0;
}

int rules_read(const struct profile *profile, int index, struct arena *arena, struct rule_list *list, struct error *err)
{
	const struct seccomp_rule *from = &profile->seccomp.rules.items[index];
	struct expansion names = { .calls = { 0 } };
	struct call_rule rule = { 0 };

	if (action_read(from->action, &rule.action, K_SECCOMP_RULES_ACTION, index, err) ||
	    names_expand(&from->syscalls, &names, K_SECCOMP_RULES_SYSCALLS, index, err))
		return -1;
	if (from->when.count > CONDITIONS_MAX) {
		fail_at(err, K_SECCOMP_RULES_WHEN, index, "more than %d conditions", CONDITIONS_MAX);
		return error_exit(err, EXIT_OF_PROFILE);
	}
	for (size_t call = 0; call < SYSCALL_COUNT; call++) {
		if (!bit_in(names.calls, call))
			continue;
		rule.call = (uint16_t)call;
		if (conditions_read(from, index, &rule, arena, err))
			return -1;
		if (rule_add(list, arena, &rule))
			return out_of_memory(err);
	}
	return 0;
}
