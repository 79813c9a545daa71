/* SPDX-License-Identifier: MIT */
#include "exchange/fields.h"

#include <inttypes.h>

#include "unit.h"

START_TEST(framing_belongs_to_the_protocol)
{
	ck_assert(fields_framing(SLICE("Connection")));
	ck_assert(fields_framing(SLICE("TRANSFER-ENCODING")));
	ck_assert(fields_framing(SLICE("te")));
	ck_assert(!fields_framing(SLICE("tea")));
	ck_assert(!fields_framing(SLICE("content-length")));
	ck_assert(!fields_framing(SLICE("date")));
}
END_TEST

START_TEST(trailer_takes_only_what_may_come_late)
{
	ck_assert(fields_trailer_allowed(SLICE("Server-Timing")));
	ck_assert(fields_trailer_allowed(SLICE("digest")));
	ck_assert(!fields_trailer_allowed(SLICE("Content-Length")));
	ck_assert(!fields_trailer_allowed(SLICE("set-cookie")));
	ck_assert(!fields_trailer_allowed(SLICE("transfer-encoding")));
	ck_assert(!fields_trailer_allowed(SLICE("host")));
}
END_TEST

START_TEST(length_is_digits_within_range)
{
	static const char *const bad[] = { "", "-1", "+1", " 1", "1 ", "0x1", "1,1",
		"1.0", "9223372036854775808", "99999999999999999999" };
	int64_t length = -7;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		ck_assert_int_eq(fields_parse_length(slice_of(bad[i]), &length),
		    ERR_INVALID);
	}
	ck_assert_int_eq(length, -7);
	ck_assert_int_eq(fields_parse_length(SLICE("0"), &length), 0);
	ck_assert_int_eq(length, 0);
	ck_assert_int_eq(fields_parse_length(SLICE("000123"), &length), 0);
	ck_assert_int_eq(length, 123);
	ck_assert_int_eq(fields_parse_length(SLICE("9223372036854775807"), &length), 0);
	ck_assert(length == INT64_MAX);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("fields");
	TCase *tcase = tcase_create("fields");

	tcase_add_test(tcase, framing_belongs_to_the_protocol);
	tcase_add_test(tcase, trailer_takes_only_what_may_come_late);
	tcase_add_test(tcase, length_is_digits_within_range);
	suite_add_tcase(suite, tcase);
	return unit_run(suite);
}
