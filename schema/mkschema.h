/* mkschema: what its files share. See mkschema.c. */
#ifndef SCHEMA_MKSCHEMA_H
#define SCHEMA_MKSCHEMA_H

#include <libconfig.h>
#include <stdbool.h>
#include <stdio.h>

enum { ROWS_MAX = 1024, VALUES_MAX = 32 };

/* One key: a row of the schema, or a group that exists because a key lies in it (`setting` is NULL then). */
struct row {
	const config_setting_t *setting;
	char path[128];          /* "mounts[].source" */
	const char *name;        /* its last word, in `path` */
	char id[128];            /* MOUNTS_SOURCE */
	const char *type;        /* "group" for a group */
	int parent, first, next; /* indices; 0: the profile, or the end of a chain */
	int list;                /* index of the innermost list it lies in; 0: none */
	char field[128];         /* "memory.max": the C field in struct profile, or in the element */
	const char *values[VALUES_MAX + 1];
	int value_count;
};

struct schema {
	const char *file;
	config_t config;
	struct row rows[ROWS_MAX]; /* 0: the profile itself */
	int count;
	config_t options;            /* of schema/options.schema */
	const char *default_profile; /* the text to embed */
};

/* Ends the program with a message about a row, or about the file when row is NULL. */
void die(const struct schema *schema, const struct row *row, const char *format, ...)
	__attribute__((noreturn, format(printf, 3, 4)));

/* Fields of a row as text or truth; NULL and false when absent. */
const char *row_text(const struct row *row, const char *field);
bool row_flag(const struct row *row, const char *field);

/* Whether the row's values are all that there are, not words in the place of an address or port. */
bool row_is_closed(const struct row *row);

/* Text of a row ("default", "example") as libconfig reads it. Lives as long as the program. */
const config_setting_t *row_value(const struct schema *schema, const struct row *row, const char *text);

/* What the key needs of the kernel beyond the oldest one we run on; NULL: nothing. */
const char *row_kernel(const struct schema *schema, const struct row *row);

/* The version of the program that brought the key. */
const char *row_since(const struct schema *schema, const struct row *row);

/* The default as a profile would write it; NULL when there is none. */
const char *row_default(const struct schema *schema, const struct row *row);

/* What values there are, in words; "" when the type's noun or the row's values say it. Overwritten by the next call. */
const char *row_range(const struct row *row);

/* The index of the key with this path; dies when there is none. */
int row_lookup(const struct schema *schema, const struct row *user, const char *path);

/* A C string literal, broken after newlines. */
void put_literal(FILE *out, const char *text);

/* The outputs. */
void emit_keys(const struct schema *schema, FILE *out);
void emit_tables(const struct schema *schema, FILE *out);
void emit_manual(const struct schema *schema, FILE *out);
void emit_example(const struct schema *schema, FILE *out);
void emit_json(const struct schema *schema, FILE *out);

void emit_options_header(const struct schema *schema, FILE *out);
void emit_options(const struct schema *schema, FILE *out);
void emit_options_manual(const struct schema *schema, FILE *out);
void emit_command_words(const struct schema *schema, FILE *out);
void emit_option_words(const struct schema *schema, FILE *out);
void emit_key_words(const struct schema *schema, FILE *out);

/* The JSON Schema as text; the caller frees it. */
char *json_schema(const struct schema *schema);

/* What emit_example() writes, to be freed. */
char *example_text(const struct schema *schema);

#endif
