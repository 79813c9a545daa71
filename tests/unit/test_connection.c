/* SPDX-License-Identifier: MIT */
/* Connections of a worker: turns, waits, ends. The other end is OpenSSL's client. */
#include <time.h>

#include "served.h"
#include "unit.h"

#define GET "GET /greet/you HTTP/1.1\r\nhost: a\r\n\r\n"
#define GREETING "Hello, you\n"

static struct served served;

static void set_up(void)
{
	rig_open(&served.rig);
	rig_add(&served.rig, "greeter");
	rig_add(&served.rig, "bulk");
	rig_add(&served.rig, "rude");
}

static void tear_down(void)
{
	served_stop(&served);
}

/* text, count times; the caller frees. */
static char *repeat(const char *text, size_t count)
{
	size_t size = strlen(text);
	char *all = memory_new(count * size + 1, 1);

	for (size_t i = 0; i < count; i++) {
		memcpy(all + i * size, text, size);
	}
	return all;
}

/* Waits until the worker has closed all of its connections. */
static void await_no_connections(void)
{
	int64_t deadline = clock_us() + SERVED_DEADLINE_S * 1000000;

	while (counter_get(&served.board->worker[0].connections) > 0) {
		ck_assert_int_lt(clock_us(), deadline);
		sched_yield();
	}
}

START_TEST(answers_one_request_after_the_other)
{
	struct client client;

	served_start(&served, "");
	client_open(&client, &served);
	client_send(&client, GET);
	client_await(&client, GREETING);
	client_send(&client, GET "GET /nothing HTTP/1.1\r\nhost: a\r\n\r\n");
	client_await(&client, "404 Not Found:");
	ck_assert_uint_eq(client_count(&client, GREETING), 2);
	client_close(&client);
}
END_TEST

START_TEST(answers_many_pipelined_requests)
{
	char *all = repeat(GET, 5000);
	struct client client;

	served_start(&served, "");
	client_open(&client, &served);
	client_send(&client, all);
	client_await_count(&client, GREETING, 5000);
	client_close(&client);
	free(all);
}
END_TEST

/* The replies fill a gather while the next request, which has no body to write, is read:
 * its connection waited for an event that never came. */
START_TEST(answers_pipelined_requests_without_bodies)
{
	static const char head[] = "HEAD /greet/you HTTP/1.1\r\nhost: a\r\n\r\n";
	char *all = repeat(head, 3000);
	struct client client;

	served_start(&served, "");
	client_open(&client, &served);
	client_send(&client, all);
	client_await_count(&client, "HTTP/1.1 200 OK", 3000);
	client_close(&client);
	free(all);
}
END_TEST

START_TEST(sends_large_replies_to_a_slow_reader)
{
	struct client client;

	served_start(&served, "");
	client_connect(&client, &served, 16384);
	client_handshake(&client);
	client_send(&client,
	    "GET /bulk/3000000 HTTP/1.1\r\nhost: a\r\n\r\n"
	    "GET /bulk/2000000 HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n");
	ck_assert_int_eq(client_await_end(&client), SSL_ERROR_ZERO_RETURN);
	ck_assert_uint_gt(client.size, 5000000);
	ck_assert_uint_lt(client.size, 5001000);
	client_close(&client);
}
END_TEST

/* The header is written whole, whatever room is left. */
START_TEST(sends_headers_larger_than_a_gather)
{
	char *all = repeat("GET /bulk/60000?head HTTP/1.1\r\nhost: a\r\n\r\n", 100);
	struct client client;

	served_start(&served, "");
	client_open(&client, &served);
	client_send(&client, all);
	client_send(&client, "GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n");
	ck_assert_int_eq(client_await_end(&client), SSL_ERROR_ZERO_RETURN);
	ck_assert_uint_eq(client_count(&client, "HTTP/1.1 200 OK"), 100);
	client_close(&client);
	free(all);
}
END_TEST

START_TEST(answers_a_client_that_has_closed_its_side)
{
	struct client client;

	served_start(&served, "");
	client_open(&client, &served);
	client_send(&client, "GET /bulk/1000000 HTTP/1.1\r\nhost: a\r\n\r\n" GET);
	ck_assert_int_eq(SSL_shutdown(client.ssl), 0);
	ck_assert_int_eq(shutdown(client.fd, SHUT_WR), 0);
	ck_assert_int_eq(client_await_end(&client), SSL_ERROR_ZERO_RETURN);
	ck_assert_uint_eq(client_count(&client, GREETING), 1);
	client_close(&client);
}
END_TEST

/* Its body never comes: the connection lived on until body_ms had passed. */
START_TEST(ends_with_a_client_that_leaves_in_a_body_answered_early)
{
	struct client client;

	served_start(&served, "");
	client_open(&client, &served);
	client_send(&client,
	    "POST /nothing HTTP/1.1\r\nhost: a\r\ncontent-length: 9\r\n\r\nab");
	client_await(&client, "404 Not Found:");
	ck_assert_int_eq(SSL_shutdown(client.ssl), 0);
	ck_assert_int_eq(shutdown(client.fd, SHUT_WR), 0);
	await_no_connections();
	client_close(&client);
}
END_TEST

START_TEST(reads_on_behind_a_body_answered_early)
{
	struct client client;

	served_start(&served, "");
	client_open(&client, &served);
	client_send(&client,
	    "POST /nothing HTTP/1.1\r\nhost: a\r\ncontent-length: 9\r\n\r\nab");
	client_await(&client, "404 Not Found:");
	client_send(&client, "cdefghi" GET);
	client_await(&client, GREETING);
	client_close(&client);
}
END_TEST

START_TEST(refuses_a_body_past_the_limit_before_it_comes)
{
	struct client client;

	served_start(&served, ",\"limits\":{\"max_body_bytes\":10}");
	client_open(&client, &served);
	client_send(&client,
	    "POST /greet/you HTTP/1.1\r\nhost: a\r\ncontent-length: 11\r\n"
	    "expect: 100-continue\r\n\r\n");
	ck_assert_int_eq(client_await_end(&client), SSL_ERROR_ZERO_RETURN);
	ck_assert_uint_eq(client_count(&client, "100 Continue"), 0);
	ck_assert_uint_eq(client_count(&client, "HTTP/1.1 413 "), 1);
	ck_assert_uint_eq(client_count(&client, "connection: close"), 1);
	client_close(&client);
}
END_TEST

START_TEST(says_continue_behind_the_reply_before)
{
	struct client client;
	const char *first;

	served_start(&served, "");
	client_open(&client, &served);
	client_send(&client,
	    GET "POST /greet/you HTTP/1.1\r\nhost: a\r\ncontent-length: 2\r\n"
		"expect: 100-continue\r\n\r\n");
	client_await(&client, "HTTP/1.1 100 Continue\r\n\r\n");
	first = strstr(client.text, GREETING);
	ck_assert_ptr_nonnull(first);
	ck_assert(first < strstr(client.text, "100 Continue"));
	client_send(&client, "ab");
	client_await_count(&client, GREETING, 2);
	client_close(&client);
}
END_TEST

/* An HTTP/1.0 client knows the end of such a reply by that of the connection: a proper
 * close would have made half a reply a whole one. */
START_TEST(cuts_off_a_reply_that_cannot_be_completed)
{
	struct client client;

	served_start(&served,
	    ",\"routes\":[{\"path\":\"/no-end\",\"handler\":\"rude\"}]");
	client_open(&client, &served);
	client_send(&client, "GET /no-end HTTP/1.0\r\n\r\n");
	ck_assert_int_ne(client_await_end(&client), SSL_ERROR_ZERO_RETURN);
	client_close(&client);
}
END_TEST

START_TEST(answers_plain_http_in_plain_http)
{
	static const char request[] = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
	struct client client;
	char reply[512];
	ssize_t size;

	served_start(&served, "");
	client_connect(&client, &served, 0);
	ck_assert_int_eq(send(client.fd, request, sizeof(request) - 1, 0),
	    sizeof(request) - 1);
	size = recv(client.fd, reply, sizeof(reply) - 1, MSG_WAITALL);
	ck_assert_int_gt(size, 0);
	reply[size] = '\0';
	ck_assert_ptr_nonnull(strstr(reply, "HTTP/1.1 400 Bad Request\r\n"));
	ck_assert_uint_eq(strlen(strstr(reply, "\r\n\r\n") + 4), 59);
	client_close(&client);
}
END_TEST

START_TEST(answers_garbage_with_an_alert)
{
	struct client client;
	unsigned char reply[64];

	served_start(&served, "");
	client_connect(&client, &served, 0);
	ck_assert_int_eq(send(client.fd, "\x16\x03\x01\x00\x05hello", 10, 0), 10);
	ck_assert_int_ge(recv(client.fd, reply, sizeof(reply), MSG_WAITALL), 7);
	ck_assert_int_eq(reply[0], 21);
	client_close(&client);
}
END_TEST

START_TEST(survives_clients_that_reset)
{
	static const char *const moments[] = { NULL, "", "GET /bu",
		"GET /bulk/9000000 HTTP/1.1\r\nhost: a\r\n\r\n",
		"POST /greet/you HTTP/1.1\r\nhost: a\r\ncontent-length: 9\r\n\r\nab",
		"POST /nothing HTTP/1.1\r\nhost: a\r\ncontent-length: 9\r\n\r\nab",
		"GET /greet/you HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n" };
	struct client client;

	served_start(&served, "");
	for (size_t i = 0; i < sizeof(moments) / sizeof(moments[0]); i++) {
		client_connect(&client, &served, 16384);
		if (moments[i] != NULL) {
			client_handshake(&client);
			if (moments[i][0] != '\0') {
				client_send(&client, moments[i]);
			}
		}
		client_reset(&client);
	}
	client_open(&client, &served);
	client_send(&client, GET);
	client_await(&client, GREETING);
	client_close(&client);
}
END_TEST

/* Turns a client on the worker's clock: how long after that moment the end came, which
 * must be one before the worker could begin to wait. */
static int64_t time_to_end(struct client *client, int64_t since_us, int *why)
{
	*why = client_await_end(client);
	return (clock_us() - since_us) / 1000;
}

START_TEST(ends_idle_connections)
{
	struct client client;
	int64_t start;
	int why;

	served_start(&served, ",\"timeouts\":{\"idle_ms\":100}");
	client_open(&client, &served);
	start = clock_us();
	client_send(&client, GET);
	client_await(&client, GREETING);
	ck_assert_int_ge(time_to_end(&client, start, &why), 90);
	ck_assert_int_eq(why, SSL_ERROR_ZERO_RETURN);
	ck_assert_uint_eq(client_count(&client, "408"), 0);
	client_close(&client);
}
END_TEST

START_TEST(answers_408_to_a_header_that_trickles)
{
	struct client client;
	int64_t start;

	served_start(&served, ",\"timeouts\":{\"header_ms\":200}");
	client_open(&client, &served);
	start = clock_us();
	for (const char *c = "GET /greet/you HTTP/1.1\r\n"; *c != '\0'; c++) {
		struct timespec step = { .tv_nsec = 20 * 1000 * 1000 };

		if (SSL_write(client.ssl, c, 1) != 1) {
			break;
		}
		nanosleep(&step, NULL);
	}
	client_await(&client, "HTTP/1.1 408 ");
	ck_assert_int_ge(clock_us() - start, 200 * 1000);
	client_close(&client);
}
END_TEST

START_TEST(answers_408_to_a_body_that_stops)
{
	struct client client;
	int64_t start;
	int why;

	served_start(&served, ",\"timeouts\":{\"body_ms\":100}");
	client_open(&client, &served);
	start = clock_us();
	client_send(&client,
	    "POST /greet/you HTTP/1.1\r\nhost: a\r\ncontent-length: 9\r\n\r\nab");
	ck_assert_int_ge(time_to_end(&client, start, &why), 90);
	ck_assert_int_eq(why, SSL_ERROR_ZERO_RETURN);
	ck_assert_uint_eq(client_count(&client, "HTTP/1.1 408 "), 1);
	client_close(&client);
}
END_TEST

START_TEST(gives_up_on_a_client_that_does_not_read)
{
	struct client client;

	served_start(&served, ",\"timeouts\":{\"write_ms\":100}");
	client_connect(&client, &served, 16384);
	client_handshake(&client);
	client_send(&client, "GET /bulk/20000000 HTTP/1.1\r\nhost: a\r\n\r\n");
	client_await(&client, "HTTP/1.1 200");
	await_no_connections();
	client_close(&client);
}
END_TEST

START_TEST(gives_up_on_a_handshake_that_does_not_come)
{
	struct client client;
	char byte;

	served_start(&served, ",\"timeouts\":{\"handshake_ms\":100}");
	client_connect(&client, &served, 0);
	ck_assert_int_le(recv(client.fd, &byte, 1, 0), 0);
	ck_assert_uint_eq(counter_get(&served.board->worker[0].handshakes_failed), 1);
	client_close(&client);
}
END_TEST

static void stop_with(struct client *client, int expected)
{
	kill(served.pid, SIGTERM);
	ck_assert_int_eq(client_await_end(client), expected);
	client_close(client);
	ck_assert_int_eq(served_wait(&served), 0);
}

START_TEST(drains_idle_connections_at_once)
{
	struct client client;

	served_start(&served, "");
	client_open(&client, &served);
	client_send(&client, GET);
	client_await(&client, GREETING);
	stop_with(&client, SSL_ERROR_ZERO_RETURN);
}
END_TEST

/* The header had gone out without "connection: close"; the connection then idled on. */
START_TEST(drains_behind_a_reply_under_way)
{
	struct client client;

	served_start(&served, "");
	client_connect(&client, &served, 16384);
	client_handshake(&client);
	client_send(&client, "GET /bulk/8000000 HTTP/1.1\r\nhost: a\r\n\r\n");
	client_await(&client, "HTTP/1.1 200");
	stop_with(&client, SSL_ERROR_ZERO_RETURN);
}
END_TEST

START_TEST(drains_behind_a_request_under_way)
{
	struct client client;

	served_start(&served, "");
	client_open(&client, &served);
	client_send(&client,
	    "POST /greet/you HTTP/1.1\r\nhost: a\r\ncontent-length: 4\r\n\r\nab");
	client_await(&client, "");
	/* So that the worker has seen the first half before it is told to stop. */
	while (counter_get(&served.board->worker[0].received_bytes) == 0) {
		sched_yield();
	}
	kill(served.pid, SIGTERM);
	/* Else it might read the second half before that. */
	while (atomic_load(&served.board->worker[0].state) != SCOREBOARD_DRAINING) {
		sched_yield();
	}
	client_send(&client, "cd");
	ck_assert_int_eq(client_await_end(&client), SSL_ERROR_ZERO_RETURN);
	ck_assert_uint_eq(client_count(&client, GREETING), 1);
	ck_assert_uint_eq(client_count(&client, "connection: close"), 1);
	client_close(&client);
	ck_assert_int_eq(served_wait(&served), 0);
}
END_TEST

START_TEST(answers_after_key_updates)
{
	struct client client;

	served_start(&served, "");
	client_open(&client, &served);
	for (int i = 0; i < 20; i++) {
		ck_assert_int_eq(SSL_key_update(client.ssl, SSL_KEY_UPDATE_REQUESTED), 1);
		client_send(&client, GET);
		client_await_count(&client, GREETING, (size_t)i + 1);
	}
	client_close(&client);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("connection");
	TCase *turns = tcase_create("turns");
	TCase *ends = tcase_create("ends");

	tcase_add_checked_fixture(turns, set_up, tear_down);
	tcase_set_timeout(turns, 60);
	tcase_add_test(turns, answers_one_request_after_the_other);
	tcase_add_test(turns, answers_many_pipelined_requests);
	tcase_add_test(turns, answers_pipelined_requests_without_bodies);
	tcase_add_test(turns, sends_large_replies_to_a_slow_reader);
	tcase_add_test(turns, sends_headers_larger_than_a_gather);
	tcase_add_test(turns, reads_on_behind_a_body_answered_early);
	tcase_add_test(turns, refuses_a_body_past_the_limit_before_it_comes);
	tcase_add_test(turns, says_continue_behind_the_reply_before);
	tcase_add_test(turns, answers_after_key_updates);
	suite_add_tcase(suite, turns);
	tcase_add_checked_fixture(ends, set_up, tear_down);
	tcase_set_timeout(ends, 60);
	tcase_add_test(ends, answers_a_client_that_has_closed_its_side);
	tcase_add_test(ends, ends_with_a_client_that_leaves_in_a_body_answered_early);
	tcase_add_test(ends, cuts_off_a_reply_that_cannot_be_completed);
	tcase_add_test(ends, answers_plain_http_in_plain_http);
	tcase_add_test(ends, answers_garbage_with_an_alert);
	tcase_add_test(ends, survives_clients_that_reset);
	tcase_add_test(ends, ends_idle_connections);
	tcase_add_test(ends, answers_408_to_a_header_that_trickles);
	tcase_add_test(ends, answers_408_to_a_body_that_stops);
	tcase_add_test(ends, gives_up_on_a_client_that_does_not_read);
	tcase_add_test(ends, gives_up_on_a_handshake_that_does_not_come);
	tcase_add_test(ends, drains_idle_connections_at_once);
	tcase_add_test(ends, drains_behind_a_reply_under_way);
	tcase_add_test(ends, drains_behind_a_request_under_way);
	suite_add_tcase(suite, ends);
	return unit_run(suite);
}
