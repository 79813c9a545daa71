/* SPDX-License-Identifier: MIT */
/* The bus in workers: two of them on one loop, with a host each. */
#include "worker/bus.h"

#include "fake_host.h"
#include "ipc/bus_ring.h"
#include "plugin/bus.h"
#include "plugin/instance.h"
#include "remote/bus_frames.h"
#include "unit.h"
#include "worker/worker.h"

#define NAME SLICE("chat\0room")

static struct bus_rings *rings;
static int bells[3]; /* the same one: a loop watches a descriptor once */
static struct worker workers[2];
static struct bus *buses[2];
static struct bus_peer peers[2];

static struct bus *start_worker(uint32_t index)
{
	struct worker_setup setup = { .bus = rings, .bell_fd = bells[index],
		.index = index };

	workers[index].loop = loop;
	return bus_new(&workers[index], &setup);
}

static void start(void)
{
	struct fake *hosts[2] = { &fake, &other };

	rings = bus_rings_new(&bells[2]);
	for (int i = 0; i < 2; i++) {
		bells[i] = fcntl(bells[2], F_DUPFD_CLOEXEC, 0);
	}
	set_up();
	for (uint32_t i = 0; i < 2; i++) {
		buses[i] = start_worker(i);
		bus_peer_init(&peers[i]);
		peers[i].remote = hosts[i]->remote;
		expect(hosts[i], FRAME_OPEN);
	}
}

static void stop(void)
{
	for (int i = 0; i < 2; i++) {
		bus_silence(buses[i], &peers[i]);
		bus_free(buses[i]);
	}
	tear_down();
	bus_rings_free(rings);
	for (int i = 0; i < 3; i++) {
		close(bells[i]);
	}
}

static void listen_both(void)
{
	ck_assert_int_eq(bus_listen(buses[0], &peers[0], NAME), 0);
	ck_assert_int_eq(bus_listen(buses[1], &peers[1], NAME), 0);
	turn();
}

static void publish(int worker, const char *text)
{
	ck_assert_int_eq(bus_publish(buses[worker], NAME, slice_of(text)), 0);
}

static void expect_event(struct fake *host, const char *text, uint64_t lost)
{
	struct slice topic;
	struct slice data;
	struct frame frame;
	uint64_t found;

	ck_assert(hear(host, &frame));
	ck_assert_int_eq(frame.header.type, FRAME_EVENT);
	ck_assert_int_eq(event_unpack(&frame, &topic, &data, &found), 0);
	ck_assert(slice_equal(topic, SLICE("room")));
	ck_assert(slice_equal(data, slice_of(text)));
	ck_assert_uint_eq(found, lost);
}

static void expect_nothing(struct fake *host)
{
	struct frame frame;

	ck_assert(!hear(host, &frame));
}

START_TEST(a_message_reaches_the_hosts_of_all_workers)
{
	listen_both();
	publish(0, "one");
	publish(1, "two");
	turn();
	for (int i = 0; i < 2; i++) {
		expect_event(i == 0 ? &fake : &other, "one", 0);
		expect_event(i == 0 ? &fake : &other, "two", 0);
	}
}
END_TEST

START_TEST(workers_that_slept_wake_again_and_again)
{
	listen_both();
	for (int i = 0; i < 10; i++) {
		publish(i % 2, "hello");
		turn();
		expect_event(&fake, "hello", 0);
		expect_event(&other, "hello", 0);
		turn();
	}
}
END_TEST

START_TEST(many_messages_take_several_turns_and_none_is_lost)
{
	char text[501] = "";

	memset(text, 'x', sizeof(text) - 1);
	listen_both();
	for (int i = 0; i < 1000; i++) {
		publish(0, text);
	}
	for (int i = 0; i < 1000; i++) {
		turn();
		expect_event(&other, text, 0);
	}
}
END_TEST

START_TEST(who_listens_twice_hears_it_once)
{
	listen_both();
	listen_both();
	publish(0, "one");
	turn();
	expect_event(&fake, "one", 0);
	expect_nothing(&fake);
}
END_TEST

START_TEST(who_does_not_listen_hears_nothing)
{
	listen_both();
	bus_unlisten(buses[0], &peers[0], SLICE("chat\0hall"));
	bus_unlisten(buses[0], &peers[0], NAME);
	bus_unlisten(buses[0], &peers[0], NAME);
	publish(0, "one");
	turn();
	expect_nothing(&fake);
	expect_event(&other, "one", 0);
	/* What was said meanwhile is gone. */
	ck_assert_int_eq(bus_listen(buses[0], &peers[0], NAME), 0);
	publish(1, "two");
	turn();
	expect_event(&fake, "two", 0);
}
END_TEST

START_TEST(a_peer_that_is_silenced_listens_to_nothing)
{
	listen_both();
	ck_assert_int_eq(bus_listen(buses[0], &peers[0], SLICE("chat\0hall")), 0);
	bus_silence(buses[0], &peers[0]);
	ck_assert_uint_eq(peers[0].count, 0);
	publish(1, "one");
	turn();
	expect_nothing(&fake);
}
END_TEST

START_TEST(a_worker_that_starts_later_is_heard_from_its_first_word)
{
	struct worker_setup setup = { .bus = rings, .bell_fd = bells[2], .index = 7 };
	struct worker third = { .loop = loop };
	struct bus *late;

	listen_both();
	late = bus_new(&third, &setup);
	ck_assert_int_eq(bus_publish(late, NAME, SLICE("late")), 0);
	turn();
	expect_event(&fake, "late", 0);
	bus_free(late);
}
END_TEST

START_TEST(who_takes_the_place_of_another_goes_on)
{
	listen_both();
	publish(0, "one");
	bus_silence(buses[0], &peers[0]);
	bus_free(buses[0]);
	buses[0] = start_worker(0);
	publish(0, "two");
	turn();
	expect_event(&other, "one", 0);
	expect_event(&other, "two", 0);
}
END_TEST

START_TEST(a_flood_is_lost_and_counted)
{
	static char data[BUS_DATA_MAX];
	struct slice most = { data, sizeof(data) };

	listen_both();
	for (int i = 0; i < 20; i++) {
		ck_assert_int_eq(bus_publish(buses[0], NAME, most), 0);
	}
	turn();
	expect_nothing(&other);
	publish(0, "after");
	turn();
	expect_event(&other, "after", 20);
	publish(0, "more");
	turn();
	expect_event(&other, "more", 0);
}
END_TEST

/* Reads all events that wait, here and on the way; how many. */
static int count_events(struct fake *host)
{
	struct frame frame;
	int count = 0;
	int before;

	do {
		before = count;
		while (hear(host, &frame)) {
			count++;
			host->in_size -= host->in_read;
			memmove(host->in, host->in + host->in_read, host->in_size);
			host->in_read = 0;
		}
		turn();
	} while (count > before);
	return count;
}

START_TEST(what_a_slow_host_does_not_get_it_is_told_of)
{
	enum { MESSAGES = 100 };
	static char data[BUS_DATA_MAX];
	struct slice most = { data, sizeof(data) };
	int received;

	listen_both();
	for (int i = 0; i < MESSAGES; i++) {
		ck_assert_int_eq(bus_publish(buses[0], NAME, most), 0);
		turn();
		ck_assert_int_eq(count_events(&other), 1);
	}
	received = count_events(&fake);
	ck_assert_int_gt(received, 0);
	ck_assert_int_lt(received, MESSAGES);
	publish(0, "after");
	turn();
	expect_event(&fake, "after", (uint64_t)(MESSAGES - received));
	expect_event(&other, "after", 0);
}
END_TEST

START_TEST(what_is_said_while_there_is_no_host_is_lost_to_nobody)
{
	listen_both();
	die(&fake);
	publish(0, "one");
	turn();
	attach(&fake);
	expect(&fake, FRAME_OPEN);
	publish(0, "two");
	turn();
	expect_event(&fake, "two", 0);
	expect_event(&other, "one", 0);
	expect_event(&other, "two", 0);
}
END_TEST

static const tc_bus *table;
static tc_sub *only;

static void hear_once(void *arg, const void *data, size_t size, uint64_t lost)
{
	(void)arg;
	(void)data;
	(void)size;
	(void)lost;
	table->unsubscribe(only);
	only = NULL;
}

/* The last of them does so while its ring is being read. */
START_TEST(a_worker_that_nobody_listens_in_any_more_comes_to_rest)
{
	struct plugin plugin = { .note = { .name = "chat" } };
	struct instance instance = { .plugin = &plugin };
	struct api_call before;

	api_serve(&rig_services);
	list_init(&instance.subscriptions);
	table = bus_ext(TC_BUS);
	before = instance_enter(&instance, PAGE_ON_TIMER, NULL);
	only = table->subscribe("room", hear_once, NULL);
	api_leave(before);
	ck_assert_ptr_nonnull(only);
	turn();
	publish(0, "one");
	turn();
	ck_assert_ptr_null(only);
	ck_assert(list_empty(&loop->soon));
}
END_TEST

START_TEST(a_topic_has_no_room_for_more_than_so_many)
{
	char name[BUS_NAME_MAX];

	for (int i = 0; i < BUS_SUBSCRIPTIONS; i++) {
		size_t size = (size_t)snprintf(name, sizeof(name), "chat%c%d", '\0', i);

		ck_assert_int_eq(bus_listen(buses[0], &peers[0],
		    (struct slice){ name, size }), 0);
	}
	ck_assert_int_eq(bus_listen(buses[0], &peers[0], NAME), ERR_LIMIT);
	ck_assert_int_eq(bus_listen(buses[0], &peers[1], NAME), 0);
	bus_silence(buses[0], &peers[1]);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("worker_bus");
	TCase *tests = tcase_create("worker_bus");

	tcase_add_checked_fixture(tests, start, stop);
	tcase_set_timeout(tests, 60);
	tcase_add_test(tests, a_message_reaches_the_hosts_of_all_workers);
	tcase_add_test(tests, workers_that_slept_wake_again_and_again);
	tcase_add_test(tests, many_messages_take_several_turns_and_none_is_lost);
	tcase_add_test(tests, who_listens_twice_hears_it_once);
	tcase_add_test(tests, who_does_not_listen_hears_nothing);
	tcase_add_test(tests, a_peer_that_is_silenced_listens_to_nothing);
	tcase_add_test(tests, a_worker_that_starts_later_is_heard_from_its_first_word);
	tcase_add_test(tests, who_takes_the_place_of_another_goes_on);
	tcase_add_test(tests, a_flood_is_lost_and_counted);
	tcase_add_test(tests, what_a_slow_host_does_not_get_it_is_told_of);
	tcase_add_test(tests, what_is_said_while_there_is_no_host_is_lost_to_nobody);
	tcase_add_test(tests, a_worker_that_nobody_listens_in_any_more_comes_to_rest);
	tcase_add_test(tests, a_topic_has_no_room_for_more_than_so_many);
	suite_add_tcase(suite, tests);
	return unit_run(suite);
}
