/* SPDX-License-Identifier: MIT */
/*
 * Calls every function of level 1 and has every callback, filter and handler in one: what
 * lies compiled in level1/ is to answer like this for ever. /every/WHAT tries one thing.
 */
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <tincan/bus.h>
#include <tincan/handler.h>
#include <tincan/metrics.h>

struct every {
	char settings[200];
	atomic_uint *visits;
	tc_metric *counter;
	tc_metric *gauge;
	tc_req *told;		/* waits for its own word on the bus */
	const tc_bus *bus;
	tc_sub *sub;
};

/* A request that waits for something. */
struct wait {
	tc_req *r;
	tc_watch *watch;
	int ends[2];
	int weighs;		/* the body, which else is of no interest */
	int64_t weight;
	char text[32];
};

static void on_told(void *arg, const void *data, size_t size, uint64_t lost)
{
	struct every *every = arg;
	tc_req *r = every->told;

	(void)lost;
	every->told = NULL;
	if (r != NULL) {
		tc.reply(r, 200, "text/plain", data, size);
	}
}

static void read_settings(tc_conf *cf, struct every *every)
{
	size_t size = 0;
	const char *json = tc.conf_json(cf, "object", &size);
	const char *path = tc.conf_path(cf, "file", "none");

	snprintf(every->settings, sizeof(every->settings), "%s %lld %d %d %s %.*s %s",
	    tc.conf_str(cf, "text", "-"), (long long)tc.conf_int(cf, "number", 7, 1, 9),
	    tc.conf_bool(cf, "flag", 1), tc.conf_len(cf, "object"),
	    tc.conf_name(cf, "object", 0), (int)size, json, strrchr(path, '/'));
}

static int on_open(tc_conf *cf, void **state)
{
	struct every *every = calloc(1, sizeof(*every));

	if (every == NULL) {
		return TC_NOMEM;
	}
	read_settings(cf, every);
	if (tc.conf_bool(cf, "refuse", 0)) {
		free(every);
		return tc.conf_error(cf, "refuse", "as you like");
	}
	every->visits = tc.shared(cf, "visits", sizeof(*every->visits));
	every->counter = tc.metric(cf, TC_COUNTER, "every_total", "Everything");
	every->gauge = tc.metric(cf, TC_GAUGE, "every_level", "Its level");
	every->bus = tc.ext(TC_BUS);
	every->sub = every->bus->subscribe("word", on_told, every);
	every->bus->unsubscribe(every->bus->subscribe("other", on_told, every));
	*state = every;
	return every->sub == NULL || every->visits == NULL ? TC_FAIL : TC_OK;
}

static void on_close(void *state)
{
	free(state);
}

static void on_stop(void *state, int why)
{
	(void)state;
	tc_log(TC_DEBUG, "stop %d", why);
}

/* Facts */

static int tell_facts(tc_req *r)
{
	const char *name = "", *value = "";
	size_t size = 1;

	tc.header_at(r, 0, &name, &value);
	tc.set_data(r, tc.alloc(r, 16));
	return tc.text(r, 200, tc_printf(r, "%s %s %s %s %s %s %s %s %d %s %zu %d %d %d",
	    tc.method(r), tc.target(r), tc.path(r), tc.tail(r), tc.query(r),
	    tc.param(r, "none") == NULL ? "-" : "+", tc.header(r, "X-Word"), name,
	    tc.trailer_at(r, 0, &name, &value), tc.info(r, "handler"),
	    (tc.body(r, &size), size), tc.data(r) != NULL, tc.deadline(r) > 0,
	    tc.now() > 0));
}

static int tell_settings(tc_req *r)
{
	const struct every *every = tc.state(r);

	return tc.text(r, 200, every->settings);
}

/* Replies */

static int reply_reference(tc_req *r)
{
	char *text = strdup("referred");

	return tc.reply_ref(r, 200, "text/plain", text, strlen(text), free, text);
}

static int open_text(const char *text)
{
	char name[] = "/tmp/every-XXXXXX";
	int fd = mkstemp(name);

	unlink(name);
	return write(fd, text, strlen(text)) < 0 ? -1 : fd;
}

static int reply_file(tc_req *r)
{
	return tc.reply_file(r, 200, "text/plain", open_text("a file"), 2, 4);
}

static int reply_pieces(tc_req *r)
{
	tc.set_header(r, "X-Set", "set");
	tc.add_header(r, "X-Added", "added");
	tc.start(r, 200, "text/plain");
	tc.write(r, "pieces ", 7);
	tc.write_file(r, open_text("of a file"), 0, 9);
	tc.add_trailer(r, "X-Trailer", "behind");
	return tc.end(r);
}

static int reply_shared(tc_req *r)
{
	const struct every *every = tc.state(r);

	tc.add(every->counter, 1);
	tc.set(every->gauge, 3);
	return tc.text(r, 200,
	    tc_printf(r, "%d", atomic_fetch_add(every->visits, 1) + 1 > 0));
}

static int reply_nothing(tc_req *r)
{
	return tc.abort(r);
}

static void count(void *arg, const tc_sample *sample)
{
	size_t *figures = arg;

	*figures += sample->size >= sizeof(*sample);
}

static int tell_metrics(tc_req *r)
{
	const tc_metrics *metrics = tc.ext(TC_METRICS);
	size_t figures = 0;

	metrics->each(count, &figures);
	return tc.text(r, 200, figures > 0 ? "figures" : "none");
}

/* Later */

static void answer(void *arg)
{
	struct wait *wait = arg;

	tc.text(wait->r, 200, wait->text);
}

static void cannot(void *arg)
{
	(void)arg;
	abort();
}

static void on_ready(void *arg, uint32_t events)
{
	struct wait *wait = arg;

	tc.unwatch(wait->watch);
	close(wait->ends[0]);
	close(wait->ends[1]);
	snprintf(wait->text, sizeof(wait->text), "ready %u", events);
	answer(wait);
}

static void work(void *arg)
{
	struct wait *wait = arg;

	tc.log(TC_DEBUG, "on a thread", 11);
	snprintf(wait->text, sizeof(wait->text), "worked");
}

static int wait_for(struct wait *wait, const char *what)
{
	if (strcmp(what, "timer") == 0) {
		snprintf(wait->text, sizeof(wait->text), "timer");
		tc.cancel(tc.after(1000, cannot, wait));
		return tc.after(1, answer, wait) == NULL ? TC_NOMEM : TC_OK;
	}
	if (strcmp(what, "post") == 0) {
		snprintf(wait->text, sizeof(wait->text), "posted");
		return tc.post(tc.loop(), answer, wait);
	}
	if (strcmp(what, "run") == 0) {
		return tc.run(work, answer, wait);
	}
	if (strcmp(what, "watch") == 0 && pipe(wait->ends) == 0) {
		wait->watch = tc.watch(wait->ends[1], TC_WRITE, on_ready, wait);
		return wait->watch == NULL ? TC_NOMEM : TC_OK;
	}
	return TC_UNKNOWN;
}

static int tell_over_bus(tc_req *r)
{
	struct every *every = tc.state(r);

	every->told = r;
	return every->bus->publish("word", "told", 4) == TC_OK ? TC_LATER : TC_FAIL;
}

static int reply_later(tc_req *r)
{
	struct wait *wait = tc.alloc(r, sizeof(*wait));
	int result;

	if (wait == NULL) {
		return TC_NOMEM;
	}
	*wait = (struct wait){ .r = r };
	tc.set_data(r, wait);
	if (strcmp(tc.tail(r), "body") == 0) {
		wait->weighs = 1;
		return TC_LATER;	/* on_body answers */
	}
	result = wait_for(wait, tc.tail(r));
	return result == TC_OK ? TC_LATER : result;
}

static void go_on(void *arg)
{
	struct wait *wait = arg;

	tc.pause(wait->r, 0);
}

static int on_body(tc_req *r, const void *data, size_t size, int last)
{
	struct wait *wait = tc.data(r);

	(void)data;
	if (wait == NULL || !wait->weighs) {
		return TC_OK;
	}
	wait->weight += (int64_t)size;
	if (last) {
		return tc.text(r, 200, tc_printf(r, "%lld", (long long)wait->weight));
	}
	tc.pause(r, 1);
	return tc.after(0, go_on, wait) == NULL ? TC_NOMEM : TC_OK;
}

static void on_drain(tc_req *r)
{
	tc.end(r);
}

static void on_gone(tc_req *r)
{
	tc.abort(r);
}

static int on_request(tc_req *r)
{
	static const struct {
		const char *what;
		int (*fn)(tc_req *r);
	} all[] = { { "facts", tell_facts }, { "settings", tell_settings },
		{ "ref", reply_reference }, { "file", reply_file },
		{ "pieces", reply_pieces }, { "shared", reply_shared },
		{ "bus", tell_over_bus }, { "metrics", tell_metrics },
		{ "abort", reply_nothing } };

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		if (strcmp(all[i].what, tc.tail(r)) == 0) {
			return all[i].fn(r);
		}
	}
	return reply_later(r);
}

/* Connections */

static int on_connect(tc_conn *c, tc_req *upgrade)
{
	tc.conn_set_data(c, tc.conn_state(c));
	return upgrade == NULL ? 501 : TC_OK;
}

static int on_data(tc_conn *c, const void *data, size_t size, uint32_t flags)
{
	char text[100];
	int length = snprintf(text, sizeof(text), "%d %d %s %.*s", tc.conn_kind(c),
	    tc.conn_data(c) != NULL, tc.conn_info(c, "handler"), (int)size,
	    (const char *)data);

	tc.conn_pause(c, 1);
	tc.conn_pause(c, 0);
	tc.send(c, text, (size_t)length, flags);
	return tc.close(c, 4000, "enough");
}

static void on_send(tc_conn *c)
{
	tc.conn_pause(c, 0);
}

static void on_end(tc_conn *c, int code)
{
	(void)c;
	tc_log(TC_DEBUG, "end %d", code);
}

/* As a filter */

static void let_on(void *arg)
{
	tc.next(arg);
}

static int on_filter(tc_req *r)
{
	if (strcmp(tc.query(r), "deny") == 0) {
		return tc.text(r, 403, "denied");
	}
	tc.set_request_header(r, "X-Word", "filtered");
	tc.set_header(r, "X-Filter", "seen");
	return tc.after(0, let_on, r) == NULL ? TC_NOMEM : TC_LATER;
}

static int on_reply(tc_req *r, int status)
{
	tc.set_header(r, "X-Type", tc.reply_header(r, "Content-Type"));
	return status == 200 ? TC_OK : TC_NEXT;
}

static int on_piece(tc_req *r, const void *data, size_t size, int last)
{
	int result = tc.pass(r, data, size, 0);

	return result == TC_OK && last ? tc.pass(r, "!", 1, 1) : result;
}

static void on_done(tc_req *r)
{
	tc_log(TC_DEBUG, "done with %s", tc.path(r));
}

TINCAN_HANDLER("every", .version = "1", .about = "everything", .route = "/every/*",
    .flags = TC_BODY_STREAM, .on_open = on_open, .on_close = on_close,
    .on_request = on_request, .check = "GET /every/shared 200", .on_stop = on_stop,
    .on_drain = on_drain, .on_gone = on_gone, .on_connect = on_connect,
    .on_data = on_data, .on_send = on_send, .on_end = on_end, .on_body = on_body,
    .on_filter = on_filter, .on_reply = on_reply, .on_piece = on_piece,
    .on_done = on_done);
