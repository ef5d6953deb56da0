/* load: from the words of the command line to a valid profile.
 *
 *	words behind -p      found and trusted (lookup.c), read once into memory
 *	  text               scanned (scan.c) and parsed (tree.c) into nodes with file and line
 *	  layers             each checked by itself (layer.c): what a file extends comes before it, -s comes last
 *	  merged             by the rules of merge.c into one tree
 *	  expanded           variables and parameters (vars.c)
 *	struct profile       values by type (read.c, value.c), then the rules between keys (check.c)
 *
 * A step runs although one before it had complaints, as long as what it looks at was not already refused: a user
 * sees all mistakes at once. Only the rules between keys want a profile that is otherwise sound. Parent only,
 * before plan; the host is asked for files and, if a variable needs it, for the user's name; nothing is changed. */
#include "profile/load.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/file.h"
#include "profile/diagnostic.h"
#include "profile/lookup.h"
#include "profile/merge.h"
#include "profile/read.h"
#include "profile/scan.h"
#include "profile/set.h"
#include "profile/tree.h"
#include "profile/vars.h"

enum { FILES_MAX = 64, EXTENDS_DEPTH_MAX = 16 };

struct loading {
	struct lookup lookup;
	struct merging merging;
	struct arena *arena;
	struct diagnostics *diagnostics;
	struct file {
		dev_t dev;
		ino_t ino;
		bool open; /* what it extends is being read */
		struct node *tree;
	} files[FILES_MAX]; /* in the order of the layers, but for those still open */
	size_t file_count;
	struct node *layers[FILES_MAX];
	size_t layer_count;
};

static int load_extended(struct loading *loading, struct file *file, const struct found *found, int depth);

/* ---- one file -------------------- */

static struct node *read_text(const struct loading *loading, const struct found *found)
{
	AUTO_FREE char *buffer = NULL;
	ssize_t length = 0;

	if (found->fd < 0)
		return tree_read(default_profile, strlen(default_profile), found->source, loading->arena,
				 loading->diagnostics);
	buffer = malloc(PROFILE_BYTES_MAX + 2);
	length = buffer ? read_fd(found->fd, buffer, PROFILE_BYTES_MAX + 2) : -1;
	if (length >= 0)
		return tree_read(buffer, (size_t)length, found->source, loading->arena, loading->diagnostics);
	if (!buffer)
		diagnose(loading->diagnostics, found->source->file, 0, "out of memory");
	else if (errno == EFBIG)
		diagnose(loading->diagnostics, found->source->file, 0, "the profile is larger than %d bytes",
			 PROFILE_BYTES_MAX);
	else
		diagnose(loading->diagnostics, found->source->file, 0, "cannot be read: %s", strerror(errno));
	return NULL;
}

/* Every file says in which version of the language it is written. */
static int check_format(const struct loading *loading, const struct found *found, const struct node *tree)
{
	struct node *format = node_member(tree, "format");
	struct diagnostics *diagnostics = loading->diagnostics;

	if (!format) {
		diagnose(diagnostics, found->source->file, 0, "is missing");
		diagnose_key(diagnostics, "format");
		return diagnose_remedy(diagnostics, "begin the profile with: format = %lld;",
				       (long long)keys[K_FORMAT].max);
	}
	if (format->type != NODE_INT || format->number <= keys[K_FORMAT].max)
		return 0;
	format->refused = true;
	diagnose_node(diagnostics, format, "%lld is newer than this program, which knows up to %lld",
		      (long long)format->number, (long long)keys[K_FORMAT].max);
	return diagnose_remedy(diagnostics, "use a newer version of sandbox for this profile");
}

/* The file with this identity that is read already, or being read; NULL when there is none. */
static struct file *find_file(struct loading *loading, const struct found *found)
{
	for (size_t i = 0; i < loading->file_count; i++)
		if (loading->files[i].dev == found->dev && loading->files[i].ino == found->ino)
			return &loading->files[i];
	return NULL;
}

static int refuse_asked(const struct loading *loading, const struct asker *asker, const char *what)
{
	if (asker->node)
		return diagnose_node(loading->diagnostics, asker->node, "%s", what);
	return diagnose(loading->diagnostics, NULL, 0, "%s", what);
}

/* Reads a profile that was found and what it extends, and adds their layers. */
static int load_found(struct loading *loading, const struct found *found, int depth)
{
	struct file *file = &loading->files[loading->file_count++];
	int result = 0;

	*file = (struct file){ .dev = found->dev, .ino = found->ino, .open = true };
	file->tree = read_text(loading, found);
	if (!file->tree)
		return -1;
	result = check_format(loading, found, file->tree) | layer_check(&loading->merging, file->tree);
	result |= load_extended(loading, file, found, depth);
	file->open = false;
	loading->layers[loading->layer_count++] = file->tree;
	return result;
}

/* A file that is a layer already is not added again: two profiles that extend the same third may both be extended. */
static int load_file(struct loading *loading, const char *word, const struct asker *asker, int depth)
{
	struct found found = { .fd = -1 };
	const struct file *file = NULL;
	int result = 0;

	if (lookup_profile(&loading->lookup, word, asker, &found))
		return -1;
	file = find_file(loading, &found);
	if (file && file->open)
		result = refuse_asked(loading, asker, "this profile and that extend each other in a circle");
	else if (!file && (loading->file_count == FILES_MAX || depth == EXTENDS_DEPTH_MAX))
		result = refuse_asked(loading, asker, "too many profiles extend each other");
	else if (!file)
		result = load_found(loading, &found, depth);
	fd_close(&found.fd);
	return result;
}

static int load_extended(struct loading *loading, struct file *file, const struct found *found, int depth)
{
	struct node *extends = node_member(file->tree, "extends");
	int result = 0;

	if (!extends || extends->type != NODE_LIST)
		return 0;
	for (struct node *element = extends->first; element; element = element->next) {
		const struct asker asker = {
			.node = element, .source = found->source, .dev = found->dev, .ino = found->ino
		};

		if (element->type == NODE_STRING)
			result |= load_file(loading, element->text, &asker, depth + 1);
	}
	return result;
}

/* ---- all of them -------------------- */

static int load_layers(struct loading *loading, const struct profile_request *request)
{
	const struct asker asker = { 0 };
	struct found built_in = { .fd = -1 };
	int result = 0;

	if (!request->profile_count) {
		lookup_built_in(&built_in, false);
		return load_found(loading, &built_in, 0);
	}
	for (size_t i = 0; i < request->profile_count; i++)
		result |= load_file(loading, request->profiles[i], &asker, 0);
	return result;
}

/* Merges the files, then the command line's settings, in their order; parameters and the name are known before. */
static int merge_layers(struct loading *loading, const struct profile_request *request, struct node *tree)
{
	struct node **sets = arena_array(loading->arena, request->set_count + 1, sizeof(struct node *));
	int result = 0;

	if (!sets)
		return diagnose(loading->diagnostics, NULL, 0, "out of memory");
	for (size_t i = 0; i < loading->layer_count; i++)
		result |= vars_collect(loading->merging.vars, loading->layers[i]);
	for (size_t i = 0; i < request->set_count; i++) {
		sets[i] = set_layer(request->sets[i], loading->arena, loading->diagnostics);
		if (!sets[i])
			result = -1;
		else
			result |=
				layer_check(&loading->merging, sets[i]) | vars_collect(loading->merging.vars, sets[i]);
	}
	result |= vars_finish(loading->merging.vars);
	for (size_t i = 0; i < loading->layer_count; i++)
		result |= merge_layer(&loading->merging, tree, loading->layers[i]);
	for (size_t i = 0; i < request->set_count; i++)
		if (sets[i])
			result |= merge_layer(&loading->merging, tree, sets[i]);
	vars_expand_tree(loading->merging.vars, K_NONE, tree);
	return result;
}

/* Under two words of users.map one user exists inside, and a profile that names none means that one. */
static void settle_ids(const struct profile_request *request, const struct node *tree, struct profile *profile)
{
	bool self = profile->users.map == USERS_MAP_SELF;

	if (!self && profile->users.map != USERS_MAP_ROOT)
		return;
	if (!tree_find(tree, K_USERS_UID, -1))
		profile->users.uid = self ? request->uid : 0;
	if (!tree_find(tree, K_USERS_GID, -1))
		profile->users.gid = self ? request->gid : 0;
}

int profile_load(const struct profile_request *request, struct arena *arena, const struct profile **ret,
		 struct diagnostics *diagnostics)
{
	struct loading *loading = arena_alloc(arena, sizeof(*loading));
	struct profile *profile = arena_alloc(arena, sizeof(*profile));
	struct node *tree = node_new(arena, NODE_GROUP, NULL);
	struct vars vars = { .request = request, .arena = arena, .diagnostics = diagnostics };
	const struct reader reader = { .arena = arena, .diagnostics = diagnostics, .names = request->names };

	if (!loading || !profile || !tree)
		return diagnose(diagnostics, NULL, 0, "out of memory");
	*loading = (struct loading){
		.lookup = { .request = request, .arena = arena, .diagnostics = diagnostics },
		.merging = { .arena = arena, .diagnostics = diagnostics, .vars = &vars },
		.arena = arena,
		.diagnostics = diagnostics,
	};
	if (load_layers(loading, request) && !loading->layer_count)
		return -1;
	merge_layers(loading, request, tree);
	*profile = profile_defaults;
	profile->arena = arena;
	profile->tree = tree;
	profile_read(&reader, tree, profile);
	settle_ids(request, tree, profile);
	if (diagnostics->count || profile_check(&reader, profile))
		return -1;
	if (request->name)
		profile->name = request->name;
	*ret = profile;
	return 0;
}
