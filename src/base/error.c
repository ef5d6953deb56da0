/* error: fills the record that travels. Runs in both processes, in any phase; prints nothing and never exits. */
#include "base/error.h"

#include <errno.h>
#include <stdarg.h>
#include <stddef.h>

#include "base/child.h"
#include "base/format.h"

/* Copies `from` so that no byte below space (nor DEL) survives: names come from hostile trees and go to terminals.
 * A text too long loses its tail. */
CHILD static void escape(char *to, size_t size, const char *from)
{
	static const char hex[] = "0123456789abcdef";
	char *end = to + size - 1;

	for (; *from; from++) {
		unsigned char c = (unsigned char)*from;

		if (c >= ' ' && c != 0x7f) {
			if (end - to < 1)
				break;
			*to++ = (char)c;
			continue;
		}
		if (end - to < 4)
			break;
		*to++ = '\\';
		*to++ = 'x';
		*to++ = hex[c >> 4];
		*to++ = hex[c & 15];
	}
	*to = '\0';
}

CHILD static void begin(struct error *err, int key, int index, int sys_errno)
{
	*err = (struct error){ .key = key, .index = index, .sys_errno = sys_errno };
}

CHILD static void say(struct error *err, const char *format, va_list arguments)
{
	char text[ERROR_WHAT_SIZE];

	format_text_v(text, sizeof(text), format, arguments);
	escape(err->what, sizeof(err->what), text);
}

CHILD int fail(struct error *err, int key, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	begin(err, key, -1, 0);
	say(err, format, arguments);
	va_end(arguments);
	return -1;
}

CHILD int fail_errno(struct error *err, int key, const char *format, ...)
{
	int saved = errno;
	va_list arguments;

	va_start(arguments, format);
	begin(err, key, -1, saved);
	say(err, format, arguments);
	va_end(arguments);
	return -1;
}

CHILD int fail_at(struct error *err, int key, int index, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	begin(err, key, index, 0);
	say(err, format, arguments);
	va_end(arguments);
	return -1;
}

CHILD int fail_errno_at(struct error *err, int key, int index, const char *format, ...)
{
	int saved = errno;
	va_list arguments;

	va_start(arguments, format);
	begin(err, key, index, saved);
	say(err, format, arguments);
	va_end(arguments);
	return -1;
}

CHILD int error_exit(struct error *err, enum exit_status status)
{
	err->exit_status = status;
	return -1;
}

CHILD int error_remedy(struct error *err, const char *format, ...)
{
	char text[ERROR_REMEDY_SIZE];
	va_list arguments;

	va_start(arguments, format);
	format_text_v(text, sizeof(text), format, arguments);
	va_end(arguments);
	escape(err->remedy, sizeof(err->remedy), text);
	return -1;
}
