/* name_files: what the files of the names stage share, and what network tells it.
 *
 *   names.c            the cells: which files, and where they go
 *   names_cover.c      files on top of a directory that cannot be written
 *   network_texts.c    what they say
 *   network_servers.c  which of the host's name servers the sandbox can reach
 */
#ifndef STAGE_NAME_FILES_H
#define STAGE_NAME_FILES_H

#include "stage/stage.h"

/* What the files say: NULL for one that is not made. */
struct names_texts {
	struct arena arena;
	const char *items[NAMES_COUNT];
};

struct names_file {
	const char *name, *path;
	int key; /* of the profile, for errors */
};
extern const struct names_file names_files[NAMES_COUNT];

/* resolv.conf(5): what lies behind the third server is not looked at. */
enum { NAMES_SERVERS_MAX = 3 };

struct names_servers {
	const char *items[NAMES_SERVERS_MAX];
	size_t count;
};

/* Adds the servers of a text of the form of resolv.conf(5), as far as there is room; with `isolated` only those that
 * can be reached from another network namespace. 0, or -1: no memory. */
int names_servers_read(const char *text, bool isolated, struct arena *arena, struct names_servers *ret);

/* Adds those of the host. */
int names_servers_of_host(const struct plan *plan, struct arena *arena, struct names_servers *ret, struct error *err);

/* All that dns.servers stands for, in its order. */
int names_servers_list(const struct plan *plan, struct arena *arena, struct names_servers *ret, struct error *err);

/* The texts, in the arena; NULL with *err set. */
const char *names_resolv_text(const struct plan *plan, struct arena *arena, struct error *err);
const char *names_hosts_text(const struct plan *plan, const struct host *host, struct arena *arena, struct error *err);
const char *names_hostname_text(const struct plan *plan, struct arena *arena, struct error *err);

/* Whether a rule's `to` or `from` is the name of a host, whose addresses belong into /etc/hosts; whether any is. */
bool names_is_name(const char *text);
bool names_pinned(const struct profile *profile);

/* Whether the entry says what /etc/hosts says in any case: that localhost is a loopback address. */
bool names_is_localhost(const struct host_name *entry);

/* Puts an empty file for each that is wanted into /etc, by covering the directory `path` ("/" or "/etc") with a
 * read-only one that has them. */
CHILD int names_cover(struct inside *inside, const struct plan *plan, const char *path, struct error *err);

#endif
