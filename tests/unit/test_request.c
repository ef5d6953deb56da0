/* What a keeper accepts as a request, and what not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "run/request.h"

struct message {
	struct request_head head;
	char text[64];
	size_t length; /* of the text */
};

static struct message good(void)
{
	struct message message = { .text = "sh\0-c\0A=b\0/tmp", .length = 15 };

	request_init(&message.head, REQUEST_EXEC);
	message.head.words = 2;
	message.head.variables = 1;
	message.head.directories = 1;
	return message;
}

static int read_message(const struct message *message, struct request *ret)
{
	size_t length = sizeof(message->head) + message->length;
	char *data = malloc(length + 1);

	memcpy(data, &message->head, sizeof(message->head));
	memcpy(data + sizeof(message->head), message->text, message->length);
	return request_read(data, length, ret);
}

static void refused(const struct message *message)
{
	struct request request;

	assert_int_equal(read_message(message, &request), -1);
}

static void a_whole_request_is_taken(void **state)
{
	struct message message = good();
	struct request request;

	(void)state;
	assert_int_equal(read_message(&message, &request), 0);
	assert_string_equal(request.words[0], "sh");
	assert_string_equal(request.words[1], "-c");
	assert_null(request.words[2]);
	assert_string_equal(request.variables[0], "A=b");
	assert_null(request.variables[1]);
	assert_string_equal(request.directory, "/tmp");
	request_free(&request);
}

static void every_part_of_one_is_refused(void **state)
{
	struct message message = good();

	(void)state;
	while (message.length-- > 0)
		refused(&message);
}

static void counts_that_do_not_fit_are_refused(void **state)
{
	static const uint32_t counts[] = { 0, 3, 64, 1000, REQUEST_MAX, UINT32_MAX };

	(void)state;
	for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
		struct message words = good(), variables = good(), directories = good();

		words.head.words = variables.head.variables = counts[i];
		directories.head.directories = counts[i] ? counts[i] : 2;
		refused(&words);
		refused(&variables);
		refused(&directories);
	}
}

static void what_is_out_of_range_is_refused(void **state)
{
	struct message message[10];

	(void)state;
	for (size_t i = 0; i < 10; i++)
		message[i] = good();
	message[0].head.magic[0] = 'S';
	message[1].head.version[0]++;
	message[2].head.record_size++;
	message[3].head.type = REQUEST_TYPE_COUNT;
	message[4].head.type = 0;
	message[5].head.signal = 64;
	message[6].head.pty = 2;
	message[7].head.slave = 8;
	message[8].head.type = REQUEST_KILL; /* with words */
	message[9].text[10] = 't';           /* a relative directory */
	for (size_t i = 0; i < 10; i++)
		refused(&message[i]);
	message[0] = good();
	message[0].text[7] = '-'; /* "A-b" */
	refused(&message[0]);
	message[0] = good();
	message[0].text[6] = '='; /* "==b" */
	refused(&message[0]);
}

/* Over a socket, with descriptors: as many as an exec needs, and none with anything else. */
static void descriptors_come_with_exec_alone(void **state)
{
	char word[] = "true", *words[] = { word, NULL };
	const int own[3] = { 0, 1, 2 };
	struct request_head head;
	struct request request;
	int pair[2], fds[3];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
	assert_int_equal(request_receive(pair[1], &request, fds), 0);
	request_init(&head, REQUEST_EXEC);
	head.words = 1;
	assert_int_equal(request_send(pair[0], &head, words, own), 0);
	assert_int_equal(request_receive(pair[1], &request, fds), 1);
	for (int i = 0; i < 3; i++)
		assert_int_equal(close(fds[i]), 0);
	request_free(&request);
	assert_int_equal(request_send(pair[0], &head, words, NULL), 0);
	assert_int_equal(request_receive(pair[1], &request, fds), -1);
	request_init(&head, REQUEST_INSPECT);
	assert_int_equal(request_send(pair[0], &head, NULL, own), 0);
	assert_int_equal(request_receive(pair[1], &request, fds), -1);
	assert_int_equal(fds[0], -1);
	assert_int_equal(request_send(pair[0], &head, NULL, NULL), 0);
	assert_int_equal(request_receive(pair[1], &request, fds), 1);
	request_free(&request);
	close(pair[0]);
	assert_int_equal(request_receive(pair[1], &request, fds), -1);
	close(pair[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_whole_request_is_taken),           cmocka_unit_test(every_part_of_one_is_refused),
		cmocka_unit_test(counts_that_do_not_fit_are_refused), cmocka_unit_test(what_is_out_of_range_is_refused),
		cmocka_unit_test(descriptors_come_with_exec_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
