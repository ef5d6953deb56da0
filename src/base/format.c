/* format: see the header. Runs in both processes; in the child it is the only way to make text. */
#include "base/format.h"

#include <stdbool.h>
#include <stdint.h>

struct output {
	char *at, *end; /* end: where the NUL will stand at the latest */
	bool cut;
};

CHILD static void put(struct output *out, char c)
{
	if (out->at < out->end)
		*out->at++ = c;
	else
		out->cut = true;
}

CHILD static void put_string(struct output *out, const char *text)
{
	for (text = text ? text : "(none)"; *text; text++)
		put(out, *text);
}

CHILD static void put_number(struct output *out, uintmax_t value, unsigned base)
{
	char digits[sizeof(value) * 8 / 3 + 1];
	int count = 0;

	do {
		digits[count++] = "0123456789abcdef"[value % base];
		value /= base;
	} while (value);
	while (count)
		put(out, digits[--count]);
}

CHILD static void put_signed(struct output *out, intmax_t value)
{
	if (value < 0)
		put(out, '-');
	put_number(out, value < 0 ? -(uintmax_t)value : (uintmax_t)value, 10);
}

/* One conversion; `letter` points behind the '%'. Returns the position of the conversion's last character. */
CHILD static const char *put_conversion(struct output *out, const char *letter, va_list *arguments)
{
	bool wide = false;

	for (; *letter == 'l' || *letter == 'z'; letter++)
		wide = true;
	switch (*letter) {
	case 's':
		put_string(out, va_arg(*arguments, const char *));
		break;
	case 'd':
		put_signed(out, wide ? va_arg(*arguments, long) : va_arg(*arguments, int));
		break;
	case 'u':
	case 'o':
	case 'x':
		put_number(out, wide ? va_arg(*arguments, unsigned long) : va_arg(*arguments, unsigned),
			   *letter == 'u'   ? 10
			   : *letter == 'o' ? 8
					    : 16);
		break;
	case 'c':
		put(out, (char)va_arg(*arguments, int));
		break;
	default:
		put(out, '%');
	}
	return letter;
}

CHILD size_t format_text_v(char *out, size_t size, const char *format, va_list arguments)
{
	struct output output = { .at = out, .end = out + size - 1 };
	va_list copy;

	va_copy(copy, arguments);
	for (; *format; format++) {
		if (*format == '%' && format[1])
			format = put_conversion(&output, format + 1, &copy);
		else
			put(&output, *format);
	}
	va_end(copy);
	for (int dot = 0; output.cut && dot < 3 && dot < output.end - out; dot++)
		output.end[-1 - dot] = '.';
	*output.at = '\0';
	return (size_t)(output.at - out);
}

CHILD size_t format_text(char *out, size_t size, const char *format, ...)
{
	va_list arguments;
	size_t length = 0;

	va_start(arguments, format);
	length = format_text_v(out, size, format, arguments);
	va_end(arguments);
	return length;
}
