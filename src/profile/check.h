/* check: what the files of the rules between keys share. Parent only; see check.c. */
#ifndef PROFILE_CHECK_H
#define PROFILE_CHECK_H

#include "profile/read.h"

struct check {
	const struct profile *profile;
	struct arena *arena;
	int key;      /* the rule's */
	size_t index; /* of the element asked about */
};

struct rule {
	int key;
	const char *(*broken)(const struct check *check);
	const char *what;
	const char *remedy; /* NULL: none */
};

#define BROKEN(condition) ((condition) ? "" : NULL)

/* Reports every rule that is broken. -1 when one is. */
int check_rules(const struct reader *reader, const struct profile *profile, const struct rule *rules, size_t count);

bool check_has_namespace(const struct check *check, const char *name);
bool check_joins(const struct check *check, int namespace);

/* Whether the payload keeps the capability (without CAP_). */
bool check_keeps(const struct check *check, const char *capability);

/* Whether the key, which lies in no list, holds anything but its default. */
bool check_is_said(const struct check *check, int key);

/* network.mode as one bit, so that several can be asked for at once. */
#define MODE(name) (1u << NETWORK_MODE_##name)
#define MODE_MOVED (1u << 16) /* "none" with an interface moved in */
#define MODES_MADE (MODE(VETH) | MODE(MACVLAN) | MODE(IPVLAN) | MODE(PASTA))

unsigned check_mode(const struct check *check);

/* The rules of the network section (check_network.c), those about addresses (check_address.c). */
int check_addresses(const struct reader *reader, const struct profile *profile);
int check_network(const struct reader *reader, const struct profile *profile);

#endif
