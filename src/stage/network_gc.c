/* network_gc: what launchers and janitors that were both killed have left in this network namespace: bridges, tables,
 * elements. Parent, for `sandbox gc`.
 *
 * What there may be, the lock files tell (network_segment.c): one that nobody holds USERS of is taken down; of one that
 * is in use, every element goes whose address nobody holds. Files of other network namespaces are theirs to clean; an
 * ordinary user has none. */
#include <dirent.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "base/format.h"
#include "stage/network_segment.h"

static int sweep(const char *bridge, struct arena *arena, struct error *err)
{
	struct segment segment = { .site = { .bridge = bridge } };
	int status = segment_open(&segment, err), ended = 0;

	if (!status) {
		ended = segment_end(&segment, arena, err);
		status = ended < 0 ? -1 : 0;
	}
	if (!status && !ended) {
		const struct net_plan as_it_is = { .bridge_create = false };

		status = segment_look(&segment, &as_it_is, err) ||
					 table_sweep(segment.nfnl, &segment.site, segment_alive, &segment, err)
				 ? -1
				 : 0;
	}
	segment_close(&segment);
	return status;
}

int network_gc(struct error *err)
{
	struct arena arena = { 0 };
	DIR *directory = opendir(RUN_DIRECTORY);
	struct dirent *entry = NULL;
	struct stat own;
	char prefix[32];
	int status = 0;

	if (!directory)
		return errno == ENOENT || errno == EACCES ? 0
							  : fail_errno(err, 0, "cannot look into %s", RUN_DIRECTORY);
	if (stat("/proc/self/ns/net", &own))
		status = fail_errno(err, 0, "cannot look at /proc/self/ns/net");
	format_text(prefix, sizeof(prefix), "net-%llu", (unsigned long long)own.st_ino);
	while (!status && (entry = readdir(directory))) {
		const char *rest = entry->d_name + strlen(prefix);

		if (!strncmp(entry->d_name, prefix, strlen(prefix)) && (!*rest || *rest == '-'))
			status = sweep(*rest ? rest + 1 : NULL, &arena, err);
	}
	(void)closedir(directory);
	arena_free(&arena);
	return status;
}
