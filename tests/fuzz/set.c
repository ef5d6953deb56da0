/* set: any bytes behind -s, over the built-in profile. A line is a setting. */
#include "load.h"

enum { SETS_MAX = 16 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *sets[SETS_MAX];
	struct profile_request request = { .sets = sets };
	char *text = malloc(size + 1), *rest = text;

	if (!text)
		abort();
	memcpy(text, data, size);
	text[size] = '\0';
	while (rest && request.set_count < SETS_MAX)
		sets[request.set_count++] = strsep(&rest, "\n");
	load_twice(&request);
	free(text);
	return 0;
}
