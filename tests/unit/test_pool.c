/* SPDX-License-Identifier: MIT */
/* The processes of a plugin that blocks, seen from a worker: who gets which call. */
#include "remote/pool.h"

#include "fake_host.h"
#include "unit.h"

#define QUEUE 2

static struct pool *pool;
static struct rig_exchange calls[4];
static uint32_t instance;
static size_t waiting;		/* as the pool has said last */
static int full;

static void on_waiting(void *arg, size_t count)
{
	(void)arg;
	waiting = count;
}

static void on_full(void *arg)
{
	(void)arg;
	full++;
}

static void on_free(void *arg)
{
	(void)arg;
	pool_go_on(pool);
}

static void on_again(void *arg, uint32_t number, struct exchange *exchange,
    uint32_t timeout_ms)
{
	(void)arg;
	pool_again(pool, number, exchange, timeout_ms);
}

static void place(struct fake *host)
{
	struct remote_ops ops = { .kill = on_kill, .lost = on_lost, .log = on_log,
		.idle = on_idle, .silent = on_silent, .free = on_free,
		.again = on_again, .arg = host };

	memset(host, 0, sizeof(*host));
	buffer_init(&host->out, 64 << 20);
	host->remote = remote_new(loop, &ops, "bad");
	pool_add(pool, host->remote);
}

/* The frames of its instances are read. */
static void come(struct fake *host)
{
	attach(host);
	pool_mend(pool);
	turn();
	expect(host, FRAME_OPEN);
}

/* Two processes, the second of which came when the instance was open. */
static void set_up_pool(void)
{
	struct pool_ops ops = { .waiting = on_waiting, .full = on_full };
	struct open_message message = { .pattern = "/*", .directory = "/",
		.where = "routes[0]" };

	open_before = count_open();
	memset(calls, 0, sizeof(calls));
	waiting = 0;
	full = 0;
	loop = loop_new();
	pool = pool_new(loop, &ops);
	place(&fake);
	pool_set(pool, true, QUEUE);
	settings_init(&message.settings);
	ck_assert_int_eq(pool_open(pool, &message, &instance), 0);
	come(&fake);
	place(&other);
	come(&other);
}

static void tear_down_pool(void)
{
	pool_free(pool);
	fake_close(&fake);
	fake_close(&other);
	for (size_t i = 0; i < 4; i++) {
		rig_end(&calls[i]);
	}
	loop_free(loop);
	ck_assert_int_eq(count_open(), open_before);
}

static void ask(size_t i, uint32_t timeout_ms)
{
	rig_begin(&calls[i], HTTP_GET, "/x");
	calls[i].exchange.match.pattern = "/*";
	pool_call(pool, instance, &calls[i].exchange, timeout_ms);
	turn();
}

/* The host has begun the call that it has got. */
static uint64_t take(struct fake *host)
{
	uint64_t id = expect(host, FRAME_REQUEST);

	atomic_store(&host->page->running, id);
	return id;
}

static void answer(struct fake *host, uint64_t id)
{
	atomic_store(&host->page->running, 0);
	pack_reply(host, id, "done");
	flush(host);
}

static bool has_nothing(struct fake *host)
{
	struct frame frame;

	return !hear(host, &frame);
}

START_TEST(each_process_gets_one_call_and_the_next_waits)
{
	uint64_t first;
	uint64_t second;

	for (size_t i = 0; i < 3; i++) {
		ask(i, TIMEOUT_MS);
	}
	first = take(&fake);
	second = take(&other);
	ck_assert(has_nothing(&fake) && has_nothing(&other));
	ck_assert_uint_eq(waiting, 1);
	answer(&other, second);
	check_status(&calls[1], 200);
	ck_assert_uint_eq(waiting, 0);
	answer(&other, take(&other));
	check_status(&calls[2], 200);
	answer(&fake, first);
	check_status(&calls[0], 200);
}
END_TEST

START_TEST(a_full_queue_refuses_at_once)
{
	uint64_t id;

	for (size_t i = 0; i < 4; i++) {
		ask(i, TIMEOUT_MS);
	}
	ck_assert_uint_eq(waiting, QUEUE);
	ck_assert_int_eq(full, 0);
	pool_set(pool, true, 1);
	id = take(&fake);
	answer(&fake, id);
	ck_assert_uint_eq(waiting, 1);
	rig_end(&calls[0]);
	ask(0, TIMEOUT_MS);
	check_status(&calls[0], 503);
	ck_assert_str_eq(rig_header(&calls[0], "retry-after"), "1");
	ck_assert_int_eq(full, 1);
}
END_TEST

START_TEST(who_leaves_is_no_longer_in_the_queue)
{
	uint64_t id;

	for (size_t i = 0; i < 4; i++) {
		ask(i, TIMEOUT_MS);
	}
	exchange_reset(&calls[2].exchange);
	ck_assert_uint_eq(waiting, 1);
	id = take(&fake);
	answer(&fake, id);
	answer(&fake, take(&fake));
	check_status(&calls[3], 200);
}
END_TEST

START_TEST(who_waits_too_long_is_late_and_never_runs)
{
	const uint32_t nobody = 0;

	ask(0, TIMEOUT_MS);
	ask(1, TIMEOUT_MS);
	ask(2, 20);
	await(&calls[2].wakes, &nobody);
	check_status(&calls[2], 504);
	ck_assert_uint_eq(waiting, 0);
	answer(&fake, take(&fake));
	ck_assert(has_nothing(&fake));
}
END_TEST

START_TEST(one_that_has_returned_takes_the_next_while_its_reply_goes_on)
{
	uint64_t id;

	for (size_t i = 0; i < 3; i++) {
		ask(i, TIMEOUT_MS);
	}
	id = take(&fake);
	pack_start(&fake, id, "5");
	flush(&fake);
	ck_assert(has_nothing(&fake));
	say(&fake, FRAME_LATER, 0, 0, id, SLICE(""));
	flush(&fake);
	answer(&fake, take(&fake));
	check_status(&calls[2], 200);
	say(&fake, FRAME_DATA, 0, 0, id, SLICE("hello"));
	pack_end(&fake, id);
	flush(&fake);
	check_status(&calls[0], 200);
	ck_assert_str_eq(rig_body(&calls[0]), "hello");
}
END_TEST

START_TEST(a_second_word_of_having_returned_ends_the_host)
{
	uint64_t id;

	ask(0, TIMEOUT_MS);
	id = take(&fake);
	pack_start(&fake, id, "5");
	say(&fake, FRAME_LATER, 0, 0, id, SLICE(""));
	flush(&fake);
	ck_assert_int_eq(fake.lost, 0);
	say(&fake, FRAME_LATER, 0, 0, id, SLICE(""));
	flush(&fake);
	ck_assert_int_eq(fake.lost, 1);
}
END_TEST

START_TEST(a_death_costs_the_call_that_ran)
{
	ask(0, TIMEOUT_MS);
	ask(1, TIMEOUT_MS);
	(void)take(&fake);
	die(&fake);
	check_status(&calls[0], 502);
	ck_assert_int_eq(calls[1].exchange.state, EXCHANGE_OPEN);
	answer(&other, take(&other));
	check_status(&calls[1], 200);
}
END_TEST

START_TEST(a_call_that_had_not_begun_goes_to_another)
{
	ask(0, TIMEOUT_MS);
	expect(&fake, FRAME_REQUEST);
	die(&fake);
	ck_assert_int_eq(calls[0].exchange.state, EXCHANGE_OPEN);
	answer(&other, take(&other));
	check_status(&calls[0], 200);
}
END_TEST

START_TEST(it_goes_before_those_that_came_later)
{
	for (size_t i = 0; i < 3; i++) {
		ask(i, TIMEOUT_MS);
	}
	expect(&fake, FRAME_REQUEST);
	die(&fake);
	ck_assert_uint_eq(waiting, 2);
	answer(&other, take(&other));
	check_status(&calls[1], 200);
	answer(&other, take(&other));
	check_status(&calls[0], 200);
	answer(&other, take(&other));
	check_status(&calls[2], 200);
}
END_TEST

START_TEST(an_open_breaker_refuses_all_until_a_process_comes)
{
	for (size_t i = 0; i < 3; i++) {
		ask(i, TIMEOUT_MS);
	}
	(void)take(&fake);
	die(&fake);
	pool_break(pool, 30);
	check_status(&calls[2], 503);
	ck_assert_str_eq(rig_header(&calls[2], "retry-after"), "30");
	ask(3, TIMEOUT_MS);
	check_status(&calls[3], 503);
	come(&fake);
	rig_end(&calls[3]);
	ask(3, TIMEOUT_MS);
	answer(&fake, take(&fake));
	check_status(&calls[3], 200);
}
END_TEST

START_TEST(one_that_is_to_go_finishes_and_gets_no_more)
{
	uint64_t id;

	ask(0, TIMEOUT_MS);
	id = take(&fake);
	pool_dismiss(pool, fake.remote);
	ck_assert_int_eq(fake.idle, 0);
	answer(&fake, id);
	check_status(&calls[0], 200);
	ck_assert_int_ge(fake.idle, 1);
	ask(1, TIMEOUT_MS);
	answer(&other, take(&other));
	check_status(&calls[1], 200);
}
END_TEST

START_TEST(a_process_that_refused_the_route_is_passed_over)
{
	say(&fake, FRAME_OPEN_END, 0, 0, instance, SLICE(""));
	flush(&fake);
	ask(0, TIMEOUT_MS);
	answer(&other, take(&other));
	check_status(&calls[0], 200);
	say(&other, FRAME_OPEN_END, 0, 0, instance, SLICE(""));
	flush(&other);
	ask(1, TIMEOUT_MS);
	check_status(&calls[1], 503);
}
END_TEST

static Suite *suite(void)
{
	Suite *all = suite_create("pool");
	TCase *tests = tcase_create("calls");

	tcase_add_checked_fixture(tests, set_up_pool, tear_down_pool);
	tcase_add_test(tests, each_process_gets_one_call_and_the_next_waits);
	tcase_add_test(tests, a_full_queue_refuses_at_once);
	tcase_add_test(tests, who_leaves_is_no_longer_in_the_queue);
	tcase_add_test(tests, who_waits_too_long_is_late_and_never_runs);
	tcase_add_test(tests,
	    one_that_has_returned_takes_the_next_while_its_reply_goes_on);
	tcase_add_test(tests, a_second_word_of_having_returned_ends_the_host);
	tcase_add_test(tests, a_death_costs_the_call_that_ran);
	tcase_add_test(tests, a_call_that_had_not_begun_goes_to_another);
	tcase_add_test(tests, it_goes_before_those_that_came_later);
	tcase_add_test(tests, an_open_breaker_refuses_all_until_a_process_comes);
	tcase_add_test(tests, one_that_is_to_go_finishes_and_gets_no_more);
	tcase_add_test(tests, a_process_that_refused_the_route_is_passed_over);
	suite_add_tcase(all, tests);
	return all;
}

int main(void)
{
	return unit_run(suite());
}
