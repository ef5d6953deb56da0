/* test_cgroup: the cgroup stage's pure half: hierarchies from text, keys as files, device rules as a program. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cpulist.h"
#include "base/parse.h"
#include "stage/cgroup_leaf.h"

/* After our own: it makes a macro of the word fail. */
#include <cmocka.h>

static struct arena arena;

static int teardown(void **state)
{
	(void)state;
	arena_free(&arena);
	return 0;
}

/* ---- hierarchies ------------------------------------------------------------------------------------------------ */

static const char v2_mounts[] = "22 1 0:21 / /sys rw,nosuid shared:2 - sysfs sysfs rw\n"
				"30 22 0:26 / /sys/fs/cgroup rw,nosuid,nodev shared:4 - cgroup2 cgroup2 rw,nsdelegate\n"
				"31 1 254:1 / / rw,relatime shared:1 - ext4 /dev/vda1 rw\n";

static const char v1_mounts[] =
	"31 23 0:28 / /sys/fs/cgroup ro shared:9 - tmpfs tmpfs ro,mode=755\n"
	"32 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct\n"
	"33 31 0:30 / /sys/fs/cgroup/cpuset rw - cgroup cgroup rw,cpuset\n"
	"34 31 0:31 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n"
	"35 31 0:32 / /sys/fs/cgroup/systemd rw - cgroup cgroup rw,xattr,name=systemd,release_agent=/x\n";

static struct cgroup_hierarchies parse(const char *mounts, const char *self)
{
	struct cgroup_hierarchies ret;

	assert_int_equal(cgroup_parse(&arena, mounts, self, &ret), 0);
	return ret;
}

static void v2_has_one_hierarchy(void **state)
{
	struct cgroup_hierarchies found = parse(v2_mounts, "0::/user.slice/user-1000.slice/session-2.scope\n");
	const struct cgroup_hierarchy *memory = cgroup_hierarchy_of(&found, "memory");

	(void)state;
	assert_int_equal(found.count, 1);
	assert_ptr_equal(memory, cgroup_unified(&found));
	assert_true(memory->v2);
	assert_string_equal(memory->mount, "/sys/fs/cgroup");
	assert_string_equal(memory->root, "");
	assert_string_equal(memory->own, "/user.slice/user-1000.slice/session-2.scope");
}

static void v1_has_one_for_each_group_of_controllers(void **state)
{
	struct cgroup_hierarchies found =
		parse(v1_mounts, "5:name=systemd:/s\n4:memory:/m/n\n3:cpuset:/\n2:cpu,cpuacct:/\n"
				 "1:pids:/p\n");
	const struct cgroup_hierarchy *cpu = cgroup_hierarchy_of(&found, "cpu");

	(void)state;
	assert_int_equal(found.count, 4); /* pids is mounted nowhere */
	assert_ptr_equal(cpu, cgroup_hierarchy_of(&found, "cpuacct"));
	assert_string_equal(cpu->controllers, "cpu,cpuacct");
	assert_string_equal(cpu->own, "");
	assert_string_equal(cgroup_hierarchy_of(&found, "cpuset")->mount, "/sys/fs/cgroup/cpuset");
	assert_string_equal(cgroup_hierarchy_of(&found, "memory")->own, "/m/n");
	assert_string_equal(cgroup_hierarchy_of(&found, "name=systemd")->own, "/s");
	assert_null(cgroup_hierarchy_of(&found, "pids"));
	assert_null(cgroup_unified(&found));
}

static void hybrid_looks_at_v1_first(void **state)
{
	static const char mounts[] = "34 31 0:31 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n"
				     "41 31 0:38 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n";
	struct cgroup_hierarchies found = parse(mounts, "4:memory:/a\n0::/b\n");

	(void)state;
	assert_false(cgroup_hierarchy_of(&found, "memory")->v2);
	assert_true(cgroup_hierarchy_of(&found, "hugetlb")->v2);
	assert_string_equal(cgroup_unified(&found)->own, "/b");
}

static void a_container_sees_a_part(void **state)
{
	static const char mounts[] = "34 31 0:31 /docker/abc /sys/fs/cgroup rw - cgroup2 cgroup rw\n";

	(void)state;
	assert_string_equal(parse(mounts, "0::/docker/abc\n").items[0].own, "");
	assert_string_equal(parse(mounts, "0::/docker/abc/x\n").items[0].own, "/x");
	assert_string_equal(parse(mounts, "0::/docker/abc\n").items[0].root, "/docker/abc");
	assert_null(parse(mounts, "0::/docker/abcd\n").items[0].own);
	assert_null(parse(mounts, "0::/\n").items[0].own);
	assert_null(parse(v2_mounts, "0::/../other\n").items[0].own);
}

static void the_first_mount_of_a_hierarchy_counts(void **state)
{
	static const char mounts[] = "1 0 0:1 / /sys/fs/cg\\040roup\\134x rw shared:1 master:2 - cgroup2 none rw\n"
				     "2 0 0:1 / /second rw - cgroup2 none rw\n";

	(void)state;
	assert_string_equal(parse(mounts, "0::/\n").items[0].mount, "/sys/fs/cg roup\\x");
}

static void broken_text_is_no_hierarchy(void **state)
{
	static const char *const mounts[] = { "", "\n", " - cgroup2", "1 2 3 - cgroup2 x", "a b c d e f - cgroup2\n" };
	struct cgroup_hierarchies found;

	(void)state;
	for (size_t i = 0; i < sizeof(mounts) / sizeof(mounts[0]); i++)
		assert_int_equal(parse(mounts[i], "0::/\n").count, 0);
	assert_int_equal(cgroup_parse(&arena, v2_mounts, "nonsense\n", &found), -1);
	assert_int_equal(cgroup_parse(&arena, v2_mounts, "0:\n", &found), -1);
	assert_int_equal(cgroup_parse(&arena, v2_mounts, "0::relative\n", &found), -1);
	assert_int_equal(parse(v2_mounts, "").count, 0);
}

/* ---- keys as files and values ----------------------------------------------------------------------------------- */

static void formulas(void **state)
{
	(void)state;
	assert_int_equal(cgroup_shares(100), 1024);
	assert_int_equal(cgroup_shares(25), 256);
	assert_int_equal(cgroup_shares(1), 10);
	assert_int_equal(cgroup_shares(10000), 102400);
	assert_int_equal(cgroup_bfq_weight(1), 1);
	assert_int_equal(cgroup_bfq_weight(100), 100);
	assert_int_equal(cgroup_bfq_weight(10000), 1000);
	assert_int_equal(cgroup_quota(5000, 100000000), 50000);
	assert_int_equal(cgroup_quota(20000, 1000000000), 2000000);
	assert_int_equal(cgroup_quota(1250, 1000000), 125);
}

static void what_counts_as_the_same(void **state)
{
	(void)state;
	assert_true(cgroup_same(CGROUP_CHECK_TEXT, "64", "64"));
	assert_false(cgroup_same(CGROUP_CHECK_TEXT, "64", "max"));
	assert_true(cgroup_same(CGROUP_CHECK_BYTES, "104857600", "104857600"));
	assert_true(cgroup_same(CGROUP_CHECK_BYTES, "104857601", "104857600"));
	assert_false(cgroup_same(CGROUP_CHECK_BYTES, "104857600", "104857601"));
	assert_false(cgroup_same(CGROUP_CHECK_BYTES, "104857600", "max"));
	assert_true(cgroup_same(CGROUP_CHECK_BYTES, "max", "max"));
	assert_false(cgroup_same(CGROUP_CHECK_BYTES, "max", "4096"));
	assert_true(cgroup_same(CGROUP_CHECK_BYTES, "-1", "9223372036854771712"));
	assert_false(cgroup_same(CGROUP_CHECK_BYTES, "-1", "4096"));
	assert_true(cgroup_same(CGROUP_CHECK_LIST, "0,1,2,5", "0-2,5"));
	assert_false(cgroup_same(CGROUP_CHECK_LIST, "0-3", "0-1"));
	assert_false(cgroup_same(CGROUP_CHECK_LIST, "0", ""));
}

static void cpu_lists(void **state)
{
	static const char *const bad[] = { "",    ",", "0,",    "0-", "-1",   "3-1",
					   "0 1", "a", "0-1-2", "01", "1024", "99999999999999999999" };
	cpu_set_t set;

	(void)state;
	assert_int_equal(cpulist_read("0-2,7,1023\n", &set), 0);
	assert_int_equal(CPU_COUNT(&set), 5);
	assert_true(CPU_ISSET(1023, &set));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(cpulist_read(bad[i], &set), -1);
}

static void numbers_in_lists(void **state)
{
	const char *at = "12\n7\n99999999999999999999999\n";
	uint64_t number = 0;

	(void)state;
	at = parse_next(at, &number);
	assert_int_equal(number, 12);
	at = parse_next(at, &number);
	assert_int_equal(number, 7);
	at = parse_next(at, &number);
	assert_true(number == UINT64_MAX);
	assert_null(parse_next(at, &number));
}

static struct profile empty_profile(void)
{
	struct profile profile = { 0 };

	profile.cgroup.memory.max = profile.cgroup.memory.high = SIZE_UNSET;
	profile.cgroup.memory.low = profile.cgroup.memory.swap = SIZE_UNSET;
	profile.cgroup.cpu.max = PERCENT_UNSET;
	profile.cgroup.cpu.period = 100000000;
	profile.cgroup.cpu.weight = profile.cgroup.io.weight = INT_UNSET;
	profile.cgroup.pids.max = SIZE_UNSET;
	return profile;
}

static const struct cgroup_hierarchy v1 = { .controllers = "x", .mount = "/v1" };
static const struct cgroup_hierarchy v2 = { .v2 = true, .controllers = "", .mount = "/v2" };

/* The writes of one controller, as "file=value" a line. */
static const char *writes(const struct profile *profile, const struct cgroup_hierarchy *hierarchy,
			  enum cgroup_controller controller)
{
	struct plan plan = { .profile = profile };
	struct cgroup_leaf leaf = { .hierarchy = hierarchy };
	struct text text = { 0 };
	struct error err = { 0 };
	char *copy = NULL;

	if (cgroup_limits(&plan, &leaf, controller, &err))
		text_add(&text, "error %d", err.exit_status);
	for (size_t i = 0; i < leaf.write_count; i++)
		text_add(&text, "%s=%s\n", leaf.writes[i].file,
			 leaf.writes[i].value ? leaf.writes[i].value : "(parent)");
	copy = arena_copy(&arena, text.data ? text.data : "");
	text_free(&text);
	arena_free(&plan.arena);
	return copy;
}

static void memory_on_both(void **state)
{
	struct profile profile = empty_profile();
	bool swap = access("/proc/swaps", F_OK) == 0;

	(void)state;
	profile.cgroup.memory.max = 100 << 20;
	profile.cgroup.memory.swap = 1 << 20;
	assert_string_equal(writes(&profile, &v2, CGROUP_MEMORY),
			    swap ? "memory.swap.max=1048576\nmemory.max=104857600\n" : "memory.max=104857600\n");
	assert_string_equal(writes(&profile, &v1, CGROUP_MEMORY),
			    swap ? "memory.limit_in_bytes=104857600\nmemory.memsw.limit_in_bytes=105906176\n"
				 : "memory.limit_in_bytes=104857600\n");
	profile.cgroup.memory.max = SIZE_UNLIMITED;
	profile.cgroup.memory.swap = SIZE_UNSET;
	assert_string_equal(writes(&profile, &v2, CGROUP_MEMORY), "memory.max=max\n");
	assert_string_equal(writes(&profile, &v1, CGROUP_MEMORY), "memory.limit_in_bytes=-1\n");
}

static void what_v1_cannot_say_about_memory(void **state)
{
	struct profile profile = empty_profile();

	(void)state;
	profile.cgroup.memory.high = 1 << 20;
	assert_string_equal(writes(&profile, &v2, CGROUP_MEMORY), "memory.high=1048576\n");
	assert_string_equal(writes(&profile, &v1, CGROUP_MEMORY), "error 0");
	profile = empty_profile();
	profile.cgroup.memory.swap = 0;
	if (access("/proc/swaps", F_OK) == 0)
		assert_string_equal(writes(&profile, &v1, CGROUP_MEMORY), "error 0");
}

static void cpu_on_both(void **state)
{
	struct profile profile = empty_profile();

	(void)state;
	assert_string_equal(writes(&profile, &v2, CGROUP_CPU), "");
	profile.cgroup.cpu.max = 5000;
	profile.cgroup.cpu.weight = 25;
	assert_string_equal(writes(&profile, &v2, CGROUP_CPU), "cpu.max=50000 100000\ncpu.weight=25\n");
	assert_string_equal(writes(&profile, &v1, CGROUP_CPU),
			    "cpu.cfs_period_us=100000\ncpu.cfs_quota_us=50000\ncpu.shares=256\n");
	profile.cgroup.cpu.weight = INT_UNSET;
	profile.cgroup.cpu.max = PERCENT_UNLIMITED;
	assert_string_equal(writes(&profile, &v2, CGROUP_CPU), "cpu.max=max 100000\n");
	assert_string_equal(writes(&profile, &v1, CGROUP_CPU), "cpu.cfs_period_us=100000\ncpu.cfs_quota_us=-1\n");
	profile.cgroup.cpu.max = 50; /* half a percent: 500us of 100ms */
	assert_string_equal(writes(&profile, &v2, CGROUP_CPU), "error 121");
}

static void cpuset_on_both(void **state)
{
	struct profile profile = empty_profile();

	(void)state;
	profile.cgroup.cpu.cpus = "0-1";
	assert_string_equal(writes(&profile, &v2, CGROUP_CPUSET), "cpuset.cpus=0-1\n");
	assert_string_equal(writes(&profile, &v1, CGROUP_CPUSET), "cpuset.cpus=0-1\ncpuset.mems=(parent)\n");
	profile.cgroup.cpu.cpus = "1-0";
	assert_string_equal(writes(&profile, &v2, CGROUP_CPUSET), "error 121");
}

static void pids_and_io(void **state)
{
	struct profile profile = empty_profile();

	(void)state;
	profile.cgroup.pids.max = 64;
	assert_string_equal(writes(&profile, &v1, CGROUP_PIDS), "pids.max=64\n");
	profile.cgroup.pids.max = SIZE_UNLIMITED;
	assert_string_equal(writes(&profile, &v1, CGROUP_PIDS), "pids.max=max\n");
	profile.cgroup.io.weight = 10000;
	assert_string_equal(writes(&profile, &v2, CGROUP_IO), "io.weight=10000\nio.bfq.weight=1000\n");
	assert_string_equal(writes(&profile, &v1, CGROUP_IO), "blkio.bfq.weight=1000\n");
}

static int raw(const char *file)
{
	struct cgroup_raw item = { .file = file, .value = "1" };
	struct profile profile = empty_profile();
	struct plan plan = { .profile = &profile };
	struct cgroup_leaf leaf = { .hierarchy = &v2 };
	struct error err = { 0 };
	int status = 0;

	profile.cgroup.raw = (struct cgroup_raw_list){ &item, 1 };
	status = cgroup_limits_raw(&plan, &leaf, 0, &err);
	assert_int_equal(err.exit_status, status ? EXIT_OF_PROFILE : 0);
	arena_free(&plan.arena);
	return status;
}

static void raw_files_stay_limits(void **state)
{
	static const char *const bad[] = { "cgroup.procs", "cgroup.kill", "cgroup.freeze", "freezer.state",
					   "x/y.z",        "nodot",       "../memory.max", ".hidden" };

	(void)state;
	assert_int_equal(raw("memory.oom.group"), 0);
	assert_int_equal(raw("hugetlb.2MB.max"), 0);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(raw(bad[i]), -1);
}

static void names_of_leaves(void **state)
{
	(void)state;
	assert_true(cgroup_is_leaf_name("0123456789abcdef"));
	assert_false(cgroup_is_leaf_name("0123456789abcde"));
	assert_false(cgroup_is_leaf_name("0123456789abcdef0"));
	assert_false(cgroup_is_leaf_name("0123456789abcdeF"));
	assert_false(cgroup_is_leaf_name("launcher"));
}

/* ---- device rules ----------------------------------------------------------------------------------------------- */

/* Runs the few instructions that device programs are made of. */
static int run_program(const struct cgroup_leaf *leaf, const struct bpf_cgroup_dev_ctx *context)
{
	uint64_t reg[11] = { 0 };

	for (size_t at = 0; at < leaf->device_count; at++) {
		const struct bpf_insn *insn = &leaf->devices[at];

		switch (insn->code) {
		case BPF_LDX | BPF_MEM | BPF_W:
			assert_int_equal(insn->src_reg, BPF_REG_1);
			memcpy(&reg[insn->dst_reg], (const char *)context + insn->off, sizeof(uint32_t));
			break;
		case BPF_ALU | BPF_K | BPF_MOV:
			reg[insn->dst_reg] = (uint32_t)insn->imm;
			break;
		case BPF_ALU | BPF_X | BPF_MOV:
			reg[insn->dst_reg] = (uint32_t)reg[insn->src_reg];
			break;
		case BPF_ALU | BPF_K | BPF_RSH:
			reg[insn->dst_reg] = (uint32_t)reg[insn->dst_reg] >> insn->imm;
			break;
		case BPF_ALU | BPF_K | BPF_AND:
			reg[insn->dst_reg] = (uint32_t)reg[insn->dst_reg] & (uint32_t)insn->imm;
			break;
		case BPF_JMP | BPF_K | BPF_JNE:
			assert_true(insn->off >= 0);
			if (reg[insn->dst_reg] != (uint64_t)(int64_t)insn->imm)
				at += (size_t)insn->off;
			break;
		case BPF_JMP | BPF_EXIT:
			return (int)reg[0];
		default:
			fail_msg("instruction %02x", insn->code);
		}
	}
	fail_msg("ran off the end");
	return -1;
}

static bool rule_allows(const struct device_rule *rule, const struct bpf_cgroup_dev_ctx *context)
{
	static const struct {
		char letter;
		uint32_t bit;
	} letters[] = { { 'r', BPF_DEVCG_ACC_READ }, { 'w', BPF_DEVCG_ACC_WRITE }, { 'm', BPF_DEVCG_ACC_MKNOD } };
	uint32_t type = context->access_type & 0xffff, wanted = context->access_type >> 16;

	if (rule->type == CGROUP_DEVICES_ALLOW_TYPE_CHAR && type != BPF_DEVCG_DEV_CHAR)
		return false;
	if (rule->type == CGROUP_DEVICES_ALLOW_TYPE_BLOCK && type != BPF_DEVCG_DEV_BLOCK)
		return false;
	if ((rule->major >= 0 && (uint32_t)rule->major != context->major) ||
	    (rule->minor >= 0 && (uint32_t)rule->minor != context->minor))
		return false;
	for (size_t i = 0; i < 3; i++)
		if (wanted & letters[i].bit && !strchr(rule->access, letters[i].letter))
			return false;
	return true;
}

static void check_rules(struct device_rule *rules, size_t count)
{
	struct profile profile = empty_profile();
	struct plan plan = { .profile = &profile };
	struct cgroup_leaf leaf = { .hierarchy = &v2 };
	struct error err = { 0 };

	profile.cgroup.devices.allow = (struct device_rule_list){ rules, count };
	assert_int_equal(cgroup_devices(&plan, &leaf, &err), 0);
	for (uint32_t access = 1; access < 8; access++) {
		for (uint32_t place = 0; place < 2 * 4 * 4; place++) {
			struct bpf_cgroup_dev_ctx context = {
				.access_type = access << 16 | (place & 1 ? BPF_DEVCG_DEV_CHAR : BPF_DEVCG_DEV_BLOCK),
				.major = place >> 1 & 3,
				.minor = place >> 3 & 3,
			};
			bool allowed = false;

			for (size_t i = 0; i < count; i++)
				allowed |= rule_allows(&rules[i], &context);
			assert_int_equal(run_program(&leaf, &context), allowed);
		}
	}
	arena_free(&plan.arena);
}

static void device_programs_mean_their_rules(void **state)
{
	static const char *const accesses[] = { "r", "w", "m", "rw", "rm", "wm", "rwm", "mwr" };
	struct device_rule rules[4];

	(void)state;
	check_rules(rules, 0);
	srand(1);
	for (int round = 0; round < 500; round++) {
		size_t count = 1 + (size_t)rand() % 4;

		for (size_t i = 0; i < count; i++)
			rules[i] = (struct device_rule){ .type = rand() % 3,
							 .major = rand() % 5 - 1,
							 .minor = rand() % 5 - 1,
							 .access = accesses[rand() % 8] };
		check_rules(rules, count);
	}
}

static void device_lines_of_v1(void **state)
{
	struct device_rule rules[] = {
		{ .type = CGROUP_DEVICES_ALLOW_TYPE_CHAR, .major = 1, .minor = 3, .access = "rwm" },
		{ .type = CGROUP_DEVICES_ALLOW_TYPE_ALL, .major = -1, .minor = -1, .access = "m" },
	};
	struct profile profile = empty_profile();

	(void)state;
	profile.cgroup.devices.allow = (struct device_rule_list){ rules, 2 };
	assert_string_equal(writes(&profile, &v1, CGROUP_DEVICES),
			    "devices.deny=a\ndevices.allow=c 1:3 rwm\ndevices.allow=c *:* m\ndevices.allow=b *:* m\n");
	rules[1].access = "x";
	assert_string_equal(writes(&profile, &v1, CGROUP_DEVICES), "error 121");
	rules[1].access = "";
	assert_string_equal(writes(&profile, &v2, CGROUP_DEVICES), "error 121");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(v2_has_one_hierarchy, teardown),
		cmocka_unit_test_teardown(v1_has_one_for_each_group_of_controllers, teardown),
		cmocka_unit_test_teardown(hybrid_looks_at_v1_first, teardown),
		cmocka_unit_test_teardown(a_container_sees_a_part, teardown),
		cmocka_unit_test_teardown(the_first_mount_of_a_hierarchy_counts, teardown),
		cmocka_unit_test_teardown(broken_text_is_no_hierarchy, teardown),
		cmocka_unit_test_teardown(formulas, teardown),
		cmocka_unit_test_teardown(what_counts_as_the_same, teardown),
		cmocka_unit_test_teardown(cpu_lists, teardown),
		cmocka_unit_test_teardown(numbers_in_lists, teardown),
		cmocka_unit_test_teardown(memory_on_both, teardown),
		cmocka_unit_test_teardown(what_v1_cannot_say_about_memory, teardown),
		cmocka_unit_test_teardown(cpu_on_both, teardown),
		cmocka_unit_test_teardown(cpuset_on_both, teardown),
		cmocka_unit_test_teardown(pids_and_io, teardown),
		cmocka_unit_test_teardown(raw_files_stay_limits, teardown),
		cmocka_unit_test_teardown(names_of_leaves, teardown),
		cmocka_unit_test_teardown(device_programs_mean_their_rules, teardown),
		cmocka_unit_test_teardown(device_lines_of_v1, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
