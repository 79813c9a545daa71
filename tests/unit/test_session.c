/* SPDX-License-Identifier: MIT */
/*
 * TLS sessions over a pair of sockets: the server's is ours, the client's OpenSSL's, both
 * in this process and without a loop, so that each turn is the test's to take.
 */
#include "tls/session.h"

#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <openssl/err.h>

#include "served.h"
#include "unit.h"

static struct rig rig;
static struct config *config;
static struct ticket_page *tickets;
static const struct ticket_key first_key = { { 1 }, { 2 }, { 3 } };
static const struct ticket_key second_key = { { 4 }, { 5 }, { 6 } };
static struct tls_context *context;
static struct tls_wire wire;
static struct tls_session session;
static SSL_CTX *client_context;
static SSL *client;
static int fds[2]; /* the server's, the client's */

static void set_up(void)
{
	int bytes = 16384;

	signal(SIGPIPE, SIG_IGN);
	rig_open(&rig);
	config = served_config(&rig,
	    ",\"alpn\":{\"tincan-echo\":\"echo\",\"x\":\"echo\"}");
	tickets = ticket_page_new();
	ticket_page_write(tickets, &first_key, 1);
	context = tls_context_new(config, TLS_KEYS_HERE, tickets, NULL,
	    &rig.problems);
	tls_wire_init(&wire);
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC,
			     0, fds),
	    0);
	setsockopt(fds[0], SOL_SOCKET, SO_SNDBUF, &bytes, sizeof(bytes));
	ck_assert_int_eq(tls_session_init(&session, &wire, context, fds[0]), 0);
	client_context = SSL_CTX_new(TLS_client_method());
	client = SSL_new(client_context);
	SSL_set_fd(client, fds[1]);
	SSL_set_connect_state(client);
	SSL_set_mode(client, SSL_MODE_ENABLE_PARTIAL_WRITE);
}

static void tear_down(void)
{
	tls_session_release(&session);
	tls_wire_release(&wire);
	tls_context_unref(context);
	context = NULL;
	ticket_page_free(tickets);
	SSL_free(client);
	SSL_CTX_free(client_context);
	close(fds[0]);
	close(fds[1]);
	config_free(config);
	rig_close(&rig);
}

/* What epoll would say; it is never asked for an edge that has been told. */
static void tell(void)
{
	tls_session_events(&session, EPOLLIN | EPOLLOUT);
}

static void handshake(void)
{
	int rc = ERR_AGAIN;

	for (int i = 0; i < 10 && rc == ERR_AGAIN; i++) {
		(void)SSL_do_handshake(client);
		tell();
		rc = tls_session_handshake(&session);
		ck_assert_int_eq(tls_session_flush(&session), 0);
	}
	ck_assert_int_eq(rc, 0);
	ck_assert_int_eq(SSL_do_handshake(client), 1);
}

/* Reads all that is there, in steps of that size, and ends the turn. */
static size_t read_all(char *out, size_t size, size_t step, int *rc)
{
	size_t total = 0;
	size_t got = 0;

	while (total < size) {
		*rc = tls_session_read(&session, out + total,
		    step < size - total ? step : size - total, &got);
		if (*rc != 0) {
			break;
		}
		total += got;
	}
	return total;
}

/* What a client offers, each name behind its length. */
static void offer(const char *names)
{
	SSL_set_alpn_protos(client, (const unsigned char *)names,
	    (unsigned)strlen(names));
}

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

static size_t client_take(char *out, size_t size)
{
	size_t total = 0;
	int got;

	while (total < size &&
	    (got = SSL_read(client, out + total, (int)(size - total))) > 0) {
		total += (size_t)got;
	}
	return total;
}

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

/* Another handshake of a client that has that session, until both are done. */
static void come_again(SSL_SESSION *ticket)
{
	char byte;

	/* libssl does not resume what was not closed. */
	SSL_set_shutdown(client, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
	tls_session_release(&session);
	SSL_free(client);
	ck_assert_int_eq(tls_session_init(&session, &wire, context, fds[0]), 0);
	client = SSL_new(client_context);
	SSL_set_fd(client, fds[1]);
	SSL_set_connect_state(client);
	SSL_set_session(client, ticket);
	SSL_SESSION_free(ticket);
	handshake();
	/* TLS 1.3 sends the ticket behind the handshake. */
	ck_assert_int_lt(SSL_read(client, &byte, 1), 1);
}

static SSL_SESSION *take_ticket(int version)
{
	char byte;

	SSL_set_max_proto_version(client, version);
	SSL_CTX_set_max_proto_version(client_context, version);
	handshake();
	ck_assert_int_lt(SSL_read(client, &byte, 1), 1);
	ck_assert(session.ticket_sealed);
	return SSL_get1_session(client);
}

static const int versions[] = { TLS1_2_VERSION, TLS1_3_VERSION };

START_TEST(resumes_by_a_ticket)
{
	come_again(take_ticket(versions[_i]));
	ck_assert(tls_session_resumed(&session));
	ck_assert(!session.ticket_unknown);
	/* One of TLS 1.3 is to be used once only. */
	ck_assert_int_eq(session.ticket_sealed, versions[_i] == TLS1_3_VERSION);
}
END_TEST

START_TEST(a_key_that_seals_no_more_still_opens_and_its_ticket_is_replaced)
{
	struct ticket_key both[] = { second_key, first_key };
	SSL_SESSION *ticket = take_ticket(versions[_i]);

	ticket_page_write(tickets, both, 2);
	come_again(ticket);
	ck_assert(tls_session_resumed(&session));
	ck_assert(session.ticket_sealed);
	ticket = SSL_get1_session(client);
	ticket_page_write(tickets, both, 1);
	come_again(ticket);
	ck_assert(tls_session_resumed(&session));
}
END_TEST

START_TEST(a_ticket_that_no_key_opens_costs_a_full_handshake)
{
	SSL_SESSION *ticket = take_ticket(versions[_i]);

	ticket_page_write(tickets, &second_key, 1);
	come_again(ticket);
	ck_assert(!tls_session_resumed(&session));
	ck_assert(session.ticket_unknown);
	ck_assert(session.ticket_sealed);
}
END_TEST

/* Its name is in the clear: anybody can write it before what he likes. */
START_TEST(a_forged_ticket_costs_a_full_handshake)
{
	struct ticket_key forged = first_key;
	SSL_SESSION *ticket;

	forged.mac[31] ^= 1;
	ticket_page_write(tickets, &forged, 1);
	ticket = take_ticket(versions[_i]);
	ticket_page_write(tickets, &first_key, 1);
	come_again(ticket);
	ck_assert(!tls_session_resumed(&session));
	ck_assert(!session.ticket_unknown);
}
END_TEST

START_TEST(without_any_key_a_handshake_is_whole_and_not_resumed)
{
	SSL_SESSION *ticket;

	ticket_page_write(tickets, NULL, 0);
	ticket = take_ticket(versions[_i]);
	come_again(ticket);
	ck_assert(!tls_session_resumed(&session));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("session");
	TCase *tests = tcase_create("session");

	tcase_add_checked_fixture(tests, set_up, tear_down);
	tcase_set_timeout(tests, 30);
	tcase_add_test(tests, shakes_hands_and_knows_the_facts);
	tcase_add_test(tests, refuses_a_client_that_speaks_nothing_of_ours);
	tcase_add_test(tests, the_servers_order_decides_among_protocols);
	tcase_add_test(tests, http_comes_after_what_is_configured);
	tcase_add_test(tests, names_are_compared_byte_by_byte);
	tcase_add_test(tests, a_client_need_not_offer_anything);
	tcase_add_test(tests, http_cannot_be_chosen_where_there_is_none);
	tcase_add_test(tests, other_protocols_can_where_there_is_no_http);
	tcase_add_test(tests, a_handshake_may_outlive_its_context);
	tcase_add_test(tests, takes_a_handshake_in_single_bytes);
	tcase_add_loop_test(tests, reads_what_was_sent_in_any_step, 0, 4);
	tcase_add_test(tests, a_flood_of_key_updates_lets_others_have_their_turns);
	tcase_add_test(tests,
	    a_hello_in_thousands_of_records_lets_others_have_their_turns);
	tcase_add_test(tests, a_handshake_receives_once_a_turn);
	tcase_add_test(tests, keeps_input_between_turns);
	tcase_add_test(tests, keeps_what_a_slow_reader_does_not_take);
	tcase_add_test(tests, takes_more_than_the_room_there_is);
	tcase_add_test(tests, gathers_more_for_a_fast_reader);
	tcase_add_test(tests, tells_a_close_notify_from_nothing);
	tcase_add_test(tests, reads_to_the_end_after_the_peer_has_gone);
	tcase_add_test(tests, ends_a_handshake_with_a_peer_that_has_gone);
	tcase_add_loop_test(tests, knows_plain_http, 0, 3);
	tcase_add_loop_test(tests, refuses_garbage, 0, 5);
	tcase_add_test(tests, refuses_garbage_after_the_handshake);
	tcase_add_test(tests, breaks_when_the_peer_has_reset);
	tcase_add_test(tests, does_not_renegotiate);
	tcase_add_loop_test(tests, resumes_by_a_ticket, 0, 2);
	tcase_add_loop_test(tests,
	    a_key_that_seals_no_more_still_opens_and_its_ticket_is_replaced, 0, 2);
	tcase_add_loop_test(tests, a_ticket_that_no_key_opens_costs_a_full_handshake, 0,
	    2);
	tcase_add_loop_test(tests, a_forged_ticket_costs_a_full_handshake, 0, 2);
	tcase_add_loop_test(tests, without_any_key_a_handshake_is_whole_and_not_resumed,
	    0, 2);
	suite_add_tcase(suite, tests);
	return unit_run(suite);
}
