/* SPDX-License-Identifier: MIT */
/*
 * Answers later, of what the last part of the path names; the query is a number: of
 * milliseconds, of events. What it is told it writes into the log.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <tincan/handler.h>

#define EVENT_BYTES 1024

struct state {
	struct item *items;	/* requests that are not finished */
	int count;
	int gone;		/* requests whose peer has left so far */
};

struct item {
	struct item *next;
	struct item *before;
	struct state *state;
	tc_req *r;
	int64_t left;		/* events still to be written; -1: without an end */
	int stays;		/* it is not finished when the peer leaves */
	tc_timer *timer;
	void (*act)(struct item *item);
};

static struct item *add(tc_req *r, void (*act)(struct item *item))
{
	struct state *state = tc.state(r);
	struct item *item = calloc(1, sizeof(*item));

	if (item == NULL) {
		return NULL;
	}
	item->state = state;
	item->r = r;
	item->act = act;
	item->next = state->items;
	if (item->next != NULL) {
		item->next->before = item;
	}
	state->items = item;
	state->count++;
	tc.set_data(r, item);
	return item;
}

/* Its request has been finished. */
static void forget(struct item *item)
{
	tc.cancel(item->timer);
	if (item->next != NULL) {
		item->next->before = item->before;
	}
	if (item->before != NULL) {
		item->before->next = item->next;
	} else {
		item->state->items = item->next;
	}
	item->state->count--;
	free(item);
}

static void act(void *arg)
{
	struct item *item = arg;

	item->timer = NULL;
	item->act(item);
}

/* Does it in as many milliseconds as the query says. */
static int in_a_while(tc_req *r, void (*what)(struct item *item))
{
	struct item *item = add(r, what);

	if (item == NULL) {
		return TC_NOMEM;
	}
	item->timer = tc.after(strtol(tc.query(r), NULL, 10), act, item);
	if (item->timer == NULL) {
		forget(item);
		return TC_FAIL;
	}
	return TC_LATER;
}

static void answer(struct item *item)
{
	tc.text(item->r, 200, "late\n");
	forget(item);
}

static void answer_twice(struct item *item)
{
	int first = tc.text(item->r, 200, "once\n");
	int second = tc.text(item->r, 200, "again\n");

	tc_log(TC_INFO, "twice: %d %d", first, second);
	forget(item);
}

static void abort_it(struct item *item)
{
	tc.abort(item->r);
	forget(item);
}

static int begin_and_abort(tc_req *r)
{
	if (tc.start(r, 200, "text/plain") != TC_OK ||
	    tc.write(r, "begun\n", 6) != TC_OK) {
		return TC_FAIL;
	}
	return in_a_while(r, abort_it);
}

static void crash(struct item *item)
{
	*(volatile int *)0 = item->state->count;
}

static void hang(struct item *item)
{
	while (item->state != NULL) {
		__asm__ volatile("" ::: "memory");
	}
}

/* A timer that has nothing to do with any request. */
static void crash_alone(void *arg)
{
	(void)arg;
	*(volatile int *)0 = 1;
}

static int crash_later(tc_req *r)
{
	tc.after(strtol(tc.query(r), NULL, 10), crash_alone, NULL);
	return tc.text(r, 200, "soon\n");
}

static void go_on(struct item *item)
{
	char event[EVENT_BYTES + 1];
	int rc = TC_OK;

	while (rc == TC_OK && item->left != 0) {
		int size = snprintf(event, sizeof(event), "data: %08lld %0*d\n\n",
		    (long long)item->left, EVENT_BYTES - 17, 0);

		rc = tc.write(item->r, event, (size_t)size);
		item->left -= rc == TC_OK && item->left > 0;
	}
	if (item->left == 0) {
		tc.end(item->r);
		forget(item);
	} else if (rc != TC_AGAIN && rc != TC_GONE) {
		tc_log(TC_ERROR, "write: %d", rc);
	}
}

static int stream(tc_req *r)
{
	const char *query = tc.query(r);
	struct item *item = add(r, go_on);

	if (item == NULL || tc.start(r, 200, "text/event-stream") != TC_OK) {
		return TC_FAIL;
	}
	item->left = query[0] == '\0' ? -1 : strtoll(query, NULL, 10);
	go_on(item);
	return TC_LATER;
}

/* Answered by release, or by on_gone. */
static int keep(tc_req *r)
{
	struct item *item = add(r, answer);

	return item == NULL ? TC_NOMEM : TC_LATER;
}

/* Answered by release only. */
static int stay(tc_req *r)
{
	struct item *item = add(r, answer);

	if (item == NULL) {
		return TC_NOMEM;
	}
	item->stays = 1;
	return TC_LATER;
}

static int release_all(tc_req *r)
{
	struct state *state = tc.state(r);
	int count = state->count;

	while (state->items != NULL) {
		answer(state->items);
	}
	return tc.text(r, 200, tc_printf(r, "%d\n", count));
}

static int tell(tc_req *r)
{
	struct state *state = tc.state(r);

	return tc.text(r, 200, tc_printf(r, "%d kept, %d gone\n", state->count,
	    state->gone));
}

static int tell_deadline(tc_req *r)
{
	long long before = (long long)tc.deadline(r);

	if (tc.start(r, 200, "text/plain") != TC_OK) {
		return TC_FAIL;
	}
	tc.write(r, tc_printf(r, "%08lld %08lld\n", before, (long long)tc.deadline(r)),
	    18);
	return tc.end(r);
}

static int wait_then_answer(tc_req *r)
{
	return in_a_while(r, answer);
}

static int wait_then_answer_twice(tc_req *r)
{
	return in_a_while(r, answer_twice);
}

static int wait_then_abort(tc_req *r)
{
	return in_a_while(r, abort_it);
}

static int wait_then_crash(tc_req *r)
{
	return in_a_while(r, crash);
}

static int wait_then_hang(tc_req *r)
{
	return in_a_while(r, hang);
}

static int abort_now(tc_req *r)
{
	return tc.abort(r);
}

static const struct {
	const char *name;
	int (*fn)(tc_req *r);
} actions[] = { { "answer", wait_then_answer }, { "twice", wait_then_answer_twice },
	{ "abort", wait_then_abort }, { "abort-now", abort_now },
	{ "abort-begun", begin_and_abort }, { "crash", wait_then_crash },
	{ "crash-alone", crash_later }, { "hang", wait_then_hang }, { "stream", stream },
	{ "keep", keep }, { "stay", stay }, { "release", release_all },
	{ "tell", tell }, { "deadline", tell_deadline } };

static int on_request(tc_req *r)
{
	const char *name = strrchr(tc.path(r), '/') + 1;

	for (size_t i = 0; i < sizeof(actions) / sizeof(actions[0]); i++) {
		if (strcmp(name, actions[i].name) == 0) {
			return actions[i].fn(r);
		}
	}
	return tc.text(r, 404, "no such action\n");
}

static void on_drain(tc_req *r)
{
	struct item *item = tc.data(r);

	item->act(item);
}

static void on_gone(tc_req *r)
{
	struct item *item = tc.data(r);

	item->state->gone++;
	tc_log(TC_INFO, "gone: write says %d", tc.write(r, "x", 1));
	if (!item->stays) {
		tc.text(r, 200, "nobody reads this\n");
		forget(item);
	}
}

/* What waits is answered; what stays does so. */
static void on_stop(void *arg, int why)
{
	struct state *state = arg;
	struct item *next;

	tc_log(TC_INFO, "%s with %d requests", why == TC_RELOAD ? "stopping" : "ending",
	    state->count);
	for (struct item *item = state->items; item != NULL; item = next) {
		next = item->next;
		if (!item->stays && item->act == answer) {
			answer(item);
		}
	}
}

static int on_open(tc_conf *cf, void **state)
{
	(void)cf;
	*state = calloc(1, sizeof(struct state));
	return *state == NULL ? TC_NOMEM : TC_OK;
}

/* Of requests that were not finished in time. */
static void on_close(void *arg)
{
	struct state *state = arg;

	tc_log(TC_INFO, "closing with %d requests", state->count);
	while (state->items != NULL) {
		answer(state->items);
	}
	free(state);
}

TINCAN_HANDLER("later", .route = "/later/*", .on_open = on_open, .on_close = on_close,
    .on_request = on_request, .on_stop = on_stop, .on_drain = on_drain,
    .on_gone = on_gone);
