/* SPDX-License-Identifier: MIT */
/* What a connection waits for, and for how long. */
#include "worker/connection_parts.h"

#include <linux/sockios.h>
#include <sys/ioctl.h>

#include "worker/limits.h"

#define DRAIN_HANDSHAKE_MS 5000
#define STALL_MS 500		/* of a handshake: then it may have to */
#define EVICT_IDLE_MS 1000	/* then it may have to go for another one */

void connection_set_timer(struct connection *connection, uint32_t ms)
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
	connection_set_timer(connection, wait.ms);
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
	connection_set_timer(connection, connection->slow ? 1 : look_ms(worker));
}

void connection_wait_for_next(struct connection *connection)
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
		connection_set_timer(connection, look_ms(worker));
	}
}

static void expire_session(struct connection *connection)
{
	connection->in_turn = true;
	connection->session->fresh = true;
	connection->session->ops->timeout(connection->session);
	connection_end_turn(connection, false);
	connection->in_turn = false;
}

void connection_on_timer(struct timer *timer)
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
		connection_give_up(connection);
		break;
	default:
		connection_close(connection);
		break;
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
	connection_give_up(connection);
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

void connection_hurry(struct connection *connection)
{
	if (connection->state == CONNECTION_HANDSHAKE) {
		wait_at_most(connection,
		    connection->worker->loop->now_ms + DRAIN_HANDSHAKE_MS);
	} else if (connection->state == CONNECTION_OPEN && is_idle(connection)) {
		wait_at_most(connection, waits_since_ms(connection) + SESSION_DRAIN_MS);
	}
}
