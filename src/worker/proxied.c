/* SPDX-License-Identifier: MIT */
/* Connections that a proxy passes on. */
#include "worker/proxied.h"

#include "base/log.h"
#include "os/proxy_header.h"
#include "worker/limits.h"

/* Anybody may try: the log is not theirs to fill. */
static void refuse(struct worker *worker, const union socket_address *peer,
    const char *why)
{
	char name[SOCKET_NAME_BYTES];

	counter_add(&worker->self->proxy_refused, 1);
	if (log_pace_due(&worker->proxy_said, worker->loop->now_ms, NULL)) {
		socket_address_name(peer, name);
		log_say(LOG_WARN, "connection from %s refused: %s", name, why);
	}
}

static bool is_listed(const struct config_listener *listener,
    const union socket_address *peer)
{
	unsigned char address[NETWORK_ADDRESS_BYTES];

	if (!socket_address_v6(peer, address)) {
		return listener->proxies_unix;
	}
	for (size_t i = 0; i < listener->proxy_count; i++) {
		if (network_has(&listener->proxies[i], address)) {
			return true;
		}
	}
	return false;
}

bool proxied_admit(struct worker *worker, const struct config_listener *listener,
    const union socket_address *peer)
{
	if (!listener->proxied || is_listed(listener, peer)) {
		return true;
	}
	refuse(worker, peer, "its address is not in 'proxy_protocol.from'");
	return false;
}

static int take_header(struct connection *connection, struct slice bytes)
{
	struct proxy_header header;
	int rc = proxy_header_read(bytes, &header);

	if (rc == ERR_PROTOCOL) {
		refuse(connection->worker, &connection->peer,
		    "it does not begin with a PROXY header");
	}
	if (rc != 0) {
		return rc;
	}
	if (header.passed_on) {
		if (!limits_admit_address(connection->worker, &header.client)) {
			return ERR_LIMIT;
		}
		connection->peer = header.client;
		connection->local_port = socket_address_port(&header.server);
		limits_count_address(connection);
	}
	connection->proxy_left = (uint32_t)header.size;
	return 0;
}

/* Of bytes that have come. ERR_AGAIN: they are not all of it. */
static int take(struct connection *connection, struct slice bytes)
{
	int rc = connection->proxy_left > 0 ? 0 : take_header(connection, bytes);

	if (rc != 0) {
		return rc;
	}
	connection->proxy_left -= (uint32_t)tls_session_skip(&connection->tls,
	    connection->proxy_left);
	return connection->proxy_left > 0 ? ERR_AGAIN : 0;
}

int proxied_read(struct connection *connection)
{
	int rc = ERR_AGAIN;

	/* There may be more behind what does not suffice: its end, too. */
	while (rc == ERR_AGAIN) {
		struct slice bytes;
		int received = tls_session_peek(&connection->tls, &bytes);

		if (received != 0) {
			return received;
		}
		rc = take(connection, bytes);
	}
	connection->proxied = rc != 0;
	return rc;
}
