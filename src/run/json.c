/* json: see the header. Runs in the launcher, and in the commands that answer in JSON. */
#include "run/json.h"

#include "base/text.h"

/* Length of the UTF-8 character at `text`, 0 when there is none: JSON is UTF-8, file names need not be. */
static size_t character_length(const unsigned char *text)
{
	size_t length = text[0] < 0x80 ? 1 : text[0] < 0xc2 ? 0 : text[0] < 0xe0 ? 2 : text[0] < 0xf0 ? 3 : 4;

	if (text[0] > 0xf4 || (text[0] == 0xe0 && text[1] < 0xa0) || (text[0] == 0xed && text[1] > 0x9f) ||
	    (text[0] == 0xf0 && text[1] < 0x90) || (text[0] == 0xf4 && text[1] > 0x8f))
		return 0;
	for (size_t i = 1; i < length; i++)
		if ((text[i] & 0xc0) != 0x80)
			return 0;
	return length;
}

struct json_object *json_text(const char *text)
{
	struct text clean = { 0 };
	struct json_object *string = NULL;

	while (text && *text) {
		size_t length = character_length((const unsigned char *)text);

		if (length)
			text_add_n(&clean, text, length);
		else
			text_add(&clean, "\\x%02x", (unsigned char)*text);
		text += length ? length : 1;
	}
	string = clean.length ? json_object_new_string_len(clean.data, (int)clean.length) : NULL;
	text_free(&clean);
	return string;
}

void json_add_text(struct json_object *object, const char *name, const char *text)
{
	json_object_object_add(object, name, json_text(text));
}

void json_add_number(struct json_object *object, const char *name, int64_t number)
{
	json_object_object_add(object, name, number < 0 ? NULL : json_object_new_int64(number));
}
