/* SPDX-License-Identifier: MIT */
/* One client's connection: its turns, from the first to the end. */
#include "worker/connection_parts.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "worker/generation.h"
#include "worker/limits.h"

#define LINGER_MS 2000
#define FACTS_MAX 16384
#define LINGER_READS 16		/* in one turn */
/* Plain bytes read in one turn before others have theirs. */
#define TURN_BYTES (8 * WORKER_PLAIN_BYTES)
#define STEP_BYTES 256		/* as which a step counts that has read less */

size_t connection_room(const struct connection *connection)
{
	size_t room = tls_session_room(&connection->tls);
	size_t held = connection->worker->out.size;

	return held >= room ? 0 : room - held;
}

int connection_write(struct connection *connection, struct slice data)
{
	struct buffer *out = &connection->worker->out;
	struct slice held = buffer_slice(out);
	int rc = tls_session_write(&connection->tls, held.data, held.size);

	buffer_reset(out);
	return rc == 0 ? tls_session_write(&connection->tls, data.data, data.size) : rc;
}

static void free_connection(struct deferred *later)
{
	struct connection *connection = LIST_OWNER(later, struct connection, later);
	struct worker *worker = connection->worker;

	free(connection);
	worker_check_drained(worker);
}

static void count_bytes(struct connection *connection)
{
	struct scoreboard_worker *self = connection->worker->self;

	connection->progressed = connection->tls.received + connection->tls.sent > 0;
	counter_add(&self->received_bytes, connection->tls.received);
	counter_add(&self->sent_bytes, connection->tls.sent);
	atomic_store_explicit(&self->held_bytes, connection->worker->held.bytes,
	    memory_order_relaxed);
	connection->taking.bytes += connection->tls.sent;
	connection->tls.received = 0;
	connection->tls.sent = 0;
}

static void free_session(struct connection *connection)
{
	if (connection->session != NULL) {
		connection->session->ops->free(connection->session);
		connection->session = NULL;
	}
}

void connection_close(struct connection *connection)
{
	struct worker *worker = connection->worker;

	if (connection->state == CONNECTION_CLOSED) {
		return;
	}
	count_bytes(connection);
	free_session(connection);
	loop_remove(worker->loop, &connection->watch);
	timer_cancel(&connection->timer);
	tls_session_release(&connection->tls);
	buffer_release(&connection->facts);
	close(connection->watch.fd);
	free(connection->kept);
	connection_end_handshake(connection);
	list_remove(&connection->link);
	worker->connection_count--;
	limits_discount_address(connection);
	atomic_store_explicit(&worker->self->connections, worker->connection_count,
	    memory_order_relaxed);
	connection->state = CONNECTION_CLOSED;
	deferred_cancel(&connection->later);
	deferred_init(&connection->later, free_connection);
	loop_defer(worker->loop, &connection->later);
}

/* Drops what the peer still sends, a bounded amount of it a turn. */
static void read_to_end(struct connection *connection)
{
	struct worker *worker = connection->worker;
	ssize_t size = 1;

	for (int i = 0; i < LINGER_READS && size > 0; i++) {
		size = recv(connection->watch.fd, worker->wire.in, TLS_WIRE_IN, 0);
	}
	if (size > 0 || (size < 0 && errno == EINTR)) {
		loop_soon(worker->loop, &connection->later);
	} else if (size == 0 || errno != EAGAIN) {
		connection_close(connection);
	}
}

/* Our end is sent and the peer may still be sending: closing now would reset the
 * connection, and with it the reply that the peer has not read (RFC 9112 section 9.6). */
void connection_linger(struct connection *connection)
{
	shutdown(connection->watch.fd, SHUT_WR);
	connection_end_handshake(connection);
	connection->state = CONNECTION_LINGER;
	connection->wait = WAIT_LINGER;
	connection_set_timer(connection, LINGER_MS);
	read_to_end(connection);
}

/* The next plain bytes: those left from before, else what TLS has. */
static int more_input(struct connection *connection)
{
	struct worker *worker = connection->worker;
	size_t got;
	int rc;

	if (connection->input.size > 0) {
		return 0;
	}
	if (!tls_session_has_input(&connection->tls)) {
		return ERR_AGAIN;
	}
	rc = tls_session_read(&connection->tls, worker->plain, WORKER_PLAIN_BYTES, &got);
	if (rc == 0) {
		connection->input = (struct slice){ worker->plain, got };
	}
	return rc;
}

/* An upgrade: from here on another protocol is spoken. */
static void change_session(struct connection *connection)
{
	struct session *session = connection->session;

	if (session->next != NULL) {
		connection->session = session->next;
		session->ops->free(session);
		connection->session->ops->output(connection->session);
	}
}

static void write_output(struct connection *connection)
{
	connection->session->ops->output(connection->session);
	change_session(connection);
}

/* Lets the session read what there is, a bounded amount in one turn. ERR_LIMIT if it
 * would go on, ERR_AGAIN if it waits. */
static int read_input(struct connection *connection, size_t *taken)
{
	struct session *session = connection->session;
	size_t before;
	int rc;

	if (connection_room(connection) == 0 || *taken >= TURN_BYTES) {
		return ERR_LIMIT;
	}
	rc = more_input(connection);
	if (rc == ERR_AGAIN || rc == ERR_LIMIT) {
		return rc;
	}
	if (rc != 0) {
		connection->ended = true;
		session->ops->end_input(session, rc == ERR_EOF);
		return 0;
	}
	before = connection->input.size;
	session->ops->input(session, &connection->input);
	before -= connection->input.size;
	*taken += before < STEP_BYTES ? STEP_BYTES : before;
	change_session(connection);
	return 0;
}

/* Lets the session read and write until it waits for something, or enough has been done.
 * Returns true if it would go on. */
static bool work(struct connection *connection)
{
	size_t taken = 0;
	int rc = 0;

	write_output(connection);
	while (rc == 0 && !connection->ended &&
	    connection->session->ops->wants_input(connection->session)) {
		rc = read_input(connection, &taken);
	}
	return rc == ERR_LIMIT ||
	    connection->session->ops->has_output(connection->session);
}

static int keep_input(struct connection *connection)
{
	char *kept = NULL;

	if (connection->input.size > 0) {
		kept = malloc(connection->input.size);
		if (kept == NULL) {
			return ERR_NOMEM;
		}
		memcpy(kept, connection->input.data, connection->input.size);
	}
	free(connection->kept);
	connection->kept = kept;
	connection->input.data = kept;
	return 0;
}

/* The peer has reset the connection, and nothing that is read or written would show it:
 * the session waits for a handler. */
static bool is_lost(const struct connection *connection)
{
	const struct session *session = connection->session;

	return connection->lost && session != NULL &&
	    (connection->ended || !session->ops->wants_input(session));
}

/*
 * Sends what the turn has made. A connection that would go on and has room again asks for
 * another turn, as its socket, watched edge-triggered, may not tell again.
 */
void connection_end_turn(struct connection *connection, bool more)
{
	struct tls_session *tls = &connection->tls;
	const struct session *session = connection->session;
	bool done = session != NULL && session->done;
	bool cut = session != NULL && session->cut;
	int rc;

	if (connection_write(connection, SLICE("")) == 0 && !cut &&
	    (done || (session != NULL && session->output_ended))) {
		tls_session_end(tls);
	}
	rc = tls_session_flush(tls);
	count_bytes(connection);
	if (rc == ERR_CLOSED || tls->broken || (cut && rc == 0) ||
	    keep_input(connection) != 0) {
		connection_close(connection);
		return;
	}
	if (done && rc == 0) {
		connection_linger(connection);
		return;
	}
	if (is_lost(connection)) {
		connection_close(connection);
		return;
	}
	connection_wait_for_next(connection);
	if (more && rc == 0) {
		loop_soon(connection->worker->loop, &connection->later);
	}
}

static void turn(struct connection *connection)
{
	connection->in_turn = true;
	if (connection->state == CONNECTION_LINGER) {
		read_to_end(connection);
	} else if (connection->state == CONNECTION_OPEN ||
	    connection_prepare(connection)) {
		bool more = work(connection);

		connection_end_turn(connection, more);
	}
	connection->in_turn = false;
}

static void on_event(struct watch *watch, uint32_t events)
{
	struct connection *connection = LIST_OWNER(watch, struct connection, watch);

	if (connection->state != CONNECTION_CLOSED) {
		connection->lost = connection->lost || (events & (EPOLLERR | EPOLLHUP));
		tls_session_events(&connection->tls, events);
		turn(connection);
	}
}

static void next_turn(struct deferred *later)
{
	turn(LIST_OWNER(later, struct connection, later));
}

/* The keeper has answered. */
static void on_signed(struct tls_session *tls)
{
	struct connection *connection = LIST_OWNER(tls, struct connection, tls);

	loop_soon(connection->worker->loop, &connection->later);
}

void connection_new(struct worker *worker, int fd, const union socket_address *peer,
    const struct connection_entry *entry)
{
	struct connection *connection = calloc(1, sizeof(*connection));

	if (connection == NULL ||
	    tls_session_init(&connection->tls, &worker->wire,
		entry->plain ? NULL : worker->generation->tls, fd) != 0) {
		free(connection);
		close(fd);
		return;
	}
	connection->worker = worker;
	buffer_count(&connection->tls.unsent, &worker->held);
	connection->listener = entry->listener;
	connection->proxied = entry->proxied;
	connection->tls.wake = on_signed;
	connection->tls.no_http = session_is_stream(connection);
	connection->tls.listener = (uint32_t)session_listener(connection);
	connection->local_port = entry->port;
	connection->peer = *peer;
	connection->watch = (struct watch){ .fd = fd, .fn = on_event };
	connection->wait = WAIT_HANDSHAKE;
	timer_init(&connection->timer, connection_on_timer);
	deferred_init(&connection->later, next_turn);
	buffer_init(&connection->facts, FACTS_MAX);
	list_append(&worker->handshakes, &connection->link);
	worker->handshake_count++;
	worker->connection_count++;
	if (!entry->proxied) {
		limits_count_address(connection);
	}
	atomic_store_explicit(&worker->self->connections, worker->connection_count,
	    memory_order_relaxed);
	connection_set_timer(connection, worker->config->timeouts.handshake_ms);
	/* Every edge, once: no call to change what is watched is ever needed. */
	if (loop_add(worker->loop, &connection->watch,
	    EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET) != 0) {
		connection_close(connection);
	}
}

void connection_wake(struct connection *connection)
{
	if (!connection->in_turn && connection->state == CONNECTION_OPEN) {
		loop_soon(connection->worker->loop, &connection->later);
	}
}

void connection_drain(struct connection *connection)
{
	if (connection->state == CONNECTION_OPEN) {
		connection->session->ops->drain(connection->session);
		/* A request may be in the socket already. */
		connection->tls.readable = true;
		turn(connection);
	}
	connection_hurry(connection);
}
