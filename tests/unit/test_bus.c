/* SPDX-License-Identifier: MIT */
/* Subscriptions of the instances in one process. */
#include "plugin/bus.h"

#include "ipc/bus_ring.h"
#include "plugin/api.h"
#include "plugin/instance.h"
#include "rig.h"
#include "unit.h"

/* What the process was asked to carry. */
static struct {
	int subscribed;
	int unsubscribed;
	int published;
	int result;
	char name[BUS_NAME_MAX + 1];
	size_t size;
} carried;

/* Who has heard what, in order: "a:text(lost) ". */
static char heard[512];

static const tc_bus *bus;
static struct plugin plugin = { .note = { .name = "chat" } };
static struct instance first = { .plugin = &plugin };
static struct instance second = { .plugin = &plugin };
static tc_sub *subs[2];

static void keep_name(struct slice name)
{
	memcpy(carried.name, name.data, name.size);
	carried.name[name.size] = '\0';
	carried.size = name.size;
}

static int carry_subscribe(void *arg, struct slice name)
{
	ck_assert_ptr_eq(arg, &carried);
	keep_name(name);
	carried.subscribed++;
	return carried.result;
}

static void carry_unsubscribe(void *arg, struct slice name)
{
	ck_assert_ptr_eq(arg, &carried);
	keep_name(name);
	carried.unsubscribed++;
}

static int carry_publish(void *arg, struct slice name, struct slice data)
{
	ck_assert_ptr_eq(arg, &carried);
	ck_assert_uint_le(data.size, BUS_DATA_MAX);
	keep_name(name);
	carried.published++;
	return carried.result;
}

static const struct bus_carrier carrier = { .subscribe = carry_subscribe,
	.unsubscribe = carry_unsubscribe, .publish = carry_publish, .arg = &carried };

static void set_up(void)
{
	static tc_api api;

	api_serve(&rig_services);
	api_fill(&api, sizeof(api), false);
	rig_log = (struct rig_log){ 0 };
	list_init(&first.subscriptions);
	list_init(&second.subscriptions);
	memset(&carried, 0, sizeof(carried));
	heard[0] = '\0';
	bus_serve(&carrier);
	bus = api.ext(TC_BUS);
	ck_assert_ptr_nonnull(bus);
}

static void tear_down(void)
{
	bus_leave(&first);
	bus_leave(&second);
	ck_assert_int_eq(carried.subscribed, carried.unsubscribed);
}

static void hear(void *arg, const void *data, size_t size, uint64_t lost)
{
	size_t used = strlen(heard);

	snprintf(heard + used, sizeof(heard) - used, "%s:%.*s(%d) ", (const char *)arg,
	    (int)size, (const char *)data, (int)lost);
}

static tc_sub *subscribe(struct instance *instance, const char *topic, const char *who)
{
	struct api_call before = instance_enter(instance, PAGE_ON_TIMER, NULL);
	tc_sub *sub = bus->subscribe(topic, hear, (void *)who);

	api_leave(before);
	return sub;
}

static int publish(const char *topic, const char *data, size_t size)
{
	struct api_call before = instance_enter(&first, PAGE_ON_TIMER, NULL);
	int rc = bus->publish(topic, data, size);

	api_leave(before);
	return rc;
}

START_TEST(all_who_subscribe_hear_it_once)
{
	ck_assert_ptr_nonnull(subscribe(&first, "room", "a"));
	ck_assert_ptr_nonnull(subscribe(&second, "room", "b"));
	ck_assert_ptr_nonnull(subscribe(&second, "hall", "c"));
	bus_deliver(SLICE("chat\0room"), SLICE("hello"), 0);
	bus_deliver(SLICE("chat\0hall"), SLICE("there"), 3);
	bus_deliver(SLICE("chat\0attic"), SLICE("lost"), 0);
	bus_deliver(SLICE("that\0room"), SLICE("lost"), 0);
	ck_assert_str_eq(heard, "a:hello(0) b:hello(0) c:there(3) ");
}
END_TEST

START_TEST(a_topic_is_asked_for_once_and_under_the_handlers_name)
{
	tc_sub *sub = subscribe(&first, "room", "a");
	struct api_call before;

	ck_assert_uint_eq(carried.size, 9);
	ck_assert_int_eq(memcmp(carried.name, "chat\0room", 9), 0);
	ck_assert_ptr_nonnull(subscribe(&second, "room", "b"));
	ck_assert_int_eq(carried.subscribed, 1);
	before = instance_enter(&first, PAGE_ON_TIMER, NULL);
	bus->unsubscribe(sub);
	api_leave(before);
	ck_assert_int_eq(carried.unsubscribed, 0);
	bus_leave(&second);
	ck_assert_int_eq(carried.unsubscribed, 1);
	ck_assert_int_eq(memcmp(carried.name, "chat\0room", 9), 0);
}
END_TEST

START_TEST(an_instance_that_ends_hears_no_more)
{
	subscribe(&first, "room", "a");
	subscribe(&first, "hall", "a");
	subscribe(&second, "room", "b");
	bus_leave(&first);
	bus_deliver(SLICE("chat\0room"), SLICE("x"), 0);
	bus_deliver(SLICE("chat\0hall"), SLICE("x"), 0);
	ck_assert_str_eq(heard, "b:x(0) ");
}
END_TEST

START_TEST(what_breaks_a_rule_does_nothing)
{
	static const char data[BUS_DATA_MAX + 1];
	char topic[BUS_TOPIC_MAX + 2];
	struct api_call before;

	memset(topic, 't', sizeof(topic));
	topic[BUS_TOPIC_MAX + 1] = '\0';
	ck_assert_ptr_null(subscribe(&first, "", "a"));
	ck_assert_ptr_null(subscribe(&first, NULL, "a"));
	ck_assert_ptr_null(subscribe(&first, topic, "a"));
	before = instance_enter(&first, PAGE_ON_TIMER, NULL);
	ck_assert_ptr_null(bus->subscribe("room", NULL, NULL));
	bus->unsubscribe(NULL);
	api_leave(before);
	ck_assert_int_eq(publish("", "x", 1), TC_INVALID);
	ck_assert_int_eq(publish(NULL, "x", 1), TC_INVALID);
	ck_assert_int_eq(publish(topic, "x", 1), TC_INVALID);
	ck_assert_int_eq(publish("room", NULL, 1), TC_INVALID);
	ck_assert_int_eq(publish("room", data, sizeof(data)), TC_LIMIT);
	ck_assert_int_eq(carried.subscribed + carried.published, 0);
	ck_assert_int_eq(publish("room", data, BUS_DATA_MAX), TC_OK);
	ck_assert_int_eq(publish(topic + 1, NULL, 0), TC_OK);
	ck_assert_int_eq(carried.published, 2);
}
END_TEST

START_TEST(outside_a_callback_there_is_no_bus)
{
	ck_assert_ptr_null(bus->subscribe("room", hear, "a"));
	ck_assert_int_eq(bus->publish("room", "x", 1), TC_INVALID);
	ck_assert_int_eq(carried.subscribed + carried.published, 0);
	ck_assert_str_eq(rig_log.text, "4 - -: used the bus outside a callback\n"
	    "4 - -: used the bus outside a callback\n");
}
END_TEST

START_TEST(there_are_only_so_many)
{
	for (int i = 0; i < BUS_SUBSCRIPTIONS; i++) {
		ck_assert_ptr_nonnull(subscribe(&first, "room", "a"));
	}
	ck_assert_ptr_null(subscribe(&second, "room", "b"));
	bus_leave(&first);
	ck_assert_ptr_nonnull(subscribe(&second, "room", "b"));
}
END_TEST

START_TEST(what_the_process_cannot_carry_is_not_subscribed)
{
	carried.result = ERR_NOMEM;
	ck_assert_ptr_null(subscribe(&first, "room", "a"));
	ck_assert_int_eq(publish("room", "x", 1), TC_NOMEM);
	carried.result = 0;
	carried.subscribed = 0;
	ck_assert_ptr_nonnull(subscribe(&first, "room", "a"));
}
END_TEST

/* Ends itself, the one after it, and takes two new ones, of which it ends one. */
static void turn_over(void *arg, const void *data, size_t size, uint64_t lost)
{
	hear(arg, data, size, lost);
	bus->unsubscribe(subs[0]);
	bus->unsubscribe(subs[1]);
	bus->unsubscribe(bus->subscribe("room", hear, "never"));
	ck_assert_ptr_nonnull(bus->subscribe("room", hear, "new"));
}

START_TEST(subscriptions_may_change_while_a_message_is_delivered)
{
	struct api_call before = instance_enter(&first, PAGE_ON_TIMER, NULL);

	subs[0] = bus->subscribe("room", turn_over, "a");
	api_leave(before);
	subs[1] = subscribe(&second, "room", "b");
	subscribe(&second, "room", "c");
	bus_deliver(SLICE("chat\0room"), SLICE("1"), 0);
	ck_assert_str_eq(heard, "a:1(0) c:1(0) ");
	bus_deliver(SLICE("chat\0room"), SLICE("2"), 0);
	ck_assert_str_eq(heard, "a:1(0) c:1(0) c:2(0) new:2(0) ");
}
END_TEST

static void end_it(void *arg, const void *data, size_t size, uint64_t lost)
{
	hear(arg, data, size, lost);
	bus->unsubscribe(subs[0]);
}

START_TEST(the_last_one_may_end_itself)
{
	struct api_call before = instance_enter(&first, PAGE_ON_TIMER, NULL);

	subs[0] = bus->subscribe("room", end_it, "a");
	api_leave(before);
	bus_deliver(SLICE("chat\0room"), SLICE("1"), 0);
	ck_assert_int_eq(carried.unsubscribed, 1);
	bus_deliver(SLICE("chat\0room"), SLICE("2"), 0);
	ck_assert_str_eq(heard, "a:1(0) ");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("bus");
	TCase *tests = tcase_create("bus");

	tcase_add_checked_fixture(tests, set_up, tear_down);
	tcase_set_timeout(tests, 30);
	tcase_add_test(tests, all_who_subscribe_hear_it_once);
	tcase_add_test(tests, a_topic_is_asked_for_once_and_under_the_handlers_name);
	tcase_add_test(tests, an_instance_that_ends_hears_no_more);
	tcase_add_test(tests, what_breaks_a_rule_does_nothing);
	tcase_add_test(tests, outside_a_callback_there_is_no_bus);
	tcase_add_test(tests, there_are_only_so_many);
	tcase_add_test(tests, what_the_process_cannot_carry_is_not_subscribed);
	tcase_add_test(tests, subscriptions_may_change_while_a_message_is_delivered);
	tcase_add_test(tests, the_last_one_may_end_itself);
	suite_add_tcase(suite, tests);
	return unit_run(suite);
}
