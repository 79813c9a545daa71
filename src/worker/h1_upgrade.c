/* SPDX-License-Identifier: MIT */
/* A request of HTTP/1.1 that asks for a WebSocket (RFC 6455 section 4). */
#include "worker/access.h"
#include "worker/connection.h"
#include "worker/h1_state.h"
#include "worker/line_session.h"
#include "worker/websocket.h"

static void wake(struct line *line)
{
	const struct h1_session *session = line->carrier;

	connection_wake(session->base.connection);
}

static void opened(struct line *line, int status)
{
	struct h1_session *session = line->carrier;

	if (status == 0) {
		session->upgraded = true;
		return;
	}
	if (session->exchange->state == EXCHANGE_OPEN) {
		exchange_fail(session->exchange, status, "the handler refuses it");
	}
	line_free(line);
	session->line = NULL;
}

static const char *info(struct line *line, const char *key)
{
	const struct h1_session *session = line->carrier;

	return access_info(session->base.connection, &session->exchange->arena, key);
}

static const struct line_ops ops = { .wake = wake, .opened = opened,
	.info = info };

void h1_upgrade_begin(struct h1_session *session)
{
	struct exchange *exchange = session->exchange;

	session->line = websocket_new(h1_worker(session), exchange, &ops, session);
	if (session->line != NULL) {
		websocket_connect(session->line, exchange);
	}
}

void h1_upgrade_finish(struct h1_session *session)
{
	struct connection *connection = session->base.connection;
	struct worker *worker = connection->worker;
	struct exchange *exchange = session->exchange;
	int rc = websocket_accept(session->line, exchange);

	if (rc == 0) {
		rc = h1_write_head(&worker->out, &exchange->request, &exchange->reply,
		    H1_NO_BODY, true, worker_date(worker));
	}
	access_done(connection, exchange, 0);
	h1_drop_exchange(session);
	session->base.next = rc == 0 ? line_session_take(connection, session->line) :
	    NULL;
	if (session->base.next != NULL) {
		session->line = NULL;
	} else {
		session->base.cut = true;
		session->base.done = true;
	}
}
