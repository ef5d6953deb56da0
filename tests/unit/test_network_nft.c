/* test_network_nft: the messages for nftables, without sending any: they are well formed, the ports that rules open are
 * exactly the ones named, and an answer that lies about its length is not believed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "stage/network_segment.h"
#include "stage/network_table.h"

#include <linux/netfilter/nfnetlink.h>

/* After our own: it makes a macro of the word fail. */
#include <cmocka.h>

#define ALLOW NETWORK_OUTBOUND_RULES_VERDICT_ALLOW
#define DENY NETWORK_OUTBOUND_RULES_VERDICT_DENY
#define ANY NETWORK_OUTBOUND_RULES_PROTOCOL_ANY
#define TCP NETWORK_OUTBOUND_RULES_PROTOCOL_TCP
#define UDP NETWORK_OUTBOUND_RULES_PROTOCOL_UDP
#define ICMP NETWORK_OUTBOUND_RULES_PROTOCOL_ICMP

enum { RULES_MAX = 4, PUBLISHED_MAX = 200 };

/* A sandbox to be asked about. */
struct world {
	struct arena arena;
	struct profile profile;
	struct net_plan net;
	struct plan plan;
	struct network_host network;
	struct outbound_rule rules[RULES_MAX];
	struct resolved resolved[RULES_MAX];
	struct published published[PUBLISHED_MAX];
	struct table_site site;
	struct error err;
};

static void end(struct world *world)
{
	arena_free(&world->arena);
	memset(world, 0, sizeof(*world));
}

static void begin(struct world *world)
{
	memset(world, 0, sizeof(*world));
	world->net.mode = NETWORK_MODE_VETH;
	world->net.isolated = true;
	world->plan.profile = &world->profile;
	world->plan.network.net = &world->net;
	world->network.arena = &world->arena;
	world->network.outbound = world->resolved;
	world->network.published = world->published;
	world->profile.network.outbound.rules.items = world->rules;
	world->site.bridge = "br0";
	assert_int_equal(address_parse("10.0.0.5", &world->network.address), 0);
	assert_int_equal(address_parse("10.0.0.1", &world->network.gateway), 0);
}

static void add_rule(struct world *world, int verdict, const char *to, const char *port, int protocol)
{
	size_t at = world->profile.network.outbound.rules.count++;
	struct resolved *resolved = &world->resolved[at];
	struct address *address = arena_alloc(&world->arena, sizeof(*address));

	assert_true(at < RULES_MAX);
	world->rules[at] = (struct outbound_rule){ verdict, to, port, protocol };
	if (!strcmp(to, "any")) {
		resolved->kind = RESOLVED_ANY;
	} else if (!strcmp(to, "host")) {
		resolved->kind = RESOLVED_HOST;
	} else {
		assert_true(!address_parse(to, address) || !address_parse_cidr(to, address));
		*resolved = (struct resolved){ .addresses = address, .count = 1 };
	}
}

/* ---- what rules open of the host */

static const char *set_of(enum set_id id)
{
	return table_sets[id][0];
}

/* Whether the elements let a packet in. */
static bool opened(const struct table_entries *entries, uint8_t protocol, unsigned port)
{
	for (size_t i = 0; i < entries->count; i++) {
		const struct table_entry *entry = &entries->items[i];
		const uint8_t *key = entry->element.key;
		unsigned from = key[8] * 256U + key[9];

		if (entry->set == set_of(SET_HOST))
			return true;
		if (key[4] != protocol)
			continue;
		if (entry->set == set_of(SET_HOST_PROTOCOL) || (entry->set == set_of(SET_HOST_PORT) && from == port) ||
		    (entry->set == set_of(SET_HOST_BLOCK) && from == (port & 0xff00)))
			return true;
	}
	return false;
}

static void expect_open(const struct table_entries *entries, uint8_t protocol, const unsigned ranges[][2])
{
	for (unsigned port = 0; port <= UINT16_MAX; port++) {
		bool wanted = false;

		for (size_t i = 0; ranges[i][1]; i++)
			wanted |= port >= ranges[i][0] && port <= ranges[i][1];
		if (opened(entries, protocol, port) != wanted)
			fail_msg("protocol %d port %u", protocol, port);
	}
}

static void opens_exactly_the_ports_named(void **state)
{
	static const struct {
		const char *ports[3];
		int protocol;
		unsigned tcp[3][2], udp[3][2];
	} cases[] = {
		{ { "80" }, TCP, { { 80, 80 } }, { { 0 } } },
		{ { "53" }, ANY, { { 53, 53 } }, { { 53, 53 } } },
		{ { "1-65535" }, UDP, { { 0 } }, { { 1, 65535 } } },
		{ { "255-512" }, TCP, { { 255, 512 } }, { { 0 } } },
		{ { "256-511" }, TCP, { { 256, 511 } }, { { 0 } } },
		{ { "8000-8100", "8090-8200" }, TCP, { { 8000, 8200 } }, { { 0 } } },
		{ { "900-1000", "10-20", "15-950" }, TCP, { { 10, 1000 } }, { { 0 } } },
		{ { "65535" }, ANY, { { 65535, 65535 } }, { { 65535, 65535 } } },
		{ { "any" }, TCP, { { 0, 65535 } }, { { 0 } } },
		{ { "any" }, ANY, { { 0, 65535 } }, { { 0, 65535 } } },
		{ { "any" }, ICMP, { { 0 } }, { { 0 } } },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct world world;
		struct table_entries entries;

		begin(&world);
		add_rule(&world, DENY, "host", "22", ANY); /* the filter inside sees to it */
		for (size_t j = 0; j < 3 && cases[i].ports[j]; j++)
			add_rule(&world, ALLOW, "host", cases[i].ports[j], cases[i].protocol);
		assert_int_equal(table_entries(&world.site, &world.plan, &world.network, &entries, &world.err), 0);
		print_message("%s: %zu elements\n", cases[i].ports[0], entries.count);
		expect_open(&entries, IPPROTO_TCP, cases[i].tcp);
		expect_open(&entries, IPPROTO_UDP, cases[i].udp);
		assert_int_equal(opened(&entries, IPPROTO_ICMP, 0),
				 cases[i].protocol == ICMP ||
					 (cases[i].protocol == ANY && cases[i].ports[0][0] == 'a'));
		end(&world);
	}
}

static void rules_about_others_open_nothing_of_the_host(void **state)
{
	struct world world;
	struct table_entries entries;

	(void)state;
	begin(&world);
	add_rule(&world, ALLOW, "any", "any", ANY);
	add_rule(&world, ALLOW, "10.0.0.1", "80", TCP);
	assert_int_equal(table_entries(&world.site, &world.plan, &world.network, &entries, &world.err), 0);
	assert_false(opened(&entries, IPPROTO_TCP, 80));
	assert_int_equal(entries.count, 1); /* its address */
	end(&world);
}

/* ---- published ports */

static void publish(struct world *world, const char *listen, uint16_t port)
{
	struct published *published = &world->published[world->network.published_count];

	*published = (struct published){ .index = (int)world->network.published_count++,
					 .protocol = IPPROTO_TCP,
					 .host = port,
					 .guest = 80,
					 .fd = -1 };
	assert_int_equal(address_parse(listen, &published->listen), 0);
}

static void loopback_ports_are_no_elements(void **state)
{
	struct world world;
	struct table_entries entries;

	(void)state;
	begin(&world);
	publish(&world, "127.0.0.1", 8080);
	publish(&world, "0.0.0.0", 8081);
	publish(&world, "192.0.2.1", 8082);
	assert_int_equal(table_entries(&world.site, &world.plan, &world.network, &entries, &world.err), 0);
	assert_int_equal(entries.count, 3);
	for (size_t i = 0; i < entries.count; i++)
		assert_true(entries.items[i].set == set_of(SET_MEMBER) || entries.items[i].index > 0);

	publish(&world, "::", 8083);
	assert_int_equal(table_entries(&world.site, &world.plan, &world.network, &entries, &world.err), -1);
	assert_int_equal(world.err.index, 3);
	assert_non_null(strstr(world.err.what, "IPv6"));
	end(&world);
}

/* ---- messages */

/* Every attribute lies within what holds it; of lists and nests as well. */
static void check_attributes(const uint8_t *at, size_t left)
{
	const uint8_t *data = NULL;
	size_t length = 0, before = left;
	int type = 0;

	while (left && (data = nft_next(&at, &left, &type, &length))) {
		struct nlattr header;

		assert_true(left < before);
		before = left;
		memcpy(&header, data - NLA_HDRLEN, sizeof(header));
		if (header.nla_type & NLA_F_NESTED)
			check_attributes(data, length);
	}
	assert_int_equal(left, 0);
}

static void check_messages(const struct messages *messages)
{
	const size_t before = NLMSG_SPACE(sizeof(struct nfgenmsg));
	size_t at = 0, count = 0;

	while (at < messages->length) {
		const struct nlmsghdr *header = (const struct nlmsghdr *)(const void *)(messages->bytes + at);
		bool first = at == 0, last = at + NLMSG_ALIGN(header->nlmsg_len) == messages->length;

		assert_in_range(header->nlmsg_len, before, messages->length - at);
		assert_int_equal(header->nlmsg_seq, ++count);
		assert_int_equal(header->nlmsg_type == NFNL_MSG_BATCH_BEGIN, first);
		assert_int_equal(header->nlmsg_type == NFNL_MSG_BATCH_END, last);
		check_attributes((const uint8_t *)header + before, header->nlmsg_len - before);
		at += NLMSG_ALIGN(header->nlmsg_len);
	}
	assert_int_equal(count, messages->count);
}

static bool mentions(const struct messages *messages, const char *text)
{
	return memmem(messages->bytes, messages->length, text, strlen(text)) != NULL;
}

static void a_filter_is_well_formed(void **state)
{
	struct world world;
	struct messages messages;

	(void)state;
	begin(&world);
	assert_int_equal(filter_build(&world.plan, &world.network, &messages, &world.err), 0);
	assert_null(messages.bytes); /* nothing is said, nothing is sent */

	add_rule(&world, ALLOW, "192.0.2.0/25", "1-65535", ANY);
	add_rule(&world, DENY, "fd00::/8", "any", ICMP);
	add_rule(&world, ALLOW, "169.254.169.254", "80", TCP);
	add_rule(&world, DENY, "host", "any", UDP);
	world.profile.network.outbound.default_ = NETWORK_OUTBOUND_DEFAULT_DENY;
	world.profile.network.inbound.default_ = NETWORK_INBOUND_DEFAULT_DENY;
	assert_int_equal(filter_build(&world.plan, &world.network, &messages, &world.err), 0);
	check_messages(&messages);
	assert_true(mentions(&messages, "network.outbound.rules[3]"));
	assert_true(mentions(&messages, "to-metadata"));
	assert_false(mentions(&messages, "to-host"));

	/* pasta stands where the host's own connections do. */
	world.net.mode = NETWORK_MODE_PASTA;
	world.network.own = &world.network.gateway;
	world.network.own_count = 1;
	assert_int_equal(filter_build(&world.plan, &world.network, &messages, &world.err), 0);
	check_messages(&messages);
	assert_true(mentions(&messages, "to-host"));
	end(&world);
}

static void a_table_is_well_formed(void **state)
{
	(void)state;
	for (int pair = 0; pair < 2; pair++) {
		struct world world;
		struct messages messages;
		struct nft nft = { .table = "sandbox", .key = K_NETWORK_MODE, .index = -1 };

		begin(&world);
		world.site.bridge = pair ? NULL : "br0";
		nft.batch = batch_new(&world.arena);
		nft_begin(&nft);
		table_make(&nft, &world.site);
		nft_finish(&nft);
		assert_int_equal(batch_finish(nft.batch, &messages, &world.err), 0);
		check_messages(&messages);
		assert_int_equal(mentions(&messages, "br0"), !pair);
		end(&world);
	}
}

/* ---- metadata */

static void only_narrow_rules_allow_metadata(void **state)
{
	static const struct {
		int verdict;
		const char *to;
		bool allows;
	} cases[] = {
		{ ALLOW, "169.254.169.254", true },
		{ ALLOW, "169.254.0.0/16", true },
		{ ALLOW, "169.254.7.0/24", true },
		{ DENY, "169.254.169.254", false },
		{ ALLOW, "any", false },
		{ ALLOW, "0.0.0.0/0", false },
		{ ALLOW, "169.0.0.0/8", false },
		{ ALLOW, "host", false },
		{ ALLOW, "fd00::/8", false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct world world;

		begin(&world);
		add_rule(&world, cases[i].verdict, cases[i].to, "any", ANY);
		print_message("%s\n", cases[i].to);
		assert_int_equal(filter_allows_metadata(&world.profile), cases[i].allows);
		end(&world);
	}
}

/* ---- answers */

static void lengths_are_not_believed(void **state)
{
	static const struct {
		uint8_t bytes[16];
		size_t length;
		bool found;
	} cases[] = {
		{ { 8, 0, 5, 0, 1, 2, 3, 4 }, 8, true },
		{ { 5, 0, 5, 0, 1 }, 5, true },           /* without the padding behind the last */
		{ { 4, 0, 5, 0 }, 4, true },              /* empty */
		{ { 8, 0, 5, 0, 1, 2, 3, 4 }, 7, false }, /* longer than what there is */
		{ { 255, 255, 5, 0, 1, 2, 3, 4 }, 8, false },
		{ { 3, 0, 5, 0 }, 4, false },             /* shorter than its own header */
		{ { 0, 0, 5, 0, 8, 0, 5, 0 }, 8, false }, /* never ends */
		{ { 8, 0 }, 2, false },
		{ { 0 }, 0, false },
		{ { 6, 0, 1, 0, 1, 1, 0, 0, 5, 0, 5, 0, 9 }, 13, true },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		/* Of the heap, so that the sanitizer sees a byte too many. */
		uint8_t *bytes = malloc(cases[i].length ? cases[i].length : 1);
		size_t length = 0;

		assert_non_null(bytes);
		memcpy(bytes, cases[i].bytes, cases[i].length);
		assert_int_equal(nft_find(bytes, cases[i].length, 5, &length) != NULL, cases[i].found);
		free(bytes);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(opens_exactly_the_ports_named),
		cmocka_unit_test(rules_about_others_open_nothing_of_the_host),
		cmocka_unit_test(loopback_ports_are_no_elements),
		cmocka_unit_test(a_filter_is_well_formed),
		cmocka_unit_test(a_table_is_well_formed),
		cmocka_unit_test(only_narrow_rules_allow_metadata),
		cmocka_unit_test(lengths_are_not_believed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
