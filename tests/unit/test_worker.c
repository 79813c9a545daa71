/* SPDX-License-Identifier: MIT */
/* A worker's life as its master sees it: limits, the log, the counters, its death. */
#include <fcntl.h>
#include <sys/mman.h>

#include <jansson.h>

#include "served.h"
#include "unit.h"

#define GET "GET /greet/you HTTP/1.1\r\nhost: a\r\n\r\n"

static struct served served;

static void set_up(void)
{
	rig_open(&served.rig);
	rig_add(&served.rig, "greeter");
	rig_add(&served.rig, "bulk");
}

static void tear_down(void)
{
	served_stop(&served);
}

static const struct scoreboard_worker *board(void)
{
	return &served.board->worker[0];
}

START_TEST(refuses_connections_past_its_limit)
{
	struct client first;
	struct client second;
	char byte;

	served_start(&served, ",\"limits\":{\"max_connections\":1}");
	client_open(&first, &served);
	/* One that is idle would make room. */
	client_send(&first, "POST /greet/you HTTP/1.1\r\nhost: a\r\n"
	    "content-length: 1\r\nexpect: 100-continue\r\n\r\n");
	client_await(&first, "100 Continue");
	client_connect(&second, &served, 0);
	ck_assert_int_le(recv(second.fd, &byte, 1, 0), 0);
	client_close(&second);
	client_send(&first, "x");
	client_await(&first, "Hello, you");
	ck_assert_uint_eq(counter_get(&board()->refused), 1);
	ck_assert_uint_eq(counter_get(&board()->limits[LIMIT_MAX_CONNECTIONS]), 1);
	ck_assert_uint_eq(counter_get(&board()->accepted), 1);
	client_close(&first);
}
END_TEST

START_TEST(says_what_it_was_at_when_it_died)
{
	struct client client;
	int status;

	served_start(&served, "");
	client_open(&client, &served);
	client_send(&client, "GET /bulk/1?crash HTTP/1.1\r\nhost: a\r\n\r\n");
	status = served_wait(&served);
	ck_assert(WIFSIGNALED(status));
	ck_assert_int_eq(WTERMSIG(status), SIGABRT);
	ck_assert_str_eq(served.blames->running.handler, "bulk");
	ck_assert_str_eq(served.blames->running.callback, "on_request");
	ck_assert_str_eq(served.blames->running.target, "GET /bulk/1?crash");
	ck_assert_uint_eq(strlen(served.blames->running.request), 16);
	client_close(&client);
}
END_TEST

START_TEST(stops_when_it_was_told_before_it_could_listen)
{
	served_prepare(&served, "");
	/* served_stop sends SIGTERM at once, maybe before the worker has run at all. */
	served_fork(&served);
}
END_TEST

/* Those that wait in the queue are served before the end, more than one batch of them.
 * Without TLS: a handshake would have to be over soon, however busy the machine is. */
START_TEST(serves_all_that_have_connected_before_it_stops)
{
	/* More than are accepted in one go. */
	static struct client clients[80];
	char reply[12];

	served_start(&served, ",\"listeners\":[{\"address\":\"127.0.0.1:8443\","
	    "\"tls\":false,\"redirect\":\"https:443\"}]");
	kill(served.pid, SIGSTOP);
	for (size_t i = 0; i < 80; i++) {
		client_connect(&clients[i], &served, 0);
		ck_assert_int_eq(send(clients[i].fd, GET, strlen(GET), 0), strlen(GET));
	}
	kill(served.pid, SIGTERM);
	kill(served.pid, SIGCONT);
	for (size_t i = 0; i < 80; i++) {
		ck_assert_int_eq(recv(clients[i].fd, reply, sizeof(reply), MSG_WAITALL),
		    sizeof(reply));
		ck_assert_mem_eq(reply, "HTTP/1.1 308", sizeof(reply));
		client_close(&clients[i]);
	}
	ck_assert_int_eq(served_wait(&served), 0);
}
END_TEST

/* The lines of the access log, once the worker has ended; the caller decrefs. */
static json_t *log_lines(void)
{
	char *path = memory_printf("%s/access.log", served.rig.root);
	json_t *lines = json_array();
	FILE *in = fopen(path, "r");
	json_t *line;

	ck_assert_ptr_nonnull(in);
	while ((line = json_loadf(in, JSON_DISABLE_EOF_CHECK, NULL)) != NULL) {
		json_array_append_new(lines, line);
	}
	fclose(in);
	free(path);
	return lines;
}

static const char *text_of(const json_t *line, const char *name)
{
	return json_string_value(json_object_get(line, name));
}

static int64_t number_of(const json_t *line, const char *name)
{
	return json_integer_value(json_object_get(line, name));
}

START_TEST(logs_a_line_for_each_request)
{
	struct client client;
	json_t *lines;
	const json_t *line;

	served_start(&served, "");
	client_open(&client, &served);
	client_send(&client,
	    GET "GET /nothing?a=\"b\" HTTP/1.1\r\nhost: a\r\n\r\nnonsense\r\n");
	(void)client_await_end(&client);
	client_close(&client);
	kill(served.pid, SIGTERM);
	ck_assert_int_eq(served_wait(&served), 0);
	lines = log_lines();
	ck_assert_uint_eq(json_array_size(lines), 3);
	line = json_array_get(lines, 0);
	ck_assert_str_eq(text_of(line, "tls"), "TLSv1.3");
	ck_assert_str_eq(text_of(line, "method"), "GET");
	ck_assert_str_eq(text_of(line, "target"), "/greet/you");
	ck_assert_str_eq(text_of(line, "handler"), "greeter");
	ck_assert_int_eq(number_of(line, "status"), 200);
	ck_assert_int_eq(number_of(line, "bytes"), 11);
	line = json_array_get(lines, 1);
	ck_assert_int_eq(number_of(line, "status"), 404);
	ck_assert(json_is_null(json_object_get(line, "handler")));
	line = json_array_get(lines, 2);
	ck_assert_int_eq(number_of(line, "status"), 400);
	json_decref(lines);
}
END_TEST

START_TEST(counts_requests_by_handler_and_class)
{
	uint32_t greeter;
	struct client client;

	served_start(&served, "");
	client_open(&client, &served);
	client_send(&client, GET GET "GET /nothing HTTP/1.1\r\nhost: a\r\n\r\n");
	client_await(&client, "404 Not Found: ");
	client_close(&client);
	greeter = scoreboard_handler_find(served.board, "greeter");
	ck_assert_uint_eq(counter_get(&board()->handlers[greeter].requests[1]), 2);
	ck_assert_uint_eq(counter_get(&board()->handlers[SCOREBOARD_SERVER].requests[3]),
	    1);
	ck_assert_uint_eq(counter_get(&board()->handshakes), 1);
	ck_assert_uint_gt(counter_get(&board()->sent_bytes), 1000);
}
END_TEST

static void expect_served(void)
{
	struct client client;

	client_open(&client, &served);
	client_send(&client, GET);
	client_await(&client, "Hello, you");
	client_close(&client);
}

START_TEST(an_order_that_it_does_not_know_is_passed_over)
{
	served_start(&served, "");
	served_order(&served, (enum channel_type)200, open("/dev/null", O_RDONLY));
	expect_served();
}
END_TEST

START_TEST(what_is_no_generation_is_refused_and_the_one_before_goes_on)
{
	struct pollfd readable = { .events = POLLIN };
	struct channel_message message;
	int fd = memfd_create("generation", MFD_CLOEXEC);

	served_start(&served, "");
	ck_assert_int_eq(write(fd, "nonsense", 8), 8);
	served_order(&served, CHANNEL_GENERATION, fd);
	readable.fd = served.channel_fd;
	ck_assert_int_eq(poll(&readable, 1, SERVED_DEADLINE_S * 1000), 1);
	ck_assert_int_eq(channel_receive(served.channel_fd, &message), 0);
	ck_assert_uint_eq(message.type, CHANNEL_FAILED);
	ck_assert_str_eq(message.text, "the master's message cannot be understood");
	expect_served();
}
END_TEST

/* The first bytes of a client that asks for that name; returns their number. */
static size_t make_hello(const char *name, unsigned char hello[4096])
{
	SSL_CTX *context = SSL_CTX_new(TLS_client_method());
	SSL *ssl = SSL_new(context);
	int size;

	SSL_set_bio(ssl, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
	ck_assert_int_eq(SSL_set_tlsext_host_name(ssl, name), 1);
	ck_assert_int_le(SSL_connect(ssl), 0);
	size = BIO_read(SSL_get_wbio(ssl), hello, 4096);
	ck_assert_int_gt(size, 0);
	SSL_free(ssl);
	SSL_CTX_free(context);
	return (size_t)size;
}

/* In front of the name: the size of the list, its type, its own size (RFC 6066). */
START_TEST(a_name_whose_sizes_lie_ends_the_handshake)
{
	unsigned char hello[4096];
	unsigned char answer[7] = { 0 };
	size_t size = make_hello("who.test", hello);
	unsigned char *name = memmem(hello, size, "who.test", 8);
	struct client client;

	ck_assert_ptr_nonnull(name);
	name[-1 - _i] ^= 0x7f;
	served_start(&served, "");
	client_connect(&client, &served, 0);
	ck_assert_int_eq(send(client.fd, hello, size, MSG_NOSIGNAL), (ssize_t)size);
	/* A record of a fatal alert; the next thing is the end. */
	ck_assert_int_eq(recv(client.fd, answer, sizeof(answer), MSG_WAITALL),
	    sizeof(answer));
	ck_assert_uint_eq(answer[0], 21);
	ck_assert_uint_eq(answer[5], SSL3_AL_FATAL);
	ck_assert_int_le(recv(client.fd, answer, 1, 0), 0);
	client_close(&client);
	expect_served();
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("worker");
	TCase *tests = tcase_create("worker");

	tcase_add_checked_fixture(tests, set_up, tear_down);
	tcase_set_timeout(tests, 100);
	tcase_add_test(tests, refuses_connections_past_its_limit);
	tcase_add_test(tests, says_what_it_was_at_when_it_died);
	tcase_add_test(tests, stops_when_it_was_told_before_it_could_listen);
	tcase_add_test(tests, serves_all_that_have_connected_before_it_stops);
	tcase_add_test(tests, logs_a_line_for_each_request);
	tcase_add_test(tests, counts_requests_by_handler_and_class);
	tcase_add_test(tests, an_order_that_it_does_not_know_is_passed_over);
	tcase_add_test(tests,
	    what_is_no_generation_is_refused_and_the_one_before_goes_on);
	tcase_add_loop_test(tests, a_name_whose_sizes_lie_ends_the_handshake, 0, 5);
	suite_add_tcase(suite, tests);
	return unit_run(suite);
}
