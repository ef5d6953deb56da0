/* bpf: an interpreter of the part of classic BPF that seccomp(2) takes, for tests. Written from bpf(4)'s description of
 * the machine and the kernel's list of what seccomp allows; knows nothing of how our filters are made. */
#ifndef TESTS_BPF_H
#define TESTS_BPF_H

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdint.h>
#include <string.h>

/* Runs the program on one call; *steps is the number of instructions. Fails the test on a program that the kernel would
 * refuse: a jump or a load out of bounds, an instruction it does not know, an end without return. */
static inline uint32_t bpf_run(const struct sock_filter *filter, size_t length, const struct seccomp_data *data,
			       unsigned *steps)
{
	uint32_t a = 0;

	*steps = 0;
	for (size_t pc = 0;; pc++) {
		const struct sock_filter *i = &filter[pc];

		assert_true(pc < length);
		(*steps)++;
		switch (i->code) {
		case BPF_LD | BPF_W | BPF_ABS:
			assert_true(i->k % 4 == 0 && i->k + 4 <= sizeof(*data));
			memcpy(&a, (const char *)data + i->k, 4);
			break;
		case BPF_ALU | BPF_AND | BPF_K:
			a &= i->k;
			break;
		case BPF_JMP | BPF_JA:
			assert_true(i->k < length);
			pc += i->k;
			break;
		case BPF_JMP | BPF_JEQ | BPF_K:
			pc += a == i->k ? i->jt : i->jf;
			break;
		case BPF_JMP | BPF_JGT | BPF_K:
			pc += a > i->k ? i->jt : i->jf;
			break;
		case BPF_JMP | BPF_JGE | BPF_K:
			pc += a >= i->k ? i->jt : i->jf;
			break;
		case BPF_JMP | BPF_JSET | BPF_K:
			pc += a & i->k ? i->jt : i->jf;
			break;
		case BPF_RET | BPF_K:
			return i->k;
		default:
			fail_msg("instruction 0x%x", i->code);
		}
	}
}

#endif
