/* SPDX-License-Identifier: MIT */
/* Sec-WebSocket-Extensions: the grammar, and every parameter of RFC 7692 section 7.1. */
#include "ws/extensions.h"

#include "unit.h"

#define AGREED "permessage-deflate; server_no_context_takeover; " \
	"client_no_context_takeover"

static struct arena arena;
static struct head head;
static struct ws_extensions agreed;

static void setup(void)
{
	arena_init(&arena, 1 << 20);
	head_init(&head, &arena, 65536, 100);
}

static void teardown(void)
{
	arena_release(&arena);
}

static void add(const char *offers)
{
	ck_assert_int_eq(head_add(&head, SLICE("Sec-WebSocket-Extensions"),
	    slice_of(offers)), 0);
}

/* The answer to these offers, in one field. */
static const char *answer(const char *offers)
{
	head_remove(&head, SLICE("sec-websocket-extensions"));
	add(offers);
	ck_assert_int_eq(ws_extensions_negotiate(&head, &agreed), 0);
	ck_assert_int_eq(agreed.window_bits != 0, agreed.value[0] != '\0');
	return agreed.value;
}

static bool refused(const char *offers)
{
	head_remove(&head, SLICE("sec-websocket-extensions"));
	add(offers);
	return ws_extensions_negotiate(&head, &agreed) == ERR_INVALID;
}

START_TEST(agrees_on_nothing_without_an_offer)
{
	ck_assert_int_eq(ws_extensions_negotiate(&head, &agreed), 0);
	ck_assert_int_eq(agreed.window_bits, 0);
	ck_assert_str_eq(agreed.value, "");
	ck_assert_str_eq(answer(""), "");
	ck_assert_str_eq(answer(" , ,"), "");
}
END_TEST

START_TEST(declines_extensions_it_does_not_know)
{
	ck_assert_str_eq(answer("x-webkit-deflate-frame"), "");
	ck_assert_str_eq(answer("foo; bar=1; baz=\"two\", permessage-deflat"), "");
	ck_assert_str_eq(answer("foo; bar, permessage-deflate"), AGREED);
}
END_TEST

START_TEST(agrees_without_context_takeover)
{
	ck_assert_str_eq(answer("permessage-deflate"), AGREED);
	ck_assert_int_eq(agreed.window_bits, 15);
	ck_assert_str_eq(answer("permessage-deflate; server_no_context_takeover"),
	    AGREED);
	ck_assert_str_eq(answer("permessage-deflate;client_no_context_takeover"), AGREED);
	ck_assert_str_eq(answer("permessage-deflate; server_no_context_takeover; "
	    "client_no_context_takeover; client_max_window_bits"), AGREED);
}
END_TEST

START_TEST(keeps_to_the_window_that_the_client_asks_for)
{
	char offer[64];
	char expected[128];

	for (int bits = 8; bits <= 15; bits++) {
		snprintf(offer, sizeof(offer),
		    "permessage-deflate; server_max_window_bits=%d", bits);
		snprintf(expected, sizeof(expected), AGREED "; server_max_window_bits=%d",
		    bits);
		ck_assert_str_eq(answer(offer), expected);
		ck_assert_int_eq(agreed.window_bits, bits);
	}
}
END_TEST

START_TEST(lets_the_client_have_any_window)
{
	ck_assert_str_eq(answer("permessage-deflate; client_max_window_bits"), AGREED);
	ck_assert_str_eq(answer("permessage-deflate; client_max_window_bits=8"), AGREED);
	ck_assert_str_eq(answer("permessage-deflate; client_max_window_bits=15"), AGREED);
	ck_assert_int_eq(agreed.window_bits, 15);
}
END_TEST

START_TEST(declines_parameters_that_cannot_be)
{
	static const char *const parameters[] = { "unknown", "unknown=1",
		"server_no_context_takeover=1", "client_no_context_takeover=true",
		"server_max_window_bits", "server_max_window_bits=7",
		"server_max_window_bits=16", "server_max_window_bits=08",
		"server_max_window_bits=010", "server_max_window_bits=a",
		"server_max_window_bits=1", "server_max_window_bits=99999999999999999999",
		"client_max_window_bits=7", "client_max_window_bits=16",
		"client_max_window_bits=15x", "client_max_window_bits=09",
		"server_no_context_takeover; server_no_context_takeover",
		"client_no_context_takeover; client_no_context_takeover",
		"server_max_window_bits=9; server_max_window_bits=9",
		"client_max_window_bits; client_max_window_bits=9",
		"Server_No_Context_Takeover" };
	char offer[128];

	for (size_t i = 0; i < sizeof(parameters) / sizeof(parameters[0]); i++) {
		snprintf(offer, sizeof(offer), "permessage-deflate; %s", parameters[i]);
		ck_assert_msg(*answer(offer) == '\0', "%s", offer);
	}
}
END_TEST

START_TEST(takes_the_first_offer_that_can_be_taken)
{
	ck_assert_str_eq(answer("permessage-deflate; server_max_window_bits=10, "
	    "permessage-deflate"), AGREED "; server_max_window_bits=10");
	ck_assert_str_eq(answer("permessage-deflate; unknown, , permessage-deflate"),
	    AGREED);
	ck_assert_str_eq(answer("permessage-deflate; server_max_window_bits=20, "
	    "permessage-deflate; server_max_window_bits=12, permessage-deflate"),
	    AGREED "; server_max_window_bits=12");
}
END_TEST

START_TEST(reads_several_fields_as_one_list)
{
	add("permessage-deflate; unknown");
	add("foo, permessage-deflate; server_max_window_bits=11");
	add("permessage-deflate");
	ck_assert_int_eq(ws_extensions_negotiate(&head, &agreed), 0);
	ck_assert_int_eq(agreed.window_bits, 11);
}
END_TEST

START_TEST(reads_quoted_values_and_blanks)
{
	static const char expected[] = AGREED "; server_max_window_bits=10";

	ck_assert_str_eq(answer("permessage-deflate ; server_max_window_bits = \"10\""),
	    expected);
	ck_assert_str_eq(answer("permessage-deflate;server_max_window_bits=\"\\1\\0\""),
	    expected);
}
END_TEST

START_TEST(refuses_what_breaks_the_grammar)
{
	static const char *const offers[] = { ";", "permessage-deflate;",
		"permessage-deflate; ;", "permessage-deflate foo", "=",
		"permessage-deflate=1", "permessage-deflate; a=",
		"permessage-deflate; a=,", "a; b=\"", "a; b=\"c", "a; b=\"c\\",
		"a; b=\"\"", "a; b=\"c d\"", "a; b=\"c,d\"", "a; b=\"c\"d",
		"a; b=c=d", "a/b", "\"a\"", "a; \"b\"", "permessage-deflate, ;",
		"a; b=\"c\"\"d\"" };

	for (size_t i = 0; i < sizeof(offers) / sizeof(offers[0]); i++) {
		ck_assert_msg(refused(offers[i]), "%s", offers[i]);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("extensions");
	TCase *tcase = tcase_create("extensions");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, agrees_on_nothing_without_an_offer);
	tcase_add_test(tcase, declines_extensions_it_does_not_know);
	tcase_add_test(tcase, agrees_without_context_takeover);
	tcase_add_test(tcase, keeps_to_the_window_that_the_client_asks_for);
	tcase_add_test(tcase, lets_the_client_have_any_window);
	tcase_add_test(tcase, declines_parameters_that_cannot_be);
	tcase_add_test(tcase, takes_the_first_offer_that_can_be_taken);
	tcase_add_test(tcase, reads_several_fields_as_one_list);
	tcase_add_test(tcase, reads_quoted_values_and_blanks);
	tcase_add_test(tcase, refuses_what_breaks_the_grammar);
	suite_add_tcase(suite, tcase);
	return unit_run(suite);
}
