/* mksyscalls: the build-time compiler of everything the launcher knows about system calls.
 *
 *	mksyscalls OUT.h OUT.c OUT.mdoc NUMBERS ARGUMENTS SETS [SOURCE ...]
 *
 * Takes the names and numbers of all ABIs from libseccomp, adds those of NUMBERS, the arguments and constants of
 * ARGUMENTS and the sets of SETS (schema/syscall-*.schema), and writes const tables (src/stage/seccomp_tables.h) and
 * the manual's section on sets. The SOURCEs, which turn the tables into filters, go into the tables' version only: a
 * cached filter of another build is recognised by it.
 *
 * Runs on the build machine, never installed; this is the only user of libseccomp. Anything that does not fit
 * together (unknown name, unknown argument, a condition on a call that the set does not hold) stops the build.
 * Constants are written as C expressions, so that the compiler for the target gives them their values. It exits
 * without freeing.
 */
#include "mksyscalls.h"

#include <seccomp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_NUMBER = 600, X32_BIT = 0x40000000, ARM_PRIVATE = 0x0f0000 };

const struct abi abis[ABIS] = {
	{ "ABI_X86_64", "x86_64", "AUDIT_ARCH_X86_64", SCMP_ARCH_X86_64, 0 },
	{ "ABI_X86", "x86", "AUDIT_ARCH_I386", SCMP_ARCH_X86, 0 },
	{ "ABI_X32", "x32", "AUDIT_ARCH_X86_64", SCMP_ARCH_X32, X32_BIT },
	{ "ABI_ARM", "arm", "AUDIT_ARCH_ARM", SCMP_ARCH_ARM, 0 },
	{ "ABI_AARCH64", "aarch64", "AUDIT_ARCH_AARCH64", SCMP_ARCH_AARCH64, 0 },
};
struct tables tables = { .version = 0xcbf29ce484222325 };

void stop(const char *format, ...)
{
	va_list arguments;

	fputs("mksyscalls: ", stderr);
	va_start(arguments, format);
	vfprintf(stderr, format, arguments);
	va_end(arguments);
	fputs("\n", stderr);
	exit(1);
}

const char *text_of(const config_setting_t *setting, const char *name)
{
	const char *text = NULL;

	if (!config_setting_lookup_string(setting, name, &text))
		stop("line %u: %s is missing", config_setting_source_line(setting), name);
	return text;
}

const char *element(const config_setting_t *list, int i)
{
	const char *text = config_setting_get_string_elem(list, i);

	if (!text)
		stop("line %u: not a string", config_setting_source_line(list));
	return text;
}

int length(const config_setting_t *list)
{
	return list ? config_setting_length(list) : 0;
}

/* FNV-1a: tells builds apart, protects nothing. */
static void add_version(const void *data, size_t size)
{
	for (const unsigned char *p = data; size; size--)
		tables.version = (tables.version ^ *p++) * 0x100000001b3;
}

static void add_version_file(const char *path)
{
	static char buffer[1 << 20];
	FILE *file = fopen(path, "r");

	if (!file)
		stop("cannot open %s", path);
	add_version(buffer, fread(buffer, 1, sizeof(buffer), file));
	fclose(file);
}

static const config_setting_t *read_list(const char *path, const char *name)
{
	config_t *config = calloc(1, sizeof(*config));
	const config_setting_t *list = NULL;

	config_init(config);
	if (!config_read_file(config, path))
		stop("%s:%d: %s", path, config_error_line(config), config_error_text(config));
	list = config_lookup(config, name);
	if (!list || !config_setting_is_list(list))
		stop("%s: no list %s", path, name);
	return list;
}

int find_call(const char *name)
{
	for (int i = 0; i < tables.call_count; i++)
		if (!strcmp(tables.calls[i].name, name))
			return i;
	return -1;
}

static struct call *make_call(const char *name)
{
	int i = find_call(name);

	if (i >= 0)
		return &tables.calls[i];
	if (tables.call_count == MAX_CALLS)
		stop("too many system calls");
	tables.calls[tables.call_count].name = name;
	for (int abi = 0; abi < ABIS; abi++)
		tables.calls[tables.call_count].number[abi] = -1;
	return &tables.calls[tables.call_count++];
}

static void take_from_libseccomp(void)
{
	const struct scmp_version *lib = seccomp_version();

	add_version(lib, sizeof(*lib));
	for (int abi = 0; abi < ABIS; abi++) {
		for (uint32_t n = 0; n < MAX_NUMBER + 16; n++) {
			uint32_t number = (n < MAX_NUMBER ? n : ARM_PRIVATE + n - MAX_NUMBER) + abis[abi].base;
			char *name = seccomp_syscall_resolve_num_arch(abis[abi].token, (int)number);

			if (name)
				make_call(name)->number[abi] = number;
		}
	}
}

static bool named(const config_setting_t *list, const char *name)
{
	for (int i = 0; i < length(list); i++)
		if (!strcmp(element(list, i), name))
			return true;
	return !list;
}

static void take_numbers(const config_setting_t *list)
{
	for (int i = 0; i < length(list); i++) {
		const config_setting_t *row = config_setting_get_elem(list, (unsigned)i);
		struct call *call = make_call(text_of(row, "name"));
		int number = 0;

		if (!config_setting_lookup_int(row, "number", &number))
			stop("%s: no number", call->name);
		for (int abi = 0; abi < ABIS; abi++) {
			int64_t full = (int64_t)number + abis[abi].base;

			if (!named(config_setting_get_member(row, "abis"), abis[abi].name))
				continue;
			if (call->number[abi] >= 0 && call->number[abi] != full)
				stop("%s is %lld in libseccomp on %s", call->name, (long long)call->number[abi],
				     abis[abi].name);
			call->number[abi] = full;
		}
	}
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void take_arguments(const config_setting_t *list)
{
	for (int i = 0; i < length(list); i++) {
		const config_setting_t *row = config_setting_get_elem(list, (unsigned)i);
		int call = find_call(text_of(row, "call"));

		if (call < 0)
			stop("arguments of unknown call %s", text_of(row, "call"));
		tables.calls[call].args = config_setting_get_member(row, "args");
	}
}

static void take_constants(const config_setting_t *list)
{
	for (int i = 0; i < length(list); i++) {
		const config_setting_t *names =
			config_setting_get_member(config_setting_get_elem(list, (unsigned)i), "names");

		for (int j = 0; j < length(names); j++) {
			if (tables.constant_count == MAX_CONSTANTS)
				stop("too many constants");
			tables.constants[tables.constant_count++] = element(names, j);
		}
	}
	qsort(tables.constants, (size_t)tables.constant_count, sizeof(tables.constants[0]), by_name);
}

static void take_rule(struct set *set, const config_setting_t *rule)
{
	const config_setting_t *names = config_setting_get_member(rule, "calls");

	for (int i = 0; i < length(names); i++) {
		if (tables.rule_count == MAX_RULES)
			stop("too many rules");
		set->rules[tables.rule_count] = true;
		tables.rules[tables.rule_count++] = (struct rule){ .setting = rule, .call = element(names, i) };
	}
}

static void take_sets(const config_setting_t *list)
{
	for (int i = 0; i < length(list); i++) {
		struct set *set = &tables.sets[tables.set_count++];
		const config_setting_t *own = NULL;

		if (tables.set_count == MAX_SETS)
			stop("too many sets");
		set->setting = config_setting_get_elem(list, (unsigned)i);
		set->name = text_of(set->setting, "name");
		own = config_setting_get_member(set->setting, "rules");
		for (int j = 0; j < length(own); j++)
			take_rule(set, config_setting_get_elem(own, (unsigned)j));
	}
	/* `name` is the first member: sets sort like names. The rules' indexes do not move. */
	qsort(tables.sets, (size_t)tables.set_count, sizeof(tables.sets[0]), by_name);
}

static struct set *find_set(const char *name)
{
	for (int i = 0; i < tables.set_count; i++)
		if (!strcmp(tables.sets[i].name, name))
			return &tables.sets[i];
	stop("unknown set %s", name);
}

static void resolve_set(struct set *set)
{
	const config_setting_t *names = config_setting_get_member(set->setting, "calls");

	if (set->resolved)
		return;
	if (set->resolving)
		stop("%s holds itself", set->name);
	set->resolving = true;
	for (int i = 0; i < length(names); i++) {
		const char *name = element(names, i);

		if (*name == '@') {
			struct set *other = find_set(name);

			resolve_set(other);
			for (int j = 0; j < tables.call_count; j++)
				set->calls[j] |= other->calls[j];
			for (int j = 0; j < tables.rule_count; j++)
				set->rules[j] |= other->rules[j];
		} else if (find_call(name) >= 0) {
			set->calls[find_call(name)] = true;
		} else {
			stop("%s: unknown call %s", set->name, name);
		}
	}
	for (int i = 0; i < tables.rule_count; i++) {
		int call = find_call(tables.rules[i].call);

		if (set->rules[i] && (call < 0 || (length(config_setting_get_member(tables.rules[i].setting, "when")) &&
						   !set->calls[call])))
			stop("%s: a rule about %s, which it does not hold", set->name, tables.rules[i].call);
	}
	set->resolved = true;
}

static FILE *create(const char *path)
{
	FILE *out = fopen(path, "w");

	if (!out)
		stop("cannot create %s", path);
	return out;
}

static void finish(FILE *out, const char *path)
{
	if (ferror(out) || fclose(out))
		stop("cannot write %s", path);
}

int main(int argc, char **argv)
{
	FILE *out[3];

	if (argc < 7)
		stop("usage: mksyscalls OUT.h OUT.c OUT.mdoc NUMBERS ARGUMENTS SETS [SOURCE ...]");
	for (int i = 4; i < argc; i++)
		add_version_file(argv[i]);
	take_from_libseccomp();
	take_numbers(read_list(argv[4], "numbers"));
	/* `name` is the first member of struct call. */
	qsort(tables.calls, (size_t)tables.call_count, sizeof(tables.calls[0]), by_name);
	take_arguments(read_list(argv[5], "arguments"));
	tables.headers = read_list(argv[5], "constants");
	take_constants(tables.headers);
	take_sets(read_list(argv[6], "sets"));
	for (int i = 0; i < tables.set_count; i++)
		resolve_set(&tables.sets[i]);
	for (int i = 0; i < 3; i++)
		out[i] = create(argv[i + 1]);
	put_header(out[0]);
	put_source(out[1]);
	put_manual(out[2]);
	for (int i = 0; i < 3; i++)
		finish(out[i], argv[i + 1]);
	return 0;
}
