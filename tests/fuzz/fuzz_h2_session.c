/* SPDX-License-Identifier: MIT */
/*
 * An HTTP/2 session on a connection that is none: what stands around it in a worker is
 * here, and answers by the request's path. Bytes come in cuts, room and time are short.
 * What it writes must be whole frames, and every exchange must be given back.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "http/h2_frames.h"
#include "worker/access.h"
#include "worker/connection.h"
#include "worker/dispatch.h"
#include "worker/exchanges.h"
#include "worker/generation.h"
#include "worker/h2_session.h"
#include "worker/limits.h"

#define ROOM 20000		/* bytes that the connection takes in a turn */
#define ROUNDS 8		/* after the last byte, each as long as a timeout */
#define BIG 100000
#define HELD 1500		/* bytes of bodies that it holds */
#define PREFACE "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0"
#define PREFACE_BYTES 33

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct config config = { .limits = { .max_header_bytes = 512,
		.max_header_fields = 16, .max_target_bytes = 64, .max_body_bytes = 1000,
		.max_streams = 8, .max_requests_per_connection = 20,
		.min_body_bytes_per_s = 100, .min_send_bytes_per_s = 100 },
	.timeouts = { .header_ms = 100, .body_ms = 100, .write_ms = 100,
		.slow_ms = 200, .idle_ms = 100 } };
static struct scoreboard_worker self;
static struct loop loop;
static struct worker worker;
static struct connection connection;
static struct exchange *later;	/* one that is answered in the next round */
static struct exchange *paused;	/* one that goes on then */
static int exchanges;		/* that are out */
static size_t sent;		/* in this turn */
static uint32_t frame_left;	/* of what was written: bytes that must follow */

static void check(bool holds, const char *what)
{
	if (!holds) {
		fprintf(stderr, "%s\n", what);
		abort();
	}
}

void limits_count(struct worker *of, enum scoreboard_limit limit)
{
	check(of == &worker && limit < LIMITS, "an unknown limit");
}

void limits_count_status(struct worker *of, int status)
{
	check(of == &worker && status >= 400, "no refusal");
}

void limits_met(struct worker *of, enum scoreboard_limit limit,
    const union socket_address *peer, const char *done)
{
	limits_count(of, limit);
	check(peer == &connection.peer && done != NULL, "another peer");
}

int limits_admit_body(struct connection *asked, const struct exchange *exchange,
    const struct tally *held, const char **reason)
{
	check(asked == &connection && held->of == &worker.held, "another connection");
	check(exchange->body.tally == held && held->bytes == worker.held.bytes &&
	    held->bytes >= exchange->body.capacity, "not all is counted");
	*reason = "too much";
	return held->bytes > HELD ? 503 : 0;
}

size_t connection_room(const struct connection *asked)
{
	check(asked == &connection, "another connection");
	return sent + worker.out.size >= ROOM ? 0 : ROOM - sent - worker.out.size;
}

/* Follows the frames through what was written. */
static void follow(struct slice bytes)
{
	while (bytes.size > 0) {
		size_t size = bytes.size < frame_left ? bytes.size : frame_left;

		frame_left -= (uint32_t)size;
		slice_skip(&bytes, size);
		if (bytes.size > 0) {
			const unsigned char *head = (const unsigned char *)bytes.data;

			check(bytes.size >= H2_FRAME_HEADER, "half a header");
			frame_left = (uint32_t)head[0] << 16 | (uint32_t)head[1] << 8 |
			    head[2];
			check(frame_left <= 16384, "a frame too large");
			slice_skip(&bytes, H2_FRAME_HEADER);
		}
	}
}

int connection_write(struct connection *written, struct slice data)
{
	check(written == &connection, "another connection");
	follow(buffer_slice(&worker.out));
	follow(data);
	sent += worker.out.size + data.size;
	buffer_reset(&worker.out);
	return 0;
}

void connection_wake(struct connection *woken)
{
	check(woken == &connection, "another connection");
}

void access_done(struct connection *done, const struct exchange *exchange, uint64_t bytes)
{
	check(done == &connection && exchange->id[0] != '\0', "no request");
	check(bytes <= (uint64_t)exchange->written, "more sent than written");
}

const char *access_info(const struct connection *asked, struct arena *arena,
    const char *key)
{
	(void)asked;
	(void)arena;
	(void)key;
	return NULL;
}

bool session_admits(struct connection *asked, struct slice host)
{
	(void)asked;
	(void)host;
	return true;
}

void dispatch_new_id(struct worker *its, char id[EXCHANGE_ID_BYTES])
{
	snprintf(id, EXCHANGE_ID_BYTES, "%016llx", (unsigned long long)its->ids++);
}

void dispatch_identify(struct worker *its, struct exchange *exchange)
{
	dispatch_new_id(its, exchange->id);
}

void dispatch_begin(struct worker *its, struct exchange *exchange)
{
	dispatch_identify(its, exchange);
	check(exchange->request.path.data[exchange->request.path.size] == '\0', "no NUL");
	if (slice_equal(exchange->request.path, SLICE("/none"))) {
		exchange_fail(exchange, 404, NULL);
	}
	if (slice_equal(exchange->request.path, SLICE("/upload")) &&
	    exchange->request.has_body) {
		upload_begin(exchange, 1000);
		exchange->body.max = 1001;
	}
}

static void must(int rc)
{
	check(rc == 0, "a reply was refused");
}

static void on_gone(struct exchange *exchange)
{
	if (exchange == paused) {
		paused = NULL;
	}
	must(exchange_abort(exchange));
}

/* Says back what it gets; a piece that begins with 'p' lets it pause. */
static void on_body(struct exchange *exchange, struct slice bytes, bool last)
{
	if (exchange->state == EXCHANGE_OPEN) {
		must(exchange_start(exchange, 200, NULL));
	}
	must(exchange_write(exchange, bytes.data, bytes.size));
	if (last) {
		must(exchange_end(exchange));
	} else if (paused == NULL && bytes.data[0] == 'p') {
		paused = exchange;
		must(upload_pause(exchange, true));
	}
}

static const struct exchange_handler_ops upload_ops = { .gone = on_gone,
	.body = on_body };

int dispatch_body(struct worker *its, struct exchange *exchange, struct slice bytes,
    bool last, const char **reason)
{
	(void)its;
	return upload_feed(exchange, bytes, last, reason);
}

void dispatch_call(struct worker *its, struct exchange *exchange)
{
	static const char big[BIG];
	const struct slice path = exchange->request.path;

	(void)its;
	if (slice_equal(path, SLICE("/big"))) {
		must(exchange_reply_ref(exchange, 200, NULL, big, BIG, NULL, NULL));
	} else if (slice_equal(path, SLICE("/later")) && later == NULL) {
		must(exchange_start(exchange, 200, "text/plain"));
		later = exchange;
	} else if (slice_equal(path, SLICE("/trailer"))) {
		must(exchange_start(exchange, 200, NULL));
		must(exchange_add_trailer(exchange, "x-sum", "1"));
		must(exchange_end(exchange));
	} else if (exchange->upload.on) {
		exchange_hold(exchange, &upload_ops);
	} else if (slice_equal(path, SLICE("/broken"))) {
		must(exchange_start(exchange, 200, NULL));
		exchange_fail(exchange, 500, NULL);
	} else {
		must(exchange_reply(exchange, 200, "text/plain", exchange->body.data,
		    exchange->body.size));
	}
}

static void answer_later(void)
{
	struct exchange *exchange = paused;

	paused = NULL;
	if (exchange != NULL) {
		must(upload_pause(exchange, false));
	}
	exchange = later;
	later = NULL;
	if (exchange != NULL) {
		must(exchange_write(exchange, "later", 5));
		must(exchange_end(exchange));
	}
}

void dispatch_connect(const struct site_route *route, struct duplex *duplex,
    struct exchange *upgrade)
{
	(void)route;
	(void)duplex;
	(void)upgrade;
	check(false, "nobody asked for a WebSocket");
}

struct slice worker_date(struct worker *its)
{
	(void)its;
	return SLICE("Sun, 06 Nov 1994 08:49:37 GMT");
}

struct exchange *worker_take_exchange(struct worker *its)
{
	(void)its;
	exchanges++;
	return calloc(1, sizeof(struct exchange));
}

void worker_give_exchange(struct worker *its, struct exchange *exchange)
{
	(void)its;
	if (exchange == later) {
		later = NULL;
	}
	exchanges--;
	must(exchange_part(exchange, exchange->ops) ? 0 : ERR_INVALID);
	exchange_release(exchange);
	free(exchange);
}

void exchange_leave_chain(struct exchange *exchange)
{
	(void)exchange;
}

static void begin(void)
{
	worker = (struct worker){ .config = &config, .self = &self, .loop = &loop,
		.http_limits = { .max_target_bytes = config.limits.max_target_bytes,
			.max_header_bytes = config.limits.max_header_bytes,
			.max_header_fields = config.limits.max_header_fields } };
	buffer_init(&worker.out, 4 << 20);
	memset(&connection, 0, sizeof(connection));
	connection.worker = &worker;
	check(socket_address_set(&connection.peer, "127.0.0.1", 1) == 0, "address");
	frame_left = 0;
	connection.session = h2_session_new(&connection);
	check(connection.session != NULL, "no session");
}

static void end_turn(void)
{
	const struct session *session = connection.session;

	check(connection_write(&connection, SLICE("")) == 0, "write");
	check(frame_left == 0, "half a frame");
	check(sent > 0 || !session->ops->has_output(session) ||
	    connection_room(&connection) == 0 || session->done, "it should write");
	sent = 0;
}

static void give(struct slice bytes, size_t step)
{
	struct session *session = connection.session;

	while (bytes.size > 0 && !session->done && session->ops->wants_input(session)) {
		struct slice part = { bytes.data, bytes.size < step ? bytes.size : step };
		size_t before = part.size;

		session->ops->input(session, &part);
		slice_skip(&bytes, before - part.size);
		check(part.size == 0 || session->done ||
		    !session->ops->wants_input(session), "input is left");
		end_turn();
		answer_later();
	}
}

/* Time passes; it does what a connection would. */
static void pass(void)
{
	struct session *session = connection.session;
	struct session_wait wait = session->ops->wait(session);

	session->ops->output(session);
	end_turn();
	loop.now_ms += wait.ms;
	if (wait.ms > 0 && !session->done) {
		session->ops->timeout(session);
		end_turn();
	}
}

/* The first byte says how the rest is cut and how it ends. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const size_t steps[] = { 1, 7, 100, SIZE_MAX };
	struct session *session;

	if (size == 0) {
		return 0;
	}
	check(log_open("off", LOG_ERROR, true, false) == 0, "log");
	begin();
	session = connection.session;
	give((struct slice){ PREFACE, PREFACE_BYTES }, SIZE_MAX);
	give((struct slice){ (const char *)data + 1, size - 1 }, steps[data[0] & 3]);
	if (data[0] & 4) {
		session->ops->drain(session);
	}
	if ((data[0] & 8) && !session->done) {
		session->ops->end_input(session, (data[0] & 16) != 0);
		end_turn();
	}
	for (int i = 0; i < ROUNDS && !session->done; i++) {
		pass();
	}
	session->ops->free(session);
	check(exchanges == 0, "an exchange is out");
	check(worker.held.bytes == 0, "memory is still counted");
	later = NULL;
	buffer_release(&worker.out);
	return 0;
}
