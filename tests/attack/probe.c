/* probe: runs escape attempts, each in a process of its own with an alarm, and prints a line for each:
 *
 *	NAME OPEN|BLOCKED detail
 *
 *	probe [BAIT=VALUE ...] NAME ...     these probes
 *	probe [BAIT=VALUE ...] all          every one
 *	probe list                          their names
 *
 * A probe that dies of a signal (a filter that kills) is BLOCKED. Exit status 0 when every named probe ran, 2 when
 * one is unknown or lacks its bait. Built static, so that it runs on any root.
 */
#include "probe.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

static const struct probe *const tables[] = { process_probes, file_probes, kernel_probes, net_probes };
static char **baits;
static int bait_count;
static char details[512];

void detail(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	(void)vsnprintf(details, sizeof(details), format, arguments);
	va_end(arguments);
}

enum outcome judge(long result, const char *what)
{
	if (result < 0) {
		detail("%s: %s", what, strerror(errno));
		return BLOCKED;
	}
	detail("%s: %ld", what, result);
	return OPEN;
}

enum outcome try_open(const char *path, int flags)
{
	int fd = open(path, flags | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

	if (fd < 0 && errno == ETXTBSY) {
		detail("%s: text busy, so permitted", path);
		return OPEN;
	}
	return judge(fd, path);
}

const char *bait(const char *name)
{
	size_t length = strlen(name);

	for (int i = 0; i < bait_count; i++)
		if (!strncmp(baits[i], name, length) && baits[i][length] == '=')
			return baits[i] + length + 1;
	(void)fprintf(stderr, "probe: needs bait %s=...\n", name);
	_exit(2);
}

static int run_one(const struct probe *probe)
{
	int status = 0;
	pid_t pid = 0;

	(void)fflush(NULL);
	pid = fork();
	if (pid == 0) {
		enum outcome outcome = BLOCKED;

		alarm(20);
		outcome = probe->run();
		printf("%s %s %s\n", probe->name, outcome == OPEN ? "OPEN" : "BLOCKED", details);
		(void)fflush(stdout);
		_exit(0);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		return 2;
	if (WIFSIGNALED(status))
		printf("%s BLOCKED killed by signal %d\n", probe->name, WTERMSIG(status));
	return WIFEXITED(status) ? WEXITSTATUS(status) : 0;
}

static int run_named(const char *name)
{
	bool all = !strcmp(name, "all");
	int worst = 0;
	int found = 0;

	for (size_t t = 0; t < sizeof(tables) / sizeof(tables[0]); t++)
		for (const struct probe *probe = tables[t]; probe->name; probe++) {
			int status = 0;

			if (!strcmp(name, "list")) {
				printf("%s\n", probe->name);
			} else if (all || !strcmp(name, probe->name)) {
				status = run_one(probe);
			} else {
				continue;
			}
			found++;
			worst = status > worst ? status : worst;
		}
	if (!found)
		(void)fprintf(stderr, "probe: unknown probe %s\n", name);
	return found ? worst : 2;
}

int main(int argc, char **argv)
{
	int worst = 0;

	baits = argv + 1;
	while (bait_count < argc - 1 && strchr(baits[bait_count], '='))
		bait_count++;
	for (int i = 1 + bait_count; i < argc; i++) {
		int status = run_named(argv[i]);

		worst = status > worst ? status : worst;
	}
	return worst;
}
