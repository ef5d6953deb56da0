/* seccomp_cache: keeps the filters of users' own rules from one run to the next.
 *
 * Parent: loads in plan, stores in host, so that check and explain write nothing. The place is
 * /var/cache/sandbox/filters for root and $XDG_RUNTIME_DIR/sandbox/filters for others; where there is none, nothing
 * is kept.
 *
 * A file is used only if nothing about it is in doubt: it lies in directories of our own that nobody else can write;
 * it is a regular file, ours, mode 0600, with one link and exactly the size that its header promises; the header
 * names this build's tables and code; the text it carries is the profile's, byte for byte; the checksum is right.
 * Anything else is as good as no file: the rules are compiled, and the file is replaced. So a file that is cut short,
 * damaged, of another build, of other rules or of another user has no effect.
 *
 * A checksum stops no forger, so a payload must never be able to write here (CVE-2019-12589 was such a file). That is
 * why the place is not below the home directory, which profiles do bind: who has the runtime directory to write has
 * the user's session bus and needs no forged filter, who has root's /var/cache is root of the host.
 *
 * The place of a file is a number between 0 and 63 made of the text: a text that lands where another lies replaces it,
 * and the cache never grows beyond 64 files.
 *
 * Needs O_TMPFILE (open(2)) and /proc for storing: a file appears whole or not at all, and nothing is left of a store
 * that fails. Where they are missing nothing is kept.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "base/environ.h"
#include "base/fd.h"
#include "base/file.h"
#include "base/format.h"
#include "stage/seccomp_filters.h"
#include "stage/seccomp_tables.h"

enum { SLOTS = 64, FILE_SIZE_MAX = 256 * 1024 };

/* What a file begins with; behind it text_length bytes of text, then the filter. Of the machine's own byte order and
 * layout: a file of another is another build's. */
struct cache_header {
	char magic[8];
	char version[24];
	uint32_t text_length, filter_length;
	uint64_t checksum; /* of all the rest of the file */
};

static const char magic[8] = "sbfilter";

/* FNV-1a. It finds damage, not malice. */
static uint64_t checksum(uint64_t sum, const void *data, size_t length)
{
	for (const unsigned char *p = data; length; length--)
		sum = (sum ^ *p++) * 0x100000001b3;
	return sum;
}

static uint64_t file_checksum(const struct cache_header *header, const char *text, const void *filter)
{
	struct cache_header blank = *header;
	uint64_t sum = 0;

	blank.checksum = 0;
	sum = checksum(0xcbf29ce484222325, &blank, sizeof(blank));
	sum = checksum(sum, text, header->text_length);
	return checksum(sum, filter, header->filter_length * sizeof(struct sock_filter));
}

static void slot_name(const char *text, size_t length, char *name, size_t size)
{
	format_text(name, size, "%u", (unsigned)(checksum(0xcbf29ce484222325, text, length) % SLOTS));
}

/* The directory in which ours lies, or is made. -1: the caller has none. */
static int open_base(const struct caller *caller)
{
	const char *runtime = environ_get(caller->environ, "XDG_RUNTIME_DIR");

	if (caller->uid == 0)
		return open("/var/cache", O_PATH | O_DIRECTORY | O_CLOEXEC);
	return runtime && *runtime == '/' ? open(runtime, O_PATH | O_DIRECTORY | O_CLOEXEC) : -1;
}

/* A directory of ours below `dirfd` that only we can write; made first if `make`. */
static int open_own(int dirfd, const char *name, const struct caller *caller, bool make)
{
	AUTO_CLOSE int fd = -1;
	struct stat st;

	if (make && mkdirat(dirfd, name, 0700) && errno != EEXIST)
		return -1;
	fd = openat(dirfd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) || st.st_uid != caller->uid || st.st_mode & 022)
		return -1;
	return TAKE_FD(fd);
}

static int open_directory(const struct caller *caller, bool make)
{
	AUTO_CLOSE int base = open_base(caller), own = -1;

	if (base < 0)
		return -1;
	own = open_own(base, "sandbox", caller, make);
	return own < 0 ? -1 : open_own(own, "filters", caller, make);
}

/* The whole file in memory of the arena, or NULL. */
static const char *read_slot(int directory, const char *name, const struct caller *caller, struct arena *arena,
			     size_t *ret_size)
{
	AUTO_CLOSE int fd = openat(directory, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	struct stat st;
	char *data = NULL;
	size_t size = 0;

	if (fd < 0 || fstat(fd, &st) || !S_ISREG(st.st_mode) || st.st_uid != caller->uid || st.st_nlink != 1 ||
	    (st.st_mode & 07777) != 0600 || st.st_size < (off_t)sizeof(struct cache_header) ||
	    st.st_size > FILE_SIZE_MAX)
		return NULL;
	size = (size_t)st.st_size;
	data = arena_alloc(arena, size + 2); /* one byte more than it may hold, and read_fd's NUL */
	if (!data || read_fd(fd, data, size + 2) != (ssize_t)size)
		return NULL;
	*ret_size = size;
	return data;
}

const struct sock_filter *cache_load(const struct caller *caller, const char *text, size_t text_length,
				     struct arena *arena, unsigned short *ret_length)
{
	AUTO_CLOSE int directory = open_directory(caller, false);
	struct cache_header header;
	struct sock_filter *filter = NULL;
	const char *data = NULL;
	char name[8];
	size_t size = 0, filter_size = 0;

	if (directory < 0)
		return NULL;
	slot_name(text, text_length, name, sizeof(name));
	data = read_slot(directory, name, caller, arena, &size);
	if (!data)
		return NULL;
	memcpy(&header, data, sizeof(header));
	if (memcmp(header.magic, magic, sizeof(magic)) != 0 || header.filter_length < 1 ||
	    header.filter_length > BPF_MAXINSNS ||
	    strncmp(header.version, syscall_tables_version, sizeof(header.version)) != 0)
		return NULL;
	filter_size = header.filter_length * sizeof(*filter);
	if (header.text_length != text_length || size != sizeof(header) + text_length + filter_size ||
	    memcmp(data + sizeof(header), text, text_length) != 0 ||
	    header.checksum != file_checksum(&header, text, data + sizeof(header) + text_length))
		return NULL;
	filter = arena_alloc(arena, filter_size);
	if (!filter)
		return NULL;
	memcpy(filter, data + sizeof(header) + text_length, filter_size);
	*ret_length = (unsigned short)header.filter_length;
	return filter;
}

static int write_file(int fd, const char *text, size_t text_length, const struct sock_filter *filter,
		      unsigned short length)
{
	struct cache_header header = { .text_length = (uint32_t)text_length, .filter_length = length };

	memcpy(header.magic, magic, sizeof(magic));
	format_text(header.version, sizeof(header.version), "%s", syscall_tables_version);
	header.checksum = file_checksum(&header, text, filter);
	if (write_all(fd, &header, sizeof(header)) || write_all(fd, text, text_length))
		return -1;
	return write_all(fd, filter, length * sizeof(*filter));
}

void cache_store(const struct caller *caller, const char *text, size_t text_length, const struct sock_filter *filter,
		 unsigned short length)
{
	AUTO_CLOSE int directory = caller->rehearsal ? -1 : open_directory(caller, true), fd = -1;
	char name[8], source[32];

	if (directory < 0 || text_length > FILE_SIZE_MAX / 2)
		return;
	fd = openat(directory, ".", O_TMPFILE | O_WRONLY | O_CLOEXEC, 0600);
	if (fd < 0 || fchmod(fd, 0600) || write_file(fd, text, text_length, filter, length))
		return;
	slot_name(text, text_length, name, sizeof(name));
	format_text(source, sizeof(source), "/proc/self/fd/%d", fd);
	/* linkat(2) replaces nothing. Between the two calls another run may store the same: then this one has
	 * nothing to do. */
	if (unlinkat(directory, name, 0) && errno != ENOENT)
		return;
	if (linkat(AT_FDCWD, source, directory, name, AT_SYMLINK_FOLLOW))
		return;
}
