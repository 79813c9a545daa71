/* SPDX-License-Identifier: MIT */
/*
 * What threads post to the loop of an instance. The static list is only there so that
 * mailboxes that nobody needs any more are not lost, as threads may still know them.
 */
#include "plugin/post.h"

#include <pthread.h>
#include <stdlib.h>

#include "plugin/instance.h"

#define TURN 256	/* posts of one mailbox in a round: others have theirs, too */

struct letter {
	struct letter *next;
	void (*fn)(void *arg);
	void *arg;
};

struct tc_loop {
	struct posted delivery;		/* on its way while awake */
	tc_loop *older;			/* of all there are */
	struct loop *loop;		/* borrowed until closed */
	struct instance *instance;	/* the loop's; borrowed until closed */
	pthread_mutex_t lock;		/* for all that follows */
	bool closed;
	bool awake;			/* the loop knows that there is something */
	struct letter *first;
	struct letter **end;
	size_t count;
};

static pthread_mutex_t all_lock = PTHREAD_MUTEX_INITIALIZER;
static tc_loop *all;

/* Up to most, in a chain; with the lock. */
static struct letter *take(tc_loop *mailbox, size_t most)
{
	struct letter *taken = mailbox->first;
	struct letter **end = &taken;

	while (*end != NULL && most-- > 0) {
		end = &(*end)->next;
		mailbox->count--;
	}
	mailbox->first = *end;
	*end = NULL;
	if (mailbox->first == NULL) {
		mailbox->end = &mailbox->first;
	}
	return taken;
}

static void deliver(struct instance *instance, struct letter *letter)
{
	while (letter != NULL) {
		struct letter *next = letter->next;
		struct api_call before = instance_enter(instance, PAGE_ON_POST, NULL);

		letter->fn(letter->arg);
		api_leave(before);
		free(letter);
		letter = next;
	}
}

static void on_delivery(struct posted *delivery)
{
	tc_loop *mailbox = LIST_OWNER(delivery, tc_loop, delivery);
	struct letter *letters;

	pthread_mutex_lock(&mailbox->lock);
	letters = take(mailbox, TURN);
	mailbox->awake = mailbox->first != NULL;
	if (mailbox->awake) {
		loop_post(mailbox->loop, &mailbox->delivery);
	}
	pthread_mutex_unlock(&mailbox->lock);
	deliver(mailbox->instance, letters);
}

static tc_loop *new_mailbox(struct instance *instance, struct loop *loop)
{
	tc_loop *mailbox = calloc(1, sizeof(*mailbox));

	if (mailbox != NULL) {
		mailbox->delivery.fn = on_delivery;
		mailbox->loop = loop;
		mailbox->instance = instance;
		mailbox->end = &mailbox->first;
		pthread_mutex_init(&mailbox->lock, NULL);
		mailbox->older = all;
		all = mailbox;
	}
	return mailbox;
}

tc_loop *mailbox_of(struct instance *instance, struct loop *loop)
{
	tc_loop *mailbox;

	pthread_mutex_lock(&all_lock);
	if (instance->mailbox == NULL) {
		instance->mailbox = new_mailbox(instance, loop);
	}
	mailbox = instance->mailbox;
	pthread_mutex_unlock(&all_lock);
	return mailbox;
}

/* Takes the letter, or says why not; with the lock. */
static int put(tc_loop *mailbox, struct letter *letter)
{
	if (mailbox->closed) {
		return TC_GONE;
	}
	if (mailbox->count == MAILBOX_MAX) {
		return TC_LIMIT;
	}
	*mailbox->end = letter;
	mailbox->end = &letter->next;
	mailbox->count++;
	if (!mailbox->awake) {
		mailbox->awake = true;
		loop_post(mailbox->loop, &mailbox->delivery);
	}
	return TC_OK;
}

int mailbox_post(tc_loop *mailbox, void (*fn)(void *arg), void *arg)
{
	struct letter *letter;
	int result;

	if (mailbox == NULL || fn == NULL) {
		return TC_INVALID;
	}
	letter = malloc(sizeof(*letter));
	if (letter == NULL) {
		return TC_NOMEM;
	}
	*letter = (struct letter){ .fn = fn, .arg = arg };
	pthread_mutex_lock(&mailbox->lock);
	result = put(mailbox, letter);
	pthread_mutex_unlock(&mailbox->lock);
	if (result != TC_OK) {
		free(letter);
	}
	return result;
}

static void drop(struct letter *letter)
{
	while (letter != NULL) {
		struct letter *next = letter->next;

		free(letter);
		letter = next;
	}
}

void mailbox_close(struct instance *instance, bool delivery)
{
	tc_loop *mailbox = instance->mailbox;
	struct letter *letters;

	if (mailbox == NULL) {
		return;
	}
	pthread_mutex_lock(&mailbox->lock);
	mailbox->closed = true;
	letters = take(mailbox, MAILBOX_MAX);
	pthread_mutex_unlock(&mailbox->lock);
	if (delivery) {
		deliver(instance, letters);
	} else {
		drop(letters);
	}
}
