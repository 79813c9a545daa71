/* SPDX-License-Identifier: MIT */
/*
 * What an errand is made of, for the three files that carry it: errand.c (its way),
 * errand_reply.c (what it brings back) and errand_table.c (what its handler calls).
 */
#ifndef TINCAN_PLUGIN_ERRAND_STATE_H
#define TINCAN_PLUGIN_ERRAND_STATE_H

#include <pthread.h>

#include "exchange/exchange.h"
#include "exchange/facts.h"
#include "os/crew.h"
#include "os/loop.h"
#include "plugin/instance.h"

struct parcel;

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

/* What the loop takes from a thread. */
struct errand_news {
	struct piece *ready;
	enum exchange_state state;
	bool returned;
};

/* The protocol side of twins. */
extern const struct exchange_ops errand_twin_ops;

static inline struct errand *errand_of(struct exchange *twin)
{
	return (struct errand *)twin;
}

/* Wakes the loop; with the lock. */
void errand_post(struct errand *errand);

/* Makes what the twin has to say the loop's; with the lock. */
void errand_hand_over(struct errand *errand);

/*
 * Says what is ready to the exchange, which takes it as it would from a handler. It is
 * ended only when the thread reads its request no more. Errors: some may be left.
 */
int errand_say(struct errand *errand, struct errand_news *news) MUST_USE;

/* Of the pieces that nobody will send. */
void errand_drop(struct errand *errand, struct piece *piece);

/* Calls the release function, on the loop; it is about that exchange, or about none. */
void errand_release(const struct parcel *parcel, struct exchange *exchange);

/* Frees an errand that is over, when all its pieces are back. */
void errand_settle(struct errand *errand);

#endif
