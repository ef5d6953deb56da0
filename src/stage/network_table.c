/* network_table: what the sandboxes of one segment share of nftables on the host: the table `inet sandbox-BRIDGE`, for
 * point to point pairs `inet sandbox`.
 *
 * host (launcher, with CAP_NET_ADMIN, under the segment's lock) makes the table when it is not there (table_ensure)
 * and puts in what is this sandbox's own (table_add): elements of sets and maps. The rules never change, so a start
 * costs as much beside 500 others as alone. The janitor takes the elements out again (table_remove), sweeps out what
 * dead sandboxes have left (table_sweep) and, when nobody is there any more, the table (table_delete). Each is one
 * batch, which takes effect whole or not at all.
 *
 * The table is known as ours by its comment; one of that name without it is somebody else's and an error. What is
 * there already of a sandbox's address or published port belongs to a dead one, because both are held under locks: it
 * is taken out first, so that nothing is inherited.
 *
 * Rules: network_table_rules.c. Elements: network_table_entries.c. Needs: network_nft's needs. Undo: table_remove().
 */
#include "stage/network_table.h"
#include "stage/network_segment.h"

#include <errno.h>
#include <string.h>

enum { A_MESSAGE = 64 /* elements that one message takes */ };

/* What all of these work on. The arena is freed at the end, where it is not the sandbox's. */
struct table {
	int fd;
	const struct table_site *site;
	struct arena *arena;
	char name[64];
};

static struct nft start(const struct table *table, int key)
{
	return (struct nft){ .batch = batch_new(table->arena), .table = table->name, .key = key, .index = -1 };
}

static int transmit(const struct table *table, const struct nft *nft, struct error *err)
{
	return batch_send(nft->batch, table->fd, err);
}

/* One request and its answers. -1 with errno in err->sys_errno. */
static int ask(const struct table *table, const struct nft *nft, int each(struct nlmsghdr *, void *), void *with,
	       struct error *err)
{
	struct messages messages = { 0 };
	struct netlink_failure failure;

	if (batch_finish(nft->batch, &messages, err))
		return -1;
	if (!netlink_request(table->fd, messages.bytes, messages.length, &(struct netlink_reader){ each, with },
			     &failure))
		return 0;
	return fail_errno(err, nft->key, "cannot read the nftables table inet %s", table->name);
}

/* ---- the table itself */

static int read_mark(struct nlmsghdr *message, void *with)
{
	static const size_t before = 2; /* the comment's type and length */
	bool *ours = with;
	size_t length = 0;
	const uint8_t *data = nft_attribute(message, NFTA_TABLE_USERDATA, &length);

	*ours = data && length == before + sizeof(OUR_ALIAS) && !memcmp(data + before, OUR_ALIAS, sizeof(OUR_ALIAS));
	return 0;
}

enum { NOT_THERE, OURS, SOMEBODY_ELSES };

/* -1: it cannot be read. */
static int look(const struct table *table, struct error *err)
{
	struct nft nft = start(table, K_NETWORK_MODE);
	bool ours = false;

	nft_message(&nft, NFT_MSG_GETTABLE, 0, "read an nftables table");
	batch_text(nft.batch, NFTA_TABLE_NAME, table->name);
	if (!ask(table, &nft, read_mark, &ours, err))
		return ours ? OURS : SOMEBODY_ELSES;
	if (err->sys_errno == ENOENT)
		return NOT_THERE;
	if (err->sys_errno == EINVAL) /* nfnetlink without nf_tables */
		err->sys_errno = EOPNOTSUPP;
	return nft_explain(err);
}

static int fail_foreign(const struct table *table, struct error *err)
{
	fail(err, K_NETWORK_BRIDGE_NAME, "cannot use the nftables table inet %s: it is not one of ours", table->name);
	error_remedy(err, "name another bridge, or see whose it is with `nft list table inet %s`", table->name);
	return error_exit(err, EXIT_OF_HOST);
}

static int make(const struct table *table, struct error *err)
{
	struct nft nft = start(table, K_NETWORK_MODE);

	nft_begin(&nft);
	table_make(&nft, table->site);
	nft_finish(&nft);
	return transmit(table, &nft, err) ? nft_explain(err) : 1;
}

int table_ensure(int nfnl, const struct table_site *site, struct error *err)
{
	struct arena arena = { 0 };
	struct table table = { .fd = nfnl, .site = site, .arena = &arena };
	int status = 0;

	table_name(site, table.name);
	status = look(&table, err);
	if (status == NOT_THERE)
		status = make(&table, err);
	else if (status == OURS)
		status = 0;
	else if (status == SOMEBODY_ELSES)
		status = fail_foreign(&table, err);
	arena_free(&arena);
	return status;
}

int table_delete(int nfnl, const struct table_site *site, struct error *err)
{
	struct arena arena = { 0 };
	struct table table = { .fd = nfnl, .site = site, .arena = &arena };
	int status = 0;

	table_name(site, table.name);
	status = look(&table, err);
	if (status == OURS) {
		struct nft nft = start(&table, K_NETWORK_MODE);

		nft_begin(&nft);
		nft_message(&nft, NFT_MSG_DELTABLE, 0, "remove an nftables table");
		batch_text(nft.batch, NFTA_TABLE_NAME, table.name);
		nft_finish(&nft);
		status = transmit(&table, &nft, err);
	}
	arena_free(&arena);
	return status < 0 ? -1 : 0;
}

/* ---- elements */

static void put_in(const struct nft *nft, const struct table_entry *entry, bool remove)
{
	struct nft own = *nft;

	own.key = entry->key;
	own.index = entry->index;
	nft_message(&own, remove ? NFT_MSG_DELSETELEM : NFT_MSG_NEWSETELEM,
		    remove ? 0 : NLM_F_CREATE | (entry->exclusive ? NLM_F_EXCL : 0), entry->what);
	nft_elements(&own, entry->set);
}

/* A batch of what stands in `entries`; neighbours of one set and one element of the profile share a message. */
static int send_entries(const struct table *table, const struct table_entry *entries, size_t count, bool remove,
			struct error *err)
{
	struct nft nft = start(table, K_NETWORK_MODE);
	size_t in_message = 0;

	if (!count)
		return batch_finish(nft.batch, &(struct messages){ 0 }, err);
	nft_begin(&nft);
	for (size_t i = 0; i < count; i++) {
		struct nft_element element = entries[i].element;
		bool last = i + 1 == count || entries[i + 1].set != entries[i].set ||
			    entries[i + 1].index != entries[i].index || in_message + 1 == A_MESSAGE;

		if (!in_message)
			put_in(&nft, &entries[i], remove);
		if (remove)
			element.data_size = 0;
		nft_element(&nft, &element);
		in_message = last ? 0 : in_message + 1;
		if (last)
			nft_elements_end(&nft);
	}
	nft_finish(&nft);
	return transmit(table, &nft, err);
}

/* Bytes copied; 0: there is no such value, or no room for it. */
static uint32_t copy_value(const uint8_t *element, size_t length, int attribute, uint8_t *to, size_t size)
{
	size_t nest_length = 0, value_length = 0;
	const uint8_t *nest = nft_find(element, length, attribute, &nest_length);
	const uint8_t *value = nest ? nft_find(nest, nest_length, NFTA_DATA_VALUE, &value_length) : NULL;

	if (!value || value_length > size)
		return 0;
	memcpy(to, value, value_length);
	return (uint32_t)value_length;
}

static bool read_element(const uint8_t *from, size_t length, struct nft_element *ret)
{
	*ret = (struct nft_element){ 0 };
	ret->key_size = copy_value(from, length, NFTA_SET_ELEM_KEY, ret->key, sizeof(ret->key));
	ret->data_size = copy_value(from, length, NFTA_SET_ELEM_DATA, ret->data, sizeof(ret->data));
	return ret->key_size;
}

/* What the kernel has for the key of an element. */
struct held {
	const struct nft_element *element;
	bool there, same; /* same: and it leads to the same place */
};

static int compare_held(struct nlmsghdr *message, void *with)
{
	struct held *held = with;
	size_t left = 0, length = 0;
	const uint8_t *at = nft_attribute(message, NFTA_SET_ELEM_LIST_ELEMENTS, &left);
	const uint8_t *from = at ? nft_next(&at, &left, &(int){ 0 }, &length) : NULL;
	struct nft_element element;

	held->there = from;
	held->same = from && read_element(from, length, &element) && element.data_size == held->element->data_size &&
		     !memcmp(element.data, held->element->data, element.data_size);
	return 0;
}

static struct held look_up(const struct table *table, const struct table_entry *entry)
{
	struct nft nft = start(table, entry->key);
	struct held held = { .element = &entry->element };
	struct nft_element wanted = entry->element;
	struct error ignored;

	wanted.data_size = 0;
	nft_message(&nft, NFT_MSG_GETSETELEM, 0, "read an nftables map");
	nft_elements(&nft, entry->set);
	nft_element(&nft, &wanted);
	nft_elements_end(&nft);
	if (ask(table, &nft, compare_held, &held, &ignored))
		held.there = held.same = false;
	return held;
}

/* Whether a published port still leads to this sandbox: its socket is closed by now, and the next sandbox may have put
 * itself in the place. */
static bool is_ours(const struct table *table, const struct table_entry *entry)
{
	return !entry->element.data_size || look_up(table, entry).same;
}

/* Takes out those that are there: published ports only, or all. */
static int take_out_found(const struct table *table, const struct table_entries *entries, bool ports_only,
			  struct error *err)
{
	struct table_entries found = { 0 };

	for (size_t i = 0; i < entries->count; i++) {
		struct table_entry *entry = NULL;

		if ((ports_only && !entries->items[i].element.data_size) || !look_up(table, &entries->items[i]).there)
			continue;
		entry = table_entry_new(table->arena, &found);
		if (!entry)
			return fail_errno(err, K_NETWORK_PUBLISH, "cannot get memory");
		*entry = entries->items[i];
	}
	return found.count ? send_entries(table, found.items, found.count, true, err) : 0;
}

/* A published port of a sandbox that has just ended leads there until its janitor wakes: the usual case for launches in
 * a row, so it is looked for first. A batch that fails with EEXIST would tell it too, but the kernel waits for all
 * processors (synchronize_rcu) whenever it takes a batch back, some 10 ms. */
static int release_ports(const struct table *table, const struct table_entries *entries, struct error *err)
{
	return take_out_found(table, entries, true, err);
}

/* All of them; only when one is not there are they looked for, each by itself. */
static int take_out(const struct table *table, const struct table_entries *entries, struct error *err)
{
	struct error own = { 0 };

	if (!send_entries(table, entries->items, entries->count, true, &own))
		return 0;
	if (own.sys_errno == ENOENT)
		return take_out_found(table, entries, false, err);
	*err = own;
	return -1;
}

/* ---- reading them back */

struct sweep {
	const struct table *table;
	const char *set;
	enum set_id id;
	int six;
	bool (*alive)(const struct address *, void *);
	void *with;
	struct table_entries found;
};

/* Whether the sandbox that the element belongs to is alive: its address is the key's beginning, or what a published
 * port leads to; an interface stands for itself. */
static bool is_alive(const struct sweep *sweep, const struct nft_element *element)
{
	bool published = sweep->id == MAP_EXACT || sweep->id == MAP_ANY;
	struct address address = { .family = sweep->six ? AF_INET6 : AF_INET, .prefix = sweep->six ? 128 : 32 };
	char name[IFNAMSIZ + 1] = { 0 };

	if (sweep->id == SET_COUNT) {
		memcpy(name, element->key, IFNAMSIZ);
		return if_nametoindex(name) != 0;
	}
	memcpy(address.bytes, published ? element->data : element->key, address_size(&address));
	return sweep->alive(&address, sweep->with);
}

static bool keep(struct sweep *sweep, const struct nft_element *element)
{
	struct table_entry *entry = table_entry_new(sweep->table->arena, &sweep->found);

	if (entry)
		*entry = (struct table_entry){ .set = sweep->set,
					       .element = *element,
					       .key = K_NETWORK_MODE,
					       .index = -1,
					       .what = "take out what a dead sandbox has left" };
	return entry;
}

static int read_elements(struct nlmsghdr *message, void *with)
{
	struct sweep *sweep = with;
	size_t left = 0, length = 0;
	const uint8_t *at = nft_attribute(message, NFTA_SET_ELEM_LIST_ELEMENTS, &left), *from = NULL;
	int type = 0;

	while (at && (from = nft_next(&at, &left, &type, &length))) {
		struct nft_element element;

		if (read_element(from, length, &element) && !is_alive(sweep, &element) && !keep(sweep, &element))
			return -1;
	}
	return 0;
}

static int read_set(struct sweep *sweep, struct error *err)
{
	struct nft nft = start(sweep->table, K_NETWORK_MODE);

	nft_message(&nft, NFT_MSG_GETSETELEM, NLM_F_DUMP, "read an nftables set");
	batch_text(nft.batch, NFTA_SET_ELEM_LIST_TABLE, sweep->table->name);
	batch_text(nft.batch, NFTA_SET_ELEM_LIST_SET, sweep->set);
	return ask(sweep->table, &nft, read_elements, sweep, err);
}

static int sweep_table(struct sweep *sweep, struct error *err)
{
	for (int six = 0; six < 2; six++)
		for (int id = 0; id < SET_COUNT; id++) {
			sweep->set = table_sets[id][six];
			sweep->id = (enum set_id)id;
			sweep->six = six;
			if (read_set(sweep, err))
				return -1;
		}
	sweep->set = table_links;
	sweep->id = SET_COUNT;
	if (!sweep->table->site->bridge && read_set(sweep, err))
		return -1;
	return take_out(sweep->table, &sweep->found, err);
}

int table_sweep(int nfnl, const struct table_site *site, bool alive(const struct address *, void *), void *with,
		struct error *err)
{
	struct arena arena = { 0 };
	struct table table = { .fd = nfnl, .site = site, .arena = &arena };
	struct sweep sweep = { .table = &table, .alive = alive, .with = with };
	int status = 0;

	table_name(site, table.name);
	status = look(&table, err);
	if (status == OURS)
		status = sweep_table(&sweep, err);
	arena_free(&arena);
	return status < 0 ? -1 : 0;
}

/* ---- of one sandbox */

static bool is_another(const struct address *address, void *with)
{
	const struct network_host *network = with;

	return !address_same(address, &network->address) && !address_same(address, &network->address6);
}

int table_add(int nfnl, const struct table_site *site, const struct plan *plan, const struct network_host *network,
	      struct error *err)
{
	struct table table = { .fd = nfnl, .site = site, .arena = network->arena };
	struct network_host own = *network;
	struct table_entries entries;

	table_name(site, table.name);
	if (table_entries(site, plan, network, &entries, err) || release_ports(&table, &entries, err))
		return -1;
	if (!send_entries(&table, entries.items, entries.count, false, err))
		return 0;
	if (err->sys_errno != EEXIST)
		return -1;
	/* Of a dead one: its addresses are ours now, and so are the ports. */
	if (table_sweep(nfnl, site, is_another, &own, err) || take_out(&table, &entries, err))
		return -1;
	return send_entries(&table, entries.items, entries.count, false, err);
}

int table_remove(int nfnl, const struct table_site *site, const struct plan *plan, const struct network_host *network,
		 struct error *err)
{
	struct table table = { .fd = nfnl, .site = site, .arena = network->arena };
	struct table_entries entries;
	size_t kept = 0;

	table_name(site, table.name);
	if (table_entries(site, plan, network, &entries, err))
		return -1;
	for (size_t i = 0; i < entries.count; i++)
		if (is_ours(&table, &entries.items[i]))
			entries.items[kept++] = entries.items[i];
	entries.count = kept;
	return take_out(&table, &entries, err);
}
