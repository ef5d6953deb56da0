/* cpulist: see the header. */
#include "base/cpulist.h"

#include <errno.h>
#include <string.h>

#include "base/parse.h"

/* The number at *at, which is moved behind it. */
static int read_number(const char **at, uint64_t *ret)
{
	char digits[16];
	size_t length = strspn(*at, "0123456789");

	if (length >= sizeof(digits)) {
		errno = ERANGE;
		return -1;
	}
	memcpy(digits, *at, length);
	digits[length] = '\0';
	*at += length;
	return parse_unsigned(digits, 0, CPU_SETSIZE - 1, ret);
}

static int read_range(const char **at, cpu_set_t *set)
{
	uint64_t first = 0, last = 0;

	if (read_number(at, &first))
		return -1;
	last = first;
	if (**at == '-') {
		(*at)++;
		if (read_number(at, &last))
			return -1;
	}
	if (last < first) {
		errno = EINVAL;
		return -1;
	}
	for (uint64_t cpu = first; cpu <= last; cpu++)
		CPU_SET(cpu, set);
	return 0;
}

int cpulist_read(const char *text, cpu_set_t *ret)
{
	CPU_ZERO(ret);
	for (;; text++) {
		if (read_range(&text, ret))
			return -1;
		if (*text != ',')
			break;
	}
	if (*text && strcmp(text, "\n") != 0) {
		errno = EINVAL;
		return -1;
	}
	return 0;
}
