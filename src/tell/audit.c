/* audit: how much of the host a profile leaves exposed, from its text alone: `sandbox audit`.
 *
 * Runs in the launcher's place. Nothing is asked of the host and nothing of the caller but the files to read: the
 * profile is loaded with a sample user's variables (profile/vars_sample.c), the filter is worked out from this build's
 * tables, and so every host gives the same answer.
 *
 * Tables of checks (audit_<subject>.c) judge one thing each and say what is exposed, how badly and which setting closes
 * it. Their weights are what a profile would be worth that had this one fault: 10 is no sandbox at all. Several add up
 * as probabilities of independent ways out do: each takes its share of the protection that is left,
 *
 *	exposure = 10 * (1 - product of (1 - weight * badness / 10))
 *
 * so that no number of small ones makes a hole, large ones do not hide each other, and what is loosened never lowers
 * the sum. systemd-analyze(1) divides by the sum of all weights instead, where one open door among fifty closed ones
 * hardly shows.
 */
#include "tell/audit.h"

#include <json-c/json.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "base/page.h"
#include "base/parse.h"
#include "run/json.h"

const struct audit_table *const audit_tables[] = {
	&audit_isolation, &audit_files, &audit_network, &audit_privileges, &audit_calls, &audit_limits, NULL
};

/* Up to and without which exposure, in tenths, a grade reaches. */
static const struct grade {
	int below;
	const char *name;
	enum page_style style;
} grades[] = {
	{ 20, "tight", STYLE_GOOD }, { 40, "sound", STYLE_GOOD }, { 60, "fair", STYLE_WARN },
	{ 80, "loose", STYLE_WARN }, { 101, "open", STYLE_BAD },
};

/* ---- what a check calls ---------------------------------------------------------------------- */

static struct finding *last(struct audit *audit)
{
	return audit->failed || !audit->count ? NULL : &audit->findings[audit->count - 1];
}

static const char *format_text_v(struct audit *audit, const char *format, va_list arguments)
	__attribute__((format(printf, 2, 0)));

static const char *format_text_v(struct audit *audit, const char *format, va_list arguments)
{
	char *made = NULL, *copy = NULL;

	if (vasprintf(&made, format, arguments) >= 0)
		copy = arena_copy(audit->arena, made);
	audit->failed |= !copy;
	free(made);
	return copy;
}

static void make_room(struct audit *audit)
{
	size_t size = audit->size ? 2 * audit->size : 64;
	struct finding *grown =
		audit->count < audit->size ? audit->findings : arena_array(audit->arena, size, sizeof(*grown));

	audit->failed |= !grown;
	if (!grown || grown == audit->findings)
		return;
	if (audit->count)
		memcpy(grown, audit->findings, audit->count * sizeof(*grown));
	audit->findings = grown;
	audit->size = size;
}

void audit_found(struct audit *audit, double badness, int index, const char *format, ...)
{
	va_list arguments;

	make_room(audit);
	if (audit->failed)
		return;
	va_start(arguments, format);
	audit->findings[audit->count] = (struct finding){
		.check = audit->check,
		.badness = badness,
		.key = audit->check->key,
		.order = audit->count,
		.index = index,
		.what = format_text_v(audit, format, arguments),
	};
	audit->count++;
	va_end(arguments);
}

void audit_key(struct audit *audit, int key)
{
	if (last(audit))
		last(audit)->key = key;
}

/* What came out of a profile had its variables expanded: a dollar in it is one. */
static const char *double_dollars(struct audit *audit, const char *words)
{
	const char *copy = words;
	struct text text = { 0 };

	if (!strchr(words, '$'))
		return words;
	for (; *words; words++)
		text_add(&text, *words == '$' ? "$$" : "%c", *words);
	copy = text.failed ? NULL : arena_copy(audit->arena, text.data);
	audit->failed |= !copy;
	text_free(&text);
	return copy;
}

void audit_change(struct audit *audit, const char *format, ...)
{
	struct finding *finding = last(audit);
	const char *change = NULL;
	va_list arguments;

	if (!finding || finding->change_count == AUDIT_CHANGES_MAX)
		return;
	va_start(arguments, format);
	change = format_text_v(audit, format, arguments);
	va_end(arguments);
	finding->changes[finding->change_count++] = change ? double_dollars(audit, change) : NULL;
}

void audit_advise(struct audit *audit, const char *format, ...)
{
	struct finding *finding = last(audit);
	va_list arguments;

	if (!finding)
		return;
	va_start(arguments, format);
	finding->advice = format_text_v(audit, format, arguments);
	va_end(arguments);
}

bool audit_has(const struct strings *strings, const char *name)
{
	for (size_t i = 0; i < strings->count; i++)
		if (!strcasecmp(strings->items[i], name))
			return true;
	return false;
}

bool audit_has_namespace(const struct audit *audit, const char *name)
{
	return audit_has(&audit->profile->namespaces, name);
}

bool audit_joins(const struct audit *audit, int namespace)
{
	const struct join_list *list = &audit->profile->join;

	for (size_t i = 0; i < list->count; i++)
		if (list->items[i].namespace == namespace)
			return true;
	return false;
}

/* ---- the sum --------------------------------------------------------------------------------- */

static double share(const struct finding *finding)
{
	return finding->check->weight * finding->badness;
}

static int exposure_of(const struct audit *audit)
{
	double left = 1;

	for (size_t i = 0; i < audit->count; i++)
		left *= 1 - share(&audit->findings[i]) / 10;
	return (int)((1 - left) * 100 + 0.5);
}

static const struct grade *grade_of(int exposure)
{
	const struct grade *grade = grades;

	while (exposure >= grade->below)
		grade++;
	return grade;
}

/* The gravest first; of equals the one judged first. */
static int by_share(const void *a, const void *b)
{
	const struct finding *x = a, *y = b;

	if (share(x) != share(y))
		return share(x) > share(y) ? -1 : 1;
	return x->order < y->order ? -1 : 1;
}

static void ask(struct audit *audit, const struct audit_check *check)
{
	const struct mount_list *mounts = &audit->profile->mounts;

	audit->check = check;
	if (check->judge)
		check->judge(audit);
	for (size_t i = 0; check->judge_mount && i < mounts->count; i++)
		check->judge_mount(audit, &mounts->items[i], (int)i);
}

static int judge(struct audit *audit, struct error *err)
{
	for (const struct audit_table *const *table = audit_tables; *table; table++)
		for (size_t i = 0; i < (*table)->count; i++)
			ask(audit, &(*table)->checks[i]);
	if (audit->failed)
		return fail_errno(err, 0, "cannot keep what was found");
	if (audit->count)
		qsort(audit->findings, audit->count, sizeof(*audit->findings), by_share);
	return 0;
}

/* ---- printing -------------------------------------------------------------------------------- */

static char *changes_text(const struct finding *finding)
{
	struct text text = { 0 };

	for (size_t i = 0; i < finding->change_count; i++) {
		text_add(&text, "%s-s ", i ? " " : "");
		text_add_word(&text, finding->changes[i]);
	}
	if (finding->advice)
		text_add(&text, "%s", finding->advice);
	return text.data;
}

/* Where the value stands, or what it is a default of: an element has its place though it leaves the key unsaid. */
static void place_text(const struct location *place, int index, char *buffer, size_t size)
{
	char line[16] = "";

	if (place->line > 0)
		(void)snprintf(line, sizeof(line), ":%d", place->line);
	if (place->file && (place->written || index >= 0))
		(void)snprintf(buffer, size, "[%s%s: %s%s]", place->file, line, place->path,
			       place->written ? "" : ", by default");
	else
		(void)snprintf(buffer, size, "[default: %s]", place->path);
}

enum { WHAT_COLUMN = 31 };

static void print_finding(const struct audit *audit, const struct page *page, const struct finding *finding,
			  struct text *out)
{
	struct location place = { 0 };
	char lead[64], note[512];
	char *fix = changes_text(finding);
	enum page_style style = share(finding) >= 2 ? STYLE_BAD : share(finding) >= 0.5 ? STYLE_WARN : STYLE_PLAIN;
	const struct page_line head = {
		.lead = lead, .lead_style = style, .start = WHAT_COLUMN, .hang = WHAT_COLUMN, .note = note
	};
	const struct page_line close = {
		.lead = "->", .start = WHAT_COLUMN + 3, .indent = WHAT_COLUMN, .hang = WHAT_COLUMN + 3
	};

	profile_locate(audit->profile, finding->key, finding->index, &place);
	place_text(&place, finding->index, note, sizeof(note));
	(void)snprintf(lead, sizeof(lead), "%4.2f  %s", share(finding), finding->check->id);
	page_line(page, out, &head, "%s", finding->what);
	page_line(page, out, &close, "%s", fix ? fix : "");
	free(fix);
}

static void print_text(const struct audit *audit, int exposure, int threshold, struct text *out)
{
	const struct page page = page_of(STDOUT_FILENO);
	const struct grade *grade = grade_of(exposure);
	const struct page_line plain = { 0 };

	if (!audit->count)
		page_line(&page, out, &plain, "nothing found");
	for (size_t i = 0; i < audit->count; i++)
		print_finding(audit, &page, &audit->findings[i], out);
	text_add(out, "\n%s: exposure %d.%d of 10, ", audit->profile->name, exposure / 10, exposure % 10);
	page_add(&page, out, grade->style, grade->name);
	if (threshold >= 0)
		text_add(out, exposure > threshold ? ", above the threshold %d.%d" : ", not above the threshold %d.%d",
			 threshold / 10, threshold % 10);
	text_add(out, "\n");
}

static void add_number(struct json_object *object, const char *name, double value, int decimals)
{
	char digits[32];

	(void)snprintf(digits, sizeof(digits), "%.*f", decimals, value);
	json_object_object_add(object, name, json_object_new_double_s(value, digits));
}

static struct json_object *finding_json(const struct audit *audit, const struct finding *finding)
{
	struct json_object *object = json_object_new_object(), *changes = json_object_new_array();
	struct location place = { 0 };

	profile_locate(audit->profile, finding->key, finding->index, &place);
	json_add_text(object, "finding", finding->check->id);
	add_number(object, "exposure", share(finding), 2);
	add_number(object, "weight", finding->check->weight, 2);
	json_add_text(object, "what", finding->what);
	json_add_text(object, "why", finding->check->why);
	json_add_text(object, "key", place.path);
	if (place.file && (place.written || finding->index >= 0)) {
		json_add_text(object, "file", place.file);
		json_object_object_add(object, "line", json_object_new_int(place.line));
	}
	json_object_object_add(object, "default", json_object_new_boolean(!place.written));
	for (size_t i = 0; i < finding->change_count; i++)
		json_object_array_add(changes, json_text(finding->changes[i]));
	json_object_object_add(object, "set", changes);
	if (finding->advice)
		json_add_text(object, "advice", finding->advice);
	return object;
}

static void print_json(const struct audit *audit, int exposure, int threshold, struct text *out)
{
	struct json_object *document = json_object_new_object(), *findings = json_object_new_array();

	json_add_text(document, "profile", audit->profile->name);
	add_number(document, "exposure", exposure / 10.0, 1);
	json_add_text(document, "grade", grade_of(exposure)->name);
	if (threshold >= 0) {
		add_number(document, "threshold", threshold / 10.0, 1);
		json_object_object_add(document, "above", json_object_new_boolean(exposure > threshold));
	}
	for (size_t i = 0; i < audit->count; i++)
		json_object_array_add(findings, finding_json(audit, &audit->findings[i]));
	json_object_object_add(document, "findings", findings);
	text_add(out, "%s\n",
		 json_object_to_json_string_ext(document, JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_NOSLASHESCAPE));
	json_object_put(document);
}

int audit_threshold(const char *text, int *ret, struct error *err)
{
	if (!parse_score(text, ret))
		return 0;
	fail(err, 0, "--threshold %s: must be an exposure from 0 to 10, such as 3.5", text);
	return error_exit(err, EXIT_OF_USAGE);
}

int audit_run(const struct profile *profile, bool json, int threshold, bool *ret_above, struct error *err)
{
	struct arena arena = { 0 };
	struct audit audit = { .profile = profile, .arena = &arena };
	struct policy *policy = NULL;
	struct text out = { 0 };
	int exposure = 0, status = policy_make(profile, &arena, &policy, err);

	audit.policy = policy;
	audit.own_users = audit_has_namespace(&audit, "user");
	if (!status)
		status = judge(&audit, err);
	if (!status) {
		exposure = exposure_of(&audit);
		*ret_above = threshold >= 0 && exposure > threshold;
		(json ? print_json : print_text)(&audit, exposure, threshold, &out);
		if (out.failed || fwrite(out.data, 1, out.length, stdout) != out.length || fflush(stdout))
			status = fail_errno(err, 0, "cannot write to standard output");
	}
	text_free(&out);
	arena_free(&arena);
	return status;
}
