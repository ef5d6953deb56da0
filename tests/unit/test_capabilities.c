/* test_capabilities: names to masks, (ALL - drop) + keep, and what is refused. No privilege: a plan only. */
#include <errno.h>
#include <linux/capability.h>
#include <linux/securebits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "stage/stage.h"

/* After our own: it makes a macro of the word fail. */
#include <cmocka.h>

enum { WORDS = 4 };

#define BIT(capability) ((uint64_t)1 << (capability))
#define ALL UINT64_MAX /* cut to what the kernel has */

struct line {
	const char *name;
	const char *drop[WORDS], *keep[WORDS], *ambient[WORDS];
	uint64_t permitted, ambient_mask;
	/* ... or what is refused. */
	int key;
	const char *what, *remedy;
};

static const struct line lines[] = {
	{ .name = "drop ALL", .drop = { "ALL" } },
	{ .name = "drop nothing", .permitted = ALL },
	{ .name = "keep beside ALL",
	  .drop = { "ALL" },
	  .keep = { "NET_ADMIN", "CHOWN" },
	  .permitted = BIT(CAP_NET_ADMIN) | BIT(CAP_CHOWN) },
	{ .name = "a list to drop",
	  .drop = { "SYS_ADMIN", "NET_RAW" },
	  .permitted = ALL & ~BIT(CAP_SYS_ADMIN) & ~BIT(CAP_NET_RAW) },
	{ .name = "keep undoes drop",
	  .drop = { "SYS_ADMIN", "NET_RAW" },
	  .keep = { "NET_RAW" },
	  .permitted = ALL & ~BIT(CAP_SYS_ADMIN) },
	{ .name = "keep ALL", .drop = { "ALL" }, .keep = { "ALL" }, .permitted = ALL },
	{ .name = "with or without CAP_, in any case",
	  .drop = { "all" },
	  .keep = { "CAP_KILL", "cap_setuid", "setgid" },
	  .permitted = BIT(CAP_KILL) | BIT(CAP_SETUID) | BIT(CAP_SETGID) },
	{ .name = "the highest that the library knows",
	  .drop = { "ALL" },
	  .keep = { "CHECKPOINT_RESTORE" },
	  .permitted = BIT(CAP_CHECKPOINT_RESTORE) },
	{ .name = "ambient",
	  .drop = { "ALL" },
	  .keep = { "NET_ADMIN", "KILL" },
	  .ambient = { "KILL" },
	  .permitted = BIT(CAP_NET_ADMIN) | BIT(CAP_KILL),
	  .ambient_mask = BIT(CAP_KILL) },
	{ .name = "ambient but not kept",
	  .drop = { "ALL" },
	  .ambient = { "NET_ADMIN" },
	  .key = K_CAPABILITIES_AMBIENT,
	  .what = "NET_ADMIN",
	  .remedy = "capabilities.keep" },
	{ .name = "misspelt",
	  .drop = { "ALL" },
	  .keep = { "NET_ADMN" },
	  .key = K_CAPABILITIES_KEEP,
	  .what = "unknown capability NET_ADMN",
	  .remedy = "NET_ADMIN" },
	{ .name = "misspelt, with CAP_",
	  .drop = { "CAP_SYS_ADMIM" },
	  .key = K_CAPABILITIES_DROP,
	  .what = "unknown capability CAP_SYS_ADMIM",
	  .remedy = "SYS_ADMIN" },
	{ .name = "a number is no name",
	  .drop = { "ALL" },
	  .keep = { "21" },
	  .key = K_CAPABILITIES_KEEP,
	  .what = "21" },
	{ .name = "nor is nothing", .drop = { "ALL" }, .keep = { "" }, .key = K_CAPABILITIES_KEEP, .what = "unknown" },
	{ .name = "nor CAP_ alone", .drop = { "CAP_" }, .key = K_CAPABILITIES_DROP, .what = "unknown" },
	{ .name = "nor two names in one",
	  .drop = { "ALL" },
	  .keep = { "KILL,CHOWN" },
	  .key = K_CAPABILITIES_KEEP,
	  .what = "KILL,CHOWN" },
	{ .name = "nor a very long one",
	  .drop = { "ALL" },
	  .key = K_CAPABILITIES_KEEP,
	  .what = "unknown",
	  .keep = { "NET_ADMINNET_ADMINNET_ADMINNET_ADMINNET_ADMINNET_ADMINNET_ADMINNET_ADMINNET_ADMIN" } },
};

static struct strings list(const char *const *words, const char **copy)
{
	struct strings strings = { .items = copy };

	while (strings.count < WORDS && words[strings.count]) {
		copy[strings.count] = words[strings.count];
		strings.count++;
	}
	return strings;
}

static uint64_t all_of_kernel(void)
{
	int last = 0;

	while (last < 63 && prctl(PR_CAPBSET_READ, last + 1, 0, 0, 0) >= 0)
		last++;
	return last == 63 ? UINT64_MAX : BIT(last + 1) - 1;
}

/* With or without a user namespace: what the plan of `line` becomes. */
static int plan_line(const struct line *line, bool userns, struct capabilities_plan *ret, struct error *err)
{
	const char *drop[WORDS], *keep[WORDS], *ambient[WORDS];
	struct profile profile = { 0 };
	struct plan plan = { .profile = &profile };
	int status = 0;

	plan.userns.create = userns;
	profile.capabilities.drop = list(line->drop, drop);
	profile.capabilities.keep = list(line->keep, keep);
	profile.capabilities.ambient = list(line->ambient, ambient);
	status = capabilities_plan(&profile, &plan, err);
	*ret = plan.capabilities;
	arena_free(&plan.arena);
	return status;
}

static void test_lines(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		const struct line *line = &lines[i];
		struct capabilities_plan plan;
		struct error err = { 0 };

		print_message("%s\n", line->name);
		if (line->what) {
			assert_int_equal(plan_line(line, true, &plan, &err), -1);
			assert_int_equal(err.key, line->key);
			assert_int_equal(err.exit_status, EXIT_OF_PROFILE);
			assert_non_null(strstr(err.what, line->what));
			assert_non_null(strstr(err.remedy, line->remedy ? line->remedy : ""));
			continue;
		}
		assert_int_equal(plan_line(line, true, &plan, &err), 0);
		assert_int_equal(plan.permitted, line->permitted & all_of_kernel());
		assert_int_equal(plan.bounding, plan.permitted);
		assert_int_equal(plan.ambient, line->ambient_mask);
		/* Nothing kept: root is locked out as well. Something kept: setuid(2) stays as the kernel has it. */
		assert_int_equal(!(plan.securebits & SECBIT_NOROOT_LOCKED), plan.permitted != 0);
		assert_int_equal(!(plan.securebits & SECBIT_NO_SETUID_FIXUP), plan.permitted != 0);
		assert_true(plan.securebits & SECBIT_NO_CAP_AMBIENT_RAISE_LOCKED);
	}
}

static uint64_t own_permitted(void)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = { 0 };

	assert_int_equal(syscall(SYS_capget, &header, data), 0);
	return data[0].permitted | (uint64_t)data[1].permitted << 32;
}

/* Without a user namespace nobody can keep what the launcher does not have. */
static void test_without_userns(void **state)
{
	const struct line all = { .drop = { NULL } };
	const struct line named = { .drop = { "ALL" }, .keep = { "SYS_RESOURCE" } };
	uint64_t own = own_permitted() & all_of_kernel();
	struct capabilities_plan plan;
	struct error err = { 0 };

	(void)state;
	assert_int_equal(plan_line(&all, false, &plan, &err), 0);
	assert_int_equal(plan.permitted & ~own, 0);
	if (own & BIT(CAP_SYS_RESOURCE)) {
		assert_int_equal(plan_line(&named, false, &plan, &err), 0);
		assert_int_equal(plan.permitted, BIT(CAP_SYS_RESOURCE));
		return;
	}
	assert_int_equal(plan_line(&named, false, &plan, &err), -1);
	assert_int_equal(err.key, K_CAPABILITIES_KEEP);
	assert_non_null(strstr(err.what, "SYS_RESOURCE"));
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_lines), cmocka_unit_test(test_without_userns) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
