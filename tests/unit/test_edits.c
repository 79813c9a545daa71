/* SPDX-License-Identifier: MIT */
#include "exchange/edits.h"

#include "rig.h"
#include "unit.h"

static struct rig_exchange rig;
static struct edits edits;
static struct arena arena;

static void set_up(void)
{
	edits = (struct edits){ 0 };
	arena_init(&arena, 1 << 16);
	rig_begin(&rig, HTTP_GET, "/");
}

static void tear_down(void)
{
	rig_end(&rig);
	arena_release(&arena);
}

static void note(enum edit_kind kind, const char *name, const char *value)
{
	ck_assert_int_eq(edits_note(&edits, &arena, kind, name, value), 0);
}

START_TEST(edits_are_kept_in_their_order_as_copies)
{
	char name[] = "x-a", value[] = "1";

	note(EDIT_SET, name, value);
	note(EDIT_ADD, "x-b", "2");
	note(EDIT_REQUEST, "x-c", NULL);
	name[0] = value[0] = '!';
	ck_assert_uint_eq(edits.count, 3);
	ck_assert_str_eq(edits.first->name, "x-a");
	ck_assert_str_eq(edits.first->value, "1");
	ck_assert_str_eq(edits.first->next->name, "x-b");
	ck_assert_ptr_eq(edits.last, edits.first->next->next);
	ck_assert_int_eq(edits.last->kind, EDIT_REQUEST);
	ck_assert_ptr_null(edits.last->value);
	ck_assert_ptr_null(edits.last->next);
}
END_TEST

START_TEST(what_does_not_fit_is_told_and_not_noted)
{
	char *large = malloc(1 << 17);

	ck_assert_ptr_nonnull(large);
	memset(large, 'a', (1 << 17) - 1);
	large[(1 << 17) - 1] = '\0';
	note(EDIT_SET, "x-a", "1");
	ck_assert_int_ne(edits_note(&edits, &arena, EDIT_SET, "x-b", large), 0);
	ck_assert_int_ne(edits_note(&edits, &arena, EDIT_SET, large, NULL), 0);
	ck_assert_uint_eq(edits.count, 1);
	ck_assert_ptr_eq(edits.first, edits.last);
	ck_assert_ptr_null(edits.last->next);
	free(large);
}
END_TEST

START_TEST(the_last_word_on_a_field_of_the_reply_is_found)
{
	ck_assert_ptr_null(edits_find(&edits, "x-a"));
	note(EDIT_SET, "X-A", "1");
	ck_assert_str_eq(edits_find(&edits, "x-a"), "1");
	note(EDIT_REQUEST, "x-a", "of the request");
	note(EDIT_SET, "x-ab", "another's");
	ck_assert_str_eq(edits_find(&edits, "x-a"), "1");
	note(EDIT_ADD, "x-a", "2");
	ck_assert_str_eq(edits_find(&edits, "x-a"), "2");
	note(EDIT_SET, "x-a", NULL);
	ck_assert_ptr_null(edits_find(&edits, "x-a"));
}
END_TEST

START_TEST(edits_of_the_reply_are_done_again_in_order)
{
	struct head *head = &rig.exchange.reply.head;

	ck_assert_int_eq(exchange_set_header(&rig.exchange, "x-a", "old"), 0);
	ck_assert_int_eq(exchange_set_header(&rig.exchange, "x-gone", "old"), 0);
	note(EDIT_SET, "x-a", "1");
	note(EDIT_ADD, "x-a", "2");
	note(EDIT_SET, "x-gone", NULL);
	note(EDIT_REQUEST, "x-b", "of the request");
	note(EDIT_SET, "content-length", "7");
	ck_assert_int_eq(edits_apply(&edits, &rig.exchange), 0);
	ck_assert_uint_eq(head->count, 2);
	ck_assert_str_eq(head_value(head, 0).data, "1");
	ck_assert_str_eq(head_value(head, 1).data, "2");
	ck_assert_int_eq(rig.exchange.reply.content_length, 7);
}
END_TEST

START_TEST(what_is_done_again_is_not_noted_again)
{
	rig.exchange.edits = &edits;
	ck_assert_int_eq(exchange_set_header(&rig.exchange, "x-a", "1"), 0);
	ck_assert_int_eq(exchange_add_header(&rig.exchange, "x-a", "2"), 0);
	ck_assert_uint_eq(edits.count, 2);
	ck_assert_int_eq(edits_apply(&edits, &rig.exchange), 0);
	ck_assert_uint_eq(edits.count, 2);
	ck_assert_ptr_eq(rig.exchange.edits, &edits);
	ck_assert_uint_eq(rig.exchange.reply.head.count, 2);
}
END_TEST

START_TEST(what_was_refused_is_not_noted)
{
	rig.exchange.edits = &edits;
	ck_assert_int_eq(exchange_set_header(&rig.exchange, "transfer-encoding", "x"),
	    ERR_INVALID);
	ck_assert_int_eq(exchange_add_header(&rig.exchange, "x-a", "a\nb"), ERR_INVALID);
	ck_assert_int_eq(exchange_add_header(&rig.exchange, "x-a", NULL), ERR_INVALID);
	ck_assert_uint_eq(edits.count, 0);
}
END_TEST

START_TEST(the_first_error_ends_it)
{
	note(EDIT_SET, "x-a", "1");
	note(EDIT_SET, "connection", "close");
	note(EDIT_SET, "x-b", "2");
	rig.exchange.edits = &edits;
	ck_assert_int_eq(edits_apply(&edits, &rig.exchange), ERR_INVALID);
	ck_assert_ptr_nonnull(rig_header(&rig, "x-a"));
	ck_assert_ptr_null(rig_header(&rig, "x-b"));
	ck_assert_ptr_eq(rig.exchange.edits, &edits);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("edits");
	TCase *tcase = tcase_create("edits");

	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_add_test(tcase, edits_are_kept_in_their_order_as_copies);
	tcase_add_test(tcase, what_does_not_fit_is_told_and_not_noted);
	tcase_add_test(tcase, the_last_word_on_a_field_of_the_reply_is_found);
	tcase_add_test(tcase, edits_of_the_reply_are_done_again_in_order);
	tcase_add_test(tcase, what_is_done_again_is_not_noted_again);
	tcase_add_test(tcase, what_was_refused_is_not_noted);
	tcase_add_test(tcase, the_first_error_ends_it);
	suite_add_tcase(suite, tcase);
	return unit_run(suite);
}
