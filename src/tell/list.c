/* list: the sandboxes of this user that run.
 *
 * Runs in the command. It reads the register (run/registry.c), which removes the entries of launchers that are gone.
 * Names and commands are texts of other profiles, and are escaped before a terminal sees them (base/page.h).
 */
#include "tell/list.h"

#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/page.h"
#include "run/json.h"
#include "run/registry.h"

enum { ID_WIDTH = REGISTRY_ID_LENGTH + 2, NAME_WIDTH = 18, PID_WIDTH = 9, AGE_WIDTH = 6, AGE_SIZE = 24 };

static int64_t age_of(const struct registered *item)
{
	struct timespec now = { 0 };
	int64_t age = 0;

	(void)clock_gettime(CLOCK_REALTIME, &now);
	age = now.tv_sec - item->started / NSEC_PER_SEC;
	return item->started < 0 || age < 0 ? 0 : age;
}

/* "59s", "59m", "23h", "99d". */
static const char *age_text(int64_t seconds, char to[AGE_SIZE])
{
	static const struct {
		int64_t seconds;
		char unit;
	} units[] = { { 86400, 'd' }, { 3600, 'h' }, { 60, 'm' }, { 1, 's' } };
	size_t i = 0;

	while (i < sizeof(units) / sizeof(units[0]) - 1 && seconds < units[i].seconds)
		i++;
	(void)snprintf(to, AGE_SIZE, "%lld%c", (long long)(seconds / units[i].seconds), units[i].unit);
	return to;
}

static void add_cell(const struct page *page, struct text *out, const char *words, size_t width)
{
	size_t columns = page_columns(words);

	page_add(page, out, STYLE_PLAIN, words);
	text_add(out, "%*s", columns < width ? (int)(width - columns) : 1, "");
}

/* What is left of a line is the command's: cut where it does not fit, between characters. */
static void add_command(const struct page *page, struct text *out, const char *command, size_t used)
{
	char text[PAGE_WIDTH * 4 + 1];
	size_t room = page->width > used ? page->width - used : 0, length = strnlen(command, sizeof(text) - 1);

	(void)snprintf(text, sizeof(text), "%.*s", (int)length, command);
	while (length && page_columns(text) > room) {
		for (length--; length && ((unsigned char)text[length] & 0xc0) == 0x80; length--)
			;
		text[length] = '\0';
	}
	page_add(page, out, STYLE_PLAIN, text);
	text_add(out, "\n");
}

static void add_line(const struct page *page, struct text *out, const struct registered *item)
{
	size_t start = out->length;
	char number[24], age[AGE_SIZE];

	add_cell(page, out, item->id, ID_WIDTH);
	add_cell(page, out, item->name, NAME_WIDTH); /* whole: it is what the other commands are given */
	(void)snprintf(number, sizeof(number), "%lld", (long long)item->pid);
	add_cell(page, out, number, PID_WIDTH);
	add_cell(page, out, age_text(age_of(item), age), AGE_WIDTH);
	add_command(page, out, item->command, out->length - start);
}

static int print_text(const struct registered_list *list, struct error *err)
{
	const struct page page = page_of(STDOUT_FILENO);
	struct text out = { 0 };
	int status = 0;

	if (list->count) {
		char head[PAGE_WIDTH];

		(void)snprintf(head, sizeof(head), "%-*s%-*s%-*s%-*sCOMMAND", ID_WIDTH, "ID", NAME_WIDTH, "NAME",
			       PID_WIDTH, "PID", AGE_WIDTH, "AGE");
		page_add(&page, &out, STYLE_HEADING, head);
		text_add(&out, "\n");
	}
	for (size_t i = 0; i < list->count; i++)
		add_line(&page, &out, &list->items[i]);
	if (out.failed || (out.length && fputs(out.data, stdout) < 0) || fflush(stdout))
		status = fail_errno(err, 0, "cannot print the list");
	text_free(&out);
	return status;
}

static int print_json(const struct registered_list *list, struct error *err)
{
	struct json_object *array = json_object_new_array();
	int status = 0;

	for (size_t i = 0; i < list->count; i++) {
		const struct registered *item = &list->items[i];
		struct json_object *object = json_object_new_object();

		json_add_text(object, "id", item->id);
		json_add_text(object, "name", item->name);
		json_add_number(object, "pid", item->pid);
		json_add_number(object, "uid", item->uid);
		json_add_number(object, "age_s", age_of(item));
		json_add_text(object, "profile", item->profile);
		json_add_text(object, "command", item->command);
		json_object_object_add(object, "exec", json_object_new_boolean(item->exec));
		json_object_array_add(array, object);
	}
	if (puts(json_object_to_json_string_ext(array, JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_NOSLASHESCAPE)) < 0 ||
	    fflush(stdout))
		status = fail_errno(err, 0, "cannot print the list");
	json_object_put(array);
	return status;
}

int list_run(bool json, struct error *err)
{
	struct registered_list list = { 0 };
	struct registry registry;
	struct arena arena = { 0 };
	int status = registry_open(&registry, false, err);

	if (status < 0)
		return error_exit(err, EXIT_OF_HOST);
	if (!status)
		status = registry_list(&registry, &arena, &list, err);
	else
		status = 0;
	if (!status)
		status = json ? print_json(&list, err) : print_text(&list, err);
	if (list.odd)
		(void)fprintf(stderr, "sandbox: %zu entries of %s are none of ours, and were left alone\n", list.odd,
			      registry.path);
	registry_close(&registry);
	arena_free(&arena);
	return status;
}
