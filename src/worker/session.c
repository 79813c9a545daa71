/* SPDX-License-Identifier: MIT */
/* Which protocol is spoken on a connection. */
#include "worker/session.h"

#include <string.h>

#include "worker/connection.h"
#include "worker/generation.h"
#include "worker/h1_session.h"
#include "worker/h2_session.h"
#include "worker/line_session.h"

/* What a listener is for, in the newest generation; NULL: HTTPS. */
static const struct site_route *stream_of_listener(const struct connection *connection)
{
	const struct generation *generation = connection->worker->generation;
	const struct config *config = generation->message.config;

	for (size_t i = 0; i < config->listener_count; i++) {
		if (generation->message.listeners[i].id == connection->listener) {
			return site_stream_of_listener(&generation->site, i);
		}
	}
	return NULL;
}

bool session_is_stream(const struct connection *connection)
{
	return stream_of_listener(connection) != NULL;
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
		return line_session_new(connection, stream);
	}
	return strcmp(alpn, "h2") == 0 ? h2_session_new(connection)
				       : h1_session_new(connection);
}
