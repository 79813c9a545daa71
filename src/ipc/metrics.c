/* SPDX-License-Identifier: MIT */
/* The scoreboard as named figures. */
#include "ipc/metrics.h"

#include <stdio.h>
#include <string.h>

/* The table's function has no argument for it: one board a process, set at boot. */
static const struct scoreboard *the_board;

struct output {
	void (*fn)(void *arg, const tc_sample *sample);
	void *arg;
};

/* A figure that each worker has one of. */
struct column {
	const char *name;
	const char *help;
	int kind;
	size_t offset;		/* of its counter in struct scoreboard_worker */
	const char *label;	/* a second label, or NULL */
	const char *label_value;
};

#define AT(member) offsetof(struct scoreboard_worker, member)

/* Those of one name stand together, as the Prometheus text format wants them. */
static const struct column columns[] = {
	{ "tincan_connections", "Open connections", TC_GAUGE, AT(connections), NULL,
	    NULL },
	{ "tincan_connections_total", "Connections accepted", TC_COUNTER, AT(accepted),
	    NULL, NULL },
	{ "tincan_connections_refused_total",
	    "Connections closed at once for a limit", TC_COUNTER, AT(refused), NULL,
	    NULL },
	{ "tincan_connections_evicted_total",
	    "Idle connections closed to make room for others", TC_COUNTER, AT(evicted),
	    NULL, NULL },
	{ "tincan_proxy_refused_total",
	    "Connections without the PROXY header that they must begin with", TC_COUNTER,
	    AT(proxy_refused), NULL, NULL },
	{ "tincan_handshakes_total", "TLS handshakes", TC_COUNTER, AT(handshakes),
	    "result", "ok" },
	{ "tincan_handshakes_total", "TLS handshakes", TC_COUNTER, AT(handshakes_failed),
	    "result", "failed" },
	{ "tincan_handshakes_resumed_total",
	    "Successful TLS handshakes that resumed a session", TC_COUNTER, AT(resumed),
	    NULL, NULL },
	{ "tincan_tickets_total", "Session tickets given to clients", TC_COUNTER,
	    AT(tickets), NULL, NULL },
	{ "tincan_tickets_unknown_total", "Session tickets that no key opens", TC_COUNTER,
	    AT(tickets_unknown), NULL, NULL },
	{ "tincan_abuses_total", "HTTP/2 connections ended as an attack", TC_COUNTER,
	    AT(abuses), NULL, NULL },
	{ "tincan_held_bytes", "Memory for what clients send and are sent", TC_GAUGE,
	    AT(held_bytes), NULL, NULL },
	{ "tincan_received_bytes_total", "Bytes received, TLS included", TC_COUNTER,
	    AT(received_bytes), NULL, NULL },
	{ "tincan_sent_bytes_total", "Bytes sent, TLS included", TC_COUNTER,
	    AT(sent_bytes), NULL, NULL },
	{ "tincan_log_lost_total", "Log lines that could not be written", TC_COUNTER,
	    AT(log_lost), NULL, NULL },
};

static const char *const no_labels[] = { NULL };

static const char *index_text(uint32_t index, char out[12])
{
	snprintf(out, 12, "%u", index);
	return out;
}

static void emit(const struct output *out, const char *name, const char *help, int kind,
    const char *const *labels, double value)
{
	out->fn(out->arg, &(tc_sample){ .size = sizeof(tc_sample), .kind = kind,
	    .name = name, .help = help, .labels = labels, .value = value });
}

/* What it counts is so many units. */
static void emit_column(const struct output *out, const struct column *column,
    uint32_t worker, double unit)
{
	const char *base = (const char *)&the_board->worker[worker];
	const counter *count = (const counter *)(base + column->offset);
	char text[12];
	const char *labels[] = { "worker", index_text(worker, text), column->label,
		column->label_value, NULL };

	emit(out, column->name, column->help, column->kind, labels,
	    (double)counter_get(count) / unit);
}

static void emit_columns(const struct output *out)
{
	for (size_t i = 0; i < sizeof(columns) / sizeof(columns[0]); i++) {
		for (uint32_t w = 0; w < the_board->workers; w++) {
			emit_column(out, &columns[i], w, 1);
		}
	}
}

/* By the key alone: Prometheus' users write it often. */
static void emit_limits(const struct output *out)
{
	for (size_t i = 0; i < LIMITS; i++) {
		const struct column column = { "tincan_limits_met_total",
			"Times that a client was held to a limit", TC_COUNTER,
			AT(limits) + i * sizeof(counter), "limit",
			strchr(scoreboard_limits[i], '.') + 1 };

		for (uint32_t w = 0; w < the_board->workers; w++) {
			emit_column(out, &column, w, 1);
		}
	}
}

static void emit_requests(const struct output *out, uint32_t worker, uint32_t handler)
{
	static const char *const classes[] = { "1xx", "2xx", "3xx", "4xx", "5xx" };
	const struct scoreboard_handler *cell =
	    &the_board->worker[worker].handlers[handler];
	char text[12];

	for (size_t i = 0; i < SCOREBOARD_CLASSES; i++) {
		const char *labels[] = { "worker", index_text(worker, text), "handler",
			the_board->names[handler], "class", classes[i], NULL };
		uint64_t value = counter_get(&cell->requests[i]);

		if (value > 0) {
			emit(out, "tincan_requests_total", "Requests answered",
			    TC_COUNTER, labels, (double)value);
		}
	}
}

/* One series of a figure; le is the bound of a bucket, or NULL. */
static void emit_series(const struct output *out, const struct scoreboard_figure *figure,
    const char *end, const char *le, double value)
{
	const char *labels[] = { "handler", the_board->names[figure->handler],
		le == NULL ? NULL : "le", le, NULL };
	char name[ROLL_NAME_BYTES + 32];

	snprintf(name, sizeof(name), "tincan_handler_%s%s", figure->name, end);
	emit(out, name, figure->help, (int)figure->kind, labels, value);
}

/* Each count is read once, so that they cannot contradict each other. */
static void emit_histogram(const struct output *out,
    const struct scoreboard_figure *figure)
{
	double count = 0;

	for (size_t i = 0; i < FIGURE_BUCKETS; i++) {
		count += atomic_load_explicit(&figure->cells[i], memory_order_relaxed);
		emit_series(out, figure, "_bucket", figure_bounds[i], count);
	}
	emit_series(out, figure, "_sum", NULL,
	    atomic_load_explicit(&figure->cells[FIGURE_BUCKETS], memory_order_relaxed));
	emit_series(out, figure, "_count", NULL, count);
}

static void emit_figure(const struct output *out, const struct scoreboard_figure *figure)
{
	if (figure->kind == TC_HISTOGRAM) {
		emit_histogram(out, figure);
	} else {
		emit_series(out, figure, "", NULL,
		    atomic_load_explicit(&figure->cells[0], memory_order_relaxed));
	}
}

/* What handlers measure; those of one name stand together, too. */
static void emit_figures(const struct output *out)
{
	uint32_t count = atomic_load(&the_board->figures);

	for (uint32_t i = 0; i < count; i++) {
		uint32_t next = i;

		if (!the_board->figure[i].first) {
			continue;
		}
		do {
			emit_figure(out, &the_board->figure[next]);
			next = atomic_load(&the_board->figure[next].next);
		} while (next != 0);
	}
}

static void emit_all_requests(const struct output *out)
{
	for (uint32_t w = 0; w < the_board->workers; w++) {
		for (uint32_t h = 0; h < atomic_load(&the_board->handlers); h++) {
			emit_requests(out, w, h);
		}
	}
}

/* A column for each handler from the first on, its offset from the handler's part. */
static void emit_handlers(const struct output *out, const struct column *column,
    uint32_t first, double unit)
{
	struct column own = *column;

	own.label = "handler";
	for (uint32_t w = 0; w < the_board->workers; w++) {
		for (uint32_t h = first; h < atomic_load(&the_board->handlers); h++) {
			own.offset = column->offset + AT(handlers) +
			    h * sizeof(struct scoreboard_handler);
			own.label_value = the_board->names[h];
			emit_column(out, &own, w, unit);
		}
	}
}

static void emit_times(const struct output *out)
{
	static const struct column seconds = { "tincan_request_seconds_total",
		"Time from the header of each request to the end of its reply, summed",
		TC_COUNTER, offsetof(struct scoreboard_handler, us), NULL, NULL };

	emit_handlers(out, &seconds, SCOREBOARD_SERVER, 1e6);
}

static void emit_queues(const struct output *out)
{
	static const struct column waiting = { "tincan_requests_waiting",
		"Requests that wait for a handler that blocks", TC_GAUGE,
		offsetof(struct scoreboard_handler, waiting), NULL, NULL };
	static const struct column turned_away = { "tincan_requests_turned_away_total",
		"Requests answered 503, as too many waited for a handler that blocks",
		TC_COUNTER, offsetof(struct scoreboard_handler, turned_away), NULL,
		NULL };

	emit_handlers(out, &waiting, SCOREBOARD_SERVER + 1, 1);
	emit_handlers(out, &turned_away, SCOREBOARD_SERVER + 1, 1);
}

static void emit_workers(const struct output *out)
{
	char text[12];

	for (uint32_t w = 0; w < the_board->workers; w++) {
		const char *labels[] = { "worker", index_text(w, text), NULL };

		emit(out, "tincan_worker_started_seconds",
		    "When the worker started, since 1970", TC_GAUGE, labels,
		    (double)atomic_load(&the_board->worker[w].started_s));
	}
	for (uint32_t w = 0; w < the_board->workers; w++) {
		const char *labels[] = { "worker", index_text(w, text), NULL };

		emit(out, "tincan_worker_pid", "Process id of the worker", TC_GAUGE,
		    labels, (double)atomic_load(&the_board->worker[w].pid));
	}
	emit(out, "tincan_worker_restarts_total", "Workers that died and were replaced",
	    TC_COUNTER, no_labels, (double)atomic_load(&the_board->restarts));
}

static void emit_tickets(const struct output *out)
{
	emit(out, "tincan_ticket_keys", "Keys that open session tickets", TC_GAUGE,
	    no_labels, (double)atomic_load(&the_board->ticket_keys));
	emit(out, "tincan_ticket_key_since_seconds",
	    "Since when new session tickets are sealed with the same key, since 1970",
	    TC_GAUGE, no_labels, (double)atomic_load(&the_board->ticket_key_s));
}

static void emit_crashes(const struct output *out)
{
	for (uint32_t h = 1; h < atomic_load(&the_board->handlers); h++) {
		const char *labels[] = { "handler", the_board->names[h], NULL };

		emit(out, "tincan_handler_crashes_total",
		    "Processes of the handler that died by its fault", TC_COUNTER, labels,
		    (double)counter_get(&the_board->crashes[h]));
	}
}

static void emit_certificates(const struct output *out)
{
	for (uint32_t i = 0; i < atomic_load(&the_board->certificates); i++) {
		const struct scoreboard_certificate *certificate =
		    &the_board->certificate[i];
		const char *labels[] = { "names", certificate->names, "chain",
			certificate->chain, NULL };
		int64_t ends_s = atomic_load(&certificate->ends_s);

		if (ends_s != 0) {
			emit(out, "tincan_certificate_expiry_timestamp_seconds",
			    "When the certificate expires, since 1970", TC_GAUGE, labels,
			    (double)ends_s);
		}
	}
}

static void each(void (*fn)(void *arg, const tc_sample *sample), void *arg)
{
	struct output out = { .fn = fn, .arg = arg };

	emit_workers(&out);
	emit_certificates(&out);
	emit_columns(&out);
	emit_limits(&out);
	emit_tickets(&out);
	emit_crashes(&out);
	emit_all_requests(&out);
	emit_times(&out);
	emit_queues(&out);
	emit_figures(&out);
}

void metrics_show(const struct scoreboard *board)
{
	the_board = board;
}

const void *metrics_ext(const char *id)
{
	static const tc_metrics table = { .size = sizeof(tc_metrics), .each = each };

	return the_board != NULL && strcmp(id, TC_METRICS) == 0 ? &table : NULL;
}
