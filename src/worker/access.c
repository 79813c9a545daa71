/* SPDX-License-Identifier: MIT */
/* The line of a request in the access log, its counters, its facts. */
#include "worker/access.h"

#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "base/text.h"
#include "http/trace.h"
#include "worker/dispatch.h"
#include "worker/line.h"

#define CERTIFICATE "client.certificate."
#define FLUSH_MS 100		/* a line waits no longer for others */
#define HOST_BYTES 260		/* the longest name (RFC 1035 section 2.3.4), ":65535" */

static void flush_log(struct timer *timer)
{
	struct worker *worker = LIST_OWNER(timer, struct worker, access_flush);

	sink_flush(&worker->access);
	atomic_store_explicit(&worker->self->log_lost, worker->access.lost + log_lost(),
	    memory_order_relaxed);
	if (worker->access.lines.size > 0) {
		timer_set(&worker->loop->timers, timer, worker->loop->now_ms + FLUSH_MS);
	}
}

void access_init(struct worker *worker)
{
	(void)!sink_open(&worker->access, "off", -1);
	timer_init(&worker->access_flush, flush_log);
}

void access_set_format(struct worker *worker)
{
	enum config_log_format format = worker->config == NULL ? CONFIG_LOG_AUTO :
	    worker->config->log.format;

	worker->access_json = format == CONFIG_LOG_JSON ||
	    (format == CONFIG_LOG_AUTO && !worker->access.terminal);
}

void access_take(struct worker *worker, int fd)
{
	sink_take(&worker->access, fd);
	access_set_format(worker);
}

/* One line's facts. Texts are "" where a request did not get as far. */
struct entry {
	char time[LOG_TIME_BYTES];
	char client[SOCKET_NAME_BYTES];
	const char *tls;
	const char *cipher;
	struct slice host;	/* as the client has sent it */
	struct slice method;
	struct slice target;
	int status;
	uint64_t bytes;
	int64_t us;
	const char *handler;	/* NULL: the server's own reply */
	const char *id;
	const char *trace;	/* NULL: none */
	const char *certificate; /* the client's, its SHA-256; NULL: none */
};

/* Of a client's text no more than any name and port need. */
static struct slice cut(struct slice text)
{
	text.size = text.size < HOST_BYTES ? text.size : HOST_BYTES;
	return text;
}

static struct slice text_or_none(struct slice text)
{
	return text.data == NULL ? SLICE("") : text;
}

static int64_t wall_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

/* Of a connection without TLS. */
static const char *or_dash(const char *text)
{
	return text == NULL ? "-" : text;
}

static void fill_client(struct entry *entry, const struct connection *connection)
{
	log_time(wall_us(), entry->time);
	socket_address_name(&connection->peer, entry->client);
	entry->tls = or_dash(tls_session_version(&connection->tls));
	entry->cipher = or_dash(tls_session_cipher(&connection->tls));
	entry->certificate = tls_session_peer(&connection->tls, "fingerprint");
}

static void fill(struct entry *entry, const struct exchange *exchange)
{
	entry->host = cut(text_or_none(exchange->request.authority));
	entry->method = text_or_none(exchange->request.method);
	entry->target = text_or_none(exchange->request.target);
	entry->status = exchange->reply.status;
	entry->handler = dispatch_handler_name(exchange);
	entry->id = exchange->id;
}

static int append_json(struct buffer *out, const struct entry *entry)
{
	int rc = buffer_printf(out,
	    "{\"time\":\"%s\",\"client\":\"%s\",\"tls\":\"%s\",\"cipher\":\"%s\","
	    "\"host\":\"",
	    entry->time, entry->client, entry->tls, entry->cipher);

	if (rc == 0) {
		rc = text_append_json(out, entry->host);
	}
	if (rc == 0) {
		rc = buffer_append(out, "\",\"method\":\"", 12);
	}
	if (rc == 0) {
		rc = text_append_json(out, entry->method);
	}
	if (rc == 0) {
		rc = buffer_append(out, "\",\"target\":\"", 12);
	}
	if (rc == 0) {
		rc = text_append_json(out, entry->target);
	}
	if (rc == 0) {
		rc = buffer_printf(out,
		    "\",\"status\":%d,\"bytes\":%llu,\"us\":%lld,\"handler\":%s%s%s,"
		    "\"id\":\"%s\",\"trace\":\"%s\"%s%s%s}\n",
		    entry->status, (unsigned long long)entry->bytes, (long long)entry->us,
		    entry->handler == NULL ? "" : "\"",
		    entry->handler == NULL ? "null" : entry->handler,
		    entry->handler == NULL ? "" : "\"", entry->id,
		    entry->trace == NULL ? "" : entry->trace,
		    entry->certificate == NULL ? "" : ",\"client_certificate\":\"",
		    entry->certificate == NULL ? "" : entry->certificate,
		    entry->certificate == NULL ? "" : "\"");
	}
	return rc;
}

static int append_text(struct buffer *out, const struct entry *entry)
{
	/* The time of day is enough for somebody who watches. */
	int rc = buffer_printf(out, "%.12s %s %s %d ", entry->time + 11, entry->client,
	    entry->tls, entry->status);

	if (rc == 0) {
		rc = text_append_printable(out, entry->method);
	}
	if (rc == 0) {
		rc = buffer_append(out, " ", 1);
	}
	if (rc == 0) {
		rc = text_append_printable(out, entry->target);
	}
	if (rc == 0) {
		rc = buffer_printf(out, " %llu bytes %lld us %s %s\n",
		    (unsigned long long)entry->bytes, (long long)entry->us,
		    entry->handler == NULL ? "-" : entry->handler, entry->id);
	}
	return rc;
}

static void log_entry(struct worker *worker, const struct entry *entry)
{
	struct buffer *line = &worker->access_line;
	int rc;

	buffer_reset(line);
	rc = worker->access_json ? append_json(line, entry) : append_text(line, entry);
	if (rc != 0) {
		worker->access.lost++;
		return;
	}
	sink_line(&worker->access, line->data, line->size);
	if (!timer_is_set(&worker->access_flush)) {
		timer_set(&worker->loop->timers, &worker->access_flush,
		    worker->loop->now_ms + FLUSH_MS);
	}
}

static void count(struct worker *worker, uint32_t count_as, int status, int64_t us)
{
	struct scoreboard_handler *cell = &worker->self->handlers[count_as];
	int class = status / 100;

	if (class >= 1 && class <= SCOREBOARD_CLASSES) {
		counter_add(&cell->requests[class - 1], 1);
	}
	counter_add(&cell->us, (uint64_t)us);
}

void access_done(struct connection *connection, const struct exchange *exchange,
    uint64_t sent)
{
	struct worker *worker = connection->worker;
	int64_t us = exchange->id[0] == '\0' ? 0 : clock_us() - exchange->started_us;

	count(worker, dispatch_count_as(exchange), exchange->reply.status, us);
	if (worker->access.fd >= 0) {
		struct entry entry = { .bytes = sent, .us = us };
		struct trace trace;

		fill_client(&entry, connection);
		fill(&entry, exchange);
		if (worker->access_json && exchange->id[0] != '\0') {
			trace_of(&exchange->request.head, exchange->id, &trace);
			entry.trace = trace.id;
		}
		log_entry(worker, &entry);
	}
}

/* The name that the client has asked for in TLS. */
static struct slice slice_of_sni(const struct connection *connection)
{
	const char *name = tls_session_sni(&connection->tls);

	return name == NULL ? SLICE("") : slice_of(name);
}

void access_line_done(const struct connection *connection, const struct line *line)
{
	struct worker *worker = connection->worker;
	int64_t us = clock_us() - line->began_us;

	if (line->duplex.kind == DUPLEX_WEBSOCKET) {
		return;
	}
	count(worker, line->count_as, line->status, us);
	if (worker->access.fd >= 0) {
		struct entry entry = { .bytes = line->sent, .us = us,
			.host = cut(slice_of_sni(connection)),
			.method = SLICE("STREAM"),
			.target = line->handler == NULL ? SLICE("")
				: slice_of(line->handler),
			.status = line->status, .handler = line->handler,
			.id = line->duplex.id };

		fill_client(&entry, connection);
		log_entry(worker, &entry);
	}
}

static const char *client_address(const struct connection *connection,
    struct arena *arena)
{
	char host[SOCKET_HOST_BYTES];

	socket_address_host(&connection->peer, host);
	return arena_copy(arena, host, strlen(host));
}

/* A Unix socket has none. */
static const char *port(uint16_t number, struct arena *arena)
{
	return number == 0 ? NULL : arena_printf(arena, "%u", (unsigned)number);
}

static const char *alpn(const struct connection *connection, struct arena *arena)
{
	char name[256];

	tls_session_alpn(&connection->tls, name, sizeof(name));
	return arena_copy(arena, name, strlen(name));
}

const char *access_info(const struct connection *connection, struct arena *arena,
    const char *key)
{
	const struct tls_session *tls = &connection->tls;

	if (strcmp(key, "client.address") == 0) {
		return client_address(connection, arena);
	}
	if (strcmp(key, "client.port") == 0) {
		return port(socket_address_port(&connection->peer), arena);
	}
	if (strcmp(key, "server.port") == 0) {
		return port(connection->local_port, arena);
	}
	if (strcmp(key, "tls.version") == 0) {
		return tls_session_version(tls);
	}
	if (strcmp(key, "tls.cipher") == 0) {
		return tls_session_cipher(tls);
	}
	if (strcmp(key, "tls.group") == 0) {
		return tls_session_group(tls);
	}
	if (strcmp(key, "tls.alpn") == 0) {
		return alpn(connection, arena);
	}
	if (strcmp(key, "tls.sni") == 0) {
		return tls_session_sni(tls);
	}
	if (strcmp(key, "tls.resumed") == 0) {
		return tls_session_resumed(tls) ? "1" : "0";
	}
	if (strncmp(key, CERTIFICATE, strlen(CERTIFICATE)) == 0) {
		return tls_session_peer(tls, key + strlen(CERTIFICATE));
	}
	return NULL;
}
