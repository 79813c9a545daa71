/* SPDX-License-Identifier: MIT */
/* What a host says of itself: it is not trusted. */
#include "remote/hello.h"

#include "ipc/pack.h"
#include "unit.h"

/* A payload of that many texts, then a number. */
static struct buffer pack(const char *const *texts, size_t count, uint32_t number)
{
	struct buffer out;
	int rc = 0;

	buffer_init(&out, FRAME_MAX);
	for (size_t i = 0; rc == 0 && i < count; i++) {
		rc = pack_text(&out, slice_of(texts[i]));
	}
	ck_assert_int_eq(rc, 0);
	ck_assert_int_eq(pack_u32(&out, number), 0);
	return out;
}

static struct frame frame_of(const struct buffer *payload, uint16_t code)
{
	return (struct frame){ .header.code = code, .payload = buffer_slice(payload) };
}

static const char *const hello_texts[] = { "hi", "0123456789abcdef", "1.0", "", "/hi" };

START_TEST(reads_a_hello)
{
	struct buffer payload = pack(hello_texts, 5, 3);
	struct frame frame = frame_of(&payload, FRAME_PROTOCOL);
	struct hello hello;

	ck_assert_int_eq(hello_unpack(&frame, &hello), 0);
	ck_assert_str_eq(hello.route, "/hi");
	ck_assert_uint_eq(hello.can, 3);
	buffer_release(&payload);
}
END_TEST

START_TEST(refuses_a_hello_of_another_protocol)
{
	struct buffer payload = pack(hello_texts, 5, 3);
	struct frame frame = frame_of(&payload, FRAME_PROTOCOL + 1);
	struct hello hello;

	ck_assert_int_eq(hello_unpack(&frame, &hello), ERR_PROTOCOL);
	buffer_release(&payload);
}
END_TEST

START_TEST(refuses_a_hello_of_one_that_can_do_nothing)
{
	struct buffer payload = pack(hello_texts, 5, 0);
	struct frame frame = frame_of(&payload, FRAME_PROTOCOL);
	struct hello hello;

	ck_assert_int_eq(hello_unpack(&frame, &hello), ERR_PROTOCOL);
	buffer_release(&payload);
}
END_TEST

START_TEST(refuses_a_hello_that_is_cut_anywhere)
{
	struct buffer payload = pack(hello_texts, 5, 3);
	struct frame frame = frame_of(&payload, FRAME_PROTOCOL);
	struct hello hello;

	while (frame.payload.size-- > 0) {
		ck_assert_int_eq(hello_unpack(&frame, &hello), ERR_PROTOCOL);
	}
	buffer_release(&payload);
}
END_TEST

static struct buffer pack_complaint(const char *hint)
{
	struct buffer out;

	buffer_init(&out, FRAME_MAX);
	ck_assert_int_eq(pack_text(&out, SLICE("server.json:1")), 0);
	ck_assert_int_eq(pack_text(&out, SLICE("it is wrong")), 0);
	ck_assert_int_eq(pack_text(&out, slice_of(hint)), 0);
	return out;
}

START_TEST(reads_a_complaint)
{
	struct buffer payload = pack_complaint("do it right");
	struct frame frame = frame_of(&payload, PROBLEM_WARNING);
	struct complaint said;

	ck_assert_int_eq(complaint_unpack(&frame, &said), 0);
	ck_assert_int_eq(said.level, PROBLEM_WARNING);
	ck_assert_str_eq(said.where, "server.json:1");
	ck_assert_str_eq(said.what, "it is wrong");
	ck_assert_str_eq(said.hint, "do it right");
	buffer_release(&payload);
}
END_TEST

START_TEST(reads_a_complaint_without_a_hint_or_of_no_known_level)
{
	struct buffer payload = pack_complaint("");
	struct frame frame = frame_of(&payload, PROBLEM_ERROR);
	struct complaint said;

	ck_assert_int_eq(complaint_unpack(&frame, &said), 0);
	ck_assert_int_eq(said.level, PROBLEM_ERROR);
	ck_assert_ptr_null(said.hint);
	frame.header.code = 77;
	ck_assert_int_eq(complaint_unpack(&frame, &said), 0);
	ck_assert_int_eq(said.level, PROBLEM_WARNING);
	buffer_release(&payload);
}
END_TEST

START_TEST(refuses_a_complaint_that_is_cut_or_too_long)
{
	struct buffer payload = pack_complaint("hint");
	struct frame frame = frame_of(&payload, PROBLEM_ERROR);
	struct complaint said;

	ck_assert_int_eq(buffer_append(&payload, "x", 1), 0);
	frame.payload = buffer_slice(&payload);
	ck_assert_int_eq(complaint_unpack(&frame, &said), ERR_PROTOCOL);
	frame.payload.size--;
	while (frame.payload.size-- > 0) {
		ck_assert_int_eq(complaint_unpack(&frame, &said), ERR_PROTOCOL);
	}
	buffer_release(&payload);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("hello");
	TCase *tests = tcase_create("hello");

	tcase_add_test(tests, reads_a_hello);
	tcase_add_test(tests, refuses_a_hello_of_another_protocol);
	tcase_add_test(tests, refuses_a_hello_of_one_that_can_do_nothing);
	tcase_add_test(tests, refuses_a_hello_that_is_cut_anywhere);
	tcase_add_test(tests, reads_a_complaint);
	tcase_add_test(tests, reads_a_complaint_without_a_hint_or_of_no_known_level);
	tcase_add_test(tests, refuses_a_complaint_that_is_cut_or_too_long);
	suite_add_tcase(suite, tests);
	return unit_run(suite);
}
