/* SPDX-License-Identifier: MIT */
/* The names of a crash, from a host that has died and from files that are damaged. */
#include "plugin/symbols.h"

#include "host_rig.h"
#include "unit.h"

static char line[1024];

/* Has the handler die of it, and describes the backtrace. */
static const char *describe_death(const char *path)
{
	struct host_rig host;
	struct frame frame;

	host_rig_start(&host, "mortal");
	host_rig_get(&host, 1, path);
	host_rig_send(&host);
	ck_assert_int_eq(host_rig_next(&host, &frame), ERR_EOF);
	symbols_describe(host.rig.set.items[0].copy, "plugins/mortal.so",
	    host.page->frames, atomic_load(&host.page->frame_count), line, sizeof(line));
	host_rig_close(&host);
	return line;
}

START_TEST(names_static_functions)
{
	const char *text = describe_death("/segv");

	ck_assert_msg(strncmp(text, "touch_null+0x", 13) == 0, "%s", text);
	ck_assert_ptr_nonnull(strstr(text, ", answer+0x"));
	ck_assert_str_eq(strchr(text, ' ') == NULL ? "" : strrchr(text, ' '),
	    " (plugins/mortal.so)");
}
END_TEST

START_TEST(marks_what_lies_elsewhere)
{
	const char *text = describe_death("/ill");

	ck_assert_msg(strncmp(text, "..., ", 5) == 0, "%s", text);
	ck_assert_ptr_nonnull(strstr(text, "answer+0x"));
}
END_TEST

START_TEST(counts_a_recursion)
{
	const char *text = describe_death("/stack");

	ck_assert_msg(strncmp(text, "go_deeper", 9) == 0, "%s", text);
	ck_assert_msg(strstr(text, " times) (plugins/mortal.so)") != NULL, "%s", text);
}
END_TEST

START_TEST(counts_what_is_repeated)
{
	static const uint64_t addresses[] = { 0x10, 0x20, 0x20, 0x20, 0, 0, 0x20, 0x10 };

	symbols_describe("/no/such/file", "x.so", addresses, 8, line, sizeof(line));
	ck_assert_str_eq(line, "0x10, 0x20 (3 times), ..., 0x20, 0x10 (x.so)");
}
END_TEST

START_TEST(gives_numbers_where_there_are_no_names)
{
	static const uint64_t addresses[] = { 0, 0, 0x10, 0xffffffffffffffff, 0 };

	symbols_describe("/proc/self/exe", "x.so", addresses, 5, line, sizeof(line));
	ck_assert_str_eq(line, "..., 0x10, 0xffffffffffffffff (x.so)");
	symbols_describe("/no/such/file", "x.so", addresses, 5, line, sizeof(line));
	ck_assert_str_eq(line, "..., 0x10, 0xffffffffffffffff (x.so)");
}
END_TEST

START_TEST(says_nothing_of_what_is_all_elsewhere)
{
	static const uint64_t addresses[] = { 0, 0 };

	symbols_describe("/proc/self/exe", "x.so", addresses, 2, line, sizeof(line));
	ck_assert_str_eq(line, "");
	symbols_describe("/proc/self/exe", "x.so", addresses, 0, line, sizeof(line));
	ck_assert_str_eq(line, "");
}
END_TEST

START_TEST(cuts_a_line_that_is_full)
{
	static const uint64_t addresses[] = { 0x10, 0x20 };

	for (size_t size = 1; size < 12; size++) {
		char small[12];

		memset(small, 'x', sizeof(small));
		symbols_describe("/no/such/file", "x.so", addresses, 2, small, size);
		ck_assert_uint_eq(strlen(small), size - 1);
	}
}
END_TEST

/* Any byte of it may be anything: nothing but the words may suffer. */
START_TEST(survives_damage_anywhere)
{
	uint64_t addresses[SYMBOLS_MAX];
	struct rig rig;
	unsigned char *image;
	char path[128];
	size_t size;
	unsigned seed = 1;

	rig_open(&rig);
	image = rig_read("mortal", &size);
	for (size_t i = 0; i < SYMBOLS_MAX; i++) {
		addresses[i] = 0x1000 + 64 * i;
	}
	snprintf(path, sizeof(path), "%s/mortal.so", rig.plugins);
	for (int round = 0; round < 500; round++) {
		/* The header, from which all else follows, more often than its share. */
		size_t at = (size_t)rand_r(&seed) % (round % 2 == 0 ? 64 : size);
		unsigned char before = image[at];

		image[at] = (unsigned char)rand_r(&seed);
		rig_write(&rig, "mortal.so", image, round % 3 == 0 ? at : size);
		symbols_describe(path, "x.so", addresses, SYMBOLS_MAX, line,
		    sizeof(line));
		image[at] = before;
	}
	free(image);
	rig_close(&rig);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("symbols");
	TCase *tcase = tcase_create("symbols");

	tcase_set_timeout(tcase, 60);
	tcase_add_test(tcase, names_static_functions);
	tcase_add_test(tcase, marks_what_lies_elsewhere);
	tcase_add_test(tcase, counts_a_recursion);
	tcase_add_test(tcase, counts_what_is_repeated);
	tcase_add_test(tcase, gives_numbers_where_there_are_no_names);
	tcase_add_test(tcase, says_nothing_of_what_is_all_elsewhere);
	tcase_add_test(tcase, cuts_a_line_that_is_full);
	tcase_add_test(tcase, survives_damage_anywhere);
	suite_add_tcase(suite, tcase);
	return unit_run(suite);
}
