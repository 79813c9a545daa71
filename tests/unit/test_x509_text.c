/* SPDX-License-Identifier: MIT */
/* What a certificate says, as text: bounded, and nothing of it can be taken for more. */
#include "tls/x509_text.h"

#include <openssl/x509v3.h>

#include "unit.h"

static X509 *certificate;

static void set_up(void)
{
	certificate = X509_new();
}

static void tear_down(void)
{
	X509_free(certificate);
}

static void name_it(const char *value, int size)
{
	ck_assert_int_eq(X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate),
	    "CN", MBSTRING_UTF8, (const unsigned char *)value, size, -1, 0), 1);
}

static void add_san(GENERAL_NAMES *names, int type, const char *value, int size)
{
	GENERAL_NAME *name = GENERAL_NAME_new();
	ASN1_STRING *string = ASN1_STRING_type_new(
	    type == GEN_IPADD ? V_ASN1_OCTET_STRING : V_ASN1_IA5STRING);

	ck_assert_int_eq(ASN1_STRING_set(string, value, size), 1);
	GENERAL_NAME_set0_value(name, type, string);
	ck_assert_int_gt(sk_GENERAL_NAME_push(names, name), 0);
}

static void check(char *text, const char *expected)
{
	if (expected == NULL) {
		ck_assert_ptr_null(text);
	} else {
		ck_assert_ptr_nonnull(text);
		ck_assert_str_eq(text, expected);
	}
	free(text);
}

START_TEST(names_are_escaped_and_never_cut)
{
	X509_NAME *name = X509_get_subject_name(certificate);

	check(x509_text_name(name, 10), "");
	name_it("a,b\n\0c", 6);
	check(x509_text_name(name, 64), "CN=a\\,b\\0A\\00c");
	check(x509_text_name(name, 14), "CN=a\\,b\\0A\\00c");
	check(x509_text_name(name, 13), NULL);
}
END_TEST

START_TEST(alternative_names_cannot_hold_others)
{
	GENERAL_NAMES *names = GENERAL_NAMES_new();

	add_san(names, GEN_DNS, "a.test", 6);
	add_san(names, GEN_DNS, "b.test DNS:c.test", 17);
	add_san(names, GEN_DNS, "d.test\0.test", 12);
	add_san(names, GEN_EMAIL, "", 0);
	add_san(names, GEN_URI, "spiffe://e/f", 12);
	add_san(names, GEN_IPADD, "\xc0\0\2\1", 4);
	add_san(names, GEN_IPADD, "\1\2\3", 3);
	ck_assert_int_eq(X509_add1_ext_i2d(certificate, NID_subject_alt_name, names, 0,
	    0), 1);
	GENERAL_NAMES_free(names);
	check(x509_text_sans(certificate, 64),
	    "DNS:a.test URI:spiffe://e/f IP:192.0.2.1");
	check(x509_text_sans(certificate, 20), NULL);
}
END_TEST

START_TEST(what_is_not_there_is_no_text)
{
	check(x509_text_sans(certificate, 64), NULL);
}
END_TEST

START_TEST(times_are_those_of_rfc_3339)
{
	ASN1_TIME *time = ASN1_TIME_new();

	ck_assert_int_eq(ASN1_TIME_set_string(time, "20260131235959Z"), 1);
	check(x509_text_time(time), "2026-01-31T23:59:59Z");
	ASN1_TIME_free(time);
}
END_TEST

START_TEST(serials_are_whole_or_not_there)
{
	ASN1_INTEGER_set(X509_get_serialNumber(certificate), 0x1a2b);
	check(x509_text_serial(certificate, 4), "1a2b");
	check(x509_text_serial(certificate, 3), NULL);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("x509_text");
	TCase *tcase = tcase_create("x509_text");

	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_add_test(tcase, names_are_escaped_and_never_cut);
	tcase_add_test(tcase, alternative_names_cannot_hold_others);
	tcase_add_test(tcase, what_is_not_there_is_no_text);
	tcase_add_test(tcase, times_are_those_of_rfc_3339);
	tcase_add_test(tcase, serials_are_whole_or_not_there);
	suite_add_tcase(suite, tcase);
	return unit_run(suite);
}
