/* test_seccomp: what a seccomp section means. Random sections are compiled and run by an interpreter on random
 * calls, and must say what a second, slow reading of the section says, which shares no code with the first but the
 * tables. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gen/keys.h"
#include "stage/seccomp_policy.h"

/* After our own: it makes a macro of the word fail. */
#include <cmocka.h>

#include "bpf.h"

/* ---- the second reading ------------------------------------------------------------------------------------------ */

static int strictness(const char *action)
{
	static const char *const order[] = { "kill-process", "trap", "errno", "log", "allow" };

	for (int i = 0; i < 5; i++)
		if (!strncmp(action, order[i], strlen(order[i])))
			return i;
	fail_msg("action %s", action);
	return -1;
}

static uint32_t action_value(const char *action)
{
	static const struct {
		const char *name;
		uint32_t value;
	} known[] = { { "kill-process", SECCOMP_RET_KILL_PROCESS },
		      { "trap", SECCOMP_RET_TRAP },
		      { "log", SECCOMP_RET_LOG },
		      { "allow", SECCOMP_RET_ALLOW },
		      { "errno:EPERM", SECCOMP_RET_ERRNO | EPERM },
		      { "errno:ENOSYS", SECCOMP_RET_ERRNO | ENOSYS },
		      { "errno:EIO", SECCOMP_RET_ERRNO | EIO } };

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (!strcmp(known[i].name, action))
			return known[i].value;
	fail_msg("action %s", action);
	return 0;
}

static bool names_hold(const struct strings *names, int call)
{
	for (size_t i = 0; i < names->count; i++) {
		if (!strcmp(names->items[i], syscall_calls[call].name))
			return true;
		if (names->items[i][0] == '@' &&
		    bit_in(syscall_sets[syscall_find_set(names->items[i])].calls, (size_t)call))
			return true;
	}
	return false;
}

static bool compare(const char *op, uint64_t x, uint64_t value)
{
	switch (op[0]) {
	case 'e':
		return x == value;
	case 'l':
		return x < value;
	case 'g':
		return x > value;
	case 'a':
		return (x & value) != 0;
	default:
		return op[2] == 't' ? x != value : (x & value) == 0;
	}
}

/* A condition on an argument of unknown width is read in the way that allows less. */
static bool condition_holds(const char *op, const char *text, const char *arg, int call, bool permits,
			    const struct seccomp_data *data)
{
	const struct syscall_call *known = &syscall_calls[call];
	uint64_t value = strtoull(text, NULL, 10), x = 0;
	int index = atoi(arg), width = 0;
	bool narrow = false, wide = false;

	for (int i = 0; i < known->argument_count; i++)
		if (!strcmp(arg, syscall_arguments[known->first_argument + i].name))
			index = i;
	x = data->args[index];
	if (index < known->argument_count)
		width = syscall_arguments[known->first_argument + index].width;
	if (width)
		return compare(op, width == 64 ? x : x & ((1ULL << width) - 1), value);
	wide = compare(op, x, value);
	if (value > UINT32_MAX)
		return wide;
	narrow = compare(op, (uint32_t)x, value);
	return permits ? narrow && wide : narrow || wide;
}

static bool rule_holds(const struct seccomp_rule *rule, int call, const struct seccomp_data *data)
{
	bool permits = strictness(rule->action) >= 3;

	for (size_t i = 0; i < rule->when.count; i++) {
		const struct seccomp_when *when = &rule->when.items[i];
		const char *const texts[] = { when->equals, when->not_equals, when->any,
					      when->none,   when->less,       when->greater };
		static const char *const ops[] = { "equals", "not", "any", "none", "less", "greater" };

		for (size_t op = 0; op < 6; op++)
			if (texts[op] && !condition_holds(ops[op], texts[op], when->arg, call, permits, data))
				return false;
	}
	return true;
}

/* A rule that stands in a set that `allow` names, about this call. */
static bool set_rule_holds(const struct call_rule *rule, const struct seccomp_data *data)
{
	static const char *const ops[OP_COUNT] = { "equals", "not", "any", "none", "less", "greater" };

	for (int i = 0; i < rule->condition_count; i++) {
		const struct condition *c = &rule->conditions[i];

		if (!compare(ops[c->op],
			     c->width == 64 ? data->args[c->argument]
					    : data->args[c->argument] & ((1ULL << c->width) - 1),
			     c->value))
			return false;
	}
	return true;
}

static const struct call_rule *set_rule(const struct profile *p, int call, const struct seccomp_data *data,
					bool answers)
{
	for (size_t s = 0; s < p->seccomp.allow.count; s++) {
		const char *name = p->seccomp.allow.items[s];

		for (size_t i = 0; *name == '@' && i < SYSCALL_SET_RULE_COUNT; i++) {
			const struct call_rule *rule = &syscall_set_rules[i];

			if (rule->call == call && !rule->condition_count == answers &&
			    bit_in(syscall_sets[syscall_find_set(name)].rules, i) && set_rule_holds(rule, data))
				return rule;
		}
	}
	return NULL;
}

static uint32_t decide(const struct profile *p, int call, const struct seccomp_data *data)
{
	bool denied = names_hold(&p->seccomp.deny, call), spelt = false;
	const struct seccomp_rule *strictest = NULL;
	const struct call_rule *of_set = NULL;

	for (size_t i = 0; i < p->seccomp.rules.count; i++) {
		const struct seccomp_rule *rule = &p->seccomp.rules.items[i];

		if (!names_hold(&rule->syscalls, call) || (denied && strictness(rule->action) >= 3) ||
		    !rule_holds(rule, call, data))
			continue;
		if (!strictest || strictness(rule->action) < strictness(strictest->action))
			strictest = rule;
	}
	if (strictest)
		return action_value(strictest->action);
	for (size_t i = 0; i < p->seccomp.allow.count; i++)
		spelt |= !strcmp(p->seccomp.allow.items[i], syscall_calls[call].name);
	if (!denied && spelt)
		return SECCOMP_RET_ALLOW;
	if (!denied && names_hold(&p->seccomp.allow, call)) {
		of_set = set_rule(p, call, data, false);
		return of_set ? of_set->action : SECCOMP_RET_ALLOW;
	}
	of_set = set_rule(p, call, data, true);
	if (of_set)
		return of_set->action;
	if (denied && strictness(p->seccomp.default_) >= 3)
		return SECCOMP_RET_ERRNO | EPERM;
	return action_value(p->seccomp.default_);
}

static uint32_t reference(const struct profile *p, const struct seccomp_data *data)
{
	for (int abi = 0; abi < ABI_COUNT; abi++) {
		const struct syscall_abi_table *table = &syscall_abis[abi];
		bool wanted = false, x32 = (uint32_t)data->nr >= 0x40000000 && (uint32_t)data->nr != UINT32_MAX;

		for (size_t i = 0; i < p->seccomp.architectures.count; i++)
			wanted |= syscall_find_abi(p->seccomp.architectures.items[i]) == abi;
		if (!wanted || data->arch != table->audit_arch)
			continue;
		if ((abi == ABI_X86_64 && x32) || (abi == ABI_X32 && !x32 && (uint32_t)data->nr != UINT32_MAX))
			continue;
		for (size_t i = 0; i < table->count; i++)
			if (table->numbers[i].number == (uint32_t)data->nr)
				return decide(p, table->numbers[i].call, data);
		return action_value(p->seccomp.unknown);
	}
	return SECCOMP_RET_KILL_PROCESS;
}

/* ---- random sections --------------------------------------------------------------------------------------------- */

/* A generator of our own: the same sequence everywhere. */
static uint64_t state;

static uint64_t draw(uint64_t below)
{
	state = state * 6364136223846793005ULL + 1442695040888963407ULL;
	return (state >> 33) % below;
}

#define PICK(array) array[draw(sizeof(array) / sizeof(array[0]))]

/* Values around which a comparison can go wrong. */
static uint64_t draw_value(void)
{
	static const uint64_t edges[] = {
		0,         1,          2,          7,          8,           16,          40,
		0x10000,   0x7fffffff, 0x80000000, 0xffffffff, 0x100000000, 0x100000001, 0x8000000000000000,
		UINT64_MAX
	};

	return PICK(edges) + draw(3) - 1;
}

static const char *draw_action(bool permissive_too)
{
	static const char *const names[] = { "errno:EPERM",  "errno:ENOSYS", "errno:EIO", "trap",
					     "kill-process", "allow",        "allow",     "log" };

	return names[draw(permissive_too ? 8 : 5)];
}

static struct strings draw_names(struct arena *arena, size_t most)
{
	struct strings names = { arena_array(arena, most + 1, sizeof(char *)), draw(most + 1) };
	static const char *const conditional[] = { "clone",   "ioctl", "socket", "personality",
						   "unshare", "mknod", "clone3" };

	for (size_t i = 0; i < names.count; i++) {
		if (draw(4) == 0)
			names.items[i] = syscall_sets[draw(SYSCALL_SET_COUNT)].name;
		else if (draw(3) == 0)
			names.items[i] = PICK(conditional);
		else
			names.items[i] = syscall_calls[draw(SYSCALL_COUNT)].name;
	}
	return names;
}

static void draw_when(struct seccomp_when *when, int call, bool permits, struct arena *arena)
{
	const struct syscall_call *known = &syscall_calls[call];
	const char **ops[] = { &when->equals, &when->any, &when->none, &when->less, &when->greater, &when->not_equals };
	unsigned index = (unsigned)draw(6);
	uint64_t mask = UINT64_MAX, value = 0;

	if (index < known->argument_count)
		mask >>= 64 - syscall_arguments[known->first_argument + index].width;
	do
		value = draw_value() & mask;
	while (!value);
	when->arg = index < known->argument_count && draw(2) ? syscall_arguments[known->first_argument + index].name
							     : arena_format(arena, "%u", index);
	*ops[draw(permits ? 5 : 6)] = arena_format(arena, "%llu", (unsigned long long)value);
}

static void draw_rule(struct seccomp_rule *rule, struct arena *arena)
{
	static const char *const favoured[] = { "clone", "ioctl", "socket", "chmod",
						"kill",  "mmap",  "getpid", "sendfile" };
	int call = draw(2) ? (int)draw(SYSCALL_COUNT) : syscall_find(PICK(favoured));

	rule->action = draw_action(true);
	rule->syscalls.items = arena_array(arena, 1, sizeof(char *));
	rule->syscalls.items[0] = syscall_calls[call].name;
	rule->syscalls.count = 1;
	rule->when.count = draw(4);
	rule->when.items = arena_array(arena, 4, sizeof(*rule->when.items));
	for (size_t i = 0; i < rule->when.count; i++)
		draw_when(&rule->when.items[i], call, strictness(rule->action) >= 3, arena);
}

static void draw_profile(struct profile *p, struct arena *arena)
{
	static const char *const abis[] = { "x86_64", "x86", "x32", "arm", "aarch64" };

	memset(p, 0, sizeof(*p));
	p->seccomp.default_ = draw_action(true);
	p->seccomp.unknown = draw_action(true);
	p->seccomp.allow = draw_names(arena, 12);
	p->seccomp.deny = draw_names(arena, 4);
	p->seccomp.rules.count = draw(24);
	p->seccomp.rules.items = arena_array(arena, 24, sizeof(*p->seccomp.rules.items));
	for (size_t i = 0; i < p->seccomp.rules.count; i++)
		draw_rule(&p->seccomp.rules.items[i], arena);
	p->seccomp.architectures.items = arena_array(arena, 3, sizeof(char *));
	p->seccomp.architectures.items[0] = "native";
	p->seccomp.architectures.count = 1 + draw(3);
	for (size_t i = 1; i < p->seccomp.architectures.count; i++)
		p->seccomp.architectures.items[i] = PICK(abis);
}

/* A call that some rule may be about, with arguments near the values that rules compare with. */
static void draw_call(const struct profile *p, struct seccomp_data *data)
{
	const struct syscall_abi_table *table = &syscall_abis[draw(ABI_COUNT)];
	int call = -1;

	memset(data, 0, sizeof(*data));
	data->arch = draw(50) ? table->audit_arch : (uint32_t)draw(UINT32_MAX);
	data->nr = (int)(table->base + draw(620));
	if (draw(3) && p->seccomp.rules.count)
		call = syscall_find(p->seccomp.rules.items[draw(p->seccomp.rules.count)].syscalls.items[0]);
	for (size_t i = 0; i < table->count; i++)
		if (table->numbers[i].call == call)
			data->nr = (int)table->numbers[i].number;
	if (draw(30) == 0)
		data->nr = draw(2) ? -1 : (int)(0x40000000 + draw(700));
	for (int i = 0; i < 6; i++) {
		data->args[i] = draw_value();
		if (draw(3) == 0)
			data->args[i] |= draw(4) << 32;
		for (size_t j = 0; draw(2) && j < p->seccomp.rules.count; j++) {
			const struct seccomp_rule *rule = &p->seccomp.rules.items[j];
			const char *text = rule->when.count ? rule->when.items[0].equals : NULL;

			if (text && draw(2))
				data->args[i] = strtoull(text, NULL, 10) + draw(2) * 0x100000000 + draw(2);
		}
	}
}

static bool starts_programs(const struct profile *p)
{
	static const char *const needed[] = { "execve", "write", "exit_group" };
	struct seccomp_data none = { 0 };

	/* Any argument will do: what counts is what happens when no condition holds, which policy_make looks at. */
	for (size_t i = 0; i < 3; i++)
		if (strictness(p->seccomp.default_) < 3 && decide(p, syscall_find(needed[i]), &none) < SECCOMP_RET_LOG)
			return false;
	return true;
}

static void test_random(void **unused)
{
	unsigned tried = 0, most = 0, longest = 0;

	(void)unused;
	state = 1;
	while (tried < 400) {
		struct arena arena = { 0 };
		struct profile p;
		struct policy *policy = NULL;
		struct sock_filter *filter = NULL;
		unsigned short length = 0;
		struct error err;

		draw_profile(&p, &arena);
		if (policy_make(&p, &arena, &policy, &err)) {
			assert_non_null(strstr(err.what, "must be allowed"));
			assert_int_equal(err.exit_status, EXIT_OF_PROFILE);
			arena_free(&arena);
			continue;
		}
		assert_true(starts_programs(&p) || p.seccomp.rules.count);
		assert_int_equal(policy_compile(policy, &arena, &filter, &length, &err), 0);
		for (int i = 0; i < 3000; i++) {
			struct seccomp_data data;
			unsigned steps = 0;

			draw_call(&p, &data);
			if (bpf_run(filter, length, &data, &steps) != reference(&p, &data))
				fail_msg("profile %u: arch %x nr %d: filter %x, meant %x", tried, data.arch, data.nr,
					 bpf_run(filter, length, &data, &steps), reference(&p, &data));
			most = steps > most ? steps : most;
		}
		longest = length > longest ? length : longest;
		arena_free(&arena);
		tried++;
	}
	print_message("longest filter %u instructions, longest way %u\n", longest, most);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_random) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
