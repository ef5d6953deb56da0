/* cgroup_devices: which device nodes the sandbox may make and open, beside what mounts and /dev already rule out.
 *
 * plan   v1: lines for devices.deny ("everything") and devices.allow. v2 has no such file: a BPF program of type
 *        BPF_PROG_TYPE_CGROUP_DEVICE decides, which is written here instruction by instruction.
 * host   (cgroup.c) loads the program and attaches it to the leaf. It dies with the leaf.
 *
 * The program gets kind of access, major and minor; a rule that matches in all of them ends it with 1 (allow), behind
 * the last it ends with 0 (EPERM). An access for reading and writing needs one rule that grants both. It is attached so
 * that the programs of the cgroups above hold as well (BPF_F_ALLOW_MULTI): everybody must agree.
 *
 * Needs: CAP_SYS_ADMIN (or CAP_BPF and CAP_NET_ADMIN) in the initial user namespace and CONFIG_CGROUP_BPF for v2: an
 * ordinary user gets exit 122, or goes without where cgroup.devices.missing is "skip".
 */
#include "stage/cgroup.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/format.h"
#include "base/syscall.h"

enum { INSTRUCTIONS_MAX = 4096, INSTRUCTIONS_PER_RULE = 10, INSTRUCTIONS_AROUND = 8 };

enum {
	ACCESS_ALL = BPF_DEVCG_ACC_MKNOD | BPF_DEVCG_ACC_READ | BPF_DEVCG_ACC_WRITE,
	ACCESS_SHIFT = 16, /* the kernel's packing of struct bpf_cgroup_dev_ctx.access_type */
	TYPE_MASK = 0xffff,
};

/* Registers of the program, beside BPF_REG_0 for the verdict and BPF_REG_1, which holds the context at first. */
enum { TYPE = BPF_REG_2, MAJOR = BPF_REG_3, MINOR = BPF_REG_4, ACCESS = BPF_REG_5, SCRATCH = BPF_REG_1 };

#define REGISTER(number) ((unsigned)(number)&15U) /* as wide as the field of struct bpf_insn */

struct program {
	struct bpf_insn *at;
	size_t count;
};

static void emit(struct program *program, struct bpf_insn instruction)
{
	program->at[program->count++] = instruction;
}

static struct bpf_insn load(int to, size_t offset)
{
	return (struct bpf_insn){
		.code = BPF_LDX | BPF_MEM | BPF_W, .dst_reg = REGISTER(to), .src_reg = BPF_REG_1, .off = (short)offset
	};
}

static struct bpf_insn compute(int operation, int to, int value)
{
	return (struct bpf_insn){ .code = (unsigned char)(BPF_ALU | BPF_K | operation),
				  .dst_reg = REGISTER(to),
				  .imm = value };
}

static struct bpf_insn copy(int to, int from)
{
	return (struct bpf_insn){ .code = BPF_ALU | BPF_X | BPF_MOV,
				  .dst_reg = REGISTER(to),
				  .src_reg = REGISTER(from) };
}

/* Jumps to the next rule, which starts at `target`, when the register is not `value`. */
static void next_unless(struct program *program, int reg, int value, size_t target)
{
	emit(program, (struct bpf_insn){ .code = BPF_JMP | BPF_K | BPF_JNE,
					 .dst_reg = REGISTER(reg),
					 .imm = value,
					 .off = (short)(target - program->count - 1) });
}

static void leave(struct program *program, int verdict)
{
	emit(program, compute(BPF_MOV, BPF_REG_0, verdict));
	emit(program, (struct bpf_insn){ .code = BPF_JMP | BPF_EXIT });
}

/* "rwm" as bits; 0 for other letters or none. */
static int access_bits(const char *letters)
{
	int bits = 0;

	for (; *letters; letters++) {
		int bit = *letters == 'r'   ? BPF_DEVCG_ACC_READ
			  : *letters == 'w' ? BPF_DEVCG_ACC_WRITE
			  : *letters == 'm' ? BPF_DEVCG_ACC_MKNOD
					    : 0;

		if (!bit)
			return 0;
		bits |= bit;
	}
	return bits;
}

static void emit_rule(struct program *program, const struct device_rule *rule)
{
	bool one_type = rule->type != CGROUP_DEVICES_ALLOW_TYPE_ALL;
	int bits = access_bits(rule->access);
	bool some = bits != ACCESS_ALL;
	size_t next = program->count + one_type + (some ? 3 : 0) + (rule->major >= 0) + (rule->minor >= 0) + 2;

	if (one_type)
		next_unless(program, TYPE,
			    rule->type == CGROUP_DEVICES_ALLOW_TYPE_CHAR ? BPF_DEVCG_DEV_CHAR : BPF_DEVCG_DEV_BLOCK,
			    next);
	if (some) {
		emit(program, copy(SCRATCH, ACCESS));
		emit(program, compute(BPF_AND, SCRATCH, ACCESS_ALL & ~bits));
		next_unless(program, SCRATCH, 0, next);
	}
	if (rule->major >= 0)
		next_unless(program, MAJOR, rule->major, next);
	if (rule->minor >= 0)
		next_unless(program, MINOR, rule->minor, next);
	leave(program, 1);
}

static int plan_program(struct plan *plan, struct cgroup_leaf *leaf, struct error *err)
{
	const struct device_rule_list *allow = &plan->profile->cgroup.devices.allow;
	struct program program = { 0 };

	if (allow->count > (INSTRUCTIONS_MAX - INSTRUCTIONS_AROUND) / INSTRUCTIONS_PER_RULE)
		return fail(err, K_CGROUP_DEVICES_ALLOW, "cannot make a BPF program of %zu device rules", allow->count);
	program.at = arena_array(&plan->arena, allow->count * INSTRUCTIONS_PER_RULE + INSTRUCTIONS_AROUND,
				 sizeof(*program.at));
	if (!program.at)
		return fail_errno(err, K_CGROUP_DEVICES, "cannot plan the device rules");
	emit(&program, load(TYPE, offsetof(struct bpf_cgroup_dev_ctx, access_type)));
	emit(&program, load(MAJOR, offsetof(struct bpf_cgroup_dev_ctx, major)));
	emit(&program, load(MINOR, offsetof(struct bpf_cgroup_dev_ctx, minor)));
	emit(&program, copy(ACCESS, TYPE));
	emit(&program, compute(BPF_RSH, ACCESS, ACCESS_SHIFT));
	emit(&program, compute(BPF_AND, TYPE, TYPE_MASK));
	for (size_t i = 0; i < allow->count; i++)
		emit_rule(&program, &allow->items[i]);
	leave(&program, 0);
	leaf->devices = program.at;
	leaf->device_count = program.count;
	return 0;
}

/* "c 1:3 rw"; -1 is every number. v1's own word for both kinds ("a") ignores the rest of its line, so both are spelt
 * out. */
static int plan_line(struct plan *plan, struct cgroup_leaf *leaf, char kind, int index, struct error *err)
{
	const struct device_rule *rule = &plan->profile->cgroup.devices.allow.items[index];
	struct cgroup_write write = { .file = "devices.allow", .key = K_CGROUP_DEVICES_ALLOW, .element = index + 1 };
	char numbers[2][16] = { "*", "*" };

	if (rule->major >= 0)
		format_text(numbers[0], sizeof(numbers[0]), "%d", rule->major);
	if (rule->minor >= 0)
		format_text(numbers[1], sizeof(numbers[1]), "%d", rule->minor);
	write.value = arena_format(&plan->arena, "%c %s:%s %s", kind, numbers[0], numbers[1], rule->access);
	if (!write.value)
		return fail_errno_at(err, K_CGROUP_DEVICES_ALLOW, index, "cannot plan the device rules");
	return cgroup_add(plan, leaf, &write, err);
}

static int plan_lines(struct plan *plan, struct cgroup_leaf *leaf, struct error *err)
{
	const struct device_rule_list *allow = &plan->profile->cgroup.devices.allow;
	struct cgroup_write deny = { .file = "devices.deny", .value = "a", .key = K_CGROUP_DEVICES_DEFAULT };

	if (cgroup_add(plan, leaf, &deny, err))
		return -1;
	for (size_t i = 0; i < allow->count; i++) {
		int type = allow->items[i].type;

		if (type != CGROUP_DEVICES_ALLOW_TYPE_BLOCK && plan_line(plan, leaf, 'c', (int)i, err))
			return -1;
		if (type != CGROUP_DEVICES_ALLOW_TYPE_CHAR && plan_line(plan, leaf, 'b', (int)i, err))
			return -1;
	}
	return 0;
}

int cgroup_devices(struct plan *plan, struct cgroup_leaf *leaf, struct error *err)
{
	const struct device_rule_list *allow = &plan->profile->cgroup.devices.allow;

	for (size_t i = 0; i < allow->count; i++) {
		if (access_bits(allow->items[i].access))
			continue;
		fail_at(err, K_CGROUP_DEVICES_ALLOW_ACCESS, (int)i, "\"%s\" must be some of the letters r, w and m",
			allow->items[i].access);
		return error_exit(err, EXIT_OF_PROFILE);
	}
	return leaf->hierarchy->v2 ? plan_program(plan, leaf, err) : plan_lines(plan, leaf, err);
}

/* Asks the kernel how many programs the leaf has of its own: the one that was attached must be among them. */
static int verify(int directory, struct error *err)
{
	union bpf_attr attr;
	unsigned ids[1] = { 0 };

	memset(&attr, 0, sizeof(attr));
	attr.query.target_fd = (unsigned)directory;
	attr.query.attach_type = BPF_CGROUP_DEVICE;
	attr.query.prog_ids = (uintptr_t)ids;
	attr.query.prog_cnt = 1;
	if (sys_bpf(BPF_PROG_QUERY, &attr, sizeof(attr)))
		return fail_errno(err, K_CGROUP_DEVICES, "cannot read the device rules back");
	if (attr.query.prog_cnt != 1)
		return fail(err, K_CGROUP_DEVICES, "cannot set the device rules: the kernel shows none");
	return 0;
}

int cgroup_devices_attach(const struct cgroup_leaf *leaf, int directory, struct error *err)
{
	static const char license[] = "Apache-2.0";
	AUTO_CLOSE int program = -1;
	union bpf_attr attr;

	if (!leaf->device_count)
		return 0;
	memset(&attr, 0, sizeof(attr));
	attr.prog_type = BPF_PROG_TYPE_CGROUP_DEVICE;
	attr.insns = (uintptr_t)leaf->devices;
	attr.insn_cnt = (unsigned)leaf->device_count;
	attr.license = (uintptr_t)license;
	program = sys_bpf(BPF_PROG_LOAD, &attr, sizeof(attr));
	if (program < 0)
		return fail_errno(err, K_CGROUP_DEVICES, "cannot load the device rules into the kernel");
	memset(&attr, 0, sizeof(attr));
	attr.target_fd = (unsigned)directory;
	attr.attach_bpf_fd = (unsigned)program;
	attr.attach_type = BPF_CGROUP_DEVICE;
	attr.attach_flags = BPF_F_ALLOW_MULTI;
	if (sys_bpf(BPF_PROG_ATTACH, &attr, sizeof(attr)))
		return fail_errno(err, K_CGROUP_DEVICES, "cannot attach the device rules to the cgroup");
	return verify(directory, err);
}
