/* text: a string that grows. Parent only. */
#ifndef BASE_TEXT_H
#define BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>

/* Zero-initialised is empty. `data` is NUL-terminated once anything was added, NULL before. A failed allocation sets
 * `failed` and leaves the text as it was: check once, at the end. */
struct text {
	char *data;
	size_t length, size;
	bool failed;
};

void text_add(struct text *text, const char *format, ...) __attribute__((format(printf, 2, 3)));
void text_add_n(struct text *text, const char *bytes, size_t length);
/* Adds `word` as a shell would be given it: in quotes where it needs some. */
void text_add_word(struct text *text, const char *word);

void text_free(struct text *text);

#endif
