/* test_place: entries below a root that nobody vouches for, and objects of the host that are seen twice. No privilege:
 * a directory stands for the root. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/place.h"
#include "stage/filesystem.h"

/* After our own: it makes a macro of the word fail. */
#include <cmocka.h>

static char top[] = "/tmp/place.XXXXXX"; /* the working directory; holds root/ and outside/ */
static int root = -1;

static int setup(void **state)
{
	(void)state;
	memcpy(top, "/tmp/place.XXXXXX", sizeof(top));
	if (!mkdtemp(top) || chdir(top) || mkdir("root", 0755) || mkdir("outside", 0755))
		return -1;
	umask(0);
	root = open("root", O_PATH | O_DIRECTORY | O_CLOEXEC);
	return root < 0 ? -1 : 0;
}

static int teardown(void **state)
{
	char command[64];

	(void)state;
	fd_close(&root);
	(void)snprintf(command, sizeof(command), "rm -rf '%s'", top);
	return chdir("/") || system(command);
}

static mode_t mode_of(const char *name)
{
	struct stat status;

	return lstat(name, &status) ? 0 : status.st_mode;
}

static void expect(int fd, int error)
{
	if (!error) {
		assert_true(fd >= 0);
		close(fd);
		return;
	}
	assert_int_equal(fd, -1);
	assert_int_equal(errno, error);
}

static void makes_what_is_missing(void **state)
{
	(void)state;
	expect(place_directory(root, "/a/b/c"), 0);
	assert_int_equal(mode_of("root/a/b/c"), S_IFDIR | 0755);
	expect(place_directory(root, "/a/b/c"), 0);
	expect(place_directory(root, "/"), 0);
	expect(place_file(root, "/a/f/file"), 0);
	assert_int_equal(mode_of("root/a/f/file"), S_IFREG | 0644);
	expect(place_file(root, "/a/f/file"), 0);
	expect(place_file(root, "/file"), 0);
	expect(place_directory(root, "relative/path"), 0);
}

static void names_the_parent(void **state)
{
	const char *name = NULL;

	(void)state;
	expect(place_parent(root, "/a/b/c", &name), 0);
	assert_string_equal(name, "c");
	assert_int_equal(mode_of("root/a/b"), S_IFDIR | 0755);
	assert_int_equal(mode_of("root/a/b/c"), 0);
	expect(place_parent(root, "/c", &name), 0);
	assert_string_equal(name, "c");
	expect(place_parent(root, "/", &name), EINVAL);
	expect(place_parent(root, "c", &name), EINVAL);
}

static void refuses_the_wrong_kind(void **state)
{
	(void)state;
	expect(place_file(root, "/file"), 0);
	assert_int_equal(mkfifo("root/fifo", 0600), 0);
	expect(place_directory(root, "/file"), ENOTDIR);
	expect(place_directory(root, "/file/below"), ENOTDIR);
	expect(place_directory(root, "/fifo/below"), ENOTDIR);
	expect(place_directory(root, "/d"), 0);
	expect(place_file(root, "/d"), EISDIR);
	/* Found, and not opened: this would wait for a writer. */
	expect(place_file(root, "/fifo"), 0);
}

static void stays_inside(void **state)
{
	char absolute[64];
	const char *const links[] = { absolute, "../outside", "../../../../../../../../outside", "/oldroot/outside" };

	(void)state;
	(void)snprintf(absolute, sizeof(absolute), "%s/outside", top);
	for (size_t i = 0; i < sizeof(links) / sizeof(links[0]); i++) {
		assert_int_equal(symlink(links[i], "root/link"), 0);
		expect(place_directory(root, "/link"), ELOOP);
		expect(place_directory(root, "/link/d"), ELOOP);
		expect(place_file(root, "/link/file"), ELOOP);
		expect(place_file(root, "/link"), ELOOP);
		assert_int_equal(unlink("root/link"), 0);
	}
	assert_int_equal(rmdir("outside"), 0); /* still empty */
}

static void follows_links_that_stay_inside(void **state)
{
	(void)state;
	expect(place_directory(root, "/real/deep"), 0);
	assert_int_equal(symlink("/real", "root/absolute"), 0);
	assert_int_equal(symlink("../../../real", "root/upwards"), 0);
	expect(place_directory(root, "/absolute/deep/one"), 0);
	expect(place_directory(root, "/upwards/deep/two"), 0);
	expect(place_file(root, "/absolute/file"), 0);
	assert_int_equal(mode_of("root/real/deep/one"), S_IFDIR | 0755);
	assert_int_equal(mode_of("root/real/deep/two"), S_IFDIR | 0755);
	assert_int_equal(mode_of("root/real/file"), S_IFREG | 0644);
}

static void refuses_magic_links(void **state)
{
	AUTO_CLOSE int host = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);

	(void)state;
	assert_true(host >= 0);
	expect(place_directory(host, "/proc/self/cwd"), ELOOP);
	expect(place_directory(host, "/proc/self/root/tmp"), ELOOP);
	expect(place_file(host, "/proc/self/exe"), ELOOP);
}

static void refuses_names_too_long(void **state)
{
	char path[PATH_MAX + 2];

	(void)state;
	memset(path, 'a', sizeof(path));
	path[0] = '/';
	path[NAME_MAX + 2] = '\0';
	expect(place_directory(root, path), ENAMETOOLONG);
	path[NAME_MAX + 2] = 'a';
	path[PATH_MAX + 1] = '\0';
	expect(place_directory(root, path), ENAMETOOLONG);
}

static void knows_an_object_again(void **state)
{
	const struct profile profile = { 0 };
	const struct caller caller = { 0 };
	const struct plan plan = { .profile = &profile, .caller = &caller };
	struct error err = { 0 };
	const char *path = "object";
	struct host_object object = { .path = path, .key = K_ROOT_SOURCE, .index = -1 };

	(void)state;
	assert_int_equal(host_object_plan(&plan, &object, 0, &err), -1);
	assert_int_equal(err.sys_errno, ENOENT);
	assert_int_equal(mkdir(path, 0755), 0);
	assert_int_equal(host_object_plan(&plan, &object, S_IFREG, &err), -1);
	assert_int_equal(host_object_plan(&plan, &object, S_IFDIR, &err), 0);
	expect(host_object_open(&object, &err), 0);
	/* Another object under the same name: its number differs, as the first one still exists. */
	assert_int_equal(rename(path, "moved"), 0);
	assert_int_equal(mkdir(path, 0755), 0);
	assert_int_equal(host_object_open(&object, &err), -1);
	assert_non_null(strstr(err.what, "no longer the object"));
	assert_int_equal(err.key, K_ROOT_SOURCE);
	assert_int_equal(rmdir(path), 0);
	assert_int_equal(host_object_open(&object, &err), -1);
	assert_int_equal(err.sys_errno, ENOENT);
	/* Back again, it is the same. */
	assert_int_equal(rename("moved", path), 0);
	expect(host_object_open(&object, &err), 0);
}

static void asks_leave_to_show_the_host(void **state)
{
	const char *word = "host-paths";
	struct profile profile = { 0 };
	const struct caller caller = { 0 };
	const struct plan plan = { .profile = &profile, .caller = &caller };
	struct error err = { 0 };
	struct host_object object = { .path = "/", .index = -1 };

	(void)state;
	assert_int_equal(host_object_plan(&plan, &object, S_IFDIR, &err), -1);
	assert_int_equal(err.exit_status, EXIT_OF_PROFILE);
	object.path = "/proc/self/status";
	assert_int_equal(host_object_plan(&plan, &object, 0, &err), -1);
	profile.dangerous.items = &word;
	profile.dangerous.count = 1;
	assert_int_equal(host_object_plan(&plan, &object, 0, &err), 0);
	object.path = "/";
	assert_int_equal(host_object_plan(&plan, &object, S_IFDIR, &err), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(makes_what_is_missing, setup, teardown),
		cmocka_unit_test_setup_teardown(names_the_parent, setup, teardown),
		cmocka_unit_test_setup_teardown(refuses_the_wrong_kind, setup, teardown),
		cmocka_unit_test_setup_teardown(stays_inside, setup, teardown),
		cmocka_unit_test_setup_teardown(follows_links_that_stay_inside, setup, teardown),
		cmocka_unit_test_setup_teardown(refuses_magic_links, setup, teardown),
		cmocka_unit_test_setup_teardown(refuses_names_too_long, setup, teardown),
		cmocka_unit_test_setup_teardown(knows_an_object_again, setup, teardown),
		cmocka_unit_test(asks_leave_to_show_the_host),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
