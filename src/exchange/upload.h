/* SPDX-License-Identifier: MIT */
/*
 * A request's body that streams: it goes to the handler side as it comes, by
 * exchange_handler_ops.body, instead of lying in exchange->body until it is whole.
 *
 *	protocol side  --feed-->  queue, while it is paused  --body-->  handler side
 *	               <--wants, wake-------------------------pause--
 *
 * The protocol side asks before it reads on, so that next to nothing waits here but what
 * its peer could send ahead; that lies in exchange->body, whose max bounds it. Lifetime:
 * request.
 */
#ifndef TINCAN_EXCHANGE_UPLOAD_H
#define TINCAN_EXCHANGE_UPLOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/slice.h"

#define UPLOAD_PIECE (64 * 1024)	/* bytes of what has waited, for one call */

struct exchange;

struct upload {
	bool on;		/* the body streams */
	bool paused;		/* by the handler side */
	bool whole;		/* all of it has come */
	bool done;		/* the handler side has had the last piece */
	uint64_t max;		/* bytes that it may have */
	uint64_t received;
};

/*
 * Of exchanges that share a request (exchange/stage.h) the outermost has the body, the
 * innermost the handler side that it is for; any of them will do for these functions. It
 * waits until filters have let the request go on.
 */

/* Does the body stream? */
bool upload_is_on(const struct exchange *exchange);

/* The body streams, and may have so many bytes (UINT64_MAX: any number). Before the
 * handler is called. */
void upload_begin(struct exchange *exchange, uint64_t max);

/* The body is in exchange->body, but its handler takes it in pieces. */
void upload_begin_whole(struct exchange *exchange);

/* Is some of it still for the handler side? If not, what comes can be dropped. */
bool upload_takes(const struct exchange *exchange);

/* Should the protocol side read on? Not while the handler side has paused, or has not
 * begun. */
bool upload_wants(const struct exchange *exchange);

/* May a client that asks first (100 Continue) send the body, in pieces or whole? Filters
 * must have let the request go on; and a handler that takes it in pieces be ready, or
 * have begun its reply, which must come behind. */
bool upload_invited(const struct exchange *exchange);

/* Has the handler side all that has come, and waits for more? */
bool upload_awaits(const struct exchange *exchange);

/* Bytes that wait for the handler side. */
size_t upload_waiting(const struct exchange *exchange);

/*
 * A piece of the body has come, last with its end, trailer and all; it is copied if it
 * has to wait. Calls the handler, which may do anything to the exchange but free it. What
 * nobody takes is dropped.
 *
 * @return 0, or the status of the refusal, with a static reason
 */
int upload_feed(struct exchange *exchange, struct slice bytes, bool last,
    const char **reason) MUST_USE;

/* Hands on what has waited, as far as the handler side lets it: what the protocol side
 * does first when it is woken. */
void upload_go_on(struct exchange *exchange);

/* The handler side takes no more (on), or goes on; then the protocol side is woken. From
 * inside any call. ERR_INVALID: there is no body that streams, or it has finished;
 * ERR_CLOSED: the peer has left. */
int upload_pause(struct exchange *exchange, bool on) MUST_USE;

#endif
