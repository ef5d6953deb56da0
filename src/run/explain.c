/* explain: says what the pipeline would do. Runs in the launcher, after plan and instead of everything else.
 *
 * A stage's describe cell adds lines, each with the key it comes from; this file finds the key's place in the
 * profile. What is printed is the table of run/pipeline.c in its order, so that explain cannot drift from what a run
 * does.
 */
#include "run/explain.h"

#include <errno.h>
#include <json-c/json.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"

struct description {
	const struct profile *profile;
	struct json_object *json; /* array of lines; NULL: print */
	struct text text;
};

static void add_json(struct description *out, const char *what, const struct location *place)
{
	struct json_object *line = json_object_new_object();

	json_object_object_add(line, "does", json_object_new_string(what));
	if (place && place->path[0])
		json_object_object_add(line, "key", json_object_new_string(place->path));
	if (place && place->written && place->file) {
		json_object_object_add(line, "file", json_object_new_string(place->file));
		json_object_object_add(line, "line", json_object_new_int(place->line));
	}
	json_object_array_add(out->json, line);
}

enum { PLACE_COLUMN = 72 };

static void add_text(struct description *out, const char *what, const struct location *place)
{
	int width = (int)strlen(what);

	text_add(&out->text, "      %s", what);
	if (place && place->written && place->file)
		text_add(&out->text, "%*s  [%s:%d: %s]", width < PLACE_COLUMN ? PLACE_COLUMN - width : 0, "",
			 place->file, place->line, place->path);
	else if (place && place->path[0])
		text_add(&out->text, "%*s  [default: %s]", width < PLACE_COLUMN ? PLACE_COLUMN - width : 0, "",
			 place->path);
	text_add(&out->text, "\n");
}

void describe(struct description *out, int key, int index, const char *format, ...)
{
	struct location place = { 0 };
	struct error escaped = { 0 };
	char what[ERROR_WHAT_SIZE];
	va_list arguments;

	va_start(arguments, format);
	(void)vsnprintf(what, sizeof(what), format, arguments);
	va_end(arguments);
	fail(&escaped, key, "%s", what); /* for its escaping of control characters */
	if (key)
		profile_locate(out->profile, key, index, &place);
	if (out->json)
		add_json(out, escaped.what, key ? &place : NULL);
	else
		add_text(out, escaped.what, key ? &place : NULL);
}

/* The phases in which a stage has a cell, as words. */
static void stage_phases(const struct stage *stage, const char *ret[PHASE_COUNT])
{
	for (int phase = 0; phase < PHASE_COUNT; phase++)
		ret[phase] = stage_has(stage, (enum phase)phase) ? phase_names[phase] : NULL;
}

static void stage_as_text(const struct plan *plan, const struct stage *stage, struct description *out)
{
	const char *phases[PHASE_COUNT];

	stage_phases(stage, phases);
	text_add(&out->text, "%-13s", stage->name);
	for (int phase = 0; phase < PHASE_COUNT; phase++)
		if (phases[phase])
			text_add(&out->text, " %s", phases[phase]);
	text_add(&out->text, "\n");
	stage->describe(plan, out);
}

static void stage_as_json(const struct plan *plan, const struct stage *stage, struct json_object *stages,
			  struct description *out)
{
	struct json_object *object = json_object_new_object();
	struct json_object *names = json_object_new_array();
	const char *phases[PHASE_COUNT];

	stage_phases(stage, phases);
	for (int phase = 0; phase < PHASE_COUNT; phase++)
		if (phases[phase])
			json_object_array_add(names, json_object_new_string(phases[phase]));
	out->json = json_object_new_array();
	stage->describe(plan, out);
	json_object_object_add(object, "stage", json_object_new_string(stage->name));
	json_object_object_add(object, "phases", names);
	json_object_object_add(object, "lines", out->json);
	json_object_array_add(stages, object);
}

int explain_plan(const struct plan *plan, bool json, struct error *err)
{
	struct description out = { .profile = plan->profile };
	struct json_object *stages = json ? json_object_new_array() : NULL;
	int status = 0;

	for (int row = 0; row < STAGE_COUNT; row++) {
		if (json)
			stage_as_json(plan, &pipeline[row], stages, &out);
		else
			stage_as_text(plan, &pipeline[row], &out);
	}
	if (json)
		text_add(&out.text, "%s\n", json_object_to_json_string_ext(stages, JSON_C_TO_STRING_PRETTY));
	if (out.text.failed || fwrite(out.text.data, 1, out.text.length, stdout) != out.text.length || fflush(stdout))
		status = fail_errno(err, 0, "cannot write to standard output");
	json_object_put(stages);
	text_free(&out.text);
	return status;
}
