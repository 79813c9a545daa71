/* SPDX-License-Identifier: MIT */
/*
 * A TLS session over a pair of sockets: the server's is ours, the client's OpenSSL's,
 * both in this process and without a loop, so that each turn is the test's to take.
 */
#ifndef TINCAN_TESTS_SESSION_RIG_H
#define TINCAN_TESTS_SESSION_RIG_H

#include <sys/epoll.h>
#include <sys/socket.h>

#include "served.h"
#include "tls/session.h"
#include "unit.h"

static struct rig rig;
static struct config *config;
static struct ticket_page *tickets;
static const struct ticket_key first_key = { { 1 }, { 2 }, { 3 } };
static struct tls_context *context;
static struct tls_wire wire;
static struct tls_session session;
static SSL_CTX *client_context;
static SSL *client;
static int fds[2]; /* the server's, the client's */

static inline void set_up(void)
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

static inline void tear_down(void)
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
static inline void tell(void)
{
	tls_session_events(&session, EPOLLIN | EPOLLOUT);
}

static inline void handshake(void)
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

/* What a client offers, each name behind its length. */
static inline void offer(const char *names)
{
	SSL_set_alpn_protos(client, (const unsigned char *)names,
	    (unsigned)strlen(names));
}

/* Reads all that is there, in steps of that size, and ends the turn. */
static inline size_t read_all(char *out, size_t size, size_t step, int *rc)
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

static inline size_t client_take(char *out, size_t size)
{
	size_t total = 0;
	int got;

	while (total < size &&
	    (got = SSL_read(client, out + total, (int)(size - total))) > 0) {
		total += (size_t)got;
	}
	return total;
}

#endif
