/* network_segment: what sandboxes share on the host. A segment is a bridge, or all point to point pairs together; it has
 * one file of locks, /run/sandbox/net-<network namespace>-<bridge>, one nftables table, and perhaps a bridge of ours.
 *
 * The bytes of the file (stage/lock_file.h):
 *
 *	MUTEX     held while anything shared is changed, for a moment
 *	USERS     a shared lock for as long as a sandbox uses the segment: who can have it alone is the last
 *	LINGERER  whoever waits to see whether somebody comes back before all is taken down
 *	4, 6      from there on, one byte for every address of the segment, IPv4 and IPv6
 *
 * Automatic addresses are searched from a random one on, so that an address is not given away again right after its
 * sandbox ended. The kernel takes a namespace down some time after its last process (decisions: asynchronously), and
 * with it the veth; the host's end is named after the address, so that an address whose interface still stands shows.
 *
 * Parent, host column; then in the janitor (network_janitor.c), which takes down what segment_make() made, and in
 * `sandbox gc`. Everything here is made under the mutex, and taken down under it. A file without a name any more is one
 * that somebody else has just taken down: it is opened anew.
 */
#include "stage/network_segment.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <sys/stat.h>

#include "base/fd.h"
#include "base/file.h"
#include "base/format.h"
#include "base/parse.h"

enum {
	LOCK_MUTEX = 0,
	LOCK_USERS = 1,
	LOCK_LINGERER = 2,
	LOCK_ADDRESSES = 64,
	SEARCH_LIMIT = 1 << 20,      /* so many addresses are tried; a network may have more */
	SEARCH_LIMIT6 = 1 << 16,     /* what is given away of an IPv6 network */
	LINK_NUMBER_LAST = 0xffffff, /* fits a name: "sb" + 6 + "-" + 6 digits */
};

#define LOCK_ADDRESSES6 ((off_t)1 << 40)

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
		struct stat st;

		if (fd < 0)
			return -1;
		if (lock_bytes(fd, F_WRLCK, LOCK_MUTEX, 1, true) < 0 || fstat(fd, &st))
			return fail_errno(err, K_NETWORK_MODE, "cannot lock %s/%s", RUN_DIRECTORY, segment->file);
		if (!st.st_nlink)
			continue;
		segment->lock = TAKE_FD(fd);
		return 0;
	}
}

int segment_open(struct segment *segment, struct error *err)
{
	segment->lock = segment->route = segment->nfnl = -1;
	if (file_name(segment, err) || open_locked(segment, err))
		return -1;
	segment->route = netlink_open(NETLINK_ROUTE);
	segment->nfnl = netlink_open(NETLINK_NETFILTER);
	if (segment->route < 0)
		return fail_errno(err, K_NETWORK_MODE, "cannot open a netlink socket");
	if (segment->nfnl < 0) {
		fail_errno(err, K_NETWORK_MODE, "cannot open a netfilter socket: the kernel has no nf_tables");
		return error_exit(err, EXIT_OF_HOST);
	}
	return 0;
}

void segment_unlock(struct segment *segment)
{
	(void)lock_bytes(segment->lock, F_UNLCK, LOCK_MUTEX, 1, false);
}

void segment_close(struct segment *segment)
{
	fd_close(&segment->lock);
	fd_close(&segment->route);
	fd_close(&segment->nfnl);
}

/* ---- the bridge */

static int refuse(struct error *err)
{
	return error_exit(err, EXIT_OF_HOST);
}

struct wanted {
	struct address address; /* family alone: any of it */
	bool found;
	struct address first;
};

static int see_address(const struct listed *listed, void *with)
{
	struct wanted *wanted = with;

	if (listed->address.family != wanted->address.family || address_is_link_local(&listed->address))
		return 0;
	if (!wanted->first.family)
		wanted->first = listed->address;
	wanted->found |=
		address_same(&listed->address, &wanted->address) && listed->address.prefix == wanted->address.prefix;
	return 0;
}

/* One family's address of a bridge that is there: the profile's must be among its own; without one the first holds. */
static int adopt_address(const struct segment *segment, int key, int family, struct address *address, struct error *err)
{
	struct wanted wanted = { .address = *address };
	char text[ADDRESS_TEXT_SIZE], other[ADDRESS_TEXT_SIZE];

	wanted.address.family = family;
	if (addresses_each(segment->route, segment->bridge.index, see_address, &wanted, err))
		return -1;
	if (!address->family) {
		*address = wanted.first;
		return 0;
	}
	if (wanted.found)
		return 0;
	fail(err, key, "cannot use the bridge %s: it does not have the address %s", segment->site.bridge,
	     address_text(address, true, text));
	if (wanted.first.family)
		error_remedy(err, "it has %s", address_text(&wanted.first, true, other));
	return refuse(err);
}

int segment_look(struct segment *segment, const struct net_plan *net, struct error *err)
{
	struct table_site *site = &segment->site;
	int found = 0;

	site->address = net->bridge_address;
	site->address6 = net->bridge_address6;
	if (!site->bridge)
		return 0;
	found = link_find(segment->route, site->bridge, &segment->bridge, err);
	if (found < 0)
		return -1;
	if (found && strcmp(segment->bridge.kind, "bridge") != 0) {
		fail(err, K_NETWORK_BRIDGE_NAME, "cannot use %s as a bridge: it is an interface of another kind%s%s",
		     site->bridge, segment->bridge.kind[0] ? ": " : "", segment->bridge.kind);
		return refuse(err);
	}
	if (found)
		return adopt_address(segment, K_NETWORK_BRIDGE_ADDRESS, AF_INET, &site->address, err) ||
				       adopt_address(segment, K_NETWORK_BRIDGE_ADDRESS6, AF_INET6, &site->address6, err)
			       ? -1
			       : 0;
	if (!net->bridge_create) {
		fail(err, K_NETWORK_BRIDGE_NAME, "cannot find the bridge %s", site->bridge);
		error_remedy(err, "make it, or write network.bridge.create = true");
		return refuse(err);
	}
	if (!site->address.family && !site->address6.family) {
		fail(err, K_NETWORK_BRIDGE_NAME, "cannot make the bridge %s: it has no address", site->bridge);
		error_remedy(err, "give network.bridge.address, such as \"10.88.0.1/16\"");
		return error_exit(err, EXIT_OF_PROFILE);
	}
	return 0;
}

struct overlap {
	struct address network;
	int except; /* index of an interface */
	int interface;
	struct address with;
};

static int see_route(const struct listed *listed, void *with)
{
	struct overlap *overlap = with;

	if (listed->address.prefix && listed->interface != overlap->except &&
	    address_overlap(&listed->address, &overlap->network)) {
		overlap->interface = listed->interface;
		overlap->with = listed->address;
	}
	return 0;
}

int segment_check_overlap(int route, int key, const struct address *address, int except, struct error *err)
{
	struct overlap overlap = { .network = *address, .except = except };
	char text[ADDRESS_TEXT_SIZE], other[ADDRESS_TEXT_SIZE], name[IF_NAMESIZE] = "?";

	if (!address->family)
		return 0;
	if (routes_each(route, 0, see_route, &overlap, err))
		return -1;
	if (!overlap.with.family)
		return 0;
	(void)if_indextoname((unsigned)overlap.interface, name);
	fail(err, key, "cannot use the network %s: the host reaches %s of it through %s",
	     address_text(address, true, text), address_text(&overlap.with, true, other), name);
	error_remedy(err, "choose a network that the host has no route to; `ip route` lists them");
	return refuse(err);
}

static void build_address(struct batch *batch, const struct segment *segment, int key, const struct address *address)
{
	char text[ADDRESS_TEXT_SIZE];

	if (address->family)
		link_address(batch, key, segment->bridge.index, address, address_text(address, true, text));
}

/* With an address of its own, or the bridge would take that of a port, and change it when the port goes. Multicast
 * snooping is off: nothing on the bridge asks for it, and it is work for every port that comes and goes. */
static int make_bridge(struct segment *segment, struct arena *arena, struct error *err)
{
	struct ifinfomsg header = { .ifi_family = AF_UNSPEC };
	struct batch *batch = batch_new(arena);
	const char *name = segment->site.bridge;
	struct messages messages;
	uint8_t mac[MAC_SIZE];

	if (mac_random(mac))
		return fail_errno(err, K_NETWORK_BRIDGE_NAME, "cannot get random bytes");
	batch_message(batch, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, &header, sizeof(header));
	batch_label(batch, K_NETWORK_BRIDGE_NAME, -1, "make the bridge %s", name);
	batch_text(batch, IFLA_IFNAME, name);
	batch_put(batch, IFLA_ADDRESS, mac, sizeof(mac));
	batch_u32(batch, IFLA_GROUP, OUR_GROUP);
	batch_nest(batch, IFLA_LINKINFO);
	batch_text(batch, IFLA_INFO_KIND, "bridge");
	batch_nest(batch, IFLA_INFO_DATA);
	batch_u8(batch, IFLA_BR_MCAST_SNOOPING, 0);
	batch_end(batch);
	batch_end(batch);
	if (batch_finish(batch, &messages, err) || messages_send(&messages, segment->route, 0, err))
		return -1;
	return link_find(segment->route, name, &segment->bridge, err) < 0 ? -1 : 0;
}

static int furnish_bridge(struct segment *segment, struct arena *arena, struct error *err)
{
	struct ifinfomsg header = { .ifi_index = segment->bridge.index, .ifi_flags = IFF_UP, .ifi_change = IFF_UP };
	struct batch *batch = batch_new(arena);
	struct messages messages;

	link_no_autoconf(batch, K_NETWORK_BRIDGE_NAME, segment->bridge.index);
	build_address(batch, segment, K_NETWORK_BRIDGE_ADDRESS, &segment->site.address);
	build_address(batch, segment, K_NETWORK_BRIDGE_ADDRESS6, &segment->site.address6);
	batch_message(batch, RTM_SETLINK, 0, &header, sizeof(header));
	batch_label(batch, K_NETWORK_BRIDGE_NAME, -1, "set the bridge %s up", segment->site.bridge);
	batch_text(batch, IFLA_IFALIAS, OUR_ALIAS);
	return batch_finish(batch, &messages, err) || messages_send(&messages, segment->route, 0, err) ? -1 : 0;
}

static int make_new_bridge(struct segment *segment, struct arena *arena, struct error *err)
{
	const struct table_site *site = &segment->site;

	if (segment_check_overlap(segment->route, K_NETWORK_BRIDGE_ADDRESS, &site->address, 0, err) ||
	    segment_check_overlap(segment->route, K_NETWORK_BRIDGE_ADDRESS6, &site->address6, 0, err))
		return -1;
	return make_bridge(segment, arena, err) || furnish_bridge(segment, arena, err) ? -1 : 0;
}

int segment_make(struct segment *segment, struct arena *arena, struct error *err)
{
	if (segment->site.bridge && !segment->bridge.index && make_new_bridge(segment, arena, err))
		return -1;
	return table_ensure(segment->nfnl, &segment->site, err) < 0 ? -1 : 0;
}

/* ---- addresses */

/* Where the lock of an address is: by its host part, the low 32 bits of it. */
static off_t lock_of(const struct address *address)
{
	uint32_t low = 0;

	for (size_t i = address_size(address) - 4; i < address_size(address); i++)
		low = low << 8 | address->bytes[i];
	if (address->family == AF_INET && address->prefix)
		low &= address->prefix == 32 ? 0 : UINT32_MAX >> address->prefix;
	return (address->family == AF_INET ? LOCK_ADDRESSES : LOCK_ADDRESSES6) + (off_t)low;
}

static int lock_address(int fd, const struct address *address)
{
	return address->family ? lock_bytes(fd, F_WRLCK, lock_of(address), 1, false) : 1;
}

static void unlock_address(int fd, const struct address *address)
{
	if (address->family)
		(void)lock_bytes(fd, F_UNLCK, lock_of(address), 1, false);
}

bool segment_alive(const struct address *address, void *with)
{
	const struct segment *segment = with;
	struct address own = *address;

	own.prefix = own.family == AF_INET ? segment->site.address.prefix : segment->site.address6.prefix;
	return lock_taken(segment->lock, lock_of(&own)) != 0;
}

/* Whether the interface of whoever had the number is still there. */
static int link_stands(const struct segment *segment, uint32_t number, struct error *err)
{
	struct link_info link;
	char name[IFNAMSIZ];

	if (!segment->bridge.index || !segment_link_name(segment, number, name))
		return 0;
	return link_find(segment->route, name, &link, err);
}

struct candidate {
	uint32_t number;
	struct address address, address6; /* family AF_UNSPEC: not automatic */
};

static bool make_candidate(const struct segment *segment, const struct net_plan *net, struct candidate *candidate)
{
	const struct table_site *site = &segment->site;
	struct address *address = &candidate->address, *address6 = &candidate->address6;

	*address = *address6 = (struct address){ 0 };
	if (net->auto_address && site->address.family &&
	    (!address_of_host(&site->address, candidate->number, address) || address_same(address, &site->address)))
		return false;
	if (net->auto_address6 && site->address6.family &&
	    (!address_of_host(&site->address6, candidate->number, address6) || address_same(address6, &site->address6)))
		return false;
	return true;
}

/* 1: both addresses are ours, and nothing of an earlier owner stands. 0: not free. */
static int try_candidate(const struct segment *segment, const struct candidate *candidate, struct error *err)
{
	int got = lock_address(segment->lock, &candidate->address), stands = 0;

	if (got == 1) {
		got = lock_address(segment->lock, &candidate->address6);
		if (got != 1)
			unlock_address(segment->lock, &candidate->address);
	}
	if (got < 0)
		return fail_errno(err, K_NETWORK_ADDRESS, "cannot lock an address");
	if (!got)
		return 0;
	stands = link_stands(segment, candidate->number, err);
	if (!stands)
		return 1;
	unlock_address(segment->lock, &candidate->address);
	unlock_address(segment->lock, &candidate->address6);
	return stands < 0 ? -1 : 0;
}

/* How many numbers an automatic address may have. */
static uint32_t pool_size(const struct segment *segment, const struct net_plan *net)
{
	const struct table_site *site = &segment->site;
	uint32_t size = SEARCH_LIMIT;

	if (net->auto_address && site->address.family && site->address.prefix > 12)
		size = (uint32_t)1 << (32 - site->address.prefix);
	if (net->auto_address6 && site->address6.family) {
		uint32_t size6 =
			site->address6.prefix > 112 ? (uint32_t)1 << (128 - site->address6.prefix) : SEARCH_LIMIT6;

		size = size6 < size ? size6 : size;
	}
	return size;
}

static int find_free(const struct segment *segment, const struct plan *plan, struct candidate *ret, struct error *err)
{
	const struct net_plan *net = plan->network.net;
	const struct address *network =
		segment->site.address.family && net->auto_address ? &segment->site.address : &segment->site.address6;
	uint32_t size = pool_size(segment, net), seed = segment_seed(plan);
	char text[ADDRESS_TEXT_SIZE];
	struct address shown = address_network(network);

	for (uint32_t i = 0; i < size; i++) {
		struct candidate candidate = { .number = (seed + i) % size };
		int got = make_candidate(segment, net, &candidate) ? try_candidate(segment, &candidate, err) : 0;

		if (got < 0)
			return -1;
		if (!got)
			continue;
		*ret = candidate;
		return 0;
	}
	fail(err, K_NETWORK_ADDRESS, "cannot find a free address in %s: all are in use",
	     address_text(&shown, true, text));
	error_remedy(err, "end other sandboxes, or give network.bridge.address a larger network");
	return refuse(err);
}

static int take_written(const struct segment *segment, int key, const struct address *address, struct error *err)
{
	char text[ADDRESS_TEXT_SIZE];
	int got = lock_address(segment->lock, address);

	if (got < 0)
		return fail_errno(err, key, "cannot lock the address %s", address_text(address, false, text));
	if (got)
		return 0;
	fail(err, key, "cannot use the address %s: another sandbox has it", address_text(address, false, text));
	return refuse(err);
}

/* The number that the interface's name is made of, for addresses that the profile gives. */
static uint32_t number_of(const struct network_host *network)
{
	const struct address *address = network->address.family ? &network->address : &network->address6;

	if (!address->family)
		return UINT32_MAX;
	return (uint32_t)(lock_of(address) - (address->family == AF_INET ? LOCK_ADDRESSES : LOCK_ADDRESSES6));
}

static int check_inside(const struct segment *segment, const struct network_host *network, struct error *err)
{
	const struct table_site *site = &segment->site;
	char text[ADDRESS_TEXT_SIZE], other[ADDRESS_TEXT_SIZE];

	if (network->address.family && site->address.family && !address_within(&network->address, &site->address)) {
		fail(err, K_NETWORK_ADDRESS, "cannot use the address %s: it is outside the bridge's network %s",
		     address_text(&network->address, false, text), address_text(&site->address, true, other));
		return refuse(err);
	}
	if (network->address6.family && site->address6.family && !address_within(&network->address6, &site->address6)) {
		fail(err, K_NETWORK_ADDRESS6, "cannot use the address %s: it is outside the bridge's network %s",
		     address_text(&network->address6, false, text), address_text(&site->address6, true, other));
		return refuse(err);
	}
	return 0;
}

int segment_take(const struct segment *segment, const struct plan *plan, struct network_host *network,
		 struct error *err)
{
	const struct net_plan *net = plan->network.net;
	bool automatic = (net->auto_address && segment->site.address.family) ||
			 (net->auto_address6 && segment->site.address6.family);
	struct candidate candidate = { 0 };

	if (lock_bytes(segment->lock, F_RDLCK, LOCK_USERS, 1, true) < 0)
		return fail_errno(err, K_NETWORK_MODE, "cannot lock %s/%s", RUN_DIRECTORY, segment->file);
	network->address = net->address;
	network->address6 = net->address6;
	if (!segment->site.bridge)
		return 0;
	if (take_written(segment, K_NETWORK_ADDRESS, &network->address, err) ||
	    take_written(segment, K_NETWORK_ADDRESS6, &network->address6, err) || check_inside(segment, network, err))
		return -1;
	if (automatic && find_free(segment, plan, &candidate, err))
		return -1;
	if (candidate.address.family)
		network->address = candidate.address;
	if (candidate.address6.family)
		network->address6 = candidate.address6;
	network->number = automatic ? candidate.number : number_of(network);
	return 0;
}

uint32_t segment_seed(const struct plan *plan)
{
	uint32_t seed = 0;

	for (const char *at = plan->caller->id; *at; at++)
		seed = seed * 31 + (uint8_t)*at;
	return seed;
}

bool segment_link_name(const struct segment *segment, uint32_t number, char to[IFNAMSIZ])
{
	if (!segment->bridge.index || segment->bridge.index > LINK_NUMBER_LAST || number > LINK_NUMBER_LAST)
		return false;
	format_text(to, IFNAMSIZ, "sb%x-%x", (unsigned)segment->bridge.index, number);
	return true;
}

/* ---- the end */

/* "eth0 0": what the interface's forwarding was before the first sandbox changed it. */
static void restore_forwarding(const struct segment *segment)
{
	char text[64], *space = NULL;
	ssize_t length = pread(segment->lock, text, sizeof(text) - 1, 0);

	if (length <= 0)
		return;
	text[length] = '\0';
	space = strchr(text, ' ');
	if (!space)
		return;
	*space = '\0';
	(void)forwarding_write(text, space[1] == '1', NULL);
}

int segment_note_forwarding(const struct segment *segment, const char *interface, bool was, struct error *err)
{
	char text[64];
	struct stat st;

	if (fstat(segment->lock, &st))
		return fail_errno(err, K_NETWORK_FORWARDING, "cannot look at %s", segment->file);
	if (st.st_size)
		return 0;
	format_text(text, sizeof(text), "%s %d", interface, was);
	if (pwrite(segment->lock, text, strlen(text), 0) != (ssize_t)strlen(text))
		return fail_errno(err, K_NETWORK_FORWARDING, "cannot write to %s", segment->file);
	return 0;
}

static int delete_bridge(const struct segment *segment, struct arena *arena, struct error *err)
{
	struct ifinfomsg header = { .ifi_index = segment->bridge.index };
	struct batch *batch = batch_new(arena);
	struct messages messages;

	batch_message(batch, RTM_DELLINK, 0, &header, sizeof(header));
	batch_label(batch, K_NETWORK_BRIDGE_NAME, -1, "remove the bridge %s", segment->site.bridge);
	return batch_finish(batch, &messages, err) || messages_send(&messages, segment->route, 0, err) ? -1 : 0;
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
	if (table_delete(segment->nfnl, &segment->site, status ? &ignored : err))
		status = -1;
	restore_forwarding(segment);
	if (!status && unlink(segment_path(segment)) && errno != ENOENT)
		status = fail_errno(err, K_NETWORK_MODE, "cannot remove %s", segment->file);
	return status;
}

const char *segment_path(const struct segment *segment)
{
	static char path[sizeof(RUN_DIRECTORY) + sizeof(segment->file)];

	format_text(path, sizeof(path), "%s/%s", RUN_DIRECTORY, segment->file);
	return path;
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
	struct stat st;

	return lock_bytes(segment->lock, F_WRLCK, LOCK_MUTEX, 1, true) == 1 && !fstat(segment->lock, &st) && st.st_nlink
		       ? 0
		       : -1;
}
