/* text: see the header. Parent only, any phase. */
#include "base/text.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool reserve(struct text *text, size_t more)
{
	size_t size = text->size ? text->size : 128;
	char *data = NULL;

	if (text->failed || more >= SIZE_MAX / 4 - text->length)
		return !(text->failed = true);
	if (text->length + more + 1 <= text->size)
		return true;
	while (size < text->length + more + 1)
		size *= 2;
	data = realloc(text->data, size);
	if (!data)
		return !(text->failed = true);
	text->data = data;
	text->size = size;
	return true;
}

void text_add_n(struct text *text, const char *bytes, size_t length)
{
	if (!reserve(text, length))
		return;
	memcpy(text->data + text->length, bytes, length);
	text->length += length;
	text->data[text->length] = '\0';
}

void text_add(struct text *text, const char *format, ...)
{
	va_list arguments;
	int length = 0;

	va_start(arguments, format);
	length = vsnprintf(NULL, 0, format, arguments);
	va_end(arguments);
	if (length < 0 || !reserve(text, (size_t)length)) {
		text->failed = true;
		return;
	}
	va_start(arguments, format);
	(void)vsnprintf(text->data + text->length, (size_t)length + 1, format, arguments);
	va_end(arguments);
	text->length += (size_t)length;
}

void text_add_word(struct text *text, const char *word)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.,:/=@%+-";

	if (*word && word[strspn(word, plain)] == '\0') {
		text_add(text, "%s", word);
		return;
	}
	text_add(text, "'");
	for (; *word; word++)
		text_add(text, *word == '\'' ? "'\\''" : "%c", *word);
	text_add(text, "'");
}

void text_free(struct text *text)
{
	free(text->data);
	*text = (struct text){ 0 };
}
