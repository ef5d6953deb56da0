/* seccomp_tables: looks names up in the generated tables. Parent only; pure functions. */
#include "stage/seccomp_tables.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "profile/diagnostic.h"
#include "stage/stage.h"

/* The members compared come first in their structs, and are arrays. */
static int compare(const void *name, const void *element)
{
	return strcmp(name, element);
}

int syscall_find(const char *name)
{
	const struct syscall_call *call =
		bsearch(name, syscall_calls, SYSCALL_COUNT, sizeof(syscall_calls[0]), compare);

	return call ? (int)(call - syscall_calls) : -1;
}

int syscall_find_set(const char *name)
{
	const struct syscall_set *set =
		bsearch(name, syscall_sets, SYSCALL_SET_COUNT, sizeof(syscall_sets[0]), compare);

	return set ? (int)(set - syscall_sets) : -1;
}

static enum syscall_abi native_abi(void)
{
#if defined(__x86_64__) && defined(__ILP32__)
	return ABI_X32;
#elif defined(__x86_64__)
	return ABI_X86_64;
#elif defined(__i386__)
	return ABI_X86;
#elif defined(__aarch64__)
	return ABI_AARCH64;
#elif defined(__arm__)
	return ABI_ARM;
#else
#error "schema/mksyscalls.c has no table for this ABI"
#endif
}

int syscall_find_abi(const char *name)
{
	if (!strcmp(name, "native"))
		return (int)native_abi();
	for (int i = 0; i < ABI_COUNT; i++)
		if (!strcmp(name, syscall_abis[i].name))
			return i;
	return -1;
}

const struct syscall_constant *syscall_find_constant(const char *name)
{
	for (size_t i = 0; i < SYSCALL_CONSTANT_COUNT; i++)
		if (!strcmp(name, syscall_constants[i].name))
			return &syscall_constants[i];
	return NULL;
}

const char *syscall_nearest(const char *name)
{
	const char *names[SYSCALL_COUNT + SYSCALL_SET_COUNT];
	size_t count = 0;

	if (*name == '@') {
		for (; count < SYSCALL_SET_COUNT; count++)
			names[count] = syscall_sets[count].name;
	} else {
		for (; count < SYSCALL_COUNT; count++)
			names[count] = syscall_calls[count].name;
	}
	return nearest_name(name, names, count);
}

bool syscall_known(const char *name, char nearest[NEAREST_SIZE])
{
	const char *found = NULL;

	if ((*name == '@' ? syscall_find_set(name) : syscall_find(name)) >= 0)
		return true;
	found = syscall_nearest(name);
	(void)snprintf(nearest, NEAREST_SIZE, "%s", found ? found : "");
	return false;
}

const char *syscall_nearest_constant(const char *name)
{
	const char *names[SYSCALL_CONSTANT_COUNT];

	for (size_t i = 0; i < SYSCALL_CONSTANT_COUNT; i++)
		names[i] = syscall_constants[i].name;
	return nearest_name(name, names, SYSCALL_CONSTANT_COUNT);
}
