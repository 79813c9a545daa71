/* SPDX-License-Identifier: MIT */
/* What comes before the session of a connection: for whom a proxy speaks, and TLS. */
#include "worker/connection_parts.h"

#include <sys/socket.h>

#include "base/log.h"
#include "worker/proxied.h"

static const char plain_reply[] =
    "HTTP/1.1 400 Bad Request\r\n"
    "content-type: text/plain; charset=utf-8\r\n"
    "content-length: 59\r\n"
    "connection: close\r\n"
    "\r\n"
    "400 Bad Request: this port speaks TLS, use https:// for it\n";

void connection_end_handshake(struct connection *connection)
{
	struct worker *worker = connection->worker;

	if (connection->state == CONNECTION_HANDSHAKE) {
		worker->handshake_count--;
		list_remove(&connection->link);
		list_append(&worker->connections, &connection->link);
	}
}

static void refuse_plain_text(struct connection *connection)
{
	(void)send(connection->watch.fd, plain_reply, sizeof(plain_reply) - 1,
	    MSG_NOSIGNAL);
	connection_linger(connection);
}

static void send_last(struct connection *connection)
{
	if (tls_session_flush(&connection->tls) == 0) {
		connection_linger(connection);
	} else {
		connection_close(connection);
	}
}

/* Else nobody would know why a client of theirs gets no further than an alert. */
static void tell_client_fault(const struct connection *connection)
{
	const char *fault = tls_session_client_fault(&connection->tls);
	char client[SOCKET_NAME_BYTES];

	if (fault != NULL) {
		socket_address_name(&connection->peer, client);
		log_say(LOG_INFO, "the certificate of the client %s is refused: %s",
		    client, fault);
	}
}

static void fail_handshake(struct connection *connection)
{
	tell_client_fault(connection);
	counter_add(&connection->worker->self->handshakes_failed, 1);
	if (connection->tls.plain_text) {
		refuse_plain_text(connection);
		return;
	}
	/* The alert that says why. */
	send_last(connection);
}

static bool open_session(struct connection *connection)
{
	connection->session = session_new(connection);
	if (connection->session == NULL) {
		/* The end of the handshake, too, which is in the wire's buffer: what is
		 * left in there would be sent to another client. */
		tls_session_end(&connection->tls);
		send_last(connection);
		return false;
	}
	connection_end_handshake(connection);
	connection->state = CONNECTION_OPEN;
	return true;
}

static bool handshake(struct connection *connection)
{
	struct scoreboard_worker *self = connection->worker->self;
	int rc = tls_session_handshake(&connection->tls);

	if (rc == 0 && connection->tls.ssl == NULL) {
		return open_session(connection);
	}
	if (rc == 0) {
		counter_add(&self->handshakes, 1);
		counter_add(&self->resumed, tls_session_resumed(&connection->tls));
		counter_add(&self->tickets, connection->tls.ticket_sealed);
		counter_add(&self->tickets_unknown, connection->tls.ticket_unknown);
		return open_session(connection);
	}
	if (rc == ERR_AGAIN || rc == ERR_LIMIT) {
		connection_end_turn(connection, rc == ERR_LIMIT);
	} else {
		fail_handshake(connection);
	}
	return false;
}

bool connection_prepare(struct connection *connection)
{
	int rc = connection->proxied ? proxied_read(connection) : 0;

	if (rc == 0) {
		return handshake(connection);
	}
	if (rc == ERR_AGAIN) {
		connection_end_turn(connection, false);
	} else {
		connection_close(connection);
	}
	return false;
}

void connection_give_up(struct connection *connection)
{
	counter_add(&connection->worker->self->handshakes_failed, 1);
	connection_close(connection);
}
