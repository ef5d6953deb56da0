/* test_forward: what goes through the relay of published ports, and how it ends there. No privilege. */
#include "publish.h"

#include <sys/epoll.h>
#include <sys/resource.h>

enum { MANY = 500 };

/* ---- tcp -------------------------------------------------------------------------------------------------------- */

static void test_both_ways_and_both_ends(void **state)
{
	struct site site;

	(void)state;
	start(&site, "127.0.0.1", "127.0.0.2", SOCK_STREAM);
	for (int first = CLIENT; first <= GUEST; first++) {
		int fd[2] = { client(&site, "127.0.0.1", SOCK_STREAM), taken(&site) };

		say(fd[CLIENT], "question");
		expect(fd[GUEST], "question");
		say(fd[GUEST], "answer");
		expect(fd[CLIENT], "answer");
		assert_int_equal(shutdown(fd[first], SHUT_WR), 0);
		expect_end(fd[!first], 0);
		say(fd[!first], "still open");
		expect(fd[first], "still open");
		assert_int_equal(wait_for(fd[first], POLLIN, 20), 0);
		close(fd[!first]);
		expect_end(fd[first], 0);
		close(fd[first]);
	}
	stop(&site);
}

static void test_refused_and_reset(void **state)
{
	const struct linger none = { .l_onoff = 1 };
	struct site site;

	(void)state;
	start(&site, "127.0.0.1", "127.0.0.2", SOCK_STREAM);
	for (int first = CLIENT; first <= GUEST; first++) {
		int fd[2] = { client(&site, "127.0.0.1", SOCK_STREAM), taken(&site) };

		assert_int_equal(setsockopt(fd[first], SOL_SOCKET, SO_LINGER, &none, sizeof(none)), 0);
		close(fd[first]);
		expect_end(fd[!first], ECONNRESET);
		close(fd[!first]);
	}
	close(site.server);
	site.server = client(&site, "127.0.0.1", SOCK_STREAM);
	expect_end(site.server, ECONNRESET);
	stop(&site);
}

static void write_numbers(int fd, size_t count)
{
	static uint64_t block[8192];

	for (size_t at = 0; at < count; at += 8192) {
		for (size_t i = 0; i < 8192; i++)
			block[i] = at + i;
		if (write_all(fd, block, sizeof(block)))
			_exit(1);
	}
	_exit(0);
}

static void test_gigabyte(void **state)
{
	static uint64_t block[8192];
	const size_t count = (size_t)1 << 27;
	struct site site;
	size_t next = 0;
	int status = 0;

	(void)state;
	start(&site, "127.0.0.1", "127.0.0.2", SOCK_STREAM);
	for (int from = CLIENT; from <= GUEST; from++) {
		int fd[2] = { client(&site, "127.0.0.1", SOCK_STREAM), taken(&site) };
		pid_t writer = fork();
		ssize_t n = 0;

		if (writer == 0)
			write_numbers(fd[from], from == CLIENT ? count : count / 16);
		close(fd[from]);
		next = 0;
		while ((n = recv(fd[!from], block, sizeof(block), MSG_WAITALL)) > 0)
			for (size_t i = 0; i < (size_t)n / sizeof(block[0]); i++)
				if (block[i] != next++)
					fail_msg("number %zu is another one", next - 1);
		assert_int_equal(n, 0);
		assert_int_equal(next, from == CLIENT ? count : count / 16);
		close(fd[!from]);
		assert_int_equal(waitpid(writer, &status, 0), writer);
		assert_int_equal(status, 0);
	}
	stop(&site);
}

static long resident_pages(pid_t pid)
{
	char path[64], text[128] = "";

	snprintf(path, sizeof(path), "/proc/%d/statm", pid);
	assert_true(read_file_at(AT_FDCWD, path, text, sizeof(text)) > 0);
	return strtol(strchr(text, ' '), NULL, 10);
}

static void test_slow_reader(void **state)
{
	static char block[65536];
	struct site site;
	size_t sent = 0, received = 0;
	long pages = 0;
	ssize_t n = 0;
	int slow = -1, other = -1, server = -1;

	(void)state;
	start(&site, "127.0.0.1", "127.0.0.2", SOCK_STREAM);
	slow = client(&site, "127.0.0.1", SOCK_STREAM);
	server = taken(&site);
	pages = resident_pages(site.forward.pid);
	while (wait_for(slow, POLLOUT, 200) == 1) {
		n = send(slow, block, sizeof(block), MSG_DONTWAIT);
		sent += n > 0 ? (size_t)n : 0;
		assert_true(sent < 200000000);
	}
	assert_true(resident_pages(site.forward.pid) < pages + 100);
	other = client(&site, "127.0.0.1", SOCK_STREAM);
	say(other, "not held up");
	n = taken(&site);
	expect((int)n, "not held up");
	close((int)n);
	close(other);
	assert_int_equal(shutdown(slow, SHUT_WR), 0);
	while ((n = recv(server, block, sizeof(block), 0)) > 0)
		received += (size_t)n;
	assert_int_equal(received, sent);
	close(server);
	close(slow);
	stop(&site);
}

static void test_many_connections(void **state)
{
	static int fd[MANY][2];
	struct site site;
	char text[16];

	(void)state;
	start(&site, "127.0.0.1", "127.0.0.2", SOCK_STREAM);
	for (int round = 0; round < 2; round++) {
		for (int i = 0; i < MANY; i++) {
			fd[i][CLIENT] = client(&site, "127.0.0.1", SOCK_STREAM);
			fd[i][GUEST] = taken(&site);
		}
		for (int i = 0; i < MANY; i++) {
			snprintf(text, sizeof(text), "number %04d", i);
			say(fd[i][CLIENT], text);
		}
		for (int i = 0; i < MANY; i++) {
			snprintf(text, sizeof(text), "number %04d", i);
			expect(fd[i][GUEST], text);
			say(fd[i][GUEST], "thanks");
			close(fd[i][GUEST]);
		}
		for (int i = 0; i < MANY; i++) {
			expect(fd[i][CLIENT], "thanks");
			expect_end(fd[i][CLIENT], 0);
			close(fd[i][CLIENT]);
		}
	}
	stop(&site);
}

/* With few descriptors there are few places; who finds none waits. */
static void in_few_places(void)
{
	const struct rlimit few = { 64, 64 };
	int clients[40], served[40];
	struct site site;
	size_t count = 0;

	assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
	start(&site, "127.0.0.1", "127.0.0.2", SOCK_STREAM);
	for (int i = 0; i < 25; i++)
		clients[i] = client(&site, "127.0.0.1", SOCK_STREAM);
	while (wait_for(site.server, POLLIN, 200) == 1)
		served[count++] = taken(&site);
	if (count < 10 || count > 24)
		_exit(1);
	for (size_t i = 0; i < count; i++) {
		close(clients[i]);
		expect_end(served[i], 0);
		close(served[i]);
	}
	for (size_t i = count; i < 25; i++) {
		served[i] = taken(&site);
		say(clients[i], "at last");
		expect(served[i], "at last");
	}
	stop(&site);
	_exit(0);
}

static void test_bounded_places(void **state)
{
	int status = 0;
	pid_t pid = fork();

	(void)state;
	if (pid == 0)
		in_few_places();
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static void test_address_families(void **state)
{
	struct site site;
	int fd[2];

	(void)state;
	for (int ipv6 = 0; ipv6 < 2; ipv6++) {
		start(&site, ipv6 ? "::1" : "0.0.0.0", ipv6 ? "127.0.0.2" : "::1", SOCK_STREAM);
		fd[CLIENT] = client(&site, ipv6 ? "::1" : "127.0.0.7", SOCK_STREAM);
		fd[GUEST] = taken(&site);
		say(fd[CLIENT], "across");
		expect(fd[GUEST], "across");
		close(fd[CLIENT]);
		close(fd[GUEST]);
		stop(&site);
	}
}

/* ---- udp -------------------------------------------------------------------------------------------------------- */

/* Answers `count` datagrams with what they say. */
static void echo(const struct site *site, int count)
{
	char data[2048];

	for (int i = 0; i < count; i++) {
		union endpoint from;
		socklen_t length = sizeof(from);
		ssize_t n = 0;

		assert_int_equal(wait_for(site->server, POLLIN, 5000), 1);
		n = recvfrom(site->server, data, sizeof(data), 0, &from.any, &length);
		assert_int_equal(sendto(site->server, data, (size_t)n, 0, &from.any, length), n);
	}
}

/* The clients' sockets are connected: an answer from another address than they wrote to would not arrive. */
static void test_datagrams(void **state)
{
	static const char *const to[][3] = { { "0.0.0.0", "127.0.0.2", "127.0.0.7" },
					     { "0.0.0.0", "::1", "127.0.0.1" },
					     { "127.0.0.1", "127.0.0.2", "127.0.0.1" },
					     { "::", "127.0.0.2", "::1" } };
	struct site site;

	(void)state;
	for (size_t i = 0; i < sizeof(to) / sizeof(to[0]); i++) {
		int one = -1, two = -1;

		start(&site, to[i][0], to[i][1], SOCK_DGRAM);
		one = client(&site, to[i][2], SOCK_DGRAM);
		two = client(&site, to[i][2], SOCK_DGRAM);
		say(one, "one");
		say(two, "two");
		say(one, "three");
		echo(&site, 3);
		expect(two, "two");
		expect(one, "one");
		expect(one, "three");
		close(one);
		close(two);
		stop(&site);
	}
}

/* More clients than there may be flows: the latest are served, and the first when they come again. A guest that does
 * not listen for a while is found again. */
static void test_many_datagrams(void **state)
{
	static int fd[1500];
	struct site site;

	(void)state;
	start(&site, "127.0.0.1", "127.0.0.2", SOCK_DGRAM);
	for (int round = 0; round < 2; round++)
		for (int i = 0; i < 1500; i++) {
			fd[i] = round ? fd[i] : client(&site, "127.0.0.1", SOCK_DGRAM);
			say(fd[i], "ping");
			echo(&site, 1);
			expect(fd[i], "ping");
		}
	close(site.server);
	say(fd[0], "lost");
	assert_int_equal(wait_for(fd[0], POLLIN, 50), 0);
	site.server = bound("127.0.0.2", SOCK_DGRAM, (unsigned)site.port.guest);
	say(fd[0], "found");
	echo(&site, 1);
	expect(fd[0], "found");
	for (int i = 0; i < 1500; i++)
		close(fd[i]);
	stop(&site);
}

/* The relay's own tables, with a clock of the test's. */
static void test_idle_flows_end(void **state)
{
	static struct flow flows[3];
	static char scratch[SCRATCH_SIZE];
	struct forwarding relay = { .flows = flows, .flow_max = 2, .scratch = scratch, .now = 1000 };
	struct site site;
	int fd[2];

	(void)state;
	plan_site(&site, "127.0.0.1", SOCK_DGRAM, free_port("127.0.0.1", SOCK_DGRAM));
	site.server = bound("127.0.0.2", SOCK_DGRAM, 0);
	site.port.guest = (int)port_of(site.server);
	assert_int_equal(address_parse("127.0.0.2", &site.network.address), 0);
	assert_int_equal(publish_reserve(&site.plan, &site.network, &site.error), 0);
	relay.network = &site.network;
	relay.epoll = epoll_create1(EPOLL_CLOEXEC);
	assert_int_equal(udp_next(&relay), INT64_MAX);
	for (int i = 0; i < 2; i++) {
		fd[i] = client(&site, "127.0.0.1", SOCK_DGRAM);
		say(fd[i], "ping");
		udp_from_clients(&relay, 0);
		relay.now += NSEC_PER_SEC;
	}
	say(fd[0], "again");
	udp_from_clients(&relay, 0);
	assert_int_equal(udp_next(&relay), 1000 + 61 * NSEC_PER_SEC);
	relay.now = udp_next(&relay) - 1;
	udp_expire(&relay);
	assert_true(flows[1].fd >= 0 && flows[2].fd >= 0);
	relay.now++;
	udp_expire(&relay);
	assert_true(flows[1].fd >= 0 && flows[2].fd < 0);
	assert_int_equal(udp_next(&relay), 1000 + 62 * NSEC_PER_SEC);
	relay.now += NSEC_PER_SEC;
	udp_expire(&relay);
	assert_true(flows[1].fd < 0);
	assert_int_equal(udp_next(&relay), INT64_MAX);
	close(fd[0]);
	close(fd[1]);
	close(relay.epoll);
	close(site.server);
	publish_release(&site.network);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_both_ways_and_both_ends),
		cmocka_unit_test(test_refused_and_reset),
		cmocka_unit_test(test_gigabyte),
		cmocka_unit_test(test_slow_reader),
		cmocka_unit_test(test_many_connections),
		cmocka_unit_test(test_bounded_places),
		cmocka_unit_test(test_address_families),
		cmocka_unit_test(test_datagrams),
		cmocka_unit_test(test_many_datagrams),
		cmocka_unit_test(test_idle_flows_end),
	};

	(void)argc;
	arguments = argv;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
