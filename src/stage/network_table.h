/* network_table: what its files share: the layout of a segment's table. */
#ifndef STAGE_NETWORK_TABLE_H
#define STAGE_NETWORK_TABLE_H

#include "stage/network_nft.h"
#include "stage/network_segment.h"

/* Every set has an IPv4 and an IPv6 form. */
enum set_id {
	SET_MEMBER, /* a sandbox's address */
	SET_NAT,    /* one that is hidden behind the host's */
	SET_OPEN,   /* one that is not isolated */
	SET_HOST,   /* one that may reach the host; the same for one protocol, 256 of its ports, one of its ports: */
	SET_HOST_PROTOCOL,
	SET_HOST_BLOCK,
	SET_HOST_PORT,
	MAP_EXACT, /* published: address of the host, protocol, port -> address, port */
	MAP_ANY,   /* published on all addresses: protocol, port -> address, port */
	SET_COUNT,
};

extern const char *const table_sets[SET_COUNT][2]; /* names: [id][0] IPv4, [id][1] IPv6 */
extern const char table_links[];                   /* point to point: the host's ends */

/* Messages that make the table with everything but elements. */
void table_make(const struct nft *nft, const struct table_site *site);

/* An element, and whose fault it is if it cannot be put in. */
struct table_entry {
	const char *set;
	const char *what; /* behind "cannot " */
	int key, index;
	bool exclusive; /* it must not be there yet */
	struct nft_element element;
};

/* All of one sandbox, in its arena. */
struct table_entries {
	struct table_entry *items;
	size_t count, room;
};

/* Appends one, zeroed, or NULL. What it had stays in the arena. */
struct table_entry *table_entry_new(struct arena *arena, struct table_entries *entries);

int table_entries(const struct table_site *site, const struct plan *plan, const struct network_host *network,
		  struct table_entries *ret, struct error *err);

#endif
