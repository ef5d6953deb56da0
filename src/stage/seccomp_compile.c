/* seccomp_compile: from one decision per system call to a program of classic BPF.
 *
 * Parent, plan phase, and at build time for what is shipped. Pure: memory is the arena's.
 *
 * Why not libseccomp's compiler: it cannot say `unknown` beside `default`, compares only whole registers except for
 * equality under a mask, and leaves undefined which of two rules for one call counts; with a rule for each known call
 * it takes milliseconds, this takes some ten microseconds. Its tables of names and numbers are what we use (at build
 * time).
 *
 *	load arch; for each allowed ABI:  is it this one?  -> its tree
 *	kill the process
 *
 * The tree of an ABI halves the numbers at borders between different decisions; runs of equal ones are one leaf, a
 * number without a name belongs to a run of `unknown`. A leaf is a return, or the call's rules, one after the other.
 * Numbers of x32 have a bit set in x86-64's arch; -1, which is no call but what a tracer leaves, is unknown on both.
 *
 * Jumps go forward, conditional ones at most 255 instructions, which the code below keeps or works around. seccomp(2)
 * loads 32 bits at a time: a wide argument is compared in two halves. The kernel finds out by itself which calls are
 * always allowed and no longer runs the filter for them (Linux 5.11).
 */
#include "stage/seccomp_policy.h"

#include <linux/audit.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <string.h>

#include "gen/keys.h"

enum { JUMP_MAX = 255, FAILS_MAX = 64, NO_WORD = -1, X32_BIT = 0x40000000 };

struct code {
	struct sock_filter *items;
	unsigned length; /* beyond BPF_MAXINSNS: only counted */
	int loaded;      /* offset of the word in the accumulator on every path that leads here, or NO_WORD */
};

static unsigned emit(struct code *code, uint16_t operation, uint8_t jump_true, uint8_t jump_false, uint32_t value)
{
	if (code->length < BPF_MAXINSNS)
		code->items[code->length] = (struct sock_filter){ operation, jump_true, jump_false, value };
	return code->length++;
}

static struct sock_filter *instruction(struct code *code, unsigned at)
{
	return at < BPF_MAXINSNS ? &code->items[at] : &code->items[0];
}

static void emit_return(struct code *code, uint32_t action)
{
	emit(code, BPF_RET | BPF_K, 0, 0, action);
}

static void emit_load(struct code *code, size_t offset)
{
	if (code->loaded == (int)offset)
		return;
	emit(code, BPF_LD | BPF_W | BPF_ABS, 0, 0, (uint32_t)offset);
	code->loaded = (int)offset;
}

/* Makes room for a jump at `at`, over everything emitted behind it: what moved jumps only within itself. */
static void insert_jump(struct code *code, unsigned at)
{
	unsigned behind = code->length - at;

	emit(code, 0, 0, 0, 0);
	if (code->length > BPF_MAXINSNS)
		return;
	memmove(&code->items[at + 1], &code->items[at], behind * sizeof(code->items[0]));
	code->items[at] = (struct sock_filter){ BPF_JMP | BPF_JA, 0, 0, behind };
}

/* The test at `at` skips, when it fails (or holds), all that was emitted behind it. */
static void skip_to_here(struct code *code, unsigned at, bool when_true)
{
	struct sock_filter *test = NULL;
	unsigned distance = code->length - at - 1;

	if (distance > JUMP_MAX) {
		insert_jump(code, at + 1);
		test = instruction(code, at);
		*(when_true ? &test->jf : &test->jt) = 1;
		return;
	}
	test = instruction(code, at);
	*(when_true ? &test->jt : &test->jf) = (uint8_t)distance;
}

/* ---- rules ------------------------------------------------------------------------------------------------------ */

/* Tests whose failing way (jt where `when_true`, else jf) is to lead behind the rule. */
struct fails {
	unsigned at[FAILS_MAX];
	bool when_true[FAILS_MAX];
	size_t count;
};

static void fail_if(struct fails *fails, unsigned at, bool when_true)
{
	fails->at[fails->count] = at;
	fails->when_true[fails->count++] = when_true;
}

static size_t argument_word(const struct condition *condition, bool high)
{
	bool second = high == (__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__);

	return offsetof(struct seccomp_data, args) + condition->argument * (size_t)8 + (second ? 4 : 0);
}

/* One word against one value; goes on behind when it holds. */
static void emit_test(struct code *code, struct fails *fails, uint8_t op, uint32_t value)
{
	static const struct {
		uint16_t jump;
		bool fail_when_true;
	} tests[OP_COUNT] = {
		[OP_EQUALS] = { BPF_JEQ, false }, [OP_NOT_EQUALS] = { BPF_JEQ, true },
		[OP_ANY] = { BPF_JSET, false },   [OP_NONE] = { BPF_JSET, true },
		[OP_LESS] = { BPF_JGE, true },    [OP_GREATER] = { BPF_JGT, false },
	};

	fail_if(fails, emit(code, (uint16_t)(BPF_JMP | BPF_K | tests[op].jump), 0, 0, value), tests[op].fail_when_true);
}

/* Two words: the upper one may already settle it. `settled` jumps over the test of the lower one. */
static void emit_wide(struct code *code, struct fails *fails, const struct condition *condition)
{
	uint32_t high = (uint32_t)(condition->value >> 32), low = (uint32_t)condition->value;
	unsigned settled = 0;

	emit_load(code, argument_word(condition, true));
	switch (condition->op) {
	case OP_EQUALS:
	case OP_NONE:
		emit_test(code, fails, condition->op, high);
		emit_load(code, argument_word(condition, false));
		emit_test(code, fails, condition->op, low);
		code->loaded = NO_WORD;
		return;
	case OP_NOT_EQUALS:
		settled = emit(code, BPF_JMP | BPF_JEQ | BPF_K, 0, 0, high);
		break;
	case OP_ANY:
		settled = emit(code, BPF_JMP | BPF_JSET | BPF_K, 0, 0, high);
		break;
	case OP_LESS:
		fail_if(fails, emit(code, BPF_JMP | BPF_JGT | BPF_K, 0, 0, high), true);
		settled = emit(code, BPF_JMP | BPF_JEQ | BPF_K, 0, 0, high);
		break;
	default:
		settled = emit(code, BPF_JMP | BPF_JGT | BPF_K, 0, 0, high);
		fail_if(fails, emit(code, BPF_JMP | BPF_JEQ | BPF_K, 0, 0, high), false);
		break;
	}
	emit_load(code, argument_word(condition, false));
	emit_test(code, fails, condition->op, low);
	skip_to_here(code, settled, condition->op == OP_ANY || condition->op == OP_GREATER);
	code->loaded = NO_WORD;
}

static void emit_condition(struct code *code, struct fails *fails, const struct condition *condition)
{
	if (condition->width == 64) {
		emit_wide(code, fails, condition);
		return;
	}
	emit_load(code, argument_word(condition, false));
	if (condition->width < 32) {
		emit(code, BPF_ALU | BPF_AND | BPF_K, 0, 0, UINT32_MAX >> (32 - condition->width));
		code->loaded = NO_WORD;
	}
	emit_test(code, fails, condition->op, (uint32_t)condition->value);
}

/* Behind a rule the accumulator holds what its last test looked at, if it looked at one word only. */
static void emit_rule(struct code *code, const struct call_rule *rule)
{
	struct fails fails = { .count = 0 };
	int first = NO_WORD;
	bool one_word = true;

	for (size_t i = 0; i < rule->condition_count; i++) {
		emit_condition(code, &fails, &rule->conditions[i]);
		if (i == 0)
			first = code->loaded;
		one_word = one_word && code->loaded == first;
	}
	emit_return(code, rule->action);
	for (size_t i = 0; i < fails.count; i++)
		skip_to_here(code, fails.at[i], fails.when_true[i]);
	code->loaded = one_word ? first : NO_WORD;
}

static void emit_decision(struct code *code, const struct call_decision *decision)
{
	code->loaded = NO_WORD;
	for (uint32_t i = 0; i < decision->rule_count; i++)
		emit_rule(code, decision->rules[i]);
	emit_return(code, decision->action);
}

/* ---- the tree --------------------------------------------------------------------------------------------------- */

/* Numbers from `first` up to the next leaf's, all with one decision. */
struct leaf {
	uint32_t first;
	struct call_decision decision;
};

struct leaves {
	struct leaf *items;
	size_t count;
};

static void leaf_add(struct leaves *leaves, uint32_t first, const struct call_decision *decision)
{
	const struct leaf *last = NULL;

	if (leaves->count && leaves->items[leaves->count - 1].first == first)
		leaves->count--;
	if (leaves->count)
		last = &leaves->items[leaves->count - 1];
	if (last && !last->decision.rule_count && !decision->rule_count && last->decision.action == decision->action)
		return;
	leaves->items[leaves->count++] = (struct leaf){ first, *decision };
}

/* Every number below belongs to the leaf in front of it: each name's leaf is followed by one of `unknown`, which
 * the next name's replaces when it is the very next number. */
static void leaves_make(struct leaves *leaves, const struct policy *policy, const struct syscall_abi_table *abi)
{
	const struct call_decision unknown = { .action = policy->unknown };

	leaf_add(leaves, abi->base, &unknown);
	for (size_t i = 0; i < abi->count; i++) {
		leaf_add(leaves, abi->numbers[i].number, &policy->calls[abi->numbers[i].call]);
		leaf_add(leaves, abi->numbers[i].number + 1, &unknown);
	}
}

static void emit_tree(struct code *code, const struct leaf *leaves, size_t count)
{
	size_t half = count / 2;
	unsigned test = 0;

	if (count == 1) {
		emit_decision(code, &leaves->decision);
		return;
	}
	test = emit(code, BPF_JMP | BPF_JGE | BPF_K, 0, 0, leaves[half].first);
	emit_tree(code, leaves, half);
	skip_to_here(code, test, true);
	emit_tree(code, leaves + half, count - half);
}

/* The tree of one ABI, with the number in the accumulator. */
static int emit_abi(struct code *code, const struct policy *policy, enum syscall_abi abi, struct arena *arena)
{
	const struct syscall_abi_table *table = &syscall_abis[abi];
	struct leaves leaves = { arena_array(arena, 2 * (size_t)table->count + 1, sizeof(struct leaf)), 0 };

	if (!leaves.items)
		return -1;
	leaves_make(&leaves, policy, table);
	emit_tree(code, leaves.items, leaves.count);
	return 0;
}

static int emit_abi_if(struct code *code, const struct policy *policy, enum syscall_abi abi, struct arena *arena)
{
	if (policy->abis[abi])
		return emit_abi(code, policy, abi, arena);
	emit_return(code, SECCOMP_RET_KILL_PROCESS);
	return 0;
}

/* x86-64 and x32 share an arch. */
static int emit_x86_64(struct code *code, const struct policy *policy, struct arena *arena)
{
	unsigned high = emit(code, BPF_JMP | BPF_JGE | BPF_K, 0, 0, X32_BIT);

	if (emit_abi_if(code, policy, ABI_X86_64, arena))
		return -1;
	skip_to_here(code, high, true);
	emit(code, BPF_JMP | BPF_JEQ | BPF_K, 0, 1, UINT32_MAX);
	emit_return(code, policy->unknown);
	return emit_abi_if(code, policy, ABI_X32, arena);
}

/* All ABIs whose calls arrive with this arch. */
static int emit_arch(struct code *code, const struct policy *policy, enum syscall_abi abi, struct arena *arena)
{
	unsigned other = emit(code, BPF_JMP | BPF_JEQ | BPF_K, 0, 0, syscall_abis[abi].audit_arch);

	emit(code, BPF_LD | BPF_W | BPF_ABS, 0, 0, offsetof(struct seccomp_data, nr));
	if (abi == ABI_X86_64 ? emit_x86_64(code, policy, arena) : emit_abi(code, policy, abi, arena))
		return -1;
	skip_to_here(code, other, false);
	return 0;
}

int policy_compile(const struct policy *policy, struct arena *arena, struct sock_filter **ret,
		   unsigned short *ret_length, struct error *err)
{
	struct code code = { arena_array(arena, BPF_MAXINSNS, sizeof(struct sock_filter)), 0, NO_WORD };

	if (!code.items)
		return fail_errno(err, K_SECCOMP, "cannot keep the filter");
	emit(&code, BPF_LD | BPF_W | BPF_ABS, 0, 0, offsetof(struct seccomp_data, arch));
	for (int abi = 0; abi < ABI_COUNT; abi++) {
		bool wanted = abi == ABI_X86_64 ? policy->abis[ABI_X86_64] || policy->abis[ABI_X32] : policy->abis[abi];

		if (wanted && abi != ABI_X32 && emit_arch(&code, policy, (enum syscall_abi)abi, arena))
			return fail_errno(err, K_SECCOMP, "cannot keep the filter");
	}
	emit_return(&code, SECCOMP_RET_KILL_PROCESS);
	if (code.length > BPF_MAXINSNS) {
		fail(err, K_SECCOMP, "the filter has %u instructions, and the kernel takes %d", code.length,
		     BPF_MAXINSNS);
		error_remedy(err, "fewer architectures or fewer rules make it shorter");
		return error_exit(err, EXIT_OF_PROFILE);
	}
	*ret = code.items;
	*ret_length = (unsigned short)code.length;
	return 0;
}
