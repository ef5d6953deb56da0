/* test_verdict: what each end means, and that every record has the fields of schema/verdict.schema.json, of the types
 * it says. No privilege. Run from the top of the tree, where the schema is. */
#include <fcntl.h>
#include <json-c/json.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "run/verdict.h"

/* After our own: it makes a macro of the word fail. */
#include <cmocka.h>

static struct plan plan;
static struct caller caller = { .id = "0123456789abcdef", .name = "web" };
static struct profile profile;

static struct launch launch_of_test(void)
{
	plan.caller = &caller;
	plan.profile = &profile;
	return (struct launch){ .plan = &plan };
}

/* A wait status as waitpid(2) gives it. */
static int exited(int code)
{
	return code << 8;
}

/* What supervise() and undo found, and what it is called. */
struct end {
	const char *name;
	enum verdict found;
	bool running, status_known;
	int wait_status;
	int64_t oom_kills;
	enum verdict verdict;
	int exit_status;
};

static const struct end table[] = {
	{ "zero", VERDICT_EXITED, true, true, 0, 0, VERDICT_EXITED, 0 },
	{ "three", VERDICT_EXITED, true, true, 3 << 8, 0, VERDICT_EXITED, 3 },
	{ "one of our numbers", VERDICT_EXITED, true, true, 123 << 8, 0, VERDICT_EXITED, 123 },
	{ "term", VERDICT_SIGNALED, true, true, SIGTERM, 0, VERDICT_SIGNALED, 143 },
	{ "kill", VERDICT_SIGNALED, true, true, SIGKILL, 0, VERDICT_SIGNALED, 137 },
	{ "kill, no cgroup", VERDICT_SIGNALED, true, true, SIGKILL, -1, VERDICT_SIGNALED, 137 },
	{ "out of memory", VERDICT_SIGNALED, true, true, SIGKILL, 1, VERDICT_MEMORY_LIMIT, 137 },
	{ "a child out of memory", VERDICT_EXITED, true, true, 1 << 8, 1, VERDICT_EXITED, 1 },
	{ "segv beside an oom", VERDICT_SIGNALED, true, true, SIGSEGV, 1, VERDICT_SIGNALED, 139 },
	{ "init out of memory", VERDICT_KILLED, true, false, 0, 1, VERDICT_MEMORY_LIMIT, 137 },
	{ "init killed", VERDICT_KILLED, true, false, 0, 0, VERDICT_KILLED, 137 },
	{ "sigsys", VERDICT_SIGNALED, true, true, SIGSYS, 0, VERDICT_SECCOMP, 159 },
	{ "time", VERDICT_TIME_LIMIT, true, true, SIGTERM, 0, VERDICT_TIME_LIMIT, 124 },
	{ "time and memory", VERDICT_TIME_LIMIT, true, true, SIGKILL, 1, VERDICT_TIME_LIMIT, 124 },
	{ "output", VERDICT_OUTPUT_LIMIT, true, true, SIGKILL, 0, VERDICT_OUTPUT_LIMIT, 124 },
};

static void ends(void **state)
{
	struct launch launch = launch_of_test();

	(void)state;
	plan.seccomp.kills = true;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		const struct end *end = &table[i];
		struct outcome outcome = {
			.verdict = end->found,
			.running = end->running,
			.status_known = end->status_known,
			.wait_status = end->wait_status,
			.usage = USAGE_UNKNOWN,
		};

		outcome.usage.oom_kills = end->oom_kills;
		if (verdict_of(&launch, &outcome) != end->verdict)
			fail_msg("%s: verdict %d", end->name, verdict_of(&launch, &outcome));
		if (verdict_exit_status(&launch, &outcome) != end->exit_status)
			fail_msg("%s: exit status %d", end->name, verdict_exit_status(&launch, &outcome));
	}
	plan.seccomp.kills = false;
}

/* Nobody wonders about a signal that he sent himself. */
static void what_is_said_of_a_kill(void **state)
{
	struct launch launch = launch_of_test();
	struct outcome outcome = { .verdict = VERDICT_KILLED, .running = true, .usage = USAGE_UNKNOWN };
	struct error err = { 0 };

	(void)state;
	assert_true(verdict_explain(&launch, &outcome, &err));
	assert_string_equal(err.what, "the sandbox's first process was killed from outside");
	outcome.running = false;
	assert_true(verdict_explain(&launch, &outcome, &err));
	assert_string_equal(err.what, "the sandbox was killed from outside before its command ran");
	outcome.end_signal = SIGTERM;
	assert_false(verdict_explain(&launch, &outcome, &err));
	outcome = (struct outcome){
		.verdict = VERDICT_SIGNALED, .status_known = true, .wait_status = SIGKILL, .usage = USAGE_UNKNOWN
	};
	assert_true(verdict_explain(&launch, &outcome, &err));
	outcome.running = true;
	assert_false(verdict_explain(&launch, &outcome, &err));
}

static void cpu_time(void **state)
{
	struct launch launch = launch_of_test();
	struct outcome outcome = {
		.verdict = VERDICT_SIGNALED, .running = true, .status_known = true, .usage = USAGE_UNKNOWN
	};

	(void)state;
	plan.rlimits.items[0] = (struct rlimit_entry){ .resource = RLIMIT_CPU, .limit = { 2, 5 } };
	plan.rlimits.count = 1;
	outcome.rusage.ru_utime.tv_sec = 1;
	outcome.rusage.ru_stime.tv_usec = 950000;
	outcome.wait_status = SIGXCPU;
	assert_int_equal(verdict_of(&launch, &outcome), VERDICT_CPU_TIME_LIMIT);
	assert_int_equal(verdict_exit_status(&launch, &outcome), 128 + SIGXCPU);
	outcome.wait_status = SIGKILL; /* that is the hard limit's */
	assert_int_equal(verdict_of(&launch, &outcome), VERDICT_SIGNALED);
	outcome.usage.user_usec = 4000000; /* a virtual machine's host was busy */
	outcome.usage.system_usec = 200000;
	assert_int_equal(verdict_of(&launch, &outcome), VERDICT_CPU_TIME_LIMIT);
	assert_int_equal(verdict_exit_status(&launch, &outcome), 128 + SIGKILL);
	outcome.wait_status = SIGSEGV;
	assert_int_equal(verdict_of(&launch, &outcome), VERDICT_SIGNALED);
	outcome.wait_status = SIGXCPU;
	outcome.usage = USAGE_UNKNOWN;
	outcome.rusage.ru_utime.tv_sec = 0; /* it sent itself the signal */
	assert_int_equal(verdict_of(&launch, &outcome), VERDICT_SIGNALED);
	plan.rlimits.items[0].limit = (struct rlimit){ RLIM_INFINITY, RLIM_INFINITY };
	outcome.rusage.ru_utime.tv_sec = 1000;
	assert_int_equal(verdict_of(&launch, &outcome), VERDICT_SIGNALED);
	plan.rlimits.count = 0;
	assert_int_equal(verdict_of(&launch, &outcome), VERDICT_SIGNALED);
}

static void sigsys_without_a_killing_filter(void **state)
{
	struct launch launch = launch_of_test();
	struct outcome outcome = { .verdict = VERDICT_SIGNALED, .status_known = true, .wait_status = SIGSYS };

	(void)state;
	assert_int_equal(verdict_of(&launch, &outcome), VERDICT_SIGNALED);
	assert_int_equal(verdict_exit_status(&launch, &outcome), 128 + SIGSYS);
}

static void a_launch_that_was_called_off(void **state)
{
	struct launch launch = launch_of_test();
	struct outcome outcome = {
		.verdict = VERDICT_KILLED, .status_known = true, .wait_status = SIGKILL, .end_signal = SIGINT
	};

	(void)state;
	assert_int_equal(verdict_of(&launch, &outcome), VERDICT_KILLED);
	assert_int_equal(verdict_exit_status(&launch, &outcome), 128 + SIGINT);
}

static void a_launch_that_failed(void **state)
{
	struct launch launch = launch_of_test();
	struct outcome outcome = { .verdict = VERDICT_SETUP_FAILED, .failed = true };

	(void)state;
	assert_int_equal(verdict_exit_status(&launch, &outcome), EXIT_OF_INTERNAL);
	outcome.error.exit_status = EXIT_OF_HOST;
	assert_int_equal(verdict_exit_status(&launch, &outcome), EXIT_OF_HOST);
}

/* Everything was killed then: that is no verdict of its own. */
static void a_network_that_was_lost(void **state)
{
	struct launch launch = launch_of_test();
	struct outcome outcome = { .verdict = VERDICT_NETWORK_LOST,
				   .running = true,
				   .failed = true,
				   .network_lost = true,
				   .status_known = true,
				   .wait_status = SIGKILL,
				   .error = { .exit_status = EXIT_OF_STAGE } };

	(void)state;
	assert_int_equal(verdict_of(&launch, &outcome), VERDICT_NETWORK_LOST);
	assert_int_equal(verdict_exit_status(&launch, &outcome), EXIT_OF_STAGE);
}

/* ---- the record against its schema ---------------------------------------------------------------------------------
 */

static bool type_matches(struct json_object *type, struct json_object *value)
{
	const char *name = json_object_get_string(type);

	if (!strcmp(name, "null"))
		return !value;
	if (!strcmp(name, "integer"))
		return json_object_is_type(value, json_type_int);
	if (!strcmp(name, "string"))
		return json_object_is_type(value, json_type_string);
	if (!strcmp(name, "boolean"))
		return json_object_is_type(value, json_type_boolean);
	if (!strcmp(name, "array"))
		return json_object_is_type(value, json_type_array);
	return json_object_is_type(value, json_type_object);
}

static bool one_of(struct json_object *list, struct json_object *value,
		   bool (*matches)(struct json_object *, struct json_object *))
{
	for (size_t i = 0; i < json_object_array_length(list); i++)
		if (matches(json_object_array_get_idx(list, i), value))
			return true;
	return false;
}

static bool equals(struct json_object *a, struct json_object *b)
{
	return json_object_equal(a, b);
}

static void check(struct json_object *schema, struct json_object *value, const char *name);

static void check_object(struct json_object *schema, struct json_object *value)
{
	struct json_object *properties = json_object_object_get(schema, "properties");
	struct json_object *required = json_object_object_get(schema, "required");

	assert_int_equal(json_object_object_length(properties), json_object_array_length(required));
	for (size_t i = 0; i < json_object_array_length(required); i++)
		if (!json_object_object_get_ex(value, json_object_get_string(json_object_array_get_idx(required, i)),
					       NULL))
			fail_msg("no field %s", json_object_get_string(json_object_array_get_idx(required, i)));
	json_object_object_foreach(value, name, field)
	{
		struct json_object *rule = NULL;

		if (!json_object_object_get_ex(properties, name, &rule))
			fail_msg("field %s is not in the schema", name);
		check(rule, field, name);
	}
}

static void check(struct json_object *schema, struct json_object *value, const char *name)
{
	struct json_object *rule = NULL;

	if (json_object_object_get_ex(schema, "type", &rule) && json_object_is_type(rule, json_type_array) &&
	    !one_of(rule, value, type_matches))
		fail_msg("%s: wrong type: %s", name, json_object_to_json_string(value));
	if (rule && json_object_is_type(rule, json_type_string) && !type_matches(rule, value))
		fail_msg("%s: wrong type: %s", name, json_object_to_json_string(value));
	if (json_object_object_get_ex(schema, "enum", &rule) && !one_of(rule, value, equals))
		fail_msg("%s: not a value: %s", name, json_object_to_json_string(value));
	if (json_object_object_get_ex(schema, "const", &rule) && !json_object_equal(rule, value))
		fail_msg("%s: not a value: %s", name, json_object_to_json_string(value));
	if (json_object_is_type(value, json_type_int) && json_object_object_get_ex(schema, "minimum", &rule))
		assert_true(json_object_get_int64(value) >= json_object_get_int64(rule));
	if (json_object_is_type(value, json_type_object))
		check_object(schema, value);
	if (json_object_is_type(value, json_type_array))
		for (size_t i = 0; i < json_object_array_length(value); i++)
			check(json_object_object_get(schema, "items"), json_object_array_get_idx(value, i), name);
}

/* What --status-fd gives to a pipe. */
static struct json_object *record_of(const struct launch *launch, const struct outcome *outcome,
				     const struct diagnostics *diagnostics)
{
	static char text[65536];
	struct verdict_sink sink;
	struct error err = { 0 };
	char number[16];
	int ends_of_pipe[2];
	ssize_t n = 0;

	assert_int_equal(pipe(ends_of_pipe), 0);
	snprintf(number, sizeof(number), "%d", ends_of_pipe[1]);
	assert_int_equal(verdict_open(&sink, NULL, number, &err), 0);
	if (diagnostics)
		assert_int_equal(verdict_write_refusal(&sink, &caller, diagnostics, &err), 0);
	else
		assert_int_equal(verdict_write(&sink, launch, outcome, &err), 0);
	close(ends_of_pipe[1]);
	n = read(ends_of_pipe[0], text, sizeof(text) - 1);
	close(ends_of_pipe[0]);
	assert_true(n > 0);
	text[n] = '\0';
	return json_tokener_parse(text);
}

static struct json_object *schema_file(void)
{
	struct json_object *schema = json_object_from_file("schema/verdict.schema.json");

	if (!schema)
		fail_msg("schema/verdict.schema.json: %s", json_util_get_last_err());
	return schema;
}

static void records_follow_the_schema(void **state)
{
	static struct timings timings;
	struct json_object *schema = schema_file();
	struct launch launch = launch_of_test();
	struct outcome outcomes[] = {
		{ .verdict = VERDICT_EXITED, .running = true, .wait_status = exited(3), .status_known = true },
		{ .verdict = VERDICT_SIGNALED, .running = true, .wait_status = SIGTERM, .status_known = true },
		{ .verdict = VERDICT_KILLED },
		{ .verdict = VERDICT_SETUP_FAILED,
		  .failed = true,
		  .error = { .stage = "mounts", .phase = "enter", .what = "cannot open x", .sys_errno = 2 } },
		{ .verdict = VERDICT_NETWORK_LOST,
		  .running = true,
		  .failed = true,
		  .network_lost = true,
		  .error = { .stage = "network", .phase = "attach", .what = "pasta ended", .exit_status = 123 } },
	};

	(void)state;
	timings.cell[0][PHASE_PLAN] = timings.cell[3][PHASE_ENTER] = 1000;
	launch.timings = &timings;
	plan.degraded[plan.degraded_count++] = "cgroup.memory";
	for (size_t i = 0; i < sizeof(outcomes) / sizeof(outcomes[0]); i++) {
		struct json_object *record = NULL;

		for (int known = 0; known < 2; known++) {
			outcomes[i].usage = known ? (struct usage){ 1, 2, 3, 4, 5, 6, 7, 8 } : USAGE_UNKNOWN;
			record = record_of(&launch, &outcomes[i], NULL);
			check(schema, record, "record");
			json_object_put(record);
		}
	}
	plan.degraded_count = 0;
	json_object_put(schema);
}

static void a_refused_profile_has_a_record(void **state)
{
	struct diagnostic item = { .file = "a.conf", .line = 7, .key = "mounts[2].sorce", .what = "unknown key" };
	struct diagnostics diagnostics = { .items = &item, .count = 1 };
	struct json_object *schema = schema_file(), *record = record_of(NULL, NULL, &diagnostics), *why = NULL;

	(void)state;
	check(schema, record, "record");
	assert_int_equal(json_object_get_int(json_object_object_get(record, "exit_status")), 121);
	why = json_object_object_get(record, "failure");
	assert_string_equal(json_object_get_string(json_object_object_get(why, "key")), "mounts[2].sorce");
	assert_int_equal(json_object_get_int(json_object_object_get(why, "line")), 7);
	json_object_put(record);
	json_object_put(schema);
}

static void every_touched_limit_is_listed(void **state)
{
	struct launch launch = launch_of_test();
	struct outcome outcome = {
		.verdict = VERDICT_TIME_LIMIT, .running = true, .time_limit_hit = true, .output_limit_hit = true
	};
	struct json_object *record = NULL;

	(void)state;
	outcome.usage = (struct usage){ .oom_kills = 1, .pids_max_events = 1, .throttled_usec = 1 };
	record = record_of(&launch, &outcome, NULL);
	assert_string_equal(json_object_to_json_string_ext(json_object_object_get(record, "limits_hit"), 0),
			    "[\"time\",\"output\",\"memory\",\"pids\",\"cpu\"]");
	json_object_put(record);
	outcome.time_limit_hit = outcome.output_limit_hit = false;
	outcome.usage = (struct usage){ 0 };
	record = record_of(&launch, &outcome, NULL);
	assert_string_equal(json_object_to_json_string_ext(json_object_object_get(record, "limits_hit"), 0), "[]");
	json_object_put(record);
}

static void what_is_no_text_stays_json(void **state)
{
	struct launch launch = launch_of_test();
	struct outcome outcome = { .verdict = VERDICT_SETUP_FAILED,
				   .failed = true,
				   .error = { .what = "cannot open \xff\xc3\x28 \xc3\xa4" } };
	struct json_object *record = record_of(&launch, &outcome, NULL);

	(void)state;
	assert_string_equal(json_object_get_string(
				    json_object_object_get(json_object_object_get(record, "failure"), "message")),
			    "cannot open \\xff\\xc3( \xc3\xa4");
	json_object_put(record);
}

static void places_that_cannot_be_written(void **state)
{
	static const char *const numbers[] = { "99", "-1", "x", "", "1 " };
	struct verdict_sink sink;
	struct error err = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		assert_int_equal(verdict_open(&sink, NULL, numbers[i], &err), -1);
		assert_int_equal(err.exit_status, EXIT_OF_USAGE);
	}
	assert_int_equal(verdict_open(&sink, "/nonexistent/record", NULL, &err), -1);
	assert_int_equal(verdict_open(&sink, "/", NULL, &err), -1);
	assert_int_equal(verdict_open(&sink, "/tmp/x", "1", &err), -1);
	assert_int_equal(err.exit_status, EXIT_OF_USAGE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ends),
		cmocka_unit_test(what_is_said_of_a_kill),
		cmocka_unit_test(cpu_time),
		cmocka_unit_test(sigsys_without_a_killing_filter),
		cmocka_unit_test(a_launch_that_was_called_off),
		cmocka_unit_test(a_launch_that_failed),
		cmocka_unit_test(a_network_that_was_lost),
		cmocka_unit_test(records_follow_the_schema),
		cmocka_unit_test(a_refused_profile_has_a_record),
		cmocka_unit_test(every_touched_limit_is_listed),
		cmocka_unit_test(what_is_no_text_stays_json),
		cmocka_unit_test(places_that_cannot_be_written),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
