/* SPDX-License-Identifier: MIT */
#include "base/memory.h"

#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "unit.h"

START_TEST(new_memory_is_zero)
{
	unsigned char *memory = memory_new(100, 7);

	for (size_t i = 0; i < 700; i++) {
		ck_assert_uint_eq(memory[i], 0);
	}
	free(memory);
	free(memory_new(0, 8));
}
END_TEST

START_TEST(grown_memory_keeps_its_bytes)
{
	char *memory = memory_text("hello");

	memory = memory_grow(memory, 100, 50);
	ck_assert_str_eq(memory, "hello");
	free(memory);
}
END_TEST

START_TEST(texts_are_copied)
{
	char *copy = memory_copy("hello", 4);
	char *printed = memory_printf("%s-%d", "x", 5);

	ck_assert_str_eq(copy, "hell");
	ck_assert_str_eq(printed, "x-5");
	free(copy);
	free(printed);
}
END_TEST

START_TEST(a_path_is_in_a_folder)
{
	static const char *const cases[][2] = { { "x", "." }, { "/x", "/" },
		{ "a/x", "a" }, { "/a/b/x", "/a/b" }, { "a/", "a" } };
	char *folder = memory_folder(cases[_i][0]);

	ck_assert_str_eq(folder, cases[_i][1]);
	free(folder);
}
END_TEST

START_TEST(of_no_text_there_is_no_copy)
{
	char *copy = memory_optional("hello");

	ck_assert_str_eq(copy, "hello");
	ck_assert_ptr_null(memory_optional(NULL));
	free(copy);
}
END_TEST

START_TEST(lists_of_texts_are_freed_whole)
{
	char **texts = memory_new(3, sizeof(*texts));

	texts[0] = memory_text("one");
	texts[1] = memory_text("two");
	memory_free_texts(texts);	/* a leak checker says whether this is so */
	memory_free_texts(memory_new(1, sizeof(*texts)));
	memory_free_texts(NULL);
}
END_TEST

START_TEST(a_size_that_overflows_ends_the_process)
{
	free(memory_grow(NULL, SIZE_MAX / 2, 4));
}
END_TEST

/* AddressSanitizer asks for these: it would end the process itself, with exit code 1. */
const char *__asan_default_options(void);

const char *__asan_default_options(void)
{
	return "allocator_may_return_null=1";
}

int main(void)
{
	Suite *suite = suite_create("memory");
	TCase *tcase = tcase_create("memory");

	tcase_add_test(tcase, new_memory_is_zero);
	tcase_add_test(tcase, grown_memory_keeps_its_bytes);
	tcase_add_test(tcase, texts_are_copied);
	tcase_add_loop_test(tcase, a_path_is_in_a_folder, 0, 5);
	tcase_add_test(tcase, of_no_text_there_is_no_copy);
	tcase_add_test(tcase, lists_of_texts_are_freed_whole);
	tcase_add_test_raise_signal(tcase, a_size_that_overflows_ends_the_process,
	    SIGABRT);
	suite_add_tcase(suite, tcase);
	return unit_run(suite);
}
