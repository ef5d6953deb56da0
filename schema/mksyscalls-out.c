/* mksyscalls-out: writes what mksyscalls.c has read, as const tables in C and as a list for the manual.
 *
 * Build machine only. Constants and errors go out as C expressions: the compiler for the target gives them their
 * values. */
#include "mksyscalls.h"

#include <stdlib.h>
#include <string.h>

void put_header(FILE *out)
{
	fputs("/* Made by mksyscalls. */\n#ifndef GEN_SYSCALLS_H\n#define GEN_SYSCALLS_H\nenum syscall_abi {\n", out);
	for (int i = 0; i < ABIS; i++)
		fprintf(out, "\t%s,\n", abis[i].id);
	fprintf(out,
		"\tABI_COUNT,\n};\nenum {\n\tSYSCALL_COUNT = %d,\n\tSYSCALL_SET_COUNT = %d,\n"
		"\tSYSCALL_SET_RULE_COUNT = %d,\n\tSYSCALL_CONSTANT_COUNT = %d,\n};\n#endif\n",
		tables.call_count, tables.set_count, tables.rule_count, tables.constant_count);
}

static int width_of(const char *argument)
{
	if (!strncmp(argument, "mode ", 5))
		return 16;
	if (!strncmp(argument, "int ", 4))
		return 32;
	if (!strncmp(argument, "long ", 5))
		return 64;
	stop("argument %s has no known type", argument);
}

static void put_calls(FILE *out)
{
	int first = 0;

	fputs("const struct syscall_argument syscall_arguments[] = {\n", out);
	for (int i = 0; i < tables.call_count; i++) {
		for (int j = 0; j < length(tables.calls[i].args); j++) {
			const char *argument = element(tables.calls[i].args, j);

			fprintf(out, "\t{ \"%s\", %d },\n", strchr(argument, ' ') + 1, width_of(argument));
		}
	}
	fputs("};\nconst struct syscall_call syscall_calls[SYSCALL_COUNT] = {\n", out);
	for (int i = 0; i < tables.call_count; i++) {
		int count = length(tables.calls[i].args);

		fprintf(out, "\t{ \"%s\", %d, %d },\n", tables.calls[i].name, count ? first : 0, count);
		first += count;
	}
	fputs("};\n", out);
}

static int sort_abi;

static int by_number(const void *a, const void *b)
{
	int64_t x = tables.calls[*(const int *)a].number[sort_abi], y = tables.calls[*(const int *)b].number[sort_abi];

	return (x > y) - (x < y);
}

static void put_abis(FILE *out)
{
	int counts[ABIS];

	for (sort_abi = 0; sort_abi < ABIS; sort_abi++) {
		int order[MAX_CALLS] = { 0 }, count = 0;

		for (int i = 0; i < tables.call_count; i++)
			if (tables.calls[i].number[sort_abi] >= 0)
				order[count++] = i;
		qsort(order, (size_t)count, sizeof(order[0]), by_number);
		fprintf(out, "static const struct syscall_number numbers_%s[] = {\n", abis[sort_abi].name);
		for (int i = 0; i < count; i++)
			fprintf(out, "\t{ %lldU, %d },\n", (long long)tables.calls[order[i]].number[sort_abi],
				order[i]);
		fputs("};\n", out);
		counts[sort_abi] = count;
	}
	fputs("const struct syscall_abi_table syscall_abis[ABI_COUNT] = {\n", out);
	for (int i = 0; i < ABIS; i++)
		fprintf(out, "\t[%s] = { \"%s\", %s, 0x%xU, numbers_%s, %d },\n", abis[i].id, abis[i].name,
			abis[i].audit, abis[i].base, abis[i].name, counts[i]);
	fputs("};\n", out);
}

/* One condition of a rule, for the call that the rule is about. */
static void put_condition(FILE *out, const config_setting_t *when, const struct call *call)
{
	static const char *const names[][2] = { { "equals", "OP_EQUALS" }, { "not_equals", "OP_NOT_EQUALS" },
						{ "any", "OP_ANY" },       { "none", "OP_NONE" },
						{ "less", "OP_LESS" },     { "greater", "OP_GREATER" } };
	const char *argument = text_of(when, "arg"), *value = NULL;

	for (int i = 0; i < length(call->args); i++) {
		const char *known = element(call->args, i);

		if (strcmp(strchr(known, ' ') + 1, argument) != 0)
			continue;
		for (size_t op = 0; op < sizeof(names) / sizeof(names[0]); op++)
			if (config_setting_lookup_string(when, names[op][0], &value))
				fprintf(out, " { %d, %d, %s, (uint32_t)(%s) },", i, width_of(known), names[op][1],
					value);
		if (value)
			return;
	}
	stop("%s: no argument %s, or no value for it", call->name, argument);
}

static void put_rules(FILE *out)
{
	for (int i = 0; i < tables.rule_count; i++) {
		const config_setting_t *when = config_setting_get_member(tables.rules[i].setting, "when");

		if (!length(when))
			continue;
		fprintf(out, "static const struct condition conditions_%d[] = {", i);
		for (int j = 0; j < length(when); j++)
			put_condition(out, config_setting_get_elem(when, (unsigned)j),
				      &tables.calls[find_call(tables.rules[i].call)]);
		fputs(" };\n", out);
	}
	fputs("const struct call_rule syscall_set_rules[SYSCALL_SET_RULE_COUNT] = {\n", out);
	for (int i = 0; i < tables.rule_count; i++) {
		int count = length(config_setting_get_member(tables.rules[i].setting, "when"));
		const char *action = text_of(tables.rules[i].setting, "action");

		if (strncmp(action, "errno:", 6) != 0)
			stop("%s: a set's rule answers errno:NAME", tables.rules[i].call);
		fprintf(out, "\t{ SECCOMP_RET_ERRNO | %s, %d, %d, ", action + 6, find_call(tables.rules[i].call),
			count);
		fprintf(out, count ? "conditions_%d },\n" : "0 },\n", i);
	}
	fputs("};\n", out);
}

static void put_bits(FILE *out, const bool *bits, int count)
{
	fputs("{", out);
	for (int word = 0; word < (count + 63) / 64; word++) {
		uint64_t value = 0;

		for (int i = 0; i < 64 && word * 64 + i < count; i++)
			value |= (uint64_t)bits[word * 64 + i] << i;
		fprintf(out, " 0x%llxU,", (unsigned long long)value);
	}
	fputs(" }", out);
}

static void put_sets(FILE *out)
{
	fputs("const struct syscall_set syscall_sets[SYSCALL_SET_COUNT] = {\n", out);
	for (int i = 0; i < tables.set_count; i++) {
		fprintf(out, "\t{ \"%s\", \"%s\",\n\t  ", tables.sets[i].name, text_of(tables.sets[i].setting, "doc"));
		put_bits(out, tables.sets[i].calls, tables.call_count);
		fputs(",\n\t  ", out);
		put_bits(out, tables.sets[i].rules, tables.rule_count);
		fputs(" },\n", out);
	}
	fputs("};\n", out);
}

static void put_constants(FILE *out)
{
	fputs("const struct syscall_constant syscall_constants[SYSCALL_CONSTANT_COUNT] = {\n", out);
	for (int i = 0; i < tables.constant_count; i++) {
		const char *equals = strchr(tables.constants[i], '=');
		int name = equals ? (int)(equals - tables.constants[i]) : (int)strlen(tables.constants[i]);

		fprintf(out, "\t{ \"%.*s\", (uint64_t)(%s) },\n", name, tables.constants[i],
			equals ? equals + 1 : tables.constants[i]);
	}
	fputs("};\n", out);
}

void put_source(FILE *out)
{
	fputs("/* Made by mksyscalls. */\n#include \"stage/seccomp_tables.h\"\n\n#include <errno.h>\n"
	      "#include <linux/audit.h>\n#include <linux/seccomp.h>\n",
	      out);
	for (int i = 0; i < length(tables.headers); i++)
		fprintf(out, "#include <%s>\n",
			text_of(config_setting_get_elem(tables.headers, (unsigned)i), "header"));
	put_calls(out);
	put_abis(out);
	put_rules(out);
	put_sets(out);
	put_constants(out);
	fprintf(out, "const char syscall_tables_version[] = \"%016llx\";\n", (unsigned long long)tables.version);
}

static void put_names(FILE *out, const config_setting_t *list)
{
	for (int i = 0; i < length(list); i++)
		fprintf(out, "%s%s", i ? ", " : "", element(list, i));
}

/* The manual's list of sets: what each holds, and its rules in words. */
/* One rule of a set, in words: its calls, the conditions, the action. */
static void put_manual_rule(FILE *out, const config_setting_t *rule)
{
	const config_setting_t *when = config_setting_get_member(rule, "when");

	fputs("\n.Pp\n", out);
	put_names(out, config_setting_get_member(rule, "calls"));
	for (int i = 0; i < length(when); i++) {
		const config_setting_t *condition = config_setting_get_elem(when, (unsigned)i);
		const config_setting_t *op = config_setting_get_elem(condition, 1);

		fprintf(out, "%s %s %s %s", i ? " and" : " when", text_of(condition, "arg"), config_setting_name(op),
			config_setting_get_string(op));
	}
	fprintf(out, ": %s", text_of(rule, "action"));
}

void put_manual(FILE *out)
{
	fputs(".Bl -tag -width indent\n", out);
	for (int i = 0; i < tables.set_count; i++) {
		const config_setting_t *calls = config_setting_get_member(tables.sets[i].setting, "calls");
		const config_setting_t *rules = config_setting_get_member(tables.sets[i].setting, "rules");

		fprintf(out, ".It Ic %s\n%s", tables.sets[i].name, text_of(tables.sets[i].setting, "doc"));
		if (length(calls) > 0) {
			fputs("\n.Pp\n", out);
			put_names(out, calls);
		}
		for (int j = 0; j < length(rules); j++)
			put_manual_rule(out, config_setting_get_elem(rules, (unsigned)j));
		fputs("\n", out);
	}
	fputs(".El\n", out);
}
