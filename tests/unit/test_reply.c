/* SPDX-License-Identifier: MIT */
/* Both ends of an answer: what a host packs arrives, and what was cut is refused. */
#include "remote/reply.h"

#include "rig.h"
#include "unit.h"

static struct rig_exchange host;	/* where the reply is made */
static struct rig_exchange worker;	/* where it arrives */
static struct buffer out;

static void set_up(void)
{
	buffer_init(&out, FRAME_MAX);
	rig_begin(&host, HTTP_GET, "/x");
	rig_begin(&worker, HTTP_GET, "/x");
}

static void tear_down(void)
{
	rig_end(&host);
	rig_end(&worker);
	buffer_release(&out);
}

static struct frame the_frame(void)
{
	struct slice bytes = buffer_slice(&out);
	struct frame frame;

	ck_assert_int_eq(frame_next(&bytes, &frame), 0);
	ck_assert_uint_eq(bytes.size, 0);
	return frame;
}

static void make_small(void)
{
	struct exchange *exchange = &host.exchange;

	ck_assert_int_eq(exchange_add_header(exchange, "etag", "\"1\""), 0);
	ck_assert_int_eq(exchange_add_header(exchange, "vary", ""), 0);
	ck_assert_int_eq(exchange_reply(exchange, 201, "text/plain", "a\0b", 3), 0);
	ck_assert(reply_is_small(exchange));
	ck_assert_int_eq(reply_pack(&out, 7, exchange), 0);
}

START_TEST(a_whole_reply_arrives)
{
	struct frame frame;

	make_small();
	frame = the_frame();
	ck_assert_uint_eq(frame.header.id, 7);
	ck_assert_int_eq(reply_take(&frame, &worker.exchange), 0);
	ck_assert_int_eq(worker.exchange.state, EXCHANGE_ENDED);
	ck_assert_int_eq(worker.exchange.reply.status, 201);
	ck_assert_int_eq(worker.exchange.reply.content_length, 3);
	ck_assert_str_eq(rig_header(&worker, "etag"), "\"1\"");
	ck_assert_str_eq(rig_header(&worker, "vary"), "");
	ck_assert_str_eq(rig_header(&worker, "content-type"), "text/plain");
	ck_assert_str_eq(rig_body(&worker), "a");
	ck_assert_uint_eq(worker.size, 3);
}
END_TEST

/* One that takes part after part of the frame's payload. */
static void refuse_parts(int (*take)(const struct frame *, struct exchange *),
    bool started)
{
	struct frame whole = the_frame();

	for (size_t size = 0; size < whole.payload.size; size++) {
		struct frame part = whole;
		/* Just that many bytes, so that a sanitizer sees one too many. */
		char *copy = malloc(size + 1);

		ck_assert_ptr_nonnull(copy);
		memcpy(copy + 1, whole.payload.data, size);
		part.payload = (struct slice){ copy + 1, size };
		rig_end(&worker);
		rig_begin(&worker, HTTP_GET, "/x");
		if (started) {
			ck_assert_int_eq(exchange_start(&worker.exchange, 200, NULL), 0);
		}
		ck_assert_int_eq(take(&part, &worker.exchange), ERR_PROTOCOL);
		free(copy);
	}
}

START_TEST(every_part_of_a_reply_is_refused)
{
	make_small();
	refuse_parts(reply_take, false);
}
END_TEST

START_TEST(every_part_of_a_start_is_refused)
{
	ck_assert_int_eq(exchange_add_header(&host.exchange, "etag", "\"1\""), 0);
	ck_assert_int_eq(exchange_start(&host.exchange, 200, "text/plain"), 0);
	ck_assert_int_eq(reply_pack_start(&out, 7, &host.exchange), 0);
	refuse_parts(reply_take_start, false);
}
END_TEST

START_TEST(every_part_of_an_end_is_refused)
{
	ck_assert_int_eq(exchange_start(&host.exchange, 200, NULL), 0);
	ck_assert_int_eq(exchange_add_trailer(&host.exchange, "x-sum", "5"), 0);
	ck_assert_int_eq(exchange_end(&host.exchange), 0);
	ck_assert_int_eq(reply_pack_end(&out, 7, &host.exchange), 0);
	refuse_parts(reply_take_end, true);
}
END_TEST

START_TEST(an_unknown_length_stays_unknown_and_a_trailer_arrives)
{
	struct frame frame;

	ck_assert_int_eq(exchange_start(&host.exchange, 200, NULL), 0);
	ck_assert_int_eq(reply_pack_start(&out, 7, &host.exchange), 0);
	frame = the_frame();
	ck_assert_int_eq(reply_take_start(&frame, &worker.exchange), 0);
	ck_assert_int_eq(worker.exchange.reply.content_length, -1);
	ck_assert_int_eq(exchange_add_trailer(&host.exchange, "x-sum", "5"), 0);
	ck_assert_int_eq(exchange_end(&host.exchange), 0);
	buffer_reset(&out);
	ck_assert_int_eq(reply_pack_end(&out, 7, &host.exchange), 0);
	frame = the_frame();
	ck_assert_int_eq(reply_take_end(&frame, &worker.exchange), 0);
	ck_assert_int_eq(worker.exchange.state, EXCHANGE_ENDED);
	ck_assert_str_eq(head_find(&worker.exchange.reply.trailer,
	    SLICE("x-sum")).data, "5");
}
END_TEST

START_TEST(what_the_host_could_not_complete_is_not_completed)
{
	struct frame frame;

	ck_assert_int_eq(exchange_start(&host.exchange, 200, NULL), 0);
	exchange_fail(&host.exchange, 500, NULL);
	ck_assert_int_eq(reply_pack_end(&out, 7, &host.exchange), 0);
	frame = the_frame();
	ck_assert_uint_eq(frame.header.flags, FRAME_BROKEN);
	ck_assert_int_eq(exchange_start(&worker.exchange, 200, NULL), 0);
	ck_assert_int_eq(reply_take_end(&frame, &worker.exchange), ERR_PROTOCOL);
	ck_assert_int_eq(worker.exchange.state, EXCHANGE_STARTED);
}
END_TEST

START_TEST(only_what_is_whole_and_in_memory_is_small)
{
	static char bytes[FRAME_DATA_MAX + 1];

	ck_assert(!reply_is_small(&host.exchange));
	ck_assert_int_eq(exchange_reply_ref(&host.exchange, 200, NULL, bytes,
	    sizeof(bytes) - (_i == 0), NULL, NULL), 0);
	ck_assert_int_eq(reply_is_small(&host.exchange), _i == 0);
}
END_TEST

START_TEST(what_does_not_fit_leaves_out_as_it_was)
{
	struct buffer tight;

	make_small();
	buffer_init(&tight, out.size - 1);
	rig_end(&host);
	rig_begin(&host, HTTP_GET, "/x");
	ck_assert_int_eq(exchange_add_header(&host.exchange, "etag", "\"1\""), 0);
	ck_assert_int_eq(exchange_add_header(&host.exchange, "vary", ""), 0);
	ck_assert_int_eq(exchange_reply(&host.exchange, 201, "text/plain", "a\0b", 3), 0);
	ck_assert_int_eq(reply_pack(&tight, 7, &host.exchange), ERR_LIMIT);
	ck_assert_uint_eq(tight.size, 0);
	buffer_release(&tight);
}
END_TEST

static Suite *suite(void)
{
	Suite *all = suite_create("reply");
	TCase *one = tcase_create("reply");

	tcase_add_checked_fixture(one, set_up, tear_down);
	tcase_add_test(one, a_whole_reply_arrives);
	tcase_add_test(one, every_part_of_a_reply_is_refused);
	tcase_add_test(one, every_part_of_a_start_is_refused);
	tcase_add_test(one, every_part_of_an_end_is_refused);
	tcase_add_test(one, an_unknown_length_stays_unknown_and_a_trailer_arrives);
	tcase_add_test(one, what_the_host_could_not_complete_is_not_completed);
	tcase_add_loop_test(one, only_what_is_whole_and_in_memory_is_small, 0, 2);
	tcase_add_test(one, what_does_not_fit_leaves_out_as_it_was);
	suite_add_tcase(all, one);
	return all;
}

int main(void)
{
	return unit_run(suite());
}
