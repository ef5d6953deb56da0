/* test_publish: how a published port is reserved, what is said when it is taken, and the relay as a process: what it
 * has given up, what it ends with. No privilege. */
#include "publish.h"

#include <stdlib.h>

#include "base/format.h"
#include "base/syscall.h"

/* ---- reserving -------------------------------------------------------------------------------------------------- */

static const char *refusal(struct site *site, int status, int key)
{
	assert_int_equal(publish_reserve(&site->plan, &site->network, &site->error), -1);
	assert_int_equal(site->error.exit_status, status);
	assert_int_equal(site->error.key, key);
	assert_int_equal(site->error.index, site->profile.network.publish.count - 1);
	publish_release(&site->network);
	publish_release(&site->network);
	return site->error.what;
}

static void expect_text(const char *text, const char *part)
{
	if (!strstr(text, part))
		fail_msg("\"%s\" does not say \"%s\"", text, part);
}

/* Who listens where, and where the port is wanted then. */
static void test_taken_port_names_its_holder(void **state)
{
	static const struct {
		const char *held, *wanted;
		int type;
		const char *name; /* of the address, before a port */
	} rows[] = {
		{ "127.0.0.1", "127.0.0.1", SOCK_STREAM, "127.0.0.1" },
		{ "0.0.0.0", "127.0.0.1", SOCK_STREAM, "127.0.0.1" },
		{ "127.0.0.1", "0.0.0.0", SOCK_STREAM, "0.0.0.0" },
		{ "::", "127.0.0.1", SOCK_STREAM, "127.0.0.1" },
		{ "::1", "::1", SOCK_STREAM, "[::1]" },
		{ "::", "::1", SOCK_DGRAM, "[::1]" },
		{ "127.0.0.3", "0.0.0.0", SOCK_DGRAM, "0.0.0.0" },
		{ "::", "0.0.0.0", SOCK_DGRAM, "0.0.0.0" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		int fd = bound(rows[i].held, rows[i].type, 0);
		struct site site;
		char text[64];

		plan_site(&site, rows[i].wanted, rows[i].type, port_of(fd));
		refusal(&site, EXIT_OF_HOST, K_NETWORK_PUBLISH_HOST);
		assert_int_equal(site.error.sys_errno, EADDRINUSE);
		format_text(text, sizeof(text), "%s:%u/%s", rows[i].name, port_of(fd),
			    rows[i].type == SOCK_STREAM ? "tcp" : "udp");
		expect_text(site.error.what, text);
		format_text(text, sizeof(text), "which test_publish (process %d) has", getpid());
		expect_text(site.error.what, text);
		close(fd);
		assert_int_equal(publish_reserve(&site.plan, &site.network, &site.error), 0);
		publish_release(&site.network);
	}
}

/* One address, or one protocol or family, is not in another's way. */
static void test_free_port_beside_others(void **state)
{
	int fd = bound("127.0.0.3", SOCK_STREAM, 0);
	struct site site;

	(void)state;
	plan_site(&site, "127.0.0.1", SOCK_STREAM, port_of(fd));
	assert_int_equal(publish_reserve(&site.plan, &site.network, &site.error), 0);
	publish_release(&site.network);
	plan_site(&site, "::", SOCK_STREAM, port_of(fd));
	assert_int_equal(publish_reserve(&site.plan, &site.network, &site.error), 0);
	publish_release(&site.network);
	plan_site(&site, "0.0.0.0", SOCK_DGRAM, port_of(fd));
	assert_int_equal(publish_reserve(&site.plan, &site.network, &site.error), 0);
	publish_release(&site.network);
	close(fd);
}

/* Only root can look into a relay; another user finds the launcher, which has the socket too. */
static void test_taken_by_a_sandbox(void **state)
{
	struct site site, second;

	(void)state;
	start(&site, "127.0.0.1", "127.0.0.2", SOCK_STREAM);
	plan_site(&second, "0.0.0.0", SOCK_STREAM, (unsigned)site.port.host);
	expect_text(refusal(&second, EXIT_OF_HOST, K_NETWORK_PUBLISH_HOST),
		    geteuid() ? "which test_publish (process " : "which sandbox \"web\" (process ");
	stop(&site);
	assert_int_equal(publish_reserve(&second.plan, &second.network, &second.error), 0);
	publish_release(&second.network);
}

static void test_impossible_ports(void **state)
{
	struct site site;

	(void)state;
	plan_site(&site, "192.0.2.1", SOCK_STREAM, 8080);
	expect_text(refusal(&site, EXIT_OF_HOST, K_NETWORK_PUBLISH_LISTEN), "the host has no such address");
	plan_site(&site, "fe80::1", SOCK_DGRAM, 8080);
	expect_text(refusal(&site, EXIT_OF_HOST, K_NETWORK_PUBLISH_LISTEN), "link-local");
}

/* As an ordinary user; when the test is one already, that changes nothing. */
static void test_privileged_port(void **state)
{
	struct site site;
	char text[16] = "";
	int status = 0;
	pid_t pid = 0;

	(void)state;
	assert_true(read_file_at(AT_FDCWD, "/proc/sys/net/ipv4/ip_unprivileged_port_start", text, sizeof(text)) > 0);
	if (strtol(text, NULL, 10) < 2)
		skip();
	pid = fork();
	if (pid == 0) {
		(void)!setuid(geteuid() ? geteuid() : 65534);
		plan_site(&site, "127.0.0.1", SOCK_STREAM, 1);
		expect_text(refusal(&site, EXIT_OF_HOST, K_NETWORK_PUBLISH_HOST), "the port is a privileged one");
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

/* ---- the relay -------------------------------------------------------------------------------------------------- */

static void expect_status(const char *status, const char *line)
{
	if (!strstr(status, line))
		fail_msg("not in /proc/PID/status: %s", line);
}

static void test_powers(void **state)
{
	char path[64], status[4096], title[256];
	struct site site;
	ssize_t n = 0;

	(void)state;
	start(&site, "127.0.0.1", "127.0.0.2", SOCK_STREAM);
	format_text(path, sizeof(path), "/proc/%d/status", site.forward.pid);
	assert_true(read_file_at(AT_FDCWD, path, status, sizeof(status)) > 0);
	expect_status(status, "Name:\tsandbox-forward\n");
	expect_status(status, "CapPrm:\t0000000000000000\n");
	expect_status(status, "CapEff:\t0000000000000000\n");
	expect_status(status, "CapInh:\t0000000000000000\n");
	expect_status(status, "CapAmb:\t0000000000000000\n");
	expect_status(status, "NoNewPrivs:\t1\n");
	expect_status(status, "Seccomp:\t2\n");
	if (!geteuid())
		expect_status(status, "CapBnd:\t0000000000000000\n");
	assert_int_equal(getsid(site.forward.pid), site.forward.pid);
	format_text(path, sizeof(path), "/proc/%d/cmdline", site.forward.pid);
	n = read_file_at(AT_FDCWD, path, title, sizeof(title));
	assert_true(n > 0);
	assert_string_equal(title, "sandbox-forward: web");
	stop(&site);
}

/* A site without ports has no relay, one without addresses is refused. */
static void test_nothing_to_relay(void **state)
{
	struct site site;

	(void)state;
	plan_site(&site, "127.0.0.1", SOCK_STREAM, free_port("127.0.0.1", SOCK_STREAM));
	assert_int_equal(forward_start(&site.plan, &site.host, &site.forward, &site.error), 0);
	assert_int_equal(site.forward.pid, 0);
	forward_stop(&site.forward);
	assert_int_equal(publish_reserve(&site.plan, &site.network, &site.error), 0);
	assert_int_equal(forward_start(&site.plan, &site.host, &site.forward, &site.error), -1);
	forward_stop(&site.forward);
	publish_release(&site.network);
}

/* What the guest sent before the end arrives, if it is read; a client that reads nothing delays the end by no more than
 * the time that is given to it, an idle one by nothing. */
static void test_last_orders(void **state)
{
	static char block[60000], rest[1 << 16];
	struct site site;
	size_t received = 0;
	int64_t before = 0;
	int idle[2], busy[2];
	ssize_t n = 0;

	(void)state;
	start(&site, "127.0.0.1", "127.0.0.2", SOCK_STREAM);
	idle[CLIENT] = client(&site, "127.0.0.1", SOCK_STREAM);
	idle[GUEST] = taken(&site);
	before = clock_now();
	busy[CLIENT] = client(&site, "127.0.0.1", SOCK_STREAM);
	busy[GUEST] = taken(&site);
	assert_int_equal(kill(site.forward.pid, SIGSTOP), 0);
	assert_int_equal(send(busy[GUEST], block, sizeof(block), 0), sizeof(block));
	close(busy[GUEST]);
	assert_int_equal(kill(site.forward.pid, SIGCONT), 0);
	before = clock_now();
	stop(&site);
	assert_true(clock_now() - before < NSEC_PER_SEC / 10);
	while ((n = recv(busy[CLIENT], rest, sizeof(rest), 0)) > 0)
		received += (size_t)n;
	assert_int_equal(n, 0);
	assert_int_equal(received, sizeof(block));
	expect_end(idle[CLIENT], 0);
	for (int side = CLIENT; side <= GUEST; side++)
		close(idle[side]);
	close(busy[CLIENT]);
}

static void test_stop_does_not_wait_for_a_client(void **state)
{
	static char block[1 << 20];
	struct site site;
	int64_t before = 0;
	int fd[2];

	(void)state;
	start(&site, "127.0.0.1", "127.0.0.2", SOCK_STREAM);
	fd[CLIENT] = client(&site, "127.0.0.1", SOCK_STREAM);
	fd[GUEST] = taken(&site);
	while (wait_for(fd[GUEST], POLLOUT, 100) == 1)
		(void)send(fd[GUEST], block, sizeof(block), MSG_DONTWAIT);
	before = clock_now();
	stop(&site);
	assert_in_range(clock_now() - before, NSEC_PER_SEC / 10, NSEC_PER_SEC * 9 / 10);
	close(fd[CLIENT]);
	close(fd[GUEST]);
}

/* The launcher dies without a word; so does one whose relay is stopped, or that just goes. */
static void test_launcher_dies(void **state)
{
	(void)state;
	for (int how = 0; how < 2; how++) {
		int tell[2], pidfd = -1;
		pid_t launcher = 0, relay = 0;

		assert_int_equal(pipe2(tell, O_CLOEXEC), 0);
		launcher = fork();
		if (launcher == 0) {
			struct site site;

			start(&site, "127.0.0.1", "127.0.0.2", SOCK_STREAM);
			if (how && kill(site.forward.pid, SIGSTOP))
				_exit(1);
			(void)!write(tell[1], &site.forward.pid, sizeof(site.forward.pid));
			pause();
		}
		assert_int_equal(read(tell[0], &relay, sizeof(relay)), sizeof(relay));
		pidfd = sys_pidfd_open(relay, 0);
		assert_true(pidfd >= 0);
		assert_int_equal(wait_for(pidfd, POLLIN, 50), 0);
		assert_int_equal(kill(launcher, SIGKILL), 0);
		assert_int_equal(wait_for(pidfd, POLLIN, 2000), 1);
		assert_int_equal(waitpid(launcher, NULL, 0), launcher);
		close(pidfd);
		close(tell[0]);
		close(tell[1]);
	}
}

/* What supervise() watches. */
static void test_relay_dies(void **state)
{
	struct site site;

	(void)state;
	start(&site, "127.0.0.1", "127.0.0.2", SOCK_STREAM);
	assert_int_equal(wait_for(site.forward.pidfd, POLLIN, 50), 0);
	assert_int_equal(kill(site.forward.pid, SIGKILL), 0);
	assert_int_equal(wait_for(site.forward.pidfd, POLLIN, 2000), 1);
	stop(&site);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_taken_port_names_its_holder),
		cmocka_unit_test(test_free_port_beside_others),
		cmocka_unit_test(test_taken_by_a_sandbox),
		cmocka_unit_test(test_impossible_ports),
		cmocka_unit_test(test_privileged_port),
		cmocka_unit_test(test_powers),
		cmocka_unit_test(test_nothing_to_relay),
		cmocka_unit_test(test_last_orders),
		cmocka_unit_test(test_stop_does_not_wait_for_a_client),
		cmocka_unit_test(test_launcher_dies),
		cmocka_unit_test(test_relay_dies),
	};

	(void)argc;
	arguments = argv;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
