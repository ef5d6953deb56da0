/* seccomp_tables: what this build knows about system calls. All of it is const data, made by schema/mksyscalls.c from
 * libseccomp and schema/syscall-*.schema; no number of any ABI is written in the C code.
 *
 * Used by the seccomp stage and by the tools and tests that look at its sets. */
#ifndef STAGE_SECCOMP_TABLES_H
#define STAGE_SECCOMP_TABLES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gen/syscalls.h" /* enum syscall_abi, SYSCALL_COUNT, SYSCALL_SET_COUNT, SYSCALL_SET_RULE_COUNT */

/* Names stand in the structs themselves: pointers would have to be relocated at every start. */
struct syscall_argument {
	char name[15];
	uint8_t width; /* bits that the kernel looks at: 16, 32 or 64 */
};

/* A call by name, with what schema/syscall-arguments.schema says of its arguments (count 0: nothing). */
struct syscall_call {
	char name[32];
	uint16_t first_argument; /* index into syscall_arguments */
	uint16_t argument_count;
};

struct syscall_number {
	uint32_t number;
	uint16_t call; /* index into syscall_calls */
};

struct syscall_abi_table {
	const char *name;                     /* as in seccomp.architectures */
	uint32_t audit_arch;                  /* AUDIT_ARCH_*, what the filter sees */
	uint32_t base;                        /* the bit that all numbers of x32 have; else 0 */
	const struct syscall_number *numbers; /* ascending */
	uint16_t count;
};

enum condition_op {
	OP_EQUALS,
	OP_NOT_EQUALS,
	OP_ANY,     /* any bit of the value is set */
	OP_NONE,    /* no bit of the value is set */
	OP_LESS,    /* unsigned */
	OP_GREATER, /* unsigned */
	OP_COUNT,
};

struct condition {
	uint8_t argument; /* 0..5 */
	uint8_t width;    /* 16, 32 or 64: the bits compared */
	uint8_t op;       /* enum condition_op */
	uint64_t value;   /* fits the width */
};

/* A rule about one call: `action` (SECCOMP_RET_*) when all conditions hold. */
struct call_rule {
	uint32_t action;
	uint16_t call;
	uint16_t condition_count;
	const struct condition *conditions;
};

enum { SYSCALL_WORDS = (SYSCALL_COUNT + 63) / 64, SYSCALL_RULE_WORDS = (SYSCALL_SET_RULE_COUNT + 63) / 64 };

struct syscall_set {
	char name[16];
	const char *doc;
	uint64_t calls[SYSCALL_WORDS];      /* bit n: syscall_calls[n]; with those of the sets that it takes in */
	uint64_t rules[SYSCALL_RULE_WORDS]; /* bit n: syscall_set_rules[n]; likewise */
};

struct syscall_constant {
	char name[40];
	uint64_t value;
};

extern const struct syscall_call syscall_calls[SYSCALL_COUNT]; /* sorted by name */
extern const struct syscall_argument syscall_arguments[];
extern const struct syscall_abi_table syscall_abis[ABI_COUNT];
extern const struct syscall_set syscall_sets[SYSCALL_SET_COUNT]; /* sorted by name */
extern const struct call_rule syscall_set_rules[SYSCALL_SET_RULE_COUNT];
extern const struct syscall_constant syscall_constants[SYSCALL_CONSTANT_COUNT];

/* Changes whenever the tables do, or the code that turns them into filters: what a filter compiled by another build is
 * told apart by. */
extern const char syscall_tables_version[];

static inline bool bit_in(const uint64_t *bits, size_t bit)
{
	return bits[bit / 64] >> (bit % 64) & 1;
}

/* Index of the name, or -1. A set's name begins with @. */
int syscall_find(const char *name);
int syscall_find_set(const char *name);
int syscall_find_abi(const char *name); /* knows "native" too */
const struct syscall_constant *syscall_find_constant(const char *name);

/* The known name that `name` was probably meant to be, a set's if it begins with @; NULL when there is none. */
const char *syscall_nearest(const char *name);
const char *syscall_nearest_constant(const char *name);

#endif
