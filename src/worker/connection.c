/* SPDX-License-Identifier: MIT */
/* One client's connection. */
#include "worker/connection.h"

#include <errno.h>
#include <linux/sockios.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "worker/generation.h"
#include "worker/limits.h"
#include "worker/proxied.h"

#define LINGER_MS 2000
#define FACTS_MAX 16384
#define LINGER_READS 16		/* in one turn */
#define DRAIN_HANDSHAKE_MS 5000
#define STALL_MS 500		/* of a handshake: then it may have to */
#define EVICT_IDLE_MS 1000	/* then it may have to go for another one */
/* Plain bytes read in one turn before others have theirs. */
#define TURN_BYTES (8 * WORKER_PLAIN_BYTES)
#define STEP_BYTES 256		/* as which a step counts that has read less */

static const char plain_reply[] =
    "HTTP/1.1 400 Bad Request\r\n"
    "content-type: text/plain; charset=utf-8\r\n"
    "content-length: 59\r\n"
    "connection: close\r\n"
    "\r\n"
    "400 Bad Request: this port speaks TLS, use https:// for it\n";

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

/* Well or not. */
static void end_handshake(struct connection *connection)
{
	struct worker *worker = connection->worker;

	if (connection->state == CONNECTION_HANDSHAKE) {
		worker->handshake_count--;
		list_remove(&connection->link);
		list_append(&worker->connections, &connection->link);
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
	end_handshake(connection);
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
static void linger(struct connection *connection)
{
	struct worker *worker = connection->worker;

	shutdown(connection->watch.fd, SHUT_WR);
	end_handshake(connection);
	connection->state = CONNECTION_LINGER;
	connection->wait = WAIT_LINGER;
	timer_set(&worker->loop->timers, &connection->timer,
	    worker->loop->now_ms + LINGER_MS);
	read_to_end(connection);
}

static void set_timer(struct connection *connection, uint32_t ms)
{
	struct worker *worker = connection->worker;

	connection->wait_ms = ms;
	if (ms == 0) {
		timer_cancel(&connection->timer);
	} else {
		timer_set(&worker->loop->timers, &connection->timer,
		    worker->loop->now_ms + ms);
	}
}

bool connection_waits_for(const struct connection *connection, uint8_t what)
{
	return connection->wait == WAIT_SESSION && connection->waits_for == what;
}

static void wait_for_session(struct connection *connection)
{
	struct session *session = connection->session;
	struct session_wait wait = session->ops->wait(session);
	bool same = connection_waits_for(connection, wait.what);

	if (same && !session->fresh && (wait.whole || !connection->progressed)) {
		return;
	}
	session->fresh = false;
	connection->wait = WAIT_SESSION;
	connection->waits_for = wait.what;
	set_timer(connection, wait.ms);
}

/*
 * Has the client taken anything since we last looked? The kernel calls a socket writable
 * only when a third of its buffer, which may be megabytes, is free: a client that reads
 * slowly but steadily is seen only in what the kernel has left to send.
 */
static bool reads_on(struct connection *connection)
{
	int before = connection->queued;

	if (ioctl(connection->watch.fd, SIOCOUTQ, &connection->queued) != 0) {
		return false;
	}
	/* Of what was sent since, some may wait there: then this is less than 0. */
	connection->taking.bytes += (uint64_t)(int64_t)(before - connection->queued);
	return connection->queued < before;
}

static bool takes_too_little(struct connection *connection)
{
	const struct worker *worker = connection->worker;

	return pace_slow(&connection->taking, worker->loop->now_ms,
	    worker->config->timeouts.slow_ms,
	    worker->config->limits.min_send_bytes_per_s);
}

/* Between two looks at what a client takes. */
static uint32_t look_ms(const struct worker *worker)
{
	const struct config_timeouts *timeouts = &worker->config->timeouts;

	return timeouts->slow_ms < timeouts->write_ms ? timeouts->slow_ms :
	    timeouts->write_ms;
}

/* What was just sent is still to be read, so that what is queued starts high. */
static void wait_for_room(struct connection *connection)
{
	const struct worker *worker = connection->worker;
	bool waited = connection->wait == WAIT_WRITE;

	(void)reads_on(connection);
	if (!waited) {
		pace_begin(&connection->taking, worker->loop->now_ms);
	}
	connection->wait = WAIT_WRITE;
	connection->still_ms = 0;
	connection->slow = takes_too_little(connection);
	set_timer(connection, connection->slow ? 1 : look_ms(worker));
}

static void wait_for_next(struct connection *connection)
{
	if (connection->state == CONNECTION_HANDSHAKE) {
		return;		/* its timer is for the whole of it */
	}
	if (connection->tls.unsent.size == 0) {
		wait_for_session(connection);
	} else if (connection->wait != WAIT_WRITE || connection->progressed) {
		wait_for_room(connection);
	}
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
static void end_turn(struct connection *connection, bool more)
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
		linger(connection);
		return;
	}
	if (is_lost(connection)) {
		connection_close(connection);
		return;
	}
	wait_for_next(connection);
	if (more && rc == 0) {
		loop_soon(connection->worker->loop, &connection->later);
	}
}

static void refuse_plain_text(struct connection *connection)
{
	(void)send(connection->watch.fd, plain_reply, sizeof(plain_reply) - 1,
	    MSG_NOSIGNAL);
	count_bytes(connection);
	linger(connection);
}

static void send_last(struct connection *connection)
{
	if (tls_session_flush(&connection->tls) == 0) {
		linger(connection);
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
	end_handshake(connection);
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
		end_turn(connection, rc == ERR_LIMIT);
	} else {
		fail_handshake(connection);
	}
	return false;
}

/* What comes before the session: for whom a proxy speaks, and TLS. True: it can begin. */
static bool prepare(struct connection *connection)
{
	int rc = connection->proxied ? proxied_read(connection) : 0;

	if (rc == 0) {
		return handshake(connection);
	}
	if (rc == ERR_AGAIN) {
		end_turn(connection, false);
	} else {
		connection_close(connection);
	}
	return false;
}

static void turn(struct connection *connection)
{
	connection->in_turn = true;
	if (connection->state == CONNECTION_LINGER) {
		read_to_end(connection);
	} else if (connection->state == CONNECTION_OPEN || prepare(connection)) {
		bool more = work(connection);

		end_turn(connection, more);
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

static void expire_write(struct connection *connection)
{
	struct worker *worker = connection->worker;
	bool moved = reads_on(connection);

	connection->still_ms = moved ? 0 : connection->still_ms + connection->wait_ms;
	if (connection->still_ms >= worker->config->timeouts.write_ms) {
		limits_count(worker, LIMIT_WRITE_MS);
		connection_close(connection);
	} else if (connection->slow || takes_too_little(connection)) {
		limits_met(worker, LIMIT_MIN_SEND_BYTES_PER_S, &connection->peer,
		    "closed");
		connection_close(connection);
	} else {
		set_timer(connection, look_ms(worker));
	}
}

static void expire_session(struct connection *connection)
{
	connection->in_turn = true;
	connection->session->fresh = true;
	connection->session->ops->timeout(connection->session);
	end_turn(connection, false);
	connection->in_turn = false;
}

static void give_up_handshake(struct connection *connection)
{
	counter_add(&connection->worker->self->handshakes_failed, 1);
	connection_close(connection);
}

static void on_timer(struct timer *timer)
{
	struct connection *connection = LIST_OWNER(timer, struct connection, timer);

	switch (connection->wait) {
	case WAIT_SESSION:
		expire_session(connection);
		break;
	case WAIT_WRITE:
		expire_write(connection);
		break;
	case WAIT_HANDSHAKE:
		limits_count(connection->worker, LIMIT_HANDSHAKE_MS);
		give_up_handshake(connection);
		break;
	default:
		connection_close(connection);
		break;
	}
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
	timer_init(&connection->timer, on_timer);
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
	set_timer(connection, worker->config->timeouts.handshake_ms);
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

static void wait_at_most(struct connection *connection, int64_t due_ms)
{
	if (connection->timer.due_ms > due_ms) {
		timer_set(&connection->worker->loop->timers, &connection->timer, due_ms);
	}
}

static bool is_idle(const struct connection *connection)
{
	const struct session *session = connection->session;

	return connection->wait == WAIT_SESSION &&
	    session->ops->wait(session).what == SESSION_IDLE;
}

/* Since when it waits for what it waits for now. */
static int64_t waits_since_ms(const struct connection *connection)
{
	return connection->timer.due_ms - connection->wait_ms;
}

/* That the keeper is slow is nobody's fault. */
bool connection_abandon(struct connection *connection)
{
	if (connection->state != CONNECTION_HANDSHAKE ||
	    connection->tls.signature != NULL ||
	    waits_since_ms(connection) + STALL_MS > connection->worker->loop->now_ms) {
		return false;
	}
	give_up_handshake(connection);
	return true;
}

/* It gets no time to linger: the next request of a client that has been idle so long is
 * hardly on its way. */
bool connection_evict(struct connection *connection)
{
	int64_t now_ms = connection->worker->loop->now_ms;

	if (connection->state != CONNECTION_OPEN || !is_idle(connection) ||
	    waits_since_ms(connection) + EVICT_IDLE_MS > now_ms) {
		return false;
	}
	expire_session(connection);
	connection_close(connection);
	return true;
}

void connection_drain(struct connection *connection)
{
	const struct worker *worker = connection->worker;

	if (connection->state == CONNECTION_HANDSHAKE) {
		wait_at_most(connection, worker->loop->now_ms + DRAIN_HANDSHAKE_MS);
		return;
	}
	if (connection->state == CONNECTION_OPEN) {
		connection->session->ops->drain(connection->session);
		/* A request may be in the socket already. */
		connection->tls.readable = true;
		turn(connection);
	}
	if (connection->state == CONNECTION_OPEN && is_idle(connection)) {
		wait_at_most(connection, waits_since_ms(connection) + SESSION_DRAIN_MS);
	}
}
