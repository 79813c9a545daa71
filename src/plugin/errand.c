/* SPDX-License-Identifier: MIT */
/* A request whose handler may block, on its way to a thread and back. */
#include "plugin/errand.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "plugin/errand_state.h"

void errand_post(struct errand *errand)
{
	if (!errand->posted) {
		errand->posted = true;
		loop_post(errand->loop, &errand->news);
	}
}

static const char *get_fact(const struct exchange *twin, const char *key)
{
	const struct errand *errand = (const struct errand *)twin;

	for (size_t i = 0; i < EXCHANGE_FACTS; i++) {
		if (strcmp(exchange_facts[i], key) == 0) {
			return errand->facts[i];
		}
	}
	return NULL;
}

/* A reply that is complete at once goes when on_request returns. */
static void on_wake(struct exchange *twin)
{
	struct errand *errand = errand_of(twin);
	bool waits = api_thread() != NULL && twin->state != EXCHANGE_STARTED;

	pthread_mutex_lock(&errand->lock);
	errand_hand_over(errand);
	if (!waits) {
		errand_post(errand);
	}
	pthread_mutex_unlock(&errand->lock);
}

const struct exchange_ops errand_twin_ops = { .wake = on_wake, .info = get_fact };

static void errand_free(struct errand *errand)
{
	struct exchange *twin = &errand->twin;

	/* The request was only lent. */
	buffer_init(&twin->body, 0);
	exchange_release(twin);
	pthread_cond_destroy(&errand->news_for_thread);
	pthread_mutex_destroy(&errand->lock);
	free(errand);
}

void errand_settle(struct errand *errand)
{
	if (errand->over && errand->out == 0) {
		errand_free(errand);
	}
}

/* on_gone, on the loop. What is finished in there comes as news, too. */
static void part_later(struct errand *errand)
{
	if (exchange_part(&errand->twin, &errand_twin_ops)) {
		pthread_mutex_lock(&errand->lock);
		errand_post(errand);
		pthread_mutex_unlock(&errand->lock);
	}
}

/* To the thread, which may wait for room, or to the handler that answers later. */
static void tell_gone(struct errand *errand)
{
	pthread_mutex_lock(&errand->lock);
	errand->gone = true;
	pthread_cond_broadcast(&errand->news_for_thread);
	pthread_mutex_unlock(&errand->lock);
	if (errand->later) {
		part_later(errand);
	}
}

static void finish(struct errand *errand)
{
	struct exchange *exchange = errand->exchange;

	if (exchange->held) {
		if (errand->failed || exchange->state == EXCHANGE_STARTED) {
			exchange_fail(exchange, 500, NULL);
		} else {
			(void)!exchange_abort(exchange);
		}
	}
	errand->exchange = NULL;
	while (errand->dropped != NULL) {
		struct parcel *parcel = errand->dropped;

		errand->dropped = parcel->next;
		errand_release(parcel, NULL);
	}
	instance_let_go(errand->instance);
	errand->over = true;
	errand_settle(errand);
}

static void forward(struct errand *errand, struct errand_news *news)
{
	if (!errand->gone && errand_say(errand, news) != 0) {
		errand->failed = true;
		tell_gone(errand);
	}
	errand_drop(errand, news->ready);
}

static bool has_room(struct errand *errand)
{
	bool room;

	pthread_mutex_lock(&errand->lock);
	room = errand->waiting <= EXCHANGE_LOW;
	pthread_mutex_unlock(&errand->lock);
	return room;
}

/* From now on the request is the loop's, until the handler has finished it. What it
 * posted may have run before, been refused a write, and all that it wrote be sent. */
static void begin_later(struct errand *errand)
{
	errand->later = true;
	exchange_hold(&errand->twin, &instance_later_ops);
	if (errand->gone) {
		part_later(errand);
	} else if (has_room(errand)) {
		exchange_taken(&errand->twin);
	}
}

static void on_news(struct posted *posted)
{
	struct errand *errand = LIST_OWNER(posted, struct errand, news);
	bool later;
	struct errand_news news;

	pthread_mutex_lock(&errand->lock);
	errand->posted = false;
	news = (struct errand_news){ errand->ready, errand->state, errand->returned };
	later = errand->answers_later && !errand->later;
	errand->ready = NULL;
	errand->ready_end = &errand->ready;
	pthread_mutex_unlock(&errand->lock);
	forward(errand, &news);
	if (later && errand->twin.held) {
		begin_later(errand);
	} else if (news.returned && !(errand->later && errand->twin.held)) {
		finish(errand);
	}
}

static void count_waiting(const struct plugin *plugin, int change)
{
	const struct plugin_services *services = api_services();

	if (services->waiting != NULL) {
		services->waiting(services->arg, plugin, change);
	}
}

/* On a thread. Of a twin that is answered later it knows nothing any more. */
static void on_turn(struct crew_job *job)
{
	struct errand *errand = LIST_OWNER(job, struct errand, job);
	struct instance *instance = errand->instance;
	struct api_call before = api_enter((struct api_call){
	    .callback = PAGE_ON_REQUEST, .handler = instance->plugin->note.name,
	    .request = errand->twin.id, .instance = instance, .exchange = &errand->twin,
	    .threaded = true });
	bool later;

	count_waiting(instance->plugin, -1);
	later = instance_answer(instance, &errand->twin);
	api_leave(before);
	pthread_mutex_lock(&errand->lock);
	if (!later) {
		errand_hand_over(errand);
	}
	errand->returned = true;
	errand->answers_later = later;
	errand_post(errand);
	pthread_mutex_unlock(&errand->lock);
}

/* Nobody waits for the reply. One whose turn has not come is over at once. */
static void on_gone(struct exchange *exchange)
{
	struct errand *errand = exchange->call;

	if (crew_cancel(errand->instance->plugin->crew, &errand->job)) {
		count_waiting(errand->instance->plugin, -1);
		finish(errand);
	} else {
		tell_gone(errand);
	}
}

/* The thread learns that there is room by itself. */
static void on_drain(struct exchange *exchange)
{
	(void)exchange;
}

static const struct exchange_handler_ops holder_ops = { .drain = on_drain,
	.gone = on_gone };

static int copy_facts(struct errand *errand, const struct exchange *exchange)
{
	for (size_t i = 0; i < EXCHANGE_FACTS; i++) {
		const char *fact = exchange->ops->info(exchange, exchange_facts[i]);

		if (fact != NULL) {
			errand->facts[i] = arena_copy(&errand->twin.arena, fact,
			    strlen(fact));
			if (errand->facts[i] == NULL) {
				return ERR_NOMEM;
			}
		} else if (i == EXCHANGE_FACTS_PLAIN) {
			break;
		}
	}
	return 0;
}

/* The twin has the request of the exchange, to read. */
static int make_twin(struct errand *errand, const struct exchange *exchange)
{
	struct exchange *twin = &errand->twin;

	exchange_init(twin, &errand_twin_ops, errand);
	twin->request = exchange->request;
	twin->request.trailer = *exchange_trailer(exchange);
	twin->body = *exchange_body(exchange);
	twin->match = exchange->match;
	twin->vhost = exchange->vhost;
	twin->instance = errand->instance;
	twin->started_us = exchange->started_us;
	twin->deadline_ms = exchange->deadline_ms;
	memcpy(twin->id, exchange->id, sizeof(twin->id));
	exchange_hold(twin, NULL);
	return copy_facts(errand, exchange);
}

static struct errand *new_errand(struct instance *instance, struct exchange *exchange)
{
	struct errand *errand = calloc(1, sizeof(*errand));

	if (errand == NULL) {
		return NULL;
	}
	errand->job.fn = on_turn;
	errand->news.fn = on_news;
	errand->instance = instance;
	errand->loop = api_services()->loop;
	errand->exchange = exchange;
	errand->ready_end = &errand->ready;
	pthread_mutex_init(&errand->lock, NULL);
	pthread_cond_init(&errand->news_for_thread, NULL);
	if (make_twin(errand, exchange) != 0) {
		errand_free(errand);
		return NULL;
	}
	return errand;
}

/* The first at once, then how many there were meanwhile. */
static void tell_full(struct plugin *plugin, const struct loop *loop)
{
	const struct plugin_services *services = api_services();
	char text[128];
	uint64_t unsaid;
	int size;

	if (services->turned_away != NULL) {
		services->turned_away(services->arg, plugin);
	}
	if (!log_pace_due(&plugin->turned_away, loop->now_ms, &unsaid)) {
		return;
	}
	size = snprintf(text, sizeof(text),
	    "all of its threads are busy and its queue is full (max_queue), "
	    "%llu requests got 503",
	    (unsigned long long)unsaid + 1);
	services->log(TC_WARN, plugin->note.name, NULL, text, (size_t)size);
}

static void refuse(struct exchange *exchange)
{
	/* Without the field it is a 503 all the same. */
	(void)!exchange_set_header(exchange, "retry-after", "1");
	exchange_fail(exchange, 503, "the handler is not available at the moment");
}

void errand_start(struct instance *instance, struct exchange *exchange)
{
	struct plugin *plugin = instance->plugin;
	struct crew *crew = plugin_threads(plugin);
	struct errand *errand = crew == NULL ? NULL : new_errand(instance, exchange);
	int rc;

	if (errand == NULL) {
		refuse(exchange);
		return;
	}
	/* First, as a thread may have it before this goes on. */
	count_waiting(plugin, 1);
	rc = crew_submit(crew, &errand->job, plugin->max_queue);
	if (rc != 0) {
		count_waiting(plugin, -1);
		errand_free(errand);
		tell_full(plugin, api_services()->loop);
		refuse(exchange);
		return;
	}
	exchange->call = errand;
	exchange_hold(exchange, &holder_ops);
	instance_hold(instance);
}
