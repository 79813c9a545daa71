/* SPDX-License-Identifier: MIT */
/* A connection that is one line. */
#include "worker/line_session.h"

#include <stdlib.h>

#include "worker/access.h"
#include "worker/connection.h"

/* Up to this much at once goes into the same record as what else the turn writes. */
#define COPY_BYTES 8192

enum wait { WAIT_LINE = SESSION_IDLE + 1 };

struct line_session {
	struct session base;		/* first: its ops find the rest */
	struct line *line;		/* owned */
};

static struct line *line_of(const struct session *base)
{
	return ((const struct line_session *)base)->line;
}

static void wake(struct line *line)
{
	const struct session *base = line->carrier;

	connection_wake(base->connection);
}

/* A stream has nothing to say it with: it just ends. */
static void opened(struct line *line, int status)
{
	struct session *base = line->carrier;

	base->done = status != 0;
}

static const char *info(struct line *line, const char *key)
{
	const struct session *base = line->carrier;

	return access_info(base->connection, &line->facts, key);
}

static const struct line_ops line_ops = { .wake = wake, .opened = opened, .info = info };

static void free_session(struct session *base)
{
	access_line_done(base->connection, line_of(base));
	line_free(line_of(base));
	free(base);
}

static bool wants_input(const struct session *base)
{
	return !base->done && line_wants_input(line_of(base));
}

/* What the line says of its end. */
static void follow(struct session *base)
{
	struct line *line = line_of(base);

	if (line_settle(line)) {
		base->done = true;
		base->cut = line->cut;
	} else {
		base->output_ended = line->output_ended && line_output(line).size == 0;
	}
}

static void output(struct session *base)
{
	struct line *line = line_of(base);
	struct buffer *out = &base->connection->worker->out;
	struct slice data = line_output(line);
	size_t room = connection_room(base->connection);
	int rc = 0;

	while (rc == 0 && data.size > 0 && room > 0) {
		struct slice piece = { data.data, data.size < room ? data.size : room };

		rc = piece.size <= COPY_BYTES
		    ? buffer_append(out, piece.data, piece.size)
		    : connection_write(base->connection, piece);
		line_taken(line, piece.size);
		data = line_output(line);
		room = connection_room(base->connection);
	}
	follow(base);
	if (rc != 0) {
		/* What is missing must not pass for the whole. */
		base->cut = true;
		base->done = true;
	}
}

static bool has_output(const struct session *base)
{
	return !base->done && line_output(line_of(base)).size > 0;
}

static void input(struct session *base, struct slice *bytes)
{
	line_input(line_of(base), bytes);
	output(base);
}

static void end_input(struct session *base, bool in_order)
{
	line_end_input(line_of(base), in_order);
	output(base);
}

/* The line has a timer of its own. */
static struct session_wait wait(const struct session *base)
{
	(void)base;
	return (struct session_wait){ WAIT_LINE, false, 0 };
}

static void timeout(struct session *base)
{
	base->done = true;
}

static void drain(struct session *base)
{
	line_drain(line_of(base));
}

static const struct session_ops session_ops = { .free = free_session,
	.wants_input = wants_input,
	.input = input,
	.end_input = end_input,
	.output = output,
	.has_output = has_output,
	.wait = wait,
	.timeout = timeout,
	.drain = drain };

struct session *line_session_take(struct connection *connection, struct line *line)
{
	struct line_session *session = calloc(1, sizeof(*session));

	if (session == NULL) {
		return NULL;
	}
	session->base.ops = &session_ops;
	session->base.connection = connection;
	session->line = line;
	line->ops = &line_ops;
	line->carrier = &session->base;
	return &session->base;
}

struct session *line_session_new(struct connection *connection,
    const struct site_route *route)
{
	struct worker *worker = connection->worker;
	struct line *line = line_new(worker, &line_stream, NULL, NULL);
	struct session *session;

	if (line == NULL) {
		return NULL;
	}
	session = line_session_take(connection, line);
	if (session == NULL) {
		line_free(line);
		return NULL;
	}
	tls_session_strict_end(&connection->tls);
	line_connect(line, route, NULL);
	return session;
}
