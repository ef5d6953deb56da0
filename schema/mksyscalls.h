/* mksyscalls.h: what the two halves of the build-time compiler share: mksyscalls.c reads, mksyscalls-out.c writes. */
#ifndef MKSYSCALLS_H
#define MKSYSCALLS_H

#include <libconfig.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

enum { ABIS = 5, MAX_CALLS = 1024, MAX_RULES = 256, MAX_SETS = 128, MAX_CONSTANTS = 1024 };

struct abi {
	const char *id, *name, *audit;
	uint32_t token, base; /* libseccomp's name for it; the bit that all its numbers have */
};

struct call {
	const char *name;
	int64_t number[ABIS]; /* -1: the ABI has no such call */
	const config_setting_t *args;
};

struct rule {
	const config_setting_t *setting;
	const char *call;
};

struct set {
	const char *name;
	const config_setting_t *setting;
	bool calls[MAX_CALLS], rules[MAX_RULES], resolved, resolving;
};

/* Everything read, sorted by name (rules in the order of the file). */
struct tables {
	struct call calls[MAX_CALLS];
	struct rule rules[MAX_RULES];
	struct set sets[MAX_SETS];
	const char *constants[MAX_CONSTANTS]; /* NAME or NAME=VALUE */
	const config_setting_t *headers;
	int call_count, rule_count, set_count, constant_count;
	uint64_t version;
};

extern const struct abi abis[ABIS];
extern struct tables tables;

void stop(const char *format, ...) __attribute__((noreturn, format(printf, 1, 2)));

/* A string member, or element, that must be there. */
const char *text_of(const config_setting_t *setting, const char *name);
const char *element(const config_setting_t *list, int i);
int length(const config_setting_t *list); /* 0 for NULL */
int find_call(const char *name);          /* index, or -1 */

void put_header(FILE *out);
void put_source(FILE *out);
void put_manual(FILE *out);

#endif
