/* network_texts: what /etc/resolv.conf, /etc/hosts and /etc/hostname say. For names; runs in the launcher, in the host
 * phase, after network: its addresses are known, names in rules are resolved. Nothing to undo.
 *
 * hosts(5) begins with localhost and the sandbox's own name, which programs expect to find: its addresses, or, where it
 * has none that we know, 127.0.1.1. What follows is the profile's, in its order; then the names that rules pin.
 */
#include <netinet/in.h>
#include <string.h>
#include <strings.h>

#include "stage/name_files.h"
#include "stage/network.h"

/* Moves the text into the arena. */
static const char *keep(struct text *text, struct arena *arena, struct error *err)
{
	const char *copy = text->failed ? NULL : arena_copy(arena, text->data ? text->data : "");

	text_free(text);
	if (!copy)
		fail_errno(err, 0, "cannot get memory");
	return copy;
}

/* "search a b" */
static void add_words(struct text *text, const char *keyword, const struct strings *words)
{
	for (size_t i = 0; i < words->count; i++)
		text_add(text, "%s %s", i ? "" : keyword, words->items[i]);
	if (words->count)
		text_add(text, "\n");
}

const char *names_resolv_text(const struct plan *plan, struct arena *arena, struct error *err)
{
	const struct profile *profile = plan->profile;
	struct names_servers servers = { .count = 0 };
	struct text text = { 0 };

	if (names_servers_list(plan, arena, &servers, err))
		return NULL;
	for (size_t i = 0; i < servers.count; i++)
		text_add(&text, "nameserver %s\n", servers.items[i]);
	add_words(&text, "search", &profile->network.dns.search);
	add_words(&text, "options", &profile->network.dns.options);
	return keep(&text, arena, err);
}

bool names_is_localhost(const struct host_name *entry)
{
	struct address address;

	return !strcasecmp(entry->name, "localhost") && !address_parse(entry->address, &address) &&
	       address_is_loopback(&address);
}

bool names_is_name(const char *text)
{
	struct address address;

	return strcmp(text, "any") != 0 && strcmp(text, "host") != 0 && address_parse(text, &address) &&
	       address_parse_cidr(text, &address);
}

bool names_pinned(const struct profile *profile)
{
	bool pinned = false;

	for (size_t i = 0; i < profile->network.outbound.rules.count; i++)
		pinned |= names_is_name(profile->network.outbound.rules.items[i].to);
	for (size_t i = 0; i < profile->network.inbound.rules.count; i++)
		pinned |= names_is_name(profile->network.inbound.rules.items[i].from);
	return pinned;
}

static void add_address(struct text *text, const struct address *address, const char *name)
{
	char shown[ADDRESS_TEXT_SIZE];

	if (address->family != AF_UNSPEC)
		text_add(text, "%s %s\n", address_text(address, false, shown), name);
}

static void add_own(struct text *text, const struct network_host *network, const char *hostname)
{
	size_t before = text->length;

	if (!hostname)
		return;
	if (network) {
		add_address(text, &network->address, hostname);
		add_address(text, &network->address6, hostname);
	}
	if (text->length == before)
		text_add(text, "127.0.1.1 %s\n", hostname);
}

/* Whether an earlier line speaks of the name already: one of network.hosts, or of a rule before it. */
static bool known(const struct profile *profile, const struct resolved *rules, size_t index)
{
	for (size_t i = 0; i < profile->network.hosts.count; i++)
		if (!strcasecmp(profile->network.hosts.items[i].name, rules[index].name))
			return true;
	for (size_t i = 0; i < index; i++)
		if (rules[i].name && !strcasecmp(rules[i].name, rules[index].name))
			return true;
	return false;
}

static void add_rules(struct text *text, const struct profile *profile, const struct resolved *rules, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (!rules[i].name || known(profile, rules, i))
			continue;
		for (size_t j = 0; j < rules[i].count; j++)
			add_address(text, &rules[i].addresses[j], rules[i].name);
	}
}

const char *names_hosts_text(const struct plan *plan, const struct host *host, struct arena *arena, struct error *err)
{
	const struct profile *profile = plan->profile;
	const struct network_host *network = host->handed.network;
	struct text text = { 0 };

	text_add(&text, "127.0.0.1 localhost\n::1 localhost ip6-localhost ip6-loopback\n");
	add_own(&text, network, plan->uts.hostname);
	for (size_t i = 0; i < profile->network.hosts.count; i++) {
		const struct host_name *entry = &profile->network.hosts.items[i];

		if (!names_is_localhost(entry))
			text_add(&text, "%s %s\n", entry->address, entry->name);
	}
	if (network && network->outbound)
		add_rules(&text, profile, network->outbound, profile->network.outbound.rules.count);
	if (network && network->inbound)
		add_rules(&text, profile, network->inbound, profile->network.inbound.rules.count);
	return keep(&text, arena, err);
}

const char *names_hostname_text(const struct plan *plan, struct arena *arena, struct error *err)
{
	struct text text = { 0 };

	text_add(&text, "%s\n", plan->uts.hostname);
	return keep(&text, arena, err);
}
