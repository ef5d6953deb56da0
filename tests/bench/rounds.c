/* rounds: times commands against each other. Usage: rounds N NAME COMMAND [ARG...] ::: NAME COMMAND ...
 *
 * Every round runs each command once, in turn, so that a machine that grows slower or faster meanwhile does so for
 * all of them. Prints a line each: name, median, tenth and ninetieth percentile of the wall-clock time from before
 * the spawn until the exit, in microseconds. A command that fails ends it all: failures are quick, and would win.
 */
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>

extern char **environ;

enum { COMMANDS_MAX = 32, WARM_UP = 5 };

struct command {
	const char *name;
	char **argv;
	double *times;
};

static double now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec * 1e6 + (double)time.tv_nsec / 1e3;
}

static double run(const struct command *command)
{
	double start = now();
	pid_t pid = 0;
	int status = 0;

	if (posix_spawnp(&pid, command->argv[0], NULL, NULL, command->argv, environ) || waitpid(pid, &status, 0) < 0 ||
	    status != 0) {
		fprintf(stderr, "rounds: %s failed (wait status %d)\n", command->name, status);
		exit(1);
	}
	return now() - start;
}

static int by_value(const void *a, const void *b)
{
	double difference = *(const double *)a - *(const double *)b;

	return (difference > 0) - (difference < 0);
}

int main(int argc, char **argv)
{
	struct command commands[COMMANDS_MAX] = { 0 };
	size_t count = 0, rounds = argc > 1 ? strtoul(argv[1], NULL, 10) : 0;

	for (int i = 2; i < argc && count < COMMANDS_MAX; i++) {
		commands[count++] = (struct command){ argv[i], argv + i + 1, calloc(rounds, sizeof(double)) };
		while (i < argc && strcmp(argv[i], ":::") != 0)
			i++;
		argv[i] = NULL;
	}
	if (rounds == 0 || count == 0)
		return 2;
	for (size_t round = 0; round < rounds + WARM_UP; round++) {
		for (size_t i = 0; i < count; i++) {
			double time = run(&commands[i]);

			if (round >= WARM_UP)
				commands[i].times[round - WARM_UP] = time;
		}
	}
	for (size_t i = 0; i < count; i++) {
		double *times = commands[i].times;

		qsort(times, rounds, sizeof(*times), by_value);
		printf("%s\t%.0f\t%.0f\t%.0f\n", commands[i].name, times[rounds / 2], times[rounds / 10],
		       times[rounds * 9 / 10]);
	}
	return 0;
}
