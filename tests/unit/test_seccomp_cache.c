/* test_seccomp_cache: a kept filter comes back only when nothing about its file is in doubt. Run by root, it becomes an
 * ordinary user first: root's cache is the machine's. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "stage/seccomp_filters.h"

/* After our own: it makes a macro of the word fail. */
#include <cmocka.h>

static const char text[] = "rules";
static const struct sock_filter program[] = { BPF_STMT(BPF_RET | BPF_K, 1), BPF_STMT(BPF_RET | BPF_K, 2) };
static char base[64], variable[96], file[160];
static const char *environ_of_caller[] = { variable, NULL };
static struct caller caller = { .environ = environ_of_caller };
static struct arena arena;

static const struct sock_filter *load(const char *rules, size_t size)
{
	unsigned short length = 0;
	const struct sock_filter *filter = cache_load(&caller, rules, size, &arena, &length);

	if (filter)
		assert_int_equal(length, 2);
	return filter;
}

/* The one file there is. */
static void find_file(void)
{
	for (int i = 0; i < 64; i++) {
		(void)snprintf(file, sizeof(file), "%s/sandbox/filters/%d", base, i);
		if (!access(file, F_OK))
			return;
	}
	fail_msg("nothing was kept");
}

static int begin(void **unused)
{
	(void)unused;
	strcpy(base, "/tmp/seccomp-cache.XXXXXX");
	assert_non_null(mkdtemp(base));
	(void)snprintf(variable, sizeof(variable), "XDG_RUNTIME_DIR=%s", base);
	caller.uid = geteuid();
	assert_null(load(text, sizeof(text)));
	cache_store(&caller, text, sizeof(text), program, 2);
	find_file();
	return 0;
}

static int end(void **unused)
{
	char command[128];

	(void)unused;
	arena_free(&arena);
	(void)snprintf(command, sizeof(command), "rm -rf '%s'", base);
	return system(command); /* NOLINT(cert-env33-c): a fixed name */
}

static void test_comes_back(void **unused)
{
	const struct sock_filter *filter = load(text, sizeof(text));
	struct stat st;

	(void)unused;
	assert_non_null(filter);
	assert_memory_equal(filter, program, sizeof(program));
	assert_int_equal(stat(file, &st), 0);
	assert_int_equal(st.st_mode, S_IFREG | 0600);
	assert_int_equal(st.st_nlink, 1);
}

static void test_other_rules(void **unused)
{
	(void)unused;
	assert_null(load("ruled", sizeof(text)));
	assert_null(load(text, sizeof(text) - 1));
}

/* Every byte counts, wherever it stands. */
static void test_damage(void **unused)
{
	unsigned char bytes[512];
	int fd = open(file, O_RDWR);
	ssize_t size = read(fd, bytes, sizeof(bytes));

	(void)unused;
	assert_true(size > 16);
	for (ssize_t i = 0; i < size; i++) {
		unsigned char damaged = bytes[i] ^ 0x10;

		assert_int_equal(pwrite(fd, &damaged, 1, i), 1);
		assert_null(load(text, sizeof(text)));
		assert_int_equal(pwrite(fd, &bytes[i], 1, i), 1);
	}
	assert_non_null(load(text, sizeof(text)));
	for (ssize_t i = size - 1; i >= 0; i--) {
		assert_int_equal(ftruncate(fd, i), 0);
		assert_null(load(text, sizeof(text)));
	}
	assert_int_equal(pwrite(fd, bytes, (size_t)size, 0), size);
	assert_non_null(load(text, sizeof(text)));
	assert_int_equal(ftruncate(fd, size + 1), 0);
	assert_null(load(text, sizeof(text)));
	close(fd);
	/* The next run puts it right. */
	cache_store(&caller, text, sizeof(text), program, 2);
	assert_non_null(load(text, sizeof(text)));
}

static void test_foreign(void **unused)
{
	char other[192];

	(void)unused;
	caller.uid++;
	assert_null(load(text, sizeof(text)));
	caller.uid--;
	assert_int_equal(chmod(file, 0640), 0);
	assert_null(load(text, sizeof(text)));
	assert_int_equal(chmod(file, 0600), 0);
	(void)snprintf(other, sizeof(other), "%s/other", base);
	assert_int_equal(link(file, other), 0);
	assert_null(load(text, sizeof(text)));
	assert_int_equal(unlink(file), 0);
	assert_int_equal(symlink(other, file), 0);
	assert_null(load(text, sizeof(text)));
	assert_int_equal(unlink(file), 0);
	assert_int_equal(mkfifo(file, 0600), 0);
	assert_null(load(text, sizeof(text)));
}

static void test_directories(void **unused)
{
	char directory[128], moved[128];

	(void)unused;
	(void)snprintf(directory, sizeof(directory), "%s/sandbox", base);
	(void)snprintf(moved, sizeof(moved), "%s/moved", base);
	assert_int_equal(chmod(directory, 0770), 0);
	assert_null(load(text, sizeof(text)));
	assert_int_equal(chmod(directory, 0700), 0);
	assert_non_null(load(text, sizeof(text)));
	assert_int_equal(rename(directory, moved), 0);
	assert_int_equal(symlink(moved, directory), 0);
	assert_null(load(text, sizeof(text)));
}

static void test_nowhere(void **unused)
{
	static const char *const nothing[] = { NULL }, *const relative[] = { "XDG_RUNTIME_DIR=tmp", "HOME=nowhere",
									     NULL };

	(void)unused;
	caller.environ = nothing;
	cache_store(&caller, text, sizeof(text), program, 2);
	assert_null(load(text, sizeof(text)));
	caller.environ = relative;
	assert_null(load(text, sizeof(text)));
	caller.environ = environ_of_caller;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_comes_back, begin, end),
		cmocka_unit_test_setup_teardown(test_other_rules, begin, end),
		cmocka_unit_test_setup_teardown(test_damage, begin, end),
		cmocka_unit_test_setup_teardown(test_foreign, begin, end),
		cmocka_unit_test_setup_teardown(test_directories, begin, end),
		cmocka_unit_test_setup_teardown(test_nowhere, begin, end),
	};

	if (geteuid() == 0 && (setresgid(65534, 65534, 65534) || setresuid(65534, 65534, 65534)))
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
