/* explain_set: says what a named set of system calls holds. Runs in the launcher, for `sandbox explain @NAME`; reads no
 * profile. What it prints is the tables that filters are made of. */
#include <errno.h>
#include <json-c/json.h>
#include <linux/seccomp.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/format.h"
#include "base/page.h"
#include "stage/seccomp_tables.h"
#include "tell/explain.h"

enum { RULE_SIZE = 512 };

/* "ioctl when request equals 0x5412: errno:EPERM". A set's rules answer with errors only. */
static void rule_text(const struct call_rule *rule, char *out, size_t size)
{
	static const char *const ops[OP_COUNT] = { "equals", "not_equals", "any", "none", "less", "greater" };
	const struct syscall_call *call = &syscall_calls[rule->call];
	size_t used = format_text(out, size, "%s", call->name);

	for (int i = 0; i < rule->condition_count; i++) {
		const struct condition *condition = &rule->conditions[i];

		used += format_text(out + used, size - used, "%s %s %s 0x%llx", i ? " and" : " when",
				    syscall_arguments[call->first_argument + condition->argument].name,
				    ops[condition->op], (unsigned long long)condition->value);
	}
	format_text(out + used, size - used, ": errno:%s", strerrorname_np((int)(rule->action & SECCOMP_RET_DATA)));
}

static void add_set(const struct syscall_set *set, const struct page *page, struct text *out)
{
	const struct page_line plain = { 0 }, rule = { .hang = 4 };
	struct text names = { 0 };
	char text[RULE_SIZE];

	page_add(page, out, STYLE_HEADING, set->name);
	text_add(out, "\n\n");
	page_line(page, out, &plain, "%s", set->doc);
	text_add(out, "\n");
	for (size_t i = 0; i < SYSCALL_COUNT; i++)
		if (bit_in(set->calls, i))
			text_add(&names, "%s%s", names.length ? " " : "", syscall_calls[i].name);
	if (names.length) {
		page_line(page, out, &plain, "%s", names.data);
		text_add(out, "\n");
	}
	for (size_t i = 0; i < SYSCALL_SET_RULE_COUNT; i++) {
		if (!bit_in(set->rules, i))
			continue;
		rule_text(&syscall_set_rules[i], text, sizeof(text));
		page_line(page, out, &rule, "%s", text);
	}
	out->failed |= names.failed;
	text_free(&names);
}

static void print_set(const struct syscall_set *set)
{
	struct page page = page_of(STDOUT_FILENO);
	struct text out = { 0 };

	add_set(set, &page, &out);
	(void)fputs(out.data && !out.failed ? out.data : "", stdout);
	text_free(&out);
}

static void print_json(const struct syscall_set *set)
{
	struct json_object *object = json_object_new_object();
	struct json_object *calls = json_object_new_array(), *rules = json_object_new_array();
	char text[RULE_SIZE];

	for (size_t i = 0; i < SYSCALL_COUNT; i++)
		if (bit_in(set->calls, i))
			json_object_array_add(calls, json_object_new_string(syscall_calls[i].name));
	for (size_t i = 0; i < SYSCALL_SET_RULE_COUNT; i++) {
		if (!bit_in(set->rules, i))
			continue;
		rule_text(&syscall_set_rules[i], text, sizeof(text));
		json_object_array_add(rules, json_object_new_string(text));
	}
	json_object_object_add(object, "set", json_object_new_string(set->name));
	json_object_object_add(object, "doc", json_object_new_string(set->doc));
	json_object_object_add(object, "calls", calls);
	json_object_object_add(object, "rules", rules);
	printf("%s\n", json_object_to_json_string_ext(object, JSON_C_TO_STRING_PRETTY));
	json_object_put(object);
}

int explain_set(const char *name, bool json, struct error *err)
{
	int found = syscall_find_set(name);
	const char *nearest = NULL;

	if (found >= 0) {
		(json ? print_json : print_set)(&syscall_sets[found]);
		return fflush(stdout) || ferror(stdout) ? fail_errno(err, 0, "cannot write to standard output") : 0;
	}
	fail(err, 0, "no set of system calls is called %s", name);
	nearest = syscall_nearest(name);
	if (nearest)
		error_remedy(err, "did you mean %s?", nearest);
	return error_exit(err, EXIT_OF_USAGE);
}
