/* explain: says what the pipeline would do. Runs in the launcher, after plan and instead of everything else.
 *
 * A stage's describe cell adds lines, each with the key it comes from, and what it needs of the kernel; this file finds
 * the key's place in the profile and the layer that said it last. What is printed is the table of run/pipeline.c in its
 * order, from the plan that a run would carry out, so that explain cannot drift from what a run does; a test compares
 * it with the system calls of one.
 */
#include "tell/explain.h"

#include <errno.h>
#include <json-c/json.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/page.h"
#include "run/json.h"

enum { NEEDS_MAX = 32, MEMBERS_MAX = 32 };

struct description {
	const struct profile *profile;
	struct page page;
	struct json_object *json; /* array of lines; NULL: print */
	struct text text;
	char *needs[NEEDS_MAX]; /* of the stage that is describing itself */
	size_t need_count;
	bool failed; /* memory is out */
};

static const char *const layer_names[LAYER_COUNT] = {
	[LAYER_DEFAULT] = "default",
	[LAYER_EXTENDED] = "extended",
	[LAYER_PROFILE] = "profile",
	[LAYER_COMMAND_LINE] = "command-line",
};

/* ---- lines ----------------------------------------------------------------------------------- */

static bool same_place(const struct location *a, const struct location *b)
{
	return a->layer == b->layer && a->line == b->line &&
	       (a->file == b->file || (a->file && b->file && !strcmp(a->file, b->file)));
}

/* What a line is about: the place of its key and, where that is in an element of a list, those of the element's keys
 * that another layer or line says. */
struct places {
	struct location key, members[MEMBERS_MAX];
	size_t member_count;
};

static void find_places(const struct profile *profile, int key, int index, struct places *ret)
{
	size_t count = 0;

	ret->member_count = 0;
	profile_locate(profile, key, index, &ret->key);
	if (!ret->key.written)
		return;
	count = profile_locate_members(profile, key, index, ret->members, MEMBERS_MAX);
	for (size_t i = 0; i < count; i++)
		if (ret->members[i].written && !same_place(&ret->members[i], &ret->key))
			ret->members[ret->member_count++] = ret->members[i];
}

static void add_json_place(struct json_object *to, const struct location *place)
{
	if (place->path[0]) {
		json_add_text(to, "key", place->path);
		json_object_object_add(to, "layer", json_object_new_string(layer_names[place->layer]));
	}
	if (place->written && place->file) {
		json_add_text(to, "file", place->file);
		json_object_object_add(to, "line", json_object_new_int(place->line));
	}
}

static void add_json(struct description *out, const char *what, const struct places *places)
{
	struct json_object *line = json_object_new_object(), *members = json_object_new_array();

	json_add_text(line, "does", what);
	if (places)
		add_json_place(line, &places->key);
	for (size_t i = 0; places && i < places->member_count; i++) {
		struct json_object *member = json_object_new_object();

		add_json_place(member, &places->members[i]);
		json_object_array_add(members, member);
	}
	if (json_object_array_length(members))
		json_object_object_add(line, "elsewhere", members);
	else
		json_object_put(members);
	json_object_array_add(out->json, line);
}

/* "extended FILE:LINE", "command line", "default". */
static void add_place(struct text *to, const struct location *place)
{
	if (place->layer == LAYER_DEFAULT || !place->file) {
		text_add(to, "default");
		return;
	}
	text_add(to, "%s%s", place->layer == LAYER_EXTENDED ? "extended " : "", place->file);
	if (place->line > 0)
		text_add(to, ":%d", place->line);
}

/* "[FILE:LINE: key]", with the layer in front where it is not the profile itself, and behind it what of an element is
 * said elsewhere: "; size: command line; mode, uid: extended FILE:LINE". */
static void add_places(struct text *to, const struct places *places)
{
	text_add(to, "[");
	add_place(to, &places->key);
	text_add(to, ": %s", places->key.path);
	for (size_t i = 0; i < places->member_count; i++) {
		const struct location *member = &places->members[i];

		text_add(to, "%s%s", i && same_place(member, member - 1) ? ", " : "; ", member->path);
		if (i + 1 < places->member_count && same_place(member, member + 1))
			continue;
		text_add(to, ": ");
		add_place(to, member);
	}
	text_add(to, "]");
}

enum { INDENT = 6, HANG = 8 };

static void add_text(struct description *out, const char *what, const struct places *places)
{
	struct text note = { 0 };
	struct page_line line = { .indent = INDENT, .start = INDENT, .hang = HANG };

	if (places && places->key.path[0])
		add_places(&note, places);
	line.note = note.data;
	page_line(&out->page, &out->text, &line, "%s", what);
	out->failed |= note.failed;
	text_free(&note);
}

void describe(struct description *out, int key, int index, const char *format, ...)
{
	struct places places;
	va_list arguments;
	char *what = NULL;

	va_start(arguments, format);
	if (vasprintf(&what, format, arguments) < 0)
		what = NULL;
	va_end(arguments);
	if (key)
		find_places(out->profile, key, index, &places);
	if (!what)
		out->failed = true;
	else if (out->json)
		add_json(out, what, key ? &places : NULL);
	else
		add_text(out, what, key ? &places : NULL);
	free(what);
}

void describe_words(struct description *out, int key, const struct strings *words, const char *what)
{
	struct text line = { 0 };

	for (size_t i = 0, first = 0; i < words->count; i++) {
		struct location here, next;

		text_add(&line, "%s%s", line.length ? " " : "", words->items[i]);
		profile_locate(out->profile, key, (int)i, &here);
		profile_locate(out->profile, key, (int)i + 1, &next);
		if (i + 1 < words->count && same_place(&here, &next))
			continue;
		describe(out, key, (int)first, "%s %s", what, line.data ? line.data : "");
		out->failed |= line.failed;
		text_free(&line);
		line = (struct text){ 0 };
		first = i + 1;
	}
}

void describe_need(struct description *out, const char *format, ...)
{
	va_list arguments;
	char *need = NULL;

	va_start(arguments, format);
	if (vasprintf(&need, format, arguments) < 0)
		need = NULL;
	va_end(arguments);
	for (size_t i = 0; need && i < out->need_count; i++)
		if (!strcmp(out->needs[i], need)) {
			free(need);
			return;
		}
	if (need && out->need_count < NEEDS_MAX) {
		out->needs[out->need_count++] = need;
		return;
	}
	free(need);
	out->failed = true;
}

static void forget_needs(struct description *out)
{
	while (out->need_count)
		free(out->needs[--out->need_count]);
}

/* ---- stages ---------------------------------------------------------------------------------- */

static void stage_as_text(const struct plan *plan, const struct stage *stage, struct description *out)
{
	struct text needs = { 0 };
	const struct page_line line = { .lead = "needs", .lead_style = STYLE_DIM, .indent = INDENT, .hang = HANG + 4 };

	if (out->text.length)
		text_add(&out->text, "\n");
	page_add(&out->page, &out->text, STYLE_HEADING, stage->name);
	text_add(&out->text, "%*s", (int)(13 - strlen(stage->name)), "");
	for (int phase = 0; phase < PHASE_COUNT; phase++)
		if (stage_has(stage, (enum phase)phase))
			text_add(&out->text, " %s", phase_names[phase]);
	text_add(&out->text, "\n");
	stage->describe(plan, out);
	for (size_t i = 0; i < out->need_count; i++)
		text_add(&needs, "%s%s", i ? "; " : "", out->needs[i]);
	if (needs.length)
		page_line(&out->page, &out->text, &line, "%s", needs.data);
	out->failed |= needs.failed;
	text_free(&needs);
}

static void stage_as_json(const struct plan *plan, const struct stage *stage, struct json_object *stages,
			  struct description *out)
{
	struct json_object *object = json_object_new_object();
	struct json_object *names = json_object_new_array(), *needs = json_object_new_array();

	for (int phase = 0; phase < PHASE_COUNT; phase++)
		if (stage_has(stage, (enum phase)phase))
			json_object_array_add(names, json_object_new_string(phase_names[phase]));
	out->json = json_object_new_array();
	stage->describe(plan, out);
	for (size_t i = 0; i < out->need_count; i++)
		json_object_array_add(needs, json_text(out->needs[i]));
	json_object_object_add(object, "stage", json_object_new_string(stage->name));
	json_object_object_add(object, "phases", names);
	json_object_object_add(object, "needs", needs);
	json_object_object_add(object, "lines", out->json);
	json_object_array_add(stages, object);
}

static void add_document(struct json_object *document, struct text *text)
{
	text_add(text, "%s\n",
		 json_object_to_json_string_ext(document, JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_NOSLASHESCAPE));
}

int explain_plan(const struct plan *plan, bool json, struct error *err)
{
	struct description out = { .profile = plan->profile, .page = page_of(STDOUT_FILENO) };
	struct json_object *document = json_object_new_object(), *stages = json_object_new_array();
	int status = 0;

	json_object_object_add(document, "profile", json_object_new_string(plan->profile->name));
	json_object_object_add(document, "stages", stages);
	for (int row = 0; row < STAGE_COUNT; row++) {
		if (json)
			stage_as_json(plan, &pipeline[row], stages, &out);
		else
			stage_as_text(plan, &pipeline[row], &out);
		forget_needs(&out);
	}
	if (json)
		add_document(document, &out.text);
	if (out.failed || out.text.failed || fwrite(out.text.data, 1, out.text.length, stdout) != out.text.length ||
	    fflush(stdout))
		status = fail_errno(err, 0, "cannot write to standard output");
	json_object_put(document);
	text_free(&out.text);
	return status;
}
