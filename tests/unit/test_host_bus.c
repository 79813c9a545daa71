/* SPDX-License-Identifier: MIT */
/* The bus in a real host, whose plugin subscribes to "news" when it is opened. */
#include "host/bus.h"

#include "host_rig.h"
#include "remote/bus_frames.h"
#include "unit.h"

static struct host_rig host;

static void set_up(void)
{
	host_rig_open(&host, "gossip", false);
	host_rig_mount(&host, 1, "/*");
	host_rig_send(&host);
	host_rig_expect(&host, FRAME_HELLO);
}

static void tear_down(void)
{
	host_rig_close(&host);
}

static void expect_topic(enum frame_type type)
{
	struct frame frame = host_rig_expect(&host, type);
	struct slice topic;

	ck_assert_int_eq(subscribe_unpack(&frame, &topic), 0);
	ck_assert(slice_equal(topic, SLICE("news")));
}

static void expect_publish(const char *text)
{
	struct frame frame = host_rig_expect(&host, FRAME_PUBLISH);
	struct slice topic;
	struct slice data;

	ck_assert_int_eq(publish_unpack(&frame, &topic, &data), 0);
	ck_assert(slice_equal(topic, SLICE("news")));
	ck_assert(slice_equal(data, slice_of(text)));
}

static void pack_event(const char *topic, const char *text, uint64_t lost)
{
	ck_assert_int_eq(event_pack(&host.out, slice_of(topic), slice_of(text), lost), 0);
}

static void pack_get(uint64_t id, const char *tail, const char *query)
{
	struct rig_exchange exchange = { 0 };

	rig_begin(&exchange, HTTP_GET, "/x");
	exchange.exchange.match.pattern = "/*";
	exchange.exchange.match.tail = slice_of(tail);
	exchange.exchange.request.query = slice_of(query);
	host_rig_request(&host, id, 1, &exchange);
	rig_end(&exchange);
}

/* The text of the REPLY that comes next. */
static void expect_reply(const char *text)
{
	struct frame frame = host_rig_expect(&host, FRAME_REPLY);

	ck_assert_int_eq(frame.header.code, 200);
	ck_assert_ptr_nonnull(memmem(frame.payload.data, frame.payload.size, text,
	    strlen(text)));
}

START_TEST(what_its_plugin_subscribes_to_it_asks_for)
{
	expect_topic(FRAME_SUBSCRIBE);
	host_rig_expect(&host, FRAME_OPENED);
}
END_TEST

START_TEST(an_event_is_heard)
{
	expect_topic(FRAME_SUBSCRIBE);
	host_rig_expect(&host, FRAME_OPENED);
	pack_event("news", "hello", 2);
	pack_event("other", "nobody", 0);
	pack_event("news", "you", 5);
	pack_get(1, "heard", "");
	host_rig_send(&host);
	expect_reply("messages 2\nlost 7\nhello\nyou\n");
}
END_TEST

START_TEST(what_its_plugin_says_comes_before_the_reply)
{
	expect_topic(FRAME_SUBSCRIBE);
	host_rig_expect(&host, FRAME_OPENED);
	pack_get(1, "say", "hello");
	host_rig_send(&host);
	expect_publish("hello");
	expect_reply("0\n");
}
END_TEST

START_TEST(a_message_that_is_too_big_for_the_page_goes_through)
{
	struct slice topic;
	struct slice data;
	struct frame frame;

	expect_topic(FRAME_SUBSCRIBE);
	host_rig_expect(&host, FRAME_OPENED);
	pack_get(1, "rules", "");
	host_rig_send(&host);
	frame = host_rig_expect(&host, FRAME_PUBLISH);
	ck_assert_int_eq(publish_unpack(&frame, &topic, &data), 0);
	ck_assert_uint_eq(data.size, 65536);
	host_rig_expect(&host, FRAME_PUBLISH);
	expect_reply("1 1 1 -4 -4 -4 -5 0 0");
}
END_TEST

START_TEST(an_instance_that_ends_may_have_a_last_word)
{
	expect_topic(FRAME_SUBSCRIBE);
	host_rig_expect(&host, FRAME_OPENED);
	host_rig_pack(&host, FRAME_SHUT, 1);
	host_rig_send(&host);
	expect_topic(FRAME_UNSUBSCRIBE);
	expect_publish("bye");
}
END_TEST

START_TEST(a_death_by_an_event_is_told)
{
	struct frame frame;

	expect_topic(FRAME_SUBSCRIBE);
	host_rig_expect(&host, FRAME_OPENED);
	pack_event("news", "die", 0);
	pack_get(1, "heard", "");
	host_rig_send(&host);
	ck_assert_int_eq(host_rig_next(&host, &frame), ERR_EOF);
	ck_assert_uint_eq(atomic_load(&host.page->running), 0);
	ck_assert_str_eq(page_callback_name(host.page), "a bus callback");
	ck_assert(WIFSIGNALED(host_rig_wait(&host)));
}
END_TEST

START_TEST(an_event_that_makes_no_sense_ends_it)
{
	struct frame frame;

	expect_topic(FRAME_SUBSCRIBE);
	host_rig_expect(&host, FRAME_OPENED);
	host_rig_pack(&host, FRAME_EVENT, 0);
	host_rig_send(&host);
	while (host_rig_next(&host, &frame) == 0) {
	}
	ck_assert_int_eq(WEXITSTATUS(host_rig_wait(&host)), EXIT_FAILURE);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("host_bus");
	TCase *tests = tcase_create("host_bus");

	tcase_add_checked_fixture(tests, set_up, tear_down);
	tcase_set_timeout(tests, 60);
	tcase_add_test(tests, what_its_plugin_subscribes_to_it_asks_for);
	tcase_add_test(tests, an_event_is_heard);
	tcase_add_test(tests, what_its_plugin_says_comes_before_the_reply);
	tcase_add_test(tests, a_message_that_is_too_big_for_the_page_goes_through);
	tcase_add_test(tests, an_instance_that_ends_may_have_a_last_word);
	tcase_add_test(tests, a_death_by_an_event_is_told);
	tcase_add_test(tests, an_event_that_makes_no_sense_ends_it);
	suite_add_tcase(suite, tests);
	return unit_run(suite);
}
