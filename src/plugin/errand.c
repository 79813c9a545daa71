/* SPDX-License-Identifier: MIT */
/* A request whose handler may block, on its way to a thread and back. */
#include "plugin/errand.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "exchange/facts.h"
#include "os/crew.h"
#include "os/loop.h"
#include "plugin/instance.h"

#define SAY_MS 10000	/* from one line about a full queue to the next */

struct errand {
	struct exchange twin;		/* first: what the plugin knows as its request */
	struct crew_job job;
	struct posted news;		/* for the loop, while posted */
	struct instance *instance;	/* held until over */
	struct loop *loop;		/* borrowed */
	const char *facts[EXCHANGE_FACTS];	/* in the twin's arena */
	struct parcel *dropped;		/* the twin's: to be released on the loop */

	/* The loop's. */
	struct exchange *exchange;	/* held; NULL once it is finished */
	size_t out;			/* pieces that the exchange has, or still has */
	bool over;			/* but for them */
	bool later;			/* the twin is the loop's: TC_LATER */
	bool failed;			/* the exchange does not take what is said */

	pthread_mutex_t lock;		/* for all that follows */
	pthread_cond_t news_for_thread;	/* little waits, or nobody wants more */
	struct piece *ready;		/* of the reply, for the exchange */
	struct piece **ready_end;
	struct piece *spare;		/* come back from there */
	size_t waiting;			/* memory of copies that are not sent */
	enum exchange_state state;	/* of the twin, as the loop may know it */
	bool gone;			/* nobody waits for the reply */
	bool posted;
	bool returned;			/* from on_request: the thread is done with it */
	bool answers_later;		/* it returned TC_LATER */
};

/* Of reply_ref: on its way to where it is to be released. */
struct parcel {
	struct parcel *next;
	struct errand *errand;
	void (*release)(void *arg);
	void *arg;
};

static struct errand *errand_of(struct exchange *twin)
{
	return (struct errand *)twin;
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

/* What a piece costs until it is sent: a small copy has a block of its own. */
static size_t cost_of(const struct piece *piece)
{
	size_t least = PIECES_BLOCK;

	if (!piece->copy) {
		return 0;
	}
	return (size_t)piece->left < least ? least : (size_t)piece->left;
}

/* Wakes the loop; with the lock. */
static void post(struct errand *errand)
{
	if (!errand->posted) {
		errand->posted = true;
		loop_post(errand->loop, &errand->news);
	}
}

/* Makes what the twin has to say the loop's; with the lock. */
static void hand_over(struct errand *errand)
{
	struct pieces *pieces = &errand->twin.pieces;
	struct piece *piece = pieces_detach(pieces);

	*errand->ready_end = piece;
	while (piece != NULL) {
		errand->waiting += cost_of(piece);
		errand->ready_end = &piece->next;
		piece = piece->next;
	}
	pieces_give_spares(pieces, errand->spare);
	errand->spare = NULL;
	errand->state = errand->twin.state;
}

/* A reply that is complete at once goes when on_request returns. */
static void on_wake(struct exchange *twin)
{
	struct errand *errand = errand_of(twin);
	bool waits = api_thread() != NULL && twin->state != EXCHANGE_STARTED;

	pthread_mutex_lock(&errand->lock);
	hand_over(errand);
	if (!waits) {
		post(errand);
	}
	pthread_mutex_unlock(&errand->lock);
}

static const struct exchange_ops twin_ops = { .wake = on_wake, .info = get_fact };

static void free_errand(struct errand *errand)
{
	struct exchange *twin = &errand->twin;

	/* The request was only lent. */
	buffer_init(&twin->body, 0);
	exchange_release(twin);
	pthread_cond_destroy(&errand->news_for_thread);
	pthread_mutex_destroy(&errand->lock);
	free(errand);
}

static void settle(struct errand *errand)
{
	if (errand->over && errand->out == 0) {
		free_errand(errand);
	}
}

static void release_parcel(const struct parcel *parcel, struct exchange *exchange)
{
	struct api_call before = instance_enter(parcel->errand->instance, PAGE_ON_RELEASE,
	    exchange);

	parcel->release(parcel->arg);
	api_leave(before);
}

/* A piece is sent or dropped; its memory may be used again. On the loop. */
static void take_back(struct errand *errand, struct piece *piece)
{
	bool enough;

	pthread_mutex_lock(&errand->lock);
	errand->waiting -= cost_of(piece);
	enough = errand->waiting <= EXCHANGE_LOW;
	if (!piece->own) {
		piece->next = errand->spare;
		errand->spare = piece;
	}
	if (enough) {
		pthread_cond_broadcast(&errand->news_for_thread);
	}
	pthread_mutex_unlock(&errand->lock);
	if (piece->own) {
		free(piece);
	}
	if (enough && errand->later) {
		exchange_taken(&errand->twin);
	}
}

static void on_copy_sent(void *arg)
{
	struct piece *piece = arg;
	struct errand *errand = piece->arg;

	take_back(errand, piece);
	errand->out--;
	settle(errand);
}

static void on_parcel_sent(void *arg)
{
	struct piece *piece = arg;
	const struct parcel *parcel = piece->arg;
	struct errand *errand = parcel->errand;

	release_parcel(parcel, errand->exchange);
	take_back(errand, piece);
	errand->out--;
	settle(errand);
}

/* Of the pieces that nobody will send. */
static void drop_ready(struct errand *errand, struct piece *piece)
{
	while (piece != NULL) {
		struct piece *next = piece->next;

		if (piece->fd >= 0) {
			close(piece->fd);
		}
		if (piece->release != NULL) {
			release_parcel(piece->arg, errand->exchange);
		}
		take_back(errand, piece);
		piece = next;
	}
}

static int say_piece(struct errand *errand, struct piece *piece)
{
	struct exchange *exchange = errand->exchange;
	int rc;

	if (piece->fd >= 0) {
		rc = exchange_write_file(exchange, piece->fd, piece->offset, piece->left);
		piece->fd = -1;
		take_back(errand, piece);
		return rc;
	}
	errand->out++;
	if (piece->release != NULL) {
		return exchange_write_ref(exchange, piece->data, (size_t)piece->left,
		    on_parcel_sent, piece);
	}
	piece->arg = errand;
	return exchange_write_ref(exchange, piece->data, (size_t)piece->left,
	    on_copy_sent, piece);
}

/* Fields go by the names and values that the twin has checked. */
static int say_fields(const struct head *head, struct exchange *exchange,
    int (*add)(struct exchange *exchange, const char *name, const char *value))
{
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < head->count; i++) {
		rc = add(exchange, head_name(head, i).data, head_value(head, i).data);
	}
	return rc;
}

static int say_head(const struct errand *errand)
{
	const struct reply *reply = &errand->twin.reply;
	struct exchange *exchange = errand->exchange;
	int rc = say_fields(&reply->head, exchange, exchange_add_header);

	if (rc == 0) {
		exchange->reply.content_length = reply->content_length;
		rc = exchange_start(exchange, reply->status, NULL);
	}
	return rc;
}

static int say_end(const struct errand *errand)
{
	struct exchange *exchange = errand->exchange;
	int rc = say_fields(&errand->twin.reply.trailer, exchange, exchange_add_trailer);

	return rc != 0 ? rc : exchange_end(exchange);
}

/* on_gone, on the loop. What is finished in there comes as news, too. */
static void part_later(struct errand *errand)
{
	if (exchange_part(&errand->twin, &twin_ops)) {
		pthread_mutex_lock(&errand->lock);
		post(errand);
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

/* What the loop takes from a thread. */
struct news {
	struct piece *ready;
	enum exchange_state state;
	bool returned;
};

/*
 * Says what is ready to the exchange, which takes it as it would from a handler. It is
 * ended only when the thread reads its request no more.
 */
static int say(struct errand *errand, struct news *news)
{
	const struct exchange *exchange = errand->exchange;
	int rc = 0;

	if (exchange->state == EXCHANGE_OPEN && news->state != EXCHANGE_OPEN &&
	    errand->twin.reply.status != 0) {
		rc = say_head(errand);
	}
	while (rc == 0 && news->ready != NULL) {
		struct piece *piece = news->ready;

		news->ready = piece->next;
		rc = say_piece(errand, piece);
	}
	if (rc == 0 && news->returned && news->state == EXCHANGE_ENDED) {
		rc = say_end(errand);
	}
	return rc;
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
		release_parcel(parcel, NULL);
	}
	instance_let_go(errand->instance);
	errand->over = true;
	settle(errand);
}

static void forward(struct errand *errand, struct news *news)
{
	if (!errand->gone && say(errand, news) != 0) {
		errand->failed = true;
		tell_gone(errand);
	}
	drop_ready(errand, news->ready);
}

/* From now on the request is the loop's, until the handler has finished it. */
static void begin_later(struct errand *errand)
{
	errand->later = true;
	exchange_hold(&errand->twin, &instance_later_ops);
	if (errand->gone) {
		part_later(errand);
	}
}

static void on_news(struct posted *posted)
{
	struct errand *errand = LIST_OWNER(posted, struct errand, news);
	bool later;
	struct news news;

	pthread_mutex_lock(&errand->lock);
	errand->posted = false;
	news = (struct news){ errand->ready, errand->state, errand->returned };
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

/* On a thread. Of a twin that is answered later it knows nothing any more. */
static void on_turn(struct crew_job *job)
{
	struct errand *errand = LIST_OWNER(job, struct errand, job);
	struct instance *instance = errand->instance;
	struct api_call before = api_enter((struct api_call){
	    .callback = PAGE_ON_REQUEST, .handler = instance->plugin->note.name,
	    .request = errand->twin.id, .instance = instance, .exchange = &errand->twin,
	    .threaded = true });
	bool later = instance_answer(instance, &errand->twin);

	api_leave(before);
	pthread_mutex_lock(&errand->lock);
	if (!later) {
		hand_over(errand);
	}
	errand->returned = true;
	errand->answers_later = later;
	post(errand);
	pthread_mutex_unlock(&errand->lock);
}

/* Nobody waits for the reply. One whose turn has not come is over at once. */
static void on_gone(struct exchange *exchange)
{
	struct errand *errand = exchange->call;

	if (crew_cancel(errand->instance->plugin->crew, &errand->job)) {
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
		}
	}
	return 0;
}

/* The twin has the request of the exchange, to read. */
static int make_twin(struct errand *errand, const struct exchange *exchange)
{
	struct exchange *twin = &errand->twin;

	exchange_init(twin, &twin_ops, errand);
	twin->request = exchange->request;
	twin->body = exchange->body;
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
		free_errand(errand);
		return NULL;
	}
	return errand;
}

/* The first at once, then how many there were meanwhile. */
static void tell_full(struct plugin *plugin, const struct loop *loop)
{
	char text[128];
	int size;

	plugin->refused++;
	if (plugin->refused_said > 0 && loop->now_ms - plugin->said_ms < SAY_MS) {
		return;
	}
	size = snprintf(text, sizeof(text),
	    "all of its threads are busy and its queue is full (max_queue), "
	    "%llu requests got 503",
	    (unsigned long long)(plugin->refused - plugin->refused_said));
	api_services()->log(TC_WARN, plugin->note.name, NULL, text, (size_t)size);
	plugin->refused_said = plugin->refused;
	plugin->said_ms = loop->now_ms;
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
	rc = crew_submit(crew, &errand->job, plugin->max_queue);
	if (rc != 0) {
		free_errand(errand);
		tell_full(plugin, api_services()->loop);
		refuse(exchange);
		return;
	}
	exchange->call = errand;
	exchange_hold(exchange, &holder_ops);
	instance_hold(instance);
}

/* The errand of a request, if it has one, on its thread. */
static struct errand *on_thread(tc_req *r)
{
	struct exchange *twin = api_exchange(r);

	return twin->ops == &twin_ops && api_thread() != NULL ? errand_of(twin) : NULL;
}

/* With the lock. */
static bool waits_for_room(const struct errand *errand, size_t most)
{
	return !errand->gone &&
	    (errand->waiting > most || errand->twin.unkept >= EXCHANGE_HIGH);
}

/* Waits until little is on its way, or nobody wants it: then the twin knows that, too. */
static void wait_for_room(struct errand *errand)
{
	struct exchange *twin = &errand->twin;
	bool gone;

	pthread_mutex_lock(&errand->lock);
	if (waits_for_room(errand, EXCHANGE_HIGH - 1)) {
		do {
			pthread_cond_wait(&errand->news_for_thread, &errand->lock);
		} while (waits_for_room(errand, EXCHANGE_LOW));
	}
	gone = errand->gone;
	pthread_mutex_unlock(&errand->lock);
	if (gone && twin->state <= EXCHANGE_STARTED) {
		(void)!exchange_part(twin, &twin_ops);
	}
}

/* Of one that is answered later there is nobody who could wait. */
static bool refuses(struct errand *errand)
{
	bool full;

	pthread_mutex_lock(&errand->lock);
	full = errand->waiting >= EXCHANGE_HIGH;
	pthread_mutex_unlock(&errand->lock);
	errand->twin.refused = errand->twin.refused || full;
	return full;
}

static int write_data(tc_req *r, const void *data, size_t size)
{
	struct exchange *exchange = api_exchange(r);
	struct errand *errand = on_thread(r);

	if (errand != NULL) {
		if (exchange->state == EXCHANGE_STARTED && size > 0) {
			wait_for_room(errand);
		}
	} else if (exchange->ops == &twin_ops && exchange->state == EXCHANGE_STARTED &&
	    size > 0 && refuses(errand_of(exchange))) {
		return TC_AGAIN;
	}
	return api_table()->write(r, data, size);
}

static int write_file(tc_req *r, int fd, int64_t offset, int64_t size)
{
	struct errand *errand = on_thread(r);

	if (errand != NULL && api_exchange(r)->state == EXCHANGE_STARTED) {
		wait_for_room(errand);
	}
	return api_table()->write_file(r, fd, offset, size);
}

/* The twin does not want it (any more). */
static void on_parcel_refused(void *arg)
{
	struct parcel *parcel = arg;
	struct errand *errand = parcel->errand;

	if (api_thread() == NULL) {
		release_parcel(parcel, &errand->twin);
	} else {
		parcel->next = errand->dropped;
		errand->dropped = parcel;
	}
}

static int reply_reference(tc_req *r, int status, const char *type, const void *data,
    size_t size, void (*release)(void *), void *arg)
{
	struct exchange *twin = api_exchange(r);
	struct parcel *parcel;

	if (twin->ops != &twin_ops || release == NULL) {
		return api_table()->reply_ref(r, status, type, data, size, release, arg);
	}
	parcel = arena_alloc(&twin->arena, sizeof(*parcel));
	if (parcel == NULL) {
		/* With no memory left it cannot be put off to the loop. */
		release(arg);
		return TC_NOMEM;
	}
	*parcel = (struct parcel){ .errand = errand_of(twin), .release = release,
		.arg = arg };
	if (data == NULL && size > 0) {
		on_parcel_refused(parcel);
		return api_table()->reply_ref(r, status, type, NULL, size, NULL, NULL);
	}
	return api_result(exchange_reply_ref(twin, status, type, data, size,
	    on_parcel_refused, parcel));
}

void errand_fill(tc_api *api)
{
	api->write = write_data;
	api->write_file = write_file;
	api->reply_ref = reply_reference;
}
