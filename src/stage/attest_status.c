/* attest: /proc/self/status against the plan. Runs in the payload, in confine, from one read of the file.
 *
 * ids, groups, the five capability sets, no_new_privs, umask and the three signal sets stand there as the kernel
 * holds them, numbered as the payload's user namespace sees them; and the size of the descriptor table, for the next
 * check. See attest.c for when, and what failure means.
 */
#include "stage/attest.h"

#include <string.h>

#include "base/file.h"

CHILD const char *attest_field(const char *status, const char *name)
{
	size_t length = strlen(name);

	while (status && strncmp(status, name, length) != 0) {
		status = strchr(status, '\n');
		status = status ? status + 1 : NULL;
	}
	if (!status)
		return NULL;
	for (status += length; *status == ' ' || *status == '\t'; status++)
		;
	return status;
}

CHILD static unsigned digit(char c)
{
	if (c >= '0' && c <= '9')
		return (unsigned)(c - '0');
	if (c >= 'a' && c <= 'f')
		return (unsigned)(c - 'a') + 10;
	return 16;
}

CHILD uint64_t attest_number(const char **at, unsigned base)
{
	uint64_t value = 0;

	for (; digit(**at) < base; (*at)++)
		value = value * base + digit(**at);
	for (; **at == ' ' || **at == '\t'; (*at)++)
		;
	return value;
}

/* One line that holds one number. */
struct expected {
	const char *field;
	unsigned base;
	uint64_t value;
	int key;
	const char *what;
};

CHILD static int check_number(const char *status, const struct expected *expected, struct error *err)
{
	const char *at = attest_field(status, expected->field);
	uint64_t value = 0;

	if (!at)
		return fail(err, expected->key, "the kernel does not tell %s", expected->what);
	value = attest_number(&at, expected->base);
	if (value == expected->value)
		return 0;
	return fail(err, expected->key,
		    expected->base == 10 ? "%s: planned %lu, found %lu" : "%s: planned 0x%lx, found 0x%lx",
		    expected->what, (unsigned long)expected->value, (unsigned long)value);
}

/* Real, effective, saved and file-system id. */
CHILD static int check_ids(const char *status, const char *field, unsigned id, int key, struct error *err)
{
	const char *at = attest_field(status, field);

	for (int i = 0; i < 4; i++) {
		uint64_t found = at ? attest_number(&at, 10) : UINT64_MAX;

		if (found != id)
			return fail(err, key, "%s planned %u, found %lu", field, id, (unsigned long)found);
	}
	return 0;
}

CHILD static bool planned_group(const struct ids_plan *ids, uint64_t gid)
{
	for (size_t i = 0; i < ids->group_count; i++)
		if (ids->groups[i] == gid)
			return true;
	return false;
}

/* The kernel sorts the list its own way, so it is compared as a set and by its length. */
CHILD static int check_groups(const char *status, const struct ids_plan *ids, struct error *err)
{
	const char *at = attest_field(status, "Groups:");
	size_t count = 0;

	if (!ids->set_groups)
		return 0;
	for (; at && *at && *at != '\n'; count++) {
		uint64_t gid = attest_number(&at, 10);

		if (!planned_group(ids, gid))
			return fail(err, K_USERS_GROUPS, "supplementary groups: %lu was not planned",
				    (unsigned long)gid);
	}
	if (count != ids->group_count)
		return fail(err, K_USERS_GROUPS, "supplementary groups: planned %zu, found %zu", ids->group_count,
			    count);
	return 0;
}

CHILD int attest_status(const struct plan *plan, const struct inside *inside, struct error *err)
{
	const struct capabilities_plan *caps = &plan->capabilities;
	const struct expected numbers[] = {
		{ "CapInh:", 16, caps->ambient, K_CAPABILITIES_AMBIENT, "inheritable capabilities" },
		{ "CapPrm:", 16, caps->permitted, K_CAPABILITIES_KEEP, "permitted capabilities" },
		{ "CapEff:", 16, caps->permitted, K_CAPABILITIES_KEEP, "effective capabilities" },
		{ "CapBnd:", 16, caps->bounding, K_CAPABILITIES_DROP, "bounding set of capabilities" },
		{ "CapAmb:", 16, caps->ambient, K_CAPABILITIES_AMBIENT, "ambient capabilities" },
		{ "NoNewPrivs:", 10, plan->profile->no_new_privs, K_NO_NEW_PRIVS, "no_new_privs" },
		{ "Umask:", 8, plan->process.umask, K_PROCESS_UMASK, "umask" },
		{ "SigBlk:", 16, 0, 0, "blocked signals" },
		{ "SigIgn:", 16, 0, 0, "ignored signals" },
		{ "SigCgt:", 16, 0, 0, "caught signals" },
	};
	char *status = plan->attest.facts->buffer;
	const char *size = NULL;

	if (read_file_at(inside->procfs, "self/status", status, ATTEST_BUFFER_SIZE) < 0)
		return fail_errno(err, 0, "cannot read /proc/self/status");
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		if (check_number(status, &numbers[i], err))
			return -1;
	if (check_ids(status, "Uid:", plan->ids.uid, K_USERS_UID, err) ||
	    check_ids(status, "Gid:", plan->ids.gid, K_USERS_GID, err))
		return -1;
	size = attest_field(status, "FDSize:");
	plan->attest.facts->descriptor_table_size = size ? (int)attest_number(&size, 10) : 0;
	return check_groups(status, &plan->ids, err);
}
