/* SPDX-License-Identifier: MIT */
#include "plugin/instance.h"

#include <signal.h>

#include "instance_rig.h"

static void expect(int status, const char *body)
{
	ck_assert_int_eq(request.exchange.state, EXCHANGE_ENDED);
	ck_assert_int_eq(request.exchange.reply.status, status);
	ck_assert_str_eq(rig_body(&request), body);
}

static void expect_log(const char *text)
{
	ck_assert_str_eq(rig_log.text, text);
}

static void set_text(const char *key, const char *value)
{
	if (settings.count == 0) {
		settings_add(&settings, "", SETTING_OBJECT, "{}", "{}",
		    "server.json:9: s");
	}
	settings_add(&settings, key, SETTING_STRING, value, value,
	    "server.json:9: s.key");
}

static void expect_problem(const char *where, const char *what)
{
	ck_assert_ptr_null(instance);
	ck_assert_uint_eq(rig.problems.errors, 1);
	ck_assert_str_eq(rig.problems.items[0].where, where);
	ck_assert_str_eq(rig.problems.items[0].what, what);
}

START_TEST(answers_a_request_with_its_state)
{
	set_text("greeting", "Good day");
	ask("greeter", "/greet");
	expect(200, "Good day, world\n");
	expect_log("");
}
END_TEST

START_TEST(answers_without_settings)
{
	ask("greeter", "/greet");
	expect(200, "Hello, world\n");
	ck_assert_int_eq(request.wakes, 1);
}
END_TEST

START_TEST(reports_settings_that_nobody_asked_for)
{
	set_text("gretting", "Hi");
	open_instance("greeter");
	expect_problem("server.json:9: s.key", "unknown setting 'gretting'");
	ck_assert_str_eq(rig.problems.items[0].hint, "did you mean 'greeting'?");
}
END_TEST

START_TEST(reports_settings_of_a_handler_that_takes_none)
{
	set_text("colour", "red");
	open_instance("mirror");
	expect_problem("server.json:9: s.key", "unknown setting 'colour'");
}
END_TEST

START_TEST(reports_a_refusal_without_a_reason)
{
	open_instance("picky");
	expect_problem("server.json:8: routes[0]",
	    "handler 'picky' refuses the route: on_open returned TC_FAIL (-3)");
	expect_log("");
}
END_TEST

START_TEST(reports_a_result_that_on_open_may_not_have)
{
	set_text("refuse", "positive");
	open_instance("picky");
	expect_problem("server.json:8: routes[0]",
	    "handler 'picky' refuses the route: on_open returned an unknown result (5)");
}
END_TEST

START_TEST(reports_the_reason_of_a_refusal_once)
{
	set_text("refuse", "key");
	open_instance("picky");
	expect_problem("server.json:9: s.key", "must not be 'key'");
}
END_TEST

START_TEST(reports_the_misspelling_behind_a_missing_key)
{
	set_text("refuse", "missing");
	set_text("rooot", "/srv");
	open_instance("picky");
	ck_assert_ptr_null(instance);
	ck_assert_uint_eq(rig.problems.errors, 2);
	ck_assert_str_eq(rig.problems.items[0].what, "setting 'root': is required");
	ck_assert_str_eq(rig.problems.items[1].what, "unknown setting 'rooot'");
	ck_assert_str_eq(rig.problems.items[1].hint, "did you mean 'root'?");
}
END_TEST

START_TEST(no_reply_is_500_and_logged)
{
	ask("rude", "/no-reply");
	expect(500, "500 Internal Server Error (request 00000000deadbeef)\n");
	expect_log(
	    "4 rude 00000000deadbeef: on_request returned TC_OK without a reply\n");
}
END_TEST

START_TEST(failure_is_500_and_logged)
{
	ask("rude", "/fail");
	expect(500, "500 Internal Server Error (request 00000000deadbeef)\n");
	expect_log("4 rude 00000000deadbeef: on_request returned TC_FAIL (-3)\n");
}
END_TEST

START_TEST(unknown_result_is_500_without_the_handlers_fields)
{
	ask("rude", "/unknown");
	expect(500, "500 Internal Server Error (request 00000000deadbeef)\n");
	ck_assert_ptr_null(rig_header(&request, "x-half-done"));
	expect_log(
	    "4 rude 00000000deadbeef: on_request returned an unknown result (77)\n");
}
END_TEST

START_TEST(unfinished_reply_is_broken)
{
	ask("rude", "/no-end");
	ck_assert_int_eq(request.exchange.state, EXCHANGE_BROKEN);
	expect_log("4 rude 00000000deadbeef: on_request returned TC_OK without tc.end\n");
}
END_TEST

START_TEST(short_reply_is_broken)
{
	ask("rude", "/short");
	ck_assert_int_eq(request.exchange.state, EXCHANGE_BROKEN);
	expect_log(
	    "4 rude 00000000deadbeef: its reply is shorter than its Content-Length: "
	    "5 of 10 bytes\n");
}
END_TEST

START_TEST(second_reply_is_refused)
{
	ask("rude", "/twice");
	expect(200, "first\n");
	expect_log("");
}
END_TEST

START_TEST(failure_after_the_reply_is_only_logged)
{
	ask("rude", "/fail-after");
	expect(200, "done\n");
	expect_log("4 rude 00000000deadbeef: on_request returned TC_NOMEM (-6)\n");
}
END_TEST

START_TEST(data_of_a_failed_allocation_is_500)
{
	ask("rude", "/no-memory");
	expect(500, "500 Internal Server Error (request 00000000deadbeef)\n");
	expect_log("4 rude 00000000deadbeef: replied with data NULL: out of memory?\n");
}
END_TEST

START_TEST(used_up_memory_is_500)
{
	ask("rude", "/all-memory");
	expect(500, "500 Internal Server Error (request 00000000deadbeef)\n");
	expect_log("4 rude 00000000deadbeef: on_request returned TC_NOMEM (-6)\n");
}
END_TEST

START_TEST(an_instance_outlives_its_requests_mistakes)
{
	ask("rude", "/no-end");
	ask("rude", "/fail");
	ask("rude", "/twice");
	expect(200, "first\n");
}
END_TEST

START_TEST(a_request_to_who_takes_none_is_404)
{
	ask("silent", "/");
	ck_assert_int_eq(request.exchange.reply.status, 404);
	ck_assert_ptr_nonnull(strstr(rig_body(&request), "only WebSockets"));
	expect_log("");
}
END_TEST

START_TEST(an_entry_that_the_server_lacks_ends_the_process)
{
	ask("future", "/careless");
}
END_TEST

START_TEST(a_newer_handler_asks_before_it_calls)
{
	ask("future", "/");
	expect(200, "doing without\n");
}
END_TEST

/* A second request, as the first waits. */
static struct rig_exchange other;

static void ask_again(const char *path)
{
	rig_begin(&other, HTTP_GET, path);
	instance_request(instance, &other.exchange);
}

START_TEST(a_request_may_be_answered_by_another)
{
	ask("later", "/later/keep");
	ck_assert_int_eq(request.exchange.state, EXCHANGE_OPEN);
	ck_assert(request.exchange.held);
	ck_assert_int_eq(request.wakes, 0);
	ask_again("/later/release");
	ck_assert_int_eq(request.wakes, 1);
	ck_assert(!request.exchange.held);
	expect(200, "late\n");
	expect_log("");
	rig_end(&other);
}
END_TEST

START_TEST(a_handler_hears_that_the_peer_has_left)
{
	ask("later", "/later/keep");
	ck_assert(exchange_part(&request.exchange, &rig_ops));
	expect_log("2 later 00000000deadbeef: gone: write says -2\n");
	ask_again("/later/tell");
	ck_assert_str_eq(rig_body(&other), "0 kept, 1 gone\n");
	rig_end(&other);
}
END_TEST

START_TEST(a_handler_goes_on_when_there_is_room)
{
	ask("later", "/later/stream");
	ck_assert_int_eq(request.exchange.state, EXCHANGE_STARTED);
	ck_assert_int_eq(request.exchange.pieces.left, EXCHANGE_FIRST);
	ck_assert_int_eq(rig_take(&request), ERR_EOF);
	exchange_taken(&request.exchange);
	ck_assert_int_eq(request.exchange.pieces.left, EXCHANGE_HIGH);
	ck_assert(exchange_part(&request.exchange, &rig_ops));
}
END_TEST

START_TEST(an_answer_at_once_may_call_itself_later)
{
	ask("rude", "/later");
	expect(200, "now\n");
	ck_assert(!request.exchange.held);
	expect_log("");
}
END_TEST

START_TEST(a_timer_needs_a_loop_and_a_callback)
{
	ask("later", "/later/answer");
	expect(500, "500 Internal Server Error (request 00000000deadbeef)\n");
	ck_assert_ptr_null(instance->plugin->handler->api->after(0, NULL, NULL));
	rig_log = (struct rig_log){ 0 };
}
END_TEST

START_TEST(stops_once_before_it_closes)
{
	open_instance("later");
	instance_stop(instance, TC_RELOAD);
	instance_stop(instance, TC_RELOAD);
	expect_log("2 later -: stopping with 0 requests\n");
	instance_stop(instance, TC_SHUTDOWN);
	instance_stop(instance, TC_RELOAD);
	instance_close(instance);
	expect_log("2 later -: stopping with 0 requests\n"
	    "2 later -: ending with 0 requests\n"
	    "2 later -: closing with 0 requests\n");
	open_instance("later");
	rig_log = (struct rig_log){ 0 };
	instance_close(instance);
	instance = NULL;
	expect_log("2 later -: stopping with 0 requests\n"
	    "2 later -: closing with 0 requests\n");
}
END_TEST

START_TEST(closing_nothing_is_fine)
{
	instance_close(NULL);
}
END_TEST

static void add_opening(TCase *tcase)
{
	tcase_add_test(tcase, reports_settings_that_nobody_asked_for);
	tcase_add_test(tcase, reports_settings_of_a_handler_that_takes_none);
	tcase_add_test(tcase, reports_a_refusal_without_a_reason);
	tcase_add_test(tcase, reports_a_result_that_on_open_may_not_have);
	tcase_add_test(tcase, reports_the_reason_of_a_refusal_once);
	tcase_add_test(tcase, reports_the_misspelling_behind_a_missing_key);
	tcase_add_test(tcase, closing_nothing_is_fine);
}

static void add_requests(TCase *tcase)
{
	tcase_add_test(tcase, answers_a_request_with_its_state);
	tcase_add_test(tcase, answers_without_settings);
	tcase_add_test(tcase, a_newer_handler_asks_before_it_calls);
}

/* The case ends its process: what there was before must be taken down outside of it. */
static TCase *new_ends(void)
{
	TCase *tcase = tcase_create("ends");

	tcase_add_unchecked_fixture(tcase, set_up, tear_down);
	tcase_add_test_raise_signal(tcase,
	    an_entry_that_the_server_lacks_ends_the_process, SIGABRT);
	return tcase;
}

static void add_later(TCase *tcase)
{
	tcase_add_test(tcase, a_request_may_be_answered_by_another);
	tcase_add_test(tcase, a_handler_hears_that_the_peer_has_left);
	tcase_add_test(tcase, a_handler_goes_on_when_there_is_room);
	tcase_add_test(tcase, an_answer_at_once_may_call_itself_later);
	tcase_add_test(tcase, a_timer_needs_a_loop_and_a_callback);
	tcase_add_test(tcase, stops_once_before_it_closes);
}

static void add_mistakes(TCase *tcase)
{
	tcase_add_test(tcase, no_reply_is_500_and_logged);
	tcase_add_test(tcase, failure_is_500_and_logged);
	tcase_add_test(tcase, unknown_result_is_500_without_the_handlers_fields);
	tcase_add_test(tcase, unfinished_reply_is_broken);
	tcase_add_test(tcase, short_reply_is_broken);
	tcase_add_test(tcase, second_reply_is_refused);
	tcase_add_test(tcase, failure_after_the_reply_is_only_logged);
	tcase_add_test(tcase, data_of_a_failed_allocation_is_500);
	tcase_add_test(tcase, used_up_memory_is_500);
	tcase_add_test(tcase, a_request_to_who_takes_none_is_404);
	tcase_add_test(tcase, an_instance_outlives_its_requests_mistakes);
}

int main(void)
{
	Suite *suite = suite_create("instance");
	TCase *tcase = tcase_create("instance");

	tcase_add_checked_fixture(tcase, set_up, tear_down);
	add_opening(tcase);
	add_requests(tcase);
	add_mistakes(tcase);
	add_later(tcase);
	suite_add_tcase(suite, tcase);
	suite_add_tcase(suite, new_ends());
	return unit_run(suite);
}
