/* SPDX-License-Identifier: MIT */
/*
 * Has a thread of its own, which answers requests by posting to the loop of the instance
 * that they came to.
 */
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <tincan/handler.h>

enum { ANSWER, COUNT, CRASH, FLOOD, STOP };

struct state;

struct order {
	struct order *next;
	struct state *state;
	tc_req *r;
	int what;
	long number;
};

struct state {
	tc_loop *loop;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t news;
	struct order *first;
	struct order **end;
	/* The loop's: of a count. */
	long next;
	long wrong;
};

static void answer(void *arg)
{
	struct order *order = arg;

	tc.text(order->r, 200, "posted\n");
	free(order);
}

static void answer_count(void *arg)
{
	struct order *order = arg;
	char text[64];

	snprintf(text, sizeof(text), "%ld posts, %ld out of order\n", order->state->next,
	    order->state->wrong);
	tc.text(order->r, 200, text);
	free(order);
}

static void count(void *arg)
{
	struct order *order = arg;

	order->state->wrong += order->number != order->state->next++;
	free(order);
}

static void crash(void *arg)
{
	*(volatile int *)0 = arg != NULL;
}

/* Waits until there is room for it, or nobody to post to. */
static int post(struct state *state, void (*fn)(void *arg), void *arg)
{
	int result;

	while ((result = tc.post(state->loop, fn, arg)) == TC_LIMIT) {
		sched_yield();
	}
	return result;
}

/* That many numbered posts, and the answer behind them. */
static void post_many(struct state *state, struct order *order)
{
	for (long i = 0; i < order->number; i++) {
		struct order *one = malloc(sizeof(*one));

		*one = (struct order){ .state = state, .number = i };
		post(state, count, one);
	}
	post(state, answer_count, order);
}

static int carry_out(struct state *state, struct order *order)
{
	switch (order->what) {
	case ANSWER:
		return post(state, answer, order);
	case COUNT:
		post_many(state, order);
		return TC_OK;
	case CRASH:
		return post(state, crash, NULL);
	default:
		free(order);
		return TC_GONE;
	}
}

static void *work(void *arg)
{
	struct state *state = arg;
	struct order *order;

	do {
		pthread_mutex_lock(&state->lock);
		while (state->first == NULL) {
			pthread_cond_wait(&state->news, &state->lock);
		}
		order = state->first;
		state->first = order->next;
		if (state->first == NULL) {
			state->end = &state->first;
		}
		pthread_mutex_unlock(&state->lock);
	} while (carry_out(state, order) == TC_OK);
	return NULL;
}

static int give(struct state *state, tc_req *r, int what, long number)
{
	struct order *order = malloc(sizeof(*order));

	if (order == NULL) {
		return TC_NOMEM;
	}
	*order = (struct order){ .state = state, .r = r, .what = what, .number = number };
	pthread_mutex_lock(&state->lock);
	*state->end = order;
	state->end = &order->next;
	pthread_cond_signal(&state->news);
	pthread_mutex_unlock(&state->lock);
	return TC_LATER;
}

/* On the loop itself there is nobody who takes them meanwhile. */
static void nothing(void *arg)
{
	(void)arg;
}

static int flood(tc_req *r, struct state *state)
{
	long taken = 0;

	while (tc.post(state->loop, nothing, NULL) == TC_OK) {
		taken++;
	}
	return tc.text(r, 200, tc_printf(r, "%ld\n", taken));
}

static int on_request(tc_req *r)
{
	struct state *state = tc.state(r);
	const char *name = strrchr(tc.path(r), '/') + 1;
	long number = strtol(tc.query(r), NULL, 10);

	if (strcmp(name, "answer") == 0) {
		return give(state, r, ANSWER, 0);
	}
	if (strcmp(name, "count") == 0) {
		state->next = 0;
		state->wrong = 0;
		return give(state, r, COUNT, number);
	}
	if (strcmp(name, "crash") == 0) {
		return give(state, r, CRASH, 0);
	}
	if (strcmp(name, "flood") == 0) {
		return flood(r, state);
	}
	return tc.text(r, 404, "no such action\n");
}

static int on_open(tc_conf *cf, void **state)
{
	struct state *made = calloc(1, sizeof(*made));

	(void)cf;
	if (made == NULL) {
		return TC_NOMEM;
	}
	made->loop = tc.loop();
	made->end = &made->first;
	pthread_mutex_init(&made->lock, NULL);
	pthread_cond_init(&made->news, NULL);
	*state = made;
	return pthread_create(&made->thread, NULL, work, made) == 0 ? TC_OK : TC_FAIL;
}

static void last_word(void *arg)
{
	(void)arg;
	tc_log(TC_INFO, "the last post was delivered");
}

static void on_stop(void *arg, int why)
{
	struct state *state = arg;

	(void)why;
	tc.post(state->loop, last_word, NULL);
}

static void on_close(void *arg)
{
	struct state *state = arg;

	tc_log(TC_INFO, "closing: post says %d", tc.post(state->loop, last_word, NULL));
	give(state, NULL, STOP, 0);
	pthread_join(state->thread, NULL);
	free(state);
}

TINCAN_HANDLER("poster", .route = "/poster/*", .on_open = on_open, .on_close = on_close,
    .on_stop = on_stop, .on_request = on_request);
