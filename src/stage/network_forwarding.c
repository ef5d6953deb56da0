/* network_forwarding: whether the host passes packets on between interfaces, and making it do so. Parent: plan reads,
 * host writes where the profile says network.forwarding = "enable", the janitor writes back.
 *
 * The kernel asks the interface that a packet came in by (net.ipv4.conf.<interface>.forwarding, ip-sysctl.rst), so it
 * takes the bridge, or the pair's end, for packets out and the interface of the default route for packets in. For IPv6
 * it asks the switch for all interfaces, which also turns off router advertisements on the host: that one is never
 * touched.
 *
 * What sandboxes have turned on they turn off, and the interface of the default route belongs to several segments at
 * once. So each segment's lock file notes, before it happens, the interfaces that are on for sandboxes' sake, a line
 * each; whoever takes a segment down turns off what no other segment of this network namespace has noted. A lock on the
 * directory of the files keeps others from doing either meanwhile. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/file.h"
#include "base/format.h"
#include "stage/network_link.h"
#include "stage/network_segment.h"

int forwarding_on(int family)
{
	const char *path =
		family == AF_INET ? "/proc/sys/net/ipv4/ip_forward" : "/proc/sys/net/ipv6/conf/all/forwarding";
	char text[16];

	return read_file_at(AT_FDCWD, path, text, sizeof(text)) < 1 ? -1 : text[0] != '0';
}

/* ---- one interface */

static int switch_path(const char *interface, char *to, size_t size)
{
	if (strchr(interface, '/') || !strcmp(interface, "..")) {
		errno = EINVAL;
		return -1;
	}
	format_text(to, size, "/proc/sys/net/ipv4/conf/%s/forwarding", interface);
	return 0;
}

static int is_on(const char *interface)
{
	char path[64 + IFNAMSIZ], text[16];

	if (switch_path(interface, path, sizeof(path)) || read_file_at(AT_FDCWD, path, text, sizeof(text)) < 1)
		return -1;
	return text[0] == '1';
}

int forwarding_write(const char *interface, bool on)
{
	char path[64 + IFNAMSIZ];

	return switch_path(interface, path, sizeof(path)) ? -1 : write_file_at(AT_FDCWD, path, on ? "1" : "0");
}

static int see_default(const struct listed *listed, void *with)
{
	int *interface = with;

	if (listed->address.family == AF_INET && !listed->address.prefix && !*interface)
		*interface = listed->interface;
	return 0;
}

int forwarding_uplink(char to[IFNAMSIZ], struct error *err)
{
	AUTO_CLOSE int route = netlink_open(NETLINK_ROUTE);
	int interface = 0;

	to[0] = '\0';
	if (route < 0)
		return fail_errno(err, K_NETWORK_FORWARDING, "cannot open a netlink socket");
	if (routes_each(route, 0, see_default, &interface, err))
		return -1;
	if (interface && !if_indextoname((unsigned)interface, to))
		return fail_errno(err, K_NETWORK_FORWARDING, "cannot name the interface of the default route");
	return 0;
}

/* ---- notes */

enum { NOTES_SIZE = 1024 };

static int lock_notes(void)
{
	AUTO_CLOSE int fd = open(RUN_DIRECTORY, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return fd < 0 || flock(fd, LOCK_EX) ? -1 : TAKE_FD(fd);
}

static ssize_t read_notes(const struct segment *segment, char text[NOTES_SIZE])
{
	ssize_t length = pread(segment->lock, text, NOTES_SIZE - 1, 0);

	text[length < 0 ? 0 : length] = '\0';
	return length;
}

static bool noted(const char *notes, const char *interface)
{
	size_t length = strlen(interface);
	const char *end = NULL;

	for (; (end = strchr(notes, '\n')); notes = end + 1)
		if ((size_t)(end - notes) == length && !memcmp(notes, interface, length))
			return true;
	return false;
}

/* Whether another segment of this network namespace has noted the interface. */
static int noted_elsewhere(const struct segment *segment, const char *interface)
{
	size_t prefix = strlen("net-") + strcspn(segment->file + strlen("net-"), "-");
	DIR *directory = opendir(RUN_DIRECTORY);
	struct dirent *entry = NULL;
	char text[NOTES_SIZE];
	bool found = false;

	if (!directory)
		return -1;
	while (!found && (entry = readdir(directory))) {
		const char *rest = entry->d_name + prefix;

		if (strncmp(entry->d_name, segment->file, prefix) != 0 || (*rest && *rest != '-') ||
		    !strcmp(entry->d_name, segment->file))
			continue;
		found = read_file_at(dirfd(directory), entry->d_name, text, sizeof(text)) > 0 && noted(text, interface);
	}
	(void)closedir(directory);
	return found;
}

int forwarding_enable(const struct segment *segment, const char *interface, struct error *err)
{
	AUTO_CLOSE int lock = lock_notes();
	int on = is_on(interface), others = on == 1 ? noted_elsewhere(segment, interface) : 0;
	char text[NOTES_SIZE], line[IFNAMSIZ + 1];
	ssize_t length = read_notes(segment, text);

	if (lock < 0 || on < 0 || others < 0 || length < 0)
		return fail_errno(err, K_NETWORK_FORWARDING, "cannot look at the forwarding of %s", interface);
	format_text(line, sizeof(line), "%s\n", interface);
	if ((!on || others) && !noted(text, interface) &&
	    pwrite(segment->lock, line, strlen(line), length) != (ssize_t)strlen(line))
		return fail_errno(err, K_NETWORK_FORWARDING, "cannot write to %s", segment->file);
	if (!on && forwarding_write(interface, true))
		return fail_errno(err, K_NETWORK_FORWARDING, "cannot turn forwarding on for %s", interface);
	return 0;
}

void forwarding_restore(const struct segment *segment)
{
	AUTO_CLOSE int lock = lock_notes();
	char text[NOTES_SIZE], *at = text, *end = NULL;

	if (lock < 0 || read_notes(segment, text) <= 0)
		return;
	/* Where the host itself has begun to forward, it is to go on. */
	for (; forwarding_on(AF_INET) != 1 && (end = strchr(at, '\n')); at = end + 1) {
		*end = '\0';
		if (!noted_elsewhere(segment, at))
			(void)forwarding_write(at, false);
	}
	if (ftruncate(segment->lock, 0))
		return; /* the file goes next */
}
