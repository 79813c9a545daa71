/* SPDX-License-Identifier: MIT */
/*
 * What a handler that blocks calls instead of what others do: on its thread it may wait,
 * and what belongs to the loop is left to that.
 */
#include "plugin/errand.h"
#include "plugin/errand_state.h"

/* The errand of a request, if it has one, on its thread. */
static struct errand *on_thread(tc_req *r)
{
	struct exchange *twin = api_exchange(r);
	bool here = twin->ops == &errand_twin_ops && api_thread() != NULL;

	return here ? errand_of(twin) : NULL;
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
		(void)!exchange_part(twin, &errand_twin_ops);
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
	bool may_wait = exchange->ops == &errand_twin_ops &&
	    exchange->state == EXCHANGE_STARTED && size > 0;

	if (may_wait && api_thread() != NULL) {
		wait_for_room(errand_of(exchange));
	} else if (may_wait && refuses(errand_of(exchange))) {
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
		errand_release(parcel, &errand->twin);
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

	if (twin->ops != &errand_twin_ops || release == NULL) {
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
