/* SPDX-License-Identifier: MIT */
/* Sessions that are resumed by a ticket, or are not, as the keys in the page say. */
#include "session_rig.h"

static const struct ticket_key second_key = { { 4 }, { 5 }, { 6 } };

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
	Suite *suite = suite_create("session_tickets");
	TCase *tests = tcase_create("session_tickets");

	tcase_add_checked_fixture(tests, set_up, tear_down);
	tcase_set_timeout(tests, 30);
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
