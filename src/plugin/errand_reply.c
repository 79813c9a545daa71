/* SPDX-License-Identifier: MIT */
/*
 * What a thread replies, on its way to the exchange and, as memory to be used again,
 * back. All of it but errand_hand_over runs on the loop.
 */
#include <stdlib.h>
#include <unistd.h>

#include "plugin/errand_state.h"

/* What a piece costs until it is sent: a small copy has a block of its own. */
static size_t cost_of(const struct piece *piece)
{
	size_t least = PIECES_BLOCK;

	if (!piece->copy) {
		return 0;
	}
	return (size_t)piece->left < least ? least : (size_t)piece->left;
}

void errand_hand_over(struct errand *errand)
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

void errand_release(const struct parcel *parcel, struct exchange *exchange)
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
	errand_settle(errand);
}

static void on_parcel_sent(void *arg)
{
	struct piece *piece = arg;
	const struct parcel *parcel = piece->arg;
	struct errand *errand = parcel->errand;

	errand_release(parcel, errand->exchange);
	take_back(errand, piece);
	errand->out--;
	errand_settle(errand);
}

void errand_drop(struct errand *errand, struct piece *piece)
{
	while (piece != NULL) {
		struct piece *next = piece->next;

		if (piece->fd >= 0) {
			close(piece->fd);
		}
		if (piece->release != NULL) {
			errand_release(piece->arg, errand->exchange);
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

int errand_say(struct errand *errand, struct errand_news *news)
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
