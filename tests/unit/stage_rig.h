/* SPDX-License-Identifier: MIT */
/*
 * One filter between two exchanges, for the tests of the stage: the test is the session,
 * the filter and the handler behind it, and what wakes the stage is done by run.
 */
#ifndef TINCAN_TESTS_STAGE_RIG_H
#define TINCAN_TESTS_STAGE_RIG_H

#include <stdarg.h>

#include "exchange/stage.h"
#include "rig.h"
#include "unit.h"

static struct rig_exchange rig;
static struct exchange *const outer = &rig.exchange;
static struct exchange inner;
static struct stage stage;

/* What the filter and the handler were told, in order, a word each. */
static char told[4096];
static int wakes;		/* of the stage, not yet done */
static int rests;		/* those of them for which others come first */
static int finished;		/* the outer exchange was, after its session had let go */
static int reply_result;
static int (*on_reply)(void);	/* what the filter does beside returning that */
static int (*on_piece)(struct slice bytes, bool last);

static inline void tell(const char *format, ...) __attribute__((format(printf, 1, 2)));

static inline void tell(const char *format, ...)
{
	size_t used = strlen(told);
	va_list args;

	va_start(args, format);
	vsnprintf(told + used, sizeof(told) - used, format, args);
	va_end(args);
}

static inline void expect_told(const char *expected)
{
	ck_assert_str_eq(told, expected);
	told[0] = '\0';
}

static inline void wake(struct stage *of)
{
	ck_assert_ptr_eq(of, &stage);
	wakes++;
}

static inline void enter_inner(struct stage *of)
{
	stage_enter(of, &inner);
}

static inline void take_rest(struct stage *of)
{
	rests++;
	wake(of);
}

static const struct stage_ops ops = { .wake = wake, .rest = take_rest,
	.next = enter_inner };

static inline int filter_reply(struct stage *of, int status)
{
	of->seen = true;
	tell("reply %d.", status);
	return on_reply != NULL ? on_reply() : reply_result;
}

static inline int filter_piece(struct stage *of, struct slice bytes, bool last)
{
	of->seen = true;
	if (on_piece != NULL) {
		return on_piece(bytes, last);
	}
	tell("piece %.*s%s.", (int)bytes.size, bytes.data, last ? " last" : "");
	return stage_pass(of, bytes.data, bytes.size, last);
}

static inline void filter_gone(struct stage *of)
{
	(void)of;
	tell("gone.");
}

static inline void filter_done(struct stage *of)
{
	(void)of;
	tell("done.");
}

static const struct stage_filter filter = { .reply = filter_reply, .piece = filter_piece,
	.gone = filter_gone, .done = filter_done };

/* The handler behind. */
static inline void handler_drain(struct exchange *exchange)
{
	(void)exchange;
	tell("drain.");
}

static inline void handler_gone(struct exchange *exchange)
{
	(void)exchange;
	tell("handler gone.");
}

static const struct exchange_handler_ops handler_ops = { .drain = handler_drain,
	.gone = handler_gone };

static inline void on_finished(struct exchange *exchange)
{
	ck_assert_ptr_eq(exchange, outer);
	finished++;
}

static const struct exchange_ops parted_ops = { .wake = on_finished };

static inline void begin(enum http_method method, bool pieces)
{
	rig_begin(&rig, method, "/");
	stage_init(&stage, outer, &ops, &rig);
	stage.filter = &filter;
	stage.pieces = pieces;
	stage.seen = true;
	told[0] = '\0';
	wakes = finished = reply_result = 0;
	on_reply = NULL;
	on_piece = NULL;
}

static inline void end(void)
{
	stage_release(&stage);
	rig_end(&rig);
	exchange_release(&inner);
}

static inline void set_up(void)
{
	begin(HTTP_GET, true);
}

static inline void begin_again(enum http_method method, bool pieces)
{
	end();
	begin(method, pieces);
}

/* Until nothing is to be done any more. */
static inline void run(void)
{
	for (int rounds = 0; wakes > 0; rounds++) {
		ck_assert_msg(rounds < 1000, "it never comes to rest");
		wakes = 0;
		stage_run(&stage);
	}
}

static inline void let_on(void)
{
	ck_assert_int_eq(stage_next(&stage), 0);
	ck_assert_int_eq(stage.state, STAGE_NEXT);
	run();
	ck_assert_int_eq(stage.state, STAGE_BEHIND);
}

/* Of a handler that answers at once. */
static inline void answer(int status, const char *text)
{
	ck_assert_int_eq(exchange_reply(&inner, status, "text/plain", text, strlen(text)),
	    0);
}

/* Of one that holds the exchange, and has begun. */
static inline void begin_stream(void)
{
	let_on();
	exchange_hold(&inner, &handler_ops);
	ck_assert_int_eq(exchange_start(&inner, 200, NULL), 0);
	run();
	ck_assert_int_eq(stage.state, STAGE_PASSING);
	expect_told("reply 200.");
}

static inline void write_text(const char *text)
{
	ck_assert_int_eq(exchange_write(&inner, text, strlen(text)), 0);
}

/* The session lets go; was that all? */
static inline bool part(void)
{
	return exchange_part(outer, &parted_ops);
}

static inline void expect_reply(int status, const char *text)
{
	ck_assert_int_eq(outer->state, EXCHANGE_ENDED);
	ck_assert_int_eq(outer->reply.status, status);
	ck_assert_str_eq(rig_body(&rig), text);
	ck_assert(!outer->held);
}

#endif
