/* test_attest: reading text of the form of /proc/PID/status, and status against a plan. No privilege. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "stage/attest.h"

/* After our own: it makes a macro of the word fail. */
#include <cmocka.h>

static const char good[] = "Name:\tsandbox\nUmask:\t0027\nUid:\t1000\t1000\t1000\t1000\nGid:\t5\t5\t5\t5\n"
			   "Groups:\t4 24 \nSigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\n"
			   "SigCgt:\t0000000000000000\nCapInh:\t0000000000000000\nCapPrm:\t0000000000000400\n"
			   "CapEff:\t0000000000000400\nCapBnd:\t0000000000000400\nCapAmb:\t0000000000000000\n"
			   "NoNewPrivs:\t1\nSeccomp:\t0\n";

static void test_fields(void **state)
{
	const char *at = attest_field(good, "Uid:");

	(void)state;
	for (int i = 0; i < 4; i++)
		assert_int_equal(attest_number(&at, 10), 1000);
	assert_int_equal(*at, '\n');
	at = attest_field(good, "CapPrm:");
	assert_int_equal(attest_number(&at, 16), 0x400);
	at = attest_field(good, "Umask:");
	assert_int_equal(attest_number(&at, 8), 027);
	assert_null(attest_field(good, "Cap:"));
	assert_null(attest_field("", "Uid:"));
	/* The last line, and a name that only ends alike. */
	assert_non_null(attest_field("XUid:\t1\nUid:\t2", "Uid:"));
	at = attest_field("XUid:\t1\nUid:\t2", "Uid:");
	assert_int_equal(attest_number(&at, 10), 2);
}

/* A directory that looks like a procfs as far as attest_status reads it. */
static int fake_procfs(const char *directory, const char *status)
{
	char path[256];
	FILE *file = NULL;

	(void)snprintf(path, sizeof(path), "%s/self", directory);
	(void)mkdir(path, 0700);
	(void)snprintf(path, sizeof(path), "%s/self/status", directory);
	file = fopen(path, "we");
	assert_non_null(file);
	assert_true(fputs(status, file) >= 0);
	assert_int_equal(fclose(file), 0);
	return open(directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
}

static int run(const char *directory, const char *status, struct error *err)
{
	static char buffer[ATTEST_BUFFER_SIZE];
	struct attest_facts facts = { .buffer = buffer };
	struct profile profile = { .no_new_privs = true };
	gid_t groups[] = { 24, 4 };
	struct plan plan = {
		.profile = &profile,
		.attest = { &facts },
		.ids = { .uid = 1000, .gid = 5, .groups = groups, .group_count = 2, .set_groups = true },
		.capabilities = { .bounding = 0x400, .permitted = 0x400 },
		.process = { .umask = 027 },
	};
	struct inside inside = { .procfs = fake_procfs(directory, status) };
	int result = 0;

	assert_true(inside.procfs >= 0);
	result = attest_status(&plan, &inside, err);
	(void)close(inside.procfs);
	return result;
}

/* Each line of the good text, changed: the difference must be found and named. */
static void test_differences(void **state)
{
	static const struct {
		const char *from, *to, *what;
	} changes[] = {
		{ "Umask:\t0027", "Umask:\t0022", "umask" },
		{ "Uid:\t1000\t1000\t1000\t1000", "Uid:\t1000\t1000\t0\t1000", "Uid:" },
		{ "Gid:\t5\t5\t5\t5", "Gid:\t5\t0\t5\t5", "Gid:" },
		{ "Groups:\t4 24 ", "Groups:\t4 24 27 ", "27 was not planned" },
		{ "Groups:\t4 24 ", "Groups:\t4 ", "found 1" },
		{ "SigBlk:\t0000000000000000", "SigBlk:\t0000000000004000", "blocked" },
		{ "SigIgn:\t0000000000000000", "SigIgn:\t0000000000010000", "ignored" },
		{ "SigCgt:\t0000000000000000", "SigCgt:\t0000000000000001", "caught" },
		{ "CapInh:\t0000000000000000", "CapInh:\t0000000000000001", "inheritable" },
		{ "CapPrm:\t0000000000000400", "CapPrm:\t000001ffffffffff", "permitted" },
		{ "CapEff:\t0000000000000400", "CapEff:\t0000000000000000", "effective" },
		{ "CapBnd:\t0000000000000400", "CapBnd:\t000001ffffffffff", "bounding" },
		{ "CapAmb:\t0000000000000000", "CapAmb:\t0000000000000400", "ambient" },
		{ "NoNewPrivs:\t1", "NoNewPrivs:\t0", "no_new_privs" },
		{ "NoNewPrivs:\t1\n", "", "no_new_privs" },
	};
	char directory[] = "/tmp/test_attest.XXXXXX", changed[sizeof(good) + 64], path[256];
	struct error err = { 0 };

	(void)state;
	assert_non_null(mkdtemp(directory));
	assert_int_equal(run(directory, good, &err), 0);
	for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
		const char *at = strstr(good, changes[i].from);

		assert_non_null(at);
		(void)snprintf(changed, sizeof(changed), "%.*s%s%s", (int)(at - good), good, changes[i].to,
			       at + strlen(changes[i].from));
		print_message("%s\n", changes[i].to);
		assert_int_equal(run(directory, changed, &err), -1);
		assert_non_null(strstr(err.what, changes[i].what));
	}
	(void)snprintf(path, sizeof(path), "%s/self/status", directory);
	assert_int_equal(unlink(path), 0);
	(void)snprintf(path, sizeof(path), "%s/self", directory);
	assert_int_equal(rmdir(path), 0);
	assert_int_equal(rmdir(directory), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_fields), cmocka_unit_test(test_differences) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
