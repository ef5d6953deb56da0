/* uts: the host name and domain name that the payload sees.
 *
 * plan     (parent, before anything exists) picks the names: the profile's, or for "auto" one that is easy to remember
 * and to tell apart in a log: six digits of the sandbox's random id and a tarot card that the rest of the id draws.
 * Without a UTS namespace of the sandbox's own nothing may be set, and only the default "auto" is passed over silently.
 * enter    (child, in its new UTS namespace, with CAP_SYS_ADMIN there) sets both. After userns, which gives that
 *          capability.
 *
 * Needs: uts_namespaces(7), Linux 2.6.19. The schema bounds both names to 1..64 bytes, which is the kernel's limit.
 * Nothing to undo: the names die with the namespace; a joined one keeps its names.
 */
#include "stage/stage.h"

#include <sched.h>
#include <string.h>
#include <unistd.h>

static const char *const major_cards[] = {
	"the-fool",       "the-magician", "the-high-priestess", "the-empress", "the-emperor",      "the-hierophant",
	"the-lovers",     "the-chariot",  "strength",           "the-hermit",  "wheel-of-fortune", "justice",
	"the-hanged-man", "death",        "temperance",         "the-devil",   "the-tower",        "the-star",
	"the-moon",       "the-sun",      "judgement",          "the-world",
};

static const char *const ranks[] = {
	"ace",   "two",  "three", "four", "five",   "six",   "seven",
	"eight", "nine", "ten",   "page", "knight", "queen", "king",
};

static const char *const suits[] = { "wands", "cups", "swords", "pentacles" };

enum {
	ID_DIGITS = 6,
	MAJORS = sizeof(major_cards) / sizeof(major_cards[0]),
	SUITS = sizeof(suits) / sizeof(suits[0]),
	RANKS = sizeof(ranks) / sizeof(ranks[0]),
	CARDS = MAJORS + SUITS * RANKS,
};

/* Draws a card by the digits of the id that the name does not show already. */
static unsigned draw(const char *id)
{
	unsigned card = 0;

	for (const char *digit = id + ID_DIGITS; *digit; digit++)
		card = (card * 31 + (unsigned char)*digit) % CARDS;
	return card;
}

static const char *memorable_name(struct arena *arena, const char *id)
{
	unsigned card = draw(id);

	if (card < MAJORS)
		return arena_format(arena, "%.*s-%s", ID_DIGITS, id, major_cards[card]);
	card -= MAJORS;
	return arena_format(arena, "%.*s-%s-of-%s", ID_DIGITS, id, ranks[card % RANKS], suits[card / RANKS]);
}

static bool is_auto(const char *hostname)
{
	return !strcmp(hostname, "auto");
}

static int refuse(int key, const char *what, const struct plan *plan, struct error *err)
{
	fail(err, key, "cannot set the %s: the sandbox has no uts namespace of its own", what);
	error_remedy(err, plan->join.flags & CLONE_NEWUTS ? "leave it out: the joined namespace keeps its names"
							  : "let `namespaces` name uts, or leave it out");
	return error_exit(err, EXIT_OF_PROFILE);
}

int uts_plan(const struct profile *profile, struct plan *plan, struct error *err)
{
	if (!plan->namespaces.uts) {
		if (profile->hostname && !is_auto(profile->hostname))
			return refuse(K_HOSTNAME, "host name", plan, err);
		return profile->domainname ? refuse(K_DOMAINNAME, "domain name", plan, err) : 0;
	}
	plan->uts.hostname = profile->hostname;
	plan->uts.domainname = profile->domainname;
	if (profile->hostname && is_auto(profile->hostname)) {
		plan->uts.hostname = memorable_name(&plan->arena, plan->caller->id);
		if (!plan->uts.hostname)
			return fail_errno(err, K_HOSTNAME, "cannot make a host name");
	}
	return 0;
}

/* Should: set exactly the planned names.  Mustn't: run before userns_enter (EPERM), or without a UTS namespace. */
CHILD int uts_enter(const struct plan *plan, struct inside *inside, struct error *err)
{
	const struct uts_plan *uts = &plan->uts;

	(void)inside;
	if (uts->hostname && sethostname(uts->hostname, strlen(uts->hostname)))
		return fail_errno(err, K_HOSTNAME, "cannot set the host name %s", uts->hostname);
	if (uts->domainname && setdomainname(uts->domainname, strlen(uts->domainname)))
		return fail_errno(err, K_DOMAINNAME, "cannot set the domain name %s", uts->domainname);
	return 0;
}

void uts_describe(const struct plan *plan, struct description *out)
{
	if (plan->uts.hostname)
		describe(out, K_HOSTNAME, -1, "host name %s%s", plan->uts.hostname,
			 is_auto(plan->profile->hostname) ? " (another at every launch)" : "");
	if (plan->uts.domainname)
		describe(out, K_DOMAINNAME, -1, "domain name %s", plan->uts.domainname);
}
