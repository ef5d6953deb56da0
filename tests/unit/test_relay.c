/* test_relay: copying between pipes, driven by hand: what is bounded stays bounded, what is counted is counted, and
 * every end is passed on. No privilege. */
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <termios.h>
#include <unistd.h>

#include "run/relay.h"

/* After our own: it makes a macro of the word fail. */
#include <cmocka.h>

/* in -> relay -> out; the test holds in[1] and out[0]. */
struct pipes {
	struct relay relay;
	struct relay_count count;
	int in, out;
};

static void make(struct pipes *pipes, uint64_t limit)
{
	int in[2], out[2];

	assert_int_equal(pipe2(in, O_CLOEXEC | O_NONBLOCK), 0);
	assert_int_equal(pipe2(out, O_CLOEXEC | O_NONBLOCK), 0);
	pipes->count = (struct relay_count){ .limit = limit };
	relay_init(&pipes->relay);
	pipes->relay.count = &pipes->count;
	relay_start(&pipes->relay, in[0], out[1]);
	pipes->in = in[1];
	pipes->out = out[0];
}

static void unmake(struct pipes *pipes)
{
	relay_close(&pipes->relay);
	close(pipes->in);
	close(pipes->out);
}

/* Lets the relay do what it can until nothing is ready. */
static void run(struct relay *relay)
{
	struct pollfd events[2];

	for (int turn = 0; turn < 10000; turn++) {
		relay_poll(relay, events);
		if (poll(events, 2, 0) <= 0)
			return;
		relay_step(relay, events);
	}
	fail_msg("the relay does not come to rest");
}

static size_t drain(int fd)
{
	static char data[65536];
	size_t length = 0;
	ssize_t n = 0;

	while ((n = read(fd, data, sizeof(data))) > 0)
		length += (size_t)n;
	return length;
}

static bool at_end(int fd)
{
	char c;

	return read(fd, &c, 1) == 0;
}

static void bytes_pass(void **state)
{
	struct pipes pipes;
	char data[16] = "";

	(void)state;
	make(&pipes, UINT64_MAX);
	assert_int_equal(write(pipes.in, "hello", 5), 5);
	run(&pipes.relay);
	assert_int_equal(read(pipes.out, data, sizeof(data)), 5);
	assert_string_equal(data, "hello");
	assert_int_equal(pipes.count.bytes, 5);
	assert_false(relay_over(&pipes.relay));
	unmake(&pipes);
}

static void the_end_passes_behind_the_bytes(void **state)
{
	struct pipes pipes;

	(void)state;
	make(&pipes, UINT64_MAX);
	assert_int_equal(write(pipes.in, "hello", 5), 5);
	close(pipes.in);
	pipes.in = -1;
	run(&pipes.relay);
	assert_true(relay_over(&pipes.relay));
	assert_int_equal(drain(pipes.out), 5);
	assert_true(at_end(pipes.out));
	unmake(&pipes);
}

/* Nobody reads: the relay takes one buffer and what the pipes hold, and then the writer stands. */
static void a_slow_reader_holds_the_writer(void **state)
{
	static char data[4096];
	struct pipes pipes;
	size_t written = 0, delivered = 0;

	(void)state;
	make(&pipes, UINT64_MAX);
	for (int turn = 0; turn < 1000; turn++) {
		ssize_t n = write(pipes.in, data, sizeof(data));

		written += n > 0 ? (size_t)n : 0;
		run(&pipes.relay);
	}
	assert_true(written <= 2 * 65536 + RELAY_SIZE);
	for (int turn = 0; turn < 4; turn++) {
		delivered += drain(pipes.out);
		run(&pipes.relay);
	}
	assert_int_equal(written, delivered);
	unmake(&pipes);
}

static void what_is_over_the_limit_is_dropped(void **state)
{
	static char data[5000];
	struct pipes pipes;

	(void)state;
	make(&pipes, 3000);
	assert_int_equal(write(pipes.in, data, 3000), 3000);
	run(&pipes.relay);
	assert_false(pipes.count.exceeded);
	assert_int_equal(write(pipes.in, data, 1), 1);
	run(&pipes.relay);
	assert_true(pipes.count.exceeded);
	assert_true(relay_over(&pipes.relay));
	assert_int_equal(drain(pipes.out), 3000);
	assert_int_equal(pipes.count.bytes, 3000);
	unmake(&pipes);
}

static void two_share_a_limit(void **state)
{
	struct pipes one, two;

	(void)state;
	make(&one, 10);
	make(&two, 10);
	two.relay.count = &one.count;
	assert_int_equal(write(one.in, "1234567", 7), 7);
	assert_int_equal(write(two.in, "1234567", 7), 7);
	run(&one.relay);
	run(&two.relay);
	assert_true(one.count.exceeded);
	assert_int_equal(drain(one.out), 7);
	assert_int_equal(drain(two.out), 3);
	unmake(&one);
	unmake(&two);
}

static void a_reader_that_is_gone_ends_it(void **state)
{
	struct pipes pipes;

	(void)state;
	make(&pipes, UINT64_MAX);
	close(pipes.out);
	pipes.out = -1;
	assert_int_equal(write(pipes.in, "x", 1), 1);
	run(&pipes.relay);
	assert_true(relay_over(&pipes.relay));
	assert_int_equal(write(pipes.in, "x", 1), -1);
	unmake(&pipes);
}

/* A writer that outlives the payload may not keep the launcher for ever. */
static void last_orders_are_bounded(void **state)
{
	static char data[65536];
	struct pipes pipes;
	size_t read_behind = 0;

	(void)state;
	make(&pipes, UINT64_MAX);
	relay_last_orders(&pipes.relay);
	for (int turn = 0; turn < 1000 && !relay_over(&pipes.relay); turn++) {
		(void)!write(pipes.in, data, sizeof(data));
		run(&pipes.relay);
		read_behind += drain(pipes.out);
	}
	assert_true(relay_over(&pipes.relay));
	assert_int_equal(read_behind, 1024 * 1024);
	unmake(&pipes);
}

static void giving_up_keeps_what_is_buffered(void **state)
{
	static char data[65536];
	struct pipes pipes;

	(void)state;
	make(&pipes, UINT64_MAX);
	while (write(pipes.in, data, sizeof(data)) > 0)
		run(&pipes.relay);
	relay_give_up(&pipes.relay);
	assert_false(relay_over(&pipes.relay));
	drain(pipes.out);
	run(&pipes.relay);
	drain(pipes.out);
	run(&pipes.relay);
	drain(pipes.out);
	relay_give_up(&pipes.relay);
	assert_true(relay_over(&pipes.relay));
	unmake(&pipes);
}

/* The kernel's line discipline shows whether the key arrived: a read in canonical mode sees the text, then the end. */
static void the_end_of_input_is_a_key_of_a_terminal(void **state)
{
	struct pipes pipes;
	int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK), slave = -1, none = 0;
	char data[16];

	(void)state;
	assert_true(master >= 0);
	assert_int_equal(ioctl(master, TIOCSPTLCK, &none), 0);
	slave = ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
	assert_true(slave >= 0);
	make(&pipes, UINT64_MAX);
	close(pipes.relay.to);
	pipes.relay.count = NULL;
	pipes.relay.keys = true;
	relay_start(&pipes.relay, pipes.relay.from, dup(master));
	assert_int_equal(write(pipes.in, "no newline", 10), 10);
	close(pipes.in);
	pipes.in = -1;
	run(&pipes.relay);
	assert_int_equal(read(slave, data, sizeof(data)), 10);
	assert_int_equal(read(slave, data, sizeof(data)), 0);
	close(slave);
	close(master);
	unmake(&pipes);
}

/* O_NONBLOCK belongs to what a caller shares with others. */
static void the_callers_flags_stay(void **state)
{
	int ends[2], ours = -1;

	(void)state;
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	ours = relay_open(ends[1], true);
	assert_true(ours >= 0);
	assert_true(fcntl(ours, F_GETFL) & O_NONBLOCK);
	assert_false(fcntl(ends[1], F_GETFL) & O_NONBLOCK);
	close(ours);
	close(ends[0]);
	close(ends[1]);
}

/* A socket cannot be opened again. A full one must not hold the launcher. */
static void a_full_socket_does_not_block(void **state)
{
	static char data[65536];
	struct pipes pipes;
	int ends[2];

	(void)state;
	make(&pipes, UINT64_MAX);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
	close(pipes.relay.to);
	relay_start(&pipes.relay, pipes.relay.from, ends[1]);
	alarm(10);
	for (int turn = 0; turn < 100; turn++) {
		(void)!write(pipes.in, data, sizeof(data));
		run(&pipes.relay);
	}
	alarm(0);
	close(ends[0]);
	unmake(&pipes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bytes_pass),
		cmocka_unit_test(the_end_passes_behind_the_bytes),
		cmocka_unit_test(a_slow_reader_holds_the_writer),
		cmocka_unit_test(what_is_over_the_limit_is_dropped),
		cmocka_unit_test(two_share_a_limit),
		cmocka_unit_test(a_reader_that_is_gone_ends_it),
		cmocka_unit_test(last_orders_are_bounded),
		cmocka_unit_test(giving_up_keeps_what_is_buffered),
		cmocka_unit_test(the_end_of_input_is_a_key_of_a_terminal),
		cmocka_unit_test(the_callers_flags_stay),
		cmocka_unit_test(a_full_socket_does_not_block),
	};

	(void)signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
