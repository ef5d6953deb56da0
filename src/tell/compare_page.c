/* compare_page: both columns of `compare` for people: host on the left, sandbox on the right, a mark and a colour where
 * they differ. Runs in the launcher's place, from the objects that compare_facts.c made; prints nothing itself.
 *
 * Long lists have a row for what is inside only, and a line that names what is not: a host has hundreds of mounts.
 */
#include <stdio.h>
#include <string.h>

#include "tell/compare.h"

struct sheet {
	const struct page *page;
	struct text *out;
	struct json_object *host, *sandbox, *changes;
};

enum { SHORT_LIST = 8 };

static bool changed(const struct sheet *sheet, const char *path)
{
	for (size_t i = 0; i < json_object_array_length(sheet->changes); i++)
		if (!strcmp(json_object_get_string(json_object_array_get_idx(sheet->changes, i)), path))
			return true;
	return false;
}

/* Of a fact that is a group in one row: anything in it. */
static bool changed_within(const struct sheet *sheet, const char *name)
{
	size_t length = strlen(name);

	for (size_t i = 0; i < json_object_array_length(sheet->changes); i++) {
		const char *path = json_object_get_string(json_object_array_get_idx(sheet->changes, i));

		if (!strncmp(path, name, length) && (!path[length] || path[length] == '.'))
			return true;
	}
	return false;
}

static const char *words(const struct text *text)
{
	return text->data ? text->data : "";
}

static void heading(const struct sheet *sheet, const char *title)
{
	const struct page_line line = { .lead = title, .lead_style = STYLE_HEADING };

	text_add(sheet->out, "\n");
	page_line(sheet->page, sheet->out, &line, "%s", "");
}

static void row(const struct sheet *sheet, const char *label, bool differs, const char *left, const char *right)
{
	page_pair(sheet->page, sheet->out,
		  &(struct page_pair){ .mark = differs ? "*" : NULL,
				       .label = label,
				       .left = left,
				       .right = right,
				       .style = differs ? STYLE_WARN : STYLE_PLAIN });
}

/* ---- values ---------------------------------------------------------------------------------- */

typedef void value_fn(struct text *out, struct json_object *value);

static void plain_value(struct text *out, struct json_object *value)
{
	text_add(out, "%s", value ? json_object_get_string(value) : "none");
}

static void limit_value(struct text *out, struct json_object *value)
{
	text_add(out, "%s", value ? json_object_get_string(value) : "no limit");
}

static void yes_value(struct text *out, struct json_object *value)
{
	text_add(out, "%s", json_object_get_boolean(value) ? "yes" : "no");
}

static void name_value(struct text *out, struct json_object *value)
{
	const char *name = json_object_get_string(value);

	text_add(out, "%s", name && strcmp(name, "(none)") != 0 && name[0] ? name : "none");
}

static void list_value(struct text *out, struct json_object *list)
{
	size_t count = json_object_array_length(list);

	for (size_t i = 0; i < count; i++)
		text_add(out, "%s%s", i ? " " : "", json_object_get_string(json_object_array_get_idx(list, i)));
	if (!count)
		text_add(out, "none");
}

static bool array_has(struct json_object *list, const char *name)
{
	for (size_t i = 0; i < json_object_array_length(list); i++)
		if (!strcmp(json_object_get_string(json_object_array_get_idx(list, i)), name))
			return true;
	return false;
}

/* Of the kernel's capabilities, most: those that are not in it. */
static void capabilities_value(struct text *out, struct json_object *list)
{
	size_t count = json_object_array_length(list), missing = 0;
	char place[24];

	if (count <= SHORT_LIST * 2) {
		list_value(out, list);
		return;
	}
	text_add(out, "%zu", count);
	for (int capability = 0; capability <= 40; capability++) {
		const char *name = compare_capability_name(capability, place);

		if (!array_has(list, name))
			text_add(out, "%s %s", missing++ ? "" : ", not", name);
	}
}

static void seccomp_value(struct text *out, struct json_object *value)
{
	struct json_object *filters = json_object_object_get(value, "filters");
	const char *mode = json_object_get_string(json_object_object_get(value, "mode"));

	text_add(out, "%s", mode);
	if (!strcmp(mode, "filter") && filters)
		text_add(out, ", %s installed", json_object_get_string(filters));
	else if (!strcmp(mode, "filter"))
		text_add(out, ", not to be counted from inside");
}

static int64_t member(struct json_object *object, const char *name)
{
	return json_object_get_int64(json_object_object_get(object, name));
}

static void map_value(struct text *out, struct json_object *list)
{
	for (size_t i = 0; i < json_object_array_length(list); i++) {
		struct json_object *range = json_object_array_get_idx(list, i);
		int64_t inside = member(range, "inside"), outside = member(range, "outside");
		int64_t count = member(range, "count");

		if (count == UINT32_MAX)
			text_add(out, "every id is itself");
		else if (count == 1)
			text_add(out, "%s%lld is %lld outside", i ? ", " : "", (long long)inside, (long long)outside);
		else
			text_add(out, "%s%lld-%lld are %lld-%lld outside", i ? ", " : "", (long long)inside,
				 (long long)(inside + count - 1), (long long)outside, (long long)(outside + count - 1));
	}
	if (!json_object_array_length(list))
		text_add(out, "empty: no id is known");
}

static void rlimit_value(struct text *out, struct json_object *value)
{
	struct json_object *soft = json_object_object_get(value, "soft"), *hard = json_object_object_get(value, "hard");

	limit_value(out, soft);
	if (json_object_equal(soft, hard))
		return;
	text_add(out, ", at most ");
	limit_value(out, hard);
}

/* A list of {number, name}: a long one is a number. */
static void processes_value(struct text *out, struct json_object *list)
{
	size_t count = list ? json_object_array_length(list) : 0;

	text_add(out, list ? "%zu" : "none to be seen: /proc is not there, or closed", count);
	for (size_t i = 0; i < count && count <= SHORT_LIST; i++) {
		struct json_object *item = json_object_array_get_idx(list, i);

		text_add(out, "%s %lld %s", i ? "," : ":", (long long)member(item, "pid"),
			 json_object_get_string(json_object_object_get(item, "name")));
	}
}

static void descriptors_value(struct text *out, struct json_object *list)
{
	for (size_t i = 0; list && i < json_object_array_length(list); i++) {
		struct json_object *item = json_object_array_get_idx(list, i);

		text_add(out, "%s%lld %s", i ? ", " : "", (long long)member(item, "fd"),
			 json_object_get_string(json_object_object_get(item, "file")));
	}
}

/* Lines "4:memory:/a/b"; where all hierarchies have the same path, that. */
static void cgroups_value(struct text *out, struct json_object *list)
{
	size_t count = json_object_array_length(list);
	const char *first = count ? json_object_get_string(json_object_array_get_idx(list, 0)) : "";
	const char *path = strchr(first, '/');
	bool same = count > 1 && path;

	for (size_t i = 0; i < count && same; i++) {
		const char *other = strchr(json_object_get_string(json_object_array_get_idx(list, i)), '/');

		same = other && !strcmp(path, other);
	}
	if (same)
		text_add(out, "%s in each of %zu hierarchies", path, count);
	else
		list_value(out, list);
}

/* ---- rows ------------------------------------------------------------------------------------ */

static void fact(const struct sheet *sheet, const char *label, const char *name, value_fn *write)
{
	struct text left = { 0 }, right = { 0 };

	write(&left, json_object_object_get(sheet->host, name));
	write(&right, json_object_object_get(sheet->sandbox, name));
	row(sheet, label, changed_within(sheet, name), words(&left), words(&right));
	sheet->out->failed |= left.failed | right.failed;
	text_free(&left);
	text_free(&right);
}

struct group {
	const char *name, *label; /* label: format for the member's name */
	value_fn *write;
	const char *absent; /* of a member that one side has not */
	const char *same;   /* on the right, instead of the same again; NULL: that */
};

static void member_row(const struct sheet *sheet, const struct group *group, const char *name)
{
	struct json_object *left_value = NULL, *right_value = NULL;
	struct text left = { 0 }, right = { 0 };
	char path[64], label[32];
	bool differs = false;

	(void)snprintf(path, sizeof(path), "%s.%s", group->name, name);
	(void)snprintf(label, sizeof(label), "%s%s", name, group->label);
	differs = changed(sheet, path);
	if (json_object_object_get_ex(json_object_object_get(sheet->host, group->name), name, &left_value))
		group->write(&left, left_value);
	else
		text_add(&left, "%s", group->absent);
	if (!differs && group->same)
		text_add(&right, "%s", group->same);
	else if (json_object_object_get_ex(json_object_object_get(sheet->sandbox, group->name), name, &right_value))
		group->write(&right, right_value);
	else
		text_add(&right, "%s", group->absent);
	row(sheet, label, differs, words(&left), words(&right));
	text_free(&left);
	text_free(&right);
}

static void members(const struct sheet *sheet, const struct group *group)
{
	struct json_object *host = json_object_object_get(sheet->host, group->name);
	struct json_object *sandbox = json_object_object_get(sheet->sandbox, group->name);

	json_object_object_foreach(host, name, ignored)
	{
		(void)ignored;
		member_row(sheet, group, name);
	}
	json_object_object_foreach(sandbox, added, unused)
	{
		(void)unused;
		if (!json_object_object_get_ex(host, added, NULL))
			member_row(sheet, group, added);
	}
}

/* ---- long lists ------------------------------------------------------------------------------ */

static const char *string(struct json_object *object, const char *name)
{
	const char *text = json_object_get_string(json_object_object_get(object, name));

	return text ? text : "";
}

/* The last mount on a place: the one that is seen there. */
static struct json_object *mount_on(struct json_object *mounts, const char *target)
{
	for (size_t i = json_object_array_length(mounts); i--;)
		if (!strcmp(string(json_object_array_get_idx(mounts, i), "target"), target))
			return json_object_array_get_idx(mounts, i);
	return NULL;
}

static void describe_mount(struct text *out, struct json_object *mount)
{
	if (mount)
		text_add(out, "%s %s", string(mount, "type"), string(mount, "options"));
	else
		text_add(out, "-");
}

static void mount_row(const struct sheet *sheet, struct json_object *other, struct json_object *mount)
{
	struct text left = { 0 }, right = { 0 };

	describe_mount(&left, other);
	describe_mount(&right, mount);
	row(sheet, string(mount, "target"), strcmp(words(&left), words(&right)) != 0, words(&left), words(&right));
	text_free(&left);
	text_free(&right);
}

/* `lead`: with the star, or the place of one, before it. */
static void names_line(const struct sheet *sheet, const char *lead, enum page_style style, const struct text *names)
{
	const struct page_line line = {
		.lead = lead, .lead_style = style, .start = PAGE_PAIR_COLUMN, .hang = PAGE_PAIR_COLUMN, .style = style
	};

	if (names->length)
		page_line(sheet->page, sheet->out, &line, "%s", names->data);
}

static void add_name(struct text *names, const char *name)
{
	text_add(names, "%s%s", names->length ? " " : "", name);
}

static void mounts(const struct sheet *sheet)
{
	struct json_object *host = json_object_object_get(sheet->host, "mounts");
	struct json_object *sandbox = json_object_object_get(sheet->sandbox, "mounts");
	struct text gone = { 0 };

	for (size_t i = 0; i < json_object_array_length(sandbox); i++) {
		struct json_object *mount = json_object_array_get_idx(sandbox, i);

		mount_row(sheet, mount_on(host, string(mount, "target")), mount);
	}
	for (size_t i = 0; i < json_object_array_length(host); i++) {
		const char *target = string(json_object_array_get_idx(host, i), "target");

		if (!mount_on(sandbox, target))
			add_name(&gone, target);
	}
	names_line(sheet, "* not inside", STYLE_WARN, &gone);
	text_free(&gone);
}

static void environment(const struct sheet *sheet)
{
	struct json_object *host = json_object_object_get(sheet->host, "environment");
	struct json_object *sandbox = json_object_object_get(sheet->sandbox, "environment");
	struct text gone = { 0 }, same = { 0 }, different = { 0 }, added = { 0 };
	char path[256];

	for (size_t i = 0; i < json_object_array_length(host); i++) {
		const char *name = json_object_get_string(json_object_array_get_idx(host, i));

		(void)snprintf(path, sizeof(path), "environment.%s", name);
		add_name(!array_has(sandbox, name) ? &gone : changed(sheet, path) ? &different : &same, name);
	}
	for (size_t i = 0; i < json_object_array_length(sandbox); i++) {
		const char *name = json_object_get_string(json_object_array_get_idx(sandbox, i));

		if (!array_has(host, name))
			add_name(&added, name);
	}
	names_line(sheet, "  the same", STYLE_PLAIN, &same);
	names_line(sheet, "* another value", STYLE_WARN, &different);
	names_line(sheet, "* new", STYLE_WARN, &added);
	names_line(sheet, "* not inside", STYLE_WARN, &gone);
	text_free(&gone);
	text_free(&same);
	text_free(&different);
	text_free(&added);
}

/* ---- the page -------------------------------------------------------------------------------- */

void compare_page(const struct page *page, struct text *out, struct json_object *host, struct json_object *sandbox,
		  struct json_object *changes)
{
	const struct sheet sheet = { page, out, host, sandbox, changes };

	row(&sheet, "* is changed", false, "host", "sandbox");
	heading(&sheet, "namespaces");
	members(&sheet, &(struct group){ "namespaces", "", plain_value, "-", "the same" });
	heading(&sheet, "privileges");
	members(&sheet, &(struct group){ "capabilities", "", capabilities_value, "-", NULL });
	fact(&sheet, "no_new_privs", "no_new_privs", yes_value);
	fact(&sheet, "seccomp", "seccomp", seccomp_value);
	heading(&sheet, "ids and names");
	fact(&sheet, "uid", "uid", plain_value);
	fact(&sheet, "gid", "gid", plain_value);
	fact(&sheet, "groups", "groups", list_value);
	fact(&sheet, "uid map", "uid_map", map_value);
	fact(&sheet, "gid map", "gid_map", map_value);
	fact(&sheet, "host name", "hostname", name_value);
	fact(&sheet, "domain name", "domainname", name_value);
	heading(&sheet, "what can be seen");
	fact(&sheet, "processes", "processes", processes_value);
	fact(&sheet, "interfaces", "interfaces", list_value);
	fact(&sheet, "open descriptors", "descriptors", descriptors_value);
	heading(&sheet, "cgroups and limits");
	fact(&sheet, "cgroup", "cgroups", cgroups_value);
	members(&sheet, &(struct group){ "cgroup_limits", "", limit_value, "-", NULL });
	members(&sheet, &(struct group){ "rlimits", "", rlimit_value, "-", NULL });
	heading(&sheet, "mounts");
	mounts(&sheet);
	heading(&sheet, "environment");
	environment(&sheet);
}
