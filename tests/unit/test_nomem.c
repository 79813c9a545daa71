/* SPDX-License-Identifier: MIT */
/*
 * Memory runs out, at the n-th allocation for every n, and for good or once: code that
 * serves says so and leaves nothing behind; code of boot and reload ends the process.
 */
#include "base/memory.h"

#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../faults/faults.h"
#include "config/config.h"
#include "exchange/exchange.h"
#include "http/h1_reader.h"
#include "http/h1_writer.h"
#include "unit.h"
#include "ws_peer.h"

#define FOR_GOOD INT64_MAX

static void arm(int64_t after, int64_t count)
{
	*faults_page = (struct faults){ .memory_after = after, .memory_count = count };
	faults_page->pid = getpid();
}

/* Whether any allocation has failed; *left is how many are not freed. */
static bool disarm(int64_t *left)
{
	faults_page->pid = 0;
	*left = faults_page->memory_live;
	return faults_page->memory_failed > 0;
}

/* What a scenario gives is its result: 0, a failure that it has told, or 1 for what must
 * not be; assertions take memory, too. */
static void try_all(int (*scenario)(void), int64_t count)
{
	bool failed = true;
	int64_t left;
	int rc = 0;

	ck_assert_int_eq(scenario(), 0);
	for (int64_t n = 1; failed; n++) {
		arm(n, count);
		rc = scenario();
		failed = disarm(&left);
		ck_assert_msg(left == 0, "allocation %d: %d left", (int)n, (int)left);
		ck_assert_int_le(rc, 0);
		ck_assert(failed || n > 3);
	}
	ck_assert_int_eq(rc, 0);
}

static void wake(struct exchange *exchange)
{
	(void)exchange;
}

static int read_request(struct h1_reader *reader, struct exchange *exchange)
{
	static const char request[] = "POST /a?b HTTP/1.1\r\nHost: localhost\r\nX: y\r\n"
	    "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nT: u\r\n\r\n";
	struct slice input = slice_of(request);
	const char *reason;

	h1_reader_begin(reader, &exchange->request);
	for (;;) {
		struct slice body = { NULL, 0 };

		switch (h1_reader_next(reader, &input, &body)) {
		case H1_BODY:
			if (exchange_take_body(exchange, body, &reason) != 0) {
				return ERR_NOMEM;
			}
			break;
		case H1_HEAD:
			break;
		case H1_END:
			return 0;
		default:
			return reader->status >= 500 ? ERR_NOMEM : 1;
		}
	}
}

static int reply(struct exchange *exchange, struct buffer *out)
{
	int rc = exchange_set_header(exchange, "x-name", "a value of some length");

	rc = rc != 0 ? rc : exchange_start(exchange, 200, "text/plain");
	for (int i = 0; rc == 0 && i < 3; i++) {
		rc = exchange_write(exchange, "hello", 5);
	}
	rc = rc != 0 ? rc : exchange_add_trailer(exchange, "x-sum", "15");
	rc = rc != 0 ? rc : exchange_end(exchange);
	rc = rc != 0 ? rc : h1_write_head(out, &exchange->request, &exchange->reply,
	    H1_CHUNKED, false, SLICE("now"));
	return rc != 0 ? rc : h1_write_last_chunk(out, &exchange->reply.trailer);
}

static int exchange_scenario(void)
{
	static const struct http_limits limits = { .max_target_bytes = 100,
		.max_header_bytes = 4096, .max_header_fields = 20 };
	static const struct exchange_ops ops = { .wake = wake };
	struct h1_reader reader;
	struct exchange exchange = { 0 };
	struct buffer out;
	int rc;

	h1_reader_init(&reader, &limits);
	exchange_init(&exchange, &ops, NULL);
	buffer_init(&out, 65536);
	request_init(&exchange.request, &exchange.arena, limits.max_header_bytes,
	    limits.max_header_fields);
	buffer_init(&exchange.body, 65536);
	rc = read_request(&reader, &exchange);
	rc = rc != 0 ? rc : reply(&exchange, &out);
	exchange_release(&exchange);
	buffer_release(&out);
	return rc;
}

static bool on_message(void *arg, bool text, struct slice data)
{
	struct ws *ws = arg;

	if (ws_send(ws, data, text ? WS_SEND_TEXT : WS_SEND_BINARY) != 0) {
		ws_close(ws, WS_CODE_INTERNAL, SLICE(""));
	}
	return true;
}

static void on_closed(void *arg, uint16_t code)
{
	(void)arg;
	(void)code;
}

/* What the client says is made before memory runs out. */
static struct buffer said;

static int websocket_scenario(void)
{
	static const struct ws_events events = { .message = on_message,
		.closed = on_closed };
	const struct ws_options options = { .max_message = 1 << 20, .max_queue = 1 << 20,
		.window_bits = 15 };
	struct slice input = buffer_slice(&said);
	struct ws_shared shared;
	struct ws ws;
	int rc = ws_shared_init(&shared, NULL);

	if (rc != 0) {
		return rc;
	}
	ws_init(&ws, &shared, &options, &events, &ws);
	rc = ws_input(&ws, &input);
	rc = rc == 0 && !ws_done(&ws) ? ERR_NOMEM : 0;
	ws_release(&ws);
	ws_shared_release(&shared);
	return rc;
}

START_TEST(an_exchange_fails_and_leaves_nothing)
{
	try_all(exchange_scenario, _i == 0 ? 1 : FOR_GOOD);
}
END_TEST

START_TEST(a_websocket_fails_and_leaves_nothing)
{
	struct buffer packed;

	buffer_init(&said, PEER_MAX);
	buffer_init(&packed, PEER_MAX);
	peer_deflate(&packed, SLICE("hello hello hello"), 15);
	peer_frame(&said, WS_FIN, WS_TEXT, SLICE("hello"));
	peer_frame(&said, WS_FIN | WS_RSV1, WS_TEXT, buffer_slice(&packed));
	peer_frame(&said, 0, WS_BINARY, SLICE("in two"));
	peer_frame(&said, WS_FIN, WS_CONTINUATION, SLICE(" pieces"));
	peer_frame(&said, WS_FIN, WS_PING, SLICE("ping"));
	peer_close(&said, 1000, "");
	try_all(websocket_scenario, _i == 0 ? 1 : FOR_GOOD);
	buffer_release(&packed);
	buffer_release(&said);
}
END_TEST

static const char server_json[] = "{\"certificates\":[{\"chain\":\"a.crt\",\"key\":"
    "\"a.key\"}],\"handlers\":{\"a\":{\"isolation\":\"worker\"}},\"hosts\":[{\"names\":"
    "[\"a.example\"]}],\"routes\":[{\"path\":\"/a/{b}\",\"handler\":\"a\","
    "\"settings\":{\"c\":[1,2]}}]}";

/* True: there is a configuration, or it is told what is wrong. */
static bool parse(void)
{
	struct problems problems;
	struct config *config;
	bool told;

	problems_init(&problems);
	config = config_parse("f", server_json, strlen(server_json), &problems);
	told = config != NULL || problems.errors > 0;
	config_free(config);
	problems_release(&problems);
	return told;
}

enum { FAILED, UNTOLD, LEFT, DONE };

static _Noreturn void parse_armed(int64_t n, int64_t count, int error_fd)
{
	int64_t left;
	bool failed;
	bool told;

	dup2(error_fd, STDERR_FILENO);
	arm(n, count);
	told = parse();
	failed = disarm(&left);
	/* A sanitizer makes the copies of texts by itself: they are only seen to go. */
	dprintf(STDERR_FILENO, "%d left", (int)left);
	_exit(!told ? UNTOLD : left > 0 ? LEFT : failed ? FAILED : DONE);
}

/* In a process of its own: true if an allocation has failed there. */
static bool parse_without(int64_t n, int64_t count)
{
	char words[100] = "";
	int status;
	int fds[2];
	pid_t pid;

	ck_assert_int_eq(pipe(fds), 0);
	pid = fork();
	if (pid == 0) {
		parse_armed(n, count, fds[1]);
	}
	close(fds[1]);
	(void)!read(fds[0], words, sizeof(words) - 1);
	close(fds[0]);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	if (WIFSIGNALED(status)) {
		ck_assert_int_eq(WTERMSIG(status), SIGABRT);
		ck_assert_str_eq(words, "tincan: out of memory\n");
		return true;
	}
	ck_assert_msg(WEXITSTATUS(status) == FAILED || WEXITSTATUS(status) == DONE,
	    "allocation %d: %d, %s", (int)n, WEXITSTATUS(status), words);
	return WEXITSTATUS(status) == FAILED;
}

START_TEST(a_process_parses_its_configuration_or_says_why)
{
	int64_t n = 1;

	ck_assert(parse());
	while (parse_without(n, _i == 0 ? 1 : FOR_GOOD)) {
		n++;
	}
	ck_assert_int_gt(n, 100);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("nomem");
	TCase *tests = tcase_create("nomem");

	tcase_set_timeout(tests, 60);
	tcase_add_loop_test(tests, an_exchange_fails_and_leaves_nothing, 0, 2);
	tcase_add_loop_test(tests, a_websocket_fails_and_leaves_nothing, 0, 2);
	tcase_add_loop_test(tests, a_process_parses_its_configuration_or_says_why, 0, 2);
	suite_add_tcase(suite, tests);
	return unit_run(suite);
}
