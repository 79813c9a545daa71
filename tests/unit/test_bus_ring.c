/* SPDX-License-Identifier: MIT */
/* The rings of the bus: readers that keep up, readers that do not, writers that die. */
#include "ipc/bus_ring.h"

#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/wait.h>
#include <unistd.h>

#include "unit.h"

#define NAME "chat\0room"
#define WAIT_MS 20000

static struct bus_rings *rings;
static struct bus_writer writer;
static struct bus_reader reader;
static struct bus_message message;
static uint64_t record[BUS_RECORD_WORDS];
static uint64_t missed;
static int bell_fd;

static void set_up(void)
{
	rings = bus_rings_new(&bell_fd);
	bus_writer_init(&writer, rings, 1);
	bus_reader_init(&reader, &rings->ring[1]);
	missed = 0;
}

static void tear_down(void)
{
	bus_rings_free(rings);
	bus_rings_free(NULL);
	close(bell_fd);
}

static void put(struct slice data)
{
	struct bus_message next = { SLICE(NAME), data };

	ck_assert_int_eq(bus_ring_write(&writer, &next), 0);
}

static int get(void)
{
	return bus_ring_read(&reader, record, &message, &missed);
}

static void expect(const char *data)
{
	ck_assert_int_eq(get(), 0);
	ck_assert(slice_equal(message.name, SLICE(NAME)));
	ck_assert(slice_equal(message.data, slice_of(data)));
}

START_TEST(brings_messages_in_order)
{
	ck_assert_int_eq(get(), ERR_AGAIN);
	put(SLICE("one"));
	put(SLICE(""));
	put(SLICE("three"));
	expect("one");
	expect("");
	expect("three");
	ck_assert_int_eq(get(), ERR_AGAIN);
	ck_assert_uint_eq(missed, 0);
}
END_TEST

START_TEST(brings_nothing_from_before_the_reader)
{
	put(SLICE("early"));
	bus_reader_init(&reader, &rings->ring[1]);
	ck_assert_int_eq(get(), ERR_AGAIN);
	put(SLICE("late"));
	expect("late");
	ck_assert_uint_eq(missed, 0);
}
END_TEST

START_TEST(goes_round_with_messages_of_every_size)
{
	static char data[BUS_DATA_MAX];

	for (size_t i = 0; i < 300; i++) {
		size_t size = i * i * 7 % (BUS_DATA_MAX + 1);

		memset(data, (int)('a' + i % 26), sizeof(data));
		put((struct slice){ data, size });
		ck_assert_int_eq(get(), 0);
		ck_assert(slice_equal(message.data, (struct slice){ data, size }));
	}
	put((struct slice){ data, BUS_DATA_MAX });
	ck_assert_int_eq(get(), 0);
	ck_assert_uint_eq(message.data.size, BUS_DATA_MAX);
	ck_assert_uint_eq(missed, 0);
}
END_TEST

START_TEST(refuses_too_much)
{
	static const char data[BUS_DATA_MAX + 1];
	struct bus_message big = { SLICE(NAME), { data, sizeof(data) } };

	ck_assert_int_eq(bus_ring_write(&writer, &big), ERR_LIMIT);
	ck_assert_int_eq(get(), ERR_AGAIN);
}
END_TEST

/* 40 bytes each: more than the ring has room for. */
static void flood(void)
{
	for (size_t i = 0; i < BUS_RING_WORDS; i++) {
		put(SLICE("0123456"));
	}
}

START_TEST(who_is_overtaken_goes_on_with_the_newest_and_knows_what_it_missed)
{
	put(SLICE("one"));
	expect("one");
	flood();
	ck_assert_int_eq(get(), ERR_AGAIN);
	ck_assert_uint_eq(missed, BUS_RING_WORDS);
	put(SLICE("newest"));
	expect("newest");
	ck_assert_uint_eq(missed, BUS_RING_WORDS);
}
END_TEST

START_TEST(readers_do_not_know_of_one_another)
{
	struct bus_reader quick;

	bus_reader_init(&quick, &rings->ring[1]);
	put(SLICE("one"));
	ck_assert_int_eq(bus_ring_read(&quick, record, &message, &missed), 0);
	flood();
	bus_reader_init(&quick, &rings->ring[1]);
	put(SLICE("two"));
	ck_assert_int_eq(bus_ring_read(&quick, record, &message, &missed), 0);
	ck_assert_uint_eq(missed, 0);
	ck_assert_int_eq(get(), ERR_AGAIN);
	ck_assert_uint_eq(missed, BUS_RING_WORDS + 2);
}
END_TEST

START_TEST(the_next_writer_goes_on)
{
	put(SLICE("one"));
	bus_writer_init(&writer, rings, 1);
	put(SLICE("two"));
	expect("one");
	expect("two");
	ck_assert_uint_eq(missed, 0);
}
END_TEST

/* As it is after a death in the middle of a record that goes round: the oldest have been
 * overwritten in part, and nobody says so any more but the reservation. */
START_TEST(what_a_writer_overwrote_when_it_died_is_not_read)
{
	struct bus_ring *ring = &rings->ring[1];
	struct bus_reader before;

	flood();
	bus_reader_init(&before, ring);
	while (atomic_load(&ring->head) - before.position < BUS_RING_WORDS - 16) {
		put(SLICE("old"));
	}
	reader = before;
	atomic_store(&ring->reserved, atomic_load(&ring->head) + 1000);
	bus_writer_init(&writer, rings, 1);
	put(SLICE("new"));
	ck_assert_int_eq(get(), ERR_AGAIN);
	ck_assert_uint_gt(missed, 1000);
	put(SLICE("newer"));
	expect("newer");
}
END_TEST

START_TEST(a_reservation_without_sense_does_not_last)
{
	atomic_store(&rings->ring[1].reserved, UINT64_MAX);
	bus_writer_init(&writer, rings, 1);
	put(SLICE("one"));
	expect("one");
}
END_TEST

/* What stands in the ring at the reader's place, made into the words given. */
static void spoil(uint64_t sizes, const char *name)
{
	struct bus_ring *ring = &rings->ring[1];
	uint64_t place = reader.position % BUS_RING_WORDS;
	uint64_t word = 0;

	memcpy(&word, name, strnlen(name, sizeof(word)));
	atomic_store(&ring->words[place + 1], sizes);
	atomic_store(&ring->words[place + 2], word);
}

#define SIZES(name, data) ((uint64_t)(name) << 32 | (data))

START_TEST(what_makes_no_sense_is_missed)
{
	static const struct { uint64_t sizes; const char *name; } records[] = {
		{ SIZES(8, BUS_DATA_MAX + 1), "chat" },
		{ SIZES(BUS_NAME_MAX + 1, 3), "chat" },
		{ SIZES(8, 60000), "chat" },
		{ UINT64_MAX, "chat" },
		{ SIZES(0, 8), "" },
		{ SIZES(4, 4), "chat" },
		{ SIZES(5, 3), "chat" },
		{ SIZES(8, 3), "" },
	};

	for (size_t i = 0; i < sizeof(records) / sizeof(records[0]); i++) {
		missed = 0;
		put(SLICE("one"));
		spoil(records[i].sizes, records[i].name);
		ck_assert_int_eq(get(), ERR_AGAIN);
		ck_assert_uint_eq(missed, 1);
		put(SLICE("two"));
		expect("two");
		ck_assert_uint_eq(missed, 1);
	}
}
END_TEST

START_TEST(a_head_that_went_back_does_no_harm)
{
	put(SLICE("one"));
	expect("one");
	atomic_store(&rings->ring[1].head, 1);
	ck_assert_int_eq(get(), ERR_AGAIN);
	put(SLICE("two"));
	expect("two");
}
END_TEST

START_TEST(names_are_of_a_handler_and_a_topic)
{
	char out[BUS_NAME_MAX];
	char longest[BUS_TOPIC_MAX + 1];
	struct slice topic = { longest, BUS_TOPIC_MAX };
	size_t size = bus_name(out, SLICE("chat"), SLICE("room"));

	memset(longest, 'x', sizeof(longest));
	ck_assert(slice_equal((struct slice){ out, size }, SLICE(NAME)));
	ck_assert(slice_equal(bus_name_topic(SLICE(NAME)), SLICE("room")));
	ck_assert_uint_eq(bus_name(out, SLICE("chat"), topic), 5 + BUS_TOPIC_MAX);
	ck_assert(bus_name_is_valid((struct slice){ out, 5 + BUS_TOPIC_MAX }));
	topic.size++;
	ck_assert_uint_eq(bus_name(out, SLICE("chat"), topic), 0);
	ck_assert_uint_eq(bus_name(out, SLICE("chat"), SLICE("")), 0);
	ck_assert_uint_eq(bus_name(out, SLICE(""), SLICE("room")), 0);
	topic.size = 48;
	ck_assert_uint_eq(bus_name(out, topic, SLICE("room")), 0);
}
END_TEST

START_TEST(a_name_that_is_none_is_found_out)
{
	ck_assert(bus_name_is_valid(SLICE("a\0b")));
	ck_assert(!bus_name_is_valid(SLICE("")));
	ck_assert(!bus_name_is_valid(SLICE("a")));
	ck_assert(!bus_name_is_valid(SLICE("a\0")));
	ck_assert(!bus_name_is_valid(SLICE("\0b")));
	ck_assert(!bus_name_is_valid(SLICE("a\0b\0")));
}
END_TEST

START_TEST(only_rings_with_a_writer_are_looked_at)
{
	ck_assert_uint_eq(bus_rings_used(rings), 2);
	bus_writer_init(&writer, rings, 0);
	ck_assert_uint_eq(bus_rings_used(rings), 2);
	bus_writer_init(&writer, rings, BUS_RINGS - 1);
	ck_assert_uint_eq(bus_rings_used(rings), BUS_RINGS);
	atomic_store(&rings->used, UINT32_MAX);
	ck_assert_uint_eq(bus_rings_used(rings), BUS_RINGS);
}
END_TEST

START_TEST(the_bell_rings_for_those_who_sleep_however_often)
{
	struct epoll_event event = { .events = EPOLLIN | EPOLLET };
	int epoll_fd = epoll_create1(EPOLL_CLOEXEC);

	ck_assert_int_eq(epoll_ctl(epoll_fd, EPOLL_CTL_ADD, bell_fd, &event), 0);
	for (int i = 0; i < 3; i++) {
		bus_rings_wake(rings, bell_fd);
		ck_assert_int_eq(epoll_wait(epoll_fd, &event, 1, 0), 0);
		bus_rings_sleep(rings);
		bus_rings_wake(rings, bell_fd);
		bus_rings_wake(rings, bell_fd);
		ck_assert_int_eq(epoll_wait(epoll_fd, &event, 1, 0), 1);
		ck_assert_int_eq(epoll_wait(epoll_fd, &event, 1, 0), 0);
	}
	close(epoll_fd);
}
END_TEST

/* Under load. Data of message number i: its number, and as many bytes as follow from it,
 * all alike. */

#define MESSAGES 50000

/* The writer goes on when each reader has read the first: however late those run, they
 * have read one. */
static pthread_barrier_t begun;

static size_t make(uint64_t i, char data[2048])
{
	size_t size = sizeof(i) + i * 37 % 2000;

	memset(data, (int)(i & 127), size);
	memcpy(data, &i, sizeof(i));
	return size;
}

static uint64_t check(struct slice data)
{
	char whole[2048];
	uint64_t i;

	ck_assert_uint_ge(data.size, sizeof(i));
	memcpy(&i, data.data, sizeof(i));
	ck_assert(slice_equal(data, (struct slice){ whole, make(i, whole) }));
	return i;
}

static void *write_all(void *arg)
{
	(void)arg;
	for (uint64_t i = 0; i < MESSAGES; i++) {
		char data[2048];
		struct bus_message next = { SLICE(NAME), { data, make(i, data) } };

		(void)!bus_ring_write(&writer, &next);
		bus_rings_wake(rings, bell_fd);
		if (i == 0) {
			pthread_barrier_wait(&begun);
		}
	}
	return NULL;
}

struct tally {
	uint64_t messages;
	uint64_t missed;
	bool in_order;
};

static void *read_all(void *arg)
{
	struct tally *tally = arg;
	struct epoll_event event = { .events = EPOLLIN | EPOLLET };
	int epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	static _Thread_local uint64_t space[BUS_RECORD_WORDS];
	struct bus_reader mine;
	struct bus_message next;

	mine = reader;
	ck_assert_int_eq(epoll_ctl(epoll_fd, EPOLL_CTL_ADD, bell_fd, &event), 0);
	tally->in_order = true;
	for (;;) {
		bus_rings_sleep(rings);
		while (bus_ring_read(&mine, space, &next, &tally->missed) == 0) {
			uint64_t number = check(next.data);

			tally->in_order = tally->in_order &&
			    number == tally->messages + tally->missed;
			tally->messages++;
			if (tally->messages == 1) {
				pthread_barrier_wait(&begun);
			}
		}
		if (tally->messages + tally->missed >= MESSAGES ||
		    epoll_wait(epoll_fd, &event, 1, WAIT_MS) != 1) {
			break;
		}
	}
	close(epoll_fd);
	return NULL;
}

START_TEST(threads_lose_no_message_without_knowing)
{
	struct tally tallies[2] = { 0 };
	pthread_t readers[2];
	pthread_t thread;

	ck_assert_int_eq(pthread_barrier_init(&begun, NULL, 3), 0);
	for (size_t i = 0; i < 2; i++) {
		ck_assert_int_eq(pthread_create(&readers[i], NULL, read_all, &tallies[i]),
		    0);
	}
	ck_assert_int_eq(pthread_create(&thread, NULL, write_all, NULL), 0);
	pthread_join(thread, NULL);
	for (size_t i = 0; i < 2; i++) {
		pthread_join(readers[i], NULL);
		ck_assert_uint_gt(tallies[i].messages, 0);
		ck_assert_uint_eq(tallies[i].messages + tallies[i].missed, MESSAGES);
		ck_assert(tallies[i].in_order);
	}
	pthread_barrier_destroy(&begun);
}
END_TEST

/* Goes on for ever: its parent kills it anywhere. */
static _Noreturn void write_until_killed(void)
{
	bus_writer_init(&writer, rings, 1);
	for (uint64_t i = 0;; i++) {
		char data[2048];
		struct bus_message next = { SLICE(NAME), { data, make(i, data) } };

		(void)!bus_ring_write(&writer, &next);
	}
}

START_TEST(no_half_message_comes_of_writers_that_are_killed)
{
	for (int round = 0; round < 50; round++) {
		int count = 0;
		pid_t pid = fork();

		ck_assert_int_ge(pid, 0);
		if (pid == 0) {
			write_until_killed();
		}
		while (count < 20) {
			if (get() == 0) {
				(void)check(message.data);
				count++;
			}
		}
		kill(pid, SIGKILL);
		ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
	}
}
END_TEST

static TCase *load_case(void)
{
	TCase *load = tcase_create("load");

	tcase_add_checked_fixture(load, set_up, tear_down);
	tcase_set_timeout(load, 100);
	tcase_add_test(load, threads_lose_no_message_without_knowing);
	tcase_add_test(load, no_half_message_comes_of_writers_that_are_killed);
	return load;
}

int main(void)
{
	Suite *suite = suite_create("bus_ring");
	TCase *tests = tcase_create("bus_ring");

	tcase_add_checked_fixture(tests, set_up, tear_down);
	tcase_add_test(tests, brings_messages_in_order);
	tcase_add_test(tests, brings_nothing_from_before_the_reader);
	tcase_add_test(tests, goes_round_with_messages_of_every_size);
	tcase_add_test(tests, refuses_too_much);
	tcase_add_test(tests,
	    who_is_overtaken_goes_on_with_the_newest_and_knows_what_it_missed);
	tcase_add_test(tests, readers_do_not_know_of_one_another);
	tcase_add_test(tests, the_next_writer_goes_on);
	tcase_add_test(tests, what_a_writer_overwrote_when_it_died_is_not_read);
	tcase_add_test(tests, a_reservation_without_sense_does_not_last);
	tcase_add_test(tests, what_makes_no_sense_is_missed);
	tcase_add_test(tests, a_head_that_went_back_does_no_harm);
	tcase_add_test(tests, names_are_of_a_handler_and_a_topic);
	tcase_add_test(tests, a_name_that_is_none_is_found_out);
	tcase_add_test(tests, only_rings_with_a_writer_are_looked_at);
	tcase_add_test(tests, the_bell_rings_for_those_who_sleep_however_often);
	suite_add_tcase(suite, tests);
	suite_add_tcase(suite, load_case());
	return unit_run(suite);
}
