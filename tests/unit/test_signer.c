/* SPDX-License-Identifier: MIT */
/*
 * Handshakes whose key is elsewhere: a session of ours, a client of OpenSSL's, and the
 * keeper's own code at the other end of the socket, which answers when the test says so.
 */
#include "tls/signer.h"

#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <openssl/err.h>
#include <openssl/pem.h>

#include "keeper/keys.h"
#include "tls/session.h"
#include "served.h"
#include "unit.h"

static struct rig rig;
static struct config *config;
static struct ticket_page *tickets;
static struct tls_context *context;
static struct tls_wire wire;
static struct tls_session session;
static struct loop *loop;
static struct signer *signer;
static struct keys keys;
static SSL_CTX *client_context;
static SSL *client;
static int fds[2];		/* the session's, the client's */
static int keeper_fd;
static int woken;

static void on_signed(struct tls_session *which)
{
	ck_assert_ptr_eq(which, &session);
	woken++;
}

static void open_session(void)
{
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC,
	    0, fds), 0);
	ck_assert_int_eq(tls_session_init(&session, &wire, context, fds[0]), 0);
	session.wake = on_signed;
	client = SSL_new(client_context);
	SSL_set_fd(client, fds[1]);
	SSL_set_connect_state(client);
}

static void close_session(void)
{
	tls_session_release(&session);
	SSL_free(client);
	close(fds[0]);
	close(fds[1]);
}

static void hire_keeper(void)
{
	int pair[2];

	ck_assert_int_eq(sign_pair(pair), 0);
	keeper_fd = pair[1];
	signer_attach(signer, pair[0]);
}

static void read_key(const char *file)
{
	int fd = open(file, O_RDONLY | O_CLOEXEC);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(keys_read(&keys, fd, NULL, NULL), 0);
	close(fd);
	ck_assert_uint_eq(keys_settle(&keys, 1), 1);
}

static void set_up(void)
{
	signal(SIGPIPE, SIG_IGN);
	rig_open(&rig);
	config = served_config(&rig, "");
	loop = loop_new();
	ck_assert_int_eq(signer_new(&signer, loop), 0);
	tickets = ticket_page_new();
	ticket_page_write(tickets, &(struct ticket_key){ { 1 }, { 2 }, { 3 } }, 1);
	context = tls_context_new(config, TLS_KEYS_KEPT, tickets, NULL, &rig.problems);
	ck_assert_ptr_nonnull(context);
	tls_wire_init(&wire);
	client_context = SSL_CTX_new(TLS_client_method());
	read_key(config->certificates[0].key);
	hire_keeper();
	open_session();
	woken = 0;
}

static void tear_down(void)
{
	close_session();
	tls_wire_release(&wire);
	tls_context_unref(context);
	ticket_page_free(tickets);
	SSL_CTX_free(client_context);
	signer_free(signer);
	close(keeper_fd);
	keys_release(&keys);
	loop_free(loop);
	config_free(config);
	rig_close(&rig);
}

/* One round of the loop, which has something to do. */
static void stop(struct deferred *deferred)
{
	(void)deferred;
	loop_stop(loop);
}

static void round_of_loop(void)
{
	struct deferred end;

	loop->stopped = false;
	deferred_init(&end, stop);
	loop_soon(loop, &end);
	loop_run(loop);
}

static int step(void)
{
	int rc;

	(void)SSL_do_handshake(client);
	tls_session_events(&session, EPOLLIN | EPOLLOUT);
	rc = tls_session_handshake(&session);
	ck_assert_int_eq(tls_session_flush(&session), 0);
	round_of_loop();
	return rc;
}

static void keep(void)
{
	ck_assert_int_eq(served_sign(&keys, keeper_fd), 0);
	round_of_loop();
}

static void finish(void)
{
	int rc = ERR_AGAIN;

	for (int i = 0; i < 10 && rc == ERR_AGAIN; i++) {
		rc = step();
	}
	ck_assert_int_eq(rc, 0);
	ck_assert_int_eq(SSL_do_handshake(client), 1);
}

START_TEST(a_handshake_goes_on_when_the_keeper_has_signed)
{
	SSL_set_max_proto_version(client, _i == 0 ? TLS1_3_VERSION : TLS1_2_VERSION);
	ck_assert_int_eq(step(), ERR_AGAIN);
	ck_assert_ptr_nonnull(session.signature);
	ck_assert_int_eq(step(), ERR_AGAIN);
	ck_assert_int_eq(woken, 0);
	keep();
	ck_assert_int_eq(woken, 1);
	finish();
	ck_assert_ptr_null(session.signature);
	ck_assert_int_eq(SSL_get_mode(session.ssl) & SSL_MODE_ASYNC, 0);
}
END_TEST

START_TEST(a_session_that_ends_while_it_waits_leaves_nothing_behind)
{
	ck_assert_int_eq(step(), ERR_AGAIN);
	ck_assert_ptr_nonnull(session.signature);
	close_session();
	/* The answer is for nobody. */
	keep();
	ck_assert_int_eq(woken, 0);
	open_session();
	ck_assert_int_eq(step(), ERR_AGAIN);
	keep();
	finish();
}
END_TEST

START_TEST(the_next_keeper_signs_what_the_one_before_did_not)
{
	ck_assert_int_eq(step(), ERR_AGAIN);
	close(keeper_fd);
	round_of_loop();
	ck_assert_int_eq(step(), ERR_AGAIN);
	hire_keeper();
	keep();
	finish();
}
END_TEST

START_TEST(what_two_keepers_have_died_of_fails_with_an_alert)
{
	ck_assert_int_eq(step(), ERR_AGAIN);
	for (int i = 0; i < 2; i++) {
		ck_assert_int_eq(woken, 0);
		close(keeper_fd);
		round_of_loop();
		hire_keeper();
	}
	ck_assert_int_eq(woken, 1);
	ck_assert_int_eq(step(), ERR_PROTOCOL);
	ck_assert_int_eq(SSL_do_handshake(client), -1);
	ck_assert_int_eq(ERR_GET_REASON(ERR_peek_last_error()),
	    SSL_R_TLSV1_ALERT_INTERNAL_ERROR);
}
END_TEST

START_TEST(a_key_that_the_keeper_does_not_have_fails_with_an_alert)
{
	keys_release(&keys);
	ck_assert_int_eq(step(), ERR_AGAIN);
	keep();
	ck_assert_int_eq(step(), ERR_PROTOCOL);
	ck_assert_int_eq(SSL_do_handshake(client), -1);
}
END_TEST

START_TEST(a_keeper_that_sends_nonsense_is_left)
{
	ck_assert_int_eq(step(), ERR_AGAIN);
	ck_assert_int_eq(send(keeper_fd, "nonsense", 8, 0), 8);
	round_of_loop();
	ck_assert_int_eq(woken, 0);
	close(keeper_fd);
	hire_keeper();
	keep();
	finish();
}
END_TEST

static void begin_other(struct tls_session *other, SSL *other_client, int pair[2])
{
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC,
	    0, pair), 0);
	ck_assert_int_eq(tls_session_init(other, &wire, context, pair[0]), 0);
	SSL_set_fd(other_client, pair[1]);
	SSL_set_connect_state(other_client);
	(void)SSL_do_handshake(other_client);
	tls_session_events(other, EPOLLIN | EPOLLOUT);
	ck_assert_int_eq(tls_session_handshake(other), ERR_AGAIN);
	ck_assert_int_eq(tls_session_flush(other), 0);
}

START_TEST(what_a_round_asks_for_is_asked_once_and_together)
{
	struct tls_session others[3];
	SSL *clients[3];
	int pairs[3][2];
	struct sign_packet packet;
	struct sign_request request;
	uint64_t count = 0;

	for (size_t i = 0; i < 3; i++) {
		clients[i] = SSL_new(client_context);
		begin_other(&others[i], clients[i], pairs[i]);
	}
	round_of_loop();
	ck_assert_int_eq(sign_receive(keeper_fd, &packet), 0);
	while (sign_take_request(&packet, &request) == 0) {
		ck_assert_uint_eq(request.id, count++);
	}
	ck_assert_uint_eq(count, 3);
	ck_assert_int_eq(sign_receive(keeper_fd, &packet), ERR_AGAIN);
	for (size_t i = 0; i < 3; i++) {
		tls_session_release(&others[i]);
		SSL_free(clients[i]);
		close(pairs[i][0]);
		close(pairs[i][1]);
	}
}
END_TEST

START_TEST(an_answer_nobody_waits_for_is_dropped)
{
	struct sign_answer answer = { .id = 12345, .status = SIGN_DONE, .size = 4 };
	struct sign_packet packet = { .size = 0 };

	ck_assert_int_eq(step(), ERR_AGAIN);
	ck_assert_int_eq(sign_put_answer(&packet, &answer), 0);
	ck_assert_int_eq(sign_send(keeper_fd, &packet), 0);
	round_of_loop();
	ck_assert_int_eq(woken, 0);
	keep();
	finish();
}
END_TEST

START_TEST(the_keeper_forgets_a_key_a_minute_after_nobody_wants_it)
{
	ck_assert_int_eq(step(), ERR_AGAIN);
	ck_assert_uint_eq(keys_settle(&keys, 1000), 0);
	keys_forget(&keys, 1000 + KEYS_LEAVE_MS - 1);
	ck_assert_uint_eq(keys.count, 1);
	keep();
	finish();
	keys_forget(&keys, 1000 + KEYS_LEAVE_MS);
	ck_assert_uint_eq(keys.count, 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("signer");
	TCase *tcase = tcase_create("signer");

	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_add_loop_test(tcase, a_handshake_goes_on_when_the_keeper_has_signed, 0, 2);
	tcase_add_test(tcase, a_session_that_ends_while_it_waits_leaves_nothing_behind);
	tcase_add_test(tcase, the_next_keeper_signs_what_the_one_before_did_not);
	tcase_add_test(tcase, what_two_keepers_have_died_of_fails_with_an_alert);
	tcase_add_test(tcase, a_key_that_the_keeper_does_not_have_fails_with_an_alert);
	tcase_add_test(tcase, a_keeper_that_sends_nonsense_is_left);
	tcase_add_test(tcase, what_a_round_asks_for_is_asked_once_and_together);
	tcase_add_test(tcase, an_answer_nobody_waits_for_is_dropped);
	tcase_add_test(tcase, the_keeper_forgets_a_key_a_minute_after_nobody_wants_it);
	suite_add_tcase(suite, tcase);
	return unit_run(suite);
}
