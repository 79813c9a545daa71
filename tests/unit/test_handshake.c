/* SPDX-License-Identifier: MIT */
/* The opening handshake, over HTTP/1.1 and HTTP/2: what is one, and what is wrong with
 * it. */
#include "ws/handshake.h"

#include "unit.h"

#define KEY "dGhlIHNhbXBsZSBub25jZQ=="	/* of RFC 6455 section 1.3 */

static struct arena arena;
static struct request request;
static struct ws_offer offer;
static const char *reason;

static void add(const char *name, const char *value)
{
	ck_assert_int_eq(head_add(&request.head, slice_of(name), slice_of(value)), 0);
}

/* In place of what there was under that name. */
static void set(const char *name, const char *value)
{
	head_remove(&request.head, slice_of(name));
	if (value != NULL) {
		add(name, value);
	}
}

static void setup(void)
{
	arena_init(&arena, 1 << 20);
	request_init(&request, &arena, 65536, 100);
	request.method_id = HTTP_GET;
	add("upgrade", "websocket");
	add("connection", "Upgrade");
	add("sec-websocket-key", KEY);
	add("sec-websocket-version", "13");
}

static void setup_h2(void)
{
	arena_init(&arena, 1 << 20);
	request_init(&request, &arena, 65536, 100);
	request.version = HTTP_2;
	request.method_id = HTTP_CONNECT;
	request.protocol = SLICE("websocket");
	request.has_body = true;
	add("sec-websocket-version", "13");
}

static void teardown(void)
{
	arena_release(&arena);
}

static int check(void)
{
	int status = ws_check(&request, &offer, &reason);

	ck_assert_int_eq(status != 0, reason != NULL);
	return status;
}

START_TEST(answers_the_example_of_the_rfc)
{
	ck_assert(ws_is_upgrade(&request));
	ck_assert_int_eq(check(), 0);
	ck_assert_str_eq(offer.accept, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
	ck_assert_int_eq(offer.extensions.window_bits, 0);
	ck_assert_str_eq(offer.extensions.value, "");
}
END_TEST

START_TEST(takes_tokens_in_lists_and_any_case)
{
	set("upgrade", "h2c, WebSocket");
	set("connection", "keep-alive, upgrade");
	ck_assert(ws_is_upgrade(&request));
	ck_assert_int_eq(check(), 0);
}
END_TEST

START_TEST(takes_an_ordinary_request_for_one)
{
	set("upgrade", NULL);
	ck_assert(!ws_is_upgrade(&request));
	set("upgrade", "h2c");
	ck_assert(!ws_is_upgrade(&request));
	set("upgrade", "websockets");
	ck_assert(!ws_is_upgrade(&request));
}
END_TEST

/* RFC 9110 section 7.8. */
START_TEST(ignores_an_upgrade_of_http_1_0)
{
	request.version = HTTP_1_0;
	ck_assert(!ws_is_upgrade(&request));
}
END_TEST

START_TEST(refuses_any_method_but_get)
{
	request.method_id = HTTP_POST;
	ck_assert(ws_is_upgrade(&request));
	ck_assert_int_eq(check(), 400);
}
END_TEST

START_TEST(refuses_a_body)
{
	request.has_body = true;
	ck_assert_int_eq(check(), 400);
}
END_TEST

START_TEST(refuses_a_connection_without_upgrade)
{
	set("connection", "keep-alive");
	ck_assert_int_eq(check(), 400);
	set("connection", NULL);
	ck_assert_int_eq(check(), 400);
}
END_TEST

START_TEST(refuses_keys_that_are_not_16_bytes_in_base64)
{
	static const char *const keys[] = { "", "AAAA", "dGhlIHNhbXBsZSBub25jZQ=",
		"dGhlIHNhbXBsZSBub25jZQ===", "dGhlIHNhbXBsZSBub25jZQAA",
		"dGhlIHNhbXBsZSBub25jZ===", "dGhlIHNhbXBsZSBub25j-Q==",
		"dGhlIHNhbXBsZSBub25jZQ==, AAAA" };

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		set("sec-websocket-key", keys[i]);
		ck_assert_msg(check() == 400, "%s", keys[i]);
	}
	set("sec-websocket-key", NULL);
	ck_assert_int_eq(check(), 400);
	set("sec-websocket-key", KEY);
	add("sec-websocket-key", KEY);
	ck_assert_int_eq(check(), 400);
}
END_TEST

START_TEST(asks_for_version_13)
{
	static const char *const versions[] = { "8", "0", "14", "013", "", "13, 8" };

	for (size_t i = 0; i < sizeof(versions) / sizeof(versions[0]); i++) {
		set("sec-websocket-version", versions[i]);
		ck_assert_msg(check() == 426, "%s", versions[i]);
	}
	set("sec-websocket-version", NULL);
	ck_assert_int_eq(check(), 426);
	set("sec-websocket-version", "13");
	add("sec-websocket-version", "8");
	ck_assert_int_eq(check(), 426);
}
END_TEST

START_TEST(negotiates_extensions)
{
	add("sec-websocket-extensions", "permessage-deflate; server_max_window_bits=12");
	ck_assert_int_eq(check(), 0);
	ck_assert_int_eq(offer.extensions.window_bits, 12);
	set("sec-websocket-extensions", "permessage-deflate; =");
	ck_assert_int_eq(check(), 400);
}
END_TEST

START_TEST(takes_an_extended_connect)
{
	add("sec-websocket-extensions", "permessage-deflate");
	ck_assert(ws_is_upgrade(&request));
	ck_assert_int_eq(check(), 0);
	ck_assert_str_eq(offer.accept, "");
	ck_assert_int_eq(offer.extensions.window_bits, 15);
}
END_TEST

START_TEST(takes_no_other_request_of_http_2)
{
	request.protocol = SLICE("");
	ck_assert(!ws_is_upgrade(&request));
	request.protocol = SLICE("connect-udp");
	ck_assert(!ws_is_upgrade(&request));
	request.protocol = SLICE("websocket");
	request.method_id = HTTP_GET;
	ck_assert(!ws_is_upgrade(&request));
}
END_TEST

START_TEST(asks_for_version_13_over_http_2_too)
{
	set("sec-websocket-version", "12");
	ck_assert_int_eq(check(), 426);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("handshake");
	TCase *h1 = tcase_create("h1");
	TCase *h2 = tcase_create("h2");

	tcase_add_checked_fixture(h1, setup, teardown);
	tcase_add_test(h1, answers_the_example_of_the_rfc);
	tcase_add_test(h1, takes_tokens_in_lists_and_any_case);
	tcase_add_test(h1, takes_an_ordinary_request_for_one);
	tcase_add_test(h1, ignores_an_upgrade_of_http_1_0);
	tcase_add_test(h1, refuses_any_method_but_get);
	tcase_add_test(h1, refuses_a_body);
	tcase_add_test(h1, refuses_a_connection_without_upgrade);
	tcase_add_test(h1, refuses_keys_that_are_not_16_bytes_in_base64);
	tcase_add_test(h1, asks_for_version_13);
	tcase_add_test(h1, negotiates_extensions);
	suite_add_tcase(suite, h1);
	tcase_add_checked_fixture(h2, setup_h2, teardown);
	tcase_add_test(h2, takes_an_extended_connect);
	tcase_add_test(h2, takes_no_other_request_of_http_2);
	tcase_add_test(h2, asks_for_version_13_over_http_2_too);
	suite_add_tcase(suite, h2);
	return unit_run(suite);
}
