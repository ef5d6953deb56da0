/* network_segment: what sandboxes share on the host. A segment is a bridge, or all point to point pairs together; it
 * has one file of locks, /run/sandbox/net-<network namespace>-<bridge>, one nftables table, and perhaps a bridge of
 * ours.
 *
 * The bytes of the file (stage/lock_file.h):
 *
 *	MUTEX      held while anything shared is changed, for a moment
 *	USERS      a shared lock for as long as a sandbox uses the segment: who can have it alone is the last
 *	LINGERER   whoever waits to see whether somebody comes back before all is taken down
 *	ADDRESSES  from there on, one byte for every IPv4 address of the segment; ADDRESSES6 likewise
 *
 * Parent, host column; then in the janitor (network_janitor.c), which takes down what segment_make() made, and in
 * `sandbox gc`. Everything here is made under the mutex, and taken down under it. A file without a name any more is one
 * that somebody else has just taken down: it is opened anew.
 */
#include "stage/network_segment.h"
#include "stage/network_link.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <sys/stat.h>

#include "base/fd.h"
#include "base/file.h"
#include "base/format.h"

/* Fits a name: "sb", 6 digits, "-", 6 digits. */
enum { LINK_NUMBER_LAST = 0xffffff };

/* ---- the file */

static int namespace_inode(unsigned long long *ret, struct error *err)
{
	struct stat st;

	if (stat("/proc/self/ns/net", &st))
		return fail_errno(err, K_NETWORK_MODE, "cannot look at /proc/self/ns/net");
	*ret = st.st_ino;
	return 0;
}

static int file_name(struct segment *segment, struct error *err)
{
	unsigned long long inode = 0;

	if (namespace_inode(&inode, err))
		return -1;
	format_text(segment->file, sizeof(segment->file), segment->site.bridge ? "net-%llu-%s" : "net-%llu", inode,
		    segment->site.bridge);
	return 0;
}

static int open_locked(struct segment *segment, struct error *err)
{
	for (;;) {
		AUTO_CLOSE int fd = lock_file_open(RUN_DIRECTORY, segment->file, K_NETWORK_MODE, err);
		int removed = 0;

		if (fd < 0)
			return -1;
		removed = lock_bytes(fd, F_WRLCK, LOCK_MUTEX, 1, true) < 0 ? -1 : lock_file_removed(fd);
		if (removed < 0)
			return fail_errno(err, K_NETWORK_MODE, "cannot lock %s/%s", RUN_DIRECTORY, segment->file);
		if (removed)
			continue;
		segment->lock = TAKE_FD(fd);
		return 0;
	}
}

int segment_resume(struct segment *segment, int lock, struct error *err)
{
	segment->route = segment->nfnl = -1;
	segment->lock = lock;
	return file_name(segment, err);
}

/* The sockets come first: without them nothing can be made, and no file is to be left. */
int segment_open(struct segment *segment, struct error *err)
{
	segment->lock = segment->nfnl = -1;
	segment->route = netlink_open(NETLINK_ROUTE);
	if (segment->route < 0)
		return fail_errno(err, K_NETWORK_MODE, "cannot open a netlink socket");
	segment->nfnl = netlink_open(NETLINK_NETFILTER);
	if (segment->nfnl < 0) {
		fail_errno(err, K_NETWORK_MODE, "cannot open a netfilter socket%s",
			   errno == EPROTONOSUPPORT ? ": the kernel has no nf_tables" : "");
		return error_exit(err, EXIT_OF_HOST);
	}
	return file_name(segment, err) || open_locked(segment, err) ? -1 : 0;
}

void segment_unlock(const struct segment *segment)
{
	(void)lock_bytes(segment->lock, F_UNLCK, LOCK_MUTEX, 1, false);
}

void segment_close(struct segment *segment)
{
	fd_close(&segment->lock);
	fd_close(&segment->route);
	fd_close(&segment->nfnl);
}

/* ---- what it is made of */

int segment_make(struct segment *segment, struct arena *arena, struct error *err)
{
	if (segment->site.bridge && !segment->bridge.index && bridge_make(segment, arena, err))
		return -1;
	return table_ensure(segment->nfnl, &segment->site, err) < 0 ? -1 : 0;
}

/* Where the lock of an address is: by its host part, the low 32 bits of it. */
off_t segment_lock_of(const struct address *address)
{
	uint32_t low = 0;

	for (size_t i = address_size(address) - 4; i < address_size(address); i++)
		low = low << 8 | address->bytes[i];
	if (address->family == AF_INET && address->prefix)
		low &= address->prefix == 32 ? 0 : UINT32_MAX >> address->prefix;
	return (address->family == AF_INET ? LOCK_ADDRESSES : LOCK_ADDRESSES6) + (off_t)low;
}

bool segment_alive(const struct address *address, void *with)
{
	const struct segment *segment = with;
	struct address own = *address;

	own.prefix = own.family == AF_INET ? segment->site.address.prefix : segment->site.address6.prefix;
	return lock_taken(segment->lock, segment_lock_of(&own)) != 0;
}

bool segment_link_name(const struct segment *segment, uint32_t number, char to[IFNAMSIZ])
{
	if (!segment->bridge.index || segment->bridge.index > LINK_NUMBER_LAST || number > LINK_NUMBER_LAST)
		return false;
	format_text(to, IFNAMSIZ, "sb%x-%x", (unsigned)segment->bridge.index, number);
	return true;
}

/* ---- the end */

static int delete_bridge(const struct segment *segment, struct arena *arena, struct error *err)
{
	struct ifinfomsg header = { .ifi_index = segment->bridge.index };
	struct batch *batch = batch_new(arena);

	batch_message(batch, RTM_DELLINK, 0, &header, sizeof(header));
	batch_label(batch, K_NETWORK_BRIDGE_NAME, -1, "remove the bridge %s", segment->site.bridge);
	return batch_send(batch, segment->route, err);
}

/* Of the lock file, in static memory. */
static const char *segment_path(const struct segment *segment)
{
	static char path[sizeof(RUN_DIRECTORY) + sizeof(segment->file)];

	format_text(path, sizeof(path), "%s/%s", RUN_DIRECTORY, segment->file);
	return path;
}

/* Under the mutex, by somebody who has USERS alone. All of it is tried; the first failure is told. */
static int take_down(struct segment *segment, struct arena *arena, struct error *err)
{
	struct error ignored;
	int status = 0, found = 0;

	if (segment->site.bridge)
		found = link_find(segment->route, segment->site.bridge, &segment->bridge, err);
	if (found > 0 && segment->bridge.ours && !strcmp(segment->bridge.kind, "bridge"))
		status = delete_bridge(segment, arena, err);
	else if (found < 0)
		status = -1;
	if (table_delete(segment->nfnl, &segment->site, status ? &ignored : err))
		status = -1;
	forwarding_restore(segment);
	if (!status && unlink(segment_path(segment)) && errno != ENOENT)
		status = fail_errno(err, K_NETWORK_MODE, "cannot remove %s", segment->file);
	return status;
}

int segment_end(struct segment *segment, struct arena *arena, struct error *err)
{
	int alone = lock_bytes(segment->lock, F_WRLCK, LOCK_USERS, 1, false);

	if (alone < 0)
		return fail_errno(err, K_NETWORK_MODE, "cannot lock %s", segment->file);
	return alone && take_down(segment, arena, err) ? -1 : alone;
}

bool segment_linger(struct segment *segment)
{
	(void)lock_bytes(segment->lock, F_UNLCK, LOCK_USERS, 1, false);
	(void)lock_bytes(segment->lock, F_UNLCK, LOCK_ADDRESSES, 0, false);
	return lock_taken(segment->lock, LOCK_USERS) == 0 &&
	       lock_bytes(segment->lock, F_WRLCK, LOCK_LINGERER, 1, false) == 1;
}

int segment_lock(const struct segment *segment)
{
	return lock_bytes(segment->lock, F_WRLCK, LOCK_MUTEX, 1, true) == 1 && !lock_file_removed(segment->lock) ? 0
														 : -1;
}
