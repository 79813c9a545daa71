/* SPDX-License-Identifier: MIT */
/* Which protocol a handshake chooses, and whom it refuses for speaking none. */
#include <openssl/err.h>

#include "session_rig.h"

static void assert_alpn(const char *expected)
{
	char alpn[256];

	handshake();
	tls_session_alpn(&session, alpn, sizeof(alpn));
	ck_assert_str_eq(alpn, expected);
}

/* RFC 7301 section 3.2: by the alert no_application_protocol. */
static void assert_none_of_ours(void)
{
	int rc;

	(void)SSL_do_handshake(client);
	tell();
	rc = tls_session_handshake(&session);
	ck_assert_int_eq(rc, ERR_PROTOCOL);
	ck_assert_int_eq(tls_session_flush(&session), 0);
	ck_assert_int_eq(SSL_get_error(client, SSL_do_handshake(client)), SSL_ERROR_SSL);
	ck_assert_int_eq(ERR_GET_REASON(ERR_peek_error()),
	    SSL_R_TLSV1_ALERT_NO_APPLICATION_PROTOCOL);
	ERR_clear_error();
}

START_TEST(refuses_a_client_that_speaks_nothing_of_ours)
{
	offer("\x04imap\x06tincan");
	assert_none_of_ours();
}
END_TEST

START_TEST(the_servers_order_decides_among_protocols)
{
	offer("\x08http/1.1\x01x\x0btincan-echo");
	assert_alpn("tincan-echo");
}
END_TEST

START_TEST(http_comes_after_what_is_configured)
{
	offer("\x08http/1.1\x01x");
	assert_alpn("x");
}
END_TEST

START_TEST(names_are_compared_byte_by_byte)
{
	offer("\x01X\x0bTincan-Echo\x08http/1.1");
	assert_alpn("http/1.1");
}
END_TEST

START_TEST(a_client_need_not_offer_anything)
{
	session.no_http = true;
	assert_alpn("");
}
END_TEST

START_TEST(http_cannot_be_chosen_where_there_is_none)
{
	session.no_http = true;
	offer("\x08http/1.1");
	assert_none_of_ours();
}
END_TEST

START_TEST(other_protocols_can_where_there_is_no_http)
{
	session.no_http = true;
	offer("\x08http/1.1\x01x");
	assert_alpn("x");
}
END_TEST

/* A reload may come between them. */
START_TEST(a_handshake_may_outlive_its_context)
{
	tls_context_unref(context);
	context = NULL;
	offer("\x01x");
	assert_alpn("x");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("session_alpn");
	TCase *tests = tcase_create("session_alpn");

	tcase_add_checked_fixture(tests, set_up, tear_down);
	tcase_set_timeout(tests, 30);
	tcase_add_test(tests, refuses_a_client_that_speaks_nothing_of_ours);
	tcase_add_test(tests, the_servers_order_decides_among_protocols);
	tcase_add_test(tests, http_comes_after_what_is_configured);
	tcase_add_test(tests, names_are_compared_byte_by_byte);
	tcase_add_test(tests, a_client_need_not_offer_anything);
	tcase_add_test(tests, http_cannot_be_chosen_where_there_is_none);
	tcase_add_test(tests, other_protocols_can_where_there_is_no_http);
	tcase_add_test(tests, a_handshake_may_outlive_its_context);
	suite_add_tcase(suite, tests);
	return unit_run(suite);
}
