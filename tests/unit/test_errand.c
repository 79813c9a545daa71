/* SPDX-License-Identifier: MIT */
#include "plugin/errand.h"

#include <fcntl.h>
#include <sys/mman.h>

#include "threads_rig.h"

#define REQUESTS 4
#define BLOCK 65536

static tc_api api;
static struct rig_exchange requests[REQUESTS];
static int called;		/* on_request, from the thread */
static int gone;		/* on_gone, from the loop */
static int last_write;		/* what it was told at last */
static tc_req *kept;		/* of a handler that answers later */

static int answer(tc_req *r)
{
	ck_assert_ptr_nonnull(api_thread());
	called++;
	wait_at_gate();
	return api.text(r, 200, "from the thread");
}

static void set_up(void)
{
	threads_open();
	memset(&api, 0, sizeof(api));
	api_fill(&api, sizeof(api), true);
	handler.on_request = answer;
	called = gone = 0;
	for (size_t i = 0; i < REQUESTS; i++) {
		rig_begin(&requests[i], HTTP_GET, "/slow");
	}
}

static void tear_down(void)
{
	let_pass();
	run_turn();
	for (size_t i = 0; i < REQUESTS; i++) {
		rig_end(&requests[i]);
	}
	threads_close();
}

static void start(size_t i)
{
	errand_start(&instance, &requests[i].exchange);
}

static void expect(size_t i, int status, const char *body)
{
	const struct exchange *exchange = &requests[i].exchange;

	ck_assert_int_eq(exchange->state, EXCHANGE_ENDED);
	ck_assert(!exchange->held);
	ck_assert_int_eq(exchange->reply.status, status);
	ck_assert_str_eq(rig_body(&requests[i]), body);
}

static void let_go(struct exchange *exchange)
{
	(void)exchange;
}

static const struct exchange_ops parted_ops = { .wake = let_go, .info = rig_info };

/* Its client leaves; may the exchange be used again? */
static bool leave(size_t i)
{
	return exchange_part(&requests[i].exchange, &parted_ops);
}

START_TEST(the_reply_of_the_thread_is_said_on_the_loop)
{
	start(0);
	ck_assert(requests[0].exchange.held);
	let_pass();
	ck_assert_int_eq(requests[0].exchange.state, EXCHANGE_OPEN);
	run_turn();
	expect(0, 200, "from the thread");
	ck_assert_int_eq(called, 1);
	ck_assert_int_eq(holds, 0);
}
END_TEST

START_TEST(those_that_wait_have_their_turn)
{
	start(0);
	wait_arrived();
	start(1);
	ck_assert_int_eq(waiting, 1);
	ck_assert_int_eq(holds, 2);
	let_pass();
	run_turn();
	expect(0, 200, "from the thread");
	expect(1, 200, "from the thread");
}
END_TEST

START_TEST(one_that_finds_no_room_is_refused_at_once)
{
	start(0);
	wait_arrived();
	for (size_t i = 1; i < 4; i++) {
		start(i);
	}
	for (size_t i = 2; i < 4; i++) {
		ck_assert_int_eq(requests[i].exchange.reply.status, 503);
		ck_assert(!requests[i].exchange.held);
		ck_assert_str_eq(rig_header(&requests[i], "retry-after"), "1");
	}
	ck_assert_int_eq(turned_away, 2);
	ck_assert_int_eq(holds, 2);
	/* One line for both. */
	ck_assert_str_eq(rig_log.text,
	    "3 slow -: all of its threads are busy and its queue is full (max_queue), "
	    "1 requests got 503\n");
	let_pass();
	run_turn();
	expect(0, 200, "from the thread");
	expect(1, 200, "from the thread");
	ck_assert_int_eq(called, 2);
}
END_TEST

START_TEST(one_whose_client_leaves_before_its_turn_is_not_called)
{
	start(0);
	wait_arrived();
	start(1);
	ck_assert(leave(1));
	ck_assert_int_eq(waiting, 0);
	ck_assert_int_eq(holds, 1);
	/* Its place is free. */
	start(2);
	let_pass();
	run_turn();
	ck_assert_int_eq(called, 2);
	expect(2, 200, "from the thread");
}
END_TEST

START_TEST(one_whose_client_leaves_while_it_is_called_is_held_until_then)
{
	start(0);
	wait_arrived();
	ck_assert(!leave(0));
	ck_assert(requests[0].exchange.held);
	let_pass();
	ck_assert(requests[0].exchange.held);
	run_turn();
	ck_assert(!requests[0].exchange.held);
	ck_assert_int_eq(holds, 0);
}
END_TEST

static int write_for_ever(tc_req *r)
{
	static const char block[BLOCK];

	api.start(r, 200, NULL);
	while ((last_write = api.write(r, block, sizeof(block))) == TC_OK) {
		called++;
	}
	return last_write;
}

START_TEST(a_thread_that_waits_for_room_learns_that_nobody_wants_more)
{
	const struct exchange *exchange = &requests[0].exchange;

	handler.on_request = write_for_ever;
	start(0);
	while (exchange->written < EXCHANGE_HIGH) {
		run_turn();
	}
	ck_assert_int_eq(exchange->state, EXCHANGE_STARTED);
	ck_assert(!crew_wait(plugin.crew, 10));
	ck_assert(!leave(0));
	let_pass();
	run_turn();
	ck_assert_int_eq(last_write, TC_GONE);
	ck_assert_int_le(called, EXCHANGE_HIGH / BLOCK + 1);
	ck_assert(!exchange->held);
	ck_assert_str_eq(rig_log.text, "");
}
END_TEST

static int fail_it(tc_req *r)
{
	(void)r;
	return TC_FAIL;
}

START_TEST(one_that_fails_is_500_and_a_line_of_the_log)
{
	handler.on_request = fail_it;
	start(0);
	let_pass();
	run_turn();
	ck_assert_int_eq(requests[0].exchange.state, EXCHANGE_ENDED);
	ck_assert_int_eq(requests[0].exchange.reply.status, 500);
	ck_assert_str_eq(rig_log.text,
	    "4 slow 00000000deadbeef: on_request returned TC_FAIL (-3)\n");
}
END_TEST

static int keep(tc_req *r)
{
	kept = r;
	return TC_LATER;
}

static void note_gone(tc_req *r)
{
	ck_assert_ptr_eq(r, kept);
	ck_assert_ptr_null(api_thread());
	gone++;
}

static void start_later(void)
{
	handler.on_request = keep;
	handler.on_gone = note_gone;
	start(0);
	let_pass();
	run_turn();
	ck_assert_int_eq(requests[0].exchange.state, EXCHANGE_OPEN);
}

START_TEST(one_that_answers_later_does_so_on_the_loop)
{
	start_later();
	ck_assert(instance_is_busy(&instance));
	ck_assert_int_eq(api.text(kept, 201, "later"), TC_OK);
	run_turn();
	expect(0, 201, "later");
	ck_assert_int_eq(gone, 0);
}
END_TEST

START_TEST(one_that_answers_later_is_told_that_the_client_has_left)
{
	start_later();
	ck_assert(!leave(0));
	ck_assert_int_eq(gone, 1);
	ck_assert(requests[0].exchange.held);
	(void)api.abort(kept);
	run_turn();
	ck_assert(!requests[0].exchange.held);
	ck_assert_int_eq(gone, 1);
}
END_TEST

static int file_fd;		/* what the handler wrote; the server's from then on */

static int write_with_file(tc_req *r)
{
	wait_at_gate();
	file_fd = memfd_create("file", MFD_CLOEXEC);
	ck_assert_int_eq(write(file_fd, "01234567", 8), 8);
	api.start(r, 200, NULL);
	api.write(r, "before ", 7);
	last_write = api.write_file(r, file_fd, 2, 4);
	api.write(r, " behind", 7);
	return api.end(r);
}

START_TEST(a_file_goes_in_its_turn)
{
	handler.on_request = write_with_file;
	start(0);
	let_pass();
	run_turn();
	ck_assert_int_eq(last_write, TC_OK);
	expect(0, 200, "before 2345 behind");
	ck_assert_int_eq(fcntl(file_fd, F_GETFD), -1);
}
END_TEST

START_TEST(a_file_is_closed_though_nobody_wants_it)
{
	handler.on_request = write_with_file;
	start(0);
	wait_arrived();
	/* It is said on the thread, and dropped on the loop. */
	let_pass();
	ck_assert(!leave(0));
	run_turn();
	ck_assert_int_eq(fcntl(file_fd, F_GETFD), -1);
	ck_assert(!requests[0].exchange.held);
}
END_TEST

static int released;

static void note_release(void *arg)
{
	ck_assert_ptr_eq(arg, &released);
	ck_assert_ptr_null(api_thread());
	released++;
}

static int refer(tc_req *r)
{
	last_write = api.reply_ref(r, 200, NULL, "borrowed", 8, note_release, &released);
	return last_write;
}

START_TEST(what_is_borrowed_is_let_go_on_the_loop_though_nobody_wants_it)
{
	handler.on_request = refer;
	released = 0;
	start(0);
	ck_assert(crew_wait(plugin.crew, PATIENCE_MS));
	ck_assert_int_eq(last_write, TC_OK);
	ck_assert(!leave(0));
	run_turn();
	ck_assert_int_eq(released, 1);
	ck_assert(!requests[0].exchange.held);
}
END_TEST

static int refer_to_nothing(tc_req *r)
{
	return api.reply_ref(r, 200, NULL, NULL, 8, note_release, &released);
}

START_TEST(nothing_of_a_size_is_500_and_let_go_on_the_loop)
{
	handler.on_request = refer_to_nothing;
	released = 0;
	start(0);
	ck_assert(crew_wait(plugin.crew, PATIENCE_MS));
	run_turn();
	ck_assert_int_eq(requests[0].exchange.reply.status, 500);
	ck_assert_int_eq(released, 1);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("errand");
	TCase *tcase = tcase_create("errand");

	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_set_timeout(tcase, 60);
	tcase_add_test(tcase, the_reply_of_the_thread_is_said_on_the_loop);
	tcase_add_test(tcase, those_that_wait_have_their_turn);
	tcase_add_test(tcase, one_that_finds_no_room_is_refused_at_once);
	tcase_add_test(tcase, one_whose_client_leaves_before_its_turn_is_not_called);
	tcase_add_test(tcase,
	    one_whose_client_leaves_while_it_is_called_is_held_until_then);
	tcase_add_test(tcase,
	    a_thread_that_waits_for_room_learns_that_nobody_wants_more);
	tcase_add_test(tcase, one_that_fails_is_500_and_a_line_of_the_log);
	tcase_add_test(tcase, one_that_answers_later_does_so_on_the_loop);
	tcase_add_test(tcase,
	    one_that_answers_later_is_told_that_the_client_has_left);
	tcase_add_test(tcase, a_file_goes_in_its_turn);
	tcase_add_test(tcase, a_file_is_closed_though_nobody_wants_it);
	tcase_add_test(tcase,
	    what_is_borrowed_is_let_go_on_the_loop_though_nobody_wants_it);
	tcase_add_test(tcase, nothing_of_a_size_is_500_and_let_go_on_the_loop);
	suite_add_tcase(suite, tcase);
	return unit_run(suite);
}
