/* mkschema: the value types of the language. A new one is a row here and a case in src/profile/value.c. */
#ifndef SCHEMA_MKSCHEMA_TYPES_H
#define SCHEMA_MKSCHEMA_TYPES_H

#include <stddef.h>
#include <string.h>

enum shape { SHAPE_GROUP, SHAPE_LIST, SHAPE_BOOL, SHAPE_NUMBER, SHAPE_TEXT, SHAPE_TEXTS, SHAPE_NUMBERS, SHAPE_LIMIT };

struct type {
	const char *name;
	enum shape shape;    /* how a profile writes it, roughly */
	const char *storage; /* enum storage of src/profile/schema.h */
	const char *c_type;  /* of the field */
	const char *unset;   /* its initialiser when the key has no default */
	const char *noun;    /* with an article before it: what the manual and messages call it */
};

static const struct type types[] = {
	{ "group", SHAPE_GROUP, "NONE", NULL, NULL, "group" },
	{ "list", SHAPE_LIST, "LIST", NULL, "{ NULL, 0 }", "list of groups" },
	{ "bool", SHAPE_BOOL, "BOOL", "bool", "false", "bool, true or false" },
	{ "int", SHAPE_NUMBER, "INT", "int", "INT_UNSET", "number" },
	{ "enum", SHAPE_TEXT, "INT", "int", "INT_UNSET", "word" },
	{ "id", SHAPE_NUMBER, "U32", "uint32_t", "ID_UNSET", "user or group id" },
	{ "mode", SHAPE_TEXT, "U32", "uint32_t", "MODE_UNSET", "mode, such as \"0755\"" },
	{ "count", SHAPE_NUMBER, "U64", "uint64_t", "SIZE_UNSET", "number" },
	{ "size", SHAPE_TEXT, "U64", "uint64_t", "SIZE_UNSET", "size, such as \"64M\"" },
	{ "duration", SHAPE_TEXT, "I64", "int64_t", "DURATION_UNSET", "duration, such as \"1.5s\"" },
	{ "percent", SHAPE_TEXT, "I64", "int64_t", "PERCENT_UNSET", "percentage, such as \"50%\"" },
	{ "string", SHAPE_TEXT, "TEXT", "const char *", "NULL", "string" },
	{ "text", SHAPE_TEXT, "TEXT", "const char *", "NULL", "string" },
	{ "word", SHAPE_TEXT, "TEXT", "const char *", "NULL", "word" },
	{ "name", SHAPE_TEXT, "TEXT", "const char *", "NULL", "name" },
	{ "hostname", SHAPE_TEXT, "TEXT", "const char *", "NULL", "host name" },
	{ "path", SHAPE_TEXT, "TEXT", "const char *", "NULL", "host path" },
	{ "path_inside", SHAPE_TEXT, "TEXT", "const char *", "NULL", "path inside" },
	{ "path_or_tmpfs", SHAPE_TEXT, "TEXT", "const char *", "NULL", "host path, or \"tmpfs\"" },
	{ "interface", SHAPE_TEXT, "TEXT", "const char *", "NULL", "interface name" },
	{ "mac", SHAPE_TEXT, "TEXT", "const char *", "NULL", "hardware address, such as \"02:00:00:00:00:05\"" },
	{ "address", SHAPE_TEXT, "TEXT", "const char *", "NULL", "IP address" },
	{ "cidr", SHAPE_TEXT, "TEXT", "const char *", "NULL",
	  "IP address with a prefix length, such as \"10.0.0.1/24\"" },
	{ "destination", SHAPE_TEXT, "TEXT", "const char *", "NULL", "IP address, network or host name" },
	{ "port_range", SHAPE_TEXT, "TEXT", "const char *", "NULL", "port or range, such as \"8000-8080\"" },
	{ "action", SHAPE_TEXT, "TEXT", "const char *", "NULL", "seccomp action" },
	{ "scalar", SHAPE_TEXT, "TEXT", "const char *", "NULL", "number or constant" },
	{ "names", SHAPE_TEXTS, "STRINGS", "struct strings", "{ NULL, 0 }", "set of words" },
	{ "names_free", SHAPE_TEXTS, "STRINGS", "struct strings", "{ NULL, 0 }", "set of names" },
	{ "strings", SHAPE_TEXTS, "STRINGS", "struct strings", "{ NULL, 0 }", "list of strings" },
	{ "paths", SHAPE_TEXTS, "STRINGS", "struct strings", "{ NULL, 0 }", "list of paths inside" },
	{ "command", SHAPE_TEXTS, "STRINGS", "struct strings", "{ NULL, 0 }", "list of strings" },
	{ "environment", SHAPE_TEXTS, "STRINGS", "struct strings", "{ NULL, 0 }", "list of \"NAME=VALUE\"" },
	{ "capabilities", SHAPE_TEXTS, "STRINGS", "struct strings", "{ NULL, 0 }", "set of capabilities" },
	{ "syscalls", SHAPE_TEXTS, "STRINGS", "struct strings", "{ NULL, 0 }", "set of system calls" },
	{ "addresses", SHAPE_TEXTS, "STRINGS", "struct strings", "{ NULL, 0 }", "list of IP addresses" },
	{ "ints", SHAPE_NUMBERS, "INTS", "struct ints", "{ NULL, 0 }", "list of numbers" },
	{ "ids", SHAPE_NUMBERS, "INTS", "struct ints", "{ NULL, 0 }", "list of ids" },
	{ "ports", SHAPE_NUMBERS, "INTS", "struct ints", "{ NULL, 0 }", "list of ports" },
	{ "fds", SHAPE_NUMBERS, "INTS", "struct ints", "{ NULL, 0 }", "list of descriptors" },
	{ "limit_size", SHAPE_LIMIT, "LIMIT", "struct limit", "{ SIZE_UNSET, SIZE_UNSET }", "size" },
	{ "limit_count", SHAPE_LIMIT, "LIMIT", "struct limit", "{ SIZE_UNSET, SIZE_UNSET }", "number" },
	{ "limit_time", SHAPE_LIMIT, "LIMIT", "struct limit", "{ SIZE_UNSET, SIZE_UNSET }", "duration" },
	{ "limit_microseconds", SHAPE_LIMIT, "LIMIT", "struct limit", "{ SIZE_UNSET, SIZE_UNSET }", "duration" },
};

enum { TYPE_ROWS = sizeof(types) / sizeof(types[0]) };

static inline const struct type *type_find(const char *name)
{
	for (size_t i = 0; name && i < TYPE_ROWS; i++)
		if (strcmp(types[i].name, name) == 0)
			return &types[i];
	return NULL;
}

#endif
