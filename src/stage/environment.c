/* environment: the variables that the payload starts with.
 *
 * plan     (parent) makes the list: process.env, then what process.inherit_env names of the caller's own variables. It
 *          starts empty, so nothing of the caller's (LD_PRELOAD, GLIBC_TUNABLES, BASH_ENV, tokens) comes in that the
 *          profile does not name. Of two entries for one name in process.env the later holds; an entry of process.env
 *          goes before an inherited one.
 *
 * The list is handed to execve(2), and its PATH is what the command is looked up in; without one that is the C
 * library's own (_PATH_DEFPATH), as execvp(3) has it. The launcher's own environment changes nothing but this.
 * Nothing to undo.
 */
#include "stage/stage.h"

#include <paths.h>
#include <string.h>

/* Whether `entry` sets the variable of the first `length` bytes of `name`. */
static bool sets(const char *entry, const char *name, size_t length)
{
	return !strncmp(entry, name, length) && entry[length] == '=';
}

static char **find(char **list, const char *name, size_t length)
{
	while (*list && !sets(*list, name, length))
		list++;
	return list;
}

/* `list` has room for one more; a name that is there already is replaced in its place. */
static void set(char **list, char *entry)
{
	*find(list, entry, strcspn(entry, "=")) = entry;
}

static char *inherited(const struct caller *caller, const char *name)
{
	size_t length = strlen(name);

	for (const char *const *entry = caller->environ; entry && *entry; entry++)
		if (sets(*entry, name, length))
			return (char *)(uintptr_t)*entry;
	return NULL;
}

int environment_plan(const struct profile *profile, struct plan *plan, struct error *err)
{
	const struct strings *own = &profile->process.env, *names = &profile->process.inherit_env;
	struct environment_plan *environment = &plan->environment;
	char **list = arena_array(&plan->arena, own->count + names->count + 1, sizeof(*list));
	char **path = NULL;

	if (!list)
		return fail_errno(err, K_PROCESS_ENV, "cannot keep the environment");
	for (size_t i = 0; i < own->count; i++)
		set(list, (char *)(uintptr_t)own->items[i]);
	for (size_t i = 0; i < names->count; i++) {
		char *entry = inherited(plan->caller, names->items[i]);

		if (entry && !*find(list, names->items[i], strlen(names->items[i])))
			set(list, entry);
	}
	path = find(list, "PATH", strlen("PATH"));
	environment->envp = list;
	environment->path = *path ? strchr(*path, '=') + 1 : _PATH_DEFPATH;
	return 0;
}

/* Names only: values may be secrets, and inherited ones are the caller's. */
void environment_describe(const struct plan *plan, struct description *out)
{
	const struct strings *own = &plan->profile->process.env, *names = &plan->profile->process.inherit_env;

	for (char **entry = plan->environment.envp; *entry; entry++) {
		int length = (int)strcspn(*entry, "="), ours = -1, named = -1;

		for (size_t i = 0; i < own->count; i++)
			if (sets(own->items[i], *entry, (size_t)length))
				ours = (int)i;
		for (size_t i = 0; i < names->count; i++)
			if (sets(*entry, names->items[i], strlen(names->items[i])))
				named = (int)i;
		if (ours >= 0)
			describe(out, K_PROCESS_ENV, ours, "sets %.*s", length, *entry);
		else
			describe(out, K_PROCESS_INHERIT_ENV, named, "inherits %.*s", length, *entry);
	}
	if (!own->count && !names->count)
		describe(out, K_PROCESS_ENV, -1, "starts with no variables at all");
}
