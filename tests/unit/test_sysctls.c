/* test_sysctls: which kernel parameters a profile may set, by name. No privilege, nothing is written. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "stage/stage.h"

/* After our own: it makes a macro of the word fail. */
#include <cmocka.h>

static const struct row {
	const char *name;
	const char *path; /* NULL: refused */
} rows[] = {
	{ "net.ipv4.ip_forward", "net/ipv4/ip_forward" },
	{ "net/ipv4/conf/eth0.100/forwarding", "net/ipv4/conf/eth0.100/forwarding" },
	{ "net.ipv4.conf.eth0/100.forwarding", "net/ipv4/conf/eth0.100/forwarding" },
	{ "kernel.shmmax", "kernel/shmmax" },
	{ "kernel.sem", "kernel/sem" },
	{ "fs.mqueue.msg_max", "fs/mqueue/msg_max" },
	{ "user.max_user_namespaces", "user/max_user_namespaces" },
	{ "vm.memfd_noexec", "vm/memfd_noexec" },
	{ "kernel.semantics", NULL },
	{ "kernel.shmmax.x", NULL },
	{ "kernel.core_pattern", NULL },
	{ "kernel.hostname", NULL },
	{ "kernel.domainname", NULL },
	{ "vm.overcommit_memory", NULL },
	{ "net", NULL },
	{ "net.", NULL },
	{ "net..ipv4", NULL },
	{ ".net.ipv4", NULL },
	{ "net/../kernel/core_pattern", NULL },
	{ "net/./ipv4", NULL },
	{ "net/ipv4/..", NULL },
	{ "/proc/sys/net/ipv4/ip_forward", NULL },
	{ "", NULL },
};

static int plan_one(const char *name, struct plan *plan, bool shared, struct error *err)
{
	struct sysctl sysctl = { .name = name, .value = "1" };
	const struct profile profile = { .sysctls = { &sysctl, 1 } };

	plan->namespaces = (struct namespaces_plan){ .user = !shared, .pid = !shared, .net = !shared, .ipc = !shared };
	return sysctls_plan(&profile, plan, err);
}

static void only_the_sandbox_s_own(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct plan plan = { 0 };
		struct error err = { 0 };

		print_message("%s\n", rows[i].name);
		if (rows[i].path) {
			assert_int_equal(plan_one(rows[i].name, &plan, false, &err), 0);
			assert_string_equal(plan.sysctls.paths[0], rows[i].path);
			assert_int_equal(plan_one(rows[i].name, &plan, true, &err), -1);
		} else {
			assert_int_equal(plan_one(rows[i].name, &plan, false, &err), -1);
		}
		if (!rows[i].path) {
			assert_int_equal(err.exit_status, EXIT_OF_PROFILE);
			assert_int_equal(err.key, K_SYSCTLS_NAME);
			assert_int_equal(err.index, 0);
		}
		arena_free(&plan.arena);
	}
}

static void forbids_user_namespaces_unless_set(void **state)
{
	struct profile none = { 0 };
	struct plan plan = { .namespaces = { .user = true } };
	struct error err = { 0 };

	(void)state;
	assert_int_equal(sysctls_plan(&none, &plan, &err), 0);
	assert_true(plan.sysctls.forbid_userns);
	assert_int_equal(plan_one("user.max_user_namespaces", &plan, false, &err), 0);
	assert_false(plan.sysctls.forbid_userns);
	/* Without a user namespace of its own the number would be the host's. */
	plan.namespaces.user = false;
	assert_int_equal(sysctls_plan(&none, &plan, &err), 0);
	assert_false(plan.sysctls.forbid_userns);
	arena_free(&plan.arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_the_sandbox_s_own),
		cmocka_unit_test(forbids_user_namespaces_unless_set),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
