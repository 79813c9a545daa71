/* SPDX-License-Identifier: MIT */
/* A filter whose host may say anything, about a request that somebody else answers. */
#ifndef TINCAN_TESTS_REMOTE_FILTER_RIG_H
#define TINCAN_TESTS_REMOTE_FILTER_RIG_H

#include "exchange/stage.h"
#include "fake_host.h"
#include "remote/filter.h"
#include "unit.h"

static struct exchange inner;
static struct stage stage;
static int wakes;		/* of the stage, not yet done */
static uint64_t id;		/* of the call */

static inline void on_stage(struct stage *of)
{
	ck_assert_ptr_eq(of, &stage);
	wakes++;
}

static inline void on_next(struct stage *of)
{
	stage_enter(of, &inner);
}

static const struct stage_ops stage_ops = { .wake = on_stage, .rest = on_stage,
	.next = on_next };

/* Until nothing is to be done any more. */
static inline void settle(void)
{
	for (int rounds = 0; wakes > 0; rounds++) {
		ck_assert_int_lt(rounds, 1000);
		wakes = 0;
		stage_run(&stage);
		turn();
	}
}

static inline void say_all(void)
{
	flush(&fake);
	settle();
}

/* A call of the filter, which its host has. */
static inline void ask(enum http_method method)
{
	struct frame frame;

	memset(&call, 0, sizeof(call));
	wakes = 0;
	rig_begin(&call, method, "/x");
	call.exchange.match.pattern = "/*";
	stage_init(&stage, &call.exchange, &stage_ops, NULL);
	remote_call(fake.remote, fake.instance, &call.exchange, TIMEOUT_MS);
	turn();
	do {
		ck_assert(hear(&fake, &frame));
		id = frame.header.id;
	} while (frame.header.type != FRAME_FILTER);
	ck_assert_int_eq(stage.state, STAGE_ASKED);
}

static inline void end_call(void)
{
	stage_release(&stage);
	rig_end(&call);
	exchange_release(&inner);
}

static inline void set_up_filter(void)
{
	set_up();
	ask(HTTP_GET);
}

static inline void tear_down_filter(void)
{
	end_call();
	tear_down();
}

static inline void pack_edit(uint8_t kind, const char *name, const char *value)
{
	ck_assert_int_eq(pack_u8(&fake.out, kind), 0);
	ck_assert_int_eq(pack_u8(&fake.out, value != NULL), 0);
	ck_assert_int_eq(pack_text(&fake.out, slice_of(name)), 0);
	ck_assert_int_eq(pack_text(&fake.out, slice_of(value == NULL ? "" : value)), 0);
}

/* NEXT with that one edit. */
static inline void pack_next(uint8_t flags, uint8_t kind, const char *name,
    const char *value)
{
	size_t mark;

	ck_assert_int_eq(frame_begin(&fake.out, FRAME_NEXT, 0, id, &mark), 0);
	ck_assert_int_eq(pack_u32(&fake.out, 1), 0);
	pack_edit(kind, name, value);
	ck_assert_int_eq(frame_end(&fake.out, mark, flags), 0);
}

static inline void say_next(uint8_t flags)
{
	pack_next(flags, EDIT_SET, "x-next", "1");
	say_all();
}

static inline void let_on(uint8_t flags)
{
	say_next(flags);
	ck_assert_int_eq(fake.lost, 0);
	ck_assert_int_eq(stage.state, STAGE_BEHIND);
}

/* What is behind answers. */
static inline void answer(const char *text)
{
	ck_assert_int_eq(exchange_reply(&inner, 200, "text/plain", text, strlen(text)),
	    0);
	settle();
}

/* PASS with the length that it says, or ~0, and one field. */
static inline void pack_pass(uint8_t flags, uint64_t length, const char *name)
{
	size_t mark;

	ck_assert_int_eq(frame_begin(&fake.out, FRAME_PASS, 0, id, &mark), 0);
	ck_assert_int_eq(pack_u64(&fake.out, length), 0);
	ck_assert_int_eq(pack_u32(&fake.out, 1), 0);
	ck_assert_int_eq(pack_text(&fake.out, slice_of(name)), 0);
	ck_assert_int_eq(pack_text(&fake.out, SLICE("passed")), 0);
	ck_assert_int_eq(frame_end(&fake.out, mark, flags), 0);
}

static inline void say_pass(uint8_t flags)
{
	pack_pass(flags, UINT64_MAX, "x-pass");
	say_all();
}

/* What it said makes no sense: it is done with, once it is dead the request is 502, and
 * nothing more comes of it. */
static inline void expect_lost(void)
{
	ck_assert_int_eq(fake.lost, 1);
	die(&fake);
	settle();
	check_status(&call, 502);
	check_works(&other);
}

static inline void expect_whole(const char *text)
{
	check_status(&call, 200);
	ck_assert_str_eq(rig_body(&call), text);
	ck_assert(!call.exchange.held);
}

#endif
