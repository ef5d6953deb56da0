/* seccomp: which system calls the payload may make.
 *
 * plan     (parent) turns the profile's rules into a program of classic BPF. For the rules of shipped profiles that
 * was done
 *          at build time; for a user's own it is taken from the cache where an earlier run left it, else compiled. What
 *          rules mean is written in seccomp_policy.c.
 * host     (parent) puts a filter compiled anew into the cache. check and explain never come here. confine  (child)
 * installs the filter. The last cell of the pipeline: everything above needs calls that it may forbid. What
 *          still follows is execve, or write and exit_group to tell why not; plan refuses a profile that forbids those.
 *
 * Needs: seccomp(2) with filters, Linux 3.17 (SECCOMP_FILTER_FLAG_LOG and KILL_PROCESS 4.14), and no_new_privs or
 * CAP_SYS_ADMIN. Fails only when the kernel has no seccomp, or is out of memory. Nothing to undo: a filter dies with
 * its process, and cannot be taken off before.
 */
#include "stage/stage.h"

#include <errno.h>
#include <linux/seccomp.h>
#include <string.h>

#include "base/syscall.h"
#include "stage/seccomp_filters.h"
#include "stage/seccomp_policy.h"

static const struct shipped_filter *find_shipped(const char *text, size_t length)
{
	for (unsigned i = 0; i < shipped_filter_count; i++)
		if (shipped_filters[i].text_length == length && !memcmp(shipped_filters[i].text, text, length))
			return &shipped_filters[i];
	return NULL;
}

static int compile(const struct profile *profile, struct plan *plan, struct error *err)
{
	struct seccomp_plan *seccomp = &plan->seccomp;
	struct arena scratch = { 0 };
	struct policy *policy = NULL;
	struct sock_filter *filter = NULL;
	int result = policy_make(profile, &scratch, &policy, err);

	if (!result)
		result = policy_compile(policy, &scratch, &filter, &seccomp->length, err);
	if (!result) {
		struct sock_filter *kept = arena_array(&plan->arena, seccomp->length, sizeof(*kept));

		if (kept)
			seccomp->filter = memcpy(kept, filter, seccomp->length * sizeof(*kept));
		else
			result = fail_errno(err, K_SECCOMP, "cannot keep the filter");
	}
	arena_free(&scratch);
	return result;
}

/* A filter that allows what it does not name is a risk that a profile must name. */
static int check_risk(const struct profile *profile, const char *text, int key, struct error *err)
{
	uint32_t action = 0;

	if (action_read(text, &action, key, -1, err))
		return -1;
	if (!action_permits(action))
		return 0;
	for (size_t i = 0; i < profile->dangerous.count; i++)
		if (!strcmp(profile->dangerous.items[i], "allow-by-default"))
			return 0;
	fail(err, key, "%s lets through every system call that nothing names", text);
	error_remedy(err, "say dangerous = [ \"allow-by-default\" ] if that is meant");
	return error_exit(err, EXIT_OF_PROFILE);
}

/* A foreign ABI is always killed for, so every filter can be the reason of a death by SIGSYS. */
int seccomp_plan(const struct profile *profile, struct plan *plan, struct error *err)
{
	struct seccomp_plan *seccomp = &plan->seccomp;
	const struct shipped_filter *shipped = NULL;

	if (check_risk(profile, profile->seccomp.default_, K_SECCOMP_DEFAULT, err) ||
	    check_risk(profile, profile->seccomp.unknown, K_SECCOMP_UNKNOWN, err))
		return -1;
	seccomp->wanted = true;
	seccomp->kills = true;
	seccomp->flags = profile->seccomp.log_denied ? SECCOMP_FILTER_FLAG_LOG : 0;
	seccomp->text = policy_text(profile, &plan->arena, &seccomp->text_length);
	if (!seccomp->text)
		return fail_errno(err, K_SECCOMP, "cannot keep the rules");
	shipped = find_shipped(seccomp->text, seccomp->text_length);
	if (shipped) {
		seccomp->filter = shipped->filter;
		seccomp->length = shipped->length;
		return 0;
	}
	seccomp->filter = cache_load(plan->caller, seccomp->text, seccomp->text_length, &plan->arena, &seccomp->length);
	if (seccomp->filter)
		return 0;
	seccomp->cache_store = true;
	return compile(profile, plan, err);
}

/* Should: keep what was compiled.  Mustn't: fail, or leave anything but a whole file. */
int seccomp_host(const struct plan *plan, struct host *host, struct error *err)
{
	const struct seccomp_plan *seccomp = &plan->seccomp;

	(void)host;
	(void)err;
	if (seccomp->cache_store)
		cache_store(plan->caller, seccomp->text, seccomp->text_length, seccomp->filter, seccomp->length);
	return 0;
}

/* Should: put exactly the planned filter in force.  Mustn't: be followed by anything but execve, or write and _exit. */
CHILD int seccomp_confine(const struct plan *plan, struct inside *inside, struct error *err)
{
	const struct seccomp_plan *seccomp = &plan->seccomp;
	struct sock_fprog program = { .len = seccomp->length,
				      .filter = (struct sock_filter *)(uintptr_t)seccomp->filter };

	(void)inside;
	if (sys_seccomp(SECCOMP_SET_MODE_FILTER, seccomp->flags, &program) == 0)
		return 0;
	fail_errno(err, K_SECCOMP, "cannot install the system call filter of %u instructions",
		   (unsigned)seccomp->length);
	if (err->sys_errno == EACCES)
		error_remedy(err, "without no_new_privs a filter needs CAP_SYS_ADMIN");
	return -1;
}

/* ---- describe --------------------------------------------------------------------------------------------------- */

static const char *join(const struct strings *names, struct text *text)
{
	for (size_t i = 0; i < names->count; i++)
		text_add(text, "%s%s", i ? " " : "", names->items[i]);
	return text->data ? text->data : "nothing";
}

static void describe_conditional(const struct policy *policy, struct description *out)
{
	struct text text = { 0 };

	for (size_t i = 0; i < SYSCALL_COUNT; i++)
		if (policy->calls[i].rule_count)
			text_add(&text, "%s%s", text.data ? " " : "", syscall_calls[i].name);
	if (text.data)
		describe(out, 0, -1, "depending on their arguments: %s", text.data);
	text_free(&text);
}

/* "clone when flags none CLONE_THREAD: errno:EPERM" */
static void describe_rules(const struct seccomp_rule_list *rules, struct description *out)
{
	for (size_t i = 0; i < rules->count; i++) {
		const struct seccomp_rule *rule = &rules->items[i];
		struct text text = { 0 };

		(void)join(&rule->syscalls, &text);
		for (size_t j = 0; j < rule->when.count; j++) {
			const struct seccomp_when *when = &rule->when.items[j];
			const char *const values[] = { when->equals, when->not_equals, when->any,
						       when->none,   when->less,       when->greater };
			static const char *const names[] = { "equals", "not_equals", "any", "none", "less", "greater" };

			for (size_t op = 0; op < sizeof(values) / sizeof(values[0]); op++)
				if (values[op])
					text_add(&text, " %s %s %s %s", j ? "and" : "when", when->arg, names[op],
						 values[op]);
		}
		if (text.data)
			describe(out, K_SECCOMP_RULES, (int)i, "%s: %s", text.data, rule->action);
		text_free(&text);
	}
}

static void describe_policy(const struct policy *policy, const struct profile *profile, struct description *out)
{
	size_t allowed = 0;

	for (size_t i = 0; i < SYSCALL_COUNT; i++)
		allowed += action_permits(policy->calls[i].action);
	describe_words(out, K_SECCOMP_ALLOW, &profile->seccomp.allow, "allow");
	describe_words(out, K_SECCOMP_DENY, &profile->seccomp.deny, "but not");
	describe_rules(&profile->seccomp.rules, out);
	describe(out, 0, -1, "that is %zu system calls of %d that have a name", allowed, SYSCALL_COUNT);
	describe_conditional(policy, out);
}

void seccomp_describe(const struct plan *plan, struct description *out)
{
	const struct profile *profile = plan->profile;
	struct arena scratch = { 0 };
	struct policy *policy = NULL;
	struct text abis = { 0 };
	struct error err;

	if (!policy_make(profile, &scratch, &policy, &err))
		describe_policy(policy, profile, out);
	arena_free(&scratch);
	describe(out, K_SECCOMP_DEFAULT, -1, "answer others %s", profile->seccomp.default_);
	describe(out, K_SECCOMP_UNKNOWN, -1, "answer numbers without a name %s", profile->seccomp.unknown);
	describe(out, K_SECCOMP_ARCHITECTURES, -1, "kill for calls of another ABI than %s",
		 join(&profile->seccomp.architectures, &abis));
	text_free(&abis);
	if (profile->seccomp.log_denied)
		describe(out, K_SECCOMP_LOG_DENIED, -1, "log what is denied");
	describe(out, 0, -1, "install a filter of %u instructions", (unsigned)plan->seccomp.length);
	describe_need(out, "seccomp filters (Linux 3.17)");
}
