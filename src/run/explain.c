/* explain: says what the pipeline would do. Runs in the launcher, after plan and instead of everything else.
 *
 * A stage's describe cell adds lines, each with the key it comes from, and what it needs of the kernel; this file finds
 * the key's place in the profile and the layer that said it last. What is printed is the table of run/pipeline.c in its
 * order, from the plan that a run would carry out, so that explain cannot drift from what a run does; a test compares
 * it with the system calls of one.
 */
#include "run/explain.h"

#include <errno.h>
#include <json-c/json.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/page.h"

enum { NEEDS_MAX = 32 };

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

static void add_json(struct description *out, const char *what, const struct location *place)
{
	struct json_object *line = json_object_new_object();

	json_object_object_add(line, "does", json_object_new_string(what));
	if (place && place->path[0]) {
		json_object_object_add(line, "key", json_object_new_string(place->path));
		json_object_object_add(line, "layer", json_object_new_string(layer_names[place->layer]));
	}
	if (place && place->written && place->file) {
		json_object_object_add(line, "file", json_object_new_string(place->file));
		json_object_object_add(line, "line", json_object_new_int(place->line));
	}
	json_object_array_add(out->json, line);
}

/* "[FILE:LINE: key]", with the layer in front where it is not the profile itself. */
static void place_text(const struct location *place, char *buffer, size_t size)
{
	const char *extended = place->layer == LAYER_EXTENDED ? "extended " : "";

	if (place->layer == LAYER_DEFAULT || !place->file)
		(void)snprintf(buffer, size, "[default: %s]", place->path);
	else if (place->line > 0)
		(void)snprintf(buffer, size, "[%s%s:%d: %s]", extended, place->file, place->line, place->path);
	else
		(void)snprintf(buffer, size, "[%s%s: %s]", extended, place->file, place->path);
}

enum { INDENT = 6, HANG = 8 };

static void add_text(struct description *out, const char *what, const struct location *place)
{
	char note[512] = "";
	const struct page_line line = { .indent = INDENT, .start = INDENT, .hang = HANG, .note = note };

	if (place && place->path[0])
		place_text(place, note, sizeof(note));
	page_line(&out->page, &out->text, &line, "%s", what);
}

void describe(struct description *out, int key, int index, const char *format, ...)
{
	struct location place = { 0 };
	va_list arguments;
	char *what = NULL;

	va_start(arguments, format);
	if (vasprintf(&what, format, arguments) < 0)
		what = NULL;
	va_end(arguments);
	if (key)
		profile_locate(out->profile, key, index, &place);
	if (!what)
		out->failed = true;
	else if (out->json)
		add_json(out, what, key ? &place : NULL);
	else
		add_text(out, what, key ? &place : NULL);
	free(what);
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
		json_object_array_add(needs, json_object_new_string(out->needs[i]));
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
