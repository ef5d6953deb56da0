/* compare_facts: what a look found, understood: one JSON object for each column of `compare`.
 *
 * Runs in the launcher's place. The page is written from these objects too, so it shows nothing that --json does not.
 * Sizes are in bytes and times in seconds as the names say; null is "no limit", or "not to be seen" where a list would
 * be. Values of the environment may be secrets: names alone are shown.
 */
#include <stdio.h>
#include <string.h>

#include "base/parse.h"
#include "stage/attest.h"
#include "tell/compare.h"

static void add(struct json_object *to, const char *name, struct json_object *value)
{
	json_object_object_add(to, name, value);
}

/* Names may be anything, JSON strings are UTF-8 and pages have no control characters: both get what page_add makes. */
static struct json_object *string_of(const char *bytes, size_t length)
{
	const struct page plain = { .width = PAGE_WIDTH };
	struct text raw = { 0 }, clean = { 0 };
	struct json_object *string = NULL;

	text_add_n(&raw, bytes, length);
	page_add(&plain, &clean, STYLE_PLAIN, raw.data ? raw.data : "");
	string = json_object_new_string(clean.data ? clean.data : "");
	text_free(&raw);
	text_free(&clean);
	return string;
}

static const char *next_line(const char *line)
{
	line += strcspn(line, "\n");
	return line + (*line == '\n');
}

/* ---- /proc/self/status ----------------------------------------------------------------------- */

static uint64_t status_number(const char *status, const char *field, unsigned base)
{
	const char *at = attest_field(status, field);

	return at ? attest_number(&at, base) : 0;
}

static struct json_object *capability_names(uint64_t set)
{
	struct json_object *names = json_object_new_array();

	for (int capability = 0; capability < 64; capability++) {
		char place[24];

		if (set >> capability & 1)
			json_object_array_add(names,
					      json_object_new_string(compare_capability_name(capability, place)));
	}
	return names;
}

/* Permitted and effective are what execve(2) makes of them, which the look had to do without: uid 0 has what it had,
 * and any other user the ambient set (capabilities(7)). */
static struct json_object *capabilities(const struct compare_side *side, const char *status)
{
	static const struct {
		const char *name, *field;
		bool exec;
	} sets[] = {
		{ "effective", "CapEff:", true }, { "permitted", "CapPrm:", true }, { "inheritable", "CapInh:", false },
		{ "bounding", "CapBnd:", false }, { "ambient", "CapAmb:", false },
	};
	struct json_object *object = json_object_new_object();

	for (size_t i = 0; i < sizeof(sets) / sizeof(sets[0]); i++) {
		bool ambient = sets[i].exec && side->plan && status_number(status, "Uid:", 10);

		add(object, sets[i].name,
		    capability_names(status_number(status, ambient ? "CapAmb:" : sets[i].field, 16)));
	}
	return object;
}

/* A filter that forbids read(2) cannot be counted from inside; that it is in force, the plan and the launch say. */
static struct json_object *seccomp(const struct compare_side *side, const char *status)
{
	static const char *const modes[] = { "none", "strict", "filter" };
	struct json_object *object = json_object_new_object();
	bool unseen = side->plan && side->plan->seccomp.wanted && !side->look->confined;
	uint64_t mode = unseen ? 2 : status_number(status, "Seccomp:", 10);

	add(object, "mode", json_object_new_string(modes[mode < 3 ? mode : 2]));
	add(object, "filters",
	    unseen || !attest_field(status, "Seccomp_filters:")
		    ? NULL
		    : json_object_new_uint64(status_number(status, "Seccomp_filters:", 10)));
	return object;
}

static struct json_object *groups(const char *status)
{
	struct json_object *list = json_object_new_array();
	const char *at = attest_field(status, "Groups:");

	while (at && *at && *at != '\n')
		json_object_array_add(list, json_object_new_uint64(attest_number(&at, 10)));
	return list;
}

static void add_status(const struct compare_side *side, struct json_object *facts)
{
	const char *status = look_text(side->look, LOOK_STATUS);

	add(facts, "capabilities", capabilities(side, status));
	add(facts, "no_new_privs", json_object_new_boolean((int)status_number(status, "NoNewPrivs:", 10)));
	add(facts, "seccomp", seccomp(side, status));
	add(facts, "uid", json_object_new_uint64(status_number(status, "Uid:", 10)));
	add(facts, "gid", json_object_new_uint64(status_number(status, "Gid:", 10)));
	add(facts, "groups", groups(status));
}

/* ---- other files ----------------------------------------------------------------------------- */

static struct json_object *id_map(const char *map)
{
	struct json_object *list = json_object_new_array();
	uint64_t inside = 0, outside = 0, count = 0;

	for (const char *at = map;
	     (at = parse_next(at, &inside)) && (at = parse_next(at, &outside)) && (at = parse_next(at, &count));) {
		struct json_object *range = json_object_new_object();

		add(range, "inside", json_object_new_uint64(inside));
		add(range, "outside", json_object_new_uint64(outside));
		add(range, "count", json_object_new_uint64(count));
		json_object_array_add(list, range);
	}
	return list;
}

/* "mnt mnt:[4026531841]" */
static struct json_object *namespaces(const char *lines)
{
	struct json_object *object = json_object_new_object();
	uint64_t inode = 0;

	for (; *lines; lines = next_line(lines)) {
		char name[16] = "";
		size_t length = strcspn(lines, " ");

		if (length < sizeof(name) && parse_next(lines, &inode)) {
			memcpy(name, lines, length);
			add(object, name, json_object_new_uint64(inode));
		}
	}
	return object;
}

/* A path of mountinfo, with its octal escapes read (proc(5)). */
static struct json_object *mount_word(const char *word, size_t length)
{
	struct json_object *string = NULL;
	struct text text = { 0 };

	for (size_t i = 0; i < length; i++) {
		char c = word[i];

		if (c == '\\' && i + 3 < length) {
			c = (char)((word[i + 1] - '0') << 6 | (word[i + 2] - '0') << 3 | (word[i + 3] - '0'));
			i += 3;
		}
		text_add_n(&text, &c, 1);
	}
	string = string_of(text.data ? text.data : "", text.length);
	text_free(&text);
	return string;
}

/* Fields of a line of mountinfo: id, parent, device, root, target, options, ..., "-", type, source, options. */
static struct json_object *mount_of(const char *line)
{
	struct json_object *mount = json_object_new_object();
	const char *dash = strstr(line, " - ");
	const char *names[] = { NULL, NULL, NULL, NULL, "target", "options" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]) && *line && *line != '\n'; i++) {
		size_t length = strcspn(line, " \n");

		if (names[i])
			add(mount, names[i], mount_word(line, length));
		line += length + (line[length] == ' ');
	}
	if (dash) {
		size_t length = strcspn(dash + 3, " \n");

		add(mount, "type", mount_word(dash + 3, length));
		dash += 3 + length + (dash[3 + length] == ' ');
		add(mount, "source", mount_word(dash, strcspn(dash, " \n")));
	}
	return mount;
}

static struct json_object *mounts(const char *lines)
{
	struct json_object *list = json_object_new_array();

	for (; *lines; lines = next_line(lines))
		json_object_array_add(list, mount_of(lines));
	return list;
}

/* "Max open files            1024                 524288               files": the words of the name are many. */
static struct json_object *rlimits(const char *lines)
{
	static const struct {
		const char *title, *name;
	} names[] = {
		{ "Max address space", "as_bytes" },
		{ "Max core file size", "core_bytes" },
		{ "Max cpu time", "cpu_seconds" },
		{ "Max data size", "data_bytes" },
		{ "Max file size", "fsize_bytes" },
		{ "Max file locks", "locks" },
		{ "Max locked memory", "memlock_bytes" },
		{ "Max msgqueue size", "msgqueue_bytes" },
		{ "Max nice priority", "nice" },
		{ "Max open files", "nofile" },
		{ "Max processes", "nproc" },
		{ "Max resident set", "rss_bytes" },
		{ "Max realtime priority", "rtprio" },
		{ "Max realtime timeout", "rttime_usec" },
		{ "Max pending signals", "sigpending" },
		{ "Max stack size", "stack_bytes" },
	};
	struct json_object *object = json_object_new_object();

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		const char *at = attest_field(lines, names[i].title);
		struct json_object *limit = json_object_new_object();

		for (int hard = 0; at && hard < 2; hard++) {
			bool unlimited = *at == 'u';

			add(limit, hard ? "hard" : "soft",
			    unlimited ? NULL : json_object_new_uint64(attest_number(&at, 10)));
			at += unlimited ? strcspn(at, " \n") : 0;
			at += strspn(at, " ");
		}
		add(object, names[i].name, limit);
	}
	return object;
}

/* Two lines of headings, then "   lo: 0 0 ...". */
static struct json_object *interfaces(const char *lines)
{
	struct json_object *list = json_object_new_array();

	for (lines = next_line(next_line(lines)); *lines; lines = next_line(lines)) {
		const char *name = lines + strspn(lines, " ");

		json_object_array_add(list, string_of(name, strcspn(name, ":\n")));
	}
	return list;
}

/* Lines of a number and a text: NULL where there was nothing to be read from. */
static struct json_object *numbered(const struct look *look, enum look_section section, const char *number,
				    const char *text)
{
	struct json_object *list = look->parts[section].error ? NULL : json_object_new_array();
	uint64_t value = 0;

	for (const char *line = look_text(look, section); list && *line; line = next_line(line)) {
		struct json_object *item = json_object_new_object();
		const char *rest = parse_next(line, &value);

		if (!rest)
			continue;
		rest += *rest == ' ';
		add(item, number, json_object_new_uint64(value));
		add(item, text, string_of(rest, strcspn(rest, "\n")));
		json_object_array_add(list, item);
	}
	return list;
}

static struct json_object *lines_of(const char *lines)
{
	struct json_object *list = json_object_new_array();

	for (; *lines; lines = next_line(lines))
		json_object_array_add(list, string_of(lines, strcspn(lines, "\n")));
	return list;
}

static struct json_object *environment(const char *const *environ_list)
{
	struct json_object *list = json_object_new_array();

	for (; environ_list && *environ_list; environ_list++)
		json_object_array_add(list, string_of(*environ_list, strcspn(*environ_list, "=")));
	return list;
}

struct json_object *compare_facts(const struct compare_side *side)
{
	struct json_object *facts = json_object_new_object();
	const struct look *look = side->look;
	const char *names = look_text(look, LOOK_NAMES);

	add(facts, "namespaces", namespaces(look_text(look, LOOK_NAMESPACES)));
	add_status(side, facts);
	add(facts, "uid_map", id_map(look_text(look, LOOK_UID_MAP)));
	add(facts, "gid_map", id_map(look_text(look, LOOK_GID_MAP)));
	for (; *names; names = next_line(names)) {
		const char *value = strchr(names, ' ') + 1;

		add(facts, *names == 'h' ? "hostname" : "domainname", string_of(value, strcspn(value, "\n")));
	}
	add(facts, "mounts", mounts(look_text(look, LOOK_MOUNTS)));
	add(facts, "cgroups", lines_of(look_text(look, LOOK_CGROUP)));
	add(facts, "cgroup_limits", side->limits);
	add(facts, "rlimits", rlimits(look_text(look, LOOK_LIMITS)));
	add(facts, "processes", numbered(look, LOOK_PROCESSES, "pid", "name"));
	add(facts, "interfaces", interfaces(look_text(look, LOOK_INTERFACES)));
	add(facts, "descriptors", numbered(look, LOOK_DESCRIPTORS, "fd", "file"));
	add(facts, "environment", environment(side->environ));
	return facts;
}

/* ---- differences ----------------------------------------------------------------------------- */

static void note(struct json_object *changes, const char *group, const char *name)
{
	char path[256];

	(void)snprintf(path, sizeof(path), "%s%s%s", group, name ? "." : "", name ? name : "");
	json_object_array_add(changes, json_object_new_string(path));
}

static void compare_members(struct json_object *changes, const char *group, struct json_object *host,
			    struct json_object *sandbox)
{
	struct json_object *other = NULL;

	json_object_object_foreach(host, name, value)
	{
		if (!json_object_object_get_ex(sandbox, name, &other) || !json_object_equal(value, other))
			note(changes, group, name);
	}
	json_object_object_foreach(sandbox, added, ignored)
	{
		(void)ignored;
		if (!json_object_object_get_ex(host, added, NULL))
			note(changes, group, added);
	}
}

static const char *variable(const char *const *list, const char *name)
{
	size_t length = strcspn(name, "=");

	for (; list && *list; list++)
		if (!strncmp(*list, name, length) && (*list)[length] == '=')
			return *list;
	return NULL;
}

/* Gone, then changed or new. */
static void compare_environments(struct json_object *changes, const char *const *host, const char *const *sandbox)
{
	for (int round = 0; round < 2; round++) {
		const char *const *list = round ? sandbox : host;

		for (; list && *list; list++) {
			const char *other = variable(round ? host : sandbox, *list);
			struct json_object *name = NULL;

			if (other && (!round || !strcmp(other, *list)))
				continue;
			name = string_of(*list, strcspn(*list, "="));
			note(changes, "environment", json_object_get_string(name));
			json_object_put(name);
		}
	}
}

struct json_object *compare_changes(const struct compare_side *host_side, struct json_object *host,
				    const struct compare_side *sandbox_side, struct json_object *sandbox)
{
	struct json_object *changes = json_object_new_array();

	json_object_object_foreach(host, name, value)
	{
		struct json_object *other = json_object_object_get(sandbox, name);

		if (!strcmp(name, "environment"))
			compare_environments(changes, host_side->environ, sandbox_side->environ);
		else if (json_object_is_type(value, json_type_object) && other)
			compare_members(changes, name, value, other);
		else if (!json_object_equal(value, other))
			note(changes, name, NULL);
	}
	return changes;
}
