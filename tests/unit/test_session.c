/* SPDX-License-Identifier: MIT */
/* TLS sessions: what is known after a handshake, and how a session ends or breaks. */
#include "tls/session.h"

#include <fcntl.h>

#include "session_rig.h"

START_TEST(shakes_hands_and_knows_the_facts)
{
	char alpn[16];

	SSL_set_tlsext_host_name(client, "localhost");
	offer("\x04imap\x08http/1.1");
	handshake();
	ck_assert_str_eq(tls_session_version(&session), "TLSv1.3");
	ck_assert_str_eq(tls_session_cipher(&session), "TLS_AES_128_GCM_SHA256");
	ck_assert_str_eq(tls_session_sni(&session), "localhost");
	ck_assert_ptr_nonnull(tls_session_group(&session));
	ck_assert(!tls_session_resumed(&session));
	tls_session_alpn(&session, alpn, sizeof(alpn));
	ck_assert_str_eq(alpn, "http/1.1");
}
END_TEST

/* One byte of the client's flight at a time. */
START_TEST(takes_a_handshake_in_single_bytes)
{
	BIO *in = BIO_new(BIO_s_mem());
	BIO *out = BIO_new(BIO_s_mem());
	int done = 0;

	BIO_set_mem_eof_return(in, -1);
	SSL_set_bio(client, in, out);
	for (int i = 0; i < 5000 && done != 1; i++) {
		char data[16384];
		ssize_t size;

		(void)SSL_do_handshake(client);
		if (BIO_read(out, data, 1) == 1) {
			ck_assert_int_eq(send(fds[1], data, 1, 0), 1);
		}
		tell();
		done = tls_session_handshake(&session) == 0;
		ck_assert_int_eq(tls_session_flush(&session), 0);
		size = recv(fds[1], data, sizeof(data), 0);
		if (size > 0) {
			BIO_write(in, data, (int)size);
		}
	}
	ck_assert_int_eq(done, 1);
}
END_TEST

START_TEST(tells_a_close_notify_from_nothing)
{
	char got[16];
	int rc;

	handshake();
	ck_assert_int_eq(SSL_write(client, "last", 4), 4);
	ck_assert_int_eq(SSL_shutdown(client), 0);
	tell();
	ck_assert_uint_eq(read_all(got, sizeof(got), 16, &rc), 4);
	ck_assert_int_eq(rc, ERR_EOF);
	/* The other half still works. */
	ck_assert_int_eq(tls_session_write(&session, "reply", 5), 0);
	tls_session_end(&session);
	tls_session_end(&session);
	ck_assert_int_eq(tls_session_flush(&session), 0);
	ck_assert_uint_eq(client_take(got, sizeof(got)), 5);
	ck_assert_int_eq(SSL_get_shutdown(client),
	    SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
}
END_TEST

/* Data and the end of the connection in one edge: no other will come. */
START_TEST(reads_to_the_end_after_the_peer_has_gone)
{
	char got[16];
	int rc;

	handshake();
	ck_assert_int_eq(SSL_write(client, "last", 4), 4);
	shutdown(fds[1], SHUT_WR);
	tls_session_events(&session, EPOLLIN | EPOLLRDHUP);
	ck_assert_uint_eq(read_all(got, sizeof(got), 16, &rc), 4);
	ck_assert_int_eq(rc, ERR_EOF);
}
END_TEST

START_TEST(ends_a_handshake_with_a_peer_that_has_gone)
{
	shutdown(fds[1], SHUT_WR);
	tls_session_events(&session, EPOLLIN | EPOLLRDHUP);
	ck_assert_int_eq(tls_session_handshake(&session), ERR_CLOSED);
}
END_TEST

static const char *const openings[] = { "GET / HTTP/1.1\r\nhost: a\r\n\r\n", "G",
	"POST /" };

START_TEST(knows_plain_http)
{
	ck_assert_int_gt(send(fds[1], openings[_i], strlen(openings[_i]), 0), 0);
	tell();
	ck_assert_int_eq(tls_session_handshake(&session), ERR_PROTOCOL);
	ck_assert(session.plain_text);
	ck_assert_uint_eq(wire.out.size, 0);
}
END_TEST

static const char *const garbage[] = { "\x16\x03\x01\x00\x05hello", "\x80\x2e\x01",
	"\xff\xff\xff\xff\xff\xff", "\x17\x03\x03\x00\x01x",
	"\x15\x03\x03\x00\x02\x02\x28" };

START_TEST(refuses_garbage)
{
	/* The first bytes may be a NUL: none of these is a text. */
	static const size_t sizes[] = { 10, 3, 6, 6, 7 };

	ck_assert_int_gt(send(fds[1], garbage[_i], sizes[_i], 0), 0);
	shutdown(fds[1], SHUT_WR);
	tls_session_events(&session, EPOLLIN | EPOLLRDHUP);
	ck_assert_int_lt(tls_session_handshake(&session), ERR_FATAL);
	ck_assert(!session.plain_text);
	(void)!tls_session_flush(&session);
}
END_TEST

START_TEST(refuses_garbage_after_the_handshake)
{
	char got[16];
	int rc;

	handshake();
	ck_assert_int_eq(send(fds[1], "\x17\x03\x03\x00\x14zzzzzzzzzzzzzzzzzzzz", 25, 0),
	    25);
	tell();
	(void)read_all(got, sizeof(got), 16, &rc);
	ck_assert_int_lt(rc, ERR_FATAL);
	ck_assert_uint_gt(wire.out.size, 0);
	ck_assert_int_eq(tls_session_flush(&session), 0);
}
END_TEST

START_TEST(breaks_when_the_peer_has_reset)
{
	static char sent[TLS_GATHER_MIN];

	handshake();
	close(fds[1]);
	ck_assert_int_eq(tls_session_write(&session, sent, sizeof(sent)), 0);
	ck_assert_int_eq(tls_session_flush(&session), ERR_CLOSED);
	ck_assert(session.broken);
	ck_assert_int_eq(tls_session_write(&session, "x", 1), ERR_CLOSED);
	ck_assert_uint_eq(tls_session_room(&session), 0);
	ck_assert_uint_eq(wire.out.size, 0);
	fds[1] = open("/dev/null", O_RDONLY | O_CLOEXEC);
}
END_TEST

START_TEST(does_not_renegotiate)
{
	char got[16];
	int rc;

	SSL_set_max_proto_version(client, TLS1_2_VERSION);
	handshake();
	ck_assert_str_eq(tls_session_version(&session), "TLSv1.2");
	ck_assert_int_eq(SSL_renegotiate(client), 1);
	(void)SSL_do_handshake(client);
	tell();
	(void)read_all(got, sizeof(got), 16, &rc);
	ck_assert_int_eq(rc, ERR_AGAIN);
	ck_assert_int_eq(tls_session_flush(&session), 0);
	ck_assert_int_lt(SSL_do_handshake(client), 1);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("session");
	TCase *tests = tcase_create("session");

	tcase_add_checked_fixture(tests, set_up, tear_down);
	tcase_set_timeout(tests, 30);
	tcase_add_test(tests, shakes_hands_and_knows_the_facts);
	tcase_add_test(tests, takes_a_handshake_in_single_bytes);
	tcase_add_test(tests, tells_a_close_notify_from_nothing);
	tcase_add_test(tests, reads_to_the_end_after_the_peer_has_gone);
	tcase_add_test(tests, ends_a_handshake_with_a_peer_that_has_gone);
	tcase_add_loop_test(tests, knows_plain_http, 0, 3);
	tcase_add_loop_test(tests, refuses_garbage, 0, 5);
	tcase_add_test(tests, refuses_garbage_after_the_handshake);
	tcase_add_test(tests, breaks_when_the_peer_has_reset);
	tcase_add_test(tests, does_not_renegotiate);
	suite_add_tcase(suite, tests);
	return unit_run(suite);
}
