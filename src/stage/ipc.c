/* ipc: System V queues, semaphores and shared memory, and POSIX message queues.
 *
 * plan     (parent, before anything exists) refuses to share them with the host unless the profile says so. That is
 * all: a new IPC namespace (namespaces.c) is empty and ready.
 *
 * POSIX shared memory is files in /dev/shm and belongs to mounts; abstract Unix sockets belong to the network
 * namespace. Needs: ipc_namespaces(7), Linux 2.6.30. Nothing to undo: the kernel removes what is left with the
 * namespace.
 */
#include "stage/stage.h"

#include <sched.h>
#include <string.h>

static bool allowed(const struct profile *profile)
{
	for (size_t i = 0; i < profile->dangerous.count; i++)
		if (!strcmp(profile->dangerous.items[i], "host-ipc"))
			return true;
	return false;
}

/* A joined namespace that is the launcher's own is sharing by another name. */
static bool shared(const struct plan *plan, int *ret_key, int *ret_index)
{
	struct stat mine, theirs;

	*ret_key = K_NAMESPACES;
	*ret_index = -1;
	for (size_t i = 0; i < plan->join.count; i++) {
		const struct join_entry *entry = &plan->join.items[i];

		if (entry->flag != CLONE_NEWIPC)
			continue;
		*ret_key = K_JOIN_PATH;
		*ret_index = entry->index;
		return stat("/proc/self/ns/ipc", &mine) || fstat(entry->fd, &theirs) ||
		       (mine.st_dev == theirs.st_dev && mine.st_ino == theirs.st_ino);
	}
	return !plan->namespaces.ipc;
}

int ipc_plan(const struct profile *profile, struct plan *plan, struct error *err)
{
	int key = 0, index = -1;

	if (!shared(plan, &key, &index) || allowed(profile))
		return 0;
	fail_at(err, key, index, "cannot share System V and POSIX queues and shared memory with the host");
	error_remedy(err, "let `namespaces` name ipc; if sharing is wanted, say dangerous = [ \"host-ipc\" ]");
	return error_exit(err, EXIT_OF_PROFILE);
}

void ipc_describe(const struct plan *plan, struct description *out)
{
	int key = 0, index = -1;

	if (shared(plan, &key, &index))
		describe(out, key, index, "queues and shared memory are the host's");
	else
		describe(out, key, index,
			 plan->namespaces.ipc ? "queues and shared memory start empty"
					      : "queues and shared memory are the joined namespace's");
}
