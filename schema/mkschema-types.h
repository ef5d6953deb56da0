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
	const char *range;   /* what values there are; NULL: the noun says it, or the row */
};

static const struct type types[] = {
	{ "group", SHAPE_GROUP, "NONE", NULL, NULL, "group", NULL },
	{ "list", SHAPE_LIST, "LIST", NULL, "{ NULL, 0 }", "list of groups", NULL },
	{ "bool", SHAPE_BOOL, "BOOL", "bool", "false", "bool, true or false", NULL },
	{ "int", SHAPE_NUMBER, "INT", "int", "INT_UNSET", "number", NULL },
	{ "enum", SHAPE_TEXT, "INT", "int", "INT_UNSET", "word", NULL },
	{ "id", SHAPE_NUMBER, "U32", "uint32_t", "ID_UNSET", "user or group id", "0 to 4294967294" },
	{ "mode", SHAPE_TEXT, "U32", "uint32_t", "MODE_UNSET", "mode, such as \"0755\"", "0000 to 7777, octal" },
	{ "count", SHAPE_NUMBER, "U64", "uint64_t", "SIZE_UNSET", "number", "0 to 9223372036854775807" },
	{ "size", SHAPE_TEXT, "U64", "uint64_t", "SIZE_UNSET", "size, such as \"64M\"",
	  "0K or more, below 8 EiB; whole K, M, G or T, powers of 1024" },
	{ "duration", SHAPE_TEXT, "I64", "int64_t", "DURATION_UNSET", "duration, such as \"1.5s\"",
	  "0s or more, below 292 years; in ms, s, m or h, to the nanosecond" },
	{ "percent", SHAPE_TEXT, "I64", "int64_t", "PERCENT_UNSET", "percentage, such as \"50%\"",
	  "0% or more, to a hundredth of a percent" },
	{ "string", SHAPE_TEXT, "TEXT", "const char *", "NULL", "string", "at most 65536 bytes" },
	{ "text", SHAPE_TEXT, "TEXT", "const char *", "NULL", "string", "at most 65536 bytes" },
	{ "word", SHAPE_TEXT, "TEXT", "const char *", "NULL", "word", "no blanks, at most 65536 bytes" },
	{ "name", SHAPE_TEXT, "TEXT", "const char *", "NULL", "name", "1 to 64 letters, digits, '.', '_' and '-'" },
	{ "hostname", SHAPE_TEXT, "TEXT", "const char *", "NULL", "host name",
	  "1 to 64 letters, digits, '.', '_' and '-'" },
	{ "path", SHAPE_TEXT, "TEXT", "const char *", "NULL", "host path", "absolute, at most 4095 bytes" },
	{ "path_inside", SHAPE_TEXT, "TEXT", "const char *", "NULL", "path inside",
	  "absolute, without .., at most 4095 bytes" },
	{ "path_or_tmpfs", SHAPE_TEXT, "TEXT", "const char *", "NULL", "host path, or \"tmpfs\"",
	  "absolute, at most 4095 bytes" },
	{ "interface", SHAPE_TEXT, "TEXT", "const char *", "NULL", "interface name",
	  "1 to 15 letters, digits, '.', '_' and '-'" },
	{ "mac", SHAPE_TEXT, "TEXT", "const char *", "NULL", "hardware address, such as \"02:00:00:00:00:05\"",
	  "six bytes, unicast" },
	{ "address", SHAPE_TEXT, "TEXT", "const char *", "NULL", "IP address", "IPv4 or IPv6" },
	{ "cidr", SHAPE_TEXT, "TEXT", "const char *", "NULL",
	  "IP address with a prefix length, such as \"10.0.0.1/24\"", "IPv4, /0 to /32, or IPv6, /0 to /128" },
	{ "destination", SHAPE_TEXT, "TEXT", "const char *", "NULL", "IP address, network or host name",
	  "an address, a network with its prefix length, or a name of at most 253 bytes" },
	{ "port_range", SHAPE_TEXT, "TEXT", "const char *", "NULL", "port or range, such as \"8000-8080\"",
	  "1 to 65535" },
	{ "action", SHAPE_TEXT, "TEXT", "const char *", "NULL", "seccomp action",
	  "allow, log, errno:NAME, trap or kill-process" },
	{ "scalar", SHAPE_TEXT, "TEXT", "const char *", "NULL", "number or constant",
	  "0 to 18446744073709551615, or constants joined by |" },
	{ "names", SHAPE_TEXTS, "STRINGS", "struct strings", "{ NULL, 0 }", "set of words", NULL },
	{ "names_free", SHAPE_TEXTS, "STRINGS", "struct strings", "{ NULL, 0 }", "set of names",
	  "names without = and blanks" },
	{ "strings", SHAPE_TEXTS, "STRINGS", "struct strings", "{ NULL, 0 }", "list of strings",
	  "each at most 65536 bytes" },
	{ "paths", SHAPE_TEXTS, "STRINGS", "struct strings", "{ NULL, 0 }", "list of paths inside",
	  "absolute, without .." },
	{ "command", SHAPE_TEXTS, "STRINGS", "struct strings", "{ NULL, 0 }", "list of strings",
	  "each at most 65536 bytes" },
	{ "environment", SHAPE_TEXTS, "STRINGS", "struct strings", "{ NULL, 0 }", "list of \"NAME=VALUE\"",
	  "each at most 65536 bytes" },
	{ "capabilities", SHAPE_TEXTS, "STRINGS", "struct strings", "{ NULL, 0 }", "set of capabilities",
	  "names of capabilities(7), or ALL" },
	{ "syscalls", SHAPE_TEXTS, "STRINGS", "struct strings", "{ NULL, 0 }", "set of system calls",
	  "names of syscalls(2), or sets that begin with @" },
	{ "addresses", SHAPE_TEXTS, "STRINGS", "struct strings", "{ NULL, 0 }", "list of IP addresses",
	  "IPv4 or IPv6" },
	{ "ints", SHAPE_NUMBERS, "INTS", "struct ints", "{ NULL, 0 }", "list of numbers", "-2147483648 to 2147483647" },
	{ "ids", SHAPE_NUMBERS, "INTS", "struct ints", "{ NULL, 0 }", "list of ids", "each 0 to 4294967294" },
	{ "ports", SHAPE_NUMBERS, "INTS", "struct ints", "{ NULL, 0 }", "list of ports", "each 1 to 65535" },
	{ "fds", SHAPE_NUMBERS, "INTS", "struct ints", "{ NULL, 0 }", "list of descriptors", "each 3 to 1048576" },
	{ "limit_size", SHAPE_LIMIT, "LIMIT", "struct limit", "{ SIZE_UNSET, SIZE_UNSET }", "size",
	  "0K or more, below 8 EiB; whole K, M, G or T, powers of 1024" },
	{ "limit_count", SHAPE_LIMIT, "LIMIT", "struct limit", "{ SIZE_UNSET, SIZE_UNSET }", "number",
	  "0 to 9223372036854775807" },
	{ "limit_time", SHAPE_LIMIT, "LIMIT", "struct limit", "{ SIZE_UNSET, SIZE_UNSET }", "duration",
	  "whole seconds, in ms, s, m or h" },
	{ "limit_microseconds", SHAPE_LIMIT, "LIMIT", "struct limit", "{ SIZE_UNSET, SIZE_UNSET }", "duration",
	  "whole microseconds, in ms, s, m or h" },
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
