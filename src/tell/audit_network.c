/* audit_network: whom the payload can talk to, and who can talk to it.
 *
 * Part of audit.c, which see. The host's own network is the worst: its services on the loopback interface and its
 * abstract sockets trust whoever is there. With an interface of its own the payload reaches what the rules let it, and
 * data can leave by that; a profile that only fetches something names where from.
 */
#include "tell/audit.h"

#include <string.h>

#include "base/text.h"

/* The payload has an interface beside the loopback one. */
static bool has_interface(const struct audit *audit)
{
	int mode = audit->profile->network.mode;

	return (mode != NETWORK_MODE_NONE && mode != NETWORK_MODE_HOST) || audit->profile->network.interface_from;
}

static void host_network(struct audit *audit)
{
	if (audit->profile->network.mode != NETWORK_MODE_HOST)
		return;
	audit_found(audit, 1, -1, "the host's network: its local services, abstract sockets and every address");
	audit_change(audit, "network.mode=none");
	audit_change(audit, "namespaces={ add = [ \"net\" ]; }");
}

/* What else the section says would have no meaning without an interface: where it says more than can be taken back by
 * writing defaults, the change is not for -s. */
static void own_interface(struct audit *audit)
{
	static const int neighbours = 1 << NETWORK_MODE_MACVLAN | 1 << NETWORK_MODE_IPVLAN;
	bool neighbour = neighbours & 1 << audit->profile->network.mode;

	if (!has_interface(audit))
		return;
	audit_found(audit, neighbour ? 1 : 0.4, -1, "%s",
		    neighbour ? "an interface of its own among the host's neighbours, past the host's filter"
			      : "an interface of its own: other machines can be reached");
	audit_advise(audit, "network.mode = \"none\", where the program needs no network");
}

static void moved_interface(struct audit *audit)
{
	if (!audit->profile->network.interface_from)
		return;
	audit_found(audit, 1, -1, "%s, an interface of the host's, is the payload's",
		    audit->profile->network.interface_from);
	audit_advise(audit, "network.mode = \"veth\" makes an interface, and the host filters what comes from it");
}

/* Whether a rule that denies everything comes before any that allows: then the default does not matter. */
static bool denies_all(const struct outbound_rule *rule)
{
	return rule->verdict == NETWORK_OUTBOUND_RULES_VERDICT_DENY && !strcmp(rule->to, "any") &&
	       !strcmp(rule->port, "any") && rule->protocol == NETWORK_OUTBOUND_RULES_PROTOCOL_ANY;
}

static bool last_denies_all(const struct outbound_rule_list *rules)
{
	return rules->count && denies_all(&rules->items[rules->count - 1]);
}

static void open_outbound(struct audit *audit)
{
	if (!has_interface(audit) || audit->profile->network.outbound.default_ == NETWORK_OUTBOUND_DEFAULT_DENY ||
	    last_denies_all(&audit->profile->network.outbound.rules))
		return;
	audit_found(audit, 1, -1, "connections anywhere but where a rule forbids it: data can leave");
	audit_change(audit, "network.outbound.default=deny");
}

/* The whole list without element `without`: rules have no identity by which -s could take one away. */
static void change_rules(struct audit *audit, size_t without)
{
	const struct outbound_rule_list *rules = &audit->profile->network.outbound.rules;
	struct text text = { 0 };

	for (size_t i = 0; i < rules->count; i++) {
		const struct outbound_rule *rule = &rules->items[i];

		if (i == without)
			continue;
		text_add(&text, "%s{ verdict = \"%s\"; to = \"%s\"; port = \"%s\"; protocol = \"%s\"; }",
			 text.length ? ", " : "", keys[K_NETWORK_OUTBOUND_RULES_VERDICT].values[rule->verdict],
			 rule->to, rule->port, keys[K_NETWORK_OUTBOUND_RULES_PROTOCOL].values[rule->protocol]);
	}
	audit->failed |= text.failed;
	audit_change(audit, "network.outbound.rules=(%s)", text.data ? text.data : "");
	text_free(&text);
}

static void broad_rules(struct audit *audit)
{
	static const struct {
		const char *to;
		double badness;
		const char *what;
	} targets[] = {
		{ "any", 0.5, "a rule lets connections go anywhere" },
		{ "0.0.0.0/0", 0.5, "a rule lets connections go anywhere" },
		{ "::/0", 0.5, "a rule lets connections go anywhere" },
		{ "host", 0.5, "a rule lets the host's own services be reached" },
		{ "169.254.169.254", 1, "a rule lets a cloud's metadata be reached, which may hold its keys" },
		{ "169.254.0.0/16", 1, "a rule lets a cloud's metadata be reached, which may hold its keys" },
	};
	const struct outbound_rule_list *rules = &audit->profile->network.outbound.rules;

	for (size_t i = 0; i < rules->count; i++) {
		const struct outbound_rule *rule = &rules->items[i];
		bool whole = !strcmp(rule->port, "any");

		for (size_t target = 0; target < sizeof(targets) / sizeof(targets[0]); target++) {
			if (rule->verdict != NETWORK_OUTBOUND_RULES_VERDICT_ALLOW ||
			    strcmp(rule->to, targets[target].to) != 0)
				continue;
			audit_found(audit, targets[target].badness * (whole ? 1 : 0.5), (int)i, "%s%s%s",
				    targets[target].what, whole ? "" : ", port ", whole ? "" : rule->port);
			change_rules(audit, i);
		}
	}
}

static void open_inbound(struct audit *audit)
{
	if (!has_interface(audit) || audit->profile->network.inbound.default_ == NETWORK_INBOUND_DEFAULT_DENY)
		return;
	audit_found(audit, 1, -1, "whoever reaches the sandbox's address reaches every port, not only published ones");
	audit_change(audit, "network.inbound.default=deny");
}

static void masqueraded(struct audit *audit)
{
	if (!audit->profile->network.nat)
		return;
	audit_found(audit, 1, -1, "what the sandbox sends beyond the host bears the host's address");
	audit_change(audit, "network.nat=false");
}

static void changed_host(struct audit *audit)
{
	if (audit->profile->network.forwarding != NETWORK_FORWARDING_ENABLE)
		return;
	audit_found(audit, 1, -1, "the host is made a router while the sandbox runs");
	audit_change(audit, "network.forwarding=require");
}

static bool is_loopback(const char *address)
{
	return !strncmp(address, "127.", 4) || !strcmp(address, "::1");
}

static void published(struct audit *audit)
{
	const struct published_port_list *list = &audit->profile->network.publish;

	for (size_t i = 0; i < list->count; i++) {
		const struct published_port *port = &list->items[i];
		const char *protocol = keys[K_NETWORK_PUBLISH_PROTOCOL].values[port->protocol];
		bool local = is_loopback(port->listen), brackets = strchr(port->listen, ':') != NULL;

		audit_found(audit, local ? 0.2 : 1, (int)i, "%s port %d of %s leads into the sandbox: %s", protocol,
			    port->host, port->listen, local ? "this host's users reach it" : "others reach it");
		audit_change(audit, "network.publish[%s%s%s:%d/%s].remove=true", brackets ? "[" : "", port->listen,
			     brackets ? "]" : "", port->host, protocol);
	}
}

static void neighbours_open(struct audit *audit)
{
	if (!audit->profile->network.bridge.name || audit->profile->network.bridge.isolated)
		return;
	audit_found(audit, 1, -1, "other sandboxes on the bridge can be reached, and reach this one");
	audit_change(audit, "network.bridge.isolated=true");
}

static void spoofing(struct audit *audit)
{
	if (audit->profile->network.spoof_protection)
		return;
	audit_found(audit, 1, -1, "the payload may send as somebody else, and answer for the router");
	audit_change(audit, "network.spoof_protection=true");
}

static void unmetered(struct audit *audit)
{
	if (!has_interface(audit) || audit->profile->network.rate.egress != SIZE_UNLIMITED)
		return;
	audit_found(audit, 1, -1, "nothing limits what the sandbox sends");
	audit_change(audit, "network.rate.egress=10M");
}

/* Of the sandbox's own network, and yet felt by its neighbours. */
static void routing_sysctls(struct audit *audit)
{
	static const char *const names[] = { "ip_forward", "forwarding", "accept_source_route", "accept_redirects",
					     "proxy_arp" };
	const struct sysctl_list *list = &audit->profile->sysctls;

	for (size_t i = 0; i < list->count; i++)
		for (size_t name = 0; name < sizeof(names) / sizeof(names[0]); name++) {
			size_t length = strlen(list->items[i].name), end = strlen(names[name]);

			if (length < end || strcmp(list->items[i].name + length - end, names[name]) != 0 ||
			    !strcmp(list->items[i].value, "0"))
				continue;
			audit_found(audit, 1, (int)i, "%s = %s makes the sandbox a router or lets others route it",
				    list->items[i].name, list->items[i].value);
			audit_change(audit, "sysctls[%s].remove=true", list->items[i].name);
		}
}

static const struct audit_check checks[] = {
	{ "host-network", 5.0, K_NETWORK_MODE, host_network, NULL,
	  "Much on a host trusts its loopback interface: data bases, browsers' debuggers, D-Bus, X." },
	{ "network", 1.5, K_NETWORK_MODE, own_interface, NULL, "A way out for data, and to others' holes." },
	{ "moved-interface", 1.5, K_NETWORK_INTERFACE_FROM, moved_interface, NULL,
	  "As macvlan; and the host is without it." },
	{ "outbound", 1.0, K_NETWORK_OUTBOUND_DEFAULT, open_outbound, NULL,
	  "The difference between one server and the whole world." },
	{ "outbound-rules", 2.0, K_NETWORK_OUTBOUND_RULES, broad_rules, NULL,
	  "Half for anywhere or the host, all for metadata; a half of that for one port." },
	{ "inbound", 0.1, K_NETWORK_INBOUND_DEFAULT, open_inbound, NULL, "Few reach the address in the first place." },
	{ "nat", 0.2, K_NETWORK_NAT, masqueraded, NULL, "Others cannot tell the sandbox from the host." },
	{ "forwarding", 0.3, K_NETWORK_FORWARDING, changed_host, NULL, "A setting of the host's, though taken back." },
	{ "publish", 0.5, K_NETWORK_PUBLISH, published, NULL, "A fifth of it on the loopback interface." },
	{ "bridge-isolation", 0.5, K_NETWORK_BRIDGE_ISOLATED, neighbours_open, NULL,
	  "One sandbox taken is a step to the next." },
	{ "spoofing", 0.7, K_NETWORK_SPOOF_PROTECTION, spoofing, NULL, "Neighbours' traffic can be drawn in." },
	{ "rate", 0.1, K_NETWORK_RATE_EGRESS, unmetered, NULL, "A flood is noticed, and ends with the sandbox." },
	{ "sysctls", 0.3, K_SYSCTLS, routing_sysctls, NULL, "They end at the sandbox's own interfaces." },
};

const struct audit_table audit_network = { checks, sizeof(checks) / sizeof(checks[0]) };
