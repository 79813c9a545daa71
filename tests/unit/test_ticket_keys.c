/* SPDX-License-Identifier: MIT */
/* Which keys session tickets have at what time: own, of a file, derived. */
#include "tls/ticket_keys.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "configs.h"
#include "unit.h"

#define LIFETIME 4000
#define QUARTER 1000
#define START INT64_C(50000)
#define NOW INT64_C(1800000000)	/* 2027 */

static struct ticket_keys keys;
static struct problems problems;
static unsigned char seed[TICKET_SEED_BYTES];

static void set_up(void)
{
	memset(&keys, 0, sizeof(keys));
	memset(seed, 3, sizeof(seed));
	problems_init(&problems);
}

static void tear_down(void)
{
	problems_release(&problems);
}

static void add(int byte, int64_t now_s)
{
	unsigned char bytes[TICKET_KEY_BYTES];

	memset(bytes, byte, sizeof(bytes));
	ticket_keys_add(&keys, bytes, LIFETIME, now_s);
}

/* What the master does each second. */
static void tend(int byte, int64_t now_s)
{
	if (ticket_keys_tend(&keys, LIFETIME, now_s)) {
		add(byte, now_s);
	}
}

/* The first bytes of all keys are these. */
static void expect(const char *bytes)
{
	ck_assert_uint_eq(keys.count, strlen(bytes));
	for (size_t i = 0; i < keys.count; i++) {
		ck_assert_int_eq(keys.items[i].name[0], bytes[i]);
	}
}

START_TEST(without_a_key_one_is_due)
{
	ck_assert(ticket_keys_tend(&keys, LIFETIME, START));
	add('a', START);
	ck_assert(!ticket_keys_tend(&keys, LIFETIME, START));
	expect("a");
}
END_TEST

START_TEST(the_next_is_due_after_a_quarter_of_the_lifetime)
{
	add('a', START);
	ck_assert(!ticket_keys_tend(&keys, LIFETIME, START + QUARTER - 1));
	ck_assert(ticket_keys_tend(&keys, LIFETIME, START + QUARTER));
}
END_TEST

START_TEST(one_that_has_sealed_opens_for_a_lifetime_and_is_wiped_then)
{
	static const struct ticket_key zero;

	add('a', START);
	add('b', START + QUARTER);
	(void)ticket_keys_tend(&keys, LIFETIME, START + QUARTER + LIFETIME - 1);
	expect("ba");
	(void)ticket_keys_tend(&keys, LIFETIME, START + QUARTER + LIFETIME);
	expect("b");
	ck_assert_mem_eq(&keys.items[1], &zero, sizeof(zero));
}
END_TEST

START_TEST(in_the_long_run_there_are_five_at_most)
{
	for (int64_t at = START; at < START + 20 * LIFETIME; at += 7) {
		tend('a' + (int)(at / QUARTER % 26), at);
		ck_assert_uint_le(keys.count, 5);
	}
	ck_assert_uint_eq(keys.count, 5);
}
END_TEST

START_TEST(the_newest_goes_on_while_there_is_no_other)
{
	add('a', START);
	ck_assert(ticket_keys_tend(&keys, LIFETIME, START + 100 * LIFETIME));
	expect("a");
}
END_TEST

START_TEST(after_a_long_sleep_only_a_new_one_and_the_last_are_left)
{
	for (int i = 0; i < 4; i++) {
		add('a' + i, START + i * QUARTER);
	}
	tend('x', START + 10 * LIFETIME);
	expect("xd");
}
END_TEST

START_TEST(a_clock_that_jumps_back_neither_ends_keys_nor_keeps_them_for_ever)
{
	add('a', START);
	add('b', START + QUARTER);
	ck_assert(!ticket_keys_tend(&keys, LIFETIME, 100));
	expect("ba");
	ck_assert(!ticket_keys_tend(&keys, LIFETIME, 100 + QUARTER - 1));
	ck_assert(ticket_keys_tend(&keys, LIFETIME, 100 + QUARTER));
	(void)ticket_keys_tend(&keys, LIFETIME, 100 + LIFETIME);
	expect("b");
}
END_TEST

START_TEST(a_shorter_lifetime_ends_those_before_sooner)
{
	add('a', START);
	add('b', START + 10);
	ck_assert(!ticket_keys_tend(&keys, 40, START + 11));
	expect("ba");
	ck_assert(ticket_keys_tend(&keys, 40, START + 51));
	expect("b");
}
END_TEST

START_TEST(more_than_there_is_room_for_push_out_the_oldest)
{
	for (int i = 0; i < TICKET_KEYS_MAX + 2; i++) {
		add('a' + i, START);
	}
	expect("jihgfedc");
}
END_TEST

/* A line of a file: 160 times that digit. */
static char *line_of(char digit)
{
	static char lines[4][164];
	static int next;
	char *line = lines[next++ % 4];

	memset(line, digit, 160);
	memcpy(line + 160, "\n", 2);
	return line;
}

static int parse(const char *text, int64_t now_s)
{
	return ticket_keys_parse(&keys, "f", slice_of(text), now_s, &problems);
}

START_TEST(a_file_has_a_key_a_line)
{
	char text[1024];

	snprintf(text, sizeof(text), "# fleet\n%s\r\n \n%s", line_of('5'), line_of('A'));
	ck_assert_int_eq(parse(text, START), 0);
	ck_assert_uint_eq(keys.count, 2);
	ck_assert_int_eq(keys.items[0].cipher[31], 0x55);
	ck_assert_int_eq(keys.items[1].name[0], 0xaa);
	ck_assert_int_eq(keys.made_s, START);
}
END_TEST

START_TEST(each_byte_is_in_its_place)
{
	char text[161];

	for (int i = 0; i < 80; i++) {
		snprintf(text + i * 2, 3, "%02x", i + 100);
	}
	ck_assert_int_eq(parse(text, START), 0);
	ck_assert_int_eq(keys.items[0].name[0], 100);
	ck_assert_int_eq(keys.items[0].mac[0], 116);
	ck_assert_int_eq(keys.items[0].cipher[0], 148);
	ck_assert_int_eq(keys.items[0].cipher[31], 179);
}
END_TEST

START_TEST(a_key_has_the_age_of_its_first_time_at_the_top)
{
	char text[1024];

	ck_assert_int_eq(parse(line_of('1'), START), 0);
	snprintf(text, sizeof(text), "%s%s", line_of('1'), line_of('2'));
	ck_assert_int_eq(parse(text, START + 50), 0);
	ck_assert_int_eq(keys.made_s, START);
	snprintf(text, sizeof(text), "%s%s", line_of('2'), line_of('1'));
	ck_assert_int_eq(parse(text, START + 70), 0);
	ck_assert_int_eq(keys.made_s, START + 70);
}
END_TEST

static const struct {
	const char *text;
	const char *problem;
} bad_files[] = {
	{ "123\n", "f:1: expected a key of 160 hexadecimal digits\n" },
	{ "\n\nhello world\n", "f:3: expected a key of 160 hexadecimal digits\n" },
	{ "#\n\x01\x02\x03", "f:2: expected a key of 160 hexadecimal digits\n" },
};

START_TEST(a_bad_line_is_named_and_the_keys_before_go_on)
{
	char wanted[256];
	char *said;

	ck_assert_int_eq(parse(line_of('7'), START), 0);
	ck_assert_int_eq(parse(bad_files[_i].text, START + 1), ERR_INVALID);
	ck_assert_uint_eq(keys.count, 1);
	ck_assert_int_eq(keys.items[0].name[0], 0x77);
	said = configs_print(&problems);
	snprintf(wanted, sizeof(wanted), "%s  hint: 'openssl rand -hex 80' makes one\n",
	    bad_files[_i].problem);
	ck_assert_str_eq(said, wanted);
	free(said);
}
END_TEST

static void refuse(const char *text, const char *what)
{
	problems_release(&problems);
	problems_init(&problems);
	ck_assert_int_eq(parse(text, START), ERR_INVALID);
	ck_assert_uint_eq(problems.count, 1);
	ck_assert_str_eq(problems.items[0].what, what);
	ck_assert_uint_eq(keys.count, 0);
}

START_TEST(no_key_two_alike_or_too_many_are_refused)
{
	char text[9 * 161 + 1] = "";
	char nearly[162];

	refuse("", "there is no key in it");
	refuse("# nothing\n\n", "there is no key in it");
	snprintf(text, sizeof(text), "%s%s", line_of('1'), line_of('1'));
	refuse(text, "this key stands above already");
	for (int i = 0; i < 9; i++) {
		memcpy(text + 161 * i, line_of((char)('0' + i)), 162);
	}
	refuse(text, "more than 8 keys");
	snprintf(nearly, sizeof(nearly), "%s", line_of('1'));
	nearly[159] = 'g';
	refuse(nearly, "expected a key of 160 hexadecimal digits");
	nearly[159] = '\0';
	ck_assert_int_eq(ticket_keys_parse(&keys, "f", (struct slice){ nearly, 160 },
	    START, &problems), ERR_INVALID);
}
END_TEST

START_TEST(a_secret_needs_32_bytes_and_its_line_end_does_not_count)
{
	unsigned char other[TICKET_SEED_BYTES];

	ck_assert_int_eq(ticket_seed(seed, "f", slice_of("much too short\n"), &problems),
	    ERR_INVALID);
	ck_assert_str_eq(problems.items[0].what,
	    "expected a secret of 32 bytes at least, found 14");
	ck_assert_int_eq(ticket_seed(seed, "f", slice_of(
	    "0123456789abcdef0123456789abcde    \n\n"), &problems), ERR_INVALID);
	ck_assert_int_eq(ticket_seed(seed, "f", slice_of(
	    "0123456789abcdef0123456789abcdef"), &problems), 0);
	ck_assert_int_eq(ticket_seed(other, "f", slice_of(
	    "0123456789abcdef0123456789abcdef\r\n"), &problems), 0);
	ck_assert_mem_eq(seed, other, sizeof(seed));
	ck_assert_int_eq(ticket_seed(other, "f", slice_of(
	    "0123456789abcdef0123456789abcdeF"), &problems), 0);
	ck_assert_mem_ne(seed, other, sizeof(seed));
}
END_TEST

/* Computed by another implementation of RFC 5869: a fleet may run several releases. */
START_TEST(derived_keys_are_the_same_in_every_release)
{
	static const char wanted[] =
	    "62a6cdba0b59d8193e4eebc93ee78ef58958653d"
	    "0fa38c3807656e73f809cf7eb2be47f368e40789"
	    "07170b796187a5fcfd4c710447b7358d99d0a687"
	    "21d0c0766bff916e54eaed59c3352fd726ae8156";
	char text[161];

	ck_assert_int_eq(ticket_seed(seed, "f", slice_of(
	    "0123456789abcdef0123456789abcdef"), &problems), 0);
	ck_assert_int_eq(ticket_keys_derive(&keys, seed, 43200, NOW), 0);
	for (size_t i = 0; i < TICKET_KEY_BYTES; i++) {
		snprintf(text + 2 * i, 3, "%02x", ((unsigned char *)&keys.items[0])[i]);
	}
	ck_assert_str_eq(text, wanted);
}
END_TEST

/* Where the key that seals at the one time stands among those of the other; or -1. */
static int place(int64_t sealed_s, int64_t opened_s)
{
	struct ticket_keys sealing = { 0 };

	memset(&keys, 0, sizeof(keys));
	ck_assert_int_eq(ticket_keys_derive(&sealing, seed, LIFETIME, sealed_s), 0);
	ck_assert_int_eq(ticket_keys_derive(&keys, seed, LIFETIME, opened_s), 0);
	for (size_t i = 0; i < keys.count; i++) {
		if (memcmp(&keys.items[i], &sealing.items[0], TICKET_KEY_BYTES) == 0) {
			return (int)i;
		}
	}
	return -1;
}

START_TEST(a_derived_key_seals_for_a_quarter)
{
	ck_assert_int_eq(NOW % QUARTER, 0);
	ck_assert_int_eq(place(NOW, NOW + QUARTER - 1), 0);
	ck_assert_int_gt(place(NOW, NOW + QUARTER), 0);
}
END_TEST

START_TEST(a_derived_key_opens_for_a_lifetime_after_it_has_sealed)
{
	ck_assert_int_gt(place(NOW + QUARTER - 1, NOW + QUARTER - 1 + LIFETIME), 0);
	ck_assert_int_eq(place(NOW, NOW + LIFETIME + 2 * QUARTER), -1);
}
END_TEST

START_TEST(clocks_of_a_fleet_may_differ_by_a_quarter)
{
	/* The node that opens is behind, or ahead when the ticket has nearly ended. */
	ck_assert_int_gt(place(NOW + QUARTER - 1, NOW - 1), 0);
	ck_assert_int_gt(place(NOW + QUARTER - 1, NOW - 1 + LIFETIME + 2 * QUARTER), 0);
	ck_assert_int_eq(place(NOW + QUARTER, NOW - 1), -1);
}
END_TEST

START_TEST(a_clock_that_jumps_brings_the_keys_of_its_time)
{
	ck_assert_int_eq(ticket_keys_derive(&keys, seed, LIFETIME, NOW), 0);
	ck_assert_int_eq(ticket_keys_derive(&keys, seed, LIFETIME, NOW + 1), ERR_AGAIN);
	ck_assert_int_eq(ticket_keys_derive(&keys, seed, LIFETIME, NOW + QUARTER), 0);
	ck_assert_int_eq(ticket_keys_derive(&keys, seed, LIFETIME, 100), 0);
	ck_assert_uint_eq(keys.count, 2);
	ck_assert_int_eq(ticket_keys_derive(&keys, seed, LIFETIME, -100), ERR_AGAIN);
	ck_assert_int_eq(ticket_keys_derive(&keys, seed, LIFETIME, NOW), 0);
	ck_assert_uint_eq(keys.count, 7);
}
END_TEST

START_TEST(another_lifetime_or_secret_has_other_keys)
{
	struct ticket_keys other = { 0 };

	ck_assert_int_eq(ticket_keys_derive(&keys, seed, LIFETIME, NOW), 0);
	ck_assert_int_eq(ticket_keys_derive(&other, seed, 2 * LIFETIME, NOW), 0);
	ck_assert_mem_ne(&keys.items[0], &other.items[0], TICKET_KEY_BYTES);
	seed[0] ^= 1;
	memset(&other, 0, sizeof(other));
	ck_assert_int_eq(ticket_keys_derive(&other, seed, LIFETIME, NOW), 0);
	ck_assert_mem_ne(&keys.items[0], &other.items[0], TICKET_KEY_BYTES);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("ticket_keys");
	TCase *tests = tcase_create("ticket_keys");

	tcase_add_checked_fixture(tests, set_up, tear_down);
	tcase_add_test(tests, without_a_key_one_is_due);
	tcase_add_test(tests, the_next_is_due_after_a_quarter_of_the_lifetime);
	tcase_add_test(tests, one_that_has_sealed_opens_for_a_lifetime_and_is_wiped_then);
	tcase_add_test(tests, in_the_long_run_there_are_five_at_most);
	tcase_add_test(tests, the_newest_goes_on_while_there_is_no_other);
	tcase_add_test(tests, after_a_long_sleep_only_a_new_one_and_the_last_are_left);
	tcase_add_test(tests,
	    a_clock_that_jumps_back_neither_ends_keys_nor_keeps_them_for_ever);
	tcase_add_test(tests, a_shorter_lifetime_ends_those_before_sooner);
	tcase_add_test(tests, more_than_there_is_room_for_push_out_the_oldest);
	tcase_add_test(tests, a_file_has_a_key_a_line);
	tcase_add_test(tests, each_byte_is_in_its_place);
	tcase_add_test(tests, a_key_has_the_age_of_its_first_time_at_the_top);
	tcase_add_loop_test(tests, a_bad_line_is_named_and_the_keys_before_go_on, 0, 3);
	tcase_add_test(tests, no_key_two_alike_or_too_many_are_refused);
	tcase_add_test(tests, a_secret_needs_32_bytes_and_its_line_end_does_not_count);
	tcase_add_test(tests, derived_keys_are_the_same_in_every_release);
	tcase_add_test(tests, a_derived_key_seals_for_a_quarter);
	tcase_add_test(tests, a_derived_key_opens_for_a_lifetime_after_it_has_sealed);
	tcase_add_test(tests, clocks_of_a_fleet_may_differ_by_a_quarter);
	tcase_add_test(tests, a_clock_that_jumps_brings_the_keys_of_its_time);
	tcase_add_test(tests, another_lifetime_or_secret_has_other_keys);
	suite_add_tcase(suite, tests);
	return unit_run(suite);
}
