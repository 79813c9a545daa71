/* SPDX-License-Identifier: MIT */
#include "ipc/bus_topics.h"

#include <stdio.h>

#include "unit.h"

static struct bus_topics topics;

static void set_up(void)
{
	bus_topics_init(&topics);
}

static void tear_down(void)
{
	bus_topics_release(&topics);
}

START_TEST(finds_what_was_needed_before)
{
	struct bus_topic *topic;

	ck_assert_ptr_null(bus_topics_find(&topics, SLICE("chat\0room")));
	topic = bus_topics_need(&topics, SLICE("chat\0room"));
	ck_assert_ptr_nonnull(topic);
	ck_assert(slice_equal(bus_topic_name(topic), SLICE("chat\0room")));
	ck_assert(list_empty(&topic->listeners));
	ck_assert_ptr_eq(bus_topics_need(&topics, SLICE("chat\0room")), topic);
	ck_assert_ptr_eq(bus_topics_find(&topics, SLICE("chat\0room")), topic);
	ck_assert_ptr_null(bus_topics_find(&topics, SLICE("chat\0roo")));
	ck_assert_ptr_null(bus_topics_find(&topics, SLICE("that\0room")));
	ck_assert_uint_eq(topics.count, 1);
}
END_TEST

START_TEST(keeps_a_topic_as_long_as_anybody_listens)
{
	struct bus_topic *topic = bus_topics_need(&topics, SLICE("a\0b"));
	struct list listener;

	list_init(&listener);
	list_append(&topic->listeners, &listener);
	bus_topics_leave(&topics, topic);
	ck_assert_ptr_eq(bus_topics_find(&topics, SLICE("a\0b")), topic);
	list_remove(&listener);
	bus_topics_leave(&topics, topic);
	ck_assert_ptr_null(bus_topics_find(&topics, SLICE("a\0b")));
	ck_assert_uint_eq(topics.count, 0);
}
END_TEST

static struct slice name_of(int i, char out[16])
{
	return (struct slice){ out, (size_t)snprintf(out, 16, "h%c%d", '\0', i) };
}

START_TEST(grows_and_shrinks)
{
	enum { TOPICS = 1000 };
	char name[16];

	for (int i = 0; i < TOPICS; i++) {
		ck_assert_ptr_nonnull(bus_topics_need(&topics, name_of(i, name)));
	}
	ck_assert_uint_eq(topics.count, TOPICS);
	for (int i = 0; i < TOPICS; i += 2) {
		bus_topics_leave(&topics, bus_topics_find(&topics, name_of(i, name)));
	}
	for (int i = 0; i < TOPICS; i++) {
		ck_assert_int_eq(bus_topics_find(&topics, name_of(i, name)) != NULL,
		    i % 2);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("bus_topics");
	TCase *tests = tcase_create("bus_topics");

	tcase_add_checked_fixture(tests, set_up, tear_down);
	tcase_add_test(tests, finds_what_was_needed_before);
	tcase_add_test(tests, keeps_a_topic_as_long_as_anybody_listens);
	tcase_add_test(tests, grows_and_shrinks);
	suite_add_tcase(suite, tests);
	return unit_run(suite);
}
