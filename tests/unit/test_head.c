/* SPDX-License-Identifier: MIT */
/* Header sections: adding, finding, bounds, and the grammar of names and values. */
#include "http/head.h"

#include "unit.h"

static struct arena arena;
static struct head head;

static void setup(void)
{
	arena_init(&arena, 1 << 20);
	head_init(&head, &arena, 65536, 1000);
}

static void teardown(void)
{
	arena_release(&arena);
}

static void add(const char *name, const char *value)
{
	ck_assert_int_eq(head_add(&head, slice_of(name), slice_of(value)), 0);
}

START_TEST(lowers_names_and_terminates_texts)
{
	add("X-Some_NAME", "A Value");
	ck_assert_str_eq(head_name(&head, 0).data, "x-some_name");
	ck_assert_uint_eq(head_name(&head, 0).size, 11);
	ck_assert_str_eq(head_value(&head, 0).data, "A Value");
	ck_assert_uint_eq(head_value(&head, 0).size, 7);
}
END_TEST

START_TEST(keeps_fields_in_order_while_it_grows)
{
	char text[16];

	for (int i = 0; i < 1000; i++) {
		snprintf(text, sizeof(text), "%d", i);
		add("n", text);
	}
	ck_assert_uint_eq(head.count, 1000);
	for (int i = 0; i < 1000; i++) {
		snprintf(text, sizeof(text), "%d", i);
		ck_assert_str_eq(head_name(&head, (size_t)i).data, "n");
		ck_assert_str_eq(head_value(&head, (size_t)i).data, text);
	}
}
END_TEST

START_TEST(finds_the_first_field_of_a_name)
{
	add("A", "1");
	add("B", "");
	add("a", "3");
	ck_assert_str_eq(head_find(&head, SLICE("a")).data, "1");
	ck_assert_str_eq(head_find(&head, SLICE("b")).data, "");
	ck_assert_ptr_null(head_find(&head, SLICE("c")).data);
}
END_TEST

START_TEST(removes_every_field_of_a_name)
{
	add("a", "1");
	add("b", "2");
	add("a", "3");
	add("c", "4");
	head_remove(&head, SLICE("a"));
	ck_assert_uint_eq(head.count, 2);
	ck_assert_str_eq(head_value(&head, 0).data, "2");
	ck_assert_str_eq(head_value(&head, 1).data, "4");
	head_remove(&head, SLICE("x"));
	ck_assert_uint_eq(head.count, 2);
}
END_TEST

START_TEST(refuses_text_past_its_maximum)
{
	head_init(&head, &arena, 8, 10);
	ck_assert_int_eq(head_add(&head, SLICE("ab"), SLICE("12345")), ERR_LIMIT);
	ck_assert_uint_eq(head.count, 0);
	add("ab", "1234");
	ck_assert_int_eq(head_add(&head, SLICE(""), SLICE("")), ERR_LIMIT);
	ck_assert_uint_eq(head.count, 1);
}
END_TEST

START_TEST(refuses_fields_past_its_maximum)
{
	head_init(&head, &arena, 1000, 2);
	add("a", "1");
	add("b", "2");
	ck_assert_int_eq(head_add(&head, SLICE("c"), SLICE("3")), ERR_LIMIT);
	ck_assert_int_eq(head_add_put(&head, (struct head_field){ .name = 0 }),
	    ERR_LIMIT);
	ck_assert_uint_eq(head.count, 2);
}
END_TEST

START_TEST(says_so_when_memory_ends)
{
	arena_init(&arena, 64);
	head_init(&head, &arena, 65536, 1000);
	ck_assert_int_eq(head_add(&head, SLICE("a"), SLICE("1")), ERR_NOMEM);
	ck_assert_uint_eq(head.count, 0);
}
END_TEST

START_TEST(makes_fields_of_text_that_was_put)
{
	struct head_field field;
	uint32_t first;
	uint32_t second;

	ck_assert_int_eq(head_put(&head, "ab\0cd", 6, &first), 0);
	ck_assert_int_eq(head_put(&head, NULL, 0, &second), 0);
	ck_assert_uint_eq(second, first + 6);
	field = (struct head_field){ first, 2, first + 3, 2 };
	ck_assert_int_eq(head_add_put(&head, field), 0);
	ck_assert_str_eq(head_find(&head, SLICE("ab")).data, "cd");
}
END_TEST

START_TEST(finds_tokens_in_lists)
{
	add("te", "trailers;q=0.5, deflate");
	add("te", " ,\tTrailers\t, x ");
	ck_assert(head_has_token(&head, SLICE("te"), SLICE("trailers")));
	ck_assert(head_has_token(&head, SLICE("te"), SLICE("deflate")));
	ck_assert(head_has_token(&head, SLICE("te"), SLICE("X")));
	ck_assert(!head_has_token(&head, SLICE("te"), SLICE("flate")));
	ck_assert(!head_has_token(&head, SLICE("te"), SLICE("trail")));
	ck_assert(!head_has_token(&head, SLICE("t"), SLICE("x")));
}
END_TEST

START_TEST(finds_an_element_of_a_list_where_case_counts)
{
	const struct slice name = SLICE("sec-websocket-protocol");

	ck_assert(!head_lists(&head, name, SLICE("chat")));
	add("sec-websocket-protocol", "soap,  chat.v2");
	add("sec-websocket-protocol", "Mqtt,,");
	ck_assert(head_lists(&head, name, SLICE("soap")));
	ck_assert(head_lists(&head, name, SLICE("chat.v2")));
	ck_assert(head_lists(&head, name, SLICE("Mqtt")));
	ck_assert(!head_lists(&head, name, SLICE("mqtt")));
	ck_assert(!head_lists(&head, name, SLICE("chat")));
	ck_assert(!head_lists(&head, name, SLICE("")));
}
END_TEST

START_TEST(takes_lists_apart)
{
	static const char *const expected[] = { "a", "", "b c", "" };
	struct slice list = SLICE(" a ,,\tb c\t,");
	struct slice element;

	for (size_t i = 0; i < sizeof(expected) / sizeof(expected[0]); i++) {
		ck_assert(head_next_element(&list, &element));
		ck_assert(slice_equal(element, slice_of(expected[i])));
	}
	ck_assert(!head_next_element(&list, &element));
}
END_TEST

START_TEST(knows_valid_names)
{
	ck_assert(head_name_valid(SLICE("Content-Type")));
	ck_assert(head_name_valid(SLICE("!#$%&'*+-.^_`|~09")));
	ck_assert(!head_name_valid(SLICE("")));
	ck_assert(!head_name_valid(SLICE("a b")));
	ck_assert(!head_name_valid(SLICE("a:")));
	ck_assert(!head_name_valid(SLICE("a\0")));
	ck_assert(!head_name_valid(SLICE("\xc3\xa4")));
}
END_TEST

START_TEST(knows_valid_values)
{
	ck_assert(head_value_valid(SLICE("")));
	ck_assert(head_value_valid(SLICE("a\t b \xff\x80")));
	ck_assert(!head_value_valid(SLICE(" a")));
	ck_assert(!head_value_valid(SLICE("a\t")));
	ck_assert(!head_value_valid(SLICE(" ")));
	ck_assert(!head_value_valid(SLICE("a\nb")));
	ck_assert(!head_value_valid(SLICE("a\rb")));
	ck_assert(!head_value_valid(SLICE("a\0b")));
	ck_assert(!head_value_valid(SLICE("a\x7f")));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("head");
	TCase *fields = tcase_create("fields");

	tcase_add_checked_fixture(fields, setup, teardown);
	tcase_add_test(fields, lowers_names_and_terminates_texts);
	tcase_add_test(fields, keeps_fields_in_order_while_it_grows);
	tcase_add_test(fields, finds_the_first_field_of_a_name);
	tcase_add_test(fields, removes_every_field_of_a_name);
	tcase_add_test(fields, refuses_text_past_its_maximum);
	tcase_add_test(fields, refuses_fields_past_its_maximum);
	tcase_add_test(fields, says_so_when_memory_ends);
	tcase_add_test(fields, makes_fields_of_text_that_was_put);
	tcase_add_test(fields, finds_tokens_in_lists);
	tcase_add_test(fields, finds_an_element_of_a_list_where_case_counts);
	tcase_add_test(fields, takes_lists_apart);
	tcase_add_test(fields, knows_valid_names);
	tcase_add_test(fields, knows_valid_values);
	suite_add_tcase(suite, fields);
	return unit_run(suite);
}
