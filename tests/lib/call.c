/* call: makes one system call and says what came of it, for tests of filters.
 *
 *	call NUMBER [ARGUMENT ...]     prints ok, or the errno's name; exits 0 or 1
 *	call int80 NUMBER              as above through x86's 32-bit ABI
 *
 * The call is made in a child: one that ends its process, or clones, does no harm. */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static int say(long result)
{
	if (result >= 0 || !errno)
		puts("ok");
	else
		puts(strerrorname_np(errno));
	fflush(stdout);
	return result < 0;
}

static long through_int80(long number)
{
#if defined(__x86_64__) || defined(__i386__)
	long result = number;

	__asm__ volatile("int $0x80" : "+a"(result) : "b"(0L), "c"(0L), "d"(0L) : "memory");
	errno = (int)result < 0 ? -(int)result : 0;
	return (int)result < 0 ? -1 : 0;
#else
	(void)number;
	errno = ENOSYS;
	return -1;
#endif
}

int main(int argc, char **argv)
{
	unsigned long arguments[6] = { 0 };
	int status = 0;

	if (argc < 2)
		return 2;
	if (!strcmp(argv[1], "int80"))
		return say(through_int80(argc > 2 ? atol(argv[2]) : 20));
	for (int i = 2; i < argc && i < 8; i++)
		arguments[i - 2] = strtoul(argv[i], NULL, 0);
	if (fork() == 0) {
		errno = 0;
		_exit(say(syscall(strtol(argv[1], NULL, 0), arguments[0], arguments[1], arguments[2], arguments[3],
				  arguments[4], arguments[5])));
	}
	wait(&status);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
