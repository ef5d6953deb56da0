/* profile: any bytes as a profile. */
#include "load.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *path = write_profile(data, size);
	struct profile_request request = { .profiles = &path, .profile_count = 1 };

	load_twice(&request);
	return 0;
}
