/* SPDX-License-Identifier: MIT */
/* Which protocol is spoken on a connection. */
#include "worker/session.h"

#include <string.h>

#include "base/log.h"
#include "worker/connection.h"
#include "worker/generation.h"
#include "worker/h1_session.h"
#include "worker/h2_session.h"
#include "worker/line_session.h"

size_t session_listener(const struct connection *connection)
{
	const struct generation_message *message =
	    &connection->worker->generation->message;
	size_t i = 0;

	while (i < message->config->listener_count &&
	    message->listeners[i].id != connection->listener) {
		i++;
	}
	return i;
}

/* What a listener is for, in the newest generation; NULL: HTTPS. */
static const struct site_route *stream_of_listener(const struct connection *connection)
{
	return site_stream_of_listener(&connection->worker->generation->site,
	    session_listener(connection));
}

bool session_is_stream(const struct connection *connection)
{
	return stream_of_listener(connection) != NULL;
}

bool session_admits(struct connection *connection, struct slice host)
{
	const struct generation *generation = connection->worker->generation;

	/* Nobody can be asked there, and what is excepted from redirects is for all. */
	if (connection->tls.ssl == NULL) {
		return true;
	}
	if (generation->tls->clients == NULL && connection->tls.peer == NULL) {
		return true;
	}
	return tls_session_admits(&connection->tls, generation->tls,
	    session_listener(connection), host);
}

/* It belongs to no host, so that nobody gets it under the conditions of one. */
static struct session *new_stream(struct connection *connection,
    const struct site_route *stream)
{
	if (!session_admits(connection, SLICE(""))) {
		log_say(LOG_INFO, "a stream is refused: its client's certificate was not "
		    "asked for as it is of streams");
		return NULL;
	}
	return line_session_new(connection, stream);
}

struct session *session_new(struct connection *connection)
{
	const struct site *site = &connection->worker->generation->site;
	const struct site_route *stream;
	char alpn[TLS_ALPN_BYTES];

	tls_session_alpn(&connection->tls, alpn, sizeof(alpn));
	stream = alpn[0] == '\0' ? stream_of_listener(connection) :
	    site_stream_of_alpn(site, alpn);
	if (stream != NULL) {
		return new_stream(connection, stream);
	}
	return strcmp(alpn, "h2") == 0 ? h2_session_new(connection)
				       : h1_session_new(connection);
}
