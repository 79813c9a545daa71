/* SPDX-License-Identifier: MIT */
/*
 * clock: the time, once a second, for as long as somebody wants to know: server-sent
 * events, which a browser reads with new EventSource("/clock").
 *
 *	curl -N https://localhost:8443/clock
 */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <tincan/handler.h>

#define TICK_MS 1000

/* Of one route in one worker: all who listen there. */
struct clock {
	struct listener *first;
	tc_timer *timer;		/* NULL while nobody listens */
};

/* A request that is answered as long as it lasts. */
struct listener {
	struct listener *next;
	struct listener **link;		/* what points to it */
	tc_req *r;
};

static void add(struct clock *self, struct listener *listener)
{
	listener->next = self->first;
	listener->link = &self->first;
	if (listener->next != NULL) {
		listener->next->link = &listener->next;
	}
	self->first = listener;
}

/* Its request is finished here, however it went: from then on it is not ours. */
static void end(struct listener *listener)
{
	*listener->link = listener->next;
	if (listener->next != NULL) {
		listener->next->link = listener->link;
	}
	tc.end(listener->r);
	free(listener);
}

/* One who reads too slowly (TC_AGAIN) misses a tick, and hears the next one. One who has
 * left (TC_GONE) is on_gone's. */
static void tell(struct listener *listener, const char *text, size_t size)
{
	(void)tc.write(listener->r, text, size);
}

static size_t write_event(char *text, size_t room)
{
	time_t now = time(NULL);
	struct tm utc;

	gmtime_r(&now, &utc);
	return strftime(text, room, "event: tick\ndata: %Y-%m-%dT%H:%M:%SZ\n\n", &utc);
}

static void tick(void *arg)
{
	struct clock *self = arg;
	char text[64];
	size_t size = write_event(text, sizeof(text));

	self->timer = NULL;
	for (struct listener *l = self->first; l != NULL; l = l->next) {
		tell(l, text, size);
	}
	if (self->first != NULL) {
		self->timer = tc.after(TICK_MS, tick, self);
	}
}

static int listen(tc_req *r)
{
	struct clock *self = tc.state(r);
	struct listener *listener;
	char text[64];

	listener = malloc(sizeof(*listener));
	if (listener == NULL) {
		return TC_NOMEM;
	}
	tc.set_header(r, "Cache-Control", "no-store");
	if (tc.start(r, 200, "text/event-stream") != TC_OK) {
		free(listener);
		return TC_FAIL;
	}
	listener->r = r;
	tc.set_data(r, listener);
	add(self, listener);
	tell(listener, text, write_event(text, sizeof(text)));
	if (self->timer == NULL) {
		self->timer = tc.after(TICK_MS, tick, self);
	}
	return TC_LATER;
}

static int on_request(tc_req *r)
{
	const char *method = tc.method(r);

	if (strcmp(method, "GET") != 0 && strcmp(method, "HEAD") != 0) {
		tc.set_header(r, "Allow", "GET, HEAD");
		return tc.text(r, 405, "405 Method Not Allowed\n");
	}
	return listen(r);
}

static void on_gone(tc_req *r)
{
	end(tc.data(r));
}

/* A browser comes back by itself, to the instance that takes our place. */
static void on_stop(void *state, int why)
{
	struct clock *self = state;

	(void)why;
	while (self->first != NULL) {
		end(self->first);
	}
	tc.cancel(self->timer);
	self->timer = NULL;
}

static int on_open(tc_conf *cf, void **state)
{
	(void)cf;
	*state = calloc(1, sizeof(struct clock));
	return *state == NULL ? TC_NOMEM : TC_OK;
}

TINCAN_HANDLER("clock",
	.version = "1.0",
	.about = "the time once a second, as server-sent events",
	.on_open = on_open,
	.on_close = free,
	.on_request = on_request,
	.on_stop = on_stop,
	.on_gone = on_gone);
