/* values: the C types that a profile's values have, by the `type` of a row in schema/profile.schema.
 *
 *   schema type                          C type           remarks
 *   bool                                 bool
 *   int                                  int              min and max stand in the schema
 *   enum                                 int              a constant made by mkschema: MOUNTS_TYPE_BIND for "bind"
 *   id                                   uint32_t         a user or group id, 0..4294967294
 *   mode                                 uint32_t         permission bits
 *   count                                uint64_t
 *   size                                 uint64_t         bytes
 *   duration                             int64_t          nanoseconds; negative only where the row says signed
 *   percent                              int64_t          hundredths of a percent: "50%" = 5000
 *   string text word name hostname path path_inside path_or_tmpfs action scalar interface mac address cidr destination
 *   port_range
 *                                        const char *     NULL when absent and without default
 *   names names_free strings paths command environment capabilities syscalls addresses
 *                                        struct strings   may be written { add; remove; }; names, capabilities and
 *                                                         syscalls are sets, the others keep their order
 *   ints ids ports fds                   struct ints
 *   limit_size limit_count limit_time limit_microseconds
 *                                        struct limit     one value, or { soft; hard; }
 *   list                                 struct X_list    { struct X *items; size_t count; }, X has a field per key
 *
 * A scalar that may be absent and has no default reads as its UNSET value; the word "unlimited" as its UNLIMITED
 * value.
 */
#ifndef PROFILE_VALUES_H
#define PROFILE_VALUES_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define INT_UNSET INT_MIN
#define ID_UNSET UINT32_MAX
#define SIZE_UNSET (UINT64_MAX - 1)
#define SIZE_UNLIMITED UINT64_MAX
#define DURATION_UNSET INT64_MIN
#define DURATION_UNLIMITED INT64_MAX
#define PERCENT_UNSET INT64_MIN
#define PERCENT_UNLIMITED INT64_MAX
#define MODE_UNSET UINT32_MAX

struct strings {
	const char **items;
	size_t count;
};

struct ints {
	int *items;
	size_t count;
};

struct limit {
	uint64_t soft, hard; /* SIZE_UNLIMITED for "unlimited"; both SIZE_UNSET when the key is absent */
};

/* Names that only the stages know; the profile language knows what they look like. Each says whether it knows `name`,
 * and if not writes the nearest name that it knows, or "", into `nearest`. NULL: not asked. */
enum { NEAREST_SIZE = 48 };

struct known_names {
	bool (*capability)(const char *name, char nearest[NEAREST_SIZE]);
	bool (*syscall)(const char *name, char nearest[NEAREST_SIZE]); /* or a set: "@default" */
};

#endif
