/* vars_sample: what variables hold for a reader of profiles who is on no host in particular: `audit` gives the same
 * answer everywhere, so nothing of the host or the caller may show in it.
 *
 * A sample user has a home directory and a project below it. A variable of the environment becomes a path that bears
 * its name, which is all that can be known of it. Parent only; pure. */
#include "profile/vars.h"

#include <string.h>

#include "base/arena.h"
#include "gen/keys.h"

static const struct {
	const char *name, *value;
} samples[] = {
	{ "HOME", "/home/user" },
	{ "env:HOME", "/home/user" },
	{ "USER", "user" },
	{ "UID", "1000" },
	{ "GID", "1000" },
	{ "PWD", "/home/user/project" },
	{ "env:PWD", "/home/user/project" },
	{ "PROFILE_DIR", "/srv/profiles" },
	{ "RUNTIME_DIR", "/run/user/1000" },
	{ "env:XDG_RUNTIME_DIR", "/run/user/1000" },
};

const char *vars_sample(struct arena *arena, const char *name)
{
	for (size_t i = 0; i < sizeof(samples) / sizeof(samples[0]); i++)
		if (!strcmp(name, samples[i].name))
			return samples[i].value;
	return strncmp(name, "env:", 4) ? NULL : arena_format(arena, "/env/%s", name + 4);
}

const char *vars_sample_param(int type)
{
	static const char *const values[] = {
		[PARAMS_TYPE_STRING] = "sample",
		[PARAMS_TYPE_PATH] = "/home/user/project/sample",
		[PARAMS_TYPE_DIRECTORY] = "/home/user/project",
		[PARAMS_TYPE_FILE] = "/home/user/project/sample",
		[PARAMS_TYPE_INT] = "1",
		[PARAMS_TYPE_SIZE] = "1M",
		[PARAMS_TYPE_DURATION] = "1s",
		[PARAMS_TYPE_BOOL] = "false",
	};

	return values[type];
}
