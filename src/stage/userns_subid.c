/* userns_subid: reads the files that say which ids are whose. Parent, plan and host columns; changes nothing.
 *
 * subuid(5) is read as text, as newuidmap(1) does without a `subid:` line in nsswitch.conf(5); ranges that only a
 * directory service knows are not seen, and then an explicit map is the way. A line that is not NAME:START:COUNT is
 * passed over: the file is the administrator's, and one bad line must not take everybody's ranges away.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/file.h"
#include "base/parse.h"
#include "stage/userns.h"

enum { FILE_SIZE = 1 << 20, LINE_SIZE = 512 };

const char *userns_read(struct arena *arena, const char *path)
{
	AUTO_FREE char *buffer = malloc(FILE_SIZE);
	ssize_t length = buffer ? read_file_at(AT_FDCWD, path, buffer, FILE_SIZE) : -1;

	if (length < 0)
		return buffer && errno == ENOENT ? "" : NULL;
	return arena_copy_n(arena, buffer, (size_t)length);
}

/* Copies the line at *at into `line` and moves *at behind it; false at the end. A line too long comes out empty. */
static bool next_line(const char **at, char line[LINE_SIZE])
{
	size_t length = strcspn(*at, "\n");

	if (!**at)
		return false;
	line[0] = '\0';
	if (length < LINE_SIZE) {
		memcpy(line, *at, length);
		line[length] = '\0';
	}
	*at += length + ((*at)[length] == '\n');
	return true;
}

static size_t count_lines(const char *text)
{
	size_t count = 1;

	for (; *text; text++)
		count += *text == '\n';
	return count;
}

static int parse_id(const char *text, uint32_t min, uint32_t *ret)
{
	uint64_t value = 0;

	if (parse_unsigned(text, min, UINT32_MAX, &value))
		return -1;
	*ret = (uint32_t)value;
	return 0;
}

/* Splits NAME:START:COUNT; false when it is something else. */
static bool split(char *line, char **owner, struct id_range *range)
{
	char *start = strchr(line, ':');
	char *count = start ? strchr(start + 1, ':') : NULL;

	if (!count)
		return false;
	*start++ = '\0';
	*count++ = '\0';
	*owner = line;
	return !parse_id(start, 0, &range->start) && !parse_id(count, 1, &range->count) &&
	       range->count <= UINT32_MAX - range->start;
}

static bool owned(const char *word, const struct subid_owner *owner)
{
	uint32_t number = 0;

	if (owner->id == ID_UNSET || (owner->name && !strcmp(word, owner->name)))
		return true;
	return !parse_id(word, 0, &number) && number == owner->id;
}

int subid_parse(struct arena *arena, const char *text, const struct subid_owner *owner, struct id_ranges *ret)
{
	char line[LINE_SIZE];

	*ret = (struct id_ranges){ .items = arena_array(arena, count_lines(text), sizeof(*ret->items)) };
	if (!ret->items)
		return -1;
	while (next_line(&text, line)) {
		struct id_range range = { 0 };
		char *word = NULL;

		if (split(line, &word, &range) && owned(word, owner))
			ret->items[ret->count++] = range;
	}
	return 0;
}

static int parse_map_line(char *line, struct id_map *ret)
{
	uint32_t *fields[] = { &ret->inside, &ret->outside, &ret->count };
	char *rest = NULL;

	for (size_t i = 0; i < 3; i++) {
		const char *word = strtok_r(i ? NULL : line, " \t", &rest);

		if (!word || parse_id(word, i == 2, fields[i]))
			return -1;
	}
	return 0;
}

int id_maps_parse(struct arena *arena, const char *text, struct id_maps *ret)
{
	struct id_map *items = arena_array(arena, count_lines(text), sizeof(*items));
	char line[LINE_SIZE];
	size_t count = 0;

	if (!items)
		return -1;
	for (; next_line(&text, line); count++) {
		if (parse_map_line(line, &items[count])) {
			errno = EINVAL;
			return -1;
		}
	}
	*ret = (struct id_maps){ .items = items, .count = count };
	return 0;
}
