/* SPDX-License-Identifier: MIT */
#include "exchange/duplex.h"

#include "fake_peer.h"
#include "unit.h"

static struct fake_peer peer;

static void open_as(enum duplex_kind kind)
{
	fake_peer_init(&peer, kind);
	peer.duplex.state = DUPLEX_OPEN;
}

static int send_text(const char *text, unsigned flags)
{
	return duplex_send(&peer.duplex, slice_of(text), flags);
}

START_TEST(a_websocket_sends_text_and_bytes)
{
	open_as(DUPLEX_WEBSOCKET);
	ck_assert_int_eq(send_text("gr\xc3\xbc\xc3\x9f", DUPLEX_TEXT), 0);
	ck_assert_int_eq(send_text("\xff", DUPLEX_BINARY), 0);
	ck_assert_int_eq(send_text("", DUPLEX_TEXT), 0);
	ck_assert_str_eq(fake_peer_trace(&peer), "T:gr\xc3\xbc\xc3\x9f B:\xff T: ");
}
END_TEST

START_TEST(text_that_is_no_utf_8_is_not_sent)
{
	open_as(DUPLEX_WEBSOCKET);
	ck_assert_int_eq(send_text("\xff", DUPLEX_TEXT), ERR_INVALID);
	ck_assert_int_eq(send_text("cut \xc3", DUPLEX_TEXT), ERR_INVALID);
	ck_assert_str_eq(fake_peer_trace(&peer), "");
}
END_TEST

START_TEST(a_character_may_be_cut_where_the_message_goes_on)
{
	open_as(DUPLEX_WEBSOCKET);
	ck_assert_int_eq(send_text("\xc3", DUPLEX_TEXT | DUPLEX_MORE), 0);
	ck_assert_int_eq(send_text("x", DUPLEX_TEXT), ERR_INVALID);
	ck_assert_int_eq(send_text("", DUPLEX_TEXT), ERR_INVALID);
	ck_assert_int_eq(send_text("\xbc", DUPLEX_TEXT), 0);
	ck_assert_int_eq(send_text("next", DUPLEX_TEXT), 0);
	ck_assert_str_eq(fake_peer_trace(&peer), "T+:\xc3 T:\xbc T:next ");
}
END_TEST

START_TEST(a_message_keeps_its_type)
{
	open_as(DUPLEX_WEBSOCKET);
	ck_assert_int_eq(send_text("a", DUPLEX_BINARY | DUPLEX_MORE), 0);
	ck_assert_int_eq(send_text("b", DUPLEX_TEXT), ERR_INVALID);
	ck_assert_int_eq(send_text("b", DUPLEX_BINARY), 0);
	ck_assert_int_eq(send_text("c", DUPLEX_TEXT), 0);
}
END_TEST

START_TEST(a_websocket_refuses_other_flags)
{
	static const unsigned wrong[] = { 0, DUPLEX_MORE, DUPLEX_TEXT | DUPLEX_BINARY,
		DUPLEX_TEXT | DUPLEX_END, 16 | DUPLEX_TEXT };

	open_as(DUPLEX_WEBSOCKET);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		ck_assert_int_eq(send_text("x", wrong[i]), ERR_INVALID);
	}
	ck_assert_str_eq(fake_peer_trace(&peer), "");
}
END_TEST

START_TEST(what_was_not_taken_leaves_no_trace)
{
	open_as(DUPLEX_WEBSOCKET);
	peer.waiting = DUPLEX_QUEUE_BYTES;
	ck_assert_int_eq(send_text("\xc3", DUPLEX_TEXT | DUPLEX_MORE), ERR_AGAIN);
	ck_assert(peer.duplex.refused);
	peer.waiting = 0;
	ck_assert_int_eq(send_text("whole", DUPLEX_TEXT), 0);
	ck_assert(!peer.duplex.refused);
}
END_TEST

START_TEST(a_stream_ends_once)
{
	open_as(DUPLEX_STREAM);
	ck_assert_int_eq(send_text("\xff", 0), 0);
	ck_assert_int_eq(send_text("x", DUPLEX_TEXT), ERR_INVALID);
	ck_assert_int_eq(send_text("last", DUPLEX_END), 0);
	ck_assert_int_eq(send_text("x", 0), ERR_INVALID);
	ck_assert_int_eq(send_text("", DUPLEX_END), ERR_INVALID);
	ck_assert_str_eq(fake_peer_trace(&peer), ":\xff E:last ");
}
END_TEST

START_TEST(nothing_is_sent_while_it_closes)
{
	open_as(DUPLEX_WEBSOCKET);
	ck_assert_int_eq(duplex_close(&peer.duplex, 3000, SLICE("bye")), 0);
	ck_assert_int_eq(send_text("x", DUPLEX_TEXT), ERR_CLOSED);
	ck_assert_int_eq(duplex_close(&peer.duplex, 1000, SLICE("")), ERR_CLOSED);
	ck_assert_str_eq(fake_peer_trace(&peer), "close(3000,bye) ");
}
END_TEST

START_TEST(only_codes_that_may_be_sent_close_a_websocket)
{
	static const uint16_t right[] = { 1000, 1001, 1003, 1007, 1014, 3000, 4999 };
	static const uint16_t wrong[] = { 0, 999, 1002, 1004, 1005, 1006, 1015, 2999,
		5000, 65535 };

	for (size_t i = 0; i < sizeof(right) / sizeof(right[0]); i++) {
		open_as(DUPLEX_WEBSOCKET);
		ck_assert_int_eq(duplex_close(&peer.duplex, right[i], SLICE("")), 0);
	}
	open_as(DUPLEX_WEBSOCKET);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		ck_assert_int_eq(duplex_close(&peer.duplex, wrong[i], SLICE("")),
		    ERR_INVALID);
	}
	open_as(DUPLEX_STREAM);
	ck_assert_int_eq(duplex_close(&peer.duplex, 0, SLICE("")), 0);
}
END_TEST

START_TEST(a_reason_is_short_and_utf_8)
{
	char reason[DUPLEX_REASON_BYTES + 1];

	memset(reason, 'x', sizeof(reason));
	open_as(DUPLEX_WEBSOCKET);
	ck_assert_int_eq(duplex_close(&peer.duplex, 1000,
	    (struct slice){ reason, sizeof(reason) }), ERR_INVALID);
	ck_assert_int_eq(duplex_close(&peer.duplex, 1000, SLICE("\xff")), ERR_INVALID);
	ck_assert_int_eq(duplex_close(&peer.duplex, 1000,
	    (struct slice){ reason, DUPLEX_REASON_BYTES }), 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("duplex");
	TCase *tcase = tcase_create("duplex");

	tcase_add_test(tcase, a_websocket_sends_text_and_bytes);
	tcase_add_test(tcase, text_that_is_no_utf_8_is_not_sent);
	tcase_add_test(tcase, a_character_may_be_cut_where_the_message_goes_on);
	tcase_add_test(tcase, a_message_keeps_its_type);
	tcase_add_test(tcase, a_websocket_refuses_other_flags);
	tcase_add_test(tcase, what_was_not_taken_leaves_no_trace);
	tcase_add_test(tcase, a_stream_ends_once);
	tcase_add_test(tcase, nothing_is_sent_while_it_closes);
	tcase_add_test(tcase, only_codes_that_may_be_sent_close_a_websocket);
	tcase_add_test(tcase, a_reason_is_short_and_utf_8);
	suite_add_tcase(suite, tcase);
	return unit_run(suite);
}
