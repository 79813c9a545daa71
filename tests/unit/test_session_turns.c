/* SPDX-License-Identifier: MIT */
/* What a session takes, keeps and gives in one turn, and what it leaves for the next. */
#include "session_rig.h"

START_TEST(reads_what_was_sent_in_any_step)
{
	static const size_t steps[] = { 1, 7, 4096, 100000 };
	static char sent[40000];
	static char got[40000];
	int rc;

	for (size_t i = 0; i < sizeof(sent); i++) {
		sent[i] = (char)(i * 7);
	}
	handshake();
	for (size_t i = 0; i < sizeof(sent); i += 10000) {
		ck_assert_int_eq(SSL_write(client, sent + i, 10000), 10000);
	}
	tell();
	ck_assert_uint_eq(read_all(got, sizeof(got), steps[_i], &rc), sizeof(got));
	ck_assert_mem_eq(sent, got, sizeof(got));
	ck_assert_int_eq(tls_session_read(&session, got, 1, &(size_t){ 0 }), ERR_AGAIN);
	ck_assert(!tls_session_has_input(&session));
	ck_assert_int_eq(tls_session_flush(&session), 0);
}
END_TEST

/* All in one piece, as so many small ones have no room in a socket. */
static void send_key_updates(int count)
{
	BIO *records = BIO_new(BIO_s_mem());
	int bytes = 1 << 20;
	char *data;
	long size;

	ck_assert_int_eq(setsockopt(fds[1], SOL_SOCKET, SO_SNDBUF, &bytes, sizeof(bytes)),
	    0);
	SSL_set0_wbio(client, records);
	while (count-- > 0) {
		ck_assert_int_eq(SSL_key_update(client, SSL_KEY_UPDATE_NOT_REQUESTED), 1);
		ck_assert_int_eq(SSL_do_handshake(client), 1);
	}
	ck_assert_int_eq(SSL_write(client, "x", 1), 1);
	size = BIO_get_mem_data(records, &data);
	ck_assert_int_gt(size, 2 * TLS_WIRE_IN);
	ck_assert_int_eq(send(fds[1], data, (size_t)size, 0), size);
}

/* One who sends them as fast as they are read would have a worker for itself. */
START_TEST(a_flood_of_key_updates_lets_others_have_their_turns)
{
	int pauses = 0;
	char byte;
	size_t got;
	int rc;

	handshake();
	send_key_updates(5200);
	tell();
	while ((rc = tls_session_read(&session, &byte, 1, &got)) == ERR_LIMIT) {
		ck_assert(tls_session_has_input(&session));
		ck_assert_int_eq(tls_session_flush(&session), 0);
		pauses++;
	}
	ck_assert_int_eq(rc, 0);
	ck_assert_int_eq(byte, 'x');
	ck_assert_int_eq(pauses, 5200 / TLS_TURN_RECORDS);
	ck_assert_int_eq(tls_session_read(&session, &byte, 1, &got), ERR_AGAIN);
}
END_TEST

/* Records of a byte each, of a ClientHello that is said to have 100000. */
static size_t send_hello_of_bytes(size_t count)
{
	static const char header[] = { 22, 3, 1, 0, 1 };
	static const char hello[] = { 1, 1, (char)0x86, (char)0xa0, 3, 3 };
	size_t size = count * (sizeof(header) + 1);
	char *data = calloc(1, size);

	ck_assert_ptr_nonnull(data);
	for (size_t i = 0; i < count; i++) {
		memcpy(data + i * 6, header, sizeof(header));
		data[i * 6 + 5] = i < sizeof(hello) ? hello[i] : 0;
	}
	ck_assert_int_eq(send(fds[1], data, size, 0), size);
	free(data);
	return size;
}

START_TEST(a_hello_in_thousands_of_records_lets_others_have_their_turns)
{
	size_t size = send_hello_of_bytes(10000);
	int pauses = 0;
	int rc;

	tell();
	while ((rc = tls_session_handshake(&session)) == ERR_LIMIT) {
		pauses++;
		ck_assert_uint_eq(session.in_size,
		    size - (size_t)pauses * TLS_TURN_RECORDS * 6);
		ck_assert_int_eq(tls_session_flush(&session), 0);
		memset(wire.in, 0xff, TLS_WIRE_IN);
	}
	ck_assert_int_eq(rc, ERR_AGAIN);
	ck_assert_int_eq(pauses, 10000 / TLS_TURN_RECORDS);
	ck_assert_uint_eq(session.in_size, 0);
}
END_TEST

/* As fast as it is received, which is no reason to receive on. */
START_TEST(a_handshake_receives_once_a_turn)
{
	static const char header[] = { 22, 3, 1, 64, 0 };
	static char data[sizeof(header) + 16384];
	int bytes = 1 << 20;

	ck_assert_int_eq(setsockopt(fds[1], SOL_SOCKET, SO_SNDBUF, &bytes, sizeof(bytes)),
	    0);
	memcpy(data, header, sizeof(header));
	memcpy(data + sizeof(header), (char[]){ 1, 1, (char)0xff, (char)0xff, 3, 3 }, 6);
	for (int i = 0; i < 6; i++) {
		ck_assert_int_eq(send(fds[1], data, sizeof(data), 0), sizeof(data));
	}
	tell();
	ck_assert_int_eq(tls_session_handshake(&session), ERR_LIMIT);
	ck_assert_uint_eq(session.received, TLS_WIRE_IN);
	ck_assert_uint_eq(session.in_size, 0);
	ck_assert(tls_session_has_input(&session));
	ck_assert_int_eq(tls_session_flush(&session), 0);
	ck_assert_int_eq(tls_session_handshake(&session), ERR_AGAIN);
	ck_assert_uint_eq(session.received, 6 * sizeof(data));
}
END_TEST

/* A reader that holds back keeps what has come; others use the wire meanwhile. */
START_TEST(keeps_input_between_turns)
{
	static char got[40000];
	size_t total = 0;
	int rc;

	handshake();
	for (int i = 0; i < 4; i++) {
		char block[10000];

		memset(block, 'a' + i, sizeof(block));
		ck_assert_int_eq(SSL_write(client, block, sizeof(block)), sizeof(block));
	}
	tell();
	while (total < sizeof(got)) {
		size_t size;

		ck_assert(tls_session_has_input(&session));
		ck_assert_int_eq(tls_session_read(&session, got + total, 999, &size), 0);
		ck_assert_int_eq(tls_session_flush(&session), 0);
		memset(wire.in, 0xff, TLS_WIRE_IN);
		total += size;
	}
	for (size_t i = 0; i < sizeof(got); i++) {
		ck_assert_int_eq(got[i], 'a' + (int)(i / 10000));
	}
	(void)read_all(got, 1, 1, &rc);
	ck_assert_int_eq(rc, ERR_AGAIN);
	ck_assert_ptr_null(session.kept);
}
END_TEST

START_TEST(keeps_what_a_slow_reader_does_not_take)
{
	static char sent[TLS_GATHER_MIN];
	static char got[TLS_GATHER_MIN];
	size_t total = 0;

	for (size_t i = 0; i < sizeof(sent); i++) {
		sent[i] = (char)(i >> 4);
	}
	handshake();
	ck_assert_uint_eq(tls_session_room(&session), TLS_GATHER_MIN);
	ck_assert_int_eq(tls_session_write(&session, sent, sizeof(sent)), 0);
	ck_assert_uint_eq(tls_session_room(&session), 0);
	ck_assert_int_eq(tls_session_flush(&session), ERR_AGAIN);
	ck_assert_uint_gt(session.unsent.size, 0);
	ck_assert_uint_eq(tls_session_room(&session), 0);
	/* Nobody has said that it is writable again. */
	ck_assert_int_eq(tls_session_flush(&session), ERR_AGAIN);
	while (total < sizeof(got)) {
		total += client_take(got + total, sizeof(got) - total);
		tell();
		(void)!tls_session_flush(&session);
	}
	ck_assert_mem_eq(sent, got, sizeof(got));
	ck_assert_ptr_null(session.unsent.data);
	ck_assert_uint_gt(tls_session_room(&session), 0);
}
END_TEST

/* A reply's header may be written when there is hardly any room. */
START_TEST(takes_more_than_the_room_there_is)
{
	static char sent[TLS_GATHER_MAX + TLS_GATHER_SLACK];

	handshake();
	ck_assert_int_eq(tls_session_write(&session, sent, sizeof(sent)), 0);
	ck_assert_int_eq(tls_session_flush(&session), ERR_AGAIN);
	ck_assert(!session.broken);
}
END_TEST

START_TEST(gathers_more_for_a_fast_reader)
{
	static char sent[TLS_GATHER_MAX];
	int bytes = 4 << 20;

	setsockopt(fds[0], SOL_SOCKET, SO_SNDBUF, &bytes, sizeof(bytes));
	handshake();
	for (uint32_t expected = TLS_GATHER_MIN; expected < TLS_GATHER_MAX;
	     expected *= 2) {
		static char got[TLS_GATHER_MAX];

		ck_assert_uint_eq(tls_session_room(&session), expected);
		ck_assert_int_eq(tls_session_write(&session, sent, expected), 0);
		if (tls_session_flush(&session) != 0) {
			/* This kernel's sockets are too small to see more of it. */
			return;
		}
		ck_assert_uint_eq(client_take(got, expected), expected);
	}
	ck_assert_uint_eq(tls_session_room(&session), TLS_GATHER_MAX);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("session_turns");
	TCase *tests = tcase_create("session_turns");

	tcase_add_checked_fixture(tests, set_up, tear_down);
	tcase_set_timeout(tests, 30);
	tcase_add_loop_test(tests, reads_what_was_sent_in_any_step, 0, 4);
	tcase_add_test(tests, a_flood_of_key_updates_lets_others_have_their_turns);
	tcase_add_test(tests,
	    a_hello_in_thousands_of_records_lets_others_have_their_turns);
	tcase_add_test(tests, a_handshake_receives_once_a_turn);
	tcase_add_test(tests, keeps_input_between_turns);
	tcase_add_test(tests, keeps_what_a_slow_reader_does_not_take);
	tcase_add_test(tests, takes_more_than_the_room_there_is);
	tcase_add_test(tests, gathers_more_for_a_fast_reader);
	suite_add_tcase(suite, tests);
	return unit_run(suite);
}
