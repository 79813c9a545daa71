/* SPDX-License-Identifier: MIT */
/*
 * A stage: where one filter stands between two exchanges. To the outer one, which may be
 * the session's own, it is the handler side, to the inner one the protocol side; the
 * inner one's handler side is the next stage, or who answers.
 *
 *	session <-> outer [stage] inner <-> ... <-> handler
 *
 *	ASKED --stage_next--> NEXT --stage_enter--> BEHIND
 *	   \-- it replies itself                      |
 *				       PASSING <-- REPLYING
 *						      \-- it replies in its place
 *
 * ASKED: the filter has the outer exchange as a handler has one, and may reply to it.
 * REPLYING: the outer one is still open, and has the header of the reply from behind.
 * AWAY: as PASSING, but the filter is in another process, which says the reply; what
 * comes from behind goes there.
 * PASSING: what comes from behind goes on, without a copy, or piece by piece through the
 * filter; nothing is taken from the inner one while EXCHANGE_HIGH waits in the outer.
 *
 * The inner exchange borrows the request of the outer one, and its handler may hold it
 * after the client has left. So the stage keeps the outer one held until then (LEFT).
 * Inner exchanges go with the outermost, as what they had to say may still be on its way
 * out. Whatever happens, it is told through wake, and done by stage_run, never from
 * inside somebody's callback. Lifetime: request.
 */
#ifndef TINCAN_EXCHANGE_STAGE_H
#define TINCAN_EXCHANGE_STAGE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/list.h"
#include "base/slice.h"
#include "exchange/edits.h"
#include "exchange/exchange.h"

#define STAGE_PIECE_BYTES (64 * 1024)	/* of a body: what a filter gets at once */
#define STAGE_TURN_PIECES 8		/* so many, then others have their turn */
#define STAGE_PASS_MAX (1 << 20)	/* what it may make of that */

/* What a filter may say to a reply beside 0 and errors: its body is none of my
 * business. */
#define STAGE_UNTOUCHED 100

enum stage_state {
	STAGE_ASKED,		/* whether the request may go on */
	STAGE_NEXT,		/* it may; the inner exchange is still to be made */
	STAGE_BEHIND,		/* waits for a reply */
	STAGE_REPLYING,		/* the filter has the header of the reply */
	STAGE_PASSING,
	STAGE_AWAY,		/* the filter's process says the reply */
	STAGE_LEFT,		/* over, but for a handler that holds the inner one */
	STAGE_OVER
};

struct stage;

/* Whose process the stage is in. */
struct stage_ops {
	/* There is something to do: call stage_run soon, but not from in here. */
	void (*wake)(struct stage *stage);
	/* The same, but not before others have had their turn. */
	void (*rest)(struct stage *stage);
	/* The request may go on: make the inner exchange, and stage_enter it. */
	void (*next)(struct stage *stage);
};

/* The filter itself. A negative result, of whatever kind, ends the request: 500, or a
 * reply that breaks off. */
struct stage_filter {
	/* A reply begins; its header is in the outer exchange, which may still be changed
	 * and replied to. 0, STAGE_UNTOUCHED, or ERR_AGAIN: stage_replied will tell. */
	int (*reply)(struct stage *stage, int status);
	/* A piece of its body, if the stage has pieces: stage_pass takes what becomes of
	 * it. Size 0 only with last. */
	int (*piece)(struct stage *stage, struct slice bytes, bool last);
	/* There may be more in the inner exchange, and the stage is AWAY. */
	void (*more)(struct stage *stage);
	/* It ends before the last piece. */
	void (*gone)(struct stage *stage);
	/* The outer exchange is about to be used again. */
	void (*done)(struct stage *stage);
};

struct stage {
	struct exchange *outer;		/* borrowed; held from NEXT on */
	struct exchange *inner;		/* its owner's; NULL until stage_enter */
	const struct stage_ops *ops;
	const struct stage_filter *filter;
	void *owner;
	void *arg;			/* the filter's */
	struct list moved;		/* the owner's: of those to be run */
	struct edits edits;
	enum stage_state state;
	bool unasked;			/* it has no on_filter */
	bool pieces;			/* the filter wants bodies in pieces */
	bool seen;			/* the filter's code has had the request */
	bool passed;			/* the reply is that from behind */
	bool whole;			/* its header has not been shown to anybody yet */
	bool in_piece;			/* stage_pass may be called */
	bool last;			/* this piece is the last */
	bool last_passed;
	bool told_gone;
	size_t piece_passed;		/* bytes that this piece has become so far */
	int64_t length;			/* of the reply from behind; -1: not known */
};

/* The filter is asked about the outer exchange, which is EXCHANGE_OPEN. Both tables are
 * borrowed for ever. */
void stage_init(struct stage *stage, struct exchange *outer, const struct stage_ops *ops,
    void *owner);

/* The filter lets the request go on; ops->wake. ERR_INVALID: it has answered, or let go
 * before. 0 and no more if the client has left or has got its 504. */
int stage_next(struct stage *stage) MUST_USE;

/* Behind the filter comes this exchange, all zero or used before: it becomes one of the
 * same request. */
void stage_enter(struct stage *stage, struct exchange *inner);

/* Does what there is to do. */
void stage_run(struct stage *stage);

/* What came of filter->reply, later. */
void stage_replied(struct stage *stage, int rc);

/* Instead of that: from now on the reply, that from behind or another, is said to the
 * outer exchange by the filter's process, without stage_pass. */
void stage_part(struct stage *stage, bool passed);

/* What a piece becomes, or a part of that; last: all of it. ERR_INVALID outside
 * filter->piece, or if last is not said with the last piece; ERR_LIMIT past
 * STAGE_PASS_MAX. */
int stage_pass(struct stage *stage, const void *data, size_t size, bool last) MUST_USE;

/* May the filter reply, or change fields of the reply? Else the outer exchange is not its
 * own. */
bool stage_may_reply(const struct stage *stage);

/* The last call: the filter is told that it is done with. Harmless twice. */
void stage_release(struct stage *stage);

#endif
