/* SPDX-License-Identifier: MIT */
/* What a worker does at its limits. */
#include "worker/limits.h"

#include <inttypes.h>
#include <string.h>

#include "base/log.h"
#include "worker/connection.h"

#define NETWORK_BYTES 8		/* of an IPv6 address: those of its network */
#define EVICT_LOOKS 64		/* connections looked at for one that is idle */

void limits_count(struct worker *worker, enum scoreboard_limit limit)
{
	counter_add(&worker->self->limits[limit], 1);
}

void limits_count_status(struct worker *worker, int status)
{
	switch (status) {
	case 413:
		limits_count(worker, LIMIT_MAX_BODY_BYTES);
		break;
	case 414:
		limits_count(worker, LIMIT_MAX_TARGET_BYTES);
		break;
	case 431:
		limits_count(worker, LIMIT_MAX_HEADER_BYTES);
		break;
	default:
		break;
	}
}

void limits_met(struct worker *worker, enum scoreboard_limit limit,
    const union socket_address *peer, const char *done)
{
	char name[SOCKET_NAME_BYTES] = "a new client";
	char before[48] = "";
	uint64_t unsaid;

	limits_count(worker, limit);
	if (!log_pace_due(&worker->limits_said[limit], worker->loop->now_ms, &unsaid)) {
		return;
	}
	if (peer != NULL) {
		socket_address_name(peer, name);
	}
	if (unsaid > 0) {
		snprintf(before, sizeof(before), ", as %" PRIu64 " before it", unsaid);
	}
	log_say(LOG_WARN, "%s: %s is %s%s", scoreboard_limits[limit], name, done, before);
}

/* Those that are looked at go behind the others, so that the next look is at others. */
static bool make_room(struct worker *worker)
{
	for (int i = 0; i < EVICT_LOOKS && !list_empty(&worker->connections); i++) {
		struct list *link = worker->connections.next;

		list_remove(link);
		list_append(&worker->connections, link);
		if (connection_evict(LIST_OWNER(link, struct connection, link))) {
			counter_add(&worker->self->evicted, 1);
			return true;
		}
	}
	return false;
}

static bool refuse(struct worker *worker, enum scoreboard_limit limit,
    const union socket_address *peer)
{
	counter_add(&worker->self->refused, 1);
	limits_met(worker, limit, peer, "refused");
	return false;
}

static bool is_used_up(const struct tally *held, uint64_t most)
{
	return held->bytes > most;
}

bool limits_admit(struct worker *worker, const union socket_address *peer)
{
	if (is_used_up(&worker->held, worker->config->limits.max_worker_bytes)) {
		return refuse(worker, LIMIT_MAX_WORKER_BYTES, peer);
	}
	if (worker->connection_count >= worker->max_connections && !make_room(worker)) {
		return refuse(worker, LIMIT_MAX_CONNECTIONS, peer);
	}
	return true;
}

bool limits_admit_handshake(struct worker *worker)
{
	struct list *link = worker->handshakes.next;
	struct connection *oldest = LIST_OWNER(link, struct connection, link);
	union socket_address peer;

	if (worker->handshake_count < worker->config->limits.max_handshakes) {
		return true;
	}
	peer = oldest->peer;
	if (connection_abandon(oldest)) {
		limits_met(worker, LIMIT_MAX_HANDSHAKES, &peer,
		    "closed in its handshake");
		return true;
	}
	limits_met(worker, LIMIT_MAX_HANDSHAKES, NULL, "kept waiting");
	return false;
}

/* Who has an IPv6 network of 64 bits has as many addresses as he likes. False for who has
 * none. */
static bool address_of(const union socket_address *peer,
    unsigned char address[NETWORK_ADDRESS_BYTES])
{
	static const struct network v4 = { { [10] = 0xff, [11] = 0xff }, 96 };

	if (!socket_address_v6(peer, address)) {
		return false;
	}
	if (!network_has(&v4, address)) {
		memset(address + NETWORK_BYTES, 0, NETWORK_ADDRESS_BYTES - NETWORK_BYTES);
	}
	return true;
}

bool limits_admit_address(struct worker *worker, const union socket_address *peer)
{
	uint32_t most = worker->config->limits.max_connections_per_address;
	unsigned char address[NETWORK_ADDRESS_BYTES];

	if (most == 0 || !address_of(peer, address) ||
	    addresses_count(worker->addresses, worker->board->workers, address) < most) {
		return true;
	}
	return refuse(worker, LIMIT_MAX_CONNECTIONS_PER_ADDRESS, peer);
}

static void move(const struct connection *connection, int change)
{
	const struct worker *worker = connection->worker;
	unsigned char address[NETWORK_ADDRESS_BYTES];

	if (address_of(&connection->peer, address)) {
		addresses_move(worker->addresses, worker->index, address, change);
	}
}

void limits_count_address(struct connection *connection)
{
	connection->counted = connection->worker->config->limits
	    .max_connections_per_address > 0;
	if (connection->counted) {
		move(connection, 1);
	}
}

void limits_discount_address(struct connection *connection)
{
	if (connection->counted) {
		connection->counted = false;
		move(connection, -1);
	}
}

/* Is there something else in it that it could wait for? */
static bool shares(const struct tally *held, const struct exchange *exchange)
{
	return held->bytes > exchange->body.capacity;
}

int limits_admit_body(struct connection *connection, const struct exchange *exchange,
    const struct tally *held, const char **reason)
{
	struct worker *worker = connection->worker;
	const struct config_limits *limits = &worker->config->limits;
	enum scoreboard_limit limit;

	if (held != NULL && is_used_up(held, limits->max_connection_bytes) &&
	    shares(held, exchange)) {
		limit = LIMIT_MAX_CONNECTION_BYTES;
		*reason = "this connection has too much under way";
	} else if (is_used_up(&worker->held, limits->max_worker_bytes) &&
	    shares(&worker->held, exchange)) {
		limit = LIMIT_MAX_WORKER_BYTES;
		*reason = "the server has too much under way";
	} else {
		return 0;
	}
	limits_met(worker, limit, &connection->peer, "answered 503");
	return 503;
}
