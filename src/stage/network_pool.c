/* network_pool: addresses of a segment: each belongs to one sandbox, for as long as that lives. Parent, host column,
 * under the segment's mutex.
 *
 * An address is a lock on a byte of the segment's file. Automatic ones are searched from a random one on, so that one
 * is not given away again right after its sandbox ended. The kernel takes a namespace down some time after its last
 * process, and the veth with it; the host's end is named after the address, so that an address whose interface still
 * stands shows. What the profile asks for by name, and the last of a small network, is waited for a moment, in which
 * the janitor of the sandbox before gives it back. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/format.h"
#include "stage/network_segment.h"

enum {
	SEARCH_LIMIT = 1 << 20,  /* so many addresses are tried; a network may have more */
	SEARCH_LIMIT6 = 1 << 16, /* what is given away of an IPv6 network */
	PLENTY = 1 << 10,        /* so many addresses that some may be held longer than needed */
};

/* How long an address that somebody has is waited for: longer than a janitor takes. */
#define PATIENCE (2 * NSEC_PER_SEC)

static int refuse(struct error *err)
{
	return error_exit(err, EXIT_OF_HOST);
}

static int lock_address(int fd, const struct address *address)
{
	return address->family ? lock_bytes(fd, F_WRLCK, segment_lock_of(address), 1, false) : 1;
}

static void unlock_address(int fd, const struct address *address)
{
	if (address->family)
		(void)lock_bytes(fd, F_UNLCK, segment_lock_of(address), 1, false);
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

static uint32_t seed_of(const struct plan *plan)
{
	uint32_t seed = 0;

	for (const char *at = plan->caller->id; *at; at++)
		seed = seed * 31 + (uint8_t)*at;
	return seed;
}

/* 1: found. 0: all are in use. */
static int search(const struct segment *segment, const struct plan *plan, struct candidate *ret, struct error *err)
{
	uint32_t size = pool_size(segment, plan->network.net), seed = seed_of(plan);

	for (uint32_t i = 0; i < size; i++) {
		struct candidate candidate = { .number = (seed + i) % size };
		int got = 0;

		if (make_candidate(segment, plan->network.net, &candidate))
			got = try_candidate(segment, &candidate, err);
		if (got < 0)
			return -1;
		if (!got)
			continue;
		*ret = candidate;
		return 1;
	}
	return 0;
}

/* The janitor of the sandbox before needs the mutex to give an address back; it will not take long. False: time is up,
 * or the segment was taken down. */
static bool wait_for_janitors(const struct segment *segment, int64_t deadline)
{
	static const struct timespec moment = { .tv_nsec = 10000000 };

	segment_unlock(segment);
	(void)nanosleep(&moment, NULL);
	return !segment_lock(segment) && clock_now() < deadline;
}

static int find_free(const struct segment *segment, const struct plan *plan, struct candidate *ret, struct error *err)
{
	bool four = segment->site.address.family && plan->network.net->auto_address;
	struct address shown = address_network(four ? &segment->site.address : &segment->site.address6);
	int64_t deadline = clock_now() + PATIENCE;
	char text[ADDRESS_TEXT_SIZE];
	int got = 0;

	do
		got = search(segment, plan, ret, err);
	while (!got && wait_for_janitors(segment, deadline));
	if (got)
		return got < 0 ? -1 : 0;
	fail(err, four ? K_NETWORK_BRIDGE_ADDRESS : K_NETWORK_BRIDGE_ADDRESS6,
	     "cannot find a free address in %s: all are in use", address_text(&shown, true, text));
	error_remedy(err, "end other sandboxes, or give network.bridge.address a larger network");
	return refuse(err);
}

static int take_written(const struct segment *segment, int key, const struct address *address, struct error *err)
{
	int64_t deadline = clock_now() + PATIENCE;
	char text[ADDRESS_TEXT_SIZE];
	int got = 0;

	do
		got = lock_address(segment->lock, address);
	while (!got && wait_for_janitors(segment, deadline));
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
	return (uint32_t)(segment_lock_of(address) - (address->family == AF_INET ? LOCK_ADDRESSES : LOCK_ADDRESSES6));
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
	network->patient = automatic && pool_size(segment, net) >= PLENTY;
	return 0;
}
