/* swap: exchanges directory entries as fast as it can, until it is killed: swap PATH OTHER [PATH OTHER...]
 * or one pair once: swap --once PATH OTHER
 *
 * Each pair changes places atomically (renameat2(2), RENAME_EXCHANGE), so that a path is a directory at one lookup
 * and a link at the next, and never missing. Prints "swapping" once every pair has changed places once. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	if (argc == 4 && strcmp(argv[1], "--once") == 0)
		return renameat2(AT_FDCWD, argv[2], AT_FDCWD, argv[3], RENAME_EXCHANGE) ? 1 : 0;
	if (argc < 3 || argc % 2 == 0)
		return 2;
	for (unsigned long round = 0;; round++) {
		for (int i = 1; i < argc; i += 2) {
			if (renameat2(AT_FDCWD, argv[i], AT_FDCWD, argv[i + 1], RENAME_EXCHANGE)) {
				perror(argv[i]);
				return 1;
			}
		}
		if (round == 0 && (puts("swapping") < 0 || fflush(stdout)))
			return 1;
		if (getppid() == 1)
			return 0;
	}
}
